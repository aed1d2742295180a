"""What a replay of the last weeks changes, and what it may not."""

import numpy as np
import pytest

from advisor import advise, read_catalog, read_workload
from advisor.answer import answer
from advisor.meters import surplus_vcpu_hour
from advisor.optimize.replayed import replayed_parts, typical_ratio
from advisor.simulate.credits import surplus_vcpu

POOL = """
cluster: pool
region: us-east-1
services:
  - name: web
    task: {cpu: 512, memory: 1024}
    load: {tasks: 8}
    architectures: [ARM64]
    interruptible: true
constraints: {launch_types: [EC2], instance_types: [c6g.medium, m6g.medium, r6g.medium, m8g.medium, r8g.medium, m7g.medium]}
"""
SPIKES = """
cluster: spikes
region: us-east-1
services:
  - name: web
    task: {cpu: 512, memory: 1024}
    load: {file: web.csv, requests_per_task: 40}
constraints: {launch_types: [LAUNCH], instance_types: [m5.large]}
"""


@pytest.fixture
def advised(tmp_path):
    def advised(text):
        path = tmp_path / "workload.yaml"
        path.write_text(text)
        workload = read_workload(path)
        return advise(workload, read_catalog(workload.region)).to_dict()["alternatives"]

    return advised


def test_a_steady_load_on_a_spot_pool_of_unequal_members_costs_after_the_replay_what_it_did_before(advised):
    # c6g.medium registers less than 2,048 MiB and holds one task, the other five hold two: 8 and 4 instances for 730 h, of
    # which each type has a sixth. A replay of instances that hold one task each is no reason to bill eight of every type.
    spot = next(a for a in advised(POOL) if a["id"] == "cluster:ec2:arm64:spot")
    assert spot["replay"]["instances_over_packing"] == 1
    hours = {line["meter"].rpartition(":")[2]: line["quantity"] for line in spot["bill"]["line_items"]}
    assert hours["c6g.medium"] == pytest.approx(8 * 730 / 6)
    assert hours["m6g.medium"] == pytest.approx(4 * 730 / 6)


def test_no_instance_is_more_than_full_where_the_replay_runs_fewer_tasks_than_the_model(advised, tmp_path):
    # One hour in six needs 50 tasks, the others 2: the model has all 50 from the first minute of the hour, a policy gets there
    # step by step, and runs on fewer instances with fewer tasks.
    rows = [f"2026-01-{5 + h // 24:02d}T{h % 24:02d}:00:00Z,{2000 if h % 6 == 3 else 80}" for h in range(7 * 24)]
    (tmp_path / "web.csv").write_text("time,requests_per_second\n" + "\n".join(rows) + "\n")
    ec2 = next(a for a in advised(SPIKES.replace("LAUNCH", "EC2")) if a["id"] == "cluster:ec2:x86_64:on_demand")
    assert ec2["replay"]["instances_over_packing"] < 1
    assert ec2["instances"]["packed_fraction"] <= 1


def rps_of(hours, spike_at=None):
    values = [200 + 150 * np.sin(2 * np.pi * h / 24) for h in range(hours)]
    if spike_at is not None:
        values[spike_at] *= 50
    return "time,requests_per_second\n" + "".join(
        f"{np.datetime64('2026-01-05T00:00') + np.timedelta64(h, 'h')}Z,{value:.3f}\n" for h, value in enumerate(values)
    )


def test_a_single_spike_of_the_last_week_never_makes_eight_weeks_cheaper(advised, tmp_path):
    # The policy follows the spike only in part. That says nothing of the other 55 days.
    def fargate_usd(spike_at):
        (tmp_path / "web.csv").write_text(rps_of(8 * 168, spike_at))
        found = advised(SPIKES.replace("LAUNCH", "FARGATE"))
        return next(a for a in found if a["scope"] == "cluster")["monthly_usd"]["mean"]

    assert fargate_usd(7 * 168 + 30) > 1.02 * fargate_usd(None)


def test_only_the_day_that_is_like_no_other_is_left_out_of_the_ratio():
    modelled, replayed = np.full(14, 100.0), np.full(14, 99.0)
    assert typical_ratio(replayed, modelled, steps_per_day=1) == 0.99
    modelled[3], replayed[3] = 1000, 300
    assert typical_ratio(replayed, modelled, steps_per_day=1) == 0.99
    replayed[[5, 6, 12, 13]] = 80  # weekends: as usual as the other days
    assert typical_ratio(replayed, modelled, steps_per_day=1) < 0.96


def test_there_is_no_ratio_to_nothing_and_none_of_nothing():
    assert typical_ratio(np.ones(3), np.zeros(3), steps_per_day=1) is None
    assert typical_ratio(np.zeros(3), np.ones(3), steps_per_day=1) is None


def test_less_than_a_week_is_taken_as_it_is():
    assert typical_ratio(np.array([99.0, 99, 30]), np.full(3, 100.0), steps_per_day=1) == pytest.approx(0.76)


ENDED = """
cluster: ended
region: us-east-1
services:
  - name: web
    task: {cpu: 2048, memory: 4096}
    load: {file: web.csv}
    architectures: [ARM64]
constraints: {launch_types: [LAUNCH]}
"""


@pytest.mark.parametrize("launch", ["EC2", "FARGATE"])
@pytest.mark.parametrize("hours_at_end", [0, 0.5])
def test_half_an_hour_in_the_last_weeks_says_nothing_of_the_weeks_before(advised, tmp_path, launch, hours_at_end):
    at = [np.datetime64("2026-01-05T00:00") + np.timedelta64(30 * step, "m") for step in range(28 * 48)]
    cpu = [30 if step < 14 * 48 or step >= 28 * 48 - 2 * hours_at_end else "" for step in range(28 * 48)]
    rows = [f"{time}:00Z,{busy},20,8" if busy else f"{time}:00Z,,," for time, busy in zip(at, cpu, strict=True)]
    (tmp_path / "web.csv").write_text("time,cpu_percent,memory_percent,running_tasks\n" + "\n".join(rows) + "\n")
    best = next(a for a in advised(ENDED.replace("LAUNCH", launch)) if a["scope"] == "cluster")
    assert best["replay"] is None


def test_surplus_credits_are_those_of_the_replayed_instances(tmp_path):
    # 12 tasks of 60 % give or take 15: on more instances the same CPU is less above what they earn, not more.
    at = np.arange(14 * 24)
    cpu = 60 + 15 * np.sin(2 * np.pi * at / 24)
    rows = [f"2026-01-{5 + h // 24:02d}T{h % 24:02d}:00:00Z,{busy:.1f},40,12" for h, busy in zip(at, cpu, strict=True)]
    (tmp_path / "web.csv").write_text("time,cpu_percent,memory_percent,running_tasks\n" + "\n".join(rows) + "\n")
    (tmp_path / "workload.yaml").write_text(
        ENDED.replace("cpu: 2048, memory: 4096", "cpu: 1024, memory: 512").replace(
            "[LAUNCH]", "[EC2], instance_types: [t4g.small]"
        )
    )
    workload = read_workload(tmp_path / "workload.yaml")
    found = answer(workload, read_catalog(workload.region))
    (part,) = found.found.for_cluster[0].parts
    (replayed,) = replayed_parts([part], workload, found.search)
    (small,) = (each for each in found.search.candidates.types if each.name == "t4g.small")
    assert replayed.replay.factor > 1
    surplus = replayed.quantity_per_hour[part.meters.index(surplus_vcpu_hour("t4g.small"))]
    hours = found.search.axis.step_hours
    expected = surplus_vcpu(small, part.runs[0].cpu_units, replayed.on_instances.running, step_hours=hours)
    np.testing.assert_allclose(surplus, expected)
    assert surplus.sum() < part.quantity_per_hour[part.meters.index(surplus_vcpu_hour("t4g.small"))].sum()


NIGHTS = """
cluster: nights
region: us-east-1
services:
  - name: web
    task: {cpu: 1024, memory: 2048}
    load: {file: web.csv, requests_per_task: 40}
    architectures: [ARM64]
    scaling: {min: MIN}
constraints: {launch_types: [EC2, FARGATE]}
"""


@pytest.mark.parametrize("minutes", [60, 5])
def test_a_minimum_of_none_costs_what_a_minimum_of_one_does(advised, tmp_path, minutes):
    # A policy that follows the tasks has nothing to come back by from none: one task stays, and an instance in each zone.
    at = [np.datetime64("2026-01-05T00:00") + np.timedelta64(minutes * step, "m") for step in range(7 * 1440 // minutes)]
    rows = [f"{time}:00Z,{300 if time.item().hour == 9 else 0}" for time in at]
    (tmp_path / "web.csv").write_text("time,requests_per_second\n" + "\n".join(rows) + "\n")
    none, one = (
        {a["id"]: a["monthly_usd"]["mean"] for a in advised(NIGHTS.replace("MIN", least)) if a["monthly_usd"]} for least in "01"
    )
    assert none == pytest.approx(one)
