"""The least that `advisor collect` must be allowed: exactly the actions that it calls."""

from collections.abc import Sequence
from typing import Any, Final

ACCOUNT_ACTIONS: Final = (
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingActivities",
    "application-autoscaling:DescribeScalingPolicies",
    "application-autoscaling:DescribeScheduledActions",
    "autoscaling:DescribeAutoScalingGroups",
    "cloudwatch:GetMetricData",
    "ec2:DescribeInstances",
    "ecs:DescribeTaskDefinition",
    "ecs:ListClusters",
    "elasticloadbalancing:DescribeTargetGroups",
    "events:ListRuleNamesByTarget",
    "scheduler:ListSchedules",
)
"""Actions for which IAM knows no resource to restrict them to."""
COMMITMENT_ACTIONS: Final = ("ec2:DescribeReservedInstances", "savingsplans:DescribeSavingsPlans")
_CLUSTER_ACTIONS: Final = ("ecs:DescribeClusters", "ecs:ListContainerInstances")
_IN_CLUSTER: Final = (
    ("ReadServices", "ecs:DescribeServices", "service/*"),
    ("ReadTasks", "ecs:DescribeTasks", "task/*"),
    ("ReadContainerInstances", "ecs:DescribeContainerInstances", "container-instance/*"),
)
"""Actions restricted by the condition key ``ecs:cluster``: ARNs of the old, short form do not name the cluster."""
REGION_ACTIONS: Final = (
    ("ReadAlarms", "cloudwatch", ("cloudwatch:DescribeAlarms",), "alarm:*"),
    ("ReadRules", "events", ("events:DescribeRule", "events:ListTargetsByRule"), "rule/*"),
    ("ReadSchedules", "scheduler", ("scheduler:GetSchedule",), "schedule/*"),
)
"""Actions on what starts or scales tasks: none names the cluster in its ARN, so all of the Region may be read."""
_LISTS: Final = ("ecs:ListServices", "ecs:ListTasks")
"""Restricted by ``ecs:cluster`` alone. ListTasks knows container instances as resource, and a cluster on Fargate has none."""


def iam_policy(*, cluster: str | None = None, region: str | None = None, with_commitments: bool = False) -> dict[str, Any]:
    """The IAM policy, restricted to a cluster and a Region when they are named.

    Resource types and condition keys are those of AWS's Service Authorization Reference, read 2026-11-23.

    >>> sorted(iam_policy(cluster="shop", region="eu-west-1"))
    ['Statement', 'Version']
    """
    name, place = (cluster or "*").rpartition("/")[2], f"arn:{_partition(region)}:ecs:{region or '*'}:*"
    if cluster and cluster.startswith("arn:"):
        place = cluster.rpartition(":cluster/")[0]
    in_cluster = {"ArnLike": {"ecs:cluster": f"{place}:cluster/{name}"}}
    region_of = place.split(":")
    account = [*ACCOUNT_ACTIONS, *(COMMITMENT_ACTIONS if with_commitments else ())]
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allowed("ReadCluster", _CLUSTER_ACTIONS, f"{place}:cluster/{name}"),
            _allowed("ReadCapacityProviders", ["ecs:DescribeCapacityProviders"], f"{place}:capacity-provider/*"),
            {**_allowed("ListServicesAndTasks", _LISTS, "*"), "Condition": in_cluster},
            *({**_allowed(sid, [action], f"{place}:{kind}"), "Condition": in_cluster} for sid, action, kind in _IN_CLUSTER),
            *(
                _allowed(sid, actions, ":".join([*region_of[:2], service, *region_of[3:], what]))
                for sid, service, actions, what in REGION_ACTIONS
            ),
            _allowed("ReadWhatHasNoResource", sorted(account), "*"),
        ],
    }


def _allowed(sid: str, actions: Sequence[str], resource: str) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource}


def _partition(region: str | None) -> str:
    if region is None:
        return "*"
    prefixes = {"cn-": "aws-cn", "us-gov-": "aws-us-gov", "us-iso-": "aws-iso", "us-isob-": "aws-iso-b", "eusc-": "aws-eusc"}
    return next((partition for prefix, partition in prefixes.items() if region.startswith(prefix)), "aws")
