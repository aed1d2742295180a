"""Service auto scaling exactly as the plan has it: bounds, target tracking, steps, scheduled actions."""

from itertools import pairwise
from typing import Any, Final

from advisor.emit.ecs import names
from advisor.emit.ecs.calls import Call, Capture, Request
from advisor.plan import Plan, ScalingMetric, ServicePlan, StepPolicy
from advisor.plan.step_documents import METRIC_NAMES, NAMESPACE, PERIOD_S, comparison_of

_DIMENSION: Final = "ecs:service:DesiredCount"
PREDEFINED: Final = {
    ScalingMetric.CPU: "ECSServiceAverageCPUUtilization",
    ScalingMetric.MEMORY: "ECSServiceAverageMemoryUtilization",
    ScalingMetric.REQUESTS: "ALBRequestCountPerTarget",
}
HIGH_RESOLUTION: Final = "HighResolution"


def scales(service: ServicePlan) -> bool:
    return service.scaling_target is not None or bool(service.scheduled_actions or service.step_policies)


def scaling_calls(plan: Plan, name: str) -> list[Call]:
    """None where the plan keeps the count as it is."""
    service = plan.services[name]
    if not scales(service):
        return []
    bounds = {"MinCapacity": service.min_tasks, "MaxCapacity": service.max_tasks}
    calls = [_call(plan, name, "RegisterScalableTarget", bounds)]
    if service.scaling_target is not None:
        calls.append(_call(plan, name, "PutScalingPolicy", _target_tracking(plan, name, service.scaling_target)))
    for policy in service.step_policies:
        capture = Capture(placeholder=names.step_policy(name, policy.name), query="PolicyARN")
        calls.append(_call(plan, name, "PutScalingPolicy", _step_scaling(policy), label=policy.name, capture=capture))
        calls.append(
            Call(
                service="cloudwatch",
                operation="PutMetricAlarm",
                folder=f"services/{name}/",
                label=f"step-{policy.name}",
                request=_step_alarm(plan, name, policy),
            )
        )
    for action in service.scheduled_actions:
        target = {"MinCapacity": action.min_tasks, "MaxCapacity": action.max_tasks}
        request = {
            "ScheduledActionName": action.name,
            "Schedule": action.schedule,
            "Timezone": action.time_zone,
            "ScalableTargetAction": {key: value for key, value in target.items() if value is not None},
        }
        calls.append(_call(plan, name, "PutScheduledAction", request, label=action.name))
    return calls


def _call(plan: Plan, name: str, operation: str, request: Request, **facts: Any) -> Call:
    resource = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{plan.cluster}/{name}",
        "ScalableDimension": _DIMENSION,
    }
    folder = f"services/{name}/"
    return Call(service="application-autoscaling", operation=operation, folder=folder, request=resource | request, **facts)


def _target_tracking(plan: Plan, name: str, target: float) -> Request:
    service = plan.services[name]
    tracking = {
        "TargetValue": float(target),
        "PredefinedMetricSpecification": _metric(plan, name),
        "ScaleOutCooldown": service.scale_out_cooldown_s,
        "ScaleInCooldown": service.scale_in_cooldown_s,
        "DisableScaleIn": False,
    }
    return {
        "PolicyName": f"{service.scaling_metric}-target-tracking",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": tracking,
    }


def _metric(plan: Plan, name: str) -> Request:
    service = plan.services[name]
    kind = PREDEFINED[service.scaling_metric]
    if service.scaling_metric is not ScalingMetric.REQUESTS:
        return {"PredefinedMetricType": kind + (HIGH_RESOLUTION if service.metric_resolution_s == 20 else "")}
    owner = service.shares_target_group_of or name
    label = f"{names.load_balancer(service.load_balancer)}/{names.target_group(plan.cluster, owner)}"
    return {"PredefinedMetricType": kind, "ResourceLabel": label}


def _step_scaling(policy: StepPolicy) -> Request:
    """Intervals are distances from the threshold; below it they are negative."""
    steps = [step.from_percent for step in policy.steps]
    ends: list[float | None] = [*(end for _, end in pairwise(steps)), None]
    adjustments = []
    for step, end in zip(policy.steps, ends, strict=True):
        near, far = ("Upper", "Lower") if policy.is_scale_in else ("Lower", "Upper")
        sign = -1.0 if policy.is_scale_in else 1.0
        # No negative zero, which JSON would show.
        adjustment: Request = {f"MetricInterval{near}Bound": sign * step.from_percent + 0.0, "ScalingAdjustment": step.change}
        if end is not None:
            adjustment[f"MetricInterval{far}Bound"] = sign * end
        adjustments.append(adjustment)
    configuration: Request = {
        "AdjustmentType": str(policy.adjustment),
        "MetricAggregationType": "Average",
        "Cooldown": policy.cooldown_s,
        "StepAdjustments": adjustments,
    }
    if policy.min_adjustment_magnitude is not None:
        configuration["MinAdjustmentMagnitude"] = policy.min_adjustment_magnitude
    return {
        "PolicyName": policy.name,
        "PolicyType": "StepScaling",
        "StepScalingPolicyConfiguration": configuration,
    }


def _step_alarm(plan: Plan, name: str, policy: StepPolicy) -> Request:
    return {
        "AlarmName": names.alarm(plan.cluster, name, f"step-{policy.name}"),
        "AlarmDescription": f"Starts the step policy {policy.name}.",
        "Namespace": NAMESPACE,
        "MetricName": METRIC_NAMES[policy.metric],
        "Dimensions": service_dimensions(plan, name),
        "Statistic": "Average",
        "Period": PERIOD_S,
        "EvaluationPeriods": policy.minutes,
        "Threshold": float(policy.threshold_percent),
        "ComparisonOperator": comparison_of(policy),
        "TreatMissingData": "missing",
        "AlarmActions": [names.step_policy(name, policy.name)],
    }


def service_dimensions(plan: Plan, name: str) -> list[Request]:
    return [{"Name": "ClusterName", "Value": plan.cluster}, {"Name": "ServiceName", "Value": name}]
