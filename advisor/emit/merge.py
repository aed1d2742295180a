"""What a plan changes in a task definition or a service that exists: its own fields, and no other."""

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from advisor.ecs import FARGATE_INCLUDED_STORAGE_GIB, LaunchType, NetworkMode
from advisor.emit.ecs import parse_calls, render_ecs
from advisor.emit.merge_editor import Document, Editor, Merged
from advisor.emit.merge_service import with_service
from advisor.errors import InputError
from advisor.plan import Plan, ServicePlan
from advisor.plan.placement import fixed_host_ports, host_ports_in, host_ports_note
from advisor.plan.refused_fields import refused_fields

_SIZE: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(vcpu|gb)?\s*", re.IGNORECASE)


def merge_plan(document: Mapping[str, Any], plan: Plan, service: str | None = None) -> tuple[Merged, ...]:
    """Requests that put the plan's fields into a document that exists.

    Parameters
    ----------
    document
        A request or an answer of RegisterTaskDefinition, DescribeTaskDefinition, CreateService, UpdateService,
        DescribeServices, RegisterScalableTarget, DescribeScalableTargets, PutScalingPolicy or DescribeScalingPolicies.
    service
        Which service of the plan it belongs to, where names do not tell.

    Returns
    -------
    tuple of Merged
        One for each task definition, service, target or policy of the plan's services. Every field that the plan does not own
        is as it was: that a plan owns task size, storage, network mode, launch type, architecture, capacity provider strategy,
        placement strategy, public address, bounds and target of scaling, is all there is.

    Raises
    ------
    InputError
        The document is none of these, belongs to no service of the plan, or holds what the plan's launch type refuses.

    Examples
    --------
    >>> import advisor, json
    >>> plan = advisor.read_recommendation("reports/shop").recommended.plan
    >>> with open("examples/gate/orders-today.json") as file:
    ...     today = json.load(file)
    >>> [change.path for change in advisor.merge_plan(today, plan)[0].changes]
    ['requiresCompatibilities', 'runtimePlatform']
    """
    wanted = _wanted(plan)
    found = list(_merged(document, plan, wanted, service))
    if not found:
        raise InputError(
            f"the document holds nothing of the plan's services ({', '.join(sorted(plan.services)[:12])})",
            fix="Name the one it belongs to with --service.",
        )
    return tuple(found)


def _wanted(plan: Plan) -> dict[str, dict[str, Document]]:
    """What the emitted folder says of each service, by operation."""
    requests: dict[str, dict[str, Document]] = {name: {} for name in plan.services}
    files = render_ecs(plan)
    by_family = {}
    for _, operation, request in parse_calls(files):
        if operation == "CreateService":
            requests[request["serviceName"]][operation] = request
            by_family[request["taskDefinition"]] = request["serviceName"]
    for _, operation, request in parse_calls(files):
        if operation == "RegisterTaskDefinition":
            requests[by_family[request["family"]]][operation] = request
        elif operation in ("RegisterScalableTarget", "PutScalingPolicy"):
            requests[request["ResourceId"].rpartition("/")[2]].setdefault(operation, request)
    return requests


def _merged(
    document: Mapping[str, Any], plan: Plan, wanted: Mapping[str, Mapping[str, Document]], service: str | None
) -> Iterator[Merged]:
    definition = document.get("taskDefinition", document)
    if isinstance(definition, dict) and isinstance(definition.get("containerDefinitions"), list):
        tags = document.get("tags") if definition is not document else None
        name = _of_family(str(definition.get("family", "")), plan, service)
        yield _with_definition(definition, tags, wanted[name]["RegisterTaskDefinition"], plan.services[name], name)
        return
    for each in _services(document):
        name = str(each.get("serviceName") or each.get("service") or "").rpartition("/")[2]
        name = name if service is None else _named(plan, service)
        if name in plan.services:
            yield with_service(each, wanted[name]["CreateService"], name)
    for key, operation in (("ScalableTargets", "RegisterScalableTarget"), ("ScalingPolicies", "PutScalingPolicy")):
        for each in _scaling(document, key, operation):
            name = str(each.get("ResourceId", "")).rpartition("/")[2] if service is None else _named(plan, service)
            if operation in wanted.get(name, {}):
                yield _with_scaling(each, operation, wanted[name][operation], name)


def _services(document: Mapping[str, Any]) -> list[Document]:
    if isinstance(document.get("services"), list):
        return list(document["services"])
    if isinstance(document.get("service"), dict):
        return [document["service"]]
    return [dict(document)] if "serviceName" in document or "service" in document else []


def _scaling(document: Mapping[str, Any], key: str, operation: str) -> list[Document]:
    if isinstance(document.get(key), list):
        return list(document[key])
    is_policy = "PolicyName" in document
    is_target = "ResourceId" in document and not is_policy
    return [dict(document)] if (is_policy if operation == "PutScalingPolicy" else is_target) else []


def _named(plan: Plan, service: str) -> str:
    if service not in plan.services:
        raise InputError(f"the plan has no service {service!r}", fix=f"Known: {', '.join(sorted(plan.services)[:12])}.")
    return service


def _of_family(family: str, plan: Plan, service: str | None) -> str:
    if service is not None:
        return _named(plan, service)
    found = [name for name in plan.services if family in (name, f"{plan.cluster}-{name}")]
    if len(found) != 1:
        known = ", ".join(sorted(plan.services)[:12])
        raise InputError(
            f"the family {family!r} is named like {'no service' if not found else ' and '.join(found)} of the plan",
            fix=f"Name the service it belongs to with --service: {known}.",
        )
    return found[0]


def _with_definition(definition: Document, tags: object, wanted: Document, service: ServicePlan, name: str) -> Merged:
    editor = Editor(definition, "RegisterTaskDefinition")
    request = editor.request
    if tags:
        request["tags"] = copy.deepcopy(tags)
    _refuse_other_platform(request, wanted, name)
    before = {key: _size(request, key, name) for key in ("cpu", "memory")}
    for key in ("cpu", "memory"):
        if whole(request.get(key)) != whole(wanted.get(key)) or request.get(key) is None:
            editor.put(request, key, wanted.get(key))
    # A definition may allow more launch types than the one it is run on: those stay.
    allowed = [str(kind) for kind in request.get("requiresCompatibilities") or []]
    if str(service.launch_type) not in allowed:
        editor.put(request, "requiresCompatibilities", list(wanted["requiresCompatibilities"]))
    if service.launch_type is not LaunchType.EC2:
        editor.put(request, "networkMode", service.network_mode)
        for at, container in enumerate(request["containerDefinitions"]):
            for port, mapping in enumerate(container.get("portMappings") or []):
                host = mapping.get("hostPort")
                if host is not None and host != mapping.get("containerPort"):  # refused in awsvpc mode
                    path = f"containerDefinitions[{at}].portMappings[{port}].hostPort"
                    editor.put(mapping, "hostPort", mapping.get("containerPort"), path)
    elif request.get("networkMode") == NetworkMode.AWSVPC != service.network_mode:
        raise InputError(
            f"{name}: the task definition is in awsvpc mode, and the plan was priced in {service.network_mode} mode, in which "
            "tasks take no network interface",
            fix="Write the network mode of the plan into this file, or network_mode: awsvpc into the workload file.",
        )
    _refuse_other_ports(request, service, name)
    _put_platform(editor, request, wanted)
    _put_storage(editor, request, service)
    _fit_containers(editor, request, service, before, name)
    _refuse_off(service.launch_type, request, name)
    return editor.merged(name, "RegisterTaskDefinition")


def _refuse_other_ports(request: Document, service: ServicePlan, name: str) -> None:
    """Raises :class:`InputError` where tasks have fixed ports that those of the plan have not: an instance holds fewer."""
    planned = host_ports_in(service.network_mode, (port for each in service.containers_of(name) for port in each.ports))
    ports = tuple(port for port in fixed_host_ports(request) if port not in planned)
    if ports and not service.has_distinct_instances:
        raise InputError(f"{name} {host_ports_note(ports)}", fix="Or give its containers hostPort 0 in this file.")


def _size(definition: Document, key: str, name: str) -> object:
    """What a task definition reserves for the whole task, None where it says nothing; text that is no size is refused."""
    stated = definition.get(key)
    size = whole(stated)
    if stated is not None and not isinstance(size, int):
        raise InputError(
            f"{name}: the task definition's {key} is {stated!r}, which is no size",
            fix=f"Write {key} as ECS takes it, such as {'1024' if key == 'cpu' else '2048'}, or leave it out.",
        )
    return size


def whole(size: object) -> object:
    """``"1024"``, 1024, ``"1 vCPU"`` and ``"1 GB"`` are the same size; anything else is itself."""
    found = _SIZE.fullmatch(str(size))
    if found is None:
        return size
    units = float(found[1]) * (1024 if found[2] else 1)
    return int(units) if units == int(units) else size


def _refuse_other_platform(request: Document, wanted: Document, name: str) -> None:
    family = (request.get("runtimePlatform") or {}).get("operatingSystemFamily", "LINUX")
    if family != wanted["runtimePlatform"]["operatingSystemFamily"]:
        raise InputError(
            f"{name}: the task definition is for {family}, the plan for {wanted['runtimePlatform']['operatingSystemFamily']}",
            fix="Give the task definition that the plan was made for.",
        )


def _put_platform(editor: Editor, request: Document, wanted: Document) -> None:
    """The architecture; without a platform ECS takes x86, so that needs no field."""
    architecture = wanted["runtimePlatform"]["cpuArchitecture"]
    platform = request.get("runtimePlatform")
    if platform is None:
        if architecture != "X86_64":
            editor.put(request, "runtimePlatform", dict(wanted["runtimePlatform"]))
    elif platform.get("cpuArchitecture", "X86_64") != architecture:
        editor.put(platform, "cpuArchitecture", architecture, "runtimePlatform.cpuArchitecture")


def _put_storage(editor: Editor, request: Document, service: ServicePlan) -> None:
    """Storage of its own is a matter of Fargate; on instances the field is left as it is."""
    if service.launch_type is not LaunchType.FARGATE:
        return
    wanted = service.ephemeral_storage_gib
    stands = (request.get("ephemeralStorage") or {}).get("sizeInGiB", FARGATE_INCLUDED_STORAGE_GIB)
    if stands != wanted:
        editor.put(request, "ephemeralStorage", {"sizeInGiB": wanted} if wanted > FARGATE_INCLUDED_STORAGE_GIB else None)


def _fit_containers(editor: Editor, request: Document, service: ServicePlan, before: Mapping[str, object], name: str) -> None:
    """Containers keep what they reserve, unless it was all of the task or no longer fits in it.

    Raises
    ------
    InputError
        Several containers together reserve more than the task has: how they share less is not for a plan to say.
    """
    containers = request["containerDefinitions"]
    for key, has in (("cpu", service.task.cpu_units), ("memory", service.task.memory_mib)):
        reserved = [container.get(key) or 0 for container in containers]
        if len(containers) == 1 and (reserved[0] > has or (reserved[0] and reserved[0] == before[key])):
            if reserved[0] != has:
                editor.put(containers[0], key, has, f"containerDefinitions[0].{key}")
        elif (sum(reserved) > has and key == "cpu") or max(reserved, default=0) > has:
            raise InputError(
                f"{name}: its containers reserve {key} {' + '.join(map(str, reserved))}, the plan's task has {has:,}",
                fix="Lower what the containers reserve in the file, then merge again.",
            )
        soft = containers[0].get("memoryReservation") if len(containers) == 1 and key == "memory" else None
        if soft is not None and soft >= has:
            # ECS wants the limit above the reservation; without the reservation the limit stands for both.
            editor.put(containers[0], "memoryReservation", None, "containerDefinitions[0].memoryReservation")
            if not containers[0].get("memory"):
                editor.put(containers[0], "memory", has, "containerDefinitions[0].memory")
    soft_sum = sum(container.get("memoryReservation") or container.get("memory") or 0 for container in containers)
    if soft_sum > service.task.memory_mib:
        raise InputError(
            f"{name}: its containers reserve {soft_sum:,} MiB together, the plan's task has {service.task.memory_mib:,}",
            fix="Lower what the containers reserve in the file, then merge again.",
        )


def _refuse_off(launch_type: LaunchType, request: Document, name: str) -> None:
    """What a launch type does not take.

    Raises
    ------
    InputError
        Naming every such field.
    """
    found = [each.what for each in refused_fields(request, launch_type)]
    if found:
        raise InputError(
            f"{name}: {launch_type.called} does not take {', '.join(found)}",
            fix="Take these out of the file, or keep the service on EC2 with launch_types: [EC2].",
        )


def _with_scaling(existing: Document, operation: str, wanted: Document, name: str) -> Merged:
    editor = Editor(existing, operation)
    request = editor.request
    if operation == "RegisterScalableTarget":
        for key in ("MinCapacity", "MaxCapacity"):
            editor.put(request, key, wanted[key])
        return editor.merged(name, operation)
    planned = wanted["TargetTrackingScalingPolicyConfiguration"]
    tracking = request.get("TargetTrackingScalingPolicyConfiguration")
    if tracking is not None and _metric(tracking) == _metric(planned):
        if tracking.get("TargetValue") != planned["TargetValue"]:
            path = "TargetTrackingScalingPolicyConfiguration.TargetValue"
            editor.put(tracking, "TargetValue", planned["TargetValue"], path)
    else:
        editor.left_out.append(
            f"{request.get('PolicyName')}: the plan tracks {_metric(planned)}, this policy does something else and is kept"
        )
    return editor.merged(name, operation)


def _metric(tracking: Document) -> str:
    return str((tracking.get("PredefinedMetricSpecification") or {}).get("PredefinedMetricType"))
