"""Every emitted call is one that AWS's own service models and ECS's rules accept, and one that the AWS CLI knows."""

import re
import shlex
from functools import cache

import botocore.session
import pytest
from botocore import xform_name
from botocore.validate import ParamValidator
from hypothesis import given

from advisor.emit import parse_calls, render_ecs
from tests.ecs_rules import check_call, check_set
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


@given(plans())
def test_calls_of_any_plan_pass_botocore_and_the_rules_of_ecs(any_plan):
    assert_accepted(render_ecs(any_plan))


def assert_accepted(files):
    calls = parse_calls(files)
    for service, operation, request in calls:
        assert not botocore_complaints(service, operation, request)
        assert not check_call(service, operation, request)
    assert not check_set(calls)


@pytest.mark.parametrize("name", GOLDEN_PLANS)
def test_the_commands_of_the_readme_exist_in_the_aws_cli_and_name_each_call_once_in_order(name):
    files = render_ecs(GOLDEN_PLANS[name]())
    readme = files["README.md"].decode()
    deployed = re.findall(r"^aws (\S+) (\S+) .*--cli-input-json file://(\S+)$", section(readme, "3. Deploy"), re.MULTILINE)
    assert [command[:2] for command in deployed] == [
        (service, xform_name(operation, "-")) for service, operation, _ in parse_calls(files)
    ]
    for line in re.findall(r"^aws .*$", readme, re.MULTILINE):
        assert_known(shlex.split(re.sub(r"\$\(.*\)", "ARN", line)), files)


def section(readme, title):
    return readme.partition(f"## {title}")[2].partition("\n## ")[0]


def assert_known(words, files):
    _, service, command, *rest = words
    if command == "wait":
        return
    operations = {xform_name(name, "-"): name for name in service_model(service).operation_names}
    members = {
        xform_name(member, "-") for member in service_model(service).operation_model(operations[command]).input_shape.members
    }
    for option in (word[2:] for word in rest if word.startswith("--")):
        assert option in members | GLOBAL_OPTIONS, (command, option)
    for path in (word.removeprefix("file://") for word in rest if word.startswith("file://")):
        assert path in files
