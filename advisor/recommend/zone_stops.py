"""What instances cost if ECS stops any task of a zone, where replays stop one on the emptiest instance."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from advisor.ecs import PlacementStrategy
from advisor.optimize.parts import Part, ReplayFacts, times_instances
from advisor.optimize.pricing import price_parts
from advisor.optimize.replayed import instance_hours, last_weeks, replay_inputs
from advisor.optimize.search import Search
from advisor.recommend.reasons import named
from advisor.simulate.replay import replay_cluster
from advisor.units import FloatArray
from advisor.workload import Workload

LEAST_SHARE_SAID: Final = 0.01
"""Of the bill of all parts."""


def zone_stops(
    parts: Sequence[Part], workload: Workload, search: Search, hours: FloatArray, rival: tuple[str, float]
) -> Iterable[str]:
    """A sentence for replayed parts under AZ spread then binpack that would be dearer by a hundredth of the bill.

    Parameters
    ----------
    hours : (steps,)
        Hours of the month that each step stands for, as the parts were billed.
    rival
        A plan that is not dearer then, by its title, and what the parts save against it in a month [USD]; NaN without one.
    """
    whole = price_parts(parts, hours, search.catalog, search.region).monthly_usd
    more_usd: dict[str, float] = {}
    for part in parts:
        if part.replay is None or part.provider.placement is not PlacementStrategy.SPREAD_THEN_BINPACK:
            continue
        dearer = replace(part, quantity_per_hour=_quantity(part, part.replay, workload, search))
        before, after = (price_parts([each], hours, search.catalog, search.region).monthly_usd for each in (part, dearer))
        if before is not None and after is not None and after.mean > before.mean:
            more_usd[part.provider.name] = after.mean - before.mean
    total_usd, (title, saving_usd) = math.fsum(more_usd.values()), rival
    if whole is not None and total_usd >= LEAST_SHARE_SAID * whole.mean > 0:
        then = f", and {title} may be cheaper then" if total_usd > saving_usd else ""
        yield (
            f"instances of {named(list(more_usd))} cost ${total_usd:,.2f} a month more if a scale-in stops any task of a zone"
            f"{then}: the figures have it stop one on the emptiest instance, and AWS does not publish which"
        )


def _quantity(part: Part, facts: ReplayFacts, workload: Workload, search: Search) -> FloatArray:
    recent, at = last_weeks(workload, search, math.ceil(facts.weeks))
    services, cluster, step_s = replay_inputs(part, recent, at)
    drawn = replay_cluster(services, replace(cluster, random_stops_seed=0), step_s=step_s)
    ratio = instance_hours(drawn, step_s) / facts.instance_hours if facts.instance_hours else 1.0
    return times_instances(part, ratio, search.candidates, step_hours=search.axis.step_hours)
