"""What any prices prove: a bound that no plan beats, and the patterns that are still worth more than they cost."""

from dataclasses import replace

import numpy as np

from advisor.billing import amounts_usd
from advisor.optimize.fleet.generation import OF_EXCESS
from advisor.optimize.fleet.pricing import LEAST_WEIGHT, Pricing, fills
from advisor.optimize.fleet.problem import FleetProblem
from advisor.optimize.joint.problem import JointProblem
from advisor.optimize.joint.program import Prices, Program, Solution
from advisor.units import BoolArray, FloatArray, IntArray

SLACK = 1e-7
"""Relative: taken from every bound for the last digits."""
LINES, FILLS_LEAST, FILLS_MOST = 400, 4, 48
"""Fills of one state over all types, and of one type, in one round."""
PATTERNS_A_STATE, PATTERNS_A_TYPE = 60, 4
"""Added in one round, at most."""
WORTH_IT = 1e-6
EXACT_GAP, EXACT_NODES = 1e-3, 200
IDLE = 0.01
"""Share of its service below which a way is not one that runs."""
NOTHING = 1e-12


class Proof:
    r"""Bounds for one problem.

    Notes
    -----
    With :math:`\lambda_{jk} \ge 0` of each pool :math:`j` of plans that add up to 1 over states :math:`k` of weight
    :math:`w_k`, a unit of meter :math:`m` costs at least :math:`c_{km} = \min(w_k p_m, \min_j \lambda_{jk} r_{jm})` whatever is
    committed. With values :math:`\pi_k` at which no pattern outweighs its instance at these prices, a way on instances costs at
    least :math:`\sum_k n_k \pi_k`, any other its usage at :math:`c`; and a service the least of its ways.
    """

    def __init__(self, problem: JointProblem, program: Program) -> None:
        self.problem, self.program = problem, program
        on, weight = program.on, program.weight
        on_demand = np.nan_to_num(problem.rates.on_demand_usd)
        self.on_demand: FloatArray = weight[:, np.newaxis] * on_demand[program.covered]
        states = program.states
        self.of_way: FloatArray = states.counts[on].T
        """(states, ways on instances)"""
        self.counts: FloatArray = self._by_item(states.most[on])
        """(states, items): most tasks if all ways ran."""
        self.basket: FloatArray = weight @ self._by_item(states.counts[on])
        self.alone = np.flatnonzero(~problem.is_on_instances)
        bare = amounts_usd(problem.usage[self.alone], on_demand)[:, ~problem.is_covered].sum(axis=1)
        self.bare_of_alone: FloatArray = bare * (states.counts[self.alone] @ weight)
        self.full_usd = self.instance_usd(np.full((len(program.rate), weight.size), np.inf))
        """(states, types): an instance-hour on demand."""
        self.proofs: list[list[tuple[FloatArray, FloatArray]]] = [[] for _ in weight]
        """Of each state: values (items,) with (types,) what no pattern is worth more than at them; in the order they came."""
        self.fits: BoolArray = np.all(program.tasks <= problem.capacity[:, np.newaxis], axis=2)
        """(types, items)"""
        self.pricing = [self._pricing(counts) if counts.any() else None for counts in self.counts]

    def _by_item(self, of_way: FloatArray) -> FloatArray:
        """(states, items) of (ways on instances, states)."""
        by_item = np.zeros((of_way.shape[1], len(self.program.tasks)))
        np.add.at(by_item.T, self.program.item, of_way)
        return by_item

    def _pricing(self, counts: FloatArray) -> Pricing:
        """Pricing that begins with no weight on dimensions that all tasks together cannot fill, such as the architecture."""
        capacity = self.problem.capacity
        pricing = Pricing(
            FleetProblem(
                tasks=self.program.tasks,
                counts=counts.astype(np.int64),
                capacity=capacity,
                usd_per_hour=np.ones(len(capacity)),
            )
        )
        may_bind = (pricing.alone[..., np.newaxis] * pricing.share).sum(axis=1) > 1.0
        weights = np.where(may_bind, 1.0, LEAST_WEIGHT)
        pricing.weights = weights / weights.sum(axis=1, keepdims=True)
        return pricing

    def settled(self, solution: Solution) -> Prices:
        """Prices of a linear program where it leaves them open, as those are that it does not.

        The values of items that no service runs have to be worth only what each service costs now, in any state; they are
        spread over the states as the values of what does run. So is what a committed dollar saves where none is committed.
        """
        prices, on, item, service = solution.prices, self.program.on, self.program.item, self.problem.service
        share = np.zeros(len(self.program.tasks))
        np.maximum.at(share, item, solution.shares[on])
        is_idle = share < IDLE
        level = prices.values @ np.where(is_idle, 0.0, self.basket) + NOTHING * self.program.weight
        total = prices.dollar.sum(axis=1, keepdims=True)
        rest = np.maximum(1.0 - total, 0.0) * level / level.sum()
        prices = replace(prices, dollar=prices.dollar / np.maximum(total, 1.0) + rest)
        least = self._least(self.way_usd(prices))
        worth = level @ self.of_way
        spread = np.zeros(share.size)
        np.maximum.at(spread, item, np.divide(least[service[on]], worth, out=np.zeros(on.size), where=worth > 0))
        return replace(prices, values=np.where(is_idle, level[:, np.newaxis] * spread, prices.values))

    def unit_usd(self, dollar: FloatArray) -> FloatArray:
        """(states, covered meters): least that a unit costs."""
        usd = self.on_demand
        for of_pool, rate in zip(dollar, self.program.rate, strict=True):
            known = np.isfinite(rate)
            under = np.where(known, of_pool[:, np.newaxis] * np.where(known, rate, 1.0), np.inf)
            usd = np.minimum(usd, under)
        return usd

    def instance_usd(self, dollar: FloatArray) -> FloatArray:
        """(states, types): least that an instance-hour costs."""
        bare = self.program.weight[:, np.newaxis] * self.program.bare_usd
        if not self.program.covered.size:
            return np.asarray(bare)
        unit = self.unit_usd(dollar)[:, self.program.meter_of]
        return np.asarray(bare + np.where(self.program.meter_of >= 0, amounts_usd(self.program.quantity, unit), 0.0))

    def way_usd(self, prices: Prices) -> FloatArray:
        """(ways,): least that each way costs at these prices, in the mean hour."""
        usd = np.zeros(len(self.problem.service))
        usd[self.program.on] = (self.of_way * prices.values[:, self.program.item]).sum(axis=0)
        usage = self.problem.usage[np.ix_(self.alone, self.program.covered)]
        unit = self.program.states.counts[self.alone] @ self.unit_usd(prices.dollar)
        usd[self.alone] = self.bare_of_alone + amounts_usd(usage, unit).sum(axis=1)
        return usd

    def bound(self, prices: Prices, exact_types: int = 0) -> tuple[float, Prices]:
        """What prices prove, in dollars of the mean hour, and the values scaled so that they do.

        Parameters
        ----------
        exact_types
            Types to price exactly in each state, those that the bound hangs on. Their patterns are kept.
        """
        limits = np.zeros((self.program.weight.size, len(self.problem.capacity)))
        usd = self.instance_usd(prices.dollar)
        for state, pricing in enumerate(self.pricing):
            if pricing is not None and prices.values[state].any():
                limits[state] = pricing.bound(prices.values[state])
                self._tighten(state, pricing, prices, limits[state], usd[state], exact_types)
        for known, values, limit in zip(self.proofs, prices.values, limits, strict=True):
            known.append((values, limit))
        worth = limits + prices.floor[:, np.newaxis]
        ratio = np.divide(worth, usd, out=np.where(worth > 0, np.inf, 0.0), where=usd > 0)
        of_item = np.where(self.fits, ratio[:, :, np.newaxis], 0.0).max(axis=1, initial=0.0)
        scaled = replace(
            prices, values=prices.values * _inverse(of_item), floor=prices.floor * _inverse(ratio.max(axis=1, initial=0.0))
        )
        return self._worth(scaled) * (1 - SLACK), scaled

    def _tighten(self, state: int, pricing: Pricing, prices: Prices, limits: FloatArray, usd: FloatArray, most: int) -> None:
        ratio = (limits + prices.floor[state]) / np.maximum(usd, NOTHING)
        reached = 0.0
        for _ in range(most):
            at = int(ratio.argmax())
            if ratio[at] <= max(1 + EXACT_GAP, reached):
                break
            gap = max(EXACT_GAP, OF_EXCESS * (ratio[at] - 1))
            limit, pattern = pricing.exact(prices.values[state], at, gap=gap, nodes=EXACT_NODES)
            limits[at] = min(limits[at], limit)
            reached = max(reached, (limits[at] + prices.floor[state]) / max(usd[at], NOTHING))
            ratio[at] = -np.inf
            self.program.add(state, *self._best(state, np.array([at]), pattern[np.newaxis], prices, usd))

    def _worth(self, prices: Prices) -> float:
        """Of feasible prices: the least ways, with the least instances where some run."""
        usd = self.way_usd(prices)
        apart = np.where(self.problem.is_on_instances, np.inf, usd)
        floor = self.problem.least_instances * float(prices.floor @ self.program.states.full)
        return min(float(self._least(apart).sum()), float(self._least(usd).sum()) + floor)

    def _least(self, usd_of_way: FloatArray) -> FloatArray:
        """(services,): of its ways."""
        least = np.full(self.problem.n_services, np.inf)
        np.minimum.at(least, self.problem.service, usd_of_way)
        return least

    def add_patterns(self, prices: Prices, of_program: Prices) -> int:
        """Patterns filled greedily at some prices, where they are worth more than they cost at those of the linear program.

        What is found for one state is offered to all.
        """
        guide, usd = self.instance_usd(prices.dollar), self.instance_usd(of_program.dollar)
        found: list[tuple[IntArray, IntArray]] = []
        for state, pricing in enumerate(self.pricing):
            if pricing is None:
                continue
            worth = pricing.bound(prices.values[state], steps=1) + prices.floor[state]
            types = np.flatnonzero(worth > guide[state] * (1 + WORTH_IT))
            if types.size:
                n = int(np.clip(LINES // types.size, FILLS_LEAST, FILLS_MOST))
                kinds, tasks = pricing.greedy(prices.values[state], self.counts[state], fills=fills(n), types=types)
                found.append(self._best(state, kinds, tasks, of_program, usd[state]))
        n_new = 0
        for types, tasks in found:
            for state in range(len(self.pricing)):
                clipped = np.minimum(tasks, self.counts[state].astype(np.int64))
                n_new += self.program.add(state, *self._best(state, types, clipped, of_program, usd[state]))
        return n_new

    def _best(self, state: int, types: IntArray, tasks: IntArray, prices: Prices, usd: FloatArray) -> tuple[IntArray, IntArray]:
        """The patterns that are worth more than they cost, those first that save most of an instance on demand."""
        worth = tasks @ prices.values[state] + prices.floor[state]
        excess = (worth - usd[types]) / self.full_usd[state, types]
        good = np.flatnonzero(excess > WORTH_IT)
        order = good[np.lexsort((-excess[good], types[good]))]
        _, first = np.unique(types[order], return_index=True)
        rank = np.arange(order.size) - np.repeat(first, np.diff(np.append(first, order.size)))
        best = order[rank < PATTERNS_A_TYPE]
        best = best[np.argsort(-excess[best], kind="stable")][:PATTERNS_A_STATE]
        return types[best], tasks[best]


def _inverse(ratio: FloatArray) -> FloatArray:
    return np.divide(1.0, ratio, out=np.ones_like(ratio), where=ratio > 0)
