"""Tasks that an instance may hold one of: ``distinctInstance`` and fixed host ports."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.ecs import PlacementStrategy
from advisor.plan.placement import HostPort
from advisor.simulate.replay import RollingDeployments
from tests.replays import cluster, counts, over_time

a_few = settings(max_examples=max(10, settings().max_examples // 3))
placements = st.sampled_from(list(PlacementStrategy))
DISTINCT = {"has_distinct_instances": True}
HTTP, HTTPS, QUIC = HostPort(80), HostPort(443), HostPort(443, "udp")
PORT_80 = {"host_ports": (HTTP,)}


@pytest.mark.parametrize("kind", [DISTINCT, PORT_80])
def test_every_task_needs_an_instance(kind):
    """Amazon ECS API Reference, PlacementConstraint and PortMapping (in mode ``host`` one copy of a task on an instance)."""
    run = over_time([replace(counts([3.0] * 5 + [5.0] * 9), **kind)], cluster(boot_s=60))
    assert run["instances"].tolist() == [3] * 7 + [5] * 7
    assert run["waiting"][0].tolist() == [0] * 6 + [2] * 2 + [0] * 6


@a_few
@given(
    load=st.lists(st.integers(0, 9), min_size=1, max_size=40),
    kind=st.sampled_from([DISTINCT, PORT_80]),
    placement=placements,
    zones=st.integers(1, 3),
)
def test_instances_with_room_are_never_fewer_than_such_tasks(load, kind, placement, zones):
    run = over_time([replace(counts(load), **kind), counts([4.0] * len(load))], cluster(placement=placement, zones=zones))
    assert (run["placed"][0] <= run["active"]).all()


def test_services_share_instances_unless_they_share_a_port():
    def instances(*ports):
        services = [replace(counts([2.0]), host_ports=each) for each in ports]
        return int(over_time(services, cluster())["instances"][0])

    assert instances((HTTP,), (HTTPS,)) == 2
    assert instances((HTTP,), (HTTP, HTTPS)) == 4
    assert instances((HTTP,), ()) == 2
    assert instances((HTTPS,), (QUIC,)) == 2


@pytest.mark.parametrize("kind", [DISTINCT, PORT_80])
def test_a_deployment_needs_an_instance_for_every_new_task(kind):
    """Or none more, where old tasks may stop first."""
    task = replace(counts([2.0] * 12, start_s=60), **kind)
    rolled = replace(task, deployments=RollingDeployments(steps=(1,), healthy_s=0))
    assert over_time([rolled], cluster())["instances"].max() == 4
    in_place = replace(
        task, deployments=RollingDeployments(steps=(1,), minimum_healthy_percent=50, maximum_percent=100, healthy_s=0)
    )
    run = over_time([in_place], cluster())
    assert run["instances"].max() == 2
    assert run["deploying"][0].tolist() == [False] + [True] * 2 + [False] * 9


def test_a_draining_task_keeps_its_port():
    """The only instance there may be: the new task has the port when the old one is gone, five minutes after it was stopped."""
    task = replace(counts([1.0] * 12), stop_s=300, **PORT_80)
    rules = RollingDeployments(steps=(2,), minimum_healthy_percent=0, maximum_percent=100, healthy_s=0)
    run = over_time([replace(task, deployments=rules)], cluster(max_instances=1))
    assert run["placed"][0].tolist() == [1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert (np.diff(run["instances"]) == 0).all()
