"""The services of a data set as workloads: groups of those that may share instances."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from advisor.errors import AdvisorError, InputError
from advisor.fleet.advised import FleetOptions, ReadWorkload, problem_of, short_services
from advisor.fleet.hashes import file_sha256
from advisor.fleet.records import LeftOut, Status, WorkloadRecord
from advisor.sources.dataset import Dataset, DatasetFile, ServiceKey
from advisor.sources.dataset_rows import ServiceRows, records_of, service_rows
from advisor.sources.dataset_services import DatasetServices, dataset_service, statement_of
from advisor.sources.demand import Load, service_load
from advisor.sources.ecs_names import ecs_name_problem, name_from_stem
from advisor.sources.folders import files_below
from advisor.sources.load_files import is_load_file
from advisor.sources.load_options import LoadOptions
from advisor.sources.places import Place, listed
from advisor.sources.put_together import coverage_sentences, workload_of
from advisor.sources.series import regular_series
from advisor.sources.service_entries import defaults_used, stated_names
from advisor.workload import Constraints, InputFile, Workload

if TYPE_CHECKING:
    from advisor.sources.workload_models import ServiceEntry


class DatasetEntry(NamedTuple):
    """A service of a data set, and what is known of it beside its load."""

    key: ServiceKey
    entry: "ServiceEntry"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetMember:
    """Services of a data set that may share instances, as one workload."""

    name: str
    region: str
    files: tuple[DatasetFile, ...]
    entries: tuple[DatasetEntry, ...]

    @property
    def service_names(self) -> tuple[str, ...]:
        """Of all its services."""
        return tuple(each.entry.name for each in self.entries)

    def read(self, options: FleetOptions) -> ReadWorkload:
        """The workload of these services alone, without those whose load cannot be read.

        Raises
        ------
        InputError
            A file is damaged or was changed meanwhile, or no load is understood.
        """
        before = [file_sha256(file.path) for file in self.files]
        found = {rows.service: rows for rows in service_rows(self.files, {each.key for each in self.entries})}
        if before != [file_sha256(file.path) for file in self.files]:
            raise InputError("its files were changed while they were read", fix="Run it again.", file=str(self.files[0].path))
        notes: list[str] = []
        loads: list[tuple[DatasetEntry, Load]] = []
        left_out = []
        for each in self.entries:
            try:
                loads.append((each, load_of(found.get(each.key), each, options.reading, notes)))
            except Exception as error:  # a fault of ours with one service is said of it, and stops no other
                if len(self.entries) == 1:
                    raise
                left_out.append(LeftOut(service=each.entry.name, status=Status.FAILED, problem=problem_of(error)))
        if not loads:
            raise InputError("; ".join(each.problem for each in left_out), fix="None of its services can be read.")
        workload = workload_of_loads(self.name, self.region, loads, notes)
        short = short_services(workload)
        if short:
            left_out += [LeftOut(service=name, status=Status.NOT_ENOUGH_DATA, problem=why) for name, why in short.items()]
            loads = [(each, load) for each, load in loads if each.entry.name not in short]
            workload = workload_of_loads(self.name, self.region, loads, notes)
        inputs = tuple(InputFile(path=str(file.path), sha256=sha) for file, sha in zip(self.files, before, strict=True))
        return ReadWorkload(workload=replace(workload, inputs=inputs), left_out=tuple(left_out))


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPlan:
    """What there is to do for a data set."""

    dataset: Dataset
    region: str
    members: tuple[DatasetMember, ...]
    failures: tuple[WorkloadRecord, ...]
    """Services whose size nothing says, and files that cannot be read."""
    notes: tuple[str, ...] = ()


def plan_dataset(dataset: Dataset, services: DatasetServices, region: str | None) -> DatasetPlan:
    """Groups of services that may share instances.

    Raises
    ------
    InputError
        The Region is not given, or the table names services that the data set does not hold.
    """
    if region is None:
        raise InputError(
            "the AWS Region is not given", fix="Give --region, such as --region eu-west-1.", file=str(dataset.folder)
        )
    keys = dataset.services
    n_clusters = Counter(key.name for key in keys)
    absent = services.absent(keys)
    if absent and not dataset.damaged:
        raise Place(services.file).error(f"the data set holds no {listed(absent)}", fix="Correct the names, or leave them out.")
    failures = [
        WorkloadRecord(
            name=path.absolute().relative_to(dataset.folder.absolute()).as_posix(), status=Status.FAILED, problem=why
        )
        for path, why in dataset.damaged
    ]
    groups: dict[tuple[str, str], list[DatasetEntry]] = {}
    for key in keys:
        is_in_several = n_clusters[key.name] > 1
        try:
            if is_in_several and key.cluster is None:
                raise Place(str(dataset.folder)).error(
                    f"{key.name} stands in several clusters, and rows of it in none", fix="Name their cluster."
                )
            entry = DatasetEntry(key, services.entry(key, is_in_several=is_in_several))
            groups.setdefault(services.group(key, is_in_several=is_in_several), []).append(entry)
        except AdvisorError as error:
            name = f"{key.name} of {key.cluster}" if is_in_several else key.name
            failures.append(WorkloadRecord(name=name, status=Status.FAILED, problem=str(error), service_names=(key.name,)))
    files_of: dict[ServiceKey, list[DatasetFile]] = {}
    for file in dataset.files:
        for key in file.services:
            files_of.setdefault(key, []).append(file)
    n_named = Counter(value for _, value in groups)
    members = []
    for (kind, value), found in groups.items():
        name, entries = value if n_named[value] == 1 or kind == "cluster" else f"{value} ({kind})", _named(found)
        names = tuple(each.entry.name for each in entries)
        if len(set(names)) < len(names):
            again = Counter(names).most_common(1)[0][0]
            problem = f"the service {again!r} stands twice among those that share. Rename it."
            failures.append(WorkloadRecord(name=name, status=Status.FAILED, problem=problem, service_names=names))
            continue
        files = tuple(dict.fromkeys(file for each in entries for file in files_of[each.key]))
        members.append(DatasetMember(name=name, region=region, files=files, entries=entries))
    return DatasetPlan(
        dataset=dataset,
        region=region,
        members=tuple(members),
        failures=tuple(failures),
        notes=_notes(dataset, services.file, absent),
    )


def _notes(dataset: Dataset, table: str, absent: Sequence[str]) -> tuple[str, ...]:
    """Files that say nothing of any service, and rows of the table that are of none that can be read."""
    empty = [file.path.name for file in dataset.files if not file.n_rows]
    beside = [path for path in files_below(dataset.folder, "*") if path.parent == dataset.folder and is_load_file(path)]
    others = [path.name for path in beside if path.suffix != ".parquet"]
    unread = [name for name in others if not table or (dataset.folder / name).absolute() != Path(table).absolute()]
    found = {
        "files without rows": empty,
        "no Parquet, and not read": unread,
        "in --services, and in no file that can be read": absent,
    }
    return tuple(f"{what}: {listed(names)}" for what, names in found.items() if names)


def load_of(rows: ServiceRows | None, of: DatasetEntry, reading: LoadOptions, notes: list[str]) -> Load:
    """The load of a service.

    Raises
    ------
    InputError
        It has no rows, or they are not understood.
    """
    if rows is None:
        raise InputError(f"the data set holds no rows of {of.entry.name!r}", fix="Leave the service out of the table.")
    series = regular_series([records_of(rows, reading, notes)], notes, reading.interval_s)
    return service_load(series, statement_of(of.entry), notes)


def workload_of_loads(name: str, region: str, loads: Sequence[tuple[DatasetEntry, Load]], notes: list[str]) -> Workload:
    """Services with their loads as one workload."""
    constraints = Constraints()
    services = [dataset_service(each.entry, load, constraints.zones) for each, load in loads]
    cluster = name if ecs_name_problem(name) is None else name_from_stem(name)
    workload = workload_of(cluster, region, services, [load for _, load in loads], notes)
    stated = [(service, stated_names(each.entry, None)) for service, (each, _) in zip(services, loads, strict=True)]
    return replace(
        workload,
        notes=tuple(dict.fromkeys((*notes, *coverage_sentences(workload)))),
        defaults_used=defaults_used(stated, constraints, ()),
    )


def _named(entries: Sequence[DatasetEntry]) -> tuple[DatasetEntry, ...]:
    """Two services of one name that share get the names of their clusters before their own."""
    count = Counter(each.key.name for each in entries)
    return tuple(
        each
        if count[each.key.name] == 1
        else DatasetEntry(
            each.key, each.entry.model_copy(update={"name": f"{name_from_stem(each.key.cluster or '')}-{each.key.name}"})
        )
        for each in entries
    )
