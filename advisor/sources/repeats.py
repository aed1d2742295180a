"""Times that stand more than once: rows that agree are one; rows that differ are parts of one load, or refused."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from advisor.sources.meanings import Meaning
from advisor.sources.records import Records
from advisor.units import BoolArray, FloatArray, IntArray

_MIXED: Final = 0.9
_MIXED_WITH_NAMES: Final = 0.25
"""Share of time stamps with differing values from which rows are taken to belong to several services."""
_FEWEST_TIMES: Final = 12
_MAXIMA: Final = frozenset({Meaning.CPU_PERCENT_MAXIMUM, Meaning.MEMORY_PERCENT_MAXIMUM})


def without_repeats(
    records: Records, times: IntArray, order: IntArray | None, values: Mapping[Meaning, FloatArray], notes: list[str]
) -> tuple[IntArray, dict[Meaning, FloatArray]]:
    """Each time once: rows that agree merged, rows that differ averaged."""
    starts = _starts(times)
    if len(starts) == len(times):
        return times, dict(values)
    repeats = _repeat_counts(starts, len(times)) > 1
    differs = np.zeros(len(starts), dtype=np.bool_)
    is_measured_twice = np.zeros(len(starts), dtype=np.bool_)
    for column in values.values():
        low, high = _extremes(column, starts)
        differs |= high > low
        is_measured_twice |= np.add.reduceat((~np.isnan(column)).astype(np.int64), starts) > 1
    if order is None:
        order = np.arange(len(times))
    n_equal, n_differing = int(np.count_nonzero(repeats & ~differs)), int(np.count_nonzero(differs))
    _refuse_parts(records, is_measured_twice, int(order[starts[int(np.argmax(is_measured_twice))]]))
    if n_equal:
        notes.append(f"{records.label}: repeated time stamps with equal values were merged ({n_equal:,}).")
    if n_differing:
        first = int(np.argmax(differs))
        _refuse_mixed_series(records, n_differing, len(starts), int(order[starts[first]]))
        rows = order[starts[first] : starts[first] + int(_repeat_counts(starts, len(times))[first])]
        place = min((records.place_of(int(row)) for row in rows), key=lambda place: place.line or 0)
        where = f", the first in line {place.line} of {place.file}" if place.line else ""
        notes.append(f"{records.label}: repeated time stamps with differing values were averaged ({n_differing:,}{where}).")
    return times[starts], {meaning: _means(column, times, starts) for meaning, column in values.items()}


def _refuse_parts(records: Records, is_measured_twice: BoolArray, row: int) -> None:
    """All times stand there several times, and a text beside them was not read: equal rows may be parts of a sum.

    Raises
    ------
    InputError
        Merged, three tasks that use as much each would count once.
    """
    n_times, n_repeated = len(is_measured_twice), int(np.count_nonzero(is_measured_twice))
    if not records.unused_names or n_times < _FEWEST_TIMES or n_repeated < _MIXED * n_times:
        return
    name = records.unused_names[0]
    raise records.place_of(row).error(
        f"{n_repeated:,} of {n_times:,} time stamps stand there several times, and the column {name!r} may tell their rows "
        "apart: these may be several services, or parts of one that have to be added up",
        fix=f"Say --column {name}=service, add up the parts, or say --column {name}=ignore if the rows are only repeated.",
    )


def _refuse_mixed_series(records: Records, n_differing: int, n_times: int, row: int) -> None:
    """Most times stand there several times, with other values: rows of several services, which no column tells apart.

    Raises
    ------
    InputError
        Their average would be the load of no service.
    """
    most = _MIXED_WITH_NAMES if records.unused_names else _MIXED
    if n_times < _FEWEST_TIMES or n_differing < most * n_times:
        return
    named = f"--column {records.unused_names[0]}=service" if records.unused_names else "--column NAME=service"
    raise records.place_of(row).error(
        f"{n_differing:,} of {n_times:,} time stamps stand there several times with differing values: "
        "these may be several services",
        fix=f"Say which column tells them apart, such as {named}, or export one service a file.",
    )


def floored(
    records: Records, times: IntArray, step_s: int, values: dict[Meaning, FloatArray], notes: list[str], *, is_even: bool
) -> tuple[IntArray, dict[Meaning, FloatArray]]:
    """Number of the step that each time falls into, and one value per step: counts added, the rest averaged.

    Of ``is_even`` times, each a step behind the last, the first one tells the others.
    """
    if is_even:
        first, rest_s = divmod(int(times[0]), step_s)
        steps, n_off = np.arange(first, first + len(times)), len(times) if rest_s else 0
    else:
        steps = times // step_s
        n_off = int(np.count_nonzero(times % step_s))
    if n_off:
        notes.append(f"{records.label}: {n_off:,} of {len(times):,} time stamps do not lie on whole steps and were floored.")
    starts = None if is_even else _starts(steps)
    if starts is None or len(starts) == len(steps):
        return steps, values
    n_shared = int(np.count_nonzero(_repeat_counts(starts, len(steps)) > 1))
    notes.append(
        f"{records.label}: where a step of {step_s} s holds several time stamps ({n_shared:,}), counts were added and the rest "
        "averaged."
    )
    merged: dict[Meaning, FloatArray] = {}
    for meaning, column in values.items():
        if meaning is Meaning.REQUESTS:
            merged[meaning] = np.add.reduceat(column, starts)
        elif meaning in _MAXIMA:
            merged[meaning] = _extremes(column, starts)[1]
        else:
            merged[meaning] = _means(column, steps, starts)
    return steps[starts], merged


def _starts(keys: IntArray) -> IntArray:
    """Where a new key begins in sorted keys."""
    return np.flatnonzero(np.r_[True, np.diff(keys) != 0])


def _repeat_counts(starts: IntArray, n_rows: int) -> IntArray:
    return np.asarray(np.diff(np.r_[starts, n_rows]))


def _extremes(column: FloatArray, starts: IntArray) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest known value of each group; NaN where none is known."""
    return np.fmin.reduceat(column, starts), np.fmax.reduceat(column, starts)


def _means(column: FloatArray, keys: IntArray, starts: IntArray) -> FloatArray:
    """Mean of what is known in each group, whatever the order of rows; NaN where nothing is."""
    column = column[np.lexsort((column, keys))]
    is_known: BoolArray = ~np.isnan(column)
    n_known = np.add.reduceat(is_known.astype(np.int64), starts)
    total = np.add.reduceat(np.where(is_known, column, 0.0), starts)
    low, high = _extremes(column, starts)
    mean = np.divide(total, n_known, out=np.full(len(starts), np.nan), where=n_known > 0)
    return np.asarray(np.where(low == high, high, mean))
