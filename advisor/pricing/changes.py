"""What rose and fell between two catalogs."""

import fnmatch
from collections.abc import Collection
from dataclasses import dataclass

from advisor.pricing.catalog import PriceCatalog
from advisor.pricing.rates import Rate

SAME_FRACTION = 1e-9
"""Relative: rates this close are the same, whatever their last digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateChange:
    """A list rate in two catalogs; None where one of them has none."""

    region: str
    meter: str
    before: Rate | None
    after: Rate | None

    @property
    def fraction(self) -> float | None:
        """How much dearer it became, as a share of before; None for rates that came or went."""
        return None if self.before is None or self.after is None else self.after.usd / self.before.usd - 1.0

    @property
    def word(self) -> str:
        """``rose``, ``fell``, ``new`` or ``gone``."""
        if self.before is None or self.after is None:
            return "new" if self.before is None else "gone"
        return "rose" if self.after.usd > self.before.usd else "fell"


def rate_changes(
    before: PriceCatalog, after: PriceCatalog, region: str, *, meters: Collection[str] = ("*",)
) -> tuple[RateChange, ...]:
    """List rates of a Region that differ: what rose most first, then what fell most, what is new, and what is gone.

    Parameters
    ----------
    before, after : PriceCatalog
        Both hold the Region.
    region : str
    meters : Collection[str]
        Patterns of the meters to look at.

    Examples
    --------
    >>> import advisor
    >>> catalog = advisor.read_catalog("eu-west-1")
    >>> list(advisor.rate_changes(catalog, catalog, "eu-west-1"))
    []
    """
    old, new = ({**prices.rates, **prices.further} for prices in (before.region_prices(region), after.region_prices(region)))
    found = [
        RateChange(region=region, meter=meter, before=old.get(meter), after=new.get(meter))
        for meter in old.keys() | new.keys()
        if any(fnmatch.fnmatchcase(meter, pattern) for pattern in meters) and _differ(old.get(meter), new.get(meter))
    ]
    words = ("rose", "fell", "new", "gone")
    return tuple(sorted(found, key=lambda each: (words.index(each.word), -abs(each.fraction or 0.0), each.meter)))


def _differ(one: Rate | None, other: Rate | None) -> bool:
    if one is None or other is None:
        return True
    return abs(one.usd - other.usd) > SAME_FRACTION * other.usd
