"""What interruptions do to a plan on Spot: how often, how many tasks are left, and the On-Demand base that bounds it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np

from advisor.ecs import LaunchType, PurchaseOption
from advisor.meters import sum_over_states
from advisor.optimize.parts import Part, whole_instances
from advisor.pricing import PriceCatalog
from advisor.simulate.replay.rules import ClusterRules
from advisor.simulate.spot import (
    NOTICE_S,
    chance_in_month,
    chance_now,
    chance_with_pools,
    interruptions_per_month,
    least_on_demand,
    missing_fraction,
)
from advisor.units import SECONDS_PER_HOUR, FloatArray

LEVEL: Final = 0.01
"""Chance of fewer tasks than stated, within a month, that the On-Demand base keeps to."""
SPARE_INSTANCES: Final = 1
"""Instances' worth of tasks that may be missing: with N tasks of the busiest step, fewer than N less this is too few."""
OPEN_BAND_FRACTION: Final = 0.50
"""Our upper edge of AWS's highest band, "> 20 %", and of a type without a band beside types with one: AWS states none."""
NO_FARGATE_RATE: Final = "AWS publishes no interruption rate for Fargate Spot"


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeInterruptions:
    """Band of one type of a Spot pool."""

    instance_type: str
    """Its name."""
    low_fraction: float | None
    """Of its instances, interrupted within a month; None where that is not known."""
    high_fraction: float | None
    """None in the highest band too, which AWS leaves open."""
    source: str | None
    """Id of where the band is from, in ``sources.csv`` of the catalog."""
    as_of: str | None
    """Date of the copy; the band is of the month before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotEnds:
    """A figure at the lower and at the upper edges of the bands."""

    low: float | None
    """None where a type has no band."""
    high: float
    """With 50 % for the open band, and for a type without one: our assumption."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotRisk:
    """Interruptions of one capacity provider on Spot, and of what runs there; all services together, as if of one size."""

    alternative: str
    """Id of the alternative: the recommended one or its rival."""
    capacity_provider: str
    services: tuple[str, ...]
    """That run there."""
    tasks: int | None = None
    """Running at the busiest step; None on Fargate Spot, as all that follows."""
    instances: int | None = None
    """At that step."""
    on_demand_base: int | None = None
    """Of ``instances``, On-Demand: none of the figures takes them to be interrupted. None without a base."""
    fewest_tasks: int | None = None
    """Too few are less than this: ``tasks`` less an instance's worth."""
    types: tuple[TypeInterruptions, ...] = ()
    pools: int | None = None
    """Capacity pools: a type in a zone each."""
    replacement_s: float | None = None
    """From the notice until tasks run on the replacement: two minutes, boot, start of the slowest service."""
    interrupted_fraction: SpotEnds | None = None
    """Chance of one instance within a month, mean of the types. None where no type has a band, as all chances are."""
    interruptions_per_month: SpotEnds | None = None
    """Of the mean number of instances."""
    chance_now: SpotEnds | None = None
    """Fewer than ``fewest_tasks`` at a given moment of the busiest load, instances being interrupted independently."""
    chance_in_month: SpotEnds | None = None
    """The same at some time within a month."""
    tasks_left_without_a_pool: int | None = None
    """At the busiest step, where one capacity pool is taken at once."""
    chance_in_month_by_pool: SpotEnds | None = None
    """As ``chance_in_month``, every interruption taking a whole capacity pool."""
    level: float | None = None
    """Chance that the bases keep to, at the upper edges of the bands."""
    on_demand_instances: int | None = None
    """Of ``instances``, the fewest on demand for ``chance_in_month`` to be at most ``level``."""
    on_demand_instances_by_pool: int | None = None
    """The same for ``chance_in_month_by_pool``."""
    on_demand_tasks_by_pool: int | None = None
    """What the latter hold."""
    unmet_task_minutes_each: float | None = None
    """That one interruption leaves unmet, in the mean of some in the replayed weeks; on Fargate Spot of the worst service.

    There is capacity for the replacement. None where the part was not replayed.
    """
    unmet_task_minutes: SpotEnds | None = None
    """In a month, at the rate of the bands."""
    note: str = ""
    """What is not known or was assumed."""


def spot_risks(
    alternative: str,
    parts: Sequence[Part],
    catalog: PriceCatalog,
    region: str,
    hours: FloatArray,
    unmet_minutes: Mapping[str, float] = MappingProxyType({}),
) -> tuple[SpotRisk, ...]:
    """Risk of each part of a plan that runs on Spot; empty where none does.

    Fargate Spot has no number: AWS publishes none. The band of a type is of the month before its date and may have moved.

    Parameters
    ----------
    hours : (steps,)
        Hours of the month that each step stands for, as the parts were billed.
    unmet_minutes
        Task-minutes that one interruption leaves unmet, by service of a part (its first).
    """
    on_spot = [part for part in parts if part.provider.purchase_option is PurchaseOption.SPOT]
    fargate = [part for part in on_spot if part.provider.launch_type is LaunchType.FARGATE]
    services = tuple(name for part in fargate for name in part.services)
    found = [
        _with_unmet(_of_instances(alternative, part, catalog, region, hours), unmet_minutes.get(next(iter(part.services))))
        for part in on_spot
        if part.on_instances is not None
    ]
    if fargate:
        name = fargate[0].name
        worst = max((unmet_minutes[each] for each in services if each in unmet_minutes), default=None)
        risk = SpotRisk(alternative=alternative, capacity_provider=name, services=services, note=NO_FARGATE_RATE)
        found.append(_with_unmet(risk, worst))
    return tuple(found)


def _with_unmet(risk: SpotRisk, each: float | None) -> SpotRisk:
    rate = risk.interruptions_per_month
    if each is None or rate is None:
        return replace(risk, unmet_task_minutes_each=each)
    low = None if rate.low is None else rate.low * each
    return replace(risk, unmet_task_minutes_each=each, unmet_task_minutes=SpotEnds(low=low, high=rate.high * each))


def _of_instances(alternative: str, part: Part, catalog: PriceCatalog, region: str, hours: FloatArray) -> SpotRisk:
    use = part.on_instances
    if use is None:
        raise ValueError(f"{part.name} has no instances")
    running = part.tasks.sum(axis=0)
    busiest = int(np.nanargmax(np.where(np.isnan(use.running), np.nan, running)))
    tasks, instances = math.ceil(running[busiest]), math.ceil(whole_instances(part)[busiest])
    base = part.provider.on_demand_base
    a_piece = math.ceil(tasks / max(instances, 1))
    fewest = max(1, tasks - SPARE_INSTANCES * a_piece)
    types = tuple(_band(name, catalog, region) for name in part.provider.instance_types)
    pools = len(types) * part.provider.zones
    start_s = max((run.service.startup_s for run in part.runs), default=0.0)
    risk = SpotRisk(
        alternative=alternative,
        capacity_provider=part.name,
        services=tuple(part.services),
        tasks=tasks,
        instances=instances,
        on_demand_base=base or None,
        fewest_tasks=fewest,
        types=types,
        pools=pools,
        replacement_s=NOTICE_S + ClusterRules().boot_s + start_s,
        tasks_left_without_a_pool=max(0, tasks - a_piece * math.ceil((instances - base) / pools)),
        note=_note(types),
    )
    if all(each.low_fraction is None for each in types):
        return risk
    lasting = (hours > 0) & ~np.isnan(use.running)
    on_spot = np.maximum(use.running[lasting] - base, 0.0)
    mean = float(sum_over_states(on_spot, hours[lasting]) / hours[lasting].sum())
    return _with_chances(risk, (tasks - fewest) // a_piece if a_piece else instances, mean)


def _with_chances(risk: SpotRisk, spare: int, mean_instances: float) -> SpotRisk:
    instances, pools, hours = risk.instances, risk.pools, risk.replacement_s
    if instances is None or pools is None or hours is None:
        raise ValueError("chances need the instances of the busiest step")
    on_spot = instances - (risk.on_demand_base or 0)
    hours /= SECONDS_PER_HOUR
    known = [each for each in risk.types if each.low_fraction is not None]
    lows = [each.low_fraction for each in known if each.low_fraction is not None] if len(known) == len(risk.types) else []
    highs = [OPEN_BAND_FRACTION if each.high_fraction is None else each.high_fraction for each in risk.types]
    # The types have equal shares. Where all places have the mean rate, no fewer are missing together than of unlike places.
    least = float(np.mean([interruptions_per_month(each) for each in lows])) if lows else None
    most = float(np.mean([interruptions_per_month(each) for each in highs]))

    def ends(of: Callable[[float], float]) -> SpotEnds:
        return SpotEnds(low=None if least is None else of(least), high=of(most))

    def by_pool(places: int, rate: float) -> float:
        return chance_with_pools(places, spare, rate, hours, pools=pools)

    base = least_on_demand(instances, LEVEL, lambda places: chance_in_month(places, spare, most, hours))
    base_by_pool = least_on_demand(instances, LEVEL, lambda places: by_pool(places, most))
    return replace(
        risk,
        interrupted_fraction=SpotEnds(low=float(np.mean(lows)) if lows else None, high=float(np.mean(highs))),
        interruptions_per_month=ends(lambda rate: rate * mean_instances),
        chance_now=ends(lambda rate: chance_now(on_spot, spare, missing_fraction(rate, hours))),
        chance_in_month=ends(lambda rate: chance_in_month(on_spot, spare, rate, hours)),
        chance_in_month_by_pool=ends(lambda rate: by_pool(on_spot, rate)),
        level=LEVEL,
        on_demand_instances=base,
        on_demand_instances_by_pool=base_by_pool,
        on_demand_tasks_by_pool=min(risk.tasks or 0, base_by_pool * math.ceil((risk.tasks or 0) / max(instances, 1))),
    )


def _band(name: str, catalog: PriceCatalog, region: str) -> TypeInterruptions:
    band = catalog.interruption_band(name, region)
    if band is None:
        return TypeInterruptions(instance_type=name, low_fraction=None, high_fraction=None, source=None, as_of=None)
    return TypeInterruptions(
        instance_type=name,
        low_fraction=band.low_fraction,
        high_fraction=band.high_fraction,
        source=band.source_id,
        as_of=band.as_of,
    )


def _note(types: Sequence[TypeInterruptions]) -> str:
    unknown = [each.instance_type for each in types if each.low_fraction is None]
    if len(unknown) == len(types):
        return "no type of the pool has an interruption band: how often it is interrupted is not known"
    assumed = f"taken to be at most {OPEN_BAND_FRACTION:.0%} (our assumption)".replace("%", " %")
    is_open = [each.instance_type for each in types if each.low_fraction is not None and each.high_fraction is None]
    notes = [
        *([f"no band is known of {', '.join(unknown)}: {assumed}"] if unknown else []),
        *([f"the band of {', '.join(is_open)} has no upper edge: {assumed}"] if is_open else []),
        "whether Spot has capacity for a replacement nothing public says",
    ]
    return "; ".join(notes)
