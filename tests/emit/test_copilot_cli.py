"""The real Copilot CLI renders the manifests, and what it renders is the plan."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck as Check
from hypothesis import given, settings

from advisor.emit import render_copilot
from advisor.plan import ScalingMetric
from advisor.sources.copilot_cli import CopilotRefusedError, package_with_copilot
from tests.emit.fargate_plans import copilot_plans, everything, held
from tests.emit.plans import GOLDEN_PLANS
from tests.emit.test_copilot import EXPRESSIBLE
from tests.emit.validators import needs, search_path

pytestmark = needs("copilot", "git", "openssl")
POLICIES = {
    "ECSServiceAverageCPUUtilization": ScalingMetric.CPU,
    "ECSServiceAverageMemoryUtilization": ScalingMetric.MEMORY,
    "RequestCountPerTarget": ScalingMetric.REQUESTS,
}


@pytest.fixture(autouse=True)
def _on_the_path(monkeypatch):
    monkeypatch.setenv("PATH", search_path())


def packaged(made, **options):
    files = render_copilot(made, **options)
    kinds = [(name, "svc" if each.schedule is None else "job") for name, each in made.services.items()]
    return package_with_copilot(files, app=made.cluster, environment="prod", region=made.region, workloads=kinds)


def resources(package, kind):
    return [each["Properties"] for each in package.template["Resources"].values() if each["Type"] == kind]


def assert_is_the_plan(made, **options):
    packages = packaged(made, **options)
    assert_environment(made, packages.pop("environments/prod"))
    for name, package in packages.items():
        expected = held(made).services[name]
        definition = resources(package, "AWS::ECS::TaskDefinition")[0]
        assert (package.parameters["TaskCPU"], package.parameters["TaskMemory"]) == (
            str(expected.task.cpu_units),
            str(expected.task.memory_mib),
        )
        assert definition["RequiresCompatibilities"] == ["FARGATE"]
        platform = definition.get("RuntimePlatform", {"CpuArchitecture": "X86_64", "OperatingSystemFamily": "LINUX"})
        assert platform == {
            "CpuArchitecture": expected.architecture,
            "OperatingSystemFamily": expected.operating_system,
        }
        storage = definition.get("EphemeralStorage", {"SizeInGiB": 20})["SizeInGiB"]
        assert storage == expected.ephemeral_storage_gib
        assert package.parameters["LogRetention"] == str(expected.log_retention_days)
        assert_containers(name, expected, definition, package)
        if expected.schedule is not None:
            assert package.parameters["Schedule"] == expected.schedule
            continue
        assert_service(name, made, expected, package)


def assert_environment(made, package):
    """Public and private subnets in as many zones as the plan has, none of them overlapping."""
    subnets = resources(package, "AWS::EC2::Subnet")
    zones = next(iter(made.capacity_providers.values())).zones
    assert len(subnets) == 2 * zones == len({each["CidrBlock"] for each in subnets})
    assert sum(each.get("MapPublicIpOnLaunch", False) for each in subnets) == zones
    settings = resources(package, "AWS::ECS::Cluster")[0]["ClusterSettings"]
    assert settings == [{"Name": "containerInsights", "Value": str(made.container_insights)}]


def assert_service(name, made, expected, package):
    running = resources(package, "AWS::ECS::Service")[0]
    limits = running["DeploymentConfiguration"]
    assert (limits["MinimumHealthyPercent"], limits["MaximumPercent"]) == (
        expected.minimum_healthy_percent,
        expected.maximum_percent,
    )
    assert limits["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    network = running["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["AssignPublicIp"] == ("ENABLED" if expected.has_public_ip else "DISABLED")
    assert running.get("LaunchType", "strategy") == ("strategy" if "CapacityProviderStrategy" in running else "FARGATE")
    mix = {
        item["CapacityProvider"]: (item.get("Base", 0), item["Weight"])
        for item in running.get("CapacityProviderStrategy", [{"CapacityProvider": "FARGATE", "Weight": 1}])
        if item.get("Base") or item["Weight"]
    }
    assert mix == {item.capacity_provider: (item.base, item.weight) for item in expected.strategy_items}
    assert_scaling(expected, package)
    balanced = [(each["ContainerName"], each["ContainerPort"]) for each in running.get("LoadBalancers", [])]
    assert balanced == ([] if expected.port is None else [(name, expected.port)])


def assert_scaling(expected, package):
    targets = resources(package, "AWS::ApplicationAutoScaling::ScalableTarget")
    if expected.scaling_target is None:
        assert not targets
        assert package.parameters["TaskCount"] == str(expected.desired_tasks)
        return
    assert [(each["MinCapacity"], each["MaxCapacity"]) for each in targets] == [(expected.min_tasks, expected.max_tasks)]
    policies = resources(package, "AWS::ApplicationAutoScaling::ScalingPolicy")
    assert len(policies) == 1
    tracking = policies[0]["TargetTrackingScalingPolicyConfiguration"]
    predefined = tracking.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
    metric = POLICIES[predefined or tracking["CustomizedMetricSpecification"]["MetricName"]]
    assert (metric, tracking["TargetValue"]) == (expected.scaling_metric, expected.scaling_target)
    assert tracking["ScaleInCooldown"] == expected.scale_in_cooldown_s
    assert tracking["ScaleOutCooldown"] == expected.scale_out_cooldown_s


def assert_containers(name, expected, definition, package):
    rendered = definition["ContainerDefinitions"]
    wanted = expected.containers_of(name)
    assert len(rendered) == len(wanted)
    for container, said in zip(wanted, rendered, strict=True):
        is_main = said is rendered[0]
        assert said["Name"] == ({"Ref": "WorkloadName"} if is_main else container.name)
        image = package.parameters["ContainerImage"] if is_main else said["Image"]
        assert image == (container.image or "image.invalid/made-up:1")
        variables = {each["Name"]: each["Value"] for each in said["Environment"] if not each["Name"].startswith("COPILOT_")}
        assert variables == container.environment
        assert {each["Name"]: each["ValueFrom"] for each in said.get("Secrets", [])} == container.secrets
        assert said.get("Command", []) == list(container.command)
        assert said.get("Cpu") == container.cpu_units
        assert said.get("Memory") == container.memory_mib
        assert said.get("MemoryReservation") == container.memory_reservation_mib
        check = container.health_check
        assert said.get("HealthCheck", {}).get("Command") == (None if check is None else list(check.command))
        waits = {each["ContainerName"]: each["Condition"] for each in said.get("DependsOn", [])}
        assert waits == container.depends_on
        ports = [(each["ContainerPort"], each["Protocol"]) for each in said.get("PortMappings", [])]
        assert ports == [(port.container_port, port.protocol) for port in container.ports]
        mounts = {(each["SourceVolume"], each["ContainerPath"], each["ReadOnly"]) for each in said.get("MountPoints", [])}
        assert {(mount.volume, mount.path, mount.is_read_only) for mount in container.mount_points} == {
            mount for mount in mounts if not mount[0].startswith("scratch-")
        }
        if not expected.is_windows:
            assert said.get("ReadonlyRootFilesystem", False) == container.has_read_only_root
            assert said["LinuxParameters"] == {"InitProcessEnabled": True, "Capabilities": {"Drop": ["ALL"]}}


def test_copilot_renders_what_the_plan_says():
    assert_is_the_plan(everything(), workers=["queue"])


def test_copilot_refuses_what_it_does_not_know():
    made = GOLDEN_PLANS["small-arm64-fargate"]()
    files = render_copilot(made)
    path = "copilot/worker/manifest.yml"
    broken = files | {path: files[path].replace(b"max: 3", b"max: 0")}
    with pytest.raises(CopilotRefusedError, match="min value"):
        package_with_copilot(broken, app="shop", environment="prod", region="eu-west-1", workloads=[("worker", "svc")])


@pytest.mark.prove
@pytest.mark.parametrize("name", EXPRESSIBLE)
def test_copilot_renders_the_golden_plans(name):
    assert_is_the_plan(GOLDEN_PLANS[name]())


@pytest.mark.prove
@given(copilot_plans())
@settings(max_examples=40, suppress_health_check=[Check.function_scoped_fixture])
def test_copilot_renders_any_plan(made):
    services = {name: replace(each, image=each.image) for name, each in made.services.items()}
    assert_is_the_plan(replace(made, services=services))
