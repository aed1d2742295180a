"""Scheduled actions of service auto scaling: bounds that move with the time of day, in counts, money, plans and files."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from advisor import advise, read_catalog, read_workload
from advisor.bounds import bounds_said, why_bounds_clash
from advisor.ecs import LaunchType
from advisor.emit import render_ecs
from advisor.errors import AdvisorError, PlanError
from advisor.optimize.loads import service_loads
from advisor.plan import ScheduledAction
from advisor.recommend.hybrid import hybrid_plan
from advisor.schedules import parse_schedule
from advisor.simulate.timeline import timeline
from advisor.workload import Scaling

VIRGINIA = read_catalog("us-east-1")
BERLIN = ZoneInfo("Europe/Berlin")
HOUR, FIVE_MINUTES = 3600, 300
WEEKDAYS = """
        - {schedule: "cron(0 7 ? * MON-FRI *)", timezone: Europe/Berlin, min_capacity: 6, max_capacity: 20}
        - {schedule: "cron(0 19 ? * MON-FRI *)", timezone: Europe/Berlin, min_capacity: 2, max_capacity: 20}"""
NIGHTS_OFF = """
        - {schedule: "cron(0 7 * * ? *)", min_capacity: 2, max_capacity: 9}
        - {schedule: "cron(0 19 * * ? *)", min_capacity: 0, max_capacity: 0}"""


@pytest.fixture(scope="module")
def stated(tmp_path_factory):
    def read(actions, *, start="2026-01-05", days=14, step_s=HOUR, rows="10,2", task="{cpu: 1024, memory: 2048}", more=""):
        folder, first = tmp_path_factory.mktemp("scheduled"), datetime.fromisoformat(start).replace(tzinfo=UTC)
        times = [first + timedelta(seconds=step_s * n) for n in range(days * 86_400 // step_s)]
        lines = ["timestamp,cpu_percent,tasks", *(f"{time.isoformat()},{rows}" for time in times)]
        (folder / "web.csv").write_text("\n".join(lines))
        (folder / "workload.yaml").write_text(
            f"cluster: shop\nregion: us-east-1\nservices:\n  - name: web\n    task: {task}\n    load: {{file: web.csv}}\n"
            f"{more}    scaling:\n      min: 2\n      max: 20\n      scheduled_actions:{actions}\n"
        )
        return read_workload(folder / "workload.yaml")

    return read


@pytest.fixture(scope="module")
def advised(stated):
    return advise(stated(WEEKDAYS, more="    port: 80\n    image: web:1\n"), VIRGINIA, replay_weeks=1)


def counts(workload):
    """By the hour."""
    axis = timeline(workload.start, workload.step_s, workload.n_steps)
    return service_loads(workload, axis)[0].run.tasks.reshape(-1, HOUR // axis.step_s).mean(axis=1)


def test_a_scheduled_minimum_is_billed_for_its_hours(advised):
    """By hand: a week has 60 hours of 6 tasks and 108 of 2, so a month of 730 hours 2,502.86 task-hours at $0.04937."""
    fargate = next(a for a in advised.of_scope("cluster") if a.plan.services["web"].launch_type is LaunchType.FARGATE)
    assert fargate.monthly_usd.mean == pytest.approx((60 * 6 + 108 * 2) / 168 * 730 * (0.04048 + 2 * 0.004445), rel=1e-9)


def test_a_load_in_fine_steps_is_scaled_by_the_minute_to_the_same_counts(stated):
    tasks = counts(stated(WEEKDAYS, days=7, step_s=FIVE_MINUTES))
    assert tasks == pytest.approx(counts(stated(WEEKDAYS, days=7)), abs=6 / 60)  # the metric's minute late


def test_instances_see_the_schedule_as_fargate_does(advised):
    best = advised.recommended
    assert {p.launch_type for p in best.plan.capacity_providers.values()} == {LaunchType.EC2}
    assert best.replay.instances_over_packing == pytest.approx(1, abs=0.02)


def test_bounds_that_were_set_before_the_load_begins_hold_from_its_start(stated):
    saturday = counts(stated(WEEKDAYS, start="2026-01-10", days=2))
    wednesday_noon = counts(stated(WEEKDAYS, start="2026-01-07T12:00", days=1))
    assert set(saturday.tolist()) == {2}
    assert wednesday_noon[0] == 6


@pytest.mark.parametrize(("day", "utc_hour"), [("2026-03-27", 6), ("2026-03-30", 5), ("2026-10-23", 5), ("2026-10-26", 6)])
def test_a_time_of_day_moves_with_daylight_saving_time(stated, day, utc_hour):
    tasks = counts(stated(WEEKDAYS, start=day, days=1))
    assert (np.flatnonzero(tasks == 6).min(), (tasks == 6).sum()) == (utc_hour, 12)


@pytest.mark.parametrize(("cron", "day", "starts"), [
    ("cron(30 2 * * ? *)", datetime(2026, 3, 29, tzinfo=BERLIN), []),  # 02:30 does not come
    ("cron(30 2 * * ? *)", datetime(2026, 10, 25, tzinfo=BERLIN), ["00:30"]),  # 02:30 comes twice
    ("cron(30 2 * * ? *)", datetime(2026, 10, 26, tzinfo=BERLIN), ["01:30"]),
])  # fmt: skip
def test_a_start_in_a_clock_change_is_skipped_or_comes_once(cron, day, starts):
    first, end = (int((day + timedelta(days=n)).timestamp()) for n in (0, 1))
    found = [f"{datetime.fromtimestamp(at, UTC):%H:%M}" for at in parse_schedule(cron, BERLIN).starts_s(first, end).tolist()]
    assert found == starts


def test_a_change_inside_of_an_hour_counts_for_its_part(stated):
    actions = "".join(
        f'\n        - {{schedule: "cron({minute} {hour} * * ? *)", min_capacity: {least}}}'
        for minute, hour, least in ((40, 7, 8), (0, 8, 2))
    )
    assert counts(stated(actions, days=1))[6:9].tolist() == [2, pytest.approx((40 * 2 + 20 * 8) / 60), 2]


def test_no_task_runs_and_none_is_billed_while_none_may(stated):
    tasks = counts(stated(NIGHTS_OFF, days=2))
    assert tasks[:24].tolist() == [0] * 7 + [2] * 12 + [0] * 5


def test_a_load_beyond_a_scheduled_maximum_is_unmet(stated):
    workload = stated('\n        - {schedule: "cron(0 0 * * ? *)", min_capacity: 2, max_capacity: 3}', days=1, rows="60,10")
    (load,) = service_loads(workload, timeline(workload.start, HOUR, 24))
    assert set(load.run.tasks.tolist()) == {3}
    assert set(load.run.unmet.tolist()) == {7}


def test_the_plan_and_its_files_have_the_actions(advised):
    service = advised.recommended.plan.services["web"]
    assert [(a.min_tasks, a.max_tasks, a.time_zone) for a in service.scheduled_actions] == [
        (6, 20, "Europe/Berlin"), (2, 20, "Europe/Berlin"),
    ]  # fmt: skip
    files = render_ecs(advised.recommended.plan)
    assert b'"Schedule": "cron(0 7 ? * MON-FRI *)"' in files["services/web/put-scheduled-action-scheduled-action-1.json"]
    assert b"6 to 20 tasks from `cron(0 7 ? * MON-FRI *)` Europe/Berlin" in files["README.md"]


def test_a_maximum_that_nobody_stated_is_above_minimums_of_days_without_load(stated):
    """Application Auto Scaling refuses a minimum above the maximum, on that one morning."""
    actions = "".join(
        f'\n        - {{schedule: "cron(0 {hour} 29 11 ? *)", min_capacity: {least}}}' for hour, least in ((7, 20), (9, 2))
    )
    workload = stated(actions, days=7)
    unbounded = replace(workload.services[0], scaling=replace(workload.services[0].scaling, max_tasks=None))
    service = advise(replace(workload, services=(unbounded,)), VIRGINIA, replay_weeks=0).recommended.plan.services["web"]
    assert service.max_tasks == service.scheduled_actions[0].min_tasks == 20


def test_larger_tasks_meet_a_scheduled_minimum_with_fewer(stated):
    """1216/5988 is no size of Fargate: 2048/10240 has the CPU of 6 such tasks with 4."""
    actions = '\n        - {schedule: "cron(0 7 * * ? *)", min_capacity: 6}'
    workload = stated(actions, task="{cpu: 1216, memory: 5988}", rows="60,8")
    workload = replace(workload, constraints=replace(workload.constraints, launch_types=(LaunchType.FARGATE,)))
    plan = advise(workload, VIRGINIA, replay_weeks=0).recommended.plan.services["web"]
    (action,) = plan.scheduled_actions
    assert action.min_tasks == -(-6 * 1216 // plan.task.cpu_units) < 6


def test_a_hybrid_moves_the_bounds_of_the_half_that_scales(advised):
    plan = hybrid_plan(advised, {"web": 2})
    on_fargate = next(s for s in plan.services.values() if s.shares_target_group_of)
    assert [(a.min_tasks, a.max_tasks) for a in on_fargate.scheduled_actions] == [(4, 18), (1, 18)]
    assert plan.services["web"].scheduled_actions == ()


def test_what_the_actions_do_is_said(stated):
    workload = stated(WEEKDAYS, rows="10,3")
    assert any(
        "scheduled actions move the bounds of its count: 6 to 20 tasks from cron(0 7 ? *" in note for note in workload.notes
    )


ACTION = "\n        - {{schedule: {}, min_capacity: 6{}}}"


@pytest.mark.parametrize(("actions", "said"), [
    (ACTION.format("rate(12 hours)", ""), "counts from when the action was made"),
    (ACTION.format('"at(2026-01-01T07:00:00)"', ""), "runs once"),
    (ACTION.format('"cron(0 7 1 * MON *)"', ""), "gives both days"),
    (ACTION.format('"cron(0 7 L * ? *)"', ""), "L, W and # are not supported"),
    (ACTION.format('"cron(0 7 * * ?)"', ""), "is not a schedule"),
    (ACTION.format('"cron(0 7 * * ? *)"', ", timezone: Europe/Berln"), "no time zone 'Europe/Berln'"),
    (ACTION.format('"cron(0 7 * * ? *)"', ", max_capacity: 5"), "needs 0 <= min <= max"),
    (ACTION.format('"cron(0 7 * * ? *)"', ", max: 5"), "unknown key `max`"),
    ('\n        - {schedule: "cron(0 7 * * ? *)"}', "sets neither a minimum nor a maximum"),
    ('\n        - {schedule: "cron(0 7 * * ? *)", min_capacity: 21}', "no maximum, and the maximum before may be less"),
    ('\n        - {schedule: "cron(0 7 * * ? *)", max_capacity: 1}', "no minimum, and the minimum before may be more"),
    (NIGHTS_OFF.replace("min_capacity: 2, ", ""), "brings no task back from none"),
    (NIGHTS_OFF.replace("min_capacity: 2, ", "min_capacity: 0, "), "brings no task back from none"),
])  # fmt: skip
def test_what_no_bill_can_follow_is_refused_with_its_line(stated, actions, said):
    with pytest.raises(AdvisorError) as refused:
        stated(actions, days=1)
    assert said in str(refused.value)
    assert "workload.yaml, line 1" in str(refused.value)


@pytest.mark.parametrize("schedule", ["cron(0 7 * * ?)", "rate(0 minutes)", "every day"])
def test_no_mend_of_a_scheduled_action_offers_a_rate(stated, schedule):
    with pytest.raises(AdvisorError) as refused:
        stated(ACTION.format(f'"{schedule}"', ""), days=1)
    assert "cron(" in refused.value.fix
    assert "rate" not in refused.value.fix


def test_a_hybrid_whose_base_a_scheduled_maximum_forbids_is_refused(stated):
    found = advise(stated(NIGHTS_OFF, more="    port: 80\n    image: web:1\n"), VIRGINIA, replay_weeks=0)
    with pytest.raises(PlanError, match="no more than its base"):
        hybrid_plan(found, {"web": 2})


def test_a_maximum_of_none_under_a_minimum_that_is_kept_at_one_is_refused():
    """A minimum of 0 is written as 1, above which the maximum would stay: AWS would refuse the action as it runs."""
    action = ScheduledAction(name="off", schedule="cron(0 19 * * ? *)", max_tasks=0)
    assert "the minimum before may be more" in why_bounds_clash(Scaling(min_tasks=0, max_tasks=9, scheduled_actions=(action,)))


def test_one_task_is_one():
    assert [bounds_said(1, None), bounds_said(1, 1), bounds_said(1, 2)] == ["at least 1 task", "1 task", "1 to 2 tasks"]
