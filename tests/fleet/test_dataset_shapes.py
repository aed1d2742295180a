"""Data sets of other shapes: what is wrong with a row, a file or a service is said of it, and stops no other."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from advisor.files import write_files
from advisor.fleet import Status, advise_fleet
from advisor.fleet.folder import fleet_files
from advisor.fleet.members import is_fleet
from advisor.sources.dataset import extremes
from tests.fleet.test_datasets import LOADS, OPTIONS, by_file, pa, pq, table


def screened(folder, **options):
    return advise_fleet([folder], options=replace(OPTIONS, **options), advise_top=0)


def usd(fleet):
    return [record.best.mean for record in fleet.records if record.counts]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Dollars of each of the three loads as a service by itself."""
    folder = tmp_path_factory.mktemp("alone")
    by_file(folder)
    return usd(screened(folder))


def twice_in_one_file(folder):
    pq.write_table(table(["web"] * 3, LOADS, cluster=["a", "b", "c"]), folder / "all.parquet")


def twice_in_rows_that_alternate(folder):
    whole = table(["web"] * 3, LOADS, cluster=["a", "b", "c"]).sort_by([("timestamp", "ascending")])
    pq.write_table(whole, folder / "all.parquet", row_group_size=100)


def twice_in_files(folder):
    for cluster, load in zip("abc", LOADS, strict=True):
        pq.write_table(table(["web"], [load], cluster=[cluster]), folder / f"{cluster}.parquet")


def twice_in_folders(folder):
    for cluster, load in zip("abc", LOADS, strict=True):
        inner = folder / f"cluster={cluster}" / "service=web"
        inner.mkdir(parents=True)
        pq.write_table(table(["web"], [load]).drop_columns(["service"]), inner / "part-0.parquet")


@pytest.mark.parametrize(
    "layout",
    [twice_in_one_file, twice_in_rows_that_alternate, twice_in_files, twice_in_folders],
    ids=lambda each: each.__name__,
)
def test_services_of_one_name_in_several_clusters_are_several_services(tmp_path, layout, alone):
    layout(tmp_path)
    found = screened(tmp_path)
    assert [(r.name, r.status) for r in found.records] == [(cluster, Status.SCREENED) for cluster in "abc"]
    assert_allclose(usd(found), alone, rtol=1e-12)


def test_a_row_of_the_table_is_of_the_service_of_its_cluster_and_of_no_other(tmp_path, alone):
    twice_in_one_file(tmp_path)
    services = tmp_path / "services.csv"
    services.write_text("service,cluster,cpu,memory,share\nweb,a,512,1024,team\nweb,b,512,1024,team\n", encoding="utf-8")
    found = advise_fleet([tmp_path], options=replace(OPTIONS, cpu=None), services=services, advise_top=0)
    (record,) = [each for each in found.records if each.counts]
    assert (record.name, [each.name for each in record.services]) == ("team", ["a-web", "b-web"])
    assert_allclose([each.best_usd for each in record.services], alone[:2], rtol=1e-12)
    assert [(r.name, r.service_names) for r in found.unanswered] == [("web of c", ("web",))]


@pytest.mark.parametrize("top", [0, None], ids=["screened", "advised"])
def test_a_name_that_two_services_would_have_together_is_refused_for_those_that_share(tmp_path, top, alone):
    rows = table(["web", "web", "a-web", "web"], [*LOADS, LOADS[0]], cluster=["a", "b", "c", "d"])
    pq.write_table(rows, tmp_path / "all.parquet")
    services = tmp_path / "services.csv"
    services.write_text(
        "service,cluster,cpu,memory,share\nweb,a,512,1024,t\nweb,b,512,1024,t\na-web,c,512,1024,t\n", encoding="utf-8"
    )
    found = advise_fleet([tmp_path], options=OPTIONS, services=services, advise_top=top)
    (lost,) = found.unanswered
    assert (lost.name, lost.status, lost.service_names) == ("t", Status.FAILED, ("a-web", "a-web", "b-web"))
    assert "'a-web' stands twice among those that share" in lost.problem
    assert [r.name for r in found.records if r.counts] == ["d"]


def test_rows_of_the_table_whose_service_cannot_be_read_are_named(tmp_path):
    by_file(tmp_path)
    (tmp_path / "bad.parquet").write_bytes(b"PAR1")
    services = tmp_path / "services.csv"
    services.write_text("service,cpu,memory\nwbe,4096,8192\n", encoding="utf-8")
    found = advise_fleet([tmp_path], options=OPTIONS, services=services, advise_top=0)
    assert "in --services, and in no file that can be read: wbe" in found.notes


def test_an_empty_cluster_is_none_and_an_empty_service_is_none(tmp_path, alone):
    rows = table(["api", "jobs", "web", ""], [*LOADS, LOADS[0]], cluster=["", "", "shop", "shop"])
    pq.write_table(rows, tmp_path / "all.parquet")
    found = screened(tmp_path)
    assert [r.name for r in found.records if r.counts] == ["api", "jobs", "shop"]
    assert_allclose(usd(found), alone, rtol=1e-12)
    assert "336 of 1,344 rows belong to no service" in found.unanswered[0].problem


def test_a_result_of_another_program_hides_no_table_beside_it(tmp_path, alone):
    by_file(tmp_path)
    (tmp_path / "api.parquet").rename(tmp_path / "services.parquet")
    (tmp_path / "fleet.json").write_text('{"vehicles": []}', encoding="utf-8")
    assert_allclose(usd(screened(tmp_path)), alone, rtol=1e-12)


def test_files_may_write_their_times_and_counts_each_in_its_way(tmp_path, alone):
    forms = [("ms", "UTC", "int64"), ("ns", "Asia/Tokyo", "float64"), ("us", None, "uint16")]
    for name, load, (unit, zone, kind) in zip(("api", "jobs", "web"), LOADS, forms, strict=True):
        pq.write_table(table([name], [load], unit=unit, zone=zone, kind=kind), tmp_path / f"{name}.parquet")
    assert_allclose(usd(screened(tmp_path)), alone, rtol=1e-12)


def test_parts_of_a_service_may_have_other_units(tmp_path, alone):
    whole = [table(["api"], [LOADS[0]], unit=unit) for unit in ("ms", "ns")]
    pq.write_table(whole[0].slice(0, 100), tmp_path / "a.parquet")
    pq.write_table(whole[1].slice(100), tmp_path / "b.parquet")
    assert_allclose(usd(screened(tmp_path)), alone[:1], rtol=1e-12)


def test_parts_of_a_service_with_other_columns_cost_it_alone(tmp_path, alone):
    one = table(["api"], [LOADS[0]])
    pq.write_table(one.slice(0, 100), tmp_path / "a.parquet")
    pq.write_table(one.slice(100).rename_columns(["service", "timestamp", "cpu_percent"]), tmp_path / "b.parquet")
    pq.write_table(table(["web"], [LOADS[2]]), tmp_path / "c.parquet")
    found = screened(tmp_path)
    assert [r.name for r in found.unanswered] == ["api"]
    assert "a.parquet, which holds api, too" in found.unanswered[0].problem
    assert_allclose(usd(found), alone[2:], rtol=1e-12)


def test_names_may_be_numbers_and_categories(tmp_path, alone):
    numbers = table(["1"], [LOADS[0]]).set_column(0, "service", pa.array([1] * 336))
    pq.write_table(numbers, tmp_path / "a.parquet")
    names = pa.array(["2"] * 336).dictionary_encode()
    pq.write_table(table(["2"], [LOADS[1]]).set_column(0, "service", names), tmp_path / "b.parquet")
    found = screened(tmp_path)
    assert [r.name for r in found.records] == ["1", "2"]
    assert_allclose(usd(found), alone[:2], rtol=1e-12)


def without(rows, column, at):
    values = rows.column(column).to_pylist()
    values[at] = None
    number = rows.column_names.index(column)
    return rows.set_column(number, column, pa.array(values, rows.schema.field(column).type))


@pytest.mark.parametrize(("n_null", "known"), [(0, ("web", "web")), (3, (None, None)), (None, (None, None))])
def test_a_row_group_is_of_one_service_only_where_it_says_that_no_row_is_without(n_null, known):
    statistics = SimpleNamespace(has_min_max=True, null_count=n_null, min="web", max="web")
    column = SimpleNamespace(path_in_schema="service", statistics=statistics)
    assert extremes(SimpleNamespace(num_columns=1, column=lambda _: column), "service") == known


@pytest.mark.parametrize("by_row", [False, True])
def test_rows_of_no_service_are_counted_and_cost_no_other(tmp_path, by_row):
    rows = without(table(["api", "web"], LOADS[:2]), "service", 5)
    if by_row:
        rows = rows.sort_by([("timestamp", "ascending")])
    pq.write_table(rows, tmp_path / "all.parquet")
    found = screened(tmp_path)
    assert [r.name for r in found.records if r.counts] == ["api", "web"]
    assert "1 of 672 rows belong to no service" in found.unanswered[0].problem
    notes = [note for r in found.records for note in r.notes]
    assert any("no row for 1 of 336 steps" in note for note in notes)


def test_rows_without_a_time_cost_their_service_alone(tmp_path):
    pq.write_table(without(table(["api", "web"], LOADS[:2]), "timestamp", 5), tmp_path / "all.parquet")
    found = screened(tmp_path)
    assert [(r.name, r.status) for r in found.records] == [("api", Status.FAILED), ("web", Status.SCREENED)]
    assert "api: 1 rows have no time" in found.unanswered[0].problem


def test_rows_without_a_cluster_are_of_the_only_one_of_their_service(tmp_path, alone):
    rows = without(table(["api", "web"], LOADS[:2], cluster=["a", "b"]), "cluster", 5)
    pq.write_table(rows, tmp_path / "all.parquet")
    found = screened(tmp_path)
    assert [r.name for r in found.records] == ["a", "b"]
    assert_allclose(usd(found), alone[:2], rtol=1e-12)


def test_what_lies_beside_a_data_set_is_named_and_hides_none_of_it(tmp_path, alone):
    by_file(tmp_path)
    pq.write_table(pa.table({"x": [1, 2]}), tmp_path / "a.parquet")
    pq.write_table(table(["none"], [LOADS[0]]).slice(0, 0), tmp_path / "empty.parquet")
    for name in ("manifest.json", "README.md", "_SUCCESS", "notes.csv"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    assert is_fleet([tmp_path])
    found = screened(tmp_path)
    assert_allclose(usd(found), alone, rtol=1e-12)
    assert [r.name for r in found.unanswered] == ["a.parquet"]
    assert found.notes[1:] == ("files without rows: empty.parquet", "no Parquet, and not read: manifest.json, notes.csv")


@pytest.mark.parametrize("inner", ["", "out"])
def test_an_answer_that_lies_in_the_data_set_is_no_part_of_it(tmp_path, inner):
    by_file(tmp_path)
    found = screened(tmp_path)
    write_files(tmp_path / inner, fleet_files(found))
    assert (tmp_path / inner / "services.parquet").exists()
    assert screened(tmp_path).to_json() == found.to_json()


@pytest.mark.parametrize("top", [0, None], ids=["screened", "advised"])
def test_what_is_wrong_with_services_of_a_cluster_leaves_the_others_an_answer(tmp_path, top):
    folder = tmp_path / "set"
    folder.mkdir()
    loads = {"bad": np.full(336, -4), "new": LOADS[0][:5], "web": LOADS[2]}
    rows = [table([name], [load], cluster=["shop"]) for name, load in loads.items()]
    pq.write_table(pa.concat_tables(rows), folder / "all.parquet")
    found = advise_fleet([folder], options=OPTIONS, advise_top=top, keep_in=tmp_path / "kept")
    (shop,) = [each for each in found.records if each.counts]
    assert [each.name for each in shop.services] == ["web"]
    assert {r.name: r.status for r in found.unanswered} == {"bad of shop": Status.FAILED, "new of shop": Status.NOT_ENOUGH_DATA}
    assert (found.totals.n_services, found.totals.n_services_counted) == (3, 1)
    assert not (tmp_path / "kept").exists()  # the bad one may be mended meanwhile
    pq.write_table(rows[2], folder / "all.parquet")
    assert_allclose(shop.best.mean, usd(advise_fleet([folder], options=OPTIONS, advise_top=top)), rtol=1e-12)


def test_services_of_a_workload_that_has_no_answer_are_counted(tmp_path):
    bad = np.full(336, -1)
    pq.write_table(table(["api", "web"], [bad, bad], cluster=["shop", "shop"]), tmp_path / "all.parquet")
    (record,) = advise_fleet([tmp_path], options=OPTIONS).records
    assert (record.status, record.service_names) == (Status.FAILED, ("api", "web"))


def test_a_file_that_changes_while_it_is_read_gives_no_answer(tmp_path, monkeypatch):
    pq.write_table(table(["api"], [LOADS[0]]), tmp_path / "api.parquet")
    read = pq.ParquetFile.read_row_group

    def read_and_changed(file, *arguments, **named):
        rows = read(file, *arguments, **named)
        pq.write_table(table(["api"], [LOADS[1]]), tmp_path / "api.parquet")
        return rows

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", read_and_changed)
    (record,) = advise_fleet([tmp_path], options=OPTIONS).records
    assert record.status is Status.FAILED
    assert "changed while they were read" in record.problem
