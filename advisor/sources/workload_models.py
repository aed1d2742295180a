"""The workload file as pydantic models: they check its values and are its JSON Schema."""

from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from advisor.ecs import FARGATE_INCLUDED_STORAGE_GIB, FARGATE_MAX_STORAGE_GIB, OPERATING_SYSTEMS
from advisor.errors import InputError, PlanError
from advisor.meters import CommitmentKind, PaymentOption
from advisor.plan import Commitment
from advisor.schedules import parse_schedule
from advisor.sources.batch_runs import Run
from advisor.sources.constraints_models import ConstraintsEntry, Entry, LaunchTypeName, refusal
from advisor.sources.ecs_names import ECS_NAME, ecs_name_problem, region_problem
from advisor.sources.placement_models import PlacementConstraintEntry, PortMappingEntry
from advisor.sources.scaling_models import ScalingEntry
from advisor.sources.side_costs_models import SideCostsEntry
from advisor.sources.task_size import parse_cpu_units, parse_memory_mib
from advisor.sources.timestamps import zone_named


def _ecs_name(name: str) -> str:
    return _named(name, ecs_name_problem(name))


def _region(name: str) -> str:
    return _named(name, region_problem(name))


def _named(name: str, problem: tuple[str, str] | None) -> str:
    if problem:
        raise refusal(*problem)
    return name


def _cpu(value: object) -> int:
    return _size(parse_cpu_units, value)


def _memory(value: object) -> int:
    return _size(parse_memory_mib, value)


def _size(parse: Any, value: object) -> int:
    try:
        return int(parse(value))
    except ValueError as error:
        problem, _, fix = str(error).rpartition(". Write ")
        raise refusal(problem, f"Write {fix}") from None


def _operating_system(family: str) -> str:
    if family not in OPERATING_SYSTEMS:
        raise refusal(f"{family[:60]!r} is no operating system that we know", f"Use one of {', '.join(OPERATING_SYSTEMS)}.")
    return family


EcsName = Annotated[str, AfterValidator(_ecs_name), Field(json_schema_extra={"pattern": f"^{ECS_NAME.pattern}$"})]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
ArchitectureName = Literal["X86_64", "ARM64"]
PurchaseOptionName = Literal["on_demand", "spot"]


class TaskEntry(Entry):
    """What one task reserves: stated, or read from a task definition."""

    cpu: Annotated[int, BeforeValidator(_cpu, json_schema_input_type=int | str)] | None = Field(
        None, description="CPU units, 1024 per vCPU, as in a task definition; or text such as '0.5 vCPU'."
    )
    memory: Annotated[int, BeforeValidator(_memory, json_schema_input_type=int | str)] | None = Field(
        None, description="MiB, as in a task definition; or text such as '1 GB'."
    )
    file: str | None = Field(
        None,
        min_length=1,
        description="A task definition as JSON, as the AWS CLI or API gives or takes it. cpu and memory beside it fill in "
        "what it does not reserve.",
    )
    gpus: Annotated[int, Field(ge=1, le=16)] | None = Field(
        None, description="Whole GPUs of a task. Then constraints.instance_types names the types with GPUs, such as g4dn.*."
    )
    ephemeral_storage: Annotated[int, Field(ge=FARGATE_INCLUDED_STORAGE_GIB, le=FARGATE_MAX_STORAGE_GIB)] | None = Field(
        None, description="GiB. Default 20."
    )
    startup_seconds: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] | None = Field(
        None, description="From image pull to ready. Default 60."
    )
    os: Annotated[str, AfterValidator(_operating_system), Field(json_schema_extra={"enum": list(OPERATING_SYSTEMS)})] | None = (
        Field(
            None,
            description="operatingSystemFamily of the ECS API. Default LINUX, which ECS itself takes where none is stated, or "
            "what the task definition says.",
        )
    )

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if self.file is None and (self.cpu is None or self.memory is None):
            raise refusal(
                "the size of the task is not given", "Write `task: {cpu: 512, memory: 1024}` or `task: {file: task.json}`."
            )
        return self


class RunEntry(Entry):
    """Tasks that start together, work and stop: on a schedule, or once."""

    schedule: str | None = Field(None, min_length=1, description="As in EventBridge: rate(15 minutes), or cron(0 2 * * ? *).")
    time_zone: str | None = Field(None, min_length=1, description="Of the cron expression, such as Europe/Berlin. Default UTC.")
    start: str | None = Field(None, min_length=1, description="A single start, such as 2026-09-01T02:00Z.")
    duration_minutes: Annotated[float, Field(gt=0, le=30 * 24 * 60, allow_inf_nan=False)] = Field(
        description="How long each task works, after its start-up."
    )
    count: Annotated[int, Field(ge=1, le=100_000)] = Field(1, description="Tasks that start together. Default 1.")

    @model_validator(mode="after")
    def _one_start(self) -> Self:
        if (self.schedule is None) == (self.start is None):
            raise refusal(
                "a run needs a schedule or a start, and not both",
                "Write `schedule: cron(0 2 * * ? *)` or `start: 2026-09-01T02:00Z`.",
            )
        _parsed_run(self)
        return self


def run_of(entry: RunEntry) -> Run:
    """A run as the model takes it."""
    zone = zone_named(entry.time_zone) or UTC
    schedule = parse_schedule(entry.schedule, zone) if entry.schedule is not None else None
    return Run(
        schedule=schedule,
        start_s=None if entry.start is None else _moment_s(entry.start, zone),
        duration_s=entry.duration_minutes * 60,
        count=entry.count,
    )


def _parsed_run(entry: RunEntry) -> None:
    try:
        run_of(entry)
    except InputError as error:
        raise refusal(error.problem, error.fix) from None
    except ValueError as error:
        problem, _, fix = str(error).rpartition(". Write ")
        raise refusal(problem, f"Write {fix}.") from None


def _moment_s(text: str, zone: tzinfo) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:60]!r} is not a moment. Write 2026-09-01T02:00Z") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp())


class LoadEntry(Entry):
    """Where the load stands, a constant, or runs."""

    file: str | None = Field(None, min_length=1, description="CSV, JSON or Parquet of load.")
    files: list[Annotated[str, Field(min_length=1)]] | None = Field(
        None,
        min_length=1,
        description="Several such files, or folders of them: pages that follow each other, or columns beside each other.",
    )
    tasks: Annotated[int, Field(ge=1, le=100_000)] | None = Field(None, description="A constant number of running tasks.")
    requests_per_task: Positive | None = Field(
        None, description="Requests per second that one task serves while at the scaling target."
    )
    cpu_ms_per_request: Positive | None = Field(None, description="CPU milliseconds that one request takes.")
    runs: list[RunEntry] | None = Field(
        None, min_length=1, description="Scheduled tasks and batch runs, in place of a load file."
    )
    runs_file: str | None = Field(
        None, min_length=1, description="CSV of past runs: start, duration_minutes (or duration_seconds), count (default 1)."
    )
    assumed: list[Annotated[str, Field(min_length=1, max_length=500)]] | None = Field(
        None, min_length=1, description="The load was not measured: what it was made from. Every report repeats it."
    )

    # How the files are read, where they do not say it themselves: what --time-zone, --column, ... say of a single file.
    time_zone: str | None = Field(None, min_length=1, description="IANA zone of times without one. Default UTC.")
    columns: dict[str, str] | None = Field(
        None, description="Meaning by name of column or metric, such as cpu: cpu_millicores."
    )
    values: str | None = Field(None, min_length=1, description="Meaning of columns and series whose name does not tell it.")
    decimal: Literal[",", ".", "comma", "point"] | None = Field(None, description="Decimal sign. Default: recognised.")
    delimiter: Literal[",", ";", "\t", "|", "comma", "semicolon", "tab", "pipe"] | None = Field(
        None, description="Between columns. Default: recognised."
    )
    day_first: bool | None = Field(None, description="Whether 3/4/2024 is the third of April. Default: recognised or refused.")
    encoding: str | None = Field(None, min_length=1, description="Of text, such as cp1252. Default: recognised.")
    epoch_unit: Literal["s", "ms", "us", "ns"] | None = Field(None, description="Of times that are numbers.")
    doubled_hour: Literal["first", "second"] | None = Field(None, description="Which pass when clocks go back.")
    interval: Annotated[int, Field(ge=20, le=3600)] | None = Field(None, description="Seconds between rows.")
    start: str | None = Field(None, min_length=1, description="Time of the first row, or the zero of relative times.")

    @model_validator(mode="after")
    def _one_load(self) -> Self:
        given = [name for name in ("file", "files", "tasks", "runs", "runs_file") if getattr(self, name) is not None]
        if len(given) != 1:
            problem = f"the load is given by {' and '.join(given)}" if given else "the load is not given"
            raise refusal(problem, "Write one of `file: load.csv`, `files: [...]` or `tasks: 60`.")
        if self.requests_per_task is not None and self.cpu_ms_per_request is not None:
            raise refusal("requests_per_task and cpu_ms_per_request are both given", "Keep one of them.")
        if self.tasks is not None and (self.requests_per_task or self.cpu_ms_per_request):
            raise refusal("a constant number of tasks goes with no figure per request", "Keep `tasks` alone.")
        if (self.runs or self.runs_file) and (self.requests_per_task or self.cpu_ms_per_request):
            raise refusal("batch runs go with no figure per request", "Keep the runs alone.")
        return self


class DaemonEntry(Entry):
    """A daemon service: one task on every container instance, none on Fargate."""

    name: Annotated[EcsName, Field(description="Name of the daemon service.")]
    task: TaskEntry
    architectures: list[ArchitectureName] | None = Field(
        None, min_length=1, description="What the image supports. Default X86_64, or what the task definition says."
    )
    network_mode: Literal["awsvpc", "bridge", "host", "none"] | None = Field(
        None, description="awsvpc takes a network interface of the instance. Default awsvpc, or what the task definition says."
    )


class PresentServiceEntry(Entry):
    """What runs today, to compare with."""

    launch_type: LaunchTypeName = Field(description="Where its tasks run.")
    desired_count: Annotated[int, Field(ge=0, le=100_000)] | None = Field(
        None, description="Tasks that run, also for a load in percent without a count."
    )
    purchase_option: PurchaseOptionName = Field("on_demand", description="How they are paid for.")
    architecture: ArchitectureName | None = Field(
        None, description="Of its tasks. Default: the first of the service's architectures."
    )


class MemoryUseEntry(Entry):
    """How the memory of a task grows with its load, where you know it; else the most that was measured is kept."""

    base: Annotated[float, Field(gt=0, le=4_194_304, allow_inf_nan=False)] = Field(description="MiB of a task without load.")
    per_vcpu: Annotated[float, Field(ge=0, le=4_194_304, allow_inf_nan=False)] | None = Field(
        None, description="MiB for each vCPU that the task keeps busy."
    )
    per_request: Annotated[float, Field(ge=0, le=4_194_304, allow_inf_nan=False)] | None = Field(
        None, description="MiB for each request per second that the task serves; for a load of requests."
    )

    @model_validator(mode="after")
    def _one_slope(self) -> Self:
        if (self.per_vcpu is None) == (self.per_request is None):
            raise refusal(
                "a base goes with one slope, 0 where memory does not grow",
                "Write `memory_use: {base: 180, per_vcpu: 400}` or `{base: 180, per_request: 2}`.",
            )
        return self


class DeploymentsEntry(Entry):
    """How often new tasks replace the old ones, and how long both are there. Only replayed plans hold their cost."""

    per_week: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] = Field(
        description="Rolling deployments in a week, evenly over the time that is replayed."
    )
    hour: Annotated[int, Field(ge=0, le=23)] | None = Field(
        None, description="Hour of the day, UTC, in which they all happen. Default: any."
    )
    drain_seconds: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] | None = Field(
        None,
        description="From the decision to stop an old task until it is gone. Default 300 with a port, the load balancer's own "
        "deregistration delay, else 30, ECS's own stop timeout.",
    )


class ServiceEntry(Entry):
    """One ECS service."""

    name: Annotated[EcsName, Field(description="Name of the service.")]
    image: str | None = Field(None, min_length=1, description="Container image, for the deploy files.")
    task: TaskEntry
    load: LoadEntry
    scaling: ScalingEntry = Field(default_factory=cache(ScalingEntry))  # frozen: a default is copied for each service
    architectures: list[ArchitectureName] | None = Field(
        None, min_length=1, description="What the image supports. Default X86_64, or what the task definition says."
    )
    interruptible: bool = Field(False, description="May run on Spot.")
    port: Annotated[int, Field(ge=1, le=65_535)] | None = Field(None, description="Load balanced if set.")
    present: PresentServiceEntry | None = None
    assign_public_ip: bool = Field(False, description="Gives each task on Fargate, and each instance, a public IPv4 address.")
    launch_types: list[LaunchTypeName] | None = Field(
        None, min_length=1, description="Those of this service alone, where it cannot run on all. Default: all."
    )
    memory_use: MemoryUseEntry | None = Field(
        None, description="Base and slope of a task's memory, in place of the most that was measured."
    )
    deployments: DeploymentsEntry | None = Field(None, description="Default: none are in any bill.")
    placement_constraints: list[PlacementConstraintEntry] = Field(
        [], max_length=1, description="On EC2 and Managed Instances; Fargate knows none. Default: none."
    )
    network_mode: Literal["awsvpc", "bridge", "host", "none"] | None = Field(
        None,
        description="On EC2, and host on Managed Instances; other plans are in awsvpc mode. Default awsvpc, or what the task "
        "definition says.",
    )
    port_mappings: list[PortMappingEntry] = Field(
        [],
        max_length=100,
        description="Ports beside `port`, and `port` where it has a host_port. Default: the fixed ones of the task definition.",
    )
    tags: dict[str, str] = Field(
        {},
        description="As in ECS. In a fleet `--share-by tag:KEY` lets services with one value share instances, whatever their "
        "clusters.",
    )

    @model_validator(mode="after")
    def _constraints_of_a_service(self) -> Self:
        if self.placement_constraints and (self.load.runs or self.load.runs_file):
            raise refusal("batch runs go with no placement constraints", "Leave placement_constraints out.")
        if self.port_mappings and (self.load.runs or self.load.runs_file):
            raise refusal("batch runs go with no port mappings", "Leave port_mappings out.")
        return self


InstanceCounts = dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$")], Annotated[int, Field(ge=0, le=100_000)]]


class PresentEntry(Entry):
    """The container instances that run today."""

    instances: InstanceCounts = Field({}, description="How many of each type, such as m6i.large: 6.")
    windows_instances: InstanceCounts = Field({}, description="The same of those with Windows.")
    purchase_option: PurchaseOptionName = Field("on_demand", description="How they are paid for.")

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.model_fields_set & {"instances", "windows_instances"}:
            raise refusal("`instances` is missing", "Write `present: {instances: {m6i.large: 6}}`.")
        return self


class GrowthEntry(Entry):
    """What the load is expected to be in the month that is planned for."""

    fraction: Annotated[float, Field(gt=-1, le=20, allow_inf_nan=False)] = Field(
        0.0, description="0.3: 30 % more load than in the last weeks; at most 20, which is 21 times the load. Default 0."
    )
    spread: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] = Field(
        0.0, description="Standard deviation of that, as a share of the load. Default 0."
    )


class CommitmentEntry(Entry):
    """A Savings Plan, or Reserved Instances of one type, that the account holds and pays for whatever runs."""

    kind: Literal["compute_savings_plan", "ec2_instance_savings_plan", "reserved_instance"] = Field(
        description="What it is; Reserved Instances are for Linux with shared tenancy."
    )
    usd_per_hour: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] | None = Field(
        None,
        description="Of a Savings Plan: its commitment. Of Reserved Instances: what an hour of one costs, the upfront payment"
        " spread over the term, where it is not the catalog's rate.",
    )
    family: str | None = Field(None, description="Of an EC2 Instance Savings Plan, such as m7g.")
    instance_type: str | None = Field(None, description="Of Reserved Instances, such as m7g.large.")
    count: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(None, description="Of Reserved Instances.")
    scope: str = Field("region", description="Of Reserved Instances: region, or a zone such as us-east-1a. Default region.")
    region: Annotated[str, AfterValidator(_region)] | None = Field(
        None, description="Of an EC2 Instance Savings Plan and Reserved Instances. Default: the workload's."
    )
    term_years: Literal[1, 3] = Field(description="Length of the term.")
    payment: Literal["all_upfront", "partial_upfront", "no_upfront"] = Field(description="How much is paid at the start.")

    @model_validator(mode="after")
    def _one_that_aws_sells(self) -> Self:
        try:
            self.commitment()
        except PlanError as error:
            raise refusal(str(error), "Write it as AWS's console shows it, or leave it out.") from None
        return self

    def commitment(self) -> Commitment:
        """The same as a value of the library."""
        return Commitment(
            kind=CommitmentKind(self.kind),
            term_years=self.term_years,
            payment=PaymentOption(self.payment),
            usd_per_hour=self.usd_per_hour,
            family=self.family,
            instance_type=self.instance_type,
            count=self.count,
            scope=self.scope,
        )


class WorkloadEntry(Entry):
    """Services of one cluster, their task sizes and where their measured load stands."""

    model_config = ConfigDict(title="advisor workload")

    cluster: Annotated[EcsName, Field(description="Name of the cluster.")]
    region: Annotated[str, AfterValidator(_region)] | None = Field(None, description="AWS Region; --region overrules.")
    services: list[ServiceEntry] = Field(min_length=1)
    daemons: list[DaemonEntry] = Field([], description="What runs once on every container instance, beside the services.")
    present: PresentEntry | None = None
    constraints: ConstraintsEntry = ConstraintsEntry()
    growth: GrowthEntry = GrowthEntry()
    commitments: list[CommitmentEntry] = Field(
        [], description="Savings Plans and Reserved Instances that the account holds, all of them free for this cluster."
    )
    side_costs: SideCostsEntry | None = None
    rates: str | None = Field(None, min_length=1, description="A file of own rates, over the catalog's.")

    @model_validator(mode="after")
    def _coremark_of_one_type(self) -> Self:
        constraints, types = self.constraints, [] if self.present is None else [*self.present.instances]
        if constraints.work_per_vcpu == "coremark" and constraints.measured_on is None and len(types) != 1:
            raise refusal(
                "work_per_vcpu: coremark needs the instance type on which the load was measured",
                "Add measured_on: m6i.large, or the like, to constraints.",
            )
        return self


def workload_schema() -> dict[str, Any]:
    """JSON Schema of a workload file.

    Examples
    --------
    >>> import advisor
    >>> advisor.workload_schema()["required"]
    ['cluster', 'services']
    """
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **WorkloadEntry.model_json_schema()}
