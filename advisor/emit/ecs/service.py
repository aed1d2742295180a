"""A service with its load balancing, scaling and alarms; or the schedule of a batch job."""

from collections.abc import Sequence
from typing import Final

from advisor.ecs import LaunchType, PlacementStrategy, PurchaseOption
from advisor.emit.ecs import names
from advisor.emit.ecs.alarms import alarm_calls
from advisor.emit.ecs.calls import Call, Request
from advisor.emit.ecs.capacity import has_public_instances, provider_name_for_ecs
from advisor.emit.ecs.network import load_balancing_calls, target_group_arn
from advisor.emit.ecs.parse import JOB_NAME, can_rebalance, grouped, provider_prefix, said_fargate, said_service
from advisor.emit.ecs.scaling import scaling_calls
from advisor.emit.ecs.tags import PROVIDER_FACTS, SERVICE_FACTS, tags_beyond
from advisor.emit.ecs.task_definition import log_group_requests, register_task_definition
from advisor.plan import CapacityProvider, Plan, ServicePlan
from advisor.plan.placement import DISTINCT_INSTANCE
from advisor.plan.step_documents import METRIC_NAMES

HEALTH_CHECK_GRACE_S: Final = 120
_SPREAD: Final = {"type": "spread", "field": "attribute:ecs.availability-zone"}
_BINPACK: Final = {"type": "binpack", "field": "memory"}
_STRATEGIES: Final = {
    PlacementStrategy.SPREAD_THEN_BINPACK: [_SPREAD, _BINPACK],
    PlacementStrategy.BINPACK: [_BINPACK],
    PlacementStrategy.INSTANCE_SPREAD: [{"type": "spread", "field": "instanceId"}],
    PlacementStrategy.RANDOM: [{"type": "random"}],
}
"""What a service states; ECS's default is stated by none."""
_RETRIES: Final = 3


def services_in_order(plan: Plan) -> list[str]:
    """By name; whoever shares a target group after its owner."""
    return sorted(plan.services, key=lambda name: (plan.services[name].shares_target_group_of is not None, name))


def service_calls(plan: Plan, name: str) -> list[Call]:
    """Everything that belongs to one service, in order."""
    group, retention = log_group_requests(plan, name)
    definition = _call(name, "ecs", "RegisterTaskDefinition", register_task_definition(plan, name))
    calls = [
        _call(name, "logs", "CreateLogGroup", group),
        _call(name, "logs", "PutRetentionPolicy", retention),
        definition,
        *load_balancing_calls(plan, name),
    ]
    if plan.services[name].schedule is None:
        calls += [_call(name, "ecs", "CreateService", _create_service(plan, name)), *scaling_calls(plan, name)]
        calls += alarm_calls(plan, name)
    else:
        calls.append(_call(name, "scheduler", "CreateSchedule", _schedule(plan, name)))
    is_job = plan.services[name].schedule is not None
    tags = [{"key": JOB_NAME, "value": name}] if is_job else []
    definition.request["tags"] = tags
    tags += _tags(plan, name, calls)
    if not tags:
        del definition.request["tags"]
    return calls


def _call(name: str, service: str, operation: str, request: Request) -> Call:
    return Call(service=service, operation=operation, folder=f"services/{name}/", request=request)


def _tags(plan: Plan, name: str, calls: Sequence[Call]) -> list[Request]:
    """On the task definition: what the requests do not say of the service and of Fargate, whose providers take no tags."""
    service = plan.services[name]
    owner = service.shares_target_group_of
    if owner is not None:
        calls = [*calls, *load_balancing_calls(plan, owner), _call(owner, "ecs", "CreateService", _create_service(plan, owner))]
    by_service, _ = grouped(plan.cluster, [(call.service, call.operation, call.request) for call in calls])
    requests = by_service[name]
    providers = [plan.capacity_providers[item.capacity_provider] for item in service.strategy_items]
    is_public = has_public_instances(plan, service.capacity_provider)
    said = said_service(name, requests, providers, by_service, has_public_instances=is_public)
    tags = tags_beyond(said, service, SERVICE_FACTS)
    if service.launch_type is LaunchType.FARGATE:
        for number, provider in enumerate(providers):
            tags += tags_beyond(said_fargate(requests, number), provider, PROVIDER_FACTS, of=provider_prefix(number))
    return tags


def _create_service(plan: Plan, name: str) -> Request:
    service = plan.services[name]
    provider = plan.capacity_providers[service.capacity_provider]
    request: Request = {
        "cluster": plan.cluster,
        "serviceName": name,
        "taskDefinition": names.family(plan.cluster, name),
        "desiredCount": service.desired_tasks,
        "schedulingStrategy": "REPLICA",
        "deploymentConfiguration": {
            "minimumHealthyPercent": service.minimum_healthy_percent,
            "maximumPercent": service.maximum_percent,
            "deploymentCircuitBreaker": {"enable": service.has_circuit_breaker, "rollback": service.has_circuit_breaker},
        },
        "enableECSManagedTags": True,
        "propagateTags": "TASK_DEFINITION",
        "enableExecuteCommand": False,
    }
    request |= _capacity(plan, service)
    is_balanced = service.has_zone_rebalancing and can_rebalance(provider, service.maximum_percent)
    request["availabilityZoneRebalancing"] = "ENABLED" if is_balanced else "DISABLED"
    if service.network_mode == "awsvpc":
        request["networkConfiguration"] = {"awsvpcConfiguration": _network(service, name, provider.zones)}
    if service.port is not None:
        target = {
            "targetGroupArn": target_group_arn(plan, name),
            "containerName": service.balanced_container(name).name,
            "containerPort": service.port,
        }
        request |= {"loadBalancers": [target], "healthCheckGracePeriodSeconds": HEALTH_CHECK_GRACE_S}
    if service.service_connect is not None:
        request["serviceConnectConfiguration"] = _service_connect(service)
    if service.metric_resolution_s != 60:
        metrics = {
            "metricNames": [METRIC_NAMES[service.scaling_metric]],
            "resolutionSeconds": service.metric_resolution_s,
        }
        request["monitoring"] = {"metricConfigurations": [metrics]}
    return request


def _service_connect(service: ServicePlan) -> Request:
    connect = service.service_connect
    assert connect is not None  # noqa: S101 (the caller asked)
    request: Request = {"enabled": True, "namespace": connect.namespace}
    if connect.port_name is not None:
        offered: Request = {"portName": connect.port_name}
        if connect.dns_name is not None:
            offered["clientAliases"] = [{"dnsName": connect.dns_name, "port": connect.client_port}]
        request["services"] = [offered]
    return request


def _capacity(plan: Plan, service: ServicePlan) -> Request:
    """A launch type or a strategy, never both. Only Fargate On-Demand and the EC2 launch type can go without a strategy."""
    provider = plan.capacity_providers[service.capacity_provider]
    is_plain = provider.launch_type is LaunchType.FARGATE and provider.purchase_option is PurchaseOption.ON_DEMAND
    if is_plain and not service.strategy:
        return {"launchType": "FARGATE"}
    strategy = [
        {
            "capacityProvider": provider_name_for_ecs(plan.capacity_providers[item.capacity_provider]),
            "base": item.base,
            "weight": item.weight,
        }
        for item in service.strategy_items
    ]
    request: Request = {"capacityProviderStrategy": strategy}
    if provider.launch_type is LaunchType.EC2 and provider.placement in _STRATEGIES:
        items = _STRATEGIES[provider.placement]
        # With a target capacity below 100 AWS demands binpack first, else each task ends up on an instance of its own.
        request["placementStrategy"] = items[::-1] if _keeps_spare_instances(provider) else [*items]
    if service.has_distinct_instances:
        request["placementConstraints"] = [{"type": DISTINCT_INSTANCE}]
    return request


def _keeps_spare_instances(provider: CapacityProvider) -> bool:
    return provider.target_capacity_percent < 100


def _network(service: ServicePlan, name: str, zones: int) -> Request:
    """Only on Fargate can a task's own interface have an address: on instances it is the instance's, by its subnet."""
    is_public = service.has_public_ip and service.launch_type is LaunchType.FARGATE
    return {
        "subnets": names.subnets(zones, is_public=is_public),
        "securityGroups": [names.task_security_group(name)],
        "assignPublicIp": "ENABLED" if is_public else "DISABLED",
    }


def _schedule(plan: Plan, name: str) -> Request:
    """EventBridge Scheduler starts the newest revision, and tries again where there is no capacity."""
    service = plan.services[name]
    provider = plan.capacity_providers[service.capacity_provider]
    parameters: Request = {
        "TaskDefinitionArn": names.arn(plan.region, "ecs", f"task-definition/{names.family(plan.cluster, name)}"),
        "TaskCount": service.desired_tasks,
        "EnableECSManagedTags": True,
        "PropagateTags": "TASK_DEFINITION",
    }
    capacity = _capacity(plan, service)
    if "launchType" in capacity:
        parameters["LaunchType"] = capacity["launchType"]
    else:
        parameters["CapacityProviderStrategy"] = capacity["capacityProviderStrategy"]
    if "placementStrategy" in capacity:
        parameters["PlacementStrategy"] = capacity["placementStrategy"]
    if service.network_mode == "awsvpc":
        network = _network(service, name, provider.zones)
        parameters["NetworkConfiguration"] = {
            "awsvpcConfiguration": {
                "Subnets": network["subnets"],
                "SecurityGroups": network["securityGroups"],
                "AssignPublicIp": network["assignPublicIp"],
            }
        }
    state = {} if service.is_schedule_enabled else {"State": "DISABLED"}
    return state | {
        "Name": names.schedule_name(plan.cluster, name),
        "ScheduleExpression": service.schedule,
        "ScheduleExpressionTimezone": service.schedule_time_zone,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": names.arn(plan.region, "ecs", f"cluster/{plan.cluster}"),
            "RoleArn": names.arn(plan.region, "iam", f"role/{names.scheduler_role(plan.cluster, name)}"),
            "EcsParameters": parameters,
            "RetryPolicy": {"MaximumRetryAttempts": _RETRIES, "MaximumEventAgeInSeconds": 3600},
        },
    }
