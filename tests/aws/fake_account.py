"""An account that keeps to AWS's limits, refuses what AWS would refuse, and counts what it is asked; time is its own."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

REGION = "eu-west-1"
ACCOUNT = "111122223333"
POINTS_PER_PAGE = 100_800

Point = Callable[[str, str, datetime], float | None]
"""Value of a metric of a service in a step; None where there is no point."""


@dataclass
class Clock:
    """A clock that only moves when somebody waits or a call takes its time."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@dataclass
class FakeAccount:
    """A stand-in for a boto3 session."""

    now: datetime
    services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What DescribeServices adds, by name."""
    definitions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    point: Point = lambda service, metric, step: None
    answers: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = field(default_factory=dict)
    """Answers to operations in place of the fake's own."""
    points_per_page: int = POINTS_PER_PAGE
    call_s: float = 0.001
    clock: Clock = field(default_factory=Clock)
    asked: list[tuple[float, str, Mapping[str, Any]]] = field(default_factory=list)
    region_name: str = REGION
    _flat: list[tuple[str, datetime, float]] = field(default_factory=list)

    def client(self, service: str, config: Any = None) -> Any:
        fake = self
        methods = {
            xform_name(operation): (lambda op: lambda **parameters: fake._answer(service, op, parameters))(operation)
            for operation in OPERATIONS[service]
        }
        events = SimpleNamespace(register=lambda event, handler: None)
        return SimpleNamespace(meta=SimpleNamespace(region_name=REGION, events=events), **methods)

    def count(self, operation: str) -> int:
        return sum(1 for _, asked, _ in self.asked if asked == operation)

    @property
    def counts(self) -> Counter[str]:
        return Counter(operation for _, operation, _ in self.asked)

    def busiest_second(self, operation: str | None = None) -> int:
        times = sorted(at for at, asked, _ in self.asked if operation in (None, asked))
        return max(sum(1 for later in times if at <= later < at + 1) for at in times)

    def _answer(self, service: str, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        self.clock.sleep(self.call_s)
        self.asked.append((self.clock(), operation, parameters))
        if operation in self.answers:
            return self.answers[operation](parameters)
        return getattr(self, f"_{xform_name(operation)}")(parameters)

    def _describe_clusters(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        cluster = {"clusterName": "shop", "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/shop", "status": "ACTIVE"}
        return {"clusters": [cluster], "failures": []}

    def _list_clusters(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"clusterArns": [f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/shop"]}

    def _list_services(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return _page([_arn("service", name) for name in self.services], "serviceArns", asked, asked.get("maxResults", 10), 100)

    def _describe_services(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        _refuse(len(asked["services"]) > 10, "InvalidParameterException", "Services cannot have more than 10 elements")
        names = [arn.rpartition("/")[2] for arn in asked["services"]]
        found = [self._service(name) for name in names if name in self.services]
        failures = [{"arn": _arn("service", name), "reason": "MISSING"} for name in names if name not in self.services]
        if "TAGS" not in asked.get("include", ()):
            found = [{k: v for k, v in service.items() if k != "tags"} for service in found]
        return {"services": found, "failures": failures}

    def _service(self, name: str) -> Mapping[str, Any]:
        own = {
            "serviceName": name,
            "serviceArn": _arn("service", name),
            "status": "ACTIVE",
            "desiredCount": 3,
            "runningCount": 3,
            "launchType": "FARGATE",
            "taskDefinition": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{name}:1",
            "schedulingStrategy": "REPLICA",
        }
        return {k: v for k, v in {**own, **self.services[name]}.items() if v is not None}

    def _describe_task_definition(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        family = asked["taskDefinition"].rpartition("/")[2].partition(":")[0]
        container = {"name": "app", "image": f"{family}:1", "cpu": 0, "environment": []}
        own = {
            "taskDefinitionArn": asked["taskDefinition"],
            "containerDefinitions": [container],
            "cpu": "512",
            "memory": "1024",
        }
        return {"taskDefinition": {k: v for k, v in {**own, **self.definitions.get(family, {})}.items() if v is not None}}

    def _describe_capacity_providers(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"capacityProviders": [], "failures": []}

    def _list_container_instances(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"containerInstanceArns": []}

    def _list_tasks(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"taskArns": []}

    def _describe_scalable_targets(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        _refuse(len(asked["ResourceIds"]) > 50, "ValidationException", "at most 50")
        return {"ScalableTargets": []}

    def _describe_scaling_policies(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"ScalingPolicies": []}

    def _describe_alarms(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        _refuse(len(asked["AlarmNames"]) > 100, "ValidationError", "at most 100")
        return {"MetricAlarms": []}

    def _describe_scheduled_actions(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"ScheduledActions": []}

    def _describe_scaling_activities(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"ScalingActivities": []}

    def _list_rule_names_by_target(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"RuleNames": []}

    def _list_schedules(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"Schedules": []}

    def _describe_target_groups(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"TargetGroups": []}

    def _get_metric_data(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Newest first, at most 500 queries and 100,800 points a call, nothing for a period that is not kept so long."""
        queries = asked["MetricDataQueries"]
        _refuse(
            len(queries) > 500, "ValidationError", "The collection MetricDataQueries must not have a size greater than 500."
        )
        _refuse(len({q["Id"] for q in queries}) < len(queries), "ValidationError", "Ids must be unique")
        offset = int(asked.get("NextToken") or 0)
        if not offset:
            self._flat = [(q["Id"], at, value) for q in queries for at, value in self._points(q["MetricStat"], asked)]
        page = self._flat[offset : offset + self.points_per_page]
        results = {
            q["Id"]: {"Id": q["Id"], "Label": "x", "Timestamps": [], "Values": [], "StatusCode": "Complete"} for q in queries
        }
        for query_id, at, value in page:
            results[query_id]["Timestamps"].append(at)
            results[query_id]["Values"].append(value)
        more = offset + self.points_per_page < len(self._flat)
        return {
            "MetricDataResults": list(results.values()),
            "Messages": [],
            **({"NextToken": str(offset + len(page))} if more else {}),
        }

    def _points(self, stat: Mapping[str, Any], asked: Mapping[str, Any]) -> Iterable[tuple[datetime, float]]:
        metric, period = stat["Metric"], timedelta(seconds=stat["Period"])
        kept = {60: timedelta(days=15), 300: timedelta(days=63), 3600: timedelta(days=455)}[stat["Period"]]
        if self.now - asked["StartTime"] > kept:
            return []
        dimensions = {d["Name"]: d["Value"] for d in metric["Dimensions"]}
        service = (
            dimensions.get("ServiceName") or dimensions.get("TargetGroup") or f"family {dimensions['TaskDefinitionFamily']}"
        )
        name = f"{metric['MetricName']} {stat['Stat']}"
        n_steps = int((asked["EndTime"] - asked["StartTime"]) / period)
        steps = [asked["StartTime"] + period * i for i in reversed(range(n_steps))]
        is_family = "TaskDefinitionFamily" in dimensions
        if not is_family and self.point(service, name, steps[0]) is None and self.point(service, name, steps[-1]) is None:
            return []
        return [(at, value) for at in steps if (value := self.point(service, name, at)) is not None]


OPERATIONS = {
    "ecs": (
        "DescribeClusters", "ListClusters", "ListServices", "DescribeServices", "DescribeTaskDefinition",
        "DescribeCapacityProviders", "ListContainerInstances", "DescribeContainerInstances", "ListTasks", "DescribeTasks",
    ),
    "application-autoscaling": (
        "DescribeScalableTargets", "DescribeScalingPolicies", "DescribeScheduledActions", "DescribeScalingActivities",
    ),
    "elbv2": ("DescribeTargetGroups",),
    "autoscaling": ("DescribeAutoScalingGroups",),
    "ec2": ("DescribeInstances", "DescribeReservedInstances"),
    "savingsplans": ("DescribeSavingsPlans",),
    "cloudwatch": ("GetMetricData", "DescribeAlarms"),
    "events": ("ListRuleNamesByTarget", "DescribeRule", "ListTargetsByRule"),
    "scheduler": ("ListSchedules", "GetSchedule"),
}  # fmt: skip


def client_error(code: str, message: str = "no", status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Operation"
    )  # type: ignore[typeddict-item]


def _refuse(is_wrong: bool, code: str, message: str) -> None:
    if is_wrong:
        raise client_error(code, message)


def _arn(kind: str, name: str) -> str:
    return f"arn:aws:ecs:{REGION}:{ACCOUNT}:{kind}/shop/{name}"


def _page(items: list[Any], key: str, asked: Mapping[str, Any], size: int, limit: int) -> Mapping[str, Any]:
    _refuse(size > limit, "InvalidParameterException", f"maxResults must be at most {limit}")
    start = int(asked.get("nextToken") or 0)
    more = start + size < len(items)
    return {key: items[start : start + size], **({"nextToken": str(start + size)} if more else {})}
