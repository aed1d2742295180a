"""What judges emitted files finds what is planted in them, and says what it could not check."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from advisor.cli.verify import verify_and_print
from advisor.emit import render_copilot, render_ecs, render_ecspresso, render_express, render_terraform_module
from advisor.errors import AdvisorError
from advisor.sources import read_recommendation
from advisor.sources.validators import Check, Outcome, verify_files
from tests.emit.plans import GOLDEN_PLANS, small_arm64_fargate
from tests.emit.test_express import several
from tests.emit.validators import needs, search_path

SHOP = Path(__file__).parents[2] / "reports" / "shop"
TEMPLATE = b"""AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Group:
    Type: AWS::Logs::LogGroup
    Properties:
      RetentionInDays: 30
"""


def commands():
    from advisor.cli.application import app

    return app


def by_name(files):
    return {check.name: check for check in verify_files(files)}


def of_requests(files):
    return by_name(files)["service models of botocore and rules of ECS"]


@pytest.mark.parametrize("name", GOLDEN_PLANS)
def test_what_is_emitted_passes(name):
    check = of_requests(render_ecs(GOLDEN_PLANS[name]()))
    assert check.outcome is Outcome.PASSED, str(check)


def edited(files, path, **changes):
    """A file of requests with members changed, ``__`` for a level down; None takes one away."""
    document = json.loads(files[path])
    for where, value in changes.items():
        *parents, last = where.split("__")
        inner = document
        for parent in parents:
            inner = inner[int(parent)] if parent.isdigit() else inner[parent]
        if value is None:
            del inner[last]
        else:
            inner[last] = value
    return files | {path: json.dumps(document).encode()}


TASK, SERVICE = "services/worker/register-task-definition.json", "services/worker/create-service.json"
TARGET, POLICY = "services/worker/register-scalable-target.json", "services/worker/put-scaling-policy.json"


@pytest.mark.parametrize(
    ("path", "changes", "finding"),
    [
        (TASK, {"cpu": 256}, "type"),
        (TASK, {"cpuu": "256"}, "cpuu"),
        (TASK, {"family": None}, "family"),
        (TASK, {"networkMode": "vpc"}, "networkMode"),
        (TASK, {"networkMode": "bridge"}, "awsvpc"),
        (TASK, {"memory": "5120"}, "no task size 256/5120"),
        (TASK, {"executionRoleArn": None}, "execution role"),
        (TASK, {"ephemeralStorage": {"sizeInGiB": 500}}, "ephemeral"),
        (TASK, {"containerDefinitions__0__image": None}, "image"),
        (TASK, {"containerDefinitions__0__essential": False}, "essential"),
        (TASK, {"containerDefinitions__0__cpu": 512}, "CPU units"),
        (TASK, {"containerDefinitions__0__memory": 1024}, "MiB"),
        (TASK, {"containerDefinitions__0__privileged": True}, "privileged"),
        (TASK, {"runtimePlatform__cpuArchitecture": "ARM"}, "cpuArchitecture"),
        (SERVICE, {"capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}]}, "exclude each other"),
        (SERVICE, {"launchType": None, "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 0}]}, "weight"),
        (
            SERVICE,
            {"launchType": None, "capacityProviderStrategy": [{"capacityProvider": "pool", "weight": 1}]},
            "no call makes",
        ),
        (SERVICE, {"launchType": "FARGAT"}, "launchType"),
        (SERVICE, {"networkConfiguration": None}, "subnets"),
        (SERVICE, {"placementStrategy": [{"type": "random"}]}, "placement"),
        (SERVICE, {"deploymentConfiguration__maximumPercent": 100}, "deployment"),
        (SERVICE, {"taskDefinition": "other"}, "no call registers"),
        (TARGET, {"MinCapacity": 9}, "min <= max"),
        (POLICY, {"TargetTrackingScalingPolicyConfiguration__TargetValue": 0.0}, "above zero"),
        (
            POLICY,
            {"TargetTrackingScalingPolicyConfiguration__PredefinedMetricSpecification__PredefinedMetricType": "CPU"},
            "PredefinedMetricType",
        ),
    ],
)
def test_a_planted_error_is_found(path, changes, finding):
    check = of_requests(edited(render_ecs(small_arm64_fargate()), path, **changes))
    assert check.outcome is Outcome.FAILED
    assert any(finding in detail for detail in check.details), check.details


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"cpu": "300"}, "no task size"),
        ({"cpuArchitecture": "ARM"}, "cpuArchitecture"),
        ({"scalingTarget__minTaskCount": 99}, "min <= max"),
        ({"infrastructureRoleArn": None}, "infrastructureRoleArn"),
        ({"taskDefinitionArn": "arn"}, "excludes"),
        ({"primaryContainer": None}, "container"),
    ],
)
def test_a_planted_error_in_a_call_of_express_mode_is_found(changes, finding):
    files = edited(render_express(several()), "services/api/create-express-gateway-service.json", **changes)
    check = of_requests(files)
    assert any(finding in detail for detail in check.details), check.details


def test_a_planted_error_in_a_definition_for_ecspresso_is_found_and_what_ecspresso_says_is_not_checked():
    files = render_ecspresso(small_arm64_fargate())
    assert of_requests(files).outcome is Outcome.PASSED
    assert by_name(files)["ecspresso"].outcome is Outcome.NOT_CHECKED
    check = of_requests(edited(files, "services/worker/ecs-task-def.json", memory="5120"))
    assert any("no task size 256/5120" in detail for detail in check.details), check.details


def test_a_missing_and_a_broken_file_are_findings():
    files = render_ecs(small_arm64_fargate())
    assert "is missing" in str(of_requests({path: content for path, content in files.items() if path != TASK}))
    assert "not JSON" in str(of_requests(files | {TASK: b"{"}))


def test_what_is_not_installed_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    files = {**render_copilot(small_arm64_fargate()), "main.tf": b"", "template.yaml": TEMPLATE}
    checks = by_name(files)
    assert {name: str(check) for name, check in checks.items()} == {
        "Copilot CLI": "not checked: Copilot CLI, because copilot and git and openssl not on the PATH",
        "cfn-lint": "not checked: cfn-lint, because cfn-lint is not on the PATH",
        "terraform fmt": "not checked: terraform fmt, because terraform is not on the PATH",
        "terraform validate": "not checked: terraform validate, because terraform is not on the PATH",
    }


@needs("copilot", "git", "openssl")
def test_the_copilot_cli_judges_manifests(monkeypatch):
    monkeypatch.setenv("PATH", search_path())
    files = render_copilot(small_arm64_fargate())
    assert by_name(files)["Copilot CLI"].outcome is Outcome.PASSED
    path = "copilot/worker/manifest.yml"
    misspelt = files | {path: files[path].replace(b"\n  range:\n    min: 1", b"\n  rang: 1\n  range:\n    min: 2")}
    assert by_name(misspelt)["Copilot CLI"].outcome is Outcome.PASSED  # it ignores what it does not know
    refused = by_name(files | {path: files[path].replace(b"max: 3", b"max: 0")})["Copilot CLI"]
    assert refused.outcome is Outcome.FAILED
    assert "worker" in str(refused)


@needs("cfn-lint")
def test_cfn_lint_judges_templates(monkeypatch):
    monkeypatch.setenv("PATH", search_path())
    files = {"good.yaml": TEMPLATE, "bad.yaml": TEMPLATE.replace(b"RetentionInDays", b"RetentionDays")}
    check = by_name(files)["cfn-lint"]
    assert check.outcome is Outcome.FAILED
    assert len(check.details) == 1
    assert "bad.yaml:" in check.details[0]


@needs("terraform")
def test_terraform_judges_configurations():
    laid_out = by_name({"main.tf": b'locals {\n  a = "b"\n}\n'})
    assert [check.outcome for check in laid_out.values()] == [Outcome.PASSED, Outcome.PASSED]
    wrong = by_name({"main.tf": b"locals {\n   a = var.b\n}\n"})
    assert [check.outcome for check in wrong.values()] == [Outcome.FAILED, Outcome.FAILED]
    unknown = b'terraform {\n  required_providers {\n    x = {\n      source = "localhost/none/none"\n    }\n  }\n}\n'
    assert by_name({"main.tf": unknown})["terraform validate"].outcome is Outcome.NOT_CHECKED


def test_each_check_is_a_line_and_its_findings_below():
    failed = Check(name="rules", outcome=Outcome.FAILED, details=tuple(f"finding {number}" for number in range(22)))
    assert str(failed).splitlines()[:2] == ["failed: rules", "  finding 0"]
    assert str(failed).splitlines()[-1] == "  and 2 more"


def test_a_failure_ends_the_command_with_status_1(monkeypatch, capsys):
    files = {f"deploy/ecs/{path}": content for path, content in render_ecs(small_arm64_fargate()).items()}
    verify_and_print(files)
    assert "failed" not in capsys.readouterr().out
    path = f"deploy/ecs/{TASK}"
    with pytest.raises(AdvisorError, match="2 of 2 checks failed"):
        verify_and_print(files | {path: files[path].replace(b'"512"', b'"5120"')})
    assert "no task size 256/5120" in capsys.readouterr().out


def saved(folder, made):
    """The sample's result with another plan."""
    result = read_recommendation(SHOP)
    chosen = replace(result.recommended, plan=made)
    others = tuple(chosen if each.id == chosen.id else each for each in result.alternatives)
    path = folder / "recommendation.json"
    path.write_text(replace(result, alternatives=others).to_json(generated_at="2026-01-01T00:00:00+00:00"))
    return str(path)


def test_the_command_emits_every_format_into_a_folder_of_its_own_and_verifies_each(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    command = ["emit", saved(tmp_path, several()), "--to", "copilot,ecspresso,express", "-o", str(tmp_path), "--verify"]
    done = CliRunner().invoke(commands(), command)
    assert done.exit_code == 0, done.output
    for name in ("copilot", "ecspresso", "express"):
        assert (tmp_path / "deploy" / name / "README.md").exists()
        assert f"{name}: passed: parsed back to a plan and emitted again" in done.output
    assert "copilot: not checked: Copilot CLI, because copilot and git and openssl not on the PATH" in done.output


def test_a_plan_that_a_format_cannot_express_writes_nothing(tmp_path):
    command = ["emit", str(SHOP), "--to", "ecs,copilot", "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(commands(), command)
    assert done.exit_code == 1
    assert "copilot cannot express service" in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_emit_verifies_what_it_writes(tmp_path):
    done = CliRunner().invoke(commands(), ["emit", str(SHOP), "--to", "ecs", "-o", str(tmp_path), "--verify"])
    assert done.exit_code == 0, done.output
    assert "ecs: passed: service models of botocore" in done.output
    assert "ecs: passed: parsed back to a plan and emitted again" in done.output


def test_a_report_has_nothing_to_verify(capsys):
    verify_and_print({"report.md": b""})
    assert "no deploy files" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "render"),
    [
        ("copilot", render_copilot),
        ("ecs", render_ecs),
        ("ecspresso", render_ecspresso),
        ("express", render_express),
        ("terraform-module", render_terraform_module),
    ],
)
def test_a_folder_of_each_format_comes_back_as_itself(name, render, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    verify_and_print({f"deploy/{name}/{path}": content for path, content in render(several()).items()})
    assert f"{name}: passed: parsed back to a plan and emitted again" in capsys.readouterr().out
