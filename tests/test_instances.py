"""``advisor instances``: types ranked as the oracle packs and prices them, a lost zone and a deployment by brute force."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import advisor
from advisor.errors import InputError
from advisor.meters import PUBLIC_IPV4_HOUR
from advisor.ranking import rank_instances
from advisor.report.instances import CSV_COLUMNS, instances_csv, instances_markdown, render_instances
from tests import strategies
from tests.as_advisor import as_catalog, as_workload
from tests.oracle import model, packing, plans

ROOT = Path(__file__).parents[1]
a_few = settings(max_examples=max(10, settings().max_examples // 4))
SIXTY = """\
cluster: sixty
region: us-east-1
services:
  - {name: worker, task: {cpu: 256, memory: 512}, load: {tasks: 60}, architectures: [X86_64]}
constraints: {zones: 2, instance_types: ["c6a.*", "m5.large"]}
"""


@pytest.fixture
def ranked(tmp_path):
    def of(text, **options):
        path = tmp_path / "workload.yaml"
        path.write_text(text, encoding="utf-8")
        workload = advisor.read_workload(path)
        return advisor.rank_instances(workload, advisor.read_catalog(workload.region), **options)

    return of


def by_type(ranking):
    return {row.instance_type: row for row in ranking.instances}


# By hand


def test_sixty_small_tasks_by_hand(ranked):
    """c6a.2xlarge: 8 vCPU hold 32 tasks of 256 units, and their memory 30 of 512 MiB; 60 tasks fill two, one in each zone.

    2 x 730 h x $0.306 + 2 x 30 GiB x $0.08 = $451.56. Without one zone of two, all 60 have to fit in the other: four.
    120 tasks of a deployment take four as well: two more for 10 minutes and the 15 of the scale-in delay.
    """
    row = by_type(ranked(SIXTY, deployment_minutes=10))["c6a.2xlarge"]
    assert (row.instances_p50, row.instances_p95, row.instances_max, row.binding) == (2, 2, 2, "memory")
    assert row.packed_fraction == pytest.approx(60 * 512 / (2 * row_registered("c6a.2xlarge")))
    assert row.monthly_usd == pytest.approx(451.56)
    assert (row.zone_loss.instances_per_zone, row.zone_loss.instances_max) == (2, 4)
    assert row.zone_loss.extra_monthly_usd == pytest.approx(451.56)
    assert row.deployment.instances_max == 4
    assert row.deployment.extra_usd == pytest.approx(2 * (0.306 + 30 * 0.08 / 730) * 25 / 60)


def row_registered(name):
    (found,) = (t for t in advisor.read_catalog("us-east-1").instance_types("us-east-1") if t.name == name)
    return found.registered_memory_mib


def test_three_zones_need_half_as_much_more(ranked):
    """Four tasks of 3,000 MiB, one to an m5.large of three zones: four instances; six of them, two a zone, can lose two."""
    text = SIXTY.replace("cpu: 256, memory: 512", "cpu: 1024, memory: 5000").replace("tasks: 60", "tasks: 4")
    row = by_type(ranked(text.replace("zones: 2", "zones: 3")))["m5.large"]
    assert (row.instances_max, row.zone_loss.instances_per_zone, row.zone_loss.instances_max) == (4, 2, 6)
    assert row.zone_loss.monthly_usd == pytest.approx(row.monthly_usd * 6 / 4)


def test_one_zone_has_no_figure_for_its_loss(ranked):
    ranking = ranked(SIXTY.replace("zones: 2", "zones: 1"))
    assert {row.zone_loss for row in ranking.instances} == {None}
    assert "nothing survives its loss" in " ".join(ranking.notes)


def test_a_constant_load_replayed_costs_what_packing_says_where_ecs_can_pack_it(ranked):
    ranking = ranked(SIXTY, replays=2, replay_weeks=1)
    first, second, *rest = ranking.instances
    assert first.replayed.monthly_usd == pytest.approx(first.monthly_usd)
    assert (first.replayed.weeks, first.replayed.waiting_task_hours, first.replayed.hours_above_full) == (1, 0, 0)
    assert first.replayed.monthly_usd <= second.replayed.monthly_usd
    assert all(row.replayed is None for row in rest)


JUMP = """\
cluster: jump
region: us-east-1
services:
  - {name: web, task: {cpu: 512, memory: 1024, startup_seconds: 20}, load: {file: jump.csv, requests_per_task: 50}}
constraints: {instance_types: [m5.large]}
"""


@pytest.mark.parametrize(("step_s", "start_s"), [(60, 60), (20, 20)])
def test_a_start_of_twenty_seconds_takes_a_minute_in_steps_of_one(ranked, tmp_path, step_s, start_s):
    """Once a day 2 tasks get the load of 8: three minutes to the alarm and 4 tasks, the cooldown of five, then all it needs.

    Tasks are full until the last ones run, (180 + 300) s and a start after the jump, on 730 / 24 days of a month.
    """
    rows = [f"2026-01-{day:02}T{hour:02}:00Z,{400 if hour == 9 else 100}" for day in range(5, 19) for hour in range(24)]
    (tmp_path / "jump.csv").write_text("\n".join(["time,requests_per_second", *rows]), encoding="utf-8")
    replayed = ranked(JUMP, replays=1, replay_weeks=1, replay_step_s=step_s).instances[0].replayed
    assert replayed.hours_above_full == pytest.approx((480 + start_s) / 3600 * 730 / 24)


def test_a_replay_has_steps_of_a_period_of_metrics(ranked):
    with pytest.raises(InputError, match="steps of 20 or 60 s, not of 30"):
        ranked(SIXTY, replays=1, replay_step_s=30)


SEVERAL = """\
cluster: packed
region: us-east-1
services:
  - {name: api, task: {cpu: 256, memory: 900}, load: {tasks: 17}}
  - {name: jobs, task: {cpu: 700, memory: 300}, load: {tasks: 9}}
  - {name: cache, task: {cpu: 300, memory: 1900}, load: {tasks: 5}}
constraints: {instance_types: ["m5a.xlarge", "c6a.2xlarge"]}
"""


def test_a_type_that_packs_only_on_paper_falls_behind_when_it_is_replayed(ranked):
    """Three m5a.xlarge on paper, four under ECS's placement (worked out in test_worked_by_hand) from the first minutes on."""
    paper, replayed = ranked(SEVERAL), ranked(SEVERAL, replays=2)
    assert [row.instance_type for row in paper.instances] == ["m5a.xlarge", "c6a.2xlarge"]
    assert [row.instance_type for row in replayed.instances] == ["c6a.2xlarge", "m5a.xlarge"]
    assert by_type(replayed)["m5a.xlarge"].replayed.over_packing == pytest.approx(4 / 3, rel=1e-4)
    alone = ranked(SEVERAL, replays=1)
    assert any("cheaper on paper than the best replayed one: c6a.2xlarge" in note for note in alone.notes)
    assert alone.instances[0].replayed.monthly_usd == pytest.approx(4 * (730 * 0.172 + 30 * 0.08), rel=1e-4)


def test_services_without_a_common_architecture_make_two_rankings(ranked):
    text = SIXTY.replace('"m5.large"]', '"c6g.large"]').replace(
        "constraints", "  - {name: quiet, task: {cpu: 256, memory: 512}, load: {tasks: 2}, architectures: [ARM64]}\nconstraints"
    )
    ranking = ranked(text)
    assert {row.services for row in ranking.instances} == {("worker",), ("quiet",)}
    assert {row.instance_type for row in ranking.instances if row.services == ("quiet",)} == {"c6g.large"}
    assert any("ranked without quiet" in note for note in ranking.notes)


def test_services_of_both_architectures_are_ranked_over_both(ranked):
    text = SIXTY.replace('"m5.large"]', '"c6g.*"]').replace("architectures: [X86_64]", "architectures: [X86_64, ARM64]")
    ranking = ranked(text)
    assert {row.architecture.value for row in ranking.instances} == {"X86_64", "ARM64"}
    usd = [row.monthly_usd for row in ranking.instances]
    assert usd == sorted(usd)


def test_an_address_without_a_price_leaves_the_costs_unknown_and_names_it():
    each = {
        "architecture": "X86_64", "vcpu": 2, "memory_mib": 4000, "max_enis": 9, "trunked_tasks": None, "slots": 8,
        "spot_usd_per_hour": None, "fee_usd_per_hour": None, "baseline_fraction": None, "surplus_usd_per_vcpu_hour": None,
    }  # fmt: skip
    types = [each | {"name": "a.large", "usd_per_hour": 0.2}, each | {"name": "b.large", "usd_per_hour": 0.1}]
    rates = {
        "fargate_usd_per_vcpu_hour": 0.04, "fargate_usd_per_gib_hour": 0.004, "ephemeral_usd_per_gib_hour": 0.0001,
        "ipv4_usd_per_hour": None, "gp3_usd_per_gib_month": 0.08,
    }  # fmt: skip
    service = {
        "name": "web", "form": "tasks", "cpu": 256, "memory": 512, "demand": [4.0] * 4, "public_ipv4": True
    }  # fmt: skip
    load = {"start_s": 0, "step_s": 3600, "services": [service]}
    ranking = rank_instances(as_workload(load), as_catalog(types, {("X86_64", "on_demand"): rates}))
    assert [row.instance_type for row in ranking.instances] == ["b.large", "a.large"]
    for row in ranking.instances:
        assert (row.monthly_usd, row.missing) == (None, (PUBLIC_IPV4_HOUR.id,))
        assert (row.zone_loss.extra_monthly_usd, row.deployment.extra_usd) == (None, None)
    text = render_instances(ranking)
    assert "?" in text
    assert f"no price for {PUBLIC_IPV4_HOUR.id}" in text


@pytest.mark.parametrize(
    ("more", "binds"),
    [
        ("port_mappings: [{container_port: 53, host_port: 53}]", "ports"),
        ("placement_constraints: [{type: distinctInstance}]", "apart"),
    ],
)
def test_what_keeps_tasks_apart_has_room_in_its_column(ranked, more, binds):
    text = SIXTY.replace("architectures", f"network_mode: bridge, {more}, architectures")
    (row, *_) = [line.split() for line in render_instances(ranked(text)).splitlines() if line.startswith("m5.large")]
    assert row[row.index("%") + 1] == binds


def test_tasks_that_no_type_holds_are_refused(ranked):
    with pytest.raises(InputError, match="no priced instance type in us-east-1 holds a task"):
        ranked(SIXTY.replace("cpu: 256, memory: 512", "cpu: 16384, memory: 122880").replace('"c6a.*", ', ""))


# Against the oracle


def without_a_zone(packed, zones):
    """Least instances, spread evenly over the zones, that are enough without the zone that has most: by trying."""
    total = packed
    while total - -(-total // zones) < packed:
        total += 1
    return total


def oracle_instances(load, members, each, zones, times, needed):
    running = [plans.declared_counts(load, service, zones)[2] for service in members]
    sizes = [(service["cpu"], service["memory"]) for service in members]
    series = []
    for counts in zip(*running, strict=True):
        if None in counts:
            series.append(None)
            continue
        tasks = packing.tasks_of_services(counts, sizes) * times
        series.append(needed(packing.first_fit_instances(tasks, packing.capacity(each)), len(tasks)))
    return model.trailing_maximum(series, model.grid_seconds(load["step_s"]))


@a_few
@given(
    load=strategies.workloads(max_steps=30, max_services=3, max_tasks=15),
    types=strategies.instance_catalogs(max_size=4, burstable=False),
    prices=strategies.price_lists(),
    zones=st.sampled_from([1, 2, 3]),
)
def test_every_type_holds_and_costs_what_the_oracle_says(load, types, prices, zones):
    workload, catalog = as_workload(load, zones), as_catalog(types, prices)
    measured = plans.measured_in_all(load)
    expected = {}
    for each in types:
        members = [service for service in load["services"] if each["architecture"] in service["architectures"]]
        rates = prices[each["architecture"], "on_demand"]
        plan = plans.shared_plan(load, each, rates, zones=zones, services=members) if members else None
        if plan is not None:
            expected[each["name"]] = members, each, rates, plan
    if not expected:
        with pytest.raises(InputError):
            rank_instances(workload, catalog)
        return
    ranking = rank_instances(workload, catalog, most=None, deployment_minutes=30)
    rows = by_type(ranking)
    assert set(rows) == set(expected)
    for name, (members, each, rates, plan) in expected.items():
        row = rows[name]
        assert row.services == tuple(service["name"] for service in members)
        usd = plan["month"]["total_usd"]
        assert row.monthly_usd == pytest.approx(usd)
        billed = [n for n, is_known in zip(plan["instances"], measured, strict=True) if is_known]
        assert row.instances_max == max(billed)

        def priced(series, members=members, each=each, rates=rates):
            return plans.priced_instances(load, members, series, each, rates, "on_demand", measured)["month"]["total_usd"]

        if zones == 1:
            assert row.zone_loss is None
        else:
            lost = oracle_instances(
                load, members, each, zones, 1, lambda n, tasks: packing.with_zones(without_a_zone(n, zones), tasks, zones)
            )
            assert row.zone_loss.instances_max == max(n for n, is_known in zip(lost, measured, strict=True) if is_known)
            assert row.zone_loss.monthly_usd == pytest.approx(priced(lost))
        doubled = oracle_instances(load, members, each, zones, 2, lambda n, tasks: packing.with_zones(n, tasks, zones))
        assert row.deployment.instances_max == max(n for n, is_known in zip(doubled, measured, strict=True) if is_known)
        assert row.deployment.extra_usd == pytest.approx((priced(doubled) - usd) / 730 * 0.75, abs=1e-9)


@a_few
@given(
    load=strategies.workloads(max_steps=20, max_services=3, max_tasks=15),
    types=strategies.instance_catalogs(min_size=3),
    prices=strategies.price_lists(),
    most=st.integers(1, 3),
)
def test_the_first_types_are_those_of_the_whole_ranking(load, types, prices, most):
    workload, catalog = as_workload(load), as_catalog(types, prices)
    try:
        everything = rank_instances(workload, catalog, most=None)
    except InputError:
        return
    rankings = {}
    for row in everything.instances:
        rankings.setdefault(row.services, []).append(row)
    for rows in rankings.values():
        assert [row.monthly_usd for row in rows] == sorted(row.monthly_usd for row in rows)
    assert list(rank_instances(workload, catalog, most=most).instances) == [
        row for rows in rankings.values() for row in rows[:most]
    ]


# How it is printed


@pytest.fixture
def sample(ranked):
    return ranked(SIXTY, most=6, replays=2, replay_weeks=1)


def test_the_tables_stay_in_eighty_columns(sample, assert_golden):
    text = render_instances(sample)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert_golden("instances/sixty.txt", text)
    assert_golden("instances/sixty.md", instances_markdown(sample))


@pytest.mark.parametrize(
    ("apart", "said"),
    [
        ("network_mode: bridge, port_mappings: [{container_port: 80, host_port: 8080}]", " %   ports "),
        ("placement_constraints: [{type: distinctInstance}]", " %   apart "),
    ],
)
def test_what_binds_keeps_to_its_column(ranked, apart, said):
    text = render_instances(ranked(SIXTY.replace("{name: worker,", f"{{name: worker, {apart},"), most=1))
    assert said in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_csv_has_a_row_for_each_type_and_leaves_unknown_cells_empty(sample):
    rows = list(csv.DictReader(io.StringIO(instances_csv(sample))))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [row["instance_type"] for row in rows] == [row.instance_type for row in sample.instances]
    assert [row["replayed_monthly_usd"] == "" for row in rows] == [row.replayed is None for row in sample.instances]
    assert float(rows[0]["monthly_usd"]) == sample.instances[0].monthly_usd


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "advisor", "instances", *arguments], capture_output=True, text=True, cwd=ROOT)


def test_the_command_prints_the_fields_of_the_contract(tmp_path):
    path = tmp_path / "workload.yaml"
    path.write_text(SIXTY, encoding="utf-8")
    done = run(str(path), "--format", "json", "--top", "2", "--replay", "--replay-top", "1", "--replay-weeks", "1")
    assert (done.returncode, done.stderr) == (0, "")
    data = json.loads(done.stdout)
    fields = {
        "instance_type", "instances_p50", "instances_p95", "instances_max", "packed_fraction", "binding", "monthly_usd"
    }  # fmt: skip
    assert len(data["instances"]) == 2
    assert all(fields <= set(row) for row in data["instances"])
    assert data["instances"][0]["replayed"]["weeks"] == 1


def test_a_workload_that_is_not_there_is_one_message(tmp_path):
    done = run(str(tmp_path / "none.yaml"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_a_zone_of_three_is_lost_by_tasks_that_need_one_instance(ranked):
    """Four small tasks keep one instance in each of three zones already: without one zone the other two still hold them."""
    row = by_type(ranked(SIXTY.replace("tasks: 60", "tasks: 4").replace("zones: 2", "zones: 3")))["m5.large"]
    assert (row.instances_max, row.zone_loss.instances_max, row.zone_loss.instances_per_zone) == (3, 3, 1)
    assert row.zone_loss.extra_monthly_usd == pytest.approx(0, abs=1e-9)
