"""What keeps tasks of a service on instances apart: placement constraints, and fixed ports of the instance."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from advisor.ecs import NetworkMode
from advisor.plan.container import PortMapping
from advisor.plan.names import RESERVED_HOST_PORTS
from advisor.plan.refused_fields import objects_of

DISTINCT_INSTANCE: Final = "distinctInstance"
"""Placement constraint of a service: an instance holds one of its tasks."""
MEMBER_OF: Final = "memberOf"
"""Placement constraint: tasks run on instances that satisfy an expression."""


class HostPort(NamedTuple):
    """A port of an instance, of which it has one. One of tcp and one of udp are two, of the resources PORTS and PORTS_UDP [1]_.

    References
    ----------
    .. [1] Amazon ECS API Reference, Resource; read 2026-11-26.
    """

    number: int
    protocol: str = "tcp"

    def __str__(self) -> str:
        return str(self.number) if self.protocol == "tcp" else f"{self.number}/{self.protocol}"


class FixedPort(NamedTuple):
    """A port of a container, and the one of the instance that it always has."""

    container_port: int
    host: HostPort

    def __str__(self) -> str:
        return f"{self.container_port}:{self.host}"


def has_distinct_instances(service: Mapping[str, Any]) -> bool:
    """Whether a service, as the API takes or gives it, keeps its tasks on instances apart."""
    return any(each.get("type") == DISTINCT_INSTANCE for each in objects_of(service.get("placementConstraints")))


def fixed_host_ports(definition: Mapping[str, Any]) -> tuple[HostPort, ...]:
    """Ports of its instance that a task takes, of a task definition as the API has it: an instance holds one such task.

    In network mode bridge, which is EC2's where none is stated, those that are given and not 0; in mode host all; in mode
    awsvpc none, because each task has an interface of its own.

    References
    ----------
    Amazon ECS API Reference, PortMapping, hostPort; read 2026-11-26.
    """
    return tuple(sorted({each.host for each in fixed_ports(definition)}))


def fixed_ports(definition: Mapping[str, Any]) -> tuple[FixedPort, ...]:
    """The same with the port of the container before each. What is not udp, ECS takes for tcp."""
    mode = definition.get("networkMode") or "bridge"
    containers = objects_of(definition.get("containerDefinitions"))
    mappings = [mapping for container in containers for mapping in objects_of(container.get("portMappings"))]
    if mode not in ("bridge", "host"):
        return ()
    found = []
    for mapping in mappings:
        container, host = mapping.get("containerPort"), mapping.get("hostPort")
        host = host or container if mode == "host" else host
        if isinstance(container, int) and isinstance(host, int) and host:
            found.append(FixedPort(container, HostPort(host, "udp" if mapping.get("protocol") == "udp" else "tcp")))
    return tuple(found)


def host_ports_in(mode: str, mappings: Iterable[PortMapping]) -> tuple[HostPort, ...]:
    """The same of port mappings in a network mode."""
    if mode == NetworkMode.HOST:
        return tuple(sorted({HostPort(each.container_port, each.protocol) for each in mappings}))
    fixed = {HostPort(each.host_port, each.protocol) for each in mappings if each.host_port}
    return tuple(sorted(fixed)) if mode == NetworkMode.BRIDGE else ()


def kept_by_instances(ports: Iterable[HostPort]) -> tuple[HostPort, ...]:
    """Those that an instance keeps for itself, so that no task with one is ever placed: of tcp alone."""
    return tuple(each for each in ports if each.number in RESERVED_HOST_PORTS and each.protocol == "tcp")


def host_ports_note(ports: Iterable[HostPort]) -> str:
    """What a reader has to know of them, after the name of the service."""
    return (
        f"has fixed host ports ({', '.join(map(str, ports))}), of which an instance has one each; plans are priced without: "
        "to keep them, state network_mode and port_mappings in the workload file"
    )
