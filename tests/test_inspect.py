"""``advisor inspect``: what was understood, the numbers behind the word for a shape, and how it is printed."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from advisor import LoadOptions, inspect_load
from advisor.errors import InputError
from advisor.sources.shapes import ShapeName, shape_of

ROOT = Path(__file__).parents[1]
MONDAY_S = 1_704_067_200
HOURS = np.arange(4 * 168)
NOISE = np.random.default_rng(3).normal(0, 1, len(HOURS))


def at_work(hours):
    return np.where((hours % 168 < 120) & (hours % 24 >= 8) & (hours % 24 < 18), 60.0, 12.0)


LOADS = {
    ShapeName.CONSTANT: 100 + NOISE,
    ShapeName.DAILY: 100 + 60 * np.sin(HOURS / 24 * 2 * np.pi) + 5 * NOISE,
    ShapeName.WEEKLY: np.where(HOURS % 168 < 120, 100.0, 20.0) + 20 * np.sin(HOURS / 24 * 2 * np.pi) + NOISE,
    ShapeName.SPIKY: np.where(HOURS % 61 == 0, 900.0, 50.0) + 5 * np.abs(NOISE),
    ShapeName.BATCH: np.where(HOURS % 24 == 2, 80.0, 0.0),
    ShapeName.IRREGULAR: np.repeat(np.random.default_rng(5).uniform(20, 100, len(HOURS) // 7), 7),
}


@pytest.mark.parametrize("word", LOADS)
def test_the_shape_of_a_load_is_told(word):
    found = shape_of(LOADS[word].astype(float), MONDAY_S, 3600)
    assert found.word is word, found


def test_the_shape_names_the_numbers_behind_the_word():
    daily = shape_of(LOADS[ShapeName.DAILY], MONDAY_S, 3600)
    assert daily.why.startswith("the hour of the day explains 9")
    assert daily.daily_fraction > 0.9
    batch = shape_of(LOADS[ShapeName.BATCH], MONDAY_S, 3600)
    assert batch.idle_fraction == pytest.approx(23 / 24)
    assert batch.why == "95.8 % of the time below 5 % of the 99th percentile"


def test_gaps_and_steps_below_the_hour_do_not_change_the_shape():
    column = np.repeat(LOADS[ShapeName.DAILY], 12)
    column[1000:2000] = np.nan
    assert shape_of(column, MONDAY_S, 300).word is ShapeName.DAILY


def test_a_single_day_has_no_pattern_that_could_be_told():
    found = shape_of(LOADS[ShapeName.DAILY][:24], MONDAY_S, 3600)
    assert (found.daily_fraction, found.weekly_fraction) == (None, None)
    assert found.word is ShapeName.IRREGULAR


@pytest.fixture
def load(tmp_path):
    path = tmp_path / "web.csv"
    hours = [f"2024-01-{1 + h // 24:02}T{h % 24:02}:00Z" for h in range(72)]
    rows = [f"{t},{20 + h % 24},{2}" for h, t in enumerate(hours) if h not in (30, 31, 50)]
    path.write_text("\n".join(["timestamp,CPUUtilization,tasks", *rows, rows[0], ""]))
    return path


def test_the_library_tells_what_was_understood(load):
    inspection = inspect_load(load)
    cpu, tasks = inspection.measures
    assert (cpu.measure, cpu.column, tasks.measure) == ("cpu_percent", "CPUUtilization", "tasks")
    assert (cpu.n_steps, cpu.n_known, cpu.n_gaps, cpu.longest_gap_s, cpu.n_repeated_times) == (72, 69, 2, 7200, 1)
    assert (cpu.minimum, cpu.maximum, cpu.maximum_at) == (20, 43, "2024-01-01T23:00Z")
    assert cpu.percentiles[50] == np.percentile([20 + h % 24 for h in range(72) if h not in (30, 31, 50)], 50)
    assert (cpu.shape.word, tasks.shape.word) == (ShapeName.DAILY, ShapeName.CONSTANT)
    service = inspection.services[0]
    assert (service.start, service.end, service.interval_s, service.span_days) == (
        "2024-01-01T00:00Z",
        "2024-01-04T00:00Z",
        3600,
        3,
    )
    assert any("column 'CPUUtilization' read as cpu_percent" in note for note in inspection.notes)
    assert cpu.chart[30] is None
    assert cpu.chart[23] == 43
    assert list(inspection.frame()["measure"]) == ["cpu_percent", "tasks"]


def run(*arguments):
    from typer.testing import CliRunner

    from advisor.cli.application import app

    return CliRunner().invoke(app, ["inspect", *map(str, arguments)], catch_exceptions=False)


def test_a_terminal_sees_what_was_understood(load):
    done = run(load)
    assert done.exit_code == 0
    for fragment in (
        "web  2024-01-01T00:00Z to 2024-01-04T00:00Z (3 d), every 1 h, shown in UTC",
        "cpu_percent from 'CPUUtilization': 69 of 72 steps known (95.83 %), 2 gaps, longest 2 h, 1 repeated time",
        "min 20  p5 21  p50 32  p95 42  p99 43  max 43",
        "peak at 2024-01-01T23:00Z",
        "shape: daily, the hour of the day explains 100 % of the variance",
        "repeated time stamps with equal values were merged (1)",
    ):
        assert fragment in done.stdout
    chart = next(line for line in done.stdout.splitlines() if "█" in line)
    assert "\033" not in chart
    assert " " in chart.strip()


def test_every_format_holds_the_same_numbers(load):
    data = json.loads(run(load, "--format", "json").stdout)
    assert data["services"][0]["measures"][0]["percentiles"]["p50"] == 32
    assert data["services"][0]["measures"][0]["shape"]["word"] == "daily"
    done = run(load, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["measure"], row["p50"], row["repeated_times"]) for row in rows] == [
        ("cpu_percent", "32.0", "1"),
        ("tasks", "2.0", "1"),
    ]
    assert "note: " in done.stderr
    assert run(load, "--format", "csv", "--quiet").stderr == ""
    assert "| web | cpu_percent | CPUUtilization | 1 h |" in run(load, "--format", "markdown").stdout


def test_a_terminal_without_unicode_gets_a_chart_of_ascii(load):
    done = subprocess.run(
        [sys.executable, "-m", "advisor", "inspect", str(load)],
        capture_output=True, check=True, cwd=ROOT, env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PATH": "/usr/bin"},
    )  # fmt: skip
    assert done.stdout.isascii()
    assert b"@" in done.stdout


def test_an_error_is_one_line_with_status_1(tmp_path):
    (tmp_path / "bad.csv").write_text("timestamp,cpu\n2024-01-01T00:00Z,1\n")
    done = subprocess.run(
        [sys.executable, "-m", "advisor", "inspect", str(tmp_path / "bad.csv")], capture_output=True, text=True, cwd=ROOT
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1


def test_options_overrule_what_the_file_says(tmp_path):
    path = tmp_path / "web.csv"
    path.write_text("when;count\n03/04/2024 00:00;1,5\n03/04/2024 01:00;2,5\n")
    arguments = [
        "--column",
        "when=time",
        "--column",
        "count=tasks",
        "--day-first",
        "--decimal",
        "comma",
        "--time-zone",
        "Asia/Tokyo",
    ]
    data = json.loads(run(path, "--format", "json", *arguments).stdout)
    assert data["services"][0]["start"] == "2024-04-02T15:00Z"
    assert data["services"][0]["measures"][0]["maximum"] == 2.5
    assert data["time_zone"] == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"decimal": "dot"}, "the decimal is given as 'dot'"),
        ({"delimiter": "x"}, "the delimiter is given as 'x'"),
        ({"epoch_unit": "h"}, "the epoch unit is given as 'h'"),
        ({"doubled_hour": "third"}, "the doubled hour is given as 'third'"),
        ({"encoding": "klingon"}, "no text encoding 'klingon'"),
        ({"interval": 7}, "the interval is given as 7 s"),
        ({"start": "soon"}, "the start 'soon' is not a date and time"),
        ({"start": "1850-01-01"}, "lies outside 1970 to 2200"),
        ({"values": "time"}, "which is no measure"),
        ({"columns": {"x": "cpu_units*0"}}, "no number above zero"),
        ({"columns": {"x": "colour"}}, "which is none"),
    ],
)
def test_a_statement_that_means_nothing_is_refused(stated, message):
    with pytest.raises(InputError, match=message):
        LoadOptions.stated(**stated)


def test_the_load_files_of_a_workload_are_inspected_together():
    inspection = inspect_load(ROOT / "examples" / "shop" / "workload.yaml")
    assert [service.service for service in inspection.services] == ["storefront", "search", "orders", "chat"]
    assert {each.shape.word for each in inspection.measures} == {ShapeName.DAILY, ShapeName.WEEKLY}
    assert all(each.coverage_fraction > 0.98 for each in inspection.measures)


def test_hostile_names_do_not_reach_the_terminal_or_markdown(tmp_path):
    path = tmp_path / "web.csv"
    path.write_text('timestamp,service,tasks\n2024-01-01T00:00Z,"=x|\x1b[31m<b>",1\n2024-01-01T01:00Z,"=x|\x1b[31m<b>",2\n')
    for shown in (run(path).stdout, run(path, "--format", "markdown").stdout):
        assert "\x1b" not in shown
    assert "<b>" not in run(path, "--format", "markdown").stdout
    assert "\n'=x" in run(path, "--format", "csv").stdout
