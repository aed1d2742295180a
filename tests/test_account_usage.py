"""Usage of several workloads summed by the clock hour, without files: hours that they share, what is held, and growth."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from advisor.committing.account import WorkloadUsage, commit_account, held_again_usd
from advisor.meters import PaymentOption
from advisor.optimize.committable import HourlyUsage
from advisor.pricing import PriceCatalog
from advisor.workload import Growth
from tests.as_advisor import MONDAY, REGION, as_catalog
from tests.test_beside_held import LARGE_HOUR, VCPU_HOUR
from tests.test_held_commitments import compute_plan, listed, reserved
from tests.test_present import LARGE, PRICES

approx = pytest.approx
OTHER = "us-west-2"
CATALOGS = {region: as_catalog((LARGE,), PRICES, listed((LARGE,)), region) for region in (REGION, OTHER)}
WEEK = 168


def used(name, vcpu, *, hours=WEEK, region=REGION, start=MONDAY, **more):
    """Fargate at $0.04 a vCPU-hour, 25 % off with a Compute Savings Plan."""
    quantity = np.broadcast_to(np.asarray(vcpu, float), (1, hours)).copy()
    usage = HourlyUsage(meters=(VCPU_HOUR,), zones=(None,), quantity=quantity, is_moving=np.ones(1, dtype=np.bool_))
    plain = {"is_stated": False, "growth": Growth(), "held": ()}
    return WorkloadUsage(name=name, region=region, start=start, usage=usage, **plain | more)


def of(meters, zones, rows, hours=WEEK):
    """Usage of several meters, each the same in every hour."""
    quantity = np.repeat(np.array(rows, float)[:, np.newaxis], hours, axis=1)
    return HourlyUsage(meters=meters, zones=zones, quantity=quantity, is_moving=np.ones(len(rows), dtype=np.bool_))


def account(*members, **more):
    asked = {"terms": (1,), "payments": (PaymentOption.NO_UPFRONT,), **more}
    return commit_account(members, CATALOGS, **asked)


def compute(found, region=REGION):
    (advice,) = [each for each in found.advices if each.region == region]
    return advice.option("recommended:compute_savings_plan:1y:no_upfront")


def size(found, region=REGION):
    """vCPU that the Compute Savings Plan covers."""
    return compute(found, region).usd_per_hour / 0.03


def test_the_hours_that_all_share_are_summed():
    """Three days later by one: 9 days less 3 are under a week, 10 days less 3 are one."""
    later = MONDAY + timedelta(days=3)
    short, long = (account(used("a", 4, hours=24 * days), used("b", 2, hours=24 * 9, start=later)) for days in (9, 10))
    assert size(short) == approx(4, abs=1e-3)
    assert "b is left out (58.40 USD a month on demand): less than a week of its load is known at the same time" in str(short)
    assert size(long) == approx(6, abs=1e-3)
    assert "usage of 2 workloads, summed hour by hour over the 1.0 weeks between 2026-09-10 and 2026-09-17" in str(long)
    before = account(used("a", 4, hours=24 * 10, start=later), used("b", 2, hours=24 * 10))
    assert size(before) == approx(6, abs=1e-3)


def test_hours_in_which_a_load_is_not_known_count_for_none():
    gap = np.full(2 * WEEK, 4.0)
    gap[:WEEK] = np.nan
    many = np.where(np.arange(2 * WEEK) < WEEK, 9.0, 2.0)
    found = account(used("a", gap, hours=2 * WEEK), used("b", many, hours=2 * WEEK))
    assert size(found) == approx(6, abs=1e-3)
    assert compute(found).monthly_usd == approx(730 * 6 * 0.03, abs=0.02)
    assert "over the 1.0 weeks" in str(found)
    gap[WEEK] = np.nan
    assert "a is left out" in str(account(used("a", gap, hours=2 * WEEK), used("b", many, hours=2 * WEEK)))


def test_the_costliest_gives_the_hours_and_names_break_ties():
    """Each has a week of its own: one stays, the dearer a month and, of equals, the first by name."""
    far = MONDAY + timedelta(days=100)
    assert size(account(used("a", 2), used("b", 3, start=far))) == approx(3, abs=1e-3)
    assert size(account(used("b", 3), used("a", 2, start=far))) == approx(3, abs=1e-3)
    assert "b is left out" in str(account(used("b", 2), used("a", 2, start=far)))
    assert "same time as that of a" in str(account(used("b", 2), used("a", 2, start=far)))


def test_less_than_a_week_alone_is_left_out_and_nothing_is_sized():
    found = account(used("a", 2, hours=WEEK - 1))
    assert found.advices == ()
    assert found.notes == (f"{REGION}: a is left out (58.40 USD a month on demand): less than a week of its load is known",)


def test_what_is_stated_repeats_by_whole_weeks_at_any_time():
    """10 in the first hour of each week, from ten days before: the other starts on a Thursday."""
    stated = used("b", np.where(np.arange(WEEK) == 0, 10.0, 1.0), is_stated=True, start=MONDAY - timedelta(days=14))
    quantity, is_known = stated.over(stated.first_hour + 3 * WEEK - 1, stated.first_hour + 3 * WEEK + 2)
    assert (quantity.tolist(), is_known.tolist()) == ([[1, 10, 1]], [True] * 3)
    found = account(used("a", 4, hours=2 * WEEK, start=MONDAY + timedelta(days=3)), stated)
    assert found.advices[0].loads[0].on_demand_usd == approx(730 * 0.04 * (5 + 9 / WEEK))
    longer = used("b", 1, hours=WEEK + 30, is_stated=True)
    assert longer.over(longer.first_hour + WEEK, longer.first_hour + WEEK + 1)[0].tolist() == [[1]]
    hourly = replace(longer, usage=replace(longer.usage, quantity=np.arange(WEEK + 30.0)[np.newaxis]))
    assert hourly.over(longer.first_hour + WEEK, longer.first_hour + WEEK + 2)[0].tolist() == [[0, 1]]
    two = used("b", np.arange(2.0 * WEEK), hours=2 * WEEK, is_stated=True)
    assert two.over(two.first_hour + 3 * WEEK, two.first_hour + 3 * WEEK + 1)[0].tolist() == [[WEEK]]


def test_where_all_is_stated_the_longest_gives_the_hours():
    found = account(used("a", 9, is_stated=True), used("b", 1, hours=3 * WEEK, is_stated=True))
    assert "over the 3.0 weeks" in str(found)
    assert found.advices[0].loads[0].on_demand_usd == approx(730 * 0.04 * 10)


def test_outside_its_hours_nothing_is_known():
    member = used("a", np.arange(float(WEEK)))
    quantity, is_known = member.over(member.first_hour - 1, member.first_hour + WEEK + 1)
    assert is_known.tolist() == [False, *[True] * WEEK, False]
    assert quantity[0, 1:-1].tolist() == list(range(WEEK))


def test_what_is_held_is_of_the_account():
    held = (compute_plan(0.06), reserved("m5.large", 1))
    found = account(used("a", 4, held=held), used("b", 2, held=held[::-1]), used("c", 1))
    assert size(found) == approx(5, abs=1e-3)
    differs = account(used("a", 4, held=held), used("b", 2, held=held[:1]))
    assert differs.advices == ()
    assert f"{REGION}: no commitments are sized: a and b state different held commitments of one account" in differs.notes


def test_reserved_instances_of_a_zone_need_the_zones_of_all():
    held = (reserved("m5.large", 1, scope="eu-north-1a"),)
    assert len(account(used("a", 4, held=held), used("b", 2, held=held)).advices) == 1
    assert "its zones are not known" in str(account(used("a", 4, held=held), used("b", 2)).notes)


def test_workloads_that_each_count_all_that_is_held_count_it_again():
    """Held is what 5 vCPU take: 4 and 2 leave 1 and 3 of them unused, and together 1 vCPU is on demand at $0.04."""
    held = (compute_plan(0.15),)
    a, b = used("a", 4, held=held), used("b", 2, held=held)
    assert held_again_usd([a, b], CATALOGS) == (approx(730 * (2 * 0.15 - 0.15 - 0.04)), "")
    assert held_again_usd([a, replace(b, region=OTHER)], CATALOGS) == (approx(730 * 0.11), "")
    assert held_again_usd([a], CATALOGS) == (0.0, "")
    unused = (reserved("m5.large", 1),)
    assert held_again_usd([used(name, 4, held=unused) for name in "ab"], CATALOGS) == (approx(730 * 0.06), "")


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ((used("a", 4, held=(compute_plan(1),)), used("b", 2, held=(compute_plan(2),))), "a and b state different held"),
        ((used("a", 4, held=(compute_plan(1),)), used("b", 2, hours=9)), "b is left out"),
        ((used("a", 4, held=(reserved("m5.large", 1),)), used("b", 2, region=OTHER)), "of a single Region covers first"),
    ],
)
def test_where_it_cannot_be_told_how_often_what_is_held_is_counted_it_is_said_why(members, why):
    usd, said = held_again_usd(members, CATALOGS)
    assert usd is None
    assert why in said


def test_without_a_rate_of_what_is_held_nothing_is_told_of_how_often_it_is_counted():
    catalogs = {REGION: as_catalog((LARGE,), PRICES, listed((LARGE,), fargate_saving=None))}
    found = held_again_usd([used(name, 2, held=(compute_plan(0.1),)) for name in "ab"], catalogs)
    assert found == (None, "no rate for compute_savings_plan:1y:no_upfront:fargate:linux:x86_64:on_demand:vcpu_hour")


def test_what_is_bought_covers_a_share_of_all_workloads():
    """4 of 6 vCPU, for those of a have no hour with those of b; beside what is held, nobody can say."""
    far = MONDAY + timedelta(days=100)
    assert account(used("a", 4), used("b", 2, start=far)).purchase.coverage_fraction == approx(4 / 6, abs=1e-3)
    held = (compute_plan(0.03),)
    assert account(used("a", 4, held=held), used("b", 2, start=far, held=held)).purchase.coverage_fraction is None


def test_as_plain_data_a_purchase_is_its_figures_or_nothing():
    assert account(used("a", 4)).to_dict()["purchase"]["usd_per_hour"] == approx(0.12, abs=2e-5)
    assert account(used("a", 0)).to_dict()["purchase"] is None


def test_over_several_regions_compute_plans_alone_are_sized():
    found = account(used("a", 4), used("b", 2, region=OTHER))
    assert [each.region for each in found.advices] == [REGION, OTHER, "all Regions"]
    assert [size(found, each.region) for each in found.advices] == approx([4, 2, 6], abs=1e-3)
    assert {each.kind for each in found.advices[2].options} == {"compute_savings_plan"}
    assert found.advices[2].loads[0].on_demand_usd == approx(730 * 6 * 0.04)
    assert "not bought beside them" in found.notes[-1]
    assert "is not bought beside" not in str(account(used("a", 4)).notes)


def test_a_region_that_cannot_be_sized_keeps_no_other_from_it():
    """Regions come by name."""
    plan, instance = (compute_plan(0.03),), (reserved("m5.large", 1),)
    differs = account(used("a", 4, held=plan), used("b", 4, held=instance), used("c", 2, region=OTHER))
    assert [each.region for each in differs.advices] == [OTHER]
    short = account(used("a", 4, hours=WEEK - 1), used("c", 2, region=OTHER))
    assert [each.region for each in short.advices] == [OTHER, "all Regions"]


def test_dates_of_prices_of_several_regions_are_a_range(monkeypatch):
    monkeypatch.setattr(PriceCatalog, "catalog_date", lambda _, region: {REGION: "2026-10-01", OTHER: "2026-09-01"}[region])
    found = account(used("a", 4), used("b", 2, region=OTHER))
    assert [each.prices for each in found.advices] == ["2026-10-01", "2026-09-01", "2026-09-01 to 2026-10-01"]


def test_what_is_held_over_several_regions():
    plan, instance = (compute_plan(0.03),), (reserved("m5.large", 1),)
    free = "held Compute Savings Plans are taken to be free for this Region alone"
    found = account(used("a", 4, held=plan), used("b", 2, region=OTHER, held=plan))
    assert [free in each.notes for each in found.advices] == [True, True, False]
    assert [size(found, each.region) for each in found.advices] == approx([3, 1, 5], abs=1e-3)
    assert free not in account(used("a", 4, held=plan)).advices[0].notes
    found = account(used("a", 4, held=plan + instance), used("b", 2, region=OTHER, held=plan + instance))
    assert [free in each.notes for each in found.advices] == [True, True]
    found = account(used("a", 4, held=instance), used("b", 2, region=OTHER, held=instance))
    assert [free in each.notes for each in found.advices] == [False, False]
    assert "all Regions: no commitments are sized: what is held of a single Region covers first" in str(found.notes)


def test_at_most_three_names_of_those_with_nothing_to_cover_are_told():
    empty = replace(
        used("a", 1).usage, meters=(), zones=(), quantity=np.zeros((0, WEEK)), is_moving=np.zeros(0, dtype=np.bool_)
    )
    members = [used("z", 4), *(replace(used(name, 1), usage=empty) for name in "dcba")]
    assert account(*members).notes == ("nothing that commitments could cover: a, b, c and 1 more",)
    assert account(*members[:4]).notes == ("nothing that commitments could cover: b, c, d",)
    assert account(used("z", 4)).notes == ()


def test_a_meter_of_several_workloads_is_one_row_and_what_is_stated_does_not_move():
    """Growth of all is that of what moves; instances of one and Fargate of the other keep their own rates."""
    mixed = replace(of((VCPU_HOUR, LARGE_HOUR), (None, "eu-north-1a"), (1, 2)), is_moving=np.array([False, True]))
    found = account(used("a", 4), replace(used("b", 1), usage=mixed))
    assert found.advices[0].loads[0].on_demand_usd == approx(730 * (5 * 0.04 + 2 * 0.1))
    assert compute(found).usd_per_hour == approx(5 * 0.03 + 2 * 0.07, abs=2e-5)


def test_usage_of_a_zone_and_of_none_and_of_several_regions_is_billed_at_its_own_rates():
    usage = of((VCPU_HOUR, LARGE_HOUR, LARGE_HOUR), (None, "eu-north-1a", None), (10, 1, 2))
    members = [replace(used(name, 1, region=region), usage=usage) for name, region in (("a", REGION), ("b", OTHER))]
    found = account(*members)
    assert [each.loads[0].on_demand_usd for each in found.advices] == approx([730 * 0.7, 730 * 0.7, 730 * 1.4])


def test_what_a_workload_costs_is_of_the_hours_in_which_all_of_it_is_known():
    usage = of((VCPU_HOUR, LARGE_HOUR), (None, None), (10, 1))
    usage.quantity[0, 0] = np.nan
    assert "a is left out (365.00 USD a month on demand)" in account(replace(used("a", 1), usage=usage)).notes[0]


def test_where_nothing_runs_no_growth_is_weighted():
    (advice,) = account(used("a", 0, growth=Growth(fraction=0.5)), used("b", 0)).advices
    assert advice.loads[0].on_demand_usd == 0


def test_growth_is_weighted_by_cost_and_spread_as_if_all_moved_together():
    weeks = {"hours": 6 * WEEK}
    one, other = Growth(fraction=0.6, spread_fraction=0.0), Growth(fraction=0.0, spread_fraction=0.0)
    mixed = account(used("a", 0.003, growth=one, **weeks), used("b", 0.001, growth=other, **weeks)).advices[0].loads[0]
    alike = account(used("a", 0.004, growth=Growth(fraction=0.45, spread_fraction=0.0), **weeks)).advices[0].loads[0]
    assert mixed.load_factor_p50 == approx(alike.load_factor_p50)
    wide, narrow = Growth(spread_fraction=0.4), Growth(spread_fraction=0.0)
    mixed = account(used("a", 3, growth=wide, **weeks), used("b", 1, growth=narrow, **weeks)).advices[0].loads[0]
    alike = account(used("a", 4, growth=Growth(spread_fraction=0.3), **weeks)).advices[0].loads[0]
    assert (mixed.load_factor_p10, mixed.load_factor_p90) == approx((alike.load_factor_p10, alike.load_factor_p90))


def test_the_history_of_an_account_stands_for_a_month():
    """Twice as much at weekends, five whole weeks and two days: a month weighs each hour of the week alike."""
    hours = 5 * WEEK + 48
    at_weekend = np.arange(hours) % WEEK >= 5 * 24
    found = account(used("a", np.where(at_weekend, 8.0, 4.0), hours=hours)).advices[0].loads[0]
    assert found.on_demand_usd == approx(730 * 0.04 * (5 * 4 + 2 * 8) / 7)
    assert found.load_factor_p50 == approx(1, abs=0.03)


def test_a_time_is_in_utc():
    assert used("a", 1, start=datetime(1970, 1, 1, 5, tzinfo=UTC)).first_hour == 5
    assert used("a", 1).n_hours == WEEK
