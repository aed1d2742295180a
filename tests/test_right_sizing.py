"""Task sizes from what single tasks used: when they may shrink, how safe they would have been, and what they save, by hand."""

import csv
import gzip
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from advisor.answer import advise
from advisor.ecs import FARGATE_SIZES, TaskSize
from advisor.errors import InputError
from advisor.report import render_markdown, render_summary
from advisor.report.html import render_html
from advisor.sizing import MEMORY_MARGIN_FRACTION, ObservedTask, needed_tasks, right_sizes
from advisor.sources import read_catalog, read_workload
from advisor.workload import LoadForm, Scaling, Service

approx = pytest.approx
REGION = "us-east-1"
VCPU_USD, GIB_USD = 0.04048, 0.004445
"""Fargate, Linux x86, us-east-1, an hour: https://aws.amazon.com/fargate/pricing/."""
N_STEPS = 24 * 15


@pytest.fixture(scope="module")
def catalog():
    return read_catalog(REGION)


@pytest.fixture
def read(tmp_path):
    """Reads columns as a load file: each a number or one number a step."""

    def read_columns(cpu=1024, memory=4096, step_minutes=60, scaling="{min: 4}", present="", n_steps=N_STEPS, **columns):
        times = np.datetime64("2026-09-07T00:00") + np.arange(n_steps) * np.timedelta64(step_minutes, "m")
        values = [np.broadcast_to(np.asarray(column, float), n_steps) for column in columns.values()]
        cells = [["" if value != value else repr(value) for value in column.tolist()] for column in values]  # NaN != NaN
        rows = [",".join((f"{time}Z", *row)) for time, *row in zip(times, *cells, strict=True)]
        (tmp_path / "web.csv").write_text("\n".join([f"timestamp,{','.join(columns)}", *rows]) + "\n")
        path = tmp_path / "workload.yaml"
        entry = f"name: web, task: {{cpu: {cpu}, memory: {memory}}}, load: {{file: web.csv}}, scaling: {scaling}"
        path.write_text(f"cluster: c\nregion: {REGION}\nservices:\n  - {{{entry}{present}}}\n")
        return read_workload(path)

    return read_columns


def proposal(recommendation):
    """Size of the cheapest right-sized alternative on Fargate; None where no other size is proposed."""
    for alternative in recommendation.of_scope("web"):
        if alternative.id == "web:fargate_x86_64:right_sized":
            return alternative.plan.services["web"].task
    return None


def size(cpu, memory):
    return TaskSize(cpu_units=cpu, memory_mib=memory)


QUIET = {"cpu_percent_average": 10, "cpu_percent_maximum": 15, "memory_percent_average": 30, "memory_percent_maximum": 40}


def test_averages_and_maxima_from_a_file_fill_what_right_sizing_needs(read):
    workload = read(**QUIET, tasks=4)
    assert workload.is_memory_maximum.tolist() == [True]
    assert_allclose(workload.cpu_units_per_task_max, 153.6)  # 15 % of 1,024
    assert_allclose(workload.memory_mib, 1638.4)  # 40 % of 4,096


def test_an_idle_service_of_four_tasks_by_hand(read, catalog):
    """4 tasks of 1 vCPU use 4 x 102.4 = 409.6 units at 10 %; the stated least of 4 tasks is 4,096 units.

    - 256 units: least 16 tasks, each 1,638.4 MiB at most: with 15 % 1,884 MiB, so 2,048. 16 x (0.25 vCPU + 2 GiB).
    - 512 units: least 8 tasks: 8 x (0.5 vCPU + 2 GiB): the cheapest.
    - 1,024 units: least 4 tasks: 4 x (1 vCPU + 2 GiB) is cheaper still, in memory: 8 instead of 16 GiB.
    """
    answer = advise(read(**QUIET, tasks=4), catalog)
    assert proposal(answer) == size(1024, 2048)
    usd = answer.alternative("web:fargate_x86_64:right_sized").monthly_usd.mean
    assert usd == approx(4 * 730 * (1 * VCPU_USD + 2 * GIB_USD))
    assert answer.alternative("web:fargate_x86_64").monthly_usd.mean == approx(4 * 730 * (1 * VCPU_USD + 4 * GIB_USD))
    advice = answer.recommendation.services[0].size
    assert advice.declared == {"cpu": 1024, "memory": 4096}
    assert advice.memory_headroom_fraction == approx(1 - 1638.4 / 2048)
    assert (advice.hours_above_target_today, advice.hours_above_target, advice.hours_above_full) == (0, 0, 0)


def test_one_task_without_a_stated_least_by_hand(read, catalog):
    """102.4 units in use, 153.6 at most; 1,638.4 MiB at most. 256 x 0.6 = 153.6 serves it: one task of 256/2048."""
    answer = advise(read(**QUIET, tasks=1, scaling="{}"), catalog)
    assert proposal(answer) == size(256, 2048)  # 1,638.4 x 1.15 = 1,884
    usd = answer.alternative("web:fargate_x86_64:right_sized").monthly_usd.mean
    assert usd == approx(730 * (0.25 * VCPU_USD + 2 * GIB_USD))


def test_fewer_tasks_are_each_sent_more_load_and_need_its_memory(read, catalog):
    """Four tasks ran where 256 units take three: 1,638.4 x 4/3 x 1.15 = 2,512 MiB is more than 2,048, so 256 is out.

    512 units: 2 tasks, 3,276.8 x 1.15 = 3,768, so 4,096: 2 x (0.5 + 4). 1,024 units: 1 task, 7,537, so 8,192: 1 x (1 + 8).
    """
    workload = read(**QUIET, tasks=4, scaling="{}")
    observed = ObservedTask(
        running_tasks=workload.running_tasks[0],
        memory_mib=workload.memory_mib[0],
        is_memory_maximum=True,
        cpu_units_max=workload.cpu_units_per_task_max[0],
    )
    found = [each.size for each in right_sizes(workload.services[0], workload.demand[0], observed, 1.0)]
    assert found[0] == size(512, 4096)
    assert min(s.memory_mib for s in found if s.cpu_units == 1024) == 8192
    answer = advise(workload, catalog)
    # of the declared 1,024/4,096: 4 x 1,638.4 x 1.15 / 4,096 = 1.84, so two tasks, though one would do for CPU
    assert answer.alternative("web:fargate_x86_64").monthly_usd.mean == approx(2 * 730 * (1 * VCPU_USD + 4 * GIB_USD))


def test_memory_is_never_reduced_on_averages_alone(read, catalog):
    only_averages = QUIET | {"memory_percent_maximum": np.nan}
    for step_minutes in (60, 1):
        workload = read(**only_averages, tasks=4, step_minutes=step_minutes, n_steps=2_000)
        assert workload.is_memory_maximum.tolist() == [False]
        answer = advise(workload, catalog)
        assert proposal(answer) is None
        assert any("memory was not lowered, because averages hide its peak" in warning for warning in answer.warnings)


def test_usage_of_a_single_task_is_a_sample_up_to_five_minutes(read):
    usage = {"cpu_units": 100, "memory_mib": 420, "tasks": 1}
    assert read(**usage, step_minutes=5).is_memory_maximum.tolist() == [True]
    assert read(**usage, step_minutes=10).is_memory_maximum.tolist() == [False]
    of_two = read(**usage | {"tasks": 2}, step_minutes=5)
    assert of_two.is_memory_maximum.tolist() == [False]
    assert of_two.cpu_units_per_task_max is None


def test_without_any_memory_measured_it_stays_as_declared(read, catalog):
    """CPU 15 % of 1,024 at most: half the CPU serves it; memory of 4,096 stays: 512/4096 at 8 tasks is dearer, so min 1."""
    answer = advise(read(cpu_percent_average=10, cpu_percent_maximum=15, tasks=1, scaling="{}"), catalog)
    assert proposal(answer) == size(512, 4096)  # 256 units end at 2,048 MiB
    assert answer.alternative("web:fargate_x86_64:right_sized").monthly_usd.mean == approx(730 * (0.5 * VCPU_USD + 4 * GIB_USD))
    advice = answer.recommendation.services[0].size
    assert advice is not None
    assert advice.memory_headroom_fraction is None
    for text in (render_summary(answer), render_markdown(answer), render_html(answer)):
        assert "memory not measured and so not lowered" in " ".join(text.split())


def test_without_the_most_cpu_of_a_task_the_size_is_not_questioned(read, catalog):
    answer = advise(read(cpu_percent=10, memory_percent_maximum=40, tasks=4), catalog)
    assert proposal(answer) is None
    assert any("web: the task size was not questioned" in warning for warning in answer.warnings)


def test_a_peak_of_one_task_keeps_its_cpu(read, catalog):
    """700 of 1,024 units for an hour of 360: less CPU than that would have throttled the task."""
    peak = np.full(N_STEPS, 15.0)
    peak[200] = 700 / 10.24
    answer = advise(read(**QUIET | {"cpu_percent_maximum": peak}, tasks=1, scaling="{}"), catalog)
    assert proposal(answer) == size(1024, 2048)


def test_a_maximum_that_covers_little_is_not_taken_for_the_whole(read):
    maximum = np.full(N_STEPS, np.nan)
    maximum[:50] = 40
    workload = read(**QUIET | {"memory_percent_maximum": maximum}, tasks=4)
    assert workload.is_memory_maximum.tolist() == [False]
    assert any("memory_percent_maximum of web is known for only 50 of 360 steps" in note for note in workload.notes)


def test_a_maximum_below_its_average_is_refused(read):
    with pytest.raises(InputError, match=r"column cpu_percent_maximum: cpu_percent_maximum of web is below cpu_percent"):
        read(**QUIET | {"cpu_percent_average": 15, "cpu_percent_maximum": 10}, tasks=4)


def test_memory_that_is_always_zero_was_not_measured(read, catalog):
    workload = read(cpu_units=10, memory_mib=0, tasks=1, step_minutes=5, cpu=512, memory=2048, scaling="{}")
    assert workload.memory_mib is None
    assert any("memory of web is never above 0" in note for note in workload.notes)
    assert proposal(advise(workload, catalog)).memory_mib == 2048


def test_the_desired_count_stands_in_where_no_count_was_measured(read, catalog):
    present = ", present: {launch_type: FARGATE, desired_count: 4}"
    assert proposal(advise(read(**QUIET, present=present), catalog)) == size(1024, 2048)


def test_least_tasks_count_cpu_when_the_size_changes():
    service = Service(
        name="s",
        task=size(1024, 2048),
        load_form=LoadForm.USAGE,
        scaling=Scaling(min_tasks=3, max_tasks=9),
    )
    assert needed_tasks(service, np.array([0.0]), size(256, 512)).tasks.tolist() == [9]  # 3 x 1,024 / 256 = 12, at most 9
    assert needed_tasks(service, np.array([0.0]), size(2048, 4096)).tasks.tolist() == [2]


def test_a_size_that_leaves_more_need_unmet_is_none():
    """At most 3 tasks: 900 units at 60 % take 2 of 1,024 units, but 6 of 256."""
    service = Service(
        name="s", task=size(1024, 2048), load_form=LoadForm.USAGE, scaling=Scaling(min_tasks=0, max_tasks=3)
    )  # fmt: skip
    seen = ObservedTask(
        running_tasks=np.array([9.0]), memory_mib=np.array([10.0]), is_memory_maximum=True, cpu_units_max=np.array([1.0])
    )
    assert min(each.size for each in right_sizes(service, np.array([900.0]), seen, 1.0)).cpu_units == 512  # 3 tasks


@given(
    declared=st.sampled_from(FARGATE_SIZES),
    steps=st.lists(
        st.tuples(st.floats(1, 5_000), st.integers(1, 20), st.floats(1, 60_000), st.floats(0, 1_000)), min_size=1, max_size=20
    ),
    is_maximum=st.booleans(),
)
def test_no_size_is_below_the_observed_peak_and_its_margin(declared, steps, is_maximum):
    demand, tasks, memory, cpu = map(np.array, zip(*steps, strict=True))
    service = Service(name="s", task=declared, load_form=LoadForm.USAGE, scaling=Scaling(min_tasks=0))
    seen = ObservedTask(running_tasks=tasks.astype(float), memory_mib=memory, is_memory_maximum=is_maximum, cpu_units_max=cpu)
    for each in right_sizes(service, demand, seen, 1.0):
        assert each.size.memory_mib >= memory.max() * (1 + MEMORY_MARGIN_FRACTION)
        assert each.memory_headroom_fraction >= 1 - 1 / (1 + MEMORY_MARGIN_FRACTION) - 1e-9
        assert each.size.cpu_units >= cpu.max()
        assert is_maximum or each.size.memory_mib >= declared.memory_mib


def test_the_waste_of_the_grid_is_printed_for_each_service(tmp_path, catalog):
    """300 units and 700 MiB become 512/1024: 730 x (0.293 vCPU, 0.684 GiB) of (0.5, 1): $10.88 of $18.02 is used."""
    (tmp_path / "w.yaml").write_text(
        f"cluster: c\nregion: {REGION}\nservices:\n  - {{name: odd, task: {{cpu: 300, memory: 700}}, load: {{tasks: 1}}}}\n"
    )
    answer = advise(read_workload(tmp_path / "w.yaml"), catalog)
    waste = 1 - (300 / 1024 * VCPU_USD + 700 / 1024 * GIB_USD) / (0.5 * VCPU_USD + 1 * GIB_USD)
    assert answer.views.services[0].fargate_rounding_fraction == approx(waste)
    for text in (render_summary(answer), render_markdown(answer), render_html(answer)):
        assert f"rounding the declared size up wastes {waste:.0%}".replace("%", " %") in " ".join(text.split())


TRAIN_TICKET = Path(__file__).parents[2] / "shared/workloads/microservices_nezha/train_ticket_2023-01-29_long.csv.gz"


@pytest.mark.skipif(not TRAIN_TICKET.exists(), reason="the shared workload data is not beside this checkout")
def test_the_pods_of_train_ticket_shrink_to_what_they_use(tmp_path, catalog):
    """Some 420 MiB of 2,000 at a few millicores, 500 at most: a quarter of a vCPU, and memory by the peak of each.

    Peaks with 15 %: admin-order 370 -> 425, so 512 MiB; order 524 -> 602, so 1,024 MiB; basic 494 -> 568, so 1,024 MiB, but one
    burst of 500 millicores keeps its 512 units.
    """
    expected = {"ts-admin-order-service": (256, 512), "ts-order-service": (256, 1024), "ts-basic-service": (512, 1024)}
    lines = ["timestamp,service,tasks,cpu_units,memory_mib"]
    with gzip.open(TRAIN_TICKET, "rt") as file:
        for row in csv.DictReader(file):
            name = row["PodName"].rsplit("-", 2)[0]
            if name in expected:
                time = datetime.fromtimestamp(int(row["TimeStamp"]), UTC).isoformat()
                lines.append(f"{time},{name},1,{float(row['CpuUsage(m)']) * 1.024:.4f},{row['MemoryUsage(Mi)']}")
    path = tmp_path / "pods.csv"
    path.write_text("\n".join(lines) + "\n")
    answer = advise(read_workload(path, region=REGION, cpu=512, memory=2000), catalog)
    for name, (cpu, memory) in expected.items():
        before, after = (answer.alternative(f"{name}:fargate_x86_64{suffix}") for suffix in ("", ":right_sized"))
        assert after.plan.services[name].task == size(cpu, memory)
        if name != "ts-basic-service":  # its burst takes a second task for 15 minutes
            assert after.monthly_usd.mean == approx(730 * (cpu / 1024 * VCPU_USD + memory / 1024 * GIB_USD))
            assert before.monthly_usd.mean == approx(730 * (0.5 * VCPU_USD + 2 * GIB_USD))
    advice = {service.name: service.size for service in answer.recommendation.services}
    assert advice["ts-order-service"].memory_headroom_fraction == approx(1 - 523.6797 / 1024)
    assert all(each.hours_above_full == 0 for each in advice.values())
