"""Tasks of very many cells at once: their starts and stops, and the policy that sets how many there should be.

Every step is a few dozen operations on whole arrays, written in place, whichever cells act: to pick these out costs more than
to multiply what the others would do by zero. Counts are whole numbers in floats, exact; what is short is in bytes.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from advisor.simulate.replay.rules import ScaleInStep, ScalingRules, whole_steps
from advisor.units import CEIL_TOLERANCE, BoolArray, FloatArray

ShortArray: TypeAlias = NDArray[np.signedinteger[Any]]

SINGLE_TOLERANCE = 1e-6
"""Stands for :data:`CEIL_TOLERANCE` in single precision."""
LONG_AGO = 1e6
"""Steps: longer than any cooldown, and still exact in single precision."""

PLACED, RUNNING, DESIRED, BASE, ABOVE, BELOW, SINCE_OUT, SINCE_IN, STARTING = range(9)
"""Rows of a state, (rows, cells): what one step hands to the next, times counted back from now.

From ``STARTING`` on tasks that start, a row for each step that this takes: over in one step from now, in two, and so on.
"""


class Alarms:
    """Two alarms of every cell: for how many steps in a row something has held, and whether that is long enough."""

    def __init__(self, before: FloatArray, due: tuple[int, int]) -> None:
        self.kind = _short(max(due))
        self.due: ShortArray = np.array(due, dtype=self.kind)[:, np.newaxis]
        self.count: ShortArray = np.minimum(before, self.due).astype(self.kind)
        self.holds = np.zeros(before.shape, dtype=np.bool_)
        """(2, cells): whether it holds in this step; others write this."""
        self.is_on = np.zeros(before.shape, dtype=np.bool_)
        self.room = 0
        """Steps until a count might leave its range."""

    def see(self) -> None:
        """One more step."""
        if not self.room:
            self.forget()
            self.room = int(np.iinfo(self.kind).max - self.due.max())
        self.room -= 1
        np.add(self.count, self.kind(1), out=self.count)
        np.multiply(self.count, self.holds.view(np.int8), out=self.count)
        np.greater_equal(self.count, self.due, out=self.is_on)

    def forget(self) -> None:
        """Steps beyond those that are due say nothing."""
        np.minimum(self.count, self.due, out=self.count)


class Cooldowns:
    """Two cooldowns of every cell, that of scale-outs and that of scale-ins."""

    def __init__(self, since: FloatArray, steps: tuple[int, int]) -> None:
        self.kind = _short(max(steps) + 1)
        self.steps: ShortArray = np.array(steps, dtype=self.kind)[:, np.newaxis]
        self.first = max(steps) + 1
        self.now, self.limit = self.first, int(np.iinfo(self.kind).max)
        """Counts up, and goes back before it leaves its range; 0 is long ago."""
        self.last: ShortArray = np.maximum(self.now - 1 - since, 0).astype(self.kind)
        self.over, self.began = np.empty(since.shape, dtype=np.bool_), np.empty_like(self.last)

    def see(self) -> BoolArray:
        """(2, cells): where they are over, in this step."""
        return np.less_equal(self.last, self.kind(self.now) - self.steps, out=self.over)

    def begin(self, acts: BoolArray) -> None:
        """Where scale-outs and scale-ins act in this step, (2, cells); a scale-out ends the cooldown of scale-ins."""
        np.multiply(acts.view(np.int8), self.kind(self.now), out=self.began)
        np.multiply(self.last[1], np.logical_not(acts[0], out=self.over[0]).view(np.int8), out=self.last[1])
        np.maximum(self.last, self.began, out=self.last)

    def tick(self) -> None:
        self.now += 1
        if self.now == self.limit:
            np.maximum(self.last - self.kind(self.now - self.first), 0, out=self.last)
            self.now = self.first

    def since(self) -> FloatArray:
        """(2, cells): steps since, where the next step knows of them, else :data:`LONG_AGO`."""
        since = self.now - 1 - self.last.astype(np.float64)
        since[since >= self.steps - 1] = LONG_AGO
        return since


def _short(largest: int) -> type[np.signedinteger[Any]]:
    """For counts that are to leave their range seldom: bytes, where they can."""
    return np.int8 if largest < np.iinfo(np.int8).max // 2 else np.int32


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
        self.high, self.low, self.up = kind(1 + tolerance), kind(rules.low_fraction * (1 - tolerance)), kind(1 - tolerance)
        self.least, self.most, self.cap = bounds
        self.has_most, self.has_cap = (bool(np.isfinite(each).any()) for each in (self.most, self.cap))
        due = whole_steps(60 * rules.out_points, step_s), whole_steps(60 * rules.in_points, step_s)
        self.alarms = Alarms(state[[ABOVE, BELOW]], due)
        self.may_clash = not all(due) or self.low > self.high
        """Whether both alarms of a cell may be on at once."""
        self.cooldowns = Cooldowns(
            state[[SINCE_OUT, SINCE_IN]], (whole_steps(rules.out_cooldown_s, step_s), whole_steps(rules.in_cooldown_s, step_s))
        )
        self.desired = state[DESIRED].copy()
        self.placed, self.waiting = self.counts = np.stack([state[PLACED], np.zeros(n_cells, dtype=kind)])
        self.bases = state[[BASE, RUNNING]]
        """(2, cells): what a scale-out and what a scale-in is reckoned from."""
        self.base, self.running = self.bases
        self.start_steps = len(state) - STARTING
        self.starting = np.concatenate([np.zeros((1, n_cells), dtype=kind), state[STARTING:]])
        self.has_starting = [bool(row.any()) for row in self.starting]
        """Of each row; one that has none is not looked at, whatever it holds."""
        self.at = 0
        """Row of ``starting`` that is over now; tasks of the next step start in it."""
        self.differs = bool((self.desired != self.placed).any())
        change = self.desired - self.placed
        self.changes = np.stack([np.maximum(change, 0), np.minimum(change, 0)])
        """Tasks more and, below zero, fewer that are desired since the step before."""
        self.moved: FloatArray | None = None
        """What scheduled actions of this step add and take, as ``changes``."""
        self.mask, self.metric, self.none = (
            np.empty_like(self.changes),
            np.empty(n_cells, dtype=kind),
            np.zeros(n_cells, dtype=kind),
        )

    def finish_starts(self) -> None:
        self.at = (self.at + 1) % (self.start_steps + 1)
        if self.has_starting[self.at]:
            np.add(self.running, self.starting[self.at], out=self.running)
            self.has_starting[self.at] = False

    def follow(self, room: FloatArray | None) -> None:
        """Stop tasks above the desired count, start those below it, as many as there is room for: None for any number."""
        more, fewer = self.starting[self.at - 1], self.changes[1]  # with no steps to start, the only row
        if room is None:
            np.copyto(more, self.changes[0])
            np.copyto(self.placed, self.desired)
        else:
            np.subtract(self.desired, self.placed, out=fewer)
            np.maximum(np.minimum(fewer, room, out=more), self.none, out=more)
            np.minimum(fewer, self.none, out=fewer)
            np.add(self.placed, fewer, out=self.placed)
            np.add(self.placed, more, out=self.placed)
            np.subtract(self.desired, self.placed, out=self.waiting)
        np.add(self.running, fewer, out=self.running)
        if self.running.min(initial=0) < 0:
            self._stop_starting()
        if self.start_steps:
            self.has_starting[self.at - 1] = True
        else:
            np.add(self.running, more, out=self.running)
        self.differs = room is not None and bool(self.waiting.any())

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
        self.least, self.most, self.has_most = least, most, True
        change = np.maximum(least, np.minimum(self.desired, most)) - self.desired
        if change.any():
            np.add(self.desired, change, out=self.desired)
            self.moved, self.differs = np.stack([np.maximum(change, 0), np.minimum(change, 0)]), True

    def scale(self, load: FloatArray) -> None:
        """Read the metric of a step and set the desired count of the next one."""
        moved, self.moved = self.moved, None
        metric, alarms = np.divide(load, self.running, out=self.metric), self.alarms
        if not metric.max(initial=0) < np.inf:
            np.copyto(metric, np.nan, where=self.running == 0)  # no task, no data
        if self.has_cap:
            np.minimum(metric, self.cap, out=metric)
        np.greater(metric, self.high, out=alarms.holds[0])
        np.less(metric, self.low, out=alarms.holds[1])
        alarms.see()
        if alarms.is_on.any():
            self._act()
            if moved is not None:
                np.add(self.changes, moved, out=self.changes)
        elif moved is not None:
            np.copyto(self.changes, moved)
        self.cooldowns.tick()

    def _act(self) -> None:
        """Where an alarm is on."""
        wanted, mask, is_due = self.changes, self.mask, self.alarms.is_on
        out_over, in_over = self.cooldowns.see()
        # Until its cooldown is over, what a scale-out is reckoned from stays what it was at the first of its run.
        np.copyto(mask[0], out_over)
        np.multiply(np.subtract(self.running, self.base, out=mask[1]), mask[0], out=mask[1])
        np.add(self.base, mask[1], out=self.base)
        np.ceil(np.multiply(np.multiply(self.bases, self.metric, out=wanted), self.up, out=wanted), out=wanted)
        if self.has_most:
            np.minimum(wanted[0], self.most, out=wanted[0])
        if self.rules.scale_in_step is ScaleInStep.ONE:
            np.maximum(wanted[1], np.subtract(self.desired, 1, out=mask[1]), out=wanted[1])
        np.maximum(wanted[1], self.least, out=wanted[1])
        np.logical_and(is_due[1], in_over, out=is_due[1])
        if self.rules.is_scale_in_disabled:
            is_due[1] = False
        if self.may_clash:
            np.greater(is_due[1], is_due[0] & (wanted[0] > self.desired), out=is_due[1])
        np.copyto(mask, is_due)
        more, fewer = np.multiply(np.subtract(wanted, self.desired, out=wanted), mask, out=wanted)
        # No data, no action: ``fmax`` and ``fmin`` of NaN and none are none.
        np.add(self.desired, np.fmax(more, self.none, out=more), out=self.desired)
        np.add(self.desired, np.fmin(fewer, self.none, out=fewer), out=self.desired)
        self.cooldowns.begin(np.not_equal(wanted, self.none, out=is_due))
        self.differs = True

    def settle(self) -> FloatArray:
        """The state after the last step, without what no longer matters."""
        self.alarms.forget()
        state = np.empty((STARTING + self.start_steps, self.none.size), dtype=self.none.dtype)
        state[[PLACED, RUNNING, DESIRED, BASE]] = self.placed, self.running, self.desired, self.base
        state[[ABOVE, BELOW]], state[[SINCE_OUT, SINCE_IN]] = self.alarms.count, self.cooldowns.since()
        state[BASE, state[SINCE_OUT] == LONG_AGO] = 0
        for ahead in range(1, self.start_steps + 1):
            slot = (self.at + ahead) % (self.start_steps + 1)
            state[STARTING + ahead - 1] = self.starting[slot] if self.has_starting[slot] else 0
        return state
