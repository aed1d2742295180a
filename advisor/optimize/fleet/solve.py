"""The cheapest mixed fleet for the tasks of one moment, with a bound that proves how close to the cheapest it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.random import SFC64, Generator

from advisor.optimize.fleet.dominance import reduced
from advisor.optimize.fleet.generation import Generation
from advisor.optimize.fleet.heuristics import classic_packings
from advisor.optimize.fleet.improve import ruin_and_recreate
from advisor.optimize.fleet.parts import Part, parts_of, whole
from advisor.optimize.fleet.patterns import all_patterns, whole_program
from advisor.optimize.fleet.problem import Fleet, FleetProblem, fleet_of
from advisor.optimize.fleet.rounding import dive, downsized
from advisor.optimize.fleet.whole_numbers import WholeNumbers
from advisor.units import FloatArray, IntArray

SEED = 9_400
ROUNDING = 1e-6
"""Relative: what the last digits of the linear program may be off. It is taken from every bound."""
ROUNDS_BETWEEN = 40
"""Rounds of greedy pricing after exact ones, at most, before the next dive."""
RESTS = 4
"""Rounds of ruin and recreate without a saving after which it ends."""
FEW_INSTANCES = 40
"""Up to these, whole numbers of instances are looked at for the bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """When a search ends. Counts and gaps give the same result on every machine; a time limit does not."""

    gap_fraction: float = 0.001
    """A fleet this close to its bound is good enough."""
    rounds: int = 120
    """Rounds of greedy pricing."""
    improvements: int = 30
    """Rounds of ruin and recreate after each dive."""
    dives: int = 2
    """Each but the first after types were priced exactly."""
    exact_types: int = 4
    """Types priced exactly between two dives."""
    counts: int = 8
    """Sets of whole numbers of instances that are refuted after each dive."""
    patterns: int = 4_000
    """Problems with no more patterns than this are solved in full."""
    nodes: int = 2_000
    """Branches of such a solution."""
    seconds: float | None = None
    """A cap on top, by ``clock``."""
    clock: Callable[[], float] | None = None
    """Seconds from any start; needed for a cap."""

    def end(self) -> float | None:
        """When a search that begins now has to end, by the clock."""
        return None if self.seconds is None or self.clock is None else self.clock() + self.seconds

    def until(self, end: float | None, n_searches: int) -> "Effort":
        """For the first of some searches that have what is left of the time between them."""
        if end is None or self.clock is None:
            return self
        return replace(self, seconds=max(end - self.clock(), 0.0) / n_searches)


QUICK = Effort(gap_fraction=0.01, rounds=40, improvements=8, dives=1, counts=0, patterns=1_000, nodes=200)
"""For many fleets of which none is the last word."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SolvedFleet:
    """The cheapest fleet that was found, and what no fleet can beat."""

    fleet: Fleet
    usd_per_hour: float
    lower_bound_usd_per_hour: float
    """Proven: no fleet of these types that holds the tasks costs less."""
    task_values_usd_per_hour: FloatArray
    """(services,): prices of a task that the linear program's bound was proven with: over all tasks they add up to it."""
    floor_value_usd_per_hour: float
    """What each of the least instances adds to the bound."""
    dominated: Mapping[str, str] = field(default_factory=dict)
    """Types that were left out, each with one that is never worse for these tasks."""
    n_rounds: int = 0

    @property
    def gap_fraction(self) -> float:
        """How far above the cheapest possible the fleet may be; 0 where it is proven to be the cheapest."""
        if not self.usd_per_hour:
            return 0.0
        return max(0.0, self.usd_per_hour / self.lower_bound_usd_per_hour - 1.0)


def cheapest_fleet(problem: FleetProblem, effort: Effort | None = None) -> SolvedFleet:
    r"""Instances of any mix of types that hold all tasks at least cost.

    Column generation over patterns (the tasks on one instance of a type) gives the bound; diving makes whole instances of it;
    ruin and recreate takes out what is wasted. Small problems are solved in full. Nothing is printed and no clock is read
    unless ``effort`` brings one; the same problem gives the same fleet.

    Notes
    -----
    With values :math:`\pi_s \ge 0` of tasks, :math:`\mu \ge 0` of the least number :math:`z` of instances and
    :math:`u_t` at least the value of every pattern on type :math:`t`, no fleet costs less than

    .. math:: \frac{\sum_s d_s \pi_s + z \mu}{\max_t (u_t + \mu) / c_t}

    References
    ----------
    Farley, "A note on bounding a class of linear programming problems, including cutting stock problems", Operations
    Research 38 (1990): the bound. Gilmore and Gomory (1961): column generation.

    Examples
    --------
    >>> import advisor
    >>> import numpy as np
    >>> problem = advisor.FleetProblem(
    ...     tasks=np.array([[512, 1024], [1024, 4096]]),
    ...     counts=np.array([6, 3]),
    ...     capacity=np.array([[2048, 7626], [4096, 15502]]),
    ...     usd_per_hour=np.array([0.085, 0.17]),
    ... )
    >>> solved = advisor.cheapest_fleet(problem)
    >>> round(solved.usd_per_hour, 3)
    0.255
    """
    effort = effort or Effort()
    small = reduced(problem)
    names = problem.names
    dominated = {names[worse]: names[better] for worse, better in small.dominated.items()}
    if not problem.counts.any():
        return SolvedFleet(
            fleet=fleet_of([], [], len(problem.counts)),
            usd_per_hour=0.0,
            lower_bound_usd_per_hour=0.0,
            task_values_usd_per_hour=np.zeros(len(problem.counts)),
            floor_value_usd_per_hour=0.0,
            dominated=dominated,
        )
    end = effort.end()
    found = _found(small.problem, parts_of(small.problem), effort, end)
    if found.types.size < problem.least:  # the zones bind the parts
        found = _found(small.problem, [whole(small.problem)], effort, end)
    fleet = small.restored(fleet_of(found.types, found.tasks, len(small.problem.counts)), problem)
    by_service = np.where(small.item_of_service >= 0, found.values[np.maximum(small.item_of_service, 0)], 0.0)
    return SolvedFleet(
        fleet=fleet,
        usd_per_hour=fleet.usd_per_hour(problem),
        lower_bound_usd_per_hour=min(found.bound_usd, fleet.usd_per_hour(problem)),
        task_values_usd_per_hour=by_service,
        floor_value_usd_per_hour=found.floor_value,
        dominated=dominated,
        n_rounds=found.n_rounds,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """Single instances, and what was proven beside them, of all parts of a problem together."""

    types: IntArray
    tasks: IntArray
    bound_usd: float
    values: FloatArray
    floor_value: float
    n_rounds: int


def _found(problem: FleetProblem, parts: Sequence[Part], effort: Effort, end: float | None) -> _Found:
    """Small parts first, each in an equal share of the time that is left."""
    types, tasks = [], []
    values, floor_value, bound_usd, n_rounds = np.zeros(len(problem.counts)), 0.0, 0.0, 0
    for n_done, part in enumerate(sorted(parts, key=lambda part: part.services.size)):
        stated = part.problem if len(parts) == 1 else replace(part.problem, least_instances=0)
        run = _Run(stated, effort.until(end, len(parts) - n_done))
        run.solve()
        types.append(part.types[run.types])
        tasks.append(np.zeros((run.types.size, len(problem.counts)), dtype=np.int64))
        tasks[-1][:, part.services] = run.tasks
        values[part.services], floor_value = run.proof()
        bound_usd += run.bound_usd
        n_rounds += run.n_rounds
    return _Found(
        types=np.concatenate(types),
        tasks=np.concatenate(tasks),
        bound_usd=bound_usd,
        values=values,
        floor_value=floor_value,
        n_rounds=n_rounds,
    )


class _Run:
    """One search: the best fleet so far and the best bound."""

    def __init__(self, problem: FleetProblem, effort: Effort) -> None:
        self.problem, self.effort = problem, effort
        self.generation = Generation(problem)
        self.rng = Generator(SFC64(SEED))
        self.usd = np.inf
        self.types, self.tasks = np.zeros(0, np.int64), np.zeros((0, len(problem.counts)), np.int64)
        self.whole_bound_usd = 0.0
        self.numbers: WholeNumbers | None = None
        self.n_rounds = 0
        self.end = effort.end()

    @property
    def bound_usd(self) -> float:
        bound = max(self.generation.bound_usd * (1 - ROUNDING), self.whole_bound_usd * (1 - ROUNDING))
        usd = self.problem.usd_per_hour
        if (usd == usd[0]).all():  # instances of one price are counted in whole ones
            return float(np.ceil(bound / usd[0] - 1e-6) * usd[0])
        return bound

    @property
    def is_close(self) -> bool:
        return self.usd <= self.bound_usd * (1 + self.effort.gap_fraction)

    @property
    def is_few(self) -> bool:
        """Whether whole numbers of instances may prove more than broken ones."""
        usd = self.problem.usd_per_hour
        return bool(self.generation.solution.instances.sum() <= FEW_INSTANCES and (usd != usd[0]).any())

    def proof(self) -> tuple[FloatArray, float]:
        """Values of tasks and of a least instance under which the bound of the linear program holds."""
        return self.generation.scaled_values

    def solve(self) -> None:
        self._keep_classic()
        self._generate(self.effort.rounds, share=0.5)
        if not self.is_close:
            self._in_full()
        for turn in range(self.effort.dives):
            if self.is_close or (turn and self._is_over()):
                break
            if turn and not self.generation.is_converged:
                self.generation.exact_round(self.effort.exact_types, self._is_over)
                self._generate(ROUNDS_BETWEEN, share=1.0)
            if turn and self._is_over():
                break
            self._keep(*dive(self.generation))
            self._improve(share=0.8 if self.is_few and not turn else 1.0)
            if self.is_few:
                self._count()

    def _keep_classic(self) -> None:
        """Where all types but one are left out, the classic heuristics are hard to beat."""
        if len(self.problem.names) == 1:
            for _, placed in classic_packings(self.problem, 0):
                types = np.zeros(len(placed), dtype=np.int64)
                self._keep(types, placed)
                self.generation.columns.add(types, placed)
            self.generation.solution = self.generation.master.solve()

    def _generate(self, rounds: int, *, share: float) -> None:
        for _ in range(rounds):
            if self.generation.gap_fraction <= self.effort.gap_fraction / 2 or self.is_close or self._is_over(share):
                break
            self.generation.round()
            self.n_rounds += 1
            if self.generation.is_stalled:
                break

    def _in_full(self) -> None:
        patterns = all_patterns(self.problem, self.effort.patterns)
        if patterns is None:
            return
        found = whole_program(self.problem, *patterns, gap=self.effort.gap_fraction / 2, nodes=self.effort.nodes)
        if found is not None:
            self.whole_bound_usd = found[0]
            self._keep(*found[1:])

    def _improve(self, *, share: float) -> None:
        rests = 0
        types, tasks = self.types, self.tasks
        for _ in range(self.effort.improvements):
            if self.is_close or rests >= RESTS or self._is_over(share):
                break
            types, tasks, is_better = ruin_and_recreate(
                self.generation.pricing, self.generation.solution.values, types, tasks, self.rng
            )
            rests = 0 if is_better else rests + 1
            self._keep(types, tasks)

    def _count(self) -> None:
        """Raise the bound by whole numbers of instances."""
        problem, usd = self.problem, self.problem.usd_per_hour
        if self.numbers is None:
            self.numbers = WholeNumbers(self.generation.pricing, self.generation.columns, self.generation.proofs)
        for _ in range(self.effort.counts):
            if self.is_close or self._is_over():
                break
            bound, instances = self.numbers.least(usd, problem.counts, problem.least)
            self.whole_bound_usd = max(self.whole_bound_usd, bound)
            if not self.numbers.refute(instances, problem.counts, self._is_over):
                break

    def _keep(self, types: IntArray, tasks: IntArray) -> None:
        types, tasks = downsized(self.problem, types, tasks)
        usd = float(self.problem.usd_per_hour[types].sum())
        if usd < self.usd:
            self.types, self.tasks, self.usd = types, tasks, usd

    def _is_over(self, share: float = 1.0) -> bool:
        clock, seconds = self.effort.clock, self.effort.seconds
        return self.end is not None and clock is not None and seconds is not None and clock() > self.end - (1 - share) * seconds
