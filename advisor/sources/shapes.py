"""The shape of a load in one word, with the numbers behind it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from advisor.units import HOURS_PER_DAY, HOURS_PER_WEEK, SECONDS_PER_HOUR, FloatArray, IntArray

_STEADY_SPREAD: Final = 0.1
"""Standard deviation over mean up to which a load counts as constant."""
_EXPLAINED: Final = 0.35
"""Share of the variance that a daily or weekly pattern must explain to give a load its name."""
_WEEK_ADDS: Final = 0.15
"""What the hour of the week must explain beyond the hour of the day."""
_IDLE_SHARE: Final = 0.5
_IDLE_LEVEL: Final = 0.05
"""A step is idle below this share of the 99th percentile; a batch is idle half the time or more."""
_SPIKE_RATIO: Final = 4.0
"""Highest value over the 95th percentile from which spikes name a load."""
_LEAST_DAYS: Final = 2
_LEAST_WEEKS: Final = 2


class ShapeName(StrEnum):
    """What a load looks like."""

    CONSTANT = "constant"
    DAILY = "daily"
    WEEKLY = "weekly"
    SPIKY = "spiky"
    BATCH = "batch"
    IRREGULAR = "irregular"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A word for the shape of a load, and the numbers that decide it."""

    word: ShapeName
    why: str
    spread: float
    """Standard deviation over mean."""
    daily_fraction: float | None
    """Share of the variance that the hour of the day explains; None under two days."""
    weekly_fraction: float | None
    """Share of the variance that the hour of the week explains; None under two weeks."""
    idle_fraction: float
    """Share of the steps below 5 percent of the 99th percentile."""
    peak_over_p95: float | None
    """None where the 95th percentile is zero."""


def shape_of(column: FloatArray, start_s: int, step_s: int) -> Shape:
    r"""Shape of a series on whole steps; unknown steps are left out.

    Parameters
    ----------
    column : (steps,)
        At least one of them known.
    start_s : int
        Seconds since 1970.
    step_s : int
        Length of a step. [s]

    Notes
    -----
    The share that a pattern explains is the adjusted :math:`R^2` of the means by hour of the day, or of the week, over hourly
    means: with :math:`n` hours and :math:`k` groups, :math:`1 - (1 - R^2)\,(n - 1) / (n - k)`.
    """
    is_known = ~np.isnan(column)
    known = column[is_known]
    mean, p95, p99, highest = float(known.mean()), *(float(q) for q in np.percentile(known, (95, 99))), float(known.max())
    spread = float(known.std()) / mean if mean > 0 else 0.0
    hours = (start_s + step_s * np.flatnonzero(is_known)) // SECONDS_PER_HOUR
    numbers, where = np.unique(hours, return_inverse=True)
    hourly = np.bincount(where, weights=known) / np.bincount(where)
    daily = _explained(hourly, numbers % HOURS_PER_DAY, _LEAST_DAYS * HOURS_PER_DAY)
    weekly = _explained(hourly, numbers % HOURS_PER_WEEK, _LEAST_WEEKS * HOURS_PER_WEEK)
    idle = float(np.mean(known <= _IDLE_LEVEL * p99)) if p99 > 0 else float(np.mean(known <= 0))
    ratio = highest / p95 if p95 > 0 else None
    word, why = _named(spread, daily, weekly, idle, ratio, highest)
    return Shape(
        word=word, why=why, spread=spread, daily_fraction=daily, weekly_fraction=weekly, idle_fraction=idle, peak_over_p95=ratio
    )


def _explained(hourly: FloatArray, group: IntArray, fewest: int) -> float | None:
    if len(hourly) < fewest:
        return None
    total = float(((hourly - hourly.mean()) ** 2).sum())
    if total <= 0:
        return 0.0
    counts = np.bincount(group)
    means = np.bincount(group, weights=hourly) / np.maximum(counts, 1)
    within = float(((hourly - means[group]) ** 2).sum())
    n_groups = int(np.count_nonzero(counts))
    if len(hourly) <= n_groups:
        return None
    return max(0.0, 1 - within / total * (len(hourly) - 1) / (len(hourly) - n_groups))


def _named(
    spread: float, daily: float | None, weekly: float | None, idle: float, ratio: float | None, highest: float
) -> tuple[ShapeName, str]:
    if highest == 0:
        return ShapeName.CONSTANT, "zero throughout"
    if spread <= _STEADY_SPREAD:
        return ShapeName.CONSTANT, f"the standard deviation is {_percent(spread)} of the mean"
    if idle >= _IDLE_SHARE:
        return ShapeName.BATCH, f"{_percent(idle)} of the time below 5 % of the 99th percentile"
    if weekly is not None and weekly >= _EXPLAINED and weekly - (daily or 0.0) >= _WEEK_ADDS:
        return ShapeName.WEEKLY, (
            f"the hour of the week explains {_percent(weekly)} of the variance, that of the day {_percent(daily or 0.0)}"
        )
    if daily is not None and daily >= _EXPLAINED:
        return ShapeName.DAILY, f"the hour of the day explains {_percent(daily)} of the variance"
    if ratio is None or ratio >= _SPIKE_RATIO:
        times = "above a 95th percentile of zero" if ratio is None else f"{ratio:.1f} times the 95th percentile"
        return ShapeName.SPIKY, f"the peak is {times}"
    explained = (
        "under two days, too short for a pattern" if daily is None else f"the hour of the day explains {_percent(daily)}"
    )
    return ShapeName.IRREGULAR, f"the standard deviation is {_percent(spread)} of the mean; {explained}"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.3g} %"
