"""Amazon ECS's rules for API requests, to judge what the product emits.

Independent on purpose: nothing here is taken from ``advisor``. The sources are the documentation inside botocore's service
models [model] and the pages of the ECS, EC2 Auto Scaling and Application Auto Scaling guides [guide], read 2026-11.

``check_call`` judges one request in three layers: botocore's own validation; enums, upper bounds and patterns of the same
models, which botocore sends unchecked; rules between members, which no public validator holds. ``check_set`` judges what
requests say about each other, ``check_order`` whether each comes after what it needs, ``check_all`` everything. A finding is
a sentence; an empty list means that nothing is wrong. ``remarks`` are advice only.

Identifiers may be placeholders (``subnet-REPLACE_ME``, ``${SubnetA}``, ``<account-id>``): they fit every pattern and refer to
something outside the set. Not judged: what only an account can tell (images, quotas, existing roles and subnets), and whether
a task fits an instance type.
"""

import base64
import binascii
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import botocore.session
from botocore.exceptions import UnknownServiceError
from botocore.model import ListShape, MapShape, OperationNotFoundError, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

Request = Mapping[str, Any]
Call = tuple[str, str, Request]
Findings = Iterator[str]

# 77 pairs [guide: Fargate task definition differences]. The model's text stops at 16 vCPU; guide and price page have 32.
FARGATE_MEMORY_MIB: dict[int, tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4096 + 1, 1024)),
    1024: tuple(range(2048, 8192 + 1, 1024)),
    2048: tuple(range(4096, 16384 + 1, 1024)),
    4096: tuple(range(8192, 30720 + 1, 1024)),
    8192: tuple(range(16384, 61440 + 1, 4096)),
    16384: tuple(range(32768, 122880 + 1, 8192)),
    32768: (61440, 122880, 249856),
}
FARGATE_WINDOWS_CPU_UNITS = (1024, 2048, 4096)
FARGATE_WINDOWS = frozenset(f"WINDOWS_SERVER_{year}_{edition}" for year in (2019, 2022) for edition in ("CORE", "FULL"))
FARGATE_PROVIDERS = frozenset({"FARGATE", "FARGATE_SPOT"})
FARGATE_PLATFORM_VERSIONS = frozenset({"LATEST", "1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"})
LARGE_FARGATE_CPU_UNITS = 8192  # from here on, only platform version 1.4.0

LOG_DRIVERS = {
    "Fargate": frozenset({"awslogs", "splunk", "awsfirelens"}),
    "Managed Instances": frozenset({"awslogs", "splunk", "awsfirelens", "json-file"}),
    "Windows on Fargate": frozenset({"awslogs"}),
}
# Parameters of (task, container, linuxParameters, volume) that are not valid there [model, guide].
FORBIDDEN: dict[str, tuple[Sequence[str], Sequence[str], Sequence[str], Sequence[str]]] = {
    "Fargate": (
        ("ipcMode", "placementConstraints", "inferenceAccelerators"),
        (
            "disableNetworking",
            "dnsSearchDomains",
            "dnsServers",
            "dockerSecurityOptions",
            "extraHosts",
            "links",
            "privileged",
        ),
        ("devices", "sharedMemorySize", "tmpfs", "maxSwap", "swappiness"),
        ("dockerVolumeConfiguration",),
    ),
    "Managed Instances": (
        ("ephemeralStorage", "inferenceAccelerators", "ipcMode", "proxyConfiguration"),
        (
            "disableNetworking",
            "dnsSearchDomains",
            "dnsServers",
            "dockerSecurityOptions",
            "extraHosts",
            "hostname",
            "links",
        ),
        ("sharedMemorySize", "tmpfs", "maxSwap", "swappiness"),
        ("dockerVolumeConfiguration", "fsxWindowsFileServerVolumeConfiguration"),
    ),
    # Amazon ECS Developer Guide, "Windows containers on Fargate considerations".
    "Windows on Fargate": (
        (),
        ("credentialSpecs", "environmentFiles", "firelensConfiguration", "memoryReservation", "restartPolicy"),
        (),
        ("configuredAtLaunch", "fsxWindowsFileServerVolumeConfiguration"),
    ),
    "Windows": (
        ("ipcMode", "pidMode", "proxyConfiguration"),
        (
            "disableNetworking",
            "dnsSearchDomains",
            "dnsServers",
            "extraHosts",
            "links",
            "linuxParameters",
            "privileged",
            "readonlyRootFilesystem",
            "ulimits",
            "user",
        ),
        (),
        ("efsVolumeConfiguration",),
    ),
}
AGENT_PORTS = frozenset({22, 2375, 2376, 51678, 51679, 51680})
EPHEMERAL_PORTS_FROM = 32768
MIN_CONTAINER_MEMORY_MIB = 6
EC2_TASK_CPU_UNITS = (128, 196_608)
MAX_TASKS = 5_000
MAX_TASKS_WITH_DISCOVERY = 1_000
TASK_DEFINITION_BYTES = 64 * 1024
ZONE_FIELD = "attribute:ecs.availability-zone"

ECS_SCALING_METRICS = frozenset(
    {
        "ECSServiceAverageCPUUtilization",
        "ECSServiceAverageMemoryUtilization",
        "ECSServiceAverageCPUUtilizationHighResolution",
        "ECSServiceAverageMemoryUtilizationHighResolution",
        "ALBRequestCountPerTarget",
    }
)
POLICY_CONFIGURATIONS = {
    "TargetTrackingScaling": "TargetTrackingScalingPolicyConfiguration",
    "StepScaling": "StepScalingPolicyConfiguration",
    "PredictiveScaling": "PredictiveScalingPolicyConfiguration",
}
SPOT_STRATEGIES = frozenset(
    {"price-capacity-optimized", "capacity-optimized", "capacity-optimized-prioritized", "lowest-price"}
)
RETENTION_DAYS = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
EXECUTION_POLICY = "AmazonECSTaskExecutionRolePolicy"
INSTANCE_POLICIES = {
    "EC2": "AmazonEC2ContainerServiceforEC2Role",
    "MANAGED_INSTANCES": "AmazonECSInstanceRolePolicyForManagedInstances",
}
MANAGED_INFRASTRUCTURE_POLICY = "AmazonECSInfrastructureRolePolicyForManagedInstances"

NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#-]*(@sha256:[0-9A-Fa-f]{64})?")
PRIVATE_ECR = re.compile(r"\.dkr[.-]ecr[.-][^/]*/")
PORT_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,63}")
LOG_GROUP = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
TEMPLATE_NAME = re.compile(r"[a-zA-Z0-9().\-/_]{3,128}")
LOAD_BALANCER_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,32}(?<!-)")
INSTANCE_TYPE = re.compile(r"[a-z][a-z0-9-]*\.(nano|micro|small|medium|large|\d*xlarge|metal(-\d+xl)?)")
SCALABLE_RESOURCE = re.compile(r"service/([^/]+)/([^/]+)")
RESOURCE_LABEL = re.compile(r"app/[^/]+/[^/]+/targetgroup/([^/]+)/[^/]+")
TASK_DEFINITION = re.compile(r"(?:arn:aws[\w-]*:ecs:[^:]*:[^:]*:task-definition/)?([^/:]+)(?::([0-9]+))?")
PLACEHOLDER = re.compile(r"@[a-z][a-z-]*(\.[A-Za-z0-9_.-]+)?@|\$\{|\$[A-Z]|<[A-Za-z]|REPLACE|CHANGE_?ME|PLACEHOLDER|YOUR[_-]")


# One request -------------------------------------------------------------------------------------------------------------


def check_call(service: str, operation: str, request: Request) -> list[str]:
    """Everything wrong with one request, each finding a sentence."""
    shape = input_shape(service, operation)
    if shape is None:
        return [f"botocore knows no operation {operation} of a service {service}."]
    errors = _model_errors(request, shape)
    findings = [*errors, *_outside_model(request, shape, "")]
    if not _has_wrong_type(errors):
        for rule in _RULES[service, operation]:
            findings.extend(rule(request))
    return list(dict.fromkeys(findings))


_RULES: defaultdict[tuple[str, str], list[Callable[[Request], Iterable[str]]]] = defaultdict(list)


def _rule(service: str, *operations: str) -> Callable[[Callable[[Request], Findings]], Callable[[Request], Findings]]:
    def register(function: Callable[[Request], Findings]) -> Callable[[Request], Findings]:
        for operation in operations:
            _RULES[service, operation].append(function)
        return function

    return register


@cache
def _session() -> botocore.session.Session:
    return botocore.session.Session()


@cache
def input_shape(service: str, operation: str) -> Shape | None:
    """What an operation takes; None when botocore does not know it."""
    try:
        return _session().get_service_model(service).operation_model(operation).input_shape
    except (UnknownServiceError, OperationNotFoundError):
        return None


def _model_errors(request: Request, shape: Shape) -> list[str]:
    report = ParamValidator().validate(request, shape)
    return [f"{line}." for line in report.generate_report().splitlines()]


def _has_wrong_type(errors: Iterable[str]) -> bool:
    return any(error.startswith("Invalid type") for error in errors)


def _outside_model(value: object, shape: Shape, path: str) -> Findings:
    """What the model forbids and botocore lets through. Values of a wrong type are botocore's to report."""
    most = shape.metadata.get("max", math.inf)
    match shape, value:
        case StructureShape(is_document_type=False), dict():
            for name in value:
                if name in shape.members:
                    yield from _outside_model(value[name], shape.members[name], f"{path}.{name}".lstrip("."))
        case ((ListShape() | MapShape()), (list() | tuple() | dict())) if len(value) > most:
            yield f"{path} has {len(value)} entries; the model allows {most}."
        case ListShape(), (list() | tuple()):
            for index, entry in enumerate(value):
                yield from _outside_model(entry, shape.member, f"{path}[{index}]")
        case MapShape(), dict():
            for key, entry in value.items():
                yield from _outside_model(key, shape.key, f"{path} (key)")
                yield from _outside_model(entry, shape.value, f"{path}.{key}")
        case StringShape(), str():
            yield from _string_outside_model(value, shape, path)
        case _, (int() | float()) if shape.type_name in {"integer", "long", "float", "double"}:
            if isinstance(value, bool):
                yield f"{path} is {value}; it must be a number."
            elif not math.isfinite(value):
                yield f"{path} is {value}; it must be a finite number."
            elif value > most:
                yield f"{path} is {value}; the model allows at most {most}."


def _string_outside_model(value: str, shape: StringShape, path: str) -> Findings:
    metadata = shape.metadata
    is_newer_type = shape.name == "InstanceType" and INSTANCE_TYPE.fullmatch(value)  # EC2 grows faster than botocore
    if metadata.get("enum") and value not in metadata["enum"] and not is_newer_type:
        allowed = metadata["enum"] if len(metadata["enum"]) <= 40 else (*metadata["enum"][:5], "...")
        yield f"{path} is {value!r}; it must be one of {', '.join(allowed)}."
    if is_placeholder(value):
        return
    if len(value) > metadata.get("max", math.inf):
        yield f"{path} has {len(value)} characters; the model allows {metadata['max']}."
    pattern = metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(value):
        yield f"{path} is {value!r}; it must match {pattern}."


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """A Java pattern of a service model in Python's notation; the whole string must match."""
    for java, python in (
        (r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF"),
        (r"\p{L}\p{Z}\p{N}", r"\w\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"),
        (r"\p{Print}", r"[\u0020-\u007e]"),
    ):
        pattern = pattern.replace(java, python)
    return re.compile(pattern)


def is_placeholder(text: str) -> bool:
    """Whether a reader has yet to fill this in."""
    return PLACEHOLDER.search(text) is not None


def _is_set(value: object) -> bool:
    """Whether a parameter says something: consoles write ``"links": []`` and ``"privileged": false`` everywhere."""
    return value is not None and value is not False and value != [] and value != {} and value != ""


def _named(what: str, name: str) -> Findings:
    if not is_placeholder(name) and not NAME.fullmatch(name):
        yield f"{what} is {name!r}; a name has 1 to 255 letters, digits, hyphens and underscores."


def _repeated(values: Iterable[Any]) -> list[Any]:
    return [value for value, count in Counter(values).items() if count > 1]


def _tags(tags: Iterable[Request], key: str = "key") -> Findings:
    keys = [tag.get(key, "") for tag in tags]
    for name in _repeated(keys):
        yield f"The tag {name!r} is given twice."
    for name in keys:
        if name.lower().startswith("aws:"):
            yield f"The tag {name!r} has the reserved prefix aws:."


def _arn(what: str, text: str, service: str, resource: str) -> Findings:
    """An ARN must be one of this service; a short name and a placeholder are left alone."""
    if text.startswith("arn:") and not is_placeholder(text):
        parts = text.split(":", 5)
        if len(parts) < 6 or parts[2] != service or not parts[5].startswith(resource):
            yield f"{what} is {text!r}; that is no ARN of {service}:{resource}."


def _between(what: str, value: float | None, low: float, high: float) -> Findings:
    if value is not None and not low <= value <= high:
        yield f"{what} is {value}; it must be from {low} to {high}."


# Task definitions --------------------------------------------------------------------------------------------------------


class TaskDefinition:
    """A RegisterTaskDefinition request as the rules ask about it."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.containers: Sequence[Request] = request.get("containerDefinitions", [])
        self.compatibilities = set(request.get("requiresCompatibilities", []))
        platform = request.get("runtimePlatform", {})
        self.operating_system: str = platform.get("operatingSystemFamily", "LINUX")
        self.is_windows = self.operating_system.startswith("WINDOWS")
        self.architecture: str = platform.get("cpuArchitecture", "X86_64")
        self.network_mode: str = request.get("networkMode", "bridge")
        self.cpu_units = cpu_units(request.get("cpu", ""))
        self.memory_mib = memory_mib(request.get("memory", ""))
        self.on_fargate = "FARGATE" in self.compatibilities
        self.on_managed_instances = "MANAGED_INSTANCES" in self.compatibilities
        self.is_external = "EXTERNAL" in self.compatibilities

    @property
    def hosts(self) -> list[str]:
        """The keys of the tables of what is forbidden where."""
        flags = {
            "Fargate": self.on_fargate,
            "Managed Instances": self.on_managed_instances,
            "Windows": self.is_windows,
            "Windows on Fargate": self.is_windows and self.on_fargate,
        }
        return [host for host, applies in flags.items() if applies]

    @property
    def container_names(self) -> list[str]:
        return [container.get("name", "") for container in self.containers]

    def container(self, name: str) -> Request | None:
        return next((container for container in self.containers if container.get("name") == name), None)


def cpu_units(text: str) -> int | None:
    """CPU units of ``"1024"`` or ``"1 vCPU"``; None when it is neither."""
    if re.fullmatch(r"[0-9]+", text):
        return int(text)
    if match := re.fullmatch(r"([0-9]*\.?[0-9]+) ?vcpu", text, re.IGNORECASE):
        units = float(match[1]) * 1024
        return int(units) if units.is_integer() else None
    return None


def memory_mib(text: str) -> int | None:
    """MiB of ``"3072"`` or ``"3 GB"``; None when it is neither."""
    if re.fullmatch(r"[0-9]+", text):
        return int(text)
    if match := re.fullmatch(r"([0-9]*\.?[0-9]+) ?gb", text, re.IGNORECASE):
        mib = float(match[1]) * 1024
        return int(mib) if mib.is_integer() else None
    return None


def _label(container: Request) -> str:
    return f"Container {container.get('name', '')!r}"


@_rule("ecs", "RegisterTaskDefinition")
def _task_definition(request: Request) -> Findings:
    task = TaskDefinition(request)
    for rules in (
        _task_names,
        _task_size,
        _task_platform,
        _task_forbidden,
        _task_resources,
        _task_ports,
        _task_logging,
        _task_roles,
        _task_dependencies,
        _task_volumes,
        _task_container_details,
        _task_environment,
        _task_placement_constraints,
        _task_security,
        _task_limits,
    ):
        yield from rules(task)


def _task_names(task: TaskDefinition) -> Findings:
    yield from _named("family", task.request.get("family", ""))
    if not task.containers:
        yield "A task definition needs at least one container."
    for name in task.container_names:
        yield from _named("The name of a container", name)
    for name in _repeated(task.container_names):
        yield f"Two containers are called {name!r}."
    if task.containers and not any(container.get("essential", True) for container in task.containers):
        yield "No container is essential; a task needs at least one that is."
    for container in task.containers:
        image = container.get("image", "")
        if not image:
            yield f"{_label(container)} has no image."
        elif not is_placeholder(image) and (not IMAGE.fullmatch(image) or len(image.split("@")[0]) > 255):
            yield f"{_label(container)} has the image {image!r}, which is no image reference."


def _task_size(task: TaskDefinition) -> Findings:
    request, cpu, memory = task.request, task.cpu_units, task.memory_mib
    if "cpu" in request and cpu is None:
        yield f"cpu is {request['cpu']!r}; write CPU units such as '1024', or '1 vCPU'."
    if "memory" in request and memory is None:
        yield f"memory is {request['memory']!r}; write MiB such as '3072', or '3 GB'."
    if not task.on_fargate:
        if cpu is not None and not task.is_windows:
            yield from _between("Task cpu in CPU units", cpu, *EC2_TASK_CPU_UNITS)
        return
    for field in ("cpu", "memory"):
        if field not in request:
            yield f"A task on Fargate needs the task-level {field}."
    if cpu is None or memory is None:
        return
    if cpu not in FARGATE_MEMORY_MIB:
        yield f"Fargate has no task of {cpu} CPU units; it has {', '.join(map(str, FARGATE_MEMORY_MIB))}."
    elif memory not in FARGATE_MEMORY_MIB[cpu]:
        near = sorted(FARGATE_MEMORY_MIB[cpu], key=lambda size: abs(size - memory))[:2]
        yield f"Fargate has no task of {cpu} CPU units with {memory} MiB; nearest are {near[0]} and {near[1]} MiB."
    if task.is_windows and cpu not in FARGATE_WINDOWS_CPU_UNITS:
        yield f"Windows on Fargate runs with 1024, 2048 or 4096 CPU units, not {cpu}."


def _task_platform(task: TaskDefinition) -> Findings:
    mode = task.request.get("networkMode")
    if task.on_fargate and mode != "awsvpc":
        yield f"A task on Fargate needs networkMode awsvpc, not {mode or 'the default, bridge'}."
    if task.on_managed_instances and mode not in {"awsvpc", "host"}:
        yield f"A task on Managed Instances needs networkMode awsvpc or host, not {mode or 'the default'}."
    if task.is_windows and task.architecture != "X86_64":
        yield f"Windows tasks run on X86_64 only, not on {task.architecture}."
    if task.is_windows and task.on_fargate and task.operating_system not in FARGATE_WINDOWS:
        yield f"Fargate does not run {task.operating_system}; it runs Windows Server 2019 and 2022."
    if task.is_windows and task.on_managed_instances:
        yield "Managed Instances run Linux only."
    if task.is_windows and mode not in {None, "awsvpc"}:
        yield f"Windows tasks have networkMode awsvpc or none given, not {mode}."
    pid_mode = task.request.get("pidMode")
    if task.on_fargate and pid_mode not in {None, "task"}:
        yield f"On Fargate pidMode can only be task, not {pid_mode}."


def _task_forbidden(task: TaskDefinition) -> Findings:
    for host in task.hosts:
        of_task, of_container, of_linux, of_volume = FORBIDDEN[host]
        for parameter in of_task:
            if _is_set(task.request.get(parameter)):
                yield f"{parameter} is not valid on {host}."
        for volume in task.request.get("volumes", []):
            for parameter in of_volume:
                if parameter in volume:
                    yield f"Volume {volume.get('name', '')!r} has {parameter}, which is not valid on {host}."
        for container in task.containers:
            for parameter in of_container:
                if _is_set(container.get(parameter)):
                    yield f"{_label(container)} has {parameter}, which is not valid on {host}."
            for parameter in of_linux:
                if _is_set(container.get("linuxParameters", {}).get(parameter)):
                    yield f"{_label(container)} has linuxParameters.{parameter}, which is not valid on {host}."
    yield from _task_devices(task)


def _task_devices(task: TaskDefinition) -> Findings:
    for container in task.containers:
        linux = container.get("linuxParameters", {})
        added = [name.removeprefix("CAP_") for name in linux.get("capabilities", {}).get("add", [])]
        if task.on_fargate and set(added) - {"SYS_PTRACE"}:
            yield f"{_label(container)} adds capabilities {', '.join(added)}; Fargate allows SYS_PTRACE only."
        yield from _between(f"{_label(container)}: swappiness", linux.get("swappiness"), 0, 100)
        for need in container.get("resourceRequirements", []):
            kind = need.get("type")
            if task.on_fargate:
                yield f"{_label(container)} needs a {kind}; Fargate has none."
            elif kind == "NeuronDevice" and task.compatibilities != {"MANAGED_INSTANCES"}:
                yield f"{_label(container)} needs a NeuronDevice; only Managed Instances have these."
            elif kind == "InferenceAccelerator" and task.on_managed_instances:
                yield f"{_label(container)} needs an InferenceAccelerator; Managed Instances have none."
            if ("value" in need) == ("sharingStrategy" in need):
                yield f"{_label(container)}: a {kind} needs a value or a sharingStrategy, and not both."
    if task.on_fargate:
        for volume in task.request.get("volumes", []):
            if volume.get("host", {}).get("sourcePath"):
                yield f"Volume {volume.get('name', '')!r} has a sourcePath on the host, which Fargate does not have."


def _task_resources(task: TaskDefinition) -> Findings:
    """Containers within the task; memory somewhere [model: ContainerDefinition cpu, memory, memoryReservation]."""
    cpu = reserved = 0
    for container in task.containers:
        hard, soft = container.get("memory"), container.get("memoryReservation")
        cpu += container.get("cpu", 0)
        reserved += soft or hard or 0
        if container.get("cpu", 0) < 0:
            yield f"{_label(container)} has cpu {container['cpu']}; it cannot be negative."
        for field, value in (("memory", hard), ("memoryReservation", soft)):
            if value is not None and value < MIN_CONTAINER_MEMORY_MIB:
                yield f"{_label(container)} has {field} {value} MiB; Docker needs at least {MIN_CONTAINER_MEMORY_MIB} MiB."
        if hard is not None and soft is not None and hard <= soft:
            yield f"{_label(container)} has memory {hard} MiB, which must be above its memoryReservation of {soft} MiB."
        if hard is not None and task.memory_mib is not None and hard > task.memory_mib:
            yield f"{_label(container)} has memory {hard} MiB, more than the task's {task.memory_mib} MiB."
        if "memory" not in task.request and not task.on_fargate and not (hard or soft):
            yield f"{_label(container)} has no memory and no memoryReservation, and the task has no memory either."
    if task.cpu_units is not None and cpu > task.cpu_units:
        yield f"The containers reserve {cpu} CPU units, more than the task's {task.cpu_units}."
    if task.memory_mib is not None and reserved > task.memory_mib:
        yield f"The containers reserve {reserved} MiB, more than the task's {task.memory_mib} MiB."


def _task_ports(task: TaskDefinition) -> Findings:
    mode = task.network_mode
    claimed: list[tuple[int, str]] = []
    names: list[str] = []
    for container in task.containers:
        mappings = container.get("portMappings", [])
        if mappings and mode == "none":
            yield f"{_label(container)} maps ports, which networkMode none does not allow."
        for mapping in mappings:
            yield from _port_mapping(container, mapping, mode)
            names.extend([mapping["name"]] if "name" in mapping else [])
            port = mapping.get("hostPort" if mode == "bridge" else "containerPort")
            if port:
                claimed.append((port, mapping.get("protocol", "tcp")))
        for parameter in ("links",) if mode != "bridge" else ():
            if _is_set(container.get(parameter)):
                yield f"{_label(container)} has links; these work with networkMode bridge only, not {mode}."
        for parameter in ("hostname", "extraHosts") if mode == "awsvpc" else ():
            if _is_set(container.get(parameter)):
                yield f"{_label(container)} has {parameter}, which networkMode awsvpc does not allow."
    for port, protocol in _repeated(claimed):
        yield f"Port {port}/{protocol} is claimed twice in one task with networkMode {mode}."
    for name in _repeated(names):
        yield f"Two port mappings are called {name!r}."


def _port_mapping(container: Request, mapping: Request, mode: str) -> Findings:
    where, inner, outer = _label(container), mapping.get("containerPort"), mapping.get("hostPort")
    span = mapping.get("containerPortRange")
    if "name" in mapping and not PORT_NAME.fullmatch(mapping["name"]):
        yield f"{where} names a port {mapping['name']!r}; use up to 64 lower-case letters, digits, _ and -, no - first."
    if span is not None:
        match = re.fullmatch(r"([0-9]+)-([0-9]+)", span)
        if not match or not 1 <= int(match[1]) < int(match[2]) <= 65535:
            yield f"{where} has containerPortRange {span!r}; write it as first-last, within 1 to 65535."
        if inner is not None or outer is not None:
            yield f"{where} has a containerPortRange together with a containerPort or hostPort."
        if mode not in {"bridge", "awsvpc"}:
            yield f"{where} has a containerPortRange; that needs networkMode bridge or awsvpc."
        return
    if inner is None:
        yield f"{where} has a port mapping without containerPort."
    yield from _between(f"{where}: containerPort", inner, 1, 65535)
    yield from _between(f"{where}: hostPort", outer, 0, 65535)
    if mode in {"awsvpc", "host"} and outer not in {None, inner}:
        yield f"{where} maps containerPort {inner} to hostPort {outer}; with {mode} leave hostPort out or make it equal."
    taken = outer or inner if mode == "host" else outer
    if mode in {"bridge", "host"} and taken in AGENT_PORTS and mapping.get("protocol") != "udp":
        yield f"{where} uses hostPort {taken}, which the instance reserves."
    if mode == "bridge" and outer is not None and outer >= EPHEMERAL_PORTS_FROM and outer not in AGENT_PORTS:
        yield f"{where} uses hostPort {outer}, in the range that Docker hands out; use 0 or a port below 32768."


def _task_logging(task: TaskDefinition) -> Findings:
    routers = [container for container in task.containers if "firelensConfiguration" in container]
    if len(routers) > 1:
        yield "Two containers have a firelensConfiguration; a task has one log router."
    for container in task.containers:
        configuration = container.get("logConfiguration")
        if configuration is None:
            continue
        driver = configuration.get("logDriver")
        for host in task.hosts:
            if driver not in LOG_DRIVERS.get(host, {driver}):
                yield f"{_label(container)} logs with {driver}; {host} has {', '.join(sorted(LOG_DRIVERS[host]))}."
        if driver == "awsfirelens" and not routers:
            yield f"{_label(container)} logs with awsfirelens, but no container has a firelensConfiguration."
        given = {*configuration.get("options", {}), *(secret.get("name") for secret in configuration.get("secretOptions", []))}
        if driver == "splunk":
            for option in sorted({"splunk-token", "splunk-url"} - given):
                yield f"{_label(container)} logs with splunk, but has no {option}."
        if driver == "awslogs":
            yield from _awslogs(task, container, configuration.get("options", {}))
        yield from _log_delivery(container, configuration.get("options", {}))
    for container in routers:
        if task.on_fargate and container["firelensConfiguration"].get("options", {}).get("config-file-type", "file") != "file":
            yield f"{_label(container)} reads its FireLens configuration from S3; Fargate supports config-file-type file only."


def _awslogs(task: TaskDefinition, container: Request, options: Request) -> Findings:
    required = ["awslogs-group", "awslogs-region"]
    if task.on_fargate or task.on_managed_instances:
        required.append("awslogs-stream-prefix")
    for option in required:
        if not options.get(option):
            yield f"{_label(container)} logs with awslogs, but has no {option}."
    group = options.get("awslogs-group", "")
    if group and not is_placeholder(group) and not LOG_GROUP.fullmatch(group):
        yield f"{_label(container)} logs to {group!r}, which is no log group name."
    if options.get("awslogs-create-group", "false") not in {"true", "false"}:
        yield f"{_label(container)} has awslogs-create-group {options['awslogs-create-group']!r}; it is 'true' or 'false'."
    if "awslogs-datetime-format" in options and "awslogs-multiline-pattern" in options:
        yield f"{_label(container)} has both awslogs-datetime-format and awslogs-multiline-pattern."


def _log_delivery(container: Request, options: Request) -> Findings:
    if options.get("mode", "blocking") not in {"blocking", "non-blocking"}:
        yield f"{_label(container)} has log mode {options['mode']!r}; it is blocking or non-blocking."
    if not re.fullmatch(r"[1-9][0-9]*[kmgKMG]?", options.get("max-buffer-size", "10m")):
        yield f"{_label(container)} has max-buffer-size {options['max-buffer-size']!r}; write it as 25m."


def _task_roles(task: TaskDefinition) -> Findings:
    """On EC2 the instance pulls and logs; elsewhere the execution role does [guide: task execution IAM role]."""
    for field in ("executionRoleArn", "taskRoleArn"):
        yield from _arn(field, task.request.get(field, ""), "iam", "role/")
    if task.request.get("executionRoleArn"):
        return
    away_from_ec2 = task.on_fargate or task.on_managed_instances or task.is_external
    for container in task.containers:
        logs = container.get("logConfiguration", {})
        reasons = {
            "logs with awslogs": away_from_ec2 and logs.get("logDriver") == "awslogs",
            "pulls from a private ECR repository": away_from_ec2 and PRIVATE_ECR.search(container.get("image", "")),
            "reads secrets": container.get("secrets") or logs.get("secretOptions"),
            "has repositoryCredentials": container.get("repositoryCredentials"),
            "reads environmentFiles": container.get("environmentFiles"),
        }
        for reason, applies in reasons.items():
            if applies:
                yield f"{_label(container)} {reason}, but the task has no executionRoleArn."


def _task_dependencies(task: TaskDefinition) -> Findings:
    waits_for: dict[str, set[str]] = {}
    for container in task.containers:
        waits_for[container.get("name", "")] = {need.get("containerName", "") for need in container.get("dependsOn", [])}
        for need in container.get("dependsOn", []):
            other = task.container(need.get("containerName", ""))
            yield from _dependency(container, need, other)
        for link in container.get("links", []):
            if task.container(link.split(":")[0]) is None:
                yield f"{_label(container)} links to {link.split(':')[0]!r}, which is no container of this task."
        for source in container.get("volumesFrom", []):
            if task.container(source.get("sourceContainer", "")) is None:
                yield f"{_label(container)} takes volumes from {source.get('sourceContainer')!r}, which is no container here."
    while free := [name for name, others in waits_for.items() if not others & waits_for.keys()]:
        for name in free:
            del waits_for[name]
    if waits_for:
        yield f"The containers {', '.join(map(repr, sorted(waits_for)))} wait for each other in a circle."
    proxy = task.request.get("proxyConfiguration", {}).get("containerName")
    if proxy is not None and proxy not in task.container_names:
        yield f"proxyConfiguration names {proxy!r}, which is no container of this task."


def _dependency(container: Request, need: Request, other: Request | None) -> Findings:
    condition = need.get("condition")
    if other is None:
        yield f"{_label(container)} depends on {need.get('containerName')!r}, which is no container of this task."
    elif condition == "HEALTHY" and "healthCheck" not in other:
        yield f"{_label(container)} waits until {other.get('name')!r} is HEALTHY, but that has no healthCheck."
    elif condition in {"COMPLETE", "SUCCESS"} and other.get("essential", True):
        yield f"{_label(container)} waits for {condition} of {other.get('name')!r}, which is essential and must not end."


def _task_volumes(task: TaskDefinition) -> Findings:
    volumes = task.request.get("volumes", [])
    names = [volume.get("name", "") for volume in volumes]
    for name in _repeated(names):
        yield f"Two volumes are called {name!r}."
    for volume in volumes:
        yield from _named("The name of a volume", volume.get("name", ""))
        kinds = [kind for kind in volume if kind == "host" or kind.endswith("VolumeConfiguration")]
        if len(kinds) > 1:
            yield f"Volume {volume.get('name', '')!r} is of several kinds: {', '.join(kinds)}."
        yield from _efs(volume.get("name", ""), volume.get("efsVolumeConfiguration", {}))
    for container in task.containers:
        for mount in container.get("mountPoints", []):
            if mount.get("sourceVolume") not in names:
                yield f"{_label(container)} mounts {mount.get('sourceVolume')!r}, which is no volume of this task."
            if not mount.get("containerPath"):
                yield f"{_label(container)} has a mount point without containerPath."


def _efs(name: str, efs: Request) -> Findings:
    authorization = efs.get("authorizationConfig", {})
    encrypted = efs.get("transitEncryption") == "ENABLED"
    if authorization.get("iam") == "ENABLED" and not encrypted:
        yield f"Volume {name!r} uses IAM authorization of EFS, which needs transitEncryption ENABLED."
    if "accessPointId" in authorization:
        if not encrypted:
            yield f"Volume {name!r} uses an EFS access point, which needs transitEncryption ENABLED."
        if efs.get("rootDirectory", "/") != "/":
            yield f"Volume {name!r} uses an EFS access point; its rootDirectory must be / or left out."


def _task_container_details(task: TaskDefinition) -> Findings:
    for container in task.containers:
        where = _label(container)
        if "healthCheck" in container:
            yield from _health_check(where, container["healthCheck"])
        if "restartPolicy" in container:
            policy = container["restartPolicy"]
            yield from _between(f"{where}: restartAttemptPeriod", policy.get("restartAttemptPeriod"), 60, 1800)
            if len(policy.get("ignoredExitCodes", [])) > 50:
                yield f"{where} ignores more than 50 exit codes."
        for field in ("startTimeout", "stopTimeout"):
            value = container.get(field)
            if task.on_fargate:
                yield from _between(f"{where}: {field} on Fargate", value, 2, 120)
            elif value is not None and value < 0:
                yield f"{where} has {field} {value}; it cannot be negative."
        limits = container.get("ulimits", [])
        for name in _repeated(limit.get("name") for limit in limits):
            yield f"{where} has the ulimit {name} twice."
        for limit in limits:
            if limit.get("softLimit", 0) > limit.get("hardLimit", math.inf):
                yield f"{where} has a softLimit of {limit.get('name')} above its hardLimit."
            if task.on_fargate and limit.get("name") == "nofile" and limit.get("hardLimit", 0) > 1_048_576:
                yield f"{where} has a nofile limit above 1048576, the most on Fargate."


def _health_check(where: str, check: Request) -> Findings:
    command = check.get("command", [])
    if not command or command[0] not in {"CMD", "CMD-SHELL"} or len(command) < 2:
        yield f"{where} has the health check command {list(command)}; it must start with CMD or CMD-SHELL and run something."
    elif command[0] == "CMD-SHELL" and len(command) > 2:
        yield f"{where} has a CMD-SHELL health check in several strings; the shell takes one."
    for field, low, high in (("interval", 5, 300), ("timeout", 2, 60), ("retries", 1, 10), ("startPeriod", 0, 300)):
        yield from _between(f"{where}: health check {field}", check.get(field), low, high)


def _task_environment(task: TaskDefinition) -> Findings:
    for container in task.containers:
        where = _label(container)
        variables = [variable.get("name", "") for variable in container.get("environment", [])]
        secrets = [secret.get("name", "") for secret in container.get("secrets", [])]
        for name in _repeated([*variables, *secrets]):
            yield f"{where} sets the variable {name!r} twice."
        if "" in variables or "" in secrets:
            yield f"{where} sets a variable without a name."
        for secret in container.get("secrets", []):
            source = secret.get("valueFrom", "")
            if not source or (source.startswith("arn:") and ":secretsmanager:" not in source and ":ssm:" not in source):
                yield f"{where} reads the secret {secret.get('name')!r} from {source!r}, not from Secrets Manager or SSM."
        files = container.get("environmentFiles", [])
        if len(files) > 10:
            yield f"{where} has {len(files)} environmentFiles; 10 are allowed."
        for file in files:
            if not file.get("value", "").endswith(".env") and not is_placeholder(file.get("value", "")):
                yield f"{where} reads {file.get('value')!r}; an environment file ends in .env."


def _task_placement_constraints(task: TaskDefinition) -> Findings:
    yield from _constraints(task.request.get("placementConstraints", []))


def _constraints(constraints: Sequence[Request]) -> Findings:
    if len(constraints) > 10:
        yield f"There are {len(constraints)} placement constraints; 10 are allowed."
    for constraint in constraints:
        expression = constraint.get("expression", "")
        if constraint.get("type") == "distinctInstance" and expression:
            yield "The placement constraint distinctInstance takes no expression."
        if constraint.get("type") == "memberOf" and not 1 <= len(expression) <= 2000:
            yield f"A placement constraint memberOf needs an expression of 1 to 2000 characters, not {len(expression)}."


def _task_security(task: TaskDefinition) -> Findings:
    for field in ("pidMode", "ipcMode"):
        if task.request.get(field) == "host":
            yield f"{field} host opens the instance to the task."
    for container in task.containers:
        if container.get("privileged"):
            yield f"{_label(container)} is privileged: it is root on the instance."
        added = container.get("linuxParameters", {}).get("capabilities", {}).get("add", [])
        for capability in sorted({"ALL", "SYS_ADMIN", "SYS_MODULE", "CAP_SYS_ADMIN"} & set(added)):
            yield f"{_label(container)} adds the capability {capability}: it is as good as privileged."


def _task_limits(task: TaskDefinition) -> Findings:
    yield from _tags(task.request.get("tags", []))
    storage = task.request.get("ephemeralStorage")
    if storage is not None:
        yield from _between("ephemeralStorage.sizeInGiB", storage.get("sizeInGiB"), 21, 200)
        if not task.on_fargate:
            yield "ephemeralStorage is for tasks on Fargate only."
    size = len(json.dumps(task.request, default=str).encode())
    if size > TASK_DEFINITION_BYTES:
        yield f"The task definition has {size} bytes; 64 KiB are allowed."


# Capacity: clusters, providers, strategies -------------------------------------------------------------------------------


@_rule("ecs", "CreateCluster")
def _cluster(request: Request) -> Findings:
    yield from _named("clusterName", request.get("clusterName", "default"))
    yield from _tags(request.get("tags", []))
    for setting in request.get("settings", []):
        if setting.get("value") not in {"enhanced", "enabled", "disabled"}:
            yield f"containerInsights is {setting.get('value')!r}; it is enhanced, enabled or disabled."
    command = request.get("configuration", {}).get("executeCommandConfiguration", {})
    if command.get("logging") == "OVERRIDE" and "logConfiguration" not in command:
        yield "executeCommandConfiguration needs a logConfiguration when logging is OVERRIDE."


@_rule("ecs", "CreateCluster", "PutClusterCapacityProviders")
def _cluster_providers(request: Request) -> Findings:
    providers = request.get("capacityProviders", [])
    strategy = request.get("defaultCapacityProviderStrategy", [])
    for name in _repeated(providers):
        yield f"Capacity provider {name!r} is listed twice."
    for name in providers:
        yield from _provider_reference(name)
    yield from _strategy(strategy, "defaultCapacityProviderStrategy")
    for item in strategy:
        if item.get("capacityProvider") not in providers:
            yield f"The default strategy uses {item.get('capacityProvider')!r}, which capacityProviders does not list."


def _provider_reference(name: str) -> Findings:
    if name in FARGATE_PROVIDERS or is_placeholder(name):
        return
    if name.startswith("arn:"):
        yield f"A capacity provider goes by its short name, not {name!r}."
    elif re.match("aws|ecs|fargate", name, re.IGNORECASE):
        yield f"There can be no capacity provider {name!r}: aws, ecs and fargate are reserved prefixes."
    else:
        yield from _named("The name of a capacity provider", name)


def _strategy(items: Sequence[Request], where: str) -> Findings:
    """One kind, one base, some weight [model: CapacityProviderStrategyItem; guide: launch types and capacity providers]."""
    names = [item.get("capacityProvider", "") for item in items]
    if len(items) > 20:
        yield f"{where} has {len(items)} capacity providers; 20 are allowed."
    for name in names:
        yield from _provider_reference(name)
    for name in _repeated(names):
        yield f"{where} uses {name!r} twice."
    if {name in FARGATE_PROVIDERS for name in names} == {True, False}:
        yield f"{where} mixes Fargate with other capacity providers; a strategy has one kind."
    based = [item.get("capacityProvider", "") for item in items if item.get("base", 0) > 0]
    if len(based) > 1:
        yield f"{where} gives a base to {', '.join(based)}; only one capacity provider can have one."
    if items and not any(item.get("weight", 0) > 0 for item in items):
        yield f"{where} has no weight above 0, so no task beyond the base can start."


@_rule("ecs", "CreateCapacityProvider")
def _capacity_provider(request: Request) -> Findings:
    name = request.get("name", "")
    if name in FARGATE_PROVIDERS:
        yield f"{name} exists already; only capacity providers of your own are created."
    yield from _provider_reference(name)
    yield from _tags(request.get("tags", []))
    group, managed = request.get("autoScalingGroupProvider"), request.get("managedInstancesProvider")
    if (group is None) == (managed is None):
        yield "A capacity provider needs autoScalingGroupProvider or managedInstancesProvider, and not both."
    if group is not None:
        yield from _group_provider(group)
    if managed is not None:
        if not request.get("cluster"):
            yield "A capacity provider of Managed Instances needs its cluster."
        yield from _managed_instances_provider(managed)


def _group_provider(group: Request) -> Findings:
    yield from _arn("autoScalingGroupArn", group.get("autoScalingGroupArn", ""), "autoscaling", "autoScalingGroup:")
    scaling = group.get("managedScaling", {})
    if group.get("managedTerminationProtection") == "ENABLED" and scaling.get("status") != "ENABLED":
        yield "managedTerminationProtection needs managedScaling with status ENABLED."
    if scaling.get("minimumScalingStepSize", 1) > scaling.get("maximumScalingStepSize", 10_000):
        yield "minimumScalingStepSize is above maximumScalingStepSize."


def _managed_instances_provider(provider: Request) -> Findings:
    template = provider.get("instanceLaunchTemplate", {})
    yield from _arn("infrastructureRoleArn", provider.get("infrastructureRoleArn", ""), "iam", "role/")
    yield from _arn("ec2InstanceProfileArn", template.get("ec2InstanceProfileArn", ""), "iam", "instance-profile/")
    network = template.get("networkConfiguration", {})
    if not network.get("subnets"):
        yield "Managed Instances need at least one subnet."
    yield from _subnets_and_groups(network)
    yield from _between("storageSizeGiB", template.get("storageConfiguration", {}).get("storageSizeGiB"), 30, 16_384)
    idle = provider.get("infrastructureOptimization", {}).get("scaleInAfter")
    yield from _between("scaleInAfter", idle, -1, 3600)
    reserved = template.get("capacityOptionType") == "RESERVED"
    if "capacityReservations" in template and not reserved:
        yield "capacityReservations need capacityOptionType RESERVED."
    yield from _instance_requirements(template.get("instanceRequirements", {}))


def _instance_requirements(requirements: Request) -> Findings:
    """Attribute-based selection; members start in lower case in the ECS API and in upper case elsewhere."""
    members = {name[:1].lower() + name[1:]: value for name, value in requirements.items()}
    for name, value in members.items():
        if isinstance(value, Mapping):
            low, high = (value.get(end, value.get(end.title())) for end in ("min", "max"))
            if low is not None and high is not None and low > high:
                yield f"Instance requirements: {name} has a minimum of {low} above its maximum of {high}."
    for first, second in (
        ("allowedInstanceTypes", "excludedInstanceTypes"),
        ("spotMaxPricePercentageOverLowestPrice", "maxSpotPriceAsPercentageOfOptimalOnDemandPrice"),
    ):
        if first in members and second in members:
            yield f"Instance requirements: {first} and {second} exclude each other."


# Services ----------------------------------------------------------------------------------------------------------------


@_rule("ecs", "CreateService")
def _service(request: Request) -> Findings:
    yield from _named("serviceName", request.get("serviceName", ""))
    yield from _tags(request.get("tags", []))
    controller = request.get("deploymentController", {}).get("type", "ECS")
    if controller != "EXTERNAL" and not request.get("taskDefinition"):
        yield f"A service with the {controller} deployment controller needs a taskDefinition."
    yield from _service_count(request)
    yield from _scheduling(request, controller)
    yield from _deployment(request, controller)
    yield from _load_balancers(request, controller)
    yield from _discovery(request)
    yield from _high_resolution(request, controller)
    token = request.get("clientToken", "")
    if len(token) > 36 or not all(33 <= ord(character) <= 126 for character in token):
        yield "clientToken has up to 36 ASCII characters without spaces."


@_rule("ecs", "CreateService", "RunTask")
def _launch(request: Request) -> Findings:
    launch_type, strategy = request.get("launchType"), request.get("capacityProviderStrategy", [])
    if launch_type is not None and strategy:
        yield "launchType and capacityProviderStrategy exclude each other."
    if launch_type == "MANAGED_INSTANCES":
        yield "Managed Instances are reached by a capacityProviderStrategy, not by a launchType."
    yield from _strategy(strategy, "capacityProviderStrategy")
    fargate = _on_fargate(request)
    if fargate:
        for field in ("placementStrategy", "placementConstraints"):
            if request.get(field):
                yield f"Fargate supports no {field}."
        if not request.get("networkConfiguration", {}).get("awsvpcConfiguration"):
            yield "On Fargate networkConfiguration.awsvpcConfiguration with subnets is needed."
    platform = request.get("platformVersion")
    if platform is not None:
        if platform not in FARGATE_PLATFORM_VERSIONS:
            yield f"platformVersion is {platform!r}; Fargate has {', '.join(sorted(FARGATE_PLATFORM_VERSIONS))}."
        if launch_type in {"EC2", "EXTERNAL"} or (strategy and not fargate):
            yield "platformVersion is for Fargate only."
    reference = request.get("taskDefinition", "")
    if reference and not is_placeholder(reference) and not TASK_DEFINITION.fullmatch(reference):
        yield f"taskDefinition is {reference!r}; write family, family:revision or the ARN."
    yield from _between("count", request.get("count"), 1, 10)
    yield from _placement(request)
    yield from _network(request, launch_type)


def _on_fargate(request: Request) -> bool:
    names = {item.get("capacityProvider") for item in request.get("capacityProviderStrategy", [])}
    return request.get("launchType") == "FARGATE" or bool(names & FARGATE_PROVIDERS)


def _placement(request: Request) -> Findings:
    strategies = request.get("placementStrategy", [])
    if len(strategies) > 5:
        yield f"There are {len(strategies)} placement strategies; 5 are allowed."
    for strategy in strategies:
        kind, field = strategy.get("type"), strategy.get("field", "")
        if kind == "binpack" and field not in {"cpu", "memory"}:
            yield f"The placement strategy binpack packs by cpu or memory, not by {field!r}."
        if kind == "spread" and field not in {"instanceId", "host"} and not re.fullmatch(r"attribute:\S+", field):
            yield f"The placement strategy spread goes over instanceId, host or attribute:..., not {field!r}."
        if kind == "random" and field:
            yield "The placement strategy random takes no field."
    yield from _constraints(request.get("placementConstraints", []))


def _network(request: Request, launch_type: str | None) -> Findings:
    network = request.get("networkConfiguration", {}).get("awsvpcConfiguration")
    if network is None:
        return
    if not network.get("subnets"):
        yield "awsvpcConfiguration needs at least one subnet."
    if len(network.get("subnets", [])) > 16:
        yield f"awsvpcConfiguration has {len(network['subnets'])} subnets; 16 are allowed."
    if len(network.get("securityGroups", [])) > 5:
        yield f"awsvpcConfiguration has {len(network['securityGroups'])} security groups; 5 are allowed."
    yield from _subnets_and_groups(network)
    if network.get("assignPublicIp") == "ENABLED" and launch_type in {"EC2", "EXTERNAL"}:
        yield f"assignPublicIp ENABLED works on Fargate only, not with launchType {launch_type}."


def _subnets_and_groups(network: Request) -> Findings:
    for field, prefix in (("subnets", "subnet-"), ("securityGroups", "sg-")):
        values = network.get(field, [])
        for value in _repeated(values):
            yield f"{field} holds {value!r} twice."
        for value in values:
            if not is_placeholder(value) and not value.startswith(prefix):
                yield f"{field} holds {value!r}, which does not start with {prefix}."


def _service_count(request: Request) -> Findings:
    daemon = request.get("schedulingStrategy") == "DAEMON"
    desired = request.get("desiredCount")
    if desired is None and not daemon:
        yield "A REPLICA service needs a desiredCount."
    discovered = bool(request.get("serviceRegistries")) or request.get("serviceConnectConfiguration", {}).get("enabled", False)
    most = MAX_TASKS_WITH_DISCOVERY if discovered else MAX_TASKS
    yield from _between("desiredCount", desired, 0, most)


def _scheduling(request: Request, controller: str) -> Findings:
    if request.get("schedulingStrategy") == "DAEMON":
        if _on_fargate(request):
            yield "Fargate does not support schedulingStrategy DAEMON."
        if controller != "ECS":
            yield f"The {controller} deployment controller does not support schedulingStrategy DAEMON."
        if request.get("placementStrategy"):
            yield "A DAEMON service takes no placementStrategy: it runs one task on every instance."
        if request.get("deploymentConfiguration", {}).get("maximumPercent", 100) != 100:
            yield "A DAEMON service has a maximumPercent of 100."
    if request.get("availabilityZoneRebalancing") == "ENABLED":
        yield from _rebalancing(request)


def _rebalancing(request: Request) -> Findings:
    strategies = request.get("placementStrategy", [])
    first = strategies[0] if strategies else None
    obstacles = {
        "a REPLICA service": request.get("schedulingStrategy") == "DAEMON",
        "Availability Zone spread as the first placement strategy": first is not None and not _is_zone_spread(first),
        "a maximumPercent above 100": request.get("deploymentConfiguration", {}).get("maximumPercent", 200) <= 100,
        "no Classic Load Balancer": any("loadBalancerName" in balancer for balancer in request.get("loadBalancers", [])),
        "no placement constraint on Availability Zones": any(
            "ecs.availability-zone" in constraint.get("expression", "")
            for constraint in request.get("placementConstraints", [])
        ),
        "another launch type than EXTERNAL": request.get("launchType") == "EXTERNAL",
    }
    for need, is_missing in obstacles.items():
        if is_missing:
            yield f"availabilityZoneRebalancing needs {need}."


def _is_zone_spread(strategy: Request) -> bool:
    return strategy.get("type") == "spread" and strategy.get("field") == ZONE_FIELD


def _deployment(request: Request, controller: str) -> Findings:
    deployment = request.get("deploymentConfiguration", {})
    strategy = deployment.get("strategy", "ROLLING")
    rolling = controller == "ECS" and strategy == "ROLLING"
    if rolling:
        yield from _rolling_limits(request, deployment)
    breaker = deployment.get("deploymentCircuitBreaker", {})
    if breaker.get("enable") and not rolling:
        yield f"The deployment circuit breaker works with rolling updates only, not with {controller} {strategy}."
    if strategy != "ROLLING":
        yield from _shifting(request, deployment, controller, strategy)
    for kind in ("LINEAR", "CANARY"):
        if f"{kind.lower()}Configuration" in deployment and strategy != kind:
            yield f"{kind.lower()}Configuration is valid with strategy {kind} only."


def _rolling_limits(request: Request, deployment: Request) -> Findings:
    """A deployment moves when it may start a task beyond the desired ones or stop one of them [model: maximumPercent]."""
    daemon = request.get("schedulingStrategy") == "DAEMON"
    low = deployment.get("minimumHealthyPercent", 0 if daemon else 100)
    high = deployment.get("maximumPercent", 100 if daemon else 200)
    desired = request.get("desiredCount", 0)
    if low < 0 or low > 100:
        yield f"minimumHealthyPercent is {low}; it must be from 0 to 100."
    elif high < 100:
        yield f"maximumPercent is {high}; it cannot be below 100."
    elif low == 100 and high == 100:
        yield "minimumHealthyPercent and maximumPercent are both 100, so no deployment can move."
    elif desired > 0 and desired * high // 100 <= desired and -(-desired * low // 100) >= desired:
        yield (
            f"With desiredCount {desired}, minimumHealthyPercent {low} and maximumPercent {high} round to {desired} tasks "
            "each way, so no deployment can move."
        )


def _shifting(request: Request, deployment: Request, controller: str, strategy: str) -> Findings:
    if controller != "ECS":
        yield f"Deployment strategy {strategy} needs the ECS deployment controller, not {controller}."
    if not request.get("loadBalancers") and not request.get("serviceConnectConfiguration", {}).get("enabled"):
        yield f"Deployment strategy {strategy} needs a load balancer or Service Connect."
    if strategy == "BLUE_GREEN" and "bakeTimeInMinutes" not in deployment:
        yield "Deployment strategy BLUE_GREEN needs bakeTimeInMinutes."
    linear, canary = deployment.get("linearConfiguration", {}), deployment.get("canaryConfiguration", {})
    yield from _between("linearConfiguration.stepPercent", linear.get("stepPercent"), 3, 100)
    yield from _between("linearConfiguration.stepBakeTimeInMinutes", linear.get("stepBakeTimeInMinutes"), 0, 1440)
    yield from _between("canaryConfiguration.canaryPercent", canary.get("canaryPercent"), 0.1, 100)
    yield from _between("canaryConfiguration.canaryBakeTimeInMinutes", canary.get("canaryBakeTimeInMinutes"), 0, 1440)


def _load_balancers(request: Request, controller: str) -> Findings:
    balancers = request.get("loadBalancers", [])
    groups = [balancer["targetGroupArn"] for balancer in balancers if "targetGroupArn" in balancer]
    if len(groups) > 5:
        yield f"The service has {len(groups)} target groups; 5 are allowed."
    for balancer in balancers:
        if ("targetGroupArn" in balancer) == ("loadBalancerName" in balancer):
            yield "A load balancer needs a targetGroupArn or, when Classic, a loadBalancerName, and not both."
        for field in ("containerName", "containerPort"):
            if not balancer.get(field):
                yield f"A load balancer needs the {field} that it sends to."
        yield from _between("A load balancer's containerPort", balancer.get("containerPort"), 1, 65535)
        yield from _arn("targetGroupArn", balancer.get("targetGroupArn", ""), "elasticloadbalancing", "targetgroup/")
        if "loadBalancerName" in balancer and "networkConfiguration" in request:
            yield "Tasks with networkMode awsvpc work with target groups only, not with a Classic Load Balancer."
    behind = bool(balancers or request.get("vpcLatticeConfigurations") or request.get("gatewayConnectors"))
    grace = request.get("healthCheckGracePeriodSeconds")
    if grace and not behind:
        yield "healthCheckGracePeriodSeconds is only for a service behind a load balancer."
    yield from _between("healthCheckGracePeriodSeconds", grace, 0, 2_147_483_647)
    if controller == "CODE_DEPLOY" and not groups:
        yield "The CODE_DEPLOY deployment controller needs a load balancer with a target group."
    if "role" in request and (not balancers or "networkConfiguration" in request):
        yield "role is for a service behind a load balancer whose tasks do not use networkMode awsvpc."


def _discovery(request: Request) -> Findings:
    registries = request.get("serviceRegistries", [])
    if len(registries) > 1:
        yield f"The service has {len(registries)} service registries; 1 is allowed."
    for registry in registries:
        if "port" in registry and ("containerName" in registry or "containerPort" in registry):
            yield "A service registry has a port or a container, not both."
        if ("containerName" in registry) != ("containerPort" in registry):
            yield "A service registry names containerName and containerPort together."
    connect = request.get("serviceConnectConfiguration", {})
    for service in connect.get("services", []):
        if len(service.get("clientAliases", [])) > 1:
            yield f"Service Connect: port {service.get('portName')!r} has several clientAliases; 1 is allowed."


def _high_resolution(request: Request, controller: str) -> Findings:
    for metrics in request.get("monitoring", {}).get("metricConfigurations", []):
        seconds = metrics.get("resolutionSeconds", 60)
        if seconds not in {20, 60}:
            yield f"monitoring has a resolution of {seconds} s; ECS has 20 and 60."
        classic = any("loadBalancerName" in balancer for balancer in request.get("loadBalancers", []))
        if seconds == 20 and (controller != "ECS" or classic):
            yield "20-second metrics need the ECS deployment controller and no Classic Load Balancer."


# Service auto scaling ----------------------------------------------------------------------------------------------------


@_rule("application-autoscaling", "RegisterScalableTarget", "PutScalingPolicy", "PutScheduledAction")
def _scalable_service(request: Request) -> Findings:
    namespace, dimension = request.get("ServiceNamespace", ""), request.get("ScalableDimension", "")
    if namespace != "ecs" or dimension != "ecs:service:DesiredCount":
        yield f"An ECS service scales as ecs and ecs:service:DesiredCount, not as {namespace} and {dimension}."
    resource = request.get("ResourceId", "")
    if not SCALABLE_RESOURCE.fullmatch(resource):
        yield f"ResourceId is {resource!r}; write service/<cluster>/<service>."


@_rule("application-autoscaling", "RegisterScalableTarget")
def _scalable_target(request: Request) -> Findings:
    for field in ("MinCapacity", "MaxCapacity"):
        if field not in request:
            yield f"A new scalable target needs {field}."
    yield from _capacity_bounds(request)
    yield from _arn("RoleARN", request.get("RoleARN", ""), "iam", "role/")


def _capacity_bounds(request: Request) -> Findings:
    low, high = request.get("MinCapacity"), request.get("MaxCapacity")
    yield from _between("MinCapacity", low, 0, MAX_TASKS)
    yield from _between("MaxCapacity", high, 0, MAX_TASKS)
    if low is not None and high is not None and low > high:
        yield f"MinCapacity {low} is above MaxCapacity {high}."


@_rule("application-autoscaling", "PutScheduledAction")
def _scheduled_action(request: Request) -> Findings:
    schedule = request.get("Schedule", "")
    if not schedule:
        yield "A new scheduled action needs a Schedule."
    elif not _is_schedule(schedule):
        yield f"Schedule is {schedule!r}; write at(...), rate(n minutes) or cron(...) with six fields, one of the days ?."
    action = request.get("ScalableTargetAction", {})
    if not action:
        yield "A scheduled action needs a ScalableTargetAction with MinCapacity, MaxCapacity or both."
    yield from _capacity_bounds(action)
    zone = request.get("Timezone")
    if zone is not None and not _is_time_zone(zone):
        yield f"Timezone is {zone!r}, which is no IANA time zone."


def _is_schedule(text: str) -> bool:
    if match := re.fullmatch(r"cron\((.*)\)", text):
        fields = match[1].split()
        return len(fields) == 6 and "?" in {fields[2], fields[4]}
    if match := re.fullmatch(r"rate\(([1-9][0-9]*) (minute|hour|day)(s?)\)", text):
        return (match[1] == "1") != bool(match[3])
    return re.fullmatch(r"at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)", text) is not None


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@_rule("application-autoscaling", "PutScalingPolicy")
def _scaling_policy(request: Request) -> Findings:
    kind = request.get("PolicyType")
    if kind is None:
        yield "A new scaling policy needs a PolicyType."
        return
    for other, field in POLICY_CONFIGURATIONS.items():
        if other == kind and field not in request:
            yield f"A policy of type {kind} needs {field}."
        if other != kind and field in request:
            yield f"A policy of type {kind} cannot have {field}."
    if kind == "TargetTrackingScaling":
        yield from _target_tracking(request.get("TargetTrackingScalingPolicyConfiguration", {}))
    if kind == "StepScaling":
        yield from _step_scaling(request.get("StepScalingPolicyConfiguration", {}))
    if kind == "PredictiveScaling":
        yield from _predictive_scaling(request.get("PredictiveScalingPolicyConfiguration", {}))


def _target_tracking(policy: Request) -> Findings:
    predefined, custom = policy.get("PredefinedMetricSpecification"), policy.get("CustomizedMetricSpecification")
    if (predefined is None) == (custom is None):
        yield "Target tracking needs a predefined or a customized metric, and not both."
    if policy.get("TargetValue", 1) <= 0:
        yield f"TargetValue is {policy['TargetValue']}; it must be above 0."
    for field in ("ScaleOutCooldown", "ScaleInCooldown"):
        if policy.get(field, 0) < 0:
            yield f"{field} is {policy[field]}; it cannot be negative."
    if predefined is not None:
        yield from _predefined_metric(predefined)
    if custom is not None:
        yield from _customized_metric(custom)


def _predefined_metric(metric: Request) -> Findings:
    kind, label = metric.get("PredefinedMetricType"), metric.get("ResourceLabel")
    if kind not in ECS_SCALING_METRICS:
        yield f"{kind} is no metric of an ECS service."
    if kind == "ALBRequestCountPerTarget":
        if not label:
            yield "ALBRequestCountPerTarget needs a ResourceLabel."
        elif not is_placeholder(label) and not RESOURCE_LABEL.fullmatch(label):
            yield f"ResourceLabel is {label!r}; write app/<balancer>/<id>/targetgroup/<group>/<id>."
    elif label is not None:
        yield f"ResourceLabel is only for ALBRequestCountPerTarget, not for {kind}."


def _customized_metric(metric: Request) -> Findings:
    simple = [field for field in ("MetricName", "Namespace", "Statistic") if field in metric]
    queries = metric.get("Metrics", [])
    if bool(simple) == bool(queries):
        yield "A customized metric is one metric or a list of Metrics, and not both."
    elif simple and len(simple) < 3:
        yield "A customized metric needs MetricName, Namespace and Statistic."
    if not queries:
        return
    ids = [query.get("Id", "") for query in queries]
    for name in _repeated(ids):
        yield f"Two metric queries have the Id {name!r}."
    for query in queries:
        if not re.fullmatch(r"[a-z][A-Za-z0-9_]*", query.get("Id", "")):
            yield f"The Id {query.get('Id')!r} must be letters, digits and _, with a lower-case letter first."
        if ("Expression" in query) == ("MetricStat" in query):
            yield f"Metric query {query.get('Id')!r} needs an Expression or a MetricStat, and not both."
    if sum(query.get("ReturnData", True) for query in queries) != 1:
        yield "Exactly one metric query must have ReturnData."


def _step_scaling(policy: Request) -> Findings:
    kind, steps = policy.get("AdjustmentType"), policy.get("StepAdjustments", [])
    if kind is None:
        yield "Step scaling needs an AdjustmentType."
    if not steps:
        yield "Step scaling needs at least one StepAdjustment."
    if "MinAdjustmentMagnitude" in policy and kind != "PercentChangeInCapacity":
        yield "MinAdjustmentMagnitude is for PercentChangeInCapacity only."
    if policy.get("Cooldown", 0) < 0:
        yield f"Cooldown is {policy['Cooldown']}; it cannot be negative."
    spans = sorted(
        (step.get("MetricIntervalLowerBound", -math.inf), step.get("MetricIntervalUpperBound", math.inf)) for step in steps
    )
    for low, high in spans:
        if low >= high:
            yield f"A step from {low} to {high} is empty."
    for (_, high), (low, _) in pairwise(spans):
        if high != low:
            yield f"The steps {'overlap' if high > low else 'leave a gap'} between {low} and {high}."
    if kind == "ExactCapacity" and any(step.get("ScalingAdjustment", 0) < 0 for step in steps):
        yield "ExactCapacity cannot be negative."


def _predictive_scaling(policy: Request) -> Findings:
    specifications = policy.get("MetricSpecifications", [])
    if len(specifications) != 1:
        yield f"Predictive scaling has {len(specifications)} metric specifications; it needs 1."
    for specification in specifications:
        if specification.get("TargetValue", 1) <= 0:
            yield f"TargetValue is {specification['TargetValue']}; it must be above 0."
        if len(specification) < 2:
            yield "Predictive scaling needs a metric beside its TargetValue."
    if policy.get("SchedulingBufferTime", 0) >= 3600:
        yield "SchedulingBufferTime must be below 3600 s."
    if ("MaxCapacityBuffer" in policy) != (policy.get("MaxCapacityBreachBehavior") == "IncreaseMaxCapacity"):
        yield "MaxCapacityBuffer goes with MaxCapacityBreachBehavior IncreaseMaxCapacity."


# Scheduled tasks ---------------------------------------------------------------------------------------------------------


@_rule("scheduler", "CreateSchedule")
def _schedule(request: Request) -> Findings:
    if not _is_schedule(request.get("ScheduleExpression", "")):
        yield f"ScheduleExpression is {request.get('ScheduleExpression')!r}; write at(...), rate(n minutes) or cron(...)."
    if not _is_time_zone(request.get("ScheduleExpressionTimezone", "UTC")):
        yield f"ScheduleExpressionTimezone is {request['ScheduleExpressionTimezone']!r}, which is no IANA time zone."
    target = request.get("Target", {})
    parameters = target.get("EcsParameters")
    if parameters is None:
        yield "A schedule of tasks needs EcsParameters."
        return
    yield from _arn("Target.Arn", target.get("Arn", ""), "ecs", "cluster/")
    yield from _arn("Target.RoleArn", target.get("RoleArn", ""), "iam", "role/")
    yield from _between("TaskCount", parameters.get("TaskCount"), 1, 10)
    network = parameters.get("NetworkConfiguration", {}).get("awsvpcConfiguration")
    launch = {name[:1].lower() + name[1:]: value for name, value in parameters.items() if name != "NetworkConfiguration"}
    if network is not None:
        low = {name[:1].lower() + name[1:]: value for name, value in network.items()}
        launch["networkConfiguration"] = {"awsvpcConfiguration": low}
    yield from _launch(launch)


# EC2 capacity ------------------------------------------------------------------------------------------------------------


@_rule("autoscaling", "CreateAutoScalingGroup")
def _auto_scaling_group(request: Request) -> Findings:
    name = request.get("AutoScalingGroupName", "")
    if not is_placeholder(name) and (":" in name or not all(33 <= ord(character) <= 126 for character in name)):
        yield f"AutoScalingGroupName is {name!r}; use ASCII without spaces and colons."
    low, high = request.get("MinSize", 0), request.get("MaxSize", 0)
    desired = request.get("DesiredCapacity", low)
    if not 0 <= low <= desired <= high:
        yield f"MinSize {low}, DesiredCapacity {desired} and MaxSize {high} must rise, from 0 on."
    sources = ("LaunchTemplate", "MixedInstancesPolicy", "LaunchConfigurationName", "InstanceId")
    if sum(source in request for source in sources) != 1:
        yield f"A group needs exactly one of {', '.join(sources)}."
    if "LaunchConfigurationName" in request:
        yield "Launch configurations are closed to new accounts; use a launch template."
    if not request.get("VPCZoneIdentifier") and not request.get("AvailabilityZones"):
        yield "A group needs subnets in VPCZoneIdentifier, or AvailabilityZones."
    subnets = [subnet.strip() for subnet in request.get("VPCZoneIdentifier", "").split(",") if subnet]
    yield from _subnets_and_groups({"subnets": subnets})
    for kind in request.get("HealthCheckType", "EC2").split(","):
        if kind not in {"EC2", "EBS", "ELB", "VPC_LATTICE"}:
            yield f"HealthCheckType is {kind!r}; it is EC2, EBS, ELB or VPC_LATTICE."
    lifetime = request.get("MaxInstanceLifetime", 0)
    if lifetime != 0 and lifetime < 86_400:
        yield f"MaxInstanceLifetime is {lifetime} s; it is 0 or at least 86400."
    yield from _tags(request.get("Tags", []), "Key")
    for hook in request.get("LifecycleHookSpecificationList", []):
        yield from _between("HeartbeatTimeout", hook.get("HeartbeatTimeout"), 30, 7200)
        if not re.fullmatch(r"autoscaling:EC2_INSTANCE_(LAUNCHING|TERMINATING)", hook.get("LifecycleTransition", "")):
            yield f"LifecycleTransition is {hook.get('LifecycleTransition')!r}, which Auto Scaling does not have."
    if "LaunchTemplate" in request:
        yield from _template_reference(request["LaunchTemplate"])
    if "MixedInstancesPolicy" in request:
        yield from _mixed_instances(request["MixedInstancesPolicy"], high)


def _template_reference(reference: Request) -> Findings:
    if ("LaunchTemplateId" in reference) == ("LaunchTemplateName" in reference):
        yield "A launch template goes by LaunchTemplateId or LaunchTemplateName, and not both."
    version = reference.get("Version", "$Default")
    if not is_placeholder(version) and not re.fullmatch(r"\$Latest|\$Default|[1-9][0-9]*", version):
        yield f"The version of the launch template is {version!r}; it is $Latest, $Default or a number."


def _mixed_instances(policy: Request, max_size: int) -> Findings:
    template = policy.get("LaunchTemplate", {})
    overrides = template.get("Overrides", [])
    if "LaunchTemplateSpecification" not in template:
        yield "MixedInstancesPolicy needs LaunchTemplate.LaunchTemplateSpecification."
    else:
        yield from _template_reference(template["LaunchTemplateSpecification"])
    if len(overrides) > 40:
        yield f"There are {len(overrides)} overrides; 40 instance types are allowed."
    by_attributes = sum("InstanceRequirements" in override for override in overrides)
    if by_attributes > 4:
        yield f"There are {by_attributes} sets of instance requirements; 4 are allowed."
    for override in overrides:
        if ("InstanceType" in override) == ("InstanceRequirements" in override):
            yield "An override needs an InstanceType or InstanceRequirements, and not both."
        if "WeightedCapacity" in override:
            yield "ECS managed scaling does not support WeightedCapacity."
        yield from _instance_requirements(override.get("InstanceRequirements", {}))
    types = [override["InstanceType"] for override in overrides if "InstanceType" in override]
    for name in _repeated(types):
        yield f"The instance type {name} is listed twice."
    plain = [override["InstanceType"] for override in overrides if {"InstanceType"} == {*override} - {"WeightedCapacity"}]
    if len({architecture_of_type(name) for name in plain}) > 1:
        yield f"{', '.join(plain)} are of two architectures, but one launch template has one AMI."
    yield from _distribution(policy.get("InstancesDistribution", {}), by_attributes > 0, max_size)


def _distribution(distribution: Request, by_attributes: bool, max_size: int) -> Findings:
    on_demand = distribution.get("OnDemandAllocationStrategy", "lowest-price" if by_attributes else "prioritized")
    spot = distribution.get("SpotAllocationStrategy", "lowest-price")
    if on_demand not in {"prioritized", "lowest-price"}:
        yield f"OnDemandAllocationStrategy is {on_demand!r}; it is prioritized or lowest-price."
    if spot not in SPOT_STRATEGIES:
        yield f"SpotAllocationStrategy is {spot!r}; it is one of {', '.join(sorted(SPOT_STRATEGIES))}."
    if by_attributes and on_demand == "prioritized":
        yield "OnDemandAllocationStrategy prioritized does not go with InstanceRequirements."
    if by_attributes and spot == "capacity-optimized-prioritized":
        yield "SpotAllocationStrategy capacity-optimized-prioritized does not go with InstanceRequirements."
    yield from _between("OnDemandBaseCapacity", distribution.get("OnDemandBaseCapacity"), 0, max_size)
    share = distribution.get("OnDemandPercentageAboveBaseCapacity")
    yield from _between("OnDemandPercentageAboveBaseCapacity", share, 0, 100)
    pools = distribution.get("SpotInstancePools")
    yield from _between("SpotInstancePools", pools, 1, 20)
    if pools is not None and spot != "lowest-price":
        yield f"SpotInstancePools go with SpotAllocationStrategy lowest-price, not with {spot}."


@_rule("ec2", "CreateLaunchTemplate")
def _launch_template(request: Request) -> Findings:
    name = request.get("LaunchTemplateName", "")
    if not is_placeholder(name) and not TEMPLATE_NAME.fullmatch(name):
        yield f"LaunchTemplateName is {name!r}; use 3 to 128 letters, digits and ( ) . - / _."
    data = request.get("LaunchTemplateData", {})
    metadata = data.get("MetadataOptions", {})
    if metadata.get("HttpTokens") != "required":
        yield "MetadataOptions.HttpTokens must be required: IMDSv2 only."
    yield from _between("HttpPutResponseHopLimit", metadata.get("HttpPutResponseHopLimit"), 1, 64)
    if "InstanceType" in data and "InstanceRequirements" in data:
        yield "InstanceType and InstanceRequirements exclude each other."
    yield from _instance_requirements(data.get("InstanceRequirements", {}))
    profile = data.get("IamInstanceProfile", {})
    if "Arn" in profile and "Name" in profile:
        yield "IamInstanceProfile has an Arn or a Name, not both."
    yield from _arn("IamInstanceProfile.Arn", profile.get("Arn", ""), "iam", "instance-profile/")
    if data.get("NetworkInterfaces") and (data.get("SecurityGroupIds") or data.get("SecurityGroups")):
        yield "With NetworkInterfaces the security groups belong into these."
    if "CreditSpecification" in data and "InstanceType" in data and not re.match(r"t\d", data["InstanceType"]):
        yield f"CreditSpecification is for T instances, not for {data['InstanceType']}."
    yield from _volumes_of_template(data.get("BlockDeviceMappings", []))
    yield from _image(data)
    yield from _user_data(data.get("UserData"))
    for specification in data.get("TagSpecifications", []):
        yield from _tags(specification.get("Tags", []), "Key")


def _volumes_of_template(mappings: Sequence[Request]) -> Findings:
    volumes = [mapping for mapping in mappings if "Ebs" in mapping]
    if not volumes:
        yield "BlockDeviceMappings name no EBS volume, so the root volume is neither surely encrypted nor gp3."
    for name in _repeated(mapping.get("DeviceName") for mapping in mappings):
        yield f"The device {name!r} is mapped twice."
    for mapping in volumes:
        volume, where = mapping["Ebs"], f"Volume {mapping.get('DeviceName', '')!r}"
        if not mapping.get("DeviceName"):
            yield "A block device mapping needs a DeviceName."
        if volume.get("VolumeType") != "gp3":
            yield f"{where} is of type {volume.get('VolumeType', 'gp2')}; use gp3."
        if not volume.get("Encrypted"):
            yield f"{where} is not encrypted."
        yield from _between(f"{where}: VolumeSize", volume.get("VolumeSize"), 1, 65_536)
        if volume.get("VolumeType") == "gp3":
            yield from _between(f"{where}: Iops", volume.get("Iops"), 3_000, 80_000)
            yield from _between(f"{where}: Throughput", volume.get("Throughput"), 125, 2_000)
        elif "Throughput" in volume:
            yield f"{where} has a Throughput, which only gp3 takes."


def _image(data: Request) -> Findings:
    image = data.get("ImageId", "")
    if not image:
        yield "A launch template of a group needs an ImageId."
    elif not image.startswith("resolve:ssm:") and not is_placeholder(image):
        yield f"ImageId {image!r} is one AMI of one Region; use resolve:ssm: and the parameter of the ECS-optimized AMI."
    elif image.startswith("resolve:ssm:/aws/service/") and not image.split(":")[2].endswith("/image_id"):
        yield f"ImageId {image!r} resolves to a description; the parameter must end in /image_id."
    elif image.startswith("resolve:ssm:/aws/service/") and not re.search(r"/ecs/optimized-ami/|/aws-ecs-|ECS_Optimized", image):
        yield f"ImageId {image!r} is no ECS-optimized AMI."
    kind = data.get("InstanceType")
    if kind and architecture_of_image(image) not in {None, architecture_of_type(kind)}:
        yield f"The AMI is for {architecture_of_image(image)}, but {kind} is {architecture_of_type(kind)}."


def _user_data(text: str | None) -> Findings:
    if text is None:
        return
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        yield "UserData is not base64."
        return
    if len(decoded) > 16 * 1024:
        yield f"UserData has {len(decoded)} bytes; 16 KiB are allowed."
    for reserved in re.findall(rb'ECS_RESERVED_MEMORY(?:=|"\s*,\s*")([^\s"]*)', decoded):
        if not re.fullmatch(rb"\d+", reserved):  # [guide: Reserving Amazon ECS Linux container instance memory]
            yield f"ECS_RESERVED_MEMORY is {reserved.decode()!r}, no whole number of MiB."


def architecture_of_type(name: str) -> str:
    """X86_64 or ARM64: Graviton has a g behind the generation, as in ``m7gd`` (``g6e`` has none)."""
    is_arm = re.match(r"a1\.|p6e-gb|[a-z]+\d+[a-z]*g[a-z]*[.*-]", f"{name}.")
    return "ARM64" if is_arm else "X86_64"


def architecture_of_image(image: str) -> str | None:
    """The architecture that the path of a public SSM parameter names; None when it is another parameter."""
    if not image.startswith("resolve:ssm:/aws/service/"):
        return None
    return "ARM64" if re.search(r"/arm64/|/aarch64/", image) else "X86_64"


# Logs, load balancers, roles ---------------------------------------------------------------------------------------------


@_rule("logs", "CreateLogGroup")
def _log_group(request: Request) -> Findings:
    if request.get("logGroupName", "").startswith("aws/"):
        yield "A log group name cannot start with aws/."


@_rule("logs", "PutRetentionPolicy")
def _retention(request: Request) -> Findings:
    if request.get("retentionInDays", 1) not in RETENTION_DAYS:
        allowed = ", ".join(map(str, sorted(RETENTION_DAYS)))
        yield f"retentionInDays is {request['retentionInDays']}; CloudWatch Logs has {allowed}."


@_rule("elbv2", "CreateTargetGroup")
def _target_group(request: Request) -> Findings:
    yield from _load_balancer_name("target group", request.get("Name", ""))
    if request.get("TargetType", "instance") != "lambda":
        for field in ("Protocol", "Port", "VpcId"):
            if field not in request:
                yield f"A target group needs {field}."
    if request.get("TargetType") in {"lambda", "alb"}:
        yield f"ECS registers targets of type ip or instance, not {request['TargetType']}."
    timeout, interval = request.get("HealthCheckTimeoutSeconds"), request.get("HealthCheckIntervalSeconds", 30)
    if timeout is not None and timeout >= interval:
        yield f"The health check times out after {timeout} s, which must be below its interval of {interval} s."
    web = request.get("Protocol") in {"HTTP", "HTTPS"}
    probe = request.get("HealthCheckProtocol", "HTTP" if web else "TCP")
    if probe not in {"HTTP", "HTTPS", "TCP"} or (web and probe == "TCP"):
        yield f"HealthCheckProtocol {probe} does not go with a target group of {request.get('Protocol')}."
    if not request.get("HealthCheckPath", "/").startswith("/"):
        yield f"HealthCheckPath is {request['HealthCheckPath']!r}; it starts with /."
    yield from _tags(request.get("Tags", []), "Key")


def _load_balancer_name(what: str, name: str) -> Findings:
    if not is_placeholder(name) and not LOAD_BALANCER_NAME.fullmatch(name):
        yield f"The name of the {what} is {name!r}; use up to 32 letters, digits and hyphens, no hyphen at the ends."


@_rule("elbv2", "CreateLoadBalancer")
def _load_balancer(request: Request) -> Findings:
    yield from _load_balancer_name("load balancer", request.get("Name", ""))
    if request.get("Name", "").startswith("internal-"):
        yield "The name of a load balancer cannot start with internal-."
    subnets, mappings = request.get("Subnets", []), request.get("SubnetMappings", [])
    if bool(subnets) == bool(mappings):
        yield "A load balancer needs Subnets or SubnetMappings, and not both."
    if request.get("Type", "application") == "application" and len(subnets or mappings) == 1:
        yield "An Application Load Balancer needs subnets in two Availability Zones."
    yield from _subnets_and_groups({"subnets": subnets, "securityGroups": request.get("SecurityGroups", [])})


@_rule("elbv2", "CreateListener")
def _listener(request: Request) -> Findings:
    secure = request.get("Protocol") in {"HTTPS", "TLS"}
    if secure and len(request.get("Certificates", [])) != 1:
        yield f"A listener for {request['Protocol']} needs exactly one certificate."
    for action in request.get("DefaultActions", []):
        if action.get("Type") == "forward" and not ("TargetGroupArn" in action or "ForwardConfig" in action):
            yield "A forward action needs a target group."


@_rule("iam", "CreateRole")
def _role(request: Request) -> Findings:
    document = _policy(request.get("AssumeRolePolicyDocument", ""))
    if document is None:
        yield "AssumeRolePolicyDocument is no JSON policy."
    elif not _trusted_services(document) and not any("AWS" in principal for principal in _principals(document)):
        yield "AssumeRolePolicyDocument lets nobody assume the role."
    for statement in _statements(document or {}):
        if statement.get("Principal") == "*" or _as_list(_mapping(statement.get("Principal")).get("AWS")) == ["*"]:
            yield "AssumeRolePolicyDocument lets anybody assume the role."
    yield from _tags(request.get("Tags", []), "Key")


@_rule("iam", "PutRolePolicy")
def _role_policy(request: Request) -> Findings:
    document = _policy(request.get("PolicyDocument", ""))
    if document is None:
        yield "PolicyDocument is no JSON policy."
    for statement in _statements(document or {}):
        if statement.get("Effect") == "Allow" and "*" in _as_list(statement.get("Action")):
            yield "PolicyDocument allows every action."


@_rule("iam", "AttachRolePolicy")
def _attached_policy(request: Request) -> Findings:
    yield from _arn("PolicyArn", request.get("PolicyArn", ""), "iam", "policy/")
    if re.search(r":policy/(AdministratorAccess|PowerUserAccess)$", request.get("PolicyArn", "")):
        yield f"{request['PolicyArn']} allows nearly everything."


def _policy(text: str) -> Request | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) and document.get("Statement") else None


def _statements(document: Request) -> list[Request]:
    return [statement for statement in _as_list(document.get("Statement")) if isinstance(statement, dict)]


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _mapping(value: object) -> Request:
    return value if isinstance(value, dict) else {}


def _principals(document: Request) -> list[Request]:
    return [_mapping(item.get("Principal")) for item in _statements(document) if item.get("Effect") == "Allow"]


def _trusted_services(document: Request) -> set[str]:
    return {service for principal in _principals(document) for service in _as_list(principal.get("Service"))}


def _allowed_actions(document: Request) -> set[str]:
    allowing = [item for item in _statements(document) if item.get("Effect") == "Allow"]
    return {action for item in allowing for action in _as_list(item.get("Action")) if isinstance(action, str)}


# Requests together -------------------------------------------------------------------------------------------------------


def check_set(calls: Iterable[Call]) -> list[str]:
    """What requests say about each other that cannot be. The order of the calls does not matter; see ``check_order``."""
    well_formed, findings = [], []
    for call in calls:
        if _is_well_formed(call):
            well_formed.append(call)
        else:
            findings.append(f"{call[1]} is not well-formed (see check_call) and was left out of the rules between calls.")
    together = CallSet(well_formed)
    for rules in (
        _set_names,
        _set_capacity,
        _set_services,
        _set_scaling,
        _set_logs,
        _set_roles,
    ):
        findings.extend(rules(together))
    return list(dict.fromkeys(findings))


def _is_well_formed(call: Call) -> bool:
    service, operation, request = call
    shape = input_shape(service, operation)
    return shape is not None and not _has_wrong_type(_model_errors(request, shape))


def check_all(calls: Iterable[Call]) -> list[str]:
    """``check_call`` for every call, with what it is about, then ``check_set``."""
    listed = list(calls)
    findings = [
        f"{operation} {_subject(request)}: {finding}"
        for service, operation, request in listed
        for finding in check_call(service, operation, request)
    ]
    return [*findings, *check_set(listed)]


SUBJECT_FIELDS = (
    "serviceName",
    "family",
    "name",
    "clusterName",
    "cluster",
    "PolicyName",
    "ScheduledActionName",
    "ResourceId",
    "AutoScalingGroupName",
    "LaunchTemplateName",
    "logGroupName",
    "RoleName",
    "Name",
)


def _subject(request: Request) -> str:
    return repr(next((request[field] for field in SUBJECT_FIELDS if field in request), ""))


class CallSet:
    """Requests by what they make."""

    def __init__(self, calls: Iterable[Call]) -> None:
        self.requests: defaultdict[str, list[Request]] = defaultdict(list)
        for _, operation, request in calls:
            self.requests[operation].append(request)
        self.clusters = self._by_name("CreateCluster", "clusterName", "default")
        self.tasks = {
            name: TaskDefinition(request) for name, request in self._by_name("RegisterTaskDefinition", "family").items()
        }
        self.providers = self._by_name("CreateCapacityProvider", "name")
        self.groups = self._by_name("CreateAutoScalingGroup", "AutoScalingGroupName")
        self.templates = self._by_name("CreateLaunchTemplate", "LaunchTemplateName")
        self.target_groups = self._by_name("CreateTargetGroup", "Name")
        self.log_groups = self._by_name("CreateLogGroup", "logGroupName")
        self.roles = self._by_name("CreateRole", "RoleName")
        self.services: Sequence[Request] = self.requests["CreateService"]
        self.targets = self._by_name("RegisterScalableTarget", "ResourceId")
        self.associated: defaultdict[str, set[str]] = defaultdict(set)
        self.default_strategy: dict[str, Sequence[Request]] = {}
        for request in [*self.requests["CreateCluster"], *self.requests["PutClusterCapacityProviders"]]:
            cluster = last_part(request.get("clusterName", request.get("cluster", "default")))
            self.associated[cluster].update(request.get("capacityProviders", []))
            if request.get("defaultCapacityProviderStrategy"):
                self.default_strategy[cluster] = request["defaultCapacityProviderStrategy"]
        for name, request in self.providers.items():
            if "managedInstancesProvider" in request and "cluster" in request:
                self.associated[last_part(request["cluster"])].add(name)

    def _by_name(self, operation: str, field: str, default: str = "") -> dict[str, Request]:
        return {request.get(field, default): request for request in self.requests[operation]}

    def task_of(self, service: Request) -> TaskDefinition | None:
        match = TASK_DEFINITION.fullmatch(service.get("taskDefinition", ""))
        return self.tasks.get(match[1]) if match else None

    def strategy_of(self, service: Request) -> Sequence[Request]:
        if "launchType" in service:
            return []
        return service.get("capacityProviderStrategy") or self.default_strategy.get(cluster_of(service), [])

    def kinds_of(self, service: Request) -> set[str]:
        """The launch types behind a service; empty when its capacity provider is not in the set."""
        if "launchType" in service:
            return {service["launchType"]}
        strategy = self.strategy_of(service)
        if not strategy:
            return {"EC2"}  # the default of a cluster without a default strategy
        return {kind for item in strategy if (kind := self.kind_of_provider(item.get("capacityProvider", "")))}

    def kind_of_provider(self, name: str) -> str | None:
        if name in FARGATE_PROVIDERS:
            return "FARGATE"
        request = self.providers.get(name)
        if request is None:
            return None
        return "MANAGED_INSTANCES" if "managedInstancesProvider" in request else "EC2"

    def group_of(self, provider: Request) -> Request | None:
        return _lookup(provider.get("autoScalingGroupProvider", {}).get("autoScalingGroupArn", ""), self.groups)

    def templates_of(self, group: Request) -> list[Request]:
        mixed = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
        references = [group.get("LaunchTemplate", {}), mixed.get("LaunchTemplateSpecification", {})]
        references += [override.get("LaunchTemplateSpecification", {}) for override in mixed.get("Overrides", [])]
        names = [reference.get("LaunchTemplateName", reference.get("LaunchTemplateId", "")) for reference in references]
        found = [_lookup(name, self.templates) for name in names if name]
        return [template for template in found if template is not None]

    def target_group_of(self, balancer: Request) -> Request | None:
        arn = balancer.get("targetGroupArn", "")
        match = re.search(r"targetgroup/([^/]+)", arn)
        return _lookup(match[1] if match else arn, self.target_groups)

    def role_of(self, arn: str) -> Request | None:
        return self.roles.get(last_part(arn))

    def policies_of(self, role: str) -> set[str]:
        attached = self.requests["AttachRolePolicy"]
        return {last_part(request.get("PolicyArn", "")) for request in attached if request.get("RoleName") == role}

    def inline_actions_of(self, role: str) -> set[str]:
        inline = [request for request in self.requests["PutRolePolicy"] if request.get("RoleName") == role]
        return {action for request in inline for action in _allowed_actions(_policy(request.get("PolicyDocument", "")) or {})}


def last_part(reference: str) -> str:
    """The name at the end of an ARN, or the name itself."""
    return re.split("[/:]", reference)[-1] if reference.startswith("arn:") else reference


def cluster_of(request: Request) -> str:
    return last_part(request.get("cluster", "default"))


def resource_id(service: Request) -> str:
    return f"service/{cluster_of(service)}/{service.get('serviceName', '')}"


def _lookup(reference: str, table: Mapping[str, Request]) -> Request | None:
    """What a name, an ARN or a placeholder refers to; a placeholder is taken for the only one that there is."""
    for name in (reference, last_part(reference)):
        if name in table:
            return table[name]
    if is_placeholder(last_part(reference)) and len(table) == 1:
        return next(iter(table.values()))
    return None


def _is_missing(reference: str, table: Mapping[str, object]) -> bool:
    return reference not in table and last_part(reference) not in table and not is_placeholder(last_part(reference))


def _set_names(calls: CallSet) -> Findings:
    for operation, field in (
        ("CreateCluster", "clusterName"),
        ("CreateCapacityProvider", "name"),
        ("CreateAutoScalingGroup", "AutoScalingGroupName"),
        ("CreateLaunchTemplate", "LaunchTemplateName"),
        ("CreateLogGroup", "logGroupName"),
        ("CreateTargetGroup", "Name"),
        ("CreateRole", "RoleName"),
        ("RegisterScalableTarget", "ResourceId"),
    ):
        for name in _repeated(request.get(field, "default") for request in calls.requests[operation]):
            yield f"{operation} is called twice for {name!r}."
    for name in _repeated(resource_id(service) for service in calls.services):
        yield f"CreateService is called twice for {name!r}."
    policies = [(request.get("ResourceId"), request.get("PolicyName")) for request in calls.requests["PutScalingPolicy"]]
    for resource, name in _repeated(policies):
        yield f"The scaling policy {name!r} of {resource} is put twice, so the second replaces the first."


# Capacity across calls


def _set_capacity(calls: CallSet) -> Findings:
    for request in calls.requests["PutClusterCapacityProviders"]:
        if _is_missing(request.get("cluster", "default"), calls.clusters):
            yield f"PutClusterCapacityProviders is for the cluster {request.get('cluster')!r}, which nothing creates."
    for cluster, names in calls.associated.items():
        for name in sorted(names):
            if name not in FARGATE_PROVIDERS and _is_missing(name, calls.providers):
                yield f"Cluster {cluster!r} lists the capacity provider {name!r}, which nothing creates."
    for cluster, strategy in calls.default_strategy.items():
        yield from _one_kind(calls, strategy, f"The default strategy of cluster {cluster!r}")
    for name, provider in calls.providers.items():
        if "autoScalingGroupProvider" in provider:
            yield from _set_group_provider(calls, name, provider)
        elif "cluster" in provider and _is_missing(provider["cluster"], calls.clusters):
            yield f"Capacity provider {name!r} is for the cluster {provider['cluster']!r}, which nothing creates."
    arns = [provider.get("autoScalingGroupProvider", {}).get("autoScalingGroupArn") for provider in calls.providers.values()]
    for arn in _repeated(arn for arn in arns if arn):
        yield f"Two capacity providers have the Auto Scaling group {arn!r}."
    for name, group in calls.groups.items():
        yield from _set_group(calls, name, group)


def _one_kind(calls: CallSet, strategy: Sequence[Request], where: str) -> Findings:
    kinds = {calls.kind_of_provider(item.get("capacityProvider", "")) for item in strategy} - {None}
    if len(kinds) > 1:
        yield f"{where} mixes {' and '.join(sorted(map(str, kinds)))}; a strategy has one kind of capacity provider."


def _set_group_provider(calls: CallSet, name: str, provider: Request) -> Findings:
    settings = provider["autoScalingGroupProvider"]
    arn, group = settings.get("autoScalingGroupArn", ""), calls.group_of(provider)
    clusters = sorted(cluster for cluster, names in calls.associated.items() if name in names)
    if settings.get("managedScaling", {}).get("status") == "ENABLED" and len(clusters) > 1:
        yield f"Capacity provider {name!r} has managed scaling and belongs to {len(clusters)} clusters; it can serve one."
    if group is None:
        if _is_missing(arn, calls.groups):
            yield f"Capacity provider {name!r} has the Auto Scaling group {arn!r}, which nothing creates."
        return
    protected = group.get("NewInstancesProtectedFromScaleIn", False)
    if settings.get("managedTerminationProtection") == "ENABLED" and not protected:
        yield f"Capacity provider {name!r} protects from termination, so its group needs NewInstancesProtectedFromScaleIn."
    if group.get("MaxSize", 1) == 0:
        yield f"Capacity provider {name!r} cannot scale out: MaxSize of its group is 0."
    for template in calls.templates_of(group):
        label, joined = template.get("LaunchTemplateName"), joined_cluster(template)
        if "IamInstanceProfile" not in template.get("LaunchTemplateData", {}):
            yield f"Launch template {label!r} has no IamInstanceProfile, so its instances cannot register."
        known = [cluster for cluster in clusters if not is_placeholder(cluster)]
        if joined is not None and known and joined not in known:
            yield f"Launch template {label!r} puts instances into {joined!r}, but their provider serves {known[0]!r}."


def joined_cluster(template: Request) -> str | None:
    """The cluster that instances of a launch template register with; None when a placeholder names it."""
    try:
        text = base64.b64decode(template.get("LaunchTemplateData", {}).get("UserData", ""), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    named = r"""ECS_CLUSTER=["']?([^\s"'\\]+)|cluster\s*=\s*"([^"]+)"|-Cluster\s+["']?([^\s"']+)"""
    names = [part for match in re.finditer(named, text) for part in match.groups() if part]
    name = names[-1] if names else "default"
    return None if is_placeholder(name) else name


def _set_group(calls: CallSet, name: str, group: Request) -> Findings:
    mixed = group.get("MixedInstancesPolicy", {})
    references = [group.get("LaunchTemplate", {}), mixed.get("LaunchTemplate", {}).get("LaunchTemplateSpecification", {})]
    for reference in references:
        template = reference.get("LaunchTemplateName")
        if template is not None and _is_missing(template, calls.templates):
            yield f"Group {name!r} uses the launch template {template!r}, which nothing creates."
    templates = calls.templates_of(group)
    for template in templates:
        data = template.get("LaunchTemplateData", {})
        if mixed and "InstanceMarketOptions" in data:
            yield f"Group {name!r} has a MixedInstancesPolicy, so its launch template cannot have InstanceMarketOptions."
        if not types_of(group) and not {"InstanceType", "InstanceRequirements"} & data.keys() and not _requirements_of(group):
            yield f"Group {name!r} has no instance type, neither in overrides nor in its launch template."
    if len(templates) == 1:
        image = architecture_of_image(templates[0].get("LaunchTemplateData", {}).get("ImageId", ""))
        for kind in types_of(group):
            if image not in {None, architecture_of_type(kind)}:
                yield f"Group {name!r} launches {kind}, which is {architecture_of_type(kind)}, with an AMI for {image}."


def types_of(group: Request) -> list[str]:
    overrides = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {}).get("Overrides", [])
    return [override["InstanceType"] for override in overrides if "InstanceType" in override]


def _requirements_of(group: Request) -> list[Request]:
    overrides = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {}).get("Overrides", [])
    return [override["InstanceRequirements"] for override in overrides if "InstanceRequirements" in override]


def _architectures_of_group(calls: CallSet, group: Request) -> set[str]:
    """What the AMIs and instance types of a group say; empty when nothing does."""
    found = {architecture_of_type(kind) for kind in types_of(group)}
    requirements = list(_requirements_of(group))
    for template in calls.templates_of(group):
        data = template.get("LaunchTemplateData", {})
        if image := architecture_of_image(data.get("ImageId", "")):
            found.add(image)
        if "InstanceType" in data and not types_of(group):
            found.add(architecture_of_type(data["InstanceType"]))
        requirements += [data["InstanceRequirements"]] if "InstanceRequirements" in data else []
    for requirement in requirements:
        found |= _architectures_of_manufacturers(requirement.get("CpuManufacturers", []))
    return found


def _architectures_of_manufacturers(names: Iterable[str]) -> set[str]:
    return {"ARM64" if name in {"amazon-web-services", "apple"} else "X86_64" for name in names}


def _architectures_of_managed(provider: Request) -> set[str]:
    template = provider.get("managedInstancesProvider", {}).get("instanceLaunchTemplate", {})
    requirements = template.get("instanceRequirements", {})
    types = [name for name in requirements.get("allowedInstanceTypes", []) if re.match(r"[a-z]+\d+[a-z-]*\.", name)]
    if types and len(types) == len(requirements["allowedInstanceTypes"]):
        return {architecture_of_type(name) for name in types}
    return _architectures_of_manufacturers(requirements.get("cpuManufacturers", []))


# Services across calls


def _set_services(calls: CallSet) -> Findings:
    for service in calls.services:
        name = f"Service {service.get('serviceName', '')!r}"
        if _is_missing(service.get("cluster", "default"), calls.clusters):
            yield f"{name} is for the cluster {cluster_of(service)!r}, which nothing creates."
        yield from _set_strategy(calls, service, name)
        yield from _set_placement(calls, service, name)
        reference, task = service.get("taskDefinition", ""), calls.task_of(service)
        if task is not None:
            for rules in (
                _set_compatibility,
                _set_architecture,
                _set_network,
                _set_targets,
                _set_platform,
                _set_volumes,
                _set_fit,
            ):
                yield from rules(calls, service, task, name)
        elif reference and not is_placeholder(reference):
            yield f"{name} runs the task definition {reference!r}, which nothing registers."


def _set_strategy(calls: CallSet, service: Request, name: str) -> Findings:
    strategy, cluster = calls.strategy_of(service), cluster_of(service)
    yield from _one_kind(calls, strategy, f"{name}: the strategy")
    for item in service.get("capacityProviderStrategy", []):
        provider = item.get("capacityProvider", "")
        if provider not in FARGATE_PROVIDERS and _is_missing(provider, calls.providers):
            yield f"{name} uses the capacity provider {provider!r}, which nothing creates."
        elif provider not in calls.associated[cluster] and not is_placeholder(provider) and not is_placeholder(cluster):
            yield f"{name} uses the capacity provider {provider!r}, which is not associated with cluster {cluster!r}."
    if "launchType" not in service and not strategy and "FARGATE" not in calls.kinds_of(service):
        task = calls.task_of(service)
        if task is not None and task.compatibilities and "EC2" not in task.compatibilities:
            yield f"{name} has neither launchType nor strategy and its cluster no default strategy, so it is placed on EC2."


def _set_placement(calls: CallSet, service: Request, name: str) -> Findings:
    """Zones first, then packing; but below a target of 100 % packing first, or each task gets an instance [guide]."""
    if calls.kinds_of(service) & {"FARGATE"} and service.get("placementStrategy"):
        yield f"{name} runs on Fargate, which supports no placementStrategy."
    strategies = service.get("placementStrategy", [])
    packs = [index for index, strategy in enumerate(strategies) if strategy.get("type") == "binpack"]
    spreads = [index for index, strategy in enumerate(strategies) if strategy.get("type") == "spread"]
    zones = [index for index, strategy in enumerate(strategies) if _is_zone_spread(strategy)]
    spare = [
        provider
        for item in calls.strategy_of(service)
        if (provider := item.get("capacityProvider", "")) and _keeps_spare_capacity(calls.providers.get(provider, {}))
    ]
    if spare and spreads and packs and spreads[0] < packs[0]:
        yield f"{name} spreads before it packs; with targetCapacity below 100 of {spare[0]!r}, binpack must come first."
    elif spare and spreads and not packs:
        yield f"{name} spreads without binpack; with targetCapacity below 100 of {spare[0]!r}, each task gets an instance."
    elif not spare and zones and packs and packs[0] < zones[0]:
        yield f"{name} packs before it spreads over Availability Zones, so one zone fills first; spread must come first."


def _keeps_spare_capacity(provider: Request) -> bool:
    scaling = provider.get("autoScalingGroupProvider", {}).get("managedScaling", {})
    return scaling.get("status") == "ENABLED" and bool(scaling.get("targetCapacity", 100) < 100)


def _set_compatibility(calls: CallSet, service: Request, task: TaskDefinition, name: str) -> Findings:
    for kind in sorted(calls.kinds_of(service)):
        listed = task.compatibilities or {"EC2", "EXTERNAL"}
        if kind not in listed:
            given = ", ".join(sorted(task.compatibilities)) or "nothing"
            yield f"{name} runs on {kind}, but its task definition lists {given} in requiresCompatibilities."


def _set_architecture(calls: CallSet, service: Request, task: TaskDefinition, name: str) -> Findings:
    used = [
        calls.providers[provider]
        for item in calls.strategy_of(service)
        if (provider := item.get("capacityProvider")) in calls.providers
    ]
    for provider in used:
        group = calls.group_of(provider)
        found = _architectures_of_group(calls, group) if group is not None else _architectures_of_managed(provider)
        if found and (task.architecture not in found or (group is not None and len(found) > 1)):
            launched = " and ".join(sorted(found))
            yield f"{name} is built for {task.architecture}, but {provider.get('name')!r} launches {launched}."
    if service.get("launchType") == "EC2" and calls.groups:
        found = set().union(*(_architectures_of_group(calls, group) for group in calls.groups.values()))
        if found and task.architecture not in found:
            yield f"{name} is built for {task.architecture}, but the groups launch {' and '.join(sorted(found))}."
    for provider in used:
        group = calls.group_of(provider)
        for template in calls.templates_of(group) if group is not None else []:
            image = template.get("LaunchTemplateData", {}).get("ImageId", "")
            is_windows = "windows" in image.lower()
            if image.startswith("resolve:ssm:/aws/service/") and is_windows != task.is_windows:
                yield f"{name} needs {task.operating_system}, but the AMI is {image!r}."
            elif task.is_windows:
                yield from _windows_host(template.get("LaunchTemplateData", {}), task, name)


def _windows_host(data: Request, task: TaskDefinition, name: str) -> Findings:
    """Amazon ECS Developer Guide, "Bootstrapping Amazon ECS Windows container instances to pass data"."""
    _, _, year, edition = task.operating_system.split("_")
    if f"-{year}-English-{edition.title()}-" not in data.get("ImageId", f"-{year}-English-{edition.title()}-"):
        yield f"{name} needs {task.operating_system}, but the AMI is {data['ImageId']!r}."
    text = base64.b64decode(data.get("UserData", "")).decode()
    if not text.startswith("<powershell>"):
        yield f"{name} runs Windows, whose user data is in <powershell>."
    if task.network_mode == "awsvpc" and "-EnableTaskENI" not in text:
        yield f"{name} has networkMode awsvpc, so Initialize-ECSAgent needs -EnableTaskENI."
    if "taskRoleArn" in task.request and "-EnableTaskIAMRole" not in text:
        yield f"{name} has a task role, so Initialize-ECSAgent needs -EnableTaskIAMRole."
    drivers = {container.get("logConfiguration", {}).get("logDriver", "json-file") for container in task.containers}
    if "awslogs" in drivers and not (
        re.search("-LoggingDrivers '[^']*awslogs", text) and "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE" in text
    ):
        yield f"{name} logs with awslogs, which the agent on Windows neither offers nor lets use the execution role by itself."


def _set_network(calls: CallSet, service: Request, task: TaskDefinition, name: str) -> Findings:
    given = "networkConfiguration" in service
    if task.network_mode == "awsvpc" and not given:
        yield f"{name} runs tasks with networkMode awsvpc, so it needs a networkConfiguration."
    if task.network_mode != "awsvpc" and given:
        yield f"{name} has a networkConfiguration, but its tasks have networkMode {task.network_mode}."
    public = service.get("networkConfiguration", {}).get("awsvpcConfiguration", {}).get("assignPublicIp") == "ENABLED"
    if public and not calls.kinds_of(service) <= {"FARGATE"}:
        yield f"{name} has assignPublicIp ENABLED, which does not work on instances."


def _set_targets(calls: CallSet, service: Request, task: TaskDefinition, name: str) -> Findings:
    pairs = [*service.get("loadBalancers", []), *service.get("serviceRegistries", [])]
    for pair in pairs:
        if "containerName" not in pair:
            continue
        container, port = task.container(pair["containerName"]), pair.get("containerPort")
        if container is None:
            yield f"{name} sends to container {pair['containerName']!r}, which its task definition does not have."
        elif port is not None and not _has_port(container, port):
            yield f"{name} sends to port {port} of container {pair['containerName']!r}, which does not map it."
    for balancer in service.get("loadBalancers", []):
        group = calls.target_group_of(balancer)
        if "loadBalancerName" in balancer and task.network_mode == "awsvpc":
            yield f"{name} has a Classic Load Balancer, which does not work with networkMode awsvpc."
        if group is not None:
            kind, needed = group.get("TargetType", "instance"), "ip" if task.network_mode == "awsvpc" else "instance"
            if kind != needed:
                yield f"{name} has networkMode {task.network_mode}, so its target group must be of type {needed}, not {kind}."
        elif "targetGroupArn" in balancer and calls.target_groups and not is_placeholder(balancer["targetGroupArn"]):
            yield f"{name} is behind the target group {balancer['targetGroupArn']!r}, which nothing creates."
    ports = {mapping.get("name") for container in task.containers for mapping in container.get("portMappings", [])}
    connect = service.get("serviceConnectConfiguration", {}).get("services", [])
    for entry in [*connect, *service.get("vpcLatticeConfigurations", []), *service.get("gatewayConnectors", [])]:
        if entry.get("portName") not in ports:
            yield f"{name} offers the port {entry.get('portName')!r}, which no port mapping is called."


def _has_port(container: Request, port: int) -> bool:
    for mapping in container.get("portMappings", []):
        match = re.fullmatch(r"([0-9]+)-([0-9]+)", mapping.get("containerPortRange", ""))
        if mapping.get("containerPort") == port or (match and int(match[1]) <= port <= int(match[2])):
            return True
    return False


def _set_platform(calls: CallSet, service: Request, task: TaskDefinition, name: str) -> Findings:
    used = {item.get("capacityProvider") for item in calls.strategy_of(service)}
    if task.is_windows and "FARGATE_SPOT" in used:
        yield f"{name} runs Windows, which FARGATE_SPOT does not."
    if "FARGATE" not in calls.kinds_of(service):
        return
    version = service.get("platformVersion", "LATEST")
    newest = {"LATEST", "1.0.0"} if task.is_windows else {"LATEST", "1.4.0"}
    reasons = {
        "a Windows task": task.is_windows,
        f"a task of {task.cpu_units} CPU units": (task.cpu_units or 0) >= LARGE_FARGATE_CPU_UNITS,
        "ephemeralStorage": "ephemeralStorage" in task.request,
        "ARM64": task.architecture == "ARM64",
        "pidMode": "pidMode" in task.request,
    }
    for reason, applies in reasons.items():
        if applies and version not in newest:
            yield f"{name} has platformVersion {version}, but {reason} needs {' or '.join(sorted(newest))}."


def _set_volumes(_: CallSet, service: Request, task: TaskDefinition, name: str) -> Findings:
    late = {volume.get("name") for volume in task.request.get("volumes", []) if volume.get("configuredAtLaunch")}
    given = {volume.get("name") for volume in service.get("volumeConfigurations", [])}
    for volume in sorted(map(str, given ^ late)):
        yield f"{name}: volume {volume!r} must be configuredAtLaunch in the task definition and configured in the service."


def _set_fit(calls: CallSet, service: Request, task: TaskDefinition, name: str) -> Findings:
    """Only what the requirements of Managed Instances rule out: no table of instance types is at hand here."""
    for item in calls.strategy_of(service):
        provider = calls.providers.get(item.get("capacityProvider", ""), {})
        template = provider.get("managedInstancesProvider", {}).get("instanceLaunchTemplate", {})
        requirements = template.get("instanceRequirements", {})
        vcpu, memory = requirements.get("vCpuCount", {}).get("max"), requirements.get("memoryMiB", {}).get("max")
        if vcpu is not None and (task.cpu_units or 0) > vcpu * 1024:
            yield f"{name} needs {task.cpu_units} CPU units, but {provider.get('name')!r} takes instances up to {vcpu} vCPU."
        if memory is not None and (task.memory_mib or 0) >= memory:
            yield f"{name} needs {task.memory_mib} MiB, but {provider.get('name')!r} takes instances up to {memory} MiB."


# Scaling, logs and roles across calls


def _set_scaling(calls: CallSet) -> Findings:
    services = {resource_id(service): service for service in calls.services}
    for resource, target in calls.targets.items():
        service = services.get(resource)
        if service is None:
            if not is_placeholder(resource):
                yield f"The scalable target {resource} is no service of this set."
            continue
        if service.get("schedulingStrategy") == "DAEMON":
            yield f"The scalable target {resource} is a DAEMON service, which does not scale."
        low, high, desired = target.get("MinCapacity", 0), target.get("MaxCapacity", MAX_TASKS), service.get("desiredCount")
        if desired is not None and not low <= desired <= high:
            yield f"{resource} has desiredCount {desired}, outside its scalable target of {low} to {high}."
    for operation in ("PutScalingPolicy", "PutScheduledAction"):
        for request in calls.requests[operation]:
            resource = request.get("ResourceId", "")
            if resource not in calls.targets and not is_placeholder(resource):
                yield f"{operation} is for {resource}, which no call registers as a scalable target."
    seen: list[tuple[str, str]] = []
    for policy in calls.requests["PutScalingPolicy"]:
        resource = policy.get("ResourceId", "")
        metric = policy.get("TargetTrackingScalingPolicyConfiguration", {}).get("PredefinedMetricSpecification", {})
        if metric:
            seen.append((resource, metric.get("PredefinedMetricType", "")))
            yield from _set_metric(calls, policy, metric, services.get(resource))
    for resource, kind in _repeated(seen):
        yield f"{resource} has two target tracking policies on {kind}."


def _set_metric(calls: CallSet, policy: Request, metric: Request, service: Request | None) -> Findings:
    if service is None:
        return
    name, kind = f"Policy {policy.get('PolicyName', '')!r}", metric.get("PredefinedMetricType", "")
    target = policy["TargetTrackingScalingPolicyConfiguration"].get("TargetValue", 0)
    if kind.startswith("ECSServiceAverage") and target > 100 and calls.kinds_of(service) == {"FARGATE"}:
        yield f"{name} aims at {target} % utilization, which a task on Fargate cannot reach."
    if kind.endswith("HighResolution"):
        fine = service.get("monitoring", {}).get("metricConfigurations", [])
        wanted = "CPUUtilization" if "CPU" in kind else "MemoryUtilization"
        if not any(item.get("resolutionSeconds") == 20 and wanted in item.get("metricNames", []) for item in fine):
            yield f"{name} tracks {kind}, but the service does not monitor {wanted} every 20 s."
    if kind == "ALBRequestCountPerTarget":
        balancers = service.get("loadBalancers", [])
        if not any("targetGroupArn" in balancer for balancer in balancers):
            yield f"{name} counts requests per target, but the service has no target group."
        if service.get("deploymentController", {}).get("type") == "CODE_DEPLOY":
            yield f"{name} counts requests per target, which CODE_DEPLOY does not support."
        label = RESOURCE_LABEL.fullmatch(metric.get("ResourceLabel", ""))
        arns = [balancer.get("targetGroupArn", "") for balancer in balancers]
        if label and arns and not any(is_placeholder(arn) or f"targetgroup/{label[1]}/" in arn for arn in arns):
            yield f"{name} counts requests of target group {label[1]!r}, which the service is not behind."


def _set_logs(calls: CallSet) -> Findings:
    for family, task in calls.tasks.items():
        for container in task.containers:
            configuration = container.get("logConfiguration", {})
            options = configuration.get("options", {})
            group = options.get("awslogs-group")
            if configuration.get("logDriver") != "awslogs" or not group:
                continue
            creates = options.get("awslogs-create-group") == "true"
            if not creates and group not in calls.log_groups and not is_placeholder(group):
                yield f"Task definition {family!r} logs to {group!r}, which nothing creates."
            role = calls.role_of(task.request.get("executionRoleArn", ""))
            if creates and role is not None:
                allowed = calls.inline_actions_of(role["RoleName"])
                if not allowed & {"logs:CreateLogGroup", "logs:*", "logs:Create*"}:
                    yield f"Task definition {family!r} creates its log group, which {role['RoleName']!r} does not allow."
    for request in calls.requests["PutRetentionPolicy"]:
        if _is_missing(request.get("logGroupName", ""), calls.log_groups):
            yield f"PutRetentionPolicy is for {request.get('logGroupName')!r}, which nothing creates."


def _set_roles(calls: CallSet) -> Findings:
    for family, task in calls.tasks.items():
        execution, own = task.request.get("executionRoleArn", ""), task.request.get("taskRoleArn", "")
        if execution and last_part(execution) == last_part(own):
            yield f"Task definition {family!r} has one role, {last_part(own)!r}, as execution role and task role."
        for arn in (execution, own):
            yield from _set_trust(calls, arn, "ecs-tasks.amazonaws.com")
        role = calls.role_of(execution)
        if role is not None:
            name = role["RoleName"]
            if EXECUTION_POLICY not in calls.policies_of(name) and not calls.inline_actions_of(name):
                yield f"Execution role {name!r} has neither {EXECUTION_POLICY} nor a policy of its own."
        if own and EXECUTION_POLICY in calls.policies_of(last_part(own)):
            yield f"Task role {last_part(own)!r} has {EXECUTION_POLICY}, which belongs to the execution role."
    for operation in ("AttachRolePolicy", "PutRolePolicy", "AddRoleToInstanceProfile"):
        for request in calls.requests[operation]:
            if calls.roles and _is_missing(request.get("RoleName", ""), calls.roles):
                yield f"{operation} is for the role {request.get('RoleName')!r}, which nothing creates."
    for template in calls.templates.values():
        profile = template.get("LaunchTemplateData", {}).get("IamInstanceProfile", {})
        yield from _set_profile(calls, profile.get("Arn", profile.get("Name", "")), "EC2")
    for provider in calls.providers.values():
        managed = provider.get("managedInstancesProvider", {})
        if managed:
            profile = managed.get("instanceLaunchTemplate", {}).get("ec2InstanceProfileArn", "")
            infrastructure = managed.get("infrastructureRoleArn", "")
            yield from _set_trust(calls, infrastructure, "ecs.amazonaws.com")
            yield from _set_profile(calls, profile, "MANAGED_INSTANCES", last_part(infrastructure))


def _set_trust(calls: CallSet, arn: str, service: str) -> Findings:
    role = calls.role_of(arn)
    china = f"{service}.cn" if service.startswith("ec2.") else service  # EC2 has a name of its own there
    if role is not None and not {service, china} & _trusted_services(_policy(role.get("AssumeRolePolicyDocument", "")) or {}):
        yield f"Role {role['RoleName']!r} cannot be assumed by {service}."


def _set_profile(calls: CallSet, profile: str, kind: str, infrastructure: str = "") -> Findings:
    additions = [
        request
        for request in calls.requests["AddRoleToInstanceProfile"]
        if request.get("InstanceProfileName") == last_part(profile)
    ]
    for name in [request.get("RoleName", "") for request in additions]:
        yield from _set_trust(calls, name, "ec2.amazonaws.com")
        if INSTANCE_POLICIES[kind] not in calls.policies_of(name) and not calls.inline_actions_of(name):
            yield f"Instance role {name!r} has neither {INSTANCE_POLICIES[kind]} nor a policy of its own."
        scoped = MANAGED_INFRASTRUCTURE_POLICY in calls.policies_of(infrastructure)
        if scoped and not name.startswith("ecsInstanceRole") and "iam:PassRole" not in calls.inline_actions_of(infrastructure):
            yield f"Instance role {name!r} must start with ecsInstanceRole, or {MANAGED_INFRASTRUCTURE_POLICY} cannot pass it."


# Order and advice --------------------------------------------------------------------------------------------------------


def check_order(calls: Iterable[Call]) -> list[str]:
    """Calls that come before what they need. What nothing in the list makes is left to ``check_set``."""
    listed = [(operation, request) for service, operation, request in calls if _is_well_formed((service, operation, request))]
    made: dict[tuple[str, str], int] = {}
    for index, (operation, request) in enumerate(listed):
        for key in _makes(operation, request):
            made.setdefault(key, index)
    findings = []
    for index, (operation, request) in enumerate(listed):
        for kind, name in _needs(operation, request):
            if made.get((kind, name), -1) > index:
                findings.append(f"{operation} {_subject(request)} comes before the {kind} {name!r} that it needs.")
    return list(dict.fromkeys(findings))


def _makes(operation: str, request: Request) -> Iterator[tuple[str, str]]:
    simple = {
        "RegisterTaskDefinition": ("task definition", "family"),
        "CreateCapacityProvider": ("capacity provider", "name"),
        "RegisterScalableTarget": ("scalable target", "ResourceId"),
        "CreateAutoScalingGroup": ("Auto Scaling group", "AutoScalingGroupName"),
        "CreateLaunchTemplate": ("launch template", "LaunchTemplateName"),
        "CreateTargetGroup": ("target group", "Name"),
        "CreateLogGroup": ("log group", "logGroupName"),
        "CreateRole": ("role", "RoleName"),
        "CreateInstanceProfile": ("instance profile", "InstanceProfileName"),
    }
    if operation in simple:
        kind, field = simple[operation]
        yield kind, request.get(field, "")
    if operation == "CreateCluster":
        yield "cluster", request.get("clusterName", "default")
    if operation == "CreateService":
        yield "service", resource_id(request)
    if operation in {"CreateCluster", "PutClusterCapacityProviders"}:
        cluster = last_part(request.get("clusterName", request.get("cluster", "default")))
        for provider in request.get("capacityProviders", []):
            yield f"association of cluster {cluster!r} with capacity provider", provider


def _needs(operation: str, request: Request) -> Iterator[tuple[str, str]]:
    if operation in {"CreateService", "PutClusterCapacityProviders", "CreateCapacityProvider"}:
        yield "cluster", cluster_of(request)
    if operation in {"CreateCluster", "PutClusterCapacityProviders"}:
        yield from (("capacity provider", name) for name in request.get("capacityProviders", []))
    if operation == "RegisterTaskDefinition":
        yield from (("role", last_part(request.get(field, ""))) for field in ("executionRoleArn", "taskRoleArn"))
    if operation == "CreateService":
        match = TASK_DEFINITION.fullmatch(request.get("taskDefinition", ""))
        yield "task definition", match[1] if match else ""
        for item in request.get("capacityProviderStrategy", []):
            yield f"association of cluster {cluster_of(request)!r} with capacity provider", item.get("capacityProvider", "")
            yield "capacity provider", item.get("capacityProvider", "")
        for balancer in request.get("loadBalancers", []):
            target = re.search(r"targetgroup/([^/]+)", balancer.get("targetGroupArn", ""))
            yield "target group", target[1] if target else ""
    if operation == "CreateCapacityProvider":
        yield "Auto Scaling group", last_part(request.get("autoScalingGroupProvider", {}).get("autoScalingGroupArn", ""))
        yield "role", last_part(request.get("managedInstancesProvider", {}).get("infrastructureRoleArn", ""))
    if operation == "CreateAutoScalingGroup":
        mixed = request.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {}).get("LaunchTemplateSpecification", {})
        yield "launch template", request.get("LaunchTemplate", mixed).get("LaunchTemplateName", "")
    if operation == "CreateLaunchTemplate":
        profile = request.get("LaunchTemplateData", {}).get("IamInstanceProfile", {})
        yield "instance profile", last_part(profile.get("Arn", profile.get("Name", "")))
    if operation == "RegisterScalableTarget":
        yield "service", request.get("ResourceId", "")
    if operation in {"PutScalingPolicy", "PutScheduledAction"}:
        yield "scalable target", request.get("ResourceId", "")
    if operation == "PutRetentionPolicy":
        yield "log group", request.get("logGroupName", "")
    if operation in {"AttachRolePolicy", "PutRolePolicy", "AddRoleToInstanceProfile"}:
        yield "role", request.get("RoleName", "")
    if operation == "AddRoleToInstanceProfile":
        yield "instance profile", request.get("InstanceProfileName", "")


def remarks(service: str, operation: str, request: Request) -> list[str]:
    """What AWS accepts and a reviewer would ask about. Never a reason to fail."""
    if not _is_well_formed((service, operation, request)):
        return []
    found: list[str] = []
    if operation == "RegisterTaskDefinition":
        for container in request.get("containerDefinitions", []):
            if not container.get("readonlyRootFilesystem"):
                found.append(f"{_label(container)} can write to its root file system.")
            if "logConfiguration" not in container:
                found.append(f"{_label(container)} has no logConfiguration.")
            if container.get("essential", True) and "healthCheck" not in container:
                found.append(f"{_label(container)} has no healthCheck.")
            for variable in container.get("environment", []):
                if re.search("PASSWORD|SECRET|TOKEN|PRIVATE_KEY", variable.get("name", ""), re.IGNORECASE):
                    found.append(f"{_label(container)} has {variable['name']} in plain text; use secrets.")
        if "taskRoleArn" not in request:
            found.append("The task has no taskRoleArn, so its containers have no permissions of their own.")
    if operation == "CreateService":
        breaker = request.get("deploymentConfiguration", {}).get("deploymentCircuitBreaker", {})
        if not (breaker.get("enable") and breaker.get("rollback")):
            found.append("The service has no deployment circuit breaker with rollback.")
        if request.get("enableECSManagedTags") and request.get("propagateTags", "NONE") == "NONE":
            found.append("enableECSManagedTags without propagateTags: costs cannot be told apart by tag.")
    return found


# What deploy files must contain ------------------------------------------------------------------------------------------
#
# AWS would accept a set without these; a team that deploys it would not. Findings are sentences, as above.


def check_contents(calls: Iterable[Call]) -> list[str]:
    """What is missing from a set of calls that puts a whole cluster into effect."""
    together = CallSet(call for call in calls if _is_well_formed(call))
    findings: list[str] = []
    for rules in (
        _content_cluster,
        _content_capacity,
        _content_tasks,
        _content_services,
        _content_ingress,
        _content_alarms,
        _content_repositories,
        _content_privileges,
    ):
        findings.extend(rules(together))
    return list(dict.fromkeys(findings))


def _content_cluster(calls: CallSet) -> Findings:
    for name, request in calls.clusters.items():
        if "containerInsights" not in {setting.get("name") for setting in request.get("settings", [])}:
            yield f"Cluster {name!r} leaves containerInsights to the account's default."


def _content_capacity(calls: CallSet) -> Findings:
    for name, provider in calls.providers.items():
        group = provider.get("autoScalingGroupProvider")
        if group is not None:
            if group.get("managedScaling", {}).get("status") != "ENABLED":
                yield f"Capacity provider {name!r} has no managed scaling."
            for setting in ("managedDraining", "managedTerminationProtection"):
                if group.get(setting) != "ENABLED":
                    yield f"Capacity provider {name!r} has no {setting}."
        template = provider.get("managedInstancesProvider", {}).get("instanceLaunchTemplate")
        if template is not None and not template.get("instanceRequirements"):
            yield f"Capacity provider {name!r} has no instanceRequirements, so any type may be launched."
    trunked = [
        template
        for template in calls.templates.values()
        if template.get("LaunchTemplateData", {}).get("PrivateDnsNameOptions", {}).get("EnableResourceNameDnsARecord") is False
    ]
    settings = {(request.get("name"), request.get("value")) for request in calls.requests["PutAccountSettingDefault"]}
    if trunked and ("awsvpcTrunking", "enabled") not in settings:
        yield "Instances are made for awsvpc trunking, which no call turns on."


def _content_tasks(calls: CallSet) -> Findings:
    kept = {request.get("logGroupName") for request in calls.requests["PutRetentionPolicy"]}
    for family, task in calls.tasks.items():
        for field in ("executionRoleArn", "taskRoleArn", "runtimePlatform"):
            if field not in task.request:
                yield f"Task definition {family!r} has no {field}."
        for container in task.containers:
            log = container.get("logConfiguration", {})
            if log.get("logDriver") != "awslogs" or log.get("options", {}).get("awslogs-group") not in kept:
                yield f"{_label(container)} of {family!r} logs to no group that expires."
            if not task.is_windows and "readonlyRootFilesystem" not in container:
                yield f"{_label(container)} of {family!r} leaves its root file system writable without saying so."
            if not task.is_windows and "ALL" not in container.get("linuxParameters", {}).get("capabilities", {}).get(
                "drop", []
            ):
                yield f"{_label(container)} of {family!r} keeps Linux capabilities."
            for variable in container.get("environment", []):
                if re.search("PASSWORD$|SECRET$|TOKEN$|PRIVATE_KEY$", variable.get("name", ""), re.IGNORECASE):
                    yield f"{_label(container)} of {family!r} has {variable['name']} in plain text."


def _content_services(calls: CallSet) -> Findings:
    for service in calls.services:
        name = f"Service {service.get('serviceName', '')!r}"
        deployment = service.get("deploymentConfiguration", {})
        for field in ("minimumHealthyPercent", "maximumPercent", "deploymentCircuitBreaker"):
            if field not in deployment:
                yield f"{name} leaves {field} to the default."
        if "availabilityZoneRebalancing" not in service:
            yield f"{name} leaves availabilityZoneRebalancing to the default."
        network = service.get("networkConfiguration", {}).get("awsvpcConfiguration")
        if network is not None and not network.get("securityGroups"):
            yield f"{name} uses the default security group."
        if service.get("enableExecuteCommand"):
            yield f"{name} lets people run commands in its containers."


def _content_ingress(calls: CallSet) -> Findings:
    """Only from another security group, and into the tasks behind a load balancer from one of a load balancer."""
    admitted: defaultdict[str, list[str]] = defaultdict(list)
    for request in calls.requests["AuthorizeSecurityGroupIngress"]:
        for permission in request.get("IpPermissions", []):
            if any(permission.get(field) for field in ("IpRanges", "Ipv6Ranges", "PrefixListIds")):
                yield f"Security group {request.get('GroupId')!r} admits addresses, not a security group."
            if permission.get("IpProtocol") == "-1" or "FromPort" not in permission:
                yield f"Security group {request.get('GroupId')!r} admits every port."
            admitted[request.get("GroupId", "")] += [pair["GroupId"] for pair in permission.get("UserIdGroupPairs", [])]
    for service in calls.services:
        network = service.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
        for group in network.get("securityGroups", []):
            sources = admitted[group]
            if service.get("loadBalancers") and not any("load-balancer" in source for source in sources):
                yield f"Service {service.get('serviceName')!r} does not admit its load balancer."
            if not service.get("loadBalancers") and any("load-balancer" in source for source in sources):
                yield f"Service {service.get('serviceName')!r} admits a load balancer that does not send to it."


def _content_alarms(calls: CallSet) -> Findings:
    watched: defaultdict[str, set[str]] = defaultdict(set)
    for alarm in calls.requests["PutMetricAlarm"]:
        simple = [alarm] if "MetricName" in alarm else []
        stats = [query["MetricStat"]["Metric"] for query in alarm.get("Metrics", []) if "MetricStat" in query]
        if bool(simple) == bool(alarm.get("Metrics")):
            yield f"Alarm {alarm.get('AlarmName')!r} needs one metric or Metrics, and not both."
        if "Threshold" not in alarm:
            yield f"Alarm {alarm.get('AlarmName')!r} has no Threshold."
        for metric in [*simple, *stats]:
            names = {pair["Name"]: pair["Value"] for pair in metric.get("Dimensions", [])}
            watched[names.get("ServiceName", "")].add(metric.get("MetricName", ""))
    pages = " ".join(request.get("DashboardBody", "") for request in calls.requests["PutDashboard"])
    for service in calls.services:
        name = service.get("serviceName", "")
        for metric in ("CPUUtilization", "MemoryUtilization"):
            if metric not in watched[name]:
                yield f"No alarm watches {metric} of service {name!r}."
        if json.dumps(name) not in pages:
            yield f"No dashboard shows service {name!r}."


def _content_repositories(calls: CallSet) -> Findings:
    expiring = {request.get("repositoryName") for request in calls.requests["PutLifecyclePolicy"]}
    made = set()
    for request in calls.requests["CreateRepository"]:
        name = request.get("repositoryName", "")
        made.add(name)
        if not request.get("imageScanningConfiguration", {}).get("scanOnPush"):
            yield f"Repository {name!r} does not scan what is pushed."
        if name not in expiring:
            yield f"Repository {name!r} keeps every image for ever."
    for family, task in calls.tasks.items():
        for container in task.containers:
            registry, _, rest = container.get("image", "").partition("/")
            if is_placeholder(registry) and PRIVATE_ECR.search(f"{registry}/") and rest.rpartition(":")[0] not in made:
                yield f"{_label(container)} of {family!r} has an image of a repository that nothing makes."


BROAD_ACTIONS = frozenset({"ecr:GetAuthorizationToken"})
"""Those that know no resource."""


def _content_privileges(calls: CallSet) -> Findings:
    for request in calls.requests["PutRolePolicy"]:
        for statement in _statements(_policy(request.get("PolicyDocument", "")) or {}):
            actions = set(_as_list(statement.get("Action")))
            if any("*" in action for action in actions):
                yield f"Role {request.get('RoleName')!r} is allowed {', '.join(sorted(actions))}."
            if "*" in _as_list(statement.get("Resource")) and actions - BROAD_ACTIONS:
                yield f"Role {request.get('RoleName')!r} is allowed {', '.join(sorted(actions))} on everything."
    for name, role in calls.roles.items():
        if "ecs-tasks.amazonaws.com" in _trusted_services(_policy(role.get("AssumeRolePolicyDocument", "")) or {}):
            conditions = [item.get("Condition") for item in _statements(_policy(role["AssumeRolePolicyDocument"]) or {})]
            if not all(conditions):
                yield f"Role {name!r} can be assumed by tasks of any account: a confused deputy."
