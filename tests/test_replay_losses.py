"""Tasks that fail and zones that are lost in the replay."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.ecs import PlacementStrategy
from advisor.simulate.replay import LostZone, RollingDeployments, TaskFailures
from tests.replays import cluster, counts, over_time, service

a_few = settings(max_examples=max(10, settings().max_examples // 3))
A_WHOLE_INSTANCE = (2_048, 7_600)


@pytest.mark.parametrize("on", [None, cluster()])
def test_a_task_that_fails_is_replaced_at_once(on):
    """Amazon ECS Developer Guide, "Amazon ECS services". The other serves after its start of two minutes."""
    failing = replace(counts([3.0] * 7, start_s=120), failures=(TaskFailures(step=2, n_tasks=1),))
    run = over_time([failing], on)
    assert run["running"][0].tolist() == [3, 3, 2, 2, 3, 3, 3]
    assert (run["placed"] == 3).all()


def test_a_failure_in_a_deployment_leaves_fewer_old_tasks_to_stop():
    """By hand: half of four stay healthy. One of them fails at once, so that only one stops before the first new ones run."""
    rules = RollingDeployments(steps=(1,), minimum_healthy_percent=50, maximum_percent=100, healthy_s=0)
    failing = replace(counts([4.0] * 6, start_s=60), deployments=rules, failures=(TaskFailures(step=1, n_tasks=1),))
    run = over_time([failing])
    assert run["running"][0].tolist() == [4, 2, 2, 4, 4, 4]


@a_few
@given(
    failures=st.lists(st.builds(TaskFailures, step=st.integers(0, 20), n_tasks=st.integers(0, 5)), max_size=4),
    start_s=st.sampled_from([0, 60, 180]),
)
def test_a_failure_lasts_as_long_as_the_start_of_another_task(failures, start_s):
    run = over_time([replace(counts([4.0] * 40, start_s=start_s), failures=tuple(failures))])
    lost = 4 - run["running"][0]
    assert lost.sum() <= sum(each.n_tasks for each in failures) * start_s / 60
    assert (run["placed"] == 4).all()


def test_tasks_of_a_lost_zone_wait_until_the_group_has_launched_as_many_instances_in_the_other():
    """By hand: lost at minute 3, launched at its end, active after a minute of boot at 5, and tasks run a minute later."""
    on = replace(cluster(zones=2, boot_s=60), lost_zones=(LostZone(step=3, zone=0),))
    run = over_time([counts([4.0] * 8, task=A_WHOLE_INSTANCE, start_s=60)], on)
    assert run["instances"].tolist() == [4, 4, 4, 2, 4, 4, 4, 4]
    assert run["running"][0].tolist() == [4, 4, 4, 2, 2, 2, 4, 4]
    assert run["waiting"][0].tolist() == [0, 0, 0, 2, 2, 0, 0, 0]


def test_where_every_zone_is_lost_the_group_waits_for_one():
    on = replace(cluster(boot_s=60), lost_zones=(LostZone(step=1, zone=0, until=5),))
    run = over_time([counts([2.0] * 9, task=A_WHOLE_INSTANCE)], on)
    assert run["instances"].tolist() == [2, 0, 0, 0, 0, 0, 2, 2, 2]


@a_few
@given(
    n_tasks=st.integers(1, 30),
    zones=st.integers(2, 4),
    lost=st.integers(0, 3),
    placement=st.sampled_from(list(PlacementStrategy)),
)
def test_with_a_zones_worth_of_instances_more_no_task_waits_for_one(n_tasks, zones, lost, placement):
    """What `advisor instances` says that the loss of a zone takes: P + ceil(P / (zones - 1)) instances for P full ones."""
    packed = -(-n_tasks // 8)
    on = cluster(zones=zones, placement=placement, min_instances=packed + -(-packed // (zones - 1)))
    run = over_time([counts([float(n_tasks)] * 8)], replace(on, lost_zones=(LostZone(step=3, zone=lost % zones),)))
    assert (run["waiting"] == 0).all()


def test_a_failure_asks_for_no_more_tasks_than_the_load():
    """By hand: two of four tasks are left at minute 2, at 200 %, which asks for 2 x 200 % = 4; they run again at minute 5."""
    failing = replace(service([4.0] * 12, start_s=180), failures=(TaskFailures(step=2, n_tasks=2),))
    run = over_time([failing])
    assert run["running"][0].tolist() == [4, 4, 2, 2, 2, *[4] * 7]
    assert (run["desired"] == 4).all()
