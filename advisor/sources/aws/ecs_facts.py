"""What ECS tells of a cluster, in our words: answers read into objects, names of variables without their values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from advisor.ecs import LaunchType
from advisor.plan.placement import FixedPort, fixed_ports
from advisor.plan.refused_fields import Refused, refused_fields
from advisor.sources.aws.errors import stated
from advisor.sources.aws.tags import read_tags

_OF_PRIMARY: Final = "size and present are those of the primary"


class ProviderKind(StrEnum):
    """What stands behind a capacity provider; the values are launch types."""

    FARGATE = "FARGATE"
    AUTO_SCALING_GROUP = "EC2"
    MANAGED_INSTANCES = "MANAGED_INSTANCES"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The cluster that is read."""

    name: str
    arn: str
    insights: str | None
    """Value of the setting containerInsights; None when AWS does not say."""
    providers: tuple[str, ...]
    default_strategy: tuple["StrategyItem", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyItem:
    """One line of a capacity provider strategy."""

    provider: str
    base: int
    weight: int

    def __str__(self) -> str:
        return f"{self.provider} (base {self.base}, weight {self.weight})"


@dataclass(frozen=True, slots=True, kw_only=True)
class EcsService:
    """A service as DescribeServices tells it."""

    name: str
    arn: str
    status: str
    is_daemon: bool
    desired_count: int
    running_count: int
    launch_type: str | None
    strategy: tuple[StrategyItem, ...]
    task_definition: str | None
    target_groups: tuple[str, ...]
    """All that may get its requests: blue and green, and those of every task set."""
    is_traffic_moved: bool
    """Whether something outside ECS moves requests to target groups that ECS may have forgotten since."""
    rollout: str | None
    """What is being deployed, in words; None when nothing is."""
    port: int | None
    """Container port behind the first load balancer."""
    has_public_ip: bool
    placement_constraints: tuple[str, ...]
    """Types: ``distinctInstance``, ``memberOf``."""
    created_at: datetime | None
    deployed_at: datetime | None
    """When the running revision was deployed."""
    tags: Mapping[str, str]
    unkept_tags: tuple[str, ...]
    """Keys of tags whose values may be secrets, and were dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container definition without anything that could be a secret."""

    name: str
    image: str
    cpu_units: int
    memory_mib: int | None
    memory_reservation_mib: int | None
    is_essential: bool
    environment_names: tuple[str, ...]
    secret_names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDefinition:
    """A task definition without anything that could be a secret."""

    arn: str
    cpu_units: int | None
    """Of the task, or summed over the containers; None where neither reserves any."""
    memory_mib: int | None
    is_sized_by_containers: bool
    architecture: str | None
    os_family: str | None
    ephemeral_storage_gib: int | None
    network_mode: str | None
    gpus: int
    has_inference_accelerator: bool
    host_ports: tuple[FixedPort, ...]
    """Of network mode bridge or host."""
    refused: Mapping[LaunchType, tuple[Refused, ...]]
    """What it asks for that Fargate and Managed Instances do not take."""
    containers: tuple[Container, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A capacity provider and what stands behind it."""

    name: str
    kind: ProviderKind
    is_spot: bool
    group: str | None = None
    """Name of the Auto Scaling group."""
    managed_scaling: str | None = None
    target_capacity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerInstance:
    """An EC2 instance registered with the cluster."""

    instance_id: str | None
    instance_type: str | None
    architecture: str | None
    provider: str | None
    status: str
    registered_memory_mib: int | None = None
    is_windows: bool = False

    @property
    def is_external(self) -> bool:
        """Of ECS Anywhere: registered by Systems Manager, no EC2 instance."""
        return self.instance_id is not None and self.instance_id.startswith("mi-")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningTask:
    """A task that runs now."""

    group: str
    launch_type: str | None
    provider: str | None
    startup_s: float | None
    """From the start of the image pull until the task was started."""


FARGATE_PROVIDERS: Final[Mapping[str, Provider]] = {
    "FARGATE": Provider(name="FARGATE", kind=ProviderKind.FARGATE, is_spot=False),
    "FARGATE_SPOT": Provider(name="FARGATE_SPOT", kind=ProviderKind.FARGATE, is_spot=True),
}


def read_cluster(facts: Mapping[str, Any]) -> Cluster:
    settings = {s.get("name"): s.get("value") for s in facts.get("settings", [])}
    return Cluster(
        name=str(facts["clusterName"]),
        arn=str(facts["clusterArn"]),
        insights=stated(settings, "containerInsights", str),
        providers=tuple(facts.get("capacityProviders") or ()),
        default_strategy=_strategy(facts.get("defaultCapacityProviderStrategy")),
    )


def _strategy(items: Sequence[Mapping[str, Any]] | None) -> tuple[StrategyItem, ...]:
    return tuple(
        StrategyItem(provider=str(i["capacityProvider"]), base=int(i.get("base") or 0), weight=int(i.get("weight") or 0))
        for i in items or ()
    )


def read_service(facts: Mapping[str, Any]) -> EcsService:
    primary = _primary(facts)
    balancers = [
        *(facts.get("loadBalancers") or ()),
        *(b for s in facts.get("taskSets", ()) for b in s.get("loadBalancers", ())),
    ]
    groups = [g for b in balancers for g in (b.get("targetGroupArn"), _alternate_group(b)) if g]
    network = facts.get("networkConfiguration") or primary.get("networkConfiguration") or {}
    tags, unkept_tags = read_tags(facts.get("tags"))
    return EcsService(
        name=str(facts["serviceName"]),
        arn=str(facts["serviceArn"]),
        status=str(facts.get("status", "ACTIVE")),
        is_daemon=facts.get("schedulingStrategy") == "DAEMON",
        desired_count=int(facts["desiredCount"]),
        running_count=int(facts["runningCount"]),
        launch_type=stated(facts, "launchType", str) or stated(primary, "launchType", str),
        strategy=_strategy(facts.get("capacityProviderStrategy") or primary.get("capacityProviderStrategy")),
        task_definition=_task_definition_of(facts, primary),
        target_groups=tuple(dict.fromkeys(str(group) for group in groups)),
        is_traffic_moved=(facts.get("deploymentController") or {}).get("type") in ("CODE_DEPLOY", "EXTERNAL"),
        rollout=_rollout(facts, primary),
        port=next((int(b["containerPort"]) for b in balancers if b.get("containerPort")), None),
        has_public_ip=(network.get("awsvpcConfiguration") or {}).get("assignPublicIp") == "ENABLED",
        placement_constraints=tuple(str(each.get("type")) for each in facts.get("placementConstraints") or ()),
        created_at=stated(facts, "createdAt", datetime),
        deployed_at=stated(primary, "createdAt", datetime),
        tags=tags,
        unkept_tags=unkept_tags,
    )


def _primary(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The deployment or task set that the service is: the primary.

    Where the primary has failed before one of its tasks ran (its circuit breaker stopped it and nothing was rolled back), it is
    the deployment that most tasks still run.
    """
    deployments = [*facts.get("deployments", ()), *facts.get("taskSets", ())]
    primary: Mapping[str, Any] = next((d for d in deployments if d.get("status") == "PRIMARY"), {})
    if primary.get("rolloutState") == "FAILED" and not primary.get("runningCount"):
        running = max(deployments, key=lambda d: int(d.get("runningCount") or 0))
        return running if running.get("runningCount") else primary
    return primary


def _alternate_group(balancer: Mapping[str, Any]) -> str | None:
    """The other target group of a blue/green deployment by ECS: requests change sides with every deployment."""
    return (balancer.get("advancedConfiguration") or {}).get("alternateTargetGroupArn")


def _task_definition_of(facts: Mapping[str, Any], primary: Mapping[str, Any]) -> str | None:
    """What the service names is the newest revision, also where that failed."""
    names = (stated(facts, "taskDefinition", str), stated(primary, "taskDefinition", str))
    is_older = primary.get("status") == "ACTIVE"
    return (names[1] or names[0]) if is_older else (names[0] or names[1])


def _rollout(facts: Mapping[str, Any], primary: Mapping[str, Any]) -> str | None:
    """Older revisions whose tasks still run, task sets beside the primary, or a first deployment that is not through."""
    failed = [d for d in facts.get("deployments", ()) if d.get("rolloutState") == "FAILED"]
    if failed and primary.get("rolloutState") != "IN_PROGRESS":
        why = next((f" ({d['rolloutStateReason']})" for d in failed if d.get("rolloutStateReason")), "")
        return f"the deployment of {_revision(failed[0])} failed{why}; size and present are those of {_revision(primary)}"
    others = [
        f"{int(d.get('runningCount') or 0)} running tasks of {_revision(d)}"
        for d in facts.get("deployments", ())
        if d is not primary and d.get("runningCount")
    ]
    others += [
        f"task set {s.get('id', '?')} of {_revision(s)} at {float((s.get('scale') or {}).get('value') or 0):g} %"
        for s in facts.get("taskSets", ())
        if s is not primary and (s.get("runningCount") or (s.get("scale") or {}).get("value"))
    ]
    if others:
        return f"a deployment is under way: beside {_revision(primary)} there are {', '.join(others)}; {_OF_PRIMARY}"
    is_under_way = primary.get("rolloutState") == "IN_PROGRESS"
    return f"the deployment of {_revision(primary)} is under way; {_OF_PRIMARY}" if is_under_way else None


def _revision(facts: Mapping[str, Any]) -> str:
    return str(facts.get("taskDefinition") or "no primary").rpartition("/")[2]


def read_task_definition(facts: Mapping[str, Any]) -> TaskDefinition:
    definitions: list[Mapping[str, Any]] = facts["containerDefinitions"]
    containers = tuple(_container(c) for c in definitions)
    platform = facts.get("runtimePlatform") or {}
    cpu, memory = _cpu_units(facts.get("cpu")), _memory_mib(facts.get("memory"))
    needed = [each for c in definitions for each in c.get("resourceRequirements") or ()]
    return TaskDefinition(
        arn=str(facts.get("taskDefinitionArn", "")),
        cpu_units=cpu or sum(c.cpu_units for c in containers) or None,
        memory_mib=memory or sum(c.memory_reservation_mib or c.memory_mib or 0 for c in containers) or None,
        is_sized_by_containers=not (cpu and memory),
        architecture=stated(platform, "cpuArchitecture", str),
        os_family=stated(platform, "operatingSystemFamily", str),
        ephemeral_storage_gib=stated(facts.get("ephemeralStorage") or {}, "sizeInGiB", int),
        network_mode=stated(facts, "networkMode", str),
        gpus=sum(int(stated(each, "value", str) or 0) for each in needed if each.get("type") == "GPU"),
        has_inference_accelerator=bool(facts.get("inferenceAccelerators"))
        or any(each.get("type") == "InferenceAccelerator" for each in needed),
        host_ports=fixed_ports(facts),
        refused={each: refused_fields(facts, each) for each in LaunchType},
        containers=containers,
    )


def _container(facts: Mapping[str, Any]) -> Container:
    return Container(
        name=str(facts.get("name", "")),
        image=str(facts.get("image", "")),
        cpu_units=int(facts.get("cpu") or 0),
        memory_mib=stated(facts, "memory", int),
        memory_reservation_mib=stated(facts, "memoryReservation", int),
        is_essential=facts.get("essential", True) is not False,
        environment_names=tuple(_names(facts.get("environment"))),
        secret_names=tuple(_names(facts.get("secrets"))),
    )


def _names(variables: Sequence[Mapping[str, Any]] | None) -> Iterator[str]:
    return (str(v["name"]) for v in variables or () if v.get("name"))


def _cpu_units(stated: str | int | None) -> int | None:
    """``"1024"`` or ``"1 vCPU"``; RegisterTaskDefinition takes both."""
    text = str(stated or "").strip().lower()
    number = text.removesuffix("vcpu").strip()
    if not number:
        return None
    return round(float(number) * 1024) if text.endswith("vcpu") else int(number)


def _memory_mib(stated: str | int | None) -> int | None:
    """``"2048"`` or ``"2 GB"``, where AWS means GiB."""
    text = str(stated or "").strip().lower()
    number = text.removesuffix("gb").strip()
    if not number:
        return None
    return round(float(number) * 1024) if text.endswith("gb") else int(number)


def read_provider(facts: Mapping[str, Any]) -> Provider:
    name = str(facts["name"])
    if name in FARGATE_PROVIDERS:
        return FARGATE_PROVIDERS[name]
    managed = facts.get("managedInstancesProvider")
    if managed is not None or facts.get("type") == "MANAGED_INSTANCES":
        template = (managed or {}).get("instanceLaunchTemplate") or {}
        return Provider(name=name, kind=ProviderKind.MANAGED_INSTANCES, is_spot=template.get("capacityOptionType") == "SPOT")
    group = facts.get("autoScalingGroupProvider") or {}
    scaling = group.get("managedScaling") or {}
    return Provider(
        name=name,
        kind=ProviderKind.AUTO_SCALING_GROUP,
        is_spot=False,
        group=str(group.get("autoScalingGroupArn", "")).rpartition("autoScalingGroupName/")[2] or None,
        managed_scaling=scaling.get("status"),
        target_capacity=scaling.get("targetCapacity"),
    )


def read_container_instance(facts: Mapping[str, Any]) -> ContainerInstance:
    attributes = {a.get("name"): a.get("value") for a in facts.get("attributes", [])}
    registered = {r.get("name"): r.get("integerValue") for r in facts.get("registeredResources", [])}
    return ContainerInstance(
        instance_id=stated(facts, "ec2InstanceId", str),
        instance_type=stated(attributes, "ecs.instance-type", str),
        architecture=stated(attributes, "ecs.cpu-architecture", str),
        provider=stated(facts, "capacityProviderName", str),
        status=str(facts.get("status", "ACTIVE")),
        registered_memory_mib=stated(registered, "MEMORY", int),
        is_windows=stated(attributes, "ecs.os-type", str) == "windows",
    )


def read_task(facts: Mapping[str, Any]) -> RunningTask:
    pull, started = stated(facts, "pullStartedAt", datetime), stated(facts, "startedAt", datetime)
    return RunningTask(
        group=str(facts.get("group", "")),
        launch_type=stated(facts, "launchType", str),
        provider=stated(facts, "capacityProviderName", str),
        startup_s=(started - pull).total_seconds() if pull and started and started >= pull else None,
    )
