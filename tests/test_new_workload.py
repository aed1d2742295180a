"""``advisor new``: a workload from a pattern and a few numbers, that never passes for a measurement."""

import sys

import numpy as np
import pytest

import advisor
from advisor import LoadShape, NewService, render_new_workload
from advisor.cli import main
from advisor.errors import InputError
from advisor.files import write_files
from advisor.report import render_markdown, render_summary
from advisor.report.html import render_html
from advisor.sources.new_workload import SHAPE_WORDS, STEP_S, requests_per_second

approx = pytest.approx
PER_DAY = 86_400 // STEP_S


def service(**changed):
    numbers = {
        "name": "web",
        "shape": LoadShape.DAILY_WAVE,
        "peak_requests_per_second": 120.0,
        "cpu_ms_per_request": 25.0,
        "memory_mib": 1024,
    }
    return NewService(**(numbers | changed))


def written(folder, new):
    write_files(folder, render_new_workload(new))
    return advisor.read_workload(folder / "workload.yaml")


@pytest.mark.parametrize("shape", LoadShape)
def test_every_pattern_has_its_peak_and_is_read_back_as_stated(tmp_path, shape):
    workload = written(tmp_path, service(shape=shape))
    assert workload.demand.max() == approx(120)
    assert workload.demand.min() >= 0
    assert (workload.step_s, workload.n_steps) == (900, 4 * 7 * PER_DAY)
    assert workload.services[0].is_stated
    assert workload.services[0].cpu_ms_per_request == 25
    assert not np.isnan(workload.demand).any()


def test_the_same_seed_gives_the_same_bytes_and_another_one_others():
    new = service(shape=LoadShape.SPIKY, seed=7)
    assert render_new_workload(new) == render_new_workload(new)
    assert render_new_workload(new) != render_new_workload(service(shape=LoadShape.SPIKY, seed=8))


def test_patterns_are_what_their_words_say():
    hours = np.arange(7 * PER_DAY) % PER_DAY * STEP_S / 3600
    is_weekend = np.arange(7 * PER_DAY) >= 5 * PER_DAY

    def week(shape):
        return requests_per_second(service(shape=shape, peak_requests_per_second=100.0))[: 7 * PER_DAY]

    office = week(LoadShape.OFFICE_HOURS)
    assert (office[is_weekend] == 5).all()
    assert (office[~is_weekend & (hours < 7)] == 5).all()
    assert (office[~is_weekend & (hours >= 9) & (hours < 11.75)] == 100).all()
    wave = week(LoadShape.DAILY_WAVE)
    assert (wave[hours == 15], wave[hours == 3]) == (approx(np.full(7, 100)), approx(np.full(7, 20)))
    assert week(LoadShape.WEEKLY)[is_weekend & (hours == 15)] == approx([40, 40])
    batch = week(LoadShape.BATCH)
    assert (batch[(hours >= 2) & (hours < 4)] == 100).all()
    assert batch.sum() == 7 * 8 * 100
    steady = week(LoadShape.STEADY)
    assert steady.min() >= 90
    spiky = week(LoadShape.SPIKY)
    assert np.median(spiky) == 10
    assert set(SHAPE_WORDS) == set(LoadShape)


def test_a_pattern_follows_the_clock_of_its_zone():
    """2:00 in New York is 7:00 UTC in January."""
    load = requests_per_second(service(shape=LoadShape.BATCH, time_zone="America/New_York"))[:PER_DAY]
    assert np.flatnonzero(load).tolist() == list(range(28, 36))


def test_growth_raises_the_weeks_over_the_coming_year():
    """Four weeks stand for its quarters: 20 % in a year is 2.5, 7.5, 12.5 and 17.5 % above today in their middles."""
    load = requests_per_second(service(growth_fraction=0.2)).reshape(4, -1).max(axis=1)
    assert load == approx([120 * 1.025, 120 * 1.075, 120 * 1.125, 120 * 1.175])


def test_cpu_is_the_least_on_the_grid_with_the_memory():
    assert service(memory_mib=1024).least_cpu_units == 256
    assert service(memory_mib=4096).least_cpu_units == 512
    assert service(memory_mib=5000).least_cpu_units == 1024
    assert service(cpu_units=300).least_cpu_units == 300


def test_the_assumptions_stand_in_the_file_and_in_every_report(tmp_path):
    new = service(min_tasks=3, growth_fraction=0.2, port=80)
    workload = written(tmp_path, new)
    answer = advisor.advise(workload, advisor.read_catalog("us-east-1"))
    text = " ".join((tmp_path / "workload.yaml").read_text().split())
    reports = [render_summary(answer), render_markdown(answer), render_html(answer), answer.to_json()]
    for sentence in new.assumptions:
        assert sentence in text
        for report in reports:
            assert sentence in " ".join(report.replace("\\", "").replace("&#39;", "'").split())
    assert (workload.services[0].scaling.min_tasks, workload.services[0].port) == (3, 80)
    assert any("the load is assumed, not measured" in warning for warning in answer.warnings)
    assert answer.recommendation.verdict == "recommend"  # no history to be short of


def test_beside_a_measured_load_the_assumed_weeks_are_repeated(tmp_path):
    """Measured from a Wednesday of another year: the assumed load keeps its hours of the week."""
    written(tmp_path, service(weeks=1))
    measured = "timestamp,tasks\n" + "\n".join(f"2026-09-{2 + h // 24:02d}T{h % 24:02d}:00Z,3" for h in range(24 * 10))
    (tmp_path / "api.csv").write_text(measured + "\n")
    path = tmp_path / "workload.yaml"
    path.write_text(path.read_text() + "- {name: api, task: {cpu: 256, memory: 512}, load: {file: api.csv}}\n")
    workload = advisor.read_workload(path)
    week = requests_per_second(service(weeks=1))
    assert (workload.step_s, workload.start.isoformat()) == (900, "2026-09-02T00:00:00+00:00")
    assert workload.demand[0] == approx(np.tile(np.roll(week, -2 * PER_DAY), 2)[: 10 * PER_DAY], rel=1e-5)
    assert (workload.demand[1] == 3).all()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"peak_requests_per_second": 0.0}, "peak requests per second: 0 is not from"),
        ({"peak_requests_per_second": float("nan")}, "nan is not from"),
        ({"cpu_ms_per_request": -1.0}, "CPU ms per request: -1 is not from"),
        ({"memory_mib": 0}, "memory: 0 is not from"),
        ({"growth_fraction": -2.0}, "growth: -2 is not from"),
        ({"weeks": 0}, "weeks: 0 is not from 1 to 104"),
        ({"name": "../web"}, "service: '../web' is not a name"),
        ({"cluster": "a b"}, "cluster: 'a b' is not a name"),
        ({"region": "Paris"}, "region: 'Paris' is not an AWS Region"),
        ({"time_zone": "Mars/Olympus"}, "no time zone 'Mars/Olympus'"),
        ({"port": 70_000}, "port: 70000 is not from"),
    ],
)
def test_a_number_that_cannot_be_is_refused(changed, message):
    with pytest.raises(InputError, match=message):
        service(**changed)


@pytest.fixture
def run(capsys, monkeypatch):
    def run_command(*arguments):
        monkeypatch.setattr(sys, "argv", ["advisor", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run_command


NUMBERS = ("new", "--peak", 120, "--cpu-ms-per-request", 25, "--memory", "1 GB", "--region", "eu-west-1")


def test_the_command_writes_what_the_library_renders(run, tmp_path):
    status, out, err = run(*NUMBERS, "--pattern", "daily-wave", "-o", tmp_path / "new")
    assert (status, out) == (0, f"{tmp_path / 'new' / 'workload.yaml'}\n")
    assert "assumed: pattern daily_wave" in err
    rendered = render_new_workload(service(region="eu-west-1"))
    assert {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()} == rendered
    assert run("recommend", tmp_path / "new" / "workload.yaml", "--quiet")[0] == 0


def test_the_command_overwrites_nothing_and_names_its_patterns(run, tmp_path):
    run(*NUMBERS, "--pattern", "steady", "-o", tmp_path / "new")
    before = {path: path.read_bytes() for path in (tmp_path / "new").iterdir()}
    status, out, err = run(*NUMBERS, "--pattern", "weekly", "-o", tmp_path / "new")
    assert (status, out) == (1, "")
    assert "exists already. Name another folder with --out" in err
    assert {path: path.read_bytes() for path in (tmp_path / "new").iterdir()} == before
    status, _, err = run(*NUMBERS, "--pattern", "sawtooth", "-o", tmp_path / "other")
    assert status == 1
    assert "no pattern 'sawtooth'. Choose from steady, office_hours" in err
    assert not (tmp_path / "other").exists()
