"""Availability Zone rebalancing in the replay."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.ecs import PlacementStrategy
from advisor.simulate.replay import LostZone, RollingDeployments
from tests.replays import cluster, counts, over_time

a_few = settings(max_examples=max(10, settings().max_examples // 3))
SPREADS = [PlacementStrategy.DEFAULT_SPREAD, PlacementStrategy.SPREAD_THEN_BINPACK]


def after_a_loss(most_percent=200, placement=PlacementStrategy.DEFAULT_SPREAD, *, is_on=True):
    """Four tasks, two in each zone; one zone's instance is lost at minute 2, and another is there at minute 3."""
    rules = RollingDeployments(steps=(), maximum_percent=most_percent, healthy_s=0)
    task = replace(counts([4.0] * 7, start_s=60), rebalances_zones=is_on, deployments=rules)
    lost = (LostZone(step=2, zone=0, until=2),)
    return over_time([task], replace(cluster(zones=2, placement=placement, boot_s=0, min_instances=2), lost_zones=lost))


@pytest.mark.parametrize("placement", SPREADS)
def test_tasks_start_in_the_other_zone_before_as_many_stop(placement):
    """Amazon ECS Developer Guide, "Balancing an Amazon ECS service across Availability Zones". Of 0 and 4 two move."""
    run = after_a_loss(placement=placement)
    assert run["placed"][0].tolist() == [4, 4, 4, 6, 4, 4, 4]
    assert run["running"][0].tolist() == [4, 4, 2, 4, 4, 4, 4]
    assert (run["desired"] == 4).all()


def test_the_tasks_beside_the_desired_count_stay_within_the_maximum():
    assert after_a_loss(125)["placed"][0].tolist() == [4, 4, 4, 5, 5, 4, 4]
    assert (after_a_loss(100)["placed"] == 4).all()


def test_without_it_or_with_binpack_tasks_stay_where_they_are():
    assert (after_a_loss(is_on=False)["placed"] == 4).all()
    assert (after_a_loss(placement=PlacementStrategy.BINPACK)["placed"] == 4).all()


@a_few
@given(
    n_tasks=st.integers(1, 20),
    zones=st.integers(2, 4),
    placement=st.sampled_from(SPREADS),
    start_s=st.sampled_from([0, 60, 120]),
    most_percent=st.integers(100, 200),
)
def test_it_ends_and_moves_no_more_than_makes_zones_equal(n_tasks, zones, placement, start_s, most_percent):
    """One instance in each zone with room for all; of the lost zone's tasks at most its fair share comes back."""
    rules = RollingDeployments(steps=(), maximum_percent=most_percent, healthy_s=0)
    task = replace(counts([float(n_tasks)] * 120, task=(100, 100), start_s=start_s), rebalances_zones=True, deployments=rules)
    on = cluster((2_048, 7_600, 99), zones=zones, placement=placement, min_instances=zones, boot_s=0)
    run = over_time([task], replace(on, lost_zones=(LostZone(step=5, zone=zones - 1, until=5),)))
    extra = run["placed"][0] - n_tasks
    assert extra.max() <= n_tasks * most_percent // 100 - n_tasks
    assert extra.sum() <= -(-n_tasks // zones) * max(1, start_s // 60)
    assert extra[-1] == 0
    assert (run["running"][0][20:] >= n_tasks).all()
