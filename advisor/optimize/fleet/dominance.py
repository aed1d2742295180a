"""Instance types that no cheapest fleet needs, and tasks that are the same to a packing."""

from dataclasses import dataclass, replace

import numpy as np

from advisor.optimize.fleet.problem import Fleet, FleetProblem
from advisor.units import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reduced:
    """A smaller problem with the same cheapest cost, and the way back."""

    problem: FleetProblem
    types: IntArray
    """(kept types,): their index in the whole problem."""
    item_of_service: IntArray
    """(services,): which item of the smaller problem a service is; -1 without tasks."""
    dominated: dict[int, int]
    """Index of each type that is left out, with the one that is never worse."""

    def restored(self, fleet: Fleet, whole: FleetProblem) -> Fleet:
        """The fleet in services and types of the whole problem: tasks of one item are dealt out service by service."""
        left = whole.counts.copy()
        members = [np.flatnonzero(self.item_of_service == item) for item in range(len(self.problem.counts))]
        types: list[int] = []
        rows: list[IntArray] = []
        counts: list[int] = []
        for kind, pattern, n in zip(fleet.types.tolist(), fleet.tasks, fleet.instances.tolist(), strict=True):
            while n:
                row, times = _dealt(pattern, members, left, n)
                left = left - row * times
                n -= times
                types.append(int(self.types[kind]))
                rows.append(row)
                counts.append(times)
        if not types:
            return Fleet(types=np.zeros(0, np.int64), tasks=np.zeros((0, len(left)), np.int64), instances=np.zeros(0, np.int64))
        merged = np.column_stack([np.array(types, dtype=np.int64), np.stack(rows)])
        distinct, index = np.unique(merged, axis=0, return_inverse=True)
        n_rows = np.bincount(index.ravel(), np.array(counts), len(distinct)).astype(np.int64)
        return Fleet(types=distinct[:, 0], tasks=distinct[:, 1:], instances=n_rows)


def _dealt(pattern: IntArray, members: list[IntArray], left: IntArray, most: int) -> tuple[IntArray, int]:
    """Tasks of each service for one instance of a pattern of items, and how many instances in a row can be the same."""
    row = np.zeros(len(left), dtype=np.int64)
    for item in np.flatnonzero(pattern).tolist():
        wanted = int(pattern[item])
        for service in members[item].tolist():
            taken = min(wanted, int(left[service]))
            row[service] += taken
            wanted -= taken
    used = row > 0
    times = min(most, int((left[used] // row[used]).min())) if used.any() else most
    return row, max(times, 1)


def reduced(problem: FleetProblem, apart: FloatArray | None = None) -> Reduced:
    """Equal services as one item, services without tasks left out, dominated types left out.

    Services of equal tasks that differ in ``apart``, (services,), stay two items.
    """
    tasks, counts, item_of_service = _items(problem, apart)
    capacity = usable(tasks, problem.capacity)
    kept, dominated = undominated(tasks, counts, capacity, problem.usd_per_hour, problem.names)
    return Reduced(
        problem=FleetProblem(
            tasks=tasks,
            counts=counts,
            capacity=capacity[kept],
            usd_per_hour=problem.usd_per_hour[kept],
            names=tuple(problem.names[i] for i in kept.tolist()),
            least_instances=problem.least_instances,
        ),
        types=kept,
        item_of_service=item_of_service,
        dominated=dominated,
    )


def merged(problem: FleetProblem) -> Reduced:
    """Equal services as one item, services without tasks left out; all types stay."""
    tasks, counts, item_of_service = _items(problem, None)
    types = np.arange(len(problem.names))
    return Reduced(
        problem=replace(problem, tasks=tasks, counts=counts), types=types, item_of_service=item_of_service, dominated={}
    )


def _items(problem: FleetProblem, apart: FloatArray | None) -> tuple[IntArray, IntArray, IntArray]:
    """Tasks and counts of items, and the item of each service."""
    keys = problem.tasks if apart is None else np.column_stack([problem.tasks, np.unique(apart, return_inverse=True)[1]])
    running = np.flatnonzero(problem.counts > 0)
    item_of_service = np.full(len(problem.counts), -1, dtype=np.int64)
    if running.size:
        distinct, index = np.unique(keys[running], axis=0, return_inverse=True)
        order = np.lexsort(distinct.T[::-1])[::-1]  # largest first, whatever the order of the services
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        item_of_service[running] = rank[index.ravel()]
        tasks = distinct[order, : problem.tasks.shape[1]]
        counts = np.bincount(item_of_service[running], problem.counts[running]).astype(np.int64)
    else:
        tasks, counts = np.zeros((0, problem.tasks.shape[1]), np.int64), np.zeros(0, np.int64)
    return tasks, counts, item_of_service


def usable(tasks: IntArray, capacity: IntArray) -> IntArray:
    """Capacity (types, dimensions) down to what tasks (items, dimensions) can fill: multiples of what divides all of them."""
    step = np.maximum(np.gcd.reduce(tasks, axis=0), 1)
    return np.asarray(capacity // step * step)


def undominated(
    tasks: IntArray, counts: IntArray, capacity: IntArray, usd_per_hour: FloatArray, names: tuple[str, ...]
) -> tuple[IntArray, dict[int, int]]:
    """Types that a cheapest fleet may need, cheapest first, and for each other type one that is never worse.

    A type is dominated by one that is not dearer and offers at least what these tasks could ever use of it. What they can use
    is often less than what it offers: memory that no mix of these tasks reaches before its CPU is full is no advantage.

    Parameters
    ----------
    tasks : (items, dimensions)
    counts : (items,)
    capacity : (types, dimensions)
    usd_per_hour : (types,)
    """
    useful = _useful(tasks, counts, capacity)
    order = np.lexsort((np.array(names, dtype=np.str_), usd_per_hour))
    holds = np.ones((len(names), len(names)), dtype=np.bool_)
    for of, use in zip(capacity.T, useful.T, strict=True):
        holds &= of[order] >= use[order, np.newaxis]
    kept: list[int] = []
    better = np.full(len(names), -1)
    for place in range(len(names)):
        if better[place] < 0:
            kept.append(place)
            later = better[place + 1 :]
            later[(later < 0) & holds[place + 1 :, place]] = place
    worse = np.flatnonzero(better >= 0)
    dominated = dict(zip(order[worse].tolist(), order[better[worse]].tolist(), strict=True))
    return order[kept].astype(np.int64), dominated


def _useful(tasks: IntArray, counts: IntArray, capacity: IntArray) -> IntArray:
    """(types, dimensions): most that any set of these tasks uses of an instance; an upper figure."""
    if not len(tasks):
        return np.zeros_like(capacity)
    fits = np.asarray((tasks[np.newaxis] <= capacity[:, np.newaxis]).all(axis=2))
    most = np.minimum(capacity, (counts[np.newaxis, :, np.newaxis] * np.where(fits[..., np.newaxis], tasks, 0)).sum(axis=1))
    for by in range(tasks.shape[1]):
        # Used of dimension d <= used of dimension `by` times the largest ratio of the two in any task that fits.
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(tasks[:, [by]] > 0, tasks / tasks[:, [by]], np.where(tasks > 0, np.inf, 0.0))
        largest = np.where(fits[..., np.newaxis], ratio, 0.0).max(axis=1)
        with np.errstate(invalid="ignore"):
            reached = np.nan_to_num(capacity[:, [by]] * largest, nan=np.inf, posinf=np.inf)
        most = np.minimum(most, np.where(np.isfinite(reached), np.floor(reached * (1 + 1e-12) + 1e-9), capacity)).astype(
            np.int64
        )
    return np.asarray(most, dtype=np.int64)
