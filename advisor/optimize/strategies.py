"""Placement strategies of a cluster that runs today, priced: the same services and instance type under each, replayed."""

from collections.abc import Sequence
from dataclasses import dataclass

from advisor.ecs import InstanceType, LaunchType, PlacementStrategy, PurchaseOption
from advisor.optimize.loads import ServiceLoad
from advisor.optimize.parts import Part
from advisor.optimize.pricing import price_parts
from advisor.optimize.providers import instance_provider
from advisor.optimize.replayed import replayed_parts
from advisor.optimize.search import CapacityKind, Search, part_on_provider
from advisor.units import FloatArray
from advisor.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedStrategy:
    """A month under one placement strategy."""

    placement: PlacementStrategy
    monthly_usd: float
    """On-Demand, as replayed."""
    instances_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentStrategies:
    """The present cluster's instance type under every strategy, cheapest first."""

    instance_type: str
    services: tuple[str, ...]
    weeks: float
    strategies: tuple[PricedStrategy, ...]

    @property
    def default_usd(self) -> float:
        """Of ECS's default placement, which a service without a strategy has."""
        return next(each.monthly_usd for each in self.strategies if each.placement is PlacementStrategy.DEFAULT_SPREAD)


def price_present_strategies(
    workload: Workload, loads: Sequence[ServiceLoad], search: Search, hours: FloatArray, *, weeks: int
) -> tuple[PresentStrategies | None, str | None]:
    """Replay the services that run on instances today on the present type, under each strategy.

    Parameters
    ----------
    hours : (steps,)
        Hours of the month that each step stands for.

    Returns
    -------
    PresentStrategies or None, str or None
        None where no instances are stated; where they are and cannot be priced so, a sentence that says why.
    """
    if workload.present is None:
        return None, None
    is_windows = not workload.present.instances
    names = tuple(workload.present.windows_instances if is_windows else workload.present.instances)
    if len(names) != 1:
        return None, _why_not(f"it has {len(names)} instance types")
    (name,) = names
    candidates = search.candidates.members(names, is_windows=is_windows)
    if not candidates.size:
        return None, _why_not(f"{name} is no candidate type")
    index = int(candidates[0])
    found = search.candidates.types[index]
    members = [
        load
        for load in loads
        if load.service.is_windows is is_windows
        and (load.service.present is None or load.service.present.launch_type is LaunchType.EC2)
    ]
    kind = CapacityKind(
        launch_type=LaunchType.EC2, purchase_option=PurchaseOption.ON_DEMAND, architecture=found.architectures[0]
    )
    if not members or not search.usable([load.run for load in members], kind)[index]:
        return None, _why_not(f"{name} has no price, or does not hold its tasks")
    parts = [_part(search, members, found, placement) for placement in PlacementStrategy]
    replayed = replayed_parts(parts, workload, search, weeks=weeks)
    priced = [_priced(part, search, hours) for part in replayed]
    strategies = [each for each in priced if each is not None]
    lasted = replayed[0].replay
    if lasted is None or len(strategies) < len(priced):
        return None, _why_not("the last weeks hold too little of the load of all services together")
    return (
        PresentStrategies(
            instance_type=name,
            services=tuple(load.service.name for load in members),
            weeks=lasted.weeks,
            strategies=tuple(sorted(strategies, key=lambda each: (round(each.monthly_usd, 9), each.placement))),
        ),
        None,
    )


def _why_not(reason: str) -> str:
    return f"placement strategies are not priced for the present cluster: {reason}"


def _part(search: Search, members: Sequence[ServiceLoad], found: InstanceType, placement: PlacementStrategy) -> Part:
    provider = instance_provider(
        f"present-{found.name}",
        LaunchType.EC2,
        PurchaseOption.ON_DEMAND,
        [found],
        found.architectures[0],
        0.0,  # the part's own provider holds the peak
        constraints=search.constraints,
        placement=placement,
    )
    return part_on_provider(search, [load.run for load in members], provider)


def _priced(part: Part, search: Search, hours: FloatArray) -> PricedStrategy | None:
    monthly = price_parts([part], hours, search.catalog, search.region).monthly_usd
    if part.replay is None or monthly is None or part.provider.placement is None:
        return None
    return PricedStrategy(placement=part.provider.placement, monthly_usd=monthly.mean, instances_max=part.replay.instances_max)
