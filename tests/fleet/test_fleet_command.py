"""``advisor recommend`` on many workloads."""

import json
from datetime import timedelta

import pytest
from typer.testing import CliRunner

import advisor
from advisor.cli.application import app
from advisor.cli.results import today
from advisor.errors import InputError, OutputError
from tests.fleet.fleets import START, write_fleet, write_workload


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_fleet(tmp_path_factory.mktemp("fleet") / "clusters", n=2)


def run(*arguments):
    return CliRunner().invoke(app, ["recommend", *map(str, arguments), "--replay-weeks", "0"])


def test_a_folder_of_workloads_is_a_fleet_with_its_files(folder, tmp_path):
    out = tmp_path / "out"
    done = run(folder, "--out", out)
    assert done.exit_code == 0
    assert "2 of 4 workloads" in done.stdout
    assert "in no total: bad:" in done.stderr
    assert {path.name for path in out.iterdir()} >= {
        "fleet.json",
        "fleet.html",
        "fleet.md",
        "services.csv",
        "workloads",
        "kept",
    }
    assert json.loads((out / "fleet.json").read_text(encoding="utf-8"))["totals"]["n_counted"] == 2
    assert {path.name for path in (out / "workloads").iterdir()} == {"cluster-0", "cluster-1"}
    assert any((out / "workloads" / "cluster-0" / "deploy" / "ecs").rglob("*.json"))
    again = run(folder, "--out", out, "--format", "json", "--quiet")
    assert again.stdout == (out / "fleet.json").read_text(encoding="utf-8")
    assert again.stderr == ""
    call = advisor.advise_fleet([folder], options=advisor.FleetOptions(replay_weeks=0, today=today()), keep_in=out / "kept")
    assert again.stdout == call.to_json()


def test_several_files_are_a_fleet_and_one_is_not(folder, tmp_path):
    done = run(folder / "cluster-0" / "workload.yaml", folder / "cluster-1" / "workload.yaml", "--format", "csv")
    assert done.exit_code == 0
    assert done.stdout.startswith("rank,workload,")
    alone = run(folder / "cluster-0" / "workload.yaml", "--format", "json")
    assert json.loads(alone.stdout)["schema"] == "advisor/recommendation/1"


def test_a_fleet_in_which_nothing_can_be_answered_ends_with_status_1(folder):
    done = run(folder / "bad" / "workload.yaml", "--engine", "local")
    assert done.exit_code == 1
    assert "0 of 1 workloads" in done.stdout


def test_a_fleet_without_enough_data_ends_with_status_4(folder):
    done = run(folder / "short" / "workload.yaml", "--engine", "local")
    assert done.exit_code == 4
    assert "not enough data" in done.stdout


EXPRESS = """
cluster: b
region: us-east-1
services:
  - {name: web, image: nginx, port: 80, task: {cpu: 1024, memory: 2048}, load: {tasks: 4}}
constraints: {launch_types: [FARGATE]}
"""


def test_a_format_that_cannot_express_one_workload_keeps_no_other_file_back(tmp_path):
    write_workload(tmp_path / "fleet" / "a", level=4)
    write_workload(tmp_path / "fleet" / "b", level=5).write_text(EXPRESS, encoding="utf-8")
    folders = [tmp_path / "out" / "workloads" / name / "deploy" for name in ("a", "b")]
    done = run(tmp_path / "fleet", "--emit", "express,ecs", "--out", tmp_path / "out")
    assert done.exit_code == 0
    assert [{path.name for path in folder.iterdir()} for folder in folders] == [{"ecs", "NOT-WRITTEN.txt"}, {"ecs", "express"}]
    assert (folders[0] / "NOT-WRITTEN.txt").read_text(encoding="utf-8").startswith("express: ")
    run(tmp_path / "fleet", "--emit", "ecs", "--out", tmp_path / "out")
    assert not (folders[0] / "NOT-WRITTEN.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cpu", 256, "--requests-per-task", 5], "--cpu, --requests-per-task: for load files"),
        (["--workers", 2], "the engine local is one process"),
        (["--workers", 2, "--engine", "dask", "--scheduler", "tcp://127.0.0.1:1"], "a running scheduler has its own workers"),
        (["--services", "services.csv"], "--services goes with a Parquet data set"),
        (["--advise-top", 3], "--advise-top goes with a Parquet data set"),
        (["--emit", "ecs"], "--emit says what to write"),
        (["--emit", "report", "--out", "out"], "--emit report: a fleet has one page"),
        (["--scheduler", "tcp://127.0.0.1:1"], "--engine dask"),
    ],
)
def test_an_option_that_a_fleet_cannot_use_is_refused(folder, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    done = run(folder, *arguments)
    assert isinstance(done.exception, InputError)
    assert message in str(done.exception)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", [("--workers", 2), ("--services", "s.csv"), ("--advise-top", 3), ("--fold-below", 5)])
def test_an_option_of_fleets_is_refused_for_a_single_workload(folder, option):
    done = run(folder / "cluster-0" / "workload.yaml", *option)
    assert isinstance(done.exception, InputError)
    assert f"{option[0]}: for a fleet" in str(done.exception)


def test_the_command_and_the_call_say_the_same_of_a_data_set(tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    hours = [START + timedelta(hours=hour) for hour in range(336)] * 2
    names = ["api"] * 336 + ["web"] * 336
    counts = [3 + hour % 5 for hour in range(672)]
    pq.write_table(pa.table({"service": names, "timestamp": hours, "tasks": counts}), tmp_path / "all.parquet")
    done = run(tmp_path, "--region", "us-east-1", "--cpu", 512, "--memory", 1024, "--advise-top", 0, "--format", "json")
    assert done.exit_code == 0
    options = advisor.FleetOptions(region="us-east-1", cpu=512, memory=1024, replay_weeks=0)
    call = advisor.advise_fleet([tmp_path], options=options, advise_top=0)
    assert done.stdout == call.to_json()
    assert call.steps == ()
    assert [(each.workload, each.why) for each in call.without_steps] == [("api", "only screened"), ("web", "only screened")]


def test_an_engine_that_there_is_not_is_refused(folder):
    done = run(folder, "--engine", "nothing")
    assert done.exit_code == 2
    assert "nothing" in done.stderr


def test_a_table_of_the_user_is_not_written_over(folder, tmp_path):
    table = tmp_path / "services.csv"
    table.write_text("service,cpu,memory\nweb,256,512\n", encoding="utf-8")
    done = run(folder, "--out", tmp_path)
    assert isinstance(done.exception, OutputError)
    assert "services.csv, which would be written over" in str(done.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["services.csv"]
