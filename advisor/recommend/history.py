"""What the load shows and does not show: how long it is, its gaps, and how it has changed."""

from collections.abc import Iterable

import numpy as np

from advisor.optimize.alternatives import Alternatives
from advisor.optimize.search import Search
from advisor.recommend.changes import TREND_WEEKS, changes, sentences, shape_change, weekly_load
from advisor.recommend.reasons import named
from advisor.recommend.verdict import WARN_WEEKS
from advisor.units import HOURS_PER_DAY, HOURS_PER_WEEK
from advisor.workload import Workload

LEAST_COMMON_FRACTION = 0.95
LEAST_NEVER_HOURS = 7
"""One a day; fewer are chance."""


def history(workload: Workload, found: Alternatives, search: Search) -> Iterable[str]:
    """How long it is, and what was not measured."""
    weeks = workload.span_hours / HOURS_PER_WEEK
    if weeks < WARN_WEEKS and not all(service.is_stated for service in workload.services):
        covers = f"{weeks:.1f} weeks" if weeks >= 1 else f"{weeks * HOURS_PER_WEEK:.0f} h"
        yield f"the load covers {covers}: under four weeks, slow changes of level are not seen"
    never: dict[int, list[str]] = {}
    for load in found.loads:
        known = np.flatnonzero(load.measured)
        hours = float(load.measured.size - 1 - known[-1]) * search.axis.step_hours if known.size else 0.0
        if hours >= HOURS_PER_WEEK:
            yield (
                f"the last {hours / HOURS_PER_DAY:.0f} days of {load.service.name} have no data: what is said of recent load "
                "is older than that, and a replay of weeks without any data says nothing"
            )
        measured = np.bincount(search.axis.hour_of_week, weights=load.measured, minlength=HOURS_PER_WEEK)
        never.setdefault(int((measured == 0).sum()), []).append(load.service.name)
    for n_hours, names in never.items():
        if weeks >= 1 and n_hours >= LEAST_NEVER_HOURS:
            yield (
                f"{n_hours} of the 168 hours of a week were never measured for {named(names)}: the bill takes them for "
                "hours like the others. Where no task ran then, write 0 in place of no value"
            )
    common = int(found.common_measured.sum())
    in_common: dict[str, list[str]] = {}
    for load in found.loads:
        share = common / max(1, int(load.measured.sum()))
        if share < LEAST_COMMON_FRACTION:
            in_common.setdefault(f"{share:.0%}", []).append(load.service.name)
    for percent, names in in_common.items():
        yield (
            f"only {percent} of the hours of {named(names)} were measured for all services: the cluster is compared on these"
        )


def changed(found: Alternatives, search: Search) -> Iterable[str]:
    """Trends, steps and new shapes in the load of each service that was measured."""
    for load in found.loads:
        if load.service.is_stated or not load.demand.size:
            continue
        demand = search.axis.spread(load.demand)
        weekly = weekly_load(demand, search.axis.week_hours(load.measured))
        what = f"the load of {load.service.name}"
        yield from sentences([each for each in changes(weekly, what) if each.weeks_ago <= TREND_WEEKS])
        shape = shape_change(demand, search.axis.hour_of_week, search.axis.step_s, what)
        if shape is not None:
            yield shape.sentence
