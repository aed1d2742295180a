"""Rates that no price list states as such: worked out from one that it does, and marked so."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from advisor.ecs import PurchaseOption
from advisor.meters import instance_hour, managed_instances_fee_hour, spot_pool_hour
from advisor.pricing.rates import UNDATED, FeeRatio, Rate

SPOT_POOL_DISPERSION: Final = 1.19
"""Dearest over cheapest zone of a Region at the median of 47 pairs of Region and type (24 Regions, 3 types, in 2026).

A pool takes capacity where there is some, so its members are priced at the mean over zones times this, not at the mean.
"""


def managed_instances_fees(rates: Mapping[str, Rate], fee_ratios: Mapping[str, FeeRatio]) -> Iterator[tuple[str, Rate]]:
    """Meter id and rate of the Managed Instances fee of each type with an on-demand rate.

    AWS states the fee per type; that table was not found. What was seen of it is a share of the on-demand list rate, whatever
    the purchase option.

    Parameters
    ----------
    rates : Mapping[str, Rate]
        List rates by meter id.
    fee_ratios : Mapping[str, FeeRatio]
        Ratio by instance type.
    """
    for instance_type, fee in fee_ratios.items():
        base = rates.get(instance_hour(instance_type, PurchaseOption.ON_DEMAND).id)
        if base is not None:
            note = f"derived: {fee.ratio} of the on-demand rate {base.usd} ({base.source_id}, {base.as_of})"
            rate = Rate(fee.ratio * base.usd, base.unit, fee.source_id, _older(fee.as_of, base.as_of), True, note)
            yield managed_instances_fee_hour(instance_type).id, rate


def spot_pools(rates: Mapping[str, Rate], instance_types: Iterable[str]) -> Iterator[tuple[str, Rate]]:
    """Meter id and rate of each type with a Spot rate, as a member of a pool."""
    for instance_type in instance_types:
        base = rates.get(instance_hour(instance_type, PurchaseOption.SPOT).id)
        if base is not None:
            note = f"derived: {SPOT_POOL_DISPERSION} x the Spot rate {base.usd}, a mean over zones, because zones differ"
            note = f"{note}; {base.note}" if base.note else note
            rate = Rate(SPOT_POOL_DISPERSION * base.usd, base.unit, base.source_id, base.as_of, True, note)
            yield spot_pool_hour(instance_type).id, rate


def _older(one: str, other: str) -> str:
    return UNDATED if UNDATED in (one, other) else min(one, other)
