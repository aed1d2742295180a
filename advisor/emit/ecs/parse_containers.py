"""From a task definition's containers and volumes back to those of the plan."""

import re

from advisor.emit.ecs import names
from advisor.emit.ecs.calls import Request
from advisor.plan import Container, EfsVolume, HealthCheck, MountPoint, PortMapping, Start


def container_of(definition: Request) -> Container:
    check = definition.get("healthCheck")
    requirements = definition.get("resourceRequirements", [])
    mounts = [mount for mount in definition.get("mountPoints", []) if not re.fullmatch(r"tmp(-\d+)?", mount["sourceVolume"])]
    return Container(
        name=definition["name"],
        image=None if names.IMAGE_TAG in definition["image"] else definition["image"],
        cpu_units=definition.get("cpu"),
        memory_mib=definition.get("memory"),
        memory_reservation_mib=definition.get("memoryReservation"),
        is_essential=definition["essential"],
        command=tuple(definition.get("command", [])),
        environment={variable["name"]: variable["value"] for variable in definition.get("environment", [])},
        secrets={secret["name"]: secret["valueFrom"] for secret in definition.get("secrets", [])},
        ports=tuple(
            PortMapping(
                container_port=port["containerPort"],
                protocol=port["protocol"],
                name=port.get("name"),
                host_port=port.get("hostPort", 0),
            )
            for port in definition.get("portMappings", [])
        ),
        health_check=None if check is None else _health_check(check),
        mount_points=tuple(
            MountPoint(volume=mount["sourceVolume"], path=mount["containerPath"], is_read_only=mount["readOnly"])
            for mount in mounts
        ),
        depends_on={need["containerName"]: Start(need["condition"]) for need in definition.get("dependsOn", [])},
        gpus=sum(int(need["value"]) for need in requirements),
        has_read_only_root=definition.get("readonlyRootFilesystem", True),
    )


def _health_check(check: Request) -> HealthCheck:
    return HealthCheck(
        command=tuple(check["command"]),
        interval_s=check["interval"],
        timeout_s=check["timeout"],
        retries=check["retries"],
        start_period_s=check["startPeriod"],
    )


def efs_volume_of(volume: Request) -> EfsVolume:
    efs = volume["efsVolumeConfiguration"]
    return EfsVolume(
        name=volume["name"],
        file_system_id=efs["fileSystemId"],
        root_directory=efs.get("rootDirectory", "/"),
        access_point_id=efs.get("authorizationConfig", {}).get("accessPointId"),
    )
