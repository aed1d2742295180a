"""Service auto scaling read back from its requests: target tracking, steps, scheduled actions."""

from collections.abc import Iterable
from typing import Any, Final

from advisor.emit.ecs.calls import Request
from advisor.emit.ecs.scaling import COMPARISONS, HIGH_RESOLUTION, METRIC_NAMES, PREDEFINED
from advisor.plan import AdjustmentType, ScalingMetric, ScheduledAction, Step, StepPolicy

Requests = dict[str, list[Request]]
"""By operation."""

_METRICS: Final = {value: key for key, value in PREDEFINED.items()}
_STEP_METRICS: Final = {value: key for key, value in METRIC_NAMES.items()}
_SIDES: Final = {value: key for key, value in COMPARISONS.items()}


def scaling_of(requests: Requests) -> dict[str, Any]:
    """Fields of a :class:`~advisor.plan.ServicePlan` by name; bounds and the number of tasks are elsewhere."""
    return {
        **_target_tracking(requests),
        "step_policies": tuple(_step_policies(requests)),
        "scheduled_actions": tuple(_scheduled_action(action) for action in requests["PutScheduledAction"]),
    }


def _target_tracking(requests: Requests) -> dict[str, Any]:
    policies = [policy for policy in requests["PutScalingPolicy"] if policy["PolicyType"] == "TargetTrackingScaling"]
    if not policies:
        return {"scaling_metric": ScalingMetric.NONE}
    tracking = policies[0]["TargetTrackingScalingPolicyConfiguration"]
    metric: str = tracking["PredefinedMetricSpecification"]["PredefinedMetricType"]
    return {
        "scaling_metric": _METRICS[metric.removesuffix(HIGH_RESOLUTION)],
        "scaling_target": tracking["TargetValue"],
        "scale_out_cooldown_s": tracking["ScaleOutCooldown"],
        "scale_in_cooldown_s": tracking["ScaleInCooldown"],
        "metric_resolution_s": 20 if metric.endswith(HIGH_RESOLUTION) else 60,
    }


def _step_policies(requests: Requests) -> Iterable[StepPolicy]:
    alarms = {alarm["AlarmDescription"]: alarm for alarm in requests["PutMetricAlarm"]}
    for policy in requests["PutScalingPolicy"]:
        if policy["PolicyType"] != "StepScaling":
            continue
        alarm, configuration = (
            alarms[f"Starts the step policy {policy['PolicyName']}."],
            policy["StepScalingPolicyConfiguration"],
        )
        is_in, is_at_threshold = _SIDES[alarm["ComparisonOperator"]]
        near = "MetricIntervalUpperBound" if is_in else "MetricIntervalLowerBound"
        yield StepPolicy(
            name=policy["PolicyName"],
            metric=_STEP_METRICS[alarm["MetricName"]],
            threshold_percent=alarm["Threshold"],
            steps=tuple(
                Step(from_percent=abs(step[near]), change=step["ScalingAdjustment"])
                for step in configuration["StepAdjustments"]
            ),
            is_scale_in=is_in,
            minutes=alarm["EvaluationPeriods"],
            cooldown_s=configuration["Cooldown"],
            adjustment=AdjustmentType(configuration["AdjustmentType"]),
            min_adjustment_magnitude=configuration.get("MinAdjustmentMagnitude"),
            is_at_threshold=is_at_threshold,
        )


def _scheduled_action(action: Request) -> ScheduledAction:
    bounds = action["ScalableTargetAction"]
    return ScheduledAction(
        name=action["ScheduledActionName"],
        schedule=action["Schedule"],
        min_tasks=bounds.get("MinCapacity"),
        max_tasks=bounds.get("MaxCapacity"),
        time_zone=action["Timezone"],
    )
