"""A service with its load balancing and its scaling."""

from collections.abc import Mapping
from typing import Final

from advisor.ecs import LaunchType, PlacementStrategy, PurchaseOption
from advisor.emit.ecs import names
from advisor.emit.ecs.calls import Call, Request
from advisor.emit.ecs.capacity import has_public_instances, provider_name_for_ecs
from advisor.emit.ecs.parse import said_fargate, said_service
from advisor.emit.ecs.tags import OF_PROVIDER, PROVIDER_FACTS, SERVICE_FACTS, tags_beyond
from advisor.emit.ecs.task_definition import log_group_requests, register_task_definition
from advisor.plan import CapacityProvider, Plan, ScalingMetric, ServicePlan

HEALTH_CHECK_GRACE_S: Final = 120
COOLDOWN_S: Final = 300
"""AWS's default for ECS services, in and out."""
SPOT_DEREGISTRATION_S: Final = 60
"""Half of the notice before an interruption, so that open requests end before the task does; AWS's default is 300 s."""
_DIMENSION: Final = "ecs:service:DesiredCount"
_SPREAD: Final = {"type": "spread", "field": "attribute:ecs.availability-zone"}
_BINPACK: Final = {"type": "binpack", "field": "memory"}


def service_calls(plan: Plan, name: str) -> list[Call]:
    """Everything that belongs to one service, in order."""
    group, retention = log_group_requests(plan, name)
    definition = register_task_definition(plan, name)
    calls = [
        _call(name, "logs", "CreateLogGroup", group),
        _call(name, "logs", "PutRetentionPolicy", retention),
        _call(name, "ecs", "RegisterTaskDefinition", definition),
    ]
    if plan.services[name].port is not None:
        calls += _load_balancing_calls(plan, name)
    policy = _policy_requests(plan, name)
    calls.append(_call(name, "ecs", "CreateService", _tagged_service(plan, name, definition, policy)))
    return calls + [_call(name, "application-autoscaling", operation, request) for operation, request in policy.items()]


def _call(name: str, service: str, operation: str, request: Request) -> Call:
    return Call(service=service, operation=operation, folder=f"services/{name}/", request=request)


def _load_balancing_calls(plan: Plan, name: str) -> list[Call]:
    service = plan.services[name]
    calls = [_call(name, "elbv2", "CreateTargetGroup", _target_group(plan, name))]
    if service.purchase_option is PurchaseOption.SPOT:
        attribute = {"Key": "deregistration_delay.timeout_seconds", "Value": str(SPOT_DEREGISTRATION_S)}
        request = {"TargetGroupArn": _target_group_arn(plan, name), "Attributes": [attribute]}
        calls.append(_call(name, "elbv2", "ModifyTargetGroupAttributes", request))
    return [*calls, _call(name, "elbv2", "CreateRule", _listener_rule(plan, name))]


def _target_group_arn(plan: Plan, name: str) -> str:
    return names.arn(plan.region, "elasticloadbalancing", names.target_group(plan.cluster, name))


def _target_group(plan: Plan, name: str) -> Request:
    service = plan.services[name]
    return {
        "Name": names.target_group_name(plan.cluster, name),
        "Protocol": "HTTP",
        "Port": service.port,
        "VpcId": names.VPC,
        "TargetType": "ip" if service.network_mode == "awsvpc" else "instance",
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPath": "/",
        "HealthCheckIntervalSeconds": 15,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 2,
        "UnhealthyThresholdCount": 3,
        "Matcher": {"HttpCode": "200-399"},
    }


def _listener_rule(plan: Plan, name: str) -> Request:
    """Ties the target group to the listener, without which ECS refuses the service."""
    balanced = sorted(other for other, service in plan.services.items() if service.port is not None)
    return {
        "ListenerArn": names.arn(plan.region, "elasticloadbalancing", names.LISTENER),
        "Priority": 10 * (balanced.index(name) + 1),
        "Conditions": [{"Field": "host-header", "HostHeaderConfig": {"Values": [names.host_name(name)]}}],
        "Actions": [{"Type": "forward", "TargetGroupArn": _target_group_arn(plan, name)}],
    }


def _tagged_service(plan: Plan, name: str, definition: Request, policy: Mapping[str, Request]) -> Request:
    """CreateService; the providers of Fargate cannot carry tags, so their services do."""
    request, service = _create_service(plan, name), plan.services[name]
    requests = {"RegisterTaskDefinition": definition, "CreateService": request, **policy}
    provider = plan.capacity_providers[service.capacity_provider]
    said = said_service(requests, provider, has_public_instances=has_public_instances(plan, provider.name))
    tags = tags_beyond(said, service, SERVICE_FACTS)
    if service.launch_type is LaunchType.FARGATE:
        tags += tags_beyond(said_fargate(request), provider, PROVIDER_FACTS, of=OF_PROVIDER)
    return request | ({"tags": tags} if tags else {})


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
            "minimumHealthyPercent": 100,
            "maximumPercent": 200,
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        },
        "enableECSManagedTags": True,
        "propagateTags": "SERVICE",
        "enableExecuteCommand": False,
    }
    request |= _capacity(provider) | {"availabilityZoneRebalancing": _rebalancing(provider)}
    if service.network_mode == "awsvpc":
        request["networkConfiguration"] = {"awsvpcConfiguration": _network(service, name, provider.zones)}
    if service.port is not None:
        target = {"targetGroupArn": _target_group_arn(plan, name), "containerName": name, "containerPort": service.port}
        request |= {"loadBalancers": [target], "healthCheckGracePeriodSeconds": HEALTH_CHECK_GRACE_S}
    return request


def _capacity(provider: CapacityProvider) -> Request:
    """A launch type or a strategy, never both. Only Fargate On-Demand and the EC2 launch type can go without a strategy."""
    if provider.launch_type is LaunchType.FARGATE and provider.purchase_option is PurchaseOption.ON_DEMAND:
        return {"launchType": "FARGATE"}
    strategy = [{"capacityProvider": provider_name_for_ecs(provider), "base": 0, "weight": 1}]
    request: Request = {"capacityProviderStrategy": strategy}
    if _has_strategy(provider):
        request["placementStrategy"] = [_BINPACK, _SPREAD] if _keeps_spare_instances(provider) else [_SPREAD, _BINPACK]
    return request


def _has_strategy(provider: CapacityProvider) -> bool:
    """Managed Instances and Fargate take none; without one, ECS spreads over zones, then over instances."""
    return provider.launch_type is LaunchType.EC2 and provider.placement is PlacementStrategy.SPREAD_THEN_BINPACK


def _keeps_spare_instances(provider: CapacityProvider) -> bool:
    """With a target capacity below 100 AWS demands binpack first, else each task ends up on an instance of its own."""
    return provider.target_capacity_percent < 100


def _rebalancing(provider: CapacityProvider) -> str:
    """Needs zones to balance, and the spread over them as the first strategy."""
    is_spread_first = not (_has_strategy(provider) and _keeps_spare_instances(provider))
    return "ENABLED" if provider.zones > 1 and is_spread_first else "DISABLED"


def _network(service: ServicePlan, name: str, zones: int) -> Request:
    """On EC2 an address is the instance's: a task's own interface cannot have one there."""
    is_public = service.has_public_ip and service.launch_type is not LaunchType.EC2
    return {
        "subnets": names.subnets(zones, is_public=is_public),
        "securityGroups": [names.task_security_group(name)],
        "assignPublicIp": "ENABLED" if is_public else "DISABLED",
    }


def _policy_requests(plan: Plan, name: str) -> dict[str, Request]:
    """Scalable target and target tracking policy, by operation; none where the plan keeps the count as it is."""
    service = plan.services[name]
    if service.scaling_target is None:
        return {}
    resource = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{plan.cluster}/{name}",
        "ScalableDimension": _DIMENSION,
    }
    tracking = {
        "TargetValue": float(service.scaling_target),
        "PredefinedMetricSpecification": _metric(plan, name),
        "ScaleOutCooldown": COOLDOWN_S,
        "ScaleInCooldown": COOLDOWN_S,
        "DisableScaleIn": False,
    }
    policy = {
        "PolicyName": f"{service.scaling_metric}-target-tracking",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": tracking,
    }
    bounds = {"MinCapacity": service.min_tasks, "MaxCapacity": service.max_tasks}
    return {"RegisterScalableTarget": resource | bounds, "PutScalingPolicy": resource | policy}


def _metric(plan: Plan, name: str) -> Request:
    if plan.services[name].scaling_metric is ScalingMetric.CPU:
        return {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}
    if plan.services[name].scaling_metric is ScalingMetric.MEMORY:
        return {"PredefinedMetricType": "ECSServiceAverageMemoryUtilization"}
    label = f"{names.LOAD_BALANCER}/{names.target_group(plan.cluster, name)}"
    return {"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": label}
