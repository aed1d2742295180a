"""Packing in groups, many states at once, against packing one task after the other; and what holds for any packing."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.ecs import TaskSize
from advisor.optimize.packed import packed_load
from advisor.simulate.packing import first_fit_decreasing, volume_bound
from advisor.simulate.scaling import running_tasks
from advisor.simulate.timeline import timeline
from advisor.workload import LoadForm, Scaling, Service
from tests.oracle import packing

ROOM = (8 * 1024, 31_356, 40)
"""CPU units, MiB and network slots of an m6i.2xlarge with trunking."""
tasks_of_a_service = st.one_of(
    st.tuples(st.integers(32, 8 * 1024), st.integers(32, 31_356), st.just(1)),
    st.tuples(st.integers(32, 1024), st.integers(32, 4096), st.just(1)),
    st.tuples(st.sampled_from([256, 512, 1024, 2048]), st.sampled_from([512, 1024, 2048, 4096, 8192]), st.just(1)),
)


@st.composite
def clusters(draw, max_services=12, max_count=60, max_states=8):
    """Tasks of each service in several states, (states, services), and what one task of each takes."""
    tasks = draw(st.lists(tasks_of_a_service, min_size=1, max_size=max_services))
    count = st.one_of(st.integers(0, max_count), st.integers(0, 3))
    states = st.lists(st.lists(count, min_size=len(tasks), max_size=len(tasks)), min_size=1, max_size=max_states)
    return np.array(draw(states)), np.array(tasks)


def one_by_one(counts, tasks):
    return [task for count, task in zip(counts.tolist(), tasks.tolist(), strict=True) for task in [tuple(task)] * count]


@given(clusters())
def test_groups_of_instances_are_filled_as_one_instance_after_the_other(cluster):
    counts, tasks = cluster
    expected = [packing.first_fit_instances(one_by_one(state, tasks), ROOM) for state in counts]
    assert first_fit_decreasing(counts, tasks, np.array(ROOM)).tolist() == expected


@given(clusters(max_services=6), st.integers(1, 200))
def test_groups_leave_the_same_room_as_one_instance_after_the_other(cluster, most):
    """Tasks that come last because they are the smallest find as many places."""
    counts, tasks = cluster
    smallest = np.array([[1, 1, 1]])
    for n in (1, most // 2, most):
        with_more = np.hstack([counts, np.full((len(counts), 1), n)])
        all_tasks = np.vstack([tasks, smallest])
        expected = [packing.first_fit_instances(one_by_one(state, all_tasks), ROOM) for state in with_more]
        assert first_fit_decreasing(with_more, all_tasks, np.array(ROOM)).tolist() == expected


@given(clusters(max_services=4, max_states=1), st.integers(1, 50))
def test_states_do_not_know_of_each_other(cluster, more):
    counts, tasks = cluster
    alone = first_fit_decreasing(counts, tasks, np.array(ROOM))[0]
    among_others = first_fit_decreasing(np.vstack([counts + more, counts, 0 * counts]), tasks, np.array(ROOM))
    assert among_others[1] == alone
    assert among_others[2] == 0


@given(clusters(max_services=4), st.lists(st.integers(0, 3), min_size=1, max_size=8), st.randoms())
def test_services_with_tasks_of_one_size_fill_as_many_instances_as_one_service_with_all_of_them(cluster, of, random):
    counts, tasks = cluster
    copies = np.array([*range(len(tasks)), *(each % len(tasks) for each in of)])
    random.shuffle(copies)
    split = np.stack([counts[:, each] + at for at, each in enumerate(copies)], axis=1)
    merged = np.stack([split[:, copies == each].sum(axis=1) for each in range(len(tasks))], axis=1)
    room = np.array(ROOM)
    assert first_fit_decreasing(split, tasks[copies], room).tolist() == first_fit_decreasing(merged, tasks, room).tolist()


@given(clusters(), st.integers(0, 11), st.integers(1, 30))
def test_more_tasks_and_smaller_instances_never_lower_the_volume_bound(cluster, service, more):
    counts, tasks = cluster
    grown = counts.copy()
    grown[:, service % counts.shape[1]] += more
    room = np.array([ROOM])
    bound = volume_bound(counts, tasks, room)
    assert (volume_bound(grown, tasks, room) >= bound).all()
    assert (volume_bound(counts, tasks, room * 3 // 4) >= bound).all()


def fewest_instances(tasks, room):
    """By trying everything: each task on each instance that has room, or on a new one."""
    best = len(tasks)

    def place(position, free):
        nonlocal best
        if len(free) >= best:
            return
        if position == len(tasks):
            best = len(free)
            return
        for number, left in enumerate(free):
            if packing.fits(tasks[position], left) and left not in free[:number]:
                place(position + 1, [*free[:number], taken(left, tasks[position]), *free[number + 1 :]])
        place(position + 1, [*free, taken(room, tasks[position])])

    place(0, [])
    return best


def taken(free, task):
    return tuple(left - wanted for left, wanted in zip(free, task, strict=True))


SMALL_ROOM = (20, 30, 4)
a_few_tasks = st.lists(st.tuples(st.integers(1, 20), st.integers(1, 30), st.just(1)), min_size=1, max_size=8)


def first_fit(tasks):
    return int(first_fit_decreasing(np.ones((1, len(tasks)), dtype=np.int64), np.array(tasks), np.array(SMALL_ROOM))[0])


@given(a_few_tasks)
def test_the_fewest_instances_lie_between_the_volume_bound_and_first_fit_decreasing(tasks):
    fewest = fewest_instances(tasks, SMALL_ROOM)
    bound = volume_bound(np.ones((1, len(tasks)), dtype=np.int64), np.array(tasks), np.array([SMALL_ROOM]))[0, 0]
    assert bound <= fewest <= first_fit(tasks)


@given(a_few_tasks)
def test_fewer_tasks_never_need_more_than_the_fewest_instances(tasks):
    assert fewest_instances(tasks[1:], SMALL_ROOM) <= fewest_instances(tasks, SMALL_ROOM)


@settings(max_examples=max(10, settings().max_examples // 4))
@given(a_few_tasks.filter(lambda tasks: len(tasks) <= 4))
def test_two_copies_never_need_more_than_twice_the_fewest_instances(tasks):
    assert fewest_instances(tasks * 2, SMALL_ROOM) <= 2 * fewest_instances(tasks, SMALL_ROOM)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=8))
def test_in_one_dimension_first_fit_decreasing_is_within_eleven_ninths_of_the_fewest(sizes):
    tasks = [(size, 1, 1) for size in sizes]
    room = (20, 1000, 1000)
    fewest = fewest_instances(tasks, room)
    found = first_fit_decreasing(np.ones((1, len(tasks)), dtype=np.int64), np.array(tasks), np.array(room))[0]
    assert fewest <= found <= (11 * fewest + 6) // 9


def test_a_block_boundary_and_huge_counts_change_nothing():
    random = np.random.default_rng(4)
    sizes = np.array([[256, 512, 1], [1024, 2048, 1], [300, 4000, 1]])
    capacity = np.array([8192, 31_000, 60])
    counts = random.integers(0, 9, (4_100, 3))
    whole = first_fit_decreasing(counts, sizes, capacity)
    assert whole[4_090:].tolist() == first_fit_decreasing(counts[4_090:], sizes, capacity).tolist()
    assert first_fit_decreasing(np.array([[10**9, 0, 0]]), sizes, capacity)[0] == -(-(10**9) // 32)
    assert first_fit_decreasing(np.zeros((2, 3), dtype=np.int64), sizes, capacity).tolist() == [0, 0]


@pytest.mark.parametrize("most", [3, 1_000_000])
def test_moments_are_told_apart_by_all_their_counts(most):
    n_services, n_steps = 12, 40
    counts = np.random.default_rng(0).integers(0, most, (n_services, n_steps // 2)).repeat(2, axis=1)
    counts[-1, -1] += 1  # differs from the step before in nothing else
    taken = Service(
        name="x", task=TaskSize(cpu_units=256, memory_mib=512), load_form=LoadForm.TASKS, scaling=Scaling(min_tasks=0)
    )
    axis = timeline(datetime(2024, 1, 1, tzinfo=UTC), 900, n_steps)
    load = packed_load([running_tasks(taken, row.astype(float), taken.task, axis) for row in counts])
    np.testing.assert_array_equal(load.distinct[load.state_of_step].T, counts)
    assert len(load.distinct) == len(np.unique(counts, axis=1).T)
