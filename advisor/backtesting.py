"""Was the advice right: advise on the first part of a history, bill every plan on what followed, and go on from there."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np

from advisor.answer import Answer, answer
from advisor.errors import InputError
from advisor.optimize.fixed import on_load
from advisor.optimize.held import price_plan
from advisor.optimize.parts import Part
from advisor.optimize.search import search_for
from advisor.pricing import PriceCatalog
from advisor.recommend.doubt import Drawn
from advisor.recommend.result import Alternative, Verdict
from advisor.recommend.verdict import LEAST_PROBABILITY, launch_choice, rank
from advisor.uncertainty import HORIZON_WEEKS, LEAST_WEEKS, nine_digits
from advisor.units import HOURS_PER_MONTH, HOURS_PER_WEEK, SECONDS_PER_HOUR, FloatArray
from advisor.workload import Workload

DEFAULT_HISTORY_WEEKS = 8
NORMAL_80 = 1.2816
LEAST_FOLDS_FOR_INTERVAL = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldAlternative:
    """One alternative of a fold: what was said of next month, and what came. [USD a month of 730 h]"""

    id: str
    title: str
    p10: float
    p50: float
    p90: float
    actual: float
    probability_cheapest: float
    normal_p10: float
    """By a normal interval from weekly totals, to compare with."""
    normal_p90: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Advice at one moment, and the weeks after it."""

    origin: str
    """UTC time at which the history ended."""
    history_weeks: int
    alternatives: tuple[FoldAlternative, ...]
    verdict: Verdict
    chosen: str
    """Id of the alternative ranked first."""
    chosen_usd: float
    """What it then cost. [USD a month]"""
    cheapest: str
    cheapest_usd: float
    probability: float
    """Chance that was given to the launch types and purchase options of the chosen alternative."""
    was_right: bool
    """The cheapest alternative of the weeks that followed has the launch types and purchase options of the chosen one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """Folds and what they add up to."""

    folds: tuple[Fold, ...]
    effective_folds: float
    """Folds that would tell as much if each was independent of the one before."""
    coverage_80: float
    """Share of the intervals that held what came."""
    coverage_interval: tuple[float, float] | None
    """Exact 95 % interval of the coverage at ``effective_folds``; None under five folds."""
    score_over_normal: float | None
    """Interval score over that of a normal interval; None where that is 0."""
    brier: float
    """Mean square of chance minus outcome, for the launch choice ranked first."""
    mean_regret_fraction: float
    """What the choices cost more than the cheapest of the weeks that followed."""
    recommended_fraction: float
    """Share of folds whose choice had a chance of 0.9 or more; a trend, or memory, may still have kept back the advice."""
    wrong_of_recommended_fraction: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as ``advisor backtest --format json`` prints."""
        return asdict(self)


def backtest(
    workload: Workload,
    catalog: PriceCatalog,
    *,
    history_weeks: int = DEFAULT_HISTORY_WEEKS,
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Backtest:
    """Advise on ``history_weeks`` of load, bill every plan on the four weeks that followed, and go four weeks on.

    Both sides use the same model and rates: what is tested is the forecast of the load and the choice, not the model of AWS's
    bill. Ranges for packing and old prices, which no later load can settle, are left out of the intervals here.

    Parameters
    ----------
    history_weeks
        At least 2.
    on_progress
        Told folds done and folds in all.

    Raises
    ------
    InputError
        The load is shorter than the history and the weeks after it, or only stated.

    Examples
    --------
    >>> import advisor
    >>> workload = advisor.read_workload("examples/cloudwatch/workload.yaml")
    >>> catalog = advisor.read_catalog(workload.region)
    >>> found = advisor.backtest(workload, catalog, history_weeks=4)
    >>> [fold.was_right for fold in found.folds]
    [True]
    """
    per_week = HOURS_PER_WEEK * SECONDS_PER_HOUR // workload.step_s
    n_fold = (history_weeks + HORIZON_WEEKS) * per_week
    if all(service.is_stated for service in workload.services):
        raise InputError("the load is a statement, not a measurement: there is nothing to test it on", fix="Measure a load.")
    if history_weeks < LEAST_WEEKS or workload.n_steps < n_fold:
        have, least = workload.n_steps / per_week, LEAST_WEEKS + HORIZON_WEEKS
        other = f", or other --history-weeks, at least {LEAST_WEEKS}" if have >= least else ""
        raise InputError(
            f"a back-test takes {history_weeks} weeks of history and {HORIZON_WEEKS} weeks after them; the load has {have:.1f}",
            fix=f"Give a load of at least {max(history_weeks, LEAST_WEEKS) + HORIZON_WEEKS} weeks{other}.",
        )
    origins = list(range(workload.n_steps - HORIZON_WEEKS * per_week, history_weeks * per_week - 1, -HORIZON_WEEKS * per_week))
    folds = []
    for done, origin in enumerate(reversed(origins)):
        past = workload.between(origin - history_weeks * per_week, origin)
        future = workload.between(origin, origin + HORIZON_WEEKS * per_week)
        fold = _fold(past, future, catalog, history_weeks)
        if fold is not None:
            folds.append(fold)
        on_progress(done + 1, len(origins))
    if not folds:
        raise InputError(
            "no fold has a measured history and a measured month after it", fix="Look at the gaps with `advisor inspect`."
        )
    return _summary(folds)


def _fold(past: Workload, future: Workload, catalog: PriceCatalog, history_weeks: int) -> Fold | None:
    given = answer(past, catalog)
    drawn = given.drawn_for_cluster().of_load()
    if drawn.history is None:
        return None
    ranked = rank(drawn.items)
    judgement = given.judge(drawn, ranked, ())
    priced = [item.alternative for item in drawn.items if item.draws_usd is not None]
    can_win = [not alternative.is_comparison for alternative in priced]
    items = [alternative for alternative, ok in zip(priced, can_win, strict=True) if ok]
    actual = _actual(given, drawn, [alternative.id for alternative in items], future, catalog)
    if actual is None:
        return None
    normal = _normal(drawn.history.weekly_usd[:, can_win])
    ids = [alternative.id for alternative in items]
    chosen, cheapest = ids.index(ranked[0].alternative.id), int(np.argmin(actual))
    plans = [alternative.plan for alternative in items]
    choices = [None if plan is None else launch_choice(plan) for plan in plans]
    least = actual[cheapest] * (1 + 1e-9)
    was_right = any(choice == choices[chosen] and usd <= least for choice, usd in zip(choices, actual, strict=True))
    return Fold(
        origin=(past.start + timedelta(hours=past.span_hours)).isoformat(),
        history_weeks=history_weeks,
        alternatives=tuple(
            _fold_alternative(each, float(usd), interval)
            for each, usd, interval in zip(items, actual, normal.T.tolist(), strict=True)
        ),
        verdict=judgement.verdict,
        chosen=items[chosen].id,
        chosen_usd=float(actual[chosen]),
        cheapest=items[cheapest].id,
        cheapest_usd=float(actual[cheapest]),
        probability=judgement.probability if judgement.probability is not None else 0.0,
        was_right=was_right,
    )


def _fold_alternative(said: Alternative, actual_usd: float, normal: Sequence[float]) -> FoldAlternative:
    monthly = said.monthly_usd
    if monthly is None or monthly.p10 is None or monthly.p50 is None or monthly.p90 is None:
        raise ValueError(f"{said.id} has no draws")
    return FoldAlternative(
        id=said.id,
        title=said.title,
        p10=monthly.p10,
        p50=monthly.p50,
        p90=monthly.p90,
        actual=actual_usd,
        probability_cheapest=said.probability_cheapest or 0.0,
        normal_p10=normal[0],
        normal_p90=normal[1],
    )


def _actual(given: Answer, drawn: Drawn, ids: Sequence[str], future: Workload, catalog: PriceCatalog) -> FloatArray | None:
    """(alternatives,): bill of a month at the load that followed; None where too little of it was measured."""
    measured = future.measured.all(axis=0)
    if measured.mean() < 0.5:
        return None
    search = replace(search_for(future, catalog), candidates=given.search.candidates)
    hours = search.axis.month_hours(np.repeat(measured, search.axis.steps_per_input_step))

    def bill(parts: Sequence[Part]) -> float:
        monthly = price_plan(on_load(parts, future, search), hours, search).monthly_usd
        return float("nan") if monthly is None else monthly.mean

    return nine_digits(np.array([bill(given.found.parts_of(each)) for each in ids]))


def _normal(weekly_usd: FloatArray) -> FloatArray:
    """(2, plans): mean of the weeks, give or take 1.28 standard deviations of a mean of four."""
    half = NORMAL_80 * weekly_usd.std(axis=0, ddof=1) / np.sqrt(HORIZON_WEEKS)
    mean = weekly_usd.mean(axis=0)
    return nine_digits(np.stack([mean - half, mean + half]) * (HOURS_PER_MONTH / HOURS_PER_WEEK))


def interval_score(low: FloatArray, high: FloatArray, actual: FloatArray) -> FloatArray:
    """Score of an 80 % interval, lower is better: its width, and ten times what it missed by.

    References
    ----------
    Gneiting and Raftery, "Strictly proper scoring rules, prediction, and estimation", JASA 102 (2007), section 6.2.
    """
    return np.asarray((high - low) + 10 * np.maximum(low - actual, 0) + 10 * np.maximum(actual - high, 0))


def effective_folds(hits: FloatArray) -> float:
    """How many independent folds would tell as much: by the correlation of each fold with the one before, if positive."""
    n = hits.size
    if n < 3 or hits.std() == 0:
        return float(n)
    centred = hits - hits.mean()
    correlation = float((centred[1:] * centred[:-1]).sum() / (centred**2).sum())
    rho = min(max(correlation, 0.0), 0.95)
    return float(f"{n * (1 - rho) / (1 + rho):.9g}")


def exact_interval(fraction: float, n: float) -> tuple[float, float]:
    """Clopper and Pearson's 95 % interval of a share seen in ``n`` folds, which need not be whole."""
    from scipy.special import betaincinv  # type: ignore[import-untyped]  # scipy has no types

    k = fraction * n
    low = float(betaincinv(k, n - k + 1, 0.025)) if k > 0 else 0.0
    high = float(betaincinv(k + 1, n - k, 0.975)) if k < n else 1.0
    return low, high


def _summary(folds: Sequence[Fold]) -> Backtest:
    hits, ours, normal = [], 0.0, 0.0
    for fold in folds:
        p10, p90, actual, low, high = (
            np.array([getattr(each, name) for each in fold.alternatives])
            for name in ("p10", "p90", "actual", "normal_p10", "normal_p90")
        )
        hits.append(float(((p10 <= actual) & (actual <= p90)).mean()))
        ours += float((interval_score(p10, p90, actual) / actual.mean()).mean())
        normal += float((interval_score(low, high, actual) / actual.mean()).mean())
    coverage, n = float(np.mean(hits)), effective_folds(np.array(hits))
    advised = [fold for fold in folds if fold.probability >= LEAST_PROBABILITY]
    outcome = np.array([float(fold.was_right) for fold in folds])
    chances = np.array([fold.probability for fold in folds])
    regret = [fold.chosen_usd / fold.cheapest_usd - 1 if fold.cheapest_usd else 0.0 for fold in folds]
    return Backtest(
        folds=tuple(folds),
        effective_folds=n,
        coverage_80=coverage,
        coverage_interval=exact_interval(coverage, n) if len(folds) >= LEAST_FOLDS_FOR_INTERVAL else None,
        score_over_normal=ours / normal if normal > 0 else None,
        brier=float(((chances - outcome) ** 2).mean()),
        mean_regret_fraction=float(np.mean(regret)),
        recommended_fraction=len(advised) / len(folds),
        wrong_of_recommended_fraction=float(np.mean([not f.was_right for f in advised])) if advised else None,
    )
