"""Charts as files: the same bytes for the same recommendation, and nothing in them that leads elsewhere."""

import hashlib
import io
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Final

from advisor.recommend.result import Recommendation
from advisor.report.charts.cheapest import draw_cheapest_map
from advisor.report.charts.costs import draw_costs
from advisor.report.charts.load import draw_load, draw_loads
from advisor.report.charts.packing import draw_packing
from advisor.report.charts.page import NAME_CLASS, SUBTITLE_CLASS, TITLE_CLASS
from advisor.report.charts.replayed import draw_replayed_week
from advisor.report.charts.stairs import draw_stairs
from advisor.report.charts.style import FONT, chart_style
from advisor.report.charts.sweep import draw_sensitivity
from advisor.report.charts.week import draw_busiest_week

if TYPE_CHECKING:
    from advisor.report.charts.figure import Chart

FOLDER: Final = "charts"
_SAFE_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")
_MAX_NAME: Final = 64
_FONTS: Final = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
_ROOT_STYLE: Final = "stroke-linejoin:round;stroke-linecap:butt;font-variant-numeric:tabular-nums"
_OWN_STYLE: Final = re.compile(r"<defs>\s*<style type=\"text/css\">.*?</style>\s*</defs>\s*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedChart:
    """One chart as files."""

    name: str
    """File name without suffix, such as ``costs`` or ``stairs-web``."""
    service: str | None
    """None where the chart is about the cluster."""
    title: str
    """The finding."""
    png: bytes
    svg: bytes


def render_charts(recommendation: Recommendation, services: Collection[str] | None = None) -> dict[str, bytes]:
    """All charts by path below the output folder: ``charts/costs.png``, ``charts/costs.svg`` and so on.

    Parameters
    ----------
    services
        Draw the load and the stairs of these alone; all by default.
    """
    files = {}
    for chart in rendered_charts(recommendation, services):
        files[f"{FOLDER}/{chart.name}.png"] = chart.png
        files[f"{FOLDER}/{chart.name}.svg"] = chart.svg
    return files


def chart_files(name: str, figure: "Chart") -> dict[str, bytes]:
    """One chart that stands alone, as PNG and SVG by path below the output folder."""
    with chart_style():
        return {f"{FOLDER}/{name}.png": figure.png(), f"{FOLDER}/{name}.svg": _svg(figure, name, figure.finding)}


def rendered_charts(
    recommendation: Recommendation,
    services: Collection[str] | None = None,
    on_chart: Callable[[float], None] = lambda _share: None,
) -> tuple[RenderedChart, ...]:
    """All charts with their titles: those of the cluster, costs first, then stairs and load of each service.

    Parameters
    ----------
    services
        Draw the load and the stairs of these alone; all by default.
    on_chart
        Told the share that is drawn, from 0 to 1.
    """
    drawings = list(_drawings(recommendation, services))
    rendered = []
    with chart_style():
        for drawing in drawings:
            rendered.append(_rendered(*drawing))
            on_chart(len(rendered) / len(drawings))
    return tuple(rendered)


def _drawings(
    recommendation: Recommendation, services: Collection[str] | None
) -> Iterator[tuple[str, str | None, Callable[[], "Chart"]]]:
    names = [view.name for view in recommendation.views.services]
    yield "costs", None, lambda: draw_costs(recommendation)
    yield "busiest-week", None, lambda: draw_busiest_week(recommendation)
    if recommendation.views.instances is not None:
        yield "packing", None, lambda: draw_packing(recommendation)
    if recommendation.views.replayed_week is not None:
        yield "replayed-week", None, lambda: draw_replayed_week(recommendation)
    if len(names) > 1:
        yield "loads", None, lambda: draw_loads(recommendation)
    if recommendation.cheapest_map is not None:
        yield "cheapest", None, lambda: draw_cheapest_map(recommendation)
    if (sensitivity := recommendation.sensitivity) is not None and sensitivity.inputs:
        yield "sensitivity", None, lambda: draw_sensitivity(sensitivity)
    for service, name in zip(names, file_names(names), strict=True):
        if services is None or service in services:
            yield f"stairs-{name}", service, partial(draw_stairs, recommendation, service)
            yield f"load-{name}", service, partial(draw_load, recommendation, service)


def file_names(services: Sequence[str]) -> list[str]:
    """A name for files for each service, also where capitals do not count: the service's own if ECS allows it and it is short.

    >>> file_names(["web", "Web", "../x"])
    ['web', 'Web-29751047', 'service-d6b96a97']
    """
    used: set[str] = set()
    names = []
    for service in services:
        mark = hashlib.sha256(service.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        name = service if _SAFE_NAME.fullmatch(service) else f"service-{mark}"
        if len(name) > _MAX_NAME or name.lower() in used:
            name = f"{name[: _MAX_NAME - len(mark) - 1]}-{mark}"
        while name.lower() in used:
            name += "-"
        used.add(name.lower())
        names.append(name)
    return names


def _rendered(name: str, service: str | None, draw: Callable[[], "Chart"]) -> RenderedChart:
    figure = draw()
    return RenderedChart(
        name=name, service=service, title=figure.finding, png=figure.png(), svg=_svg(figure, name, figure.finding)
    )


def _svg(figure: "Chart", name: str, title: str) -> bytes:
    import matplotlib as mpl

    file = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": name}):  # its own ids, so that several charts can stand in one page
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return _clean_svg(file.getvalue().decode("utf-8"), title, figure.heading_fraction).encode("utf-8")


def _clean_svg(svg: str, title: str, heading_fraction: float) -> str:
    """Without document type, rules for the whole page and ids that nothing refers to; with a title and the reader's fonts.

    Title, subtitle and names of lines get classes, and the root tells how high the heading is over its width, so that a narrow
    page can show them in another place.
    """
    svg = re.sub(r"<!DOCTYPE[^>]*>\s*", "", svg, count=1)
    svg = _OWN_STYLE.sub("", svg, count=1)
    svg = re.sub(r"\s*<g id=\"[^\"]*\"/>", "", svg)
    svg = re.sub(rf"<g id=\"({'|'.join((TITLE_CLASS, SUBTITLE_CLASS, NAME_CLASS))})\">", r'<g class="\1">', svg)
    svg = re.sub(r"<g id=\"[^\"]*\">", "<g>", svg)
    label, style = escape(title), f"{_ROOT_STYLE};--heading:{heading_fraction:.4f}"
    svg = re.sub(
        r"<svg ([^>]*)>",
        lambda tag: f'<svg role="img" aria-label="{label}" style="{style}" {tag[1]}>\n <title>{label}</title>',
        svg,
        count=1,
    )
    return re.sub(r"<[^>]*>", lambda tag: tag[0].replace(f"'{FONT}'", _FONTS), svg)
