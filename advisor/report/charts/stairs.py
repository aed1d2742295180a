"""Dollars per hour against number of tasks: an instance costs the same with 1 task or 10, Fargate bills each task."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from advisor.ecs import LaunchType
from advisor.recommend.result import Recommendation, Stairs
from advisor.report.charts.load import service_view, task_counts
from advisor.report.charts.steps import Steps, finding, month_sentence, n_shown, steps
from advisor.report.charts.style import (
    COLOURS,
    HEADING_PX,
    LOAD_COLOUR,
    MARGIN_PX,
    QUIET_COLOUR,
    SMALL_PT,
    TEXT_COLOUR,
    TEXT_PT,
    WIDTH_PX,
    Page,
    counted,
    draw_steps,
    ellipsized,
    line_height,
    money_ticks,
    number,
    rate,
    shortened,
    spread_apart,
    statement,
    styled,
    text_width,
    tick_step,
    value_axis,
)
from advisor.report.words import LAUNCH_WORDS
from advisor.units import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from advisor.report.charts.figure import Chart

LEFT_PX, LABELS_PX = 60.0, 176.0
WIDTH: Final = WIDTH_PX - LEFT_PX - LABELS_PX - MARGIN_PX
DOLLARS_PX, STRIP_PX, HOURS_PX = 240.0, 13.0, 76.0
HOURS_TOP_PX: Final = HEADING_PX + DOLLARS_PX + STRIP_PX + 14
STRIP_PT: Final = 7.0
MAX_BARS: Final = 80
MAX_STEPS: Final = 2_000
"""More steps than pixels cannot be told apart."""
MAX_MARKED_CROSSINGS: Final = 40
BESIDE_POINT_PX: Final = 7.0


@styled
def plot_stairs(recommendation: Recommendation, service: str) -> "Figure":
    """EC2's stairs against Fargate's line for one service, over the hours that each number of tasks lasts.

    Raises
    ------
    InputError
        There is no such service.
    """
    return draw_stairs(recommendation, service)


def draw_stairs(recommendation: Recommendation, service: str) -> "Chart":
    """As :func:`plot_stairs`, in the style that is set."""
    view = service_view(recommendation, service)
    counts, hours = task_counts(view)
    if not counts.size:
        return statement(recommendation, f"{shortened(service)}: no load was measured")
    costs = steps(view.stairs, n_shown(view.stairs, int(counts[-1])))
    title, subtitle = finding(recommendation, view, costs), month_sentence(recommendation, view)
    if not (costs.has_ec2 or costs.has_fargate):
        return statement(recommendation, title, subtitle)
    page = Page(recommendation, title, subtitle, height=HOURS_TOP_PX + HEADING_PX + HOURS_PX + 40)
    _dollars(page, view.stairs, costs)
    _strip(page, costs)
    _histogram(page, counts, hours, costs.n_most)
    return page.figure


def _dollars(page: Page, stairs: Stairs, costs: Steps) -> None:
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
        _label_floor(axes, stairs, costs)
    if costs.has_fargate:
        tasks = np.arange(costs.n_most + 1)
        axes.plot(tasks, costs.fargate_usd_per_hour, color=COLOURS[LaunchType.FARGATE], lw=2.0, solid_capstyle="butt")
        details = [stairs.fargate_title, f"{rate(stairs.fargate_usd_per_task_hour or 0.0)} a task-hour"]
        ends.append((float(costs.fargate_usd_per_hour[-1]), LaunchType.FARGATE, details))
    _mark_crossings(axes, costs, axes.get_ylim()[1])
    _label_ends(page, ends, axes.get_ylim()[1])


def _treads(usd: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Values and edges of the steps, half a task to either side of the counts; equal neighbours are one step."""
    first = np.concatenate([[0], np.flatnonzero(usd[1:] != usd[:-1]) + 1])
    first = first[:: max(1, math.ceil(first.size / MAX_STEPS))]
    return usd[first], np.append(first - 0.5, usd.size - 0.5)


def _label_ends(page: Page, ends: Sequence[tuple[float, LaunchType, list[str]]], top_usd: float) -> None:
    """What each line is, at its end."""
    block = line_height(TEXT_PT) + 2 * line_height(SMALL_PT)
    wanted = [HEADING_PX + DOLLARS_PX * (1 - usd / top_usd) for usd, _, _ in ends]
    places = spread_apart(wanted, block + 6, HEADING_PX + 8, HEADING_PX + DOLLARS_PX - block + 8)
    x = LEFT_PX + WIDTH + 8
    for place, (_, launch_type, (name, *details)) in zip(places, ends, strict=True):
        y = place - line_height(TEXT_PT) / 2
        name = ellipsized(name, LABELS_PX, TEXT_PT, "bold")
        page.text(x, y, name, colour=COLOURS[launch_type], weight="bold")
        for row, detail in enumerate(details):
            page.text(x, y + line_height(TEXT_PT) + row * line_height(SMALL_PT), detail, size=SMALL_PT, colour=QUIET_COLOUR)


def _label_floor(axes: "Axes", stairs: Stairs, costs: Steps) -> None:
    """The lowest step: as many instances as zones, for 1 task or as many as fit."""
    width = (stairs.tasks_per_instance or 0) * stairs.zones
    label = f"{counted(stairs.zones, 'instance')} for 1 to {width:,} tasks"
    shown_px = min(width, costs.n_most) / (costs.n_most + 1) * WIDTH
    if width > 1 and text_width(label, SMALL_PT) + 8 < shown_px:
        axes.annotate(
            label,
            (0.5, float(costs.ec2_usd_per_hour[1])),
            xytext=(4, 3),
            textcoords="offset points",
            ha="left",
            va="bottom",
            size=SMALL_PT,
            color=COLOURS[LaunchType.EC2],
        )


def _mark_crossings(axes: "Axes", costs: Steps, top_usd: float) -> None:
    """A ring where the line meets the stairs; the last one, from which on one is cheaper for good, in words."""
    crossings = costs.crossings
    if not crossings or len(crossings) > MAX_MARKED_CROSSINGS:
        return
    places = [costs.meeting(n) for n in crossings]
    axes.plot(
        [x for x, _ in places],
        [usd for _, usd in places],
        linestyle="none",
        marker="o",
        ms=5,
        color="white",
        markeredgecolor=TEXT_COLOUR,
        markeredgewidth=1.3,
        zorder=5,
    )
    (x, usd), n = places[-1], crossings[-1]
    axes.plot([x, x], [0, usd], color=TEXT_COLOUR, lw=0.8, linestyle=(0, (3, 3)), zorder=1)
    winner = costs.winner(n)
    if winner is None:
        return
    label = f"{LAUNCH_WORDS[winner]} cheaper from {counted(n, 'task')} on"
    left_px = (x + 0.5) / (costs.n_most + 1) * WIDTH + BESIDE_POINT_PX
    bottom_px = max(usd / top_usd * DOLLARS_PX - 2 * line_height(SMALL_PT), 3.0)
    is_left = left_px + text_width(label, SMALL_PT) > WIDTH
    if is_left:  # no room to the right: left of the dashed line, where both lines are lower
        left_px, bottom_px = left_px - 2 * BESIDE_POINT_PX, 3.0
    axes.text(
        left_px / WIDTH,
        bottom_px / DOLLARS_PX,
        label,
        transform=axes.transAxes,
        ha="right" if is_left else "left",
        va="bottom",
        size=SMALL_PT,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        zorder=4,
    )


def _strip(page: Page, costs: Steps) -> None:
    """A thin band under the lines: who is cheaper at each number of tasks."""
    axes = page.axes(LEFT_PX, HEADING_PX + DOLLARS_PX + 3, WIDTH, STRIP_PX)
    axes.set_xlim(-0.5, costs.n_most + 0.5)
    axes.set_ylim(0, 1)
    axes.set_axis_off()
    firsts = np.array([1, *costs.crossings])
    meetings = [costs.meeting(n)[0] for n in costs.crossings] if firsts.size <= MAX_MARKED_CROSSINGS else firsts[1:] - 0.5
    edges = np.array([0.5, *meetings, costs.n_most + 0.5])
    for launch_type in (LaunchType.FARGATE, LaunchType.EC2):
        is_winner = np.array([costs.winner(int(n)) is launch_type for n in firsts])
        draw_steps(axes, np.where(is_winner, 1.0, np.nan), edges, baseline=0.0, colour=COLOURS[launch_type])
        if firsts.size <= MAX_MARKED_CROSSINGS:
            for at in np.flatnonzero(is_winner).tolist():
                _label_strip(axes, launch_type, float(edges[at]), float(edges[at + 1]), WIDTH / (costs.n_most + 1))


def _label_strip(axes: "Axes", launch_type: LaunchType, first: float, end: float, px_per_task: float) -> None:
    name = LAUNCH_WORDS[launch_type]
    for label in (f"{name} cheaper", name):
        if text_width(label, STRIP_PT, "bold") + 6 < (end - first) * px_per_task:
            middle = (first + end) / 2
            axes.text(middle, 0.45, label, ha="center", va="center_baseline", size=STRIP_PT, color="white", weight="bold")
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
    step = tick_step(n_most, 12, is_whole=True)
    ticks = [i * step for i in range(int(n_most // step) + 1)]
    axes.set_xticks(ticks, labels=[number(tick) for tick in ticks])
    axes.set_xlabel("tasks running", size=SMALL_PT, color=QUIET_COLOUR, va="top")
    axes.xaxis.set_label_coords(0.5, -23 / HOURS_PX)
