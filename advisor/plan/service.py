"""How a service of a plan runs, and what gives it capacity."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from advisor.ecs import (
    DEFAULT_COOLDOWN_S,
    FARGATE_INCLUDED_STORAGE_GIB,
    LINUX,
    Architecture,
    LaunchType,
    PlacementStrategy,
    PurchaseOption,
    TaskSize,
    is_windows,
)
from advisor.errors import PlanError
from advisor.plan.container import Container, EfsVolume, PortMapping
from advisor.plan.names import OPTIONAL
from advisor.plan.scaling import ScalingMetric, ScheduledAction, StepPolicy


class LoadBalancer(StrEnum):
    """What forwards to a service that has a port."""

    APPLICATION = "application"
    NETWORK = "network"


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyItem:
    """One entry of a capacity provider strategy."""

    capacity_provider: str
    weight: int = 1
    base: int = 0


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
    on_demand_base: int = field(default=0, metadata=OPTIONAL)
    """Instances of EC2 Spot's group that are On-Demand before Spot takes the rest, of the first type."""
    ecs_reserved_memory_mib: int = field(default=0, metadata=OPTIONAL)
    """That the agent keeps from tasks on each instance of EC2."""

    def __post_init__(self) -> None:
        if self.launch_type is LaunchType.FARGATE:
            if self.instance_types or self.placement:
                raise PlanError(f"capacity provider {self.name!r}: Fargate has no instance types and no placement strategy")
        elif not (self.instance_types and self.architecture and self.placement):
            raise PlanError(f"capacity provider {self.name!r}: instances need a type, an architecture and a placement strategy")
        if not 0 < self.target_capacity_percent <= 100:
            raise PlanError(f"capacity provider {self.name!r}: target capacity must be 1 to 100")
        if self.placement is PlacementStrategy.INSTANCE_SPREAD and self.target_capacity_percent < 100:
            raise PlanError(
                f"capacity provider {self.name!r}: with a target capacity below 100 a spread over instances gives each task "
                "one of its own: ECS wants binpack first"
            )
        is_spot_group = self.launch_type is LaunchType.EC2 and self.purchase_option is PurchaseOption.SPOT
        if self.on_demand_base < 0 or (self.on_demand_base and not is_spot_group):
            raise PlanError(f"capacity provider {self.name!r}: only groups of EC2 Spot have an On-Demand base, from 0 on")
        if self.max_instances is not None and self.on_demand_base > self.max_instances:
            raise PlanError(
                f"capacity provider {self.name!r}: an On-Demand base of {self.on_demand_base} is above the most instances"
            )
        if self.ecs_reserved_memory_mib < 0 or (self.ecs_reserved_memory_mib and self.launch_type is not LaunchType.EC2):
            raise PlanError(f"capacity provider {self.name!r}: only the agent on EC2 keeps memory from tasks, and none below 0")


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

    operating_system: str = field(default=LINUX, metadata=OPTIONAL)
    """As ``operatingSystemFamily`` in the ECS API."""
    containers: tuple[Container, ...] = field(default=(), metadata=OPTIONAL)
    """Empty: one container, called like the service, with ``image`` and ``port``; see `containers_of`."""
    volumes: tuple[EfsVolume, ...] = field(default=(), metadata=OPTIONAL)
    log_retention_days: int = field(default=30, metadata=OPTIONAL)
    strategy: tuple[StrategyItem, ...] = field(default=(), metadata=OPTIONAL)
    """A mix of capacity providers, ``capacity_provider`` first; empty: that one alone."""
    load_balancer: LoadBalancer = field(default=LoadBalancer.APPLICATION, metadata=OPTIONAL)
    shares_target_group_of: str | None = field(default=None, metadata=OPTIONAL)
    """A service of the plan: this one is its other half, on other capacity behind the same target group."""
    service_connect: ServiceConnect | None = field(default=None, metadata=OPTIONAL)
    minimum_healthy_percent: int = field(default=100, metadata=OPTIONAL)
    maximum_percent: int = field(default=200, metadata=OPTIONAL)
    has_circuit_breaker: bool = field(default=True, metadata=OPTIONAL)
    """Failed deployments are rolled back."""
    has_zone_rebalancing: bool = field(default=True, metadata=OPTIONAL)
    """Where ECS has it: more than one zone, spread over zones first, room for another task in a deployment."""
    scale_out_cooldown_s: int = field(default=DEFAULT_COOLDOWN_S, metadata=OPTIONAL)
    scale_in_cooldown_s: int = field(default=DEFAULT_COOLDOWN_S, metadata=OPTIONAL)
    metric_resolution_s: int = field(default=60, metadata=OPTIONAL)
    """20 s metrics make target tracking faster and cost extra."""
    scheduled_actions: tuple[ScheduledAction, ...] = field(default=(), metadata=OPTIONAL)
    step_policies: tuple[StepPolicy, ...] = field(default=(), metadata=OPTIONAL)
    has_distinct_instances: bool = field(default=False, metadata=OPTIONAL)
    """The placement constraint ``distinctInstance``: an instance holds one task of the service."""
    schedule: str | None = field(default=None, metadata=OPTIONAL)
    """``cron(...)``, ``rate(...)`` or ``at(...)``: a batch job. ``desired_tasks`` start at these times; there is no service."""
    schedule_time_zone: str = field(default="UTC", metadata=OPTIONAL)
    is_schedule_enabled: bool = field(default=True, metadata=OPTIONAL)
    """False: nobody stated when the job runs, so its schedule stands in and starts nothing."""

    def __post_init__(self) -> None:
        # What of GPUs a task has is what its containers are given.
        gpus = sum(container.gpus for container in self.containers) if self.containers else self.task.gpus
        object.__setattr__(self, "task", replace(self.task, gpus=gpus))

    @property
    def is_windows(self) -> bool:
        return is_windows(self.operating_system)

    @property
    def gpus(self) -> int:
        """Of each task."""
        return self.task.gpus

    @property
    def strategy_items(self) -> tuple[StrategyItem, ...]:
        """The strategy, also where it is one provider alone."""
        return self.strategy or (StrategyItem(capacity_provider=self.capacity_provider),)

    def containers_of(self, name: str) -> tuple[Container, ...]:
        """The containers of the service called ``name``: those given, or the one that ``image`` and ``port`` describe."""
        if self.containers:
            return self.containers
        ports = () if self.port is None else (PortMapping(container_port=self.port),)
        return (Container(name=name, image=self.image, ports=ports, gpus=self.task.gpus),)

    def balanced_container(self, name: str) -> Container:
        """The container that the load balancer sends to: the first that listens on ``port``."""
        mapped = (c for c in self.containers_of(name) if any(p.container_port == self.port for p in c.ports))
        return next(mapped)
