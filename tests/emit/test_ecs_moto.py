"""The calls, sent over HTTP to a stand-in for AWS, described back and compared.

moto is lax: this proves that the requests travel, find each other and come back; `test_ecs_calls` holds the rules.
"""

import json
import logging
from dataclasses import replace

import pytest
import urllib3
from moto.server import ThreadedMotoServer

from advisor.emit import parse_calls, parse_ecs, render_ecs
from tests.emit.aws_stand_in import ACCOUNT, IMAGE_TAG, Account
from tests.emit.plans import GOLDEN_PLANS

REFUSED = {
    "AttachRolePolicy": "PolicyArn",
    "CreateCapacityProvider": "managedInstancesProvider",
    "CreateListener": "LoadBalancerArn",
    "PutAccountSettingDefault": "name",
}
"""What moto refuses, by operation, and the member of the request that it does not know."""

REFUSED_WITH = {"AttachRolePolicy": 404, "CreateListener": 400}
"""moto holds AWS's own policies only where it is told to load them, and gives every load balancer an ARN with ``app``."""

DROPPED = {
    "CreateService": {
        "availabilityZoneRebalancing",
        "capacityProviderStrategy",
        "deploymentConfiguration",
        "enableECSManagedTags",
        "enableExecuteCommand",
        "healthCheckGracePeriodSeconds",
        "monitoring",
        "placementConstraints",
        "placementStrategy",
        "serviceConnectConfiguration",
    }
}
"""What moto takes and does not give back, by operation. Nothing else may get lost or come back changed."""


@pytest.fixture(scope="module")
def endpoint():
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def outcomes(endpoint):
    """By plan, each in an account of its own: what was lost of each call, what was refused, the files as filled in."""
    found = {}
    for name, make in GOLDEN_PLANS.items():
        urllib3.request("POST", f"{endpoint}/moto-api/reset", timeout=60)  # three seconds by default: a busy machine takes more
        account, files = Account(endpoint, make().region), render_ecs(make())
        sent, refused = account.deploy(files)
        lost = [(operation, set(differences(request, described(account, operation, request)))) for operation, request in sent]
        found[name] = lost, refused, account.filled(files)
    return found


@pytest.mark.parametrize("name", GOLDEN_PLANS)
def test_what_is_deployed_is_described_back(name, outcomes):
    lost, refused, files = outcomes[name]
    for operation, paths in lost:
        assert paths <= DROPPED.get(operation, set()), operation
    for operation, request, status in refused:
        assert status == REFUSED_WITH.get(operation, 500), operation
        assert REFUSED[operation] in request
    assert len(lost) + len(refused) == len(parse_calls(files))


@pytest.mark.parametrize("name", GOLDEN_PLANS)
def test_the_plan_is_still_there_once_the_placeholders_are_filled_in(name, outcomes):
    *_, files = outcomes[name]
    plan = GOLDEN_PLANS[name]()
    assert parse_ecs(files) == pushed(plan)


def pushed(plan):
    """The plan with the images that were left open."""

    def image(name, container):
        repository = name if container == name else f"{name}/{container}"
        return f"{ACCOUNT}.dkr.ecr.{plan.region}.amazonaws.com/{plan.cluster}/{repository}:{IMAGE_TAG}"

    services = {}
    for name, service in plan.services.items():
        if service.containers:
            full = [replace(each, image=each.image or image(name, each.name)) for each in service.containers]
            services[name] = replace(service, containers=tuple(full))
        else:
            services[name] = replace(service, image=service.image or image(name, name))
    return replace(plan, services=services)


def test_what_is_said_to_be_dropped_or_refused_is(outcomes):
    lost = {}
    for operation, paths in (pair for pairs, _, _ in outcomes.values() for pair in pairs):
        lost.setdefault(operation, set()).update(paths)
    assert {operation: paths for operation, paths in lost.items() if paths} == DROPPED
    assert {operation for _, refused, _ in outcomes.values() for operation, _, _ in refused} == set(REFUSED)


def described(account, operation, request):
    """What the stand-in says now of the thing that a request made, under the names of the request."""

    def one(service, describe, key, **wanted):
        return account.call(service, describe, **wanted)[key][0]

    match operation:
        case "CreateCluster":
            return one("ecs", "DescribeClusters", "clusters", clusters=[request["clusterName"]], include=["SETTINGS"])
        case "PutClusterCapacityProviders":
            cluster = one("ecs", "DescribeClusters", "clusters", clusters=[request["cluster"]])
            return cluster | {"cluster": cluster["clusterName"]}
        case "CreateCapacityProvider":
            wanted = {"capacityProviders": [request["name"]], "include": ["TAGS"]}
            return one("ecs", "DescribeCapacityProviders", "capacityProviders", **wanted)
        case "CreateRole" | "PutRolePolicy" | "AttachRolePolicy":
            return role_as_described(account, operation, request)
        case "CreateInstanceProfile" | "AddRoleToInstanceProfile":
            profile = account.call("iam", "GetInstanceProfile", InstanceProfileName=request["InstanceProfileName"])[
                "InstanceProfile"
            ]
            return profile | {"RoleName": next((role["RoleName"] for role in profile["Roles"]), None)}
        case "CreateSecurityGroup":
            filters = [{"Name": "group-name", "Values": [request["GroupName"]]}]
            return one("ec2", "DescribeSecurityGroups", "SecurityGroups", Filters=filters)
        case "AuthorizeSecurityGroupIngress":
            group = one("ec2", "DescribeSecurityGroups", "SecurityGroups", GroupIds=[request["GroupId"]])
            wanted = request["IpPermissions"][0]
            same = [rule for rule in group["IpPermissions"] if rule["FromPort"] == wanted["FromPort"]]
            pairs = [{"GroupId": pair["GroupId"]} for rule in same for pair in rule["UserIdGroupPairs"]]
            return group | {
                "IpPermissions": [same[0] | {"UserIdGroupPairs": [p for p in pairs if p in wanted["UserIdGroupPairs"]]}]
            }
        case "CreateRepository":
            return one("ecr", "DescribeRepositories", "repositories", repositoryNames=[request["repositoryName"]])
        case "PutLifecyclePolicy":
            return account.call("ecr", "GetLifecyclePolicy", repositoryName=request["repositoryName"])
        case "CreateListener":
            listeners = account.call("elbv2", "DescribeListeners", LoadBalancerArn=request["LoadBalancerArn"])["Listeners"]
            return next(listener for listener in listeners if listener["Port"] == request["Port"])
        case "PutMetricAlarm":
            return one("cloudwatch", "DescribeAlarms", "MetricAlarms", AlarmNames=[request["AlarmName"]])
        case "PutDashboard":
            return account.call("cloudwatch", "GetDashboard", DashboardName=request["DashboardName"])
        case "CreateSchedule":
            return account.call("scheduler", "GetSchedule", Name=request["Name"])
        case "PutScheduledAction":
            wanted = {"ServiceNamespace": "ecs", "ScheduledActionNames": [request["ScheduledActionName"]]}
            return one("application-autoscaling", "DescribeScheduledActions", "ScheduledActions", **wanted)
        case "CreateLaunchTemplate":
            name = request["LaunchTemplateName"]
            return one("ec2", "DescribeLaunchTemplateVersions", "LaunchTemplateVersions", LaunchTemplateName=name)
        case "CreateAutoScalingGroup":
            names = [request["AutoScalingGroupName"]]
            return one("autoscaling", "DescribeAutoScalingGroups", "AutoScalingGroups", AutoScalingGroupNames=names)
        case "CreateLogGroup" | "PutRetentionPolicy":
            return one("logs", "DescribeLogGroups", "logGroups", logGroupNamePrefix=request["logGroupName"])
        case "RegisterTaskDefinition":
            answer = account.call("ecs", "DescribeTaskDefinition", taskDefinition=request["family"], include=["TAGS"])
            return answer["taskDefinition"] | {"tags": answer.get("tags", [])}
        case "CreateTargetGroup":
            group = one("elbv2", "DescribeTargetGroups", "TargetGroups", Names=[request["Name"]])
            return group | {"Name": group["TargetGroupName"]}
        case "ModifyTargetGroupAttributes":
            answer = account.call("elbv2", "DescribeTargetGroupAttributes", TargetGroupArn=request["TargetGroupArn"])
            return request | {"Attributes": [found for found in answer["Attributes"] if found in request["Attributes"]]}
        case "CreateRule":
            rules = account.call("elbv2", "DescribeRules", ListenerArn=request["ListenerArn"])["Rules"]
            rule = next(rule for rule in rules if rule["Priority"] == str(request["Priority"]))
            return rule | {"Priority": int(rule["Priority"]), "ListenerArn": request["ListenerArn"]}
        case "CreateService":
            wanted = {"cluster": request["cluster"], "services": [request["serviceName"]], "include": ["TAGS"]}
            service = one("ecs", "DescribeServices", "services", **wanted)
            family = service["taskDefinition"].split("/")[-1].partition(":")[0]
            return service | {"cluster": service["clusterArn"].split("/")[-1], "taskDefinition": family}
        case "RegisterScalableTarget":
            wanted = {"ServiceNamespace": "ecs", "ResourceIds": [request["ResourceId"]]}
            return one("application-autoscaling", "DescribeScalableTargets", "ScalableTargets", **wanted)
        case "PutScalingPolicy":
            wanted = {"ServiceNamespace": "ecs", "ResourceId": request["ResourceId"]}
            policies = account.call("application-autoscaling", "DescribeScalingPolicies", **wanted)["ScalingPolicies"]
            wanted |= {"PolicyName": request["PolicyName"]}
            return next(policy for policy in policies if wanted.items() <= policy.items())
    raise AssertionError(operation)


def role_as_described(account, operation, request):
    name = request["RoleName"]
    if operation == "CreateRole":
        role = account.call("iam", "GetRole", RoleName=name)["Role"]
        return role | {"AssumeRolePolicyDocument": json.dumps(role["AssumeRolePolicyDocument"], sort_keys=True)}
    if operation == "PutRolePolicy":
        policy = account.call("iam", "GetRolePolicy", RoleName=name, PolicyName=request["PolicyName"])
        return policy | {"PolicyDocument": json.dumps(policy["PolicyDocument"], sort_keys=True)}
    attached = account.call("iam", "ListAttachedRolePolicies", RoleName=name)["AttachedPolicies"]
    return {"RoleName": name, "PolicyArn": attached[0]["PolicyArn"]}


def differences(sent, answer, path=""):
    """Paths of what was sent and is not described the same; an answer may say more."""
    if isinstance(sent, dict) and isinstance(answer, dict):
        for key, value in sent.items():
            yield from differences(value, answer.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(sent, list) and isinstance(answer, list) and len(sent) == len(answer):
        for one, other in zip(sent, answer, strict=True):
            yield from differences(one, other, path)
    elif sent != answer:
        yield path
