"""Plans: complete choices that ECS accepts. A plan that ECS would refuse cannot be made."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from advisor.ecs import (
    FARGATE_INCLUDED_STORAGE_GIB,
    FARGATE_MAX_STORAGE_GIB,
    FARGATE_SIZES,
    Architecture,
    LaunchType,
    PlacementStrategy,
    PurchaseOption,
    TaskSize,
)
from advisor.errors import PlanError

OMIT_DEFAULT: Final = "omit_default"
"""Metadata of fields that a saved plan leaves out while they have their default."""

_OPTIONAL: Final = {OMIT_DEFAULT: True}
"""Most plans leave these alone: results stay as small as they were, and old ones can be read."""


class ScalingMetric(StrEnum):
    """What the target tracking policy of a service follows."""

    NONE = "none"
    """No policy: the task count was given and is kept."""
    CPU = "cpu"
    """ECSServiceAverageCPUUtilization, target in percent."""
    REQUESTS = "requests"
    """ALBRequestCountPerTarget, target in requests per task and minute."""
    MEMORY = "memory"
    """ECSServiceAverageMemoryUtilization, target in percent."""


class LoadBalancer(StrEnum):
    """What forwards to a service that has a port."""

    APPLICATION = "application"
    NETWORK = "network"


class Start(StrEnum):
    """What a container waits for in another one, as ``dependsOn.condition``."""

    START = "START"
    COMPLETE = "COMPLETE"
    SUCCESS = "SUCCESS"
    HEALTHY = "HEALTHY"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """How ECS asks a container whether it is well."""

    command: tuple[str, ...]
    """First ``CMD`` or ``CMD-SHELL``."""
    interval_s: int = 30
    timeout_s: int = 5
    retries: int = 3
    start_period_s: int = 0

    def __post_init__(self) -> None:
        shell = self.command[:1] == ("CMD-SHELL",)
        if self.command[:1] not in (("CMD",), ("CMD-SHELL",)) or len(self.command) < 2 or (shell and len(self.command) > 2):
            raise PlanError(f"a health check starts with CMD, or is CMD-SHELL and one string, got {list(self.command)}")
        for what, value, low, high in (
            ("interval", self.interval_s, 5, 300),
            ("timeout", self.timeout_s, 2, 60),
            ("retries", self.retries, 1, 10),
            ("start period", self.start_period_s, 0, 300),
        ):
            if not low <= value <= high:
                raise PlanError(f"health check: {what} must be {low} to {high}, got {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PortMapping:
    """A port on which a container listens."""

    container_port: int
    protocol: str = "tcp"
    name: str | None = None
    """By which Service Connect knows it."""

    def __post_init__(self) -> None:
        if not 0 < self.container_port <= _MAX_PORT:
            raise PlanError(f"port {self.container_port} is not 1 to {_MAX_PORT}")
        if self.protocol not in ("tcp", "udp"):
            raise PlanError(f"port {self.container_port}: protocol {self.protocol!r} is neither tcp nor udp")
        if self.name is not None and not _PORT_NAME.fullmatch(self.name):
            raise PlanError(f"port name {self.name!r}: needs up to 64 lower-case letters, digits, _ and -, no hyphen first")


@dataclass(frozen=True, slots=True, kw_only=True)
class MountPoint:
    """Where a container sees a volume of the task."""

    volume: str
    path: str
    is_read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EfsVolume:
    """A file system that outlives the task; traffic to it is encrypted."""

    name: str
    file_system_id: str
    root_directory: str = "/"
    access_point_id: str | None = None
    """With one, IAM decides who may mount."""

    def __post_init__(self) -> None:
        _check_ecs_name("volume", self.name)
        if _SCRATCH_VOLUME.fullmatch(self.name):
            raise PlanError(f"volume {self.name!r}: tmp and tmp-1, tmp-2 ... are what containers get for /tmp")
        if not re.fullmatch(r"fs-[0-9a-f]{8,40}", self.file_system_id, re.ASCII):
            raise PlanError(
                f"volume {self.name!r}: {self.file_system_id!r} is not the id of a file system, such as fs-0123abcd"
            )
        if self.access_point_id is not None and not re.fullmatch(r"fsap-[0-9a-f]{8,40}", self.access_point_id, re.ASCII):
            raise PlanError(f"volume {self.name!r}: {self.access_point_id!r} is not the id of an access point")
        if self.access_point_id is not None and self.root_directory != "/":
            raise PlanError(f"volume {self.name!r}: with an access point its root directory must be /")
        if not self.root_directory.startswith("/"):
            raise PlanError(f"volume {self.name!r}: root directory {self.root_directory!r} does not start with /")


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container of a task."""

    name: str
    image: str | None = None
    """None: to be filled in before the deployment."""
    cpu_units: int | None = None
    """Its part of the task's; None leaves it to share."""
    memory_mib: int | None = None
    """At most; None: as much as the task has."""
    memory_reservation_mib: int | None = None
    is_essential: bool = True
    """When it ends, the task ends."""
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    """No secrets: those go by reference."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Variable to ARN in Secrets Manager, or ARN or name of an SSM parameter."""
    ports: tuple[PortMapping, ...] = ()
    health_check: HealthCheck | None = None
    mount_points: tuple[MountPoint, ...] = ()
    depends_on: Mapping[str, Start] = field(default_factory=dict)
    """Other container to what is waited for."""
    gpus: int = 0
    has_read_only_root: bool = True
    """Linux only."""

    def __post_init__(self) -> None:
        _check_ecs_name("container", self.name)
        where = f"container {self.name!r}"
        if self.cpu_units is not None and self.cpu_units <= 0:
            raise PlanError(f"{where}: CPU units must be above zero, got {self.cpu_units}")
        for mib in (self.memory_mib, self.memory_reservation_mib):
            if mib is not None and mib < _MIN_CONTAINER_MIB:
                raise PlanError(f"{where}: needs at least {_MIN_CONTAINER_MIB} MiB, got {mib}")
        if (self.memory_mib or math.inf) <= (self.memory_reservation_mib or 0):
            raise PlanError(f"{where}: memory must be above its reservation")
        if self.gpus < 0:
            raise PlanError(f"{where}: {self.gpus} GPUs")
        for variable, value in self.environment.items():
            _check_no_secret(where, variable, value)
        twice = self.environment.keys() & self.secrets.keys()
        if twice or "" in (*self.environment, *self.secrets):
            raise PlanError(f"{where}: variables without a name, or given twice: {', '.join(sorted(twice)) or repr('')}")
        for variable, source in self.secrets.items():
            if not _SECRET.fullmatch(source):
                raise PlanError(
                    f"{where}: secret {variable!r} is not by reference: needs the ARN of a secret, or the ARN or name of an"
                    " SSM parameter"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyItem:
    """One entry of a capacity provider strategy."""

    capacity_provider: str
    weight: int = 1
    base: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledAction:
    """Other bounds of service auto scaling from a time on."""

    name: str
    schedule: str
    """``cron(...)``, ``rate(...)`` or ``at(...)``."""
    min_tasks: int | None = None
    max_tasks: int | None = None
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        _check_ecs_name("scheduled action", self.name)
        _check_schedule(f"scheduled action {self.name!r}", self.schedule, self.time_zone)
        if self.min_tasks is None and self.max_tasks is None:
            raise PlanError(f"scheduled action {self.name!r}: sets neither a minimum nor a maximum")
        if not 0 <= (self.min_tasks or 0) <= (_MAX_TASKS if self.max_tasks is None else self.max_tasks) <= _MAX_TASKS:
            raise PlanError(f"scheduled action {self.name!r}: needs 0 <= min <= max <= {_MAX_TASKS}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From this far above (or below) the threshold on, the task count changes by this much."""

    from_percent: float
    """Distance from the threshold, zero or more, in the direction of the policy."""
    change: int
    """Tasks to add; negative to remove."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPolicy:
    """Step scaling: an alarm on utilization, and a change for each distance from its threshold."""

    name: str
    metric: ScalingMetric
    """CPU or memory."""
    threshold_percent: float
    steps: tuple[Step, ...]
    """The first from 0, rising."""
    is_scale_in: bool = False
    """Below the threshold instead of above."""
    minutes: int = 3
    """Minutes in a row that the alarm needs."""
    cooldown_s: int = 300

    def __post_init__(self) -> None:
        _check_ecs_name("step policy", self.name)
        where = f"step policy {self.name!r}"
        if self.metric not in (ScalingMetric.CPU, ScalingMetric.MEMORY):
            raise PlanError(f"{where}: follows CPU or memory, not {self.metric}")
        distances = [step.from_percent for step in self.steps]
        if distances[:1] != [0] or sorted(set(distances)) != distances:
            raise PlanError(f"{where}: its steps must begin at 0 and rise, got {distances}")
        if any((step.change >= 0) is self.is_scale_in for step in self.steps):
            raise PlanError(f"{where}: every step must {'remove' if self.is_scale_in else 'add'} tasks")
        if not 0 < self.threshold_percent <= 100 or self.minutes < 1 or self.cooldown_s < 0:
            raise PlanError(f"{where}: needs a threshold of 0 to 100 percent, a minute or more, and no negative cooldown")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConnect:
    """How other services of a namespace reach this one."""

    namespace: str
    """Name or ARN in AWS Cloud Map; it exists already."""
    port_name: str | None = None
    """Of a port mapping; None for a service that only calls others."""
    dns_name: str | None = None
    """None: ``port_name.namespace``."""
    client_port: int | None = None
    """None: the container's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityProvider:
    """Where tasks of one or several services get their capacity."""

    name: str
    launch_type: LaunchType
    purchase_option: PurchaseOption
    instance_types: tuple[str, ...] = ()
    """Empty for Fargate; one type, or the pool of a Spot plan."""
    architecture: Architecture | None = None
    """Of the instances; None for Fargate, where it belongs to the task."""
    placement: PlacementStrategy | None = None
    """How tasks are placed on the instances; None for Fargate, where it cannot be chosen."""
    has_trunking: bool = True
    root_volume_gib: int = 30
    zones: int = 2
    min_instances: int = 0
    """Least size of the group: one instance in each zone while some service always runs a task."""
    max_instances: int | None = None
    """Most instances that the load needed, with room for a deployment that doubles the tasks."""
    target_capacity_percent: int = 100

    def __post_init__(self) -> None:
        if self.launch_type is LaunchType.FARGATE:
            if self.instance_types or self.placement:
                raise PlanError(f"capacity provider {self.name!r}: Fargate has no instance types and no placement strategy")
        elif not (self.instance_types and self.architecture and self.placement):
            raise PlanError(f"capacity provider {self.name!r}: instances need a type, an architecture and a placement strategy")
        if not 0 < self.target_capacity_percent <= 100:
            raise PlanError(f"capacity provider {self.name!r}: target capacity must be 1 to 100")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlan:
    """How one service runs."""

    launch_type: LaunchType
    purchase_option: PurchaseOption
    architecture: Architecture
    task: TaskSize
    capacity_provider: str
    desired_tasks: int
    """Tasks to start with: the median of what the load needed."""
    min_tasks: int
    max_tasks: int
    """Upper bound of service auto scaling: the user's, else twice the peak of the load."""
    scaling_metric: ScalingMetric
    scaling_target: float | None = None
    """Percent, or requests per task and minute; None without a policy."""
    image: str | None = None
    """Of the one container that there is without ``containers``. None: to be filled in before the deployment."""
    port: int | None = None
    """Load balanced when set."""
    ephemeral_storage_gib: int = FARGATE_INCLUDED_STORAGE_GIB
    has_public_ip: bool = False
    network_mode: str = "awsvpc"

    operating_system: str = field(default="LINUX", metadata=_OPTIONAL)
    """As ``operatingSystemFamily`` in the ECS API."""
    containers: tuple[Container, ...] = field(default=(), metadata=_OPTIONAL)
    """Empty: one container, called like the service, with ``image`` and ``port``; see `containers_of`."""
    volumes: tuple[EfsVolume, ...] = field(default=(), metadata=_OPTIONAL)
    log_retention_days: int = field(default=30, metadata=_OPTIONAL)
    strategy: tuple[StrategyItem, ...] = field(default=(), metadata=_OPTIONAL)
    """A mix of capacity providers, ``capacity_provider`` first; empty: that one alone."""
    load_balancer: LoadBalancer = field(default=LoadBalancer.APPLICATION, metadata=_OPTIONAL)
    shares_target_group_of: str | None = field(default=None, metadata=_OPTIONAL)
    """A service of the plan: this one is its other half, on other capacity behind the same target group."""
    service_connect: ServiceConnect | None = field(default=None, metadata=_OPTIONAL)
    minimum_healthy_percent: int = field(default=100, metadata=_OPTIONAL)
    maximum_percent: int = field(default=200, metadata=_OPTIONAL)
    has_circuit_breaker: bool = field(default=True, metadata=_OPTIONAL)
    """Failed deployments are rolled back."""
    has_zone_rebalancing: bool = field(default=True, metadata=_OPTIONAL)
    """Where ECS has it: more than one zone, spread over zones first, room for another task in a deployment."""
    scale_out_cooldown_s: int = field(default=300, metadata=_OPTIONAL)
    scale_in_cooldown_s: int = field(default=300, metadata=_OPTIONAL)
    metric_resolution_s: int = field(default=60, metadata=_OPTIONAL)
    """20 s metrics make target tracking faster and cost extra."""
    scheduled_actions: tuple[ScheduledAction, ...] = field(default=(), metadata=_OPTIONAL)
    step_policies: tuple[StepPolicy, ...] = field(default=(), metadata=_OPTIONAL)
    schedule: str | None = field(default=None, metadata=_OPTIONAL)
    """``cron(...)``, ``rate(...)`` or ``at(...)``: a batch job. ``desired_tasks`` start at these times; there is no service."""
    schedule_time_zone: str = field(default="UTC", metadata=_OPTIONAL)
    is_schedule_enabled: bool = field(default=True, metadata=_OPTIONAL)
    """False: nobody stated when the job runs, so its schedule stands in and starts nothing."""

    @property
    def is_windows(self) -> bool:
        return self.operating_system.startswith("WINDOWS")

    @property
    def gpus(self) -> int:
        """Of each task."""
        return sum(container.gpus for container in self.containers)

    @property
    def strategy_items(self) -> tuple[StrategyItem, ...]:
        """The strategy, also where it is one provider alone."""
        return self.strategy or (StrategyItem(capacity_provider=self.capacity_provider),)

    def containers_of(self, name: str) -> tuple[Container, ...]:
        """The containers of the service called ``name``: those given, or the one that ``image`` and ``port`` describe."""
        if self.containers:
            return self.containers
        ports = () if self.port is None else (PortMapping(container_port=self.port),)
        return (Container(name=name, image=self.image, ports=ports),)

    def balanced_container(self, name: str) -> Container:
        """The container that the load balancer sends to: the first that listens on ``port``."""
        mapped = (c for c in self.containers_of(name) if any(p.container_port == self.port for p in c.ports))
        return next(mapped)


class ContainerInsights(StrEnum):
    """The cluster's setting; both kinds bill custom metrics."""

    DISABLED = "disabled"
    ENABLED = "enabled"
    ENHANCED = "enhanced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A launch choice for services of one cluster, and the capacity providers behind it."""

    cluster: str
    region: str
    services: Mapping[str, ServicePlan]
    capacity_providers: Mapping[str, CapacityProvider]
    container_insights: ContainerInsights = field(default=ContainerInsights.DISABLED, metadata=_OPTIONAL)

    def __post_init__(self) -> None:
        for name, service in self.services.items():
            _check_service(name, service, self.capacity_providers)
            _check_half(name, service, self.services)
        used = {item.capacity_provider for service in self.services.values() for item in service.strategy_items}
        unused = set(self.capacity_providers) - used
        if unused:
            raise PlanError(f"capacity providers that no service uses: {', '.join(sorted(unused))}")
        for name, provider in self.capacity_providers.items():
            systems = {service.operating_system for service in self.services_on(name)}
            if provider.launch_type is not LaunchType.FARGATE and len(systems) > 1:
                raise PlanError(f"capacity provider {name!r}: its instances have one operating system, its services several")

    def services_on(self, provider: str) -> tuple[ServicePlan, ...]:
        """The services that name a capacity provider, alone or in a mix."""
        return tuple(s for s in self.services.values() if any(item.capacity_provider == provider for item in s.strategy_items))


_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,254}", re.ASCII)
_PORT_NAME: Final = re.compile(r"[a-z0-9_][a-z0-9_-]{0,63}", re.ASCII)
_SECRET: Final = re.compile(
    r"arn:aws[a-z-]*:(secretsmanager|ssm):[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9/_+=.@:-]+|/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*",
    re.ASCII,
)
_SECRET_NAME: Final = re.compile(
    r"(.*_)?(PASSWORD|PASSWD|SECRET|TOKEN|PRIVATE_?KEY|API_?KEY|ACCESS_?KEY|CREDENTIALS)", re.IGNORECASE
)
_SECRET_VALUE: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY|\b(AKIA|ASIA)[0-9A-Z]{16}\b")
_SCRATCH_VOLUME: Final = re.compile(r"tmp(-\d+)?", re.ASCII)
_SCHEDULE: Final = re.compile(
    r"cron\([0-9A-Za-z*/,?#-]+( [0-9A-Za-z*/,?#-]+){5}\)"
    r"|rate\(1 (minute|hour|day)\)|rate\(([2-9]|[1-9][0-9]+) (minute|hour|day)s\)"
    r"|at\([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\)",
    re.ASCII,
)
_TIME_ZONE: Final = re.compile(r"[A-Za-z]+([/_+-][A-Za-z0-9]+)*", re.ASCII)
_LOG_RETENTION_DAYS: Final = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
_FARGATE_WINDOWS: Final = frozenset(f"WINDOWS_SERVER_{year}_{edition}" for year in (2019, 2022) for edition in ("CORE", "FULL"))
_EC2_WINDOWS: Final = _FARGATE_WINDOWS | {"WINDOWS_SERVER_2025_CORE", "WINDOWS_SERVER_2025_FULL"}
_FARGATE_WINDOWS_CPU_UNITS: Final = frozenset({1024, 2048, 4096})
MIN_TASK_CPU_UNITS: Final = 128
"""Of a task definition; a container may ask for less."""
_MAX_PORT: Final = 65_535
_MIN_CONTAINER_MIB: Final = 6
_MAX_TASKS: Final = 5_000
_MAX_TASKS_CONNECTED: Final = 1_000
"""With Service Connect."""
MAX_TASKS_A_RUN: Final = 10
"""Of one RunTask."""


def _check_ecs_name(kind: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise PlanError(f"{kind} name {name!r}: ECS allows up to 255 letters, digits, hyphens and underscores, no hyphen first")


def _check_no_secret(where: str, variable: str, value: str) -> None:
    if _SECRET_NAME.fullmatch(variable) or _SECRET_VALUE.search(value):
        raise PlanError(f"{where}: the variable {variable!r} looks like a secret: give it under secrets, by reference")


def _check_schedule(where: str, schedule: str, time_zone: str) -> None:
    if not _SCHEDULE.fullmatch(schedule) or (schedule.startswith("cron") and "?" not in schedule.split(" ")[2:5:2]):
        raise PlanError(
            f"{where}: schedule {schedule!r} is none of cron(...) with six fields, one of the days ?, rate(...) and at(...)"
        )
    if not _TIME_ZONE.fullmatch(time_zone):
        raise PlanError(f"{where}: time zone {time_zone!r} is not a name such as Europe/Berlin")


def _check_not_disabled(name: str, service: ServicePlan) -> None:
    if not service.is_schedule_enabled and service.schedule is None:
        raise PlanError(f"service {name!r}: has no schedule that could be disabled")


def _check_service(name: str, service: ServicePlan, providers: Mapping[str, CapacityProvider]) -> None:
    provider = providers.get(service.capacity_provider)
    if provider is None:
        raise PlanError(f"service {name!r} names the capacity provider {service.capacity_provider!r}, which the plan lacks")
    if (provider.launch_type, provider.purchase_option) != (service.launch_type, service.purchase_option):
        raise PlanError(
            f"service {name!r} and its capacity provider {provider.name!r} differ in launch type or purchase option"
        )
    if provider.architecture not in (None, service.architecture):
        raise PlanError(f"service {name!r} is {service.architecture}, its capacity provider {provider.name!r} is not")
    _check_strategy(name, service, providers)
    _check_platform(name, service)
    if service.launch_type is LaunchType.FARGATE:
        _check_fargate(name, service)
    if service.network_mode != "awsvpc" and service.launch_type is not LaunchType.EC2:
        raise PlanError(f"service {name!r}: {service.launch_type} needs network mode awsvpc")
    _check_scaling(name, service)
    _check_deployment(name, service)
    _check_containers(name, service)
    _check_not_disabled(name, service)
    if service.schedule is not None:
        _check_batch(name, service)


def _check_strategy(name: str, service: ServicePlan, providers: Mapping[str, CapacityProvider]) -> None:
    """One kind of provider, one base, some weight."""
    items = service.strategy
    if not items:
        return
    named = [item.capacity_provider for item in items]
    if named[0] != service.capacity_provider or len(set(named)) < len(named) or len(named) > 20:
        raise PlanError(f"service {name!r}: its strategy needs up to 20 different capacity providers, its own first")
    for item in items:
        provider = providers.get(item.capacity_provider)
        if provider is None:
            raise PlanError(f"service {name!r} names the capacity provider {item.capacity_provider!r}, which the plan lacks")
        if provider.launch_type is not service.launch_type or provider.architecture not in (None, service.architecture):
            raise PlanError(
                f"service {name!r}: a strategy holds one launch type and one architecture, {provider.name!r} differs"
            )
        if not (0 <= item.weight <= 1000 and 0 <= item.base <= 100_000):
            raise PlanError(f"service {name!r}: weight must be 0 to 1000 and base 0 to 100000")
    if len(items) < 2:
        raise PlanError(f"service {name!r}: a strategy mixes two capacity providers at least; leave it empty for one")
    if service.launch_type is LaunchType.FARGATE and len({providers[key].purchase_option for key in named}) < len(named):
        raise PlanError(
            f"service {name!r}: ECS has one Fargate and one Fargate Spot capacity provider, a strategy names each once"
        )
    if sum(item.base > 0 for item in items) > 1 or not any(item.weight > 0 for item in items):
        raise PlanError(f"service {name!r}: a strategy has at most one base, and a weight above 0")
    if len({(providers[key].zones, providers[key].placement) for key in named}) > 1:
        raise PlanError(f"service {name!r}: the capacity providers of a strategy differ in zones or placement")
    if any(providers[key].purchase_option is PurchaseOption.SPOT for key in named) and service.is_windows:
        raise PlanError(f"service {name!r}: Fargate Spot does not run Windows")


def _check_platform(name: str, service: ServicePlan) -> None:
    family = service.operating_system
    if not service.is_windows:
        if family != "LINUX":
            raise PlanError(f"service {name!r}: operating system {family!r} is not one that ECS has")
    elif service.launch_type is LaunchType.MANAGED_INSTANCES:
        raise PlanError(f"service {name!r}: Managed Instances run Linux only")
    elif family not in (_FARGATE_WINDOWS if service.launch_type is LaunchType.FARGATE else _EC2_WINDOWS):
        raise PlanError(f"service {name!r}: {service.launch_type} does not run {family!r}")
    elif service.architecture is not Architecture.X86_64 or service.network_mode != "awsvpc":
        raise PlanError(f"service {name!r}: Windows needs X86_64 and network mode awsvpc")
    elif service.volumes:
        raise PlanError(f"service {name!r}: Windows tasks cannot mount EFS")
    elif service.launch_type is LaunchType.EC2 and not _all_sized(service.containers):
        raise PlanError(f"service {name!r}: on EC2, Windows takes no size from the task: give its containers CPU and memory")
    if service.gpus and service.launch_type is LaunchType.FARGATE:
        raise PlanError(f"service {name!r}: Fargate has no GPUs")


def _all_sized(containers: tuple[Container, ...]) -> bool:
    return bool(containers) and all(container.cpu_units and container.memory_mib for container in containers)


def _check_fargate(name: str, service: ServicePlan) -> None:
    if service.task not in FARGATE_SIZES:
        raise PlanError(f"service {name!r}: Fargate has no task size {service.task}")
    if not FARGATE_INCLUDED_STORAGE_GIB <= service.ephemeral_storage_gib <= FARGATE_MAX_STORAGE_GIB:
        raise PlanError(f"service {name!r}: Fargate's ephemeral storage is 20 to 200 GiB, got {service.ephemeral_storage_gib}")
    if service.is_windows and service.task.cpu_units not in _FARGATE_WINDOWS_CPU_UNITS:
        raise PlanError(f"service {name!r}: Windows on Fargate runs with 1, 2 or 4 vCPU, not {service.task}")
    if service.is_windows and service.purchase_option is PurchaseOption.SPOT:
        raise PlanError(f"service {name!r}: Fargate Spot does not run Windows")


def _check_scaling(name: str, service: ServicePlan) -> None:
    if (service.scaling_target is None) != (service.scaling_metric is ScalingMetric.NONE):
        raise PlanError(f"service {name!r}: a scaling policy needs a metric and a target")
    most = _MAX_TASKS_CONNECTED if service.service_connect else _MAX_TASKS
    if not 0 <= service.min_tasks <= service.max_tasks:
        raise PlanError(f"service {name!r}: needs 0 <= min <= max tasks, got {service.min_tasks} and {service.max_tasks}")
    if service.service_connect and service.max_tasks > most:
        raise PlanError(f"service {name!r}: with Service Connect at most {most} tasks, got {service.max_tasks}")
    if service.scale_out_cooldown_s < 0 or service.scale_in_cooldown_s < 0:
        raise PlanError(f"service {name!r}: a cooldown must not be negative")
    if service.metric_resolution_s not in (20, 60):
        raise PlanError(f"service {name!r}: metrics have a resolution of 20 or 60 s, not {service.metric_resolution_s}")
    if service.metric_resolution_s == 20 and service.scaling_metric not in (ScalingMetric.CPU, ScalingMetric.MEMORY):
        raise PlanError(f"service {name!r}: 20 s metrics are for target tracking on CPU or memory")
    for kind in (service.scheduled_actions, service.step_policies):
        _check_unique(name, "scaling actions", (action.name for action in kind))
    if service.step_policies and service.scaling_metric is ScalingMetric.NONE and service.min_tasks == service.max_tasks:
        raise PlanError(f"service {name!r}: step policies need room between min and max tasks")


def _check_deployment(name: str, service: ServicePlan) -> None:
    low, high = service.minimum_healthy_percent, service.maximum_percent
    if not (0 <= low <= 100 <= high <= 1000) or (low, high) == (100, 100):
        raise PlanError(f"service {name!r}: a deployment cannot move between {low} and {high} percent of the tasks")
    desired = service.desired_tasks
    if desired > 0 and desired * high // 100 <= desired and -(-desired * low // 100) >= desired:
        raise PlanError(f"service {name!r}: {low} and {high} percent of {desired} tasks leave no room for a deployment")
    if service.log_retention_days not in _LOG_RETENTION_DAYS:
        raise PlanError(f"service {name!r}: CloudWatch Logs cannot keep logs for {service.log_retention_days} days")
    connect = service.service_connect
    if connect is None:
        return
    if not re.fullmatch(r"[A-Za-z0-9._:/-]{1,255}", connect.namespace, re.ASCII):
        raise PlanError(f"service {name!r}: namespace {connect.namespace!r} is neither a name nor an ARN of AWS Cloud Map")
    mapped = {port.name for container in service.containers for port in container.ports} - {None}
    if connect.port_name is not None and connect.port_name not in mapped:
        raise PlanError(f"service {name!r}: Service Connect names the port {connect.port_name!r}, which no container maps")
    if connect.port_name is None and (connect.dns_name or connect.client_port):
        raise PlanError(f"service {name!r}: Service Connect gives an address to no port")
    if (connect.dns_name is None) != (connect.client_port is None):
        raise PlanError(f"service {name!r}: Service Connect needs a DNS name and a port, or neither")
    if connect.dns_name is not None and not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,126}", connect.dns_name, re.ASCII):
        raise PlanError(f"service {name!r}: Service Connect: {connect.dns_name!r} is not a DNS name")
    if connect.client_port is not None and not 0 < connect.client_port <= _MAX_PORT:
        raise PlanError(f"service {name!r}: Service Connect: port {connect.client_port} is not 1 to {_MAX_PORT}")


def _check_containers(name: str, service: ServicePlan) -> None:
    containers, where = service.containers, f"service {name!r}"
    _check_unique(name, "volumes", (volume.name for volume in service.volumes))
    if service.volumes and not containers:
        raise PlanError(f"{where}: has volumes that no container mounts")
    if not containers:
        return
    if service.image is not None:
        raise PlanError(f"{where}: has an image of its own and containers with theirs")
    _check_unique(name, "containers", (container.name for container in containers))
    if not any(container.is_essential for container in containers):
        raise PlanError(f"{where}: one container at least must be essential")
    if service.task.cpu_units < MIN_TASK_CPU_UNITS:
        raise PlanError(f"{where}: a task of several containers needs {MIN_TASK_CPU_UNITS} CPU units or more")
    if sum(container.cpu_units or 0 for container in containers) > service.task.cpu_units:
        raise PlanError(f"{where}: its containers reserve more than the task's {service.task.cpu_units} CPU units")
    reserved = sum(container.memory_reservation_mib or container.memory_mib or 0 for container in containers)
    if reserved > service.task.memory_mib or any((c.memory_mib or 0) > service.task.memory_mib for c in containers):
        raise PlanError(f"{where}: its containers reserve more than the task's {service.task.memory_mib} MiB")
    ports = [port for container in containers for port in container.ports]
    _check_unique(name, "ports", (f"{port.container_port}/{port.protocol}" for port in ports))
    _check_unique(name, "port names", (port.name for port in ports if port.name is not None))
    if service.port is not None and not any((port.container_port, port.protocol) == (service.port, "tcp") for port in ports):
        raise PlanError(f"{where}: the load balancer sends to port {service.port}, which no container maps")
    if ports and service.network_mode == "none":
        raise PlanError(f"{where}: network mode none has no ports")
    volumes = {volume.name for volume in service.volumes}
    for container in containers:
        for mount in container.mount_points:
            if mount.volume not in volumes or not mount.path.startswith("/"):
                raise PlanError(
                    f"{where}: container {container.name!r} mounts {mount.volume!r} on {mount.path!r}: no such volume or path"
                )
    _check_dependencies(where, containers)


def _check_dependencies(where: str, containers: Iterable[Container]) -> None:
    by_name = {container.name: container for container in containers}
    for container in by_name.values():
        for other, condition in container.depends_on.items():
            needed = by_name.get(other)
            if needed is None or needed is container:
                raise PlanError(f"{where}: container {container.name!r} depends on {other!r}, which is no other container")
            if condition is Start.HEALTHY and needed.health_check is None:
                raise PlanError(f"{where}: container {other!r} has no health check to wait for")
            if condition in (Start.COMPLETE, Start.SUCCESS) and needed.is_essential:
                raise PlanError(f"{where}: container {other!r} is essential, nothing can wait for its end")
    waiting = {container.name: set(container.depends_on) for container in by_name.values()}
    while free := [name for name, others in waiting.items() if not others & waiting.keys()]:
        for name in free:
            del waiting[name]
    if waiting:
        raise PlanError(f"{where}: containers wait for each other in a circle: {', '.join(sorted(waiting))}")


def _check_batch(name: str, service: ServicePlan) -> None:
    where = f"service {name!r}"
    _check_schedule(where, service.schedule or "", service.schedule_time_zone)
    if not 1 <= service.desired_tasks <= MAX_TASKS_A_RUN:
        raise PlanError(f"{where}: a scheduled run starts 1 to {MAX_TASKS_A_RUN} tasks, got {service.desired_tasks}")
    scales = service.scaling_metric is not ScalingMetric.NONE or service.scheduled_actions or service.step_policies
    if not service.min_tasks == service.max_tasks == service.desired_tasks:
        raise PlanError(
            f"{where}: a scheduled run starts the same number of tasks each time: min, desired and max are one number"
        )
    if service.port is not None or service.service_connect or scales:
        raise PlanError(f"{where}: a scheduled task has no load balancer, no Service Connect and no scaling")


def _check_half(name: str, service: ServicePlan, services: Mapping[str, ServicePlan]) -> None:
    """A hybrid: one ECS service cannot span two kinds of capacity, so two share a target group."""
    if service.shares_target_group_of is None:
        return
    other = services.get(service.shares_target_group_of)
    if other is None or other is service or other.shares_target_group_of is not None:
        raise PlanError(
            f"service {name!r} shares the target group of {service.shares_target_group_of!r}, which has none of its own"
        )
    if service.port is None or (service.port, service.load_balancer) != (other.port, other.load_balancer):
        raise PlanError(
            f"service {name!r} needs the port and load balancer of {service.shares_target_group_of!r} to share its target group"
        )
    if service.network_mode != other.network_mode:
        raise PlanError(
            f"service {name!r} needs the network mode of {service.shares_target_group_of!r} to share its target group"
        )


def _check_unique(name: str, what: str, values: Iterable[str]) -> None:
    twice = sorted(value for value, count in Counter(values).items() if count > 1)
    if twice:
        raise PlanError(f"service {name!r}: {what} given twice: {', '.join(twice)}")
