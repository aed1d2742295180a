"""The time axis of a simulation: how steps become months and weeks."""

import math
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from advisor.bounds import Steps
from advisor.meters import sum_over_states
from advisor.units import HOURS_PER_MONTH, HOURS_PER_WEEK, SECONDS_PER_HOUR, BoolArray, FloatArray, IntArray

COUNTS_STEP_S = 60
"""Counts of tasks are replayed by the minute: the period of the alarms."""
COARSEST_COUNTED_S = 300
"""A load in longer steps says too little for alarms of 3 and 15 minutes: an envelope stands in for the replay of counts."""
SCALE_IN_DELAY_S = 900
"""15 minutes: the 15 x 60 s of the low alarm, both of service auto scaling and of managed scaling."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Timeline:
    """Equal steps in UTC, short enough that the scale-in delay is a whole number of them."""

    start_s: int
    """Of the first step. [s since 1970]"""
    step_s: int
    steps_per_input_step: int
    hour_of_week: IntArray
    """(steps,): 0 is Monday 00:00 UTC."""
    counts_step_s: int | None = None
    """Steps in which counts of tasks are replayed, a divisor of ``step_s``; None where an envelope stands in."""

    @property
    def n_steps(self) -> int:
        return int(self.hour_of_week.size)

    def steps_of(self, step_s: int) -> Steps:
        """The same span in steps of another length that divides it."""
        return Steps(start_s=self.start_s, step_s=step_s, n_steps=self.n_steps * self.step_s // step_s)

    @property
    def input_steps(self) -> Steps:
        """Of the load."""
        return self.steps_of(self.step_s * self.steps_per_input_step)

    @property
    def step_hours(self) -> float:
        return self.step_s / SECONDS_PER_HOUR

    @property
    def delay_steps(self) -> int:
        """Steps in the scale-in delay."""
        return SCALE_IN_DELAY_S // self.step_s

    @property
    def first_steps_of_hours(self) -> IntArray:
        """(clock hours,): where each clock hour begins; the first and the last may be cut."""
        return np.flatnonzero(np.diff(self.hour_of_week, prepend=-1)).astype(np.int64)

    def spread(self, values: FloatArray) -> FloatArray:
        """Values per input step (..., input steps), held over the steps of this axis (..., steps)."""
        return np.repeat(values, self.steps_per_input_step, axis=-1)

    def month_hours(self, measured: BoolArray) -> FloatArray:
        """(steps,): hours of a month of 730 h that each measured step stands for; 0 where not measured.

        Every hour of the week that was measured at all weighs the same, so that a history that ends on a Wednesday does not
        count Mondays twice. For whole weeks without gaps this is the plain mean.
        """
        return _weights(self.hour_of_week, measured, HOURS_PER_MONTH)

    def week_hours(self, measured: BoolArray, least_measured_fraction: float = 0.5) -> "Weeks":
        """The whole weeks of 168 h, counted back from the end.

        A week of which less than ``least_measured_fraction`` was measured is left out.
        """
        per_week = HOURS_PER_WEEK * SECONDS_PER_HOUR // self.step_s
        steps = np.arange(self.n_steps % per_week, self.n_steps).reshape(-1, per_week)
        steps = steps[measured[steps].sum(axis=1) >= least_measured_fraction * per_week]
        hours = [_weights(self.hour_of_week[week], measured[week], float(HOURS_PER_WEEK)) for week in steps]
        return Weeks(steps=steps, hours=np.array(hours).reshape(steps.shape))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weeks:
    """Whole weeks of a time axis, oldest first."""

    steps: IntArray
    """(weeks, steps of a week): places on the axis."""
    hours: FloatArray
    """(weeks, steps of a week): hours that each step stands for; they add up to 168 a week."""
    _known: dict[int, tuple[FloatArray, FloatArray]] = field(init=False, default_factory=dict)

    def sums(self, per_hour: FloatArray) -> FloatArray:
        """(weeks, rows): what goes by the hour, (rows, steps of the axis), over each week; worked out once for an array."""
        if id(per_hour) not in self._known:
            of_weeks = per_hour[:, self.steps].swapaxes(0, 1)
            self._known[id(per_hour)] = per_hour, sum_over_states(of_weeks, self.hours[:, np.newaxis])  # its id stays its own
        return self._known[id(per_hour)][1]


def timeline(start: datetime, input_step_s: int, n_input_steps: int) -> Timeline:
    """The time axis for a load of ``n_input_steps`` steps of ``input_step_s`` seconds that starts at ``start`` (UTC)."""
    step_s = math.gcd(input_step_s, SCALE_IN_DELAY_S)
    ratio = input_step_s // step_s
    monday = start.weekday() * 24 * SECONDS_PER_HOUR + start.hour * SECONDS_PER_HOUR + start.minute * 60 + start.second
    seconds = monday + np.arange(n_input_steps * ratio, dtype=np.int64) * step_s
    return Timeline(
        start_s=int(start.timestamp()),
        step_s=step_s,
        steps_per_input_step=ratio,
        hour_of_week=(seconds // SECONDS_PER_HOUR) % HOURS_PER_WEEK,
        counts_step_s=math.gcd(COUNTS_STEP_S, input_step_s) if input_step_s <= COARSEST_COUNTED_S else None,
    )


def trailing_maximum(values: FloatArray, n_back: int) -> FloatArray:
    """Largest value of each step and the ``n_back`` steps before it, (..., steps).

    What is no longer needed is still paid for until the scale-in delay has passed. Gaps are left out of the maximum and
    stay gaps.
    """
    result, reach = values.copy(), 0
    while reach < min(n_back, values.shape[-1] - 1):  # windows of 1, 2, 4 ... steps, and what is left
        more = min(reach + 1, n_back - reach)
        result[..., more:] = np.fmax(result[..., more:], result[..., :-more])
        reach += more
    return np.where(np.isnan(values), np.nan, result)


def _weights(hour_of_week: IntArray, measured: BoolArray, total_hours: float) -> FloatArray:
    per_bin = np.bincount(hour_of_week[measured], minlength=HOURS_PER_WEEK)
    n_bins = np.count_nonzero(per_bin)
    if not n_bins:
        return np.zeros(hour_of_week.size)
    with np.errstate(divide="ignore"):
        weight = np.where(per_bin > 0, total_hours / n_bins / per_bin, 0.0)
    return np.where(measured, weight[hour_of_week], 0.0)
