"""Counts of services with step policies: one service after the other through the engine of the replay."""

import numpy as np

from advisor.bounds import Steps, bounds_in_force
from advisor.ecs import TaskSize
from advisor.simulate.replay import (
    CountArray,
    ReplayedService,
    ScalingRules,
    ScheduledBounds,
    StepScaling,
    counts_by_policies,
    whole_steps,
)
from advisor.sizing import cpu_units_in_use
from advisor.units import FloatArray
from advisor.workload import Service


def step_scalings(service: Service, demand: FloatArray, size: TaskSize, share: float = 1.0) -> tuple[StepScaling, ...]:
    """Step policies as the replay takes them.

    Parameters
    ----------
    demand : (steps,)
        As ``service.load_form`` says.
    size
        That the count is worked out for.
    share
        CPU of that size over the CPU of the tasks that run, at most 1: as many larger tasks use a smaller share of theirs, so
        thresholds and distances shrink with it.
    """
    in_use = cpu_units_in_use(service, demand)
    if not service.scaling.step_policies:
        return ()
    if in_use is None:
        raise ValueError(f"service {service.name!r}: step policies follow CPU, which its load does not tell")
    return tuple(
        StepScaling(
            load=np.asarray(in_use / (policy.threshold_percent / 100 * size.cpu_units)),
            saturates_at=1 / (policy.threshold_percent / 100 * share),
            steps=tuple((step.from_percent / policy.threshold_percent, step.change) for step in policy.steps),
            is_scale_in=policy.is_scale_in,
            points=policy.minutes,
            cooldown_s=policy.cooldown_s,
            adjustment=policy.adjustment,
            min_adjustment_magnitude=policy.min_adjustment_magnitude,
            is_at_threshold=policy.is_at_threshold,
        )
        for policy in service.scaling.step_policies
    )


def tracking_rules(service: Service) -> ScalingRules:
    """How its target tracking acts."""
    return ScalingRules(out_cooldown_s=service.scaling.out_cooldown_s, in_cooldown_s=service.scaling.in_cooldown_s)


def scheduled_bounds(service: Service, size: TaskSize, steps: Steps) -> tuple[int, int | None, tuple[ScheduledBounds, ...]]:
    """The least and the most tasks at the first step, None without a bound, and what scheduled actions make of them later."""
    bounds = bounds_in_force(service, size, steps.start_s, steps.end_s)
    least, most = bounds.least.astype(np.int64).tolist(), [None if n == np.inf else int(n) for n in bounds.most.tolist()]
    moves = tuple(
        ScheduledBounds(step=whole_steps(at_s - steps.start_s, steps.step_s), min_tasks=low, max_tasks=high)
        for at_s, low, high in zip(bounds.from_s[1:].tolist(), least[1:], most[1:], strict=True)
    )
    return least[0], most[0], moves


def stepped_counts(
    service: Service, load: FloatArray, demand: FloatArray, size: TaskSize, saturates_at: float, share: float, steps: Steps
) -> CountArray:
    """Tasks running or starting on Fargate, (steps,).

    Parameters
    ----------
    load : (steps,)
        Tasks at the target, or at the lowest threshold from which on a policy adds tasks.
    demand, size, share
        As in :func:`step_scalings`.
    """
    least, most, scheduled = scheduled_bounds(service, size, steps)
    replayed = ReplayedService(
        name=service.name,
        reservation=np.array([size.cpu_units, size.memory_mib, 1]),
        start_s=round(service.startup_s),
        min_tasks=least,
        max_tasks=most,
        load=load,
        saturates_at=None if saturates_at == np.inf else saturates_at,
        scaling=tracking_rules(service),
        has_tracking=service.scaling.has_target,
        scheduled=scheduled,
        step_policies=step_scalings(service, demand, size, share),
    )
    counts: CountArray = counts_by_policies(replayed, step_s=steps.step_s).astype(np.int32)
    return counts
