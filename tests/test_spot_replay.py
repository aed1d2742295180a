"""Spot capacity that is taken back, worked by hand; docs/replay.md has the rules."""

from dataclasses import replace

import numpy as np
import pytest

from advisor.simulate.replay import Interruption, ManagedRules, ReplayedCluster, SpotRules, draw_interruptions, replay_cluster
from advisor.simulate.spot import interruptions_per_month
from tests.replays import MINUTE, cluster, counts


def replayed(services, on, **spot):
    run = replay_cluster(services, on, step_s=MINUTE, spot=SpotRules(**spot))
    names = ("running", "placed", "draining", "waiting", "desired", "instances", "active")
    return {name: run.over_time(getattr(run, name)) for name in names} | {"unmet": run.over_time(run.unmet)}


def test_with_room_elsewhere_tasks_are_replaced_within_the_notice():
    # Two tasks on the first of two instances of four places; others start within a minute, so that none is missed.
    run = replayed(
        [counts([2] * 20, task=(512, 512), start_s=60)],
        cluster(min_instances=2, boot_s=120),
        interruptions=(Interruption(step=5, place=0),),
    )
    assert not run["unmet"].any()
    assert run["draining"][0].tolist() == [0] * 5 + [2] + [0] * 14  # they stop as the others run, in step 6
    # Notice at 5, gone with 7; launched at the end of 7, there from 8, active from 10.
    assert run["instances"].tolist() == [2] * 7 + [1] + [2] * 12
    assert run["active"].tolist() == [2] * 5 + [1] * 5 + [2] * 10


def test_without_room_tasks_serve_for_two_minutes_and_are_missed_until_an_instance_has_booted():
    run = replayed(
        [counts([4] * 20, task=(1024, 1024), start_s=60)], cluster(boot_s=120), interruptions=(Interruption(step=5, place=0),)
    )
    # Two of four tasks: served in steps 5 and 6; gone with 7, new instance active from 10, tasks from 11: 4 x 2 task-minutes.
    assert run["running"][0].tolist() == [4] * 7 + [2] * 4 + [4] * 9
    assert run["unmet"].sum() == 8


def test_without_spot_capacity_nothing_falls_back():
    run = replayed(
        [counts([4] * 60, task=(1024, 1024), start_s=60)],
        cluster(boot_s=120),
        interruptions=(Interruption(step=5, place=0),),
        without_capacity=((5, 40),),
    )
    assert run["instances"].tolist() == [2] * 7 + [1] * 34 + [2] * 19  # gone with 7; launched at the end of 40
    assert run["running"][0].tolist() == [4] * 7 + [2] * 37 + [4] * 16


def test_a_service_of_one_task_on_fargate_spot_is_down_until_there_is_capacity():
    # Amazon ECS Developer Guide, "Amazon ECS clusters for Fargate": no fallback, the service retries.
    service = counts([1] * 30, start_s=60)
    run = replayed([service], None, interruptions=(Interruption(step=5, place=0),), without_capacity=((4, 12),))
    assert run["running"][0].tolist() == [1] * 7 + [0] * 6 + [1] * 17
    assert run["unmet"].sum() == 6
    there = replayed([service], None, interruptions=(Interruption(step=5, place=0),))
    assert not there["unmet"].any()
    assert (there["placed"] + there["draining"])[0].tolist() == [1] * 5 + [2] + [1] * 24  # both are billed while one starts


def test_a_base_on_demand_is_neither_interrupted_nor_without_capacity():
    service = replace(counts([1] * 5 + [4] * 25, start_s=60), on_demand_base=2)
    hits = tuple(Interruption(step=3, place=place) for place in range(4))
    run = replayed([service], None, interruptions=hits, without_capacity=((0, 20),))
    assert run["running"][0].tolist() == [1] * 7 + [2] * 14 + [4] * 9


def test_an_interruption_of_a_place_without_an_instance_does_nothing():
    services, on = [counts([4] * 20, task=(1024, 1024))], cluster()
    assert replayed(services, on, interruptions=(Interruption(step=5, place=2),))["instances"].tolist() == [2] * 20


def test_drawn_interruptions_have_the_rate_of_the_band():
    drawn = draw_interruptions(np.random.default_rng(1), 0.2, most_places=200, n_steps=730 * 60, step_s=60)
    assert len(drawn) == pytest.approx(200 * interruptions_per_month(0.2), rel=0.3)  # 44.6 a month, give or take 6.7
    assert drawn == draw_interruptions(np.random.default_rng(1), 0.2, most_places=200, n_steps=730 * 60, step_s=60)
    assert [each.step for each in drawn] == sorted(each.step for each in drawn)


def test_managed_instances_on_spot_are_refused():
    on = ReplayedCluster(
        capacity=np.array([2048, 7600, 8]), zones=1, placement=cluster().placement, managed=ManagedRules(least_instances=1)
    )
    with pytest.raises(ValueError, match="Managed Instances"):
        replayed([counts([1] * 5)], on)
