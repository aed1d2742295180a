"""Task definition and log group of one service: small privileges, a read-only root file system."""

from typing import Final

from advisor.ecs import FARGATE_INCLUDED_STORAGE_GIB, LaunchType
from advisor.emit.ecs import names
from advisor.emit.ecs.calls import Request
from advisor.emit.ecs.network import runs_on_spot
from advisor.plan import MIN_TASK_CPU_UNITS, Container, EfsVolume, HealthCheck, Plan, PortMapping, ServicePlan

SPOT_STOP_TIMEOUT_S: Final = 120
"""The whole notice before a Spot interruption, and the most that Fargate allows."""
_SCRATCH_PATH: Final = "/tmp"  # noqa: S108 (in the container)


def register_task_definition(plan: Plan, name: str) -> Request:
    service = plan.services[name]
    request: Request = {
        "family": names.family(plan.cluster, name),
        "requiresCompatibilities": [str(service.launch_type)],
        "networkMode": service.network_mode,
        "memory": str(service.task.memory_mib),
        "runtimePlatform": {
            "cpuArchitecture": str(service.architecture),
            "operatingSystemFamily": service.operating_system,
        },
        "executionRoleArn": names.arn(plan.region, "iam", f"role/{names.execution_role(plan.cluster, name)}"),
        "taskRoleArn": names.arn(plan.region, "iam", f"role/{names.task_role(plan.cluster, name)}"),
        "containerDefinitions": [
            _container(plan, name, container, number) for number, container in enumerate(service.containers_of(name))
        ],
        "volumes": [_efs_volume(volume) for volume in service.volumes],
    }
    scratch = [number for number, container in enumerate(service.containers_of(name)) if _has_scratch(service, container)]
    request["volumes"] += [{"name": _scratch_volume(number)} for number in scratch]
    if service.task.cpu_units >= MIN_TASK_CPU_UNITS:
        request["cpu"] = str(service.task.cpu_units)
    if service.launch_type is LaunchType.FARGATE and service.ephemeral_storage_gib > FARGATE_INCLUDED_STORAGE_GIB:
        request["ephemeralStorage"] = {"sizeInGiB": service.ephemeral_storage_gib}
    return request


def _scratch_volume(number: int) -> str:
    return f"tmp-{number}" if number else "tmp"


def _has_scratch(service: ServicePlan, container: Container) -> bool:
    """A writable /tmp where the root is read-only and nothing else is mounted there."""
    paths = {mount.path for mount in container.mount_points}
    return not service.is_windows and container.has_read_only_root and _SCRATCH_PATH not in paths


def _efs_volume(volume: EfsVolume) -> Request:
    efs: Request = {"fileSystemId": volume.file_system_id, "transitEncryption": "ENABLED"}
    if volume.access_point_id is None:
        efs["rootDirectory"] = volume.root_directory
    else:
        efs["authorizationConfig"] = {"accessPointId": volume.access_point_id, "iam": "ENABLED"}
    return {"name": volume.name, "efsVolumeConfiguration": efs}


def _container(plan: Plan, name: str, container: Container, number: int) -> Request:
    service = plan.services[name]
    image = container.image or names.image(plan.region, plan.cluster, name, container.name)
    definition: Request = {
        "name": container.name,
        "image": image,
        "essential": container.is_essential,
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": names.log_group(plan.cluster, name),
                "awslogs-region": plan.region,
                "awslogs-stream-prefix": "ecs",
            },
        },
    }
    mounts = [{"sourceVolume": m.volume, "containerPath": m.path, "readOnly": m.is_read_only} for m in container.mount_points]
    if _has_scratch(service, container):
        mounts.append({"sourceVolume": _scratch_volume(number), "containerPath": _SCRATCH_PATH, "readOnly": False})
    if not service.is_windows:
        definition["readonlyRootFilesystem"] = container.has_read_only_root
        definition["linuxParameters"] = {"initProcessEnabled": True, "capabilities": {"drop": ["ALL"]}}
    is_alone = not service.containers and service.task.cpu_units < MIN_TASK_CPU_UNITS
    optional = {
        "command": list(container.command),
        "cpu": service.task.cpu_units if is_alone else container.cpu_units,
        "memory": container.memory_mib,
        "memoryReservation": container.memory_reservation_mib,
        "environment": [{"name": key, "value": value} for key, value in sorted(container.environment.items())],
        "secrets": [{"name": key, "valueFrom": source} for key, source in sorted(container.secrets.items())],
        "portMappings": [_port_mapping(service, port) for port in container.ports],
        "healthCheck": container.health_check and _health_check(container.health_check),
        "mountPoints": mounts,
        "dependsOn": [{"containerName": o, "condition": str(c)} for o, c in sorted(container.depends_on.items())],
        "resourceRequirements": [{"type": "GPU", "value": str(container.gpus)}] if container.gpus else [],
        "stopTimeout": SPOT_STOP_TIMEOUT_S if runs_on_spot(plan, name) else None,
    }
    return definition | {key: value for key, value in optional.items() if value}


def _health_check(check: HealthCheck) -> Request:
    return {
        "command": list(check.command),
        "interval": check.interval_s,
        "timeout": check.timeout_s,
        "retries": check.retries,
        "startPeriod": check.start_period_s,
    }


def _port_mapping(service: ServicePlan, port: PortMapping) -> Request:
    mapping: Request = {"containerPort": port.container_port, "protocol": port.protocol}
    if port.name is not None:
        mapping["name"] = port.name
    if service.network_mode == "bridge":
        mapping["hostPort"] = port.host_port  # 0: any free port, so that several tasks fit on one instance
    return mapping


def log_group_requests(plan: Plan, name: str) -> tuple[Request, Request]:
    """CreateLogGroup and PutRetentionPolicy: a group without a policy keeps, and bills, its logs for ever."""
    group = names.log_group(plan.cluster, name)
    return {"logGroupName": group}, {"logGroupName": group, "retentionInDays": plan.services[name].log_retention_days}
