"""Service auto scaling by target tracking, for all services at once."""

from collections.abc import Sequence

import numpy as np

from advisor.simulate.replay.rules import ReplayedService, ScaleInStep, whole_steps
from advisor.units import BoolArray, FloatArray, IntArray, ceil_whole

NEVER = -(10**9)


class Scalers:
    """Alarms and cooldowns of the policies of several services, (services,) each.

    Notes
    -----
    The metric over its target is ``load / running``, at most ``saturates_at``. A scale-out needs ``out_points`` minutes above 1
    in a row and asks for ``ceil(base x metric)``, where the base is the running count, or during the cooldown the count at
    which the first action was taken; it acts only where that is more than desired. A scale-in needs ``in_points`` minutes
    below ``low_fraction`` and no scale-in within its cooldown. Without running tasks there is no data: the counters start anew.
    """

    def __init__(self, services: Sequence[ReplayedService], step_s: int) -> None:
        def of(values: list[float]) -> FloatArray:
            return np.array(values, dtype=np.float64)

        def steps(values: list[int]) -> IntArray:
            return np.array([whole_steps(value, step_s) for value in values], dtype=np.int64)

        rules = [service.scaling for service in services]
        self.is_counts = np.array([service.is_counts for service in services])
        self.least = np.array([service.min_tasks for service in services], dtype=np.int64)
        self.most = of([np.inf if service.max_tasks is None else service.max_tasks for service in services])
        self.cap = of([np.inf if service.saturates_at is None else service.saturates_at for service in services])
        self.low = of([rule.low_fraction for rule in rules])
        self.out_steps, self.in_steps = steps([60 * r.out_points for r in rules]), steps([60 * r.in_points for r in rules])
        self.out_cooldown, self.in_cooldown = steps([r.out_cooldown_s for r in rules]), steps([r.in_cooldown_s for r in rules])
        self.is_one = np.array([rule.scale_in_step is ScaleInStep.ONE for rule in rules])
        self.may_scale_in = ~np.array([rule.is_scale_in_disabled for rule in rules])
        n = len(services)
        self.above, self.below = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        self.last_out, self.last_in = np.full(n, NEVER), np.full(n, NEVER)
        self.base = np.zeros(n)

    def first_counts(self, load: FloatArray) -> IntArray:
        """(services,): tasks at the first step, as if the load had lasted: what it needs, in the bounds."""
        needed = ceil_whole(np.nan_to_num(load, nan=0.0))
        bounded = np.minimum(np.maximum(needed, self.least), self.most)
        return np.where(self.is_counts, needed, bounded).astype(np.int64)

    def step(self, load: FloatArray, running: IntArray, desired: IntArray, t: int) -> IntArray:
        """Desired counts after the metrics of step ``t``, (services,)."""
        metric = self._metric(load, running)
        with np.errstate(invalid="ignore"):
            self.above = np.where(metric > 1 + 1e-9, self.above + 1, 0)
            self.below = np.where(metric < self.low * (1 - 1e-9), self.below + 1, 0)
        wanted_out = self._wanted_out(metric, running, t)
        with np.errstate(invalid="ignore"):
            is_out = (self.above >= self.out_steps) & (wanted_out > desired)
        is_in_cooldown = t - self.last_in < self.in_cooldown
        wanted_in = self._wanted_in(metric, running, desired)
        is_in = (self.below >= self.in_steps) & self.may_scale_in & ~is_in_cooldown & (wanted_in < desired) & ~is_out
        is_out &= ~self.is_counts
        is_in &= ~self.is_counts
        first = is_out & (t - self.last_out >= self.out_cooldown)
        self.base = np.where(first, running, self.base)
        self.last_out = np.where(is_out, t, self.last_out)
        self.last_in = np.where(is_out, NEVER, np.where(is_in, t, self.last_in))  # a scale-out ends the other cooldown
        result = np.where(is_out, wanted_out, np.where(is_in, wanted_in, desired))
        return np.asarray(np.where(self.is_counts, self._counts(load, desired), result)).astype(np.int64)

    def _metric(self, load: FloatArray, running: IntArray) -> FloatArray:
        """(services,): metric over target; NaN without data."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(running > 0, np.minimum(load / running, self.cap), np.nan))

    def _counts(self, load: FloatArray, desired: IntArray) -> FloatArray:
        """Given counts are the desired ones; a gap keeps the last."""
        return np.where(np.isnan(load), desired, ceil_whole(np.nan_to_num(load, nan=0.0)))

    def _wanted_out(self, metric: FloatArray, running: IntArray, t: int) -> FloatArray:
        base = np.where(t - self.last_out < self.out_cooldown, self.base, running)
        return np.minimum(ceil_whole(np.nan_to_num(base * metric, nan=0.0)), self.most)

    def _wanted_in(self, metric: FloatArray, running: IntArray, desired: IntArray) -> FloatArray:
        formula = ceil_whole(np.nan_to_num(running * metric, nan=np.inf))
        # Never below what the formula asks for: or a service at 85 % of its target would lose its only task.
        return np.maximum(np.where(self.is_one, np.maximum(formula, desired - 1), formula), self.least)

    def skip(self, load: FloatArray, running: IntArray, n_steps: int) -> None:
        """Count alarms on over steps in which nothing changes."""
        self.above += np.where(self.above > 0, n_steps, 0)
        self.below += np.where(self.below > 0, n_steps, 0)

    def quiet_steps(self, load: FloatArray, running: IntArray, t: int) -> int:
        """Steps after ``t`` in which no policy can act while load and running tasks stay as they are."""
        quiet = 10**9
        for count, due, last, cooldown in (
            (self.above, self.out_steps, self.last_out, self.out_cooldown),
            (self.below, self.in_steps, self.last_in, self.in_cooldown),
        ):
            counting: BoolArray = ((count > 0) | (due == 0)) & ~self.is_counts
            if not counting.any():
                continue
            to_alarm = (due - count)[counting & (count < due)]
            to_end = (cooldown - (t - last))[counting & (t - last < cooldown)]
            for left in (to_alarm, to_end):
                if left.size:
                    quiet = min(quiet, int(left.min()) - 1)
        return quiet
