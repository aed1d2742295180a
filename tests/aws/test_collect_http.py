"""The whole way over HTTP: a cluster built in a moto server, read with boto3, written, and read back."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import numpy as np
import pytest
import yaml
from botocore.config import Config

from advisor.ecs import Architecture, LaunchType
from advisor.files import write_files
from advisor.sources import read_workload
from advisor.sources.aws import SavedAnswers, collect_workload
from advisor.sources.aws.errors import AccessDeniedError, AwsError, CredentialsError, LostDataError, ThrottledError
from tests.aws.conftest import CREDENTIALS
from tests.aws.proxy import FaultProxy

HIDDEN = "hunter2-never-to-be-written"
FIRST = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)
"""First point: far enough back, and on a whole hour, so that no step is cut off."""
N_STEPS = 12
DAYS = 15
"""The shortest window that is read in steps of 300 s: moto looks through all points for every step."""


@pytest.fixture(scope="module")
def built_shop(shared_session: boto3.Session, running_proxy: FaultProxy, moto_url: str) -> None:
    """web on Fargate with Container Insights and a load balancer, worker on EC2, batch without a task.

    moto keeps one state for all servers of a process: what other tests left there is cleared first.
    """
    running_proxy.reset_backend()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": moto_url}.items():
            patch.setenv(name, value)
        _build(shared_session)


@pytest.fixture
def shop(built_shop: None, session: boto3.Session) -> boto3.Session:
    return session


def _build(session: boto3.Session) -> None:
    ecs = session.client("ecs")
    ecs.create_cluster(clusterName="shop", settings=[{"name": "containerInsights", "value": "enabled"}])
    _register(
        ecs, "web", cpu="512", memory="1024", runtimePlatform={"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}
    )
    _register(ecs, "worker", container={"cpu": 256, "memoryReservation": 300, "memory": 512})
    _register(ecs, "batch", cpu="256", memory="512")
    group = _target_group(session)
    balancers = [{"targetGroupArn": group, "containerName": "app", "containerPort": 8080}]
    ecs.create_service(
        cluster="shop", serviceName="web", taskDefinition="web", desiredCount=4, launchType="FARGATE", loadBalancers=balancers
    )
    ecs.create_service(cluster="shop", serviceName="worker", taskDefinition="worker", desiredCount=2, launchType="EC2")
    ecs.create_service(cluster="shop", serviceName="batch", taskDefinition="batch", desiredCount=0, launchType="FARGATE")
    _scaling(session)
    _metrics(session, group)


def _register(ecs: Any, family: str, *, container: dict[str, Any] | None = None, **task: Any) -> None:
    secret = {"environment": [{"name": "DB_PASSWORD", "value": HIDDEN}], "command": ["run", HIDDEN]}
    ecs.register_task_definition(
        family=family,
        networkMode="awsvpc",
        containerDefinitions=[{"name": "app", "image": f"{family}:1.0", **secret, **(container or {})}],
        **task,
    )


def _target_group(session: boto3.Session) -> str:
    ec2, elb = session.client("ec2"), session.client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"eu-west-1{z}")["Subnet"]["SubnetId"]
        for i, z in enumerate("ab")
    ]
    balancer = elb.create_load_balancer(Name="shop", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    group = elb.create_target_group(Name="web", Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip")["TargetGroups"][0]
    arn = str(group["TargetGroupArn"])
    elb.create_listener(
        LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}]
    )
    return arn


def _scaling(session: boto3.Session) -> None:
    scaling = session.client("application-autoscaling")
    web = {"ServiceNamespace": "ecs", "ResourceId": "service/shop/web", "ScalableDimension": "ecs:service:DesiredCount"}
    scaling.register_scalable_target(**web, MinCapacity=2, MaxCapacity=20)
    tracking = {
        "TargetValue": 55.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        "ScaleInCooldown": 300,
    }
    scaling.put_scaling_policy(
        **web, PolicyName="cpu", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=tracking
    )
    action = {"MinCapacity": 6, "MaxCapacity": 20}
    scaling.put_scheduled_action(
        **web, ScheduledActionName="morning", Schedule="cron(0 7 * * ? *)", ScalableTargetAction=action
    )


def _metrics(session: boto3.Session, group: str) -> None:
    web = {"ClusterName": "shop", "ServiceName": "web"}
    worker = {"ClusterName": "shop", "ServiceName": "worker"}
    balancer = session.client("elbv2").describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    alb = {"LoadBalancer": balancer.rpartition(":loadbalancer/")[2], "TargetGroup": group.rpartition(":")[2]}
    _put(session, "AWS/ECS", "CPUUtilization", web, [20 + i % 40 for i in range(N_STEPS)])
    _put(
        session, "AWS/ECS", "CPUUtilization", web, [30 + i % 40 for i in range(N_STEPS)]
    )  # a second task: maximum, not average
    _put(session, "AWS/ECS", "MemoryUtilization", web, [50.5] * N_STEPS)
    _put(session, "ECS/ContainerInsights", "RunningTaskCount", web, [3 + i % 2 for i in range(N_STEPS)])
    _put(session, "AWS/ApplicationELB", "RequestCount", alb, [0 if i % 10 == 0 else 600 for i in range(N_STEPS)], leave_out=0)
    _put(session, "AWS/ECS", "CPUUtilization", worker, [75.25] * N_STEPS)
    _put(session, "AWS/ECS", "MemoryUtilization", worker, [33.0] * N_STEPS)


def _put(
    session: boto3.Session,
    namespace: str,
    metric: str,
    of: dict[str, str],
    values: list[float],
    *,
    leave_out: float | None = None,
) -> None:
    client = session.client("cloudwatch")
    dimensions = [{"Name": name, "Value": value} for name, value in of.items()]
    data = [
        {"MetricName": metric, "Dimensions": dimensions, "Timestamp": FIRST + timedelta(minutes=5 * i), "Value": float(value)}
        for i, value in enumerate(values)
        if value != leave_out
    ]
    for start in range(0, len(data), 150):
        client.put_metric_data(Namespace=namespace, MetricData=data[start : start + 150])


def _rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_a_cluster_becomes_a_folder_that_recommend_reads(shop, tmp_path):
    files = collect_workload(shop, "shop", now=datetime.now(UTC), days=DAYS)
    write_files(tmp_path / "shop", files)
    workload = read_workload(tmp_path / "shop" / "workload.yaml")

    assert sorted(files) == ["collect-report.md", "web.csv", "worker.csv", "workload.yaml"]
    assert (workload.cluster, workload.region, workload.step_s) == ("shop", "eu-west-1", 300)
    web, worker = (workload.services[workload.index(name)] for name in ("web", "worker"))
    assert (web.task.cpu_units, web.task.memory_mib, web.port, web.architectures) == (512, 1024, 8080, (Architecture.ARM64,))
    assert (web.scaling.min_tasks, web.scaling.max_tasks, web.scaling.target_cpu_fraction) == (2, 20, 0.55)
    assert web.present is not None
    assert (web.present.launch_type, web.present.desired_count) == (LaunchType.FARGATE, 4)
    assert (worker.task.cpu_units, worker.task.memory_mib) == (256, 300)  # of the container: its soft limit is what it reserves
    assert worker.present is not None
    assert worker.present.launch_type is LaunchType.EC2
    row = workload.demand[workload.index("web")]
    # by hand: step 0 has values 20 and 30, so 25 % of 512 units on 3 tasks
    assert row[~np.isnan(row)][0] == pytest.approx(0.25 * 512 * 3)
    # today's 2 tasks stand in: 75.25 % of 256 units
    assert np.nanmax(workload.demand[workload.index("worker")]) == pytest.approx(0.7525 * 256 * 2)


def test_the_load_file_holds_what_cloudwatch_was_given(shop):
    rows = _rows(collect_workload(shop, "shop", now=datetime.now(UTC), days=DAYS)["web.csv"])
    assert len(rows) == N_STEPS
    assert [row["time"] for row in rows[:2]] == [
        f"{FIRST:%Y-%m-%dT%H:%M:%SZ}",
        f"{FIRST + timedelta(minutes=5):%Y-%m-%dT%H:%M:%SZ}",
    ]
    assert [row["tasks"] for row in rows[:3]] == ["3", "4", "3"]
    assert [row["cpu_percent_average"] for row in rows[:2]] == ["25", "26"]
    assert [row["cpu_percent_maximum"] for row in rows[:2]] == ["30", "31"]
    assert {row["memory_percent_maximum"] for row in rows} == {"50.5"}
    # ten minutes without a request: a load balancer reports none, and none is zero
    assert [row["requests"] for row in rows[9:12]] == ["600", "0", "600"]


@pytest.mark.parametrize(("days", "step_s"), [(2, 60), (42, 300), (70, 3600)])
def test_the_step_is_the_finest_that_cloudwatch_keeps_for_the_whole_window(shop, days, step_s):
    files = collect_workload(shop, "shop", now=datetime.now(UTC), services=["worker"], days=days)
    assert f"steps of {step_s} s" in files["workload.yaml"].decode()
    assert "75.25" in files["worker.csv"].decode()


def test_values_of_environment_variables_and_commands_are_nowhere(shop, tmp_path):
    saved = SavedAnswers(tmp_path / "saved")
    files = collect_workload(shop, "shop", now=datetime.now(UTC), days=DAYS, saved=saved)
    kept = [path.read_bytes() for path in (tmp_path / "saved").iterdir()]
    assert kept
    assert not [name for name, content in files.items() if HIDDEN.encode() in content]
    assert not [content for content in kept if HIDDEN.encode() in content]
    assert b"DB_PASSWORD" in files["collect-report.md"]


def test_a_service_without_a_task_is_left_out_and_its_reason_said(shop):
    files = collect_workload(shop, "shop", now=datetime.now(UTC), days=DAYS)
    entries = yaml.safe_load(files["workload.yaml"])["services"]
    assert [entry["name"] for entry in entries] == ["web", "worker"]
    assert b"# batch is left out: no task runs" in files["workload.yaml"]
    assert b"- `batch`: no task runs, and CloudWatch gets no data points while none does." in files["collect-report.md"]


def test_a_service_without_metrics_is_stated_as_a_constant(shop, tmp_path):
    ecs = shop.client("ecs")
    ecs.create_cluster(clusterName="silent")
    ecs.create_service(cluster="silent", serviceName="batch", taskDefinition="batch", desiredCount=3, launchType="FARGATE")
    files = collect_workload(shop, "silent", now=datetime.now(UTC), days=DAYS)
    assert sorted(files) == ["collect-report.md", "workload.yaml"]
    assert b"Its 3 tasks of today are in `workload.yaml` as a constant load." in files["collect-report.md"]
    write_files(tmp_path, files)
    workload = read_workload(tmp_path / "workload.yaml")
    batch = workload.services[workload.index("batch")]
    assert batch.is_stated
    assert set(workload.demand[workload.index("batch")]) == {3.0}


def test_policies_and_schedules_are_told(shop):
    text = collect_workload(shop, "shop", now=datetime.now(UTC), days=DAYS)["collect-report.md"].decode()
    assert "target tracking of ECSServiceAverageCPUUtilization at 55 (cooldown in 300 s)" in text
    assert "scheduled: morning: cron(0 7 * * ? *) UTC: min 6, max 20" in text


def test_named_services_only(shop):
    files = collect_workload(shop, "shop", services=["worker"], now=datetime.now(UTC), days=DAYS)
    assert sorted(files) == ["collect-report.md", "worker.csv", "workload.yaml"]


def test_an_unknown_cluster_names_those_that_are_near(shop):
    with pytest.raises(AwsError, match=r"no cluster 'shopp' in eu-west-1 \(clusters there: shop"):
        collect_workload(shop, "shopp", now=datetime.now(UTC), days=DAYS)


def test_an_unknown_service_names_those_that_are_near(shop):
    with pytest.raises(AwsError, match=r"has no service 'wep' \(services there: web"):
        collect_workload(shop, "shop", services=["wep", "worker"], now=datetime.now(UTC), days=DAYS)


def test_a_cluster_without_services_is_said(session):
    session.client("ecs").create_cluster(clusterName="empty")
    with pytest.raises(AwsError, match="cluster empty in eu-west-1 has no services"):
        collect_workload(session, "empty", now=datetime.now(UTC), days=DAYS)


OPTIONAL = {
    "application-autoscaling:DescribeScalableTargets": "bounds of service auto scaling",
    "application-autoscaling:DescribeScalingPolicies": "scaling policies",
    "application-autoscaling:DescribeScheduledActions": "scheduled scaling",
    "ecs:ListContainerInstances": "container instances",
    "ecs:ListTasks": "running tasks",
    "elasticloadbalancing:DescribeTargetGroups": "requests counted by load balancers",
}


@pytest.mark.parametrize(("action", "purpose"), OPTIONAL.items())
def test_a_part_that_may_not_be_read_is_skipped_and_listed(shop, proxy: FaultProxy, tmp_path, action, purpose):
    proxy.refuse(
        action, "AccessDeniedException" if ":List" in action or "application" in action else "AccessDenied", status=400
    )
    files = collect_workload(shop, "shop", now=datetime.now(UTC), days=DAYS)
    report = files["collect-report.md"].decode()
    assert purpose in report
    assert f"access denied for `{action}`" in report
    assert "--print-iam-policy" in report
    write_files(tmp_path, files)
    assert len(read_workload(tmp_path / "workload.yaml").services) == 2


@pytest.mark.parametrize(
    "action",
    [
        "ecs:DescribeClusters",
        "ecs:ListServices",
        "ecs:DescribeServices",
        "ecs:DescribeTaskDefinition",
        "cloudwatch:GetMetricData",
    ],
)
def test_without_what_it_cannot_do_without_it_ends(shop, proxy: FaultProxy, action):
    proxy.refuse(action, "AccessDeniedException", "User: arn:aws:iam::1:user/me is not authorized")
    with pytest.raises(AccessDeniedError, match=rf"AWS does not allow {action} .*--print-iam-policy"):
        collect_workload(shop, "shop", now=datetime.now(UTC), days=DAYS)


def test_throttling_is_waited_out(shop, proxy: FaultProxy):
    proxy.refuse("cloudwatch:GetMetricData", "ThrottlingException", times=2)
    proxy.refuse("ecs:DescribeServices", "ThrottlingException", times=1)
    files = collect_workload(shop, "shop", now=datetime.now(UTC), days=DAYS)
    assert "web.csv" in files
    assert proxy.asked.count("cloudwatch:GetMetricData") == 3


def test_throttling_without_end_is_one_message(shop, proxy: FaultProxy):
    proxy.refuse("ecs:DescribeClusters", "ThrottlingException", "Rate exceeded")
    quick = boto3.client("ecs", region_name="eu-west-1", config=Config(retries={"total_max_attempts": 2, "mode": "standard"}))
    with pytest.raises(ThrottledError, match="kept throttling ecs:DescribeClusters"):
        collect_workload({"ecs": quick}, "shop", now=datetime.now(UTC), days=DAYS)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ExpiredTokenException", "the AWS credentials have expired .*Sign in again"),
        ("UnrecognizedClientException", "does not accept the credentials in eu-west-1 .*opt-in Region"),
        ("InvalidSignatureException", "rejects the signature"),
    ],
)
def test_credentials_that_are_refused(shop, proxy: FaultProxy, code, message):
    proxy.refuse("ecs:DescribeClusters", code, "The security token included in the request is expired or invalid")
    with pytest.raises(CredentialsError, match=message):
        collect_workload(shop, "shop", now=datetime.now(UTC), days=DAYS)


def test_credentials_that_expire_half_way_are_not_a_skipped_part(shop, proxy: FaultProxy):
    proxy.refuse("application-autoscaling:DescribeScalableTargets", "ExpiredTokenException", "expired")
    with pytest.raises(CredentialsError, match="have expired"):
        collect_workload(shop, "shop", now=datetime.now(UTC), days=DAYS)


def test_missing_credentials(shop, proxy: FaultProxy, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    with pytest.raises(CredentialsError, match=r"no complete AWS credentials were found .*--profile"):
        collect_workload(boto3.Session(region_name="eu-west-1"), "shop", now=datetime.now(UTC), days=DAYS)


@pytest.mark.parametrize(
    ("action", "body", "what"),
    [
        ("ecs:DescribeClusters", b"{}", "list 'clusters'"),
        ("ecs:ListServices", b"{}", "list 'serviceArns'"),
        ("ecs:DescribeServices", b"{}", "list 'services'"),
        ("ecs:DescribeServices", b'{"services": [], "failures": []}', "word on 3 of the 3 services"),
        ("ecs:DescribeTaskDefinition", b"{}", "task definition"),
        ("ecs:ListTasks", b"{}", "list 'taskArns'"),
        ("ecs:ListContainerInstances", b"<html>proxy error</html>", "list 'containerInstanceArns'"),
        ("application-autoscaling:DescribeScalableTargets", b"{}", "list 'ScalableTargets'"),
        ("application-autoscaling:DescribeScalingPolicies", b'{"ScalingPolicies": null}', "list 'ScalingPolicies'"),
        ("elasticloadbalancing:DescribeTargetGroups", b"<html>", "cannot be read"),
        ("cloudwatch:GetMetricData", b"{}", "list 'MetricDataResults'"),
    ],
)
def test_an_answer_without_its_list_is_lost_data(shop, proxy: FaultProxy, action, body, what):
    proxy.say(action, body)
    with pytest.raises(LostDataError, match=what):
        collect_workload(shop, "shop", now=datetime.now(UTC), days=DAYS)


def test_an_interrupted_collection_goes_on_where_it_stopped(shop, proxy: FaultProxy, tmp_path):
    now = datetime.now(UTC)
    saved = SavedAnswers.beside(tmp_path / "shop")
    whole = collect_workload(shop, "shop", now=now, days=DAYS)
    assert proxy.asked.count("cloudwatch:GetMetricData") == 1

    def stop_after_the_metrics(what: str, share: float) -> None:
        if (what, share) == ("CloudWatch", 1.0):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collect_workload(shop, "shop", now=now, days=DAYS, saved=saved, on_share=stop_after_the_metrics)
    proxy.asked.clear()
    again = collect_workload(shop, "shop", now=now + timedelta(minutes=30), days=DAYS, saved=saved)
    assert proxy.asked.count("cloudwatch:GetMetricData") == 0
    assert again == whole
    saved.remove()
    assert list(tmp_path.iterdir()) == []


def test_progress_says_what_is_read(shop):
    said: list[str] = []
    collect_workload(shop, "shop", now=datetime.now(UTC), days=DAYS, on_progress=said.append)
    assert said[0] == "cluster shop: 3 services"
    assert any("metrics" in text and "steps of 300 s" in text for text in said)


def test_the_same_account_gives_the_same_bytes(shop):
    now = datetime.now(UTC)
    assert collect_workload(shop, "shop", now=now, days=DAYS) == collect_workload(shop, "shop", now=now, days=DAYS)
