"""Totals below rows and beside services are no load of their own."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from advisor.sources.inspection import inspect_load
from advisor.sources.load_options import LoadOptions
from advisor.sources.load_totals import without_last_totals

TIMES = [(datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hour)).isoformat() for hour in range(48)]


def means(tmp_path, text, **options):
    (path := tmp_path / "load.csv").write_text(text)
    inspection = inspect_load(path, reading=LoadOptions.stated(**options))
    return {each.service: each.mean for each in inspection.measures}, "\n".join(inspection.notes)


@pytest.mark.parametrize(
    "last", ["Total,192", "Average,4\nMax,4", ",\nSumme,192", "(48 rows)", "Grand total,192,", '"Total","192"']
)
def test_lines_of_totals_below_the_rows_are_left_out_and_said(tmp_path, last):
    found, notes = means(tmp_path, "timestamp,tasks\n" + "".join(f"{at},4\n" for at in TIMES) + last + "\n")
    assert found == {"load": 4}
    assert "below the rows left out" in notes


def test_a_last_row_with_a_time_is_a_row_whatever_its_service_is_called(tmp_path):
    rows = [f"{name},{at},4" for name in ("web", "total") for at in TIMES]
    assert means(tmp_path, "service,timestamp,tasks\n" + "\n".join([*rows[:-1], rows[-1].replace(",4", ",6")]))[0] == {
        "web": 4,
        "total": pytest.approx(4 + 2 / 48),
    }


@pytest.mark.parametrize("order", ["by time", "by service"])
@pytest.mark.parametrize("name", ["Total", "gesamt", "all"])
def test_a_service_that_is_the_sum_of_the_others_is_not_counted_twice(tmp_path, order, name):
    rows = [f"{at},{service},{n}" for at in TIMES for service, n in (("web", 4), (name, 6), ("xylo", 2))]
    rows = rows if order == "by time" else sorted(rows, key=lambda row: row.split(",")[1])
    found, notes = means(tmp_path, "timestamp,service,tasks\n" + "\n".join(rows) + "\n")
    assert found == {"web": 4, "xylo": 2}
    assert f"not used: '{name}', which is the sum of the other services" in notes


def test_a_column_that_is_the_sum_of_the_others_is_not_counted_twice(tmp_path):
    found, _ = means(tmp_path, "Time,web,api,Total\n" + "".join(f"{at},4,2,6\n" for at in TIMES), values="tasks")
    assert found == {"web": 4, "api": 2}


def test_a_service_called_all_that_is_no_sum_stays(tmp_path):
    assert means(tmp_path, "Time,web,all\n" + "".join(f"{at},4,2\n" for at in TIMES), values="tasks")[0] == {"web": 4, "all": 2}


@pytest.mark.parametrize(("percent", "names"), [(10, {"web", "all"}), (50, {"web"})])
def test_a_service_called_all_whose_tasks_are_used_otherwise_is_no_sum(tmp_path, percent, names):
    rows = [f"{at},{name},2,{used}\n" for at in TIMES for name, used in (("web", 50), ("all", percent))]
    path = tmp_path / "load.csv"
    path.write_text("timestamp,service,tasks,cpu_percent\n" + "".join(rows))
    assert {each.service for each in inspect_load(path).measures} == names


@pytest.mark.parametrize("last", ["Total," * 60 + "\nno total", "Average," * 60 + "\n2026-03-04T00:00Z,4"])
def test_lines_of_many_statistics_take_no_longer_than_others(last):
    text = f"timestamp,tasks\n2026-03-03T00:00Z,4\n{last}".encode()
    assert b"".join(without_last_totals([text], print)) == text


@pytest.mark.parametrize(("later", "names"), [(0, {"web", "api"}), (2, {"web", "api", "total"})])
def test_a_series_that_is_the_sum_of_the_others_at_their_times_is_not_counted_twice(tmp_path, later, names):
    def values(name, count):
        return [[1_772_409_600 + 3600 * (hour + later * (name == "total")), str(count)] for hour in range(48)]

    counts = {"web": 4, "api": 2, "total": 6}
    series = [{"metric": {"service": name}, "values": values(name, count)} for name, count in counts.items()]
    text = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": series}})
    assert means(tmp_path, text, values="tasks")[0].keys() == names
