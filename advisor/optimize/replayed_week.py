"""The last week of a replay, as a chart shows it."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np

from advisor.optimize.parts import ReplayedWeek
from advisor.simulate.replay import Replay, ReplayedService
from advisor.units import HOURS_PER_WEEK, SECONDS_PER_HOUR, FloatArray, IntArray, ceil_whole

SHOWN_STEP_S = 900
"""Steps of a replayed week that is shown: fine enough to see scale-in, which takes as long."""


def together(weeks: Sequence[ReplayedWeek]) -> ReplayedWeek | None:
    """Several parts of a plan over the same week; None without any."""
    if not weeks:
        return None

    def total(series: Iterable[tuple[float, ...]]) -> tuple[float, ...]:
        return tuple(sum(values) for values in zip(*series, strict=True))

    needed = [None if None in v else sum(n or 0.0 for n in v) for v in zip(*(w.needed for w in weeks), strict=True)]
    return ReplayedWeek(
        start=weeks[0].start,
        step_s=weeks[0].step_s,
        needed=tuple(needed),
        running=total(week.running for week in weeks),
        placed=total(week.placed for week in weeks),
        waiting=total(week.waiting for week in weeks),
        instances=total(week.instances for week in weeks),
        active=total(week.active for week in weeks),
    )


def last_week(result: Replay, services: Sequence[ReplayedService], start: datetime, step_s: int) -> ReplayedWeek:
    """The end of a replay of services that began at ``start``, in steps of ``step_s``."""
    per_bin = SHOWN_STEP_S // step_s
    n_steps = int(result.n_steps.sum())
    first = max(0, n_steps - HOURS_PER_WEEK * SECONDS_PER_HOUR // step_s)

    def most(series: FloatArray) -> FloatArray:
        """(bins,): NaN where all of a bin is unknown."""
        cut = series[first:]
        padded = np.concatenate([cut, np.full(-cut.size % per_bin, np.nan)]).reshape(-1, per_bin)
        known = ~np.isnan(padded)
        return np.where(known.any(axis=1), np.where(known, padded, -np.inf).max(axis=1), np.nan)

    def replayed(series: IntArray) -> tuple[float, ...]:
        return tuple(most(result.over_time(series).astype(np.float64)).tolist())

    needed = np.zeros(n_steps)
    for service in services:
        wanted = ceil_whole(service.load)
        if not service.is_counts:
            lower, upper = _bounds(service, n_steps)
            wanted = np.minimum(np.maximum(wanted, lower), upper)
        needed = needed + wanted
    return ReplayedWeek(
        start=(start + timedelta(seconds=first * step_s)).isoformat(),
        step_s=SHOWN_STEP_S,
        needed=tuple(None if value != value else value for value in most(needed).tolist()),
        running=replayed(result.running.sum(axis=0)),
        placed=replayed(result.placed.sum(axis=0)),
        waiting=replayed(result.waiting.sum(axis=0)),
        instances=replayed(result.instances),
        active=replayed(result.active),
    )


def _bounds(service: ReplayedService, n_steps: int) -> tuple[FloatArray, FloatArray]:
    """Least and most tasks, (steps,) each, as scheduled actions move them."""
    least = np.full(n_steps, float(service.min_tasks))
    most = np.full(n_steps, np.inf if service.max_tasks is None else float(service.max_tasks))
    for action in service.scheduled:
        for bounds, moved in ((least, action.min_tasks), (most, action.max_tasks)):
            if moved is not None:
                bounds[action.step :] = moved
    return least, most
