"""How far the first alternative can be trusted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from advisor.ecs import LaunchType, PurchaseOption
from advisor.plan import Plan
from advisor.recommend.result import Alternative, Saving, Verdict
from advisor.units import FloatArray

LEAST_HOURS = 24.0
LEAST_WEEKS = 2
WARN_WEEKS = 4
MAX_LOSING_WEEKS_FRACTION = 0.10
TIE_FRACTION = 0.02


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranked:
    """An alternative with what the verdict needs beside it."""

    alternative: Alternative
    weekly_usd: FloatArray
    """(weeks,): upper end of each week's cost."""
    priced_usd: float
    """Cost of what has a price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict and what it rests on."""

    verdict: Verdict
    saving: Saving | None
    doubts: tuple[str, ...]


def launch_choice(plan: Plan) -> dict[str, tuple[LaunchType, PurchaseOption]]:
    """Launch type and purchase option of each service: what a migration would change."""
    return {name: (service.launch_type, service.purchase_option) for name, service in plan.services.items()}


def rank(ranked: Sequence[Ranked]) -> list[Ranked]:
    """Cheapest upper end first; then what has no price, then what ECS cannot run; equal ones by id."""

    def key(item: Ranked) -> tuple[int, float, str]:
        a = item.alternative
        if a.monthly_usd is not None:
            return (0, round(a.monthly_usd.high, 9), a.id)
        return (1 if a.feasible else 2, 0.0, a.id)

    return sorted(ranked, key=key)


def judge(
    ranked: Sequence[Ranked], *, unpriced: Sequence[str], measured_hours: float, weeks: float, is_stated: bool
) -> Judgement:
    """Verdict on the first of ``ranked``, which has a price.

    Parameters
    ----------
    ranked
        All alternatives of one scope, in order.
    unpriced
        A sentence for each choice that has no price and might win.
    measured_hours, weeks
        How much load was measured, and over how many weeks.
    is_stated
        The whole load is a stated constant, so that there is no history to be short of.
    """
    choices = [item for item in ranked if not item.alternative.is_comparison]
    best = choices[0]
    rival = _rival(best, choices)
    saving = None if rival is None else saving_against(best, rival)
    doubts: list[str] = []
    if not is_stated and measured_hours < LEAST_HOURS:
        doubts.append(
            f"only {measured_hours:.0f} h of load were measured: at least 24 h are needed, two whole weeks are better"
        )
        return Judgement(verdict=Verdict.NOT_ENOUGH_DATA, saving=saving, doubts=tuple(doubts))
    if not is_stated and weeks < LEAST_WEEKS:
        doubts.append(f"the load covers {weeks:.1f} weeks: a recommendation needs two whole weeks")
    if rival is not None and saving is not None:
        doubts.extend(_close_calls(best, rival, saving, choices))
    if doubts:
        return Judgement(verdict=Verdict.TOO_CLOSE_TO_CALL, saving=saving, doubts=(*doubts, *unpriced))
    verdict = Verdict.BEST_OF_PRICED if unpriced else Verdict.RECOMMEND
    return Judgement(verdict=verdict, saving=saving, doubts=tuple(unpriced))


def saving_against(best: Ranked, rival: Ranked) -> Saving:
    """What the best alternative saves against another one that has a price, by the month and week by week."""
    ours, theirs = best.alternative.monthly_usd, rival.alternative.monthly_usd
    if ours is None or theirs is None:
        raise ValueError("a saving needs two prices")
    known = ~(np.isnan(best.weekly_usd) | np.isnan(rival.weekly_usd))
    return Saving(
        against=rival.alternative.id,
        mean=theirs.mean - ours.mean,
        low=theirs.low - ours.high,
        high=theirs.high - ours.low,
        fraction=(theirs.mean - ours.mean) / theirs.mean if theirs.mean else 0.0,
        weeks_cheaper=int((best.weekly_usd[known] <= rival.weekly_usd[known]).sum()),
        weeks=int(known.sum()),
    )


def _rival(best: Ranked, choices: Sequence[Ranked]) -> Ranked | None:
    """The cheapest alternative of another launch type or purchase option."""
    plan = best.alternative.plan
    for item in choices[1:]:
        other = item.alternative
        if other.monthly_usd and other.plan and plan and launch_choice(other.plan) != launch_choice(plan):
            return item
    return None


def _close_calls(best: Ranked, rival: Ranked, saving: Saving, choices: Sequence[Ranked]) -> list[str]:
    doubts = []
    cheapest_low = min((item for item in choices if item.alternative.monthly_usd), key=_low)
    if cheapest_low.alternative.plan and best.alternative.plan:
        is_other = launch_choice(cheapest_low.alternative.plan) != launch_choice(best.alternative.plan)
        if is_other and _low(cheapest_low) < _low(best):
            doubts.append(
                f"{cheapest_low.alternative.title} would win at the low end of its range: "
                "how densely ECS packs this load onto instances decides"
            )
    if saving.weeks and saving.weeks_cheaper is not None:
        losing = saving.weeks - saving.weeks_cheaper
        if losing > MAX_LOSING_WEEKS_FRACTION * saving.weeks:
            doubts.append(f"{rival.alternative.title} was cheaper in {losing} of {saving.weeks} weeks")
    if doubts:
        kind = "a tie within 2 %" if abs(saving.fraction) <= TIE_FRACTION else "a real doubt"
        doubts[-1] += f" ({kind})"
    return doubts


def _low(item: Ranked) -> float:
    monthly = item.alternative.monthly_usd
    return float("inf") if monthly is None else monthly.low
