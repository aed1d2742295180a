"""The cheapest commitments: one plan against a grid, stacks against their bound and against every small combination."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.billing import CommitmentRates, apply_commitments, committed_amounts
from advisor.optimize.commitments import (
    best_reserved_count,
    best_stack,
    commitment_curve,
    scale_for_coverage,
    stack_usd,
)
from benchmarks.commitments import stacked_plans
from tests.committed import quantities, rates_of, some_usages
from tests.test_commitments import compute_plan, instance_plan, reserved, running

approx = pytest.approx


def totals(rates, quantity, hours, sizes):
    """Cost by size of the last commitment."""
    capacity = np.tile(rates.capacity, (len(sizes), 1))
    capacity[:, -1] = sizes
    return committed_amounts(apply_commitments(rates, quantity, hours, capacity=capacity), charge_usd=capacity).total_usd


@given(st.data())
def test_no_commitment_of_a_grid_is_cheaper_than_the_exact_one(data):
    usages = data.draw(some_usages())
    quantity = np.array(data.draw(quantities(len(usages), n_hours=8)))
    hours = np.array(data.draw(st.lists(st.integers(1, 9), min_size=8, max_size=8)), float)
    rates = rates_of(usages, [data.draw(st.sampled_from([compute_plan(1), instance_plan("m7g", 1)]))])
    curve = commitment_curve(rates, 0, quantity, hours)
    best = curve.best_usd_per_hour()
    breakpoints = np.unique(np.append(curve.ends_usd, 0.0))
    found = totals(rates, quantity, hours, np.array([best, *np.linspace(0, 5, 101), *breakpoints]))
    assert found[0] <= found.min() + 1e-9
    assert best == approx(
        breakpoints[np.flatnonzero(found[102:] <= found.min() + 1e-9)[0]], abs=1e-9
    )  # the smallest of several


def test_one_discount_covers_the_level_that_is_exceeded_in_the_discounts_share_of_the_hours():
    """25 % off: worth it while used in 75 % of the hours. Loads 1 to 8 in as many hours: the level of 2 is used in 7 of 8."""
    rates = rates_of([running("m7g.large")], [compute_plan(1)])
    rates = CommitmentRates(
        meters=rates.meters,
        commitments=rates.commitments,
        on_demand_usd=np.array([0.04]),
        committed_usd=np.array([[0.03]]),
        charge_usd=np.ones(1),
    )
    load = np.arange(1.0, 9.0)[np.newaxis]
    curve = commitment_curve(rates, 0, load, np.ones(8))
    assert curve.best_usd_per_hour() == approx(2 * 0.03)  # the third unit is used in 6 of 8 hours: as dear as on demand


@given(st.data())
def test_a_target_coverage_is_met_by_the_smallest_commitment(data):
    usages = data.draw(some_usages(("fargate", "instance")))
    quantity = np.array(data.draw(quantities(len(usages), n_hours=5)))
    rates = rates_of(usages, [compute_plan(1)])
    fraction = data.draw(st.sampled_from([0.25, 0.5, 0.8, 1.0]))
    held_usd = data.draw(st.sampled_from([0.0, 0.5]))  # what something else covers already
    worth = float((rates.on_demand_usd @ quantity).sum()) + held_usd
    if worth == 0:
        return
    scale = scale_for_coverage(rates, quantity, np.ones(5), fraction, worth)

    def covered(size):
        usage = apply_commitments(rates, quantity, np.ones(5), capacity=rates.capacity * size)
        return worth - float((rates.on_demand_usd @ usage.on_demand_per_hour).sum())

    if scale == 0:
        assert held_usd >= fraction * worth - 1e-6
    else:
        assert covered(scale) == approx(fraction * worth, abs=1e-6)
        assert covered(0.999 * scale) < fraction * worth


def test_a_stack_is_proven_and_no_change_of_one_size_is_cheaper(capfd):
    rates, quantity, hours = stacked_plans(n_usages=12, n_hours=1008, n_families=3)
    found = best_stack(rates, quantity, hours)
    assert found.bound_usd <= found.usd + 1e-9
    assert found.gap_fraction <= 1e-3
    assert found.usd == approx(stack_usd(rates, quantity, hours, found.capacity))
    assert found.usd < float((rates.on_demand_usd @ quantity).sum())
    for plan, factor in product(range(len(rates.commitments)), (0.0, 0.5, 0.9, 1.1, 2.0)):
        other = found.capacity.copy()
        other[plan] *= factor
        assert found.bound_usd <= stack_usd(rates, quantity, hours, other) + 1e-9
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")  # HiGHS prints on its own


@settings(max_examples=max(20, settings().max_examples // 5))
@given(st.data())
def test_the_bound_of_a_stack_is_below_every_combination_of_a_grid(data):
    usages = data.draw(some_usages(("instance", "fargate")))
    quantity = np.array(data.draw(quantities(len(usages), n_hours=6)))
    held = [compute_plan(1), instance_plan("m7g", 1), instance_plan("c7i", 1)]
    rates, hours = rates_of(usages, held), np.ones(6)
    found = best_stack(rates, quantity, hours)
    for sizes in product((0.0, 0.05, 0.2, 0.8), repeat=3):
        assert found.bound_usd <= stack_usd(rates, quantity, hours, np.array(sizes)) + 1e-6
    assert found.bound_usd <= found.usd + 1e-6


def test_a_stack_of_one_plan_is_the_exact_plan():
    rates, quantity, hours = stacked_plans(n_usages=8, n_hours=336, n_families=2, n_compute=1)
    alone = CommitmentRates(
        meters=rates.meters,
        commitments=rates.commitments[:1],
        on_demand_usd=rates.on_demand_usd,
        committed_usd=rates.committed_usd[:1],
        charge_usd=rates.charge_usd[:1],
    )
    exact = commitment_curve(alone, 0, quantity, hours).best_usd_per_hour()
    found = best_stack(alone, quantity, hours, gap_fraction=0.0)
    assert found.usd == approx(stack_usd(alone, quantity, hours, np.array([exact])), rel=1e-6)
    assert found.gap_fraction < 1e-3


def test_the_same_input_gives_the_same_stack():
    rates, quantity, hours = stacked_plans(n_usages=12, n_hours=336, n_families=3)
    one, other = best_stack(rates, quantity, hours), best_stack(rates, quantity, hours)
    assert one.capacity.tobytes() == other.capacity.tobytes()
    assert (one.usd, one.bound_usd) == (other.usd, other.bound_usd)


def linear_program_usd(rates, quantity, hours):
    """Value of the program in which the order of application is free, on every hour: by scipy, from its own formulation."""
    from scipy.optimize import linprog
    from scipy.sparse import lil_array

    n_plans, (n_meters, n_hours) = len(rates.commitments), quantity.shape
    pairs = [
        (k, m, t) for k in range(n_plans) for m in range(n_meters) for t in range(n_hours) if rates.committed_usd[k, m] > 0
    ]
    cost = np.concatenate([np.full(n_plans, hours.sum()), [-hours[t] * rates.on_demand_usd[m] for _, m, t in pairs]])
    most = lil_array(((n_meters + n_plans) * n_hours, n_plans + len(pairs)))
    for column, (k, m, t) in enumerate(pairs, n_plans):
        most[m * n_hours + t, column] = 1.0
        most[(n_meters + k) * n_hours + t, column] = rates.committed_usd[k, m]
    for k in range(n_plans):
        for t in range(n_hours):
            most[(n_meters + k) * n_hours + t, k] = -1.0
    right = np.concatenate([quantity.ravel(), np.zeros(n_plans * n_hours)])
    found = linprog(cost, A_ub=most.tocsr(), b_ub=right, method="highs")
    return found.fun + float((rates.on_demand_usd @ quantity) @ hours)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_bound_and_stack_enclose_the_linear_program(seed):
    rates, quantity, hours = stacked_plans(n_usages=8, n_hours=96, n_families=2, seed=seed)
    value = linear_program_usd(rates, quantity, hours)
    found = best_stack(rates, quantity, hours)
    assert found.bound_usd <= value * (1 + 1e-9)
    assert value <= found.usd * (1 + 1e-9)
    assert found.gap_fraction < 1e-3


@given(st.data())
def test_reserved_instances_are_as_cheap_as_the_best_count_of_all(data):
    usages = [running("c7i.large"), running("c7i.xlarge"), running("c7i.2xlarge"), running("m7g.large")]
    quantity = np.array(data.draw(quantities(4, n_hours=6)))
    rate = data.draw(st.sampled_from([0.3, 0.5, 0.7])) * 0.0223 * 4
    rates = rates_of(usages, [reserved("c7i.large", 1, usd_per_hour=rate)])
    count = best_reserved_count(rates, 0, quantity, np.ones(6))
    counts = np.arange(90)
    capacity, charge = rates.capacity * counts[:, np.newaxis], rates.charge_usd * counts[:, np.newaxis]
    usage = apply_commitments(rates, quantity, np.ones(6), capacity=capacity)
    usd = committed_amounts(usage, charge_usd=charge).total_usd
    assert usd[count] == approx(usd.min())


def test_nothing_is_bought_where_nothing_runs():
    rates = rates_of([running("m7g.large")], [compute_plan(1)])
    curve = commitment_curve(rates, 0, np.zeros((1, 4)), np.ones(4))
    assert curve.best_usd_per_hour() == 0.0
    assert best_stack(rates, np.zeros((1, 4)), np.ones(4)).usd == 0.0
