"""Sizes of new commitments beside held ones that AWS applies after them: by hand, and against a grid."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.billing import commitment_meter
from advisor.ecs import Architecture, PurchaseOption
from advisor.meters import PaymentOption, fargate_vcpu_hour, instance_hour
from advisor.optimize.beside_held import MOST_HOURS, _from_all_sides, _lowest, _Sizing, always_before, cheapest_beside_held
from advisor.optimize.commitment_sizes import BOTH, AskedSize, asked_sizes, cheapest_sizes, plans_of
from advisor.optimize.committable import Committable
from advisor.optimize.purchases import best_purchase
from advisor.plan import Terms
from tests.as_advisor import REGION, as_catalog
from tests.test_held_commitments import compute_plan, listed, reserved
from tests.test_present import LARGE, PRICES

approx = pytest.approx
LARGE_HOUR, VCPU_HOUR = (
    instance_hour("m5.large", PurchaseOption.ON_DEMAND),
    fargate_vcpu_hour(Architecture.X86_64, PurchaseOption.ON_DEMAND),
)
ONE_YEAR = 1, PaymentOption.NO_UPFRONT


def case_of(instances, vcpu, *held):
    """m5.large: $0.1 an hour, 0.06 with a plan of its family, 0.07 with a Compute one; a vCPU 0.04 and 0.03."""
    quantity = np.array([instances, vcpu], dtype=np.float64)
    hours = np.full(quantity.shape[1], 730 / quantity.shape[1])
    catalog = as_catalog((LARGE,), PRICES, listed((LARGE,)))
    return Committable(
        catalogs={REGION: catalog},
        regions=(REGION,) * 2,
        held=held,
        meters=(LARGE_HOUR, VCPU_HOUR),
        zones=(None, None),
        quantity=quantity,
        is_moving=np.ones(2, dtype=np.bool_),
        hours=hours,
        load_factors=None,
    )


def bought(case, kind):
    found, gap = cheapest_sizes(case, plans_of(case.meters, kind, *ONE_YEAR))
    assert gap is None
    return {each.kind.value: each.count or each.usd_per_hour for each in found}


def test_a_plan_for_instances_frees_a_held_compute_plan_for_fargate():
    """2 m5.large take 0.14, all that is held; with 0.12 for them it covers 0.14 of the 0.3 that 10 vCPU need."""
    case = case_of([2], [10], compute_plan(0.14))
    assert bought(case, BOTH) == {
        "ec2_instance_savings_plan": approx(0.12, abs=2e-5),
        "compute_savings_plan": approx(0.16, abs=2e-5),
    }
    purchase = best_purchase(case, Terms(years=1, payment=PaymentOption.NO_UPFRONT))
    assert purchase.saving_usd == approx(730 * (0.14 + 0.4 - 0.14 - 0.12 - 0.16), abs=0.03)


def test_a_plan_for_instances_is_no_larger_than_what_the_held_one_may_cover_elsewhere():
    """2 vCPU need 0.06 of 0.14: the rest covers 0.08 / 0.07 instances, and 0.06 for each of the others is bought."""
    case = case_of([2], [2], compute_plan(0.14))
    assert bought(case, "ec2_instance_savings_plan") == {
        "ec2_instance_savings_plan": approx(0.06 * (2 - 0.08 / 0.07), abs=2e-5)
    }


def test_reserved_instances_free_what_is_held_in_whole_ones():
    """One for 0.06 leaves 0.07 + 0.06 of 0.14 in use and saves 0.08; a second one saves nothing."""
    assert bought(case_of([2], [2], compute_plan(0.14)), "reserved_instance") == {"reserved_instance": 1}


def test_where_nothing_else_runs_a_held_plan_is_not_displaced():
    assert bought(case_of([2], [0], compute_plan(0.14)), BOTH) == {}


def test_a_compute_plan_of_the_same_terms_is_sized_on_what_the_held_one_leaves():
    case = case_of([2], [10], compute_plan(0.14))
    found, gap = cheapest_sizes(case, plans_of(case.meters, "compute_savings_plan", *ONE_YEAR))
    assert [each.usd_per_hour for each in found] == [approx(0.3, abs=1e-5)]
    assert gap == approx(0, abs=1e-9)


def test_a_coverage_that_is_asked_for_counts_what_a_held_plan_covers_then():
    """Of $0.6 on demand, $0.06 stay: what the plan for instances frees of the held one covers Fargate."""
    case = case_of([2], [10], compute_plan(0.14))
    plans, _ = cheapest_sizes(case, plans_of(case.meters, BOTH, *ONE_YEAR))
    sizes = asked_sizes(case, plans, AskedSize(coverage=0.9, usd_per_hour=None))
    rates = case.beside_held(sizes)
    left = case.left_in_futures(rates)[:, 0]
    assert left @ rates.on_demand_usd == approx(0.1 * (0.2 + 0.4), abs=1e-4)


def with_three_years(case, instance_usd, vcpu_usd):
    """Also Compute Savings Plans of 3 years, at these rates."""
    (plan,) = plans_of(case.meters, "compute_savings_plan", 3, PaymentOption.NO_UPFRONT)
    rates = listed((LARGE,))
    for meter, usd in ((LARGE_HOUR, instance_usd), (VCPU_HOUR, vcpu_usd)):
        of_plan = commitment_meter(plan, meter)
        rates[of_plan.id] = replace(rates[meter.id], usd=usd)
    return replace(case, catalogs={REGION: as_catalog((LARGE,), PRICES, rates)})


def test_a_compute_plan_that_saves_more_than_the_held_one_comes_first_and_leaves_it_the_rest():
    """3 years cover 2 m5.large for 0.084; the 0.14 that these took covers 4.667 of 10 vCPU, and 0.024 each of the others."""
    case = with_three_years(case_of([2], [10], compute_plan(0.14)), 0.042, 0.024)
    found, gap = cheapest_sizes(case, plans_of(case.meters, "compute_savings_plan", 3, PaymentOption.NO_UPFRONT))
    assert [each.usd_per_hour for each in found] == [approx(0.084 + 0.024 * (10 - 0.14 / 0.03), abs=2e-5)]
    assert gap is None


def test_a_compute_plan_that_saves_less_than_the_held_one_covers_what_that_leaves():
    """The held plan of 3 years covers 2 m5.large and 0.056 / 0.024 vCPU: 0.03 for each of the others."""
    held = replace(compute_plan(0.14), term_years=3)
    case = with_three_years(case_of([2], [10], held), 0.042, 0.024)
    assert bought(case, "compute_savings_plan") == {
        "compute_savings_plan": approx(0.03 * (10 - (0.14 - 0.084) / 0.024), abs=2e-5)
    }


def test_plans_of_both_kinds_that_fill_whole_instances_together_are_found():
    """2, 0 and 4 m5.large and 2 vCPU in the second hour: 0.06 for these covers 0.857 instances, a plan for m5 1.143 more."""
    case = case_of([2, 0, 4], [0, 2, 0])
    found, gap = cheapest_sizes(case, plans_of(case.meters, BOTH, *ONE_YEAR))
    sizes = {each.kind.value: each.usd_per_hour for each in found}
    plan = 0.06 * (2 - 0.06 / 0.07)
    assert sizes == {"compute_savings_plan": approx(0.06), "ec2_instance_savings_plan": approx(plan, abs=2e-5)}
    assert case.future_usd(case.beside_held(found)) == approx(730 * (plan + 0.06 + 0.2 / 3), abs=0.02)
    assert gap < 0.01


def of_two_families(m5, c5, vcpu, held):
    """c5.large: $0.085 an hour, 35 % less with a plan of its family; m5.large 45 % less."""
    other, types = {**LARGE, "name": "c5.large", "usd_per_hour": 0.085}, ("m5.large", "c5.large")
    rates = listed((LARGE, other), instance_saving=0.35)
    rates |= {k: v for k, v in listed((LARGE,), instance_saving=0.45).items() if k.startswith("ec2_instance")}
    return replace(
        case_of(m5, vcpu, compute_plan(held)),
        catalogs={REGION: as_catalog((LARGE, other), PRICES, rates)},
        regions=(REGION,) * 3,
        meters=(*(instance_hour(name, PurchaseOption.ON_DEMAND) for name in types), VCPU_HOUR),
        zones=(None,) * 3,
        quantity=np.array([m5, c5, vcpu], dtype=np.float64),
        is_moving=np.ones(3, dtype=np.bool_),
    )


@pytest.mark.parametrize(
    ("m5", "c5", "vcpu", "held", "known"),
    [
        ([2, 3, 0, 1], [1, 2, 1, 1], [0, 0, 4, 2], 0.15, [0.00786, 0.0274]),
        ([3, 2, 0, 3], [3, 2, 1, 2], [6, 6, 6, 2], 0.3, [0.06993, 0.0]),
        ([3, 2, 2, 0], [2, 0, 2, 3], [6, 4, 2, 6], 0.15, [0.08643, 0.05479]),
    ],
)
def test_two_families_beside_a_held_plan_cost_no_more_than_sizes_of_a_search_from_all_sides(m5, c5, vcpu, held, known):
    """One after the other once, or from one side alone, they end up to 3 % dearer."""
    case = of_two_families(m5, c5, vcpu, held)
    plans = plans_of(case.meters, "ec2_instance_savings_plan", *ONE_YEAR)
    found, _ = cheapest_sizes(case, plans)
    assert case.future_usd(case.beside_held(found)) <= case.future_usd(case.beside_held(plans), np.array(known)) + 0.02


def test_of_many_hours_an_even_part_counts_as_all_do():
    case = replace(case_of([*range(7)], [*range(7)]), hours=np.arange(1.0, 8.0))
    few = case.thinned(3)
    assert few.quantity.tolist() == [[0, 3, 6]] * 2
    assert few.hours.tolist() == approx([28 * hours / 12 for hours in (1, 4, 7)])
    assert case.thinned(7) is case
    assert case.thinned(6).hours.size == 4


def test_with_many_hours_sizes_cost_as_little_as_if_all_were_searched_from_all_sides():
    drawn = np.random.default_rng(2)
    m5, c5 = (drawn.integers(1, 6, 2 * MOST_HOURS).tolist() for _ in range(2))
    case = of_two_families(m5, c5, drawn.uniform(0, 9, 2 * MOST_HOURS).tolist(), 0.2)
    plans = plans_of(case.meters, "ec2_instance_savings_plan", *ONE_YEAR)
    rates, none = case.beside_held(plans), np.zeros(2)
    found, best = cheapest_beside_held(case, plans, [none]), _from_all_sides(_Sizing(case, plans), [none])
    assert best.all()
    assert case.future_usd(rates, found) <= case.future_usd(rates, best) * (1 + 1e-5)


def family_plan(years=1):
    (plan,) = plans_of([LARGE_HOUR], "ec2_instance_savings_plan", *ONE_YEAR)
    return replace(plan, term_years=years)


def test_reserved_instances_and_plans_of_the_same_terms_come_before_a_new_one():
    held = instance, of_family, of_others, compute = reserved("m5.large", 1), family_plan(), family_plan(3), compute_plan(1.0)
    assert always_before([family_plan()], held) == (instance, of_family)
    assert always_before([compute], held) == (instance, of_family, of_others, compute)
    assert always_before([replace(compute, term_years=3)], held) == (instance, of_family, of_others)
    assert always_before([replace(instance, term_years=3)], held) == (instance,)
    assert always_before([compute, family_plan()], held) == (instance, of_family)
    of_other_family = (replace(of_others, family="c5"),)
    assert always_before([family_plan()], of_other_family) == of_other_family


def sized(case, kind, *ways):
    return cheapest_beside_held(case, plans_of(case.meters, kind, *ONE_YEAR), [np.array(way) for way in ways]).tolist()


def test_exact_sizes_to_begin_with_are_kept():
    exact = 0.06 * (2 - 0.08 / 0.07)
    assert sized(case_of([2], [2], compute_plan(0.14)), "ec2_instance_savings_plan", [0.0], [exact], [0.1]) == [exact]


def test_all_that_a_plan_may_cover_is_tried():
    """Each of 5 instances that is reserved frees what is held for Fargate; and $0.12 of 2 beside $2 that 100 vCPU use up."""
    assert sized(case_of([5], [10], compute_plan(0.14)), "reserved_instance", [0.0]) == [5]
    assert sized(case_of([2], [100], compute_plan(2.0)), BOTH, [0.0, 0.0]) == [approx(3.14 - 2 - 0.14), approx(0.12, abs=1e-6)]
    assert sized(case_of([2], [10_000], compute_plan(2.0)), BOTH, [0.0, 0.0])[1] == approx(0.12, abs=1e-6)


def test_fewer_reserved_instances_are_bought_where_one_more_costs_more():
    """None costs $0.14 + 0.04 and one 0.14 + 0.06; a part of one would cost less than either."""
    assert sized(case_of([2], [1], compute_plan(0.14)), "reserved_instance", [2.0]) == [0]


@pytest.mark.parametrize(("instances", "vcpu", "held"), [([5, 2], [10, 12], 0.1), ([3, 5, 2], [8, 14, 2], 0.3)])
def test_no_other_number_of_reserved_instances_costs_less(instances, vcpu, held):
    """The best size lies between two whole ones, of which the lower one costs less."""
    case = case_of(instances, vcpu, compute_plan(held))
    rates = case.beside_held(plans_of(case.meters, "reserved_instance", *ONE_YEAR))
    costs = [case.future_usd(rates, np.array([n])) for n in range(7)]
    assert sized(case, "reserved_instance", [0.0]) == [np.argmin(costs)] == [2]


@pytest.mark.parametrize("best", [0.0, 0.2, 3.3, 9.9, 10.0])
def test_the_lowest_of_a_cost_is_found_wherever_it_lies(best):
    assert _lowest(lambda size: (abs(size - best), None), 10.0) == approx(best, abs=2e-5)


def test_the_lowest_of_the_sizes_tried_first_is_refined_and_not_another_valley():
    assert _lowest(lambda size: (min(abs(size - 9.1), 0.24 + abs(size - 2) / 2), None), 10.0) == approx(9.1, abs=2e-5)


LOADS = st.lists(st.integers(0, 6), min_size=4, max_size=4)


@given(LOADS, LOADS, st.sampled_from([0.05, 0.14, 0.3]))
@settings(max_examples=25)
def test_no_sizes_of_a_grid_cost_less(instances, vcpu, usd_per_hour):
    case = case_of(instances, [3 * each for each in vcpu], compute_plan(usd_per_hour))
    plans = plans_of(case.meters, BOTH, *ONE_YEAR)
    found, _ = cheapest_sizes(case, plans)
    rates = case.beside_held(plans)
    least = min(case.future_usd(rates, np.array(sizes)) for sizes in product(np.linspace(0, 0.6, 13), np.linspace(0, 0.36, 13)))
    assert case.future_usd(case.beside_held(found)) <= least * 1.001 + 0.05
