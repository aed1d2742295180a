"""A week as ECS's own rules ran it in the replay: tasks needed, placed and running, tasks waiting, instances."""

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from advisor.ecs import LaunchType
from advisor.recommend.result import Recommendation
from advisor.report.charts.page import Page, as_array, draw_steps, spread_apart, statement, value_axis
from advisor.report.charts.series import show_gaps, time_axis
from advisor.report.charts.style import (
    BOUND_COLOUR,
    COLOURS,
    HEADING_PX,
    LOAD_COLOUR,
    MARGIN_PX,
    QUIET_COLOUR,
    SMALL_PT,
    TEXT_PT,
    WIDTH_PX,
    mixed_with_white,
    styled,
)
from advisor.report.charts.text import counted, line_height
from advisor.units import SECONDS_PER_HOUR, FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from advisor.report.charts.figure import Chart

LEFT_PX, LABELS_PX = 52.0, 116.0
WIDTH = WIDTH_PX - LEFT_PX - LABELS_PX - MARGIN_PX
TASKS_PX, WAITING_PX, INSTANCES_PX, GAP_PX = 150.0, 50.0, 130.0, 12.0
DASHES = (0, (3, 2))


@styled
def plot_replayed_week(recommendation: Recommendation) -> "Figure":
    """Tasks and instances of the recommended plan in the last week that was replayed, the most of every 15 minutes.

    Examples
    --------
    >>> import advisor
    >>> from matplotlib.figure import Figure
    >>> recommendation = advisor.read_recommendation("reports/shop")
    >>> figure = advisor.plot_replayed_week(recommendation)
    >>> isinstance(figure, Figure)
    True
    """
    return draw_replayed_week(recommendation)


def draw_replayed_week(recommendation: Recommendation) -> "Chart":
    """As :func:`plot_replayed_week`, in the style that is set."""
    week = recommendation.views.replayed_week
    if week is None or not week.instances:
        return statement(recommendation, "The recommended plan has no instances that were replayed")
    needed, running, placed, waiting, instances, active = (
        as_array(values) for values in (week.needed, week.running, week.placed, week.waiting, week.instances, week.active)
    )
    start = datetime.fromisoformat(week.start)
    edges: FloatArray = np.arange(instances.size + 1, dtype=np.float64) * (week.step_s / SECONDS_PER_HOUR)
    n_hours = max(1, int(np.ceil(edges[-1])))
    height = 3 * HEADING_PX + TASKS_PX + WAITING_PX + INSTANCES_PX + 2 * GAP_PX + 22
    page = Page(recommendation, _finding(instances, waiting), _subtitle(recommendation), height=height)

    def panel(heading: str, top: float, height: float, highest: float, n_most: int, *, has_labels: bool = False) -> "Axes":
        axes = page.panel(heading, LEFT_PX, top, WIDTH, height)
        value_axis(axes, highest, n_most=n_most, is_whole=True)
        time_axis(axes, start, n_hours, WIDTH, has_labels=has_labels, **({"overhang_px": 40.0} if has_labels else {}))
        return axes

    most_tasks = _highest(needed, placed)
    axes = panel("Tasks", 0, TASKS_PX, most_tasks, 4)
    show_gaps(axes, _hourly(needed, week.step_s, n_hours), WIDTH, TASKS_PX)
    draw_steps(axes, needed, edges, baseline=0.0, colour=mixed_with_white(LOAD_COLOUR, 0.25))
    draw_steps(axes, placed, edges, colour=mixed_with_white(LOAD_COLOUR, 0.6), width=1.0, style=DASHES)
    draw_steps(axes, running, edges, colour=LOAD_COLOUR, width=1.2)
    _labels(
        page,
        (HEADING_PX, TASKS_PX, most_tasks),
        [(running, "Running", LOAD_COLOUR), (placed, "Placed, dashed", QUIET_COLOUR), (needed, "Needed, area", QUIET_COLOUR)],
    )
    top = HEADING_PX + TASKS_PX + GAP_PX
    axes = panel("Tasks waiting for an instance", top, WAITING_PX, _highest(waiting), 2)
    draw_steps(axes, waiting, edges, baseline=0.0, colour=LOAD_COLOUR)
    top += HEADING_PX + WAITING_PX + GAP_PX
    most_instances = _highest(instances)
    colour = COLOURS[_launch_type(recommendation)]
    axes = panel("Instances", top, INSTANCES_PX, most_instances, 4, has_labels=True)
    draw_steps(axes, instances, edges, colour=colour, width=2.0)
    draw_steps(axes, active, edges, colour=BOUND_COLOUR, width=1.0, style=DASHES)
    _labels(
        page,
        (top + HEADING_PX, INSTANCES_PX, most_instances),
        [(instances, "Billed", colour), (active, "Active, dashed", BOUND_COLOUR)],
    )
    return page.figure


def _labels(page: Page, place: tuple[float, float, float], lines: "list[tuple[FloatArray, str, str]]") -> None:
    """The name of each line beside its last known value."""
    top, height, highest = place
    last = [float(values[~np.isnan(values)][-1]) if not np.isnan(values).all() else 0.0 for values, _, _ in lines]
    wanted = [top + height * (1 - value / (highest * 1.06)) + order * 0.1 for order, value in enumerate(last)]
    gap = line_height(TEXT_PT) + 1
    ys = spread_apart(wanted, gap, top + gap / 2, top + height - gap / 2)
    for (_, text, colour), y in zip(lines, ys, strict=True):
        is_first = text == lines[0][1]
        page.name(
            LEFT_PX + WIDTH + 8,
            y - line_height(TEXT_PT) / 2,
            text,
            colour=colour,
            size=TEXT_PT if is_first else SMALL_PT,
            weight="bold" if is_first else "normal",
        )


def _highest(*series: FloatArray) -> float:
    known = np.concatenate([values[~np.isnan(values)] for values in series])
    return float(known.max(initial=0.0)) or 1.0


def _hourly(values: FloatArray, step_s: int, n_hours: int) -> FloatArray:
    """(hours,): NaN where nothing of the hour is known; what gaps are drawn from."""
    per_hour = SECONDS_PER_HOUR // step_s
    padded = np.concatenate([values, np.full(n_hours * per_hour - values.size, np.nan)]).reshape(n_hours, per_hour)
    return np.where(np.isnan(padded).all(axis=1), np.nan, 1.0)


def _launch_type(recommendation: Recommendation) -> LaunchType:
    plan = recommendation.recommended.plan
    providers = plan.capacity_providers.values() if plan is not None else ()
    return next((p.launch_type for p in providers if p.launch_type is not LaunchType.FARGATE), LaunchType.EC2)


def _finding(instances: FloatArray, waiting: FloatArray) -> str:
    low, high = float(instances.min()), float(instances.max())
    count = counted(high, "instance") if low == high else f"{low:,.0f} to {counted(high, 'instance')}"
    most = float(waiting.max())
    waited = "no task waits for one" if most == 0 else f"at most {counted(most, 'task')} at a time wait for one"
    return f"As ECS would have run the last week: {count}, and {waited}"


def _subtitle(recommendation: Recommendation) -> str:
    return f"{recommendation.recommended.title}, what of it runs on instances, replayed; the most of every 15 minutes."
