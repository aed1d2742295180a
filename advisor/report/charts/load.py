"""Load and tasks over time: one service in full, all services as small multiples."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from advisor.errors import InputError
from advisor.recommend.reasons import load_sentence, percent
from advisor.recommend.result import Recommendation, ServiceView
from advisor.report.charts.page import Page, as_array, draw_steps, statement, value_axis
from advisor.report.charts.series import (
    DAYS,
    bin_hours_for,
    bin_words,
    low_and_high,
    peak,
    show_gaps,
    spoken_time,
    time_axis,
    weeks_of,
)
from advisor.report.charts.style import (
    GAP_COLOUR,
    HEADING_PX,
    LOAD_COLOUR,
    MARGIN_PX,
    NAME_CHARACTERS,
    QUIET_COLOUR,
    SMALL_PT,
    TEXT_COLOUR,
    TEXT_PT,
    WIDTH_PX,
    mixed_with_white,
    styled,
)
from advisor.report.charts.text import broken, counted, line_height, number, shortened, text_width
from advisor.units import HOURS_PER_DAY, HOURS_PER_WEEK, FloatArray
from advisor.workload import LoadForm

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from advisor.report.charts.figure import Chart

LEFT_PX = 56.0
RIGHT_PX = 24.0
TICKS_PX = 22.0
HEAT_WEEKS = 8
"""From this many weeks on, weeks by hours of the week show more than a line."""
HEAT_PX = 210.0
LINES_PX = 150.0
PANEL_LEFT_PX, PANEL_RIGHT_PX = 30.0, 14.0
LOWEST_GREY, HIGHEST_GREY = 240, 26


def service_view(recommendation: Recommendation, service: str) -> ServiceView:
    """One service over time.

    Raises
    ------
    InputError
        There is no such service.
    """
    for view in recommendation.views.services:
        if view.name == service:
            return view
    known = ", ".join(view.name for view in recommendation.views.services)
    raise InputError(f"no service {service!r} in this recommendation", fix=f"Name one of: {known}.")


@styled
def plot_load(recommendation: Recommendation, service: str) -> "Figure":
    """Load and running tasks of one service over time; a year as a heat map of weeks by hours of the week.

    Raises
    ------
    InputError
        There is no such service.

    Examples
    --------
    >>> import advisor
    >>> from matplotlib.figure import Figure
    >>> recommendation = advisor.read_recommendation("reports/shop")
    >>> figure = advisor.plot_load(recommendation, "orders")
    >>> isinstance(figure, Figure)
    True
    """
    return draw_load(recommendation, service)


@styled
def plot_loads(recommendation: Recommendation) -> "Figure":
    """Running tasks of every service over time, as small multiples.

    Examples
    --------
    >>> import advisor
    >>> from matplotlib.figure import Figure
    >>> recommendation = advisor.read_recommendation("reports/shop")
    >>> figure = advisor.plot_loads(recommendation)
    >>> isinstance(figure, Figure)
    True
    """
    return draw_loads(recommendation)


def draw_load(recommendation: Recommendation, service: str) -> "Chart":
    """As :func:`plot_load`, in the style that is set."""
    view = service_view(recommendation, service)
    load, tasks = as_array(view.hourly_load), as_array(view.hourly_tasks)
    if np.isnan(tasks).all():
        return statement(recommendation, f"{shortened(service, NAME_CHARACTERS)}: no load was measured")
    start = datetime.fromisoformat(recommendation.views.start)
    is_steady = np.nanmin(load) == np.nanmax(load)
    is_heat = load.size >= HEAT_WEEKS * HOURS_PER_WEEK and not is_steady
    has_load = is_heat or view.load_form != LoadForm.TASKS
    upper = (HEAT_PX if is_heat else LINES_PX) + HEADING_PX + 12 if has_load else 0.0
    if is_heat:
        upper += TICKS_PX - 8
    page = Page(recommendation, _finding(view), _coverage(view, tasks), height=upper + HEADING_PX + LINES_PX + TICKS_PX)
    if is_heat:
        _heat_map(page, view, load, start)
    elif has_load:
        _lines(page, 0.0, _load_heading(view), load, start, has_labels=False)
    _lines(page, upper, "Tasks running", tasks, start, is_tasks=True)
    return page.figure


def task_counts(view: ServiceView) -> tuple[FloatArray, FloatArray]:
    """Numbers of tasks that ran, ascending, and the hours of a month that each lasted."""
    counts = np.array([float(count) for count in view.task_hours], dtype=np.float64)
    hours = np.array(list(view.task_hours.values()), dtype=np.float64)
    order = np.argsort(counts)
    return counts[order], hours[order]


def _finding(view: ServiceView) -> str:
    return f"{shortened(view.name, NAME_CHARACTERS)} runs {load_sentence(*task_counts(view))}"


def _coverage(view: ServiceView, tasks: FloatArray) -> str:
    n_gaps = int(np.isnan(tasks).sum())
    if not n_gaps:
        return ""
    share = f"{math.floor(view.coverage_fraction * 1000) / 10:g} %"
    return f"{share} of the time measured; {counted(n_gaps, 'hour')} without data, hatched."


def _load_heading(view: ServiceView) -> str:
    return f"Load, {view.load_unit}"


def _lines(
    page: Page,
    top: float,
    heading: str,
    values: FloatArray,
    start: datetime,
    *,
    is_tasks: bool = False,
    has_labels: bool = True,
) -> None:
    """A panel of one series, its peak labelled."""
    width = WIDTH_PX - LEFT_PX - RIGHT_PX
    bins = bin_hours_for(values.size, width)
    if bins > 1:
        heading += f", lowest to highest of {bin_words(bins)}"
    axes = page.panel(heading, LEFT_PX, top, width, LINES_PX)
    highest = float(np.nanmax(values))
    room_for_label = (line_height(SMALL_PT) + 4) / LINES_PX
    value_axis(axes, highest * (1 + room_for_label), n_most=4, is_whole=is_tasks)
    time_axis(axes, start, values.size, width, has_labels=has_labels)
    show_gaps(axes, values, width, LINES_PX)
    draw_band(axes, values, bins, start)
    _label_peak(axes, values, start, width, "tasks" if is_tasks else "")


def draw_band(axes: "Axes", values: FloatArray, bin_hours: int, start: datetime) -> None:
    """From zero lightly to the lowest of each bin, darker to its highest; single hours as an outlined area."""
    offset = _hours_into(start, bin_hours)
    edges, low, high = low_and_high(values, bin_hours, offset)
    draw_steps(axes, low, edges, baseline=0.0, colour=mixed_with_white(LOAD_COLOUR, 0.25))
    if bin_hours > 1:
        draw_steps(axes, high, edges, baseline=low, colour=mixed_with_white(LOAD_COLOUR, 0.62))
    draw_steps(axes, high, edges, colour=LOAD_COLOUR, width=1.2 if bin_hours == 1 else 0.7)


def _hours_into(start: datetime, bin_hours: int) -> int:
    """Hours from where a bin starts, by the calendar, to ``start``."""
    if bin_hours < HOURS_PER_DAY:
        return start.hour % bin_hours
    days = start.toordinal() - 1 if bin_hours > HOURS_PER_DAY else 0
    return (days * HOURS_PER_DAY + start.hour) % bin_hours


def _label_peak(axes: "Axes", values: FloatArray, start: datetime, width_px: float, unit: str) -> None:
    found = peak(values)
    if found is None or float(np.nanmin(values)) == found[1]:
        return
    at, height = found
    label = f"{number(height)}{' ' + unit if unit else ''}, {spoken_time(start, at)}"
    axes.plot([at + 0.5], [height], marker="o", ms=3.5, color=TEXT_COLOUR, clip_on=False)
    place = (at + 0.5) / values.size * width_px
    half = text_width(label, SMALL_PT) / 2
    place = min(max(place, half), width_px - half)
    axes.annotate(
        label,
        (place / width_px, height),
        xycoords=axes.get_yaxis_transform(),
        xytext=(0, 4),
        textcoords="offset points",
        ha="center",
        va="bottom",
        size=SMALL_PT,
        annotation_clip=False,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
    )


def _heat_map(page: Page, view: ServiceView, load: FloatArray, start: datetime) -> None:
    """Weeks as columns, hours of the week as rows; a gap shows the hatching behind."""
    width = WIDTH_PX - LEFT_PX - RIGHT_PX
    highest = float(np.nanmax(load))
    heading = f"{_load_heading(view)}: weeks across, hours of the week down"
    axes = page.panel(heading, LEFT_PX, 0, width, HEAT_PX)
    by_week, is_within, before = weeks_of(load, start)
    axes.patch.set(facecolor="white", edgecolor=GAP_COLOUR, hatch="//////", lw=0)
    extent = (-before, by_week.size - before, HOURS_PER_WEEK, 0)
    axes.imshow(_greys(by_week, highest, is_within), extent=extent, aspect="auto", interpolation="none")
    time_axis(axes, start, load.size, width)
    axes.set_xlim(0, load.size)
    axes.spines["bottom"].set_visible(False)
    axes.set_yticks([HOURS_PER_DAY * (day + 0.5) for day in range(7)], labels=DAYS)
    axes.hlines([HOURS_PER_DAY * day for day in range(1, 7)], *axes.get_xlim(), color="white", lw=0.8)
    _heat_key(page, highest)


def _greys(values: FloatArray, highest: float, is_within: np.ndarray) -> np.ndarray:
    """(..., 4) bytes: light at zero, dark at the highest; clear in a gap, white outside of the series."""
    image = np.zeros((*values.shape, 4), dtype=np.uint8)
    share = np.nan_to_num(values) / (highest or 1.0)
    image[..., :3] = np.rint(LOWEST_GREY + (HIGHEST_GREY - LOWEST_GREY) * share)[..., np.newaxis]
    image[~is_within, :3] = 255
    image[..., 3] = np.where(np.isnan(values) & is_within, 0, 255)
    return image


def _heat_key(page: Page, highest: float) -> None:
    """Which grey is how much, at the right of the heading."""
    top_label = number(highest)
    right = WIDTH_PX - RIGHT_PX - text_width(top_label, SMALL_PT)
    page.text(right, 2, top_label, size=SMALL_PT, colour=QUIET_COLOUR)
    axes = page.axes(right - 6 - 90, 4, 90, 9)
    axes.set_axis_off()
    ramp = np.linspace(0, highest, 64)[np.newaxis]
    axes.imshow(_greys(ramp, highest, np.ones(ramp.shape, dtype=np.bool_)), aspect="auto", interpolation="none")
    page.text(right - 6 - 90 - 5, 2, "0", size=SMALL_PT, colour=QUIET_COLOUR, ha="right")


# --- small multiples ------------------------------------------------------------------------------------------------------


def draw_loads(recommendation: Recommendation) -> "Chart":
    """As :func:`plot_loads`, in the style that is set."""
    views = recommendation.views.services
    n_columns = 1 if len(views) == 1 else 2 if len(views) <= 4 else 3
    width = (WIDTH_PX - MARGIN_PX - RIGHT_PX) / n_columns
    height = {1: 150.0, 2: 110.0, 3: 74.0}[n_columns]
    bins = bin_hours_for(max(len(view.hourly_tasks) for view in views), width - PANEL_LEFT_PX - PANEL_RIGHT_PX)
    headings = [_heading(view, width - PANEL_RIGHT_PX) for view in views]
    heading_px = max(len(lines) for lines, _ in headings) * line_height(TEXT_PT) + 5
    row_height = heading_px + height + 14
    words = "" if bins == 1 else f", lowest to highest of {bin_words(bins)}"
    subtitle = f"Tasks running{words}; each service has its own scale."
    n_rows = -(-len(views) // n_columns)
    page = Page(recommendation, _finding_of_all(views), subtitle, height=n_rows * row_height + TICKS_PX - 8)
    start = datetime.fromisoformat(recommendation.views.start)
    for place, view in enumerate(views):
        row, column = divmod(place, n_columns)
        left, top = MARGIN_PX + column * width, row * row_height
        lines, span = headings[place]
        _draw_heading(
            page, lines, span, (left, top + heading_px - 5 - len(lines) * line_height(TEXT_PT), width - PANEL_RIGHT_PX)
        )
        box = (left + PANEL_LEFT_PX, top + heading_px, width - PANEL_LEFT_PX - PANEL_RIGHT_PX, height)
        _small_panel(page, view, start, bins, box, has_labels=place + n_columns >= len(views))
    return page.figure


def _heading(view: ServiceView, width: float) -> tuple[list[str], str]:
    """The whole name, in several lines if need be, and how many tasks run, after the last line or in one of its own."""
    span = _span(view)
    lines = broken(view.name, width, TEXT_PT, "bold")
    if text_width(lines[-1], TEXT_PT, "bold") + text_width(span, SMALL_PT) + 12 > width:
        lines.append("")
    return lines, span


def _draw_heading(page: Page, lines: Sequence[str], span: str, place: tuple[float, float, float]) -> None:
    left, top, width = place
    for row, line in enumerate(lines):
        if line:
            page.text(left, top + row * line_height(TEXT_PT), line, weight="bold")
    y = top + (len(lines) - 1) * line_height(TEXT_PT) + 1.5
    is_alone = not lines[-1]
    page.text(
        left if is_alone else left + width, y, span, size=SMALL_PT, colour=QUIET_COLOUR, ha="left" if is_alone else "right"
    )


def _small_panel(
    page: Page, view: ServiceView, start: datetime, bins: int, box: tuple[float, float, float, float], *, has_labels: bool
) -> None:
    _, _, width, height = box
    tasks = as_array(view.hourly_tasks)
    axes = page.axes(*box)
    has_data = not np.isnan(tasks).all()
    value_axis(axes, float(np.nanmax(tasks)) if has_data else 0.0, n_most=2, is_whole=True)
    time_axis(axes, start, tasks.size, width, has_labels=has_labels)
    show_gaps(axes, tasks, width, height)
    if has_data:
        draw_band(axes, tasks, bins, start)


def _span(view: ServiceView) -> str:
    """Of all moments, as in titles: the panel shows the most of each hour."""
    if not view.task_hours:
        return "no data"
    low, high = _ends(view)
    return counted(high, "task") if low == high else f"{number(low)} to {counted(high, 'task')}"


def _finding_of_all(views: Sequence[ServiceView]) -> str:
    """Who runs most, and who varies most."""
    known = [view for view in views if view.task_hours]
    if not known:
        return "No load was measured"
    if len(known) == 1:
        return _finding(known[0])
    task_hours = {view.name: float(np.dot(*task_counts(view))) for view in known}
    total = sum(task_hours.values())
    most = max(known, key=lambda view: task_hours[view.name])
    share = percent(task_hours[most.name] / total if total else 0.0)
    sentence = f"{shortened(most.name, NAME_CHARACTERS)} runs {share} of all task-hours"
    varying = max(known, key=_variation)
    low, high = _ends(varying)
    if _variation(varying) <= 1:
        return sentence
    who = " and" if varying is most else f"; {shortened(varying.name, NAME_CHARACTERS)}"
    return f"{sentence}{who} varies most, {number(low)} to {counted(high, 'task')}"


def _ends(view: ServiceView) -> tuple[float, float]:
    counts, _ = task_counts(view)
    return float(counts[0]), float(counts[-1])


def _variation(view: ServiceView) -> float:
    low, high = _ends(view)
    return high / max(low, 1.0)
