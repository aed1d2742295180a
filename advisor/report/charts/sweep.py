"""Where the answer flips over two circumstances, and which input moves it most."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from advisor.ecs import LaunchType
from advisor.report.charts.page import Page, tick_step
from advisor.report.charts.style import (
    COLOURS,
    LOAD_COLOUR,
    MARGIN_PX,
    QUIET_COLOUR,
    SMALL_PT,
    TEXT_COLOUR,
    TEXT_PT,
    WIDTH_PX,
    mixed_with_white,
    styled,
)
from advisor.report.charts.text import line_height, text_width, wrapped
from advisor.report.sweeps import flip_headline, rank_headline, sweep_sources, terms_words
from advisor.report.words import money, percent
from advisor.sweeping import AxisName, Cell, Line, Moved, Sensitivity, Sweep, SweptAxis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from advisor.report.charts.figure import Chart

LEFT_PX, RIGHT_PX = 92.0, 16.0
PANEL_WIDTH: Final = WIDTH_PX - LEFT_PX - RIGHT_PX
ROW_PX, LINE_PX, LEAST_PANEL_PX, AXIS_PX = 34.0, 10.5, 200.0, 40.0
NAME_PT: Final = 6.5
FULL_SAVING: Final = 0.4
"""A saving of this share has the full colour."""
FAINTEST: Final = 0.12
STYLES: Final[tuple[str | tuple[float, tuple[float, ...]], ...]] = (
    "-",
    (0.0, (5.0, 2.0)),
    (0.0, (2.0, 1.5)),
    (0.0, (7.0, 2.0, 1.5, 2.0)),
    (0.0, (1.0, 1.0)),
    (0.0, (4.0, 1.0, 1.0, 1.0, 1.0, 1.0)),
)
BAR_ROW_PX, BAR_PX = 30.0, 13.0


@styled
def plot_sweep(sweep: Sweep) -> "Figure":
    """Which side is cheaper over the grid, the flip line of each way to run on EC2, today's point and its cloud.

    Examples
    --------
    >>> import advisor
    >>> from matplotlib.figure import Figure
    >>> workload = advisor.read_workload("examples/cloudwatch/workload.yaml")
    >>> catalog = advisor.read_catalog(workload.region)
    >>> found = advisor.sweep(workload, catalog, x_values=[0.5, 1, 2], families=["m7g"])
    >>> figure = advisor.plot_sweep(found)
    >>> isinstance(figure, Figure)
    True
    """
    return draw_sweep(sweep)


def draw_sweep(sweep: Sweep) -> "Chart":
    """As :func:`plot_sweep`, in the style that is set."""
    panel_px = max(LEAST_PANEL_PX, max(ROW_PX, LINE_PX * (len(sweep.lines) + 1)) * len(sweep.y.values))
    key_px = line_height(SMALL_PT) + 6
    height = key_px + panel_px + AXIS_PX
    subtitle = f"{sweep.y.words}, against {sweep.x.words}; colour: which side is cheaper ({sweep.lines[0].title}). "
    subtitle += _today_words(sweep)
    page = Page(sweep_sources(sweep), flip_headline(sweep), subtitle, height=height)
    _key(page)
    axes = page.axes(LEFT_PX, key_px, PANEL_WIDTH, panel_px)
    x_at, y_at = _scale(sweep.x), _scale(sweep.y)
    _colours(axes, sweep, x_at, y_at)
    _axis_labels(axes, sweep, x_at, y_at)
    for number in range(len(sweep.lines)):
        _flip_line(axes, sweep, number)
    _today(axes, sweep)
    return page.figure


def _today_words(sweep: Sweep) -> str:
    if sweep.x.now is None:
        return ""
    if sweep.y.now is None:
        return "Dashed: today."
    has_cloud = sweep.cloud is not None and AxisName.LOAD_FACTOR in (sweep.x.name, sweep.y.name)
    return "Dot: today. Grey: next month's load in 8 of 10 draws." if has_cloud else "Dot: today."


def _place(axis: SweptAxis, value: float | str) -> float:
    """Where a value lies on its axis."""
    if isinstance(value, str):
        return float(axis.values.index(value))
    return math.log10(value) if axis.kind.is_logarithmic else value


def _scale(axis: SweptAxis) -> list[float]:
    return [_place(axis, value) for value in axis.values]


def cell_edges(places: Sequence[float]) -> list[float]:
    """Borders between cells; the outer cells end at their values' own half distance."""
    between = [(a + b) / 2 for a, b in pairwise(places)]
    if not between:
        return [places[0] - 0.5, places[0] + 0.5]
    return [2 * places[0] - between[0], *between, 2 * places[-1] - between[-1]]


def _colours(axes: "Axes", sweep: Sweep, x_at: Sequence[float], y_at: Sequence[float]) -> None:
    from matplotlib.patches import Rectangle

    x_edges, y_edges = cell_edges(x_at), cell_edges(y_at)
    axes.set_xlim(x_edges[0], x_edges[-1])
    axes.set_ylim(y_edges[0], y_edges[-1])
    for row, cells in enumerate(sweep.cells[sweep.lines[0].id]):
        for column, cell in enumerate(cells):
            corner = (x_edges[column], y_edges[row])
            size = (x_edges[column + 1] - x_edges[column], y_edges[row + 1] - y_edges[row])
            colour = _cell_colour(cell)
            hatch = "////" if colour is None else None
            axes.add_artist(
                Rectangle(
                    corner, *size, facecolor=colour or "white", edgecolor="#b8b8b8" if hatch else "white", lw=0.4, hatch=hatch
                )
            )


def _cell_colour(cell: Cell) -> str | None:
    """None where a side has no price."""
    saves = cell.ec2_saves
    if saves is None:
        return None
    colour = COLOURS[LaunchType.EC2 if saves > 0 else LaunchType.FARGATE]
    return mixed_with_white(colour, FAINTEST + (0.75 - FAINTEST) * min(1.0, abs(saves) / FULL_SAVING))


def _key(page: Page) -> None:
    from matplotlib.patches import Rectangle

    x = float(MARGIN_PX)
    for launch_type, words in ((LaunchType.FARGATE, "Fargate cheaper"), (LaunchType.EC2, "EC2 cheaper")):
        for share, name in ((0.02, ""), (FULL_SAVING, f"{words}, from 0 to {percent(FULL_SAVING)} or more")):
            shade = mixed_with_white(COLOURS[launch_type], FAINTEST + (0.75 - FAINTEST) * share / FULL_SAVING)
            page.figure.add_artist(
                Rectangle(page.place(x, 11.5), 14 / WIDTH_PX, 10 / page.height, facecolor=shade, edgecolor="white", lw=0)
            )
            x += 14
            if name:
                page.text(x + 6, 0, name, size=SMALL_PT, colour=QUIET_COLOUR)
                x += 6 + text_width(name, SMALL_PT) + 18


def _axis_labels(axes: "Axes", sweep: Sweep, x_at: Sequence[float], y_at: Sequence[float]) -> None:
    axes.set_xticks(list(x_at), labels=_apart(sweep.x, x_at, axes.get_xlim()))
    shown = [terms_words(value) if sweep.y.name is AxisName.COMMITMENT else sweep.y.shown(value) for value in sweep.y.values]
    axes.set_yticks(list(y_at), labels=["\n".join(wrapped(each, LEFT_PX - 16, SMALL_PT, max_lines=2)) for each in shown])
    axes.tick_params(axis="x", length=3)
    axes.set_xlabel(sweep.x.words, size=SMALL_PT, color=QUIET_COLOUR)


def _apart(axis: SweptAxis, places: Sequence[float], limits: tuple[float, float]) -> list[str]:
    """Labels of the horizontal axis; one that would touch its neighbour is left out, today's last of all."""
    px = [(place - limits[0]) / (limits[1] - limits[0]) * PANEL_WIDTH for place in places]
    labels = [axis.shown(value) for value in axis.values]
    kept: list[int] = []
    for at in sorted(range(len(labels)), key=lambda at: axis.values[at] != axis.now):
        half = text_width(labels[at], SMALL_PT) / 2
        if all(abs(px[at] - px[other]) >= half + text_width(labels[other], SMALL_PT) / 2 + 6 for other in kept):
            kept.append(at)
    return [label if at in kept else "" for at, label in enumerate(labels)]


def _flip_line(axes: "Axes", sweep: Sweep, number: int) -> None:
    """Where a line flips in each row: a dot, or a bar from the first crossing to the last; rows are joined.

    Each line has its own height within a row, so that they do not hide each other.
    """
    line, n = sweep.lines[number], len(sweep.lines)
    width = 2.0 if number == 0 else 1.0
    edges = cell_edges(_scale(sweep.y))
    low, high = axes.get_xlim()
    xs: list[float] = []
    ys: list[float] = []
    for row, flip in enumerate(sweep.flips_of(line.id)):
        y = edges[row] + (edges[row + 1] - edges[row]) * (n - number) / (n + 1)
        places = [_place(sweep.x, crossing.at) for crossing in flip.crossings]
        if not places:
            continue
        axes.plot(
            places, [y] * len(places), color=TEXT_COLOUR, lw=width, marker="|" if len(places) > 1 else "o", ms=4, mew=width
        )
        is_left = (places[-1] - low) / (high - low) > 0.85
        axes.annotate(
            _short(line),
            (places[0] if is_left else places[-1], y),
            xytext=(-5 if is_left else 5, 0),
            textcoords="offset points",
            ha="right" if is_left else "left",
            va="center",
            size=NAME_PT,
            weight="bold" if number == 0 else "normal",
        )
        xs, ys = [*xs, (places[0] + places[-1]) / 2], [*ys, y]
    if len(xs) > 1 and not sweep.y.is_categorical:
        axes.plot(xs, ys, color=TEXT_COLOUR, lw=width * 0.6, ls=STYLES[number % len(STYLES)], alpha=0.6)


def _short(line: Line) -> str:
    return line.family or {"best": "any type", "spot": "Spot pool", "type": ""}.get(line.id, line.id)


def _today(axes: "Axes", sweep: Sweep) -> None:
    """The workload's own point, with P10 to P90 of next month's load."""
    if sweep.x.now is None:
        return
    if sweep.y.now is None:
        axes.axvline(_place(sweep.x, sweep.x.now), color=LOAD_COLOUR, lw=1.2, ls=(0, (3, 2)))
        return
    x, y = _place(sweep.x, sweep.x.now), _place(sweep.y, sweep.y.now)
    cloud = sweep.cloud
    if cloud is not None:
        for axis, is_x in ((sweep.x, True), (sweep.y, False)):
            if axis.name is AxisName.LOAD_FACTOR:
                ends = [_place(axis, cloud.p10), _place(axis, cloud.p90)]
                at = (ends, [y, y]) if is_x else ([x, x], ends)
                axes.plot(*at, color="white", lw=7.0, solid_capstyle="round", alpha=0.8)
                axes.plot(*at, color=LOAD_COLOUR, lw=3.5, solid_capstyle="round")
    axes.plot([x], [y], marker="o", ms=8, color="black", mec="white", mew=1.5)


@styled
def plot_sensitivity(sensitivity: Sensitivity) -> "Figure":
    """How far each input moves the saving, farthest first.

    Examples
    --------
    >>> import advisor
    >>> from matplotlib.figure import Figure
    >>> workload = advisor.read_workload("examples/cloudwatch/workload.yaml")
    >>> ranked = advisor.sensitivity(workload, advisor.read_catalog(workload.region))
    >>> figure = advisor.plot_sensitivity(ranked)
    >>> isinstance(figure, Figure)
    True
    """
    return draw_sensitivity(sensitivity)


def draw_sensitivity(sensitivity: Sensitivity) -> "Chart":
    """As :func:`plot_sensitivity`, in the style that is set."""
    rows = sensitivity.inputs
    height = line_height(SMALL_PT) + 6 + len(rows) * BAR_ROW_PX + AXIS_PX
    subtitle = (
        "What all services on EC2 save in a month against all on Fargate, with one input changed; left of zero Fargate is "
        "cheaper."
    )
    page = Page(sweep_sources(sensitivity), rank_headline(sensitivity), subtitle, height=height)
    left = 168.0
    axes = page.axes(left, line_height(SMALL_PT) + 6, WIDTH_PX - left - MARGIN_PX, len(rows) * BAR_ROW_PX)
    values = [v for row in rows for v in (row.saving_low, row.saving_high) if v is not None] + [0.0, sensitivity.saving_usd]
    low, high = min(values), max(values)
    room = (high - low or 1.0) * 0.28
    axes.set_xlim(low - room, high + room)
    axes.set_ylim(len(rows), 0)
    step = tick_step(high - low + 2 * room, 6)
    ticks = [step * i for i in range(math.ceil((low - room) / step), math.floor((high + room) / step) + 1)]
    axes.set_xticks(
        ticks, labels=[f"-${-tick:,.0f}" if tick < 0 else f"${tick:,.0f}" if step >= 1 else money(tick) for tick in ticks]
    )
    axes.grid(axis="x")
    axes.set_yticks([i + 0.5 for i in range(len(rows))], labels=[row.input for row in rows], size=TEXT_PT)
    axes.axvline(0, color=TEXT_COLOUR, lw=1.0)
    axes.axvline(sensitivity.saving_usd, color=LOAD_COLOUR, lw=1.0, ls=(0, (3, 2)))
    for number, row in enumerate(rows):
        _bar(axes, row, sensitivity.saving_usd, number + 0.5, room)
    return page.figure


def _bar(axes: "Axes", row: Moved, today: float, middle: float, room: float) -> None:
    from matplotlib.patches import Rectangle

    half = BAR_PX / BAR_ROW_PX / 2
    ends = [(saving, words) for saving, words in ((row.saving_low, row.low), (row.saving_high, row.high)) if saving is not None]
    for saving, _ in ends:
        colour = COLOURS[LaunchType.EC2 if saving > 0 else LaunchType.FARGATE]
        axes.add_artist(
            Rectangle((today, middle - half), saving - today, 2 * half, facecolor=mixed_with_white(colour, 0.7), lw=0)
        )
    left = min(ends, key=lambda end: end[0])
    right = max(ends, key=lambda end: end[0])
    is_one = left == right or (left[0] - today) * (right[0] - today) > 0
    for (saving, words), side in ((left, "right"), (right, "left")):
        if saving == today or (is_one and (saving < today) != (side == "right")):
            continue
        axes.text(
            saving + (-1 if side == "right" else 1) * room * 0.03,
            middle,
            words,
            ha=side,
            va="center",
            size=SMALL_PT,
            color=QUIET_COLOUR,
            bbox={"facecolor": "white", "lw": 0, "pad": 0.5},
            zorder=3,
        )
