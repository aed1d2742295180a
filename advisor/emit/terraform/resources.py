"""API calls as resources of the AWS provider: the same requests, in Terraform's words, tied together by references."""

from collections.abc import Callable
from typing import Any, Final

from advisor.emit.ecs import names
from advisor.emit.ecs.calls import Call, Request
from advisor.emit.ecs.scaling import scales
from advisor.emit.terraform.configuration import Configuration
from advisor.emit.terraform.hcl import Encoded, Expr, Template
from advisor.errors import PlanError


def add_resources(made: Configuration, call: Call) -> None:
    """What a call makes, and what later calls refer to by its names."""
    _TRANSLATORS[call.operation](made, call)


def _without(request: Request, *members: str) -> Request:
    return {key: value for key, value in request.items() if key not in members}


def _owner(call: Call) -> str:
    return call.folder.split("/")[1]


def _tags(request: Request) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in request.get("tags", [])}


def _cluster(made: Configuration, call: Call) -> None:
    made.put("aws_ecs_cluster", "this", {"name": call.request["clusterName"], "settings": call.request["settings"]})


def _account_setting(made: Configuration, call: Call) -> None:
    made.put("aws_ecs_account_setting_default", "trunking", call.request)


def _repository(made: Configuration, call: Call) -> None:
    request = _without(call.request, "repositoryName")
    made.put("aws_ecr_repository", call.request["repositoryName"], {"name": call.request["repositoryName"]} | request)


def _lifecycle(made: Configuration, call: Call) -> None:
    name = call.request["repositoryName"]
    policy = Encoded(call.documents["lifecyclePolicyText"].content)
    made.put("aws_ecr_lifecycle_policy", name, {}, repository=made.reference("aws_ecr_repository", name, "name"), policy=policy)


def _security_group(made: Configuration, call: Call) -> None:
    request = call.request
    arguments = {"name": request["GroupName"], "description": request["Description"], "vpc_id": request["VpcId"]}
    made.put("aws_security_group", call.label, arguments)
    identity = made.reference("aws_security_group", call.label, "id")
    # Terraform takes away the rule that lets everything out, which AWS gives to a new group.
    rule = {"ip_protocol": "-1", "cidr_ipv4": "0.0.0.0/0", "description": "Anywhere: images, logs, secrets, other services"}
    made.put("aws_vpc_security_group_egress_rule", call.label, rule, security_group_id=identity)
    assert call.capture is not None  # noqa: S101 (a group without an id is of no use)
    made.refer(call.capture.placeholder, identity)


def _ingress(made: Configuration, call: Call) -> None:
    permission = call.request["IpPermissions"][0]
    arguments = {
        "description": "Load balancer or Service Connect",
        "ip_protocol": permission["IpProtocol"],
        "from_port": permission["FromPort"],
        "to_port": permission["ToPort"],
    }
    made.put(
        "aws_vpc_security_group_ingress_rule",
        f"ingress-{call.label}",
        arguments,
        security_group_id=call.request["GroupId"],
        referenced_security_group_id=permission["UserIdGroupPairs"][0]["GroupId"],
    )


def _role(made: Configuration, call: Call) -> None:
    role = call.request["RoleName"]
    trust = Encoded(call.documents["AssumeRolePolicyDocument"].content)
    arguments = {"name": role, "description": call.request["Description"]}
    made.put("aws_iam_role", role, arguments, assume_role_policy=trust)
    made.refer(names.arn(made.plan.region, "iam", f"role/{role}"), made.reference("aws_iam_role", role, "arn"))


def _role_of(made: Configuration, call: Call) -> Expr:
    return made.reference("aws_iam_role", call.request["RoleName"], "name")


def _inline_policy(made: Configuration, call: Call) -> None:
    policy = Encoded(call.documents["PolicyDocument"].content)
    arguments = {"name": call.request["PolicyName"]}
    made.put("aws_iam_role_policy", call.request["RoleName"], arguments, role=_role_of(made, call), policy=policy)


def _attached_policy(made: Configuration, call: Call) -> None:
    arguments = {"policy_arn": call.request["PolicyArn"]}
    made.put("aws_iam_role_policy_attachment", call.request["RoleName"], arguments, role=_role_of(made, call))


def _profile(made: Configuration, call: Call) -> None:
    name = call.request["InstanceProfileName"]
    role = made.reference("aws_iam_role", name, "name")
    made.put("aws_iam_instance_profile", name, {"name": name}, role=role)
    arn = names.arn(made.plan.region, "iam", f"instance-profile/{name}")
    made.refer(arn, made.reference("aws_iam_instance_profile", name, "arn"))


def _nothing(_: Configuration, __: Call) -> None:
    """Part of another resource."""


def _launch_template(made: Configuration, call: Call) -> None:
    data = dict(call.request["LaunchTemplateData"])
    interfaces = [{**_without(i, "Groups"), "SecurityGroups": i["Groups"]} for i in data.pop("NetworkInterfaces")]
    specifications = data.pop("TagSpecifications")
    arguments = {"name": call.request["LaunchTemplateName"], **data, "NetworkInterfaces": interfaces}
    block = made.put("aws_launch_template", _owner(call), arguments)
    for specification in specifications:
        nested = made.nest(block, "tag_specifications", {"resource_type": specification["ResourceType"]})
        nested.attributes["tags"] = {tag["Key"]: tag["Value"] for tag in specification["Tags"]}


def _group(made: Configuration, call: Call) -> None:
    request, owner = call.request, _owner(call)
    identity = made.reference("aws_launch_template", owner, "id")
    arguments = {
        "name": request["AutoScalingGroupName"],
        "min_size": request["MinSize"],
        "max_size": request["MaxSize"],
        "vpc_zone_identifier": request["VPCZoneIdentifier"].split(","),
        "protect_from_scale_in": request["NewInstancesProtectedFromScaleIn"],
    }
    block = made.put("aws_autoscaling_group", owner, arguments)
    policy = request.get("MixedInstancesPolicy")
    if policy is None:
        made.nest(block, "launch_template", {"version": "$Latest"}).attributes["id"] = identity
    else:
        mixed = made.nest(block, "mixed_instances_policy", {"InstancesDistribution": policy["InstancesDistribution"]})
        template = made.nest(mixed, "launch_template", {})
        specification = made.nest(template, "launch_template_specification", {"version": "$Latest"})
        specification.attributes["launch_template_id"] = identity
        for override in policy["LaunchTemplate"]["Overrides"]:
            made.nest(template, "override", override)
    for tag in request["Tags"]:
        made.nest(block, "tag", tag)
    # Its size belongs to ECS managed scaling.
    made.nest(block, "lifecycle", {}).attributes["ignore_changes"] = [Expr("desired_capacity")]


def _provider(made: Configuration, call: Call) -> None:
    request = call.request
    if "managedInstancesProvider" in request:
        raise PlanError(
            f"capacity provider {request['name']!r}: Managed Instances need a newer AWS provider for Terraform than these"
            " files are made for. Emit cloudformation or ecs instead."
        )
    group = request["autoScalingGroupProvider"] | {
        "autoScalingGroupArn": made.reference("aws_autoscaling_group", _owner(call), "arn")
    }
    tags = {"tags": _tags(request)} if "tags" in request else {}
    made.put("aws_ecs_capacity_provider", request["name"], {"name": request["name"], "autoScalingGroupProvider": group}, **tags)


def _provider_name(made: Configuration, name: str) -> Any:
    return name if name in ("FARGATE", "FARGATE_SPOT") else made.reference("aws_ecs_capacity_provider", name, "name")


def _cluster_name(made: Configuration) -> Expr:
    return made.reference("aws_ecs_cluster", "this", "name")


def _association(made: Configuration, call: Call) -> None:
    providers = [_provider_name(made, name) for name in call.request["capacityProviders"]]
    made.put("aws_ecs_cluster_capacity_providers", "this", {}, cluster_name=_cluster_name(made), capacity_providers=providers)


def _log_group(made: Configuration, call: Call) -> None:
    made.put("aws_cloudwatch_log_group", _owner(call), {"name": call.request["logGroupName"]})


def _retention(made: Configuration, call: Call) -> None:
    block = made.found("aws_cloudwatch_log_group", _owner(call))
    block.attributes["retention_in_days"] = call.request["retentionInDays"]


def _task_definition(made: Configuration, call: Call) -> None:
    name, request = _owner(call), call.request
    group = made.reference("aws_cloudwatch_log_group", name, "name")
    containers = []
    for container in request["containerDefinitions"]:
        options = container["logConfiguration"]["options"] | {"awslogs-group": group}
        containers.append(container | {"logConfiguration": container["logConfiguration"] | {"options": options}})
    tags = {"tags": _tags(request)} if "tags" in request else {}
    arguments = _without(request, "containerDefinitions", "tags")
    made.put("aws_ecs_task_definition", name, arguments, container_definitions=Encoded(containers), **tags)
    arn = names.arn(made.plan.region, "ecs", f"task-definition/{request['family']}")
    made.refer(arn, made.reference("aws_ecs_task_definition", name, "arn"))


def _target_group(made: Configuration, call: Call) -> None:
    name, request = _owner(call), call.request
    health = {
        "Protocol": request["HealthCheckProtocol"],
        "Port": request.get("HealthCheckPort"),
        "Path": request.get("HealthCheckPath"),
        "Interval": request["HealthCheckIntervalSeconds"],
        "Timeout": request["HealthCheckTimeoutSeconds"],
        "HealthyThreshold": request["HealthyThresholdCount"],
        "UnhealthyThreshold": request["UnhealthyThresholdCount"],
        "Matcher": request.get("Matcher", {}).get("HttpCode"),
    }
    arguments = {member: request[member] for member in ("Name", "Protocol", "Port", "VpcId", "TargetType")}
    check = {key: value for key, value in health.items() if value is not None}
    made.put("aws_lb_target_group", name, arguments | {"HealthCheck": check})
    text = names.target_group(made.plan.cluster, name)
    arn = names.arn(made.plan.region, "elasticloadbalancing", text)
    made.refer(arn, made.reference("aws_lb_target_group", name, "arn"))
    made.refer_inside(text, made.reference("aws_lb_target_group", name, "arn_suffix"))


def _target_group_attributes(made: Configuration, call: Call) -> None:
    block = made.found("aws_lb_target_group", _owner(call))
    block.attributes["deregistration_delay"] = int(call.request["Attributes"][0]["Value"])


def _listener_rule(made: Configuration, call: Call) -> None:
    listener = Expr(f"var.{made.variable('@listener')}")
    request = _without(call.request, "ListenerArn", "Conditions")
    block = made.put("aws_lb_listener_rule", _owner(call), request, listener_arn=listener)
    hosts = call.request["Conditions"][0]["HostHeaderConfig"]
    made.nest(block, "condition", {"HostHeader": hosts})


def _listener(made: Configuration, call: Call) -> None:
    balancer = Expr(f"var.{made.declare('network_load_balancer_arn', 'ARN of the Network Load Balancer.')}")
    made.put("aws_lb_listener", _owner(call), _without(call.request, "LoadBalancerArn"), load_balancer_arn=balancer)


def _service(made: Configuration, call: Call) -> None:
    request, name = dict(call.request), call.request["serviceName"]
    plan = made.plan.services[name]
    if "monitoring" in request:
        raise PlanError(
            f"service {name!r}: metrics every 20 s are newer than the AWS provider for Terraform that these files are made"
            " for. Emit cloudformation or ecs instead, or plan with 60 s."
        )
    deployment, network = request.pop("deploymentConfiguration"), request.pop("networkConfiguration", None)
    request = _without(request, "serviceName", "cluster", "taskDefinition")
    strategy = [i | {"capacityProvider": _provider_name(made, i["capacityProvider"])} for i in _items(request)]
    arguments = {
        "name": name,
        **_without(request, "capacityProviderStrategy"),
        "deploymentMinimumHealthyPercent": deployment["minimumHealthyPercent"],
        "deploymentMaximumPercent": deployment["maximumPercent"],
        "deploymentCircuitBreaker": deployment["deploymentCircuitBreaker"],
        "capacityProviderStrategy": strategy,
    }
    needed = [Expr(f"aws_ecs_cluster_capacity_providers.{made.label('this')}")]
    if plan.port is not None:
        kind = "aws_lb_listener_rule" if plan.load_balancer == "application" else "aws_lb_listener"
        needed.append(Expr(f"{kind}.{made.label(plan.shares_target_group_of or name)}"))
    extra: dict[str, Any] = {
        "cluster": made.reference("aws_ecs_cluster", "this", "arn"),
        "task_definition": made.reference("aws_ecs_task_definition", name, "arn"),
        "depends_on": needed,
    }
    block = made.put("aws_ecs_service", name, arguments, **extra)
    if network is not None:
        made.nest(block, "network_configuration", _network(network["awsvpcConfiguration"]))
    if scales(plan):
        # The number of tasks belongs to service auto scaling.
        made.nest(block, "lifecycle", {}).attributes["ignore_changes"] = [Expr("desired_count")]


def _items(request: Request) -> list[Request]:
    items: list[Request] = request.get("capacityProviderStrategy", [])
    return items


def _network(network: Request) -> Request:
    low = {key[:1].lower() + key[1:]: value for key, value in network.items()}
    return low | {"assignPublicIp": low["assignPublicIp"] == "ENABLED"}


def _scalable_target(made: Configuration, call: Call) -> None:
    name = _owner(call)
    service = made.reference("aws_ecs_service", name, "name")
    resource = Template(("service/", _cluster_name(made), "/", service))
    made.put("aws_appautoscaling_target", name, _without(call.request, "ResourceId"), resource_id=resource)


def _target_of(made: Configuration, call: Call) -> dict[str, Expr]:
    arguments = ("resource_id", "scalable_dimension", "service_namespace")
    return {argument: made.reference("aws_appautoscaling_target", _owner(call), argument) for argument in arguments}


def _scaling_policy(made: Configuration, call: Call) -> None:
    request = _without(call.request, "ResourceId", "ScalableDimension", "ServiceNamespace", "PolicyName")
    label = f"{_owner(call)}-{call.request['PolicyName']}"
    made.put("aws_appautoscaling_policy", label, {"name": call.request["PolicyName"], **request}, **_target_of(made, call))
    if call.capture is not None:
        made.refer(call.capture.placeholder, made.reference("aws_appautoscaling_policy", label, "arn"))


def _scheduled_action(made: Configuration, call: Call) -> None:
    request = _without(call.request, "ResourceId", "ScalableDimension", "ServiceNamespace", "ScheduledActionName")
    name = call.request["ScheduledActionName"]
    label = f"{_owner(call)}-{name}"
    made.put("aws_appautoscaling_scheduled_action", label, {"name": name, **request}, **_target_of(made, call))


def _dimensions(request: Request) -> dict[str, str]:
    return {pair["Name"]: pair["Value"] for pair in request["Dimensions"]}


def _alarm(made: Configuration, call: Call) -> None:
    request = _without(call.request, "Dimensions", "Metrics")
    extra = {} if "AlarmActions" in request else {"alarm_actions": made.topics()}
    block = made.put("aws_cloudwatch_metric_alarm", f"{_owner(call)}-{call.label}", request, **extra)
    if "Dimensions" in call.request:
        block.attributes["dimensions"] = made.value(_dimensions(call.request))
    for query in call.request.get("Metrics", []):
        nested = made.nest(block, "metric_query", _without(query, "MetricStat"))
        if "MetricStat" in query:
            stat = query["MetricStat"]
            metric = _without(stat["Metric"], "Dimensions") | {"Period": stat["Period"], "Stat": stat["Stat"]}
            made.nest(nested, "metric", metric).attributes["dimensions"] = made.value(_dimensions(stat["Metric"]))


def _dashboard(made: Configuration, call: Call) -> None:
    body = Encoded(call.documents["DashboardBody"].content)
    made.put("aws_cloudwatch_dashboard", "this", call.request, dashboard_body=body)


def _schedule(made: Configuration, call: Call) -> None:
    request, target = call.request, call.request["Target"]
    block = made.put("aws_scheduler_schedule", _owner(call), _without(request, "Target"))
    nested = made.nest(block, "target", {"RoleArn": target["RoleArn"], "RetryPolicy": target["RetryPolicy"]})
    nested.attributes["arn"] = made.reference("aws_ecs_cluster", "this", "arn")
    parameters = dict(target["EcsParameters"])
    network = parameters.pop("NetworkConfiguration", None)
    strategy = parameters.pop("CapacityProviderStrategy", [])
    placement = parameters.pop("PlacementStrategy", [])
    ecs = made.nest(nested, "ecs_parameters", parameters | {"EnableEcsManagedTags": parameters.pop("EnableECSManagedTags")})
    ecs.attributes.pop("enable_ecs_managed_tags", None)
    ecs.attributes["enable_ecs_managed_tags"] = True
    for item in strategy:
        made.nest(
            ecs, "capacity_provider_strategy", item | {"capacityProvider": _provider_name(made, item["capacityProvider"])}
        )
    for item in placement:
        made.nest(ecs, "placement_strategy", item)
    if network is not None:
        made.nest(ecs, "network_configuration", _network(network["awsvpcConfiguration"]))
    needed = [Expr(f"aws_ecs_cluster_capacity_providers.{made.label('this')}")]
    block.attributes["depends_on"] = needed


_TRANSLATORS: Final[dict[str, Callable[[Configuration, Call], None]]] = {
    "AddRoleToInstanceProfile": _nothing,
    "AttachRolePolicy": _attached_policy,
    "AuthorizeSecurityGroupIngress": _ingress,
    "CreateAutoScalingGroup": _group,
    "CreateCapacityProvider": _provider,
    "CreateCluster": _cluster,
    "CreateInstanceProfile": _profile,
    "CreateLaunchTemplate": _launch_template,
    "CreateListener": _listener,
    "CreateLogGroup": _log_group,
    "CreateRepository": _repository,
    "CreateRole": _role,
    "CreateRule": _listener_rule,
    "CreateSchedule": _schedule,
    "CreateSecurityGroup": _security_group,
    "CreateService": _service,
    "CreateTargetGroup": _target_group,
    "ModifyTargetGroupAttributes": _target_group_attributes,
    "PutAccountSettingDefault": _account_setting,
    "PutClusterCapacityProviders": _association,
    "PutDashboard": _dashboard,
    "PutLifecyclePolicy": _lifecycle,
    "PutMetricAlarm": _alarm,
    "PutRetentionPolicy": _retention,
    "PutRolePolicy": _inline_policy,
    "PutScalingPolicy": _scaling_policy,
    "PutScheduledAction": _scheduled_action,
    "RegisterScalableTarget": _scalable_target,
    "RegisterTaskDefinition": _task_definition,
}
