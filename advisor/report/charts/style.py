"""How every chart looks: colours, text that is measured before it is placed, ticks, and the page that holds the panels."""

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from advisor.ecs import LaunchType
from advisor.recommend.result import Recommendation
from advisor.units import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

    from advisor.report.charts.figure import Chart


P = ParamSpec("P")
R = TypeVar("R")

COLOURS: Final = {LaunchType.FARGATE: "#0072B2", LaunchType.EC2: "#D55E00", LaunchType.MANAGED_INSTANCES: "#009E73"}
"""Colour-blind safe, the same in every chart."""
LOAD_COLOUR: Final = "#555555"
BOUND_COLOUR: Final = "#000000"
TEXT_COLOUR: Final = "#1a1a1a"
QUIET_COLOUR: Final = "#5f5f5f"
"""Text that supports: 6 to 1 on white."""
GRID_COLOUR: Final = "#e4e4e4"
GAP_COLOUR: Final = "#b8b8b8"
FAINT_FRACTION: Final = 0.45
"""How much of its colour a plan keeps that is not recommended."""

WIDTH_PX: Final = 800
DPI: Final = 100
MARGIN_PX: Final = 16
TITLE_PT: Final = 12.0
TEXT_PT: Final = 9.0
SMALL_PT: Final = 8.0
HEADING_PX: Final = 21.0
"""From the top of a panel's heading to the panel."""
LINE_FACTOR: Final = 1.35
"""Distance of two lines of text, over their size."""
FONT: Final = "DejaVu Sans"
"""Comes with matplotlib, so that the same bytes are drawn everywhere; wide, so that other fonts need less room."""

_RC: Final[dict[str, Any]] = {
    "font.family": FONT,
    "font.size": TEXT_PT,
    "text.color": TEXT_COLOUR,
    "text.parse_math": False,
    "text.hinting": "none",
    "axes.edgecolor": "#8a8a8a",
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.unicode_minus": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "grid.color": GRID_COLOUR,
    "grid.linewidth": 0.8,
    "xtick.color": "#8a8a8a",
    "ytick.color": "#8a8a8a",
    "xtick.labelcolor": QUIET_COLOUR,
    "ytick.labelcolor": QUIET_COLOUR,
    "xtick.labelsize": SMALL_PT,
    "ytick.labelsize": SMALL_PT,
    "xtick.major.size": 3.0,
    "ytick.major.size": 0.0,
    "hatch.linewidth": 0.7,
    "svg.fonttype": "none",
    "svg.image_inline": True,
}


@contextmanager
def chart_style() -> Iterator[None]:
    """Matplotlib's own defaults and ours, whatever the user's settings are; they come back afterwards."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)  # type: ignore[arg-type, unused-ignore]
        yield


def styled(plot: Callable[P, R]) -> Callable[P, R]:
    """A function that draws in this style."""

    @functools.wraps(plot)
    def draw(*args: P.args, **kwargs: P.kwargs) -> R:
        with chart_style():
            return plot(*args, **kwargs)

    return draw


def mixed_with_white(colour: str, fraction: float) -> str:
    """``fraction`` of a colour, the rest white: what transparency would show, without its surprises in print.

    >>> mixed_with_white("#000000", 0.5)
    '#808080'
    """
    channels = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(255 - (255 - channel) * fraction):02x}" for channel in channels)


def plan_colour(launch_type: LaunchType, *, is_recommended: bool, shade: float = 1.0) -> str:
    """The colour of a launch type: saturated when recommended; ``shade`` tells line items apart."""
    return mixed_with_white(COLOURS[launch_type], shade * (1.0 if is_recommended else FAINT_FRACTION))


# --- text -----------------------------------------------------------------------------------------------------------------


def text_width(text: str, size: float = TEXT_PT, weight: str = "normal") -> float:
    """Width of one line of text. [px]"""
    return _text_width(clean(text), size, weight)


@functools.lru_cache(maxsize=4096)
def _text_width(text: str, size: float, weight: str) -> float:
    renderer, properties = _measure(size, weight)
    return float(renderer(text, properties, False)[0])


@functools.lru_cache(maxsize=32)
def _measure(size: float, weight: str) -> tuple[Callable[..., tuple[float, float, float]], object]:
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.font_manager import FontProperties

    renderer = RendererAgg(1, 1, DPI)  # type: ignore[no-untyped-call]
    return renderer.get_text_width_height_descent, FontProperties(family=FONT, size=size, weight=weight)


def line_height(size: float) -> float:
    """Height that one line of text takes. [px]"""
    return size * DPI / 72 * LINE_FACTOR


def clean(text: str) -> str:
    r"""One line that can be drawn and stands in an SVG: control characters become spaces, what the font lacks a box.

    >>> clean("a\tb\x00c")
    'a b c'
    """
    if text.isascii() and text.isprintable():
        return text
    known = _characters_of_the_font()
    return "".join(" " if not c.isprintable() else c if ord(c) in known else "\N{WHITE SQUARE}" for c in text)


@functools.cache
def _characters_of_the_font() -> frozenset[int]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties(family=FONT))).get_charmap())


def ellipsized(text: str, width_px: float, size: float = TEXT_PT, weight: str = "normal") -> str:
    """Text that fits, shortened in its middle: names differ at both ends."""
    text = clean(text)
    if text_width(text, size, weight) <= width_px:
        return text
    low, high = 0, len(text) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(_without_middle(text, middle), size, weight) <= width_px:
            low = middle
        else:
            high = middle - 1
    return _without_middle(text, low)


def _without_middle(text: str, n_kept: int) -> str:
    n_tail = n_kept // 2
    return f"{text[: n_kept - n_tail].rstrip()}…{text[len(text) - n_tail :].lstrip()}"


def balanced(text: str, width_px: float, size: float = TEXT_PT, weight: str = "normal", max_lines: int = 3) -> list[str]:
    """As :func:`wrapped`, with lines of about the same length."""
    lines = wrapped(text, width_px, size, weight, max_lines)
    if len(lines) < 2 or any("…" in line for line in lines):
        return lines
    for share in (0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95):
        narrower = wrapped(text, width_px * share, size, weight, max_lines)
        if len(narrower) == len(lines) and not any("…" in line for line in narrower):
            return narrower
    return lines


def wrapped(text: str, width_px: float, size: float = TEXT_PT, weight: str = "normal", max_lines: int = 3) -> list[str]:
    """Text as lines that fit; what is left after ``max_lines`` is shortened in the middle of the last one."""
    words, lines = clean(text).split(), [""]
    while words:
        longer = f"{lines[-1]} {words[0]}".lstrip()
        if text_width(longer, size, weight) <= width_px:
            lines[-1] = longer
            words.pop(0)
        elif len(lines) < max_lines and lines[-1]:
            lines.append("")
        elif len(lines) < max_lines:
            lines[-1] = ellipsized(words.pop(0), width_px, size, weight)
        else:
            lines[-1] = ellipsized(" ".join([lines[-1], *words]).lstrip(), width_px, size, weight)
            break
    return lines


def shortened(name: str, n_characters: int = 34) -> str:
    """A name for a sentence.

    >>> shortened("a" * 30 + "b" * 30, 11)
    'aaaaa…bbbbb'
    """
    return name if len(name) <= n_characters else _without_middle(name, n_characters - 1)


def number(value: float) -> str:
    """Three digits: ``0.0412``, ``12.4``, ``1,240``."""
    if abs(value) >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.3g}"


def counted(count: float, noun: str) -> str:
    """``1 task``, ``12 tasks``."""
    return f"{count:,g} {noun if count == 1 else noun + 's'}"


def rate(usd: float) -> str:
    """Dollars of an hour, to three digits: ``$0.0412``."""
    return f"${usd:,.2f}" if usd >= 1 else f"${float(f'{usd:.3g}'):.10f}".rstrip("0").ljust(len("$0.00"), "0")


# --- ticks ----------------------------------------------------------------------------------------------------------------


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


# --- page -----------------------------------------------------------------------------------------------------------------


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
    """

    def __init__(self, recommendation: Recommendation, title: str, subtitle: str = "", *, height: float) -> None:
        from advisor.report.charts.figure import Chart

        room = WIDTH_PX - 2 * MARGIN_PX
        title_lines = balanced(title, room, TITLE_PT, "bold")
        subtitle_lines = wrapped(subtitle, room, TEXT_PT, max_lines=2) if subtitle else []
        sources = wrapped(source_line(recommendation), room, SMALL_PT, max_lines=2)
        self._top = 12 + len(title_lines) * line_height(TITLE_PT) + len(subtitle_lines) * line_height(TEXT_PT) + 12
        footer = len(sources) * line_height(SMALL_PT) + 20
        self.height = math.ceil(self._top + height + footer)
        self.body_height = height
        self.figure: Chart = Chart(figsize=(WIDTH_PX / DPI, self.height / DPI), dpi=DPI, facecolor="white")
        self.figure.finding = clean(title)
        x, y = self.place(MARGIN_PX, 12 - self._top)
        self.figure.suptitle(
            "\n".join(title_lines), x=x, y=y, ha="left", va="top", size=TITLE_PT, weight="bold", linespacing=1.15
        )
        self._lines(subtitle_lines, 14 + len(title_lines) * line_height(TITLE_PT) - self._top, TEXT_PT, QUIET_COLOUR)
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

    def text(self, x: float, y: float, text: str, *, size: float = TEXT_PT, colour: str = TEXT_COLOUR, ha: str = "left",
             weight: str = "normal") -> "Text":  # fmt: skip
        """One line whose top is at ``y`` below the title. [px]"""
        return self.figure.text(*self.place(x, y), clean(text), size=size, color=colour, ha=ha, va="top", weight=weight)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Pixels below the title as the figure's own fractions."""
        return x / WIDTH_PX, 1 - (self._top + y) / self.height

    def _lines(self, lines: Sequence[str], y: float, size: float, colour: str, weight: str = "normal") -> None:
        for row, line in enumerate(lines):
            self.text(MARGIN_PX, y + row * line_height(size), line, size=size, colour=colour, weight=weight)


def source_line(recommendation: Recommendation) -> str:
    """Where the numbers come from, with the date of the catalog."""
    run = recommendation.run
    prices = f"prices of {run.catalog.get('newest', 'unknown date')} in {recommendation.region}"
    load = f"load of {run.start[:10]} to {run.end[:10]}, hours in UTC"
    return f"Source: {prices}; {load}; cluster {shortened(recommendation.cluster)}; advisor {run.version}"


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

    options: dict[str, Any] = (
        {"edgecolor": colour, "lw": width, "ls": style} if baseline is None else {"facecolor": colour, "lw": 0}
    )
    axes.add_artist(StepPatch(values, edges, baseline=baseline, fill=baseline is not None, **options))  # type: ignore[arg-type]


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
