"""Cost of Fargate and EC2 over two circumstances at once, and the lines on which the answer flips."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from advisor.ecs import LaunchType, PurchaseOption
from advisor.errors import InputError
from advisor.optimize.held import left_aside
from advisor.pricing import PriceCatalog
from advisor.sweeping.axes import (
    AXES,
    CATEGORICAL,
    AxisName,
    AxisValue,
    SweptAxis,
    checked_values,
    is_narrow,
    middle,
    with_now,
)
from advisor.sweeping.committed import COMMITMENT_TERMS
from advisor.sweeping.load_cloud import load_cloud
from advisor.sweeping.result import Cell, Crossing, Flip, Line, Sweep
from advisor.sweeping.sides import Circumstances, Settings, Side, ec2_side, fargate_side, has_target
from advisor.units import BoolArray
from advisor.workload import Workload

N_FAMILIES = 4
"""Instance families that get a line of their own unless some are named: the cheapest ones today."""
N_TYPES = 8
MOST_SERVICES = 12
EQUAL_FRACTION = 0.01
"""Costs that differ by less at a break-even are equal; whole tasks can make them jump past each other, which is said."""
NEAR_FRACTION = 0.15
"""Between two points of the grid with the same order, one of them closer than this, three more points are looked at."""


def sweep(
    workload: Workload,
    catalog: PriceCatalog,
    *,
    x: AxisName = AxisName.LOAD_FACTOR,
    y: AxisName | None = None,
    x_values: Sequence[AxisValue] = (),
    y_values: Sequence[AxisValue] = (),
    families: Sequence[str] = (),
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Sweep:
    """Work out Fargate and EC2 on a grid of two circumstances, and find where the cheaper one changes.

    At each point EC2 gets the instance types that are cheapest there, shared by the services or one kind for each. The load is
    that of the last four weeks at most. Costs are those of the packing model; ECS's own placement may make EC2 up to 5 %
    dearer. Task sizes are the declared ones.

    Parameters
    ----------
    x, y
        Circumstances; ``y`` is utilization by default, or the hours a day where the load does not tell utilization. Break-even
        points are found along ``x``; an instance type or a commitment is always taken as ``y``.
    x_values, y_values
        Points of the grid, by default a range around today's value.
    families
        Instance families with a line of their own; by default the four that are cheapest today.
    on_progress
        Told lines done and lines in all.

    Raises
    ------
    InputError
        An axis says nothing about this workload, a value is out of range, or no candidate is of a family.

    Examples
    --------
    >>> import advisor
    >>> workload = advisor.read_workload("examples/cloudwatch/workload.yaml")
    >>> catalog = advisor.read_catalog(workload.region)
    >>> found = advisor.sweep(workload, catalog, x_values=[0.5, 1, 2], families=["m7g"])
    >>> found.x.name.value, found.x.values
    ('load_factor', (0.5, 1.0, 2.0))
    """
    here = Circumstances(workload, catalog)
    if y is None:
        y = AxisName.UTILIZATION if any(has_target(s) for s in workload.services) else AxisName.HOURS_PER_DAY
        y = AxisName.LOAD_FACTOR if y is x else y
    if x is y:
        raise InputError(f"both axes are {x}", fix="Name two different ones.")
    if x in CATEGORICAL:
        x, y, x_values, y_values = y, x, y_values, x_values
    if x in CATEGORICAL:
        raise InputError(f"{x} and {y} both have names in place of numbers", fix="Sweep one of them against load_factor.")
    for name in (x, y):
        here.check(name)
    if y is AxisName.INSTANCE_TYPE and x in (AxisName.SPOT_DISCOUNT, AxisName.SPOT_PRICE):
        raise InputError(
            "a Spot axis goes with no single instance type: a Spot pool has six of them",
            fix="Sweep ec2_price against instance_type.",
        )
    grid = _Grid(here, _axis(here, x, x_values), _axis(here, y, y_values), families)
    return grid.sweep(on_progress)


def _axis(here: Circumstances, name: AxisName, values: Sequence[AxisValue]) -> SweptAxis:
    now = here.now(name)
    if name is AxisName.COMMITMENT:
        return SweptAxis(name=name, values=_terms(here, checked_values(name, values)), now=now)
    if values:
        return SweptAxis(name=name, values=_known_types(here, checked_values(name, values)), now=now)
    if name is AxisName.INSTANCE_TYPE:
        return SweptAxis(name=name, values=_best_types(here), now=None)
    if name is AxisName.SERVICES:
        n = len(here.workload.services)
        most = min(max(6, 2 * n), max(MOST_SERVICES, n))
        steps = sorted({round(float(value)) for value in np.linspace(1, most, 8)})
        return SweptAxis(name=name, values=with_now(name, steps, now), now=now)
    return SweptAxis(name=name, values=with_now(name, AXES[name].values, now), now=now)


def _terms(here: Circumstances, stated: Sequence[AxisValue]) -> tuple[AxisValue, ...]:
    """Terms that were asked for, or else nothing and those with rates on both sides of the choice at today's load."""
    for value in stated:
        if value not in COMMITMENT_TERMS:
            raise InputError(f"no commitment {value!r}", fix=f"Write some of {', '.join(COMMITMENT_TERMS)}.")
    if stated:
        return tuple(stated)
    found = []
    for terms in COMMITMENT_TERMS:
        scenario = here.scenario({AxisName.COMMITMENT: terms})
        if all(side(scenario, PurchaseOption.ON_DEMAND) is not None for side in (fargate_side, ec2_side)):
            found.append(terms)
    if len(found) < 2:
        raise InputError(
            f"commitments cannot be swept in {here.workload.region}: no terms have rates on both sides of the choice "
            f"({_some(here.unrated)})",
            fix="Fetch them with `advisor prices refresh`, or give them with --rates FILE.",
        )
    here.unrated.clear()
    return tuple(found)


def _some(meters: Sequence[str], most: int = 3) -> str:
    names = list(dict.fromkeys(meters))
    return ", ".join(names[:most]) + (f" and {len(names) - most} more are missing" if len(names) > most else " missing")


def _known_types(here: Circumstances, values: Sequence[AxisValue]) -> tuple[AxisValue, ...]:
    names = {each.name for each in here.base.search.candidates.types}
    for value in values:
        if isinstance(value, str) and value not in names:
            raise InputError(
                f"instance type {value!r} is not among the candidates in {here.workload.region}",
                fix="Check the spelling, or widen constraints.instance_types.",
            )
    return tuple(values)


def _best_types(here: Circumstances) -> tuple[str, ...]:
    """The cheapest type of each of the cheapest families today."""
    found = [names[0] for _, names in _families_today(here)]
    return tuple(dict.fromkeys(found))[:N_TYPES]


def _families_today(here: Circumstances) -> list[tuple[str, tuple[str, ...]]]:
    """Families that serve all services, cheapest first, with the types that they would be served by."""
    types = here.base.search.candidates.types
    found = []
    for family in sorted({each.family for each in types}):
        side = ec2_side(here.base, PurchaseOption.ON_DEMAND, _is_of(types, family))
        if side is not None:
            found.append((round(side.high_usd, 9), family, side.instance_types))
    return [(family, names) for _, family, names in sorted(found)]


def _is_of(types: Sequence[Any], family: str) -> BoolArray:
    return np.array([each.family == family for each in types], dtype=np.bool_)


class _Grid:
    """Works out cells, each scenario and side once."""

    def __init__(self, here: Circumstances, x: SweptAxis, y: SweptAxis, families: Sequence[str]) -> None:
        self.here, self.x, self.y = here, x, y
        self.notes: list[str] = [*left_aside(here.workload)]
        self._sides: dict[tuple[object, ...], Side | None] = {}
        self._masks: dict[str, BoolArray] = {}
        self.lines = self._lines(families)

    def sweep(self, on_progress: Callable[[int, int], None]) -> Sweep:
        cells: dict[str, tuple[tuple[Cell, ...], ...]] = {}
        flips: list[Flip] = []
        for done, line in enumerate(self.lines):
            rows = tuple(tuple(self.cell(line, self._at(x, y)) for x in self.x.values) for y in self.y.values)
            flips += [self._flip(line, y, row) for y, row in zip(self.y.values, rows, strict=True)]
            cells[line.id] = rows
            on_progress(done + 1, len(self.lines))
        unmet = max(cell.unmet_task_hours for rows in cells.values() for row in rows for cell in row)
        if unmet:
            self.notes.append(
                f"where the load is largest, up to {unmet:,.0f} task-hours a month stay unmet: the upper bounds of service "
                "auto scaling bind, on both sides alike"
            )
        if AxisName.COMMITMENT in (self.x.name, self.y.name):
            self.notes.append(
                "with a commitment EC2 buys an EC2 Instance Savings Plan for each family and Fargate a Compute Savings Plan, "
                "each of the cheapest size for that very load, with what is paid upfront spread over the term; instance "
                "types are those that are cheapest on demand"
            )
        if self.here.unrated:
            self.notes.append(f"a side without rates for its commitment has no cost: {_some(self.here.unrated)}")
        workload = self.here.workload
        excluded = [str(each) for each in (LaunchType.FARGATE, LaunchType.EC2) if each not in workload.constraints.launch_types]
        if excluded:
            self.notes.append(f"constraints.launch_types exclude {excluded[0]}, which is shown here all the same")
        return Sweep(
            cluster=workload.cluster,
            region=workload.region,
            prices=self.here.catalog.catalog_date(workload.region),
            x=self.x,
            y=self.y,
            lines=tuple(self.lines),
            cells=cells,
            flips=tuple(flips),
            today=self.cell(replace(self.lines[0], id="today"), {}),
            cloud=load_cloud(self.here),
            notes=tuple(self.notes),
            is_held_left_aside=bool(workload.commitments),
        )

    def _at(self, x: AxisValue, y: AxisValue) -> Settings:
        return {self.x.name: x, self.y.name: y}

    def cell(self, line: Line, settings: Settings) -> Cell:
        """Both costs under these settings."""
        of_fargate: Settings = {name: value for name, value in settings.items() if name is not AxisName.INSTANCE_TYPE}
        key = tuple(sorted((str(name), value) for name, value in of_fargate.items()))
        fargate = self._side(
            ("fargate", line.purchase_option, key), lambda: fargate_side(self.here.scenario(of_fargate), line.purchase_option)
        )
        among = self.here.among(settings)
        if among is None and line.family is not None:
            among = self._masks[line.family]
        ec2 = self._side(
            (line.id, key, settings.get(AxisName.INSTANCE_TYPE)),
            lambda: ec2_side(self.here.scenario(settings), line.purchase_option, among),
        )
        return Cell(
            fargate_usd=None if fargate is None else fargate.usd,
            ec2_usd=None if ec2 is None else ec2.usd,
            instance_types=() if ec2 is None else ec2.instance_types,
            unmet_task_hours=max((side.unmet_task_hours for side in (fargate, ec2) if side is not None), default=0.0),
        )

    def _side(self, key: tuple[object, ...], work_out: Any) -> Side | None:
        if key not in self._sides:
            self._sides[key] = work_out()
        return self._sides[key]

    def _lines(self, families: Sequence[str]) -> list[Line]:
        on_demand = PurchaseOption.ON_DEMAND
        if self.y.name is AxisName.INSTANCE_TYPE:
            return [Line(id="type", title="EC2 of the row's type", purchase_option=on_demand)]
        if {self.x.name, self.y.name} & {AxisName.SPOT_DISCOUNT, AxisName.SPOT_PRICE}:
            lines = self._spot_lines()
            if not lines:
                raise InputError(
                    f"a Spot axis cannot be swept in {self.here.workload.region}: {self.notes[-1]}",
                    fix="Give the missing rates with --rates FILE, or sweep ec2_price.",
                )
            self.notes.append("On-Demand has no line: the price of Spot does not move it")
            return lines
        lines = [Line(id="best", title="EC2, cheapest types at each point", purchase_option=on_demand)]
        types = self.here.base.search.candidates.types
        known = {each.family for each in types}
        for family in families:
            if family not in known:
                raise InputError(f"no candidate instance type is of the family {family!r}", fix="Write a family such as m7g.")
        if not families:
            every = [family for family, _ in _families_today(self.here)]
            families = every[:N_FAMILIES]
            if len(every) > len(families):
                self.notes.append(
                    f"{len(families)} of {len(every)} instance families have a line: those that are cheapest today"
                )
        for family in families:
            self._masks[family] = _is_of(types, family)
            lines.append(Line(id=family, title=f"EC2 {family}", purchase_option=on_demand, family=family))
        return [*lines, *self._spot_lines()]

    def _spot_lines(self) -> list[Line]:
        if not any(service.is_interruptible for service in self.here.workload.services):
            self.notes.append("no line for Spot: no service may be interrupted")
            return []
        base, spot = self.here.base, PurchaseOption.SPOT
        missing = [
            name
            for name, side in (("Fargate Spot", fargate_side(base, spot)), ("EC2 Spot", ec2_side(base, spot)))
            if side is None
        ]
        if missing:
            self.notes.append(f"no line for Spot: no rates on both sides ({', '.join(missing)} cannot be priced)")
            return []
        return [Line(id="spot", title="EC2 Spot pool, against Fargate Spot", purchase_option=spot)]

    def _flip(self, line: Line, y: AxisValue, row: Sequence[Cell]) -> Flip:
        known = [(float(x), cell) for x, cell in zip(self.x.values, row, strict=True) if cell.ec2_saves is not None]
        known = self._with_points_between(line, y, known)
        crossings = [
            self._crossing(line, y, left, right) for left, right in pairwise(known) if _is_ec2(left[1]) != _is_ec2(right[1])
        ]
        return Flip(
            line=line.id,
            y=y,
            crossings=tuple(crossings),
            cheaper_at_least_x=_cheaper(known[0][1]) if known else None,
        )

    def _with_points_between(self, line: Line, y: AxisValue, known: list[tuple[float, Cell]]) -> list[tuple[float, Cell]]:
        """Points of the grid and some between them, where whole tasks may hide two crossings."""
        found = known[:1]
        for left, right in pairwise(known):
            if _is_ec2(left[1]) == _is_ec2(right[1]) and min(left[1].gap_fraction, right[1].gap_fraction) < NEAR_FRACTION:
                half = middle(self.x.name, left[0], right[0])
                quarters = middle(self.x.name, left[0], half), half, middle(self.x.name, half, right[0])
                for at in sorted(set(quarters) - {left[0], right[0]}):
                    cell = self.cell(line, self._at(at, y))
                    if cell.ec2_saves is not None:
                        found.append((at, cell))
            found.append(right)
        return found

    def _crossing(self, line: Line, y: AxisValue, left: tuple[float, Cell], right: tuple[float, Cell]) -> Crossing:
        """Halves the interval until its ends are close; the order at its ends stays unlike."""
        below = _is_ec2(left[1])
        while not is_narrow(self.x.name, left[0], right[0]):
            at = middle(self.x.name, left[0], right[0])
            cell = self.cell(line, self._at(at, y))
            if cell.ec2_saves is None:
                break
            left, right = ((at, cell), right) if _is_ec2(cell) == below else (left, (at, cell))
        return Crossing(
            low=left[0],
            high=right[0],
            at_low=left[1],
            at_high=right[1],
            cheaper_below=_cheaper(left[1]),
            is_jump=min(left[1].gap_fraction, right[1].gap_fraction) > EQUAL_FRACTION,
        )


def _is_ec2(cell: Cell) -> bool:
    """Whether EC2 is the cheaper side; equal costs count for Fargate, which is less work."""
    return (cell.ec2_saves or 0.0) > 1e-9


def _cheaper(cell: Cell) -> str:
    return "EC2" if _is_ec2(cell) else "Fargate"
