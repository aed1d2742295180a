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
from advisor.simulate.replay import replay_cluster
from advisor.units import FloatArray
from advisor.workload import Workload

LEAST_SHARE_SAID: Final = 0.01
"""Of the bill of all parts."""


def zone_stops(parts: Sequence[Part], workload: Workload, search: Search, hours: FloatArray) -> Iterable[str]:
    """A sentence for each replayed part under AZ spread then binpack that would be dearer by a hundredth of the bill.

    Parameters
    ----------
    hours : (steps,)
        Hours of the month that each step stands for, as the parts were billed.
    """
    whole = price_parts(parts, hours, search.catalog, search.region).monthly_usd
    for part in parts:
        if part.replay is None or part.provider.placement is not PlacementStrategy.SPREAD_THEN_BINPACK or whole is None:
            continue
        dearer = replace(part, quantity_per_hour=_quantity(part, part.replay, workload, search))
        before, after = (price_parts([each], hours, search.catalog, search.region).monthly_usd for each in (part, dearer))
        more_usd = 0.0 if before is None or after is None else after.mean - before.mean
        if more_usd >= LEAST_SHARE_SAID * whole.mean > 0:
            yield (
                f"{part.provider.name} costs ${more_usd:,.2f} a month more if a scale-in stops any task of a zone: the figures "
                "have it stop one on the emptiest instance, and AWS does not publish which"
            )


def _quantity(part: Part, facts: ReplayFacts, workload: Workload, search: Search) -> FloatArray:
    recent, at = last_weeks(workload, search, math.ceil(facts.weeks))
    services, cluster, step_s = replay_inputs(part, recent, at)
    drawn = replay_cluster(services, replace(cluster, random_stops_seed=0), step_s=step_s)
    ratio = instance_hours(drawn, step_s) / facts.instance_hours if facts.instance_hours else 1.0
    return times_instances(part, ratio, search.candidates, step_hours=search.axis.step_hours)
