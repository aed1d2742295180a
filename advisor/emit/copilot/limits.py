"""What Copilot cannot express. Each refusal gives the reason; nothing is left out in silence.

Checked against Copilot 1.34.1 where it renders a manifest, and against its documentation where only a deployment would show it.
"""

import re
from collections.abc import Iterable
from typing import Final

import yaml

from advisor.ecs import LaunchType, PurchaseOption
from advisor.errors import PlanError
from advisor.plan import Container, ContainerInsights, Plan, ServicePlan

SCRATCH: Final = "scratch-"
"""Volume of a container's /tmp, before its number."""
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)
_MAX_ROLE_NAME: Final = 64
_ROLE_SUFFIX: Final = "-CFNExecutionRole"
"""The longest that Copilot puts after application and environment in the name of a role."""
_MAX_STACK_NAME: Final = 128
_MAX_POLICY_NAME: Final = 128
_POLICY_SUFFIX: Final = "SecretsPolicy"
_MAX_STATE_MACHINE_NAME: Final = 80
_VARIABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)
_PATH: Final = re.compile(r"/[A-Za-z0-9_./-]*", re.ASCII)
_IMAGE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*", re.ASCII)
_DYNAMIC_REFERENCE: Final = "{{resolve:"
_MIN_ZONES: Final = 2
_MAX_ZONES: Final = 8
"""As many subnets as fit the addresses that the environment's manifest gives out."""
_ROLLING: Final = {(100, 200): "default", (0, 100): "recreate"}
"""Deployment limits, by minimum and maximum percent."""


def rolling_of(service: ServicePlan) -> str:
    return _ROLLING[service.minimum_healthy_percent, service.maximum_percent]


def limits_of(rolling: str) -> tuple[int, int]:
    return next(limits for limits, name in _ROLLING.items() if name == rolling)


def on_demand_base(plan: Plan, service: ServicePlan) -> int | None:
    """Tasks that run On-Demand before Spot takes the rest; None where no task runs on Spot, 0 where all do.

    Copilot writes Fargate with a base and weight 0 beside Fargate Spot with weight 1, or one of the two alone.
    """
    spot, on_demand = (
        [item for item in service.strategy_items if plan.capacity_providers[item.capacity_provider].purchase_option is option]
        for option in (PurchaseOption.SPOT, PurchaseOption.ON_DEMAND)
    )
    if not any(item.weight or item.base for item in spot):
        return None
    base = sum(item.base for item in on_demand)
    if any(item.weight for item in on_demand):
        raise PlanError("a mix of Fargate and Fargate Spot is a number of tasks On-Demand and all further ones on Spot")
    return base


def check_copilot(plan: Plan, environment: str, workers: Iterable[str]) -> None:
    """Raise `PlanError` for what Copilot cannot express or would get wrong, with the service and the reason."""
    _check_name("application", plan.cluster)
    _check_name("environment", environment)
    names = plan.cluster, environment
    longest = len("-".join(names)) + len(_ROLE_SUFFIX)
    if longest > _MAX_ROLE_NAME:
        raise PlanError(
            f"copilot: application {plan.cluster!r} and environment {environment!r} make names of IAM roles of {longest}"
            f" characters, AWS allows {_MAX_ROLE_NAME}"
        )
    if plan.container_insights is ContainerInsights.ENHANCED:
        raise PlanError("copilot: an environment knows Container Insights as on or off, not as enhanced")
    _check_zones(plan)
    for worker in workers:
        if worker not in plan.services:
            raise PlanError(f"copilot: the plan has no service {worker!r} to make a Worker Service of")
        if plan.services[worker].port is not None or plan.services[worker].schedule is not None:
            raise PlanError(f"copilot: {worker!r} has a load balancer or a schedule, a Worker Service takes from a queue")
    for name, service in plan.services.items():
        try:
            _check_service(plan, name, service, environment)
        except PlanError as error:
            raise PlanError(f"copilot cannot express service {name!r}: {error}") from error


def _check_name(kind: str, name: str) -> None:
    if not _NAME.fullmatch(name) or not 2 <= len(name) <= 255:
        raise PlanError(
            f"copilot: {kind} name {name!r} needs 2 to 255 lower-case letters, digits and single hyphens, a letter first. "
            "Rename it in the plan"
        )


def _check_zones(plan: Plan) -> None:
    zones = {provider.zones for provider in plan.capacity_providers.values() if provider.launch_type is LaunchType.FARGATE}
    if len(zones) > 1:
        raise PlanError(f"copilot: an environment has one set of zones, the services want {sorted(zones)}")
    if zones and not _MIN_ZONES <= min(zones) <= _MAX_ZONES:
        raise PlanError(f"copilot: an environment spans {_MIN_ZONES} to {_MAX_ZONES} zones, the plan wants {min(zones)}")


def _check_service(plan: Plan, name: str, service: ServicePlan, environment: str) -> None:
    _check_name("service", name)
    stack = f"{plan.cluster}-{environment}-{name}"
    longest = len(stack), len(stack) + len(_POLICY_SUFFIX)
    if longest[0] > _MAX_STACK_NAME or longest[1] > _MAX_POLICY_NAME:
        raise PlanError(f"its names of stacks and IAM policies have {longest[1]} characters, AWS allows {_MAX_POLICY_NAME}")
    if service.launch_type is LaunchType.EC2:
        raise PlanError("Copilot runs tasks on Fargate only, not on EC2 instances, so without placement, daemons or GPUs")
    if service.launch_type is LaunchType.MANAGED_INSTANCES:
        raise PlanError("Copilot runs tasks on Fargate only, not on ECS Managed Instances, so without instance types or GPUs")
    base = on_demand_base(plan, service)
    if service.schedule is not None:
        _check_job(stack, service, base)
    else:
        _check_scaling(service, base)
        _check_deployment(service)
    _check_network(service)
    for container in service.containers_of(name):
        _check_container(container)
    _check_main(name, service)
    _check_volumes(name, service)


def _check_job(stack: str, service: ServicePlan, base: int | None) -> None:
    if len(stack) > _MAX_STATE_MACHINE_NAME:
        raise PlanError(f"its state machine would have a name of {len(stack)} characters, AWS allows {_MAX_STATE_MACHINE_NAME}")
    if not service.is_schedule_enabled:
        raise PlanError("nobody stated when it runs: give the workload a schedule, or emit another format")
    if (service.schedule or "").startswith("at("):
        raise PlanError("a Scheduled Job runs by cron(...) or rate(...), not once at(...)")
    if service.schedule_time_zone != "UTC":
        raise PlanError(f"a Scheduled Job runs on UTC, not in {service.schedule_time_zone}")
    if service.desired_tasks != 1:
        raise PlanError(f"a Scheduled Job starts one task, not {service.desired_tasks}")
    if base is not None:
        raise PlanError("a Scheduled Job runs with launch type FARGATE, so not on Spot")


def _check_scaling(service: ServicePlan, base: int | None) -> None:
    if service.scheduled_actions:
        raise PlanError("it has no scheduled scaling")
    if service.step_policies:
        raise PlanError("it has no step scaling")
    if service.metric_resolution_s != 60:
        raise PlanError(f"it scales on metrics of 60 s, not of {service.metric_resolution_s} s")
    target = service.scaling_target
    if target is None:
        if base:
            raise PlanError("a fixed count runs On-Demand or on Spot, not on a mix")
        return
    if base and service.min_tasks > base + 1:
        raise PlanError(
            f"with at least {service.min_tasks} tasks it would put all of them on Spot, also the first {base}, which are to run"
            f" On-Demand: the minimum can be at most {base + 1}"
        )
    if target != int(target):
        raise PlanError(f"it takes whole numbers as scaling targets and would cut {target:g} to {int(target)}")


def _check_deployment(service: ServicePlan) -> None:
    limits = service.minimum_healthy_percent, service.maximum_percent
    if limits not in _ROLLING:
        raise PlanError(f"a deployment keeps 100 to 200 percent of the tasks, or 0 to 100, not {limits[0]} to {limits[1]}")
    if not service.has_circuit_breaker:
        raise PlanError("its deployments always have a circuit breaker that rolls back")
    if not service.has_zone_rebalancing:
        raise PlanError("it leaves Availability Zone rebalancing at AWS's default, on")
    if service.shares_target_group_of is not None:
        raise PlanError(f"it cannot share the target group of {service.shares_target_group_of!r}")


def _check_network(service: ServicePlan) -> None:
    if service.service_connect is not None:
        raise PlanError("its Service Connect has a namespace of the environment's own, not one that exists")


def _check_container(container: Container) -> None:
    where = f"container {container.name!r}"
    if container.image is not None and not _IMAGE.fullmatch(container.image):
        raise PlanError(f"{where}: image {container.image!r} is not of the form repository-url/image:tag or image@digest")
    if len(container.ports) > 1:
        raise PlanError(f"{where} has {len(container.ports)} ports, it maps one")
    if any(port.name is not None for port in container.ports):
        raise PlanError(f"{where}: it gives ports names of its own")
    for variable in (*container.environment, *container.secrets):
        if not _VARIABLE_NAME.fullmatch(variable) or not isinstance(yaml.safe_load(variable), str):
            raise PlanError(f"{where}: it writes the name of variable {variable!r} unquoted into a template, which breaks it")
    health = container.health_check.command if container.health_check else ()
    for text in (*container.environment.values(), *container.command, *health):
        if _DYNAMIC_REFERENCE in text:
            raise PlanError(f"{where}: CloudFormation would look up {text!r}, and has no way to write it as text")


def _check_main(name: str, service: ServicePlan) -> None:
    """The first container, or the one that the load balancer sends to, is the one that Copilot calls like the service."""
    main = main_container(name, service)
    if not main.is_essential:
        raise PlanError(f"container {main.name!r} is the main one, which is always essential")
    if any(port.protocol != "tcp" for port in main.ports):
        raise PlanError(f"container {main.name!r} is the main one, whose port is tcp")
    if main.name != name and name in {container.name for container in service.containers}:
        raise PlanError(f"container {main.name!r} would be called {name!r}, as another one is")
    if service.schedule is not None and main.ports:
        raise PlanError("a Scheduled Job has no port")


def main_container(name: str, service: ServicePlan) -> Container:
    containers = service.containers_of(name)
    if service.port is not None:
        return service.balanced_container(name)
    named = [container for container in containers if container.name == name]
    return (named or [container for container in containers if container.is_essential])[0]


def _check_volumes(name: str, service: ServicePlan) -> None:
    main = main_container(name, service)
    mounted = [mount.volume for mount in main.mount_points]
    for volume in service.volumes:
        if volume.name.startswith(SCRATCH):
            raise PlanError(f"volume {volume.name!r}: names that start with {SCRATCH} are for the /tmp of containers")
        if mounted.count(volume.name) != 1:
            raise PlanError(f"volume {volume.name!r} has to be mounted once by the main container {main.name!r}")
        if not _PATH.fullmatch(volume.root_directory):
            raise PlanError(f"volume {volume.name!r}: its root directory may hold letters, digits, ., _, - and /")
    for container in service.containers_of(name):
        for mount in container.mount_points:
            if not _PATH.fullmatch(mount.path):
                raise PlanError(f"container {container.name!r}: path {mount.path!r} may hold letters, digits, ., _, - and /")
