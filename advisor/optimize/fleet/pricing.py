"""Which tasks are worth most on one instance of each type, given what a task of each service is worth.

All types at once in arrays: patterns from a greedy fill, and a bound that no pattern exceeds. One type at a time exactly.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.random import SFC64, Generator

from advisor.optimize.fleet.master import quiet_solver
from advisor.optimize.fleet.problem import FleetProblem
from advisor.units import FloatArray, IntArray

SEED = 20_260
FILL_STARTS = (1.0, 0.5, 0.0, 0.7, 0.3)
FILL_SPREADS = (0.0, 0.05, 0.1, 0.1, 0.2, 0.3, 0.05)
SURROGATE_STEPS = 12
"""Steps in which the weights of the dimensions are moved towards the tightest bound, each time prices are asked for."""
LEAST_WEIGHT = 1e-6


def fills(n: int) -> tuple[tuple[float, float], ...]:
    """Kinds of greedy fill: the share of the fractional fill that one starts from, and the spread of its disturbance."""
    return tuple((FILL_STARTS[i % len(FILL_STARTS)], FILL_SPREADS[i % len(FILL_SPREADS)]) for i in range(n))


@dataclass(eq=False)
class Pricing:
    """Values of patterns on the types of a problem. Remembers the weights that gave the best bounds."""

    problem: FleetProblem
    rng: Generator = field(default_factory=lambda: Generator(SFC64(SEED)))
    weights: FloatArray = field(init=False)
    """(types, dimensions): what a full dimension counts in the one knapsack that stands in for all; they add up to 1."""

    def __post_init__(self) -> None:
        capacity, tasks = self.problem.capacity.astype(np.float64), self.problem.tasks.astype(np.float64)
        self.capacity, self.tasks = capacity, tasks
        self.share: FloatArray = tasks[np.newaxis] / np.maximum(capacity, 1.0)[:, np.newaxis]
        """(types, services, dimensions): of an instance that one task takes."""
        with np.errstate(divide="ignore"):
            alone = np.where(tasks > 0, capacity[:, np.newaxis] // np.maximum(tasks, 1.0), np.inf).min(axis=2)
        self.alone: FloatArray = np.minimum(alone, self.problem.counts)
        """(types, services): tasks of one service that fit on an instance by themselves, no more than there are."""
        self.weights = np.full(capacity.shape, 1.0 / capacity.shape[1])
        self.blend = np.zeros_like(self.alone)

    def bound(self, values: FloatArray, steps: int = SURROGATE_STEPS) -> FloatArray:
        """(types,): value that no pattern on one instance exceeds.

        The fractional knapsack of a weighted sum of all dimensions; valid for any weights, which take a few steps towards the
        dimensions that the fractional fill overruns.
        """
        best = np.full(len(self.capacity), np.inf)
        weights, kept = self.weights, self.weights.copy()
        blend, total = np.zeros_like(self.alone), 0.0
        most = np.where(values > 0, self.alone, 0.0)
        for step in range(steps):
            value, amounts = self._fractional(values, most, weights)
            use = np.matmul(amounts[:, np.newaxis, :], self.share)[:, 0]
            blend += (1.0 + step) * amounts
            total += 1.0 + step
            better = value < best
            best = np.where(better, value, best)
            kept[better] = weights[better]
            pull = np.clip(use - 1.0, -1.0, 1.0) / (1.0 + step)
            weights = np.maximum(weights * np.exp(2.0 * pull), LEAST_WEIGHT)
            weights = weights / weights.sum(axis=1, keepdims=True)
        self.weights = kept
        blend /= total
        use = np.matmul(blend[:, np.newaxis, :], self.share)[:, 0].max(axis=1)
        self.blend = blend / np.maximum(use, 1.0)[:, np.newaxis]
        return best

    def _fractional(self, values: FloatArray, most: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Best value with broken tasks under one weighted dimension, (types,), and the tasks, (types, services)."""
        weight = np.matmul(self.share, weights[:, :, np.newaxis])[..., 0]
        order = np.argsort(-values / weight, axis=1, kind="stable")
        sorted_weight = np.take_along_axis(weight, order, axis=1)
        sorted_most = np.take_along_axis(most, order, axis=1)
        filled = sorted_weight * sorted_most
        before = np.cumsum(filled, axis=1) - filled
        taken = np.clip((1.0 - before) / sorted_weight, 0.0, sorted_most)
        amounts = np.zeros_like(weight)
        np.put_along_axis(amounts, order, taken, axis=1)
        return amounts @ values, amounts

    def greedy(
        self,
        values: FloatArray,
        most: FloatArray | IntArray,
        *,
        fills: tuple[tuple[float, float], ...],
        types: IntArray | None = None,
    ) -> tuple[IntArray, IntArray]:
        """Patterns from filling every type with the tasks of the most value for their weight, once for each disturbance.

        Parameters
        ----------
        values : (services,)
        most : (services,) or (fills, services)
            Tasks that may be placed.

        Returns
        -------
        (patterns,) types and (patterns, services) tasks.
        """
        rows = np.arange(len(self.capacity)) if types is None else types
        limits = np.atleast_2d(np.asarray(most, dtype=np.float64))
        active = np.flatnonzero((values > 0) & (limits > 0).any(axis=0))
        n_types, n_kinds, n_dimensions = rows.size, len(fills), self.capacity.shape[1]
        patterns = np.zeros((n_kinds * n_types, len(values)), dtype=np.int64)
        kinds = np.tile(rows, n_kinds)
        if not active.size:
            return kinds, patterns
        share = self.share[np.ix_(rows, active)]
        limit = np.minimum(self.alone[np.ix_(rows, active)], limits[:, np.newaxis, active])
        start, spread = np.array(fills).T
        weights = np.broadcast_to(self.weights[rows], (n_kinds, n_types, n_dimensions))
        if n_kinds > 2:
            mixed = weights * np.exp(spread[:, np.newaxis, np.newaxis] * 2 * self.rng.standard_normal(weights.shape))
            weights = mixed / mixed.sum(axis=2, keepdims=True)
        weight = np.einsum("tsd,ktd->kts", share, weights)
        disturbed = values[active] * np.exp(spread[:, np.newaxis] * self.rng.standard_normal((n_kinds, active.size)))
        density = disturbed[:, np.newaxis, :] / weight
        order = np.argsort(-density, axis=2, kind="stable").reshape(n_kinds * n_types, active.size)
        ceiling = np.broadcast_to(limit, (n_kinds, n_types, active.size)).reshape(n_kinds * n_types, active.size)
        base = np.floor(np.minimum(start[:, np.newaxis, np.newaxis] * self.blend[np.ix_(rows, active)] + 1e-9, limit))
        found: FloatArray = base.reshape(n_kinds * n_types, active.size)
        needs = self.tasks[active]
        # A dimension that a task does not need never binds, even where there is none of it; all amounts are whole numbers.
        divisor = np.maximum(needs, 1e-9)
        lines = np.arange(n_kinds * n_types)
        free = np.tile(self.capacity[rows] + 0.5, (n_kinds, 1)) - found @ needs
        for place in range(active.size):
            service = order[:, place]
            fit = np.minimum(np.floor((free / divisor[service]).min(axis=1)), ceiling[lines, service] - found[lines, service])
            found[lines, service] += fit
            free -= fit[:, np.newaxis] * needs[service]
        patterns[:, active] = found.astype(np.int64)
        return kinds, patterns

    def exact(self, values: FloatArray, at: int, *, gap: float, nodes: int) -> tuple[float, IntArray]:
        """A bound on the value of every pattern of a type, and a best pattern, within ``gap`` or after ``nodes`` branches."""
        active = np.flatnonzero((values > 0) & (self.alone[at] > 0))
        pattern = np.zeros(len(values), dtype=np.int64)
        if not active.size:
            return 0.0, pattern
        solver = quiet_solver()
        solver.setOptionValue("mip_rel_gap", gap)
        solver.setOptionValue("mip_max_nodes", nodes)
        n, dims = active.size, self.capacity.shape[1]
        scale = float(values[active].max())
        needs = self.tasks[active]
        nonzero = needs > 0
        start = np.concatenate([[0], np.cumsum(nonzero.sum(axis=1))]).astype(np.int32)
        index = np.nonzero(nonzero)[1].astype(np.int32)
        solver.passModel(
            n, dims, int(nonzero.sum()), 1, -1, 0.0,
            values[active] / scale, np.zeros(n), self.alone[at, active], np.full(dims, -np.inf), self.capacity[at],
            start, index, needs[nonzero], np.ones(n, dtype=np.int32),
        )  # fmt: skip
        solver.run()
        pattern[active] = np.round(np.array(solver.getSolution().col_value)).astype(np.int64)
        if (pattern @ self.problem.tasks > self.problem.capacity[at]).any() or (pattern < 0).any():
            pattern[:] = 0  # nothing found before the branches ran out
        return float(solver.getInfo().mip_dual_bound) * scale, pattern
