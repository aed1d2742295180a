"""From the entries of a workload file to the types of the model, with every default that stands in for a missing value."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from advisor.ecs import LINUX, Architecture, LaunchType, NetworkMode, PurchaseOption, TaskSize, is_windows
from advisor.plan.refused_fields import why_no_windows_as
from advisor.sizing import MEMORY_MARGIN_FRACTION
from advisor.sources.batch_runs import scheduled_runs
from advisor.sources.demand import Load
from advisor.sources.input_files import Place, listed
from advisor.sources.meanings import Meaning
from advisor.sources.scaling_entries import scaling_of
from advisor.sources.task_size import TaskDefinition
from advisor.workload import (
    Constraints,
    Daemon,
    Deployments,
    LoadForm,
    MemoryUse,
    PresentCluster,
    PresentService,
    Service,
    WorkPerVcpu,
)

DEREGISTRATION_S = 300
"""Default of a target group: Elastic Load Balancing, "Deregistration delay"."""
STOP_TIMEOUT_S = 30
"""Default of ``stopTimeout``: Amazon ECS API Reference, "ContainerDefinition"."""

if TYPE_CHECKING:
    from advisor.sources.constraints_models import ConstraintsEntry
    from advisor.sources.workload_models import (
        DaemonEntry,
        MemoryUseEntry,
        PresentEntry,
        ServiceEntry,
        TaskEntry,
    )


def task_size(entry: "TaskEntry", definition: TaskDefinition | None, place: Place) -> TaskSize:
    """Size of a task: from its task definition, or as the entry states it, or one half from each.

    Raises
    ------
    InputError
        When the entry states what the definition reserves, or neither does. ``place`` is where the entry stands.
    """
    gpus = definition.gpus if definition else 0
    if entry.gpus is not None and gpus:
        raise place.error(
            f"the GPUs are given twice: {entry.gpus} beside `file`, and {gpus} in {entry.file}", fix="Keep one of them."
        )
    halves: dict[str, int] = {}
    for name, stated, reserved in (
        ("cpu", entry.cpu, definition.cpu_units if definition else None),
        ("memory", entry.memory, definition.memory_mib if definition else None),
    ):
        if stated is not None and reserved is not None:
            raise place.error(
                f"the size is given twice: {name} {stated} beside `file`, and {reserved} in {entry.file}",
                fix="Keep one of them.",
            )
        size = stated or reserved
        if size is None:
            what = "CPU (0 and 1 are placeholders)" if name == "cpu" else "memory"
            example = "cpu: 256" if name == "cpu" else "memory: 512"
            raise place.error(
                f"{entry.file}: neither the task nor its containers reserve {what}",
                fix=f"Add what a task needs beside `file`, such as `{example}`.",
            )
        halves[name] = size
    return TaskSize(cpu_units=halves["cpu"], memory_mib=halves["memory"], gpus=entry.gpus or gpus)


def operating_system_of(entry: "TaskEntry", definition: TaskDefinition | None) -> str:
    """As the entry or its task definition states it, else Linux, which ECS itself takes."""
    return entry.os or (definition.operating_system if definition else None) or LINUX


def check_operating_system(entry: "ServiceEntry | DaemonEntry", definition: TaskDefinition | None, place: Place) -> None:
    """Refuse what no launch type of ECS runs.

    Raises
    ------
    InputError
        It is stated twice, or Windows is to run on ARM64 or with GPUs. ``place`` is where the task stands.
    """
    stated, found = entry.task.os, definition.operating_system if definition else None
    if stated is not None and found is not None and stated != found:
        raise place.error(
            f"the operating system is given twice: {stated} beside `file`, and {found} in {entry.task.file}",
            fix="Keep one of them.",
        )
    if not is_windows(stated or found or LINUX):
        return
    if set(_architectures(entry, definition)) != {Architecture.X86_64}:
        raise place.error(
            f"{entry.name} runs Windows, which ECS runs on X86_64 only", fix="State `architectures: [X86_64]`, or leave it out."
        )
    if entry.task.gpus or (definition is not None and definition.gpus):
        raise place.error(
            f"{entry.name} runs Windows and asks for GPUs, for which there is no ECS-optimized image", fix="Leave the GPUs out."
        )


def check_present(service: Service, place: Place) -> None:
    """Refuse a Windows that is said to run today where none can."""
    today = service.present
    if today is None:
        return
    off = why_no_windows_as(service.operating_system, today.launch_type, today.purchase_option, today.architecture)
    if off is not None:
        raise place.error(f"{service.name}, on {service.operating_system}, cannot run so: {off}", fix="Leave `present` out.")


def definition_notes(name: str, definition: TaskDefinition, size: TaskSize) -> Iterable[str]:
    """What has to be said of a size that a task definition gives."""
    if not definition.is_size_of_task or len(definition.containers) > 1:
        how = "the task states its size" if definition.is_size_of_task else "reserved by its containers together"
        n = len(definition.containers)
        sentence = f"{name}: a task of {size}, {how}: "
        yield sentence + f"{n} {'container' if n == 1 else 'containers'} ({listed(definition.containers)})."
    if definition.memory_limit_mib is not None and definition.memory_limit_mib > size.memory_mib:
        yield (
            f"{name}: its containers may use {definition.memory_limit_mib:,} MiB together (memory), but reserve "
            f"{size.memory_mib:,} MiB (memoryReservation): on Fargate a task has only what it reserves."
        )
    alike: dict[tuple[str, ...], list[str]] = {}
    for launch_type, refused in definition.refused.items():
        if refused:
            essential = tuple(each.what for each in refused if each.is_essential)
            key = ("{} left out: its task definition asks for", *essential)
            if not essential:
                key = ("for {} its task definition has to do without", *(each.what for each in refused))
            alike.setdefault(key, []).append(launch_type.called)
    for (so, *what), names in alike.items():
        yield f"{name}: {so.format(' and '.join(names))} {listed(what)}."


def daemon_of(entry: "DaemonEntry", definition: TaskDefinition | None, size: TaskSize, place: Place) -> Daemon:
    """A daemon of a workload file.

    Raises
    ------
    InputError
        It asks for GPUs or runs Windows. ``place`` is where it stands.
    """
    if size.gpus:
        raise place.error(
            f"the daemon {entry.name} asks for GPUs, which every instance would have to have",
            fix="Leave the GPUs out: monitors see them without reserving any.",
        )
    if is_windows(operating_system_of(entry.task, definition)):
        raise place.error(
            f"the daemon {entry.name} runs Windows, and this version takes daemons on Linux alone", fix="Leave the daemon out."
        )
    mode = entry.network_mode or (definition.network_mode if definition else None) or "awsvpc"
    return Daemon(
        name=entry.name,
        task=size,
        architectures=_architectures(entry, definition),
        has_network_interface=mode == "awsvpc",
    )


def service_of(entry: "ServiceEntry", definition: TaskDefinition | None, size: TaskSize, load: Load, zones: int) -> Service:
    """A service of a workload file, but for its network."""
    architectures = _architectures(entry, definition)
    storage = entry.task.ephemeral_storage or (definition.ephemeral_storage_gib if definition else None)
    stated = {"startup_s": entry.task.startup_seconds, "ephemeral_storage_gib": storage}
    return Service(
        name=entry.name,
        task=size,
        load_form=load.form,
        scaling=scaling_of(entry, zones),
        architectures=architectures,
        operating_system=operating_system_of(entry.task, definition),
        requests_per_task=entry.load.requests_per_task,
        cpu_ms_per_request=entry.load.cpu_ms_per_request,
        is_interruptible=entry.interruptible,
        has_public_ip=entry.assign_public_ip,
        port=entry.port,
        image=entry.image,
        present=_present_service(entry, architectures[0]),
        is_stated=load.is_stated,
        is_batch=load.runs is not None,
        scheduled_runs=() if load.runs is None else scheduled_runs(load.runs.runs),
        container_names=() if definition is None else definition.container_names,
        deployments=_deployments(entry),
        memory_use=_memory_use(entry),
        has_distinct_instances=bool(entry.placement_constraints),
        off_launch_types=_off_launch_types(entry, definition),
        **{name: value for name, value in stated.items() if value is not None},  # type: ignore[arg-type]  # names and values of one dict
    )


def _off_launch_types(entry: "ServiceEntry", definition: TaskDefinition | None) -> tuple[tuple[LaunchType, str], ...]:
    allowed = tuple(LaunchType) if entry.launch_types is None else tuple(map(LaunchType, entry.launch_types))
    off = {each: f"its launch_types are {', '.join(allowed)}" for each in LaunchType if each not in allowed}
    if entry.task.gpus:
        off[LaunchType.FARGATE] = "its tasks ask for GPUs"
    for launch_type, refused in (definition.refused if definition else {}).items():
        essential = [each.what for each in refused if each.is_essential]
        if essential:
            off[launch_type] = f"its task definition asks for {listed(essential)}"
    return tuple(off.items())


def _deployments(entry: "ServiceEntry") -> Deployments | None:
    said = entry.deployments
    if said is None:
        return None
    default_s = STOP_TIMEOUT_S if entry.port is None else DEREGISTRATION_S
    drain_s = default_s if said.drain_seconds is None else said.drain_seconds
    return Deployments(per_week=said.per_week, hour=said.hour, drain_s=drain_s)


def check_deployments(service: Service, place: Place) -> None:
    """Refuse deployments where the counts of tasks were given: they hold them, or there is no service."""
    if service.deployments is not None and service.load_form is LoadForm.TASKS:
        raise place.error(
            f"{service.name} has its count of tasks given, to which deployments add nothing that could be told apart",
            fix="Leave deployments out, or give a load of CPU or of requests.",
        )


def _memory_use(entry: "ServiceEntry") -> MemoryUse | None:
    stated = entry.memory_use
    if stated is None:
        return None
    return MemoryUse(base_mib=stated.base, mib_per_vcpu=stated.per_vcpu, mib_per_request=stated.per_request)


def stated_memory(entry: "MemoryUseEntry") -> str:
    """``180 MiB and 400 for each vCPU in use, as stated``."""
    slope, per = (entry.per_request, "request per second") if entry.per_vcpu is None else (entry.per_vcpu, "vCPU in use")
    return f"{entry.base:g} MiB and {slope:g} for each {per}, as stated"


def check_memory_use(service: Service, load: Load, place: Place) -> None:
    """Hold a stated memory against the load and against what was measured.

    Raises
    ------
    InputError
        When the load has no unit for the slope, or a task was seen to use more than is stated. ``place`` is where it stands.
    """
    use, slope = service.memory_use, service.memory_mib_per_demand
    if use is None:
        return
    if slope is None:
        raise place.error(
            f"{service.name} has a load without {'requests' if use.mib_per_request is not None else 'CPU in use'}, over which "
            "its memory is stated",
            fix="State per_vcpu for a load of CPU, per_request for one of requests, and neither for one of task counts.",
        )
    memory_mib, tasks = load.series.values.get(Meaning.MEMORY_MIB), load.series.values.get(Meaning.TASKS)
    if tasks is None and service.present is not None and service.present.desired_count:
        tasks = np.full(load.series.n_steps, float(service.present.desired_count))
    if memory_mib is None or tasks is None:
        return
    stated_mib = use.base_mib + slope * load.demand / np.maximum(tasks, 1.0)
    over = memory_mib - stated_mib * (1 + MEMORY_MARGIN_FRACTION)
    if np.isnan(over).all() or float(np.nanmax(over)) <= 0:
        return
    at = int(np.nanargmax(over))
    moment = datetime.fromtimestamp(load.series.start_s + at * load.series.step_s, UTC)
    raise place.error(
        f"{service.name}: by the stated memory a task needs {stated_mib[at]:,.0f} MiB at {moment:%Y-%m-%d %H:%M} UTC, and one "
        f"was measured with {memory_mib[at]:,.0f} MiB",
        fix="State a base and a slope that hold for every step, or leave memory_use out.",
    )


def stated_names(entry: "ServiceEntry", definition: TaskDefinition | None) -> set[str]:
    """Which of the things that ``defaults_used`` names the entry states itself."""
    stated = {
        "start-up": entry.task.startup_seconds is not None,
        "public IP": "assign_public_ip" in entry.model_fields_set,
        "architectures": entry.architectures is not None or (definition is not None and definition.architecture is not None),
        "min tasks": entry.scaling.min is not None,
        "max tasks": entry.scaling.max is not None,
        "target CPU": entry.scaling.target_cpu is not None,
    }
    return {name for name, is_stated in stated.items() if is_stated}


def constraints_of(entry: "ConstraintsEntry", present: "PresentEntry | None") -> Constraints:
    """Constraints of a workload file."""
    stated = {
        "launch_types": entry.launch_types and tuple(LaunchType(name) for name in dict.fromkeys(entry.launch_types)),
        "instance_types": entry.instance_types and tuple(entry.instance_types),
        "zones": entry.zones,
        "has_trunking": entry.trunking,
        "terms": tuple(entry.terms),
        "work_per_vcpu": _work_per_vcpu(entry, present),
        "ecs_reserved_memory_mib": entry.ecs_reserved_memory,
    }
    return Constraints(**{name: value for name, value in stated.items() if value is not None})  # type: ignore[arg-type]  # names and values of one dict


def _work_per_vcpu(entry: "ConstraintsEntry", present: "PresentEntry | None") -> WorkPerVcpu | None:
    if entry.work_per_vcpu is None:
        return None
    if entry.work_per_vcpu != "coremark":
        return WorkPerVcpu(stated=tuple(entry.work_per_vcpu.items()))
    return WorkPerVcpu(measured_on=entry.measured_on or (next(iter(present.instances), None) if present else None))


def present_of(entry: "PresentEntry | None") -> PresentCluster | None:
    """Container instances that run today."""
    if entry is None:
        return None
    return PresentCluster(
        instances=dict(entry.instances),
        windows_instances=dict(entry.windows_instances),
        purchase_option=PurchaseOption(entry.purchase_option),
    )


def defaults_used(
    services: Iterable[tuple[Service, Collection[str]]],
    constraints: Constraints,
    stated_constraints: Collection[str],
    daemons: Iterable[Daemon] = (),
) -> dict[str, str]:
    """Name and value of every default that stands in for something the input does not say.

    Parameters
    ----------
    services
        Each with the names of what was stated for it.
    daemons
        Those of which something stands in by default.
    """
    services_by_default: dict[str, dict[str, list[str]]] = {}
    services = list(services)
    for service, stated in services:
        for name, value in _relevant(service).items():
            if name not in stated:
                key = f"min tasks of {service.name}" if name == "min tasks" else name
                services_by_default.setdefault(key, {}).setdefault(value, []).append(service.name)
    listing: dict[str, str] = {}
    for name, by_value in services_by_default.items():
        holds_for_all = name.startswith("min tasks of ") or [len(names) for names in by_value.values()] == [len(services)]
        texts = [value if holds_for_all else f"{value} ({', '.join(names)})" for value, names in by_value.items()]
        listing[name] = "; ".join(texts)
    for daemon in daemons:
        listing[f"daemon {daemon.name}"] = (
            f"{daemon.task} on every instance, {', '.join(daemon.architectures)}"
            f"{', with a network interface' if daemon.has_network_interface else ''}"
        )
    if "zones" not in stated_constraints:
        listing["zones"] = str(constraints.zones)
    if "trunking" not in stated_constraints:
        is_stated = any(service.network_mode is not NetworkMode.AWSVPC for service, _ in services)
        listing["network"] = f"awsvpc{' where no network_mode is stated' if is_stated else ''}, trunking"
    if "ecs_reserved_memory" not in stated_constraints:
        listing["ECS_RESERVED_MEMORY"] = "0 MiB"
    return listing


def _relevant(service: Service) -> dict[str, str]:
    """Value of everything that may be a default and that the form of the load lets matter."""
    values = {
        "start-up": f"{service.startup_s:g} s",
        "public IP": "assigned" if service.has_public_ip else "none",
        "architectures": ", ".join(service.architectures),
    }
    if service.load_form is not LoadForm.TASKS:
        values["min tasks"] = str(service.scaling.min_tasks)
        values["max tasks"] = "none"
        if service.requests_per_task is None and service.scaling.has_target:
            values["target CPU"] = f"{service.scaling.target_cpu_fraction:.0%}".replace("%", " %")
    return values


def _architectures(entry: "ServiceEntry | DaemonEntry", definition: TaskDefinition | None) -> tuple[Architecture, ...]:
    if entry.architectures:
        return tuple(Architecture(name) for name in dict.fromkeys(entry.architectures))
    return (definition.architecture if definition and definition.architecture else Architecture.X86_64,)


def _present_service(entry: "ServiceEntry", architecture: Architecture) -> PresentService | None:
    if entry.present is None:
        return None
    return PresentService(
        launch_type=LaunchType(entry.present.launch_type),
        desired_count=entry.present.desired_count,
        purchase_option=PurchaseOption(entry.present.purchase_option),
        architecture=Architecture(entry.present.architecture) if entry.present.architecture else architecture,
    )
