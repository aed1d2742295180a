"""What settings of scaling are worth: by hand, and equal to a replay of the whole plan under that setting."""

import math
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

import advisor
from advisor.ecs import Architecture, LaunchType, PlacementStrategy, PurchaseOption, TaskSize
from advisor.optimize.levers import price_levers
from advisor.optimize.loads import service_loads
from advisor.optimize.pricing import price_parts
from advisor.optimize.providers import instance_provider
from advisor.optimize.replayed import replayed_parts
from advisor.optimize.search import part_on_provider, search_for
from advisor.ranking import rank_instances
from advisor.recommend.zone_stops import zone_stops
from advisor.report.instances import instances_markdown, render_instances
from advisor.workload import Constraints, LoadForm, PresentCluster, Scaling, Service, Workload

M5_LARGE_USD = 730 * 0.096 + 30 * 0.08
"""A month of one with its volume, us-east-1."""
DAY = [500, 500, 700, 1400, 2600, 4100, 5200, 4700, 3900, 4400, 2100, 900]
"""CPU units in use, two hours each."""


def workload_of(cpu_units, *, target=0.5, form=LoadForm.USAGE):
    service = Service(
        name="web",
        task=TaskSize(cpu_units=512, memory_mib=1024),
        load_form=form,
        scaling=Scaling(min_tasks=1, target_cpu_fraction=target),
    )
    return Workload(
        cluster="c",
        region="us-east-1",
        services=(service,),
        start=datetime(2024, 1, 1, tzinfo=UTC),
        step_s=3600,
        demand=np.resize(np.repeat(np.array(cpu_units, dtype=float), 2), (1, 168)),
        constraints=Constraints(instance_types=("m5.large",), zones=1),
    )


def replayed(workload, weeks=1):
    """A part on m5.large as a replay of its week leaves it, the search and the hours."""
    search = search_for(workload, advisor.read_catalog("us-east-1"))
    (load,) = service_loads(workload, search.axis)
    provider = instance_provider(
        "web", LaunchType.EC2, PurchaseOption.ON_DEMAND, search.candidates.types, Architecture.X86_64, 0.0,
        constraints=workload.constraints,
    )  # fmt: skip
    (part,) = replayed_parts([part_on_provider(search, [load.run], provider)], workload, search, weeks=weeks)
    return part, search, load.hours


def levers_of(workload):
    part, search, hours = replayed(workload)
    found = price_levers(part, workload, search, hours, weeks=1)
    return found, {(lever.setting, lever.after): lever.outcome for lever in found.levers}


def test_a_constant_load_by_hand():
    """2,600 CPU units: 11 tasks at 50 %, three instances of four; 9 at 60 %, still three; 8 at 70 %, two.

    A target capacity of 90 % keeps ceil(3 / 0.9) = 4 instances, and so does 80 %. Nothing else matters to a constant load.
    """
    found, outcomes = levers_of(workload_of([2600]))
    assert (found.weeks, found.base.monthly_usd) == (1, pytest.approx(3 * M5_LARGE_USD))
    instances = {key: each.monthly_usd / M5_LARGE_USD for key, each in outcomes.items()}
    assert instances == pytest.approx(
        {
            ("scaling target", "40 %"): 4,  # 12.7: 13 tasks
            ("scaling target", "60 %"): 3,
            ("scaling target", "70 %"): 2,
            ("scale-in cooldown", "60 s"): 3,
            ("scale-in cooldown", "900 s"): 3,
            ("minimum tasks", "one more"): 3,
            ("target capacity", "90 %"): 4,
            ("target capacity", "80 %"): 4,
            ("placement", "binpack"): 3,
            ("placement", "ECS's default"): 3,
            ("placement", "spread over instances"): 3,
            ("placement", "random"): 3,
            ("metrics of the service", "20 s"): 3,
            ("tasks of a zone that stop", "any"): 3,
            ("scale-in step", "one task at a time"): 3,
        },
        rel=1e-3,  # the fourth instance boots at first
    )
    assert {each.hours_above_80_percent for each in outcomes.values()} == {0}  # 2,600 of 8 x 512 units are 63 %


@pytest.mark.parametrize("target", [0.4, 0.6, 0.7])
def test_another_target_is_the_plan_replayed_under_that_target(target):
    _, outcomes = levers_of(workload_of(DAY))
    outcome = outcomes["scaling target", f"{target * 100:g} %"]
    part, search, hours = replayed(workload_of(DAY, target=target))
    assert outcome.monthly_usd == pytest.approx(price_parts([part], hours, search.catalog, search.region).monthly_usd.mean)
    assert outcome.instances_max == part.replay.instances_max
    assert outcome.waiting_task_hours == pytest.approx(part.replay.waiting_task_hours)
    assert outcome.hours_above_full == pytest.approx(part.replay.hours_above_full)


def test_a_higher_target_saves_money_and_costs_hours_above_eighty_percent():
    found, outcomes = levers_of(workload_of(DAY))
    assert outcomes["scaling target", "70 %"].monthly_usd < found.base.monthly_usd
    assert outcomes["scaling target", "70 %"].hours_above_80_percent >= found.base.hours_above_80_percent
    assert outcomes["target capacity", "80 %"].waiting_task_hours <= found.base.waiting_task_hours


def test_what_aws_does_not_publish_is_shown_as_no_choice():
    found, _ = levers_of(workload_of(DAY))
    assert [lever.setting for lever in found.levers if lever.is_assumption] == ["tasks of a zone that stop", "scale-in step"]


def test_a_setting_that_is_there_already_is_no_lever():
    load = workload_of([2600])
    (web,) = load.services
    found, _ = levers_of(replace(load, services=(replace(web, scaling=replace(web.scaling, in_cooldown_s=900)),)))
    assert [(each.before, each.after) for each in found.levers if each.setting == "scale-in cooldown"] == [("900 s", "60 s")]


def test_counts_that_were_given_leave_only_the_settings_of_the_instances():
    found, _ = levers_of(workload_of([3, 5, 9], form=LoadForm.TASKS))
    assert {lever.setting for lever in found.levers} == {"target capacity", "placement", "tasks of a zone that stop"}


def test_the_default_placement_keeps_an_instance_for_every_task():
    """By hand: 40 tasks fill ten instances of four; then five minutes' worth of ten hours with ten tasks, one on each.

    Spread over instances no instance is ever empty; packed, three are enough once the fifteen minutes are over.
    """
    found, outcomes = levers_of(workload_of([40, 10, 10, 10, 10, 10], form=LoadForm.TASKS))
    default = outcomes["placement", "ECS's default"].monthly_usd
    assert default == pytest.approx(10 * M5_LARGE_USD, rel=1e-2)
    assert found.base.monthly_usd < 0.55 * default
    assert outcomes["placement", "binpack"].monthly_usd == pytest.approx(found.base.monthly_usd, rel=1e-2)


def test_any_task_of_a_zone_leaves_seven_of_ten_instances_with_one():
    """Of 40 tasks on ten instances of four, 30 stop: an instance keeps none with a chance of C(36, 10) / C(40, 10) = 0.30."""
    load = workload_of([40, 10, 10, 10, 10, 10], form=LoadForm.TASKS)
    found, outcomes = levers_of(load)
    more = outcomes["tasks of a zone that stop", "any"].monthly_usd - found.base.monthly_usd
    # seven in place of three for 20 hours a day, less a quarter of one twice
    assert more == pytest.approx(4 * 19.5 / 24 * M5_LARGE_USD, rel=0.2)
    part, search, hours = replayed(load)
    (said,) = zone_stops([part], load, search, hours, ("Fargate", more + 1))
    assert f"instances of web cost ${more:,.2f} a month more if a scale-in stops any task of a zone: " in said
    (said,) = zone_stops([part], load, search, hours, ("Fargate", more - 1))
    assert "any task of a zone, and Fargate may be cheaper then: " in said
    constant = workload_of([2600])
    part, search, hours = replayed(constant)
    assert not [*zone_stops([part], constant, search, hours, ("", math.nan))]


def test_what_any_task_of_a_zone_costs_is_of_the_weeks_that_the_bill_was_replayed_on():
    load = workload_of([40, 10, 10, 10, 10, 10], form=LoadForm.TASKS)
    steady = replace(load, demand=np.hstack([load.demand, np.full((1, 168), 10.0)]))
    found = replayed(steady, weeks=1), replayed(steady, weeks=2)
    said = [[*zone_stops([part], steady, search, hours, ("", math.nan))] for part, search, hours in found]
    assert [len(each) for each in said] == [0, 1]
    assert "may be cheaper" not in said[1][0]


def present_on(*names, cpu_units=DAY, **more):
    workload = replace(workload_of(cpu_units, **more), present=PresentCluster(instances=dict.fromkeys(names, 4)))
    return rank_instances(workload, advisor.read_catalog("us-east-1"), replay_weeks=1, has_levers=True)


def test_the_strategies_of_a_present_cluster_by_hand():
    """40 tasks fill ten m5.large, ten tasks three: spread over instances, none of the ten is ever empty."""
    ranking = present_on("m5.large", cpu_units=[40, 10, 10, 10, 10, 10], form=LoadForm.TASKS)
    found = {each.placement: each.monthly_usd for each in ranking.present.strategies}
    assert found[PlacementStrategy.DEFAULT_SPREAD] == ranking.present.default_usd == pytest.approx(10 * M5_LARGE_USD, rel=1e-2)
    mean = (10 * 4 + 3 * 20 + 7 * 0.25 * 2) / 24  # seven instances are held for a quarter of an hour, twice a day
    assert found[PlacementStrategy.BINPACK] == pytest.approx(mean * M5_LARGE_USD, rel=0.02)
    assert found[PlacementStrategy.INSTANCE_SPREAD] == pytest.approx(10 * M5_LARGE_USD, rel=1e-2)
    assert found[PlacementStrategy.BINPACK] < found[PlacementStrategy.RANDOM] <= found[PlacementStrategy.DEFAULT_SPREAD]
    text = " ".join(render_instances(ranking).split())
    saved = ranking.present.default_usd - found[PlacementStrategy.SPREAD_THEN_BINPACK]
    assert f"AZ spread, then binpack saves USD {saved:,.2f}" in text
    assert ranking.to_dict()["present"]["instance_type"] == "m5.large"


@pytest.mark.parametrize(
    ("names", "why"), [(("m4.large",), "m4.large is no candidate"), (("m5.large", "m5.xlarge"), "2 instance types")]
)
def test_a_present_cluster_that_cannot_be_priced_so_is_said(names, why):
    ranking = present_on(*names)
    assert ranking.present is None
    assert any(why in note for note in ranking.notes)


def test_metrics_of_twenty_seconds_scale_out_two_minutes_sooner():
    """A load that rises each day: two minutes less with too few tasks, at each rise of more than a tenth."""
    found, outcomes = levers_of(workload_of([500, 4100]))
    faster = outcomes["metrics of the service", "20 s"]
    assert faster.hours_above_80_percent < found.base.hours_above_80_percent
    assert faster.monthly_usd >= found.base.monthly_usd


def test_the_ranking_shows_levers_on_its_first_type(assert_golden):
    workload = workload_of(DAY)
    workload = replace(workload, constraints=replace(workload.constraints, instance_types=("m5.*", "c6a.large")))
    ranking = rank_instances(workload, advisor.read_catalog("us-east-1"), most=3, replay_weeks=1, has_levers=True)
    assert [row.levers is not None for row in ranking.instances] == [True, False, False]
    assert ranking.instances[0].levers.base.monthly_usd == pytest.approx(ranking.instances[0].replayed.monthly_usd)
    text = render_instances(ranking)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert_golden("instances/levers.txt", text)
    assert "- scaling target 50 % -> 60 %: saves USD" in instances_markdown(ranking).replace("\\", "").replace("-&gt;", "->")


def test_the_order_of_services_in_the_file_changes_no_figure():
    """Targets of 40 and 80 % stay with their services though the replay takes the larger task first."""

    def service(name, cpu_units, target):
        return Service(
            name=name,
            task=TaskSize(cpu_units=cpu_units, memory_mib=2 * cpu_units),
            load_form=LoadForm.USAGE,
            scaling=Scaling(min_tasks=1, target_cpu_fraction=target),
        )

    small, large = service("a", 256, 0.4), service("b", 1024, 0.8)
    one = workload_of(DAY)
    demand = {"a": one.demand[0], "b": 2 * one.demand[0]}
    found = []
    for services in ((small, large), (large, small)):
        workload = replace(one, services=services, demand=np.stack([demand[each.name] for each in services]))
        search = search_for(workload, advisor.read_catalog("us-east-1"))
        loads = {load.run.service.name: load for load in service_loads(workload, search.axis)}
        provider = instance_provider(
            "shared", LaunchType.EC2, PurchaseOption.ON_DEMAND, search.candidates.types, Architecture.X86_64, 0.0,
            constraints=workload.constraints,
        )  # fmt: skip
        part = part_on_provider(search, [loads[each.name].run for each in services], provider)
        levers = price_levers(part, workload, search, loads["a"].hours, weeks=1)
        found.append([levers.base, *(lever.outcome for lever in levers.levers)])
    assert len(found[0]) == len(found[1]) > 5
    for left, right in zip(*found, strict=True):
        assert left.monthly_usd == pytest.approx(right.monthly_usd)
        assert left.hours_above_80_percent == pytest.approx(right.hours_above_80_percent)
        assert left.hours_above_full == pytest.approx(right.hours_above_full)


def test_a_gap_is_not_an_hour_that_went_well():
    """Two weeks replayed: the hours of a month above target are those of the known week, whether or not the other is known."""
    day = np.resize(np.repeat(np.array(DAY, dtype=float), 2), 168)
    whole = replace(workload_of(DAY), demand=np.concatenate([day, day])[np.newaxis])
    gap = replace(whole, demand=np.concatenate([day, np.full(168, np.nan)])[np.newaxis])
    both, known = (replayed(load, weeks=2)[0].replay for load in (whole, gap))
    assert both.hours_above_target > 1
    for name in ("hours_above_target", "hours_above_full", "waiting_task_hours"):
        assert getattr(known, name) == pytest.approx(getattr(both, name), rel=0.02), name


def test_weeks_without_data_are_not_a_replay_that_went_well():
    day = np.resize(np.repeat(np.array(DAY, dtype=float), 2), 168)
    load = replace(workload_of(DAY), demand=np.concatenate([day, np.full(168, np.nan)])[np.newaxis])
    assert replayed(load, weeks=1)[0].replay is None
    ranking = rank_instances(load, advisor.read_catalog("us-east-1"), replays=1, replay_weeks=1)
    assert [row.replayed for row in ranking.instances] == [None]
    assert any(note.startswith("not replayed: the last 1 weeks hold too little") for note in ranking.notes)
