"""How full the instances are over the day."""

from datetime import datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from advisor.ecs import LaunchType
from advisor.recommend.reasons import percent
from advisor.recommend.result import InstancesView, Recommendation
from advisor.report.charts.page import Page, as_array, draw_steps, spread_apart, statement, value_axis
from advisor.report.charts.style import (
    BOUND_COLOUR,
    COLOURS,
    HEADING_PX,
    MARGIN_PX,
    QUIET_COLOUR,
    SMALL_PT,
    TEXT_PT,
    WIDTH_PX,
    mixed_with_white,
    styled,
)
from advisor.report.charts.text import line_height
from advisor.report.charts.week import instances_launch_type
from advisor.units import HOURS_PER_DAY, FloatArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from advisor.report.charts.figure import Chart

LEFT_PX, LABELS_PX = 52.0, 132.0
WIDTH: Final = WIDTH_PX - LEFT_PX - LABELS_PX - MARGIN_PX
HEIGHT_PX: Final = 190.0
EVEN_FRACTION: Final = 0.02
"""Hours of the day that differ by less are said to be alike."""


@styled
def plot_packing(recommendation: Recommendation) -> "Figure":
    """Instances that run at each hour of the day, over the whole history, against what no packing can beat.

    Of the recommended alternative; where that has no instances, of the cheapest one that has.

    Examples
    --------
    >>> import advisor
    >>> from matplotlib.figure import Figure
    >>> recommendation = advisor.read_recommendation("reports/shop")
    >>> figure = advisor.plot_packing(recommendation)
    >>> isinstance(figure, Figure)
    True
    """
    return draw_packing(recommendation)


def draw_packing(recommendation: Recommendation) -> "Chart":
    """As :func:`plot_packing`, in the style that is set."""
    view = recommendation.views.instances
    if view is None:
        return statement(recommendation, "No alternative on instances can run this workload and has a price")
    running, bound = over_the_day(view, datetime.fromisoformat(recommendation.views.start))
    if np.isnan(running).all():
        return statement(recommendation, "No load was measured")
    is_best = view.alternative == recommendation.recommendation.alternative
    subtitle = (
        f"{view.title}{'' if is_best else ', the cheapest alternative on instances'}: means over every day that was measured."
    )
    page = Page(recommendation, _finding(running, bound), subtitle, height=HEADING_PX + HEIGHT_PX + 40)
    launch_type = instances_launch_type(recommendation.alternative(view.alternative))
    axes = page.panel("Instances, mean of the hour", LEFT_PX, 0, WIDTH, HEIGHT_PX)
    highest = float(np.nanmax(running)) or 1.0
    value_axis(axes, highest, n_most=5)
    axes.set_xlim(0, HOURS_PER_DAY)
    axes.set_xticks(range(0, HOURS_PER_DAY + 1, 3), labels=[f"{hour:02d}:00" for hour in range(0, HOURS_PER_DAY + 1, 3)])
    axes.set_xlabel("hour of the day, UTC", size=SMALL_PT, color=QUIET_COLOUR)
    edges = np.arange(HOURS_PER_DAY + 1, dtype=np.float64)
    colour = COLOURS[launch_type]
    draw_steps(axes, running, edges, baseline=bound, colour=mixed_with_white(colour, 0.25))
    draw_steps(axes, running, edges, colour=colour, width=2.0)
    draw_steps(axes, bound, edges, colour=BOUND_COLOUR, width=1.2, style=(0, (3, 2)))
    _label_ends(page, (running, bound), highest * 1.06, launch_type)
    return page.figure


def over_the_day(view: InstancesView, start: datetime) -> tuple[FloatArray, FloatArray]:
    """(24,) each, by the hour of the day in UTC: mean of the instances that run, and of those that no packing can beat."""
    series = [as_array(values) for values in (view.hourly_instances, view.hourly_bound)]
    hour = (np.arange(series[0].size) + start.hour) % HOURS_PER_DAY
    known = ~(np.isnan(series[0]) | np.isnan(series[1]))
    n_known = np.bincount(hour[known], minlength=HOURS_PER_DAY)
    with np.errstate(invalid="ignore", divide="ignore"):
        running, bound = (
            np.bincount(hour[known], weights=values[known], minlength=HOURS_PER_DAY) / n_known for values in series
        )
    return running, bound


def _finding(running: FloatArray, bound: FloatArray) -> str:
    with np.errstate(invalid="ignore", divide="ignore"):
        full = np.where(running > 0, bound / running, np.nan)
    if np.isnan(full).all():
        return "No instance ran"
    low, high = int(np.nanargmin(full)), int(np.nanargmax(full))
    if full[high] - full[low] < EVEN_FRACTION:
        mean = float(np.nansum(bound) / np.nansum(running))
        if mean > 1 - EVEN_FRACTION:
            return "At every hour of the day as few instances run as any packing allows"
        return f"Tasks would fit on {percent(mean)} of the instances at any hour of the day"
    return (
        f"Tasks would fit on {percent(float(full[low]))} of the instances at {low:02d}:00, "
        f"and need {percent(float(full[high]))} of them at {high:02d}:00"
    )


def _label_ends(page: Page, series: tuple[FloatArray, FloatArray], highest: float, launch_type: LaunchType) -> None:
    last = [float(values[~np.isnan(values)][-1]) for values in series]
    gap = line_height(TEXT_PT) + line_height(SMALL_PT) + 3
    wanted = [HEADING_PX + HEIGHT_PX * (1 - value / highest) for value in last]
    wanted[0] -= 0.1  # the same place: instances above their bound
    places = spread_apart(wanted, gap, HEADING_PX + 8, HEADING_PX + HEIGHT_PX - 24)
    labels = (
        (launch_type.called, "instances that run", COLOURS[launch_type]),
        ("Volume bound", "no packing needs fewer", BOUND_COLOUR),
    )
    for y, (name, detail, colour) in zip(places, labels, strict=True):
        top = y - line_height(TEXT_PT) / 2
        page.name(LEFT_PX + WIDTH + 8, top, name, colour=colour)
        page.text(LEFT_PX + WIDTH + 8, top + line_height(TEXT_PT), detail, size=SMALL_PT, colour=QUIET_COLOUR)
