"""The counts replay: many cells at once against a plain loop of one cell, and against the replay that places tasks."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from advisor.simulate.replay import (
    ClusterRules,
    CountedCells,
    CountedCluster,
    ReplayedService,
    ScaleInStep,
    ScalingRules,
    ScheduledBounds,
    counts_over_time,
    replay_cluster,
    replay_counts,
)
from advisor.simulate.replay.counted_instances import inverse_of
from tests.oracle import counts

a_few = settings(max_examples=max(1, settings().max_examples // 4))


def policies(random):
    return {
        "out_points": int(random.choice([3, 3, 1, 0])),
        "in_points": int(random.choice([15, 5, 1, 0, 30])),
        "low_fraction": 0.9,
        "out_cooldown_s": int(random.choice([0, 45, 180, 300, 600, 4500])),
        "in_cooldown_s": int(random.choice([0, 45, 180, 300, 600])),
        "scale_in_step": str(random.choice(["formula", "formula", "one"])),
        "is_scale_in_disabled": bool(random.random() < 0.1),
    }


def groups(random):
    least = int(random.choice([0, 0, 2]))
    return {
        "target_capacity_percent": int(random.choice([100, 100, 90, 70])),
        "out_points": int(random.choice([1, 1, 2])),
        "in_points": int(random.choice([1, 3, 15])),
        "wait_after_out_s": int(random.choice([0, 120, 900])),
        "warm_up_s": int(random.choice([0, 100, 300])),
        "least_step": int(random.choice([1, 1, 2])),
        "most_step": int(random.choice([10_000, 2])),
        "from_zero": 2,
        "boot_s": int(random.choice([0, 60, 120, 180])),
        "min_instances": least,
        "max_instances": [None, None, 9][int(random.integers(3))],
    }


def loads(random, n_steps, n_cells):
    """Plateaus with jumps, noise, whole numbers, zeros and gaps, (steps, cells)."""
    columns = []
    for _ in range(n_cells):
        values = []
        while len(values) < n_steps:
            level = random.choice([np.nan, 0.0, *range(1, 12), *random.uniform(0, 30, 4)])
            noise = random.choice([0.0, 0.0, 0.3])
            values.extend((level * random.uniform(1 - noise, 1 + noise, random.integers(1, 25))).tolist())
        columns.append(values[:n_steps])
    return np.array(columns).T


def cells(seed, n_steps, n_cells, *, is_on_instances):
    random = np.random.default_rng(seed)
    policy, group = policies(random), groups(random)
    rules = dict(policy)
    least = random.choice([0, 1, 2], n_cells)
    given_cells = CountedCells(
        load=loads(random, n_steps, n_cells),
        min_tasks=least,
        max_tasks=random.choice([np.inf, 8.0, 12.0], n_cells),
        saturates_at=random.choice([np.inf, 1.25, 5 / 3], n_cells),
        start_s=int(random.choice([0, 45, 60, 180])),
        scaling=ScalingRules(scale_in_step=ScaleInStep(rules.pop("scale_in_step")), **rules),
        cluster=CountedCluster(places=random.integers(1, 7, n_cells), zones=2, rules=ClusterRules(**group))
        if is_on_instances
        else None,
    )
    return given_cells, policy, group


def none_if_infinite(value):
    return None if np.isinf(value) else value


@a_few
@given(seed=st.integers(0, 2**32), is_on_instances=st.booleans(), step_s=st.sampled_from([60, 60, 20]))
@example(seed=167, is_on_instances=False, step_s=60)  # a scale-out at once after a scale-in ends the cooldown of that
def test_every_cell_is_the_plain_loop_at_every_step(seed, is_on_instances, step_s):
    given_cells, policy, group = cells(seed, 150, 6, is_on_instances=is_on_instances)
    found = replay_counts(given_cells, step_s=step_s)
    for at in range(6):
        service = {
            "min": int(given_cells.min_tasks[at]),
            "max": none_if_infinite(given_cells.max_tasks[at]),
            "saturates_at": none_if_infinite(given_cells.saturates_at[at]),
            "start_s": given_cells.start_s,
            "policy": policy,
        }
        places = int(given_cells.cluster.places[at]) if is_on_instances else None
        expected = np.array(counts.replay(given_cells.load[:, at].tolist(), service, places, 2, group, step_s)).T
        assert found.placed[:, at].tolist() == expected[0].tolist()
        assert found.running[:, at].tolist() == expected[1].tolist()
        if is_on_instances:
            assert found.waiting[:, at].tolist() == expected[2].tolist()
            assert found.instances[:, at].tolist() == expected[3].tolist()


def with_moving_bounds(given_cells, seed):
    """Up to four times at which the bounds of a cell change."""
    random, shape = np.random.default_rng(seed), given_cells.load.shape
    least, most = np.tile(given_cells.min_tasks, (shape[0], 1)).astype(float), np.tile(given_cells.max_tasks, (shape[0], 1))
    for cell in range(shape[1]):
        for step in sorted(random.integers(0, shape[0], random.integers(0, 5)).tolist()):
            least[step:, cell] = random.integers(0, 8)
            most[step:, cell] = least[step, cell] + random.integers(0, 8)
    return replace(given_cells, min_tasks=least[0].astype(int), max_tasks=most[0], moving_bounds=(least, most))


def scheduled_of(given_cells, cell):
    if given_cells.moving_bounds is None:
        return ()
    least, most = (bounds[:, cell] for bounds in given_cells.moving_bounds)
    moves = np.flatnonzero((least[1:] != least[:-1]) | (most[1:] != most[:-1])) + 1
    return tuple(ScheduledBounds(step=int(t), min_tasks=int(least[t]), max_tasks=int(most[t])) for t in moves)


@a_few
@given(seed=st.integers(0, 2**32), is_scheduled=st.booleans())
def test_without_instances_the_counts_are_those_of_the_replay_on_fargate(seed, is_scheduled):
    given_cells, _, _ = cells(seed, 200, 5, is_on_instances=False)
    if is_scheduled:
        given_cells = with_moving_bounds(given_cells, seed)
    services = [
        ReplayedService(
            name=f"service-{at}",
            reservation=np.array([256, 512, 1]),
            start_s=given_cells.start_s,
            min_tasks=int(given_cells.min_tasks[at]),
            max_tasks=none_if_infinite(given_cells.max_tasks[at]),
            load=given_cells.load[:, at],
            saturates_at=none_if_infinite(given_cells.saturates_at[at]),
            scaling=given_cells.scaling,
            scheduled=scheduled_of(given_cells, at),
        )
        for at in range(5)
    ]
    found, expected = replay_counts(given_cells, step_s=60), replay_cluster(services, None, step_s=60)
    assert found.placed.T.tolist() == expected.over_time(expected.placed).tolist()
    assert found.running.T.tolist() == expected.over_time(expected.running).tolist()


@a_few
@given(seed=st.integers(0, 2**32), n_steps=st.sampled_from([1, 719, 720, 721, 3000]), is_scheduled=st.booleans())
def test_a_history_in_pieces_is_the_history_as_a_whole(seed, n_steps, is_scheduled):
    given_cells, _, _ = cells(seed, n_steps, 3, is_on_instances=False)
    if is_scheduled:
        given_cells = with_moving_bounds(given_cells, seed)
    assert counts_over_time(given_cells, step_s=60).tolist() == replay_counts(given_cells, step_s=60).placed.tolist()


def test_cells_of_candidates_and_replicas_are_those_of_each_alone():
    load = loads(np.random.default_rng(3), 120, 4)[:, :, np.newaxis]
    targets = np.array([1.0, 1.2, 0.8])
    many = CountedCells(
        load=load * targets, min_tasks=np.array([1]), max_tasks=np.array([np.inf]), saturates_at=5 / 3 * targets, start_s=60,
        cluster=CountedCluster(places=np.array([3, 4, 6])),
    )  # fmt: skip
    found = replay_counts(many, step_s=60)
    assert found.placed.shape == (120, 4, 3)
    for at, target in enumerate(targets):
        alone = CountedCells(
            load=load[..., 0] * target, min_tasks=np.array(1), max_tasks=np.array(np.inf),
            saturates_at=np.array(5 / 3 * target), start_s=60, cluster=CountedCluster(places=np.array([3, 4, 6][at])),
        )  # fmt: skip
        assert replay_counts(alone, step_s=60).instances.tolist() == found.instances[:, :, at].tolist()


def test_a_load_that_all_cells_share_is_as_one_for_each():
    whole, _, _ = cells(4, 200, 6, is_on_instances=True)
    load = whole.load[:, :1]
    shared, each = replace(whole, load=load), replace(whole, load=np.repeat(load, 6, axis=1))
    assert replay_counts(shared, step_s=60).running.tolist() == replay_counts(each, step_s=60).running.tolist()


def test_what_is_kept_is_what_was_asked_for():
    given_cells, _, _ = cells(2, 60, 3, is_on_instances=True)
    everything, some = (replay_counts(given_cells, step_s=60, **also) for also in ({}, {"also": ["instances"]}))
    assert some.placed.tolist() == everything.placed.tolist()
    assert some.instances.tolist() == everything.instances.tolist()
    assert some.running is some.waiting is None
    assert replay_counts(replace(given_cells, cluster=None), step_s=60).instances is None


@pytest.mark.parametrize("shape", ["plateaus that meet targets exactly", "noise"])
def test_single_precision_gives_the_same_replay(shape):
    random = np.random.default_rng(5)
    if shape == "noise":
        load = 20 * (1.2 + np.sin(np.arange(2000) / 300))[:, np.newaxis] * random.normal(1, 0.05, (2000, 30))
    else:
        load = np.repeat(random.integers(0, 120, (100, 30)) / 10, random.integers(1, 25, 100), axis=0)

    def replayed(kind):
        cells = CountedCells(
            load=load.astype(kind), min_tasks=np.array([2]), max_tasks=np.array([np.inf]), saturates_at=np.array([5 / 3]),
            start_s=60, cluster=CountedCluster(places=np.array([5])),
        )  # fmt: skip
        return replay_counts(cells, step_s=60)

    single, double = replayed(np.float32), replayed(np.float64)
    for name in ("placed", "running", "waiting", "instances"):
        np.testing.assert_array_equal(getattr(single, name), getattr(double, name))
    assert np.unique(double.instances).size > 2


def test_exact_multiples_fill_no_further_instance_in_single_precision():
    places = np.arange(1, 41, dtype=np.float32)[:, np.newaxis]
    tasks = np.concatenate([np.arange(3_000), np.arange(999_000, 1_000_001)]).astype(np.float32)
    expected = -(-tasks.astype(np.int64) // places.astype(np.int64))
    np.testing.assert_array_equal(np.ceil(tasks * inverse_of(places)), expected)


def test_a_history_in_pieces_has_no_instances():
    given_cells, _, _ = cells(1, 10, 2, is_on_instances=True)
    with pytest.raises(ValueError, match="no instances"):
        counts_over_time(given_cells, step_s=60)
