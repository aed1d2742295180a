"""Instances of the fast model that zones hold back, against plain loops over steps; and what the search makes of counts."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.answer import answer
from advisor.ecs import PACKED_PLACEMENTS, LaunchType, PlacementStrategy, PurchaseOption, TaskSize
from advisor.optimize.choice import Choice
from advisor.optimize.packed import by_step, dedicated_instances, packed_load, shared_instances
from advisor.optimize.replayed import replay_inputs, replayed_parts
from advisor.optimize.search import CapacityKind, dedicated_part, shared_part
from advisor.recommend.result import CLUSTER_SCOPE
from advisor.simulate.instances import held_in_zones, held_under_default_spread_of_one, with_zone_floor
from advisor.simulate.replay import ClusterRules, ReplayedCluster, ReplayedService, replay_cluster
from advisor.simulate.scaling import running_tasks
from advisor.simulate.timeline import timeline, trailing_maximum
from advisor.sources import read_catalog, read_workload
from advisor.workload import LoadForm, Scaling, Service
from tests.oracle import counts as oracle

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
POLICY = {
    "out_points": 3, "in_points": 15, "low_fraction": 0.9, "out_cooldown_s": 300, "in_cooldown_s": 300,
    "scale_in_step": "formula", "is_scale_in_disabled": False,
}  # fmt: skip


@st.composite
def series(draw):
    """Tasks, instances that they fill (NaN in a gap), tasks on an instance, zones, steps of the delay."""
    tasks = draw(st.lists(st.one_of(st.integers(0, 20), st.none()), min_size=1, max_size=60))
    zones, per_instance = draw(st.integers(1, 3)), draw(st.integers(1, 6))
    counts = np.array([n or 0 for n in tasks])
    packed = with_zone_floor(-(-counts // per_instance), counts, zones).astype(float)
    packed[[n is None for n in tasks]] = np.nan
    return counts, packed, per_instance, zones, draw(st.integers(0, 15))


def zone_shares(counts, zones):
    """Task by task: each comes to the emptiest zone and goes from the fullest, the lowest first."""
    now, rows = [0] * zones, []
    for n in counts.tolist():
        while sum(now) < n:
            now[now.index(min(now))] += 1
        while sum(now) > n:
            now[now.index(max(now))] -= 1
        rows.append(list(now))
    return np.array(rows).T


def window(values, now, back):
    return [v for v in values[max(0, now - back) : now + 1] if v == v]


@given(case=series())
def test_as_many_instances_are_kept_as_the_zones_shares_fill(case):
    counts, packed, per_instance, zones, back = case
    shares = zone_shares(counts, zones)
    filled = [
        np.nan if gap else float(sum(-(-n // per_instance) for n in column))
        for gap, column in zip(np.isnan(packed), shares.T, strict=True)
    ]
    last, expected = 0.0, []
    for now in range(len(packed)):
        if np.isnan(packed[now]):
            expected.append(np.nan)
            continue
        last = max(max(window(packed, now, back)), min(last, max(window(filled, now, back))))
        expected.append(last)
    np.testing.assert_array_equal(held_in_zones(packed, counts, per_instance, zones, back), expected)


@given(case=series())
def test_under_the_default_spread_each_zone_lets_go_what_is_more_than_its_tasks(case):
    counts, packed, _, zones, back = case
    shares = zone_shares(counts, zones)
    now_in, expected = [0.0] * zones, []
    for now in range(len(packed)):
        if np.isnan(packed[now]):
            expected.append(np.nan)
            continue
        now_in = [min(i, max(window(share, now, back))) for i, share in zip(now_in, shares, strict=True)]
        while sum(now_in) < max(window(packed, now, back)):
            now_in[now_in.index(min(now_in))] += 1
        expected.append(sum(now_in))
    np.testing.assert_array_equal(held_under_default_spread_of_one(packed, counts, zones, back), expected)


def service(**more):
    return Service(
        name="web", task=TaskSize(cpu_units=512, memory_mib=1024), load_form=LoadForm.USAGE,
        scaling=Scaling(min_tasks=2, max_tasks=25, target_cpu_fraction=0.6), **more,
    )  # fmt: skip


def wave(n_steps):
    random = np.random.default_rng(8)
    return 512 * 0.6 * 12 * (1.2 + np.sin(np.arange(n_steps) / 40)) * random.normal(1, 0.1, n_steps)


@pytest.mark.parametrize("step_s", [20, 60, 300])
def test_counts_of_fine_loads_are_replayed_by_the_minute_or_finer(step_s):
    demand = wave(400)
    demand[100:104] = np.nan
    run = running_tasks(service(), demand, service().task, timeline(MONDAY, step_s, 400))
    replay_step_s = min(step_s, 60)
    load = np.repeat(demand / (512 * 0.6), step_s // replay_step_s)
    plain = {"min": 2, "max": 25, "saturates_at": 1 / 0.6, "start_s": 60, "policy": POLICY}
    expected = np.array([placed for placed, *_ in oracle.replay(load.tolist(), plain, None, 1, None, replay_step_s)])
    assert run.counts.tolist() == expected.tolist()
    mean = expected.reshape(400, -1).mean(axis=1)
    np.testing.assert_array_equal(run.tasks, np.where(np.isnan(demand), np.nan, mean))


@pytest.mark.parametrize("step_s", [600, 900, 3600])
def test_an_envelope_stands_in_for_steps_over_five_minutes(step_s):
    assert running_tasks(service(), wave(60), service().task, timeline(MONDAY, step_s, 60)).counts is None


def test_tasks_given_as_counts_are_kept_as_they_ran():
    given_counts = replace(service(), load_form=LoadForm.TASKS)
    run = running_tasks(given_counts, np.array([1.0, 9.0, 2.0]), given_counts.task, timeline(MONDAY, 60, 3))
    assert (run.counts, run.tasks.tolist()) == (None, [1.0, 9.0, 2.0])


def test_under_the_default_spread_a_mean_of_tasks_holds_whole_instances():
    """18 tasks, two on an instance, fill nine; 6.5 on average are up to 7, which hold 7 instances where four are filled."""
    given_counts = replace(service(), load_form=LoadForm.TASKS)
    run = running_tasks(given_counts, np.array([18.0, np.nan, 6.5, 6.5]), given_counts.task, timeline(MONDAY, 900, 4))
    _, running = dedicated_instances(run, 2, 2, 1, placement=PlacementStrategy.DEFAULT_SPREAD)
    np.testing.assert_array_equal(running, [9.0, np.nan, 7.0, 7.0])


def test_instances_are_held_by_the_minute_and_averaged_over_the_step():
    axis = timeline(MONDAY, 300, 300)
    run = running_tasks(service(), wave(300), service().task, axis)
    packed, running = dedicated_instances(run, 4, 2, axis.delay_steps, placement=PlacementStrategy.BINPACK)
    by_minute = np.maximum(-(-run.counts // 4), 2).astype(float)
    np.testing.assert_array_equal(running, trailing_maximum(by_minute, 15).reshape(300, 5).mean(axis=1))
    np.testing.assert_array_equal(packed, (-(-run.counts // 4)).reshape(300, 5).mean(axis=1))
    offered = np.array([2048, 4096, 10])
    np.testing.assert_array_equal(shared_instances(packed_load([run]), offered, 2, axis.delay_steps)[1], running)


def loads_of_five_minutes():
    """Two days each: a noisy wave, plateaus that jump, and a level with bursts of half an hour."""
    random, at = np.random.default_rng(5), np.arange(2 * 288)
    noisy = 12 * (1.2 + np.sin(at * 2 * np.pi / 288)) * random.normal(1, 0.08, at.size)
    jumps = np.repeat(random.uniform(4, 28, 24), 24)
    bursts = 8.0 + 16 * (at % 60 < 6)
    return noisy, jumps, bursts


@pytest.mark.parametrize("placement", PACKED_PLACEMENTS)
def test_instances_of_a_service_alone_cost_as_in_the_placement_replay(placement):
    """Within 2 % in the mean and 5 % at worst, as on the real loads of docs/envelope.md."""
    axis, errors = timeline(MONDAY, 300, 576), []
    for load, k in product(loads_of_five_minutes(), (3, 6, 12)):
        run = running_tasks(service(), load * 512 * 0.6, service().task, axis)
        replayed = ReplayedService(
            name="web", reservation=np.array([512, 1024, 1]), start_s=60, min_tasks=2, max_tasks=25, load=np.repeat(load, 5),
            saturates_at=1 / 0.6,
        )  # fmt: skip
        cluster = ReplayedCluster(
            capacity=k * replayed.reservation, zones=2, placement=placement, rules=ClusterRules(min_instances=2)
        )
        replay = replay_cluster([replayed], cluster, step_s=60)
        expected = replay.over_time(replay.instances)[180:].mean()
        _, fast = dedicated_instances(run, k, 2, axis.delay_steps, placement=placement)
        errors.append(fast[36:].mean() / expected - 1)
    assert np.abs(errors).mean() <= 0.02
    assert np.abs(errors).max() <= 0.05


def test_counts_given_and_counts_replayed_share_instances():
    axis = timeline(MONDAY, 300, 100)
    replayed = running_tasks(service(), wave(100), service().task, axis)
    stated = replace(service(), name="jobs", load_form=LoadForm.TASKS)
    load = packed_load([replayed, running_tasks(stated, np.full(100, 3.0), stated.task, axis)])
    assert load.count_steps == 5
    np.testing.assert_array_equal(load.n_tasks, replayed.counts + 3)
    assert by_step(load.n_tasks, 5).shape == (100,)


TWO_ARCHITECTURES = """
cluster: two
region: us-east-1
services:
  - {name: a, task: {cpu: 1024, memory: 2048}, load: {file: load.csv, requests_per_task: 40}, architectures: [X86_64]}
  - {name: b, task: {cpu: 1024, memory: 2048}, load: {file: load.csv, requests_per_task: 25}, architectures: [ARM64]}
constraints: {launch_types: [EC2]}
"""


@pytest.fixture(scope="module")
def two_architectures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    random = np.random.default_rng(4)
    at = np.arange(14 * 288)
    rate = np.clip(260 + 220 * np.sin(2 * np.pi * at / 288) + random.normal(0, 45, at.size), 5, None)
    rows = [f"{np.datetime64('2026-01-05T00:00') + np.timedelta64(5 * int(i), 'm')}:00Z,{r:.1f}" for i, r in enumerate(rate)]
    (folder / "load.csv").write_text("\n".join(["time,requests_per_second", *rows]) + "\n")
    (folder / "workload.yaml").write_text(TWO_ARCHITECTURES)
    workload = read_workload(folder / "workload.yaml")
    return answer(workload, read_catalog(workload.region))


def test_a_service_that_shares_with_none_is_billed_as_the_replay_runs_it(two_architectures):
    """The model that is billed is the one that the replay is held against: the bill is that of the replayed instances."""
    found, search = two_architectures.found, two_architectures.search
    for load in found.loads:
        (architecture,) = load.service.architectures
        kind = CapacityKind(launch_type=LaunchType.EC2, purchase_option=PurchaseOption.ON_DEMAND, architecture=architecture)
        part = shared_part(search, packed_load([load.run]), kind, found.common_hours, name="two")
        alone = dedicated_part(search, load.run, kind, found.common_hours)
        assert part.provider.instance_types == alone.provider.instance_types
        np.testing.assert_array_equal(part.on_instances.running, alone.on_instances.running)
        (replayed,) = replayed_parts([part], two_architectures.workload, search)
        services, cluster, step_s = replay_inputs(part, two_architectures.workload, search)
        ran = replay_cluster(services, cluster, step_s=step_s)
        assert replayed.on_instances.running.mean() == pytest.approx(ran.over_time(ran.instances).mean(), rel=1e-3)


@pytest.mark.prove
def test_a_comparison_goes_by_the_name_of_the_choice_that_is_left_and_is_replayed_with_it(two_architectures):
    clusters = {each.id: each for each in two_architectures.replayed(2).recommendation().of_scope(CLUSTER_SCOPE)}
    assert "cluster:ec2_shared:x86_64:on_demand" not in clusters  # each alone: the plan of the choice before it
    comparisons = {name: each for name, each in clusters.items() if each.is_comparison}
    assert set(comparisons) == {"cluster:ec2:x86_64:on_demand:default_spread"}
    assert clusters["cluster:ec2:x86_64:on_demand"].replay is not None
    assert all(each.replay is not None for each in comparisons.values())


def test_a_comparison_in_the_best_sizes_stands_beside_the_choice_in_the_best_sizes():
    choice = Choice(id="cluster:ec2_shared:arm64:on_demand:default_spread:right_sized", title="", is_comparison=True)
    assert choice.base_id == "cluster:ec2_shared:arm64:on_demand:right_sized"
    over = Choice(id="cluster:ec2:any:spot:over_on_demand_base:right_sized", title="", is_comparison=True)
    assert over.base_id == "cluster:ec2:any:spot:right_sized"
