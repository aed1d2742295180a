"""Cooldowns of target tracking: from the workload file to counts, bills, deploy files and gates."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from advisor import advise, read_catalog, read_workload
from advisor.emit import render_ecs
from advisor.emit.ecs import parse_ecs
from advisor.errors import InputError
from advisor.gating import gate
from advisor.optimize.loads import service_loads
from advisor.simulate.timeline import timeline
from advisor.workload import LoadForm
from tests.oracle import counts as oracle
from tests.test_zones_hold_instances import POLICY

VIRGINIA = read_catalog("us-east-1")
CPU_HOURS = [2.0] * 20 + [2.0 + 0.4 * n for n in range(20)] + [10.0 - 0.3 * n for n in range(30)] + [1.0] * 110
"""vCPU in use, minute by minute: flat, a rise, a fall, and low."""


@pytest.fixture(scope="module")
def stated(tmp_path_factory):
    def read(more):
        folder, first = tmp_path_factory.mktemp("cooldowns"), datetime(2026, 1, 5, tzinfo=UTC)
        rows = [f"{(first + timedelta(minutes=n)).isoformat()},{100 * used / 20},20" for n, used in enumerate(CPU_HOURS)]
        (folder / "web.csv").write_text("\n".join(["timestamp,cpu_percent,tasks", *rows]))
        (folder / "workload.yaml").write_text(
            "cluster: shop\nregion: us-east-1\nservices:\n  - name: web\n    task: {cpu: 1024, memory: 2048}\n"
            "    present: {launch_type: FARGATE}\n"
            f"    load: {{file: web.csv}}\n    image: web:1\n    scaling: {{min: 1, max: 40{more}}}\n"
        )
        return read_workload(folder / "workload.yaml")

    return read


def counts_of(workload):
    (load,) = service_loads(workload, timeline(workload.start, workload.step_s, workload.n_steps))
    return load.run.counts


@pytest.mark.parametrize(("out_s", "in_s"), [(300, 300), (0, 0), (60, 900), (900, 60)])
def test_counts_wait_for_the_stated_cooldowns(stated, out_s, in_s):
    found = counts_of(stated(f", target_cpu: 60, scale_out_cooldown: {out_s}, scale_in_cooldown: {in_s}"))
    service = {"min": 1, "max": 40, "saturates_at": 1 / 0.6, "start_s": 60}
    policy = POLICY | {"out_cooldown_s": out_s, "in_cooldown_s": in_s}
    steps = oracle.replay([used / 0.6 for used in CPU_HOURS], service | {"policy": policy}, None, 1, None, 60)
    assert found.tolist() == [placed for placed, *_ in steps]


def test_a_longer_scale_in_cooldown_is_dearer_and_is_in_the_deploy_files(stated):
    short, long = (advise(stated(f", scale_in_cooldown: {s}"), VIRGINIA, replay_weeks=0) for s in (60, 1800))
    fargate = [next(each for each in found.alternatives if each.title == "Fargate X86_64") for found in (short, long)]
    assert fargate[0].monthly_usd.mean < fargate[1].monthly_usd.mean
    policy = fargate[1].plan.services["web"]
    assert (policy.scale_out_cooldown_s, policy.scale_in_cooldown_s) == (300, 1800)
    again = parse_ecs(render_ecs(fargate[1].plan)).services["web"]
    assert (again.scale_out_cooldown_s, again.scale_in_cooldown_s) == (300, 1800)


def test_a_gate_prices_another_cooldown(stated):
    before, after = (stated(f", scale_in_cooldown: {s}") for s in (1800, 60))
    assert gate(before, after, VIRGINIA).change_usd < 0
    as_ran = [
        replace(
            each, services=tuple(replace(s, load_form=LoadForm.TASKS) for s in each.services), demand=np.full((1, 180), 5.0)
        )
        for each in (before, after)
    ]
    assert any("another cooldown" in text for text in gate(*as_ran, VIRGINIA).missing)


def test_cooldowns_without_a_target_are_refused(stated):
    steps = (
        ", step_scaling: [{metric_name: CPUUtilization, statistic: Average, period: 60, evaluation_periods: 3, threshold: 70, "
        "comparison_operator: GreaterThanThreshold, adjustment_type: ChangeInCapacity, "
        "step_adjustments: [{metric_interval_lower_bound: 0, scaling_adjustment: 2}]}]"
    )
    with pytest.raises(InputError, match=re.escape("are of target tracking, and there is no target")):
        stated(f"{steps}, scale_in_cooldown: 60")
