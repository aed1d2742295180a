"""Services on Windows: what runs them, what their licence costs, and what of Linux they do without."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from advisor import advise, read_catalog, read_workload
from advisor.ecs import FARGATE_SIZES, FARGATE_WINDOWS_SIZES, LaunchType, PurchaseOption, TaskSize
from advisor.emit.ecs import render_ecs
from advisor.errors import AdvisorError, InputError
from advisor.plan.refused_fields import refused_fields, why_no_windows
from advisor.recommend.result import Recommendation
from advisor.simulate.fargate import billed_fargate_tasks
from advisor.sizing import fargate_sizes
from tests.oracle import model

VIRGINIA = read_catalog("us-east-1")
FARGATE, EC2, MANAGED = LaunchType.FARGATE, LaunchType.EC2, LaunchType.MANAGED_INSTANCES
CORE = "WINDOWS_SERVER_2022_CORE"
TASK = f"{{cpu: 1024, memory: 4096, os: {CORE}}}"


@pytest.fixture
def workload(tmp_path):
    def read(task=TASK, load="{tasks: 3}", others=(), more=(), region="us-east-1", **keys):
        if isinstance(task, dict):
            (tmp_path / "task.json").write_text(json.dumps(task))
            task = "{file: task.json}"
        portal = [
            f"  - name: portal\n    task: {task}\n    load: {load}",
            *(f"    {key}: {text}" for key, text in keys.items()),
        ]
        lines = ["cluster: shop", f"region: {region}", "services:", *portal, *(f"  - {each}" for each in others), *more]
        (tmp_path / "workload.yaml").write_text("\n".join(lines))
        return read_workload(tmp_path / "workload.yaml")

    return read


def advised(workload):
    return advise(workload, VIRGINIA, replay_weeks=0)


def usd_by_meter(alternative):
    return {item.meter: item.amount_usd for item in alternative.bill.line_items}


def definition(container=None, **more):
    app = {"name": "app", "image": "a:1", "essential": True, **(container or {})}
    platform = {"operatingSystemFamily": CORE}
    return {
        "cpu": "1024",
        "memory": "4096",
        "networkMode": "awsvpc",
        "containerDefinitions": [app],
        "runtimePlatform": platform,
        **more,
    }


def test_a_month_of_a_task_on_fargate_by_hand(workload):
    """Three tasks of 1 vCPU and 4 GiB: $0.046552 a vCPU-hour, $0.00511175 a GiB-hour, and $0.046 a vCPU-hour of licence."""
    fargate = advised(workload(launch_types="[FARGATE]")).alternative("cluster:fargate:x86_64:on_demand")
    assert usd_by_meter(fargate) == pytest.approx(
        {
            "fargate:windows:x86_64:on_demand:vcpu_hour": 3 * 730 * 0.046552,
            "fargate:windows:x86_64:on_demand:gib_hour": 3 * 730 * 4 * 0.00511175,
            "fargate:windows:x86_64:on_demand:os_license_vcpu_hour": 3 * 730 * 0.046,
        }
    )


def test_a_run_is_billed_for_five_minutes_at_least(workload):
    """Of 30 s of work after 60 s of start-up, an hourly run: 730 x 300 s a month."""
    runs = '{runs: [{schedule: "rate(1 hour)", duration_minutes: 0.5}]}'
    fargate = advised(workload(load=runs, launch_types="[FARGATE]")).recommended
    assert fargate.usage["fargate:windows:x86_64:on_demand:vcpu_hour"] == pytest.approx(730 * 300 / 3600)


def test_tasks_that_live_shorter_than_five_minutes_are_billed_for_them():
    """A second task for one step of 60 s, with 60 s of start-up: 180 s are added to the 120 s that it took."""
    billed = billed_fargate_tasks(np.array([1.0, 2, 1, 1, 1, 1, 1]), startup_s=60, step_s=60, least_s=300)
    assert_allclose(billed, [1, 2 + 1 + 3, 1, 1, 1, 1, 1])


@given(
    running=st.lists(st.none() | st.integers(0, 4), min_size=1, max_size=30),
    step_s=st.sampled_from([20, 60, 120, 300, 3600]),
    startup_s=st.sampled_from([0, 30, 60, 299, 600]),
)
def test_short_lives_are_billed_as_by_the_oracle(running, step_s, startup_s):
    counts = np.array([np.nan if n is None else n for n in running], dtype=np.float64)
    added = model.fargate_short_lives(running, step_s, startup_s, 300)
    expected = [
        np.nan if n is None else n + more
        for n, more in zip(model.fargate_billed_tasks(running, step_s, startup_s), added, strict=True)
    ]
    assert_allclose(billed_fargate_tasks(counts, startup_s=startup_s, step_s=step_s, least_s=300), expected)


def test_fargate_has_windows_in_1_2_and_4_vcpu(workload):
    assert len(FARGATE_WINDOWS_SIZES) == 7 + 13 + 23
    sizes = fargate_sizes(workload(task=f"{{cpu: 512, memory: 1024, os: {CORE}}}").services[0])
    assert sizes[0].size == TaskSize(cpu_units=1024, memory_mib=2048)
    assert {each.size for each in sizes} == set(FARGATE_WINDOWS_SIZES) < set(FARGATE_SIZES)
    assert not fargate_sizes(workload(task=f"{{cpu: 8192, memory: 16384, os: {CORE}}}").services[0])


def test_linux_that_is_stated_is_what_a_task_runs_on_by_default(workload):
    stated, silent = (advised(workload(task=f"{{cpu: 512, memory: 1024{os}}}")) for os in (", os: LINUX", ""))
    assert stated.to_dict()["alternatives"] == silent.to_dict()["alternatives"]


def test_a_service_on_linux_costs_the_same_beside_one_on_windows(workload):
    web = "{name: web, task: {cpu: 512, memory: 1024}, load: {tasks: 3}}"
    both, alone = advised(workload(others=[web])), advised(workload(task="{cpu: 512, memory: 1024}"))
    costs = [
        {
            each.id.partition(":")[2]: each.monthly_usd.mean
            for each in found.alternatives
            if each.scope == name and each.monthly_usd
        }
        for found, name in ((both, "web"), (alone, "portal"))
    ]
    assert costs[0] == costs[1]


@pytest.mark.parametrize(
    ("system", "launch_type", "why"),
    [
        ("LINUX", MANAGED, None),
        (CORE, FARGATE, None),
        ("WINDOWS_SERVER_2019_FULL", FARGATE, None),
        ("WINDOWS_SERVER_2025_CORE", FARGATE, "Fargate does not run WINDOWS_SERVER_2025_CORE"),
        (CORE, MANAGED, "Managed Instances run Linux only"),
    ],
)
def test_what_runs_a_windows(system, launch_type, why):
    assert why_no_windows(system, launch_type) == why


@pytest.mark.parametrize(
    ("container", "more", "what"),
    [
        ({"credentialSpecs": ["credentialspec:a"]}, {}, "credentialSpecs of container app on Windows"),
        ({"restartPolicy": {"enabled": True}}, {}, "restartPolicy of container app on Windows"),
        ({"logConfiguration": {"logDriver": "awsfirelens"}}, {}, "the log driver of container app on Windows"),
        ({}, {"volumes": [{"name": "x", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]}, "an EFS volume"),
        ({}, {"volumes": [{"name": "x", "configuredAtLaunch": True}]}, "an EBS volume"),
        ({}, {"proxyConfiguration": {"containerName": "envoy"}}, "proxyConfiguration"),
    ],
)
def test_what_windows_does_without_on_fargate(container, more, what):
    assert [each.what for each in refused_fields(definition(container, **more), FARGATE)] == [what]
    linux = refused_fields({**definition(container, **more), "runtimePlatform": {"operatingSystemFamily": "LINUX"}}, FARGATE)
    assert not linux


def test_managed_instances_refuse_a_task_definition_of_windows_by_name():
    assert [each.what for each in refused_fields(definition(), MANAGED)] == [CORE]


def test_the_operating_system_comes_from_the_task_definition(workload):
    assert workload(task=definition()).services[0].operating_system == CORE
    with pytest.raises(InputError, match="no operating system that we know"):
        workload(task={**definition(), "runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_1903"}})


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"task": "{cpu: 512, memory: 1024, os: WINDOWS}"}, "no operating system that we know"),
        ({"architectures": "[X86_64, ARM64]"}, "X86_64 only"),
        ({"task": TASK.replace("}", ", gpus: 1}")}, "asks for GPUs"),
        ({"present": "{launch_type: MANAGED_INSTANCES, desired_count: 2}"}, "Managed Instances run Linux only"),
        ({"present": "{launch_type: FARGATE, purchase_option: spot, desired_count: 2}"}, "Fargate Spot does not run Windows"),
    ],
)
def test_what_no_windows_can_be_is_refused(workload, stated, message):
    with pytest.raises(InputError, match=message):
        workload(**stated)


def test_a_daemon_on_windows_is_refused(workload):
    with pytest.raises(InputError, match="the daemon agent runs Windows"):
        workload(more=["daemons:", f"  - {{name: agent, task: {TASK}}}"])


def test_fargate_spot_is_no_choice_even_for_tasks_that_may_be_interrupted(workload):
    web = "{name: web, task: {cpu: 512, memory: 1024}, load: {tasks: 3}, interruptible: true}"
    found = advised(workload(interruptible="true", launch_types="[FARGATE]", others=[web]))
    plans = [each.plan for each in found.alternatives if each.plan]
    options = {(name, service.purchase_option) for plan in plans for name, service in plan.services.items()}
    assert ("web", PurchaseOption.SPOT) in options
    assert ("portal", PurchaseOption.SPOT) not in options


def test_where_nothing_runs_the_service_the_run_says_why(workload):
    task = "{cpu: 1024, memory: 4096, os: WINDOWS_SERVER_2025_CORE}"
    with pytest.raises(AdvisorError, match="Fargate does not run WINDOWS_SERVER_2025_CORE"):
        advised(workload(task=task, launch_types="[FARGATE]"))


def test_a_region_without_its_rates_says_what_is_missing(workload):
    with pytest.raises(AdvisorError, match="fargate:windows:x86_64"):
        advise(workload(launch_types="[FARGATE]", region="eu-west-1"), read_catalog("eu-west-1"), replay_weeks=0)


def test_the_plan_is_saved_and_emitted_with_its_operating_system(workload):
    found = advised(workload(launch_types="[FARGATE]"))
    again = Recommendation.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.recommended.plan.services["portal"].operating_system == CORE
    request = json.loads(render_ecs(again.recommended.plan)["services/portal/register-task-definition.json"])
    assert request["runtimePlatform"] == {"cpuArchitecture": "X86_64", "operatingSystemFamily": CORE}
    (container,) = request["containerDefinitions"]
    assert not {"linuxParameters", "readonlyRootFilesystem", "ulimits", "mountPoints"} & container.keys()
