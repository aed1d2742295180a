"""Usage that commitments may cover, hour by hour, and the loads that next month may bring."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from advisor.answer import Answer
from advisor.billing import CommitmentRates, amounts_usd, apply_commitments, commitment_rates, committed_amounts, covers
from advisor.meters import CommitmentKind, Meter, PaymentOption, sum_over_states
from advisor.optimize.held import by_week, plan_usage
from advisor.optimize.parts import Part
from advisor.plan import Commitment
from advisor.uncertainty import CostHistory, month_draws
from advisor.units import BoolArray, FloatArray

FUTURES = 9
"""Equally likely loads that sizes are chosen on."""
GROWTH_POINTS = np.array([0.1, 0.5, 1.0, 2.0, 10.0])
_ANY = Commitment(kind=CommitmentKind.COMPUTE_SAVINGS_PLAN, usd_per_hour=0.0, term_years=1, payment=PaymentOption.NO_UPFRONT)


@dataclass(frozen=True, kw_only=True, eq=False)
class Committable:
    """What a plan uses of what commitments may cover; hours in which all loads are known."""

    given: Answer
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

    @property
    def held(self) -> tuple[Commitment, ...]:
        return (*self.given.search.held, *self.given.search.idle)

    def rates(self, commitments: Sequence[Commitment]) -> CommitmentRates:
        search = self.given.search
        return commitment_rates(self.meters, commitments, search.catalog, search.region, zones=self.zones)

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
    def futures(self) -> tuple[FloatArray, FloatArray]:
        """Usage that held commitments leave, (meters, hours), of all equally likely loads in a row, and their hours."""
        quantity = np.concatenate([self.at_load(factor) for factor in self.equal_factors], axis=1)
        hours = np.tile(self.hours / len(self.equal_factors), len(self.equal_factors))
        return apply_commitments(self.held_rates, quantity, hours).on_demand_per_hour, hours

    @cached_property
    def equal_factors(self) -> tuple[float, ...]:
        if self.load_factors is None or np.ptp(self.load_factors) < 1e-9 * float(self.load_factors.max()):
            return (1.0,) if self.load_factors is None else (float(self.load_factors[0]),)
        return tuple(np.quantile(self.load_factors, (np.arange(FUTURES) + 0.5) / FUTURES).tolist())


def committable(given: Answer, parts: Sequence[Part], hours: FloatArray) -> Committable:
    """What commitments may cover of a plan.

    Parameters
    ----------
    hours : (steps,)
        Of a month, where all is known; 0 elsewhere.
    """
    search = given.search
    used = plan_usage(parts, hours, search)
    rows: dict[tuple[Meter, str | None, bool], list[int]] = {}
    for row, (meter, zone, part) in enumerate(zip(used.usage.meters, used.zones, used.part_of_row, strict=True)):
        if covers(_ANY, meter):
            rows.setdefault((meter, zone, _is_moving(given, parts[part])), []).append(row)
    per_row = [used.usage.quantity_per_hour[at].sum(axis=0) for at in rows.values()]
    quantity = np.stack(per_row) if per_row else np.zeros((0, used.usage.hours.size))
    is_known = (used.usage.hours > 0) & ~np.isnan(quantity).any(axis=0)
    is_moving = np.array([moves for _, _, moves in rows], dtype=np.bool_)
    meters = tuple(meter for meter, _, _ in rows)
    rates = search.catalog.rates_usd(meters, search.region)
    usd_by_hour = amounts_usd(quantity[is_moving], rates[is_moving, np.newaxis]).sum(axis=0)
    weekly = by_week(usd_by_hour, search.axis.week_hours(hours > 0), used.first_steps, hours.size)
    month_usd = float(sum_over_states(usd_by_hour, used.usage.hours))
    return Committable(
        given=given,
        meters=meters,
        zones=tuple(zone for _, zone, _ in rows),
        quantity=quantity[:, is_known],
        is_moving=is_moving,
        hours=used.usage.hours[is_known],
        load_factors=_load_factors(given, weekly, month_usd, float((hours > 0).mean())),
    )


def _is_moving(given: Answer, part: Part) -> bool:
    """Whether what a part uses goes with a load that was measured."""
    services = {service.name: service for service in given.workload.services}
    return any(not services[name].is_stated for name in part.services if name in services)


def _load_factors(given: Answer, weekly_usd: FloatArray, month_usd: float, coverage: float) -> FloatArray | None:
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
    return np.asarray(month_draws(history, growth=given.workload.growth)[:, 0] / month_usd)
