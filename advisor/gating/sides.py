"""How services are set up before and after a change."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from advisor.bounds import action_said
from advisor.ecs import LaunchType, PurchaseOption
from advisor.errors import InputError
from advisor.gating.result import Setup
from advisor.plan.refused_fields import why_no_windows_as
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
        target_cpu_percent=round(100 * service.scaling.target_cpu_fraction, 9) if service.scaling.has_target else None,
        scale_out_cooldown_s=service.scaling.out_cooldown_s,
        scale_in_cooldown_s=service.scaling.in_cooldown_s,
        requests_per_task=service.requests_per_task,
        ephemeral_storage_gib=service.ephemeral_storage_gib,
        has_public_ip=service.has_public_ip,
        scheduled_actions=tuple(action_said(each) for each in service.scaling.scheduled_actions),
        step_policies=tuple(str(each) for each in service.scaling.step_policies),
        network_mode=service.network_mode_on(launch_type),
        host_ports=tuple(map(str, service.host_ports_on(launch_type))),
        has_distinct_instances=service.has_distinct_instances and is_on_instances,
    )


def named(workload: Workload, name: str) -> Service:
    return workload.services[workload.index(name)]
