"""Rates that no price list states as such: worked out from one that it does, and marked so."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from advisor.ecs import PurchaseOption
from advisor.meters import (
    COMMITMENT_YEARS,
    CommitmentKind,
    PaymentOption,
    committed,
    instance_hour,
    managed_instances_fee_hour,
    spot_pool_hour,
    windows_instance_hour,
    windows_spot_pool_hour,
)
from advisor.pricing.known_meters import split_commitment
from advisor.pricing.rates import UNDATED, CommitmentRatio, FeeRatio, Rate

SPOT_POOL_DISPERSION: Final = 1.19
"""Dearest over cheapest zone of a Region at the median of 47 pairs of Region and type (24 Regions, 3 types, in 2026).

A pool takes capacity where there is some, so its members are priced at the mean over zones times this, not at the mean.
"""

Find = Callable[[str], Rate | None]

_FEE: Final = managed_instances_fee_hour("").id
_SPOT_OF_POOL: Final = {
    spot_pool_hour("").id: instance_hour("", PurchaseOption.SPOT).id,
    windows_spot_pool_hour("").id: windows_instance_hour("", PurchaseOption.SPOT).id,
}
_LINUX: Final = instance_hour("", PurchaseOption.ON_DEMAND).id
_WINDOWS: Final = windows_instance_hour("", PurchaseOption.ON_DEMAND).id


def derived_rate(
    meter_id: str, find: Find, fee_ratios: Mapping[str, FeeRatio], ratios: Mapping[str, CommitmentRatio]
) -> Rate | None:
    """Rate of a meter as it follows from others; None where it does not.

    Parameters
    ----------
    meter_id : str
        A meter that has no rate of its own.
    find : callable
        Rate of another meter by its id, or None.
    fee_ratios : Mapping[str, FeeRatio]
        Managed Instances fee by instance type.
    ratios : Mapping[str, CommitmentRatio]
        By terms such as ``1y:no_upfront``.
    """
    if meter_id.startswith(_FEE):
        return managed_instances_fee(meter_id.removeprefix(_FEE), find, fee_ratios)
    for pool, spot in _SPOT_OF_POOL.items():
        if meter_id.startswith(pool):
            return spot_pool(spot + meter_id.removeprefix(pool), find)
    kind, terms, covered = split_commitment(meter_id)
    if kind is None or kind is CommitmentKind.COMPUTE_SAVINGS_PLAN:
        return None
    if covered.startswith(_LINUX):
        return _committed_linux(kind, terms, covered, find, ratios)
    if covered.startswith(_WINDOWS):
        return _committed_windows(kind, terms, covered.removeprefix(_WINDOWS), find, ratios)
    return None


def derivable(listed: Iterable[str], fee_ratios: Iterable[str]) -> Iterator[str]:
    """Ids of meters that may follow from the listed ones."""
    known = set(listed)
    yield from (_FEE + name for name in fee_ratios if _LINUX + name in known)
    for pool, spot in _SPOT_OF_POOL.items():
        yield from (pool + each.removeprefix(spot) for each in known if each.startswith(spot))
    for each in known:
        kind, terms, covered = split_commitment(each)
        if kind is CommitmentKind.RESERVED_INSTANCE and covered.startswith(_LINUX):
            yield from _commitments_from(terms, covered.removeprefix(_LINUX), known)


def managed_instances_fee(instance_type: str, find: Find, fee_ratios: Mapping[str, FeeRatio]) -> Rate | None:
    """Managed Instances fee of a type with an on-demand rate.

    AWS states the fee per type; that table was not found. What was seen of it is a share of the on-demand list rate, whatever
    the purchase option.
    """
    fee, base = fee_ratios.get(instance_type), find(_LINUX + instance_type)
    if fee is None or base is None:
        return None
    note = f"derived: {fee.ratio} of the on-demand rate {base.usd} ({base.source_id}, {base.as_of})"
    return Rate(fee.ratio * base.usd, base.unit, fee.source_id, _older(fee.as_of, base.as_of), True, note)


def spot_pool(spot_meter: str, find: Find) -> Rate | None:
    """Rate of a type with a Spot rate, as a member of a pool."""
    base = find(spot_meter)
    if base is None:
        return None
    note = f"derived: {SPOT_POOL_DISPERSION} x the Spot rate {base.usd}, a mean over zones, because zones differ"
    note = f"{note}; {base.note}" if base.note else note
    return Rate(SPOT_POOL_DISPERSION * base.usd, base.unit, base.source_id, base.as_of, True, note)


def _commitments_from(terms: str, instance_type: str, known: set[str]) -> Iterator[str]:
    """Every commitment for an instance type whose Reserved Instance rate is listed."""
    covered = [instance_hour(instance_type, PurchaseOption.ON_DEMAND)]
    if _WINDOWS + instance_type in known:
        covered.append(windows_instance_hour(instance_type, PurchaseOption.ON_DEMAND))
    (years,) = (each for each in COMMITMENT_YEARS if terms.startswith(f"{each}y:"))
    for kind in (CommitmentKind.RESERVED_INSTANCE, CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN):
        for payment in PaymentOption:
            for meter in covered:
                found = committed(meter, kind, years=years, payment=payment).id
                if found not in known:
                    yield found


def _committed_linux(
    kind: CommitmentKind, terms: str, covered: str, find: Find, ratios: Mapping[str, CommitmentRatio]
) -> Rate | None:
    """A Reserved Instance from its all-upfront rate; an EC2 Instance Savings Plan costs what the Reserved Instance does."""
    years = terms.partition(":")[0]
    exact = find(f"{CommitmentKind.RESERVED_INSTANCE}:{terms}:{covered}")
    base = exact or find(f"{CommitmentKind.RESERVED_INSTANCE}:{years}:{PaymentOption.ALL_UPFRONT}:{covered}")
    ratio = ratios.get(terms)
    if base is None or ratio is None:
        return None
    factor = 1.0 if exact else ratio.ratio
    what = "the Reserved Instance rate" if exact else f"{factor} x the all-upfront Reserved Instance rate"
    note = f"derived: {what} {base.usd:.6g} ({base.source_id}, {base.as_of}), within {ratio.error_fraction:.1%}"
    if kind is CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN:
        note += ", which an EC2 Instance Savings Plan equals"
    date = _older(ratio.as_of, base.as_of)
    return Rate(factor * base.usd, base.unit, ratio.source_id, date, True, note, ratio.error_fraction)


def _committed_windows(
    kind: CommitmentKind, terms: str, instance_type: str, find: Find, ratios: Mapping[str, CommitmentRatio]
) -> Rate | None:
    """Commitments do not lower the licence: the Linux rate plus what Windows costs more on demand.

    Old families differ from that: where a Windows rate is listed and the rule does not meet it, nothing follows for the type.
    """
    linux, windows = find(_LINUX + instance_type), find(_WINDOWS + instance_type)
    base = find(f"{kind}:{terms}:{_LINUX}{instance_type}")
    base = base or _committed_linux(kind, terms, _LINUX + instance_type, find, ratios)
    ratio = ratios.get(terms)
    if linux is None or windows is None or base is None or ratio is None or windows.usd < linux.usd:
        return None
    upfront = f"{CommitmentKind.RESERVED_INSTANCE}:{terms.partition(':')[0]}:{PaymentOption.ALL_UPFRONT}"
    listed, listed_linux = find(f"{upfront}:{_WINDOWS}{instance_type}"), find(f"{upfront}:{_LINUX}{instance_type}")
    if listed and listed_linux:
        by_rule = listed_linux.usd + windows.usd - linux.usd
        if abs(by_rule / listed.usd - 1) > ratio.error_fraction:
            return None
    error = base.error_fraction or ratio.error_fraction
    note = f"derived: Linux at {base.usd:.6g} and the licence, {windows.usd:g} - {linux.usd:g}, within {error:.1%}"
    note = f"{note}; Linux {base.note}" if base.note else note
    date = _older(base.as_of, _older(linux.as_of, windows.as_of))
    return Rate(base.usd + windows.usd - linux.usd, base.unit, base.source_id, date, True, note, error)


def _older(one: str, other: str) -> str:
    return UNDATED if UNDATED in (one, other) else min(one, other)
