"""A service of a workload file that has no answer leaves the others theirs, and is named."""

import pytest

from advisor.fleet import FleetOptions, Status, advise_fleet
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
