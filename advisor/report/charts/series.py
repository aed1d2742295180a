"""Time on an axis: hours since the start, binned without losing peaks, with ticks at calendar dates."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from advisor.report.charts.style import GAP_COLOUR, QUIET_COLOUR, SMALL_PT
from advisor.report.charts.text import text_width
from advisor.units import HOURS_PER_DAY, HOURS_PER_WEEK, SECONDS_PER_HOUR, BoolArray, FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
BIN_HOURS = (1, 6, 24, 168, 672)
BIN_WORDS = {1: "each hour", 6: "6 hours", 24: "each day", 168: "each week", 672: "4 weeks"}
OVERHANG_PX = 20.0
"""How far a label may stand out over the ends of its panel."""
MIN_BETWEEN_PX = 10.0
MIN_GAP_PX = 1.5
MIN_LABELLED_GAP_PX = 52.0


def low_and_high(values: FloatArray, bin_hours: int, offset_hours: int = 0) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Edges, minimum and maximum of each bin, so that no peak is lost; NaN where the whole bin is a gap.

    Parameters
    ----------
    values : (hours,)
    offset_hours
        Hours between the start of the first bin and the first value.

    Returns
    -------
    edges : (bins + 1,)
        Hours since the first value; the first and last bin end where the values do.
    low, high : (bins,)
    """
    n_bins = -(-(offset_hours + values.size) // bin_hours)
    padded = np.full(n_bins * bin_hours, np.nan)
    padded[offset_hours : offset_hours + values.size] = values
    bins = padded.reshape(n_bins, bin_hours)
    is_known = ~np.isnan(bins).all(axis=1)
    low, high = (np.full(n_bins, np.nan) for _ in range(2))
    low[is_known], high[is_known] = np.nanmin(bins[is_known], axis=1), np.nanmax(bins[is_known], axis=1)
    edges = np.clip(np.arange(n_bins + 1) * float(bin_hours) - offset_hours, 0.0, float(values.size))
    return edges, low, high


def bin_hours_for(n_hours: int, width_px: float) -> int:
    """The shortest bin that is at least a pixel wide."""
    return next((hours for hours in BIN_HOURS if n_hours / hours <= width_px), BIN_HOURS[-1])


def bin_words(bin_hours: int) -> str:
    """``each day``."""
    return BIN_WORDS[bin_hours]


def gaps(values: FloatArray) -> list[tuple[int, int]]:
    """First hour and the one after the last of each gap."""
    unknown = np.concatenate([[False], np.isnan(values), [False]])
    changes = np.flatnonzero(unknown[1:] != unknown[:-1]).tolist()
    return list(zip(changes[::2], changes[1::2], strict=True))


def peak(values: FloatArray) -> tuple[int, float] | None:
    """Hour and height of the first highest value; None without values."""
    if np.isnan(values).all():
        return None
    at = int(np.nanargmax(values))
    return at, float(values[at])


def spoken_time(start: datetime, hour: float) -> str:
    """``Fri 14 Jul, 13:00``."""
    moment = start + timedelta(hours=hour)
    return f"{DAYS[moment.weekday()]} {moment.day} {MONTHS[moment.month - 1]}, {moment:%H}:00"


def time_ticks(start: datetime, n_hours: int, width_px: float, overhang_px: float = OVERHANG_PX) -> list[tuple[float, str]]:
    """Hours since ``start`` of calendar dates, as many as can be read."""
    for candidates in (_hours, _days, _mondays, _months, _quarters, _years):
        ticks = candidates(start, n_hours)
        places = [_label_place(x / n_hours * width_px, label, width_px, overhang_px) for x, label in ticks]
        if ticks and all(b[0] - a[1] >= MIN_BETWEEN_PX for a, b in pairwise(places)):
            return ticks
    return [(0.0, _date(start))]


def _label_place(
    x_px: float, label: str, width_px: float, overhang_px: float
) -> tuple[float, float, Literal["left", "center", "right"]]:
    """Left and right end of a label, and how it is aligned so that it does not stand out over the panel's ends."""
    width = text_width(label, SMALL_PT)
    if x_px - width / 2 < -overhang_px:
        return x_px, x_px + width, "left"
    if x_px + width / 2 > width_px + overhang_px:
        return x_px - width, x_px, "right"
    return x_px - width / 2, x_px + width / 2, "center"


def _after(start: datetime, moment: datetime) -> float:
    return (moment - start).total_seconds() / SECONDS_PER_HOUR


def _midnights(start: datetime, n_hours: int) -> list[datetime]:
    first = start.replace(hour=0, minute=0, second=0, microsecond=0)
    days = (first + timedelta(days=day) for day in range(n_hours // HOURS_PER_DAY + 2))
    return [day for day in days if 0 <= _after(start, day) <= n_hours]


def _date(moment: datetime) -> str:
    return f"{moment.day} {MONTHS[moment.month - 1]}"


def _hours(start: datetime, n_hours: int) -> list[tuple[float, str]]:
    if n_hours > 2.5 * HOURS_PER_DAY:
        return []
    first = -start.hour % 6
    moments = [start + timedelta(hours=hour) for hour in range(first, n_hours + 1, 6)]
    return [(_after(start, m), f"{m:%H}:00" if m.hour else f"{DAYS[m.weekday()]} {_date(m)}") for m in moments]


def _days(start: datetime, n_hours: int) -> list[tuple[float, str]]:
    return [(_after(start, day), f"{DAYS[day.weekday()]} {_date(day)}") for day in _midnights(start, n_hours)]


def _mondays(start: datetime, n_hours: int) -> list[tuple[float, str]]:
    return [(_after(start, day), _date(day)) for day in _midnights(start, n_hours) if day.weekday() == 0]


def _months(start: datetime, n_hours: int) -> list[tuple[float, str]]:
    firsts = [day for day in _midnights(start, n_hours) if day.day == 1]
    return [(_after(start, day), MONTHS[day.month - 1] if day.month > 1 else str(day.year)) for day in firsts]


def _quarters(start: datetime, n_hours: int) -> list[tuple[float, str]]:
    firsts = [day for day in _midnights(start, n_hours) if day.day == 1 and day.month in (1, 4, 7, 10)]
    return [(_after(start, day), MONTHS[day.month - 1] if day.month > 1 else str(day.year)) for day in firsts]


def _years(start: datetime, n_hours: int) -> list[tuple[float, str]]:
    return [(_after(start, day), str(day.year)) for day in _midnights(start, n_hours) if (day.day, day.month) == (1, 1)]


def time_axis(
    axes: "Axes",
    start: datetime,
    n_hours: int,
    width_px: float,
    *,
    has_labels: bool = True,
    overhang_px: float = OVERHANG_PX,
) -> None:
    """A horizontal axis of calendar dates over hours since ``start``."""
    ticks = time_ticks(start, n_hours, width_px, overhang_px) if has_labels else []
    axes.set_xlim(0, n_hours)
    axes.set_xticks([x for x, _ in ticks], labels=[label for _, label in ticks])
    for text, (x, label) in zip(axes.get_xticklabels(), ticks, strict=True):
        text.set_horizontalalignment(_label_place(x / n_hours * width_px, label, width_px, overhang_px)[2])


def weeks_of(values: FloatArray, start: datetime) -> tuple[FloatArray, BoolArray, int]:
    """Values by hour of the week, Monday first, and week: (168, weeks), where they lie within the series, hours before it."""
    before = start.weekday() * HOURS_PER_DAY + start.hour
    n_weeks = -(-(before + values.size) // HOURS_PER_WEEK)
    padded, is_within = np.full(n_weeks * HOURS_PER_WEEK, np.nan), np.zeros(n_weeks * HOURS_PER_WEEK, dtype=np.bool_)
    padded[before : before + values.size], is_within[before : before + values.size] = values, True
    return padded.reshape(n_weeks, HOURS_PER_WEEK).T, is_within.reshape(n_weeks, HOURS_PER_WEEK).T, before


def show_gaps(axes: "Axes", values: FloatArray, width_px: float, height_px: float, *, has_label: bool = True) -> None:
    """Hatched bands where nothing was measured, as far as they can be seen; those that are wide enough say so."""
    per_hour = width_px / max(1, values.size)
    for first, end in gaps(values):
        if (end - first) * per_hour < MIN_GAP_PX:
            continue
        axes.axvspan(first, end, facecolor="white", edgecolor=GAP_COLOUR, hatch="////", lw=0, zorder=0.5)
        if has_label and height_px >= 40 and (end - first) * per_hour >= MIN_LABELLED_GAP_PX:
            axes.text(
                (first + end) / 2,
                0.5,
                "no data",
                transform=axes.get_xaxis_transform(),
                ha="center",
                va="center",
                size=SMALL_PT,
                color=QUIET_COLOUR,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
            )
