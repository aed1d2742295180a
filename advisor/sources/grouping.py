"""Rows of one service put together, block by block: a table is larger than the caches of a processor."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from advisor.units import IntArray

AnyArray = NDArray[Any]
_MOST_COPIED: Final = 128
"""Of so few services, rows are copied service by service; of more, each has too few in a block."""


@dataclass(frozen=True, slots=True, eq=False)
class Repeated:
    """A part of a column in which neighbours are mostly alike, such as the times of a long table: held once a run."""

    values: AnyArray
    counts: IntArray
    """(runs,): rows of each. [rows]"""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values."""
        return self.values.dtype

    def whole(self) -> AnyArray:
        """(rows,): the value of each row."""
        return np.repeat(self.values, self.counts)


Part = AnyArray | Repeated


class Grouping:
    """Order of rows in which those of each service stand together, and in the order of the file within each."""

    def __init__(self, codes: Sequence[IntArray], n_groups: int) -> None:
        """Take the number of each row's service, in blocks of rows: (rows,) each."""
        smallest = np.min_scalar_type(max(n_groups - 1, 0))
        self._codes = [part.astype(smallest, copy=False) for part in codes]
        self._n_groups = n_groups
        self._counts = [np.bincount(part, minlength=n_groups).astype(np.int32) for part in self._codes]
        totals = np.sum(self._counts, axis=0, dtype=np.int64) if self._counts else np.zeros(n_groups, dtype=np.int64)
        self.bounds: IntArray = np.concatenate([[0], np.cumsum(totals)])
        """(groups + 1,): where each begins once its rows stand together."""
        firsts = [(int(part[0]), int(part[-1])) for part in self._codes if len(part)]
        self.is_ordered = all(before[1] <= after[0] for before, after in pairwise(firsts)) and all(
            bool((part[1:] >= part[:-1]).all()) for part in self._codes
        )
        """Whether they stand together as they are."""

    @cached_property
    def _round(self) -> AnyArray | None:
        """(groups,): the groups in the order in which they stand again and again from the first row on; None where they do not.

        That of a long table with a row of each service a time. Of one group, or of those that stand together, it says nothing.
        """
        n = self._n_groups
        if n < 2 or self.is_ordered or len(self._codes[0]) < n:
            return None
        rounds = np.tile(self._codes[0][:n], max(map(len, self._codes)) // n + 2)
        row = 0
        for codes in self._codes:
            if (codes != rounds[row % n : row % n + len(codes)]).any():
                return None
            row += len(codes)
        return None if row % n else rounds[:n]

    def grouped(self, columns: Sequence[list[Part]]) -> list[AnyArray]:
        """(rows,) each: columns in this order. Their blocks are taken out of the lists, so that nothing is held twice."""
        if self.is_ordered:
            return [joined(parts) for parts in columns]
        out = [np.empty(int(self.bounds[-1]), dtype=parts[0].dtype) for parts in columns]
        for parts in columns:
            parts.reverse()
        free = self.bounds[:-1].copy()
        row = 0
        for codes, counts in zip(self._codes, self._counts, strict=True):
            if self._n_groups <= _MOST_COPIED:
                order, slices = self._places(codes, counts, row)
                for column, parts in zip(out, columns, strict=True):
                    rows = rows_of(parts.pop())
                    rows = rows if order is None else rows[order]
                    for place, rows_of_group, n_rows in zip(free.tolist(), slices, counts.tolist(), strict=True):
                        column[place : place + n_rows] = rows[rows_of_group]
            else:
                places = np.empty(len(codes), dtype=np.int64)
                begins = np.cumsum(counts) - counts
                places[np.argsort(codes, kind="stable")] = np.repeat(free - begins, counts) + np.arange(len(codes))
                for column, parts in zip(out, columns, strict=True):
                    column[places] = rows_of(parts.pop())
            free += counts
            row += len(codes)
        return out

    def _places(self, codes: IntArray, counts: AnyArray, row: int) -> tuple[IntArray | None, list[slice]]:
        """Order in which rows of a block are taken, None as they stand, and then the rows of each group."""
        n = self._n_groups
        if self._round is not None:
            return None, [slice((place - row) % n, None, n) for place in np.argsort(self._round).tolist()]
        ends = np.cumsum(counts)
        return np.argsort(codes, kind="stable"), list(map(slice, (ends - counts).tolist(), ends.tolist()))

    def shared(self, parts: Sequence[Part]) -> AnyArray | None:
        """(rows of a service,): a column that all services share, as they do the times of most long tables; None otherwise.

        They share it where they stand in the same order again and again, and the column changes only after the last one.
        """
        if self._round is None:
            return None
        n, row, last, found = self._n_groups, 0, None, []
        for part in parts:
            if not isinstance(part, Repeated):
                return None
            within = row % n
            ends = within + np.cumsum(part.counts)
            if (within and part.values[0] != last) or (ends[:-1] % n).any():
                return None
            found.append(np.repeat(part.values, np.diff(-(-ends // n), prepend=-(-within // n))))
            row, last = row + int(ends[-1]) - within, part.values[-1]
        return np.concatenate(found)

    def row_of(self, at: int) -> int:
        """The row of the file that stands at a place of this order."""
        if self.is_ordered:
            return at
        code = int(np.searchsorted(self.bounds, at, side="right")) - 1
        left, first_row = at - int(self.bounds[code]), 0
        for part in self._codes:
            rows = np.flatnonzero(part == code)
            if left < len(rows):
                return first_row + int(rows[left])
            left -= len(rows)
            first_row += len(part)
        raise IndexError(at)


def joined(parts: list[Part]) -> AnyArray:
    """(rows,): a column of its parts, which are taken out of the list."""
    whole = np.concatenate([rows_of(part) for part in parts])
    parts.clear()
    return whole


def rows_of(part: Part) -> AnyArray:
    """(rows,): the value of each row."""
    return part.whole() if isinstance(part, Repeated) else part
