"""The committed sample in reports/shop is what the example gives today, as data: last digits differ by machine."""

import json
import math
from pathlib import Path

import pytest

import advisor
from advisor.cli.results import EmitFormat, result_files

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "reports" / "shop"


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        workload = advisor.read_workload("examples/shop/workload.yaml")
        recommendation = advisor.explore(workload, advisor.read_catalog(workload.region))
    return recommendation, result_files(recommendation, (EmitFormat.REPORT, EmitFormat.ECS))


def differences(ours, theirs, where=""):
    """Paths at which two values of JSON differ by more than rounding."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = ours.keys() | theirs.keys()
        return [d for key in sorted(keys) for d in differences(ours.get(key), theirs.get(key), f"{where}.{key}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [d for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) for d in differences(a, b, f"{where}[{i}]")]
    if isinstance(ours, float) and isinstance(theirs, float):
        return [] if math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9) else [f"{where}: {ours} {theirs}"]
    return [] if ours == theirs else [f"{where}: {ours!r:.80} {theirs!r:.80}"]


def test_the_result_is_what_the_example_gives(rebuilt):
    stored = json.loads((SAMPLE / "recommendation.json").read_text())
    stored["run"].pop("generated_at")
    assert differences(json.loads(rebuilt[0].to_json()), stored)[:5] == []


def test_deploy_files_and_the_report_are_what_the_example_gives(rebuilt):
    texts = {path: content for path, content in rebuilt[1].items() if path.startswith("deploy/") or path == "report.md"}
    assert texts
    for path, content in texts.items():
        assert (SAMPLE / path).read_bytes() == content, path


def test_no_file_is_missing_or_left_over(rebuilt):
    stored = {str(path.relative_to(SAMPLE)) for path in SAMPLE.rglob("*") if path.is_file()}
    assert stored == {*rebuilt[1], "recommendation.json"}


def test_a_saved_result_reads_back_as_the_same_data(rebuilt):
    saved = advisor.read_recommendation(SAMPLE)
    assert differences(json.loads(saved.to_json()), json.loads(rebuilt[0].to_json())) == []
    assert saved.recommended.plan == rebuilt[0].recommended.plan
