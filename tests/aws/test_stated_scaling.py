"""What sets the count of a service, in a collected workload: nothing scales by a rule that the account does not have."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import yaml

from advisor.answer import answer
from advisor.ecs import Architecture, LaunchType, TaskSize
from advisor.emit import render_ecs
from advisor.files import write_files
from advisor.sources import read_catalog, read_workload
from advisor.sources.aws import collect_workload
from advisor.workload import Daemon, LoadForm
from tests.aws.fake_account import FakeAccount, Point, client_error

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def points(*, count: float | None = None, requests: float | None = None, cpu: float = 10.0) -> Point:
    def point(service: str, metric: str, at: datetime) -> float | None:
        if metric.startswith("RunningTaskCount"):
            return count
        if metric.startswith("RequestCount"):
            return requests
        return cpu if metric.startswith("CPUUtilization") else None

    return point


def tracking(metric: str, target: float, **more: Any) -> dict[str, Any]:
    specification = {"PredefinedMetricSpecification": {"PredefinedMetricType": metric}}
    return {
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {**specification, "TargetValue": target, **more},
    }


GROUP = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1"
BALANCED = {"loadBalancers": [{"targetGroupArn": GROUP}]}
STEPS = {
    "PolicyType": "StepScaling",
    "StepScalingPolicyConfiguration": {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"ScalingAdjustment": 1}]},
}
SCHEDULE = {"ScheduledActionName": "night", "Schedule": "cron(0 20 * * ? *)", "ScalableTargetAction": {"MaxCapacity": 2}}

MORNING = {
    "ScheduledActionName": "morning", "Schedule": "cron(0 7 ? * MON-FRI *)", "Timezone": "Europe/Berlin",
    "ScalableTargetAction": {"MinCapacity": 6, "MaxCapacity": 9},
}  # fmt: skip
NIGHT = {
    "ScheduledActionName": "night", "Schedule": "cron(0 19 * * ? *)",
    "ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": 9},
}  # fmt: skip
STATED = [
    {
        "name": "morning",
        "schedule": "cron(0 7 ? * MON-FRI *)",
        "timezone": "Europe/Berlin",
        "min_capacity": 6,
        "max_capacity": 9,
    },
    {"name": "night", "schedule": "cron(0 19 * * ? *)", "min_capacity": 1, "max_capacity": 9},
]
TWENTY = {**MORNING, "ScalableTargetAction": {"MinCapacity": 20}}
OFFICE_HOURS, CLOSED = (
    {"ScheduledActionName": name, "Schedule": cron, "ScalableTargetAction": {"MinCapacity": n, "MaxCapacity": n}}
    for name, cron, n in (("open", "cron(0 7 * * ? *)", 3), ("closed", "cron(0 19 * * ? *)", 0))
)


def account_of(
    facts: Mapping[str, Any] | None = None,
    *,
    point: Point | None = None,
    bounds: tuple[int, int] | None = None,
    policies: Sequence[Mapping[str, Any]] = (),
    scheduled: Sequence[Mapping[str, Any]] = (),
    refused: str | None = None,
    **services: Mapping[str, Any],
) -> FakeAccount:
    """One service `web` with what Application Auto Scaling knows of it, and others without."""
    about = {"ResourceId": "service/shop/web"}
    answers: dict[str, Any] = {
        "DescribeScalableTargets": lambda asked: {
            "ScalableTargets": [{**about, "MinCapacity": bounds[0], "MaxCapacity": bounds[1]}] if bounds else []
        },
        "DescribeScalingPolicies": lambda asked: {
            "ScalingPolicies": [{**about, "PolicyName": "p", **each} for each in policies]
        },
        "DescribeTargetGroups": lambda asked: {
            "TargetGroups": [{"TargetGroupArn": GROUP, "LoadBalancerArns": ["x:loadbalancer/app/shop/1"]}]
        },
        "DescribeScheduledActions": lambda asked: {"ScheduledActions": [{**about, **each} for each in scheduled]},
    }
    if refused:

        def refuse(asked: Any) -> Any:
            raise client_error("AccessDeniedException", "no", 400)

        answers[refused] = refuse
    return FakeAccount(
        now=NOW, services={"web": facts or {}, **services}, point=point or points(), answers=answers, call_s=0.05
    )


def collected(account: FakeAccount, days: float = 0.25) -> tuple[dict[str, Any], str, dict[str, bytes]]:
    """The workload file, its comments as one line, and all files."""
    files = collect_workload(account, "shop", now=NOW, days=days)
    text = files["workload.yaml"].decode()
    comments = " ".join(line.strip(" #") for line in text.splitlines() if line.strip().startswith("#"))
    return yaml.safe_load(text), comments, files


@pytest.mark.parametrize(
    ("account", "scaling", "load", "said"),
    [
        (account_of(), {"min": 3, "max": 3}, {}, "web: it has no service auto scaling: `scaling: {min: 3, max: 3}` fixes"),
        (
            account_of(refused="DescribeScalableTargets"),
            {"min": 3, "max": 3},
            {},
            "whether service auto scaling sets its count could not be read: `scaling: {min: 3, max: 3}` fixes",
        ),
        (account_of(point=points(count=9)), {"min": 3, "max": 3}, {}, "In the window 9 to 9 tasks ran"),
        (account_of(bounds=(1, 9)), {"min": 3, "max": 3}, {}, "its count has bounds, but no scaling policy sets it"),
        (
            account_of(bounds=(1, 9), policies=[tracking("ECSServiceAverageCPUUtilization", 45)]),
            {"min": 1, "max": 9, "target_cpu": 45},
            {},
            "web scales by target tracking of ECSServiceAverageCPUUtilization at 45",
        ),
        (
            account_of(
                bounds=(1, 9),
                policies=[tracking("ECSServiceAverageCPUUtilization", 45), tracking("ECSServiceAverageMemoryUtilization", 70)],
            ),
            {"min": 1, "max": 9, "target_cpu": 45},
            {},
            "only its CPU policy is part of the comparison, not target tracking of ECSServiceAverageMemoryUtilization at 70",
        ),
        (
            account_of(bounds=(1, 9), refused="DescribeScalingPolicies"),
            {"min": 1, "max": 9},
            {},
            "its scaling policies could not be read: a target of 60 % CPU is assumed",
        ),
        (
            account_of(
                BALANCED, bounds=(1, 9), policies=[tracking("ALBRequestCountPerTarget", 600)], point=points(requests=900.0)
            ),
            {"min": 1, "max": 9},
            {"requests_per_task": 10},
            "its count follows requests (target tracking of ALBRequestCountPerTarget at 600)",
        ),
        (
            account_of(bounds=(1, 9), policies=[tracking("ECSServiceAverageMemoryUtilization", 70)], point=points(count=4)),
            None,
            {"columns": {"cpu_percent_average": "ignore", "cpu_percent_maximum": "ignore"}},
            "its task counts are compared as they ran",
        ),
        (
            account_of(bounds=(1, 9), policies=[STEPS]),
            {"min": 3, "max": 3},
            {},
            "its count does not follow CPU (step scaling, ChangeInCapacity +1 (no alarm that could be read starts it)), and "
            "no task count was measured",
        ),
        (
            account_of(bounds=(1, 9), policies=[tracking("ECSServiceAverageCPUUtilization", 45)], scheduled=[MORNING, NIGHT]),
            {"min": 1, "max": 9, "target_cpu": 45, "scheduled_actions": STATED},
            {},
            "schedule night: cron(0 19 * * ? *) UTC: min 1, max 9",
        ),
        (
            account_of(
                bounds=(1, 9), policies=[tracking("ECSServiceAverageCPUUtilization", 45)],
                scheduled=[MORNING, {**NIGHT, "Schedule": "at(2026-12-24T18:00:00)"}],
            ),
            {"min": 1, "max": 9, "target_cpu": 45},
            {},
            "only its CPU policy is part of the comparison, not schedule morning: cron(0 7 ? * MON-FRI *) Europe/Berlin: "
            "min 6, max 9 ('at(2026-12-24T18:00:00)' runs once, which says nothing of a usual month); schedule night",
        ),
        (
            account_of(
                bounds=(1, 9), policies=[tracking("ECSServiceAverageCPUUtilization", 45)],
                scheduled=[{**MORNING, "EndTime": NOW}],
            ),
            {"min": 1, "max": 9, "target_cpu": 45},
            {},
            "min 6, max 9 (one begins or ends on a date)",
        ),
        (
            account_of(bounds=(1, 9), policies=[tracking("ECSServiceAverageCPUUtilization", 45)], scheduled=[TWENTY]),
            {"min": 1, "max": 9, "target_cpu": 45},
            {},
            "(morning sets a minimum of 20 and no maximum, and the maximum before may be less)",
        ),
        (
            account_of(
                bounds=(1, 9),
                policies=[
                    tracking("ECSServiceAverageCPUUtilization", 45, ScaleOutCooldown=0, ScaleInCooldown=900),
                    tracking("ECSServiceAverageCPUUtilization", 70, ScaleOutCooldown=60),
                ],
            ),
            {"min": 1, "max": 9, "target_cpu": 45, "scale_out_cooldown": 0, "scale_in_cooldown": 900},
            {},
            "",
        ),
        (
            account_of(
                bounds=(1, 9),
                policies=[tracking("ECSServiceAverageCPUUtilization", 45, DisableScaleIn=True)],
                point=points(count=4),
            ),
            None,
            {"columns": {"cpu_percent_average": "ignore", "cpu_percent_maximum": "ignore"}},
            "(target tracking of ECSServiceAverageCPUUtilization at 45 (no scale-in))",
        ),
        (
            account_of(bounds=(0, 0), scheduled=[OFFICE_HOURS, CLOSED]),
            {"scheduled_actions": [
                {"name": "open", "schedule": "cron(0 7 * * ? *)", "min_capacity": 3, "max_capacity": 3},
                {"name": "closed", "schedule": "cron(0 19 * * ? *)", "min_capacity": 0, "max_capacity": 0},
            ]},
            {},
            "only scheduled actions set its count, each to one number",
        ),
        (
            account_of(bounds=(1, 9), scheduled=[SCHEDULE], point=points(count=4)),
            None,
            {"columns": {"cpu_percent_average": "ignore", "cpu_percent_maximum": "ignore"}},
            "(schedule night: cron(0 20 * * ? *) UTC: max 2)",
        ),
    ],
)  # fmt: skip
def test_what_is_written_of_the_count(tmp_path, account, scaling, load, said):
    document, comments, files = collected(account)
    (entry,) = document["services"]
    assert entry.get("scaling") == scaling
    assert entry["load"] == {"file": "web.csv", **load}
    assert said in comments
    write_files(tmp_path, files)
    read_workload(tmp_path / "workload.yaml")


def stepping(name: str, configuration: Mapping[str, Any], **alarm: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A step policy, and the alarm that starts it."""
    policy = {
        "PolicyName": name, "PolicyType": "StepScaling", "PolicyARN": f"arn:{name}",
        "Alarms": [{"AlarmName": f"web-{name}"}], "StepScalingPolicyConfiguration": configuration,
    }  # fmt: skip
    watched = [{"Name": "ClusterName", "Value": "shop"}, {"Name": "ServiceName", "Value": "web"}]
    facts = {
        "AlarmName": f"web-{name}", "AlarmActions": [f"arn:{name}"], "Namespace": "AWS/ECS", "MetricName": "CPUUtilization",
        "Statistic": "Average", "Period": 60, "Dimensions": watched, "TreatMissingData": "missing",
    }  # fmt: skip
    return policy, facts | alarm


ADDS = stepping(
    "cpu-out",
    {
        "AdjustmentType": "PercentChangeInCapacity", "MinAdjustmentMagnitude": 2, "Cooldown": 120,
        "MetricAggregationType": "Average", "StepAdjustments": [
            {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 15.0, "ScalingAdjustment": 20},
            {"MetricIntervalLowerBound": 15.0, "ScalingAdjustment": 50},
        ],
    },
    EvaluationPeriods=3, ComparisonOperator="GreaterThanThreshold", Threshold=65.0,
)  # fmt: skip
REMOVES = stepping(
    "cpu-in",
    {"AdjustmentType": "ChangeInCapacity", "Cooldown": 300, "MetricAggregationType": "Average",
     "StepAdjustments": [{"MetricIntervalUpperBound": 0.0, "ScalingAdjustment": -1}]},
    EvaluationPeriods=15, ComparisonOperator="LessThanOrEqualToThreshold", Threshold=30.0,
)  # fmt: skip


def stepped_account(*pairs: tuple[dict[str, Any], dict[str, Any]], **facts: Any) -> FakeAccount:
    account = account_of(bounds=(2, 9), policies=[policy for policy, _ in pairs], **facts)
    account.answers["DescribeAlarms"] = lambda asked: {
        "MetricAlarms": [alarm for _, alarm in pairs if alarm["AlarmName"] in asked["AlarmNames"]]
    }
    return account


def test_step_policies_come_back_as_they_were(tmp_path):
    """Collected, read, and written again: the requests are what AWS answered, the name of the alarm apart."""
    document, _, files = collected(stepped_account(ADDS, REMOVES))
    (entry,) = document["services"]
    assert (entry["scaling"]["min"], entry["scaling"]["max"], entry["load"]) == (2, 9, {"file": "web.csv"})
    write_files(tmp_path, files)
    workload = read_workload(tmp_path / "workload.yaml")
    (service,) = workload.services
    assert not service.scaling.has_target
    plan = answer(workload, read_catalog("eu-west-1")).recommendation().recommended.plan
    emitted = render_ecs(plan)
    for policy, alarm in (ADDS, REMOVES):
        name = policy["PolicyName"]
        request = json.loads(emitted[f"services/web/put-scaling-policy-{name}.json"])
        assert request["StepScalingPolicyConfiguration"] == policy["StepScalingPolicyConfiguration"]
        watching = json.loads(emitted[f"services/web/put-metric-alarm-step-{name}.json"])
        apart = ("AlarmName", "AlarmActions", "AlarmDescription")
        assert {k: v for k, v in watching.items() if k not in apart} == {k: v for k, v in alarm.items() if k not in apart}


@pytest.mark.parametrize(
    ("policy", "alarm", "said"),
    [
        ({}, {"AlarmActions": []}, "no alarm that could be read starts it"),
        ({}, {"ActionsEnabled": False}, "the actions of its alarm are off"),
        ({}, {"Period": 300}, "a period of 300 s is not replayed"),
        ({}, {"DatapointsToAlarm": 2}, "an alarm of some of its data points is not replayed"),
        ({}, {"MetricName": "MemoryUtilization"}, "it follows memory, which is not replayed"),
        ({}, {"Namespace": "AWS/SQS", "MetricName": "ApproximateNumberOfMessagesVisible"}, "is not replayed"),
        ({}, {"Dimensions": [{"Name": "ClusterName", "Value": "shop"}]}, "its alarm watches something else than the service"),
    ],
)
def test_a_step_policy_that_no_replay_knows_is_said_and_counts_stay_as_they_ran(policy, alarm, said):
    account = stepped_account((ADDS[0] | policy, ADDS[1] | alarm), point=points(count=4))
    document, comments, _ = collected(account)
    assert "scaling" not in document["services"][0]
    assert said in comments
    assert "its task counts are compared as they ran" in comments


@pytest.mark.parametrize(("threshold", "n_stated"), [(65.0, 1), (70.0, 0)])
def test_two_alarms_that_are_alike_start_what_one_would(threshold, n_stated):
    """As after a deployment beside the alarm that was there."""
    policy, alarm = ADDS
    policy = policy | {"Alarms": [*policy["Alarms"], {"AlarmName": "shop/web/step-cpu-out"}]}
    account = stepped_account((policy, alarm), point=points(count=4))
    second = alarm | {"AlarmName": "shop/web/step-cpu-out", "Threshold": threshold}
    account.answers["DescribeAlarms"] = lambda asked: {"MetricAlarms": [alarm, second]}
    document, comments, _ = collected(account)
    assert len(document["services"][0].get("scaling", {}).get("step_scaling", [])) == n_stated
    assert ("2 alarms start it" in comments) is (not n_stated)


def test_step_policies_stand_beside_a_target_of_cpu():
    cpu = tracking("ECSServiceAverageCPUUtilization", 45), {"AlarmName": "none"}
    document, comments, _ = collected(stepped_account(cpu, ADDS))
    scaling = document["services"][0]["scaling"]
    assert (scaling["target_cpu"], [each["name"] for each in scaling["step_scaling"]]) == (45, ["cpu-out"])
    assert "part of the comparison" not in comments


def test_what_is_assumed_is_in_the_report_too():
    _, _, files = collected(account_of())
    assert "- `web`: it has no service auto scaling: `scaling: {min: 3, max: 3}` fixes" in files["collect-report.md"].decode()


def test_a_count_by_requests_is_the_one_that_the_policy_would_set(tmp_path):
    """90 requests a step; 6 a minute and task are 0.1 a second. In steps of a minute: 1.5 a second, so 15 tasks, at most 9."""
    account = account_of(
        BALANCED, bounds=(1, 9), policies=[tracking("ALBRequestCountPerTarget", 6)], point=points(requests=90.0)
    )
    write_files(tmp_path, collected(account)[2])
    workload = read_workload(tmp_path / "workload.yaml")
    assert workload.services[0].load_form is LoadForm.REQUESTS
    assert workload.step_s == 60
    assert np.nanmax(workload.demand) == pytest.approx(1.5)
    assert workload.services[0].requests_per_task == pytest.approx(0.1)


def counts_of(found: Any) -> dict[str, set[float]]:
    """Numbers of tasks of `web`, by alternative."""
    choices = [*found.found.by_service["web"], *found.found.for_cluster]
    counts = {}
    for choice in choices:
        for part in choice.parts:
            if "web" in part.services:
                tasks = part.tasks[list(part.services).index("web")]
                counts[choice.id] = set(tasks[~np.isnan(tasks)].tolist())
    return counts


@pytest.mark.parametrize("cpu", [10.0, 85.0])
def test_a_service_without_auto_scaling_keeps_its_count_in_every_alternative(tmp_path, cpu):
    """Three tasks at 10 % would be one at a target of 60 %, and at 85 % five."""
    account = account_of(point=points(cpu=cpu), other={})
    account.definitions = {"web": {"cpu": "300", "memory": "700"}}  # on Fargate 512/1024: rounded up, also in fewer tasks
    write_files(tmp_path, collected(account, days=15)[2])
    found = answer(read_workload(tmp_path / "workload.yaml"), read_catalog("eu-west-1"))
    counts = counts_of(found)
    kinds = {choice.kind[0] for choice in found.found.by_service["web"] if choice.parts}
    assert kinds == {LaunchType.FARGATE, LaunchType.EC2, LaunchType.MANAGED_INSTANCES}
    assert {n for tasks in counts.values() for n in tasks} == {3.0}
    advice = found.recommendation()
    plan = advice.alternative(advice.recommendation.alternative).plan.services["web"]
    assert (plan.min_tasks, plan.desired_tasks, plan.max_tasks) == (3, 3, 3)
    assert any("web: its count is fixed at 3, and CPU is above 60 %" in w for w in advice.warnings) is (cpu > 60)


def test_counts_of_another_metric_are_those_that_ran_in_every_alternative(tmp_path):
    account = account_of(bounds=(1, 9), policies=[tracking("ECSServiceAverageMemoryUtilization", 70)], point=points(count=4))
    write_files(tmp_path, collected(account, days=2)[2])
    workload = read_workload(tmp_path / "workload.yaml")
    assert workload.services[0].load_form is LoadForm.TASKS
    assert {n for tasks in counts_of(answer(workload, read_catalog("eu-west-1"))).values() for n in tasks} == {4.0}


DAEMON = {"launchType": "EC2", "schedulingStrategy": "DAEMON", "desiredCount": 2, "runningCount": 2}


def test_a_daemon_service_takes_its_share_of_every_instance(tmp_path):
    account = account_of(agent=DAEMON)
    account.definitions = {
        "agent": {"cpu": "128", "memory": "256", "networkMode": "host", "runtimePlatform": {"cpuArchitecture": "ARM64"}}
    }
    document, comments, files = collected(account)
    assert document["daemons"] == [
        {"name": "agent", "task": {"cpu": 128, "memory": 256}, "architectures": ["ARM64"], "network_mode": "host"}
    ]
    assert [entry["name"] for entry in document["services"]] == ["web"]
    assert "agent is a daemon service: one task on every container instance, and none on Fargate." in comments
    report = files["collect-report.md"].decode()
    assert "- 2 of 2 services are in `workload.yaml`, 1 of them as daemons." in report
    write_files(tmp_path, files)
    assert read_workload(tmp_path / "workload.yaml").daemons == (
        Daemon(
            name="agent",
            task=TaskSize(cpu_units=128, memory_mib=256),
            architectures=(Architecture.ARM64,),
            has_network_interface=False,
        ),
    )


@pytest.mark.parametrize(("reserved", "cpu_units"), [(None, 1), ("10", 10), ("17", 17)])
def test_a_daemon_may_reserve_little_cpu_or_none(tmp_path, reserved, cpu_units):
    account = account_of(agent=DAEMON)
    account.definitions = {"agent": {"cpu": reserved, "memory": "256"}}
    _, comments, files = collected(account)
    assert ("agent reserves no CPU: 1 unit stands for it" in comments) is (reserved is None)
    write_files(tmp_path, files)
    (daemon,) = read_workload(tmp_path / "workload.yaml").daemons
    assert daemon.task == TaskSize(cpu_units=cpu_units, memory_mib=256)
    assert not daemon.has_network_interface  # of EC2, the default network mode is bridge


def test_daemons_change_what_instances_hold(tmp_path):
    """A daemon of 1 GiB on every instance: EC2 costs more or as much, Fargate the same."""
    costs = {}
    for name, services in (("without", {}), ("with", {"agent": DAEMON})):
        account = account_of(**services)
        account.definitions = {"agent": {"cpu": "512", "memory": "4096"}}
        write_files(tmp_path / name, collected(account, days=2)[2])
        advice = answer(read_workload(tmp_path / name / "workload.yaml"), read_catalog("eu-west-1")).recommendation()
        costs[name] = {a.id: a.monthly_usd.mean for a in advice.of_scope("web") if a.monthly_usd}
    assert costs["with"]["web:fargate_x86_64"] == costs["without"]["web:fargate_x86_64"]
    assert costs["with"]["web:ec2:x86_64:on_demand"] > costs["without"]["web:ec2:x86_64:on_demand"]


def test_daemons_of_a_part_of_the_cluster_are_said_to_be_missing():
    files = collect_workload(account_of(agent=DAEMON), "shop", now=NOW, days=0.25, services=["web"])
    assert b"# Only some services were asked for: daemon services" in files["workload.yaml"]
