"""From deploy files back to the plan. What requests cannot say is in tags, and both renderers ask here what is left unsaid."""

from collections.abc import Mapping, Sequence
from typing import Final

from advisor.ecs import FARGATE_INCLUDED_STORAGE_GIB, Architecture, LaunchType, PlacementStrategy, PurchaseOption, TaskSize
from advisor.emit.ecs import names
from advisor.emit.ecs.calls import INDEX, Request, parse_calls, parse_region
from advisor.emit.ecs.tags import OF_PROVIDER, PROVIDER_FACTS, SERVICE_FACTS, with_tags
from advisor.errors import InputError
from advisor.plan import CapacityProvider, Plan, ScalingMetric, ServicePlan

_METRICS: Final = {
    "ECSServiceAverageCPUUtilization": ScalingMetric.CPU,
    "ECSServiceAverageMemoryUtilization": ScalingMetric.MEMORY,
    "ALBRequestCountPerTarget": ScalingMetric.REQUESTS,
}

Requests = dict[str, Request]
"""The requests about one service or capacity provider, by operation."""


def parse_ecs(files: Mapping[str, bytes]) -> Plan:
    """The plan that a folder of deploy files puts into effect: the inverse of `render_ecs`."""
    try:
        return _plan(parse_region(files), parse_calls(files))
    except (AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError) as error:
        problem = f"the requests lack what a plan needs ({type(error).__name__}: {error})"
        raise InputError(problem, fix="Emit the folder again.", file=INDEX) from error


def _plan(region: str, calls: Sequence[tuple[str, str, Request]]) -> Plan:
    cluster = next(request for _, operation, request in calls if operation == "CreateCluster")["clusterName"]
    by_service, by_provider = _grouped(cluster, calls)
    providers = {name: _instance_provider(name, requests, by_service) for name, requests in by_provider.items()}
    services: dict[str, ServicePlan] = {}
    for name, requests in by_service.items():
        create = requests["CreateService"]
        named = _strategy_provider(create)
        if named in by_provider:
            is_public = _has_public_instances(by_provider[named])
            services[name] = _service(requests, providers[named], has_public_instances=is_public)
            continue
        provider = with_tags(said_fargate(create), create.get("tags", []), PROVIDER_FACTS, of=OF_PROVIDER)
        providers[provider.name] = provider
        services[name] = _service(requests, provider, has_public_instances=False)
    return Plan(cluster=cluster, region=region, services=services, capacity_providers=providers)


def _grouped(cluster: str, calls: Sequence[tuple[str, str, Request]]) -> tuple[dict[str, Requests], dict[str, Requests]]:
    """Requests by service and by capacity provider, told apart by the names that the requests give each other."""
    services = {request["serviceName"]: {operation: request} for _, operation, request in calls if operation == "CreateService"}
    providers = {
        request["name"]: {operation: request} for _, operation, request in calls if operation == "CreateCapacityProvider"
    }
    owners: dict[tuple[str, str], Requests] = {}
    for name, requests in services.items():
        resource = f"service/{cluster}/{name}"
        owners["RegisterTaskDefinition", requests["CreateService"]["taskDefinition"]] = requests
        owners["RegisterScalableTarget", resource] = owners["PutScalingPolicy", resource] = requests
    for name, requests in providers.items():
        owners["CreateLaunchTemplate", names.launch_template_name(cluster, name)] = requests
        owners["CreateAutoScalingGroup", names.group_name(cluster, name)] = requests
    for _, operation, request in calls:
        named = (request.get(key) for key in ("family", "ResourceId", "LaunchTemplateName", "AutoScalingGroupName"))
        owner = owners.get((operation, next((name for name in named if name is not None), "")))
        if owner is not None:
            owner[operation] = request
    return services, providers


def _instance_provider(name: str, requests: Requests, by_service: Mapping[str, Requests]) -> CapacityProvider:
    """A capacity provider of instances; its architecture and placement stand with the services that use it."""
    user = next(user for user in by_service.values() if _strategy_provider(user["CreateService"]) == name)
    request = requests["CreateCapacityProvider"]
    if "managedInstancesProvider" in request:
        said = said_managed_instances(request, _architecture(user))
    else:
        group = [requests["CreateLaunchTemplate"], requests["CreateAutoScalingGroup"], request]
        said = said_group_provider(group, _architecture(user), _placement(user["CreateService"]))
    return with_tags(said, request.get("tags", []), PROVIDER_FACTS)


def _service(requests: Requests, provider: CapacityProvider, *, has_public_instances: bool) -> ServicePlan:
    said = said_service(requests, provider, has_public_instances=has_public_instances)
    return with_tags(said, requests["CreateService"].get("tags", []), SERVICE_FACTS)


def _strategy_provider(create_service: Request) -> str:
    """The capacity provider that a service names, in words of ECS."""
    strategy = create_service.get("capacityProviderStrategy")
    return str(strategy[0]["capacityProvider"] if strategy else create_service["launchType"])


def _architecture(requests: Requests) -> Architecture:
    return Architecture(requests["RegisterTaskDefinition"]["runtimePlatform"]["cpuArchitecture"])


def _placement(create_service: Request) -> PlacementStrategy:
    has_strategy = bool(create_service.get("placementStrategy"))
    return PlacementStrategy.SPREAD_THEN_BINPACK if has_strategy else PlacementStrategy.DEFAULT_SPREAD


def _has_public_instances(requests: Requests) -> bool:
    template = requests.get("CreateLaunchTemplate")
    return bool(template and template["LaunchTemplateData"]["NetworkInterfaces"][0]["AssociatePublicIpAddress"])


def said_fargate(create_service: Request) -> CapacityProvider:
    """What a service says of the Fargate provider behind it."""
    name = _strategy_provider(create_service)
    return CapacityProvider(
        name=name,
        launch_type=LaunchType.FARGATE,
        purchase_option=PurchaseOption.SPOT if name == "FARGATE_SPOT" else PurchaseOption.ON_DEMAND,
        zones=len(create_service["networkConfiguration"]["awsvpcConfiguration"]["subnets"]),
    )


def said_managed_instances(request: Request, architecture: Architecture) -> CapacityProvider:
    """What CreateCapacityProvider says of Managed Instances, which have no upper bound, target capacity or strategy."""
    template = request["managedInstancesProvider"]["instanceLaunchTemplate"]
    return CapacityProvider(
        name=request["name"],
        launch_type=LaunchType.MANAGED_INSTANCES,
        purchase_option=PurchaseOption.SPOT if template["capacityOptionType"] == "SPOT" else PurchaseOption.ON_DEMAND,
        instance_types=tuple(template["instanceRequirements"]["allowedInstanceTypes"]),
        architecture=architecture,
        placement=PlacementStrategy.SPREAD_THEN_BINPACK,  # ECS spreads over zones and packs by itself
        root_volume_gib=template["storageConfiguration"]["storageSizeGiB"],
        zones=len(template["networkConfiguration"]["subnets"]),
    )


def said_group_provider(
    requests: Sequence[Request], architecture: Architecture, placement: PlacementStrategy | None
) -> CapacityProvider:
    """What launch template, Auto Scaling group and capacity provider say together."""
    template, group, request = requests
    data, policy = template["LaunchTemplateData"], group.get("MixedInstancesPolicy")
    overrides = [data] if policy is None else policy["LaunchTemplate"]["Overrides"]
    is_spot = policy is not None and policy["InstancesDistribution"]["OnDemandPercentageAboveBaseCapacity"] == 0
    return CapacityProvider(
        name=request["name"],
        launch_type=LaunchType.EC2,
        purchase_option=PurchaseOption.SPOT if is_spot else PurchaseOption.ON_DEMAND,
        instance_types=tuple(override["InstanceType"] for override in overrides),
        architecture=architecture,
        placement=placement,
        has_trunking="PrivateDnsNameOptions" in data,
        root_volume_gib=data["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"],
        zones=len(group["VPCZoneIdentifier"].split(",")),
        max_instances=group["MaxSize"],
        target_capacity_percent=request["autoScalingGroupProvider"]["managedScaling"]["targetCapacity"],
    )


def said_service(requests: Mapping[str, Request], provider: CapacityProvider, *, has_public_instances: bool) -> ServicePlan:
    """What task definition, service and scaling say of a service on ``provider``."""
    definition, create = requests["RegisterTaskDefinition"], requests["CreateService"]
    container = definition["containerDefinitions"][0]
    fixed: Request = {"MinCapacity": create["desiredCount"], "MaxCapacity": create["desiredCount"]}
    bounds = requests.get("RegisterScalableTarget", fixed)
    metric, target = _scaling(requests.get("PutScalingPolicy"))
    return ServicePlan(
        launch_type=provider.launch_type,
        purchase_option=provider.purchase_option,
        architecture=_architecture(dict(requests)),
        task=TaskSize(cpu_units=int(definition.get("cpu", container.get("cpu"))), memory_mib=int(definition["memory"])),
        capacity_provider=provider.name,
        desired_tasks=create["desiredCount"],
        min_tasks=bounds["MinCapacity"],
        max_tasks=bounds["MaxCapacity"],
        scaling_metric=metric,
        scaling_target=target,
        image=None if container["image"] == names.image(create["serviceName"]) else container["image"],
        port=next((mapping["containerPort"] for mapping in container.get("portMappings", [])), None),
        ephemeral_storage_gib=definition.get("ephemeralStorage", {}).get("sizeInGiB", FARGATE_INCLUDED_STORAGE_GIB),
        has_public_ip=_has_public_ip(create, provider, has_public_instances=has_public_instances),
        network_mode=definition["networkMode"],
    )


def _scaling(policy: Request | None) -> tuple[ScalingMetric, float | None]:
    if policy is None:
        return ScalingMetric.NONE, None
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    return _METRICS[tracking["PredefinedMetricSpecification"]["PredefinedMetricType"]], tracking["TargetValue"]


def _has_public_ip(create_service: Request, provider: CapacityProvider, *, has_public_instances: bool) -> bool:
    if provider.launch_type is LaunchType.EC2:
        return has_public_instances
    return bool(create_service["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] == "ENABLED")
