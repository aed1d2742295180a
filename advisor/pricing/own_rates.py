"""Rates of the user's own: negotiated prices, and prices that the catalog lacks. They win over the catalog."""

import difflib
import fnmatch
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from advisor.errors import InputError
from advisor.pricing.rates import UNDATED, Rate

FAR_BELOW_LIST: Final = 0.2
FAR_ABOVE_LIST: Final = 2.0
"""An own rate beyond these shares of the list rate is named: it may be a rate per month, or of another meter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRate:
    """One row of a rates file: a rate, or a discount on the catalog's rate."""

    meter: str
    """Id of a meter, or a shell pattern."""
    region: str
    """Region, or ``*``."""
    usd: float | None = None
    unit: str | None = None
    """Unit of ``usd``; None together with a discount."""
    discount_fraction: float | None = None
    source: str = ""
    as_of: str = ""
    file: str
    line: int

    def __post_init__(self) -> None:
        if self.usd is not None and not 0 < self.usd < math.inf:
            raise ValueError(f"a rate is a number above zero, not {self.usd:g}")
        if (self.usd is None) == (self.discount_fraction is None):
            raise ValueError("a row gives either usd or discount_fraction")
        if (self.usd is None) != (self.unit is None):
            raise ValueError("usd needs a unit, and a discount has none")
        if self.discount_fraction is not None and not 0 <= self.discount_fraction < 1:
            raise ValueError(f"a discount is a fraction from 0 to under 1, not {self.discount_fraction:g}{self._as_percent}")

    @property
    def _as_percent(self) -> str:
        percent = self.discount_fraction or 0.0
        return f" ({percent:g} % is {percent / 100:.6g})" if 1 <= percent < 100 else ""

    @property
    def is_pattern(self) -> bool:
        return any(sign in self.meter for sign in "*?[")

    @property
    def precision(self) -> tuple[bool, int, bool]:
        """Of two rows for one meter, the one that says more exactly what it means wins."""
        return not self.is_pattern, len(self.meter) - sum(map(self.meter.count, "*?[]")), self.region != "*"

    def applies_to(self, region: str) -> bool:
        return self.region in ("*", region)

    @property
    def source_id(self) -> str:
        return f"own rates: {self.file}, line {self.line}"


def check_meters(own: Sequence[OwnRate], known: Callable[[], Sequence[str]], unit_of: Callable[[str], str | None]) -> None:
    """Refuse a row whose meter does not exist.

    Parameters
    ----------
    own : Sequence[OwnRate]
    known : callable
        Ids of meters that there are, to name those close to a wrong one.
    unit_of : callable
        Unit of a meter by its id; None where there is no such meter.

    Raises
    ------
    InputError
        With the closest meters.
    """
    for row in own:
        if not row.is_pattern and unit_of(row.meter) is None:
            raise _error(
                row, f"there is no meter {row.meter!r}", fix=f"{closest(row.meter, known())} `advisor prices show` lists them."
            )


def closest(meter: str, known: Sequence[str]) -> str:
    """A sentence that names the meters whose ids are like one; empty where none is."""
    near = difflib.get_close_matches(meter, known, n=3)
    return f"Closest: {', '.join(near)}." if near else ""


def apply_own_rates(
    rates: Mapping[str, Rate], own: Sequence[OwnRate], unit_of: Callable[[str], str | None]
) -> tuple[dict[str, Rate], set[int]]:
    """Rates of one Region with the user's in place of the catalog's.

    Parameters
    ----------
    rates : Mapping[str, Rate]
        The catalog's, by meter id.
    own : Sequence[OwnRate]
        Rows that apply to the Region.
    unit_of : callable
        Unit of a meter by its id, also of those without a price; None where there is no such meter.

    Returns
    -------
    dict[str, Rate]
        Only what changes, by meter id.
    set[int]
        Lines of the rows that match a meter.

    Raises
    ------
    InputError
        Two rows say as exactly what the same meter costs, or the unit of a row is not the meter's.
    """
    chosen: dict[str, OwnRate] = {}
    matching: set[int] = set()
    for row in sorted(own, key=lambda each: each.precision, reverse=True):
        for meter in _matches(row, rates, unit_of):
            matching.add(row.line)
            other = chosen.setdefault(meter, row)
            if other is not row and other.precision == row.precision:
                first, second = sorted((other, row), key=lambda each: each.line)
                raise _error(
                    second, f"{meter} is priced here and in line {first.line}", fix="Drop one row, or make it more exact."
                )
    return {meter: _priced(meter, row, rates.get(meter), unit_of) for meter, row in chosen.items()}, matching


def _matches(row: OwnRate, rates: Mapping[str, Rate], unit_of: Callable[[str], str | None]) -> Iterator[str]:
    """A discount or a pattern changes rates that there are; only a rate for one meter may add one."""
    if row.is_pattern:
        yield from filter(re.compile(fnmatch.translate(row.meter)).match, rates)
    elif row.meter in rates or (row.usd is not None and unit_of(row.meter) is not None):
        yield row.meter


def _priced(meter: str, row: OwnRate, listed: Rate | None, unit_of: Callable[[str], str | None]) -> Rate:
    said = "; ".join(filter(None, (f"own rates, line {row.line}", row.source)))
    if row.discount_fraction is not None and listed is not None:
        base = f"{row.discount_fraction:.4g} off {listed.usd:g} ({listed.source_id}, {listed.as_of})"
        note = "; ".join(filter(None, (f"{said}: {base}", listed.note)))
        return replace(listed, usd=listed.usd * (1 - row.discount_fraction), source_id=row.source_id, note=note)
    unit = unit_of(meter)
    if row.usd is None or row.unit is None or row.unit != unit:
        raise _error(row, f"{meter} is counted in {unit}, not {row.unit}", fix=f"Give USD per {unit}.")
    return Rate(usd=row.usd, unit=row.unit, source_id=row.source_id, as_of=row.as_of or UNDATED, note=said)


def far_from_list(own: Sequence[OwnRate], rates: Mapping[str, Rate], listed: Mapping[str, Rate]) -> Iterator[str]:
    """A sentence for each own rate that stands far from the list rate of its meter."""
    rows = {row.source_id: row for row in own}
    for meter, rate in rates.items():
        row, base = rows[rate.source_id], listed.get(meter)
        if row.usd is not None and base is not None and not FAR_BELOW_LIST <= rate.usd / base.usd <= FAR_ABOVE_LIST:
            times = f"{rate.usd / base.usd:.3g} times the list rate {base.usd:g}"
            yield f"{row.file}, line {row.line}: {rate.usd:g} USD per {rate.unit} of {meter} is {times}: check the unit"


def _error(row: OwnRate, problem: str, *, fix: str) -> InputError:
    return InputError(problem, fix=fix, file=row.file, line=row.line)
