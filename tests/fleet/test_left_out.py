"""A service of a workload file that has no answer leaves the others theirs, and is named."""

import pytest

from advisor.answer import given
from advisor.fleet import FleetOptions, Status, advise_fleet
from advisor.fleet.tables import render_fleet
from tests.fleet.fleets import write_workload

QUICK = FleetOptions(replay_weeks=0)
ON_FARGATE = "constraints: {launch_types: [FARGATE]}\n"
LOADS = {
    "bad": "timestamp,tasks\n2026-01-05T00:00:00Z,abc\n",
    "new": "timestamp,tasks\n2026-01-05T00:00:00Z,3\n2026-01-05T01:00:00Z,4\n",
}


def write_with(folder, *more):
    """A workload with some of the loads beside its own."""
    path = write_workload(folder, level=6, extra="")
    lines = [
        f"  - {{name: {name}, tags: {{team: shop}}, task: {{cpu: 256, memory: 512}}, load: {{file: {name}.csv}}}}\n"
        for name in more
    ]
    for name in more:
        (folder / f"{name}.csv").write_text(LOADS[name], encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8") + "".join(lines) + ON_FARGATE, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    (record,) = advise_fleet([write_with(tmp_path_factory.mktemp("whole") / "shop")], options=QUICK).records
    return record


def test_services_without_an_answer_are_records_of_their_own(tmp_path, whole):
    fleet = advise_fleet([write_with(tmp_path / "shop", "bad", "new")], options=QUICK, keep_in=tmp_path / "kept")
    assert {r.name: r.status for r in fleet.records} == {
        "bad of shop": Status.FAILED,
        "new of shop": Status.NOT_ENOUGH_DATA,
        "shop": Status.ADVISED,
    }
    shop = fleet.records[-1]
    assert (shop.best, shop.services) == (whole.best, whole.services)
    assert any("what bad, new need is in no figure" in warning for warning in shop.warnings)
    assert (fleet.totals.n_services, fleet.totals.n_services_counted) == (4, 2)
    assert render_fleet(fleet).startswith("1 of 1 workloads (2 of 4 services) in the totals")
    assert not (tmp_path / "kept").exists()  # a load that cannot be read may be put there by the next run


def test_a_young_service_is_answered_once_it_has_a_day_of_load(tmp_path, whole):
    path, kept = write_with(tmp_path / "shop", "new"), tmp_path / "kept"
    before = advise_fleet([path], options=QUICK, keep_in=kept)
    assert [r.name for r in before.unanswered] == ["new of shop"]
    assert before.to_json() == advise_fleet([path], options=QUICK, keep_in=kept).to_json()
    (tmp_path / "shop" / "new.csv").write_text((tmp_path / "shop" / "web.csv").read_text(encoding="utf-8"), encoding="utf-8")
    (record,) = advise_fleet([path], options=QUICK, keep_in=kept).records
    assert [each.name for each in record.services] == ["web", "worker", "new"]


def test_services_that_share_by_a_tag_do_without_a_bad_one(tmp_path):
    write_with(tmp_path / "fleet" / "a", "bad")
    other = write_with(tmp_path / "fleet" / "b", "new").parent
    (other / "new.csv").write_text((other / "web.csv").read_text(encoding="utf-8"), encoding="utf-8")
    fleet = advise_fleet([tmp_path / "fleet"], options=QUICK, share_by="tag:team")
    assert {r.name: r.status for r in fleet.records} == {
        "a": Status.ADVISED,
        "b": Status.ADVISED,
        "bad of team=shop": Status.FAILED,
        "team=shop": Status.ADVISED,
    }


def test_a_file_of_which_no_service_can_be_read_is_one_failure(tmp_path):
    path = write_with(tmp_path / "shop")
    (tmp_path / "shop" / "web.csv").unlink()
    path.write_text(path.read_text(encoding="utf-8").replace("{tasks: 18}", "{file: none.csv}"), encoding="utf-8")
    (record,) = advise_fleet([path], options=QUICK).records
    assert (record.status, record.service_names) == (Status.FAILED, ("web", "worker"))


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("{name: odd, task: {cpu: 12 parsecs, memory: 512}, load: {tasks: 3}}", "line 10, column 29: `services[2].task.cpu`"),
        ("{name: odd, task: {cpu: 256, memory: 512}, load: {tasks: 3}, colour: red}", "unknown key `colour`"),
        (
            "{name: odd, task: {cpu: 256, memory: 512}}\n  - {name: odd, task: {cpu: 256, memory: 512}, load: {tasks: 1}}",
            "load` is missing",
        ),
        ("{task: {cpu: 256, memory: 512}, load: {tasks: 3}} # nobody", "`services[2].name` is missing"),
    ],
)
def test_an_entry_that_cannot_be_read_costs_its_service_alone(tmp_path, whole, entry, problem):
    path = write_workload(tmp_path / "shop", level=6)
    path.write_text(path.read_text(encoding="utf-8") + f"  - {entry}\n" + ON_FARGATE, encoding="utf-8")
    fleet = advise_fleet([path], options=QUICK)
    failed, shop = fleet.records if fleet.records[1].name == "shop" else fleet.records[::-1]
    assert (failed.status, failed.name) == (Status.FAILED, f"{'services[2]' if 'nobody' in entry else 'odd'} of shop")
    assert problem in failed.problem
    assert shop.best == whole.best


def test_two_services_of_one_name_are_left_out_together(tmp_path, whole):
    path = write_workload(tmp_path / "shop", level=6)
    twice = "  - {name: odd, task: {cpu: 256, memory: 512}, load: {tasks: 3}}\n" * 2
    path.write_text(path.read_text(encoding="utf-8") + twice + ON_FARGATE, encoding="utf-8")
    fleet = advise_fleet([path], options=QUICK)
    assert [(r.name, r.status) for r in fleet.unanswered] == [("odd of shop", Status.FAILED)]
    assert "the service 'odd' stands twice, first in line 10" in fleet.unanswered[0].problem
    assert fleet.totals.best == whole.best


def test_a_service_without_an_answer_of_its_own_costs_the_others_none(tmp_path, whole):
    path = write_with(tmp_path / "shop", "bad", "new")
    lines = (tmp_path / "shop" / "web.csv").read_text(encoding="utf-8").splitlines()
    idle = [lines[0], *(f"{line.partition(',')[0]},0" for line in lines[1:])]
    (tmp_path / "shop" / "new.csv").write_text("\n".join(idle) + "\n", encoding="utf-8")
    huge = "  - {name: huge, task: {cpu: 512, memory: 900 GB}, load: {tasks: 2}}\n"
    path.write_text(path.read_text(encoding="utf-8").replace(ON_FARGATE, huge + ON_FARGATE), encoding="utf-8")
    fleet = advise_fleet([path], options=QUICK)
    problems = {record.name: record.problem for record in fleet.unanswered}
    assert list(problems) == ["bad of shop", "huge of shop", "new of shop"]
    assert "no task ever runs" in problems["new of shop"]
    assert fleet.totals.best == whole.best


def test_a_fault_of_ours_in_the_replay_of_a_service_costs_the_others_nothing(tmp_path, monkeypatch):
    replayed = given.best_replayed

    def faulty(parts, *others, **more):
        if any("web" in part.services for part in parts):
            raise ZeroDivisionError("planted")
        return replayed(parts, *others, **more)

    monkeypatch.setattr(given, "best_replayed", faulty)
    path = write_workload(tmp_path / "shop", level=6, extra="constraints: {launch_types: [EC2]}\n")
    shop, web = advise_fleet([path], options=FleetOptions(replay_weeks=1)).records
    assert (shop.name, [each.name for each in shop.services]) == ("shop", ["worker"])
    assert (web.name, web.status) == ("web of shop", Status.FAILED)
    assert "ZeroDivisionError: planted (advisor/answer/given.py" in web.problem


def test_what_services_that_are_left_out_run_on_is_no_cost_of_the_others(tmp_path):
    path = write_workload(tmp_path / "shop", level=6, extra="present: {instances: {m5.large: 6}}\n")
    idle = "  - {name: idle, task: {cpu: 256, memory: 512}, load: {tasks: 0}, present: {launch_type: EC2}}\n"
    path.write_text(path.read_text(encoding="utf-8").replace("present: {inst", idle + "present: {inst"), encoding="utf-8")
    failed, shop = advise_fleet([path], options=QUICK).records
    assert (failed.name, failed.status, shop.status) == ("idle of shop", Status.FAILED, Status.ADVISED)
    assert shop.now_usd is None
    assert any("Instances that run today are left out" in note for note in shop.notes)


def test_services_of_a_file_with_another_fault_are_counted(tmp_path):
    path = write_workload(tmp_path / "shop", level=6)
    path.write_text(path.read_text(encoding="utf-8").replace("us-east-1", "mars-1"), encoding="utf-8")
    (record,) = advise_fleet([path], options=QUICK).records
    assert (record.status, record.service_names) == (Status.FAILED, ("web", "worker"))


def test_what_stands_in_the_place_of_a_workload_file_is_named(tmp_path, whole):
    write_with(tmp_path / "fleet" / "shop")
    (tmp_path / "elsewhere" / "far").mkdir(parents=True)
    write_with(tmp_path / "elsewhere" / "near")
    (tmp_path / "fleet" / "linked").symlink_to(tmp_path / "elsewhere" / "near")
    (tmp_path / "fleet" / "loop").symlink_to(tmp_path / "fleet")
    (tmp_path / "fleet" / "gone").mkdir()
    (tmp_path / "fleet" / "gone" / "workload.yaml").symlink_to("nowhere.yaml")
    (tmp_path / "fleet" / "folder" / "workload.yaml").mkdir(parents=True)
    fleet = advise_fleet([tmp_path / "fleet"], options=QUICK)
    assert {r.name: r.status for r in fleet.records} == {
        "folder": Status.FAILED,
        "gone": Status.FAILED,
        "linked": Status.ADVISED,
        "shop": Status.ADVISED,
    }
