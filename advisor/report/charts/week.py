"""Instances against what no packing can beat, in the busiest week."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from advisor.ecs import LaunchType
from advisor.recommend.reasons import percent
from advisor.recommend.result import Alternative, InstancesView, Recommendation
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
from advisor.units import HOURS_PER_DAY, HOURS_PER_WEEK, FloatArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from advisor.report.charts.figure import Chart

LEFT_PX, LABELS_PX = 52.0, 116.0
WIDTH = WIDTH_PX - LEFT_PX - LABELS_PX - MARGIN_PX
TASKS_PX, INSTANCES_PX = 110.0, 170.0


@styled
def plot_busiest_week(recommendation: Recommendation) -> "Figure":
    """Tasks and instances in the week with the most instances, against the volume bound.

    Of the recommended alternative; where that has no instances, of the cheapest one that has.

    Examples
    --------
    >>> import advisor
    >>> from matplotlib.figure import Figure
    >>> recommendation = advisor.read_recommendation("reports/shop")
    >>> figure = advisor.plot_busiest_week(recommendation)
    >>> isinstance(figure, Figure)
    True
    """
    return draw_busiest_week(recommendation)


def busiest_week(instances: FloatArray, tasks: FloatArray, start: datetime) -> slice:
    """The week, from one midnight to another where the series is long enough, with most instance-hours, then task-hours."""
    n_hours = instances.size
    last = max(0, n_hours - HOURS_PER_WEEK)
    firsts = sorted({0, last, *range(-start.hour % HOURS_PER_DAY, last + 1, HOURS_PER_DAY)})
    totals = [np.concatenate([[0.0], np.cumsum(np.nan_to_num(values))]) for values in (instances, tasks)]

    def busy(first: int) -> tuple[float, float, bool]:
        end = min(n_hours, first + HOURS_PER_WEEK)
        sums = [round(float(total[end] - total[first]), 6) for total in totals]
        return sums[0], sums[1], (start.hour + first) % HOURS_PER_DAY == 0

    best = max(firsts, key=lambda first: (*busy(first), -first))
    return slice(best, min(n_hours, best + HOURS_PER_WEEK))


def draw_busiest_week(recommendation: Recommendation) -> "Chart":
    """As :func:`plot_busiest_week`, in the style that is set."""
    view = recommendation.views.instances
    if view is None:
        return statement(recommendation, "No alternative on instances can run this workload and has a price")
    start = datetime.fromisoformat(recommendation.views.start)
    series = [as_array(values) for values in (view.hourly_instances, view.hourly_bound, view.hourly_tasks)]
    week = busiest_week(series[0], series[2], start)
    instances, bound, tasks = (values[week] for values in series)
    if np.isnan(instances).all():
        return statement(recommendation, "No load was measured")
    start += timedelta(hours=week.start)
    launch_type = instances_launch_type(recommendation.alternative(view.alternative))
    height = HEADING_PX + TASKS_PX + 12 + HEADING_PX + INSTANCES_PX + 22
    title = _finding(launch_type, instances, bound)
    page = Page(recommendation, title, _subtitle(recommendation, view), height=height)
    _tasks(page, tasks, start)
    _instances(page, HEADING_PX + TASKS_PX + 12, (instances, bound), launch_type, start)
    return page.figure


def instances_launch_type(alternative: Alternative) -> LaunchType:
    """Of the instances."""
    providers = alternative.plan.capacity_providers.values() if alternative.plan is not None else ()
    return next((p.launch_type for p in providers if p.launch_type is not LaunchType.FARGATE), LaunchType.EC2)


def _tasks(page: Page, tasks: FloatArray, start: datetime) -> None:
    axes = page.panel("Tasks on these instances", LEFT_PX, 0, WIDTH, TASKS_PX)
    value_axis(axes, float(np.nanmax(tasks)), n_most=4, is_whole=True)
    time_axis(axes, start, tasks.size, WIDTH, has_labels=False)
    show_gaps(axes, tasks, WIDTH, TASKS_PX)
    edges = np.arange(tasks.size + 1, dtype=np.float64)
    draw_steps(axes, tasks, edges, baseline=0.0, colour=mixed_with_white(LOAD_COLOUR, 0.25))
    draw_steps(axes, tasks, edges, colour=LOAD_COLOUR, width=1.2)


def _instances(page: Page, top: float, series: tuple[FloatArray, FloatArray], launch_type: LaunchType, start: datetime) -> None:
    instances, bound = series
    axes = page.panel("Instances", LEFT_PX, top, WIDTH, INSTANCES_PX)
    highest = float(np.nanmax([instances, bound])) or 1.0
    value_axis(axes, highest, n_most=5, is_whole=True)
    time_axis(axes, start, instances.size, WIDTH, overhang_px=40)
    show_gaps(axes, instances, WIDTH, INSTANCES_PX, has_label=False)
    edges = np.arange(instances.size + 1, dtype=np.float64)
    draw_steps(axes, instances, edges, colour=COLOURS[launch_type], width=2.0)
    draw_steps(axes, bound, edges, colour=BOUND_COLOUR, width=1.0, style=(0, (3, 2)))
    _label_ends(page, top + HEADING_PX, (instances, bound), highest * 1.06, launch_type)


def _label_ends(page: Page, top: float, series: tuple[FloatArray, FloatArray], highest: float, launch_type: LaunchType) -> None:
    last = [float(values[~np.isnan(values)][-1]) for values in series]
    gap = line_height(TEXT_PT) + line_height(SMALL_PT) + 3
    wanted = [top + INSTANCES_PX * (1 - value / highest) for value in last]
    wanted[0] -= 0.1  # the same place: instances above their bound
    y_instances, y_bound = spread_apart(wanted, gap, top + 8, top + INSTANCES_PX - 24)
    x = LEFT_PX + WIDTH + 8
    half = line_height(TEXT_PT) / 2
    name = launch_type.called.replace("Managed Instances", "Managed Inst.")
    page.name(x, y_instances - half, name, colour=COLOURS[launch_type])
    page.text(x, y_instances + half, "instances", size=SMALL_PT, colour=QUIET_COLOUR)
    page.name(x, y_bound - half, "Volume bound")
    page.text(x, y_bound + half, "fewest possible", size=SMALL_PT, colour=QUIET_COLOUR)


def _finding(launch_type: LaunchType, instances: FloatArray, bound: FloatArray) -> str:
    name = launch_type.called + (" needs" if launch_type is LaunchType.EC2 else " need")
    low, high = (float(round(end)) for end in (np.nanmin(instances), np.nanmax(instances)))  # a Spot pool's are means
    count = counted(high, "instance") if low == high else f"{low:,.0f} to {counted(high, 'instance')}"
    known = ~np.isnan(instances) & ~np.isnan(bound)
    least = float(bound[known].sum())
    more = float(instances[known].sum()) / least - 1 if least else 0.0
    when = "throughout the busiest week" if low == high else "in the busiest week"
    if more < 0.005:
        return f"{name} {count} {when}, as few as any packing"
    return f"{name} {count} {when}, {percent(more)} more than a perfect packing"


def _subtitle(recommendation: Recommendation, view: InstancesView) -> str:
    best = recommendation.recommended
    if view.alternative == best.id:
        return f"{best.title}, the recommended plan."
    return f"{view.title}, the cheapest alternative with instances. Recommended is {best.title}, which has none."
