"""The bound for few services: every choice of which of them are on instances, with whole instances for them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from itertools import product

import numpy as np

from advisor.optimize.fleet import Effort, FleetProblem, cheapest_fleet, least_usd_per_hour, task_prices
from advisor.optimize.linear_prices import FleetOfKind, PriceLevel, ServiceOptions, demands, fleets_of_kinds, hours_of_states
from advisor.optimize.packed import packed_load
from advisor.optimize.search import CapacityKind
from advisor.units import FloatArray, IntArray

MOST_CHOICES = 20_000
"""With more combinations of ways to run there is no such bound."""
MOST_FLEETS = 80
"""Fleets that are bounded, over all combinations; prices of a set of tasks count as one."""
NEAR = 5e-3
"""Relative: a bound this close to the plan is not raised further."""
EFFORT = Effort(gap_fraction=1e-3, rounds=30, improvements=0, dives=1, patterns=2_000, nodes=300)
"""Only bounds are asked for."""

Way = tuple[float, int, int]
"""Least USD of a month, which fleet, and which of its items; fleet -1 is elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PricedServices:
    """What services cost at prices that no plan undercuts: at the rates, or at what a committed dollar is worth by the hour."""

    services: tuple[ServiceOptions, ...]
    levels: tuple[PriceLevel, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PricedChoices:
    """The same as fleets that are to be filled."""

    elsewhere_usd: FloatArray
    """(services,): least of each in a month without instances; infinite where it must have them."""
    owner: IntArray
    """(runs,): whose each run is."""
    counts: IntArray
    """(states, runs): tasks."""
    fleets: tuple[tuple[FleetOfKind, ...], ...]
    """At each level, one for each kind of instances: the same kinds with the same items."""
    state_hours: tuple[FloatArray, ...]
    """At each level, (states,)."""


def few_services_bound_usd(priced: Sequence[PricedServices], kinds: Sequence[CapacityKind], enough_usd: float) -> float | None:
    """Least that any plan of these services can cost a month under the packing model, near enough if that is above a plan.

    A plan runs each service elsewhere, or in one of its sizes on instances of one kind. A combination of these costs at least
    what its services cost elsewhere, and for each kind a fleet of whole instances, with one in each zone while any of its tasks
    runs. Moments are put into groups, and each costs at least the cheapest fleet for the fewest tasks of its group.

    Parameters
    ----------
    priced
        The same services at one set of prices or at several, each of which no plan undercuts: nor does it the most of them.
    enough_usd
        Of the plan that the bound is for.

    Returns
    -------
    float or None
        None where there are too many combinations, or none at all.
    """
    return least_of_choices_usd([_choices(each, kinds) for each in priced], enough_usd)


def _choices(priced: PricedServices, kinds: Sequence[CapacityKind]) -> PricedChoices:
    services = priced.services
    load = packed_load([run for service in services for run in service.runs])
    owner = np.array([at for at, service in enumerate(services) for _ in service.runs], dtype=np.int64)
    lasting = [(level, hours) for level in priced.levels if (hours := hours_of_states(load, level.hours)).any()]
    return PricedChoices(
        elsewhere_usd=np.array([service.elsewhere_usd for service in services]),
        owner=owner,
        counts=load.distinct,
        fleets=tuple(tuple(fleets_of_kinds(kinds, services, owner, load, level.search)) for level, _ in lasting),
        state_hours=tuple(hours for _, hours in lasting),
    )


def least_of_choices_usd(priced: Sequence[PricedChoices], enough_usd: float) -> float | None:
    """The least bound of all combinations: that of the least one is raised again and again."""
    first = priced[0]
    n_ways = np.isfinite(first.elsewhere_usd).astype(np.int64)
    for fleet in first.fleets[0]:
        n_ways += np.bincount(first.owner[fleet.items], minlength=n_ways.size)
    if not 1 <= np.prod(n_ways.astype(np.float64)) <= MOST_CHOICES:
        return None
    at_prices = [_AtPrices(each) for each in priced]
    chosen = list(product(*(range(n) for n in n_ways.tolist())))
    waiting = [(max(each.known_usd(ways) for each in at_prices), at) for at, ways in enumerate(chosen)]
    heapify(waiting)
    left = MOST_FLEETS
    while waiting[0][0] < enough_usd * (1 - NEAR) and left > 0:
        usd, at = heappop(waiting)
        now, n_more = usd, 0
        for number in np.argsort([-each.whole_usd(chosen[at]) for each in at_prices], kind="stable").tolist():
            raised, n_more = at_prices[number].raised(chosen[at], usd)
            now = max(now, raised)
            if now > usd or n_more:
                break
        heappush(waiting, (now, at))
        left -= n_more
        if now <= usd and not n_more:  # nothing is left to raise it by
            break
    return waiting[0][0]


class _AtPrices:
    """The ways of all services at one set of prices, and the fleets of their combinations so far."""

    def __init__(self, priced: PricedChoices) -> None:
        self.ways: list[list[Way]] = [[(float(usd), -1, -1)] if np.isfinite(usd) else [] for usd in priced.elsewhere_usd]
        levels = list(zip(priced.fleets, priced.state_hours, strict=True))
        self.whole: list[list[_FleetsOfSets]] = []
        """Of each kind, at each level."""
        for number, fleet in enumerate(priced.fleets[0]):
            counts = priced.counts[:, fleet.items]
            alone = np.sum([_alone_usd(fleets[number], counts, hours) for fleets, hours in levels], axis=0)
            for place, item in enumerate(fleet.items.tolist()):
                self.ways[priced.owner[item]].append((float(alone[place]), number, place))
            self.whole.append([_FleetsOfSets(fleets[number], counts, hours) for fleets, hours in levels])

    def known_usd(self, ways: Sequence[int]) -> float:
        """Least of a combination, each service by itself."""
        return math.fsum(of_service[way][0] for of_service, way in zip(self.ways, ways, strict=True))

    def _whole(self, ways: Sequence[int]) -> tuple[float, list["_WholeFleets"]]:
        """What a combination costs elsewhere, and its fleets at each level."""
        chosen = [of_service[way] for of_service, way in zip(self.ways, ways, strict=True)]
        items = [tuple(way[2] for way in chosen if way[1] == number) for number in range(len(self.whole))]
        used = [fleets.of(those) for of_kind, those in zip(self.whole, items, strict=True) if those for fleets in of_kind]
        return math.fsum(way[0] for way in chosen if way[1] < 0), used

    def whole_usd(self, ways: Sequence[int]) -> float:
        """Least of a combination with whole instances so far; infinite where none were bounded."""
        apart_usd, used = self._whole(ways)
        return apart_usd + sum(each.usd for each in used) if all(each.groups for each in used) else math.inf

    def raised(self, ways: Sequence[int], known_usd: float) -> tuple[float, int]:
        """The same, raised unless it is above what is known; and how many fleets were bounded for that."""
        apart_usd, used = self._whole(ways)
        is_above = apart_usd + sum(each.usd for each in used) > known_usd
        n_more = 0 if is_above else sum(each.raised() for each in used)
        return apart_usd + sum(each.usd for each in used), n_more


def _alone_usd(fleet: FleetOfKind, counts: IntArray, state_hours: FloatArray) -> FloatArray:
    """(items,): least that each costs a month on instances, whatever runs beside it."""
    anywhere = np.full(len(fleet.items), np.inf)
    prices = task_prices(fleet.problem, demands(counts.astype(np.float64), state_hours), anywhere)
    by_item, _ = prices.best(counts.astype(np.float64), np.zeros(len(counts)))
    return np.asarray(state_hours @ by_item + (state_hours @ counts) * fleet.storage_usd_per_hour)


class _FleetsOfSets:
    """Of one kind, the fleets of each set of items that was asked for."""

    def __init__(self, fleet: FleetOfKind, counts: IntArray, state_hours: FloatArray) -> None:
        self.fleet, self.counts, self.state_hours = fleet, counts, state_hours
        self.found: dict[tuple[int, ...], _WholeFleets] = {}

    def of(self, items: tuple[int, ...]) -> "_WholeFleets":
        if items not in self.found:
            places = list(items)
            problem = self.fleet.problem
            stated = replace(problem, tasks=problem.tasks[places], counts=problem.counts[places])
            counts = self.counts[:, places]
            storage = (self.state_hours @ counts) @ self.fleet.storage_usd_per_hour[places]
            self.found[items] = _WholeFleets(stated, counts, self.state_hours, float(storage))
        return self.found[items]


class _WholeFleets:
    """Least cost of one set of tasks over all moments, raised fleet by fleet."""

    def __init__(self, problem: FleetProblem, counts: IntArray, hours: FloatArray, storage_usd: float) -> None:
        lasting = (hours > 0) & counts.any(axis=1)
        self.counts, index = np.unique(counts[lasting], axis=0, return_inverse=True)
        self.hours: FloatArray = np.bincount(index.ravel(), hours[lasting], len(self.counts)).astype(np.float64)
        self.problem, self.storage_usd = problem, storage_usd
        self.usd_per_hour = np.zeros(len(self.counts))
        """(states,): least so far."""
        self.groups: list[IntArray] = []
        self.solved: dict[tuple[int, ...], float] = {}

    @property
    def usd(self) -> float:
        """A month."""
        return float(self.hours @ self.usd_per_hour) + self.storage_usd

    def raised(self) -> int:
        """Find prices, then cut one group of moments in two; how many fleets were bounded."""
        if not len(self.counts):
            return 0
        n_before = len(self.solved)
        if not self.groups:
            counts: FloatArray = self.counts.astype(np.float64)
            anywhere = np.full(counts.shape[1], np.inf)
            self.prices = task_prices(self.problem, demands(counts, self.hours), anywhere)
            self.usd_per_hour = self._at_prices(self.counts)
            self._add(np.arange(len(counts)))
            return 1 + len(self.solved)
        lost = [
            float(self.hours[group] @ (self._at_prices(self.counts[group]) - self._at_prices(self._corner(group))))
            for group in self.groups
        ]
        at = int(np.argmax(lost))
        group = self.groups[at]
        if len(group) == 1 or lost[at] <= 0:
            at = int(np.argmax([self.hours[group].sum() * (len(group) > 1) for group in self.groups]))
            group = self.groups[at]
            if len(group) == 1:
                return 0
        self.groups.pop(at)
        for part in self._cut(group):
            self._add(part)
        return max(1, len(self.solved) - n_before)

    def _at_prices(self, counts: IntArray) -> FloatArray:
        """(states,): what tasks cost at prices of any number of them."""
        least = np.where(counts.any(axis=1), float(self.problem.least_instances), 0.0)
        by_item, floor = self.prices.best(counts.astype(np.float64), least)
        return np.asarray(by_item.sum(axis=1) + floor)

    def _corner(self, group: IntArray) -> IntArray:
        return np.asarray(self.counts[group].min(axis=0, keepdims=True), dtype=np.int64)

    def _cut(self, group: IntArray) -> tuple[IntArray, IntArray]:
        """Few and many tasks of the item in which the moments of a group differ most."""
        counts = self.counts[group]
        more = counts - counts.min(axis=0)
        worth = self.hours[group] @ (more * self.prices.values.mean(axis=0))
        item = int(np.argmax(np.where(more.any(axis=0), worth + 1e-12, -1.0)))
        order = np.sort(counts[:, item])
        middle = max(int(order[len(order) // 2]), int(order[0]) + 1)
        is_many = counts[:, item] >= middle
        return group[~is_many], group[is_many]

    def _add(self, group: IntArray) -> None:
        corner = self._corner(group)[0]
        key = tuple(corner.tolist())
        if key not in self.solved:
            self.solved[key] = _least_fleet_usd(replace(self.problem, counts=corner))
        self.usd_per_hour[group] = np.maximum(self.usd_per_hour[group], self.solved[key])
        self.groups.append(group)


def _least_fleet_usd(problem: FleetProblem) -> float:
    """An hour of the cheapest fleet, or what none undercuts where the problem is large."""
    exact = least_usd_per_hour(problem)
    return cheapest_fleet(problem, EFFORT).lower_bound_usd_per_hour if exact is None else exact
