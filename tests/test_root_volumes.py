"""Ephemeral storage that tasks state stands on the root volume of their instance: priced wherever the instance is."""

from dataclasses import replace

import numpy as np
import pytest

from advisor.answer import advise
from advisor.ecs import Architecture, LaunchType, PurchaseOption, TaskSize
from advisor.fleet.held import held_tasks
from advisor.fleet.screening import screened_choices
from advisor.optimize.loads import service_loads
from advisor.optimize.search import search_for
from advisor.simulate.instances import root_volume_gib
from advisor.workload import PresentCluster, PresentService
from tests.as_advisor import as_catalog, as_workload
from tests.test_present import LARGE, N_HOURS, PRICES

approx = pytest.approx
SMALL, TALL = TaskSize(cpu_units=512, memory_mib=1024), TaskSize(cpu_units=256, memory_mib=3072)
M5_LARGE = np.array([2048, 7680, 10])
XLARGE = {**LARGE, "name": "m5.xlarge", "vcpu": 4, "memory_mib": 15_360, "trunked_tasks": 20, "usd_per_hour": 0.19}


def workload_of(*storage_gib, tasks=4.0, **more):
    services = [
        {"name": f"s{at}", "form": "tasks", "demand": [tasks] * N_HOURS, "cpu": 1024, "memory": 2048, "startup_s": 0}
        for at, _ in enumerate(storage_gib)
    ]
    load = as_workload({"start_s": 0, "step_s": 3600, "services": services}, **more)
    named = [replace(one, ephemeral_storage_gib=gib) for one, gib in zip(load.services, storage_gib, strict=True)]
    return replace(load, services=tuple(named))


def ec2(found):
    return next(a for a in found.of_scope("cluster") if a.plan and a.id.startswith("cluster:ec2"))


@pytest.mark.parametrize(
    ("tasks", "gib"),
    [
        ([(SMALL, 20)], 30),
        ([(SMALL, 21)], 30 + 4 * 21),  # 4 fit by CPU
        ([(SMALL, 20), (TALL, 50)], 30 + 2 * 50),  # 2 fit by memory
        # 40 GiB take (1/4 + 2/15) / 2 of CPU and memory, 50 GiB (1/8 + 2/5) / 2: at most 40 / (23/120)
        ([(SMALL, 40), (TALL, 50)], 30 + 208),
    ],
)
def test_an_instance_has_room_for_what_its_tasks_may_ask_for_together(tasks, gib):
    web = workload_of(20).services[0]
    services = [(replace(web, ephemeral_storage_gib=gib), size) for size, gib in tasks]
    found = root_volume_gib(services, LaunchType.EC2, M5_LARGE[np.newaxis])
    assert found.tolist() == [gib]


def test_storage_turns_the_choice_where_fargate_sells_it_for_less():
    """4 tasks on two m5.large: 2 x 730 x $0.1 = $146, and 2 volumes of 30 + 2 x 200 GiB at $0.08 = $68.8.

    On Fargate 4 x 730 x (0.04 + 2 x 0.004 + 180 x 0.0001) = $192.72, where they stood at $150.8 on EC2.
    """
    found = advise(workload_of(200), as_catalog([LARGE], PRICES))
    assert ec2(found).monthly_usd.mean == approx(146 + 68.8)
    assert {provider.root_volume_gib for provider in ec2(found).plan.capacity_providers.values()} == {430}
    assert found.recommended.monthly_usd.mean == approx(192.72)
    assert "200 GiB for each task of s0" in found.run.defaults["root volume"]
    assert advise(workload_of(20), as_catalog([LARGE], PRICES)).run.defaults["root volume"] == "30 GiB gp3"


@pytest.mark.parametrize("storage", [(100,), (100, 20, 60)])
def test_no_plan_costs_less_than_the_bound(storage):
    found = advise(workload_of(*storage, tasks=3.0), as_catalog([LARGE, XLARGE], PRICES), replay_weeks=0)
    assert found.lower_bound is not None
    usd = [a.monthly_usd.mean for a in found.of_scope("cluster") if a.monthly_usd]
    assert found.lower_bound["monthly_usd"] <= min(usd)
    assert found.lower_bound["gap_fraction"] < 0.25


def test_a_screening_prices_the_same_volume():
    workload = workload_of(200)
    catalog = as_catalog([LARGE, XLARGE], PRICES)
    search = search_for(workload, catalog)
    (load,) = service_loads(workload, search.axis)
    held = held_tasks(load, search.axis)
    (choices,) = screened_choices([(load.service, held)], catalog, workload.region, workload.constraints)
    full = next(a for a in advise(workload, catalog, replay_weeks=0).of_scope("s0") if ":ec2:" in a.id)
    (one,) = [choice for choice in choices if choice.launch_type is LaunchType.EC2]
    assert (one.mean_usd, one.architecture) == (approx(full.monthly_usd.mean), Architecture.X86_64)


def test_instances_of_today_hold_what_their_tasks_ask_for():
    workload = workload_of(200)
    on_ec2 = PresentService(launch_type=LaunchType.EC2, purchase_option=PurchaseOption.ON_DEMAND)
    workload = replace(
        workload,
        services=tuple(replace(one, present=on_ec2) for one in workload.services),
        present=PresentCluster(instances={"m5.large": 3}),
    )
    assert advise(workload, as_catalog([LARGE], PRICES)).present.monthly_usd.mean == approx(3 * (73 + 430 * 0.08))
