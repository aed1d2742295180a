"""What runs today, as a bill: by hand, and with gaps in what is known."""

import json
from dataclasses import replace

import numpy as np
import pytest

from advisor.answer import advise
from advisor.ecs import LaunchType
from advisor.workload import PresentCluster, PresentService
from tests.as_advisor import as_catalog, as_workload

approx = pytest.approx
RATES = {
    "fargate_usd_per_vcpu_hour": 0.04,
    "fargate_usd_per_gib_hour": 0.004,
    "ephemeral_usd_per_gib_hour": 0.0001,
    "ipv4_usd_per_hour": 0.005,
    "gp3_usd_per_gib_month": 0.08,
}
PRICES = {("X86_64", "on_demand"): RATES}
LARGE = {
    "name": "m5.large",
    "architecture": "X86_64",
    "vcpu": 2,
    "memory_mib": 7_680,
    "max_enis": 3,
    "trunked_tasks": 10,
    "usd_per_hour": 0.1,
    "spot_usd_per_hour": None,
    "fee_usd_per_hour": None,
    "baseline_fraction": None,
    "surplus_usd_per_vcpu_hour": None,
}
FARGATE = PresentService(launch_type=LaunchType.FARGATE)
N_HOURS = 336


def web(**more):
    return {
        "name": "web",
        "form": "requests",
        "requests_per_task": 10,
        "demand": [40.0] * N_HOURS,
        "cpu": 1024,
        "memory": 2048,
        "startup_s": 0,
        **more,
    }


def today(*services, running=None, cluster=None, present=None):
    """The answer for these services, all of them at ``present``."""
    load = as_workload({"start_s": 0, "step_s": 3600, "services": list(services)})
    named = tuple(replace(service, present=present) for service in load.services)
    load = replace(load, services=named, running_tasks=running, present=cluster)
    return advise(load, as_catalog([LARGE], PRICES))


def test_nothing_is_said_of_today_unless_the_workload_does():
    assert today(web()).present is None


def test_six_instances_all_month():
    """6 x 730 h x $0.10 = $438 and 6 x 30 GiB x $0.08 = $14.40, whatever the load."""
    present = today(web(), cluster=PresentCluster(instances={"m5.large": 6})).present
    assert present.monthly_usd.mean == present.monthly_usd.high == approx(452.4)
    assert [item.amount_usd for item in present.bill.line_items] == [approx(438), approx(14.4)]


def test_a_desired_count_on_fargate():
    """6 x 730 h x (1 vCPU x $0.04 + 2 GiB x $0.004) = $210.24; the load needs 4, so a third is saved."""
    answer = today(web(), present=replace(FARGATE, desired_count=6))
    assert answer.present.monthly_usd.mean == approx(210.24)
    assert answer.alternative("web:fargate_x86_64").monthly_usd.mean == approx(140.16)


def test_tasks_that_ran_go_before_the_desired_count():
    """5 tasks in half of the hours, 3 in the others: 4 x 730 h x $0.048 = $140.16."""
    running = np.array([[5.0, 3.0] * (N_HOURS // 2)])
    present = today(web(), running=running, present=replace(FARGATE, desired_count=6)).present
    assert present.monthly_usd.mean == approx(140.16)


def test_hours_in_which_nobody_knows_what_ran_are_left_out():
    """5 tasks where it is known, $175.20: a gap is neither zero nor a number that no file can hold."""
    running = np.full((1, N_HOURS), 5.0)
    running[0, 7:30] = np.nan
    answer = today(web(), running=running, present=FARGATE)
    assert answer.present.monthly_usd.mean == approx(175.2)
    assert json.loads(answer.to_json())["recommendation"]["saving_against_present"] is not None


def test_no_cost_of_today_where_nothing_is_known_of_it():
    answer = today(web(), present=FARGATE)
    assert answer.present.monthly_usd is None
    assert answer.present.missing == ("services.web.present.desired_count",)
    running = np.full((2, N_HOURS), 5.0)
    running[0, ::2], running[1, 1::2] = np.nan, np.nan
    answer = today(web(), web(name="api"), running=running, present=FARGATE)
    assert answer.present.monthly_usd is None
    assert answer.present.missing == ("tasks that ran at a moment at which every load is known",)
