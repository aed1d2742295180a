"""Service auto scaling by target tracking, for all services at once."""

from collections.abc import Sequence

import numpy as np

from advisor.simulate.replay.policies import several
from advisor.simulate.replay.rules import ReplayedService, ScaleInStep, whole_steps
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
        self.several = several(services, step_s)
        self.has_one = ~self.is_counts
        self.has_one[list(self.several)] = False
        self.scheduled = [
            (action.step, row, action)
            for row, service in enumerate(services)
            for action in service.scheduled
            if not service.is_counts
        ]
        self.scheduled_at = np.unique(np.array([step for step, _, _ in self.scheduled], dtype=np.int64))

    def first_counts(self, load: FloatArray) -> IntArray:
        """(services,): tasks at the first step, as if the load had lasted: what it needs, in the bounds."""
        needed = ceil_whole(np.nan_to_num(load, nan=0.0))
        bounded = np.minimum(np.maximum(needed, self.least), self.most)
        return np.where(self.is_counts, needed, bounded).astype(np.int64)

    def step(self, load: FloatArray, running: IntArray, desired: IntArray, t: int, is_deploying: BoolArray) -> IntArray:
        """Desired counts after the metrics of step ``t``, (services,). During a deployment no policy scales in."""
        if t in self.scheduled_at:
            desired = self._on_schedule(desired, t)
        with np.errstate(divide="ignore", invalid="ignore"):  # NaN is no data: neither above nor below anything
            metric = np.where(running > 0, np.minimum(load / running, self.cap), np.nan)
            self.above = np.where(metric > 1 + CEIL_TOLERANCE, self.above + 1, 0)
            self.below = np.where(metric < self.low * (1 - CEIL_TOLERANCE), self.below + 1, 0)
            may_out = (self.above >= self.out_steps) & self.has_one
            may_in = (self.below >= self.in_steps) & self.may_scale_in & self.has_one & ~is_deploying
            if may_out.any() or may_in.any():
                desired = self._acted(metric, running, desired, t, may_out, may_in)
        if self.several:
            desired = desired.copy()
            for row, policies in self.several.items():
                now = int(running[row]), int(desired[row])
                desired[row] = policies.desired(t, *now, self.least[row], self.most[row], may_scale_in=not is_deploying[row])
        if self.is_counts.any():
            is_new = self.is_counts & ~np.isnan(load)
            desired = np.where(is_new, ceil_whole(np.where(is_new, load, 0.0)), desired).astype(np.int64)
        return desired

    def _on_schedule(self, desired: IntArray, t: int) -> IntArray:
        """Desired counts once the scheduled actions of step ``t`` have run, (services,)."""
        moved = desired.copy()
        for step, row, action in self.scheduled:
            if step == t:
                self.least[row] = self.least[row] if action.min_tasks is None else action.min_tasks
                self.most[row] = self.most[row] if action.max_tasks is None else action.max_tasks
                moved[row] = max(self.least[row], min(desired[row], self.most[row]))
        return moved

    def _acted(
        self, metric: FloatArray, running: IntArray, desired: IntArray, t: int, may_out: BoolArray, may_in: BoolArray
    ) -> IntArray:
        """Desired counts where alarms are on, (services,); without data nothing is wanted."""
        is_new_run = t - self.last_out >= self.out_cooldown
        base = np.where(is_new_run, running, self.base)
        wanted_out = np.minimum(ceil_whole(base * metric), self.most)
        is_out = may_out & (wanted_out > desired)
        wanted_in = ceil_whole(running * metric)
        # Never below what the formula asks for: or a service at 85 % of its target would lose its only task.
        wanted_in = np.where(self.is_one, np.maximum(wanted_in, desired - 1), wanted_in)
        wanted_in = np.maximum(wanted_in, self.least)
        is_in = may_in & ~is_out & (t - self.last_in >= self.in_cooldown) & (wanted_in < desired)
        self.base = np.where(is_out, base, self.base)
        self.last_out = np.where(is_out, t, self.last_out)
        self.last_in = np.where(is_out, NEVER, np.where(is_in, t, self.last_in))  # a scale-out ends the other cooldown
        return np.asarray(np.where(is_out, wanted_out, np.where(is_in, wanted_in, desired))).astype(np.int64)

    def skip(self, load: FloatArray, running: IntArray, n_steps: int) -> None:
        """Count alarms on over steps in which nothing changes."""
        self.above += np.where(self.above > 0, n_steps, 0)
        self.below += np.where(self.below > 0, n_steps, 0)

    def quiet_steps(self, load: FloatArray, running: IntArray, t: int) -> int:
        """Steps after ``t`` in which no policy can act while load and running tasks stay as they are."""
        if self.several:
            return 0  # their loads and alarms are looked at in every step
        following = self.scheduled_at[self.scheduled_at > t]
        quiet = int(following[0]) - t - 1 if following.size else 10**9
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
