"""From rows with times to a regular series: sorted, without repeats, on whole UTC steps, gaps kept as gaps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np

from advisor.sources.clock_changes import clock_change_signs
from advisor.sources.input_files import Place
from advisor.sources.intervals import by_interval, duration, even_distance_s, interval_s, nearest_step_s, refuse_mixed_counts
from advisor.sources.meanings import Meaning
from advisor.sources.records import Records, tables_of, without_second_requests
from advisor.sources.repeats import floored, without_repeats
from advisor.units import BoolArray, FloatArray, IntArray

_MAX_STEPS: Final = 20_000_000
"""Twelve years of 20-second steps; more is a wrong time stamp."""
_MOST_SIGNS: Final = 2
_FEWEST_OF_A_COUNTER: Final = 48
_RESTARTED: Final = 0.05
_MOST_RESTARTS: Final = 0.02
"""Counters are told from counts by this: two days by the hour never fall, but for restarts to a twentieth, one row in fifty."""
_LONGEST_QUIET_S: Final = 14 * 86_400
"""A count that has no row for longer was not taken: a service without one request in two weeks would be no service."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """Measurements of one service on whole steps in UTC. Counts have become rates."""

    start_s: int
    """Seconds since 1970, a multiple of ``step_s``."""
    step_s: int
    values: Mapping[Meaning, FloatArray]
    """(steps,) each: NaN where nothing is known."""
    origins: Mapping[Meaning, Place]
    n_repeated: int = 0
    """Rows whose time stood in another row already."""

    @property
    def n_steps(self) -> int:
        return len(next(iter(self.values.values())))

    @property
    def end_s(self) -> int:
        return self.start_s + self.step_s * self.n_steps


def regular_series(records: Sequence[Records], notes: list[str], stated_step_s: int | None = None) -> Series:
    """One series from all records of a service: pages that follow each other, and columns from several files.

    Parameters
    ----------
    records
        At least one. Those with the same columns are read as one table.
    notes
        Receives a sentence for everything that was repaired.
    stated_step_s
        Length of a step, over what the distances between rows say. [s]

    Raises
    ------
    InputError
        When the interval cannot be told, or does not divide an hour.
    """
    once = without_second_requests(records, notes)
    groups = [once] if stated_step_s is not None else by_interval(once)
    tables = [table for group in groups for table in tables_of(group)]
    held = [_held(table, stated_step_s, notes) for table in tables if Meaning.DURATION in table.values]
    tables = [table for table in tables if Meaning.DURATION not in table.values]
    if held and not tables:
        return joined(held)
    steps = [stated_step_s or interval_s(table) for table in tables]
    known = [step for step in steps if step is not None]
    if not known:
        raise (
            tables[0]
            .place_of(0)
            .error(
                "there is a single time stamp: the interval cannot be told from it",
                fix="Give at least two time stamps, better two weeks.",
            )
        )
    regular = []
    for table, step in zip(tables, steps, strict=True):
        regular.append(_on_steps(table, step or min(known), notes, is_step_stated=stated_step_s is not None))
    return joined([*held, *regular])


def joined(parts: Sequence[Series]) -> Series:
    """Several series as one: on the finest step, over the union of their spans, NaN outside each.

    Where a column stands in several, the one of the finer steps goes before.

    Raises
    ------
    InputError
        When a step is no multiple of the finest.
    """
    step_s, start_s, n_steps = common_axis(parts)
    values: dict[Meaning, FloatArray] = {}
    for part in sorted(parts, key=lambda part: part.step_s):
        for meaning, column in part.values.items():
            here = placed(part, column, step_s, start_s, n_steps)
            values[meaning] = np.where(np.isnan(values[meaning]), here, values[meaning]) if meaning in values else here
    origins = {meaning: place for part in parts for meaning, place in part.origins.items()}
    return Series(
        start_s=start_s, step_s=step_s, values=values, origins=origins, n_repeated=sum(part.n_repeated for part in parts)
    )


def common_axis(parts: Sequence[Series]) -> tuple[int, int, int]:
    """Step, start and number of steps of the axis that holds all parts. [s], [s since 1970], [steps]"""
    finest = min(parts, key=lambda part: part.step_s)
    for part in parts:
        if part.step_s % finest.step_s:
            raise _any_place(part).error(
                f"its steps of {part.step_s} s cannot be cut into the {finest.step_s} s of {_any_place(finest).file}",
                fix="Export both with the same period.",
            )
    start_s = min(part.start_s for part in parts)
    n_steps = (max(part.end_s for part in parts) - start_s) // finest.step_s
    if n_steps > _MAX_STEPS:
        raise _any_place(max(parts, key=lambda part: part.end_s)).error(
            f"together the files span {n_steps:,} steps of {finest.step_s} s",
            fix="Check the times: do all files hold the same years?",
        )
    return finest.step_s, start_s, n_steps


def placed(part: Series, column: FloatArray, step_s: int, start_s: int, n_steps: int) -> FloatArray:
    """A column of ``part`` on another axis: held over finer steps, NaN outside its own span."""
    if part.step_s == step_s and part.start_s == start_s and part.n_steps == n_steps:
        return column
    out = np.full(n_steps, np.nan)
    first = (part.start_s - start_s) // step_s
    held = np.repeat(column, part.step_s // step_s)
    out[first : first + len(held)] = held
    return out


def _any_place(part: Series) -> Place:
    return next(iter(part.origins.values()))


def _on_steps(records: Records, step_s: int, notes: list[str], *, is_step_stated: bool) -> Series:
    is_even = even_distance_s(records.times_s) == step_s
    times, order = (records.times_s, None) if is_even else _sorted(records, notes)
    values = {meaning: column if order is None else column[order] for meaning, column in records.values.items()}
    if records.is_zone_assumed:
        column = next(iter(values.values()))
        signs = islice(clock_change_signs(times, step_s, column), _MOST_SIGNS)
        notes.extend(f"{records.place_of(0).file}: {sign}." for sign in signs)
    n_rows = len(times)
    if not is_even:
        times, values = without_repeats(records, times, order, values, notes)
        if Meaning.REQUESTS in values and not is_step_stated:
            refuse_mixed_counts(records, times, step_s)
    n_repeated = n_rows - len(times)
    if Meaning.REQUESTS in values and not records.is_stated and _only_grows(values[Meaning.REQUESTS]):
        place = records.origins[Meaning.REQUESTS]
        raise place.error(
            "it only grows, as a counter since the start of a process does: counts per step are needed",
            fix=f"Export its rate or increase; if these are counts per step, say --column '{place.column}=requests'.",
        )
    steps, values = floored(records, times, step_s, values, notes, is_even=is_even)
    first_step = int(steps[0])
    index = np.subtract(steps, first_step, out=steps)
    n_steps = int(index[-1]) + 1
    _refuse_long(records, n_steps, step_s)
    _say_gaps(records, index, step_s, values, notes)
    on_steps: dict[Meaning, FloatArray] = {}
    origins = dict(records.origins)
    for meaning, column in values.items():
        if meaning is Meaning.REQUESTS:
            counted = column
            if len(index) < n_steps:
                counted = _zeros_in_gaps(index, step_s)
                counted[index] = column
            origins[Meaning.REQUESTS_PER_SECOND] = origins.pop(Meaning.REQUESTS)
            on_steps[Meaning.REQUESTS_PER_SECOND] = counted / step_s
        elif len(index) == n_steps:
            on_steps[meaning] = column
        else:
            on_steps[meaning] = np.full(n_steps, np.nan)
            on_steps[meaning][index] = column
    return Series(start_s=first_step * step_s, step_s=step_s, values=on_steps, origins=origins, n_repeated=n_repeated)


def _only_grows(counts: FloatArray) -> bool:
    """Whether counts are readings of a counter: none is below the one before, but for restarts near zero."""
    known = counts[~np.isnan(counts)]
    if len(known) < _FEWEST_OF_A_COUNTER:
        return False
    before, after = known[:-1], known[1:]
    is_fall = after < before
    is_restart = after <= _RESTARTED * before
    n_falls = int(np.count_nonzero(is_fall))
    return bool(
        not (is_fall & ~is_restart).any()
        and n_falls <= _MOST_RESTARTS * len(known)
        and np.count_nonzero(after > before) * 2 >= len(after)
    )


def _zeros_in_gaps(index: IntArray, step_s: int) -> FloatArray:
    """(steps,): 0 where no row counted anything; NaN in gaps of weeks, when nobody counted."""
    counted = np.zeros(int(index[-1]) + 1)
    gaps = np.diff(index) - 1
    for at in np.flatnonzero(gaps * step_s > _LONGEST_QUIET_S).tolist():
        counted[index[at] + 1 : index[at + 1]] = np.nan
    return counted


def _sorted(records: Records, notes: list[str]) -> tuple[IntArray, IntArray | None]:
    """Times in order, and the row each comes from; None where they are in order."""
    if np.all(np.diff(records.times_s) >= 0):
        return records.times_s, None
    order = np.argsort(records.times_s, kind="stable")
    notes.append(f"{records.label}: the rows were not in order of time and were sorted.")
    return records.times_s[order], order


def _held(records: Records, stated_step_s: int | None, notes: list[str]) -> Series:
    """Rows that say how long they hold, as the time-weighted mean of each step; a step that no row covers is unknown.

    Raises
    ------
    InputError
        When a row holds for no time.
    """
    durations = records.values[Meaning.DURATION]
    bad = np.flatnonzero(~(durations > 0))
    if bad.size:
        raise records.place_of(int(bad[0])).error(
            "the row holds for no time", fix="Give each row a duration above zero, or say --column NAME=ignore."
        )
    order = np.argsort(records.times_s, kind="stable")
    stamps, durations = records.times_s[order].astype(np.float64), durations[order]
    apart = np.diff(stamps)
    is_end = (
        np.mean(np.abs(apart - durations[1:]) < 2) > np.mean(np.abs(apart - durations[:-1]) < 2) if len(stamps) > 1 else False
    )
    if is_end:
        ends, starts = stamps, np.maximum(stamps - durations, np.append(-np.inf, stamps[:-1]))
    else:
        starts, ends = stamps, np.minimum(stamps + durations, np.append(stamps[1:], np.inf))
    step_s = stated_step_s or nearest_step_s(float(np.median(durations)))
    first, last = int(starts[0] // step_s), int(-(-ends[-1] // step_s))
    _refuse_long(records, last - first, step_s)
    edges = np.arange(first, last + 1, dtype=np.float64) * step_s
    values: dict[Meaning, FloatArray] = {}
    for meaning, column in records.values.items():
        if meaning is not Meaning.DURATION:
            values[meaning] = _time_weighted(starts, ends, column[order], edges)
    notes.append(
        f"{records.label}: rows with a duration, whose time is their {'end' if is_end else 'start'}, became time-weighted "
        f"means of steps of {step_s} s."
    )
    origins = dict(records.origins)
    origins.pop(Meaning.DURATION, None)
    return Series(start_s=first * step_s, step_s=step_s, values=values, origins=origins)


def _time_weighted(starts: FloatArray, ends: FloatArray, column: FloatArray, edges: FloatArray) -> FloatArray:
    """Mean of a step function on the steps between edges, over what of each is covered; NaN where nothing is."""
    spans = np.where(np.isnan(column), 0.0, np.maximum(ends - starts, 0.0))
    at = np.column_stack([starts, np.maximum(ends, starts)]).ravel()
    covered = np.repeat(np.r_[0.0, np.cumsum(spans)], 2)[1:-1]
    total = np.repeat(np.r_[0.0, np.cumsum(spans * np.nan_to_num(column))], 2)[1:-1]
    seconds = np.diff(np.interp(edges, at, covered))
    amount = np.diff(np.interp(edges, at, total))
    return np.asarray(np.divide(amount, seconds, out=np.full(len(seconds), np.nan), where=seconds > 1e-9))


def _refuse_long(records: Records, n_steps: int, step_s: int) -> None:
    if n_steps > _MAX_STEPS:
        last = int(np.argmax(records.times_s))
        raise records.place_of(last).error(
            f"from the first time stamp to this one there are {n_steps:,} steps of {step_s} s", fix="Check the time stamp."
        )


def _say_gaps(records: Records, index: IntArray, step_s: int, values: Mapping[Meaning, FloatArray], notes: list[str]) -> None:
    n_steps = int(index[-1]) + 1
    n_missing = n_steps - len(index)
    if n_missing:
        longest = duration((int(np.diff(index).max()) - 1) * step_s)
        readings = []
        longest_s = (int(np.diff(index).max()) - 1) * step_s
        if Meaning.REQUESTS in values:
            readings.append("nothing was counted, so 0 requests")
            if longest_s > _LONGEST_QUIET_S:
                readings[-1] += f", and unknown where it lasts over {_LONGEST_QUIET_S // 86_400} d"
        if set(values) != {Meaning.REQUESTS}:
            readings.append("unknown, not zero" if not readings else "the other columns unknown, not zero")
        rows = "no row" if n_missing == 1 else "no rows"
        notes.append(
            f"{records.label}: {rows} for {n_missing:,} of {n_steps:,} steps, longest gap {longest}: {'; '.join(readings)}."
        )
    for meaning, column in values.items():
        n_empty = int(np.count_nonzero(np.isnan(column)))
        if n_empty:
            longest = duration(_longest_run(np.isnan(column)) * step_s)
            name = records.origins[meaning].column
            cells = "empty cell" if n_empty == 1 else "empty cells"
            notes.append(f"{records.label}: {n_empty:,} {cells} in column {name!r}, longest run {longest}: unknown, not zero.")


def _longest_run(is_empty: BoolArray) -> int:
    """Length of the longest run of empty cells. [rows]"""
    measured = np.flatnonzero(~is_empty)
    return int(np.diff(np.r_[-1, measured, len(is_empty)]).max()) - 1
