"""Task sizes as people and task definitions write them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from advisor.ecs import OPERATING_SYSTEMS, Architecture, LaunchType
from advisor.plan.placement import FixedPort, fixed_ports
from advisor.plan.refused_fields import Refused, refused_fields
from advisor.sources.input_files import Place, listed, plain, shown
from advisor.units import ECS_CPU_UNITS_PER_VCPU, MIB_PER_GIB

_LEAST_BARE_NUMBER: Final = 17
"""Up to 16, a bare number was most likely meant in vCPU or GiB."""

_SIZE: Final = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]*)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measure:
    """How one half of a task size is written."""

    expected: str
    units: Mapping[str, int]
    """Size of each unit, in lower case."""
    large: str
    small: str
    largest: int


_CPU: Final = _Measure(
    expected="CPU units, 1024 per vCPU",
    units={"": 1, "units": 1, "vcpu": ECS_CPU_UNITS_PER_VCPU},
    large="vCPU",
    small="units",
    largest=192 * ECS_CPU_UNITS_PER_VCPU,  # the most that a task definition takes
)
_MEMORY: Final = _Measure(
    expected="MiB, 1024 per GB",
    units={"": 1, "mib": 1, "mb": 1, "gib": MIB_PER_GIB, "gb": MIB_PER_GIB},  # AWS writes GB and means 1,024 MiB
    large="GB",
    small="MiB",
    largest=32 * MIB_PER_GIB * MIB_PER_GIB,
)

_FORM_FIX: Final = "Save what `aws ecs describe-task-definition` prints, or what `register-task-definition` takes."


def parse_cpu_units(value: object) -> int:
    """CPU units of 512, "512", "0.5 vCPU" or "512 units".

    >>> parse_cpu_units(512), parse_cpu_units("0.5 vCPU")
    (512, 512)

    Raises
    ------
    ValueError
        With a message that says what is wrong and how to mend it.
    """
    return _parsed(value, _CPU, _LEAST_BARE_NUMBER)


def parse_memory_mib(value: object) -> int:
    """Memory of 1024, "1024", "1 GB" or "1024 MiB". [MiB]

    >>> parse_memory_mib("1 GB"), parse_memory_mib(1024)
    (1024, 1024)

    Raises
    ------
    ValueError
        With a message that says what is wrong and how to mend it.
    """
    return _parsed(value, _MEMORY, _LEAST_BARE_NUMBER)


def _parsed(value: object, measure: _Measure, least_bare: int) -> int:
    example = f'Write a whole number of {measure.expected}, or a text such as "2 {measure.large}".'
    match = None if isinstance(value, bool) or not isinstance(value, (int, float, str)) else _SIZE.match(str(value))
    if match is None or match[2].lower() not in measure.units:
        raise ValueError(f"{shown(value)} is not a size. {example}")
    number, unit = match[1], match[2].lower()
    size = float(number) * measure.units[unit]
    if not unit and size < least_bare:
        large, small = f"{number} {measure.large}", f"{number} {measure.small}"
        raise ValueError(f'{shown(value)} can mean {large} or {small}. Write "{large}" or "{small}".')
    if not 0 < size <= measure.largest or size != int(size):
        raise ValueError(f"{shown(value)} is not between 1 and {measure.largest:,} {measure.expected}. {example}")
    return int(size)


_PLACEHOLDER_CPU: Final = 1
"""Up to this, `cpu` of a container reserves nothing: null, 0 and 1 all become 2 shares [1]_.

.. [1] Amazon ECS Developer Guide, "Task definition parameters", cpu.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDefinition:
    """What a task definition says of the size of a task."""

    cpu_units: int | None
    """None where neither the task nor a container reserves CPU."""
    memory_mib: int | None
    """Of the task, else the sum over containers: `memoryReservation`, else `memory`. None where nothing is reserved."""
    memory_limit_mib: int | None
    """What its containers may use together, where that is more than the task reserves."""
    containers: tuple[str, ...]
    """Name of each container with what it reserves."""
    container_names: tuple[str, ...]
    is_size_of_task: bool
    """Whether the task states both CPU and memory; else the size is a sum over its containers."""
    gpus: int
    """Of its containers together."""
    ephemeral_storage_gib: int | None
    architecture: Architecture | None
    operating_system: str | None
    """As ``operatingSystemFamily``."""
    network_mode: str | None
    host_ports: tuple[FixedPort, ...]
    """Of network mode bridge or host."""
    refused: Mapping[LaunchType, tuple[Refused, ...]]
    """What it asks for that a launch type does not take."""


def parse_task_definition(text: str, file: str) -> TaskDefinition:
    """Size from a task definition, in any of the forms of the API and the CLI.

    What the task reserves; else the sum of what its containers reserve, sidecars included, which is what ECS places by.

    Raises
    ------
    InputError
        When the text is no task definition.
    """
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise Place(file, error.lineno, error.colno).error(f"not valid JSON ({error.msg})", fix=_FORM_FIX) from None
    except (RecursionError, ValueError) as error:
        raise Place(file).error(f"not readable JSON ({type(error).__name__})", fix=_FORM_FIX) from None
    definition = found.get("taskDefinition", found) if isinstance(found, dict) else None
    if not isinstance(definition, dict) or not isinstance(definition.get("containerDefinitions"), list):
        keys = listed(found) if isinstance(found, dict) else shown(found)
        raise Place(file).error(f"not a task definition: no containerDefinitions among {keys}", fix=_FORM_FIX)
    containers = definition["containerDefinitions"]
    if not all(isinstance(container, dict) for container in containers):
        raise Place(file, column="containerDefinitions").error("a container definition is not an object", fix=_FORM_FIX)
    platform = definition.get("runtimePlatform") or {}
    if not isinstance(platform, dict):
        raise Place(file, column="runtimePlatform").error("runtimePlatform is not an object", fix=_FORM_FIX)
    sizes = [_container_sizes(container, file) for container in containers]
    cpu = _of_task(definition, _CPU, file)
    memory = _of_task(definition, _MEMORY, file)
    return TaskDefinition(
        cpu_units=cpu or sum(size.cpu_units for size in sizes) or None,
        memory_mib=memory or sum(size.memory_mib for size in sizes) or None,
        memory_limit_mib=None if memory else _limit(sizes),
        containers=tuple(str(size) for size in sizes),
        container_names=tuple(size.name for size in sizes),
        is_size_of_task=cpu is not None and memory is not None,
        gpus=sum(_gpus(container, file) for container in containers),
        ephemeral_storage_gib=_storage(definition, file),
        architecture=_architecture(platform, file),
        operating_system=_operating_system(platform, file),
        network_mode=_network_mode(definition, file),
        host_ports=fixed_ports(definition),
        refused={each: refused_fields(definition, each) for each in LaunchType},
    )


def _operating_system(platform: Mapping[str, object], file: str) -> str | None:
    family = platform.get("operatingSystemFamily")
    if family is not None and family not in OPERATING_SYSTEMS:
        raise Place(file, column="runtimePlatform.operatingSystemFamily").error(
            f"{shown(family)} is no operating system that we know", fix=f"Use one of {', '.join(OPERATING_SYSTEMS)}."
        )
    return None if family is None else str(family)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ContainerSize:
    """What one container reserves, and what it may use."""

    name: str
    cpu_units: int
    memory_mib: int
    limit_mib: int

    def __str__(self) -> str:
        return f"{plain(self.name)} {self.cpu_units or 'no CPU'}/{self.memory_mib or 'no memory'}"


def _container_sizes(container: Mapping[str, object], file: str) -> _ContainerSize:
    cpu, memory, reserved = (_whole(container, key, file) for key in ("cpu", "memory", "memoryReservation"))
    if memory and reserved and memory < reserved:
        raise Place(file, column="memory").error(
            f"container {shown(container.get('name'))}: memory {memory} is below its memoryReservation {reserved}",
            fix="ECS refuses that: give memory above memoryReservation.",
        )
    return _ContainerSize(
        name=str(container.get("name", "container")),
        cpu_units=cpu if cpu > _PLACEHOLDER_CPU else 0,
        memory_mib=reserved or memory,
        limit_mib=memory or reserved,
    )


def _limit(sizes: Sequence[_ContainerSize]) -> int | None:
    limit, reserved = sum(size.limit_mib for size in sizes), sum(size.memory_mib for size in sizes)
    return limit if limit > reserved else None


def _of_task(definition: Mapping[str, object], measure: _Measure, file: str) -> int | None:
    key = "cpu" if measure is _CPU else "memory"
    if definition.get(key) in (None, ""):
        return None
    try:
        return _parsed(definition[key], measure, least_bare=1)
    except ValueError as error:
        raise Place(file, column=key).error(str(error).rstrip("."), fix=_FORM_FIX) from None


def _whole(container: Mapping[str, object], key: str, file: str) -> int:
    """A whole number, as a number or as text; 0 where there is none."""
    value = container.get(key)
    if value is None:
        return 0
    if isinstance(value, str) and value.isdecimal() and len(value) < 10:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Place(file, column=key).error(
            f"container {shown(container.get('name'))}: {shown(value)} is not a whole number", fix=_FORM_FIX
        )
    return value


def _gpus(container: Mapping[str, object], file: str) -> int:
    needed = container.get("resourceRequirements")
    asked = [each for each in needed if isinstance(each, dict)] if isinstance(needed, list) else []
    gpus = 0
    for count in (str(each.get("value")) for each in asked if each.get("type") == "GPU"):
        if not (count.isdecimal() and len(count) < 4):
            raise Place(file, column="resourceRequirements").error(
                f"container {shown(container.get('name'))}: {shown(count)} is no number of GPUs", fix='Write "1".'
            )
        gpus += int(count)
    return gpus


def _network_mode(definition: Mapping[str, object], file: str) -> str | None:
    mode = definition.get("networkMode")
    if mode is not None and mode not in ("awsvpc", "bridge", "host", "none"):
        raise Place(file, column="networkMode").error(
            f"{shown(mode)} is not a network mode of ECS", fix="Use one of awsvpc, bridge, host, none."
        )
    return mode


def _storage(definition: Mapping[str, object], file: str) -> int | None:
    storage = definition.get("ephemeralStorage")
    if storage is None:
        return None
    size = storage.get("sizeInGiB") if isinstance(storage, dict) else None
    if isinstance(size, bool) or not isinstance(size, int):
        raise Place(file, column="ephemeralStorage").error(f"{shown(size)} is not a number of GiB", fix=_FORM_FIX)
    return size


def _architecture(platform: Mapping[str, object], file: str) -> Architecture | None:
    stated = platform.get("cpuArchitecture")
    if stated is None:
        return None
    try:
        return Architecture(str(stated))
    except ValueError:
        raise Place(file, column="runtimePlatform.cpuArchitecture").error(
            f"{shown(stated)} is not an architecture of ECS", fix=f"Use one of {', '.join(Architecture)}."
        ) from None
