"""What a mixed fleet has to hold, and a fleet that holds it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from advisor.units import FloatArray, IntArray

MOST_QUANTITY = 2**40
"""Largest amount of a dimension: sums over the tasks of a problem stay below 2**53, where float64 is exact."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FleetProblem:
    """Tasks to place at one moment, and the instance types to place them on. Any number of dimensions.

    Raises
    ------
    ValueError
        Shapes differ, a number is negative or not finite, or a service that runs tasks fits on no type.
    """

    tasks: IntArray
    """(services, dimensions): what one task of each service reserves."""
    counts: IntArray
    """(services,): tasks to place."""
    capacity: IntArray
    """(types, dimensions): what one instance offers to them, daemons taken off."""
    usd_per_hour: FloatArray
    """(types,): what one instance costs, with everything that comes with it."""
    names: tuple[str, ...] = ()
    """Of the types, told apart by number where they have none."""
    least_instances: int = 0
    """Instances while any task runs: one in each zone."""

    def __post_init__(self) -> None:
        tasks, capacity = (np.asarray(a, dtype=np.int64) for a in (self.tasks, self.capacity))
        counts, usd = np.asarray(self.counts, dtype=np.int64), np.asarray(self.usd_per_hour, dtype=np.float64)
        if tasks.ndim != 2 or capacity.ndim != 2 or tasks.shape[1] != capacity.shape[1]:
            raise ValueError(f"tasks {tasks.shape} and capacity {capacity.shape} need the same dimensions")
        if counts.shape != tasks.shape[:1] or usd.shape != capacity.shape[:1]:
            raise ValueError(f"{len(tasks)} services with counts {counts.shape}, {len(capacity)} types with prices {usd.shape}")
        if min(tasks.min(initial=0), capacity.min(initial=0), counts.min(initial=0), self.least_instances) < 0:
            raise ValueError("sizes, capacities, counts and the least number of instances are not negative")
        if max(tasks.max(initial=0), capacity.max(initial=0), int(counts.sum())) > MOST_QUANTITY:
            raise ValueError(f"sizes, capacities and counts are at most {MOST_QUANTITY}")
        if not (np.isfinite(usd).all() and (usd > 0).all()):
            raise ValueError("every type needs a price above zero: leave out what has none")
        if not tasks[counts > 0].any(axis=1).all():
            raise ValueError("a task needs something of at least one dimension")
        names = self.names or tuple(f"type {i}" for i in range(len(capacity)))
        if len(set(names)) != len(capacity):
            raise ValueError(f"{len(capacity)} types with {len(set(names))} different names")
        for name, value in (
            ("tasks", tasks),
            ("capacity", capacity),
            ("counts", counts),
            ("usd_per_hour", usd),
            ("names", names),
        ):
            object.__setattr__(self, name, value)
        homeless = np.flatnonzero((counts > 0) & ~self.fits.any(axis=0))
        if homeless.size:
            raise ValueError(f"no type holds a task of service {int(homeless[0])}: {tasks[homeless[0]].tolist()}")

    @property
    def fits(self) -> np.ndarray:
        """(types, services): whether one task fits on an instance of the type."""
        return np.asarray((self.tasks[np.newaxis] <= self.capacity[:, np.newaxis]).all(axis=2))

    @property
    def least(self) -> int:
        """Instances that run in any case: none without a task."""
        return self.least_instances if self.counts.any() else 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fleet:
    """Instances with the tasks on each: equal ones are one row."""

    types: IntArray
    """(rows,): index of the type."""
    tasks: IntArray
    """(rows, services): tasks on one instance of the row."""
    instances: IntArray
    """(rows,): instances with these tasks."""

    def usd_per_hour(self, problem: FleetProblem) -> float:
        """What the fleet costs."""
        return float((self.instances * problem.usd_per_hour[self.types]).sum())

    def by_type(self, problem: FleetProblem) -> Mapping[str, int]:
        """Instances of each type that is used, in the order of the problem."""
        count = np.bincount(self.types, self.instances, len(problem.names)).astype(np.int64)
        return {problem.names[i]: int(count[i]) for i in np.flatnonzero(count).tolist()}

    def faults(self, problem: FleetProblem) -> tuple[str, ...]:
        """Why the fleet is none for the problem, in sentences; empty where it holds exactly the tasks."""
        found = []
        used = self.tasks @ problem.tasks
        over = np.flatnonzero((used > problem.capacity[self.types]).any(axis=1))
        if over.size:
            row = int(over[0])
            found.append(f"row {row} puts {used[row].tolist()} on {problem.capacity[self.types[row]].tolist()}")
        placed = self.instances @ self.tasks
        if not np.array_equal(placed, problem.counts):
            found.append(f"{placed.tolist()} tasks placed, not {problem.counts.tolist()}")
        if self.instances.sum() < problem.least:
            found.append(f"{int(self.instances.sum())} instances, fewer than {problem.least}")
        return tuple(found)


def fleet_of(types: Sequence[int] | IntArray, tasks: Sequence[IntArray] | IntArray, n_services: int) -> Fleet:
    """Single instances folded into rows, in an order that hangs on nothing but the rows."""
    if not len(types):
        return Fleet(types=np.zeros(0, np.int64), tasks=np.zeros((0, n_services), np.int64), instances=np.zeros(0, np.int64))
    rows = np.column_stack([np.asarray(types, dtype=np.int64), np.asarray(tasks, dtype=np.int64)])
    distinct, count = np.unique(rows, axis=0, return_counts=True)
    return Fleet(types=distinct[:, 0], tasks=distinct[:, 1:], instances=count.astype(np.int64))
