"""The configuration is the plan; terraform itself, with the real AWS provider, plans and applies it on loopback."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import urllib3
from hypothesis import given, settings

from advisor.ecs import Architecture, LaunchType
from advisor.emit import parse_terraform, render_terraform
from advisor.emit.terraform.hcl import Block, hcl_text, read_hcl
from advisor.errors import InputError, PlanError
from tests.ecs_rules import check_call
from tests.emit.plans import GOLDEN_PLANS, TEXTS, instances, plans, service
from tests.emit.plans import plan as plan_of
from tests.emit.terraform_on_moto import Terraform, missing, moto_server

GOLDEN = Path(__file__).parents[1] / "golden" / "terraform"
FORGETFUL = {"aws_ecs_service"}
"""moto keeps no capacity provider strategy, no deployment limits."""
SECOND = {"aws_vpc_security_group_ingress_rule"}
"""moto gives the description of an ingress rule no home."""
needs_terraform = pytest.mark.skipif(bool(missing()), reason=missing())


def expressible(plan):
    """The plan without what the provider cannot do; None where that is the whole."""
    if any(provider.launch_type is LaunchType.MANAGED_INSTANCES for provider in plan.capacity_providers.values()):
        return None
    services = {name: replace(service, metric_resolution_s=60) for name, service in plan.services.items()}
    return replace(plan, services=services)


TERRAFORM_PLANS = {name: plan for name, make in GOLDEN_PLANS.items() if (plan := expressible(make())) is not None}


def test_a_service_may_have_the_name_of_a_capacity_provider():
    plan = GOLDEN_PLANS["ec2-arm64-shared"]()
    provider = next(iter(plan.capacity_providers.values()))
    service = replace(next(iter(plan.services.values())), capacity_provider="same")
    named = replace(plan, services={"same": service}, capacity_providers={"same": replace(provider, name="same")})
    assert parse_terraform(render_terraform(named)) == named


@given(plans())
@settings(max_examples=settings.default.max_examples // 4)  # each draws a whole plan
def test_a_configuration_parses_back_to_the_same_plan(any_plan):
    plan = expressible(any_plan)
    if plan is None:
        with pytest.raises(PlanError, match="Managed Instances"):
            render_terraform(any_plan)
        return
    files = render_terraform(plan)
    parsed = parse_terraform(files)
    assert parsed == plan
    assert render_terraform(parsed) == files


def test_a_service_may_have_the_name_of_its_capacity_provider():
    on_ec2 = service(launch_type=LaunchType.EC2, capacity_provider="pool", architecture=Architecture.ARM64)
    made = plan_of({"pool": on_ec2}, instances("pool", "m7g.large"))
    assert parse_terraform(render_terraform(made)) == made


@given(TEXTS)
def test_any_text_comes_back_from_the_language(text):
    block = Block(kind="a", attributes={"b": text, "c": [text, text], "d": {text or "x": text}})
    assert read_hcl(hcl_text([block])) == [block]


def test_metrics_every_20_s_are_refused_with_the_way_out():
    with pytest.raises(PlanError, match="cloudformation"):
        render_terraform(GOLDEN_PLANS["fargate-mix"]())


@pytest.mark.parametrize("name", TERRAFORM_PLANS)
def test_configuration(name, assert_golden):
    files = render_terraform(TERRAFORM_PLANS[name])
    for path, content in files.items():
        assert_golden(f"terraform/{name}/{path}", content.decode())
    kept = {path.relative_to(GOLDEN / name).as_posix() for path in (GOLDEN / name).rglob("*") if path.is_file()}
    assert kept == set(files), "a golden file that nothing makes any more: remove it"


@needs_terraform
def test_the_files_are_formatted_as_terraform_formats_them(tmp_path):
    for name, plan in TERRAFORM_PLANS.items():
        folder = tmp_path / name
        folder.mkdir()
        terraform = Terraform(folder, render_terraform(plan), "http://127.0.0.1:1", plan.region)
        (folder / "loopback_override.tf").unlink()
        terraform.run("fmt", "-check", "-diff")


@pytest.fixture(scope="module")
def endpoint():
    server = moto_server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    server.server_close()


def judged(tmp_path, endpoint, name):
    """validate, plan, our rules on what is planned, apply, and a second plan."""
    plan = TERRAFORM_PLANS[name]
    terraform = Terraform(tmp_path, render_terraform(plan), endpoint, plan.region)
    terraform.fill_in()
    terraform.init()
    terraform.run("validate", "-no-color")
    planned = terraform.planned()
    assert findings(planned) == []
    terraform.run("apply", "-no-color", "-input=false", "first.plan")
    changes = terraform.planned("second")["resource_changes"]
    unsettled = {change["type"] for change in changes if change["change"]["actions"] != ["no-op"]}
    assert unsettled <= FORGETFUL | SECOND
    assert len(changes) == len(planned["planned_values"]["root_module"]["resources"])


@pytest.mark.prove
@needs_terraform
def test_terraform_applies_the_configuration_and_then_sees_nothing_to_change(tmp_path, endpoint):
    judged(tmp_path, endpoint, "fargate-mix")


@pytest.mark.prove
@needs_terraform
@pytest.mark.parametrize("name", [name for name in TERRAFORM_PLANS if name != "fargate-mix"])
def test_terraform_applies_every_configuration(tmp_path, endpoint, name, monkeypatch):
    monkeypatch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")  # moto reads it whenever it makes an account; it takes seconds
    urllib3.request("POST", f"{endpoint}/moto-api/reset", timeout=60)
    judged(tmp_path, endpoint, name)


def findings(planned):
    """What the rules of ECS say of planned values, as API calls again."""
    found = []
    for resource in planned["planned_values"]["root_module"]["resources"]:
        call = as_call(resource["type"], resource["values"])
        if call is not None:
            found += [f"{resource['address']}: {finding}" for finding in check_call(*call)]
    return found


def as_call(kind, values):
    def one(name):
        return (values.get(name) or [{}])[0]

    if kind == "aws_ecs_task_definition":
        if "container_definitions" not in values:
            return None  # known after apply: it holds names that AWS gives
        platform = one("runtime_platform")
        request = {
            "family": values["family"],
            "cpu": values["cpu"],
            "memory": values["memory"],
            "networkMode": values["network_mode"],
            "requiresCompatibilities": values["requires_compatibilities"],
            "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
            "taskRoleArn": "arn:aws:iam::123456789012:role/task",
            "containerDefinitions": json.loads(values["container_definitions"]),
            "runtimePlatform": {
                "cpuArchitecture": platform["cpu_architecture"],
                "operatingSystemFamily": platform["operating_system_family"],
            },
            "volumes": [{"name": volume["name"]} for volume in values["volume"]],
        }
        return "ecs", "RegisterTaskDefinition", {key: value for key, value in request.items() if value is not None}
    if kind == "aws_appautoscaling_target":
        request = {
            "ServiceNamespace": values["service_namespace"],
            "ScalableDimension": values["scalable_dimension"],
            "ResourceId": values["resource_id"],
            "MinCapacity": values["min_capacity"],
            "MaxCapacity": values["max_capacity"],
        }
        return "application-autoscaling", "RegisterScalableTarget", request
    if kind == "aws_ecs_capacity_provider":
        group = one("auto_scaling_group_provider")
        scaling = group["managed_scaling"][0]
        request = {
            "name": values["name"],
            "autoScalingGroupProvider": {
                "autoScalingGroupArn": "group",
                "managedTerminationProtection": group["managed_termination_protection"],
                "managedDraining": group["managed_draining"],
                "managedScaling": {"status": scaling["status"], "targetCapacity": scaling["target_capacity"]},
            },
        }
        return "ecs", "CreateCapacityProvider", request
    if kind == "aws_cloudwatch_log_group":
        request = {"logGroupName": values["name"], "retentionInDays": values["retention_in_days"]}
        return "logs", "PutRetentionPolicy", request
    return None


def test_files_that_are_no_configuration_of_ours_are_refused():
    with pytest.raises(InputError, match="missing"):
        parse_terraform({})
    files = render_terraform(TERRAFORM_PLANS["small-arm64-fargate"])
    for text in (b"", b"resource {", b'a = "', b"\xff"):
        with pytest.raises(InputError, match="lacks"):
            parse_terraform(files | {"main.tf": text})
