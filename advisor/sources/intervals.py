"""How far apart the rows of a load are, and tables in which that changes."""

from collections.abc import Iterable
from typing import Final

import numpy as np

from advisor.sources.records import Records
from advisor.units import SECONDS_PER_HOUR, IntArray

_SHORTEST_STEP_S: Final = 20
_JITTER: Final = 0.02
"""How far from a whole step the usual distance of rows may lie: clocks of collectors drift."""
_PIECE_ROWS: Final = 16_384
"""Rows looked at in one go: their distances stay in the cache of a processor."""
_FEWEST_APART: Final = 12
"""So many rows in sequence that are equally far apart are no chance."""
_MOSTLY: Final = 0.9


def interval_s(records: Records) -> int | None:
    """The most common distance between time stamps; None with a single stamp. [s]

    Raises
    ------
    InputError
        When the interval is not a divisor of 3600 s from 20 s up.
    """
    distances, counts = np.unique(_distances(records.times_s), return_counts=True)
    usual = records.usual_step_s
    if not distances.size:
        return usual
    step = int(distances[np.argmax(counts)])
    if usual is not None and step != usual and step % usual == 0:
        step = usual
    place = records.place_of(0)
    near = nearest_step_s(float(step))
    if step != near and abs(step - near) <= _JITTER * near:
        step = near
    if step > SECONDS_PER_HOUR:
        raise place.error(
            f"the time stamps are {duration(step)} apart, which hides the shape of the day",
            fix="Export the load with a period of one hour or less, or say --interval if most rows are missing.",
        )
    if step < _SHORTEST_STEP_S or SECONDS_PER_HOUR % step:
        raise place.error(
            f"the time stamps are {duration(step)} apart: need a divisor of 3600 s, from 20 s to 3600 s",
            fix=_apart_fix(records),
        )
    return step


def _distances(times_s: IntArray) -> IntArray:
    """Distances between neighbouring times, each above zero; one of them where they are all alike. [s]"""
    even_s = even_distance_s(times_s)
    if even_s is not None:
        return np.array([even_s])
    apart = np.diff(times_s)
    if (apart < 0).any():
        apart = np.diff(np.sort(times_s))
    return np.asarray(apart[apart > 0])


def even_distance_s(times_s: IntArray) -> int | None:
    """The distance between neighbouring times where all are alike and in order; else None. [s]"""
    distance_s = int(times_s[1] - times_s[0]) if len(times_s) > 1 else 0
    pieces = (times_s[first : first + _PIECE_ROWS + 1] for first in range(0, len(times_s) - 1, _PIECE_ROWS))
    return distance_s if distance_s > 0 and all((np.diff(piece) == distance_s).all() for piece in pieces) else None


def _apart_fix(records: Records) -> str:
    if records.unused_names:
        named = f"--column {records.unused_names[0]}=service"
        return f"If the rows belong to several services, say so with {named}; if not, say --interval 300."
    return "Export the load with a period of 60, 300 or 3600 seconds, or say --interval 300 to average within it."


def nearest_step_s(seconds: float) -> int:
    """The divisor of an hour that is nearest."""
    divisors = [step for step in range(_SHORTEST_STEP_S, SECONDS_PER_HOUR + 1) if SECONDS_PER_HOUR % step == 0]
    return min(divisors, key=lambda step: abs(step - seconds))


def duration(seconds: int) -> str:
    """A length of time in its largest whole unit.

    >>> duration(5400), duration(86400), duration(90)
    ('90 min', '1 d', '90 s')
    """
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length:,} {unit}"
    return f"{seconds:,} s"


def by_interval(records: Iterable[Records]) -> list[list[Records]]:
    """Records whose rows are equally far apart, put together; those of which that cannot be told, with the first.

    An hour's count beside counts of five minutes would else be taken for one of five minutes, and eleven zeros.
    """
    groups: dict[int, list[Records]] = {}
    untold: list[Records] = []
    for one in records:
        distance_s = _regular_distance_s(one.times_s)
        if distance_s is None:
            untold.append(one)
        else:
            groups.setdefault(distance_s, []).append(one)
    if not groups:
        return [untold]
    finest = min(groups)
    groups[finest] += untold
    return list(groups.values())


def _regular_distance_s(times_s: IntArray) -> int | None:
    """The distance between nearly all neighbouring times; None where there is none, or too few tell. [s]"""
    apart = _distances(times_s)
    if len(times_s) <= _FEWEST_APART or not apart.size:
        return None
    distances, counts = np.unique(apart, return_counts=True)
    most = int(np.argmax(counts))
    return int(distances[most]) if counts[most] >= _MOSTLY * len(apart) and distances[most] <= SECONDS_PER_HOUR else None


def refuse_mixed_counts(records: Records, times_s: IntArray, step_s: int) -> None:
    """Counts at ``times_s``, in order, of which some may be of longer steps than the others.

    Raises
    ------
    InputError
        Rows in sequence are all the same number of steps apart: each may have counted all of them, or nothing was in between.
    """
    if len(times_s) <= _FEWEST_APART:
        return
    apart = np.diff(times_s)
    is_wide = (apart > step_s) & (apart % step_s == 0) & (apart <= SECONDS_PER_HOUR)
    starts = np.flatnonzero(np.r_[True, np.diff(apart) != 0])
    lengths = np.diff(np.r_[starts, len(apart)])
    found = np.flatnonzero(is_wide[starts] & (lengths >= _FEWEST_APART))
    if not found.size:
        return
    first, n = int(starts[found[0]]), int(lengths[found[0]])
    place = records.place_of(int(np.flatnonzero(records.times_s == times_s[first])[0]))
    raise place.error(
        f"from here {n + 1} rows of counts are {duration(int(apart[first]))} apart, and most of the others {duration(step_s)}: "
        "each may have counted for all of that time, or nothing was to count in between",
        fix=f"Put rows of each interval in a file of their own if they are longer counts; if not, say --interval {step_s}.",
    )
