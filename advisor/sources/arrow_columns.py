"""Columns of pyarrow as numpy has them, where they lie."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from advisor.units import IntArray

NO_TIME: Final = np.iinfo(np.int64).min
"""In place of a null."""


def labelled(told: Sequence[Any]) -> tuple[IntArray, list[tuple[str | None, ...]]]:
    """A number for each row, and the texts of its columns, one or two, by that number: None for null.

    Arrow's own way to group rows imports pandas.
    """
    parts = [_codes(column) for column in told]
    if len(parts) == 1:
        codes, known = parts[0]
        return codes, [(name,) for name in known]
    (codes, known), (other, others) = parts
    return codes.astype(np.int64) * len(others) + other, [(name, each) for name in known for each in others]


def _codes(column: Any) -> tuple[IntArray, list[str | None]]:
    """A number for each row of a column, and the texts by that number, the last of which is of rows without one."""
    pyarrow: Any = import_module("pyarrow")
    coded = column if pyarrow.types.is_dictionary(column.type) else column.dictionary_encode()
    whole = coded.unify_dictionaries().combine_chunks()
    whole = whole.chunk(0) if hasattr(whole, "chunk") else whole
    known: list[str | None] = [None if name is None else str(name) for name in whole.dictionary.to_pylist()]
    indices = whole.indices
    if indices.null_count:
        indices = indices.cast(pyarrow.int64()).fill_null(len(known))
    return _as_numpy(indices, np.dtype(str(indices.type))), [*known, None]


def times_of(column: Any) -> IntArray:
    """Timestamps in their unit since 1970."""
    pyarrow: Any = import_module("pyarrow")
    whole = _joined(column)
    if whole.null_count:
        whole = whole.cast(pyarrow.int64()).fill_null(NO_TIME)
    return _as_numpy(whole, np.dtype(np.int64))  # a timestamp is eight bytes


def numbers_of(column: Any) -> NDArray[Any]:
    """Whole numbers as they are, everything else as float64 with NaN for null."""
    pyarrow: Any = import_module("pyarrow")
    whole = _joined(column)
    if pyarrow.types.is_integer(whole.type) and not whole.null_count:
        return _as_numpy(whole, np.dtype(str(whole.type)))
    known = whole.cast(pyarrow.float64())
    return _as_numpy(known.fill_null(float("nan")) if known.null_count else known, np.dtype(np.float64))


def _joined(column: Any) -> Any:
    """All chunks of a column as one array; the one that there is, as it is: joining copies."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _as_numpy(array: Any, kind: np.dtype[Any]) -> NDArray[Any]:
    """The values of an array without nulls, where they lie: pyarrow's own way there imports pandas."""
    if not len(array):
        return np.zeros(0, dtype=kind)
    return np.frombuffer(array.buffers()[1], dtype=kind, count=len(array), offset=array.offset * kind.itemsize)
