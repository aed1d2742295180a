"""What surrounds the tasks of a cluster, priced by the same kernel as the tasks."""

import math
from dataclasses import fields
from typing import Final, NamedTuple

import numpy as np

from advisor.billing import Bill, LineItem, amounts_usd
from advisor.errors import PriceNotFoundError
from advisor.meters import (
    ALARM_MONTH,
    ALB_HOUR,
    ALB_LCU_HOUR,
    CONTAINER_INSIGHTS_METRIC_MONTH,
    CUSTOM_METRIC_MONTH,
    ECR_STORAGE_GIB_MONTH,
    INTER_AZ_GIB,
    INTERFACE_ENDPOINT_GIB,
    INTERFACE_ENDPOINT_HOUR,
    INTERNET_OUT_GIB,
    LOGS_INGESTED_GIB,
    LOGS_STORED_GIB_MONTH,
    NAT_GATEWAY_GIB,
    NAT_GATEWAY_HOUR,
    NLB_HOUR,
    NLB_LCU_HOUR,
    OTHER_REGIONS_GIB,
    Meter,
)
from advisor.pricing import PriceCatalog, Rate
from advisor.units import HOURS_PER_MONTH
from advisor.workload import SideCosts

SIDE_PART: Final = "side costs"


class _SideMeter(NamedTuple):
    meter: Meter
    per_month: float
    """Units of the meter that one unit of the stated quantity makes in a month."""


_METERS: Final = {
    "load_balancers": _SideMeter(ALB_HOUR, HOURS_PER_MONTH),
    "load_balancer_lcus": _SideMeter(ALB_LCU_HOUR, HOURS_PER_MONTH),
    "network_load_balancers": _SideMeter(NLB_HOUR, HOURS_PER_MONTH),
    "network_load_balancer_lcus": _SideMeter(NLB_LCU_HOUR, HOURS_PER_MONTH),
    "nat_gateways": _SideMeter(NAT_GATEWAY_HOUR, HOURS_PER_MONTH),
    "nat_gib_per_month": _SideMeter(NAT_GATEWAY_GIB, 1.0),
    "interface_endpoints": _SideMeter(INTERFACE_ENDPOINT_HOUR, HOURS_PER_MONTH),
    "interface_endpoint_gib_per_month": _SideMeter(INTERFACE_ENDPOINT_GIB, 1.0),
    "inter_az_gib_per_month": _SideMeter(INTER_AZ_GIB, 2.0),
    "internet_out_gib_per_month": _SideMeter(INTERNET_OUT_GIB, 1.0),
    "other_regions_gib_per_month": _SideMeter(OTHER_REGIONS_GIB, 1.0),
    "logs_gib_per_month": _SideMeter(LOGS_INGESTED_GIB, 1.0),
    "logs_stored_gib": _SideMeter(LOGS_STORED_GIB_MONTH, 1.0),
    "custom_metrics": _SideMeter(CUSTOM_METRIC_MONTH, 1.0),
    "container_insights_metrics": _SideMeter(CONTAINER_INSIGHTS_METRIC_MONTH, 1.0),
    "alarms": _SideMeter(ALARM_MONTH, 1.0),
    "ecr_gib": _SideMeter(ECR_STORAGE_GIB_MONTH, 1.0),
}
_GOES_WITH: Final = {
    "load_balancers": ("load_balancer_lcus", "the capacity units of the load balancers"),
    "network_load_balancers": ("network_load_balancer_lcus", "the capacity units of the network load balancers"),
    "nat_gateways": ("nat_gib_per_month", "the data through the NAT gateways"),
    "interface_endpoints": ("interface_endpoint_gib_per_month", "the data through the interface endpoints"),
}


class PricedSideCosts(NamedTuple):
    """Side costs of a month."""

    bill: Bill
    """Lines of what has a price."""
    monthly_usd: float | None
    """None where something has no price."""
    missing: tuple[str, ...]
    """Meters that are used and have no price."""
    unstated: tuple[str, ...]
    """What goes with something stated, is not stated itself, and is in no line."""


def price_side_costs(side: SideCosts, catalog: PriceCatalog, region: str) -> PricedSideCosts:
    """Bill of a month of 730 hours of what surrounds the tasks; the same for every alternative."""
    stated = {each.name: value for each in fields(side) if (value := getattr(side, each.name)) is not None}
    meters = [_METERS[name].meter for name in stated]
    quantity = np.array([value * _METERS[name].per_month for name, value in stated.items()], dtype=np.float64)
    rates = [_rate(catalog, meter, region) for meter in meters]
    amounts = amounts_usd(quantity, np.array([np.nan if rate is None else rate.usd for rate in rates], dtype=np.float64))
    items = [
        LineItem(
            part=SIDE_PART,
            meter=meter.id,
            quantity=n,
            unit=meter.unit,
            rate_usd=rate.usd,
            amount_usd=amount,
            source=rate.source_id,
            as_of=rate.as_of,
            is_derived=rate.is_derived,
            note=rate.note,
            error_fraction=rate.error_fraction,
        )
        for meter, n, rate, amount in zip(meters, quantity.tolist(), rates, amounts.tolist(), strict=True)
        if rate is not None
    ]
    missing = tuple(meter.id for meter, rate in zip(meters, rates, strict=True) if rate is None)
    return PricedSideCosts(
        bill=Bill(line_items=tuple(items)),
        monthly_usd=None if missing else math.fsum(item.amount_usd for item in items),
        missing=missing,
        unstated=tuple(what for name, (other, what) in _GOES_WITH.items() if name in stated and other not in stated),
    )


def _rate(catalog: PriceCatalog, meter: Meter, region: str) -> Rate | None:
    try:
        return catalog.rate(meter, region)
    except PriceNotFoundError:
        return None
