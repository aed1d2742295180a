"""Batch runs of a workload become scheduled tasks: a service would start them again as soon as they end."""

import json

import pytest

from advisor.answer import advise
from advisor.emit import parse_calls, parse_cloudformation, parse_terraform, render_cloudformation, render_ecs, render_terraform
from advisor.sources import read_catalog, read_workload
from advisor.sources.batch_runs import Run, parse_schedule, scheduled_runs
from advisor.sources.timestamps import zone_named

NIGHTLY = '{schedule: "cron(0 2 * * * *)", time_zone: Europe/Berlin, duration_minutes: 20, count: 4}'
WEEKLY = '{schedule: "cron(30 4 ? * SUN *)", duration_minutes: 90, count: 25}'


@pytest.fixture(scope="module")
def catalog():
    return read_catalog("us-east-1")


@pytest.fixture
def planned(tmp_path, catalog):
    def plan(load, more="", **files):
        for name, text in files.items():
            (tmp_path / name.replace("_", ".")).write_text(text)
        path = tmp_path / "workload.yaml"
        path.write_text(
            "cluster: shop\nregion: us-east-1\nservices:\n"
            f"  - {{name: nightly, task: {{cpu: 1024, memory: 2048}}, load: {load}}}\n{more}"
        )
        return advise(read_workload(path), catalog)

    return plan


def facts(plan):
    return {
        name: (s.schedule, s.schedule_time_zone, s.desired_tasks, s.is_schedule_enabled) for name, s in plan.services.items()
    }


def test_a_schedule_is_carried_into_the_plan_and_started_by_the_scheduler(planned):
    plan = planned(f"{{runs: [{NIGHTLY}]}}").recommended.plan
    assert facts(plan) == {"nightly": ("cron(0 2 * * ? *)", "Europe/Berlin", 4, True)}
    calls = parse_calls(render_ecs(plan))
    assert not [operation for _, operation, _ in calls if operation in ("CreateService", "RegisterScalableTarget")]
    (schedule,) = (request for _, operation, request in calls if operation == "CreateSchedule")
    assert schedule["Target"]["EcsParameters"]["TaskCount"] == 4
    assert "State" not in schedule


def test_several_schedules_and_more_than_ten_tasks_become_several_scheduled_tasks(planned):
    more = "  - {name: nightly-2, task: {cpu: 256, memory: 512}, load: {tasks: 1}}\n"
    plan = planned(f"{{runs: [{NIGHTLY}, {WEEKLY}]}}", more).recommended.plan
    weekly = "cron(30 4 ? * SUN *)", "UTC"
    assert facts(plan) == {
        "nightly": ("cron(0 2 * * ? *)", "Europe/Berlin", 4, True),
        "nightly-2": (None, "UTC", 1, True),
        "nightly-3": (*weekly, 10, True),
        "nightly-4": (*weekly, 10, True),
        "nightly-5": (*weekly, 5, True),
    }


@pytest.mark.parametrize(
    "load",
    [
        '{runs: [{start: "2026-09-01T02:00Z", duration_minutes: 30, count: 3}]}',
        "{runs_file: runs.csv}",
        '{runs: [{schedule: "cron(0 2 1 * MON *)", duration_minutes: 30, count: 3}]}',
        '{runs: [{schedule: "rate(1 day)", duration_minutes: 30, count: 3000}]}',
    ],
)
def test_runs_without_a_schedule_for_aws_are_emitted_disabled_and_said(planned, load):
    told = planned(load, runs_csv="start,duration_minutes,count\n2026-09-01T02:00Z,30,3\n")
    plan = told.recommended.plan
    (job,) = plan.services.values()
    assert (job.schedule, job.is_schedule_enabled, job.desired_tasks) == ("rate(1 day)", False, min(job.desired_tasks, 10))
    assert any("nightly: " in each and "disabled" in each for each in told.warnings)
    files = render_ecs(plan)
    assert json.loads(files["services/nightly/create-schedule.json"])["State"] == "DISABLED"
    assert "A schedule that is disabled" in files["README.md"].decode()
    assert parse_terraform(render_terraform(plan)) == plan
    assert parse_cloudformation(render_cloudformation(plan)) == plan


@pytest.mark.parametrize(
    ("stated", "emitted"),
    [
        ("rate(1 hours)", "rate(1 hour)"),
        ("rate(15 minute)", "rate(15 minutes)"),
        ("cron(0  2 * * * *)", "cron(0 2 * * ? *)"),
        ("cron(0 2 1 * * *)", "cron(0 2 1 * ? *)"),
        ("cron(0 2 * * MON *)", "cron(0 2 ? * MON *)"),
        ("cron(0 2 ? * ? *)", "cron(0 2 * * ? *)"),
        ("cron(0 2 ? * 2-6 *)", "cron(0 2 ? * 2-6 *)"),
    ],
)
def test_schedules_are_emitted_as_the_scheduler_takes_them(stated, emitted):
    (run,) = scheduled_runs([Run(schedule=parse_schedule(stated, zone_named("Asia/Tokyo")), duration_s=60.0)])
    assert (run.schedule, run.tasks) == (emitted, 1)


def test_a_definition_with_containers_of_its_own_is_said_to_be_kept_by_merging(planned):
    definition = {"cpu": "256", "memory": "512", "containerDefinitions": [{"name": "app", "image": "a"}, {"name": "proxy"}]}
    more = "  - {name: web, task: {file: task.json}, load: {tasks: 2}}\n"
    told = planned("{tasks: 1}", more, task_json=json.dumps(definition))
    (said,) = (each for each in told.warnings if "--from" in each)
    assert said.startswith("web: the deploy files describe one container")
