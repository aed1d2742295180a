"""Step scaling in a workload file: policies with the alarm that starts each, in AWS's own words."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from advisor.ecs import DEFAULT_COOLDOWN_S
from advisor.plan import ScalingMetric, StepPolicy
from advisor.plan.step_documents import (
    METRIC_NAMES,
    NAMESPACE,
    StepsError,
    step_policy_of,
)
from advisor.sources.constraints_models import Entry, refusal

Distance = Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]


class StepAdjustmentEntry(Entry):
    """What happens while the metric is between two distances from the threshold."""

    metric_interval_lower_bound: Distance | None = Field(
        None, description="In percent of CPU from the threshold; below it negative. Left out: no bound."
    )
    metric_interval_upper_bound: Distance | None = Field(None, description="The same. Left out: no bound.")
    scaling_adjustment: Annotated[int, Field(ge=-5_000, le=5_000)] = Field(
        description="Tasks to add or, negative, to remove; percent of the running tasks; or the count itself."
    )


class StepPolicyEntry(Entry):
    """A step scaling policy, and the alarm that starts it."""

    name: str | None = Field(None, min_length=1, description="Of the policy. Default step-policy-1 and so on.")
    metric_name: Literal["CPUUtilization", "MemoryUtilization"] = Field(
        description="What the alarm watches: CPUUtilization. Memory is refused."
    )
    statistic: Literal["Average", "Maximum", "Minimum", "Sum", "SampleCount"] = Field(
        description="Average; others are refused."
    )
    period: Annotated[int, Field(ge=1)] = Field(description="Seconds of a data point: 60; others are refused.")
    evaluation_periods: Annotated[int, Field(ge=1, le=1_440)] = Field(description="Data points in a row that breach.")
    comparison_operator: Literal[
        "GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanOrEqualToThreshold", "LessThanThreshold"
    ] = Field(description="Greater for a policy that adds tasks, less for one that removes them.")
    threshold: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] = Field(
        description="Percent of the CPU that the tasks reserve. Whatever the size of the task, it stays this percentage."
    )
    adjustment_type: Literal["ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity"] = Field(
        description="What scaling_adjustment means."
    )
    step_adjustments: list[StepAdjustmentEntry] = Field(
        min_length=1, max_length=20, description="From the threshold on, without gaps or overlaps; the last without an end."
    )
    min_adjustment_magnitude: Annotated[int, Field(ge=1, le=5_000)] | None = Field(
        None, description="Tasks that PercentChangeInCapacity adds or removes at least. Default 1."
    )
    cooldown: Annotated[int, Field(ge=0, le=86_400)] = Field(DEFAULT_COOLDOWN_S, description="Seconds. Default 300.")

    @model_validator(mode="after")
    def _valid(self) -> Self:
        if self.metric_name == METRIC_NAMES[ScalingMetric.MEMORY]:
            raise refusal(
                f"{self.metric_name} is not replayed: memory of a task without load is not known, so neither is what one task "
                "more makes of the percentage",
                "State policies on CPUUtilization, or give the counts that ran as the load.",
            )
        self.policy(1)
        return self

    def policy(self, number: int) -> StepPolicy:
        """As the model takes it; ``number`` names one that has no name."""
        configuration = {
            "AdjustmentType": self.adjustment_type,
            "StepAdjustments": [
                {
                    "MetricIntervalLowerBound": step.metric_interval_lower_bound,
                    "MetricIntervalUpperBound": step.metric_interval_upper_bound,
                    "ScalingAdjustment": step.scaling_adjustment,
                }
                for step in self.step_adjustments
            ],
            "MinAdjustmentMagnitude": self.min_adjustment_magnitude,
            "Cooldown": self.cooldown,
        }
        alarm = {
            "Namespace": NAMESPACE,
            "MetricName": self.metric_name,
            "Statistic": self.statistic,
            "Period": self.period,
            "EvaluationPeriods": self.evaluation_periods,
            "ComparisonOperator": self.comparison_operator,
            "Threshold": self.threshold,
        }
        policy = {"PolicyName": self.name or f"step-policy-{number}", "StepScalingPolicyConfiguration": configuration}
        try:
            return step_policy_of(policy, alarm)
        except StepsError as error:
            raise refusal(error.problem, error.fix) from None
