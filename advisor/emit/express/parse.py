"""From calls of Express Mode back to the plan."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from advisor.ecs import Architecture, LaunchType, PurchaseOption, TaskSize
from advisor.emit.ecs.calls import INDEX, Request, parse_calls, parse_region
from advisor.emit.express.render import FACTS, METRICS, PUBLIC, image_placeholder, tag_key
from advisor.errors import InputError
from advisor.plan import CapacityProvider, Container, ContainerInsights, Plan, PortMapping, ScalingMetric, ServicePlan


def parse_express(files: Mapping[str, bytes]) -> Plan:
    """The plan that a folder of `render_express` puts into effect: the inverse, but for the name of the capacity provider.

    Raises
    ------
    InputError
        A file is missing or says what this tool does not write.
    """
    try:
        return _plan(files)
    except (AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError) as error:
        problem = f"the requests lack what a plan needs ({type(error).__name__}: {error})"
        raise InputError(problem, fix="Emit the folder again.", file=INDEX) from error


def _plan(files: Mapping[str, bytes]) -> Plan:
    calls = parse_calls(files)
    cluster = next(request for _, operation, request in calls if operation == "CreateCluster")
    retention = {
        request["logGroupName"]: request["retentionInDays"]
        for _, operation, request in calls
        if operation == "PutRetentionPolicy"
    }
    requests = [request for _, operation, request in calls if operation == "CreateExpressGatewayService"]
    zones = {len(request["networkConfiguration"]["subnets"]) for request in requests}
    # Services in other numbers of zones had capacity providers of their own, whose names nothing tells.
    providers = {_provider_name(count, zones): _provider(count, zones) for count in sorted(zones)}
    return Plan(
        cluster=cluster["clusterName"],
        region=parse_region(files),
        services={request["serviceName"]: _service(request, retention, zones) for request in requests},
        capacity_providers=providers,
        container_insights=ContainerInsights(cluster["settings"][0]["value"]),
    )


def _provider_name(zones: int, all_zones: set[int]) -> str:
    return "FARGATE" if len(all_zones) == 1 else f"FARGATE-{zones}"


def _provider(zones: int, all_zones: set[int]) -> CapacityProvider:
    name = _provider_name(zones, all_zones)
    return CapacityProvider(name=name, launch_type=LaunchType.FARGATE, purchase_option=PurchaseOption.ON_DEMAND, zones=zones)


def _service(request: Request, retention: Mapping[str, int], zones: set[int]) -> ServicePlan:
    name, said, scaling = request["serviceName"], request["primaryContainer"], request["scalingTarget"]
    subnets = request["networkConfiguration"]["subnets"]
    container = Container(
        name=name,
        image=None if said["image"] == image_placeholder(name) else said["image"],
        command=tuple(said.get("command", ())),
        environment={entry["name"]: entry["value"] for entry in said.get("environment", ())},
        secrets={entry["name"]: entry["valueFrom"] for entry in said.get("secrets", ())},
        ports=(PortMapping(container_port=said["containerPort"]),),
    )
    is_simple = not (container.command or container.environment or container.secrets)
    facts: dict[str, Any] = {"image": container.image} if is_simple else {"containers": (container,)}
    metric = next((metric for metric, word in METRICS.items() if word == scaling.get("autoScalingMetric")), ScalingMetric.NONE)
    service = ServicePlan(
        launch_type=LaunchType.FARGATE,
        purchase_option=PurchaseOption.ON_DEMAND,
        architecture=Architecture(request["cpuArchitecture"]),
        task=TaskSize(cpu_units=int(request["cpu"]), memory_mib=int(request["memory"])),
        capacity_provider=_provider_name(len(subnets), zones),
        desired_tasks=scaling["minTaskCount"],
        min_tasks=scaling["minTaskCount"],
        max_tasks=scaling["maxTaskCount"],
        scaling_metric=metric,
        scaling_target=float(scaling["autoScalingTargetValue"]) if metric is not ScalingMetric.NONE else None,
        port=said["containerPort"],
        has_public_ip=any(tag["key"] == tag_key(PUBLIC) for tag in request.get("tags", ())),
        log_retention_days=retention[said["awsLogsConfiguration"]["logGroup"]],
        **facts,
    )
    return replace(service, **_tagged(request))


def _tagged(request: Request) -> dict[str, Any]:
    tags = {tag["key"]: tag["value"] for tag in request.get("tags", ())}
    return {fact: int(tags[key]) for fact in FACTS if (key := tag_key(fact)) in tags}
