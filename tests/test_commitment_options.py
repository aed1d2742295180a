"""Ways to commit for usage that is at hand, by hand: two hours, 4 and 8 vCPU of Fargate, 25 % off with a plan."""

from dataclasses import replace

import numpy as np
import pytest

from advisor.billing import commitment_meter
from advisor.committing.advice import _choices, _is_of, _load, advise_on, check_asked
from advisor.committing.outcome import ladder, marginal, with_outcome
from advisor.ecs import PurchaseOption
from advisor.errors import InputError
from advisor.meters import CommitmentKind, PaymentOption, instance_hour, windows_instance_hour
from advisor.optimize.commitment_sizes import (
    BOTH,
    CHEAPEST_SIZE,
    KINDS,
    AskedSize,
    asked_sizes,
    cheapest_sizes,
    missing_rates,
    plans_of,
)
from advisor.plan import Terms
from advisor.recommend.commitments import CommitmentOption, Purchase
from advisor.report.commitments import option_row
from tests.as_advisor import REGION, as_catalog, as_rates
from tests.test_beside_held import LARGE_HOUR, ONE_YEAR, VCPU_HOUR, case_of
from tests.test_held_commitments import compute_plan, listed
from tests.test_present import LARGE, PRICES

approx = pytest.approx
NO_UPFRONT = PaymentOption.NO_UPFRONT
COMPUTE, OF_FAMILY, _, RESERVED = KINDS
ON_FARGATE = case_of([0, 0], [4, 8])
SIX = (compute_plan(0.18),)
"""6 vCPU at $0.03."""
FUTURES = replace(ON_FARGATE, load_factors=np.repeat([0.5, 1.0, 2.0], [20, 50, 30]))


def outcome(case, bought=SIX, years=3, payment=PaymentOption.PARTIAL_UPFRONT):
    option = CommitmentOption(id="asked", load="recommended", kind=COMPUTE, term_years=years, payment=payment)
    return with_outcome(option, case, bought)


def test_what_a_plan_does_to_the_bill_of_the_history():
    """365 h of 4 vCPU use 0.12 of 0.18; 365 h of 8 leave 2 at $0.04. On demand 730 x 6 x $0.04 = $175.20."""
    found = outcome(ON_FARGATE)
    assert (found.usd_per_hour, found.monthly_usd, found.saving_usd) == (0.18, approx(160.6), approx(14.6))
    assert (found.coverage_fraction, found.utilization_fraction) == (approx(10 / 12), approx(0.3 / 0.36))
    assert found.effective_savings_rate == approx(14.6 / 175.2)
    assert (found.at_risk_usd, found.upfront_usd) == (approx(0.18 * 8760 * 3), approx(0.18 * 8760 * 3 / 2))
    assert [each.usd_per_hour for each in found.purchases] == [0.18]
    assert found.saving_mean_usd is found.utilization_p10 is found.chance_of_loss is None


@pytest.mark.parametrize(("payment", "share"), [(PaymentOption.ALL_UPFRONT, 1), (NO_UPFRONT, 0)])
def test_what_is_due_upfront(payment, share):
    assert outcome(ON_FARGATE, years=1, payment=payment).upfront_usd == approx(0.18 * 8760 * share)


def test_what_a_plan_does_in_the_futures():
    """At half the load it loses 131.40 - 87.60; at twice the load it is used whole and covers 12 of 24 vCPU."""
    found = outcome(FUTURES)
    assert (found.saving_p10_usd, found.saving_p50_usd, found.saving_p90_usd) == approx((-43.8, 14.6, 43.8))
    assert found.saving_mean_usd == approx(0.2 * -43.8 + 0.5 * 14.6 + 0.3 * 43.8)
    assert (found.monthly_p10_usd, found.monthly_p50_usd, found.monthly_p90_usd) == approx((131.4, 160.6, 306.6))
    assert (found.utilization_p10, found.coverage_p10) == approx((0.5, 0.5))
    assert (found.chance_of_loss, found.worst_loss_usd) == approx((0.2, 43.8))
    assert outcome(replace(ON_FARGATE, load_factors=np.zeros(9))).coverage_p10 == 0


def test_what_is_held_is_no_part_of_what_a_plan_does():
    """0.12 is held and covers 4 vCPU: 0.06 more is used in one hour of two and covers 2 of the 4 that are left there."""
    found = outcome(case_of([0, 0], [4, 8], compute_plan(0.12)), (compute_plan(0.06),))
    assert (found.usd_per_hour, found.utilization_fraction) == (0.06, approx(0.5))
    assert found.saving_usd == approx(365 * 0.08 - 730 * 0.06)
    assert found.coverage_fraction == approx(10 / 12)


def test_nothing_bought_is_used_by_nothing_and_changes_nothing():
    found = outcome(FUTURES, ())
    assert (found.purchases, found.usd_per_hour, found.saving_usd, found.saving_mean_usd) == ((), 0, 0, 0)
    assert found.utilization_fraction is found.utilization_p10 is None
    assert (found.chance_of_loss, found.worst_loss_usd, found.coverage_p10) == (0, 0, 0)


def test_steps_of_the_ladder_by_hand():
    """The first two are always used; of the third 0.03 is used in both hours and 0.015 in one; the last in one of two."""
    steps = ladder(ON_FARGATE, SIX)
    assert [step.usd_per_hour for step in steps] == approx([0.045, 0.09, 0.135, 0.18])
    assert [step.monthly_saving_usd for step in steps] == approx([10.95, 21.9, 25.55, 14.6])
    assert [step.last_dollar_usd for step in steps] == approx([4 / 3, 4 / 3, 10 / 9, 2 / 3])
    assert [step.utilization_p10 for step in steps] == approx([1, 1, 0.255 / 0.27, 0.3 / 0.36])
    assert [step.utilization_p10 for step in ladder(FUTURES, SIX)] == approx([1, 0.15 / 0.18, 0.18 / 0.27, 0.5])


def test_steps_of_the_ladder_go_after_what_is_held():
    """Of 0.06 beside a held 0.12 each dollar saves 4/3 in one hour of two."""
    steps = ladder(case_of([0, 0], [4, 8], compute_plan(0.12)), (compute_plan(0.06),))
    assert [step.last_dollar_usd for step in steps] == approx([2 / 3] * 4)
    assert [step.utilization_p10 for step in steps] == approx([0.5] * 4)


def test_the_value_of_the_last_dollar_by_hand():
    """Up to 0.12 a dollar saves 4/3 in both hours, up to 0.24 in one of two, and beyond nothing; points are 0.009 apart."""
    points = marginal(ON_FARGATE, SIX)
    assert [point.usd_per_hour for point in points] == approx([0.009 * n for n in range(1, 31)])
    worth = [4 / 3] * 13 + [8 / 9] + [2 / 3] * 12 + [4 / 9] + [0] * 3
    assert [point.last_dollar_usd for point in points] == approx(worth, abs=1e-8)


# Sizes


def plans(kind, meters=(LARGE_HOUR, VCPU_HOUR)):
    return plans_of(meters, kind, *ONE_YEAR)


def test_plans_that_may_cover_something():
    windows = windows_instance_hour("m5.xlarge", PurchaseOption.ON_DEMAND)
    spot = instance_hour("c5.large", PurchaseOption.SPOT)
    double, metal = (instance_hour(name, PurchaseOption.ON_DEMAND) for name in ("m5.2xlarge", "m6a.metal"))
    assert [each.family for each in plans(BOTH)] == [None, "m5"]
    assert plans(BOTH, [VCPU_HOUR, spot]) == plans(OF_FAMILY, [VCPU_HOUR, spot]) == ()
    assert [each.kind.value for each in plans(COMPUTE, [VCPU_HOUR])] == [COMPUTE]
    assert [each.family for each in plans(OF_FAMILY, [windows])] == ["m5"]
    assert plans(RESERVED, [windows]) == ()
    assert [(each.instance_type, each.count) for each in plans(RESERVED, [double, LARGE_HOUR])] == [("m5.large", 1)]
    assert [each.instance_type for each in plans(RESERVED, [metal])] == ["m6a.metal"]


def test_types_that_reserved_instances_of_their_family_do_not_cover_have_their_own():
    """g5 has no size flexibility, and AWS gives no normalization factor for m6a.metal."""
    names = ("g5.2xlarge", "m6a.2xlarge", "m6a.metal", "g5.xlarge", "m6a.large")
    meters = [instance_hour(name, PurchaseOption.ON_DEMAND) for name in names]
    assert [each.instance_type for each in plans(RESERVED, meters)] == ["g5.2xlarge", "g5.xlarge", "m6a.large", "m6a.metal"]


def test_meters_that_a_decision_lacks_a_rate_for_are_named_once():
    catalog = as_catalog((LARGE,), PRICES, listed((LARGE,), fargate_saving=None, instance_saving=None))
    case = replace(case_of([2], [4]), catalogs={REGION: catalog})
    assert missing_rates(case, plans(COMPUTE)) == (commitment_meter(plans(COMPUTE)[0], VCPU_HOUR).id,)
    assert missing_rates(case, plans(BOTH)) == tuple(
        commitment_meter(plan, meter).id for plan, meter in zip(plans(BOTH), (VCPU_HOUR, LARGE_HOUR), strict=True)
    )
    assert missing_rates(case, plans(RESERVED) * 2) == (commitment_meter(plans(RESERVED)[0], LARGE_HOUR).id,)


def test_over_several_regions_the_region_that_lacks_a_rate_is_named():
    """Both run m5.large on demand, and one of them has no rate of a Compute Savings Plan."""
    known, unknown = (
        as_catalog((LARGE,), PRICES, listed((LARGE,), compute_saving=share), region=name)
        for share, name in ((0.3, "eu-west-1"), (None, "us-east-1"))
    )
    here = case_of([2], [4])
    case = replace(
        here,
        catalogs={"eu-west-1": known, "us-east-1": unknown},
        regions=("eu-west-1", "us-east-1"),
        meters=(LARGE_HOUR, LARGE_HOUR),
    )
    (plan,) = plans(COMPUTE)
    assert missing_rates(case, (plan,)) == (f"us-east-1:{commitment_meter(plan, LARGE_HOUR).id}",)


@pytest.mark.parametrize(("vcpu", "usd_per_hour"), [(1 / 3, 0.01), (0.333_35, 0.01001), (4, 0.12), (0, None)])
def test_the_next_size_that_is_sold_is_bought(vcpu, usd_per_hour):
    bought, gap = cheapest_sizes(case_of([0], [vcpu]), plans(COMPUTE))
    assert [each.usd_per_hour for each in bought] == ([] if usd_per_hour is None else [usd_per_hour])
    assert gap == approx(0, abs=1e-9)


def test_sizes_are_those_of_the_futures():
    """Of six equally likely hours, 2 4 4 8 8 16 vCPU, a dollar has to be used in three of four: 4 vCPU are, 8 are not."""
    case = replace(ON_FARGATE, load_factors=np.repeat([0.5, 1.0, 2.0], 300))
    assert [each.usd_per_hour for each in cheapest_sizes(case, plans(COMPUTE))[0]] == approx([0.12])
    assert [each.usd_per_hour for each in cheapest_sizes(replace(case, load_factors=np.full(9, 2.0)), plans(COMPUTE))[0]] == [
        0.24
    ]


@pytest.mark.parametrize(("asked", "bought"), [(0.1, 0.1), (0.333_333_1, 0.333_34)])
def test_an_amount_that_is_asked_for_is_what_is_sold(asked, bought):
    found = asked_sizes(ON_FARGATE, SIX, AskedSize(coverage=None, usd_per_hour=asked))
    assert [each.usd_per_hour for each in found] == [approx(bought, abs=1e-9)]


def test_an_amount_for_several_plans_is_shared_as_they_are_sized():
    sized = (compute_plan(0.3), replace(plans(OF_FAMILY)[0], usd_per_hour=0.1))
    found = asked_sizes(case_of([2], [10]), sized, AskedSize(coverage=None, usd_per_hour=0.2))
    assert [each.usd_per_hour for each in found] == [0.15, 0.05]


@pytest.mark.parametrize(("usd_per_hour", "count"), [(0.12, 2), (0.13, 3), (0.06, 1)])
def test_reserved_instances_are_whole(usd_per_hour, count):
    asked = AskedSize(coverage=None, usd_per_hour=usd_per_hour)
    assert [each.count for each in asked_sizes(case_of([4], [0]), plans(RESERVED), asked)] == [count]


def test_a_coverage_is_of_the_mean_of_the_futures():
    """4, 8, 8 and 16 vCPU cost 36 x $0.04 on demand; three quarters, 27 vCPU, are covered by 4 and three times 23/3."""
    case = replace(ON_FARGATE, load_factors=np.repeat([1.0, 2.0], 450))
    found = asked_sizes(case, SIX, AskedSize(coverage=0.75, usd_per_hour=None))
    quantity, hours = case.futures
    covered = np.minimum(quantity[1], found[0].usd_per_hour / 0.03) @ hours
    assert covered == approx(0.75 * (quantity[1] @ hours), rel=1e-3)


def test_neither_coverage_nor_amount_is_no_size_that_is_asked_for():
    with pytest.raises(ValueError, match="by a coverage or an amount"):
        asked_sizes(ON_FARGATE, SIX, CHEAPEST_SIZE)
    assert CHEAPEST_SIZE.is_cheapest
    assert not AskedSize(coverage=0.5, usd_per_hour=None).is_cheapest
    assert not AskedSize(coverage=None, usd_per_hour=1.0).is_cheapest


# Advice


def advised(asked=CHEAPEST_SIZE, terms=(1,), stated=(), kinds=KINDS, notes=(), **cases):
    titles = {name: f"what is {name}" for name in cases}
    offered = {"terms": terms, "payments": (NO_UPFRONT,), "kinds": kinds, "stated": stated}
    return advise_on(cases, titles, cluster="shop", region=REGION, asked=asked, notes=notes, **offered)


def option(found, kind, load="recommended"):
    return found.option(f"{load}:{kind}:1y:no_upfront")


STEADY = case_of([2, 2], [10, 10])


def test_each_kind_is_an_option_and_the_most_saving_is_the_headline():
    """On demand 0.2 + 0.4; 2 x 0.03 saved by any plan for instances of 0.12, 0.04 each by RI alike, 0.06 + 0.1 by Compute."""
    found = advised(recommended=STEADY)
    saved = {each.kind: each.saving_usd for each in found.options}
    assert saved == approx({COMPUTE: 730 * 0.16, OF_FAMILY: 730 * 0.08, BOTH: 730 * 0.18, RESERVED: 730 * 0.08})
    assert found.headline == found.loads[0].best["1y"] == f"recommended:{BOTH}:1y:no_upfront"
    assert found.ladder[-1].usd_per_hour == approx(0.42)
    assert len(found.marginal) == 30
    assert found.prices == "2026-09-01"
    assert (found.loads[0].title, found.loads[0].on_demand_usd, found.loads[0].held_usd) == (
        "what is recommended", approx(438), approx(438),
    )  # fmt: skip


def test_of_options_that_save_the_same_the_one_that_binds_least_is_best():
    """Within a dollar a month: a plan for a family before Reserved Instances of it."""
    assert advised(recommended=case_of([2], [0])).headline == f"recommended:{OF_FAMILY}:1y:no_upfront"
    assert advised(recommended=case_of([0], [10])).headline == f"recommended:{COMPUTE}:1y:no_upfront"


def test_where_no_option_saves_there_is_no_headline():
    found = advised(recommended=case_of([2], [10], compute_plan(0.44)))
    assert (found.headline, found.ladder, found.marginal, found.loads[0].best) == (None, (), (), {})


def test_factors_of_the_load_are_told():
    found = advised(recommended=replace(STEADY, load_factors=np.linspace(0.5, 1.5, 11))).loads[0]
    assert (found.load_factor_p10, found.load_factor_p50, found.load_factor_p90) == approx((0.6, 1.0, 1.4))
    assert advised(recommended=STEADY).loads[0].load_factor_p10 is None


def test_nothing_that_runs_has_no_options():
    found = advised(recommended=case_of([0], [0]))
    assert (found.options, found.headline) == ((), None)
    assert not any("under two weeks" in note for note in found.notes)


def test_no_gap_is_told_of_a_size_that_was_asked_for():
    found = advised(AskedSize(coverage=None, usd_per_hour=0.1), recommended=STEADY)
    assert option(found, COMPUTE).gap_fraction is None
    assert option(found, COMPUTE).usd_per_hour == approx(0.1)
    assert [each.usd_per_hour for each in option(found, BOTH).purchases] == approx(
        [0.1 * 0.3 / 0.42, 0.1 * 0.12 / 0.42], abs=1e-5
    )
    assert option(advised(recommended=STEADY), COMPUTE).gap_fraction == approx(0, abs=1e-9)


def test_an_amount_is_kept_where_nothing_would_be_bought_unasked():
    found = advised(AskedSize(coverage=None, usd_per_hour=0.1), recommended=case_of([2], [10], compute_plan(0.44)))
    assert option(found, COMPUTE).usd_per_hour == approx(0.1)


def test_what_costs_cents_has_options():
    found = advised(recommended=case_of([0], [0.01]))
    assert option(found, COMPUTE).saving_usd == approx(730 * 0.0001, abs=0.001)
    assert any("under two weeks" in note for note in found.notes)


def test_stated_terms_alone_are_offered():
    one = Terms(years=1, payment=NO_UPFRONT, kinds=(CommitmentKind.COMPUTE_SAVINGS_PLAN,))
    for stated in ((one,), (one, replace(one, years=3))):
        assert [each.kind for each in advised(recommended=STEADY, stated=stated).options] == [COMPUTE]
    assert advised(recommended=STEADY, stated=(replace(one, years=3),)).options == ()
    assert _is_of(one, COMPUTE, 1, NO_UPFRONT)
    assert not _is_of(one, BOTH, 1, NO_UPFRONT)
    assert not _is_of(one, COMPUTE, 1, PaymentOption.ALL_UPFRONT)


@pytest.mark.parametrize("stated", [(), (Terms(years=1, payment=NO_UPFRONT),)])
def test_usage_without_a_rate_stays_on_demand_under_the_plan_and_is_named_whether_terms_are_stated_or_not(stated):
    """Two m5.large at $0.1 beside 10 vCPU of $0.4, which a Compute Savings Plan of $0.3 covers."""
    lacking = commitment_meter(plans(COMPUTE)[0], LARGE_HOUR).id
    found = advised(recommended=with_rates(STEADY, compute_saving=None), stated=stated)
    compute, both = option(found, COMPUTE), option(found, BOTH)
    assert compute.missing == both.missing == ()
    assert compute.uncovered == both.uncovered == (lacking,)
    assert (compute.usd_per_hour, compute.monthly_usd, compute.saving_usd) == approx((0.3, 730 * 0.5, 730 * 0.1))
    assert compute.coverage_fraction == approx(0.4 / 0.6)
    assert both.saving_usd == approx(730 * 0.18)
    assert option(found, OF_FAMILY).uncovered == ()
    (note,) = [note for note in found.notes if note.startswith("no rate for ")]
    assert note.startswith(f"no rate for {lacking}: what needs them is counted on demand where ° stands, which may save more")
    assert [option_row(each, found.loads[0])[0].endswith(" °") for each in (compute, both)] == [True, True]


@pytest.mark.parametrize("asked", [CHEAPEST_SIZE, AskedSize(coverage=None, usd_per_hour=0.12)])
def test_a_family_without_a_rate_is_not_bought_for_and_keeps_no_other_from_it(asked):
    """$0.12 for two m5.large, and nothing for c5.large, however the amount is asked for."""
    other = {**LARGE, "name": "c5.large"}
    case = replace(
        case_of([2], [1]),
        catalogs={REGION: as_catalog((LARGE, other), PRICES, as_rates((LARGE, other), PRICES) | listed((LARGE,)))},
        meters=(LARGE_HOUR, instance_hour("c5.large", PurchaseOption.ON_DEMAND)),
    )
    found = advised(asked, recommended=case)
    for kind in (OF_FAMILY, RESERVED):
        each = option(found, kind)
        assert [(one.family or one.instance_type, one.usd_per_hour) for one in each.purchases] == [
            ("m5" if kind == OF_FAMILY else "m5.large", approx(0.12))
        ]
        assert [meter.endswith("c5.large") for meter in each.uncovered] == [True]
        assert each.saving_usd == approx(730 * 0.08)


def with_rates(case, **savings):
    return replace(case, catalogs={REGION: as_catalog((LARGE,), PRICES, listed((LARGE,), **savings))})


def test_remarks_name_at_most_three_meters_and_how_many_more():
    """Three years have no rate here: of Compute plans for two usages, of a family and of Reserved Instances for one each."""
    found = advised(recommended=STEADY, terms=(1, 3))
    (note,) = [note for note in found.notes if note.startswith("no rate for ")]
    assert note.count("3y:no_upfront") == 3
    assert " and 1 more: what needs them is not compared" in note
    assert found.loads[0].best == {"1y": found.headline}
    fewer = advised(recommended=STEADY, terms=(1, 3), kinds=(COMPUTE, RESERVED))
    (note,) = [note for note in fewer.notes if note.startswith("no rate for ")]
    assert " more" not in note


def test_a_load_without_futures_is_named_and_given_notes_come_first():
    notes = advised(recommended=STEADY, notes=("first",)).notes
    assert notes[0] == "first"
    assert "recommended: under two weeks of load, so there are no futures and sizes are those of the history" in notes
    assert not any("under two weeks" in note for note in advised(recommended=replace(STEADY, load_factors=np.ones(3))).notes)


def test_sides_are_compared_with_the_best_of_each():
    """100 and 90 a month: 116.80 saved of 200 leave less than 58.40 of 150."""
    cases = {"recommended": case_of([0], [16]), "runner_up": case_of([2], [0])}
    found = advised(**cases)
    (choice,) = _choices([200.0, 150.0], found.options, cases)
    assert (choice.recommended_usd, choice.runner_up_usd) == approx((200 - 730 * 0.16, 150 - 730 * 0.08))
    assert choice.is_reversed is False
    assert (choice.recommended_known_usd, choice.runner_up_known_usd) == (choice.recommended_usd, choice.runner_up_usd)
    (turned,) = _choices([300.0, 150.0], found.options, cases)
    assert turned.is_reversed is True
    (same,) = _choices([150 + 730 * 0.08, 150.0], found.options, cases)
    assert same.is_reversed is False


def test_a_side_without_options_costs_what_it_costs():
    cases = {"recommended": case_of([0], [10]), "runner_up": case_of([0], [0])}
    (choice,) = _choices([200.0, 150.0], advised(**cases).options, cases)
    assert choice.runner_up_usd == 150


@pytest.mark.parametrize(
    ("lacking", "missing"),
    [
        ({"compute_saving": None}, ()),
        ({"instance_saving": None}, ()),
        ({"fargate_saving": None}, (VCPU_HOUR,)),
        ({"compute_saving": None, "instance_saving": None}, (LARGE_HOUR,)),
    ],
)
def test_sides_are_compared_where_each_usage_of_both_has_a_rate_of_some_plan(lacking, missing):
    cases = {name: with_rates(STEADY, **lacking) for name in ("recommended", "runner_up")}
    (choice,) = _choices([200.0, 150.0], advised(**cases).options, cases)
    assert tuple(meter.rpartition(":1y:no_upfront:")[2] for meter in choice.missing) == tuple(each.id for each in missing)
    assert (choice.is_reversed is None) is bool(missing)


@pytest.mark.parametrize(
    ("savings", "best"),
    [((100.2, 100.4), "second"), ((100.4, 100.2), "first"), ((0.0, 0.0), None), ((0.004, 0.0), None), ((0.5, 0.0), "first")],
)
def test_of_one_kind_within_a_dollar_the_one_that_saves_more_is_best_and_a_cent_counts(savings, best):
    options = [
        CommitmentOption(
            id=name, load="recommended", kind=COMPUTE, term_years=1, payment=NO_UPFRONT, saving_usd=usd,
            purchases=(Purchase(kind=COMPUTE, usd_per_hour=1.0),),
        )
        for name, usd in zip(("first", "second"), savings, strict=True)
    ]  # fmt: skip
    assert _load("recommended", "", STEADY, options).best == ({} if best is None else {"1y": best})


@pytest.mark.parametrize(
    ("terms", "asked", "said"),
    [
        ((), CHEAPEST_SIZE, "terms of no years"),
        ((1, 2), CHEAPEST_SIZE, "terms of 1, 2 years"),
        ((1,), AskedSize(coverage=0.0, usd_per_hour=None), "a coverage of 0"),
        ((1,), AskedSize(coverage=1.01, usd_per_hour=None), "a coverage of 1.01"),
        ((1,), AskedSize(coverage=None, usd_per_hour=1_000_000.5), "a commitment of 1e"),
        ((1,), AskedSize(coverage=None, usd_per_hour=0.0), "a commitment of 0"),
        ((1,), AskedSize(coverage=None, usd_per_hour=1.1e6), "a commitment of 1.1e"),
    ],
)
def test_what_is_not_sold_is_refused(terms, asked, said):
    with pytest.raises(InputError, match=said):
        check_asked(terms, asked)


def test_the_whole_and_the_largest_may_be_asked_for():
    check_asked((1, 3), AskedSize(coverage=1.0, usd_per_hour=None))
    check_asked((1,), AskedSize(coverage=None, usd_per_hour=1e6))
    check_asked((1,), AskedSize(coverage=None, usd_per_hour=0.5))
