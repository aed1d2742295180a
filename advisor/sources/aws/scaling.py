"""Application Auto Scaling of services: bounds, policies, scheduled actions, and the counts it set."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar

import numpy as np

from advisor.ecs import DEFAULT_COOLDOWN_S
from advisor.plan.step_documents import StepsError
from advisor.sources.aws.errors import reading, stated
from advisor.sources.aws.session import FEW_ATTEMPTS, Aws, batches
from advisor.sources.aws.step_scaling import alarms_of, step_entry
from advisor.units import FloatArray

T = TypeVar("T")

_NAMESPACE: Final[Mapping[str, Any]] = {"ServiceNamespace": "ecs"}
_DIMENSION: Final[Mapping[str, Any]] = {"ScalableDimension": "ecs:service:DesiredCount"}
_FEW: Final = 5
"""Up to so many services are asked for one by one; for more, all of the account are listed, which takes fewer calls."""
_RESOURCES_PER_CALL: Final = 50
"""Limit of DescribeScalableTargets."""
_SET_COUNT: Final = re.compile(r"Setting desired count to (\d+)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalableTarget:
    """Bounds that service auto scaling keeps to."""

    min_tasks: int
    max_tasks: int
    is_suspended: bool
    is_schedule_suspended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingPolicy:
    """A scaling policy in words, with the target where it tracks CPU or requests."""

    name: str
    description: str
    target_cpu_percent: float | None
    requests_per_minute: float | None = None
    """Of one task behind a load balancer, where the policy tracks that."""
    step_entry: Mapping[str, Any] | None = None
    """Step scaling as a workload file states it; None where it is another policy, or none that is replayed."""
    cooldowns: Mapping[str, int] = field(default_factory=dict)
    """Of target tracking, as a workload file states them; empty where it has AWS's default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAction:
    """A scheduled action in words, and as a workload file states it."""

    description: str
    entry: Mapping[str, Any]
    has_span: bool = False
    """It begins or ends at a stated moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCount:
    """A desired count that service auto scaling set."""

    at: datetime
    tasks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceScaling:
    """All that Application Auto Scaling knows of the services, by service name."""

    targets: Mapping[str, ScalableTarget]
    policies: Mapping[str, Sequence[ScalingPolicy]]
    scheduled: Mapping[str, Sequence[FoundAction]]


NO_SCALING: Final = ServiceScaling(targets={}, policies={}, scheduled={})


def fetch_scaling(aws: Aws, cluster: str, services: Sequence[str]) -> ServiceScaling:
    """Bounds, policies and scheduled actions of the services."""
    resources = {f"service/{cluster}/{service}": service for service in services}
    targets = aws.optional("bounds of service auto scaling", lambda: _targets(aws, resources)) or {}
    scaled = [resource for resource, service in resources.items() if service in targets]
    found = _grouped(aws, "scaling policies", "DescribeScalingPolicies", "ScalingPolicies", scaled, resources, dict[str, Any])
    stepped = [facts for each in found.values() for facts in each if facts.get("StepScalingPolicyConfiguration")]
    alarms = aws.optional("alarms of step scaling", lambda: alarms_of(aws, stepped)) or []
    with reading("application-autoscaling:DescribeScalingPolicies"):
        policies = {name: [_policy(facts, alarms, cluster, name) for facts in each] for name, each in found.items()}
    return ServiceScaling(
        targets=targets,
        policies=policies,
        scheduled=_grouped(
            aws, "scheduled scaling", "DescribeScheduledActions", "ScheduledActions", scaled, resources, _scheduled
        ),
    )


def fetch_set_counts(aws: Aws, cluster: str, service: str, since: datetime) -> list[SetCount]:
    """Desired counts that service auto scaling set, oldest first. AWS keeps them for six weeks."""
    activities = aws.pages(
        "application-autoscaling",
        "DescribeScalingActivities",
        "ScalingActivities",
        token="NextToken",
        attempts=FEW_ATTEMPTS,
        ResourceId=f"service/{cluster}/{service}",
        MaxResults=50,
        **_NAMESPACE,
        **_DIMENSION,
    )
    found = []
    with reading("application-autoscaling:DescribeScalingActivities"):
        for activity in activities:  # newest first; one from before tells the count at the start
            count = _SET_COUNT.search(str(activity.get("Description", "")))
            if count and activity["StatusCode"] == "Successful":
                found.append(SetCount(at=stated(activity, "EndTime", datetime) or activity["StartTime"], tasks=int(count[1])))
            if activity["StartTime"] < since:
                break
    return sorted(found, key=lambda c: c.at)


def counts_on_grid(counts: Sequence[SetCount], start: datetime, step_s: int, n_steps: int) -> FloatArray:
    """Mean desired count of each step; NaN before the first count that is known. [tasks]"""
    if not counts:
        return np.full(n_steps, np.nan)
    edges = np.arange(n_steps + 1) * float(step_s)
    changes = np.array([(c.at - start).total_seconds() for c in counts])
    tasks = np.array([c.tasks for c in counts], dtype=np.float64)
    knots = np.concatenate([changes, [max(edges[-1], changes[-1]) + step_s]])
    area = np.concatenate([[0.0], np.cumsum(np.diff(knots) * tasks)])
    mean: FloatArray = np.diff(np.interp(edges, knots, area)) / step_s
    mean[edges[:-1] < changes[0]] = np.nan
    return mean


def _targets(aws: Aws, resources: Mapping[str, str]) -> dict[str, ScalableTarget]:
    facts = [
        target
        for some in batches(resources, _RESOURCES_PER_CALL)
        for target in aws.pages(
            "application-autoscaling",
            "DescribeScalableTargets",
            "ScalableTargets",
            token="NextToken",
            ResourceIds=list(some),
            **_NAMESPACE,
            **_DIMENSION,
        )
    ]
    with reading("application-autoscaling:DescribeScalableTargets"):
        return {resources[t["ResourceId"]]: _target(t) for t in facts if t["ResourceId"] in resources}


def _target(facts: Mapping[str, Any]) -> ScalableTarget:
    suspended = facts.get("SuspendedState") or {}
    return ScalableTarget(
        min_tasks=int(facts["MinCapacity"]),
        max_tasks=int(facts["MaxCapacity"]),
        is_suspended=bool(suspended.get("DynamicScalingOutSuspended") or suspended.get("DynamicScalingInSuspended")),
        is_schedule_suspended=bool(suspended.get("ScheduledScalingSuspended")),
    )


def _grouped(
    aws: Aws,
    purpose: str,
    operation: str,
    key: str,
    scaled: Sequence[str],
    resources: Mapping[str, str],
    made: Callable[[Mapping[str, Any]], T],
) -> dict[str, list[T]]:
    found: dict[str, list[T]] = defaultdict(list)
    for facts in aws.optional(purpose, lambda: list(_facts(aws, operation, key, scaled))) or ():
        with reading(f"application-autoscaling:{operation}"):
            if facts["ResourceId"] in resources:
                found[resources[facts["ResourceId"]]].append(made(facts))
    return found


def _facts(aws: Aws, operation: str, key: str, scaled: Sequence[str]) -> Iterable[Mapping[str, Any]]:
    if not scaled:
        return
    questions: list[dict[str, Any]] = [{"ResourceId": r, **_DIMENSION} for r in scaled] if len(scaled) <= _FEW else [{}]
    for question in questions:
        yield from aws.pages("application-autoscaling", operation, key, token="NextToken", **_NAMESPACE, **question)


def _policy(facts: Mapping[str, Any], alarms: Sequence[Mapping[str, Any]], cluster: str, service: str) -> ScalingPolicy:
    tracking = facts.get("TargetTrackingScalingPolicyConfiguration")
    name = str(facts.get("PolicyName", ""))
    if not tracking:
        steps = facts.get("StepScalingPolicyConfiguration")
        kind = {"PredictiveScaling": "predictive scaling"}.get(facts.get("PolicyType", ""), "other")
        if not steps:
            return ScalingPolicy(name=name, description=kind, target_cpu_percent=None)
        try:
            entry = step_entry(facts, alarms, cluster, service)
        except StepsError as error:
            return ScalingPolicy(name=name, description=f"{_steps(steps)} ({error.problem})", target_cpu_percent=None)
        return ScalingPolicy(name=name, description=_steps(steps), target_cpu_percent=None, step_entry=entry)
    metric = _metric(tracking)
    target = float(tracking["TargetValue"])
    # A policy that removes no tasks leaves a count that nothing else tells.
    is_followed = not tracking.get("DisableScaleIn")
    is_cpu, is_requests = metric.startswith("ECSServiceAverageCPUUtilization"), metric == "ALBRequestCountPerTarget"
    return ScalingPolicy(
        name=name,
        description=f"target tracking of {metric} at {target:g}" + _cooldowns(tracking),
        target_cpu_percent=target if is_cpu and is_followed else None,
        requests_per_minute=target if is_requests and is_followed else None,
        cooldowns={
            name: int(tracking[key])
            for name, key in (("scale_out_cooldown", "ScaleOutCooldown"), ("scale_in_cooldown", "ScaleInCooldown"))
            if tracking.get(key, DEFAULT_COOLDOWN_S) != DEFAULT_COOLDOWN_S
        },
    )


def _steps(facts: Mapping[str, Any]) -> str:
    """``step scaling, ChangeInCapacity +2 from 0 to 15, +4 from 15, cooldown 60 s``; bounds from the alarm's threshold."""
    adjustments = []
    for step in facts.get("StepAdjustments") or ():
        lower, upper = step.get("MetricIntervalLowerBound"), step.get("MetricIntervalUpperBound")
        bounds = (f" from {lower:g}" if lower is not None else "") + (f" to {upper:g}" if upper is not None else "")
        adjustments.append(f"{int(step['ScalingAdjustment']):+d}{bounds}")
    cooldown = [f"cooldown {int(facts['Cooldown'])} s"] if facts.get("Cooldown") is not None else []
    said = " ".join([str(facts.get("AdjustmentType", "")), ", ".join(adjustments)]).strip()
    return ", ".join(["step scaling", *([said] if said else []), *cooldown])


def _metric(tracking: Mapping[str, Any]) -> str:
    predefined = (tracking.get("PredefinedMetricSpecification") or {}).get("PredefinedMetricType")
    customized = tracking.get("CustomizedMetricSpecification") or {}
    if predefined:
        return str(predefined)
    return f"{customized.get('Namespace', 'a custom metric')} {customized.get('MetricName', '')}".strip()


def _cooldowns(tracking: Mapping[str, Any]) -> str:
    said = [f"{k} {tracking[c]} s" for k, c in (("out", "ScaleOutCooldown"), ("in", "ScaleInCooldown")) if c in tracking]
    held = ["no scale-in"] if tracking.get("DisableScaleIn") else []
    return f" ({', '.join(['cooldown ' + ', '.join(said)] * bool(said) + held)})" if said or held else ""


def _scheduled(facts: Mapping[str, Any]) -> FoundAction:
    action = facts.get("ScalableTargetAction") or {}
    bounds = ", ".join(f"{k} {action[c]}" for k, c in (("min", "MinCapacity"), ("max", "MaxCapacity")) if c in action)
    zone = facts.get("Timezone") or "UTC"
    stated = {
        "name": facts.get("ScheduledActionName"),
        "schedule": facts.get("Schedule"),
        "timezone": facts.get("Timezone"),
        "min_capacity": action.get("MinCapacity"),
        "max_capacity": action.get("MaxCapacity"),
    }
    return FoundAction(
        description=f"{facts.get('ScheduledActionName', '')}: {facts.get('Schedule', '')} {zone}: {bounds}",
        entry={key: value for key, value in stated.items() if value is not None},
        has_span=bool(facts.get("StartTime") or facts.get("EndTime")),
    )
