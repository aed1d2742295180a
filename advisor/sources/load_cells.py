"""Cells of a block of text, many rows at once; what is not plain is left to Python.

A block is a mebibyte or two of whole lines. Where all its lines are alike, their cells are found with numpy on the bytes
themselves and decoded eight bytes a word, which is as fast as a reader in C and needs no object per cell.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from advisor.sources.input_files import count_bytes
from advisor.units import IntArray

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]

LONGEST_NAME: Final = 64
LONGEST_NUMBER: Final = 24
_BEFORE: Final = b"\0" * LONGEST_NUMBER
BEHIND: Final = b"\0" * (LONGEST_NAME + 16)
_FEW_LINES: Final = 3
KEEP: Final = np.array([(1 << (8 * n)) - 1 for n in range(9)], dtype=np.uint64)
"""Masks that keep the first n bytes of a word."""
_KEEP_LAST: Final = ~KEEP[::-1]
"""Masks that keep the last n bytes."""
ZEROS: Final = np.uint64(0x3030303030303030)


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
    _heads: dict[int, Words] = field(default_factory=dict)
    _wide: list[NDArray[np.uint64]] = field(default_factory=list)

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
        """(starts,) each: the bytes from each start on, eight a word."""
        found = self._gathered(starts, n_words)
        return [np.ascontiguousarray(found[:, at]) for at in range(n_words)]

    def _gathered(self, starts: IntArray, n_words: int) -> NDArray[np.uint64]:
        """(starts, words): a wide look-up takes no longer than a narrow one."""
        wide = np.ndarray((len(self.data) - 8 * n_words + 1,), dtype=f"V{8 * n_words}", buffer=self.data.data, strides=(1,))
        return wide[starts].view("<u8").reshape(-1, n_words)

    def _head(self, at: int) -> Words:
        """(lines,): word number ``at`` of each line. All are looked up at once, which takes no longer than one."""
        if at not in self._heads:
            if not self._wide:
                self._wide.append(self._gathered(self.line_starts, self._n_head_words))
            self._heads[at] = np.ascontiguousarray(self._wide[0][:, at])
        return self._heads[at]

    @property
    def _n_head_words(self) -> int:
        """As many as hold the first eight bytes of the last cell, where it begins soon enough."""
        starts = (self._shift(column) for column in range(len(self.offsets) + 1))
        return max(start for start in starts if start <= LONGEST_NAME) // 8 + 2 if self.offsets else 0

    def _is_in_head(self, column: int, n_bytes: int) -> bool:
        return self._n_head_words > 0 and self._shift(column) + n_bytes <= 8 * self._n_head_words

    def has_everywhere(self, offset: int, byte: int) -> bool:
        """Whether all lines hold a byte at so many bytes from their start."""
        if offset >= LONGEST_NAME:
            return bool((self.data[self.line_starts + offset] == byte).all())
        at, rest = divmod(offset, 8)
        differs = self._head(at) ^ np.uint64(byte << 8 * rest)
        return not int(np.bitwise_or.reduce(differs)) >> 8 * rest & 0xFF

    def cell_words(self, column: int, n_bytes: int) -> list[Words]:
        """(lines,) each: the first bytes of each cell, eight a word, and what follows them in the last word.

        Where cells stand below each other, the lines are looked up once for all of them.
        """
        n_words = max(-(-n_bytes // 8), 1)
        if not self._is_in_head(column, n_bytes):
            return self.words(self.cells(column)[0], n_words)
        first, rest = divmod(self._shift(column), 8)
        if not rest:
            return [self._head(first + at) for at in range(n_words)]
        low, high = np.uint64(8 * rest), np.uint64(64 - 8 * rest)
        words = [self._head(first + at) >> low for at in range(n_words)]
        for at, word in enumerate(words):
            if 8 * at + 8 - rest < n_bytes:
                word |= self._head(first + at + 1) << high
        return words

    def digits(self, column: int, lengths: IntArray | int, n_words: int) -> list[Words]:
        """(lines,) each: the last bytes of each cell, eight a word from the end on, less ``0``; zeros before the cell."""
        if n_words == 1 and self._is_in_head(column, 8):
            unused = np.asarray((8 - lengths) << 3).view(np.uint64)
            (word,) = self.cell_words(column, 8)
            return [(word ^ ZEROS) << unused]
        words = [word ^ ZEROS for word in self.words(self.cells(column)[1] - 8 * n_words, n_words)[::-1]]
        shortest = int(np.min(lengths))
        for at, word in enumerate(words):
            if shortest < 8 * at + 8:
                word &= _KEEP_LAST.take(lengths - 8 * at, mode="clip")
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
    data = np.frombuffer(b"".join((_BEFORE, text, BEHIND)), dtype=np.uint8)
    mark = ord(delimiter)
    is_end = data == 10
    offsets = _offsets(text, width, mark)
    if offsets:
        ends = np.flatnonzero(is_end)
        starts = _starts(ends)
        if count_bytes(text, mark) == len(ends) * len(offsets) and (starts + offsets[-1] < ends).all():
            block = Block(data, starts, ends, offsets=offsets)
            if all(block.has_everywhere(offset, mark) for offset in offsets):
                return block
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
    lines = text[: LONGEST_NAME * width * _FEW_LINES].split(b"\n")[:_FEW_LINES]
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
