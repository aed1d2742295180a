"""Plans billed with the commitments that an account holds: all parts of a plan share them, hour by hour."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from advisor.billing import (
    Bill,
    CommittedUsage,
    LineItem,
    MonthlyUsd,
    amounts_usd,
    apply_commitments,
    commitment_rates,
    committed_amounts,
    covered_amounts,
    covers,
    in_clock_hours,
    reserved_meter,
    usd_per_hour,
)
from advisor.ecs import LaunchType
from advisor.meters import Meter, Usage, sum_over_states
from advisor.optimize.parts import Part
from advisor.optimize.pricing import PricedParts, part_title, price_parts, range_fractions, weekly_usd
from advisor.optimize.search import Search
from advisor.plan import Commitment, terms_of
from advisor.pricing import Rate
from advisor.pricing.rates import UNDATED
from advisor.simulate.timeline import Weeks
from advisor.units import FloatArray, IntArray
from advisor.workload import Workload

WORKLOAD_SOURCE: Final = "workload file"
"""Source of what the user states of held commitments."""
HELD_PART: Final = "held commitments"
"""Stands in line items for what is lost: it belongs to no part of a plan."""
BOUGHT_PART: Final = "new commitments"
"""The same of what is bought with the plan."""
UNUSED_PARTS: Final = (HELD_PART, BOUGHT_PART)
BOUGHT_SOURCE: Final = "this plan"
"""Source of the size of what is bought."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlanUsage:
    """What all parts of a plan use together, by clock hour; one row for each part, meter and zone."""

    usage: Usage
    part_of_row: tuple[int, ...]
    zones: tuple[str | None, ...]
    first_steps: IntArray
    """(clock hours,): where each begins on the time axis."""


def plan_usage(parts: Sequence[Part], hours: FloatArray, search: Search) -> PlanUsage:
    """Usage of a plan by clock hour.

    Instances spread evenly over the zones of their capacity provider; the zones of zonal Reserved Instances are taken to be
    among them, those with the most reserved instances first.

    Parameters
    ----------
    hours : (steps,)
        How long each step counts; 0 where not measured.
    """
    meters: list[Meter] = []
    rows: list[FloatArray] = []
    part_of_row: list[int] = []
    zones: list[str | None] = []
    for at, part in enumerate(parts):
        shares = _zone_shares(part, search.held)
        for meter, row in zip(part.meters, part.quantity_per_hour, strict=True):
            is_split = any(covers(held, meter, held.zone) for held in search.held if held.zone is not None)
            for zone, share in shares.items() if is_split else [(None, 1.0)]:
                meters.append(meter)
                rows.append(row if share == 1.0 else row * share)
                part_of_row.append(at)
                zones.append(zone)
    first_steps = search.axis.first_steps_of_hours
    quantity = np.stack(rows) if rows else np.zeros((0, hours.size))
    usage = in_clock_hours(Usage(meters=tuple(meters), quantity_per_hour=quantity, hours=hours), first_steps)
    return PlanUsage(usage=usage, part_of_row=tuple(part_of_row), zones=tuple(zones), first_steps=first_steps)


def apply_to_plan(used: PlanUsage, account: Sequence[Commitment], search: Search) -> CommittedUsage:
    """Commitments of the account and those that are bought with the plan applied to its usage, at the catalog's rates.

    A purchase covers only what it has a rate for: the bill can be no higher with the others.
    """
    commitments = (*account, *search.bought)
    rates = commitment_rates(used.usage.meters, commitments, search.catalog, search.region, zones=used.zones)
    return apply_commitments(replace(rates, bought_from=len(account)), used.usage.quantity_per_hour, used.usage.hours)


def price_plan(parts: Sequence[Part], hours: FloatArray, search: Search) -> PricedParts:
    """Bill of a month of 730 h of a whole plan, with held commitments and those that are bought with it.

    It is what :func:`price_parts` gives where there are none. Commitments are due whatever runs. Line items show what is left
    at on-demand rates, what each commitment covers at its own rate, and what of it is lost.
    """
    on_demand = price_parts(parts, hours, search.catalog, search.region)
    account = (*search.held, *search.idle)
    commitments = (*account, *search.bought)
    if not commitments or not parts:
        return on_demand
    used = plan_usage(parts, hours, search)
    applied = apply_to_plan(used, account, search)
    missing = tuple(dict.fromkeys((*on_demand.missing, *applied.missing)))
    if missing or on_demand.monthly_usd is None:
        # Whatever has no rate leaves the charges and what nothing covers as the least that the whole can cost.
        uncovered = [m for m, meter in enumerate(used.usage.meters) if not any(covers(c, meter, c.zone) for c in commitments)]
        due = amounts_usd(np.full(len(commitments), applied.hours.sum()), applied.rates.charge_usd)
        least = float(np.nansum(committed_amounts(applied).on_demand_usd[uncovered]) + np.nansum(due))
        return replace(on_demand, bill=None, monthly_usd=None, missing=missing, priced_usd=least)
    items = tuple(_line_items(parts, used, applied, search))
    mean = math.fsum(item.amount_usd for item in items)
    more = sum_over_states(_upper_usd_per_hour(parts, hours, search, applied) - usd_per_hour(applied), applied.hours)
    high = mean + float(more)
    monthly = MonthlyUsd(mean=mean, low=mean, high=high)
    return PricedParts(bill=Bill(line_items=items), monthly_usd=monthly, usage=on_demand.usage, missing=(), priced_usd=mean)


def weekly_mean_with_held(parts: Sequence[Part], weeks: Weeks, hours: FloatArray, search: Search) -> FloatArray:
    """(weeks,): cost of each week with held and bought commitments, idle ones left out; NaN where something has no price.

    Parameters
    ----------
    hours : (steps,)
        Above 0 where the load is known.
    """
    used = plan_usage(parts, hours, search)
    by_hour = usd_per_hour(apply_to_plan(used, search.held, search))
    return by_week(by_hour, weeks, used.first_steps, hours.size)


def by_week(usd_by_hour: FloatArray, weeks: Weeks, first_steps: IntArray, n_steps: int) -> FloatArray:
    """(weeks,): what goes by the clock hour, over the steps of each week; NaN where an hour that counts is not known."""
    hour_of_step = np.searchsorted(first_steps, np.arange(n_steps), side="right") - 1
    return np.array(
        [
            sum_over_states(usd_by_hour, np.bincount(hour_of_step[steps], weights, usd_by_hour.size).astype(np.float64))
            for steps, weights in zip(weeks.steps, weeks.hours, strict=True)
        ],
        dtype=np.float64,
    )


def weekly_plan_usd(parts: Sequence[Part], weeks: Weeks, hours: FloatArray, search: Search) -> FloatArray:
    """(weeks,): upper end of the cost of each week, with everything that is due for held and bought commitments."""
    if not (search.held or search.idle or search.bought) or not parts:
        return weekly_usd(parts, weeks, search.catalog, search.region)
    used = plan_usage(parts, hours, search)
    by_hour = _upper_usd_per_hour(parts, hours, search, apply_to_plan(used, search.held, search))
    idle = np.array([sum_over_states(np.full(row.size, search.idle_usd_per_hour), row) for row in weeks.hours])
    return np.asarray(by_week(by_hour, weeks, used.first_steps, hours.size) + idle)


def _upper_usd_per_hour(parts: Sequence[Part], hours: FloatArray, search: Search, applied: CommittedUsage) -> FloatArray:
    """(clock hours,): a plan at the upper end of what it may use; NaN where what is ``applied`` to its usage is not known.

    What it uses beyond the packing model takes what is left of the commitments first, and runs at on-demand rates where they
    have none for it.
    """
    upper = [
        replace(part, quantity_per_hour=part.quantity_per_hour * (1 + range_fractions(part)[:, np.newaxis])) for part in parts
    ]
    rates = replace(applied.rates, is_unknown_left_out=True)
    more = apply_commitments(rates, plan_usage(upper, hours, search).usage.quantity_per_hour, applied.hours)
    return np.where(np.isnan(usd_per_hour(applied)), np.nan, usd_per_hour(more))


def with_idle(search: Search, plans: Sequence[Sequence[Part]]) -> Search:
    """The search with commitments told apart that no plan can use: they add the same to every plan, and move no draw."""
    meters = {meter for parts in plans for part in parts for meter in part.meters}
    idle = tuple(each for each in search.held if not any(covers(each, meter, each.zone) for meter in meters))
    if not idle:
        return search
    held = tuple(each for each in search.held if each not in idle)
    charge = commitment_rates((), idle, search.catalog, search.region).charge_usd.sum()
    return replace(search, held=held, idle=idle, idle_usd_per_hour=float(charge))


def left_aside(workload: Workload) -> tuple[str, ...]:
    """What to say where neither held commitments nor those that the stated terms allow are counted."""
    which = " and ".join(["held"] * bool(workload.commitments) + ["new"] * bool(terms_of(workload.constraints.terms)))
    return (f"{which} commitments are left aside here: the figures are at on-demand and Spot rates",) if which else ()


def beside_held(held: Sequence[Commitment], bought: Sequence[Commitment] = ()) -> tuple[str, ...]:
    """What of an answer does not hold the commitments that its bills hold."""
    which = " and ".join(["held"] * bool(held) + ["new"] * bool(bought))
    what = "costs per unit, what-ifs, the map and the ranking of inputs are at on-demand and Spot rates"
    return (f"{what}: they leave the {which} commitments aside, and differ from the bills by these",) if which else ()


def without_held(search: Search) -> Search:
    """The search as if the account held nothing."""
    has_any = search.held or search.idle or search.bought
    return replace(search, held=(), idle=(), idle_usd_per_hour=0.0, bought=()) if has_any else search


def _zone_shares(part: Part, held: Sequence[Commitment]) -> dict[str | None, float]:
    """Share of a part's instances in each zone that instances are reserved in; None for the zones that are not known."""
    if part.provider.launch_type is LaunchType.FARGATE:
        return {None: 1.0}
    counts: dict[str, int] = {}
    for each in held:
        if each.zone is not None:
            counts[each.zone] = counts.get(each.zone, 0) + each.reserved[1]
    n_zones = max(1, part.provider.zones)
    known = sorted(counts, key=lambda zone: (-counts[zone], zone))[:n_zones]
    shares: dict[str | None, float] = dict.fromkeys(known, 1.0 / n_zones)
    return shares if len(known) == n_zones else {**shares, None: 1.0 - len(known) / n_zones}


def _line_items(parts: Sequence[Part], used: PlanUsage, applied: CommittedUsage, search: Search) -> list[LineItem]:
    amounts = committed_amounts(applied)
    left = sum_over_states(applied.on_demand_per_hour, applied.hours)
    covered = covered_amounts(applied)
    items: list[LineItem] = []
    merged: dict[tuple[int, str], list[int]] = {}
    for row, (part, meter) in enumerate(zip(used.part_of_row, used.usage.meters, strict=True)):
        merged.setdefault((part, meter.id), []).append(row)
    for (at, _), rows in merged.items():
        meter = used.usage.meters[rows[0]]
        items.append(
            _item(
                part_title(parts[at]),
                meter,
                math.fsum(left[rows].tolist()),
                math.fsum(amounts.on_demand_usd[rows].tolist()),
                search.catalog.rate(meter, search.region),
            )
        )
        for c, commitment in enumerate(applied.rates.commitments):
            quantity = math.fsum(covered.quantity[c, rows].tolist())
            if quantity > 0:
                own, usd = applied.rates.meter_of(c, rows[0]), math.fsum(covered.usd[c, rows].tolist())
                rate = _committed_rate(commitment, own, search)
                items.append(_item(part_title(parts[at]), own, quantity, usd, rate, note=str(commitment)))
    lost = enumerate(amounts.lost_usd.tolist())
    return [*items, *(_lost(applied, c, usd, search) for c, usd in lost if usd > 0)]


def _lost(applied: CommittedUsage, c: int, lost_usd: float, search: Search) -> LineItem:
    """What is due for hours in which a commitment covered nothing, or less than it could."""
    commitment = applied.rates.commitments[c]
    is_bought = applied.rates.bought_from is not None and c >= applied.rates.bought_from
    part, source = (BOUGHT_PART, BOUGHT_SOURCE) if is_bought else (HELD_PART, WORKLOAD_SOURCE)
    note = f"not used: {commitment}"
    if commitment.instance_type is None:
        family = f":{commitment.family}" if commitment.family else ""
        meter = Meter(id=f"{commitment.kind}:{commitment.terms}:unused{family}", unit="dollar")
        stated = Rate(1.0, meter.unit, source, UNDATED)
        return _item(part, meter, lost_usd, lost_usd, stated, note=note)
    meter = reserved_meter(commitment)
    unused = sum_over_states((1.0 - applied.used_fraction[c]) * commitment.reserved[1], applied.hours)
    return _item(part, meter, float(unused), lost_usd, _committed_rate(commitment, meter, search), note=note)


def _committed_rate(commitment: Commitment, meter: Meter, search: Search) -> Rate:
    if commitment.instance_type is not None and commitment.usd_per_hour is not None:
        return Rate(commitment.usd_per_hour, meter.unit, WORKLOAD_SOURCE, UNDATED)
    return search.catalog.rate(meter, search.region)


def _item(part: str, meter: Meter, quantity: float, usd: float, rate: Rate, *, note: str = "") -> LineItem:
    return LineItem(
        part=part,
        meter=meter.id,
        quantity=quantity,
        unit=meter.unit,
        rate_usd=rate.usd,
        amount_usd=usd,
        source=rate.source_id,
        as_of=rate.as_of,
        is_derived=rate.is_derived,
        note="; ".join(filter(None, (note, rate.note))),
        error_fraction=rate.error_fraction,
    )
