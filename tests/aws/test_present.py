"""How services run today, and which are in the workload. moto describes a strategy as launch type EC2: no judge here."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from advisor.ecs import LaunchType
from advisor.files import write_files
from advisor.sources import read_workload
from advisor.sources.aws import collect_workload
from advisor.sources.aws.errors import AwsError
from tests.aws.fake_account import ACCOUNT, REGION, FakeAccount, client_error

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


def test_a_service_on_spot_in_part_states_no_present_rather_than_a_wrong_one(tmp_path):
    files = collect_workload(account_with(web=strategy(FARGATE=1, FARGATE_SPOT=3)), "shop", now=NOW, days=0.25)
    text = " ".join(line.strip(" #") for line in files["workload.yaml"].decode().splitlines())
    (entry,) = yaml.safe_load(files["workload.yaml"])["services"]
    assert "present" not in entry
    assert "web has no `present`: it runs on Spot in part" in text
    assert b"its present is not stated: it runs on Spot in part" in files["collect-report.md"]
    write_files(tmp_path, files)  # the count that `present` would hold stands in the load file
    assert read_workload(tmp_path / "workload.yaml").demand.max() == 0.5 * 512 * 3


def test_a_strategy_with_an_unknown_provider_is_told_from_the_tasks_not_from_its_known_half():
    account = account_with(web=strategy(FARGATE=1, gone=1))
    account.answers = {**account.answers, **tasks_answer({"group": "service:web", "launchType": "EC2"})}
    assert entries_of(account)["web"]["present"]["launch_type"] == "EC2"


def test_a_strategy_over_two_launch_types_states_no_present():
    account = account_with(web=strategy(FARGATE=1, asg=1))
    tasks = [{"group": "service:web", "launchType": kind} for kind in ("FARGATE", "EC2", "FARGATE")]
    account.answers = {**account.answers, **tasks_answer(*tasks)}
    files = collect_workload(account, "shop", now=NOW, days=0.25)
    assert "present" not in yaml.safe_load(files["workload.yaml"])["services"][0]
    assert b"it runs on several launch types" in files["workload.yaml"]
    assert b"told from its running tasks: 2 FARGATE, 1 EC2" in files["collect-report.md"]


def instances_answer(*instances: tuple[str, str, str | None], spot: tuple[str, ...] = ()) -> dict[str, Any]:
    """Container instances as (id, type, capacity provider)."""
    described = [
        {
            "ec2InstanceId": instance,
            "status": "ACTIVE",
            "attributes": [{"name": "ecs.instance-type", "value": kind}],
            **({"capacityProviderName": provider} if provider else {}),
        }
        for instance, kind, provider in instances
    ]
    ec2 = [{"InstanceId": i, **({"InstanceLifecycle": "spot"} if i in spot else {})} for i, _, _ in instances]
    return {
        "ListContainerInstances": lambda asked: {"containerInstanceArns": [i for i, _, _ in instances]},
        "DescribeContainerInstances": lambda asked: {"containerInstances": described, "failures": []},
        "DescribeInstances": lambda asked: {"Reservations": [{"Instances": ec2}]},
    }


TWO_OF_ASG = (("i-1", "m7g.large", "asg"), ("i-2", "m7g.large", "asg"))


def present_of_cluster(services: dict[str, Any], *names: str, **answers: Any) -> tuple[Any, str]:
    """The cluster's present as read, and the workload file's words in one line."""
    account = account_with(**services)
    account.answers = {**account.answers, **answers}
    text = collect_workload(account, "shop", now=NOW, days=0.25, services=names)["workload.yaml"].decode()
    return yaml.safe_load(text).get("present"), " ".join(line.strip(" #") for line in text.splitlines())


def test_instances_of_a_cluster_that_was_collected_whole_are_the_present():
    daemon = {"launchType": "EC2", "schedulingStrategy": "DAEMON"}
    present, _ = present_of_cluster({"web": strategy(asg=1), "logs": daemon}, **instances_answer(*TWO_OF_ASG))
    assert present == {"instances": {"m7g.large": 2}, "purchase_option": "on_demand"}


@pytest.mark.parametrize(
    ("services", "names", "answers", "why"),
    [
        ({"web": strategy(asg=1), "api": strategy(asg=1)}, ("web",), {}, "only some services were asked for"),
        (
            {"web": strategy(asg=1), "ml": {**strategy(asg=1), "taskDefinition": None}},
            (),
            {},
            "they run services that are left out, too (ml)",
        ),
        ({"web": strategy(asg=1), "a": strategy(gone=1)}, (), {}, "the present of some services is not stated (a)"),
        ({"web": strategy(asg=1), "a": strategy(managed=1)}, (), {}, "ECS Managed Instances run some services (a)"),
        (
            {"web": strategy(asg=1)},
            (),
            instances_answer(*TWO_OF_ASG, ("i-3", "m7g.large", "gone")),
            "1 container instances do not tell their type or their capacity provider",
        ),
        ({"web": strategy(asg=1)}, (), instances_answer(*TWO_OF_ASG, spot=("i-2",)), "1 x m7g.large of them are Spot"),
    ],
)
def test_instances_that_would_make_a_wrong_present_stay_a_comment_with_the_reason(services, names, answers, why):
    present, words = present_of_cluster(services, *names, **{**instances_answer(*TWO_OF_ASG), **answers})
    assert present is None
    assert why in words
    assert "instances: {m7g.large:" in words


def test_whether_instances_are_spot_is_not_guessed_when_ec2_may_not_be_asked():
    def denied(asked: Any) -> Any:
        raise client_error("UnauthorizedOperation")

    answers = {**instances_answer(*TWO_OF_ASG), "DescribeInstances": denied}
    present, words = present_of_cluster({"web": strategy(asg=1)}, **answers)
    assert present is None
    assert "whether they are Spot or On-Demand could not be read" in words


def test_an_external_instance_is_no_instance_of_ec2():
    present, _ = present_of_cluster({"web": strategy(asg=1)}, **instances_answer(*TWO_OF_ASG, ("mi-1", "none", None)))
    assert present["instances"] == {"m7g.large": 2}


def test_a_deployment_under_way_keeps_the_primarys_size_and_is_said():
    deployments = [
        {"status": "PRIMARY", "taskDefinition": "x/web:7", "runningCount": 1, "rolloutState": "IN_PROGRESS"},
        {"status": "ACTIVE", "taskDefinition": "x/web:6", "runningCount": 3},
        {"status": "INACTIVE", "taskDefinition": "x/web:5", "runningCount": 0},
    ]
    files = collect_workload(account_with(web={"deployments": deployments}), "shop", now=NOW, days=0.25)
    said = b"web: a deployment is under way: beside web:7 there are 3 running tasks of web:6; size"
    assert said in files["workload.yaml"].replace(b"\n  #", b"")
    assert b"there are 3 running tasks of web:6" in files["collect-report.md"]
    assert yaml.safe_load(files["workload.yaml"])["services"][0]["present"]["desired_count"] == 3


def failed_deployment(running: int) -> list[dict[str, Any]]:
    """Of revision 8, which fails; revision 7 still runs, and is primary again where the breaker rolls back."""
    why = "tasks failed to start."
    return [
        {"status": "PRIMARY", "taskDefinition": "x/big:8", "runningCount": running, "rolloutState": "FAILED"}
        | {"rolloutStateReason": f"ECS deployment circuit breaker: {why}"},
        {"status": "ACTIVE", "taskDefinition": "x/web:7", "runningCount": 3, "rolloutState": "COMPLETED"},
    ]


def test_where_a_deployment_failed_before_a_task_ran_the_size_is_that_of_the_revision_that_runs():
    facts = {"taskDefinition": "x/big:8", "deployments": failed_deployment(0)}
    account = account_with(web=facts)
    account.definitions = {"big": {"cpu": "4096", "memory": "8192"}}
    files = collect_workload(account, "shop", now=NOW, days=0.25)
    assert yaml.safe_load(files["workload.yaml"])["services"][0]["task"] == {"cpu": 512, "memory": 1024}
    why = b"failed (ECS deployment circuit breaker: tasks failed to start.)"
    assert b"the deployment of big:8 " + why + b"; size and present are those of web:7" in files["workload.yaml"].replace(
        b"\n  #", b""
    )


def test_a_deployment_that_was_rolled_back_is_said():
    deployments = [
        {"status": "PRIMARY", "taskDefinition": "x/web:7", "runningCount": 3, "rolloutState": "COMPLETED"},
        {"status": "ACTIVE", "taskDefinition": "x/web:8", "runningCount": 0, "rolloutState": "FAILED"},
    ]
    files = collect_workload(account_with(web={"deployments": deployments}), "shop", now=NOW, days=0.25)
    assert b"the deployment of web:8 failed; size and present are those of web:7" in files["collect-report.md"]


def task_set(status: str, scale: float, **own: Any) -> dict[str, Any]:
    return {"id": f"ecs-svc/{status[0]}", "status": status, "scale": {"value": scale, "unit": "PERCENT"}, **own}


def test_of_task_sets_the_primary_is_the_present():
    primary = task_set("PRIMARY", 100, launchType="FARGATE", taskDefinition="arn:aws:ecs:eu-west-1:1:task-definition/green:2")
    other = task_set("ACTIVE", 50, launchType="EC2", taskDefinition="arn:aws:ecs:eu-west-1:1:task-definition/blue:1")
    facts = {
        "launchType": None,
        "taskDefinition": None,
        "deploymentController": {"type": "EXTERNAL"},
        "taskSets": [other, primary],
    }
    account = account_with(web=facts)
    account.definitions = {"green": {"cpu": "1024", "memory": "2048"}}
    files = collect_workload(account, "shop", now=NOW, days=0.25)
    (entry,) = yaml.safe_load(files["workload.yaml"])["services"]
    assert (entry["task"]["cpu"], entry["present"]["launch_type"]) == (1024, "FARGATE")
    assert b"task set ecs-svc/A of blue:1 at 50 %" in files["collect-report.md"]


def test_without_a_primary_task_set_there_is_no_size():
    facts = {"taskDefinition": None, "taskSets": [task_set("ACTIVE", 100, taskDefinition="x/a:1")]}
    with pytest.raises(AwsError, match="none of its task sets is PRIMARY"):
        entries_of(account_with(web={**facts, "deploymentController": {"type": "EXTERNAL"}}))


def group_arn(name: str) -> str:
    return f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/{name}/1"


def requests_of(facts: dict[str, Any], answered: dict[str, tuple[int, ...]]) -> list[str]:
    """The requests column; ``answered`` holds the hours at which a target group has 600 requests a step."""

    def point(service: str, metric: str, at: datetime) -> float | None:
        if metric.startswith("CPUUtilization"):
            return 50.0
        return 600.0 if at.hour in answered.get(service, ()) else None

    account = account_with(web={"launchType": "FARGATE", **facts})
    account.point = point
    groups = [{"TargetGroupArn": group_arn(n), "LoadBalancerArns": ["x:loadbalancer/app/shop/1"]} for n in ("blue", "green")]
    account.answers = {**account.answers, "DescribeTargetGroups": lambda asked: {"TargetGroups": groups}}
    content = collect_workload(account, "shop", now=NOW.replace(hour=3, minute=5), days=2 / 24)["web.csv"]
    rows = content.decode().splitlines()
    column = rows[0].split(",").index("requests")
    return [row.split(",")[column] for row in rows[1:]]


BLUE, GREEN = "targetgroup/blue/1", "targetgroup/green/1"


def test_requests_of_blue_and_green_are_added_up_whichever_side_gets_them():
    balancer = {"targetGroupArn": group_arn("blue"), "advancedConfiguration": {"alternateTargetGroupArn": group_arn("green")}}
    column = requests_of({"loadBalancers": [balancer]}, {BLUE: (1,), GREEN: (2,)})
    assert set(column) == {"600"}


def test_requests_that_code_deploy_may_have_moved_are_unknown_and_not_zero():
    facts = {"loadBalancers": [{"targetGroupArn": group_arn("blue")}], "deploymentController": {"type": "CODE_DEPLOY"}}
    assert set(requests_of(facts, {BLUE: (1,), GREEN: (2,)})) == {"600", ""}
    assert set(requests_of({"loadBalancers": [{"targetGroupArn": group_arn("blue")}]}, {BLUE: (1,)})) == {"600", "0"}


def test_what_fargate_does_not_offer_is_said():
    container = {
        "name": "app",
        "image": "a:1",
        "privileged": True,
        "links": ["db"],
        "linuxParameters": {"devices": [{"hostPath": "/dev/fuse"}], "capabilities": {"add": ["SYS_PTRACE", "NET_ADMIN"]}},
    }
    account = account_with(web={"launchType": "EC2"}, api={"launchType": "FARGATE"})
    account.definitions = {
        "web": {
            "networkMode": "host",
            "pidMode": "host",
            "ipcMode": "task",
            "placementConstraints": [{"type": "memberOf"}],
            "volumes": [
                {"name": "a", "host": {"sourcePath": "/data"}},
                {"name": "b", "dockerVolumeConfiguration": {"scope": "task"}},
            ],
            "containerDefinitions": [container],
        },
        "api": {"networkMode": "awsvpc", "volumes": [{"name": "a", "host": {}}]},
    }
    report = collect_workload(account, "shop", now=NOW, days=0.25)["collect-report.md"].decode()
    assert (
        "`web`: it uses what Fargate does not take: network mode host, ipcMode, placementConstraints, pidMode host, a volume "
        "of the host, a Docker volume, links of container app, privileged of container app, linuxParameters.devices of "
        "container app, added capabilities of container app." in report
    )
    assert "`api`: it uses" not in report


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
        ({"status": "DRAINING"}, {}, "the service is being deleted"),
        (
            {},
            {"containerDefinitions": [{"name": "a", "resourceRequirements": [{"type": "InferenceAccelerator", "value": "e"}]}]},
            "its tasks ask for an inference accelerator",
        ),
        ({"schedulingStrategy": "DAEMON", "status": "DRAINING"}, {}, "the service is being deleted"),
        ({"schedulingStrategy": "DAEMON"}, {"memory": None}, "its task definition reserves no memory"),
        ({"launchType": "EXTERNAL"}, {}, "it runs on external instances"),
        ({"taskDefinition": None}, {}, "ECS names no task definition"),
        ({}, {"cpu": None}, "its task definition reserves no CPU"),
        ({}, {"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_20H2_CORE"}}, "task.os: "),
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
    held = read_workload(tmp_path / "workload.yaml").commitments
    assert [str(each) for each in held] == [
        "Compute Savings Plan of 1.25 USD/h, 1-year no upfront",
        "4 x m6i.large Reserved Instance, 3-year all upfront",
    ]


def test_commitments_that_cover_nothing_here_are_left_out(tmp_path):
    """Plans of another Region, Windows and dedicated instances; what is paid upfront is spread over the term."""
    account = account_with(web={})
    year = 365 * 86_400
    terms = {"termDurationInSeconds": year, "paymentOption": "Partial Upfront", "state": "active", "commitment": "2"}
    family = {"savingsPlanType": "EC2Instance", "ec2InstanceFamily": "m6i", **terms}
    reserved = {"InstanceCount": 4, "Scope": "Region", "Duration": year, "OfferingType": "Partial Upfront"}
    large = {**reserved, "InstanceType": "m6i.large", "ProductDescription": "Linux/UNIX", "InstanceTenancy": "default"}
    account.answers = {
        **account.answers,
        "DescribeSavingsPlans": lambda asked: {
            "savingsPlans": [{**family, "region": "eu-west-1"}, {**family, "region": "ap-south-1"}]
        },
        "DescribeReservedInstances": lambda asked: {
            "ReservedInstances": [
                {**large, "FixedPrice": 262.8, "RecurringCharges": [{"Amount": 0.03, "Frequency": "Hourly"}]},
                {**large, "ProductDescription": "Windows"},
                {**large, "InstanceTenancy": "dedicated"},
            ]
        },
    }
    files = collect_workload(account, "shop", now=NOW, days=0.25, with_commitments=True)
    write_files(tmp_path, files)
    plan, instances = read_workload(tmp_path / "workload.yaml").commitments
    assert (plan.family, plan.usd_per_hour) == ("m6i", 2.0)
    assert (instances.count, instances.usd_per_hour) == (4, 0.06)  # 262.8 / 8,760 h + 0.03


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


def test_a_load_that_begins_late_says_since_when_and_why():
    born = NOW - timedelta(days=2)
    account = account_with(web={"createdAt": born})
    account.point = lambda name, metric, at: 50.0 if metric.startswith("CPUUtilization") and at >= born else None
    report = collect_workload(account, "shop", now=NOW, days=5)["collect-report.md"].decode()
    assert (
        "`web`: nothing was measured before 2026-11-21 09:00 UTC (the service was created at 2026-11-21 09:00 UTC): the load "
        "file begins there." in report
    )


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


def test_gpus_of_tasks_and_the_families_that_run_them_today_stand_in_the_workload(tmp_path):
    account = account_with(infer={"launchType": "EC2"}, web={"launchType": "FARGATE"})
    container = {"name": "a", "image": "a:1", "resourceRequirements": [{"type": "GPU", "value": "1"}]}
    account.definitions = {"infer": {"networkMode": "awsvpc", "containerDefinitions": [container]}}
    attributes = [{"name": "ecs.instance-type", "value": "g4dn.xlarge"}]
    instances = [{"ec2InstanceId": f"i-{n}", "status": "ACTIVE", "attributes": attributes} for n in range(3)]
    account.answers = {
        **account.answers,
        "ListContainerInstances": lambda asked: {"containerInstanceArns": ["a", "b", "c"]},
        "DescribeContainerInstances": lambda asked: {"containerInstances": instances, "failures": []},
        "DescribeInstances": lambda asked: {"Reservations": []},
    }
    files = collect_workload(account, "shop", now=NOW, days=0.25)
    write_files(tmp_path, files)
    read = read_workload(tmp_path / "workload.yaml")
    infer = read.services[[service.name for service in read.services].index("infer")]
    assert (infer.task.gpus, infer.why_off(LaunchType.FARGATE) is None) == (1, False)
    assert read.constraints.instance_types == ("*", "g4dn.*")
