"""Forms of load: what a file may state, what becomes part of the workload, and what it costs. Sums are by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from advisor.answer import advise
from advisor.ecs import Architecture, LaunchType, TaskSize
from advisor.simulate.instances import capacity
from advisor.sources import read_catalog, read_workload
from advisor.sources.batch_runs import Run, Runs, tasks_of_runs
from advisor.sources.places import Place
from advisor.workload import Daemon, LoadForm

approx = pytest.approx
REGION = "us-east-1"
VCPU_USD, GIB_USD = 0.04048, 0.004445
"""Fargate, Linux x86, us-east-1, an hour: https://aws.amazon.com/fargate/pricing/."""


@pytest.fixture(scope="module")
def catalog():
    return read_catalog(REGION)


@pytest.fixture
def folder(tmp_path):
    """Writes files and reads the workload among them."""

    def read(services: str, more: str = "", **files: str):
        for name, text in files.items():
            (tmp_path / name.replace("_", ".")).write_text(text)
        path = tmp_path / "workload.yaml"
        path.write_text(f"cluster: shop\nregion: {REGION}\n{more}services:\n{services}")
        return read_workload(path)

    return read


def table(header, *columns, step_minutes=60, start="2026-09-07T00:00:00"):
    times = np.datetime64(start) + np.arange(len(columns[0])) * np.timedelta64(step_minutes, "m")
    rows = (",".join((f"{t}Z", *map(repr, map(float, cells)))) for t, *cells in zip(times, *columns, strict=True))
    return f"timestamp,{header}\n" + "\n".join(rows) + "\n"


def months(recommendation, scope):
    return {a.id: a.monthly_usd.mean for a in recommendation.of_scope(scope) if a.monthly_usd}


# Usage


@given(
    percent=st.lists(st.integers(0, 1_000).map(lambda tenths: tenths / 10), min_size=2, max_size=40),
    count=st.integers(1, 20),
    cpu=st.sampled_from([256, 300, 512, 1024]),
)
def test_percent_of_size_and_count_given_as_usage_is_the_same_load_as_utilization(tmp_path_factory, percent, count, cpu):
    folder = tmp_path_factory.mktemp("law")
    counts = [count] * len(percent)
    usage = [share / 100 * cpu * count for share in percent]
    (folder / "utilization.csv").write_text(table("cpu_percent,tasks", percent, counts))
    (folder / "usage.csv").write_text(table("cpu_units,tasks", usage, counts))
    one, other = (
        read_workload(folder / f"{form}.csv", region=REGION, cpu=cpu, memory=1024) for form in ("utilization", "usage")
    )
    assert (one.services[0].load_form, other.services[0].load_form) == (LoadForm.UTILIZATION, LoadForm.USAGE)
    assert_array_equal(one.demand, other.demand)
    assert_array_equal(one.running_tasks, other.running_tasks)


def test_usage_goes_all_the_way_to_the_same_money_as_utilization(tmp_path, catalog):
    wave = 30 + 25 * np.sin(np.arange(24 * 28) / 24 * 2 * np.pi)
    tasks = np.full(wave.size, 4)
    (tmp_path / "a.csv").write_text(table("cpu_percent,memory_percent,tasks", wave, wave / 2, tasks))
    usage = wave / 100 * 512 * tasks
    (tmp_path / "b.csv").write_text(table("cpu_units,memory_mib,tasks", usage, wave / 200 * 1024 * tasks, tasks))
    answers = [advise(read_workload(tmp_path / n, region=REGION, cpu=512, memory=1024), catalog) for n in ("a.csv", "b.csv")]
    one, other = ({k.partition(":")[2]: v for k, v in months(a, n).items()} for a, n in zip(answers, "ab", strict=True))
    assert one == other
    assert answers[1].views.services[0].load_form == "usage"


def test_usage_without_a_task_count_is_a_load_by_itself(folder):
    workload = folder(
        "  - {name: w, task: {cpu: 512, memory: 1024}, load: {file: w.csv}}\n", w_csv=table("cpu_units", [100, 700, 300])
    )
    assert_array_equal(workload.demand, [[100, 700, 300]])
    assert workload.running_tasks is None


# Task definitions

CONTAINERS = [
    {"name": "app", "image": "app", "cpu": 256, "memory": 900, "memoryReservation": 600},
    {"name": "envoy", "image": "envoy", "cpu": 64, "memory": 128, "essential": False},
    {"name": "log-router", "image": "fluent-bit", "cpu": 0, "memoryReservation": 50},
]
FROM_FILE = "  - {name: web, task: {file: td.json}, load: {tasks: 3}}\n"


def in_every_form(definition):
    """As `register-task-definition` takes it, as the CLI and as boto3 print it."""
    return {
        "register": definition,
        "cli": {"taskDefinition": {**definition, "revision": 3, "status": "ACTIVE"}, "tags": []},
        "boto3": {"taskDefinition": definition, "ResponseMetadata": {"HTTPStatusCode": 200}},
    }


@pytest.mark.parametrize("form", ["register", "cli", "boto3"])
def test_a_task_with_sidecars_reserves_what_its_containers_do_together(folder, form):
    definition = in_every_form({"family": "web", "containerDefinitions": CONTAINERS})[form]
    workload = folder(FROM_FILE, td_json=json.dumps(definition))
    assert workload.services[0].task == TaskSize(cpu_units=320, memory_mib=778)  # 256 + 64; 600 + 128 + 50
    first, second, third = (note for note in workload.notes if note.startswith("web: "))
    assert (
        "320/778, reserved by its containers together: 3 containers (app 256/600, envoy 64/128, log-router no CPU/50)" in first
    )
    assert "may use 1,078 MiB together (memory), but reserve 778 MiB (memoryReservation)" in second  # 900 + 128 + 50
    assert third == "web: for Fargate and Managed Instances its task definition has to do without network mode bridge."


def test_the_size_of_the_task_goes_before_its_containers(folder):
    definition = {"cpu": "1 vCPU", "memory": "2048", "containerDefinitions": CONTAINERS}
    workload = folder(FROM_FILE, td_json=json.dumps(definition))
    assert workload.services[0].task == TaskSize(cpu_units=1024, memory_mib=2048)
    assert not any("may use" in note for note in workload.notes)


def test_past_runs_come_from_a_table(folder, catalog):
    """2 x 60 min and 1 x 30 min of work with a minute of start-up each: 2 x 3,660 + 1,860 s in the day of their span."""
    text = "start,duration_seconds,count\n2026-09-07T02:00Z,3600,2\n2026-09-08T01:29Z,1800,1\n"
    workload = folder("  - {name: w, task: {cpu: 1024, memory: 2048}, load: {runs_file: r.csv}}\n", r_csv=text)
    assert workload.span_hours == 24
    assert workload.services[0].is_stated
    assert (workload.fargate_tasks.sum() * workload.step_s) == approx(2 * 3_660 + 1_860)
    assert [Path(file.path).name for file in workload.inputs] == ["workload.yaml", "r.csv"]
    in_minutes = text.replace("_seconds", "_minutes").replace("3600", "60").replace("1800", "30")
    assert_array_equal(
        workload.demand,
        folder("  - {name: w, task: {cpu: 1024, memory: 2048}, load: {runs_file: r.csv}}\n", r_csv=in_minutes).demand,
    )


@pytest.mark.parametrize("cpu", [0, 1, None, "0"])
def test_cpu_that_is_a_placeholder_has_to_be_stated(folder, cpu):
    definition = json.dumps({"containerDefinitions": [{"name": "a", "cpu": cpu, "memory": "300"}]})
    workload = folder("  - {name: web, task: {file: td.json, cpu: 128}, load: {tasks: 3}}\n", td_json=definition)
    assert workload.services[0].task == TaskSize(cpu_units=128, memory_mib=300)


def test_a_task_that_uses_more_than_it_reserves_gets_a_larger_one_on_fargate(folder, catalog):
    definition = json.dumps({"containerDefinitions": [{"name": "a", "cpu": 512, "memory": 4096, "memoryReservation": 1024}]})
    load = table("cpu_percent,memory_percent_maximum,tasks", [50] * 400, [60] * 399 + [150], [2] * 400)
    entry = "  - {name: web, task: {file: td.json}, load: {file: web.csv}, port: 80, scaling: {min: 2}}\n"
    workload = folder(entry, td_json=definition, web_csv=load)
    fargate = advise(workload, catalog).alternative("web:fargate_x86_64")
    assert fargate.plan.services["web"].task == TaskSize(cpu_units=512, memory_mib=2048)  # 150 % of 1,024 MiB is 1,536
    assert fargate.reasons == ("a task used up to 1,536 MiB, more than it reserves: 512/2048 on Fargate",)


# Daemons

DAEMON = "daemons:\n  - {name: agent, task: {cpu: 256, memory: 512}, architectures: [X86_64, ARM64]}\n"
WORKER = "  - {name: worker, task: {cpu: 1024, memory: 1024}, load: {tasks: 6}}\n"
ONE_TYPE = "constraints: {instance_types: [c6i.xlarge], zones: 1}\n"


def test_a_daemon_takes_its_share_of_every_instance(folder, catalog):
    """A c6i.xlarge has 4 vCPU: 4 tasks of 1 vCPU, or 3 beside a daemon. 6 tasks take 2 instances either way; 8 take 2 or 3."""
    eight = WORKER.replace("6", "8")
    without = advise(folder(eight, ONE_TYPE), catalog).alternative("worker:ec2:x86_64:on_demand")
    beside = advise(folder(eight, ONE_TYPE + DAEMON), catalog).alternative("worker:ec2:x86_64:on_demand")
    assert (without.instances.max, beside.instances.max) == (2, 3)
    assert beside.monthly_usd.mean == approx(1.5 * without.monthly_usd.mean)


@given(sizes=st.lists(st.tuples(st.integers(1, 400), st.integers(1, 900), st.booleans()), max_size=4), trunking=st.booleans())
def test_daemons_of_a_size_on_an_instance_are_none_on_an_instance_without_it(catalog, sizes, trunking):
    large = next(t for t in catalog.instance_types(REGION) if t.name == "m7g.large")
    daemons = [
        Daemon(name=f"d{n}", task=TaskSize(cpu_units=cpu, memory_mib=memory), has_network_interface=has_interface)
        for n, (cpu, memory, has_interface) in enumerate(sizes)
    ]
    left = capacity(large, has_trunking=trunking, daemons=daemons)
    taken = [sum(cpu for cpu, _, _ in sizes), sum(memory for _, memory, _ in sizes), sum(has for _, _, has in sizes)]
    assert_array_equal(left, np.maximum(capacity(large, has_trunking=trunking) - taken, 0))


def test_a_daemon_leaves_fargate_as_it_is(folder, catalog):
    workload = folder(WORKER, ONE_TYPE + DAEMON)
    assert workload.daemons == (
        Daemon(name="agent", task=TaskSize(cpu_units=256, memory_mib=512), architectures=tuple(Architecture)),
    )
    answer = advise(workload, catalog)
    stairs = answer.views.services[0].stairs
    assert stairs.tasks_per_instance == 3
    fargate = answer.alternative("worker:fargate_x86_64")
    assert fargate.monthly_usd.mean == approx(6 * 730 * (1 * VCPU_USD + 2 * GIB_USD))  # unchanged by the daemon


def test_the_answer_says_where_daemons_run(folder, catalog):
    answer = advise(folder(WORKER, DAEMON), catalog)
    told = " ".join(answer.warnings)
    assert "daemons take their share of every instance: agent (256/512)" in told
    assert "Fargate runs no daemon service: what agent does has to come as a sidecar there" in told
    assert "daemons" not in answer.run.defaults
    assert answer.run.defaults["daemon agent"] == "256/512 on every instance, X86_64, ARM64, with a network interface"
    assert not any("burst" in t for a in answer.alternatives if a.instances for t in a.plan.capacity_providers if "t3" in t)


def test_a_daemon_keeps_instances_of_other_architectures_out(folder, catalog):
    both = WORKER.replace("load:", "architectures: [X86_64, ARM64], load:")
    answer = advise(folder(both, DAEMON.replace(", architectures: [X86_64, ARM64]", "")), catalog)
    on_instances = [a for a in answer.alternatives if a.plan and a.instances]
    assert {p.architecture for a in on_instances for p in a.plan.capacity_providers.values() if p.architecture} == {"X86_64"}


def test_a_daemon_on_the_host_network_takes_no_interface(folder):
    more = DAEMON.replace("}, arch", "}, network_mode: host, arch")
    assert not folder(WORKER, more).daemons[0].has_network_interface
    definition = json.dumps({"networkMode": "bridge", "containerDefinitions": [{"name": "a", "cpu": 10, "memory": 64}]})
    from_file = "daemons:\n  - {name: agent, task: {file: td.json}}\n"
    daemon = folder(WORKER, from_file, td_json=definition).daemons[0]
    assert (daemon.task, daemon.has_network_interface) == (TaskSize(cpu_units=10, memory_mib=64), False)


# Batch runs


def batch(runs, size="cpu: 1024, memory: 2048"):
    return f"  - {{name: nightly, task: {{{size}}}, load: {{runs: [{runs}]}}}}\n"


def test_a_nightly_run_is_billed_by_the_second(folder, catalog):
    """4 tasks for 45 min after 60 s of start-up, 7 nights a week: 4 x 7 x 2,760 s of 604,800, times 730 h."""
    workload = folder(batch('{schedule: "cron(0 2 * * ? *)", duration_minutes: 45, count: 4}'))
    answer = advise(workload, catalog)
    task_hours = 4 * 7 * 2_760 / 604_800 * 730
    assert months(answer, "nightly")["nightly:fargate_x86_64"] == approx(task_hours * (VCPU_USD + 2 * GIB_USD))
    assert answer.views.services[0].stairs is not None
    assert workload.services[0].is_batch
    assert workload.demand.max() == 4
    said = "batch runs, stated and not measured (cron(0 2 * * ? *) for 45 min with 4 tasks): 7 starts in 7 days"
    assert any(said in note for note in answer.run.notes)
    assert any("EventBridge Scheduler" in warning for warning in answer.warnings)


def test_a_single_run_is_billed_as_once_in_four_weeks_and_says_so(folder, catalog):
    """100 tasks for 601 min once in 672 h, of 730 h a month; not back to back all month long."""
    answer = advise(folder(batch('{start: "2026-09-01T02:00Z", duration_minutes: 600, count: 100}')), catalog)
    usd = months(answer, "nightly")["nightly:fargate_x86_64"]
    assert usd == approx(100 * 601 / 60 * 730 / 672 * (VCPU_USD + 2 * GIB_USD))
    assert any(
        "nightly: a single run does not say how often it comes; it is billed as once in 28 days" in n for n in answer.run.notes
    )


def test_past_daily_runs_are_billed_as_daily_ones(folder, catalog):
    """Three nights from the first start on are three days, though the third run ends an hour after the second day."""
    runs = ", ".join(f'{{start: "2026-09-0{day}T02:00Z", duration_minutes: 59}}' for day in (1, 2, 3))
    usd = months(advise(folder(batch(runs)), catalog), "nightly")["nightly:fargate_x86_64"]
    assert usd == approx(730 / 24 * (VCPU_USD + 2 * GIB_USD))


def test_a_short_run_is_billed_for_a_minute(folder, catalog):
    """0.2 min without start-up are 12 s and billed as 60: every 15 minutes, 1/15 of the time."""
    short = folder(
        batch('{schedule: "rate(15 minutes)", duration_minutes: 0.2}', "cpu: 1024, memory: 2048, startup_seconds: 0")
    )
    usd = months(advise(short, catalog), "nightly")["nightly:fargate_x86_64"]
    assert usd == approx(730 / 15 * (VCPU_USD + 2 * GIB_USD))


def test_the_seconds_that_fargate_bills_do_not_depend_on_the_step_of_the_other_loads(folder, catalog):
    runs = batch('{schedule: "cron(10 2 * * ? *)", duration_minutes: 7, count: 3}')
    alone = months(advise(folder(runs), catalog), "nightly")
    hourly = "  - {name: web, task: {cpu: 256, memory: 512}, load: {file: web.csv}}\n"
    mixed = folder(runs + hourly, web_csv=table("tasks", [2] * 24 * 14))
    assert mixed.step_s == 900
    beside = months(advise(mixed, catalog), "nightly")
    assert beside["nightly:fargate_x86_64"] == approx(alone["nightly:fargate_x86_64"])
    assert beside["nightly:fargate_x86_64"] == approx(3 * 480 / 86_400 * 730 * (VCPU_USD + 2 * GIB_USD))


def test_instances_hold_the_most_tasks_at_one_time(folder):
    """Two runs that overlap from 02:30 to 03:00 hold 5 places; one that follows another takes its places over."""
    overlapping = folder(
        batch(
            '{start: "2026-09-07T02:00Z", duration_minutes: 60, count: 2}, '
            '{start: "2026-09-07T02:30Z", duration_minutes: 60, count: 3}, '
            '{start: "2026-09-07T03:30Z", duration_minutes: 30, count: 1}',
            "cpu: 1024, memory: 2048, startup_seconds: 0",
        )
    )
    per_half_hour = overlapping.demand[0].reshape(-1, 30)
    assert_array_equal(per_half_hour.max(axis=1)[:4], [2, 5, 3, 1])
    assert overlapping.start.isoformat() == "2026-09-07T02:00:00+00:00"
    assert_allclose(overlapping.fargate_tasks.sum(), 2 * 60 + 3 * 60 + 30)  # task-minutes


@given(
    runs=st.lists(st.tuples(st.integers(-2_000, 7_000), st.integers(1, 3_000), st.integers(1, 5)), min_size=1, max_size=6),
    startup_s=st.sampled_from([0, 7, 60]),
    step_s=st.sampled_from([60, 300, 900]),
)
def test_tasks_of_runs_are_those_of_a_loop_over_seconds(runs, startup_s, step_s):
    start_s, n_steps = 1_704_067_200, 7_200 // step_s
    assume(any(0 <= start < 7_200 for start, _, _ in runs))
    batch = Runs(
        name="b",
        runs=tuple(Run(start_s=start_s + start, duration_s=float(lasting), count=count) for start, lasting, count in runs),
        startup_s=float(startup_s),
        place=Place("workload.yaml"),
    )
    most, billed = tasks_of_runs(batch, start_s, step_s, n_steps, [])
    seconds = np.arange(7_200)
    running, paid = np.zeros(7_200), np.zeros(7_200)
    for start, lasting, count in runs:
        running[(seconds >= start) & (seconds < start + startup_s + lasting)] += count
        paid[(seconds >= start) & (seconds < start + max(60, startup_s + lasting))] += count
    assert_allclose(most, running.reshape(n_steps, -1).max(axis=1), atol=0)
    assert_allclose(billed, paid.reshape(n_steps, -1).mean(axis=1), atol=1e-6)


@pytest.mark.parametrize(
    ("schedule", "starts_a_week"),
    [
        ("cron(0 2 * * ? *)", 7),
        ("cron(0/20 * * * ? *)", 3 * 24 * 7),
        ("cron(30 6 ? * MON-FRI *)", 5),
        ("cron(0 8,20 ? * SUN,SAT *)", 4),
        ("cron(15 1 ? * 2 *)", 1),
        ("rate(1 hour)", 168),
        ("rate(2 days)", 3.5),
    ],
)
def test_schedules_are_read_as_eventbridge_does(folder, schedule, starts_a_week):
    one_minute = "cpu: 256, memory: 512, startup_seconds: 0"
    workload = folder(batch(f'{{schedule: "{schedule}", duration_minutes: 1}}', one_minute))
    weeks = workload.span_hours / 168
    assert workload.fargate_tasks.sum() * workload.step_s / 60 == approx(starts_a_week * weeks, rel=1e-9)


def test_a_schedule_in_a_zone_follows_its_clock(folder):
    """02:00 in Berlin is 01:00 UTC in winter and 00:00 UTC in summer."""
    hourly = "  - {name: web, task: {cpu: 256, memory: 512}, load: {file: web.csv}}\n"
    runs = batch('{schedule: "cron(0 2 * * ? *)", time_zone: Europe/Berlin, duration_minutes: 14}')
    for start, hour in (("2026-01-05T00:00:00", 1), ("2026-07-06T00:00:00", 0)):
        workload = folder(runs + hourly, web_csv=table("tasks", [2] * 24, start=start))
        assert np.flatnonzero(workload.demand[0]).tolist() == [hour * 4]


def test_a_monthly_run_is_billed_as_twelve_a_year(folder, catalog):
    """1st of each month: 12 starts in the 364 days from 2024-01-01, each 3,660 s; every hour of the week weighs the same."""
    workload = folder(batch('{schedule: "cron(0 3 1 * ? *)", duration_minutes: 60}'))
    assert workload.span_hours == 52 * 168
    usd = months(advise(workload, catalog), "nightly")["nightly:fargate_x86_64"]
    assert usd == approx(12 * 3_660 / 3_600 / (364 * 24) * 730 * (VCPU_USD + 2 * GIB_USD))


def test_a_month_that_is_not_usual_is_said(folder):
    hourly = "  - {name: web, task: {cpu: 256, memory: 512}, load: {file: web.csv}}\n"
    runs = batch('{schedule: "cron(0 3 8 * ? *)", duration_minutes: 60}')
    notes = folder(runs + hourly, web_csv=table("tasks", [2] * 24 * 14)).notes
    assert any("1 starts in 14 days stand for 26 a year, its schedule gives 12" in note for note in notes)


def test_the_verdict_of_stated_runs_needs_no_history(folder, catalog):
    answer = advise(folder(batch('{schedule: "cron(0 2 * * ? *)", duration_minutes: 45, count: 4}')), catalog)
    assert answer.recommendation.verdict == "recommend"
    assert answer.recommendation.services[0].launch_type is LaunchType.FARGATE


# Real definitions

SHARED = Path(__file__).parents[2] / "shared" / "workloads"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared workload data is not beside this checkout")
@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("aws_cli_examples/ecs__describe-task-definition_1.json", (20, 1000)),
        ("aws_cli_examples/ecs__register-task-definition_1.json", (10, 10)),
        ("ecs_api_cli_form/test_ecs_service_update_definition__ecs.DescribeTaskDefinition_1.json", (1024, 2048)),
        ("ecs_api_cli_form/test_ecs_service_update_definition__ecs.RegisterTaskDefinition_1.json", (512, 1024)),
        ("ecs_api_cli_form/test_ecs_task_def__ecs.DescribeTaskDefinition_1.json", (256, 512)),
        ("ecs_api_cli_form/test_ecs_task_def__ecs.DescribeTaskDefinition_2.json", (512, 1024)),
    ],
)
def test_recorded_definitions(folder, path, size):
    workload = folder(FROM_FILE, td_json=(SHARED / path).read_text())
    assert (workload.services[0].task.cpu_units, workload.services[0].task.memory_mib) == size
