"""Merging a plan into what exists: its own fields change, and none is lost."""

import copy
import json
from dataclasses import replace
from pathlib import Path

import pytest

from advisor.ecs import Architecture, LaunchType, PlacementStrategy, PurchaseOption, TaskSize
from advisor.emit.merge import merge_plan
from advisor.emit.merge_editor import READ_ONLY
from advisor.errors import InputError
from advisor.plan import CapacityProvider, Plan, ScalingMetric, ServicePlan

RECORDED = Path(__file__).parents[3] / "shared" / "workloads"
FOLDERS = ("ecs_api_placebo", "ecs_api_cli_form", "aws_cli_examples")
needs_recorded = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not beside this repository")

ON_FARGATE = CapacityProvider(name="FARGATE", launch_type=LaunchType.FARGATE, purchase_option=PurchaseOption.ON_DEMAND)
ON_SPOT = CapacityProvider(name="FARGATE_SPOT", launch_type=LaunchType.FARGATE, purchase_option=PurchaseOption.SPOT)
ON_EC2 = CapacityProvider(
    name="shop-m7g",
    launch_type=LaunchType.EC2,
    purchase_option=PurchaseOption.ON_DEMAND,
    instance_types=("m7g.large",),
    architecture=Architecture.ARM64,
    placement=PlacementStrategy.SPREAD_THEN_BINPACK,
    max_instances=4,
)


def plan_of(name="web", provider=ON_FARGATE, cluster="shop", **fields):
    service = ServicePlan(
        launch_type=provider.launch_type,
        purchase_option=provider.purchase_option,
        architecture=provider.architecture or Architecture.X86_64,
        task=TaskSize(cpu_units=512, memory_mib=1024),
        capacity_provider=provider.name,
        desired_tasks=3,
        min_tasks=2,
        max_tasks=8,
        scaling_metric=ScalingMetric.CPU,
        scaling_target=55.0,
    )
    return Plan(
        cluster=cluster,
        region="us-east-1",
        services={name: replace(service, **fields)},
        capacity_providers={provider.name: provider},
    )


DEFINITION = {
    "family": "web",
    "cpu": "1024",
    "memory": "2048",
    "requiresCompatibilities": ["FARGATE"],
    "networkMode": "awsvpc",
    "executionRoleArn": "arn:aws:iam::123456789012:role/mine",
    "containerDefinitions": [
        {
            "name": "web",
            "image": "web:7",
            "cpu": 1024,
            "memory": 2048,
            "environment": [{"name": "A", "value": "${x} {{y}} \n é"}],
            "secrets": [{"name": "B", "valueFrom": "arn:aws:ssm:..."}],
            "somethingOfNextYear": {"kept": True},
        }
    ],
    "alsoNew": [1, 2.5],
}


def one(document, plan, service=None):
    (merged,) = merge_plan(document, plan, service)
    return merged


def changed_paths(merged):
    return [change.path for change in merged.changes]


def test_a_smaller_size_and_nothing_else():
    merged = one(DEFINITION, plan_of())
    expected = copy.deepcopy(DEFINITION) | {"cpu": "512", "memory": "1024"}
    expected["containerDefinitions"][0] |= {"cpu": 512, "memory": 1024}
    assert merged.request == expected
    assert list(merged.request) == list(DEFINITION)  # in the same order
    assert changed_paths(merged) == ["cpu", "memory", "containerDefinitions[0].cpu", "containerDefinitions[0].memory"]
    assert merged.left_out == ()
    assert merged.file == "services/web/register-task-definition.json"


def test_the_document_that_was_given_stays_as_it_is():
    before = copy.deepcopy(DEFINITION)
    one(DEFINITION, plan_of())
    assert before == DEFINITION


def test_merging_twice_changes_nothing_more():
    merged = one(DEFINITION, plan_of())
    again = one(merged.request, plan_of())
    assert (again.request, again.changes) == (merged.request, ())


def test_sizes_that_are_written_otherwise_are_kept_as_written():
    for cpu, memory in ((512, "1024"), ("0.5 vCPU", "1 GB"), ("512", " 1024 ")):
        same = DEFINITION | {"cpu": cpu, "memory": memory}
        same["containerDefinitions"] = [{"name": "web", "image": "web:7"}]
        assert one(same, plan_of()).changes == ()


@pytest.mark.parametrize(
    ("key", "size"), [("cpu", "abc"), ("cpu", ""), ("memory", "two GB"), ("cpu", "0.33 vCPU"), ("memory", [2048])]
)
def test_a_size_that_is_none_is_refused_and_not_replaced(key, size):
    with pytest.raises(InputError, match=rf"web: the task definition's {key} is .*, which is no size"):
        merge_plan(DEFINITION | {key: size}, plan_of())


def test_a_described_definition_becomes_a_request_and_says_what_it_cannot_hold():
    read_only = dict.fromkeys(sorted(READ_ONLY["RegisterTaskDefinition"]), "x")
    answer = {"taskDefinition": {**DEFINITION, **read_only}, "tags": [{"key": "team", "value": "shop"}]}
    merged = one(answer, plan_of())
    assert merged.request["tags"] == answer["tags"]
    assert not set(merged.request) & set(read_only)
    assert all(name in merged.left_out[0] for name in read_only)
    assert merged.request["alsoNew"] == [1, 2.5]


def test_what_is_left_out_is_exactly_what_the_requests_refuse():
    pytest.importorskip("botocore")
    from botocore.session import Session

    for api, answer, operation in [
        ("ecs", "TaskDefinition", "RegisterTaskDefinition"),
        ("ecs", "Service", "UpdateService"),
        ("application-autoscaling", "ScalableTarget", "RegisterScalableTarget"),
        ("application-autoscaling", "ScalingPolicy", "PutScalingPolicy"),
    ]:
        model = Session().get_service_model(api)
        accepted = set(model.operation_model(operation).input_shape.members)
        assert set(model.shape_for(answer).members) - accepted <= READ_ONLY[operation]
        assert not READ_ONLY[operation] & accepted


def test_several_containers_keep_what_they_reserve_or_are_refused():
    two = DEFINITION | {
        "containerDefinitions": [
            {"name": "web", "image": "a", "cpu": 256, "memory": 512},
            {"name": "sidecar", "image": "b", "cpu": 128, "memory": 256},
        ]
    }
    assert one(two, plan_of()).request["containerDefinitions"] == two["containerDefinitions"]
    two["containerDefinitions"][1]["cpu"] = 300
    with pytest.raises(InputError, match=r"web: its containers reserve cpu 256 \+ 300, the plan's task has 512"):
        merge_plan(two, plan_of())


def test_from_ec2_to_fargate():
    on_ec2 = {
        "family": "web",
        "networkMode": "bridge",
        "containerDefinitions": [
            {
                "name": "web",
                "image": "web",
                "cpu": 10,
                "memory": 500,
                "portMappings": [{"containerPort": 80, "hostPort": 0}],
            }
        ],
        "volumes": [],
        "placementConstraints": [],
    }
    merged = one(on_ec2, plan_of())
    assert merged.request["requiresCompatibilities"] == ["FARGATE"]
    assert merged.request["networkMode"] == "awsvpc"
    assert (merged.request["cpu"], merged.request["memory"]) == ("512", "1024")
    assert merged.request["containerDefinitions"][0]["portMappings"] == [{"containerPort": 80, "hostPort": 80}]
    assert merged.request["containerDefinitions"][0]["cpu"] == 10


def test_fargate_refuses_and_so_does_the_merge():
    refused = {"links": ["db"], "privileged": True, "linuxParameters": {"tmpfs": [{}], "capabilities": {"add": ["NET_ADMIN"]}}}
    document = {
        "family": "web",
        "containerDefinitions": [{"name": "web", "image": "web", "memory": 500, **refused}],
        "volumes": [{"name": "d", "host": {"sourcePath": "/var/run"}}],
        "placementConstraints": [{"type": "distinctInstance"}],
    }
    with pytest.raises(InputError) as refusal:
        merge_plan(document, plan_of())
    for word in ("links", "privileged", "tmpfs", "added capabilities", "volume of the host", "placementConstraints"):
        assert word in str(refusal.value)
    on_ec2 = one(document, plan_of(provider=ON_EC2))
    assert on_ec2.request["containerDefinitions"][0]["links"] == ["db"]
    assert on_ec2.request["runtimePlatform"]["cpuArchitecture"] == "ARM64"


def test_storage_belongs_to_the_plan_on_fargate():
    assert one(DEFINITION, plan_of(ephemeral_storage_gib=50)).request["ephemeralStorage"] == {"sizeInGiB": 50}
    without = one(DEFINITION | {"ephemeralStorage": {"sizeInGiB": 50}}, plan_of())
    assert "ephemeralStorage" not in without.request


def test_which_service_it_belongs_to():
    assert one(DEFINITION | {"family": "shop-web"}, plan_of()).service == "web"
    with pytest.raises(InputError, match="'api' is named like no service of the plan"):
        merge_plan(DEFINITION | {"family": "api"}, plan_of())
    assert one(DEFINITION | {"family": "api"}, plan_of(), "web").service == "web"
    with pytest.raises(InputError, match="no service 'x'"):
        merge_plan(DEFINITION, plan_of(), "x")
    with pytest.raises(InputError, match="nothing of the plan's services"):
        merge_plan({"failures": []}, plan_of())


LIVE = {
    "serviceName": "web",
    "serviceArn": "arn:aws:ecs:us-east-1:1:service/shop/web",
    "clusterArn": "arn:aws:ecs:us-east-1:1:cluster/shop",
    "launchType": "EC2",
    "desiredCount": 5,
    "runningCount": 5,
    "loadBalancers": [{"targetGroupArn": "t", "containerName": "web", "containerPort": 80}],
    "networkConfiguration": {
        "awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED"}
    },
    "placementStrategy": [{"type": "spread", "field": "instanceId"}],
    "deploymentConfiguration": {"maximumPercent": 150},
}


def test_a_described_service_becomes_an_update_that_leaves_the_count_alone():
    merged = one({"services": [LIVE], "failures": []}, plan_of())
    request = merged.request
    assert merged.operation == "UpdateService"
    assert (request["cluster"], request["service"]) == ("shop", "web")
    assert request["capacityProviderStrategy"] == [{"capacityProvider": "FARGATE", "base": 0, "weight": 1}]
    assert request["forceNewDeployment"] is True
    assert request["placementStrategy"] == []
    assert request["networkConfiguration"]["awsvpcConfiguration"] == {
        "subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED",
    }  # fmt: skip
    assert request["deploymentConfiguration"] == {"maximumPercent": 150}
    assert "desiredCount" not in request
    assert any("desiredCount" in said for said in merged.left_out)


def test_a_service_that_is_as_planned_is_left_as_it_is():
    spot = LIVE | {"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 9}], "placementStrategy": []}
    del spot["launchType"]
    spot["networkConfiguration"] = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
    merged = one({"services": [spot]}, plan_of(provider=ON_SPOT))
    assert merged.changes == ()
    assert merged.request["capacityProviderStrategy"] == spot["capacityProviderStrategy"]


def test_a_request_to_create_stays_one():
    create = {"serviceName": "web", "cluster": "shop", "launchType": "EC2", "desiredCount": 5, "taskDefinition": "web"}
    merged = one(create, plan_of(provider=ON_EC2))
    assert merged.operation == "CreateService"
    assert "launchType" not in merged.request
    assert merged.request["capacityProviderStrategy"][0]["capacityProvider"] == "shop-m7g"
    assert merged.request["desiredCount"] == 5
    assert merged.request["placementStrategy"]


def test_bounds_and_target_of_scaling():
    answer = {
        "ScalableTargets": [
            {"ServiceNamespace": "ecs", "ResourceId": "service/shop/web", "MinCapacity": 1, "MaxCapacity": 10, "RoleARN": "r"},
            {"ServiceNamespace": "ecs", "ResourceId": "service/shop/other", "MinCapacity": 1, "MaxCapacity": 10},
        ]
    }
    merged = one(answer, plan_of())
    assert merged.request == answer["ScalableTargets"][0] | {"MinCapacity": 2, "MaxCapacity": 8}
    tracking = {
        "TargetValue": 70.0,
        "ScaleInCooldown": 10,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
    }
    policy = {"PolicyName": "p", "ResourceId": "service/shop/web", "TargetTrackingScalingPolicyConfiguration": tracking}
    merged = one({"ScalingPolicies": [policy]}, plan_of())
    assert merged.request["TargetTrackingScalingPolicyConfiguration"] == tracking | {"TargetValue": 55.0}
    step = {"PolicyName": "s", "ResourceId": "service/shop/web", "StepScalingPolicyConfiguration": {"Cooldown": 60}}
    kept = one({"ScalingPolicies": [step]}, plan_of())
    assert kept.request == step
    assert "is kept" in kept.left_out[0]


# Every recorded answer and request, against every kind of plan.

OWNED_OF_TASK = {"cpu", "memory", "requiresCompatibilities", "networkMode", "runtimePlatform", "ephemeralStorage", "tags"}
OWNED_OF_CONTAINER = {"cpu", "memory", "memoryReservation", "portMappings"}
OWNED_OF_SERVICE = {
    "capacityProviderStrategy",
    "launchType",
    "placementStrategy",
    "placementConstraints",
    "networkConfiguration",
    "forceNewDeployment",
    "service",
    "cluster",
    "desiredCount",
}
OWNED_OF_SCALING = {"MinCapacity", "MaxCapacity", "TargetTrackingScalingPolicyConfiguration"}


def recorded_documents():
    """Each recorded document with what of it can be merged: the name of a service or family."""
    if not RECORDED.is_dir():
        return []
    found = []
    for folder in FOLDERS:
        for path in sorted((RECORDED / folder).glob("*.json")):
            document = json.loads(path.read_text())
            document = document.get("data", document)
            if isinstance(document, dict) and (name := mergeable_name(document)):
                found.append(pytest.param(document, name, id=f"{folder}/{path.stem}"))
    return found


def mergeable_name(document):
    definition = document.get("taskDefinition")
    for each in (definition if isinstance(definition, dict) else {}, document):
        if "containerDefinitions" in each:
            return each["family"]
    services = document.get("services") or [document.get("service", document)]
    if isinstance(services[0], dict) and ("serviceName" in services[0] or "taskDefinition" in document):
        return services[0].get("serviceName") or document.get("service")
    for key in ("ScalableTargets", "ScalingPolicies"):
        if document.get(key):
            return document[key][0]["ResourceId"].rpartition("/")[2]
    return None


def parts_of(document):
    """The objects of a document that are merged, beside what they come to."""
    definition = document.get("taskDefinition", document)
    if isinstance(definition, dict) and "containerDefinitions" in definition:
        return [definition]
    for key in ("services", "ScalableTargets", "ScalingPolicies"):
        if isinstance(document.get(key), list):
            return document[key]
    return [document["service"]] if isinstance(document.get("service"), dict) else [document]


def same_bytes(one_value, other):
    return json.dumps(one_value, ensure_ascii=False) == json.dumps(other, ensure_ascii=False)


def plans_for(name):
    large = TaskSize(cpu_units=4096, memory_mib=30_720)
    for provider in (ON_FARGATE, ON_SPOT, ON_EC2):
        apart = {"has_distinct_instances": provider is ON_EC2}  # one that packs tasks takes no fixed host ports
        yield plan_of(name, provider, "c", task=large, **apart)
        yield plan_of(name, provider, "c", task=TaskSize(cpu_units=256, memory_mib=512), ephemeral_storage_gib=20, **apart)


@needs_recorded
@pytest.mark.parametrize(("document", "name"), recorded_documents())
def test_no_recorded_field_is_lost(document, name):
    n_merged = 0
    for plan in plans_for(name):
        found = merged_or_refused(document, plan, name)
        for before, merged in zip(parts_of(document), found, strict=True) if found else ():
            n_merged += 1
            assert_kept(before, merged)
    assert n_merged


def merged_or_refused(document, plan, name):
    """What Fargate refuses, and containers that a smaller task cannot hold, are said and not cut away."""
    try:
        return merge_plan(document, plan, name)
    except InputError as refusal:
        if "does not take" in str(refusal) or "its containers reserve" in str(refusal):
            return ()
        raise


def assert_kept(before, merged):
    refused = READ_ONLY[merged.operation]
    owned = OWNED_OF_TASK | OWNED_OF_SERVICE | OWNED_OF_SCALING
    for key, value in before.items():
        if key in refused:
            assert key not in merged.request
            assert any(key in said for said in merged.left_out)
        elif key == "containerDefinitions":
            for old, new in zip(value, merged.request[key], strict=True):
                kept = [name for name in old if name not in OWNED_OF_CONTAINER]
                assert all(same_bytes(old[name], new[name]) for name in kept)
                assert set(new) - OWNED_OF_CONTAINER == set(kept)
        elif key not in owned:
            assert same_bytes(merged.request[key], value)
    assert set(merged.request) <= set(before) | owned
    network = before.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    for key in set(network) - {"assignPublicIp"}:
        assert same_bytes(merged.request["networkConfiguration"]["awsvpcConfiguration"][key], network[key])


@pytest.fixture(scope="module")
def problems_of():
    """What botocore finds wrong with a request."""
    from botocore.session import Session
    from botocore.validate import ParamValidator

    apis = {name: Session().get_service_model(name) for name in ("ecs", "application-autoscaling")}

    def problems(merged):
        api = apis["ecs" if "Scal" not in merged.operation else "application-autoscaling"]
        return ParamValidator().validate(merged.request, api.operation_model(merged.operation).input_shape).generate_report()

    return problems


@needs_recorded
@pytest.mark.parametrize(("document", "name"), recorded_documents())
def test_what_is_merged_is_a_request_that_botocore_takes(document, name, problems_of):
    for plan in plans_for(name):
        for merged in merged_or_refused(document, plan, name):
            assert problems_of(merged) == ""


@needs_recorded
def test_recorded_definitions_of_all_forms_are_merged():
    names = [param.id for param in recorded_documents()]
    assert sum("askDefinition" in name or "task-definition" in name for name in names) >= 12
    assert sum("Services" in name or "service" in name for name in names) >= 10
