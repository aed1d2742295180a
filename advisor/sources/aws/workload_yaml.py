"""The workload file of a collection: what `read_workload` takes, with comments that say where it comes from."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from advisor.ecs import LINUX, NETWORK_MODES, LaunchType, NetworkMode, is_windows
from advisor.plan.placement import DISTINCT_INSTANCE, MEMBER_OF
from advisor.sources.aws.findings import Findings, FoundService
from advisor.sources.aws.scheduled_tasks import ScheduledTask
from advisor.sources.aws.stated_scaling import stated_scaling

if TYPE_CHECKING:
    from pydantic import BaseModel

_DEFAULT_STORAGE_GIB: Final = 20
_HAS_GPUS: Final = re.compile(r"(g|gr|p)\d")
_COMMENT_WIDTH: Final = 116
_LEAST_PLAIN_CPU: Final = 17
"""Below this, a reader of workload files cannot tell CPU units from vCPU."""


def workload_yaml(found: Findings) -> bytes:
    """The workload file. A service that the reader would refuse is written as a comment, with the reason."""
    lines = [
        *_header(found),
        f"cluster: {_scalar(found.cluster.name)}",
        f"region: {_scalar(found.region)}",
        "services:",
        *(line for service in found.services if not service.service.is_daemon for line in _service_lines(service, found)),
        *(f"  {line}" for task in found.scheduled_tasks for line in scheduled_lines(task)),
        *_daemon_lines(found),
        *_constraint_lines(found),
        *_instance_lines(found),
        *_commitment_lines(found),
    ]
    return ("\n".join(lines) + "\n").encode()


def service_entry(found: FoundService, findings: Findings) -> dict[str, Any]:
    """A service as the workload file spells it."""
    service, definition, present = found.service, found.definition, found.present
    container = next((c for c in definition.containers if c.is_essential), None) if definition else None
    entry: dict[str, Any] = {"name": service.name}
    if container and container.image:
        entry["image"] = container.image
    entry["task"] = _task_entry(found)
    stated = stated_scaling(found, findings.skipped)
    if found.load and not found.no_data:
        entry["load"] = {"file": found.load.path, **stated.load}
    else:
        entry["load"] = {"tasks": found.n_tasks}
    if stated.scaling:
        entry["scaling"] = dict(stated.scaling)
    entry["architectures"] = [architecture_of(found, findings)]
    off = (
        {each for each, refused in definition.refused.items() if any(r.is_essential for r in refused)} if definition else set()
    )
    if off:
        entry["launch_types"] = [str(each) for each in LaunchType if each not in off]
    if present and present.is_spot:
        entry["interruptible"] = True
    if service.port:
        entry["port"] = service.port
    if DISTINCT_INSTANCE in service.placement_constraints:
        entry["placement_constraints"] = [{"type": DISTINCT_INSTANCE}]
    if mode := network_mode_of(found):
        entry["network_mode"] = mode
        if definition and definition.host_ports:
            entry["port_mappings"] = [
                {"container_port": container}
                | ({"host_port": host.number} if mode == NetworkMode.BRIDGE else {})
                | ({"protocol": host.protocol} if host.protocol != "tcp" else {})
                for container, host in dict.fromkeys(definition.host_ports)
            ]
    if service.has_public_ip:
        entry["assign_public_ip"] = True
    if present and found.states_present:
        entry["present"] = {"launch_type": present.launch_type, "desired_count": service.desired_count}
        if present.is_spot:
            entry["present"]["purchase_option"] = "spot"
    if service.tags:
        entry["tags"] = dict(service.tags)
    return entry


def network_mode_of(found: FoundService) -> str | None:
    """That of a service on instances, bridge on EC2 where its task definition states none; None for awsvpc, the default."""
    definition, present = found.definition, found.present
    if definition is None or present is None or present.launch_type is None:
        return None
    if is_windows(definition.os_family or LINUX):
        return None
    mode = definition.network_mode or NetworkMode.BRIDGE
    is_taken = mode in NETWORK_MODES[LaunchType(present.launch_type)]
    return str(mode) if is_taken and mode != NetworkMode.AWSVPC else None


def daemon_entry(found: FoundService, findings: Findings) -> dict[str, Any]:
    """A daemon service as the workload file spells it."""
    definition = found.definition
    entry: dict[str, Any] = {"name": found.name, "task": _task_entry(found)}
    cpu_units = (definition.cpu_units if definition else None) or 1
    if cpu_units < _LEAST_PLAIN_CPU:
        entry["task"]["cpu"] = f"{cpu_units} units"
    entry["task"].pop("startup_seconds", None)
    stated = definition.architecture if definition else None
    entry["architectures"] = [stated] if stated else sorted(findings.instances.architectures) or ["X86_64"]
    entry["network_mode"] = (definition.network_mode if definition else None) or "bridge"
    return entry


def refusal_of(entry: Mapping[str, Any]) -> str | None:
    """Why the reader of workload files would not take a service; None when it takes it."""
    from advisor.sources.workload_models import ServiceEntry

    return _refusal(ServiceEntry, entry)


def refusal_of_daemon(entry: Mapping[str, Any]) -> str | None:
    """Why the reader of workload files would not take a daemon; None when it takes it."""
    from advisor.sources.workload_models import DaemonEntry

    return _refusal(DaemonEntry, entry)


def _refusal(model: "type[BaseModel]", entry: Mapping[str, Any]) -> str | None:
    from pydantic import ValidationError

    try:
        model.model_validate(entry)
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return None


def architecture_of(found: FoundService, findings: Findings) -> str:
    """As the task definition says; where it says nothing, as the container instances are; else X86_64, as ECS takes it."""
    stated = found.definition.architecture if found.definition else None
    if stated in ("X86_64", "ARM64"):
        return stated
    on_instances = found.present is not None and found.present.launch_type in ("EC2", "MANAGED_INSTANCES")
    return "ARM64" if on_instances and findings.instances.architectures == {"ARM64"} else "X86_64"


def _task_entry(found: FoundService) -> dict[str, Any]:
    definition = found.definition
    if definition is None:
        return {}
    entry: dict[str, Any] = {"cpu": definition.cpu_units, "memory": definition.memory_mib}
    if definition.gpus:
        entry["gpus"] = definition.gpus
    if definition.ephemeral_storage_gib and definition.ephemeral_storage_gib > _DEFAULT_STORAGE_GIB:
        entry["ephemeral_storage"] = definition.ephemeral_storage_gib
    if found.startup:
        entry["startup_seconds"] = min(round(found.startup[0]), 3600)
    if definition.os_family and definition.os_family != "LINUX":
        entry["os"] = definition.os_family
    return entry


def _header(found: Findings) -> list[str]:
    window = found.window
    return [
        f"# Collected by `advisor collect` at {_iso(found.collected_at)} from ECS, Application Auto Scaling and CloudWatch.",
        f"# Load: {_iso(window.start)} to {_iso(window.end)} in steps of {window.period_s} s, times in UTC.",
        "# collect-report.md says what had no data, what could not be read, and why.",
    ]


def _service_lines(found: FoundService, findings: Findings) -> Iterator[str]:
    if found.left_out is not None:
        yield f"  # {_clean(found.name)} is left out: {_clean(found.left_out)}"
        if found.definition is not None:
            yield from (f"  # {line}" for line in _dumped([service_entry(found, findings)]))
        return
    for remark in _remarks(found, findings):
        yield from (f"  # {line}" for line in _folded(remark))
    yield from (f"  {line}" for line in _dumped([service_entry(found, findings)]))


def scheduled_lines(task: ScheduledTask) -> Iterator[str]:
    """A scheduled task as a service of batch runs; as a comment where nothing tells how long it works."""
    yield from (f"# {line}" for line in _folded(f"{task.name}: {scheduled_remark(task)}"))
    if task.definition is None or not task.has_schedule:
        return
    mark = "# " if task.duration_minutes is None else ""
    yield from (f"{mark}{line}" for line in _dumped([scheduled_entry(task)]))


def scheduled_entry(task: ScheduledTask) -> dict[str, Any]:
    """A scheduled task as the workload file spells it; where its duration is not known, the user has to state it."""
    run: dict[str, Any] = {"schedule": task.schedule, "duration_minutes": task.duration_minutes or "STATE_ME"}
    if task.zone and task.zone != "UTC":
        run["time_zone"] = task.zone
    if task.count > 1:
        run["count"] = task.count
    definition = task.definition
    entry: dict[str, Any] = {"name": task.name, "task": {}}
    if definition:
        entry["task"] = {"cpu": definition.cpu_units, "memory": definition.memory_mib}
        if definition.os_family and definition.os_family != "LINUX":
            entry["task"]["os"] = definition.os_family
    entry["load"] = {"runs": [run]}
    entry["architectures"] = [(definition.architecture if definition else None) or "X86_64"]
    if task.runs_on in ("FARGATE", "EC2"):
        entry["present"] = {"launch_type": task.runs_on}
    elif task.runs_on == "FARGATE_SPOT":
        entry |= {"interruptible": True, "present": {"launch_type": "FARGATE", "purchase_option": "spot"}}
    return entry


def scheduled_remark(task: ScheduledTask) -> str:
    """What has to be known of a scheduled task, in sentences."""
    tasks = "1 task" if task.count == 1 else f"{task.count} tasks"
    where = f" on {task.runs_on}" if task.runs_on else ""
    said = f"{task.source} starts {tasks} of {task.task_definition}{where} ({task.when}"
    said += ")." if task.is_enabled else "; it is disabled)."
    if task.definition is None:
        said += " Its task definition could not be read."
    if task.duration_minutes is not None:
        return f"{said} Its tasks work {task.duration_minutes:g} minutes in the mean: Container Insights saw {task.measured}."
    if not task.has_schedule:
        return f"{said} It is in no figure: state its past runs with load.runs_file."
    why = f"{task.untold[0].upper()}{task.untold[1:]}" if task.untold else "Nothing was asked of how long they work"
    return f"{said} {why}, so it is in no figure: state duration_minutes and uncomment."


def _daemon_lines(findings: Findings) -> Iterator[str]:
    if not findings.is_whole:
        yield "# Only some services were asked for: daemon services, which take their share of every instance, are not in it."
    if any(found.left_out is None for found in findings.daemons):
        yield "daemons:"
    for found in findings.daemons:
        if found.left_out is not None:
            yield f"  # {_clean(found.name)} is left out: {_clean(found.left_out)}"
            continue
        for remark in daemon_remarks(found, findings):
            yield from (f"  # {line}" for line in _folded(f"{found.name} {remark}."))
        yield from (f"  {line}" for line in _dumped([daemon_entry(found, findings)]))


def daemon_remarks(found: FoundService, findings: Findings) -> Iterator[str]:
    """What has to be known of a daemon in the workload, in sentences without its name."""
    definition, n_instances = found.definition, sum(findings.instances.by_type.values())
    yield "is a daemon service: one task on every container instance, and none on Fargate"
    if definition and definition.cpu_units is None:
        yield "reserves no CPU: 1 unit stands for it, and what it really uses is in no figure"
    if definition and not definition.architecture:
        yield "does not say its architecture: that of the instances of today is taken, and no other instance is a candidate"
    if 0 < found.service.running_count < n_instances:
        yield (
            f"runs on {found.service.running_count} of {n_instances} container instances, and is taken on every one: remove it "
            "where that is wrong"
        )


def _remarks(found: FoundService, findings: Findings) -> Iterator[str]:
    name = found.name
    if found.present:
        yield f"{name} runs by {found.present.how}."
        if found.present.is_spot:
            yield f"{name} is taken as interruptible, because all of it runs on Spot."
        if found.present.untold:
            yield f"{name} has no `present`: {found.present.untold}, which a workload file cannot state."
    if MEMBER_OF in found.service.placement_constraints:
        yield f"{name} has the placement constraint memberOf, which no figure knows: see constraints.instance_types."
    if mode := network_mode_of(found):
        keep = " and ".join(each.called for each in LaunchType if mode in NETWORK_MODES[each])
        yield f"{name} runs in {mode} mode, which plans on {keep} keep; elsewhere they are in awsvpc mode."
    if found.service.rollout:
        yield f"{name}: {found.service.rollout}."
    for launch_type, refused in found.definition.refused.items() if found.definition else ():
        if refused:
            is_out = any(each.is_essential for each in refused)
            so = "which launch_types rule out" if is_out else "where it needs another task definition"
            yield f"{name} uses what {launch_type.called} does not take, {so}: {', '.join(each.what for each in refused)}."
    if found.target and (found.target.is_suspended or found.target.is_schedule_suspended):
        yield f"{name}: its scaling is suspended in part."
    if found.startup:
        yield f"{name}: startup_seconds is the median of {found.startup[1]} running tasks, from image pull to start."
    if found.policies or found.scheduled:
        ways = [policy.description for policy in found.policies]
        ways += [f"schedule {action.description}" for action in found.scheduled]
        yield f"{name} scales by {'; '.join(ways)}."
    stated = stated_scaling(found, findings.skipped)
    if stated.remark:
        yield f"{name}: {stated.remark}."
    if found.no_data:
        yield f"{name}: {found.no_data}. Its {found.n_tasks} tasks of today are stated as a constant load, not measured."
    elif found.load and found.load.lacks_count:
        yield (
            f"{name}: no task count was measured (RunningTaskCount of Container Insights), so present.desired_count stands in "
            "for the count of every step. SampleCount of CPUUtilization is no safe task count."
        )


def why_no_instances(found: Findings) -> Sequence[str]:
    """Why today's instances would make a wrong present: their cost is held against the services of the workload alone."""
    instances, taken = found.instances, found.taken
    others = [s.name for s in found.services if s.left_out and _is_on_instances(s)]
    reasons = []
    if not found.is_whole:
        reasons.append("only some services were asked for, and the instances may run others, too")
    if others:
        reasons.append(f"they run services that are left out, too ({_some(others)})")
    unstated = [s.name for s in taken if not s.states_present]
    if unstated:
        reasons.append(f"the present of some services is not stated ({_some(unstated)})")
    managed = [s.name for s in taken if s.present and s.present.launch_type == "MANAGED_INSTANCES"]
    if managed:
        reasons.append(f"ECS Managed Instances run some services ({_some(managed)}), and a workload file has no place for them")
    if instances.n_unknown:
        reasons.append(f"{instances.n_unknown} container instances do not tell their type or their capacity provider")
    if instances.spot and instances.on_demand:
        reasons.append(f"{_counts(instances.spot)} of them are Spot, the others On-Demand")
    if not instances.is_purchase_known:
        reasons.append("whether they are Spot or On-Demand could not be read")
    return reasons


def _is_on_instances(found: FoundService) -> bool:
    """Daemons do not count: they run because the instances do."""
    runs_on = found.present.launch_type if found.present else None
    is_elsewhere = found.service.is_daemon or found.service.launch_type == "EXTERNAL"
    return bool(found.service.running_count) and not is_elsewhere and runs_on in (None, "EC2")


def _constraint_lines(found: Findings) -> Iterator[str]:
    remarks: list[str] = []
    constraints: dict[str, object] = {}
    examples: dict[str, object] = {}
    if any(each.left_out is None and each.definition and each.definition.gpus for each in found.services):
        # Types with GPUs are candidates only where they are named: those of today's families, on which the load was measured.
        names = (*found.instances.by_type, *found.instances.managed)
        families = sorted({name.partition(".")[0] for name in names if _HAS_GPUS.match(name)})
        if families:
            remarks.append("Other types with GPUs do other work than was measured: add them where you know how much.")
            constraints["instance_types"] = ["*", *(f"{family}.*" for family in families)]
        else:
            remarks.append("Tasks ask for GPUs, and no instance with any runs now: name candidates in constraints, such as")
            examples["instance_types"] = ["*", "g4dn.*"]
    if found.reserved_memory:
        kept, told_by = found.reserved_memory.mib, found.reserved_memory.told_by
        remarks.append(f"The agents seem to keep memory from tasks (ECS_RESERVED_MEMORY), which no API tells: {told_by}.")
        if kept is None:
            remarks.append("Not the same on all, so none is stated: say which holds in constraints, such as")
            examples["ecs_reserved_memory"] = 256
        else:
            constraints["ecs_reserved_memory"] = kept
    for remark in remarks:
        yield from (f"# {line}" for line in _folded(remark))
    if examples:
        yield from (f"# {line}" for line in _dumped({"constraints": examples}))
    if constraints:
        yield from _dumped({"constraints": constraints})


def _instance_lines(found: Findings) -> Iterator[str]:
    instances = found.instances
    if instances.managed:
        yield f"# ECS Managed Instances that run now, not part of `present`: {_counts(instances.managed)}."
    if not instances.by_type:
        return
    option = "spot" if instances.spot and not instances.on_demand else "on_demand"
    counts = {"instances": instances.linux, "windows_instances": instances.windows}
    present = {name: dict(by_type) for name, by_type in counts.items() if by_type}
    lines = _dumped({"present": {**present, "purchase_option": option}})
    reasons = why_no_instances(found)
    if reasons:
        yield from (
            f"# {line}"
            for line in _folded(
                f"The instances of today are no part of the comparison: {'; '.join(reasons)}. Uncomment where you know better."
            )
        )
        yield from (f"# {line}" for line in lines)
        return
    tasks = sum(found.other_tasks.values())
    if tasks:
        yield f"# {tasks} running tasks that belong to no service may share these instances; the workload does not hold them."
    yield from lines


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _commitment_lines(found: Findings) -> Iterator[str]:
    if not found.commitments:
        return
    held = _dumped({"commitments": [dict(c) for c in found.commitments]})
    if _reads_commitments(found.commitments):
        yield from held
        return
    yield "# Held commitments in a form that the workload file does not know; the comparison is of On-Demand and Spot."
    yield from (f"# {line}" for line in held)


def _reads_commitments(commitments: Sequence[Mapping[str, Any]]) -> bool:
    from pydantic import ValidationError

    from advisor.sources.workload_models import WorkloadEntry

    service = {"name": "a", "task": {"cpu": 256, "memory": 512}, "load": {"tasks": 1}}
    try:
        WorkloadEntry.model_validate({"cluster": "a", "services": [service], "commitments": [dict(c) for c in commitments]})
    except ValidationError:
        return False
    return True


def _dumped(value: Any) -> list[str]:
    import yaml

    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=None, width=10_000)).splitlines()


def _scalar(text: str) -> str:
    import yaml

    return str(yaml.safe_dump(text, default_flow_style=True, width=10_000)).splitlines()[0]


def _folded(text: str) -> list[str]:
    from textwrap import wrap

    return wrap(_clean(text), _COMMENT_WIDTH, break_long_words=False, break_on_hyphens=False)


def _clean(text: str) -> str:
    """One line of printable text: nothing in a name may end a comment."""
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]+", " ", text)


def _counts(by_type: Mapping[str, int]) -> str:
    return ", ".join(f"{n} x {kind}" for kind, n in sorted(by_type.items()))


def _iso(moment: Any) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
