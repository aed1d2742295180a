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

STEPS = (
    ", step_scaling: [{metric_name: CPUUtilization, statistic: Average, period: 60, evaluation_periods: 3, threshold: 70, "
    "comparison_operator: GreaterThanThreshold, adjustment_type: ChangeInCapacity, "
    "step_adjustments: [{metric_interval_lower_bound: 0, scaling_adjustment: 2}]}]"
)


@pytest.fixture(scope="module")
def stated(tmp_path_factory):
    def read(more, *, step_s=60, least=1, load="{file: web.csv}"):
        folder, first = tmp_path_factory.mktemp("cooldowns"), datetime(2026, 1, 5, tzinfo=UTC)
        rows = [
            f"{(first + timedelta(seconds=step_s * n)).isoformat()},{100 * used / 20},20" for n, used in enumerate(CPU_HOURS)
        ]
        (folder / "web.csv").write_text("\n".join(["timestamp,cpu_percent,tasks", *rows]))
        (folder / "workload.yaml").write_text(
            "cluster: shop\nregion: us-east-1\nservices:\n  - name: web\n    task: {cpu: 1024, memory: 2048}\n"
            "    present: {launch_type: FARGATE}\n"
            f"    load: {load}\n    image: web:1\n    scaling: {{min: {least}, max: 40{more}}}\n"
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
    with pytest.raises(InputError, match=re.escape("are of target tracking, and there is no target")):
        stated(f"{STEPS}, scale_in_cooldown: 60")


@pytest.mark.parametrize(
    ("more", "least", "has_price", "is_noted"),
    [
        ("", 1, False, False),
        (", target_cpu: 50", 1, True, True),
        (f"{STEPS}, target_cpu: 60", 1, True, False),  # replayed by the minute, whatever the steps of the load
        ("", 40, True, False),  # one count, always
    ],
)
def test_hours_show_no_cooldown(stated, more, least, has_price, is_noted):
    """A gate passed such a change for $0.00, and as safe."""
    before = stated(more.replace("50", "60"), step_s=3600, least=least)
    found = gate(before, stated(f"{more}, scale_in_cooldown: 1800", step_s=3600, least=least), VIRGINIA)
    assert (found.change_usd is not None) is has_price
    assert any("cooldown" in text for text in found.missing) is not has_price
    assert any("cooldown" in text for text in found.notes) is is_noted


def test_cooldowns_that_no_count_follows_are_said_or_refused(stated):
    hours = advise(stated(", scale_in_cooldown: 1800", step_s=3600), VIRGINIA, replay_weeks=0)
    assert any(text.startswith("cooldowns (web) are not in the recommended plan's bill") for text in hours.warnings)
    fixed = advise(stated(", scale_in_cooldown: 1800", step_s=3600, least=40), VIRGINIA, replay_weeks=0)
    assert not any("cooldowns" in text for text in fixed.warnings)
    as_ran = stated(", scale_in_cooldown: 1800", load="{tasks: 3}")
    assert any("its cooldowns are not applied: task counts are taken as they ran" in text for text in as_ran.notes)
    assert not any("cooldowns" in text for text in stated("", load="{tasks: 3}").notes)
    with pytest.raises(InputError, match=re.escape("a batch, which no service auto scaling runs")):
        stated(", scale_in_cooldown: 1800", load='{runs: [{schedule: "cron(0 3 * * ? *)", duration_minutes: 30}]}')
