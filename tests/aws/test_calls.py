"""How many calls, how fast, and what happens on pages, tokens and half answers. Against an account with AWS's limits."""

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from advisor.sources.aws import Pace, SavedAnswers, collect_workload
from advisor.sources.aws.errors import CredentialsError, LostDataError, ThrottledError, UnreachableError
from tests.aws.fake_account import POINTS_PER_PAGE, FakeAccount, client_error

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def minute_of(service: str, metric: str, at: datetime) -> float | None:
    """CPU of every service, and nothing else: its value tells the minute and the statistic."""
    if not metric.startswith("CPUUtilization"):
        return None
    return at.hour + at.minute / 100 + (0.5 if metric.endswith("Maximum") else 0)


def paced(account: FakeAccount) -> Pace:
    return Pace(clock=account.clock, sleep=account.clock.sleep)


def test_500_services_take_as_few_calls_as_the_limits_allow_and_at_most_50_a_second():
    names = [f"service-{i:03}" for i in range(500)]
    account = FakeAccount(now=NOW, services={name: {} for name in names}, point=minute_of)
    files = collect_workload(account, "shop", now=NOW, days=0.25, pace=paced(account))
    n_queries, n_points = 500 * 8, 500 * 2 * 360
    assert len(files) == 502
    assert account.counts == {
        "DescribeClusters": 1,
        "ListServices": 5,
        "DescribeServices": 50,
        "DescribeTaskDefinition": 500,
        "ListContainerInstances": 1,
        "ListTasks": 1,
        "DescribeScalableTargets": 10,
        "ListRuleNamesByTarget": 1,
        "ListSchedules": 1,
        "GetMetricData": max(ceil(n_queries / 500), ceil(n_points / POINTS_PER_PAGE)),
    }
    assert account.busiest_second() <= 50
    assert account.clock() - 1000 < 592 / 45 + 3


def paged(items: list[Any], key: str, size: int, *, token: str = "nextToken", answer_token: str | None = None) -> Any:
    """An operation that answers ``size`` items a page."""

    def answer(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        start = int(asked.get(token) or 0)
        more = {answer_token or token: str(start + size)} if start + size < len(items) else {}
        return {key: items[start : start + size], **more}

    return answer


def described(key: str, asked_key: str, limit: int, made: Any) -> Any:
    """An operation that describes what it is asked for, and refuses more than ``limit``."""

    def answer(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        names = asked[asked_key]
        if len(names) > limit:
            raise client_error("InvalidParameterException", f"at most {limit}")
        return {key: [made(name) for name in names], "failures": []}

    return answer


def busy_account(n_services: int, n_tasks: int, n_instances: int) -> FakeAccount:
    """Services with scaling, a policy and a schedule each, behind load balancers, on instances of one group."""
    names = [f"service-{i:03}" for i in range(n_services)]
    resources = {f"service/shop/{name}": name for name in names}
    groups = {name: f"arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/{name}/1" for name in names}
    strategy = [{"capacityProvider": "asg", "weight": 1, "base": 0}]
    tracking = {
        "TargetValue": 60.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
    }
    provider = {"name": "asg", "autoScalingGroupProvider": {"autoScalingGroupArn": "x:autoScalingGroupName/nodes"}}
    group = {"AutoScalingGroupName": "nodes", "MinSize": 1, "MaxSize": 900, "DesiredCapacity": n_instances, "Instances": []}
    kind = {
        "attributes": [{"name": "ecs.instance-type", "value": "m7g.large"}],
        "status": "ACTIVE",
        "capacityProviderName": "asg",
    }
    return FakeAccount(
        now=NOW,
        services={
            name: {
                "launchType": None,
                "capacityProviderStrategy": strategy,
                "loadBalancers": [{"targetGroupArn": groups[name], "containerPort": 80}],
            }
            for name in names
        },
        point=lambda name, metric, at: 50.0 if metric.startswith(("CPUUtilization", "RunningTaskCount Average")) else None,
        answers={
            "DescribeCapacityProviders": described("capacityProviders", "capacityProviders", 100, lambda name: provider),
            "DescribeAutoScalingGroups": lambda asked: {"AutoScalingGroups": [group]},
            "ListContainerInstances": paged([f"i-{i}" for i in range(n_instances)], "containerInstanceArns", 100),
            "DescribeContainerInstances": described(
                "containerInstances", "containerInstances", 100, lambda arn: {"ec2InstanceId": arn, **kind}
            ),
            "DescribeInstances": lambda asked: {
                "Reservations": [{"Instances": [{"InstanceId": i} for i in asked["Filters"][0]["Values"]]}]
            },
            "ListTasks": paged([f"t-{i}" for i in range(n_tasks)], "taskArns", 100),
            "DescribeTasks": described(
                "tasks", "tasks", 100, lambda arn: {"group": "service:service-000", "launchType": "EC2"}
            ),
            "DescribeScalableTargets": lambda asked: {
                "ScalableTargets": [{"ResourceId": r, "MinCapacity": 1, "MaxCapacity": 9} for r in asked["ResourceIds"]]
            },
            "DescribeScalingPolicies": paged(
                [{"ResourceId": r, "TargetTrackingScalingPolicyConfiguration": tracking} for r in resources],
                "ScalingPolicies",
                10,
                token="NextToken",
            ),
            "DescribeScheduledActions": paged(
                [{"ResourceId": r, "Schedule": "rate(1 day)"} for r in resources], "ScheduledActions", 50, token="NextToken"
            ),
            "DescribeTargetGroups": paged(
                [{"TargetGroupArn": arn, "LoadBalancerArns": ["x:loadbalancer/app/shop/1"]} for arn in groups.values()],
                "TargetGroups",
                400,
                token="Marker",
                answer_token="NextMarker",
            ),
        },
    )


def test_500_services_with_everything_take_as_few_calls_as_the_limits_allow_and_at_most_50_a_second():
    account = busy_account(500, n_tasks=1_500, n_instances=250)
    files = collect_workload(account, "shop", now=NOW, days=0.25, pace=paced(account))
    n_queries = 500 * (8 + 1)
    assert len(files) == 502
    assert account.counts == {
        "DescribeClusters": 1,
        "ListServices": 5,
        "DescribeServices": 50,
        "DescribeTaskDefinition": 500,
        "DescribeCapacityProviders": 1,
        "DescribeAutoScalingGroups": 1,
        "ListContainerInstances": 3,
        "DescribeContainerInstances": 3,
        "DescribeInstances": 3,
        "ListTasks": 15,
        "DescribeTasks": 15,
        "DescribeScalableTargets": 10,
        "ListRuleNamesByTarget": 1,
        "ListSchedules": 1,
        "DescribeScalingPolicies": 50,
        "DescribeScheduledActions": 10,
        "DescribeTargetGroups": 2,
        # three metrics answer, of nine: 56 services a batch, 360 steps
        "GetMetricData": sum(ceil(min(500, n_queries - at) / 9 * 3 * 360 / POINTS_PER_PAGE) for at in range(0, n_queries, 500)),
    }
    assert account.busiest_second() <= 50
    assert b"m7g.large: 250" in files["workload.yaml"]


def test_services_that_share_a_task_definition_ask_for_it_once():
    shared = {"taskDefinition": "arn:aws:ecs:eu-west-1:111122223333:task-definition/app:7"}
    account = FakeAccount(now=NOW, services={f"s{i}": shared for i in range(30)}, point=minute_of)
    collect_workload(account, "shop", now=NOW, days=1, pace=paced(account))
    assert account.count("DescribeTaskDefinition") == 1


def test_pages_newest_first_become_one_series_in_time_order():
    account = FakeAccount(now=NOW, services={f"s{i}": {} for i in range(20)}, point=minute_of, points_per_page=1_000)
    files = collect_workload(account, "shop", now=NOW, days=1, pace=paced(account))
    assert account.count("GetMetricData") == ceil(20 * 2 * 1440 / 1_000)
    for i in range(20):  # series of 1,440 points: most lie across pages
        rows = rows_of(files[f"s{i}.csv"])
        times = [row["time"] for row in rows]
        assert len(rows) == 1440
        assert times == sorted(times)
        assert [row["cpu_percent_average"] for row in rows[:3]] == ["8.55", "8.56", "8.57"]  # 08:55 + 0 min, + 1, + 2
        assert all(float(row["cpu_percent_maximum"]) == pytest.approx(float(row["cpu_percent_average"]) + 0.5) for row in rows)


@pytest.mark.parametrize(("days", "step_s"), [(1, 60), (14, 60), (15, 300), (42, 300), (62, 300), (63, 3600), (455, 3600)])
def test_no_window_is_asked_in_a_period_that_returns_nothing(days, step_s):
    account = FakeAccount(now=NOW, services={"web": {}}, point=minute_of)
    rows = rows_of(collect_workload(account, "shop", now=NOW, days=days, pace=paced(account))["web.csv"])
    asked = [queries for _, operation, queries in account.asked if operation == "GetMetricData"]
    periods = {query["MetricStat"]["Period"] for queries in asked for query in queries["MetricDataQueries"]}
    # the oldest hour of 455 days has left CloudWatch
    assert days * 86400 / step_s - 2 <= len(rows) <= days * 86400 / step_s
    assert periods == {step_s}


def small_pages() -> FakeAccount:
    """20 services, 1,440 points each of two metrics, in 58 answers."""
    return FakeAccount(now=NOW, services={f"s{i}": {} for i in range(20)}, point=minute_of, points_per_page=1_000)


def failing(account: FakeAccount, at_call: int, code: str) -> None:
    """Let the CloudWatch call of that number fail."""
    own = account._get_metric_data

    def answer(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if account.count("GetMetricData") == at_call:
            raise client_error(code, "no more")
        return own(asked)

    account.answers = {"GetMetricData": answer}


def test_pages_before_an_interruption_are_not_asked_again(tmp_path):
    account = small_pages()
    failing(account, 31, "ThrottlingException")
    saved = SavedAnswers.beside(tmp_path / "shop")
    with pytest.raises(ThrottledError, match="goes on where it stopped"):
        collect_workload(account, "shop", now=NOW, days=1, saved=saved, pace=paced(account))
    account.asked.clear()
    account.answers = {}
    files = collect_workload(account, "shop", now=NOW + timedelta(hours=2), days=1, saved=saved, pace=paced(account))
    tokens = [asked.get("NextToken") for _, op, asked in account.asked if op == "GetMetricData"]
    assert (tokens[0], len(tokens)) == ("30000", 58 - 30)
    assert files == collect_workload(small_pages(), "shop", now=NOW, days=1, pace=paced(account))


def test_the_share_that_is_done_grows_to_the_whole():
    account = FakeAccount(now=NOW, services={f"s{i:03}": {} for i in range(150)}, point=minute_of, points_per_page=10_000)
    told: list[tuple[str, float]] = []
    collect_workload(
        account, "shop", now=NOW, days=0.1, pace=paced(account), on_share=lambda what, share: told.append((what, share))
    )
    definitions, metrics = ([share for what, share in told if what == name] for name in ("task definitions", "CloudWatch"))
    assert len(definitions) == 150
    assert len(metrics) == account.count("GetMetricData") > 3  # batches of 500, 500, and 200 queries
    assert definitions == sorted(definitions)
    assert metrics == sorted(metrics)
    assert definitions[-1] == metrics[-1] == 1.0
    assert metrics[-2] < 1


def test_a_token_that_expired_begins_the_batch_anew(tmp_path):
    account = small_pages()
    failing(account, 31, "ExpiredToken")
    saved = SavedAnswers.beside(tmp_path / "shop")
    with pytest.raises(CredentialsError, match="expired"):
        collect_workload(account, "shop", now=NOW, days=1, saved=saved, pace=paced(account))
    account.asked.clear()
    failing(account, 1, "InvalidNextToken")
    files = collect_workload(account, "shop", now=NOW, days=1, saved=saved, pace=paced(account))
    assert account.count("GetMetricData") == 1 + 58
    assert files == collect_workload(small_pages(), "shop", now=NOW, days=1, pace=paced(account))


def test_a_network_that_is_gone_is_no_token_that_expired(tmp_path):
    account, saved = small_pages(), SavedAnswers.beside(tmp_path / "shop")
    failing(account, 31, "ThrottlingException")
    with pytest.raises(ThrottledError):
        collect_workload(account, "shop", now=NOW, days=1, saved=saved, pace=paced(account))
    account.asked.clear()

    def silent(_):
        raise ReadTimeoutError(endpoint_url="https://monitoring")

    account.answers = {"GetMetricData": silent}
    with pytest.raises(UnreachableError):
        collect_workload(account, "shop", now=NOW, days=1, saved=saved, pace=paced(account))
    assert account.count("GetMetricData") == 1


def test_another_question_or_another_day_starts_anew(tmp_path):
    saved = SavedAnswers.beside(tmp_path / "shop")
    account = FakeAccount(now=NOW, services={"a": {}, "b": {}}, point=minute_of)
    for days, at, services in ((2, NOW, ()), (3, NOW, ()), (3, NOW, ("a",)), (3, NOW + timedelta(days=2), ("a",))):
        account.now = at
        account.asked.clear()
        collect_workload(account, "shop", now=at, days=days, services=services, saved=saved, pace=paced(account))
        assert account.count("GetMetricData") == 1


def test_a_window_that_grew_too_old_for_its_period_is_not_taken_up_again(tmp_path):
    """14 days in steps of 60 s are answered with nothing a day later."""
    saved = SavedAnswers.beside(tmp_path / "shop")
    account = FakeAccount(now=NOW, services={"a": {}}, point=minute_of)
    collect_workload(account, "shop", now=NOW, days=14, saved=saved, pace=paced(account))
    for later, calls in ((timedelta(hours=23), 0), (timedelta(hours=23, minutes=58), 1)):
        account.now = NOW + later
        account.asked.clear()
        files = collect_workload(account, "shop", now=account.now, days=14, saved=saved, pace=paced(account))
        assert account.count("GetMetricData") == calls
        assert len(rows_of(files["a.csv"])) == 14 * 1440


def test_a_service_that_goes_away_while_it_is_read_is_listed_as_not_read():
    account = FakeAccount(now=NOW, services={"a": {}, "b": {}}, point=minute_of)
    listed = account._list_services({})
    account.services = {"a": {}}
    account.answers = {"ListServices": lambda asked: listed}
    report = collect_workload(account, "shop", now=NOW, days=0.1, pace=paced(account))["collect-report.md"].decode()
    assert "- service b: listed, and gone a moment later for `ecs:DescribeServices`." in report


def test_a_broken_page_on_disk_is_asked_again(tmp_path):
    saved = SavedAnswers.beside(tmp_path / "shop")
    account = FakeAccount(now=NOW, services={"a": {}}, point=minute_of)
    first = collect_workload(account, "shop", now=NOW, days=1, saved=saved, pace=paced(account))
    for page in saved.folder.glob("*.gz"):
        page.write_bytes(page.read_bytes()[:40])
    assert collect_workload(account, "shop", now=NOW, days=1, saved=saved, pace=paced(account)) == first


def test_a_place_that_cannot_be_written_costs_the_resumption_only(tmp_path):
    blocked = tmp_path / ".collect"
    blocked.write_text("a file where the folder should be")
    account = FakeAccount(now=NOW, services={"a": {}}, point=minute_of)
    saved = SavedAnswers.beside(tmp_path / "shop")
    assert "a.csv" in collect_workload(account, "shop", now=NOW, days=1, saved=saved, pace=paced(account))
    assert not saved.is_usable


def test_partial_data_is_asked_for_again_and_then_said():
    account = FakeAccount(now=NOW, services={"web": {}}, point=minute_of)
    own = account._get_metric_data

    def partial(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = own(asked)
        answer["MetricDataResults"][0]["StatusCode"] = "PartialData"
        return answer

    account.answers = {"GetMetricData": partial}
    report = collect_workload(account, "shop", now=NOW, days=1, pace=paced(account))["collect-report.md"].decode()
    assert account.count("GetMetricData") == 2
    assert "CloudWatch answered PartialData for CPUUtilization Average: the values may be incomplete" in report


def test_a_forbidden_metric_is_said():
    account = FakeAccount(now=NOW, services={"web": {}}, point=minute_of)
    own = account._get_metric_data

    def forbidden(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = own(asked)
        answer["MetricDataResults"][2].update(StatusCode="Forbidden", Timestamps=[], Values=[])
        return {**answer, "Messages": [{"Code": "ArgumentError", "Value": "look | here <b>"}]}

    account.answers = {"GetMetricData": forbidden}
    report = collect_workload(account, "shop", now=NOW, days=1, pace=paced(account))["collect-report.md"].decode()
    assert "CloudWatch answered Forbidden for MemoryUtilization Average" in report
    assert "CloudWatch: ArgumentError: look \\| here &lt;b&gt;" in report


@pytest.mark.parametrize(
    "result",
    [
        {"Timestamps": [NOW], "Values": []},
        {"Timestamps": [], "Values": [1.0]},
        {"Values": [1.0]},
        {"Timestamps": [NOW]},
    ],
)
def test_a_value_without_its_time_is_lost_data(result):
    def uneven(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"MetricDataResults": [{"Id": "q0", "Label": "cpu", "StatusCode": "Complete", **result}]}

    account = FakeAccount(now=NOW, services={"web": {}}, answers={"GetMetricData": uneven})
    with pytest.raises(LostDataError, match="value for each time stamp of 'cpu'"):
        collect_workload(account, "shop", now=NOW, days=1, pace=paced(account))


def test_a_token_that_repeats_does_not_run_for_ever():
    def same_again(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"serviceArns": ["arn:aws:ecs:eu-west-1:1:service/shop/a"], "nextToken": "t"}

    account = FakeAccount(now=NOW, services={"a": {}}, answers={"ListServices": same_again})
    with pytest.raises(LostDataError, match="repeats a token"):
        collect_workload(account, "shop", now=NOW, days=1, pace=paced(account))


def test_pace_lets_through_at_most_so_many_in_any_second():
    account = FakeAccount(now=NOW, call_s=0.0)
    pace, sent = Pace(50, clock=account.clock, sleep=account.clock.sleep), []
    for _ in range(500):
        pace.wait()
        sent.append(account.clock())
    assert max(sum(1 for later in sent if at <= later < at + 1) for at in sent) == 50
    assert sent[-1] - sent[0] == pytest.approx(9.0)
