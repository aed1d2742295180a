"""Load in other forms than a CSV: Prometheus, Container Insights, Parquet, folders; and how a workload file states them."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from advisor import LoadOptions
from advisor.errors import InputError
from advisor.sources import read_workload
from advisor.sources.cell_names import KnownNames, Names
from advisor.sources.cell_numbers import plain_numbers
from advisor.sources.cell_times import plain_times
from advisor.sources.grouping import Repeated
from advisor.sources.load_cells import split_block
from advisor.sources.load_csv import parse_load_csv
from advisor.sources.meanings import header_reading, open_readings, split_service
from tests.test_parsing_deviations import get_metric_data

SHARED = Path(__file__).parents[2] / "shared" / "workloads"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared workload data is not beside this checkout")
SIZE = {"region": "us-east-1", "cpu": 1024, "memory": 2048}
T = 1_704_067_200
"""2024-01-01T00:00Z"""


def said(workload):
    return "\n".join(workload.notes)


def prometheus(*series):
    results = [
        {"metric": labels, "values": [[T + 60 * i, value] for i, value in enumerate(values)]} for labels, values in series
    ]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": results}})


@pytest.fixture
def load(tmp_path):
    def read(content, name="web.json", figure=None, columns=None, **reading):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_workload(
            path, **SIZE, requests_per_task=figure, reading=LoadOptions.stated(columns=columns or {}, **reading)
        )

    return read


def test_series_of_prometheus_are_told_apart_by_a_service_label(load):
    text = prometheus(
        ({"__name__": "tasks", "service": "web"}, ["1", "2"]), ({"__name__": "tasks", "service": "api"}, ["3", "NaN"])
    )
    workload = load(text)
    assert [service.name for service in workload.services] == ["api", "web"]
    assert_array_equal(workload.demand, [[3, np.nan], [1, 2]])
    assert "services told apart by the label 'service'" in said(workload)


def test_series_of_instances_are_added_up_and_percentages_are_not(load):
    labels = [{"service": "web", "instance": instance} for instance in "ab"]
    workload = load(prometheus((labels[0], ["0.5", "0.25"]), (labels[1], ["0.5"])), values="cpu_vcpu")
    assert_array_equal(workload.demand, [[1024, 256]])  # by hand: 1 and 0.25 vCPU
    assert "2 series" in said(workload)
    assert "were added up" in said(workload)
    with pytest.raises(InputError, match="percentages cannot be added up"):
        load(prometheus((labels[0], ["50", "50"]), (labels[1], ["10"])), values="cpu_percent")


def test_an_instance_that_is_nan_leaves_the_sum_unknown(load):
    labels = [{"service": "web", "instance": instance} for instance in "ab"]
    workload = load(prometheus((labels[0], ["1", "1"]), (labels[1], ["3", "NaN"])), values="cpu_vcpu")
    assert_array_equal(workload.demand, [[4096, np.nan]])


def test_a_share_of_prometheus_that_may_be_a_fraction_needs_a_word(load):
    labels = {"service": "web"}
    text = prometheus(
        ({"__name__": "cpu_utilization", **labels}, ["0.5", "0.25"]), ({"__name__": "tasks", **labels}, ["2", "2"])
    )
    with pytest.raises(InputError, match=r"0.5 percent or a fraction of 1, 50 percent.*cpu_utilization=cpu_fraction"):
        load(text)
    as_fraction = load(text, columns={"cpu_utilization": "cpu_fraction"}).demand
    as_percent = load(text, columns={"cpu_utilization": "cpu_percent"}).demand
    assert as_fraction[0, 0] == 2 * as_fraction[0, 1] > 0
    assert_allclose(as_fraction, 100 * as_percent)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (prometheus(({"service": "web"}, ["1", "2"])), "nothing says what it measures. Say it with --values"),
        (prometheus(({"__name__": "http_requests_total"}, ["1", "2"])), "is named as a counter that only grows"),
        (json.dumps({"status": "error", "errorType": "bad_data", "error": "parse error"}), "the query failed: bad_data"),
        (json.dumps({"status": "success", "data": {"resultType": "vector", "result": []}}), "not a matrix over time"),
        (prometheus(({"__name__": "tasks"}, ["-1", "2"])), "is negative"),
        (prometheus(({"__name__": "tasks"}, ["+Inf", "2"])), "is not finite"),
        (prometheus(({"__name__": "tasks"}, ["x", "2"])), "'x' is not a number"),
    ],
)
def test_an_answer_of_prometheus_that_is_no_load_is_refused(load, text, message):
    with pytest.raises(InputError, match=message):
        load(text)


def event(kind, minute, **values):
    return json.dumps(
        {"Type": kind, "ServiceName": "web", "ClusterName": "c", "Timestamp": 1000 * (T + 60 * minute) + 104, **values}
    )


def events():
    lines = []
    for minute in range(3):
        for task in ("t1", "t2")[: 2 if minute else 1]:
            lines.append(event("Task", minute, TaskId=task, CpuUtilized=100.5, MemoryUtilized=300))
        lines.append(event("Container", minute, TaskId="t1", ContainerName="app", CpuUtilized=100.5, MemoryUtilized=300))
    return lines


def test_performance_events_are_added_up_over_the_tasks_of_a_service(load):
    workload = load("\n".join(events()), name="events.jsonl")
    assert [service.name for service in workload.services] == ["web"]
    assert_array_equal(workload.demand, [[100.5, 201, 201]])
    assert_array_equal(workload.running_tasks, [[1, 2, 2]])
    assert_array_equal(workload.memory_mib, [[300, 300, 300]])
    assert workload.step_s == 60
    assert "CPU in CPU units, memory in MiB, added up over the tasks of a service" in said(workload)
    assert "tasks of 'web' counted from the tasks that reported in a minute" in said(workload)


def test_the_running_count_of_service_events_goes_before_a_count_of_tasks(load):
    counts = [event("Service", minute, RunningTaskCount=4, DesiredTaskCount=5) for minute in range(3)]
    workload = load("\n".join([*events(), *counts]), name="events.jsonl")
    assert_array_equal(workload.running_tasks, [[4, 4, 4]])


def batch_events(others=lambda minute: True, report=lambda minute: minute % 60 < 12):
    """Two hours of a service that runs all the time, and of tasks of a family that no service runs."""
    lines = []
    for minute in range(120):
        if others(minute):
            lines.append(event("Service", minute, RunningTaskCount=2))
            lines.append(event("Task", minute, TaskId="w", CpuUtilized=200, MemoryUtilized=300))
        if report(minute):
            task = {"TaskId": f"r{minute // 60}", "CpuUtilized": 400, "MemoryUtilized": 500, "TaskDefinitionFamily": "report"}
            lines.append(event("Task", minute, **task).replace('"ServiceName": "web"', '"ServiceName": null'))
    return "\n".join(lines)


@pytest.mark.parametrize("others", [lambda minute: True, lambda minute: False], ids=["beside a service", "alone"])
def test_tasks_that_start_and_end_run_when_they_report_and_at_no_other_time(load, others):
    workload = load(batch_events(others), name="events.jsonl")
    report = workload.demand[[service.name for service in workload.services].index("report")]
    ran = np.arange(len(report)) % 60 < 12
    assert_array_equal(report, ran)
    assert "They start and end, and are taken as they ran" in said(workload)


def test_a_service_without_a_few_reports_keeps_its_cpu_and_does_not_know_those_minutes(load):
    workload = load(batch_events(report=lambda minute: minute not in (30, 31)), name="events.jsonl")
    report = workload.demand[[service.name for service in workload.services].index("report")]
    assert_array_equal(np.flatnonzero(np.isnan(report)), [30, 31])
    assert np.nanmax(report) == 400


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda lines: json.dumps({"events": [{"timestamp": 1, "message": line} for line in lines]}),
        lambda lines: json.dumps({"results": [[{"field": "@message", "value": line}] for line in lines], "status": "Complete"}),
        lambda lines: "\n".join(f"2024-01-01T00:00:00.000Z {line}" for line in lines),
        lambda lines: "[" + ",".join(lines) + "]",
    ],
    ids=["filter-log-events", "Logs Insights", "export to S3", "a list"],
)
@pytest.mark.parametrize("name", ["events.json", "events.txt"])
def test_performance_events_are_found_in_every_export_of_cloudwatch_logs(load, wrapped, name):
    assert_array_equal(load(wrapped(events()), name=name).demand, [[100.5, 201, 201]])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (event("Task", 1, TaskId="t", CpuUtilized=-1), r"line 2, column CpuUtilized: -1 is no number of a load"),
        ('{"Type": "Task", "ServiceName": "web", "Timestamp": "soon"}', "line 2, column Timestamp"),
        ('{"Type": "Task", "Timestamp": 1704067200000}', "neither ServiceName nor TaskDefinitionFamily"),
        ('{"Type": "Task", ', "line 2: not a JSON object"),
    ],
)
def test_a_broken_event_is_named_by_its_line(load, line, message):
    with pytest.raises(InputError, match=message):
        load(f"{events()[0]}\n{line}\n", name="events.jsonl")


RECORDS = [{"time": f"2024-01-01T0{i}:00Z", "service": "web", "tasks": value} for i, value in enumerate([1, None, 2.5])]


@pytest.mark.parametrize(
    "text", [json.dumps(RECORDS), json.dumps(RECORDS, indent=1), "\n".join(json.dumps(row) for row in RECORDS)]
)
@pytest.mark.parametrize("name", ["rows.json", "rows.txt"])
def test_rows_in_json_are_a_table(load, text, name):
    workload = load(text, name=name)
    assert_array_equal(workload.demand, [[1, np.nan, 2.5]])
    assert "a JSON table of 3 rows" in said(workload)


def test_pages_of_cloudwatch_one_a_line_are_put_together(load):
    pages = [get_metric_data("RunningTaskCount", [T + 7200 * i, T + 3600 + 7200 * i], [float(i), float(i)]) for i in range(2)]
    assert_array_equal(load("\n".join(pages)).demand, [[0, 0, 1, 1]])


@pytest.fixture
def parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "web.parquet"

    def write(**columns):
        parquet.write_table(pyarrow.table(columns), path)
        return path

    return write


def test_parquet_keeps_the_types_of_its_columns(parquet):
    pyarrow = pytest.importorskip("pyarrow")
    times = pyarrow.array([T * 1000, T * 1000 + 3_600_000], pyarrow.timestamp("ms", "Europe/Berlin"))
    path = parquet(timestamp=times, service=pyarrow.array(["a", "a"]).dictionary_encode(), tasks=[1.5, None])
    workload = read_workload(path, **SIZE)
    assert_array_equal(workload.demand, [[1.5, np.nan]])
    assert workload.start.isoformat() == "2024-01-01T00:00:00+00:00"
    assert workload.inputs[0].path == str(path)


def test_damaged_parquet_is_refused(parquet):
    path = parquet(timestamp=[T, T + 3600], tasks=[1, 2])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"web\.parquet: damaged Parquet data"):
        read_workload(path, **SIZE)


def test_parquet_without_the_extra_names_what_to_install(parquet, monkeypatch):
    path = parquet(timestamp=[T, T + 3600], tasks=[1, 2])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"needs pyarrow.*pip install 'ecs-launch-advisor\[fleet\]'"):
        read_workload(path, **SIZE)


def test_a_workload_file_states_how_its_files_are_read(tmp_path):
    (tmp_path / "odd.csv").write_text("Zeit;Last\n03/04/2024 00:00;1,234\n03/04/2024 01:00;2,5\n")
    path = tmp_path / "workload.yaml"
    text = """\
cluster: shop
region: us-east-1
services:
  - name: web
    task: {cpu: 512, memory: 1024}
    load: {file: odd.csv, columns: {Last: tasks}, day_first: true, decimal: comma, time_zone: Europe/Berlin}
"""
    path.write_text(text)
    workload = read_workload(path)
    assert_array_equal(workload.demand, [[1.234, 2.5]])
    assert workload.start.isoformat() == "2024-04-02T22:00:00+00:00"
    assert read_workload(path, reading=LoadOptions.stated(day_first=False)).start.isoformat() == "2024-03-03T23:00:00+00:00"
    path.write_text(text.replace("Europe/Berlin", "Mars/Olympus"))
    with pytest.raises(InputError, match=r"workload\.yaml, line 6.*no time zone 'Mars/Olympus'"):
        read_workload(path)


def test_a_folder_under_files_holds_the_pages_of_a_service(tmp_path):
    (tmp_path / "pages").mkdir()
    for page in range(2):
        rows = "".join(f"2024-01-01T0{2 * page + i}:00Z,{2 * page + i}\n" for i in range(2))
        (tmp_path / "pages" / f"{page}.csv").write_text("timestamp,tasks\n" + rows)
    path = tmp_path / "workload.yaml"
    path.write_text(
        "cluster: c\nregion: us-east-1\nservices:\n  - {name: web, task: {cpu: 512, memory: 1024}, load: {files: [pages]}}\n"
    )
    assert_array_equal(read_workload(path).demand, [[0, 1, 2, 3]])


@pytest.mark.parametrize(
    ("header", "reading", "unit"),
    [
        ("CpuUsage(m)", "cpu_units", "millicores"),
        ("MemoryUsage(Mi)", "memory_mib", ""),
        ("container_memory_working_set_bytes", "memory_mib", "bytes"),
        ("CpuUtilized", "cpu_units", ""),
        ("requests_per_minute", "requests_per_second", "requests per minute"),
        ("memory_fraction", "memory_percent", "fractions of 1"),
        ("CPU cores", None, ""),
        ("cpu_usage [MHZ]", None, ""),
    ],
)
def test_a_header_tells_its_unit_or_nothing(header, reading, unit):
    found = header_reading(header)
    assert (found and (found.meaning, found.unit)) == (reading and (reading, unit))


def test_names_that_leave_the_unit_open_are_known_as_such():
    assert "cpu_millicores" in open_readings("cpu")
    assert open_readings("cpu_percent") == open_readings("orders") == ()


@pytest.mark.parametrize("name", ["orders", "a b c", "target response time", "requests"])
def test_a_column_without_a_measure_names_no_service(name):
    assert split_service(name) is None


# The reader of blocks against Python's own

ODD_NUMBERS = [
    "99999999",
    "1234567.",
    "0",
    "1",
    "12.5",
    "0.1",
    ".5",
    "5.",
    "123456789012.25",
    "9007199254740993",
    "1e3",
    "00012",
    "3.141592653589793238",
]


@pytest.mark.parametrize("longest", [8, 99])
def test_numbers_of_a_block_are_those_of_python(longest):
    odd = [cell for cell in ODD_NUMBERS if len(cell) <= longest]
    text = "".join(f"some-text,{cell},y\n" for cell in odd)
    block = split_block(text.encode(), 3, ",")
    numbers, is_hard = plain_numbers(block, 1, ".")
    plain = [i for i in range(len(odd)) if not is_hard[i]]
    assert {"0", "1", "12.5", "0.1", ".5", "5.", "00012", "99999999"} <= {odd[i] for i in plain}
    assert [numbers[i] for i in plain] == [float(odd[i]) for i in plain]


@given(
    cells=st.lists(
        st.from_regex(r"[0-9]{0,7}[.,]?[0-9]{0,7}", fullmatch=True) | st.text("0123456789.,/-+e:x", min_size=0, max_size=8),
        min_size=1,
    ),
    decimal=st.sampled_from(".,"),
)
def test_any_short_cell_is_the_number_of_python_or_left_to_it(cells, decimal):
    text = "".join(f"some-text;{cell};y\n" for cell in cells)
    numbers, is_hard = plain_numbers(split_block(text.encode(), 3, ";"), 1, decimal)
    for cell, number, hard in zip(cells, numbers.tolist(), is_hard.tolist(), strict=True):
        is_plain = cell.count(decimal) <= 1 and cell.replace(decimal, "").isdigit() and len(cell) <= 22
        if is_plain and int(cell.replace(decimal, "")) < 2**53:
            assert not hard
            assert number == float(cell.replace(decimal, "."))
        else:
            assert hard


@given(
    cells=st.lists(
        st.from_regex(r"[0-9]{0,19}\.?[0-9]{0,19}", fullmatch=True)
        | st.floats(min_value=1e-4, max_value=1e16).map(repr)
        | st.text("0123456789.,-e", min_size=9, max_size=26),
        min_size=1,
    )
)
@example(cells=["9007199254740993", "9007199254740993.0", "0.3000000000000000166", "57.54612345678901", "10000000000000001"])
def test_any_long_cell_is_the_number_of_python_or_left_to_it(cells):
    text = "".join(f"some-text;{cell};y\n" for cell in cells)
    numbers, is_hard = plain_numbers(split_block(text.encode(), 3, ";"), 1, ".")
    for cell, number, hard in zip(cells, numbers.tolist(), is_hard.tolist(), strict=True):
        is_plain = cell.count(".") <= 1 and cell.replace(".", "").isdigit()
        assert hard or (is_plain and number == float(cell))
        if is_plain and len(cell) <= 22 and int(cell.replace(".", "")) < 2**53:
            assert not hard


@pytest.mark.parametrize("cell", ["1e5", "1,5", "1.5.5", "-1.5", "1.5x", "12345678 ", "123456789.1234567890123456"])
def test_what_is_no_plain_number_is_left_to_python_at_any_length(cell):
    for longest in ("1", "1234.12345", "1234567890.123456789"):
        numbers, is_hard = plain_numbers(split_block(f"x;{longest};y\nx;{cell};y\n".encode(), 3, ";"), 1, ".")
        assert is_hard.tolist() == [False, True]
        assert numbers[0] == float(longest)


@pytest.mark.parametrize(
    "cells",
    [
        ["2024-01-01T00:00:01Z", "2024-01-01T00:00.01Z"],
        ["2024-01-01T00:00:01Z", "2024-01-01T00:00:61Z"],
        ["2024-01-01T00:00:01Z", "2024-01-01T00:6a:01Z"],
        ["2024-01-01T00:00:01Z", "2024-01-01T00x00:01Z"],
        ["2024-01-01T00:00:01Z", "2024-01-01T0a:00:01Z"],
        ["2024-01-01T00:00:01+01:00", "2024-01-01T00:00:01+02:00"],
        ["2024-01-01T00:00:01.5Z", "2024-01-01T00:00:01.xZ"],
    ],
)
def test_times_that_are_not_written_alike_are_left_to_the_careful_reader(cells):
    assert plain_times(split_block("".join(f"{cell}\n" for cell in cells).encode(), 1, ","), 0) is None


def _each(seconds):
    return (seconds.whole() if isinstance(seconds, Repeated) else seconds).tolist()


@given(
    moments=st.lists(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 12, 31)), min_size=1),  # noqa: DTZ001
    suffix=st.sampled_from(["", "Z", "+05:30"]),
    repeats=st.integers(1, 5),
)
def test_any_times_of_a_block_are_those_of_python(moments, suffix, repeats):
    cells = [f"{moment:%Y-%m-%dT%H:%M:%S}{suffix}" for moment in moments for _ in range(repeats)]
    seconds, has_zone = plain_times(split_block("".join(f"{cell}\n" for cell in cells).encode(), 1, ","), 0)
    read = [datetime.fromisoformat(cell) for cell in cells]
    assert has_zone is bool(suffix)
    assert _each(seconds) == [(m if suffix else m.replace(tzinfo=UTC)).timestamp() for m in read]


@pytest.mark.parametrize(
    "cell", ["2024-02-29T23:59:59Z", "1999-12-31 00:00", "2024/03/01 05:30:00.25+05:30", "2100-01-01T00:00-0330"]
)
def test_times_of_a_block_are_those_of_python(cell):
    block = split_block(f"{cell}\n{cell}\n{cell}\n".encode(), 1, ",")
    seconds, has_zone = plain_times(block, 0)
    expected = datetime.fromisoformat(cell.replace("/", "-"))
    assert has_zone is (expected.tzinfo is not None)
    assert _each(seconds) == [int((expected if has_zone else expected.replace(tzinfo=UTC)).timestamp())] * 3


@pytest.mark.parametrize(
    "cell", ["2023-02-29T00:00Z", "2024-13-01T00:00Z", "2024-01-01T24:00Z", "2024-01-01T00:61Z", "2024-01-0xT00:00Z"]
)
def test_times_that_no_calendar_has_are_left_to_the_careful_reader(cell):
    assert plain_times(split_block(f"{cell}\n".encode(), 1, ","), 0) is None


def test_names_of_a_block_stay_apart_whatever_their_length():
    cells = ["a", "ab", "a" * 8, "a" * 9, "web-1", "web-2", "é", "x" * 64, " a "]
    block = split_block("".join(f"{cell}\n" for cell in cells * 3).encode(), 1, ",")
    names = Names()
    codes = names.block_codes(block, 0, 0)
    assert [names.texts[code] for code in codes] == [cell.strip() for cell in cells] * 3
    known = KnownNames(cells[:-1])
    block = split_block("".join(f"{cell}\n" for cell in cells[:-1]).encode(), 1, ",")
    assert known.codes(block, 0).tolist() == list(range(len(cells) - 1))
    assert KnownNames(["other"]).codes(block, 0) is None


def test_many_blocks_are_one_table_and_their_lines_are_counted():
    header = b"timestamp,service,tasks\n"
    lines = [f"2024-01-{1 + i // 48:02}T{i // 2 % 24:02}:00Z,{'ab'[i % 2]},{i}\n".encode() for i in range(1000)]
    blocks = [header + b"".join(lines[:7]), *(b"".join(lines[i : i + 9]) for i in range(7, 1000, 9))]
    table = parse_load_csv(blocks, "web.csv", LoadOptions(), [])
    assert_array_equal(table.records_of("b", []).values["tasks"], np.arange(1, 1000, 2))
    assert table.records_of("b", []).place_of(499).line == 1001
    bad = [*blocks[:50], blocks[50].replace(b",a,", b",a,x"), *blocks[51:]]
    with pytest.raises(InputError, match=r"web\.csv, line 450, column tasks: 'x448' is not a number"):
        parse_load_csv(bad, "web.csv", LoadOptions(), [])


# Real files


@needs_shared
def test_a_real_trace_in_parquet_with_rows_of_unequal_length():
    pytest.importorskip("pyarrow")
    columns = {"id": "service", "cpu_usage": "cpu_units*0.4", "cpu_count": "ignore"}
    workload = read_workload(SHARED / "bitbrains50" / "trace.parquet", **SIZE, columns=columns)
    assert len(workload.services) == 50
    assert workload.step_s == 300
    assert "whose time is their end, became time-weighted means of steps of 300 s" in said(workload)


@needs_shared
def test_real_pods_use_some_millicores_and_420_mib():
    path = SHARED / "microservices_nezha" / "train_ticket_2023-01-29_long.csv.gz"
    workload = read_workload(path, **SIZE, columns={"PodName": "service"})
    assert (len(workload.services), workload.step_s, workload.n_steps) == (46, 60, 919)
    assert 0 < np.nanmedian(workload.demand) < 20
    with pytest.raises(InputError, match="--column PodName=service"):
        read_workload(path, **SIZE)


@needs_shared
def test_a_real_file_whose_second_time_column_is_six_years_off():
    path = SHARED / "microservices_nezha" / "online_boutique_2022-08-22" / "adservice-5f6585d649-fnmft_metric.csv.gz"
    workload = read_workload(path, **SIZE)
    assert workload.start.isoformat() == "2022-08-22T03:51:00+00:00"
    assert "in 1,209 rows the column 'TimeStamp' is up to 200,022,100 s away from 'Time'" in said(workload)


@needs_shared
def test_real_components_below_three_rows_of_labels():
    path = SHARED / "microservices_petshop" / "high_traffic_noissue_metrics.csv.gz"
    workload = read_workload(path, **SIZE, requests_per_task=1.0)
    assert "PetSite" in [service.name for service in workload.services]
    assert (workload.step_s, workload.n_steps) == (300, 589)
    assert "left out: 'PetSearch_AWS::ECS::Fargate', which is no name of an ECS service" in said(workload)


@needs_shared
@pytest.mark.parametrize(
    ("name", "columns", "start", "n_steps", "known"),
    [
        ("hourly/bikeshare_dc_hourly_2018_2019.csv", {"count": "requests"}, "2018-01-01T00:00:00+00:00", 14593, 14593),
        ("hourly/electricity_hourly.csv", {"y": "requests_per_second"}, "2012-01-01T00:00:00+00:00", 26304, 26304),
        (
            "hourly/metro_traffic_volume_hourly.csv.gz",
            {"traffic_volume": "requests"},
            "2012-10-02T09:00:00+00:00",
            52551,
            45165,
        ),
        ("cloudwatch_nab/nyc_taxi.csv", {"value": "requests"}, "2014-07-01T00:00:00+00:00", 10320, 10320),
    ],
)
def test_real_series_of_hours(name, columns, start, n_steps, known):
    workload = read_workload(SHARED / name, **SIZE, requests_per_task=1.0, columns=columns)
    assert (workload.start.isoformat(), workload.n_steps, int(workload.measured.sum())) == (start, n_steps, known)


@needs_shared
def test_a_real_minute_series_of_two_columns_and_a_question_mark():
    path = SHARED / "hourly" / "household_power_minute_2007-03.csv"
    workload = read_workload(path, **SIZE, requests_per_task=1.0, columns={"Global_active_power": "requests_per_second"})
    assert (workload.start.isoformat(), workload.n_steps) == ("2007-03-01T00:00:00+00:00", 44640)
    assert workload.demand[0, 0] == 0.226


@needs_shared
def test_real_functions_with_a_column_a_minute():
    path = SHARED / "azure" / "functions2019_example_invocations.csv"
    workload = read_workload(path, **SIZE, requests_per_task=1.0, reading=LoadOptions.stated(start="2019-07-15T00:00Z"))
    assert (len(workload.services), workload.n_steps, workload.step_s) == (4, 1440, 60)
    assert_allclose(np.sort(np.nanmax(workload.demand, axis=1))[-1] * 60, 5)


@needs_shared
@pytest.mark.parametrize("folder", ["ecs_api_placebo", "ecs_api_cli_form"])
def test_recorded_statistics_are_read_in_both_forms_of_time(folder):
    path = next((SHARED / folder).glob("test_metric_filter_multiple*"))
    with pytest.raises(InputError, match="1 d apart"):
        read_workload(path, **SIZE)


@needs_shared
def test_the_events_of_the_user_guide_are_read_though_a_minute_is_no_load():
    path = SHARED / "container_insights" / "performance_events.jsonl"
    with pytest.raises(InputError, match="a single time stamp"):
        read_workload(path, **SIZE)
