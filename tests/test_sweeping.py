"""Where the answer flips: break-even worked out by hand, verified on both sides, and the same numbers as an answer's."""

import csv
import io
import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import advise, payback, plot_sensitivity, plot_sweep, read_catalog, read_workload, sensitivity, sweep
from advisor.cli import main
from advisor.ecs import Architecture, LaunchType, PurchaseOption, TaskSize
from advisor.errors import AdvisorError, InputError
from advisor.meters import CommitmentKind, PaymentOption, committed, fargate_gib_hour, fargate_vcpu_hour, instance_hour
from advisor.report.sweeps import flip_words, payback_sentences, rank_csv, rank_table, sweep_csv, sweep_markdown, sweep_table
from advisor.sweeping import AxisName
from advisor.sweeping.axes import axis_name, checked_values
from advisor.sweeping.load_cloud import load_cloud
from advisor.sweeping.sides import Circumstances, ec2_side, fargate_side
from advisor.workload import Constraints, Daemon, Growth
from tests.as_advisor import REGION, as_catalog, as_workload

WEEK = 168
GP3_USD = 0.08
VOLUME_USD_PER_HOUR = 30 * GP3_USD / 730
FARGATE_USD_PER_TASK_HOUR = 0.5 * 0.04 + 1 * 0.004  # 512 CPU units, 1 GiB


def instance_type(name, usd_per_hour, tasks, architecture="X86_64", **more):
    """A type that holds ``tasks`` tasks of 512 CPU units and 1 GiB."""
    return {
        "name": name, "vcpu": max(1, tasks // 2), "memory_mib": 1024 * tasks, "architecture": architecture, "max_enis": 4,
        "trunked_tasks": 60, "baseline_fraction": None, "usd_per_hour": usd_per_hour, "spot_usd_per_hour": None,
        "surplus_usd_per_vcpu_hour": None, "fee_usd_per_hour": None,
    } | more  # fmt: skip


def catalog_of(*types, spot=False):
    on_demand = {
        "fargate_usd_per_vcpu_hour": 0.04, "fargate_usd_per_gib_hour": 0.004, "ephemeral_usd_per_gib_hour": 0.0001,
        "ipv4_usd_per_hour": 0.005, "gp3_usd_per_gib_month": GP3_USD,
    }  # fmt: skip
    prices = {("X86_64", "on_demand"): on_demand}
    if spot:
        prices["X86_64", "spot"] = on_demand | {"fargate_usd_per_vcpu_hour": 0.012, "fargate_usd_per_gib_hour": 0.0012}
    return as_catalog(types, prices)


def service(demand, form="tasks", **more):
    return {
        "name": "web", "cpu": 512, "memory": 1024, "form": form, "demand": [float(v) for v in demand], "startup_s": 0,
    } | more  # fmt: skip


def load_of(*services, zones=1):
    workload = as_workload({"services": services, "start_s": 0, "step_s": 3600}, zones)
    return replace(workload, constraints=replace(workload.constraints, launch_types=(LaunchType.FARGATE, LaunchType.EC2)))


def steady(n_tasks, n_weeks=2, **more):
    return load_of(service(np.full(n_weeks * WEEK, n_tasks), **more))


EIGHT = instance_type("m7.xlarge", 6 * FARGATE_USD_PER_TASK_HOUR - VOLUME_USD_PER_HOUR, 8)
"""Costs, with its volume, what six tasks cost on Fargate, and holds eight."""


def test_price_break_even_by_hand():
    """Eight tasks: $8f on Fargate, $6f on one instance; Fargate has to get a quarter cheaper."""
    found = sweep(steady(8), catalog_of(EIGHT), x=AxisName.FARGATE_PRICE, y=AxisName.HOURS_PER_DAY)
    (flip,) = [each for each in found.flips_of("best") if each.y == 24]
    (crossing,) = flip.crossings
    assert crossing.low <= -0.25 <= crossing.high
    assert crossing.high - crossing.low <= 0.002
    assert crossing.cheaper_below == "Fargate"
    assert not crossing.is_jump
    assert found.today.fargate_usd == pytest.approx(8 * FARGATE_USD_PER_TASK_HOUR * 730)
    assert found.today.ec2_usd == pytest.approx(6 * FARGATE_USD_PER_TASK_HOUR * 730)


def test_whole_instances_give_several_crossings_that_are_a_range():
    """Instances cost 6 tasks and hold 8: EC2 wins with 7 to 8 and 13 to 16 tasks, loses with 9 to 11; and ever after wins."""
    found = sweep(
        steady(8),
        catalog_of(EIGHT),
        x=AxisName.LOAD_FACTOR,
        y=AxisName.FARGATE_PRICE,
        x_values=[0.5, 1, 1.25, 2],
        y_values=[0, 0.5],
    )
    (flip,) = [each for each in found.flips_of("best") if each.y == 0]
    assert [crossing.cheaper_below for crossing in flip.crossings] == ["Fargate", "EC2", "Fargate"]
    assert [round(8 * crossing.at, 1) for crossing in flip.crossings] == [6.0, 8.0, 12.0]
    assert flip.span[0] < 0.76
    assert flip.span[1] > 1.49
    assert "3 crossings between" in flip_words(found, flip)


def test_a_crossing_in_a_jump_is_called_one():
    """From 8 to 9 tasks a second instance starts: the costs never meet there."""
    found = sweep(
        steady(8), catalog_of(EIGHT), x=AxisName.LOAD_FACTOR, y=AxisName.FARGATE_PRICE, x_values=[1, 1.25], y_values=[0, 0.5]
    )
    (crossing,) = found.flips[0].crossings
    assert crossing.is_jump
    assert crossing.at_low.ec2_usd * 2 == pytest.approx(crossing.at_high.ec2_usd)
    assert "a jump" in flip_words(found, found.flips[0])


@given(
    tasks=st.integers(1, 40),
    holds=st.integers(1, 16),
    over=st.floats(0.2, 2.0),
    x=st.sampled_from([AxisName.LOAD_FACTOR, AxisName.FARGATE_PRICE, AxisName.EC2_PRICE]),
)
@settings(max_examples=15)
def test_at_a_break_even_the_order_swaps_and_the_costs_are_equal_or_jump(tasks, holds, over, x):
    usd = holds * over * FARGATE_USD_PER_TASK_HOUR
    catalog = catalog_of(instance_type("m7.large", usd, holds), instance_type("c7.large", usd * 1.1, holds + 1))
    workload = steady(tasks, n_weeks=1)
    found = sweep(workload, catalog, x=x, y=AxisName.HOURS_PER_DAY, y_values=[12, 24])
    here = Circumstances(workload, catalog)
    for flip in found.flips:
        for crossing in flip.crossings:
            sides = [cell.ec2_usd < cell.fargate_usd for cell in (crossing.at_low, crossing.at_high)]
            assert sides[0] != sides[1]
            assert (crossing.cheaper_below == "EC2") == sides[0]
            gap = min(abs(1 - cell.ec2_usd / cell.fargate_usd) for cell in (crossing.at_low, crossing.at_high))
            assert crossing.is_jump == (gap > 0.01)
            for value, cell in ((crossing.low, crossing.at_low), (crossing.high, crossing.at_high)):
                again = Circumstances(workload, catalog).scenario({x: value, AxisName.HOURS_PER_DAY: flip.y})
                assert fargate_side(again, PurchaseOption.ON_DEMAND).usd == pytest.approx(cell.fargate_usd)
                if flip.line == "best":
                    assert ec2_side(again, PurchaseOption.ON_DEMAND).usd == pytest.approx(cell.ec2_usd)
            if x is not AxisName.LOAD_FACTOR:
                assert not crossing.is_jump  # prices move both costs without steps
    assert here.now(x) == found.x.now


def test_the_point_of_today_is_what_an_answer_says_of_the_same_weeks():
    hours = np.arange(4 * WEEK)
    workload = load_of(
        service(20 + 15 * np.cos(hours / 24 * 2 * np.pi), form="requests", requests_per_task=2.0, min=2), zones=2
    )
    catalog = catalog_of(EIGHT, instance_type("c7.large", 0.05, 4))
    found, answer = sweep(workload, catalog, y_values=[0.5, 0.6]), advise(workload, catalog)
    costs = {
        launch: min(
            a.monthly_usd.mean
            for a in answer.of_scope("cluster")
            if a.monthly_usd and not a.is_comparison and {s.launch_type for s in a.plan.services.values()} == {launch}
        )
        for launch in (LaunchType.FARGATE, LaunchType.EC2)
    }
    # A sweep takes the model that plans are searched with; an answer may look closer at the ones that it shows.
    assert found.today.fargate_usd == pytest.approx(costs[LaunchType.FARGATE], rel=0.02)
    assert found.today.ec2_usd == pytest.approx(costs[LaunchType.EC2], rel=0.02)
    row = found.y.values.index(0.6)
    assert found.cells["best"][row][found.x.values.index(1.0)].ec2_usd == pytest.approx(found.today.ec2_usd)


@pytest.mark.parametrize("changed", [{}, {AxisName.EC2_PRICE: 0.0}])
def test_daemons_take_their_share_of_every_instance_of_a_sweep(changed):
    """A daemon of one task's size leaves room for seven of eight: eight tasks take two instances, $12f, not one."""
    daemon = Daemon(name="agent", task=TaskSize(cpu_units=512, memory_mib=1024))
    workload = replace(steady(8), daemons=(daemon,))
    side = ec2_side(Circumstances(workload, catalog_of(EIGHT)).scenario(changed), PurchaseOption.ON_DEMAND)
    assert side.usd == pytest.approx(12 * FARGATE_USD_PER_TASK_HOUR * 730)
    alone = sensitivity(steady(8), catalog_of(EIGHT))
    beside = sensitivity(workload, catalog_of(EIGHT))
    assert beside.ec2_usd == pytest.approx(2 * alone.ec2_usd)
    zones = next(each for each in beside.inputs if each.input == "zones")
    assert zones.saving_high == pytest.approx(beside.saving_usd)  # two instances are in two zones already


def test_a_sweep_never_leaves_out_own_rates_in_silence():
    with pytest.raises(InputError, match="the catalog was read without them"):
        sweep(replace(steady(8), rates_file="own.csv"), catalog_of(EIGHT))


def test_instance_types_are_chosen_anew_at_each_point():
    small, large = instance_type("m7.large", 0.05, 2), instance_type("m7.4xlarge", 0.30, 16)
    found = sweep(steady(2), catalog_of(small, large), x_values=[1, 8], y=AxisName.EC2_PRICE, y_values=[0, 0.1])
    assert [cell.instance_types for cell in found.cells["best"][0]] == [("m7.large",), ("m7.4xlarge",)]


def test_a_family_has_its_own_line():
    found = sweep(
        steady(8),
        catalog_of(EIGHT, instance_type("c7.large", 0.5, 8)),
        y=AxisName.EC2_PRICE,
        y_values=[0, 0.1],
        x_values=[1, 2],
    )
    assert [line.id for line in found.lines] == ["best", "m7", "c7"]
    assert {cell.instance_types for row in found.cells["c7"] for cell in row} == {("c7.large",)}
    alone = sweep(steady(8), catalog_of(EIGHT, instance_type("c7.large", 0.5, 8)), x=AxisName.EC2_PRICE, families=["c7"])
    assert [line.id for line in alone.lines] == ["best", "c7"]
    with pytest.raises(InputError, match="no candidate instance type is of the family 'z9'"):
        sweep(steady(8), catalog_of(EIGHT), families=["z9"])


def test_more_services_share_instances():
    """One service of four tasks fills half an instance, two fill it."""
    found = sweep(
        steady(4), catalog_of(EIGHT), x=AxisName.SERVICES, y=AxisName.EC2_PRICE, x_values=[1, 2, 3, 4], y_values=[0, 0.01]
    )
    costs = [cell.ec2_usd for cell in found.cells["best"][0]]
    assert costs[1] == pytest.approx(costs[0])
    assert costs[3] == pytest.approx(2 * costs[0])
    assert [cell.fargate_usd / found.today.fargate_usd for cell in found.cells["best"][0]] == pytest.approx([1, 2, 3, 4])
    flip = found.flips[0]
    # 4 tasks on 1 instance, 8 on 1, 12 on 2 (a tie, which counts for Fargate), 16 on 2
    assert [(crossing.low, crossing.high) for crossing in flip.crossings] == [(1, 2), (2, 3), (3, 4)]


def test_copies_of_services_never_share_a_name():
    """A copy of ``web`` must not take the place of a service that is called ``web-2``."""
    workload = load_of(service(np.full(WEEK, 4)), service(np.full(WEEK, 4), name="web-2"))
    scenario = Circumstances(workload, catalog_of(EIGHT)).scenario({AxisName.SERVICES: 5})
    names = [load.service.name for load in scenario.loads]
    assert len(set(names)) == 5
    assert names[:2] == ["web", "web-2"]


def test_a_break_even_is_what_an_answer_to_that_load_says():
    """Each end of a crossing, asked anew as a workload of its own."""
    catalog = catalog_of(EIGHT, instance_type("c7.large", 0.09, 5))
    found = sweep(steady(8), catalog, x_values=[0.25, 0.5, 1, 2], y=AxisName.EC2_PRICE, y_values=[0, 0.5])
    crossings = [crossing for flip in found.flips_of("best") if flip.y == 0 for crossing in flip.crossings]
    assert crossings
    for crossing in crossings:
        for factor, cell in ((crossing.low, crossing.at_low), (crossing.high, crossing.at_high)):
            answer = advise(steady(int(np.ceil(8 * factor - 1e-9))), catalog)
            costs = {
                side: min(a.monthly_usd.mean for a in answer.of_scope("cluster") if a.title.startswith(side))
                for side in ("Fargate", "EC2")
            }
            assert (cell.fargate_usd, cell.ec2_usd) == pytest.approx((costs["Fargate"], costs["EC2"]))


def test_an_answer_names_the_break_even_that_is_nearest_to_today():
    """26 tasks take 4 instances, 24f. With less load EC2 wins to 18 tasks, on 3; loses with 17; and wins on 2 from 16 to 12."""
    found = advise(steady(26), catalog_of(EIGHT)).recommendation.break_even
    assert found.lower_load_factor == pytest.approx(17 / 26, abs=0.01)  # a little more load takes 18 tasks


def test_half_a_day_costs_half_on_fargate():
    found = sweep(
        steady(8), catalog_of(EIGHT), x=AxisName.HOURS_PER_DAY, y=AxisName.EC2_PRICE, x_values=[12, 24], y_values=[0, 1]
    )
    half, whole = found.cells["best"][0]
    assert half.fargate_usd == pytest.approx(whole.fargate_usd / 2)
    assert half.ec2_usd == pytest.approx(whole.ec2_usd * 12.25 / 24)  # instances are held for 15 minutes


def test_the_busiest_hours_of_the_day_are_kept():
    hours = np.arange(WEEK) % 24
    workload = load_of(service(np.where((hours >= 22) | (hours < 2), 10, 1)))
    (load,) = Circumstances(workload, catalog_of(EIGHT)).scenario({AxisName.HOURS_PER_DAY: 4}).loads
    assert sorted(set(np.repeat(hours, 4)[load.is_on].tolist())) == [0, 1, 22, 23]


@pytest.mark.parametrize("is_assumed", [False, True])
def test_a_higher_target_needs_fewer_tasks(is_assumed):
    workload = load_of(service(np.full(WEEK, 20.0), form="requests", requests_per_task=2.0, min=1))
    services = tuple(replace(each, is_stated=is_assumed) for each in workload.services)
    here = Circumstances(replace(workload, services=services), catalog_of(EIGHT))
    here.check(AxisName.UTILIZATION)
    tasks = [here.scenario({AxisName.UTILIZATION: target}).loads[0].run.tasks.max() for target in (0.3, 0.6, 0.9)]
    assert tasks == [20, 10, 7]  # 2 requests per second at 60 %: 1 at 30 %, 3 at 90 %


def spot_types():
    return [instance_type(f"{family}7.xlarge", 0.2, 8, spot_usd_per_hour=0.08) for family in "abcdefg"]


def test_spot_is_compared_with_fargate_spot():
    workload = steady(8, interruptible=True)
    found = sweep(
        workload, catalog_of(*spot_types(), spot=True), x=AxisName.SPOT_DISCOUNT, y=AxisName.EC2_PRICE, y_values=[0, 0.1]
    )
    assert found.x.now == pytest.approx(1 - 1.19 * 0.4)  # the pool's dispersion is part of what is paid
    spot = found.cells["spot"][0]
    assert spot[0].fargate_usd == pytest.approx(8 * FARGATE_USD_PER_TASK_HOUR * 0.3 * 730)
    at = found.x.values.index(0.5)
    assert spot[at].ec2_usd == pytest.approx((0.1 + VOLUME_USD_PER_HOUR) * 730)
    assert found.flips_of("spot")[0].crossings
    assert [line.id for line in found.lines] == ["spot"]  # On-Demand does not move
    with pytest.raises(InputError, match="a Spot axis cannot be swept in eu-north-1: no line for Spot: no rates on both sides"):
        sweep(workload, catalog_of(*spot_types()), x=AxisName.SPOT_PRICE)


def test_a_spot_pool_is_no_single_type():
    with pytest.raises(InputError, match="a Spot pool has six"):
        sweep(
            steady(8, interruptible=True), catalog_of(*spot_types(), spot=True), x=AxisName.SPOT_PRICE, y=AxisName.INSTANCE_TYPE
        )


def test_without_rates_on_both_sides_there_is_no_spot_line():
    found = sweep(steady(8, interruptible=True), catalog_of(*spot_types()), x=AxisName.EC2_PRICE)
    assert [line.id for line in found.lines if line.id == "spot"] == []
    assert any("no rates on both sides (Fargate Spot cannot be priced)" in note for note in found.notes)


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        (AxisName.UTILIZATION, "task counts as they ran"),
        (AxisName.SPOT_DISCOUNT, "no service may be interrupted"),
        (AxisName.SPOT_PRICE, "no service may be interrupted"),
    ],
)
def test_an_axis_that_says_nothing_is_refused(axis, message):
    with pytest.raises(InputError, match=message):
        sweep(steady(8), catalog_of(EIGHT), x=axis, y=AxisName.EC2_PRICE)


def test_names_and_values_are_checked():
    with pytest.raises(InputError, match="no axis 'lode'"):
        axis_name("lode")
    assert axis_name("load-factor") is AxisName.LOAD_FACTOR
    assert checked_values(AxisName.LOAD_FACTOR, ["2", 1, 2.0]) == (1.0, 2.0)
    for values, message in ((["x", 1], "is not a number"), ([0, 1], "from 0.01 to 1000"), ([1], "fewer than two")):
        with pytest.raises(InputError, match=message):
            checked_values(AxisName.LOAD_FACTOR, values)
    with pytest.raises(InputError, match="a whole number from 1 to 24"):
        checked_values(AxisName.HOURS_PER_DAY, [1.5, 3])
    with pytest.raises(InputError, match="both axes are ec2_price"):
        sweep(steady(8), catalog_of(EIGHT), x=AxisName.EC2_PRICE, y=AxisName.EC2_PRICE)
    with pytest.raises(InputError, match="is not among the candidates"):
        sweep(steady(8), catalog_of(EIGHT), y=AxisName.INSTANCE_TYPE, y_values=["m9.large", "m7.xlarge"])


ONE_YEAR = {"years": 1, "payment": PaymentOption.NO_UPFRONT}


def with_plans(catalog, compute_saving, instance_saving):
    """A catalog with Savings Plan rates for a year: savings as shares of the on-demand rate; None is no rate."""
    fargate = [meter(Architecture.X86_64, PurchaseOption.ON_DEMAND) for meter in (fargate_vcpu_hour, fargate_gib_hour)]
    instance = instance_hour("m7.xlarge", PurchaseOption.ON_DEMAND)
    plans = [(CommitmentKind.COMPUTE_SAVINGS_PLAN, meter, compute_saving) for meter in fargate]
    plans.append((CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN, instance, instance_saving))
    prices = catalog.region_prices(REGION)
    rates = dict(prices.rates)
    for kind, meter, saving in plans:
        if saving is not None:
            usd = rates[meter.id].usd * (1 - saving)
            rates[committed(meter, kind, **ONE_YEAR).id] = replace(rates[meter.id], usd=usd)
    return catalog.with_list_rates(REGION, replace(prices, rates=rates))


def test_commitments_on_both_sides_by_hand():
    """Six tasks of price f cost what the instance does; 20 % off Fargate, half off the instance, all of both committed."""
    found = sweep(steady(8), with_plans(catalog_of(EIGHT), 0.2, 0.5), y=AxisName.COMMITMENT, x_values=[0.5, 1, 2])
    assert found.y.values == ("none", "1y:no_upfront")
    assert found.y.now == "none"
    none, committed_row = found.cells["best"]
    f = FARGATE_USD_PER_TASK_HOUR * 730
    assert none[1].fargate_usd == pytest.approx(8 * f)
    assert committed_row[1].fargate_usd == pytest.approx(0.8 * 8 * f)
    volume = VOLUME_USD_PER_HOUR * 730
    assert none[1].ec2_usd == pytest.approx(6 * f)
    assert committed_row[1].ec2_usd == pytest.approx(0.5 * (6 * f - volume) + volume)


@pytest.mark.parametrize("axis", [AxisName.FARGATE_PRICE, AxisName.EC2_PRICE])
def test_savings_plans_get_dearer_as_what_they_cover_does(axis):
    plans = with_plans(catalog_of(EIGHT), 0.2, 0.5)
    by_load = sweep(steady(8), plans, y=AxisName.COMMITMENT, x_values=[1, 2]).cells["best"][1][0]
    by_price = sweep(steady(8), plans, x=axis, y=AxisName.COMMITMENT, x_values=[0, 0.1]).cells["best"][1]
    assert (by_price[0].fargate_usd, by_price[0].ec2_usd) == pytest.approx((by_load.fargate_usd, by_load.ec2_usd))
    volume = VOLUME_USD_PER_HOUR * 730
    if axis is AxisName.FARGATE_PRICE:
        assert by_price[1].fargate_usd == pytest.approx(1.1 * by_load.fargate_usd)
    else:
        assert by_price[1].ec2_usd - volume == pytest.approx(1.1 * (by_load.ec2_usd - volume))


def test_unmet_load_is_said_also_where_fargate_has_no_price():
    load = load_of(service(np.full(2 * WEEK, 20), form="requests", requests_per_task=1.0, architectures=["ARM64"], max=10))
    found = sweep(load, catalog_of(instance_type("m7g.xlarge", 0.1, 8, "ARM64")), x_values=[1, 2])
    assert found.today.fargate_usd is None
    assert found.today.unmet_task_hours > 0


def test_a_commitment_is_only_as_large_as_it_pays():
    """Tasks run a quarter of the hours: a plan that saves a half would be lost in three quarters of them, so none is bought."""
    load = load_of(service(np.tile([8.0] * 6 + [0.0] * 18, 14)))
    found = sweep(load, with_plans(catalog_of(EIGHT), 0.5, 0.5), y=AxisName.COMMITMENT, x_values=[0.5, 1])
    none, committed_row = found.cells["best"]
    assert [cell.fargate_usd for cell in committed_row] == pytest.approx([cell.fargate_usd for cell in none])


def test_without_rates_on_both_sides_commitments_cannot_be_swept():
    with pytest.raises(InputError, match="compute_savings_plan"):
        sweep(steady(8), with_plans(catalog_of(EIGHT), None, 0.5), y=AxisName.COMMITMENT)
    with pytest.raises(InputError, match="no commitment '4y'"):
        sweep(steady(8), catalog_of(EIGHT), y=AxisName.COMMITMENT, y_values=["4y"])
    with pytest.raises(InputError, match="names in place of numbers"):
        sweep(steady(8), catalog_of(EIGHT), x=AxisName.COMMITMENT, y=AxisName.INSTANCE_TYPE)


def test_terms_that_lack_a_rate_leave_a_gap_that_is_named():
    terms = ["none", "1y:no_upfront", "3y:no_upfront"]
    plans = with_plans(catalog_of(EIGHT), 0.2, 0.5)
    found = sweep(steady(8), plans, x=AxisName.COMMITMENT, x_values=terms, y=AxisName.LOAD_FACTOR, y_values=[1, 2])
    assert found.y.name is AxisName.COMMITMENT
    assert [row[0].fargate_usd is None for row in found.cells["best"]] == [False, False, True]
    assert any("compute_savings_plan:3y:no_upfront" in note for note in found.notes)
    assert "3y:no_upfront" in sweep_table(found)
    assert "3y:no_upfront" in sweep_csv(found)
    figure = plot_sweep(found)
    sides = "Cheaper today with Savings Plans on both sides: EC2 with none and 1 year no upfront"
    assert figure.finding == sides  # three years have no rate
    assert "1 year no\nupfront" in [label.get_text() for label in figure.axes[0].get_yticklabels()]


def test_what_has_no_price_is_no_figure():
    catalog = as_catalog([EIGHT], {})
    with pytest.raises(AdvisorError, match="no saving to move"):
        sensitivity(steady(8), catalog)


def test_the_cloud_of_a_steady_load_lies_around_today():
    cloud = load_cloud(Circumstances(steady(8, n_weeks=4), catalog_of(EIGHT)))
    assert cloud.p10 < 1 < cloud.p90
    assert cloud.p50 == pytest.approx(1, abs=0.01)
    grown = replace(steady(8, n_weeks=4), growth=Growth(fraction=0.5))
    assert load_cloud(Circumstances(grown, catalog_of(EIGHT))).p50 == pytest.approx(1.5, abs=0.05)
    assert load_cloud(Circumstances(steady(8, n_weeks=1), catalog_of(EIGHT))) is None


# Inputs ranked


def test_each_input_is_worked_out_anew_and_ranked():
    workload = load_of(service(np.full(WEEK, 16.0), form="requests", requests_per_task=2.0, min=1))
    found = sensitivity(workload, catalog_of(EIGHT))
    by_name = {each.input: each for each in found.inputs}
    assert found.saving_usd == pytest.approx(2 * FARGATE_USD_PER_TASK_HOUR * 730)
    price = by_name["price of Fargate"]
    assert price.saving_high == pytest.approx((8.8 - 6) * FARGATE_USD_PER_TASK_HOUR * 730)
    assert price.saving_low == pytest.approx((7.2 - 6) * FARGATE_USD_PER_TASK_HOUR * 730)
    load = by_name["load"]
    assert load.saving_high == pytest.approx((9 - 12) * FARGATE_USD_PER_TASK_HOUR * 730)  # nine tasks: a second instance
    assert load.flips
    assert by_name["zones"].saving_high == pytest.approx((8 - 12) * FARGATE_USD_PER_TASK_HOUR * 730)
    assert by_name["zones"].saving_low is None
    moves = [each.moves_usd for each in found.inputs]
    assert moves == sorted(moves, reverse=True)
    assert "load" in rank_table(found)
    assert len(list(csv.reader(io.StringIO(rank_csv(found))))) == len(found.inputs) + 1


def test_one_task_more_than_a_lower_bound_of_none_is_one_more_than_the_one_that_is_kept():
    of_none, of_one = (
        sensitivity(load_of(service(np.full(WEEK, 1.0), form="requests", requests_per_task=2.0, min=least)), catalog_of(EIGHT))
        for least in (0, 1)
    )
    more, expected = (next(each for each in found.inputs if each.input == "min tasks") for found in (of_none, of_one))
    assert (more.saving_low, more.saving_high) == (expected.saving_low, expected.saving_high)
    assert more.saving_high == pytest.approx(of_none.saving_usd + FARGATE_USD_PER_TASK_HOUR * 730)


def test_task_counts_leave_the_target_unknown():
    found = sensitivity(steady(8), catalog_of(EIGHT))
    assert "target CPU" not in {each.input for each in found.inputs}
    assert any(note.startswith("target CPU") for note in found.not_known)


def test_the_spot_price_moves_a_saving_on_spot():
    found = sensitivity(
        steady(8, interruptible=True), catalog_of(*spot_types(), spot=True), purchase_option=PurchaseOption.SPOT
    )
    (spot,) = [each for each in found.inputs if each.input == "price of EC2 Spot"]
    assert spot.saving_high - spot.saving_low == pytest.approx(-0.5 * 1.19 * 0.08 * 730)


# Labour


@pytest.fixture(scope="module")
def advised():
    return advise(steady(8, n_weeks=4), catalog_of(EIGHT))


def test_hours_that_flip_the_answer_by_hand(advised):
    saving = advised.recommendation.saving.mean
    found = payback(advised, labour_usd_per_hour=10, migration_hours=8, double_running_days=73 / 12)
    assert saving == pytest.approx(2 * FARGATE_USD_PER_TASK_HOUR * 730)
    assert found.break_even_hours_per_month == pytest.approx(saving / 10)
    one_off = 8 * 10 + 6 * FARGATE_USD_PER_TASK_HOUR * 146
    assert found.one_off_usd == pytest.approx(one_off)
    assert found.payback_months == pytest.approx(one_off / saving)
    sentences = payback_sentences(found)
    assert f"more than {saving / 10:.1f} hours a month at $10 an hour" in sentences[0]
    assert f"paid after {one_off / saving:.1f} months" in sentences[1]


def test_work_that_takes_the_saving_never_pays(advised):
    found = payback(advised, labour_usd_per_hour=10, extra_hours_per_month=100, migration_hours=1)
    assert found.net_saving_usd < 0
    assert found.payback_months is None
    assert "never pays" in payback_sentences(found)[1]


def test_labour_needs_a_rate_and_a_comparison(advised):
    with pytest.raises(InputError, match="an hour of work at 0 dollars"):
        payback(advised, labour_usd_per_hour=0)
    with pytest.raises(InputError, match="below zero"):
        payback(advised, labour_usd_per_hour=10, migration_hours=-1)
    alone = replace(advised, recommendation=replace(advised.recommendation, saving=None))
    with pytest.raises(InputError, match="nothing to compare with"):
        payback(alone, labour_usd_per_hour=10)


# Text, charts, command


@pytest.fixture(scope="module")
def swept():
    return sweep(steady(8, n_weeks=4), catalog_of(EIGHT, instance_type("c7.large", 0.1, 5)), y_values=[8, 24])


def test_a_sweep_as_text(swept):
    rows = list(csv.DictReader(io.StringIO(sweep_csv(swept))))
    assert len(rows) == 3 * 2 * 9
    assert {row["cheaper"] for row in rows} == {"EC2", "Fargate"}
    assert json.loads(json.dumps(swept.to_dict()))["x"]["words"] == "load over today's"
    assert "EC2 is cheaper today by 25 %" in sweep_table(swept)
    assert sweep_markdown(swept).count("\n| ") == 2 + 3 * 2


def test_charts_say_what_they_show(swept):
    assert plot_sweep(swept).finding.startswith("EC2 is cheaper today by 25 %")
    assert plot_sweep(swept).png() == plot_sweep(swept).png()
    types = sweep(steady(8), catalog_of(EIGHT, instance_type("c7.large", 0.1, 5)), y=AxisName.INSTANCE_TYPE)
    assert types.y.values == ("m7.xlarge", "c7.large")
    assert "instance type" in plot_sweep(types).finding
    assert "what moves that most: " in plot_sensitivity(sensitivity(steady(8), catalog_of(EIGHT))).finding


@pytest.fixture
def run(capsys, monkeypatch):
    def run_command(*arguments):
        monkeypatch.setattr(sys, "argv", ["advisor", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run_command


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "workload.yaml"
    path.write_text(
        "cluster: small\nregion: us-east-1\nservices:\n"
        "  - {name: web, task: {cpu: 512, memory: 1024}, load: {tasks: 20}}\n"
        'constraints: {instance_types: ["m7i.large", "m7i.xlarge", "c7i.large"]}\n'
    )
    return path


def test_the_command_prints_and_writes_what_the_library_gives(run, small, tmp_path):
    arguments = ("sweep", small, "--quiet", "--x", "load_factor=0.5,1,2", "--y", "ec2_price=-0.1,0,0.1")
    status, out, err = run(*arguments, "--format", "json", "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    workload = read_workload(small)
    found = sweep(workload, read_catalog("us-east-1"), y=AxisName.EC2_PRICE, x_values=[0.5, 1, 2], y_values=[-0.1, 0, 0.1])
    assert json.loads(out) == json.loads(json.dumps(found.to_dict()))
    names = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert names == {"sweep.json", "sweep.csv", "sweep.md", "charts/sweep.png", "charts/sweep.svg"}


def test_the_command_ranks_and_counts_hours(run, small):
    status, out, _ = run("sweep", small, "--quiet", "--rank", "--labour-usd-per-hour", 80)
    assert status == 0
    assert "what moves that most: " in out
    assert "unless it takes more than" in out
    _, out, _ = run("sweep", small, "--quiet", "--rank", "--labour-usd-per-hour", 80, "--format", "json")
    assert json.loads(out)["payback"]["labour_usd_per_hour"] == 80


def test_the_command_names_what_is_wrong(run, small):
    status, _, err = run("sweep", small, "--quiet", "--y", "commitment=4y")
    assert (status, "no commitment '4y'" in err) == (1, True)
    status, _, err = run("sweep", small, "--quiet", "--x", "load_factor=a,b")
    assert (status, "is not a number" in err) == (1, True)
    assert run("sweep", small, "--quiet", "--migration-hours", 3)[0] == 2


def test_candidates_may_need_zones_that_are_not_there():
    workload = replace(steady(8), constraints=Constraints(zones=3, instance_types=("*.*",)))
    found = sensitivity(workload, catalog_of(EIGHT))
    (zones,) = [each for each in found.inputs if each.input == "zones"]
    assert zones.saving_high is None
    assert zones.saving_low is not None
    assert "more zones: no candidate instance type is offered in 4 of them" in found.not_known
