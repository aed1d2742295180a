"""``report.html``: the answer as one page that needs no network, no script and no other file."""

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any
from xml.etree import ElementTree

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from advisor.billing import Bill, LineItem
from advisor.ecs import Architecture, LaunchType, PurchaseOption
from advisor.errors import InputError
from advisor.plan import Plan
from advisor.pricing import Source
from advisor.recommend.reasons import percent, rejected_why
from advisor.recommend.result import CLUSTER_SCOPE, Alternative, Recommendation, Saving, ServiceAdvice, Verdict
from advisor.report.charts.render import file_names
from advisor.report.explain import printable
from advisor.report.hand_sum import agreeing, rate, usd
from advisor.report.words import (
    LAUNCH_WORDS,
    VERDICT_WORDS,
    chance,
    coverage_sentence,
    instances_range,
    interval,
    missing_sentence,
    money,
    money_range,
    more_than_best,
    not_modelled,
    packed,
    replay_sentence,
    rounding_sentence,
    size_sentence,
    sure_sentence,
    targets_sentence,
    where,
)

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""Content security policy: the page fetches nothing and runs nothing, whatever a name in it says."""
COSTS, STAIRS, LOAD = "costs", "stairs", "load"
"""What the names of charts start with; ``stairs-NAME`` and ``load-NAME`` are about one service."""
MOST_LETTERS = 600
LONG_TITLE, LONG_NAME = 60, 24
NO_PLACE = "named in pricing_data/sources.csv or in your own rates"

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
_ROOT_STYLE = "stroke-linejoin: round; stroke-linecap: butt; font-variant-numeric: tabular-nums"
"""What matplotlib says in a style sheet, which would reach every drawing of the page."""


def render_html(
    recommendation: Recommendation, *, charts: Mapping[str, str] | None = None, sources: Mapping[str, Source] | None = None
) -> str:
    """The page: verdict, money and saving first, then a section for each question.

    Parameters
    ----------
    charts
        Name, such as ``charts/costs.svg``, and SVG text of each chart, in order. ``stairs-NAME`` of the costliest service
        stands on the first screen, ``costs`` beside the alternatives, ``stairs-NAME`` and ``load-NAME`` with their service.
    sources
        Where rates were read, by source id; an id without one is shown alone.

    Raises
    ------
    InputError
        A chart is not SVG.
    """
    drawn = _charts(recommendation, charts or {})
    first = _first_chart(recommendation, drawn)
    rest = [chart for chart in drawn if chart is not first]
    of_all = [chart for chart in rest if chart.service is None]
    page = {
        **_first_screen(recommendation),
        **_comparison(recommendation),
        **_money(recommendation, sources or {}),
        **_origin(recommendation),
        "first_chart": first,
        "cost_charts": [chart for chart in of_all if chart.stem.startswith(COSTS)],
        "load_charts": [chart for chart in of_all if not chart.stem.startswith(COSTS)],
        "service_charts": _by_service(recommendation, rest),
    }
    return _templates().get_template("page.html.j2").render(page, policy=POLICY)


def headline(recommendation: Recommendation) -> str:
    """Where the services run, in few words: ``Fargate ARM64 for 4 services, EC2 m7g.large for chat``."""
    places = [(where(service), service.name) for service in recommendation.recommendation.services]
    return _grouped(places, most=4)


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


# Drawings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Chart:
    stem: str
    service: str | None
    """None where the chart is about the cluster."""
    title: str
    svg: Markup


def _charts(recommendation: Recommendation, charts: Mapping[str, str]) -> list[_Chart]:
    names = [service.name for service in recommendation.recommendation.services]
    services = {f"{kind}-{file}": name for file, name in zip(file_names(names), names, strict=True) for kind in (STAIRS, LOAD)}
    drawn = []
    for number, (path, svg) in enumerate(charts.items(), 1):
        stem = PurePosixPath(path).stem
        root = _parsed(svg, path)
        title = printable(_title_of(root) or stem)
        svg_text = _inlined(root, f"chart{number}-", title)
        drawn.append(_Chart(stem=stem, service=services.get(stem), title=title, svg=svg_text))
    return drawn


def _first_chart(recommendation: Recommendation, charts: Sequence[_Chart]) -> _Chart | None:
    """The stairs of the service that costs most on its own: there the choice weighs most."""
    stairs = [chart for chart in charts if chart.stem.startswith(STAIRS)]
    cost = {service.name: _least_alone(recommendation, service.name) for service in recommendation.recommendation.services}
    return max(stairs, key=lambda chart: cost.get(chart.service or "", 0.0), default=None)


def _least_alone(recommendation: Recommendation, name: str) -> float:
    return next((a.monthly_usd.mean for a in recommendation.of_scope(name) if a.monthly_usd), 0.0)


def _by_service(recommendation: Recommendation, charts: Sequence[_Chart]) -> list[dict[str, Any]]:
    return [
        {"finding": own[0].title, "chips": _chips([service]), "charts": own}
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
    svg.attrib = {
        "viewBox": root.get("viewBox", f"0 0 {width} {height}"),
        "role": "img",
        "aria-label": label,
        "style": _ROOT_STYLE,
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


# The page as data, section by section


def _first_screen(recommendation: Recommendation) -> dict[str, Any]:
    best, advice = recommendation.recommended, recommendation.recommendation
    says, cost = headline(recommendation), money_range(best.monthly_usd)
    today = _today_figure(recommendation)
    return {
        "title": f"{recommendation.cluster}: {says}, {cost} a month",
        "about": f"{recommendation.cluster}, {recommendation.region}: {coverage_sentence(recommendation)}",
        "verdict": VERDICT_WORDS[advice.verdict],
        "headline": says,
        "doubts": advice.doubts,
        "figures": [
            _figure("costs a month", cost, _cost_more(recommendation)),
            *_saving_figures(advice.saving, recommendation),
            today,
        ],
        "sure": sure_sentence(recommendation),
        "replay": replay_sentence(recommendation),
        "why": advice.why,
        "warnings": recommendation.warnings,
    }


def _figure(name: str, value: str, more: str, *, is_words: bool = False) -> dict[str, Any]:
    return {"name": name, "value": value, "more": more, "is_words": is_words}


def _cost_more(recommendation: Recommendation) -> str:
    prices = f"prices of {recommendation.run.catalog.get('newest', 'unknown date')}, 730 hours"
    next_month = interval(recommendation.recommended.monthly_usd)
    return prices if next_month == "-" else f"next month {next_month} in 8 of 10 draws; {prices}"


def _saving_figures(saving: Saving | None, recommendation: Recommendation) -> Iterator[dict[str, Any]]:
    if saving is None:
        more = "no alternative of another launch type or purchase option has a price"
        yield _figure("saves a month", "not known", more, is_words=True)
        return
    is_saving = saving.mean >= 0
    low, high = (saving.low, saving.high) if is_saving else (-saving.high, -saving.low)
    span = "" if money(low) == money(high) else f"{money(low)} to {money(high)}, "
    rival = _short_title(recommendation.alternative(saving.against))
    value = f"{money(abs(saving.mean))} ({percent(abs(saving.fraction))})"
    yield _figure("saves a month" if is_saving else "costs more a month", value, f"{span}against {rival}")
    probability = recommendation.recommendation.probability
    if probability is not None:
        weeks = f"cheaper in {saving.weeks_cheaper} of {saving.weeks} weeks of the history" if saving.weeks else ""
        yield _figure("cheapest in", f"{chance(probability)} of draws", weeks)
    elif saving.weeks:
        yield _figure("cheaper in", f"{saving.weeks_cheaper} of {saving.weeks} weeks", "both replayed on the same weeks")
    else:
        yield _figure("cheaper in", "not known", "no whole week was measured", is_words=True)


def _today_figure(recommendation: Recommendation) -> dict[str, Any]:
    present, saving = recommendation.present, recommendation.recommendation.saving_against_present
    if present is None:
        return _figure("today", "not given", "the workload file does not say what runs now", is_words=True)
    if present.monthly_usd is None or saving is None:
        return _figure("today", "cost not known", f"missing: {', '.join(present.missing)}", is_words=True)
    difference = f"{money(abs(saving.mean))} ({percent(abs(saving.fraction))})"
    change = f"saves {difference}" if saving.mean >= 0 else f"costs {difference} more"
    return _figure("today", money(present.monthly_usd.mean), f"the recommendation {change}")


def _comparison(recommendation: Recommendation) -> dict[str, Any]:
    services = recommendation.recommendation.services
    return {
        "region": recommendation.region,
        "alternatives": [_alternative(a, recommendation) for a in recommendation.of_scope(CLUSTER_SCOPE)],
        "services": [_service(service, recommendation) for service in services],
        "example_service": _argument(services[0].name) if services else "",
    }


def _alternative(alternative: Alternative, recommendation: Recommendation) -> dict[str, Any]:
    best = recommendation.recommended
    is_best = alternative.id == best.id
    why = _best_why(recommendation) if is_best else rejected_why(alternative, best)
    return {
        "is_best": is_best,
        "title": alternative.title,
        "chips": _chips(alternative.plan.services.values()) if alternative.plan else [],
        "is_priced": alternative.monthly_usd is not None,
        "money": money_range(alternative.monthly_usd),
        "interval": interval(alternative.monthly_usd),
        "chance": "-" if alternative.probability_cheapest is None else chance(alternative.probability_cheapest),
        "instances": instances_range(alternative),
        "packed": packed(alternative),
        "against": more_than_best(alternative, best),
        "why": _no_price(alternative, recommendation) if alternative.monthly_usd is None else why,
        "is_comparison": alternative.is_comparison,
    }


def _best_why(recommendation: Recommendation) -> str:
    verdict = recommendation.recommendation.verdict
    return "recommended" if verdict is Verdict.RECOMMEND else VERDICT_WORDS[verdict].lower()


def _no_price(alternative: Alternative, recommendation: Recommendation) -> str:
    return missing_sentence(alternative, recommendation.region) or "cannot run this workload"


def _chips(services: Any) -> list[str]:
    """The colours of services or their plans: launch types as in every chart, Spot hatched."""
    kinds = ((s.launch_type.lower(), " spot" if s.purchase_option is PurchaseOption.SPOT else "") for s in services)
    return list(dict.fromkeys(launch + spot for launch, spot in kinds))


def _service(service: ServiceAdvice, recommendation: Recommendation) -> dict[str, Any]:
    strategy = ", ".join(
        f"capacity provider {item.capacity_provider}, weight {item.weight}, base {item.base}"
        for item in service.capacity_provider_strategy
    )
    sentences = (
        service.why,
        size_sentence(service),
        rounding_sentence(service.name, recommendation),
        targets_sentence(service),
    )
    return {
        "name": service.name,
        "where": where(service),
        "chips": _chips([service]),
        "size": f"{service.task_size['cpu']} / {service.task_size['memory']}",
        "tasks": f"{service.tasks_p50:g} / {service.tasks_max:g}",
        "strategy": strategy or f"launch type {service.launch_type}",
        "why": "; ".join(filter(None, sentences)),
    }


def _money(recommendation: Recommendation, sources: Mapping[str, Source]) -> dict[str, Any]:
    best, present = recommendation.recommended, recommendation.present
    bills = [best.bill, present.bill if present else None]
    used = dict.fromkeys((item.source, item.as_of) for bill in bills if bill for item in bill.line_items)
    numbers = {key: number for number, key in enumerate(used, 1)}
    monthly = best.monthly_usd
    is_range = monthly is not None and monthly.high > monthly.mean
    return {
        "total": _total(best.bill, numbers) if best.bill else None,
        "upper_end": money(monthly.high) if monthly is not None and is_range else "",
        "present_total": _total(present.bill, numbers) if present and present.bill else None,
        "sources": [
            {"number": number, "id": name, "as_of": as_of, "where": sources[name].where if name in sources else NO_PLACE}
            for (name, as_of), number in numbers.items()
        ],
    }


def _total(bill: Bill, numbers: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    """Line items by part, and what is left between the cents shown and the cents of the total."""
    parts: dict[str, list[LineItem]] = {}
    for item in bill.line_items:
        parts.setdefault(item.part, []).append(item)
    total = Decimal(f"{math.fsum(item.amount_usd for item in bill.line_items):.2f}")
    rounding = total - sum((Decimal(f"{item.amount_usd:.2f}") for item in bill.line_items), Decimal(0))
    return {
        "parts": [{"name": name, "lines": [_line(item, numbers) for item in items]} for name, items in parts.items()],
        "rounding": usd(rounding) if rounding else "",
        "amount": usd(total),
    }


def _line(item: LineItem, numbers: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    price = rate(item)
    return {
        "meter": item.meter,
        "quantity": f"{agreeing(item.quantity, Decimal(price.removeprefix('$')), item.amount_usd)} {item.unit}s",
        "rate": price,
        "is_derived": item.is_derived,
        "amount": usd(item.amount_usd),
        "source": item.source,
        "source_number": numbers[item.source, item.as_of],
        "as_of": item.as_of,
        "note": item.note,
    }


def _origin(recommendation: Recommendation) -> dict[str, Any]:
    run = recommendation.run
    return {
        "defaults": list(run.defaults.items()),
        "not_modelled": not_modelled(recommendation),
        "notes": run.notes,
        "missing": list(_missing(recommendation)),
        "coverage": coverage_sentence(recommendation),
        "catalog": _catalog(recommendation),
        "inputs": [{"path": file.get("path", ""), "sha256": file.get("sha256", "")[:12]} for file in run.inputs],
        "version": run.version,
    }


def _missing(recommendation: Recommendation) -> Iterator[str]:
    """Everything that the answer had to do without."""
    for alternative in recommendation.of_scope(CLUSTER_SCOPE):
        if alternative.monthly_usd is None:
            yield f"{alternative.title}: {_no_price(alternative, recommendation)}"
    present = recommendation.present
    if present is not None and present.monthly_usd is None:
        yield f"The cost of today: {', '.join(present.missing)}"
    by_share: dict[str, list[str]] = {}
    for view in recommendation.views.services:
        if view.coverage_fraction < 1:
            by_share.setdefault(f"{math.floor(view.coverage_fraction * 10_000) / 100:.2f} %", []).append(view.name)
    for share, names in sorted(by_share.items()):
        yield f"{', '.join(names)}: load was measured {share} of the time; what is missing is left out, never counted as zero"


def _catalog(recommendation: Recommendation) -> str:
    catalog = recommendation.run.catalog
    oldest, newest = catalog.get("oldest", ""), catalog.get("newest", "")
    span = newest if oldest == newest else f"{oldest} to {newest}"
    return f"{catalog.get('region', recommendation.region)}, dated {span}"


# Words


def _short_title(alternative: Alternative) -> str:
    """The title, or the choices with how many services have each where names make it long."""
    if len(alternative.title) <= LONG_TITLE or alternative.plan is None:
        return alternative.title
    return _grouped(list(_places(alternative.plan)), most=3)


def _places(plan: Plan) -> Iterator[tuple[str, str]]:
    for name, service in plan.services.items():
        types = plan.capacity_providers[service.capacity_provider].instance_types
        yield _place(service.launch_type, service.purchase_option, service.architecture, types), name


def _place(launch_type: LaunchType, option: PurchaseOption, architecture: Architecture, types: Sequence[str]) -> str:
    launch = LAUNCH_WORDS[launch_type] + (" Spot" if option is PurchaseOption.SPOT else "")
    return f"{launch} {types[0] if types else architecture}"


def _grouped(places: Sequence[tuple[str, str]], most: int) -> str:
    """``Fargate ARM64 for 4 services, EC2 c6a.2xlarge for worker`` from places and the services that run there."""
    groups: dict[str, list[str]] = {}
    for place, name in places:
        groups.setdefault(place, []).append(name)
    if len(groups) == 1 and len(places) > 1:
        return f"{next(iter(groups))} for all {len(places)} services"
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    shown = ordered if len(ordered) <= most else ordered[: most - 1]
    n_left = sum(len(names) for _, names in ordered[len(shown) :])
    said = [f"{place} for {_who(names, is_first=number == 0)}" for number, (place, names) in enumerate(shown)]
    return ", ".join([*said, f"others for {n_left}"] if n_left else said)


def _who(names: Sequence[str], *, is_first: bool) -> str:
    """A short name, or a number: ``4 services`` where it comes first, else ``4``."""
    if len(names) == 1 and len(names[0]) <= LONG_NAME:
        return names[0]
    noun = " service" if len(names) == 1 else " services"
    return f"{len(names)}{noun if is_first else ''}"


def _argument(name: str) -> str:
    """A name as every shell takes it, or a placeholder."""
    return name if name.isascii() and all(letter.isalnum() or letter in "-_." for letter in name) else "SERVICE"


# Templates


@functools.cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("advisor.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_shown,
    )


def _shown(value: object) -> object:
    """What a template prints: text without control characters and not without end."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    text = printable(value)
    if len(text) <= MOST_LETTERS:
        return text
    return f"{text[:MOST_LETTERS]}… ({len(text) - MOST_LETTERS:,} more letters in recommendation.json)"
