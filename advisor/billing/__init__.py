"""The one place where a quantity meets a price: on-demand amounts, and commitments in AWS's order of application."""

from advisor.billing.amounts import Bill, LineItem, MonthlyUsd, amounts_usd, total_usd
from advisor.billing.commitments import (
    CommitmentRates,
    CommittedAmounts,
    CommittedUsage,
    apply_commitments,
    commitment_rates,
    committed_amounts,
    covers,
    in_clock_hours,
)
from advisor.billing.normalization import is_size_flexible, normalization_factor

__all__ = [
    "Bill",
    "CommitmentRates",
    "CommittedAmounts",
    "CommittedUsage",
    "LineItem",
    "MonthlyUsd",
    "amounts_usd",
    "apply_commitments",
    "commitment_rates",
    "committed_amounts",
    "covers",
    "in_clock_hours",
    "is_size_flexible",
    "normalization_factor",
    "total_usd",
]
