"""Prices: rates by meter and Region, with their source and date. What has no price stays without one."""

from advisor.pricing.catalog import PriceCatalog
from advisor.pricing.changes import RateChange, rate_changes
from advisor.pricing.invariants import Violation, missing_meters, violations
from advisor.pricing.own_rates import OwnRate
from advisor.pricing.rates import (
    CatalogDates,
    CatalogOrigin,
    CommitmentRatio,
    FeeRatio,
    InterruptionBand,
    Rate,
    RateStatus,
    RegionPrices,
    Source,
)

__all__ = [
    "CatalogDates",
    "CatalogOrigin",
    "CommitmentRatio",
    "FeeRatio",
    "InterruptionBand",
    "OwnRate",
    "PriceCatalog",
    "Rate",
    "RateChange",
    "RateStatus",
    "RegionPrices",
    "Source",
    "Violation",
    "missing_meters",
    "rate_changes",
    "violations",
]
