"""Times as files write them, turned into seconds since 1970 in UTC."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from advisor.errors import InputError
from advisor.sources.input_files import Place, shown
from advisor.units import BoolArray, FloatArray, IntArray

PlaceOf = Callable[[int], Place]
"""Where row ``i`` stands in its file."""

_ISO_FIX: Final = "Write times as ISO 8601, such as 2024-03-01T00:00:00Z."
_EPOCH_UNITS: Final = (("s", 1e8, 1e10, 1), ("ms", 1e11, 1e13, 1_000), ("us", 1e14, 1e16, 1_000_000), ("ns", 1e17, 1e19, 10**9))
"""Name, range of numbers from 1973 to 2286, and units per second."""

_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?$")
_YEAR_FIRST: Final = re.compile(r"(?P<a>\d{4})[/.-](?P<b>\d{1,2})[/.-](?P<c>\d{1,2})(?:[T ]+(?P<rest>\S.*))?$")
_YEAR_LAST: Final = re.compile(r"(?P<a>\d{1,2})(?P<sep>[/.-])(?P<b>\d{1,2})(?P=sep)(?P<c>\d{4})(?:,?[T ]+(?P<rest>\S.*))?$")
_CLOCK: Final = re.compile(
    r"(?P<h>\d{1,2}):(?P<m>\d{2})(?::(?P<s>\d{2})(?:[.,]\d*)?)?(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
    r"\s*(?:(?P<utc>Z|UTC|GMT)|(?P<offset>[+-]\d{2}:?\d{2})(?:\s+[A-Z]{1,5})?)?(?:\s+m=\S+)?$"
)
"""Hour and minute; seconds, AM or PM, and zone if given; Go adds the zone's name and a monotonic reading."""


@dataclass(frozen=True, slots=True)
class Times:
    """Times of rows."""

    epoch_s: IntArray
    """(rows,): whole seconds since 1970-01-01T00:00Z, fractions cut."""
    remarks: tuple[str, ...] = ()
    """What was assumed or recognised, as the rest of a sentence that begins with the file's name."""


def parse_times(cells: Sequence[str], place_of: PlaceOf, time_zone: ZoneInfo | None = None) -> Times:
    """Times of a column: ISO 8601, dates with slashes or dots, or seconds, ms, us or ns since 1970.

    Parameters
    ----------
    cells
        One text per row, at least one row.
    place_of
        Where a row stands, for messages.
    time_zone
        Zone of times that carry none; UTC is assumed without it, and said.

    Raises
    ------
    InputError
        For a text that is no time, one that can be read in two ways, or zoned and zoneless times together.
    """
    if _NUMBER.match(cells[0].strip()) and len(cells[0].strip()) != len("YYYYMMDD"):
        return _epoch_times(cells, place_of)
    remarks: tuple[str, ...] = ()
    try:
        parsed = [datetime.fromisoformat(cell) for cell in cells]
    except ValueError:
        parsed, remarks = _written_times(cells, place_of)
    zones = {moment.tzinfo for moment in parsed}
    if None not in zones:
        return Times(_floored([moment.timestamp() for moment in parsed]), remarks)
    if len(zones) > 1:
        row = next(i for i, moment in enumerate(parsed) if (moment.tzinfo is None) != (parsed[0].tzinfo is None))
        raise place_of(row).error(
            f"the time {shown(cells[row])} and {shown(cells[0])} in the first row: one has a UTC offset, the other has none",
            fix="Give every time its offset, or none of them.",
        )
    if time_zone is None:
        seconds = _floored([moment.replace(tzinfo=UTC).timestamp() for moment in parsed])
        return Times(seconds, (*remarks, "times without a zone read as UTC; --time-zone overrules"))
    return _local_times(parsed, place_of, time_zone, remarks)


def _floored(seconds: Sequence[float] | FloatArray) -> IntArray:
    return np.floor(np.asarray(seconds, dtype=np.float64)).astype(np.int64)


def _epoch_times(cells: Sequence[str], place_of: PlaceOf) -> Times:
    numbers = np.empty(len(cells))
    for row, cell in enumerate(cells):
        if not _NUMBER.match(cell.strip()):
            raise place_of(row).error(f"{shown(cell)} is not a number of seconds, as the rows before it are", fix=_ISO_FIX)
        numbers[row] = float(cell)
    for name, low, high, per_second in _EPOCH_UNITS:
        if low <= numbers[0] < high:
            outside = np.flatnonzero((numbers < low) | (numbers >= high))
            if outside.size:
                row = int(outside[0])
                raise place_of(row).error(
                    f"{shown(cells[row])} is not a time in epoch {name} as in the first row", fix=_ISO_FIX
                )
            return Times(_floored(numbers / per_second), (f"times read as epoch {name} since 1970, UTC",))
    raise place_of(0).error(f"{shown(cells[0])} is a number, but no time since 1970 in s, ms, us or ns", fix=_ISO_FIX)


def _written_times(cells: Sequence[str], place_of: PlaceOf) -> tuple[list[datetime], tuple[str, ...]]:
    """Times in other spellings than ISO 8601: year first, or year last with an order of day and month that is beyond doubt."""
    matches: list[tuple[re.Match[str] | None, re.Match[str] | None]] = []
    for row, cell in enumerate(cells):
        text = cell.strip()
        match = (_YEAR_FIRST.match(text), _YEAR_LAST.match(text))
        if match == (None, None) and _iso(text) is None:
            raise place_of(row).error(_not_a_time(text), fix=_ISO_FIX)
        matches.append(match)
    is_day_first, remarks = _day_first([last for _, last in matches], place_of)
    moments = []
    for row, (first, last) in enumerate(matches):
        moment = _moment(first, last, is_day_first) or _iso(cells[row].strip())
        if moment is None:
            raise place_of(row).error(_not_a_time(cells[row].strip()), fix=_ISO_FIX)
        moments.append(moment)
    return moments, remarks


def _not_a_time(text: str) -> str:
    return f"{shown(text)} is not a date and time" if text else "the time is missing"


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _day_first(matches: Sequence[re.Match[str] | None], place_of: PlaceOf) -> tuple[bool, tuple[str, ...]]:
    """Whether the day stands before the month in times that end with the year; told by a number above 12, or by dots."""
    rows = [(row, match) for row, match in enumerate(matches) if match]
    if not rows:
        return False, ()
    day_first = next(((row, m) for row, m in rows if int(m["a"]) > 12 or m["sep"] == "."), None)
    month_first = next(((row, m) for row, m in rows if int(m["b"]) > 12 and m["sep"] != "."), None)
    if day_first and month_first:
        row, match = max(day_first, month_first, key=lambda found: found[0])
        raise place_of(row).error(f"{shown(match[0])}: day and month stand in another order than in rows before", fix=_ISO_FIX)
    if not day_first and not month_first:
        row, match = rows[0]
        a, b, year = int(match["a"]), int(match["b"]), int(match["c"])
        raise place_of(row).error(
            f"{shown(match[0])} can be {year}-{b:02}-{a:02} (day first) or {year}-{a:02}-{b:02} (month first), "
            "and no row of the file decides",
            fix="Write the year first, such as 2024-03-01 00:00.",
        )
    return bool(day_first), (f"dates read with the {'day' if day_first else 'month'} first",)


def _moment(first: re.Match[str] | None, last: re.Match[str] | None, is_day_first: bool) -> datetime | None:
    if first:
        year, month, day, rest = first["a"], first["b"], first["c"], first["rest"]
    elif last:
        year, rest = last["c"], last["rest"]
        day, month = (last["a"], last["b"]) if is_day_first else (last["b"], last["a"])
    else:
        return None
    clock = _CLOCK.match(rest or "00:00")
    if clock is None:
        return None
    hour = int(clock["h"])
    if clock["half"]:
        hour = hour % 12 + (12 if clock["half"] in "Pp" else 0)
    try:
        return datetime(int(year), int(month), int(day), hour, int(clock["m"]), int(clock["s"] or 0), tzinfo=_zone(clock))
    except ValueError:
        return None


def _zone(clock: re.Match[str]) -> tzinfo | None:
    if clock["utc"]:
        return UTC
    if not clock["offset"]:
        return None
    digits = clock["offset"].replace(":", "")
    span = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
    return timezone(-span if digits[0] == "-" else span)


def _local_times(parsed: Sequence[datetime], place_of: PlaceOf, zone: ZoneInfo, remarks: tuple[str, ...]) -> Times:
    """Times of a zone with clock changes: an hour that comes twice must be there twice."""
    early = np.array([moment.replace(tzinfo=zone).timestamp() for moment in parsed])
    late = np.array([moment.replace(tzinfo=zone, fold=1).timestamp() for moment in parsed])
    remarks = (*remarks, f"times without a zone read as {zone.key}")
    skipped = int(np.count_nonzero(late < early))
    if skipped:
        remarks = (*remarks, f"{skipped:,} times fall into the hour that the clock change skips, and were put an hour later")
    doubled = late > early
    if doubled.any():
        early = np.where(_is_second_pass(parsed, doubled, place_of, early[-1] < early[0]), late, early)
        remarks = (*remarks, "the hour that the clock change doubles was read once in summer and once in winter time")
    return Times(_floored(early), remarks)


def _is_second_pass(parsed: Sequence[datetime], doubled: BoolArray, place_of: PlaceOf, is_newest_first: bool) -> BoolArray:
    """(rows,): which rows of a doubled hour belong to its second pass."""
    passes: dict[datetime, list[int]] = {}
    for row in np.flatnonzero(doubled).tolist():
        passes.setdefault(parsed[row], []).append(row)
    is_second = np.zeros(len(parsed), dtype=np.bool_)
    for moment, rows in passes.items():
        if len(rows) != 2:
            raise place_of(rows[0]).error(
                f"{moment.isoformat(' ')} comes twice when clocks go back, but stands {len(rows)} times in the file: "
                "summer or winter time",
                fix="Write the times with their UTC offset, such as 2024-10-27T02:30:00+01:00.",
            )
        is_second[rows[0] if is_newest_first else rows[1]] = True
    return is_second


def zone_named(name: str | None) -> ZoneInfo | None:
    """The zone of an IANA name such as Europe/Berlin.

    Raises
    ------
    InputError
        When there is no such zone.
    """
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise InputError(
            f"there is no time zone {name!r}",
            fix="Give an IANA name such as Europe/Berlin, or write the times with their UTC offset.",
        ) from None
