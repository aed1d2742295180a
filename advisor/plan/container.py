"""Containers of a task."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from advisor.errors import PlanError
from advisor.plan.names import FIRST_DYNAMIC_PORT, MAX_PORT, OPTIONAL, RESERVED_HOST_PORTS, check_ecs_name, check_no_secret

_PORT_NAME: Final = re.compile(r"[a-z0-9_][a-z0-9_-]{0,63}", re.ASCII)
_SECRET: Final = re.compile(
    r"arn:aws[a-z-]*:(secretsmanager|ssm):[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9/_+=.@:-]+|/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*",
    re.ASCII,
)
_SCRATCH_VOLUME: Final = re.compile(r"tmp(-\d+)?", re.ASCII)
_MIN_CONTAINER_MIB: Final = 6


class Start(StrEnum):
    """What a container waits for in another one, as ``dependsOn.condition``."""

    START = "START"
    COMPLETE = "COMPLETE"
    SUCCESS = "SUCCESS"
    HEALTHY = "HEALTHY"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """How ECS asks a container whether it is well."""

    command: tuple[str, ...]
    """First ``CMD`` or ``CMD-SHELL``."""
    interval_s: int = 30
    timeout_s: int = 5
    retries: int = 3
    start_period_s: int = 0

    def __post_init__(self) -> None:
        shell = self.command[:1] == ("CMD-SHELL",)
        if self.command[:1] not in (("CMD",), ("CMD-SHELL",)) or len(self.command) < 2 or (shell and len(self.command) > 2):
            raise PlanError(f"a health check starts with CMD, or is CMD-SHELL and one string, got {list(self.command)}")
        for what, value, low, high in (
            ("interval", self.interval_s, 5, 300),
            ("timeout", self.timeout_s, 2, 60),
            ("retries", self.retries, 1, 10),
            ("start period", self.start_period_s, 0, 300),
        ):
            if not low <= value <= high:
                raise PlanError(f"health check: {what} must be {low} to {high}, got {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PortMapping:
    """A port on which a container listens."""

    container_port: int
    protocol: str = "tcp"
    name: str | None = None
    """By which Service Connect knows it."""
    host_port: int = field(default=0, metadata=OPTIONAL)
    """Fixed port of the instance in network mode bridge; 0: any that is free, and in mode host the container's."""

    def __post_init__(self) -> None:
        if not 0 < self.container_port <= MAX_PORT:
            raise PlanError(f"port {self.container_port} is not 1 to {MAX_PORT}")
        is_kept = self.host_port in RESERVED_HOST_PORTS and self.protocol == "tcp"
        if is_kept or not 0 <= self.host_port < FIRST_DYNAMIC_PORT:
            raise PlanError(
                f"host port {self.host_port} is not 0 to {FIRST_DYNAMIC_PORT - 1}, or one that the instance keeps for itself"
            )
        if self.protocol not in ("tcp", "udp"):
            raise PlanError(f"port {self.container_port}: protocol {self.protocol!r} is neither tcp nor udp")
        if self.name is not None and not _PORT_NAME.fullmatch(self.name):
            raise PlanError(f"port name {self.name!r}: needs up to 64 lower-case letters, digits, _ and -, no hyphen first")


@dataclass(frozen=True, slots=True, kw_only=True)
class MountPoint:
    """Where a container sees a volume of the task."""

    volume: str
    path: str
    is_read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EfsVolume:
    """A file system that outlives the task; traffic to it is encrypted."""

    name: str
    file_system_id: str
    root_directory: str = "/"
    access_point_id: str | None = None
    """With one, IAM decides who may mount."""

    def __post_init__(self) -> None:
        check_ecs_name("volume", self.name)
        if _SCRATCH_VOLUME.fullmatch(self.name):
            raise PlanError(f"volume {self.name!r}: tmp and tmp-1, tmp-2 ... are what containers get for /tmp")
        if not re.fullmatch(r"fs-[0-9a-f]{8,40}", self.file_system_id, re.ASCII):
            raise PlanError(
                f"volume {self.name!r}: {self.file_system_id!r} is not the id of a file system, such as fs-0123abcd"
            )
        if self.access_point_id is not None and not re.fullmatch(r"fsap-[0-9a-f]{8,40}", self.access_point_id, re.ASCII):
            raise PlanError(f"volume {self.name!r}: {self.access_point_id!r} is not the id of an access point")
        if self.access_point_id is not None and self.root_directory != "/":
            raise PlanError(f"volume {self.name!r}: with an access point its root directory must be /")
        if not self.root_directory.startswith("/"):
            raise PlanError(f"volume {self.name!r}: root directory {self.root_directory!r} does not start with /")


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container of a task."""

    name: str
    image: str | None = None
    """None: to be filled in before the deployment."""
    cpu_units: int | None = None
    """Its part of the task's; None leaves it to share."""
    memory_mib: int | None = None
    """At most; None: as much as the task has."""
    memory_reservation_mib: int | None = None
    is_essential: bool = True
    """When it ends, the task ends."""
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    """No secrets: those go by reference."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Variable to ARN in Secrets Manager, or ARN or name of an SSM parameter."""
    ports: tuple[PortMapping, ...] = ()
    health_check: HealthCheck | None = None
    mount_points: tuple[MountPoint, ...] = ()
    depends_on: Mapping[str, Start] = field(default_factory=dict)
    """Other container to what is waited for."""
    gpus: int = 0
    has_read_only_root: bool = True
    """Linux only."""

    def __post_init__(self) -> None:
        check_ecs_name("container", self.name)
        where = f"container {self.name!r}"
        if self.cpu_units is not None and self.cpu_units <= 0:
            raise PlanError(f"{where}: CPU units must be above zero, got {self.cpu_units}")
        for mib in (self.memory_mib, self.memory_reservation_mib):
            if mib is not None and mib < _MIN_CONTAINER_MIB:
                raise PlanError(f"{where}: needs at least {_MIN_CONTAINER_MIB} MiB, got {mib}")
        if (self.memory_mib or math.inf) <= (self.memory_reservation_mib or 0):
            raise PlanError(f"{where}: memory must be above its reservation")
        if self.gpus < 0:
            raise PlanError(f"{where}: {self.gpus} GPUs")
        for variable, value in self.environment.items():
            check_no_secret(where, variable, value)
        twice = self.environment.keys() & self.secrets.keys()
        if twice or "" in (*self.environment, *self.secrets):
            raise PlanError(f"{where}: variables without a name, or given twice: {', '.join(sorted(twice)) or repr('')}")
        for variable, source in self.secrets.items():
            if not _SECRET.fullmatch(source):
                raise PlanError(
                    f"{where}: secret {variable!r} is not by reference: needs the ARN of a secret, or the ARN or name of an"
                    " SSM parameter"
                )
