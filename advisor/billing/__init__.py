"""The one place where a quantity meets a price: on-demand amounts, and commitments in AWS's order of application."""

from advisor.billing.amounts import Bill, LineItem, MonthlyUsd, amounts_usd, total_usd
from advisor.billing.commitments import (
    CommitmentRates,
    CommittedAmounts,
    CommittedUsage,
    CoveredAmounts,
    apply_commitments,
    commitment_meter,
    commitment_rates,
    committed_amounts,
    covered_amounts,
    covers,
    in_clock_hours,
    reserved_meter,
    usd_per_hour,
)
from advisor.billing.normalization import is_size_flexible, normalization_factor

__all__ = [
    "Bill",
    "CommitmentRates",
    "CommittedAmounts",
    "CommittedUsage",
    "CoveredAmounts",
    "LineItem",
    "MonthlyUsd",
    "amounts_usd",
    "apply_commitments",
    "commitment_meter",
    "commitment_rates",
    "committed_amounts",
    "covered_amounts",
    "covers",
    "in_clock_hours",
    "is_size_flexible",
    "normalization_factor",
    "reserved_meter",
    "total_usd",
    "usd_per_hour",
]
