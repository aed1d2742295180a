"""The page in a real browser: three widths, light and dark, judged by axe-core. Skipped where there is no browser."""

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from advisor import Recommendation
from advisor.fleet import Status, fleet_of
from advisor.fleet.page import render_page
from advisor.report.charts import render_charts
from advisor.report.charts.render import file_names
from advisor.report.html import render_html
from tests.fleet.test_stairs import record
from tests.report.results import HELD, MANY, PACKED, SHORT, UNPRICED, changed, explored_shop, hostile, small
from tests.report.test_html import CHART

HERE = Path(__file__).parent
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NODE = shutil.which("node")
MISSING = [
    *([] if NODE else ["node"]),
    *([] if BROWSER else ["Chromium (apt-get install chromium)"]),
    *([] if (HERE / "node_modules" / "axe-core").is_dir() else ["axe-core (npm --prefix tests/web install --no-package-lock)"]),
]
SETTINGS = {(width, scheme) for width in (390, 768, 1280) for scheme in ("light", "dark")}

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"the page is not looked at in a browser: no {', no '.join(MISSING)}")

PLANTED = """<!doctype html><html lang="en"><head><title>planted</title>
<link rel="stylesheet" href="https://example.invalid/style.css"></head>
<body><main><h1>Errors</h1><p style="color:#bbb;background:#fff">hardly to be read</p>
<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">
<div style="width:3000px">wide</div>
<table style="width:4px"><tr><td style="overflow-wrap:anywhere">squeezed</td></tr></table>
</main><script>console.error("planted")</script></body></html>"""


def audited(folder: Path, pages: dict[str, str]) -> list[dict[str, object]]:
    files = []
    for name, text in pages.items():
        path = folder / f"{name}.html"
        path.write_text(text, encoding="utf-8")
        files.append(path)
    done = subprocess.run(
        [str(NODE), HERE / "audit.mjs", *files],
        capture_output=True, text=True, check=False, timeout=600, env={**os.environ, "CHROMIUM": str(BROWSER)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


ONE = """
cluster: one
region: us-east-1
services:
  - {name: api, task: {cpu: 512, memory: 1024}, load: {tasks: 6}, architectures: [X86_64, ARM64], port: 80}
"""


def too_close():
    def judge(data):
        data["recommendation"]["verdict"] = "too_close_to_call"
        data["recommendation"]["doubts"] = ["another launch choice is cheapest in 41 % of the draws (a tie within 2 %)"]

    return changed(small(PACKED), judge)


def two_hundred() -> Recommendation:
    """Twelve services many times over, as a page has to bear them."""
    few = small(MANY)
    advice, costs, views = few.recommendation.services, few.unit_costs, few.views.services
    names = [
        f"{'x' * 40 if number == 7 else 'team'}-{number % 9}-\N{LATIN SMALL LETTER U WITH DIAERESIS}-{number:03d}"
        for number in range(200)
    ]
    return replace(
        few,
        recommendation=replace(
            few.recommendation, services=tuple(replace(advice[i % 12], name=name) for i, name in enumerate(names))
        ),
        unit_costs=tuple(
            replace(costs[i % 12], service=name, monthly_usd=(i * 37 % 200) + 0.5) for i, name in enumerate(names)
        ),
        views=replace(few.views, services=tuple(replace(views[i % 12], name=name) for i, name in enumerate(names))),
    )


def fleet_page() -> str:
    """Sixty workloads of both starts, some with long names, one without an answer and one with a note."""
    name = "payments-reconciliation-and-settlement-of-{}-{:02d}"
    fleet = [
        record(name.format("a-region-far-away" if n % 3 else "x", n), against="now" if n % 2 else "fargate") for n in range(60)
    ]
    failed = record("z" * 60, status=Status.FAILED, against=None)
    noted = replace(record("noted"), warnings=("a load in steps of an hour hides what happens in it: `collect` finer ones",))
    return render_page(fleet_of([*fleet, replace(failed, problem="workload.yaml: no such file"), noted], version="1"))


def with_charts(recommendation) -> str:
    charts = {path: content.decode() for path, content in render_charts(recommendation).items() if path.endswith(".svg")}
    return render_html(recommendation, charts=charts)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return audited(tmp_path_factory.mktemp("planted"), {"planted": PLANTED})


@pytest.mark.parametrize("is_seen", [
    lambda audit: not audit["is_judged"] or {"color-contrast", "image-alt"} <= {each["rule"] for each in audit["findings"]},
    lambda audit: "planted" in audit["console_errors"],
    lambda audit: set(audit["requests"]) == {"https://example.invalid/style.css"},
    lambda audit: audit["overflow_px"] > 1000,
    lambda audit: audit["squeezed"] == ["squeezed"],
], ids=["axe", "console", "request", "overflow", "squeezed"])  # fmt: skip
def test_the_audit_sees_planted_errors(planted, is_seen):
    assert {(audit["width"], audit["scheme"]) for audit in planted} == SETTINGS
    assert sum(audit["is_judged"] for audit in planted) == 2
    assert all(map(is_seen, planted))


def test_pages_are_clean_at_three_widths_in_light_and_dark(tmp_path):
    pages = {
        "shop": with_charts(explored_shop()),
        "today": render_html(small(PACKED)),
        "unpriced": with_charts(small(UNPRICED)),
        "one": with_charts(small(ONE)),
        "short": with_charts(small(SHORT)),
        "close": render_html(too_close()),
        "twelve": render_html(small(MANY)),
        "two hundred": render_html(two_hundred()),
        "hostile": with_charts(hostile()),
        "held": with_charts(small(HELD)),
        "fleet": fleet_page(),
    }
    results = audited(tmp_path, pages)
    assert len(results) == len(pages) * len(SETTINGS)
    for audit in results:
        findings = [audit.pop(name) for name in ("findings", "console_errors", "requests", "overflow_px", "squeezed")]
        assert findings == [[], [], [], 0, []], audit


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    path = tmp_path_factory.mktemp("used") / "page.html"
    many = two_hundred()
    first, *_ = file_names([service.name for service in many.recommendation.services])
    path.write_text(render_html(many, charts={f"charts/stairs-{first}.svg": CHART, f"charts/load-{first}.svg": CHART}), "utf-8")
    done = subprocess.run(
        [str(NODE), HERE / "use.mjs", path],
        capture_output=True, text=True, check=False, timeout=600, env={**os.environ, "CHROMIUM": str(BROWSER)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_column_head_sorts_two_hundred_services_by_their_numbers(used):
    usd = [(i * 37 % 200) + 0.5 for i in range(200)]
    assert used["sorted_up"] == sorted(usd)
    assert used["sorted_down"] == sorted(usd, reverse=True)
    assert used["aria_sort"] == ["ascending", "descending"]


def test_text_sorts_as_people_count(used):
    assert used["sorted_names"] == sorted(used["sorted_names"], key=str.lower)
    assert len(used["sorted_names"]) == 200


def test_search_leaves_the_rows_that_hold_every_word(used):
    assert used["found"] == ["team-4-\N{LATIN SMALL LETTER U WITH DIAERESIS}-013"]
    assert used["status"] == "1 of 200"
    assert used["shown_after_clearing"] == 200


def test_the_keyboard_reaches_links_heads_and_boxes_and_sorts(used):
    assert {"A", "BUTTON", "INPUT", "DIV"} <= set(used["focused"])
    assert used["unseen_focus"] == []
    assert used["sorted_by_key"] == "ascending"


def test_without_scripts_every_row_stands_and_nothing_asks_to_be_clicked(used):
    assert used["without_script"] == {"rows": 200, "buttons": 0, "inputs": 0}


def test_print_shows_what_is_folded_and_hides_what_is_clicked(used):
    assert used["print"]["nav"] == "none"
    assert used["print"]["search"] == "none"
    assert used["print"]["overflow_px"] == 0
    assert used["print"]["cut"] == []
    assert used["print"]["folded_px"] > 0
    assert used["print"]["pdf_starts_with"] == "%PDF"
