"""Charts as figures and as files. Matplotlib is imported when the first one is drawn."""

from advisor.report.charts.costs import plot_costs
from advisor.report.charts.load import plot_load, plot_loads
from advisor.report.charts.render import RenderedChart, render_charts, rendered_charts
from advisor.report.charts.replayed import plot_replayed_week
from advisor.report.charts.stairs import plot_stairs
from advisor.report.charts.week import plot_busiest_week

__all__ = [
    "RenderedChart",
    "plot_busiest_week",
    "plot_costs",
    "plot_load",
    "plot_loads",
    "plot_replayed_week",
    "plot_stairs",
    "render_charts",
    "rendered_charts",
]
