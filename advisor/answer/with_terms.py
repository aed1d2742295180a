"""The launch choice and new commitments together, where a workload states terms of these."""

from dataclasses import replace

from advisor.answer.given import Answer
from advisor.plan import Terms, terms_of
from advisor.recommend.choices_under_terms import best_together, lacking, with_cheapest_together, with_choices_under_terms
from advisor.recommend.result import Recommendation
from advisor.recommend.under_terms import ChoiceUnderTerms, PlanUnderTerms, UnderTerms
from advisor.recommend.verdict import Ranked, finalists, rank


def recommended(given: Answer, replay_weeks: int) -> tuple[Answer, Recommendation]:
    """The recommendation, and the answer that it is of.

    Without terms that is the answer that was given. With some, launch choices are ranked once more under each of them, every
    alternative with the Savings Plans that are best for it in its bill, and the recommended plan is the cheapest of all.
    """
    terms = terms_of(given.workload.constraints.terms)
    if not terms or not finalists(rank(given.drawn_for_cluster().items)):
        return given, given.recommendation()
    missing = {each: lacking(given.found, given.search, each) for each in terms}
    compared = [each for each in terms if not missing[each]]
    answers = _answers(given, compared, replay_weeks)
    choices = {each: _choice(given, answers[each], each) for each in compared}
    told = tuple(
        choices.get(each) or ChoiceUnderTerms(terms=str(each), words=each.words, missing=missing[each]) for each in terms
    )
    ranked = [rank(answers[each].drawn_for_cluster().items)[0].ranking_usd for each in compared]
    costs = [(usd, each) for usd, each in zip(ranked, compared, strict=True) if usd is not None and choices[each].chosen]
    best = min(costs, key=lambda cost: cost[0], default=(0.0, None))[1]
    of_best = given if best is None else answers[best]
    return of_best, replace(
        of_best.recommendation(), under_terms=UnderTerms(choices=told, recommended=None if best is None else str(best))
    )


def _answers(given: Answer, terms: list[Terms], replay_weeks: int) -> dict[Terms, Answer]:
    """One for each of the terms, all of the same choices, of which the finalists of each are replayed."""
    current = given
    for each in terms:
        found = with_choices_under_terms(given.workload, given.search, current.found, each)
        current = replace(current, found=found)
    for each in terms:
        current = replace(current, terms=each).replayed(replay_weeks)
        if replay_weeks:  # which may have made another way of a service the cheapest
            found = with_cheapest_together(given.search, current.found, each)
            current = replace(current, found=found).replayed(replay_weeks)
    return {each: replace(current, terms=each) for each in terms}


def _choice(given: Answer, under: Answer, terms: Terms) -> ChoiceUnderTerms:
    kept = rank(given.drawn_for_cluster().items)[0]
    chosen = rank(under.drawn_for_cluster().items)[0]
    in_list = {choice.id: choice for choice in under.found.for_cluster}
    # Where a replay has made it the same plan as another one, its name is gone from the list.
    kept_choice = in_list.get(kept.alternative.id) or given.found.choice(kept.alternative.id)
    kept_with = under.drawn_alone(kept_choice)
    unknown = kept_with.alternative.missing or chosen.alternative.missing
    if unknown:
        return ChoiceUnderTerms(terms=str(terms), words=terms.words, missing=unknown)
    without = {item.alternative.id: item for item in replace(under, terms=None).drawn_for_cluster().items}
    bound = best_together(under.found, given.search, terms, under.found.parts_of(chosen.alternative.id))
    return ChoiceUnderTerms(
        terms=str(terms),
        words=terms.words,
        missing=under.uncovered(kept_choice.parts),
        kept=_plan(kept, kept_with),
        chosen=_plan(without[chosen.alternative.id], chosen),
        bound_usd=None if bound is None else bound.bound_usd,
        gap_fraction=None if bound is None else bound.gap_fraction,
    )


def _plan(without: Ranked, with_purchase: Ranked) -> PlanUnderTerms:
    on_demand, committed = without.alternative.monthly_usd, with_purchase.alternative.monthly_usd
    if on_demand is None or committed is None:
        raise ValueError(f"{without.alternative.id} has no price")
    return PlanUnderTerms(
        alternative=with_purchase.alternative.id,
        title=with_purchase.alternative.title,
        without_usd=on_demand.high,
        with_usd=committed.high,
        buys=with_purchase.alternative.buys,
    )
