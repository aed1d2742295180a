"""Task definition and log group of one service: small privileges, a read-only root file system."""

from typing import Final

from advisor.ecs import FARGATE_INCLUDED_STORAGE_GIB, LaunchType, PurchaseOption
from advisor.emit.ecs import names
from advisor.emit.ecs.calls import Request
from advisor.plan import Plan, ServicePlan

LOG_RETENTION_DAYS: Final = 30
MIN_TASK_CPU_UNITS: Final = 128
"""Of a task definition; a container may ask for less."""
SPOT_STOP_TIMEOUT_S: Final = 120
"""The whole notice before a Spot interruption, and the most that Fargate allows."""
SCRATCH_VOLUME: Final = "tmp"


def register_task_definition(plan: Plan, name: str) -> Request:
    service = plan.services[name]
    request: Request = {
        "family": names.family(plan.cluster, name),
        "requiresCompatibilities": [str(service.launch_type)],
        "networkMode": service.network_mode,
        "memory": str(service.task.memory_mib),
        "runtimePlatform": {"cpuArchitecture": str(service.architecture), "operatingSystemFamily": "LINUX"},
        "executionRoleArn": names.arn(plan.region, "iam", f"role/{names.execution_role(plan.cluster, name)}"),
        "taskRoleArn": names.arn(plan.region, "iam", f"role/{names.task_role(plan.cluster, name)}"),
        "containerDefinitions": [_container(plan, name)],
        "volumes": [{"name": SCRATCH_VOLUME}],
    }
    if service.task.cpu_units >= MIN_TASK_CPU_UNITS:
        request["cpu"] = str(service.task.cpu_units)
    if service.launch_type is LaunchType.FARGATE and service.ephemeral_storage_gib > FARGATE_INCLUDED_STORAGE_GIB:
        request["ephemeralStorage"] = {"sizeInGiB": service.ephemeral_storage_gib}
    return request


def _container(plan: Plan, name: str) -> Request:
    service = plan.services[name]
    container: Request = {
        "name": name,
        "image": names.image(name) if service.image is None else service.image,
        "essential": True,
        "readonlyRootFilesystem": True,
        "mountPoints": [{"sourceVolume": SCRATCH_VOLUME, "containerPath": "/tmp", "readOnly": False}],  # noqa: S108 (in the container)
        "linuxParameters": {"initProcessEnabled": True, "capabilities": {"drop": ["ALL"]}},
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": names.log_group(plan.cluster, name),
                "awslogs-region": plan.region,
                "awslogs-stream-prefix": "ecs",
            },
        },
    }
    if service.task.cpu_units < MIN_TASK_CPU_UNITS:
        container["cpu"] = service.task.cpu_units
    if service.port is not None:
        container["portMappings"] = [_port_mapping(service, service.port)]
    if service.purchase_option is PurchaseOption.SPOT:
        container["stopTimeout"] = SPOT_STOP_TIMEOUT_S
    return container


def _port_mapping(service: ServicePlan, port: int) -> Request:
    mapping: Request = {"containerPort": port, "protocol": "tcp"}
    if service.network_mode == "bridge":
        mapping["hostPort"] = 0  # any free port, so that several tasks fit on one instance
    return mapping


def log_group_requests(plan: Plan, name: str) -> tuple[Request, Request]:
    """CreateLogGroup and PutRetentionPolicy: a group without a policy keeps, and bills, its logs for ever."""
    group = names.log_group(plan.cluster, name)
    return {"logGroupName": group}, {"logGroupName": group, "retentionInDays": LOG_RETENTION_DAYS}
