"""Parts on instances replayed as ECS runs them: the packing model's range becomes one number."""

import math
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from advisor.bounds import steps_from
from advisor.ecs import WINDOWS_BOOT_S, Architecture, LaunchType, PlacementStrategy
from advisor.meters import sum_over_states
from advisor.optimize.candidates import Candidates
from advisor.optimize.deployments import deployment_facts
from advisor.optimize.fixed import on_load, with_replay
from advisor.optimize.packed import PackedLoad, least_instances, packed_load
from advisor.optimize.parts import Part, ReplayFacts
from advisor.optimize.pricing import price_parts
from advisor.optimize.replayed_week import last_week
from advisor.optimize.search import CapacityKind, Search, dedicated_part, shared_part
from advisor.plan import ScalingMetric
from advisor.simulate.instances import reservation
from advisor.simulate.replay import (
    ClusterRules,
    ManagedRules,
    Replay,
    ReplayedCluster,
    ReplayedService,
    replay_cluster,
)
from advisor.simulate.scaling import RunningTasks
from advisor.simulate.stepping import scheduled_bounds, step_scalings, tracking_rules
from advisor.simulate.timeline import timeline
from advisor.sizing import tasks_at_target
from advisor.units import (
    CEIL_TOLERANCE,
    HOURS_PER_DAY,
    HOURS_PER_MONTH,
    HOURS_PER_WEEK,
    SECONDS_PER_HOUR,
    FloatArray,
    IntArray,
)
from advisor.workload import LoadForm, Workload

MOST_TYPES = 6
"""Instance types that are replayed for one part, at most."""
DEFAULT_REPLAY_WEEKS = 2
LEAST_OF_HISTORY = 0.1
"""Weeks in which the model runs less than this share of what it runs in as much of the history say nothing of the rest."""
ODD_DAY_FRACTION = 0.2
ODD_DAY_IN = 7
"""A day whose ratio to the model is this far from the usual one is left out, of seven days at most one."""


def replay_step_s(workload: Workload, search: Search) -> int:
    """Seconds of a step of the replay: what is asked for, or the longest part of it that divides the load's own step."""
    return math.gcd(search.replay_step_s, workload.step_s)


def can_replay(part: Part) -> bool:
    """Whether there is something to replay: services whose counts follow a load, and everything on instances.

    Counts on Fargate that were given ran as they were given, and the seconds of batch runs are known: a replay knows less.
    """
    if part.on_demand_base or part.provider.on_demand_base:
        return False  # to compare only
    if part.provider.launch_type is LaunchType.FARGATE:
        return all(run.service.load_form is not LoadForm.TASKS for run in part.runs)
    return bool(part.runs)


def best_replayed(
    parts: Sequence[Part], workload: Workload, search: Search, hours: FloatArray, *, weeks: int = DEFAULT_REPLAY_WEEKS
) -> list[Part]:
    """Parts replayed, each on the instance type that is cheapest once it is replayed.

    A type that packs well on paper may not under ECS's placement. Types are replayed in the order of their cost by the packing
    model, which a replay hardly ever undercuts, until the next one costs as much there as the best costs replayed; six at most.
    """
    replayed = replayed_parts(parts, workload, search, weeks=weeks)
    return [_on_best_type(part, first, workload, search, hours, weeks) for part, first in zip(parts, replayed, strict=True)]


def _on_best_type(part: Part, best: Part, workload: Workload, search: Search, hours: FloatArray, weeks: int) -> Part:
    tried = set(part.provider.instance_types)
    is_searched = len(tried) == 1 and part.provider.placement is PlacementStrategy.SPREAD_THEN_BINPACK
    load = packed_load(part.runs) if is_searched and len(part.runs) > 1 else None  # remembers what it packed, type by type
    while is_searched and len(tried) < MOST_TYPES:
        other = _on_another_type(part, load, tried, workload, search, hours)
        if other is None or not _usd(other, hours, search) < _usd(best, hours, search):
            break
        tried |= set(other.provider.instance_types)
        (found,) = replayed_parts([other], workload, search, weeks=weeks)
        if _usd(found, hours, search) < _usd(best, hours, search):
            best = found
    return best


def _on_another_type(
    part: Part, load: PackedLoad | None, tried: Collection[str], workload: Workload, search: Search, hours: FloatArray
) -> Part | None:
    """The services of a part on the cheapest type by the packing model that was not tried."""
    candidates = search.candidates
    is_left = np.array([t.name not in tried for t in candidates.types])
    left = replace(search, candidates=candidates.only(is_left))
    kind = CapacityKind(
        launch_type=part.provider.launch_type,
        purchase_option=part.provider.purchase_option,
        architecture=part.provider.architecture or Architecture.X86_64,
    )
    if load is None:
        return dedicated_part(left, part.runs[0], kind, hours)
    return shared_part(left, load, kind, hours, name=workload.cluster)


def _usd(part: Part, hours: FloatArray, search: Search) -> float:
    monthly = price_parts([part], hours, search.catalog, search.region).monthly_usd
    return float("nan") if monthly is None else monthly.mean


def replayed_parts(
    parts: Sequence[Part], workload: Workload, search: Search, *, weeks: int = DEFAULT_REPLAY_WEEKS
) -> list[Part]:
    """Parts with the instance-hours and task-hours that a replay of the last ``weeks`` gives, in the same order.

    The replay and the model are compared on the same weeks; the ratio of their hours multiplies the quantities of the whole
    history. Loads of steps longer than a minute are held over the step: what happens inside it is lost. All services on Fargate
    are replayed at once, under the same service auto scaling as those on instances. A part that hardly runs in those weeks, or
    whose loads are hardly known together, comes back without a replay: `LEAST_OF_HISTORY`.
    """
    recent, at = last_weeks(workload, search, weeks)
    modelled = [
        on_load([replace(part, replay=None)], recent, replace(at, candidates=_of_least_members(at.candidates, part)))[0]
        for part in parts
    ]
    telling = [i for i, part in enumerate(parts) if _stands_for(part, modelled[i])]
    on_fargate = [i for i in telling if parts[i].provider.launch_type is LaunchType.FARGATE]
    found: dict[int, ReplayFacts | None] = {}
    if on_fargate:
        fargate = [parts[i] for i in on_fargate]
        step_s = replay_step_s(recent, at)
        services = [
            replayed_service(run, metric, LaunchType.FARGATE, recent, step_s)
            for part in fargate
            for run, metric in in_replay_order(part)
        ]
        together = replay_cluster(services, None, step_s=step_s)
        for row, i in enumerate(on_fargate):
            (plan,) = parts[i].services.values()
            alone = _one_service(together, row)
            facts = _facts(alone, alone.holding[0], modelled[i].quantity_per_hour[0] / plan.task.vcpu, parts[i], recent, at)
            found[i] = facts and _with_deployments(facts, parts[i], [services[row]], None, recent, step_s)
    for i in telling:
        if i not in found:
            use = modelled[i].on_instances
            if use is None:
                raise ValueError(f"{parts[i].name} has no instances")
            services, cluster, step_s = replay_inputs(parts[i], recent, at)
            result = replay_cluster(services, cluster, step_s=step_s)
            facts, task_factor = (
                _facts(result, result.instances, use.running, parts[i], recent, at),
                _task_factor(result, modelled[i], recent, at),
            )
            if facts is not None and task_factor is not None:
                facts = replace(facts, task_factor=task_factor)
                found[i] = _with_deployments(facts, parts[i], services, cluster, recent, step_s)
    return [part if (facts := found.get(i)) is None else with_replay(part, facts, search) for i, part in enumerate(parts)]


def _with_deployments(
    facts: ReplayFacts,
    part: Part,
    services: Sequence[ReplayedService],
    cluster: ReplayedCluster | None,
    recent: Workload,
    step_s: int,
) -> ReplayFacts:
    stated = [(run.service, part.services[run.service.name]) for run, _ in in_replay_order(part)]
    rolled = deployment_facts(services, stated, cluster, start=recent.start, step_s=step_s)
    if rolled is None:
        return facts
    return replace(
        facts,
        factor=facts.factor * rolled.factor,
        task_factor=facts.task_factor * rolled.task_factor,
        instances_max=max(facts.instances_max, rolled.instances_max),
        deployments=rolled,
    )


def last_weeks(workload: Workload, search: Search, weeks: int) -> tuple[Workload, Search]:
    """The end of a workload, at most the whole of it, and the search on its time axis."""
    recent = workload.last_weeks(weeks)
    return recent, replace(search, axis=timeline(recent.start, recent.step_s, recent.n_steps))


def _stands_for(part: Part, modelled: Part) -> bool:
    """Whether the weeks to be replayed hold enough of what the model runs in the whole history: the ratio multiplies it."""
    ours, history = modelled.quantity_per_hour[0], part.quantity_per_hour[0]
    share = np.nansum(ours) * history.size
    return bool(share > 0 and share >= LEAST_OF_HISTORY * np.nansum(history) * ours.size)


def _of_least_members(candidates: Candidates, part: Part) -> Candidates:
    """Candidates of which each member of a part's pool holds what all of them hold, as the replayed instances do.

    Else a pool of unequal members would seem to take more instances under ECS than packed, and pay that for every member.
    """
    if len(part.provider.instance_types) < 2:
        return candidates
    in_pool = candidates.members(part.provider.instance_types, is_windows=part.is_windows)
    launch_type = part.provider.launch_type
    capacity = candidates.capacity[launch_type].copy()
    capacity[in_pool] = capacity[in_pool].min(axis=0)
    return replace(candidates, capacity={**candidates.capacity, launch_type: capacity})


def _one_service(replay: Replay, row: int) -> Replay:
    """One of several services on Fargate, which do not touch each other."""
    return replace(
        replay,
        running=replay.running[row : row + 1],
        placed=replay.placed[row : row + 1],
        draining=replay.draining[row : row + 1],
        deploying=replay.deploying[row : row + 1],
        waiting=replay.waiting[row : row + 1],
        desired=replay.desired[row : row + 1],
    )


def replay_inputs(part: Part, workload: Workload, search: Search) -> tuple[list[ReplayedService], ReplayedCluster, int]:
    """What is replayed of a part over the whole of a workload: services, the instances of the part, and seconds of a step."""
    step_s = replay_step_s(workload, search)
    launch_type = part.provider.launch_type
    services = [replayed_service(run, metric, launch_type, workload, step_s) for run, metric in in_replay_order(part)]
    is_managed = launch_type is LaunchType.MANAGED_INSTANCES
    rules = ClusterRules(
        target_capacity_percent=part.provider.target_capacity_percent,
        min_instances=least_instances(part.runs, part.provider.zones),
    )
    cluster = ReplayedCluster(
        capacity=search.candidates.capacity_of(part.provider, is_windows=part.is_windows).min(
            axis=0
        ),  # of a pool, what every member holds
        zones=part.provider.zones,
        placement=part.provider.placement or PlacementStrategy.SPREAD_THEN_BINPACK,
        rules=replace(rules, boot_s=WINDOWS_BOOT_S) if part.is_windows else rules,
        managed=ManagedRules(least_instances=part.provider.zones) if is_managed else None,
    )
    return services, cluster, step_s


def in_replay_order(part: Part) -> Sequence[tuple[RunningTasks, ScalingMetric]]:
    """Services of a part with what their policies follow, in the order in which the replay places them.

    Largest tasks first, then the busiest service, so that neither names nor the order in a file change a cost: of several
    services that wait, AWS does not say which is served first.
    """
    pairs = [(run, plan.scaling_metric) for run, plan in zip(part.runs, part.services.values(), strict=True)]
    return sorted(
        pairs,
        key=lambda pair: (
            -pair[0].size.cpu_units,
            -pair[0].size.memory_mib,
            -float(np.nansum(pair[0].tasks)),
            pair[0].service.name,
        ),
    )


def replayed_service(
    run: RunningTasks, metric: ScalingMetric, launch_type: LaunchType, workload: Workload, step_s: int
) -> ReplayedService:
    """A service of a plan as the replay takes it."""
    service = run.service
    demand = np.repeat(workload.demand[workload.index(service.name)], workload.step_s // step_s)
    is_counts = service.load_form is LoadForm.TASKS
    least, most, scheduled = scheduled_bounds(service, run.counted_size, steps_from(workload.start, step_s, demand.size))
    share = run.counted_size.cpu_units / run.size.cpu_units
    return ReplayedService(
        name=service.name,
        reservation=reservation(service, run.size, launch_type),
        start_s=round(service.startup_s),
        min_tasks=run.min_tasks if is_counts else least,
        max_tasks=service.scaling.max_tasks if is_counts else most,
        scheduled=scheduled,
        load=demand if is_counts else run_at_target(run, demand),
        saturates_at=None if is_counts or metric is ScalingMetric.REQUESTS else 1 / run.target_cpu_fraction,
        is_counts=is_counts,
        scaling=tracking_rules(service),
        has_tracking=service.scaling.has_target,
        step_policies=() if is_counts else step_scalings(service, demand, run.counted_size, share),
        has_distinct_instances=service.has_distinct_instances,
        host_ports=service.host_ports_on(launch_type),
    )


def run_at_target(run: RunningTasks, demand: FloatArray) -> FloatArray:
    """Tasks that would run exactly at the scaling target, (steps,); a fraction."""
    return tasks_at_target(run.service, demand, run.counted_size)


def _facts(
    result: Replay, replayed: IntArray, modelled: FloatArray, part: Part, recent: Workload, search: Search
) -> ReplayFacts | None:
    """Compare what a replay bills, (segments,), with what the model bills on the same weeks, (steps,).

    Only where every load is known: a gap is neither an hour of no load nor an hour that went well. None without such a step.
    """
    step_s, launch_type = replay_step_s(recent, search), part.provider.launch_type
    services = [replayed_service(run, metric, launch_type, recent, step_s) for run, metric in in_replay_order(part)]
    step_h = step_s / SECONDS_PER_HOUR
    hours = known_hours(result, services, step_h)
    if not hours.any():
        return None
    to_month = HOURS_PER_MONTH / float(hours.sum())
    known = ~np.isnan(modelled)
    is_known = np.repeat(known, round(search.axis.step_hours / step_h))
    ratio = typical_ratio(
        np.where(is_known, result.over_time(replayed), 0),
        np.repeat(np.where(known, modelled, 0.0), is_known.size // known.size),
        steps_per_day=round(HOURS_PER_DAY / step_h),
    )
    if ratio is None:
        return None
    above = hours_over(result, services, [1.0] * len(services), hours)
    full = hours_over(result, services, [1 / run.target_cpu_fraction for run, _ in in_replay_order(part)], hours)
    return ReplayFacts(
        weeks=recent.span_hours / HOURS_PER_WEEK,
        factor=ratio,
        waiting_task_hours=float(sum_over_states(result.waiting.sum(axis=0), hours)) * to_month,
        hours_above_target=above * to_month,
        hours_above_full=full * to_month,
        instances_max=int(result.instances.max(initial=0)),
        instance_hours=instance_hours(result, step_s),
        week=None if part.on_instances is None else last_week(result, services, recent.start, step_s),
    )


def _task_factor(result: Replay, modelled: Part, recent: Workload, search: Search) -> float | None:
    """CPU that tasks on instances reserve in a replay over what they do in the model, where every load is known."""
    step_s = replay_step_s(recent, search)
    sizes = [run.size.cpu_units for run in modelled.runs]
    reserved = np.array(sizes) @ modelled.tasks
    on_steps = np.repeat(reserved, search.axis.step_s // step_s)
    is_known = ~np.isnan(on_steps)
    replayed = np.array([run.size.cpu_units for run, _ in in_replay_order(modelled)]) @ result.holding
    return typical_ratio(
        np.where(is_known, result.over_time(replayed), 0),
        np.where(is_known, on_steps, 0.0),
        steps_per_day=HOURS_PER_DAY * SECONDS_PER_HOUR // step_s,
    )


def typical_ratio(replayed: FloatArray, modelled: FloatArray, *, steps_per_day: int) -> float | None:
    """What a replay takes over what the model does, (steps,) each, without the few days that are like no other.

    None where either takes nothing: no bill is multiplied by none.

    The ratio multiplies a whole history: a single spike, which a policy only follows in part, says nothing of the other weeks.
    Of seven days at most one is left out, and only where its ratio is far from the median day's; its cost stays the model's.
    """
    days = np.arange(0, modelled.size, steps_per_day)
    ours, theirs = np.add.reduceat(replayed, days), np.add.reduceat(modelled, days)
    ours, theirs = ours[theirs > 0], theirs[theirs > 0]
    if not ours.any():
        return None
    apart = np.abs(ours / theirs / np.median(ours / theirs) - 1) if np.median(ours) > 0 else np.zeros(theirs.size)
    odd = np.argsort(-apart, kind="stable")[: theirs.size // ODD_DAY_IN]
    kept = np.ones(theirs.size, dtype=np.bool_)
    kept[odd[apart[odd] > ODD_DAY_FRACTION]] = False
    return float(ours[kept].sum() / theirs[kept].sum()) or None


def instance_hours(result: Replay, step_s: int) -> float:
    """Instance-hours of a replay, whether its loads are known or not."""
    return float(sum_over_states(result.instances, result.n_steps.astype(np.float64) * (step_s / SECONDS_PER_HOUR)))


def known_hours(result: Replay, services: Sequence[ReplayedService], step_hours: float) -> FloatArray:
    """(segments,): how long each segment of a replay lasts where the load of every service is known, 0 where not."""
    first = first_steps(result)
    is_known = np.all([~np.isnan(service.load[first]) for service in services], axis=0)
    return np.where(is_known, result.n_steps * step_hours, 0.0)


def hours_over(result: Replay, services: Sequence[ReplayedService], limits: Sequence[float], hours: FloatArray) -> float:
    """Service-hours in which the load is over ``limits`` times what the running tasks do at their target; counts have none."""
    first = first_steps(result)
    found = 0.0
    for running, service, limit in zip(result.running, services, limits, strict=True):
        if not service.is_counts:
            load = service.load[first]
            found += float(hours[load > running * limit * (1 + CEIL_TOLERANCE)].sum())
    return found


def first_steps(result: Replay) -> IntArray:
    """(segments,): the step at which each segment of a replay begins."""
    return np.concatenate([[0], np.cumsum(result.n_steps)[:-1]]).astype(np.int64)
