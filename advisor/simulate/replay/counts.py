"""Task counts and instance counts of very many cells at once, without placement: for searching.

A cell is one service under one candidate on one history: (replica x candidate x cluster), in any shape. Its steps are those of
:mod:`advisor.simulate.replay.cluster`, in the same order, but instances are a number and room is a number of places: tasks of
one service fill instances one after the other. The loop over time is Python's; everything else is arrays over cells.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from advisor.simulate.replay.counted_instances import CountedInstances, inverse_of
from advisor.simulate.replay.counted_tasks import (
    DESIRED,
    LONG_AGO,
    PLACED,
    RUNNING,
    SINCE_IN,
    SINCE_OUT,
    STARTING,
    CountedTasks,
)
from advisor.simulate.replay.rules import ClusterRules, ScalingRules, whole_steps
from advisor.units import BoolArray, FloatArray, IntArray, ceil_whole

CountArray: TypeAlias = NDArray[np.int32]
Kept: TypeAlias = Literal["running", "waiting", "instances"]

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
    moving_bounds: tuple[FloatArray, FloatArray] | None = None
    """(steps, ...cells) each: the least and the most tasks in every step, where scheduled actions move them. A desired count
    outside of them moves to the nearest one at once. The others are those of the first step."""
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
    """What ran in each cell, (steps, ...cells) each; None where it was not to be kept."""

    placed: CountArray
    """Tasks that hold a place, running or starting."""
    running: CountArray | None = None
    waiting: CountArray | None = None
    """Desired tasks without a place; None without instances."""
    instances: CountArray | None = None
    """Launched and not ended; None without instances."""


def replay_counts(
    cells: CountedCells, *, step_s: int, also: Collection[Kept] = ("running", "waiting", "instances")
) -> CountedReplay:
    """Replay service auto scaling by target tracking, and managed scaling, in every cell.

    Kept are the tasks placed and what ``also`` names. Each takes a tenth of the time to write, and its memory.

    Without instances the counts are exactly those of :func:`replay_cluster` on Fargate (in double precision). With them the
    number of running tasks is limited by the places on active instances, and an instance is empty when the tasks would fit on
    the others: binpack, which a spread does not reach.
    """
    return _run(cells, _first_state(cells, step_s), step_s, also)[0]


def counts_over_time(cells: CountedCells, *, step_s: int) -> CountArray:
    """Tasks placed on Fargate over a long history, (steps, cells): what :func:`replay_counts` gives, exactly, but sooner.

    The history is cut into pieces that are replayed side by side, as cells. Each piece begins as if its first load had lasted;
    where the piece before it turns out to end in another state, it is replayed again from that, until all fit together.
    """
    if cells.cluster is not None or cells.load.ndim != 2:
        raise ValueError("a history in pieces has cells in one row and no instances")
    n_steps, n_cells = cells.load.shape
    n_pieces = -(-n_steps // CHUNK_STEPS)
    pieces = _in_pieces(cells.load, n_pieces)
    shape = (n_pieces, n_cells)
    least: IntArray = np.broadcast_to(cells.min_tasks, shape)
    most: FloatArray = np.broadcast_to(cells.max_tasks, shape)
    cap: FloatArray = np.broadcast_to(cells.saturates_at, shape)
    moving = None if cells.moving_bounds is None else tuple(_in_pieces(each, n_pieces) for each in cells.moving_bounds)
    if moving is not None:
        least, most = moving[0][0].astype(np.int64), moving[1][0]
    placed = np.empty((CHUNK_STEPS, n_pieces, n_cells), dtype=np.int32)

    def part(of: BoolArray) -> CountedCells:
        return CountedCells(
            load=np.ascontiguousarray(pieces[:, of]),
            min_tasks=least[of],
            max_tasks=most[of],
            moving_bounds=None if moving is None else (moving[0][:, of], moving[1][:, of]),
            saturates_at=cap[of],
            start_s=cells.start_s,
            scaling=cells.scaling,
        )

    todo = np.ones((n_pieces, n_cells), dtype=np.bool_)
    begins = _first_state(part(todo), step_s).reshape(-1, n_pieces, n_cells)
    ends = np.empty_like(begins)
    while todo.any():
        replay, ends[:, todo] = _run(part(todo), begins[:, todo], step_s, ())
        placed[:, todo] = replay.placed
        differs = (begins[:, 1:] != ends[:, :-1]).any(axis=0)
        begins[:, 1:][:, differs] = ends[:, :-1][:, differs]
        todo = np.concatenate([np.zeros((1, n_cells), dtype=np.bool_), differs])
    return placed.swapaxes(0, 1).reshape(-1, n_cells)[:n_steps]


def _in_pieces(series: FloatArray, n_pieces: int) -> FloatArray:
    """(steps of a piece, pieces, cells): the last step is held until the last piece is full."""
    missing = n_pieces * CHUNK_STEPS - len(series)
    return np.pad(series, ((0, missing), (0, 0)), mode="edge").reshape(n_pieces, CHUNK_STEPS, -1).swapaxes(0, 1)


def _first_state(cells: CountedCells, step_s: int) -> FloatArray:
    """(rows, cells in one row): as if the first load had lasted, with the tasks that it needs, all running."""
    needed = ceil_whole(np.nan_to_num(cells.load[0].astype(np.float64), nan=0.0))
    first = np.broadcast_to(np.minimum(np.maximum(needed, cells.min_tasks), cells.max_tasks), cells.shape).ravel()
    state = np.zeros((STARTING + whole_steps(cells.start_s, step_s), first.size), dtype=cells.load.dtype)
    state[[PLACED, RUNNING, DESIRED]] = first
    state[[SINCE_OUT, SINCE_IN]] = LONG_AGO
    return state


def _first_instances(cluster: CountedCluster, state: FloatArray, places: FloatArray) -> FloatArray:
    """Instances that the first desired counts need; tasks that have no place on them wait."""
    rules, first = cluster.rules, state[DESIRED]
    least = np.maximum(np.minimum(first, cluster.zones), rules.min_instances)
    most = np.inf if rules.max_instances is None else rules.max_instances
    needed = np.ceil(first * inverse_of(places))
    instances: FloatArray = np.minimum(np.maximum(needed, least), most).astype(first.dtype)
    state[[PLACED, RUNNING]] = np.minimum(first, instances * places)
    return instances


def _run(cells: CountedCells, state: FloatArray, step_s: int, also: Collection[Kept]) -> tuple[CountedReplay, FloatArray]:
    """Replay from a state; what ran, and the state after the last step."""
    n_steps, shape = cells.load.shape[0], cells.shape

    def row(values: IntArray | FloatArray) -> FloatArray:
        return np.broadcast_to(values, shape).ravel().astype(cells.load.dtype, copy=False)

    bounds = row(cells.min_tasks), row(cells.max_tasks), row(cells.saturates_at)
    if cells.cluster is None:
        tasks, group = CountedTasks(state, bounds, cells.scaling, step_s), None
    else:
        places = row(cells.cluster.places)
        first = _first_instances(cells.cluster, state, places)
        tasks = CountedTasks(state, bounds, cells.scaling, step_s)
        group = CountedInstances(first, tasks.counts, places, cells.cluster.rules, step_s)
    moves = _moves(cells, n_steps)
    owners: dict[str, CountedTasks | CountedInstances] = {"placed": tasks, "running": tasks}
    if group is not None:
        owners |= {"waiting": tasks, "instances": group}
    kept = [name for name in owners if name == "placed" or name in also]
    # Side by side: what a step writes is in one piece of fresh memory, which is slow to come by.
    ran = np.empty((n_steps, len(kept), tasks.placed.size), dtype=np.int32)
    is_whole = cells.load.shape[1:] == shape
    loads = cells.load.reshape(n_steps, -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        for t in range(n_steps):
            if group is None:
                tasks.follow(None)
            else:
                group.finish_boots()
                if tasks.follow(group.capacity):
                    group.look(tasks.counts)
            for at, name in enumerate(kept):
                ran[t, at] = getattr(owners[name], name)
            if t in moves:
                tasks.move_bounds(*moves[t])
            tasks.scale(loads[t] if is_whole else row(cells.load[t]))
            if group is not None:
                group.scale(t)
    series = {name: ran[:, at].reshape(n_steps, *shape) for at, name in enumerate(kept)}
    return CountedReplay(**series), tasks.settle()


def _moves(cells: CountedCells, n_steps: int) -> dict[int, tuple[FloatArray, FloatArray]]:
    """By step, the bounds of all cells where those of some are others than in the step before; also at the first."""
    if cells.moving_bounds is None or not n_steps:
        return {}
    least, most = (each.reshape(n_steps, -1).astype(cells.load.dtype, copy=False) for each in cells.moving_bounds)
    is_other = (least[1:] != least[:-1]).any(axis=1) | (most[1:] != most[:-1]).any(axis=1)
    return {t: (least[t], most[t]) for t in (0, *(np.flatnonzero(is_other) + 1).tolist())}
