"""Calls of ECS Express Mode are the plan, or the plan is refused with the reason."""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from advisor.ecs import Architecture, LaunchType, PurchaseOption
from advisor.emit import parse_calls, parse_express, render_express
from advisor.errors import AdvisorError, InputError, PlanError
from advisor.plan import (
    Container,
    EfsVolume,
    HealthCheck,
    LoadBalancer,
    MountPoint,
    PortMapping,
    ScalingMetric,
    ScheduledAction,
    ServiceConnect,
    StrategyItem,
)
from tests.ecs_rules import check_call
from tests.emit.fargate_plans import express_plans, held
from tests.emit.plans import GOLDEN_PLANS, fargate, fargate_with_requests, instances, plan, service
from tests.emit.test_ecs_calls import botocore_complaints

GOLDEN = Path(__file__).parents[1] / "golden" / "express"


def web(**changes):
    return plan({"web": service(port=80, **changes)}, fargate())


def requests_with_defaults():
    """The golden plan without what Express Mode cannot have."""
    made = fargate_with_requests()
    return replace(made, services={name: replace(each, ephemeral_storage_gib=20) for name, each in made.services.items()})


def several():
    secret = {"DB": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf:user::"}
    container = Container(
        name="app",
        command=("serve", "{{x}}"),
        environment={"A": '"${B}"\n'},
        secrets=secret,
        ports=(PortMapping(container_port=8080),),
    )
    kept = {"scaling_metric": ScalingMetric.NONE, "scaling_target": None, "desired_tasks": 3, "min_tasks": 3, "max_tasks": 3}
    services = {
        "api": service(
            port=8080, containers=(container,), architecture=Architecture.ARM64, scaling_metric=ScalingMetric.MEMORY
        ),
        "web": service(port=80, has_public_ip=True, **kept),
    }
    return plan(services, fargate(zones=3))


PLANS = {"fargate-requests": requests_with_defaults, "several": several}


@pytest.mark.parametrize("name", PLANS)
def test_calls(name, assert_golden):
    files = render_express(PLANS[name]())
    for path, content in files.items():
        assert_golden(f"express/{name}/{path}", content.decode())
    kept = {path.relative_to(GOLDEN / name).as_posix() for path in (GOLDEN / name).rglob("*") if path.is_file()}
    assert kept == set(files), "a golden file that nothing makes any more: remove it"


@pytest.mark.parametrize("name", GOLDEN_PLANS)
def test_a_plan_that_express_mode_cannot_express_is_refused_with_the_service_and_the_reason(name):
    with pytest.raises(PlanError, match=r"express cannot express service '[\w-]+': .+"):
        render_express(GOLDEN_PLANS[name]())


@given(express_plans())
def test_calls_pass_botocore_and_parse_back_to_the_plan(made):
    files = render_express(made)
    for called, operation, request in parse_calls(files):
        assert not botocore_complaints(called, operation, request)
        assert not check_call(called, operation, request)
    parsed = parse_express(files)
    assert parsed == held(made, keeps_starts=True)
    assert render_express(parsed) == files


def test_a_kept_count_is_a_range_without_room_and_without_a_metric():
    made = several()
    request = json.loads(render_express(made)["services/web/create-express-gateway-service.json"])
    assert request["scalingTarget"] == {"minTaskCount": 3, "maxTaskCount": 3}


CHECK = HealthCheck(command=("CMD", "/healthy"))
PAIR = (Container(name="web", ports=(PortMapping(container_port=80),)), Container(name="log"))
SPOT = (StrategyItem(capacity_provider="FARGATE"), StrategyItem(capacity_provider="FARGATE_SPOT"))
EFS = EfsVolume(name="data", file_system_id="fs-0123abcd")


def only(**facts):
    return (Container(name="web", ports=(PortMapping(container_port=80),), **facts),)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"port": None}, "no port"),
        ({"strategy": SPOT}, "no Spot"),
        ({"scaling_target": 62.5}, "62.5"),
        ({"scale_in_cooldown_s": 60}, "cooldowns"),
        ({"ephemeral_storage_gib": 21}, "ephemeral"),
        ({"load_balancer": LoadBalancer.NETWORK}, "Application Load Balancer"),
        ({"service_connect": ServiceConnect(namespace="shop")}, "Service Connect"),
        ({"maximum_percent": 150}, "canary"),
        ({"has_circuit_breaker": False}, "canary"),
        ({"has_zone_rebalancing": False}, "rebalancing"),
        ({"metric_resolution_s": 20}, "20 s"),
        ({"scheduled_actions": (ScheduledAction(name="n", schedule="rate(1 day)", min_tasks=1),)}, "scheduled"),
        ({"containers": PAIR}, "one container"),
        ({"containers": only(health_check=CHECK)}, "health check"),
        ({"containers": only(memory_mib=512)}, "memory limits"),
        (
            {"containers": only(mount_points=(MountPoint(volume="data", path="/x"),)), "volumes": (EFS,)},
            "volumes",
        ),
    ],
)
def test_what_express_mode_cannot_express_is_refused(changes, reason):
    providers = [fargate(), fargate(PurchaseOption.SPOT)][: 2 if "strategy" in changes else 1]
    with pytest.raises(PlanError, match=re.escape(reason)):
        render_express(plan({"web": service(**{"port": 80} | changes)}, *providers))


def test_instances_are_refused():
    for launch_type in (LaunchType.EC2, LaunchType.MANAGED_INSTANCES):
        on_them = service(port=80, launch_type=launch_type, architecture=Architecture.ARM64, capacity_provider="pool")
        with pytest.raises(PlanError, match="Fargate only"):
            render_express(plan({"web": on_them}, instances("pool", "m7g.large", launch_type=launch_type)))


@pytest.mark.parametrize("name", ["-web", "../web", "a b", "${HOME}", "{{x}}", "web\n", "x" * 256])
def test_a_name_that_ecs_does_not_allow_becomes_no_path(name):
    with pytest.raises(AdvisorError, match="name"):
        render_express(plan({name: service(port=80)}, fargate()))


def test_the_script_makes_every_call_in_order_with_the_placeholders_filled_in(tmp_path):
    """A stand-in for the AWS CLI writes down what it is asked."""
    files = render_express(several())
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    script = tmp_path / "placeholders.sed"
    script.write_text(re.sub(r"^(s\|.*\|).*(\|g)$", r"\g<1>filled\2", script.read_text(), flags=re.MULTILINE))
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "aws"
    command.write_text('#!/bin/sh\necho "$@" >>asked\n')
    command.chmod(0o755)
    subprocess.run(["sh", "deploy.sh"], cwd=tmp_path, check=True, env={"PATH": f"{command.parent}:/usr/bin:/bin"})  # noqa: S607
    asked = (tmp_path / "asked").read_text().splitlines()
    named = [re.search(r"--cli-input-json file://(\S+)", line)[1] for line in asked if "--cli-input-json" in line]
    assert named == [entry["file"] for entry in json.loads(files["calls.json"])["calls"]]
    policies = {re.search(r"file://(policies/\S+)", line)[1] for line in asked if "policies/" in line}
    assert policies == {path for path in files if path.startswith("policies/")}
    assert not [path for path in files if path.endswith(".json") and b"@" in (tmp_path / path).read_bytes()]


def test_a_folder_that_was_not_emitted_is_refused():
    files = render_express(several())
    with pytest.raises(InputError, match=r"calls\.json"):
        parse_express({})
    with pytest.raises(InputError, match="lack what a plan needs"):
        parse_express(files | {"services/web/create-express-gateway-service.json": b"{}"})
