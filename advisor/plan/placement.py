"""What keeps tasks of a service on instances apart: placement constraints, and fixed ports of the instance."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from advisor.ecs import NetworkMode
from advisor.plan.container import PortMapping
from advisor.plan.refused_fields import objects_of

DISTINCT_INSTANCE: Final = "distinctInstance"
"""Placement constraint of a service: an instance holds one of its tasks."""
MEMBER_OF: Final = "memberOf"
"""Placement constraint: tasks run on instances that satisfy an expression."""


def has_distinct_instances(service: Mapping[str, Any]) -> bool:
    """Whether a service, as the API takes or gives it, keeps its tasks on instances apart."""
    return any(each.get("type") == DISTINCT_INSTANCE for each in objects_of(service.get("placementConstraints")))


def fixed_host_ports(definition: Mapping[str, Any]) -> tuple[int, ...]:
    """Ports of its instance that a task takes, of a task definition as the API has it: an instance holds one such task.

    In network mode bridge, which is EC2's where none is stated, those that are given and not 0; in mode host all; in mode
    awsvpc none, because each task has an interface of its own.

    References
    ----------
    Amazon ECS API Reference, PortMapping, hostPort; read 2026-11-26.
    """
    return tuple(sorted({host for _, host in fixed_ports(definition)}))


def fixed_ports(definition: Mapping[str, Any]) -> tuple[tuple[int, int], ...]:
    """The same with the port of the container before each."""
    mode = definition.get("networkMode") or "bridge"
    containers = objects_of(definition.get("containerDefinitions"))
    mappings = [mapping for container in containers for mapping in objects_of(container.get("portMappings"))]
    pairs = [(mapping.get("containerPort"), mapping.get("hostPort")) for mapping in mappings]
    if mode == "host":
        pairs = [(container, host or container) for container, host in pairs]
    is_fixed = mode in ("bridge", "host")
    return tuple((c, h) for c, h in pairs if is_fixed and isinstance(c, int) and isinstance(h, int) and h)


def host_ports_in(mode: str, mappings: Iterable[PortMapping]) -> tuple[int, ...]:
    """The same of port mappings in a network mode. A port is one whatever its protocol."""
    if mode == NetworkMode.HOST:
        return tuple(sorted({each.container_port for each in mappings}))
    return tuple(sorted({each.host_port for each in mappings} - {0})) if mode == NetworkMode.BRIDGE else ()


def host_ports_note(ports: tuple[int, ...]) -> str:
    """What a reader has to know of them, after the name of the service."""
    return (
        f"has fixed host ports ({', '.join(map(str, ports))}), of which an instance has one each; plans are priced without: "
        "to keep them, state network_mode and port_mappings in the workload file"
    )
