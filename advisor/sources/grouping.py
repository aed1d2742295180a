"""Rows of one service put together, block by block: a table is larger than the caches of a processor."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.units import IntArray

AnyArray = NDArray[Any]


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
        totals = np.zeros(n_groups, dtype=np.int64)
        for part in self._codes:
            totals += np.bincount(part, minlength=n_groups)
        self.bounds: IntArray = np.concatenate([[0], np.cumsum(totals)])
        """(groups + 1,): where each begins once its rows stand together."""
        firsts = [(int(part[0]), int(part[-1])) for part in self._codes if len(part)]
        self.is_ordered = all(before[1] <= after[0] for before, after in pairwise(firsts)) and all(
            bool((part[1:] >= part[:-1]).all()) for part in self._codes
        )
        """Whether they stand together as they are."""

    def grouped(self, columns: Sequence[list[Part]]) -> list[AnyArray]:
        """(rows,) each: columns in this order. Their blocks are taken out of the lists, so that nothing is held twice."""
        if self.is_ordered:
            return [joined(parts) for parts in columns]
        out = [np.empty(int(self.bounds[-1]), dtype=parts[0].dtype) for parts in columns]
        for parts in columns:
            parts.reverse()
        free = self.bounds[:-1].copy()
        for codes in self._codes:
            order = np.argsort(codes, kind="stable")
            counts = np.bincount(codes, minlength=self._n_groups)
            places = np.empty(len(codes), dtype=np.int64)
            places[order] = np.repeat(free - (np.cumsum(counts) - counts), counts) + np.arange(len(codes))
            for column, parts in zip(out, columns, strict=True):
                column[places] = rows_of(parts.pop())
            free += counts
        return out

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
