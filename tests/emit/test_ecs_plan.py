"""What is emitted is the plan: it parses back, byte for byte the same."""

import json
from base64 import b64decode
from dataclasses import replace

import pytest
from hypothesis import given, settings

from advisor.ecs import Architecture, LaunchType, PlacementStrategy
from advisor.emit import parse_calls, parse_ecs, render_ecs
from advisor.errors import AdvisorError, InputError
from tests.emit.plans import GOLDEN_PLANS, ec2_arm64_shared, fargate, instances, plan, plans, service, small_arm64_fargate


@settings(max_examples=settings.default.max_examples // 3)  # each draws a whole plan
@given(plans())
def test_what_is_emitted_parses_back_to_the_same_plan(any_plan):
    files = render_ecs(any_plan)
    parsed = parse_ecs(files)
    assert parsed == any_plan
    assert render_ecs(parsed) == files


@pytest.mark.parametrize("name", GOLDEN_PLANS)
def test_a_plan_is_emitted_the_same_whatever_the_order_of_its_parts(name):
    made = GOLDEN_PLANS[name]()
    turned = replace(
        made,
        services=dict(reversed(made.services.items())),
        capacity_providers=dict(reversed(made.capacity_providers.items())),
    )
    assert list(render_ecs(turned).items()) == list(render_ecs(made).items())


@pytest.mark.parametrize("name", GOLDEN_PLANS)
def test_each_json_file_is_a_call_in_the_index_or_a_document_of_one(name):
    files = render_ecs(GOLDEN_PLANS[name]())
    index = json.loads(files["calls.json"])
    called = [entry["file"] for entry in index["calls"]]
    documents = {path for entry in index["calls"] for path in entry.get("documents", {}).values()}
    scripts = [path for path in files if path.endswith(".sh")]
    assert sorted([*called, *documents, *scripts, "README.md", "calls.json", "placeholders.sed"]) == list(files)
    assert len(parse_calls(files)) == len(called)


def test_a_plan_is_read_back_after_the_placeholders_were_filled_in():
    made = small_arm64_fargate()
    files = {path: content.replace(b"@account-id@", b"123456789012") for path, content in render_ecs(made).items()}
    assert parse_ecs(files) == made


def test_an_image_filled_in_becomes_part_of_the_plan():
    files = render_ecs(plan({"web": service()}, fargate()))
    values = {b"@account-id@": b"123456789012", b"@image-tag.web@": b"v7"}
    for placeholder, value in values.items():
        files = {path: content.replace(placeholder, value) for path, content in files.items()}
    assert parse_ecs(files).services["web"].image == "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web:v7"


def test_instances_join_the_cluster_and_keep_their_credentials_to_themselves():
    template = json.loads(render_ecs(ec2_arm64_shared())["capacity-providers/m7g-large/create-launch-template.json"])
    assert b64decode(template["LaunchTemplateData"]["UserData"]).decode().splitlines() == [
        "#!/bin/bash",
        "cat <<'EOF' >> /etc/ecs/ecs.config",
        "ECS_CLUSTER=shop",
        "ECS_AWSVPC_BLOCK_IMDS=true",
        "ECS_DISABLE_PRIVILEGED=true",
        "EOF",
    ]


@pytest.mark.parametrize(("types", "mode"), [
    (["t2.large"], {"CpuCredits": "unlimited"}),  # standard where nothing is said, and held to the baseline
    (["t3.large", "t3a.large"], {"CpuCredits": "unlimited"}),
    (["t3.large", "m6i.large"], None),  # EC2 refuses it for types without credits
    (["m6i.large"], None),
])  # fmt: skip
def test_burstable_types_start_in_the_mode_in_which_they_are_billed(types, mode):
    """Amazon EC2 User Guide, "Unlimited mode for burstable performance instances": T3 has it by default, T2 not."""
    on = instances("group", *types, architecture=Architecture.X86_64)
    on_ec2 = service(capacity_provider="group", launch_type=LaunchType.EC2)
    template = json.loads(render_ecs(plan({"web": on_ec2}, on))["capacity-providers/group/create-launch-template.json"])
    assert template["LaunchTemplateData"].get("CreditSpecification") == mode


def test_a_cluster_without_services_is_a_plan_too():
    empty = plan({})
    assert parse_ecs(render_ecs(empty)) == empty


def test_names_that_are_too_long_for_their_place_are_cut_and_stay_different():
    twins = {"x" * 254 + letter: service(port=80) for letter in "ab"}
    files = render_ecs(plan(twins, fargate(), cluster="c" * 255))
    groups = {request["Name"] for _, operation, request in parse_calls(files) if operation == "CreateTargetGroup"}
    roles = {request["taskRoleArn"] for _, operation, request in parse_calls(files) if operation == "RegisterTaskDefinition"}
    assert len(groups) == len(roles) == 2
    assert max(map(len, groups)) <= 32
    assert max(len(role.split("/")[-1]) for role in roles) <= 64
    assert parse_ecs(files) == plan(twins, fargate(), cluster="c" * 255)


def test_without_a_maximum_the_group_has_room_for_each_task_of_a_doubling_deployment_on_its_own_instance():
    made = plan(
        {"web": service(launch_type=LaunchType.EC2, capacity_provider="pool", max_tasks=20)},
        instances("pool", "m7i.large", architecture=service().architecture, max_instances=None),
    )
    files = render_ecs(made)
    assert json.loads(files["capacity-providers/pool/create-auto-scaling-group.json"])["MaxSize"] == 40
    assert parse_ecs(files) == made


def test_tags_appear_only_where_no_request_can_say_it():
    tagged = {
        name: [tag["key"] for _, _, request in parse_calls(render_ecs(make())) for tag in request.get("tags", [])]
        for name, make in GOLDEN_PLANS.items()
    }
    assert tagged == {
        "small-arm64-fargate": [],
        "fargate-requests": [],
        "fargate-spot": ["advisor:min-tasks"],
        "fargate-mix": [],
        "ec2-arm64-shared": ["advisor:ephemeral-storage-gib"],
        "ec2-spot-pool": [],
        "hybrid": ["advisor:max-instances"],
        "windows": ["advisor:has-trunking"],
        "gpu-and-batch": ["advisor:has-zone-rebalancing", "advisor:scheduled-task"],
        "sidecars-and-volumes": [],
    }


@pytest.mark.parametrize(
    "name", ["", "-web", "../web", "web/../../etc", "a b", "wéb", "${HOME}", "web|x", "web\n", "`id`", "x" * 256]
)
def test_a_name_that_ecs_does_not_allow_becomes_no_path(name):
    with pytest.raises(AdvisorError, match="name"):
        render_ecs(plan({name: service()}, fargate()))
    with pytest.raises(AdvisorError, match="name"):
        render_ecs(plan({"web": service()}, fargate(), cluster=name))


@pytest.mark.parametrize("name", ["aws-pool", "ECS", "Fargate1", "a/b"])
def test_a_capacity_provider_name_that_ecs_reserves_is_refused(name):
    on_instances = service(launch_type=LaunchType.EC2, capacity_provider=name)
    with pytest.raises(AdvisorError, match="capacity provider"):
        render_ecs(plan({"web": on_instances}, instances(name, "m7i.large", architecture=on_instances.architecture)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image": "web:1\n"}, "image"),
        ({"image": '"}, {"'}, "image"),
        ({"image": "repository:@image-tag.web@"}, "image"),
        ({"port": 0}, "port"),
        ({"port": 70_000}, "port"),
        ({"desired_tasks": -1}, "desired"),
        ({"scaling_target": float("nan")}, "target"),
        ({"scaling_target": 0.0}, "target"),
    ],
)
def test_what_aws_refuses_is_refused_before_anything_is_written(changes, message):
    with pytest.raises(AdvisorError, match=message):
        render_ecs(plan({"web": service(**changes)}, fargate()))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"instance_types": ("m7g.large", "m7g.large")}, "types"),
        ({"instance_types": ("m7g large",)}, "types"),
        ({"root_volume_gib": 8}, "root volume of 30 GiB"),
        ({"zones": 0}, "zones"),
        ({"max_instances": 0}, "instance"),
        ({"placement": PlacementStrategy.INSTANCE_SPREAD, "target_capacity_percent": 80}, "ECS wants binpack first"),
    ],
)
def test_capacity_that_aws_refuses_is_refused(changes, message):
    provider = instances("pool", "m7g.large", placement=PlacementStrategy.DEFAULT_SPREAD)
    on_it = service(launch_type=LaunchType.EC2, architecture=provider.architecture, capacity_provider="pool")
    with pytest.raises(AdvisorError, match=message):
        render_ecs(plan({"web": on_it}, replace(provider, **changes)))


def test_names_that_differ_only_in_case_are_refused():
    with pytest.raises(AdvisorError, match="case"):
        render_ecs(plan({"web": service(), "Web": service()}, fargate()))


def test_a_region_that_is_none_is_refused():
    with pytest.raises(AdvisorError, match="Region"):
        render_ecs(plan({"web": service()}, fargate(), region="here; rm -rf"))


def test_a_folder_that_was_not_emitted_is_refused_with_the_file_in_question():
    files = render_ecs(small_arm64_fargate())
    with pytest.raises(InputError, match=r"calls\.json"):
        parse_ecs({})
    with pytest.raises(InputError, match=r"calls\.json"):
        parse_ecs(files | {"calls.json": b"[]"})
    with pytest.raises(InputError, match="create-service"):
        parse_ecs({path: content for path, content in files.items() if "create-service" not in path})
    with pytest.raises(InputError, match="not JSON"):
        parse_ecs(files | {"services/worker/create-service.json": b"{"})
    with pytest.raises(InputError, match="lack what a plan needs"):
        parse_ecs(files | {"services/worker/register-task-definition.json": b"{}"})
