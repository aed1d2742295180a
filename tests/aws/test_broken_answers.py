"""Answers with parts missing, null or of another kind: one message, never a traceback, and no number out of nothing."""

import random
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from advisor.errors import AdvisorError
from advisor.sources.aws import Pace, collect_workload
from tests.aws.fake_account import FakeAccount

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CLUSTER = "arn:aws:ecs:eu-west-1:111122223333:cluster/shop"


def cpu(service: str, metric: str, at: datetime) -> float | None:
    return 50.0 if metric.startswith("CPUUtilization") else None


def rich_account() -> FakeAccount:
    """One service that makes every answer that is read hold something."""
    arn = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web/1"
    service = {
        "launchType": None,
        "capacityProviderStrategy": [{"capacityProvider": "asg", "weight": 1, "base": 0}],
        "loadBalancers": [{"targetGroupArn": arn, "containerName": "app", "containerPort": 80}],
        "deployments": [{"status": "PRIMARY", "createdAt": NOW - timedelta(days=9)}],
        "networkConfiguration": {"awsvpcConfiguration": {"assignPublicIp": "ENABLED"}},
    }
    target = {"ResourceId": "service/shop/web", "MinCapacity": 2, "MaxCapacity": 10}
    tracking = {
        "TargetValue": 55.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
    }
    policy = {"ResourceId": "service/shop/web", "PolicyName": "cpu", "TargetTrackingScalingPolicyConfiguration": tracking}
    action = {"ResourceId": "service/shop/web", "Schedule": "rate(1 day)", "ScalableTargetAction": {"MinCapacity": 1}}
    at = NOW - timedelta(days=1)
    activity = {"StartTime": at, "EndTime": at, "StatusCode": "Successful", "Description": "Setting desired count to 4."}
    group = "arn:aws:autoscaling:eu-west-1:1:autoScalingGroup:u:autoScalingGroupName/nodes"
    instance = {"ec2InstanceId": "i-1", "status": "ACTIVE", "attributes": [{"name": "ecs.instance-type", "value": "m7g.large"}]}
    task = {"group": "service:web", "launchType": "EC2", "pullStartedAt": at, "startedAt": at + timedelta(seconds=30)}
    asg = {"AutoScalingGroupName": "nodes", "MinSize": 1, "MaxSize": 9, "DesiredCapacity": 2, "Instances": []}
    plan = {
        "savingsPlanType": "Compute",
        "commitment": "1.25",
        "termDurationInSeconds": 31536000,
        "paymentOption": "No Upfront",
    }
    reserved = {"InstanceType": "m6i.large", "InstanceCount": 4, "Duration": 94608000, "OfferingType": "All Upfront"}
    started = {"TaskDefinitionArn": "arn:aws:ecs:eu-west-1:1:task-definition/report:4", "TaskCount": 2, "LaunchType": "FARGATE"}
    answers: dict[str, Any] = {
        "DescribeCapacityProviders": {
            "capacityProviders": [{"name": "asg", "autoScalingGroupProvider": {"autoScalingGroupArn": group}}]
        },
        "ListContainerInstances": {"containerInstanceArns": ["a"]},
        "DescribeContainerInstances": {"containerInstances": [instance], "failures": []},
        "ListTasks": {"taskArns": ["t"]},
        "DescribeTasks": {"tasks": [task], "failures": []},
        "DescribeScalableTargets": {"ScalableTargets": [target]},
        "DescribeScalingPolicies": {"ScalingPolicies": [policy]},
        "DescribeScheduledActions": {"ScheduledActions": [action]},
        "DescribeScalingActivities": {"ScalingActivities": [activity]},
        "DescribeAutoScalingGroups": {"AutoScalingGroups": [asg]},
        "DescribeInstances": {"Reservations": [{"Instances": [{"InstanceId": "i-1", "InstanceType": "m7g.large"}]}]},
        "DescribeTargetGroups": {"TargetGroups": [{"TargetGroupArn": arn, "LoadBalancerArns": ["x:loadbalancer/app/shop/1"]}]},
        "DescribeSavingsPlans": {"savingsPlans": [plan]},
        "ListRuleNamesByTarget": {"RuleNames": ["nightly"]},
        "DescribeRule": {"Name": "nightly", "ScheduleExpression": "cron(0 2 * * ? *)", "State": "ENABLED"},
        "ListTargetsByRule": {"Targets": [{"Id": "1", "Arn": CLUSTER, "EcsParameters": started}]},
        "ListSchedules": {"Schedules": [{"Name": "hourly", "GroupName": "default", "Target": {"Arn": CLUSTER}}]},
        "GetSchedule": {
            "ScheduleExpression": "rate(1 hour)",
            "ScheduleExpressionTimezone": "UTC",
            "State": "ENABLED",
            "Target": {"Arn": CLUSTER, "EcsParameters": started},
        },
        "DescribeReservedInstances": {"ReservedInstances": [reserved]},
    }
    return FakeAccount(
        now=NOW,
        services={"web": service},
        point=cpu,
        answers={name: (lambda asked, answer=answer: answer) for name, answer in answers.items()},  # type: ignore[misc]
    )


def collected(account: FakeAccount) -> dict[str, bytes]:
    pace = Pace(clock=account.clock, sleep=account.clock.sleep)
    return collect_workload(account, "shop", now=NOW, days=0.1, with_commitments=True, pace=pace)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield (*path, key)
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for i, inner in enumerate(value[:2]):
            yield (*path, i)
            yield from places(inner, (*path, i))


def broken(answer: Mapping[str, Any], random_: random.Random) -> Mapping[str, Any]:
    copy = deepcopy(dict(answer))
    path = random_.choice(list(places(copy)))
    inner: Any = copy
    for key in path[:-1]:
        inner = inner[key]
    if random_.random() < 0.5:
        del inner[path[-1]]
    else:
        inner[path[-1]] = random_.choice([None, "", [], {}, -1, "x", [None], 1e300])
    return copy


OPERATIONS = sorted({operation for _, operation, _ in (lambda a: (collected(a), a.asked)[1])(rich_account())})


def test_the_rich_account_is_asked_for_everything():
    assert len(OPERATIONS) == 24


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_broken_answer_is_a_message_or_does_not_matter(operation):
    random_ = random.Random(operation)
    for _ in range(60):
        account = rich_account()
        given = account.answers.get(operation) or getattr(account, f"_{_snake(operation)}")
        account.answers = {**account.answers, operation: lambda asked, given=given: broken(given(asked), random_)}
        try:
            files = collected(account)
        except AdvisorError as error:
            said = str(error)
        else:
            said = files["workload.yaml"].decode().splitlines()[0]
        assert said
        assert "\n" not in said


def _snake(operation: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in operation).lstrip("_")


@pytest.mark.parametrize("point", [-1.0, float("nan"), float("inf")])
def test_a_point_that_no_metric_has_is_an_answer_that_was_changed_on_the_way(point):
    account = FakeAccount(now=NOW, services={"web": {}}, point=lambda service, metric, at: cpu(service, metric, at) and point)
    with pytest.raises(AdvisorError, match="has no number from 0 up for each time stamp"):
        collect_workload(account, "shop", now=NOW, days=0.25)
