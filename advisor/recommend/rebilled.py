"""A bill at the rates of another catalog."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from advisor.billing import LineItem, amounts_usd
from advisor.meters import Meter
from advisor.pricing import PriceCatalog


@dataclass(frozen=True, slots=True, kw_only=True)
class RebilledLine:
    """One line of a bill at two rates."""

    part: str
    meter: str
    quantity: float
    unit: str
    before_usd: float
    after_usd: float | None
    """Amount at the other catalog's rate; None where it has none."""

    @property
    def difference_usd(self) -> float | None:
        return None if self.after_usd is None else self.after_usd - self.before_usd


def rebilled(line_items: Sequence[LineItem], catalog: PriceCatalog, region: str) -> tuple[RebilledLine, ...]:
    """The lines of a bill beside what they cost at the rates of another catalog, what moved most first.

    Parameters
    ----------
    line_items : Sequence[LineItem]
        A bill of a month.
    catalog : PriceCatalog
        The other catalog; it holds the Region.
    region : str
    """
    quantity = np.array([item.quantity for item in line_items], dtype=np.float64)
    rates = catalog.rates_usd([Meter(id=item.meter, unit=item.unit) for item in line_items], region)
    lines = [
        RebilledLine(
            part=item.part,
            meter=item.meter,
            quantity=item.quantity,
            unit=item.unit,
            before_usd=item.amount_usd,
            after_usd=None if np.isnan(amount) else amount,
        )
        for item, amount in zip(line_items, amounts_usd(quantity, rates).tolist(), strict=True)
    ]
    return tuple(sorted(lines, key=lambda line: (-abs(line.difference_usd or 0.0), line.part, line.meter)))
