"""Whether a trend of the load leads to another answer."""

from dataclasses import replace

import numpy as np

from advisor.optimize.alternatives import Alternatives, alternatives
from advisor.optimize.purchases import price_with_purchase
from advisor.optimize.search import Search, search_for
from advisor.plan import Plan, Terms
from advisor.recommend.changes import ChangeKind, changes, weekly_load
from advisor.recommend.plans import plan_of
from advisor.recommend.verdict import Ranked, launch_choice
from advisor.uncertainty import HORIZON_WEEKS
from advisor.workload import Workload

TREND_LOOK_AHEAD_WEEKS = (0, 4, 8, 13, 26)
"""Weeks after the end of the history at which a trend is asked whether the answer would still hold."""


def trend_doubt(best: Ranked, workload: Workload, found: Alternatives, search: Search, terms: Terms | None = None) -> str:
    """Whether the launch types and purchase options would be others at the load that a trend leads to."""
    growth = {
        load.service.name: change.fraction
        for load in found.loads
        if not load.service.is_stated
        for change in changes(weekly_load(search.axis.spread(load.demand), search.axis.week_hours(load.measured)), "")
        if change.kind is ChangeKind.TREND
    }
    plan = best.alternative.plan
    if not growth or plan is None:
        return ""
    recent = workload.last_weeks(HORIZON_WEEKS)
    for n_weeks in TREND_LOOK_AHEAD_WEEKS:
        factors = np.array([(1 + growth.get(service.name, 0.0)) ** n_weeks for service in recent.services])
        title = _cheapest_of_another_choice(recent.times(factors), plan, search, terms)
        if title and n_weeks:
            return f"if the trend goes on, {title} is cheaper in {n_weeks} weeks: say by growth whether it does"
        if title:
            return f"the load has a trend, and on its last four weeks {title} is cheaper"
    return ""


def _cheapest_of_another_choice(workload: Workload, plan: Plan, now: Search, terms: Terms | None) -> str:
    """Title of the choice that is cheapest for a workload, where its launch types or purchase options are others."""
    if not workload.measured.all(axis=0).any():
        return ""
    search = replace(search_for(workload, now.catalog), candidates=now.candidates)
    found = alternatives(workload, search)
    priced = [
        (monthly.mean + monthly.high, choice.title, choice.parts)
        for choice in found.for_cluster
        if choice.parts and not choice.is_comparison
        if (monthly := price_with_purchase(choice.parts, found.common_hours, workload, search, terms).monthly_usd)
    ]
    _, title, parts = min(priced, key=lambda each: each[:2], default=(0.0, "", ()))
    return title if parts and launch_choice(plan_of(parts, workload)) != launch_choice(plan) else ""
