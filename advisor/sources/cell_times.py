"""Times in the cells of a block, all written in one way."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from advisor.sources.grouping import Repeated
from advisor.sources.load_cells import KEEP, LONGEST_NAME, ZEROS, Block, Words
from advisor.units import IntArray

_DASHES: Final = np.frombuffer(b"0000-00-", dtype="<u8")[0]
_SLASHES: Final = np.frombuffer(b"0000/00/", dtype="<u8")[0]
_CLOCKS: Final = tuple(np.frombuffer(text, dtype="<u8")[0] for text in (b"00T00:00", b"00 00:00"))
_DATE_DIGITS: Final = np.frombuffer(b"\x0f\x0f\x0f\x0f\0\x0f\x0f\0", dtype="<u8")[0]
_CLOCK_DIGITS: Final = np.frombuffer(b"\x0f\x0f\0\x0f\x0f\0\x0f\x0f", dtype="<u8")[0]
_BEFORE_MINUTES: Final = np.frombuffer(b"\xff\xff\xff\xff\xff\xff\0\0", dtype="<u8")[0]
_TO_THE_MINUTES: Final = np.uint64(48)
_SIXES: Final = np.frombuffer(b"\x06" * 8, dtype="<u8")[0]
_HIGH: Final = np.frombuffer(b"\xf0" * 8, dtype="<u8")[0]
_EIGHT: Final = np.uint64(8)
_TOPS: Final = np.uint64(0x8080808080808080)
_SEVENTY_SIXES: Final = np.uint64(0x7676767676767676)
_BYTE: Final = np.uint64(0xFF)


def _minute_table() -> NDArray[np.int16]:
    """(65536,): seconds of the minutes that two digits say, by the number that their bytes make; -1 of all else."""
    table = np.full(1 << 16, -1, dtype=np.int16)
    for minute in range(60):
        table[int.from_bytes(b"%02d" % minute, "little")] = minute * 60
    return table


_MINUTE_S: Final = _minute_table()


def plain_times(block: Block, column: int) -> tuple[IntArray | Repeated, bool] | None:
    """Seconds of times such as ``2024-03-01T00:00:00Z``, all written in one way, and whether they carry a zone; else None.

    Where most rows have the time of the row above, each is given once.
    """
    lengths = block.lengths(column)
    length = int(lengths if isinstance(lengths, int) else lengths[0])
    if not 16 <= length <= LONGEST_NAME or not np.all(lengths == length):
        return None
    start = int(block.cells(column)[0][0])
    first = block.text(start, start + length)
    suffix = _suffix(first)
    if suffix is None or not first.isascii():
        return None
    has_seconds, offset_s = suffix
    words = block.cell_words(column, length)
    if length % 8:
        words[-1] = words[-1] & KEEP[length % 8]
    repeated = _runs(words)
    if repeated is not None:
        words = [word[repeated] for word in words]
    seconds_s = _seconds_of_minute(words[2:], first, has_seconds)
    times = None if seconds_s is None else _minutes_s(words[0], words[1])
    if times is None or seconds_s is None:
        return None
    times += seconds_s - (offset_s or 0)
    has_zone = offset_s is not None
    return (times if repeated is None else Repeated(times, np.diff(repeated, append=len(block.line_ends)))), has_zone


def _minutes_s(date: Words, clock: Words) -> IntArray | None:
    """Seconds of times to the minute, in words such as ``2024-03-`` and ``01T05:30``. Neighbours share most of their hours."""
    is_new = np.empty(len(date), dtype=np.bool_)
    is_new[0] = True
    np.not_equal((clock[1:] ^ clock[:-1]) & _BEFORE_MINUTES, 0, out=is_new[1:])
    is_new[1:] |= date[1:] != date[:-1]
    firsts = np.flatnonzero(is_new)
    minutes_s = _MINUTE_S.take((clock >> _TO_THE_MINUTES).view(np.int64))
    date, clock = date[firsts], clock[firsts]
    if minutes_s.min() < 0:
        return None
    date_rest, clock_rest = date[0] & ~_DATE_DIGITS, clock[0] & ~_CLOCK_DIGITS
    if date_rest not in (_DASHES, _SLASHES) or clock_rest not in _CLOCKS:
        return None
    if ((date & ~_DATE_DIGITS) != date_rest).any() or ((clock & ~_CLOCK_DIGITS) != clock_rest).any():
        return None
    if (((date & _DATE_DIGITS) + _SIXES) & _HIGH).any() or (((clock & _CLOCK_DIGITS) + _SIXES) & _HIGH).any():
        return None
    pairs = _pairs(date), _pairs(clock)
    year = _byte(pairs[0], 0) * 100 + _byte(pairs[0], 2)
    month, day, hour = _byte(pairs[0], 5), _byte(pairs[1], 0), _byte(pairs[1], 3)
    if (hour > 23).any() or (month < 1).any() or (month > 12).any() or (day < 1).any():
        return None
    days = _days(year, month, day)
    if days is None:
        return None
    times = np.repeat(days * 86_400 + hour * 3_600, np.diff(firsts, append=len(is_new)))
    times += minutes_s
    return times


def _seconds_of_minute(words: Sequence[Words], first: str, has_seconds: bool) -> IntArray | None:
    """Seconds of times, in their bytes from the seventeenth on; None where they do not end alike. One number where all have it.

    Digits of seconds and of their fraction may differ, those of an offset from UTC may not.
    """
    if all((word == word[0]).all() for word in words):
        second = int(first[17:19]) if has_seconds else 0
        return np.array([second]) if second < 60 else None
    free = {17, 18} if has_seconds else set()
    if has_seconds and first[19:20] == ".":
        n_digits = len(first[20:]) - len(first[20:].lstrip("0123456789"))
        free |= set(range(20, 20 + n_digits))
    for at, word in enumerate(words, 2):
        mask = np.uint64(sum(0xFF << 8 * (place - 8 * at) for place in free if 0 <= place - 8 * at < 8))
        digits = (word ^ ZEROS) & mask
        if ((word ^ word[0]) & ~mask).any() or (((digits + _SEVENTY_SIXES) | digits) & _TOPS).any():
            return None
    if not has_seconds:
        return np.zeros(1, dtype=np.int64)
    seconds = _byte(_pairs(words[0]), 1)
    return None if (seconds > 59).any() else seconds


def _runs(words: Sequence[Words]) -> IntArray | None:
    """Where a cell differs from the one above it; None where most do. In long tables many rows share a time."""
    is_new = np.zeros(len(words[0]), dtype=np.bool_)
    is_new[0] = True
    for word in words:
        is_new[1:] |= word[1:] != word[:-1]
        if np.count_nonzero(is_new) * 2 >= len(is_new):
            return None
    return np.flatnonzero(is_new)


def _suffix(text: str) -> tuple[bool, int | None] | None:
    """Whether a time has seconds, and its offset from UTC in seconds, None without one; None where it is not plain ISO 8601."""
    rest = text[16:]
    has_seconds = rest[:1] == ":" and rest[1:3].isdigit()
    rest = rest[3:] if has_seconds else rest
    if has_seconds and rest[:1] == ".":
        rest = rest[1:].lstrip("0123456789")
    if not rest:
        return has_seconds, None
    if rest == "Z":
        return has_seconds, 0
    digits = rest[1:].replace(":", "")
    if rest[0] not in "+-" or len(rest) > 6 or len(digits) != 4 or not digits.isdigit() or not digits.isascii():
        return None
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 14 or minutes > 59:
        return None
    return has_seconds, (hours * 3_600 + minutes * 60) * (-1 if rest[0] == "-" else 1)


def _pairs(word: Words) -> Words:
    """At each byte the number that its digit and the next make."""
    digits = word & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.asarray(digits * np.uint64(10) + (digits >> _EIGHT), dtype=np.uint64)


def _byte(word: Words, at: int) -> IntArray:
    return np.asarray(((word >> np.uint64(8 * at)) & _BYTE).astype(np.int64))


def _days(year: IntArray, month: IntArray, day: IntArray) -> IntArray | None:
    """Days since 1970; None where the calendar has no such day. Neighbours share a day, so few are worked out."""
    key = (year * 16 + month) * 32 + day
    first = np.flatnonzero(np.diff(key, prepend=-1))
    months = (year[first] - 1970) * 12 + month[first] - 1
    start = months.astype("datetime64[M]").astype("datetime64[D]")
    dates = start + (day[first] - 1)
    if (
        (dates.astype("datetime64[M]").astype(np.int64) != months).any()
        or (year[first] < 1970).any()
        or (year[first] > 2200).any()
    ):
        return None
    runs = np.diff(first, append=len(key))
    return np.repeat(dates.astype(np.int64), runs)
