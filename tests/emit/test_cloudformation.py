"""The template is the plan, cfn-lint finds nothing in it, and a stack of it stands in moto."""

import json
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
import yaml
from hypothesis import given, settings
from moto import mock_aws

from advisor.emit import parse_cloudformation, render_cloudformation
from advisor.errors import InputError
from tests.emit.plans import GOLDEN_PLANS, plans
from tests.emit.test_merge import ON_EC2, plan_of

GOLDEN = Path(__file__).parents[1] / "golden" / "cloudformation"
CFN_LINT = Path(sys.executable).with_name("cfn-lint")
FEW = ["fargate-mix", "sidecars-and-volumes", "hybrid"]
"""What has most in it; the others wait for `make prove`."""
IN_BRIDGE_MODE = plan_of(provider=ON_EC2, network_mode="bridge", port=80)


@given(plans())
@settings(max_examples=settings.default.max_examples // 4)  # each draws a whole plan
def test_a_template_parses_back_to_the_same_plan(any_plan):
    files = render_cloudformation(any_plan)
    parsed = parse_cloudformation(files)
    assert parsed == any_plan
    assert render_cloudformation(parsed) == files


@pytest.mark.parametrize("name", GOLDEN_PLANS)
def test_template(name, assert_golden):
    files = render_cloudformation(GOLDEN_PLANS[name]())
    for path, content in files.items():
        assert_golden(f"cloudformation/{name}/{path}", content.decode())
    kept = {path.relative_to(GOLDEN / name).as_posix() for path in (GOLDEN / name).rglob("*") if path.is_file()}
    assert kept == set(files), "a golden file that nothing makes any more: remove it"


def linted(folder, names, *more):
    paths = [*more]
    for name in names:
        for path, content in render_cloudformation(GOLDEN_PLANS[name]()).items():
            if path.endswith(".yaml"):
                paths.append(folder / f"{name}-{path}")
                paths[-1].write_bytes(content)
    return lint(*paths)


def lint(*paths):
    """Findings of cfn-lint, as it counts them: its exit status says whether there are any."""
    words = [CFN_LINT, "--format", "json", "--regions", "us-east-1", "--template", *paths]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)
    assert bool(found) == bool(done.returncode), done.stderr
    return found


def test_cfn_lint_finds_nothing(tmp_path):
    """Nor where a load balancer sends to ports that Docker chooses."""
    (tmp_path / "bridge.yaml").write_bytes(render_cloudformation(IN_BRIDGE_MODE)["template.yaml"])
    assert linted(tmp_path, FEW, tmp_path / "bridge.yaml") == []


@pytest.mark.prove
def test_cfn_lint_finds_nothing_in_any(tmp_path):
    assert linted(tmp_path, [name for name in GOLDEN_PLANS if name not in FEW]) == []


def test_cfn_lint_would_find_a_wrong_size(tmp_path):
    files = render_cloudformation(GOLDEN_PLANS["small-arm64-fargate"]())
    path = tmp_path / "wrong.yaml"
    path.write_bytes(files["template.yaml"].replace(b'Memory: "512"', b'Memory: "513"'))
    assert [finding["Rule"]["Id"] for finding in lint(path)] == ["E3047"]


@pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning")  # capacity providers and scaling are not in moto's stacks
@pytest.mark.parametrize("name", ["fargate-mix", "fargate-requests"])
def test_a_stack_of_the_template_is_made_in_moto(name):
    plan = GOLDEN_PLANS[name]()
    template = without_full_names(yaml.safe_load(render_cloudformation(plan)["template.yaml"]))
    with mock_aws():
        client = {
            service: boto3.client(service, region_name=plan.region, aws_access_key_id="x", aws_secret_access_key="x")
            for service in ("cloudformation", "ec2", "ecs", "elbv2", "logs")
        }
        values = parameter_values(client, plan.region, template["Parameters"])
        stack = client["cloudformation"].create_stack(
            StackName="shop", TemplateBody=json.dumps(template), Parameters=values, Capabilities=["CAPABILITY_NAMED_IAM"]
        )["StackId"]
        assert client["cloudformation"].describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
        services = client["ecs"].list_services(cluster=plan.cluster)["serviceArns"]
        assert sorted(arn.split("/")[-1] for arn in services) == sorted(plan.services)
        groups = client["logs"].describe_log_groups()["logGroups"]
        assert {group["retentionInDays"] for group in groups} == {s.log_retention_days for s in plan.services.values()}


def without_full_names(template):
    """moto's target groups have no name for metrics: what asks for it goes (dashboard, some alarms and policies)."""
    kept = {k: v for k, v in template["Resources"].items() if "TargetGroupFullName" not in json.dumps(v)}
    return template | {"Resources": kept}


def parameter_values(client, region, parameters):
    """A network and load balancers for the stack to stand in."""
    vpc = client["ec2"].create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = {
        zone: client["ec2"].create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=region + zone)["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    }
    group = client["ec2"].create_security_group(GroupName="balancer", Description="any", VpcId=vpc)["GroupId"]
    arns = {
        kind: client["elbv2"].create_load_balancer(Name=kind, Type=kind, Subnets=list(subnets.values()))["LoadBalancers"][0][
            "LoadBalancerArn"
        ]
        for kind in ("application", "network")
    }
    answer = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
    listener = client["elbv2"].create_listener(
        LoadBalancerArn=arns["application"], Protocol="HTTP", Port=80, DefaultActions=answer
    )["Listeners"][0]["ListenerArn"]
    known = {
        "VpcId": vpc,
        "PrivateSubnetA": subnets["a"],
        "PrivateSubnetB": subnets["b"],
        "LoadBalancerSecurityGroup": group,
        "NetworkLoadBalancerSecurityGroup": group,
        "ListenerArn": listener,
        "LoadBalancerFullName": arns["application"].split("loadbalancer/")[1],
        "NetworkLoadBalancerArn": arns["network"],
        "NetworkLoadBalancerFullName": arns["network"].split("loadbalancer/")[1],
    }
    wanted = [name for name, parameter in parameters.items() if "Default" not in parameter]
    values = {name: known.get(name, "web.example.com" if name.startswith("HostName") else "v1") for name in wanted}
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]


def test_no_number_of_tasks_stands_against_auto_scaling():
    for make in GOLDEN_PLANS.values():
        template = yaml.safe_load(render_cloudformation(make())["template.yaml"])
        scaled = {resource["Properties"]["ResourceId"]["Fn::Sub"] for resource in of_type(template, "ScalableTarget")}
        for logical, resource in template["Resources"].items():
            if resource["Type"] == "AWS::ECS::Service":
                is_scaled = any(f"${{{logical}.Name}}" in text for text in scaled)
                assert ("DesiredCount" in resource["Properties"]) != is_scaled


def of_type(template, name):
    return [resource for resource in template["Resources"].values() if resource["Type"].endswith(f"::{name}")]


def test_a_file_that_is_no_template_of_ours_is_refused():
    with pytest.raises(InputError, match="missing"):
        parse_cloudformation({})
    for text in (b"", b"[", b"Resources: {}", b"Rules: 1"):
        with pytest.raises(InputError, match="lacks"):
            parse_cloudformation({"template.yaml": text})
