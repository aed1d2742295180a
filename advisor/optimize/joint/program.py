"""The linear program of a joint problem: shares of ways, broken instances, and a commitment of any size."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from advisor.billing import amounts_usd
from advisor.optimize.fleet.master import warm_solver
from advisor.optimize.joint.problem import JointProblem
from advisor.optimize.joint.states import States
from advisor.units import FloatArray, IntArray

Entry = tuple[float, list[int], list[float]]
"""Of one column: what one of it costs, rows and coefficients."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prices:
    """A dual solution: any is a proof once its values are scaled so that no pattern is worth more than its instance."""

    dollar: FloatArray
    """(pools, states): what a committed dollar saves, in dollars of the mean hour; over the states they add up to 1."""
    values: FloatArray
    """(states, items): of a task."""
    floor: FloatArray
    """(states,): of each least instance."""

    def mixed(self, other: "Prices") -> "Prices":
        """Half of each: between two proofs lies a third."""
        return Prices(
            dollar=(self.dollar + other.dollar) / 2,
            values=(self.values + other.values) / 2,
            floor=(self.floor + other.floor) / 2,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """Of the linear program over the patterns so far."""

    usd: float
    """In the mean hour."""
    shares: FloatArray
    """(ways,): of its service that runs so."""
    instances: FloatArray
    """(types, states): broken ones, too."""
    prices: Prices


class Program:
    """Rows and columns in HiGHS; patterns are added in place and the basis is kept.

    Ways whose tasks take the same of an instance are one *item*. Where there are instances, all Savings Plans are one pool: a
    dollar covers any usage at the lowest rate that any plan has for it. No choice of plans can do better, so that what is
    proven for it is proven for all. Without instances, where no pattern is ever missing, each plan is a pool of its own.
    """

    def __init__(self, problem: JointProblem, states: States) -> None:
        self.problem, self.states, self.weight = problem, states, states.weight
        self.on = np.flatnonzero(problem.is_on_instances)
        self.tasks, item = np.unique(problem.tasks[self.on], axis=0, return_inverse=True)
        """(items, dimensions): what a task takes."""
        self.item: IntArray = item.ravel()
        """(ways on instances,)"""
        used = problem.usage.any(axis=0) | problem.type_usage.any(axis=0)
        self.covered = np.flatnonzero(problem.is_covered & used)
        self.patterns: list[tuple[int, int, IntArray]] = []
        """State, type and tasks, in the order of their columns, which are the last ones."""
        self._seen: set[bytes] = set()
        committed = np.where(np.isnan(problem.rates.committed_usd), np.inf, problem.rates.committed_usd)[:, self.covered]
        self.rate: FloatArray = committed.min(axis=0, keepdims=True, initial=np.inf) if len(problem.capacity) else committed
        """(pools, covered meters): infinite where there is none."""
        on_demand, usage = problem.rates.on_demand_usd, problem.type_usage
        is_bare = usage.any(axis=0) & ~problem.is_covered
        self.bare_usd: FloatArray = amounts_usd(usage[:, is_bare], on_demand[is_bare]).sum(axis=1)
        """(types,): of what comes with an instance-hour and no plan covers."""
        own = usage[:, self.covered]
        self.meter_of: IntArray = np.where(own.any(axis=1), own.argmax(axis=1), -1) if own.size else np.full(len(own), -1)
        """(types,): place among the covered meters of the one that bills the type; -1 without one."""
        self.quantity: FloatArray = own.max(axis=1, initial=0.0)
        """(types,): of that meter in an instance-hour."""
        self._open()

    def _open(self) -> None:
        n_services, n_states = self.problem.n_services, self.weight.size
        self.floor_of_service = n_services
        self.floor_of_state = 2 * n_services
        self.tasks_at = self.floor_of_state + n_states
        self.usage_at = self.tasks_at + n_states * len(self.tasks)
        self.plan_at = self.usage_at + n_states * self.covered.size
        n_rows = self.plan_at + n_states * len(self.rate)
        self.solver = warm_solver()
        lower = np.where(np.arange(n_rows) < n_services, 1.0, 0.0)
        none = np.zeros(0, np.int32)
        self.solver.addRows(n_rows, lower, np.full(n_rows, np.inf), 0, np.zeros(n_rows, np.int32), none, np.zeros(0))
        self._add([*self._ways(), self._floor(), *self._money()])

    def _ways(self) -> Iterator[Entry]:
        problem, on_demand = self.problem, self.problem.rates.on_demand_usd
        item_of = dict(zip(self.on.tolist(), self.item.tolist(), strict=True))
        for way, service in enumerate(problem.service.tolist()):
            rows, values = [service], [1.0]
            used = np.flatnonzero(problem.usage[way, self.covered])
            for state, count in enumerate(self.states.counts[way].tolist()):
                if way in item_of:
                    rows.append(self.tasks_at + state * len(self.tasks) + item_of[way])
                    values.append(-count)
                else:
                    rows += (self.usage_at + state * self.covered.size + used).tolist()
                    values += (-count * problem.usage[way, self.covered[used]]).tolist()
            if way in item_of:
                rows.append(self.floor_of_service + service)
                values.append(-1.0)
            bare = ~problem.is_covered & (problem.usage[way] > 0)
            usd = float(amounts_usd(problem.usage[way, bare], on_demand[bare]).sum())
            yield usd * float(self.states.counts[way] @ self.weight), rows, values

    def _floor(self) -> Entry:
        """Whether instances run at all: then the least number of them while every way on instances runs tasks."""
        full = np.flatnonzero(self.states.full)
        rows = [*range(self.floor_of_service, self.floor_of_state), *(self.floor_of_state + full).tolist()]
        least = self.problem.least_instances * self.states.full[full]
        return 0.0, rows, [1.0] * self.problem.n_services + (-least).tolist()

    def _money(self) -> Iterator[Entry]:
        """Usage on demand, usage under a commitment, and the commitment."""
        on_demand, n_states = self.problem.rates.on_demand_usd[self.covered], self.weight.size
        for state, weight in enumerate(self.weight.tolist()):
            for at in range(self.covered.size):
                row = self.usage_at + state * self.covered.size + at
                yield weight * float(on_demand[at]), [row], [1.0]
                for pool in np.flatnonzero(np.isfinite(self.rate[:, at])).tolist():
                    yield 0.0, [row, self.plan_at + pool * n_states + state], [1.0, -float(self.rate[pool, at])]
        for pool in range(len(self.rate)):
            yield 1.0, [self.plan_at + pool * n_states + state for state in range(n_states)], [1.0] * n_states

    def add(self, state: int, types: IntArray, tasks: IntArray) -> int:
        """Patterns of a state, (patterns, items) each on a type; how many are new."""
        entries: list[Entry] = []
        for kind, row in zip(types.tolist(), tasks, strict=True):
            key = state.to_bytes(4, "little") + kind.to_bytes(4, "little") + row.tobytes()
            if key in self._seen:
                continue
            self._seen.add(key)
            self.patterns.append((state, kind, row))
            used = np.flatnonzero(row)
            rows = [*(self.tasks_at + state * len(self.tasks) + used).tolist(), self.floor_of_state + state]
            values = [*row[used].astype(np.float64).tolist(), 1.0]
            if self.meter_of[kind] >= 0:
                rows.append(self.usage_at + state * self.covered.size + int(self.meter_of[kind]))
                values.append(-float(self.quantity[kind]))
            entries.append((float(self.weight[state] * self.bare_usd[kind]), rows, values))
        self._add(entries)
        return len(entries)

    def solve(self) -> Solution:
        """With all patterns there are now."""
        self.solver.run()
        found = self.solver.getSolution()
        dual, columns = np.maximum(np.array(found.row_dual), 0.0), np.array(found.col_value)
        instances = np.zeros((len(self.problem.capacity), self.weight.size))
        first = columns.size - len(self.patterns)
        for amount, (state, kind, _) in zip(columns[first:].tolist(), self.patterns, strict=True):
            instances[kind, state] += max(amount, 0.0)
        return Solution(
            usd=float(self.solver.getInfo().objective_function_value),
            shares=columns[: len(self.problem.service)],
            instances=instances,
            prices=Prices(
                dollar=dual[self.plan_at :].reshape(len(self.rate), self.weight.size),
                values=dual[self.tasks_at : self.usage_at].reshape(self.weight.size, len(self.tasks)),
                floor=np.where(self.states.full > 0, dual[self.floor_of_state : self.tasks_at], 0.0),
            ),
        )

    def _add(self, entries: list[Entry]) -> None:
        if not entries:
            return
        lengths = [len(rows) for _, rows, _ in entries]
        start = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int32)
        index = np.array([row for _, rows, _ in entries for row in rows], dtype=np.int32)
        values = np.array([value for _, _, of in entries for value in of], dtype=np.float64)
        usd, n = np.array([usd for usd, _, _ in entries]), len(entries)
        self.solver.addCols(n, usd, np.zeros(n), np.full(n, np.inf), index.size, start, index, values)
