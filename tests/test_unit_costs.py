"""What a task-hour and a million requests cost, and which quotas a plan needs."""

import math

import pytest
from numpy.testing import assert_allclose

from advisor.ecs import LaunchType
from advisor.recommend.result import Recommendation
from tests.report.results import PACKED, SPOT, shop, small


def bill_of(recommendation: Recommendation, part: str) -> float:
    return math.fsum(item.amount_usd for item in recommendation.recommended.bill.line_items if item.part == part)


@pytest.mark.parametrize("make", [shop, lambda: small(PACKED), lambda: small(SPOT)], ids=["shop", "packed", "spot"])
def test_the_services_bills_add_up_to_the_total(make):
    recommendation = make()
    assert [cost.service for cost in recommendation.unit_costs] == [s.name for s in recommendation.recommendation.services]
    assert_allclose(sum(cost.monthly_usd for cost in recommendation.unit_costs), recommendation.recommended.monthly_usd.mean)


def test_a_constant_count_runs_730_hours_a_month_and_costs_its_own_bill():
    (quiet,) = [cost for cost in small(PACKED).unit_costs if cost.service == "quiet"]
    assert quiet.task_hours == pytest.approx(2 * 730)  # two tasks all month
    assert quiet.usd_per_task_hour == pytest.approx(quiet.monthly_usd / 1460)
    assert (quiet.requests, quiet.usd_per_million_requests) == (None, None)


def test_a_task_hour_on_fargate_costs_its_list_price_also_where_a_replay_moved_the_hours():
    costs = {cost.service: cost for cost in shop().unit_costs}
    plan = shop().recommended.plan
    rates = {item.meter: item.rate_usd for item in shop().recommended.bill.line_items}
    on_fargate = [name for name, service in plan.services.items() if service.launch_type is LaunchType.FARGATE]
    assert len(on_fargate) == 4
    for name in on_fargate:
        size = plan.services[name].task
        vcpu, gib = (rates[f"fargate:linux:arm64:on_demand:{unit}_hour"] for unit in ("vcpu", "gib"))
        listed = size.cpu_units / 1024 * vcpu + size.memory_mib / 1024 * gib
        # A task is billed from the pull of its image on, and that of a task that started is spread over what it ran.
        assert 1 <= costs[name].usd_per_task_hour / listed < 1.002


def test_requests_cost_the_bill_over_what_was_served_in_a_month():
    (chat,) = [cost for cost in shop().unit_costs if cost.service == "chat"]
    loads = [load for load in next(v for v in shop().views.services if v.name == "chat").hourly_load if load is not None]
    assert chat.requests == pytest.approx(730 * 3600 * sum(loads) / len(loads), rel=0.02)  # weeks are weighted by the hour
    assert chat.usd_per_million_requests == pytest.approx(bill_of(shop(), "chat") / chat.requests * 1e6)


def test_shared_instances_are_parted_by_the_larger_share_that_tasks_reserve():
    recommendation = small(SHARED)
    costs = {cost.service: cost for cost in recommendation.unit_costs}
    assert all(cost.is_shared for cost in costs.values())
    # By hand: as many tasks of each, one reserves four times the CPU and four times the memory of the other.
    assert costs["large"].monthly_usd == pytest.approx(4 * costs["small"].monthly_usd)


SHARED = """
cluster: shared
region: us-east-1
services:
  - {name: large, task: {cpu: 1024, memory: 2048}, load: {tasks: 20}, architectures: [X86_64]}
  - {name: small, task: {cpu: 256, memory: 512}, load: {tasks: 20}, architectures: [X86_64]}
constraints: {launch_types: [EC2], instance_types: ["m6i.4xlarge"]}
"""


def test_fargates_quota_counts_every_service_at_its_peak_and_the_largest_twice_while_it_is_deployed():
    quota = {each.code: each for each in shop().quotas}["L-3032A538"]
    # By hand from the table of services: 5 x 0.5, 18 x 1, 6 x 0.5 and 3 x 0.25 vCPU; search once more.
    assert (quota.default, quota.needed, quota.needed_deploying) == (6, 24.25, 42.25)
    assert not quota.is_enough


def test_instances_count_by_their_vcpus():
    quota = {each.code: each for each in shop().quotas}["L-1216C47A"]
    assert (quota.default, quota.needed) == (5, 16)  # two c6a.2xlarge


def test_quotas_that_do_not_hold_come_first():
    is_enough = [quota.is_enough for quota in shop().quotas]
    assert is_enough == sorted(is_enough)
