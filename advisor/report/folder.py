"""The report of a result as files: Markdown, a page, charts."""

from collections.abc import Callable, Mapping

from advisor.pricing import Source
from advisor.recommend.result import Recommendation
from advisor.report.charts import rendered_charts
from advisor.report.focus import focus_csv
from advisor.report.html import render_html
from advisor.report.markdown import render_markdown

MOST_SERVICES = 12
"""Services with charts of their own; those that cost most. All others are in the charts of the cluster."""


def render_report(
    recommendation: Recommendation,
    *,
    sources: Mapping[str, Source] | None = None,
    on_chart: Callable[[float], None] = lambda _share: None,
) -> dict[str, bytes]:
    """Relative path and content of ``report.md``, ``report.html``, ``line-items.focus.csv`` and ``charts/*.{png,svg}``.

    Parameters
    ----------
    sources
        Where rates were read, by source id; an id without one is shown alone.
    on_chart
        Told the share of the charts that are drawn, from 0 to 1.

    Examples
    --------
    >>> import advisor
    >>> workload = advisor.read_workload("examples/cloudwatch/workload.yaml")
    >>> recommendation = advisor.advise(workload, advisor.read_catalog(workload.region), replay_weeks=0)
    >>> files = advisor.render_report(recommendation)
    >>> [name for name in sorted(files) if name.startswith("report")]
    ['report.html', 'report.md']
    """
    charts = rendered_charts(recommendation, _costliest(recommendation), on_chart)
    paths = {chart.name: f"charts/{chart.name}" for chart in charts}
    files = {f"{paths[chart.name]}.png": chart.png for chart in charts}
    files |= {f"{paths[chart.name]}.svg": chart.svg for chart in charts}
    svgs = {f"{paths[chart.name]}.svg": chart.svg.decode() for chart in charts}
    markdown = render_markdown(recommendation, charts=tuple((chart.title, f"{paths[chart.name]}.svg") for chart in charts))
    return {
        "report.md": markdown.encode(),
        "line-items.focus.csv": focus_csv(recommendation).encode(),
        "report.html": render_html(recommendation, charts=svgs, sources=sources).encode(),
        **files,
    }


def _costliest(recommendation: Recommendation) -> tuple[str, ...]:
    """Names of the services that cost most in the recommended plan, in the order of the workload."""
    usd: dict[str, float] = {}
    best = recommendation.recommended
    items = best.bill.line_items if best.bill else ()
    for service in recommendation.recommendation.services:
        plan = best.plan.services[service.name] if best.plan else None
        names = {service.name, plan.capacity_provider if plan else service.name}
        usd[service.name] = sum(item.amount_usd for item in items if item.part in names)
    chosen = sorted(usd, key=lambda name: (-usd[name], name))[:MOST_SERVICES]
    return tuple(name for name in usd if name in chosen)
