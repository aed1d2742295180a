"""What new commitments make of the launch choice, in sentences."""

from collections.abc import Iterator

from advisor.recommend.reasons import folded
from advisor.recommend.result import Recommendation
from advisor.recommend.under_terms import ChoiceUnderTerms, PlanUnderTerms, UnderTerms
from advisor.report.words import money, where_in


def terms_paragraphs(under: UnderTerms | None) -> list[str]:
    """The sentences of each of the terms together; empty where the workload states none."""
    return [] if under is None else [". ".join(_told(choice, under.recommended)) for choice in under.choices]


def terms_sentences(under: UnderTerms | None) -> list[str]:
    """The same, each by itself."""
    return [] if under is None else [told for choice in under.choices for told in _told(choice, under.recommended)]


def bought_for_each(recommendation: Recommendation) -> str:
    """What to know of the figures of all alternatives; empty where nothing is bought for any."""
    of_recommended = recommendation.under_terms and recommendation.under_terms.of_recommended
    if not of_recommended:
        return ""
    return f"each with the {of_recommended.words} Savings Plans that are best for it in its bill"


def _told(choice: ChoiceUnderTerms, recommended: str | None) -> Iterator[str]:
    """Whether the choice changes, what both plans cost without and with commitments, and how near the bound the plan is."""
    if choice.kept is None or choice.chosen is None:
        yield (
            f"{choice.words}: not compared, for a side of the choice lacks rates: {folded(choice.missing)}; give them with "
            "--rates FILE"
        )
        return
    is_taken = " (recommended)" if choice.terms == recommended else ""
    if choice.is_changed and choice.missing:
        yield (
            f"{choice.words}{is_taken}: {choice.chosen.title} is the cheapest as far as rates are known: {_with(choice.chosen)}"
            f" against at most {_with(choice.kept)} for {choice.kept.title}, which lacks rates: {folded(choice.missing)}; give"
            " them with --rates FILE"
        )
        yield f"Without any: {money(choice.chosen.without_usd)} against {money(choice.kept.without_usd)}"
    elif choice.is_changed:
        saves = choice.kept.with_usd - choice.chosen.with_usd
        by = f"by {money(saves)} a month"
        if saves < 0:  # plans are ranked by next month
            by = f"which costs {money(-saves)} a month more on the measured load and less in the mean of next month,"
        yield (
            f"{choice.words}{is_taken}: the winner changes from {choice.kept.title} to {choice.chosen.title}, {by}"
            f" with commitments on both: {_with(choice.chosen)} against {_with(choice.kept)}"
        )
        yield f"Without any: {money(choice.chosen.without_usd)} against {money(choice.kept.without_usd)}"
    else:
        at_most, lacks = "", ""
        if choice.missing:
            at_most, lacks = "at most ", f", for it lacks rates: {folded(choice.missing)}; give them with --rates FILE"
        yield f"{choice.words}{is_taken}: the choice stays {choice.chosen.title}: {at_most}{_with(choice.chosen)}{lacks}"
        yield f"Without any: {money(choice.chosen.without_usd)}"
    if choice.gap_fraction is not None and choice.bound_usd is not None:
        near = "it is" if choice.gap_fraction < 0.0005 else f"it costs at most {100 * choice.gap_fraction:.1f} % more than"
        # A replay, or next month's load, may make the plan cheaper than packed plans of the measured load.
        is_below = choice.bound_usd <= choice.chosen.with_usd
        least = f"; none, packed at once, costs less than {money(choice.bound_usd)}" if is_below else ""
        yield (
            f"On the load as measured, without growth, packed, at the upper end of what plans may use, {near} the cheapest of"
            f" all ways of each service that were found, with Savings Plans of any size at known rates, else on demand{least}"
        )


def _with(plan: PlanUnderTerms) -> str:
    return f"{money(plan.with_usd)} with {_bought(plan)}"


def _bought(plan: PlanUnderTerms) -> str:
    """``Compute Savings Plan of 0.14 USD/h``: the terms are told once."""
    return ", ".join(each.rpartition(", ")[0] for each in plan.buys) or "nothing bought"


def service_terms_sentence(recommendation: Recommendation, name: str) -> str:
    """Where a service would run without new commitments; empty where that is where it runs, and where no terms are stated."""
    choice = recommendation.under_terms and recommendation.under_terms.of_recommended
    if not choice or choice.kept is None or not choice.is_changed:
        return ""
    kept = next((a for a in recommendation.alternatives if a.id == choice.kept.alternative), None)
    ours = recommendation.recommended.plan
    if kept is None or kept.plan is None or ours is None or name not in kept.plan.services:
        return ""
    without, here = where_in(kept.plan, name), where_in(ours, name)
    return "" if without == here else f"without new commitments it would run on {without}"
