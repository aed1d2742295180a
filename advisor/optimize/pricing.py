"""Bills of alternatives: parts of a plan, their hours, their rates."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from advisor.billing import Bill, LineItem, MonthlyUsd, amounts_usd, total_usd
from advisor.ecs import LaunchType
from advisor.errors import PriceNotFoundError
from advisor.meters import Meter, Usage, sum_over_states
from advisor.optimize.parts import MANAGED_FEE_RANGE, PACKING_RANGE, Part
from advisor.pricing import PriceCatalog, Rate
from advisor.simulate.packing import sole_places
from advisor.simulate.timeline import Weeks
from advisor.units import FloatArray

BINDING_NAMES = ("CPU", "memory", "network")
MANAGED_FEE_PREFIX = "ecs_managed_instances:fee:"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceFacts:
    """How the instances of an alternative are used; over all its capacity providers with instances."""

    p50: float
    p95: float
    max: float
    packed_fraction: float
    """Share of the binding dimension that tasks reserve, over the month."""
    binding: str
    """``CPU``, ``memory``, ``network``, ``GPUs``, ``distinctInstance``, ``host ports`` or ``minimum count``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedParts:
    """What parts of a plan cost in a month."""

    bill: Bill | None
    monthly_usd: MonthlyUsd | None
    usage: dict[str, float]
    missing: tuple[str, ...]
    priced_usd: float
    """Cost of what has a price: the least the whole can cost."""


def price_parts(parts: Sequence[Part], hours: FloatArray, catalog: PriceCatalog, region: str) -> PricedParts:
    """Bill of a month of 730 h: ``hours`` (steps,) says how long each step stands for."""
    items: list[LineItem] = []
    usage: dict[str, float] = {}
    missing: list[str] = []
    spread_usd = 0.0
    for part in parts:
        totals = Usage(meters=part.meters, quantity_per_hour=part.quantity_per_hour, hours=hours).totals
        rates = [_rate(catalog, meter, region) for meter in part.meters]
        amounts = amounts_usd(totals, np.array([np.nan if rate is None else rate.usd for rate in rates]))
        for meter, quantity, rate, amount in zip(part.meters, totals.tolist(), rates, amounts.tolist(), strict=True):
            usage[meter.id] = usage.get(meter.id, 0.0) + quantity
            if rate is None:
                missing.append(meter.id)
            else:
                items.append(_line_item(part, meter, quantity, rate, amount))
        spread_usd += range_usd(part, amounts)
    mean = math.fsum(item.amount_usd for item in items)
    names = tuple(dict.fromkeys(missing))
    if names:
        return PricedParts(bill=None, monthly_usd=None, usage=usage, missing=names, priced_usd=mean)
    monthly = MonthlyUsd(mean=mean, low=mean, high=mean + spread_usd)
    return PricedParts(bill=Bill(line_items=tuple(items)), monthly_usd=monthly, usage=usage, missing=(), priced_usd=mean)


def high_usd(parts: Sequence[Part], hours: FloatArray, catalog: PriceCatalog, region: str) -> float | None:
    """The upper end of :func:`price_parts` without its bill; None where something has no price."""
    usd: list[float] = []
    spread_usd = 0.0
    for part in parts:
        rates = catalog.rates_usd(part.meters, region)
        if np.isnan(rates).any():
            return None
        amounts = amounts_usd(Usage(meters=part.meters, quantity_per_hour=part.quantity_per_hour, hours=hours).totals, rates)
        usd += amounts.tolist()
        spread_usd += range_usd(part, amounts)
    return math.fsum(usd) + spread_usd


def weekly_usd(parts: Sequence[Part], weeks: Weeks, catalog: PriceCatalog, region: str) -> FloatArray:
    """(weeks,): upper end of the cost of each week; NaN where something has no price or a week has a gap."""
    total = np.zeros(len(weeks.hours))
    for part in parts:
        amounts = amounts_of(part, weeks.sums(part.quantity_per_hour), catalog, region)
        total += total_usd(amounts) + np.array([range_usd(part, row) for row in amounts])
    return total


def amounts_of(part: Part, totals: FloatArray, catalog: PriceCatalog, region: str) -> FloatArray:
    """(..., meters): dollars of a part's quantities, NaN where a meter has no price."""
    return amounts_usd(totals, catalog.rates_usd(part.meters, region))


def dimension_names(parts: Iterable[Part]) -> tuple[str, str, str]:
    """What an instance offers, in the order of its capacity; a slot is a GPU where tasks ask for some."""
    has_gpus = any(run.size.gpus for part in parts for run in part.runs)
    return (*BINDING_NAMES[:2], "GPUs" if has_gpus else BINDING_NAMES[2])


def instance_facts(parts: Sequence[Part], hours: FloatArray) -> InstanceFacts | None:
    """How the instances of all parts are used; None without instances."""
    uses = [part.on_instances for part in parts if part.on_instances is not None]
    if not uses:
        return None
    running = np.sum([use.running for use in uses], axis=0)
    lasting = (hours > 0) & ~np.isnan(running)
    weights = hours[lasting]
    offered = float(sum_over_states(running[lasting], weights))
    shares = [*np.sum([use.reserved for use in uses], axis=0), *np.sum([_kept_apart(part) for part in parts], axis=0)]
    reserved = sum_over_states(np.stack(shares)[:, lasting], weights)
    largest = int(np.argmax(reserved))
    floor = np.any([use.is_floor for use in uses], axis=0)
    is_floor = float(weights[floor[lasting]].sum()) > 0.5 * float(weights.sum())
    return InstanceFacts(
        p50=weighted_quantile(running[lasting], weights, 0.50),
        p95=weighted_quantile(running[lasting], weights, 0.95),
        max=float(running[lasting].max(initial=0.0)),
        packed_fraction=float(reserved[largest]) / offered if offered else 0.0,
        binding="minimum count" if is_floor else (*dimension_names(parts), "distinctInstance", "host ports")[largest],
    )


def _kept_apart(part: Part) -> FloatArray:
    """(2, steps): instances that tasks need which may not share one, by distinctInstance and by host ports; 0 without."""
    if part.on_instances is None:
        return np.zeros((2, part.unmet_tasks.size))
    tasks = part.tasks * (part.replay.task_factor if part.replay else 1.0)
    launch_type, services = part.provider.launch_type, [run.service for run in part.runs]
    distinct = sole_places([each.has_distinct_instances for each in services], [() for _ in services])
    ports = sole_places([False for _ in services], [each.host_ports_on(launch_type) for each in services])
    return np.stack([(each.T @ tasks).max(axis=0, initial=0.0) for each in (distinct, ports)])


def weighted_quantile(values: FloatArray, weights: FloatArray, fraction: float) -> float:
    """Smallest value that is not exceeded in ``fraction`` of the weight; 0 without values."""
    if not values.size:
        return 0.0
    order = np.argsort(values, kind="stable")
    cumulated = np.cumsum(weights[order])
    at = np.searchsorted(cumulated, fraction * cumulated[-1] * (1 - 1e-12))
    return float(values[order][min(int(at), values.size - 1)])


def _rate(catalog: PriceCatalog, meter: Meter, region: str) -> Rate | None:
    try:
        return catalog.rate(meter, region)
    except PriceNotFoundError:
        return None


def part_title(part: Part) -> str:
    """What line items of a part stand under: its service on Fargate, else its capacity provider."""
    return next(iter(part.services)) if part.provider.launch_type is LaunchType.FARGATE else part.name


def _line_item(part: Part, meter: Meter, quantity: float, rate: Rate, amount: float) -> LineItem:
    return LineItem(
        part=part_title(part),
        meter=meter.id,
        quantity=quantity,
        unit=meter.unit,
        rate_usd=rate.usd,
        amount_usd=amount,
        source=rate.source_id,
        as_of=rate.as_of,
        is_derived=rate.is_derived,
        note=rate.note,
        error_fraction=rate.error_fraction,
    )


def range_usd(part: Part, amounts: FloatArray) -> float:
    """How much dearer than the fast model the part may be: of (meters,) dollars without commitments."""
    return float((amounts * range_fractions(part)).sum())


def range_fractions(part: Part) -> FloatArray:
    """(meters,): how much more of each the part may need than the fast model says, or pay for it where its rate is derived."""
    if part.provider.launch_type is LaunchType.FARGATE:
        return np.zeros(len(part.meters))
    fees = np.array([MANAGED_FEE_RANGE if meter.id.startswith(MANAGED_FEE_PREFIX) else 0.0 for meter in part.meters])
    return fees if part.replay else fees + PACKING_RANGE
