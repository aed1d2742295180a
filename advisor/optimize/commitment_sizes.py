"""Which commitments may be bought for a load, and how large they are best."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from advisor.billing import CommitmentRates, commitment_meter, covers, is_size_flexible, normalization_factor
from advisor.ecs import PurchaseOption
from advisor.meters import CommitmentKind, Meter, PaymentOption, instance_hour, windows_instance_hour
from advisor.optimize.beside_held import always_before, cheapest_beside_held
from advisor.optimize.commitments import best_reserved_count, best_stack, scale_for_coverage, stack_usd
from advisor.optimize.committable import Committable
from advisor.plan import Commitment
from advisor.units import FloatArray

PURCHASE_DIGITS: Final = 5
"""AWS sells commitments in dollars an hour with five digits after the point."""
WIDE_GAP: Final = 1e-3
"""From here on sizes of stacks are looked for by bills, too: with few hours and whole instances their proof leaves room."""
MOST_REFINED: Final = 8
"""Plans at most: of more, each is a small part of the whole."""
BOTH: Final = "both_savings_plans"
KINDS: Final = (
    CommitmentKind.COMPUTE_SAVINGS_PLAN.value,
    CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN.value,
    BOTH,
    CommitmentKind.RESERVED_INSTANCE.value,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedSize:
    """The size that was asked for; the cheapest where neither is given."""

    coverage: float | None
    usd_per_hour: float | None

    @property
    def is_cheapest(self) -> bool:
        return self.coverage is None and self.usd_per_hour is None


CHEAPEST_SIZE: Final = AskedSize(coverage=None, usd_per_hour=None)


def plans_of(meters: Sequence[Meter], kind: str, years: int, payment: PaymentOption) -> tuple[Commitment, ...]:
    """Commitments of a kind that may cover something of these meters, of any size."""
    families: dict[str, set[str]] = {}
    # A Reserved Instance is of one platform, and those of Windows are not sized: a Savings Plan covers both.
    of_plans = () if kind == CommitmentKind.RESERVED_INSTANCE else (windows_instance_hour,)
    instances = tuple(hour("", PurchaseOption.ON_DEMAND).id for hour in (instance_hour, *of_plans))
    for meter in meters:
        if meter.id.startswith(instances):
            name = meter.id.rpartition(":")[2]
            families.setdefault(name.partition(".")[0], set()).add(name)
    if kind == CommitmentKind.RESERVED_INSTANCE:
        return tuple(
            Commitment(kind=CommitmentKind.RESERVED_INSTANCE, instance_type=name, count=1, term_years=years, payment=payment)
            for names in families.values()
            for name in _to_reserve(names)
        )
    of_family = [
        Commitment(
            kind=CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN, family=family, usd_per_hour=1.0, term_years=years, payment=payment
        )
        for family in families
    ]
    compute = Commitment(kind=CommitmentKind.COMPUTE_SAVINGS_PLAN, usd_per_hour=1.0, term_years=years, payment=payment)
    if kind == CommitmentKind.COMPUTE_SAVINGS_PLAN:
        return (compute,)
    if kind == CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN:
        return tuple(of_family)
    return (compute, *of_family) if of_family else ()


def _to_reserve(of_family: Iterable[str]) -> Iterator[str]:
    """The smallest type in use, which covers larger ones in parts and whose count is finest; each that covers but itself."""
    flexible = [name for name in of_family if is_size_flexible(name)]
    yield from sorted(flexible, key=lambda name: (normalization_factor(name) or np.inf, name))[:1]
    yield from sorted(set(of_family) - set(flexible))


def rated(rates: CommitmentRates) -> tuple[Commitment, ...]:
    """The commitments that have a rate for something."""
    is_reserved = np.array([plan.instance_type is not None for plan in rates.commitments], dtype=np.bool_)
    is_rated = np.where(is_reserved, np.isfinite(rates.charge_usd), np.isfinite(rates.committed_usd).any(axis=1))
    return tuple(plan for plan, has_rate in zip(rates.commitments, is_rated.tolist(), strict=True) if has_rate)


def missing_rates(case: Committable, plans: Sequence[Commitment]) -> tuple[str, ...]:
    """Meters of commitments that may cover something and have no rate for it; over several Regions with the Region."""
    rates = case.rates(plans)
    found = []
    for c, plan in enumerate(plans):
        for m, meter in enumerate(case.meters):
            if covers(plan, meter, case.zones[m]):
                rate = rates.charge_usd[c] if plan.instance_type is not None else rates.committed_usd[c, m]
                if np.isnan(rate):
                    where = f"{case.regions[m]}:" if len(case.catalogs) > 1 else ""
                    found.append(where + commitment_meter(plan, meter).id)
    return tuple(dict.fromkeys(found))


def cheapest_sizes(case: Committable, plans: Sequence[Commitment]) -> tuple[tuple[Commitment, ...], float | None]:
    """The cheapest sizes on average over the futures, without those that are nothing; and how far from the cheapest.

    How far is not known beside held commitments that AWS may apply after a new one: what they lose they may cover elsewhere.
    """
    if plans[0].instance_type is not None:
        return _reserved(case, plans), None
    # What is held comes first; or, of what may come after a new one, nothing does.
    beside = tuple(dict.fromkeys((case.held, always_before(plans, case.held))))
    _, hours = case.futures
    rates = replace(case.rates(plans), is_unknown_left_out=True)
    stacks = [best_stack(rates, _left(case, held), hours) for held in beside]
    sizes, gap = stacks[0].capacity, stacks[0].gap_fraction if len(beside) == 1 else None
    if gap is None or (gap > WIDE_GAP and len(plans) <= MOST_REFINED):
        sizes = cheapest_beside_held(case, plans, [stack.capacity for stack in stacks])
    if gap is not None:
        gap = stacks[0].gap_of(stack_usd(rates, _left(case, case.held), hours, sizes))
    sold = [_sold(usd) for usd in sizes.tolist()]
    bought = tuple(replace(plan, usd_per_hour=usd) for plan, usd in zip(plans, sold, strict=True) if usd > 0)
    return bought, None if gap is None else float(f"{gap:.3g}")


def _reserved(case: Committable, plans: Sequence[Commitment]) -> tuple[Commitment, ...]:
    """The cheapest counts of Reserved Instances, without those that are none."""
    beside = tuple(dict.fromkeys((case.held, always_before(plans, case.held))))
    ways = [
        np.array([float(best_reserved_count(case.rates([plan]), 0, _left(case, held), case.futures[1])) for plan in plans])
        for held in beside
    ]
    counts = ways[0] if len(ways) == 1 else cheapest_beside_held(case, plans, ways)
    return tuple(replace(plan, count=round(n)) for plan, n in zip(plans, counts, strict=True) if n)


def _left(case: Committable, held: Sequence[Commitment]) -> FloatArray:
    """(meters, hours): what these of the held leave of the futures."""
    return case.left_in_futures(case.rates(held))


def _sold(usd_per_hour: float) -> float:
    """The next amount that AWS sells: a digit more is less than a cent a month, a digit less leaves usage uncovered."""
    return round(float(np.ceil(usd_per_hour * 10**PURCHASE_DIGITS - 1e-6)) / 10**PURCHASE_DIGITS, PURCHASE_DIGITS)


def asked_sizes(case: Committable, plans: Sequence[Commitment], asked: AskedSize) -> tuple[Commitment, ...]:
    """The plans scaled together to the coverage or the amount that was asked for; Reserved Instances to whole ones."""
    quantity, hours = case.futures
    due = float(case.rates(plans).charge_usd.sum())
    if asked.usd_per_hour is not None:
        return _scaled(plans, asked.usd_per_hour / due)
    if asked.coverage is None:
        raise ValueError("a size is asked for by a coverage or an amount")
    worth_usd = float(np.mean([case.on_demand_usd(factor) for factor in case.equal_factors]))
    return _scaled(plans, scale_for_coverage(case.beside_held(plans), quantity, hours, asked.coverage, worth_usd))


def _scaled(plans: Sequence[Commitment], scale: float) -> tuple[Commitment, ...]:
    found = []
    for plan in plans:
        if plan.count is not None:
            found.append(replace(plan, count=int(np.ceil(plan.count * scale - 1e-9))))
        else:
            found.append(replace(plan, usd_per_hour=_sold((plan.usd_per_hour or 0.0) * scale)))
    return tuple(plan for plan in found if plan.count or plan.usd_per_hour)
