"""Answers to what if: the same load and rates with one thing changed."""

from dataclasses import dataclass
from enum import StrEnum

from advisor.billing import MonthlyUsd


class WhatIfKind(StrEnum):
    """What is other than today."""

    TODAY = "today"
    LOAD = "load"
    FARGATE_PRICE = "fargate_price"
    EC2_PRICE = "ec2_price"
    SPOT = "spot"
    PACKING = "packing"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """One thing changed: what the recommended plan costs then, and the plan that would be cheapest."""

    kind: WhatIfKind
    value: float
    """Load over today's; price over today's, less one; share of Fargate tasks on Spot; instances over the packing model's."""
    words: str
    kept: MonthlyUsd | None
    """Of the recommended plan, with the same sizes, launch types and instance types; None where something has no price."""
    cheapest: MonthlyUsd | None
    """Of the plan that is cheapest then, instance types chosen anew; None where only the recommended plan is asked about."""
    cheapest_title: str
    is_same_choice: bool | None
    """The cheapest plan has the launch types and purchase options of the recommended one; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapCell:
    """The cheapest plan at one load and one price of EC2 instances, by the packing model. [USD a month of 730 h]"""

    usd: float | None
    """None where nothing has a price."""
    services_on_instances: int
    """Of the cheapest plan; the others run on Fargate."""
    fargate_usd: float | None
    """Cheapest with every service on Fargate; None where that cannot be or has no price."""
    instances_usd: float | None
    """Cheapest with every service on instances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheapestMap:
    """Where each launch type is cheapest, by load and price of EC2 instances; instance types are chosen anew at each load."""

    load_factors: tuple[float, ...]
    """Over today's, rising; today's 1 is among them."""
    ec2_price_changes: tuple[float, ...]
    """Over today's price, less one, rising; today's 0 is among them. A commitment's discount is a lower price."""
    cells: tuple[tuple[MapCell, ...], ...]
    """A row for each price, a column for each load."""
    n_services: int
    load_p10: float | None
    """Next month's load over that of the last four weeks; None with less than two weeks of it, or where all is stated."""
    load_p90: float | None

    def at(self, load_factor: float, ec2_price_change: float) -> MapCell:
        """The cell of a load and a price that are on the grid."""
        row, column = self.ec2_price_changes.index(ec2_price_change), self.load_factors.index(load_factor)
        return self.cells[row][column]

    @property
    def today(self) -> MapCell:
        """At today's load and price."""
        return self.at(1.0, 0.0)
