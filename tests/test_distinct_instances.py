"""Services of which an instance holds one task: the placement constraint distinctInstance, and fixed host ports."""

import json
from dataclasses import replace

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from advisor import advise, read_catalog, read_workload
from advisor.ecs import LaunchType, TaskSize
from advisor.emit import render_ecs
from advisor.emit.merge import merge_plan
from advisor.errors import InputError, PlanError
from advisor.optimize.packed import packed_load
from advisor.simulate.instances import root_volume_gib
from advisor.simulate.scaling import RunningTasks
from advisor.sources.aws.collect import collect_workload
from advisor.workload import LoadForm, Scaling, Service
from tests.aws.test_present import NOW, account_with
from tests.emit.formats import FORMATS
from tests.emit.plans import ec2_arm64_shared, fargate, plan, service
from tests.emit.test_merge import DEFINITION, LIVE, ON_EC2, ON_FARGATE, plan_of
from tests.oracle import packing

VIRGINIA = read_catalog("us-east-1")
APART = ", placement_constraints: [{type: distinctInstance}]"
FILE = """
cluster: shop
region: us-east-1
services:
  - {{name: web, task: {task}, load: {{tasks: 6}}{web}}}
{more}
constraints: {{instance_types: [m6i.large], launch_types: [{launch_type}], zones: 1}}
"""
SIZE = "{cpu: 256, memory: 512}"
OTHER = "  - {{name: api, task: {{cpu: 256, memory: 512}}, load: {{tasks: 10}}{api}}}"
USD = 0.096 * 730 + 30 * 0.08  # of an m6i.large and its volume


@pytest.fixture
def advised(tmp_path):
    def answer(web="", api=None, launch_type="EC2", weeks=0, task=SIZE):
        more = "" if api is None else OTHER.format(api=api)
        text = FILE.format(task=task, web=web, more=more, launch_type=launch_type)
        (tmp_path / "workload.yaml").write_text(text)
        return advise(read_workload(tmp_path / "workload.yaml"), VIRGINIA, replay_weeks=weeks)

    return answer


@pytest.mark.parametrize("weeks", [0, 1])
@pytest.mark.parametrize(
    ("web", "api", "n"),
    [
        ("", None, 1),  # an m6i.large has room for 8 by CPU
        (APART, None, 6),
        (APART, "", 6),  # 10 tasks of the api beside them: 7 to an instance
        (APART, APART, 10),  # each of ten instances holds one of the api, six of them one of web, too
    ],
)
def test_as_many_instances_as_tasks_by_hand(advised, web, api, n, weeks):
    found = advised(web, api, weeks=weeks)
    assert found.recommended.monthly_usd.mean == pytest.approx(n * USD, rel=1e-3)
    assert found.lower_bound["monthly_usd"] <= found.recommended.monthly_usd.mean * (1 + 1e-9)
    if web:
        assert found.recommended.instances.binding == "distinctInstance"


def test_managed_instances_know_the_constraint_and_fargate_does_not(advised):
    managed = advised(APART, launch_type="MANAGED_INSTANCES").recommended
    assert managed.monthly_usd.mean == pytest.approx(6 * (USD + 0.12 * 0.096 * 730), rel=1e-3)
    assert managed.plan.services["web"].has_distinct_instances
    on_fargate = [advised(each, launch_type="FARGATE").recommended for each in ("", APART)]
    assert on_fargate[0].monthly_usd == on_fargate[1].monthly_usd
    assert not on_fargate[1].plan.services["web"].has_distinct_instances


def test_a_volume_holds_the_storage_of_one_task():
    web = Service(
        name="web", task=TaskSize(cpu_units=256, memory_mib=512), load_form=LoadForm.TASKS, scaling=Scaling(min_tasks=1),
        ephemeral_storage_gib=50,
    )  # fmt: skip
    offered = np.array([[2048, 7817, 10]])
    assert root_volume_gib([(web, web.task)], LaunchType.EC2, offered).tolist() == [30 + 8 * 50]
    apart = replace(web, has_distinct_instances=True)
    assert root_volume_gib([(apart, web.task)], LaunchType.EC2, offered).tolist() == [30 + 50]


@given(
    drawn=st.lists(st.tuples(st.integers(1, 8), st.integers(1, 8), st.booleans(), st.integers(0, 6)), min_size=2, max_size=5)
)
def test_packed_like_one_task_after_the_other(drawn):
    """Each service that keeps its tasks apart has a dimension of its own, of which an instance offers 1."""
    runs, tasks = [], []
    for number, (cpu, memory, is_apart, count) in enumerate(drawn):
        one = Service(
            name=f"s{number}", task=TaskSize(cpu_units=cpu, memory_mib=memory), load_form=LoadForm.TASKS,
            scaling=Scaling(min_tasks=0), has_distinct_instances=is_apart,
        )  # fmt: skip
        runs.append(
            RunningTasks(
                service=one, size=one.task, tasks=np.array([float(count)]), unmet=np.zeros(1), target_cpu_fraction=0.6,
                min_tasks=0, cpu_units=None,
            )
        )  # fmt: skip
        places = [int(is_apart and at == number) for at in range(len(drawn)) if drawn[at][2]]
        tasks += [(cpu, memory, 1, *places)] * count
    offered = (16, 16, 5, *[1] * sum(is_apart for _, _, is_apart, _ in drawn))
    load = packed_load(runs)
    assert load.packed(np.array([16, 16, 5])).tolist() == [packing.first_fit_instances(tasks, offered)]
    assert load.bound(np.array([16, 16, 5])).tolist() == [packing.volume_bound_instances(tasks, offered)]
    least = max((count for _, _, is_apart, count in drawn if is_apart), default=0)
    assert load.bound(np.array([16, 16, 5]))[0] >= least


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (", placement_constraints: [{type: memberOf}]", "distinctInstance"),
        (", placement_constraints: [{type: distinctInstance, expression: x}]", "expression"),
    ],
)
def test_what_is_no_constraint_that_figures_know_is_refused(advised, more, problem):
    with pytest.raises(InputError, match=problem):
        advised(more)


def test_batch_runs_take_none(tmp_path):
    text = FILE.format(task=SIZE, web=APART, more="", launch_type="EC2")
    text = text.replace("{tasks: 6}", "{runs: [{schedule: rate(1 hour), duration_minutes: 5}]}")
    (tmp_path / "workload.yaml").write_text(text)
    with pytest.raises(InputError, match="batch runs go with no placement constraints"):
        read_workload(tmp_path / "workload.yaml")


@pytest.mark.parametrize(("render", "parse"), FORMATS)
def test_deploy_files_are_read_back(render, parse):
    made = ec2_arm64_shared()
    assert {name: each.has_distinct_instances for name, each in made.services.items()} == {"api": False, "mailer": True}
    assert parse(render(made)) == made


def test_the_request_to_make_the_service_holds_it():
    request = json.loads(render_ecs(ec2_arm64_shared())["services/mailer/create-service.json"])
    assert request["placementConstraints"] == [{"type": "distinctInstance"}]


def test_a_plan_on_fargate_has_none():
    with pytest.raises(PlanError, match="only a service on instances"):
        plan({"web": service(has_distinct_instances=True)}, fargate())


DISTINCT, MEMBER = {"type": "distinctInstance"}, {"type": "memberOf", "expression": "attribute:rack == 1"}


@pytest.mark.parametrize(
    ("provider", "stated", "stands", "after"),
    [
        (ON_EC2, True, [], [DISTINCT]),
        (ON_EC2, True, [MEMBER], [MEMBER, DISTINCT]),
        (ON_EC2, True, [DISTINCT], [DISTINCT]),
        (ON_EC2, False, [MEMBER], [MEMBER]),
        (ON_FARGATE, False, [DISTINCT, MEMBER], []),
    ],
)
def test_merged_into_a_service_that_exists(provider, stated, stands, after):
    (merged,) = merge_plan(LIVE | {"placementConstraints": stands}, plan_of(provider=provider, has_distinct_instances=stated))
    assert merged.request["placementConstraints"] == after


def test_a_service_that_keeps_tasks_apart_is_not_merged_with_a_plan_that_packs_them():
    with pytest.raises(InputError, match="priced as if it held more"):
        merge_plan(LIVE | {"placementConstraints": [DISTINCT]}, plan_of(provider=ON_EC2))


def with_ports(mode, *mappings):
    (container,) = DEFINITION["containerDefinitions"]
    containers = [container | {"portMappings": list(mappings)}]
    stated = {} if mode is None else {"networkMode": mode}
    return (
        {key: value for key, value in DEFINITION.items() if key != "networkMode"}
        | stated
        | {"containerDefinitions": containers}
    )


FIXED = [
    (with_ports("bridge", {"containerPort": 80, "hostPort": 8080}), "8080"),
    (with_ports(None, {"containerPort": 80, "hostPort": 8080}), "8080"),
    (with_ports("host", {"containerPort": 80}, {"containerPort": 81, "hostPort": 81}), "80, 81"),
]
FREE = [
    with_ports("bridge", {"containerPort": 80}, {"containerPort": 81, "hostPort": 0}),
    with_ports("awsvpc", {"containerPort": 80, "hostPort": 80}),
    with_ports("none"),
]


@pytest.mark.parametrize(("definition", "ports"), FIXED)
def test_fixed_host_ports_are_not_merged_with_a_plan_that_packs_tasks(definition, ports):
    with pytest.raises(InputError, match=rf"fixed host ports \({ports}\)"):
        merge_plan(definition, plan_of(provider=ON_EC2))
    (merged,) = merge_plan(definition, plan_of(provider=ON_EC2, has_distinct_instances=True))
    assert merged.request.get("networkMode") == definition.get("networkMode")


@pytest.mark.parametrize("definition", FREE)
def test_other_ports_are_merged(definition):
    merge_plan(definition, plan_of(provider=ON_EC2))


@pytest.mark.parametrize(
    ("definition", "more", "is_said"), [(FIXED[1][0], "", True), (FIXED[1][0], APART, False), (FIXED[0][0], "", False)]
)
def test_fixed_host_ports_of_a_task_definition_are_said(tmp_path, definition, more, is_said):
    (tmp_path / "web.json").write_text(json.dumps(definition))
    text = FILE.format(task="{file: web.json}", web=more, more="", launch_type="EC2")
    (tmp_path / "workload.yaml").write_text(text)
    assert any("fixed host ports (8080)" in note for note in read_workload(tmp_path / "workload.yaml").notes) is is_said


def test_collected_services_state_it():
    facts = {"launchType": "EC2", "placementConstraints": [DISTINCT, MEMBER]}
    account = account_with(web=facts, api={"launchType": "EC2"})
    account.definitions = {
        "web": {"networkMode": "host", "containerDefinitions": [{"name": "a", "portMappings": [{"hostPort": 80}]}]}
    }
    text = collect_workload(account, "shop", now=NOW, days=0.25)["workload.yaml"].decode()
    stated = {each["name"]: each.get("placement_constraints") for each in yaml.safe_load(text)["services"]}
    assert stated == {"web": [DISTINCT], "api": None}
    said = " ".join(text.split("# "))
    assert "web has the placement constraint memberOf" in said
    assert "web runs in host mode, which plans on EC2 and Managed Instances keep" in said
