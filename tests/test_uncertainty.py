"""Draws of next month's cost: laws, worked examples, a plain second implementation, and known right verdicts."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import advisor
from advisor.uncertainty import (
    KAPPA,
    PRIOR_MOVE,
    SEED,
    T_QUANTILE_90,
    CostHistory,
    chance_of_group,
    elasticity,
    lost_inside_step,
    month_draws,
    odds,
    quantile_error_fraction,
)
from advisor.workload import Growth

MONTH = 730 / 168
NO_GROWTH = Growth()
few = settings(max_examples=max(10, settings().max_examples // 4))
costs = st.floats(1, 1e5, allow_nan=False)


def history(weekly, elastic=1.0, **more):
    weekly = np.array(weekly, float)
    weekly = weekly[:, np.newaxis] if weekly.ndim == 1 else weekly
    return CostHistory(weekly_usd=weekly, elasticity=np.full(weekly.shape[1], elastic), **more)


def draws(past, growth=NO_GROWTH, n=4_000, seed=SEED):
    return month_draws(past, growth=growth, n_draws=n, seed=seed)


def half_width(past):
    said = odds(draws(past))
    return float(np.log(said.p90 / said.p10)[0] / 2)


def test_a_stated_load_at_today_s_rates_has_one_cost():
    past = history([168.0], is_stated=True)
    said = odds(draws(past))
    assert said.p10 == said.p50 == said.p90 == said.mean == pytest.approx(730.0)


def test_two_equal_weeks_leave_what_nobody_knows_of_the_load():
    """By hand: the only row is sqrt(2) x 0.10 / sqrt(3), a t with 4 degrees over 1.533 times kappa: P90 at kappa x 0.0816."""
    assert half_width(history([100, 100])) == pytest.approx(KAPPA * math.sqrt(2) * PRIOR_MOVE / math.sqrt(3), rel=0.05)


@pytest.mark.parametrize("n_weeks", [2, 8, 32])
def test_equal_weeks_narrow_the_interval_as_the_root_of_their_number_and_not_to_nothing(n_weeks):
    assert half_width(history([100] * n_weeks)) == pytest.approx(
        KAPPA * math.sqrt(2) * PRIOR_MOVE / math.sqrt(n_weeks + 1), rel=0.05
    )


def test_a_flat_plan_keeps_a_narrow_interval():
    assert half_width(history([100] * 8, elastic=0.05)) < half_width(history([100] * 8)) / 10


def test_gaps_widen_the_interval_as_fewer_weeks_would():
    assert half_width(history([100] * 8, coverage_fraction=0.25)) == pytest.approx(2 * half_width(history([100] * 8)), rel=0.01)


def test_the_level_is_that_of_the_last_weeks():
    """By hand: weights 1, 2, 4, 8 of 15 on the logarithms of 50, 50, 100, 100."""
    middle = float(odds(draws(history([50, 50, 100, 100])).reshape(-1, 1)).p50[0]) / MONTH
    assert middle == pytest.approx(math.exp((3 * math.log(50) + 12 * math.log(100)) / 15), rel=0.02)


def test_with_sixty_weeks_half_of_last_year_s_move_is_added():
    """A year ago the cost rose from 100 to 121 for the four weeks that now lie ahead: half of that in the logarithm is 1.1."""
    weekly = np.full(60, 100.0)
    weekly[60 - 52 : 60 - 48] = 121.0
    middle = float(odds(draws(history(weekly))).p50[0]) / MONTH
    assert middle == pytest.approx(110.0, rel=0.02)


def test_a_jittering_load_is_surer_than_a_wandering_one_of_the_same_moves():
    """The weekly moves are equal in size; those of the first take each other back."""
    jitter = 100 * np.exp(0.1 * np.array([0, 1] * 8))
    wander = 100 * np.exp(0.1 * np.array([0, 1, 2, 3, 4, 3, 2, 1, 0, 1, 2, 3, 4, 3, 2, 1]))
    assert half_width(history(jitter)) < 0.7 * half_width(history(wander))


@few
@given(weekly=st.lists(st.tuples(costs, costs), min_size=2, max_size=9), elastic=st.floats(0.05, 3))
def test_draws_equal_a_plain_second_implementation(weekly, elastic):
    """Plain loops over draws, plans and weeks, from the equations of the docstring."""
    n, n_weeks = 7, len(weekly)
    rng = np.random.Generator(np.random.SFC64(SEED))
    normal = rng.standard_normal((n, n_weeks))
    tail = rng.chisquare(4, n)
    expected = []
    for r in range(n):
        row = []
        for plan in range(2):
            y = [math.log(max(w[plan], 1e-3 * sum(v[plan] for v in weekly) / n_weeks)) for w in weekly]

            def level(last, y=y):
                weights = [2.0 ** -(last - v) for v in range(last + 1)]
                return sum(weight * value for weight, value in zip(weights, y, strict=False)) / sum(weights)

            errors = [sum(y[w : w + 4]) / len(y[w : w + 4]) - level(w - 1) for w in range(1, n_weeks)]
            errors.append(math.sqrt(2) * PRIOR_MOVE * elastic)
            z = sum(x * e for x, e in zip(normal[r], errors, strict=True)) / math.sqrt(n_weeks + 1)
            z *= KAPPA / T_QUANTILE_90 * math.sqrt(4 / tail[r])
            row.append(MONTH * math.exp(level(n_weeks - 1) + max(-1.5, min(1.5, z))))
        expected.append(row)
    assert_allclose(draws(history(weekly, elastic), n=n), expected, rtol=1e-9)


@few
@given(weekly=st.lists(st.lists(costs, min_size=3, max_size=3), min_size=2, max_size=8))
def test_quantiles_are_ordered_chances_add_up_and_regret_is_not_negative(weekly):
    sample = draws(history(weekly), n=500)
    said = odds(sample)
    assert (said.p10 <= said.p50).all()
    assert (said.p50 <= said.p90).all()
    assert (sample.min(axis=0) * (1 - 1e-8) <= said.mean).all()
    assert (said.mean <= sample.max(axis=0) * (1 + 1e-8)).all()
    assert said.probability_cheapest.sum() == pytest.approx(1)
    assert (said.regret_usd >= 0).all()


def test_equal_plans_differ_by_nothing_in_any_draw_and_share_their_chance():
    sample = draws(history([[100, 100], [120, 120], [90, 90]]))
    assert_array_equal(sample[:, 0], sample[:, 1])
    assert_array_equal(odds(sample).probability_cheapest, [0.5, 0.5])


def test_what_plans_share_cancels_in_their_difference():
    """Twice the cost in every week: never cheaper, however wide both intervals are."""
    weekly = np.array([100, 140, 80, 120.0])
    assert odds(draws(history(np.stack([weekly, 1.02 * weekly], axis=1)))).probability_cheapest.tolist() == [1, 0]


def test_the_same_seed_gives_the_same_numbers_and_another_one_agrees_within_its_error():
    past = history([100, 120, 90, 110])
    assert_array_equal(draws(past), draws(past))
    one, other = draws(past, n=20_000), draws(past, n=20_000, seed=7)
    error = float(quantile_error_fraction(one)[0])
    assert 0 < error < 0.01
    assert abs(odds(one).p50 / odds(other).p50 - 1) < 4 * math.sqrt(2) * error


def test_plans_drawn_together_equal_plans_drawn_alone():
    weekly = np.array([[100, 50], [120, 55], [90, 52.0]])
    together = draws(history(weekly))
    for plan in range(2):
        assert_allclose(draws(history(weekly[:, [plan]]))[:, 0], together[:, plan], rtol=1e-12)


def test_dollars_times_k_give_draws_times_k_and_the_same_chances():
    weekly = np.array([[100, 101], [120, 119], [90, 92.0]])
    one, eight = draws(history(weekly)), draws(history(8 * weekly))
    assert_allclose(eight, 8 * one, rtol=1e-9)
    assert_array_equal(odds(one).probability_cheapest, odds(eight).probability_cheapest)


def test_a_one_sided_range_moves_the_mean_by_half_of_it():
    past = history([[168, 168]], is_stated=True, range_fraction=np.array([0.0, 0.05]))
    said = odds(draws(past, n=20_000))
    assert said.mean[0] == pytest.approx(730.0)
    assert said.mean[1] == pytest.approx(730.0 * 1.025, rel=1e-3)
    assert said.p90[1] == pytest.approx(730.0 * 1.045, rel=1e-3)


def test_a_spot_price_moves_only_the_share_that_is_paid_at_it():
    past = history([[168, 168, 168]], is_stated=True, spot_fraction=np.array([[0.0, 1.0, 0.5], [0.0, 0.0, 0.0]]))
    sample = draws(past, n=20_000)
    assert np.ptp(sample[:, 0]) == 0
    assert sample.mean(axis=0) == pytest.approx(np.full(3, 730.0), rel=0.01)
    assert_allclose(sample[:, 2] - sample[:, 0], (sample[:, 1] - sample[:, 0]) / 2)


def test_old_rates_widen_by_the_root_of_their_age():
    past = history([[168, 168]], is_stated=True, price_age_years=np.array([[1.0, 2.0]]))
    said = odds(draws(past, n=20_000))
    widths = np.log(said.p90 / said.p10)
    assert widths[0] == pytest.approx(2 * 1.2816 * 0.012, rel=0.03)
    assert widths[1] == pytest.approx(2 * widths[0], rel=1e-6)


def growing(growth, usd):
    loads = np.array([0.5, 1.0, 2.0])
    past = history([[168.0]], is_stated=True, growth_load=loads, growth_usd=np.array(usd, float)[:, np.newaxis])
    return odds(draws(past, growth))


def test_growth_moves_a_plan_along_its_own_costs():
    assert growing(Growth(fraction=1.0), [10, 20, 40]).mean[0] == pytest.approx(2 * 730)
    assert growing(Growth(fraction=1.0), [20, 20, 20]).mean[0] == pytest.approx(730)


def test_growth_beyond_the_points_goes_on_as_between_the_last_two():
    """Two instances hold today's load and twice of it; eight times of it take eight: then ten times as many hold ten times."""
    points, usd = np.array([0.5, 1.0, 2.0, 4.0, 8.0]), np.array([[200.0, 200, 200, 400, 800]]).T
    history = CostHistory(
        weekly_usd=np.full((4, 1), 200.0), elasticity=np.array([0.05]), is_stated=True, growth_load=points, growth_usd=usd
    )
    for load, expected in ((80, 8000.0), (4, 400.0), (0.05, 200.0)):
        draws = month_draws(history, growth=Growth(fraction=load - 1, spread_fraction=0.0), n_draws=10)
        assert draws[:, 0] / (730 / 168) == pytest.approx(expected)


def test_the_spread_of_growth_widens_a_plan_that_follows_the_load():
    said = growing(Growth(spread_fraction=0.1), [10, 20, 40])
    assert np.log(said.p90 / said.p10)[0] == pytest.approx(2 * 1.2816 * 0.1, rel=0.05)


def test_elasticity_is_the_log_slope_and_never_nothing():
    """By hand: 121 over 100 when the load goes from 1/1.1 to 1.1 is a slope of 1; a cost that does not move gets 0.05."""
    assert_allclose(elasticity(np.array([121, 100.0, 0]), np.array([100, 100.0, 0])), [1.0, 0.05, 0.05])


def test_a_group_is_cheapest_when_one_of_its_plans_is():
    sample = np.array([[1, 2, 3], [2, 1, 3], [3, 2, 1], [1, 1, 2.0]])
    assert chance_of_group(sample, [True, True, False]) == 0.75
    assert chance_of_group(sample, [True, False, False]) == 0.375


def test_a_week_that_costs_nothing_does_not_break_the_logarithm():
    assert np.isfinite(draws(history([0, 100, 100]))).all()


@pytest.mark.parametrize(("step_s", "most"), [(20, 0.0), (300, 0.0), (600, 0.13), (900, 0.13), (1800, 0.20), (3600, 0.20)])
def test_long_steps_may_hide_load_and_so_cost(step_s, most):
    assert lost_inside_step(step_s) == most


def test_an_answer_on_identical_weeks_by_the_hour_narrows_as_weeks_are_added(tmp_path):
    """By the root of their number and one: what steps may hide is said beside the interval, and is not in it."""
    week = np.random.default_rng(1).uniform(20, 200, 168).tolist()
    start, widths = datetime(2024, 1, 1, tzinfo=UTC), []
    for n_weeks in (2, 7):
        rows = [f"{start + timedelta(hours=at):%Y-%m-%dT%H:%MZ},{value}" for at, value in enumerate(week * n_weeks)]
        path = tmp_path / f"{n_weeks}.csv"
        path.write_text("\n".join(["timestamp,requests_per_second", *rows]))
        load = advisor.read_workload(path, region="us-east-1", cpu=512, memory=1024, requests_per_task=10)
        found = advisor.advise(load, advisor.read_catalog("us-east-1"), replay_weeks=0)
        month = found.recommended.monthly_usd
        assert month.p10 < month.mean < month.p90
        assert any("does not show what happens within them" in warning for warning in found.warnings)
        widths.append((month.p90 - month.p10) * math.sqrt(n_weeks + 1))
    assert widths[1] == pytest.approx(widths[0], rel=0.05)
