"""From rows with times to a regular series: sorted, without repeats, on whole UTC steps, gaps kept as gaps."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

import numpy as np

from advisor.sources.clock_changes import clock_change_signs
from advisor.sources.input_files import Place
from advisor.sources.meanings import Meaning
from advisor.units import SECONDS_PER_HOUR, BoolArray, FloatArray, IntArray

_MAX_STEPS: Final = 20_000_000
"""Twelve years of 20-second steps; more is a wrong time stamp."""
_SHORTEST_STEP_S: Final = 20
_MIXED: Final = 0.9
_MIXED_WITH_NAMES: Final = 0.25
"""Share of time stamps with differing values from which rows are taken to belong to several services."""
_FEWEST_TIMES: Final = 12
_MOST_SIGNS: Final = 2
_FEWEST_OF_A_COUNTER: Final = 48
_RESTARTED: Final = 0.05
_MOST_RESTARTS: Final = 0.02
"""Counters are told from counts by this: two days by the hour never fall, but for restarts to a twentieth, one row in fifty."""
_JITTER: Final = 0.02
"""How far from a whole step the usual distance of rows may lie: clocks of collectors drift."""
_LONGEST_QUIET_S: Final = 14 * 86_400
"""A count that has no row for longer was not taken: a service without one request in two weeks would be no service."""
_PIECE_ROWS: Final = 16_384
"""Rows looked at in one go: their distances stay in the cache of a processor."""
_MAXIMA: Final = frozenset({Meaning.CPU_PERCENT_MAXIMUM, Meaning.MEMORY_PERCENT_MAXIMUM})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Records:
    """Rows with a time, as one file gives them for one service. The order of rows means nothing."""

    label: str
    """What notes call them: the file, and the service or metric where the file holds several."""
    times_s: IntArray
    """(rows,): seconds since 1970."""
    values: Mapping[Meaning, FloatArray]
    """(rows,) each: NaN where the cell was empty."""
    origins: Mapping[Meaning, Place]
    """Where each column begins."""
    place_of: Callable[[int], Place]
    """Where a row stands."""
    unused_names: tuple[str, ...] = ()
    """Columns of text that were not read, and may tell rows of one time apart."""
    usual_step_s: int | None = None
    """The most common distance between rows of all services of the file, where there are several. [s]"""
    is_zone_assumed: bool = False
    """True where times carry no zone and nobody said which."""
    is_stated: bool = False
    """True where the user said what the columns mean."""


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
    tables = _tables(_without_second_requests(records, notes))
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
    return joined([*held, *(_on_steps(table, step or min(known), notes) for table, step in zip(tables, steps, strict=True))])


def interval_s(records: Records) -> int | None:
    """The most common distance between time stamps; None with a single stamp. [s]

    Raises
    ------
    InputError
        When the interval is not a divisor of 3600 s from 20 s up.
    """
    distances, counts = np.unique(_distances(records.times_s), return_counts=True)
    usual = records.usual_step_s
    if not distances.size:
        return usual
    step = int(distances[np.argmax(counts)])
    if usual is not None and step != usual and step % usual == 0:
        step = usual
    place = records.place_of(0)
    near = _nearest_step_s(float(step))
    if step != near and abs(step - near) <= _JITTER * near:
        step = near
    if step > SECONDS_PER_HOUR:
        raise place.error(
            f"the time stamps are {duration(step)} apart, which hides the shape of the day",
            fix="Export the load with a period of one hour or less, or say --interval if most rows are missing.",
        )
    if step < _SHORTEST_STEP_S or SECONDS_PER_HOUR % step:
        raise place.error(
            f"the time stamps are {duration(step)} apart: need a divisor of 3600 s, from 20 s to 3600 s",
            fix=_apart_fix(records),
        )
    return step


def _distances(times_s: IntArray) -> IntArray:
    """Distances between neighbouring times, each above zero; one of them where they are all alike. [s]"""
    even_s = _even_distance_s(times_s)
    if even_s is not None:
        return np.array([even_s])
    apart = np.diff(times_s)
    if (apart < 0).any():
        apart = np.diff(np.sort(times_s))
    return np.asarray(apart[apart > 0])


def _even_distance_s(times_s: IntArray) -> int | None:
    """The distance between neighbouring times where all are alike and in order; else None. [s]"""
    distance_s = int(times_s[1] - times_s[0]) if len(times_s) > 1 else 0
    pieces = (times_s[first : first + _PIECE_ROWS + 1] for first in range(0, len(times_s) - 1, _PIECE_ROWS))
    return distance_s if distance_s > 0 and all((np.diff(piece) == distance_s).all() for piece in pieces) else None


def _apart_fix(records: Records) -> str:
    if records.unused_names:
        named = f"--column {records.unused_names[0]}=service"
        return f"If the rows belong to several services, say so with {named}; if not, say --interval 300."
    return "Export the load with a period of 60, 300 or 3600 seconds, or say --interval 300 to average within it."


def joined(parts: Sequence[Series]) -> Series:
    """Several series with different columns as one: on the finest step, over the union of their spans, NaN outside each.

    Raises
    ------
    InputError
        When a step is no multiple of the finest.
    """
    step_s, start_s, n_steps = common_axis(parts)
    values = {
        meaning: placed(part, column, step_s, start_s, n_steps) for part in parts for meaning, column in part.values.items()
    }
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


def duration(seconds: int) -> str:
    """A length of time in its largest whole unit.

    >>> duration(5400), duration(86400), duration(90)
    ('90 min', '1 d', '90 s')
    """
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length:,} {unit}"
    return f"{seconds:,} s"


def _any_place(part: Series) -> Place:
    return next(iter(part.origins.values()))


def _without_second_requests(records: Sequence[Records], notes: list[str]) -> Sequence[Records]:
    """Records in which requests stand once: a rate goes before a count of the same."""
    has_rate = any(Meaning.REQUESTS_PER_SECOND in one.values for one in records)
    if not has_rate or not any(Meaning.REQUESTS in one.values for one in records):
        return records
    notes.append(f"{records[0].label}: requests are given as a rate and as counts; the rate was used.")
    kept = []
    for one in records:
        values: dict[Meaning, FloatArray] = {m: column for m, column in one.values.items() if m is not Meaning.REQUESTS}
        if values:
            kept.append(replace(one, values=values, origins={meaning: one.origins[meaning] for meaning in values}))
    return kept


def _tables(records: Iterable[Records]) -> list[Records]:
    """Records with the same columns put together; columns that several tables share are taken out of them first."""
    by_columns: dict[frozenset[Meaning], list[Records]] = {}
    for one in records:
        by_columns.setdefault(frozenset(one.values), []).append(one)
    n_columns = sum(len(columns) for columns in by_columns)
    if n_columns > len(frozenset().union(*by_columns)):
        return _tables(_single_columns(one for group in by_columns.values() for one in group))
    return [_concatenated(group) for group in by_columns.values()]


def _single_columns(records: Iterable[Records]) -> Iterable[Records]:
    for one in records:
        for meaning, column in one.values.items():
            yield replace(one, values={meaning: column}, origins={meaning: one.origins[meaning]})


def _concatenated(group: Sequence[Records]) -> Records:
    if len(group) == 1:
        return group[0]
    first_rows = np.cumsum([0, *(len(one.times_s) for one in group)])

    def place_of(row: int) -> Place:
        part = int(np.searchsorted(first_rows, row, side="right")) - 1
        return group[part].place_of(row - int(first_rows[part]))

    return Records(
        label=", ".join(dict.fromkeys(one.label for one in group)),
        times_s=np.concatenate([one.times_s for one in group]),
        values={meaning: np.concatenate([one.values[meaning] for one in group]) for meaning in group[0].values},
        origins=group[0].origins,
        place_of=place_of,
    )


def _on_steps(records: Records, step_s: int, notes: list[str]) -> Series:
    is_even = _even_distance_s(records.times_s) == step_s
    times, order = (records.times_s, None) if is_even else _sorted(records, notes)
    values = {meaning: column if order is None else column[order] for meaning, column in records.values.items()}
    if records.is_zone_assumed:
        column = next(iter(values.values()))
        signs = islice(clock_change_signs(times, step_s, column), _MOST_SIGNS)
        notes.extend(f"{records.place_of(0).file}: {sign}." for sign in signs)
    n_rows = len(times)
    if not is_even:
        times, values = _without_repeats(records, times, order, values, notes)
    n_repeated = n_rows - len(times)
    if Meaning.REQUESTS in values and not records.is_stated and _only_grows(values[Meaning.REQUESTS]):
        place = records.origins[Meaning.REQUESTS]
        raise place.error(
            "it only grows, as a counter since the start of a process does: counts per step are needed",
            fix=f"Export its rate or increase; if these are counts per step, say --column '{place.column}=requests'.",
        )
    steps, values = _floored(records, times, step_s, values, notes, is_even=is_even)
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


def _without_repeats(
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
    step_s = stated_step_s or _nearest_step_s(float(np.median(durations)))
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


def _nearest_step_s(seconds: float) -> int:
    """The divisor of an hour that is nearest."""
    divisors = [step for step in range(_SHORTEST_STEP_S, SECONDS_PER_HOUR + 1) if SECONDS_PER_HOUR % step == 0]
    return min(divisors, key=lambda step: abs(step - seconds))


def _refuse_long(records: Records, n_steps: int, step_s: int) -> None:
    if n_steps > _MAX_STEPS:
        last = int(np.argmax(records.times_s))
        raise records.place_of(last).error(
            f"from the first time stamp to this one there are {n_steps:,} steps of {step_s} s", fix="Check the time stamp."
        )


def _floored(
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
