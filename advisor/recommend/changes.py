"""Trends, steps and changes of regime in a history: detected and said, never extrapolated into the cost."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from advisor.simulate.timeline import Weeks
from advisor.units import HOURS_PER_WEEK, SECONDS_PER_HOUR, FloatArray, IntArray

TREND_WEEKS = 13
LEAST_TREND_WEEKS = 6
TREND_Z = 2.58
"""Two-sided 1 %: of a hundred histories without a trend, one is said to have one."""
LEAST_TAU = 0.6
LEAST_STEP = 0.15
STEP_P = 0.05
LAST_MOVE_MADS = 6.0
LEAST_LAST_MOVE = 0.20
RECENT_STEP_WEEKS = (2, 3, 4)
"""Weeks after a jump that are too few for Pettitt's test, and enough to tell it from a single week."""
NOTHING_FRACTION = 1e-3
"""Of the mean: a week without load is taken as this, so that it has a logarithm."""
SHAPE_WEEKS = 2
LEAST_SHAPE_CORRELATION = 0.5
LEAST_VARIATION = 0.10


class ChangeKind(StrEnum):
    """What a history does that an average hides."""

    TREND = "trend"
    STEP = "step"
    LAST_WEEK = "last_week"
    SHAPE = "shape"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change, as a sentence and as numbers."""

    kind: ChangeKind
    fraction: float
    """TREND: by the week. STEP, LAST_WEEK: from the level before. SHAPE: correlation of the weekly shapes."""
    weeks_ago: int
    """When it began."""
    sentence: str


def changes(weekly: FloatArray, what: str) -> tuple[Change, ...]:
    """Trend, step or last jump of a weekly series (weeks,), oldest first; ``what`` names it in the sentences.

    Notes
    -----
    Trend: Mann and Kendall's test on the last 13 weeks at 1 % and tau of 0.6 or more, slope by Theil and Sen. Step: Pettitt's
    test at 5 %, and a step explains the series better than a line; or, too late for that test, a jump of the last two to four
    weeks, six times the usual move or more, of which at least half lasted. All look at the logarithm.
    """
    known = weekly[np.isfinite(weekly)]
    if known.size < 3 or not (known > 0).any():
        return ()
    y = np.log(np.maximum(known, known.mean() * NOTHING_FRACTION))
    step = _step(y, what) or _recent_step(y, what)
    trend = _trend(y[-TREND_WEEKS:], what)
    if step and trend:
        return (step,) if _step_error(y, y.size - step.weeks_ago) < _line_error(y) else (trend,)
    found = tuple(each for each in (step, trend) if each)
    return found or tuple(each for each in (_last_move(y, what),) if each)


def weekly_load(demand: FloatArray, weeks: Weeks) -> FloatArray:
    """(weeks,): load of each week, from its demand by the step (steps,); weeks that were hardly measured are left out."""
    if not len(weeks.hours):
        return np.zeros(0)
    return np.asarray((np.nan_to_num(demand[weeks.steps]) * weeks.hours).sum(axis=1))


def shape_change(demand: FloatArray, hour_of_week: IntArray, step_s: int, what: str) -> Change | None:
    """Whether the last two weeks have another weekly shape than the weeks before, (steps,) each."""
    per_week = HOURS_PER_WEEK * SECONDS_PER_HOUR // step_s
    last = demand[-SHAPE_WEEKS * per_week :], hour_of_week[-SHAPE_WEEKS * per_week :]
    before = demand[: -SHAPE_WEEKS * per_week], hour_of_week[: -SHAPE_WEEKS * per_week]
    if demand.size < 2 * SHAPE_WEEKS * per_week:
        return None
    now, then = (_profile(*part) for part in (last, before))
    both = np.isfinite(now) & np.isfinite(then)
    if both.sum() < HOURS_PER_WEEK // 2:
        return None
    now, then = now[both], then[both]
    if min(_variation(now), _variation(then)) < LEAST_VARIATION:
        return None
    correlation = float(np.corrcoef(now, then)[0, 1])
    if correlation >= LEAST_SHAPE_CORRELATION:
        return None
    return Change(
        kind=ChangeKind.SHAPE,
        fraction=correlation,
        weeks_ago=SHAPE_WEEKS,
        sentence=f"{what}: the last two weeks have another weekly shape than the weeks before (correlation {correlation:.2f}): "
        "advice from older weeks may no longer hold",
    )


def _profile(values: FloatArray, hour_of_week: IntArray) -> FloatArray:
    known = ~np.isnan(values)
    count = np.bincount(hour_of_week[known], minlength=HOURS_PER_WEEK)
    total = np.bincount(hour_of_week[known], weights=values[known], minlength=HOURS_PER_WEEK)
    with np.errstate(invalid="ignore"):
        return np.asarray(total / count)


def _variation(values: FloatArray) -> float:
    mean = float(values.mean())
    return float(values.std()) / mean if mean > 0 else 0.0


def _trend(y: FloatArray, what: str) -> Change | None:
    n = y.size
    if n < LEAST_TREND_WEEKS:
        return None
    signs = np.sign(y[np.newaxis, :] - y[:, np.newaxis])[np.triu_indices(n, 1)]
    total = float(signs.sum())
    tau = total / (n * (n - 1) / 2)
    z = (abs(total) - 1) / math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    slope = _slope(y)
    if abs(tau) < LEAST_TAU or z < TREND_Z or abs(slope) * n < 0.02:
        return None
    fraction = math.expm1(slope)
    verb = "rises" if slope > 0 else "falls"
    return Change(
        kind=ChangeKind.TREND,
        fraction=fraction,
        weeks_ago=n,
        sentence=f"{what} {verb} by {abs(fraction):.1%} a week over the last {n} weeks (Kendall's tau {tau:.2f}): this is not "
        "extrapolated beyond a growth that the workload states",
    )


def _step(y: FloatArray, what: str) -> Change | None:
    n = y.size
    if n < LEAST_TREND_WEEKS:
        return None
    _, place, count = np.unique(y, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]  # equal weeks share their mean rank
    at = np.arange(1, n)
    statistic = np.abs(2 * np.cumsum(ranks)[:-1] - at * (n + 1))
    first = min(at.tolist(), key=lambda t: _step_error(y, t))
    p = 2 * math.exp(-6 * float(statistic.max()) ** 2 / (n**3 + n**2))
    move = float(np.median(y[first:]) - np.median(y[:first]))
    is_better = _step_error(y, first) < _line_error(y)
    if p > STEP_P or abs(math.expm1(move)) < LEAST_STEP or not is_better:
        return None
    return _stepped(move, n - first, what)


def _stepped(move: float, weeks_ago: int, what: str) -> Change:
    fraction = math.expm1(move)
    return Change(
        kind=ChangeKind.STEP,
        fraction=fraction,
        weeks_ago=weeks_ago,
        sentence=f"{what} stepped by {_signed(fraction)} {weeks_ago} weeks ago: the weeks since then count most, the older "
        "ones tell little",
    )


def _recent_step(y: FloatArray, what: str) -> Change | None:
    """A jump that lasted, too few weeks ago for a test of the whole series."""
    for n_weeks in RECENT_STEP_WEEKS:
        before, since = y[:-n_weeks], y[-n_weeks:]
        if before.size < LEAST_TREND_WEEKS - 2:
            return None
        usual = float(np.median(np.abs(np.diff(before))))
        jump = float(since[0] - before[-1])
        move = float(np.median(since) - np.median(before))
        lasted = np.all((since - before[-1]) / jump >= 0.5) if jump else False
        is_large = abs(math.expm1(jump)) >= LEAST_LAST_MOVE and abs(jump) >= LAST_MOVE_MADS * usual
        if lasted and is_large and move / jump >= 0.5:
            return _stepped(move, n_weeks, what)
    return None


def _last_move(y: FloatArray, what: str) -> Change | None:
    moves = np.diff(y)
    if moves.size < 3:
        return None
    usual = float(np.median(np.abs(moves[:-1])))
    last = float(moves[-1])
    if abs(math.expm1(last)) < LEAST_LAST_MOVE or abs(last) < LAST_MOVE_MADS * usual:
        return None
    fraction = math.expm1(last)
    return Change(
        kind=ChangeKind.LAST_WEEK,
        fraction=fraction,
        weeks_ago=1,
        sentence=f"{what} moved by {_signed(fraction)} in the last week, far more than before: a new level or a single week, "
        "wait for one more",
    )


def _slope(y: FloatArray) -> float:
    i, j = np.triu_indices(y.size, 1)
    return float(np.median((y[j] - y[i]) / (j - i))) if i.size else 0.0


def _step_error(y: FloatArray, first: int) -> float:
    return float(((y[:first] - y[:first].mean()) ** 2).sum() + ((y[first:] - y[first:].mean()) ** 2).sum())


def _line_error(y: FloatArray) -> float:
    x = np.arange(y.size, dtype=np.float64)
    x -= x.mean()
    slope = float((x * (y - y.mean())).sum() / (x * x).sum())
    return float(((y - y.mean() - slope * x) ** 2).sum())


def sentences(found: Sequence[Change]) -> tuple[str, ...]:
    """What to say of changes."""
    return tuple(each.sentence for each in found)


def _signed(fraction: float) -> str:
    return f"{fraction:+.0%}".replace("%", " %")
