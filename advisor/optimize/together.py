"""Launch choices and new Savings Plans chosen together: each service in any way that was found, and plans of any size.

What commitments make of a usage in an hour hangs on what all other services use in it, so a service cannot be priced alone.
The prices of a linear program can: at them each service takes its cheapest way, and they prove what no choice undercuts.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product

import numpy as np

from advisor.billing import CommitmentRates, amounts_usd, commitment_rates
from advisor.meters import Meter, Usage
from advisor.optimize.alternatives import Alternatives
from advisor.optimize.choice import Choice, identity
from advisor.optimize.commitments import Stack, best_stack, prices_where
from advisor.optimize.held import plan_usage
from advisor.optimize.parts import Part
from advisor.optimize.pricing import range_fractions
from advisor.optimize.search import Search
from advisor.plan import Commitment
from advisor.units import FloatArray, IntArray

ROUNDS, CLOSE = 16, 2e-4
"""Prices are found again until the plan is this near its bound, or so often."""
SLACK = 1e-9
"""Relative: taken from a bound for the last digits."""
MOST_MOVES = 3
"""Times that all services are looked at for one that is better moved."""
MOST_COMBINATIONS, MOST_BILLED = 400, 24
"""With so few combinations of ways, so many of them are billed one by one: prices alone leave a gap between whole ways."""
_NEWEST = 2.0
"""Weight of the newest prices in the mean of all, over their number."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Together:
    """The cheapest plan that was found for the measured load, and what none costs less than."""

    parts: tuple[Part, ...]
    usd: float
    """A month at the upper end of what it uses, with Savings Plans of the best size, billed in AWS's order."""
    bound_usd: float
    """Proven: no choice of ways and no sizes of these Savings Plans cost less."""
    capacity: FloatArray
    """(commitments,): dollars an hour of each Savings Plan."""
    plan_usd: float | None = None
    """The same as ``usd`` of the plan that was asked about; None without a price."""

    @property
    def gap_fraction(self) -> float | None:
        """How far above the bound the plan is that was asked about, or else the cheapest; None where nothing is proven."""
        usd = self.usd if self.plan_usd is None else self.plan_usd
        return max(0.0, usd / self.bound_usd - 1.0) if self.bound_usd > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Booked:
    """One part: what plans may cover of it by the hour, and the rest as money."""

    part: Part
    meters: IntArray
    quantity: FloatArray
    """(meters, hours)"""
    bare_usd: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Plan:
    """Parts with the Savings Plans that are best for them."""

    usd: float
    bound_usd: float
    """No sizes cost less."""
    parts: tuple[_Booked, ...]
    stack: Stack


def cheapest_together(
    found: Alternatives,
    search: Search,
    plans: Sequence[Commitment],
    more: Iterable[Mapping[str, Sequence[Choice]]] = (),
    asked: Sequence[Part] = (),
) -> Together | None:
    r"""The cheapest way of each service, with instances shared as in any alternative, and sizes of Savings Plans.

    Parameters
    ----------
    plans
        Savings Plans that may be bought; their sizes are what is looked for.
    more
        Further choices of each service beside those of ``found``.
    asked
        Parts of a choice whose distance from the bound is asked about, be it one that is not searched.

    Returns
    -------
    Together or None
        None where nothing has a price, or where commitments are held: what these leave for others is no sum over services.

    Notes
    -----
    With prices :math:`\lambda_{kt}` of :func:`advisor.optimize.commitments.best_stack`, a plan costs at least the sum of what
    its parts cost where a usage costs :math:`\min(p_m, \min_k \lambda_{kt} r_{km})`. So with the instances that services share
    in an alternative, or none, no plan costs less than these and the least way of each of the other services.
    """
    if search.held or not plans:
        return None
    books = _Books(found, search, plans, more, asked)
    best: _Plan | None = None
    bounds: list[float] = []
    least = [books.bound_usd(shared, books.start) for shared in books.shared]
    for at in np.argsort(least, kind="stable").tolist():
        least_usd, shared = least[at], books.shared[at]
        if best is not None and least_usd >= best.usd:
            bounds.append(least_usd)
            continue
        chosen, bound_usd = books.solve(shared, least_usd)
        bounds.append(bound_usd)
        if chosen is not None and (best is None or chosen.usd < best.usd):
            best = chosen
    if best is None:
        return None
    order = {service: at for at, service in enumerate(books.services)}
    parts = tuple(sorted(best.parts, key=lambda each: min(order[name] for name in each.part.services)))
    return Together(
        parts=tuple(each.part for each in parts),
        usd=best.usd,
        bound_usd=min(min(bounds) * (1 - SLACK), best.usd),
        capacity=best.stack.capacity,
        plan_usd=books.plan_usd(asked),
    )


class _Books:
    """All parts of all choices, booked by meter and clock hour."""

    def __init__(
        self,
        found: Alternatives,
        search: Search,
        plans: Sequence[Commitment],
        more: Iterable[Mapping[str, Sequence[Choice]]],
        asked: Sequence[Part],
    ) -> None:
        self.services = [load.service.name for load in found.loads]
        of_services = [choices for by_service in (found.by_service, *more) for choices in by_service.values()]
        listed = [choice for choice in found.for_cluster if choice.parts and not choice.is_comparison]
        singles = [choice for choices in of_services for choice in choices if choice.parts]
        parts = {id(part): part for part in (*(part for choice in (*listed, *singles) for part in choice.parts), *asked)}
        usages = {key: _upper_usage(part, found.common_hours, search) for key, part in parts.items()}
        known = np.all([usage.hours > 0 for usage in usages.values()], axis=0)
        known &= np.all([np.isfinite(usage.quantity_per_hour).all(axis=0) for usage in usages.values()], axis=0)
        self.hours = next(iter(usages.values())).hours[known]
        self.meters: list[Meter] = list(dict.fromkeys(meter for usage in usages.values() for meter in usage.meters))
        self.rates = self._rates(search, plans)
        booked = self.booked = {
            key: self._booked(part, usages[key].quantity_per_hour[:, known], usages[key].meters) for key, part in parts.items()
        }
        self.ways: dict[str, list[_Booked]] = {name: [] for name in self.services}
        self.shared: list[tuple[_Booked, ...]] = []
        seen: set[object] = set()
        for choice in (*listed, *singles):
            for part in choice.parts:
                one = booked[id(part)]
                if one is not None and len(part.services) == 1 and identity(part) not in seen:
                    seen.add(identity(part))
                    self.ways[next(iter(part.services))].append(one)
        for choice in listed:
            together = tuple(booked[id(part)] for part in choice.parts if len(part.services) > 1)
            shared_by = frozenset(id(each) for each in together)
            whole = tuple(each for each in together if each is not None)
            if len(whole) == len(together) and shared_by not in seen:
                seen.add(shared_by)
                self.shared.append(whole)
        if not any(not each for each in self.shared):
            self.shared.append(())
        every = [way for ways in self.ways.values() for way in ways] + [each for shared in self.shared for each in shared]
        self.start = best_stack(self.rates, self._quantity(every), self.hours).worth

    def plan_usd(self, parts: Sequence[Part]) -> float | None:
        """A month of these parts with Savings Plans of the best sizes; None without a price, or without parts."""
        booked = [one for part in parts if (one := self.booked.get(id(part))) is not None]
        if not parts or len(booked) < len(parts):
            return None
        return self._billed(tuple(booked)).usd

    def _rates(self, search: Search, plans: Sequence[Commitment]) -> CommitmentRates:
        rates = commitment_rates(self.meters, plans, search.catalog, search.region)
        covered = np.asarray(np.isfinite(rates.committed_usd).any(axis=0))
        self.covered_at = np.where(covered, np.cumsum(covered) - 1, -1)
        self.on_demand_usd = rates.on_demand_usd
        return replace(
            rates,
            meters=tuple(meter for meter, is_covered in zip(self.meters, covered, strict=True) if is_covered),
            on_demand_usd=rates.on_demand_usd[covered],
            committed_usd=rates.committed_usd[:, covered],
        )

    def _booked(self, part: Part, quantity: FloatArray, meters: Sequence[Meter]) -> _Booked | None:
        """None where something has no price."""
        rows = np.array([self.meters.index(meter) for meter in meters], dtype=np.int64)
        usd = self.on_demand_usd[rows]
        if np.isnan(usd).any():
            return None
        covered = self.covered_at[rows] >= 0
        bare = amounts_usd(quantity[~covered] @ self.hours, usd[~covered])
        return _Booked(part=part, meters=self.covered_at[rows[covered]], quantity=quantity[covered], bare_usd=float(bare.sum()))

    def _quantity(self, parts: Iterable[_Booked]) -> FloatArray:
        """(meters, hours) of some parts together."""
        quantity = np.zeros((len(self.rates.meters), self.hours.size))
        for each in parts:
            np.add.at(quantity, each.meters, each.quantity)
        return quantity

    def _free(self, shared: Sequence[_Booked]) -> list[list[_Booked]]:
        """Ways of the services that share nothing."""
        names = {name for each in shared for name in each.part.services}
        return [self.ways[name] for name in self.services if name not in names]

    def _usd(self, parts: Sequence[_Booked], worth: FloatArray) -> FloatArray:
        """(parts,): a month of each at these prices."""
        usd = (prices_where(self.rates, worth) * self.rates.on_demand_usd[:, np.newaxis]) * self.hours
        return np.array([each.bare_usd + float(amounts_usd(each.quantity, usd[each.meters]).sum()) for each in parts])

    def bound_usd(self, shared: Sequence[_Booked], worth: FloatArray) -> float:
        """What no plan with these shared parts costs less than; infinite where a service has no way."""
        return self._at_prices(shared, worth)[0]

    def _at_prices(self, shared: Sequence[_Booked], worth: FloatArray) -> tuple[float, tuple[_Booked, ...]]:
        """The bound, and the parts that are cheapest at the prices."""
        total, chosen = float(self._usd(shared, worth).sum()), list(shared)
        for ways in self._free(shared):
            if not ways:
                return math.inf, ()
            usd = self._usd(ways, worth)
            chosen.append(ways[int(usd.argmin())])
            total += float(usd.min())
        return total, tuple(chosen)

    def solve(self, shared: Sequence[_Booked], least_usd: float) -> tuple[_Plan | None, float]:
        """The cheapest plan with these shared parts, and a bound of all of them."""
        worth, bound = self.start.copy(), least_usd
        proof, best = self.start, None
        for done in range(ROUNDS):
            usd, parts = self._at_prices(shared, worth)
            if not parts:
                return best, math.inf
            if usd > bound:
                bound, proof = usd, worth.copy()
            plan = self._billed(parts)
            if best is None or plan.usd < best.usd:
                best = plan
            if best.usd <= bound * (1 + CLOSE):
                return best, bound
            # Prices of a plan that covers nothing of this choice say nothing of others.
            used = self._quantity(parts).any(axis=1)
            for k in np.flatnonzero(np.isfinite(self.rates.committed_usd[:, used]).any(axis=1)).tolist():
                worth[k] += (plan.stack.worth[k] - worth[k]) * (_NEWEST / (done + _NEWEST))
        return (None, bound) if best is None else self._in_full(shared, self._with_moves(best, bound, proof), bound, proof)

    def _in_full(self, shared: Sequence[_Booked], best: _Plan, bound_usd: float, worth: FloatArray) -> tuple[_Plan, float]:
        """With few combinations of ways, those that prices leave in doubt are billed, cheapest by the prices first."""
        free = self._free(shared)
        if math.prod(map(len, free)) > MOST_COMBINATIONS:
            return best, bound_usd
        combinations = [(*shared, *ways) for ways in product(*free)]
        known = {
            id(each): float(self._usd([each], worth)[0]) for each in {id(one): one for one in chain(shared, *free)}.values()
        }
        totals = np.array([math.fsum(known[id(each)] for each in parts) for parts in combinations])
        least = math.inf
        for n_billed, at in enumerate(np.argsort(totals, kind="stable").tolist()):
            if totals[at] >= best.usd or n_billed == MOST_BILLED:
                least = min(least, float(totals[at]))
                break
            plan = self._billed(combinations[at])
            least = min(least, max(float(totals[at]), plan.bound_usd))
            best = plan if plan.usd < best.usd * (1 - SLACK) else best
        return best, max(bound_usd, min(least, best.usd))

    def _with_moves(self, best: _Plan, bound_usd: float, worth: FloatArray) -> _Plan:
        """With one service moved at a time, as long as that costs less.

        A way that is dearer at the prices of the bound than the gap leaves room for is in no plan that is cheaper.
        """
        for _ in range(MOST_MOVES):
            before = best
            for at, part in enumerate(before.parts):
                if len(part.part.services) > 1:
                    continue
                ways = self.ways[next(iter(part.part.services))]
                usd = self._usd(ways, worth)
                for way in np.argsort(usd, kind="stable").tolist():
                    if bound_usd + float(usd[way] - usd.min()) >= best.usd:
                        break
                    plan = self._billed((*best.parts[:at], ways[way], *best.parts[at + 1 :]))
                    best = plan if plan.usd < best.usd * (1 - SLACK) else best
            if best is before:
                break
        return best

    def _billed(self, parts: tuple[_Booked, ...]) -> _Plan:
        stack = best_stack(self.rates, self._quantity(parts), self.hours)
        bare_usd = math.fsum(each.bare_usd for each in parts)
        return _Plan(usd=stack.usd + bare_usd, bound_usd=stack.bound_usd + bare_usd, parts=parts, stack=stack)


def _upper_usage(part: Part, hours: FloatArray, search: Search) -> Usage:
    """By the clock hour, at the upper end of what the part may use: that by which plans are compared before a replay."""
    upper = replace(part, quantity_per_hour=part.quantity_per_hour * (1 + range_fractions(part)[:, np.newaxis]))
    return plan_usage([upper], hours, search).usage
