"""What a careful reader should know beside the answer."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from advisor.ecs import InstanceType, LaunchType
from advisor.optimize.alternatives import Alternatives
from advisor.optimize.candidates import family_and_generation
from advisor.optimize.parts import Part
from advisor.optimize.search import Search
from advisor.optimize.side_costs import PricedSideCosts
from advisor.recommend.changes import TREND_WEEKS, changes, sentences, shape_change, weekly_load
from advisor.recommend.result import Alternative
from advisor.recommend.verdict import WARN_WEEKS
from advisor.simulate.instances import reservation
from advisor.simulate.packing import tasks_per_instance
from advisor.units import HOURS_PER_WEEK
from advisor.workload import LoadForm, Workload

LEAST_COREMARK_FRACTION = 0.70
FIT_ERROR_FRACTION = 0.01
"""How much less memory an instance may register than our fit says: twice its largest error on observed types."""
FARGATE_DEFAULT_VCPU_QUOTA = 6
"""Fargate vCPU count, the default of each account and Region; AWS General Reference, "Amazon ECS endpoints and quotas"."""
LEAST_COMMON_FRACTION = 0.95


def warnings_for(
    workload: Workload, search: Search, found: Alternatives, parts: Sequence[Part], best: Alternative
) -> tuple[str, ...]:
    """Sentences, most important first."""
    return (
        *_growth(workload),
        *_from_none(workload),
        *_history(workload, found),
        *_changes(found, search),
        *_instance_types(search, parts),
        *_close_fits(search, parts),
        *_quota(parts),
        *_unmet(best),
        *_crowded(workload, search, parts),
        *_stated(workload),
        *_daemons(workload),
        *_batches(workload, parts),
        *_containers(workload),
        *_unsized(workload, found),
        *_tasks_form(workload),
    )


def _from_none(workload: Workload) -> Iterable[str]:
    names = [s.name for s in workload.services if s.load_form is not LoadForm.TASKS and s.scaling.min_tasks == 0]
    if names:
        yield (
            f"{', '.join(names)}: with a minimum of 0 tasks a policy that follows the tasks' own CPU has no data to come back "
            "from none: keep one task, or scale from none by a schedule or a queue"
        )


def _growth(workload: Workload) -> Iterable[str]:
    growth = workload.growth
    if not growth.is_none:
        yield (
            f"chances and quantiles are for a load {growth.fraction:+.0%} from the measured one, give or take "
            f"{growth.spread_fraction:.0%}, as stated by growth; bills are of the measured load"
        )


def side_cost_sentences(side: PricedSideCosts | None) -> Iterable[str]:
    """What surrounds the tasks costs, beside all totals because it is the same for each."""
    if side is None:
        return
    usd = math.fsum(item.amount_usd for item in side.bill.line_items)
    lines = sorted(side.bill.line_items, key=lambda item: (-item.amount_usd, item.meter))
    told = ", ".join(f"{item.meter} {item.amount_usd:,.2f}" for item in lines)
    if lines:
        yield f"beside every total, side costs of {usd:,.2f} USD a month, the same for each alternative: {told}"
    if side.missing:
        yield f"side costs without a price, in no total: {', '.join(side.missing)}; give it with --rates FILE"
    if side.unstated:
        yield f"side costs that are not stated, in no total: {', '.join(side.unstated)}"


def _history(workload: Workload, found: Alternatives) -> Iterable[str]:
    weeks = workload.span_hours / HOURS_PER_WEEK
    if weeks < WARN_WEEKS and not all(service.is_stated for service in workload.services):
        yield f"the load covers {weeks:.1f} weeks: under four weeks, slow changes of level are not seen"
    common = int(found.common_measured.sum())
    for load in found.loads:
        share = common / max(1, int(load.measured.sum()))
        if share < LEAST_COMMON_FRACTION:
            name = load.service.name
            yield f"only {share:.0%} of the hours of {name} were measured for all services: the cluster is compared on these"


def _changes(found: Alternatives, search: Search) -> Iterable[str]:
    """Trends, steps and new shapes in the load of each service that was measured."""
    for load in found.loads:
        if load.service.is_stated or not load.demand.size:
            continue
        demand = search.axis.spread(load.demand)
        weekly = weekly_load(demand, search.axis.week_hours(load.measured))
        what = f"the load of {load.service.name}"
        yield from sentences([each for each in changes(weekly, what) if each.weeks_ago <= TREND_WEEKS])
        shape = shape_change(demand, search.axis.hour_of_week, search.axis.step_s, what)
        if shape is not None:
            yield shape.sentence


def _instance_types(search: Search, parts: Sequence[Part]) -> Iterable[str]:
    chosen = {name for part in parts for name in part.provider.instance_types}
    types = [t for t in search.candidates.types if t.name in chosen]
    yield from (search.candidates.outliers[t.name] for t in types if t.name in search.candidates.outliers)
    slow = {t.name: share for t in types if (share := _share_of_newest(t, search.candidates.types)) < LEAST_COREMARK_FRACTION}
    if slow:
        yield (
            f"a vCPU of {', '.join(slow)} does only {min(slow.values()):.0%} of the work of the newest types of its family "
            "(CoreMark per thread): a load measured on faster cores would need more tasks"
        )


def _share_of_newest(chosen: InstanceType, types: Sequence[InstanceType]) -> float:
    """CoreMark per thread against the newest generation of the same letters and architecture; 1 where it is not known."""
    letters, _ = family_and_generation(chosen.name)
    marks: dict[int, list[float]] = {}
    for other in types:
        other_letters, generation = family_and_generation(other.name)
        if other.coremark_per_thread and other_letters == letters and other.architectures == chosen.architectures:
            marks.setdefault(generation, []).append(other.coremark_per_thread)
    if not marks or not chosen.coremark_per_thread:
        return 1.0
    return chosen.coremark_per_thread / float(np.median(marks[max(marks)]))


def _close_fits(search: Search, parts: Sequence[Part]) -> Iterable[str]:
    """Tasks that fit by less memory than our fit of the registered memory may be wrong."""
    types = {t.name: t for t in search.candidates.types if not t.is_registered_memory_observed}
    for part in parts:
        for instance_type in (types[name] for name in part.provider.instance_types if name in types):
            offered = search.candidates.capacity_of(instance_type)
            less = offered - np.array([0, int(offered[1] * FIT_ERROR_FRACTION), 0])
            for name, plan in part.services.items():
                fit, fewer = (int(tasks_per_instance(reservation(plan.task), each)) for each in (offered, less))
                if fewer < fit:
                    spare_mib = int(offered[1]) - fit * plan.task.memory_mib
                    yield (
                        f"{fit} tasks of {name} fit on a {instance_type.name} with {spare_mib} MiB to spare by our fit of what "
                        f"it registers ({offered[1]:,} MiB): look at one instance's registered memory first, or {fewer} fit"
                    )


def _quota(parts: Sequence[Part]) -> Iterable[str]:
    peak_vcpu = 0.0
    for part in parts:
        if part.provider.launch_type is LaunchType.FARGATE:
            (plan,) = part.services.values()
            peak_vcpu += float(np.nanmax(part.tasks, initial=0.0)) * plan.task.vcpu
    if peak_vcpu > FARGATE_DEFAULT_VCPU_QUOTA:
        yield (
            f"Fargate runs up to {peak_vcpu:.0f} vCPU here: check the account's quota, which starts at "
            f"{FARGATE_DEFAULT_VCPU_QUOTA} vCPU in each Region"
        )


def _unmet(best: Alternative) -> Iterable[str]:
    if best.unmet_task_hours > 0:
        yield f"{best.unmet_task_hours:,.1f} task-hours a month are needed beyond scaling.max and are not in any cost"


def _tasks_form(workload: Workload) -> Iterable[str]:
    names = [s.name for s in workload.services if s.load_form is LoadForm.TASKS and not s.is_batch]
    if names:
        yield (
            f"{', '.join(names)}: task counts were taken as they ran, so that this answer says nothing about task size, "
            "scaling target or burstable instances"
        )


def _crowded(workload: Workload, search: Search, parts: Sequence[Part]) -> Iterable[str]:
    """Services in fewer tasks than ran, each sent more load than its memory may take."""
    if workload.running_tasks is None or workload.memory_mib is None:
        return
    for row, service in enumerate(workload.services):
        part = next(part for part in parts if service.name in part.services)
        tasks = part.tasks[list(part.services).index(service.name)]
        ran = search.axis.spread(workload.running_tasks[row])
        memory_mib = search.axis.spread(workload.memory_mib[row]) * np.fmax(ran / np.maximum(tasks, 1.0), 1.0)
        if service.load_form is LoadForm.TASKS or np.isnan(memory_mib).all():
            continue
        at, size_mib = int(np.nanargmax(memory_mib)), part.services[service.name].task.memory_mib
        if memory_mib[at] > size_mib and tasks[at] < ran[at]:
            yield (
                f"{service.name}: {tasks[at]:.0f} tasks serve the load for which {ran[at]:.0f} ran; if memory grows with the "
                f"load of a task, one needs {memory_mib[at]:,.0f} MiB of its {size_mib:,}: raise scaling.min, or try it first"
            )


def _stated(workload: Workload) -> Iterable[str]:
    """Loads that nobody measured, unless they are a plain constant or a schedule, which say so themselves."""
    names = [s.name for s in workload.services if s.is_stated and s.load_form is not LoadForm.TASKS]
    if names:
        yield f"{', '.join(names)}: the load is assumed, not measured: measure it once the service runs, and ask again"


def _daemons(workload: Workload) -> Iterable[str]:
    if not workload.daemons:
        return
    names = ", ".join(f"{daemon.name} ({daemon.task})" for daemon in workload.daemons)
    yield (
        f"daemons take their share of every instance: {names}; burstable instances are left out, because the CPU that daemons "
        "use is not known; no deploy file changes them"
    )
    if LaunchType.FARGATE in workload.constraints.launch_types:
        yield (
            f"Fargate runs no daemon service: what {', '.join(daemon.name for daemon in workload.daemons)} does has to come as "
            "a sidecar there, and is in no figure of Fargate"
        )


def _batches(workload: Workload, parts: Sequence[Part]) -> Iterable[str]:
    names = [service.name for service in workload.services if service.is_batch]
    if names:
        yield (
            f"{', '.join(names)}: batch runs as stated. Fargate bills each task by the second from its start, at least 60 s; "
            "on instances a run holds its whole step. Start them with EventBridge Scheduler: a service would keep them running"
        )
    untimed = [name for part in parts for name, plan in part.services.items() if not plan.is_schedule_enabled]
    if untimed:
        yield (
            f"{', '.join(untimed)}: EventBridge Scheduler cannot take the runs as stated (past runs, both days of a cron "
            "expression, hundreds of tasks at once), so the deploy files hold a disabled schedule: put your time in, or "
            "start the task yourself"
        )


def _containers(workload: Workload) -> Iterable[str]:
    """The plan has one container a task: a definition's own are kept by merging into it."""
    names = [service.name for service in workload.services if service.container_names]
    if names:
        yield (
            f"{', '.join(names)}: the deploy files describe one container; images, sidecars, variables, secrets, volumes and "
            "health checks of the task definition are not carried over: keep them with `advisor emit RESULT --from "
            "TASK_DEFINITION`, which changes only what the plan decides"
        )


def _unsized(workload: Workload, found: Alternatives) -> Iterable[str]:
    """Services whose task size could not be questioned, because nothing tells what single tasks used."""
    names, rigid = [], []
    for row, service in enumerate(workload.services):
        is_measured = service.load_form in (LoadForm.UTILIZATION, LoadForm.USAGE) and not service.is_stated
        if not is_measured or service.name in found.right_sized:
            continue
        cpu_max, memory_mib = workload.cpu_units_per_task_max, workload.memory_mib
        if cpu_max is None or bool(np.isnan(cpu_max[row]).all()):
            names.append(service.name)
        elif memory_mib is not None and not np.isnan(memory_mib[row]).all() and not _has_memory_maximum(workload, row):
            rigid.append(service.name)
    if names:
        yield (
            f"{', '.join(names)}: the task size was not questioned, because the most that a single task used is not known "
            "(columns cpu_percent_maximum and memory_percent_maximum)"
        )
    if rigid:
        yield (
            f"{', '.join(rigid)}: memory was not lowered, because averages hide its peak (column memory_percent_maximum, or "
            "samples of a single task at most 5 minutes apart)"
        )


def _has_memory_maximum(workload: Workload, row: int) -> bool:
    return workload.is_memory_maximum is not None and bool(workload.is_memory_maximum[row])
