"""Every question to AWS fails in every way: one message, or a listed skip, and never half an answer."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError

from advisor.sources.aws import Pace, collect_workload
from advisor.sources.aws.errors import AwsError
from advisor.sources.aws.session import ATTEMPTS, client_config
from tests.aws.conftest import CREDENTIALS
from tests.aws.fake_account import OPERATIONS
from tests.aws.proxy import FaultProxy

NOW = datetime.now(UTC).replace(minute=30, second=0, microsecond=0)
CANNOT_DO_WITHOUT = (
    "ecs:DescribeClusters",
    "ecs:ListServices",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "cloudwatch:GetMetricData",
)
CAN_DO_WITHOUT = (
    "ecs:DescribeCapacityProviders",
    "ecs:ListContainerInstances",
    "ecs:DescribeContainerInstances",
    "ecs:ListTasks",
    "ecs:DescribeTasks",
    "ec2:DescribeInstances",
    "ec2:DescribeReservedInstances",
    "savingsplans:DescribeSavingsPlans",
    "autoscaling:DescribeAutoScalingGroups",
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    "application-autoscaling:DescribeScheduledActions",
    "application-autoscaling:DescribeScalingActivities",
    "elasticloadbalancing:DescribeTargetGroups",
    "events:ListRuleNamesByTarget",
    "events:DescribeRule",
    "events:ListTargetsByRule",
    "scheduler:ListSchedules",
    "scheduler:GetSchedule",
)
Fault = Callable[[FaultProxy, str], None]


def refused(code: str, said: str, status: int = 400) -> Fault:
    return lambda proxy, operation: proxy.refuse(operation, code, said, status=status)


def answered(body: bytes) -> Fault:
    return lambda proxy, operation: proxy.say(operation, body)


ENDS: dict[str, tuple[Fault, str]] = {
    "throttling": (refused("ThrottlingException", "Rate exceeded"), "AWS kept throttling {} through all retries"),
    "expired token": (refused("ExpiredTokenException", "expired"), "the AWS credentials have expired ({}"),
    "invalid token": (refused("InvalidClientTokenId", "invalid"), "AWS does not accept the credentials in eu-west-1 ({}"),
    "opt-in Region": (refused("OptInRequired", "not subscribed"), "an opt-in Region that the account has not enabled"),
    "empty body": (answered(b""), "the answer to {}"),
    "cut body": (answered(b'{"services": [{"serviceName": "we'), "the answer to {}"),
    "cut XML": (answered(b"<Response><Reservations><mem"), "the answer to {}"),
    "another page": (answered(b"<html><body>proxy: sign in</body></html>"), "the answer to {}"),
    "no list": (answered(b"{}"), "the answer to {}"),
    "connection reset": (lambda proxy, operation: proxy.hang_up(operation), "cannot reach AWS for {}"),
}
SKIPS: dict[str, tuple[Fault, str, str]] = {
    "access denied": (refused("AccessDeniedException", "no"), "AWS does not allow {}", "access denied"),
    "server failed": (refused("InternalFailure", "no", 500), "AWS failed at {}", "AWS failed"),
}


ONE_OF_EACH_PROTOCOL = (
    "ecs:DescribeServices",
    "cloudwatch:GetMetricData",
    "ec2:DescribeInstances",
    "elasticloadbalancing:DescribeTargetGroups",
    "savingsplans:DescribeSavingsPlans",
)
FOR_EVERY_OPERATION = ("throttling", "no list", "access denied")


def cases(operations: Iterable[str], faults: Iterable[str]) -> list[Any]:
    """Every fault for one operation of each protocol, the most telling for every operation; the rest is left to ``prove``."""
    return [
        pytest.param(
            operation,
            fault,
            marks=() if operation in ONE_OF_EACH_PROTOCOL or fault in FOR_EVERY_OPERATION else pytest.mark.prove,
            id=f"{operation}-{fault}",
        )
        for operation in operations
        for fault in faults
    ]


@pytest.fixture(scope="module")
def built(shared_session: boto3.Session, running_proxy: FaultProxy, moto_url: str) -> None:
    """A cluster that makes the collection ask everything that it can ask."""
    running_proxy.reset_backend()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": moto_url}.items():
            patch.setenv(name, value)
        _build(shared_session)


def _build(session: boto3.Session) -> None:
    ecs, ec2, scaling = (session.client(name) for name in ("ecs", "ec2", "application-autoscaling"))
    group = _auto_scaling_group(session)
    provider = {"autoScalingGroupArn": group, "managedScaling": {"status": "ENABLED", "targetCapacity": 100}}
    ecs.create_capacity_provider(name="nodes", autoScalingGroupProvider=provider)
    ecs.create_cluster(clusterName="full", capacityProviders=["nodes"])
    image = ec2.describe_images()["Images"][0]["ImageId"]
    instance = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="m5.large")["Instances"][0]["InstanceId"]
    document = f'{{"instanceId": "{instance}"}}'
    ecs.register_container_instance(cluster="full", instanceIdentityDocument=document)
    ecs.register_task_definition(
        family="web", cpu="256", memory="512", containerDefinitions=[{"name": "app", "image": "web:1", "memory": 512}]
    )
    target = session.client("elbv2").create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=_vpc(session))
    balancer = {"targetGroupArn": target["TargetGroups"][0]["TargetGroupArn"], "containerName": "app", "containerPort": 80}
    ecs.create_service(
        cluster="full", serviceName="web", taskDefinition="web", desiredCount=1, launchType="EC2", loadBalancers=[balancer]
    )
    ecs.run_task(cluster="full", taskDefinition="web", launchType="EC2")
    cluster = ecs.describe_clusters(clusters=["full"])["clusters"][0]["clusterArn"]
    definition = ecs.describe_task_definition(taskDefinition="web")["taskDefinition"]["taskDefinitionArn"]
    target = {
        "Arn": cluster,
        "RoleArn": "arn:aws:iam::123456789012:role/run",
        "EcsParameters": {"TaskDefinitionArn": definition},
    }
    session.client("events").put_rule(Name="nightly", ScheduleExpression="cron(0 2 * * ? *)")
    session.client("events").put_targets(Rule="nightly", Targets=[{"Id": "1", **target}])
    session.client("scheduler").create_schedule(
        Name="hourly", ScheduleExpression="rate(1 hour)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
    )
    web = {"ServiceNamespace": "ecs", "ResourceId": "service/full/web", "ScalableDimension": "ecs:service:DesiredCount"}
    scaling.register_scalable_target(**web, MinCapacity=1, MaxCapacity=4)
    dimensions = [{"Name": "ClusterName", "Value": "full"}, {"Name": "ServiceName", "Value": "web"}]
    data = [
        {"MetricName": "CPUUtilization", "Dimensions": dimensions, "Timestamp": NOW - timedelta(minutes=m), "Value": 50.0}
        for m in range(30, 60)
    ]
    session.client("cloudwatch").put_metric_data(Namespace="AWS/ECS", MetricData=data)


def _vpc(session: boto3.Session) -> str:
    return str(session.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"])


def _auto_scaling_group(session: boto3.Session) -> str:
    scaling, ec2 = session.client("autoscaling"), session.client("ec2")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    scaling.create_launch_configuration(LaunchConfigurationName="nodes", ImageId=image, InstanceType="m5.large")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="nodes",
        LaunchConfigurationName="nodes",
        MinSize=0,
        MaxSize=4,
        DesiredCapacity=0,
        AvailabilityZones=["eu-west-1a"],
    )
    return str(scaling.describe_auto_scaling_groups()["AutoScalingGroups"][0]["AutoScalingGroupARN"])


@pytest.fixture(scope="module")
def remembered() -> dict[Any, Any]:
    return {}


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture(scope="module")
def clients(built: None, shared_session: boto3.Session, running_proxy: FaultProxy) -> Mapping[str, Any]:
    """As the collection makes them, once for all tests: making them takes longer than asking."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": running_proxy.url}.items():
            patch.setenv(name, value)
        return {name: shared_session.client(name, config=client_config(ATTEMPTS)) for name in OPERATIONS}  # type: ignore[call-overload]


@pytest.fixture
def full(
    clients: Mapping[str, Any], proxy: FaultProxy, remembered: dict[Any, Any], waits: list[float], monkeypatch: Any
) -> Iterator[Mapping[str, Any]]:
    """The account; botocore's waits between attempts are counted and not waited."""
    proxy.remembered = remembered
    proxy.say("savingsplans:DescribeSavingsPlans", b'{"savingsPlans": []}')  # moto models none of these three
    proxy.say("application-autoscaling:DescribeScalingActivities", b'{"ScalingActivities": []}')
    proxy.say(
        "ec2:DescribeReservedInstances",
        b"<DescribeReservedInstancesResponse><reservedInstancesSet/></DescribeReservedInstancesResponse>",
    )
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=waits.append))
    yield clients
    proxy.clear()


def collected(clients: Mapping[str, Any]) -> dict[str, bytes]:
    return collect_workload(clients, "full", now=NOW, days=0.1, with_commitments=True, pace=Pace(10_000))


def test_the_account_is_asked_everything_that_the_policy_allows(full, proxy: FaultProxy):
    files = collected(full)
    assert set(proxy.asked) == {*CANNOT_DO_WITHOUT, *CAN_DO_WITHOUT}
    assert sorted(files) == ["collect-report.md", "web.csv", "workload.yaml"]
    assert b"Everything that was asked for could be read." in files["collect-report.md"]


@pytest.mark.parametrize(("operation", "fault"), cases([*CANNOT_DO_WITHOUT, *CAN_DO_WITHOUT], ENDS))
def test_a_fault_is_one_message_that_names_the_question(full, proxy: FaultProxy, operation, fault):
    make, message = ENDS[fault]
    make(proxy, operation)
    with pytest.raises(AwsError) as caught:
        collected(full)
    assert message.format(operation) in str(caught.value)
    assert operation in str(caught.value)
    assert "\n" not in str(caught.value)
    assert proxy.asked.count(operation) <= 8


@pytest.mark.parametrize(("operation", "fault"), cases(CANNOT_DO_WITHOUT, SKIPS))
def test_without_what_it_cannot_do_without_it_ends(full, proxy: FaultProxy, operation, fault):
    make, message, _ = SKIPS[fault]
    make(proxy, operation)
    with pytest.raises(AwsError) as caught:
        collected(full)
    assert message.format(operation) in str(caught.value)


@pytest.mark.parametrize(("operation", "fault"), cases(CAN_DO_WITHOUT, SKIPS))
def test_without_anything_else_it_goes_on_and_lists_what_is_missing(full, proxy: FaultProxy, operation, fault):
    make, _, why = SKIPS[fault]
    make(proxy, operation)
    files = collected(full)
    assert f": {why} for `{operation}`." in files["collect-report.md"].decode()
    assert b"- name: web" in files["workload.yaml"]


@pytest.mark.parametrize(("operation", "fault"), cases([*CANNOT_DO_WITHOUT, *CAN_DO_WITHOUT], ["time-out"]))
def test_an_answer_that_never_comes_is_not_waited_for_without_end(full, session, waits, operation, fault):
    n_sent = 0

    def silent(**_: Any) -> None:
        nonlocal n_sent
        n_sent += 1
        raise ReadTimeoutError(endpoint_url="https://x")

    service, _, name = operation.partition(":")
    key = {"elasticloadbalancing": "elbv2"}.get(service, service)
    client = session.client(key, config=client_config(ATTEMPTS))  # a client repeats 35 calls: those of all tests are used up
    event = f"before-send.{client.meta.service_model.service_id.hyphenize()}.{name}"
    client.meta.events.register(event, silent)
    with pytest.raises(AwsError, match=f"cannot reach AWS for {operation} "):
        collected({**full, key: client})
    assert 2 <= n_sent <= 8
    assert len(waits) == n_sent - 1


def test_throttling_is_backed_off_from_and_each_attempt_is_paced(full, session, proxy: FaultProxy, waits):
    n_paced = 0

    class Counting(Pace):
        def wait(self) -> None:
            nonlocal n_paced
            n_paced += 1

    proxy.refuse("ecs:DescribeServices", "ThrottlingException", times=4)
    collect_workload(session, "full", now=NOW, days=0.1, pace=Counting())
    assert proxy.asked.count("ecs:DescribeServices") == 5
    assert len(waits) == 4
    assert all(0 <= wait <= 2**n for n, wait in enumerate(waits))
    assert n_paced == len(proxy.asked)
