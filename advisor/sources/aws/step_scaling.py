"""Step scaling policies of services, with the alarms that start them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from advisor.plan import ScalingMetric
from advisor.plan.step_documents import StepsError, started_policy
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
    found, alarm = started_policy(policy, alarms, {str(policy.get("PolicyARN"))}, cluster, service)
    if found.metric is not ScalingMetric.CPU:
        raise StepsError("it follows memory, which is not replayed", "State policies on CPUUtilization.")
    configuration = policy["StepScalingPolicyConfiguration"]
    return {
        "name": found.name,
        **_snaked(alarm, _ALARM_KEYS),
        **_snaked(configuration, _CONFIGURATION_KEYS),
        "step_adjustments": [_snaked(step, _STEP_KEYS) for step in configuration["StepAdjustments"]],
    }


def _snaked(facts: Document, keys: Sequence[str]) -> dict[str, Any]:
    from botocore import xform_name

    return {xform_name(key): facts[key] for key in keys if facts.get(key) is not None}
