"""What is live of the services of a plan, read and never changed."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from advisor.sources.aws.session import Aws, batches, open_session
from advisor.sources.aws.step_scaling import alarms_of

_SERVICES_PER_CALL: Final = 10
"""Limit of DescribeServices."""
_TARGETS_PER_CALL: Final = 50
"""Limit of DescribeScalableTargets."""
_SCALING: Final[Mapping[str, Any]] = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}


def live_documents(
    cluster: str, services: Sequence[str], *, region: str | None = None, profile: str | None = None
) -> tuple[Mapping[str, Any], ...]:
    """What is live of some services of a cluster, for :func:`advisor.diff_plan`. Needs an account; changes nothing.

    Parameters
    ----------
    region, profile
        As in the AWS CLI; by default those of the environment.

    Raises
    ------
    AwsError
        In words, whatever went wrong.

    Examples
    --------
    >>> import advisor  # doctest: +SKIP
    >>> plan = advisor.read_recommendation("reports/shop").recommended.plan  # doctest: +SKIP
    >>> documents = advisor.live_documents(plan.cluster, list(plan.services), region=plan.region)  # doctest: +SKIP
    >>> advisor.diff_plan(plan, documents)  # doctest: +SKIP
    """
    return fetch_live(Aws(open_session(region=region, profile=profile)), cluster, services)


def fetch_live(aws: Aws, cluster: str, services: Sequence[str]) -> tuple[Mapping[str, Any], ...]:
    """What AWS answers of services, their task definitions, bounds, policies, scheduled actions, and alarms of step scaling.

    Raises
    ------
    AwsError
        In words, whatever went wrong.
    """
    found: list[Mapping[str, Any]] = []
    for some in batches(services, _SERVICES_PER_CALL):
        found += aws.listed("ecs", "DescribeServices", "services", cluster=cluster, services=list(some))
    definitions = [
        aws.call("ecs", "DescribeTaskDefinition", taskDefinition=arn)
        for arn in dict.fromkeys(str(service["taskDefinition"]) for service in found if service.get("taskDefinition"))
    ]
    resources = [f"service/{cluster}/{name}" for name in services]
    targets: list[Mapping[str, Any]] = []
    for some in batches(resources, _TARGETS_PER_CALL):
        targets += aws.pages(
            "application-autoscaling",
            "DescribeScalableTargets",
            "ScalableTargets",
            token="NextToken",
            ResourceIds=list(some),
            **_SCALING,
        )
    policies: list[Mapping[str, Any]] = []
    actions: list[Mapping[str, Any]] = []
    for resource in dict.fromkeys(str(target["ResourceId"]) for target in targets):
        asked = {"token": "NextToken", "ResourceId": resource, **_SCALING}
        policies += aws.pages("application-autoscaling", "DescribeScalingPolicies", "ScalingPolicies", **asked)
        actions += aws.pages("application-autoscaling", "DescribeScheduledActions", "ScheduledActions", **asked)
    stepped = [policy for policy in policies if policy.get("StepScalingPolicyConfiguration")]
    return (
        {"services": found},
        *definitions,
        {"ScalableTargets": targets},
        {"ScalingPolicies": policies},
        {"ScheduledActions": actions},
        {"MetricAlarms": alarms_of(aws, stepped)},
    )
