"""A first look at all services of a data set, in one pass over its files."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from advisor.ecs import LaunchType, PurchaseOption
from advisor.fleet.advised import FleetOptions, catalog_of, problem_of, too_short
from advisor.fleet.dataset_members import DatasetEntry, DatasetMember, DatasetPlan, load_of, workload_of_loads
from advisor.fleet.engines import Lost, Mapped
from advisor.fleet.held import HeldTasks, held_tasks, held_tasks_of_counts
from advisor.fleet.kept_blocks import Block, KeptBlocks
from advisor.fleet.records import LeftOut, Range, ServiceRecord, Status, WorkloadRecord
from advisor.fleet.screening import ScreenedChoice, choice_of, screened_choices, search_of
from advisor.fleet.services import effort_of
from advisor.optimize.loads import service_loads
from advisor.simulate.timeline import timeline
from advisor.sources.dataset import ServiceKey
from advisor.sources.dataset import blocks as blocks_of
from advisor.sources.dataset_rows import ServiceRows, service_rows
from advisor.sources.dataset_services import dataset_service
from advisor.sources.demand import Load
from advisor.sources.load_options import LoadOptions
from advisor.sources.meanings import Meaning
from advisor.sources.series import Series
from advisor.workload import Constraints, LoadForm, Service

if TYPE_CHECKING:
    from advisor.sources.workload_models import ServiceEntry

SCREENED_NOTE: Final = (
    "screened services: each alone, on demand, in its declared size, on the packing model; shared instances, Spot, "
    "burstable types, other sizes, the replay and the draws are left to the full advice"
)


def screened(
    plan: DatasetPlan,
    options: FleetOptions,
    mapped: Mapped,
    on_share: Callable[[str, float], None],
    keep_in: Path | None = None,
) -> dict[str, WorkloadRecord]:
    """A record of each group by name, from one pass over the files that an earlier run left no trace of in ``keep_in``."""
    entries = {each.key: each for member in plan.members for each in member.entries}
    # Each worker is sent the entries of its own files alone.
    kept = KeptBlocks(folder=keep_in, region=plan.region, options=options)
    blocks = []
    for files in blocks_of(plan.dataset):
        of_block = {key: entries[key] for file in files for key in file.services if key in entries}
        if of_block:  # files that hold no service of a known size are not read
            blocks.append(kept.look_up(Block(files=files, entries=tuple(of_block.values()))))
    held: dict[ServiceKey, HeldTasks | str] = {}
    for each in blocks:
        held |= each.held or {}
    pending = [each for each in blocks if each.held is None]
    if pending:
        on_share("screening", 1 - len(pending) / len(blocks))
    work = partial(_screen_block, region=plan.region, options=options)
    done = mapped(work, [each.block for each in pending]) if pending else ()
    for n_done, (at, found) in enumerate(done, start=1):
        if isinstance(found, Lost):
            held |= {each.key: found.why for each in pending[at].block.entries}
        else:
            held |= dict(found)
            kept.keep(pending[at], dict(found))
        on_share("screening", 1 - (len(pending) - n_done) / len(blocks))
        if n_done == 1:  # what this process will need is made while others are at work
            search_of(catalog_of(plan.region, options.prices, options.rates), plan.region, Constraints())
    return _records(plan, held, options)


def _screen_block(block: Block, region: str, options: FleetOptions) -> list[tuple[ServiceKey, HeldTasks | str]]:
    """Held tasks of each service of some files, or why they are not known. One bad service or file stops no other."""
    entries = {each.key: each for each in block.entries}
    found: dict[ServiceKey, HeldTasks | str] = {}
    try:
        for rows in service_rows(block.files, entries):
            try:
                found[rows.service] = _held(rows, entries[rows.service], region, options)
            except Exception as error:  # a fault of ours with one service is said of it, and stops no other
                found[rows.service] = problem_of(error)
    except Exception as error:  # a file that cannot be read, whatever the cause, is said of the services that it leaves unread
        found |= {key: problem_of(error) for key in entries if key not in found}
    return [(key, found.get(key, "the data set holds no rows of it")) for key in entries]


def _held(rows: ServiceRows, of: DatasetEntry, region: str, options: FleetOptions) -> HeldTasks:
    counts = _only_counts(of.entry, rows, options.reading)
    if counts is not None:
        startup_s = dataset_service(of.entry, _COUNTS, Constraints().zones).startup_s
        quick = held_tasks_of_counts(
            of.entry.name, rows.times, rows.values[counts], per_s=rows.columns.per_s, startup_s=startup_s
        )
        if quick is not None:
            return quick
    notes: list[str] = []
    load = load_of(rows, of, options.reading, notes)
    workload = workload_of_loads(of.entry.name, region, [(of, load)], notes)
    axis = timeline(workload.start, workload.step_s, workload.n_steps)
    (service,) = service_loads(workload, axis)
    return held_tasks(service, axis, workload.notes)


def _only_counts(entry: "ServiceEntry", rows: ServiceRows, reading: LoadOptions) -> str | None:
    """The column of task counts, where the load is nothing else and its times are UTC."""
    columns = rows.columns
    if rows.problem or entry.load.requests_per_task or entry.load.cpu_ms_per_request or len(columns.measures) != 1:
        return None
    ((name, what),) = columns.measures
    is_utc = not columns.is_local or reading.time_zone is None
    is_plain = what.meaning is Meaning.TASKS and what.factor == 1 and reading.interval_s is None
    return name if is_utc and is_plain else None


_COUNTS: Final = Load(form=LoadForm.TASKS, series=Series(start_s=0, step_s=3600, values={}, origins={}))
"""A load of counts, of which only the form is asked."""


def _records(plan: DatasetPlan, held: Mapping[ServiceKey, HeldTasks | str], options: FleetOptions) -> dict[str, WorkloadRecord]:
    catalog = catalog_of(plan.region, options.prices, options.rates)
    known = [
        (each.key, dataset_service(each.entry, replace(_COUNTS, form=at.form), Constraints().zones), at)
        for member in plan.members
        for each in member.entries
        if isinstance(at := held[each.key], HeldTasks)
    ]
    choices = screened_choices([(service, at) for _, service, at in known], catalog, plan.region, Constraints())
    found = {
        key: _Screened(service=service, held=at, choices=each) for (key, service, at), each in zip(known, choices, strict=True)
    }
    return {member.name: _record(member, found, held) for member in plan.members}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Screened:
    service: Service
    held: HeldTasks
    choices: tuple[ScreenedChoice, ...]


def _record(
    member: DatasetMember, found: Mapping[ServiceKey, _Screened], held: Mapping[ServiceKey, HeldTasks | str]
) -> WorkloadRecord:
    problems: list[LeftOut] = []
    known: list[_Screened] = []
    for each in member.entries:
        problem = _problem(each, found, held)
        if problem:
            problems.append(LeftOut(service=each.entry.name, status=Status.FAILED, problem=problem))
        else:
            known.append(found[each.key])
    if not known:
        why = "; ".join(each.problem for each in problems)
        return WorkloadRecord(
            name=member.name, status=Status.FAILED, region=member.region, problem=why, service_names=member.service_names
        )
    short = {each.service.name: too_short(each.held.measured_hours) for each in known}
    if all(short.values()):
        short = dict.fromkeys(short, "")
    problems += [LeftOut(service=name, status=Status.NOT_ENOUGH_DATA, problem=why) for name, why in short.items() if why]
    known = [each for each in known if not short[each.service.name]]
    lines = tuple(_line(each.service, each.held, each.choices) for each in known)
    best = Range(
        mean=_total(line.best_usd for line in lines),
        low=_total(line.low_usd for line in lines),
        high=_total(line.high_usd for line in lines),
    )
    fargate = None if any(line.fargate_usd is None for line in lines) else _total(line.fargate_usd for line in lines)
    saving = None if fargate is None else Range(mean=fargate - best.mean, low=fargate - best.high, high=fargate - best.low)
    problem = too_short(min(each.held.measured_hours for each in known))
    return WorkloadRecord(
        name=member.name,
        status=Status.NOT_ENOUGH_DATA if problem else Status.SCREENED,
        problem=problem,
        cluster=member.name,
        region=member.region,
        best=best,
        fargate_usd=fargate,
        saving=saving,
        saving_against="" if saving is None else "fargate",
        services=lines,
        left_out=tuple(problems),
        weeks=min(each.held.weeks for each in known),
        notes=tuple(dict.fromkeys(note for each in known for note in each.held.notes)),
    )


def _problem(of: DatasetEntry, found: Mapping[ServiceKey, _Screened], held: Mapping[ServiceKey, HeldTasks | str]) -> str:
    at = held[of.key]
    if isinstance(at, str):
        return at
    return "" if found[of.key].choices else f"{of.entry.name}: no launch choice has room for its tasks and a price"


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
