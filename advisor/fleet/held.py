"""What a screening needs to know of a service's load: for how long instances hold room for how many tasks. A few kilobytes."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.optimize.loads import ServiceLoad
from advisor.simulate.fargate import billed_tasks
from advisor.simulate.packing import as_counts
from advisor.simulate.timeline import SCALE_IN_DELAY_S, Timeline, timeline, trailing_maximum
from advisor.units import HOURS_PER_MONTH, HOURS_PER_WEEK, SECONDS_PER_HOUR, BoolArray, FloatArray, IntArray
from advisor.workload import LoadForm

MOST_TASKS = 60_000
"""A count above this goes the long way; below, two bytes hold it."""
_SHORTEST_STEP_S = 20
_AT_ONCE = 8_192
"""Counts that are counted together, unless a week has more."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldTasks:
    """One service over a month of 730 h."""

    service: str
    form: LoadForm
    held_hours: FloatArray
    """(counts,): hours in which instances hold room for 0, 1, 2, ... tasks: held for the scale-in delay."""
    billed_task_hours: float
    """On Fargate, with what tasks need to start."""
    measured_hours: float
    weeks: float
    notes: tuple[str, ...] = ()


def held_tasks(load: ServiceLoad, axis: Timeline, notes: tuple[str, ...] = ()) -> HeldTasks:
    """From any load, as the full model sees it."""
    run = load.run
    billed = billed_tasks(run, axis.step_s)
    lasts = load.hours > 0
    n = run.count_steps
    fine_hours = np.repeat(load.hours / n, n)
    is_held = fine_hours > 0
    counts = np.where(np.repeat(np.isnan(run.tasks), n), np.nan, run.whole_counts(n))
    held = as_counts(trailing_maximum(counts, axis.delay_steps * n))
    return HeldTasks(
        service=run.service.name,
        form=run.service.load_form,
        held_hours=np.bincount(held[is_held], weights=fine_hours[is_held]).astype(np.float64),
        billed_task_hours=float((billed[lasts] * load.hours[lasts]).sum()),
        measured_hours=float(load.measured.sum()) * axis.step_hours,
        weeks=axis.n_steps * axis.step_hours / HOURS_PER_WEEK,
        notes=notes,
    )


def held_tasks_of_counts(
    service: str, times: IntArray, counts: NDArray[Any], *, per_s: int, startup_s: float
) -> HeldTasks | None:
    """The same from whole task counts on regular times, many times faster; None where they are not that simple.

    Parameters
    ----------
    times : (rows,)
        In units of which ``per_s`` make a second, since 1970 in UTC.
    counts : (rows,)

    Notes
    -----
    Hours of the week weigh the same, so that only two weights occur in a history without gaps: steps in hours of the week that
    were seen once more than the others, and the rest. Each is counted by itself, and the counts are weighted.
    """
    axis = _regular_axis(times, per_s)
    small = None if axis is None else _small_counts(counts)
    if axis is None or small is None:
        return None
    start_s, step_s = axis
    weigh = _weights(start_s, step_s, len(small))
    n = max(int(small.max()) + 1, 1)
    held_hours = np.zeros(n)
    for back, fraction in _look_backs(step_s):
        held_hours += fraction * weigh.histogram(_trailing(small, back), n)
    starts = np.zeros_like(small)
    np.maximum(small[1:], small[:-1], out=starts[1:])
    starts[1:] -= small[:-1]
    return HeldTasks(
        service=service,
        form=LoadForm.TASKS,
        held_hours=held_hours,
        billed_task_hours=weigh.total(small) + weigh.total(starts) * (startup_s / step_s),
        measured_hours=len(small) * step_s / SECONDS_PER_HOUR,
        weeks=len(small) * step_s / SECONDS_PER_HOUR / HOURS_PER_WEEK,
    )


def _regular_axis(times: IntArray, per_s: int) -> tuple[int, int] | None:
    """Start and step in seconds, where each row is one step after the one before."""
    if len(times) < 2:
        return None
    start, step = int(times[0]), int(times[1]) - int(times[0])
    step_s, rest = divmod(step, per_s)
    if rest or not _SHORTEST_STEP_S <= step_s <= SECONDS_PER_HOUR or SECONDS_PER_HOUR % step_s or start % step:
        return None
    if int(times[-1]) != start + step * (len(times) - 1) or not np.array_equal(times, _axis(start, step, len(times))):
        return None
    return start // per_s, step_s


@lru_cache(maxsize=2)
def _axis(start: int, step: int, n: int) -> IntArray:
    """Regular times; most services of a data set share them, so that they stay in the caches of the processor."""
    return start + step * np.arange(n, dtype=np.int64)


def _small_counts(counts: NDArray[Any]) -> NDArray[np.uint16] | None:
    if not counts.size or not (counts.min() >= 0 and 0 < counts.max() <= MOST_TASKS):  # also where one is NaN
        return None
    small = counts.astype(np.uint16)
    return small if counts.dtype.kind in "iu" or np.array_equal(small, counts) else None


def _look_backs(step_s: int) -> list[tuple[int, float]]:
    """Input steps that the scale-in delay reaches back, and the share of a step in which it reaches that far."""
    sub_s = math.gcd(step_s, SCALE_IN_DELAY_S)
    parts, delay = step_s // sub_s, SCALE_IN_DELAY_S // sub_s
    reach = [max(0, -(-(delay - part) // parts)) for part in range(parts)]
    return [(back, reach.count(back) / parts) for back in sorted(set(reach))]


def _trailing(counts: NDArray[np.uint16], back: int) -> NDArray[np.uint16]:
    if not back:
        return counts
    held = counts.copy()
    for by in range(1, min(back, len(counts) - 1) + 1):
        np.maximum(held[by:], counts[:-by], out=held[by:])
    return held


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _TwoWeights:
    """Weights of steps, where weeks are whole but for one that was begun: two of them."""

    weeks: int
    per_week: int
    begun: int
    """Steps of the week that was begun."""
    often: float
    """Hours that each step stands for in the hours of the week that the begun week reaches."""
    else_: float

    def histogram(self, counts: NDArray[np.uint16], n: int) -> FloatArray:
        body, rest = self._parts(counts)
        if not self.begun:
            return np.asarray(_counted(body, n) * self.else_, dtype=np.float64)
        often = np.bincount(rest, minlength=n)
        if not self.weeks:
            return np.asarray(often * self.often, dtype=np.float64)
        often += _counted(body[:, : self.begun], n)
        return np.asarray(often * self.often + _counted(body[:, self.begun :], n) * self.else_, dtype=np.float64)

    def total(self, counts: NDArray[np.uint16]) -> float:
        body, rest = self._parts(counts)
        often = int(rest.sum(dtype=np.int64)) + int(body[:, : self.begun].sum(dtype=np.int64))
        return often * self.often + int(body[:, self.begun :].sum(dtype=np.int64)) * self.else_

    def _parts(self, counts: NDArray[np.uint16]) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
        whole = self.weeks * self.per_week
        return counts[:whole].reshape(self.weeks, self.per_week), counts[whole:]


def _counted(counts: NDArray[np.uint16], n: int) -> IntArray:
    """(n,): how often each count occurs in some steps of weeks, (weeks, steps).

    Counting makes eight bytes of each count: a few weeks at a time they stay in the cache, and need no memory from the system.
    """
    found = np.zeros(n, dtype=np.int64)
    at_once = max(1, _AT_ONCE // max(1, counts.shape[1]))
    for first in range(0, len(counts), at_once):
        found += np.bincount(counts[first : first + at_once].ravel(), minlength=n)
    return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _AnyWeights:
    """A weight for every step."""

    hours: FloatArray

    def histogram(self, counts: NDArray[np.uint16], n: int) -> FloatArray:
        return np.bincount(counts, weights=self.hours, minlength=n).astype(np.float64)

    def total(self, counts: NDArray[np.uint16]) -> float:
        return float((counts * self.hours).sum())


@lru_cache(maxsize=8)
def _weights(start_s: int, step_s: int, n: int) -> _TwoWeights | _AnyWeights:
    """Hours of a month that steps stand for, as :meth:`Timeline.month_hours` has them."""
    per_week, per_hour = HOURS_PER_WEEK * SECONDS_PER_HOUR // step_s, SECONDS_PER_HOUR // step_s
    weeks, begun = divmod(n, per_week)
    if start_s % SECONDS_PER_HOUR or begun % per_hour:
        axis = timeline(datetime.fromtimestamp(start_s, UTC), step_s, n)
        measured: BoolArray = np.ones(axis.n_steps, dtype=np.bool_)
        return _AnyWeights(hours=axis.month_hours(measured).reshape(n, -1).sum(axis=1))
    n_hours = HOURS_PER_WEEK if weeks else begun // per_hour
    an_hour = HOURS_PER_MONTH / n_hours / per_hour
    return _TwoWeights(
        weeks=weeks,
        per_week=per_week,
        begun=begun,
        often=an_hour / (weeks + 1),
        else_=an_hour / weeks if weeks else 0.0,
    )
