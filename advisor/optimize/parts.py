"""Parts of plans: services on one capacity provider, with what they use over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from advisor.ecs import Architecture, InstanceType, LaunchType, PurchaseOption
from advisor.meters import (
    GP3_GIB_MONTH,
    PUBLIC_IPV4_HOUR,
    Meter,
    instance_hour,
    managed_instances_fee_hour,
    surplus_vcpu_hour,
    windows_instance_hour,
)
from advisor.optimize.candidates import Candidates
from advisor.optimize.providers import OnDemandBase, base_of, fargate_provider
from advisor.optimize.service_plans import ServicePlans
from advisor.plan import CapacityProvider, ServicePlan
from advisor.pricing.instance_hours import hour_on
from advisor.simulate.credits import surplus_vcpu
from advisor.simulate.fargate import billed_tasks, fargate_meters, fargate_quantities
from advisor.simulate.instances import reservation, root_volume_gib_months
from advisor.simulate.scaling import RunningTasks
from advisor.simulate.strategy import allocated
from advisor.simulate.timeline import Timeline
from advisor.units import BoolArray, FloatArray, ceil_whole
from advisor.workload import LoadForm

PACKING_RANGE = 0.05
"""One-sided: what ECS's online placement costs more than the packing model where it was not replayed."""
MANAGED_FEE_RANGE = 0.10
"""Relative error of the Managed Instances fee, which is derived from two published examples."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InstancesInUse:
    """Container instances of a part over time."""

    running: FloatArray
    """(steps,): a mean over the pool for Spot; NaN in a gap."""
    packed: FloatArray
    """(steps,): that the tasks fill, before the least number for the zones and the scale-in delay."""
    reserved: FloatArray
    """(3, steps): CPU, memory and network slots that tasks reserve, in instances' worth."""
    is_floor: BoolArray
    """(steps,): the least number of instances for the zones is more than the tasks fill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedWeek:
    """The last week of a replay on instances: the most of each step, services together; None where a load is not known."""

    start: str
    """UTC."""
    step_s: int
    needed: tuple[float | None, ...]
    """Tasks that the load needs at the scaling target, within the bounds."""
    running: tuple[float, ...]
    """Tasks that serve."""
    placed: tuple[float, ...]
    """Tasks on an instance, running or starting."""
    waiting: tuple[float, ...]
    """Tasks that no instance has room for yet."""
    instances: tuple[float, ...]
    """Launched and not ended."""
    active: tuple[float, ...]
    """Instances that take tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentFacts:
    """What the stated deployments of a part's services take, by a replay with them and one without."""

    per_month: float
    """Of all services together."""
    factor: float
    """Instance-hours (on Fargate task-hours) with them over those without; below 1 where they pack instances better."""
    task_factor: float
    """What tasks reserve with them over what they do without."""
    instances_max: int
    """0 on Fargate."""
    instances_max_without: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayFacts:
    """What a replay of the last weeks found for a part."""

    weeks: float
    factor: float
    """Instance-hours (on Fargate task-hours) of the replay over those of the model; the quantities are multiplied by it.

    Those of ``deployments`` are in it.
    """
    waiting_task_hours: float
    """Task-hours a month in PROVISIONING: wanted, and no instance has room yet."""
    hours_above_target: float
    """Service-hours a month in which the scaling metric is above its target."""
    hours_above_full: float
    """Service-hours a month in which the load is more than the running tasks can do."""
    instances_max: int
    """0 on Fargate."""
    instance_hours: float
    """In all of ``weeks``, gaps among them; 0 on Fargate. Without deployments."""
    task_factor: float = 1.0
    """What tasks on instances reserve in the replay over what they do in the model; not set on Fargate."""
    week: ReplayedWeek | None = field(default=None, compare=False)
    """None on Fargate. Without deployments."""
    deployments: DeploymentFacts | None = None
    """None where none are stated."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """Services on one capacity provider and their usage over time."""

    provider: CapacityProvider
    services: Mapping[str, ServicePlan]
    meters: tuple[Meter, ...]
    quantity_per_hour: FloatArray
    """(meters, steps); NaN where a service has a gap."""
    unmet_tasks: FloatArray
    """(steps,): needed beyond the upper bounds of service auto scaling."""
    tasks: FloatArray
    """(services, steps): running."""
    runs: tuple[RunningTasks, ...] = ()
    """What each service runs, in the order of ``services``; empty for instances that are only paid for."""
    on_instances: "InstancesInUse | None" = None
    """None on Fargate."""
    replay: ReplayFacts | None = None
    """None where the part was not replayed."""
    on_demand_base: int = 0
    """On Fargate Spot: tasks that run on demand before Spot takes the rest."""

    @property
    def base_provider(self) -> CapacityProvider | None:
        """Where the base runs."""
        return fargate_provider(PurchaseOption.ON_DEMAND, self.provider.zones) if self.on_demand_base else None

    @property
    def is_windows(self) -> bool:
        """Whether its tasks run Windows; no instance runs both."""
        return any(run.service.is_windows for run in self.runs)

    @property
    def name(self) -> str:
        return self.provider.name


def whole_instances(part: Part) -> FloatArray:
    """(steps,): instances of a part as packed. What a replay found multiplies their hours, and says nothing of one moment."""
    if part.on_instances is None:
        raise ValueError(f"{part.name} has no instances")
    factor = 1.0 if part.replay is None else part.replay.factor
    return ceil_whole(part.on_instances.running / factor) if factor else part.on_instances.running


def peak_instances(part: Part) -> float:
    """The most instances of a part: as packed over the history, or in the weeks that were replayed, whichever is more."""
    replayed = 0 if part.replay is None else part.replay.instances_max
    return float(max(np.nanmax(whole_instances(part), initial=0.0), replayed))


def fargate_part(
    run: RunningTasks,
    architecture: Architecture,
    purchase_option: PurchaseOption,
    axis: Timeline,
    *,
    zones: int,
    on_demand_base: int = 0,
) -> Part:
    """One service on Fargate or Fargate Spot, with the task size that ``run`` was computed for.

    Parameters
    ----------
    on_demand_base
        With Spot: the base of a capacity provider strategy, tasks that run on demand before Spot takes the rest.
    """
    service = run.service
    storage, is_public, system = service.ephemeral_storage_gib, service.has_public_ip, service.operating_system
    billed = billed_tasks(run, axis.step_s)
    provider = fargate_provider(purchase_option, zones)
    meters = fargate_meters(
        architecture, purchase_option, ephemeral_storage_gib=storage, has_public_ip=is_public, operating_system=system
    )
    quantities = fargate_quantities(
        billed, run.size, ephemeral_storage_gib=storage, has_public_ip=is_public, operating_system=system
    )
    if on_demand_base:
        base, rest = allocated(billed, bases=(on_demand_base, 0), weights=(0, 1))
        meters += fargate_meters(architecture, PurchaseOption.ON_DEMAND, ephemeral_storage_gib=0, has_public_ip=False)
        on_demand, on_spot = (
            fargate_quantities(tasks, run.size, ephemeral_storage_gib=0, has_public_ip=False) for tasks in (base, rest)
        )
        quantities = np.concatenate([on_spot, quantities[len(on_spot) :], on_demand])
    return Part(
        provider=provider,
        services=ServicePlans((run,), provider, architecture, on_demand_base=on_demand_base),
        meters=meters,
        quantity_per_hour=quantities,
        unmet_tasks=run.unmet,
        tasks=run.tasks[np.newaxis],
        runs=(run,),
        on_demand_base=on_demand_base,
    )


def least_tasks(run: RunningTasks) -> int:
    """Tasks of a service that always run: its lower bound, or where that moves, and of counts, the fewest; 0 of a batch."""
    if run.service.is_batch:
        return 0
    is_stated = run.service.load_form is not LoadForm.TASKS and not run.scheduled_actions
    return run.min_tasks if is_stated else int(np.nanmin(run.tasks, initial=np.inf))


def instances_part(
    runs: Sequence[RunningTasks],
    types: Sequence[InstanceType],
    instances: FloatArray,
    packed: FloatArray,
    capacity: FloatArray,
    *,
    provider: CapacityProvider,
    step_hours: float,
    work_per_vcpu: float = 1.0,
) -> Part:
    """Services on container instances of one type, or of each type of a Spot pool in equal shares.

    Parameters
    ----------
    runs : services on these instances
    types : the pool; one type unless Spot
    instances : (types, steps)
        Running if the whole cluster were of that type.
    packed : (types, steps)
        Instances that the tasks fill, before the least number for the zones and the scale-in delay.
    capacity : (types, 3)
    work_per_vcpu : work of a vCPU, the same for all types
    """
    share = 1.0 / len(types)
    mean_instances = instances.mean(axis=0)
    meters, rows = _instance_meters(runs, types, instances * share, provider, step_hours, work_per_vcpu)
    meters.append(GP3_GIB_MONTH)
    rows.append(root_volume_gib_months(mean_instances, provider.root_volume_gib))
    if any(run.service.has_public_ip for run in runs):
        meters.append(PUBLIC_IPV4_HOUR)
        rows.append(mean_instances)
    tasks = np.stack([run.tasks for run in runs])
    reserved = np.stack([reservation(run.service, run.size, provider.launch_type) for run in runs]).T.astype(np.float64) @ tasks
    with np.errstate(invalid="ignore"):
        floor_binds = mean_instances > packed.mean(axis=0)
    return Part(
        provider=provider,
        services=ServicePlans(tuple(runs), provider, _architecture(provider), work_per_vcpu=work_per_vcpu),
        meters=tuple(meters),
        quantity_per_hour=np.stack(rows),
        unmet_tasks=np.sum([run.unmet for run in runs], axis=0),
        tasks=tasks,
        runs=tuple(runs),
        on_instances=InstancesInUse(
            running=mean_instances,
            packed=packed.mean(axis=0),
            reserved=reserved / np.maximum(capacity.mean(axis=0), 1)[:, np.newaxis],  # none offered where none is needed
            is_floor=np.asarray(floor_binds & (mean_instances <= provider.zones)),
        ),
    )


def _instance_meters(
    runs: Sequence[RunningTasks],
    types: Sequence[InstanceType],
    instances: FloatArray,
    provider: CapacityProvider,
    step_hours: float,
    work_per_vcpu: float,
) -> tuple[list[Meter], list[FloatArray]]:
    meters: list[Meter] = []
    rows: list[FloatArray] = []
    total, base = instances.sum(axis=0), base_of(provider)
    on_demand = np.minimum(total, provider.on_demand_base)
    if base is not None:
        meters.append(_base_hour(base, is_windows=types[0].is_windows))
        rows.append(on_demand)
    with np.errstate(invalid="ignore"):
        rest = np.where(total > 0, 1 - on_demand / np.where(total > 0, total, 1.0), 1.0)
    for instance_type, count in zip(types, instances, strict=True):
        meters.append(hour_on(instance_type, provider.purchase_option))
        rows.append(count if base is None else count * rest)
        if provider.launch_type is LaunchType.MANAGED_INSTANCES:
            meters.append(managed_instances_fee_hour(instance_type.name))
            rows.append(count)
        if instance_type.baseline_fraction is not None:
            meters.append(surplus_vcpu_hour(instance_type.name))
            cpu_units = _cpu_units(runs) / len(types) / work_per_vcpu
            rows.append(surplus_vcpu(instance_type, cpu_units, count, step_hours=step_hours))
    return meters, rows


def _base_hour(base: OnDemandBase, *, is_windows: bool) -> Meter:
    return (windows_instance_hour if is_windows else instance_hour)(base.instance_type, PurchaseOption.ON_DEMAND)


def times_instances(part: Part, factor: float, candidates: Candidates, *, step_hours: float) -> FloatArray:
    """(meters, steps): quantities with ``factor`` times the instances of a part, or on Fargate the task-hours.

    Surplus credits are worked out anew: the same load on more instances takes fewer. ``candidates`` hold the types.
    """
    quantities = part.quantity_per_hour * factor
    is_windows = part.is_windows
    pool = [
        t for name in part.provider.instance_types for t in candidates.types if t.name == name and t.is_windows is is_windows
    ]
    base = base_of(part.provider)
    if base is not None:  # the base stays what it is
        hourly = {hour_on(t, PurchaseOption.SPOT) for t in pool}
        spot = [row for row, meter in enumerate(part.meters) if meter in hourly]
        fixed = part.meters.index(_base_hour(base, is_windows=part.is_windows))
        total = quantities[[fixed, *spot]].sum(axis=0)
        quantities[fixed] = np.minimum(total, base.instances)
        quantities[spot] = (total - quantities[fixed]) / len(spot)
    work = candidates.work_of(part.provider.instance_types)
    surplus = {surplus_vcpu_hour(t.name) for t in pool}
    rows = [row for row, meter in enumerate(part.meters) if meter in surplus]
    for row, burstable in zip(rows, [t for t in pool if t.baseline_fraction is not None], strict=True):
        count = quantities[part.meters.index(hour_on(burstable, part.provider.purchase_option))]
        cpu_units = _cpu_units(part.runs) / len(pool) / work[burstable.name]
        quantities[row] = surplus_vcpu(burstable, cpu_units, count, step_hours=step_hours)
    return quantities


def _cpu_units(runs: Sequence[RunningTasks]) -> FloatArray:
    """(steps,): in use."""
    return np.asarray(np.sum([run.cpu_units for run in runs if run.cpu_units is not None], axis=0))


def _architecture(provider: CapacityProvider) -> Architecture:
    if provider.architecture is None:
        raise ValueError(f"{provider.name} has no architecture")
    return provider.architecture
