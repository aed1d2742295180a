"""Plans: complete choices that ECS accepts. A plan that ECS would refuse cannot be made."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

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


class ScalingMetric(StrEnum):
    """What the target tracking policy of a service follows."""

    NONE = "none"
    """No policy: the task count was given and is kept."""
    CPU = "cpu"
    """ECSServiceAverageCPUUtilization, target in percent."""
    REQUESTS = "requests"
    """ALBRequestCountPerTarget, target in requests per task and minute."""


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
    """CPU percent, or requests per task and minute; None without a policy."""
    image: str | None = None
    """None: to be filled in before the deployment."""
    port: int | None = None
    """Load balanced when set."""
    ephemeral_storage_gib: int = FARGATE_INCLUDED_STORAGE_GIB
    has_public_ip: bool = False
    network_mode: str = "awsvpc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A launch choice for services of one cluster, and the capacity providers behind it."""

    cluster: str
    region: str
    services: Mapping[str, ServicePlan]
    capacity_providers: Mapping[str, CapacityProvider]

    def __post_init__(self) -> None:
        for name, service in self.services.items():
            _check_service(name, service, self.capacity_providers)
        unused = set(self.capacity_providers) - {s.capacity_provider for s in self.services.values()}
        if unused:
            raise PlanError(f"capacity providers that no service uses: {', '.join(sorted(unused))}")


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
    if service.launch_type is LaunchType.FARGATE:
        _check_fargate(name, service)
    if service.network_mode != "awsvpc" and service.launch_type is not LaunchType.EC2:
        raise PlanError(f"service {name!r}: {service.launch_type} needs network mode awsvpc")
    if (service.scaling_target is None) != (service.scaling_metric is ScalingMetric.NONE):
        raise PlanError(f"service {name!r}: a scaling policy needs a metric and a target")
    if not 0 <= service.min_tasks <= service.max_tasks:
        raise PlanError(f"service {name!r}: needs 0 <= min <= max tasks, got {service.min_tasks} and {service.max_tasks}")


def _check_fargate(name: str, service: ServicePlan) -> None:
    if service.task not in FARGATE_SIZES:
        raise PlanError(f"service {name!r}: Fargate has no task size {service.task}")
    if not FARGATE_INCLUDED_STORAGE_GIB <= service.ephemeral_storage_gib <= FARGATE_MAX_STORAGE_GIB:
        raise PlanError(f"service {name!r}: Fargate's ephemeral storage is 20 to 200 GiB, got {service.ephemeral_storage_gib}")
