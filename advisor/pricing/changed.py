"""A catalog of one Region with some rates changed: what if Fargate were 10 % dearer."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from math import isnan
from typing import Final

from advisor.ecs import Architecture, InstanceType, PurchaseOption
from advisor.meters import (
    FARGATE_EPHEMERAL_GIB_HOUR,
    FARGATE_WINDOWS_GIB_HOUR,
    FARGATE_WINDOWS_LICENSE_VCPU_HOUR,
    FARGATE_WINDOWS_VCPU_HOUR,
    GP3_GIB_MONTH,
    PUBLIC_IPV4_HOUR,
    CommitmentKind,
    Meter,
    PaymentOption,
    committed,
    fargate_gib_hour,
    fargate_vcpu_hour,
    instance_hour,
    managed_instances_fee_hour,
    surplus_vcpu_hour,
    windows_instance_hour,
)
from advisor.pricing.catalog import PriceCatalog
from advisor.pricing.instance_hours import hour_on
from advisor.pricing.rates import RegionPrices

_ON_DEMAND: Final = tuple(meter("", PurchaseOption.ON_DEMAND).id for meter in (instance_hour, windows_instance_hour))
_FARGATE_WINDOWS: Final = (FARGATE_WINDOWS_VCPU_HOUR, FARGATE_WINDOWS_GIB_HOUR)
_FARGATE: Final = frozenset(
    (
        *(
            meter(architecture, PurchaseOption.ON_DEMAND)
            for architecture in Architecture
            for meter in (fargate_vcpu_hour, fargate_gib_hour)
        ),
        *_FARGATE_WINDOWS,
    )
)


def changed_catalog(
    catalog: PriceCatalog,
    region: str,
    types: Iterable[InstanceType],
    usd: Callable[[str, float], float],
    *,
    terms: str | None = None,
) -> PriceCatalog:
    """The rates in force for plans on ``types``, each replaced by what ``usd`` makes of its meter and value.

    Rates keep their source and date, and carry a note that they were changed.

    Parameters
    ----------
    terms
        Years and payment, such as ``1y:no_upfront``, of Savings Plans whose rates are kept as well: each changes as the
        on-demand rate that it covers does. Without, the catalog has none.
    """
    rates = {}
    types = tuple(types)

    def keep(meter: Meter, now: float, new: float) -> None:
        rate = catalog.rate(meter, region)
        rates[meter.id] = rate if new == now else replace(rate, usd=new, note=f"changed from {now:g} to ask what if")

    known = catalog.rates_usd(meters := _meters(types), region)
    changed = {meter: usd(meter.id, now) / now for meter, now in zip(meters, known.tolist(), strict=True) if not isnan(now)}
    for meter, now in zip(meters, known.tolist(), strict=True):
        if meter in changed:
            keep(meter, now, usd(meter.id, now))
    plans = [] if terms is None else [(covered, plan) for covered in changed if (plan := _savings_plan(covered, terms))]
    for (covered, plan), now in zip(plans, catalog.rates_usd([plan for _, plan in plans], region).tolist(), strict=True):
        if not isnan(now):
            keep(plan, now, now * changed[covered])
    zones = {each.name: n for each in types if (n := catalog.zones_offering(each.name, region)) is not None}
    return PriceCatalog(
        regions={region: RegionPrices(rates=rates, outdated={}, zones=zones)},
        types={each.name: each for each in types if not each.is_windows},
        fee_ratios={},
        sources={rate.source_id: catalog.source(rate.source_id) for rate in rates.values()},
        inputs=catalog.inputs,
    )


def _savings_plan(covered: Meter, terms: str) -> Meter | None:
    """The meter of the plan that a side of the choice would buy for usage on demand; None of what no plan covers."""
    years, _, payment = terms.partition("y:")
    if covered.id.startswith(_ON_DEMAND):
        kind = CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN
    elif covered in _FARGATE:
        kind = CommitmentKind.COMPUTE_SAVINGS_PLAN
    else:
        return None
    return committed(covered, kind, years=int(years), payment=PaymentOption(payment))


def _meters(types: Iterable[InstanceType]) -> list[Meter]:
    meters = [FARGATE_EPHEMERAL_GIB_HOUR, GP3_GIB_MONTH, PUBLIC_IPV4_HOUR]
    meters += [*_FARGATE_WINDOWS, FARGATE_WINDOWS_LICENSE_VCPU_HOUR]
    for architecture in Architecture:
        for option in PurchaseOption:
            meters += [fargate_vcpu_hour(architecture, option), fargate_gib_hour(architecture, option)]
    families = []
    for each in types:
        meters += [
            hour_on(each, PurchaseOption.ON_DEMAND),
            hour_on(each, PurchaseOption.SPOT),
            managed_instances_fee_hour(each.name),
        ]
        families.append(each.name)
    meters += list({surplus_vcpu_hour(name).id: surplus_vcpu_hour(name) for name in families}.values())
    return meters
