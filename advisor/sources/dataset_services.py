"""What the tasks of a data set's services need: a table with one row a service, or one size for all."""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from advisor.sources.dataset import ServiceKey
from advisor.sources.demand import Statement
from advisor.sources.input_files import InputFiles
from advisor.sources.places import Place, listed, shown
from advisor.sources.service_entries import service_of

if TYPE_CHECKING:
    from advisor.sources.demand import Load
    from advisor.sources.workload_models import ServiceEntry
    from advisor.workload import Service

_TASK: Final = ("cpu", "memory", "ephemeral_storage", "startup_seconds")
_LOAD: Final = ("requests_per_task", "cpu_ms_per_request")
_SCALING: Final = ("min", "max", "target_cpu")
_PRESENT: Final = {"present_launch_type": "launch_type", "present_desired_count": "desired_count"}
_PLAIN: Final = ("image", "port")
_TRUTHS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
COLUMNS: Final = (
    "service",
    "cluster",
    "share",
    *_TASK,
    *_LOAD,
    *_SCALING,
    "architectures",
    "interruptible",
    *_PLAIN,
    *_PRESENT,
)
_SIZE_FIX: Final = "Give --services FILE with a row for it, or --cpu 512 --memory 1024 for all services without one."


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRow:
    """A row of the table: an entry as in a workload file, and with whom it shares."""

    service: ServiceKey
    """Without a cluster where the row names none."""
    entry: "ServiceEntry"
    share: str = ""
    """Services with one tag may share instances, whatever their clusters."""

    @property
    def label(self) -> str:
        """As a message names it."""
        return self.service.name if self.service.cluster is None else f"{self.service.name} of {self.service.cluster}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetServices:
    """What a table says of services, and what holds for those without a row."""

    file: str = ""
    rows: Mapping[str, Mapping[str | None, ServiceRow]] = field(default_factory=dict)
    """By name, and by cluster."""
    default: Mapping[str, Any] | None = None
    """Task and load of an entry."""

    def entry(self, service: ServiceKey, *, is_in_several: bool) -> "ServiceEntry":
        """What is known of a service, which may stand in several clusters of the data set.

        Raises
        ------
        InputError
            Nothing is, or its name is none that ECS accepts.
        """
        row = self._row(service, is_in_several)
        if row is not None:
            return row.entry
        place = Place(self.file or "the data set")
        if self.default is None:
            raise place.error(f"nothing says how large the tasks of {shown(service.name)} are", fix=_SIZE_FIX)
        return _checked({"name": service.name, **self.default}, place)

    def group(self, service: ServiceKey, *, is_in_several: bool) -> tuple[str, str]:
        """Services of one group may share instances: those of a tag, else of a cluster; else a service is alone."""
        row = self._row(service, is_in_several)
        if row is not None and row.share:
            return "share", row.share
        cluster = service.cluster if row is None or row.service.cluster is None else row.service.cluster
        return ("service", service.name) if cluster is None else ("cluster", cluster)

    def absent(self, services: Sequence[ServiceKey]) -> list[str]:
        """Rows of the table that are of no service of a data set."""
        count = Counter(service.name for service in services)
        used = {row.service for service in services if (row := self._row(service, count[service.name] > 1)) is not None}
        return sorted(row.label for rows in self.rows.values() for row in rows.values() if row.service not in used)

    def _row(self, service: ServiceKey, is_in_several: bool) -> ServiceRow | None:
        """The row of its name and cluster, or of its name alone; the only row of a name may say another cluster."""
        rows = self.rows.get(service.name, {})
        only = next(iter(rows.values())) if len(rows) == 1 and not is_in_several else None
        return rows.get(service.cluster) or rows.get(None) or only


def read_dataset_services(
    path: Path | None,
    *,
    cpu: int | str | None = None,
    memory: int | str | None = None,
    requests_per_task: float | None = None,
    cpu_ms_per_request: float | None = None,
) -> DatasetServices:
    """The table of services, and the options for those that it does not hold.

    Raises
    ------
    InputError
        Naming file, line and column.
    """
    default: dict[str, Any] | None = None
    if cpu is not None and memory is not None:
        figures = {"requests_per_task": requests_per_task, "cpu_ms_per_request": cpu_ms_per_request}
        load = {name: figure for name, figure in figures.items() if figure is not None}
        default = {"task": {"cpu": cpu, "memory": memory}, "load": {"file": "dataset", **load}}
    if path is None:
        return DatasetServices(default=default)
    rows = list(csv.reader(io.StringIO(InputFiles().text(path))))
    place = Place(str(path), 1)
    header = [name.strip() for name in rows[0]] if rows else []
    unknown = [name for name in header if name not in COLUMNS]
    if "service" not in header or unknown or len(set(header)) < len(header):
        what = f"the columns {listed(unknown)} are not known" if unknown else "the header needs `service`, and each column once"
        raise place.error(what, fix=f"The columns are {', '.join(COLUMNS)}.")
    by_name: dict[str, dict[str | None, ServiceRow]] = {}
    for line, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        at = Place(str(path), line)
        if len(row) != len(header):
            raise at.error(f"{len(row)} cells under {len(header)} columns", fix="Check commas and quotation marks.")
        cells = {name: cell.strip() for name, cell in zip(header, row, strict=True) if cell.strip()}
        entry = _checked(_entry(cells, at), at)
        service = ServiceKey(entry.name, cells.get("cluster"))
        of_name = by_name.setdefault(service.name, {})
        if service.cluster in of_name:
            raise at.error(f"the service {entry.name!r} stands twice", fix="Keep one row, or name the cluster of each.")
        of_name[service.cluster] = ServiceRow(service=service, entry=entry, share=cells.get("share", ""))
    return DatasetServices(file=str(path), rows=by_name, default=default)


def statement_of(entry: "ServiceEntry") -> Statement:
    """What an entry says about its load beside the data set."""
    return Statement(
        name=entry.name,
        task=size_of(entry),
        requests_per_task=entry.load.requests_per_task,
        cpu_ms_per_request=entry.load.cpu_ms_per_request,
        desired_count=entry.present.desired_count if entry.present else None,
        figure_place=Place("--services"),
        figure_names=("requests_per_task", "cpu_ms_per_request"),
        count_fix="Add a column `tasks`, or `present_launch_type` and `present_desired_count` in --services.",
    )


def size_of(entry: "ServiceEntry") -> Any:
    """Size of a task."""
    from advisor.ecs import TaskSize

    return TaskSize(cpu_units=entry.task.cpu or 0, memory_mib=entry.task.memory or 0)


def dataset_service(entry: "ServiceEntry", load: "Load", zones: int) -> "Service":
    """A service of a data set, as of a workload file."""
    return service_of(entry, None, size_of(entry), load, zones)


def _entry(cells: Mapping[str, str], at: Place) -> dict[str, Any]:
    def part(names: Mapping[str, str]) -> dict[str, Any]:
        return {key: _value(cells[name], name, at) for name, key in names.items() if name in cells}

    def same(*names: str) -> dict[str, Any]:
        return part({name: name for name in names})

    entry: dict[str, Any] = {
        "name": cells.get("service", ""), "task": same(*_TASK), "load": {"file": "dataset", **same(*_LOAD)},
        "scaling": same(*_SCALING), **same("port"),
    }  # fmt: skip
    if "image" in cells:
        entry["image"] = cells["image"]
    if "architectures" in cells:
        entry["architectures"] = cells["architectures"].replace(";", " ").split()
    if "interruptible" in cells:
        if cells["interruptible"].lower() not in _TRUTHS:
            raise Place(at.file, at.line, "interruptible").error(
                f"{shown(cells['interruptible'])} is neither true nor false", fix="Write true or false."
            )
        entry["interruptible"] = _TRUTHS[cells["interruptible"].lower()]
    present = {_PRESENT[name]: cells[name] for name in _PRESENT if name in cells}
    if present:
        count = (
            {"desired_count": _value(present["desired_count"], "present_desired_count", at)}
            if "desired_count" in present
            else {}
        )
        entry["present"] = {**present, **count}
    return entry


def _value(cell: str, name: str, at: Place) -> int | float:
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    raise Place(at.file, at.line, name).error(f"{shown(cell)} is no number", fix="Write a number, or leave the cell empty.")


def _checked(data: Mapping[str, Any], at: Place) -> "ServiceEntry":
    from pydantic import ValidationError

    from advisor.sources.workload_models import ServiceEntry

    try:
        entry = ServiceEntry.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise at.error(f"{shown(data.get('name', ''))}: {where}: {first['msg']}", fix="Correct it.") from None
    if not entry.task.cpu or not entry.task.memory:
        raise at.error(f"{shown(entry.name)} has no task size", fix="Give cpu (CPU units) and memory (MiB).")
    return entry
