"""Cells of a block of text as numbers, times and names, many rows at once; what is not plain is left to Python.

A block is a mebibyte of whole lines. Where all its lines are alike, their cells are found and decoded with numpy on the bytes
themselves, eight bytes a word, which is as fast as a reader in C and needs no object per cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from advisor.sources.grouping import Repeated
from advisor.sources.input_files import count_bytes
from advisor.units import BoolArray, FloatArray, IntArray

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]

_LONGEST_NAME: Final = 64
_LONGEST_NUMBER: Final = 24
_BEFORE: Final = b"\0" * _LONGEST_NUMBER
_BEHIND: Final = b"\0" * (_LONGEST_NAME + 8)
_MOST_DECIMALS: Final = 22
"""Powers of ten are exact up to here."""
_FEW_LINES: Final = 3
_MOST_KNOWN: Final = 4_096
_MOST_SLOT_BITS: Final = 16
_EXACT: Final = 2**53
_HIGHEST: Final = 1e16
_POWERS: Final = np.array([float(f"1e{n}") for n in range(_MOST_DECIMALS + 1)])
_VELTKAMP: Final = 2.0**27 + 1
_KEEP: Final = np.array([(1 << (8 * n)) - 1 for n in range(9)], dtype=np.uint64)
"""Masks that keep the first n bytes of a word."""
_KEEP_LAST: Final = ~_KEEP[::-1]
"""Masks that keep the last n bytes."""
_ODD: Final = np.array([pow(0x9E3779B97F4A7C15, n, 1 << 64) for n in range(1, _LONGEST_NAME // 8 + 1)], dtype=np.uint64)
"""Factors that spread the words of a name over a hash."""
_DASHES: Final = np.frombuffer(b"0000-00-", dtype="<u8")[0]
_SLASHES: Final = np.frombuffer(b"0000/00/", dtype="<u8")[0]
_CLOCKS: Final = tuple(np.frombuffer(text, dtype="<u8")[0] for text in (b"00T00:00", b"00 00:00"))
_DATE_DIGITS: Final = np.frombuffer(b"\x0f\x0f\x0f\x0f\0\x0f\x0f\0", dtype="<u8")[0]
_CLOCK_DIGITS: Final = np.frombuffer(b"\x0f\x0f\0\x0f\x0f\0\x0f\x0f", dtype="<u8")[0]
_TO_THE_HOUR: Final = np.frombuffer(b"\xff\xff\xff\xff\xff\0\0\0", dtype="<u8")[0]
_MINUTES: Final = np.frombuffer(b"\0\0\0\0\0:00", dtype="<u8")[0]
_SIXES: Final = np.frombuffer(b"\x06" * 8, dtype="<u8")[0]
_HIGH: Final = np.frombuffer(b"\xf0" * 8, dtype="<u8")[0]
_EIGHT: Final = np.uint64(8)
_ZEROS: Final = np.uint64(0x3030303030303030)
_ONES: Final = np.uint64(0x0101010101010101)
_TOPS: Final = np.uint64(0x8080808080808080)
_SEVENTY_SIXES: Final = np.uint64(0x7676767676767676)
_BYTE: Final = np.uint64(0xFF)
_ALL: Final = np.uint64(0xFFFFFFFFFFFFFFFF)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Lines of equally many cells."""

    data: Bytes
    """The text, with zeros before and behind it."""
    line_starts: IntArray
    line_ends: IntArray
    delimiters: tuple[IntArray, ...] = ()
    """(lines,) each: the one behind each cell but the last."""
    offsets: tuple[int, ...] = ()
    """Bytes from the start of a line to the delimiter behind each cell but the last, where all lines have the same."""
    _heads: list[Words] = field(default_factory=list)

    def cells(self, column: int) -> tuple[IntArray, IntArray]:
        """(lines,) each: first byte of a cell, and the byte behind it."""
        if self.offsets:
            starts = self.line_starts + self._shift(column) if column else self.line_starts
            return starts, self.line_ends if column == len(self.offsets) else self.line_starts + self.offsets[column]
        starts = self.line_starts if column == 0 else self.delimiters[column - 1] + 1
        return starts, self.line_ends if column == len(self.delimiters) else self.delimiters[column]

    def lengths(self, column: int) -> IntArray | int:
        """(lines,) bytes of each cell; one number where all are alike."""
        if column < len(self.offsets):
            return self.offsets[column] - self._shift(column)
        starts, ends = self.cells(column)
        return ends - starts

    def _shift(self, column: int) -> int:
        return self.offsets[column - 1] + 1 if column else 0

    def words(self, starts: IntArray, n_words: int) -> list[Words]:
        """(starts,) each: the bytes from each start on, eight a word. A wide look-up takes no longer than a narrow one."""
        wide = np.ndarray((len(self.data) - 8 * n_words + 1,), dtype=f"V{8 * n_words}", buffer=self.data.data, strides=(1,))
        found = wide[starts].view("<u8").reshape(-1, n_words)
        return [np.ascontiguousarray(found[:, at]) for at in range(n_words)]

    def cell_words(self, column: int, n_bytes: int) -> list[Words]:
        """(lines,) each: the first bytes of each cell, eight a word, and what follows them in the last word.

        Where cells stand below each other, the lines are looked up once for all of them.
        """
        n_words = max(-(-n_bytes // 8), 1)
        if column >= len(self.offsets) or self.offsets[column] > _LONGEST_NAME:
            return self.words(self.cells(column)[0], n_words)
        if not self._heads:
            last = max(offset for offset in self.offsets if offset <= _LONGEST_NAME)
            self._heads.extend(self.words(self.line_starts, last // 8 + 1))
        first, rest = divmod(self._shift(column), 8)
        low, high = np.uint64(8 * rest), np.uint64(64 - 8 * rest)
        heads = self._heads[first:]
        if not rest:
            return heads[:n_words]
        words = [word >> low for word in heads[:n_words]]
        for word, behind in zip(words, heads[1:], strict=False):
            word |= behind << high
        return words

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
    data = np.frombuffer(b"".join((_BEFORE, text, _BEHIND)), dtype=np.uint8)
    mark = ord(delimiter)
    is_end = data == 10
    offsets = _offsets(text, width, mark)
    if offsets:
        ends = np.flatnonzero(is_end)
        starts = _starts(ends)
        is_alike = count_bytes(text, mark) == len(ends) * len(offsets) and (starts + offsets[-1] < ends).all()
        if is_alike and all((data[starts + offset] == mark).all() for offset in offsets):
            return Block(data, starts, ends, offsets=offsets)
    found = np.flatnonzero((data == mark) | is_end)
    if len(found) % width:
        return None
    *delimiters, ends = (found[at::width].copy() for at in range(width))
    if (data[ends] != 10).any() or any((data[each] != mark).any() for each in delimiters):
        return None
    starts = _starts(ends)
    return None if (ends == starts).any() else Block(data, starts, ends, tuple(delimiters))


def _starts(ends: IntArray) -> IntArray:
    starts = np.empty_like(ends)
    starts[0], starts[1:] = len(_BEFORE), ends[:-1] + 1
    return starts


def _offsets(text: bytes, width: int, mark: int) -> tuple[int, ...]:
    """Where the delimiters of the first lines stand; empty where they differ, or there are none."""
    lines = text[: _LONGEST_NAME * width * _FEW_LINES].split(b"\n")[:_FEW_LINES]
    found = {tuple(at for at, byte in enumerate(line) if byte == mark) for line in lines[: max(len(lines) - 1, 1)]}
    offsets = found.pop()
    return offsets if not found and len(offsets) == width - 1 else ()


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
    """Numbers of a column, rounded as Python does, and which cells are no plain ones: digits with at most one decimal sign.

    All digits of a number are read at once. Bytes before the cell become zeros, the bytes before the decimal sign move up into
    its place, and neighbours are joined to pairs, fours and eights.
    """
    starts, ends = block.cells(column)
    lengths = ends - starts
    shortest, longest = int(lengths.min()), int(lengths.max())
    n_words = min(max(-(-longest // 8), 1), _LONGEST_NUMBER // 8)
    words = [word ^ _ZEROS for word in block.words(ends - 8 * n_words, n_words)[::-1]]
    for at, word in enumerate(words):
        if shortest < 8 * at + 8:
            word &= _KEEP_LAST.take(lengths - 8 * at, mode="clip")
    is_plain = np.ones(len(ends), dtype=np.bool_) if shortest and longest <= 8 * n_words else _is_within(lengths, 8 * n_words)
    unlike_zero = np.uint64(ord(decimal) ^ ord("0"))
    unlike_zeros = unlike_zero * _ONES
    n_signs = np.zeros(len(ends), dtype=np.uint8)
    n_decimals = np.zeros(len(ends), dtype=np.uint8)
    mantissa = np.zeros(len(ends), dtype=np.uint64)
    for at, word in enumerate(words):
        differs = word ^ unlike_zeros
        signs = (differs - _ONES) & ~differs & _TOPS
        is_sign = signs != 0
        has_sign = is_sign | (n_signs > 0) if at else is_sign
        digits = word
        if has_sign.any():
            sign = (signs & (~signs + np.uint64(1))) >> np.uint64(7)
            before = sign - np.uint64(1)
            if at:
                before = np.where(n_signs > 0, _ALL, before)
            low = word & before
            moved = (low << _EIGHT) + (word - low) - sign * unlike_zero
            if at + 1 < n_words:
                moved |= words[at + 1] >> np.uint64(56)
            digits = moved if has_sign.all() else np.where(has_sign, moved, word)
            n_decimals += (np.uint8(8 * at + 7) - (np.bitwise_count(before) >> np.uint8(3))) * is_sign
            n_signs += np.bitwise_count(signs)
        is_plain &= (((digits + _SEVENTY_SIXES) | digits) & _TOPS) == 0
        pairs = (digits * np.uint64(10) + (digits >> _EIGHT)) & np.uint64(0x00FF00FF00FF00FF)
        fours = (pairs * np.uint64(100) + (pairs >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
        eight = (fours * np.uint64(10_000) + (fours >> np.uint64(32))) & np.uint64(0xFFFFFFFF)
        if at == 2:
            is_plain &= eight < 1_000
        mantissa += eight * np.uint64(10 ** (8 * at)) if at else eight
    is_plain &= n_signs <= 1
    if shortest <= 1:
        is_plain &= lengths > n_signs
    if n_words == 1:
        return mantissa / _POWERS[n_decimals], ~is_plain
    is_plain &= n_decimals <= _MOST_DECIMALS
    n_decimals = np.minimum(n_decimals, np.uint8(_MOST_DECIMALS))
    values = mantissa / _POWERS[n_decimals]
    long = np.flatnonzero(is_plain & (mantissa >= _EXACT))
    if long.size:
        values[long], is_sure = _quotients(mantissa[long], _POWERS[n_decimals[long]])
        is_plain[long] = is_sure & (values[long] <= _HIGHEST)
    return values, ~is_plain


def _is_within(lengths: IntArray, longest: int) -> BoolArray:
    return np.asarray((lengths > 0) & (lengths <= longest))


def _quotients(mantissa: Words, power: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Quotients rounded to the nearest float, and where that is beyond doubt: worked out to twice the digits of one float."""
    high = mantissa.astype(np.float64)
    low = (mantissa - high.astype(np.uint64)).view(np.int64).astype(np.float64)
    first = high / power
    product = first * power
    first_high = _VELTKAMP * first - (_VELTKAMP * first - first)
    power_high = _VELTKAMP * power - (_VELTKAMP * power - power)
    first_low, power_low = first - first_high, power - power_high
    lost = ((first_high * power_high - product) + first_high * power_low + first_low * power_high) + first_low * power_low
    second = ((high - product) - lost + low) / power
    values = first + second
    off = np.abs(second - (values - first))
    between = np.spacing(values) / 2
    is_sure = (np.abs(off - between) > between * 2.0**-20) & (np.frexp(values)[0] != 0.5)
    return values, is_sure


def plain_times(block: Block, column: int) -> tuple[IntArray | Repeated, bool] | None:
    """Seconds of times such as ``2024-03-01T00:00:00Z``, all written in one way, and whether they carry a zone; else None.

    Where most rows have the time of the row above, each is given once.
    """
    lengths = block.lengths(column)
    length = int(lengths if isinstance(lengths, int) else lengths[0])
    if not 16 <= length <= _LONGEST_NAME or not np.all(lengths == length):
        return None
    start = int(block.cells(column)[0][0])
    first = block.text(start, start + length)
    suffix = _suffix(first)
    if suffix is None or not first.isascii():
        return None
    has_seconds, offset_s = suffix
    words = block.cell_words(column, length)
    if length % 8:
        words[-1] = words[-1] & _KEEP[length % 8]
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
    np.not_equal((clock[1:] ^ clock[:-1]) & _TO_THE_HOUR, 0, out=is_new[1:])
    is_new[1:] |= date[1:] != date[:-1]
    firsts = np.flatnonzero(is_new)
    minutes = (clock ^ _MINUTES) >> np.uint64(40)
    tens, ones = (minutes >> _EIGHT) & _BYTE, minutes >> np.uint64(16)
    if (minutes & _BYTE).any() or (tens > 5).any() or (ones > 9).any():
        return None
    date, clock = date[firsts], clock[firsts]
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
    times += ((tens * np.uint64(10) + ones) * np.uint64(60)).view(np.int64)
    return times


def _seconds_of_minute(words: Sequence[Words], first: str, has_seconds: bool) -> IntArray | None:
    """Seconds of times, in their bytes from the seventeenth on; None where they do not end alike. One number where all have it.

    Digits of seconds and of their fraction may differ, those of an offset from UTC may not.
    """
    if all((word == word[0]).all() for word in words):
        words = [word[:1] for word in words]
    free = {17, 18} if has_seconds else set()
    if has_seconds and first[19:20] == ".":
        n_digits = len(first[20:]) - len(first[20:].lstrip("0123456789"))
        free |= set(range(20, 20 + n_digits))
    for at, word in enumerate(words, 2):
        mask = np.uint64(sum(0xFF << 8 * (place - 8 * at) for place in free if 0 <= place - 8 * at < 8))
        digits = (word ^ _ZEROS) & mask
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
    first = np.flatnonzero(is_new)
    return first if len(first) * 2 < len(is_new) else None


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


def _hashed(words: list[Words], lengths: IntArray | int) -> Words:
    """Hash of each cell; its words are replaced by such whose bytes behind its end are zeros."""
    hashes = np.zeros(len(words[0]), dtype=np.uint64)
    for at, word in enumerate(words):
        words[at] = word & _KEEP.take(lengths - 8 * at, mode="clip")
        hashes += words[at] * _ODD[at]
    hashes += np.asarray(lengths, dtype=np.uint64)
    hashes ^= hashes >> np.uint64(32)
    return hashes


class KnownNames:
    """Some thousand names at most, by a table of their hashes; nothing of it changes."""

    def __init__(self, texts: Sequence[str]) -> None:
        cells = [text.encode() for text in texts]
        self._slots: IntArray | None = None
        if len(cells) > _MOST_KNOWN or not all(0 < len(cell) <= _LONGEST_NAME for cell in cells):
            return
        self._lengths = np.array([len(cell) for cell in cells], dtype=np.int64)
        self._longest = int(self._lengths.max())
        data = np.frombuffer(b"".join(cell.ljust(_LONGEST_NAME, b"\0") for cell in cells) + _BEHIND, dtype=np.uint8)
        starts = np.arange(len(cells)) * _LONGEST_NAME
        self._words = Block(data, starts, starts).cell_words(0, self._longest)
        hashes = _hashed(self._words, self._lengths)
        for n_bits in range(min(len(cells).bit_length() + 3, _MOST_SLOT_BITS), _MOST_SLOT_BITS + 1):
            for self._odd in _ODD:
                self._shift = np.uint64(64 - n_bits)
                slots = (hashes * self._odd) >> self._shift
                if len(np.unique(slots)) == len(cells):
                    self._slots = np.zeros(1 << n_bits, dtype=np.int64)
                    self._slots[slots] = np.arange(len(cells))
                    return

    def codes(self, block: Block, column: int) -> IntArray | None:
        """(lines,): number of each cell; None where one is not known, or no table keeps the names apart."""
        if self._slots is None:
            return None
        lengths = block.lengths(column)
        longest = int(np.max(lengths))
        if longest > self._longest:
            return None
        words = block.cell_words(column, longest)
        hashes = _hashed(words, lengths)
        codes: IntArray = self._slots[((hashes * self._odd) >> self._shift).view(np.int64)]
        if self._longest > 8 * len(words) and (self._lengths[codes] != lengths).any():
            return None
        is_known = all((known[codes] == word).all() for known, word in zip(self._words, words, strict=False))
        return codes.astype(np.min_scalar_type(len(self._lengths) - 1)) if is_known else None


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
            words = block.cell_words(column, longest)
            hashes = _hashed(words, lengths)
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
