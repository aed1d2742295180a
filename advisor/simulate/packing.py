"""How many instances tasks of several sizes fill: the volume bound and first-fit decreasing.

Three dimensions, always in this order: CPU units, MiB of memory, network slots.
"""

import numpy as np

from advisor.units import FloatArray, IntArray, ceil_whole


def tasks_per_instance(task: IntArray, capacity: IntArray) -> IntArray:
    """Tasks of one size that fit on one instance: ``task`` (3,), ``capacity`` (..., 3) -> (...)."""
    return np.asarray((capacity // task).min(axis=-1))


def volume_bound(counts: IntArray, tasks: IntArray, capacity: IntArray) -> IntArray:
    """Fewest instances that could hold all tasks if they could be cut up: no packing can beat it.

    Parameters
    ----------
    counts : (states, services)
        Tasks of each service.
    tasks : (services, 3)
        What one task of each service reserves.
    capacity : (types, 3)
        What one instance of each type offers.

    Returns
    -------
    IntArray
        (types, states) instances.
    """
    # Sums stay far below 2**53, so that float64 (which has a BLAS product) is exact, and exact multiples divide exactly.
    total = counts.astype(np.float64) @ tasks.astype(np.float64)
    bound = np.zeros((capacity.shape[0], counts.shape[0]))
    for dimension in range(3):
        np.maximum(bound, np.ceil(total[:, dimension] / capacity[:, dimension, np.newaxis]), out=bound)
    return bound.astype(np.int64)


def feasible_bound(counts: IntArray, tasks: IntArray, capacity: IntArray) -> IntArray:
    """Instances if no two services shared one: an upper figure for every type at once, (types, states)."""
    per_instance = np.stack([tasks_per_instance(task, capacity) for task in tasks], axis=-1)
    needed = -(-counts[np.newaxis] // per_instance[:, np.newaxis, :])
    return np.asarray(needed.sum(axis=-1))


def first_fit_decreasing(counts: IntArray, tasks: IntArray, capacity: IntArray) -> IntArray:
    """Instances that first-fit decreasing opens, for many states at once.

    Tasks are taken in the order of their largest share of the instance in any dimension, ties by CPU, then memory, so that the
    order of the services does not matter; each goes to the first opened instance with room. Instances with the same free room
    that were opened one after the other are kept as one group with a count, so that the work does not grow with the number of
    tasks. Equal, instance by instance, to placing task after task.

    Parameters
    ----------
    counts : (states, services)
        Tasks of each service; whole numbers.
    tasks : (services, 3)
        What one task of each service reserves.
    capacity : (3,)
        What one instance offers. Every task fits.

    Returns
    -------
    IntArray
        (states,) instances.
    """
    order = np.lexsort((-tasks[:, 1], -tasks[:, 0], -(tasks / capacity).max(axis=1)))
    n_states = counts.shape[0]
    n_bins = np.zeros((n_states, 1), dtype=np.int64)  # one empty group, so that there is always a first one
    free = np.zeros((n_states, 1, 3), dtype=np.int64)
    for service in order:
        n_bins, free = _place(counts[:, service].copy(), tasks[service], capacity, n_bins, free)
    return np.asarray(n_bins.sum(axis=1))


def _place(left: IntArray, task: IntArray, capacity: IntArray, n_bins: IntArray, free: IntArray) -> tuple[IntArray, IntArray]:
    """Place ``left`` (states,) tasks into groups of instances (states, groups), then into new ones.

    In each state at most one group is only partly used: it splits into instances that took their fill, one that took the rest,
    and untouched ones. Two slots after each group's place make room for that.
    """
    n_states, n_groups = n_bins.shape
    fit = (free // task).min(axis=2)
    room = n_bins * fit
    before = np.cumsum(room, axis=1) - room
    taken = np.clip(left[:, np.newaxis] - before, 0, room)
    is_split = (taken > 0) & (taken < room)
    split_at = np.where(is_split.any(axis=1), is_split.argmax(axis=1), n_groups)

    full = np.divide(taken, fit, out=np.zeros_like(taken, dtype=np.float64), where=fit > 0).astype(np.int64)
    rest = taken - full * fit
    filled = np.where(is_split, full, n_bins)
    wide_bins = np.zeros((n_states, n_groups + 2), dtype=np.int64)
    wide_free = np.zeros((n_states, n_groups + 2, 3), dtype=np.int64)
    rows = np.arange(n_states)[:, np.newaxis]
    place = np.arange(n_groups)[np.newaxis] + 2 * (np.arange(n_groups)[np.newaxis] > split_at[:, np.newaxis])
    per_bin = np.where(taken > 0, fit, 0)
    wide_bins[rows, place] = filled
    wide_free[rows, place] = free - per_bin[..., np.newaxis] * task

    opened = left - taken.sum(axis=1)
    per_new = int((capacity // task).min())
    new_full, new_rest = opened // per_new, opened % per_new
    here = np.flatnonzero(split_at < n_groups)
    at = split_at[here]
    wide_bins[here, at + 1] = rest[here, at] > 0
    wide_free[here, at + 1] = free[here, at] - rest[here, at, np.newaxis] * task
    wide_bins[here, at + 2] = n_bins[here, at] - full[here, at] - (rest[here, at] > 0)
    wide_free[here, at + 2] = free[here, at]
    new = np.flatnonzero(split_at == n_groups)
    wide_bins[new, n_groups] = new_full[new]
    wide_free[new, n_groups] = capacity - per_new * task
    wide_bins[new, n_groups + 1] = new_rest[new] > 0
    wide_free[new, n_groups + 1] = capacity - new_rest[new, np.newaxis] * task
    used = np.asarray(wide_bins.any(axis=0))
    used[0] = True
    return wide_bins[:, used], wide_free[:, used]


def as_counts(running: FloatArray) -> IntArray:
    """Whole tasks to place: fractions of a task (an average over the step) need a whole place. Gaps count 0."""
    return ceil_whole(np.nan_to_num(running, nan=0.0)).astype(np.int64)
