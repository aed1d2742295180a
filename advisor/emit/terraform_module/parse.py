"""From the module's inputs back to the plan: as the API calls that the module makes of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from advisor.emit.ecs.calls import Request
from advisor.emit.ecs.parse import NOT_A_PLAN, plan_of_calls
from advisor.emit.terraform import MAIN, VERSIONS
from advisor.emit.terraform.hcl import Block, Expr, read_hcl
from advisor.emit.terraform.parse import Reader, Triple, api_name, resource_calls
from advisor.emit.terraform_module.render import CLUSTER
from advisor.errors import InputError
from advisor.plan import Plan

_FORWARDS: Final = {"aws_lb_listener_rule": "action", "aws_lb_listener": "default_action"}


def parse_terraform_module(files: Mapping[str, bytes]) -> Plan:
    """The plan that a configuration puts into effect: the inverse of `render_terraform_module`."""
    for path in (MAIN, VERSIONS):
        if path not in files:
            raise InputError("the file is missing", fix="Emit the folder again.", file=path)
    try:
        versions = read_hcl(files[VERSIONS].decode())
        region = next(block for block in versions if block.kind == "provider").attributes["region"]
        blocks = read_hcl(files[MAIN].decode())
        return plan_of_calls(region, [*_module_calls(blocks), *resource_calls(blocks)])
    except NOT_A_PLAN as error:
        problem = f"the configuration lacks what a plan needs ({type(error).__name__}: {error})"
        raise InputError(problem, fix="Emit the folder again.", file=MAIN) from error


def _module_calls(blocks: Sequence[Block]) -> Iterator[Triple]:
    reader = Reader(blocks)
    resources = {block.labels: block for block in blocks if block.kind == "resource"}
    modules = {block.labels[0]: block.attributes for block in blocks if block.kind == "module"}
    cluster = reader.value(modules.pop(CLUSTER))
    yield "ecs", "CreateCluster", {"clusterName": cluster["name"], "settings": cluster["setting"]}
    for provider in cluster["capacity_providers"].values():
        group = _api(provider["auto_scaling_group_provider"], is_pascal=False)
        tags = _tags(provider.get("tags", {}))
        yield "ecs", "CreateCapacityProvider", {"name": provider["name"], "autoScalingGroupProvider": group, "tags": tags}
    for inputs in modules.values():
        group_of = _target_groups(inputs, resources, reader)
        yield from _service_calls(cluster["name"], reader.value(inputs), group_of)


def _target_groups(inputs: Request, resources: Mapping[tuple[str, ...], Block], reader: Reader) -> list[Any]:
    """What the listener or its rule forwards to."""
    found = []
    for target in inputs.get("load_balancer", {}).values():
        expression = target["target_group_arn"]
        assert isinstance(expression, Expr)  # noqa: S101 (so it was written)
        kind, label, *_ = expression.text.split(".")
        action = resources[kind, label].named(_FORWARDS[kind])[0]
        found.append(reader.value(action.attributes["target_group_arn"]))
    return found


def _service_calls(cluster: str, inputs: Request, target_groups: Sequence[str]) -> Iterator[Triple]:
    yield "ecs", "CreateService", _service(inputs, target_groups)
    yield "ecs", "RegisterTaskDefinition", _task_definition(inputs)
    first = next(iter(inputs["container_definitions"].values()))
    retention = first["cloudwatch_log_group_retention_in_days"]
    yield "logs", "PutRetentionPolicy", {"logGroupName": first["cloudwatch_log_group_name"], "retentionInDays": retention}
    if not inputs["enable_autoscaling"]:
        return
    resource = {"ResourceId": f"service/{cluster}/{inputs['name']}"}
    bounds = {"MinCapacity": inputs["autoscaling_min_capacity"], "MaxCapacity": inputs["autoscaling_max_capacity"]}
    yield "application-autoscaling", "RegisterScalableTarget", resource | bounds
    for policy in inputs["autoscaling_policies"].values():
        said = _api(policy, is_pascal=True)
        yield "application-autoscaling", "PutScalingPolicy", resource | said | {"PolicyName": said["Name"]}
    for action in inputs.get("autoscaling_scheduled_actions", {}).values():
        said = {"ScheduledActionName": action["name"], "Schedule": action["schedule"], "Timezone": action["timezone"]}
        limits = {"MinCapacity": action["min_capacity"], "MaxCapacity": action["max_capacity"]}
        yield "application-autoscaling", "PutScheduledAction", resource | said | {"ScalableTargetAction": limits}


def _service(inputs: Request, target_groups: Sequence[str]) -> Request:
    request: Request = {
        "serviceName": inputs["name"],
        "taskDefinition": inputs["family"],
        "desiredCount": inputs["desired_count"],
        "availabilityZoneRebalancing": inputs["availability_zone_rebalancing"],
        "deploymentConfiguration": {
            "minimumHealthyPercent": inputs["deployment_minimum_healthy_percent"],
            "maximumPercent": inputs["deployment_maximum_percent"],
            "deploymentCircuitBreaker": inputs["deployment_circuit_breaker"],
        },
    }
    if "capacity_provider_strategy" in inputs:
        strategy = [_api(item, is_pascal=False) for item in inputs["capacity_provider_strategy"].values()]
        request["capacityProviderStrategy"] = strategy
    else:
        request["launchType"] = inputs["launch_type"]
    if "ordered_placement_strategy" in inputs:
        request["placementStrategy"] = inputs["ordered_placement_strategy"]
    if "placement_constraints" in inputs:
        request["placementConstraints"] = list(inputs["placement_constraints"].values())
    if "subnet_ids" in inputs:
        address = "ENABLED" if inputs["assign_public_ip"] else "DISABLED"
        request["networkConfiguration"] = {"awsvpcConfiguration": {"subnets": inputs["subnet_ids"], "assignPublicIp": address}}
    if target_groups:
        target = inputs["load_balancer"]["service"]
        request["loadBalancers"] = [{"targetGroupArn": target_groups[0], "containerPort": target["container_port"]}]
    if "service_connect_configuration" in inputs:
        connect = inputs["service_connect_configuration"]
        offered = [
            {"portName": each["port_name"]}
            | ({"clientAliases": [_api(each["client_alias"], is_pascal=False)]} if "client_alias" in each else {})
            for each in connect.get("service", [])
        ]
        request["serviceConnectConfiguration"] = {"namespace": connect["namespace"], "services": offered}
    return request


def _task_definition(inputs: Request) -> Request:
    request: Request = {
        "family": inputs["family"],
        "networkMode": inputs["network_mode"],
        "memory": inputs["memory"],
        "runtimePlatform": _api(inputs["runtime_platform"], is_pascal=False),
        "containerDefinitions": list(inputs["container_definitions"].values()),
        "volumes": [{"name": name} | _api(volume, is_pascal=False) for name, volume in inputs["volume"].items()],
        "tags": _tags(inputs.get("task_tags", {})),
    }
    if inputs["cpu"] is not None:
        request["cpu"] = inputs["cpu"]
    if "ephemeral_storage" in inputs:
        request["ephemeralStorage"] = _api(inputs["ephemeral_storage"], is_pascal=False)
    return request


def _tags(tags: Mapping[str, str]) -> list[Request]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def _api(value: Any, *, is_pascal: bool) -> Any:
    """Inputs as the API spells them, all the way down."""
    if isinstance(value, dict):
        return {api_name(key, is_pascal=is_pascal): _api(item, is_pascal=is_pascal) for key, item in value.items()}
    return [_api(item, is_pascal=is_pascal) for item in value] if isinstance(value, list) else value
