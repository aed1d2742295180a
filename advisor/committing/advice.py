"""From a workload to what to commit to: sizes, what they save in the futures, and what they risk."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from advisor.answer import Answer, answer, recommended
from advisor.committing.outcome import ladder, marginal, nine, with_outcome
from advisor.errors import InputError
from advisor.meters import COMMITMENT_YEARS, PaymentOption
from advisor.optimize.commitment_sizes import (
    BOTH,
    CHEAPEST_SIZE,
    KINDS,
    AskedSize,
    asked_sizes,
    cheapest_sizes,
    missing_rates,
    plans_of,
    rated,
)
from advisor.optimize.committable import Committable, committable
from advisor.optimize.present import has_present, hours_known, present_parts
from advisor.optimize.purchases import plans_under, unrated
from advisor.optimize.replayed import DEFAULT_REPLAY_WEEKS
from advisor.plan import SAVINGS_PLANS, Commitment, Terms, terms_of
from advisor.pricing import PriceCatalog
from advisor.recommend.commitments import (
    UNCOVERED,
    ChoiceWithCommitments,
    CommitmentAdvice,
    CommitmentOption,
    LadderStep,
    LoadToCommitFor,
    MarginalPoint,
)
from advisor.recommend.reasons import folded
from advisor.recommend.result import Recommendation
from advisor.recommend.verdict import finalists, rank
from advisor.workload import Workload


def commit(
    workload: Workload,
    catalog: PriceCatalog,
    *,
    terms: Sequence[int] = COMMITMENT_YEARS,
    payments: Sequence[PaymentOption] = tuple(PaymentOption),
    coverage: float | None = None,
    usd_per_hour: float | None = None,
    replay_weeks: int = DEFAULT_REPLAY_WEEKS,
    on_progress: Callable[[str], None] = lambda _message: None,
) -> CommitmentAdvice:
    """Ways to commit for the load after the recommended plan and for today's, each at its cheapest size.

    Where the workload states terms, the recommended plan is the cheapest with commitments of these, and only they are offered.

    Sizes are the cheapest on average over next month's loads: recent level, its moves and the growth that the workload states,
    as drawn for the recommendation. What is held is applied, too, and stays what it is.

    Parameters
    ----------
    terms
        Years: 1, 3 or both. Three years always cost less and bind longer: which of them is no question of cost.
    coverage
        Share of what can be covered that is to be covered, in place of the cheapest size; on average over the futures.
    usd_per_hour
        A commitment of this size, in place of the cheapest one. Several plans share it as they would at their cheapest sizes.

    Raises
    ------
    InputError
        Both ``coverage`` and ``usd_per_hour``, or out of range.
    AdvisorError
        What :func:`advisor.advise` raises.

    Examples
    --------
    >>> import advisor
    >>> workload = advisor.read_workload("examples/cloudwatch/workload.yaml")
    >>> catalog = advisor.read_catalog(workload.region)
    >>> advice = advisor.commit(workload, catalog, terms=(1,), replay_weeks=0)
    >>> len(advice.options) > 0
    True
    """
    asked = AskedSize(coverage=coverage, usd_per_hour=usd_per_hour)
    check_asked(terms, asked)
    on_progress("working out the recommended plan")
    given, found = recommended(answer(workload, catalog).replayed(replay_weeks), replay_weeks)
    advice = commit_after(given, found, terms=terms, payments=payments, asked=asked, on_progress=on_progress)
    return replace(advice, under_terms=found.under_terms)


def commit_after(
    given: Answer,
    recommendation: Recommendation,
    *,
    terms: Sequence[int] = COMMITMENT_YEARS,
    payments: Sequence[PaymentOption] = tuple(PaymentOption),
    asked: AskedSize = CHEAPEST_SIZE,
    on_progress: Callable[[str], None] = lambda _message: None,
) -> CommitmentAdvice:
    """As :func:`commit`, of an answer that is at hand."""
    workload = given.workload
    stated = terms_of(workload.constraints.terms)
    check_stated(stated, terms, payments)
    best = recommendation.recommendation.alternative
    cases = {"recommended": committable(workload, given.search, given.found.parts_of(best), given.found.common_hours)}
    titles = {"recommended": recommendation.recommendation.headline}
    sides = finalists(rank(given.drawn_for_cluster().items))
    if len(sides) > 1:
        theirs = given.found.parts_of(sides[1].alternative.id)
        cases["runner_up"] = committable(workload, given.search, theirs, given.found.common_hours)
        titles["runner_up"] = sides[1].alternative.title
    notes = [note for note in recommendation.run.notes if note not in workload.notes]
    if has_present(workload):
        parts, unknown = present_parts(workload, given.found.loads, given.search)
        hours = hours_known(parts, given.found.common_measured, given.search.axis)
        if unknown or not hours.any():
            notes.append(f"today's load is left out: not known: {', '.join(unknown) or 'what ran while every load was known'}")
        else:
            cases["present"] = committable(workload, given.search, parts, hours)
            titles["present"] = "what runs today"
    else:
        notes.append("today's load is left out: the workload does not say what runs today (`present`)")
    found = advise_on(
        cases,
        titles,
        cluster=workload.cluster,
        region=workload.region,
        terms=terms,
        payments=payments,
        asked=asked,
        notes=notes,
        stated=stated,
        on_progress=on_progress,
    )
    if stated or not asked.is_cheapest or not {"recommended", "runner_up"} <= {each.load for each in found.loads}:
        return found
    usd = [usd for item in sides if (usd := item.ranking_usd) is not None]
    return replace(found, choices=_choices(usd, found.options, cases))


def advise_on(
    cases: Mapping[str, Committable],
    titles: Mapping[str, str],
    *,
    cluster: str,
    region: str,
    terms: Sequence[int],
    payments: Sequence[PaymentOption],
    asked: AskedSize,
    notes: Sequence[str],
    kinds: Sequence[str] = KINDS,
    stated: Sequence[Terms] = (),
    on_progress: Callable[[str], None] = lambda _message: None,
) -> CommitmentAdvice:
    """Ways to commit for usage by name, among which is ``recommended``, each with its title; of the stated terms if any.

    A case for which what is held lacks a rate is left out, and the notes name the meter.
    """
    unknown = {name: missing for name, case in cases.items() if (missing := case.missing_of_held)}
    left_out = [
        f"{titles[name]} is left out: what is held needs a rate for {folded(missing)}; give it with --rates FILE"
        for name, missing in unknown.items()
    ]
    options: list[CommitmentOption] = []
    sizes: dict[str, tuple[Commitment, ...]] = {}
    loads = []
    known = {name: case for name, case in cases.items() if name not in unknown}
    for name, case in known.items():
        on_progress(f"sizing commitments for {titles[name]}")
        found = [
            _option(name, case, kind, years, payment, asked, sizes)
            for years in terms
            for payment in payments
            for kind in kinds
            if not stated or any(_is_of(each, kind, years, payment) for each in stated)
        ]
        options += [each for each in found if each is not None]
        loads.append(_load(name, titles[name], case, [each for each in found if each is not None]))
    best_by_term = loads[0].best if "recommended" in known else {}
    headline = next((best_by_term[f"{years}y"] for years in sorted(terms) if f"{years}y" in best_by_term), None)
    steps: tuple[LadderStep, ...] = ()
    points: tuple[MarginalPoint, ...] = ()
    if headline is not None:
        steps, points = ladder(cases["recommended"], sizes[headline]), marginal(cases["recommended"], sizes[headline])
    dates = {catalog.catalog_date(each) for each, catalog in cases["recommended"].catalogs.items()}
    return CommitmentAdvice(
        cluster=cluster,
        region=region,
        prices=" to ".join(dict.fromkeys((min(dates), max(dates)))),
        loads=tuple(loads),
        options=tuple(options),
        headline=headline,
        ladder=steps,
        marginal=points,
        choices=(),
        notes=(*notes, *left_out, *_remarks(known, options)),
    )


def _choices(
    usd: Sequence[float], options: Sequence[CommitmentOption], cases: Mapping[str, Committable]
) -> tuple[ChoiceWithCommitments, ...]:
    """Both sides of the choice with what is cheapest for each, term by term; only where each usage of both has a rate.

    One is enough, as under stated terms: what a plan for instances covers, a Compute Savings Plan saves less on.

    ``usd`` is next month's mean of the recommended plan and of the runner-up, with what is held.
    """
    found = []
    for years, payment in dict.fromkeys((option.term_years, option.payment) for option in options):
        here = [each for each in options if (each.term_years, each.payment) == (years, payment)]
        sides = {name: [each for each in here if each.load == name] for name in ("recommended", "runner_up")}
        terms = Terms(years=years, payment=payment)
        lacking = [unrated(cases[name].rates(plans_under(cases[name].meters, terms))) for name in sides]
        missing = tuple(dict.fromkeys(meter for side in lacking for meter in side))
        best = [max((_merit(each) for each in side), default=0.0) for side in sides.values()]
        ours, theirs = (nine(month - max(saving, 0.0)) for month, saving in zip(usd, best, strict=True))
        known = ChoiceWithCommitments(
            term_years=years, payment=payment, missing=missing, recommended_known_usd=ours, runner_up_known_usd=theirs
        )
        if not missing:
            known = replace(known, recommended_usd=ours, runner_up_usd=theirs, is_reversed=theirs < ours)
        found.append(known)
    return tuple(found)


def check_asked(terms: Sequence[int], asked: AskedSize) -> None:
    """Raises InputError where no such commitment is sold."""
    coverage, usd_per_hour = asked.coverage, asked.usd_per_hour
    if not terms or any(years not in COMMITMENT_YEARS for years in terms):
        raise InputError(f"terms of {', '.join(map(str, terms)) or 'no'} years", fix="Give 1, 3 or both.")
    if coverage is not None and usd_per_hour is not None:
        raise InputError("a coverage and an amount are both given", fix="Keep one of them.")
    if coverage is not None and not 0 < coverage <= 1:
        raise InputError(f"a coverage of {coverage:g}", fix="Give a share above 0 up to 1, such as 0.8.")
    if usd_per_hour is not None and not 0 < usd_per_hour <= 1e6:
        raise InputError(f"a commitment of {usd_per_hour:g} USD/h", fix="Give an amount above 0, such as 0.5.")


def check_stated(stated: Sequence[Terms], terms: Sequence[int], payments: Sequence[PaymentOption]) -> None:
    """Raises InputError where nothing that is asked for is among the stated terms."""
    if stated and not any(each.years in terms and each.payment in payments for each in stated):
        raise InputError(
            f"the terms {', '.join(map(str, stated))} are stated, and others are asked for",
            fix="Ask for these, or state others under constraints.terms.",
        )


def _option(
    load: str,
    case: Committable,
    kind: str,
    years: int,
    payment: PaymentOption,
    asked: AskedSize,
    sizes: dict[str, tuple[Commitment, ...]],
) -> CommitmentOption | None:
    """One way to commit; None where it has nothing to cover, or is the same as one of its kinds alone.

    What it has no rate for stays on demand, and is named: AWS covers it, too, where that saves more, so that the bill is no
    higher then.
    """
    plans = plans_of(case.meters, kind, years, payment)
    if not plans or not case.on_demand_usd() > 0:
        return None
    name = f"{load}:{kind}:{years}y:{payment}"
    unknown = CommitmentOption(id=name, load=load, kind=kind, term_years=years, payment=payment)
    lacking, plans = missing_rates(case, plans), rated(case.rates(plans))
    if not plans:
        return replace(unknown, missing=lacking)
    bought, gap = cheapest_sizes(case, plans)
    if not asked.is_cheapest:
        bought, gap = asked_sizes(case, bought or plans, asked), None
    if kind == BOTH and len({plan.kind for plan in bought}) < 2:
        return None
    if bought:
        sizes[name] = bought
    return with_outcome(replace(unknown, gap_fraction=gap, uncovered=lacking), case, bought)


def _is_of(terms: Terms, kind: str, years: int, payment: PaymentOption) -> bool:
    """Whether a way to commit is one of the terms."""
    kinds = {BOTH: SAVINGS_PLANS}.get(kind, (kind,))
    return (terms.years, terms.payment) == (years, payment) and set(kinds) <= set(terms.kinds)


def _load(name: str, title: str, case: Committable, options: Sequence[CommitmentOption]) -> LoadToCommitFor:
    best: dict[str, str] = {}
    for years in sorted({each.term_years for each in options}):
        priced = [each for each in options if each.term_years == years and each.purchases]
        # Within a dollar a month options are equal, and the one that covers more kinds of usage binds least.
        ranked = sorted(priced, key=lambda each: (-round(_merit(each)), KINDS.index(each.kind), -_merit(each), each.id))
        if ranked and _merit(ranked[0]) > 0:
            best[f"{years}y"] = ranked[0].id
    factors = [None] * 3 if case.load_factors is None else np.quantile(case.load_factors, [0.1, 0.5, 0.9]).tolist()
    p10, p50, p90 = (None if each is None else nine(each) for each in factors)
    return LoadToCommitFor(
        load=name,
        title=title,
        on_demand_usd=nine(case.on_demand_usd()),
        held_usd=nine(case.held_usd()),
        load_factor_p10=p10,
        load_factor_p50=p50,
        load_factor_p90=p90,
        best=best,
    )


def _merit(option: CommitmentOption) -> float:
    """Mean saving over the futures, else that of the history, to a cent."""
    usd = option.saving_mean_usd if option.saving_mean_usd is not None else option.saving_usd
    return round(usd or 0.0, 2)


def _remarks(cases: Mapping[str, Committable], options: Sequence[CommitmentOption]) -> list[str]:
    """What the numbers do not hold."""
    found = [
        "futures are next month's: level and moves of the load, and the growth that the workload states; a term is 12 or 36 of"
        " them, so state growth and its spread for what is to come",
        "what is paid upfront bears no interest here",
    ]
    missing, uncovered = ({meter for each in options for meter in getattr(each, name)} for name in ("missing", "uncovered"))
    for meters, what in (
        (missing, "what needs them is not compared"),
        (uncovered, f"what needs them is counted on demand where {UNCOVERED} stands, which may save more"),
    ):
        if meters:
            shown = sorted(meters)
            more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
            found.append(
                f"no rate for {', '.join(shown[:3])}{more}: {what}; give them with --rates FILE, or fetch them with"
                " `advisor prices refresh`"
            )
    found += [
        f"{name}: under two weeks of load, so there are no futures and sizes are those of the history"
        for name, case in cases.items()
        if case.load_factors is None and case.on_demand_usd() > 0
    ]
    return found
