"""CPU credits of burstable instances: AWS's worked examples, and what a cluster is charged."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import advisor
from advisor.simulate.credits import LAUNCH_CREDITS_PER_VCPU, CreditMode, credits_over_time, earned_per_hour, surplus_vcpu
from tests.oracle import model

CATALOG = advisor.read_catalog("us-east-1")
T3_NANO, T3_LARGE = CATALOG.instance_type("t3.nano"), CATALOG.instance_type("t3.large")
T2_NANO = replace(T3_NANO, name="t2.nano", vcpu=1)


def after(periods, instance_type, **options):
    """Balance and credits beyond, at the end of each period of (hours, CPU percent) for an instance launched at the first."""
    percent = np.concatenate([np.full(hours * 60, float(value)) for hours, value in periods])
    busy = percent / 100 * instance_type.vcpu
    found = credits_over_time(busy, np.ones(busy.size, dtype=bool), instance_type, step_hours=1 / 60, **options)
    ends = np.cumsum([hours * 60 for hours, _ in periods]) - 1
    beyond = np.diff(np.cumsum(found.beyond)[ends], prepend=0.0)
    return found.balance[ends], beyond


def test_t3_nano_unlimited_as_in_the_example_of_the_user_guide():
    # Amazon EC2 User Guide, "Unlimited mode examples", example 1: 144 at most, 86.4 after P3, 122 after P4, 304 charged in P5,
    # 144 owed to the end of P6, and paid down by the end of P7.
    periods = [(24, 0), (12, 2.5), (24, 7), (12, 2.5), (5, 100), (13, 5), (24, 0)]
    balance, charged = after(periods, T3_NANO)
    assert_allclose(balance, [144, 144, 86.4, 122.4, -144, -144, 0], atol=1e-6)
    assert_allclose(charged, [0, 0, 0, 0, 570 - 122.4 - 144, 0, 0], atol=1e-6)


def test_t3_nano_standard_as_in_the_example_of_the_user_guide():
    # "Standard mode examples", example 1: as above up to P4; the balance is spent within the two hours of P5 and stays 0 in P6.
    periods = [(24, 0), (12, 2.5), (24, 7), (12, 2.5), (2, 100), (14, 5), (24, 0)]
    balance, held_back = after(periods, T3_NANO, mode=CreditMode.STANDARD)
    assert_allclose(balance, [144, 144, 86.4, 122.4, 0, 0, 144], atol=1e-6)
    assert_allclose(held_back, [0, 0, 0, 0, 240 - 12 - 122.4, 0, 0], atol=1e-6)  # by hand: wanted, earned, saved


def test_t2_nano_standard_with_launch_credits_as_in_the_example_of_the_user_guide():
    # "Standard mode examples", example 2: 102 = 30 launch credits + 72, still 102, then 72, 72, 45, 72, 72.
    periods = [(24, 0), (12, 0), (25, 2), (11, 2), (3, 20), (15, 2), (6, 0)]
    launch = LAUNCH_CREDITS_PER_VCPU * T2_NANO.vcpu
    balance, held_back = after(periods, T2_NANO, mode=CreditMode.STANDARD, launch_credits=launch)
    assert_allclose(balance, [102, 102, 72, 72, 45, 72, 72], atol=1e-6)
    assert not held_back.any()


@pytest.mark.parametrize(
    ("name", "per_hour"),
    [("t3.nano", 6), ("t3.large", 36), ("t3.2xlarge", 192), ("t3a.medium", 24), ("t4g.xlarge", 96), ("t2.xlarge", 54)],
)
def test_what_an_instance_earns_is_in_the_credit_table(name, per_hour):
    # Amazon EC2 User Guide, credit table of burstable performance instances.
    assert earned_per_hour(CATALOG.instance_type(name)) == pytest.approx(per_hour)


def test_bursts_within_what_a_day_earns_cost_nothing():
    # One t3.large at 100 % (2 vCPU) for 4 of 24 hours: 8 of 24 x 0.6 = 14.4 vCPU-hours.
    day = np.repeat([0.0, 2048.0], [20 * 4, 4 * 4])
    assert not surplus_vcpu(T3_LARGE, np.tile(day, 14), np.ones(96 * 14), step_hours=0.25).any()
    # For 8 hours: 16 of 14.4, so 1.6 vCPU-hours a day, whenever the history begins.
    day = np.repeat([0.0, 2048.0, 0.0], [10 * 4, 8 * 4, 6 * 4])
    for shift in (0, 17, 50):
        charged = surplus_vcpu(T3_LARGE, np.roll(np.tile(day, 14), shift), np.ones(96 * 14), step_hours=0.25)
        assert charged.sum() * 0.25 == pytest.approx(14 * 1.6)


def test_an_instance_that_ends_pays_what_it_owes():
    # Two t3.large at 1 vCPU each for an hour, then one at none: 0.4 vCPU-hours owed by the one that ends.
    charged = surplus_vcpu(T3_LARGE, np.array([2048.0, 0.0, 0.0]), np.array([2.0, 1.0, 1.0]), step_hours=1.0)
    assert charged == pytest.approx([0.4, 0, 0])


def test_a_gap_is_neither_earned_nor_charged():
    charged = surplus_vcpu(T3_LARGE, np.array([2048.0, np.nan, 2048.0]), np.array([1.0, np.nan, 1.0]), step_hours=1.0)
    assert charged == pytest.approx([1.4, np.nan, 1.4], nan_ok=True)  # 2 vCPU less the 0.6 earned, for ever


@given(
    steps=st.lists(
        st.tuples(st.floats(0, 20_000), st.integers(0, 4), st.sampled_from([True, True, True, False])), min_size=1, max_size=60
    ),
    step_hours=st.sampled_from([1 / 60, 0.25, 1.0]),
    baseline=st.sampled_from([0.05, 0.2, 0.4]),
)
def test_the_same_as_instance_by_instance_in_a_plain_loop(steps, step_hours, baseline):
    units = [value if is_known else None for value, _, is_known in steps]
    counts = [count if is_known else None for _, count, is_known in steps]
    expected = model.surplus_vcpu(units, counts, 2, baseline, step_hours)
    ours = surplus_vcpu(
        replace(T3_LARGE, baseline_fraction=baseline),
        *(np.array([np.nan if each is None else each for each in series], dtype=float) for series in (units, counts)),
        step_hours=step_hours,
    )
    assert_allclose(ours, [np.nan if each is None else each for each in expected], rtol=1e-9, atol=1e-6)
