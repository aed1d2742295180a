"""Scaling targets of one service, replayed on its history: what each costs, and how safe it would have been."""

from dataclasses import dataclass, replace

import numpy as np

from advisor.ecs import LaunchType
from advisor.optimize.loads import ServiceLoad
from advisor.optimize.packed import by_step
from advisor.optimize.parts import Part, fargate_part
from advisor.optimize.pricing import price_parts
from advisor.optimize.search import Search, part_on_provider
from advisor.simulate.replay.rules import whole_steps
from advisor.simulate.scaling import RunningTasks, running_tasks
from advisor.simulate.timeline import Timeline, trailing_maximum
from advisor.sizing import MEMORY_MARGIN_FRACTION
from advisor.units import CEIL_TOLERANCE, BoolArray, FloatArray

TARGETS_PERCENT = (50.0, 60.0, 70.0, 80.0)
MOST_HOURS_ABOVE = 7.3
"""Of a month: a proposed target may be exceeded for one hour in a hundred, while tasks start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetProposal:
    """The highest scaling target that would have been safe on the history. It stands beside the answer; nothing applies it."""

    target_cpu_percent: float
    own_target_cpu_percent: float
    saving_usd: float
    """In a month, against the plan's own target; below 0 where only a dearer target would have been safe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetOutcome:
    """What a scaling target would have cost and how safe it would have been, in hours of a month of 730."""

    target_cpu_percent: float
    monthly_usd: float | None
    """Of the service alone, in the recommended size and on what is recommended; None without a price."""
    hours_above_target: float | None
    """None where steps of more than five minutes show none: what happens inside of them is not known."""
    hours_above_full: float | None
    """CPU in use, or the busiest task where that was measured, is above what the tasks have. None where neither shows any: the
    busiest task was not measured, and steps are of more than five minutes."""
    memory_headroom_fraction: float | None
    """Memory left at the worst moment, as a share of the size; below 0 it would not have been enough. None: not measured."""


def target_outcomes(load: ServiceLoad, part: Part, search: Search) -> tuple[TargetOutcome, ...]:
    """Outcomes of 50, 60, 70, 80 % and of the plan's own target, lowest first.

    Parameters
    ----------
    load
        The service as it is recommended: with its demand and what was seen of single tasks.
    part
        What it runs on in the recommended plan.

    Returns
    -------
    tuple of TargetOutcome
        Empty where no target tracks CPU, the count is fixed, or the service shares its instances with others.
    """
    name, scaling = load.service.name, load.service.scaling
    run = next((each for each in part.runs if each.service.name == name), None)
    if run is None or len(part.services) > 1 or not load.service.is_cpu_known or scaling.is_fixed:
        return ()
    if not scaling.has_target:
        return ()
    own = round(run.target_cpu_fraction * 100, 6)
    return tuple(_outcome(load, part, run, percent, search) for percent in sorted({*TARGETS_PERCENT, own}))


def proposed_target(
    outcomes: tuple[TargetOutcome, ...], load: ServiceLoad, part: Part, search: Search
) -> TargetProposal | None:
    """The highest of these targets that would have been safe, where that is another than the plan's own and not dearer.

    Safe is what never took all of a task's CPU, exceeded its target for `MOST_HOURS_ABOVE` at most, and left the memory margin
    at the worst moment. Where the plan's own target was not safe, a dearer one may be proposed.

    Returns
    -------
    TargetProposal or None
        None where safety cannot be told: in steps so long that counts are not replayed, and where the most that single tasks
        used was not measured, of CPU and of memory.
    """
    observed = load.observed
    is_seen = observed is not None and not np.isnan(observed.cpu_units_max).all() and observed.tells_memory_peak
    run = next((each for each in part.runs if each.service.name == load.service.name), None)
    if not is_seen or run is None or search.axis.counts_step_s is None:
        return None
    percent = round(run.target_cpu_fraction * 100, 6)
    own = next((each for each in outcomes if each.target_cpu_percent == percent), None)
    best = max((each for each in outcomes if _is_safe(each)), key=lambda each: each.target_cpu_percent, default=None)
    if own is None or best is None or best is own or own.monthly_usd is None or best.monthly_usd is None:
        return None
    saving = own.monthly_usd - best.monthly_usd
    if saving <= 0 and _is_safe(own):
        return None
    return TargetProposal(
        target_cpu_percent=best.target_cpu_percent, own_target_cpu_percent=own.target_cpu_percent, saving_usd=saving
    )


def _is_safe(outcome: TargetOutcome) -> bool:
    headroom = outcome.memory_headroom_fraction
    least = 1 - 1 / (1 + MEMORY_MARGIN_FRACTION)
    is_roomy = headroom is not None and headroom >= least - CEIL_TOLERANCE
    above_target = outcome.hours_above_target
    return is_roomy and outcome.hours_above_full == 0 and above_target is not None and above_target <= MOST_HOURS_ABOVE


def _outcome(load: ServiceLoad, part: Part, run: RunningTasks, percent: float, search: Search) -> TargetOutcome:
    target = percent / 100
    service = replace(run.service, scaling=replace(run.service.scaling, target_cpu_fraction=target))
    if run.is_count_kept:  # as many tasks as of the declared size: the target is of that
        kept = target * run.size.cpu_units / service.task.cpu_units
        service = replace(service, scaling=replace(service.scaling, target_cpu_fraction=kept))
    other = running_tasks(service, load.demand, run.size, search.axis, is_count_kept=run.is_count_kept)
    plan = part.services[service.name]
    if part.provider.launch_type is LaunchType.FARGATE:
        at = fargate_part(other, plan.architecture, plan.purchase_option, search.axis, zones=part.provider.zones)
    else:
        at = part_on_provider(search, [other], part.provider)
    monthly = price_parts([at], load.hours, search.catalog, search.region).monthly_usd
    serving, fine = _serving(other, search.axis), other.count_steps
    has = np.maximum(serving, 1.0) * run.size.cpu_units
    in_use = np.zeros_like(serving) if other.cpu_units is None else np.repeat(other.cpu_units, fine)
    hours, is_fine = np.repeat(load.hours / fine, fine), other.counts is not None
    is_full = (in_use > has * (1 + CEIL_TOLERANCE)) | _is_busiest_full(load, run, serving, search)
    above_target = float(hours[in_use > has * target * (1 + CEIL_TOLERANCE)].sum())
    above_full = float(hours[is_full].sum())
    return TargetOutcome(
        target_cpu_percent=percent,
        monthly_usd=None if monthly is None else monthly.mean,
        hours_above_target=above_target if above_target or is_fine else None,
        hours_above_full=above_full if above_full or is_fine or _is_busiest_seen(load, search) else None,
        memory_headroom_fraction=_headroom(load, run, by_step(serving, fine), search),
    )


def _serving(run: RunningTasks, axis: Timeline) -> FloatArray:
    """(steps x count steps,): tasks that serve, without those that start; NaN in a gap. In long steps none is seen to start."""
    if run.counts is None or axis.counts_step_s is None:
        return run.tasks
    counts = np.where(np.repeat(np.isnan(run.tasks), run.count_steps), np.nan, run.counts)
    return -trailing_maximum(-counts, whole_steps(run.service.startup_s, axis.counts_step_s))


def _is_busiest_full(load: ServiceLoad, run: RunningTasks, serving: FloatArray, search: Search) -> BoolArray:
    if load.observed is None:
        return np.zeros(serving.shape, dtype=np.bool_)

    def at_counts(series: FloatArray) -> FloatArray:
        on_axis = search.axis.spread(series)
        return np.repeat(on_axis, serving.size // on_axis.size)

    more = at_counts(load.observed.running_tasks) / np.maximum(serving, 1.0)
    busiest = at_counts(load.observed.cpu_units_max) * np.fmax(more, 1.0)
    return np.asarray(busiest > run.size.cpu_units * (1 + CEIL_TOLERANCE))


def _is_busiest_seen(load: ServiceLoad, search: Search) -> bool:
    """Whether the most that a single task used was measured all the time."""
    if load.observed is None:
        return False
    return not np.isnan(search.axis.spread(load.observed.cpu_units_max)[load.hours > 0]).any()


def _headroom(load: ServiceLoad, run: RunningTasks, tasks: FloatArray, search: Search) -> float | None:
    memory_mib = load.memory_mib(tasks, search.axis)
    return None if memory_mib is None or np.isnan(memory_mib).all() else 1 - float(np.nanmax(memory_mib)) / run.size.memory_mib
