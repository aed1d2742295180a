"""Choices for a load that stepped: the weeks before the step would choose other instance types."""

from dataclasses import replace

from advisor.optimize.alternatives import Alternatives, alternatives
from advisor.optimize.choice import without_repeats
from advisor.optimize.fixed import on_load
from advisor.optimize.search import Search, search_for
from advisor.recommend.changes import TREND_WEEKS, ChangeKind, changes, weekly_load
from advisor.units import HOURS_PER_WEEK, SECONDS_PER_HOUR
from advisor.workload import Workload

SINCE_STEP = ":since_step"
"""Ends the id of a choice whose types are those that are cheapest since a step of the load."""


def with_choices_since_a_step(workload: Workload, search: Search, found: Alternatives) -> Alternatives:
    """Where the load of a service stepped, also the choices that are cheapest on the weeks since.

    The old level would choose other instance types, or none for the new one.
    """
    n_weeks = _weeks_since_a_step(search, found)
    if n_weeks is None:
        return found
    per_week = HOURS_PER_WEEK * SECONDS_PER_HOUR // workload.step_s
    since = workload.between(workload.n_steps - n_weeks * per_week, workload.n_steps)
    if not since.measured.all(axis=0).any():  # some other service has no data since then
        return found
    recent = alternatives(since, replace(search_for(since, search.catalog), candidates=search.candidates))
    more = [
        replace(
            choice,
            id=f"{choice.id}{SINCE_STEP}",
            title=f"{choice.title}, chosen on the last {n_weeks} weeks",
            parts=on_load(choice.parts, workload, search),
        )
        for choice in recent.for_cluster
        if choice.parts and not choice.is_comparison
    ]
    return replace(found, for_cluster=tuple(without_repeats([*found.for_cluster, *more])))


def _weeks_since_a_step(search: Search, found: Alternatives) -> int | None:
    """Weeks since the last step of any service's load, where that is two to thirteen."""
    ago = []
    for load in found.loads:
        if not load.service.is_stated:
            weekly = weekly_load(search.axis.spread(load.demand), search.axis.week_hours(load.measured))
            ago += [c.weeks_ago for c in changes(weekly, "") if c.kind is ChangeKind.STEP and 2 <= c.weeks_ago <= TREND_WEEKS]
    return min(ago, default=None)
