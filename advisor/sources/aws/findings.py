"""What a collection found, before it becomes files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from advisor.sources.aws.cloudwatch import Window
from advisor.sources.aws.ecs_facts import Cluster, EcsService, Provider, TaskDefinition
from advisor.sources.aws.instances import Group, Instances
from advisor.sources.aws.present import Present
from advisor.sources.aws.reserved_memory import ReservedMemory
from advisor.sources.aws.scaling import FoundAction, ScalableTarget, ScalingPolicy
from advisor.sources.aws.scheduled_tasks import ScheduledTask
from advisor.sources.aws.session import Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFile:
    """A load file that was made."""

    path: str
    content: bytes
    columns: tuple[str, ...]
    n_measured: int
    """Steps with a value in at least one column."""
    first: datetime
    """The first of them."""
    notes: tuple[str, ...]
    usual_tasks: tuple[float, float] | None = None
    """The 5 % and 95 % quantiles of the task counts, where they were measured: deployments are shorter than that."""

    @property
    def lacks_count(self) -> bool:
        """Whether CPU in percent stands without the task count that it refers to."""
        return "cpu_percent_average" in self.columns and not {"tasks", "cpu_units"} & set(self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundService:
    """A service with all that was found of it."""

    service: EcsService
    definition: TaskDefinition | None = None
    present: Present | None = None
    startup: tuple[float, int] | None = None
    """Median start-up seconds and the number of tasks measured."""
    target: ScalableTarget | None = None
    policies: Sequence[ScalingPolicy] = ()
    scheduled: Sequence[FoundAction] = ()
    load: LoadFile | None = None
    left_out: str | None = None
    """Why the service is not in the workload; None when it is."""
    no_data: str | None = None
    """Why there is no load file, or none that tells a load."""

    @property
    def name(self) -> str:
        return self.service.name

    @property
    def is_taken(self) -> bool:
        """Whether it is a service of the workload, whose launch type is compared."""
        return self.left_out is None and not self.service.is_daemon

    @property
    def states_present(self) -> bool:
        """Whether the workload file says how the service runs today."""
        return self.present is not None and self.present.untold is None

    @property
    def n_tasks(self) -> int:
        """Tasks that stand in for a count that was not measured."""
        return self.service.desired_count or self.service.running_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that was found of a cluster."""

    cluster: Cluster
    region: str
    collected_at: datetime
    days: float
    window: Window
    services: Sequence[FoundService]
    is_whole: bool
    """Whether every service of the cluster was asked for."""
    providers: Mapping[str, Provider]
    groups: Sequence[Group]
    instances: Instances
    reserved_memory: ReservedMemory | None = None
    """What the agents seem to keep from tasks; None where nothing tells that they do."""
    other_tasks: Mapping[str, int]
    """Running tasks that belong to no service, by group."""
    scheduled_tasks: Sequence[ScheduledTask] = ()
    """What EventBridge starts on the cluster; not asked for where only some services were."""
    commitments: Sequence[Mapping[str, Any]] | None
    """None when they were not asked for."""
    skipped: Sequence[Skipped]
    messages: Sequence[str]
    """What CloudWatch said beside the values."""

    @property
    def taken(self) -> list[FoundService]:
        return [service for service in self.services if service.is_taken]

    @property
    def daemons(self) -> list[FoundService]:
        """Daemon services, with those that the workload cannot state."""
        return [found for found in self.services if found.service.is_daemon]
