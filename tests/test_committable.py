"""Usage that commitments may cover: of a plan with gaps and what is stated, at other loads, beside what is held."""

from dataclasses import replace

import numpy as np
import pytest

from advisor.answer import answer
from advisor.billing import commitment_meter
from advisor.ecs import LaunchType
from advisor.optimize.committable import committable, hourly_usage, load_factors
from advisor.workload import Growth
from tests.as_advisor import REGION, as_catalog
from tests.test_beside_held import LARGE_HOUR, case_of
from tests.test_commit import load_of
from tests.test_held_commitments import compute_plan, listed, reserved
from tests.test_present import LARGE, PRICES, web

approx = pytest.approx
ON_FARGATE = case_of([0, 0], [4, 8])
WEEK = 168


@pytest.fixture(scope="module")
def plans():
    """A load of three weeks that is not known on the last three days, beside one that is stated; each launch type's parts."""
    demand = np.full(3 * WEEK, 40.0)
    demand[-72:] = np.nan
    stated = {**web(demand=[20.0] * (3 * WEEK)), "name": "api", "form": "tasks"}
    load = load_of(web(demand=demand.tolist()), stated)
    load = replace(load, services=(load.services[0], replace(load.services[1], is_stated=True)))
    given = answer(load, as_catalog((LARGE,), PRICES, listed((LARGE,))))
    parts = {}
    for choice in given.found.for_cluster:
        for part in choice.parts:
            parts.setdefault((part.provider.launch_type, len(choice.parts)), choice.parts)
    return load, given, parts


def used(plans, launch_type, n_parts=2):
    load, given, parts = plans
    return hourly_usage(load, given.search, parts[launch_type, n_parts], given.found.common_hours)


def test_usage_is_not_known_where_a_load_is_not(plans):
    quantity = used(plans, LaunchType.FARGATE).quantity
    assert quantity.shape[1] == 3 * WEEK
    assert np.isnan(quantity).all(axis=0).tolist() == [False] * (3 * WEEK - 72) + [True] * 72


def test_what_a_stated_service_uses_stays_and_what_shares_instances_with_a_load_moves(plans):
    """4 tasks of 1 vCPU and 2 GiB go with the load, 20 stay; volumes and addresses are of no commitment."""
    on_fargate = used(plans, LaunchType.FARGATE)
    rows = {(m.id.rpartition(":")[2], moves): q for m, moves, q in zip(
        on_fargate.meters, on_fargate.is_moving.tolist(), on_fargate.quantity[:, 0].tolist(), strict=True)}  # fmt: skip
    assert rows == approx({("vcpu_hour", True): 4, ("gib_hour", True): 8, ("vcpu_hour", False): 20, ("gib_hour", False): 40})
    shared = used(plans, LaunchType.EC2, n_parts=1)
    assert [(m.id, moves) for m, moves in zip(shared.meters, shared.is_moving.tolist(), strict=True)] == [(LARGE_HOUR.id, True)]


def test_hours_that_are_known_stand_for_a_month_and_the_load_is_that_of_the_history(plans):
    load, given, parts = plans
    case = committable(load, given.search, parts[LaunchType.FARGATE, 2], given.found.common_hours)
    assert case.quantity.shape == (4, 3 * WEEK - 72)
    assert np.isfinite(case.quantity).all()
    assert case.hours.sum() == approx(730)
    assert case.on_demand_usd() == approx(730 * 24 * 0.048)
    assert np.median(case.load_factors) == approx(1, abs=0.02)
    whole = load_factors(np.full(3, 100.0), 730 / WEEK * 100, 1.0, Growth())
    assert np.ptp(case.load_factors) > np.ptp(whole)  # of a load with gaps less is known


def test_a_plan_without_anything_to_cover_has_no_rows(plans):
    load, given, _ = plans
    assert hourly_usage(load, given.search, (), given.found.common_hours).quantity.shape == (0, 3 * WEEK)


def test_what_is_stated_stays_whatever_the_load_does():
    case = replace(case_of([2, 2], [4, 8]), is_moving=np.array([False, True]), load_factors=np.full(3, 2.0))
    assert case.at_load(2.0).tolist() == [[2, 2], [8, 16]]
    assert case.on_demand_usd(2.0) == approx(730 * (0.2 + 12 * 0.04))
    assert case.on_demand_usd() == approx(730 * (0.2 + 6 * 0.04))


def test_what_is_held_is_due_whatever_runs_and_covers_first():
    case = case_of([0, 0], [4, 8], compute_plan(0.18))
    assert case.held_usd() == approx(160.6)
    assert case.held_usd(0.0) == approx(730 * 0.18)


def test_hours_of_the_same_usage_are_one():
    merged = case_of([1, 2, 1], [4, 8, 4]).merged()
    assert merged.quantity.tolist() == [[1, 2], [4, 8]]
    assert merged.hours.tolist() == approx([730 * 2 / 3, 730 / 3])


def test_what_is_held_lacks_a_rate_of_what_runs_alone():
    catalog = as_catalog((LARGE,), PRICES, listed((LARGE,), compute_saving=None))
    case = replace(case_of([2], [4], compute_plan(0.1)), catalogs={REGION: catalog})
    assert case.missing_of_held == (commitment_meter(compute_plan(0.1), LARGE_HOUR).id,)
    none_runs = replace(case, quantity=np.array([[0.0], [4.0]]))
    assert none_runs.missing_of_held == ()
    assert replace(none_runs, load_factors=np.array([0.5, 2.0])).missing_of_held == ()


def test_a_rate_that_only_a_higher_load_needs_is_missed_where_the_load_may_get_there():
    """Two instances are reserved and two run; at twice the load a held plan without a rate for them meets the others."""
    catalog = as_catalog((LARGE,), PRICES, listed((LARGE,), compute_saving=None))
    held = reserved("m5.large", 2), compute_plan(0.1)
    case = replace(case_of([2], [4], *held), catalogs={REGION: catalog})
    assert case.missing_of_held == ()
    assert replace(case, load_factors=np.array([0.5, 0.9])).missing_of_held == ()
    assert replace(case, load_factors=np.array([0.5, 2.0])).missing_of_held != ()


def test_equal_factors_lie_in_the_middle_of_ninths():
    case = replace(ON_FARGATE, load_factors=np.linspace(0.0, 1.8, 19))
    assert case.equal_factors == approx(tuple(0.1 + 0.2 * k for k in range(9)))
    assert replace(case, load_factors=np.full(5, 1.5)).equal_factors == (1.5,)
    assert replace(case, load_factors=None).equal_factors == (1.0,)
    quantity, hours = case.futures
    assert quantity.shape == (2, 18)
    assert hours.sum() == approx(730)


def test_sizes_count_what_is_bought_and_not_what_is_held():
    case = case_of([0, 0], [4, 8], compute_plan(0.12))
    rates = case.beside_held([compute_plan(0.06)])
    assert case.future_usd(rates) == approx(case.future_usd(rates, np.ones(1)))
    assert case.future_usd(rates, np.zeros(1)) == approx(case.held_usd())
    assert case.future_usd(rates, np.full(1, 2.0)) == approx(730 * 0.24)
    assert case.left_in_futures(rates)[1].tolist() == approx([0, 2])
    assert case.left_in_futures(rates, np.zeros(1))[1].tolist() == approx([0, 4])


def test_factors_of_a_steady_load_are_around_its_growth_and_none_is_known_under_two_weeks():
    steady = np.full(8, 168.0)
    assert np.median(load_factors(steady, 730.0, 1.0, Growth())) == approx(1, abs=0.01)
    assert np.median(load_factors(steady, 730.0, 1.0, Growth(fraction=0.5))) > 1.02
    assert np.median(load_factors(steady, 365.0, 1.0, Growth())) == approx(2, abs=0.02)
    assert load_factors(steady[:1], 730.0, 1.0, Growth()) is None
    assert load_factors(steady, 0.0, 1.0, Growth()).tolist() == [1.0]
    assert load_factors(steady[:1], 0.5, 1.0, Growth()) is None
    assert np.ptp(load_factors(steady, 730.0, 1.0, Growth(spread_fraction=0.0))) > 0.05
