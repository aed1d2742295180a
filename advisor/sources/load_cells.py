"""Cells of a block of text as numbers, times and names, many rows at once; what is not plain is left to Python.

A block is a mebibyte of whole lines. Where all its lines are alike, their cells are found and decoded with numpy on the bytes
themselves, eight bytes a word, which is as fast as a reader in C and needs no object per cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from advisor.units import BoolArray, FloatArray, IntArray

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]

_PADDING: Final = b"\0" * 72
_LONGEST_NAME: Final = 64
_LONGEST_NUMBER: Final = 22
_SAMPLE: Final = 256
_MOST_KNOWN: Final = 4_096
_SLOT_BITS: Final = 16
_SLOT_SHIFT: Final = np.uint64(64 - _SLOT_BITS)
_EXACT: Final = 2**53
_POWERS: Final = 10.0 ** np.arange(_LONGEST_NUMBER + 1)
_KEEP: Final = np.array([(1 << (8 * n)) - 1 for n in range(9)], dtype=np.uint64)
"""Masks that keep the first n bytes of a word."""
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_DASHES: Final = np.frombuffer(b"0000-00-", dtype="<u8")[0]
_SLASHES: Final = np.frombuffer(b"0000/00/", dtype="<u8")[0]
_CLOCKS: Final = tuple(np.frombuffer(text, dtype="<u8")[0] for text in (b"00T00:00", b"00 00:00"))
_DATE_DIGITS: Final = np.frombuffer(b"\x0f\x0f\x0f\x0f\0\x0f\x0f\0", dtype="<u8")[0]
_CLOCK_DIGITS: Final = np.frombuffer(b"\x0f\x0f\0\x0f\x0f\0\x0f\x0f", dtype="<u8")[0]
_SIXES: Final = np.frombuffer(b"\x06" * 8, dtype="<u8")[0]
_HIGH: Final = np.frombuffer(b"\xf0" * 8, dtype="<u8")[0]
_EIGHT: Final = np.uint64(8)
_ZEROS: Final = np.uint64(0x3030303030303030)
_ONES: Final = np.uint64(0x0101010101010101)
_TOPS: Final = np.uint64(0x8080808080808080)
_SEVENTY_SIXES: Final = np.uint64(0x7676767676767676)
_BYTE: Final = np.uint64(0xFF)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Lines of equally many cells."""

    data: Bytes
    """The text, with zeros behind it."""
    words: Words
    """The eight bytes that begin at each byte."""
    line_starts: IntArray
    delimiters: IntArray
    """(lines, cells - 1)"""
    line_ends: IntArray

    def cells(self, column: int) -> tuple[IntArray, IntArray]:
        """(lines,) each: first byte of a cell, and the byte behind it."""
        starts = self.line_starts if column == 0 else self.delimiters[:, column - 1] + 1
        last = self.delimiters.shape[1]
        return starts, self.line_ends if column == last else self.delimiters[:, column]

    def text(self, start: int, end: int) -> str:
        """Text between two bytes."""
        return self.data[start:end].tobytes().decode("utf-8")


def split_block(text: bytes, width: int, delimiter: str) -> Block | None:
    """Cells of whole lines; None where the lines are not alike or hold more than plain cells."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
        if b"\r" in text:
            return None
    if b'"' in text:
        text = _without_quotes(text, delimiter)
        if not text:
            return None
    padded = text + _PADDING
    data = np.frombuffer(padded, dtype=np.uint8)
    whole = data[: len(text)]
    found = np.flatnonzero((whole == 10) | (whole == ord(delimiter)))
    if len(found) % width:
        return None
    marks = found.reshape(-1, width)
    letters = data[marks]
    if (letters[:, -1] != 10).any() or (letters[:, :-1] != ord(delimiter)).any():
        return None
    ends = marks[:, -1].copy()
    starts = np.empty_like(ends)
    starts[0], starts[1:] = 0, ends[:-1] + 1
    if (ends == starts).any():
        return None
    words = np.ndarray((len(padded) - 8,), dtype="<u8", buffer=padded, strides=(1,))
    return Block(data, words, starts, marks[:, :-1], ends)


def _without_quotes(text: bytes, delimiter: str) -> bytes:
    """Text without the quotation marks around plain cells; empty where they hold more than that."""
    if b'""' in text:
        return b""
    data = np.frombuffer(text, dtype=np.uint8)
    quotes = np.flatnonzero(data == 34)
    if len(quotes) % 2:
        return b""
    opening, closing = quotes[::2], quotes[1::2]
    before = np.where(opening > 0, data[opening - 1], 10)
    after = data[np.minimum(closing + 1, len(data) - 1)]
    mark = ord(delimiter)
    is_whole = ((before == 10) | (before == mark)).all() and ((after == 10) | (after == mark)).all()
    special = np.flatnonzero((data == mark) | (data == 10))
    is_inside = np.searchsorted(opening, special) != np.searchsorted(closing, special)
    return text.replace(b'"', b"") if is_whole and not is_inside.any() else b""


def plain_numbers(block: Block, column: int, decimal: str) -> tuple[FloatArray, BoolArray]:
    """Numbers of a column, and which cells are no plain ones: digits with at most one decimal sign, exact in a float."""
    starts, ends = block.cells(column)
    lengths = ends - starts
    longest = int(lengths.max())
    if longest <= 8 <= int(ends[0]):
        return _short_numbers(block.words[ends - 8], lengths, decimal)
    is_plain = (lengths > 0) & (lengths <= _LONGEST_NUMBER)
    mantissa = np.zeros(len(starts), dtype=np.float64)
    point = np.full(len(starts), -1, dtype=np.int64)
    n_points = np.zeros(len(starts), dtype=np.int8)
    shortest = int(lengths.min())
    for at in range(min(longest, _LONGEST_NUMBER)):
        letters = block.data[starts + at]
        digits = letters - np.uint8(48)
        is_digit = digits < 10
        is_point = letters == ord(decimal)
        if at >= shortest:
            is_inside = at < lengths
            is_digit &= is_inside
            is_point &= is_inside
            is_plain &= is_digit | is_point | ~is_inside
        else:
            is_plain &= is_digit | is_point
        if is_digit.all():
            mantissa = mantissa * 10 + digits
            continue
        np.copyto(mantissa, mantissa * 10 + digits, where=is_digit)
        if is_point.any():
            point[is_point] = at
            n_points += is_point
    is_plain &= (mantissa < _EXACT) & (n_points <= 1) & (lengths > n_points)
    n_decimals = np.where(n_points > 0, lengths - 1 - point, 0)
    np.clip(n_decimals, 0, _LONGEST_NUMBER, out=n_decimals)
    return mantissa / _POWERS[n_decimals], ~is_plain


def _short_numbers(words: Words, lengths: IntArray, decimal: str) -> tuple[FloatArray, BoolArray]:
    """The same for cells of up to eight bytes, which ``words`` end with: all digits of a number at once.

    Bytes before the cell become zeros, the bytes before the decimal sign move up into its place, and neighbours are joined to
    pairs, fours and eights.
    """
    outside = _KEEP[8 - np.maximum(lengths, 0)]
    digits = (words & ~outside) | (_ZEROS & outside)
    differs = digits ^ np.uint64(ord(decimal) * 0x0101010101010101)
    signs = (differs - _ONES) & ~differs & _TOPS
    has_sign = signs != 0
    sign = (signs & (~signs + np.uint64(1))) >> np.uint64(7)
    before = sign - np.uint64(1)
    moved = ((digits & before) << _EIGHT) | (digits & ~before & ~(sign * _BYTE)) | np.uint64(0x30)
    digits = np.where(has_sign, moved, digits) ^ _ZEROS
    n_signs = np.bitwise_count(signs)
    n_decimals = np.where(has_sign, 7 - np.bitwise_count(before) // 8, 0)
    is_plain = (((digits + _SEVENTY_SIXES) | digits) & _TOPS) == 0
    is_plain &= (n_signs <= 1) & (lengths > n_signs)
    pairs = (digits * np.uint64(10) + (digits >> _EIGHT)) & np.uint64(0x00FF00FF00FF00FF)
    fours = (pairs * np.uint64(100) + (pairs >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    whole = (fours * np.uint64(10_000) + (fours >> np.uint64(32))) & np.uint64(0xFFFFFFFF)
    return whole / _POWERS[n_decimals], ~is_plain


def plain_times(block: Block, column: int) -> tuple[IntArray, bool] | None:
    """Seconds of times such as ``2024-03-01T00:00:00Z``, all written in one way, and whether they carry a zone; else None."""
    starts, ends = block.cells(column)
    length = int(ends[0] - starts[0])
    if not 16 <= length <= _LONGEST_NAME or (ends - starts != length).any():
        return None
    suffix = _suffix(block.text(int(starts[0]), int(ends[0])))
    if suffix is None:
        return None
    has_seconds, offset_s = suffix
    repeated = _runs(block, starts, length)
    if repeated is not None:
        starts = starts[repeated]
    date, clock = block.words[starts], block.words[starts + 8]
    date_rest, clock_rest = date[0] & ~_DATE_DIGITS, clock[0] & ~_CLOCK_DIGITS
    if date_rest not in (_DASHES, _SLASHES) or clock_rest not in _CLOCKS:
        return None
    if ((date & ~_DATE_DIGITS) != date_rest).any() or ((clock & ~_CLOCK_DIGITS) != clock_rest).any():
        return None
    if (((date & _DATE_DIGITS) + _SIXES) & _HIGH).any() or (((clock & _CLOCK_DIGITS) + _SIXES) & _HIGH).any():
        return None
    seconds = np.zeros(len(starts), dtype=np.int64)
    if has_seconds:
        tens, ones = block.data[starts + 17] - np.uint8(48), block.data[starts + 18] - np.uint8(48)
        if (tens > 5).any() or (ones > 9).any() or not _same_suffix(block, starts, length):
            return None
        seconds += tens * np.int64(10) + ones
    elif not _same_suffix(block, starts, length, first=16):
        return None
    pairs = _pairs(date), _pairs(clock)
    year = _byte(pairs[0], 0) * 100 + _byte(pairs[0], 2)
    month, day = _byte(pairs[0], 5), _byte(pairs[1], 0)
    hour, minute = _byte(pairs[1], 3), _byte(pairs[1], 6)
    if (hour > 23).any() or (minute > 59).any() or (month < 1).any() or (month > 12).any() or (day < 1).any():
        return None
    days = _days(year, month, day)
    if days is None:
        return None
    times = days * 86_400 + hour * 3_600 + minute * 60 + seconds - (offset_s or 0)
    if repeated is not None:
        times = np.repeat(times, np.diff(repeated, append=len(ends)))
    return times, offset_s is not None


def _runs(block: Block, starts: IntArray, length: int) -> IntArray | None:
    """Where a cell differs from the one above it; None where most do. In long tables many rows share a time."""
    last = block.words[starts[:_SAMPLE] + (length - 8)]
    before = block.words[starts[:_SAMPLE] + max(length - 16, 0)]
    if np.count_nonzero((last[1:] != last[:-1]) | (before[1:] != before[:-1])) * 2 > len(last):
        return None
    is_new = np.zeros(len(starts), dtype=np.bool_)
    is_new[0] = True
    for at in {*range(0, length - 8, 8), length - 8}:
        words = block.words[starts + at]
        is_new[1:] |= words[1:] != words[:-1]
    first = np.flatnonzero(is_new)
    return first if len(first) * 2 < len(starts) else None


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


def _same_suffix(block: Block, starts: IntArray, length: int, first: int = 19) -> bool:
    """Whether all cells end alike; digits of a fraction of a second may differ, those of an offset may not."""
    is_fraction = first == 19 and int(block.data[starts[0] + 19]) == 46
    for at in range(first, length):
        letters = block.data[starts + at]
        is_fraction = is_fraction and (at == 19 or 48 <= int(letters[0]) <= 57)
        if is_fraction and at > 19:
            if ((letters - np.uint8(48)) > 9).any():
                return False
        elif (letters != letters[0]).any():
            return False
    return True


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


def _hashed(block: Block, starts: IntArray, lengths: IntArray, longest: int) -> tuple[Words, list[Words]]:
    """Hash of each cell, and its words."""
    words = [block.words[starts + at] & _KEEP[np.clip(lengths - at, 0, 8)] for at in range(0, longest, 8)]
    hashes = lengths.astype(np.uint64)
    for word in words:
        hashes = (hashes ^ word) * _MIX
        hashes ^= hashes >> np.uint64(29)
    return hashes, words


class KnownNames:
    """Some thousand names at most, by a table of their hashes; nothing of it changes."""

    def __init__(self, texts: Sequence[str]) -> None:
        cells = [text.encode() for text in texts]
        self._is_small = len(cells) <= _MOST_KNOWN and all(0 < len(cell) <= _LONGEST_NAME for cell in cells)
        if not self._is_small:
            return
        self._lengths = np.array([len(cell) for cell in cells], dtype=np.int64)
        padded = b"".join(cell.ljust(_LONGEST_NAME, b"\0") for cell in cells)
        self._words = np.frombuffer(padded, dtype="<u8").reshape(len(cells), -1)
        data = np.frombuffer(padded + _PADDING, dtype=np.uint8)
        all_words = np.ndarray((len(data) - 8,), dtype="<u8", buffer=data.data, strides=(1,))
        starts = np.arange(len(cells)) * _LONGEST_NAME
        block = Block(data, all_words, starts, starts[:, np.newaxis], starts)
        hashes, _ = _hashed(block, starts, self._lengths, int(self._lengths.max()))
        self._slots = np.zeros(1 << _SLOT_BITS, dtype=np.int32)
        self._slots[hashes >> _SLOT_SHIFT] = np.arange(len(cells), dtype=np.int32)

    def codes(self, block: Block, column: int) -> IntArray | None:
        """(lines,): number of each cell; None where one is not known."""
        if not self._is_small:
            return None
        starts, ends = block.cells(column)
        lengths = ends - starts
        longest = int(lengths.max())
        if longest > _LONGEST_NAME:
            return None
        hashes, words = _hashed(block, starts, lengths, longest)
        codes: IntArray = self._slots[hashes >> _SLOT_SHIFT]
        is_known = (self._lengths[codes] == lengths).all() and all(
            (self._words[codes, at] == word).all() for at, word in enumerate(words)
        )
        return codes if is_known else None


class Names:
    """Distinct texts of a column and the number of each, in the order in which they come."""

    def __init__(self) -> None:
        self.first_rows: list[int] = []
        self._code_of: dict[str, int] = {}

    @property
    def texts(self) -> tuple[str, ...]:
        """The distinct texts."""
        return tuple(self._code_of)

    def code(self, text: str, row: int) -> int:
        """The number of a text, which is new where it was not met before."""
        found = self._code_of.setdefault(text, len(self._code_of))
        if found == len(self.first_rows):
            self.first_rows.append(row)
        return found

    def codes(self, texts: Sequence[str], first_row: int) -> IntArray:
        """Numbers of texts in rows from ``first_row`` on."""
        return np.array([self.code(text, row) for row, text in enumerate(texts, first_row)], dtype=np.int64)

    def block_codes(self, block: Block, column: int, first_row: int) -> IntArray:
        """Numbers of the cells of a column, without blanks around them. Cells that are alike are read once a block."""
        starts, ends = block.cells(column)
        lengths = ends - starts
        longest = int(lengths.max())
        if longest <= _LONGEST_NAME:
            hashes, words = _hashed(block, starts, lengths, longest)
            _, first, same = np.unique(hashes, return_index=True, return_inverse=True)
            is_alike = all((word[first][same] == word).all() for word in words) and (lengths[first][same] == lengths).all()
            if is_alike:
                order = np.argsort(first)
                codes = np.empty(len(first), dtype=np.int64)
                for at in order.tolist():
                    row = int(first[at])
                    codes[at] = self.code(block.text(int(starts[row]), int(ends[row])).strip(), first_row + row)
                return codes[same]
        cells = [block.text(start, end).strip() for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
        return self.codes(cells, first_row)
