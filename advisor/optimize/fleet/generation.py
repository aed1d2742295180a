"""Column generation: the linear program over all patterns, and a bound that no fleet can beat."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from advisor.optimize.fleet.master import Columns, Master, MasterSolution, volume_values
from advisor.optimize.fleet.pricing import Pricing, fills
from advisor.optimize.fleet.problem import FleetProblem
from advisor.units import FloatArray, IntArray

SMOOTHING = 0.3
"""Share of the values with the best bound so far in those that patterns are priced at: values jump less."""
COST_TOLERANCE = 1e-7
"""Relative: a pattern is worth adding where its tasks are worth this much more than its instance costs."""
PATTERNS_A_TYPE = 4
"""Of one round of pricing."""
LINES, FILLS_LEAST, FILLS_MOST = 400, 8, 96
"""Fills of a round over all types, and of one type."""
EXACT_GAP = 3e-4
EXACT_NODES = 400
OF_EXCESS = 0.2
"""Share of what a type's bound is above its price within which it is priced exactly, where that is coarser."""


@dataclass(eq=False)
class Generation:
    """State of the column generation of one problem, where it can be stopped and taken up again."""

    problem: FleetProblem
    """Its counts are the most tasks of a service that are ever placed together."""
    demand: FloatArray = field(default_factory=lambda: np.zeros(0))
    """(services,): tasks to cover, broken ones too; the counts of the problem where none is given."""
    elsewhere_usd_per_hour: FloatArray = field(default_factory=lambda: np.zeros(0))
    """(services,): what a task costs where it needs no instance; nowhere without it."""
    columns: Columns = field(init=False)
    master: Master = field(init=False)
    pricing: Pricing = field(init=False)
    solution: MasterSolution = field(init=False)
    bound_usd: float = 0.0
    """Per hour: no fleet costs less."""
    values: FloatArray = field(init=False)
    """(services,): what the bound was found with."""
    scaled_values: tuple[FloatArray, float] = field(init=False)
    """Values of tasks and of a least instance at which no pattern is worth more than it costs; they add up to the bound."""
    proofs: list[tuple[FloatArray, FloatArray]] = field(default_factory=list)
    """Values that raised the bound, each with (types,) what no pattern is worth more than at them; the best ones last."""
    floor_value: float = 0.0
    is_converged: bool = False
    is_stalled: bool = False
    """Greedy pricing finds nothing at the values of the linear program."""
    n_exact: int = 0

    def __post_init__(self) -> None:
        problem = self.problem
        if not self.demand.size:
            self.demand = problem.counts.astype(np.float64)
        if not self.elsewhere_usd_per_hour.size:
            self.elsewhere_usd_per_hour = np.full(len(problem.counts), np.inf)
        usd = np.concatenate([problem.usd_per_hour, self.elsewhere_usd_per_hour])
        self.columns = Columns(usd_per_hour=usd, n_types=len(problem.usd_per_hour), n_services=len(problem.counts))
        self.pricing = Pricing(problem)
        self.values = np.zeros(len(problem.counts))
        self.scaled_values = self.values, 0.0
        self.fits = problem.fits
        alone, usd = self.pricing.alone.astype(np.int64), problem.usd_per_hour
        services = np.arange(len(problem.counts))
        per_task = np.where(alone > 0, usd[:, np.newaxis] / np.maximum(alone, 1), np.inf)
        types = per_task.argmin(axis=0).astype(np.int64)
        self.columns.add(types, np.diag(alone[types, services]).astype(np.int64))
        self.columns.add(np.array([int(usd.argmin())]), np.zeros((1, len(services)), np.int64))  # only there to be counted
        outside = np.flatnonzero(np.isfinite(self.elsewhere_usd_per_hour))
        self.columns.add(self.columns.n_types + outside, np.eye(len(services), dtype=np.int64)[outside])
        self.master = Master(self.columns, self.demand, problem.least)
        self.solution = self.master.solve()
        values = volume_values(problem)
        self._raise_bound(values, 0.0, self.pricing.bound(values))

    @property
    def gap_fraction(self) -> float:
        """Of the linear program over the bound."""
        return self.solution.usd_per_hour / self.bound_usd - 1.0 if self.bound_usd > 0 else float("inf")

    def cover(self, demand: FloatArray) -> None:
        """Go on with other tasks to cover; patterns are kept, and nothing is proven of these yet."""
        self.demand, self.bound_usd, self.is_converged, self.is_stalled = demand, 0.0, False, False
        self.master.require(demand, self.problem.least)
        self.solution = self.master.solve()

    def prove(self) -> None:
        """Raise the bound with the values that the last one was found with."""
        self._raise_bound(self.values, self.floor_value, self.pricing.bound(self.values))

    def round(self) -> None:
        """Price patterns greedily at smoothed values, then, where that finds none, at those of the linear program."""
        for share in (SMOOTHING, 0.0) if self.bound_usd > 0 else (0.0,):
            values = share * self.values + (1 - share) * self.solution.values
            floor_value = share * self.floor_value + (1 - share) * self.solution.floor_value
            limit = self.pricing.bound(values)
            self._raise_bound(values, floor_value, limit)
            # No pattern of a type whose bound is not above its price can be worth adding.
            types = np.flatnonzero(limit + floor_value > self.problem.usd_per_hour * (1 + COST_TOLERANCE))
            n_fills = int(np.clip(LINES // max(types.size, 1), FILLS_LEAST, FILLS_MOST))
            if types.size and self.add_priced(
                *self.pricing.greedy(values, self.problem.counts, fills=fills(n_fills), types=types)
            ):
                self.solution = self.master.solve()
                self.is_stalled = False
                return
        self.is_stalled = True

    def exact_round(self, most: int, is_over: Callable[[], bool]) -> None:
        """Price up to ``most`` types exactly, those first that the bound hangs on, until it is over."""
        values, floor_value, usd = self.solution.values, self.solution.floor_value, self.problem.usd_per_hour
        limit = self.pricing.bound(values)
        ratio = (limit + floor_value) / usd
        n_new = 0
        order = np.argsort(-ratio, kind="stable")
        for n_done, at in enumerate(order.tolist()):
            if ratio[at] <= 1.0 + EXACT_GAP:
                self.is_converged = n_new == 0
                break
            if n_done >= most or is_over():
                break
            bound, pattern = self.pricing.exact(values, at, gap=max(EXACT_GAP, OF_EXCESS * (ratio[at] - 1)), nodes=EXACT_NODES)
            self.n_exact += 1
            limit[at] = min(limit[at], bound)
            n_new += self.add_priced(np.array([at]), pattern[np.newaxis])
        else:
            self.is_converged = n_new == 0
        self._raise_bound(values, floor_value, limit)
        if n_new:
            self.solution = self.master.solve()
            self.is_stalled = False

    def prove_with(self, types: IntArray, tasks: IntArray) -> None:
        """Raise the bound with the values of the linear program, given every pattern there is."""
        worth = np.zeros(len(self.problem.usd_per_hour))
        np.maximum.at(worth, types, tasks @ self.solution.values)
        self._raise_bound(self.solution.values, self.solution.floor_value, worth)

    def add_priced(self, types: IntArray, tasks: IntArray) -> int:
        """Keep the patterns worth more than they cost at the values of the linear program, the best ones of each type."""
        usd = self.problem.usd_per_hour[types]
        excess = (tasks @ self.solution.values + self.solution.floor_value) / usd - 1.0
        worth = np.flatnonzero(excess > COST_TOLERANCE)
        order = worth[np.lexsort((-excess[worth], types[worth]))]
        _, first = np.unique(types[order], return_index=True)
        rank = np.arange(order.size) - np.repeat(first, np.diff(np.append(first, order.size)))
        chosen = order[rank < PATTERNS_A_TYPE]
        return self.columns.add(types[chosen], tasks[chosen])

    def _raise_bound(self, values: FloatArray, floor_value: float, limit: FloatArray) -> None:
        """Farley's bound: values scaled until no pattern is worth more than its instance costs, each by types that hold it."""
        ratio = (limit + floor_value) / self.problem.usd_per_hour
        of_service = np.maximum(
            np.where(self.fits, ratio[:, np.newaxis], 0.0).max(axis=0), values / self.elsewhere_usd_per_hour
        )
        scaled = np.divide(values, of_service, out=np.zeros_like(values), where=of_service > 0)
        scaled_floor = floor_value / float(ratio.max()) if floor_value > 0 else 0.0
        worth = float(scaled @ self.demand) + scaled_floor * self.problem.least
        if worth > self.bound_usd:
            self.bound_usd, self.values, self.floor_value = worth, values, floor_value
            self.scaled_values = scaled, scaled_floor
            self.proofs.append((values, limit))
