"""Requests of AWS APIs, held against AWS's own service models and against rules that no model holds.

The models come with botocore, which checks types and required members, and sends enums, bounds and patterns unchecked; these
are checked here. Rules between members are from the ECS and Application Auto Scaling guides, read 2026-11. A finding is a
sentence without a full stop; no finding means that nothing known is wrong. Identifiers may be placeholders, ``@...@``.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from advisor.ecs import FARGATE_INCLUDED_STORAGE_GIB, FARGATE_MAX_STORAGE_GIB, FARGATE_SIZES, LaunchType, TaskSize
from advisor.plan.refused_fields import refused_fields

Request = Mapping[str, Any]
Findings = Iterator[str]

_PLACEHOLDER: Final = re.compile(r"@[^@]*@|image\.invalid/")
_NUMBERS: Final = frozenset({"integer", "long", "float", "double"})
_FARGATE_PROVIDERS: Final = frozenset({"FARGATE", "FARGATE_SPOT"})


def request_findings(service: str, operation: str, request: Request) -> list[str]:
    """Everything wrong with one request.

    Parameters
    ----------
    service, operation
        As boto3 and the API spell them, such as ``application-autoscaling`` and ``PutScalingPolicy``.
    """
    from botocore.validate import ParamValidator

    shape = _input_shape(service, operation)
    if shape is None:
        return [f"botocore knows no operation {operation} of {service}"]
    found = [line.strip() for line in ParamValidator().validate(request, shape).generate_report().splitlines()]
    found += _outside_model(request, shape, "")
    if not found:
        found += (finding for rule in _RULES.get((service, operation), ()) for finding in rule(request))
    return found


def set_findings(calls: Sequence[tuple[str, str, Request]]) -> list[str]:
    """What is wrong between requests: names that lead nowhere."""
    families = {request["family"] for _, operation, request in calls if operation == "RegisterTaskDefinition"}
    providers = {request["name"] for _, operation, request in calls if operation == "CreateCapacityProvider"}
    found: list[str] = []
    for _, operation, request in calls:
        if operation != "CreateService":
            continue
        name, family = request["serviceName"], str(request.get("taskDefinition", "")).rpartition("/")[2].partition(":")[0]
        if family not in families:
            found.append(f"CreateService {name}: no call registers the task definition {family!r}")
        named = {item["capacityProvider"] for item in request.get("capacityProviderStrategy", ())}
        found += [
            f"CreateService {name}: no call makes the capacity provider {provider!r}"
            for provider in sorted(named - providers - _FARGATE_PROVIDERS)
        ]
    return found


@cache
def _input_shape(service: str, operation: str) -> Any:
    import botocore.session
    from botocore.exceptions import UnknownServiceError
    from botocore.model import OperationNotFoundError

    try:
        return botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape
    except (UnknownServiceError, OperationNotFoundError):
        return None


def _outside_model(value: Any, shape: Any, path: str) -> Findings:
    kind, bounds = shape.type_name, shape.metadata
    if kind == "structure" and isinstance(value, Mapping):
        for name, entry in value.items():
            if name in shape.members:
                yield from _outside_model(entry, shape.members[name], f"{path}.{name}".lstrip("."))
    elif kind == "map" and isinstance(value, Mapping):
        yield from _outside_bounds(len(value), bounds, f"{path} has", "entries")
        for key, entry in value.items():
            yield from _outside_model(entry, shape.value, f"{path}.{key}")
    elif kind == "list" and isinstance(value, list | tuple):
        yield from _outside_bounds(len(value), bounds, f"{path} has", "entries")
        for index, entry in enumerate(value):
            yield from _outside_model(entry, shape.member, f"{path}[{index}]")
    elif kind == "string" and isinstance(value, str):
        yield from _text_outside_model(value, shape, path)
    elif kind in _NUMBERS and isinstance(value, int | float):
        if not math.isfinite(value):
            yield f"{path} is {value}"
        yield from _outside_bounds(value, bounds, f"{path} is", "")


def _outside_bounds(value: float, bounds: Mapping[str, Any], what: str, unit: str) -> Findings:
    if value > bounds.get("max", math.inf) or value < bounds.get("min", -math.inf):
        allowed = f"{bounds.get('min', 'any')} to {bounds.get('max', 'any')}"
        yield f"{what} {value} {unit}".rstrip() + f", the model allows {allowed}"


def _text_outside_model(value: str, shape: Any, path: str) -> Findings:
    if shape.enum and value not in shape.enum:
        yield f"{path} is {value!r}, the model allows {', '.join(shape.enum)}"
    if _PLACEHOLDER.search(value):
        return
    yield from _outside_bounds(len(value), shape.metadata, f"{path} has", "characters")
    pattern = shape.metadata.get("pattern")
    if pattern is not None and not _matches(pattern, value):
        yield f"{path} is {value!r}, which does not match {pattern}"


def _matches(pattern: str, value: str) -> bool:
    """Patterns are Java's; one that Python cannot read decides nothing."""
    try:
        return re.compile(pattern.replace(r"\p{Alnum}", "A-Za-z0-9")).search(value) is not None
    except re.error:
        return True


def _task_definition(request: Request) -> Findings:
    containers = request["containerDefinitions"]
    names = [container.get("name") for container in containers]
    for name in sorted({str(name) for name in names if names.count(name) > 1}):
        yield f"container {name!r} is given twice"
    if not any(container.get("essential", True) for container in containers):
        yield "no container is essential"
    for container in containers:
        if not container.get("image"):
            yield f"container {container.get('name')!r} has no image"
        yield from _container_memory(container, request)
    cpu, memory = _units(request.get("cpu")), _units(request.get("memory"))
    if cpu is not None and sum(container.get("cpu", 0) for container in containers) > cpu:
        yield f"the containers reserve more than the task's {cpu} CPU units"
    reserved = sum(container.get("memoryReservation", container.get("memory", 0)) for container in containers)
    if memory is not None and reserved > memory:
        yield f"the containers reserve more than the task's {memory} MiB"
    needs_role = any(
        container.get("secrets") or container.get("logConfiguration", {}).get("logDriver") == "awslogs"
        for container in containers
    )
    if needs_role and "executionRoleArn" not in request:
        yield "logs and secrets need an execution role"
    if "FARGATE" in request.get("requiresCompatibilities", ()):
        yield from _on_fargate(request, cpu, memory)


def _container_memory(container: Request, task: Request) -> Findings:
    memory, reservation = container.get("memory"), container.get("memoryReservation")
    if memory is None and reservation is None and "memory" not in task:
        yield f"container {container.get('name')!r} has no memory, and neither has the task"
    if memory is not None and reservation is not None and memory <= reservation:
        yield f"container {container.get('name')!r}: memory must be above its reservation"


def _units(text: Any) -> int | None:
    return int(text) if isinstance(text, str) and text.isdecimal() else None


def _on_fargate(request: Request, cpu: int | None, memory: int | None) -> Findings:
    if request.get("networkMode") != "awsvpc":
        yield "Fargate needs network mode awsvpc"
    if cpu is None or memory is None:
        yield "Fargate needs CPU units and MiB of the task, as whole numbers"
    elif TaskSize(cpu_units=cpu, memory_mib=memory) not in FARGATE_SIZES:
        yield f"Fargate has no task size {cpu}/{memory}"
    storage = request.get("ephemeralStorage", {}).get("sizeInGiB")
    if storage is not None and not FARGATE_INCLUDED_STORAGE_GIB < storage <= FARGATE_MAX_STORAGE_GIB:
        yield f"ephemeral storage is {FARGATE_INCLUDED_STORAGE_GIB + 1} to {FARGATE_MAX_STORAGE_GIB} GiB, not {storage}"
    platform = request.get("runtimePlatform", {})
    if str(platform.get("operatingSystemFamily", "")).startswith("WINDOWS") and platform.get("cpuArchitecture") == "ARM64":
        yield "Windows runs on X86_64 only"
    # Of the network mode it is said above.
    refused = [each.what for each in refused_fields({**request, "networkMode": "awsvpc"}, LaunchType.FARGATE)]
    if refused:
        yield f"Fargate does not take {', '.join(refused)}"


def _service(request: Request) -> Findings:
    name, strategy = request.get("serviceName"), request.get("capacityProviderStrategy", ())
    if strategy and "launchType" in request:
        yield f"{name}: a launch type and a strategy exclude each other"
    yield from _strategy(str(name), strategy)
    providers = {item["capacityProvider"] for item in strategy}
    is_fargate = request.get("launchType") == "FARGATE" or bool(providers & _FARGATE_PROVIDERS)
    if is_fargate and (request.get("placementStrategy") or request.get("placementConstraints")):
        yield f"{name}: Fargate takes no placement"
    if is_fargate and not request.get("networkConfiguration", {}).get("awsvpcConfiguration", {}).get("subnets"):
        yield f"{name}: Fargate needs subnets"
    limits = request.get("deploymentConfiguration", {})
    low, high = limits.get("minimumHealthyPercent", 100), limits.get("maximumPercent", 200)
    if low > 100 or high < 100 or (low, high) == (100, 100):
        yield f"{name}: a deployment cannot move between {low} and {high} percent"
    if request.get("desiredCount", 0) < 0:
        yield f"{name}: desired count is below zero"


def _strategy(name: str, strategy: Sequence[Request]) -> Findings:
    providers = [item["capacityProvider"] for item in strategy]
    if len(set(providers)) < len(providers):
        yield f"{name}: a capacity provider is named twice"
    if strategy and not any(item.get("weight", 0) for item in strategy):
        yield f"{name}: no capacity provider has a weight"
    if sum(item.get("base", 0) > 0 for item in strategy) > 1:
        yield f"{name}: more than one capacity provider has a base"
    on_fargate = {provider in _FARGATE_PROVIDERS for provider in providers}
    if len(on_fargate) > 1:
        yield f"{name}: a strategy mixes Fargate with other capacity providers"


def _express(request: Request) -> Findings:
    cpu, memory = _units(request.get("cpu", "256")), _units(request.get("memory", "512"))
    if "taskDefinitionArn" in request:
        twice = sorted(
            {"primaryContainer", "executionRoleArn", "taskRoleArn", "cpu", "memory", "cpuArchitecture"} & request.keys()
        )
        if twice:
            yield f"a task definition excludes {', '.join(twice)}"
        return
    if cpu is None or memory is None or TaskSize(cpu_units=cpu, memory_mib=memory) not in FARGATE_SIZES:
        yield f"Fargate has no task size {request.get('cpu')}/{request.get('memory')}"
    if "primaryContainer" not in request or "executionRoleArn" not in request:
        yield "without a task definition it needs a container and an execution role"
    scaling = request.get("scalingTarget", {})
    yield from _bounds(scaling.get("minTaskCount", 1), scaling.get("maxTaskCount", math.inf))
    if scaling.get("autoScalingTargetValue", 1) <= 0:
        yield "a scaling target must be above zero"


def _bounds(low: float, high: float) -> Findings:
    if not 0 <= low <= high:
        yield f"needs 0 <= min <= max, got {low} and {high}"


def _scalable_target(request: Request) -> Findings:
    yield from _bounds(request.get("MinCapacity", 0), request.get("MaxCapacity", math.inf))


def _scaling_policy(request: Request) -> Findings:
    tracking = request.get("TargetTrackingScalingPolicyConfiguration")
    if tracking is None:
        return
    if tracking["TargetValue"] <= 0:
        yield "a scaling target must be above zero"
    if ("PredefinedMetricSpecification" in tracking) == ("CustomizedMetricSpecification" in tracking):
        yield "a policy follows one metric, predefined or customized"
    for key in ("ScaleInCooldown", "ScaleOutCooldown"):
        if tracking.get(key, 0) < 0:
            yield f"{key} is below zero"


def _scheduled_action(request: Request) -> Findings:
    action = request.get("ScalableTargetAction", {})
    yield from _bounds(action.get("MinCapacity", 0), action.get("MaxCapacity", math.inf))


def _group(request: Request) -> Findings:
    yield from _bounds(request["MinSize"], request["MaxSize"])
    if "LaunchTemplate" in request and "MixedInstancesPolicy" in request:
        yield "a launch template and a mixed instances policy exclude each other"


_RULES: Final[Mapping[tuple[str, str], tuple[Callable[[Request], Findings], ...]]] = {
    ("ecs", "RegisterTaskDefinition"): (_task_definition,),
    ("ecs", "CreateService"): (_service,),
    ("ecs", "CreateExpressGatewayService"): (_express,),
    ("application-autoscaling", "RegisterScalableTarget"): (_scalable_target,),
    ("application-autoscaling", "PutScalingPolicy"): (_scaling_policy,),
    ("application-autoscaling", "PutScheduledAction"): (_scheduled_action,),
    ("autoscaling", "CreateAutoScalingGroup"): (_group,),
}
