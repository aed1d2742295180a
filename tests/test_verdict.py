"""The verdict follows from costs, weeks and what has no price."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

from advisor.billing import Bill, MonthlyUsd
from advisor.ecs import Architecture, LaunchType, PlacementStrategy, PurchaseOption, TaskSize
from advisor.plan import CapacityProvider, Plan, ScalingMetric, ServicePlan
from advisor.recommend.instance_work import instance_work
from advisor.recommend.result import Alternative, Verdict
from advisor.recommend.verdict import Ranked, contender, judge, rank, service_doubts, with_cheaper_placements

EC2, FARGATE, MANAGED = LaunchType.EC2, LaunchType.FARGATE, LaunchType.MANAGED_INSTANCES


def plan(launch_type, purchase_option=PurchaseOption.ON_DEMAND):
    is_fargate = launch_type is FARGATE
    provider = CapacityProvider(
        name="p",
        launch_type=launch_type,
        purchase_option=purchase_option,
        instance_types=() if is_fargate else ("m7g.large",),
        architecture=None if is_fargate else Architecture.ARM64,
        placement=None if is_fargate else PlacementStrategy.SPREAD_THEN_BINPACK,
    )
    service = ServicePlan(
        launch_type=launch_type,
        purchase_option=purchase_option,
        architecture=Architecture.ARM64,
        task=TaskSize(cpu_units=256, memory_mib=512),
        capacity_provider="p",
        desired_tasks=1,
        min_tasks=1,
        max_tasks=2,
        scaling_metric=ScalingMetric.NONE,
    )
    return Plan(cluster="c", region="us-east-1", services={"s": service}, capacity_providers={"p": provider})


def ranked(name, launch_type, low, high=None, *, weekly=(), purchase_option=PurchaseOption.ON_DEMAND, is_comparison=False):
    monthly = None if low is None else MonthlyUsd(mean=low, low=low, high=high or low)
    alternative = Alternative(
        id=name,
        scope="cluster",
        title=name,
        plan=plan(launch_type, purchase_option),
        usage=MappingProxyType({}),
        bill=None if low is None else Bill(line_items=()),
        monthly_usd=monthly,
        missing=() if low is not None else ("meter",),
        is_comparison=is_comparison,
    )
    return Ranked(alternative=alternative, weekly_usd=np.array(weekly, float), priced_usd=low or 0.0)


def verdict(*items, unpriced=(), measured_hours=1000.0, weeks=10.0, known_weeks=None, is_stated=False):
    known_weeks = int(weeks) if known_weeks is None else known_weeks
    how_long = {"measured_hours": measured_hours, "weeks": weeks, "known_weeks": known_weeks}
    return judge(rank(items), unpriced=unpriced, **how_long, is_stated=is_stated)


def test_a_clear_winner_is_recommended():
    judged = verdict(ranked("f", FARGATE, 100, weekly=[10] * 10), ranked("e", EC2, 120, 126, weekly=[12.6] * 10))
    assert judged.verdict is Verdict.RECOMMEND
    assert (judged.saving.against, judged.saving.mean, judged.saving.weeks_cheaper, judged.saving.weeks) == ("e", 20, 10, 10)


def test_the_upper_end_is_ranked():
    assert [r.alternative.id for r in rank([ranked("e", EC2, 98, 103), ranked("f", FARGATE, 100)])] == ["f", "e"]


def test_no_comparison_is_before_all_choices():
    items = [ranked("x", EC2, 90, is_comparison=True), ranked("f", FARGATE, 100), ranked("y", EC2, 101, is_comparison=True)]
    assert [r.alternative.id for r in rank([*items, ranked("e", EC2, 102)])] == ["f", "x", "y", "e"]


def test_the_default_placement_is_a_choice_where_it_costs_less_than_packing_and_only_there():
    packed, spread = (
        ranked("c:ec2:right_sized", EC2, 100),
        ranked("c:ec2:default_spread:right_sized", EC2, 90, is_comparison=True),
    )
    base = ranked("c:ec2:over_on_demand_base:right_sized", EC2, 80, is_comparison=True)
    found = {item.alternative.id: item.alternative.is_comparison for item in with_cheaper_placements([packed, spread, base])}
    assert found == {"c:ec2:right_sized": False, spread.alternative.id: False, base.alternative.id: True}
    dearer = ranked("c:ec2:default_spread:right_sized", EC2, 100, is_comparison=True)
    assert with_cheaper_placements([packed, dearer])[1].alternative.is_comparison


def test_what_might_undercut_the_first_once_it_is_replayed_is_the_one_with_the_lowest_end():
    items = rank([ranked("f", FARGATE, 100), ranked("a", EC2, 99, 104), ranked("b", EC2, 97, 105), ranked("c", EC2, 101, 102)])
    assert [r.alternative.id for r in contender(items, lambda _: True)] == ["b"]
    assert [r.alternative.id for r in contender(items, lambda each: each.id != "b")] == ["a"]
    assert contender(items, lambda each: each.id == "c") == []


def test_a_low_end_that_would_win_is_too_close_to_call():
    judged = verdict(ranked("f", FARGATE, 100, weekly=[10] * 10), ranked("e", EC2, 99, 104, weekly=[10.4] * 10))
    assert judged.verdict is Verdict.TOO_CLOSE_TO_CALL
    assert "low end" in judged.doubts[0]
    assert "tie within 2 %" in judged.doubts[0]


@pytest.mark.parametrize(("n_losing", "expected"), [(1, Verdict.RECOMMEND), (2, Verdict.TOO_CLOSE_TO_CALL)])
def test_one_losing_week_in_ten_is_allowed_and_no_more(n_losing, expected):
    theirs = [9.0] * n_losing + [20.0] * (10 - n_losing)
    judged = verdict(ranked("f", FARGATE, 100, weekly=[10] * 10), ranked("e", EC2, 150, 158, weekly=theirs))
    assert judged.verdict is expected


def test_another_instance_type_is_no_rival():
    """Fargate against Fargate is no migration: the rival is the cheapest of another launch type."""
    judged = verdict(ranked("f1", FARGATE, 100), ranked("f2", FARGATE, 101), ranked("e", EC2, 150, 158))
    assert judged.saving.against == "e"


def test_spot_is_another_purchase_option():
    judged = verdict(ranked("spot", FARGATE, 40, purchase_option=PurchaseOption.SPOT), ranked("f", FARGATE, 100))
    assert judged.saving.against == "f"


def test_a_comparison_never_wins_and_is_no_rival():
    comparison = ranked("default spread", EC2, 100, 101, is_comparison=True)
    judged = verdict(ranked("f", FARGATE, 99), comparison, ranked("m", MANAGED, 150, 160))
    assert judged.saving.against == "m"


def test_something_unpriced_that_might_win_changes_the_verdict():
    judged = verdict(ranked("f", FARGATE, 100), ranked("e", EC2, 150, 158), unpriced=["x has no price"])
    assert (judged.verdict, judged.doubts) == (Verdict.BEST_OF_PRICED, ("x has no price",))


@pytest.mark.parametrize(
    ("hours", "weeks", "expected"),
    [
        (23.9, 23.9 / 168, Verdict.NOT_ENOUGH_DATA),
        (24.0, 24 / 168, Verdict.TOO_CLOSE_TO_CALL),
        (335.0, 335 / 168, Verdict.TOO_CLOSE_TO_CALL),
        (336.0, 2.0, Verdict.RECOMMEND),
    ],
)
def test_how_much_history_a_verdict_takes(hours, weeks, expected):
    items = ranked("f", FARGATE, 100), ranked("e", EC2, 150, 158)
    assert verdict(*items, measured_hours=hours, weeks=weeks).verdict is expected


def test_weeks_that_are_mostly_gaps_are_none_to_recommend_from():
    judged = verdict(ranked("f", FARGATE, 100), ranked("e", EC2, 150, 158), measured_hours=40, weeks=2.8, known_weeks=0)
    assert judged.verdict is Verdict.TOO_CLOSE_TO_CALL
    (doubt,) = judged.doubts
    assert doubt.startswith("of the 2.8 weeks that the load spans, 40 h were measured, and no whole week by half or more")


def test_a_stated_load_has_no_history_to_be_short_of():
    items = ranked("f", FARGATE, 100), ranked("e", EC2, 150, 158)
    assert verdict(*items, measured_hours=1, weeks=0.1, is_stated=True).verdict is Verdict.RECOMMEND


def test_what_has_no_price_stays_in_the_list_after_what_has_one():
    order = [r.alternative.id for r in rank([ranked("a", EC2, None), ranked("f", FARGATE, 100)])]
    assert order == ["f", "a"]


def drawn(item, draws):
    return replace(item, draws_usd=np.array(draws, float))


def of_two(own_usd, small_usd):
    """A plan of a service ``s`` on Fargate for itself, and of another one beside it."""
    one = plan(FARGATE)
    both = replace(one, services={**one.services, "small": one.services["s"]})
    total = MonthlyUsd(mean=own_usd + small_usd, low=own_usd + small_usd, high=own_usd + small_usd)
    return replace(ranked("both", FARGATE, own_usd + small_usd).alternative, plan=both, monthly_usd=total)


def test_a_service_that_makes_most_of_the_bill_and_loses_in_a_quarter_of_the_draws_is_a_doubt():
    fargate = drawn(ranked("fargate", FARGATE, 100), [100, 100, 100, 100])
    spot = drawn(ranked("EC2 Spot", EC2, 120, purchase_option=PurchaseOption.SPOT), [120, 120, 120, 90])
    ((share, sentence),) = service_doubts(of_two(100, 25), {"s": [fargate, spot], "small": []})
    assert share == pytest.approx(0.8)
    assert sentence == (
        "s, 80% of the bill: another launch choice is cheapest in 25 % of the draws; EC2 Spot costs $20 (20%) a month more on "
        "the load that was measured"
    )
    judged = judge(
        rank([fargate, drawn(ranked("ec2", EC2, 130), [130] * 4)]),
        unpriced=(), measured_hours=1000.0, weeks=10.0, known_weeks=10, is_stated=False, service_doubts=[sentence],
    )  # fmt: skip
    assert (judged.verdict, judged.doubts) == (Verdict.TOO_CLOSE_TO_CALL, (sentence,))


def test_a_service_that_is_sure_or_shares_its_instances_is_no_doubt():
    fargate, sure = drawn(ranked("fargate", FARGATE, 100), [100] * 4), drawn(ranked("ec2", EC2, 120), [120] * 4)
    assert service_doubts(of_two(100, 25), {"s": [fargate, sure], "small": []}) == []
    one = plan(EC2)
    both = replace(one, services={**one.services, "small": one.services["s"]})
    shared = replace(ranked("both", EC2, 125).alternative, plan=both)
    often = drawn(ranked("fargate", FARGATE, 110), [110, 90, 90, 90])
    assert service_doubts(shared, {"s": [drawn(ranked("ec2", EC2, 100), [100] * 4), often], "small": []}) == []


def test_work_on_instances_is_held_against_the_cheapest_plan_without_any():
    """By hand: 420 - 400 a month; the dearer plan without instances and the comparison do not count."""
    ec2, beside = ranked("ec2", EC2, 400), ranked("spot", FARGATE, 401, is_comparison=True)
    managed, fargate = ranked("managed", MANAGED, 420), ranked("fargate", FARGATE, 430)
    (told,) = instance_work([ec2, beside, ranked("other", EC2, 410), managed, fargate])
    assert told.endswith("where it costs more than $20 a month, managed is cheaper")
    (told,) = instance_work([ranked("ec2", EC2, 419.5), managed])
    assert "more than $0.50 a month" in told
    assert not [*instance_work([fargate, ec2]), *instance_work([managed, ec2])]  # nothing to keep
    assert not [*instance_work([ec2]), *instance_work([ec2, ranked("unpriced", FARGATE, None)])]
