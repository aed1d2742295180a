"""Several scaling policies on one service: target tracking by more than one metric, and step scaling."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from advisor.plan import AdjustmentType
from advisor.simulate.replay.rules import (
    ReplayedService,
    ScaleInStep,
    ScalingRules,
    StepScaling,
    TrackedMetric,
    whole_steps,
)
from advisor.units import CEIL_TOLERANCE, FloatArray

NEVER = -(10**9)
NO_END = 10**9


@dataclass(slots=True, kw_only=True, eq=False)
class _Alarms:
    """Steps in a row above and below, and times of the last actions, of one policy."""

    load: FloatArray
    cap: float
    high: float
    low: float
    out_steps: int
    in_steps: int
    out_cooldown: int
    in_cooldown: int
    above: int = 0
    below: int = 0
    metric: float = field(default=float("nan"))
    last_out: int = NEVER
    last_in: int = NEVER
    base: float = 0.0

    def read(self, t: int, running: int) -> None:
        """No running task or an unknown load is no data, and both counts start anew."""
        self.metric = min(float(self.load[t]) / running, self.cap) if running else float("nan")
        self.above = self.above + 1 if self.metric > self.high else 0
        self.below = self.below + 1 if self.metric < self.low else 0

    @property
    def has_data(self) -> bool:
        return self.metric == self.metric

    def base_at(self, t: int, running: int) -> float:
        """Within the cooldown of a scale-out, the count at which that began."""
        return running if t - self.last_out >= self.out_cooldown else self.base

    def may_out(self) -> bool:
        return self.has_data and self.above >= self.out_steps

    def may_in(self, t: int) -> bool:
        return self.has_data and self.below >= self.in_steps and self.is_in_over(t)

    def is_in_over(self, t: int) -> bool:
        return t - self.last_in >= self.in_cooldown

    def quiet_steps(self, t: int) -> int:
        """Steps after ``t`` in which nothing of it can begin to act while its metric stays."""
        lefts = [
            self.out_steps - self.above if self.above or not self.out_steps else 0,
            self.in_steps - self.below if self.below or not self.in_steps else 0,
            self.last_out + self.out_cooldown - t,
            self.last_in + self.in_cooldown - t,
        ]
        return min((left - 1 for left in lefts if left > 0), default=NO_END)

    def skip(self, n_steps: int) -> None:
        self.above += n_steps if self.above else 0
        self.below += n_steps if self.below else 0


class SeveralPolicies:
    """All policies of one service.

    Notes
    -----
    A scale-out is to the largest count that any policy asks for. A scale-in by target tracking needs every such policy that
    may scale in to ask for one; that of step scaling does not wait for others. Of several counts the largest holds. Each policy
    that asks begins its own cooldown, and a scale-out ends those of all scale-ins (Application Auto Scaling User Guide,
    "Multiple target tracking scaling policies" and "Step scaling policies"). An exact capacity is asked for from either side:
    an alarm above its threshold also lowers a count that is higher.
    """

    def __init__(self, service: ReplayedService, step_s: int) -> None:
        own = TrackedMetric(load=service.load, saturates_at=service.saturates_at, scaling=service.scaling)
        tracked = (own, *service.more_tracked) if service.has_tracking else service.more_tracked
        self.tracked = [(each.scaling, _tracking_alarms(each, step_s)) for each in tracked]
        self.stepped = [(each, _step_alarms(each, step_s)) for each in service.step_policies]

    def desired(self, t: int, running: int, desired: int, least: float, most: float, *, may_scale_in: bool) -> int:
        """Desired count after the metrics of step ``t``."""
        every = [alarms for _, alarms in (*self.tracked, *self.stepped)]
        for alarms in every:
            alarms.read(t, running)
        more = [(count, alarms) for alarms, count in self._outs(t, running) if min(count, most) > desired]
        if more:
            for _, alarms in more:
                alarms.base, alarms.last_out = alarms.base_at(t, running), t
            for alarms in every:
                alarms.last_in = NEVER
            return int(min(max(count for count, _ in more), most))
        if not may_scale_in:
            return desired
        fewer = [*self._tracked_in(t, running, desired, least), *self._stepped_in(t, running, desired, least)]
        for _, alarms in fewer:
            alarms.last_in = t
        return int(max((count for count, _ in fewer), default=desired))

    def quiet_steps(self, t: int) -> int:
        """Steps after ``t`` in which no policy can begin to act while all loads and the running tasks stay as they are."""
        return min(alarms.quiet_steps(t) for _, alarms in (*self.tracked, *self.stepped))

    def skip(self, n_steps: int) -> None:
        """Count alarms on over steps in which nothing changes."""
        for _, alarms in (*self.tracked, *self.stepped):
            alarms.skip(n_steps)

    def _outs(self, t: int, running: int) -> list[tuple[_Alarms, float]]:
        found = [(alarms, _whole(alarms.base_at(t, running) * alarms.metric)) for _, alarms in self.tracked if alarms.may_out()]
        return found + [
            (alarms, _asked(policy, alarms, alarms.base_at(t, running)))
            for policy, alarms in self.stepped
            if _may_add(policy) and _is_on(policy, alarms)
        ]

    def _tracked_in(self, t: int, running: int, desired: int, least: float) -> list[tuple[float, _Alarms]]:
        """Of target tracking: all policies that may scale in, or none."""
        found = []
        for rules, alarms in self.tracked:
            if rules.is_scale_in_disabled:
                continue
            if not alarms.may_in(t):
                return []
            wanted = _whole(running * alarms.metric)
            if rules.scale_in_step is ScaleInStep.ONE:
                wanted = max(wanted, desired - 1)
            wanted = max(wanted, least)
            if not wanted < desired:
                return []
            found.append((wanted, alarms))
        return found

    def _stepped_in(self, t: int, running: int, desired: int, least: float) -> list[tuple[float, _Alarms]]:
        found = []
        for policy, alarms in self.stepped:
            if _may_remove(policy) and _is_on(policy, alarms) and alarms.is_in_over(t):
                wanted = max(_asked(policy, alarms, running), least)
                if wanted < desired:
                    found.append((wanted, alarms))
        return found


def _whole(tasks: float) -> float:
    """Rounded up as :func:`advisor.units.ceil_whole` does."""
    return float(math.ceil(tasks * (1 - CEIL_TOLERANCE)))


def _tracking_alarms(metric: TrackedMetric, step_s: int) -> _Alarms:
    rules: ScalingRules = metric.scaling
    return _Alarms(
        load=metric.load,
        cap=float("inf") if metric.saturates_at is None else metric.saturates_at,
        high=1 + CEIL_TOLERANCE,
        low=rules.low_fraction * (1 - CEIL_TOLERANCE),
        out_steps=whole_steps(60 * rules.out_points, step_s),
        in_steps=whole_steps(60 * rules.in_points, step_s),
        out_cooldown=whole_steps(rules.out_cooldown_s, step_s),
        in_cooldown=whole_steps(rules.in_cooldown_s, step_s),
    )


def _step_alarms(policy: StepScaling, step_s: int) -> _Alarms:
    points, cooldown = whole_steps(60 * policy.points, step_s), whole_steps(policy.cooldown_s, step_s)
    reach = CEIL_TOLERANCE if policy.is_at_threshold else -CEIL_TOLERANCE
    return _Alarms(
        load=policy.load,
        cap=float("inf") if policy.saturates_at is None else policy.saturates_at,
        high=1 - reach,
        low=1 + reach,
        out_steps=points,
        in_steps=points,
        out_cooldown=cooldown,
        in_cooldown=cooldown,
    )


def _is_on(policy: StepScaling, alarms: _Alarms) -> bool:
    count, due = (alarms.below, alarms.in_steps) if policy.is_scale_in else (alarms.above, alarms.out_steps)
    return alarms.has_data and count >= due


def _may_add(policy: StepScaling) -> bool:
    return not policy.is_scale_in or policy.adjustment is AdjustmentType.EXACT_CAPACITY


def _may_remove(policy: StepScaling) -> bool:
    return policy.is_scale_in or policy.adjustment is AdjustmentType.EXACT_CAPACITY


def _asked(policy: StepScaling, alarms: _Alarms, base: float) -> float:
    """By the last step that begins no farther from the threshold than the metric is."""
    distance = abs(alarms.metric - 1)
    change = [change for begins, change in policy.steps if distance >= begins - CEIL_TOLERANCE][-1]
    return policy.adjustment.count_from(base, change, policy.min_adjustment_magnitude)


def several(services: Sequence[ReplayedService], step_s: int) -> dict[int, SeveralPolicies]:
    """By row, the services that have more than the policy of their own load."""
    return {
        row: SeveralPolicies(service, step_s)
        for row, service in enumerate(services)
        if (service.more_tracked or service.step_policies) and not service.is_counts
    }
