"""How far above the cheapest plan of its class a plan can be: a bound that no such plan undercuts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from advisor.ecs import LaunchType, PurchaseOption
from advisor.meters import sum_over_states
from advisor.optimize.alternatives import Alternatives
from advisor.optimize.committed_prices import CommittedPrices, committed_prices, committed_usd
from advisor.optimize.few_services import PricedServices, few_services_bound_usd
from advisor.optimize.linear_prices import PriceLevel, ServiceOptions, bound_kinds, lower_bound_usd
from advisor.optimize.loads import ServiceLoad
from advisor.optimize.packed import PackedLoad, by_step, packed_load
from advisor.optimize.parts import Part
from advisor.optimize.pricing import price_parts
from advisor.optimize.search import CapacityKind, Search
from advisor.plan import Terms
from advisor.simulate.instances import with_zone_floor
from advisor.units import FloatArray, IntArray

OTHER_PRICES = 2
"""Under terms: plans beside the one that the bound is for that prices are taken from."""
CLASS_TOLERANCE = 1e-6
"""Relative: a plan below a bound by more than the last digits is none of its class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LowerBound:
    """What no plan of a class can cost less than, under the packing model."""

    monthly_usd: float
    plans: str
    """Of which class."""
    gap_fraction: float
    """How far above the cheapest plan of the class the recommended one may be, both under the packing model."""
    packing_usd: float
    """The recommended plan under the packing model: instances as first-fit decreasing fills them, at once, with a least number
    for the zones."""
    price_of_ecs_fraction: float
    """What the bill is above that: waiting for scale-in, and placement as ECS does it where it was replayed."""


def packing_usd(parts: Sequence[Part], hours: FloatArray, search: Search) -> float | None:
    """What parts cost a month under the packing model alone: no waiting for scale-in, no replay; None without a price."""
    total = 0.0
    for part in parts:
        priced = price_parts([part], hours, search.catalog, search.region)
        if priced.monthly_usd is None:
            return None
        factor = part.replay.factor if part.replay else 1.0
        use = part.on_instances
        billed = sum_over_states(use.running, hours) if use is not None else 0.0
        if use is None or not billed or not factor or not part.runs:
            total += priced.monthly_usd.mean / factor if factor else 0.0
            continue
        load = packed_load(part.runs).on(part.provider.launch_type)
        capacity = search.candidates.capacity_of(part.provider, is_windows=part.is_windows)
        least = np.mean([_least_instances(load, each, part.provider.zones) for each in capacity], axis=0)
        total += priced.monthly_usd.mean * float(sum_over_states(least, hours) / billed)
    return total


def packed_part(part: Part, search: Search) -> Part:
    """A part with what it uses under the packing model, step by step."""
    factor = part.replay.factor if part.replay else 1.0
    use = part.on_instances
    if use is None or not part.runs or not np.nansum(use.running):
        quantity = part.quantity_per_hour / factor if factor else np.zeros_like(part.quantity_per_hour)
        return replace(part, quantity_per_hour=quantity)
    load = packed_load(part.runs).on(part.provider.launch_type)
    capacity = search.candidates.capacity_of(part.provider, is_windows=part.is_windows)
    least = np.mean([_least_instances(load, each, part.provider.zones) for each in capacity], axis=0)
    share = np.divide(least, use.running, out=np.zeros_like(least), where=use.running > 0)
    return replace(part, quantity_per_hour=part.quantity_per_hour * share)


def _least_instances(load: PackedLoad, capacity: IntArray, zones: int) -> FloatArray:
    """(steps,): instances that first-fit decreasing fills, with the least number for the zones; NaN in a gap."""
    packed, tasks = load.packed(capacity), load.n_tasks
    least = with_zone_floor(np.nan_to_num(packed).astype(np.int64), np.nan_to_num(tasks).astype(np.int64), zones)
    return by_step(np.where(np.isnan(packed), np.nan, least), load.count_steps)


def lower_bound(found: Alternatives, parts: Sequence[Part], search: Search, terms: Terms | None = None) -> LowerBound | None:
    """The bound for the class of a plan, and how far above it the plan is.

    Parameters
    ----------
    terms
        Of Savings Plans of any size that plans of the class may buy; the plan has those that are best for it.

    Returns
    -------
    LowerBound or None
        None where the plan runs on burstable types, whose surplus credits no price of a task holds; where commitments are held,
        which make units cheaper in some hours; where something has no price; and where no commitment of the terms saves.
    """
    if search.held:
        return None
    hours = found.common_hours
    burstable = {t.name for t in search.candidates.types if t.baseline_fraction is not None}
    usd = packing_usd(parts, hours, search)
    if usd is None or any(burstable & set(part.provider.instance_types) for part in parts):
        return None
    has_spot = any(part.provider.purchase_option is PurchaseOption.SPOT for part in parts)
    has_host_ports = any(load.service.host_ports_on(LaunchType.EC2) for load in found.loads)
    kinds = bound_kinds(search, has_spot=has_spot, has_host_ports=has_host_ports)
    what = "on demand or Spot" if has_spot else "on demand"
    if terms is None:
        levels = [PriceLevel(hours=hours, search=search)]
        priced = [_priced(found, levels, lambda part: packing_usd([part], hours, search), has_spot=has_spot)]
        billed = sum(
            each.mean for part in parts if (each := price_parts([part], hours, search.catalog, search.region).monthly_usd)
        )
    else:
        packed = [packed_part(part, search) for part in parts]
        prices = committed_prices(packed, hours, search, terms)
        if prices is None:
            return None
        others = [
            committed_prices(each, hours, search, terms)
            for each in _other_choices(found, parts, search, terms, has_spot=has_spot)
        ]
        priced = [_at_committed(found, each, search, has_spot=has_spot) for each in (prices, *others) if each is not None]
        usd, billed = (committed_usd(each, hours, search, terms) for each in (packed, parts))
        what = f"with {terms.words} Savings Plans of any size at known rates, else {what}"
    bound = lower_bound_usd(priced[0].services, kinds, priced[0].levels)
    if bound is not None and bound < usd:
        bound = max(bound, few_services_bound_usd(priced, kinds, usd) or 0.0)
    if not bound or bound > usd * (1 + CLASS_TOLERANCE):
        return None
    on_fargate = [part for load in found.loads for part in _on_fargate(load.service.name, found, has_spot=has_spot)]
    is_priced = _is_fargate_priced(on_fargate, found, search) and all(_is_priced(kind, search) for kind in kinds)
    return LowerBound(
        monthly_usd=bound,
        plans=f"{what}, on {_hosts(search, has_fargate=bool(on_fargate), has_instances=bool(kinds))}, in the sizes compared"
        + ("" if is_priced else ", of what has a price"),
        gap_fraction=max(0.0, usd / bound - 1.0),
        packing_usd=usd,
        price_of_ecs_fraction=billed / usd - 1.0 if usd else 0.0,
    )


def _priced(
    found: Alternatives, levels: Sequence[PriceLevel], usd: Callable[[Part], float | None], *, has_spot: bool
) -> PricedServices:
    """All services with what they cost on Fargate and in their sizes on instances."""
    services = [
        _options(load, found, [usd(part) for part in _on_fargate(load.service.name, found, has_spot=has_spot)])
        for load in found.loads
    ]
    return PricedServices(services=tuple(services), levels=tuple(levels))


def _at_committed(found: Alternatives, prices: CommittedPrices, search: Search, *, has_spot: bool) -> PricedServices:
    return _priced(found, prices.levels(), lambda part: prices.usd(packed_part(part, search)), has_spot=has_spot)


def _other_choices(
    found: Alternatives, parts: Sequence[Part], search: Search, terms: Terms, *, has_spot: bool
) -> list[list[Part]]:
    """The cheapest plans of other launch choices, packed: prices from what is best bought for them prove more of the like."""
    cheapest: dict[frozenset[object], tuple[float, int, list[Part]]] = {}
    for at, choice in enumerate(found.for_cluster):
        options = {part.provider.purchase_option for part in choice.parts}
        if not choice.parts or choice.is_comparison or (PurchaseOption.SPOT in options and not has_spot):
            continue
        packed = [packed_part(part, search) for part in choice.parts]
        usd = committed_usd(packed, found.common_hours, search, terms)
        if usd < cheapest.get(_launch_types(choice.parts), (np.inf,))[0]:
            cheapest[_launch_types(choice.parts)] = usd, at, packed
    cheapest.pop(_launch_types(parts), None)
    return [packed for _, _, packed in sorted(cheapest.values(), key=lambda each: each[:2])[:OTHER_PRICES]]


def _launch_types(parts: Sequence[Part]) -> frozenset[object]:
    return frozenset((name, part.provider.launch_type) for part in parts for name in part.services)


def _hosts(search: Search, *, has_fargate: bool, has_instances: bool) -> str:
    """What runs the plans of the class: nothing is proven of what the constraints leave out, or no service can run on."""
    named = "" if "*" in search.constraints.instance_types else " and that constraints.instance_types names"
    instances = f"any mix of instance types that are not burstable{named}"
    return " or ".join(["Fargate"] * has_fargate + [instances] * has_instances)


def _is_fargate_priced(ways: Sequence[Part], found: Alternatives, search: Search) -> bool:
    return all(price_parts([part], found.common_hours, search.catalog, search.region).monthly_usd is not None for part in ways)


def _on_fargate(service: str, found: Alternatives, *, has_spot: bool) -> list[Part]:
    """Every way of a service on Fargate, priced or not."""
    options = tuple(PurchaseOption) if has_spot else (PurchaseOption.ON_DEMAND,)
    parts = (part for choice in (*found.by_service[service], *found.for_cluster) for part in choice.parts)
    return list(
        {
            id(part): part
            for part in parts
            if part.provider.launch_type is LaunchType.FARGATE
            and part.provider.purchase_option in options
            and service in part.services
        }.values()
    )


def _is_priced(kind: CapacityKind, search: Search) -> bool:
    """Whether all instance types of the class have a price."""
    candidates = search.candidates
    return not np.isnan(search.rates(kind)[candidates.of(kind.architecture) & ~candidates.is_burstable]).any()


def _options(load: ServiceLoad, found: Alternatives, fargate_usd: Sequence[float | None]) -> ServiceOptions:
    right = found.right_sized.get(load.service.name)
    return ServiceOptions(
        elsewhere_usd=min((each for each in fargate_usd if each is not None), default=float("inf")),
        runs=(load.run,) if right is None else (right.run, load.run),
        architectures=frozenset(load.service.architectures),
        is_interruptible=load.service.is_interruptible,
    )


def as_dict(bound: LowerBound) -> Mapping[str, float | str]:
    """The bound as the result holds it."""
    return {
        "monthly_usd": bound.monthly_usd,
        "class": bound.plans,
        "gap_fraction": bound.gap_fraction,
        "packing_usd": bound.packing_usd,
        "price_of_ecs_fraction": bound.price_of_ecs_fraction,
    }
