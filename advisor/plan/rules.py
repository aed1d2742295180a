"""What ECS refuses of a plan, written from its rules."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from advisor.ecs import (
    FARGATE_INCLUDED_STORAGE_GIB,
    FARGATE_MAX_STORAGE_GIB,
    FARGATE_SIZES,
    FARGATE_WINDOWS,
    FARGATE_WINDOWS_SIZES,
    LINUX,
    NETWORK_MODES,
    WINDOWS,
    Architecture,
    LaunchType,
    NetworkMode,
    PurchaseOption,
)
from advisor.errors import PlanError
from advisor.plan.container import Container, PortMapping, Start
from advisor.plan.names import MAX_PORT, MAX_TASKS, check_schedule
from advisor.plan.placement import host_ports_in, kept_by_instances
from advisor.plan.scaling import ScalingMetric
from advisor.plan.service import CapacityProvider, ServicePlan

_LOG_RETENTION_DAYS: Final = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
MIN_TASK_CPU_UNITS: Final = 128
"""Of a task definition; a container may ask for less."""
_MAX_TASKS_CONNECTED: Final = 1_000
"""With Service Connect."""
MAX_TASKS_A_RUN: Final = 10
"""Of one RunTask."""


def _check_not_disabled(name: str, service: ServicePlan) -> None:
    if not service.is_schedule_enabled and service.schedule is None:
        raise PlanError(f"service {name!r}: has no schedule that could be disabled")


def check_service(name: str, service: ServicePlan, providers: Mapping[str, CapacityProvider]) -> None:
    """Raises :class:`PlanError` where ECS would refuse a service of a plan."""
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
    if service.network_mode not in (taken := NETWORK_MODES[service.launch_type]):
        raise PlanError(f"service {name!r}: {service.launch_type} needs network mode {' or '.join(taken)}")
    if service.has_distinct_instances and (service.launch_type is LaunchType.FARGATE or service.schedule is not None):
        raise PlanError(f"service {name!r}: only a service on instances has distinct ones")
    ports = [port for each in service.containers for port in each.ports]
    if service.port is not None:
        ports.append(PortMapping(container_port=service.port))
    if kept := kept_by_instances(host_ports_in(service.network_mode, ports)):
        raise PlanError(f"service {name!r}: an instance keeps the port {', '.join(map(str, kept))} for itself")
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
        if family != LINUX:
            raise PlanError(f"service {name!r}: operating system {family!r} is not one that ECS has")
    elif service.launch_type is LaunchType.MANAGED_INSTANCES:
        raise PlanError(f"service {name!r}: Managed Instances run Linux only")
    elif family not in (FARGATE_WINDOWS if service.launch_type is LaunchType.FARGATE else WINDOWS):
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
    if service.is_windows and service.task not in FARGATE_WINDOWS_SIZES:
        raise PlanError(f"service {name!r}: Windows on Fargate runs with 1, 2 or 4 vCPU, not {service.task}")
    if service.is_windows and service.purchase_option is PurchaseOption.SPOT:
        raise PlanError(f"service {name!r}: Fargate Spot does not run Windows")


def _check_scaling(name: str, service: ServicePlan) -> None:
    if (service.scaling_target is None) != (service.scaling_metric is ScalingMetric.NONE):
        raise PlanError(f"service {name!r}: a scaling policy needs a metric and a target")
    most = _MAX_TASKS_CONNECTED if service.service_connect else MAX_TASKS
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
    is_fixed = service.min_tasks == service.max_tasks and not service.scheduled_actions
    if service.step_policies and service.scaling_metric is ScalingMetric.NONE and is_fixed:
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
    if connect.client_port is not None and not 0 < connect.client_port <= MAX_PORT:
        raise PlanError(f"service {name!r}: Service Connect: port {connect.client_port} is not 1 to {MAX_PORT}")


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
    # Of one network: with bridge each container has its own.
    shared = [] if service.network_mode == NetworkMode.BRIDGE else ports
    _check_unique(name, "ports", (f"{port.container_port}/{port.protocol}" for port in shared))
    _check_unique(name, "port names", (port.name for port in ports if port.name is not None))
    if service.port is not None and not any((port.container_port, port.protocol) == (service.port, "tcp") for port in ports):
        raise PlanError(f"{where}: the load balancer sends to port {service.port}, which no container maps")
    if ports and service.network_mode == "none":
        raise PlanError(f"{where}: network mode none has no ports")
    if service.network_mode != NetworkMode.BRIDGE and any(port.host_port for port in ports):
        raise PlanError(f"{where}: host ports are of network mode bridge, not {service.network_mode}")
    fixed = host_ports_in(service.network_mode, ports)
    if service.network_mode == NetworkMode.BRIDGE and len(fixed) < sum(port.host_port > 0 for port in ports):
        raise PlanError(f"{where}: a host port is mapped twice")
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
    check_schedule(where, service.schedule or "", service.schedule_time_zone)
    if not 1 <= service.desired_tasks <= MAX_TASKS_A_RUN:
        raise PlanError(f"{where}: a scheduled run starts 1 to {MAX_TASKS_A_RUN} tasks, got {service.desired_tasks}")
    scales = service.scaling_metric is not ScalingMetric.NONE or service.scheduled_actions or service.step_policies
    if not service.min_tasks == service.max_tasks == service.desired_tasks:
        raise PlanError(
            f"{where}: a scheduled run starts the same number of tasks each time: min, desired and max are one number"
        )
    if service.port is not None or service.service_connect or scales:
        raise PlanError(f"{where}: a scheduled task has no load balancer, no Service Connect and no scaling")


def check_half(name: str, service: ServicePlan, services: Mapping[str, ServicePlan]) -> None:
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
