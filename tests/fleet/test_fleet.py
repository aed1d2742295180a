"""Many workloads: totals, ranking, what is in no total, and what a second run does."""

import bz2
import csv
import gzip
import io
import lzma
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import advisor
from advisor.errors import InputError
from advisor.fleet import FleetOptions, Range, ServiceRecord, Status, WorkloadRecord, advise_fleet, fleet_of
from advisor.fleet.folder import fleet_files, folder_names, plan_of
from advisor.fleet.members import file_members, is_fleet
from advisor.fleet.page import render_page
from advisor.fleet.services import shared_out
from advisor.fleet.tables import CSV_COLUMNS, fleet_csv, fleet_markdown, render_fleet
from advisor.report.html.template import tables_script
from tests.fleet.fleets import write_fleet, write_workload

QUICK = FleetOptions(replay_weeks=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_fleet(tmp_path_factory.mktemp("fleet") / "clusters")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def fleet(folder, kept):
    return advise_fleet([folder], options=QUICK, keep_in=kept)


def record(name="shop", *, best=10.0, now=None, fargate=15.0, probability=0.9, effort=2, status=Status.ADVISED, **more):
    service = ServiceRecord(
        name="web", launch_type="FARGATE", purchase_option="on_demand", architecture="ARM64", cpu=256, memory=512,
        instance_types=(), now_usd=now, fargate_usd=fargate, best_usd=best, effort=effort,
    )  # fmt: skip
    before, against = (now, "now") if now is not None else (fargate, "fargate")
    saved = None if before is None else before - best
    saving = None if saved is None else Range(mean=saved, low=saved - 1, high=saved + 1)
    return WorkloadRecord(
        **{
            "name": name, "status": status, "best": Range(mean=best, low=best - 1, high=best + 1), "now_usd": now,
            "fargate_usd": fargate, "saving": saving, "saving_against": against if saving else "", "services": (service,),
            "probability": probability, **more,
        }
    )  # fmt: skip


def test_the_totals_are_the_sums_of_what_each_workload_gets_alone(folder, fleet):
    fleet = fleet_of([each for each in fleet.records if each.name in ("cluster-0", "cluster-1", "bad", "short")], version="1")
    assert fleet.totals.n_counted == 2
    alone = []
    for number in range(2):
        workload = advisor.read_workload(folder / f"cluster-{number}" / "workload.yaml")
        alone.append(advisor.advise(workload, advisor.read_catalog("us-east-1"), replay_weeks=0))
    assert_allclose(fleet.totals.best.mean, sum(each.recommended.monthly_usd.mean for each in alone), rtol=1e-12)
    assert_allclose(fleet.totals.best.p90, sum(each.recommended.monthly_usd.p90 for each in alone), rtol=1e-12)
    present = [each for each in alone if each.present]
    assert len(present) == 1
    assert_allclose(fleet.totals.now_usd, sum(each.present.monthly_usd.mean for each in present), rtol=1e-12)


def test_shares_of_services_add_up_to_their_workload(fleet):
    for each in fleet.records:
        if each.counts:
            assert_allclose(math.fsum(s.best_usd for s in each.services), each.best.mean, rtol=1e-12)
            assert_allclose(math.fsum(s.fargate_usd for s in each.services), each.fargate_usd, rtol=1e-12)
            if each.now_usd is not None:
                assert_allclose(math.fsum(s.now_usd for s in each.services), each.now_usd, rtol=1e-12)


def test_what_is_in_no_total_is_named_with_its_reason(fleet):
    assert [(r.name, r.status) for r in fleet.unanswered] == [("bad", Status.FAILED), ("short", Status.NOT_ENOUGH_DATA)]
    assert "workload.yaml" in fleet.unanswered[0].problem
    assert (fleet.totals.n_counted, fleet.totals.n_workloads) == (4, 6)
    for text in (render_fleet(fleet), fleet_markdown(fleet), fleet_csv(fleet), render_page(fleet), fleet.to_json()):
        assert "bad" in text
        assert "short" in text
    assert "4 of 6 workloads" in render_fleet(fleet)


def test_stated_terms_that_are_left_aside_stand_beside_the_totals():
    stated = replace(record("a"), terms=("1y:no_upfront",))
    fleet = fleet_of([stated, record("b")], version="1")
    for text in (render_fleet(fleet), fleet_markdown(fleet), render_page(fleet)):
        assert "none of these dollars: 1 workload states terms" in " ".join(text.replace("\\", "").split())
    assert "new commitments" not in render_fleet(fleet_of([record("b")], version="1"))


def test_services_are_ranked_by_saving_times_probability_over_effort():
    fleet = fleet_of([record("a", best=5, effort=1), record("b", best=5, effort=4), record("c", best=1)], version="1")
    assert [each.workload for each in fleet.services] == ["a", "c", "b"]
    assert [each.score for each in fleet.services] == [pytest.approx(9.0), pytest.approx(6.3), pytest.approx(2.25)]


def test_what_has_no_score_comes_last_and_stays_in_the_list():
    fleet = fleet_of([record("a", probability=None), record("b", effort=0), record("c")], version="1")
    assert [(each.workload, each.score is None) for each in fleet.services] == [("c", False), ("a", True), ("b", True)]


def test_what_is_not_known_comes_after_what_costs_more():
    unknown = record("a", probability=None, fargate=None, best=5)
    fleet = fleet_of([unknown, record("b", probability=None, best=20, fargate=15)], version="1")
    assert [each.workload for each in fleet.services] == ["b", "a"]


def test_now_and_fargate_are_totals_of_their_own():
    totals = fleet_of([record("a", now=20.0), record("b"), record("c")], version="1").totals
    assert (totals.now_usd, totals.best_of_now_usd, totals.saving_now.mean, totals.n_now) == (20.0, 10.0, 10.0, 1)
    assert (totals.fargate_usd, totals.best_of_fargate_usd, totals.saving_fargate.mean, totals.n_fargate) == (
        30.0,
        20.0,
        10.0,
        2,
    )


def test_an_interval_that_one_workload_lacks_is_not_made_up():
    whole = replace(record("a"), best=Range(mean=1, low=1, high=1, p10=1, p50=1, p90=1))
    assert fleet_of([whole, record("b")], version="1").totals.best.p10 is None


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)), min_size=1, max_size=12), st.randoms())
def test_the_order_of_workloads_changes_nothing(costs, random):
    records = [record(f"w{i:02}", best=best, fargate=fargate) for i, (best, fargate) in enumerate(costs)]
    shuffled = random.sample(records, len(records))
    assert fleet_of(shuffled, version="1").to_json() == fleet_of(records, version="1").to_json()


def test_a_tail_is_folded_and_lost_nowhere():
    fleet = fleet_of([record("a", best=100, fargate=150), *(record(f"t{i}", best=2, fargate=3) for i in range(9))], version="1")
    shown, tail = fleet.folded(25)
    assert [each.workload for each in shown] == ["a"]
    assert (tail.n_services, tail.best_usd, tail.saving_usd) == (9, 18, 9)
    assert "9 services below $25" in render_fleet(fleet)
    assert len(list(csv.DictReader(io.StringIO(fleet_csv(fleet))))) == 10


def test_a_tail_says_of_how_many_its_saving_is():
    tail = [record("a", best=2, fargate=3), record("b", best=2, fargate=None), record("c", best=2, fargate=4)]
    fleet = fleet_of(tail, version="1")
    assert "and 3 services below $25: together $6.00 at best, saving $3.00 (2 of them; of the others" in " ".join(
        render_fleet(fleet).split()
    )


def test_a_shared_bill_is_split_by_weight_and_to_the_cent(folder):
    workload = advisor.read_workload(folder / "cluster-3" / "workload.yaml")
    found = advisor.advise(workload, advisor.read_catalog("us-east-1"), replay_weeks=0)
    shared = found.alternative("cluster:ec2_shared:x86_64:on_demand")
    bill, (provider,) = shared.bill, {each.capacity_provider for each in shared.plan.services.values()}
    split = shared_out(bill, {provider: ["web", "worker"]}, {"web": 1.0, "worker": 4.0})
    assert_allclose(math.fsum(split.values()), math.fsum(item.amount_usd for item in bill.line_items), rtol=1e-12)
    assert set(split) == {"web", "worker"}
    assert_allclose(split["worker"], 4 * split["web"])


def test_a_second_run_takes_what_is_still_true(folder, fleet, kept):
    again = []
    second = advise_fleet([folder], options=QUICK, keep_in=kept, on_share=lambda what, share: again.append(share))
    assert again == [pytest.approx(5 / 6), 1]  # only the one that failed is tried again
    assert second.to_json() == fleet.to_json()


def test_only_what_changed_is_done_again(tmp_path):
    for name in ("a", "b", "c"):
        write_workload(tmp_path / "fleet" / name, level=5)
    kept = tmp_path / "kept"
    before = advise_fleet([tmp_path / "fleet"], options=QUICK, keep_in=kept)
    files = {path.name: path.read_bytes() for path in kept.iterdir()}
    load = tmp_path / "fleet" / "b" / "web.csv"
    load.write_text(load.read_text(encoding="utf-8").replace(",5\n", ",25\n", 20), encoding="utf-8")
    after = advise_fleet([tmp_path / "fleet"], options=QUICK, keep_in=kept)
    changed = [name for name, content in files.items() if (kept / name).read_bytes() != content]
    assert len({Path(name).stem for name in changed}) == 1
    assert after.records[1].best.mean > before.records[1].best.mean
    assert (after.records[0], after.records[2]) == (before.records[0], before.records[2])


PACKED = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress}


@pytest.mark.parametrize("packing", PACKED)
def test_a_packed_load_file_that_is_added_is_seen_by_the_next_run(tmp_path, packing):
    write_workload(tmp_path / "a", level=5)
    folder, sized = tmp_path / "loads", replace(QUICK, region="us-east-1", cpu=512, memory=1024)
    folder.mkdir()
    (tmp_path / "a" / "web.csv").rename(folder / "a.csv")
    before = advise_fleet([folder], options=sized, keep_in=tmp_path / "kept")
    (folder / f"b.csv.{packing}").write_bytes(PACKED[packing]((folder / "a.csv").read_bytes()))
    after = advise_fleet([folder], options=sized, keep_in=tmp_path / "kept")
    assert after.to_json() == advise_fleet([folder], options=sized).to_json()
    assert (before.totals.n_services, after.totals.n_services) == (1, 2)
    assert after.totals.best.mean > before.totals.best.mean


def test_a_folder_with_nothing_but_a_packed_load_file_is_a_workload(tmp_path):
    write_workload(tmp_path / "a", level=5)
    content = (tmp_path / "a" / "web.csv").read_bytes()
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed" / "web.csv.gz").write_bytes(gzip.compress(content))
    sized = replace(QUICK, region="us-east-1", cpu=512, memory=1024)
    packed, plain = (
        advise_fleet([tmp_path / "packed"], options=sized),
        advise_fleet([tmp_path / "a" / "web.csv"], options=sized),
    )
    assert packed.totals.best == plain.totals.best


@pytest.mark.parametrize(
    "options", [replace(QUICK, region="eu-west-1"), FleetOptions(replay_weeks=1)], ids=["region", "replay"]
)
def test_other_options_take_nothing_from_an_earlier_run(tmp_path, options):
    path = write_workload(tmp_path / "a", level=5)
    advise_fleet([path], options=QUICK, keep_in=tmp_path / "kept")
    found = advise_fleet([path], options=options, keep_in=tmp_path / "kept")
    assert found.to_json() == advise_fleet([path], options=options).to_json()


def test_a_damaged_record_is_made_again(tmp_path):
    path = write_workload(tmp_path / "a", level=5)
    whole = advise_fleet([path], options=QUICK, keep_in=tmp_path / "kept")
    (file,) = (tmp_path / "kept").glob("*.json")
    content = file.read_bytes()
    for damage in (b"", b"{}", b"\xff\xfe", b"advisor/kept/1 0\n0\n{}"):
        file.write_bytes(damage)
        assert advise_fleet([path], options=QUICK, keep_in=tmp_path / "kept").to_json() == whole.to_json()
        assert file.read_bytes() == content
    file.write_bytes(content.replace(b'"probability": ', b'"probability": 0.5, "old": '))
    assert advise_fleet([path], options=QUICK, keep_in=tmp_path / "kept").to_json() == whole.to_json()


def test_plans_come_back_as_they_were_recommended(folder, fleet):
    workload = advisor.read_workload(folder / "cluster-1" / "workload.yaml")
    found = advisor.advise(workload, advisor.read_catalog("us-east-1"), replay_weeks=0)
    assert plan_of(fleet.records[[r.name for r in fleet.records].index("cluster-1")]) == found.recommended.plan


def test_the_page_fetches_nothing_and_escapes_names(fleet):
    hostile = fleet_of(
        [record('<script>alert(1)</script>"&', status=Status.FAILED, problem="<img src=x>"), record()], version="1"
    )
    page = render_page(hostile)
    assert "<script>alert" not in page
    assert "<img" not in page
    assert page.count("<script>") == 1
    assert tables_script() in page
    assert "http" not in page.replace("http-equiv", "")
    assert 'data-sortable="services"' in render_page(fleet)


def test_cells_never_start_a_formula():
    rows = list(csv.DictReader(io.StringIO(fleet_csv(fleet_of([record("=1+1")], version="1")))))
    assert rows[0]["workload"] == "'=1+1"
    assert tuple(rows[0]) == CSV_COLUMNS


def test_parquet_holds_the_same_rows(fleet, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    (tmp_path / "services.parquet").write_bytes(fleet_files(fleet)["services.parquet"])
    rows = parquet.read_table(tmp_path / "services.parquet").to_pylist()
    text = list(csv.DictReader(io.StringIO(fleet_csv(fleet))))
    assert [row["service"] for row in rows] == [row["service"] for row in text]
    assert [row["best_usd"] for row in rows] == [float(row["best_usd"]) if row["best_usd"] else None for row in text]


def test_folders_of_workloads_never_collide():
    fleet = fleet_of([record("a/b"), record("a-b"), record("A-B"), record("../x")], version="1")
    names = list(folder_names(fleet).values())
    assert len({name.lower() for name in names}) == 4
    assert not any(name.startswith(".") or "/" in name for name in names)


def test_patterns_folders_and_files_name_the_same_workloads(folder):
    by_folder = file_members([folder])
    by_pattern = file_members([Path(f"{folder}/*/workload.yaml")])
    assert [m.path for m in by_folder] == [m.path for m in by_pattern]
    assert [m.name for m in by_folder] == ["bad", "cluster-0", "cluster-1", "cluster-2", "cluster-3", "short"]
    assert len(file_members([folder, folder / "bad" / "workload.yaml"])) == 6


def test_load_files_by_pattern_are_a_workload_each(tmp_path):
    for level, name in ((4, "a"), (8, "b")):
        write_workload(tmp_path / name, level=level)
    options = FleetOptions(region="us-east-1", cpu=512, memory=1024, replay_weeks=0)
    found = advise_fleet([f"{tmp_path}/*/web.csv"], options=options)
    assert [each.name for each in found.records] == ["a/web", "b/web"]
    assert found.totals.n_counted == 2


def test_a_single_workload_is_no_fleet(folder):
    assert not is_fleet([folder / "bad" / "workload.yaml"])
    assert is_fleet([folder])
    assert is_fleet([Path(f"{folder}/*")])


def test_a_folder_of_load_files_stays_one_workload_whatever_yaml_lies_beside_them(tmp_path):
    write_workload(tmp_path / "a", level=4)
    (tmp_path / "a" / "workload.yaml").unlink()
    assert not is_fleet([tmp_path / "a"])
    (tmp_path / "a" / "compose.yaml").write_text("services: {web: {image: web}}\n", encoding="utf-8")
    assert not is_fleet([tmp_path / "a"])
    (tmp_path / "a" / "shop.yml").write_text("# a shop\ncluster: shop\nservices: [\n", encoding="utf-8")
    assert [member.name for member in file_members([tmp_path / "a"])] == ["shop"]


def test_a_source_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such workload"):
        advise_fleet([tmp_path / "*.yaml"])
    with pytest.raises(InputError, match="neither workload files nor load files"):
        advise_fleet([tmp_path])


def test_deploy_files_of_an_earlier_answer_are_no_workloads(tmp_path):
    write_workload(tmp_path / "workloads" / "shop", level=4).rename(tmp_path / "workloads" / "shop" / "shop.yaml")
    before = [each.path for each in file_members([tmp_path])]
    deploy = tmp_path / "workloads" / "shop" / "deploy" / "ecspresso.yml"
    deploy.parent.mkdir()
    deploy.write_text("cluster: shop\n", encoding="utf-8")
    (tmp_path / "fleet.json").write_text('{"schema": "advisor/fleet/1"}', encoding="utf-8")
    assert [each.path for each in file_members([tmp_path])] == before
