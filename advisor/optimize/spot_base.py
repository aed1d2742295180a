"""Groups of EC2 Spot over an On-Demand base: the instances that always run, and Spot for the rest."""

from dataclasses import replace

import numpy as np

from advisor.ecs import LaunchType, PurchaseOption
from advisor.optimize.fixed import with_replay
from advisor.optimize.parts import Part
from advisor.optimize.search import Search, part_on_provider
from advisor.units import CEIL_TOLERANCE


def is_spot_group(part: Part) -> bool:
    """Whether a part runs on a group of EC2 Spot."""
    return part.provider.launch_type is LaunchType.EC2 and part.provider.purchase_option is PurchaseOption.SPOT


def over_on_demand_base(part: Part, search: Search) -> Part:
    """A part on EC2 Spot over the instances that always run; as it is where those are none or all, or have no price.

    The group starts its base before anything else and keeps it On-Demand, whatever becomes of Spot: of its first type, here
    the one that is cheapest on demand [1]_. Burstable types are left alone.

    References
    ----------
    .. [1] Amazon EC2 Auto Scaling API Reference, InstancesDistribution: OnDemandBaseCapacity, OnDemandAllocationStrategy.
    """
    candidates = search.candidates
    pool = [at for at, each in enumerate(candidates.types) if each.name in part.provider.instance_types]
    if not is_spot_group(part) or candidates.is_burstable[pool].any() or np.isnan(candidates.on_demand_usd[pool]).all():
        return part
    use = part.on_instances
    packed = np.zeros(0) if use is None else use.running / (part.replay.factor if part.replay else 1.0)  # a mean over the pool
    known = packed[~np.isnan(packed)]
    least = int(known.min() + CEIL_TOLERANCE) if known.size else 0
    if not 0 < least < known.max():
        return part
    cheapest = candidates.types[pool[int(np.nanargmin(candidates.on_demand_usd[pool]))]].name
    others = tuple(name for name in part.provider.instance_types if name != cheapest)
    provider = replace(part.provider, instance_types=(cheapest, *others), on_demand_base=least)
    over = part_on_provider(search, part.runs, provider)
    return with_replay(over, part.replay, search) if part.replay else over
