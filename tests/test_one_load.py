"""A service costs the same wherever it is billed: batch runs by their seconds, and as many tasks as memory needs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import advise, gate, read_workload, sensitivity, sweep
from advisor.ecs import LaunchType, PurchaseOption
from advisor.gating.result import Limits, Safety
from advisor.optimize.alternatives import alternatives
from advisor.optimize.fixed import on_load
from advisor.optimize.present import present_parts
from advisor.optimize.pricing import price_parts
from advisor.sweeping import AxisName
from advisor.sweeping.sides import Circumstances, ec2_side, fargate_side, scaled_workload
from advisor.workload import PresentService
from tests.as_advisor import REGION, as_search, as_workload
from tests.gate.changes import CATALOG, changed

approx = pytest.approx
VCPU_USD, GIB_USD = 0.04, 0.004
ON_FARGATE = PresentService(launch_type=LaunchType.FARGATE)
N_HOURS = 336
TASK_USD = 730 * (1 * VCPU_USD + 2 * GIB_USD)


@pytest.fixture
def read(tmp_path):
    def read_runs(runs, task="{cpu: 1024, memory: 4096}"):
        path = tmp_path / "workload.yaml"
        entry = f"{{name: nightly, task: {task}, load: {{runs: [{runs}]}}, present: {{launch_type: FARGATE}}}}"
        path.write_text(f"cluster: c\nregion: {REGION}\nservices: [{entry}]\n")
        return read_workload(path)

    return read_runs


def in_six_tasks(**more):
    """Six tasks at 20 % CPU and 50 % memory: CPU alone would take two, memory takes four (tests/test_memory_safety.py)."""
    service = {
        "name": "web", "form": "utilization", "demand": [6 * 204.8] * N_HOURS, "cpu": 1024, "memory": 2048, "target": 0.6,
        "startup_s": 0, "min": 1,
    }  # fmt: skip
    workload = as_workload({"start_s": 0, "step_s": 3600, "services": [service | more]})
    return replace(
        workload,
        services=tuple(replace(each, present=ON_FARGATE) for each in workload.services),
        running_tasks=np.full((1, N_HOURS), 6.0),
        memory_mib=np.full((1, N_HOURS), 1024.0),
        is_memory_maximum=np.array([True]),
    )


def test_a_gate_bills_batch_runs_for_as_long_as_they_last(read):
    """50 tasks of 1 vCPU and 4 GiB for 40 min and a minute of start-up each night, and twice the size after."""
    before = read("{schedule: cron(0 2 * * ? *), duration_minutes: 40, count: 50}")
    night_usd = 50 * 41 / 60 * (1 * VCPU_USD + 4 * GIB_USD)
    found = gate(before, changed(before, "nightly", task=(2048, 8192)), CATALOG, limits=Limits(max_increase_usd=5))
    assert found.before_usd == approx(night_usd * 730 / 24)
    assert found.after_usd == approx(2 * found.before_usd)
    assert not found.passed


def test_a_gate_bills_a_changed_schedule(read):
    before = read("{schedule: cron(0 2 * * ? *), duration_minutes: 40, count: 50}")
    found = gate(before, read("{schedule: 'cron(0 2,14 * * ? *)', duration_minutes: 40, count: 50}"), CATALOG)
    assert found.after_usd == approx(2 * found.before_usd)
    other_span = gate(before, read("{schedule: cron(0 2 ? * MON *), duration_minutes: 40, count: 50}"), CATALOG)
    assert other_span.after_usd is not None
    of_a_month = gate(before, read("{schedule: cron(0 2 1 * ? *), duration_minutes: 40, count: 50}"), CATALOG)
    assert of_a_month.after_usd is None
    assert "their schedules span others" in of_a_month.missing[0]


def test_counts_that_are_assumed_are_no_single_number():
    """Half of the hours with 2 tasks, half with 6: four on average, and not the two of the first hour."""
    workload = as_workload(
        {
            "start_s": 0,
            "step_s": 3600,
            "services": [
                {"name": "web", "form": "tasks", "demand": [2.0, 6.0] * 168, "cpu": 1024, "memory": 2048, "startup_s": 0}
            ],
        }
    )
    stated = replace(workload, services=tuple(replace(s, present=ON_FARGATE, is_stated=True) for s in workload.services))
    assert gate(stated, stated, CATALOG).before_usd == approx(4 * TASK_USD)


def test_batch_runs_on_fargate_save_nothing_there(read):
    """A task of 0.25 vCPU and 0.5 GiB every 5 minutes, of which 80 s are billed: 20 s of work after 60 s of start-up."""
    answer = advise(read("{schedule: rate(5 minutes), duration_minutes: 0.33}", "{cpu: 256, memory: 512}"), CATALOG)
    assert answer.present.monthly_usd.mean == approx(730 * 12 * 80 / 3600 * (0.25 * VCPU_USD + 0.5 * GIB_USD))
    assert answer.recommendation.saving_against_present.mean == approx(0)


def test_a_sweep_bills_batch_runs_by_the_second(read):
    workload = read("{schedule: rate(5 minutes), duration_minutes: 0.33}", "{cpu: 256, memory: 512}")
    by_hand = 730 * 12 * 80 / 3600 * (0.25 * VCPU_USD + 0.5 * GIB_USD)
    found = sweep(workload, CATALOG, x_values=[1, 2], y=AxisName.EC2_PRICE, y_values=[0, 0.5])
    assert [cell.fargate_usd for cell in found.cells["best"][0]] == approx([by_hand, 2 * by_hand])
    assert sensitivity(workload, CATALOG).fargate_usd == approx(by_hand)


def test_a_sweep_keeps_the_tasks_that_memory_needs():
    """Four at today's load and 14,131.2 / 2,048 = 6.9, so seven, at twice of it; a higher target of CPU changes nothing."""
    workload = in_six_tasks()
    found = sweep(workload, CATALOG, x_values=[1, 2], y=AxisName.UTILIZATION, y_values=[0.6, 0.9])
    for row in found.cells["best"]:
        assert [cell.fargate_usd for cell in row] == approx([4 * TASK_USD, 7 * TASK_USD])
    ranked = sensitivity(workload, CATALOG)
    assert ranked.fargate_usd == approx(4 * TASK_USD)
    (target,) = [each for each in ranked.inputs if each.input == "target CPU"]
    assert target.saving_high == approx(ranked.saving_usd)


def test_a_gate_keeps_the_tasks_that_memory_needs_on_both_sides():
    """Four tasks before and after: twice the CPU costs $0.04 more an hour for each."""
    before = in_six_tasks()
    found = gate(before, changed(before, task=(2048, 4096)), CATALOG)
    assert found.before_usd == approx(4 * TASK_USD)
    tight = changed(before, task=(512, 2048))
    found = gate(before, tight, CATALOG)
    assert found.before_usd == approx(4 * TASK_USD)
    assert found.after_usd == approx(730 * 4 * (0.5 * VCPU_USD + 2 * GIB_USD))
    assert any("memory, not CPU" in note for note in found.notes)


def test_a_minimum_that_memory_hung_on_is_not_safely_lowered():
    """As many tasks are billed as memory needs, but the settings alone would leave two, of 3,072 MiB each."""
    before = in_six_tasks(min=6)
    (change,) = gate(before, changed(before, scaling={"min_tasks": 1}), CATALOG).services
    assert change.safety is Safety.UNSAFE
    assert change.reasons == (
        "memory headroom at the worst moment: -50%, less than 13%, if its scaling settings alone set the number of tasks",
    )


def test_too_little_memory_is_unsafe_though_it_was_so_before():
    """At most two tasks before and after, where memory needs four."""
    before = in_six_tasks(max=2)
    (change,) = gate(before, changed(before, has_public_ip=True), CATALOG).services
    assert change.before.history.memory_headroom_fraction == change.after.history.memory_headroom_fraction == approx(-0.5)
    assert change.safety is Safety.UNSAFE
    assert "headroom of -50%" in change.reasons[0]


@st.composite
def kinds_of_load(draw):
    """A service whose tasks follow CPU, whose memory needs more of them, or that runs in batches; in steps of 15 minutes."""
    n_steps = 4 * 24 * 7
    cpu, memory = draw(st.sampled_from([(256, 512), (512, 1024), (1024, 4096), (2048, 4096)]))
    levels = draw(st.lists(st.integers(1, 9), min_size=4, max_size=12))
    ran = np.resize(np.repeat(np.array(levels, float), 8), n_steps)
    kind = draw(st.sampled_from(["plain", "memory", "batch", "counts"]))
    service = {
        "name": "web", "cpu": cpu, "memory": memory, "startup_s": draw(st.sampled_from([0, 60])), "min": 1,
        "form": "utilization" if kind in ("plain", "memory") else "tasks",
        "demand": (ran * cpu * 0.1 if kind in ("plain", "memory") else ran).tolist(),
    }  # fmt: skip
    workload = as_workload({"start_s": 0, "step_s": 900, "services": [service]})
    (made,) = workload.services
    seen = (
        {"running_tasks": ran[np.newaxis]} if kind != "batch" else {"fargate_tasks": ran[np.newaxis] * draw(st.floats(0.1, 1))}
    )
    if kind == "memory":
        seen |= {"memory_mib": np.full((1, n_steps), memory * draw(st.floats(0.3, 0.8))), "is_memory_maximum": np.array([True])}
    made = replace(made, present=ON_FARGATE, is_batch=kind == "batch", is_stated=kind == "batch")
    limits = replace(workload.constraints, launch_types=(LaunchType.FARGATE, LaunchType.EC2))
    return replace(workload, services=(made,), constraints=limits, **seen)


@given(workload=kinds_of_load(), factor=st.sampled_from([1.0, 1.0, 0.5, 2.0, 3.0]))
@settings(max_examples=25, deadline=None)
def test_one_load_has_one_bill(workload, factor):
    """Of a choice, a sweep, both sides of a gate, what runs today where it is the plan, and a plan kept on its own load."""
    workload = scaled_workload(workload, factor)
    search = as_search(workload, CATALOG)
    found = alternatives(workload, search)
    usd = {}
    for launch_type in (LaunchType.FARGATE, LaunchType.EC2):
        of_kind = [
            each.parts
            for each in found.for_cluster
            if not each.is_comparison
            and not each.is_right_sized
            and {p.provider.launch_type for p in each.parts} == {launch_type}
        ]
        usd[launch_type] = [price_parts(parts, found.common_hours, CATALOG, REGION).monthly_usd.mean for parts in of_kind]
        for parts, own in zip(of_kind, usd[launch_type], strict=True):
            again = price_parts(on_load(parts, workload, search), found.common_hours, CATALOG, REGION)
            assert again.monthly_usd.mean == approx(own, abs=1e-6)
    (on_fargate,) = usd[LaunchType.FARGATE]
    base = Circumstances(workload, CATALOG).base
    assert fargate_side(base, PurchaseOption.ON_DEMAND).usd == approx(on_fargate, abs=1e-6)
    assert ec2_side(base, PurchaseOption.ON_DEMAND).usd == approx(min(usd[LaunchType.EC2]), abs=1e-6)
    gated = gate(workload, workload, CATALOG)
    assert (gated.before_usd, gated.after_usd) == approx((on_fargate, on_fargate), abs=1e-6)
    as_planned = replace(workload, running_tasks=found.loads[0].run.tasks[np.newaxis])
    today, unknown = present_parts(as_planned, found.loads, search)
    assert not unknown
    assert price_parts(today, found.common_hours, CATALOG, REGION).monthly_usd.mean == approx(on_fargate, abs=1e-6)


@given(workload=kinds_of_load(), factor=st.sampled_from([0.5, 2.0]))
@settings(max_examples=10, deadline=None)
def test_a_point_of_a_sweep_is_what_a_search_of_that_load_finds(workload, factor):
    there = Circumstances(workload, CATALOG).scenario({AxisName.LOAD_FACTOR: factor})
    alone = Circumstances(scaled_workload(workload, factor), CATALOG).base
    for side in (fargate_side, ec2_side):
        assert side(there, PurchaseOption.ON_DEMAND).usd == approx(side(alone, PurchaseOption.ON_DEMAND).usd, abs=1e-6)
