"""Rates of an answer that break a rule of the catalog: a wrong price wins every comparison."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from advisor.pricing import PriceCatalog, violations

_NAMED: Final = 3


def price_fault_warnings(catalog: PriceCatalog, region: str, meters: Iterable[str]) -> tuple[str, ...]:
    """A sentence where rates that an answer uses, or others of the same instance type, break what must be true of prices.

    Dates are not looked at, so that an answer can be made again on another day. Linux rates alone are looked at: those
    of Windows and commitments take long to read, and `advisor prices check` has them.

    Parameters
    ----------
    catalog : PriceCatalog
    region : str
    meters : Iterable[str]
        Of the bills that the answer shows.
    """
    subjects = {_subject(meter) for meter in meters}
    families = {subject.partition(".")[0] for subject in subjects}
    prices = catalog.region_prices(region)

    near = {meter: rate for meter, rate in prices.rates.items() if _subject(meter).partition(".")[0] in families}
    # Where a rate stands is not shown, and finding it reads all tables again; so would going through all outdated rates.
    outdated = {meter: prices.outdated[meter] for meter in near if meter in prices.outdated}
    linux = replace(prices, rates=near, further={}, outdated=outdated, places={})
    found = [
        each
        for each in violations(catalog.with_list_rates(region, linux))
        if each.rule != "gap" and _subject(each.meter) in subjects
    ]
    if not found:
        return ()
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    named = "; ".join(each.problem for each in found[:_NAMED])
    return (f"prices behind this answer look wrong, do not act on it before `advisor prices check` passes: {named}{more}",)


def _subject(meter: str) -> str:
    """What a meter is of: an instance type, Fargate as a whole, or itself."""
    parts = meter.split(":")
    return next((part for part in parts if "." in part), "fargate" if "fargate" in parts else meter)
