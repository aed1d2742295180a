"""Prices by which Savings Plans are proven, by hand: they add up to the bill of the plan that they come from."""

from dataclasses import replace

import numpy as np
import pytest

from advisor.answer import answer
from advisor.optimize.committed_prices import _floored, committed_prices, committed_usd
from advisor.plan import terms_of
from tests.as_advisor import as_catalog
from tests.test_held_commitments import listed, workload_of
from tests.test_present import LARGE, PRICES, web

approx = pytest.approx
(TERMS,) = terms_of(["1y:no_upfront"])
VOLUMES_USD = 30 * 0.08
"""A month of one instance's."""
ON_FARGATE, ON_INSTANCES = [2.0, 2.0, 8.0, 2.0] * 6, [4.0] * 6 + [8.0] * 18
"""Tasks of 1 vCPU and 2 GiB: $0.048 an hour each on Fargate, two to an m5.large of $0.1, which scaling in keeps 15 minutes."""


def plan(*savings, on_fargate=ON_FARGATE, on_instances=ON_INSTANCES):
    """One service on Fargate and one on instances, with the search that they come from."""
    services = [web(name=name, form="tasks", demand=load) for name, load in (("a", on_fargate), ("b", on_instances))]
    base = answer(workload_of(*services), as_catalog((LARGE,), PRICES, listed((LARGE,), *savings)))
    ways = {name: {choice.title: choice.parts for choice in choices} for name, choices in base.found.by_service.items()}
    return (*ways["a"]["Fargate X86_64"], *ways["b"]["EC2 m5.large"]), base.found.common_hours, base.search


def volumes_usd():
    return VOLUMES_USD * np.mean(ON_INSTANCES) / 2


def test_what_each_kind_of_plan_makes_of_a_month():
    """At 20 % off 2 of 2, 2, 8 and 2 tasks are covered on Fargate, at 40 % off 4 of 2, 4, 4 and 4 instances."""
    by_hand = (2 * 0.8 + 6 / 4) * 0.048 + 4 * 0.6 * 0.1
    assert committed_usd(*plan(0.2, 0.4, None), TERMS) == approx(730 * by_hand + volumes_usd())


def test_prices_of_both_kinds_of_plans_are_those_of_their_hours():
    """A committed dollar is worth most where all of it is used: in the hour of 8 tasks, and in those of 4 instances."""
    found = plan(0.2, 0.4, None)
    prices = committed_prices(*found, TERMS)
    on_fargate, on_instances = (prices.usd(part) for part in found[0])
    assert on_fargate == approx(730 * (2 * 0.8 + 6 / 4) * 0.048)
    assert on_instances == approx(730 * 4 * 0.6 * 0.1 + volumes_usd())
    worth = [np.unique(each.round(9)) for each in (prices.for_any, prices.for_instances)]
    assert worth[0].max() == approx(1 / 0.8)
    assert worth[1].max() == approx(4 / 3)  # of four hours the one of 2 instances leaves a committed dollar unused
    assert [float(np.average(each, weights=found[1])) for each in (prices.for_any, prices.for_instances)] == approx([1, 1])


def test_one_kind_of_plan_makes_the_prices_of_the_other():
    prices = committed_prices(*plan(None, 0.4, None), TERMS)
    assert (prices.for_any == prices.for_instances).all()
    prices = committed_prices(*plan(0.2, None, None), TERMS)
    assert (prices.for_any == prices.for_instances).all()


@pytest.mark.parametrize("savings", [(None, None, None), (0.0, 0.0, None)])
def test_where_nothing_saves_a_month_is_that_on_demand_and_nothing_is_proven(savings):
    found = plan(*savings)
    assert committed_usd(*found, TERMS) == approx(730 * (3.5 * 0.048 + 3.5 * 0.1) + volumes_usd())
    assert committed_prices(*found, TERMS) is None


def test_without_a_price_there_is_no_least():
    parts, hours, search = plan(0.2, 0.4, None)
    prices = committed_prices(parts, hours, search, TERMS)
    (meter, *_), (part, *_) = parts[0].meters, parts

    from advisor.meters import Meter

    assert (
        prices.usd(replace(part, meters=(Meter(id="ec2:linux:on_demand:unheard", unit=meter.unit), *part.meters[1:]))) is None
    )


def test_what_is_not_known_counts_in_no_price():
    """Hours in which one of the loads is missing are left out, and the others stand for the month."""
    gap = [*ON_INSTANCES[:8], None, *ON_INSTANCES[9:]]
    found = plan(0.2, 0.4, None, on_instances=gap)
    prices = committed_prices(*found, TERMS)
    assert committed_usd(*found, TERMS) == approx(sum(prices.usd(part) for part in found[0]), rel=1e-6)


def test_of_a_long_history_each_hour_stands_for_less_than_one_of_a_month():
    """32 days: 2 vCPU of 2 are covered in 768 hours, and 4 instances on demand."""
    found = plan(0.2, None, None, on_fargate=[2.0] * 768, on_instances=[8.0] * 768)
    assert committed_usd(*found, TERMS) == approx(730 * (2 * 0.8 * 0.048 + 4 * 0.1) + 4 * VOLUMES_USD)


def test_what_no_plan_covers_costs_what_it_costs():
    parts, hours, search = plan(0.2, 0.4, None)
    volumes = replace(parts[1], meters=parts[1].meters[1:], quantity_per_hour=parts[1].quantity_per_hour[1:])
    assert committed_prices(parts, hours, search, TERMS).usd(volumes) == approx(volumes_usd())


def levels(*others):
    """Hours of 24, what an m5.large costs in them, and what a committed dollar is worth there; beside types of other prices."""
    parts, hours, search = plan(0.2, 0.4, None)
    prices = committed_prices(parts, hours, search, TERMS)
    (large,) = search.candidates.types
    types = (large, *(replace(large, name="m5.xlarge") for _ in others))
    usd = np.append(search.candidates.on_demand_usd, others)
    prices = replace(prices, search=replace(search, candidates=replace(search.candidates, types=types, on_demand_usd=usd)))
    return sorted(
        (round(float(each.hours.sum()) * 24 / 730, 6), each.search.candidates.on_demand_usd[0], each.worth)
        for each in prices.levels()
    )


def test_moments_in_which_instances_cost_the_same_are_told_apart_by_both_kinds_of_plans():
    """6 hours of 2 instances, where a plan for them is worth nothing, 18 of 4 at 4/3 x 0.6 x $0.1; 8 tasks in 1 and 5."""
    nothing, all_of_it = (approx(0), approx(0)), (approx(0.08), approx(4 / 3))
    assert levels() == [(1, *nothing), (5, *nothing), (5, *all_of_it), (13, *all_of_it)]


def test_a_type_without_a_price_moves_no_level():
    assert levels(np.nan) == [approx(each) for each in levels()]


def test_what_a_dollar_is_worth_is_the_median_over_types():
    """Of one without a rate it buys all, always: 0.5 and 0.9 of what instances cost on demand, 0.8 on average."""
    assert [worth for *_, worth in levels(0.2)] == approx([0.5 / 0.8, 0.5 / 0.8, 0.9 / 0.8, 0.9 / 0.8])


def test_what_a_dollar_is_worth_is_floored_to_a_few_values():
    assert _floored(np.arange(1.0, 10.0)).tolist() == [1, 1, 3, 3, 3, 6, 6, 6, 9]
    few = np.array([1.0, 1, 1, 1, 1, 1, 2, 3, 4])
    assert (_floored(few) == few).all()
