"""Usage that commitments may cover, hour by hour, and the loads that next month may bring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from advisor.billing import CommitmentRates, amounts_usd, apply_commitments, commitment_rates, committed_amounts, covers
from advisor.meters import CommitmentKind, Meter, PaymentOption, sum_over_states
from advisor.optimize.held import by_week, plan_usage
from advisor.optimize.parts import Part
from advisor.optimize.search import Search
from advisor.plan import Commitment
from advisor.pricing import PriceCatalog
from advisor.uncertainty import CostHistory, month_draws
from advisor.units import BoolArray, FloatArray
from advisor.workload import Growth, Workload

FUTURES = 9
"""Equally likely loads that sizes are chosen on."""
GROWTH_POINTS = np.array([0.1, 0.5, 1.0, 2.0, 10.0])
_ANY = Commitment(kind=CommitmentKind.COMPUTE_SAVINGS_PLAN, usd_per_hour=0.0, term_years=1, payment=PaymentOption.NO_UPFRONT)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HourlyUsage:
    """What a plan uses of what commitments may cover."""

    meters: tuple[Meter, ...]
    """May hold a meter more than once: by zone, and by whether it moves."""
    zones: tuple[str | None, ...]
    quantity: FloatArray
    """(meters, clock hours): NaN where a load is not known."""
    is_moving: BoolArray
    """(meters,): goes with the load; what is stated stays as it is stated."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Committable:
    """Usage that commitments may cover, in hours in which all loads are known, and the prices of its Regions."""

    catalogs: Mapping[str, PriceCatalog]
    """By Region."""
    regions: tuple[str, ...]
    """(meters,): Region by Region, in the order of ``catalogs``."""
    held: tuple[Commitment, ...]
    meters: tuple[Meter, ...]
    zones: tuple[str | None, ...]
    quantity: FloatArray
    """(meters, hours)"""
    is_moving: BoolArray
    """(meters,): goes with the load; what is stated stays as it is stated."""
    hours: FloatArray
    """(hours,): of a month of 730 h."""
    load_factors: FloatArray | None
    """(draws,): next month's load over that of the history; None without draws."""

    def at_load(self, factor: float) -> FloatArray:
        """(meters, hours): usage at the load times a factor."""
        return self.quantity * np.where(self.is_moving, factor, 1.0)[:, np.newaxis]

    def rates(self, commitments: Sequence[Commitment]) -> CommitmentRates:
        """At the rates of each Region; over several of them only Compute Savings Plans mean the same in each."""
        found = []
        for region, catalog in self.catalogs.items():
            at = [m for m, each in enumerate(self.regions) if each == region]
            meters, zones = [self.meters[m] for m in at], [self.zones[m] for m in at]
            found.append(commitment_rates(meters, commitments, catalog, region, zones=zones))
        return replace(
            found[0],
            meters=self.meters,
            zones=self.zones,
            on_demand_usd=np.concatenate([each.on_demand_usd for each in found]),
            committed_usd=np.concatenate([each.committed_usd for each in found], axis=1),
        )

    @cached_property
    def held_rates(self) -> CommitmentRates:
        return self.rates(self.held)

    def on_demand_usd(self, factor: float = 1.0) -> float:
        """A month at on-demand rates, at the load times a factor."""
        return float(amounts_usd(sum_over_states(self.at_load(factor), self.hours), self.held_rates.on_demand_usd).sum())

    def held_usd(self, factor: float = 1.0) -> float:
        """A month with what is held, at the load times a factor."""
        usage = apply_commitments(self.held_rates, self.at_load(factor), self.hours)
        return float(committed_amounts(usage).total_usd)

    @cached_property
    def missing_of_held(self) -> tuple[str, ...]:
        """Meters without a rate that what is held needs, at the load of the history or in the highest future."""
        highest = 1.0 if self.load_factors is None else max(1.0, float(self.load_factors.max()))
        return apply_commitments(self.held_rates, self.at_load(highest), self.hours).missing

    def beside_held(self, bought: Sequence[Commitment]) -> CommitmentRates:
        """What is held and, after it, what is bought: of that, usage without a rate is not covered."""
        return replace(self.rates([*self.held, *bought]), bought_from=len(self.held))

    @cached_property
    def futures(self) -> tuple[FloatArray, FloatArray]:
        """Usage, (meters, hours), of all equally likely loads in a row, and their hours."""
        quantity = np.concatenate([self.at_load(factor) for factor in self.equal_factors], axis=1)
        return quantity, np.tile(self.hours / len(self.equal_factors), len(self.equal_factors))

    def left_in_futures(self, rates: CommitmentRates, sizes: FloatArray | None = None) -> FloatArray:
        """(meters, hours): what commitments leave of the futures; sizes as for :meth:`future_usd`."""
        quantity, hours = self.futures
        return apply_commitments(rates, quantity, hours, capacity=rates.capacity * _times(rates, sizes)).on_demand_per_hour

    def future_usd(self, rates: CommitmentRates, sizes: FloatArray | None = None) -> float:
        """A month on average over the futures, of commitments in AWS's order; ``sizes`` times those of what is bought."""
        quantity, hours = self.futures
        times = _times(rates, sizes)
        usage = apply_commitments(rates, quantity, hours, capacity=rates.capacity * times)
        return float(committed_amounts(usage, charge_usd=rates.charge_usd * times).total_usd)

    def merged(self) -> "Committable":
        """The same with hours of the same usage as one: commitments do not know which hour comes after which."""
        quantity, index = np.unique(self.quantity, axis=1, return_inverse=True)
        hours = np.bincount(index.ravel(), self.hours, quantity.shape[1]).astype(np.float64)
        return replace(self, quantity=quantity, hours=hours)

    def thinned(self, most: int) -> "Committable":
        """The same with so many hours at most, evenly from all of them in order; they count as all do."""
        every = -(-self.hours.size // most)
        if every <= 1:
            return self
        hours = self.hours[::every]
        return replace(self, quantity=self.quantity[:, ::every], hours=hours * (self.hours.sum() / hours.sum()))

    @cached_property
    def equal_factors(self) -> tuple[float, ...]:
        if self.load_factors is None or np.ptp(self.load_factors) < 1e-9 * float(self.load_factors.max()):
            return (1.0,) if self.load_factors is None else (float(self.load_factors[0]),)
        return tuple(np.quantile(self.load_factors, (np.arange(FUTURES) + 0.5) / FUTURES).tolist())


def _times(rates: CommitmentRates, sizes: FloatArray | None) -> FloatArray:
    """(commitments,): 1 of what is held, the sizes of what is bought."""
    times = np.ones(len(rates.commitments))
    if sizes is not None:
        times[rates.bought_from or 0 :] = sizes
    return times


def hourly_usage(workload: Workload, search: Search, parts: Sequence[Part], hours: FloatArray) -> HourlyUsage:
    """What commitments may cover of a plan.

    Parameters
    ----------
    hours : (steps,)
        Of a month, where all is known; 0 elsewhere.
    """
    used = plan_usage(parts, hours, search)
    rows: dict[tuple[Meter, str | None, bool], list[int]] = {}
    for row, (meter, zone, part) in enumerate(zip(used.usage.meters, used.zones, used.part_of_row, strict=True)):
        if covers(_ANY, meter):
            rows.setdefault((meter, zone, _is_moving(workload, parts[part])), []).append(row)
    per_row = [used.usage.quantity_per_hour[at].sum(axis=0) for at in rows.values()]
    quantity = np.stack(per_row) if per_row else np.zeros((0, used.usage.hours.size))
    return HourlyUsage(
        meters=tuple(meter for meter, _, _ in rows),
        zones=tuple(zone for _, zone, _ in rows),
        quantity=np.where(used.usage.hours > 0, quantity, np.nan),
        is_moving=np.array([moves for _, _, moves in rows], dtype=np.bool_),
    )


def committable(workload: Workload, search: Search, parts: Sequence[Part], hours: FloatArray) -> Committable:
    """The same in hours in which all is known, with next month's loads; arguments as for :func:`hourly_usage`."""
    used = hourly_usage(workload, search, parts, hours)
    first_steps = search.axis.first_steps_of_hours
    month_hours = np.add.reduceat(hours, first_steps)
    weeks = search.axis.week_hours(hours > 0)
    usd_by_hour = moving_usd(used, search.catalog.rates_usd(used.meters, search.region))
    weekly = by_week(usd_by_hour, weeks, first_steps, hours.size)
    is_known = (month_hours > 0) & ~np.isnan(used.quantity).any(axis=0)
    return Committable(
        catalogs={search.region: search.catalog},
        regions=(search.region,) * len(used.meters),
        held=(*search.held, *search.idle),
        meters=used.meters,
        zones=used.zones,
        quantity=used.quantity[:, is_known],
        is_moving=used.is_moving,
        hours=month_hours[is_known],
        load_factors=load_factors(
            weekly, float(sum_over_states(usd_by_hour, month_hours)), float((hours > 0).mean()), workload.growth
        ),
    )


def moving_usd(used: HourlyUsage, rates_usd: FloatArray) -> FloatArray:
    """(clock hours,): what goes with the load, at on-demand rates (meters,)."""
    amounts = amounts_usd(used.quantity[used.is_moving], rates_usd[used.is_moving, np.newaxis])
    return np.asarray(amounts.sum(axis=0), dtype=np.float64)


def _is_moving(workload: Workload, part: Part) -> bool:
    """Whether what a part uses goes with a load that was measured."""
    services = {service.name: service for service in workload.services}
    return any(not services[name].is_stated for name in part.services if name in services)


def load_factors(weekly_usd: FloatArray, month_usd: float, coverage: float, growth: Growth) -> FloatArray | None:
    """Draws of next month's use over that of the history: the draws that alternatives are ranked by, of what may be covered."""
    if not month_usd > 0:
        return np.ones(1)
    history = CostHistory(
        weekly_usd=weekly_usd[:, np.newaxis],
        elasticity=np.ones(1),
        coverage_fraction=coverage,
        growth_load=GROWTH_POINTS,
        growth_usd=GROWTH_POINTS[:, np.newaxis],
    )
    if not history.has_draws:
        return None
    return np.asarray(month_draws(history, growth=growth)[:, 0] / month_usd)
