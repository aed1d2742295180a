"""Where each launch type is cheapest, over the load and the price of EC2 instances."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from advisor.ecs import LaunchType
from advisor.optimize.alternatives import Alternatives
from advisor.optimize.choice import Choice
from advisor.optimize.parts import PACKING_RANGE
from advisor.optimize.pricing import price_parts
from advisor.optimize.search import Search
from advisor.pricing.instance_hours import is_instance_price
from advisor.recommend.what_ifs import CheapestMap, MapCell
from advisor.sweeping.load_cloud import load_cloud
from advisor.sweeping.sides import Circumstances
from advisor.units import FloatArray

MAP_LOADS = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
MAP_PRICES = (-0.4, -0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4)
"""A three-year Compute Savings Plan without upfront payment is near the lower end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Priced:
    """A plan's bill, split at what follows the price of EC2 instances. [USD a month]"""

    rest_usd: float
    ec2_usd: float
    spread_usd: float
    """From the bill to the upper end of its range."""
    on_instances: int
    """Services."""

    def usd(self, changes: FloatArray) -> FloatArray:
        """(prices,)"""
        return self.rest_usd + self.ec2_usd * (1 + changes)

    def middle_usd(self, changes: FloatArray) -> FloatArray:
        """(prices,): of the range, by which plans are compared."""
        return self.usd(changes) + (self.spread_usd + PACKING_RANGE * self.ec2_usd * changes) / 2


def cheapest_map(
    at_load: Callable[[float], Sequence[Alternatives]],
    search: Search,
    whole: Circumstances,
    on_progress: Callable[[float], None] = lambda _share: None,
) -> CheapestMap | None:
    """Search anew at each load; at each price compare what was found there, and the cheapest mix of services by themselves.

    Parameters
    ----------
    at_load
        What searches of the last weeks of a workload find at a load, on the same hours.
    search
        Of these weeks, at today's prices.
    whole
        The workload with its whole history, for next month's load.

    Returns
    -------
    CheapestMap or None
        None where nothing has a price at today's load and price.
    """
    changes = np.array(MAP_PRICES)
    columns = []
    for done, factor in enumerate(MAP_LOADS):
        columns.append(_column(at_load(factor), search, changes))
        on_progress((done + 1) / len(MAP_LOADS))
    cloud = load_cloud(whole)
    result = CheapestMap(
        load_factors=MAP_LOADS,
        ec2_price_changes=MAP_PRICES,
        cells=tuple(tuple(column[row] for column in columns) for row in range(len(MAP_PRICES))),
        n_services=len(whole.workload.services),
        load_p10=None if cloud is None else cloud.p10,
        load_p90=None if cloud is None else cloud.p90,
    )
    return None if result.today.usd is None else result


def _column(searches: Sequence[Alternatives], search: Search, changes: FloatArray) -> list[MapCell]:
    plans = [priced for found in searches for choice in found.for_cluster if (priced := _priced(choice, found, search))]
    by_service = [
        [priced for found in searches for choice in found.by_service[name] if (priced := _priced(choice, found, search))]
        for name in searches[0].by_service
    ]
    n = len(by_service)
    every = [_Options(plan.usd(changes), plan.middle_usd(changes), np.full(changes.shape, plan.on_instances)) for plan in plans]
    every += [_mix(by_service, changes)] if all(by_service) else []
    on_fargate = [plan for plan in every if (plan.on_instances == 0).all()]
    on_instances = [plan for plan in every if (plan.on_instances == n).all()]
    cells = []
    for row in range(changes.size):
        best = _cheapest(every, row)
        cells.append(
            MapCell(
                usd=None if best is None else float(best.usd[row]),
                services_on_instances=0 if best is None else int(best.on_instances[row]),
                fargate_usd=_usd(_cheapest(on_fargate, row), row),
                instances_usd=_usd(_cheapest(on_instances, row), row),
            )
        )
    return cells


@dataclass(frozen=True, slots=True, eq=False)
class _Options:
    """One way to run everything, (prices,) each."""

    usd: FloatArray
    middle_usd: FloatArray
    on_instances: FloatArray


def _priced(choice: Choice, found: Alternatives, search: Search) -> _Priced | None:
    if not choice.parts or choice.is_comparison:
        return None
    priced = price_parts(choice.parts, found.common_hours, search.catalog, search.region)
    if priced.bill is None or priced.monthly_usd is None:
        return None
    ec2 = sum(item.amount_usd for item in priced.bill.line_items if is_ec2_price(item.meter))
    on_instances = sum(len(part.services) for part in choice.parts if part.provider.launch_type is not LaunchType.FARGATE)
    monthly = priced.monthly_usd
    return _Priced(rest_usd=monthly.mean - ec2, ec2_usd=ec2, spread_usd=monthly.high - monthly.mean, on_instances=on_instances)


def is_ec2_price(meter: str) -> bool:
    """Whether a meter follows the On-Demand price of instances: no surplus credits, no Spot pool."""
    return is_instance_price(meter) and ":spot_pool:" not in meter


def _mix(by_service: Sequence[Sequence[_Priced]], changes: FloatArray) -> _Options:
    """Each service by itself where it is cheapest at each price."""
    usd, middle, on_instances = np.zeros(changes.shape), np.zeros(changes.shape), np.zeros(changes.shape)
    for choices in by_service:
        middles = np.stack([choice.middle_usd(changes) for choice in choices])
        best = middles.argmin(axis=0)
        usd += np.stack([choice.usd(changes) for choice in choices])[best, np.arange(changes.size)]
        middle += middles.min(axis=0)
        on_instances += np.array([min(choices[at].on_instances, 1) for at in best.tolist()])
    return _Options(usd, middle, on_instances)


def _cheapest(plans: Sequence[_Options], row: int) -> _Options | None:
    return min(plans, key=lambda plan: (round(float(plan.middle_usd[row]), 9), plan.on_instances[row]), default=None)


def _usd(plan: _Options | None, row: int) -> float | None:
    return None if plan is None else float(plan.usd[row])
