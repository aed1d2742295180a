"""Edges of commitments, each worked by hand: what is not known, ties, sizes of nothing, hours that differ in length."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from advisor.billing import apply_commitments, covered_amounts, in_clock_hours, usd_per_hour
from advisor.meters import Usage
from advisor.optimize.commitments import (
    CommitmentCurve,
    Stack,
    best_reserved_count,
    best_stack,
    commitment_curve,
    prices_where,
    scale_for_coverage,
)
from benchmarks.commitments import stacked_plans
from tests.committed import applied, rates_of
from tests.test_commitments import GUIDE, compute_plan, instance_plan, reserved, running

approx = pytest.approx


def plain_rates(usages, plans, on_demand, committed):
    """Rates as they are stated; None where there is none."""
    rates = rates_of(usages, plans)
    return replace(
        rates, on_demand_usd=np.array(on_demand, float), committed_usd=np.array(committed, float).reshape(len(plans), -1)
    )


LARGE, OTHER = running("m7g.large"), running("c7i.large")


def test_a_rate_that_only_uncounted_hours_need_is_not_missed():
    rates = plain_rates([LARGE], [compute_plan(1)], [0.1], [[np.nan]])
    assert apply_commitments(rates, np.array([[0.0, 3.0]]), np.array([1.0, 0.0])).missing == ()
    assert apply_commitments(rates, np.array([[0.0, 3.0]]), np.ones(2)).missing


def test_usage_without_a_rate_that_does_not_run_leaves_the_plan_to_the_rest():
    rates = plain_rates([LARGE, OTHER], [compute_plan(1)], [0.1, 0.1], [[np.nan, 0.05]])
    usage = apply_commitments(rates, np.array([[0.0], [4.0]]), np.ones(1))
    assert_allclose(usage.covered, [[0, 4]])


@pytest.mark.parametrize(
    ("on_demand", "committed", "missing"),
    [
        ([0.1, 0.1], [[0.05, np.nan]], "compute_savings_plan:1y:partial_upfront:ec2:linux:on_demand:c7i.large"),
        ([0.1, np.nan], [[0.05, 0.05]], "ec2:linux:on_demand:c7i.large"),
    ],
)
def test_what_is_not_known_comes_first_and_makes_the_hour_unknown(on_demand, committed, missing):
    """The plan might have gone to it: that the rest would use the plan up proves nothing."""
    rates = plain_rates([LARGE, OTHER], [compute_plan(0.2)], on_demand, committed)
    usage = apply_commitments(rates, np.array([[4.0], [1.0]]), np.ones(1))
    assert usage.missing == (missing,)
    assert np.isnan(usage.on_demand_per_hour).all()


def test_a_size_of_unknown_units_comes_before_the_smallest():
    usages = [running("m6a.nano"), {**LARGE, "type": "m6a.metal"}]
    usage, _ = applied(usages, [reserved("m6a.nano", 1)], [1, 1])
    assert usage.missing == ("normalization factor of m6a.metal",)


def test_a_type_without_a_normalization_factor_is_covered_as_itself():
    usage, _ = applied([{**LARGE, "type": "m6a.metal"}], [reserved("m6a.metal", 2)], [3])
    assert_allclose(usage.on_demand_per_hour, [[1]])


def test_a_purchase_leaves_out_what_has_no_rate_and_covers_the_rest():
    rates = plain_rates([LARGE, OTHER], [compute_plan(1)], [0.1, 0.1], [[np.nan, 0.05]])
    usage = apply_commitments(replace(rates, is_unknown_left_out=True), np.array([[5.0], [4.0]]), np.ones(1))
    assert usage.missing == ()
    assert_allclose(usage.on_demand_per_hour, [[5], [0]])
    stack = best_stack(rates, np.array([[5.0, 5.0], [4.0, 4.0]]), np.ones(2))
    assert stack.usd == approx(2 * (0.5 + 0.2))
    assert stack.capacity == approx([0.2])


@pytest.mark.parametrize(("bought_from", "n_missing"), [(0, 0), (1, 1)])
def test_only_from_the_first_purchase_on_what_has_no_rate_is_left_out(bought_from, n_missing):
    rates = replace(plain_rates([LARGE], [compute_plan(1)], [0.1], [[np.nan]]), bought_from=bought_from)
    assert len(apply_commitments(rates, np.array([[4.0]]), np.ones(1)).missing) == n_missing


def test_one_usage_in_a_zone_and_elsewhere_is_covered_in_the_order_of_the_zones():
    usages = [running("m7g.large", "us-east-1a"), LARGE]
    usage, _ = applied(usages, [reserved("m7g.large", 1)], [1, 1])
    assert_allclose(usage.covered, [[0, 1]])  # of usage in no known zone before that in one


@pytest.mark.parametrize("held", [[reserved("m7g.large", 2), reserved("m7g.xlarge", 1)]])
def test_of_reserved_instances_that_do_the_same_the_first_by_name_is_used_up_first(held):
    for order, expected in ((held, [1, 0]), (held[::-1], [0, 1])):
        usage, _ = applied([LARGE], order, [2])
        assert_allclose(usage.used_fraction[:, 0], expected)


def test_half_an_hour_under_a_plan_has_its_dollars():
    usage, _ = applied([GUIDE[1]], [compute_plan(0.5 * 0.03)], [2])
    assert_allclose(covered_amounts(usage).quantity, [[0.5]])
    assert_allclose(covered_amounts(usage).usd, [[0.015]])


def test_dollars_of_hours_and_clock_hours_keep_leading_axes():
    rates = rates_of([GUIDE[1], LARGE], [compute_plan(0.3)])
    load = np.array([[5.0, 10, 20], [1, 2, 3]])
    together = usd_per_hour(apply_commitments(rates, np.stack([load, 2 * load, 3 * load, 0 * load]), np.ones(3)))
    for row, factor in zip(together, (1, 2, 3, 0), strict=True):
        assert_allclose(row, usd_per_hour(apply_commitments(rates, factor * load, np.ones(3))))
    steps = np.arange(24.0).reshape(3, 2, 4)
    hourly = in_clock_hours(Usage(meters=rates.meters, quantity_per_hour=steps, hours=np.full(4, 0.5)), np.array([0, 2]))
    assert_allclose(hourly.quantity_per_hour, steps.reshape(3, 2, 2, 2).mean(axis=-1))


def test_no_usage_has_no_rows():
    usage = apply_commitments(rates_of([], [compute_plan(1)]), np.zeros((0, 3)), np.ones(3))
    assert usage.on_demand_per_hour.shape == (0, 3)
    assert_array_equal(usage.used_fraction, np.zeros((1, 3)))


@pytest.mark.parametrize("field", ["on_demand_usd", "committed_usd", "charge_usd", "zones"])
def test_rates_that_do_not_go_with_meters_and_commitments_are_refused(field):
    rates = rates_of([LARGE, OTHER], [compute_plan(1)])
    wrong = {"on_demand_usd": np.ones(1), "committed_usd": np.ones((1, 3)), "charge_usd": np.ones(2), "zones": (None,)}
    with pytest.raises(ValueError, match=r"rates of shapes|zones for"):
        replace(rates, **{field: wrong[field]})


def quantile_by_definition(values, weights, above):
    """The smallest of 0 and the values with no more weight above it."""
    return next(each for each in [0.0, *np.unique(values[values > 0])] if weights[values > each].sum() <= above)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), max_size=30), st.integers(0, 40))
def test_the_best_size_is_the_weighted_quantile_by_definition(pairs, hours):
    """One usage a bucket, in an hour of its own length: a curve whose ends are these values, with these weights."""
    values = np.array([value for value, _ in pairs], float)
    weights = np.array([weight for _, weight in pairs], float)
    above = float(weights.sum()) / 2 if hours == 0 else float(min(hours, max(weights.sum(), 1)))
    if not weights.sum():
        return
    ratio = float(weights.sum()) / above
    curve = CommitmentCurve(ends_usd=values[np.newaxis], ratio=np.array([ratio]), hours=weights)
    assert curve.best_usd_per_hour() == quantile_by_definition(values, weights * ratio, float(weights.sum()) * (1 + 1e-9))


def test_a_year_of_many_usages_has_the_same_quantile():
    rng = np.random.default_rng(3)
    ends = np.cumsum(rng.integers(0, 4, (12, 2_000)), axis=0).astype(float)
    ratio = np.sort(rng.uniform(1.1, 2.0, 12))[::-1]
    hours = rng.integers(0, 4, 2_000).astype(float)
    curve = CommitmentCurve(ends_usd=ends, ratio=ratio, hours=hours)
    weights = np.ravel((ratio - np.append(ratio[1:], 0.0))[:, np.newaxis] * hours)
    assert curve.best_usd_per_hour() == quantile_by_definition(np.ravel(ends), weights, hours.sum() * (1 + 1e-9))


def test_what_a_size_covers_is_worth_its_on_demand_rates():
    """Two hours in which a dollar of a plan stands for 2 on demand, then two more for 1.5 each: 2 dollars cover 2 and 1.5."""
    curve = CommitmentCurve(ends_usd=np.array([[1.0], [3.0]]), ratio=np.array([2.0, 1.5]), hours=np.array([2.0]))
    assert [curve.covered_on_demand_usd(size) for size in (0.0, 0.5, 2.0, 9.0)] == approx([0, 2, 7, 10])


def test_how_far_a_stack_may_be_above_the_cheapest():
    def gap(usd, bound_usd):
        return Stack(capacity=np.zeros(1), usd=usd, bound_usd=bound_usd, worth=np.zeros((1, 1)), rounds=1).gap_fraction

    assert [gap(0.5, 0.4), gap(0.5, 0.6), gap(0.0, 0.0)] == approx([0.2, 0.0, 0.0])


def test_coverage_that_is_there_already_asks_for_nothing():
    rates = rates_of([LARGE], [compute_plan(1)])
    worth = float(rates.on_demand_usd[0]) * 4
    assert scale_for_coverage(rates, np.array([[4.0]]), np.ones(1), 0.0, worth) == 0.0
    assert scale_for_coverage(rates, np.array([[4.0]]), np.ones(1), 0.5, 2 * worth) == 0.0


@pytest.mark.parametrize("n_compute", [1, 2])
def test_hours_of_a_length_are_as_many_hours(n_compute):
    rates, quantity, _ = stacked_plans(n_usages=6, n_hours=48, n_families=2, n_compute=n_compute)
    hours = np.arange(48) % 3 + 1
    one = best_stack(rates, quantity, hours.astype(float), most_rounds=4, gap_fraction=0.0)
    other = best_stack(rates, np.repeat(quantity, hours, axis=1), np.ones(hours.sum()), most_rounds=4, gap_fraction=0.0)
    assert one.usd == approx(other.usd)
    assert one.bound_usd == approx(other.bound_usd)
    assert one.capacity == approx(other.capacity)
    assert one.rounds == other.rounds == 4
    curve = commitment_curve(rates, 0, quantity, hours.astype(float))
    assert curve.covered_on_demand_usd(1.0) == approx(
        commitment_curve(rates, 0, np.repeat(quantity, hours, axis=1), np.ones(hours.sum())).covered_on_demand_usd(1.0)
    )


def test_half_of_what_runs_asks_for_half_of_the_plan():
    """Of four instances at $0.1, two are covered at $0.05 each."""
    rates = plain_rates([LARGE], [compute_plan(1)], [0.1], [[0.05]])
    assert scale_for_coverage(rates, np.array([[4.0]]), np.ones(1), 0.5, 0.4) == approx(0.1)


def test_what_is_held_covers_its_part_whatever_the_scale():
    """One of four instances is held at $0.05, so that one more is to be covered."""
    rates = plain_rates([LARGE], [compute_plan(0.05), compute_plan(1)], [0.1], [[0.05], [0.05]])
    held = replace(rates, bought_from=1)
    assert scale_for_coverage(held, np.array([[4.0]]), np.ones(1), 0.5, 0.4) == approx(0.05)


def test_what_a_dollar_of_a_plan_is_worth_lowers_the_price_of_what_it_has_a_rate_for():
    """$0.05 of a dollar that is worth 1.2 is 0.6 of $0.1; worth 3, it is more than on demand."""
    rates = plain_rates([LARGE, OTHER], [compute_plan(1)], [0.1, 0.1], [[0.05, np.nan]])
    assert_allclose(prices_where(rates, np.array([[1.2, 3.0, 0.0]])), [[0.6, 1, 0], [1, 1, 1]])


def test_a_stack_stops_at_the_gap_that_was_asked_for():
    rates, quantity, hours = stacked_plans(n_usages=12, n_hours=336, n_families=3)
    rough, fine = (best_stack(rates, quantity, hours, gap_fraction=gap) for gap in (0.05, 1e-4))
    assert rough.rounds < fine.rounds <= 20
    assert fine.gap_fraction <= rough.gap_fraction <= 0.05


def test_of_two_plans_of_a_family_the_one_that_saves_more_in_all_is_bought():
    """One has the lower rate for one usage and none for the other; together the second saves more."""
    usages, plans = [LARGE, running("m7g.xlarge")], [instance_plan("m7g", 1), instance_plan("m7g", 1)]
    for order in (slice(None), slice(None, None, -1)):
        committed = np.array([[0.05, np.nan], [0.06, 0.12]])[order]
        rates = plain_rates(usages, plans, [0.1, 0.2], committed)
        stack = best_stack(rates, np.array([[10.0] * 4, [10.0] * 4]), np.ones(4))
        assert stack.usd == approx(4 * (0.6 + 1.2))
        assert stack.capacity[order] == approx([0.0, 1.8])


def test_of_two_equal_plans_the_first_is_bought():
    rates = plain_rates([LARGE], [compute_plan(1), compute_plan(1)], [0.1], [[0.07], [0.07]])
    stack = best_stack(rates, np.array([[2.0, 2.0, 2.0]]), np.ones(3))
    assert stack.capacity == approx([0.14, 0.0])
    assert stack.usd == approx(3 * 0.14)
    assert stack.gap_fraction == approx(0.0, abs=1e-9)


def test_a_steady_load_is_bought_whole_and_proven():
    """Every plan at its own rate: 30 % off everything in one, 40 % off a family in the other."""
    rates = plain_rates([LARGE, OTHER], [compute_plan(1), instance_plan("m7g", 1)], [0.1, 0.2], [[0.07, 0.14], [0.06, np.nan]])
    stack = best_stack(rates, np.array([[3.0] * 5, [2.0] * 5]), np.array([1.0, 2, 3, 4, 5]))
    assert stack.capacity == approx([0.28, 0.18])
    assert stack.usd == approx(15 * (0.28 + 0.18))
    assert stack.bound_usd == approx(stack.usd)
    assert stack.rounds == 1


@pytest.mark.parametrize(("load", "rate", "count"), [([4, 4, 4, 4], 0.05, 4), ([1, 1, 6, 6], 0.05, 1), ([0, 0, 0, 9], 0.05, 0)])
def test_reserved_instances_are_counted_whatever_number_the_plan_names(load, rate, count):
    for named in (1, 3):
        rates = rates_of([LARGE], [reserved("m7g.large", named, usd_per_hour=rate)])
        rates = replace(rates, on_demand_usd=np.array([0.08]))
        assert best_reserved_count(rates, 0, np.array([load], float), np.ones(4)) == count


def test_of_reserved_counts_that_cost_the_same_the_fewest_are_bought():
    rates = rates_of([LARGE], [reserved("m7g.large", 1, usd_per_hour=0.04)])
    rates = replace(rates, on_demand_usd=np.array([0.08]))
    assert best_reserved_count(rates, 0, np.array([[2.0, 4.0]]), np.ones(2)) == 2  # the third and fourth save what they cost
