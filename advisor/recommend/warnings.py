"""What a careful reader should know beside the answer."""

import math
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import numpy as np

from advisor.bounds import steps_of
from advisor.ecs import InstanceType, LaunchType, fargate_least_bill_s
from advisor.optimize.alternatives import Alternatives
from advisor.optimize.candidates import family_and_generation
from advisor.optimize.fixed import kept_as_stated
from advisor.optimize.loads import ServiceLoad
from advisor.optimize.parts import Part
from advisor.optimize.search import Search
from advisor.optimize.side_costs import PricedSideCosts
from advisor.optimize.work import work_sentence
from advisor.plan import terms_of
from advisor.recommend.fewer_tasks import fewer_than_ran
from advisor.recommend.history import changed, history
from advisor.recommend.left_out import left_out
from advisor.recommend.network import lost_addresses, network_changes, short_interfaces
from advisor.recommend.quotas import FARGATE_DEFAULT_VCPU
from advisor.recommend.reasons import named
from advisor.recommend.result import Alternative
from advisor.simulate.instances import most_tasks
from advisor.simulate.timeline import COARSEST_COUNTED_S
from advisor.sizing import MEMORY_MARGIN_FRACTION, is_new_load, memory_with_tasks_mib, needed_tasks
from advisor.uncertainty import lost_inside_step
from advisor.units import CEIL_TOLERANCE, SECONDS_PER_HOUR
from advisor.workload import LoadForm, Service, Workload

LEAST_COREMARK_FRACTION = 0.70
FIT_ERROR_FRACTION = 0.01
"""How much less memory an instance may register than our fit says: twice its largest error on observed types."""
LEAST_OVERRUN_HOURS = 7.3
"""A hundredth of a month: less stands in the line of the replay alone."""


def warnings_for(
    workload: Workload, search: Search, found: Alternatives, parts: Sequence[Part], best: Alternative, today: date | None
) -> tuple[str, ...]:
    """Sentences, most important first."""
    return (
        *_after_today(workload, today),
        *_growth(workload),
        *_from_none(workload),
        *history(workload, found, search),
        *_long_steps(workload),
        *left_out(found),
        *fewer_than_ran(found, search, parts),
        *changed(found, search),
        *_instance_types(search, parts),
        *network_changes(parts),
        *lost_addresses(parts),
        *short_interfaces(best, parts, workload.constraints),
        *_close_fits(search, parts),
        *_quota(parts),
        *_unmet(best, parts),
        *_overrun(best),
        *_kept_for_memory(workload, found, parts),
        *_stated(workload),
        *_daemons(workload),
        *_only_replayed(workload, parts),
        *_batches(workload, parts),
        *_containers(workload),
        *_unsized(workload, found),
        *_tasks_form(workload),
        *_lower_minimums(parts),
    )


def _after_today(workload: Workload, today: date | None) -> Iterable[str]:
    """A day more is left for clocks and time zones."""
    last = (workload.start + timedelta(hours=workload.span_hours - workload.step_s / SECONDS_PER_HOUR)).date()
    if today is not None and last > today + timedelta(days=1) and not all(each.is_stated for each in workload.services):
        yield f"the load goes on until {last}, which is after today: were day and month or the unit of times misread?"


def _overrun(best: Alternative) -> Iterable[str]:
    """Load that came faster than service auto scaling follows."""
    hours = 0.0 if best.replay is None else best.replay.hours_above_full
    if hours >= LEAST_OVERRUN_HOURS:
        yield (
            f"for {hours:,.0f} service-hours a month the replay has more load than the tasks that run can do: it rises faster "
            "than service auto scaling follows. A higher scaling.min, a lower target_cpu or a schedule costs more and bears it"
        )


def _only_replayed(workload: Workload, parts: Sequence[Part]) -> Iterable[str]:
    """What no formula knows."""
    is_formula = workload.step_s > COARSEST_COUNTED_S
    for what, stated in (
        ("deployments", [service.name for service in workload.services if service.deployments]),
        ("cooldowns", [service.name for service in workload.services if is_formula and _waits_otherwise(service)]),
    ):
        if not stated:
            continue
        is_in = all(part.replay is not None for part in parts if any(name in stated for name in part.services))
        where = (
            "only in the bills of plans that were replayed"
            if is_in
            else "not in the recommended plan's bill: it was not replayed"
        )
        yield f"{what} ({', '.join(stated)}) are {where}"


def _waits_otherwise(service: Service) -> bool:
    """Whether it has cooldowns of its own, and its counts are a formula where the steps of its load are long."""
    scaling = service.scaling
    is_followed = service.load_form is not LoadForm.TASKS and not scaling.is_fixed
    return is_followed and scaling.has_own_cooldowns and not scaling.step_policies


def _long_steps(workload: Workload) -> Iterable[str]:
    most = lost_inside_step(workload.step_s)
    if most and any(service.load_form is not LoadForm.TASKS and not service.is_stated for service in workload.services):
        yield (
            f"load in steps of {workload.step_s // 60} minutes does not show what happens within them: on real loads that hid "
            f"up to {most * 100:.0f} % of the cost, whatever they ran on, beyond P10 to P90. Steps of 5 minutes hide little"
        )


def _from_none(workload: Workload) -> Iterable[str]:
    names = [s.name for s in workload.services if s.load_form is not LoadForm.TASKS and s.scaling.min_tasks == 0]
    if names:
        yield (
            f"{named(names)}: with a minimum of 0 tasks a policy that follows the tasks' own load has no data to come back "
            "from none: one task is kept, in the bill and in the deploy files. To run none at times give "
            "scaling.scheduled_actions with a maximum of 0, or scale by a queue, and state the counts that ran, or runs"
        )


def _growth(workload: Workload) -> Iterable[str]:
    growth = workload.growth
    if not growth.is_none:
        has_terms = bool(terms_of(workload.constraints.terms))
        drawn = "chances, quantiles and what terms make of the choice" if has_terms else "chances and quantiles"
        yield (
            f"{drawn} are for a load {growth.fraction:+.0%} from the measured one, give or take "
            f"{growth.spread_fraction:.0%}, as stated by growth; bills are of the measured load"
        )
    kept = kept_as_stated(workload)
    if kept:
        yield f"{', '.join(kept)}: the load is stated and stays so: growth, break-even and what-ifs multiply what was measured"


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


def _instance_types(search: Search, parts: Sequence[Part]) -> Iterable[str]:
    chosen = {name for part in parts for name in part.provider.instance_types}
    types = [t for t in search.candidates.types if t.name in chosen]
    yield from (search.candidates.outliers[t.name] for t in types if t.name in search.candidates.outliers)
    wanted = search.constraints.work_per_vcpu
    if sentence := work_sentence(search.candidates.work_of(chosen), wanted):
        yield sentence
    if wanted is not None:
        return
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
    for part in parts:
        members = search.candidates.members(part.provider.instance_types, is_windows=part.is_windows)
        types = [search.candidates.types[i] for i in members]
        for instance_type, offered in zip(
            types, search.candidates.capacity_of(part.provider, is_windows=part.is_windows), strict=True
        ):
            if part.is_windows or instance_type.is_registered_memory_observed:
                continue
            less = offered - np.array([0, int(offered[1] * FIT_ERROR_FRACTION), 0])
            for name, run in zip(part.services, part.runs, strict=True):
                fit, fewer = (
                    int(most_tasks(run.service, run.size, part.provider.launch_type, each)) for each in (offered, less)
                )
                if fewer < fit:
                    spare_mib = int(offered[1]) - fit * run.size.memory_mib
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
    if peak_vcpu > FARGATE_DEFAULT_VCPU:
        peak = f"{peak_vcpu:.0f}" if peak_vcpu >= 10 else f"{round(peak_vcpu, 1):g}"
        yield (
            f"Fargate runs up to {peak} vCPU here: check the account's quota, which starts at "
            f"{FARGATE_DEFAULT_VCPU} vCPU in each Region"
        )


def _unmet(best: Alternative, parts: Sequence[Part]) -> Iterable[str]:
    short = [run.service for part in parts for run in part.runs if np.nansum(run.unmet) > 0]
    fixed = [service for service in short if service.scaling.is_fixed]
    if len(short) > len(fixed) or (best.unmet_task_hours > 0 and not short):
        yield f"{best.unmet_task_hours:,.1f} task-hours a month are needed beyond scaling.max and are not in any cost"
    for service in fixed:
        yield (
            f"{service.name}: its count is fixed at {service.scaling.max_tasks}, and CPU is above "
            f"{service.scaling.target_cpu_fraction:.0%} at times, where service auto scaling would run more tasks".replace(
                "%", " %"
            )
        )


def _tasks_form(workload: Workload) -> Iterable[str]:
    names = [s.name for s in workload.services if s.load_form is LoadForm.TASKS and not s.is_batch]
    if names:
        yield (
            f"{named(names)}: task counts were taken as they ran, so that this answer says nothing about task size, "
            "scaling target or burstable instances"
        )
    bounded = [s.name for s in workload.services if s.name in names and s.scaling.is_bounded]
    if bounded:
        yield f"{named(bounded)}: the stated bounds of scaling are not used: task counts were taken as they ran"
    moves = np.nanmax(workload.demand, axis=1) > np.nanmin(workload.demand, axis=1)
    changing = [name for name in names if moves[workload.index(name)]]
    if changing:
        yield (
            f"{named(changing)}: the bill follows the counts that ran, and nothing tells what moved them: the deploy files "
            "hold their median and no policy. Keep the policy of today, or give the load (CPU or requests) for one"
        )


def _lower_minimums(parts: Sequence[Part]) -> Iterable[str]:
    """Minimum counts of declared tasks that larger tasks meet with fewer."""
    for part in parts:
        for run in part.runs:
            stated = run.service.scaling.min_tasks
            if run.service.load_form is not LoadForm.TASKS and run.min_tasks < stated:
                yield (
                    f"{run.service.name}: its minimum of {stated} tasks of {run.service.task} becomes {run.min_tasks} of "
                    f"{run.size}, with as much CPU"
                )


def _kept_for_memory(workload: Workload, found: Alternatives, parts: Sequence[Part]) -> Iterable[str]:
    """Services of which more tasks run than CPU asks for, because fewer would not have the memory for their load."""
    for load in found.loads:
        name, stated = load.service.name, workload.services[workload.index(load.service.name)]
        part = next(part for part in parts if name in part.services)
        run = part.runs[list(part.services).index(name)]
        if run.service == stated or run.service != load.service:
            continue
        for_cpu, most = (
            np.nanmax(needed_tasks(stated, load.demand, stated.task, steps_of(workload)).tasks),
            np.nanmax(run.tasks),
        )
        where = f": up to {most:.0f}, where CPU alone would take {for_cpu:.0f}"
        yield (
            f"{name}: memory, not CPU, sets how many tasks it takes{where if most > for_cpu else ', but not at its peak'}. "
            f"Fewer tasks of {stated.task.memory_mib:,} MiB were not seen to bear the load. The plan scales at "
            f"{_target(load.service)} with at least {run.min_tasks} instead of {_target(stated)} with at least "
            f"{stated.scaling.min_tasks}. Trying fewer tasks shows whether memory grows with load"
        )


def _target(service: Service) -> str:
    if service.requests_per_task is not None:
        return f"{service.requests_per_task:,.3g} requests per second and task"
    return f"{service.scaling.target_cpu_fraction * 100:.3g} % CPU"


def memory_doubts(found: Alternatives, search: Search, parts: Sequence[Part]) -> tuple[str, ...]:
    """Services in fewer tasks than ran, each sent more load than its memory was seen to take.

    Of maxima, where the margin is not kept; of averages, which hide peaks, already where the average would be higher than any
    that was seen.
    """
    return tuple(sentence for load in found.loads if (sentence := _memory_doubt(load, search, parts)))


def _memory_doubt(load: ServiceLoad, search: Search, parts: Sequence[Part]) -> str:
    observed, name = load.observed_on(search.axis), load.service.name
    if observed is None:
        return ""
    part = next(part for part in parts if name in part.services)
    tasks, size_mib = part.tasks[list(part.services).index(name)], part.services[name].task.memory_mib
    demand = search.axis.spread(load.demand)
    memory_mib = np.where(is_new_load(demand, tasks, observed), memory_with_tasks_mib(demand, tasks, observed), np.nan)
    if np.isnan(memory_mib).all():
        return ""
    at = int(np.nanargmax(memory_mib))
    needed, ran = f"{memory_mib[at]:,.0f} MiB of its {size_mib:,}", observed.running_tasks[at]
    fewer = (
        f"{name}: {tasks[at]:.0f} tasks serve the load for which {ran:.0f} ran; if memory grows with the load of a task, one"
    )
    if memory_mib[at] * (1 + MEMORY_MARGIN_FRACTION) > size_mib * (1 + CEIL_TOLERANCE):
        return f"{fewer} needs {needed}: raise scaling.min or scaling.max, or try it first"
    if observed.base_mib is not None:
        return ""
    seen_fraction = float(np.nanmax(observed.memory_mib)) / load.service.task.memory_mib
    if not observed.is_memory_maximum and memory_mib[at] > size_mib * seen_fraction * (1 + CEIL_TOLERANCE):
        return (
            f"{fewer} uses {needed} on average, and averages hide the peak: give its maximum (column memory_percent_maximum), "
            "or keep the tasks by scaling.min"
        )
    return ""


def _stated(workload: Workload) -> Iterable[str]:
    """Loads that nobody measured, unless they are a plain constant or a schedule, which say so themselves."""
    names = [s.name for s in workload.services if s.is_stated and s.load_form is not LoadForm.TASKS]
    if names:
        yield f"{named(names)}: the load is assumed, not measured: measure it once the service runs, and ask again"


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
    batches = [service for service in workload.services if service.is_batch]
    for least_s in sorted({fargate_least_bill_s(service.operating_system) for service in batches}):
        names = [service.name for service in batches if fargate_least_bill_s(service.operating_system) == least_s]
        yield (
            f"{named(names)}: batch runs as stated. Fargate bills each task by the second from its start, at least "
            f"{least_s:.0f} s; on instances a run holds its whole step. Start them with EventBridge Scheduler: "
            "a service would keep them running"
        )
    untimed = [name for part in parts for name, plan in part.services.items() if not plan.is_schedule_enabled]
    if untimed:
        yield (
            f"{named(untimed)}: EventBridge Scheduler cannot take the runs as stated (past runs, both days of a cron "
            "expression, hundreds of tasks at once), so the deploy files hold a disabled schedule: put your time in, or "
            "start the task yourself"
        )


def _containers(workload: Workload) -> Iterable[str]:
    """The plan has one container a task: a definition's own are kept by merging into it."""
    names = [service.name for service in workload.services if service.container_names]
    if names:
        yield (
            f"{named(names)}: the deploy files describe one container; images, sidecars, variables, secrets, volumes and "
            "health checks of the task definition are not carried over: keep them with `advisor emit RESULT --from "
            "TASK_DEFINITION`, which changes only what the plan decides"
        )


def _unsized(workload: Workload, found: Alternatives) -> Iterable[str]:
    """Services whose task size could not be questioned, because nothing tells what single tasks used."""
    names, rigid, stepped = [], [], []
    for row, service in enumerate(workload.services):
        if service.scaling.step_policies and service.load_form is not LoadForm.TASKS:
            stepped.append(service.name)
            continue
        is_measured = service.load_form in (LoadForm.UTILIZATION, LoadForm.USAGE) and not service.is_stated
        if not is_measured or service.name in found.right_sized:
            continue
        cpu_max, memory_mib = workload.cpu_units_per_task_max, workload.memory_mib
        if cpu_max is None or bool(np.isnan(cpu_max[row]).all()):
            names.append(service.name)
        elif memory_mib is not None and not np.isnan(memory_mib[row]).all() and not _has_memory_maximum(workload, row):
            rigid.append(service.name)
    if stepped:
        yield (
            f"{named(stepped)}: the task size was not questioned, because step policies count tasks of it: leave "
            "scaling.step_scaling out and give scaling.target_cpu to see other sizes"
        )
    if names:
        yield (
            f"{named(names)}: the task size was not questioned, because the most that a single task used is not known "
            "(columns cpu_percent_maximum and memory_percent_maximum)"
        )
    if rigid:
        yield (
            f"{named(rigid)}: memory was not lowered, because averages hide its peak (column memory_percent_maximum, or "
            "samples of a single task at most 5 minutes apart)"
        )


def _has_memory_maximum(workload: Workload, row: int) -> bool:
    return workload.is_memory_maximum is not None and bool(workload.is_memory_maximum[row])
