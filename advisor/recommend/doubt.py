"""How sure: draws of next month's cost for all alternatives of a scope, what would settle a close call, and where it flips."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from advisor.optimize.history import RecentLoad, cost_history
from advisor.optimize.parts import Part
from advisor.optimize.pricing import PricedParts
from advisor.optimize.search import Search
from advisor.plan import Commitment
from advisor.recommend.result import BreakEven
from advisor.recommend.verdict import Ranked
from advisor.uncertainty import SEED, CostHistory, month_draws, odds
from advisor.units import HOURS_PER_MONTH, BoolArray, FloatArray
from advisor.workload import Growth, Workload

LOADS_BELOW = (1.0, 0.7, 0.5, 0.35, 0.25)
LOADS_ABOVE = (1.0, 1.4, 2.0, 2.8, 4.0)
STEPS_BETWEEN = 8
NEAR_FRACTION = 0.1
"""Two loads at which the recommended plan is cheaper by less may have one between them at which it is not."""
FLIP_STEPS = 2
SETTLING_DRAWS = 2_000

_SETTLED_BY = {
    "load": "more weeks of this load decide: ask again in a month",
    "packing": "how densely ECS packs the instances decides: run it for a day and count them",
    "spot": "the Spot price decides: take today's with --rates, or leave Spot out",
    "prices": "old rates decide: renew them with advisor prices refresh",
    "growth": "the growth that you expect decides: narrow its spread",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """Alternatives of one scope with their draws, and the history that these come from."""

    items: tuple[Ranked, ...]
    history: CostHistory | None
    """One column for each alternative with draws, in order; None with too little history."""
    growth: Growth
    idle_usd: float
    """A month of commitments that no plan can use: on top of every draw."""

    def settle(self, best: Ranked, rival: Ranked) -> str:
        """What would decide between two alternatives: the source of doubt that moves their difference most."""
        if self.history is None:
            return ""
        ids = [item.alternative.id for item in self.items if item.draws_usd is not None]
        columns = [ids.index(item.alternative.id) for item in (best, rival)]
        spread = {name: _spread(history, growth) for name, history, growth in _alone(_of(self.history, columns), self.growth)}
        name = max(spread, key=lambda each: spread[each])
        return _SETTLED_BY[name] if spread[name] > 0 else ""

    def of_load(self) -> "Drawn":
        """The same alternatives, with draws that leave out what no later load can tell.

        Packing by ECS, and the age of rates.
        """
        if self.history is None:
            return self
        history = replace(self.history, range_fraction=None, price_age_years=None)
        draws = month_draws(history, growth=self.growth) + self.idle_usd
        return replace(self, items=_with_draws(self.items, draws), history=history)


def _with_draws(items: Sequence[Ranked], draws: FloatArray) -> tuple[Ranked, ...]:
    """Alternatives that have a price with one column each of ``draws`` (draws, plans), and what the draws say."""
    at = [i for i, item in enumerate(items) if item.alternative.monthly_usd is not None]
    result = list(items)
    for column, i in enumerate(at):
        result[i] = replace(items[i], draws_usd=draws[:, column])
    return with_odds(result)


def drawn(
    items: Sequence[Ranked],
    choices: Sequence[Sequence[Part]],
    priced: Sequence[PricedParts],
    workload: Workload,
    search: Search,
    measured: BoolArray,
    recent: RecentLoad | None = None,
    bought: Sequence[tuple[Commitment, ...]] | None = None,
) -> Drawn:
    """Fill quantiles, chances and regret into the alternatives that have a price.

    Parameters
    ----------
    items, choices, priced
        Alternatives of one scope, the parts of each, and their bills.
    measured : (steps,)
        Where the load of all their services is known.
    recent
        Of the same workload and ``measured``, where it is at hand: it remembers what plans cost at other loads.
    bought
        New commitments of each; by default none.
    """
    at = [i for i, item in enumerate(items) if item.alternative.monthly_usd is not None]
    growth, idle_usd = workload.growth, search.idle_usd_per_hour * HOURS_PER_MONTH
    none = Drawn(items=tuple(items), history=None, growth=growth, idle_usd=idle_usd)
    if not at:
        return none
    history = cost_history(
        [choices[i] for i in at],
        [priced[i] for i in at],
        workload,
        search,
        measured,
        recent or RecentLoad(workload, search, measured),
        [bought[i] if bought else () for i in at],
    )
    if not history.has_draws:
        return none
    # A plan's cost goes with its load by a power, which knows no floor; what is bought is due in every draw.
    due_usd = [math.fsum(each.plan_usd_per_hour for each in bought[i]) * HOURS_PER_MONTH if bought else 0.0 for i in at]
    draws = np.maximum(month_draws(history, growth=growth), due_usd) + idle_usd
    return replace(none, items=_with_draws(items, draws), history=history)


def with_odds(items: Sequence[Ranked]) -> tuple[Ranked, ...]:
    """Alternatives with what their draws say, chances among what can be recommended; comparisons get quantiles only."""
    result = list(items)
    for is_comparison in (False, True):
        at = [
            i for i, item in enumerate(items) if item.draws_usd is not None and item.alternative.is_comparison == is_comparison
        ]
        if not at:
            continue
        found = odds(np.stack([draws for i in at if (draws := items[i].draws_usd) is not None], axis=1))
        for column, i in enumerate(at):
            alternative = items[i].alternative
            if alternative.monthly_usd is None:
                continue
            monthly = replace(
                alternative.monthly_usd,
                p10=float(found.p10[column]),
                p50=float(found.p50[column]),
                p90=float(found.p90[column]),
            )
            chance = None if is_comparison else float(found.probability_cheapest[column])
            regret = None if is_comparison else float(found.regret_usd[column])
            changed = replace(
                alternative,
                monthly_usd=monthly,
                expected_usd=float(found.mean[column]),
                probability_cheapest=chance,
                expected_regret_usd=regret,
            )
            result[i] = replace(items[i], alternative=changed)
    return tuple(result)


def break_even(
    against: str, ours: Sequence[Part], theirs: Sequence[Part], recent: RecentLoad, recent_of_theirs: RecentLoad | None = None
) -> BreakEven:
    """Load factors at which another plan becomes cheaper than the recommended one, on the last four weeks.

    Where new commitments are bought, each plan has the recent load with its own.

    With whole tasks the costs may cross several times: the crossings nearest to today's load are given. Missed are those of a
    stretch of less than 4 % of the load, or between loads at which the recommended plan is far cheaper.
    """

    def lead(load_factor: float) -> float:
        """How much cheaper ours is. [USD a month]"""
        return (recent_of_theirs or recent).monthly_usd(theirs, load_factor) - recent.monthly_usd(ours, load_factor)

    def is_near(load_factor: float) -> bool:
        return lead(load_factor) < NEAR_FRACTION * recent.monthly_usd(ours, load_factor)

    if not lead(1.0) > 0:
        return BreakEven(against=against, lower_load_factor=None, upper_load_factor=None, dearer_fraction=None)
    return BreakEven(
        against=against,
        lower_load_factor=_first_crossing(lead, is_near, LOADS_BELOW),
        upper_load_factor=_first_crossing(lead, is_near, LOADS_ABOVE),
        dearer_fraction=lead(1.0) / recent.monthly_usd(ours, 1.0),
    )


def _first_crossing(
    lead: Callable[[float], float], is_near: Callable[[float], bool], load_factors: Sequence[float]
) -> float | None:
    """The crossing that comes first on the way along some loads, from today's on; None without one.

    Where the costs are near each other, or the other plan has become cheaper, loads between are tried in small steps.
    """
    for here, there in pairwise(load_factors):
        if is_near(here) or is_near(there):
            steps = np.geomspace(here, there, STEPS_BETWEEN + 1).tolist()
            for ours_at, at in pairwise(steps):
                if lead(at) < 0:
                    return _crossing(lead, at, ours_at)
    return None


def _crossing(lead: Callable[[float], float], theirs_at: float, ours_at: float) -> float:
    """Load factor between one at which the other plan is cheaper and one at which ours is, by halving in the logarithm."""
    for _ in range(FLIP_STEPS):
        middle = float(np.sqrt(theirs_at * ours_at))
        if lead(middle) < 0:
            theirs_at = middle
        else:
            ours_at = middle
    return float(f"{np.sqrt(theirs_at * ours_at):.3g}")


def _alone(history: CostHistory, growth: Growth) -> list[tuple[str, CostHistory, Growth]]:
    """The same history with one source of doubt at a time."""
    none = replace(history, is_stated=True, range_fraction=None, spot_fraction=None, price_age_years=None)
    return [
        ("load", replace(none, is_stated=history.is_stated), Growth()),
        ("packing", replace(none, range_fraction=history.range_fraction), Growth()),
        ("spot", replace(none, spot_fraction=history.spot_fraction), Growth()),
        ("prices", replace(none, price_age_years=history.price_age_years), Growth()),
        ("growth", none, growth),
    ]


def _spread(history: CostHistory, growth: Growth) -> float:
    draws = month_draws(history, growth=growth, n_draws=SETTLING_DRAWS, seed=SEED)
    return float((draws[:, 1] - draws[:, 0]).std())


def _of(history: CostHistory, columns: Sequence[int]) -> CostHistory:
    """Some plans of a history."""

    def of(values: FloatArray | None) -> FloatArray | None:
        return None if values is None else values[..., columns]

    return replace(
        history,
        weekly_usd=history.weekly_usd[:, columns],
        elasticity=history.elasticity[columns],
        range_fraction=of(history.range_fraction),
        spot_fraction=of(history.spot_fraction),
        price_age_years=of(history.price_age_years),
        growth_usd=of(history.growth_usd),
    )
