"""Commitments that the account holds: read, billed with every alternative hour by hour, and sunk."""

import json
from dataclasses import replace

import numpy as np
import pytest

from advisor import read_workload
from advisor.answer import advise
from advisor.answer import answer as plans
from advisor.ecs import Architecture, LaunchType, PurchaseOption
from advisor.errors import InputError, PriceNotFoundError
from advisor.meters import CommitmentKind, PaymentOption, committed, fargate_gib_hour, fargate_vcpu_hour, instance_hour
from advisor.optimize.held import price_plan
from advisor.plan import Commitment
from advisor.pricing import Rate
from advisor.report.explain import explain_text
from advisor.report.sweeps import flip_headline
from advisor.sweeping import sweep
from advisor.workload import PresentCluster, PresentService
from tests.as_advisor import SOURCE, as_catalog, as_rates, as_workload
from tests.test_present import FARGATE, LARGE, N_HOURS, PRICES, web

approx = pytest.approx
TERMS = {"term_years": 1, "payment": PaymentOption.NO_UPFRONT}
XLARGE = {**LARGE, "name": "m5.xlarge", "vcpu": 4, "memory_mib": 15_360, "trunked_tasks": 20, "usd_per_hour": 0.2}
CHEAPER = {**LARGE, "name": "m6i.large", "usd_per_hour": 0.095}
ON_DEMAND = PurchaseOption.ON_DEMAND
FARGATE_METERS = (fargate_vcpu_hour(Architecture.X86_64, ON_DEMAND), fargate_gib_hour(Architecture.X86_64, ON_DEMAND))


def compute_plan(usd_per_hour):
    return Commitment(kind=CommitmentKind.COMPUTE_SAVINGS_PLAN, usd_per_hour=usd_per_hour, **TERMS)


def reserved(instance_type, count, **more):
    return Commitment(kind=CommitmentKind.RESERVED_INSTANCE, instance_type=instance_type, count=count, **TERMS, **more)


def listed(types, fargate_saving=0.25, instance_saving=0.4, compute_saving=0.3):
    """Rates with those of commitments: savings as shares of the on-demand rate; none where the share is None."""
    rates = as_rates(types, PRICES)
    plan, compute, ri = (
        CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN,
        CommitmentKind.COMPUTE_SAVINGS_PLAN,
        CommitmentKind.RESERVED_INSTANCE,
    )
    instances = [instance_hour(each["name"], ON_DEMAND) for each in types]
    savings = [(compute, FARGATE_METERS, fargate_saving), (compute, instances, compute_saving)]
    for kind, meters, saving in [*savings, (plan, instances, instance_saving), (ri, instances, instance_saving)]:
        for meter in meters if saving is not None else ():
            usd = rates[meter.id].usd * (1 - saving)
            rates[committed(meter, kind, years=1, payment=TERMS["payment"]).id] = Rate(usd, meter.unit, SOURCE.id, SOURCE.date)
    return rates


def workload_of(*services, held=(), present=None, cluster=None, step_s=3600, **more):
    load = as_workload({"start_s": 0, "step_s": step_s, "services": list(services)}, **more)
    named = tuple(replace(service, present=present) for service in load.services)
    return replace(load, services=named, present=cluster, commitments=tuple(held))


def answer(*services, types=(LARGE,), rates=None, replay_weeks=0, **more):
    return advise(workload_of(*services, **more), as_catalog(types, PRICES, rates or listed(types)), replay_weeks=replay_weeks)


def month(found, name="web"):
    return {a.id: a.monthly_usd.mean for a in found.alternatives if a.scope == "cluster" and a.monthly_usd}


def items(bill):
    return {(item.part, item.meter): (item.quantity, item.amount_usd) for item in bill.line_items}


def only(found, start):
    return next(a for a in found.alternatives if a.scope == "cluster" and a.id.startswith(start))


def test_a_plan_covers_fargate_and_the_rest_is_on_demand():
    """4 tasks of 1 vCPU and 2 GiB; $0.072 buys all 8 GiB at $0.003 first? Equal savings: the lower rate, memory, first.

    8 GiB x $0.003 = $0.024; $0.048 left buys 1.6 vCPU at $0.03; 2.4 vCPU stay at $0.04 = $0.096 an hour.
    """
    found = answer(web(), held=[compute_plan(0.072)])
    bill = only(found, "cluster:fargate").bill
    vcpu, gib = (meter.id for meter in FARGATE_METERS)
    assert items(bill) == {
        ("web", vcpu): (approx(2.4 * 730), approx(0.096 * 730)),
        ("web", f"compute_savings_plan:1y:no_upfront:{vcpu}"): (approx(1.6 * 730), approx(0.048 * 730)),
        ("web", gib): (approx(0, abs=1e-9), approx(0, abs=1e-9)),
        ("web", f"compute_savings_plan:1y:no_upfront:{gib}"): (approx(8 * 730), approx(0.024 * 730)),
    }
    assert only(found, "cluster:fargate").monthly_usd.mean == approx((0.096 + 0.072) * 730)


def test_what_no_usage_takes_is_lost_and_stands_on_its_own_line():
    found = answer(web(), held=[compute_plan(1.0)])
    fargate = only(found, "cluster:fargate")
    assert items(fargate.bill)["held commitments", "compute_savings_plan:1y:no_upfront:unused"] == (
        approx((1 - 0.144) * 730),
        approx((1 - 0.144) * 730),
    )
    assert fargate.monthly_usd.mean == approx(730)


def test_what_a_purchase_loses_stands_apart_from_what_the_held_one_loses():
    """$0.144 an hour of $1 is used; the $0.5 that are bought beside it cover nothing."""
    given = plans(workload_of(web(), held=[compute_plan(1.0)]), as_catalog((LARGE,), PRICES, listed((LARGE,))))
    parts = next(each.parts for each in given.found.for_cluster if each.id.startswith("cluster:fargate"))
    bill = price_plan(parts, given.found.common_hours, replace(given.search, bought=(compute_plan(0.5),))).bill
    lost = {(each.part, each.source): each.amount_usd for each in bill.line_items if each.meter.endswith(":unused")}
    assert lost == {
        ("held commitments", "workload file"): approx(730 * (1 - 0.144)),
        ("new commitments", "this plan"): approx(730 * 0.5),
    }


def test_commitments_apply_to_clock_hours_and_not_to_their_mean():
    """8 tasks in one hour and none in the next: a plan that would cover the mean of 4 covers half of what runs."""
    demand = [80.0, 0.0] * (N_HOURS // 2)
    found = answer(web(demand=demand, min=0), held=[compute_plan(0.144)])
    fargate = only(found, "cluster:fargate").monthly_usd.mean
    used, left = 365 * 0.144, 365 * 4 * 0.048
    assert fargate == approx(730 * 0.144 + left, rel=2e-3)  # scale-in delay adds a quarter of an hour
    assert fargate > used + left


def test_quarters_of_an_hour_are_added_up_before_a_plan_applies():
    """4 tasks in one quarter and none in three make 1 task-hour, which a plan for one task covers whole."""
    demand = [4.0, 0.0, 0.0, 0.0] * 336
    tasks = {"name": "web", "form": "tasks", "demand": demand, "cpu": 1024, "memory": 2048, "startup_s": 0}
    found = answer(tasks, held=[compute_plan(0.036)], step_s=900)
    assert only(found, "cluster:fargate").monthly_usd.mean == approx(730 * 0.036)


def test_reserved_instances_cover_other_sizes_and_are_billed_as_their_own():
    """4 tasks of 2 GiB fill two m5.large; one reserved m5.xlarge covers both: as one hour of an xlarge for each hour."""
    held = [reserved("m5.xlarge", 1)]
    found = answer(web(), held=held, types=(LARGE, XLARGE), launch_types=(LaunchType.EC2,))
    best = found.alternative(found.recommendation.alternative)
    amounts = {meter: amount for (_, meter), (_, amount) in items(best.bill).items()}
    assert amounts["reserved_instance:1y:no_upfront:ec2:linux:on_demand:m5.xlarge"] == approx(730 * 0.2 * 0.6)
    assert best.monthly_usd.mean == approx(730 * 0.12 + sum(usd for meter, usd in amounts.items() if meter.startswith("ebs")))


def test_types_that_commitments_cover_are_offered_though_others_are_cheaper():
    """Six m6i.large at $0.095 beat m5.large at $0.10, but not where m5.large is paid for already."""
    types = (LARGE, CHEAPER)
    without = answer(web(), types=types, launch_types=(LaunchType.EC2,))
    assert "m6i.large" in without.recommendation.headline
    found = answer(web(), types=types, held=[reserved("m5.large", 9)], launch_types=(LaunchType.EC2,))
    assert "m5.large" in found.recommendation.headline
    assert found.recommendation.alternative.endswith(":held_types")


STEADY = {"name": "web", "form": "tasks", "demand": [4.0] * N_HOURS, "cpu": 1024, "memory": 2048, "startup_s": 0}


def test_types_with_a_rate_under_a_compute_plan_are_offered_though_others_are_cheaper_on_demand():
    """m6i.large at $0.095 has no rate under the plan; m5.large has, of which the plan of $0.14 an hour pays two at $0.07."""
    rates = {**listed((CHEAPER,), compute_saving=None), **listed((LARGE,))}
    found = answer(STEADY, types=(LARGE, CHEAPER), rates=rates, held=[compute_plan(0.14)], launch_types=(LaunchType.EC2,))
    assert found.recommended.id.endswith(":rated:held_types")
    assert found.recommended.monthly_usd.mean == approx(730 * 0.14 + 2 * 30 * 0.08)


def test_types_under_a_compute_plan_are_ranked_by_what_is_left_to_pay():
    """Two instances: of m5.large at $0.1 the plan of $0.12 pays both at $0.06; not of m6i.large at $0.0665."""
    rates = {**listed((CHEAPER,)), **listed((LARGE,), compute_saving=0.4)}
    found = answer(STEADY, types=(LARGE, CHEAPER), rates=rates, held=[compute_plan(0.12)], launch_types=(LaunchType.EC2,))
    assert found.recommended.plan.capacity_providers.popitem()[1].instance_types == ("m5.large",)
    assert found.recommended.monthly_usd.mean == approx(730 * 0.12 + 2 * 30 * 0.08)


def test_the_range_of_a_plan_is_of_reserved_instances_first_where_some_are_left():
    """Two m5.large run, and a twentieth more may: of three reserved there is room for it, of two there is none."""
    ranges = {
        count: only(
            answer(STEADY, held=[reserved("m5.large", count)], launch_types=(LaunchType.EC2,)), "cluster:ec2"
        ).monthly_usd
        for count in (2, 3)
    }
    volumes = 2 * 30 * 0.08
    assert ranges[3].high == approx(730 * 3 * 0.06 + 1.05 * volumes)
    assert ranges[2].high == approx(730 * (2 * 0.06 + 0.1 * 0.1) + 1.05 * volumes)


def test_what_leaves_held_commitments_aside_says_so_first():
    """Layers of the money for instances are at on-demand rates; so is a sweep, whose headline might name another winner."""
    said = "at on-demand rates, as if nothing were held"
    on_ec2 = {"launch_types": (LaunchType.EC2,)}
    assert said in explain_text(answer(STEADY, held=[compute_plan(0.14)], **on_ec2))
    assert said not in explain_text(answer(STEADY, **on_ec2))
    workload = workload_of(STEADY, held=[compute_plan(0.14)])
    catalog = as_catalog((LARGE,), PRICES, listed((LARGE,)))
    assert flip_headline(sweep(workload, catalog)).startswith("Without the held commitments, which `recommend` counts: ")
    assert not flip_headline(sweep(replace(workload, commitments=()), catalog)).startswith("Without")


def test_no_step_of_the_staircase_leaves_what_is_held_for_something_dearer():
    """m6i.large is cheaper than m5.large, but not beside reservations of m5.large that are due whatever runs."""
    cluster = PresentCluster(instances={"m5.large": 12})
    stairs = answer(web(), types=(LARGE, CHEAPER), cluster=cluster, held=[reserved("m5.large", 9)]).saving_steps
    assert [step.saves_usd >= -1e-9 for step in stairs.steps] == [True] * 4
    assert "m6i.large" not in str(stairs.steps)


def test_zonal_reserved_instances_cover_the_share_of_their_zone():
    """Two zones, two instances: the one in eu-north-1a is covered, and a second reservation there is lost."""
    found = answer(web(), held=[reserved("m5.large", 2, scope="eu-north-1a")], launch_types=(LaunchType.EC2,))
    ids = items(found.alternative(found.recommendation.alternative).bill)
    ri = "reserved_instance:1y:no_upfront:ec2:linux:on_demand:m5.large"
    assert {key[0]: value for key, value in ids.items() if key[1] == ri}["held commitments"][0] == approx(730)
    ((_, on_demand),) = [value for key, value in ids.items() if key[1] == "ec2:linux:on_demand:m5.large"]
    assert on_demand == approx(730 * 0.1)


def test_today_is_billed_with_the_same_commitments():
    cluster = PresentCluster(instances={"m5.large": 6})
    present = answer(web(), cluster=cluster, held=[reserved("m5.large", 4)]).present
    assert present.monthly_usd.mean == approx(730 * (4 * 0.06 + 2 * 0.1) + 14.4)
    on_fargate = answer(web(), present=replace(FARGATE, desired_count=6), held=[reserved("m5.large", 4)]).present
    assert on_fargate.monthly_usd.mean == approx(210.24 + 730 * 4 * 0.06)


def test_a_stated_rate_of_reserved_instances_goes_before_the_catalogs():
    cluster = PresentCluster(instances={"m5.large": 6})
    held = [reserved("m5.large", 4, usd_per_hour=0.05)]
    assert answer(web(), cluster=cluster, held=held).present.monthly_usd.mean == approx(730 * (4 * 0.05 + 2 * 0.1) + 14.4)


VARIED = [40.0 + (hour * 7919 % 50) for hour in range(N_HOURS * 3)]


@pytest.mark.parametrize(
    "useless",
    [
        reserved("c7i.large", 3, usd_per_hour=0.07),
        Commitment(kind=CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN, family="r7g", usd_per_hour=0.21, **TERMS),
    ],
)
@pytest.mark.parametrize("held", [(), (compute_plan(0.1),)])
def test_k10_a_commitment_that_nothing_can_use_moves_no_ranking_difference_chance_or_break_even(useless, held):
    before = answer(web(demand=VARIED), held=held)
    after = answer(web(demand=VARIED), held=(*held, useless))
    constant = 730 * 0.21
    assert list(month(after)) == list(month(before))
    assert month(after) == {name: approx(usd + constant) for name, usd in month(before).items()}
    for old in before.alternatives:
        new = after.alternative(old.id)
        assert new.probability_cheapest == old.probability_cheapest
        if old.scope == "cluster":
            assert new.monthly_usd.p10 == approx(old.monthly_usd.p10 + constant)
            assert new.monthly_usd.p90 == approx(old.monthly_usd.p90 + constant)
    old, new = before.recommendation, after.recommendation
    assert (new.alternative, new.verdict, new.saving.mean) == (
        old.alternative,
        old.verdict,
        approx(old.saving.mean),
    )
    assert new.break_even.lower_load_factor == old.break_even.lower_load_factor
    assert new.break_even.upper_load_factor == old.break_even.upper_load_factor


def test_draws_of_the_load_alone_hold_what_is_due_for_commitments_that_nothing_can_use():
    idle = reserved("c7i.large", 3, usd_per_hour=0.07)
    catalog = as_catalog((LARGE,), PRICES, listed((LARGE,)))
    before, after = (
        plans(workload_of(web(demand=VARIED), held=held), catalog).drawn_for_cluster().of_load() for held in ((), (idle,))
    )
    for old, new in zip(before.items, after.items, strict=True):
        assert new.alternative.monthly_usd.p50 == approx(old.alternative.monthly_usd.p50 + 730 * 0.21)


def test_k1_no_commitments_change_no_byte():
    plain = answer(web(demand=VARIED), replay_weeks=1)
    assert json.dumps(answer(web(demand=VARIED), held=(), replay_weeks=1).to_dict()) == json.dumps(plain.to_dict())
    assert plain.commitments is None
    assert "commitment" not in json.dumps({key: value for key, value in plain.to_dict().items() if key != "commitments"})


def test_line_items_add_up_with_replays_gaps_and_weeks():
    demand = [None if 50 <= hour < 80 else value for hour, value in enumerate(VARIED)]
    held = [compute_plan(0.1), reserved("m5.large", 1), reserved("m5.xlarge", 1, scope="eu-north-1b")]
    found = answer(web(demand=demand), held=held, types=(LARGE, XLARGE), replay_weeks=1)
    for each in found.of_scope("cluster"):
        assert sum(item.amount_usd for item in each.bill.line_items) == approx(each.monthly_usd.mean)
        due = [item.amount_usd for item in each.bill.line_items if not item.meter.startswith(("ec2:", "fargate:", "ebs:"))]
        assert sum(due) == approx(730 * (0.1 + 0.06 + 0.12))  # covered or lost, it is due
        assert each.monthly_usd.p10 <= each.monthly_usd.p50 <= each.monthly_usd.p90


def test_a_steady_load_has_one_cost_with_commitments_too():
    """Law U1: constant load, so every draw is the bill."""
    steady = {"name": "web", "form": "tasks", "demand": [7.0] * N_HOURS * 2, "cpu": 1024, "memory": 2048, "startup_s": 0}
    fargate = only(answer(steady, held=[compute_plan(0.05)]), "cluster:fargate").monthly_usd
    assert fargate.p50 == approx(fargate.mean, rel=1e-3)


def test_without_a_rate_an_alternative_is_not_priced_and_names_the_meter():
    found = answer(web(), held=[compute_plan(0.1)], rates=listed((LARGE,), compute_saving=None))
    instances = next(a for a in found.of_scope("cluster") if "ec2" in a.id)
    assert instances.monthly_usd is None
    assert instances.missing == ("compute_savings_plan:1y:no_upfront:ec2:linux:on_demand:m5.large",)
    assert found.recommendation.verdict == "best_of_priced"


def test_a_plan_without_a_rate_costs_at_least_the_charge_that_is_due_anyway():
    """Instances have no rate under the plan: of the least that they cost, its $0.1 an hour and the volumes are left."""
    load = as_workload({"start_s": 0, "step_s": 3600, "services": [web()]})
    given = plans(
        replace(load, commitments=(compute_plan(0.1),)), as_catalog((LARGE,), PRICES, listed((LARGE,), compute_saving=None))
    )
    instances = next(choice for choice in given.found.for_cluster if "ec2" in choice.id)
    volumes = [item for item in only(answer(web()), instances.id).bill.line_items if item.meter.startswith("ebs:")]
    least = price_plan(instances.parts, given.found.common_hours, given.search)
    assert least.monthly_usd is None
    assert least.priced_usd == approx(730 * 0.1 + sum(item.amount_usd for item in volumes))


def test_an_alternative_without_the_rate_of_a_commitment_might_win_and_the_verdict_says_so():
    service = {"name": "web", "form": "tasks", "demand": [4.0] * N_HOURS, "cpu": 1024, "memory": 2048, "startup_s": 0}
    rates = listed((CHEAPER,), compute_saving=None)
    found = answer(service, held=[compute_plan(0.072)], rates=rates, types=(CHEAPER,))
    assert found.recommended.plan.services["web"].launch_type is LaunchType.FARGATE
    assert found.recommendation.verdict == "best_of_priced"
    assert any("which commitments need" in doubt and "might win" in doubt for doubt in found.recommendation.doubts)


def test_where_no_alternative_has_a_rate_the_run_ends_with_the_meter():
    with pytest.raises(PriceNotFoundError, match="compute_savings_plan:1y:no_upfront:"):
        answer(web(), held=[compute_plan(0.1)], rates=listed((LARGE,), compute_saving=None, fargate_saving=None))


# The workload file

FILE = """
cluster: shop
region: us-east-1
services:
  - name: web
    task: {cpu: 512, memory: 1024}
    load: {tasks: 4}
    present: {launch_type: FARGATE, desired_count: 4}
commitments:
"""


def read(tmp_path, *lines):
    path = tmp_path / "workload.yaml"
    path.write_text(FILE + "".join(f"  - {line}\n" for line in lines))
    return read_workload(path)


def test_held_commitments_are_read(tmp_path):
    load = read(
        tmp_path,
        "{kind: compute_savings_plan, usd_per_hour: 1.25, term_years: 1, payment: no_upfront}",
        "{kind: ec2_instance_savings_plan, family: m7g, usd_per_hour: 2, region: us-east-1, term_years: 3,"
        " payment: all_upfront}",
        "{kind: reserved_instance, instance_type: m6i.large, count: 4, scope: us-east-1b, term_years: 3,"
        " payment: partial_upfront}",
    )
    assert [str(each) for each in load.commitments] == [
        "Compute Savings Plan of 1.25 USD/h, 1-year no upfront",
        "EC2 Instance Savings Plan m7g of 2 USD/h, 3-year all upfront",
        "4 x m6i.large Reserved Instance in us-east-1b, 3-year partial upfront",
    ]
    assert any("free for this cluster" in note for note in load.notes)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{kind: compute_savings_plan, term_years: 1, payment: no_upfront}", "line 10, column 5: .*has usd_per_hour"),
        ("{kind: compute_savings_plan, usd_per_hour: 0, term_years: 1, payment: no_upfront}", "usd_per_hour"),
        ("{kind: compute_savings_plan, usd_per_hour: 1, term_years: 2, payment: no_upfront}", "term_years"),
        ("{kind: compute_savings_plan, usd_per_hour: 1, term_years: 1, payment: monthly}", "payment"),
        ("{kind: compute_savings_plan, usd_per_hour: 1, term_years: 1, payment: no_upfront, famly: m5}", "family"),
        ("{kind: savings_plan, usd_per_hour: 1, term_years: 1, payment: no_upfront}", "kind"),
        ("{kind: ec2_instance_savings_plan, usd_per_hour: 1, term_years: 1, payment: no_upfront}", "has a family"),
        (
            "{kind: ec2_instance_savings_plan, family: m5, region: eu-west-1, usd_per_hour: 1, term_years: 1,"
            " payment: no_upfront}",
            "line 10, column 59: a commitment for eu-west-1 covers nothing in us-east-1. Leave it out",
        ),
        ("{kind: reserved_instance, instance_type: m5.large, count: 1, scope: eu-west-1a, term_years: 1, payment: no_upfront}",
         "eu-west-1a is no zone of us-east-1"),
        ("{kind: reserved_instance, instance_type: m5.large, count: 0, term_years: 1, payment: no_upfront}", "count"),
    ],
)  # fmt: skip
def test_a_commitment_that_cannot_be_is_refused_with_its_place(tmp_path, line, said):
    with pytest.raises(InputError, match=said):
        read(tmp_path, line)


def test_present_service_of_a_file_is_billed_with_the_plan(tmp_path):
    """4 tasks of 0.5 vCPU and 1 GiB at us-east-1's plan rates: 2 x 0.032384 + 4 x 0.003556 = $0.078992 an hour, of $0.1."""
    from advisor import read_catalog

    load = read(tmp_path, "{kind: compute_savings_plan, usd_per_hour: 0.1, term_years: 1, payment: no_upfront}")
    assert load.services[0].present == PresentService(launch_type=LaunchType.FARGATE, desired_count=4)
    load = replace(load, constraints=replace(load.constraints, launch_types=(LaunchType.FARGATE,)))
    present = advise(load, read_catalog("us-east-1")).present
    assert present.monthly_usd.mean == approx(73)
    lost = items(present.bill)["held commitments", "compute_savings_plan:1y:no_upfront:unused"]
    assert lost[1] == approx(730 * (0.1 - 0.078992))
    assert np.isfinite(present.monthly_usd.high)
