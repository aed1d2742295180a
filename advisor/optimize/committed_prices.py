"""What units cost hour by hour where Savings Plans are bought with a plan: prices that prove what no plan undercuts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from advisor.billing import CommitmentRates, amounts_usd, commitment_rates
from advisor.ecs import PurchaseOption
from advisor.meters import sum_over_states
from advisor.optimize.commitments import Stack, best_stack, prices_where
from advisor.optimize.held import plan_usage
from advisor.optimize.linear_prices import PriceLevel
from advisor.optimize.parts import Part
from advisor.optimize.purchases import plans_under
from advisor.optimize.search import Search
from advisor.plan import Commitment, Terms
from advisor.pricing.instance_hours import hour_on
from advisor.units import BoolArray, FloatArray, IntArray

MOST_LEVELS = 4
"""Of what a committed dollar is worth; what lies between two counts as the lower one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CommittedPrices:
    """What a committed dollar is worth in each step, 1 or less on average: the same for all plans of a kind."""

    search: Search
    hours: FloatArray
    """(steps,)"""
    terms: Terms
    for_instances: FloatArray
    """(steps,): of EC2 Instance Savings Plans."""
    for_any: FloatArray
    """(steps,): of Compute Savings Plans."""

    def usd(self, part: Part) -> float | None:
        """Least that a part costs a month whatever is committed; None without a price."""
        rates = self._rates(part)
        if np.isnan(rates.on_demand_usd).any():
            return None
        price = prices_where(rates, self._worth(rates.commitments)) * rates.on_demand_usd[:, np.newaxis]
        return float(amounts_usd(np.nan_to_num(part.quantity_per_hour), price * self.hours).sum())

    def levels(self) -> list[PriceLevel]:
        """Moments in which instances cost the same, with what they cost."""
        pairs = np.stack([_floored(self.for_instances), _floored(self.for_any)])
        distinct, index = np.unique(pairs, axis=1, return_inverse=True)
        on_demand = self.search.candidates.on_demand_usd
        rates = list(self._at_worth(*distinct).T)
        hours = [np.where(index.ravel() == at, self.hours, 0.0) for at in range(len(rates))]
        worth = [float(np.nanmedian(usd / on_demand)) if np.isfinite(on_demand).any() else 1.0 for usd in rates]
        mean = sum(each * float(lasting.sum()) for each, lasting in zip(worth, hours, strict=True)) / float(self.hours.sum())
        return [
            PriceLevel(
                hours=lasting,
                search=replace(self.search, candidates=replace(self.search.candidates, on_demand_usd=usd)),
                worth=each / mean if mean else 1.0,
            )
            for usd, lasting, each in zip(rates, hours, worth, strict=True)
            if lasting.any()
        ]

    def _at_worth(self, of_instance_plan: FloatArray, of_compute_plan: FloatArray) -> FloatArray:
        """(types, levels): least that an instance-hour on demand costs there; NaN where it has no price."""
        candidates = self.search.candidates
        meters = [hour_on(each, PurchaseOption.ON_DEMAND) for each in candidates.types]
        plans = plans_under(meters, self.terms)
        rates = commitment_rates(meters, plans, self.search.catalog, self.search.region)
        worth = [of_instance_plan if plan.family else of_compute_plan for plan in plans]
        price = prices_where(rates, np.reshape(worth, (len(plans), of_instance_plan.size)))
        return np.asarray(price * candidates.on_demand_usd[:, np.newaxis])

    def _rates(self, part: Part) -> CommitmentRates:
        plans = plans_under(part.meters, self.terms)
        return commitment_rates(part.meters, plans, self.search.catalog, self.search.region)

    def _worth(self, plans: Sequence[Commitment]) -> FloatArray:
        rows = [self.for_instances if plan.family else self.for_any for plan in plans]
        return np.reshape(rows, (len(rows), self.hours.size))


def committed_prices(parts: Sequence[Part], hours: FloatArray, search: Search, terms: Terms) -> CommittedPrices | None:
    """Those by which the Savings Plans that are best for some parts are proven; None where none of them saves."""
    found = _stacked(parts, hours, search, terms)
    if found is None:
        return None
    sizes, plans = found.stack.capacity, found.rates.commitments
    bought = sorted((k for k in range(len(plans)) if sizes[k] > 0), key=lambda k: float(sizes[k]))
    if not bought:
        return None
    hour_of_step = np.searchsorted(found.first_steps, np.arange(hours.size), side="right") - 1
    worth = np.zeros((len(plans), found.is_known.size))
    worth[:, found.is_known] = found.stack.worth
    largest = {plans[k].family is not None: worth[k, hour_of_step] for k in bought}
    # Where only one kind is bought, the other is worth as much: any values that are 1 on average prove something.
    return CommittedPrices(
        search=search,
        hours=hours,
        terms=terms,
        for_instances=largest[True] if True in largest else largest[False],
        for_any=largest[False] if False in largest else largest[True],
    )


def committed_usd(parts: Sequence[Part], hours: FloatArray, search: Search, terms: Terms) -> float:
    """A month of parts with the Savings Plans of the sizes that are best for this very usage; NaN without a price."""
    found = _stacked(parts, hours, search, terms)
    covered = set(found.rates.meters) if found else set()
    total = found.stack.usd if found else 0.0
    for part in parts:
        bare = [at for at, meter in enumerate(part.meters) if meter not in covered]
        usd = search.catalog.rates_usd([part.meters[at] for at in bare], search.region)
        total += float(amounts_usd(sum_over_states(np.nan_to_num(part.quantity_per_hour[bare]), hours), usd).sum())
    return total


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Stacked:
    """The Savings Plans that are best for some parts."""

    rates: CommitmentRates
    """Of what some plan has a rate for."""
    stack: Stack
    is_known: BoolArray
    """(clock hours,): where all of the usage is."""
    first_steps: IntArray


def _stacked(parts: Sequence[Part], hours: FloatArray, search: Search, terms: Terms) -> _Stacked | None:
    """None where no plan has a rate for anything."""
    used = plan_usage(parts, hours, search)
    meters, quantity = used.usage.meters, used.usage.quantity_per_hour
    plans = plans_under(meters, terms)
    rates = commitment_rates(meters, plans, search.catalog, search.region)
    covered = np.asarray(np.isfinite(rates.committed_usd).any(axis=0), dtype=np.bool_)
    if not covered.any():
        return None
    rates = replace(
        rates,
        meters=tuple(meter for meter, is_covered in zip(meters, covered.tolist(), strict=True) if is_covered),
        on_demand_usd=rates.on_demand_usd[covered],
        committed_usd=rates.committed_usd[:, covered],
    )
    is_known = (used.usage.hours > 0) & np.isfinite(quantity).all(axis=0)
    stack = best_stack(rates, quantity[np.ix_(covered, is_known)], used.usage.hours[is_known])
    return _Stacked(rates=rates, stack=stack, is_known=is_known, first_steps=used.first_steps)


def _floored(values: FloatArray) -> FloatArray:
    """Each value or the next lower one of a few."""
    levels = np.unique(values)
    if levels.size > MOST_LEVELS:
        levels = np.unique(np.quantile(values, np.linspace(0, 1, MOST_LEVELS), method="lower"))
    return np.asarray(levels[np.searchsorted(levels, values, side="right") - 1], dtype=np.float64)
