"""Tasks that ask for GPUs: on instances with GPUs of a named type, on capacity providers of their own, and never on Fargate."""

import json
from dataclasses import replace

import numpy as np
import pytest
import yaml

from advisor import advise, rank_instances, read_catalog, read_workload
from advisor.ecs import LaunchType, NetworkMode, TaskSize
from advisor.emit.ecs import render_ecs
from advisor.errors import InputError
from advisor.gating import gate
from advisor.optimize.candidates import instance_capacity
from advisor.recommend.result import Recommendation
from advisor.simulate.instances import capacity, reservation
from advisor.simulate.packing import tasks_per_instance
from advisor.workload import Constraints, PresentCluster, PresentService
from tests import test_laws

VIRGINIA = read_catalog("us-east-1")
FILE = """
cluster: ml
region: us-east-1
services:
  - {{name: infer, task: {task}, load: {{tasks: 6}}}}
  - {{name: web, task: {{cpu: 512, memory: 1024}}, load: {{tasks: 3}}}}
  - {{name: api, task: {{cpu: 512, memory: 2048}}, load: {{tasks: 3}}}}
constraints: {{instance_types: {types}}}
"""
ASKED = "{cpu: 4096, memory: 15000, gpus: 1}"


@pytest.fixture
def workload(tmp_path):
    def read(task=ASKED, types='["*", "g4dn.*", "g5.*", "g6.*"]', definition=None):
        if definition is not None:
            (tmp_path / "task.json").write_text(json.dumps(definition))
            task = "{file: task.json}"
        (tmp_path / "workload.yaml").write_text(FILE.format(task=task, types=types))
        return read_workload(tmp_path / "workload.yaml")

    return read


@pytest.fixture
def advised(workload):
    return lambda *args, **more: advise(workload(*args, **more), VIRGINIA, replay_weeks=0)


def test_the_bill_by_hand(advised):
    """One task fills a g4dn.xlarge (4 vCPU, one T4): 6 x $0.526, 6 volumes of 30 GiB at $0.08; the others on Fargate."""
    found = advised()
    plan = found.recommended.plan.services
    assert plan["infer"].launch_type is LaunchType.EC2
    assert (plan["web"].launch_type, plan["api"].launch_type) == (LaunchType.FARGATE, LaunchType.FARGATE)
    usd = {item.meter: item.amount_usd for item in found.recommended.bill.line_items}
    assert usd["ec2:linux:on_demand:g4dn.xlarge"] == pytest.approx(6 * 0.526 * 730)
    assert usd["ebs:gp3:gib_month"] == pytest.approx(6 * 30 * 0.08)
    fargate = 730 * (6 * 0.5 * 0.04048 + (3 * 1 + 3 * 2) * 0.004445)
    assert found.recommended.monthly_usd.mean == pytest.approx(6 * 0.526 * 730 + 6 * 30 * 0.08 + fargate, rel=1e-3)
    bound = found.lower_bound["monthly_usd"]
    assert found.recommended.monthly_usd.mean * 0.9 < bound <= found.recommended.monthly_usd.mean


def test_fargate_is_no_choice_for_them_and_says_why(advised):
    on_fargate = [each for each in advised().alternatives if each.scope == "infer" and "Fargate" in each.title]
    assert [each.reasons for each in on_fargate] == [("its tasks ask for GPUs",)]
    assert "Fargate cannot run infer: its tasks ask for GPUs" in advised().warnings


def test_a_task_definition_tells_its_gpus(workload):
    container = {"name": "app", "image": "a:1", "resourceRequirements": [{"type": "GPU", "value": "2"}]}
    definition = {"cpu": "8192", "memory": "30000", "networkMode": "awsvpc", "containerDefinitions": [container]}
    assert workload(definition=definition).services[0].task == TaskSize(cpu_units=8192, memory_mib=30_000, gpus=2)
    container["resourceRequirements"][0]["value"] = "two"
    with pytest.raises(InputError, match="'two' is no number of GPUs"):
        workload(definition=definition)


@pytest.mark.parametrize(
    ("name", "gpus", "has_trunking", "tasks"),
    [
        ("g5.12xlarge", 1, True, 4),
        ("g5.12xlarge", 2, True, 2),
        ("g5.12xlarge", 3, True, 1),
        ("g5.xlarge", 2, True, 0),
        ("g5.48xlarge", 1, True, 8),
        ("g5.48xlarge", 1, False, 6),  # 7 interfaces, one of them the instance's own
        ("g5.48xlarge", 2, False, 4),
        ("g5.48xlarge", 3, False, 2),
    ],
)
def test_gpus_and_interfaces_bound_the_tasks_of_an_instance(name, gpus, has_trunking, tasks):
    offered = capacity(VIRGINIA.instance_type(name), has_trunking=has_trunking, least_gpus=gpus)
    taken = reservation(test_laws.service(), TaskSize(cpu_units=256, memory_mib=512, gpus=gpus), LaunchType.EC2)
    assert tasks_per_instance(taken, offered) == tasks


def test_a_type_with_gpus_is_taken_only_where_it_is_named(advised):
    with pytest.raises(InputError, match="names no type with any"):
        advised(types='["*"]')
    with pytest.raises(InputError, match="names no type with any"):
        advised(types='["g5g.*", "m6i.*"]')  # ARM64, for which AWS has no image with drivers


def test_tasks_without_gpus_never_run_on_types_with_them(advised):
    for each in advised().alternatives:
        for service in each.plan.services.values() if each.plan else ():
            provider = each.plan.capacity_providers[service.capacity_provider]
            if provider.launch_type is not LaunchType.FARGATE:
                has_gpus = {VIRGINIA.instance_type(name).gpus is not None for name in provider.instance_types}
                assert has_gpus == {service.gpus > 0}


def test_gpus_stand_in_the_result_and_in_the_deploy_files(advised):
    found = advised()
    again = Recommendation.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.recommended.plan.services["infer"].task.gpus == 1
    infer = next(each for each in found.recommendation.services if each.name == "infer")
    assert infer.task_size == {"cpu": 4096, "memory": 15_000, "gpus": 1}
    files = render_ecs(found.recommended.plan)
    definition = json.loads(files["services/infer/register-task-definition.json"])
    assert definition["containerDefinitions"][0]["resourceRequirements"] == [{"type": "GPU", "value": "1"}]
    template = json.loads(files["capacity-providers/infer-g4dn-xlarge/create-launch-template.json"])
    assert "/gpu/" in template["LaunchTemplateData"]["ImageId"]


def test_the_quota_of_types_with_gpus_is_nothing_in_a_new_account(advised):
    quota = {each.code: each for each in advised().quotas}["L-DB2E81BA"]
    assert (quota.default, quota.needed, quota.is_enough) == (0, 24, False)


def test_rates_of_types_with_gpus_are_in_no_proportion_to_cpu_and_memory(advised):
    assert not any("suggest: check it" in warning for warning in advised().warnings)


def test_what_a_task_uses_of_its_gpus_is_not_measured_so_its_size_stays(tmp_path):
    rows = [f"2026-01-05T{hour:02d}:00Z,2,5,6,20,25" for hour in range(24)]
    (tmp_path / "load.csv").write_text(
        "\n".join(["timestamp,tasks,cpu_percent,cpu_percent_max,memory_percent,memory_percent_max", *rows])
    )
    (tmp_path / "workload.yaml").write_text(
        "cluster: ml\nregion: us-east-1\nservices:\n"
        "  - {name: infer, task: {cpu: 4096, memory: 15000, gpus: 1}, load: {file: load.csv}}\n"
        "constraints: {instance_types: [g4dn.xlarge]}\n"
    )
    found = advise(read_workload(tmp_path / "workload.yaml"), VIRGINIA, replay_weeks=0)
    assert found.recommended.plan.services["infer"].task == TaskSize(cpu_units=4096, memory_mib=15_000, gpus=1)
    assert np.isfinite(found.recommended.monthly_usd.mean)


def test_a_daemon_with_gpus_is_refused(workload, tmp_path):
    workload()
    text = (tmp_path / "workload.yaml").read_text()
    daemon = "daemons:\n  - {name: agent, task: {cpu: 128, memory: 256, gpus: 1}}\n"
    (tmp_path / "workload.yaml").write_text(text + daemon)
    with pytest.raises(InputError, match="the daemon agent asks for GPUs"):
        read_workload(tmp_path / "workload.yaml")


def test_instance_types_are_ranked_for_tasks_with_gpus_and_without_apart(workload):
    ranked = rank_instances(workload(), VIRGINIA, most=3).instances
    by_services = {}
    for each in ranked:
        by_services.setdefault(each.services, set()).add(VIRGINIA.instance_type(each.instance_type).gpus is not None)
    assert by_services == {("infer",): {True}, ("web", "api"): {False}}


def test_a_gate_packs_gpus(workload):
    """12 tasks of a GPU each on 3 g4dn.12xlarge, which have 4; 16 on 4: one more at $3.912, and its volume."""

    def ran(n, present="{g4dn.12xlarge: 3}", others=()):
        load = replace(workload(types='["*", "g4dn.*"]'), present=PresentCluster(instances=yaml.safe_load(present)))
        on_ec2 = [replace(each, present=PresentService(launch_type=LaunchType.EC2)) for each in load.services]
        kept = [0, *others]
        demand = np.full((len(kept), load.n_steps), float(n))
        return replace(load, services=tuple(on_ec2[row] for row in kept), demand=demand)

    assert gate(ran(12), ran(16), VIRGINIA).change_usd == pytest.approx(3.912 * 730 + 30 * 0.08)
    (said,) = gate(ran(12, "{m6i.4xlarge: 3}"), ran(16, "{m6i.4xlarge: 3}"), VIRGINIA).missing
    assert said == "an instance type with GPUs for infer: m6i.4xlarge has none"
    (said,) = gate(ran(12, others=[1]), ran(16, others=[1]), VIRGINIA).missing
    assert "services that ask for GPUs apart" in said


@pytest.mark.parametrize(("mode", "tasks"), [("awsvpc", 6), ("bridge", 8), ("host", 8)])
def test_interfaces_bound_only_tasks_that_have_one(workload, mode, tasks):
    """A g5.48xlarge has 8 GPUs and 7 interfaces."""
    infer = replace(
        workload().services[0], network_mode=NetworkMode(mode), task=TaskSize(cpu_units=256, memory_mib=512, gpus=1)
    )
    no_trunks = Constraints(has_trunking=False)
    offered = instance_capacity(VIRGINIA.instance_type("g5.48xlarge"), LaunchType.EC2, no_trunks, (), (infer,))
    assert tasks_per_instance(reservation(infer, infer.task, LaunchType.EC2), offered) == tasks
