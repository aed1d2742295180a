"""Alarms and a dashboard: what tells that a service is in trouble."""

from typing import Any, Final

from advisor.emit.ecs import names
from advisor.emit.ecs.calls import Call, Document, Request
from advisor.emit.ecs.scaling import service_dimensions
from advisor.plan import ContainerInsights, Plan
from advisor.plan.step_documents import METRIC_NAMES

HIGH_PERCENT: Final = 90
_MINUTES: Final = 5


def alarm_calls(plan: Plan, name: str) -> list[Call]:
    """CPU, memory, and too few tasks. Nobody is told until an action is added: the plan does not know whom."""
    alarms = {
        metric.value: _utilization(plan, name, metric_name) | {"AlarmName": names.alarm(plan.cluster, name, metric.value)}
        for metric, metric_name in METRIC_NAMES.items()
    }
    few = _too_few_tasks(plan, name)
    if few is not None:
        alarms["tasks"] = few | {"AlarmName": names.alarm(plan.cluster, name, "tasks")}
    return [
        Call(service="cloudwatch", operation="PutMetricAlarm", folder=f"services/{name}/", label=label, request=request)
        for label, request in alarms.items()
    ]


def _utilization(plan: Plan, name: str, metric: str) -> Request:
    return {
        "AlarmDescription": f"{metric} of {name} is above {HIGH_PERCENT} percent.",
        "Namespace": "AWS/ECS",
        "MetricName": metric,
        "Dimensions": service_dimensions(plan, name),
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": _MINUTES,
        "Threshold": float(HIGH_PERCENT),
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "missing",
    }


def _too_few_tasks(plan: Plan, name: str) -> Request | None:
    """Running below desired, which only Container Insights counts.

    Else fewer healthy targets than the least number of tasks or, without a load balancer, no sign of any task.
    """
    service = plan.services[name]
    common: Request = {"Period": 60, "EvaluationPeriods": _MINUTES, "ComparisonOperator": "LessThanThreshold"}
    if plan.container_insights is not ContainerInsights.DISABLED:
        del common["Period"]
        return common | {
            "AlarmDescription": f"{name} runs fewer tasks than desired.",
            "Metrics": _missing_tasks(plan, name),
            "Threshold": 0.0,
            "TreatMissingData": "breaching" if service.min_tasks else "notBreaching",
        }
    if not service.min_tasks:
        return None
    if service.port is not None:
        owner = service.shares_target_group_of or name
        namespace = "AWS/ApplicationELB" if service.load_balancer == "application" else "AWS/NetworkELB"
        dimensions = {
            "LoadBalancer": names.load_balancer(service.load_balancer),
            "TargetGroup": names.target_group(plan.cluster, owner),
        }
        return common | {
            "AlarmDescription": f"{name} has fewer healthy tasks than its least number, {service.min_tasks}.",
            "Namespace": namespace,
            "MetricName": "HealthyHostCount",
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            "Statistic": "Minimum",
            "Threshold": float(service.min_tasks),
            "TreatMissingData": "breaching",
        }
    return common | {
        "AlarmDescription": f"{name} runs no task: a service without tasks reports no metric.",
        "Namespace": "AWS/ECS",
        "MetricName": "MemoryUtilization",
        "Dimensions": service_dimensions(plan, name),
        "Statistic": "Maximum",
        "Threshold": 0.0,
        "TreatMissingData": "breaching",
    }


def _missing_tasks(plan: Plan, name: str) -> list[Request]:
    def count(identity: str, metric: str) -> Request:
        stat = {"Namespace": "ECS/ContainerInsights", "MetricName": metric, "Dimensions": service_dimensions(plan, name)}
        return {"Id": identity, "MetricStat": {"Metric": stat, "Period": 60, "Stat": "Average"}, "ReturnData": False}

    difference = {"Id": "missing", "Expression": "running - desired", "Label": "Running less desired", "ReturnData": True}
    return [count("running", "RunningTaskCount"), count("desired", "DesiredTaskCount"), difference]


def dashboard_calls(plan: Plan) -> list[Call]:
    """One page for the cluster, a row a service."""
    running = [name for name in sorted(plan.services) if plan.services[name].schedule is None]
    if not running:
        return []
    widgets = [widget for row, name in enumerate(running) for widget in _row(plan, name, row)]
    request = {"DashboardName": plan.cluster}
    document = Document(file="dashboard.json", content={"widgets": widgets})
    documents = {"DashboardBody": document}
    return [Call(service="cloudwatch", operation="PutDashboard", step=4, request=request, documents=documents)]


def _row(plan: Plan, name: str, row: int) -> list[Request]:
    service = plan.services[name]
    of_service = ["ClusterName", plan.cluster, "ServiceName", name]
    shown: dict[str, list[list[Any]]] = {
        f"{name}: CPU and memory, percent": [["AWS/ECS", metric, *of_service] for metric in METRIC_NAMES.values()]
    }
    if plan.container_insights is not ContainerInsights.DISABLED:
        counts = ("DesiredTaskCount", "RunningTaskCount", "PendingTaskCount")
        shown[f"{name}: tasks"] = [["ECS/ContainerInsights", metric, *of_service] for metric in counts]
    if service.port is not None and service.load_balancer == "application":
        owner = service.shares_target_group_of or name
        group = ["TargetGroup", names.target_group(plan.cluster, owner)]
        shown[f"{name}: requests per task"] = [["AWS/ApplicationELB", "RequestCountPerTarget", *group, {"stat": "Sum"}]]
    return [
        {
            "type": "metric",
            "x": 8 * column,
            "y": 6 * row,
            "width": 8,
            "height": 6,
            "properties": {"title": title, "region": plan.region, "view": "timeSeries", "period": 60, "metrics": metrics},
        }
        for column, (title, metrics) in enumerate(shown.items())
    ]
