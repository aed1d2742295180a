"""The page in a real browser: phone and desk width, light and dark, judged by axe-core. Skipped where there is no browser."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from advisor.report.charts import render_charts
from advisor.report.html import render_html
from tests.report.results import MANY, PACKED, UNPRICED, hostile, shop, small

HERE = Path(__file__).parent
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NODE = shutil.which("node")
MISSING = [
    *([] if NODE else ["node"]),
    *([] if BROWSER else ["Chromium (apt-get install chromium)"]),
    *([] if (HERE / "node_modules" / "axe-core").is_dir() else ["axe-core (npm --prefix tests/web install --no-package-lock)"]),
]
SETTINGS = {(width, scheme) for width in (390, 1280) for scheme in ("light", "dark")}

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"the page is not looked at in a browser: no {', no '.join(MISSING)}")

PLANTED = """<!doctype html><html lang="en"><head><title>planted</title>
<link rel="stylesheet" href="https://example.invalid/style.css"></head>
<body><main><h1>Errors</h1><p style="color:#bbb;background:#fff">hardly to be read</p>
<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">
<div style="width:3000px">wide</div></main><script>console.error("planted")</script></body></html>"""


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


def with_charts(recommendation) -> str:
    charts = {path: content.decode() for path, content in render_charts(recommendation).items() if path.endswith(".svg")}
    return render_html(recommendation, charts=charts)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return audited(tmp_path_factory.mktemp("planted"), {"planted": PLANTED})


@pytest.mark.parametrize("is_seen", [
    lambda audit: {"color-contrast", "image-alt"} <= {finding["rule"] for finding in audit["findings"]},
    lambda audit: "planted" in audit["console_errors"],
    lambda audit: set(audit["requests"]) == {"https://example.invalid/style.css"},
    lambda audit: audit["overflow_px"] > 1000,
], ids=["axe", "console", "request", "overflow"])  # fmt: skip
def test_the_audit_sees_planted_errors(planted, is_seen):
    assert {(audit["width"], audit["scheme"]) for audit in planted} == SETTINGS
    assert all(map(is_seen, planted))


def test_pages_are_clean_at_both_widths_in_light_and_dark(tmp_path):
    pages = {
        "shop": with_charts(shop()),
        "today": render_html(small(PACKED)),
        "unpriced": with_charts(small(UNPRICED)),
        "twelve": render_html(small(MANY)),
        "hostile": with_charts(hostile()),
    }
    results = audited(tmp_path, pages)
    assert len(results) == len(pages) * len(SETTINGS)
    for audit in results:
        findings = [audit.pop(name) for name in ("findings", "console_errors", "requests", "overflow_px")]
        assert findings == [[], [], [], 0], audit
