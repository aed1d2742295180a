"""From a template back to the plan: resources as the API calls that they stand for."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from advisor.emit.cloudformation.template import FREE_KEYS, SPELLED_APART, TEMPLATE
from advisor.emit.ecs import names
from advisor.emit.ecs.calls import Request
from advisor.emit.ecs.parse import NOT_A_PLAN, plan_of_calls
from advisor.errors import InputError
from advisor.plan import Plan

_SPELLED: Final = {value: key for key, value in SPELLED_APART.items()}
_NAMES: Final = {
    "AWS::ECS::Cluster": "ClusterName",
    "AWS::ECS::CapacityProvider": "Name",
    "AWS::ECS::TaskDefinition": "Family",
    "AWS::ECS::Service": "ServiceName",
    "AWS::AutoScaling::AutoScalingGroup": "AutoScalingGroupName",
    "AWS::EC2::LaunchTemplate": "LaunchTemplateName",
    "AWS::Logs::LogGroup": "LogGroupName",
}
"""The property that a reference to the resource stands for."""

Triple = tuple[str, str, Request]


def parse_cloudformation(files: Mapping[str, bytes]) -> Plan:
    """The plan that a template puts into effect: the inverse of `render_cloudformation`."""
    import yaml

    if TEMPLATE not in files:
        raise InputError("the file is missing", fix="Emit the folder again.", file=TEMPLATE)
    try:
        template = yaml.load(files[TEMPLATE], Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (both are safe)
        region = template["Rules"]["Region"]["Assertions"][0]["Assert"]["Fn::Equals"][1]
        return plan_of_calls(region, list(_calls(template["Resources"])))
    except (*NOT_A_PLAN, yaml.YAMLError) as error:
        problem = f"the template lacks what a plan needs ({type(error).__name__}: {error})"
        raise InputError(problem, fix="Emit the folder again.", file=TEMPLATE) from error


def _calls(resources: Request) -> Iterator[Triple]:
    reader = _Reader(resources)
    for resource in resources.values():
        kind, properties = resource["Type"], reader.value(resource["Properties"])
        match kind:
            case "AWS::ECS::Cluster":
                settings = {"clusterName": properties["ClusterName"], "settings": camel(properties["ClusterSettings"])}
                yield "ecs", "CreateCluster", settings
            case "AWS::ECS::CapacityProvider":
                yield "ecs", "CreateCapacityProvider", camel(properties)
            case "AWS::ECS::TaskDefinition":
                yield "ecs", "RegisterTaskDefinition", camel(properties)
            case "AWS::ECS::Service":
                yield "ecs", "CreateService", camel(properties)
            case "AWS::EC2::LaunchTemplate":
                yield "ec2", "CreateLaunchTemplate", properties
            case "AWS::AutoScaling::AutoScalingGroup":
                subnets = ",".join(properties["VPCZoneIdentifier"])
                sizes = {size: int(properties[size]) for size in ("MinSize", "MaxSize")}
                group = properties | sizes | {"VPCZoneIdentifier": subnets}
                yield "autoscaling", "CreateAutoScalingGroup", group
            case "AWS::Logs::LogGroup":
                retention = {
                    "logGroupName": properties["LogGroupName"],
                    "retentionInDays": properties["RetentionInDays"],
                }
                yield "logs", "PutRetentionPolicy", retention
            case "AWS::ElasticLoadBalancingV2::TargetGroup":
                yield "elbv2", "CreateTargetGroup", properties
            case "AWS::ApplicationAutoScaling::ScalableTarget":
                yield "application-autoscaling", "RegisterScalableTarget", properties
                for action in properties.get("ScheduledActions", []):
                    resource_id = {"ResourceId": properties["ResourceId"]}
                    yield "application-autoscaling", "PutScheduledAction", action | resource_id
            case "AWS::ApplicationAutoScaling::ScalingPolicy":
                target = reader.value(resources[resource["Properties"]["ScalingTargetId"]["Ref"]]["Properties"])
                yield "application-autoscaling", "PutScalingPolicy", properties | {"ResourceId": target["ResourceId"]}
            case "AWS::CloudWatch::Alarm":
                yield "cloudwatch", "PutMetricAlarm", properties
            case "AWS::Scheduler::Schedule":
                yield "scheduler", "CreateSchedule", _schedule(properties)


def _schedule(properties: Request) -> Request:
    """As the API has it: lists of ECS's own structures in ECS's spelling."""
    parameters = dict(properties["Target"]["EcsParameters"])
    for member in ("CapacityProviderStrategy", "PlacementStrategy"):
        if member in parameters:
            parameters[member] = camel(parameters[member])
    network = parameters.get("NetworkConfiguration")
    if network is not None:
        parameters["NetworkConfiguration"] = {"awsvpcConfiguration": network["AwsvpcConfiguration"]}
    return properties | {"Target": properties["Target"] | {"EcsParameters": parameters}}


def camel(value: Any, *, is_free: bool = False) -> Any:
    """The inverse of `pascal`."""
    if isinstance(value, list):
        return [camel(item) for item in value]
    if not isinstance(value, dict) or is_free:
        return value
    return {(key := _SPELLED.get(k, k[:1].lower() + k[1:])): camel(v, is_free=key == FREE_KEYS) for k, v in value.items()}


class _Reader:
    """Puts the text that a reference stands for in its place."""

    def __init__(self, resources: Request) -> None:
        self._resources = resources

    def value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"Ref"}:
            return self._name(value["Ref"])
        if value.keys() == {"Fn::GetAtt"}:
            return self._name(value["Fn::GetAtt"][0])
        if value.keys() == {"Fn::Sub"}:
            return re.sub(r"\$\{(!?)([^}!.]*)([^}]*)\}?", self._substituted, value["Fn::Sub"])
        return {key: self.value(item) for key, item in value.items()}

    def _substituted(self, found: re.Match[str]) -> str:
        return "$" + found[0][1:].replace("{!", "{", 1) if found[1] else self._name(found[2])

    def _name(self, logical: str) -> str:
        resource = self._resources.get(logical)
        if resource is None:
            return f"{names.IMAGE_TAG}.any@" if logical.startswith("ImageTag") else f"@{logical}@"
        if resource["Type"] == "AWS::ElasticLoadBalancingV2::TargetGroup":
            return f"targetgroup/{resource['Properties']['Name']}/id"
        return str(resource["Properties"].get(_NAMES.get(resource["Type"], ""), logical))
