"""How far the first alternative can be trusted."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from advisor.ecs import LaunchType, PurchaseOption
from advisor.optimize.choice import base_id, is_default_spread
from advisor.plan import Plan
from advisor.recommend.reasons import percent
from advisor.recommend.result import Alternative, Saving, Verdict
from advisor.uncertainty import chance_of_group, nine_digits
from advisor.units import FloatArray

LEAST_HOURS = 24.0
LEAST_WEEKS = 2
WARN_WEEKS = 4
MAX_LOSING_WEEKS_FRACTION = 0.10
TIE_FRACTION = 0.02
EQUAL_FRACTION = 1e-9
MOST_NAMES, MOST_TITLE = 3, 120
LEAST_OF_A_BILL, MOST_OF_A_BILL = 0.1, 0.5
"""A service in doubt with less of the bill is not named; with half of it or more the answer is in doubt."""
LEAST_PROBABILITY = 0.9
"""On real loads, advice given from 0.9 on was wrong in 2 of 100 cases near break-even; see ``docs/calibration.md``."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranked:
    """An alternative with what the verdict needs beside it."""

    alternative: Alternative
    weekly_usd: FloatArray
    """(weeks,): upper end of each week's cost."""
    priced_usd: float
    """Cost of what has a price."""
    draws_usd: FloatArray | None = None
    """(draws,): cost of next month, the same draws for every alternative of a scope; None with too little history."""

    @property
    def ranking_usd(self) -> float | None:
        """What alternatives are ranked by: the mean of the draws, or without draws the upper end; None without a price."""
        if self.alternative.monthly_usd is None:
            return None
        if self.alternative.expected_usd is not None:
            return self.alternative.expected_usd
        return self.alternative.monthly_usd.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict and what it rests on."""

    verdict: Verdict
    saving: Saving | None
    doubts: tuple[str, ...]
    probability: float | None = None
    """That the recommended launch types and purchase options are those of the cheapest plan; None without draws."""


def launch_choice(plan: Plan) -> dict[str, tuple[LaunchType, PurchaseOption]]:
    """Launch type and purchase option of each service: what a migration would change."""
    return {name: (service.launch_type, service.purchase_option) for name, service in plan.services.items()}


def rank(ranked: Sequence[Ranked]) -> list[Ranked]:
    """Cheapest first, no comparison before all choices; then what has no price, then what ECS cannot run; equal ones by id."""
    choices = [item.ranking_usd for item in ranked if not item.alternative.is_comparison and item.ranking_usd is not None]
    least = min(choices, default=0.0)

    def key(item: Ranked) -> tuple[int, float, bool, str]:
        usd, is_beside = item.ranking_usd, item.alternative.is_comparison
        if usd is not None:
            is_first = is_beside and usd < least
            return (0, round(least if is_first else usd, 9), is_first, item.alternative.id)
        return (1 if item.alternative.feasible else 2, 0.0, False, item.alternative.id)

    return sorted(ranked, key=key)


def with_cheaper_placements(ranked: Sequence[Ranked]) -> tuple[Ranked, ...]:
    """With ECS's default placement as a choice of its own where it costs less than packing, which may leave more half full.

    Services that may not share an instance are such a case: the others fill instances first, and these take new ones. So are
    commitments, which cover more of instances whose number moves less.
    """
    usd = {item.alternative.id: item.ranking_usd for item in ranked}

    def judged(item: Ranked) -> Ranked:
        ours, theirs = item.ranking_usd, usd.get(base_id(item.alternative.id))
        is_placement = item.alternative.is_comparison and is_default_spread(item.alternative.id)
        if not is_placement or ours is None or theirs is None or ours >= theirs * (1 - EQUAL_FRACTION):
            return item
        return replace(item, alternative=replace(item.alternative, is_comparison=False, reasons=()))

    return tuple(map(judged, ranked))


def judge(
    ranked: Sequence[Ranked],
    *,
    unpriced: Sequence[str],
    measured_hours: float,
    weeks: float,
    known_weeks: int,
    is_stated: bool,
    settle: Callable[[Ranked, Ranked], str] = lambda _best, _rival: "",
    trend_doubt: str = "",
    memory_doubts: Sequence[str] = (),
    service_doubts: Sequence[str] = (),
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
    known_weeks
        Whole ones among them, counted back from the end, of which at least half was measured: what draws are made from.
    is_stated
        The whole load is a stated constant, so that there is no history to be short of.
    settle
        Says in a clause what would decide between two alternatives.
    trend_doubt
        A sentence where a trend of the load would change the answer if it went on.
    memory_doubts
        A sentence for each service whose tasks may run out of memory.
    service_doubts
        A sentence for each service that makes most of the bill and might be cheaper elsewhere.

    Notes
    -----
    With draws, *recommend* takes a probability of 0.9 that the launch types and purchase options of the first alternative are
    those of the cheapest, and no trend that would change the order within half a year. Without draws it takes nine of ten weeks
    in which the first was cheaper, and an order that the ranges do not change.
    """
    choices = [item for item in ranked if not item.alternative.is_comparison]
    best = choices[0]
    rival = _rival(best, choices)
    saving = None if rival is None else saving_against(best, rival)
    probability = _probability(best, choices)
    doubts: list[str] = []
    if not is_stated and measured_hours < LEAST_HOURS:
        doubts.append(
            f"only {measured_hours:.0f} h of load were measured: at least 24 h are needed, two whole weeks are better"
        )
        return Judgement(verdict=Verdict.NOT_ENOUGH_DATA, saving=saving, doubts=tuple(doubts), probability=probability)
    if not is_stated and weeks < LEAST_WEEKS:
        doubts.append(f"the load covers {weeks:.1f} weeks: a recommendation needs two whole weeks")
    elif not is_stated and known_weeks < LEAST_WEEKS:
        doubts.append(
            f"of the {weeks:.1f} weeks that the load spans, {measured_hours:.0f} h were measured, and "
            f"{'one whole week' if known_weeks else 'no whole week'} by half or more: a recommendation needs two"
        )
    if rival is not None and saving is not None:
        if probability is None:
            doubts.extend(_close_calls(best, rival, saving, choices))
        else:
            doubts.extend(_doubts_of_draws(best, _likeliest(best, rival, choices), saving, probability, settle))
    if trend_doubt:
        doubts.append(trend_doubt)
    doubts.extend(service_doubts)
    doubts.extend(memory_doubts)
    if doubts:
        verdict, sentences = Verdict.TOO_CLOSE_TO_CALL, (*doubts, *unpriced)
    else:
        verdict, sentences = (Verdict.BEST_OF_PRICED if unpriced else Verdict.RECOMMEND), tuple(unpriced)
    return Judgement(verdict=verdict, saving=saving, doubts=sentences, probability=probability)


def _probability(best: Ranked, choices: Sequence[Ranked]) -> float | None:
    """That the cheapest plan has the launch types and purchase options of ``best``; None without draws."""
    drawn = [(item.draws_usd, item.alternative.plan) for item in choices if item.alternative.monthly_usd]
    plan = best.alternative.plan
    if plan is None or any(draws is None for draws, _ in drawn):
        return None
    same = [other is not None and launch_choice(other) == launch_choice(plan) for _, other in drawn]
    return chance_of_group(np.stack([draws for draws, _ in drawn if draws is not None], axis=1), same)


def service_doubts(best: Alternative, by_service: Mapping[str, Sequence[Ranked]]) -> list[tuple[float, str]]:
    """Services that another launch choice might serve cheaper, each with its share of the bill and a sentence.

    The alternatives of a cluster move all services together, or each to where it is cheapest: how sure that is of a single one
    they do not tell. Services that share instances are left out: what one of them saves elsewhere hangs on the others.
    """
    plan, total = best.plan, best.monthly_usd
    if plan is None or total is None or len(by_service) < 2 or not total.mean:
        return []
    found = []
    for name, (kind, is_alone) in _homes(plan).items():
        choices = [item for item in by_service.get(name, ()) if not item.alternative.is_comparison]
        own = [item for item in choices if item.alternative.plan and launch_choice(item.alternative.plan)[name] == kind]
        others = [item for item in choices if item.alternative.monthly_usd and item not in own]
        if not is_alone or not own or not others or own[0].alternative.monthly_usd is None:
            continue
        probability = _probability(own[0], choices)
        if probability is None or probability >= LEAST_PROBABILITY:
            continue
        ours, rival = own[0].alternative.monthly_usd.mean, rank(others)[0].alternative
        theirs = rival.monthly_usd.mean if rival.monthly_usd else ours
        share = ours / total.mean
        more = f"costs ${theirs - ours:,.0f} ({(theirs - ours) / ours:.0%}) a month more" if theirs >= ours else "costs less"
        found.append(
            (
                share,
                f"{name}, {share:.0%} of the bill: another launch choice is cheapest in {percent(1 - probability)} of the "
                f"draws; {_short(rival.title)} {more} on the load that was measured",
            )
        )
    return found


def _homes(plan: Plan) -> dict[str, tuple[tuple[LaunchType, PurchaseOption], bool]]:
    """Launch choice of each service, and whether it has its capacity for itself."""
    on_instances = [service for service in plan.services.values() if service.launch_type is not LaunchType.FARGATE]
    n_on = Counter(service.capacity_provider for service in on_instances)
    return {
        name: ((service.launch_type, service.purchase_option), n_on[service.capacity_provider] < 2)
        for name, service in plan.services.items()
    }


def _doubts_of_draws(
    best: Ranked, rival: Ranked, saving: Saving, probability: float, settle: Callable[[Ranked, Ranked], str]
) -> list[str]:
    if probability >= LEAST_PROBABILITY:
        return []
    kind = "a tie within 2 %" if abs(saving.fraction) <= TIE_FRACTION else "a real doubt"
    decides = settle(best, rival)
    return [
        f"another launch choice is cheapest in {percent(1 - probability)} of the draws, first of all "
        f"{_short(rival.alternative.title)}"
        f"{_undecided(best, rival)} ({kind}){f': {decides}' if decides else ''}"
    ]


def _likeliest(best: Ranked, rival: Ranked, choices: Sequence[Ranked]) -> Ranked:
    """The alternative of another launch choice that is most often the cheapest."""
    plan = best.alternative.plan
    others = [
        item
        for item in choices
        if item.draws_usd is not None and plan and item.alternative.plan
        if launch_choice(item.alternative.plan) != launch_choice(plan)
    ]
    return max(others, key=lambda item: item.alternative.probability_cheapest or 0.0, default=rival)


def _short(title: str) -> str:
    return title if len(title) <= MOST_TITLE else f"{title[: MOST_TITLE - 3]}..."


def _undecided(best: Ranked, rival: Ranked) -> str:
    """The services on which two plans differ, where that is not all of them."""
    ours, theirs = best.alternative.plan, rival.alternative.plan
    if ours is None or theirs is None:
        return ""
    one, other = launch_choice(ours), launch_choice(theirs)
    names = [name for name in one if one[name] != other.get(name)]
    if len(names) == len(one):
        return ""
    few = names if len(names) <= MOST_NAMES else [*names[:MOST_NAMES], f"{len(names) - MOST_NAMES} more"]
    return f", which differs for {', '.join(few)}"


def saving_against(best: Ranked, rival: Ranked) -> Saving:
    """What the best alternative saves against another one that has a price, by the month and week by week."""
    ours, theirs = best.alternative.monthly_usd, rival.alternative.monthly_usd
    if ours is None or theirs is None:
        raise ValueError("a saving needs two prices")
    known = ~(np.isnan(best.weekly_usd) | np.isnan(rival.weekly_usd))
    quantiles: list[float | None] = [None, None, None]
    if best.draws_usd is not None and rival.draws_usd is not None:
        quantiles = [*nine_digits(np.quantile(rival.draws_usd - best.draws_usd, [0.1, 0.5, 0.9])).tolist()]
    return Saving(
        against=rival.alternative.id,
        mean=theirs.mean - ours.mean,
        low=theirs.low - ours.high,
        high=theirs.high - ours.low,
        fraction=(theirs.mean - ours.mean) / theirs.mean if theirs.mean else 0.0,
        p10=quantiles[0],
        p50=quantiles[1],
        p90=quantiles[2],
        weeks_cheaper=int((best.weekly_usd[known] <= rival.weekly_usd[known]).sum()),
        weeks=int(known.sum()),
    )


def finalists(ranked: Sequence[Ranked]) -> list[Ranked]:
    """The first alternative and its rival: those whose costs decide the answer."""
    choices = [item for item in ranked if not item.alternative.is_comparison and item.alternative.monthly_usd]
    if not choices:
        return []
    rival = _rival(choices[0], choices)
    return [choices[0], *([rival] if rival else [])]


def contender(ranked: Sequence[Ranked], is_open: Callable[[Alternative], bool]) -> list[Ranked]:
    """Of the open ones, whose instances are a range yet, the one that might undercut the first by most; none if none might."""
    choices = [item for item in ranked if not item.alternative.is_comparison and item.ranking_usd is not None]
    least = [(_least(item), at, item) for at, item in enumerate(choices[1:]) if is_open(item.alternative)]
    found = min(least, default=None)
    return [found[2]] if found is not None and found[0] < (choices[0].ranking_usd or 0.0) else []


def _least(item: Ranked) -> float:
    """What an alternative is ranked by, at the lower end of its range."""
    monthly = item.alternative.monthly_usd
    if monthly is None or not monthly.high:
        return 0.0
    return (item.ranking_usd or 0.0) * monthly.mean / monthly.high


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
