"""Charts as figures and as files. Matplotlib is imported when the first one is drawn."""

from advisor.report.charts.cheapest import plot_cheapest_map
from advisor.report.charts.commitment import plot_commitment
from advisor.report.charts.costs import plot_costs
from advisor.report.charts.load import plot_load, plot_loads
from advisor.report.charts.packing import plot_packing
from advisor.report.charts.render import RenderedChart, chart_files, render_charts, rendered_charts
from advisor.report.charts.replayed import plot_replayed_week
from advisor.report.charts.stairs import plot_stairs
from advisor.report.charts.sweep import plot_sensitivity, plot_sweep
from advisor.report.charts.week import plot_busiest_week

__all__ = [
    "RenderedChart",
    "chart_files",
    "plot_busiest_week",
    "plot_cheapest_map",
    "plot_commitment",
    "plot_costs",
    "plot_load",
    "plot_loads",
    "plot_packing",
    "plot_replayed_week",
    "plot_sensitivity",
    "plot_stairs",
    "plot_sweep",
    "render_charts",
    "rendered_charts",
]
