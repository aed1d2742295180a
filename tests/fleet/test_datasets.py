"""Parquet data sets: whatever their layout, the screening says what the full model says of a service alone."""

import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import advisor
from advisor.ecs import Architecture, TaskSize
from advisor.errors import InputError
from advisor.fleet import Engine, FleetOptions, Status, advise_fleet, datasets
from advisor.fleet.dataset_members import DatasetEntry
from advisor.fleet.datasets import Block, _screen_block
from advisor.fleet.held import HeldTasks, held_tasks, held_tasks_of_counts
from advisor.fleet.members import is_fleet
from advisor.fleet.screening import screened_choices
from advisor.fleet.tables import fleet_rows
from advisor.optimize.alternatives import alternatives
from advisor.optimize.loads import service_loads
from advisor.optimize.pricing import price_parts
from advisor.optimize.search import search_for
from advisor.sources.dataset import ServiceKey, open_dataset
from advisor.sources.dataset_services import read_dataset_services
from advisor.workload import LoadForm, Scaling, Service, Workload

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

START = datetime(2026, 1, 5, tzinfo=UTC)
OPTIONS = FleetOptions(region="us-east-1", cpu=512, memory=1024, replay_weeks=0)


@cache
def catalog():
    return advisor.read_catalog("us-east-1")


def workload_of(counts, *, step_s=3600, start=START, size=(512, 1024), architectures=(Architecture.X86_64,)):
    service = Service(
        name="web",
        task=TaskSize(cpu_units=size[0], memory_mib=size[1]),
        load_form=LoadForm.TASKS,
        scaling=Scaling(min_tasks=1, is_min_stated=False),
        architectures=architectures,
    )
    demand = np.array([counts], dtype=np.float64)
    return Workload(cluster="web", region="us-east-1", services=(service,), start=start, step_s=step_s, demand=demand)


def as_rows(workload):
    start = int(workload.start.timestamp()) * 1000
    return start + 1000 * workload.step_s * np.arange(workload.n_steps, dtype=np.int64)


def load(n, n_services=1, seed=0, step_s=3600):
    random = np.random.default_rng(seed)
    hours = np.arange(n) * step_s / 3600
    waves = [random.uniform(2, 30) * (1.2 + np.sin(hours / 24 * 2 * np.pi + random.uniform(0, 6))) for _ in range(n_services)]
    return [np.round(wave + random.uniform(0, 3, n)).astype(np.int32) + 1 for wave in waves]


@settings(max_examples=40)
@given(
    step_s=st.sampled_from([20, 60, 300, 720, 900, 1200, 1800, 3600]),
    n=st.integers(2, 700),
    weeks=st.integers(0, 2),
    begin=st.integers(0, 4_000),
    seed=st.integers(0, 9),
)
@example(step_s=3600, n=336, weeks=0, begin=0, seed=0)
@example(step_s=1800, n=337, weeks=1, begin=5, seed=1)
def test_counts_on_regular_times_are_held_as_the_full_model_holds_them(step_s, n, weeks, begin, seed):
    n += weeks * (604_800 // step_s) if step_s >= 300 else 0
    start = datetime.fromtimestamp(START.timestamp() + begin * step_s, UTC)
    (counts,) = load(n, seed=seed, step_s=step_s)
    workload = workload_of(counts, step_s=step_s, start=start)
    search = search_for(workload, catalog())
    (full,) = service_loads(workload, search.axis)
    slow = held_tasks(full, search.axis)
    fast = held_tasks_of_counts("web", as_rows(workload), counts, per_s=1000, startup_s=60.0)
    n_known = max(fast.held_hours.size, slow.held_hours.size)
    assert_allclose(padded(fast.held_hours, n_known), padded(slow.held_hours, n_known), rtol=1e-9, atol=1e-9)
    assert_allclose(fast.billed_task_hours, slow.billed_task_hours, rtol=1e-12)
    assert_allclose(fast.held_hours.sum(), 730, rtol=1e-9)
    assert_allclose((fast.measured_hours, fast.weeks), (slow.measured_hours, slow.weeks))


def padded(values, n):
    return np.pad(values, (0, n - values.size))


@pytest.mark.parametrize("size", [(256, 512), (512, 1024), (300, 700), (4096, 30_720), (1024, 8192)], ids=str)
@pytest.mark.parametrize("step_s", [60, 300, 900, 3600])
def test_a_screening_says_what_the_full_model_says_of_a_service_alone(size, step_s):
    (counts,) = load(2 * 604_800 // step_s, seed=3, step_s=step_s)
    workload = workload_of(counts, step_s=step_s, size=size, architectures=(Architecture.X86_64, Architecture.ARM64))
    search = search_for(workload, catalog())
    found = alternatives(workload, search)
    held = held_tasks_of_counts("web", as_rows(workload), counts, per_s=1000, startup_s=60.0)
    (choices,) = screened_choices([(workload.services[0], held)], catalog(), "us-east-1", workload.constraints)
    screened = {(str(c.launch_type), str(c.architecture)): c for c in choices}
    assert len(screened) == 6
    for choice in found.by_service["web"]:
        (part,) = choice.parts
        monthly = price_parts([part], found.common_hours, catalog(), "us-east-1").monthly_usd
        plan = part.services["web"]
        other = screened[str(part.provider.launch_type), str(plan.architecture)]
        assert_allclose((other.mean_usd, other.high_usd), (monthly.mean, monthly.high), rtol=1e-9)
        assert (other.instance_type,) == (part.provider.instance_types or ("",))
        assert other.size == plan.task
    assert [c.high_usd for c in choices] == sorted(c.high_usd for c in choices)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda t, n: (np.delete(t, 5), np.delete(n, 5)),
        lambda t, n: (t[::-1].copy(), n),
        lambda t, n: (t + 1, n),
        lambda t, n: (t, n * 0),
        lambda t, n: (t, n + 0.5),
        lambda t, n: (t, np.where(np.arange(n.size) == 7, np.nan, n)),
        lambda t, n: (t, n.astype(np.int64) * 100_000),
        lambda t, n: (t[:1], n[:1]),
        lambda t, n: (np.insert(t, 4, t[4]), np.insert(n, 4, n[4])),
    ],
    ids=["gap", "backwards", "off-step", "zeros", "fractions", "null", "huge", "single", "repeated"],
)
def test_anything_but_whole_counts_on_regular_times_goes_the_long_way(spoil):
    (counts,) = load(100)
    times, values = spoil(as_rows(workload_of(counts)), counts)
    assert held_tasks_of_counts("web", times, values, per_s=1000, startup_s=60.0) is None


# Layouts


def table(names, loads, *, step_s=3600, zone="UTC", kind="int32", unit="ms", cluster=None):
    n = len(loads[0])
    times = (np.datetime64("2026-01-05T00:00:00", "s") + np.arange(n) * np.timedelta64(step_s, "s")).astype(
        f"datetime64[{unit}]"
    )
    columns = {
        "service": pa.array(np.repeat(names, n).tolist()),
        "timestamp": pa.array(np.tile(times, len(names)), pa.timestamp(unit, zone)),
        "tasks": pa.array(np.concatenate(loads)).cast(kind),
    }
    if cluster:
        columns["cluster"] = pa.array(np.repeat(cluster, n).tolist())
    return pa.table(columns)


NAMES = ["api", "jobs", "web"]
LOADS = load(336, 3, seed=5)


def by_file(folder):
    for name, counts in zip(NAMES, LOADS, strict=True):
        pq.write_table(table([name], [counts]), folder / f"{name}.parquet")


def one_file(folder):
    pq.write_table(table(NAMES, LOADS), folder / "all.parquet")


def small_groups(folder):
    pq.write_table(table(NAMES, LOADS, unit="us"), folder / "all.parquet", row_group_size=100)


def by_time(folder):
    whole = table(NAMES, LOADS)
    pq.write_table(
        whole.sort_by([("timestamp", "ascending"), ("service", "ascending")]), folder / "all.parquet", row_group_size=50
    )


def without_statistics(folder):
    pq.write_table(table(NAMES, LOADS), folder / "all.parquet", write_statistics=False, row_group_size=400)


def by_week(folder):
    for week in range(2):
        part = slice(week * 168, week * 168 + 168)
        whole = table(NAMES, LOADS).to_pandas()
        rows = whole.groupby("service").nth(list(range(part.start, part.stop)))
        pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), folder / f"week-{week}.parquet")


def by_service_folder(folder):
    for name, counts in zip(NAMES, LOADS, strict=True):
        (folder / f"service={name}").mkdir()
        pq.write_table(table([name], [counts]).drop_columns(["service"]), folder / f"service={name}" / "part-0.parquet")


def as_doubles(folder):
    pq.write_table(table(NAMES, LOADS, kind="float64", zone=None, unit="ns"), folder / "all.parquet")


LAYOUTS = [by_file, one_file, small_groups, by_time, without_statistics, by_week, by_service_folder, as_doubles]


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("expected")
    by_file(folder)
    return advise_fleet([folder], options=OPTIONS, advise_top=0)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_the_layout_of_a_data_set_changes_nothing(tmp_path, layout, expected):
    layout(tmp_path)
    assert is_fleet([tmp_path])
    found = advise_fleet([tmp_path], options=OPTIONS, advise_top=0)
    assert [(r.name, r.status) for r in found.records] == [(name, Status.SCREENED) for name in NAMES]
    for ours, theirs in zip(found.records, expected.records, strict=True):
        assert_allclose(ours.best.mean, theirs.best.mean, rtol=1e-12)
        assert_allclose(ours.fargate_usd, theirs.fargate_usd, rtol=1e-12)
        assert ours.services[0].instance_types == theirs.services[0].instance_types


@pytest.mark.parametrize(
    "layout",
    [by_file, by_week, *(pytest.param(each, marks=pytest.mark.prove) for each in (by_time, by_service_folder))],
    ids=lambda layout: layout.__name__,
)
def test_full_advice_on_a_service_of_a_data_set_is_that_of_its_own_file(tmp_path, layout):
    (tmp_path / "set").mkdir()
    layout(tmp_path / "set")
    found = advise_fleet([tmp_path / "set"], options=OPTIONS)
    pq.write_table(table(["web"], [LOADS[2]]), tmp_path / "web.parquet")
    alone = advisor.read_workload(tmp_path / "web.parquet", region="us-east-1", cpu=512, memory=1024)
    recommendation = advisor.advise(alone, catalog(), replay_weeks=0)
    record = next(each for each in found.records if each.name == "web")
    assert record.status is Status.ADVISED
    assert record.best.mean == recommendation.recommended.monthly_usd.mean
    assert record.best.p90 == recommendation.recommended.monthly_usd.p90
    assert record.probability == recommendation.recommendation.probability


def test_services_of_a_cluster_may_share_and_tags_go_first(tmp_path):
    pq.write_table(table(NAMES, LOADS, cluster=["shop", "shop", "site"]), tmp_path / "all.parquet")
    assert [r.name for r in advise_fleet([tmp_path], options=OPTIONS, advise_top=0).records] == ["shop", "site"]
    services = tmp_path / "services.txt"
    services.write_text("service,cpu,memory,share\nweb,256,512,team-a\njobs,512,1024,team-a\napi,512,1024,\n", encoding="utf-8")
    found = advise_fleet([tmp_path], options=OPTIONS, services=services)
    assert [(r.name, [s.name for s in r.services]) for r in found.records] == [("shop", ["api"]), ("team-a", ["jobs", "web"])]
    assert found.records[1].services[1].cpu == 256


def test_the_costliest_get_the_full_advice_and_the_rest_a_screening(tmp_path):
    one_file(tmp_path)
    found = advise_fleet([tmp_path], options=OPTIONS, advise_top=1)
    screened = advise_fleet([tmp_path], options=OPTIONS, advise_top=0)
    costliest = max(screened.records, key=lambda record: record.best.mean).name
    assert {r.name for r in found.records if r.status is Status.ADVISED} == {costliest}
    assert found.totals.n_counted == 3
    assert any("screened services" in note for note in found.notes)


def test_a_damaged_file_costs_its_own_services_and_is_named(tmp_path):
    by_file(tmp_path)
    whole = (tmp_path / "jobs.parquet").read_bytes()
    (tmp_path / "jobs.parquet").write_bytes(whole[:400] + b"\xff" * 300 + whole[700:])
    (tmp_path / "web.parquet").write_bytes(b"PAR1 no more")
    for top in (0, None):
        found = advise_fleet([tmp_path], options=OPTIONS, advise_top=top)
        names = {r.name: r.status for r in found.records}
        assert names["web.parquet"] is Status.FAILED
        assert names["api"] in (Status.SCREENED, Status.ADVISED)
        assert {each.name for each in found.unanswered} == {name for name, status in names.items() if status is Status.FAILED}
        assert found.totals.n_counted == len(names) - len(found.unanswered)


def test_a_bad_number_costs_its_own_service(tmp_path):
    spoiled = LOADS[1].copy()
    spoiled[9] = -4
    pq.write_table(table(NAMES, [LOADS[0], spoiled, LOADS[2]]), tmp_path / "all.parquet")
    for top in (0, None):
        found = advise_fleet([tmp_path], options=OPTIONS, advise_top=top)
        assert [(r.name, r.status) for r in found.unanswered] == [("jobs", Status.FAILED)]
        assert "-4" in found.unanswered[0].problem
        assert found.totals.n_counted == 2


def test_a_fault_of_ours_in_screening_costs_its_own_service_and_names_its_place(tmp_path):
    by_file(tmp_path)
    dataset = open_dataset(tmp_path, OPTIONS.reading)
    api, web = ServiceKey("api", None), ServiceKey("web", None)
    known = read_dataset_services(None, cpu=512, memory=1024).entry(api, is_in_several=False)
    faulty = DatasetEntry(web, SimpleNamespace(name="web"))
    block = Block(files=dataset.files, entries=(DatasetEntry(api, known), faulty))
    found = dict(_screen_block(block, "us-east-1", OPTIONS))
    assert isinstance(found[api], HeldTasks)
    assert re.search(r"AttributeError: .* \(advisor/fleet/datasets\.py:\d+\)$", found[web])


def test_a_load_too_short_to_answer_takes_no_place_among_the_costliest(tmp_path):
    by_file(tmp_path)
    pq.write_table(table(["short"], [np.full(12, 500, dtype=np.int32)]), tmp_path / "short.parquet")
    found = advise_fleet([tmp_path], options=OPTIONS, advise_top=1)
    assert [r.status for r in found.records].count(Status.ADVISED) == 1
    assert [r.name for r in found.unanswered] == ["short"]


def test_screened_services_have_no_rank(tmp_path):
    one_file(tmp_path)
    rows = fleet_rows(advise_fleet([tmp_path], options=OPTIONS, advise_top=1))
    ranks = [(row["status"], row["rank"]) for row in rows]
    assert ranks == [("advised", 1), ("screened", None), ("screened", None)]
    savings = [row["saving_usd"] for row in rows[1:]]
    assert savings == sorted(savings, reverse=True)


def test_a_gap_is_a_gap(tmp_path):
    counts = np.where(np.arange(336) % 50 < 5, np.nan, LOADS[0])
    pq.write_table(table(["api"], [counts], kind="float64"), tmp_path / "all.parquet")
    (record,) = advise_fleet([tmp_path], options=OPTIONS, advise_top=0).records
    workload = replace(workload_of(counts), cluster="api")
    found = alternatives(workload, search_for(workload, catalog()))
    usd = [price_parts(c.parts, found.common_hours, catalog(), "us-east-1").monthly_usd for c in found.by_service["web"]]
    assert_allclose(record.services[0].high_usd, min(each.high for each in usd), rtol=1e-9)


def test_a_service_without_a_size_is_named_and_costs_no_other(tmp_path):
    by_file(tmp_path)
    services = tmp_path / "services.txt"
    services.write_text("service,cpu,memory\nweb,256,512\n", encoding="utf-8")
    kept = tmp_path / "kept"
    found = advise_fleet([tmp_path], options=replace(OPTIONS, cpu=None), services=services, advise_top=0, keep_in=kept)
    assert [(r.name, r.status) for r in found.unanswered] == [("api", Status.FAILED), ("jobs", Status.FAILED)]
    assert len(list(kept.iterdir())) == 1  # of web: the other files are not read
    assert "--services" in found.unanswered[0].problem
    assert found.totals.n_counted == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,cpu\nweb,256\n", "name"),
        ("service,cpu,memory\nweb,256\n", "line 2"),
        ("service,cpu,memory\nweb,256,512\nweb,256,512\n", "stands twice"),
        ("service,cpu,memory\nweb,much,512\n", "no number"),
        ("service,cpu,memory\nweb,256,\n", "size of the task is not given"),
        ("service,cpu,memory,port\nweb,256,512,99999\n", "port"),
        ("service,cpu,memory,interruptible\nweb,256,512,maybe\n", "neither true nor false"),
        ("service,cpu,memory\nnobody,256,512\n", "holds no nobody"),
    ],
)
def test_a_table_of_services_that_is_wrong_is_one_message(tmp_path, text, message):
    by_file(tmp_path)
    services = tmp_path / "services.txt"
    services.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        advise_fleet([tmp_path], options=OPTIONS, services=services, advise_top=0)


def test_the_region_has_to_be_given(tmp_path):
    by_file(tmp_path)
    with pytest.raises(InputError, match="--region"):
        advise_fleet([tmp_path], options=replace(OPTIONS, region=None))


def test_requests_are_screened_as_the_full_model_counts_them(tmp_path):
    one = table(["web"], [LOADS[2]]).rename_columns(["service", "timestamp", "requests_per_second"])
    pq.write_table(one, tmp_path / "web.parquet")
    options = replace(OPTIONS, requests_per_task=4.0)
    (screened,) = advise_fleet([tmp_path], options=options, advise_top=0).records
    (full,) = advise_fleet([tmp_path], options=options).records
    assert_allclose(screened.fargate_usd, full.fargate_usd, rtol=1e-9)


def test_a_second_run_of_a_data_set_does_only_what_changed(tmp_path):
    (tmp_path / "set").mkdir()
    by_file(tmp_path / "set")
    advise_fleet([tmp_path / "set"], options=OPTIONS, keep_in=tmp_path / "kept")
    before = {path.name: path.read_bytes() for path in (tmp_path / "kept").iterdir()}
    pq.write_table(table(["web"], [LOADS[2] + 1]), tmp_path / "set" / "web.parquet")
    found = advise_fleet([tmp_path / "set"], options=OPTIONS, keep_in=tmp_path / "kept")
    changed = [name for name, content in before.items() if (tmp_path / "kept" / name).read_bytes() != content]
    assert len({Path(name).stem for name in changed}) == 1
    assert found.to_json() == advise_fleet([tmp_path / "set"], options=OPTIONS).to_json()


@pytest.mark.parametrize("layout", [by_file, by_week])
def test_a_second_screening_reads_only_what_changed(tmp_path, monkeypatch, layout):
    (tmp_path / "set").mkdir()
    layout(tmp_path / "set")
    read = []

    def screen(block, **more):
        read.append([file.path.name for file in block.files])
        return _screen_block(block, **more)

    monkeypatch.setattr(datasets, "_screen_block", screen)

    def files_read(**options):
        read.clear()
        found = advise_fleet([tmp_path / "set"], options=replace(OPTIONS, **options), advise_top=0, keep_in=tmp_path / "kept")
        done = sorted(name for names in read for name in names)
        assert found.to_json() == advise_fleet([tmp_path / "set"], options=replace(OPTIONS, **options), advise_top=0).to_json()
        return done

    everything = sorted(path.name for path in (tmp_path / "set").iterdir())
    assert files_read() == everything
    assert files_read() == []
    assert files_read(rates=rates_file(tmp_path)) == []  # what is kept has no money in it
    assert files_read(memory=2048) == everything
    first = tmp_path / "set" / everything[0]
    first.write_bytes(first.read_bytes())  # another date, the same content
    assert files_read(memory=2048) == []
    kept = sorted((tmp_path / "kept").iterdir())
    kept[0].write_bytes(kept[0].read_bytes()[:-1])
    assert len(files_read(memory=2048)) == len(everything) / len(kept)
    if layout is by_file:
        pq.write_table(table(["web"], [LOADS[2] + 1]), tmp_path / "set" / "web.parquet")
        assert files_read(memory=2048) == ["web.parquet"]


def rates_file(folder):
    path = folder / "rates.csv"
    head = "meter,region,usd,unit,discount_fraction,source,as_of"
    path.write_text(f"{head}\nfargate:*,us-east-1,,,0.1,contract,2026-01-01\n", encoding="utf-8")
    return path


def test_a_failure_and_a_file_that_changes_while_it_is_screened_are_not_kept(tmp_path, monkeypatch):
    (tmp_path / "set").mkdir()
    by_file(tmp_path / "set")
    bad = table(["bad"], [LOADS[0]]).to_pandas()
    bad.loc[3, "tasks"] = -1
    pq.write_table(pa.Table.from_pandas(bad, preserve_index=False), tmp_path / "set" / "bad.parquet")

    def screen(block, **more):
        found = _screen_block(block, **more)
        if block.files[0].path.name == "web.parquet":
            pq.write_table(table(["web"], [LOADS[2] + 1]), tmp_path / "set" / "web.parquet")
        return found

    monkeypatch.setattr(datasets, "_screen_block", screen)
    advise_fleet([tmp_path / "set"], options=OPTIONS, advise_top=0, keep_in=tmp_path / "kept")
    assert len(list((tmp_path / "kept").iterdir())) == 2  # api and jobs


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path):
    by_file(tmp_path)
    (tmp_path / "gone.parquet").mkdir()
    fleet = advise_fleet([tmp_path], options=OPTIONS, advise_top=0)
    assert [(r.name, r.status) for r in fleet.unanswered] == [("gone.parquet", Status.FAILED)]


@pytest.mark.prove
def test_every_engine_screens_the_same_bytes(tmp_path):
    by_file(tmp_path)
    local = advise_fleet([tmp_path], options=OPTIONS, advise_top=1).to_json()
    assert advise_fleet([tmp_path], options=OPTIONS, advise_top=1, engine=Engine.PROCESSES, workers=2).to_json() == local


def test_a_screening_needs_nothing_heavy(tmp_path):
    one_file(tmp_path)
    script = (
        "import sys\nfrom advisor.fleet import FleetOptions, advise_fleet\n"
        "options = FleetOptions(region='us-east-1', cpu=512, memory=1024)\n"
        f"found = advise_fleet([{str(tmp_path)!r}], options=options, advise_top=0)\n"
        "print(found.totals.n_counted, sorted({'pandas', 'boto3', 'matplotlib', 'scipy', 'distributed'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "3 []\n"
