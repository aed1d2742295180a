"""Managed Instances under their own rules, worked by hand; docs/replay.md has the rules and their sources."""

import numpy as np
import pytest

from advisor.ecs import PlacementStrategy
from advisor.simulate.replay import ManagedRules, ReplayedCluster
from tests.replays import counts, over_time

DAY = 24 * 60
"""In steps of a minute."""


def managed(offered=(2048, 7600, 8), *, zones=1, placement=PlacementStrategy.BINPACK, **rules):
    return ReplayedCluster(capacity=np.array(offered), zones=zones, placement=placement, managed=ManagedRules(**rules))


def test_instances_come_without_an_alarm_and_idle_ones_go_after_scale_in_after():
    # Two tasks an instance. Six tasks from step 2 on need two more: seen at its end, active two minutes after step 3.
    load = [2] + [6] * 10 + [2] * 15
    run = over_time([counts(load, task=(1024, 1024))], managed(boot_s=120, scale_in_after_s=300))
    # Counts fall with step 12; the two were busy last in step 11, and end with step 16.
    assert run["instances"].tolist() == [1] * 3 + [3] * 14 + [1] * 9
    assert run["waiting"][0].tolist() == [0, 0, 4, 4, 4] + [0] * 21


def test_scale_in_never_is_never():
    run = over_time([counts([6] * 5 + [0] * 100, task=(1024, 1024))], managed(scale_in_after_s=None))
    assert run["instances"].tolist() == [3] * 105


def test_tasks_of_an_underutilized_instance_move_without_a_gap_in_service():
    # Default spread leaves one task on each of three instances of four places; two of them hand theirs on.
    load = [12] * 3 + [3] * 20
    run = over_time(
        [counts(load, task=(512, 512), start_s=60)],
        managed(placement=PlacementStrategy.DEFAULT_SPREAD, scale_in_after_s=300),
    )
    # The counts fall with step 4; five minutes later, at the end of step 9, tasks move; the start takes a minute.
    assert run["instances"].tolist() == [3] * 11 + [1] * 12
    assert run["running"][0].tolist() == [12] * 4 + [3] * 19


def test_tasks_do_not_move_to_another_zone():
    run = over_time([counts([2] * 30, task=(512, 512))], managed(zones=2, placement=PlacementStrategy.SPREAD_THEN_BINPACK))
    assert run["instances"].tolist() == [2] * 30


@pytest.mark.parametrize(("least", "kept"), [(0, 1), (2, 2)])
def test_the_zones_of_a_plan_are_kept_while_tasks_run(least, kept):
    load = [1] * 20 + [0] * 20
    run = over_time([counts(load, task=(512, 512))], managed(zones=2, least_instances=least, scale_in_after_s=60))
    assert run["instances"][:20].tolist() == [kept] * 20
    assert run["instances"][-1] == 0


def test_each_instance_is_replaced_once_in_fourteen_days():
    # Two full instances: each is closed once a fortnight, its successor boots for two minutes, the tasks start within one.
    n_steps = 28 * DAY
    run = over_time([counts([4] * n_steps, task=(1024, 1024), start_s=60)], managed(boot_s=120))
    extra = run["instances"] - 2
    assert (run["running"] == 4).all()
    assert np.flatnonzero(np.diff(extra) > 0).tolist() == [7 * DAY - 1, 14 * DAY - 1, 21 * DAY - 1]
    assert extra.sum() == 3 * 4  # by hand: from the launch on, two minutes of boot, one until it is seen, one of the start
