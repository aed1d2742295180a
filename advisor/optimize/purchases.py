"""What is best bought for a plan under terms that a user states, and the rates that this needs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from advisor.billing import CommitmentRates, commitment_meter, covers
from advisor.meters import Meter
from advisor.optimize.commitment_sizes import cheapest_sizes, plans_of, rated
from advisor.optimize.committable import Committable, committable
from advisor.optimize.held import price_plan
from advisor.optimize.parts import Part
from advisor.optimize.pricing import PricedParts
from advisor.optimize.search import Search
from advisor.plan import Commitment, Terms
from advisor.units import FloatArray
from advisor.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """The cheapest Savings Plans of some terms for one plan."""

    terms: Terms
    commitments: tuple[Commitment, ...] = ()
    saving_usd: float = 0.0
    """A month, on average over the futures, against what is held alone."""
    uncovered: tuple[str, ...] = ()
    """Meters without a rate: what needs them stays on demand, so that the plan may cost less than its bill, and not more."""


def plans_under(meters: Sequence[Meter], terms: Terms) -> tuple[Commitment, ...]:
    """Savings Plans of these terms that may cover something of these meters, of any size."""
    found = [plan for kind in terms.kinds for plan in plans_of(meters, kind, terms.years, terms.payment)]
    return tuple(plan for plan in dict.fromkeys(found) if any(covers(plan, meter) for meter in meters))


def unrated(rates: CommitmentRates) -> tuple[str, ...]:
    """Meters of Savings Plans whose rates are missing: of each usage that some plan may cover and none has a rate for."""
    missing, plans = [], rates.commitments
    for m, meter in enumerate(rates.meters):
        covering = [c for c, plan in enumerate(plans) if covers(plan, meter)]
        if covering and np.isnan(rates.committed_usd[covering, m]).all():
            missing.append(commitment_meter(plans[covering[-1]], meter).id)
    return tuple(dict.fromkeys(missing))


def best_purchase(case: Committable, terms: Terms) -> Purchase:
    """The sizes that cost least on average over next month's loads; nothing where none saves."""
    rates = case.rates(plans_under(case.meters, terms))
    nothing, plans = Purchase(terms=terms, uncovered=unrated(rates)), rated(rates)
    if not plans or not case.hours.size:
        return nothing
    case = case.merged()
    bought, _ = cheapest_sizes(case, plans)
    rates = case.beside_held(bought)
    none, with_them = (case.future_usd(rates, np.full(len(bought), scale)) for scale in (0.0, 1.0))
    if not with_them < none:
        return nothing
    return replace(nothing, commitments=bought, saving_usd=none - with_them)


def price_with_purchase(
    parts: Sequence[Part], hours: FloatArray, workload: Workload, search: Search, terms: Terms | None
) -> PricedParts:
    """Bill of a month of a plan with what is best bought for it, if terms are given; on demand where nothing has a rate."""
    if terms is None:
        return price_plan(parts, hours, search)
    purchase = best_purchase(committable(workload, search, parts, hours), terms)
    return price_plan(parts, hours, replace(search, bought=purchase.commitments))


def as_unrated(priced: PricedParts, purchase: Purchase) -> PricedParts:
    """No bill of a plan without new commitments, of which those of a purchase lack a rate; the least is what no plan covers.

    The most is what it costs on demand, but held against a plan that has all rates that would let the want of a rate decide.
    """
    if priced.bill is None:
        return priced
    items = priced.bill.line_items
    least = math.fsum(item.amount_usd for item in items if not is_covered(Meter(id=item.meter, unit=item.unit), purchase.terms))
    return replace(priced, bill=None, monthly_usd=None, missing=purchase.uncovered, priced_usd=least)


def is_covered(meter: Meter, terms: Terms) -> bool:
    """Whether some Savings Plan of these terms may cover a usage."""
    return any(covers(plan, meter) for plan in plans_under([meter], terms))
