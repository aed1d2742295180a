"""Copilot manifests are the plan, or the plan is refused with the reason."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given

from advisor.ecs import Architecture, LaunchType, PurchaseOption, TaskSize
from advisor.emit import parse_copilot, render_copilot
from advisor.errors import AdvisorError, InputError, PlanError
from advisor.plan import (
    Container,
    ContainerInsights,
    EfsVolume,
    PortMapping,
    ScalingMetric,
    ScheduledAction,
    ServiceConnect,
    Step,
    StepPolicy,
    StrategyItem,
)
from tests.emit.fargate_plans import copilot_plans, everything, held
from tests.emit.plans import GOLDEN_PLANS, fargate, instances, plan, service, small_arm64_fargate

GOLDEN = Path(__file__).parents[1] / "golden" / "copilot"


EXPRESSIBLE = ["fargate-requests", "fargate-spot", "small-arm64-fargate"]


@pytest.mark.parametrize("name", [*EXPRESSIBLE, "everything"])
def test_manifests(name, assert_golden):
    files = render_copilot((GOLDEN_PLANS | {"everything": everything})[name]())
    for path, content in files.items():
        assert_golden(f"copilot/{name}/{path}", content.decode())
    kept = {path.relative_to(GOLDEN / name).as_posix() for path in (GOLDEN / name).rglob("*") if path.is_file()}
    assert kept == set(files), "a golden file that nothing makes any more: remove it"


@pytest.mark.parametrize("name", sorted(GOLDEN_PLANS.keys() - EXPRESSIBLE))
def test_a_plan_that_copilot_cannot_express_is_refused_with_the_service_and_the_reason(name):
    with pytest.raises(PlanError, match=r"copilot cannot express service '[\w-]+': .+|copilot: an environment .+"):
        render_copilot(GOLDEN_PLANS[name]())


@given(copilot_plans())
def test_manifests_parse_back_to_what_they_hold_of_the_plan(made):
    files = render_copilot(made)
    parsed = parse_copilot(files)
    assert parsed == held(made)
    assert {path: content for path, content in render_copilot(parsed).items() if path != "README.md"} == {
        path: content for path, content in files.items() if path != "README.md"
    }


def test_the_end_of_support_is_said_once():
    files = render_copilot(plan({"web": service(port=80), "worker": service()}, fargate()))
    assert sum(content.decode().count("2026-06-12") for content in files.values()) == 1


def test_kinds_of_services():
    once = {"desired_tasks": 1, "min_tasks": 1, "max_tasks": 1, "scaling_metric": ScalingMetric.NONE, "scaling_target": None}
    made = {"web": service(port=80), "api": service(), "queue": service(), "night": service(schedule="rate(1 day)", **once)}
    files = render_copilot(plan(made, fargate()), workers=["queue"])
    assert {name: yaml.safe_load(files[f"copilot/{name}/manifest.yml"])["type"] for name in made} == {
        "web": "Load Balanced Web Service",
        "api": "Backend Service",
        "queue": "Worker Service",
        "night": "Scheduled Job",
    }
    assert parse_copilot(files).services["queue"] == held(plan(made, fargate())).services["queue"]


def test_spot_takes_over_after_the_base():
    mix = (
        StrategyItem(capacity_provider="FARGATE", weight=0, base=2),
        StrategyItem(capacity_provider="FARGATE_SPOT", weight=7),
    )
    made = plan({"web": service(strategy=mix)}, fargate(), fargate(PurchaseOption.SPOT))
    count = yaml.safe_load(render_copilot(made)["copilot/web/manifest.yml"])["count"]
    assert count["range"] == {"min": 2, "max": 20, "spot_from": 3}


def test_cooldowns_are_not_swapped():
    made = plan({"web": service(scale_in_cooldown_s=600, scale_out_cooldown_s=60)}, fargate())
    count = yaml.safe_load(render_copilot(made)["copilot/web/manifest.yml"])["count"]
    assert count["cooldown"] == {"in": "600s", "out": "60s"}


def test_services_behind_one_load_balancer_have_a_path_each():
    files = render_copilot(plan({"web": service(port=80), "api": service(port=81)}, fargate()))
    paths = {name: yaml.safe_load(files[f"copilot/{name}/manifest.yml"])["http"]["path"] for name in ("web", "api")}
    assert paths == {"web": "web", "api": "api"}


def test_images_that_the_plan_lacks_are_variables_of_the_shell_which_the_readme_names():
    pair = (Container(name="web"), Container(name="Log_1"), Container(name="log-1"))
    files = render_copilot(plan({"web": service(containers=pair), "a-b": service()}, fargate()))
    manifests = b"".join(content for path, content in files.items() if path.endswith("manifest.yml")).decode()
    asked = set(re.findall(r"\$\{(IMAGE_\w+)\}", manifests))
    assert len(asked) == 4
    assert asked == set(re.findall(r"^export (\w+)=", files["README.md"].decode(), re.MULTILINE))


ONLY = {"launch_type": LaunchType.EC2, "architecture": Architecture.ARM64, "capacity_provider": "pool"}
MIX = (StrategyItem(capacity_provider="FARGATE"), StrategyItem(capacity_provider="FARGATE_SPOT"))
BASE = (StrategyItem(capacity_provider="FARGATE", weight=0, base=1), StrategyItem(capacity_provider="FARGATE_SPOT"))
KEPT = {"scaling_metric": ScalingMetric.NONE, "scaling_target": None}
ONCE = {**KEPT, "desired_tasks": 1, "min_tasks": 1, "max_tasks": 1}
ACTION = ScheduledAction(name="night", schedule="cron(0 20 * * ? *)", max_tasks=4)
POLICY = StepPolicy(name="up", metric=ScalingMetric.CPU, threshold_percent=70, steps=(Step(from_percent=0, change=1),))
PORTS = (PortMapping(container_port=80), PortMapping(container_port=81))
EFS = EfsVolume(name="data", file_system_id="fs-0123abcd")


def only(**facts):
    return (Container(name="web", **facts),)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"strategy": MIX}, "mix"),
        ({"strategy": BASE, **KEPT}, "fixed count"),
        ({"strategy": BASE, "min_tasks": 3}, "also the first 1"),
        ({"scaling_target": 75.5}, "75.5"),
        ({"scheduled_actions": (ACTION,)}, "scheduled scaling"),
        ({"step_policies": (POLICY,)}, "step scaling"),
        ({"metric_resolution_s": 20}, "20 s"),
        ({"minimum_healthy_percent": 50}, "50 to 200"),
        ({"has_circuit_breaker": False}, "circuit breaker"),
        ({"has_zone_rebalancing": False}, "rebalancing"),
        ({"service_connect": ServiceConnect(namespace="shop")}, "Service Connect"),
        ({"schedule": "at(2026-12-01T00:00:00)", **ONCE}, "once"),
        ({"schedule": "rate(1 day)", "schedule_time_zone": "Europe/Berlin", **ONCE}, "UTC"),
        ({"schedule": "rate(1 day)", **ONCE, "desired_tasks": 2, "min_tasks": 2, "max_tasks": 2}, "one task"),
        ({"containers": only(ports=PORTS)}, "2 ports"),
        ({"containers": only(ports=(PortMapping(container_port=80, name="http"),))}, "names"),
        ({"containers": only(ports=(PortMapping(container_port=53, protocol="udp"),))}, "tcp"),
        ({"containers": only(environment={"a: b": "x"})}, "variable 'a: b'"),
        ({"containers": only(environment={"NO": "x"})}, "variable 'NO'"),
        ({"containers": only(environment={"A": "{{resolve:ssm:/x}}"})}, "CloudFormation"),
        ({"containers": only(command=("{{resolve:ssm:/x}}",))}, "CloudFormation"),
        ({"containers": only(image="nginx\nUser: root")}, "image"),
    ],
)
def test_what_copilot_cannot_express_is_refused(changes, reason):
    providers = [fargate(), fargate(PurchaseOption.SPOT)][: 2 if "strategy" in changes else 1]
    with pytest.raises(AdvisorError, match=re.escape(reason)):
        render_copilot(plan({"web": service(**changes)}, *providers))


def test_instances_are_refused():
    for launch_type in (LaunchType.EC2, LaunchType.MANAGED_INSTANCES):
        made = plan(
            {"web": service(**ONLY | {"launch_type": launch_type})}, instances("pool", "m7g.large", launch_type=launch_type)
        )
        with pytest.raises(PlanError, match="Copilot runs tasks on Fargate only"):
            render_copilot(made)


def test_volumes_are_mounted_by_the_main_container():
    made = service(containers=only(), volumes=(EFS,), task=TaskSize(cpu_units=512, memory_mib=1024))
    with pytest.raises(PlanError, match="mounted once"):
        render_copilot(plan({"web": made}, fargate()))


def test_zones_and_insights_are_the_environment_s():
    with pytest.raises(PlanError, match="zones"):
        render_copilot(plan({"web": service()}, fargate(zones=1)))
    with pytest.raises(PlanError, match="enhanced"):
        render_copilot(replace(small_arm64_fargate(), container_insights=ContainerInsights.ENHANCED))


@pytest.mark.parametrize("name", ["Web", "web_1", "1web", "web-", "a--b", "w", "x" * 255, "${HOME}", "../web", "a: b", "{{x}}"])
def test_names_that_copilot_refuses_are_refused(name):
    with pytest.raises(PlanError, match="name"):
        render_copilot(plan({name: service()}, fargate()))
    with pytest.raises(PlanError, match="name"):
        render_copilot(plan({"web": service()}, fargate(), cluster=name))
    with pytest.raises(PlanError, match="name"):
        render_copilot(plan({"web": service()}, fargate()), environment=name)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cpu: 256", "cpuu: 256", "ignore cpuu"),
        ("cpu: 256", "cpu: 300", "task size"),
        ("    max: 3", "    max: 0", "min <= max"),
        ("cpu_percentage", "cpu_percent", "ignore count.cpu_percent"),
        ("name: worker", "name: [", "not YAML"),
        ("memory: 512", "memory: word", "task size|needs"),
    ],
)
def test_what_copilot_would_take_without_a_word_is_an_error_here(old, new, message):
    files = render_copilot(small_arm64_fargate())
    path = "copilot/worker/manifest.yml"
    broken = files[path].decode().replace(old, new)
    assert broken != files[path].decode()
    with pytest.raises(AdvisorError, match=message):
        parse_copilot(files | {path: broken.encode()})


def test_a_folder_that_was_not_emitted_is_refused():
    files = render_copilot(small_arm64_fargate())
    with pytest.raises(InputError, match="environment"):
        parse_copilot({})
    with pytest.raises(InputError, match=r"\.workspace"):
        parse_copilot({path: content for path, content in files.items() if path != "copilot/.workspace"})
    environment = "copilot/environments/prod/manifest.yml"
    with pytest.raises(InputError, match="Region"):
        parse_copilot(files | {environment: files[environment].partition(b"\n")[2]})
