"""From deploy files back to the plan. What requests cannot say is in tags, and all renderers ask here what is left unsaid."""

import re
from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from advisor.ecs import (
    FARGATE_INCLUDED_STORAGE_GIB,
    ZONES_FIRST,
    Architecture,
    LaunchType,
    PlacementStrategy,
    PurchaseOption,
    TaskSize,
)
from advisor.emit.ecs import names
from advisor.emit.ecs.calls import INDEX, Request, parse_calls, parse_region
from advisor.emit.ecs.parse_containers import container_of, efs_volume_of
from advisor.emit.ecs.parse_scaling import Requests, scaling_of
from advisor.emit.ecs.tags import PROVIDER_FACTS, SERVICE_FACTS, with_tags
from advisor.errors import InputError
from advisor.plan import (
    CapacityProvider,
    Container,
    ContainerInsights,
    LoadBalancer,
    Plan,
    PortMapping,
    ScalingMetric,
    ServiceConnect,
    ServicePlan,
    StrategyItem,
)
from advisor.plan.placement import has_distinct_instances

RESERVED_MEMORY: Final = "ECS_RESERVED_MEMORY"
"""Of the agent on an instance: MiB that it keeps from tasks."""


"""The requests about one service or capacity provider, by operation."""

NOT_A_PLAN: Final = (AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError)
"""What parsing meets where a file was not emitted, or was taken apart since."""


def parse_ecs(files: Mapping[str, bytes]) -> Plan:
    """The plan that a folder of deploy files puts into effect: the inverse of `render_ecs`."""
    try:
        return plan_of_calls(parse_region(files), parse_calls(files))
    except NOT_A_PLAN as error:
        problem = f"the requests lack what a plan needs ({type(error).__name__}: {error})"
        raise InputError(problem, fix="Emit the folder again.", file=INDEX) from error


def plan_of_calls(region: str, calls: Sequence[tuple[str, str, Request]]) -> Plan:
    """The plan that API calls put into effect."""
    created = next(request for _, operation, request in calls if operation == "CreateCluster")
    cluster = created["clusterName"]
    by_service, by_provider = grouped(cluster, calls)
    providers = {name: _instance_provider(name, requests, by_service) for name, requests in by_provider.items()}
    services: dict[str, ServicePlan] = {}
    for name, requests in by_service.items():
        mine, is_public = [], False
        for number, named in enumerate(_strategy_names(requests)):
            if named not in by_provider:
                tags = _tags(requests)
                provider = with_tags(said_fargate(requests, number), tags, PROVIDER_FACTS, of=provider_prefix(number))
                providers[provider.name] = provider
                mine.append(provider)
            else:
                mine.append(providers[named])
                is_public |= _has_public_instances(by_provider[named]) and not number
        said = said_service(name, requests, mine, by_service, has_public_instances=is_public)
        services[name] = with_tags(said, _tags(requests), SERVICE_FACTS)
    return Plan(
        cluster=cluster,
        region=region,
        services=services,
        capacity_providers=providers,
        container_insights=ContainerInsights(created["settings"][0]["value"]),
    )


def provider_prefix(number: int) -> str:
    """In tags: facts of a capacity provider of Fargate, which AWS owns and which takes none."""
    return f"provider-{number}-" if number else "provider-"


def grouped(cluster: str, calls: Sequence[tuple[str, str, Request]]) -> tuple[dict[str, Requests], dict[str, Requests]]:
    """Requests by service and by capacity provider, told apart by the names that the requests give each other."""
    services: dict[str, Requests] = {}
    providers: dict[str, Requests] = {}
    owners: dict[tuple[str, str], Requests] = {}
    families: dict[str, Requests] = {}
    for _, operation, request in calls:
        if operation == "CreateService":
            services[request["serviceName"]] = families[request["taskDefinition"]] = defaultdict(list)
            owners["ResourceId", f"service/{cluster}/{request['serviceName']}"] = services[request["serviceName"]]
        elif operation == "CreateCapacityProvider":
            name = request["name"]
            providers[name] = defaultdict(list)
            owners["LaunchTemplateName", names.launch_template_name(cluster, name)] = providers[name]
            owners["AutoScalingGroupName", names.group_name(cluster, name)] = providers[name]
            owners["name", name] = providers[name]
        elif operation == "CreateSchedule":
            family = request["Target"]["EcsParameters"]["TaskDefinitionArn"].split("/")[-1]
            families[family] = defaultdict(list)
    jobs = _batch_names(calls, families, {id(requests) for requests in services.values()})
    services |= jobs
    for family, requests in families.items():
        owners["family", family] = requests
    for name, requests in services.items():
        owners["logGroupName", names.log_group(cluster, name)] = owners["serviceName", name] = requests
        owners["Name", names.target_group_name(cluster, name)] = requests
        for kind in _alarm_kinds(cluster, name, calls):
            owners["AlarmName", kind] = requests
    for _, operation, request in calls:
        if operation == "CreateSchedule":
            families[request["Target"]["EcsParameters"]["TaskDefinitionArn"].split("/")[-1]][operation].append(request)
            continue
        for key, value in request.items():
            if isinstance(value, str) and (key, value) in owners:
                owners[key, value][operation].append(request)
                break
    return services, providers


def _batch_names(
    calls: Sequence[tuple[str, str, Request]], families: Mapping[str, Requests], known: set[int]
) -> dict[str, Requests]:
    """A batch job has no service: its tasks log under its name."""
    jobs = {}
    for _, operation, request in calls:
        requests = families.get(request.get("family", ""))
        if operation == "RegisterTaskDefinition" and requests is not None and id(requests) not in known:
            tags = {tag["key"]: tag["value"] for tag in request.get("tags", [])}
            jobs[tags[JOB_NAME]] = requests
    return jobs


JOB_NAME: Final = "advisor:scheduled-task"
"""Tag of the task definition of a batch job: its name, which is nowhere else in full."""


def _alarm_kinds(cluster: str, name: str, calls: Iterable[tuple[str, str, Request]]) -> list[str]:
    """Alarms of the service's step policies."""
    steps = [
        request["PolicyName"]
        for _, operation, request in calls
        if operation == "PutScalingPolicy" and request["ResourceId"] == f"service/{cluster}/{name}"
    ]
    return [names.alarm(cluster, name, f"step-{step}") for step in steps]


def _tags(requests: Requests) -> list[Request]:
    tags: list[Request] = requests["RegisterTaskDefinition"][0].get("tags", [])
    return tags


def _capacity(requests: Requests) -> Request:
    """What says where tasks run, of a service or of a schedule, under the names of CreateService."""
    if "CreateService" in requests:
        return requests["CreateService"][0]
    parameters = requests["CreateSchedule"][0]["Target"]["EcsParameters"]
    capacity = {key[:1].lower() + key[1:]: value for key, value in parameters.items()}
    network = parameters.get("NetworkConfiguration", {}).get("awsvpcConfiguration")
    if network is not None:
        low = {key[:1].lower() + key[1:]: value for key, value in network.items()}
        capacity["networkConfiguration"] = {"awsvpcConfiguration": low}
    return capacity


def _strategy_names(requests: Requests) -> list[str]:
    """The capacity providers that a service names, in words of ECS."""
    capacity = _capacity(requests)
    strategy = capacity.get("capacityProviderStrategy")
    return [item["capacityProvider"] for item in strategy] if strategy else [capacity["launchType"]]


def _instance_provider(name: str, requests: Requests, by_service: Mapping[str, Requests]) -> CapacityProvider:
    """A capacity provider of instances; its architecture and placement stand with the services that use it."""
    user = next(user for user in by_service.values() if name in _strategy_names(user))
    request = requests["CreateCapacityProvider"][0]
    if "managedInstancesProvider" in request:
        said = said_managed_instances(request, _architecture(user))
    else:
        group = [requests["CreateLaunchTemplate"][0], requests["CreateAutoScalingGroup"][0], request]
        said = said_group_provider(group, _architecture(user), _placement(_capacity(user)))
    return with_tags(said, request.get("tags", []), PROVIDER_FACTS)


def _architecture(requests: Requests) -> Architecture:
    return Architecture(requests["RegisterTaskDefinition"][0]["runtimePlatform"]["cpuArchitecture"])


def _placement(capacity: Request) -> PlacementStrategy:
    kinds = {item["type"] for item in capacity.get("placementStrategy", ())}
    if not kinds:
        return PlacementStrategy.DEFAULT_SPREAD
    if "random" in kinds:
        return PlacementStrategy.RANDOM
    if "binpack" not in kinds:
        return PlacementStrategy.INSTANCE_SPREAD
    return PlacementStrategy.SPREAD_THEN_BINPACK if "spread" in kinds else PlacementStrategy.BINPACK


def _has_public_instances(requests: Requests) -> bool:
    templates = requests.get("CreateLaunchTemplate")
    return bool(templates and templates[0]["LaunchTemplateData"]["NetworkInterfaces"][0]["AssociatePublicIpAddress"])


def can_rebalance(provider: CapacityProvider, maximum_percent: int) -> bool:
    """Needs zones to balance, the spread over them as the first strategy, and room to start a task before another stops."""
    packs_first = provider.launch_type is LaunchType.EC2 and (
        provider.placement not in ZONES_FIRST
        or (provider.placement is PlacementStrategy.SPREAD_THEN_BINPACK and provider.target_capacity_percent < 100)
    )
    return provider.zones > 1 and not packs_first and maximum_percent > 100


def said_fargate(requests: Requests, number: int) -> CapacityProvider:
    """What a service says of a Fargate provider behind it."""
    name = _strategy_names(requests)[number]
    return CapacityProvider(
        name=name,
        launch_type=LaunchType.FARGATE,
        purchase_option=PurchaseOption.SPOT if name == "FARGATE_SPOT" else PurchaseOption.ON_DEMAND,
        zones=len(_capacity(requests)["networkConfiguration"]["awsvpcConfiguration"]["subnets"]),
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
        on_demand_base=policy["InstancesDistribution"]["OnDemandBaseCapacity"] if policy is not None and is_spot else 0,
        architecture=architecture,
        placement=placement,
        has_trunking="PrivateDnsNameOptions" in data,
        root_volume_gib=data["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"],
        zones=len(group["VPCZoneIdentifier"].split(",")),
        min_instances=group["MinSize"],
        max_instances=group["MaxSize"],
        target_capacity_percent=request["autoScalingGroupProvider"]["managedScaling"]["targetCapacity"],
        ecs_reserved_memory_mib=_reserved_memory_mib(data["UserData"]),
    )


def _reserved_memory_mib(user_data: str) -> int:
    stated = re.search(rf'{RESERVED_MEMORY}(?:=|", ")(\d+)', b64decode(user_data).decode())
    return int(stated[1]) if stated else 0


def said_service(
    name: str,
    requests: Requests,
    providers: Sequence[CapacityProvider],
    by_service: Mapping[str, Requests],
    *,
    has_public_instances: bool,
) -> ServicePlan:
    """What task definition, service (or schedule) and scaling say of a service on ``providers``."""
    definition, capacity, provider = requests["RegisterTaskDefinition"][0], _capacity(requests), providers[0]
    first = definition["containerDefinitions"][0]
    platform = definition["runtimePlatform"]
    containers = tuple(container_of(each) for each in definition["containerDefinitions"])
    facts: dict[str, Any] = {
        "launch_type": provider.launch_type,
        "purchase_option": provider.purchase_option,
        "architecture": Architecture(platform["cpuArchitecture"]),
        "operating_system": platform["operatingSystemFamily"],
        "task": TaskSize(cpu_units=int(definition.get("cpu", first.get("cpu"))), memory_mib=int(definition["memory"])),
        "capacity_provider": provider.name,
        "strategy": _strategy(capacity, providers),
        "volumes": tuple(efs_volume_of(volume) for volume in definition["volumes"] if "efsVolumeConfiguration" in volume),
        "ephemeral_storage_gib": definition.get("ephemeralStorage", {}).get("sizeInGiB", FARGATE_INCLUDED_STORAGE_GIB),
        "log_retention_days": requests["PutRetentionPolicy"][0]["retentionInDays"],
        "has_public_ip": _has_public_ip(capacity, provider, has_public_instances=has_public_instances),
        "network_mode": definition["networkMode"],
    }
    if _is_plain(name, containers, is_below_least="cpu" not in definition):
        facts["image"] = containers[0].image
    else:
        facts["containers"] = containers
    if "CreateService" in requests:
        facts |= _service_facts(name, requests, provider, by_service)
    else:
        schedule = requests["CreateSchedule"][0]
        count = schedule["Target"]["EcsParameters"]["TaskCount"]
        facts |= {
            "desired_tasks": count,
            "min_tasks": count,
            "max_tasks": count,
            "scaling_metric": ScalingMetric.NONE,
            "schedule": schedule["ScheduleExpression"],
            "schedule_time_zone": schedule["ScheduleExpressionTimezone"],
            "is_schedule_enabled": schedule.get("State") != "DISABLED",
        }
    return ServicePlan(**facts)


def _service_facts(
    name: str, requests: Requests, provider: CapacityProvider, by_service: Mapping[str, Requests]
) -> dict[str, Any]:
    create = requests["CreateService"][0]
    deployment = create["deploymentConfiguration"]
    fixed: Request = {"MinCapacity": create.get("desiredCount", 0), "MaxCapacity": create.get("desiredCount", 0)}
    bounds = requests["RegisterScalableTarget"][0] if requests["RegisterScalableTarget"] else fixed
    high = deployment["maximumPercent"]
    is_rebalanced = create["availabilityZoneRebalancing"] == "ENABLED" or not can_rebalance(provider, high)
    return {
        "desired_tasks": create.get("desiredCount", bounds["MinCapacity"]),
        "min_tasks": bounds["MinCapacity"],
        "max_tasks": bounds["MaxCapacity"],
        "minimum_healthy_percent": deployment["minimumHealthyPercent"],
        "maximum_percent": high,
        "has_circuit_breaker": deployment["deploymentCircuitBreaker"]["enable"],
        "has_zone_rebalancing": is_rebalanced,
        "has_distinct_instances": has_distinct_instances(create),
        "service_connect": _service_connect(create.get("serviceConnectConfiguration")),
        **scaling_of(requests),
        **_load_balancing(name, create, by_service),
    }


def _is_plain(name: str, containers: Sequence[Container], *, is_below_least: bool) -> bool:
    """Whether image and port say it all."""
    one = containers[0]
    cpu = one.cpu_units if is_below_least else None
    ports = tuple(PortMapping(container_port=port.container_port) for port in one.ports[:1])
    return containers == (Container(name=name, image=one.image, ports=ports, cpu_units=cpu),)


def _strategy(capacity: Request, providers: Sequence[CapacityProvider]) -> tuple[StrategyItem, ...]:
    items = capacity.get("capacityProviderStrategy", [])
    if len(items) < 2:
        return ()
    return tuple(
        StrategyItem(capacity_provider=provider.name, weight=item["weight"], base=item["base"])
        for item, provider in zip(items, providers, strict=True)
    )


def _service_connect(connect: Request | None) -> ServiceConnect | None:
    if connect is None:
        return None
    offered: Request = next(iter(connect.get("services", [])), {})
    alias: Request = next(iter(offered.get("clientAliases", [])), {})
    return ServiceConnect(
        namespace=connect["namespace"],
        port_name=offered.get("portName"),
        dns_name=alias.get("dnsName"),
        client_port=alias.get("port"),
    )


def _load_balancing(name: str, create: Request, by_service: Mapping[str, Requests]) -> dict[str, Any]:
    target = next(iter(create.get("loadBalancers", [])), None)
    if target is None:
        return {}
    group = re.findall(r"targetgroup/([^/]+)/", target["targetGroupArn"])[-1]
    owner = next(
        other
        for other, requests in by_service.items()
        if group in [request["Name"] for request in requests["CreateTargetGroup"]]
    )
    protocol = next((request["Protocol"] for request in by_service[owner]["CreateTargetGroup"]), None)
    return {
        "port": target["containerPort"],
        "shares_target_group_of": None if owner == name else owner,
        "load_balancer": LoadBalancer.NETWORK if protocol == "TCP" else LoadBalancer.APPLICATION,
    }


def _has_public_ip(capacity: Request, provider: CapacityProvider, *, has_public_instances: bool) -> bool:
    if provider.launch_type is LaunchType.EC2:
        return has_public_instances
    # On Managed Instances the address is the instance's, which takes it from its subnet: a tag says that it is wanted.
    network = capacity.get("networkConfiguration")  # none in host mode
    return network is not None and bool(network["awsvpcConfiguration"]["assignPublicIp"] == "ENABLED")
