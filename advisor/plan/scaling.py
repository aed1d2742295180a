"""What moves the task count of a service: target tracking, scheduled actions, and step scaling."""

import math
from dataclasses import dataclass, field
from enum import StrEnum

from advisor.ecs import DEFAULT_COOLDOWN_S
from advisor.errors import PlanError
from advisor.plan.names import MAX_TASKS, OPTIONAL, check_ecs_name, check_schedule


class ScalingMetric(StrEnum):
    """What the target tracking policy of a service follows."""

    NONE = "none"
    """No policy: the task count was given and is kept."""
    CPU = "cpu"
    """ECSServiceAverageCPUUtilization, target in percent."""
    REQUESTS = "requests"
    """ALBRequestCountPerTarget, target in requests per task and minute."""
    MEMORY = "memory"
    """ECSServiceAverageMemoryUtilization, target in percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledAction:
    """Other bounds of service auto scaling from a time on."""

    name: str
    schedule: str
    """``cron(...)``, ``rate(...)`` or ``at(...)``."""
    min_tasks: int | None = None
    max_tasks: int | None = None
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        check_ecs_name("scheduled action", self.name)
        check_schedule(f"scheduled action {self.name!r}", self.schedule, self.time_zone)
        if self.min_tasks is None and self.max_tasks is None:
            raise PlanError(f"scheduled action {self.name!r}: sets neither a minimum nor a maximum")
        if not 0 <= (self.min_tasks or 0) <= (MAX_TASKS if self.max_tasks is None else self.max_tasks) <= MAX_TASKS:
            raise PlanError(f"scheduled action {self.name!r}: needs 0 <= min <= max <= {MAX_TASKS}")


class AdjustmentType(StrEnum):
    """What the number of a step means, spelled as in Application Auto Scaling."""

    CHANGE_IN_CAPACITY = "ChangeInCapacity"
    """Tasks to add; negative to remove."""
    EXACT_CAPACITY = "ExactCapacity"
    """The count itself."""
    PERCENT_CHANGE_IN_CAPACITY = "PercentChangeInCapacity"
    """Percent of the running tasks to add; negative to remove."""

    def count_from(self, running: float, adjustment: int, min_magnitude: int | None = None) -> float:
        """The count that a step asks for where ``running`` tasks run.

        References
        ----------
        Application Auto Scaling User Guide, "Step scaling policies": percent make whole tasks, rounded towards none, but one
        task at least, and at least the minimum adjustment magnitude.

        >>> AdjustmentType.PERCENT_CHANGE_IN_CAPACITY.count_from(5, 50)
        7.0
        """
        if self is AdjustmentType.EXACT_CAPACITY:
            return float(adjustment)
        if self is AdjustmentType.CHANGE_IN_CAPACITY or not adjustment:
            return running + adjustment
        tasks = max(math.floor(abs(running * adjustment) / 100), 1, min_magnitude or 0)
        return float(running + math.copysign(tasks, adjustment))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From this far above (or below) the threshold on, the task count changes by this much."""

    from_percent: float
    """Distance from the threshold, zero or more, in the direction of the policy."""
    change: int
    """As the policy's adjustment type says: tasks to add or, negative, to remove, the count itself, or percent of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPolicy:
    """Step scaling: an alarm on utilization, and a change for each distance from its threshold."""

    name: str
    metric: ScalingMetric
    """CPU or memory."""
    threshold_percent: float
    steps: tuple[Step, ...]
    """The first from 0, rising."""
    is_scale_in: bool = False
    """Below the threshold instead of above."""
    minutes: int = 3
    """Minutes in a row that the alarm needs."""
    cooldown_s: int = DEFAULT_COOLDOWN_S
    adjustment: AdjustmentType = field(default=AdjustmentType.CHANGE_IN_CAPACITY, metadata=OPTIONAL)
    min_adjustment_magnitude: int | None = field(default=None, metadata=OPTIONAL)
    """Tasks that a change by percent adds or removes at least."""
    is_at_threshold: bool = field(default=True, metadata=OPTIONAL)
    """Whether the alarm is on at the threshold itself."""

    def __post_init__(self) -> None:
        check_ecs_name("step policy", self.name)
        where = f"step policy {self.name!r}"
        if self.metric not in (ScalingMetric.CPU, ScalingMetric.MEMORY):
            raise PlanError(f"{where}: follows CPU or memory, not {self.metric}")
        distances = [step.from_percent for step in self.steps]
        if distances[:1] != [0] or sorted(set(distances)) != distances:
            raise PlanError(f"{where}: its steps must begin at 0 and rise, got {distances}")
        is_exact = self.adjustment is AdjustmentType.EXACT_CAPACITY
        if not is_exact and any((step.change >= 0) is self.is_scale_in for step in self.steps):
            raise PlanError(f"{where}: every step must {'remove' if self.is_scale_in else 'add'} tasks")
        if is_exact and any(step.change < 0 for step in self.steps):
            raise PlanError(f"{where}: an exact capacity is not negative")
        is_percent = self.adjustment is AdjustmentType.PERCENT_CHANGE_IN_CAPACITY
        if self.min_adjustment_magnitude is not None and not (is_percent and self.min_adjustment_magnitude >= 1):
            raise PlanError(f"{where}: a minimum adjustment magnitude goes with PercentChangeInCapacity, from 1 on")
        if not 0 < self.threshold_percent <= 100 or self.minutes < 1 or self.cooldown_s < 0:
            raise PlanError(f"{where}: needs a threshold of 0 to 100 percent, a minute or more, and no negative cooldown")

    def __str__(self) -> str:
        """``out: cpu >= 70 % for 3 min: ChangeInCapacity +1, from 85 % +3, cooldown 60 s``."""
        side = ("<" if self.is_scale_in else ">") + "=" * self.is_at_threshold
        least = "" if self.min_adjustment_magnitude is None else f", at least {self.min_adjustment_magnitude}"
        return (
            f"{self.name}: {self.metric} {side} {self.threshold_percent:g} % for {self.minutes} min: {self.adjustment} "
            f"{', '.join(self._said(step) for step in self.steps)}{least}, cooldown {self.cooldown_s} s"
        )

    def _said(self, step: Step) -> str:
        begins = self.threshold_percent + (-step.from_percent if self.is_scale_in else step.from_percent)
        change = f"{step.change}" if self.adjustment is AdjustmentType.EXACT_CAPACITY else f"{step.change:+d}"
        return f"from {begins:g} % {change}" if step.from_percent else change
