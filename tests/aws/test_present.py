"""How services run today, and which are in the workload. moto describes a strategy as launch type EC2: no judge here."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from advisor.files import write_files
from advisor.sources import read_workload
from advisor.sources.aws import collect_workload
from advisor.sources.aws.errors import AwsError
from tests.aws.fake_account import ACCOUNT, REGION, FakeAccount

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def cpu_at_half(service: str, metric: str, at: datetime) -> float | None:
    return 50.0 if metric.startswith("CPUUtilization") else None


def strategy(**weights: int) -> dict[str, Any]:
    items = [
        {"capacityProvider": name.replace("_", "-") if name.islower() else name, "weight": w, "base": 0}
        for name, w in weights.items()
    ]
    return {"launchType": None, "capacityProviderStrategy": items}


PROVIDERS = [
    {
        "name": "asg",
        "autoScalingGroupProvider": {
            "autoScalingGroupArn": f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:autoScalingGroup:u:autoScalingGroupName/nodes",
            "managedScaling": {"status": "ENABLED", "targetCapacity": 90},
        },
    },
    {
        "name": "spot-asg",
        "autoScalingGroupProvider": {
            "autoScalingGroupArn": f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:autoScalingGroup:u:autoScalingGroupName/spot-nodes"
        },
    },
    {"name": "managed", "managedInstancesProvider": {"instanceLaunchTemplate": {"capacityOptionType": "ON_DEMAND"}}},
    {
        "name": "managed-spot",
        "type": "MANAGED_INSTANCES",
        "managedInstancesProvider": {"instanceLaunchTemplate": {"capacityOptionType": "SPOT"}},
    },
]
GROUPS = [
    {
        "AutoScalingGroupName": "nodes",
        "MinSize": 1,
        "MaxSize": 9,
        "DesiredCapacity": 2,
        "Instances": [{"InstanceType": "m7g.large"}],
    },
    {
        "AutoScalingGroupName": "spot-nodes",
        "MinSize": 0,
        "MaxSize": 9,
        "DesiredCapacity": 0,
        "MixedInstancesPolicy": {
            "InstancesDistribution": {"OnDemandPercentageAboveBaseCapacity": 0},
            "LaunchTemplate": {"Overrides": [{"InstanceType": "m7g.large"}, {"InstanceType": "c7g.large"}]},
        },
    },
]


def account_with(**services: dict[str, Any]) -> FakeAccount:
    def described(asked: Any) -> Any:
        known = [p for p in PROVIDERS if p["name"] in asked["capacityProviders"]]
        missing = [n for n in asked["capacityProviders"] if n not in [p["name"] for p in PROVIDERS]]
        return {"capacityProviders": known, "failures": [{"arn": n, "reason": "MISSING"} for n in missing]}

    return FakeAccount(
        now=NOW,
        services={name.replace("_", "-"): facts for name, facts in services.items()},
        point=cpu_at_half,
        call_s=0.05,
        answers={
            "DescribeCapacityProviders": described,
            "DescribeAutoScalingGroups": lambda asked: {
                "AutoScalingGroups": [g for g in GROUPS if g["AutoScalingGroupName"] in asked["AutoScalingGroupNames"]]
            },
        },
    )


def entries_of(account: FakeAccount) -> dict[str, Any]:
    files = collect_workload(account, "shop", now=NOW, days=0.25)
    return {entry["name"]: entry for entry in yaml.safe_load(files["workload.yaml"])["services"]}


@pytest.mark.parametrize(
    ("facts", "launch_type", "purchase_option"),
    [
        ({"launchType": "FARGATE"}, "FARGATE", None),
        ({"launchType": "EC2"}, "EC2", None),
        (strategy(FARGATE=1), "FARGATE", None),
        (strategy(FARGATE_SPOT=1), "FARGATE", "spot"),
        (strategy(FARGATE=0, FARGATE_SPOT=1), "FARGATE", "spot"),
        (strategy(FARGATE=1, FARGATE_SPOT=3), "FARGATE", None),
        (strategy(asg=1), "EC2", None),
        (strategy(spot_asg=1), "EC2", "spot"),
        (strategy(asg=1, spot_asg=1), "EC2", None),
        (strategy(managed=1), "MANAGED_INSTANCES", None),
        (strategy(managed_spot=1), "MANAGED_INSTANCES", "spot"),
        ({**strategy(asg=1), "launchType": "EC2"}, "EC2", None),  # as moto would say it
        ({**strategy(FARGATE=1), "launchType": "EC2"}, "FARGATE", None),
    ],
)
def test_what_a_service_runs_on(facts, launch_type, purchase_option):
    entry = entries_of(account_with(web=facts))["web"]
    assert entry["present"]["launch_type"] == launch_type
    assert entry["present"].get("purchase_option") == purchase_option
    assert entry.get("interruptible", False) is (purchase_option == "spot")


def test_without_launch_type_and_strategy_the_clusters_default_counts():
    account = account_with(web={"launchType": None})
    cluster = account._describe_clusters({})["clusters"][0]
    default = [{"capacityProvider": "managed", "weight": 1, "base": 0}]
    account.answers = {
        **account.answers,
        "DescribeClusters": lambda asked: {
            "clusters": [{**cluster, "defaultCapacityProviderStrategy": default}],
            "failures": [],
        },
    }
    assert entries_of(account)["web"]["present"]["launch_type"] == "MANAGED_INSTANCES"


def tasks_answer(*tasks: dict[str, Any]) -> dict[str, Any]:
    return {
        "ListTasks": lambda asked: {"taskArns": [f"t{i}" for i in range(len(tasks))]},
        "DescribeTasks": lambda asked: {"tasks": list(tasks), "failures": []},
    }


def test_a_provider_that_is_gone_is_told_from_the_tasks_it_placed():
    account = account_with(web=strategy(gone=1))
    pull = NOW - timedelta(days=1)
    task = {"group": "service:web", "launchType": "EC2", "pullStartedAt": pull, "startedAt": pull + timedelta(seconds=42)}
    account.answers = {**account.answers, **tasks_answer(task, {"group": "family:nightly", "launchType": "EC2"})}
    files = collect_workload(account, "shop", now=NOW, days=0.25)
    (entry,) = yaml.safe_load(files["workload.yaml"])["services"]
    assert entry["present"]["launch_type"] == "EC2"
    assert entry["task"]["startup_seconds"] == 42
    assert b"1 running tasks of `family:nightly` belong to no service" in files["collect-report.md"]


def test_where_nothing_tells_the_launch_type_the_count_stands_in_the_load_file(tmp_path):
    files = collect_workload(account_with(web={"launchType": None}), "shop", now=NOW, days=0.25)
    (entry,) = yaml.safe_load(files["workload.yaml"])["services"]
    assert "present" not in entry
    assert files["web.csv"].splitlines()[:2] == [
        b"time,tasks,cpu_percent_average,cpu_percent_maximum",
        b"2026-11-23T02:55:00Z,3,50,50",
    ]
    write_files(tmp_path, files)
    assert read_workload(tmp_path / "workload.yaml").services[0].present is None


@pytest.mark.parametrize(
    ("facts", "definition", "reason"),
    [
        ({"status": "INACTIVE"}, {}, "the service is deleted"),
        ({"schedulingStrategy": "DAEMON"}, {}, "it is a daemon service"),
        ({"launchType": "EXTERNAL"}, {}, "it runs on external instances"),
        ({"taskDefinition": None}, {}, "ECS names no task definition"),
        ({}, {"cpu": None}, "its task definition reserves no CPU"),
        ({}, {"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}, "task.os: "),
        ({"desiredCount": 0, "runningCount": 0}, {}, "CPU in percent was measured, but of how many tasks is not known"),
    ],
)
def test_services_that_are_left_out_are_named_with_the_reason(tmp_path, facts, definition, reason):
    account = account_with(web={}, other=facts)
    account.definitions = {"other": definition}
    files = collect_workload(account, "shop", now=NOW, days=0.25)
    assert f"# other is left out: {reason}" in files["workload.yaml"].decode()
    assert f"- `other`: {reason}" in files["collect-report.md"].decode()
    write_files(tmp_path, files)
    assert [s.name for s in read_workload(tmp_path / "workload.yaml").services] == ["web"]


def test_a_cluster_of_which_nothing_can_be_compared_is_an_error():
    with pytest.raises(AwsError, match=r"no service of cluster shop can be compared \(agent: it is a daemon service"):
        collect_workload(account_with(agent={"schedulingStrategy": "DAEMON"}), "shop", now=NOW, days=0.25)


def test_arm_instances_tell_the_architecture_where_the_task_definition_does_not():
    account = account_with(web={"launchType": "EC2"}, fn={"launchType": "FARGATE"})
    attributes = [{"name": "ecs.instance-type", "value": "m7g.large"}, {"name": "ecs.cpu-architecture", "value": "arm64"}]
    instances = [{"ec2InstanceId": f"i-{n}", "status": "ACTIVE", "attributes": attributes} for n in range(3)]
    account.answers = {
        **account.answers,
        "ListContainerInstances": lambda asked: {"containerInstanceArns": ["a", "b", "c"]},
        "DescribeContainerInstances": lambda asked: {"containerInstances": instances, "failures": []},
        "DescribeInstances": lambda asked: {"Reservations": []},
    }
    files = collect_workload(account, "shop", now=NOW, days=0.25)
    document = yaml.safe_load(files["workload.yaml"])
    assert {e["name"]: e["architectures"] for e in document["services"]} == {"web": ["ARM64"], "fn": ["X86_64"]}
    assert document["present"] == {"instances": {"m7g.large": 3}, "purchase_option": "on_demand"}


def test_a_name_that_could_break_out_of_the_files_does_not(tmp_path):
    hostile = "../../etc/x\n- name: evil"
    account = account_with(web={}, **{hostile: {"taskDefinition": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/web:1"}})
    account.answers = {**account.answers, "ListServices": lambda asked: {"serviceArns": ["web", hostile]}}
    own = account._describe_services
    account.answers["DescribeServices"] = lambda asked: {
        "services": [account._service(name) for name in ("web", hostile)],
        "failures": own({"services": []})["failures"],
    }
    files = collect_workload(account, "shop", now=NOW, days=0.25)
    assert all("/" not in name and ".." not in name for name in files)
    write_files(tmp_path, files)
    assert [s.name for s in read_workload(tmp_path / "workload.yaml").services] == ["web"]


def test_names_that_differ_in_case_only_get_different_files():
    files = collect_workload(account_with(web={}, Web={}), "shop", now=NOW, days=0.25)
    names = [name.lower() for name in files]
    assert len(set(names)) == len(names) == 4


def test_commitments_are_written_as_far_as_they_are_read(tmp_path):
    account = account_with(web={})
    plan = {
        "savingsPlanType": "Compute",
        "commitment": "1.25",
        "termDurationInSeconds": 31536000,
        "paymentOption": "No Upfront",
        "state": "active",
    }
    reserved = {
        "InstanceType": "m6i.large", "InstanceCount": 4, "Scope": "Region", "Duration": 94608000, "OfferingType": "All Upfront"
    }  # fmt: skip
    account.answers = {
        **account.answers,
        "DescribeSavingsPlans": lambda asked: {"savingsPlans": [plan, {**plan, "savingsPlanType": "SageMaker"}]},
        "DescribeReservedInstances": lambda asked: {"ReservedInstances": [reserved]},
    }
    files = collect_workload(account, "shop", now=NOW, days=0.25, with_commitments=True)
    text = files["workload.yaml"].decode()
    assert "{kind: compute_savings_plan, usd_per_hour: 1.25, term_years: 1, payment: no_upfront}" in text
    assert (
        "{kind: reserved_instance, instance_type: m6i.large, count: 4, scope: region, term_years: 3, payment: all_upfront}"
        in text
    )
    write_files(tmp_path, files)
    read_workload(tmp_path / "workload.yaml")


def test_commitments_are_not_asked_for_unless_wanted():
    account = account_with(web={})
    collect_workload(account, "shop", now=NOW, days=0.25)
    assert account.count("DescribeSavingsPlans") == account.count("DescribeReservedInstances") == 0


def activity(at: datetime, tasks: int, *, status: str = "Successful") -> dict[str, Any]:
    return {"StartTime": at, "EndTime": at, "StatusCode": status, "Description": f"Setting desired count to {tasks}."}


def test_counts_are_rebuilt_from_activities_where_nothing_measured_them(tmp_path):
    account = account_with(web={"desiredCount": 8})
    target = {"ResourceId": "service/shop/web", "MinCapacity": 2, "MaxCapacity": 10}
    start = NOW - timedelta(hours=8)
    activities = [
        activity(start + timedelta(hours=5), 8),
        activity(start + timedelta(hours=4), 9, status="Failed"),
        activity(start, 4),
        activity(start - timedelta(days=9), 5),
    ]
    account.answers = {
        **account.answers,
        "DescribeScalableTargets": lambda asked: {"ScalableTargets": [target]},
        "DescribeScalingActivities": lambda asked: {"ScalingActivities": activities},
    }
    files = collect_workload(account, "shop", now=NOW, days=0.25)
    counts = [line.split(b",")[1] for line in files["web.csv"].splitlines()[1:]]
    assert (counts[0], counts[-1], set(counts)) == (b"4", b"8", {b"4", b"8"})
    assert b"the desired count that service auto scaling set" in files["collect-report.md"]


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"desiredCount": 2, "runningCount": 0}, "none of the 2 tasks wanted is running"),
        ({"createdAt": NOW - timedelta(minutes=1)}, "the service was created at 2026-11-23 08:59 UTC, after the window"),
        ({"launchType": "EC2"}, "ECS_DISABLE_METRICS set, or the instance role may lack ecs:StartTelemetrySession"),
        ({"launchType": "FARGATE"}, "tasks run, but CloudWatch has no metrics of the service in this window"),
    ],
)
def test_why_a_service_that_is_stated_as_a_constant_has_no_data(tmp_path, facts, reason):
    account = account_with(web={}, silent=facts)
    account.point = lambda service, metric, at: None if service == "silent" else cpu_at_half(service, metric, at)
    files = collect_workload(account, "shop", now=NOW, days=0.25)
    assert reason in files["collect-report.md"].decode()
    write_files(tmp_path, files)
    workload = read_workload(tmp_path / "workload.yaml")
    assert workload.services[workload.index("silent")].is_stated


def test_memory_alone_is_no_load():
    account = account_with(web={}, cache={})

    def memory_of_cache(service: str, metric: str, at: datetime) -> float | None:
        return (40.0 if metric.startswith("Memory") else None) if service == "cache" else cpu_at_half(service, metric, at)

    account.point = memory_of_cache
    files = collect_workload(account, "shop", now=NOW, days=0.25)
    assert "`cache`: neither CPU in use nor a task count was measured" in files["collect-report.md"].decode()
    assert "load: {tasks: 3}" in files["workload.yaml"].decode()


def test_the_daemons_size_is_in_the_report():
    account = account_with(web={}, agent={"schedulingStrategy": "DAEMON"})
    account.definitions = {"agent": {"cpu": "128", "memory": "256"}}
    report = collect_workload(account, "shop", now=NOW, days=0.25)["collect-report.md"].decode()
    assert "| `agent` | FARGATE | 128 / 256 |" in report
