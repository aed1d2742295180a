"""Task counts and instance counts of very many cells at once, without placement: for searching.

A cell is one service under one candidate on one history: (replica x candidate x cluster), in any shape. Its steps are those of
:mod:`advisor.simulate.replay.cluster`, in the same order, but instances are a number and room is a number of places: tasks of
one service fill instances one after the other. The loop over time is Python's; everything else is arrays over cells.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from advisor.simulate.replay.rules import ClusterRules, ScaleInStep, ScalingRules, whole_steps
from advisor.units import CEIL_TOLERANCE, BoolArray, FloatArray, IntArray, ceil_whole

CountArray: TypeAlias = NDArray[np.int32]

SINGLE_TOLERANCE = 1e-6
"""Stands for :data:`CEIL_TOLERANCE` in single precision."""
LONG_AGO = 1e6
"""Steps: longer than any cooldown, and still exact in single precision."""
CHUNK_STEPS = 180
"""Steps of a piece of a history: long enough that most pieces forget how they began."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CountedCluster:
    """Instances of each cell: how many tasks one holds, and how their number follows the tasks."""

    places: IntArray
    """(...cells): tasks that one instance holds, at least 1."""
    zones: int = 1
    """At the first step as many instances run, or one for each task if these are fewer."""
    rules: ClusterRules = field(default_factory=ClusterRules)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CountedCells:
    """What is replayed. Arrays over cells have any shapes that broadcast to one."""

    load: FloatArray
    """(steps, ...cells): the metric's numerator in targets, NaN in a gap. Single precision is faster; then so is everything."""
    min_tasks: IntArray
    """(...cells)"""
    max_tasks: FloatArray
    """(...cells): infinite where there is no bound."""
    saturates_at: FloatArray
    """(...cells): metric over its target when tasks are full; infinite where it has no bound."""
    start_s: int
    scaling: ScalingRules = field(default_factory=ScalingRules)
    cluster: CountedCluster | None = None
    """None: every task has its place at once, as on Fargate."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the cells."""
        shapes = [self.load.shape[1:], self.min_tasks.shape, self.max_tasks.shape, self.saturates_at.shape]
        return np.broadcast_shapes(*shapes, *([self.cluster.places.shape] if self.cluster else []))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CountedReplay:
    """What ran in each cell, (steps, ...cells) each."""

    placed: CountArray
    """Tasks that hold a place, running or starting."""
    running: CountArray
    waiting: CountArray | None
    """Desired tasks without a place; None without instances."""
    instances: CountArray | None
    """Launched and not ended; None without instances."""


def replay_counts(cells: CountedCells, *, step_s: int) -> CountedReplay:
    """Replay service auto scaling by target tracking, and managed scaling, in every cell.

    Without instances the counts are exactly those of :func:`replay_cluster` on Fargate (in double precision). With them the
    number of running tasks is limited by the places on active instances, and an instance is empty when the tasks would fit on
    the others: binpack, which a spread does not reach.
    """
    n_steps = cells.load.shape[0]
    state = _first_state(cells, step_s)
    return _run(cells, state, step_s, n_steps)


def counts_over_time(cells: CountedCells, *, step_s: int) -> CountArray:
    """Tasks placed on Fargate over a long history, (steps, cells): what :func:`replay_counts` gives, exactly, but sooner.

    The history is cut into pieces that are replayed side by side, as cells. Each piece begins as if its first load had lasted;
    where the piece before it turns out to end in another state, it is replayed again from that, until all fit together.
    """
    if cells.cluster is not None or cells.load.ndim != 2:
        raise ValueError("a history in pieces has cells in one row and no instances")
    n_steps, n_cells = cells.load.shape
    n_pieces = -(-n_steps // CHUNK_STEPS)
    padding = np.full((n_pieces * CHUNK_STEPS - n_steps, n_cells), np.nan)
    pieces = np.concatenate([cells.load, padding]).reshape(n_pieces, CHUNK_STEPS, n_cells).swapaxes(0, 1)
    shape = (n_pieces, n_cells)
    least: IntArray = np.broadcast_to(cells.min_tasks, shape)
    most: FloatArray = np.broadcast_to(cells.max_tasks, shape)
    cap: FloatArray = np.broadcast_to(cells.saturates_at, shape)
    placed = np.empty((CHUNK_STEPS, n_pieces, n_cells), dtype=np.int32)

    def part(of: BoolArray) -> CountedCells:
        return CountedCells(
            load=np.ascontiguousarray(pieces[:, of]),
            min_tasks=least[of],
            max_tasks=most[of],
            saturates_at=cap[of],
            start_s=cells.start_s,
            scaling=cells.scaling,
        )

    todo = np.ones((n_pieces, n_cells), dtype=np.bool_)
    begins = _first_state(part(todo), step_s).each(lambda values: values.reshape(n_pieces, n_cells))
    ends = begins.each(np.copy)
    while todo.any():
        state = begins.each(lambda values: values[todo])  # noqa: B023 - called at once
        placed[:, todo] = _run(part(todo), state, step_s, CHUNK_STEPS).placed
        ends.put(todo, state)
        differs = begins.differs(ends)
        begins.follow(ends, differs)
        todo = np.concatenate([np.zeros((1, n_cells), dtype=np.bool_), differs])
    return placed.swapaxes(0, 1).reshape(-1, n_cells)[:n_steps]


@dataclass(slots=True, eq=False)
class _State:
    """What one step hands to the next, in floats of the load's precision, (...cells) each. Times count back from now."""

    desired: FloatArray
    placed: FloatArray
    running: FloatArray
    starting: FloatArray
    """(start steps + 1, ...cells): row r is over in r steps from now; row 0 is not used."""
    above: FloatArray
    below: FloatArray
    since_out: FloatArray
    since_in: FloatArray
    base: FloatArray
    instances: FloatArray | None = None

    def _scaling(self) -> tuple[FloatArray, ...]:
        rows = (self.desired, self.placed, self.running, self.above, self.below, self.since_out, self.since_in, self.base)
        return (*rows, *self.starting[1:])

    def each(self, change: Callable[[FloatArray], FloatArray]) -> "_State":
        """The same with every array over cells changed."""
        return _State(
            desired=change(self.desired),
            placed=change(self.placed),
            running=change(self.running),
            starting=np.stack([change(row) for row in self.starting]),
            above=change(self.above),
            below=change(self.below),
            since_out=change(self.since_out),
            since_in=change(self.since_in),
            base=change(self.base),
        )

    def put(self, which: BoolArray, other: "_State") -> None:
        for mine, others in zip(self._scaling(), other._scaling(), strict=True):
            mine[which] = others

    def differs(self, ends: "_State") -> BoolArray:
        """(pieces - 1, cells): whether a piece begins otherwise than the one before it ended."""
        return np.asarray(
            np.any([mine[1:] != end[:-1] for mine, end in zip(self._scaling(), ends._scaling(), strict=True)], axis=0)
        )

    def follow(self, ends: "_State", differs: BoolArray) -> None:
        for mine, end in zip(self._scaling(), ends._scaling(), strict=True):
            mine[1:][differs] = end[:-1][differs]


def _first_state(cells: CountedCells, step_s: int) -> _State:
    """As if the first load had lasted: the tasks that it needs, all running."""
    shape, kind = cells.shape, cells.load.dtype
    needed = ceil_whole(np.nan_to_num(cells.load[0].astype(np.float64), nan=0.0))
    first = np.broadcast_to(np.minimum(np.maximum(needed, cells.min_tasks), cells.max_tasks), shape).astype(kind)

    def filled(value: float, *more: int) -> FloatArray:
        return np.full((*more, *shape), value, dtype=kind)

    state = _State(
        first.copy(), first.copy(), first.copy(), filled(0, whole_steps(cells.start_s, step_s) + 1),
        filled(0), filled(0), filled(LONG_AGO), filled(LONG_AGO), filled(0),
    )  # fmt: skip
    if cells.cluster is not None:
        rules = cells.cluster.rules
        packed = _over(first, _inverse(cells.cluster, shape, kind))
        least = np.maximum(np.minimum(first, cells.cluster.zones), rules.min_instances)
        most = np.inf if rules.max_instances is None else rules.max_instances
        state.instances = np.minimum(np.maximum(packed, least), most).astype(kind)
        places = np.broadcast_to(cells.cluster.places, shape).astype(kind)
        state.placed = np.minimum(first, state.instances * places)
        state.running = state.placed.copy()
    return state


def _run(cells: CountedCells, state: _State, step_s: int, n_steps: int) -> CountedReplay:
    """Replay from a state, which is left as it is after the last step."""
    shape = cells.shape
    placed, running = np.empty((n_steps, *shape), dtype=np.int32), np.empty((n_steps, *shape), dtype=np.int32)
    waiting = instances = None
    scaler = _CountScaler(cells, state, step_s)
    group = None if cells.cluster is None else _CountedGroup(cells, cells.cluster, state, step_s)
    if group is not None:
        waiting, instances = np.empty_like(placed), np.empty_like(placed)
    for t in range(n_steps):
        scaler.finish_starts()
        changed = scaler.follow(group)
        placed[t], running[t] = state.placed, state.running
        if group is not None and waiting is not None and instances is not None:
            group.look(changed)
            waiting[t], instances[t] = group.waiting, group.instances
        scaler.scale(cells.load[t], t)
        if group is not None:
            group.scale(t)
    scaler.settle(n_steps)
    return CountedReplay(placed=placed, running=running, waiting=waiting, instances=instances)


class _Alarm:
    """Steps in a row for which something holds, in every cell."""

    def __init__(self, before: FloatArray, due: int) -> None:
        self.due = due
        self.count = before.astype(np.int32)
        self.is_on = np.empty(before.shape, dtype=np.bool_)
        self.mask = np.empty(before.shape, dtype=np.int32)

    def see(self, holds: BoolArray) -> BoolArray:
        """Where it has held for long enough, after one more step."""
        np.negative(holds.view(np.int8), out=self.mask)
        np.add(self.count, 1, out=self.count)
        np.bitwise_and(self.count, self.mask, out=self.count)
        return np.greater_equal(self.count, self.due, out=self.is_on)


class _CountScaler:
    """Tasks that start and stop, and the policy, of all cells; changes the state in place.

    Most cells do nothing in most steps: what all do is a few operations on whole arrays, the rest is done for those that act.
    """

    def __init__(self, cells: CountedCells, state: _State, step_s: int) -> None:
        shape, kind, rules = cells.shape, cells.load.dtype, cells.scaling
        self.state, self.rules = state, rules
        self.tolerance = CEIL_TOLERANCE if kind == np.float64 else SINGLE_TOLERANCE
        self.least = np.broadcast_to(cells.min_tasks, shape).astype(kind)
        self.most = np.broadcast_to(cells.max_tasks, shape).astype(kind)
        self.cap = np.broadcast_to(cells.saturates_at, shape).astype(kind)
        self.has_cap = bool(np.isfinite(self.cap).any())
        self.start_steps = state.starting.shape[0] - 1
        self.n_starting = [bool(row.any()) for row in state.starting]
        self.at = 0
        """Row of ``starting`` that is over now."""
        self.above = _Alarm(state.above, whole_steps(60 * rules.out_points, step_s))
        self.below = _Alarm(state.below, whole_steps(60 * rules.in_points, step_s))
        self.out_cooldown, self.in_cooldown = (
            whole_steps(rules.out_cooldown_s, step_s),
            whole_steps(rules.in_cooldown_s, step_s),
        )
        self.last_out, self.last_in = -1 - state.since_out, -1 - state.since_in
        self.metric, self.wanted = np.empty(shape, dtype=kind), np.empty(shape, dtype=kind)
        self.is_over, self.may_act = np.empty(shape, dtype=np.bool_), np.empty(shape, dtype=np.bool_)
        self.serving = np.empty(shape, dtype=kind)
        """Running tasks, NaN where there are none: no data."""
        self._serve()
        self.changed = np.flatnonzero(state.desired != state.placed)

    def finish_starts(self) -> None:
        self.at = (self.at + 1) % (self.start_steps + 1)
        if self.n_starting[self.at]:
            row = self.state.starting[self.at]
            np.add(self.state.running, row, out=self.state.running)
            row.fill(0)
            self.n_starting[self.at] = False
            self._serve()

    def _serve(self) -> None:
        np.copyto(self.serving, self.state.running)
        if self.serving.size and not self.serving.min() > 0:
            self.serving[self.serving == 0] = np.nan

    def follow(self, group: "_CountedGroup | None") -> IntArray:
        """Stop tasks above the desired count, start those below it where there is room: the cells where these differed."""
        state, index = self.state, self.changed
        if group is not None:
            group.finish_boots()
        if not index.size:
            return index
        desired, placed = state.desired.take(index), state.placed.take(index)
        difference = desired - placed
        more = np.maximum(difference, 0)
        if group is not None:
            more = np.minimum(more, group.places_left(index, placed))
        fewer = np.flatnonzero(difference < 0)
        if fewer.size:
            self._stop(index[fewer], -difference[fewer])
        after = np.where(difference < 0, desired, placed + more)
        state.placed.reshape(-1)[index] = after
        slot = (self.at + self.start_steps) % (self.start_steps + 1)
        starts = state.starting[slot] if self.start_steps else state.running
        starts.reshape(-1)[index] += more
        self.n_starting[slot] = self.start_steps > 0
        running = state.running.take(index)
        self.serving.reshape(-1)[index] = np.where(running > 0, running, np.nan)
        self.changed = index[after != desired] if group is not None else index[:0]
        return index

    def _stop(self, index: IntArray, n_tasks: FloatArray) -> None:
        """Running tasks first, then those that still start, latest first."""
        running = self.state.running.reshape(-1)
        stopped = np.minimum(n_tasks, running[index])
        running[index] -= stopped
        left = n_tasks - stopped
        for ahead in range(self.start_steps, 0, -1):
            if not left.any():
                return
            row = self.state.starting[(self.at + ahead) % (self.start_steps + 1)].reshape(-1)
            stopped = np.minimum(left, row[index])
            row[index] -= stopped
            left = left - stopped

    def scale(self, load: FloatArray, t: int) -> None:
        """Read the metric of a step and set the desired count of the next one."""
        state, metric, wanted = self.state, self.metric, self.wanted
        np.divide(load, self.serving, out=metric)
        if self.has_cap:
            np.minimum(metric, self.cap, out=metric)
        np.greater(metric, 1 + self.tolerance, out=self.is_over)
        is_high = self.above.see(self.is_over)
        np.less(metric, self.rules.low_fraction * (1 - self.tolerance), out=self.is_over)
        is_low = self.below.see(self.is_over)
        # Of the cells whose alarm is on, those that may want another count: half a task is more than rounding forgives.
        np.maximum(state.base, state.running, out=wanted)
        np.multiply(wanted, metric, out=wanted)
        np.greater(wanted, state.desired, out=self.may_act)
        np.logical_and(self.may_act, is_high, out=self.may_act)
        if not self.rules.is_scale_in_disabled:
            np.subtract(state.desired, 0.5, out=wanted)
            np.less(load, wanted, out=self.is_over)
            np.logical_and(self.is_over, is_low, out=self.is_over)
            np.logical_or(self.may_act, self.is_over, out=self.may_act)
        index = np.flatnonzero(self.may_act)
        if index.size:
            self._act(index, t)

    def _act(self, index: IntArray, t: int) -> None:
        """Where an alarm is on."""
        state, up = self.state, 1 - self.tolerance

        def of(values: FloatArray) -> FloatArray:
            return np.asarray(values.take(index))

        metric, running, desired = of(self.metric), of(state.running), of(state.desired)
        base = np.where(t - of(self.last_out) >= self.out_cooldown, running, of(state.base))
        wanted_out = np.minimum(np.ceil(base * metric * up), of(self.most))
        is_out = self.above.is_on.take(index) & (wanted_out > desired)
        wanted_in = np.ceil(running * metric * up)
        if self.rules.scale_in_step is ScaleInStep.ONE:
            wanted_in = np.maximum(wanted_in, desired - 1)
        wanted_in = np.maximum(wanted_in, of(self.least))
        is_in = self.below.is_on.take(index) & (t - of(self.last_in) >= self.in_cooldown) & (wanted_in < desired)
        is_in &= ~is_out
        if self.rules.is_scale_in_disabled:
            is_in[...] = False
        out, into = index[is_out], index[is_in]
        state.base.reshape(-1)[out] = base[is_out]
        self.last_out.reshape(-1)[out] = t
        self.last_in.reshape(-1)[out] = -LONG_AGO
        self.last_in.reshape(-1)[into] = t
        state.desired.reshape(-1)[out] = wanted_out[is_out]
        state.desired.reshape(-1)[into] = wanted_in[is_in]
        acted = index[is_out | is_in]
        self.changed = np.union1d(self.changed, acted) if self.changed.size else acted

    def settle(self, n_steps: int) -> None:
        """Turn the state so that times count from the last step, and forget what no longer matters."""
        state = self.state
        state.starting[...] = np.roll(state.starting, -self.at, axis=0)
        for before, alarm in ((state.above, self.above), (state.below, self.below)):
            before[...] = np.minimum(alarm.count, alarm.due)
        last = n_steps - 1
        state.since_out[...], state.since_in[...] = last - self.last_out, last - self.last_in
        is_old = state.since_out >= self.out_cooldown - 1
        state.base[is_old] = 0
        state.since_out[is_old] = LONG_AGO
        state.since_in[state.since_in >= self.in_cooldown - 1] = LONG_AGO


class _CountedGroup:
    """The Auto Scaling groups behind all cells; changes the state in place."""

    def __init__(self, cells: CountedCells, cluster: CountedCluster, state: _State, step_s: int) -> None:
        shape, kind = cells.shape, cells.load.dtype
        self.state, self.rules = state, cluster.rules
        self.places = np.broadcast_to(cluster.places, shape).astype(kind)
        self.inverse = _inverse(cluster, shape, kind)
        self.active = self.instances.copy()
        self.boot_steps = whole_steps(self.rules.boot_s, step_s) + 1
        self.booting = np.zeros((self.boot_steps + 1, *shape), dtype=kind)
        self.n_booting = [False] * (self.boot_steps + 1)
        self.at = 0
        self.warm_up, self.wait = whole_steps(self.rules.warm_up_s, step_s), whole_steps(self.rules.wait_after_out_s, step_s)
        self.last_launch = np.full(shape, -LONG_AGO, dtype=kind)
        none = np.zeros(shape, dtype=kind)
        self.high = _Alarm(none, max(1, whole_steps(60 * self.rules.out_points, step_s)))
        self.low = _Alarm(none, max(1, whole_steps(60 * self.rules.in_points, step_s)))
        self.waiting, self.busy, self.needed = none.copy(), none.copy(), none.copy()
        self.is_above, self.is_below = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
        self.is_first = True

    @property
    def instances(self) -> FloatArray:
        return np.asarray(self.state.instances)

    def finish_boots(self) -> None:
        self.at = (self.at + 1) % (self.boot_steps + 1)
        if self.n_booting[self.at]:
            np.add(self.active, self.booting[self.at], out=self.active)
            self.booting[self.at].fill(0)
            self.n_booting[self.at] = False

    def places_left(self, index: IntArray, placed: FloatArray) -> FloatArray:
        """Room on active instances of some cells."""
        return np.maximum(self.places.take(index) * self.active.take(index) - placed, 0)

    def look(self, changed: IntArray) -> None:
        """Read the capacity provider's metric of the cells where tasks changed: it stands in all others."""
        if self.is_first:
            changed, self.is_first = np.arange(self.needed.size), False
        if not changed.size:
            return
        placed = self.state.placed.take(changed)
        waiting = self.state.desired.take(changed) - placed
        inverse = self.inverse.take(changed)
        busy = _over(placed, inverse)
        self.waiting.reshape(-1)[changed] = waiting
        self.busy.reshape(-1)[changed] = busy
        self.needed.reshape(-1)[changed] = busy + _over(waiting, inverse)
        self._compare(changed)

    def _compare(self, changed: IntArray) -> None:
        # Whole numbers, so that a target of 70 % is met exactly.
        needed = self.needed.take(changed) * 100
        offered = self.instances.take(changed) * self.rules.target_capacity_percent
        self.is_above.reshape(-1)[changed] = needed > offered
        self.is_below.reshape(-1)[changed] = needed < offered

    def scale(self, t: int) -> None:
        """Launch or end instances from the next step on."""
        is_high, is_low = self.high.see(self.is_above), self.low.see(self.is_below)
        for is_due, waits, act in ((is_high, self.warm_up, self._launch), (is_low, self.wait, self._end)):
            index = np.flatnonzero(is_due)
            if index.size:
                index = index[t - self.last_launch.take(index) >= waits]
            if index.size:
                act(index, t)
                self._compare(index)

    def _wanted(self, index: IntArray) -> FloatArray:
        return np.asarray(np.ceil(self.needed.take(index) * 100 / self.rules.target_capacity_percent))

    def _launch(self, index: IntArray, t: int) -> None:
        rules, n = self.rules, self.instances.take(index)
        n_new = np.minimum(np.maximum(self._wanted(index) - n, rules.least_step), rules.most_step)
        n_new = np.where(n > 0, n_new, rules.from_zero)
        if rules.max_instances is not None:
            n_new = np.minimum(n_new, rules.max_instances - n)
        index, n_new = index[n_new > 0], n_new[n_new > 0]
        self.instances.reshape(-1)[index] += n_new
        slot = (self.at + self.boot_steps) % (self.boot_steps + 1)
        self.booting[slot].reshape(-1)[index] += n_new
        self.n_booting[slot] = True
        self.last_launch.reshape(-1)[index] = t

    def _end(self, index: IntArray, t: int) -> None:
        """Empty active instances: fewer than half of the group, but one in any case."""
        n, active = self.instances.take(index), self.active.take(index)
        most = np.maximum(1, np.floor((n - 1) / 2))
        n_less = np.minimum(n - self._wanted(index), most)
        n_less = np.minimum(n_less, np.minimum(n - self.rules.min_instances, active - self.busy.take(index)))
        n_less = np.maximum(n_less, 0)
        self.instances.reshape(-1)[index] -= n_less
        self.active.reshape(-1)[index] -= n_less


def _inverse(cluster: CountedCluster, shape: tuple[int, ...], kind: np.dtype[np.floating]) -> FloatArray:
    return (1.0 / np.broadcast_to(cluster.places, shape)).astype(kind)


def _over(tasks: FloatArray, inverse: FloatArray) -> FloatArray:
    """Instances that tasks fill, rounded up.

    ``ceil(n * (1 / k))`` is wrong for exact multiples in single precision; half a task less and then one instance more is
    exact for up to two million tasks.
    """
    return np.asarray(np.floor((tasks - 0.5) * inverse) + 1)
