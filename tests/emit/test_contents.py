"""What deploy files must contain: each part taken away is noticed by name."""

import copy
import json
from functools import cache

import pytest

from advisor.ecs import Architecture, LaunchType, PlacementStrategy
from advisor.emit import parse_calls, parse_ecs, render_ecs
from tests.ecs_rules import check_contents
from tests.emit.plans import GOLDEN_PLANS, instances, plan, service


@cache
def golden_calls(name):
    return parse_calls(render_ecs(GOLDEN_PLANS[name]()))


def changed(name, operation, change):
    """The calls of a golden plan, with ``change`` made to every request of one operation."""
    calls = copy.deepcopy(golden_calls(name))
    touched = [request for _, made, request in calls if made == operation]
    assert touched
    for request in touched:
        change(request)
    return calls


def without(name, operation):
    return [call for call in golden_calls(name) if call[1] != operation]


def put(value, *path):
    def change(request):
        *parents, last = path
        for key in parents:
            request = request[key]
        if value is None:
            request.pop(last, None)
        else:
            request[last] = value

    return change


def allow(action):
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return put(json.dumps({"Version": "2012-10-17", "Statement": [statement]}), "PolicyDocument")


CONTAINER = ("containerDefinitions", 0)
PROVIDER = "autoScalingGroupProvider"
ANYWHERE = [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
PLANTED = [
    ("fargate-mix", "CreateCluster", put([], "settings"), "containerInsights"),
    ("ec2-arm64-shared", "CreateCapacityProvider", put("DISABLED", PROVIDER, "managedDraining"), "managedDraining"),
    ("ec2-arm64-shared", "CreateCapacityProvider", put("DISABLED", PROVIDER, "managedScaling", "status"), "managed scaling"),
    (
        "ec2-arm64-shared",
        "CreateCapacityProvider",
        put("DISABLED", PROVIDER, "managedTerminationProtection"),
        "managedTerminationProtection",
    ),
    ("ec2-arm64-shared", "PutAccountSettingDefault", put("disabled", "value"), "trunking"),
    (
        "hybrid",
        "CreateCapacityProvider",
        put({}, "managedInstancesProvider", "instanceLaunchTemplate", "instanceRequirements"),
        "instanceRequirements",
    ),
    ("fargate-mix", "RegisterTaskDefinition", put(None, "taskRoleArn"), "taskRoleArn"),
    ("fargate-mix", "RegisterTaskDefinition", put(None, "runtimePlatform"), "runtimePlatform"),
    ("fargate-mix", "RegisterTaskDefinition", put(None, *CONTAINER, "readonlyRootFilesystem"), "root file system"),
    ("fargate-mix", "RegisterTaskDefinition", put(None, *CONTAINER, "linuxParameters"), "capabilities"),
    ("fargate-mix", "RegisterTaskDefinition", put(None, *CONTAINER, "logConfiguration"), "logs to no group"),
    (
        "fargate-mix",
        "RegisterTaskDefinition",
        put([{"name": "DB_PASSWORD", "value": "x"}], *CONTAINER, "environment"),
        "plain text",
    ),
    ("fargate-mix", "CreateService", put(None, "deploymentConfiguration", "deploymentCircuitBreaker"), "CircuitBreaker"),
    ("fargate-mix", "CreateService", put(None, "deploymentConfiguration", "maximumPercent"), "maximumPercent"),
    ("fargate-mix", "CreateService", put(None, "availabilityZoneRebalancing"), "availabilityZoneRebalancing"),
    (
        "fargate-mix",
        "CreateService",
        put([], "networkConfiguration", "awsvpcConfiguration", "securityGroups"),
        "default security group",
    ),
    ("fargate-mix", "CreateService", put(True, "enableExecuteCommand"), "run commands"),
    ("fargate-mix", "CreateService", put([], "loadBalancers"), "does not send to it"),
    ("fargate-mix", "AuthorizeSecurityGroupIngress", put(ANYWHERE, "IpPermissions"), "admits addresses"),
    ("fargate-mix", "PutDashboard", put("{}", "DashboardBody"), "dashboard"),
    ("fargate-spot", "CreateRepository", put(None, "imageScanningConfiguration"), "scan"),
    ("fargate-mix", "PutRolePolicy", allow("logs:*"), "logs:*"),
    ("fargate-mix", "PutRolePolicy", allow("s3:GetObject"), "on everything"),
]


@pytest.mark.parametrize(("name", "operation", "change", "finding"), PLANTED)
def test_a_part_taken_away_is_noticed(name, operation, change, finding):
    assert any(finding in each for each in check_contents(changed(name, operation, change)))


@pytest.mark.parametrize(
    ("name", "operation", "finding"),
    [
        ("fargate-mix", "PutMetricAlarm", "No alarm watches CPUUtilization"),
        ("fargate-mix", "PutRetentionPolicy", "expires"),
        ("fargate-mix", "PutDashboard", "No dashboard"),
        ("fargate-mix", "AuthorizeSecurityGroupIngress", "does not admit its load balancer"),
        ("fargate-spot", "PutLifecyclePolicy", "for ever"),
        ("fargate-spot", "CreateRepository", "nothing makes"),
    ],
)
def test_a_call_left_out_is_noticed(name, operation, finding):
    assert any(finding in each for each in check_contents(without(name, operation)))


def test_a_role_that_any_account_may_use_is_noticed():
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    calls = changed("fargate-mix", "CreateRole", put(document, "AssumeRolePolicyDocument"))
    assert any("confused deputy" in each for each in check_contents(calls))


@pytest.mark.parametrize(
    ("placement", "target_capacity", "emitted", "rebalancing"),
    [
        (PlacementStrategy.SPREAD_THEN_BINPACK, 100, ["spread", "binpack"], "ENABLED"),
        (PlacementStrategy.SPREAD_THEN_BINPACK, 90, ["binpack", "spread"], "DISABLED"),
        (PlacementStrategy.BINPACK, 100, ["binpack"], "DISABLED"),
        (PlacementStrategy.DEFAULT_SPREAD, 100, None, "ENABLED"),
    ],
)
def test_the_placement_that_was_simulated_is_the_one_emitted(placement, target_capacity, emitted, rebalancing):
    """Rebalancing needs the spread over zones first, or no strategy: Developer Guide, "Availability Zone rebalancing"."""
    pool = instances("m7g", "m7g.large", placement=placement, target_capacity_percent=target_capacity)
    on = {"launch_type": LaunchType.EC2, "architecture": Architecture.ARM64, "capacity_provider": "m7g"}
    made = plan({"web": service(**on)}, pool)
    (created,) = (request for _, operation, request in parse_calls(render_ecs(made)) if operation == "CreateService")
    kinds = [item["type"] for item in created["placementStrategy"]] if "placementStrategy" in created else None
    assert (kinds, created["availabilityZoneRebalancing"]) == (emitted, rebalancing)
    assert parse_ecs(render_ecs(made)) == made
