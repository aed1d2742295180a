"""Workloads from files: a workload file with its load files, one CSV, or what CloudWatch prints."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from advisor.ecs import TaskSize, fargate_least_bill_s
from advisor.errors import InputError
from advisor.plan.placement import host_ports_note
from advisor.sources.batch_runs import Runs, parse_runs
from advisor.sources.commitment_entries import held_commitments
from advisor.sources.demand import Load, Statement, constant_load, load_of_runs
from advisor.sources.input_files import InputFiles, Place
from advisor.sources.load_files import LoadFiles, files_at
from advisor.sources.load_options import LoadOptions
from advisor.sources.network_entries import check_network, network_of
from advisor.sources.plain_loads import REGION_FIX, PlainTasks, read_load_files, region_of
from advisor.sources.put_together import finished, workload_of
from advisor.sources.scaling_entries import (
    check_cooldowns,
    check_scheduled,
    check_steps,
    cooldowns_note,
    scheduled_note,
    steps_note,
)
from advisor.sources.service_entries import (
    check_deployments,
    check_memory_use,
    check_operating_system,
    check_present,
    constraints_of,
    daemon_of,
    defaults_used,
    definition_notes,
    operating_system_of,
    present_of,
    service_of,
    stated_memory,
    stated_names,
    task_size,
)
from advisor.sources.task_size import TaskDefinition, parse_task_definition
from advisor.workload import DEFAULT_STARTUP_S, Growth, LoadForm, Service, SideCosts, Workload

if TYPE_CHECKING:
    from advisor.sources.workload_models import DaemonEntry, ServiceEntry
    from advisor.sources.yaml_document import Document
    from advisor.sources.yaml_document import Path as YamlPath

READING_KEYS: Final = (
    "time_zone", "columns", "values", "decimal", "delimiter", "day_first", "encoding", "epoch_unit", "doubled_hour", "interval",
    "start",
)  # fmt: skip
"""Keys of a load entry that say how its files are read."""
_YAML_SUFFIXES: Final = frozenset({".yaml", ".yml"})


def read_workload(
    source: str | Path,
    *,
    region: str | None = None,
    cpu: int | str | None = None,
    memory: int | str | None = None,
    time_zone: str | None = None,
    columns: Mapping[str, str] | None = None,
    requests_per_task: float | None = None,
    cpu_ms_per_request: float | None = None,
    reading: LoadOptions | None = None,
) -> Workload:
    """Services of one cluster and their load, from files.

    Parameters
    ----------
    source
        A workload file (YAML), one file of load (CSV, JSON, Parquet), or a folder with one load file a service.
    region
        AWS Region; goes before the one in a workload file.
    cpu, memory
        For a single load file, size of the task of every service in it: CPU units and MiB, or text such as "0.5 vCPU", "1 GB".
    time_zone
        IANA name of the zone of times that carry none; UTC without it.
    columns
        Meaning by name of column or metric, over what the names say.
    requests_per_task, cpu_ms_per_request
        For a single load file, what a task serves (requests per second at its target) or one request takes. One of them.
    reading
        More statements about load files, such as ``LoadOptions.stated(decimal=",", day_first=True)``; ``time_zone`` and
        ``columns`` go first.

    Returns
    -------
    Workload
        Arrays (services, steps) with the start [UTC] and the length of a step [s]; NaN where nothing was measured.

    Raises
    ------
    InputError
        Naming file, line, column and fix.

    Examples
    --------
    >>> import advisor
    >>> workload = advisor.read_workload("examples/cloudwatch/workload.yaml")
    >>> workload.region, [service.name for service in workload.services], workload.step_s
    ('eu-west-1', ['api'], 3600)
    """
    path = Path(source)
    options = LoadOptions.stated(time_zone=time_zone, columns=columns).over(reading or LoadOptions())
    if path.suffix.lower() not in _YAML_SUFFIXES:
        tasks = PlainTasks(
            region=region, cpu=cpu, memory=memory, requests_per_task=requests_per_task, cpu_ms_per_request=cpu_ms_per_request
        )
        return read_load_files(path, tasks, options)
    stated = {"cpu": cpu, "memory": memory, "requests-per-task": requests_per_task, "cpu-ms-per-request": cpu_ms_per_request}
    for name, value in stated.items():
        if value is not None:
            raise InputError(f"--{name} goes with a single load file", fix="Write it into the workload file.", file=str(path))
    files = InputFiles()
    load_files = LoadFiles(files, options)
    return finished(_from_workload_file(path, files, load_files, region), files, load_files, path)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileServices:
    """Services of a workload file, and what it states of their cluster."""

    cluster: str
    region: str
    services: tuple[Service, ...]
    loads: tuple[Load, ...]
    """Each on its own times."""
    is_whole: bool
    """All services of the file."""
    statements: Mapping[str, Any]
    """Fields of a :class:`Workload` by name."""


def _from_workload_file(path: Path, files: InputFiles, load_files: LoadFiles, region: str | None) -> Workload:
    found = services_of_file(path, files, load_files, region)
    workload = workload_of(found.cluster, found.region, found.services, found.loads, load_files.notes)
    return replace(workload, **found.statements)


def services_of_file(
    path: Path, files: InputFiles, load_files: LoadFiles, region: str | None, names: Collection[str] | None = None
) -> FileServices:
    """Services of a workload file: those of the names, or all. Raises what :func:`read_workload` raises."""
    # pydantic takes longer to import than a year of load to read, and a single CSV does without.
    from advisor.sources.workload_checks import checked, named_services
    from advisor.sources.yaml_document import parse_yaml

    document = parse_yaml(files.text(path), str(path))
    numbers = None if names is None else [at for at, name in named_services(document).items() if name in names]
    entry = checked(document, numbers)
    entries = dict(zip(range(len(entry.services)) if numbers is None else numbers, entry.services, strict=True))
    _refuse_repeated_names(entries, entry.daemons, document)
    if region is None and entry.region is None:
        raise document.place(()).error("`region` is missing", fix=f"Add `region: us-east-1`. {REGION_FIX}, overrules it.")
    notes = load_files.notes
    sized = [_sized(path, files, one, document, ("services", number), notes) for number, one in entries.items()]
    for one, (definition, _) in zip(entries.values(), sized, strict=True):
        is_stated = definition is None or one.network_mode or definition.network_mode or one.placement_constraints
        if definition is not None and definition.host_ports and not is_stated:
            notes.append(f"{one.name} {host_ports_note(each.host for each in definition.host_ports)}.")
    loads = [
        _load_of(path, files, load_files, one, size, document, number, operating_system_of(one.task, definition))
        for (number, one), (definition, size) in zip(entries.items(), sized, strict=True)
    ]
    constraints = constraints_of(entry.constraints, entry.present)
    services = [
        replace(
            service_of(one, definition, size, load, constraints.zones),
            **network_of(one, definition, document.place(("services", number))),
        )
        for (number, one), (definition, size), load in zip(entries.items(), sized, loads, strict=True)
    ]
    for number, service, load in zip(entries, services, loads, strict=True):
        check_memory_use(service, load, document.place(("services", number, "memory_use")))
        check_present(service, document.place(("services", number, "present")))
        check_scheduled(service, document.place(("services", number, "scaling", "scheduled_actions")))
        if service.scaling.scheduled_actions:
            notes.append(scheduled_note(service))
        check_cooldowns(service, document.place(("services", number, "scaling")))
        if service.scaling.has_own_cooldowns and service.load_form is LoadForm.TASKS:
            notes.append(cooldowns_note(service))
        check_steps(service, document.place(("services", number, "scaling", "step_scaling")))
        if service.scaling.step_policies:
            notes.append(steps_note(service))
        check_network(service, document.place(("services", number)))
        check_deployments(service, document.place(("services", number, "deployments")))
    stated = [stated_names(one, definition) for one, (definition, _) in zip(entries.values(), sized, strict=True)]
    daemons = [
        daemon_of(one, *_sized(path, files, one, document, ("daemons", number), notes), document.place(("daemons", number)))
        for number, one in enumerate(entry.daemons)
    ]
    in_region = region_of(path, region or entry.region)
    return FileServices(
        cluster=entry.cluster,
        region=in_region,
        services=tuple(services),
        loads=tuple(loads),
        is_whole=numbers is None or len(numbers) == len(named_services(document)),
        statements={
            "constraints": constraints,
            "growth": Growth(fraction=entry.growth.fraction, spread_fraction=entry.growth.spread),
            "daemons": tuple(daemons),
            "present": present_of(entry.present),
            "commitments": held_commitments(entry, in_region, document, notes),
            "side_costs": None if entry.side_costs is None else SideCosts(**entry.side_costs.model_dump()),
            "rates_file": None if entry.rates is None else str(path.parent / entry.rates),
            "defaults_used": _assumed(entries.values())
            | defaults_used(
                zip(services, stated, strict=True),
                constraints,
                entry.constraints.model_fields_set,
                [d for d, one in zip(daemons, entry.daemons, strict=True) if not (one.architectures and one.network_mode)],
            ),
        },
    )


def _assumed(entries: "Collection[ServiceEntry]") -> dict[str, str]:
    """What the loads that were not measured are made from."""
    loads = {f"load of {one.name}": "; ".join(one.load.assumed) for one in entries if one.load.assumed}
    return loads | {f"memory of {one.name}": stated_memory(one.memory_use) for one in entries if one.memory_use}


def _refuse_repeated_names(
    services: "Mapping[int, ServiceEntry]", daemons: "Sequence[DaemonEntry]", document: "Document"
) -> None:
    first_by_name: dict[str, YamlPath] = {}
    named = [
        *((("services", number), "service", one.name) for number, one in services.items()),
        *((("daemons", number), "daemon", one.name) for number, one in enumerate(daemons)),
    ]
    for at, kind, name in named:
        first = first_by_name.setdefault(name, at)
        if first != at:
            line = document.place((*first, "name")).line
            raise document.place((*at, "name")).error(
                f"the {kind} {name!r} stands twice, first in line {line}", fix="Give each service its own name."
            )


def _sized(
    path: Path, files: InputFiles, entry: "ServiceEntry | DaemonEntry", document: "Document", at: "YamlPath", notes: list[str]
) -> tuple[TaskDefinition | None, TaskSize]:
    """Task definition, where a file gives it, and size of a task."""
    definition = None
    if entry.task.file is not None:
        file = path.parent / entry.task.file
        definition = parse_task_definition(files.text(file, document.place((*at, "task", "file"))), str(file))
    check_operating_system(entry, definition, document.place((*at, "task")))
    size = task_size(entry.task, definition, document.place((*at, "task")))
    if definition is not None:
        notes.extend(definition_notes(entry.name, definition, size))
    return definition, size


def _load_of(
    path: Path,
    files: InputFiles,
    load_files: LoadFiles,
    entry: "ServiceEntry",
    size: TaskSize,
    document: "Document",
    number: int,
    operating_system: str,
) -> Load:
    if entry.load.tasks is not None:
        return constant_load(entry.load.tasks)
    at: YamlPath = ("services", number, "load")
    if entry.load.runs is not None or entry.load.runs_file is not None:
        return _batch(path, files, entry, document, at, operating_system)
    figure = "cpu_ms_per_request" if entry.load.cpu_ms_per_request else "requests_per_task"
    statement = Statement(
        name=entry.name,
        task=size,
        requests_per_task=entry.load.requests_per_task,
        cpu_ms_per_request=entry.load.cpu_ms_per_request,
        desired_count=entry.present.desired_count if entry.present else None,
        figure_place=document.place((*at, figure)),
        figure_names=("requests_per_task", "cpu_ms_per_request"),
        count_fix="Add a column `tasks`, or give the service `present: {launch_type: EC2, desired_count: 6}`.",
    )
    load_paths_found, named_at = load_paths(path, entry, document, number)
    load = load_files.load_of(load_paths_found, statement, named_at, stated_reading(entry, document, number))
    if not entry.load.assumed:
        return load
    load_files.notes.extend(f"{entry.name}: assumed, not measured: {text.rstrip('.')}." for text in entry.load.assumed)
    return replace(load, is_stated=True)


def load_paths(path: Path, entry: "ServiceEntry", document: "Document", number: int) -> tuple[list[Path], Place]:
    """The load files of a service, and where the workload file names them; none for a stated load."""
    at: YamlPath = ("services", number, "load", "file" if entry.load.file else "files")
    named_at = document.place(at)
    if entry.load.file:
        return [path.parent / entry.load.file], named_at
    return [file for name in entry.load.files or [] for file in files_at(path.parent / name, named_at)], named_at


def stated_reading(entry: "ServiceEntry", document: "Document", number: int) -> LoadOptions | None:
    """What the entry of a service states about its load files; None where it states nothing."""
    load, at = entry.load, ("services", number, "load")
    stated = {name: getattr(load, name) for name in READING_KEYS if getattr(load, name) is not None}
    if not stated:
        return None
    try:
        return LoadOptions.stated(**stated)
    except InputError as error:
        raise document.place(at).error(error.problem, fix=error.fix) from None


def _batch(
    path: Path, files: InputFiles, entry: "ServiceEntry", document: "Document", at: "YamlPath", operating_system: str
) -> Load:
    """Scheduled tasks and batch runs: as the entry states them, or from a table of them."""
    from advisor.sources.workload_models import run_of

    place = document.place((*at, "runs" if entry.load.runs_file is None else "runs_file"))
    if entry.load.runs_file is None:
        runs = tuple(run_of(one) for one in entry.load.runs or ())
    else:
        file = path.parent / entry.load.runs_file
        runs = parse_runs(files.text(file, place), str(file))
    return load_of_runs(
        Runs(
            name=entry.name,
            runs=runs,
            startup_s=DEFAULT_STARTUP_S if entry.task.startup_seconds is None else entry.task.startup_seconds,
            place=place,
            least_bill_s=fargate_least_bill_s(operating_system),
        )
    )
