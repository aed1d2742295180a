"""What runs today costs, and what the recommended plan saves against it."""

from dataclasses import replace

import numpy as np

from advisor.billing import MonthlyUsd
from advisor.optimize.alternatives import Alternatives
from advisor.optimize.committable import committable
from advisor.optimize.held import price_plan
from advisor.optimize.present import has_present, hours_known, present_parts
from advisor.optimize.purchases import best_purchase
from advisor.optimize.search import Search
from advisor.plan import Terms
from advisor.recommend.result import Present, Saving
from advisor.recommend.verdict import Ranked, saving_against
from advisor.workload import Workload


def present_money(workload: Workload, search: Search, found: Alternatives, terms: Terms | None) -> Present | None:
    """A month of what runs today, and under ``terms`` also with what is best bought for it; None where that is not given."""
    if not has_present(workload):
        return None
    parts, unknown = present_parts(workload, found.loads, search)
    hours = hours_known(parts, found.common_measured, search.axis)
    priced = price_plan(parts, hours, search)
    missing = unknown + priced.missing
    if not hours.any():
        missing += ("tasks that ran at a moment at which every load is known",)
    if missing or priced.monthly_usd is None:
        return Present(monthly_usd=None, bill=None, missing=missing)
    today = Present(monthly_usd=_exact(priced.monthly_usd), bill=priced.bill, missing=())
    if terms is None:
        return today
    purchase = best_purchase(committable(workload, search, parts, hours), terms)
    committed = price_plan(parts, hours, replace(search, bought=purchase.commitments))
    if purchase.uncovered or committed.monthly_usd is None:
        return replace(today, missing=purchase.uncovered or committed.missing)
    buys = tuple(map(str, purchase.commitments))
    return replace(today, with_commitments_usd=_exact(committed.monthly_usd), buys=buys)


def saving_against_present(best: Ranked, present: Present | None, terms: Terms | None) -> Saving | None:
    """Like with like: under terms of new commitments today has those that are best for it, too."""
    usd = present and (present.monthly_usd if terms is None else present.with_commitments_usd)
    if not usd:
        return None
    today = replace(best.alternative, id="present", monthly_usd=usd)
    none = np.zeros(0)
    saving = saving_against(replace(best, weekly_usd=none), Ranked(alternative=today, weekly_usd=none, priced_usd=0.0))
    return replace(saving, weeks_cheaper=None, weeks=None)


def _exact(monthly: MonthlyUsd) -> MonthlyUsd:
    """What runs today needs no model of packing."""
    return replace(monthly, high=monthly.mean)
