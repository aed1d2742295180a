"""The first screen: verdict, money, saving, how sure, what to do first."""

from collections.abc import Iterator
from typing import Any

from advisor.recommend.result import Recommendation, Saving
from advisor.report.next_steps import first_step
from advisor.report.places import headline, short_title
from advisor.report.sure import flip_sentence, sure_sentence
from advisor.report.under_terms import bought_for_each, terms_sentences
from advisor.report.words import (
    VERDICT_WORDS,
    chance,
    coverage_sentence,
    interval,
    money,
    money_range,
    not_modelled,
    small_percent,
    weeks_words,
)


def first_screen(recommendation: Recommendation) -> dict[str, Any]:
    best, advice = recommendation.recommended, recommendation.recommendation
    says, cost = headline(recommendation), money_range(best.monthly_usd)
    today = _today_figure(recommendation)
    return {
        "title": f"{recommendation.cluster}: {says}, {cost} a month",
        "about": f"{recommendation.cluster}, {recommendation.region}: {coverage_sentence(recommendation)}",
        "verdict": VERDICT_WORDS[advice.verdict],
        "headline": says,
        "doubts": advice.doubts,
        "figures": [
            _figure("costs a month", cost, _cost_more(recommendation)),
            *_saving_figures(advice.saving, recommendation),
            today,
        ],
        "sure": _sure(recommendation),
        "why": advice.why,
        "bought_for_each": bought_for_each(recommendation),
        "terms": terms_sentences(recommendation.under_terms),
        "first_step": first_step(recommendation),
        "not_modelled": not_modelled(recommendation),
    }


def _sure(recommendation: Recommendation) -> str:
    """Where the answer flips; chances and quantiles stand in the figures above it."""
    advice = recommendation.recommendation
    if advice.probability is None:
        return sure_sentence(recommendation)
    error = advice.draws_error_fraction
    own = f"; the draws' own error is {100 * error:.2g} %" if error else ""
    return f"{flip_sentence(recommendation)}{own}"


def _figure(name: str, value: str, more: str, *, is_words: bool = False) -> dict[str, Any]:
    return {"name": name, "value": value, "more": more, "is_words": is_words}


def _cost_more(recommendation: Recommendation) -> str:
    prices = f"prices of {recommendation.run.catalog.get('newest', 'unknown date')}, 730 hours"
    next_month = interval(recommendation.recommended.monthly_usd)
    return prices if next_month == "-" else f"next month {next_month} in 8 of 10 draws; {prices}"


def _saving_figures(saving: Saving | None, recommendation: Recommendation) -> Iterator[dict[str, Any]]:
    if saving is None:
        more = "no alternative of another launch type or purchase option has a price"
        yield _figure("saves a month", "not known", more, is_words=True)
        return
    is_saving = saving.mean >= 0
    span = _span(saving, is_saving=is_saving)
    rival = short_title(recommendation.alternative(saving.against))
    value = f"{money(abs(saving.mean))} ({small_percent(abs(saving.fraction))})"
    yield _figure("saves a month" if is_saving else "costs more a month", value, f"{span}against {rival}")
    probability = recommendation.recommendation.probability
    has_weeks = bool(saving.weeks) and not recommendation.run.is_stated
    if probability is not None:
        weeks = weeks_words(saving, recommendation) if has_weeks else ""
        yield _figure("cheapest in", f"{chance(probability)} of draws", weeks)
    elif has_weeks:
        yield _figure("cheaper in", f"{saving.weeks_cheaper} of {saving.weeks} weeks", "both replayed on the same weeks")
    else:
        yield _figure("cheaper in", "not known", "no whole week was measured", is_words=True)


def _span(saving: Saving, *, is_saving: bool) -> str:
    """The saving in 8 of 10 draws of next month, among which the measured one need not be; without draws, over both ranges."""
    low, high = (saving.low, saving.high) if saving.p10 is None or saving.p90 is None else (saving.p10, saving.p90)
    low, high = (low, high) if is_saving else (-high, -low)
    if money(low) == money(high):
        return ""
    span = f"{money(low)} to {money(high)}"
    return f"{span}, " if saving.p10 is None else f"next month {span} in 8 of 10 draws, "


def _today_figure(recommendation: Recommendation) -> dict[str, Any]:
    present, saving = recommendation.present, recommendation.recommendation.saving_against_present
    if present is None:
        return _figure("today", "not given", "the workload file does not say what runs now", is_words=True)
    if present.monthly_usd is None:
        return _figure("today", "cost not known", f"missing: {', '.join(present.missing)}", is_words=True)
    if saving is None:
        return _figure("today", money(present.monthly_usd.mean), "with new commitments not known, and not compared")
    difference = f"{money(abs(saving.mean))} ({small_percent(abs(saving.fraction))})"
    change = f"saves {difference}" if saving.mean >= 0 else f"costs {difference} more"
    committed = present.with_commitments_usd
    beside = "" if committed is None else f"{money(committed.mean)} with new commitments, against which "
    return _figure("today", money(present.monthly_usd.mean), f"{beside}the recommendation {change}")
