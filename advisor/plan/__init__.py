"""Plans: complete choices that ECS accepts. A plan that ECS would refuse cannot be made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from advisor.ecs import LaunchType
from advisor.errors import PlanError
from advisor.plan.commitment import REGION_SCOPE, Commitment
from advisor.plan.container import Container, EfsVolume, HealthCheck, MountPoint, PortMapping, Start
from advisor.plan.names import OMIT_DEFAULT, OPTIONAL
from advisor.plan.rules import MAX_TASKS_A_RUN, MIN_TASK_CPU_UNITS, check_half, check_service
from advisor.plan.scaling import AdjustmentType, ScalingMetric, ScheduledAction, Step, StepPolicy
from advisor.plan.service import CapacityProvider, LoadBalancer, ServiceConnect, ServicePlan, StrategyItem
from advisor.plan.terms import NO_TERMS, SAVINGS_PLANS, Terms, terms_of

__all__ = [
    "MAX_TASKS_A_RUN",
    "MIN_TASK_CPU_UNITS",
    "NO_TERMS",
    "OMIT_DEFAULT",
    "OPTIONAL",
    "REGION_SCOPE",
    "SAVINGS_PLANS",
    "AdjustmentType",
    "CapacityProvider",
    "Commitment",
    "Container",
    "ContainerInsights",
    "EfsVolume",
    "HealthCheck",
    "LoadBalancer",
    "MountPoint",
    "Plan",
    "PortMapping",
    "ScalingMetric",
    "ScheduledAction",
    "ServiceConnect",
    "ServicePlan",
    "Start",
    "Step",
    "StepPolicy",
    "StrategyItem",
    "Terms",
    "terms_of",
]


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
    container_insights: ContainerInsights = field(default=ContainerInsights.DISABLED, metadata=OPTIONAL)

    def __post_init__(self) -> None:
        for name, service in self.services.items():
            check_service(name, service, self.capacity_providers)
            check_half(name, service, self.services)
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
