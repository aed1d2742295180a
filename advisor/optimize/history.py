"""What plans would have cost week by week, and how their cost moves with the load: the ground that doubt stands on."""

import copy
import math
from collections.abc import Hashable, Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from advisor.ecs import PurchaseOption
from advisor.optimize.fixed import on_load, rerun, with_runs
from advisor.optimize.held import UNUSED_PARTS, price_plan, weekly_mean_with_held
from advisor.optimize.parts import Part
from advisor.optimize.pricing import PricedParts, amounts_of, price_parts
from advisor.optimize.search import Search
from advisor.plan import Commitment
from advisor.simulate.scaling import RunningTasks
from advisor.simulate.timeline import Weeks, timeline
from advisor.uncertainty import ELASTIC_STEP, HORIZON_WEEKS, CostHistory, elasticity
from advisor.units import HOURS_PER_MONTH, HOURS_PER_WEEK, SECONDS_PER_HOUR, BoolArray, FloatArray
from advisor.workload import Growth, Workload

GROWTH_DEVIATIONS = (-4.0, -3.0, -2.2, -1.6, -1.2, -0.9, -0.6, -0.3, 0.0, 0.3, 0.6, 0.9, 1.2, 1.6, 2.2, 3.0, 4.0)
"""Standard deviations of the growth that the user expects, at which plans are worked out; between them cost is interpolated.

A plan of few instances costs the same until one more is needed: points that do not follow the growth would miss the step."""
RECENT_STEPS = 2_700
"""Four weeks of hours; of finer steps fewer weeks are taken, but at least one."""
DAYS_PER_YEAR = 365.25


class RecentLoad:
    """The end of a workload's measured history with the load times any factor: four weeks of it, or one where steps are fine.

    What a part costs at a factor is worked out once.
    """

    def __init__(self, workload: Workload, search: Search, measured: BoolArray) -> None:
        per_week = HOURS_PER_WEEK * SECONDS_PER_HOUR // workload.step_s
        weeks = min(HORIZON_WEEKS, max(1, RECENT_STEPS // per_week))
        n_steps = min(workload.n_steps, weeks * per_week)
        self.weeks = search.axis.week_hours(measured)
        """Of the whole history; what a part uses in each is worked out once, too."""
        self._known: dict[Hashable, float] = {}
        self._runs: dict[Hashable, RunningTasks] = {}
        self._held: list[Part] = []
        self._with_bought: dict[tuple[Commitment, ...], RecentLoad] = {}
        self._of_means: RecentLoad | None = None
        self._has_whole_counts = True
        ratio = search.axis.steps_per_input_step
        last = int(np.flatnonzero(measured)[-1]) // ratio + 1 if measured.any() else workload.n_steps
        first = max(0, last - n_steps)
        n_steps = last - first
        self.workload = workload.between(first, last)
        self.search = replace(search, axis=timeline(self.workload.start, workload.step_s, n_steps))
        self.hours = self.search.axis.month_hours(measured[first * ratio : last * ratio])

    def with_bought(self, bought: tuple[Commitment, ...]) -> "RecentLoad":
        """The same load where new commitments are bought; it shares what tasks run at each load."""
        if bought and bought not in self._with_bought:
            other = copy.copy(self)
            other.search, other._known, other._of_means = replace(self.search, bought=bought), {}, None
            self._with_bought[bought] = other
        return self._with_bought[bought] if bought else self

    def of_means(self) -> "RecentLoad":
        """The same load whose counts are means, with fractions of a task on Fargate: how cost goes with a load that moves.

        Of few tasks the next whole one says too much: 1.1 times two are three.
        """
        if self._of_means is None:
            self._of_means = copy.copy(self)
            self._of_means._known, self._of_means._runs, self._of_means._has_whole_counts = {}, {}, False
        return self._of_means

    def parts(self, parts: Sequence[Part], load_factor: float) -> tuple[Part, ...]:
        """A plan at this load; what is stated stays as it is stated."""
        whole = self._has_whole_counts
        return on_load(parts, self.workload, self.search, load_factor=load_factor, has_whole_counts=whole)

    def monthly_usd(self, parts: Sequence[Part], load_factor: float) -> float:
        """Bill of a month of this load; NaN where something has no price. Idle commitments are left out. [USD]"""
        if self.search.held or self.search.bought:
            return self._plan_usd(parts, load_factor)
        self._rerun([run for part in parts for run in part.runs], load_factor)
        return math.fsum(self._part_usd(part, load_factor) for part in parts)

    def _plan_usd(self, parts: Sequence[Part], load_factor: float) -> float:
        """Of a whole plan: its parts share the commitments."""
        key = load_factor, tuple(id(part) for part in parts)
        if key not in self._known:
            self._held.extend(parts)
            monthly = price_plan(self.parts(parts, load_factor), self.hours, replace(self.search, idle=())).monthly_usd
            self._known[key] = float("nan") if monthly is None else monthly.mean
        return self._known[key]

    def _rerun(self, runs: Sequence[RunningTasks], load_factor: float) -> None:
        """Work out the counts of tasks that are not known yet, all at once."""
        new = {self._key(run, load_factor): run for run in runs if self._key(run, load_factor) not in self._runs}
        whole = self._has_whole_counts
        found = rerun(list(new.values()), self.workload, self.search, load_factor=load_factor, has_whole_counts=whole)
        self._runs |= dict(zip(new, found, strict=True))

    @staticmethod
    def _key(run: RunningTasks, load_factor: float) -> Hashable:
        return load_factor, run.service, run.size, run.is_count_kept, run.fargate_tasks is None

    def _part_usd(self, part: Part, load_factor: float) -> float:
        provider = part.provider
        kind = provider.launch_type, provider.purchase_option, provider.instance_types, provider.placement, provider.zones
        architectures = tuple(plan.architecture for plan in part.services.values())
        key = (
            load_factor,
            kind,
            architectures,
            part.on_demand_base,
            provider.on_demand_base,
            part.replay,
            tuple(id(run) for run in part.runs),
        )
        if key not in self._known:
            self._held.append(part)  # so that no other run gets the id of one of its own
            runs = [self._runs[self._key(run, load_factor)] for run in part.runs]
            there = with_runs(part, runs, self.search)
            monthly = price_parts([there], self.hours, self.search.catalog, self.search.region).monthly_usd
            self._known[key] = float("nan") if monthly is None else monthly.mean
        return self._known[key]


def weekly_mean_usd(parts: Sequence[Part], weeks: Weeks, search: Search) -> FloatArray:
    """(weeks,): cost of each week by the fast model; NaN where something has no price. [USD a week]"""
    total = np.zeros(len(weeks.hours))
    for part in parts:
        total += amounts_of(part, weeks.sums(part.quantity_per_hour), search.catalog, search.region).sum(axis=-1)
    return total


def growth_loads(growth: Growth) -> FloatArray:
    """(points,): load factors, rising, at which plans are worked out: today's, and those that the growth may lead to."""
    expected = (1 + growth.fraction) * np.exp(growth.spread_fraction * np.array(GROWTH_DEVIATIONS))
    return np.unique(np.concatenate([[1.0], np.round(expected, 9)]))


def cost_history(
    choices: Sequence[Sequence[Part]],
    priced: Sequence[PricedParts],
    workload: Workload,
    search: Search,
    measured: BoolArray,
    recent: RecentLoad,
    bought: Sequence[tuple[Commitment, ...]],
) -> CostHistory:
    """History of plans that all have a price, one column each.

    Parameters
    ----------
    choices
        Parts of each plan.
    priced
        Bills of the same plans.
    bought
        New commitments of each.
    measured : (steps,)
        Where the load of all that the plans run is known.
    recent
        The same workload's, for the same ``measured``.
    """
    growth = workload.growth
    weeks = recent.weeks
    names = {name for parts in choices for part in parts for name in part.services}
    is_stated = all(service.is_stated for service in workload.services if service.name in names)
    idle_usd = search.idle_usd_per_hour * HOURS_PER_MONTH
    monthly = np.array([each.monthly_usd.mean - idle_usd if each.monthly_usd else np.nan for each in priced])
    if is_stated:
        weekly = monthly[np.newaxis] * (HOURS_PER_WEEK / HOURS_PER_MONTH)
    elif search.held or any(bought):
        hours = search.axis.month_hours(measured)
        weekly = np.array(
            [
                weekly_mean_with_held(parts, weeks, hours, replace(search, bought=each))
                for parts, each in zip(choices, bought, strict=True)
            ]
        )
        weekly = weekly.reshape(len(choices), -1).T
    else:
        weekly = np.array([weekly_mean_usd(parts, weeks, search) for parts in choices]).reshape(len(choices), -1).T
    n_plans, recents = len(choices), [recent.with_bought(each) for each in bought]
    flat = np.zeros(n_plans)
    if is_stated or len(weekly) < 2:
        elastic = flat + 1.0
    else:
        up, down = (
            np.array([each.of_means().monthly_usd(parts, factor) for parts, each in zip(choices, recents, strict=True)])
            for factor in (ELASTIC_STEP, 1 / ELASTIC_STEP)
        )
        elastic = elasticity(up, down)
    loads, points = None, None
    if not growth.is_none:
        loads = growth_loads(growth)
        points = np.array(
            [
                [each.monthly_usd(parts, factor) for parts, each in zip(choices, recents, strict=True)]
                for factor in loads.tolist()
            ]
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        ranges = np.array([(p.monthly_usd.high - p.monthly_usd.mean) if p.monthly_usd else 0.0 for p in priced]) / monthly
    return CostHistory(
        weekly_usd=weekly,
        elasticity=elastic,
        coverage_fraction=float(measured.mean()),
        is_stated=is_stated,
        range_fraction=np.nan_to_num(ranges),
        spot_fraction=np.array([_spot_fraction(parts, each, idle_usd) for parts, each in zip(choices, priced, strict=True)]).T,
        price_age_years=_price_ages(priced, idle_usd),
        growth_load=loads,
        growth_usd=points,
    )


def _spot_fraction(parts: Sequence[Part], priced: PricedParts, idle_usd: float) -> tuple[float, float]:
    """Shares of the bill, without idle commitments, at EC2 Spot and at Fargate Spot rates."""
    if priced.bill is None or not any(part.provider.purchase_option is PurchaseOption.SPOT for part in parts):
        return (0.0, 0.0)
    items = priced.bill.line_items
    total = sum(item.amount_usd for item in items) - idle_usd
    ec2 = sum(item.amount_usd for item in items if ":spot" in item.meter and item.meter.startswith("ec2:"))
    fargate = sum(item.amount_usd for item in items if ":spot:" in item.meter and item.meter.startswith("fargate:"))
    return (ec2 / total, fargate / total) if total else (0.0, 0.0)


def _price_ages(priced: Sequence[PricedParts], idle_usd: float) -> FloatArray:
    """(services of AWS, plans): share of the bill at each one's rates times the root of their age against the newest rate."""
    # What is due for commitments that are not used stands in a contract and has no age.
    items = [[item for item in each.bill.line_items if item.part not in UNUSED_PARTS] if each.bill else [] for each in priced]
    lost = [
        math.fsum(item.amount_usd for item in each.bill.line_items if item.part in UNUSED_PARTS) if each.bill else 0.0
        for each in priced
    ]
    dates = [_day(item.as_of) for bill in items for item in bill]
    newest = max((day for day in dates if day), default=None)
    oldest = min((day for day in dates if day), default=None)
    names = sorted({item.meter.partition(":")[0] for bill in items for item in bill})
    ages = np.zeros((len(names), len(priced)))
    if newest is None or oldest is None:
        return ages
    for column, bill in enumerate(items):
        total = sum(item.amount_usd for item in bill) + lost[column] - idle_usd
        for item in bill if total else ():
            years = (newest - (_day(item.as_of) or oldest)).days / DAYS_PER_YEAR
            ages[names.index(item.meter.partition(":")[0]), column] += item.amount_usd / total * np.sqrt(years)
    return ages


def _day(as_of: str) -> date | None:
    """A full date; None for what a source dates no closer, or not at all."""
    try:
        return date.fromisoformat(as_of)
    except ValueError:
        return None
