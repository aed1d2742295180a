"""The calls, sent over HTTP to a stand-in for AWS, described back and compared.

moto is lax: this proves that the requests travel, find each other and come back; `test_ecs_calls` holds the rules.
"""

import logging
from dataclasses import replace

import pytest
import urllib3
from moto.server import ThreadedMotoServer

from advisor.emit import parse_calls, parse_ecs, render_ecs
from tests.emit.aws_stand_in import IMAGE, Account
from tests.emit.plans import GOLDEN_PLANS

REFUSED = {"CreateCapacityProvider": "managedInstancesProvider", "PutAccountSettingDefault": "name"}
"""What moto answers with status 500, by operation, and the member of the request that it does not know."""

DROPPED = {
    "CreateService": {
        "availabilityZoneRebalancing",
        "capacityProviderStrategy",
        "deploymentConfiguration",
        "enableECSManagedTags",
        "enableExecuteCommand",
        "healthCheckGracePeriodSeconds",
        "placementStrategy",
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
        urllib3.request("POST", f"{endpoint}/moto-api/reset")
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
        assert status == 500, operation
        assert REFUSED[operation] in request
    assert len(lost) + len(refused) == len(parse_calls(files))


@pytest.mark.parametrize("name", GOLDEN_PLANS)
def test_the_plan_is_still_there_once_the_placeholders_are_filled_in(name, outcomes):
    *_, files = outcomes[name]
    plan = GOLDEN_PLANS[name]()
    services = {name: replace(service, image=service.image or IMAGE) for name, service in plan.services.items()}
    assert parse_ecs(files) == replace(plan, services=services)


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
        case "CreateLaunchTemplate":
            name = request["LaunchTemplateName"]
            return one("ec2", "DescribeLaunchTemplateVersions", "LaunchTemplateVersions", LaunchTemplateName=name)
        case "CreateAutoScalingGroup":
            names = [request["AutoScalingGroupName"]]
            return one("autoscaling", "DescribeAutoScalingGroups", "AutoScalingGroups", AutoScalingGroupNames=names)
        case "CreateLogGroup" | "PutRetentionPolicy":
            return one("logs", "DescribeLogGroups", "logGroups", logGroupNamePrefix=request["logGroupName"])
        case "RegisterTaskDefinition":
            return account.call("ecs", "DescribeTaskDefinition", taskDefinition=request["family"])["taskDefinition"]
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
            return one("application-autoscaling", "DescribeScalingPolicies", "ScalingPolicies", **wanted)
    raise AssertionError(operation)


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
