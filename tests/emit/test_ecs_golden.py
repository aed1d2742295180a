"""The files of ten plans, for a reviewer to read."""

from pathlib import Path

import pytest

from advisor.emit import render_ecs
from tests.emit.plans import GOLDEN_PLANS

GOLDEN = Path(__file__).parents[1] / "golden" / "ecs"


@pytest.mark.parametrize("name", GOLDEN_PLANS)
def test_deploy_files(name, assert_golden):
    files = render_ecs(GOLDEN_PLANS[name]())
    for path, content in files.items():
        assert_golden(f"ecs/{name}/{path}", content.decode())
    kept = {path.relative_to(GOLDEN / name).as_posix() for path in (GOLDEN / name).rglob("*") if path.is_file()}
    assert kept == set(files), "a golden file that nothing makes any more: remove it"
