"""Charts as parts of the page: ids of their own, and nothing in them that runs or fetches."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from xml.etree import ElementTree

from markupsafe import Markup

from advisor.errors import InputError
from advisor.recommend.result import Recommendation
from advisor.report.charts.page import NAME_CLASS, SUBTITLE_CLASS
from advisor.report.charts.render import file_names
from advisor.report.explain import printable
from advisor.report.html.comparison import chips

COSTS, STAIRS, LOAD = "costs", "stairs", "load"
"""What the names of charts start with; ``stairs-NAME`` and ``load-NAME`` are about one service."""
CHANGES = ("cheapest", "sensitivity")
"""Charts of what would change the answer."""
_SVG, _XLINK, _DC = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink", "http://purl.org/dc/elements/1.1/"
_DRAWN = frozenset(
    {
        "svg",
        "g",
        "defs",
        "path",
        "rect",
        "circle",
        "ellipse",
        "line",
        "polyline",
        "polygon",
        "text",
        "tspan",
        "use",
        "symbol",
        "clipPath",
        "mask",
        "pattern",
        "image",
        "linearGradient",
        "radialGradient",
        "stop",
        "marker",
    }
)
"""Elements that draw. All others, such as metadata, style sheets and scripts, are left out."""
_FILL = re.compile(r"fill: (#[0-9a-f]{6})")
_HEADING = re.compile(r"--heading: ?([0-9.]+)")
_ROOT_STYLE = "stroke-linejoin: round; stroke-linecap: butt; font-variant-numeric: tabular-nums"
"""What matplotlib says in a style sheet, which would reach every drawing of the page."""


def inline_svg(svg: str, *, prefix: str, label: str = "") -> Markup:
    """A drawing as part of a page: ids of its own, a size that follows the page, and nothing in it that runs or fetches.

    Parameters
    ----------
    prefix
        Goes before every id, so that several drawings share a page.
    label
        What a screen reader says; the drawing's own title by default.
    """
    root = _parsed(svg, prefix)
    return _inlined(root, prefix, label or _title_of(root))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chart:
    stem: str
    service: str | None
    """None where the chart is about the cluster."""
    title: str
    subtitle: str
    names: tuple[tuple[str, str], ...]
    """Of lines, each with its colour."""
    svg: Markup


def drawn_charts(recommendation: Recommendation, charts: Mapping[str, str]) -> list[Chart]:
    names = [service.name for service in recommendation.recommendation.services]
    services = {f"{kind}-{file}": name for file, name in zip(file_names(names), names, strict=True) for kind in (STAIRS, LOAD)}
    drawn = []
    for number, (path, svg) in enumerate(charts.items(), 1):
        stem = PurePosixPath(path).stem
        root = _parsed(svg, path)
        title = printable(_title_of(root) or stem)
        svg_text = _inlined(root, f"chart{number}-", title)
        drawn.append(
            Chart(
                stem=stem,
                service=services.get(stem),
                title=title,
                subtitle=printable(" ".join(text for text, _ in _texts(root, SUBTITLE_CLASS))),
                names=tuple((printable(text), colour) for text, colour in _texts(root, NAME_CLASS)),
                svg=svg_text,
            )
        )
    return drawn


def _texts(root: ElementTree.Element, kind: str) -> list[tuple[str, str]]:
    """Texts of a class in a drawing, each with its colour; black is said by no colour."""
    groups = root.iterfind(f".//{{{_SVG}}}g[@class='{kind}']")
    texts = (text for group in groups for text in group.iter(f"{{{_SVG}}}text") if text.text)
    fills = ((text.text or "", _FILL.search(text.get("style", ""))) for text in texts)
    return [(text, fill[1] if fill else "#000000") for text, fill in fills]


def first_chart(recommendation: Recommendation, charts: Sequence[Chart]) -> Chart | None:
    """The stairs of the service that costs most on its own: there the choice weighs most."""
    stairs = [chart for chart in charts if chart.stem.startswith(STAIRS)]
    cost = {service.name: _least_alone(recommendation, service.name) for service in recommendation.recommendation.services}
    return max(stairs, key=lambda chart: cost.get(chart.service or "", 0.0), default=None)


def _least_alone(recommendation: Recommendation, name: str) -> float:
    return next((a.monthly_usd.mean for a in recommendation.of_scope(name) if a.monthly_usd), 0.0)


def charts_by_service(recommendation: Recommendation, charts: Sequence[Chart]) -> list[dict[str, Any]]:
    return [
        {"finding": own[0].title, "chips": chips([service]), "charts": own}
        for service in recommendation.recommendation.services
        if (own := [chart for chart in charts if chart.service == service.name])
    ]


def _parsed(svg: str, name: str) -> ElementTree.Element:
    try:
        root = ElementTree.fromstring(svg)  # noqa: S314 - drawn by ourselves, and expat bounds what entities expand to
    except ElementTree.ParseError as error:
        raise InputError(f"chart {name!r} is not SVG: {error}", fix="Give the text of an SVG file.") from error
    if root.tag != f"{{{_SVG}}}svg":
        raise InputError(f"chart {name!r} is not SVG: its first element is {root.tag}", fix="Give the text of an SVG file.")
    return root


def _title_of(root: ElementTree.Element) -> str:
    for tag in (f"{{{_SVG}}}title", f".//{{{_DC}}}title"):
        found = root.find(tag)
        if found is not None and found.text:
            return found.text.strip()
    return ""


def _inlined(root: ElementTree.Element, prefix: str, label: str) -> Markup:
    svg = _drawing(root, prefix)
    width, height = (root.get(name, "").removesuffix("pt").removesuffix("px") for name in ("width", "height"))
    heading = _HEADING.search(root.get("style", ""))
    svg.attrib = {
        "viewBox": root.get("viewBox", f"0 0 {width} {height}"),
        "role": "img",
        "aria-label": label,
        "style": f"{_ROOT_STYLE}; --heading: {heading[1]}" if heading else _ROOT_STYLE,
    }
    return Markup(ElementTree.tostring(svg, encoding="unicode"))  # noqa: S704 - serialized from drawing elements alone


def _drawing(element: ElementTree.Element, prefix: str) -> ElementTree.Element:
    """A copy without name spaces, which HTML needs none of, and without anything that does not draw."""
    copy = ElementTree.Element(_local(element.tag), dict(_attributes(element, prefix)))
    copy.text, copy.tail = element.text, element.tail
    for child in element:
        if isinstance(child.tag, str) and child.tag.startswith(f"{{{_SVG}}}") and _local(child.tag) in _DRAWN:
            copy.append(_drawing(child, prefix))
    return copy


def _attributes(element: ElementTree.Element, prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in element.attrib.items():
        if name in ("href", f"{{{_XLINK}}}href"):
            if value.startswith("#"):
                yield "href", f"#{prefix}{value[1:]}"
            elif value.startswith("data:image/"):
                yield "href", value
        elif name == "id":
            yield name, f"{prefix}{value}"
        elif not name.startswith(("{", "on")):
            yield name, value.replace("url(#", f"url(#{prefix}")


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
