"""The workload file as pydantic models: they check its values and are its JSON Schema."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from advisor.ecs import FARGATE_INCLUDED_STORAGE_GIB, FARGATE_MAX_STORAGE_GIB
from advisor.sources.ecs_names import ECS_NAME, ecs_name_problem, region_problem
from advisor.sources.task_size import parse_cpu_units, parse_memory_mib


def refusal(problem: str, fix: str) -> PydanticCustomError:
    """A problem with its own fix."""
    return PydanticCustomError("refusal", "{problem}", {"problem": problem, "fix": fix})


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


def _linux(family: str) -> str:
    if family != "LINUX":
        raise refusal(f"{family[:60]!r} is not supported yet: this version prices LINUX only", "Leave the service out.")
    return family


def _none_held(commitments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if commitments:
        raise refusal(
            "commitments already held are not supported yet",
            "Write `commitments: []`; the comparison is then of On-Demand and Spot.",
        )
    return commitments


def _no_terms(terms: list[str]) -> list[str]:
    if terms != ["none"]:
        raise refusal("commitment terms are not supported yet", "Write `terms: [none]`.")
    return terms


EcsName = Annotated[str, AfterValidator(_ecs_name), Field(json_schema_extra={"pattern": f"^{ECS_NAME.pattern}$"})]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
LaunchTypeName = Literal["EC2", "FARGATE", "MANAGED_INSTANCES"]
ArchitectureName = Literal["X86_64", "ARM64"]
PurchaseOptionName = Literal["on_demand", "spot"]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TaskEntry(_Entry):
    """What one task reserves: stated, or read from a task definition."""

    cpu: Annotated[int, BeforeValidator(_cpu, json_schema_input_type=int | str)] | None = Field(
        None, description="CPU units, 1024 per vCPU, as in a task definition; or text such as '0.5 vCPU'."
    )
    memory: Annotated[int, BeforeValidator(_memory, json_schema_input_type=int | str)] | None = Field(
        None, description="MiB, as in a task definition; or text such as '1 GB'."
    )
    file: str | None = Field(None, min_length=1, description="A task definition as JSON, in place of cpu and memory.")
    ephemeral_storage: Annotated[int, Field(ge=FARGATE_INCLUDED_STORAGE_GIB, le=FARGATE_MAX_STORAGE_GIB)] | None = Field(
        None, description="GiB. Default 20."
    )
    startup_seconds: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] | None = Field(
        None, description="From image pull to ready. Default 60."
    )
    os: Annotated[str, AfterValidator(_linux)] = Field("LINUX", description="operatingSystemFamily of the ECS API.")

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if self.file is not None and (self.cpu is not None or self.memory is not None):
            raise refusal("the size is given twice, by `file` and by `cpu` or `memory`", "Keep one of them.")
        if self.file is None and (self.cpu is None or self.memory is None):
            raise refusal(
                "the size of the task is not given", "Write `task: {cpu: 512, memory: 1024}` or `task: {file: task.json}`."
            )
        return self


class LoadEntry(_Entry):
    """Where the load stands, or a constant."""

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
        given = [name for name in ("file", "files", "tasks") if getattr(self, name) is not None]
        if len(given) != 1:
            problem = f"the load is given by {' and '.join(given)}" if given else "the load is not given"
            raise refusal(problem, "Write one of `file: load.csv`, `files: [...]` or `tasks: 60`.")
        if self.requests_per_task is not None and self.cpu_ms_per_request is not None:
            raise refusal("requests_per_task and cpu_ms_per_request are both given", "Keep one of them.")
        if self.tasks is not None and (self.requests_per_task or self.cpu_ms_per_request):
            raise refusal("a constant number of tasks goes with no figure per request", "Keep `tasks` alone.")
        return self


class ScalingEntry(_Entry):
    """Bounds and target of service auto scaling."""

    min: Annotated[int, Field(ge=0, le=100_000)] | None = Field(
        None, description="Default 2 for a load-balanced service in two zones, else 1."
    )
    max: Annotated[int, Field(ge=1, le=100_000)] | None = Field(None, description="Default none.")
    target_cpu: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] | None = Field(
        None, description="Percent of the task's CPU. Default 60."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min is not None and self.max is not None and self.max < self.min:
            raise refusal(f"max {self.max} is below min {self.min}", "Give max at least the value of min.")
        return self


class PresentServiceEntry(_Entry):
    """What runs today, to compare with."""

    launch_type: LaunchTypeName
    desired_count: Annotated[int, Field(ge=0, le=100_000)] | None = None
    purchase_option: PurchaseOptionName = "on_demand"
    architecture: ArchitectureName | None = Field(None, description="Default: the first of the service's architectures.")


class ServiceEntry(_Entry):
    """One ECS service."""

    name: EcsName
    image: str | None = Field(None, min_length=1)
    task: TaskEntry
    load: LoadEntry
    scaling: ScalingEntry = ScalingEntry()
    architectures: list[ArchitectureName] | None = Field(
        None, min_length=1, description="What the image supports. Default X86_64, or what the task definition says."
    )
    interruptible: bool = Field(False, description="May run on Spot.")
    port: Annotated[int, Field(ge=1, le=65_535)] | None = Field(None, description="Load balanced if set.")
    present: PresentServiceEntry | None = None
    assign_public_ip: bool = Field(False, description="Gives every task a public IPv4 address.")


class PresentEntry(_Entry):
    """The container instances that run today."""

    instances: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$")], Annotated[int, Field(ge=0, le=100_000)]]
    purchase_option: PurchaseOptionName = "on_demand"


class ConstraintsEntry(_Entry):
    """What every plan must keep to."""

    launch_types: list[LaunchTypeName] | None = Field(None, min_length=1, description="Default: all.")
    instance_types: list[Annotated[str, Field(pattern=r"^[a-z0-9.*?\[\]!-]+$")]] | None = Field(
        None, min_length=1, description="Names or shell patterns, such as m7*. Default: all."
    )
    zones: Annotated[int, Field(ge=1, le=6)] | None = Field(None, description="Availability Zones to spread over. Default 2.")
    trunking: bool | None = Field(None, description="Whether awsvpc trunking may be used. Default true.")
    terms: Annotated[list[str], AfterValidator(_no_terms)] = Field(["none"], description="Commitment terms: [none].")


class WorkloadEntry(_Entry):
    """Services of one cluster, their task sizes and where their measured load stands."""

    model_config = ConfigDict(title="advisor workload")

    cluster: EcsName
    region: Annotated[str, AfterValidator(_region)] | None = Field(None, description="AWS Region; --region overrules.")
    services: list[ServiceEntry] = Field(min_length=1)
    present: PresentEntry | None = None
    constraints: ConstraintsEntry = ConstraintsEntry()
    commitments: Annotated[list[dict[str, Any]], AfterValidator(_none_held)] = Field(
        [], description="Commitments held: none yet."
    )
    rates: str | None = Field(None, min_length=1, description="A file of own rates, over the catalog's.")


def workload_schema() -> dict[str, Any]:
    """JSON Schema of a workload file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **WorkloadEntry.model_json_schema()}
