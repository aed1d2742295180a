"""A data set as a fleet: a first look at all of its services, and full advice on groups of them that may share instances."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from advisor.ecs import LaunchType, PurchaseOption
from advisor.errors import AdvisorError, InputError
from advisor.fleet.advised import FleetOptions, catalog_of, problem_of
from advisor.fleet.engines import Lost, Mapped
from advisor.fleet.hashes import file_sha256
from advisor.fleet.held import HeldTasks, held_tasks, held_tasks_of_counts
from advisor.fleet.records import Range, ServiceRecord, Status, WorkloadRecord
from advisor.fleet.screening import ScreenedChoice, choice_of, screened_choices, search_of
from advisor.fleet.services import effort_of
from advisor.optimize.loads import service_loads
from advisor.simulate.timeline import timeline
from advisor.sources.dataset import Dataset, DatasetColumns, DatasetFile, ServiceRows, blocks, records_of, service_rows
from advisor.sources.dataset_services import DatasetServices, dataset_service, statement_of
from advisor.sources.demand import Load, service_load
from advisor.sources.ecs_names import ecs_name_problem, name_from_stem
from advisor.sources.load_options import LoadOptions
from advisor.sources.meanings import Meaning
from advisor.sources.places import Place, listed
from advisor.sources.put_together import coverage_sentences, workload_of
from advisor.sources.series import Series, regular_series
from advisor.sources.service_entries import defaults_used, stated_names
from advisor.workload import Constraints, InputFile, LoadForm, Service, Workload

if TYPE_CHECKING:
    from advisor.sources.workload_models import ServiceEntry

LEAST_HOURS: Final = 24.0
"""Less load than this is no ground for a recommendation."""
SCREENED_NOTE: Final = (
    "screened services: each alone, on demand, in its declared size, on the packing model; shared instances, Spot, "
    "burstable types, other sizes, the replay and the draws are left to the full advice"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetMember:
    """Services of a data set that may share instances, as one workload."""

    name: str
    region: str
    files: tuple[DatasetFile, ...]
    columns: DatasetColumns
    entries: "tuple[ServiceEntry, ...]"

    def read(self, options: FleetOptions) -> Workload:
        """The workload of these services alone.

        Raises
        ------
        InputError
            A file is damaged, or a load is not understood.
        """
        notes: list[str] = []
        found = {rows.service: rows for rows in service_rows(self.files, self.columns, {entry.name for entry in self.entries})}
        loads = [_load_of(found, entry, self.columns, options.reading, notes) for entry in self.entries]
        workload = _workload(self.name, self.region, self.entries, loads, notes)
        inputs = tuple(InputFile(path=str(file.path), sha256=file_sha256(file.path)) for file in self.files)
        return replace(workload, inputs=inputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPlan:
    """What there is to do for a data set."""

    dataset: Dataset
    region: str
    members: tuple[DatasetMember, ...]
    failures: tuple[WorkloadRecord, ...]
    """Services whose size nothing says, and files that cannot be read."""


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
    cluster_of = dataset.cluster_of
    absent = sorted(set(services.entries) - set(cluster_of))
    if absent and not dataset.damaged:
        raise Place(services.file).error(f"the data set holds no {listed(absent)}", fix="Correct the names, or leave them out.")
    files_of: dict[str, list[DatasetFile]] = {}
    for file in dataset.files:
        for service in file.services:
            files_of.setdefault(service, []).append(file)
    groups: dict[str, list[ServiceEntry]] = {}
    failures = [
        WorkloadRecord(
            name=path.absolute().relative_to(dataset.folder.absolute()).as_posix(), status=Status.FAILED, problem=why
        )
        for path, why in dataset.damaged
    ]
    for name, cluster in cluster_of.items():
        try:
            groups.setdefault(services.group(name, cluster), []).append(services.entry(name))
        except AdvisorError as error:
            failures.append(WorkloadRecord(name=name, status=Status.FAILED, problem=str(error), service_names=(name,)))
    members = [
        DatasetMember(
            name=group,
            region=region,
            files=tuple(dict.fromkeys(file for entry in entries for file in files_of[entry.name])),
            columns=dataset.columns,
            entries=tuple(entries),
        )
        for group, entries in groups.items()
        if entries
    ]
    return DatasetPlan(dataset=dataset, region=region, members=tuple(members), failures=tuple(failures))


def screened(
    plan: DatasetPlan, options: FleetOptions, mapped: Mapped, on_share: Callable[[str, float], None]
) -> dict[str, WorkloadRecord]:
    """A record of each group by name, from one pass over the files."""
    entries = {entry.name: entry for member in plan.members for entry in member.entries}
    work = blocks(plan.dataset)
    # Each worker is sent the entries of its own files alone.
    tasks = [
        Block(
            files=files,
            columns=plan.dataset.columns,
            entries=tuple(entries[name] for name in sorted({s for file in files for s in file.services}) if name in entries),
        )
        for files in work
    ]
    held: dict[str, HeldTasks | str] = {}
    on_share("screening", 0.0)
    for n_done, (at, found) in enumerate(mapped(partial(_screen_block, region=plan.region, options=options), tasks), start=1):
        if isinstance(found, Lost):
            held |= {entry.name: found.why for entry in tasks[at].entries}
        else:
            held |= dict(found)
        on_share("screening", n_done / len(tasks))
        if n_done == 1:  # what this process will need is made while others are at work
            search_of(catalog_of(plan.region, options.prices, options.rates), plan.region, Constraints())
    return _records(plan, held, options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Files that are read together, and what is known of their services."""

    files: tuple[DatasetFile, ...]
    columns: DatasetColumns
    entries: "tuple[ServiceEntry, ...]"


def _screen_block(block: Block, region: str, options: FleetOptions) -> list[tuple[str, HeldTasks | str]]:
    """Held tasks of each service of some files, or why they are not known. One bad service or file stops no other."""
    entries = {entry.name: entry for entry in block.entries}
    found: dict[str, HeldTasks | str] = {}
    try:
        for rows in service_rows(block.files, block.columns, entries):
            try:
                found[rows.service] = _held(rows, entries[rows.service], block.columns, region, options)
            except Exception as error:  # a fault of ours with one service is said of it, and stops no other
                found[rows.service] = problem_of(error)
    except Exception as error:  # a file that cannot be read, whatever the cause, is said of the services that it leaves unread
        found |= {name: problem_of(error) for name in entries if name not in found}
    return [(name, found.get(name, "the data set holds no rows of it")) for name in entries]


def _held(rows: ServiceRows, entry: "ServiceEntry", columns: DatasetColumns, region: str, options: FleetOptions) -> HeldTasks:
    counts = _only_counts(entry, columns, options.reading)
    if counts is not None:
        startup_s = dataset_service(entry, _COUNTS, Constraints().zones).startup_s
        quick = held_tasks_of_counts(entry.name, rows.times, rows.values[counts], per_s=columns.per_s, startup_s=startup_s)
        if quick is not None:
            return quick
    notes: list[str] = []
    load = _load_of({entry.name: rows}, entry, columns, options.reading, notes)
    workload = _workload(entry.name, region, (entry,), [load], notes)
    axis = timeline(workload.start, workload.step_s, workload.n_steps)
    (service,) = service_loads(workload, axis)
    return held_tasks(service, axis, workload.notes)


def _only_counts(entry: "ServiceEntry", columns: DatasetColumns, reading: LoadOptions) -> str | None:
    """The column of task counts, where the load is nothing else and its times are UTC."""
    if entry.load.requests_per_task or entry.load.cpu_ms_per_request or len(columns.measures) != 1:
        return None
    ((name, what),) = columns.measures
    is_utc = not columns.is_local or reading.time_zone is None
    is_plain = what.meaning is Meaning.TASKS and what.factor == 1 and reading.interval_s is None
    return name if is_utc and is_plain else None


_COUNTS: Final = Load(form=LoadForm.TASKS, series=Series(start_s=0, step_s=3600, values={}, origins={}))
"""A load of counts, of which only the form is asked."""


def _load_of(
    found: Mapping[str, ServiceRows], entry: "ServiceEntry", columns: DatasetColumns, reading: LoadOptions, notes: list[str]
) -> Load:
    rows = found.get(entry.name)
    if rows is None:
        raise InputError(f"the data set holds no rows of {entry.name!r}", fix="Leave the service out of the table.")
    series = regular_series([records_of(rows, columns, reading, notes)], notes, reading.interval_s)
    return service_load(series, statement_of(entry), notes)


def _workload(name: str, region: str, entries: "Sequence[ServiceEntry]", loads: Sequence[Load], notes: list[str]) -> Workload:
    constraints = Constraints()
    services = [dataset_service(entry, load, constraints.zones) for entry, load in zip(entries, loads, strict=True)]
    cluster = name if ecs_name_problem(name) is None else name_from_stem(name)
    workload = workload_of(cluster, region, services, loads, notes)
    stated = [(service, stated_names(entry, None)) for service, entry in zip(services, entries, strict=True)]
    return replace(
        workload,
        notes=tuple(dict.fromkeys((*notes, *coverage_sentences(workload)))),
        defaults_used=defaults_used(stated, constraints, ()),
    )


def _records(plan: DatasetPlan, held: Mapping[str, HeldTasks | str], options: FleetOptions) -> dict[str, WorkloadRecord]:
    catalog = catalog_of(plan.region, options.prices, options.rates)
    known = [
        (dataset_service(entry, replace(_COUNTS, form=at.form), Constraints().zones), at)
        for member in plan.members
        for entry in member.entries
        if isinstance(at := held[entry.name], HeldTasks)
    ]
    choices = dict(zip((s.name for s, _ in known), screened_choices(known, catalog, plan.region, Constraints()), strict=True))
    services = {service.name: (service, at) for service, at in known}
    return {member.name: _record(member, services, choices, held) for member in plan.members}


def _record(
    member: DatasetMember,
    services: Mapping[str, tuple[Service, HeldTasks]],
    choices: Mapping[str, tuple[ScreenedChoice, ...]],
    held: Mapping[str, HeldTasks | str],
) -> WorkloadRecord:
    names = tuple(entry.name for entry in member.entries)
    problems = list(_problems(names, choices, held))
    if problems:
        return WorkloadRecord(
            name=member.name, status=Status.FAILED, region=member.region, problem="; ".join(problems), service_names=names
        )
    lines = tuple(_line(*services[name], choices[name]) for name in names)
    hours = min(services[name][1].measured_hours for name in names)
    best = Range(
        mean=_total(line.best_usd for line in lines),
        low=_total(line.low_usd for line in lines),
        high=_total(line.high_usd for line in lines),
    )
    fargate = None if any(line.fargate_usd is None for line in lines) else _total(line.fargate_usd for line in lines)
    saving = None if fargate is None else Range(mean=fargate - best.mean, low=fargate - best.high, high=fargate - best.low)
    return WorkloadRecord(
        name=member.name,
        status=Status.SCREENED if hours >= LEAST_HOURS else Status.NOT_ENOUGH_DATA,
        problem="" if hours >= LEAST_HOURS else f"only {hours:.0f} h of load were measured: at least 24 h are needed",
        cluster=member.name,
        region=member.region,
        best=best,
        fargate_usd=fargate,
        saving=saving,
        saving_against="" if saving is None else "fargate",
        services=lines,
        weeks=min(services[name][1].weeks for name in names),
        notes=tuple(dict.fromkeys(note for name in names for note in services[name][1].notes)),
    )


def _problems(
    names: Sequence[str], choices: Mapping[str, tuple[ScreenedChoice, ...]], held: Mapping[str, HeldTasks | str]
) -> Iterator[str]:
    for name in names:
        at = held[name]
        if isinstance(at, str):
            yield at
        elif not choices[name]:
            yield f"{name}: no launch choice has room for its tasks and a price"


def _line(service: Service, held: HeldTasks, choices: Sequence[ScreenedChoice]) -> ServiceRecord:
    best = choices[0]
    fargate = choice_of(choices, LaunchType.FARGATE, service.architectures[0])
    effort, changes = effort_of(service, best.launch_type, PurchaseOption.ON_DEMAND, best.architecture, best.size)
    return ServiceRecord(
        name=service.name,
        launch_type=str(best.launch_type),
        purchase_option=str(PurchaseOption.ON_DEMAND),
        architecture=str(best.architecture),
        cpu=best.size.cpu_units,
        memory=best.size.memory_mib,
        instance_types=(best.instance_type,) if best.instance_type else (),
        now_usd=None,
        fargate_usd=None if fargate is None else fargate.mean_usd,
        best_usd=best.mean_usd,
        low_usd=best.mean_usd,
        high_usd=best.high_usd,
        effort=effort,
        changes=changes,
    )


def _total(values: Iterable[float | None]) -> float:
    return math.fsum(value for value in values if value is not None)
