"""Why a service is not in the workload, or is there without measured load."""

from collections.abc import Mapping, Sequence
from typing import Final

from advisor.ecs import LINUX, is_windows
from advisor.sources.aws.cloudwatch import Window
from advisor.sources.aws.ecs_facts import EcsService, TaskDefinition
from advisor.sources.aws.findings import FoundService
from advisor.sources.aws.load import ServiceLoad

DAEMON: Final = "it is a daemon service: one task on every container instance, so not a choice of launch type"


def why_out(service: EcsService) -> str | None:
    if service.status == "INACTIVE":
        return "the service is deleted (INACTIVE)"
    if service.status == "DRAINING":
        return "the service is being deleted (DRAINING)"
    if service.launch_type == "EXTERNAL":
        return "it runs on external instances (ECS Anywhere), which is none of the launch types that are compared"
    return None


def why_unsized(service: EcsService, definition: TaskDefinition | None, refused: Mapping[str, str]) -> str | None:
    if definition is None:
        return refused.get(
            service.task_definition or "", "ECS names no task definition for it (none of its task sets is PRIMARY)"
        )
    if definition.has_inference_accelerator:
        return "its tasks ask for an inference accelerator, which AWS no longer offers"
    if service.is_daemon and is_windows(definition.os_family or LINUX):
        return "it is a daemon on Windows, which this version does not model"
    if definition.cpu_units is None and not service.is_daemon:
        return "its task definition reserves no CPU, neither for the task nor for a container: state task.cpu to take it in"
    if definition.memory_mib is None:
        return "its task definition reserves no memory: state task.memory to take it in"
    return None


def why_no_data(found: FoundService, window: Window, notes: Sequence[str]) -> str:
    service = found.service
    if notes:
        return "; ".join(notes)
    if not service.running_count and not service.desired_count:
        return "no task runs, and CloudWatch gets no data points while none does"
    if not service.running_count:
        return (
            f"none of the {service.desired_count} tasks wanted is running, and CloudWatch gets no data points while none does"
        )
    if service.created_at and service.created_at >= window.end:
        return f"the service was created at {service.created_at:%Y-%m-%d %H:%M} UTC, after the window"
    if found.present and found.present.launch_type == "EC2":
        return (
            "tasks run, but CloudWatch has no metrics of them: the container agent may have ECS_DISABLE_METRICS set, or the "
            "instance role may lack ecs:StartTelemetrySession"
        )
    return "tasks run, but CloudWatch has no metrics of the service in this window"


def why_useless(load: ServiceLoad, found: FoundService) -> str | None:
    """Why measured columns do not make a load that can be read; None when they do."""
    if not load.tells_load:
        return "neither CPU in use nor a task count was measured"
    if (
        "cpu_percent_average" in load.columns
        and not found.service.desired_count
        and not {"tasks", "cpu_units"} & set(load.columns)
    ):
        return "CPU in percent was measured, but of how many tasks is not known: none is wanted now, and nothing counted them"
    return None
