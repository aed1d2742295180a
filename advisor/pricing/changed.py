"""A catalog of one Region with some rates changed: what if Fargate were 10 % dearer."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from advisor.ecs import Architecture, InstanceType, PurchaseOption
from advisor.meters import (
    FARGATE_EPHEMERAL_GIB_HOUR,
    GP3_GIB_MONTH,
    PUBLIC_IPV4_HOUR,
    Meter,
    fargate_gib_hour,
    fargate_vcpu_hour,
    instance_hour,
    managed_instances_fee_hour,
    spot_pool_hour,
    surplus_vcpu_hour,
)
from advisor.pricing.catalog import PriceCatalog
from advisor.pricing.rates import RegionPrices


def changed_catalog(
    catalog: PriceCatalog, region: str, types: Iterable[InstanceType], usd: Callable[[str, float], float]
) -> PriceCatalog:
    """The rates in force for plans on ``types``, each replaced by what ``usd`` makes of its meter and value.

    Rates keep their source and date, and carry a note that they were changed.
    """
    rates = {}
    types = tuple(types)
    known = catalog.rates_usd(meters := _meters(types), region)
    for meter, now in zip(meters, known.tolist(), strict=True):
        if now == now:  # not NaN
            new = usd(meter.id, now)
            rate = catalog.rate(meter, region)
            rates[meter.id] = rate if new == now else replace(rate, usd=new, note=f"changed from {now:g} to ask what if")
    zones = {each.name: n for each in types if (n := catalog.zones_offering(each.name, region)) is not None}
    return PriceCatalog(
        regions={region: RegionPrices(rates=rates, outdated={}, zones=zones)},
        types={each.name: each for each in types},
        fee_ratios={},
        sources={rate.source_id: catalog.source(rate.source_id) for rate in rates.values()},
        inputs=catalog.inputs,
    )


def _meters(types: Iterable[InstanceType]) -> list[Meter]:
    meters = [FARGATE_EPHEMERAL_GIB_HOUR, GP3_GIB_MONTH, PUBLIC_IPV4_HOUR]
    for architecture in Architecture:
        for option in PurchaseOption:
            meters += [fargate_vcpu_hour(architecture, option), fargate_gib_hour(architecture, option)]
    families = []
    for each in types:
        meters += [
            instance_hour(each.name, PurchaseOption.ON_DEMAND),
            spot_pool_hour(each.name),
            managed_instances_fee_hour(each.name),
        ]
        families.append(each.name)
    meters += list({surplus_vcpu_hour(name).id: surplus_vcpu_hour(name) for name in families}.values())
    return meters
