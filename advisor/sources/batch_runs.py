"""Scheduled tasks and batch runs: when they start, how many run at once, and the seconds that Fargate bills."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np

from advisor.schedules import Schedule
from advisor.sources.input_files import Place, listed, shown
from advisor.sources.timestamps import parse_times
from advisor.units import SECONDS_PER_HOUR, FloatArray
from advisor.workload import ScheduledRun

RUNS_START_S: Final = 1_704_067_200
"""Monday 2024-01-01T00:00Z, where a workload of schedules alone begins. [s since 1970]"""
LONGEST_RUN_STEP_S: Final = 900
"""Runs beside measured loads are placed on steps of at most this, the scale-in delay of instances."""
_DAY_S: Final = 86_400
_WEEK_S: Final = 7 * _DAY_S
_ALONE_STEP_S: Final = 60
_SINGLE_RUN_WEEKS = 4
_WEEKS_OF_CALENDAR: Final = 52
_MOST_STARTS: Final = 1_000_000
_MOST_DEVIATION: Final = 0.10
_MOST_OF_A_RUN: Final = 10_000_000
_MOST_SHOWN: Final = 5
_RUNS_FIX: Final = "Begin with the header start,duration_minutes,count, and give one row for each run."


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One kind of run of a batch: on a schedule, or at a stated moment."""

    schedule: Schedule | None = None
    start_s: int | None = None
    duration_s: float
    """Work of each task; its start-up comes before it."""
    count: int = 1
    """Tasks that start together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """All runs of one batch."""

    name: str
    runs: tuple[Run, ...]
    startup_s: float
    place: Place
    least_bill_s: float = 60.0
    """Of a task on Fargate."""

    @property
    def longest_s(self) -> float:
        return max(run.duration_s for run in self.runs) + self.startup_s


def scheduled_runs(runs: Sequence[Run]) -> tuple[ScheduledRun, ...]:
    """The runs as EventBridge Scheduler takes them; none where one of them has no schedule, or one that it would refuse."""
    found = tuple(_scheduled(run) for run in runs)
    return tuple(run for run in found if run is not None) if None not in found else ()


def _scheduled(run: Run) -> ScheduledRun | None:
    if run.schedule is None:
        return None
    zone = "UTC" if run.schedule.zone is UTC else getattr(run.schedule.zone, "key", None)
    text = run.schedule.for_aws
    if text is None or zone is None:
        return None
    return ScheduledRun(schedule=text, time_zone=zone, tasks=run.count)


def parse_runs(text: str, file: str) -> tuple[Run, ...]:
    """Runs that a table lists, one a row: `start`, `duration_minutes` or `duration_seconds`, and `count` where it is not 1.

    Raises
    ------
    InputError
        Naming line, column and fix.
    """
    rows = [(line, row) for line, row in _rows(text, file) if any(cell.strip() for cell in row)]
    if not rows:
        raise Place(file).error("the file is empty", fix=_RUNS_FIX)
    (header_line, header), cells = rows[0], rows[1:]
    names = [name.strip().lower() for name in header]
    unit = next((name for name in ("duration_minutes", "duration_seconds") if name in names), None)
    if "start" not in names or unit is None:
        raise Place(file, header_line).error(f"no column start and duration_minutes among {listed(names)}", fix=_RUNS_FIX)
    if not cells:
        raise Place(file, header_line).error("there is a header and no row below it", fix="Give one row for each run.")
    for line, row in cells:
        if len(row) != len(names):
            raise Place(file, line).error(f"the row has {len(row)} cells, the header has {len(names)}", fix=_RUNS_FIX)
    column = {name: [row[at].strip() for _, row in cells] for at, name in enumerate(names)}
    starts = parse_times(column["start"], lambda row: Place(file, cells[row][0], "start")).epoch_s
    per_unit = 60.0 if unit == "duration_minutes" else 1.0
    durations = [_above_zero(text, Place(file, line, unit)) for text, (line, _) in zip(column[unit], cells, strict=True)]
    counts = [
        _above_zero(text, Place(file, line, "count"), is_whole=True)
        for text, (line, _) in zip(column.get("count", ["1"] * len(cells)), cells, strict=True)
    ]
    return tuple(
        Run(start_s=start, duration_s=duration * per_unit, count=int(count))
        for start, duration, count in zip(starts.tolist(), durations, counts, strict=True)
    )


def _rows(text: str, file: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise Place(file, reader.line_num).error(
            f"not a readable CSV row ({error})", fix="Check the quotation marks."
        ) from None


def _above_zero(text: str, place: Place, *, is_whole: bool = False) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if "_" in text or not (0 < number <= _MOST_OF_A_RUN) or (is_whole and number != int(number)):
        kind = "whole number" if is_whole else "number"
        raise place.error(f"{shown(text)} is not a {kind} above 0", fix=f"Write a plain {kind}, such as 4.")
    return number


def axis_of_runs(batches: Sequence[Runs]) -> tuple[int, int, int]:
    """Step, start and number of steps for runs alone. [s], [s since 1970], [steps]

    Stated moments: whole days from the first to the last, so that daily runs are billed as such; a single run says nothing
    of how often it comes, and is taken as one of four weeks. Schedules alone: a week in steps of a minute, or 52 weeks in steps
    of 15 minutes where the calendar matters.
    """
    moments = [(run.start_s, run.start_s + run.duration_s + b.startup_s) for b in batches for run in b.runs if run.start_s]
    if moments:
        start_s = min(start for start, _ in moments) // SECONDS_PER_HOUR * SECONDS_PER_HOUR
        days = math.ceil((max(end for _, end in moments) - start_s) / _DAY_S)
        span_s = max(days * _DAY_S, _SINGLE_RUN_WEEKS * _WEEK_S if len(moments) == 1 else 0)
        step_s = _ALONE_STEP_S if span_s <= 8 * _WEEK_S else LONGEST_RUN_STEP_S
        return step_s, start_s, span_s // step_s
    if any(run.schedule and run.schedule.follows_calendar for b in batches for run in b.runs):
        return LONGEST_RUN_STEP_S, RUNS_START_S, _WEEKS_OF_CALENDAR * _WEEK_S // LONGEST_RUN_STEP_S
    return _ALONE_STEP_S, RUNS_START_S, _WEEK_S // _ALONE_STEP_S


def tasks_of_runs(batch: Runs, start_s: int, step_s: int, n_steps: int, notes: list[str]) -> tuple[FloatArray, FloatArray]:
    r"""Most tasks at one time in each step, and tasks that Fargate bills on average over it: (steps,) each.

    Notes
    -----
    A task is on an instance for its start-up and its work. Fargate bills whole seconds, at least a minute, on Windows five:

    .. math:: s = \max(60, \lceil s_\text{start-up} + s_\text{work} \rceil)

    Raises
    ------
    InputError
        When no run falls into the span.
    """
    end_s = start_s + step_s * n_steps
    starts, counts, lasting, billed = _all_starts(batch, start_s, end_s)
    n_started = int(np.count_nonzero((starts >= start_s) & (starts < end_s)))
    if not n_started:
        span = f"{datetime.fromtimestamp(start_s, UTC):%Y-%m-%d} to {datetime.fromtimestamp(end_s, UTC):%Y-%m-%d}"
        raise batch.place.error(
            f"{batch.name} does not run once from {span}, the time of the other loads",
            fix="Check its schedule, or put it into a workload of its own.",
        )
    _say(batch, n_started, start_s, end_s, notes)
    edges = start_s + step_s * np.arange(n_steps + 1, dtype=np.float64)
    on_instances = _Level(starts, starts + lasting, counts, edges)
    on_fargate = _Level(starts, starts + billed, counts, edges)
    return on_instances.most(n_steps), on_fargate.mean(step_s)


def _all_starts(batch: Runs, start_s: int, end_s: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Start, number of tasks, seconds on an instance and seconds billed of every run that touches the span."""
    columns: list[FloatArray] = []
    for run in batch.runs:
        lasting = run.duration_s + batch.startup_s
        billed = max(batch.least_bill_s, float(math.ceil(lasting - 1e-9)))
        before = math.ceil(max(lasting, billed))
        if run.schedule is not None:
            starts = run.schedule.starts_s(start_s - before, end_s)
        else:
            starts = np.array([run.start_s], dtype=np.int64)
        if starts.size > _MOST_STARTS:
            raise batch.place.error(
                f"{batch.name} starts more than {_MOST_STARTS:,} times in the span", fix="State its load as tasks that run."
            )
        ones = np.ones(starts.size)
        columns.append(np.stack([starts.astype(np.float64), ones * run.count, ones * lasting, ones * billed]))
    starts, counts, lasting_s, billed_s = np.concatenate(columns, axis=1)
    return starts, counts, lasting_s, billed_s


def _say(batch: Runs, n_started: int, start_s: int, end_s: int, notes: list[str]) -> None:
    days = (end_s - start_s) / _DAY_S
    if len(batch.runs) > _MOST_SHOWN and not any(run.schedule for run in batch.runs):
        notes.append(f"{batch.name}: {n_started:,} batch runs as listed, in {days:g} days.")
        return
    kinds = ", ".join(
        f"{run.schedule.text if run.schedule else 'once'} for {run.duration_s / 60:g} min with {run.count} "
        f"{'task' if run.count == 1 else 'tasks'}"
        for run in batch.runs[:_MOST_SHOWN]
    )
    more = f" and {len(batch.runs) - _MOST_SHOWN} more" if len(batch.runs) > _MOST_SHOWN else ""
    notes.append(f"{batch.name}: batch runs, stated and not measured ({kinds}{more}): {n_started:,} starts in {days:g} days.")
    if len(batch.runs) == 1 and batch.runs[0].schedule is None:
        notes.append(f"{batch.name}: a single run does not say how often it comes; it is billed as once in {days:g} days.")
    if all(run.schedule is not None for run in batch.runs) and any(
        run.schedule.follows_calendar for run in batch.runs if run.schedule
    ):
        year = sum(int(r.schedule.starts_s(start_s, start_s + 364 * _DAY_S).size) for r in batch.runs if r.schedule)
        expected = year / 364 * days
        if abs(n_started - expected) > _MOST_DEVIATION * expected:
            notes.append(
                f"{batch.name}: {n_started} starts in {days:g} days stand for {n_started / days * 364:.0f} a year, its "
                f"schedule gives {year}: the month that is billed is not a usual one."
            )


class _Level:
    """A number of tasks that changes at moments, over steps with the given edges."""

    def __init__(self, starts: FloatArray, ends: FloatArray, counts: FloatArray, edges: FloatArray) -> None:
        moments = np.concatenate([starts, ends, edges])
        changes = np.concatenate([counts, -counts, np.zeros(edges.size)])
        self.times, index = np.unique(moments, return_inverse=True)
        self.level = np.round(np.cumsum(np.bincount(index.ravel(), weights=changes, minlength=self.times.size)), 6)
        self.edges = edges

    def most(self, n_steps: int) -> FloatArray:
        """(steps,): highest level in each step. A task that ends when another starts never ran beside it."""
        step = np.searchsorted(self.edges, self.times, side="right") - 1
        inside = (step >= 0) & (step < n_steps)
        result = np.zeros(n_steps)
        np.maximum.at(result, step[inside], self.level[inside])
        return result

    def mean(self, step_s: int) -> FloatArray:
        """(steps,): average level of each step."""
        lasting = np.diff(self.times)
        area = np.concatenate([[0.0], np.cumsum(self.level[:-1] * lasting)])
        at_edges = area[np.searchsorted(self.times, self.edges)]
        return np.asarray(np.diff(at_edges) / step_s)
