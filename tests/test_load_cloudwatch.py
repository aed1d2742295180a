"""Load from what `aws cloudwatch get-metric-data` and `get-metric-statistics` print."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from advisor.errors import InputError
from advisor.sources import read_workload
from advisor.sources.meanings import Meaning
from advisor.sources.metric_labels import metric_meaning

SHARED = Path(__file__).parents[2] / "shared" / "workloads"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared workload data is not beside this checkout")

SIZE = {"region": "us-east-1", "cpu": 512, "memory": 1024}
MINUTES = ["2024-01-01T00:00:00+00:00", "2024-01-01T00:05:00+00:00", "2024-01-01T00:10:00+00:00"]


def result(label, values, timestamps=MINUTES, query_id=None, status="Complete"):
    return {
        "Id": query_id or "m_" + label.lower().replace(" ", "_"),
        "Label": label,
        "Timestamps": timestamps,
        "Values": values,
        "StatusCode": status,
    }


@pytest.fixture
def answer(tmp_path):
    def write(*results, name="web.json", **more):
        path = tmp_path / name
        path.write_text(json.dumps({"MetricDataResults": results, "Messages": []} | more))
        return path

    return write


@pytest.fixture
def workload_of(tmp_path):
    def read(load, name="web", **options):
        path = tmp_path / "workload.yaml"
        path.write_text(
            f"cluster: shop\nregion: us-east-1\nservices:\n"
            f"  - {{name: {name}, task: {{cpu: 512, memory: 1024}}, load: {load}}}\n"
        )
        return read_workload(path, **options)

    return read


def said(workload):
    return "\n".join(workload.notes)


def test_cpu_memory_and_tasks_make_a_utilization_load(answer):
    path = answer(
        result("CPUUtilization Average", [50.0, 25.0, 10.0]),
        result("CPUUtilization Maximum", [90.0, 80.0, 70.0]),
        result("MemoryUtilization Maximum", [50.0, 50.0, 25.0]),
        result("RunningTaskCount", [2.0, 2.0, 4.0]),
    )
    workload = read_workload(path, **SIZE)
    assert_array_equal(workload.demand, [[512, 256, 0.1 * 512 * 4]])  # by hand: share x 512 units x tasks
    assert_array_equal(workload.memory_mib, [[512, 512, 256]])
    assert_array_equal(workload.running_tasks, [[2, 2, 4]])
    assert workload.services[0].name == "web"
    assert "metric 'RunningTaskCount' (Id 'm_runningtaskcount') read as tasks" in said(workload)


def test_the_newest_first_order_of_cloudwatch_changes_nothing(answer):
    oldest_first = read_workload(answer(result("RunningTaskCount", [1.0, 2.0, 3.0])), **SIZE)
    newest_first = read_workload(answer(result("RunningTaskCount", [3.0, 2.0, 1.0], MINUTES[::-1])), **SIZE)
    assert_array_equal(newest_first.demand, oldest_first.demand)
    assert "sorted" not in said(newest_first)


@pytest.mark.parametrize(
    "timestamps",
    [
        ["2024-01-01T00:00:00Z", "2024-01-01T00:05:00Z", "2024-01-01T00:10:00Z"],
        ["2024-01-01T01:00:00+01:00", "2024-01-01T01:05:00+01:00", "2024-01-01T01:10:00+01:00"],
        [1704067200.0, 1704067500.0, 1704067800.0],
        [1704067200, 1704067500, 1704067800],
    ],
)
def test_every_form_of_time_of_the_cli_is_read(answer, timestamps):
    workload = read_workload(answer(result("RunningTaskCount", [1.0, 2.0, 3.0], timestamps)), **SIZE)
    assert workload.start.isoformat() == "2024-01-01T00:00:00+00:00"
    assert_array_equal(workload.demand, [[1, 2, 3]])


def test_a_missing_point_of_a_count_is_zero_and_of_a_gauge_unknown(answer):
    stamps = [f"2024-01-01T00:{minute:02}:00Z" for minute in (0, 5, 10, 20)]
    path = answer(
        result("RequestCount Sum", [300.0, 600.0, 0.0, 900.0], stamps), result("RunningTaskCount", [1.0, 1.0, 1.0, 1.0], stamps)
    )
    workload = read_workload(path, **SIZE, requests_per_task=1.0)
    assert_array_equal(workload.demand, [[1, 2, 0, 0, 3]])
    assert_array_equal(workload.running_tasks, [[1, 1, 1, np.nan, 1]])


def test_pages_are_put_together(answer, workload_of):
    answer(
        result("RunningTaskCount", [3.0, 4.0], ["2024-01-01T00:10:00Z", "2024-01-01T00:15:00Z"]),
        name="1.json",
        NextToken="more",
    )
    answer(result("RunningTaskCount", [1.0, 2.0], ["2024-01-01T00:00:00Z", "2024-01-01T00:05:00Z"]), name="2.json")
    workload = workload_of("{files: [1.json, 2.json]}")
    assert_array_equal(workload.demand, [[1, 2, 3, 4]])
    assert "1.json: the answer ends with a NextToken: it is one page of several" in said(workload)
    assert len(workload.inputs) == 3


def test_metrics_from_several_files_stand_beside_each_other(answer, workload_of, tmp_path):
    answer(result("CPUUtilization", [50.0, 50.0, 50.0]), name="cpu.json")
    (tmp_path / "tasks.csv").write_text("timestamp,tasks\n2024-01-01T00:00Z,2\n2024-01-01T01:00Z,4\n")
    workload = workload_of("{files: [cpu.json, tasks.csv]}")
    assert workload.step_s == 300
    assert_array_equal(workload.demand[0, :4], [512, 512, 512, np.nan])  # 0.5 x 512 x 2 tasks, held over the hour
    assert_array_equal(workload.running_tasks[0], [2.0] * 12 + [4.0] * 12)


def test_files_that_share_some_columns_are_put_together_column_by_column(workload_of, tmp_path):
    (tmp_path / "a.csv").write_text("timestamp,tasks,cpu_percent\n2024-01-01T00:00Z,2,50\n2024-01-01T01:00Z,4,50\n")
    (tmp_path / "b.csv").write_text("timestamp,tasks\n2024-01-01T02:00Z,6\n2024-01-01T03:00Z,8\n")
    workload = workload_of("{files: [a.csv, b.csv]}")
    assert_array_equal(workload.running_tasks, [[2, 4, 6, 8]])
    assert_array_equal(workload.demand, [[512, 1024, np.nan, np.nan]])


def test_a_metric_with_a_single_point_takes_the_period_of_the_others(answer):
    path = answer(result("RequestCount", [600.0], MINUTES[1:2]), result("RunningTaskCount", [1.0, 2.0, 3.0]))
    assert_array_equal(read_workload(path, **SIZE, requests_per_task=1.0).demand, [[np.nan, 2, np.nan]])


def test_one_answer_may_hold_several_services_told_by_their_labels(answer, workload_of):
    answer(
        result("web RunningTaskCount", [1.0, 2.0, 3.0]),
        result("web-admin RunningTaskCount", [7.0, 8.0, 9.0]),
        name="all.json",
    )
    assert_array_equal(workload_of("{file: all.json}").demand, [[1, 2, 3]])
    assert_array_equal(workload_of("{file: all.json}", name="web-admin").demand, [[7, 8, 9]])
    with pytest.raises(InputError, match=r"no series belongs to the service 'api'.* The file holds web, web-admin"):
        workload_of("{file: all.json}", name="api")


def test_an_incomplete_status_is_said(answer):
    workload = read_workload(answer(result("RunningTaskCount", [1.0, 2.0, 3.0], status="PartialData")), **SIZE)
    assert "metric 'RunningTaskCount' has the status PartialData" in said(workload)


def test_metrics_that_are_no_load_are_said_and_left(answer):
    path = answer(result("RunningTaskCount", [1.0, 2.0, 3.0]), result("TargetResponseTime", [0.1, 0.2, 0.3]))
    workload = read_workload(path, **SIZE)
    assert "web.json: not used: 'TargetResponseTime'." in said(workload)


def test_a_stated_meaning_is_found_by_label_or_id(answer):
    path = answer(result("expr", [3.0, 6.0, 9.0], query_id="e1"))
    for name in ("expr", "e1"):
        assert_array_equal(read_workload(path, **SIZE, columns={name: "tasks"}).demand, [[3, 6, 9]])


def test_get_metric_statistics_are_read_in_any_order(tmp_path):
    path = tmp_path / "web.json"
    points = [
        {"Timestamp": stamp, "Average": value, "Unit": "Count"}
        for stamp, value in zip(MINUTES[::-1], [3.0, 2.0, 1.0], strict=True)
    ]
    path.write_text(json.dumps({"Label": "RunningTaskCount", "Datapoints": points}))
    assert_array_equal(read_workload(path, **SIZE).demand, [[1, 2, 3]])


@pytest.mark.parametrize(
    ("label", "query_id", "meaning"),
    [
        ("CPUUtilization", "m1", Meaning.CPU_PERCENT),
        ("CPUUtilization", "cpu_max", Meaning.CPU_PERCENT_MAXIMUM),
        ("shop web CPUUtilization Maximum", "m1", Meaning.CPU_PERCENT_MAXIMUM),
        ("AWS/ECS MemoryUtilization Avg", "m1", Meaning.MEMORY_PERCENT),
        ("app/shop/50dc6c495c0c9188 RequestCount", "r", Meaning.REQUESTS),
        ("", "cpu_avg", Meaning.CPU_PERCENT),
        ("web", "mem_max", Meaning.MEMORY_PERCENT_MAXIMUM),
        ("CPUUtilization Sum", "m1", None),
        ("RequestCountPerTarget", "m1", None),
        ("CPUUtilization and MemoryUtilization", "m1", None),
        ("PendingTaskCount", "m1", None),
        ("Avg Total IOPS", "m3", None),
    ],
)
def test_a_metric_is_told_by_its_label_then_by_its_id(label, query_id, meaning):
    assert metric_meaning(label, query_id) is meaning


@needs_shared
def test_the_example_of_the_aws_cli_is_no_load_unless_it_is_said():
    path = SHARED / "aws_cli_examples" / "cloudwatch__get-metric-data_4.json"
    with pytest.raises(InputError, match="no metric of load among 'Avg Total IOPS'"):
        read_workload(path, **SIZE)
    with pytest.raises(InputError, match="a single time stamp"):
        read_workload(path, **SIZE, requests_per_task=1.0, columns={"m3": "requests_per_second"})


@needs_shared
def test_the_unordered_statistics_of_the_aws_cli_are_a_maximum_without_average():
    with pytest.raises(InputError, match="maximum of CPU utilization without its average"):
        read_workload(SHARED / "aws_cli_examples" / "cloudwatch__get-metric-statistics_1.json", **SIZE)
