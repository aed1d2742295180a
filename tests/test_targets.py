"""Scaling targets replayed on the history: what each costs and how safe it was, by hand."""

import json
import re

import numpy as np
import pytest

from advisor.answer import advise
from advisor.recommend import Recommendation
from advisor.report import render_markdown
from advisor.report.explain import explain_text
from advisor.report.html import render_html
from advisor.sources import read_catalog, read_workload

approx = pytest.approx
TASK_USD = 730 * (1 * 0.04048 + 2 * 0.004445)
"""A task of 1 vCPU and 2 GiB, Fargate Linux x86, us-east-1, a month: https://aws.amazon.com/fargate/pricing/."""


@pytest.fixture(scope="module")
def catalog():
    return read_catalog("us-east-1")


@pytest.fixture
def advised(tmp_path, catalog):
    """Advice on a service of 1 vCPU and 2 GiB with these columns for two weeks and a day, on Fargate."""

    def advise_columns(step_minutes=60, scaling="{}", launch_type="FARGATE", starts_s=60, **columns):
        n_steps = 15 * 24 * 60 // step_minutes
        times = np.datetime64("2026-09-07T00:00") + np.arange(n_steps) * np.timedelta64(step_minutes, "m")
        rows = zip(times, *(np.broadcast_to(np.asarray(c, float), n_steps).tolist() for c in columns.values()), strict=True)
        lines = [",".join((f"{time}Z", *map(repr, cells))) for time, *cells in rows]
        (tmp_path / "web.csv").write_text("\n".join([f"timestamp,{','.join(columns)}", *lines]) + "\n")
        task = f"{{cpu: 1024, memory: 2048, startup_seconds: {starts_s}}}"
        entry = f"name: web, task: {task}, load: {{file: web.csv}}, scaling: {scaling}"
        path = tmp_path / "workload.yaml"
        path.write_text(
            f"cluster: c\nregion: us-east-1\nservices:\n  - {{{entry}}}\nconstraints: {{launch_types: [{launch_type}]}}\n"
        )
        return advise(read_workload(path), catalog)

    return advise_columns


def outcomes_of(answer):
    return {each.target_cpu_percent: each for each in answer.recommendation.services[0].targets}


def test_targets_of_a_constant_load_by_hand(advised):
    """3,072 units: 6 tasks at 50 %, 5 at 60 %, 5 at 70 % (4.3), 4 at 80 % (3.75), each step within its target.

    Six ran with 30 % of their memory: five need 36 %, four 45 %.
    """
    outcomes = outcomes_of(advised(tasks=6, cpu_percent=50, memory_percent_maximum=30))
    assert list(outcomes) == [50, 60, 70, 80]
    assert [each.monthly_usd for each in outcomes.values()] == approx([6 * TASK_USD, 5 * TASK_USD, 5 * TASK_USD, 4 * TASK_USD])
    assert [each.memory_headroom_fraction for each in outcomes.values()] == approx([0.70, 0.64, 0.64, 0.55])


def test_an_upper_bound_leaves_the_target_exceeded(advised):
    """At most four tasks run at 75 %: above 50, 60 and 70 % all month, and not above full; 45 % targets are the stated one."""
    outcomes = outcomes_of(advised(tasks=6, cpu_percent=50, scaling="{min: 1, max: 4, target_cpu: 45}"))
    assert list(outcomes) == [45, 50, 60, 70, 80]
    assert [each.hours_above_target for each in outcomes.values()] == [approx(730)] * 4 + [None]
    assert {each.memory_headroom_fraction for each in outcomes.values()} == {None}


def test_in_short_steps_the_count_comes_a_few_minutes_late(advised):
    """One task, and for an hour a day three tasks' worth, 1,843.2 units: for its first 4 minutes one task has 1,024.

    Three of them raise the alarm, in the fourth a second task starts. The metric saturates at 100 %, which asks for 100 / 60,
    so two tasks: at 90 % they ask for a third when the cooldown of 5 minutes is over, which serves from the tenth minute on.
    """
    units = np.full(15 * 288, 300.0)
    for day in range(15):
        units[day * 288 + 100 : day * 288 + 112] = 1843.2
    outcomes = outcomes_of(advised(step_minutes=5, cpu_units=units, tasks=3))
    a_minute_a_day = 730 / 24 / 60
    assert outcomes[60].hours_above_full == approx(4 * a_minute_a_day)
    assert outcomes[60].hours_above_target == approx(9 * a_minute_a_day)


def test_tasks_that_start_do_not_serve(advised):
    """As above, with four minutes until a task is ready in place of one: full for three minutes more."""
    units = np.full(15 * 288, 300.0)
    for day in range(15):
        units[day * 288 + 100 : day * 288 + 112] = 1843.2
    outcomes = outcomes_of(advised(step_minutes=5, starts_s=240, cpu_units=units, tasks=3))
    assert outcomes[60].hours_above_full == approx(7 * 730 / 24 / 60)


def test_the_busiest_task_tells_what_an_average_hides(advised):
    """Two of 40 % on average, the busier at 90 %: at 80 % one task takes both, 80 % on average and 180 % of one."""
    outcomes = outcomes_of(advised(tasks=2, cpu_percent_average=40, cpu_percent_maximum=90))
    assert outcomes[80].hours_above_full == approx(730)
    assert outcomes[50].hours_above_full == 0


@pytest.mark.parametrize(("step_minutes", "hours"), [(5, 0), (60, None)])
def test_what_happens_inside_of_long_steps_is_not_known(advised, step_minutes, hours):
    outcomes = outcomes_of(advised(step_minutes=step_minutes, tasks=6, cpu_percent=50))
    assert {each.hours_above_target for each in outcomes.values()} == {hours}
    assert {each.hours_above_full for each in outcomes.values()} == {hours}


def test_on_instances_of_its_own_a_target_costs_what_they_cost(advised):
    outcomes = outcomes_of(advised(tasks=12, cpu_percent=60, launch_type="EC2"))
    costs = [each.monthly_usd for each in outcomes.values()]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] > costs[-1]


def test_a_count_that_follows_no_target_has_none(advised):
    assert outcomes_of(advised(tasks=6)) == {}
    assert outcomes_of(advised(tasks=6, cpu_percent=50, scaling="{min: 6, max: 6}")) == {}


def test_targets_stand_in_the_result_and_in_the_reports(advised):
    answer = advised(tasks=6, cpu_percent=50, memory_percent_maximum=30)
    data = json.loads(answer.to_json())
    assert data["recommendation"]["services"][0]["targets"][0]["target_cpu_percent"] == 50
    assert Recommendation.from_dict(data) == answer
    said = "50 % costs $216, ? h above it, ? h above full, 70 % of memory left; 60 % costs"
    page = render_html(answer).split("What would other scaling targets cost?")[1]
    row = re.search(r"<tr><th[^>]*>web</th>(.*?)</tr>", page)
    cells = [cell.replace("\N{NO-BREAK SPACE}", " ") for cell in re.findall(r"<td[^>]*>([^<]*)</td>", row[1])]
    assert cells == ["50 %", "$216", "?", "?", "70 %"]
    for text in (render_markdown(answer), explain_text(answer, "web")):
        assert said in " ".join(text.replace("\\", "").split())


SEEN = {"tasks": 6, "cpu_percent_average": 50, "cpu_percent_maximum": 55, "memory_percent_maximum": 50}


def test_the_highest_target_that_was_safe_is_proposed_and_not_applied(advised):
    """At 80 % four tasks have 3,072 of 4,096 units, the busiest 55 % x 6 / 4 = 82.5 %, and 75 % of their memory."""
    service = advised(step_minutes=5, **SEEN).recommendation.services[0]
    proposal = service.proposed_target
    assert (proposal.target_cpu_percent, proposal.own_target_cpu_percent) == (80, 60)
    assert proposal.saving_usd == approx(TASK_USD)
    assert service.tasks_max == 5


def test_a_proposal_is_told_wherever_targets_are(advised):
    answer = advised(step_minutes=5, **SEEN)
    said = "Proposed and not applied: scaling.target_cpu 80 instead of 60 saves $36 and would have been safe"
    for text in (render_markdown(answer), render_html(answer), explain_text(answer, "web")):
        assert said in " ".join(text.replace("\\", "").split())


def test_where_the_own_target_was_not_safe_a_dearer_one_is_proposed(advised):
    """The busiest of six tasks used 90 %: of five it would have needed 108 %."""
    service = advised(step_minutes=5, **{**SEEN, "cpu_percent_maximum": 90}).recommendation.services[0]
    assert service.proposed_target.target_cpu_percent == 50
    assert service.proposed_target.saving_usd == approx(-TASK_USD)


@pytest.mark.parametrize(
    ("step_minutes", "change"),
    [
        (60, {}),  # what happens inside an hour is not seen
        (5, {"memory_percent_maximum": 70}),  # four tasks would need 105 % of their memory; five are what runs at 60 %
        (5, {"memory_percent_maximum": None}),
        (5, {"cpu_percent_maximum": None}),
    ],
)
def test_nothing_is_proposed_where_safety_is_not_seen(advised, step_minutes, change):
    columns = {name: value for name, value in {**SEEN, **change}.items() if value is not None}
    assert advised(step_minutes=step_minutes, **columns).recommendation.services[0].proposed_target is None


def test_a_proposal_comes_back_from_its_file(advised):
    answer = advised(step_minutes=5, **SEEN)
    assert Recommendation.from_dict(json.loads(answer.to_json())) == answer
