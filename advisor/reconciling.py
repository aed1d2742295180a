"""Modelled against billed cost, meter by meter, in the calendar hours that both know."""

import re
from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import numpy as np

from advisor.billing import amounts_usd
from advisor.ecs import Architecture, PurchaseOption
from advisor.errors import InputError
from advisor.meters import (
    FARGATE_EPHEMERAL_GIB_HOUR,
    GP3_GIB_MONTH,
    PUBLIC_IPV4_HOUR,
    Meter,
    Usage,
    fargate_gib_hour,
    fargate_vcpu_hour,
    instance_hour,
    surplus_vcpu_hour,
)
from advisor.optimize.loads import service_loads
from advisor.optimize.parts import Part
from advisor.optimize.present import has_present, present_parts
from advisor.optimize.search import search_for
from advisor.pricing import PriceCatalog
from advisor.simulate.timeline import Timeline
from advisor.units import HOURS_PER_MONTH, SECONDS_PER_HOUR, FloatArray
from advisor.workload import Workload

REGION_PREFIX: Final = re.compile(r"^[A-Z]{2,4}\d?-")
"""Of a usage type; usage types of us-east-1 that are older than 2010 or so have none."""
WINDOWS_OPERATIONS: Final = re.compile(r"^RunInstances:(?!0000$|0004$|0100$)\w+$")
"""``RunInstances`` alone is Linux, a code after it another operating system or licence."""
OTHER_CONTAINER_SERVICES: Final = frozenset(
    {"AmazonEKS", "Amazon Elastic Kubernetes Service", "Amazon Elastic Container Service for Kubernetes"}
)
"""Bill Fargate under the same usage types."""
AGREES_FRACTION: Final = 0.01

_FIXED: Final = {
    "Fargate-EphemeralStorage-GB-Hours": FARGATE_EPHEMERAL_GIB_HOUR,
    "EBS:VolumeUsage.gp3": GP3_GIB_MONTH,
    "PublicIPv4:InUseAddress": PUBLIC_IPV4_HOUR,
    **{
        f"{spot}Fargate-{arm}{quantity}": meter(architecture, option)
        for spot, option in (("", PurchaseOption.ON_DEMAND), ("SpotUsage-", PurchaseOption.SPOT))
        for arm, architecture in (("", Architecture.X86_64), ("ARM-", Architecture.ARM64))
        for quantity, meter in (("vCPU-Hours:perCPU", fargate_vcpu_hour), ("GB-Hours", fargate_gib_hour))
    },
}
"""Usage types without their Region, as in AWS's price list and bills."""


class LineKind(StrEnum):
    """What a line of a bill is for."""

    USAGE = "usage"
    COVERED = "covered"
    """Usage that a Savings Plan or a Reserved Instance covers."""
    COMMITMENT = "commitment"
    """Fees of commitments, and what negates covered usage."""
    DISCOUNT = "discount"
    TAX = "tax"
    CREDIT = "credit"
    REFUND = "refund"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledLine:
    """Lines of a bill that differ in nothing but their resource, added up."""

    start: datetime
    end: datetime
    """UTC; the line is for the time from ``start`` to before ``end``."""
    kind: LineKind
    service: str
    usage_type: str
    operation: str
    region: str
    """Empty where the bill does not say."""
    quantity: float | None
    """None where the bill gives cost alone."""
    usd: float
    """Unblended; of covered usage the effective cost where the bill has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterCheck:
    """One meter on both sides."""

    meter: str
    unit: str
    modelled_quantity: float
    billed_quantity: float | None
    """None where the bill gives cost alone."""
    modelled_usd: float | None
    """None where the catalog has no price."""
    billed_usd: float
    covered_fraction: float
    """Share of the billed quantity that a commitment covers."""
    difference_usd: float | None
    """Modelled minus billed."""
    by_quantity_usd: float | None
    """Part of the difference that other quantities make, at the billed rate; None without quantities."""
    by_rate_usd: float | None
    """Part that other rates make, at the modelled quantity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmodelledLine:
    """Something billed that the model has no meter for."""

    service: str
    usage_type: str
    operation: str
    billed_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What the model says of the present cluster against what was billed."""

    start: str
    end: str
    """UTC; the hours from ``start`` to before ``end`` are compared."""
    hours: float
    known_fraction: float
    """Share of these hours in which the load is known."""
    meters: tuple[MeterCheck, ...]
    """The largest difference first."""
    unmodelled: tuple[UnmodelledLine, ...]
    """The largest first."""
    apart: dict[str, float]
    """Taxes, credits, refunds, discounts and fees, by kind. [USD]"""
    modelled_usd: float
    """Of what has a price."""
    billed_usd: float
    """Of the meters that are modelled."""
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as ``advisor backtest --bill FILE --format json`` prints."""
        return asdict(self)


def meter_of(usage_type: str, operation: str = "") -> Meter | None:
    """The meter of a usage type such as ``USE1-Fargate-vCPU-Hours:perCPU``; None where the model has none.

    >>> meter_of("EUW1-BoxUsage:m7g.large").id
    'ec2:linux:on_demand:m7g.large'
    >>> meter_of("BoxUsage:m5.large", "RunInstances:0002") is None
    True
    """
    plain = REGION_PREFIX.sub("", usage_type)
    if plain in _FIXED:
        return _FIXED[plain]
    kind, _, name = plain.partition(":")
    if kind in ("BoxUsage", "SpotUsage") and "." in name and not WINDOWS_OPERATIONS.match(operation):
        return instance_hour(name, PurchaseOption.SPOT if kind == "SpotUsage" else PurchaseOption.ON_DEMAND)
    return surplus_vcpu_hour(name) if kind == "CPUCredits" and name else None


def reconcile(workload: Workload, catalog: PriceCatalog, lines: Sequence[BilledLine]) -> Reconciliation:
    """Price what runs today, as the workload's ``present`` says, and hold it against a bill of the same hours.

    Quantities are those of calendar hours and not of a month of 730. Taxes, credits, refunds, discounts and fees of commitments
    stand apart: the model has none.

    Parameters
    ----------
    lines
        From :func:`advisor.read_bill`.

    Raises
    ------
    InputError
        The workload does not say what runs today, or no line of the bill lies within its load.

    Examples
    --------
    >>> import advisor
    >>> workload = advisor.read_workload("examples/cloudwatch/workload.yaml")
    >>> lines = advisor.read_bill("examples/cloudwatch/bill.json")
    >>> found = advisor.reconcile(workload, advisor.read_catalog(workload.region), lines)
    >>> round(found.modelled_usd, 2), round(found.billed_usd, 2)
    (7.11, 7.32)
    """
    if not has_present(workload):
        raise InputError(
            "the workload does not say what runs today, so there is nothing to hold against the bill",
            fix="Write `present` for each service or for the cluster.",
        )
    notes: list[str] = []
    here = [line for line in lines if line.region in ("", workload.region)]
    if len(here) < len(lines):
        usd = sum(line.usd for line in lines) - sum(line.usd for line in here)
        notes.append(f"lines of other Regions than {workload.region} are left out: ${usd:,.2f}")
    period = _period(workload, here, notes)
    inside = [line for line in here if period[0] <= line.start and line.end <= period[1]]
    past = workload.between(*_steps(workload, period))
    search = search_for(past, catalog)
    parts, unknown = present_parts(past, service_loads(past, search.axis), search)
    if unknown:
        raise InputError(f"what runs today is not known: {', '.join(unknown)}", fix="Write it into the workload file.")
    hours, known_fraction = _hours(parts, search.axis)
    usage = [line for line in inside if line.kind in (LineKind.USAGE, LineKind.COVERED)]
    if known_fraction < 1:
        usage, hours = _of_known_hours(usage, past, hours, known_fraction, search.axis, notes)
    checks, unmodelled = _compared(_modelled(parts, hours, _month_hours(past, search.axis)), usage, catalog, workload.region)
    apart: dict[str, float] = {}
    for line in here:
        if line.kind not in (LineKind.USAGE, LineKind.COVERED) and line.end > period[0] and line.start < period[1]:
            apart[line.kind.value] = apart.get(line.kind.value, 0.0) + line.usd
    notes += _unpriced(checks)
    return Reconciliation(
        start=period[0].isoformat(),
        end=period[1].isoformat(),
        hours=(period[1] - period[0]).total_seconds() / SECONDS_PER_HOUR,
        known_fraction=known_fraction,
        meters=checks,
        unmodelled=unmodelled,
        apart=dict(sorted(apart.items())),
        modelled_usd=sum(check.modelled_usd or 0.0 for check in checks),
        billed_usd=sum(check.billed_usd for check in checks),
        notes=tuple(notes),
    )


def _period(workload: Workload, lines: Iterable[BilledLine], notes: list[str]) -> tuple[datetime, datetime]:
    """From the first to the last hour of the usage lines that lie within the load."""
    first, last = workload.start, workload.start + timedelta(hours=workload.span_hours)
    usage = [line for line in lines if line.kind in (LineKind.USAGE, LineKind.COVERED)]
    inside = [line for line in usage if first <= line.start and line.end <= last]
    if not inside:
        span = (
            f"{min(each.start for each in usage):%Y-%m-%d} to {max(each.end for each in usage):%Y-%m-%d}" if usage else "none"
        )
        raise InputError(
            f"no line of usage of the bill ({span}) lies within the load ({first:%Y-%m-%d} to {last:%Y-%m-%d})",
            fix="Give a bill and a load of the same time; a monthly line needs the load of the whole month.",
        )
    outside = sum(line.usd for line in usage) - sum(line.usd for line in inside)
    if len(inside) < len(usage):
        notes.append(f"lines of usage before, after or across the ends of the load are left out: ${outside:,.2f}")
    return min(line.start for line in inside), max(line.end for line in inside)


def _steps(workload: Workload, period: tuple[datetime, datetime]) -> tuple[int, int]:
    """First step of the period, and the one after its last."""
    first, end = ((moment - workload.start).total_seconds() / workload.step_s for moment in period)
    return int(np.floor(first)), int(np.ceil(end))


def _hours(parts: Sequence[Part], axis: Timeline) -> tuple[FloatArray, float]:
    """(steps,): hours of each step in which everything that ran is known, and the share of such steps."""
    known = np.all([~np.isnan(part.quantity_per_hour).any(axis=0) for part in parts], axis=0)
    if not known.any():
        raise InputError(
            "the tasks that ran are not known for any hour of the bill",
            fix="Give a load with a column `tasks`, or desired_count.",
        )
    return np.where(known, axis.step_hours, 0.0), float(known.mean())


def _of_known_hours(
    usage: list[BilledLine], past: Workload, hours: FloatArray, known_fraction: float, axis: Timeline, notes: list[str]
) -> tuple[list[BilledLine], FloatArray]:
    """Both sides on the hours that are known where the bill is by the hour; else the model is scaled up to the whole period."""
    per_hour = SECONDS_PER_HOUR // axis.step_s
    modelled = [line for line in usage if meter_of(line.usage_type, line.operation)]
    if any(not _is_hourly(line) for line in modelled) or hours.size % per_hour:
        notes.append(
            f"the load is known for {known_fraction:.1%} of these hours: modelled quantities are scaled up to all of them"
        )
        return usage, hours / known_fraction
    is_known = np.asarray((hours.reshape(-1, per_hour) > 0).all(axis=1))
    notes.append(f"{int((~is_known).sum())} hours in which the load is not known are left out on both sides")

    def is_kept(line: BilledLine) -> bool:
        return not _is_hourly(line) or bool(is_known[int((line.start - past.start).total_seconds() // SECONDS_PER_HOUR)])

    return [line for line in usage if is_kept(line)], np.where(np.repeat(is_known, per_hour), hours, 0.0)


def _is_hourly(line: BilledLine) -> bool:
    return (line.end - line.start).total_seconds() <= SECONDS_PER_HOUR


def _month_hours(past: Workload, axis: Timeline) -> FloatArray:
    """(steps,): hours of the calendar month of each step."""
    hours = []
    moment = past.start
    for _ in range(past.n_steps):
        hours.append(24.0 * monthrange(moment.year, moment.month)[1])
        moment += timedelta(seconds=past.step_s)
    return np.repeat(np.array(hours), axis.steps_per_input_step)


def _modelled(parts: Sequence[Part], hours: FloatArray, month_hours: FloatArray) -> dict[Meter, float]:
    """Quantity of each meter; a GiB-month is one of the calendar, which has 672 to 744 hours and not 730."""
    found: dict[Meter, float] = {}
    for part in parts:
        for lasting, is_monthly in ((hours, False), (hours * HOURS_PER_MONTH / month_hours, True)):
            totals = Usage(meters=part.meters, quantity_per_hour=part.quantity_per_hour, hours=lasting).totals
            for meter, quantity in zip(part.meters, totals.tolist(), strict=True):
                if meter.unit.endswith("-month") == is_monthly:
                    found[meter] = found.get(meter, 0.0) + quantity
    return found


@dataclass(slots=True)
class _Billed:
    usd: float = 0.0
    quantity: float = 0.0
    covered: float = 0.0
    has_quantity: bool = True


def _compared(
    modelled: dict[Meter, float], usage: Sequence[BilledLine], catalog: PriceCatalog, region: str
) -> tuple[tuple[MeterCheck, ...], tuple[UnmodelledLine, ...]]:
    billed: dict[Meter, _Billed] = {}
    rest: dict[tuple[str, str, str], float] = {}
    for line in usage:
        meter = None if line.service in OTHER_CONTAINER_SERVICES else meter_of(line.usage_type, line.operation)
        if meter is None:
            key = line.service, line.usage_type, line.operation
            rest[key] = rest.get(key, 0.0) + line.usd
            continue
        one = billed.setdefault(meter, _Billed())
        one.usd += line.usd
        one.has_quantity &= line.quantity is not None
        one.quantity += line.quantity or 0.0
        one.covered += (line.quantity or 0.0) if line.kind is LineKind.COVERED else 0.0
    meters = sorted({*modelled, *billed})
    rates = catalog.rates_usd(meters, region)
    quantities = np.array([modelled.get(meter, 0.0) for meter in meters])
    checks = [
        _check(meter, quantity, usd, billed.get(meter, _Billed()))
        for meter, quantity, usd in zip(meters, quantities.tolist(), amounts_usd(quantities, rates).tolist(), strict=True)
    ]
    checks = [check for check in checks if check.modelled_quantity or check.billed_usd or check.billed_quantity]
    checks.sort(key=lambda check: (-abs(check.difference_usd or 0.0), check.meter))
    lines = [
        UnmodelledLine(service=service, usage_type=usage_type, operation=operation, billed_usd=usd)
        for (service, usage_type, operation), usd in sorted(rest.items(), key=lambda item: (-abs(item[1]), item[0]))
        if usd
    ]
    return tuple(checks), tuple(lines)


def _check(meter: Meter, quantity: float, usd: float, billed: _Billed) -> MeterCheck:
    modelled_usd = 0.0 if not quantity else (None if np.isnan(usd) else usd)
    difference = None if modelled_usd is None else modelled_usd - billed.usd
    by_quantity = None
    if difference is not None and billed.has_quantity:
        by_quantity = difference
        if billed.quantity:
            by_quantity = (quantity - billed.quantity) * billed.usd / billed.quantity
    return MeterCheck(
        meter=meter.id,
        unit=meter.unit,
        modelled_quantity=quantity,
        billed_quantity=billed.quantity if billed.has_quantity else None,
        modelled_usd=modelled_usd,
        billed_usd=billed.usd,
        covered_fraction=billed.covered / billed.quantity if billed.quantity else 0.0,
        difference_usd=difference,
        by_quantity_usd=by_quantity,
        by_rate_usd=None if by_quantity is None or difference is None else difference - by_quantity,
    )


def _unpriced(checks: Sequence[MeterCheck]) -> list[str]:
    missing = [check.meter for check in checks if check.modelled_usd is None]
    return [f"no price for {', '.join(missing)}: its modelled cost is missing from the total"] if missing else []


def reasons(found: Reconciliation) -> list[str]:
    """Where the model is off, a sentence for each meter whose costs differ by more than 1 % of what was billed."""
    total = found.billed_usd or 1.0
    sentences = []
    for check in found.meters:
        if check.difference_usd is None or abs(check.difference_usd) <= AGREES_FRACTION * total:
            continue
        word = "over" if check.difference_usd > 0 else "under"
        sentences.append(f"{check.meter}: ${abs(check.difference_usd):,.2f} {word} the bill, {_why(check)}")
    return sentences


def _why(check: MeterCheck) -> str:
    if not check.modelled_quantity:
        return "which the model does not have: something else in the account, or `present` lacks it"
    if not check.billed_usd and not check.billed_quantity:
        return "which was not billed: `present` has more than ran"
    if check.by_quantity_usd is None or check.by_rate_usd is None:
        return "the bill has no quantities to say why"
    if abs(check.by_quantity_usd) >= abs(check.by_rate_usd):
        return f"by quantity: {check.modelled_quantity:,.1f} modelled, {check.billed_quantity:,.1f} billed [{check.unit}]"
    covered = f", {check.covered_fraction:.0%} of it covered by a commitment" if check.covered_fraction else ""
    rate = check.billed_usd / (check.billed_quantity or 1.0)
    own = (check.modelled_usd or 0.0) / check.modelled_quantity
    return f"by rate: {own:.6g} in the catalog, {rate:.6g} billed{covered}; give your own with --rates FILE"
