"""What a sweep found, as data."""

from dataclasses import asdict, dataclass
from typing import Any

from advisor.ecs import PurchaseOption
from advisor.sweeping.axes import AxisValue, SweptAxis


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One way to run everything on EC2, that is compared with Fargate."""

    id: str
    title: str
    purchase_option: PurchaseOption
    """Of both sides, for services that may be interrupted."""
    family: str | None = None
    """None where any type may be chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Both costs at one point of the grid. [USD a month of 730 h]"""

    fargate_usd: float | None
    ec2_usd: float | None
    """None where no type serves the load or something has no price."""
    instance_types: tuple[str, ...]
    """Chosen at this point."""
    unmet_task_hours: float
    """Needed beyond the upper bound of service auto scaling, on both sides alike."""

    @property
    def ec2_saves(self) -> float | None:
        """What EC2 saves against Fargate, as a share of Fargate's cost."""
        if self.fargate_usd is None or self.ec2_usd is None or not self.fargate_usd:
            return None
        return 1 - self.ec2_usd / self.fargate_usd

    @property
    def gap_fraction(self) -> float:
        """How far apart both are, as a share of Fargate's cost; 0 where one has no price."""
        return abs(self.ec2_saves or 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """Where the order of the costs changes along x: between ``low`` and ``high`` it does, and at both it was worked out."""

    low: float
    high: float
    at_low: Cell
    at_high: Cell
    cheaper_below: str
    """``EC2`` or ``Fargate``: below this point."""
    is_jump: bool
    """Whole tasks, instances or services: the costs jump past each other and are never within 1 %."""

    @property
    def at(self) -> float:
        """The end at which the costs are closer."""
        return self.low if self.at_low.gap_fraction <= self.at_high.gap_fraction else self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """All changes of order along x for one line and one value of y."""

    line: str
    y: AxisValue
    crossings: tuple[Crossing, ...]
    cheaper_at_least_x: str | None
    """``EC2`` or ``Fargate`` at the lowest x that has both costs; None where there is none."""

    @property
    def span(self) -> tuple[float, float] | None:
        """From the first crossing to the last one; None without."""
        return (self.crossings[0].low, self.crossings[-1].high) if self.crossings else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadCloud:
    """Next month's load over that of the last four weeks, in the draws that the intervals of an answer come from."""

    p10: float
    p50: float
    p90: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Costs on a grid of two circumstances."""

    cluster: str
    region: str
    prices: str
    """Date of the newest rate."""
    x: SweptAxis
    y: SweptAxis
    lines: tuple[Line, ...]
    cells: dict[str, tuple[tuple[Cell, ...], ...]]
    """By id of a line: rows for y, columns for x."""
    flips: tuple[Flip, ...]
    today: Cell
    """At today's circumstances, for the first line."""
    cloud: LoadCloud | None
    """None with less than two weeks of load, or a stated one."""
    notes: tuple[str, ...]
    is_held_left_aside: bool = False
    """The account holds commitments, and no figure counts them."""

    def flips_of(self, line: str) -> tuple[Flip, ...]:
        """Flips of a line, one for each value of y."""
        return tuple(flip for flip in self.flips if flip.line == line)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as ``advisor sweep --format json`` prints."""
        data = asdict(self)
        for name, axis in (("x", self.x), ("y", self.y)):
            data[name]["words"] = axis.words
        return data
