"""Service auto scaling in a workload file: bounds, target, scheduled actions, and step policies."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from advisor.errors import InputError, PlanError
from advisor.plan import ScheduledAction, StepPolicy
from advisor.schedules import RATE_OR, Schedule, parse_schedule
from advisor.sources.constraints_models import Entry, refusal
from advisor.sources.step_models import StepPolicyEntry
from advisor.sources.timestamps import zone_named

_CRON = "cron(0 7 ? * MON-FRI *)"


class ScheduledActionEntry(Entry):
    """Other bounds from a time on, until another action changes them."""

    schedule: str = Field(min_length=1, description=f"cron(minutes hours day-of-month month day-of-week year): {_CRON}.")
    timezone: str | None = Field(None, min_length=1, description="Of the cron expression, such as Europe/Berlin. Default UTC.")
    min_capacity: Annotated[int, Field(ge=0, le=5_000)] | None = Field(
        None, description="Least tasks from then on. Default: as before."
    )
    max_capacity: Annotated[int, Field(ge=0, le=5_000)] | None = Field(
        None, description="Most tasks from then on; with a minimum of 0 it may be 0. Default: as before."
    )
    name: str | None = Field(None, min_length=1, description="Of the action. Default scheduled-action-1 and so on.")

    @model_validator(mode="after")
    def _valid(self) -> Self:
        self.action(1)
        return self

    def action(self, number: int) -> ScheduledAction:
        """As the model takes it; ``number`` names one that has no name."""
        try:
            zone = zone_named(self.timezone)
        except InputError as error:
            raise refusal(error.problem, error.fix) from None
        try:
            return ScheduledAction(
                name=self.name or f"scheduled-action-{number}",
                schedule=_cron(self.schedule),
                min_tasks=self.min_capacity,
                max_tasks=self.max_capacity,
                time_zone="UTC" if zone is None else zone.key,
            )
        except PlanError as error:
            raise refusal(str(error), "Give min_capacity, max_capacity or both, the first no more than the second.") from None


def _cron(text: str) -> str:
    """The expression as AWS takes it."""
    if text.strip().startswith("at("):
        raise refusal(
            f"{text[:60]!r} runs once, which says nothing of a usual month", f"Give a time that comes again, such as {_CRON}."
        )
    if text.strip().startswith("rate("):
        raise refusal(
            f"{text[:60]!r} counts from when the action was made, so it has no time of day",
            f"Give a time of day, such as {_CRON}, or the bounds as min and max.",
        )
    try:
        schedule: Schedule = parse_schedule(text)
    except ValueError as error:
        problem, _, fix = str(error).partition(". Write ")
        raise refusal(problem, f"Write {fix.removeprefix(RATE_OR) or _CRON}.") from None
    cron = schedule.for_aws
    if cron is None:
        raise refusal(f"{text[:60]!r} gives both days", "Write ? for the day of the month or for the day of the week.")
    return cron


class ScalingEntry(Entry):
    """Bounds and target of service auto scaling."""

    min: Annotated[int, Field(ge=0, le=100_000)] | None = Field(
        None, description="Least tasks. Default 2 for a load-balanced service in two zones, else 1."
    )
    max: Annotated[int, Field(ge=1, le=100_000)] | None = Field(None, description="Most tasks. Default none.")
    target_cpu: Annotated[float, Field(ge=1, le=100, allow_inf_nan=False)] | None = Field(
        None, description="Percent of the task's CPU, 1 to 100. Default 60, but none where `step_scaling` is given."
    )
    scale_out_cooldown: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        None, description="Seconds after target tracking added tasks. Default 300."
    )
    scale_in_cooldown: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        None, description="Seconds after target tracking removed tasks. Default 300."
    )
    scheduled_actions: list[ScheduledActionEntry] = Field(
        default=[], max_length=50, description="Times at which the bounds change. Default none."
    )

    step_scaling: list[StepPolicyEntry] = Field(
        default=[],
        max_length=50,
        description="Step scaling policies on CPU. Without `target_cpu` they alone move the count, with it the largest count"
        " holds. Default none.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min is not None and self.max is not None and self.max < self.min:
            raise refusal(f"max {self.max} is below min {self.min}", "Give max at least the value of min.")
        names = [action.name for action in self.actions()]
        if len(set(names)) < len(names):
            raise refusal("two scheduled actions have one name", "Give each a name of its own, or none.")
        names = [policy.name for policy in self.policies()]
        if len(set(names)) < len(names):
            raise refusal("two step policies have one name", "Give each a name of its own, or none.")
        if self.step_scaling and self.target_cpu is None and all(policy.is_scale_in for policy in self.policies()):
            raise refusal("no step policy adds tasks, and no target does", "Give one that does, or target_cpu.")
        if self.step_scaling and self.target_cpu is None and (self.scale_out_cooldown, self.scale_in_cooldown) != (None, None):
            raise refusal(
                "scale_out_cooldown and scale_in_cooldown are of target tracking, and there is no target",
                "Give target_cpu, or the cooldown of each step policy.",
            )
        return self

    def actions(self) -> tuple[ScheduledAction, ...]:
        """Scheduled actions as the model takes them."""
        return tuple(entry.action(number) for number, entry in enumerate(self.scheduled_actions, start=1))

    def policies(self) -> tuple[StepPolicy, ...]:
        """Step policies as the model takes them."""
        return tuple(entry.policy(number) for number, entry in enumerate(self.step_scaling, start=1))
