"""Commitments applied to usage in AWS's order, clock hour by clock hour: what they cover, what is lost, what is left."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from advisor.billing.amounts import amounts_usd
from advisor.billing.normalization import is_size_flexible, normalization_factor
from advisor.ecs import Architecture, PurchaseOption
from advisor.meters import (
    FARGATE_WINDOWS_GIB_HOUR,
    FARGATE_WINDOWS_VCPU_HOUR,
    CommitmentKind,
    Meter,
    Usage,
    committed,
    fargate_gib_hour,
    fargate_vcpu_hour,
    instance_hour,
    sum_over_states,
    windows_instance_hour,
)
from advisor.plan.commitment import Commitment
from advisor.pricing import PriceCatalog
from advisor.units import BoolArray, FloatArray, IntArray

_LINUX: Final = instance_hour("", PurchaseOption.ON_DEMAND).id
_WINDOWS: Final = windows_instance_hour("", PurchaseOption.ON_DEMAND).id
_FARGATE: Final = frozenset(
    (
        *(
            meter(architecture, PurchaseOption.ON_DEMAND).id
            for architecture in Architecture
            for meter in (fargate_vcpu_hour, fargate_gib_hour)
        ),
        FARGATE_WINDOWS_VCPU_HOUR.id,
        FARGATE_WINDOWS_GIB_HOUR.id,
    )
)
"""Of Fargate, vCPU and memory on demand; neither ephemeral storage nor the licence of Windows."""
_SAVING_DIGITS: Final = 9
"""Savings fractions that differ less are the same: 0.03 of 0.04 and 0.003 of 0.004 differ in the last bit."""


class _Stage(NamedTuple):
    """AWS applies one kind of commitment after the other."""

    zonal: int = 0
    regional: int = 1
    instance_plan: int = 2
    compute_plan: int = 3


_STAGE: Final = _Stage()


def covers(commitment: Commitment, meter: Meter, zone: str | None = None) -> bool:
    """Whether a commitment may cover usage of a meter.

    Nothing covers Spot, the Managed Instances fee, volumes, addresses, surplus credits or what is not compute. The instances of
    ECS Managed Instances are on-demand instances and can be covered; their fee cannot.

    Parameters
    ----------
    zone : str, optional
        Where instances ran; None where that is not known. Only zonal Reserved Instances ask for it.
    """
    instance_type = _instance_type(meter)
    if commitment.kind is CommitmentKind.COMPUTE_SAVINGS_PLAN:
        return instance_type is not None or meter.id in _FARGATE
    if instance_type is None:
        return False
    if commitment.kind is CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN:
        return instance_type.partition(".")[0] == commitment.family
    own, _ = commitment.reserved
    if not meter.id.startswith(_LINUX):
        return False
    if commitment.zone is not None:
        return instance_type == own and zone == commitment.zone
    if not is_size_flexible(own):
        return instance_type == own
    return instance_type.partition(".")[0] == own.partition(".")[0]


class Cover(NamedTuple):
    """One usage that one commitment may cover, at its turn."""

    commitment: int
    meter: int
    price: float
    """What a unit of the meter takes from the commitment: dollars, normalized units or instances. NaN where not known."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CommitmentRates:
    """Commitments and rates of the meters that they are to be applied to."""

    meters: tuple[Meter, ...]
    """May hold a meter more than once, with different ``zones``."""
    commitments: tuple[Commitment, ...]
    on_demand_usd: FloatArray
    """(meters,): NaN where there is no rate. [USD per unit]"""
    committed_usd: FloatArray
    """(commitments, meters): Savings Plan rates; NaN where there is none, and for Reserved Instances. [USD per unit]"""
    charge_usd: FloatArray
    """(commitments,): due every hour whatever is used; NaN where a Reserved Instance has no rate. [USD per hour]"""
    zones: tuple[str | None, ...] | None = None
    """(meters,): zone that the usage ran in; None where that is not known, or for all."""
    is_unknown_left_out: bool = False
    """What a Savings Plan lacks the rate of is not covered, in place of making the bill unknown: for purchases that are
    judged on what has rates, never for what is held."""
    bought_from: int | None = None
    """The same of single commitments, from this one on: purchases that stand beside what is held."""

    def __post_init__(self) -> None:
        shape = len(self.commitments), len(self.meters)
        if self.committed_usd.shape != shape or self.on_demand_usd.shape != shape[1:] or self.charge_usd.shape != shape[:1]:
            raise ValueError(f"rates of shapes other than for {shape[0]} commitments and {shape[1]} meters")
        if self.zones is not None and len(self.zones) != len(self.meters):
            raise ValueError(f"{len(self.zones)} zones for {len(self.meters)} meters")

    def zone(self, meter: int) -> str | None:
        return None if self.zones is None else self.zones[meter]

    @cached_property
    def capacity(self) -> FloatArray:
        """(commitments,): what each can cover in an hour, in the unit of :attr:`Cover.price`."""
        return np.array([_capacity(each) for each in self.commitments], dtype=np.float64)

    @cached_property
    def stages(self) -> tuple[tuple[Cover, ...], ...]:
        """In the order in which AWS applies them; within a stage those of unknown price first."""
        found: dict[int, list[tuple[tuple[object, ...], Cover]]] = {stage: [] for stage in _STAGE}
        for c, commitment in enumerate(self.commitments):
            for m, meter in enumerate(self.meters):
                if covers(commitment, meter, self.zone(m)):
                    stage, turn, price = self._turn(c, m)
                    if self._is_left_out(c) and np.isnan(price):
                        continue
                    names = meter.id, self.zone(m) or "", commitment.terms, commitment.instance_type or ""
                    found[stage].append(((*turn, *names), Cover(c, m, price)))
        ordered = (sorted(each, key=lambda one: one[0]) for each in found.values())
        return tuple(tuple(cover for _, cover in each) for each in ordered)

    def _is_left_out(self, c: int) -> bool:
        return self.is_unknown_left_out or (self.bought_from is not None and c >= self.bought_from)

    def _turn(self, c: int, m: int) -> tuple[int, tuple[float, ...], float]:
        """Stage, rank within the stage and price of a usage; unknown prices come first."""
        commitment = self.commitments[c]
        if commitment.kind is CommitmentKind.RESERVED_INSTANCE:
            units = _units(commitment, self.meters[m])
            stage = _STAGE.regional if commitment.zone is None else _STAGE.zonal
            return stage, (-1.0 if np.isnan(units) else units,), units
        is_compute = commitment.kind is CommitmentKind.COMPUTE_SAVINGS_PLAN
        stage = _STAGE.compute_plan if is_compute else _STAGE.instance_plan
        rate, on_demand = float(self.committed_usd[c, m]), float(self.on_demand_usd[m])
        if np.isnan(rate) or np.isnan(on_demand):
            return stage, (-np.inf, 0.0), np.nan
        return stage, (round(rate / on_demand, _SAVING_DIGITS), rate), rate

    def meter_of(self, c: int, m: int) -> Meter:
        """The meter whose rate a commitment bills a usage at."""
        return commitment_meter(self.commitments[c], self.meters[m])


def commitment_meter(commitment: Commitment, covered: Meter) -> Meter:
    """The meter at whose rate a commitment bills what it covers: that of the usage, or of a Reserved Instance's own type."""
    if commitment.instance_type is not None:
        return reserved_meter(commitment)
    return committed(covered, commitment.kind, years=commitment.term_years, payment=commitment.payment)


def reserved_meter(commitment: Commitment) -> Meter:
    """An hour of one of the Reserved Instances."""
    own = instance_hour(commitment.reserved[0], PurchaseOption.ON_DEMAND)
    return committed(own, commitment.kind, years=commitment.term_years, payment=commitment.payment)


def commitment_rates(
    meters: Sequence[Meter],
    commitments: Sequence[Commitment],
    catalog: PriceCatalog,
    region: str,
    *,
    zones: Sequence[str | None] | None = None,
) -> CommitmentRates:
    """Commitments with their rates from a catalog; what it does not hold stays NaN and is named when it is needed."""
    in_zone = tuple(zones) if zones is not None else None
    rates = np.full((len(commitments), len(meters)), np.nan)
    charges = np.full(len(commitments), np.nan)
    for c, each in enumerate(commitments):
        if each.kind is CommitmentKind.RESERVED_INSTANCE:
            usd = each.usd_per_hour
            if usd is None:
                usd = float(catalog.rates_usd([reserved_meter(each)], region)[0])
            charges[c] = amounts_usd(np.array(float(each.reserved[1])), np.array(usd))
            continue
        charges[c] = each.plan_usd_per_hour
        at = [m for m, meter in enumerate(meters) if covers(each, meter)]
        asked = [commitment_meter(each, meters[m]) for m in at]
        rates[c, at] = catalog.rates_usd(asked, region)
    return CommitmentRates(
        meters=tuple(meters),
        commitments=tuple(commitments),
        on_demand_usd=catalog.rates_usd(meters, region),
        committed_usd=rates,
        charge_usd=charges,
        zones=in_zone,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CommittedUsage:
    """Usage after commitments."""

    rates: CommitmentRates
    hours: FloatArray
    """(..., hours): how long each clock hour counts."""
    on_demand_per_hour: FloatArray
    """(..., meters, hours): what is left to on-demand rates; NaN where usage or a rate that it needs is not known."""
    used_fraction: FloatArray
    """(..., commitments, hours): share of each commitment that covers something; 0 of one that commits to nothing."""
    covered: FloatArray
    """(..., commitments, meters): quantity that each commitment covers, over all hours."""
    missing: tuple[str, ...]
    """Meters without a rate that were needed, or types without a normalization factor."""


def apply_commitments(
    rates: CommitmentRates, quantity_per_hour: FloatArray, hours: FloatArray, *, capacity: FloatArray | None = None
) -> CommittedUsage:
    r"""Cover usage by commitments as AWS does, every hour for itself.

    Zonal Reserved Instances first, then regional ones from the smallest size up, then EC2 Instance Savings Plans, then Compute
    Savings Plans; of the plans of one kind together the usage with the highest saving first, of equal savings the lowest rate
    [1]_ [2]_. What a commitment does not cover within the hour is lost.

    Parameters
    ----------
    quantity_per_hour : (..., meters, hours)
        Usage of each meter in each clock hour; NaN in a gap. Shorter steps are added up by :func:`in_clock_hours` first.
    hours : (..., hours)
        How long each counts, such as in a month of 730 h.
    capacity : (..., commitments), optional
        Other sizes of the same commitments, in dollars an hour (Savings Plans), normalized units or instances; by default their
        own. Leading axes go with those of the quantity.

    Notes
    -----
    One pass over pairs of commitment and meter in AWS's order; with price :math:`p`, budget :math:`b` and usage :math:`q` left:

    .. math:: u = \min(p\,q, b), \qquad q \leftarrow q - u / p, \qquad b \leftarrow b - u

    References
    ----------
    .. [1] AWS, "Understanding how Savings Plans apply to your usage",
       https://docs.aws.amazon.com/savingsplans/latest/userguide/sp-applying.html, read 2026-11-26.
    .. [2] AWS, "How Reserved Instance discounts are applied",
       https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/apply_ri.html, read 2026-11-26.
    """
    whole = rates.capacity if capacity is None else capacity
    n_commitments, n_meters = len(rates.commitments), len(rates.meters)
    shape = np.broadcast_shapes(quantity_per_hour.shape[:-2], whole.shape[:-1], hours.shape[:-1])
    n_hours = quantity_per_hour.shape[-1]
    left = [np.broadcast_to(quantity_per_hour[..., m, :], (*shape, n_hours)) for m in range(n_meters)]
    budget = [np.broadcast_to(whole[..., c, np.newaxis], (*shape, n_hours)) for c in range(n_commitments)]
    covered = np.zeros((*shape, n_commitments, n_meters))
    missing: list[str] = []
    for stage in rates.stages:
        for cover in stage:
            c, m, price = cover
            if np.isnan(price):
                unknown = (left[m] > 0) & (budget[c] > 0)
                if (unknown & (hours > 0)).any():
                    missing.append(_needed(rates, cover))
                left[m], budget[c] = np.where(unknown, np.nan, left[m]), np.where(unknown, np.nan, budget[c])
                continue
            need = left[m] * price
            used = np.minimum(need, budget[c])
            rest = np.where(used == need, 0.0, np.maximum(left[m] - used / price, 0.0))
            covered[..., c, m] = sum_over_states(left[m] - rest, hours)
            left[m], budget[c] = rest, budget[c] - used
    lost = np.stack(budget, axis=-2) if budget else np.zeros((*shape, 0, n_hours))
    for c in np.flatnonzero(np.isnan(rates.charge_usd)).tolist():
        missing.append(reserved_meter(rates.commitments[c]).id)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = 1.0 - lost / whole[..., np.newaxis]
    return CommittedUsage(
        rates=rates,
        hours=hours,
        on_demand_per_hour=np.stack(left, axis=-2) if left else np.zeros((*shape, 0, n_hours)),
        used_fraction=np.where(whole[..., np.newaxis] == 0, 0.0, share),
        covered=covered,
        missing=tuple(dict.fromkeys(missing)),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CommittedAmounts:
    """Dollars over all hours; NaN where a rate or usage is not known."""

    on_demand_usd: FloatArray
    """(..., meters): what commitments leave, at on-demand rates and at the rates of what nothing covers."""
    used_usd: FloatArray
    """(..., commitments): paid for commitments that cover something."""
    lost_usd: FloatArray
    """(..., commitments): paid for nothing."""

    @property
    def total_usd(self) -> FloatArray:
        """(...): on-demand remainder and what is due for the commitments."""
        return np.asarray(
            self.on_demand_usd.sum(axis=-1) + self.used_usd.sum(axis=-1) + self.lost_usd.sum(axis=-1), dtype=np.float64
        )


def committed_amounts(usage: CommittedUsage, *, charge_usd: FloatArray | None = None) -> CommittedAmounts:
    """What usage costs after commitments.

    Without commitments, and with commitments of nothing, ``on_demand_usd`` is what :func:`advisor.billing.amounts_usd` makes of
    the same usage, to the last bit.

    Parameters
    ----------
    charge_usd : (..., commitments), optional
        Charges an hour of other sizes of the commitments, as given to :func:`apply_commitments`.
    """
    charge = usage.rates.charge_usd if charge_usd is None else charge_usd
    hours = usage.hours[..., np.newaxis, :]
    on_demand = amounts_usd(sum_over_states(usage.on_demand_per_hour, hours), usage.rates.on_demand_usd)
    return CommittedAmounts(
        on_demand_usd=on_demand,
        used_usd=amounts_usd(sum_over_states(usage.used_fraction, hours), charge),
        lost_usd=amounts_usd(sum_over_states(1.0 - usage.used_fraction, hours), charge),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoveredAmounts:
    """What each commitment covers of each usage, in units of its own meter and in dollars."""

    quantity: FloatArray
    """(..., commitments, meters): hours of the reserved type for Reserved Instances, else units of the usage."""
    usd: FloatArray
    """(..., commitments, meters): at the commitment's rates."""


def covered_amounts(usage: CommittedUsage) -> CoveredAmounts:
    """Usage that commitments cover, as bills list it: a 2xlarge under Reserved Instances of large as four hours of one."""
    rates = usage.rates
    units, usd = np.ones(rates.committed_usd.shape), rates.committed_usd.copy()
    for c, each in enumerate(rates.commitments):
        if each.instance_type is not None:
            _, count = each.reserved
            at = [m for m, meter in enumerate(rates.meters) if covers(each, meter, rates.zone(m))]
            units[c, at] = np.array([_units(each, rates.meters[m]) for m in at]) / _own_units(each)
            usd[c] = rates.charge_usd[c] / max(count, 1)
    quantity = np.where(usage.covered > 0, usage.covered * units, 0.0)
    return CoveredAmounts(quantity=quantity, usd=np.where(quantity > 0, amounts_usd(quantity, usd), 0.0))


def usd_per_hour(usage: CommittedUsage) -> FloatArray:
    """(..., hours): dollars of each clock hour, with what is due for commitments; NaN where a rate or usage is not known."""
    by_hour = np.moveaxis(usage.on_demand_per_hour, -1, -2)
    due = usage.rates.charge_usd.sum()
    return np.asarray(amounts_usd(by_hour, usage.rates.on_demand_usd).sum(axis=-1) + due, dtype=np.float64)


def in_clock_hours(usage: Usage, first_steps: IntArray) -> Usage:
    """Usage by clock hour: AWS applies commitments to what an hour adds up to.

    Parameters
    ----------
    usage : Usage
        By step, oldest first; ``hours`` of one period.
    first_steps : (hours,)
        First step of each clock hour, from :attr:`advisor.simulate.timeline.Timeline.first_steps_of_hours`.

    Returns
    -------
    Usage
        ``quantity_per_hour`` is the mean over the steps that count, NaN where one of them is not known or none counts.
    """
    if first_steps.size == usage.hours.shape[-1]:
        return usage
    counts: BoolArray = usage.hours > 0
    weighted = np.where(counts, usage.quantity_per_hour, 0.0) * usage.hours
    hours = np.add.reduceat(usage.hours, first_steps, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.add.reduceat(weighted, first_steps, axis=-1) / hours
    return Usage(meters=usage.meters, quantity_per_hour=mean, hours=hours)


def _instance_type(meter: Meter) -> str | None:
    """Type of an on-demand instance-hour; None for every other meter."""
    for prefix in (_LINUX, _WINDOWS):
        if meter.id.startswith(prefix):
            return meter.id.removeprefix(prefix)
    return None


def _capacity(commitment: Commitment) -> float:
    if commitment.instance_type is None:
        return commitment.plan_usd_per_hour
    return commitment.reserved[1] * _own_units(commitment)


def _own_units(commitment: Commitment) -> float:
    return _units(commitment, instance_hour(commitment.reserved[0], PurchaseOption.ON_DEMAND))


def _units(commitment: Commitment, meter: Meter) -> float:
    """What an instance-hour takes from Reserved Instances; NaN where its size has no normalization factor."""
    if commitment.zone is not None or not is_size_flexible(commitment.reserved[0]):
        return 1.0
    units = normalization_factor(meter.id.removeprefix(_LINUX))
    return np.nan if units is None else units


def _needed(rates: CommitmentRates, cover: Cover) -> str:
    """What an unknown price needs."""
    commitment, meter = rates.commitments[cover.commitment], rates.meters[cover.meter]
    if commitment.kind is CommitmentKind.RESERVED_INSTANCE:
        return f"normalization factor of {_instance_type(meter)}"
    if np.isnan(rates.on_demand_usd[cover.meter]):
        return meter.id
    return rates.meter_of(cover.commitment, cover.meter).id
