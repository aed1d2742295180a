"""How services run before and after a change, and what a load can say of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

import numpy as np

from advisor.ecs import LaunchType, PurchaseOption
from advisor.errors import InputError
from advisor.gating.result import Setup
from advisor.plan.refused_fields import why_no_windows_as
from advisor.simulate.scaling import RunningTasks
from advisor.units import FloatArray
from advisor.workload import Service, Workload

ON_INSTANCES: Final = (LaunchType.EC2, LaunchType.MANAGED_INSTANCES)


def check_same_services(before: Workload, after: Workload) -> None:
    """Two workloads can be compared when they have the same services, by name.

    Raises
    ------
    InputError
        Naming the service and the near names of the other workload.
    """
    ours, theirs = ([service.name for service in workload.services] for workload in (before, after))
    for name, others, where in [
        *((name, theirs, "after") for name in ours if name not in theirs),
        *((name, ours, "before") for name in theirs if name not in ours),
    ]:
        raise unknown_service(name, others, f"the workload {where} the change")
    if before.region != after.region:
        raise InputError(
            f"the workloads are in {before.region} and {after.region}", fix="Give both the same Region: prices differ by it."
        )


def unknown_service(name: str, known: Sequence[str], where: str) -> InputError:
    """The error for a service that is not among the known ones, with the near names."""
    near = get_close_matches(name, known, n=3, cutoff=0.4)
    meant = f"Did you mean {' or '.join(repr(n) for n in near)}? " if near else ""
    return InputError(f"there is no service {name!r} in {where}", fix=f"{meant}Known there: {', '.join(known[:12])}.")


def launch_type_of(service: Service, workload: Workload) -> LaunchType | None:
    """Where a service runs, as stated; None where nothing is stated."""
    if service.present is not None:
        return service.present.launch_type
    return None if workload.present is None else LaunchType.EC2


def setup_of(service: Service, workload: Workload) -> Setup:
    """How a service runs, as stated.

    Raises
    ------
    InputError
        Nothing says where it runs.
    """
    launch_type = launch_type_of(service, workload)
    if launch_type is None:
        raise InputError(
            f"nothing says where {service.name} runs, so its change has no price",
            fix="Add `present: {launch_type: FARGATE}` to the service, or give --launch-type.",
        )
    present, is_on_instances = service.present, launch_type in ON_INSTANCES
    option = present.purchase_option if present else PurchaseOption.ON_DEMAND
    if is_on_instances and workload.present is not None:
        option = workload.present.purchase_option
    architecture = present.architecture if present else service.architectures[0]
    off = why_no_windows_as(service.operating_system, launch_type, option, architecture)
    if off is not None:
        raise InputError(
            f"{service.name}: {off}", fix="State where it runs in `present`, or its operating system in `task.os`."
        )
    return Setup(
        launch_type=launch_type,
        purchase_option=option,
        architecture=architecture,
        cpu=service.task.cpu_units,
        memory=service.task.memory_mib,
        min_tasks=service.scaling.min_tasks,
        max_tasks=service.scaling.max_tasks,
        target_cpu_percent=round(100 * service.scaling.target_cpu_fraction, 9),
        requests_per_task=service.requests_per_task,
        ephemeral_storage_gib=service.ephemeral_storage_gib,
        has_public_ip=service.has_public_ip,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Running:
    """A service of one side over time."""

    service: Service
    setup: Setup
    run: RunningTasks | None
    """None where the load cannot tell; ``missing`` says why."""
    missing: str = ""
    is_capacity_known: bool = True
    """Whether the load says how much of its CPU a task of this size has in use."""


def named(workload: Workload, name: str) -> Service:
    return workload.services[workload.index(name)]


def is_fixed(service: Service) -> bool:
    """Whether a service keeps one number of tasks, whatever its load."""
    return service.scaling.min_tasks == service.scaling.max_tasks


def own_counts(service: Service, workload: Workload, demand: FloatArray) -> FloatArray:
    """(steps,): the fixed or stated number of tasks where there is one, else the counts as they ran."""
    if is_fixed(service):
        return np.where(np.isnan(demand), np.nan, float(service.scaling.min_tasks))
    if service.is_stated:
        return np.where(np.isnan(demand), np.nan, workload.demand[workload.index(service.name), 0])
    return demand


def check_form(old: Service, new: Service) -> None:
    if (old.load_form, old.is_stated) != (new.load_form, new.is_stated):
        raise InputError(
            f"{old.name}: its load is {_form(old)} before and {_form(new)} after the change",
            fix="Give both workloads the same load file: a gate compares settings on one load.",
        )
    if old.operating_system != new.operating_system:
        raise InputError(
            f"{old.name}: {old.operating_system} before and {new.operating_system} after the change, and ECS does not "
            "update the platform of a service",
            fix="Give both sides one operating system; for another one make a service beside it.",
        )


def _form(service: Service) -> str:
    return "a stated constant" if service.is_stated else f"of the form {service.load_form}"


def unanswered(old: Service, new: Service, counts: FloatArray) -> str:
    """Why counts that ran cannot tell what runs under other bounds or another target; empty where they can."""
    was, now = old.scaling, new.scaling
    if now.target_cpu_fraction != was.target_cpu_fraction:
        return "CPU in use, to tell what another target makes of it: the load is counts of tasks"
    if now.min_tasks < was.min_tasks and (counts <= was.min_tasks).any():
        return f"CPU in use, to tell how far below the old minimum of {was.min_tasks} tasks it would go"
    is_looser = was.max_tasks is not None and (now.max_tasks is None or now.max_tasks > was.max_tasks)
    if is_looser and (counts >= float(was.max_tasks or 0)).any():
        return f"CPU in use, to tell how far beyond the old maximum of {was.max_tasks} tasks it would go"
    return ""
