"""A folder of load files in a fleet: what is wrong with one file costs its services alone."""

import gzip

import pytest
from typer.testing import CliRunner

import advisor
from advisor.cli.application import app
from advisor.errors import InputError
from advisor.fleet import FleetOptions, Status, advise_fleet
from tests.fleet.fleets import write_workload

OPTIONS = FleetOptions(region="us-east-1", cpu=512, memory=1024, replay_weeks=0)


def write_loads(folder, **texts):
    """Loads of two services that can be read, and other files by their names."""
    write_workload(folder, level=5).unlink()
    good = (folder / "web.csv").read_text(encoding="utf-8")
    (folder / "api.csv").write_text(good.replace("timestamp", "time"), encoding="utf-8")
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text.format(good=good), encoding="utf-8")
    return good


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "loads"
    write_loads(folder)
    (record,) = advise_fleet([folder], options=OPTIONS).records
    return record


def of(fleet):
    return {record.name: record.status for record in fleet.records}


def test_a_file_that_cannot_be_read_is_named_and_costs_no_other(tmp_path, whole):
    write_loads(tmp_path / "loads", cut="timestamp,tasks\n2026-01-05T00:00:00Z,3\n2026-01", empty="")
    (tmp_path / "loads" / "folder.csv").mkdir()
    (tmp_path / "loads" / "link.csv").symlink_to("nowhere.csv")
    fleet = advise_fleet([tmp_path / "loads"], options=OPTIONS)
    failed = {f"{name} of loads": Status.FAILED for name in ("cut", "empty", "folder", "link")}
    assert of(fleet) == {**failed, "loads": Status.ADVISED}
    assert "cut.csv, line 3" in fleet.records[0].problem
    record = fleet.records[-1]
    assert (record.best, record.services) == (whole.best, whole.services)
    assert (fleet.totals.n_services, fleet.totals.n_services_counted) == (6, 2)


def test_a_young_service_of_a_folder_costs_no_other(tmp_path, whole):
    write_loads(tmp_path / "loads", new="timestamp,tasks\n2026-01-05T00:00:00Z,3\n2026-01-05T01:00:00Z,4\n")
    fleet = advise_fleet([tmp_path / "loads"], options=OPTIONS, keep_in=tmp_path / "kept")
    assert of(fleet) == {"loads": Status.ADVISED, "new of loads": Status.NOT_ENOUGH_DATA}
    assert fleet.records[0].best == whole.best
    (tmp_path / "loads" / "new.csv").write_text((tmp_path / "loads" / "web.csv").read_text(encoding="utf-8"), encoding="utf-8")
    again = advise_fleet([tmp_path / "loads"], options=OPTIONS, keep_in=tmp_path / "kept")
    assert [each.name for each in again.records[0].services] == ["api", "new", "web"]


def test_a_service_that_stands_in_two_files_is_in_no_figure(tmp_path, whole):
    good = write_loads(tmp_path / "loads", twice="{good}")
    with gzip.open(tmp_path / "loads" / "twice.csv.gz", "wt", encoding="utf-8") as file:
        file.write(good)
    fleet = advise_fleet([tmp_path / "loads"], options=OPTIONS)
    assert of(fleet) == {"loads": Status.ADVISED, "twice of loads": Status.FAILED}
    assert "stands in twice.csv, twice.csv.gz" in fleet.records[1].problem
    assert fleet.records[0].best == whole.best


def test_what_is_wrong_with_all_is_said_once(tmp_path):
    write_loads(tmp_path / "loads", empty="")
    (record,) = advise_fleet([tmp_path / "loads"], options=FleetOptions(replay_weeks=0)).records
    assert (record.name, record.status) == ("loads", Status.FAILED)


def test_the_command_answers_for_a_folder_without_what_cannot_be_read_of_it(tmp_path):
    write_loads(tmp_path / "loads", empty="")
    given = ["recommend", str(tmp_path / "loads"), "--cpu", "512", "--memory", "1024", "--replay-weeks", "0"]
    done = CliRunner().invoke(app, [*given, "--region", "us-east-1"])
    assert done.exit_code == 0
    assert done.stdout.startswith("1 of 1 workloads (2 of 3 services) in the totals")
    assert "in no total: empty of loads:" in done.stderr
    refused = CliRunner().invoke(app, [*given, "--region", "mars-1"])
    assert isinstance(refused.exception, InputError)
    with pytest.raises(InputError, match="the file is empty"):
        advisor.read_workload(tmp_path / "loads", region="us-east-1", cpu=512, memory=1024)
