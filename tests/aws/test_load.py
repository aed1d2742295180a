"""From metrics to the columns of a load file. Expected values are worked out by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.testing import assert_allclose

from advisor.sources.aws.cloudwatch import MetricQuery, Series, Window, collection_window
from advisor.sources.aws.load import load_csv, service_load
from advisor.sources.aws.scaling import SetCount, counts_on_grid

START = datetime(2026, 11, 1, tzinfo=UTC)
NAN = float("nan")


def window(n_steps: int) -> Window:
    return Window(start=START, end=START + timedelta(seconds=300 * n_steps), period_s=300)


def series(name: str, *values: float, problem: str | None = None) -> Series:
    query = MetricQuery(service="web", name=name, namespace="n", metric=name, statistic="Average", dimensions=())
    return Series(query, np.array(values, dtype=float), problem)


def load_of(
    *some: Series, cpu_units: int | None = 512, set_counts: Sequence[SetCount] | None = None, deployed: datetime | None = None
):
    steps = window(len(some[0].values))
    return service_load(some, steps, cpu_units_per_task=cpu_units, set_counts=set_counts, deployed_at=deployed), steps


def test_a_load_file_has_a_row_for_every_step_and_empty_cells_in_gaps():
    load, steps = load_of(series("cpu_percent_average", NAN, 10, NAN, 30.5, NAN), series("tasks", NAN, 2, 2, 2, NAN))
    assert load_csv(load, steps).decode().splitlines() == [
        "time,tasks,cpu_percent_average",
        "2026-11-01T00:05:00Z,2,10",
        "2026-11-01T00:10:00Z,2,",
        "2026-11-01T00:15:00Z,2,30.5",
    ]


@pytest.mark.parametrize(("values", "first"), [((7, NAN, NAN), "00:00"), ((NAN, NAN, 7), "00:05")])
def test_a_single_point_still_shows_the_interval(values, first):
    load, steps = load_of(series("tasks", *values))
    lines = load_csv(load, steps).decode().splitlines()
    assert len(lines) == 3
    assert lines[1].startswith(f"2026-11-01T{first}:00Z")


def test_metrics_without_a_point_are_no_columns():
    load, _ = load_of(series("cpu_percent_average", 1, 2), series("memory_percent_average", NAN, NAN))
    assert load.names == ("cpu_percent_average",)


def test_requests_of_two_load_balancers_are_added_up_and_silence_is_zero_where_tasks_ran():
    load, _ = load_of(series("tasks", 1, 1, 1, NAN), series("requests", 5, NAN, NAN, NAN), series("requests", 2, 3, NAN, NAN))
    assert_allclose(load.columns["requests"], [7, 3, 0, NAN])


def test_cpu_in_use_is_the_sum_over_tasks_whatever_the_period():
    # two tasks of 100 and 140 units, reported five times in 300 s; RunningTaskCount is reported once a minute, so five times
    load, _ = load_of(
        series("tasks", 2), series("task_reports", 5), series("cpu_units_sum", 5 * 240), series("memory_mib_sum", 5 * 700)
    )
    assert_allclose(load.columns["cpu_units"], [240])
    assert_allclose(load.columns["memory_mib"], [700])


def test_no_task_uses_no_cpu():
    load, _ = load_of(series("tasks", 2, 0), series("task_reports", 5, 5), series("cpu_units_sum", 1000, NAN))
    assert_allclose(load.columns["cpu_units"], [200, 0])


def test_cpu_units_that_agree_with_the_percentage_are_written():
    # 50 % of 512 units on 2 tasks are 512 units
    load, _ = load_of(
        series("cpu_percent_average", 50), series("tasks", 2), series("task_reports", 5), series("cpu_units_sum", 5 * 520)
    )
    assert_allclose(load.columns["cpu_units"], [520])


def test_cpu_units_that_contradict_the_percentage_are_left_out_and_said():
    load, _ = load_of(
        series("cpu_percent_average", 50), series("tasks", 2), series("task_reports", 5), series("cpu_units_sum", 5 * 1024)
    )
    assert "cpu_units" not in load.columns
    assert load.notes == [
        "CpuUtilized was left out: it is 2.00 times what CPUUtilization, the task size and the task count give"
    ]


def test_only_steps_of_todays_task_size_are_held_against_each_other():
    # until the deployment a task had 256 units: the percentage times today's size is twice too high there, CpuUtilized is right
    load, _ = load_of(
        series("cpu_percent_average", 50, 50, 50),
        series("tasks", 2, 2, 2),
        series("task_reports", 5, 5, 5),
        series("cpu_units_sum", 1280, 1280, 2560),
        deployed=START + timedelta(seconds=600),
    )
    assert_allclose(load.columns["cpu_units"], [256, 256, 512])


def test_cpu_units_known_for_a_part_only_do_not_hide_the_percentage():
    load, _ = load_of(
        series("cpu_percent_average", 50, 50),
        series("tasks", 2, 2),
        series("task_reports", NAN, 5),
        series("cpu_units_sum", NAN, 2560),
    )
    assert load.names == ("tasks", "cpu_percent_average")


def test_counts_that_auto_scaling_set_stand_in_for_measured_ones():
    counts = [SetCount(at=START - timedelta(hours=1), tasks=2), SetCount(at=START + timedelta(seconds=450), tasks=6)]
    load, _ = load_of(series("cpu_percent_average", 50, 50, 50), set_counts=counts)
    assert_allclose(load.columns["tasks"], [2, 4, 6])  # step 1: half of it with 2 tasks, half with 6
    assert "service auto scaling set" in load.notes[0]


def test_measured_counts_go_before_those_that_were_set():
    load, _ = load_of(series("cpu_percent_average", 50, 50), series("tasks", 3, NAN), set_counts=[SetCount(at=START, tasks=9)])
    assert_allclose(load.columns["tasks"], [3, 9])


def test_counts_for_less_than_half_of_the_steps_are_left_out():
    late = [SetCount(at=START + timedelta(seconds=900), tasks=6)]
    load, _ = load_of(series("cpu_percent_average", 50, 50, 50, 50), set_counts=late)
    assert "tasks" not in load.columns
    assert load.notes == [
        "a task count is known for only 25% of the measured steps and was left out: today's desired count stands in"
    ]
    assert load.needs_count


def test_counts_before_the_first_that_is_known_are_unknown():
    counts = [SetCount(at=START + timedelta(seconds=300), tasks=6)]
    assert_allclose(counts_on_grid(counts, START, 300, 3), [NAN, 6, 6])


def test_a_count_that_changes_within_a_step_is_weighted_by_time():
    counts = [SetCount(at=START, tasks=1), SetCount(at=START + timedelta(seconds=60), tasks=11)]
    assert_allclose(counts_on_grid(counts, START, 300, 1), [9])  # (60 x 1 + 240 x 11) / 300


def test_a_count_stated_for_a_service_without_a_launch_type():
    load, _ = load_of(series("cpu_percent_average", 50, NAN, 50))
    load.state_count(4)
    assert_allclose(load.columns["tasks"], [4, NAN, 4])


def test_an_incomplete_answer_is_said():
    load, _ = load_of(series("cpu_percent_average", 50, problem="PartialData"))
    assert load.notes == ["CloudWatch answered PartialData for cpu_percent_average Average: the values may be incomplete"]


@pytest.mark.parametrize("second", range(0, 3600, 613))
def test_windows_begin_and_end_on_whole_steps_and_leave_the_newest_minutes_out(second):
    now = datetime(2026, 11, 23, 9, 0, 0, tzinfo=UTC) + timedelta(seconds=second)
    for days in (1, 14, 15, 62, 63, 400):
        found = collection_window(now, days)
        assert found.start.timestamp() % found.period_s == 0
        assert found.end.timestamp() % found.period_s == 0
        assert timedelta(minutes=5) <= now - found.end < timedelta(minutes=5, seconds=found.period_s)
        assert found.end - found.start == timedelta(days=days)
