"""Trends, steps and new shapes are found where they are, and not where they are not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.recommend.changes import ChangeKind, changes, shape_change

JITTER = np.array([1.00, 1.02, 0.99, 1.01, 0.98, 1.02, 1.00, 0.99, 1.01, 1.00, 0.98, 1.01, 1.02])


def kinds(weekly):
    return [change.kind for change in changes(np.array(weekly, float), "the load of web")]


def test_a_steady_load_has_no_change():
    assert kinds(100 * JITTER) == []


def test_a_trend_is_named_with_its_slope():
    (trend,) = changes(100 * JITTER * 1.03 ** np.arange(13), "the load of web")
    assert trend.kind is ChangeKind.TREND
    assert trend.fraction == pytest.approx(0.03, abs=0.004)
    assert "rises by" in trend.sentence
    assert "not extrapolated" in trend.sentence


def test_a_step_is_named_with_its_size_and_its_week():
    (step,) = changes(np.concatenate([100 * JITTER[:8], 150 * JITTER[:5]]), "the load of web")
    assert (step.kind, step.weeks_ago) == (ChangeKind.STEP, 5)
    assert step.fraction == pytest.approx(0.5, abs=0.03)


def test_a_jump_in_the_last_week_is_neither_a_step_nor_a_trend_yet():
    assert kinds([*(100 * JITTER), 60]) == [ChangeKind.LAST_WEEK]


@pytest.mark.parametrize("weeks", [2, 3, 4])
def test_a_jump_that_lasted_is_a_step_though_few_weeks_follow_it(weeks):
    (step,) = changes(np.concatenate([100 * JITTER[:6], 400 * JITTER[:weeks]]), "the load of web")
    assert (step.kind, step.weeks_ago) == (ChangeKind.STEP, weeks)
    assert step.fraction == pytest.approx(3, rel=0.05)


def test_a_load_that_fell_to_nothing_has_stepped():
    (step,) = changes(np.array([*(100 * JITTER[:8]), 0.0, 0.0]), "the load of web")
    assert (step.kind, step.weeks_ago) == (ChangeKind.STEP, 2)
    assert step.sentence.startswith("the load of web stepped by -100 % 2 weeks ago")


def test_one_week_in_the_past_that_was_high_or_empty_is_no_step():
    assert ChangeKind.STEP not in kinds([100, 101, 99, 100, 102, 100, 400, 101, 100])
    assert ChangeKind.STEP not in kinds([100, 101, 99, 100, 102, 100, 0, 101, 100])


@pytest.mark.prove
@given(st.integers(0, 10_000))
def test_a_wandering_load_seldom_jumps(seed):
    moves = np.random.default_rng(seed).normal(0, 0.1, (200, 10))
    jumps = [changes(np.exp(np.cumsum(each)), "x") for each in moves]
    assert sum(c.kind is ChangeKind.STEP and c.weeks_ago <= 4 for found in jumps for c in found) <= 20


def test_too_few_weeks_tell_nothing():
    assert kinds([100, 200]) == []


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000))
def test_random_weeks_seldom_have_a_trend(seed):
    """At 1 %: of these thirty at most a few; each series by itself may."""
    noise = np.random.Generator(np.random.SFC64(seed)).normal(0, 0.1, (40, 13))
    n_trends = sum(ChangeKind.TREND in kinds(100 * np.exp(row)) for row in noise)
    assert n_trends <= 4


def test_another_weekly_shape_is_found():
    hours = np.arange(8 * 168) % 168
    day = 100 + 50 * np.sin(hours / 24 * 2 * np.pi)
    night = 100 - 50 * np.sin(hours / 24 * 2 * np.pi)
    assert shape_change(day, hours, 3600, "the load of web") is None
    changed = shape_change(np.concatenate([day[: 6 * 168], night[6 * 168 :]]), hours, 3600, "the load of web")
    assert changed.fraction == pytest.approx(-1, abs=0.01)
    assert "another weekly shape" in changed.sentence
