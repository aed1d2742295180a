"""What cannot be emitted: names that would break a path or a document, and what AWS refuses that a plan does not check."""

import math
import re
from collections.abc import Iterable
from typing import Final

from advisor.ecs import Architecture, LaunchType
from advisor.emit.ecs.placeholders import PLACEHOLDER
from advisor.errors import PlanError
from advisor.plan import CapacityProvider, Container, LoadBalancer, Plan, ScalingMetric, ServicePlan

_ECS_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,254}", re.ASCII)
"""ECS allows up to 255 letters, digits, hyphens and underscores; a leading hyphen would read as an option of a command."""
_REGION: Final = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}", re.ASCII)
_IMAGE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#-]*(@[a-z0-9+._-]+:[0-9a-fA-F]{32,})?", re.ASCII)
_MAX_IMAGE: Final = 255
_INSTANCE_TYPE: Final = re.compile(r"[a-z0-9-]+\.[a-z0-9-]+", re.ASCII)
_RESERVED_PREFIXES: Final = ("aws", "ecs", "fargate")
_MAX_SUBNETS: Final = 16
"""Of one awsvpcConfiguration."""
_MAX_OVERRIDES: Final = 40
"""Instance types of one Auto Scaling group."""
_AMI_GIB: Final = 30
"""The snapshot of the ECS-optimized AMI; EC2 refuses a smaller root volume."""
_WINDOWS_AMI_GIB: Final = 50
_UNWRITABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
"""Control characters, half characters, and line ends that YAML folds."""
_MAX_TASK_CPU_UNITS: Final = 196_608
_MIN_CONTAINER_MIB: Final = 6
_MAX_PORT: Final = 65_535


def check_plan(plan: Plan) -> None:
    """Raise `PlanError` for a plan that would not deploy, or whose names could not become paths."""
    check_region(plan.region)
    _check_names("cluster", [plan.cluster])
    _check_names("service", plan.services)
    _check_names("capacity provider", plan.capacity_providers)
    for name, provider in plan.capacity_providers.items():
        if provider.name != name:
            raise PlanError(f"capacity provider {name!r} calls itself {provider.name!r}")
        _check_provider(provider)
        _check_image_of_instances(plan, provider)
    for name, service in plan.services.items():
        _check_service(name, service)


def check_region(region: str) -> None:
    if not _REGION.fullmatch(region):
        raise PlanError(f"{region!r} is not a name of an AWS Region such as eu-west-1")


def _check_names(kind: str, names: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for name in sorted(names):
        if not _ECS_NAME.fullmatch(name):
            raise PlanError(
                f"{kind} name {name!r}: ECS allows up to 255 letters, digits, hyphens and underscores, no hyphen first"
            )
        twin = seen.setdefault(name.lower(), name)
        if twin != name:
            raise PlanError(f"{kind} names {twin!r} and {name!r} differ only in case: IAM and many disks take them for one")


def _check_provider(provider: CapacityProvider) -> None:
    where = f"capacity provider {provider.name!r}"
    if not 1 <= provider.zones <= _MAX_SUBNETS:
        raise PlanError(f"{where}: needs 1 to {_MAX_SUBNETS} zones, got {provider.zones}")
    if provider.launch_type is LaunchType.FARGATE:
        return
    if provider.max_instances is not None and provider.max_instances < 1:
        raise PlanError(f"{where}: needs room for an instance, got a maximum of {provider.max_instances}")
    if provider.name.lower().startswith(_RESERVED_PREFIXES):
        raise PlanError(f"{where}: ECS reserves names that start with aws, ecs or fargate")
    types = provider.instance_types
    if len(set(types)) < len(types) or len(types) > _MAX_OVERRIDES or not all(map(_INSTANCE_TYPE.fullmatch, types)):
        raise PlanError(f"{where}: needs 1 to {_MAX_OVERRIDES} different EC2 instance types, got {', '.join(map(repr, types))}")
    if provider.launch_type is LaunchType.EC2 and provider.root_volume_gib < _AMI_GIB:
        raise PlanError(f"{where}: the ECS-optimized AMI needs a root volume of {_AMI_GIB} GiB, got {provider.root_volume_gib}")
    if provider.root_volume_gib < 1:
        raise PlanError(f"{where}: needs a volume of at least 1 GiB, got {provider.root_volume_gib}")


def _check_image_of_instances(plan: Plan, provider: CapacityProvider) -> None:
    """There is an ECS-optimized AMI for what the tasks need."""
    services, where = plan.services_on(provider.name), f"capacity provider {provider.name!r}"
    if provider.launch_type is not LaunchType.EC2:
        return
    if provider.architecture is Architecture.ARM64 and any(service.gpus for service in services):
        raise PlanError(f"{where}: there is no ECS-optimized AMI with GPU drivers for ARM64")
    if any(service.is_windows for service in services) and provider.root_volume_gib < _WINDOWS_AMI_GIB:
        raise PlanError(f"{where}: Windows needs a root volume of {_WINDOWS_AMI_GIB} GiB, got {provider.root_volume_gib}")


def _check_service(name: str, service: ServicePlan) -> None:
    where = f"service {name!r}"
    for container in service.containers_of(name):
        _check_container(where, container)
    if service.port is not None and not (0 < service.port <= _MAX_PORT and service.network_mode != "none"):
        raise PlanError(f"{where}: port {service.port} needs to be 1 to {_MAX_PORT}, on a network")
    if service.task.cpu_units > _MAX_TASK_CPU_UNITS or service.task.memory_mib < _MIN_CONTAINER_MIB:
        raise PlanError(f"{where}: ECS has no task size {service.task}")
    if service.desired_tasks < 0:
        raise PlanError(f"{where}: desired tasks must not be below zero, got {service.desired_tasks}")
    _check_scaling(where, service)


def _check_container(where: str, container: Container) -> None:
    image = container.image
    if image is not None and not (len(image) <= _MAX_IMAGE and _IMAGE.fullmatch(image)):
        raise PlanError(f"{where}: image {image!r} is not of the form repository-url/image:tag or image@digest")
    check = container.health_check
    texts = [*container.command, *container.environment, *container.environment.values(), *(check.command if check else ())]
    texts += [*container.secrets, *container.secrets.values(), *(mount.path for mount in container.mount_points)]
    for text in texts:
        if _UNWRITABLE.search(text):
            raise PlanError(f"{where}: {text!r} holds characters that no deploy file can carry")
        if PLACEHOLDER.search(text):
            raise PlanError(f"{where}: {text!r} looks like a placeholder of the deploy files")


def _check_scaling(where: str, service: ServicePlan) -> None:
    target = service.scaling_target
    if target is None:
        return
    if not (math.isfinite(target) and target > 0):
        raise PlanError(f"{where}: a scaling target must be above zero, got {target}")
    if service.scaling_metric is ScalingMetric.REQUESTS and service.port is None:
        raise PlanError(f"{where}: scaling on requests per task needs a load balancer, so a port")
    if service.scaling_metric is ScalingMetric.REQUESTS and service.load_balancer is LoadBalancer.NETWORK:
        raise PlanError(f"{where}: a Network Load Balancer counts no requests to scale on")
    if service.launch_type is LaunchType.FARGATE and service.scaling_metric is not ScalingMetric.REQUESTS and target > 100:
        raise PlanError(f"{where}: a task on Fargate cannot use {target} percent of what it has")
