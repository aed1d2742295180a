"""API calls as resources of a template: the same requests, in CloudFormation's words, tied together by references."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from advisor.emit.ecs import names
from advisor.emit.ecs.calls import Call, Request
from advisor.emit.ecs.placeholders import PLACEHOLDER
from advisor.emit.ecs.scaling import scales
from advisor.plan import LoadBalancer, Plan

TEMPLATE: Final = "template.yaml"
REPOSITORIES: Final = "repositories.yaml"
PARAMETERS: Final = "parameters.json"
DESIRED_TASKS: Final = "advisor:desired-tasks"

Resource = dict[str, Any]

SPELLED_APART: Final = {
    "efsVolumeConfiguration": "EFSVolumeConfiguration",
    "fileSystemId": "FilesystemId",
    "iam": "IAM",
    "placementStrategy": "PlacementStrategies",
}
"""Members of ECS requests whose name in CloudFormation is not just capitalized."""
FREE_KEYS: Final = "options"
"""Below this, keys are the user's."""
_PARAMETERS: Final = {
    "@host": ("HostName", "String"),
    "@image-tag": ("ImageTag", "String"),
    "@listener": ("ListenerArn", "String"),
    "sg-@application-load-balancer": ("LoadBalancerSecurityGroup", "AWS::EC2::SecurityGroup::Id"),
    "sg-@network-load-balancer": ("NetworkLoadBalancerSecurityGroup", "AWS::EC2::SecurityGroup::Id"),
    "subnet-@private": ("PrivateSubnet", "AWS::EC2::Subnet::Id"),
    "subnet-@public": ("PublicSubnet", "AWS::EC2::Subnet::Id"),
    "vpc-@id": ("VpcId", "AWS::EC2::VPC::Id"),
}
_DESCRIPTIONS: Final = {
    "HostName": "Host name under which the load balancer forwards to {owner}.",
    "ImageTag": "Tag of the images of {owner}.",
    "ListenerArn": "ARN of the HTTPS listener of the Application Load Balancer.",
    "LoadBalancerFullName": "Application Load Balancer, app/name/id, the end of its ARN.",
    "LoadBalancerSecurityGroup": "Security group of the Application Load Balancer.",
    "NetworkLoadBalancerArn": "ARN of the Network Load Balancer.",
    "NetworkLoadBalancerFullName": "Network Load Balancer, net/name/id, the end of its ARN.",
    "NetworkLoadBalancerSecurityGroup": "Security group of the Network Load Balancer.",
    "PrivateSubnet": "Private subnet with a route to a NAT gateway or to VPC endpoints, zone {owner}.",
    "PublicSubnet": "Subnet with a route to an internet gateway, zone {owner}.",
    "VpcId": "The VPC of the subnets.",
}
_TOPIC: Final = "AlarmTopicArn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    template: Request
    repositories: Request | None
    """None where the plan names every image."""


def templates_of(plan: Plan, calls: Sequence[Call]) -> Templates:
    apart = [call for call in calls if call.service == "ecr"]
    writer = _Writer(plan)
    for call in calls:
        if call.service != "ecr":
            writer.add(call)
    region = {"Assert": {"Fn::Equals": [{"Ref": "AWS::Region"}, plan.region]}}
    template: Request = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"ECS cluster {plan.cluster}",
        "Parameters": dict(sorted(writer.parameters.items())),
        "Rules": {"Region": {"Assertions": [region | {"AssertDescription": f"The plan was made for {plan.region}."}]}},
    }
    if _TOPIC in writer.parameters:
        template["Conditions"] = {"HasAlarmTopic": {"Fn::Not": [{"Fn::Equals": [{"Ref": _TOPIC}, ""]}]}}
    template["Resources"] = writer.resources
    if not apart:
        return Templates(template=template, repositories=None)
    images = _Writer(plan)
    for call in apart:
        images.add(call)
    head = {"AWSTemplateFormatVersion": "2010-09-09", "Description": f"Image repositories of ECS cluster {plan.cluster}"}
    return Templates(template=template, repositories=head | {"Resources": images.resources})


class _Writer:
    """Collects resources and parameters; knows what each placeholder and name refers to."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.resources: dict[str, Resource] = {}
        self.parameters: dict[str, Request] = {}
        self._ids: dict[tuple[str, ...], str] = {}
        self._refs: dict[str, Any] = {}
        self._full_names: dict[str, str] = {}
        """Text of a target group's name in metrics to the reference inside ``Fn::Sub``."""

    def add(self, call: Call) -> None:
        _TRANSLATORS[call.operation](self, call)

    def put(self, key: tuple[str, ...], kind: str, properties: Request, **attributes: Any) -> str:
        logical = self.logical(*key)
        self.resources[logical] = {"Type": kind, **attributes, "Properties": self.value(properties)}
        return logical

    def properties(self, *key: str) -> Request:
        found: Request = self.resources[self.logical(*key)]["Properties"]
        return found

    def logical(self, *key: str) -> str:
        """Letters and digits only; a hash keeps names different that differ in the rest."""
        if key not in self._ids:
            plain = "".join(part[:1].upper() + part[1:] for word in key for part in re.split(r"[^A-Za-z0-9]+", word))
            taken = {each.lower() for each in self._ids.values()}
            lossy = len(plain) > 200 or plain.lower() in taken
            digest = sha256("\n".join(key).encode()).hexdigest()[:8]
            self._ids[key] = f"{plain[:200]}{digest}" if lossy else plain
        return self._ids[key]

    def refer(self, text: str, reference: Any) -> None:
        self._refs[text] = reference

    def refer_inside(self, text: str, reference: str) -> None:
        self._full_names[text] = reference

    def value(self, value: Any) -> Any:
        """Any value of a request, with references where it names other things."""
        if isinstance(value, dict):
            return {key: self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> Any:
        if text in self._refs:
            return self._refs[text]
        if not PLACEHOLDER.search(text):
            return text
        whole = PLACEHOLDER.fullmatch(text)
        if whole and whole["kind"] in _PARAMETERS:
            return {"Ref": self._parameter(whole["kind"], whole["owner"] or "")}
        return {"Fn::Sub": self._substituted(text)}

    def _substituted(self, text: str) -> str:
        text = text.replace("${", "${!")
        for known, reference in self._full_names.items():
            text = text.replace(known, f"${{{reference}}}")
        for kind, name in (("application", "LoadBalancerFullName"), ("network", "NetworkLoadBalancerFullName")):
            part = names.load_balancer(LoadBalancer(kind))
            if part in text:
                self.parameter(name, "String")
                text = text.replace(part, f"${{{name}}}")
        text = text.replace(names.ACCOUNT, "${AWS::AccountId}")
        return PLACEHOLDER.sub(lambda found: f"${{{self._parameter(found['kind'], found['owner'] or '')}}}", text)

    def _parameter(self, kind: str, owner: str) -> str:
        name, parameter_type = _PARAMETERS[kind]
        if not owner or kind == "@listener":
            return self.parameter(name, parameter_type)
        return self.parameter(self.logical(name, owner), parameter_type, description=_DESCRIPTIONS[name].format(owner=owner))

    def parameter(self, name: str, kind: str, *, description: str = "") -> str:
        self.parameters[name] = {"Type": kind, "Description": description or _DESCRIPTIONS[name]}
        return name


def pascal(value: Any, *, is_free: bool = False) -> Any:
    """A request of the ECS API in the spelling of CloudFormation."""
    if isinstance(value, list):
        return [pascal(item) for item in value]
    if not isinstance(value, dict):
        return value
    if is_free:
        return value
    return {SPELLED_APART.get(k, k[:1].upper() + k[1:]): pascal(v, is_free=k == FREE_KEYS) for k, v in value.items()}


def _without(request: Request, *members: str) -> Request:
    return {key: value for key, value in request.items() if key not in members}


def _owner(call: Call) -> str:
    return call.folder.split("/")[1]


def _cluster(writer: _Writer, call: Call) -> None:
    request = {"ClusterName": call.request["clusterName"], "ClusterSettings": pascal(call.request["settings"])}
    writer.put(("Cluster",), "AWS::ECS::Cluster", request)


def _nothing(_: _Writer, __: Call) -> None:
    """Account settings have no resource."""


def _repository(writer: _Writer, call: Call) -> None:
    request = pascal(call.request)
    name = call.request["repositoryName"]
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    writer.put(("Repository", name), "AWS::ECR::Repository", request, **kept)


def _lifecycle(writer: _Writer, call: Call) -> None:
    text = json.dumps(call.documents["lifecyclePolicyText"].content, sort_keys=True)
    writer.properties("Repository", call.request["repositoryName"])["LifecyclePolicy"] = {"LifecyclePolicyText": text}


def _security_group(writer: _Writer, call: Call) -> None:
    request = call.request
    properties = {
        "GroupName": request["GroupName"],
        "GroupDescription": request["Description"],
        "VpcId": request["VpcId"],
    }
    logical = writer.put((call.label, "SecurityGroup"), "AWS::EC2::SecurityGroup", properties)
    assert call.capture is not None  # noqa: S101 (a group without an id is of no use)
    writer.refer(call.capture.placeholder, {"Fn::GetAtt": [logical, "GroupId"]})


def _ingress(writer: _Writer, call: Call) -> None:
    permission = call.request["IpPermissions"][0]
    properties = {
        "Description": "Load balancer or Service Connect",
        "GroupId": call.request["GroupId"],
        "IpProtocol": permission["IpProtocol"],
        "FromPort": permission["FromPort"],
        "ToPort": permission["ToPort"],
        "SourceSecurityGroupId": permission["UserIdGroupPairs"][0]["GroupId"],
    }
    writer.put(("Ingress", call.label), "AWS::EC2::SecurityGroupIngress", properties)


def _role(writer: _Writer, call: Call) -> None:
    role = call.request["RoleName"]
    logical = writer.put((role, "Role"), "AWS::IAM::Role", call.whole_request)
    writer.refer(names.arn(writer.plan.region, "iam", f"role/{role}"), {"Fn::GetAtt": [logical, "Arn"]})


def _inline_policy(writer: _Writer, call: Call) -> None:
    whole = call.whole_request
    policy = {"PolicyName": whole["PolicyName"], "PolicyDocument": writer.value(whole["PolicyDocument"])}
    role = writer.resources[writer.logical(whole["RoleName"], "Role")]["Properties"]
    role.setdefault("Policies", []).append(policy)


def _attached_policy(writer: _Writer, call: Call) -> None:
    writer.properties(call.request["RoleName"], "Role").setdefault("ManagedPolicyArns", []).append(call.request["PolicyArn"])


def _profile(writer: _Writer, call: Call) -> None:
    name = call.request["InstanceProfileName"]
    properties = {"InstanceProfileName": name, "Roles": [{"Ref": writer.logical(name, "Role")}]}
    logical = writer.put((name, "Profile"), "AWS::IAM::InstanceProfile", properties)
    arn = names.arn(writer.plan.region, "iam", f"instance-profile/{name}")
    writer.refer(arn, {"Fn::GetAtt": [logical, "Arn"]})


def _launch_template(writer: _Writer, call: Call) -> None:
    writer.put((_owner(call), "LaunchTemplate"), "AWS::EC2::LaunchTemplate", call.request)


def _group(writer: _Writer, call: Call) -> None:
    request, template = dict(call.request), writer.logical(_owner(call), "LaunchTemplate")
    reference = {"LaunchTemplateId": {"Ref": template}, "Version": {"Fn::GetAtt": [template, "LatestVersionNumber"]}}
    if "LaunchTemplate" in request:
        request["LaunchTemplate"] = reference
    else:
        policy = request["MixedInstancesPolicy"]
        launch = {"LaunchTemplateSpecification": reference, "Overrides": policy["LaunchTemplate"]["Overrides"]}
        request["MixedInstancesPolicy"] = policy | {"LaunchTemplate": launch}
    sizes = {size: str(request[size]) for size in ("MinSize", "MaxSize")}
    request |= sizes | {"VPCZoneIdentifier": request["VPCZoneIdentifier"].split(",")}
    writer.put((_owner(call), "Group"), "AWS::AutoScaling::AutoScalingGroup", request)


def _provider(writer: _Writer, call: Call) -> None:
    properties, name = pascal(_without(call.request, "cluster")), call.request["name"]
    if "cluster" in call.request:
        properties["ClusterName"] = {"Ref": writer.logical("Cluster")}
    if "autoScalingGroupProvider" in call.request:
        properties["AutoScalingGroupProvider"]["AutoScalingGroupArn"] = {"Ref": writer.logical(_owner(call), "Group")}
    writer.put((name, "CapacityProvider"), "AWS::ECS::CapacityProvider", properties)


def _provider_name(writer: _Writer, name: str) -> Any:
    return name if name in ("FARGATE", "FARGATE_SPOT") else {"Ref": writer.logical(name, "CapacityProvider")}


def _association(writer: _Writer, call: Call) -> None:
    providers = [_provider_name(writer, name) for name in call.request["capacityProviders"]]
    properties = {
        "Cluster": {"Ref": writer.logical("Cluster")},
        "CapacityProviders": providers,
        "DefaultCapacityProviderStrategy": [],
    }
    writer.put(("CapacityProviders",), "AWS::ECS::ClusterCapacityProviderAssociations", properties)


def _log_group(writer: _Writer, call: Call) -> None:
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    properties = {"LogGroupName": call.request["logGroupName"]}
    writer.put((_owner(call), "LogGroup"), "AWS::Logs::LogGroup", properties, **kept)


def _retention(writer: _Writer, call: Call) -> None:
    writer.properties(_owner(call), "LogGroup")["RetentionInDays"] = call.request["retentionInDays"]


def _task_definition(writer: _Writer, call: Call) -> None:
    name, group = _owner(call), {"Ref": writer.logical(_owner(call), "LogGroup")}
    properties = pascal(call.request)
    for container in properties["ContainerDefinitions"]:
        container["LogConfiguration"]["Options"] = container["LogConfiguration"]["Options"] | {"awslogs-group": group}
    logical = writer.put((name, "TaskDefinition"), "AWS::ECS::TaskDefinition", properties)
    arn = names.arn(writer.plan.region, "ecs", f"task-definition/{call.request['family']}")
    writer.refer(arn, {"Ref": logical})


def _target_group(writer: _Writer, call: Call) -> None:
    name = _owner(call)
    logical = writer.put((name, "TargetGroup"), "AWS::ElasticLoadBalancingV2::TargetGroup", call.request)
    text = names.target_group(writer.plan.cluster, name)
    writer.refer(names.arn(writer.plan.region, "elasticloadbalancing", text), {"Ref": logical})
    writer.refer_inside(text, f"{logical}.TargetGroupFullName")


def _target_group_attributes(writer: _Writer, call: Call) -> None:
    writer.properties(_owner(call), "TargetGroup")["TargetGroupAttributes"] = call.request["Attributes"]


def _listener_rule(writer: _Writer, call: Call) -> None:
    listener = {"Ref": writer.parameter("ListenerArn", "String")}
    properties = call.request | {"ListenerArn": listener}
    writer.put((_owner(call), "Listener"), "AWS::ElasticLoadBalancingV2::ListenerRule", properties)


def _listener(writer: _Writer, call: Call) -> None:
    balancer = {"Ref": writer.parameter("NetworkLoadBalancerArn", "String")}
    properties = call.request | {"LoadBalancerArn": balancer}
    writer.put((_owner(call), "Listener"), "AWS::ElasticLoadBalancingV2::Listener", properties)


def _service(writer: _Writer, call: Call) -> None:
    """Without ``DesiredCount`` where scaling sets it; the plan's number is kept in a tag."""
    name, scaled = call.request["serviceName"], writer.plan.services[call.request["serviceName"]]
    properties = pascal(call.request)
    properties |= {
        "Cluster": {"Ref": writer.logical("Cluster")},
        "TaskDefinition": {"Ref": writer.logical(name, "TaskDefinition")},
    }
    for item in properties.get("CapacityProviderStrategy", []):
        item["CapacityProvider"] = _provider_name(writer, item["CapacityProvider"])
    if scales(scaled):
        del properties["DesiredCount"]
        if scaled.desired_tasks != scaled.min_tasks:
            tags = writer.properties(name, "TaskDefinition").setdefault("Tags", [])
            tags.append({"Key": DESIRED_TASKS, "Value": str(scaled.desired_tasks)})
    needed = [writer.logical("CapacityProviders")]
    if scaled.port is not None:
        needed.append(writer.logical(scaled.shares_target_group_of or name, "Listener"))
    writer.put((name, "Service"), "AWS::ECS::Service", properties, DependsOn=needed)


def _scalable_target(writer: _Writer, call: Call) -> None:
    name = _owner(call)
    resource = f"service/${{{writer.logical('Cluster')}}}/${{{writer.logical(name, 'Service')}.Name}}"
    properties = call.request | {"ResourceId": {"Fn::Sub": resource}}
    writer.put((name, "ScalableTarget"), "AWS::ApplicationAutoScaling::ScalableTarget", properties)


def _scaling_policy(writer: _Writer, call: Call) -> None:
    name, policy = _owner(call), call.request["PolicyName"]
    properties = _without(call.request, "ResourceId", "ScalableDimension", "ServiceNamespace")
    properties["ScalingTargetId"] = {"Ref": writer.logical(name, "ScalableTarget")}
    logical = writer.put((name, policy, "Policy"), "AWS::ApplicationAutoScaling::ScalingPolicy", properties)
    if call.capture is not None:
        writer.refer(call.capture.placeholder, {"Ref": logical})


def _scheduled_action(writer: _Writer, call: Call) -> None:
    properties = _without(call.request, "ResourceId", "ScalableDimension", "ServiceNamespace")
    writer.properties(_owner(call), "ScalableTarget").setdefault("ScheduledActions", []).append(properties)


def _alarm(writer: _Writer, call: Call) -> None:
    properties = dict(call.request)
    if "AlarmActions" not in properties:
        topic = writer.parameter(_TOPIC, "String", description="SNS topic that alarms are sent to; none when empty.")
        writer.parameters[topic]["Default"] = ""
        properties["AlarmActions"] = {"Fn::If": ["HasAlarmTopic", [{"Ref": topic}], {"Ref": "AWS::NoValue"}]}
    writer.put((_owner(call), "Alarm", call.label), "AWS::CloudWatch::Alarm", properties)


def _dashboard(writer: _Writer, call: Call) -> None:
    body = json.dumps(call.documents["DashboardBody"].content, sort_keys=True)
    writer.put(("Dashboard",), "AWS::CloudWatch::Dashboard", call.request | {"DashboardBody": body})


def _schedule(writer: _Writer, call: Call) -> None:
    target = call.request["Target"]
    parameters = pascal(target["EcsParameters"])
    parameters["PlacementStrategy"] = parameters.pop("PlacementStrategies", parameters.get("PlacementStrategy"))
    for item in parameters.get("CapacityProviderStrategy", []):
        item["CapacityProvider"] = _provider_name(writer, item["CapacityProvider"])
    parameters = {key: value for key, value in parameters.items() if value is not None}
    target = target | {"EcsParameters": parameters, "Arn": {"Fn::GetAtt": [writer.logical("Cluster"), "Arn"]}}
    needed = {"DependsOn": [writer.logical("CapacityProviders")]}
    writer.put((_owner(call), "Schedule"), "AWS::Scheduler::Schedule", call.request | {"Target": target}, **needed)


_TRANSLATORS: Final[dict[str, Callable[[_Writer, Call], None]]] = {
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
    "PutAccountSettingDefault": _nothing,
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
