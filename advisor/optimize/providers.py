"""Capacity providers of plans: Fargate's own, and groups of instances."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from advisor.ecs import Architecture, InstanceType, LaunchType, PlacementStrategy, PurchaseOption
from advisor.optimize.candidates import kept_memory_mib
from advisor.plan import CapacityProvider
from advisor.simulate.instances import ROOT_VOLUME_GIB
from advisor.workload import Constraints

DEPLOYMENT_SURGE = 2
"""A rolling deployment at the default maximumPercent of 200 doubles the tasks."""


def fargate_provider(purchase_option: PurchaseOption, zones: int) -> CapacityProvider:
    name = "FARGATE" if purchase_option is PurchaseOption.ON_DEMAND else "FARGATE_SPOT"
    return CapacityProvider(name=name, launch_type=LaunchType.FARGATE, purchase_option=purchase_option, zones=zones)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDemandBase:
    """Instances of a Spot pool that are On-Demand, and stay so, before Spot takes the rest."""

    instances: int
    instance_type: str
    """Of the pool: the first of the group's types, which EC2 Auto Scaling takes for On-Demand."""


def base_of(provider: CapacityProvider) -> OnDemandBase | None:
    """The base of a capacity provider on EC2 Spot; None without one."""
    if not provider.on_demand_base:
        return None
    return OnDemandBase(instances=provider.on_demand_base, instance_type=provider.instance_types[0])


def instance_provider(
    name: str,
    launch_type: LaunchType,
    purchase_option: PurchaseOption,
    types: Sequence[InstanceType],
    architecture: Architecture,
    peak_instances: float,
    *,
    constraints: Constraints,
    placement: PlacementStrategy = PlacementStrategy.SPREAD_THEN_BINPACK,
    min_instances: int = 0,
    root_volume_gib: int = ROOT_VOLUME_GIB,
    base: OnDemandBase | None = None,
) -> CapacityProvider:
    """A capacity provider for instances of ``types``."""
    names = [t.name for t in types]
    return CapacityProvider(
        name=provider_name(name),
        launch_type=launch_type,
        purchase_option=purchase_option,
        instance_types=tuple(names if base is None else sorted(names, key=lambda name: name != base.instance_type)),
        on_demand_base=0 if base is None else base.instances,
        architecture=architecture,
        placement=placement,
        has_trunking=constraints.has_trunking or launch_type is LaunchType.MANAGED_INSTANCES,
        root_volume_gib=root_volume_gib,
        ecs_reserved_memory_mib=kept_memory_mib(types[0], launch_type, constraints),
        zones=constraints.zones,
        min_instances=min_instances,
        max_instances=max(constraints.zones, int(np.ceil(peak_instances)) * DEPLOYMENT_SURGE),
    )


def provider_name(wanted: str) -> str:
    """A name that ECS accepts: it may not start with ``aws``, ``ecs`` or ``fargate``."""
    name = wanted.replace(".", "-")
    return (f"cp-{name}" if name.lower().startswith(("aws", "ecs", "fargate")) else name)[:255]
