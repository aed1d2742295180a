import os
from collections.abc import Callable
from difflib import unified_diff
from pathlib import Path

import pytest
from hypothesis import settings

os.environ["ADVISOR_CACHE_DIR"] = os.devnull  # prices that someone refreshed on this machine are no part of a test
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # each command that a test runs would compile the package anew
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the processes of the suite use all cores already
GOLDEN = Path(__file__).parent / "golden"
LONGEST = tuple(
    f"tests/{name}.py"
    for name in (
        "test_notebooks",
        "docs/test_commands",
        "test_against_oracle",
        "report/test_charts",
        "test_prices_command",
        "test_laws_of_answers",
        "fleet/test_datasets",
        "test_laws",
        "test_certificate",
        "report/test_html",
    )
)
"""Files that are begun first, in this order, so that no process waits for one of them at the end."""

settings.register_profile("test", max_examples=60, deadline=None, derandomize="CI" in os.environ, print_blob=True)
settings.register_profile("prove", parent=settings.get_profile("test"), max_examples=2_000)
settings.load_profile("test")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden/ with what the tests produce")


@pytest.fixture
def assert_golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the file of that name in ``tests/golden/``."""

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        expected = path.read_text(encoding="utf-8") if path.exists() else ""
        if text != expected:
            diff = unified_diff(expected.splitlines(True), text.splitlines(True), f"golden/{name}", "this run")
            pytest.fail(f"{''.join(diff)}\nIf this is right, run pytest --update-golden.", pytrace=False)

    return check


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After the shuffle of all the others."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.nodeid.partition("::")[0], len(order)))
