"""From Terraform files back to the plan: resources as the API calls that they stand for."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from advisor.emit.ecs import names
from advisor.emit.ecs.calls import Request
from advisor.emit.ecs.parse import NOT_A_PLAN, plan_of_calls
from advisor.emit.terraform.configuration import SPELLED_APART
from advisor.emit.terraform.hcl import Block, Encoded, Expr, Template, read_hcl
from advisor.errors import InputError
from advisor.plan import Plan

MAIN: Final = "main.tf"
_VERSIONS: Final = "versions.tf"
_API: Final = {value: key for key, value in SPELLED_APART.items()} | {
    "target_tracking_scaling_policy_configuration": "TargetTrackingScalingPolicyConfiguration",
}
_LISTS: Final = frozenset(
    {"capacity_provider_strategy", "client_alias", "load_balancer", "ordered_placement_strategy", "placement_strategy"}
    | {"placement_constraints"}
    | {"service", "setting", "step_adjustment", "volume"}
)
"""Blocks that are lists in the API."""

Triple = tuple[str, str, Request]


def parse_terraform(files: Mapping[str, bytes]) -> Plan:
    """The plan that a configuration puts into effect: the inverse of `render_terraform`."""
    for path in (MAIN, _VERSIONS):
        if path not in files:
            raise InputError("the file is missing", fix="Emit the folder again.", file=path)
    try:
        versions = read_hcl(files[_VERSIONS].decode())
        region = next(block for block in versions if block.kind == "provider").attributes["region"]
        return plan_of_calls(region, list(resource_calls(read_hcl(files[MAIN].decode()))))
    except NOT_A_PLAN as error:
        problem = f"the configuration lacks what a plan needs ({type(error).__name__}: {error})"
        raise InputError(problem, fix="Emit the folder again.", file=MAIN) from error


def resource_calls(blocks: Sequence[Block]) -> Iterator[Triple]:
    """The API calls that resources stand for."""
    reader = Reader(blocks)
    for block in blocks:
        if block.kind != "resource":
            continue
        made = reader.call(block)
        if made is not None:
            yield made


class Reader:
    """Puts the text that a reference stands for in its place."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._resources = {".".join(block.labels): block for block in blocks if block.kind == "resource"}

    def call(self, block: Block) -> Triple | None:
        match block.labels[0]:
            case "aws_ecs_cluster":
                api = self.camel(block)
                return "ecs", "CreateCluster", {"clusterName": api["name"], "settings": api["settings"]}
            case "aws_ecs_capacity_provider":
                return "ecs", "CreateCapacityProvider", self.camel(block) | self._tags(block)
            case "aws_launch_template":
                return "ec2", "CreateLaunchTemplate", self._launch_template(block)
            case "aws_autoscaling_group":
                return "autoscaling", "CreateAutoScalingGroup", self._group(block)
            case "aws_cloudwatch_log_group":
                api = self.camel(block)
                retention = {"logGroupName": api["name"], "retentionInDays": api["retentionInDays"]}
                return "logs", "PutRetentionPolicy", retention
            case "aws_ecs_task_definition":
                definitions = self.value(block.attributes["container_definitions"].value)
                api = {"volumes": []} | self.camel(block) | self._tags(block)
                return "ecs", "RegisterTaskDefinition", api | {"containerDefinitions": definitions}
            case "aws_lb_target_group":
                return "elbv2", "CreateTargetGroup", self.pascal(block)
            case "aws_ecs_service":
                return "ecs", "CreateService", self._service(block)
            case "aws_appautoscaling_target":
                return "application-autoscaling", "RegisterScalableTarget", self.pascal(block)
            case "aws_appautoscaling_policy":
                api = self.pascal(block)
                return "application-autoscaling", "PutScalingPolicy", api | {"PolicyName": api["Name"]}
            case "aws_appautoscaling_scheduled_action":
                api = self.pascal(block)
                return "application-autoscaling", "PutScheduledAction", api | {"ScheduledActionName": api["Name"]}
            case "aws_cloudwatch_metric_alarm":
                return "cloudwatch", "PutMetricAlarm", self.pascal(block)
            case "aws_scheduler_schedule":
                return "scheduler", "CreateSchedule", self._schedule(block)
        return None

    def camel(self, block: Block) -> Request:
        return self._api(block, is_pascal=False)

    def pascal(self, block: Block) -> Request:
        return self._api(block, is_pascal=True)

    def _api(self, block: Block, *, is_pascal: bool) -> Request:
        api = {api_name(key, is_pascal=is_pascal): self.value(value) for key, value in block.attributes.items()}
        for nested in block.blocks:
            key, value = api_name(nested.kind, is_pascal=is_pascal), self._api(nested, is_pascal=is_pascal)
            if nested.kind in _LISTS:
                api.setdefault(key, []).append(value)
            else:
                api[key] = value
        return api

    def _tags(self, block: Block) -> Request:
        tags = block.attributes.get("tags", {})
        return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}

    def _launch_template(self, block: Block) -> Request:
        data = self.pascal(block)
        data["BlockDeviceMappings"] = [data["BlockDeviceMappings"]]
        data["NetworkInterfaces"] = [data["NetworkInterfaces"]]
        return {"LaunchTemplateName": block.attributes["name"], "LaunchTemplateData": data}

    def _group(self, block: Block) -> Request:
        api = self.pascal(block)
        group = {"AutoScalingGroupName": api["Name"], "MinSize": api["MinSize"], "MaxSize": api["MaxSize"]}
        group["VPCZoneIdentifier"] = ",".join(api["VpcZoneIdentifier"])
        for mixed in block.named("mixed_instances_policy"):
            overrides = [self.pascal(override) for override in mixed.named("launch_template")[0].named("override")]
            distribution = self.pascal(mixed.named("instances_distribution")[0])
            policy = {"LaunchTemplate": {"Overrides": overrides}, "InstancesDistribution": distribution}
            group["MixedInstancesPolicy"] = policy
        for template in block.named("launch_template"):
            reference = template.attributes["id"].text.rpartition(".")[0]
            group["InstanceType"] = self._resources[reference].attributes["instance_type"]
        return group

    def _service(self, block: Block) -> Request:
        api = self.camel(block)
        network = block.named("network_configuration")
        deployment = {
            "minimumHealthyPercent": api["deploymentMinimumHealthyPercent"],
            "maximumPercent": api["deploymentMaximumPercent"],
            "deploymentCircuitBreaker": api["deploymentCircuitBreaker"],
        }
        # Without its own "name", which a capacity provider may have as well.
        api |= {"serviceName": api.pop("name"), "deploymentConfiguration": deployment}
        if network:
            api["networkConfiguration"] = {"awsvpcConfiguration": self._network(network[0])}
        return api

    def _network(self, block: Block) -> Request:
        network = self.camel(block)
        return network | {"assignPublicIp": "ENABLED" if network["assignPublicIp"] else "DISABLED"}

    def _schedule(self, block: Block) -> Request:
        api, ecs = self.pascal(block), block.named("target")[0].named("ecs_parameters")[0]
        parameters = self.pascal(ecs)
        strategy = [self.camel(item) for item in ecs.named("capacity_provider_strategy")]
        placement = [self.camel(item) for item in ecs.named("placement_strategy")]
        network = [self._network(item) for item in ecs.named("network_configuration")]
        parameters = {key: value for key, value in parameters.items() if not isinstance(value, list | dict)}
        if strategy:
            parameters["CapacityProviderStrategy"] = strategy
        if placement:
            parameters["PlacementStrategy"] = placement
        if network:
            pascal = {key[:1].upper() + key[1:]: value for key, value in network[0].items()}
            parameters["NetworkConfiguration"] = {"awsvpcConfiguration": pascal}
        return api | {"Target": {"EcsParameters": parameters}}

    def value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {key: self.value(item) for key, item in value.items()}
        if isinstance(value, Encoded):
            return self.value(value.value)
        if isinstance(value, Template):
            return "".join(part if isinstance(part, str) else str(self._referred(part)) for part in value.parts)
        return self._referred(value) if isinstance(value, Expr) else value

    def _referred(self, expression: Expr) -> Any:
        text = expression.text
        if text.startswith("slice("):
            count = int(text.removesuffix(")").rpartition(",")[2])
            return [f"subnet-{number}" for number in range(count)]
        if text.startswith("var.image_tags"):
            return f"{names.IMAGE_TAG}.any@"
        resource, _, attribute = text.rpartition(".")
        block = self._resources.get(resource)
        if block is None:
            return text
        if block.labels[0] == "aws_lb_target_group":
            return f"targetgroup/{block.attributes['name']}/id"
        if attribute in block.attributes:
            return self.value(block.attributes[attribute])
        return self.value(block.attributes.get("family", block.attributes.get("name", text)))


def api_name(name: str, *, is_pascal: bool) -> str:
    """An argument as the API spells it."""
    if name in _API and (_API[name][:1].isupper() == is_pascal):
        return _API[name]
    words = "".join(word[:1].upper() + word[1:] for word in name.split("_"))
    return words if is_pascal else words[:1].lower() + words[1:]
