"""A bound of whole numbers of instances: on each the patterns may be broken, but an instance is bought or it is not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from advisor.optimize.fleet.master import Columns, quiet_solver
from advisor.optimize.fleet.pricing import Pricing, fills
from advisor.units import FloatArray, IntArray

SLACK = 1e-6
"""Relative: what the last digits of a limit may be off."""
PROOFS = 8
"""Of the linear program, to begin with."""
BRANCHES, CLOSE = 2_000, 1e-5
"""Of one program over numbers of instances, and the gap at which it ends."""
PATTERN_ROUNDS, FILLS = 40, 24
"""Rounds of patterns for one set of instances, at most, and fills of a type in each."""
EXACT_GAP, EXACT_NODES = 3e-4, 200
WORTH_IT = 1e-7


@dataclass(eq=False)
class WholeNumbers:
    r"""What any numbers of instances that hold some tasks have to satisfy.

    Notes
    -----
    With values :math:`\pi_{js} \ge 0` of tasks and :math:`u_{jt}` at least the value of every pattern on type :math:`t`,
    instances that hold :math:`d_s` tasks of each service hold their value, whatever the values are. So no fleet costs less than

    .. math:: \min_{m \in \mathbb{N}^T} \sum_t c_t m_t \quad \text{where} \quad
        \sum_t u_{jt} m_t \ge \sum_s \pi_{js} d_s \text{ for each } j

    The :math:`\pi_j` are found as in Benders' decomposition: those of the linear program to begin with, then such as show that
    the cheapest numbers so far cannot hold the tasks even in broken patterns.
    """

    pricing: Pricing
    """Its problem has at least the tasks that are ever asked for; prices of its types are not used."""
    columns: Columns
    """Patterns to begin with; more are added."""
    proofs: Sequence[tuple[FloatArray, FloatArray]]
    """Values (services,) and limits (types,) to begin with, the best ones last."""
    values: list[FloatArray] = field(default_factory=list)
    limits: list[FloatArray] = field(default_factory=list)

    def __post_init__(self) -> None:
        for values, limits in self.proofs[-PROOFS:]:
            self.add(values, limits)
        for taken in self.pricing.tasks.T[self.pricing.tasks.any(axis=0)]:
            self.add(taken / taken.max(), self.pricing.bound(taken / taken.max()))

    def add(self, values: FloatArray, limits: FloatArray) -> None:
        """Values (services,) of tasks, at which no pattern on a type is worth more than its limit (types,)."""
        self.values.append(values)
        self.limits.append(limits * (1 + SLACK))

    def least(self, usd_per_hour: FloatArray, counts: IntArray, least_instances: int) -> tuple[float, IntArray]:
        """A bound on the cost of all fleets for these tasks, and the numbers (types,) that cost least."""
        need = np.append(np.array(self.values) @ counts, least_instances)
        matrix = np.vstack([self.limits, np.ones(len(usd_per_hour))])
        scale, unit = np.where(need > 0, 1 / np.maximum(need, 1e-300), 1.0), float(usd_per_hour.max())
        solver = quiet_solver()
        for option, value in (("mip_rel_gap", CLOSE), ("mip_abs_gap", 0.0), ("mip_max_nodes", BRANCHES)):
            solver.setOptionValue(option, value)
        n = len(usd_per_hour)
        pass_model(solver, usd_per_hour / unit, matrix * scale[:, np.newaxis], need * scale, np.full(n, np.inf), np.ones(n))
        solver.run()
        found = np.array(solver.getSolution().col_value)
        return float(solver.getInfo().mip_dual_bound) * unit, np.round(found).astype(np.int64)

    def refute(self, instances: IntArray, counts: IntArray, is_over: Callable[[], bool]) -> bool:
        """Look for values at which these instances (types,) do not hold the tasks; whether there were such."""
        used = np.flatnonzero(instances)
        for _ in range(PATTERN_ROUNDS):
            held, values, of_type = self._held(instances, used, counts)
            if held >= 1 - WORTH_IT or is_over():
                return False
            limits = self.pricing.bound(values)
            kinds, tasks = self.pricing.greedy(values, counts, fills=fills(FILLS), types=used)
            worth = np.zeros(len(instances))
            worth[used] = of_type
            good = np.flatnonzero(tasks @ values > worth[kinds] + WORTH_IT)
            n_new = self.columns.add(kinds[good], tasks[good])
            wide = [] if n_new else used[np.argsort(-(limits[used] - of_type) * instances[used], kind="stable")].tolist()
            for at in (None, *wide):
                if at is not None:
                    limit, pattern = self.pricing.exact(values, at, gap=max(EXACT_GAP, (1 - held) / 2), nodes=EXACT_NODES)
                    limits[at] = min(limits[at], limit)
                    n_new += self.columns.add(np.array([at]), pattern[np.newaxis])
                if limits @ instances < (1 - 10 * SLACK) * float(values @ counts):
                    self.add(values, limits)
                    return True
            if not n_new:
                return False
        return False

    def _held(self, instances: IntArray, used: IntArray, counts: IntArray) -> tuple[float, FloatArray, FloatArray]:
        """Share of all tasks that broken patterns on instances hold, with values of tasks and of an instance of each type."""
        at = np.flatnonzero(np.isin(self.columns.types, used))
        tasks, kinds, n_services = self.columns.tasks[at], self.columns.types[at], len(counts)
        matrix = np.zeros((n_services + used.size, at.size + 1))
        matrix[:n_services, :-1], matrix[:n_services, -1] = tasks.T, -counts
        matrix[n_services:, :-1] = -(kinds == used[:, np.newaxis]).astype(np.float64)
        lower = np.concatenate([np.zeros(n_services), -instances[used].astype(np.float64)])
        share, most = np.zeros(at.size + 1), np.full(at.size + 1, np.inf)
        share[-1], most[-1] = -1.0, 1.0
        solver = quiet_solver()
        pass_model(solver, share, matrix, lower, most, np.zeros(at.size + 1))
        solver.run()
        found = solver.getSolution()
        dual = np.maximum(np.array(found.row_dual), 0.0)
        return float(found.col_value[-1]), dual[:n_services], dual[n_services:]


def pass_model(
    solver: Any, usd: FloatArray, matrix: FloatArray, lower: FloatArray, most: FloatArray, is_whole: FloatArray
) -> None:
    """A program that minimizes, with rows of at least ``lower`` and columns of at most ``most``."""
    nonzero = matrix.T != 0
    start = np.concatenate([[0], np.cumsum(nonzero.sum(axis=1))]).astype(np.int32)
    solver.passModel(
        len(usd), len(lower), int(start[-1]), 1, 1, 0.0, usd, np.zeros(len(usd)), most, lower, np.full(len(lower), np.inf),
        start, np.nonzero(nonzero)[1].astype(np.int32), matrix.T[nonzero], is_whole.astype(np.int32),
    )  # fmt: skip
