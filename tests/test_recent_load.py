"""The end of a history on which growth, break-even and elasticity stand."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

import advisor
from advisor.ecs import Architecture, PurchaseOption
from advisor.optimize.history import RecentLoad
from advisor.optimize.loads import service_loads
from advisor.optimize.parts import fargate_part
from advisor.optimize.search import search_for
from tests.gate.changes import web, workload


@pytest.mark.parametrize("step_s", [3600, 300])
def test_weeks_without_data_at_the_end_do_not_make_every_plan_free(step_s):
    """4 tasks of 1 vCPU and 2 GiB, and 8 under twice the load, whether or not the last two of six weeks are known."""
    n_steps = 6 * 168 * 3600 // step_s
    whole = replace(workload(web(demand=[2048.0] * n_steps)), step_s=step_s, region="us-east-1")
    demand = whole.demand.copy()
    demand[:, n_steps * 2 // 3 :] = np.nan
    month_usd = 4 * 730 * (0.04048 + 2 * 0.004445)
    for load in (whole, replace(whole, demand=demand)):
        search = search_for(load, advisor.read_catalog("us-east-1"))
        (found,) = service_loads(load, search.axis)
        part = fargate_part(found.run, Architecture.X86_64, PurchaseOption.ON_DEMAND, search.axis, zones=2)
        recent = RecentLoad(load, search, ~np.isnan(search.axis.spread(load.demand[0])))
        assert recent.monthly_usd([part], 1.0) == pytest.approx(month_usd)
        assert recent.monthly_usd([part], 2.0) == pytest.approx(2 * month_usd)


def test_a_history_that_ended_says_so_and_is_not_replayed():
    whole = replace(workload(web(demand=[2048.0] * (6 * 168))), region="us-east-1")
    demand = whole.demand.copy()
    demand[:, 4 * 168 :] = np.nan
    found = advisor.advise(replace(whole, demand=demand), advisor.read_catalog("us-east-1"))
    (told,) = [text for text in found.warnings if "have no data" in text]
    assert told.startswith("the last 14 days of web have no data")
    assert found.recommended.replay is None
    known = advisor.advise(whole, advisor.read_catalog("us-east-1"))
    assert not [text for text in known.warnings if "have no data" in text]
    assert known.recommended.monthly_usd.mean == pytest.approx(found.recommended.monthly_usd.mean)


def test_a_load_after_today_is_doubted():
    whole = replace(workload(web(demand=[2048.0] * (2 * 168))), region="us-east-1")
    last = (whole.start + timedelta(days=14, hours=-1)).date()

    def told(today):
        found = advisor.advise(whole, advisor.read_catalog("us-east-1"), today=today, replay_weeks=0)
        return [text for text in found.warnings if "after today" in text]

    assert told(last) == told(last - timedelta(days=1)) == told(None) == []
    (text,) = told(last - timedelta(days=2))
    assert text.startswith(f"the load goes on until {last}, which is after today")


def test_a_step_since_which_another_service_has_no_data_is_said_and_answered_on_what_both_have():
    stepped = [1024.0] * (7 * 168) + [4096.0] * (3 * 168)
    whole = replace(workload(web(demand=stepped), web(name="api", demand=[1024.0] * (10 * 168))), region="us-east-1")
    demand = whole.demand.copy()
    demand[1, 6 * 168 :] = np.nan
    found = advisor.advise(replace(whole, demand=demand), advisor.read_catalog("us-east-1"), replay_weeks=0)
    assert any("the load of web stepped by +300 % 3 weeks ago" in text for text in found.warnings)
    assert not any(item.id.endswith(":since_step") for item in found.alternatives)


BOTH_ROUND = """\
cluster: whole
region: us-east-1
services:
  - {name: a, task: {cpu: 1024, memory: 3072}, load: {tasks: 2}}
  - {name: b, task: {cpu: 1024, memory: 2048}, load: {tasks: 2}}
constraints: {instance_types: [m6i.large]}
"""


def stated_fargate(n_tasks, **more):
    """``n_tasks`` of 0.5 vCPU and 1 GiB on Fargate in us-east-1: $0.024685 an hour each."""
    lines = [
        "cluster: g", "region: us-east-1", *more.pop("cluster_lines", ()), "services:",
        "  - name: a", "    task: {cpu: 512, memory: 1024}", f"    load: {{tasks: {n_tasks}}}", *more.pop("services", ()),
        "constraints: {launch_types: [FARGATE]}",
    ]  # fmt: skip
    return "\n".join(lines)


def test_a_load_that_is_stated_as_a_whole_grows_as_stated(tmp_path):
    path = tmp_path / "workload.yaml"
    path.write_text(stated_fargate(10, cluster_lines=["growth: {fraction: 0.4}"]))
    found = advisor.advise(advisor.read_workload(path), advisor.read_catalog("us-east-1"), replay_weeks=0)
    assert found.recommended.monthly_usd.mean == pytest.approx(10 * 0.024685 * 730)
    assert found.recommended.monthly_usd.p50 == pytest.approx(14 * 0.024685 * 730, rel=1e-3)
    assert not any("stays so" in warning for warning in found.warnings)


def test_what_is_stated_beside_what_is_measured_stays_and_is_named(tmp_path):
    rows = [f"2026-01-{5 + hour // 24:02d}T{hour % 24:02d}:00Z,8" for hour in range(14 * 24)]
    (tmp_path / "load.csv").write_text("\n".join(["timestamp,tasks", *rows]))
    measured = ["  - name: b", "    task: {cpu: 512, memory: 1024}", "    load: {file: load.csv}"]
    path = tmp_path / "workload.yaml"
    path.write_text(stated_fargate(10, cluster_lines=["growth: {fraction: 1.0}"], services=measured))
    found = advisor.advise(advisor.read_workload(path), advisor.read_catalog("us-east-1"), replay_weeks=0)
    assert found.recommended.monthly_usd.p50 == pytest.approx((10 + 2 * 8) * 0.024685 * 730, rel=0.02)
    assert any(warning.startswith("a: the load is stated and stays so") for warning in found.warnings)


@pytest.mark.parametrize(("n_tasks", "factor", "n_whole"), [(4, 1.005, 5), (4, 1.25, 5), (10, 1.4, 14), (4, 0.6, 3)])
def test_whole_counts_times_a_factor_are_whole_on_fargate_as_on_instances(tmp_path, n_tasks, factor, n_whole):
    path = tmp_path / "workload.yaml"
    path.write_text(stated_fargate(n_tasks))
    recent, part = recent_of(advisor.read_workload(path))
    assert recent.monthly_usd([part], factor) == pytest.approx(n_whole * 0.024685 * 730)


def test_batch_runs_times_a_factor_are_billed_for_whole_tasks(tmp_path):
    """3 tasks of an hour a day, with a minute to start; 1.1 times as much are 4."""
    path = tmp_path / "workload.yaml"
    runs = 'load: {runs: [{schedule: "cron(0 3 * * ? *)", duration_minutes: 60, count: 3}]}'
    path.write_text(stated_fargate(3).replace("load: {tasks: 3}", runs))
    recent, part = recent_of(advisor.read_workload(path))
    assert recent.monthly_usd([part], 1.0) == pytest.approx(3 * 0.024685 * 730 / 24 * 61 / 60)
    assert recent.monthly_usd([part], 1.1) == pytest.approx(4 * 0.024685 * 730 / 24 * 61 / 60)


def test_counts_that_are_means_stay_means_and_so_does_the_slope_of_cost(tmp_path):
    load = workload({**web(demand=[2.0] * 168), "form": "tasks"})
    recent, part = recent_of(replace(load, region="us-east-1"))
    once = recent.monthly_usd([part], 1.0)
    assert recent.monthly_usd([part], 1.1) == pytest.approx(1.5 * once)
    assert recent.of_means().monthly_usd([part], 1.1) == pytest.approx(1.1 * once)
    half, part = recent_of(replace(load, region="us-east-1", demand=load.demand + 0.5))
    assert half.monthly_usd([part], 1.1) == pytest.approx(1.1 * 1.25 * once)


def recent_of(load):
    """The recent load of one service, and it on Fargate."""
    search = search_for(load, advisor.read_catalog("us-east-1"))
    (found,) = service_loads(load, search.axis)
    part = fargate_part(found.run, Architecture.X86_64, PurchaseOption.ON_DEMAND, search.axis, zones=2)
    return RecentLoad(load, search, ~np.isnan(search.axis.spread(load.demand[0]))), part


def test_the_load_flips_nothing_where_both_sides_take_one_task_more(tmp_path):
    """Two m6i.large at $72.48 hold 2 and 2 tasks, which Fargate runs for 2 x $39.28 and 2 x $36.04; at 1.005 times as much, as
    3 and 3 tasks, each takes half as much again. At half the load 1 and 1 tasks still hold an instance in each zone.
    """
    path = tmp_path / "workload.yaml"
    path.write_text(BOTH_ROUND)
    load = advisor.read_workload(path)
    found = advisor.advise(load, advisor.read_catalog(load.region), replay_weeks=0).recommendation
    assert found.alternative == "cluster:ec2_shared:x86_64:on_demand"
    assert found.break_even.lower_load_factor == pytest.approx(0.5, rel=0.01)
    assert found.break_even.upper_load_factor is None


def test_a_plan_of_few_instances_grows_by_whole_instances(tmp_path):
    """m5a.large holds 4 of them: 3 instances for 10 tasks, 4 for 14, at $0.086 an hour and 30 GiB at $0.08."""
    path = tmp_path / "workload.yaml"
    text = stated_fargate(10, cluster_lines=["growth: {fraction: 0.4, spread: 0.02}"])
    path.write_text(text.replace("[FARGATE]}", "[EC2], instance_types: [m5a.large]}"))
    found = advisor.advise(advisor.read_workload(path), advisor.read_catalog("us-east-1"), replay_weeks=0)
    one = 0.086 * 730 + 30 * 0.08
    assert found.recommended.monthly_usd.mean == pytest.approx(3 * one)
    low, high = found.recommended.monthly_usd.p10, found.recommended.monthly_usd.p90
    assert 4 * one * 0.999 <= low <= high <= 4 * one * 1.06  # the range of ECS's own placement on top
