"""Tasks that EventBridge starts: found, listed with what no API tells, and never dropped in silence."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from botocore.exceptions import ReadTimeoutError

from advisor.sources import read_workload
from advisor.sources.aws import collect_workload
from advisor.sources.aws.errors import AwsError
from tests.aws.fake_account import ACCOUNT, REGION, FakeAccount, client_error

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CLUSTER = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/shop"
RUN_TASK = "arn:aws:scheduler:::aws-sdk:ecs:runTask"


def target(definition: str, *, cluster: str = CLUSTER, **more: Any) -> dict[str, Any]:
    arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{definition}"
    return {"Id": "1", "Arn": cluster, "EcsParameters": {"TaskDefinitionArn": arn, **more}}


def cpu(service: str, metric: str, at: datetime) -> float | None:
    return 50.0 if metric.startswith("CPUUtilization") else None


def account(
    rules: Mapping[str, tuple[Mapping[str, Any], list[Any]]],
    schedules: Mapping[str, Mapping[str, Any]] | None = None,
    reports: Callable[[datetime], float | None] = lambda at: None,
) -> FakeAccount:
    """Rules as DescribeRule and ListTargetsByRule tell them, one a page; schedules as GetSchedule tells them."""
    names, schedules = sorted(rules), schedules or {}

    def page(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        at = int(asked.get("NextToken") or 0)
        more = {"NextToken": str(at + 1)} if at + 1 < len(names) else {}
        return {"RuleNames": names[at : at + 1], **more}

    def rule(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if not rules[asked["Name"]][0]:
            raise client_error("ResourceNotFoundException")
        return {"Name": asked["Name"], **rules[asked["Name"]][0]}

    return FakeAccount(
        now=NOW,
        services={"web": {}},
        point=lambda name, metric, at: reports(at) if metric == "MemoryUtilized SampleCount" else cpu(name, metric, at),
        answers={
            "ListRuleNamesByTarget": page,
            "DescribeRule": rule,
            "ListTargetsByRule": lambda asked: {"Targets": rules[asked["Rule"]][1]},
            "ListSchedules": lambda asked: {
                "Schedules": [
                    {"Name": name, "GroupName": "jobs", "Target": {"Arn": each["Target"]["Arn"]}}
                    for name, each in schedules.items()
                ]
            },
            "GetSchedule": lambda asked: schedules[asked["Name"]],
        },
    )


def collected(fake: FakeAccount, days: float = 0.25, **more: Any) -> tuple[str, str]:
    files = collect_workload(fake, "shop", now=NOW, days=days, **more)
    return files["workload.yaml"].decode(), files["collect-report.md"].decode()


CRON = {"ScheduleExpression": "cron(0 2 * * ? *)", "State": "ENABLED"}


def test_a_scheduled_rule_is_a_comment_that_becomes_a_service_once_its_duration_is_stated(tmp_path):
    fake = account({"nightly": (CRON, [target("report:4", TaskCount=3, LaunchType="FARGATE")])})
    text, report = collected(fake)
    said = "nightly: EventBridge rule starts 3 tasks of report:4 on FARGATE (cron(0 2 * * ? *) UTC)."
    assert said in text
    assert "Container Insights saw none of its tasks in 0.25 days, so it is in no figure: state duration_minutes" in report
    assert [service["name"] for service in yaml.safe_load(text)["services"]] == ["web"]
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("  # - name: nightly"))
    lines[first:] = [line.replace("  # ", "  ", 1).replace("STATE_ME", "30") for line in lines[first:]]
    (tmp_path / "workload.yaml").write_text("\n".join(lines))
    (tmp_path / "web.csv").write_text("time,tasks\n2026-11-01T02:00Z,1\n2026-11-01T03:00Z,1\n")
    nightly = read_workload(tmp_path / "workload.yaml").services[-1]
    assert (nightly.name, nightly.task.cpu_units, nightly.task.memory_mib) == ("nightly", 512, 1024)


def nightly(at: datetime) -> float | None:
    """Reports of three tasks that are first seen at 02:02 and work 12 minutes, 18 on the last night."""
    return 3.0 if at.hour == 2 and 2 <= at.minute < (20 if at.day == NOW.day else 14) else None


def entries(text: str) -> dict[str, Any]:
    return {service["name"]: service for service in yaml.safe_load(text)["services"]}


def test_a_schedule_whose_tasks_container_insights_saw_is_a_service_of_batch_runs(tmp_path):
    fake = account({"nightly": (CRON, [target("report:4", TaskCount=3, LaunchType="FARGATE")])}, reports=nightly)
    files = collect_workload(fake, "shop", now=NOW, days=20)
    text = files["workload.yaml"].decode()
    assert entries(text)["nightly"] == {
        "name": "nightly",
        "task": {"cpu": 512, "memory": 1024},
        "load": {
            "runs": [{"schedule": CRON["ScheduleExpression"], "duration_minutes": 12.43, "count": 3}]
        },  # (13 * 12 + 18) / 14
        "architectures": ["X86_64"],
        "present": {"launch_type": "FARGATE"},
    }
    said = "Its tasks work 12.43 minutes in the mean: Container Insights saw 14 runs of 12 to 18 in 14 days."
    assert said in " ".join(text.replace("  # ", "").split())
    assert said in files["collect-report.md"].decode()
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert [service.name for service in read_workload(tmp_path / "workload.yaml").services] == ["web", "nightly"]
    asked = [q for _, op, call in fake.asked if op == "GetMetricData" for q in call["MetricDataQueries"]]
    assert [d["Value"] for d in asked[-1]["MetricStat"]["Metric"]["Dimensions"]] == ["shop", "report"]
    assert asked[-1]["MetricStat"]["Period"] == 60


def test_a_rate_is_counted_from_the_task_that_was_seen_first():
    every = {"ScheduleExpression": "rate(1 hour)", "State": "ENABLED"}
    fake = account({"sync": (every, [target("sync")])}, reports=lambda at: 1.0 if 40 <= at.minute < 45 + at.hour % 2 else None)
    assert entries(collected(fake, days=2)[0])["sync"]["load"]["runs"] == [
        {"schedule": "rate(1 hour)", "duration_minutes": 5.5}
    ]


@pytest.mark.parametrize(
    ("schedule", "reports", "targets", "why"),
    [
        (CRON, lambda at: None, ["report"], "Container Insights saw none of its tasks in 14 days"),
        (CRON, lambda at: nightly(at) if at.day % 2 else None, ["report"], "Container Insights saw a task after only 7 of 13"),
        (CRON, nightly, ["report:1", "report:2"], "2 schedules start tasks of the family report"),
        (CRON, nightly, ["web:3"], "A service runs tasks of the family web, too"),
        (CRON, lambda at: 1.0 if at.day == NOW.day and at.hour > 2 else None, ["report"], "saw no whole run of it in 14 days"),
        ({"ScheduleExpression": "cron(0 2 L * ? *)"}, nightly, ["report"], "A workload file cannot state its schedule"),
    ],
)
def test_what_does_not_tell_how_long_a_run_works_is_said_and_the_run_stays_a_comment(schedule, reports, targets, why):
    text, report = collected(account({"nightly": (schedule, [target(each) for each in targets])}, reports=reports), days=14)
    assert list(entries(text)) == ["web"]
    assert why in report
    assert "duration_minutes: STATE_ME" in text


def test_a_run_of_which_the_loads_know_nothing_does_not_make_the_workload_unreadable():
    fake = account({"weekly": ({"ScheduleExpression": "cron(0 2 ? * WED *)"}, [target("report")])}, reports=nightly)
    fake.point = lambda name, metric, at: (
        nightly(at) if metric.startswith("MemoryUtilized S") else cpu(name, metric, at) if (NOW - at).days < 3 else None
    )
    text, report = collected(fake, days=14)
    assert list(entries(text)) == ["web"]
    assert "It did not run in the time of the loads" in report


def test_rules_by_events_disabled_rules_and_every_page_are_listed():
    fake = account(
        {
            "on-upload": ({"EventPattern": "{}", "State": "ENABLED"}, [target("thumbnail")]),
            "paused": ({**CRON, "State": "DISABLED"}, [target("clean:1"), target("clean:2", cluster=f"{CLUSTER}-2")]),
        }
    )
    text, _ = collected(fake)
    assert fake.count("ListRuleNamesByTarget") == 2
    assert "on-upload: EventBridge rule starts 1 task of thumbnail (on events, nothing tells how often)." in text
    assert "load.runs_file" in text
    assert "(cron(0 2 * * ? *) UTC; it is disabled)." in text
    assert "clean:2" not in text


def test_schedules_name_the_cluster_as_target_or_in_the_call_that_they_make():
    strategy = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    secret = {"containerOverrides": [{"environment": [{"name": "TOKEN", "value": "s3cret"}]}]}
    schedules = {
        "hourly": {
            "ScheduleExpression": "cron(15 * * * ? *)",
            "ScheduleExpressionTimezone": "Europe/Berlin",
            "Target": target("sync:7", CapacityProviderStrategy=strategy),
        },
        "by-call": {
            "ScheduleExpression": "rate(1 hour)",
            "Target": {
                "Arn": RUN_TASK,
                "Input": json.dumps({"Cluster": "shop", "TaskDefinition": "etl", "Count": 2, "Overrides": secret}),
            },
        },
        "elsewhere": {
            "ScheduleExpression": "rate(1 hour)",
            "Target": {"Arn": RUN_TASK, "Input": json.dumps({"Cluster": "other", "TaskDefinition": "etl"})},
        },
        "queue": {"ScheduleExpression": "rate(1 hour)", "Target": {"Arn": "arn:aws:sqs:eu-west-1:1:q"}},
        "once": {"ScheduleExpression": "at(2027-01-01T00:00:00)", "Target": target("migrate")},
    }
    text, report = collected(account({}, schedules))
    assert "sync:7 on FARGATE_SPOT (cron(15 * * * ? *) Europe/Berlin)." in text
    assert "time_zone: Europe/Berlin" in text
    assert "by-call: EventBridge Scheduler starts 2 tasks of etl (rate(1 hour))." in text
    assert "once: EventBridge Scheduler starts 1 task of migrate (at(2027-01-01T00:00:00) UTC). It is in no figure" in text
    assert "elsewhere" not in text + report
    assert "queue" not in text + report
    assert "s3cret" not in text + report


def test_a_rule_that_goes_away_while_it_is_read_is_listed_and_the_others_are_read():
    fake = account({"gone": ({}, []), "nightly": (CRON, [target("report")])})
    text, report = collected(fake)
    assert "nightly: EventBridge rule" in text
    assert "rule gone: listed, and gone a moment later" in report


def test_a_task_definition_that_was_deleted_is_said():
    fake = account({"nightly": (CRON, [target("report:1")])})
    own = fake._describe_task_definition

    def described(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if asked["taskDefinition"] == "report:1":
            raise client_error("ClientException", "Unable to describe task definition.")
        return own(asked)

    fake.answers = {**fake.answers, "DescribeTaskDefinition": described}
    assert "Its task definition could not be read." in collected(fake)[0]


@pytest.mark.parametrize("operation", ["ListRuleNamesByTarget", "ListSchedules"])
def test_what_may_not_be_read_is_listed(operation):
    fake = account({"nightly": (CRON, [target("report")])}, {"hourly": {**CRON, "Target": target("sync")}})

    def refused(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        raise client_error("AccessDeniedException")

    fake.answers = {**fake.answers, operation: refused}
    text, report = collected(fake)
    assert f"access denied for `{'events' if 'Rule' in operation else 'scheduler'}:{operation}`" in report
    assert ("nightly" in text) != ("hourly" in text)


def test_tasks_of_the_whole_cluster_are_not_asked_for_with_single_services():
    fake = account({"nightly": (CRON, [target("report")])})
    collected(fake, services=["web"])
    assert not fake.count("ListRuleNamesByTarget")


def test_a_network_that_is_gone_is_no_task_definition_that_is_gone():
    """Neither of a service, nor of a scheduled task: a workload without them would be cheap, and look whole."""
    known = account({})
    for of_task in ("web", "report"):
        fake = account({"nightly": (CRON, [target("report:4")])})
        fake.services = {"web": {}, "other": {}}

        def definition(asked: Mapping[str, Any], of_task: str = of_task) -> Mapping[str, Any]:
            if of_task in asked["taskDefinition"]:
                raise ReadTimeoutError(endpoint_url="https://ecs")
            return known._answer("ecs", "DescribeTaskDefinition", asked)

        fake.answers = {**fake.answers, "DescribeTaskDefinition": definition}
        with pytest.raises(AwsError, match="cannot reach AWS for ecs:DescribeTaskDefinition"):
            collected(fake)
