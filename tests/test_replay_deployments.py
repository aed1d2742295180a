"""Rolling deployments in the replay: AWS's examples, laws, and what they take in instances."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.simulate.replay import RollingDeployments
from tests.replays import cluster, counts, over_time, service

a_few = settings(max_examples=max(10, settings().max_examples // 3))


def deploying(of, *steps, low=100, high=200, healthy_s=0, stop_s=0):
    rules = RollingDeployments(steps=steps, minimum_healthy_percent=low, maximum_percent=high, healthy_s=healthy_s)
    return replace(of, deployments=rules, stop_s=stop_s)


# AWS's examples: Amazon ECS Developer Guide, "Deploy Amazon ECS services by replacing tasks"


def test_with_half_of_four_healthy_two_stop_before_two_start():
    run = over_time([deploying(counts([4.0] * 8, start_s=60), 2, low=50, high=100)])
    assert run["running"][0].tolist() == [4, 4, 2, 2, 4, 4, 4, 4]
    assert (run["placed"] == 4).all()
    assert run["deploying"][0].tolist() == [False, False, True, True, False, False, False, False]


@pytest.mark.parametrize(("high", "placed"), [(100, [2] * 6), (200, [2, 4, 2, 2, 2, 2])])
def test_with_three_quarters_of_two_healthy_none_can_stop_first(high, placed):
    run = over_time([deploying(counts([2.0] * 6, start_s=60), 1, low=75, high=high)])
    assert run["placed"][0].tolist() == placed
    assert (run["running"] >= 2).all()


def test_with_twice_four_tasks_allowed_four_start_before_four_stop():
    """Amazon ECS API Reference, DeploymentConfiguration; without a health check a task counts as healthy after 40 s."""
    run = over_time([deploying(counts([4.0] * 6, start_s=60), 1, healthy_s=40)])
    assert run["placed"][0].tolist() == [4, 8, 8, 4, 4, 4]
    assert run["running"][0].tolist() == [4, 4, 8, 4, 4, 4]


def test_the_upper_limit_is_rounded_down():
    """By hand: 150 % of three are four, one more at a time; 125 % are three, and nothing moves."""
    three = counts([3.0] * 7, start_s=60)
    assert over_time([deploying(three, 1, high=150)])["placed"][0].tolist() == [3, 4, 4, 4, 3, 3, 3]
    blocked = over_time([deploying(three, 1, high=125)])
    assert (blocked["placed"] == 3).all()
    assert blocked["deploying"][0, 1:].all()


# Laws


@a_few
@given(
    n_tasks=st.integers(0, 20),
    low=st.integers(0, 100),
    high=st.integers(100, 300),
    steps=st.lists(st.integers(0, 30), max_size=3),
    start_s=st.sampled_from([0, 60, 150]),
    healthy_s=st.sampled_from([0, 40]),
)
def test_running_tasks_stay_between_both_limits(n_tasks, low, high, steps, start_s, healthy_s):
    run = over_time(
        [deploying(counts([float(n_tasks)] * 60, start_s=start_s), *steps, low=low, high=high, healthy_s=healthy_s)]
    )
    assert run["running"].min() >= -(-n_tasks * low // 100)
    assert run["placed"].max() <= n_tasks * high // 100
    assert (run["waiting"] == 0).all()


@a_few
@given(n_tasks=st.integers(0, 20), start=st.integers(0, 4), check=st.integers(0, 3), stop=st.integers(0, 5))
def test_a_default_deployment_holds_every_task_twice_until_the_new_one_is_healthy_and_the_old_one_gone(
    n_tasks, start, check, stop
):
    given_service = counts([float(n_tasks)] * 40, start_s=60 * start)
    run = over_time([deploying(given_service, 5, healthy_s=60 * check, stop_s=60 * stop)])
    # Without start and check a new task is healthy in the step in which it starts, and the old one stops in the next.
    both = max(start + check, 1)
    assert (run["placed"] + run["draining"]).sum() == n_tasks * (40 + both + stop)


@a_few
@given(n_tasks=st.integers(0, 9), zones=st.integers(1, 3), at=st.integers(0, 39))
def test_a_deployment_that_both_limits_block_changes_nothing(n_tasks, zones, at):
    """Both at 100 % (API Reference, DeploymentConfiguration)."""
    plain, on = counts([float(n_tasks)] * 40), cluster(zones=zones)
    without = over_time([plain], on)
    for name, series in over_time([deploying(plain, at, high=100)], on).items():
        assert name == "deploying" or (series == without[name]).all(), name


# Scaling


def test_during_a_deployment_no_policy_scales_in_and_one_that_scales_out_does():
    """Both limits at 100 %, so that it never ends. Load falls to 1 at minute 5; at minute 40 it wants 6 tasks."""
    load = [4.0] * 5 + [1.0] * 35 + [6.0] * 10
    free, held = service(load), deploying(service(load), 5, high=100)
    assert over_time([free])["desired"][0, 30] == 1
    desired = over_time([held])["desired"][0]
    assert (desired[:40] == 4).all()
    assert desired[-1] == 6


def test_scale_in_follows_at_once_where_its_alarm_was_on_when_the_deployment_ended():
    load = [4.0] * 5 + [1.0] * 35
    run = over_time([deploying(service(load, start_s=1_200), 5)])
    assert run["deploying"][0].tolist() == [False] * 5 + [True] * 20 + [False] * 15
    assert run["desired"][0].tolist() == [4] * 26 + [1] * 14


# Instances


def test_old_and_new_tasks_need_twice_the_instances_until_scale_in():
    """By hand: four full instances; four more launched at minute 1, active at 4, healthy at 5, empty for 15 minutes then.

    Old tasks leave the first four; of those at most three end in a minute.
    """
    run = over_time([deploying(counts([4.0] * 40, task=(2_048, 7_600), start_s=60), 1)], cluster())
    assert run["waiting"][0, 1:5].tolist() == [4, 4, 4, 0]
    assert run["instances"].tolist() == [4, 4, *[8] * 18, 5, *[4] * 19]


def test_a_task_that_drains_keeps_its_instance():
    """A full instance for a task; the task that stops at minute 3 holds it for ten minutes, and then 15 of scale-in begin."""
    run = over_time([replace(counts([2.0] * 2 + [1.0] * 40, task=(2_048, 7_600)), stop_s=600)], cluster())
    assert run["draining"][0].tolist() == [0] * 3 + [1] * 10 + [0] * 29
    assert run["instances"].tolist() == [2] * 28 + [1] * 14
    assert (run["reserved"][0] == 2_048 * np.repeat([2, 1], [13, 29])).all()
