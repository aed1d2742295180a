"""Inputs ranked by how far they move what EC2 saves against Fargate, as data."""

from dataclasses import asdict, dataclass
from typing import Any

from advisor.ecs import PurchaseOption


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What the saving is with one input changed, down and up. [USD a month]"""

    input: str
    low: str
    """What the lower value is, in words."""
    saving_low: float | None
    """None where the lower value cannot be: no price, no type, or no meaning."""
    high: str
    saving_high: float | None
    moves_usd: float
    """The larger distance from today's saving."""
    flips: bool
    """At one of the values the other side is the cheaper one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """Inputs ranked by how far they move the saving."""

    cluster: str
    region: str
    prices: str
    purchase_option: PurchaseOption
    fargate_usd: float
    ec2_usd: float
    saving_usd: float
    """What EC2 saves against Fargate; below zero Fargate is the cheaper one. [USD a month]"""
    inputs: tuple[Moved, ...]
    """Farthest first."""
    not_known: tuple[str, ...]
    """Inputs that could not be tried, with the reason."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as ``advisor sweep --rank --format json`` prints."""
        return asdict(self)
