"""Services of several workload files that share: the answer is that of one file which holds them."""

import pytest
from typer.testing import CliRunner

from advisor.cli.application import app
from advisor.errors import InputError
from advisor.fleet import FleetOptions, Status, advise_fleet
from tests.fleet.fleets import write_workload

QUICK = FleetOptions(replay_weeks=0)
ON_EC2 = "constraints: {launch_types: [EC2]}\n"


def write_tagged(folder, *, tags="{team: web}", cluster=None, extra=ON_EC2, level=4):
    """The first of two services has tags."""
    path = write_workload(folder, level=level, extra=extra)
    text = path.read_text(encoding="utf-8").replace("- name: web\n", f"- name: web\n    tags: {tags}\n")
    path.write_text(text.replace(f"cluster: {folder.name}", f"cluster: {cluster or folder.name}"), encoding="utf-8")
    return path


def advised(root, share_by="tag:team", **more):
    fleet = advise_fleet([root], options=QUICK, share_by=share_by, **more)
    return {record.name: record for record in fleet.records}, fleet


BY_HAND = """
cluster: web
region: us-east-1
services:
  - {name: a-web, task: {cpu: 512, memory: 1024}, load: {file: a/web.csv}}
  - {name: b-web, task: {cpu: 512, memory: 1024}, load: {file: b/web.csv}}
"""


def test_services_of_one_tag_are_answered_as_those_of_one_file(tmp_path):
    for name in ("a", "b"):
        write_tagged(tmp_path / "fleet" / name, level=4 if name == "a" else 7)
    by_hand = tmp_path / "fleet" / "one.yml"
    records, shared = advised(tmp_path / "fleet")
    by_hand.write_text(BY_HAND + ON_EC2, encoding="utf-8")
    (alone,) = advise_fleet([by_hand], options=QUICK).records
    assert {name: [s.name for s in record.services] for name, record in records.items()} == {
        "a": ["worker"],
        "b": ["worker"],
        "team=web": ["a-web", "b-web"],
    }
    ours = records["team=web"]
    assert (ours.best, ours.plan, ours.services, ours.cluster) == (alone.best, alone.plan, alone.services, "web")
    by_hand.unlink()
    assert shared.totals.n_services == advise_fleet([tmp_path / "fleet"], options=QUICK).totals.n_services


def test_a_stated_load_holds_beside_a_measured_one_of_another_file(tmp_path):
    write_tagged(tmp_path / "a")
    stated = write_tagged(tmp_path / "b")
    stated.write_text(stated.read_text(encoding="utf-8").replace("{file: web.csv}", "{tasks: 3}"), encoding="utf-8")
    records, _ = advised(tmp_path)
    assert records["team=web"].status is Status.ADVISED
    assert records["team=web"].weeks == 2


def test_clusters_of_one_name_in_several_files_share(tmp_path):
    for name in ("a", "b"):
        path = write_tagged(tmp_path / name, cluster="shop")
        text = path.read_text(encoding="utf-8").replace("name: web", f"name: web-{name}")
        path.write_text(text.replace("name: worker", f"name: worker-{name}"), encoding="utf-8")
    write_tagged(tmp_path / "c")
    records, shared = advised(tmp_path, share_by="cluster")
    assert {name: len(record.services) for name, record in records.items()} == {"c": 2, "cluster=shop": 4}
    assert shared.totals.best.mean < advise_fleet([tmp_path], options=QUICK).totals.best.mean  # by hand: half the instances


def test_what_sharing_clusters_state_differently_is_named(tmp_path):
    write_tagged(tmp_path / "a")
    other = write_tagged(tmp_path / "b", extra="constraints: {launch_types: [EC2], zones: 3}\n")
    records, _ = advised(tmp_path)
    failed = records["team=web"]
    assert failed.status is Status.FAILED
    assert str(other) in failed.problem
    assert "states another `constraints`" in failed.problem
    assert {record.status for name, record in records.items() if name != "team=web"} == {Status.ADVISED}


def test_regions_never_share(tmp_path):
    write_tagged(tmp_path / "a")
    path = write_tagged(tmp_path / "b")
    path.write_text(path.read_text(encoding="utf-8").replace("us-east-1", "eu-west-1"), encoding="utf-8")
    records, _ = advised(tmp_path)
    assert {"team=web us-east-1", "team=web eu-west-1"} < set(records)


PRESENT = ON_EC2 + "present: {instances: {m5.large: 3}}\n"


def test_the_instances_of_today_are_those_of_whole_files_and_never_of_parts(tmp_path):
    for root, tags in (("whole", 2), ("part", 1)):
        for name in ("a", "b"):
            path = write_tagged(tmp_path / root / name, extra=PRESENT)
            text = path.read_text(encoding="utf-8")
            if tags == 2:
                path.write_text(text.replace("- name: worker\n", "- name: worker\n    tags: {team: web}\n"), encoding="utf-8")
    whole, part = advised(tmp_path / "whole")[0], advised(tmp_path / "part")[0]
    assert whole["team=web"].now_usd > 730 * 6 * 0.096  # by hand: six m5.large, and their volumes
    assert [record.now_usd for record in part.values()] == [None] * 3
    assert all(any("run today are left out" in note for note in record.notes) for record in part.values())


def test_a_second_run_takes_groups_whose_files_stayed(tmp_path):
    for name in ("a", "b", "c"):
        write_tagged(tmp_path / "fleet" / name, tags="{team: web}" if name != "c" else "{}")
    _, before = advised(tmp_path / "fleet", keep_in=tmp_path / "kept")
    shares = []
    _, again = advised(tmp_path / "fleet", keep_in=tmp_path / "kept", on_share=lambda _, share: shares.append(share))
    assert (again.to_json(), shares) == (before.to_json(), [])
    load = tmp_path / "fleet" / "b" / "web.csv"
    load.write_text(load.read_text(encoding="utf-8").replace(",5\n", ",25\n", 20), encoding="utf-8")
    records, _ = advised(tmp_path / "fleet", keep_in=tmp_path / "kept", on_share=lambda _, share: shares.append(share))
    assert shares == [pytest.approx(3 / 4), 1]
    assert records["team=web"].best.mean > before.records[-1].best.mean


def test_a_file_that_cannot_be_read_fails_by_itself(tmp_path):
    write_tagged(tmp_path / "a")
    write_tagged(tmp_path / "bad").write_text("cluster: bad\nregion: us-east-1\nservices: [\n", encoding="utf-8")
    records, _ = advised(tmp_path)
    assert {name: record.status for name, record in records.items()} == {
        "a": Status.ADVISED, "bad": Status.FAILED, "team=web": Status.ADVISED,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("share_by", "message"),
    [("team", "share by 'team'"), ("tag:", "share by 'tag:'"), ("tag:owner", "no service has a tag 'owner'")],
)
def test_sharing_by_nothing_is_refused(tmp_path, share_by, message):
    write_tagged(tmp_path / "a")
    with pytest.raises(InputError, match=message):
        advised(tmp_path, share_by=share_by)


def test_the_command_shares_by_a_tag(tmp_path):
    for name in ("a", "b"):
        write_tagged(tmp_path / name)
    asked = ["--replay-weeks", "0", "--format", "json", "-q"]
    done = CliRunner().invoke(app, ["recommend", str(tmp_path), "--share-by", "tag:team", *asked])
    _, fleet = advised(tmp_path)
    assert [record.name for record in fleet.records] == ["a", "b", "team=web"]
    assert done.stdout.count('"name": "team=web"') == 1
    single = CliRunner().invoke(app, ["recommend", str(tmp_path / "a" / "workload.yaml"), "--share-by", "tag:team", *asked])
    assert "--share-by: for a fleet" in str(single.exception)
