"""What one more task of a service costs on Fargate, and one more instance: the two cost models side by side."""

from collections.abc import Sequence

import numpy as np

from advisor.billing import amounts_usd, total_usd
from advisor.ecs import LaunchType, PurchaseOption, TaskSize
from advisor.meters import Meter, Usage
from advisor.optimize.alternatives import Alternatives
from advisor.optimize.loads import ServiceLoad
from advisor.optimize.parts import Part
from advisor.optimize.pricing import price_parts
from advisor.optimize.search import Search
from advisor.plan import ServicePlan
from advisor.recommend.result import Stairs
from advisor.simulate.fargate import fargate_quantities
from advisor.simulate.instances import most_tasks
from advisor.units import FloatArray


def stairs_of(load: ServiceLoad, found: Alternatives, search: Search) -> Stairs:
    """Of a service alone, with its cheapest on-demand plan of each launch type."""
    name = load.service.name
    fargate = _own_part(load, LaunchType.FARGATE, found, search)
    ec2 = _own_part(load, LaunchType.EC2, found, search)
    task_usd, fargate_title = None, "Fargate"
    if fargate is not None:
        plan = fargate.services[name]
        task_usd, fargate_title = _task_hour_usd(plan.task, plan, fargate.meters, search), f"Fargate {plan.architecture}"
    if ec2 is None:
        return Stairs(
            fargate_usd_per_task_hour=task_usd, fargate_title=fargate_title, instance_type=None,
            usd_per_instance_hour=None, tasks_per_instance=None, zones=search.constraints.zones,
        )  # fmt: skip
    (type_name,) = ec2.provider.instance_types
    (offered,) = search.candidates.capacity_of(ec2.provider, is_windows=ec2.is_windows)
    return Stairs(
        fargate_usd_per_task_hour=task_usd,
        fargate_title=fargate_title,
        instance_type=type_name,
        usd_per_instance_hour=_instance_hour_usd(ec2, load.hours, search),
        tasks_per_instance=int(most_tasks(load.service, load.run.size, LaunchType.EC2, offered)),
        zones=search.constraints.zones,
    )


def rounding_fraction(load: ServiceLoad, found: Alternatives, search: Search) -> float | None:
    """Share of a task's cost on Fargate that rounding its declared size up to the grid adds."""
    part = _own_part(load, LaunchType.FARGATE, found, search, is_declared=True)
    if part is None:
        return None
    plan, declared = part.services[load.service.name], load.service.task
    if not declared.fits_in(plan.task):
        return None
    exact_usd, rounded_usd = (
        _task_hour_usd(declared, plan, part.meters, search),
        _task_hour_usd(plan.task, plan, part.meters, search),
    )
    return None if exact_usd is None or not rounded_usd else 1.0 - exact_usd / rounded_usd


def _own_part(
    load: ServiceLoad, launch_type: LaunchType, found: Alternatives, search: Search, *, is_declared: bool = False
) -> Part | None:
    """The cheapest on-demand part of a service alone; ``is_declared``: not in another size for its own sake."""
    choices = [c for c in found.by_service[load.service.name] if c.parts and not (is_declared and c.is_right_sized)]
    parts = [choice.parts[0] for choice in choices]
    eligible = [
        part
        for part in parts
        if part.provider.launch_type is launch_type and part.provider.purchase_option is PurchaseOption.ON_DEMAND
    ]
    priced = [(price_parts([part], load.hours, search.catalog, search.region).monthly_usd, part) for part in eligible]
    return min(((usd.high, i, part) for i, (usd, part) in enumerate(priced) if usd), default=(0, 0, None))[2]


def _instance_hour_usd(part: Part, hours: FloatArray, search: Search) -> float | None:
    """What one instance costs for an hour, with its root volume and, of burstable types, its mean surplus credits."""
    totals = Usage(meters=part.meters, quantity_per_hour=part.quantity_per_hour, hours=hours).totals
    return _usd(totals / totals[0], part.meters, search) if totals[0] > 0 else None


def _task_hour_usd(size: TaskSize, plan: ServicePlan, meters: Sequence[Meter], search: Search) -> float | None:
    """What one task of a size costs for an hour on Fargate."""
    quantity = fargate_quantities(
        np.ones(1),
        size,
        ephemeral_storage_gib=plan.ephemeral_storage_gib,
        has_public_ip=plan.has_public_ip,
        operating_system=plan.operating_system,
    )
    return _usd(quantity[:, 0], meters, search)


def _usd(quantity: FloatArray, meters: Sequence[Meter], search: Search) -> float | None:
    usd = float(total_usd(amounts_usd(quantity, search.catalog.rates_usd(meters, search.region))))
    return None if np.isnan(usd) else usd
