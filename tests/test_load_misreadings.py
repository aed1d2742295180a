"""Tables whose numbers were once taken for something else without a word: each is read as meant, or refused."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from advisor.errors import InputError
from advisor.sources.inspection import inspect_load
from advisor.sources.load_options import LoadOptions

START = datetime(2026, 3, 2, tzinfo=UTC)


def times(n):
    return [(START + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ") for hour in range(n)]


def table(tmp_path, header, rows, name="load.csv"):
    path = tmp_path / name
    path.write_text(header + "\n" + "".join(f"{row}\n" for row in rows))
    return path


def answer(tmp_path, **metrics):
    results = [
        {"Id": query, "Label": label, "Timestamps": times(48), "Values": [value] * 48}
        for query, (label, value) in metrics.items()
    ]
    path = tmp_path / "load.json"
    path.write_text(json.dumps({"MetricDataResults": results}))
    return path


def means(path, **options):
    inspection = inspect_load(path, reading=LoadOptions.stated(**options))
    return {each.measure: each.mean for each in inspection.measures}


def test_the_unit_in_a_cell_is_that_of_the_cell_not_that_of_the_header_once_more(tmp_path):
    # kubectl top heads its columns with (cores) and (bytes) and writes 250m and 420Mi.
    path = table(tmp_path, "timestamp,CPU(cores),MEMORY(bytes)", [f"{at},250m,420Mi" for at in times(48)])
    assert means(path) == pytest.approx({"cpu_units": 256.0, "memory_mib": 420.0})


def test_cells_without_a_unit_keep_that_of_the_header(tmp_path):
    rows = [f"{at},{'2' if i % 2 else '2000m'},1073741824" for i, at in enumerate(times(48))]
    assert means(table(tmp_path, "timestamp,CPU(cores),MEMORY(bytes)", rows)) == pytest.approx(
        {"cpu_units": 2048.0, "memory_mib": 1024.0}
    )


def test_a_percent_sign_stands_in_a_column_of_fractions(tmp_path):
    path = table(tmp_path, "timestamp,cpu_fraction,tasks", [f"{at},30%,4" for at in times(48)])
    assert means(path)["cpu_percent"] == pytest.approx(30)


def test_thousands_multiply_the_unit_of_the_header(tmp_path):
    path = table(tmp_path, "timestamp,requests_per_minute", [f"{at},1.2k" for at in times(48)])
    assert means(path) == pytest.approx({"requests_per_second": 20.0})


@pytest.mark.parametrize(
    "label", ["CpuUtilized", "CpuUtilized Average", "web CpuUtilized", "MemoryUtilized", "MemoryUtilized Maximum"]
)
def test_what_a_task_uses_is_not_taken_for_what_all_use(tmp_path, label):
    # CloudWatch gets a value of CpuUtilized per task and minute: its average is that of a task.
    path = answer(tmp_path, cpu_avg=(label, 512.0), tasks=("RunningTaskCount", 4.0))
    with pytest.raises(InputError, match=r"load\.json, .*one value per task.*--column"):
        inspect_load(path)


def test_a_stated_total_of_all_tasks_is_read(tmp_path):
    path = answer(tmp_path, cpu_avg=("CpuUtilized", 512.0), tasks=("RunningTaskCount", 4.0))
    assert means(path, columns={"CpuUtilized": "cpu_units"}) == {"cpu_units": 512.0, "tasks": 4.0}


def test_statistics_of_a_task_are_not_the_service(tmp_path):
    points = [{"Timestamp": at, "Average": 512.0, "Unit": "None"} for at in times(48)]
    path = tmp_path / "load.json"
    path.write_text(json.dumps({"Label": "CpuUtilized", "Datapoints": points}))
    with pytest.raises(InputError, match="one value per task"):
        inspect_load(path)


def test_percentages_of_a_metric_that_cannot_be_are_refused(tmp_path):
    path = answer(tmp_path, m1=("CPUUtilization", 5_120_000.0), tasks=("RunningTaskCount", 4.0))
    with pytest.raises(InputError, match="percent"):
        inspect_load(path)


@pytest.mark.parametrize("column", ["pod", "az", "task_id"])
def test_equal_rows_that_a_text_column_tells_apart_are_not_merged(tmp_path, column):
    rows = [f"{at},{column}-{part},100" for at in times(48) for part in "abc"]
    path = table(tmp_path, f"timestamp,{column},cpu_units", rows)
    with pytest.raises(InputError, match=rf"line 2.*48 of 48 time stamps.*{column}=ignore"):
        inspect_load(path)


def test_rows_of_one_time_are_merged_once_the_text_beside_them_is_declared_void(tmp_path):
    rows = [f"{at},{part},100" for at in times(48) for part in "ab"]
    assert means(table(tmp_path, "timestamp,note,cpu_units", rows), columns={"note": "ignore"}) == {"cpu_units": 100.0}


@pytest.mark.parametrize("name", ["http_requests_total", "requests", "total_requests"])
def test_a_counter_that_only_grows_is_not_a_count_per_step(tmp_path, name):
    path = table(tmp_path, f"timestamp,{name}", [f"{at},{3600 * hour}" for hour, at in enumerate(times(48))])
    with pytest.raises(InputError, match=rf"column {name}.*only grows.*--column '{name}=requests'"):
        inspect_load(path)
    assert means(path, columns={name: "requests"}) == {"requests_per_second": pytest.approx(23.5)}


def test_counts_that_grow_with_a_pause_are_counts(tmp_path):
    rows = [f"{at},{100 + hour % 24}" for hour, at in enumerate(times(48))]
    assert "requests_per_second" in means(table(tmp_path, "timestamp,requests", rows))


def test_points_before_three_digits_may_be_thousands_where_semicolons_part_the_columns(tmp_path):
    path = table(tmp_path, "timestamp;requests", [f"{at};1.{100 + hour % 24}" for hour, at in enumerate(times(48))])
    with pytest.raises(InputError, match=r"'1\.100' is not a number beyond doubt: it can be 1100 or 1\.100"):
        inspect_load(path)
    assert means(path, decimal="point")["requests_per_second"] == pytest.approx(1.1115 / 3600)
    assert means(path, decimal="comma")["requests_per_second"] == pytest.approx(1111.5 / 3600)


def test_other_points_of_the_same_column_decide(tmp_path):
    rows = [f"{at};{'0.5' if hour == 7 else '1.100'}" for hour, at in enumerate(times(48))]
    assert "requests_per_second" in means(table(tmp_path, "timestamp;requests", rows))


def test_events_that_do_not_say_of_which_task_they_are_cannot_be_added_up(tmp_path):
    path = tmp_path / "events.jsonl"
    event = {"Type": "Task", "ServiceName": "web", "CpuUtilized": 100, "MemoryUtilized": 200}
    lines = [json.dumps({**event, "Timestamp": 1_772_409_600_000 + 60_000 * minute}) for minute in range(60) for _ in "ab"]
    path.write_text("\n".join(lines))
    with pytest.raises(InputError, match=r"events\.jsonl, line 1, column TaskId"):
        inspect_load(path)


def numbered(tmp_path, *rows, name="CPUUtilization.csv"):
    header = ",".join(["service", *map(str, range(1, 31))])
    return table(tmp_path, header, [",".join([service, *[cell] * 30]) for service, cell in rows], name)


def test_shares_in_numbered_columns_that_may_be_fractions_are_refused(tmp_path):
    path = numbered(tmp_path, ("web", "0.4"), ("api", "0.9"))
    with pytest.raises(InputError, match="nothing says whether it is 0") as caught:
        means(path, start="2026-03-02T00:00Z", interval=60)
    assert "Say --values cpu_percent or --values cpu_fraction." in str(caught.value)


@pytest.mark.parametrize(("values", "expected"), [("cpu_percent", [0.4, 0.9]), ("cpu_fraction", [40.0, 90.0])])
def test_a_stated_share_in_numbered_columns_is_read(tmp_path, values, expected):
    path = numbered(tmp_path, ("web", "0.4"), ("api", "0.9"))
    inspection = inspect_load(path, reading=LoadOptions.stated(values=values, start="2026-03-02T00:00Z", interval=60))
    assert sorted(each.mean for each in inspection.measures) == pytest.approx(expected)


def test_an_idle_service_beside_a_busy_one_is_in_percent_as_that_is(tmp_path):
    path = numbered(tmp_path, ("idle", "0.4"), ("busy", "85"))
    inspection = inspect_load(path, reading=LoadOptions.stated(start="2026-03-02T00:00Z", interval=60))
    assert sorted(each.mean for each in inspection.measures) == pytest.approx([0.4, 85.0])


@pytest.mark.parametrize("value", ["1e17", "1e300", "1" * 400])
@pytest.mark.parametrize("form", ["prometheus", "cloudwatch", "insights"])
def test_a_number_that_no_load_reaches_is_refused_in_every_form(tmp_path, form, value):
    seconds = [1772409600 + 3600 * hour for hour in range(3)]
    series = f'[[{seconds[0]}, "1"], [{seconds[1]}, "{value}"], [{seconds[2]}, "1"]]'
    matrix = f'{{"resultType": "matrix", "result": [{{"metric": {{"__name__": "tasks"}}, "values": {series}}}]}}'
    metric = f'{{"Id": "m", "Label": "CPUUtilization", "Timestamps": {json.dumps(times(3))}, "Values": [1, {value}, 1]}}'
    answers = {
        "prometheus": f'{{"status": "success", "data": {matrix}}}',
        "cloudwatch": f'{{"MetricDataResults": [{metric}]}}',
        "insights": f'{{"Type": "Service", "ServiceName": "web", "Timestamp": {seconds[0]}000, "RunningTaskCount": {value}}}',
    }
    path = tmp_path / "load.json"
    path.write_text(answers[form])
    with pytest.raises(InputError, match=r"too large|not finite|no number of a load"):
        means(path)


@pytest.mark.parametrize("value", ['"1_000"', '"\\u0663"', "true", "[1]", '"0x1F"', '" "'])
def test_what_python_takes_for_a_number_is_none_in_an_answer_of_prometheus(tmp_path, value):
    path = tmp_path / "load.json"
    path.write_text(
        '{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {"__name__": "tasks"}, '
        f'"values": [[1772409600, "1"], [1772413200, {value}]]}}]}}}}'
    )
    with pytest.raises(InputError, match="is not a number"):
        means(path)


def test_blanks_between_columns_are_named_and_can_be_stated(tmp_path):
    path = table(tmp_path, "timestamp tasks", [f"{at} 3" for at in times(48)])
    with pytest.raises(InputError, match="there is a single column, 'timestamp tasks'") as caught:
        means(path)
    assert "say --delimiter space" in str(caught.value)
    assert means(path, delimiter="space") == {"tasks": 3.0}


@pytest.mark.parametrize(
    ("header", "cell", "expected"),
    [
        ("cpu", "250m", {"cpu_units": 256.0}),
        ("cpu", "0.5 vCPU", {"cpu_units": 512.0}),
        ("CPU", "1.5 cores", {"cpu_units": 1536.0}),
        ("cpu", "34%", {"cpu_percent": 34.0}),
        ("memory", "420Mi", {"memory_mib": 420.0}),
        ("mem", "0.5 GiB", {"memory_mib": 512.0}),
        ("memory", "12 %", {"memory_percent": 12.0}),
    ],
)
def test_units_in_the_cells_tell_what_a_column_of_a_bare_name_measures(tmp_path, header, cell, expected):
    path = table(tmp_path, f"timestamp,tasks,{header}", [f"{at},2,{'-' if i == 5 else cell}" for i, at in enumerate(times(48))])
    inspection = inspect_load(path)
    assert {each.measure: each.mean for each in inspection.measures} == pytest.approx({"tasks": 2, **expected})
    assert any("from the units in its cells" in note for note in inspection.notes)


@pytest.mark.parametrize("cells", [["250m", "2"], ["34%", "250m"], ["512m", "512m"], ["1.5", "1.5"]])
def test_units_that_do_not_tell_are_not_guessed(tmp_path, cells):
    name = "memory" if cells[0] == "512m" else "cpu"
    path = table(tmp_path, f"timestamp,tasks,{name}", [f"{at},2,{cells[i % 2]}" for i, at in enumerate(times(48))])
    if cells[0] != cells[1]:
        with pytest.raises(InputError, match=f"column {name}: nothing says in which unit the column '{name}' is: it can be"):
            inspect_load(path)
    else:  # which may be a size
        inspection = inspect_load(path)
        assert [each.measure for each in inspection.measures] == ["tasks"]
        assert any(f"column {name!r} may be" in note for note in inspection.notes)


@pytest.mark.parametrize(
    "header",
    ["requests/min", "requests_per_min", "Requests per min", "RequestCount (count/min)", "req/min", "requests [per min]"],
)
def test_a_minute_is_no_minimum(tmp_path, header):
    path = table(tmp_path, f"timestamp,{header}", [f"{at},2400" for at in times(48)])
    assert means(path) == pytest.approx({"requests_per_second": 40.0})


def test_a_burst_does_not_make_percent_of_fractions(tmp_path):
    rows = [f"{at},{1.167 if i == 9 else 0.66},4" for i, at in enumerate(times(48))]
    path = table(tmp_path, "timestamp,CPUUtilization,tasks", rows)
    with pytest.raises(
        InputError, match=r"the highest value is 1\.167, and nothing says whether it is 1\.167 percent or a fract"
    ):
        means(path)
    assert means(path, columns={"CPUUtilization": "cpu_fraction"})["cpu_percent"] == pytest.approx(67, abs=1)


def test_a_series_of_a_long_table_can_be_named(tmp_path):
    rows = [f"{series},{at},{value}" for at in times(48) for series, value in (("CPU used", 0.75), ("number", 3))]
    path = table(tmp_path, "Series,Time,Value", rows)
    assert means(path, columns={"CPU used": "cpu_vcpu", "number": "tasks"}) == {"cpu_units": 768.0, "tasks": 3.0}
    with pytest.raises(
        InputError, match=r"stated for the column 'CPU', but no load file has it\. The files have CPU used, Series"
    ):
        means(path, columns={"CPU": "cpu_vcpu", "CPU used": "cpu_vcpu"})


def test_a_late_cell_without_the_unit_of_its_column_is_refused(tmp_path):
    rows = [f"{at},2,{'2' if i == 150 else '0' if i == 160 else '250m'}" for i, at in enumerate(times(200))]
    with pytest.raises(InputError, match=r"line 152, column cpu: '2' has no unit, which other cells of the column have"):
        means(table(tmp_path, "timestamp,tasks,cpu", rows))


@pytest.mark.parametrize("cell", ["abc", "=1+2", "12 qux", '"5'])
def test_a_service_does_not_leave_a_wide_table_for_one_cell_that_is_no_number(tmp_path, cell):
    rows = [f"{at},{cell if i == 7 else 5},3" for i, at in enumerate(times(48))]
    with pytest.raises(InputError, match=r"load\.csv, line 9"):
        inspect_load(table(tmp_path, "timestamp,web,api", rows), reading=LoadOptions.stated(values="requests_per_second"))


def test_a_service_that_starts_later_is_read_and_one_without_a_number_is_said(tmp_path):
    rows = [f"{at},5,{7 if i >= 150 else ''}," for i, at in enumerate(times(300))]
    path = table(tmp_path, "timestamp,web,api,old", rows)
    inspection = inspect_load(path, reading=LoadOptions.stated(values="tasks"))
    assert {each.service: each.mean for each in inspection.measures} == {"web": 5, "api": 7}
    assert any("not used: 'old', without a number" in note for note in inspection.notes)


@pytest.mark.parametrize("delimiter", [",", "\t", "|", ";"])
def test_thousands_with_a_point_among_smaller_whole_numbers_are_refused_whatever_stands_between_columns(tmp_path, delimiter):
    rows = [f"{at}{delimiter}{'830' if i % 3 else '4.525'}" for i, at in enumerate(times(48))]
    with pytest.raises(InputError, match=r"'4\.525' is not a number beyond doubt: it can be 4525 or 4\.525"):
        means(table(tmp_path, f"timestamp{delimiter}tasks", rows))


@pytest.mark.parametrize("cells", [("1", "1.333", "2"), ("12.345", "57.546"), ("830", "4.5"), ("830", "4.525", "0.125")])
def test_decimals_of_three_digits_stay_decimals(tmp_path, cells):
    rows = [f"{at},{cells[i % len(cells)]}" for i, at in enumerate(times(48))]
    found = means(table(tmp_path, "timestamp,tasks", rows))
    assert found["tasks"] == pytest.approx(sum(map(float, cells)) / len(cells), rel=0.05)


def counted(first, n, step_s, value):
    return [f"{(first + timedelta(seconds=step_s * i)).isoformat()},{value}" for i in range(n)]


def test_hourly_counts_before_counts_of_five_minutes_are_no_counts_of_five_minutes(tmp_path):
    """10 requests a second all the time: 36,000 an hour, and 3,000 in five minutes."""
    hours, minutes = counted(START, 24, 3600, 36_000), counted(START + timedelta(days=1), 288, 300, 3_000)
    path = table(tmp_path, "timestamp,requests", hours + minutes)
    with pytest.raises(
        InputError, match=r"line 2: from here 25 rows of counts are 1 h apart, and most of the others 5 min.*--inter"
    ):
        inspect_load(path)
    assert inspect_load(path, reading=LoadOptions.stated(interval=300)).measures[0].maximum == 120
    for name, rows in (("a.csv", hours), ("b.csv", minutes)):
        table(tmp_path, "timestamp,requests", rows, name)
    (workload := tmp_path / "w.yaml").write_text(
        "cluster: c\nregion: us-east-1\nservices:\n"
        "  - {name: web, task: {cpu: 512, memory: 1024}, load: {files: [a.csv, b.csv], requests_per_task: 5}}\n"
    )
    (read,) = inspect_load(workload).measures
    assert (read.mean, read.maximum, read.coverage_fraction) == (10, 10, 1)


def test_counts_with_quiet_spells_of_any_length_stay_counts_of_their_step(tmp_path):
    kept = [i for i in range(2_000) if (i * 7919) % 5 and not 400 < i < 440]
    rows = [f"{(START + timedelta(minutes=5 * i)).isoformat()},300" for i in kept]
    assert means(table(tmp_path, "timestamp,requests", rows))["requests_per_second"] == pytest.approx(
        len(kept) / 2_000, rel=1e-3
    )
