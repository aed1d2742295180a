"""Step scaling policies of services, with the alarms that start them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from advisor.plan import ScalingMetric
from advisor.plan.step_documents import StepsError, step_policy_of
from advisor.sources.aws.session import Aws, batches

Document = Mapping[str, Any]

_ALARMS_PER_CALL: Final = 100
"""Limit of DescribeAlarms."""
_ALARM_KEYS: Final = (
    "MetricName", "Statistic", "Period", "EvaluationPeriods", "ComparisonOperator", "Threshold",
)  # fmt: skip
_CONFIGURATION_KEYS: Final = ("AdjustmentType", "MinAdjustmentMagnitude", "Cooldown")
_STEP_KEYS: Final = ("MetricIntervalLowerBound", "MetricIntervalUpperBound", "ScalingAdjustment")


def alarms_of(aws: Aws, policies: Sequence[Document]) -> list[Document]:
    """The alarms that AWS names with step policies; none is asked for where there are none."""
    names = list(dict.fromkeys(str(alarm["AlarmName"]) for policy in policies for alarm in policy.get("Alarms") or ()))
    return [
        alarm
        for some in batches(names, _ALARMS_PER_CALL)
        for alarm in aws.pages("cloudwatch", "DescribeAlarms", "MetricAlarms", token="NextToken", AlarmNames=list(some))
    ]


def step_entry(policy: Document, alarms: Sequence[Document], cluster: str, service: str) -> Mapping[str, Any]:
    """A step policy with its alarm as a workload file states it, in AWS's own words.

    Raises
    ------
    StepsError
        It is none that a replay knows: the problem says why.
    """
    own = [alarm for alarm in alarms if policy.get("PolicyARN") in (alarm.get("AlarmActions") or ())]
    if not own:
        raise StepsError("no alarm that could be read starts it", "Give it one.")
    own = [alarm for alarm in own if alarm.get("ActionsEnabled", True)]
    if not own:
        raise StepsError("the actions of its alarm are off", "Turn them on.")
    (found, *others) = {step_policy_of(policy, alarm) for alarm in own}
    if others:  # two that are alike start what one would
        raise StepsError(f"{len(own)} alarms start it", "Give it one.")
    for alarm in own:
        watched = {each.get("Name"): each.get("Value") for each in alarm.get("Dimensions") or ()}
        if watched != {"ClusterName": cluster, "ServiceName": service}:
            raise StepsError("its alarm watches something else than the service", "Watch the service.")
    if found.metric is not ScalingMetric.CPU:
        raise StepsError("it follows memory, which is not replayed", "State policies on CPUUtilization.")
    configuration = policy["StepScalingPolicyConfiguration"]
    return {
        "name": found.name,
        **_snaked(own[0], _ALARM_KEYS),
        **_snaked(configuration, _CONFIGURATION_KEYS),
        "step_adjustments": [_snaked(step, _STEP_KEYS) for step in configuration["StepAdjustments"]],
    }


def _snaked(facts: Document, keys: Sequence[str]) -> dict[str, Any]:
    from botocore import xform_name

    return {xform_name(key): facts[key] for key in keys if facts.get(key) is not None}
