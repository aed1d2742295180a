"""docs/reference/ is what the code says today, and every command, option, key and column in it is described."""

from difflib import unified_diff

import pytest

from tools.reference import FOLDER, UNDESCRIBED, pages


@pytest.fixture(scope="module")
def made():
    return pages()


def test_the_reference_is_fresh(made):
    stored = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    differing = [
        "".join(unified_diff(stored.get(name, "").splitlines(True), made.get(name, "").splitlines(True), name, "the code", n=0))
        for name in sorted(stored.keys() | made.keys())
        if stored.get(name) != made.get(name)
    ]
    assert not differing, f"run `make reference`\n{''.join(differing)[:4000]}"


def test_everything_in_the_reference_is_described(made):
    lines = [f"{name}: {line}" for name, text in made.items() for line in text.splitlines() if UNDESCRIBED in line]
    assert not lines, "add a description in the code or in tools/reference/words.py"


def test_every_public_name_is_in_the_api_reference(made):
    import advisor

    listed = {line.rpartition(".")[2] for line in made["api.md"].splitlines() if line.startswith("::: ")}
    assert listed == set(advisor.__all__) - {"__version__"}
