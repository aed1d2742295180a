"""What a task definition asks for that a launch type does not take."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from advisor.ecs import FARGATE_WINDOWS, LINUX, NETWORK_MODES, Architecture, LaunchType, PurchaseOption, is_windows

Document = Mapping[str, Any]

_FARGATE_LOG_DRIVERS: Final = ("awslogs", "splunk", "awsfirelens")
_CONTAINER: Final = {
    LaunchType.FARGATE: (
        "disableNetworking",
        "dnsSearchDomains",
        "dnsServers",
        "dockerSecurityOptions",
        "extraHosts",
        "links",
        "privileged",
    ),
    LaunchType.MANAGED_INSTANCES: (
        "disableNetworking",
        "dnsSearchDomains",
        "dnsServers",
        "dockerLabels",
        "dockerSecurityOptions",
        "extraHosts",
        "hostname",
        "links",
    ),
}
_LINUX_PARAMETERS: Final = {
    LaunchType.FARGATE: ("devices", "sharedMemorySize", "tmpfs", "maxSwap", "swappiness"),
    LaunchType.MANAGED_INSTANCES: ("sharedMemorySize", "tmpfs", "maxSwap", "swappiness"),
}
_ESSENTIAL: Final = frozenset({"disableNetworking", "dockerSecurityOptions", "privileged", "linuxParameters.devices"})


@dataclass(frozen=True, slots=True)
class Refused:
    """One thing that a launch type does not take."""

    what: str
    """In words, with the container; no value of a field, which may be a secret."""
    is_essential: bool
    """A task that asks for it does not do its work without; else another way is at hand, such as other log drivers or names."""


def refused_fields(definition: Document, launch_type: LaunchType) -> tuple[Refused, ...]:
    """What of a task definition, as the API takes it, a launch type does not take; nothing on EC2 with Linux.

    References
    ----------
    Amazon ECS Developer Guide, "Task definition differences for Fargate", "... for Amazon ECS Managed Instances" and "Windows
    containers on Fargate considerations", read 2026-11-26.
    """
    platform = definition.get("runtimePlatform")
    system = str((platform.get("operatingSystemFamily") if isinstance(platform, Mapping) else None) or LINUX)
    containers = [*objects_of(definition.get("containerDefinitions"))]
    found = [*_of_windows(definition, containers, system, launch_type)] if is_windows(system) else []
    if launch_type is not LaunchType.EC2:
        found += _of_task(definition, launch_type)
        for container in containers:
            found += _of_container(container, launch_type)
    return tuple(dict.fromkeys(found))


def why_no_windows(operating_system: str, launch_type: LaunchType) -> str | None:
    """Why tasks on a Windows cannot run on a launch type; None where they can, and for Linux."""
    if not is_windows(operating_system):
        return None
    if launch_type is LaunchType.MANAGED_INSTANCES:
        return "Managed Instances run Linux only"
    return (
        None
        if launch_type is LaunchType.EC2 or operating_system in FARGATE_WINDOWS
        else f"Fargate does not run {operating_system}"
    )


def why_no_windows_as(
    operating_system: str, launch_type: LaunchType, option: PurchaseOption, architecture: Architecture
) -> str | None:
    """As :func:`why_no_windows`, for one way to get capacity there."""
    if not is_windows(operating_system):
        return None
    if launch_type is LaunchType.FARGATE and option is PurchaseOption.SPOT:
        return "Fargate Spot does not run Windows"
    if architecture is not Architecture.X86_64:
        return "ECS runs Windows on X86_64 only"
    return why_no_windows(operating_system, launch_type)


_WINDOWS_VOLUMES: Final = {
    LaunchType.EC2: {"efsVolumeConfiguration": "an EFS volume"},
    LaunchType.FARGATE: {
        "efsVolumeConfiguration": "an EFS volume",
        "fsxWindowsFileServerVolumeConfiguration": "an FSx volume",
        "configuredAtLaunch": "an EBS volume",
    },
    LaunchType.MANAGED_INSTANCES: {},
}


def _of_windows(
    definition: Document, containers: Iterable[Document], system: str, launch_type: LaunchType
) -> Iterator[Refused]:
    """What Windows has not that Linux has on the same launch type, or is not there at all."""
    if why_no_windows(system, launch_type) is not None:
        yield Refused(system, is_essential=True)
    for volume in objects_of(definition.get("volumes")):
        yield from (Refused(what, True) for field, what in _WINDOWS_VOLUMES[launch_type].items() if volume.get(field))
    if launch_type is not LaunchType.FARGATE:
        return
    if definition.get("proxyConfiguration"):
        yield Refused("proxyConfiguration", is_essential=True)
    for container in containers:
        of = f"of container {container.get('name')} on Windows"
        if container.get("credentialSpecs"):
            yield Refused(f"credentialSpecs {of}", is_essential=True)
        for field in ("environmentFiles", "restartPolicy", "firelensConfiguration", "ulimits"):
            if container.get(field):
                yield Refused(f"{field} {of}", is_essential=False)
        logs = container.get("logConfiguration")
        driver = logs.get("logDriver") if isinstance(logs, Mapping) else None
        if driver in _FARGATE_LOG_DRIVERS and driver != "awslogs":
            yield Refused(f"the log driver {of}", is_essential=False)


def _of_task(definition: Document, launch_type: LaunchType) -> Iterator[Refused]:
    network = definition.get("networkMode") or "bridge"  # what EC2 takes where none is stated
    if network not in NETWORK_MODES[launch_type]:
        stated = f"network mode {network}" if network in ("bridge", "host", "none") else "its network mode"
        yield Refused(stated, is_essential=False)
    if definition.get("inferenceAccelerators"):
        yield Refused("inferenceAccelerators", is_essential=True)
    if definition.get("ipcMode"):
        yield Refused("ipcMode", is_essential=True)
    if launch_type is LaunchType.FARGATE:
        if definition.get("placementConstraints"):
            yield Refused("placementConstraints", is_essential=False)
        if definition.get("pidMode") not in (None, "task"):
            yield Refused("pidMode host", is_essential=True)
    for volume in objects_of(definition.get("volumes")):
        if volume.get("dockerVolumeConfiguration"):
            yield Refused("a Docker volume", is_essential=True)
        host = volume.get("host")
        if isinstance(host, Mapping) and host.get("sourcePath"):
            yield Refused("a volume of the host", is_essential=True)


def _of_container(container: Document, launch_type: LaunchType) -> Iterator[Refused]:
    of = f"of container {container.get('name')}"
    parameters = container.get("linuxParameters")
    parameters = parameters if isinstance(parameters, Mapping) else {}
    fields = [key for key in _CONTAINER[launch_type] if container.get(key)]
    fields += [f"linuxParameters.{key}" for key in _LINUX_PARAMETERS[launch_type] if parameters.get(key)]
    yield from (Refused(f"{field} {of}", field in _ESSENTIAL) for field in fields)
    if launch_type is not LaunchType.FARGATE:
        return
    if any(needed.get("type") == "GPU" for needed in objects_of(container.get("resourceRequirements"))):
        yield Refused(f"GPUs {of}", is_essential=True)
    capabilities = parameters.get("capabilities")
    added = capabilities.get("add") if isinstance(capabilities, Mapping) else None
    if isinstance(added, list) and any(name != "SYS_PTRACE" for name in added):
        yield Refused(f"added capabilities {of}", is_essential=True)
    logs = container.get("logConfiguration")
    driver = logs.get("logDriver") if isinstance(logs, Mapping) else None
    if driver is not None and driver not in _FARGATE_LOG_DRIVERS:
        yield Refused(f"the log driver {of}", is_essential=False)


def objects_of(value: object) -> Iterator[Document]:
    """The objects of a list; nothing where it is none."""
    return (each for each in value if isinstance(each, Mapping)) if isinstance(value, list) else iter(())
