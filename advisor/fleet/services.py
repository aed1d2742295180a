"""The services of a workload in a fleet: their shares of its costs, and what would change for each."""

import math
from collections.abc import Mapping, Sequence

from advisor.billing import Bill
from advisor.ecs import Architecture, LaunchType, PurchaseOption, TaskSize
from advisor.fleet.records import ServiceRecord
from advisor.optimize.held import UNUSED_PARTS
from advisor.optimize.present import present_name
from advisor.plan import Plan
from advisor.recommend import Alternative, Recommendation
from advisor.sources.places import listed
from advisor.workload import Service, Workload

EFFORT_OF_INSTANCES = 3
"""To move tasks onto instances: a capacity provider, an Auto Scaling group, images to patch."""
EFFORT_OF_FARGATE = 2
"""To move tasks from instances to Fargate."""
EFFORT_OF_ARCHITECTURE = 2
"""To build and test an image for another architecture."""
EFFORT_OF_SETTING = 1
"""To change a size, a capacity provider strategy, instance types, or how many run."""
_CENT = 0.01


def service_records(workload: Workload, found: Recommendation, fargate: Alternative | None) -> tuple[ServiceRecord, ...]:
    """In the order of the workload."""
    plan = found.recommended.plan
    weights = _weights(workload, found)
    best_usd = shared_out(found.recommended.bill, _homes(plan), weights)
    fargate_usd = {} if fargate is None else shared_out(fargate.bill, _homes(fargate.plan), weights)
    present = found.present.bill if found.present else None
    now_usd = shared_out(present, _homes_now(workload), weights)
    records = []
    for service, advice in zip(workload.services, found.recommendation.services, strict=True):
        size = TaskSize(
            cpu_units=advice.task_size["cpu"], memory_mib=advice.task_size["memory"], gpus=advice.task_size.get("gpus", 0)
        )
        effort, changes = effort_of(service, advice.launch_type, advice.purchase_option, advice.architecture, size)
        if not changes:
            usd = now_usd.get(service.name), best_usd.get(service.name)
            effort, changes = _effort_of_numbers(workload, advice.instance_types, *usd)
        records.append(
            ServiceRecord(
                name=service.name,
                launch_type=str(advice.launch_type),
                purchase_option=str(advice.purchase_option),
                architecture=str(advice.architecture),
                cpu=advice.task_size["cpu"],
                memory=advice.task_size["memory"],
                instance_types=advice.instance_types,
                now_usd=now_usd.get(service.name),
                fargate_usd=fargate_usd.get(service.name),
                best_usd=best_usd.get(service.name),
                effort=effort,
                changes=changes,
            )
        )
    return tuple(records)


def _weights(workload: Workload, found: Recommendation) -> dict[str, float]:
    """By which services share the cost of instances: half by the vCPU that their tasks reserve over a month, half by memory."""
    hours = {view.name: math.fsum(float(n) * h for n, h in view.task_hours.items()) for view in found.views.services}
    vcpu = {service.name: hours.get(service.name, 0.0) * service.task.vcpu for service in workload.services}
    gib = {service.name: hours.get(service.name, 0.0) * service.task.memory_gib for service in workload.services}
    all_vcpu, all_gib = math.fsum(vcpu.values()), math.fsum(gib.values())
    if not all_vcpu or not all_gib:
        return dict.fromkeys(vcpu, 1.0)
    return {name: vcpu[name] / all_vcpu / 2 + gib[name] / all_gib / 2 for name in vcpu}


def _homes(plan: Plan | None) -> dict[str, list[str]]:
    """Services of each capacity provider with instances."""
    homes: dict[str, list[str]] = {}
    for name, service in plan.services.items() if plan else ():
        if service.launch_type is not LaunchType.FARGATE:
            homes.setdefault(service.capacity_provider, []).append(name)
    return homes


def _homes_now(workload: Workload) -> dict[str, list[str]]:
    """Services that run on the instances of today: those that do not run on Fargate, or all where every one does."""
    if workload.present is None:
        return {}
    today = workload.present
    homes: dict[str, list[str]] = {}
    for is_windows, counts in ((False, today.instances), (True, today.windows_instances)):
        alike = [s for s in workload.services if s.is_windows is is_windows]
        names = [s.name for s in alike if s.present is None or s.present.launch_type is not LaunchType.FARGATE]
        homes |= {present_name(each, is_windows=is_windows): names or [s.name for s in alike] for each in counts}
    return homes


def shared_out(bill: Bill | None, homes: Mapping[str, Sequence[str]], weights: Mapping[str, float]) -> dict[str, float]:
    """Dollars of each service: they add up to the bill.

    A line of instances is shared by those that run on them, what is not used of held commitments by all, and any other belongs
    to its service.

    Parameters
    ----------
    homes
        Services by capacity provider.
    weights
        Of all services, by name: the share of each in what is shared.
    """
    usd: dict[str, list[float]] = {}
    for item in bill.line_items if bill else ():
        names = list(weights) if item.part in UNUSED_PARTS else homes.get(item.part, [item.part])
        whole = math.fsum(weights.get(name, 0.0) for name in names)
        for name in names:
            share = weights.get(name, 0.0) / whole if whole else 1 / len(names)
            usd.setdefault(name, []).append(item.amount_usd * share)
    return {name: math.fsum(amounts) for name, amounts in usd.items()}


def _effort_of_numbers(
    workload: Workload, instance_types: Sequence[str], now_usd: float | None, best_usd: float | None
) -> tuple[int, tuple[str, ...]]:
    """Of a service that stays where it is: other instance types, or another number of tasks or instances."""
    if now_usd is None or best_usd is None or abs(now_usd - best_usd) < _CENT:
        return 0, ()
    today = workload.present if instance_types else None
    types_now = (*today.instances, *today.windows_instances) if today else ()
    if set(types_now) != set(instance_types):
        return EFFORT_OF_SETTING, (f"{listed(types_now)} to {listed(instance_types)}",)
    return EFFORT_OF_SETTING, ("how many tasks or instances run",)


def effort_of(
    service: Service, launch_type: LaunchType, option: PurchaseOption, architecture: Architecture, size: TaskSize
) -> tuple[int, tuple[str, ...]]:
    """Points and words for what would change against today, or against Fargate on demand where today is not stated."""
    present = service.present
    now_type = present.launch_type if present else LaunchType.FARGATE
    now_option = present.purchase_option if present else PurchaseOption.ON_DEMAND
    now_architecture = present.architecture if present else service.architectures[0]
    changes: list[tuple[int, str]] = []
    if launch_type is not now_type:
        points = EFFORT_OF_FARGATE if launch_type is LaunchType.FARGATE else EFFORT_OF_INSTANCES
        changes.append((points, f"{now_type} to {launch_type}"))
    if option is not now_option:
        changes.append((EFFORT_OF_SETTING, f"{now_option} to {option}"))
    if architecture is not now_architecture:
        changes.append((EFFORT_OF_ARCHITECTURE, f"{now_architecture} to {architecture}"))
    if size != service.task:
        changes.append((EFFORT_OF_SETTING, f"{service.task} to {size}"))
    return sum(points for points, _ in changes), tuple(words for _, words in changes)
