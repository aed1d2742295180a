"""The search: prices by column generation over all states, then whole instances, in every hour, then plans sized exactly."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import repeat

import numpy as np
from numpy.random import SFC64, Generator

from advisor.billing import amounts_usd
from advisor.optimize.commitments import best_stack, stack_usd
from advisor.optimize.fleet.dominance import undominated, usable
from advisor.optimize.fleet.problem import Fleet, fleet_of
from advisor.optimize.fleet.solve import Effort
from advisor.optimize.joint.bound import Proof
from advisor.optimize.joint.every_hour import fleets_of_hours
from advisor.optimize.joint.moves import moves
from advisor.optimize.joint.problem import JointPlan, JointProblem, instances_of, rates_of
from advisor.optimize.joint.program import Prices, Program
from advisor.optimize.joint.states import States, states_of
from advisor.optimize.joint.whole import fleets_by_state, fleets_on_base, improved_fleets, instance_usd, moved_fleets
from advisor.optimize.joint.whole_bound import WholeBound
from advisor.units import BoolArray, FloatArray, IntArray

SEED = 3_800
EXACT_EVERY = 3
"""Rounds from one in which types are priced exactly to the next."""
NEARLY = 0.02
"""Patterns of the mean state that are worth this much less than they cost are offered to every state, too."""
RARE = (0.3, 0.0, 0.15)
"""Shares of the hours in which fewer tasks run than are of a base, tried in turn."""
MOVED_ROUNDS = 3
"""Of ruin and recreate after a move."""
FEW_INSTANCES = 8
"""Up to these in a mean hour, other ways are looked at once fleets are whole, and the bound counts whole instances."""
PRICES, ONE_MORE = 0.55, 0.3
"""Shares of a time limit after which prices have to do, and fleets are improved in place of being made once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JointEffort:
    """When a search ends. Counts and gaps give the same result on every machine; a time limit does not."""

    states: int = 12
    """Representative ones for longer loads; their means prove the bound for all hours."""
    linear_states: int = 144
    """The same where nothing shares instances."""
    gap_fraction: float = 0.005
    """Of the linear program over its bound."""
    mean_rounds: int = 25
    """Of pricing for the mean of all states, to begin with."""
    rounds: int = 12
    """Of pricing for all states."""
    exact_types: int = 6
    """Priced exactly in each state, every third round."""
    fleets: int = 2
    """Times that the fleets of all states are made whole, each at the prices that the plans before left."""
    fleet: Effort = field(
        default_factory=lambda: Effort(
            rounds=40, improvements=15, dives=1, counts=0, gap_fraction=0.003, patterns=1_000, nodes=200
        )
    )
    """For each state."""
    improvements: int = 1
    """Times that instances of all fleets are ruined and recreated, by what the plans that were bought make of the bill."""
    moves: int = 30
    """Other ways that are tried where there are few instances, for a service or for all on one kind of them."""
    counts: int = 2
    """Programs over whole instances that raise the bound where there are few."""
    seconds: float | None = None
    """A cap on top, by ``clock``."""
    clock: Callable[[], float] | None = None
    """Seconds from any start; needed for a cap."""


def cheapest_plan(problem: JointProblem, effort: JointEffort | None = None) -> JointPlan:
    """Ways to run, mixed fleets and Savings Plans that cost least together, and a bound that no choice of all three beats.

    One linear program over all states chooses them with shares of ways, broken instances and one commitment that covers
    whatever any plan does; its prices are the proof. Each service then takes the way with the largest share, each state's
    fleet is made whole at these prices, and the plans are sized for what that uses. The same problem gives the same plan.
    Longer loads are searched over representative states; then every hour is packed and billed, and the bound is one of all
    hours. A time limit ends the search, not the packing of every hour after it.

    Returns
    -------
    JointPlan
        Billed in AWS's order by :func:`advisor.billing.apply_commitments`.

    Raises
    ------
    ValueError
        The effort asks for no fleets.
    """
    effort = effort or JointEffort()
    search = replace(problem, capacity=usable(problem.tasks[problem.is_on_instances], problem.capacity))
    types = useful_types(search)
    states = states_of(problem, effort.states if problem.is_on_instances.any() else effort.linear_states)
    run = _Run(replace(search, capacity=search.capacity[types], type_usage=search.type_usage[types]), states, effort)
    run.find_prices()
    return run.whole_plan(problem)


def useful_types(problem: JointProblem) -> IntArray:
    """Types that a plan may need where a committed dollar covers all of them at their lowest rate.

    Either on demand or under the commitment each of the others has one that is not dearer and offers all that tasks can use of
    it. What comes with an instance has to cost the same for all, or none is left out.
    """
    on, types = np.flatnonzero(problem.is_on_instances), np.arange(len(problem.capacity))
    rates, is_covered = problem.rates, problem.is_covered
    bare = amounts_usd(problem.type_usage, np.nan_to_num(rates.on_demand_usd))[:, ~is_covered].sum(axis=1)
    if not on.size or not types.size or np.ptp(bare) > 0:
        return types
    least = np.fmin.reduce(rates.committed_usd, axis=0, initial=np.inf)
    counts = np.maximum(problem.counts[on].max(axis=1), 1).astype(np.int64)  # what never runs has to fit somewhere, too
    names = tuple(f"{at:06d}" for at in types)
    kept = [
        undominated(
            problem.tasks[on], counts, problem.capacity, amounts_usd(problem.type_usage, np.nan_to_num(rate)).sum(axis=1), names
        )[0]
        for rate in (rates.on_demand_usd, np.where(is_covered, least, rates.on_demand_usd))
    ]
    return np.unique(np.concatenate(kept))


class _Run:
    """One search: the best prices so far, with what they prove."""

    def __init__(self, problem: JointProblem, states: States, effort: JointEffort) -> None:
        self.problem, self.states, self.effort = problem, states, effort
        self.program = Program(problem, states)
        self.proof = Proof(self.problem, self.program)
        self.bound_usd, self.prices_usd, self.n_rounds = 0.0, 0.0, 0
        self.best: Prices | None = None
        self.end = None if effort.seconds is None or effort.clock is None else effort.clock() + effort.seconds
        self._seed()
        self.solution = self.program.solve()

    def find_prices(self) -> None:
        """For all states, from the prices for their mean on."""
        if self.program.weight.size > 1 and self.program.on.size:
            self._begin_with_mean()
        self._generate(self.effort.rounds)

    def _seed(self) -> None:
        """Every task on the instance that is cheapest for its service alone, and instances that are only counted."""
        for state, pricing in enumerate(self.proof.pricing):
            if pricing is None:
                continue
            usd = self.proof.full_usd[state]
            running = np.flatnonzero(self.proof.counts[state] > 0)
            alone = pricing.alone.astype(np.int64)[:, running]
            types = np.where(alone > 0, usd[:, np.newaxis] / np.maximum(alone, 1), np.inf).argmin(axis=0).astype(np.int64)
            tasks = np.zeros((running.size, len(self.program.tasks)), dtype=np.int64)
            tasks[np.arange(running.size), running] = alone[types, np.arange(running.size)]
            self.program.add(state, types, tasks)
            self.program.add(state, np.array([int(usd.argmin())]), np.zeros((1, len(self.program.tasks)), dtype=np.int64))

    def _begin_with_mean(self) -> None:
        weight = self.program.weight
        one = _Run(self.problem, states_of(self.problem, 1), self.effort)
        one._generate(self.effort.mean_rounds)
        prices = one.best or one.proof.settled(one.solution)
        usd = one.proof.instance_usd(prices.dollar)[0]
        types = np.array([kind for _, kind, _ in one.program.patterns], dtype=np.int64)
        tasks = np.array([row for _, _, row in one.program.patterns], dtype=np.int64).reshape(
            types.size, len(self.program.tasks)
        )
        good = np.flatnonzero(tasks @ prices.values[0] + prices.floor[0] >= usd[types] * (1 - NEARLY))
        for state in range(weight.size):
            self.program.add(state, types[good], np.minimum(tasks[good], self.proof.counts[state].astype(np.int64)))
        floor = np.where(self.states.full > 0, prices.floor * weight, 0.0)
        start = Prices(
            dollar=np.tile(weight, (len(self.program.rate), 1)), values=prices.values * weight[:, np.newaxis], floor=floor
        )
        self._keep(*self.proof.bound(start))

    def _generate(self, rounds: int) -> None:
        for turn in range(rounds):
            self.solution = self.program.solve()
            own = self.proof.settled(self.solution)
            if turn % 2:  # settled values know nothing of the patterns that hold what does not run
                own = replace(own, values=self.solution.prices.values)
            prices = own if self.best is None else own.mixed(self.best)
            is_exact = turn % EXACT_EVERY == EXACT_EVERY - 1
            self._keep(*self.proof.bound(prices, self.effort.exact_types if is_exact else 0))
            self.n_rounds += 1
            is_close = self.solution.usd <= self.bound_usd * (1 + self.effort.gap_fraction)
            if is_close or self._is_over(PRICES):
                break
            self.proof.add_patterns(prices, own)

    def _keep(self, bound_usd: float, prices: Prices) -> None:
        if self.best is None or bound_usd > self.bound_usd:
            self.bound_usd, self.prices_usd, self.best = bound_usd, bound_usd, prices

    def whole_plan(self, problem: JointProblem) -> JointPlan:
        """The best of some plans with whole instances, of all types that there are: for the examples, then for every hour."""
        sample = self.states.sample(problem)
        best = self._first_plan(sample)
        rng = Generator(SFC64(SEED))
        for _ in range(self.effort.improvements):
            best = self._improved(sample, best, rng, self.effort.fleet.improvements)
        if self.program.on.size and _mean_instances(sample, best) <= FEW_INSTANCES:
            best = self._moved(sample, self._counted(sample, best, rng), rng)
        if not best.on_instances(problem).size:
            return self._billed(problem, best.ways, [fleet_of([], [], 0)] * problem.hours.size)
        values = self._values_usd(best.on_instances(problem))
        usd = instance_usd(problem, _bought_usd(problem, best.capacity))
        return self._billed(problem, best.ways, fleets_of_hours(problem, best, self.states, values, usd))

    def _improved(self, problem: JointProblem, plan: JointPlan, rng: Generator, rounds: int) -> JointPlan:
        """The cheaper of a plan and one with instances of its fleets ruined and recreated."""
        if self._is_over(1.0) or not plan.on_instances(problem).size:
            return plan
        fleets = improved_fleets(
            problem,
            plan,
            self._values_usd(plan.on_instances(problem)),
            self._guide_usd(problem, plan),
            rng,
            rounds=rounds,
            is_over=partial(self._is_over, 1.0),
        )
        after = self._billed(problem, plan.ways, fleets)
        return after if after.usd < plan.usd else plan

    def _counted(self, problem: JointProblem, best: JointPlan, rng: Generator) -> JointPlan:
        """Raise the bound by whole instances, where states stand for hours of equal tasks; and try the ways that reach it."""
        on, states = self.program.on, self.states
        if self.best is None or self._is_over(1.0) or not np.array_equal(states.counts[on], states.most[on]):
            return best
        is_over = partial(self._is_over, 1.0)
        bound_usd, found = WholeBound(self.proof, self.best).raised(self.effort.counts, self._left_s)
        self.bound_usd = max(self.bound_usd, bound_usd)
        for ways in found:
            if is_over():
                break
            usd = _bought_usd(problem, best.capacity)
            fleets = fleets_by_state(problem, ways[problem.is_on_instances[ways]], usd, self.effort.fleet)
            plan = self._improved(problem, self._billed(problem, ways, fleets), rng, self.effort.fleet.improvements)
            best = plan if plan.usd < best.usd else best
        return best

    def _guide_usd(self, problem: JointProblem, plan: JointPlan) -> FloatArray:
        """(states, meters): half way between what a unit is worth under the plans and what more of it costs."""
        return np.asarray((problem.rates.on_demand_usd + self._rate_usd(problem, plan.capacity > 0)) / 2)

    def _moved(self, problem: JointProblem, best: JointPlan, rng: Generator) -> JointPlan:
        """A plan with services moved to other ways, one after the other, while that makes it cheaper."""
        prices = self.best or self.proof.settled(self.solution)
        hours = float(problem.hours.sum())
        way_usd, proven_usd = self.proof.way_usd(prices) * hours, self.prices_usd * hours
        left = self.effort.moves
        while left > 0:
            before = best
            for ways in moves(problem, best, way_usd, best.usd - proven_usd)[:left]:
                if self._is_over(1.0):
                    return best
                left -= 1
                ways = np.where(ways != before.ways, ways, best.ways)  # on top of the moves so far
                fleets = moved_fleets(problem, best, ways, self._guide_usd(problem, best))
                plan = self._billed(problem, ways, fleets)
                if plan.usd < best.usd * (1 + NEARLY):
                    plan = self._improved(problem, plan, rng, MOVED_ROUNDS)
                best = plan if plan.usd < best.usd else best
            if best is before:
                break
        return best

    def _values_usd(self, on: IntArray) -> FloatArray:
        """(states, ways): what a task of some ways on instances is worth."""
        prices, item = self.best or self.proof.settled(self.solution), np.zeros(len(self.problem.service), dtype=np.int64)
        item[self.program.on] = self.program.item
        return np.asarray(prices.values[:, item[on]] / self.program.weight[:, np.newaxis])

    def _first_plan(self, problem: JointProblem) -> JointPlan:
        """The cheapest of a few, each with fleets made anew."""
        ways = self._ways()
        on = ways[problem.is_on_instances[ways]]
        capacity = _stack(problem, self.states.sample(self.problem).quantity(ways, self.solution.instances))[0]
        is_of_none = np.array([each.family is None for each in problem.rates.commitments], dtype=np.bool_)
        best: JointPlan | None = None
        for turn, rare_fraction in zip(range(self.effort.fleets), self._turns(), strict=False):
            if turn and self._is_over(ONE_MORE):
                break
            if rare_fraction is None:
                fleets = fleets_by_state(problem, on, _bought_usd(problem, capacity), self.effort.fleet)
            else:
                always, rest = _always_usd(problem), self._rate_usd(problem, is_of_none)
                fleets = fleets_on_base(problem, on, always, rest, self.effort.fleet, rare_fraction=rare_fraction)
            plan = self._billed(problem, ways, fleets)
            capacity = plan.capacity
            best = plan if best is None or plan.usd < best.usd else best
        if best is None:
            raise ValueError("a plan takes at least one turn")
        return best

    def _billed(self, problem: JointProblem, ways: IntArray, fleets: Sequence[Fleet]) -> JointPlan:
        capacity, usd = _stack(problem, problem.quantity(ways, instances_of(problem, fleets)))
        return JointPlan(
            ways=ways,
            fleets=tuple(fleets),
            capacity=capacity,
            usd=usd,
            bound_usd=min(self.bound_usd * float(problem.hours.sum()), usd),
            rounds=self.n_rounds,
        )

    def _turns(self) -> Iterator[float | None]:
        """Bases of instances that always run, or none: where a plan is of one family, fleets have to keep to it."""
        if self.program.on.size and any(each.family is not None for each in self.problem.rates.commitments):
            yield from RARE
        yield from repeat(None)

    def _ways(self) -> IntArray:
        """The way of each service with the largest share; the first of several."""
        shares = self.solution.shares
        of_service = [np.flatnonzero(self.problem.service == service) for service in range(self.problem.n_services)]
        return np.array([ways[shares[ways].argmax()] for ways in of_service], dtype=np.int64)

    def _rate_usd(self, problem: JointProblem, is_counted: BoolArray) -> FloatArray:
        """(states, meters): of a unit on demand, or under some of the plans as a committed dollar is worth there."""
        rates = problem.rates
        rate = np.fmin.reduce(rates.committed_usd[is_counted], axis=0, initial=np.inf)
        prices = self.best or self.proof.settled(self.solution)
        worth = prices.dollar.max(axis=0, initial=0.0) / self.program.weight
        known = np.isfinite(rate)
        under = np.where(known, amounts_usd(worth[:, np.newaxis], np.where(known, rate, 0.0)), np.inf)
        return np.fmin(rates.on_demand_usd, under)

    def _left_s(self) -> float:
        """Infinite without a time limit."""
        return np.inf if self.end is None or self.effort.clock is None else self.end - self.effort.clock()

    def _is_over(self, share: float) -> bool:
        return self._left_s() < (1 - share) * (self.effort.seconds or 0.0)


def _mean_instances(problem: JointProblem, plan: JointPlan) -> float:
    return float(np.average(instances_of(problem, plan.fleets).sum(axis=0), weights=problem.hours))


def _stack(problem: JointProblem, quantity: FloatArray) -> tuple[FloatArray, float]:
    """Dollars an hour of each plan, (commitments,), and the bill over all hours."""
    capacity, used = np.zeros(len(problem.rates.commitments)), np.flatnonzero(quantity.any(axis=1))
    plans = np.flatnonzero(np.isfinite(problem.rates.committed_usd[:, used]).any(axis=1))
    few = rates_of(problem.rates, plans, used)
    if not plans.size:
        return capacity, stack_usd(few, quantity[used], problem.hours, capacity[plans])
    stack = best_stack(few, quantity[used], problem.hours)
    capacity[plans] = stack.capacity
    return capacity, stack.usd


def _bought_usd(problem: JointProblem, capacity: FloatArray) -> FloatArray:
    """(meters,): what a unit costs with the plans that were bought."""
    bought = np.where((capacity > 0)[:, np.newaxis], problem.rates.committed_usd, np.nan)
    return np.fmin(problem.rates.on_demand_usd, np.fmin.reduce(bought, axis=0, initial=np.inf))


def _always_usd(problem: JointProblem) -> FloatArray:
    """(meters,): least that a unit can cost which always runs."""
    return np.fmin(problem.rates.on_demand_usd, np.fmin.reduce(problem.rates.committed_usd, axis=0, initial=np.inf))
