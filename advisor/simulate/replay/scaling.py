"""Service auto scaling by target tracking, for all services at once."""

from collections.abc import Sequence

import numpy as np

from advisor.simulate.replay.policies import several
from advisor.simulate.replay.rules import ReplayedService, ScaleInStep, ScheduledBounds, whole_steps
from advisor.units import CEIL_TOLERANCE, BoolArray, FloatArray, IntArray, ceil_whole

NEVER = -(10**9)


class Scalers:
    """Alarms and cooldowns of the policies of several services, (services,) each.

    Notes
    -----
    The metric over its target is ``load / running``, at most ``saturates_at``. A scale-out needs ``out_points`` minutes above 1
    in a row and asks for ``ceil(base x metric)``, where the base is the running count, or during the cooldown the count at
    which the first action was taken; it acts only where that is more than desired. A scale-in needs ``in_points`` minutes
    below ``low_fraction`` and no scale-in within its cooldown. Without running tasks there is no data, and the counters
    start anew.
    """

    def __init__(self, services: Sequence[ReplayedService], step_s: int) -> None:
        def of(values: list[float]) -> FloatArray:
            return np.array(values, dtype=np.float64)

        def steps(values: list[int]) -> IntArray:
            return np.array([whole_steps(value, step_s) for value in values], dtype=np.int64)

        rules = [service.scaling for service in services]
        self.is_counts = np.array([service.is_counts for service in services])
        self.are_counts = bool(self.is_counts.any())
        self.least = np.array([service.min_tasks for service in services], dtype=np.int64)
        self.most = of([np.inf if service.max_tasks is None else service.max_tasks for service in services])
        self.cap = of([np.inf if service.saturates_at is None else service.saturates_at for service in services])
        self.low = of([rule.low_fraction for rule in rules]) * (1 - CEIL_TOLERANCE)
        self.out_steps, self.in_steps = steps([60 * r.out_points for r in rules]), steps([60 * r.in_points for r in rules])
        self.out_cooldown, self.in_cooldown = steps([r.out_cooldown_s for r in rules]), steps([r.in_cooldown_s for r in rules])
        self.is_one = np.array([rule.scale_in_step is ScaleInStep.ONE for rule in rules])
        self.are_one = bool(self.is_one.any())
        n = len(services)
        self.above, self.below = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        self.out_until, self.in_until = np.full(n, NEVER), np.full(n, NEVER)
        """(services,): steps at which cooldowns are over."""
        self.base = np.zeros(n)
        self.several = several(services, step_s)
        self.may_scale = ~self.is_counts
        """By the policy of the service's own load alone."""
        self.may_scale[list(self.several)] = False
        self.may_scale_in = self.may_scale & ~np.array([rule.is_scale_in_disabled for rule in rules])
        self.scheduled: dict[int, list[tuple[int, ScheduledBounds]]] = {}
        for row, service in enumerate(services):
            for action in () if service.is_counts else service.scheduled:
                self.scheduled.setdefault(action.step, []).append((row, action))

    def first_counts(self, load: FloatArray) -> IntArray:
        """(services,): tasks at the first step, as if the load had lasted: what it needs, in the bounds."""
        needed = ceil_whole(np.nan_to_num(load, nan=0.0))
        bounded = np.minimum(np.maximum(needed, self.least), self.most)
        return np.where(self.is_counts, needed, bounded).astype(np.int64)

    def step(self, load: FloatArray, running: IntArray, desired: IntArray, t: int, is_deploying: BoolArray) -> IntArray:
        """Desired counts after the metrics of step ``t``, (services,). During a deployment no policy scales in.

        Divides by zero, of which the caller has numpy say nothing: to tell it anew costs a step as much as three sums.
        """
        if t in self.scheduled:
            desired = self._on_schedule(desired, t)
        # NaN is no data: neither above nor below anything.
        serving = running.astype(np.float64)
        metric = np.minimum(load / serving, self.cap)
        if not serving.min():
            metric[serving == 0] = np.nan
        self.above = (self.above + 1) * (metric > 1 + CEIL_TOLERANCE)
        self.below = (self.below + 1) * (metric < self.low)
        may_out = (self.above >= self.out_steps) & self.may_scale
        may_in = np.greater((self.below >= self.in_steps) & self.may_scale_in, is_deploying)
        if (may_out | may_in).any():
            desired = self._acted(metric, serving, desired, t, may_out, may_in)
        if self.several:
            desired = desired.copy()
            for row, policies in self.several.items():
                now = int(running[row]), int(desired[row])
                desired[row] = policies.desired(t, *now, self.least[row], self.most[row], may_scale_in=not is_deploying[row])
        if self.are_counts:
            is_new = self.is_counts & ~np.isnan(load)
            desired = np.where(is_new, ceil_whole(np.where(is_new, load, 0.0)), desired).astype(np.int64)
        return desired

    def _on_schedule(self, desired: IntArray, t: int) -> IntArray:
        """Desired counts once the scheduled actions of step ``t`` have run, (services,)."""
        moved = desired.copy()
        for row, action in self.scheduled[t]:
            self.least[row] = self.least[row] if action.min_tasks is None else action.min_tasks
            self.most[row] = self.most[row] if action.max_tasks is None else action.max_tasks
            moved[row] = max(self.least[row], min(desired[row], self.most[row]))
        return moved

    def _acted(
        self, metric: FloatArray, running: FloatArray, desired: IntArray, t: int, may_out: BoolArray, may_in: BoolArray
    ) -> IntArray:
        """Desired counts where alarms are on, (services,); the same array where none acts. Without data nothing is wanted."""
        base = np.where(self.out_until <= t, running, self.base)
        wanted_out = np.minimum(ceil_whole(base * metric), self.most)
        is_out = may_out & (wanted_out > desired)
        # By one task, but never below what the formula asks for: or a service at 85 % of its target would lose its only task.
        least = np.maximum(self.least, (desired - 1) * self.is_one) if self.are_one else self.least
        wanted_in = np.maximum(ceil_whole(running * metric), least)
        is_in = np.greater(may_in & (self.in_until <= t) & (wanted_in < desired), is_out)
        (outs,), (ins,) = is_out.nonzero(), is_in.nonzero()
        if not outs.size and not ins.size:
            return desired
        self.base[outs] = base[outs]
        self.out_until[outs] = t + self.out_cooldown[outs]
        self.in_until[outs] = NEVER  # a scale-out ends the other cooldown
        self.in_until[ins] = t + self.in_cooldown[ins]
        desired = desired.copy()
        desired[outs], desired[ins] = wanted_out[outs], wanted_in[ins]
        return desired

    def skip(self, n_steps: int) -> None:
        """Count alarms on over steps in which nothing changes."""
        self.above += np.where(self.above > 0, n_steps, 0)
        self.below += np.where(self.below > 0, n_steps, 0)
        for policies in self.several.values():
            policies.skip(n_steps)

    def quiet_steps(self, t: int) -> int:
        """Steps after ``t`` in which no policy can act while load and running tasks stay as they are."""
        quiet = min((step for step in self.scheduled if step > t), default=10**9) - t - 1
        quiet = min([quiet, *(policies.quiet_steps(t) for policies in self.several.values())])
        for count, due, until in (
            (self.above, self.out_steps, self.out_until),
            (self.below, self.in_steps, self.in_until),
        ):
            counting: BoolArray = ((count > 0) | (due == 0)) & ~self.is_counts
            if not counting.any():
                continue
            to_alarm = (due - count)[counting & (count < due)]
            to_end = (until - t)[counting & (until > t)]
            for left in (to_alarm, to_end):
                if left.size:
                    quiet = min(quiet, int(left.min()) - 1)
        return quiet
