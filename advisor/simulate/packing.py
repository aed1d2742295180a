"""How many instances tasks of several sizes fill: the volume bound and first-fit decreasing.

Three dimensions, always in this order: CPU units, MiB of memory, network slots. First-fit decreasing takes more of them,
and tasks that need nothing of one.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from advisor.plan.placement import HostPort
from advisor.units import BoolArray, FloatArray, IntArray, ceil_whole

AnyInt = NDArray[Any]
"""Whole numbers of four or eight bytes."""


def tasks_per_instance(task: IntArray, capacity: IntArray) -> IntArray:
    """Tasks of one size that fit on one instance: ``task`` (dimensions,), ``capacity`` (..., dimensions) -> (...)."""
    needed = np.flatnonzero(task)
    return np.asarray((capacity[..., needed] // task[needed]).min(axis=-1))


def sole_places(has_distinct_instances: Sequence[bool], host_ports: Sequence[Sequence[HostPort]]) -> IntArray:
    """(services, places): what an instance has one of: a place for a task of each distinct service, and each fixed port."""
    distinct = np.flatnonzero(has_distinct_instances)
    ports = sorted({port for each in host_ports for port in each})
    needed = np.zeros((len(host_ports), distinct.size + len(ports)), dtype=np.int64)
    needed[distinct, np.arange(distinct.size)] = 1
    for row, each in enumerate(host_ports):
        needed[row, [distinct.size + ports.index(port) for port in each]] = 1
    return needed


def volume_bound(counts: IntArray, tasks: IntArray, capacity: IntArray) -> FloatArray:
    """Fewest instances that could hold all tasks if they could be cut up: no packing can beat it.

    Parameters
    ----------
    counts : (states, services)
        Tasks of each service.
    tasks : (services, dimensions)
        What one task of each service reserves.
    capacity : (types, dimensions)
        What one instance of each type offers; nothing of a dimension of which no task that fits needs any.

    Returns
    -------
    FloatArray
        (types, states) instances; whole numbers.
    """
    # Sums stay far below 2**53, so that float64 (which has a BLAS product) is exact, and exact multiples divide exactly.
    total = np.ascontiguousarray((counts.astype(np.float64) @ tasks.astype(np.float64)).T)
    offered = np.maximum(capacity, 1).astype(np.float64)
    bound = np.empty((len(capacity), len(counts)))
    scratch = np.empty((_BLOCK_TYPES, len(counts)))
    for first in range(0, len(capacity), _BLOCK_TYPES):
        block = slice(first, first + _BLOCK_TYPES)
        most = bound[block]
        needed = scratch[: len(most)]
        np.divide(total[0], offered[block, :1], out=most)
        for dimension in range(1, len(total)):
            np.divide(total[dimension], offered[block, dimension, np.newaxis], out=needed)
            np.maximum(most, needed, out=most)
        np.ceil(most, out=most)
    return bound


def first_fit_decreasing(counts: IntArray, tasks: IntArray, capacity: IntArray) -> IntArray:
    """Instances that first-fit decreasing opens, for many states at once.

    Tasks are taken in the order of their largest share of the instance in any dimension, ties by one dimension after the other,
    so that the order of the services does not matter; each goes to the first opened instance with room. Instances with the same
    free room that were opened one after the other are kept as one group with a count, and services with tasks of one size are
    taken as one, so that the work grows with neither. Equal, instance by instance, to placing task after task.

    Parameters
    ----------
    counts : (states, services)
        Tasks of each service; whole numbers.
    tasks : (services, dimensions)
        What one task of each service reserves.
    capacity : (dimensions,)
        What one instance offers. Every task fits.

    Returns
    -------
    IntArray
        (states,) instances.
    """
    order = np.lexsort((*-tasks.T[::-1], -(tasks / np.maximum(capacity, 1)).max(axis=1)))
    order = order[np.asarray(counts.any(axis=0))[order]]  # a replay asks for the few services with tasks that wait
    if not order.size:
        return np.zeros(len(counts), dtype=np.int64)
    is_new = np.append(True, (np.diff(tasks[order], axis=0) != 0).any(axis=1))  # tasks of one size follow each other
    sizes = tasks[order][is_new]
    counts = np.add.reduceat(counts[:, order], np.flatnonzero(is_new), axis=1)
    smallest = np.minimum.accumulate(sizes[::-1], axis=0)[::-1]
    after = [*smallest[1:].tolist(), None]  # the smallest that is still to come, in each dimension
    most = int(counts.max(initial=0)) + 1
    # What a group has room for is cut to ``most``, so that half the bytes hold everything but the largest clusters.
    kind = np.int32 if (int(counts.sum(axis=1).max(initial=0)) + 1) * most < _MOST_INT32 > int(capacity.max()) else np.int64
    columns = counts.T.astype(kind)
    blocks = [columns[:, first : first + _BLOCK_STATES] for first in range(0, len(counts), _BLOCK_STATES)]
    found = [_opened(block, sizes.tolist(), after, capacity.tolist(), most) for block in blocks]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


_BLOCK_TYPES = 4
"""Types whose bound is worked out together: few enough for the caches of a processor."""
_BLOCK_STATES = 4096
"""States that are worked on together: few enough for the caches of a processor."""
_MOST_INT32 = 2**31
Size = Sequence[int]


def _opened(columns: AnyInt, sizes: Sequence[Size], after: Sequence[Size | None], capacity: Size, most: int) -> IntArray:
    """Instances opened for tasks in the order of ``columns`` (services, states), (states,).

    Groups that none of the tasks to come can be put into are counted and forgotten: few are looked at.
    """
    n_states = columns.shape[1]
    closed: IntArray = np.zeros(n_states, dtype=np.int64)
    groups = _Groups(np.zeros((n_states, 0), columns.dtype), [np.zeros((n_states, 0), columns.dtype) for _ in capacity])
    for left, size, to_come in zip(columns, sizes, after, strict=True):
        groups, further, split = _placed(groups, left, size, capacity, most)
        groups, n_closed = _still_open(groups, further, split, to_come)
        closed += n_closed
    return closed


class _Groups(NamedTuple):
    """Instances with the same free room that were opened one after the other."""

    number: AnyInt
    """(states, groups): of instances."""
    free: list[AnyInt]
    """(states, groups) for each dimension."""


def _placed(
    groups: _Groups, left: AnyInt, size: Size, capacity: Size, most: int
) -> tuple[_Groups, tuple[_Groups, _Groups], IntArray]:
    """Place ``left`` (states,) tasks into groups of instances, then into new ones.

    In each state at most one group is only partly used: it splits into instances that took their fill, which keep its place,
    one that took the rest, and untouched ones. Where none does, new instances may be opened: full ones, and one with the rest.

    Returns
    -------
    The groups, two further ones for each state (states,), and the group that they follow (states,), or how many there are.
    """
    n_groups = groups.number.shape[1]
    fit = np.minimum.reduce([free // need for free, need in zip(groups.free, size, strict=True) if need]).clip(max=most)
    room = groups.number * fit
    before = np.cumsum(room, axis=1, dtype=room.dtype) - room
    taken = np.minimum(np.maximum(left[:, np.newaxis] - before, 0), room)
    is_split = (taken > 0) & (taken < room)
    split = np.where(is_split.any(axis=1), is_split.argmax(axis=1) if n_groups else 0, n_groups)
    opened = left - taken.sum(axis=1, dtype=taken.dtype)
    per_new = min(offered // need for offered, need in zip(capacity, size, strict=True) if need)
    full, rest = opened // per_new, opened % per_new
    first = _Groups(full, [np.full_like(full, offered - per_new * need) for offered, need in zip(capacity, size, strict=True)])
    second = _Groups(
        (rest > 0).astype(left.dtype), [offered - rest * need for offered, need in zip(capacity, size, strict=True)]
    )
    per_bin = np.where(taken > 0, fit, 0)
    after = _Groups(groups.number.copy(), [free - per_bin * need for free, need in zip(groups.free, size, strict=True)])
    here = np.flatnonzero(split < n_groups)
    if here.size:
        at = here, split[here]
        filled = taken[at] // fit[at]
        over = taken[at] - filled * fit[at]
        after.number[at] = filled
        first.number[here] = over > 0
        second.number[here] = groups.number[at] - filled - (over > 0)
        for dimension, need in enumerate(size):
            first.free[dimension][here] = groups.free[dimension][at] - over * need
            second.free[dimension][here] = groups.free[dimension][at]
    return after, (first, second), split


def _still_open(
    groups: _Groups, further: tuple[_Groups, _Groups], split: IntArray, to_come: Size | None
) -> tuple[_Groups, IntArray]:
    """Groups with room for the smallest task to come, in their order and without holes, and the number of other instances."""
    n_states, n_groups = groups.number.shape
    is_kept, is_first, is_second = (_is_open(each, to_come) for each in (groups, *further))
    n_closed = np.where(is_kept, 0, groups.number).sum(axis=1, dtype=np.int64)
    n_closed += np.where(is_first, 0, further[0].number) + np.where(is_second, 0, further[1].number)
    n_kept = np.cumsum(is_kept, axis=1)
    n_further = is_first.astype(np.int64) + is_second
    all_kept = n_kept[:, -1] if n_groups else np.zeros(n_states, dtype=np.int64)
    width = int((all_kept + n_further).max(initial=0))
    rows = np.arange(n_states)
    if n_groups:
        place = n_kept - 1 + np.where(np.arange(n_groups) > split[:, np.newaxis], n_further[:, np.newaxis], 0)
        to = (place + (rows * width)[:, np.newaxis])[is_kept]
        base = np.where(split < n_groups, n_kept[rows, np.minimum(split, n_groups - 1)], all_kept)
    else:
        to, base = np.zeros(0, dtype=np.int64), all_kept
    firsts, seconds = np.flatnonzero(is_first), np.flatnonzero(is_second)

    def moved(old: AnyInt, one: AnyInt, two: AnyInt) -> AnyInt:
        new = np.zeros((n_states, width), old.dtype)
        new.reshape(-1)[to] = old[is_kept]
        new[firsts, base[firsts]] = one[firsts]
        new[seconds, base[seconds] + is_first[seconds]] = two[seconds]
        return new

    count = moved(groups.number, further[0].number, further[1].number)
    free = [moved(*each) for each in zip(groups.free, further[0].free, further[1].free, strict=True)]
    return _Groups(count, free), np.asarray(n_closed)


def _is_open(groups: _Groups, to_come: Size | None) -> BoolArray:
    if to_come is None:
        return np.zeros(groups.number.shape, dtype=np.bool_)
    is_open = groups.number > 0
    for free, need in zip(groups.free, to_come, strict=True):
        is_open &= free >= need
    return np.asarray(is_open)


def as_counts(running: FloatArray) -> IntArray:
    """Whole tasks to place: fractions of a task (an average over the step) need a whole place. Gaps count 0."""
    return ceil_whole(np.nan_to_num(running, nan=0.0)).astype(np.int64)
