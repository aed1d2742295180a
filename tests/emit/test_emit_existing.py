"""`advisor emit --from` and `--diff` from outside."""

import json
import shutil
import sys
from pathlib import Path

import pytest

import advisor
from advisor.cli import main
from tests.emit.test_diff import live

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "examples" / "shop" / "workload.yaml"
TODAY = {
    "family": "search",
    "cpu": "1024",
    "memory": "2048",
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE"],
    "containerDefinitions": [{"name": "search", "image": "mine:7", "environment": [{"name": "A", "value": "ü"}]}],
}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """The shop's result, made from a copy of its workload."""
    folder = tmp_path_factory.mktemp("shop")
    shutil.copytree(SHOP.parent, folder / "in")
    found = advisor.advise(
        advisor.read_workload(folder / "in" / "workload.yaml"), advisor.read_catalog("us-east-1"), replay_weeks=0
    )
    (folder / "recommendation.json").write_text(found.to_json())
    return folder


@pytest.fixture
def run(capsys, monkeypatch):
    def run_command(*arguments):
        monkeypatch.setattr(sys, "argv", ["advisor", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run_command


@pytest.fixture
def today(tmp_path):
    path = tmp_path / "today.json"
    path.write_text(json.dumps({"taskDefinition": TODAY | {"revision": 4, "status": "ACTIVE"}}))
    return path


def test_a_merge_writes_a_request_and_says_what_it_did(run, result, today, tmp_path):
    status, out, err = run("emit", result, "--from", today, "-o", tmp_path / "out")
    merged = json.loads((tmp_path / "out/deploy/merged/services/search/register-task-definition.json").read_text())
    platform = {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}
    assert (status, out) == (0, "")
    assert merged == TODAY | {"runtimePlatform": platform}
    assert "runtimePlatform: none ->" in err
    assert "left out: revision, status: not taken by RegisterTaskDefinition" in err


def test_the_emitted_set_against_itself_is_empty(run, result, tmp_path):
    run("emit", result, "--to", "ecs", "-o", tmp_path)
    status, out, _ = run("emit", result, "--diff", "--from", tmp_path)
    assert (status, out) == (0, "Nothing differs.\n")


def test_the_diff_is_priced_on_the_load_of_the_result(run, result, today):
    """From x86 to ARM, search costs 20 % less, as its rates do; the total after the change is the recommendation's."""
    status, out, _ = run("emit", result, "--diff", "--from", today, "--format", "json")
    data = json.loads(out)
    (row,) = data["rows"]
    best = advisor.read_recommendation(result).recommended
    assert status == 0
    assert (row["field"], row["before"], row["after"]) == ("architecture", "X86_64", "ARM64")
    assert row["change_usd"] == pytest.approx(data["total_usd"])
    assert data["after_usd"] == pytest.approx(best.monthly_usd.mean)
    assert data["before_usd"] == pytest.approx(best.monthly_usd.mean - row["change_usd"])


def test_a_load_that_changed_since_prices_nothing(run, result, today, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(result, moved)
    recommendation = json.loads((moved / "recommendation.json").read_text())
    for file in recommendation["run"]["inputs"]:
        file["sha256"] = "0" * 64
    (moved / "recommendation.json").write_text(json.dumps(recommendation))
    row = json.loads(run("emit", moved, "--diff", "--from", today, "--format", "json")[1])["rows"][0]
    assert row["change_usd"] is None
    assert "--workload" in row["why_not"]
    stated = run("emit", moved, "--diff", "--from", today, "--workload", SHOP, "--format", "json")[1]
    assert json.loads(stated)["total_usd"] < 0


def test_a_diff_has_the_own_rates_that_the_result_was_priced_with(run, tmp_path):
    """Half of Fargate's price, as ``recommend --rates`` had it: from ARM to x86 at half of the difference."""
    (tmp_path / "web.yaml").write_text(
        "cluster: shop\nregion: us-east-1\nservices:\n"
        "  - {name: search, task: {cpu: 1024, memory: 2048}, load: {tasks: 2}, architectures: [ARM64]}\n"
    )
    own = tmp_path / "own.csv"
    own.write_text("meter,region,usd,unit,discount_fraction,source,as_of\nfargate:*,*,,,0.5,deal,2026-09-01\n")
    (tmp_path / "today.json").write_text(json.dumps({"taskDefinition": TODAY | {"cpu": "2048", "memory": "4096"}}))
    found = advisor.advise(
        advisor.read_workload(tmp_path / "web.yaml"), advisor.read_catalog("us-east-1", rates_file=own), replay_weeks=0
    )
    (tmp_path / "recommendation.json").write_text(found.to_json())
    command = ("emit", tmp_path, "--diff", "--from", tmp_path / "today.json", "--format", "json")
    assert json.loads(run(*command)[1])["after_usd"] == pytest.approx(found.recommended.monthly_usd.mean)
    own.write_text(own.read_text().replace("0.5", "0.4"))
    rows = json.loads(run(*command)[1])["rows"]
    assert {row["change_usd"] for row in rows} == {None}
    assert any("own.csv is not there, or has changed" in (row["why_not"] or "") for row in rows)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"services": [1]}',
        '{"services": {"a": 1}}',
        '{"services": [{"serviceName": "search", "networkConfiguration": "x"}]}',
        '{"services": [{"serviceName": "search", "capacityProviderStrategy": [1]}]}',
        '{"taskDefinition": {"family": "search", "containerDefinitions": [3]}}',
        '{"taskDefinition": {"family": "search", "containerDefinitions": [{"name": "a", "cpu": "x"}]}}',
        '{"taskDefinition": {"family": "search", "runtimePlatform": "x", "containerDefinitions": []}}',
        '{"ScalingPolicies": [{"ResourceId": "service/shop/search", "TargetTrackingScalingPolicyConfiguration": 3}]}',
    ],
)
def test_what_cannot_be_merged_is_one_message_and_nothing_is_written(run, result, tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    status, out, err = run("emit", result, "--from", tmp_path / "x.json", "-o", tmp_path / "out")
    assert (status, out) == (1, "")
    assert err.startswith("error: ")
    assert not (tmp_path / "out").exists()


def test_other_formats_are_not_merged(run, result, today, tmp_path):
    status, _, err = run("emit", result, "--from", today, "--to", "report", "-o", tmp_path / "out")
    assert status == 2
    assert "JSON of the ECS API" in err.replace("\n", " ")
    assert not (tmp_path / "out").exists()


def test_the_library_does_the_same(result):
    recommendation = advisor.read_recommendation(result)
    plan = recommendation.recommended.plan
    (merged,) = advisor.merge_plan(TODAY, plan)
    assert merged.request["runtimePlatform"]["cpuArchitecture"] == "ARM64"
    assert advisor.diff_plan(plan, live()).rows
    assert advisor.migration_page(recommendation) is None


def test_no_format_at_all_is_refused(run, result, tmp_path):
    status, _, err = run("emit", result, "--to", ",", "-o", tmp_path / "out")
    assert (status, err.startswith("error: no format is given")) == (1, True)
    assert not (tmp_path / "out").exists()
