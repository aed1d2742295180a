"""Tasks that EventBridge starts on a cluster: what is started, when, and how many."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from advisor.sources.aws.ecs import fetch_task_definition
from advisor.sources.aws.ecs_facts import Cluster, TaskDefinition
from advisor.sources.aws.errors import AwsError, lost, reading, stated
from advisor.sources.aws.session import FEW_ATTEMPTS, Aws, Skipped

_PAGE: Final = 100
"""Longest page of ListRuleNamesByTarget, ListTargetsByRule and ListSchedules."""
_RUN_TASK: Final = "aws-sdk:ecs:runTask"
"""End of the target of a schedule that calls RunTask itself, with the cluster in its input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledTask:
    """Tasks that a rule or a schedule starts."""

    name: str
    source: str
    """``EventBridge rule`` or ``EventBridge Scheduler``."""
    schedule: str | None
    """``rate(...)``, ``cron(...)`` or ``at(...)``; None where events start it, and nothing tells how often."""
    zone: str | None = None
    """Time zone of the schedule; None is UTC."""
    is_enabled: bool
    count: int
    runs_on: str | None
    """Launch type, or names of the strategy's capacity providers; None where the cluster's default decides."""
    task_definition: str
    """As the target names it: family, or family and revision."""
    definition: TaskDefinition | None = None
    """None where it could not be read."""
    duration_minutes: float | None = None
    """Mean time that one of its tasks works, as measured."""
    measured: str | None = None
    """From how much that was told."""
    last_start: datetime | None = None
    """Of the runs that were measured."""
    untold: str | None = None
    """Why it is not in the workload, though its schedule is known."""

    @property
    def family(self) -> str:
        """Of its task definition."""
        return self.task_definition.partition(":")[0]

    @property
    def has_schedule(self) -> bool:
        """Whether a schedule tells when it is started, again and again."""
        return (self.schedule or "").startswith(("rate", "cron"))

    @property
    def when(self) -> str:
        """In words: ``cron(0 2 * * ? *) Europe/Berlin``."""
        if self.schedule is None:
            return "on events, nothing tells how often"
        return f"{self.schedule} {self.zone or 'UTC'}" if self.schedule.startswith(("cron", "at")) else self.schedule


def fetch_scheduled_tasks(aws: Aws, cluster: Cluster) -> list[ScheduledTask]:
    """Everything that EventBridge rules of the default bus and EventBridge Scheduler start on the cluster, by name."""
    rules = aws.optional("tasks that EventBridge rules start", lambda: list(_of_rules(aws, cluster))) or []
    schedules = aws.optional("tasks that EventBridge Scheduler starts", lambda: list(_of_schedules(aws, cluster))) or []
    return sorted((*rules, *schedules), key=lambda task: (task.name, task.source, task.task_definition))


def fetch_definitions(aws: Aws, tasks: Sequence[ScheduledTask]) -> dict[str, TaskDefinition]:
    """Their task definitions, as far as there are any: one that was deleted is no reason to end."""
    found = {}
    for name in dict.fromkeys(task.task_definition for task in tasks):
        try:
            found[name] = fetch_task_definition(aws, name)
        except AwsError as error:
            if type(error) is not AwsError:  # credentials, permission, network, lost data: not about this one
                raise
    return found


def _of_rules(aws: Aws, cluster: Cluster) -> Iterator[ScheduledTask]:
    names = aws.pages(
        "events", "ListRuleNamesByTarget", "RuleNames", token="NextToken", attempts=FEW_ATTEMPTS,
        TargetArn=cluster.arn, Limit=_PAGE,
    )  # fmt: skip
    for name in list(names):
        with _gone(aws, f"rule {name}"), reading("events:ListTargetsByRule"):
            rule = aws.call("events", "DescribeRule", Name=name)
            if not rule.get("Name"):
                raise lost("events:DescribeRule", "rule")
            targets = aws.pages("events", "ListTargetsByRule", "Targets", token="NextToken", Rule=name, Limit=_PAGE)
            mine = [target for target in targets if target["Arn"] == cluster.arn and target.get("EcsParameters")]
            for target in mine:
                yield _scheduled(
                    str(name),
                    "EventBridge rule",
                    target["EcsParameters"],
                    schedule=stated(rule, "ScheduleExpression", str),
                    is_enabled=rule.get("State") != "DISABLED",
                )


def _of_schedules(aws: Aws, cluster: Cluster) -> Iterator[ScheduledTask]:
    summaries = aws.pages("scheduler", "ListSchedules", "Schedules", token="NextToken", attempts=FEW_ATTEMPTS, MaxResults=_PAGE)
    with reading("scheduler:ListSchedules"):
        found = [
            (str(each["Name"]), stated(each, "GroupName", str))
            for each in summaries
            if each["Target"]["Arn"] == cluster.arn or str(each["Target"]["Arn"]).endswith(_RUN_TASK)
        ]
    for name, group in found:
        question: dict[str, Any] = {"Name": name, "GroupName": group} if group else {"Name": name}
        with _gone(aws, f"schedule {name}"), reading("scheduler:GetSchedule"):
            schedule = aws.call("scheduler", "GetSchedule", **question)
            target = schedule["Target"]
            asked = target.get("EcsParameters") if target["Arn"] == cluster.arn else _run_task(target, cluster)
            if asked:
                yield _scheduled(
                    name,
                    "EventBridge Scheduler",
                    asked,
                    schedule=stated(schedule, "ScheduleExpression", str),
                    zone=stated(schedule, "ScheduleExpressionTimezone", str),
                    is_enabled=schedule.get("State") != "DISABLED",
                )


@contextmanager
def _gone(aws: Aws, what: str) -> Iterator[None]:
    """Around questions about one that was listed: where it was deleted since, it is noted, and the others are read."""
    try:
        yield
    except AwsError as error:
        if "NotFound" not in error.code:
            raise
        aws.skipped.append(Skipped(error.operation, what, "listed, and gone a moment later"))


def _run_task(target: Mapping[str, Any], cluster: Cluster) -> Mapping[str, Any] | None:
    """Parameters of a call of RunTask on the cluster, under the names of ``EcsParameters``; overrides are not kept."""
    try:
        asked = json.loads(str(target.get("Input") or "{}"))
    except ValueError:
        return None
    if not isinstance(asked, Mapping) or str(asked.get("Cluster", "default")).rpartition("/")[2] != cluster.name:
        return None
    return {
        "TaskDefinitionArn": asked["TaskDefinition"],
        "TaskCount": asked.get("Count"),
        "LaunchType": asked.get("LaunchType"),
        "CapacityProviderStrategy": [
            {"capacityProvider": item.get("CapacityProvider") or item.get("capacityProvider")}
            for item in asked.get("CapacityProviderStrategy") or ()
        ],
    }


def _scheduled(
    name: str, source: str, facts: Mapping[str, Any], *, schedule: str | None, zone: str | None = None, is_enabled: bool
) -> ScheduledTask:
    providers = [str(item["capacityProvider"]) for item in facts.get("CapacityProviderStrategy") or ()]
    return ScheduledTask(
        name=name,
        source=source,
        schedule=schedule,
        zone=zone,
        is_enabled=is_enabled,
        count=int(facts.get("TaskCount") or 1),
        runs_on=stated(facts, "LaunchType", str) or ", ".join(providers) or None,
        task_definition=str(facts["TaskDefinitionArn"]).rpartition("/")[2],
    )
