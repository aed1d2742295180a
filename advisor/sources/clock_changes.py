"""Signs that times without a zone are those of a clock that goes forward in spring and back in autumn."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from advisor.units import SECONDS_PER_HOUR, FloatArray, IntArray

_ZONES: Final = ("America/New_York", "Europe/Berlin")
"""Zones that stand for the rules of North America and of Europe."""
_PEAK_RATIO: Final = 1.4
_WEEK_S: Final = 7 * 86_400
_MOST_YEARS: Final = 40
_SUMMER_TIME: Final = timedelta(hours=1)


def clock_change_signs(times_s: IntArray, step_s: int, values: FloatArray) -> Iterator[str]:
    """Sentences on hours that are missing in spring, or stand twice or added up in autumn, just where clocks change.

    Parameters
    ----------
    times_s : (rows,)
        In order, as the clock showed them.
    step_s : int
        Usual distance of rows. [s]
    values : (rows,)
        What was measured.
    """
    if step_s > SECONDS_PER_HOUR or len(times_s) < 2:
        return
    for zone in _ZONES:
        for start_s, is_forward in _changes(zone, int(times_s[0]), int(times_s[-1])):
            before, within, after = (_rows(times_s, start_s + shift * SECONDS_PER_HOUR) for shift in (-1, 0, 1))
            n_within = len(within)
            usual = SECONDS_PER_HOUR // step_s
            day = datetime.fromtimestamp(start_s, UTC).strftime("%Y-%m-%d %H:%M")
            if is_forward and n_within == 0 and len(before) >= usual and len(after) >= usual:
                yield (
                    f"no row in the hour from {day}, which the clocks of {zone} skip: these look like times of such a zone, "
                    "not UTC; say --time-zone"
                )
            elif not is_forward and n_within >= 2 * usual and len(before) == usual and len(np.unique(within)) < n_within:
                yield (
                    f"the hour from {day}, which the clocks of {zone} show twice, stands twice: these look like times of such "
                    "a zone, not UTC; say --time-zone"
                )
            elif not is_forward and n_within == usual and _is_peak(times_s, values, start_s):
                yield (
                    f"the hour from {day}, which the clocks of {zone} show twice, is far above the hours around it and those a "
                    "week apart: two hours may be added up in it, and these be times of such a zone, not UTC"
                )


def _is_peak(times_s: IntArray, values: FloatArray, start_s: int) -> bool:
    """Whether an hour holds much more than the hours before and after it, and the same hour a week before and after."""
    around = (-SECONDS_PER_HOUR, SECONDS_PER_HOUR, -_WEEK_S, _WEEK_S)
    sums = []
    for shift in (0, *around):
        first, last = np.searchsorted(times_s, [start_s + shift, start_s + shift + SECONDS_PER_HOUR])
        sums.append(float(values[first:last].sum()) if last > first else np.nan)
    return bool(sums[0] > _PEAK_RATIO * max(sums[1:])) and not np.isnan(sums).any()


def _rows(times_s: IntArray, start_s: int) -> IntArray:
    first, last = np.searchsorted(times_s, [start_s, start_s + SECONDS_PER_HOUR])
    return times_s[first:last]


def _changes(zone: str, first_s: int, last_s: int) -> Iterator[tuple[int, bool]]:
    """The hour by the clock that a zone skips or doubles, and whether it skips it, in a span of time."""
    try:
        rules = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return
    day = datetime.fromtimestamp(first_s, UTC).replace(hour=0, minute=0, second=0, tzinfo=None)
    end = datetime.fromtimestamp(min(last_s, first_s + _MOST_YEARS * 366 * 86_400), UTC).replace(tzinfo=None)
    while day <= end:
        if day.weekday() == 6 and day.month in (3, 10, 11):
            for hour in (1, 2):
                clock = (day + timedelta(hours=hour)).replace(tzinfo=rules)
                shift = (clock.replace(fold=1).utcoffset() or timedelta()) - (clock.utcoffset() or timedelta())
                if abs(shift) == _SUMMER_TIME:
                    yield int((day + timedelta(hours=hour)).replace(tzinfo=UTC).timestamp()), shift > timedelta()
        day += timedelta(days=1)
