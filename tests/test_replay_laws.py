"""Laws of a cluster replayed as ECS runs it, AWS's own examples, and lines that look like laws but are not."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import advisor
from advisor.ecs import ZONES_FIRST, PlacementStrategy
from advisor.simulate.instances import capacity
from advisor.simulate.replay import (
    ScaleInStep,
    ScalingRules,
    ScheduledBounds,
    StepScaling,
    TrackedMetric,
    replay_cluster,
)
from advisor.simulate.replay.placement import place, take
from tests.replays import MINUTE, cluster, counts, over_time, service

a_few = settings(max_examples=max(10, settings().max_examples // 3))
AT_ONCE = ScalingRules(out_points=0, in_points=0, out_cooldown_s=0, in_cooldown_s=0)

levels = st.one_of(st.integers(0, 12).map(float), st.integers(0, 120).map(lambda tenths: tenths / 10), st.just(np.nan))
loads = st.lists(st.tuples(levels, st.sampled_from([1, 2, 3, 4, 16, 20])), min_size=1, max_size=6).map(
    lambda plateaus: np.concatenate([np.full(length, level) for level, length in plateaus])
)
known_loads = loads.map(lambda load: np.nan_to_num(load, nan=1.0))
placements = st.sampled_from(list(PlacementStrategy))


# Service auto scaling


@a_few
@given(load=loads, least=st.integers(0, 3), more=st.integers(0, 9))
def test_desired_stays_in_its_bounds(load, least, more):
    desired = over_time([service(load, least=least, most=least + more)])["desired"]
    assert desired.min() >= least
    assert desired.max() <= least + more


@a_few
@given(tasks=st.integers(1, 40), percent=st.integers(90, 100), step_s=st.sampled_from([20, 60]))
def test_a_constant_load_between_low_threshold_and_target_causes_no_action(tasks, percent, step_s):
    load = np.full(200, tasks * percent / 100)
    load[0] = tasks
    assert (over_time([service(load)], step_s=step_s)["desired"] == tasks).all()


@given(
    load=loads,
    start_s=st.sampled_from([0, 60, 180]),
    step=st.sampled_from(list(ScaleInStep)),
    saturates_at=st.sampled_from([None, 1.5]),
)
def test_scale_out_waits_three_minutes_above_the_target_and_scale_in_fifteen_below(load, start_s, step, saturates_at):
    run = over_time([service(load, start_s=start_s, scale_in_step=step, saturates_at=saturates_at)])
    running, desired = run["running"][0], run["desired"][0]
    for now in np.flatnonzero(np.diff(desired)):
        minutes = 3 if desired[now + 1] > desired[now] else 15
        since = slice(max(0, now + 1 - minutes), now + 1)
        assert now + 1 >= minutes
        if minutes == 3:
            assert (load[since] > running[since]).all()
        else:
            assert (load[since] < 0.9 * running[since]).all()


@a_few
@given(load=loads)
def test_with_scale_in_disabled_desired_never_falls(load):
    desired = over_time([service(load, least=1, is_scale_in_disabled=True)])["desired"][0]
    assert (np.diff(desired) >= 0).all()


@pytest.mark.parametrize("form", [service, counts])
def test_nothing_happens_in_a_gap(form):
    run = over_time([form([4.0, *[np.nan] * 60, 4.0])])
    assert (run["running"] == 4).all()


@a_few
@given(load=known_loads, first=st.integers(1, 9), shift=st.integers(1, 40), start_s=st.sampled_from([0, 60, 120]))
def test_a_load_that_comes_later_has_the_same_effects_later(load, first, shift, start_s):
    before, after = np.full(1, float(first)), np.full(1 + shift, float(first))
    early = over_time([service(np.concatenate([before, load]), start_s=start_s)])
    late = over_time([service(np.concatenate([after, load]), start_s=start_s)])
    assert (late["desired"][0, : shift + 1] == first).all()
    for name in ("running", "placed", "desired"):
        assert (late[name][0, shift:] == early[name][0]).all()


@given(load=known_loads.map(lambda load: np.maximum(load, 0.1)), least=st.integers(1, 3), more=st.integers(0, 12))
def test_without_delays_the_tasks_that_run_are_those_that_the_minute_before_needed(load, least, more):
    need = np.clip(np.ceil(load), least, least + more)
    running = over_time([service(load, least=least, most=least + more, rules=AT_ONCE)])["running"][0]
    assert (running[1:] == need[:-1]).all()
    assert running[0] == need[0]


def test_not_a_law_more_load_gives_more_tasks():
    """Five minutes of 1,400 units instead of 1,200, then both 1,200, 600 and 4,000: two tasks instead of four at minute 20.

    By hand, tasks of 512 CPU units at 60 %, 307.2 units each: 1,400 needs 5 tasks, and the 1,200 that follow are 78 % of their
    target, so that scale-in counts from minute 5 on and acts after minute 19. On the 4 tasks of 1,200 it counts from minute 10.
    """

    def tasks(first):
        units = np.repeat([first, 1_200.0, 600, 4_000], [5, 5, 16, 5])
        return over_time([service(units / (512 * 0.6), least=1, saturates_at=1 / 0.6)])["running"][0].tolist()

    assert tasks(1_200) == [4] * 25 + [2] * 4 + [4] * 2
    assert tasks(1_400) == [5] * 20 + [2] * 9 + [4] * 2


@pytest.mark.parametrize(("load", "tasks"), [(0.85, 1), (0.0, 0)])
def test_one_task_at_a_time_never_goes_below_what_the_load_needs(load, tasks):
    run = over_time([service([1.0, *[load] * 60], scale_in_step=ScaleInStep.ONE)])
    assert run["desired"][0, -1] == tasks


def test_within_a_cooldown_the_base_stays_the_count_of_the_first_scale_out():
    """By hand: 2 x 4/2 = 4; then, still on the base of 2, 2 x 12/4 = 6 and 2 x 21/6 = 7."""
    run = over_time([service([2, 4, 12, 21, 7, 7], out_points=1)])
    assert run["desired"][0].tolist() == [2, 2, 4, 6, 7, 7]


def test_a_larger_scale_out_waits_for_the_end_of_the_cooldown_when_the_metric_is_saturated():
    """By hand: 2 x 2 = 4 at minute 1; the metric stays at 2, and 2 x 2 is no more than 4 until minute 6: 4 x 2 = 8."""
    run = over_time([service([2, *[100.0] * 8], out_points=1, saturates_at=2.0)])
    assert run["desired"][0].tolist() == [2, 2, 4, 4, 4, 4, 4, 8, 8]


def test_a_scale_out_ends_the_cooldown_of_a_scale_in():
    """By hand: in at minute 1, out at minute 2, and at minute 3 in again, not ten minutes after the first."""
    run = over_time([service([4, 2, 4, 2, 2, 1, 1], out_points=1, in_points=1, out_cooldown_s=0, in_cooldown_s=600)])
    assert run["desired"][0].tolist() == [4, 4, 2, 4, 2, 2, 2]


# Instances


def mixed(loads_of, start_s):
    tasks = [(256, 512), (700, 2_600), (2_048, 100)]
    return [service(load, task=tasks[number], start_s=start_s, is_counts=number == 1) for number, load in enumerate(loads_of)]


def same_length(loads_of):
    longest = max(load.size for load in loads_of)
    return [np.concatenate([load, np.full(longest - load.size, load[-1])]) for load in loads_of]


several_loads = st.lists(loads, min_size=1, max_size=3).map(same_length)


@given(
    loads_of=several_loads,
    on=st.builds(cluster, zones=st.integers(1, 3), placement=placements, target_capacity_percent=st.integers(50, 100)),
    start_s=st.sampled_from([0, 120]),
)
def test_no_instance_ends_under_a_task_and_none_holds_more_than_it_offers(loads_of, on, start_s):
    run = over_time(mixed(loads_of, start_s), on)
    assert (run["waiting"] >= 0).all()
    assert (run["running"] <= run["placed"]).all()
    assert (run["placed"] + run["waiting"] == run["desired"]).all()
    kept = np.minimum(run["placed"][:, :-1], run["desired"][:, 1:])
    assert (run["placed"][:, 1:] >= kept).all()
    assert (run["reserved"] <= run["active"] * on.capacity[:, np.newaxis]).all()
    assert (run["active"] <= run["instances"]).all()


@a_few
@given(
    n_tasks=st.integers(0, 40),
    zones=st.integers(1, 3),
    target=st.integers(50, 100),
    least=st.integers(0, 3),
    most=st.integers(0, 20),
)
def test_a_steady_cluster_has_what_its_target_capacity_asks_for(n_tasks, zones, target, least, most):
    """desired = ceil(M x 100 / target) in the group's bounds; eight tasks of 256 CPU units on an instance."""
    held = -(-n_tasks // 8)
    bounds = {"min_instances": least, "max_instances": max(most, held, least)}
    on = cluster(zones=zones, target_capacity_percent=target, **bounds)
    instances = over_time([counts([n_tasks] * 300)], on)["instances"]
    wanted = -(-held * 100 // target)
    assert instances[-1] == np.clip(wanted, least, bounds["max_instances"])


@given(
    loads_of=several_loads,
    on=st.one_of(st.none(), st.builds(cluster, zones=st.integers(1, 2), placement=placements)),
    start_s=st.sampled_from([0, 120]),
)
def test_steps_skipped_are_steps_in_which_nothing_happens(loads_of, on, start_s):
    """A service whose count of one is asked for as 0.6 and 0.7 in turn leaves no two steps alike."""
    n_steps = loads_of[0].size
    others = mixed(loads_of, start_s)
    still, restless = counts([0.6] * n_steps), counts(np.resize([0.6, 0.7], n_steps))
    assert (replay_cluster([*others, restless], on, step_s=MINUTE).n_steps == 1).all()
    skipping, stepping = over_time([*others, still], on), over_time([*others, restless], on)
    for name, series in stepping.items():
        assert (skipping[name] == series).all(), name


def test_fewer_than_half_of_the_group_end_in_a_minute_but_one_in_any_case():
    """Ten instances with a task each, none from minute 2 on: after fifteen minutes 4 of 10 end, 2 of 6, then one by one."""
    instances = over_time([counts([10, *[0] * 30], task=(2_048, 7_600))], cluster())["instances"]
    assert instances[:17].tolist() == [10] * 17
    assert instances[17:24].tolist() == [6, 4, 3, 2, 1, 0, 0]


def test_scale_in_waits_after_a_launch():
    """The second instance is launched at the end of minute 2 and empty from minute 3 on; it ends after minute 2 + 15."""
    instances = over_time([counts([1, 2, *[1] * 30], task=(2_048, 7_600))], cluster(in_points=1, boot_s=0))["instances"]
    assert instances.tolist() == [1] * 3 + [2] * 15 + [1] * 14


def test_a_launch_waits_for_the_minutes_of_its_alarm():
    """A task waits from minute 2 on; with three data points the group acts at minute 4."""
    run = over_time([counts([0, 1, 1, 1, 1, 1, 1])], cluster(out_points=3, boot_s=0))
    assert run["instances"].tolist() == [0, 0, 0, 0, 0, 2, 2]


def test_the_first_step_keeps_the_maximum_of_the_group():
    run = over_time([counts([5] * 9, task=(2_048, 7_600))], cluster(max_instances=2))
    assert (run["instances"] == 2).all()
    assert (run["waiting"] == 3).all()


def test_tasks_stopped_in_a_step_free_their_room_before_the_next_is_chosen():
    """Binpack. At minute 3 the first instance holds A (running), A, A with 100 MiB left, the second A, A, B with 600.

    Of two tasks of A that stop, the running one leaves 2,600 there, so that the other is taken from there too, and C has its
    5,000 MiB.
    """
    a = counts([1, 5, 5, 3, 3], task=(100, 2_500), start_s=300)
    b = counts([0, 0, 1, 1, 1], task=(100, 2_000), start_s=300)
    c = counts([0, 0, 0, 1, 1], task=(100, 5_000))
    run = over_time([a, b, c], cluster(min_instances=2, max_instances=2))
    assert run["placed"].T.tolist()[2:] == [[5, 0, 0], [5, 1, 0], [3, 1, 1]]


# Placement


instances_of = st.integers(1, 12)


def equal_instances(n_instances, zones, k):
    """Instances with room for ``k`` tasks each, zone after zone."""
    return np.tile(np.array([k * 256, 100_000, 1_000]), (n_instances, 1)), np.arange(n_instances) % zones


TASK = np.array([256, 512, 1])


@a_few
@given(n_tasks=st.integers(0, 60), n_instances=instances_of, zones=st.integers(1, 3), k=st.integers(1, 9), placement=placements)
def test_placed_tasks_fit_and_only_what_fits_nowhere_waits(n_tasks, n_instances, zones, k, placement):
    free, zone = equal_instances(n_instances, zones, k)
    none = np.zeros(n_instances, dtype=np.int64)
    placed = place(n_tasks, TASK, free, zone, none, none == 0, placement, np.random.default_rng(n_tasks))
    assert (placed >= 0).all()
    assert (placed <= k).all()
    assert placed.sum() == min(n_tasks, k * n_instances)
    if placement is PlacementStrategy.BINPACK:
        assert (placed > 0).sum() == -(-int(placed.sum()) // k)
    elif placement is PlacementStrategy.INSTANCE_SPREAD:
        assert np.ptp(placed) <= 1
    elif placement in ZONES_FIRST and n_tasks <= k * (n_instances // zones):  # every zone has room to the end
        per_zone = np.bincount(zone, weights=placed, minlength=min(zones, n_instances))
        assert np.ptp(per_zone) <= 1 or n_instances < zones


@a_few
@given(held=st.lists(st.integers(0, 6), min_size=1, max_size=8), n_tasks=st.integers(0, 20))
def test_the_default_spread_empties_no_instance_while_tasks_are_as_many_as_instances_with_tasks(held, n_tasks):
    """In one zone. (In several it is not so: see below.)"""
    held = np.array(held)
    free, zone = equal_instances(held.size, 1, 9)
    n_tasks = min(n_tasks, int(held.sum()))
    left = held - take(n_tasks, held, held, free, zone, PlacementStrategy.DEFAULT_SPREAD)
    assert left.sum() == held.sum() - n_tasks
    assert (left > 0).sum() == min((held > 0).sum(), left.sum())


def one_by_one(n_tasks, room, at=()):
    """Chance of every outcome where each task goes to any instance with room, all equally likely; room is held against 0."""
    outcomes = {tuple(at or [0] * len(room)): 1.0}
    for _ in range(n_tasks):
        after = {}
        for placed, chance in outcomes.items():
            open_to = [i for i, n in enumerate(placed) if n < room[i]]
            for i in open_to:
                then = (*placed[:i], placed[i] + 1, *placed[i + 1 :])
                after[then] = after.get(then, 0.0) + chance / len(open_to)
        outcomes = after
    return outcomes


@pytest.mark.parametrize(("room", "n_tasks"), [([1, 2, 3], 4), ([1, 1, 4], 5), ([2, 2], 3)])
def test_tasks_placed_at_random_many_at_once_end_as_often_everywhere_as_one_by_one(room, n_tasks):
    free = np.array([[n * 256, 100_000, 1_000] for n in room])
    none, chance, n_draws = np.zeros(len(room), dtype=np.int64), np.random.default_rng(5), 3_000
    seen = {}
    for _ in range(n_draws):
        placed = place(n_tasks, TASK, free, none, none, none == 0, PlacementStrategy.RANDOM, chance)
        seen[tuple(placed.tolist())] = seen.get(tuple(placed.tolist()), 0) + 1
    expected = one_by_one(n_tasks, room)
    assert seen.keys() == expected.keys()
    for outcome, share in expected.items():
        assert abs(seen[outcome] / n_draws - share) < 4 * np.sqrt(share * (1 - share) / n_draws) + 1e-9


def test_of_tasks_placed_at_random_any_one_stops():
    held, chance = np.array([1, 3]), np.random.default_rng(5)
    free, zone = np.full((2, 3), 10_000), np.array([0, 1])
    stopped = sum(take(1, held, held, free, zone, PlacementStrategy.RANDOM, chance) for _ in range(2_000))
    assert 440 <= stopped[0] <= 560  # 500 of 2,000, give or take three standard deviations of 19


def test_placement_at_random_takes_a_generator_and_gives_the_same_for_the_same_seed():
    none = np.zeros(2, dtype=np.int64)
    with pytest.raises(ValueError, match="random"):
        place(1, TASK, np.full((2, 3), 10_000), none, none, none == 0, PlacementStrategy.RANDOM)
    on = cluster(offered=(2048, 7600, 8), placement=PlacementStrategy.RANDOM, zones=2, min_instances=4)
    load = [5.0, 9.0, 2.0, 7.0, 3.0] * 6
    first, again = (over_time([counts(load)], on) for _ in range(2))
    assert (first["instances"] == again["instances"]).all()


def test_a_spread_over_instances_does_not_see_zones():
    """Two instances in one zone, one in another: three tasks are one on each, and a fourth one goes to the first."""
    none, free = np.zeros(3, dtype=np.int64), np.full((3, 3), 10_000)
    zone = np.array([0, 0, 1])
    on_instances = place(4, TASK, free, zone, none, none == 0, PlacementStrategy.INSTANCE_SPREAD)
    assert on_instances.tolist() == [2, 1, 1]
    assert take(2, on_instances, on_instances, free, zone, PlacementStrategy.INSTANCE_SPREAD).tolist() == [2, 0, 0]


def test_a_spread_counts_tasks_that_still_start():
    """Each instance has one running task that may stop; the second has two more that start, so it has most."""
    may_stop, held = np.array([1, 1]), np.array([1, 3])
    stopped = take(1, may_stop, held, np.full((2, 3), 10_000), np.zeros(2, dtype=np.int64), PlacementStrategy.DEFAULT_SPREAD)
    assert stopped.tolist() == [0, 1]


def test_not_a_law_the_default_spread_keeps_as_many_instances_busy_as_it_has_tasks():
    """Two instances with one task each in the first zone, one with two in the second: as many, and the first loses one."""
    held, zone = np.array([1, 1, 2]), np.array([0, 0, 1])
    free = np.full((3, 3), 10_000)
    assert (held - take(1, held, held, free, zone, PlacementStrategy.DEFAULT_SPREAD)).tolist() == [0, 1, 2]


# AWS's examples


def first_instances(n_tasks, task, offered):
    """Instances that a constant count of tasks needs in one zone."""
    return int(over_time([counts([n_tasks], task=task)], cluster(offered))["instances"][0])


def test_from_none_two_instances_are_launched():
    """Amazon ECS Developer Guide, "Automatically manage Amazon ECS capacity with cluster auto scaling"."""
    run = over_time([counts([0, 1, 1, 1, 1])], cluster(boot_s=60, most_step=1))
    assert run["instances"].tolist() == [0, 0, 0, 2, 2]
    assert run["waiting"][0].tolist() == [0, 0, 1, 1, 0]


def test_reservation_is_needed_over_running_instances():
    """CapacityProviderReservation = M / N x 100. By hand: two instances full of a task each and three tasks waiting, M = 2 + 3,
    N = 2: 250 %, so three more; at a target of 80 %, ceil(5 / 0.8) = 7, five more."""
    for target, before, after in ((100, 2, 5), (80, 3, 7)):
        on = cluster((256, 512, 8), target_capacity_percent=target, warm_up_s=0)
        run = over_time([counts([2.0, *[2.0] * 9, *[5.0] * 9])], on)
        assert run["instances"][9] == before
        assert run["instances"][12] == after


@pytest.mark.parametrize(("registered_mib", "n_instances"), [(7_821, 1), (7_820, 1), (7_819, 2), (7_817, 2)])
def test_registered_memory_decides_whether_two_tasks_share_an_m6i_large(registered_mib, n_instances):
    """Two tasks of 3,910 MiB on an m6i.large, as a production cluster found out (amazon-ecs-ami, issue 597)."""
    offered = capacity(replace(catalog().instance_type("m6i.large"), registered_memory_mib=registered_mib), has_trunking=True)
    assert first_instances(2, (1_024, 3_910), offered) == n_instances


@pytest.mark.parametrize(
    ("name", "n_tasks", "has_trunking", "n_instances"),
    [
        ("m6i.2xlarge", 3, False, 1),  # four interfaces, one of them the instance's own (EC2 User Guide, IP addresses per type)
        ("m6i.2xlarge", 8, False, 3),
        ("m6i.2xlarge", 8, True, 1),
        ("c5.large", 2, False, 1),  # Amazon ECS Developer Guide, container-instance-eni: 2 tasks, with trunking 10
        ("c5.large", 10, False, 5),
        ("c5.large", 10, True, 1),
        ("c5.large", 11, True, 2),
    ],
)
def test_interfaces_limit_awsvpc_tasks_however_small(name, n_tasks, has_trunking, n_instances):
    offered = capacity(catalog().instance_type(name), has_trunking=has_trunking)
    assert first_instances(n_tasks, (128, 128), offered) == n_instances


@cache
def catalog():
    return advisor.read_catalog("us-east-1")


# Scheduled actions


def test_scheduled_bounds_hold_at_once_whatever_the_cooldowns():
    """By hand: one task for a load of one; from step 2 on four, from step 5 on two at most, then the load wants five."""
    actions = (ScheduledBounds(step=2, min_tasks=4, max_tasks=6), ScheduledBounds(step=5, min_tasks=1, max_tasks=2))
    given_service = replace(service([1.0] * 8 + [5.0] * 6, least=1, most=6, saturates_at=None), scheduled=actions)
    assert over_time([given_service])["desired"][0].tolist() == [1, 1, 1, 4, 4, 4, 2, 2, 2, 2, 2, 2, 2, 2]


def test_a_scheduled_minimum_brings_a_service_back_from_none():
    """Which a policy never does: without a task there is no data."""
    asleep = service([0.0] * 10, least=0)
    assert over_time([asleep])["desired"][0].tolist() == [0] * 10
    woken = replace(asleep, scheduled=(ScheduledBounds(step=4, min_tasks=3),))
    assert over_time([woken])["desired"][0].tolist() == [0] * 5 + [3] * 5


# Several policies


def tracked(load, **scaling):
    return TrackedMetric(load=np.array(load, dtype=float), saturates_at=None, scaling=ScalingRules(**scaling))


def test_of_two_metrics_the_larger_count_holds_and_both_must_agree_to_scale_in():
    """By hand: CPU wants 1, then 4, then 1 task; memory wants 1, then 6, and falls to 1 twenty minutes after CPU."""
    cpu = [1.0] * 5 + [4.0] * 10 + [1.0] * 60
    memory = [1.0] * 5 + [6.0] * 30 + [1.0] * 40
    both = over_time([replace(service(cpu, least=1), more_tracked=(tracked(memory),))])["desired"][0]
    assert both[7:9].tolist() == [1, 6]  # three minutes above
    assert (both[9:50] == 6).all()  # CPU alone would have let it fall at minute 30
    assert both[50] == 1  # fifteen minutes after memory fell, too
    alone = over_time([service(cpu, least=1)])["desired"][0]
    assert alone[30] == 1


def test_an_unknown_second_metric_allows_a_scale_out_and_no_scale_in():
    """Application Auto Scaling User Guide: with insufficient data of one metric there is no scale-in."""
    load = [1.0] * 2 + [3.0] * 5 + [1.0] * 40
    both = over_time([replace(service(load, least=1), more_tracked=(tracked([np.nan] * 47),))])["desired"][0]
    assert (both[5:] == 3).all()


def test_a_part_of_a_service_has_the_loads_and_the_bounds_of_its_time():
    """A minimum of 4 from step 3 on holds at step 5, where the part begins; one of 1 comes two steps later."""
    moves = (ScheduledBounds(step=7, min_tasks=1), ScheduledBounds(step=3, min_tasks=4), ScheduledBounds(step=9, min_tasks=2))
    add = StepScaling(load=np.arange(12.0), saturates_at=None, steps=((0.0, 1),))
    part = replace(service(np.arange(12.0), least=0), scheduled=moves, step_policies=(add,)).between(5, 9)
    assert [load.tolist() for load in part.loads] == [[5, 6, 7, 8]] * 2
    assert (part.min_tasks, part.scheduled) == (4, (ScheduledBounds(step=2, min_tasks=1),))


def test_step_scaling_adds_by_the_distance_from_its_threshold():
    """By hand, threshold 50 %: 1 task from there on, 3 from 75 %. Two tasks at 60 % get one more; three at 80 % three.

    The third task runs at minute 3, where the load is below the threshold for it: three new minutes above begin at minute 4.
    """
    load = np.array([2 * 0.6 / 0.5] * 4 + [3 * 0.8 / 0.5] * 8)
    add = StepScaling(load=load, saturates_at=2.0, steps=((0.0, 1), (0.5, 3)), points=3, cooldown_s=0)
    only = replace(service([2.0] * 12, least=2, rules=ScalingRules(out_points=99, in_points=99)), step_policies=(add,))
    assert over_time([only])["desired"][0].tolist() == [2, 2, 2, 3, 3, 3, 3, 6, 6, 6, 6, 6]


@a_few
@given(first=known_loads, second=known_loads)
def test_a_policy_more_never_asks_for_fewer_tasks_at_the_first_scale_out(first, second):
    """A4, from one state: until one of them acts, and in that act."""
    n = min(first.size, second.size)
    alone = [over_time([service(load[:n], least=2)])["desired"][0] for load in (first, second)]
    if first[0] > 2 or second[0] > 2:
        return  # they would not begin in one state
    both = over_time([replace(service(first[:n], least=2), more_tracked=(tracked(second[:n]),))])["desired"][0]
    out = [int(np.flatnonzero(np.diff(each) > 0)[0]) + 1 if (np.diff(each) > 0).any() else n for each in alone]
    at = min(out)
    if at < n and (np.diff(both[: at + 1]) >= 0).all() and both[at - 1] == 2:
        assert both[at] >= max(each[at] for each in alone)


BOTH = PlacementStrategy.SPREAD_THEN_BINPACK


def test_of_any_task_of_a_zone_one_in_five_is_the_one_that_empties_an_instance():
    """5 tasks, of which 4 fill an instance: by default the one on the emptier instance stops; of any, it is that in 1 of 5."""
    load = [5.0] + [4.0] * 20
    task = counts(load, task=(512, 512))
    assert over_time([task], cluster(placement=BOTH))["instances"][-1] == 1
    drawn = [replace(cluster(placement=BOTH), random_stops_seed=seed) for seed in range(200)]
    ended = sum(over_time([task], each)["instances"][-1] == 1 for each in drawn)
    assert 25 <= ended <= 56  # 40 of 200, give or take 2.8 standard deviations of 5.7


@a_few
@given(
    held=st.lists(st.integers(0, 5), min_size=3, max_size=9),
    n=st.integers(0, 20),
    zones=st.integers(1, 3),
    seed=st.integers(0, 9),
)
def test_tasks_that_stop_at_random_are_of_the_zones_that_others_are_of(held, n, zones, seed):
    """Amazon ECS Developer Guide, "Use strategies to define Amazon ECS task placement": balance first, then at random."""
    free, zone = equal_instances(len(held), zones, 5)
    may_stop, chances = np.array(held), (None, np.random.default_rng(seed))
    usual, drawn = (take(n, may_stop, may_stop, free, zone, BOTH, chance) for chance in chances)
    assert (drawn <= may_stop).all()
    assert np.bincount(zone, weights=usual).tolist() == np.bincount(zone, weights=drawn).tolist()
