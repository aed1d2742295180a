"""The sum that a reader can follow with a calculator: a bill's line items as calculations."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from advisor.billing import Bill, LineItem
from advisor.plan import CapacityProvider, Plan, ServicePlan
from advisor.units import HOURS_PER_MONTH

HALF_A_CENT = Decimal("0.005")
FLOAT_ERROR = Decimal("1e-6")
MOST_DIGITS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SumLine:
    """One line of the sum: ``calculation`` is what a reader types, ``amount_usd`` what the bill says."""

    part: str
    calculation: str
    amount_usd: float
    items: tuple[LineItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandSum:
    """Line items as calculations that add up to ``total_usd``."""

    lines: tuple[SumLine, ...]
    total_usd: float

    @property
    def rounding_usd(self) -> Decimal:
        """What cents shown line by line leave between them and the total shown."""
        return _cents(self.total_usd) - sum((_cents(line.amount_usd) for line in self.lines), Decimal(0))

    @property
    def sources(self) -> tuple[tuple[str, str, str], ...]:
        """Id, date and remark of each source of a rate, in order of use."""
        return tuple(dict.fromkeys(source_key(item) for line in self.lines for item in line.items))


def sum_by_hand(bill: Bill, plan: Plan | None) -> HandSum:
    """A whole bill as calculations. Amounts are the bill's own; nothing is priced anew.

    Parameters
    ----------
    plan
        What task sizes and volumes come from; without it vCPU-hours and GiB-hours stand for themselves.
    """
    return sum_of(bill.line_items, plan, math.fsum(item.amount_usd for item in bill.line_items))


def agreeing(number: float, factor: Decimal, amount_usd: float) -> str:
    """``number`` with as many digits as its product with ``factor`` needs to agree with the amount in cents."""
    is_whole = math.isclose(number, round(number), rel_tol=1e-9, abs_tol=1e-9)
    digits = 0 if is_whole else 2
    while digits < MOST_DIGITS and not _agrees(Decimal(f"{number:.{digits}f}") * factor, amount_usd):
        digits += 1
    return f"{number:,.{digits}f}"


def rate(item: LineItem) -> str:
    """``$0.03238``: a rate with every digit that it has."""
    return f"${_rate(item)}"


def usd(amount: float | Decimal) -> str:
    """``$1,234.50``."""
    cents = _cents(amount)
    return f"{'-' if cents < 0 else ''}${abs(cents):,.2f}"


def sum_of(items: Iterable[LineItem], plan: Plan | None, total_usd: float) -> HandSum:
    """Some line items of a bill as calculations, and what they have to add up to."""
    by_part: dict[str, list[LineItem]] = {}
    for item in items:
        by_part.setdefault(item.part, []).append(item)
    lines = [line for part, of_part in by_part.items() for line in _part_lines(part, of_part, plan)]
    return HandSum(lines=tuple(lines), total_usd=total_usd)


def _part_lines(part: str, items: Sequence[LineItem], plan: Plan | None) -> Iterator[SumLine]:
    rest = list(items)
    service = plan.services.get(part) if plan else None
    pair = _fargate_pair(items)
    if pair and service and _is_same_task_hours(pair, service):
        yield _fargate_line(part, pair, service)
        rest = [item for item in items if item not in pair]
    provider = plan.capacity_providers.get(part) if plan else None
    for item in rest:
        yield SumLine(part=part, calculation=_calculation(item, provider), amount_usd=item.amount_usd, items=(item,))


def _fargate_pair(items: Sequence[LineItem]) -> tuple[LineItem, LineItem] | None:
    """vCPU-hours and GiB-hours of the same tasks."""
    fargate = [item for item in items if item.meter.startswith(("fargate:linux:", "fargate:windows:"))]
    vcpu = [item for item in fargate if item.meter.endswith(":vcpu_hour")]
    gib = [item for item in fargate if item.meter.endswith(":gib_hour")]
    return (vcpu[0], gib[0]) if len(vcpu) == len(gib) == 1 else None


def _is_same_task_hours(pair: tuple[LineItem, LineItem], service: ServicePlan) -> bool:
    vcpu, gib = pair
    return math.isclose(vcpu.quantity / service.task.vcpu, gib.quantity / service.task.memory_gib, rel_tol=1e-9)


def _fargate_line(part: str, pair: tuple[LineItem, LineItem], service: ServicePlan) -> SumLine:
    vcpu, gib = pair
    cpu, memory = f"{service.task.vcpu:g}", f"{service.task.memory_gib:g}"
    amount = math.fsum((vcpu.amount_usd, gib.amount_usd))
    factor = Decimal(cpu) * Decimal(_rate(vcpu)) + Decimal(memory) * Decimal(_rate(gib))
    hours = agreeing(vcpu.quantity / service.task.vcpu, factor, amount)
    calculation = f"{hours} task-hours x ({cpu} vCPU x {rate(vcpu)} + {memory} GiB x {rate(gib)})"
    return SumLine(part=part, calculation=calculation, amount_usd=amount, items=pair)


def _calculation(item: LineItem, provider: CapacityProvider | None) -> str:
    """``2 x c6a.2xlarge x 730 h x $0.306`` and the like."""
    kind, _, name = item.meter.rpartition(":")
    what = {
        "ec2:linux:on_demand": name,
        "ec2:linux:spot": f"{name} Spot",
        "ec2:linux:spot_pool": f"{name} Spot",
        "ec2:windows:on_demand": f"{name} with Windows",
        "ec2:windows:spot_pool": f"{name} Spot with Windows",
        "ecs_managed_instances:fee": f"{name} management fee",
        "vpc:public_ipv4": "public IPv4",
    }.get(kind)
    price = Decimal(_rate(item))
    if what is not None:
        hours = Decimal(f"{HOURS_PER_MONTH:g}")
        count = agreeing(item.quantity / HOURS_PER_MONTH, hours * price, item.amount_usd)
        return f"{count} x {what} x {hours} h x {rate(item)}"
    if kind == "ebs:gp3" and provider is not None:
        gib = provider.root_volume_gib
        count = agreeing(item.quantity / gib, gib * price, item.amount_usd)
        return f"{count} x {gib} GiB of gp3 x {rate(item)}"
    quantity = agreeing(item.quantity, price, item.amount_usd)
    return f"{quantity} {item.unit}s of {kind} x {rate(item)}"


def _rate(item: LineItem) -> str:
    return f"{item.rate_usd:.{MOST_DIGITS}f}".rstrip("0").rstrip(".")


def _agrees(product: Decimal, amount_usd: float) -> bool:
    return abs(product - _cents(amount_usd)) <= HALF_A_CENT + FLOAT_ERROR


def _cents(amount: float | Decimal) -> Decimal:
    return Decimal(f"{amount:.2f}")


def source_key(item: LineItem) -> tuple[str, str, str]:
    """Id, date and remark of the source of a rate."""
    return (item.source, item.as_of, item.note)
