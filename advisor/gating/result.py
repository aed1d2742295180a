"""What a gate found, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from advisor.billing import Bill
from advisor.ecs import Architecture, LaunchType, NetworkMode, PurchaseOption
from advisor.recommend.as_data import plain

SCHEMA: Final = "advisor/gate/1"


class Safety(StrEnum):
    """What the measured history says of a change."""

    UNCHANGED = "unchanged"
    SAFE = "safe"
    """Every measure is known, and none is worse than before."""
    UNSAFE = "unsafe"
    UNKNOWN = "unknown"
    """Nothing known is worse, but something that matters is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a gate fails; None: no such limit."""

    max_increase_usd: float | None = None
    """Dollars a month that the change may add."""
    max_increase_percent: float | None = None
    max_monthly_usd: float | None = None
    """What all that the gate prices may cost after the change."""
    is_safety_required: bool = False
    """Fail also where the history says that the change is unsafe, or cannot tell."""

    @property
    def needs_money(self) -> bool:
        return not (self.max_increase_usd is self.max_increase_percent is self.max_monthly_usd is None)


NO_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How a service runs: everything that a gate prices."""

    launch_type: LaunchType
    purchase_option: PurchaseOption
    architecture: Architecture
    cpu: int
    """CPU units."""
    memory: int
    """MiB."""
    min_tasks: int
    """Equal to ``max_tasks`` where the count is fixed."""
    max_tasks: int | None
    target_cpu_percent: float | None
    """None where step policies alone move the count."""
    scale_out_cooldown_s: int
    """Of target tracking."""
    scale_in_cooldown_s: int
    requests_per_task: float | None
    """Requests per second that one task serves at its target; None where the count follows CPU or is as it ran."""
    ephemeral_storage_gib: int
    has_public_ip: bool
    scheduled_actions: tuple[str, ...] = ()
    """Times at which the bounds change, as ``6 to 20 tasks from cron(0 7 ? * MON-FRI *) Europe/Berlin``."""
    step_policies: tuple[str, ...] = ()
    """As ``out: cpu >= 70 % for 3 min: ChangeInCapacity +1, from 85 % +3, cooldown 60 s``."""
    network_mode: NetworkMode = NetworkMode.AWSVPC
    host_ports: tuple[str, ...] = ()
    """Fixed ones of its instance, as ``8080`` or ``53/udp``."""
    has_distinct_instances: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """How a service would have done on the measured load; None where the load does not tell."""

    tasks_p50: float | None
    tasks_max: float | None
    hours_above_target: float | None
    """Hours of the history in which CPU in use was above the scaling target."""
    hours_above_full: float | None
    """Hours in which it was above all that the tasks have."""
    unmet_task_hours: float | None
    """Task-hours a month that were needed beyond the upper bound of tasks."""
    memory_headroom_fraction: float | None
    """Memory left at the worst moment, as a share of the size."""
    busiest_task_fraction: float | None
    """Most CPU that a single task would have had in use, as a share of the size; on EC2 it can go above 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A service before or after the change."""

    setup: Setup
    history: History
    monthly_usd: float | None
    """On Fargate; None without a price, and on instances, which are billed together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceChange:
    """What a change does to one service."""

    service: str
    changed: tuple[str, ...]
    """Names of the fields of :class:`Setup` that differ."""
    before: Side
    after: Side
    change_usd: float | None
    """On Fargate before and after; None where instances or a missing price are in it."""
    hours_above_target_as_ran: float | None
    """Hours in which CPU in use was above the target before the change with the tasks that ran, where the load has them."""
    safety: Safety
    reasons: tuple[str, ...]
    """Why it is not safe, or what is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstancesSide:
    """All container instances of the cluster, before or after the change."""

    instance_types: tuple[str, ...]
    services: tuple[str, ...]
    monthly_usd: float | None
    instances_p50: float
    instances_max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The money that a change makes in a month of 730 hours, and whether that is allowed."""

    cluster: str
    region: str
    services: tuple[ServiceChange, ...]
    instances_before: InstancesSide | None
    """None where no service of the change runs on instances, before or after."""
    instances_after: InstancesSide | None
    before_usd: float | None
    after_usd: float | None
    change_usd: float | None
    """None where something has no price: never a zero."""
    missing: tuple[str, ...]
    limits: Limits
    failures: tuple[str, ...]
    """Why the gate fails, one sentence each; empty when it passes."""
    notes: tuple[str, ...]
    before_bill: Bill | None
    after_bill: Bill | None
    catalog: Mapping[str, str]
    """Region, oldest and newest date of the prices."""
    step_s: int
    """Length of a step of the load: what happens within one is not seen."""
    history_hours: float
    """Measured hours, common to all that is priced."""

    @property
    def passed(self) -> bool:
        return not self.failures

    @property
    def change_fraction(self) -> float | None:
        """Of the cost before; None where that is nothing or not known."""
        return self.change_usd / self.before_usd if self.change_usd is not None and self.before_usd else None

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as `advisor gate --format json` prints it."""
        return {"schema": SCHEMA, "passed": self.passed, "change_fraction": self.change_fraction, **plain(self)}
