"""A bound of whole instances and whole services for all states together."""

from collections.abc import Callable

import numpy as np

from advisor.optimize.fleet.master import Columns, quiet_solver
from advisor.optimize.fleet.parts import parts_of
from advisor.optimize.fleet.whole_numbers import WholeNumbers, pass_model
from advisor.optimize.joint.bound import NOTHING, Proof
from advisor.optimize.joint.program import Prices
from advisor.units import FloatArray, IntArray

SLACK = 1e-6
"""Relative: taken from the bound for the last digits."""
BRANCHES, CLOSE = 20_000, 1e-4
"""Of one program, over the numbers of instances in it, and the gap at which it ends."""


class WholeBound:
    r"""What any ways and any whole numbers of instances in each state have to satisfy, at prices of committed dollars.

    Only for states that each stand for hours of equal tasks: in the mean of others instances are broken ones.

    Notes
    -----
    With :math:`\lambda` as in :class:`Proof` an instance costs at least :math:`c_{kt}` and a way by itself :math:`a_w`. With
    values :math:`\pi_{jk}` of tasks and limits :math:`u_{jkt}` on the patterns of a type, no plan costs less than

    .. math:: \min_{x \in \{0, 1\}^W,\ m_k \in \mathbb{N}^T} \sum_w a_w x_w + \sum_{kt} c_{kt} m_{kt} \quad \text{where} \quad
        \sum_t u_{jkt} m_{kt} \ge \sum_w \pi_{jkw} n_{wk} x_w \text{ for each } j, k

    and each service has one way.
    """

    def __init__(self, proof: Proof, prices: Prices) -> None:
        self.proof, self.problem, self.program = proof, proof.problem, proof.program
        self.instance_usd = proof.instance_usd(prices.dollar)
        self.way_usd = np.where(self.problem.is_on_instances, 0.0, proof.way_usd(prices))
        on = self.problem.is_on_instances
        self.counts: FloatArray = np.where(on[:, np.newaxis], self.program.states.counts, 0.0)
        """(ways, states): of those on instances."""
        self.item = np.zeros(on.size, dtype=np.int64)
        self.item[self.program.on] = self.program.item
        self.numbers = [self._numbers(state) for state in range(self.program.weight.size)]

    def _numbers(self, state: int) -> WholeNumbers | None:
        pricing = self.proof.pricing[state]
        if pricing is None:
            return None
        n_types, n_items = len(self.problem.capacity), len(self.program.tasks)
        columns = Columns(usd_per_hour=np.ones(n_types), n_types=n_types, n_services=n_items)
        own = [(kind, row) for at, kind, row in self.program.patterns if at == state]
        columns.add(np.array([kind for kind, _ in own], dtype=np.int64), np.array([row for _, row in own], dtype=np.int64))
        numbers = WholeNumbers(pricing, columns, self.proof.proofs[state])
        for part in parts_of(pricing.problem):
            for taken in pricing.tasks[part.services].T:
                if taken.any():
                    values = np.zeros(n_items)
                    values[part.services] = taken / taken.max()
                    numbers.add(values, pricing.bound(values))
        for item in np.flatnonzero(pricing.problem.counts):
            numbers.add(np.eye(n_items)[item], pricing.alone[:, item])
        return numbers

    def raised(self, rounds: int, left_s: Callable[[], float]) -> tuple[float, list[IntArray]]:
        """Dollars of the mean hour that no plan costs less than, and ways (services,) that reach it, the last first.

        Parameters
        ----------
        left_s
            Seconds that are left for it; infinite without a limit.
        """

        def is_over() -> bool:
            return left_s() <= 0

        best = 0.0
        found: list[IntArray] = []
        for _ in range(rounds):
            bound, shares, instances = self._least(max(left_s(), 0.0))
            best = max(best, bound)
            own = np.where(self.problem.service == np.arange(self.problem.n_services)[:, np.newaxis], shares, 0.0)
            if not own.any(axis=1).all():  # the branches ran out before there was a solution
                break
            found.insert(0, own.argmax(axis=1))
            is_refuted = False
            for state, numbers in enumerate(self.numbers):
                if numbers is None or is_over():
                    continue
                counts = np.zeros(len(self.program.tasks))
                np.add.at(counts, self.item, self.counts[:, state] * np.isin(np.arange(shares.size), found[0]))
                is_refuted |= numbers.refute(instances[state], counts.astype(np.int64), is_over)
            if not is_refuted or is_over():
                break
        return best * (1 - SLACK), found

    def _least(self, seconds: float) -> tuple[float, FloatArray, IntArray]:
        """A bound, with ways (ways,) and whole instances (states, types) that satisfy all so far."""
        n_ways, (n_states, n_types) = self.way_usd.size, self.instance_usd.shape
        rows = [self._of_services(), *(self._of_state(state) for state in range(n_states))]
        usd = np.concatenate([self.way_usd, [0.0], self.instance_usd.ravel()])
        most = np.where(np.arange(usd.size) <= n_ways, 1.0, np.inf)
        matrix, unit = np.concatenate(rows), float(usd.max())
        lower = np.where(np.arange(len(matrix)) < self.problem.n_services, 1.0, 0.0)
        solver, branches = quiet_solver(), max(1, BRANCHES // (n_states * n_types))
        limits = (("mip_rel_gap", CLOSE), ("mip_abs_gap", 0.0), ("mip_max_nodes", branches), ("time_limit", seconds))
        for option, value in limits:
            solver.setOptionValue(option, value)
        pass_model(solver, usd / unit, matrix, lower, most, np.ones(usd.size))
        solver.run()
        found = np.round(np.array(solver.getSolution().col_value))
        instances = found[n_ways + 1 :].reshape(n_states, n_types).astype(np.int64)
        return float(solver.getInfo().mip_dual_bound) * unit, found[:n_ways], instances

    def _of_services(self) -> FloatArray:
        """A way for each service, then whether any is on instances: at least 1 and 0."""
        is_of = (self.problem.service == np.arange(self.problem.n_services)[:, np.newaxis]).astype(np.float64)
        rows = np.zeros((2 * len(is_of), self.way_usd.size + 1 + self.instance_usd.size))
        rows[: len(is_of), : self.way_usd.size] = is_of
        rows[len(is_of) :, : self.way_usd.size] = -is_of * self.problem.is_on_instances
        rows[len(is_of) :, self.way_usd.size] = 1.0
        return rows

    def _of_state(self, state: int) -> FloatArray:
        """The least instances, and instances that hold what their tasks are worth at any values: at least 0."""
        n_ways, (n_states, n_types) = self.way_usd.size, self.instance_usd.shape
        numbers = self.numbers[state]
        values, limits = ([], []) if numbers is None else (numbers.values, numbers.limits)
        rows = np.zeros((1 + len(values), n_ways + 1 + n_states * n_types))
        of_types = slice(n_ways + 1 + state * n_types, n_ways + 1 + (state + 1) * n_types)
        rows[0, n_ways], rows[0, of_types] = -self.problem.least_instances * self.program.states.full[state], 1.0
        for row, of_item, limit in zip(rows[1:], values, limits, strict=True):
            worth = of_item[self.item] * self.counts[:, state]
            row[:n_ways], row[of_types] = -worth, limit
            row /= max(float(worth.max()), NOTHING)
        return rows
