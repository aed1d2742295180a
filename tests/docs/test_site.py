"""The documentation as pages: it builds without a warning, and opens from disk without asking the network for anything."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FETCHED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio)[^>]+(?:src|srcset)="?https?:[^>]*>
    |<link[^>]+href="?https?:[^>]*>
    |url\(["']?https?:[^)]*\)
    |@import\s+["']?https?:""",
    re.VERBOSE,
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_nothing_is_fetched_from_elsewhere(site):
    files = [path for path in site.rglob("*") if path.suffix in {".html", ".css"}]
    fetched = {found[0] for path in files for found in FETCHED.finditer(path.read_text(encoding="utf-8"))}
    assert len(files) > 20
    assert not fetched


def test_equations_are_drawn_by_the_browser_itself(site):
    model = (site / "model.html").read_text(encoding="utf-8")
    assert model.count("<math") > 10
    assert "arithmatex" not in model


def test_every_public_name_has_its_docstring_in_the_api_reference(site):
    import advisor

    page = (site / "reference" / "api.html").read_text(encoding="utf-8")
    assert [name for name in advisor.__all__ if f".{name}" not in page and name != "__version__"] == []
