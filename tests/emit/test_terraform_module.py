"""Inputs of the public module are the plan, under names that the module has; what it cannot say is refused."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from typer.testing import CliRunner

import advisor
from advisor.cli.application import app
from advisor.ecs import LaunchType
from advisor.emit import parse_terraform_module, render_terraform_module
from advisor.emit.terraform.hcl import read_hcl
from advisor.errors import InputError, PlanError
from advisor.plan import ScalingMetric
from tests.emit import terraform_module_inputs as known
from tests.emit.plans import GOLDEN_PLANS, fargate, instances, plan, plans, service
from tests.emit.terraform_on_moto import Terraform, missing

GOLDEN = Path(__file__).parents[1] / "golden" / "terraform-module"
SHOP = Path(__file__).parents[2] / "reports" / "shop"
REFUSED = {"hybrid": "Managed Instances", "windows": "Windows", "gpu-and-batch": "schedule"}
needs_terraform = pytest.mark.skipif(bool(missing()), reason=missing())


def at_60_s(any_plan):
    return replace(any_plan, services={name: replace(s, metric_resolution_s=60) for name, s in any_plan.services.items()})


MODULE_PLANS = {name: at_60_s(make()) for name, make in GOLDEN_PLANS.items() if name not in REFUSED}


def modules(files):
    return {block.labels[0]: block.attributes for block in read_hcl(files["main.tf"].decode()) if block.kind == "module"}


@pytest.mark.parametrize("name", MODULE_PLANS)
def test_configuration(name, assert_golden):
    files = render_terraform_module(MODULE_PLANS[name])
    for path, content in files.items():
        assert_golden(f"terraform-module/{name}/{path}", content.decode())
    kept = {path.relative_to(GOLDEN / name).as_posix() for path in (GOLDEN / name).rglob("*") if path.is_file()}
    assert kept == set(files), "a golden file that nothing makes any more: remove it"


@given(plans())
@settings(max_examples=20)  # each draws a whole plan
def test_any_plan_is_held_or_refused_with_the_reason(any_plan):
    made = at_60_s(any_plan)
    try:
        files = render_terraform_module(made)
    except PlanError as error:
        assert re.search("Managed Instances|schedule|Windows", str(error))  # noqa: PT017 (any of them)
        return
    parsed = parse_terraform_module(files)
    assert parsed == made
    assert render_terraform_module(parsed) == files
    assert complaints(files) == []


@pytest.mark.parametrize("name", MODULE_PLANS)
def test_a_golden_configuration_parses_back_and_names_what_the_module_has(name):
    files = render_terraform_module(MODULE_PLANS[name])
    assert parse_terraform_module(files) == MODULE_PLANS[name]
    assert complaints(files) == []


def complaints(files):
    """Inputs and members that the module lacks, and references to nothing."""
    found = []
    for name, inputs in modules(files).items():
        part = "cluster" if name == "ecs_cluster" else "service"
        assert inputs["source"] == f"terraform-aws-modules/ecs/aws//modules/{part}"
        assert inputs["version"] == "~> 7.0"
        names = known.CLUSTER if part == "cluster" else known.SERVICE
        found += [f"{name}.{each}" for each in set(inputs) - names - {"source", "version", "depends_on"}]
        for each, value in inputs.items():
            found += known.unknown_members(value, known.MEMBERS.get(each), f"{name}.{each}")
    return found


def test_references_name_what_is_there():
    files = render_terraform_module(MODULE_PLANS["sidecars-and-volumes"])
    text = files["main.tf"].decode()
    bare = re.sub(r'(?<!\$)"(?:[^"\\$]|\\.|\$(?!\{))*"', '""', text)
    declared = {".".join(block.labels) for block in read_hcl(text) if block.kind == "resource"}
    declared |= {f"module.{name}" for name in modules(files)}
    referred = set(re.findall(r"\b((?:aws_[a-z_]+|module)\.[A-Za-z_][A-Za-z0-9_-]*)", bare))
    assert referred - {"aws_caller_identity.current"} <= declared
    assert "module.ecs_service_gateway" in referred  # its tasks may reach the other service


def test_defaults_of_the_module_that_the_plan_does_not_have_are_set():
    fixed = service(scaling_metric=ScalingMetric.NONE, scaling_target=None, min_tasks=4, max_tasks=4)
    scaled = service(scale_out_cooldown_s=60, scale_in_cooldown_s=600, scaling_target=55.0, log_retention_days=90)
    inputs = modules(render_terraform_module(plan({"fixed": fixed, "scaled": scaled}, fargate())))
    cluster, first, second = inputs["ecs_cluster"], inputs["ecs_service_fixed"], inputs["ecs_service_scaled"]
    assert cluster["setting"] == [{"name": "containerInsights", "value": "disabled"}]
    assert cluster["cluster_capacity_providers"] == ["FARGATE"]
    assert not cluster["create_cloudwatch_log_group"]
    assert (first["enable_autoscaling"], first["autoscaling_policies"], first["desired_count"]) == (False, {}, 4)
    assert second["enable_autoscaling"]
    assert (second["autoscaling_min_capacity"], second["autoscaling_max_capacity"]) == (2, 20)
    (policy,) = second["autoscaling_policies"].values()  # the module's own has CPU and memory
    assert policy["target_tracking_scaling_policy_configuration"] == {
        "target_value": 55,
        "predefined_metric_specification": {"predefined_metric_type": "ECSServiceAverageCPUUtilization"},
        "scale_out_cooldown": 60,
        "scale_in_cooldown": 600,
        "disable_scale_in": False,
    }
    container = second["container_definitions"]["scaled"]
    assert container["restartPolicy"] == {"enabled": False}
    assert container["versionConsistency"] == "enabled"
    assert (container["startTimeout"], container["stopTimeout"]) == (120, 30)
    assert container["cloudwatch_log_group_retention_in_days"] == 90
    assert second["deployment_circuit_breaker"] == {"enable": True, "rollback": True}
    assert (second["deployment_minimum_healthy_percent"], second["deployment_maximum_percent"]) == (100, 200)
    assert (second["force_new_deployment"], second["ignore_task_definition_changes"]) == (False, False)
    assert second["launch_type"] == "FARGATE"
    assert "capacity_provider_strategy" not in second


@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_what_the_module_cannot_say_is_refused_with_the_way_out(name, reason):
    with pytest.raises(PlanError, match=f"terraform-module cannot express .*{reason}.*Emit") as refused:
        render_terraform_module(GOLDEN_PLANS[name]())
    assert "\n" not in str(refused.value)


def test_metrics_every_20_s_are_refused():
    with pytest.raises(PlanError, match="20 s"):
        render_terraform_module(GOLDEN_PLANS["fargate-mix"]())


def test_a_service_may_have_the_name_of_its_capacity_provider_or_of_the_cluster():
    on_ec2 = service(launch_type=LaunchType.EC2, capacity_provider="shop")
    made = plan({"shop": on_ec2, "ecs_cluster": on_ec2}, instances("shop", "m7i.large", architecture=on_ec2.architecture))
    assert parse_terraform_module(render_terraform_module(made)) == made


def test_files_that_are_no_configuration_of_ours_are_refused():
    with pytest.raises(InputError, match="missing"):
        parse_terraform_module({})
    files = render_terraform_module(MODULE_PLANS["small-arm64-fargate"])
    for text in (b"", b"module {", b'a = "', b"\xff"):
        with pytest.raises(InputError, match="lacks"):
            parse_terraform_module(files | {"main.tf": text})


def test_the_command_writes_what_the_library_renders(tmp_path):
    done = CliRunner().invoke(app, ["emit", str(SHOP), "--to", "terraform-module", "-o", str(tmp_path)])
    assert done.exit_code == 0, done.output
    files = {path.name: path.read_bytes() for path in (tmp_path / "deploy" / "terraform-module").iterdir()}
    assert files == advisor.render_terraform_module(parse_terraform_module(files))


@needs_terraform
def test_the_files_are_formatted_as_terraform_formats_them(tmp_path):
    for name, made in MODULE_PLANS.items():
        (tmp_path / name).mkdir()
        for path, content in render_terraform_module(made).items():
            (tmp_path / name / path).write_bytes(content)
    terraform = Terraform(tmp_path, {}, "http://127.0.0.1:1", "eu-west-1")
    (tmp_path / "loopback_override.tf").unlink()
    terraform.run("fmt", "-check", "-diff", "-recursive")


@pytest.mark.prove
@needs_terraform
@pytest.mark.parametrize("name", MODULE_PLANS)
def test_terraform_finds_every_input_and_reference_beside_a_stand_in_for_the_module(tmp_path, name):
    """The registry is not at hand here: the stand-in has the module's inputs, so terraform checks their names."""
    files = render_terraform_module(MODULE_PLANS[name])
    text = files["main.tf"].decode().replace("terraform-aws-modules/ecs/aws//modules/", "./")
    text = re.sub(r' +version += "~> 7.0"\n', "", text)
    versions = files["versions.tf"].replace(b">= 6.0", b">= 5.0")  # the resources are those of both
    for part in ("cluster", "service"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "main.tf").write_text(known.stand_in(part))
    made = files | {"main.tf": text.encode(), "versions.tf": versions}
    terraform = Terraform(tmp_path, made, "http://127.0.0.1:1", MODULE_PLANS[name].region)
    terraform.init()
    terraform.run("validate", "-no-color")
