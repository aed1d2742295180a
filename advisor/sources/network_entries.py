"""How tasks of a service are on the network, from its entry in a workload file and its task definition."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from advisor.ecs import LaunchType, NetworkMode
from advisor.errors import PlanError
from advisor.plan import PortMapping
from advisor.plan.placement import kept_by_instances
from advisor.sources.input_files import Place
from advisor.sources.task_size import TaskDefinition
from advisor.workload import Service

if TYPE_CHECKING:
    from advisor.sources.workload_models import ServiceEntry


def network_of(entry: "ServiceEntry", definition: TaskDefinition | None, place: Place) -> dict[str, Any]:
    """Network mode and port mappings of a :class:`Service`: as stated, else as the task definition says.

    Raises
    ------
    InputError
        As :func:`network_in`. ``place`` is where the service stands.
    """
    said = {} if definition is None else network_in(definition, entry.name, place)
    mode = NetworkMode(entry.network_mode or said.get("network_mode", NetworkMode.AWSVPC))
    mappings = tuple(each.mapping() for each in entry.port_mappings)
    is_batch = entry.load.runs or entry.load.runs_file
    if not mappings and said.get("network_mode") is mode and not is_batch:
        mappings = said["port_mappings"]
    if mode is NetworkMode.HOST:
        mappings = tuple(replace(each, host_port=0) if each.host_port == each.container_port else each for each in mappings)
    return {"network_mode": mode, "port_mappings": tuple(dict.fromkeys(mappings))}


def network_in(definition: TaskDefinition, name: str, place: Place) -> dict[str, Any]:
    """Network mode and fixed ports that a task definition states; nothing where it states no mode.

    EC2 takes it as bridge then, but plans are in awsvpc mode where nobody says otherwise.

    Raises
    ------
    InputError
        It takes a port that instances keep for themselves, or hand out. ``name`` is the service's.
    """
    if definition.network_mode is None:
        return {}
    mode = NetworkMode(definition.network_mode)
    try:
        mappings = [
            PortMapping(
                container_port=container, host_port=host.number if mode is NetworkMode.BRIDGE else 0, protocol=host.protocol
            )
            for container, host in definition.host_ports
        ]
    except PlanError as error:
        raise place.error(f"the task definition of {name}: {error}", fix="Map another hostPort, or 0.") from None
    return {"network_mode": mode, "port_mappings": tuple(dict.fromkeys(mappings))}


def check_network(service: Service, place: Place) -> None:
    """Refuse what ECS would of network mode and ports. ``place`` is where the service stands."""
    mode = service.network_mode
    host_ports = [each.host_port for each in service.ports if each.host_port]
    if service.is_windows and mode is not NetworkMode.AWSVPC:
        raise place.error(
            f"{service.name} runs Windows, whose tasks are in awsvpc mode, not {mode}", fix="Leave network_mode out."
        )
    if mode is NetworkMode.NONE and service.ports:
        raise place.error(f"{service.name} has ports, and network mode none has no network", fix="Leave one of the two out.")
    if host_ports and mode is not NetworkMode.BRIDGE:
        raise place.error(
            f"{service.name} maps host ports ({', '.join(map(str, host_ports))}), which are of bridge mode, not {mode}",
            fix="State network_mode: bridge, or leave host_port out.",
        )
    if len(host_ports) > len(service.host_ports_on(LaunchType.EC2)) and mode is NetworkMode.BRIDGE:
        raise place.error(f"{service.name} maps a host port twice", fix="Map each host_port once.")
    if kept := kept_by_instances(service.host_ports_on(LaunchType.EC2)):
        raise place.error(
            f"{service.name} listens on {', '.join(map(str, kept))} in host mode, and an instance keeps that for itself",
            fix="Listen on another port, or state another network_mode.",
        )
    mapped = [(each.container_port, each.protocol) for each in service.ports]
    if len(mapped) > len(set(mapped)) and mode is not NetworkMode.BRIDGE:
        raise place.error(f"{service.name} maps a container port twice", fix="Map each container_port once.")
