"""Files for ecspresso are the plan, and come through its templates unchanged."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.emit import parse_ecs, parse_ecspresso, render_ecs, render_ecspresso
from advisor.emit.ecspresso.text import literal, template
from advisor.errors import AdvisorError, InputError
from advisor.plan import ScalingMetric
from tests.emit.fargate_plans import everything
from tests.emit.plans import GOLDEN_PLANS, fargate, plan, plans, service, small_arm64_fargate

GOLDEN = Path(__file__).parents[1] / "golden" / "ecspresso"
DEFINITIONS = ("ecs-service-def.json", "ecs-task-def.json")
REVIEWED = ("README.md", "deploy.sh", "ecspresso.json", "ecspresso.yml", *DEFINITIONS)
"""Files of our own; the others are those of the ecs format, which has golden files."""


def executed(text):
    """What Go's text/template makes of a template whose only actions print a raw string."""
    pieces = re.split(r"(\{\{.*?\}\})", text, flags=re.DOTALL)
    for index, action in enumerate(pieces[1::2]):
        assert re.fullmatch(r"\{\{`[^`]*`\}\}", action), f"{action} is an action"
        pieces[2 * index + 1] = action[3:-3]
    return "".join(pieces)


@pytest.mark.parametrize("name", GOLDEN_PLANS)
def test_own_files(name, assert_golden):
    files = {path: content for path, content in render_ecspresso(GOLDEN_PLANS[name]()).items() if path.endswith(REVIEWED)}
    for path, content in files.items():
        assert_golden(f"ecspresso/{name}/{path}", content.decode())
    kept = {path.relative_to(GOLDEN / name).as_posix() for path in (GOLDEN / name).rglob("*") if path.is_file()}
    assert kept == set(files), "a golden file that nothing makes any more: remove it"


@pytest.mark.parametrize("name", GOLDEN_PLANS)
def test_what_is_not_ecspresso_s_is_as_in_the_ecs_format(name):
    ours, theirs = render_ecspresso(GOLDEN_PLANS[name]()), render_ecs(GOLDEN_PLANS[name]())
    same = {path for path in ours if ours[path] == theirs.get(path)}
    assert {path for path in ours.keys() - same if not path.endswith(REVIEWED)} == set()
    gone = {path.rpartition("/")[2] for path in theirs.keys() - ours.keys()}
    assert gone <= {"calls.json", "create-service.json", "register-task-definition.json"}


@given(plans())
@settings(max_examples=25)
def test_files_parse_back_to_the_plan(made):
    files = render_ecspresso(made)
    assert parse_ecspresso(files) == made
    for path, content in files.items():
        if path.endswith(DEFINITIONS):
            assert json.loads(executed(content.decode())) == json.loads(literal(content))


@given(st.text() | st.text("{}`- "))
def test_text_comes_through_the_template_unchanged(text):
    made = template(text.encode())
    assert executed(made.decode()) == text
    assert literal(made) == text.encode()


def test_hostile_texts_come_through():
    made = everything()
    files = render_ecspresso(made)
    definition = json.loads(executed(files["services/web/ecs-task-def.json"].decode()))
    variables = {each["name"]: each["value"] for each in definition["containerDefinitions"][0]["environment"]}
    assert variables == made.services["web"].containers[0].environment
    assert parse_ecspresso(files) == made


def test_a_definition_has_no_count_where_scaling_decides_and_no_member_that_the_configuration_says():
    kept = {"scaling_metric": ScalingMetric.NONE, "scaling_target": None}
    made = plan({"web": service(), "fixed": service(**kept)}, fargate())
    files = render_ecspresso(made)
    scaled, fixed = (json.loads(files[f"services/{name}/ecs-service-def.json"]) for name in ("web", "fixed"))
    assert "desiredCount" not in scaled
    assert fixed["desiredCount"] == 4
    assert not {"cluster", "serviceName", "taskDefinition"} & (scaled.keys() | fixed.keys())
    configuration = yaml.safe_load(files["services/web/ecspresso.yml"])
    assert (configuration["cluster"], configuration["service"], configuration["region"]) == ("shop", "web", "eu-west-1")


def test_metrics_of_20_s_need_a_newer_ecspresso():
    files = render_ecspresso(plan({"web": service(metric_resolution_s=20)}, fargate()))
    assert yaml.safe_load(files["services/web/ecspresso.yml"])["required_version"] == ">= 2.8.5, < 3"


def test_the_script_calls_ecspresso_at_its_place_and_leaves_the_definitions_filled_in(tmp_path):
    """Stand-ins for the AWS CLI and ecspresso write down what they are asked."""
    files = render_ecspresso(GOLDEN_PLANS["fargate-requests"]())
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    script = tmp_path / "placeholders.sed"
    script.write_text(re.sub(r"^(s\|.*\|).*(\|g)$", r"\g<1>filled\2", script.read_text(), flags=re.MULTILINE))
    (tmp_path / "bin").mkdir()
    for name in ("aws", "ecspresso"):
        command = tmp_path / "bin" / name
        command.write_text(f'#!/bin/sh\necho "{name} $*" >>{tmp_path}/asked\necho arn/made-up-id\n')
        command.chmod(0o755)
    subprocess.run(["sh", "deploy.sh"], cwd=tmp_path, check=True, env={"PATH": f"{tmp_path}/bin:/usr/bin:/bin"})  # noqa: S607
    asked = (tmp_path / "asked").read_text().splitlines()
    deploy = asked.index("ecspresso deploy --config services/web/ecspresso.yml --tasks 4")
    assert any("create-target-group" in line for line in asked[:deploy])
    assert any("register-scalable-target" in line for line in asked[deploy:])
    assert not [line for line in asked if "register-task-definition" in line or "create-service " in line]
    for name in DEFINITIONS:
        filled = (tmp_path / "services" / "web" / name).read_text()
        assert "@" not in filled.replace("@sha256", "")
    assert "made-up-id" in (tmp_path / "services" / "web" / "ecs-service-def.json").read_text()


@pytest.mark.parametrize("name", ["-web", "../web", "a b", "${HOME}", "{{x}}", "web\n", "x" * 256])
def test_a_name_that_ecs_does_not_allow_becomes_no_path(name):
    with pytest.raises(AdvisorError, match="name"):
        render_ecspresso(plan({name: service()}, fargate()))


def test_a_folder_that_was_not_emitted_is_refused_with_the_file_in_question():
    files = render_ecspresso(small_arm64_fargate())
    with pytest.raises(InputError, match=r"ecspresso\.json"):
        parse_ecspresso({})
    with pytest.raises(InputError, match=r"ecs-task-def\.json"):
        parse_ecspresso({path: content for path, content in files.items() if "task-def" not in path})
    with pytest.raises(InputError, match="not JSON"):
        parse_ecspresso(files | {"services/worker/ecs-service-def.json": b"{"})
    with pytest.raises(InputError, match="schema"):
        parse_ecspresso(files | {"ecspresso.json": b"{}"})


def test_the_folder_is_not_one_of_the_ecs_format():
    with pytest.raises(InputError, match=r"calls\.json"):
        parse_ecs(render_ecspresso(small_arm64_fargate()))
