"""CSV of load: what is recognised, repaired and said, and what changes nothing."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from advisor.errors import InputError
from advisor.sources import read_workload
from advisor.sources.meanings import Meaning, header_meaning, time_rank

SHARED = Path(__file__).parents[2] / "shared" / "workloads"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared workload data is not beside this checkout")


@pytest.fixture
def load(tmp_path):
    def read(text, name="web.csv", **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_workload(path, **{"region": "us-east-1", "cpu": 512, "memory": 1024} | options)

    return read


def said(workload):
    return "\n".join(workload.notes)


def test_running_tasks_are_taken_as_they_ran(load):
    workload = load("timestamp,tasks\n2024-01-01T00:00Z,2\n2024-01-01T01:00Z,3\n")
    assert_array_equal(workload.demand, [[2, 3]])
    assert_array_equal(workload.running_tasks, [[2, 3]])
    assert workload.services[0].load_form == "tasks"
    assert (workload.start.isoformat(), workload.step_s) == ("2024-01-01T00:00:00+00:00", 3600)


def test_cpu_percent_becomes_cpu_units_of_the_declared_size_and_count(load):
    workload = load(
        "time,CPUUtilization,RunningTaskCount,MemoryUtilization,MemoryUtilization Maximum\n"
        "2024-01-01T00:00Z,50,4,30,40\n2024-01-01T00:05Z,25,2,30,50\n"
    )
    assert_array_equal(workload.demand, [[1024, 256]])  # by hand: 0.5 x 512 x 4, 0.25 x 512 x 2
    assert_array_equal(workload.memory_mib, [[409.6, 512]])  # by hand: 40 and 50 % of 1024
    assert workload.services[0].load_form == "utilization"
    assert "column 'CPUUtilization' read as cpu_percent" in said(workload)
    assert "column 'RunningTaskCount' read as tasks" in said(workload)
    assert "not used for its load: memory_percent" in said(workload)


def test_no_tasks_use_no_cpu_even_where_cloudwatch_has_no_point(load):
    workload = load("time,cpu_percent,tasks\n2024-01-01T00:00Z,50,4\n2024-01-01T01:00Z,,0\n2024-01-01T02:00Z,,2\n")
    assert_array_equal(workload.demand, [[1024, 0, np.nan]])


def test_cpu_units_and_mib_are_of_all_tasks_together(load):
    workload = load("time,cpu_units,memory_mib,tasks\n2024-01-01T00:00Z,700,600,2\n2024-01-01T01:00Z,500,0,0\n")
    assert_array_equal(workload.demand, [[700, 500]])
    assert_array_equal(workload.memory_mib, [[300, np.nan]])


def test_requests_counted_per_step_become_a_rate_and_a_missing_row_nothing(load):
    workload = load(
        "time,RequestCount\n2024-01-01T00:00Z,300\n2024-01-01T00:05Z,600\n2024-01-01T00:20Z,\n2024-01-01T00:25Z,30\n",
        requests_per_task=5.0,
    )
    assert_array_equal(workload.demand, [[1, 2, 0, 0, np.nan, 0.1]])  # by hand: counts over 300 s; the empty cell is unknown
    assert "no rows for 2 of 6 steps, longest gap 10 min: nothing was counted, so 0 requests" in said(workload)
    assert "1 empty cell in column 'RequestCount'" in said(workload)


def test_a_gap_in_a_rate_is_unknown_and_not_zero(load):
    workload = load("time,rps\n2024-01-01T00:00Z,3\n2024-01-01T01:00Z,4\n2024-01-01T04:00Z,5\n", requests_per_task=5.0)
    assert_array_equal(workload.demand, [[3, 4, np.nan, np.nan, 5]])
    assert "no rows for 2 of 5 steps, longest gap 2 h: unknown, not zero" in said(workload)
    assert "web: load known for 3 of 5 steps (60 %)." in said(workload)


@pytest.mark.parametrize("missing", ["", "NA", "None", "-", "NaN", " ", "null", "N/A"])
def test_a_cell_marked_as_missing_is_a_gap(load, missing):
    workload = load(f"time,tasks\n2024-01-01T00:00Z,3\n2024-01-01T01:00Z,{missing}\n2024-01-01T02:00Z,3\n")
    assert_array_equal(workload.measured, [[True, False, True]])


def test_a_cell_of_zero_is_zero(load):
    assert_array_equal(load("time,tasks\n2024-01-01T00:00Z,3\n2024-01-01T01:00Z,0\n").demand, [[3, 0]])


def test_repeated_stamps_are_merged_when_equal_and_averaged_when_not(load):
    workload = load(
        "time,rps\n2024-01-01T00:00Z,0.1\n2024-01-01T01:00Z,1\n2024-01-01T01:00Z,2\n2024-01-01T00:00Z,0.1\n"
        "2024-01-01T00:00Z,0.1\n2024-01-01T02:00Z,5\n",
        requests_per_task=5.0,
    )
    assert_array_equal(workload.demand, [[0.1, 1.5, 5]])
    assert "not in order of time and were sorted" in said(workload)
    assert "repeated time stamps with equal values were merged (1)" in said(workload)
    assert "repeated time stamps with differing values were averaged (1, the first in line 3 of" in said(workload)


def test_stamps_beside_whole_steps_are_floored(load):
    workload = load("time,tasks\n2014-04-10 00:04:00,1\n2014-04-10 00:09:00,2\n2014-04-10 00:14:30,3\n")
    assert workload.start.isoformat() == "2014-04-10T00:00:00+00:00"
    assert_array_equal(workload.demand, [[1, 2, 3]])
    assert "3 of 3 time stamps do not lie on whole steps and were floored" in said(workload)


def test_counts_that_fall_into_one_step_add_up(load):
    rows = "".join(f"2024-01-01T0{hour}:00Z,3600\n" for hour in range(5))
    workload = load(f"time,requests\n{rows}2024-01-01T01:30Z,3600\n", requests_per_task=5.0)
    assert_array_equal(workload.demand, [[1, 2, 1, 1, 1]])


@pytest.mark.parametrize(
    ("first", "second", "note"),
    [
        ("2024-01-02T00:00:00Z", "2024-01-02T01:00:00Z", None),
        ("2024-01-02T05:30:00+05:30", "2024-01-02T02:00:00+01:00", None),
        ("2024-01-02 00:00", "2024-01-02 01:00", "times without a zone read as UTC"),
        ("2024-01-02 0:00", "2024-01-02 1:00", "times without a zone read as UTC"),
        ("2024/01/02 00:00:00", "2024/01/02 01:00:00", "times without a zone read as UTC"),
        ("2024-01-02 00:00:00.7990872 +0000 UTC m=+0.3", "2024-01-02 01:00:00.79 +0000 UTC m=+3600.3", None),
        ("2024/01/02 05:30:00 +0530", "2024/01/02 02:00:00 +01:00", None),
        ("2024/01/01 19:00 -0500", "2024/01/02 01:00 UTC", None),
        ("1704153600", "1704157200", "epoch s"),
        ("1704153600.0", "1704157200.5", "epoch s"),
        ("1704153600000", "1704157200000", "epoch ms"),
        ("1704153600000000000", "1704157200000000000", "epoch ns"),
        ("202401020000", "202401020100", "times without a zone read as UTC"),
        ("20240102000000", "20240102010000", "times without a zone read as UTC"),
        ("02-Jan-2024 00:00", "02-Jan-2024 01:00", "times without a zone read as UTC"),
        ("Jan 2, 2024, 12:00:00 AM", "Jan 2, 2024, 1:00:00 AM", "times without a zone read as UTC"),
        ("Tue, 02 Jan 2024 00:00:00 GMT", "Tue, 02 Jan 2024 01:00:00 GMT", None),
    ],
)
def test_times_are_read_in_the_spellings_of_real_files(load, first, second, note):
    workload = load(f"timestamp;tasks\n{first};1\n{second};2\n")
    assert workload.start.isoformat() == "2024-01-02T00:00:00+00:00"
    assert_array_equal(workload.demand, [[1, 2]])
    assert note is None or note in said(workload)


@pytest.mark.parametrize(
    ("times", "order"),
    [
        (["12/04/2024 23:00", "13/04/2024 00:00"], "day"),
        (["4/12/2024 11:00 PM", "4/13/2024 12:00 AM"], "month"),
        (["12.04.2024 23:00", "13.04.2024 00:00"], "day"),
    ],
)
def test_day_and_month_are_told_apart_by_a_number_above_twelve(load, times, order):
    workload = load(f"timestamp,tasks\n{times[0]},1\n{times[1]},2\n")
    assert workload.start.isoformat() == "2024-04-12T23:00:00+00:00"
    assert f"dates read with the {order} first" in said(workload)


def test_a_stated_zone_places_local_times_over_the_clock_change(load):
    rows = ["2024-10-27 01:00,1", "2024-10-27 02:00,2", "2024-10-27 02:00,3", "2024-10-27 03:00,4"]
    workload = load("time,tasks\n" + "\n".join(rows), time_zone="Europe/Berlin")
    assert workload.start.isoformat() == "2024-10-26T23:00:00+00:00"
    assert_array_equal(workload.demand, [[1, 2, 3, 4]])
    newest_first = load("time,tasks\n" + "\n".join(reversed(rows)), time_zone="Europe/Berlin")
    assert_array_equal(newest_first.demand, [[1, 2, 3, 4]])


def test_an_hour_that_the_clock_change_skips_is_put_an_hour_later(load):
    rows = ["2024-03-31 00:00,1", "2024-03-31 01:00,2", "2024-03-31 02:00,3", "2024-03-31 04:00,5"]
    workload = load("time,tasks\n" + "\n".join(rows), time_zone="Europe/Berlin")
    assert_array_equal(workload.demand, [[1, 2, 3, 5]])  # 02:00, which does not exist, is 03:00 in summer time
    assert "1 times fall into the hour that the clock change skips" in said(workload)


def test_a_doubled_hour_that_stands_once_can_be_either(load):
    with pytest.raises(
        InputError, match=r"line 3: 2024-10-27 02:00:00 comes twice .* 2024-10-27T00:00Z .*--doubled-hour first"
    ):
        load("time,tasks\n2024-10-27 01:00,1\n2024-10-27 02:00,2\n2024-10-27 03:00,4\n", time_zone="Europe/Berlin")


def test_of_several_maxima_in_a_step_the_highest_counts(load):
    rows = "".join(f"2024-01-01T0{hour}:00Z,2,10\n" for hour in range(5))
    workload = load(f"time,tasks,memory_percent_maximum\n{rows}2024-01-01T01:30Z,4,50\n")
    assert_array_equal(workload.memory_mib, [[102.4, 512, 102.4, 102.4, 102.4]])
    assert_array_equal(workload.demand, [[2, 3, 2, 2, 2]])


def test_a_service_column_makes_a_service_of_each_name(load):
    workload = load(
        "timestamp,service,tasks\n2024-01-01T00:00Z,web,1\n2024-01-01T00:00Z,api,5\n2024-01-01T01:00Z,web,2\n2024-01-01T01:00Z,api,6\n"
    )
    assert [service.name for service in workload.services] == ["api", "web"]
    assert_array_equal(workload.demand, [[5, 6], [1, 2]])


def test_the_name_of_a_file_becomes_a_name_that_ecs_accepts(load):
    workload = load("timestamp,tasks\n2024-01-01T00:00Z,1\n2024-01-01T01:00Z,2\n", name="CPU load (1).csv")
    assert (workload.cluster, workload.services[0].name) == ("CPU-load-1", "CPU-load-1")


def test_a_stated_meaning_goes_before_the_name(load):
    workload = load(
        "when,value,tasks\n2024-01-01T00:00Z,36,1\n2024-01-01T01:00Z,72,2\n",
        columns={"when": "time", "value": "requests", "tasks": "ignore"},
        requests_per_task=1.0,
    )
    assert_array_equal(workload.demand, [[0.01, 0.02]])
    assert workload.running_tasks is None


def test_percentages_that_may_be_fractions_are_said(load):
    workload = load("time,cpu_percent,tasks\n2024-01-01T00:00Z,0.5,4\n2024-01-01T01:00Z,0.7,4\n")
    assert "the highest cpu_percent is 0.7: read as percent, not as a fraction of 1" in said(workload)


def test_percentages_above_a_hundred_are_kept_and_said(load):
    workload = load("time,cpu_percent,tasks\n2024-01-01T00:00Z,150,1\n2024-01-01T01:00Z,70,1\n")
    assert_array_equal(workload.demand[0, 0], 768)
    assert "values of cpu_percent above 100 percent (1, up to 150) were kept" in said(workload)


PLAIN = "timestamp,requests_per_second,tasks\n2024-01-01T00:00Z,1.5,2\n2024-01-01T01:00Z,2.5,3\n"
SAME_LOAD = {
    "lines above the header": "# exported by a tool, which one does not matter\n# 2 rows\n" + PLAIN,
    "bars": PLAIN.replace(",", "|"),
    "CRLF": PLAIN.replace("\n", "\r\n"),
    "CR alone": PLAIN.replace("\n", "\r"),
    "no last line break": PLAIN.rstrip("\n"),
    "semicolons": PLAIN.replace(",", ";"),
    "tabs": PLAIN.replace(",", "\t"),
    "semicolon and tab": PLAIN.replace(",", ";\t"),
    "a separator line": "sep=;\n" + PLAIN.replace(",", ";"),
    "byte order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "blank lines": "\n" + PLAIN.replace("\n", "\n\n"),
    "quoted cells": PLAIN.replace("1.5", '"  1.5"').replace("timestamp", '"timestamp"'),
    "an extra column": "".join(line + ",x\n" for line in PLAIN.splitlines()),
    "a trailing comma": PLAIN.replace(",2\n", ",2,\n"),
    "other column order": "tasks,requests_per_second,timestamp\n2,1.5,2024-01-01T00:00Z\n3,2.5,2024-01-01T01:00Z\n",
    "other row order": "timestamp,requests_per_second,tasks\n2024-01-01T01:00Z,2.5,3\n2024-01-01T00:00Z,1.5,2\n",
    "other offset": PLAIN.replace("00:00Z", "05:30+05:30").replace("01:00Z", "06:30+05:30"),
    "other names": PLAIN.replace("timestamp,requests_per_second,tasks", "Time (UTC),Requests/s,RunningTaskCount"),
}


@pytest.mark.parametrize("text", SAME_LOAD.values(), ids=SAME_LOAD.keys())
def test_how_the_file_is_written_changes_nothing(load, text):
    workload = load(text, requests_per_task=10.0)
    assert_array_equal(workload.demand, [[1.5, 2.5]])
    assert_array_equal(workload.running_tasks, [[2, 3]])
    assert workload.start.isoformat() == "2024-01-01T00:00:00+00:00"


@given(data=st.data(), rows=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)), min_size=2, max_size=40))
def test_the_order_of_rows_changes_nothing(tmp_path_factory, data, rows):
    rows = [(0, 1), (1, 1), *rows]
    path = tmp_path_factory.mktemp("order") / "web.csv"

    def demand(ordered):
        lines = [f"2024-01-{1 + hour // 24:02}T{hour % 24:02}:00Z,{value / 7}" for hour, value in ordered]
        path.write_text("\n".join(["timestamp,requests_per_second", *lines]))
        return read_workload(path, region="us-east-1", cpu=512, memory=1024, requests_per_task=1.0).demand

    expected = demand(rows + [(hour, 1) for hour in range(31)])
    assert_array_equal(demand(data.draw(st.permutations(rows + [(hour, 1) for hour in range(31)]))), expected)


@pytest.mark.parametrize(
    ("header", "meaning"),
    [
        ("cpu_percent", Meaning.CPU_PERCENT),
        ("cpu_percent_average", Meaning.CPU_PERCENT),
        ("CPU %", Meaning.CPU_PERCENT),
        ("MemoryUtilization (Percent)", Meaning.MEMORY_PERCENT),
        ("Maximum MemoryUtilization", Meaning.MEMORY_PERCENT_MAXIMUM),
        ("memory_mib", Meaning.MEMORY_MIB),
        ("RequestCount Sum", Meaning.REQUESTS),
        ("RequestCount Average", None),
        ("RequestCountPerTarget", None),
        ("DesiredTaskCount", None),
        ("PendingTaskCount", None),
        ("cpu", None),
        ("CPUUtilization Minimum", None),
        ("CPUUtilization p95", None),
        ("memory_percent (fraction)", None),
    ],
)
def test_a_header_means_what_it_says_and_nothing_more(header, meaning):
    assert header_meaning(header) is meaning


def test_the_most_telling_time_column_is_taken():
    assert sorted(["date", "timestamp", "time"], key=time_rank) == ["timestamp", "time", "date"]


def test_stamps_that_drift_by_a_second_are_on_the_step_that_is_meant(load):
    rows = "".join(f"2024-01-01T{i // 4:02}:{i % 4 * 15:02}:{i % 3:02}Z,{i}\n" for i in range(40))
    workload = load("time,tasks\n" + rows)
    assert workload.step_s == 900
    assert_array_equal(workload.demand[0], np.arange(40))


@needs_shared
@pytest.mark.parametrize(("name", "known"), [("storefront", 8757), ("search", 8757), ("orders", 8757), ("chat", 8619)])
def test_a_real_year_of_hourly_requests(name, known):
    workload = read_workload(
        SHARED / "examples" / f"{name}.csv", region="us-east-1", cpu=512, memory=1024, requests_per_task=40.0
    )
    assert (workload.n_steps, workload.step_s, int(workload.measured.sum())) == (8760, 3600, known)
    assert workload.start.isoformat() == "2022-12-31T11:00:00+00:00"
    assert "no rows for 2 of 8,760 steps, longest gap 2 h: unknown, not zero" in said(workload)


@needs_shared
def test_real_request_counts_of_cloudwatch_with_missing_points():
    workload = read_workload(
        SHARED / "cloudwatch_nab" / "elb_request_count_8c0756.csv",
        region="us-east-1",
        cpu=512,
        memory=1024,
        requests_per_task=1.0,
        columns={"value": "requests"},
    )
    assert (workload.n_steps, workload.step_s) == (4040, 300)
    assert workload.demand[0, 0] == 94 / 300
    assert int((workload.demand == 0).sum()) == 8
    assert workload.measured.all()
    assert "4,032 of 4,032 time stamps do not lie on whole steps" in said(workload)
    assert "no rows for 8 of 4,040 steps, longest gap 5 min: nothing was counted, so 0 requests" in said(workload)


@needs_shared
def test_a_real_file_in_local_time_with_a_clock_change():
    workload = read_workload(
        SHARED / "cloudwatch_nab" / "ec2_request_latency_system_failure.csv",
        region="us-east-1",
        cpu=512,
        memory=1024,
        requests_per_task=1.0,
        columns={"value": "requests_per_second"},
    )
    assert workload.step_s == 300
    assert "repeated time stamps with differing values were averaged (1, the first in line 558 of" in said(workload)
    assert np.isnan(workload.demand).any()
