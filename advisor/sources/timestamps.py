"""Times as files write them, turned into seconds since 1970 in UTC."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from advisor.errors import InputError
from advisor.sources.input_files import Place, shown
from advisor.units import BoolArray, FloatArray, IntArray

PlaceOf = Callable[[int], Place]
"""Where row ``i`` stands in its file."""

_ISO_FIX: Final = "Write times as ISO 8601, such as 2024-03-01T00:00:00Z."
EPOCH_UNITS: Final[Mapping[str, int]] = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
"""Units per second."""
_EPOCH_RANGE_S: Final = (1e8, 7.2e9)
"""Seconds since 1970 that a load file can mean: 1973 to 2198. In ms, us and ns the ranges do not meet."""
_YEARS: Final = (1970, 2200)
_QUARTER_HOUR_S: Final = 900

_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?$")
_YEAR_FIRST: Final = re.compile(r"(?P<a>\d{4})[/.-](?P<b>\d{1,2})[/.-](?P<c>\d{1,2})(?:[T ]+(?P<rest>\S.*))?$")
_YEAR_LAST: Final = re.compile(
    r"(?P<a>\d{1,2})(?P<sep>[/.-])(?P<b>\d{1,2})(?P=sep)(?P<c>\d{4}|\d{2}(?=,?[T ]+\d{1,2}:))(?:,?[T ]+(?P<rest>\S.*))?$"
)
_CLOCK: Final = re.compile(
    r"(?P<h>\d{1,2}):(?P<m>\d{2})(?::(?P<s>\d{2})(?:[.,]\d*)?)?(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
    r"(?:\s*Uhr)?\s*(?:(?:UTC|GMT)?(?P<offset>[+-]\d{2}:?\d{2})(?:\s+[A-Z]{1,5})?|(?P<utc>[Zz]|UTC|GMT)|(?P<name>[A-Z]{3,4}))?"
    r"(?:\s+m=\S+|\s*\([\w ]+\)|\[[\w/+-]+\])?$"
)
"""Hour and minute; seconds, AM or PM, and zone if given; Go, JavaScript and Java add the zone's name."""
_NAMED_OFFSETS_H: Final[Mapping[str, int]] = {
    "WET": 0, "WEST": 1, "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2, "EET": 2, "EEST": 3,
    "EST": -5, "EDT": -4, "MDT": -6, "MST": -7, "PDT": -7, "PST": -8,
}  # fmt: skip
"""Zones whose letters mean one offset, those of North America as RFC 2822 has them; CST, IST and BST mean several."""
_RANGE: Final = re.compile(r"(?P<start>.*?(?P<h>\d{1,2}):(?P<m>\d{2}))\s*[-\u2013]\s*(?P<h2>\d{1,2}):(?P<m2>\d{2})$")
_COMPACT: Final = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?$")
"""Year to minute or second without marks; as milliseconds since 1970 it would lie in the seventies."""
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_NAME: Final = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+", re.IGNORECASE)
_DAY_MONTH: Final = re.compile(r"(?P<d>\d{1,2})[\s/-](?P<m>[A-Za-z]{3})[a-z]*\.?[\s/-](?P<y>\d{4})(?=\D|$)")
_YEAR_AT_THE_END: Final = re.compile(
    r"(?P<m>[A-Za-z]{3})\s+(?P<d>\d{1,2})\s+(?P<clock>\d{1,2}:\S+(?: [A-Z]{3,4})?)\s+(?P<y>\d{4})$"
)
"""What C and the command date write."""
_MONTH_DAY: Final = re.compile(r"(?P<m>[A-Za-z]{3})[a-z]*\.?\s(?P<d>\d{1,2}),?\s(?P<y>\d{4})(?=\D|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOptions:
    """What the user says about times."""

    is_day_first: bool | None = None
    epoch_unit: str | None = None
    start: datetime | None = None
    """The zero of times that count from a start."""


@dataclass(frozen=True, slots=True)
class Times:
    """Times of rows."""

    epoch_s: IntArray
    """(rows,): whole seconds since 1970-01-01T00:00Z, fractions cut; as a clock in UTC would show them where ``is_local``."""
    is_local: bool = False
    """True where the times carry no zone."""
    zone: ZoneInfo | None = None
    """Of times that carry none, where the file names it beside them."""
    remarks: tuple[str, ...] = ()
    """What was assumed or recognised, as the rest of a sentence that begins with the file's name."""


def parse_times(cells: Sequence[str], place_of: PlaceOf, options: TimeOptions | None = None) -> Times:
    """Times of a column: ISO 8601, dates with slashes, dots or month names, or seconds, ms, us or ns since 1970.

    Parameters
    ----------
    cells
        One text per row, at least one row.
    place_of
        Where a row stands, for messages.

    Raises
    ------
    InputError
        For a text that is no time, one that can be read in two ways, or zoned and zoneless times together.
    """
    options = options or TimeOptions()
    if is_number(cells[0]):
        return epoch_times(_numbers(cells, place_of), lambda row: shown(cells[row]), place_of, options)
    remarks: tuple[str, ...] = ()
    starts = _range_starts(cells)
    if starts is not None:
        cells, remarks = starts, ("times that are ranges read as their start",)
    try:
        parsed = [datetime.fromisoformat(_numeric_month(cell) if _COMPACT.match(cell) else cell) for cell in cells]
    except ValueError:
        parsed, more = _written_times(cells, place_of, options)
        remarks = (*remarks, *more)
    for row, moment in enumerate(parsed):
        if not _YEARS[0] <= moment.year <= _YEARS[1]:
            raise place_of(row).error(f"the time {shown(cells[row])} lies outside 1970 to 2200", fix="Check the time stamp.")
    zones = {moment.tzinfo for moment in parsed}
    if None not in zones:
        return Times(floored([moment.timestamp() for moment in parsed]), remarks=remarks)
    if len(zones) > 1:
        row = next(i for i, moment in enumerate(parsed) if (moment.tzinfo is None) != (parsed[0].tzinfo is None))
        raise mixed_zones(shown(cells[row]), shown(cells[0]), place_of(row))
    return Times(floored([moment.replace(tzinfo=UTC).timestamp() for moment in parsed]), is_local=True, remarks=remarks)


def is_number(cell: str) -> bool:
    """Whether a time is written as a number, such as seconds since 1970; eight, twelve or fourteen digits may be a date."""
    text = cell.strip()
    if _NUMBER.match(text) is None or _COMPACT.match(text):
        return False
    return not (len(text) == len("YYYYMMDD") and text.isdigit())


def looks_like_time(cell: str) -> bool:
    """Whether a cell is a date, with or without a time of day; numbers are none.

    >>> [looks_like_time(cell) for cell in ("2024-03-01 00:00", "3/1/2024 1:00 PM", "1 Mar 2024", "12.5", "web")]
    [True, True, True, False, False]
    """
    if cell[4:5] == cell[7:8] == "-" and _iso(cell) is not None:
        return True
    text = _numeric_month(cell.strip())
    if not text or is_number(text):
        return False
    return _YEAR_FIRST.match(text) is not None or _YEAR_LAST.match(text) is not None or _iso(text) is not None


def mixed_zones(cell: str, first: str, place: Place) -> InputError:
    """The refusal of times of which some carry an offset."""
    return place.error(
        f"the time {cell} and {first} in the first row: one has a UTC offset, the other has none",
        fix="Give every time its offset, or none of them.",
    )


def floored(seconds: Sequence[float] | FloatArray) -> IntArray:
    """Whole seconds; a microsecond makes up for what binary fractions lose."""
    return np.floor(np.asarray(seconds, dtype=np.float64) + 1e-6).astype(np.int64)


def _numbers(cells: Sequence[str], place_of: PlaceOf) -> FloatArray:
    numbers = np.empty(len(cells))
    for row, cell in enumerate(cells):
        if not _NUMBER.match(cell.strip()):
            raise place_of(row).error(f"{shown(cell)} is not a number of seconds, as the rows before it are", fix=_ISO_FIX)
        numbers[row] = float(cell)
    return numbers


def epoch_times(numbers: FloatArray, text_of: Callable[[int], str], place_of: PlaceOf, options: TimeOptions) -> Times:
    """Times from numbers: since 1970 in the unit that their size tells, or since a stated start.

    Raises
    ------
    InputError
        For a number that is no time in the unit of the first, or that counts from a start that nobody stated.
    """
    if options.start is not None:
        unit = options.epoch_unit or "s"
        seconds = numbers / EPOCH_UNITS[unit] + options.start.timestamp()
        outside = np.flatnonzero(~((seconds >= _EPOCH_RANGE_S[0]) & (seconds < _EPOCH_RANGE_S[1])))
        if outside.size:
            row = int(outside[0])
            raise place_of(row).error(f"{text_of(row)} {unit} after the start is no time that a load can have", fix=_ISO_FIX)
        return Times(floored(seconds), remarks=(f"times read as {unit} from {options.start.isoformat()}",))
    unit = options.epoch_unit or next((u for u, per_s in EPOCH_UNITS.items() if _is_epoch(numbers[:1], per_s)[0]), "")
    if not unit:
        raise place_of(0).error(
            f"{text_of(0)} is a number, but no time since 1970 in s, ms, us or ns",
            fix=f"{_ISO_FIX} If it counts seconds from a start, say --start 2024-03-01T00:00Z.",
        )
    outside = np.flatnonzero(~_is_epoch(numbers, EPOCH_UNITS[unit]))
    if outside.size:
        row = int(outside[0])
        raise place_of(row).error(f"{text_of(row)} is not a time in epoch {unit} as in the first row", fix=_ISO_FIX)
    return Times(floored(numbers / EPOCH_UNITS[unit]), remarks=(f"times read as epoch {unit} since 1970, UTC",))


def _is_epoch(numbers: FloatArray, per_s: int) -> BoolArray:
    return np.asarray((numbers >= _EPOCH_RANGE_S[0] * per_s) & (numbers < _EPOCH_RANGE_S[1] * per_s))


def _range_starts(cells: Sequence[str]) -> list[str] | None:
    """Starts of times such as ``2024-03-01 6:00-6:59``; None where what follows the dash is a UTC offset.

    An offset is the same in most rows and never ends in 59 minutes; the end of a range moves with its start.
    """
    if "-" not in cells[0] and "\u2013" not in cells[0]:
        return None
    matches = [_RANGE.match(cell.strip()) for cell in cells]
    found = [match for match in matches if match]
    if len(found) != len(cells):
        return None
    lengths = {(int(m["h2"]) * 60 + int(m["m2"]) - int(m["h"]) * 60 - int(m["m"])) % 1440 for m in found}
    ends = {(m["h2"], m["m2"]) for m in found}
    is_range = all(m["m2"] == "59" for m in found) or (len(lengths) == 1 and len(ends) > 1)
    return [match["start"] for match in found] if is_range else None


def _numeric_month(text: str) -> str:
    """A date in digits alone, or with its month in English words, as one with the year first; other texts unchanged."""
    if _COMPACT.match(text):
        return f"{text[:8]}T{text[8:]}"
    if not any(letter.isalpha() for letter in text[:12]):
        return text
    bare = _DAY_NAME.sub("", text, count=1) if _DAY_NAME.match(text) else text
    bare = _YEAR_AT_THE_END.sub(r"\g<d> \g<m> \g<y> \g<clock>", bare.strip("[]"))
    match = _DAY_MONTH.match(bare) or _MONTH_DAY.match(bare)
    if match is None or match["m"].lower() not in _MONTHS:
        return text
    month = _MONTHS.index(match["m"].lower()) + 1
    rest = bare[match.end() :].lstrip(",:@ ").strip()
    return f"{match['y']}-{month:02}-{int(match['d']):02} {rest}".strip()


def _written_times(cells: Sequence[str], place_of: PlaceOf, options: TimeOptions) -> tuple[list[datetime], tuple[str, ...]]:
    """Times in other spellings than ISO 8601: year first, or year last with an order of day and month that is beyond doubt."""
    texts = [_numeric_month(cell.strip()) for cell in cells]
    matches: list[tuple[re.Match[str] | None, re.Match[str] | None]] = []
    for row, text in enumerate(texts):
        match = (_YEAR_FIRST.match(text), _YEAR_LAST.match(text))
        if match == (None, None) and _iso(text) is None:
            raise place_of(row).error(_not_a_time(cells[row].strip()), fix=_ISO_FIX)
        matches.append(match)
    is_day_first, remarks = _day_first([last for _, last in matches], place_of, options.is_day_first)
    moments = []
    for row, (first, last) in enumerate(matches):
        moment = _moment(first, last, is_day_first) or _iso(texts[row])
        if moment is None:
            raise place_of(row).error(_not_a_time(cells[row].strip()), fix=_ISO_FIX)
        moments.append(moment)
    return moments, remarks


def _not_a_time(text: str) -> str:
    if not text:
        return "the time is missing"
    unclear = re.search(r"\d\s+([A-Z]{3,4})$", text)
    why = f": the zone {unclear[1]!r} may be several" if unclear and unclear[1] not in _NAMED_OFFSETS_H else ""
    return f"{shown(text)} is not a date and time{why}"


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _day_first(
    matches: Sequence[re.Match[str] | None], place_of: PlaceOf, is_stated: bool | None
) -> tuple[bool, tuple[str, ...]]:
    """Whether the day stands before the month in times that end with the year; told by a number above 12, or by dots."""
    rows = [(row, match) for row, match in enumerate(matches) if match]
    if not rows:
        return False, ()
    _refuse_short_years(rows, place_of)
    if is_stated is not None:
        return is_stated, (f"dates read with the {'day' if is_stated else 'month'} first, as stated",)
    day_first = next(((row, m) for row, m in rows if int(m["a"]) > 12 or m["sep"] == "."), None)
    month_first = next(((row, m) for row, m in rows if int(m["b"]) > 12 and m["sep"] != "."), None)
    if day_first and month_first:
        row, match = max(day_first, month_first, key=lambda found: found[0])
        raise place_of(row).error(f"{shown(match[0])}: day and month stand in another order than in rows before", fix=_ISO_FIX)
    if not day_first and not month_first:
        row, match = rows[0]
        a, b, year = int(match["a"]), int(match["b"]), _year(match["c"])
        raise place_of(row).error(
            f"{shown(match[0])} can be {year}-{b:02}-{a:02} (day first) or {year}-{a:02}-{b:02} (month first), "
            "and no row of the file decides",
            fix="Say --day-first or --month-first, or write the year first, such as 2024-03-01 00:00.",
        )
    return bool(day_first), (
        f"dates read with the {'day' if day_first else 'month'} first; --day-first or --month-first overrules",
    )


def _refuse_short_years(rows: Sequence[tuple[int, re.Match[str]]], place_of: PlaceOf) -> None:
    """Two digits of a year stand last where they stay the same while the first number moves."""
    short = [(row, match) for row, match in rows if len(match["c"]) == 2]
    if not short:
        return
    row, match = short[0]
    stands_still = len({m["a"] for _, m in short}) == 1 and int(match["a"]) > len(_MONTHS)
    years = [int(m["c"]) for _, m in short]
    if len(short) < len(rows) or max(years) - min(years) > 1 or stands_still:
        raise place_of(row).error(f"the year in {shown(match[0])} may be its first number or its last", fix=_ISO_FIX)


def _year(digits: str) -> int:
    return int(digits) + (2000 if len(digits) == 2 else 0)


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
    is_midnight = hour == 24 and not int(clock["m"]) and not int(clock["s"] or 0)
    if clock["name"] and clock["name"] not in _NAMED_OFFSETS_H:
        return None
    try:
        moment = datetime(
            _year(year), int(month), int(day), hour % 24 if is_midnight else hour, int(clock["m"]), int(clock["s"] or 0),
            tzinfo=_zone(clock),
        )  # fmt: skip
    except ValueError:
        return None
    return moment + timedelta(days=is_midnight)


def _zone(clock: re.Match[str]) -> tzinfo | None:
    if clock["utc"]:
        return UTC
    if clock["name"]:
        return timezone(timedelta(hours=_NAMED_OFFSETS_H[clock["name"]]))
    if not clock["offset"]:
        return None
    digits = clock["offset"].replace(":", "")
    span = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
    return timezone(-span if digits[0] == "-" else span)


class DoubledHour(StrEnum):
    """Which pass is meant by a time that comes twice when clocks go back, where it stands once in a file."""

    FIRST = "first"
    SECOND = "second"


def utc_times(
    local_s: IntArray, zone: ZoneInfo, doubled_hour: DoubledHour | None, place_of: PlaceOf
) -> tuple[IntArray, tuple[str, ...]]:
    """Times that a clock in a zone showed, as seconds since 1970; rows are those of one service.

    Returns
    -------
    tuple
        (rows,) seconds, and remarks.

    Raises
    ------
    InputError
        For a time of the hour that a clock change doubles that does not stand twice.
    """
    quarters, row_quarter = np.unique(local_s // _QUARTER_HOUR_S, return_inverse=True)
    offsets = np.empty((2, len(quarters)), dtype=np.int64)
    for at, quarter in enumerate(quarters.tolist()):
        shown_time = datetime.fromtimestamp(quarter * _QUARTER_HOUR_S, UTC).replace(tzinfo=zone)
        for fold in (0, 1):
            offset = shown_time.replace(fold=fold).utcoffset()
            offsets[fold, at] = 0 if offset is None else round(offset.total_seconds())
    early, late = local_s - offsets[0][row_quarter], local_s - offsets[1][row_quarter]
    remarks: tuple[str, ...] = ()
    n_skipped = int(np.count_nonzero(late < early))
    if n_skipped:
        remarks = (f"{n_skipped:,} times fall into the hour that the clock change skips, and were put an hour later",)
    doubled = late > early
    if not doubled.any():
        return early, remarks
    is_second, said = _is_second_pass(local_s, (early, late), doubled, zone, doubled_hour, place_of)
    return np.where(is_second, late, early), (*remarks, said)


def _is_second_pass(
    local_s: IntArray,
    utc_s: tuple[IntArray, IntArray],
    doubled: BoolArray,
    zone: ZoneInfo,
    doubled_hour: DoubledHour | None,
    place_of: PlaceOf,
) -> tuple[BoolArray, str]:
    """(rows,): which rows of a doubled hour belong to its second pass."""
    passes: dict[int, list[int]] = {}
    for row in np.flatnonzero(doubled).tolist():
        passes.setdefault(int(local_s[row]), []).append(row)
    is_second = np.zeros(len(local_s), dtype=np.bool_)
    is_newest_first = bool(local_s[-1] < local_s[0])
    said = "the hour that the clock change doubles was read once in summer and once in winter time"
    for moment, rows in passes.items():
        if len(rows) == 2:
            is_second[rows[0] if is_newest_first else rows[1]] = True
        elif doubled_hour is not None:
            is_second[rows] = doubled_hour is DoubledHour.SECOND
            said = f"the hour that the clock change doubles was read as its {doubled_hour} pass, as stated"
        else:
            clock = datetime.fromtimestamp(moment, UTC).replace(tzinfo=None).isoformat(" ")
            first, second = (datetime.fromtimestamp(int(times[rows[0]]), UTC).isoformat()[:16] + "Z" for times in utc_s)
            raise place_of(rows[0]).error(
                f"{clock} comes twice when clocks go back in {zone.key}, but stands {len(rows)} times in the file: "
                f"it can be {first} (first, summer time) or {second} (second, winter time)",
                fix="Say --doubled-hour first or second, or write the times with their UTC offset, such as "
                "2024-10-27T02:30:00+01:00.",
            )
    return is_second, said


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
