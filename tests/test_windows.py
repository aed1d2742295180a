"""Services on Windows: what runs them, what their licence costs, and what of Linux they do without."""

import base64
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from advisor import advise, rank_instances, read_catalog, read_workload
from advisor.ecs import FARGATE_SIZES, FARGATE_WINDOWS_SIZES, Architecture, LaunchType, PurchaseOption, TaskSize
from advisor.emit.ecs import render_ecs
from advisor.errors import AdvisorError, InputError
from advisor.meters import Meter, windows_instance_hour
from advisor.optimize.loads import service_loads
from advisor.optimize.pricing import price_parts
from advisor.optimize.search import CapacityKind, dedicated_part, search_for
from advisor.plan.refused_fields import refused_fields, why_no_windows
from advisor.pricing import Rate
from advisor.recommend.result import Recommendation
from advisor.simulate.fargate import billed_fargate_tasks
from advisor.sizing import fargate_sizes
from tests import strategies
from tests.as_advisor import REGION, SOURCE, as_array, as_catalog, as_rates, as_workload
from tests.oracle import model, packing, plans

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
        ("WINDOWS_SERVER_2025_CORE", EC2, None),
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
    found = advised(workload(task=task))
    assert found.recommended.plan.services["portal"].launch_type is EC2
    assert [each.reasons for each in found.alternatives if each.id == "portal:managed_instances:x86_64:on_demand"] == [
        ("Managed Instances run Linux only",)
    ]


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


ON_EC2 = {"launch_types": "[EC2]", "more": ["constraints: {instance_types: [m6i.large]}"]}


def test_a_month_of_instances_by_hand(workload):
    """Of 1 vCPU and 2 GiB two tasks fill an m6i.large (2 vCPU, 8,191 MiB less 2,048): 3 x $0.188, 3 volumes of 50 GiB."""
    task = f"{{cpu: 1024, memory: 2048, os: {CORE}}}"
    best = advised(workload(task=task, load="{tasks: 6}", **ON_EC2)).recommended
    assert usd_by_meter(best) == pytest.approx(
        {"ec2:windows:on_demand:m6i.large": 3 * 730 * 0.188, "ebs:gp3:gib_month": 3 * 50 * 0.08}
    )
    (provider,) = best.plan.capacity_providers.values()
    assert (provider.ecs_reserved_memory_mib, provider.root_volume_gib) == (2048, 50)


@pytest.mark.parametrize(
    ("cpu", "memory", "reserved", "tasks"),
    [
        (256, 512, None, 2),  # 3 interfaces, one of them the instance's own: without trunking
        (256, 6143, None, 1),  # 8,192 less the MiB that Windows does not report and the 2,048 that are kept
        (256, 6144, None, 0),
        (256, 6144, 2047, 1),
        (256, 8190, 1, 1),
    ],
)
def test_what_an_instance_with_windows_holds(workload, cpu, memory, reserved, tasks):
    stated = f", ecs_reserved_memory: {reserved}" if reserved else ""
    more = [f"constraints: {{instance_types: [m6i.large], zones: 1{stated}}}"]
    read = workload(task=f"{{cpu: {cpu}, memory: {memory}, os: {CORE}}}", load="{tasks: 2}", launch_types="[EC2]", more=more)
    if not tasks:
        with pytest.raises(AdvisorError, match="no priced candidate type holds a task"):
            advised(read)
        return
    assert advised(read).recommended.instances.max == 2 // tasks


def test_daemons_of_linux_are_on_no_instance_with_windows(workload):
    agent = ["daemons:", "  - {name: agent, task: {cpu: 1024, memory: 2048}, architectures: [X86_64], network_mode: host}"]
    task = f"{{cpu: 1024, memory: 2048, os: {CORE}}}"
    with_agent, alone = (
        advised(workload(task=task, launch_types="[EC2]", more=[*ON_EC2["more"], *more])).recommended for more in (agent, [])
    )
    assert with_agent.monthly_usd == alone.monthly_usd


def test_burstable_types_and_arm_are_no_hosts_of_windows(workload):
    more = ["constraints: {instance_types: [t3.large, m6g.large]}"]
    with pytest.raises(AdvisorError, match="no rate of their surplus credits on Windows"):
        advised(workload(launch_types="[EC2]", more=more))


def test_linux_and_windows_and_each_version_of_it_have_instances_of_their_own(workload):
    old = TASK.replace("2022", "2019")
    others = [
        f"{{name: {name}, task: {task}, load: {{tasks: 3}}}}"
        for name, task in (
            ("reports", TASK),
            ("legacy", old),
            ("archive", old),
            ("web", "{cpu: 1024, memory: 2048}"),
            ("api", "{cpu: 1024, memory: 2048}"),
        )
    ]
    more = ["constraints: {launch_types: [EC2], instance_types: [m6i.*]}"]
    found = advised(workload(others=others, more=more))
    shared = found.alternative("cluster:ec2_shared:x86_64:on_demand").plan
    groups = {}
    for name, service in shared.services.items():
        groups.setdefault(service.capacity_provider, set()).add(name)
    assert sorted(map(sorted, groups.values())) == [["api", "web"], ["archive", "legacy"], ["portal", "reports"]]
    for each in found.alternatives:
        for provider in each.plan.capacity_providers if each.plan else ():
            assert len({service.operating_system for service in each.plan.services_on(provider)}) == 1
    meters = {item.meter for item in found.alternative("cluster:ec2_shared:x86_64:on_demand").bill.line_items}
    assert {meter.rpartition(":")[0] for meter in meters if meter.startswith("ec2:")} == {
        "ec2:linux:on_demand",
        "ec2:windows:on_demand",
    }


def test_the_bound_holds_for_mixed_clusters(workload):
    web = "{name: web, task: {cpu: 1024, memory: 2048}, load: {tasks: 9}}"
    found = advised(workload(load="{tasks: 9}", others=[web], more=["constraints: {launch_types: [EC2]}"]))
    assert 0 < found.lower_bound["monthly_usd"] <= found.recommended.monthly_usd.mean


def test_spot_without_a_price_has_not_lost(workload):
    read = workload(interruptible="true", **ON_EC2)
    found = advised(read)
    (spot,) = [each for each in found.alternatives if each.id == "portal:ec2:x86_64:spot"]
    assert spot.missing == ("ec2:windows:spot_pool:*",)
    assert found.recommendation.verdict == "best_of_priced"


def test_a_savings_plan_for_instances_leaves_the_licence_at_its_rate(workload):
    """An EC2 Instance Savings Plan pays for Linux what is under the rate of Windows."""
    held = "commitments: [{kind: ec2_instance_savings_plan, family: m6i, usd_per_hour: 5, term_years: 1, payment: no_upfront}]"
    rates = [
        VIRGINIA.rate(Meter(id=f"{kind}{system}:on_demand:m6i.large", unit="instance-hour"), "us-east-1").usd
        for kind, system in (
            ("ec2:", "linux"),
            ("ec2:", "windows"),
            ("ec2_instance_savings_plan:1y:no_upfront:ec2:", "linux"),
            ("ec2_instance_savings_plan:1y:no_upfront:ec2:", "windows"),
        )
    ]
    assert rates[3] - rates[2] == pytest.approx(rates[1] - rates[0])
    best = advised(workload(load="{tasks: 6}", launch_types="[EC2]", more=[*ON_EC2["more"], held])).recommended
    assert any("ec2:windows:on_demand:m6i.large" in item.meter for item in best.bill.line_items)


def test_what_runs_today_has_instances_of_its_system(workload):
    """2 m6i.large with Windows and 1 with Linux: $0.188 and $0.096 an hour, volumes of 50 and 30 GiB."""
    web = "{name: web, task: {cpu: 512, memory: 1024}, load: {tasks: 1}, present: {launch_type: EC2}}"
    today = "present: {instances: {m6i.large: 1}, windows_instances: {m6i.large: 2}}"
    found = advised(workload(load="{tasks: 2}", present="{launch_type: EC2}", others=[web], more=[today]))
    usd = {(item.part, item.meter): item.amount_usd for item in found.present.bill.line_items}
    assert usd == pytest.approx(
        {
            ("present-m6i-large", "ec2:linux:on_demand:m6i.large"): 730 * 0.096,
            ("present-m6i-large", "ebs:gp3:gib_month"): 30 * 0.08,
            ("present-windows-m6i-large", "ec2:windows:on_demand:m6i.large"): 2 * 730 * 0.188,
            ("present-windows-m6i-large", "ebs:gp3:gib_month"): 2 * 50 * 0.08,
        }
    )
    silent = advised(workload(present="{launch_type: EC2}", more=["present: {instances: {m6i.large: 2}}"]))
    assert silent.present.missing == ("present.windows_instances",)


def test_instance_types_are_ranked_for_windows_and_linux_apart(workload):
    web = "{name: web, task: {cpu: 1024, memory: 2048}, load: {tasks: 3}}"
    read = workload(others=[web], more=["constraints: {instance_types: [m6i.*]}"])
    ranked = rank_instances(read, VIRGINIA, most=2).instances
    cheapest = {}
    for each in ranked:
        cheapest.setdefault(each.services, each)
    assert set(cheapest) == {("portal",), ("web",)}
    assert cheapest[("portal",)].monthly_usd > cheapest[("web",)].monthly_usd


def test_a_replay_waits_for_windows_to_boot(workload, tmp_path):
    rows = [f"2026-01-05T{hour:02d}:00Z,{2 + 6 * (8 <= hour < 16)}" for hour in range(24)]
    (tmp_path / "load.csv").write_text("\n".join(["timestamp,tasks", *rows]))
    waited = []
    for system in ("LINUX", CORE):
        read = workload(task=f"{{cpu: 1024, memory: 2048, os: {system}}}", load="{file: load.csv}", **ON_EC2)
        waited.append(advise(read, VIRGINIA).recommended.replay.waiting_task_hours)
    assert 0 < waited[0] < waited[1]


def test_the_deploy_files_of_instances_are_those_of_windows(workload):
    plan = advised(workload(task=TASK.replace("CORE", "FULL"), **ON_EC2)).recommended.plan
    files = render_ecs(plan)
    (path,) = [path for path in files if path.endswith("create-launch-template.json")]
    data = json.loads(files[path])["LaunchTemplateData"]
    assert data["ImageId"].endswith("/Windows_Server-2022-English-Full-ECS_Optimized/image_id")
    text = base64.b64decode(data["UserData"]).decode()
    for part in (
        "<powershell>",
        '"ECS_RESERVED_MEMORY", "2048"',
        "-EnableTaskENI",
        '-LoggingDrivers \'["json-file","awslogs"]\'',
    ):
        assert part in text
    request = json.loads(files["services/portal/register-task-definition.json"])
    assert {key: request["containerDefinitions"][0][key] for key in ("cpu", "memory")} == {"cpu": 1024, "memory": 4096}
    assert "01-put-account-setting-default.json" not in files
    assert not any("awsvpcTrunking" in text.decode() for text in files.values())


@given(
    load=strategies.workloads(max_services=1),
    instance_type=strategies.instance_types(burstable=False),
    prices=strategies.price_lists(),
    usd=st.floats(0.01, 9.0),
    zones=st.sampled_from([1, 2]),
)
def test_a_service_alone_costs_what_the_oracle_says(load, instance_type, prices, usd, zones):
    instance_type |= {"architecture": "X86_64"}
    (plain,) = load["services"]
    windows = windows_instance_hour(instance_type["name"], PurchaseOption.ON_DEMAND)
    listed = as_rates([instance_type], prices) | {windows.id: Rate(usd, windows.unit, SOURCE.id, SOURCE.date)}
    read = as_workload(load, zones)
    read = replace(read, services=(replace(read.services[0], operating_system=CORE, architectures=(Architecture.X86_64,)),))
    search = search_for(read, as_catalog([instance_type], prices, listed))
    (at,) = service_loads(read, search.axis)
    kind = CapacityKind(launch_type=EC2, purchase_option=PurchaseOption.ON_DEMAND, architecture=Architecture.X86_64)
    part = dedicated_part(search, at.run, kind, at.hours)
    host = instance_type | {
        "memory_mib": instance_type["memory_mib"] + 200 - 1 - 2048,  # as_instance_type adds the 200 MiB
        "slots": packing.network_slots(instance_type["max_enis"]),
        "usd_per_hour": usd,
        "image_gib": 50,
    }
    if host["memory_mib"] <= 0 or packing.tasks_per_instance(plain["cpu"], plain["memory"], host) == 0:
        assert part is None
        return
    plan = plans.dedicated_plan(load, plain, host, prices["X86_64", "on_demand"], zones=zones)
    assert_allclose(part.on_instances.running, as_array(plan["instances"]))
    priced = price_parts([part], at.hours, search.catalog, REGION)
    assert priced.monthly_usd.mean == pytest.approx(plan["month"]["total_usd"], rel=1e-9, abs=1e-9)
