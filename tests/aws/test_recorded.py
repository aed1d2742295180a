"""Answers that AWS really gave, recorded by others, through botocore's Stubber. They lie beside the repository."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from advisor.sources.aws.cloudwatch import MetricQuery, MetricReader, Window
from advisor.sources.aws.ecs import (
    fetch_cluster,
    fetch_container_instances,
    fetch_providers,
    fetch_services,
    fetch_task_definition,
    fetch_tasks,
)
from advisor.sources.aws.ecs_facts import Cluster, ProviderKind, StrategyItem
from advisor.sources.aws.instances import fetch_instances
from advisor.sources.aws.present import present_of, startup_s
from advisor.sources.aws.scaling import SetCount, fetch_scaling, fetch_set_counts
from advisor.sources.aws.session import Aws
from advisor.sources.aws.workload_yaml import refusal_of

RECORDED = Path(__file__).parents[3] / "shared" / "workloads"
pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not beside this repository")

REAL = "ecs_api_cli_form"
EXAMPLES = "aws_cli_examples"
CLUSTER = Cluster(name="c", arn="arn:aws:ecs:us-east-1:1:cluster/c", insights=None, providers=(), default_strategy=())


def recorded(folder: str, name: str) -> Any:
    return _with_times(json.loads((RECORDED / folder / f"{name}.json").read_text()))


def _with_times(value: Any, key: str = "") -> Any:
    """Times as botocore gives them."""
    if isinstance(value, dict):
        return {k: _with_times(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [_with_times(v, key) for v in value]
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value):
        return datetime.fromisoformat(value)
    if isinstance(value, float) and re.search(r"(At|Time)$", key):
        return datetime.fromtimestamp(value, UTC)
    return value


@contextmanager
def answering(service: str, *answers: tuple[str, Any]) -> Iterator[Aws]:
    """An account that gives these answers, in this order, and must be asked for all of them."""
    client = boto3.client(service, region_name="us-east-1")
    with Stubber(client) as stubber:
        for operation, answer in answers:
            stubber.add_response(operation, {**answer, "ResponseMetadata": {"HTTPStatusCode": 200}})
        yield Aws({service: client})
        stubber.assert_no_pending_responses()


def services_of(folder: str, name: str) -> Any:
    answer = recorded(folder, name)
    with answering("ecs", ("describe_services", answer)) as aws:
        return fetch_services(aws, CLUSTER, [s["serviceName"] for s in answer["services"]])


def test_a_service_with_a_strategy_has_no_launch_type():
    (redash,) = services_of(REAL, "test_ecs_service_update_definition__ecs.DescribeServices_1")
    assert redash.launch_type is None
    assert redash.strategy == (StrategyItem(provider="FARGATE", base=0, weight=100),)
    assert (redash.desired_count, redash.port) == (1, 5000)
    assert redash.target_groups == (
        "arn:aws:elasticloadbalancing:us-east-2:644160558196:targetgroup/dev-redash/608e176bc37cd1d3",
    )
    assert redash.deployed_at == datetime(2024, 1, 26, 15, 17, 13, 482000, tzinfo=UTC)
    with answering("ecs") as aws:
        providers = fetch_providers(aws, [])
    from advisor.sources.aws.ecs_facts import FARGATE_PROVIDERS

    assert present_of(redash, CLUSTER, {**providers, **FARGATE_PROVIDERS}, [], []).launch_type == "FARGATE"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "test_ecs_service_autoscaling_onhours__ecs.DescribeServices_1",
            {"custodian-service-autoscaling-test": ("EC2", 0, False)},
        ),
        (
            "test_ecs_service_subnet__ecs.DescribeServices_1",
            {"c7n-test": ("EC2", 1, False), "test-no-tag": ("FARGATE", 0, False)},
        ),
        ("test_ecs_service_tag_augment__ecs.DescribeServices_1", {"devx": ("FARGATE", 1, True)}),
    ],
)
def test_launch_type_count_and_public_address_of_recorded_services(name, expected):
    found = {s.name: s for s in services_of(REAL, name)}
    assert {n: (s.launch_type, s.desired_count, s.has_public_ip) for n, s in found.items()} == expected
    for service in found.values():
        assert present_of(service, CLUSTER, {}, [], []).launch_type == service.launch_type


def test_a_service_of_2016_with_a_short_arn_says_no_launch_type():
    (service,) = services_of(EXAMPLES, "ecs__describe-services_1")
    assert (service.launch_type, service.strategy, service.desired_count) == (None, (), 10)
    assert present_of(service, CLUSTER, {}, [], []).launch_type is None


def test_sizes_of_recorded_task_definitions():
    expected = {
        (REAL, "test_ecs_task_def__ecs.DescribeTaskDefinition_1"): (256, 512, False),
        (REAL, "test_ecs_task_def__ecs.DescribeTaskDefinition_2"): (512, 1024, False),
        (REAL, "test_ecs_service_update_definition__ecs.DescribeTaskDefinition_1"): (1024, 2048, False),
        (EXAMPLES, "ecs__describe-task-definition_1"): (20, 1000, True),  # two containers of 10 units and 500 MiB
    }
    for (folder, name), size in expected.items():
        with answering("ecs", ("describe_task_definition", recorded(folder, name))) as aws:
            found = fetch_task_definition(aws, "any")
        assert (found.cpu_units, found.memory_mib, found.is_sized_by_containers) == size
        entry = {"name": "a", "task": {"cpu": found.cpu_units, "memory": found.memory_mib}, "load": {"tasks": 1}}
        assert refusal_of(entry) is None


def test_of_environment_variables_only_the_names_are_kept():
    answer = recorded(REAL, "test_ecs_service_update_definition__ecs.DescribeTaskDefinition_1")
    with answering("ecs", ("describe_task_definition", answer)) as aws:
        found = fetch_task_definition(aws, "any")
    (container,) = found.containers
    variables = answer["taskDefinition"]["containerDefinitions"][0]["environment"]
    assert container.environment_names == tuple(v["name"] for v in variables)
    assert container.secret_names == ("REDASH_COOKIE_SECRET", "REDASH_SECRET_KEY")
    assert "localhost" in [v["value"] for v in variables]
    assert "localhost" not in repr(found)


def test_recorded_container_instances():
    listed = ("list_container_instances", {"containerInstanceArns": ["a", "b"]})
    answer = recorded(REAL, "test_ecs_container_instance_subnet__ecs.DescribeContainerInstances_1")
    with answering("ecs", listed, ("describe_container_instances", answer)) as aws:
        found = fetch_container_instances(aws, CLUSTER)
    assert [(i.instance_id, i.instance_type, i.architecture) for i in found] == [
        ("i-0e4f5b592f9181b24", "t2.micro", "x86_64"),
        ("i-03a799cab1c1a3dff", None, None),
    ]


def test_an_instance_that_does_not_tell_its_type_is_counted_as_unknown():
    answer = recorded(REAL, "test_ecs_container_instance_subnet__ecs.DescribeContainerInstances_1")
    ecs, ec2 = (boto3.client(name, region_name="us-east-1") for name in ("ecs", "ec2"))
    with Stubber(ecs) as ecs_stub, Stubber(ec2) as ec2_stub:
        ecs_stub.add_response("list_container_instances", {"containerInstanceArns": ["a", "b"]})
        ecs_stub.add_response("describe_container_instances", answer)
        spot = {"InstanceId": "i-0e4f5b592f9181b24", "InstanceLifecycle": "spot", "InstanceType": "t2.micro"}
        ec2_stub.add_response("describe_instances", {"Reservations": [{"Instances": [spot]}]})
        found = fetch_instances(Aws({"ecs": ecs, "ec2": ec2}), CLUSTER, {})
    assert (found.spot, found.on_demand, found.n_unknown) == ({"t2.micro": 1}, {}, 1)
    assert found.architectures == {"X86_64"}


def test_start_up_times_of_recorded_tasks():
    listed = ("list_tasks", {"taskArns": ["a", "b", "c", "d"]})
    with answering("ecs", listed, ("describe_tasks", recorded(REAL, "test_ecs_task__ecs.DescribeTasks_1"))) as aws:
        found = fetch_tasks(aws, CLUSTER)
    home = [task for task in found if task.group == "service:home-web"]
    assert [task.startup_s for task in home] == [82.0, 32.0]  # 06:11:53.757 to 06:13:15.757, 06:11:51.812 to 06:12:23.812
    assert startup_s(home) == (57.0, 2)
    assert {task.launch_type for task in found} == {"FARGATE"}


def test_tasks_on_fargate_spot_that_were_never_pulled():
    listed = ("list_tasks", {"taskArns": ["a", "b"]})
    with answering("ecs", listed, ("describe_tasks", recorded(REAL, "test_ecs_task_subnet__ecs.DescribeTasks_1"))) as aws:
        found = fetch_tasks(aws, CLUSTER)
    assert {(task.launch_type, task.provider, task.startup_s) for task in found} == {("FARGATE", "FARGATE_SPOT", None)}
    assert startup_s(found) is None


@pytest.mark.parametrize(
    ("name", "insights", "providers"),
    [
        ("test_ecs_container_insights_enabled__ecs.DescribeClusters_1", "enabled", ("FARGATE", "FARGATE_SPOT")),
        ("test_ecs_cluster_exec_cw_logging__ecs.DescribeClusters_1", "enabled", ()),
    ],
)
def test_recorded_clusters(name, insights, providers):
    answer = recorded(REAL, name)
    with answering("ecs", ("describe_clusters", {**answer, "clusters": answer["clusters"][:1]})) as aws:
        found = fetch_cluster(aws, "any")
    assert (found.insights, found.providers, found.default_strategy) == (insights, providers, ())


def test_capacity_providers_of_the_examples():
    answer = recorded(EXAMPLES, "ecs__describe-capacity-providers_1")
    with answering("ecs", ("describe_capacity_providers", answer)) as aws:
        found = fetch_providers(aws, ["MyCapacityProvider"])
    own = found["MyCapacityProvider"]
    assert (own.kind, own.group, own.target_capacity) == (ProviderKind.AUTO_SCALING_GROUP, "MyAutoScalingGroup", 100)
    assert found["FARGATE_SPOT"].is_spot


def test_bounds_and_step_policies_of_the_examples():
    answers = [
        ("describe_scalable_targets", recorded(EXAMPLES, "application-autoscaling__describe-scalable-targets_1")),
        ("describe_scaling_policies", recorded(EXAMPLES, "application-autoscaling__describe-scaling-policies_1")),
        ("describe_scheduled_actions", {"ScheduledActions": []}),
    ]
    alarms = ("describe_alarms", {"MetricAlarms": []})
    why = " (no alarm that could be read starts it)"
    with answering("application-autoscaling", *answers) as aws, answering("cloudwatch", alarms) as of_alarms:
        found = fetch_scaling(Aws({**aws.source, **of_alarms.source}), "default", ["web-app"])
    assert (found.targets["web-app"].min_tasks, found.targets["web-app"].max_tasks) == (1, 10)
    assert [(p.name, p.description, p.target_cpu_percent) for p in found.policies["web-app"]] == [
        ("web-app-cpu-gt-75", "step scaling, PercentChangeInCapacity +200 from 0, cooldown 60 s" + why, None),
        ("web-app-cpu-lt-25", "step scaling, PercentChangeInCapacity -50 to 0, cooldown 1 s" + why, None),
    ]


def test_the_count_that_a_recorded_activity_set():
    answer = recorded(EXAMPLES, "application-autoscaling__describe-scaling-activities_1")
    with answering("application-autoscaling", ("describe_scaling_activities", answer)) as aws:
        found = fetch_set_counts(aws, "default", "web-app", datetime(2016, 1, 1, tzinfo=UTC))
    assert found == [SetCount(at=datetime.fromtimestamp(1462575872.111, UTC), tasks=1)]


@pytest.mark.parametrize(
    ("folder", "name", "at", "value"),
    [
        (
            REAL,
            "bedrock_inference_profile_token_metrics__monitoring.GetMetricData_1",
            datetime(2026, 7, 21, 14, 13, tzinfo=UTC),
            15.0,
        ),
        (EXAMPLES, "cloudwatch__get-metric-data_4", datetime(2024, 9, 29, 22, 10, tzinfo=UTC), 96.85),
    ],
)
def test_recorded_metric_data(folder, name, at, value):
    answer = recorded(folder, name)
    answer["MetricDataResults"][0]["Id"] = "q0"
    start = at.replace(minute=0)
    query = MetricQuery(service="a", name="x", namespace="n", metric="m", statistic="Sum", dimensions=())
    with answering("cloudwatch", ("get_metric_data", answer)) as aws:
        (series,) = MetricReader(aws, Window(start=start, end=start.replace(hour=23), period_s=60)).read([query])
    assert series.values[at.minute] == value
    assert (series.values == series.values).sum() == 1  # NaN everywhere else
    assert series.problem is None


def from_placebo(value: Any) -> Any:
    """A recording of placebo: times are objects that name their class."""
    if isinstance(value, dict) and value.get("__class__") == "datetime":
        parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
        return datetime(*(value.get(part, 0) for part in parts), tzinfo=UTC)  # type: ignore[arg-type]
    if isinstance(value, dict):
        return {k: from_placebo(v) for k, v in value.items()}
    return [from_placebo(v) for v in value] if isinstance(value, list) else value


PLACEBO = sorted(path.stem for path in (RECORDED / "ecs_api_placebo").glob("*__ecs.Describe*.json"))


@pytest.mark.parametrize("name", PLACEBO)
def test_a_recording_and_what_the_cli_prints_of_it_are_read_alike(name):
    found = []
    recording = from_placebo(json.loads((RECORDED / "ecs_api_placebo" / f"{name}.json").read_text())["data"])
    operation = name.partition("ecs.")[2].rpartition("_")[0]
    for answer in (recording, recorded(REAL, name)):
        answer.pop("ResponseMetadata", None)
        if operation == "DescribeServices":
            with answering("ecs", ("describe_services", answer)) as aws:
                found.append(fetch_services(aws, CLUSTER, [s["serviceName"] for s in answer["services"]]))
        elif operation == "DescribeTaskDefinition":
            with answering("ecs", ("describe_task_definition", answer)) as aws:
                found.append(fetch_task_definition(aws, "any"))
        elif operation == "DescribeClusters":
            with answering("ecs", ("describe_clusters", answer)) as aws:
                found.append(fetch_cluster(aws, "any"))
        elif operation == "DescribeContainerInstances":
            arns = {"containerInstanceArns": [f"a{i}" for i in range(len(answer["containerInstances"]))]}
            with answering("ecs", ("list_container_instances", arns), ("describe_container_instances", answer)) as aws:
                found.append(fetch_container_instances(aws, CLUSTER))
        else:
            arns = {"taskArns": [f"a{i}" for i in range(len(answer["tasks"]))]}
            with answering("ecs", ("list_tasks", arns), ("describe_tasks", answer)) as aws:
                found.append(fetch_tasks(aws, CLUSTER))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("name", "launch_type", "is_traffic_moved"),
    [
        ("ecs__create-service_1", "FARGATE", False),
        ("ecs__create-service_3", "EC2", True),  # by the controller EXTERNAL
        ("ecs__describe-services_1", None, False),  # of 2016: neither launch type nor strategy
    ],
)
def test_services_of_the_examples(name, launch_type, is_traffic_moved):
    answer = recorded(EXAMPLES, name)
    services = answer.get("services") or [answer["service"]]
    with answering("ecs", ("describe_services", {"services": services, "failures": []})) as aws:
        (found,) = fetch_services(aws, CLUSTER, [s["serviceName"] for s in services])
    assert (found.launch_type, found.is_traffic_moved, found.rollout) == (launch_type, is_traffic_moved, None)


@pytest.mark.parametrize(
    ("status", "value", "size", "rollout"),
    [
        ("ACTIVE", 0.0, None, None),  # as recorded: no tasks, and no primary yet
        ("PRIMARY", 100.0, "sample-fargate:2", None),
        ("ACTIVE", 50.0, None, "a deployment is under way: beside no primary there are task set ecs-svc/1234567890123456789 of "
         "sample-fargate:2 at 50 %; size and present are those of the primary"),
    ],
)  # fmt: skip
def test_a_task_set_of_the_examples(status, value, size, rollout):
    service = recorded(EXAMPLES, "ecs__create-service_3")["service"]
    (one,) = recorded(EXAMPLES, "ecs__describe-task-sets_1")["taskSets"]
    sets = [{**one, "status": status, "scale": {"value": value, "unit": "PERCENT"}}]
    with answering("ecs", ("describe_services", {"services": [{**service, "taskSets": sets}], "failures": []})) as aws:
        (found,) = fetch_services(aws, CLUSTER, [service["serviceName"]])
    assert (found.task_definition or "/").rpartition("/")[2] == (size or "")
    assert found.rollout == rollout
