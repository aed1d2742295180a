"""Parts of a choice as one plan."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import count

from advisor.optimize.parts import Part
from advisor.optimize.service_plans import batch_plans
from advisor.plan import CapacityProvider, Plan, ServicePlan
from advisor.workload import Workload


def plan_of(parts: Sequence[Part], workload: Workload) -> Plan:
    """The parts as one plan; two of the same name with different contents are told apart by their service."""
    services: dict[str, ServicePlan] = {}
    providers: dict[str, CapacityProvider] = {}
    for part in parts:
        name = part.name
        if providers.get(name, part.provider) != part.provider:
            name = f"{name}-{next(iter(part.services))}"
        providers[name] = replace(part.provider, name=name)
        if part.base_provider is not None:
            providers[part.base_provider.name] = part.base_provider
        for service, plan in part.services.items():
            services[service] = replace(plan, capacity_provider=name)
    order = [service.name for service in workload.services if service.name in services]
    further = {
        run.service.name: batch_plans(run, part.provider, services[run.service.name].architecture)[1:]
        for part in parts
        for run in part.runs
        if run.service.is_batch
    }
    for batch, plans in further.items():
        for plan in plans:
            name = _free_name(batch, {*services, *(service.name for service in workload.services)})
            first = services[batch]
            services[name] = replace(plan, task=first.task, capacity_provider=first.capacity_provider)
            order.append(name)
    return Plan(
        cluster=workload.cluster,
        region=workload.region,
        services={name: services[name] for name in order},
        capacity_providers=providers,
    )


def _free_name(like: str, taken: Collection[str]) -> str:
    """The next name like another one that is not taken, in the length that ECS allows."""
    return next(name for number in count(2) if (name := f"{like[:240]}-{number}") not in taken)
