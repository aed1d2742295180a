"""A plan as a Copilot workspace."""

import re
from collections.abc import Collection
from hashlib import sha256
from typing import Any, Final

from advisor.ecs import FARGATE_INCLUDED_STORAGE_GIB, Architecture
from advisor.emit.copilot.limits import SCRATCH, check_copilot, main_container, on_demand_base, rolling_of
from advisor.emit.copilot.readme import readme
from advisor.emit.copilot.text import Manifest, manifest_bytes, variable
from advisor.emit.ecs.checks import check_plan
from advisor.plan import (
    Container,
    ContainerInsights,
    HealthCheck,
    LoadBalancer,
    Plan,
    ScalingMetric,
    ServicePlan,
)

ENVIRONMENT: Final = "prod"
"""A plan knows no environments; Copilot puts one's name into every name."""
_TMP: Final = "/tmp"  # noqa: S108 (in the container)
_CHECK_GRACE_S: Final = 120
_DEREGISTRATION_S: Final = 60
"""Half of the notice before a Spot interruption."""
_SPOT_STOP_TIMEOUT_S: Final = 120
"""The whole notice before a Spot interruption, and the most that Fargate allows."""
_DEFAULT_ZONES: Final = 2
"""Of an environment whose manifest says nothing."""
_METRICS: Final = {
    ScalingMetric.CPU: "cpu_percentage",
    ScalingMetric.MEMORY: "memory_percentage",
    ScalingMetric.REQUESTS: "requests",
}
_PLAIN_NAME: Final = re.compile(r"[a-z0-9-]+", re.ASCII)
"""Names that stay different in capitals and with underscores."""
_SAFE_WORD: Final = re.compile(r"[A-Za-z/][A-Za-z0-9_./=-]*", re.ASCII)
"""Copilot writes a command unquoted into its template; only such words come through."""


def render_copilot(plan: Plan, *, environment: str = ENVIRONMENT, workers: Collection[str] = ()) -> dict[str, bytes]:
    """A Copilot workspace that puts ``plan`` into effect: relative path and content of each file.

    Services with a port become Load Balanced Web Services, those without one Backend Services, those with a schedule
    Scheduled Jobs.

    Parameters
    ----------
    plan
        On Fargate, On-Demand or Spot.
    environment
        Name of the Copilot environment, and part of the name of all that Copilot makes.
    workers
        Services that take their work from a queue: each becomes a Worker Service, which brings a queue of its own.

    Raises
    ------
    PlanError
        Copilot cannot express a part of the plan; the message says which and why.

    Examples
    --------
    >>> import advisor
    >>> workload = advisor.read_workload("examples/cloudwatch/workload.yaml")
    >>> catalog = advisor.read_catalog(workload.region)
    >>> plan = advisor.advise(workload, catalog, replay_weeks=0).recommended.plan
    >>> sorted(advisor.render_copilot(plan))[:2]
    ['README.md', 'copilot/.workspace']
    """
    check_plan(plan)
    check_copilot(plan, environment, workers)
    files = {
        "copilot/.workspace": manifest_bytes({"application": plan.cluster}),
        f"copilot/environments/{environment}/manifest.yml": manifest_bytes(
            _environment(plan, environment), comment=f"# Region: {plan.region}\n"
        ),
    }
    for name in plan.services:
        files[f"copilot/{name}/manifest.yml"] = manifest_bytes(_manifest(plan, name, is_worker=name in workers))
    files["README.md"] = readme(plan, environment, image_variables(plan)).encode()
    return {path: files[path] for path in sorted(files)}


def image_variables(plan: Plan) -> dict[str, str]:
    """Environment variables from which Copilot reads the images that the plan lacks: name to whose image it is."""
    found: dict[str, str] = {}
    for name, service in sorted(plan.services.items()):
        for container in service.containers_of(name):
            if container.image is None:
                is_main = container.name == main_container(name, service).name
                found[_image_variable(name, container, service)] = name if is_main else f"{container.name} of {name}"
    return found


def _image_variable(name: str, container: Container, service: ServicePlan) -> str:
    """Names of services have no underscore and no double hyphen, so two of them part service and sidecar."""
    variable_name = f"IMAGE_{name}"
    if container.name != main_container(name, service).name:
        is_plain = _PLAIN_NAME.fullmatch(container.name) is not None
        variable_name += f"__{container.name}" + ("" if is_plain else f"_{sha256(container.name.encode()).hexdigest()[:8]}")
    return variable_name.upper().replace("-", "_")


def _environment(plan: Plan, environment: str) -> Manifest:
    manifest: Manifest = {"name": environment, "type": "Environment"}
    zones = next((provider.zones for provider in plan.capacity_providers.values()), _DEFAULT_ZONES)
    if zones != _DEFAULT_ZONES:
        public, private = ([{"cidr": f"10.0.{first + zone}.0/24"} for zone in range(zones)] for first in (0, 128))
        manifest["network"] = {"vpc": {"cidr": "10.0.0.0/16", "subnets": {"public": public, "private": private}}}
    is_on = plan.container_insights is not ContainerInsights.DISABLED
    return manifest | {"observability": {"container_insights": is_on}}


def _manifest(plan: Plan, name: str, *, is_worker: bool) -> Manifest:
    service, main = plan.services[name], main_container(name, plan.services[name])
    manifest: Manifest = {"name": name, "type": _type(service, is_worker=is_worker), "image": _image(name, service, main)}
    if service.schedule is not None:
        manifest["on"] = {"schedule": service.schedule}
    elif service.port is not None:
        manifest |= _load_balancing(plan, name)
    if _is_safe(main.command):
        manifest["command"] = list(main.command)
    manifest |= {"cpu": service.task.cpu_units, "memory": service.task.memory_mib, "platform": _platform(service)}
    if service.schedule is None:
        manifest["count"] = _count(plan, service)
        manifest["deployment"] = {"rolling": rolling_of(service)}
    manifest["exec"] = False
    manifest["network"] = {"vpc": {"placement": "public" if service.has_public_ip else "private"}}
    manifest["logging"] = {"retention": service.log_retention_days}
    manifest |= _maps(main)
    storage = _storage(service, main)
    if storage:
        manifest["storage"] = storage
    sidecars = _sidecars(name, service)
    if sidecars:
        manifest["sidecars"] = {sidecar.name: _sidecar(name, service, sidecar) for sidecar in sidecars}
    overrides = _overrides(plan, service, [main, *sidecars])
    return manifest | ({"taskdef_overrides": overrides} if overrides else {})


def _type(service: ServicePlan, *, is_worker: bool) -> str:
    if service.schedule is not None:
        return "Scheduled Job"
    if service.port is not None:
        return "Load Balanced Web Service"
    return "Worker Service" if is_worker else "Backend Service"


def _image(name: str, service: ServicePlan, main: Container) -> Manifest:
    image: Manifest = {"location": _location(name, service, main)}
    if main.ports:
        image["port"] = main.ports[0].container_port
    if main.health_check is not None:
        image["healthcheck"] = _health_check(main.health_check)
    if main.depends_on:
        image["depends_on"] = {other: str(start).lower() for other, start in main.depends_on.items()}
    return image


def _location(name: str, service: ServicePlan, container: Container) -> str:
    return container.image if container.image is not None else variable(_image_variable(name, container, service))


def _health_check(check: HealthCheck) -> Manifest:
    return {
        "command": list(check.command),
        "interval": _seconds(check.interval_s),
        "timeout": _seconds(check.timeout_s),
        "retries": check.retries,
        "start_period": _seconds(check.start_period_s),
    }


def _seconds(seconds: int) -> str:
    return f"{seconds}s"


def _load_balancing(plan: Plan, name: str) -> Manifest:
    """Services behind one load balancer are told apart by path: without a domain of the application there is nothing else."""
    service = plan.services[name]
    if service.load_balancer is LoadBalancer.NETWORK:
        return {"http": False, "nlb": {"port": f"{service.port}/tcp"}}
    balanced = [
        other
        for other, each in plan.services.items()
        if each.port is not None and each.load_balancer is LoadBalancer.APPLICATION
    ]
    check = {"path": "/", "success_codes": "200-399", "grace_period": _seconds(_CHECK_GRACE_S)}
    path = "/" if balanced == [name] else name
    return {"http": {"path": path, "healthcheck": check, "deregistration_delay": _seconds(_DEREGISTRATION_S)}}


def _platform(service: ServicePlan) -> str | Manifest:
    if service.is_windows:
        return {"osfamily": service.operating_system.lower(), "architecture": "x86_64"}
    return "linux/arm64" if service.architecture is Architecture.ARM64 else "linux/x86_64"


def _count(plan: Plan, service: ServicePlan) -> int | Manifest:
    base = on_demand_base(plan, service)
    if service.scaling_target is None:
        return service.desired_tasks if base is None else {"spot": service.desired_tasks}
    bounds: Manifest = {"min": service.min_tasks, "max": service.max_tasks}
    if base is not None:
        bounds["spot_from"] = base + 1
    # ``in`` becomes ScaleInCooldown and ``out`` ScaleOutCooldown, though the documentation has them the other way round.
    cooldown = {"in": _seconds(service.scale_in_cooldown_s), "out": _seconds(service.scale_out_cooldown_s)}
    return {"range": bounds, "cooldown": cooldown, _METRICS[service.scaling_metric]: int(service.scaling_target)}


def _maps(container: Container) -> Manifest:
    secrets = {name: source for name, source in container.secrets.items() if not _breaks_template(source)}
    maps = {"variables": dict(container.environment), "secrets": secrets}
    return {key: values for key, values in maps.items() if values}


def _breaks_template(source: str) -> bool:
    """Copilot writes it unquoted, so a colon at the end (a JSON key without stage and version) would be a mapping."""
    return source.endswith(":")


def _storage(service: ServicePlan, main: Container) -> Manifest:
    storage: Manifest = {}
    if service.ephemeral_storage_gib > FARGATE_INCLUDED_STORAGE_GIB:
        storage["ephemeral"] = service.ephemeral_storage_gib
    volumes: Manifest = {}
    mounts = {mount.volume: mount for mount in main.mount_points}
    for volume in service.volumes:
        efs: Manifest = {"id": volume.file_system_id, "root_dir": volume.root_directory}
        if volume.access_point_id is not None:
            efs["auth"] = {"iam": True, "access_point_id": volume.access_point_id}
        mount = mounts[volume.name]
        volumes[volume.name] = {"path": mount.path, "read_only": mount.is_read_only, "efs": efs}
    if volumes:
        storage["volumes"] = volumes
    return storage


def _sidecars(name: str, service: ServicePlan) -> list[Container]:
    """In the order in which Copilot writes them, which the overrides count by."""
    main = main_container(name, service)
    return sorted((each for each in service.containers if each.name != main.name), key=lambda each: each.name)


def _sidecar(name: str, service: ServicePlan, container: Container) -> Manifest:
    sidecar: Manifest = {"image": _location(name, service, container), "essential": container.is_essential}
    if container.ports:
        port = container.ports[0]
        sidecar["port"] = f"{port.container_port}/{port.protocol}"
    if _is_safe(container.command):
        sidecar["command"] = list(container.command)
    sidecar |= _maps(container)
    if container.health_check is not None:
        sidecar["healthcheck"] = _health_check(container.health_check)
    if container.depends_on:
        main = main_container(name, service)
        others = {name if other == main.name else other: start for other, start in container.depends_on.items()}
        sidecar["depends_on"] = {other: str(start).lower() for other, start in others.items()}
    if container.mount_points:
        sidecar["mount_points"] = [
            {"source_volume": mount.volume, "path": mount.path, "read_only": mount.is_read_only}
            for mount in container.mount_points
        ]
    return sidecar


def _is_safe(command: tuple[str, ...]) -> bool:
    return bool(command) and all(map(_SAFE_WORD.fullmatch, command))


def _overrides(plan: Plan, service: ServicePlan, containers: list[Container]) -> list[Manifest]:
    """What the manifest has no word for, at the end of the task definition that Copilot makes."""
    on_spot = service.schedule is None and on_demand_base(plan, service) is not None
    overrides: list[Manifest] = []
    for index, container in enumerate(containers):
        values: dict[str, Any] = {
            "Cpu": container.cpu_units,
            "Memory": container.memory_mib,
            "MemoryReservation": container.memory_reservation_mib,
            "StopTimeout": _SPOT_STOP_TIMEOUT_S if on_spot else None,
            "Command": list(container.command) if container.command and not _is_safe(container.command) else None,
        }
        if not service.is_windows:
            values |= {"LinuxParameters.InitProcessEnabled": True, "LinuxParameters.Capabilities.Drop": ["ALL"]}
            values["ReadonlyRootFilesystem"] = True if container.has_read_only_root else None
        path = f"ContainerDefinitions[{index}]"
        overrides += [{"path": f"{path}.{key}", "value": value} for key, value in values.items() if value is not None]
        for variable_name, source in container.secrets.items():
            if _breaks_template(source):
                secret = {"Name": variable_name, "ValueFrom": source}
                overrides.append({"path": f"{path}.Secrets[-]", "value": secret})
        writes_elsewhere = any(mount.path == _TMP for mount in container.mount_points)
        if container.has_read_only_root and not service.is_windows and not writes_elsewhere:
            overrides += _scratch(path, index)
    return overrides


def _scratch(path: str, index: int) -> list[Manifest]:
    """A read-only root file system leaves nowhere to write: a volume of the container's own for /tmp."""
    volume = f"{SCRATCH}{index}"
    mount = {"SourceVolume": volume, "ContainerPath": _TMP, "ReadOnly": False}
    return [{"path": "Volumes[-]", "value": {"Name": volume}}, {"path": f"{path}.MountPoints[-]", "value": mount}]
