"""Every emitted call is one that AWS's own service models and ECS's rules accept, and one that the AWS CLI knows."""

import json
import re
import shlex
from functools import cache

import botocore.session
import pytest
from botocore import xform_name
from botocore.validate import ParamValidator
from hypothesis import given, settings

from advisor.emit import parse_calls, render_ecs
from tests.ecs_rules import check_call, check_contents, check_order, check_set
from tests.emit.plans import GOLDEN_PLANS, plans

GLOBAL_OPTIONS = {"region", "cli-input-json", "query", "output"}


@cache
def service_model(service):
    return botocore.session.get_session().get_service_model(service)


def botocore_complaints(service, operation, request):
    shape = service_model(service).operation_model(operation).input_shape
    return ParamValidator().validate(request, shape).generate_report()


def test_botocore_sees_a_number_where_a_string_belongs():
    assert "type" in botocore_complaints(
        "ecs", "RegisterTaskDefinition", {"family": "a", "containerDefinitions": [], "cpu": 512}
    )


@pytest.mark.parametrize("name", GOLDEN_PLANS)
def test_golden_calls_pass_botocore_and_the_rules_of_ecs(name):
    assert_accepted(render_ecs(GOLDEN_PLANS[name]()))


@settings(max_examples=settings.default.max_examples // 3)  # each draws a whole plan
@given(plans())
def test_calls_of_any_plan_pass_botocore_and_the_rules_of_ecs(any_plan):
    assert_accepted(render_ecs(any_plan))


def assert_accepted(files):
    calls = parse_calls(files)
    for service, operation, request in calls:
        assert not botocore_complaints(service, operation, request)
        assert not check_call(service, operation, request)
    assert not check_set(calls)
    assert not check_order(calls)
    assert not check_contents(calls)


@pytest.mark.parametrize("name", GOLDEN_PLANS)
def test_the_scripts_make_each_call_once_in_order_with_commands_that_the_aws_cli_has(name):
    files = render_ecs(GOLDEN_PLANS[name]())
    scripts = [files[path].decode() for path in ("push.sh", "deploy.sh", "remove.sh") if path in files]
    made = [found for script in scripts for found in re.findall(r"aws (\S+) (\S+) [^\n]*--cli-input-json file://(\S+)", script)]
    called = [(service, xform_name(operation, "-")) for service, operation, _ in parse_calls(files)]
    in_push = [call for call in called if call[0] == "ecr"]
    assert [command[:2] for command in made] == in_push + [call for call in called if call[0] != "ecr"]
    index = json.loads(files["calls.json"])["calls"]
    assert sorted(path for *_, path in made) == sorted(entry["file"] for entry in index)
    for script in scripts:
        for line in re.findall(r"^ *(?:answer=\$\()?(aws .*)$", script, re.MULTILINE):
            plain = re.sub(r'"?\$\(.*?\)"$', "ARN", line.split(" >/dev/null")[0].split(" | ")[0])
            assert_known(shlex.split(plain.removesuffix(")") if "--query" in plain else plain), files)


def assert_known(words, files):
    _, service, command, *rest = words
    if command == "wait":
        return
    if command == "get-login-password":  # the CLI's own, not the API's
        return
    operations = {xform_name(name, "-"): name for name in service_model(service).operation_names}
    members = {
        xform_name(member, "-") for member in service_model(service).operation_model(operations[command]).input_shape.members
    }
    for option in (word[2:] for word in rest if word.startswith("--")):
        assert option in members | GLOBAL_OPTIONS, (command, option)
    for path in (word.removeprefix("file://") for word in rest if word.startswith("file://")):
        assert path in files
