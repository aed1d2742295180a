"""A workload: services of one cluster with their measured load on a common UTC time axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np

from advisor.ecs import (
    DEFAULT_COOLDOWN_S,
    LINUX,
    NETWORK_MODES,
    Architecture,
    LaunchType,
    NetworkMode,
    PurchaseOption,
    TaskSize,
    is_windows,
)
from advisor.plan import Commitment, PortMapping, ScheduledAction, StepPolicy
from advisor.plan.placement import HostPort, host_ports_in
from advisor.plan.refused_fields import why_no_windows
from advisor.units import ECS_CPU_UNITS_PER_VCPU, HOURS_PER_WEEK, MS_PER_S, SECONDS_PER_HOUR, BoolArray, FloatArray, ceil_whole

DEFAULT_STARTUP_S = 60.0
"""From the start of the image pull until a task is ready, where the input does not say."""


class LoadForm(StrEnum):
    """In which form a service states its load."""

    TASKS = "tasks"
    """Running task counts, taken as they ran."""
    UTILIZATION = "utilization"
    """CPU percent of the declared size, with the task count it refers to."""
    USAGE = "usage"
    """CPU units in use by all tasks together, as Container Insights reports them."""
    REQUESTS = "requests"
    """Requests per second, with what one request or one task takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """Bounds and target of service auto scaling."""

    min_tasks: int
    max_tasks: int | None = None
    target_cpu_fraction: float = 0.60
    """Of target tracking. Without it (``has_target``) the lowest threshold from which on a step policy adds tasks."""
    is_min_stated: bool = True
    """False when ``min_tasks`` is the default: a count for availability, not a statement of capacity."""
    scheduled_actions: tuple[ScheduledAction, ...] = ()
    """Cron expressions all; each sets bounds that hold until another one does. Before the first of them the others hold."""
    step_policies: tuple[StepPolicy, ...] = ()
    """Of step scaling, on CPU all; their steps count tasks of the declared size."""
    has_target: bool = True
    """False where step policies alone move the count."""
    out_cooldown_s: int = DEFAULT_COOLDOWN_S
    """Of target tracking, after it added tasks. [s]"""
    in_cooldown_s: int = DEFAULT_COOLDOWN_S
    """After it removed some. [s]"""

    def with_policies(self, policies: tuple[StepPolicy, ...], target_cpu_fraction: float | None) -> "Scaling":
        """The same bounds with a target, with step policies, or with both; the default target only where neither is given."""
        stepped = replace(self, step_policies=policies)
        if target_cpu_fraction is not None:
            return replace(stepped, target_cpu_fraction=target_cpu_fraction, has_target=True)
        added_from = [policy.threshold_percent / 100 for policy in policies if not policy.is_scale_in]
        return replace(stepped, target_cpu_fraction=min(added_from), has_target=False) if added_from else stepped

    @property
    def cooldowns_s(self) -> tuple[int, int]:
        """Of target tracking: out, in."""
        return self.out_cooldown_s, self.in_cooldown_s

    @property
    def has_own_cooldowns(self) -> bool:
        """Whether they are others than AWS's."""
        return self.cooldowns_s != (DEFAULT_COOLDOWN_S, DEFAULT_COOLDOWN_S)

    @property
    def is_fixed(self) -> bool:
        """Whether the bounds leave one count, always."""
        return self.min_tasks == self.max_tasks and not self.scheduled_actions

    @property
    def is_bounded(self) -> bool:
        """Whether bounds are stated at all."""
        return self.is_min_stated or self.max_tasks is not None or bool(self.scheduled_actions or self.step_policies)


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentService:
    """How a service runs today."""

    launch_type: LaunchType
    desired_count: int | None = None
    purchase_option: PurchaseOption = PurchaseOption.ON_DEMAND
    architecture: Architecture = Architecture.X86_64


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentCluster:
    """The container instances that run today."""

    instances: Mapping[str, int]
    """Number of instances of each type, with Linux."""
    windows_instances: Mapping[str, int] = field(default_factory=dict)
    """The same with Windows."""
    purchase_option: PurchaseOption = PurchaseOption.ON_DEMAND


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What the user expects of the load until the month that is planned for."""

    fraction: float = 0.0
    """0.3: the load will be 30 % larger."""
    spread_fraction: float = 0.0
    """Standard deviation of that, as a share of the load."""

    @property
    def is_none(self) -> bool:
        return self.fraction == 0.0 and self.spread_fraction == 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkPerVcpu:
    """How much work a vCPU of an instance type does, in vCPUs of what the load was measured on. One of the two is set."""

    measured_on: str | None = None
    """An instance type: the work of the others follows from CoreMark."""
    stated: tuple[tuple[str, float], ...] = ()
    """Shell pattern and factor; the first pattern that a type matches counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """What every plan must keep to."""

    launch_types: tuple[LaunchType, ...] = tuple(LaunchType)
    instance_types: tuple[str, ...] = ("*",)
    """Shell patterns; a type is allowed when one of them matches."""
    zones: int = 2
    has_trunking: bool = True
    terms: tuple[str, ...] = ("none",)
    work_per_vcpu: WorkPerVcpu | None = None
    """None: 1 on every type."""
    ecs_reserved_memory_mib: int = 0
    """That the agent keeps from tasks on every container instance of EC2; Managed Instances have no such setting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledRun:
    """Tasks of a batch that EventBridge Scheduler can start."""

    schedule: str
    """``cron(...)`` or ``rate(...)``."""
    time_zone: str
    tasks: int
    """That start together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUse:
    """Memory of a task as the user states it: a base, and a slope over the load of the task."""

    base_mib: float
    mib_per_vcpu: float | None = None
    """For each vCPU that the task keeps busy."""
    mib_per_request: float | None = None
    """For each request per second that the task serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployments:
    """How often a service is deployed: rolling, all of its tasks replaced."""

    per_week: float
    hour: int | None = None
    """Of the day, UTC, in which they all happen; None for any."""
    drain_s: float
    """From the decision to stop an old task until it is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One ECS service: what a task needs and how its load is stated."""

    name: str
    task: TaskSize
    load_form: LoadForm
    scaling: Scaling
    architectures: tuple[Architecture, ...] = (Architecture.X86_64,)
    operating_system: str = LINUX
    """As ``operatingSystemFamily`` in the ECS API."""
    requests_per_task: float | None = None
    """Requests per second that one task serves while at the scaling target."""
    cpu_ms_per_request: float | None = None
    ephemeral_storage_gib: int = 20
    startup_s: float = DEFAULT_STARTUP_S
    """From the start of the image pull until the task is ready."""
    is_interruptible: bool = False
    has_public_ip: bool = False
    port: int | None = None
    image: str | None = None
    present: PresentService | None = None
    is_stated: bool = False
    """True when the load is stated or assumed and not a measurement."""
    is_batch: bool = False
    """Tasks that start, work and stop (scheduled tasks, batch runs): counts over time, and no service keeps them running."""
    scheduled_runs: tuple[ScheduledRun, ...] = ()
    """Of a batch: what starts it. Empty where the runs are past ones, or on times that EventBridge Scheduler cannot take."""
    container_names: tuple[str, ...] = ()
    """In the task definition that the size was read from; empty without one."""

    deployments: Deployments | None = None
    """None: none are stated, and none are in any bill."""
    memory_use: MemoryUse | None = None
    """None: memory is reckoned from what was measured."""
    has_distinct_instances: bool = False
    """The placement constraint ``distinctInstance``: an instance holds one of its tasks. Fargate knows none."""
    network_mode: NetworkMode = NetworkMode.AWSVPC
    """Where it is taken: see `network_mode_on`."""
    port_mappings: tuple[PortMapping, ...] = ()
    """Of its containers, beside ``port``."""
    off_launch_types: tuple[tuple[LaunchType, str], ...] = ()
    """Launch types that it cannot run on, with the reason of each."""

    @property
    def is_windows(self) -> bool:
        return is_windows(self.operating_system)

    @property
    def host(self) -> tuple[str, bool]:
        """Operating system, and whether it asks for GPUs: only services alike in both share instances."""
        return self.operating_system, self.task.gpus > 0

    def why_off(self, launch_type: LaunchType) -> str | None:
        """Why it cannot run on a launch type; None where it can."""
        return why_no_windows(self.operating_system, launch_type) or dict(self.off_launch_types).get(launch_type)

    @property
    def ports(self) -> tuple[PortMapping, ...]:
        """All port mappings: ``port``, the load balancer's, is one of them."""
        if self.port is None or any((each.container_port, each.protocol) == (self.port, "tcp") for each in self.port_mappings):
            return self.port_mappings
        return (PortMapping(container_port=self.port), *self.port_mappings)

    def network_mode_on(self, launch_type: LaunchType) -> NetworkMode:
        """How its tasks are on the network there: as stated where that is taken, else in awsvpc mode, which all take."""
        return self.network_mode if self.network_mode in NETWORK_MODES[launch_type] else NetworkMode.AWSVPC

    def host_ports_on(self, launch_type: LaunchType) -> tuple[HostPort, ...]:
        """Fixed ports of its instance that a task takes there: an instance holds one such task of all services."""
        return host_ports_in(self.network_mode_on(launch_type), self.ports)

    def may_be_spot(self, launch_type: LaunchType) -> bool:
        """Whether it may run on Spot there; Fargate Spot does not run Windows."""
        return self.is_interruptible and not (self.is_windows and launch_type is LaunchType.FARGATE)

    @property
    def memory_mib_per_demand(self) -> float | None:
        """Slope of ``memory_use`` over the demand of a task, in its unit; None where the load has no such unit."""
        use = self.memory_use
        if use is None:
            return None
        if use.mib_per_request is not None:
            return use.mib_per_request if self.load_form is LoadForm.REQUESTS else None
        if use.mib_per_vcpu is None or not self.is_cpu_known:
            return None
        if self.cpu_ms_per_request is not None and self.load_form is LoadForm.REQUESTS:
            return use.mib_per_vcpu * self.cpu_ms_per_request / MS_PER_S
        return use.mib_per_vcpu / ECS_CPU_UNITS_PER_VCPU

    @property
    def is_cpu_known(self) -> bool:
        """Whether the load tells how much CPU is in use."""
        return self.load_form in (LoadForm.UTILIZATION, LoadForm.USAGE) or (
            self.load_form is LoadForm.REQUESTS and self.cpu_ms_per_request is not None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """A daemon service: one task on every container instance, and none on Fargate."""

    name: str
    task: TaskSize
    architectures: tuple[Architecture, ...] = (Architecture.X86_64,)
    """Instances of another architecture cannot run it, and are no candidates."""
    has_network_interface: bool = True
    """Takes a network slot of each instance: network mode awsvpc."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SideCosts:
    """What surrounds the tasks of a cluster, the same whatever they run on. None where nothing is stated."""

    load_balancers: float | None = None
    """Application Load Balancers."""
    load_balancer_lcus: float | None = None
    """Capacity units that all of them use, on average."""
    network_load_balancers: float | None = None
    network_load_balancer_lcus: float | None = None
    nat_gateways: float | None = None
    nat_gib_per_month: float | None = None
    """Through all NAT gateways, either way."""
    interface_endpoints: float | None = None
    """Counted in each zone."""
    interface_endpoint_gib_per_month: float | None = None
    inter_az_gib_per_month: float | None = None
    """From one zone to another; it is billed in both directions."""
    internet_out_gib_per_month: float | None = None
    """Up to 10 TB."""
    other_regions_gib_per_month: float | None = None
    logs_gib_per_month: float | None = None
    """Ingested by CloudWatch Logs."""
    logs_stored_gib: float | None = None
    custom_metrics: float | None = None
    container_insights_metrics: float | None = None
    """Sent by Container Insights with enhanced observability."""
    alarms: float | None = None
    ecr_gib: float | None = None
    """Stored in ECR."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """A file that was read."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Workload:
    """Services of one cluster and their load, aligned on one time axis."""

    cluster: str
    region: str
    services: tuple[Service, ...]
    start: datetime
    """Start of the first step, in UTC."""
    step_s: int
    """Length of a step: a divisor of 3600, from 20 s to 1 h."""
    demand: FloatArray
    """(services, steps): tasks, CPU units in use, or requests per second, as each service's ``load_form`` says; NaN in a gap.

    TASKS: running tasks; of batch runs, the most at one time in the step. UTILIZATION, USAGE: CPU units in use.
    REQUESTS: requests per second.
    """
    running_tasks: FloatArray | None = None
    """(services, steps): tasks that ran, where the load tells; NaN elsewhere."""
    memory_mib: FloatArray | None = None
    """(services, steps): highest known memory in use per task; NaN where not measured."""
    is_memory_maximum: BoolArray | None = None
    """(services,): True where ``memory_mib`` holds maxima, or samples of a single task, 5 minutes apart or less.

    Averages may not shrink a task.
    """
    cpu_units_per_task_max: FloatArray | None = None
    """(services, steps): most CPU units that a single task used; NaN where not measured."""
    fargate_tasks: FloatArray | None = None
    """(services, steps): tasks of batch runs that Fargate bills, on average over the step; NaN for other services.

    Whole seconds of each task from its start, start-up included, at least a minute, on Windows five.
    """
    daemons: tuple[Daemon, ...] = ()
    """What every container instance runs beside the services."""
    constraints: Constraints = field(default_factory=Constraints)
    growth: Growth = Growth()
    present: PresentCluster | None = None
    commitments: tuple[Commitment, ...] = ()
    """Savings Plans and Reserved Instances that the account holds."""
    side_costs: SideCosts | None = None
    """What the user wants counted beside the tasks."""
    rates_file: str | None = None
    """A file of own rates that goes before the catalog's."""
    inputs: tuple[InputFile, ...] = ()
    notes: tuple[str, ...] = ()
    """What was recognised, repaired or assumed while reading, one sentence each."""
    defaults_used: Mapping[str, str] = field(default_factory=dict)
    """Name and value of every default that stands in for something the input does not say."""

    def __post_init__(self) -> None:
        if self.demand.shape[0] != len(self.services):
            raise ValueError(f"{len(self.services)} services, but load of shape {self.demand.shape}")
        if SECONDS_PER_HOUR % self.step_s or not 20 <= self.step_s <= SECONDS_PER_HOUR:
            raise ValueError(f"steps of {self.step_s} s: need a divisor of 3600 from 20 to 3600")
        if self.start.tzinfo is None or self.start.utcoffset() is None or self.start.timestamp() % self.step_s:
            raise ValueError(f"the first step must start in UTC on a whole step, got {self.start.isoformat()}")

    @property
    def n_steps(self) -> int:
        return int(self.demand.shape[1])

    @property
    def measured(self) -> BoolArray:
        """(services, steps): where the load is known."""
        return np.asarray(~np.isnan(self.demand))

    @property
    def step_hours(self) -> float:
        return self.step_s / SECONDS_PER_HOUR

    @property
    def span_hours(self) -> float:
        """Length of the time axis, gaps included."""
        return self.n_steps * self.step_hours

    def between(self, first_step: int, end_step: int) -> "Workload":
        """The same services over steps ``first_step`` to before ``end_step``."""

        def cut(series: FloatArray | None) -> FloatArray | None:
            return None if series is None else series[:, first_step:end_step]

        return replace(
            self,
            start=self.start + timedelta(seconds=first_step * self.step_s),
            demand=self.demand[:, first_step:end_step],
            running_tasks=cut(self.running_tasks),
            memory_mib=cut(self.memory_mib),
            cpu_units_per_task_max=cut(self.cpu_units_per_task_max),
            fargate_tasks=cut(self.fargate_tasks),
        )

    def of_rows(self, rows: Sequence[int]) -> "Workload":
        """The services in these rows, in this order; a row may come more than once."""
        index = list(rows)

        def taken(series: FloatArray | None) -> FloatArray | None:
            return None if series is None else series[index]

        return replace(
            self,
            services=tuple(self.services[row] for row in index),
            demand=self.demand[index],
            running_tasks=taken(self.running_tasks),
            memory_mib=taken(self.memory_mib),
            is_memory_maximum=None if self.is_memory_maximum is None else self.is_memory_maximum[index],
            cpu_units_per_task_max=taken(self.cpu_units_per_task_max),
            fargate_tasks=taken(self.fargate_tasks),
        )

    def times(self, factors: FloatArray) -> "Workload":
        """The same services under other loads: ``factors`` (services,) times as much, served by as many times the tasks.

        What a task bears and uses stays as it was measured; counts that are whole stay whole.
        """
        ran = [self.ran(row) for row in range(len(self.services))]
        unknown = np.full(self.n_steps, np.nan)
        scaled = [self.row_times(row, factor) for row, factor in enumerate(factors.tolist())]
        return replace(
            self,
            demand=np.stack([demand for demand, _ in scaled]),
            running_tasks=np.stack([unknown if each is None else each for each in ran]) * factors[:, np.newaxis],
            fargate_tasks=None if self.fargate_tasks is None else np.stack([billed for _, billed in scaled]),
        )

    def row_times(self, row: int, factor: float, *, has_whole_counts: bool = True) -> tuple[FloatArray, FloatArray]:
        """Load of a service times a factor, and of batch runs the tasks that Fargate then bills: (steps,) each.

        Counts that are whole stay whole, rounded up, as ECS runs no tenth of a task, and Fargate's seconds go with them;
        without ``has_whole_counts`` all are taken as means.
        """
        demand, growing = self.demand[row], np.full(self.n_steps, float(factor))
        scaled = demand * factor
        is_count = has_whole_counts and self.services[row].load_form is LoadForm.TASKS
        if is_count and np.all(np.isnan(demand) | (demand == np.round(demand))):
            scaled = ceil_whole(scaled)
            np.divide(scaled, demand, out=growing, where=demand > 0)
        billed = np.full(self.n_steps, np.nan) if self.fargate_tasks is None else self.fargate_tasks[row] * growing
        return scaled, billed

    def ran(self, row: int) -> FloatArray | None:
        """(steps,): tasks of a service that ran, as measured, or else the desired count; None where neither is known."""
        if self.running_tasks is not None and not np.isnan(self.running_tasks[row]).all():
            return np.asarray(self.running_tasks[row])
        present = self.services[row].present
        return None if present is None or present.desired_count is None else np.full(self.n_steps, float(present.desired_count))

    def last_weeks(self, weeks: int) -> "Workload":
        """The same services over the end of the time axis, at most all of it."""
        return self.between(max(0, self.n_steps - weeks * HOURS_PER_WEEK * SECONDS_PER_HOUR // self.step_s), self.n_steps)

    def index(self, service: str) -> int:
        """Row of a service by name."""
        return [s.name for s in self.services].index(service)
