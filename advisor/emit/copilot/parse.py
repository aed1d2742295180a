"""From a Copilot workspace back to the plan, for the part that manifests hold."""

import re
from collections.abc import Mapping
from typing import Any, Final

from advisor.ecs import FARGATE_INCLUDED_STORAGE_GIB, Architecture, LaunchType, PurchaseOption, TaskSize
from advisor.emit.copilot.limits import limits_of
from advisor.emit.copilot.text import Manifest, Variable, read_manifest
from advisor.errors import AdvisorError, InputError
from advisor.plan import (
    CapacityProvider,
    Container,
    ContainerInsights,
    EfsVolume,
    HealthCheck,
    LoadBalancer,
    MountPoint,
    Plan,
    PortMapping,
    ScalingMetric,
    ServicePlan,
    Start,
    StrategyItem,
)

_METRICS: Final = {
    "cpu_percentage": ScalingMetric.CPU,
    "memory_percentage": ScalingMetric.MEMORY,
    "requests": ScalingMetric.REQUESTS,
}
_MANIFEST: Final = re.compile(r"copilot/(?P<name>[a-z0-9-]+)/manifest\.yml", re.ASCII)
_ENVIRONMENT: Final = re.compile(r"copilot/environments/(?P<name>[a-z0-9-]+)/manifest\.yml", re.ASCII)
_REGION: Final = re.compile(rb"# Region: ([a-z0-9-]+)\n")
_OVERRIDE: Final = re.compile(r"ContainerDefinitions\[(?P<index>\d+)\]\.(?P<key>[A-Za-z]+)")


def parse_copilot(files: Mapping[str, bytes]) -> Plan:
    """The plan that a workspace of `render_copilot` puts into effect, for the part that manifests hold.

    Not held: how many tasks to start with where service auto scaling decides (Copilot starts with the least), bounds beside a
    fixed count, the names of capacity providers and of main containers, and weights of Spot beside each other.

    Raises
    ------
    InputError
        A file is missing or says what this tool does not write.
    """
    try:
        return _plan(files)
    except (AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError) as error:
        problem = f"the manifests lack what a plan needs ({type(error).__name__}: {error})"
        raise InputError(problem, fix="Emit the folder again.") from error


def _plan(files: Mapping[str, bytes]) -> Plan:
    environment_file = next((path for path in files if _ENVIRONMENT.fullmatch(path)), None)
    if environment_file is None:
        raise InputError("no manifest of an environment", fix="Emit the folder again.", file="copilot/environments/")
    environment = read_manifest(files, environment_file)
    region = _REGION.match(files[environment_file])
    if region is None:
        raise InputError("the first line does not name the Region", fix="Emit the folder again.", file=environment_file)
    zones = len(environment.get("network", {}).get("vpc", {}).get("subnets", {}).get("public", ())) or 2
    services = {}
    for path in sorted(files):
        found = _MANIFEST.fullmatch(path)
        if found is not None:
            services[found["name"]] = _service_in(files, path)
    used = {item.capacity_provider for service in services.values() for item in service.strategy_items}
    is_on = environment["observability"]["container_insights"]
    return Plan(
        cluster=read_manifest(files, "copilot/.workspace")["application"],
        region=region[1].decode(),
        services=services,
        capacity_providers={name: _provider(name, zones) for name in sorted(used)},
        container_insights=ContainerInsights.ENABLED if is_on else ContainerInsights.DISABLED,
    )


def _provider(name: str, zones: int) -> CapacityProvider:
    option = PurchaseOption.SPOT if name == "FARGATE_SPOT" else PurchaseOption.ON_DEMAND
    return CapacityProvider(name=name, launch_type=LaunchType.FARGATE, purchase_option=option, zones=zones)


def _service_in(files: Mapping[str, bytes], path: str) -> ServicePlan:
    manifest = read_manifest(files, path)
    unknown = unknown_keys(manifest)
    if unknown:
        raise InputError(f"Copilot would ignore {', '.join(unknown)}", fix="Emit the folder again.", file=path)
    try:
        return _service(manifest)
    except InputError:
        raise
    except AdvisorError as error:
        raise InputError(str(error), fix="Emit the folder again.", file=path) from error


def _service(manifest: Manifest) -> ServicePlan:
    count = manifest.get("count", 1)
    strategy = _strategy(count)
    windows = manifest["platform"] if isinstance(manifest["platform"], dict) else None
    containers = _containers(manifest)
    main = containers[0]
    port = main.ports[0].container_port if manifest["type"] == "Load Balanced Web Service" else None
    low, high = limits_of(manifest.get("deployment", {}).get("rolling", "default"))
    is_simple = len(containers) == 1 and main == _implicit(main, port)
    facts: dict[str, Any] = {"image": main.image} if is_simple else {"containers": tuple(containers)}
    return ServicePlan(
        launch_type=LaunchType.FARGATE,
        purchase_option=PurchaseOption.SPOT if strategy[0].capacity_provider == "FARGATE_SPOT" else PurchaseOption.ON_DEMAND,
        architecture=Architecture.ARM64 if manifest["platform"] == "linux/arm64" else Architecture.X86_64,
        task=TaskSize(cpu_units=manifest["cpu"], memory_mib=manifest["memory"]),
        capacity_provider=strategy[0].capacity_provider,
        strategy=strategy if len(strategy) > 1 else (),
        port=port,
        ephemeral_storage_gib=manifest.get("storage", {}).get("ephemeral", FARGATE_INCLUDED_STORAGE_GIB),
        has_public_ip=manifest["network"]["vpc"]["placement"] == "public",
        operating_system=windows["osfamily"].upper() if windows else "LINUX",
        volumes=tuple(_volume(name, volume) for name, volume in manifest.get("storage", {}).get("volumes", {}).items()),
        log_retention_days=manifest["logging"]["retention"],
        load_balancer=LoadBalancer.NETWORK if "nlb" in manifest else LoadBalancer.APPLICATION,
        minimum_healthy_percent=low,
        maximum_percent=high,
        schedule=manifest.get("on", {}).get("schedule"),
        **_scaling(count),
        **facts,
    )


def _implicit(main: Container, port: int | None) -> Container:
    ports = () if port is None else (PortMapping(container_port=port),)
    return Container(name=main.name, image=main.image, ports=ports)


def _strategy(count: int | Manifest) -> tuple[StrategyItem, ...]:
    on_demand, spot = StrategyItem(capacity_provider="FARGATE"), StrategyItem(capacity_provider="FARGATE_SPOT")
    if isinstance(count, int):
        return (on_demand,)
    if "spot" in count:
        return (spot,)
    spot_from = count["range"].get("spot_from")
    if spot_from is None:
        return (on_demand,)
    base = StrategyItem(capacity_provider="FARGATE", weight=0, base=spot_from - 1)
    return (base, spot) if spot_from > 1 else (spot,)


def _scaling(count: int | Manifest) -> dict[str, Any]:
    if isinstance(count, int) or "spot" in count:
        tasks = count if isinstance(count, int) else count["spot"]
        return {"desired_tasks": tasks, "min_tasks": tasks, "max_tasks": tasks, "scaling_metric": ScalingMetric.NONE}
    key = next(key for key in count if key in _METRICS)
    return {
        "desired_tasks": count["range"]["min"],
        "min_tasks": count["range"]["min"],
        "max_tasks": count["range"]["max"],
        "scaling_metric": _METRICS[key],
        "scaling_target": float(count[key]),
        "scale_in_cooldown_s": _seconds(count["cooldown"]["in"]),
        "scale_out_cooldown_s": _seconds(count["cooldown"]["out"]),
    }


def _seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))


def _volume(name: str, volume: Manifest) -> EfsVolume:
    efs = volume["efs"]
    return EfsVolume(
        name=name,
        file_system_id=efs["id"],
        root_directory=efs["root_dir"],
        access_point_id=efs.get("auth", {}).get("access_point_id"),
    )


def _containers(manifest: Manifest) -> list[Container]:
    """The main container, then sidecars by name."""
    image, sidecars = manifest["image"], manifest.get("sidecars", {})
    overridden = _overridden(manifest.get("taskdef_overrides", []))
    volumes = manifest.get("storage", {}).get("volumes", {})
    ports = (PortMapping(container_port=image["port"]),) if "port" in image else ()
    mounts = [MountPoint(volume=name, path=each["path"], is_read_only=each["read_only"]) for name, each in volumes.items()]
    main = {**manifest, **image, "image": image["location"], "essential": True}
    made = [_container(manifest["name"], main, ports, mounts, overridden.get(0, {}))]
    for index, name in enumerate(sorted(sidecars), start=1):
        sidecar = sidecars[name]
        number, _, protocol = sidecar.get("port", "").partition("/")
        ports = (PortMapping(container_port=int(number), protocol=protocol),) if number else ()
        mounts = [
            MountPoint(volume=each["source_volume"], path=each["path"], is_read_only=each["read_only"])
            for each in sidecar.get("mount_points", [])
        ]
        made.append(_container(name, sidecar, ports, mounts, overridden.get(index, {})))
    return made


def _overridden(overrides: list[Manifest]) -> dict[int, Manifest]:
    found: dict[int, Manifest] = {}
    for override in overrides:
        place = _OVERRIDE.match(override["path"])
        if place is None:
            continue
        values = found.setdefault(int(place["index"]), {"Secrets": {}})
        if place["key"] == "Secrets":
            values["Secrets"][override["value"]["Name"]] = override["value"]["ValueFrom"]
        else:
            values[place["key"]] = override["value"]
    return found


def _container(
    name: str, said: Manifest, ports: tuple[PortMapping, ...], mounts: list[MountPoint], overridden: Manifest
) -> Container:
    return Container(
        name=name,
        image=None if isinstance(said["image"], Variable) else said["image"],
        cpu_units=overridden.get("Cpu"),
        memory_mib=overridden.get("Memory"),
        memory_reservation_mib=overridden.get("MemoryReservation"),
        is_essential=said["essential"],
        command=tuple(overridden.get("Command") or said.get("command", ())),
        environment=said.get("variables", {}),
        secrets=said.get("secrets", {}) | overridden.get("Secrets", {}),
        ports=ports,
        health_check=_health_check(said["healthcheck"]) if "healthcheck" in said else None,
        mount_points=tuple(mounts),
        depends_on={other: Start(start.upper()) for other, start in said.get("depends_on", {}).items()},
        has_read_only_root=_has_read_only_root(overridden),
    )


def _has_read_only_root(overridden: Manifest) -> bool:
    """Windows has no such thing, and its containers keep the default; Linux ones are told by their other locks."""
    return "ReadonlyRootFilesystem" in overridden or "LinuxParameters" not in overridden


def _health_check(said: Manifest) -> HealthCheck:
    return HealthCheck(
        command=tuple(said["command"]),
        interval_s=_seconds(said["interval"]),
        timeout_s=_seconds(said["timeout"]),
        retries=said["retries"],
        start_period_s=_seconds(said["start_period"]),
    )


_CHECK: Final[Manifest] = dict.fromkeys(("command", "interval", "timeout", "retries", "start_period"))
_KEYS: Final[Manifest] = {
    "name": None,
    "type": None,
    "image": {"location": None, "port": None, "healthcheck": _CHECK, "depends_on": None},
    "on": {"schedule": None},
    "http": {
        "path": None,
        "healthcheck": dict.fromkeys(("path", "success_codes", "grace_period")),
        "deregistration_delay": None,
    },
    "nlb": {"port": None},
    "command": None,
    "cpu": None,
    "memory": None,
    "platform": {"osfamily": None, "architecture": None},
    "count": {
        "range": dict.fromkeys(("min", "max", "spot_from")),
        "spot": None,
        "cooldown": {"in": None, "out": None},
        **dict.fromkeys(_METRICS),
    },
    "deployment": {"rolling": None},
    "exec": None,
    "network": {"vpc": {"placement": None}},
    "logging": {"retention": None},
    "variables": None,
    "secrets": None,
    "storage": {"ephemeral": None, "volumes": None},
    "sidecars": None,
    "taskdef_overrides": None,
}
"""Keys that Copilot knows, of those that we write: it ignores others without a word. None: whatever is below is not keys."""
_SIDECAR_KEYS: Final[Manifest] = {
    "image": None,
    "essential": None,
    "port": None,
    "command": None,
    "variables": None,
    "secrets": None,
    "healthcheck": _CHECK,
    "depends_on": None,
    "mount_points": None,
}
_VOLUME_KEYS: Final[Manifest] = {
    "path": None,
    "read_only": None,
    "efs": {"id": None, "root_dir": None, "auth": {"iam": None, "access_point_id": None}},
}


def unknown_keys(manifest: Manifest) -> list[str]:
    """Paths of keys in a manifest that Copilot would ignore without a word, such as a misspelt one."""
    found = _unknown(manifest, _KEYS, "")
    for name, sidecar in manifest.get("sidecars", {}).items():
        found += _unknown(sidecar, _SIDECAR_KEYS, f"sidecars.{name}.")
    for name, volume in manifest.get("storage", {}).get("volumes", {}).items():
        found += _unknown(volume, _VOLUME_KEYS, f"storage.volumes.{name}.")
    return sorted(found)


def _unknown(said: Any, known: Manifest, where: str) -> list[str]:
    if not isinstance(said, dict):
        return []
    found = [f"{where}{key}" for key in said if key not in known]
    for key, below in known.items():
        if below is not None and key in said:
            found += _unknown(said[key], below, f"{where}{key}.")
    return found
