"""Dollars per hour against number of tasks: an instance costs the same with 1 task or 10, Fargate bills each task."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from advisor.ecs import LaunchType
from advisor.recommend.result import Recommendation, Stairs
from advisor.report.charts.load import service_view, task_counts
from advisor.report.charts.page import Page, draw_steps, money_ticks, spread_apart, statement, tick_step, value_axis
from advisor.report.charts.steps import Steps, ec2_for_good, finding, month_sentence, n_shown, steps
from advisor.report.charts.style import (
    COLOURS,
    HEADING_PX,
    LOAD_COLOUR,
    MARGIN_PX,
    NAME_CHARACTERS,
    QUIET_COLOUR,
    SMALL_PT,
    TEXT_COLOUR,
    TEXT_PT,
    WIDTH_PX,
    styled,
)
from advisor.report.charts.text import counted, ellipsized, line_height, rate, shortened, text_width
from advisor.units import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from advisor.report.charts.figure import Chart

LEFT_PX, LABELS_PX = 60.0, 176.0
WIDTH: Final = WIDTH_PX - LEFT_PX - LABELS_PX - MARGIN_PX
DOLLARS_PX, HOURS_PX, STRIP_PX = 240.0, 76.0, 14.0
HOURS_TOP_PX: Final = HEADING_PX + DOLLARS_PX + 30
STRIP_PT: Final = 7.5
MAX_BARS: Final = 80
MAX_STEPS: Final = 2_000
"""More steps than pixels cannot be told apart."""
MAX_DOTS: Final = 40
"""Counts that are marked one by one, and parts of the band."""
MAX_RINGS: Final = 10


@styled
def plot_stairs(recommendation: Recommendation, service: str) -> "Figure":
    """EC2's stairs against Fargate's line for one service, over the hours that each number of tasks lasts.

    Raises
    ------
    InputError
        There is no such service.

    Examples
    --------
    >>> import advisor
    >>> from matplotlib.figure import Figure
    >>> recommendation = advisor.read_recommendation("reports/shop")
    >>> figure = advisor.plot_stairs(recommendation, "orders")
    >>> isinstance(figure, Figure)
    True
    """
    return draw_stairs(recommendation, service)


def draw_stairs(recommendation: Recommendation, service: str) -> "Chart":
    """As :func:`plot_stairs`, in the style that is set."""
    view = service_view(recommendation, service)
    counts, hours = task_counts(view)
    if not counts.size:
        return statement(recommendation, f"{shortened(service, NAME_CHARACTERS)}: no load was measured")
    costs = steps(view.stairs, n_shown(view.stairs, int(counts[-1])))
    title, subtitle = finding(recommendation, view, costs), month_sentence(recommendation, view, costs)
    if not (costs.has_ec2 or costs.has_fargate):
        return statement(recommendation, title, subtitle)
    page = Page(recommendation, title, subtitle, height=HOURS_TOP_PX + HEADING_PX + HOURS_PX + STRIP_PX + 42)
    _dollars(page, view.stairs, costs, counts)
    _histogram(page, counts, hours, costs.n_most)
    _strip(page, costs)
    return page.figure


def _dollars(page: Page, stairs: Stairs, costs: Steps, counts: FloatArray) -> None:
    axes = page.panel("Dollars an hour", LEFT_PX, 0, WIDTH, DOLLARS_PX)
    top = float(np.nanmax([costs.ec2_usd_per_hour, costs.fargate_usd_per_hour]))
    value_axis(axes, top, n_most=5, label=money_ticks)
    axes.set_xlim(-0.5, costs.n_most + 0.5)
    axes.set_xticks([])
    ends: list[tuple[float, LaunchType, list[str]]] = []
    if costs.has_ec2:
        values, edges = _treads(costs.ec2_usd_per_hour)
        draw_steps(axes, values, edges, colour=COLOURS[LaunchType.EC2], width=2.0)
        fits = stairs.tasks_per_instance or 0
        details = [
            f"EC2 {stairs.instance_type}",
            f"{rate(stairs.usd_per_instance_hour or 0.0)} an instance-hour",
            f"{counted(fits, 'task')} fit{'s' if fits == 1 else ''} on one",
        ]
        ends.append((float(costs.ec2_usd_per_hour[-1]), LaunchType.EC2, details))
        _mark_counts(axes, counts, costs.ec2_usd_per_hour, LaunchType.EC2)
        _label_floor(axes, stairs, costs)
    if costs.has_fargate:
        tasks = np.arange(costs.n_most + 1)
        axes.plot(tasks, costs.fargate_usd_per_hour, color=COLOURS[LaunchType.FARGATE], lw=2.0, solid_capstyle="butt")
        details = [stairs.fargate_title, f"{rate(stairs.fargate_usd_per_task_hour or 0.0)} a task-hour"]
        ends.append((float(costs.fargate_usd_per_hour[-1]), LaunchType.FARGATE, details))
        _mark_counts(axes, counts, costs.fargate_usd_per_hour, LaunchType.FARGATE)
    _mark_crossings(axes, stairs, costs, axes.get_ylim()[1])
    _label_ends(page, ends, axes.get_ylim()[1])


def _treads(usd: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Values and edges of the steps: the one above (n - 1, n] is what n tasks cost; equal neighbours are one step.

    So drawn, the line meets the stairs only where whole numbers of tasks change sides.
    """
    usd = usd[1:]
    first = np.concatenate([[0], np.flatnonzero(usd[1:] != usd[:-1]) + 1])
    first = first[:: max(1, math.ceil(first.size / MAX_STEPS))]
    return usd[first], np.append(first, usd.size).astype(np.float64)


def _mark_counts(axes: "Axes", counts: FloatArray, usd: FloatArray, launch_type: LaunchType) -> None:
    """A dot for each number of tasks that ran, where they are few: at a corner of the stairs it says which step counts."""
    if counts.size <= MAX_DOTS:
        at = counts.astype(np.int64)
        axes.plot(at, usd[at], linestyle="none", marker="o", ms=4.5, color=COLOURS[launch_type], markeredgewidth=0, zorder=3)


def _label_ends(page: Page, ends: Sequence[tuple[float, LaunchType, list[str]]], top_usd: float) -> None:
    """What each line is, at its end."""
    block = line_height(TEXT_PT) + 2 * line_height(SMALL_PT)
    wanted = [HEADING_PX + DOLLARS_PX * (1 - usd / top_usd) for usd, _, _ in ends]
    places = spread_apart(wanted, block + 6, HEADING_PX + 8, HEADING_PX + DOLLARS_PX - block + 8)
    x = LEFT_PX + WIDTH + 8
    for place, (_, launch_type, (name, *details)) in zip(places, ends, strict=True):
        y = place - line_height(TEXT_PT) / 2
        name = ellipsized(name, LABELS_PX, TEXT_PT, "bold")
        page.name(x, y, name, colour=COLOURS[launch_type])
        for row, detail in enumerate(details):
            page.text(x, y + line_height(TEXT_PT) + row * line_height(SMALL_PT), detail, size=SMALL_PT, colour=QUIET_COLOUR)


def _label_floor(axes: "Axes", stairs: Stairs, costs: Steps) -> None:
    """The lowest step: as many instances as zones, for 1 task or as many as fit."""
    width = (stairs.tasks_per_instance or 0) * stairs.zones
    label = f"{counted(stairs.zones, 'instance')} for 1 to {width:,} tasks"
    shown_px = min(width, costs.n_most) / (costs.n_most + 1) * WIDTH - 4
    if width > 1 and text_width(label, SMALL_PT) + 8 < shown_px:
        axes.annotate(
            label,
            (0.0, float(costs.ec2_usd_per_hour[1])),
            xytext=(4, 3),
            textcoords="offset points",
            ha="left",
            va="bottom",
            size=SMALL_PT,
            color=COLOURS[LaunchType.EC2],
        )


def _mark_crossings(axes: "Axes", stairs: Stairs, costs: Steps, top_usd: float) -> None:
    """A ring where the line meets the stairs; in words from where on EC2 is cheaper for good."""
    for_good = ec2_for_good(stairs, costs.n_most)
    crossings = costs.crossings
    if len(crossings) > MAX_RINGS:
        crossings = [for_good] if for_good else []
    places = [costs.meeting(n) for n in crossings]
    axes.plot(
        [x for x, _ in places],
        [usd for _, usd in places],
        linestyle="none",
        marker="o",
        ms=6.5,
        color="white",
        markeredgecolor=TEXT_COLOUR,
        markeredgewidth=1.4,
        zorder=2.5,
    )
    if for_good:
        _label_for_good(axes, costs, for_good, top_usd)


def _label_for_good(axes: "Axes", costs: Steps, n: int, top_usd: float) -> None:
    """Below and to the right of the meeting, where both lines have risen away; further down where the page ends."""
    label = f"EC2 cheaper from {counted(n, 'task')} on"
    per_task_px = WIDTH / (costs.n_most + 1)
    left_px = min((costs.meeting(n)[0] + 0.5) * per_task_px + 6, WIDTH - text_width(label, SMALL_PT) - 2)
    at = max(0, math.floor(left_px / per_task_px - 0.5))
    lower_usd = min(float(costs.ec2_usd_per_hour[at]), float(costs.fargate_usd_per_hour[at]))
    top_px = max(lower_usd / top_usd * DOLLARS_PX - 3, line_height(SMALL_PT))
    place = (left_px / WIDTH, top_px / DOLLARS_PX)
    axes.text(*place, label, transform=axes.transAxes, ha="left", va="top", size=SMALL_PT)


def _strip(page: Page, costs: Steps) -> None:
    """A thin band under the bars: who is cheaper at each number of tasks."""
    axes = page.axes(LEFT_PX, HOURS_TOP_PX + HEADING_PX + HOURS_PX + 1, WIDTH, STRIP_PX)
    axes.set_xlim(-0.5, costs.n_most + 0.5)
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.spines["bottom"].set_visible(False)
    step = tick_step(costs.n_most, 12, is_whole=True)
    ticks = [i * step for i in range(int(costs.n_most // step) + 1)]
    axes.set_xticks(ticks, labels=[f"{tick:,.0f}" for tick in ticks])
    axes.tick_params(axis="x", length=0)
    band = "; the band says who is cheaper" if costs.has_ec2 and costs.has_fargate else ""
    axes.set_xlabel(f"tasks running{band}", size=SMALL_PT, color=QUIET_COLOUR, va="top")
    axes.xaxis.set_label_coords(0.5, -24 / STRIP_PX)
    firsts = np.array([1, *costs.crossings])
    edges = np.append(firsts, costs.n_most + 1) - 0.5
    for launch_type in (LaunchType.FARGATE, LaunchType.EC2):
        is_winner = np.array([costs.winner(int(n)) is launch_type for n in firsts])
        draw_steps(axes, np.where(is_winner, 1.0, np.nan), edges, baseline=0.0, colour=COLOURS[launch_type])
        if firsts.size <= MAX_DOTS:
            for at in np.flatnonzero(is_winner).tolist():
                _label_strip(axes, launch_type, float(edges[at]), float(edges[at + 1]), WIDTH / (costs.n_most + 1))


def _label_strip(axes: "Axes", launch_type: LaunchType, first: float, end: float, px_per_task: float) -> None:
    name = launch_type.called
    for label in (f"{name} cheaper", name):
        if text_width(label, STRIP_PT, "bold") + 6 < (end - first) * px_per_task:
            middle = (first + end) / 2
            axes.text(middle, 0.46, label, ha="center", va="center", size=STRIP_PT, color="white", weight="bold")
            return


def _histogram(page: Page, counts: FloatArray, hours: FloatArray, n_most: int) -> None:
    """Hours by number of tasks, several counts to a bar where there are many."""
    from matplotlib.patches import Rectangle

    axes = page.panel("Hours a month with so many tasks", LEFT_PX, HOURS_TOP_PX, WIDTH, HOURS_PX)
    width = int(tick_step(n_most, MAX_BARS, is_whole=True)) if n_most > MAX_BARS else 1
    bins, index = np.unique(np.floor((counts - 1) / width), return_inverse=True)
    heights = np.bincount(index, weights=hours)
    value_axis(axes, float(heights.max()), n_most=3)
    middles = bins * width + 1 + (width - 1) / 2
    bar = max(width * 0.86, 2.0 * (n_most + 1) / WIDTH)
    for middle, height in zip(middles.tolist(), heights.tolist(), strict=True):
        axes.add_artist(Rectangle((middle - bar / 2, 0), bar, height, facecolor=LOAD_COLOUR, lw=0))
    axes.set_xlim(-0.5, n_most + 0.5)
    axes.set_xticks([])
