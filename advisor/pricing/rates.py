"""Rates with their sources: the values that a catalog is made of."""

import datetime
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

UNDATED: Final = "undated"
"""Stands for the date of a rate whose source gives none."""


_DATE: Final = re.compile(r"20\d\d(-\d\d(-\d\d)?)?")


def first_day(as_of: str) -> datetime.date | None:
    """The first day that the date of a rate may mean: a year alone is as old as it can be. None where there is no date.

    Raises
    ------
    ValueError
        It is neither a day, a month or a year, nor ``undated``.

    Examples
    --------
    >>> str(first_day("2026-07")), first_day("undated")
    ('2026-07-01', None)
    """
    if as_of == UNDATED:
        return None
    if not _DATE.fullmatch(as_of):
        raise ValueError(f"{as_of!r} is no date")
    return datetime.date.fromisoformat(f"{as_of}-01-01"[:10] if len(as_of) == 4 else f"{as_of}-01"[:10])


class RateStatus(StrEnum):
    """Whether a rate prices anything."""

    CURRENT = "current"
    SUPERSEDED = "superseded"
    """A newer rate exists. Kept for comparison."""
    STALE = "stale"
    """Too old to trust, with none newer. Kept for comparison."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where rates and specifications were read."""

    id: str
    where: str
    date: str
    note: str
    licence: str


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of a meter costs, and how we know."""

    usd: float
    unit: str
    source_id: str
    as_of: str
    """Date on which the source says that the rate was true, or ``undated``."""
    is_derived: bool = False
    """True where we worked it out from another rate; ``note`` says how."""
    note: str = ""
    error_fraction: float | None = None
    """How far off a derived rate may be, either way; None where it is listed or the error is not known."""

    def __post_init__(self) -> None:
        if not 0 < self.usd < math.inf:
            raise ValueError(f"a rate is a number above zero, not {self.usd}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRatio:
    """Fee of ECS Managed Instances as a share of the on-demand list rate, for one group of instance types."""

    scope: str
    ratio: float
    source_id: str
    as_of: str
    valid_from: str

    def __post_init__(self) -> None:
        if not 0 < self.ratio < 1:
            raise ValueError(f"a fee ratio lies between 0 and 1, not {self.ratio}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentRatio:
    """What a payment option costs against paying all upfront."""

    terms: str
    """Years and payment option, such as ``1y:no_upfront``."""
    ratio: float
    error_fraction: float
    """How far a rate made with it may be off, either way."""
    source_id: str
    as_of: str

    def __post_init__(self) -> None:
        if not 1 <= self.ratio < 2 or not 0 <= self.error_fraction < 1:
            raise ValueError(f"a ratio to all upfront lies between 1 and 2, not {self.ratio}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogOrigin:
    """Which catalog rates are from: enough to find the same one again."""

    name: str
    """``shipped with 0.1.0``, ``refreshed on 2026-11-23``, or a folder."""
    sha256: str
    """Of the files of one Region and those that all Regions share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogDates:
    """Age of what a catalog holds for a Region."""

    newest: str
    oldest: str
    undated: tuple[str, ...]
    """Meters whose source gives no date."""

    def __str__(self) -> str:
        span = self.newest if self.newest == self.oldest else f"{self.oldest} to {self.newest}"
        return f"{span}, {len(self.undated)} undated" if self.undated else span


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptionBand:
    """How often Spot instances of a type were interrupted in a month, as AWS states it: between two edges."""

    low_fraction: float
    high_fraction: float | None
    """None of the highest band, which AWS leaves open."""
    source_id: str
    as_of: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegionPrices:
    """List rates of one Region."""

    rates: Mapping[str, Rate]
    """Current rates by meter id."""
    outdated: Mapping[str, tuple[RateStatus, Rate]]
    """Newest superseded or stale rate of each meter id that has any. Prices nothing."""
    zones: Mapping[str, int]
    """How many zones offer an instance type; types that are absent are not known."""
    further: Mapping[str, Rate] = field(default_factory=dict)
    """Current rates by meter id that few ask for, such as Windows and commitments; may be read only when asked for."""
    places: Mapping[str, str] = field(default_factory=dict)
    """File and line of current rates by meter id, where they were read from files."""
    gaps: Mapping[str, str] = field(default_factory=dict)
    """Why there is no rate, by meter id or pattern, for what a complete Region would have."""
    interruptions: Mapping[str, InterruptionBand] = field(default_factory=dict)
    """Of Spot instances by type; types that are absent are not known. May be read only when asked for."""

    def rate(self, meter_id: str) -> Rate | None:
        """List rate of a meter."""
        found = self.rates.get(meter_id)
        return found if found is not None or meter_id not in self.further else self.further[meter_id]

    def dates(self) -> CatalogDates:
        """Newest and oldest date of the list rates."""
        dated = [rate.as_of for rate in self.rates.values() if rate.as_of != UNDATED]
        undated = tuple(sorted(meter for meter, rate in self.rates.items() if rate.as_of == UNDATED))
        return CatalogDates(newest=max(dated, default=UNDATED), oldest=min(dated, default=UNDATED), undated=undated)
