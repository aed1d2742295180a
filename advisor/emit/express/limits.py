"""What Express Mode cannot express. Each refusal gives the reason; nothing is left out in silence.

Members are those of CreateExpressGatewayService in botocore's service model; what AWS makes beside them is in the ECS Developer
Guide, "Resources created by Amazon ECS Express Mode services", read 2026-11.
"""

from advisor.ecs import DEFAULT_COOLDOWN_S, FARGATE_INCLUDED_STORAGE_GIB, LaunchType, PurchaseOption
from advisor.errors import PlanError
from advisor.plan import Container, LoadBalancer, Plan, ServicePlan


def check_express(plan: Plan) -> None:
    """Raise `PlanError` for what Express Mode cannot express, with the service and the reason."""
    if plan.region.startswith("cn-"):
        raise PlanError("express: not checked in the China Regions, where its endpoints have other names")
    for name, service in plan.services.items():
        try:
            _check_capacity(plan, service)
            _check_service(service)
            _check_scaling(service)
            _check_containers(name, service)
        except PlanError as error:
            raise PlanError(f"express cannot express service {name!r}: {error}") from error


def _check_capacity(plan: Plan, service: ServicePlan) -> None:
    if service.launch_type is LaunchType.EC2:
        raise PlanError("Express Mode runs on Fargate only, not on EC2 instances, so without placement, daemons or GPUs")
    if service.launch_type is LaunchType.MANAGED_INSTANCES:
        raise PlanError("Express Mode runs on Fargate only, not on ECS Managed Instances, so without instance types or GPUs")
    for item in service.strategy_items:
        is_spot = plan.capacity_providers[item.capacity_provider].purchase_option is PurchaseOption.SPOT
        if is_spot and (item.weight or item.base):
            raise PlanError("it runs on Fargate On-Demand: there is no member for a capacity provider strategy, so no Spot")
    if service.is_windows:
        raise PlanError("its operating system is always Linux")


def _check_service(service: ServicePlan) -> None:
    if service.schedule is not None:
        raise PlanError("it is for services behind a load balancer, not for a schedule")
    if service.port is None:
        raise PlanError("it is for services behind a load balancer, this one has no port")
    if service.load_balancer is not LoadBalancer.APPLICATION:
        raise PlanError("its load balancer is always an Application Load Balancer")
    if service.shares_target_group_of is not None:
        raise PlanError(f"it cannot share the target group of {service.shares_target_group_of!r}")
    if service.service_connect is not None:
        raise PlanError("it has no member for Service Connect")
    if (service.minimum_healthy_percent, service.maximum_percent) != (100, 200) or not service.has_circuit_breaker:
        raise PlanError("it deploys by canary with alarms that roll back, and has no member for deployment limits")
    if not service.has_zone_rebalancing:
        raise PlanError("it has no member to turn Availability Zone rebalancing off")
    if service.ephemeral_storage_gib > FARGATE_INCLUDED_STORAGE_GIB:
        raise PlanError(f"it has no member for more than {FARGATE_INCLUDED_STORAGE_GIB} GiB of ephemeral storage")
    if service.volumes:
        raise PlanError("it has no member for volumes")


def _check_scaling(service: ServicePlan) -> None:
    if service.scheduled_actions:
        raise PlanError("it has no scheduled scaling")
    if service.step_policies:
        raise PlanError("it has no step scaling")
    if service.metric_resolution_s != 60:
        raise PlanError(f"it scales on metrics of 60 s, not of {service.metric_resolution_s} s")
    target = service.scaling_target
    if target is None:
        return
    if (service.scale_in_cooldown_s, service.scale_out_cooldown_s) != (DEFAULT_COOLDOWN_S, DEFAULT_COOLDOWN_S):
        raise PlanError(
            f"it has no member for cooldowns, so AWS's {DEFAULT_COOLDOWN_S} s apply, not {service.scale_in_cooldown_s} s in and"
            f" {service.scale_out_cooldown_s} s out"
        )
    if target != int(target):
        raise PlanError(f"its scaling target is a whole number, not {target:g}")


def _check_containers(name: str, service: ServicePlan) -> None:
    containers = service.containers_of(name)
    if len(containers) > 1:
        raise PlanError(f"it runs one container, this service has {len(containers)}")
    container = containers[0]
    missing = [what for what, is_wanted in _unsupported(container).items() if is_wanted]
    if missing:
        raise PlanError(f"it has no member for {', '.join(missing)} of container {container.name!r}")


def _unsupported(container: Container) -> dict[str, bool]:
    return {
        "CPU or memory limits": (container.cpu_units, container.memory_mib, container.memory_reservation_mib)
        != (None, None, None),
        "a health check inside": container.health_check is not None,
        "a second port": len(container.ports) > 1,
        "the name of a port": any(port.name is not None for port in container.ports),
    }
