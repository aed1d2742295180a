"""``report.html``: one file that carries everything, runs nothing, and says the same as ``report.md``."""

import base64
import hashlib
import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from advisor import Recommendation
from advisor.ecs import LaunchType
from advisor.errors import InputError
from advisor.report import html, render_markdown
from advisor.report.explain import explain_text
from advisor.report.explanation import sources_of
from advisor.report.html import headline, inline_svg, render_html
from advisor.report.words import money_range, step_rows
from advisor.sources import read_catalog
from tests.report.results import (
    LONG,
    MANY,
    PACKED,
    SHORT,
    SPOT,
    TAGS,
    UNPRICED,
    changed,
    explored_shop,
    hostile,
    resized,
    shop,
    small,
)

RESULTS = [explored_shop, hostile, *(lambda text=text: small(text) for text in (PACKED, SPOT, UNPRICED, SHORT, MANY))]
NAMES = ["shop", "hostile", "packed", "spot", "unpriced", "short", "many"]
VOID = {"meta", "link", "br", "img"}
CHART = """<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="80pt" height="40pt" onload="alert(1)">
<metadata><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></metadata><style>* {fill: red}</style>
<title>EC2 needs &lt;2&gt; instances all night</title><script>alert(1)</script>
<defs><clipPath id="a"><rect width="8" height="4"/></clipPath><path id="b" d="M 0 0"/></defs>
<g clip-path="url(#a)" onclick="alert(2)"><use xlink:href="#b" style="clip-path: url(#a)"/><text>2 &lt; 3</text></g>
<image href="data:image/png;base64,AAAA"/><image href="https://example.invalid/x.png"/><use href="https://example.invalid/y"/>
<foreignObject><body xmlns="http://www.w3.org/1999/xhtml">hello</body></foreignObject>
<a xmlns:x="urn:x" href="javascript:alert(1)"><text>click</text></a>
</svg>"""

every_result = pytest.mark.parametrize("make", RESULTS, ids=NAMES)


class Page(HTMLParser):
    """What a browser would see, as far as a test needs it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "title", "script"} & set(self.open):
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def page_of(recommendation: Recommendation, **options) -> Page:
    return Page(render_html(recommendation, **options))


@every_result
def test_nothing_on_the_page_runs_or_fetches(make):
    page = page_of(make(), charts={"charts/costs.svg": CHART, "charts/stairs-x.svg": CHART})
    tags = {name for name, _ in page.tags}
    assert not tags & {"iframe", "object", "embed", "form", "img", "base", "foreignobject", "audio", "video"}
    for _, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("href", "src", "xlink:href", "action"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))
    (policy,) = (meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'" in policy


@every_result
def test_the_one_script_is_ours_and_the_policy_names_it_alone(make):
    text = render_html(make(), charts={"charts/costs.svg": CHART})
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert script == (Path(html.__file__).parents[1] / "templates" / "tables.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in text.replace("&#39;", "'")
    assert len([tag for tag in Page(text).tags if tag[0] == "script"]) == 1


@every_result
def test_every_element_that_opens_closes(make):
    assert page_of(make(), charts={"costs.svg": CHART}).open == []


def test_text_of_the_input_is_shown_as_text():
    page = page_of(hostile())
    assert TAGS in page.words
    assert "<b>bold</b>" in page.words
    assert "{{ 7 * 7 }}" in page.words


def test_endless_text_is_cut_and_says_so():
    text = render_html(hostile())
    assert LONG not in text
    assert "more letters in recommendation.json" in text


def test_characters_that_cannot_be_shown_are_replaced():
    text = render_html(hostile())
    assert not set(text) & set("\x00\x1b\u202e")
    text.encode()


@every_result
def test_headings_are_in_order(make):
    levels = [int(name[1]) for name, _ in page_of(make()).tags if re.fullmatch("h[1-6]", name)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@every_result
def test_landmarks_and_labels_for_a_screen_reader(make):
    page = page_of(make(), charts={"costs.svg": CHART, "stairs-x.svg": CHART})
    assert page.all("html")[0]["lang"] == "en"
    assert [len(page.all(tag)) for tag in ("header", "main", "footer", "title")] == [1, 1, 1, 1]
    ids = {attributes.get("id") for _, attributes in page.tags}
    for box in (attributes for _, attributes in page.tags if attributes.get("class") == "scroll"):
        assert (box["role"], box["tabindex"]) == ("region", "0")
        assert box.get("aria-label") or box["aria-labelledby"] in ids
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(cell.get("scope") for cell in page.all("th"))
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in page.all("svg"))


@every_result
def test_ids_are_unique_and_links_lead_somewhere(make):
    page = page_of(make(), charts={"costs.svg": CHART, "stairs-x.svg": CHART, "loads.svg": CHART})
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.tags:
        target = attributes.get("href") or ""
        assert not target.startswith("#") or target[1:] in ids
        for reference in re.findall(r"url\(#([^)]*)\)", " ".join(value or "" for value in attributes.values())):
            assert reference in ids


@every_result
def test_the_first_screen_answers_which_what_how_much_and_how_sure(make):
    recommendation = make()
    advice = recommendation.recommendation
    before_any_section = page_of(recommendation).words
    first = before_any_section[: before_any_section.index("Which service goes where?")]
    assert money_range(recommendation.recommended.monthly_usd) in first
    how_sure = "cheaper in" if advice.probability is None else "cheapest in"
    for word in ("costs a month", "a month", how_sure if advice.saving else "not known", "today"):
        assert word in first
    assert all(doubt in first for doubt in advice.doubts)


@every_result
def test_every_figure_of_the_markdown_report_is_on_the_page(make):
    recommendation = make()
    words = page_of(recommendation).words
    figures = set(re.findall(r"\$[\d,.]*\d(?:-[\d,.]*\d)?", render_markdown(recommendation).replace("\\", "")))
    assert figures
    assert {figure for figure in figures if figure not in words} == set()


def test_each_amount_is_the_product_beside_it_and_they_add_up():
    number = r'<td class="number">'
    for recommendation in (small(PACKED), small(SPOT), shop()):
        text = render_html(recommendation)
        table = text[text.index('id="line-items-caption"') : text.index("</table>", text.index('id="line-items-caption"'))]
        rows = re.findall(
            rf"{number}([\d,.]+) \S+</td>\s*{number}\$([\d.]+).*?</td>\s*{number}\$([\d,.]+)</td>",
            table,
        )
        assert len(rows) == len(recommendation.recommended.bill.line_items)
        values = [[Decimal(cell.replace(",", "")) for cell in row] for row in rows]
        assert all(abs(quantity * rate - amount) <= Decimal("0.005001") for quantity, rate, amount in values)
        below = re.findall(r'<td class="number">(-?)\$([\d,.]+)</td><td colspan="2">', table)
        rounding, total = ([0, *(Decimal(f"{sign}{amount.replace(',', '')}") for sign, amount in below)])[-2:]
        assert sum(row[2] for row in values) + rounding == total
        assert f"{total:.2f}" == f"{recommendation.recommended.monthly_usd.mean:.2f}"


def test_each_rate_names_its_source_with_place_and_date():
    recommendation = small(PACKED)
    sources = sources_of(recommendation, read_catalog(recommendation.region))
    words = page_of(recommendation, sources=sources).words
    for item in recommendation.recommended.bill.line_items:
        assert item.source in words
        assert item.as_of in words
        assert " ".join(sources[item.source].where.split()) in words


def test_what_has_no_price_is_a_row_and_is_missing():
    recommendation = small(UNPRICED)
    unpriced = [a for a in recommendation.of_scope("cluster") if a.monthly_usd is None]
    assert unpriced
    words = page_of(recommendation).words
    for alternative in unpriced:
        assert f"{alternative.title} no price no price in us-west-2" in words
        assert f"{alternative.title}: no price in us-west-2" in words[words.index("What is missing?") :]


def test_the_best_row_claims_no_more_than_the_verdict():
    assert "best of what is priced" in page_of(small(UNPRICED)).words
    assert " recommended " not in page_of(small(UNPRICED)).words
    assert " recommended " in page_of(small(PACKED)).words


def test_another_task_size_says_how_safe_it_was():
    recommendation = resized(small(PACKED), "quiet")
    sentence = "size: 256/512 instead of 1024/2048: on this history 30 % of memory left at the worst moment"
    assert sentence in page_of(recommendation).words
    assert sentence in " ".join(explain_text(recommendation, "quiet").split())


def test_today_is_shown_with_its_own_line_items():
    recommendation = small(PACKED)
    words = page_of(recommendation).words
    assert "cost made of?" in words
    assert "ec2:linux:on_demand:m6i.large" in words


def test_a_result_from_a_file_gives_the_same_page():
    recommendation = small(PACKED)
    again = changed(recommendation, lambda data: None)
    assert render_html(again, charts={"costs.svg": CHART}) == render_html(recommendation, charts={"costs.svg": CHART})


def test_a_plan_without_any_price_of_today_says_so():
    def drop(data):
        data["present"] = {"monthly_usd": None, "bill": None, "missing": ["ec2:linux:on_demand:m6i.large"]}
        data["recommendation"]["saving_against_present"] = None
        data["recommendation"]["saving"] = None

    words = page_of(changed(small(PACKED), drop)).words
    assert "cost not known missing: ec2:linux:on_demand:m6i.large" in words
    assert "no alternative of another launch type or purchase option has a price" in words


# Drawings


def test_a_drawing_keeps_what_draws_and_loses_the_rest():
    svg = inline_svg(CHART, prefix="p-")
    page = Page(svg)
    assert {name for name, _ in page.tags} == {"svg", "defs", "clippath", "rect", "path", "g", "use", "text", "image"}
    assert page.words == "2 < 3"
    assert "alert" not in svg
    assert "example.invalid" not in svg
    assert 'href="data:image/png;base64,AAAA"' in svg


def test_a_drawing_has_ids_of_its_own():
    svg = inline_svg(CHART, prefix="p-")
    assert 'id="p-a"' in svg
    assert 'clip-path="url(#p-a)"' in svg
    assert 'style="clip-path: url(#p-a)"' in svg
    assert 'href="#p-b"' in svg


def test_a_drawing_follows_the_width_of_the_page_and_has_a_label():
    (svg,) = Page(inline_svg(CHART, prefix="p-")).all("svg")
    assert (svg["viewbox"], svg["aria-label"]) == ("0 0 80 40", "EC2 needs <2> instances all night")
    assert not {"width", "height", "onload"} & set(svg)


@pytest.mark.parametrize("text", ["", "no drawing", "<html/>", "<svg/>", '<!DOCTYPE a [<!ENTITY b "c">]><svg>'])
def test_what_is_no_drawing_is_refused_by_name(text):
    with pytest.raises(InputError, match=r"chart 'charts/costs\.svg' is not SVG"):
        render_html(small(PACKED), charts={"charts/costs.svg": text})


def test_the_stairs_of_the_costliest_service_come_first_and_the_others_with_their_service():
    names = [service.name for service in small(PACKED).recommendation.services]
    charts = {
        f"charts/{kind}-{name}.svg": CHART.replace("EC2 needs", f"{kind} {name}")
        for name in names
        for kind in ("stairs", "load")
    }
    text = render_html(small(PACKED), charts=charts)
    labels = re.findall(r'role="img" aria-label="(\w+) (\w+) ', text)
    cost = {name: small(PACKED).of_scope(name)[0].monthly_usd.mean for name in names}
    assert labels[0] == ("stairs", max(cost, key=cost.get))
    assert sorted(labels) == sorted((kind, name) for name in names for kind in ("stairs", "load"))
    assert text.count("<details>") == len(names)


def test_the_staircase_of_savings_stands_on_the_page_and_adds_up():
    recommendation = shop()
    stairs = recommendation.saving_steps
    words = page_of(recommendation).words
    section = words[words.index("What does each step save? From") :]
    assert stairs.start_usd - sum(step.saves_usd for step in stairs.steps) == pytest.approx(stairs.end_usd)
    for row in step_rows(recommendation):
        assert all(" ".join(cell.split()) in section for cell in row)


# The sentence


def services_at(*places: tuple[str, str]) -> Recommendation:
    recommendation = small(PACKED)
    pattern = next(s for s in recommendation.recommendation.services if not s.instance_types)
    services = tuple(
        replace(pattern, name=name)
        if place == "Fargate"
        else replace(pattern, name=name, launch_type=LaunchType.EC2, instance_types=(place,))
        for name, place in places
    )
    return replace(recommendation, recommendation=replace(recommendation.recommendation, services=services))


@pytest.mark.parametrize(
    ("places", "says"),
    [
        ([("web", "Fargate")], "Fargate ARM64 for web"),
        ([("web", "Fargate"), ("api", "Fargate")], "Fargate ARM64 for all 2 services"),
        (
            [("chat", "m7g.large"), ("web", "Fargate"), ("api", "Fargate")],
            "Fargate ARM64 for 2 services, EC2 m7g.large for chat",
        ),
        ([("n" * 60, "m7g.large"), ("web", "Fargate")], "EC2 m7g.large for 1 service, Fargate ARM64 for web"),
        (
            [(f"s{i}", f"{family}.large") for i, family in enumerate(("c5", "c5", "m5", "m5", "r5", "t3", "x2"))],
            "EC2 c5.large for 2 services, EC2 m5.large for 2, EC2 r5.large for s4, others for 2",
        ),
    ],
)
def test_the_headline_is_short(places, says):
    assert headline(services_at(*places)) == says
