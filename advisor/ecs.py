"""The vocabulary of Amazon ECS: launch types, architectures, task sizes, container instance types."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from advisor.units import CEIL_TOLERANCE, ECS_CPU_UNITS_PER_VCPU, MIB_PER_GIB


class LaunchType(StrEnum):
    """Where tasks run, spelled as in the ECS API."""

    EC2 = "EC2"
    FARGATE = "FARGATE"
    MANAGED_INSTANCES = "MANAGED_INSTANCES"

    @property
    def called(self) -> str:
        """As readers say it."""
        return {"EC2": "EC2", "FARGATE": "Fargate", "MANAGED_INSTANCES": "Managed Instances"}[self]


class NetworkMode(StrEnum):
    """How tasks are on the network, spelled as ``networkMode`` in the ECS API."""

    AWSVPC = "awsvpc"
    """Each task has an interface of its own, and so takes a network slot of an instance."""
    BRIDGE = "bridge"
    """Ports of containers are mapped to ports of the instance: stated ones, or any that are free."""
    HOST = "host"
    """Ports of containers are ports of the instance."""
    NONE = "none"


NETWORK_MODES: Final[Mapping[LaunchType, tuple[NetworkMode, ...]]] = {
    LaunchType.EC2: tuple(NetworkMode),
    LaunchType.FARGATE: (NetworkMode.AWSVPC,),
    # Developer Guide, "Amazon ECS task networking for Amazon ECS Managed Instances". The API Reference
    # (ManagedInstancesNetworkConfiguration) has none beside them: where sources differ, what both have.
    LaunchType.MANAGED_INSTANCES: (NetworkMode.AWSVPC, NetworkMode.HOST),
}
"""Which a launch type takes; read 2026-11-26."""


class PurchaseOption(StrEnum):
    """How a unit of capacity is paid for."""

    ON_DEMAND = "on_demand"
    SPOT = "spot"


class Architecture(StrEnum):
    """CPU architecture, spelled as ``runtimePlatform.cpuArchitecture`` in the ECS API."""

    X86_64 = "X86_64"
    ARM64 = "ARM64"


class PlacementStrategy(StrEnum):
    """How ECS chooses a container instance for a task."""

    SPREAD_THEN_BINPACK = "az_spread_then_binpack"
    """Zones kept equal, instances filled: what the plans we propose use."""
    DEFAULT_SPREAD = "default_az_spread"
    """What a service without a strategy gets: spread over zones, then over instances."""
    BINPACK = "binpack"
    """Instances filled, zones left to chance."""
    INSTANCE_SPREAD = "instance_spread"
    """As many tasks on each instance, whatever its zone."""
    RANDOM = "random"
    """Any instance with room."""


ZONES_FIRST: Final = (PlacementStrategy.SPREAD_THEN_BINPACK, PlacementStrategy.DEFAULT_SPREAD)
"""Zones come before instances: no other service is rebalanced over them."""
PACKED_PLACEMENTS: Final = (*ZONES_FIRST, PlacementStrategy.BINPACK)
"""What the packing model follows; under the others costs come from a replay alone."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class TaskSize:
    """CPU and memory that one task reserves."""

    cpu_units: int
    """1024 per vCPU, as in a task definition."""
    memory_mib: int
    """Limit of the whole task."""
    gpus: int = 0
    """Whole GPUs that its containers are given together."""

    def __post_init__(self) -> None:
        if self.cpu_units <= 0 or self.memory_mib <= 0 or self.gpus < 0:
            raise ValueError(f"a task needs CPU and memory above zero, and no fewer GPUs than none, got {self}")

    @property
    def vcpu(self) -> float:
        return self.cpu_units / ECS_CPU_UNITS_PER_VCPU

    @property
    def memory_gib(self) -> float:
        return self.memory_mib / MIB_PER_GIB

    def on_vcpu(self, work: float) -> "TaskSize":
        """The size that does the same where a vCPU does ``work`` times as much: CPU units rounded down, the same memory.

        Rounded up, tasks that together fill an instance could be a unit too large for it.
        """
        return replace(self, cpu_units=max(1, int(self.cpu_units / work + CEIL_TOLERANCE)))

    def fits_in(self, other: "TaskSize") -> bool:
        """Whether a task of this size fits where ``other`` is offered."""
        return self.cpu_units <= other.cpu_units and self.memory_mib <= other.memory_mib and self.gpus <= other.gpus

    def __str__(self) -> str:
        gpus = f"/{self.gpus} GPU{'s' if self.gpus > 1 else ''}" if self.gpus else ""
        return f"{self.cpu_units}/{self.memory_mib}{gpus}"


def _fargate_sizes() -> Iterator[TaskSize]:
    """The grid of Amazon ECS Developer Guide, "Task CPU and memory" (fargate-tasks-services), with 32 vCPU of 2026-06-05."""
    gib_by_cpu_units: dict[int, tuple[float, ...]] = {
        256: (0.5, 1, 2),
        512: tuple(range(1, 5)),
        1024: tuple(range(2, 9)),
        2048: tuple(range(4, 17)),
        4096: tuple(range(8, 31)),
        8192: tuple(range(16, 61, 4)),
        16384: tuple(range(32, 121, 8)),
        32768: (60, 120, 244),
    }
    for cpu_units, sizes_gib in gib_by_cpu_units.items():
        for gib in sizes_gib:
            yield TaskSize(cpu_units=cpu_units, memory_mib=int(gib * MIB_PER_GIB))


FARGATE_SIZES: Final[tuple[TaskSize, ...]] = tuple(_fargate_sizes())
"""The 77 task sizes that Fargate accepts on Linux, smallest first."""

LINUX: Final = "LINUX"
"""What a task definition runs on that states no ``runtimePlatform.operatingSystemFamily``, as ECS itself takes it."""
FARGATE_WINDOWS: Final = tuple(f"WINDOWS_SERVER_{year}_{edition}" for year in (2019, 2022) for edition in ("CORE", "FULL"))
"""Amazon ECS Developer Guide, "Windows containers on Fargate considerations", read 2026-11-26."""
WINDOWS: Final = (*FARGATE_WINDOWS, "WINDOWS_SERVER_2025_CORE", "WINDOWS_SERVER_2025_FULL")
"""What ECS-optimized images exist for."""
OPERATING_SYSTEMS: Final = (LINUX, *WINDOWS)
"""Spelled as ``runtimePlatform.operatingSystemFamily`` in the ECS API."""
FARGATE_WINDOWS_SIZES: Final = tuple(size for size in FARGATE_SIZES if size.cpu_units in (1024, 2048, 4096))
"""The task sizes that Fargate accepts on Windows, smallest first."""


def is_windows(operating_system: str) -> bool:
    """Whether an operating system family is a Windows."""
    return operating_system.startswith("WINDOWS")


def fargate_grid(operating_system: str) -> tuple[TaskSize, ...]:
    """The task sizes that Fargate accepts, smallest first."""
    return FARGATE_WINDOWS_SIZES if is_windows(operating_system) else FARGATE_SIZES


def fargate_least_bill_s(operating_system: str) -> float:
    """Least that Fargate bills for a task [1]_. [s]

    .. [1] AWS, "AWS Fargate pricing", https://aws.amazon.com/fargate/pricing/.
    """
    return 300.0 if is_windows(operating_system) else 60.0


FARGATE_INCLUDED_STORAGE_GIB: Final = 20
"""Ephemeral storage that comes with every Fargate task."""
FARGATE_MAX_STORAGE_GIB: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceType:
    """What one EC2 instance type offers to ECS. No money in it."""

    name: str
    vcpu: int
    memory_mib: int
    """Nominal memory, as advertised."""
    registered_memory_mib: int
    """What a container instance of this type registers with ECS: less than nominal."""
    is_registered_memory_observed: bool
    """True when read from a real container instance, False when it is our fit."""
    architectures: tuple[Architecture, ...]
    max_enis: int | None
    """Network interfaces; None when not known."""
    branch_interfaces: int | None
    """Extra interfaces that awsvpc trunking gives; None where trunking is not possible."""
    trunked_tasks: int | None
    """awsvpc tasks with trunking; None where trunking is not possible."""
    baseline_fraction: float | None
    """For burstable types the CPU share of each vCPU that is free of surplus credits; None for all others."""
    coremark_per_thread: float | None
    is_current_generation: bool
    is_bare_metal: bool
    has_accelerator: bool
    """A GPU, FPGA or ML chip, or a part of one."""
    gpus: int | None = None
    """Whole NVIDIA GPUs, which ECS gives to tasks; None where there is none, or where it is not known."""
    is_windows: bool = False
    """As a host of tasks on Windows, which has a rate of its own."""

    @property
    def family(self) -> str:
        """``m7g`` of ``m7g.large``."""
        return self.name.partition(".")[0]

    @property
    def cpu_units(self) -> int:
        return self.vcpu * ECS_CPU_UNITS_PER_VCPU

    def on_windows(self) -> "InstanceType":
        """The same as a host of tasks on Windows: without trunking, which is for Linux alone [1]_, and with other memory.

        Windows reports all but a MiB of what is installed: 8,191 of 8,192 MiB [2]_.

        References
        ----------
        .. [1] Amazon ECS Developer Guide, "Increasing Amazon ECS Linux container instance network interfaces".
        .. [2] Amazon ECS Developer Guide, "Reserving Amazon ECS Linux container instance memory", m4.large.
        """
        return replace(
            self,
            is_windows=True,
            registered_memory_mib=self.memory_mib - 1,
            is_registered_memory_observed=False,
            branch_interfaces=None,
            trunked_tasks=None,
        )


WINDOWS_RESERVED_MIB: Final = 2048
"""Of each Windows instance, kept from tasks by ``ECS_RESERVED_MEMORY`` where none is stated: for the system, Docker, the agent.

AWS publishes no figure for ECS, and the agent keeps nothing of itself: a stated default. Microsoft asks for 512 MB with Core
and 2 GB with the desktop of Full, before Docker runs.
"""
WINDOWS_BOOT_S: Final = 300
"""From the launch of a Windows instance until it takes tasks: a stated default. AWS speaks of 4 to 8 minutes until a container
is ready ("Speeding up Windows container launch times with EC2 Image Builder and image cache strategy", AWS Containers Blog)."""

DEFAULT_COOLDOWN_S: Final = 300
"""Of target tracking and of step scaling where none is given: Application Auto Scaling API Reference,
"TargetTrackingScalingPolicyConfiguration" and "StepScalingPolicyConfiguration", for Amazon ECS services."""
