"""Batch runs of a workload become scheduled tasks: a service would start them again as soon as they end."""

import json
import re
from dataclasses import replace

import pytest

from advisor import emit
from advisor.answer import advise
from advisor.ecs import Architecture, LaunchType
from advisor.emit import (
    parse_calls,
    parse_cloudformation,
    parse_terraform,
    render_cloudformation,
    render_ecs,
    render_ecspresso,
    render_terraform,
)
from advisor.emit.diff import diff_plan, emitted_documents
from advisor.plan import ScalingMetric
from advisor.schedules import parse_schedule
from advisor.sources import read_catalog, read_workload
from advisor.sources.batch_runs import Run, scheduled_runs
from advisor.sources.timestamps import zone_named
from tests.emit.plans import fargate, instances, plan, service

NIGHTLY = '{schedule: "cron(0 2 * * * *)", time_zone: Europe/Berlin, duration_minutes: 20, count: 4}'
WEEKLY = '{schedule: "cron(30 4 ? * SUN *)", duration_minutes: 90, count: 25}'


@pytest.fixture(scope="module")
def catalog():
    return read_catalog("us-east-1")


@pytest.fixture
def planned(tmp_path, catalog):
    def advised(load, more="", **files):
        for name, text in files.items():
            (tmp_path / name.replace("_", ".")).write_text(text)
        path = tmp_path / "workload.yaml"
        path.write_text(
            "cluster: shop\nregion: us-east-1\nservices:\n"
            f"  - {{name: nightly, task: {{cpu: 1024, memory: 2048}}, load: {load}}}\n{more}"
        )
        return advise(read_workload(path), catalog)

    return advised


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


def test_what_is_emitted_for_a_batch_differs_in_nothing_from_itself(planned):
    plan = planned(f"{{runs: [{NIGHTLY}, {WEEKLY}]}}").recommended.plan
    diff = diff_plan(plan, emitted_documents(render_ecs(plan)))
    assert (diff.rows, diff.not_compared) == ((), ())
    job = plan.services["nightly"]
    later = replace(plan, services={**plan.services, "nightly": replace(job, schedule="cron(0 5 * * ? *)")})
    (row,) = diff_plan(later, emitted_documents(render_ecs(plan))).rows
    assert (row.field, row.before, row.after) == (
        "schedule",
        "cron(0 2 * * ? *) Europe/Berlin",
        "cron(0 5 * * ? *) Europe/Berlin",
    )
    untold = diff_plan(plan, [{"services": []}])
    assert untold.rows == ()
    assert untold.not_compared[0].startswith("task definition of nightly")


@pytest.mark.parametrize("render", [render_ecs, render_ecspresso, render_cloudformation, render_terraform])
def test_the_longest_names_that_ecs_allows_can_be_written_to_files(render):
    names = ["a" * 255, "a" * 254 + "b", "c" * 255]
    pool = instances("m" * 200, "m7g.large")
    on = {"launch_type": LaunchType.EC2, "architecture": Architecture.ARM64, "capacity_provider": pool.name}
    job = service(
        scaling_metric=ScalingMetric.NONE,
        scaling_target=None,
        schedule="rate(1 day)",
        desired_tasks=2,
        min_tasks=2,
        max_tasks=2,
    )
    made = plan({names[0]: service(port=80), names[1]: service(**on, port=81), names[2]: job}, fargate(), pool)
    files = render(made)
    assert max(len(part) for path in files for part in path.split("/")) <= 200
    parse = getattr(emit, render.__name__.replace("render", "parse"))
    assert parse(files) == made
    for path in files:
        if path.endswith(".sh"):
            text = files[path].decode()
            assert all(file in files for file in re.findall(r"file://(\S+\.json)", text))
