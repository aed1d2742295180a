"""A joint plan over representative states, then over all hours: what is billed on all of them, and a bound of all of them."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.optimize.joint import JointEffort, cheapest_plan
from advisor.optimize.joint.states import states_of
from benchmarks.joint_plan import generated_joint, linear_joint
from tests.test_joint_plan import QUICK, cheapest_usd, joint

approx = pytest.approx
FEW = replace(QUICK, states=2)


def loads(data, *, n_services, most_hours):
    n_hours = data.draw(st.integers(3, most_hours))
    one = st.lists(st.integers(0, 3), min_size=n_hours, max_size=n_hours)
    return data.draw(st.lists(one, min_size=n_services, max_size=n_services).filter(lambda rows: any(map(any, rows))))


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_what_two_states_prove_holds_for_all_hours(data):
    counts = loads(data, n_services=data.draw(st.integers(1, 2)), most_hours=5)
    hours = data.draw(st.lists(st.integers(1, 5), min_size=len(counts[0]), max_size=len(counts[0])))
    usd = data.draw(st.sampled_from([0.2, 0.4, 0.6, 1.0]))
    problem = joint(counts, usd, hours=hours, least=data.draw(st.integers(0, 2)))
    plan, best = cheapest_plan(problem, FEW), cheapest_usd(problem)
    assert plan.faults(problem) == ()
    assert plan.bound_usd <= best * (1 + 1e-6)
    assert plan.usd >= best * (1 - 1e-6)
    assert plan.billed_usd(problem) == approx(plan.usd)


def cheapest_with_plan_usd(problem):
    """Every way of one service, every size of the plan that some fleet uses up, and of each hour every fleet."""
    alone = float(problem.counts[0] @ problem.hours) * float(problem.usage[0] @ problem.rates.on_demand_usd)
    on_demand, rate = problem.rates.on_demand_usd[1:], problem.rates.committed_usd[0, 1:]
    fleets = [
        [np.array(n) for n in product(range(4), repeat=2) if (int(count) + 1) // 2 <= n[0] + 2 * n[1]]
        for count in problem.counts[1]
    ]
    found = [alone]
    for size in {0.0, *(float(fleet @ rate) for of_hour in fleets for fleet in of_hour)}:
        usd = 0.0
        for hours, of_hour in zip(problem.hours.tolist(), fleets, strict=True):
            left = [max(0.0, 1 - size / max(float(fleet @ rate), 1e-9)) * float(fleet @ on_demand) for fleet in of_hour]
            usd += hours * (size + min(left))
        found.append(usd)
    return min(found)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_two_states_with_a_plan_prove_no_more_than_every_fleet_and_size_shows(data):
    counts = loads(data, n_services=1, most_hours=6)
    problem = joint(counts, data.draw(st.sampled_from([0.3, 0.6, 5.0])), saving=0.3, tasks=((2, 2),))
    problem.rates.committed_usd[0, 0] = np.nan
    plan, best = cheapest_plan(problem, FEW), cheapest_with_plan_usd(problem)
    assert plan.billed_usd(problem) == approx(plan.usd)
    assert plan.bound_usd <= best * (1 + 1e-6)
    assert plan.usd >= best * (1 - 1e-6)


def test_few_kinds_of_hours_are_packed_and_proven_as_by_themselves():
    """A small instance by night, a large one by day, of which 0.7 dollars cover 1 of 1.8: 24 hours of 0.7 and 12 of 0.8."""
    problem = joint([[2, 4] * 12], 5.0, saving=0.3, tasks=((2, 2),))
    plan = cheapest_plan(problem, JointEffort(states=2))
    assert states_of(problem, 2).weight == approx([0.5, 0.5])
    assert plan.usd == approx(cheapest_with_plan_usd(problem))
    assert plan.usd == approx(24 * 0.7 + 12 * 0.8)
    assert plan.gap_fraction <= JointEffort().gap_fraction


def test_two_days_are_packed_hour_by_hour():
    problem = generated_joint(2, 6.0, n_services=6, n_types=32, n_states=48, has_family_plans=True)
    plan, again = (cheapest_plan(problem, replace(QUICK, states=4)) for _ in range(2))
    assert plan.faults(problem) == ()
    assert len(plan.fleets) == 48
    assert plan.billed_usd(problem) == approx(plan.usd)
    assert plan.gap_fraction < 0.2
    assert (plan.usd, plan.bound_usd) == (again.usd, again.bound_usd)


def test_means_of_states_bound_what_all_states_bound():
    """With linear prices both programs are solved in full: fewer states prove less, and nearly as much."""
    problem = linear_joint(3, n_services=12, n_families=3, n_states=96)
    whole, few = cheapest_plan(problem), cheapest_plan(problem, JointEffort(linear_states=24))
    assert few.bound_usd <= whole.bound_usd * (1 + 1e-6)
    assert few.usd == approx(few.billed_usd(problem))
    assert few.gap_fraction < 0.01


def test_a_way_on_instances_without_tasks_needs_no_instances_while_another_way_of_its_service_would_run_some():
    problem = joint([[1, 1]], 0.6, least=2)
    problem = replace(problem, counts=np.array([[1.0, 1.0], [0.0, 0.0]]))
    assert cheapest_plan(problem, QUICK).usd == 0


def test_every_hour_is_in_the_state_whose_mean_and_most_tasks_it_went_into():
    problem = linear_joint(3, n_services=4, n_families=2, n_states=50)
    states = states_of(problem, 7)
    assert states.weight.sum() == approx(1)
    assert (states.counts @ states.weight) == approx(problem.counts @ problem.hours / problem.hours.sum())
    assert (problem.counts <= states.most[:, states.of_hour]).all()
    assert states.of_hour[states.example].tolist() == list(range(len(states.weight)))
