"""Tasks of very many cells at once: their starts and stops, and the policy that sets how many there should be.

Every step is a few dozen operations on whole arrays, most written in place, whichever cells act: to pick these out costs more
than to multiply what the others would do by zero. Counts are whole numbers in floats, exact.
"""

from collections import deque

import numpy as np

from advisor.simulate.replay.rules import ScaleInStep, ScalingRules, whole_steps
from advisor.units import CEIL_TOLERANCE, BoolArray, FloatArray, IntArray

SINGLE_TOLERANCE = 1e-6
"""Stands for :data:`CEIL_TOLERANCE` in single precision."""
LONG_AGO = 1e6
"""Steps: longer than any cooldown, and still exact in single precision."""

PLACED, RUNNING, DESIRED, BASE, ABOVE, BELOW, SINCE_OUT, SINCE_IN, STARTING = range(9)
"""Rows of a state, (rows, cells): what one step hands to the next, times counted back from now.

From ``STARTING`` on tasks that start, a row for each step that this takes: over in one step from now, in two, and so on.
"""


class Lately:
    """Whether something was so in all of the last steps, or in any of them, in every cell."""

    def __init__(self, before: FloatArray, n_steps: int, joins: np.ufunc) -> None:
        """``joins``: ``np.logical_and`` for all, ``np.logical_or`` for any.

        ``before``: for how many steps in a row it has been so already, or where it is about any, has not, (cells,).
        """
        self.joins, self.n_steps = joins, n_steps
        self.of_none = np.full(before.shape, joins.identity, dtype=np.bool_)
        self.past: list[deque[BoolArray]] = []
        """How it was in one step, in two, in four and so on, so long ago that those until now make it twice as many."""
        span = 1
        while span < n_steps:
            lag = min(span, n_steps - span)
            self.past.append(deque(self._since(before, ago + span - 1) for ago in range(lag, 0, -1)))
            span += lag

    def _since(self, before: FloatArray, n_steps: int) -> BoolArray:
        return np.asarray((before >= n_steps) == self.joins.identity)

    def see(self, now: BoolArray) -> BoolArray:
        """One more step. What is given and what is answered must not be written to."""
        if self.n_steps < 1:
            return self.of_none
        for past in self.past:
            past.append(now)
            now = self.joins(now, past.popleft())
        return now

    def forget(self, where: BoolArray) -> None:
        """As if it had been in no step, where it is about any."""
        for past in self.past:
            for at, was in enumerate(past):
                past[at] = was > where

    def steps(self) -> IntArray:
        """``before`` as it is now, (cells,); all steps but one at most."""
        steps = np.zeros(self.of_none.shape, dtype=np.int64)
        for past in self.past:
            for each in past:
                steps += self.joins(each, past[-1]) == self.of_none
        return steps


class CountedTasks:
    """Tasks of all cells, (cells,) each; takes a state, and gives another one at the end."""

    def __init__(
        self,
        state: FloatArray,
        bounds: tuple[FloatArray, FloatArray, FloatArray],
        rules: ScalingRules,
        step_s: int,
    ) -> None:
        """``bounds``: the least and the most tasks and the highest metric of each cell, (cells,) each."""
        n_cells, kind = state.shape[1], state.dtype.type
        tolerance = CEIL_TOLERANCE if kind is np.float64 else SINGLE_TOLERANCE
        self.rules = rules
        # Arrays, because numpy takes longer to make something of a number.
        low = rules.low_fraction * (1 - tolerance)
        self.high, self.low, self.up = (np.array(each, dtype=kind) for each in (1 + tolerance, low, 1 - tolerance))
        self.least, self.most, self.cap = bounds
        self.has_most, self.has_cap = (bool(np.isfinite(each).any()) for each in (self.most, self.cap))
        due = whole_steps(60 * rules.out_points, step_s), whole_steps(60 * rules.in_points, step_s)
        self.alarms = [Lately(before, n, np.logical_and) for before, n in zip(state[[ABOVE, BELOW]], due, strict=True)]
        self.may_clash = not all(due) or self.low > self.high
        """Whether both alarms of a cell may be on at once."""
        cooldowns = whole_steps(rules.out_cooldown_s, step_s), whole_steps(rules.in_cooldown_s, step_s)
        since = state[[SINCE_OUT, SINCE_IN]]
        self.cooldowns = [Lately(before, n - 1, np.logical_or) for before, n in zip(since, cooldowns, strict=True)]
        """Of scale-outs and scale-ins."""
        self.is_after_out, self.is_after_in = (before < n - 1 for before, n in zip(since, cooldowns, strict=True))
        self.is_cut_short = self.may_clash or due[1] < cooldowns[1]
        """Whether a scale-in may follow a scale-out while the cooldown of the one before is not over."""
        self.is_base_apart = self.may_clash or due[1] < cooldowns[0]
        """Whether a scale-in may come while a scale-out is reckoned from what ran before."""
        self.running, self.desired, self.base = (state[row].copy() for row in (RUNNING, DESIRED, BASE))
        self.placed, self.waiting = self.counts = np.stack([state[PLACED], np.zeros(n_cells, dtype=kind)])
        self.metric, self.wanted, self.mask = np.empty((3, n_cells), dtype=kind)
        self.start_steps = len(state) - STARTING
        self.starting = np.concatenate([np.zeros((1, n_cells), dtype=kind), state[STARTING:]])
        """Not kept where starts take one step at most."""
        self.has_starting = [self.start_steps > 1 and bool(row.any()) for row in self.starting]
        """Of each row; one that has none is not looked at, whatever it holds."""
        self.at = 0
        """Row of ``starting`` that is over now; tasks of the next step start in it."""
        self.may_idle = self.start_steps > 1 or bool((np.minimum(self.least, self.running) < 1).any())
        """Whether a service may have no running task."""
        self.steps_left = 2 * bool((self.placed != self.running).any() or (self.desired != self.placed).any())
        """Steps until nothing moves unless a desired count does: a task that starts at once or in one step runs in two."""

    def follow(self, capacity: FloatArray | None) -> bool:
        """Stop tasks above the desired count, start those below it, while all have a place: None for any number.

        Answers whether anything may have changed.
        """
        if self.start_steps > 1:
            self._finish_starts()
        if not self.steps_left:
            return False
        self.steps_left -= 1
        placed, now = self.placed, self.desired
        if capacity is not None:
            now = np.minimum(np.maximum(placed, capacity, out=self.wanted), self.desired, out=self.wanted)
            np.subtract(self.desired, now, out=self.waiting)
            self.may_idle = True
            if self.waiting.max(initial=0) > 0:
                self.steps_left = 2
        if self.start_steps > 1:
            self._start(np.subtract(now, placed, out=self.mask))
        else:
            # Those that are there; where a start takes a step, those that were there before.
            np.minimum(placed if self.start_steps else now, now, out=self.running)
        if capacity is None:
            self.placed = now  # written to by none
        else:
            np.copyto(placed, now)
        return True

    def _finish_starts(self) -> None:
        self.at = (self.at + 1) % (self.start_steps + 1)
        if self.has_starting[self.at]:
            np.add(self.running, self.starting[self.at], out=self.running)
            self.has_starting[self.at] = False

    def _start(self, change: FloatArray) -> None:
        """Tasks more, which start, and below zero, fewer."""
        np.maximum(change, 0, out=self.starting[self.at - 1])
        self.has_starting[self.at - 1] = True
        np.add(self.running, np.minimum(change, 0, out=change), out=self.running)
        if self.running.min(initial=0) < 0:
            self._stop_starting()

    def _stop_starting(self) -> None:
        """Where more were to stop than ran: those that still start, latest first."""
        index = np.flatnonzero(self.running < 0)
        left = -self.running[index]
        self.running[index] = 0
        for ahead in range(self.start_steps - 1, 0, -1):
            slot = (self.at + ahead) % (self.start_steps + 1)
            if self.has_starting[slot]:
                stopped = np.minimum(left, self.starting[slot, index])
                self.starting[slot, index] -= stopped
                left = left - stopped

    def move_bounds(self, least: FloatArray, most: FloatArray) -> None:
        """Other bounds from here on, (cells,) each: a desired count outside of them moves to the nearest one at once."""
        self.least, self.most, self.has_most, self.may_idle, self.steps_left = least, most, True, True, 2
        self.desired = np.maximum(least, np.minimum(self.desired, most))

    def scale(self, load: FloatArray) -> None:
        """Read the metric of a step and set the desired count of the next one."""
        metric = np.divide(load, self.running, out=self.metric)
        if self.may_idle and not self.running.min(initial=1):
            np.copyto(metric, np.nan, where=self.running == 0)  # no task, no data
        if self.has_cap:
            np.minimum(metric, self.cap, out=metric)
        is_out, is_in = self.alarms[0].see(metric > self.high), self.alarms[1].see(metric < self.low)
        if _is_any(is_out) or _is_any(is_in):
            is_out, is_in = self._act(is_out, is_in)
        self.is_after_out, self.is_after_in = self.cooldowns[0].see(is_out), self.cooldowns[1].see(is_in)

    def _needed(self, tasks: FloatArray) -> FloatArray:
        wanted = np.multiply(tasks, self.metric, out=self.wanted)
        wanted *= self.up
        return np.ceil(wanted, out=wanted)

    def _act(self, is_out: BoolArray, is_in: BoolArray) -> tuple[BoolArray, BoolArray]:
        """Where alarms are on; answers where they act. No data, no action: nothing is above or below NaN."""
        desired, mask = self.desired, self.mask
        # Until its cooldown is over, what a scale-out is reckoned from stays what it was at the first of its run.
        np.copyto(mask, self.is_after_out)
        self.base -= self.running
        self.base *= mask
        self.base += self.running
        wanted = self._needed(self.base)
        if self.has_most:
            np.minimum(wanted, self.most, out=wanted)
        is_out = is_out & (wanted > desired)
        if self.is_base_apart:
            is_in = (is_in > is_out) & ~np.isnan(wanted)  # an alarm of no data points is always on
            desired = np.where(is_out, wanted, desired)
            wanted = self._needed(self.running)
        if self.rules.scale_in_step is ScaleInStep.ONE:
            np.maximum(wanted, desired - 1, out=wanted)
        np.fmax(wanted, self.least, out=wanted)
        is_in = (is_in > self.is_after_in) & (wanted < desired)
        if self.rules.is_scale_in_disabled:
            is_in = np.zeros_like(is_in)
        np.copyto(mask, is_in if self.is_base_apart else is_out | is_in)
        wanted -= desired
        wanted *= mask
        self.desired = desired + wanted
        if self.is_cut_short:
            self.cooldowns[1].forget(is_out)
        self.steps_left = 2
        return is_out, is_in

    def settle(self) -> FloatArray:
        """The state after the last step, without what no longer matters."""
        state = np.zeros((STARTING + self.start_steps, self.placed.size), dtype=self.placed.dtype)
        state[[PLACED, RUNNING, DESIRED, BASE]] = self.placed, self.running, self.desired, self.base
        state[ABOVE], state[BELOW] = (each.steps() for each in self.alarms)
        state[SINCE_OUT], state[SINCE_IN] = (each.steps() for each in self.cooldowns)
        state[[SINCE_OUT, SINCE_IN]] = np.where([self.is_after_out, self.is_after_in], state[[SINCE_OUT, SINCE_IN]], LONG_AGO)
        state[BASE, ~self.is_after_out] = 0
        if self.start_steps == 1:
            state[STARTING] = self.placed - self.running
        for ahead in range(1, self.start_steps + 1):
            slot = (self.at + ahead) % (self.start_steps + 1)
            if self.has_starting[slot]:
                state[STARTING + ahead - 1] = self.starting[slot]
        return state


def _is_any(holds: BoolArray) -> bool:
    """``holds.any()``, sooner: the search for the largest ends at the first."""
    return bool(holds.size and holds[holds.argmax()])
