"""What the loss of a zone does to a plan on instances, and what it costs to keep every task through one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import numpy as np

from advisor.ecs import LaunchType
from advisor.meters import sum_over_states
from advisor.optimize.parts import InstancesInUse, Part, times_instances
from advisor.optimize.pricing import price_parts
from advisor.optimize.replayed import DEFAULT_REPLAY_WEEKS, last_weeks, replay_inputs
from advisor.optimize.search import Search
from advisor.simulate.instances import held, with_zone_floor
from advisor.simulate.replay import LostZone, Replay, ReplayedCluster, ReplayedService, replay_cluster
from advisor.units import SECONDS_PER_HOUR, BoolArray, FloatArray, ceil_whole
from advisor.workload import Workload

HOURS_AROUND: Final = 3
"""Replayed before the zone is lost and after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LostZoneFacts:
    """One zone of a capacity provider lost at the busiest moment of the replayed weeks, not to come back within hours."""

    part: str
    """Name of the capacity provider."""
    zones: int
    moment: str
    """UTC."""
    unmet_task_minutes: float
    """Desired tasks that do not run, more than without the loss; of the zone whose loss leaves most."""
    minutes: float | None
    """Until as many tasks run again as would without it; None where they do not within three hours."""
    surviving_instances_max: int
    """With which every task has room when any zone is lost, at the busiest moment."""
    surviving_extra_usd: float | None
    """A month of these instances, more than the plan's own; None without a price."""


def lost_zones(
    parts: Sequence[Part], workload: Workload, search: Search, hours: FloatArray, *, weeks: int = DEFAULT_REPLAY_WEEKS
) -> tuple[LostZoneFacts, ...]:
    """Of each replayed part on EC2 in several zones.

    Parameters
    ----------
    hours : (steps,)
        Hours of the month that each step stands for, as the parts were billed.
    """
    found = (_lost_zone(part, part.on_instances, workload, search, hours, weeks) for part in parts if part.on_instances)
    return tuple(facts for facts in found if facts is not None)


def _lost_zone(
    part: Part, use: InstancesInUse, workload: Workload, search: Search, hours: FloatArray, weeks: int
) -> LostZoneFacts | None:
    zones = part.provider.zones
    if part.replay is None or zones < 2 or part.provider.launch_type is not LaunchType.EC2:
        return None
    recent, at = last_weeks(workload, search, weeks)
    services, cluster, step_s = replay_inputs(part, recent, at)
    cpu = np.array([service.reservation[0] for service in services])
    busiest = int(np.argmax(np.nan_to_num(cpu @ np.stack([service.load for service in services]))))
    around = HOURS_AROUND * SECONDS_PER_HOUR // step_s
    first = max(0, busiest - around)
    there = [service.between(first, busiest + around + 1) for service in services]
    quiet = replay_cluster(there, cluster, step_s=step_s)
    hits = [_hit(there, cluster, busiest - first, zone, step_s) for zone in range(zones)]
    worst = max(hits, key=lambda replay: int(replay.over_time(replay.unmet.sum(axis=0)).sum()))
    unmet = worst.over_time(worst.unmet.sum(axis=0)) - quiet.over_time(quiet.unmet.sum(axis=0))
    fewer: BoolArray = np.any(worst.over_time(worst.running) < quiet.over_time(quiet.running), axis=0)
    back = np.flatnonzero(~fewer[busiest - first :])
    needed = _surviving(use, part, search)
    return LostZoneFacts(
        part=part.name,
        zones=zones,
        moment=(recent.start + timedelta(seconds=busiest * step_s)).isoformat(),
        unmet_task_minutes=float(max(0, unmet.sum())) * step_s / 60,
        minutes=float(back[0]) * step_s / 60 if back.size else None,
        surviving_instances_max=int(needed[hours > 0].max(initial=0)),
        surviving_extra_usd=_extra_usd(part, use, needed, search, hours),
    )


def _hit(services: Sequence[ReplayedService], cluster: ReplayedCluster, step: int, zone: int, step_s: int) -> Replay:
    return replay_cluster(services, replace(cluster, lost_zones=(LostZone(step=step, zone=zone),)), step_s=step_s)


def _surviving(use: InstancesInUse, part: Part, search: Search) -> FloatArray:
    r"""(steps,): instances with which the tasks still fit when the zone with most of them is gone; 0 in a gap.

    Notes
    -----
    :math:`P` instances hold the tasks. Spread as evenly as can be over :math:`z` zones, the least number that leaves :math:`P`
    without the largest zone is :math:`P + \lceil P / (z - 1) \rceil`, and not less than one in each zone.
    """
    zones = part.provider.zones
    packed = ceil_whole(np.nan_to_num(use.packed)).astype(np.int64)
    tasks = np.nan_to_num(part.tasks.sum(axis=0))
    needed = with_zone_floor(packed + -(-packed // (zones - 1)), tasks, zones)
    return held(needed.astype(np.float64), search.axis.delay_steps)


def _extra_usd(part: Part, use: InstancesInUse, needed: FloatArray, search: Search, hours: FloatArray) -> float | None:
    """What a month of ``needed`` instances costs more than those of the model; what a replay adds, it adds to both."""
    factor = part.replay.factor if part.replay else 1.0
    lasting = (hours > 0) & ~np.isnan(use.running)
    ours = float(sum_over_states(use.running[lasting], hours[lasting])) / factor if factor else 0.0
    theirs = float(sum_over_states(needed[lasting], hours[lasting]))
    if not ours:
        return 0.0
    quantities = times_instances(part, theirs / ours, search.candidates, step_hours=search.axis.step_hours)
    both = (part, replace(part, quantity_per_hour=quantities))
    before, after = (price_parts([each], hours, search.catalog, search.region).monthly_usd for each in both)
    return None if before is None or after is None else after.mean - before.mean
