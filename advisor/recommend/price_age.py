"""How old the rates are that an answer rests on."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from advisor.billing import LineItem
from advisor.pricing.rates import first_day

OLD_DAYS: Final = 90
APART_DAYS: Final = 365
_NAMED: Final = 4


def price_age_warnings(
    best: Sequence[LineItem], compared: Sequence[LineItem], *, region: str, today: datetime.date | None
) -> tuple[str, ...]:
    """Sentences about rates that are old, or of very different age.

    They name the dates of rates, and neither today nor an age: the same inputs give the same bytes until a rate passes a limit.

    Parameters
    ----------
    best : Sequence[LineItem]
        The bill of the recommended plan.
    compared : Sequence[LineItem]
        What else the answer rests on: the plan that it is compared with, what runs today, side costs.
    region : str
    today : datetime.date, optional
        Whether rates are old is not asked without it; whether they are apart always is.
    """
    of_best = {item.meter: item.as_of for item in best}
    of_others = {item.meter: item.as_of for item in compared}
    return (*_old(of_others | of_best, of_best, region, today), *_apart(of_best))


def is_old(as_of: str, today: datetime.date) -> bool:
    """Whether a rate of that date is old on that day; one without a date is."""
    day = first_day(as_of)
    return day is None or day < today - datetime.timedelta(days=OLD_DAYS)


def _old(dates: Mapping[str, str], of_best: Mapping[str, str], region: str, today: datetime.date | None) -> Iterable[str]:
    if today is None:
        return
    old = {meter: as_of for meter, as_of in dates.items() if is_old(as_of, today)}
    if old:
        is_undated = None in map(first_day, old.values())
        what = f"rates used are older than {OLD_DAYS} days" + (", or have no date" if is_undated else "")
        refresh = f"`advisor prices refresh --region {region}` fetches them anew"
        yield f"{what}: {_named(old, of_best)}; {refresh}"


def _apart(of_best: Mapping[str, str]) -> Iterable[str]:
    dated = sorted((day, meter) for meter, as_of in of_best.items() if (day := first_day(as_of)) is not None)
    if dated and (dated[-1][0] - dated[0][0]).days > APART_DAYS:
        (_, oldest), (_, newest) = dated[0], dated[-1]
        yield (
            f"the rates of the recommended plan are more than a year apart: {oldest} of {of_best[oldest]}, {newest} of"
            f" {of_best[newest]}"
        )


def _named(found: Mapping[str, str], of_best: Mapping[str, str]) -> str:
    """The oldest first, of the recommended plan before others."""
    order = sorted(found, key=lambda meter: (meter not in of_best, found[meter], meter))
    named = ", ".join(f"{meter} ({found[meter]})" for meter in order[:_NAMED])
    return f"{named} and {len(order) - _NAMED} more" if len(order) > _NAMED else named
