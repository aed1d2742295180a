"""Names in the cells of a block, as numbers: cells that are alike are read once."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from advisor.sources.load_cells import BEHIND, KEEP, LONGEST_NAME, Block, Words
from advisor.units import IntArray

_MOST_KNOWN: Final = 4_096
_MOST_SLOT_BITS: Final = 16
_LONGEST_ROUND: Final = 2_048
_ODD: Final = np.array([pow(0x9E3779B97F4A7C15, n, 1 << 64) for n in range(1, LONGEST_NAME // 8 + 1)], dtype=np.uint64)
"""Factors that spread the words of a name over a hash."""


def _cells(block: Block, column: int, lengths: IntArray | int) -> list[Words]:
    """(lines,) each: the cells, eight bytes a word, zeros behind their ends."""
    shortest, longest = int(np.min(lengths)), int(np.max(lengths))
    words = block.cell_words(column, longest)
    for at, word in enumerate(words):
        if shortest < 8 * at + 8:
            words[at] = word & KEEP.take(lengths - 8 * at, mode="clip")
    return words


def _hashed(words: Sequence[Words]) -> Words:
    """Hash of each cell."""
    hashes = np.zeros(len(words[0]), dtype=np.uint64)
    for word, odd in zip(words, _ODD, strict=False):
        hashes += word * odd
    hashes ^= hashes >> np.uint64(32)
    return hashes


def _round(words: Sequence[Words]) -> int:
    """After how many rows the first one comes again, and each after it; all rows where they do not.

    In long tables the services of each time mostly stand in the same order.
    """
    n_rows = len(words[0])
    is_first = np.ones(min(n_rows, _LONGEST_ROUND) - 1, dtype=np.bool_)
    for word in words:
        is_first &= word[1 : len(is_first) + 1] == word[0]
    n_round = int(np.argmax(is_first)) + 1 if is_first.any() else n_rows
    return n_round if all((word[n_round:] == word[:-n_round]).all() for word in words) else n_rows


class KnownNames:
    """Some thousand names at most, by a table of their hashes; nothing of it changes."""

    def __init__(self, texts: Sequence[str]) -> None:
        cells = [text.encode() for text in texts]
        self._slots: IntArray | None = None
        if len(cells) > _MOST_KNOWN or not all(0 < len(cell) <= LONGEST_NAME for cell in cells):
            return
        lengths = np.array([len(cell) for cell in cells], dtype=np.int64)
        self._longest = int(lengths.max())
        data = np.frombuffer(b"".join(cell.ljust(LONGEST_NAME, b"\0") for cell in cells) + BEHIND, dtype=np.uint8)
        starts = np.arange(len(cells)) * LONGEST_NAME
        self._words = _cells(Block(data, starts, starts + lengths), 0, lengths)
        hashes = _hashed(self._words)
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
        lengths = block.lengths(column)
        if self._slots is None or int(np.max(lengths)) > self._longest:
            return None
        words = _cells(block, column, lengths)
        n_round = _round(words)
        words = [word[:n_round] for word in words]
        codes: IntArray = self._slots[((_hashed(words) * self._odd) >> self._shift).view(np.int64)]
        behind = [known for known in self._words[len(words) :] if known[codes].any()]
        if behind or not all((known[codes] == word).all() for known, word in zip(self._words, words, strict=False)):
            return None
        n_rows = len(block.line_ends)
        return np.tile(codes.astype(np.min_scalar_type(len(self._words[0]) - 1)), -(-n_rows // n_round))[:n_rows]


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
        if longest <= LONGEST_NAME:
            words = _cells(block, column, lengths)
            _, first, same = np.unique(_hashed(words), return_index=True, return_inverse=True)
            if all((word[first][same] == word).all() for word in words):
                order = np.argsort(first)
                codes = np.empty(len(first), dtype=np.int64)
                for at in order.tolist():
                    row = int(first[at])
                    codes[at] = self.code(block.text(int(starts[row]), int(ends[row])).strip(), first_row + row)
                return codes[same]
        cells = [block.text(start, end).strip() for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
        return self.codes(cells, first_row)
