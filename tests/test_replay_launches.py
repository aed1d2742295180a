"""Limits on how many tasks start: Fargate's launch rate, and tasks in PROVISIONING that managed scaling sees."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.simulate.replay import LaunchRate, replay_cluster
from tests.replays import cluster, counts, over_time

a_few = settings(max_examples=max(10, settings().max_examples // 3))


def placed(loads, rate, step_s=20):
    run = replay_cluster([counts(load) for load in loads], None, step_s=step_s, launches=rate)
    return run.over_time(run.placed).tolist()


def test_a_full_bucket_of_a_hundred_and_then_twenty_a_second():
    """Amazon ECS Developer Guide, "AWS Fargate throttling quotas": at once 100 tasks, and 20 a second as long as needed."""
    (tasks,) = placed([[0.0] + [3_000.0] * 9], LaunchRate())
    assert tasks == [0, 0, 500, 900, 1_300, 1_700, 2_100, 2_500, 2_900, 3_000]


def test_outside_of_the_large_regions_twenty_five_and_five_a_second():
    (tasks,) = placed([[0.0] + [300.0] * 5], LaunchRate(burst=25, sustained_per_s=5))
    assert tasks == [0, 0, 125, 225, 300, 300]


def test_services_share_the_bucket_in_their_order():
    first, second = placed([[0.0] + [30.0] * 4] * 2, LaunchRate(burst=10, sustained_per_s=1))
    assert first == [0, 0, 30, 30, 30]
    assert second == [0, 0, 0, 20, 30]


@a_few
@given(
    load=st.lists(st.integers(0, 60), min_size=1, max_size=30),
    burst=st.integers(1, 20),
    per_s=st.sampled_from([0.05, 0.1, 0.5, 1]),
    step_s=st.sampled_from([20, 60]),
)
def test_over_any_time_no_more_start_than_a_full_bucket_and_what_fills_up(load, burst, per_s, step_s):
    """The first step has its tasks."""
    (tasks,) = placed([[float(n) for n in load]], LaunchRate(burst=burst, sustained_per_s=per_s), step_s)
    started = [max(0, now - before) for before, now in pairwise(tasks)]
    for begin in range(len(started)):
        for end in range(begin, len(started)):
            assert sum(started[begin : end + 1]) <= burst + per_s * step_s * (end + 1 - begin) + 1e-9


def test_managed_scaling_sees_five_hundred_tasks_in_provisioning():
    """Amazon ECS endpoints and quotas. A task on each instance: of 700 that wait it launches for 500, then for the others."""
    run = over_time([counts([1.0, *[701.0] * 9], task=(2_048, 7_600))], cluster(boot_s=0, warm_up_s=0))
    assert run["instances"].tolist() == [1, 1, 1, 501, 701, 701, 701, 701, 701, 701]
