"""Advice on the past is judged by what followed; series built so that the right verdict is known."""

from dataclasses import replace

import numpy as np
import pytest

from advisor import advise, backtest, read_catalog, read_workload
from advisor.backtesting import effective_folds, exact_interval, interval_score
from advisor.errors import InputError
from advisor.recommend.result import Verdict
from advisor.workload import Constraints
from tests.as_advisor import as_workload

WEEK = 168


@pytest.fixture(scope="module")
def catalog():
    return read_catalog("us-east-1")


def load_of(requests, **more):
    """A service of 512 CPU units and 1,024 MiB whose task serves ten requests per second."""
    service = {
        "name": "web", "cpu": 512, "memory": 1024, "form": "requests", "requests_per_task": 10.0, "min": 2, "target": 0.6,
        "architectures": ["ARM64", "X86_64"], "demand": [float(value) for value in requests],
    }  # fmt: skip
    workload = as_workload({"services": [service | more], "start_s": 0, "step_s": 3600})
    return replace(workload, region="us-east-1", constraints=Constraints())


def daily(n_weeks, low=20.0, high=100.0):
    hours = np.arange(n_weeks * WEEK)
    return low + (high - low) * (0.5 - 0.5 * np.cos(hours / 24 * 2 * np.pi))


def test_steady_weeks_are_advised_rightly_and_their_intervals_hold(catalog):
    found = backtest(load_of(daily(20)), catalog, history_weeks=8)
    assert len(found.folds) == 3
    assert found.coverage_80 == 1.0
    assert found.mean_regret_fraction == 0.0
    assert [fold.verdict for fold in found.folds] == [Verdict.RECOMMEND] * 3
    assert all(fold.was_right for fold in found.folds)
    assert found.coverage_interval is None  # three folds tell nothing of a share
    for fold in found.folds:
        for each in fold.alternatives:
            assert each.p10 < each.actual < each.p90


def test_folds_are_four_weeks_apart_and_end_with_the_load(catalog):
    found = backtest(load_of(daily(16)), catalog, history_weeks=4)
    assert [fold.origin[:10] for fold in found.folds] == ["2026-10-05", "2026-11-02", "2026-11-30"]


def test_what_follows_is_billed_like_an_answer_on_it(catalog):
    """The plan chosen on eight weeks costs on the next four what an answer to these four says of the same plan."""
    load = load_of(daily(12))
    (fold,) = backtest(load, catalog, history_weeks=8).folds
    later = advise(load.between(8 * WEEK, 12 * WEEK), catalog, replay_weeks=0)
    same = later.alternative(fold.chosen)
    assert fold.chosen_usd == pytest.approx(same.monthly_usd.mean)


def test_a_load_that_grows_tenfold_after_the_advice_is_not_held(catalog):
    found = backtest(load_of(np.concatenate([daily(8), 10 * daily(4)])), catalog, history_weeks=8)
    assert found.coverage_80 < 0.2


def test_a_back_test_needs_history_and_the_weeks_after_it(catalog):
    with pytest.raises(InputError, match=r"takes 8 weeks of history and 4 weeks after them; the load has 11\.0"):
        backtest(load_of(daily(11)), catalog, history_weeks=8)


@pytest.mark.parametrize(
    ("weeks", "fix"),
    [(11, "Give a load of at least 12 weeks, or other --history-weeks, at least 2."), (5, "Give a load of at least 12 weeks.")],
)
def test_a_shorter_history_is_proposed_only_where_the_load_is_long_enough_for_one(catalog, weeks, fix):
    with pytest.raises(InputError) as refused:
        backtest(load_of(daily(weeks)), catalog, history_weeks=8)
    assert str(refused.value).endswith(fix)


def test_a_stated_load_cannot_be_tested(catalog):
    workload = load_of(daily(20))
    stated = replace(workload, services=(replace(workload.services[0], is_stated=True),))
    with pytest.raises(InputError, match="a statement, not a measurement"):
        backtest(stated, catalog)


# Verdicts that are known beforehand


def test_twenty_hours_are_not_enough(catalog):
    assert advise(load_of(daily(1)[:20]), catalog).recommendation.verdict is Verdict.NOT_ENOUGH_DATA


def test_the_chance_of_a_fold_is_that_of_what_it_chose(catalog, at_break_even):
    """Near break-even the range for packing, which folds leave out, would rank another alternative first."""
    ends = [backtest(load_of(np.full(12 * WEEK, at_break_even * factor)), catalog) for factor in (0.97, 1.0, 1.03)]
    for fold in (fold for found in ends for fold in found.folds):
        launch = fold.chosen.rpartition(":")[0].split(":")[1]
        same = [each.probability_cheapest for each in fold.alternatives if each.id.split(":")[1] == launch]
        assert fold.probability == pytest.approx(sum(same))
        assert fold.chosen_usd == next(each.actual for each in fold.alternatives if each.id == fold.chosen)


def test_equal_weeks_of_a_clear_case_are_advised(catalog):
    advice = advise(load_of(daily(8)), catalog).recommendation
    assert advice.verdict is Verdict.RECOMMEND
    assert advice.probability > 0.99


def break_even_load(catalog):
    """A steady load at which Fargate and EC2 cost nearly the same, found by halving between one where each wins."""
    low, high = 20.0, 600.0
    for _ in range(12):
        middle = (low + high) / 2
        best = advise(load_of(np.full(2 * WEEK, middle)), catalog).recommended
        if any(service.launch_type.value == "FARGATE" for service in best.plan.services.values()):
            low = middle
        else:
            high = middle
    return (low + high) / 2


@pytest.fixture(scope="module")
def at_break_even(catalog):
    return break_even_load(catalog)


def test_a_random_walk_at_break_even_is_too_close_to_call(catalog, at_break_even):
    steps = np.random.Generator(np.random.SFC64(3)).normal(0, 0.15, 12)
    walk = np.repeat(at_break_even * np.exp(np.cumsum(steps) - np.cumsum(steps)[-1]), WEEK)
    assert advise(load_of(walk), catalog).recommendation.verdict is Verdict.TOO_CLOSE_TO_CALL


def test_a_trend_that_crosses_break_even_is_never_recommended(catalog):
    """At 250 requests per second Fargate is cheaper, at the 3,000 to which 10 % a week lead in half a year EC2."""
    rising = np.repeat(250 * 1.10 ** (np.arange(13) - 12.0), WEEK)
    advice = advise(load_of(rising), catalog).recommendation
    assert advice.verdict is Verdict.TOO_CLOSE_TO_CALL
    assert any("if the trend goes on, EC2" in doubt for doubt in advice.doubts)
    level = advise(load_of(np.full(13 * WEEK, 250.0)), catalog).recommendation
    assert not any("trend" in doubt for doubt in level.doubts)


def test_a_step_moves_the_answer_to_the_new_level(catalog):
    """Eight quiet weeks, then five at which 600 requests per second run steadily: the new level decides."""
    stepped = np.concatenate([np.full(8 * WEEK, 20.0), np.full(5 * WEEK, 600.0)])
    answer = advise(load_of(stepped), catalog)
    monthly = answer.recommended.monthly_usd
    alone = advise(load_of(np.full(5 * WEEK, 600.0)), catalog)
    assert monthly.p50 == pytest.approx(alone.recommended.monthly_usd.mean, rel=0.25)
    assert monthly.p50 == pytest.approx(monthly.mean, rel=0.05)  # a plan for the new level cost as much at the old one
    assert answer.recommended.id.endswith(":since_step")
    assert answer.recommendation.verdict is Verdict.TOO_CLOSE_TO_CALL
    assert any("stepped by" in warning for warning in answer.warnings)


# The pieces


def test_the_interval_score_is_width_and_ten_times_the_miss():
    assert interval_score(np.array([10.0]), np.array([20.0]), np.array([25.0])) == pytest.approx([60.0])
    assert interval_score(np.array([10.0]), np.array([20.0]), np.array([15.0])) == pytest.approx([10.0])


def test_folds_that_follow_each_other_count_less():
    assert effective_folds(np.array([1.0, 0.0] * 10)) == 20
    assert effective_folds(np.array([1.0] * 10 + [0.0] * 10)) < 3


def test_exact_interval_of_eight_in_ten():
    """Clopper and Pearson 1934, as in any table: 8 of 10 at 95 % is 0.444 to 0.975."""
    assert exact_interval(0.8, 10) == pytest.approx((0.444, 0.975), abs=0.001)


def test_the_example_s_advice_of_a_year_was_right():
    """Eleven months of real load: the choice was the cheapest each time, and the intervals held most of what came."""
    workload = read_workload("examples/shop/workload.yaml")
    found = backtest(workload.between(26 * WEEK, 51 * WEEK), read_catalog(workload.region))
    assert found.mean_regret_fraction == 0.0
    assert 0.7 <= found.coverage_80 <= 1.0


def test_services_keep_their_place_in_a_cut_workload():
    workload = load_of(daily(3))
    cut = workload.between(WEEK, 2 * WEEK)
    assert cut.n_steps == WEEK
    assert cut.start.isoformat() == "2026-09-14T00:00:00+00:00"
    assert cut.services == workload.services
