"""Rates found in a source, each with the place that states it; two places that disagree are an error."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Generic, NamedTuple, TypeVar

from advisor.sources.prices.download import PriceListError

Key = tuple[str, ...]
K = TypeVar("K", bound=tuple[Any, ...])

_DEAREST_USD: Final = 10**9

KEY_COLUMNS: Final[dict[str, Key]] = {
    "ec2_on_demand.csv": ("instance_type",),
    "ec2_windows_on_demand.csv": ("instance_type",),
    "ec2_reserved.csv": ("instance_type", "os", "term_years", "payment_option"),
    "ec2_reserved_convertible.csv": ("instance_type", "os", "term_years", "payment_option"),
    "ec2_spot.csv": ("instance_type",),
    "ec2_windows_spot.csv": ("instance_type",),
    "ec2_surplus_credits.csv": ("family",),
    "fargate.csv": ("architecture", "purchase_option", "dimension"),
    "fargate_windows.csv": ("architecture", "purchase_option", "dimension"),
    "managed_instances.csv": ("instance_type",),
    "savings_plans.csv": ("plan", "covered_meter", "term_years", "payment_option"),
    "ebs.csv": ("volume_type", "dimension"),
    "vpc.csv": ("item", "dimension"),
    "elb.csv": ("item", "dimension"),
    "data_transfer.csv": ("item", "dimension"),
    "cloudwatch.csv": ("item", "dimension"),
    "ecr.csv": ("item", "dimension"),
}
"""What says in each file of a Region what is priced: the columns before the rate."""


class Stated(NamedTuple):
    """A price as a source states it."""

    usd: Decimal
    effective: str
    """Date from which it holds."""
    rate_code: str
    line: int

    def __str__(self) -> str:
        return f"{self.usd:f} USD (rate {self.rate_code}, in force since {self.effective}, line {self.line})"


class FoundRate(NamedTuple):
    """A rate for a row of the catalog."""

    usd: Decimal
    unit: str


Rows = dict[str, dict[Key, FoundRate]]
"""Rates by file of the catalog and key."""


class Disagreements(Generic[K]):
    """Keeps one price for each thing, and refuses a second, different one.

    A price that replaces another of the same rate code at a later date is no second one: it is the one in force.

    Parameters
    ----------
    what : str
        The file, for messages.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._kept: dict[K, Stated] = {}

    def add(self, key: K, stated: Stated) -> None:
        """Keep a price.

        Raises
        ------
        PriceListError
            Another price for the same key is there already, and nothing says which is right.
        """
        kept = self._kept.setdefault(key, stated)
        if kept.usd == stated.usd and kept.rate_code != stated.rate_code:
            return
        if kept.rate_code == stated.rate_code and kept.effective != stated.effective:
            self._kept[key] = max(kept, stated, key=lambda each: each.effective)
        elif kept.usd != stated.usd:
            raise PriceListError(
                f"{self._what} has two prices for {' '.join(map(str, key))}: {kept} and {stated}. Neither is taken, because "
                "nothing says which is right."
            )

    def items(self) -> Iterable[tuple[K, Stated]]:
        """What was kept, by key."""
        return self._kept.items()


def usd(text: str, line: int) -> Decimal:
    """A price of the price list.

    Raises
    ------
    PriceListError
        It is not a number, is negative, or is more than anything costs.
    """
    try:
        price = Decimal(text)
    except InvalidOperation:
        price = Decimal(-1)
    if not price.is_finite() or not 0 <= price <= _DEAREST_USD:
        raise PriceListError(f"line {line}: {text!r} is not a price.")
    return price


def shortest(price: Decimal) -> str:
    """Shortest text of a price, without an exponent, as the catalog's files have it: at most ten decimals.

    Examples
    --------
    >>> shortest(Decimal("0.0960000000")), shortest(Decimal("55.04")), shortest(Decimal(100))
    ('0.096', '55.04', '100')
    """
    return f"{price.quantize(Decimal('1e-10')):f}".rstrip("0").rstrip(".")
