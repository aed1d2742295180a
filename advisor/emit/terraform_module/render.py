"""API calls as inputs of the module: of its cluster and its services. What the module does not make stays a resource.

Inputs and defaults are those of release 7.0 of terraform-aws-modules/ecs/aws (modules/cluster, modules/service and
modules/container-definition, and its docs/UPGRADE-7.0.md), read 2026-11. Where a default of the module differs from what the
plan says or from what ECS does by itself, the input is set.
"""

from collections.abc import Callable
from typing import Any, Final

from advisor.emit.ecs import calls_of, names
from advisor.emit.ecs.calls import Call, Request
from advisor.emit.ecs.placeholders import PLACEHOLDER
from advisor.emit.ecs.scaling import scales
from advisor.emit.terraform import MAIN, VALUES, VARIABLES, VERSIONS, readme
from advisor.emit.terraform.configuration import Configuration, snake
from advisor.emit.terraform.hcl import Block, Expr, attributes_text, hcl_text, quoted
from advisor.emit.terraform.resources import add_resources
from advisor.emit.terraform_module.limits import check_module
from advisor.plan import Plan

SOURCE: Final = "terraform-aws-modules/ecs/aws//modules/"
VERSION: Final = "~> 7.0"
CLUSTER: Final = "ecs_cluster"
SERVICE: Final = "ecs_service_"
_START_TIMEOUT_S: Final = 120
"""The most that Fargate takes (ECS API reference, ContainerDefinition). The module's own 30 s is short for a migration."""
_STOP_TIMEOUT_S: Final = 30
"""What ECS does by itself (ECS API reference, ContainerDefinition); the module's own is 120 s."""
_COUNTS: Final = """
The module ignores changes of `desired_count`, always: it is used once. Where service auto scaling has the number of tasks
that is as it should be; a service with a fixed number is changed with `aws ecs update-service --desired-count`. The size of
Auto Scaling groups belongs to ECS managed scaling.

A container that another one waits for (`dependsOn`) has 120 s to get there, `startTimeout`: the module always sets one,
30 s where nobody does, and Fargate takes 120 s at most.

The roles of tasks are resources beside the module, since those that it makes may read and write more than these tasks need.

"""


def render_terraform_module(plan: Plan) -> dict[str, bytes]:
    """Configuration, values to fill in and README: relative path and content of each file, the same for the same plan.

    Raises
    ------
    PlanError
        If AWS would refuse a part of the plan, or the module cannot express it.

    Examples
    --------
    >>> import advisor
    >>> plan = advisor.read_recommendation("reports/shop").recommended.plan
    >>> sorted(advisor.render_terraform_module(plan))
    ['README.md', 'main.tf', 'terraform.tfvars', 'variables.tf', 'versions.tf']
    """
    calls = calls_of(plan)
    check_module(plan)
    modules = _Modules(plan)
    for call in calls:
        modules.add(call)
    made = modules.made
    blocks = [Block(kind="data", labels=("aws_caller_identity", "current")), *modules.blocks(), *made.resources]
    files = {
        MAIN: hcl_text(blocks),
        VARIABLES: hcl_text([made.variables[name] for name in sorted(made.variables)]),
        VALUES: attributes_text(dict(sorted(made.values.items()))),
        VERSIONS: hcl_text(_versions(plan)),
        "README.md": readme(plan, made, _COUNTS),
    }
    return {path: files[path].encode() for path in sorted(files)}


def _versions(plan: Plan) -> list[Block]:
    aws = {"source": "hashicorp/aws", "version": ">= 6.0"}
    required = Block(kind="required_providers", attributes={"aws": aws})
    terraform = Block(kind="terraform", attributes={"required_version": ">= 1.5.7"}, blocks=[required])
    return [terraform, Block(kind="provider", labels=("aws",), attributes={"region": plan.region})]


class _Modules:
    """Collects inputs of the modules; all other calls become resources."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.made = Configuration(plan)
        self.cluster: dict[str, Any] = {}
        self._services: dict[str, dict[str, Any]] = {}

    def add(self, call: Call) -> None:
        translate = _TRANSLATORS.get(call.operation)
        if translate is None or not translate(self, call):
            add_resources(self.made, call)

    def blocks(self) -> list[Block]:
        cluster = Block(kind="module", labels=(CLUSTER,), attributes=_source("cluster") | self.cluster)
        services = [
            Block(kind="module", labels=(self._label(name),), attributes=_source("service") | inputs)
            for name, inputs in self._services.items()
        ]
        return [cluster, *services]

    def inputs(self, name: str) -> dict[str, Any]:
        return self._services.setdefault(name, {})

    def output(self, name: str, output: str) -> Expr:
        return Expr(f"module.{self._label(name)}.{output}")

    def _label(self, name: str) -> str:
        return SERVICE + self.made.label(name)

    def snaked(self, value: Any) -> Any:
        """Members in Terraform's words, all the way down."""
        if isinstance(value, dict):
            return {snake(key): self.snaked(item) for key, item in value.items()}
        return [self.snaked(item) for item in value] if isinstance(value, list) else self.made.value(value)


def _source(part: str) -> dict[str, Any]:
    return {"source": SOURCE + part, "version": VERSION}


def _owner(call: Call) -> str:
    return call.folder.split("/")[1]


def _cluster(modules: _Modules, call: Call) -> bool:
    modules.cluster |= {
        "name": call.request["clusterName"],
        "setting": call.request["settings"],
        "cluster_capacity_providers": [],
        "capacity_providers": {},
        "configuration": None,
        "create_cloudwatch_log_group": False,
        "create_task_exec_iam_role": False,
        "create_infrastructure_iam_role": False,
        "create_node_iam_instance_profile": False,
        "create_security_group": False,
    }
    return True


def _provider(modules: _Modules, call: Call) -> bool:
    request = call.request
    group = modules.snaked(request["autoScalingGroupProvider"])
    group["auto_scaling_group_arn"] = modules.made.reference("aws_autoscaling_group", _owner(call), "arn")
    tags = {tag["key"]: tag["value"] for tag in request.get("tags", [])}
    inputs = {"name": request["name"], "auto_scaling_group_provider": group} | ({"tags": tags} if tags else {})
    modules.cluster["capacity_providers"][request["name"]] = inputs
    return True


def _association(modules: _Modules, call: Call) -> bool:
    """The module adds the providers that it makes."""
    made = modules.cluster["capacity_providers"]
    modules.cluster["cluster_capacity_providers"] = [name for name in call.request["capacityProviders"] if name not in made]
    return True


def _security_group(modules: _Modules, call: Call) -> bool:
    assert call.capture is not None  # noqa: S101 (a group without an id is of no use)
    name = _tasks_of(call.capture.placeholder)
    if name is None:
        return False
    everywhere = {"ip_protocol": "-1", "cidr_ipv4": "0.0.0.0/0"}
    modules.inputs(name).update(
        security_group_name=call.request["GroupName"],
        security_group_use_name_prefix=False,
        security_group_description=call.request["Description"],
        security_group_ingress_rules={},
        security_group_egress_rules={
            "anywhere": everywhere | {"description": "Anywhere: images, logs, secrets, other services"}
        },
        vpc_id=modules.made.value(call.request["VpcId"]),
    )
    modules.made.refer(call.capture.placeholder, modules.output(name, "security_group_id"))
    return True


def _tasks_of(placeholder: str) -> str | None:
    """The service whose tasks are in a security group."""
    found = PLACEHOLDER.fullmatch(placeholder)
    return found["owner"] if found is not None and found["kind"] == "sg-@tasks" else None


def _ingress(modules: _Modules, call: Call) -> bool:
    name = _tasks_of(call.request["GroupId"])
    if name is None:
        return False
    permission = call.request["IpPermissions"][0]
    modules.inputs(name)["security_group_ingress_rules"][f"ingress-{call.label}"] = {
        "description": "Load balancer or Service Connect",
        "ip_protocol": permission["IpProtocol"],
        "from_port": permission["FromPort"],
        "to_port": permission["ToPort"],
        "referenced_security_group_id": modules.made.value(permission["UserIdGroupPairs"][0]["GroupId"]),
    }
    return True


def _log_group(modules: _Modules, call: Call) -> bool:
    """Of the first container; the others write to it too."""
    modules.inputs(_owner(call))  # the group comes with the container, see _task_definition
    return True


def _task_definition(modules: _Modules, call: Call) -> bool:
    name, request = _owner(call), call.request
    inputs, service = modules.inputs(name), modules.plan.services[name]
    group = {
        "create_cloudwatch_log_group": True,
        "cloudwatch_log_group_name": names.log_group(modules.plan.cluster, name),
        "cloudwatch_log_group_use_name_prefix": False,
        "cloudwatch_log_group_retention_in_days": service.log_retention_days,
    }
    containers = {}
    for number, container in enumerate(request["containerDefinitions"]):
        # Each of these has a default in the module that neither the plan nor ECS has.
        defaults = {
            "startTimeout": _START_TIMEOUT_S,
            "stopTimeout": _STOP_TIMEOUT_S,
            "restartPolicy": {"enabled": False},
            "versionConsistency": "enabled",
            "enable_cloudwatch_logging": True,
        }
        logs = group if number == 0 else {"create_cloudwatch_log_group": False}
        containers[container["name"]] = defaults | modules.made.value(container) | logs
    inputs |= {
        "create_task_definition": True,
        "ignore_task_definition_changes": False,
        "track_latest": False,
        "family": request["family"],
        "requires_compatibilities": request["requiresCompatibilities"],
        "network_mode": request["networkMode"],
        "cpu": int(request["cpu"]) if "cpu" in request else None,
        "memory": int(request["memory"]),
        "runtime_platform": modules.snaked(request["runtimePlatform"]),
        "create_task_exec_iam_role": False,
        "task_exec_iam_role_arn": modules.made.value(request["executionRoleArn"]),
        "create_tasks_iam_role": False,
        "tasks_iam_role_arn": modules.made.value(request["taskRoleArn"]),
        "container_definitions": containers,
        "volume": {
            volume["name"]: modules.snaked({key: value for key, value in volume.items() if key != "name"})
            for volume in request["volumes"]
        },
    }
    if "ephemeralStorage" in request:
        inputs["ephemeral_storage"] = modules.snaked(request["ephemeralStorage"])
    if "tags" in request:
        inputs["task_tags"] = {tag["key"]: tag["value"] for tag in request["tags"]}
    return True


def _service(modules: _Modules, call: Call) -> bool:
    request, name = call.request, call.request["serviceName"]
    plan, made = modules.plan.services[name], modules.made
    deployment = request["deploymentConfiguration"]
    inputs = modules.inputs(name)
    task = dict(inputs)
    inputs.clear()
    inputs |= {
        "name": name,
        "cluster_arn": Expr(f"module.{CLUSTER}.arn"),
        "desired_count": request["desiredCount"],
        "scheduling_strategy": request["schedulingStrategy"],
        "launch_type": request.get("launchType", str(plan.launch_type)),
        "availability_zone_rebalancing": request["availabilityZoneRebalancing"],
        "deployment_minimum_healthy_percent": deployment["minimumHealthyPercent"],
        "deployment_maximum_percent": deployment["maximumPercent"],
        "deployment_circuit_breaker": deployment["deploymentCircuitBreaker"],
        "force_new_deployment": False,
        "enable_ecs_managed_tags": request["enableECSManagedTags"],
        "propagate_tags": request["propagateTags"],
        "enable_execute_command": request["enableExecuteCommand"],
        "create_iam_role": False,
        "create_infrastructure_iam_role": False,
        "create_security_group": "networkConfiguration" in request,
        "enable_autoscaling": scales(plan),
        "autoscaling_policies": {},
    }
    if "capacityProviderStrategy" in request:
        inputs["capacity_provider_strategy"] = {
            item["capacityProvider"]: modules.snaked(item) for item in request["capacityProviderStrategy"]
        }
        # ECS refuses a provider that the cluster does not have yet.
        inputs["depends_on"] = [Expr(f"module.{CLUSTER}")]
    if "placementStrategy" in request:
        inputs["ordered_placement_strategy"] = request["placementStrategy"]
    if "placementConstraints" in request:
        inputs["placement_constraints"] = {each["type"]: each for each in request["placementConstraints"]}
    if "networkConfiguration" in request:
        network = request["networkConfiguration"]["awsvpcConfiguration"]
        inputs["subnet_ids"] = made.value(network["subnets"])
        inputs["assign_public_ip"] = network["assignPublicIp"] == "ENABLED"
    for target in request.get("loadBalancers", []):
        # By way of what forwards to it: without that ECS refuses the service.
        kind, action = ("rule", "action") if plan.load_balancer == "application" else ("", "default_action")
        resource = f"aws_lb_listener{'_' if kind else ''}{kind}"
        group = made.reference(resource, plan.shares_target_group_of or name, f"{action}[0].target_group_arn")
        container = {"container_name": target["containerName"], "container_port": target["containerPort"]}
        inputs["load_balancer"] = {"service": {"target_group_arn": group} | container}
        inputs["health_check_grace_period_seconds"] = request["healthCheckGracePeriodSeconds"]
    if "serviceConnectConfiguration" in request:
        inputs["service_connect_configuration"] = _service_connect(modules, request["serviceConnectConfiguration"])
    inputs |= task
    return True


def _service_connect(modules: _Modules, request: Request) -> dict[str, Any]:
    connect: dict[str, Any] = {"enabled": request["enabled"], "namespace": request["namespace"]}
    if "services" in request:
        connect["service"] = [
            {"port_name": offered["portName"]}
            | ({"client_alias": modules.snaked(offered["clientAliases"][0])} if "clientAliases" in offered else {})
            for offered in request["services"]
        ]
    return connect


def _scalable_target(modules: _Modules, call: Call) -> bool:
    modules.inputs(_owner(call)).update(
        autoscaling_min_capacity=call.request["MinCapacity"], autoscaling_max_capacity=call.request["MaxCapacity"]
    )
    return True


_RESOURCE: Final = ("ServiceNamespace", "ResourceId", "ScalableDimension")


def _scaling_policy(modules: _Modules, call: Call) -> bool:
    name, policy = _owner(call), call.request["PolicyName"]
    said = {key: value for key, value in call.request.items() if key not in (*_RESOURCE, "PolicyName")}
    modules.inputs(name)["autoscaling_policies"][policy] = {"name": policy} | modules.snaked(said)
    if call.capture is not None:
        arn = modules.output(name, f"autoscaling_policies[{quoted(policy)}].arn")
        modules.made.refer(call.capture.placeholder, arn)
    return True


def _scheduled_action(modules: _Modules, call: Call) -> bool:
    request, bounds = call.request, call.request["ScalableTargetAction"]
    actions = modules.inputs(_owner(call)).setdefault("autoscaling_scheduled_actions", {})
    actions[request["ScheduledActionName"]] = {
        "name": request["ScheduledActionName"],
        "schedule": request["Schedule"],
        "timezone": request["Timezone"],
        "min_capacity": bounds.get("MinCapacity"),
        "max_capacity": bounds.get("MaxCapacity"),
    }
    return True


_TRANSLATORS: Final[dict[str, Callable[[_Modules, Call], bool]]] = {
    "AuthorizeSecurityGroupIngress": _ingress,
    "CreateCapacityProvider": _provider,
    "CreateCluster": _cluster,
    "CreateLogGroup": _log_group,
    "CreateSecurityGroup": _security_group,
    "CreateService": _service,
    "PutClusterCapacityProviders": _association,
    "PutRetentionPolicy": _log_group,
    "PutScalingPolicy": _scaling_policy,
    "PutScheduledAction": _scheduled_action,
    "RegisterScalableTarget": _scalable_target,
    "RegisterTaskDefinition": _task_definition,
}
"""Each says whether a module has taken the call."""
