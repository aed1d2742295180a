"""Changes as files: task definitions, workload files, Terraform plans."""

import copy
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from advisor.ecs import Architecture, LaunchType, PurchaseOption, TaskSize
from advisor.errors import InputError
from advisor.gating import gate
from advisor.plan import ScalingMetric, Step, StepPolicy
from advisor.sources import Stated, read_change, read_workload
from tests.gate.changes import CATALOG, ON_EC2, ON_FARGATE, web, workload

approx = pytest.approx
PLAN = Path(__file__).parent / "data" / "terraform-plan.json"
"""What terraform 1.11.4 with hashicorp/aws 5.100.0 printed for a plan against moto, without providers and variables.

Mended where moto forgets: the strategy that the state has for the worker is the one of the configuration that was applied."""
DEFINITION = {
    "family": "web",
    "cpu": "1024",
    "memory": "2048",
    "requiresCompatibilities": ["FARGATE"],
    "containerDefinitions": [{"name": "web", "image": "web"}],
}


@pytest.fixture
def write(tmp_path):
    def write_json(document, name="new.json"):
        path = tmp_path / name
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return path

    return write_json


@pytest.mark.parametrize(
    "form",
    [
        lambda definition: definition,
        lambda definition: {"taskDefinition": {**definition, "revision": 7, "status": "ACTIVE"}, "tags": []},
        lambda definition: {**definition, "cpu": "2 vCPU", "memory": "4 GB"},
    ],
    ids=["as the CLI takes it", "as described", "in words"],
)
def test_two_task_definitions(write, form):
    """4 tasks of 1 vCPU and 2 GiB, then 2 of twice the size, at the same price."""
    old = write(DEFINITION, "old.json")
    new = write(form({**DEFINITION, "cpu": "2048", "memory": "4096"}))
    change = read_change(workload(), old=old, new=new)
    assert change.services == ("web",)
    found = gate(change.before, change.after, CATALOG, services=change.services)
    assert found.services[0].changed == ("cpu", "memory")
    assert (found.before_usd, found.after_usd) == (approx(140.16), approx(140.16))


def test_without_an_old_one_the_workload_is_what_runs(write):
    change = read_change(workload(), new=write({**DEFINITION, "memory": "4096"}))
    assert gate(change.before, change.after, CATALOG).change_usd == approx(23.36)


def test_architecture_storage_and_launch_type_come_from_the_definition(write):
    platform = {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}
    new = write({**DEFINITION, "runtimePlatform": platform, "ephemeralStorage": {"sizeInGiB": 50}})
    found = read_change(workload(present=ON_EC2), old=write(DEFINITION, "old.json"), new=new).after.services[0]
    assert found.present.launch_type is LaunchType.FARGATE
    assert found.present.architecture is Architecture.ARM64
    assert found.ephemeral_storage_gib == 50


def test_a_definition_for_several_launch_types_runs_where_the_workload_says(write):
    both = write({**DEFINITION, "requiresCompatibilities": ["EC2", "FARGATE"]})
    assert read_change(workload(present=ON_EC2), new=both).after.services[0].present.launch_type is LaunchType.EC2
    with pytest.raises(InputError, match="allows EC2, FARGATE, so nothing says where web runs"):
        read_change(workload(present=None), new=both)
    stated = read_change(workload(present=None), new=both, stated=Stated(launch_type=LaunchType.FARGATE))
    assert stated.after.services[0].present == ON_FARGATE


def test_spot_stays_spot(write):
    on_spot = replace(ON_FARGATE, purchase_option=PurchaseOption.SPOT)
    after = read_change(workload(present=on_spot), new=write(DEFINITION)).after
    assert after.services[0].present.purchase_option is PurchaseOption.SPOT


def test_the_family_names_the_service(write):
    two = workload(web(), web(name="api"))
    assert read_change(two, new=write({**DEFINITION, "family": "drawn-api"})).services == ("api",)
    with pytest.raises(InputError, match=r"no service is named like the family 'wbe'. Did you mean 'web'.*--service"):
        read_change(two, new=write({**DEFINITION, "family": "wbe"}))
    assert read_change(two, new=write({**DEFINITION, "family": "x"}), service="api").services == ("api",)
    with pytest.raises(InputError, match=r"no service 'apo'.*'api'"):
        read_change(two, new=write(DEFINITION), service="apo")
    with pytest.raises(InputError, match="belong to different services: 'api' and 'web'"):
        read_change(two, old=write({**DEFINITION, "family": "api"}, "old.json"), new=write(DEFINITION))
    ambiguous = workload(web(name="drawn-web"), web())
    with pytest.raises(InputError, match="fits drawn-web and web"):
        read_change(ambiguous, new=write({**DEFINITION, "family": "drawn-web"}))


def test_what_is_no_task_definition_is_refused_with_its_place(write):
    with pytest.raises(InputError, match=r"new.json.*no containerDefinitions"):
        read_change(workload(), new=write({"services": []}))
    with pytest.raises(InputError, match=r"new.json, line 1"):
        read_change(workload(), new=write("{"))
    with pytest.raises(InputError, match="there is no change to price"):
        read_change(workload())


WORKLOAD = """
cluster: shop
region: us-east-1
services:
  - name: web
    task: {{cpu: {cpu}, memory: {memory}}}
    load: {{file: load.csv}}
    scaling: {{min: {least}, max: 20, target_cpu: 50}}
    present: {{launch_type: FARGATE, desired_count: 4}}
"""


def test_two_workload_files_share_the_load_of_the_first(tmp_path):
    """50 % of 4 tasks of 1,024 units are 2,048; in a file with 2,048 units a task they are still 2,048, not twice as many."""
    rows = "\n".join(f"2026-09-{1 + h // 24:02d}T{h % 24:02d}:00:00Z,50,4" for h in range(24 * 14))
    (tmp_path / "load.csv").write_text(f"timestamp,cpu_percent,tasks\n{rows}\n")
    (tmp_path / "old.yaml").write_text(WORKLOAD.format(cpu=1024, memory=2048, least=2))
    (tmp_path / "new.yaml").write_text(WORKLOAD.format(cpu=2048, memory=4096, least=3))
    change = read_change(read_workload(tmp_path / "old.yaml"), new=tmp_path / "new.yaml")
    found = gate(change.before, change.after, read_catalog_of_us_east_1())
    (web_change,) = found.services
    assert web_change.changed == ("cpu", "memory", "min_tasks")
    assert web_change.before.history.tasks_max == 4
    assert web_change.after.history.tasks_max == 3  # 2 would do, 3 are the minimum
    assert found.after_usd / found.before_usd == approx(3 * 2 / 4)


def counts_of(tmp_path, old, new, scaling=""):
    rows = "\n".join(f"2026-09-{1 + h // 24:02d}T{h % 24:02d}:00:00Z,50,4" for h in range(24 * 14))
    (tmp_path / "load.csv").write_text(f"timestamp,cpu_percent,tasks\n{rows}\n")
    text = re.sub(r" *scaling: .*", f"    {scaling}", WORKLOAD.format(cpu=1024, memory=2048, least=0))
    for name, count in (("old.yaml", old), ("new.yaml", new)):
        present = "launch_type: FARGATE" + (f", desired_count: {count}" if count else "")
        (tmp_path / name).write_text(re.sub(r"present: {.*}", f"present: {{{present}}}", text))
    return read_change(read_workload(tmp_path / "old.yaml"), new=tmp_path / "new.yaml")


def test_a_desired_count_without_scaling_is_the_count_of_all_the_month(tmp_path):
    """From 6 tasks to 8, whatever the load is: a third more."""
    change = counts_of(tmp_path, 6, 8)
    found = gate(change.before, change.after, read_catalog_of_us_east_1())
    assert found.change_fraction == approx(1 / 3)
    assert found.services[0].after.history.tasks_max == 8


def test_a_desired_count_under_scaling_is_only_a_start_and_says_so(tmp_path):
    change = counts_of(tmp_path, 6, 8, "scaling: {min: 2, max: 20}")
    assert gate(change.before, change.after, read_catalog_of_us_east_1()).change_usd == 0
    assert "only a start under scaling" in change.notes[0]


def test_a_desired_count_on_one_side_only_is_an_error(tmp_path):
    with pytest.raises(InputError, match="desired_count is 6 before and None after"):
        counts_of(tmp_path, 6, None)


def read_catalog_of_us_east_1():
    from advisor.sources import read_catalog

    return read_catalog("us-east-1")


# Terraform: a module with a service that scales and whose task definition is replaced, and a service of a fixed count.


def shop():
    """As the plan's state has it: search on ARM at 512/1024 with 2 to 10 tasks at 60 %, four workers of 256/512."""
    search = web(name="search", cpu=512, memory=1024, min=2, max=10, target=0.6, demand=[1200.0] * 336)
    worker = web(name="worker", cpu=256, memory=512, min=None, max=None, demand=[300.0] * 336)
    load = workload(search, worker, present=None)
    return replace(load, cluster="shop")


def with_plan(edit=None):
    plan = json.loads(PLAN.read_text())
    if edit:
        edit({resource["address"]: resource for resource in plan["resource_changes"]}, plan)
    return plan


def test_a_terraform_plan(write):
    change = read_change(shop(), plan=PLAN)
    assert set(change.services) == {"search", "worker"}
    before, after = ({s.name: s for s in side.services} for side in (change.before, change.after))
    assert before["search"].task == TaskSize(cpu_units=512, memory_mib=1024)
    assert after["search"].task == TaskSize(cpu_units=1024, memory_mib=2048)
    assert (before["search"].scaling.max_tasks, after["search"].scaling.max_tasks) == (10, 6)
    assert after["search"].scaling.target_cpu_fraction == 0.6
    assert {s.present.architecture for s in (before["search"], after["search"])} == {Architecture.ARM64}
    assert before["worker"].present.purchase_option is PurchaseOption.ON_DEMAND
    assert after["worker"].present.purchase_option is PurchaseOption.SPOT
    assert [s.scaling.min_tasks for s in (before["worker"], after["worker"])] == [4, 6]


def test_cooldowns_that_terraform_does_not_give_are_none(write):
    """The AWS provider sends 0, where AWS's default is 300 s."""

    def edit(resources, _):
        after = resources["module.api.aws_appautoscaling_policy.cpu"]["change"]["after"]
        after["target_tracking_scaling_policy_configuration"][0] |= {"scale_in_cooldown": 600, "scale_out_cooldown": None}

    change = read_change(shop(), plan=write(with_plan(edit)), service="search")
    scaling = [side.services[side.index("search")].scaling for side in (change.before, change.after)]
    assert [(each.out_cooldown_s, each.in_cooldown_s) for each in scaling] == [(0, 0), (0, 600)]

    def disable(resources, _):
        after = resources["module.api.aws_appautoscaling_policy.cpu"]["change"]["after"]
        after["target_tracking_scaling_policy_configuration"][0]["disable_scale_in"] = True

    with pytest.raises(InputError, match="search has a target that removes no tasks"):
        read_change(shop(), plan=write(with_plan(disable)))


ADDED_ACTION = {"name": "day", "schedule": "cron(0 7 * * ? *)", "resource_id": "service/shop/search",
                "scalable_target_action": [{"max_capacity": "9"}]}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "unknown", "said"),
    [
        ("policy", {"target_tracking_scaling_policy_configuration": [{"scale_in_cooldown": True}]}, "scale_in_cooldown"),
        ("policy", {"target_tracking_scaling_policy_configuration": True}, "target_tracking_scaling_policy_configuration"),
        ("scheduled_action", {"scalable_target_action": [{"min_capacity": True}]}, "min_capacity"),
    ],
)
def test_scaling_that_is_not_known_yet_is_no_scaling_that_is_absent(write, kind, unknown, said):
    def leave_open(resources, plan):
        change = resources["module.api.aws_appautoscaling_policy.cpu"]["change"]
        if kind == "scheduled_action":
            change = {"before": None, "after": ADDED_ACTION}
            added = {"address": "aws_appautoscaling_scheduled_action.day", "type": "aws_appautoscaling_scheduled_action"}
            plan["resource_changes"].append(added | {"change": change})
        elif unknown["target_tracking_scaling_policy_configuration"] is True:
            del change["after"]["target_tracking_scaling_policy_configuration"]
        change["after_unknown"] = unknown

    with pytest.raises(InputError, match=f"{said} is known only after the plan is applied"):
        read_change(shop(), plan=write(with_plan(leave_open)))


def test_what_keeps_tasks_apart_on_instances_is_part_of_a_terraform_plan(write):
    """Network mode, fixed ports and constraints: a change of them alone was no change, at $0.00."""
    mapped = json.dumps([{"name": "app", "image": "app", "portMappings": [{"containerPort": 80, "hostPort": 8080}]}])

    def edit(resources, _):
        on_ec2, definition = (
            resources[f"module.api.{kind}.this"]["change"] for kind in ("aws_ecs_service", "aws_ecs_task_definition")
        )
        on_ec2["before"]["launch_type"] = on_ec2["after"]["launch_type"] = "EC2"
        on_ec2["after"]["placement_constraints"] = [{"type": "distinctInstance", "expression": ""}]
        definition["after"] |= {"network_mode": "bridge", "container_definitions": mapped}

    change = read_change(shop(), plan=write(with_plan(edit)), service="search")
    was, now = (side.services[side.index("search")] for side in (change.before, change.after))
    assert (was.network_mode, was.has_distinct_instances) == ("awsvpc", False)
    assert (now.network_mode, now.has_distinct_instances) == ("bridge", True)
    assert [str(port) for port in now.host_ports_on(LaunchType.EC2)] == ["8080"]

    def leave_open(resources, _):
        change = resources["module.api.aws_ecs_task_definition.this"]["change"]
        del change["after"]["network_mode"]
        change["after_unknown"]["network_mode"] = True

    with pytest.raises(InputError, match="network_mode is known only after the plan is applied"):
        read_change(shop(), plan=write(with_plan(leave_open)))


def test_the_money_of_a_terraform_plan():
    """Search: ceil(1,200 / (0.6 x 512)) = 4 tasks of 0.5 vCPU and 1 GiB, then 2 of twice that: the same. ARM at half the rates.

    Worker: 4 tasks of 0.25 vCPU and 0.5 GiB x 730 h x $0.012 = $35.04; then 6 at half: $26.28.
    """
    change = read_change(shop(), plan=PLAN)
    found = gate(change.before, change.after, CATALOG, services=change.services)
    usd = {c.service: (c.before.monthly_usd, c.after.monthly_usd) for c in found.services}
    assert usd["search"] == (approx(4 * 730 * 0.012), approx(2 * 730 * 0.024))
    assert usd["worker"] == (approx(35.04), approx(26.28))
    assert found.change_usd == approx(26.28 - 35.04)


def test_a_plan_without_changes_is_exactly_nothing(write):
    def undo(resources, _):
        for resource in resources.values():
            resource["change"]["after"] = resource["change"]["before"]
            resource["change"]["after_unknown"] = {}

    change = read_change(shop(), plan=write(with_plan(undo)))
    assert gate(change.before, change.after, CATALOG, services=change.services).change_usd == 0


def test_a_service_that_the_workload_lacks_is_an_error_only_when_it_changes(write):
    only_search = workload(web(name="search", cpu=512, memory=1024), present=None, cluster=None)
    only_search = replace(only_search, cluster="shop")
    with pytest.raises(InputError, match="no service 'worker'"):
        read_change(only_search, plan=PLAN)
    assert read_change(only_search, plan=PLAN, service="search").services == ("search",)

    def unchanged(resources, _):
        worker = resources['aws_ecs_service.worker["worker"]']["change"]
        worker["after"], worker["after_unknown"] = worker["before"], {}

    change = read_change(only_search, plan=write(with_plan(unchanged)))
    assert change.services == ("search",)
    assert "left out" in change.notes[0]


def test_a_scheduled_action_that_terraform_adds_has_a_price(write):
    action = {
        "name": "morning", "schedule": "cron(0 7 ? * MON-FRI *)", "timezone": "Europe/Berlin",
        "resource_id": "service/shop/search",
        "scalable_target_action": [{"min_capacity": "9", "max_capacity": "10"}],
    }  # fmt: skip

    def add(resources, plan):
        change = {"before": None, "after": action, "after_unknown": {}}
        kind = "aws_appautoscaling_scheduled_action"
        plan["resource_changes"].append({"address": f"{kind}.morning", "type": kind, "change": change})

    change = read_change(shop(), plan=write(with_plan(add)), service="search")
    found = gate(change.before, change.after, CATALOG, services=change.services)
    same = read_change(shop(), plan=PLAN, service="search")
    (row,) = found.services
    assert row.after.setup.scheduled_actions == ("9 to 10 tasks from cron(0 7 ? * MON-FRI *) Europe/Berlin",)
    assert "scheduled_actions" in row.changed
    assert found.change_usd > gate(same.before, same.after, CATALOG, services=same.services).change_usd


STEP = {
    "name": "out",
    "resource_id": "service/shop/search",
    "policy_type": "StepScaling",
    "step_scaling_policy_configuration": [{"adjustment_type": "ChangeInCapacity", "step_adjustment": []}],
}
WATCHING = {"namespace": "AWS/ECS", "metric_name": "CPUUtilization", "dimensions": {"ServiceName": "search"}, "threshold": 70}


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("aws_appautoscaling_policy", None, STEP),
        ("aws_appautoscaling_policy", STEP, STEP | {"name": "up"}),
        ("aws_cloudwatch_metric_alarm", WATCHING, WATCHING | {"threshold": 80}),
    ],
)
def test_step_scaling_that_terraform_changes_is_refused_by_name(write, kind, before, after):
    def change(resources, plan):
        facts = {"before": before, "after": after, "after_unknown": {}}
        plan["resource_changes"].append({"address": f"{kind}.out", "type": kind, "change": facts})

    def stepped(policies):
        load = shop()
        return replace(load, services=tuple(replace(s, scaling=s.scaling.with_policies(policies, None)) for s in load.services))

    policy = StepPolicy(name="out", metric=ScalingMetric.CPU, threshold_percent=70, steps=(Step(from_percent=0, change=1),))
    with pytest.raises(InputError, match=f"changes its step scaling .{kind}.out"):
        read_change(stepped((policy,)), plan=write(with_plan(change)), service="search")
    assert read_change(stepped((policy,)), plan=PLAN, service="search").services == ("search",)


def test_a_service_that_the_plan_makes_has_no_price_and_no_zero(write):
    def make(resources, _):
        resources['aws_ecs_service.worker["worker"]']["change"]["before"] = None

    change = read_change(shop(), plan=write(with_plan(make)))
    found = gate(change.before, change.after, CATALOG, services=change.services, missing=change.missing)
    assert found.change_usd is None
    assert "worker" in found.missing[0]


def test_what_is_known_only_after_apply_is_an_error_with_the_address(write):
    def hide(resources, _):
        resources["module.api.aws_ecs_task_definition.this"]["change"]["after_unknown"]["cpu"] = True

    with pytest.raises(InputError, match=r"module.api.aws_ecs_task_definition.this: cpu is known only after"):
        read_change(shop(), plan=write(with_plan(hide)))


def test_what_a_failed_run_left_behind_is_not_a_second_definition(write):
    def left(resources, plan):
        behind = copy.deepcopy(resources["module.api.aws_ecs_task_definition.this"]) | {"deposed": "abc"}
        behind["change"]["after"] = None
        plan["resource_changes"].append(behind)

    change = read_change(shop(), plan=write(with_plan(left)))
    assert next(s for s in change.after.services if s.name == "search").task.cpu_units == 1024


def test_bounds_of_a_service_that_terraform_does_not_scale_are_the_workloads(write):
    def remove(resources, plan):
        plan["resource_changes"] = [r for r in plan["resource_changes"] if "appautoscaling" not in r["type"]]

    change = read_change(shop(), plan=write(with_plan(remove)))
    after = next(s for s in change.after.services if s.name == "search")
    assert (after.scaling.min_tasks, after.scaling.max_tasks) == (2, 10)
    assert any("search" in note and "workload" in note for note in change.notes)


def test_a_capacity_provider_of_instances(write):
    def on_instances(resources, plan):
        worker = resources['aws_ecs_service.worker["worker"]']["change"]
        worker["after"] = copy.deepcopy(worker["after"])
        worker["after"]["capacity_provider_strategy"][0]["capacity_provider"] = "mine"
        provider = {"name": "mine", "managed_instances_provider": [{"x": 1}]}
        change = {"before": None, "after": provider, "after_unknown": {}, "actions": ["create"]}
        if plan.pop("with_provider", False):
            plan["resource_changes"].append({"address": "p", "type": "aws_ecs_capacity_provider", "change": change})

    with pytest.raises(InputError, match="what is behind the capacity provider 'mine'"):
        read_change(shop(), plan=write(with_plan(on_instances)))
    plan = with_plan(lambda resources, plan: on_instances(resources, plan | {}) or None)
    plan["with_provider"] = True
    resources = {resource["address"]: resource for resource in plan["resource_changes"]}
    on_instances(resources, plan)
    after = next(s for s in read_change(shop(), plan=write(plan)).after.services if s.name == "worker")
    assert after.present.launch_type is LaunchType.MANAGED_INSTANCES


@pytest.mark.parametrize(
    "text", ["[]", "{}", '{"format_version": "1.2"}', '{"format_version": "1", "resource_changes": [1]}', "{"]
)
def test_what_is_no_plan_is_refused(write, text):
    with pytest.raises(InputError, match=r"new\.json.*terraform show -json"):
        read_change(shop(), plan=write(text))


def test_a_load_of_counts_with_a_fixed_count_in_the_plan(write):
    """Four workers before and six after, whatever the load file says of another time."""
    counts = workload(
        web(name="search", cpu=512, memory=1024),
        web(name="worker", form="tasks", demand=[5.0] * 336, cpu=256, memory=512, min=None, max=None),
        present=None,
    )
    change = read_change(replace(counts, cluster="shop"), plan=PLAN, service="worker")
    found = gate(change.before, change.after, CATALOG, services=change.services)
    assert (found.before_usd, found.after_usd) == (approx(35.04), approx(26.28))


def test_an_instance_type_needs_to_know_what_runs_on_it():
    with pytest.raises(InputError, match="nothing says which of web run on instances"):
        read_change(workload(present=None), new="x.json", stated=Stated(instance_type="m5.large"))
