"""The one place where a quantity meets a price."""

from dataclasses import dataclass

import numpy as np

from advisor.units import FloatArray


def amounts_usd(quantity: FloatArray, rate_usd: FloatArray) -> FloatArray:
    r"""Dollars per meter, before commitments: every sweep, line item and total comes from here.

    Parameters
    ----------
    quantity : (..., meters)
        Quantity of each meter over a period, from :attr:`advisor.meters.Usage.totals`.
    rate_usd : (..., meters)
        Price of one unit of each meter; NaN where there is none. [USD per unit]

    Returns
    -------
    FloatArray
        (..., meters). NaN where a meter has no price or its usage has a gap; never a silent zero.

    Notes
    -----
    .. math:: a_m = p_m \sum_s h_s\, q_{ms}
    """
    return np.asarray(quantity * rate_usd, dtype=np.float64)


def total_usd(amounts: FloatArray) -> FloatArray:
    """(...): sum over meters, (..., meters)."""
    return np.asarray(amounts.sum(axis=-1), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineItem:
    """A quantity of one meter and what it costs in a month of 730 hours."""

    part: str
    """Capacity provider, or service on Fargate, that the quantity belongs to."""
    meter: str
    quantity: float
    unit: str
    rate_usd: float
    amount_usd: float
    source: str
    as_of: str
    is_derived: bool = False
    note: str = ""
    error_fraction: float | None = None
    """How far off a derived rate may be, either way; None for listed rates, and where that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Line items that add up to the month's mean."""

    line_items: tuple[LineItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyUsd:
    """Cost of a month of 730 hours. ``mean`` is the bill of the measured history; what is not computed is None."""

    mean: float
    low: float
    high: float
    p10: float | None = None
    p50: float | None = None
    p90: float | None = None
