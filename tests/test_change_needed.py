"""What would have to change for an alternative that lost to be as cheap as the one that won."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import advisor
from advisor.ecs import LaunchType
from advisor.recommend.reasons import change_needed

RESULT = advisor.Recommendation.from_dict(
    json.loads((Path(__file__).parents[1] / "reports" / "shop" / "recommendation.json").read_text())
)


def named(alternative_id):
    return RESULT.alternative(alternative_id)


def with_mean(alternative, usd):
    return replace(alternative, monthly_usd=replace(alternative.monthly_usd, mean=usd))


def test_a_price_that_fell_so_far_would_make_them_equal():
    best, other = with_mean(named("cluster:hybrid"), 60.0), with_mean(named("cluster:fargate:x86_64:on_demand"), 80.0)
    assert change_needed(other, best) == "it would take a price 25 % lower"  # by hand: 80 x 0.75 = 60


def on_instances(packed_fraction, binding="CPU"):
    alternative = next(a for a in RESULT.of_scope("worker") if a.title.startswith("EC2 "))
    return replace(alternative, instances=replace(alternative.instances, packed_fraction=packed_fraction, binding=binding))


def test_fuller_instances_would_do_where_full_ones_are_cheap_enough():
    best = with_mean(named("cluster:hybrid"), 60.0)
    # By hand: at 60 % full the load costs 80; at 80 % full it would take 60 / 80 as many instances, so 60.
    assert change_needed(with_mean(on_instances(0.6), 80.0), best) == "it would take a price 25 % lower, or instances 80 % full"
    assert change_needed(with_mean(on_instances(0.9), 80.0), best) == (
        "it would take a price 25 % lower: full instances would still cost more"
    )
    assert "more load than the least number" in change_needed(with_mean(on_instances(0.3, "minimum count"), 80.0), best)


def test_what_won_or_has_no_price_needs_no_change():
    best = named("cluster:hybrid")
    assert change_needed(best, best) == ""
    assert change_needed(replace(best, monthly_usd=None), best) == ""
    assert change_needed(with_mean(best, 1.0), best) == ""


@pytest.mark.parametrize("scope", ["cluster", "worker", "search"])
def test_every_dearer_alternative_of_the_sample_says_what_it_would_take(scope):
    best, *others = RESULT.of_scope(scope)
    for other in others:
        if other.monthly_usd.mean <= best.monthly_usd.mean:
            continue
        sentence = change_needed(other, best)
        assert "it would take a price" in sentence
        is_on_instances = all(s.launch_type is not LaunchType.FARGATE for s in other.plan.services.values())
        assert ("full" in sentence) == is_on_instances
