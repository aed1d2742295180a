"""The page that holds the panels of a chart, with axes that start at zero."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from advisor.recommend.result import Recommendation
from advisor.report.charts.style import (
    DPI,
    HEADING_PX,
    MARGIN_PX,
    QUIET_COLOUR,
    SMALL_PT,
    TEXT_COLOUR,
    TEXT_PT,
    TITLE_PT,
    WIDTH_PX,
)
from advisor.report.charts.text import balanced, clean, ellipsized, line_height, number, shortened, text_width, wrapped
from advisor.report.words import period
from advisor.units import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

    from advisor.report.charts.figure import Chart

TITLE_CLASS, SUBTITLE_CLASS, NAME_CLASS = "title", "subtitle", "name"
"""Of text in an SVG that a narrow page shows in another place."""


def tick_step(top: float, n_most: int, *, is_whole: bool = False) -> float:
    """A round distance between ticks, 1, 2 or 5 times a power of ten, with at most ``n_most`` of them above zero."""
    if top <= 0:
        return 1.0
    step = 10.0 ** math.floor(math.log10(top / n_most))
    while top / step > n_most:
        step *= 2.5 if f"{step:e}".startswith("2") else 2.0
    return max(1.0, step) if is_whole else step


def ticks_from_zero(top: float, n_most: int, *, is_whole: bool = False) -> list[float]:
    """Round numbers from zero to ``top``."""
    step = tick_step(top, n_most, is_whole=is_whole)
    return [i * step for i in range(math.floor(top / step * (1 + 1e-9)) + 1)]


def money_ticks(ticks: Sequence[float]) -> list[str]:
    """Dollars with as many decimals as the distance of the ticks needs."""
    step = ticks[1] if len(ticks) > 1 else 1.0
    decimals = 0 if step >= 1 else max(2, math.ceil(-math.log10(step) - 1e-9))
    return [f"${value:,.{decimals}f}" for value in ticks]


def value_axis(
    axes: "Axes",
    top: float,
    *,
    n_most: int = 5,
    is_whole: bool = False,
    label: Callable[[Sequence[float]], list[str]] | None = None,
) -> None:
    """A vertical axis from zero, with light lines behind the data."""
    top = top if top > 0 else 1.0
    ticks = ticks_from_zero(top, n_most, is_whole=is_whole)
    axes.set_ylim(0, top * 1.06)
    axes.set_yticks(ticks, labels=label(ticks) if label else [number(tick) for tick in ticks])
    axes.grid(axis="y")


class Page:
    """A figure of fixed width, laid out in pixels from the top left: what is measured before it is drawn cannot overlap.

    Parameters
    ----------
    title
        The finding.
    subtitle
        What supports it, in one or two lines.
    height
        Room for panels. [px]
    recommendation
        What the chart shows; or, of a chart of something else, the line that says where its numbers come from.
    """

    def __init__(self, recommendation: Recommendation | str, title: str, subtitle: str = "", *, height: float) -> None:
        from advisor.report.charts.figure import Chart

        room = WIDTH_PX - 2 * MARGIN_PX
        title_lines = balanced(title, room, TITLE_PT, "bold")
        subtitle_lines = wrapped(subtitle, room, TEXT_PT, max_lines=2) if subtitle else []
        sources = _source_lines(recommendation, room)
        self._top = 12 + len(title_lines) * line_height(TITLE_PT) + len(subtitle_lines) * line_height(TEXT_PT) + 12
        footer = len(sources) * line_height(SMALL_PT) + 20
        self.height = math.ceil(self._top + height + footer)
        self.body_height = height
        self.figure: Chart = Chart(figsize=(WIDTH_PX / DPI, self.height / DPI), dpi=DPI, facecolor="white")
        self.figure.finding = clean(title)
        x, y = self.place(MARGIN_PX, 12 - self._top)
        self.figure.heading_fraction = self._top / WIDTH_PX
        heading = self.figure.suptitle(
            "\n".join(title_lines), x=x, y=y, ha="left", va="top", size=TITLE_PT, weight="bold", linespacing=1.15
        )
        heading.set_gid(TITLE_CLASS)
        below = 14 + len(title_lines) * line_height(TITLE_PT) - self._top
        for line in self._lines(subtitle_lines, below, TEXT_PT, QUIET_COLOUR):
            line.set_gid(SUBTITLE_CLASS)
        self._lines(sources, height + footer - 8 - len(sources) * line_height(SMALL_PT), SMALL_PT, QUIET_COLOUR)

    def axes(self, left: float, top: float, width: float, height: float) -> "Axes":
        """A panel; ``top`` counts from below the title. [px]"""
        bottom = self.height - self._top - top - height
        box = (left / WIDTH_PX, bottom / self.height, width / WIDTH_PX, height / self.height)
        axes = self.figure.add_axes(box)
        axes.margins(0)
        return axes

    def panel(self, heading: str, left: float, top: float, width: float, height: float) -> "Axes":
        """A panel below its heading, which names the quantity and the unit of the vertical axis and starts at ``top``. [px]"""
        axes = self.axes(left, top + HEADING_PX, width, height)
        axes.set_ylabel(clean(heading), rotation=0, ha="left", va="top", size=TEXT_PT, weight="bold", color=TEXT_COLOUR)
        axes.yaxis.set_label_coords((MARGIN_PX - left) / width, 1 + HEADING_PX / height)
        return axes

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = TEXT_PT,
        colour: str = TEXT_COLOUR,
        ha: Literal["left", "center", "right"] = "left",
        weight: str = "normal",
    ) -> "Text":
        """One line whose top is at ``y`` below the title. [px]"""
        return self.figure.text(*self.place(x, y), clean(text), size=size, color=colour, ha=ha, va="top", weight=weight)

    def name(
        self, x: float, y: float, text: str, *, colour: str = TEXT_COLOUR, size: float = TEXT_PT, weight: str = "bold"
    ) -> None:
        """What a line is, at its end; a page that is too narrow for the end shows it above the chart."""
        self.text(x, y, text, colour=colour, size=size, weight=weight).set_gid(NAME_CLASS)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Pixels below the title as the figure's own fractions."""
        return x / WIDTH_PX, 1 - (self._top + y) / self.height

    def _lines(self, lines: Sequence[str], y: float, size: float, colour: str) -> list["Text"]:
        return [
            self.text(MARGIN_PX, y + row * line_height(size), line, size=size, colour=colour) for row, line in enumerate(lines)
        ]


def _source_lines(recommendation: Recommendation | str, width: float) -> list[str]:
    """Where the numbers come from, with the date of the catalog."""
    if isinstance(recommendation, str):
        return [ellipsized(recommendation, width, SMALL_PT)]
    run = recommendation.run
    prices = f"Source: prices of {run.catalog.get('newest', 'unknown date')} in {recommendation.region}"
    load = period(run) if run.is_stated else f"load of {period(run)}, hours in UTC"
    origin = f"cluster {shortened(recommendation.cluster, 60)}; advisor {run.version}"
    line = f"{prices}; {load}; {origin}"
    lines = [line] if text_width(line, SMALL_PT) <= width else [f"{prices}; {load}", origin]
    return [ellipsized(each, width, SMALL_PT) for each in lines]


def statement(recommendation: Recommendation, title: str, subtitle: str = "") -> "Chart":
    """A figure that says why there is no chart."""
    return Page(recommendation, title, subtitle, height=0).figure


def draw_steps(
    axes: "Axes",
    values: FloatArray,
    edges: FloatArray,
    *,
    baseline: "FloatArray | float | None" = None,
    colour: str,
    width: float = 0.0,
    style: "str | tuple[float, tuple[float, float]]" = "-",
) -> None:
    """A value for each interval between edges: an area above ``baseline``, or a line without one; NaN leaves a gap.

    As ``Axes.stairs``, without the search for limits, which are set already.
    """
    from matplotlib.patches import StepPatch

    patch = StepPatch(values, edges, baseline=baseline, fill=baseline is not None, lw=0)  # type: ignore[arg-type]  # None, too
    if baseline is None:
        patch.set(edgecolor=colour, lw=width, ls=style)
    else:
        patch.set_facecolor(colour)
    axes.add_artist(patch)


def spread_apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places for labels as near as can be to ``wanted``, at least ``gap`` apart, within ``low`` to ``high``.

    >>> spread_apart([5.0, 5.0], 2.0, 0.0, 10.0)
    [4.0, 6.0]
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    places = list(wanted)
    for _ in range(8):
        for a, b in pairwise(order):
            short = gap - (places[b] - places[a])
            if short > 0:
                places[a] -= short / 2
                places[b] += short / 2
        if order:
            shift = max(0.0, low - places[order[0]]) - max(0.0, places[order[-1]] - high)
            places = [place + shift for place in places]
    return places


def as_array(values: Sequence[float | None]) -> FloatArray:
    """Floats with NaN where there is nothing."""
    import numpy as np

    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
