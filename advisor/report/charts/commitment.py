"""What the last dollar of a commitment is worth."""

import math
from typing import TYPE_CHECKING, Final

from advisor.committing import CommitmentAdvice
from advisor.ecs import LaunchType
from advisor.report.charts.page import Page, tick_step
from advisor.report.charts.style import COLOURS, HEADING_PX, LOAD_COLOUR, MARGIN_PX, SMALL_PT, TEXT_COLOUR, WIDTH_PX, styled
from advisor.report.commitments import commitment_headline

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from advisor.report.charts.figure import Chart

LEFT_PX: Final = 60.0
PANEL_PX: Final = 250.0
AXIS_PX: Final = 44.0


@styled
def plot_commitment(advice: CommitmentAdvice) -> "Figure":
    """On-demand dollars that the last dollar of the recommended commitment saves, by its size; over 1 it pays.

    Examples
    --------
    >>> import advisor
    >>> from matplotlib.figure import Figure
    >>> workload = advisor.read_workload("examples/cloudwatch/workload.yaml")
    >>> catalog = advisor.read_catalog(workload.region)
    >>> figure = advisor.plot_commitment(advisor.commit(workload, catalog, terms=(1,), replay_weeks=0))
    >>> isinstance(figure, Figure)
    True
    """
    return draw_commitment(advice)


def draw_commitment(advice: CommitmentAdvice) -> "Chart":
    """As :func:`plot_commitment`, in the style that is set."""
    source = f"Source: prices of {advice.prices} in {advice.region}; next month's load as drawn; cluster {advice.cluster}"
    subtitle = "On-demand dollars that one more dollar an hour saves, on average over next month's loads; over 1 it pays."
    page = Page(source, commitment_headline(advice), subtitle, height=HEADING_PX + PANEL_PX + AXIS_PX)
    axes = page.panel("dollars saved by the last dollar", LEFT_PX, 0.0, WIDTH_PX - LEFT_PX - MARGIN_PX, PANEL_PX)
    sizes = [0.0, *(point.usd_per_hour for point in advice.marginal)]
    worth = [point.last_dollar_usd for point in advice.marginal]
    most, high = (sizes[-1] or 1.0), max([*worth, 1.0]) * 1.1
    axes.set_xlim(0, most)
    axes.set_ylim(0, high)
    if worth:
        axes.stairs(worth, sizes, color=COLOURS[LaunchType.FARGATE], lw=2.0, baseline=None)
    axes.axhline(1.0, color=TEXT_COLOUR, lw=1.0)
    axes.annotate(
        "break-even",
        (most, 1.0),
        xytext=(-2, 3),
        textcoords="offset points",
        ha="right",
        va="bottom",
        size=SMALL_PT,
        color=TEXT_COLOUR,
    )
    if advice.headline is not None:
        size = advice.option(advice.headline).usd_per_hour or 0.0
        axes.axvline(size, color=LOAD_COLOUR, lw=1.2, ls=(0, (3, 2)))
        axes.annotate(
            f"bought: {size:.4f} USD/h",
            (size, high),
            xytext=(-4, -4),
            textcoords="offset points",
            ha="right",
            va="top",
            size=SMALL_PT,
            color=LOAD_COLOUR,
        )
    step = tick_step(most, 6)
    ticks = [step * i for i in range(math.floor(most / step) + 1)]
    axes.set_xticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    axes.set_xlabel("commitment in USD an hour, all of its plans together")
    axes.grid(axis="y")
    return page.figure
