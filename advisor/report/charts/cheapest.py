"""Where each launch type is cheapest, over the load and the price of EC2 instances, with today's point and its cloud."""

import math
from typing import TYPE_CHECKING, Final

from advisor.ecs import LaunchType
from advisor.recommend.reasons import percent
from advisor.recommend.result import Recommendation
from advisor.recommend.what_ifs import CheapestMap, MapCell
from advisor.report.charts.page import Page, statement
from advisor.report.charts.style import (
    COLOURS,
    LOAD_COLOUR,
    MARGIN_PX,
    QUIET_COLOUR,
    SMALL_PT,
    TEXT_COLOUR,
    WIDTH_PX,
    mixed_with_white,
    styled,
)
from advisor.report.charts.sweep import cell_edges
from advisor.report.charts.text import line_height, text_width
from advisor.report.words import money

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from advisor.report.charts.figure import Chart

LEFT_PX: Final = 88.0
WIDTH: Final = WIDTH_PX - LEFT_PX - MARGIN_PX
ROW_PX: Final = 26.0
SHADE: Final = 0.6
BOTH_COLOUR: Final = "#8a8a8a"
NO_PRICE: Final = "no price"


@styled
def plot_cheapest_map(recommendation: Recommendation) -> "Figure":
    """Which launch types are cheapest over load and EC2 price, with today's point and next month's load.

    What is shown was worked out by :func:`advisor.explore`; without it the figure says so.

    Examples
    --------
    >>> import advisor
    >>> from matplotlib.figure import Figure
    >>> recommendation = advisor.read_recommendation("reports/shop")
    >>> figure = advisor.plot_cheapest_map(recommendation)
    >>> isinstance(figure, Figure)
    True
    """
    return draw_cheapest_map(recommendation)


def draw_cheapest_map(recommendation: Recommendation) -> "Chart":
    """As :func:`plot_cheapest_map`, in the style that is set."""
    found = recommendation.cheapest_map
    if found is None:
        return statement(recommendation, "Where each launch type is cheapest was not worked out")
    key_px, panel_px = line_height(SMALL_PT) + 8, ROW_PX * len(found.ec2_price_changes)
    subtitle = (
        "Cheapest launch types by load and by price of EC2 instances; dollars a month on the last four weeks' load, before a "
        "replay. Dot: today."
    )
    if found.load_p10 is not None:
        subtitle += " Bar: next month's load in 8 of 10 draws."
    page = Page(recommendation, map_finding(found), subtitle, height=key_px + panel_px + 44)
    _key(page, found)
    axes = page.axes(LEFT_PX, key_px, WIDTH, panel_px)
    _cells(axes, found)
    _today(axes, found)
    return page.figure


def map_finding(found: CheapestMap) -> str:
    """What is cheapest today, and the nearest price at which another choice is."""
    row = found.ec2_price_changes.index(0.0)
    column = found.load_factors.index(1.0)
    prices = [cells[column] for cells in found.cells]
    flips = [
        f"{percent(abs(found.ec2_price_changes[at]))} {'lower' if at < row else 'higher'}"
        for at in (_flip(prices, row, -1), _flip(prices, row, 1))
        if at is not None
    ]
    says = f"Cheapest at today's load and prices: {_what(found.today, found.n_services)}"
    if not flips:
        ends = found.ec2_price_changes
        return f"{says}, and that holds for EC2 prices from {percent(ends[0])} to +{percent(ends[-1])}"
    return f"{says}; another choice if EC2 prices are {' or '.join(flips)}"


def _flip(prices: list[MapCell], row: int, step: int) -> int | None:
    """The nearest price at which as many services on instances are no longer the cheapest."""
    at = row + step
    while 0 <= at < len(prices):
        if prices[at].services_on_instances != prices[row].services_on_instances:
            return at
        at += step
    return None


def _what(cell: MapCell, n: int) -> str:
    k = cell.services_on_instances
    if k in (0, n):
        place = "instances" if k else "Fargate"
        return place if n == 1 else f"all {n} services on {place}"
    return f"{k} of {n} services on instances, {'the other' if n - k == 1 else f'{n - k}'} on Fargate"


def _colour(cell: MapCell, n: int) -> str:
    if cell.usd is None:
        return "white"
    k = cell.services_on_instances
    own = COLOURS[LaunchType.FARGATE] if not k else COLOURS[LaunchType.EC2] if k == n else BOTH_COLOUR
    return mixed_with_white(own, SHADE)


def _key(page: Page, found: CheapestMap) -> None:
    from matplotlib.patches import Rectangle

    entries = [("all on Fargate", COLOURS[LaunchType.FARGATE]), ("all on instances", COLOURS[LaunchType.EC2])]
    entries += [("some on each: dollars · services on instances", BOTH_COLOUR)] if found.n_services > 1 else []
    x = LEFT_PX
    for words, colour in entries:
        size = (10 / WIDTH_PX, 10 / page.height)
        page.figure.add_artist(Rectangle(page.place(x, 12), *size, facecolor=mixed_with_white(colour, SHADE), lw=0))
        page.text(x + 15, 0, words, size=SMALL_PT, colour=QUIET_COLOUR)
        x += 15 + text_width(words, SMALL_PT) + 20


def _cells(axes: "Axes", found: CheapestMap) -> None:
    from matplotlib.patches import Rectangle

    x_at, y_at = [math.log2(factor) for factor in found.load_factors], list(found.ec2_price_changes)
    x_edges, y_edges = cell_edges(x_at), cell_edges(y_at)
    axes.set_xlim(x_edges[0], x_edges[-1])
    axes.set_ylim(y_edges[0], y_edges[-1])
    px = WIDTH / (x_edges[-1] - x_edges[0])
    for row, cells in enumerate(found.cells):
        for column, cell in enumerate(cells):
            corner = (x_edges[column], y_edges[row])
            width, height = x_edges[column + 1] - x_edges[column], y_edges[row + 1] - y_edges[row]
            axes.add_artist(
                Rectangle(corner, width, height, facecolor=_colour(cell, found.n_services), edgecolor="white", lw=0.6)
            )
            text = _text(cell, found.n_services, width * px)
            if text:
                middle = (corner[0] + width / 2, corner[1] + height / 2)
                axes.text(*middle, text, ha="center", va="center", size=SMALL_PT, color=TEXT_COLOUR)
    axes.set_xticks(x_at, labels=[f"{factor:g}" for factor in found.load_factors])
    axes.set_yticks(y_at, labels=["today's" if not change else f"{100 * change:+.0f} %" for change in found.ec2_price_changes])
    axes.set_xlabel("load over today's", size=SMALL_PT, color=QUIET_COLOUR)
    axes.text(
        (MARGIN_PX + line_height(SMALL_PT) / 2 - LEFT_PX) / WIDTH,
        0.5,
        "price of EC2 instances",
        transform=axes.transAxes,
        ha="center",
        va="center",
        rotation=90,
        size=SMALL_PT,
        color=QUIET_COLOUR,
    )
    axes.spines["bottom"].set_visible(False)


def _text(cell: MapCell, n: int, room_px: float) -> str:
    """Dollars, with the number of services on instances where some are on each; as much as fits."""
    if cell.usd is None:
        texts = [NO_PRICE, "-"]
    else:
        some = f" · {cell.services_on_instances}" if 0 < cell.services_on_instances < n else ""
        texts = [f"{money(cell.usd)}{some}", money(cell.usd), some.strip(" ·")]
    return next((text for text in texts if text_width(text, SMALL_PT) + 6 < room_px), "")


def _today(axes: "Axes", found: CheapestMap) -> None:
    """Above the figure of its cell, so that both can be read."""
    below = [change for change in found.ec2_price_changes if change < 0]
    y = -0.34 * abs(max(below)) if below else 0.0
    if found.load_p10 is not None and found.load_p90 is not None:
        ends = [math.log2(found.load_p10), math.log2(found.load_p90)]
        axes.plot(ends, [y, y], color="white", lw=6.0, solid_capstyle="round", alpha=0.8)
        axes.plot(ends, [y, y], color=LOAD_COLOUR, lw=3.0, solid_capstyle="round")
    axes.plot([0.0], [y], marker="o", ms=6, color="black", mec="white", mew=1.0)
