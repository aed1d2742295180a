"""What runs today, as parts that can be billed like any alternative."""

from collections.abc import Mapping, Sequence

import numpy as np

from advisor.ecs import Architecture, InstanceType, LaunchType, PlacementStrategy, PurchaseOption, fargate_grid
from advisor.meters import GP3_GIB_MONTH, Meter, instance_hour, windows_instance_hour
from advisor.optimize.candidates import instance_capacity
from advisor.optimize.loads import ServiceLoad
from advisor.optimize.parts import Part, fargate_part
from advisor.optimize.providers import provider_name
from advisor.optimize.search import Search
from advisor.plan import CapacityProvider
from advisor.simulate.instances import ROOT_VOLUME_GIB, WINDOWS_ROOT_VOLUME_GIB, root_volume_gib, root_volume_gib_months
from advisor.simulate.scaling import RunningTasks
from advisor.simulate.timeline import Timeline
from advisor.units import BoolArray, FloatArray
from advisor.workload import Service, Workload


def present_parts(workload: Workload, loads: tuple[ServiceLoad, ...], search: Search) -> tuple[list[Part], tuple[str, ...]]:
    """Parts that run today, and what is not known about them.

    Tasks on Fargate are those that were measured, or the desired count; instances are the stated ones, all month.
    """
    parts: list[Part] = []
    unknown: list[str] = []
    for row, load in enumerate(loads):
        present, today = load.service.present, workload.present
        stated = "present.windows_instances" if load.service.is_windows else "present.instances"
        has_hosts = today is not None and bool(today.windows_instances if load.service.is_windows else today.instances)
        if present is None:
            if today is None:
                unknown.append(f"services.{load.service.name}.present")
            elif not has_hosts:
                unknown.append(stated)
        elif present.launch_type is LaunchType.FARGATE:
            ran = workload.ran(row)
            if ran is None:
                unknown.append(f"services.{load.service.name}.present.desired_count")
            elif load.service.task not in fargate_grid(load.service.operating_system):
                unknown.append(f"a Fargate task size for {load.service.name}")
            else:
                run = _as_run(load, np.asarray(search.axis.spread(ran)))
                parts.append(fargate_part(run, present.architecture, present.purchase_option, search.axis, zones=1))
        elif not has_hosts:
            unknown.append(stated)
    if workload.present is not None:
        for is_windows, counts in ((False, workload.present.instances), (True, workload.present.windows_instances)):
            on_instances = [
                load.service
                for load in loads
                if load.service.is_windows is is_windows
                and load.service.present is not None
                and load.service.present.launch_type is not LaunchType.FARGATE
            ]
            parts += _instances_today(counts, workload.present.purchase_option, on_instances, search, is_windows=is_windows)
    return parts, tuple(dict.fromkeys(unknown))


def hours_known(parts: Sequence[Part], measured: BoolArray, axis: Timeline) -> FloatArray:
    """(steps,): hours of a month, over the steps in which the load is known and so is what ran."""
    ran = [~np.isnan(part.quantity_per_hour).any(axis=0) for part in parts]
    return axis.month_hours(np.all([measured, *ran], axis=0))


def has_present(workload: Workload) -> bool:
    """Whether the workload says anything about today."""
    return workload.present is not None or any(service.present is not None for service in workload.services)


def _as_run(load: ServiceLoad, tasks: FloatArray) -> RunningTasks:
    return RunningTasks(
        service=load.service,
        size=load.service.task,
        tasks=tasks,
        unmet=np.zeros_like(tasks),
        target_cpu_fraction=load.run.target_cpu_fraction,
        min_tasks=0,
        cpu_units=load.run.cpu_units,
        fargate_tasks=load.run.fargate_tasks,
    )


def _instances_today(
    counts: Mapping[str, int], option: PurchaseOption, services: Sequence[Service], search: Search, *, is_windows: bool
) -> list[Part]:
    parts = []
    for name, count in counts.items():
        running = np.full(search.axis.n_steps, float(count))
        hour = windows_instance_hour if is_windows else instance_hour
        meters: tuple[Meter, ...] = (hour(name, option), GP3_GIB_MONTH)
        provider = CapacityProvider(
            name=present_name(name, is_windows=is_windows),
            launch_type=LaunchType.EC2,
            purchase_option=option,
            instance_types=(name,),
            architecture=_architecture(name, search),
            placement=PlacementStrategy.DEFAULT_SPREAD,
            max_instances=count,
            root_volume_gib=_root_volume_gib(name, services, search, is_windows=is_windows),
        )
        parts.append(
            Part(
                provider=provider,
                services={},
                meters=meters,
                quantity_per_hour=np.stack([running, root_volume_gib_months(running, provider.root_volume_gib)]),
                unmet_tasks=np.zeros_like(running),
                tasks=np.zeros((0, running.size)),
            )
        )
    return parts


def present_name(instance_type: str, *, is_windows: bool = False) -> str:
    """What bills call the instances of a type that run today."""
    return provider_name(f"present-{'windows-' if is_windows else ''}{instance_type}")


def _architecture(instance_type: str, search: Search) -> Architecture:
    known = _type_of(instance_type, search)
    return Architecture.X86_64 if known is None else known.architectures[0]


def _root_volume_gib(instance_type: str, services: Sequence[Service], search: Search, *, is_windows: bool) -> int:
    """As an instance of any plan would have it that runs tasks of these services."""
    known, candidates = _type_of(instance_type, search), search.candidates
    if known is None or not services:
        return WINDOWS_ROOT_VOLUME_GIB if is_windows else ROOT_VOLUME_GIB
    host = known.on_windows() if is_windows else known
    offered = instance_capacity(host, LaunchType.EC2, search.constraints, candidates.daemons, candidates.services)
    return int(root_volume_gib([(service, service.task) for service in services], LaunchType.EC2, offered))


def _type_of(name: str, search: Search) -> InstanceType | None:
    return next((known for known in search.catalog.instance_types(search.region) if known.name == name), None)
