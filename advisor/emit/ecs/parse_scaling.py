"""Service auto scaling read back from its requests: target tracking, steps, scheduled actions."""

from collections.abc import Iterable
from typing import Any, Final

from advisor.emit.ecs.calls import Request
from advisor.emit.ecs.scaling import HIGH_RESOLUTION, PREDEFINED
from advisor.plan import ScalingMetric, ScheduledAction, StepPolicy
from advisor.plan.step_documents import step_policy_of

Requests = dict[str, list[Request]]
"""By operation."""

_METRICS: Final = {value: key for key, value in PREDEFINED.items()}


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
        if policy["PolicyType"] == "StepScaling":
            yield step_policy_of(policy, alarms[f"Starts the step policy {policy['PolicyName']}."])


def _scheduled_action(action: Request) -> ScheduledAction:
    bounds = action["ScalableTargetAction"]
    return ScheduledAction(
        name=action["ScheduledActionName"],
        schedule=action["Schedule"],
        min_tasks=bounds.get("MinCapacity"),
        max_tasks=bounds.get("MaxCapacity"),
        time_zone=action["Timezone"],
    )
