"""What can be swept: the circumstances of a workload, each with its values and today's."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from advisor.errors import InputError


class AxisName(StrEnum):
    """One circumstance that can be other than today."""

    LOAD_FACTOR = "load_factor"
    UTILIZATION = "utilization"
    SERVICES = "services"
    HOURS_PER_DAY = "hours_per_day"
    SPOT_DISCOUNT = "spot_discount"
    FARGATE_PRICE = "fargate_price"
    EC2_PRICE = "ec2_price"
    SPOT_PRICE = "spot_price"
    INSTANCE_TYPE = "instance_type"
    COMMITMENT = "commitment"


AxisValue = float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisKind:
    """How an axis is counted and drawn."""

    words: str
    values: tuple[float, ...]
    """Swept by default; empty where they hang on the workload."""
    least: float
    most: float
    is_whole: bool = False
    is_logarithmic: bool = False
    is_fraction: bool = False
    """Shown in percent."""
    is_change: bool = False
    """A fraction with a sign."""


AXES: Final[Mapping[AxisName, AxisKind]] = {
    AxisName.LOAD_FACTOR: AxisKind(
        words="load over today's",
        values=(0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0),
        least=0.01,
        most=1_000,
        is_logarithmic=True,
    ),
    AxisName.UTILIZATION: AxisKind(
        words="CPU utilization that service auto scaling aims at",
        values=(0.4, 0.5, 0.6, 0.7, 0.8),
        least=0.01,
        most=1,
        is_fraction=True,
    ),
    AxisName.SERVICES: AxisKind(words="number of services", values=(), least=1, most=200, is_whole=True),
    AxisName.HOURS_PER_DAY: AxisKind(
        words="hours a day in which tasks run, the busiest ones", values=(4, 8, 12, 16, 20, 24), least=1, most=24, is_whole=True
    ),
    AxisName.SPOT_DISCOUNT: AxisKind(
        words="discount of EC2 Spot against On-Demand, of the whole pool",
        values=(0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
        least=0,
        most=0.99,
        is_fraction=True,
    ),
    AxisName.FARGATE_PRICE: AxisKind(
        words="price of Fargate against today's",
        values=(-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3),
        least=-0.95,
        most=9,
        is_fraction=True,
        is_change=True,
    ),
    AxisName.EC2_PRICE: AxisKind(
        words="price of EC2 instances against today's",
        values=(-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3),
        least=-0.95,
        most=9,
        is_fraction=True,
        is_change=True,
    ),
    AxisName.SPOT_PRICE: AxisKind(
        words="price of EC2 Spot instances against today's",
        values=(-0.5, -0.25, 0.0, 0.25, 0.5, 1.0),
        least=-0.95,
        most=9,
        is_fraction=True,
        is_change=True,
    ),
    AxisName.INSTANCE_TYPE: AxisKind(words="instance type", values=(), least=0, most=0),
    AxisName.COMMITMENT: AxisKind(words="Savings Plans that either side buys", values=(), least=0, most=0),
}
CATEGORICAL: Final = (AxisName.INSTANCE_TYPE, AxisName.COMMITMENT)
"""Axes of names in place of numbers: nothing lies between two of them, so that they are always taken as y."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweptAxis:
    """An axis with the values that were worked out."""

    name: AxisName
    values: tuple[AxisValue, ...]
    now: AxisValue | None
    """Today's value; None where services differ or there is none."""

    @property
    def kind(self) -> AxisKind:
        return AXES[self.name]

    @property
    def words(self) -> str:
        return self.kind.words

    @property
    def is_categorical(self) -> bool:
        return self.name in CATEGORICAL

    def shown(self, value: AxisValue) -> str:
        """A value as a reader would say it."""
        if isinstance(value, str):
            return value
        if self.kind.is_change:
            return "as today" if value == 0 else f"{100 * value:+.3g} %"
        return f"{100 * value:.3g} %" if self.kind.is_fraction else f"{value:.3g}"


def axis_name(text: str) -> AxisName:
    """An axis by the name that a user gives.

    Raises
    ------
    InputError
        There is no such axis.
    """
    try:
        return AxisName(text.replace("-", "_"))
    except ValueError:
        raise InputError(f"no axis {text!r}", fix=f"Write one of {', '.join(AxisName)}.") from None


def checked_values(name: AxisName, values: Sequence[AxisValue]) -> tuple[AxisValue, ...]:
    """Values in rising order, each once.

    Raises
    ------
    InputError
        A value is no number or out of range, or there are fewer than two.
    """
    kind = AXES[name]
    if name in CATEGORICAL:
        return tuple(dict.fromkeys(str(value) for value in values))
    found = []
    for value in values:
        number = _number(name, value)
        if not kind.least <= number <= kind.most or (kind.is_whole and number != int(number)):
            whole = "a whole number " if kind.is_whole else ""
            raise InputError(
                f"{name} {value} is not {whole}from {kind.least:g} to {kind.most:g}", fix="Give values in that range."
            )
        found.append(float(number))
    unique = tuple(sorted(set(found)))
    if len(unique) < 2:
        raise InputError(f"{name} has fewer than two values", fix=f"Write {name}=0.5,1,2, or leave the values out.")
    return unique


def _number(name: AxisName, value: AxisValue) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise InputError(f"{name} {value!r} is not a number", fix=f"Write {name}=0.5,1,2, or leave the values out.")
    return number


def with_now(name: AxisName, values: Sequence[AxisValue], now: AxisValue | None) -> tuple[AxisValue, ...]:
    """Default values with today's among them, so that the workload's own point is on the grid."""
    if now is None or isinstance(now, str):
        return tuple(values)
    return checked_values(name, [*values, now])


def middle(name: AxisName, low: float, high: float) -> float:
    """Between two values of an axis, in its own scale; for whole numbers a whole one."""
    kind = AXES[name]
    if kind.is_whole:
        return float(math.floor((low + high) / 2))
    return math.sqrt(low * high) if kind.is_logarithmic else (low + high) / 2


def is_narrow(name: AxisName, low: float, high: float) -> bool:
    """Whether an interval cannot, or need not, be halved again."""
    kind = AXES[name]
    if kind.is_whole:
        return high - low <= 1
    return high / low <= 1.005 if kind.is_logarithmic else high - low <= 0.002
