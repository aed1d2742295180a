"""The linear program over patterns: how many instances of each, at least cost."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from advisor.optimize.fleet.problem import FleetProblem
from advisor.units import FloatArray, IntArray


def quiet_solver() -> Any:
    """HiGHS on one thread with a fixed seed, so that results are the same everywhere; it prints nothing."""
    from highspy import Highs

    solver = Highs()  # type: ignore[no-untyped-call]  # highspy has no types for its constructor
    for option, value in (("output_flag", False), ("log_to_console", False), ("threads", 1), ("random_seed", 0)):
        solver.setOptionValue(option, value)
    return solver


def warm_solver() -> Any:
    """The same for a linear program that is solved again and again: it goes on from the last basis.

    New columns leave that feasible, and the primal simplex method is the faster one; new limits do not, and it is the dual one.
    HiGHS chooses where it is told to; by itself it takes the dual one.
    """
    solver = quiet_solver()
    for option, value in (("presolve", "off"), ("solver", "simplex"), ("simplex_strategy", 0)):
        solver.setOptionValue(option, value)
    return solver


def volume_values(problem: FleetProblem) -> FloatArray:
    """(services,): what a task is worth when every dimension has one price and no full instance is worth more than it costs.

    The best such prices: summed over all tasks they are the volume bound, which no packing can beat.
    """
    n_dimensions, n_types = problem.capacity.shape[1], len(problem.usd_per_hour)
    largest = np.maximum(problem.capacity.max(axis=0), 1).astype(np.float64)
    needs = (problem.counts @ problem.tasks) / largest
    solver = quiet_solver()
    solver.passModel(
        n_dimensions, n_types, n_dimensions * n_types, 2, -1, 0.0, needs, np.zeros(n_dimensions), np.full(n_dimensions, np.inf),
        np.full(n_types, -np.inf), problem.usd_per_hour, np.arange(0, n_dimensions * n_types, n_dimensions, dtype=np.int32),
        np.tile(np.arange(n_dimensions, dtype=np.int32), n_types), (problem.capacity / largest).ravel(),
        np.zeros(n_dimensions, dtype=np.int32),
    )  # fmt: skip
    solver.run()
    prices = np.array(solver.getSolution().col_value)
    return np.asarray(problem.tasks @ (np.where(needs > 0, np.maximum(prices, 0.0), 0.0) / largest))


@dataclass(eq=False)
class Columns:
    """Patterns without repeats: a type and the tasks on one instance of it.

    A task that may run elsewhere is a pattern of its own, of a type after the last one, and no instance.
    """

    usd_per_hour: FloatArray
    """(types and places elsewhere,)"""
    n_types: int
    n_services: int
    types: IntArray = field(init=False)
    tasks: IntArray = field(init=False)

    def __post_init__(self) -> None:
        self._seen: set[bytes] = set()
        self.types = np.zeros(0, dtype=np.int64)
        self.tasks = np.zeros((0, self.n_services), dtype=np.int64)

    def add(self, types: IntArray, tasks: IntArray) -> int:
        """Keep what is new; how many that were."""
        fresh = []
        for row, (kind, pattern) in enumerate(zip(types.tolist(), tasks, strict=True)):
            key = kind.to_bytes(4, "little") + pattern.tobytes()
            if key not in self._seen:
                self._seen.add(key)
                fresh.append(row)
        self.types = np.concatenate([self.types, types[fresh]])
        self.tasks = np.concatenate([self.tasks, tasks[fresh]])
        return len(fresh)

    def __len__(self) -> int:
        return len(self.types)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MasterSolution:
    """Of the linear program over the columns so far."""

    usd_per_hour: float
    instances: FloatArray
    """(columns,)"""
    values: FloatArray
    """(services,): what one more task of each service costs, at the margin; not negative."""
    floor_value: float
    """What one more least instance costs, at the margin."""


class Master:
    """Fewest dollars for the tasks, with broken instances; columns are added in place and the basis is kept."""

    def __init__(self, columns: Columns, demand: FloatArray, least: int) -> None:
        self.columns, self.n_loaded = columns, 0
        self.solver = warm_solver()
        self.n_rows = len(demand) + 1
        lower = np.append(demand, float(least))
        none = np.zeros(0, np.int32)
        everywhere = np.full(self.n_rows, np.inf)
        self.solver.addRows(self.n_rows, lower, everywhere, 0, np.zeros(self.n_rows, np.int32), none, np.zeros(0))

    def solve(self) -> MasterSolution:
        """With all columns there are now. Together they must cover every service."""
        self._load()
        self.solver.run()
        solution = self.solver.getSolution()
        dual = np.maximum(np.array(solution.row_dual), 0.0)
        return MasterSolution(
            usd_per_hour=float(self.solver.getInfo().objective_function_value),
            instances=np.maximum(np.array(solution.col_value), 0.0),
            values=dual[:-1],
            floor_value=float(dual[-1]),
        )

    def require(self, counts: Sequence[float] | FloatArray | IntArray, least: float) -> None:
        """Tasks and instances to cover from now on."""
        lower = np.append(np.asarray(counts, dtype=np.float64), least)
        for row, bound in enumerate(lower.tolist()):  # the call for all rows at once is not in older releases
            self.solver.changeRowBounds(row, bound, np.inf)

    def _load(self) -> None:
        new = slice(self.n_loaded, len(self.columns))
        tasks = np.column_stack([self.columns.tasks[new], self.columns.types[new] < self.columns.n_types])
        if not len(tasks):
            return
        nonzero = tasks > 0
        start = np.concatenate([[0], np.cumsum(nonzero.sum(axis=1))[:-1]]).astype(np.int32)
        n = len(tasks)
        self.solver.addCols(
            n, self.columns.usd_per_hour[self.columns.types[new]], np.zeros(n), np.full(n, np.inf), int(nonzero.sum()),
            start, np.nonzero(nonzero)[1].astype(np.int32), tasks[nonzero].astype(np.float64),
        )  # fmt: skip
        self.n_loaded = len(self.columns)
