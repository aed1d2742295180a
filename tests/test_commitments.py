"""Commitments in AWS's order: worked examples of its guides, an oracle in exact fractions, and the laws K1 to K10."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from advisor import read_catalog
from advisor.billing import (
    amounts_usd,
    apply_commitments,
    commitment_rates,
    committed_amounts,
    covered_amounts,
    in_clock_hours,
    is_size_flexible,
    normalization_factor,
    total_usd,
    usd_per_hour,
)
from advisor.ecs import Architecture, PurchaseOption
from advisor.errors import PlanError
from advisor.meters import (
    FARGATE_EPHEMERAL_GIB_HOUR,
    FARGATE_WINDOWS_LICENSE_VCPU_HOUR,
    PUBLIC_IPV4_HOUR,
    CommitmentKind,
    Meter,
    PaymentOption,
    Usage,
    fargate_gib_hour,
    fargate_vcpu_hour,
    instance_hour,
    surplus_vcpu_hour,
)
from advisor.plan import Commitment
from advisor.simulate.timeline import timeline
from tests.committed import (
    ON_DEMAND_PER_UNIT,
    PLAIN,
    TERMS,
    applied,
    commitment_of,
    quantities,
    rates_of,
    some_commitments,
    some_usages,
)
from tests.oracle import commitments as oracle

ON_DEMAND = PurchaseOption.ON_DEMAND
PARTIAL = {"term_years": 1, "payment": "partial_upfront"}
NONE_UPFRONT = {"term_years": 1, "payment": "no_upfront"}


def close(actual, expected):
    assert_allclose(actual, expected, rtol=1e-9, atol=1e-9)


def dollars(amounts):
    return float(amounts.total_usd)


# AWS, "Understanding how Savings Plans apply to your usage",
# https://docs.aws.amazon.com/savingsplans/latest/userguide/sp-applying.html: one hour of 4 r5.4xlarge, an m5.24xlarge with
# Windows, 400 vCPU and 1,600 GB of Fargate. The page's Lambda usage, which no ECS task has, stands beside the totals here:
# $22.70 an hour on demand, $19.325 under a plan.


def guide_instance(name, os, on_demand, compute, instance_plan):
    terms = (1, "partial_upfront")
    return {
        "kind": "instance",
        "type": name,
        "os": os,
        "zone": None,
        "on_demand": on_demand,
        "compute": {terms: compute},
        "instance_plan": {terms: instance_plan},
    }


def guide_fargate(meter, on_demand, compute):
    terms = (1, "partial_upfront")
    return {
        **PLAIN,
        "kind": "fargate",
        "meter": meter,
        "on_demand": on_demand,
        "compute": {terms: compute},
        "instance_plan": None,
    }


GUIDE = [
    guide_instance("m5.24xlarge", "windows", 10.0, 8.2, 7.8),
    guide_fargate(fargate_vcpu_hour(Architecture.X86_64, ON_DEMAND), 0.04, 0.03),
    guide_fargate(fargate_gib_hour(Architecture.X86_64, ON_DEMAND), 0.004, 0.003),
    guide_instance("r5.4xlarge", "linux", 1.0, 0.7, 0.6),
]
GUIDE_QUANTITIES = [1, 400, 1600, 4]


def compute_plan(usd_per_hour, **terms):
    return {"kind": "compute_savings_plan", "usd_per_hour": usd_per_hour, **(terms or PARTIAL)}


def instance_plan(family, usd_per_hour, **terms):
    return {"kind": "ec2_instance_savings_plan", "family": family, "usd_per_hour": usd_per_hour, **(terms or PARTIAL)}


def reserved(instance_type, count, scope="region", usd_per_hour=0.05, **terms):
    fields = {"instance_type": instance_type, "count": count, "scope": scope, "usd_per_hour": usd_per_hour}
    return {"kind": "reserved_instance", **fields, **(terms or PARTIAL)}


def test_savings_plans_guide_without_plans():
    _, amounts = applied(GUIDE, [], GUIDE_QUANTITIES)
    close(dollars(amounts), 59.10 - 22.70)


def test_savings_plans_guide_scenario_1_a_plan_covers_all_usage():
    usage, amounts = applied(GUIDE, [compute_plan(50)], GUIDE_QUANTITIES)
    close(amounts.on_demand_usd, 0)
    close(amounts.used_usd, [47.125 - 19.325])  # the page rounds 47.125 to 47.13
    close(dollars(amounts), 50)
    close(usage.covered[0], GUIDE_QUANTITIES)


def test_savings_plans_guide_scenario_2_a_plan_covers_what_saves_most():
    usage, amounts = applied(GUIDE, [compute_plan(2)], GUIDE_QUANTITIES)
    close(usage.covered[0], [0, 0, 0, 2 / 0.7])  # "approximately 2.9 units"
    close(amounts.on_demand_usd[3], 4 - 2 / 0.7)  # $1.14
    close(amounts.on_demand_usd[:3].sum(), 55.10 - 22.70)
    close(amounts.lost_usd, [0])


def test_savings_plans_guide_scenario_3_of_equal_savings_the_lower_rate_first():
    usage, amounts = applied(GUIDE, [compute_plan(19.6)], GUIDE_QUANTITIES)
    close(usage.covered[0], [0, 400, 1600, 4])
    close(amounts.on_demand_usd.sum(), 32.70 - 22.70)
    less, _ = applied(GUIDE, [compute_plan(2.8 + 4.8 + 0.3)], GUIDE_QUANTITIES)
    close(less.covered[0], [0, 10, 1600, 4])  # memory goes before vCPU


def test_savings_plans_guide_scenario_4_reserved_instances_first():
    usage, amounts = applied(GUIDE, [compute_plan(18.2), reserved("r5.4xlarge", 2)], GUIDE_QUANTITIES)
    close(usage.covered, [[0, 400, 1600, 2], [0, 0, 0, 2]])
    close(amounts.on_demand_usd.sum(), 32.70 - 22.70)
    close(amounts.lost_usd, [0, 0])


def test_savings_plans_guide_scenario_5_instance_plans_before_compute_plans():
    usage, amounts = applied(GUIDE, [compute_plan(16.8), instance_plan("r5", 3)], GUIDE_QUANTITIES)
    close(usage.covered, [[0, 400, 1600, 0], [0, 0, 0, 4]])
    close(amounts.on_demand_usd.sum(), 32.70 - 22.70)
    close(amounts.used_usd, [16.8, 2.4])
    close(amounts.lost_usd, [0, 0.6])


# The older version of the same page: 1 c5.9xlarge with Linux, 1 c5.24xlarge with Windows, 10 vCPU and 5 GB of Fargate.


def test_savings_plans_guide_of_2019_a_plan_of_25_covers_everything():
    usages = [
        guide_instance("c5.9xlarge", "linux", 4.0, 2.0, 1.0),
        guide_instance("c5.24xlarge", "windows", 10.0, 8.0, 6.0),
        guide_fargate(fargate_vcpu_hour(Architecture.X86_64, ON_DEMAND), 1.5, 1.0),
        guide_fargate(fargate_gib_hour(Architecture.X86_64, ON_DEMAND), 2.0, 1.0),
    ]
    _, amounts = applied(usages, [compute_plan(25)], [1, 1, 10, 5])
    close(amounts.used_usd, [25])
    close(dollars(amounts), 25)


# AWS, "How Reserved Instance discounts are applied", https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/apply_ri.html


def running(name, zone=None, os="linux"):
    return {
        **guide_instance(name, os, ON_DEMAND_PER_UNIT.get(oracle.family(name), 0.01) * float(oracle.units(name)), 1.0, 1.0),
        "zone": zone,
    }


def test_reserved_instances_guide_scenario_1():
    usages = [running("m3.large", "us-east-1a"), running("m4.xlarge", "us-east-1b"), running("c4.xlarge", "us-east-1c")]
    held = [reserved("m3.large", 4, "us-east-1a"), reserved("m4.large", 4), reserved("c4.large", 1)]
    usage, _ = applied(usages, held, [4, 2, 1])
    close(usage.on_demand_per_hour[:, 0], [0, 0, 0.5])
    close(usage.used_fraction[:, 0], [1, 1, 1])


def test_reserved_instances_guide_scenario_2_smallest_size_first():
    usage, _ = applied([running("m3.xlarge"), running("m3.large")], [reserved("m3.2xlarge", 1)], [2, 2])
    close(usage.on_demand_per_hour[:, 0], [1, 0])


def test_reserved_instances_guide_scenario_3_of_the_purchasing_account():
    usages = [running("m4.xlarge"), running("m4.2xlarge"), running("c4.xlarge"), running("c4.2xlarge")]
    usage, _ = applied(usages, [reserved("m4.xlarge", 4), reserved("c4.xlarge", 2)], [2, 1, 2, 1])
    close(usage.on_demand_per_hour[:, 0], [0, 0, 0, 1])


def test_reserved_instances_guide_scenario_4_zonal_ones_before_regional_ones():
    usages = [running("m4.xlarge", "us-east-1a"), running("m4.xlarge", "us-east-1b")]
    usage, _ = applied(usages, [reserved("m4.xlarge", 1), reserved("m4.xlarge", 1, "us-east-1a")], [1, 1])
    close(usage.on_demand_per_hour, 0)
    close(usage.used_fraction, 1)


@pytest.mark.parametrize(("used", "left"), [(("t2.small", 2), 0), (("t2.large", 1), 0.5)])
def test_reserved_instances_guide_a_t2_medium(used, left):
    name, count = used
    usage, _ = applied([running(name)], [reserved("t2.medium", 1)], [count])
    close(usage.on_demand_per_hour, left)


@pytest.mark.parametrize(
    ("held", "count", "used"),
    [
        ("c4.8xlarge", 1, {"c4.8xlarge": 1}),
        ("c4.8xlarge", 1, {"c4.4xlarge": 2}),
        ("c4.8xlarge", 1, {"c4.2xlarge": 4}),
        ("c4.8xlarge", 1, {"c4.large": 16}),
        ("c4.8xlarge", 1, {"c4.4xlarge": 1, "c4.large": 8}),
        ("m4.xlarge", 1, {"m4.large": 2}),
        ("m4.large", 2, {"m4.xlarge": 1}),
    ],
)
def test_reserved_instances_examples_of_the_whitepaper_and_of_the_billing_guide(held, count, used):
    """AWS, "Maximizing Utilization with Size Flexibility in Regional Reserved Instances" and "Region Reserved Instances"."""
    usage, _ = applied([running(name) for name in used], [reserved(held, count)], [*used.values()])
    close(usage.on_demand_per_hour, 0)
    close(usage.used_fraction, 1)


def test_bare_metal_counts_as_the_size_that_it_equals():
    factors = {
        "i3.metal": 128,
        "m5.metal": 192,
        "m7i.metal-24xl": 192,
        "u-12tb1.112xlarge": 896,
        "t3.nano": 0.25,
        "c5.9xlarge": 72,
    }
    assert {name: normalization_factor(name) for name in factors} == factors
    usage, _ = applied([{**running("i3.16xlarge"), "type": "i3.16xlarge"}], [reserved("i3.metal", 1)], [1])
    close(usage.on_demand_per_hour, 0)


@pytest.mark.parametrize(
    "held",
    [
        reserved("g5.xlarge", 2),  # a family without size flexibility
        reserved("m7g.large", 8, "us-east-1a"),  # zonal: another size
    ],
)
def test_what_is_not_size_flexible_covers_its_own_type_alone(held):
    usages = [running("g5.2xlarge", "us-east-1a"), running("m7g.2xlarge", "us-east-1a")]
    usage, amounts = applied(usages, [held], [1, 1])
    assert_array_equal(usage.on_demand_per_hour[:, 0], [1, 1])
    close(amounts.lost_usd, [held["count"] * 0.05])
    own = running(held["instance_type"], "us-east-1a")
    close(applied([own], [held], [held["count"]])[0].on_demand_per_hour, 0)


def test_reserved_instances_for_linux_cover_no_windows():
    usage, _ = applied([running("m7g.large", os="windows")], [reserved("m7g.large", 1)], [1])
    assert_array_equal(usage.on_demand_per_hour, [[1]])


@given(st.data())
def test_the_kernel_is_the_plain_loop_of_the_guides(data):
    usages, held = data.draw(some_usages()), data.draw(some_commitments())
    quantity = np.array(data.draw(quantities(len(usages))))
    usage, amounts = applied(usages, held, quantity)
    usd = 0.0
    for hour in range(quantity.shape[1]):
        in_hour = [{**each, "quantity": q} for each, q in zip(usages, quantity[:, hour], strict=True)]
        expected = oracle.hour(in_hour, held)
        # Ties may fall to either of two equal usages, so the money is compared and not what each keeps.
        left = [float(q) for q in expected["left"]]
        rates = rates_of(usages, held).on_demand_usd
        close(rates @ usage.on_demand_per_hour[:, hour], rates @ left)
        usd += float(expected["usd"])
    close(dollars(amounts), usd)


@given(st.data())
def test_k1_a_commitment_to_nothing_gives_the_on_demand_bill_byte_for_byte(data):
    usages = data.draw(some_usages())
    quantity = np.array(data.draw(quantities(len(usages), most=999)))
    hours = np.array([0.1, 0.7, 729.2])
    held = [compute_plan(0), instance_plan("m7g", 0), reserved("m7g.large", 0)]
    rates = rates_of(usages, held)
    amounts = committed_amounts(apply_commitments(rates, quantity, hours))
    plain = amounts_usd(Usage(meters=rates.meters, quantity_per_hour=quantity, hours=hours).totals, rates.on_demand_usd)
    assert amounts.on_demand_usd.tobytes() == plain.tobytes()
    assert amounts.total_usd.tobytes() == plain.sum(axis=-1).tobytes()


@given(st.data())
def test_k2_total_lies_between_the_lowest_rates_and_on_demand_with_the_commitment(data):
    usages, held = data.draw(some_usages()), data.draw(some_commitments(["ec2_instance_savings_plan", "compute_savings_plan"]))
    quantity = np.array(data.draw(quantities(len(usages))))
    rates = rates_of(usages, held)
    _, amounts = applied(usages, held, quantity)
    lowest = np.nanmin(np.vstack([rates.on_demand_usd, rates.committed_usd]), axis=0)
    totals = quantity.sum(axis=1)
    assert totals @ lowest <= dollars(amounts) + 1e-9
    assert dollars(amounts) <= totals @ rates.on_demand_usd + rates.charge_usd.sum() * quantity.shape[1] + 1e-9


@given(st.data())
def test_k3_total_is_convex_in_the_size_of_one_plan(data):
    usages, others = data.draw(some_usages()), data.draw(some_commitments(most=2))
    quantity = np.array(data.draw(quantities(len(usages))))
    steps = np.arange(12) * data.draw(st.integers(1, 40)) / 100
    assume(all(each["kind"] != "compute_savings_plan" for each in others))  # of one plan; several share a pool
    held = [*others, compute_plan(1.0)]
    totals = np.array([dollars(applied(usages, [*others, compute_plan(usd)], quantity)[1]) for usd in steps])
    assert (np.diff(totals, n=2) >= -1e-9).all()
    rates = rates_of(usages, held)  # all sizes at once
    capacity = np.tile(rates.capacity, (12, 1))
    charge = np.tile(rates.charge_usd, (12, 1))
    capacity[:, -1] = charge[:, -1] = steps
    together = committed_amounts(apply_commitments(rates, quantity, np.ones(3), capacity=capacity), charge_usd=charge)
    close(together.total_usd, totals)


@given(st.data())
def test_k4_with_one_discount_the_best_plan_covers_the_discounts_quantile(data):
    discount = data.draw(st.sampled_from([0.2, 0.25, 0.5, 0.6]))
    load = data.draw(st.lists(st.integers(0, 60), min_size=20, max_size=20))
    usage = guide_fargate(fargate_vcpu_hour(Architecture.X86_64, ON_DEMAND), 0.04, 0.04 * (1 - discount))
    rates = rates_of([usage], [compute_plan(1)])
    sizes = 0.04 * (1 - discount) * np.arange(61)
    found = apply_commitments(rates, np.array([load], float), np.ones(20), capacity=sizes[:, np.newaxis])
    totals = committed_amounts(found, charge_usd=sizes[:, np.newaxis]).total_usd
    quantile = sorted(load)[round(20 * discount) - 1]
    close(totals[quantile], totals.min())


@given(st.data())
def test_k5_a_flatter_load_of_the_same_total_never_costs_more(data):
    usage = guide_fargate(fargate_vcpu_hour(Architecture.X86_64, ON_DEMAND), 0.04, 0.03)
    load = np.array(data.draw(st.lists(st.integers(0, 60), min_size=6, max_size=6)), float)
    share = data.draw(st.integers(0, 10)) / 10
    flatter = share * load.mean() + (1 - share) * load
    held = [compute_plan(data.draw(st.integers(0, 150)) / 100)]
    assert dollars(applied([usage], held, flatter)[1]) <= dollars(applied([usage], held, load)[1]) + 1e-9


@given(st.data())
def test_k6_spot_fees_volumes_addresses_and_credits_are_never_covered(data):
    usages = data.draw(some_usages(("other",)))
    more = [
        PUBLIC_IPV4_HOUR,
        surplus_vcpu_hour("t3.large"),
        FARGATE_EPHEMERAL_GIB_HOUR,
        FARGATE_WINDOWS_LICENSE_VCPU_HOUR,
        Meter(id="ec2:linux:spot_pool:m7g.large", unit="instance-hour"),
    ]
    usages += [{**usages[0], "meter": meter} for meter in more]
    quantity = np.array(data.draw(quantities(len(usages))))
    held = [compute_plan(3), instance_plan("m7g", 2), reserved("m7g.large", 9)]
    _, amounts = applied(usages, held, quantity)
    _, without = applied(usages, [], quantity)
    close(dollars(amounts), dollars(without) + 3 * (3 + 2 + 9 * 0.05))
    close(amounts.used_usd, 0)


@given(st.data())
def test_k7_one_more_commitment_never_raises_the_on_demand_remainder_of_an_hour(data):
    usages, held = data.draw(some_usages()), data.draw(some_commitments())
    more = data.draw(some_commitments(most=1).filter(bool))
    quantity = np.array(data.draw(quantities(len(usages))))
    on_demand = rates_of(usages, held).on_demand_usd
    before, _ = applied(usages, held, quantity)
    after, amounts = applied(usages, [*held, *more], quantity)
    assert (on_demand @ after.on_demand_per_hour <= on_demand @ before.on_demand_per_hour + 1e-9).all()
    close(amounts.used_usd + amounts.lost_usd, [3 * float(oracle.charge_usd(each)) for each in (*held, *more)])


@given(st.data())
def test_k8_order_of_rows_changes_no_total(data):
    usages, held = data.draw(some_usages()), data.draw(some_commitments())
    quantity = np.array(data.draw(quantities(len(usages))))
    rows, columns = data.draw(st.permutations(range(len(usages)))), data.draw(st.permutations(range(len(held))))
    _, amounts = applied(usages, held, quantity)
    _, other = applied([usages[row] for row in rows], [held[column] for column in columns], quantity[list(rows)])
    close(dollars(other), dollars(amounts))


def test_k8_plans_apply_to_nothing_where_reserved_instances_cover_all():
    held = [compute_plan(5), instance_plan("m7g", 4), reserved("m7g.2xlarge", 1)]
    _, amounts = applied([running("m7g.large"), running("m7g.medium")], held, [3, 2])
    close(amounts.used_usd, [0, 0, 0.05])
    close(amounts.lost_usd, [5, 4, 0])


@given(st.data())
def test_k9_one_2xlarge_is_two_xlarge_is_four_large(data):
    usages = [running(name) for name in ("c7i.large", "c7i.xlarge", "c7i.2xlarge", "m7g.large")]
    quantity = np.array(data.draw(quantities(4)))
    n = data.draw(st.integers(0, 3))
    left = [
        applied(usages, [reserved(name, count * n)], quantity)[0].on_demand_per_hour
        for name, count in (("c7i.2xlarge", 1), ("c7i.xlarge", 2), ("c7i.large", 4))
    ]
    close(left[1], left[0])
    close(left[2], left[0])


@given(st.data())
def test_k10_a_commitment_without_eligible_usage_adds_its_charge_to_everything(data):
    usages, held = data.draw(some_usages(("fargate", "other"))), data.draw(some_commitments(most=2))
    quantity = np.array(data.draw(quantities(len(usages))))
    useless = [instance_plan("c7i", 1.5), reserved("m7g.large", 3)]
    _, before = applied(usages, held, quantity)
    _, after = applied(usages, [*held, *useless], quantity)
    close(dollars(after) - dollars(before), 3 * (1.5 + 3 * 0.05))


@given(st.data())
def test_candidates_on_a_leading_axis_are_billed_as_each_alone(data):
    usages, held = data.draw(some_usages()), data.draw(some_commitments())
    quantity = np.array([data.draw(quantities(len(usages))) for _ in range(3)])
    hours = np.array([[1.0, 2.0, 0.0], [0.5, 0.5, 0.5], [3.0, 0.0, 9.0]])
    rates = rates_of(usages, held)
    together = committed_amounts(apply_commitments(rates, quantity, hours))
    for at in range(3):
        alone = committed_amounts(apply_commitments(rates, quantity[at], hours[at]))
        assert_array_equal(together.on_demand_usd[at], alone.on_demand_usd)
        assert_array_equal(together.used_usd[at], alone.used_usd)
        assert_array_equal(together.total_usd[at], alone.total_usd)


def test_leading_axes_of_usage_hours_and_sizes_go_together():
    """Each may have some or none: three loads, two periods of one load, two sizes of one plan."""
    rates = rates_of(GUIDE, [compute_plan(2.0), instance_plan("r5", 1.2)])
    load = np.array(GUIDE_QUANTITIES, float)[:, np.newaxis] * np.array([1.0, 0.5, 0.0])
    loads = np.stack([load, 2 * load, 0.1 * load])
    hours = np.array([[700.0, 20.0, 10.0], [0.0, 1.0, 2.0]])
    sizes = np.array([[0.0, 1.2], [3.0, 0.6]])

    def usd(load, hours, size=rates.capacity):
        return float(committed_amounts(apply_commitments(rates, load, hours, capacity=size), charge_usd=size).total_usd)

    by_load = committed_amounts(apply_commitments(rates, loads, hours[0])).total_usd
    close(by_load, [usd(each, hours[0]) for each in loads])
    by_period = committed_amounts(apply_commitments(rates, load, hours)).total_usd
    close(by_period, [usd(load, each) for each in hours])
    by_size = committed_amounts(apply_commitments(rates, load, hours[1], capacity=sizes), charge_usd=sizes).total_usd
    close(by_size, [usd(load, hours[1], each) for each in sizes])


@given(st.data())
def test_nothing_is_negative_and_what_is_covered_and_left_adds_up(data):
    usages, held = data.draw(some_usages()), data.draw(some_commitments())
    quantity = np.array(data.draw(quantities(len(usages))))
    usage, amounts = applied(usages, held, quantity)
    assert (usage.on_demand_per_hour >= 0).all()
    assert ((usage.used_fraction >= 0) & (usage.used_fraction <= 1)).all()
    close(usage.covered.sum(axis=0) + usage.on_demand_per_hour.sum(axis=-1), quantity.sum(axis=-1))
    plans = [at for at, each in enumerate(held) if each["kind"] != "reserved_instance"]
    rates = rates_of(usages, held).committed_usd[plans]
    close(np.nansum(usage.covered[plans] * rates, axis=-1), amounts.used_usd[plans])


def test_a_gap_is_a_gap_in_its_hour_only():
    usages = [running("m7g.large"), GUIDE[1]]
    usage, amounts = applied(usages, [compute_plan(0.05)], [[1, np.nan, 1], [1, 1, 1]], np.array([1.0, 0.0, 1.0]))
    assert np.isnan(usage.on_demand_per_hour[0]).tolist() == [False, True, False]
    assert np.isfinite(amounts.total_usd)
    _, counted = applied(usages, [compute_plan(0.05)], [[1, np.nan, 1], [1, 1, 1]], np.ones(3))
    assert np.isnan(counted.total_usd)


FARGATE = (fargate_vcpu_hour(Architecture.X86_64, ON_DEMAND), fargate_gib_hour(Architecture.X86_64, ON_DEMAND))


def held_plan(usd_per_hour=1.0, **terms):
    return commitment_of(compute_plan(usd_per_hour, **(terms or NONE_UPFRONT)))


@pytest.fixture(scope="module")
def catalog():
    return read_catalog("us-east-1")


def test_rates_come_from_the_catalog(catalog):
    held = [held_plan(), commitment_of({**reserved("m7g.large", 2), **NONE_UPFRONT, "usd_per_hour": None})]
    rates = commitment_rates((*FARGATE, instance_hour("m7g.large", ON_DEMAND)), held, catalog, "us-east-1")
    close(rates.committed_usd[0, :2], [0.032384, 0.003556])  # pricing_data/us-east-1/savings_plans.csv
    close(rates.charge_usd, [1.0, 2 * 1.07143 * 0.050342])  # ec2_reserved.csv, all upfront, and commitment_ratios.csv
    assert np.isnan(rates.committed_usd[0, 2])


def test_what_commits_to_nothing_is_due_nothing(catalog):
    held = [held_plan(0.0), commitment_of({**reserved("m7g.large", 0), **NONE_UPFRONT, "usd_per_hour": None})]
    unknown = instance_hour("c6a.large", ON_DEMAND)  # a plan of nothing needs no rate
    rates = commitment_rates((*FARGATE, unknown), held, catalog, "us-east-1")
    assert_array_equal(rates.charge_usd, [0, 0])
    assert_array_equal(rates.capacity, [0, 0])
    usage = apply_commitments(rates, np.ones((3, 1)), np.ones(1))
    assert not usage.missing
    assert_array_equal(usage.on_demand_per_hour, 1)
    assert_array_equal(usage.used_fraction, 0)
    assert_array_equal(covered_amounts(usage).usd, 0)


def test_a_2xlarge_under_reserved_large_is_billed_as_four_hours_of_one():
    usage, _ = applied([running("c7i.2xlarge"), GUIDE[1]], [reserved("c7i.large", 6, usd_per_hour=0.05)], [1.0, 9.0])
    found = covered_amounts(usage)
    close(found.quantity, [[4, 0]])
    close(found.usd, [[0.2, 0]])
    plans, _ = applied(GUIDE, [compute_plan(19.6)], GUIDE_QUANTITIES)
    close(covered_amounts(plans).quantity, [[0, 400, 1600, 4]])
    close(covered_amounts(plans).usd, [[0, 12, 4.8, 2.8]])


def test_dollars_of_each_hour_hold_what_is_due_in_each():
    usage, amounts = applied([GUIDE[1]], [compute_plan(0.3)], [[5, 10, 20]], np.array([1.0, 2.0, 3.0]))
    close(usd_per_hour(usage), [0.3, 0.3, 0.3 + 10 * 0.04])
    close(usd_per_hour(usage) @ usage.hours, amounts.total_usd)


def test_totals_are_over_meters_whatever_stands_before():
    amounts = np.arange(24.0).reshape(2, 3, 4)
    assert_array_equal(total_usd(amounts), [[6, 22, 38], [54, 70, 86]])


def test_only_its_kind_has_the_fields_of_a_commitment():
    with pytest.raises(ValueError, match="reserves no instances"):
        _ = held_plan().reserved
    with pytest.raises(ValueError, match="no Savings Plan"):
        _ = commitment_of(reserved("m7g.large", 1)).plan_usd_per_hour


def test_a_missing_rate_is_named_and_makes_the_total_unknown(catalog):
    rates = commitment_rates((*FARGATE, instance_hour("m7g.large", ON_DEMAND)), [held_plan()], catalog, "us-east-1")
    usage = apply_commitments(rates, np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 0.0]]), np.ones(2))
    assert usage.missing == ("compute_savings_plan:1y:no_upfront:ec2:linux:on_demand:m7g.large",)
    assert np.isnan(committed_amounts(usage).total_usd)


def test_a_missing_rate_does_not_matter_where_nothing_needs_it(catalog):
    held = [held_plan(), commitment_of({**reserved("m7g.large", 2), **NONE_UPFRONT, "usd_per_hour": None})]
    rates = commitment_rates((*FARGATE, instance_hour("m7g.large", ON_DEMAND)), held, catalog, "us-east-1")
    usage = apply_commitments(rates, np.array([[1.0, 1.0], [2.0, 2.0], [2.0, 0.0]]), np.ones(2))
    assert not usage.missing
    assert np.isfinite(committed_amounts(usage).total_usd)


def test_a_reserved_instance_without_a_rate_is_named(catalog):
    held = commitment_of({**reserved("m7g.lorge", 1), "usd_per_hour": None})
    usage = apply_commitments(commitment_rates(FARGATE, [held], catalog, "us-east-1"), np.ones((2, 1)), np.ones(1))
    assert usage.missing == ("reserved_instance:1y:partial_upfront:ec2:linux:on_demand:m7g.lorge",)
    assert np.isnan(committed_amounts(usage).total_usd)


def test_a_size_without_a_normalization_factor_is_named():
    usages = [{**running("c7i.large"), "type": "c7i.metal"}]
    usage, _ = applied(usages, [reserved("c7i.large", 1)], [1])
    assert usage.missing == ("normalization factor of c7i.metal",)
    assert not is_size_flexible("c7i.metal")


def test_steps_of_an_hour_are_added_up_first():
    # 3 instances for 20 minutes and none for 40 fill one plan of 1 for the hour, and not a third of three
    usage = Usage(
        meters=(instance_hour("m7g.large", ON_DEMAND),),
        quantity_per_hour=np.array([[3.0, 0.0, 0.0, 1.0, 2.0, 3.0]]),
        hours=np.full(6, 1 / 3),
    )
    hourly = in_clock_hours(usage, np.array([0, 3]))
    close(hourly.quantity_per_hour, [[1.0, 2.0]])
    close(hourly.hours, [1.0, 1.0])
    close(hourly.totals, usage.totals)


def test_an_hour_that_is_partly_measured_counts_what_was_measured():
    usage = Usage(
        meters=(FARGATE[0],),
        quantity_per_hour=np.array([[2.0, np.nan, 4.0, np.nan, np.nan, np.nan]]),
        hours=np.array([0.5, 0.0, 0.5, 0.0, 0.0, 0.0]),
    )
    hourly = in_clock_hours(usage, np.array([0, 3]))
    close(hourly.quantity_per_hour[0, 0], 3.0)
    assert np.isnan(hourly.quantity_per_hour[0, 1])
    assert_array_equal(hourly.hours, [1.0, 0.0])
    close(hourly.totals, [3.0])


def test_clock_hours_begin_on_the_hour_whatever_the_first_step():
    from datetime import UTC, datetime

    axis = timeline(datetime(2026, 1, 5, 10, 40, tzinfo=UTC), 600, 9)
    assert axis.step_s == 300
    assert axis.first_steps_of_hours.tolist() == [0, 4, 16]
    whole = timeline(datetime(2026, 1, 5, 10, 0, tzinfo=UTC), 3600, 3)
    assert whole.first_steps_of_hours.tolist() == [0, 4, 8]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": CommitmentKind.COMPUTE_SAVINGS_PLAN}, "has usd_per_hour"),
        ({"kind": CommitmentKind.COMPUTE_SAVINGS_PLAN, "usd_per_hour": -1.0}, "number of dollars"),
        ({"kind": CommitmentKind.COMPUTE_SAVINGS_PLAN, "usd_per_hour": np.inf}, "number of dollars"),
        ({"kind": CommitmentKind.COMPUTE_SAVINGS_PLAN, "usd_per_hour": 1.0, "family": "m7g"}, "has a family"),
        ({"kind": CommitmentKind.COMPUTE_SAVINGS_PLAN, "usd_per_hour": 1.0, "count": 2}, "belong to Reserved"),
        ({"kind": CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN, "usd_per_hour": 1.0}, "has a family"),
        ({"kind": CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN, "usd_per_hour": 1.0, "family": "m7g.large"}, "has a family"),
        ({"kind": CommitmentKind.RESERVED_INSTANCE, "count": 1}, "have an instance_type"),
        ({"kind": CommitmentKind.RESERVED_INSTANCE, "instance_type": "m7g.large"}, "have a count"),
        ({"kind": CommitmentKind.RESERVED_INSTANCE, "instance_type": "m7g.large", "count": 1, "family": "m7g"}, "no family"),
        ({"kind": CommitmentKind.RESERVED_INSTANCE, "instance_type": "m7g.large", "count": 1, "scope": "zone"}, "us-east-1a"),
        ({"kind": CommitmentKind.COMPUTE_SAVINGS_PLAN, "usd_per_hour": 1.0, "term_years": 2}, "1 or 3 years"),
    ],
)
def test_a_commitment_that_aws_does_not_sell_cannot_be_made(fields, said):
    with pytest.raises(PlanError, match=said):
        Commitment(**{"term_years": 1, "payment": PaymentOption.NO_UPFRONT, **fields})


def test_commitments_are_named_in_words():
    assert str(held_plan(1.5)) == "Compute Savings Plan of 1.5 USD/h, 1-year no upfront"
    assert str(commitment_of(instance_plan("m7g", 2))) == "EC2 Instance Savings Plan m7g of 2 USD/h, 1-year partial upfront"
    assert (
        str(commitment_of(reserved("m7g.large", 2, "us-east-1a")))
        == "2 x m7g.large Reserved Instance in us-east-1a, 1-year partial upfront"
    )


def test_every_pair_of_terms_can_be_held():
    assert len({commitment_of(compute_plan(1, term_years=years, payment=payment)) for years, payment in TERMS}) == 6
