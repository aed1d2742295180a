"""Plans with held commitments by the week, by the zone, and where rates are missing: worked by hand from four tasks."""

from dataclasses import replace

import numpy as np
import pytest

from advisor.ecs import LaunchType
from advisor.optimize.alternatives import alternatives
from advisor.optimize.held import (
    left_aside,
    plan_usage,
    price_plan,
    weekly_mean_with_held,
    weekly_plan_usd,
    with_idle,
    without_held,
)
from advisor.optimize.pricing import price_parts, weekly_usd
from advisor.optimize.search import search_for
from tests.as_advisor import as_catalog, as_workload
from tests.test_held_commitments import LARGE, N_HOURS, PRICES, compute_plan, listed, reserved, web, workload_of

approx = pytest.approx
FARGATE_USD = 4 * (0.04 + 2 * 0.004)
"""An hour of four tasks of 1 vCPU and 2 GiB."""


@pytest.fixture(scope="module")
def found():
    """The search, hours of the month, and parts by launch type: four tasks, all the time, on two m5.large or on Fargate."""
    service = {"name": "web", "form": "tasks", "demand": [4.0] * N_HOURS, "cpu": 1024, "memory": 2048, "startup_s": 0}
    load = as_workload({"start_s": 0, "step_s": 3600, "services": [service]})
    search = search_for(load, as_catalog([LARGE], PRICES, listed([LARGE])))
    choices = alternatives(load, search)
    parts = {part.provider.launch_type: [part] for choice in choices.for_cluster for part in choice.parts}
    return search, choices.common_hours, parts


def test_a_week_costs_what_is_due_for_a_plan_that_covers_all(found):
    search, hours, parts = found
    weeks = search.axis.week_hours(hours > 0)
    on_fargate = parts[LaunchType.FARGATE]
    assert weekly_plan_usd(on_fargate, weeks, hours, search) == approx([168 * FARGATE_USD] * 2)
    held = replace(search, held=(compute_plan(0.9 * FARGATE_USD),))  # 0.75 of it is used
    assert weekly_mean_with_held(on_fargate, weeks, hours, held) == approx([168 * 0.9 * FARGATE_USD] * 2)
    assert weekly_plan_usd(on_fargate, weeks, hours, held) == approx([168 * 0.9 * FARGATE_USD] * 2)


def test_the_upper_end_of_a_week_adds_the_same_range_with_commitments(found):
    search, hours, parts = found
    weeks, on_instances = search.axis.week_hours(hours > 0), parts[LaunchType.EC2]
    held = replace(search, held=(reserved("m5.large", 1),))
    upper = weekly_plan_usd(on_instances, weeks, hours, held) - weekly_mean_with_held(on_instances, weeks, hours, held)
    assert upper == approx(
        weekly_usd(on_instances, weeks, search.catalog, search.region)
        - weekly_mean_with_held(on_instances, weeks, hours, search)
    )
    assert (upper > 0).all()


def test_the_upper_end_is_known_where_only_what_is_beyond_the_model_lacks_a_rate(found):
    """Both instances are reserved; what the plan may need more runs on demand, for the other plan has no rate for it."""
    search, hours, parts = found
    unlisted = as_catalog([LARGE], PRICES, listed([LARGE], compute_saving=None))
    held = replace(search, held=(reserved("m5.large", 2), compute_plan(0.01)), catalog=unlisted)
    weeks, on_instances = search.axis.week_hours(hours > 0), parts[LaunchType.EC2]
    upper = weekly_plan_usd(on_instances, weeks, hours, held)
    assert (upper > weekly_mean_with_held(on_instances, weeks, hours, held)).all()


def test_what_no_plan_can_use_is_due_every_week(found):
    search, hours, parts = found
    weeks, on_fargate = search.axis.week_hours(hours > 0), parts[LaunchType.FARGATE]
    idle = with_idle(replace(search, held=(reserved("m5.large", 3),)), [on_fargate])
    assert (idle.held, idle.idle_usd_per_hour) == ((), approx(3 * 0.06))
    assert weekly_plan_usd(on_fargate, weeks, hours, idle) == approx([168 * (FARGATE_USD + 0.18)] * 2)
    assert not weekly_plan_usd([], weeks, hours, idle).any()  # no plan, no bill
    assert price_plan(on_fargate, hours, idle).monthly_usd.mean == approx(730 * (FARGATE_USD + 0.18))


def test_nothing_runs_and_nothing_is_used(found):
    search, hours, _ = found
    used = plan_usage([], hours, search)
    assert used.usage.quantity_per_hour.shape == (0, N_HOURS)
    without, held = price_plan([], hours, search), price_plan([], hours, replace(search, held=(compute_plan(1.0),)))
    assert held.monthly_usd == without.monthly_usd


def test_a_search_without_what_is_held(found):
    search, _, _ = found
    assert without_held(search) is search
    for some in ({"held": (compute_plan(1.0),)}, {"idle": (compute_plan(1.0),), "idle_usd_per_hour": 1.0}):
        bare = without_held(replace(search, **some))
        assert (bare.held, bare.idle, bare.idle_usd_per_hour) == ((), (), 0.0)


def test_what_is_left_aside_is_said_where_there_is_something():
    assert left_aside(workload_of(web())) == ()
    assert left_aside(workload_of(web(), held=[compute_plan(1.0)]))[0].startswith("held commitments are left aside here")
    both = workload_of(web(), held=[compute_plan(1.0)], terms=("1y",))
    assert left_aside(both)[0].startswith("held and new commitments are left aside here")


@pytest.mark.parametrize(
    ("counts", "shares"),
    [
        ({"a": 1, "b": 2, "c": 3}, {"eu-north-1b": 0.5, "eu-north-1c": 0.5}),  # those with the most reserved
        ({"a": 2, "b": 1, "c": 2}, {"eu-north-1a": 0.5, "eu-north-1c": 0.5}),
        ({"a": 1, "b": 1, "c": 1}, {"eu-north-1a": 0.5, "eu-north-1b": 0.5}),  # of several the first by name
        ({"c": 4}, {"eu-north-1c": 0.5, None: 0.5}),
    ],
)
def test_instances_are_shared_out_to_the_zones_with_the_most_reserved(found, counts, shares):
    search, hours, parts = found
    each = [reserved("m5.large", 1, scope=f"eu-north-1{zone}") for zone, count in counts.items() for _ in range(count)]
    each += [reserved("c5.large", 0, scope="eu-north-1c")]  # of no use here
    for held in (each, each[::-1]):
        used = plan_usage(parts[LaunchType.EC2], hours, replace(search, held=tuple(held)))
        ids = [meter.id for meter in used.usage.meters]
        rows = [at for at, name in enumerate(ids) if name == "ec2:linux:on_demand:m5.large"]
        assert {used.zones[at]: used.usage.quantity_per_hour[at, 0] for at in rows} == approx(
            {zone: 2 * share for zone, share in shares.items()}
        )
        assert sum(name.startswith("ebs") for name in ids) <= 1  # volumes stay whole


def test_in_one_zone_all_instances_are_covered(found):
    search, hours, parts = found
    one_zone = [replace(part, provider=replace(part.provider, zones=1)) for part in parts[LaunchType.EC2]]
    used = plan_usage(one_zone, hours, replace(search, held=(reserved("m5.large", 1, scope="eu-north-1a"),)))
    rows = [at for at, meter in enumerate(used.usage.meters) if meter.id == "ec2:linux:on_demand:m5.large"]
    assert [(used.zones[at], used.usage.quantity_per_hour[at, 0]) for at in rows] == [("eu-north-1a", 2.0)]


def test_a_commitment_that_covers_next_to_nothing_has_its_line(found):
    search, hours, parts = found
    items = price_plan(parts[LaunchType.FARGATE], hours, replace(search, held=(compute_plan(1e-6),))).bill.line_items
    (covered,) = [item for item in items if item.meter.startswith("compute_savings_plan")]
    assert (covered.quantity, covered.amount_usd) == (approx(730e-6 / 0.003), approx(730e-6))


def test_where_a_commitment_has_no_rate_what_another_may_cover_counts_for_nothing(found):
    search, hours, parts = found
    unpriced = price_plan(parts[LaunchType.FARGATE], hours, replace(search, held=(reserved("c5.large", 1), compute_plan(0.01))))
    assert unpriced.monthly_usd is None
    assert unpriced.priced_usd == approx(730 * 0.01)


def test_without_rates_the_least_is_what_is_due_and_what_nothing_covers(found):
    search, hours, parts = found
    on_instances = parts[LaunchType.EC2]
    unpriced = replace(
        search, held=(compute_plan(0.5),), catalog=as_catalog([LARGE], PRICES, listed([LARGE], compute_saving=None))
    )
    least = price_plan(on_instances, hours, unpriced)
    assert least.monthly_usd is None
    volumes = price_parts(on_instances, hours, search.catalog, search.region)
    (usd,) = [item.amount_usd for item in volumes.bill.line_items if "gp3" in item.meter]
    assert least.priced_usd == approx(730 * 0.5 + usd)


def test_what_is_lost_has_a_line_however_little(found):
    search, hours, parts = found
    held = (compute_plan(0.75 * FARGATE_USD + 0.0005), reserved("m5.large", 3))
    items = price_plan(parts[LaunchType.FARGATE], hours, replace(search, held=held)).bill.line_items
    lost = {item.meter: item for item in items if item.part == "held commitments"}
    assert lost["compute_savings_plan:1y:no_upfront:unused"].amount_usd == approx(730 * 0.0005)
    assert lost["compute_savings_plan:1y:no_upfront:unused"].rate_usd == 1.0
    ri = lost["reserved_instance:1y:no_upfront:ec2:linux:on_demand:m5.large"]
    assert (ri.quantity, ri.amount_usd) == (approx(730 * 3), approx(730 * 3 * 0.06))
    assert np.isclose(sum(item.amount_usd for item in items), 730 * (0.75 * FARGATE_USD + 0.0005 + 0.18))
