"""What keeps tasks of a service on instances apart: placement constraints, and fixed ports of the instance."""

from collections.abc import Mapping
from typing import Any, Final

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
    mode = definition.get("networkMode") or "bridge"
    containers = objects_of(definition.get("containerDefinitions"))
    mappings = [mapping for container in containers for mapping in objects_of(container.get("portMappings"))]
    if mode == "host":
        ports = [mapping.get("hostPort") or mapping.get("containerPort") for mapping in mappings]
    else:
        ports = [mapping.get("hostPort") for mapping in mappings] if mode == "bridge" else []
    return tuple(sorted({port for port in ports if isinstance(port, int) and port}))


def host_ports_note(ports: tuple[int, ...]) -> str:
    """What a reader has to know of them, after the name of the service."""
    return (
        f"has fixed host ports ({', '.join(map(str, ports))}), of which an instance has one each: plans are in awsvpc mode, "
        "where tasks share instances; to keep the ports, state placement_constraints: [{type: distinctInstance}]"
    )
