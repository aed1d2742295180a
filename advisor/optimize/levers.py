"""What each setting of scaling is worth: the same weeks replayed with one setting changed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from advisor.bounds import least_moved
from advisor.ecs import PlacementStrategy
from advisor.meters import sum_over_states
from advisor.optimize.parts import Part, times_instances
from advisor.optimize.pricing import price_parts
from advisor.optimize.replayed import hours_over, in_replay_order, instance_hours, known_hours, last_weeks, replay_inputs
from advisor.optimize.search import Search
from advisor.simulate.replay import (
    HIGH_RESOLUTION_OUT_POINTS,
    Replay,
    ReplayedCluster,
    ReplayedService,
    ScaleInStep,
    replay_cluster,
)
from advisor.units import HOURS_PER_MONTH, HOURS_PER_WEEK, SECONDS_PER_HOUR, FloatArray
from advisor.workload import Workload

HOT_FRACTION = 0.8
"""Use of its tasks above which a service's hours are counted."""
TARGET_STEPS_PERCENT = (-10, 10, 20)
MOST_TARGET_PERCENT = 90
COOLDOWNS_S = (60, 900)
TARGET_CAPACITIES_PERCENT = (90, 80)
PLACEMENT_NAMES = {
    PlacementStrategy.BINPACK: "binpack",
    PlacementStrategy.DEFAULT_SPREAD: "ECS's default",
    PlacementStrategy.SPREAD_THEN_BINPACK: "AZ spread, then binpack",
    PlacementStrategy.INSTANCE_SPREAD: "spread over instances",
    PlacementStrategy.RANDOM: "random",
}
"""As reports say them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A month of a cluster under one setting of its scaling."""

    monthly_usd: float | None
    """None where something has no price."""
    hours_above_80_percent: float
    """Service-hours a month with more load than 80 % of what the running tasks can do."""
    hours_above_full: float
    waiting_task_hours: float
    """Task-hours a month in PROVISIONING."""
    instances_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lever:
    """One setting changed, all else as it was."""

    setting: str
    before: str
    after: str
    outcome: Outcome
    is_assumption: bool = False
    """Nobody can set it: AWS does not publish it, and this is the other end of a range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Levers:
    """Settings of the scaling of a cluster, each priced on a replay of the same weeks."""

    weeks: float
    base: Outcome
    levers: tuple[Lever, ...]


Case = tuple[Sequence[ReplayedService], ReplayedCluster]


def price_levers(part: Part, workload: Workload, search: Search, hours: FloatArray, *, weeks: int) -> Levers:
    """Replay the last weeks of a part on instances once for each setting.

    Parameters
    ----------
    part
        As the replay of the present settings left it: its bill is the base, and instance-hours carry it over.
    hours : (steps,)
        Hours of the month that each step stands for.
    """
    recent, at = last_weeks(workload, search, weeks)
    services, cluster, step_s = replay_inputs(part, recent, at)
    targets = [run.target_cpu_fraction for run, _ in in_replay_order(part)]
    base = replay_cluster(services, cluster, step_s=step_s)
    base_hours = instance_hours(base, step_s)

    def outcome(result: Replay, case: Sequence[ReplayedService], fractions: Sequence[float]) -> Outcome:
        ratio = instance_hours(result, step_s) / base_hours if base_hours else 1.0
        scaled = replace(
            part, quantity_per_hour=times_instances(part, ratio, search.candidates, step_hours=search.axis.step_hours)
        )
        monthly = price_parts([scaled], hours, search.catalog, search.region).monthly_usd
        lasting = known_hours(result, case, step_s / SECONDS_PER_HOUR)
        hot = hours_over(result, case, [HOT_FRACTION / fraction for fraction in fractions], lasting)
        full = hours_over(result, case, [1 / fraction for fraction in fractions], lasting)
        to_month = HOURS_PER_MONTH / float(lasting.sum())
        return Outcome(
            monthly_usd=None if monthly is None else monthly.mean,
            hours_above_80_percent=hot * to_month,
            hours_above_full=full * to_month,
            waiting_task_hours=float(sum_over_states(result.waiting.sum(axis=0), lasting)) * to_month,
            instances_max=int(result.instances.max(initial=0)),
        )

    found = []
    for setting, before, after, case, fractions, is_assumption in _cases(services, cluster, targets):
        result = replay_cluster(case[0], case[1], step_s=step_s)
        found.append(
            Lever(
                setting=setting,
                before=before,
                after=after,
                outcome=outcome(result, case[0], fractions),
                is_assumption=is_assumption,
            )
        )
    return Levers(weeks=recent.span_hours / HOURS_PER_WEEK, base=outcome(base, services, targets), levers=tuple(found))


def _cases(
    services: Sequence[ReplayedService], cluster: ReplayedCluster, targets: list[float]
) -> Iterator[tuple[str, str, str, Case, list[float], bool]]:
    """Setting, before, after, what to replay, target of each service, and whether nobody can set it."""
    scaled = [i for i, service in enumerate(services) if not service.is_counts]
    followed = [i for i in scaled if services[i].has_tracking]

    def changed(change: Callable[[ReplayedService], ReplayedService]) -> list[ReplayedService]:
        return [service if service.is_counts else change(service) for service in services]

    if followed:
        for points in TARGET_STEPS_PERCENT:
            moved = [
                u if i not in followed else min(max(u + points / 100, 0.1), MOST_TARGET_PERCENT / 100)
                for i, u in enumerate(targets)
            ]
            case = [_at_target(service, u, new) for service, u, new in zip(services, targets, moved, strict=True)]
            before, after = (_percents([of[i] for i in followed]) for of in (targets, moved))
            if after != before:
                yield "scaling target", before, after, (case, cluster), moved, False
        now = _seconds([services[i].scaling.in_cooldown_s for i in followed])
        for cooldown in COOLDOWNS_S:
            case = changed(partial(_with_in_cooldown, cooldown))
            if now != f"{cooldown} s":
                yield "scale-in cooldown", now, f"{cooldown} s", (case, cluster), targets, False
    if scaled:
        if any(max(_least_counts(services[i])) > 1 for i in scaled):
            case = changed(partial(_with_least, -1))
            yield "minimum tasks", "as they are", "one less, at least 1", (case, cluster), targets, False
        case = changed(partial(_with_least, 1))
        yield "minimum tasks", "as they are", "one more", (case, cluster), targets, False
    capacity = cluster.rules.target_capacity_percent
    for percent in TARGET_CAPACITIES_PERCENT:
        if percent != capacity:
            other = replace(cluster, rules=replace(cluster.rules, target_capacity_percent=percent))
            yield "target capacity", f"{capacity} %", f"{percent} %", (services, other), targets, False
    for placement in PlacementStrategy:
        if placement is not cluster.placement:
            case_there = services, replace(cluster, placement=placement)
            yield "placement", PLACEMENT_NAMES[cluster.placement], PLACEMENT_NAMES[placement], case_there, targets, False
    if cluster.placement is PlacementStrategy.SPREAD_THEN_BINPACK:
        drawn = services, replace(cluster, random_stops_seed=0)
        yield "tasks of a zone that stop", "those with most room around", "any", drawn, targets, True
    if followed:
        case = changed(lambda s: replace(s, scaling=replace(s.scaling, out_points=HIGH_RESOLUTION_OUT_POINTS)))
        yield "metrics of the service", "60 s", "20 s", (case, cluster), targets, False
        case = changed(lambda s: replace(s, scaling=replace(s.scaling, scale_in_step=ScaleInStep.ONE)))
        yield "scale-in step", "to the formula's count", "one task at a time", (case, cluster), targets, True


def _least_counts(service: ReplayedService) -> list[int]:
    return [service.min_tasks, *(each.min_tasks or 0 for each in service.scheduled)]


def _with_least(more: int, service: ReplayedService) -> ReplayedService:
    """One task more or less at all times."""
    return replace(
        service,
        min_tasks=least_moved(service.min_tasks, service.max_tasks, more),
        scheduled=tuple(
            each if each.min_tasks is None else replace(each, min_tasks=least_moved(each.min_tasks, each.max_tasks, more))
            for each in service.scheduled
        ),
    )


def _with_in_cooldown(seconds: int, service: ReplayedService) -> ReplayedService:
    return replace(service, scaling=replace(service.scaling, in_cooldown_s=seconds))


def _at_target(service: ReplayedService, before: float, after: float) -> ReplayedService:
    """The same work under another target: fewer or more tasks would run exactly at it."""
    if service.is_counts or after == before:
        return service
    saturates = None if service.saturates_at is None else service.saturates_at * before / after
    return replace(service, load=service.load * (before / after), saturates_at=saturates)


def _percents(fractions: Sequence[float]) -> str:
    shown = sorted({round(fraction * 100, 1) for fraction in fractions})
    return f"{shown[0]:g} %" if len(shown) == 1 else f"{shown[0]:g} to {shown[-1]:g} %"


def _seconds(seconds: Sequence[int]) -> str:
    shown = sorted(set(seconds))
    return f"{shown[0]} s" if len(shown) == 1 else f"{shown[0]} to {shown[-1]} s"
