"""Task sizes as people and task definitions write them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from advisor.ecs import Architecture
from advisor.sources.input_files import Place, listed, shown
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDefinition:
    """What a task definition says of the size of a task."""

    cpu_units: int
    memory_mib: int
    ephemeral_storage_gib: int | None
    architecture: Architecture | None


def parse_task_definition(text: str, file: str) -> TaskDefinition:
    """Size from a task definition: what the task reserves, else the sum of what its containers reserve.

    Raises
    ------
    InputError
        When the text is no task definition, or neither the task nor its containers state a size.
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
    _refuse_other_os(str(platform.get("operatingSystemFamily", "LINUX")), file)
    return TaskDefinition(
        cpu_units=_reserved(definition, containers, ("cpu",), file),
        memory_mib=_reserved(definition, containers, ("memory", "memoryReservation"), file),
        ephemeral_storage_gib=_storage(definition, file),
        architecture=_architecture(platform, file),
    )


def _refuse_other_os(family: str, file: str) -> None:
    if family != "LINUX":
        raise Place(file, column="runtimePlatform.operatingSystemFamily").error(
            f"{shown(family)} is not supported yet: this version prices LINUX only", fix="Leave the service out."
        )


def _reserved(
    definition: Mapping[str, object], containers: Sequence[Mapping[str, object]], keys: Sequence[str], file: str
) -> int:
    """Of the task; else the sum over containers, the reservation before the limit."""
    measure = _CPU if keys[0] == "cpu" else _MEMORY
    try:
        if definition.get(keys[0]) is not None:
            return _parsed(definition[keys[0]], measure, least_bare=1)
        total = sum(_of_container(container, keys) for container in containers)
    except ValueError as error:
        raise Place(file, column=keys[0]).error(str(error).rstrip("."), fix=_FORM_FIX) from None
    if total <= 0:
        raise Place(file, column=keys[0]).error(
            f"neither the task nor its containers reserve {keys[0]}",
            fix="Give the size in the workload file instead: task: {cpu: 512, memory: 1024}.",
        )
    return total


def _of_container(container: Mapping[str, object], keys: Sequence[str]) -> int:
    value = next((container[key] for key in reversed(keys) if container.get(key) is not None), 0)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"container {shown(container.get('name'))}: {shown(value)} is not a whole number")
    return value


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
