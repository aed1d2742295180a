"""Launch choices and new commitments together: where the winner flips, by hand, against every small plan, and as it is told."""

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from advisor import commit, explain
from advisor.answer import advise, answer
from advisor.billing import apply_commitments, commitment_rates, committed_amounts
from advisor.cli.application import app
from advisor.ecs import LaunchType
from advisor.emit import parse_ecs, render_ecs
from advisor.meters import CommitmentKind
from advisor.optimize.certificate import lower_bound, packed_part
from advisor.optimize.committed_prices import committed_usd
from advisor.optimize.held import plan_usage, price_plan
from advisor.optimize.joint import JointProblem, cheapest_plan
from advisor.optimize.pricing import range_fractions
from advisor.optimize.purchases import plans_under
from advisor.plan import Commitment, Terms, terms_of
from advisor.recommend import Recommendation
from advisor.recommend.choices_under_terms import best_together
from advisor.recommend.verdict import launch_choice
from advisor.report import render_markdown, render_summary
from advisor.report.html import render_html
from advisor.report.under_terms import terms_sentences
from advisor.workload import Growth
from tests.as_advisor import as_catalog
from tests.test_held_commitments import TERMS, XLARGE, compute_plan, listed, workload_of
from tests.test_present import FARGATE, LARGE, PRICES, web

approx = pytest.approx
ONE_YEAR = ("1y:no_upfront",)
OTHER = {**LARGE, "name": "m6i.large", "usd_per_hour": 0.102}
N_HOURS = 336
DAILY = [40.0 + 30.0 * np.sin(2 * np.pi * hour / 24) for hour in range(N_HOURS)]
APART = (("apart", 6.0, 256), ("small", 9.0, 512))


def stated(*services, terms=ONE_YEAR, **more):
    """A load that is stated, so that every month is the same."""
    load = workload_of(*services, terms=terms, **more)
    return replace(load, services=tuple(replace(each, is_stated=True) for each in load.services))


def told(load, types=(LARGE,), rates=None, **more):
    return advise(load, as_catalog(types, PRICES, rates or listed(types, **more)), replay_weeks=0)


@pytest.fixture(scope="module")
def flipped():
    """4 tasks of 1 vCPU and 2 GiB: Fargate $0.192 an hour, 2 x m5.large $0.2; with 1-year plans at 20 % and 40 % off."""
    return told(stated(web()), fargate_saving=0.2)


def test_the_winner_flips_where_plans_for_instances_save_more(flipped):
    """With plans: Fargate 0.8 x 0.192 = $0.1536 an hour, EC2 0.6 x 0.2 = $0.12, and 60 GiB of volumes at $0.08 a month."""
    (choice,) = flipped.under_terms.choices
    assert choice.kept.title == "Fargate X86_64"
    assert choice.kept.without_usd == approx(730 * 0.192)
    assert choice.kept.with_usd == approx(730 * 0.1536, abs=0.02)
    assert choice.chosen.title == flipped.recommendation.headline == "EC2 m5.large"
    assert flipped.recommended.monthly_usd.mean == approx(730 * 0.12 + 60 * 0.08, abs=0.02)
    assert flipped.recommended.buys == ("EC2 Instance Savings Plan m5 of 0.12 USD/h, 1-year no upfront",)
    assert choice.is_changed
    assert choice.gap_fraction == approx(0, abs=1e-6)
    assert flipped.recommendation.verdict == "best_of_priced"  # Managed Instances have no price here


def test_the_winner_flips_to_fargate_where_plans_for_fargate_save_more():
    """0.094 x 2 on EC2 and 0.192 on Fargate; with plans 0.9 x 0.188 = $0.1692 against 0.5 x 0.192 = $0.096 an hour."""
    cheap = {**LARGE, "usd_per_hour": 0.08}
    found = told(stated(web()), (cheap,), fargate_saving=0.5, instance_saving=0.1, compute_saving=0.05)
    (choice,) = found.under_terms.choices
    assert (choice.kept.title, choice.chosen.title) == ("EC2 m5.large", "Fargate X86_64")
    assert choice.chosen.with_usd == approx(730 * 0.096, abs=0.02)


def test_without_terms_nothing_is_bought_and_nothing_is_told(flipped):
    none = told(stated(web(), terms=("none",)), fargate_saving=0.2)
    assert none.recommendation.headline == "Fargate X86_64"
    assert none.under_terms is None
    assert "under_terms" not in none.to_dict()
    assert not any("buys" in each for each in none.to_dict()["alternatives"])
    assert none.recommended.monthly_usd.mean == flipped.under_terms.choices[0].kept.without_usd


def test_the_plans_that_decide_are_replayed_with_their_commitments():
    cheap = {**LARGE, "usd_per_hour": 0.08}
    catalog = as_catalog((cheap,), PRICES, listed((cheap,), fargate_saving=0.2))
    found = advise(workload_of(web(demand=DAILY), terms=ONE_YEAR), catalog, replay_weeks=1)
    (choice,) = found.under_terms.choices
    assert found.recommended.replay is not None
    assert found.recommended.buys == choice.chosen.buys
    assert choice.chosen.with_usd <= choice.kept.with_usd


def test_dollars_of_terms_are_those_of_the_bills_that_stand_beside_them():
    """Those of the list with commitments; without any, those of the answer without terms."""
    savings = {"fargate_saving": 0.2, "instance_saving": 0.6}
    found, none = (told(workload_of(web(demand=DAILY), terms=terms), **savings) for terms in (ONE_YEAR, ("none",)))
    (choice,) = found.under_terms.choices
    bills = {each.id: each.monthly_usd.high for each in found.alternatives if each.monthly_usd}
    assert choice.is_changed
    assert [bills[plan.alternative] for plan in (choice.kept, choice.chosen)] == [choice.kept.with_usd, choice.chosen.with_usd]
    assert choice.kept.without_usd == none.recommended.monthly_usd.high
    assert found.recommended.expected_usd != choice.chosen.with_usd


def test_a_plan_that_wins_next_month_alone_is_not_told_to_save_in_the_bill(flipped):
    (choice,) = flipped.under_terms.choices
    dearer = replace(choice, chosen=replace(choice.chosen, with_usd=choice.kept.with_usd + 3))
    text = terms_sentences(replace(flipped.under_terms, choices=(dearer,)))[0]
    assert "to EC2 m5.large, which costs $3.00 a month more on the measured load and less in the mean of next month," in text


def test_the_type_may_change_with_commitments_alone():
    """m6i.large costs 2 % more on demand, and its plan saves 60 % in place of 40 %: no search on demand would look at it."""
    types = (LARGE, OTHER)
    rates = {**listed(types, fargate_saving=0.2), **listed((OTHER,), instance_saving=0.6)}
    found = told(stated(web()), types, rates={**rates, **{k: v for k, v in listed(types, 0.2).items() if "m5.large" in k}})
    assert found.recommendation.headline == "EC2 m6i.large"
    assert found.recommended.buys[0].startswith("EC2 Instance Savings Plan m6i of 0.0816")
    assert "m6i" not in "".join(a.title for a in told(stated(web(), terms=("none",)), types).alternatives)


def test_the_rival_has_the_type_that_is_cheapest_with_commitments_too():
    """Both on m6i.large win with plans; with one of them on Fargate the other one is on that type, too."""
    types = (LARGE, OTHER)
    rates = {**listed(types), **listed((OTHER,), instance_saving=0.6)}
    rates |= {k: v for k, v in listed(types).items() if "m5.large" in k}
    load = stated(web(), web(name="worker"))
    one, worker = load.services
    load = replace(load, services=(one, replace(worker, off_launch_types={LaunchType.FARGATE: "not there"})))
    found = told(load, types, rates=rates)
    assert found.recommendation.headline == "EC2 m6i.large"
    against = found.recommendation.saving.against
    assert [a.title for a in found.alternatives if a.id == against] == ["Fargate X86_64 + EC2 m6i.large (worker)"]
    # web: 0.75 x 0.192 on Fargate, and 0.4 x 0.204 with 60 GiB of volumes on instances
    assert found.recommendation.saving.mean == approx(730 * (0.144 - 0.0816) - 60 * 0.08, abs=0.05)


def test_under_ecs_default_placement_the_type_is_the_cheapest_with_commitments_too():
    """6 tasks that may not share an instance: replayed, 9 others leave them room on 1 of 3 instances; spread, on 6 of 6."""
    types = (LARGE, OTHER)
    rates = {**listed(types), **listed((OTHER,), instance_saving=0.6)}
    rates |= {k: v for k, v in listed(types).items() if "m5.large" in k}
    apart, small = ({**web(name=name, demand=[n] * N_HOURS, cpu=cpu), "form": "tasks"} for name, n, cpu in APART)
    load = stated({**apart, "memory": 512}, {**small, "memory": 1024}, launch_types=(LaunchType.EC2,))
    one, other = load.services
    load = replace(load, services=(replace(one, has_distinct_instances=True), other))
    best = advise(load, as_catalog(types, PRICES, rates), replay_weeks=1).recommended
    assert (best.title, best.is_comparison) == ("EC2 shared m6i.large, default AZ spread", False)
    assert best.monthly_usd.mean == approx(6 * (0.102 * 0.4 * 730 + 30 * 0.08), rel=1e-3)


@pytest.mark.parametrize(("share", "is_told"), [(0.99, True), (1.01, False)])
def test_a_bound_of_packed_plans_is_not_told_beside_a_plan_that_costs_less(flipped, share, is_told):
    (choice,) = flipped.under_terms.choices
    bounded = replace(choice, bound_usd=share * choice.chosen.with_usd)
    (told,) = terms_sentences(replace(flipped.under_terms, choices=(bounded,)))[-1:]
    assert told.startswith("On the load as measured, without growth, packed")
    assert ("none, packed at once, costs less than" in told) == is_told


@pytest.mark.parametrize(("terms", "words"), [(ONE_YEAR, "what terms make of the choice are for"), (("none",), "chances and")])
def test_what_terms_make_of_the_choice_is_told_to_be_at_the_grown_load(terms, words):
    found = told(replace(stated(web(), terms=terms), growth=Growth(fraction=0.3)))
    assert any(words in warning and "+30%" in warning for warning in found.warnings)


@pytest.mark.parametrize("lacking", [{"fargate_saving": None}, {"instance_saving": None, "compute_saving": None}])
def test_with_rates_for_one_side_nothing_is_compared(lacking):
    found = told(stated(web()), **lacking)
    (choice,) = found.under_terms.choices
    assert (choice.kept, choice.chosen, found.under_terms.recommended) == (None, None, None)
    assert all("1y:no_upfront" in meter for meter in choice.missing)
    assert found.recommendation.headline == "Fargate X86_64"
    assert found.recommended.buys == ()
    assert "not compared, for a side of the choice lacks rates" in terms_sentences(found.under_terms)[0]


def without_rates_of_m6i(usd_per_hour, load, **large):
    """Beside m5.large, whose plan takes $0.06 an hour, a type of which no plan has a rate; Fargate's plan takes $0.1536."""
    types = ({**LARGE, **large}, {**OTHER, "usd_per_hour": usd_per_hour})
    rates = {meter: rate for meter, rate in listed(types, 0.2).items() if not ("m6i" in meter and "1y" in meter)}
    return told(load, types, rates)


M6I_RATE = "ec2_instance_savings_plan:1y:no_upfront:ec2:linux:on_demand:m6i.large"


@pytest.mark.parametrize("large", [{"architecture": "ARM64"}, {"vcpu": 0.5}])
def test_rates_of_a_type_that_no_service_can_run_on_are_none_of_the_side(large):
    found = without_rates_of_m6i(0.09, stated(web()), **large)
    (choice,) = found.under_terms.choices
    assert (choice.kept, choice.missing, found.recommended.title) == (None, (M6I_RATE,), "EC2 m6i.large")


def test_a_type_without_rates_hides_none_that_has_some_and_might_win():
    """On demand Fargate costs $0.192 an hour, 2 x m6i.large $0.194 and 2 x m5.large $0.2; with its plan $0.12."""
    found = without_rates_of_m6i(0.097, stated(web()))
    (choice,) = found.under_terms.choices
    assert (choice.kept.title, choice.chosen.title) == ("Fargate X86_64", "EC2 m5.large")
    assert found.recommended.monthly_usd.mean == approx(730 * 0.12 + 60 * 0.08, abs=0.02)
    (m6i,) = (a for a in found.of_scope("cluster") if a.title == "EC2 m6i.large")
    assert (m6i.monthly_usd, m6i.missing) == (None, (M6I_RATE,))
    assert found.recommendation.verdict == "best_of_priced"
    assert f"EC2 m6i.large has no price for {M6I_RATE}, which commitments need, and might win" in " ".join(
        found.recommendation.doubts
    )


def test_the_cheapest_on_demand_stands_at_the_most_that_it_costs_where_it_lacks_a_rate():
    """2 x m6i.large take $0.18 an hour and 60 GiB of volumes: less than Fargate on demand, more than m5.large with its plan."""
    found = without_rates_of_m6i(0.09, stated(web()))
    (choice,) = found.under_terms.choices
    assert (choice.kept.title, choice.chosen.title) == ("EC2 m6i.large", "EC2 m5.large")
    assert choice.kept.with_usd == choice.kept.without_usd == approx((730 * 0.18 + 60 * 0.08) * 1.05)  # packing
    assert choice.missing == (M6I_RATE,)
    assert found.recommended.title == "EC2 m5.large"
    assert "which commitments need, and might win" in " ".join(found.recommendation.doubts)
    text = terms_sentences(found.under_terms)[0]
    assert "EC2 m5.large is the cheapest as far as rates are known" in text
    assert f"for EC2 m6i.large, which lacks rates: {M6I_RATE}; give them with --rates FILE" in text


def test_what_is_the_cheapest_even_on_demand_wins_without_a_rate():
    """2 x m6i.large at $0.1 and 60 GiB of volumes; m5.large with its plan takes $0.12, Fargate $0.1536."""
    found = without_rates_of_m6i(0.05, stated(web()))
    assert found.under_terms.recommended == "1y:no_upfront"
    assert (found.recommended.title, found.recommended.buys) == ("EC2 m6i.large", ())
    assert found.recommended.monthly_usd.mean == approx(730 * 0.1 + 60 * 0.08)
    against = {a.title: a.monthly_usd.mean for a in found.alternatives if a.id == found.recommendation.saving.against}
    assert against == {"Fargate X86_64": approx(730 * 0.1536, abs=0.02)}
    assert any(f"EC2 m6i.large may cost less: without a rate for {M6I_RATE}" in warning for warning in found.warnings)
    stays, _, near = terms_sentences(found.under_terms)
    assert "the choice stays EC2 m6i.large: at most $82 with nothing bought, for it lacks rates: " + M6I_RATE in stays
    assert "the cheapest of all ways of each service that were found, with Savings Plans of any size at known rates" in near


def test_beside_what_lacks_a_rate_the_rest_has_its_commitments():
    """One service may not leave Fargate, $0.1536 with its plan; the other one is cheapest on m6i.large, at $0.1 on demand."""
    load = stated(web(), web(name="worker"))
    one, worker = load.services
    load = replace(load, services=(replace(one, off_launch_types={LaunchType.EC2: "not there"}), worker))
    found = without_rates_of_m6i(0.05, load)
    assert found.recommended.title == "Fargate X86_64 + EC2 m6i.large (worker)"
    assert found.recommended.monthly_usd.mean == approx(730 * (0.1536 + 0.1) + 60 * 0.08, abs=0.02)
    assert found.recommended.buys == ("Compute Savings Plan of 0.1536 USD/h, 1-year no upfront",)


def test_terms_without_rates_stand_beside_those_that_have_some(flipped):
    found = told(stated(web(), terms=("3y:no_upfront", *ONE_YEAR)), fargate_saving=0.2)
    three, one = found.under_terms.choices
    assert three.missing
    assert one == flipped.under_terms.choices[0]
    assert found.under_terms.recommended == "1y:no_upfront"


def test_of_several_terms_the_cheapest_is_recommended_and_each_is_told():
    rates = listed((LARGE,), fargate_saving=0.2)
    longer = {k.replace("1y:", "3y:"): replace(v, usd=v.usd * 0.7) for k, v in rates.items() if "1y:" in k}
    found = told(stated(web(), terms=("3y:no_upfront", *ONE_YEAR)), rates=rates | longer)
    assert found.under_terms.recommended == "3y:no_upfront"
    three, one = found.under_terms.choices
    assert three.chosen.with_usd < one.chosen.with_usd
    assert found.recommended.buys == three.chosen.buys


def test_only_the_stated_kind_is_bought():
    found = told(stated(web(), terms=("1y:no_upfront:compute_savings_plan",)), fargate_saving=0.2)
    (choice,) = found.under_terms.choices
    assert choice.chosen.title == "EC2 m5.large"  # 0.7 x 0.2 against 0.8 x 0.192
    assert choice.chosen.buys[0].startswith("Compute Savings Plan of 0.14 USD/h")


def test_the_bill_of_the_recommended_plan_is_what_billing_makes_of_it():
    load = workload_of(web(demand=DAILY), terms=ONE_YEAR)
    cheap = {**LARGE, "usd_per_hour": 0.08}
    catalog = as_catalog((cheap,), PRICES, listed((cheap,), fargate_saving=0.2))
    found, given_ = advise(load, catalog, replay_weeks=0), answer(load, catalog)
    best = found.recommended
    size = float(best.buys[0].split(" of ")[1].split()[0])
    plan = Commitment(kind=CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN, family="m5", usd_per_hour=size, **TERMS)
    parts = given_.found.parts_of(best.id)
    billed = price_plan(parts, given_.found.common_hours, replace(given_.search, bought=(plan,)))
    assert best.monthly_usd.mean == billed.monthly_usd.mean == approx(sum(item.amount_usd for item in best.bill.line_items))
    unused = [item for item in best.bill.line_items if item.part == "new commitments"]
    assert [item.source for item in unused] == ["this plan"]
    assert best.monthly_usd.p10 >= 730 * size  # what is bought is due in every draw


def shapes():
    return st.lists(st.integers(1, 9), min_size=6, max_size=6)


@given(shapes(), shapes(), st.sampled_from([0.1, 0.2, 0.35]), st.sampled_from([0.15, 0.3, 0.45]), st.booleans())
@settings(max_examples=8)
def test_no_launch_choice_and_no_sizes_cost_less_than_the_bound(one, two, on_fargate, on_instances, is_compute):
    """Every way of both services, alone or together, with every mix of sizes of a grid: none is below the bound."""
    services = [web(name=name, form="tasks", demand=[float(n) for n in shape] * 4) for name, shape in (("a", one), ("b", two))]
    types = (LARGE, XLARGE, {**OTHER, "usd_per_hour": 0.09})
    load = workload_of(*services, terms=ONE_YEAR)
    rates = listed(types, on_fargate, on_instances, 0.2 if is_compute else None)
    base = answer(load, as_catalog(types, PRICES, rates))
    (terms,) = terms_of(ONE_YEAR)
    best = best_together(base.found, base.search, terms)
    ways = [[c.parts for c in base.found.by_service[name] if c.parts] for name in ("a", "b")]
    plans = [(*a, *b) for a, b in product(*ways)] + [c.parts for c in base.found.for_cluster if c.parts and not c.is_comparison]
    least = min(cheapest_of_grid(parts, base, is_compute) for parts in plans)
    assert best.bound_usd <= least * (1 + 1e-9)
    assert best.usd <= least * (1 + best.gap_fraction + 1e-9)
    assert best.usd <= best.bound_usd * 1.02


@given(shapes(), shapes(), st.sampled_from([0.1, 0.35]), st.sampled_from([0.15, 0.45]), st.booleans())
@settings(max_examples=8)
def test_no_packed_plan_costs_less_than_the_bound_of_any_mix_of_types(one, two, on_fargate, on_instances, is_compute):
    """Whichever plan the prices come from, they hold for every other one, too."""
    services = [web(name=name, form="tasks", demand=[float(n) for n in shape] * 4) for name, shape in (("a", one), ("b", two))]
    types = (LARGE, XLARGE, {**OTHER, "usd_per_hour": 0.09})
    rates = listed(types, on_fargate, on_instances, 0.2 if is_compute else None)
    base = answer(workload_of(*services, terms=ONE_YEAR), as_catalog(types, PRICES, rates))
    (terms,), hours = terms_of(ONE_YEAR), base.found.common_hours
    plans = [choice.parts for choice in base.found.for_cluster if choice.parts and not choice.is_comparison]
    bounds = [bound for parts in plans if (bound := lower_bound(base.found, parts, base.search, terms))]
    least = min(committed_usd([packed_part(part, base.search) for part in parts], hours, base.search, terms) for parts in plans)
    assert bounds
    assert max(bound.monthly_usd for bound in bounds) <= least * (1 + 1e-6)
    assert min(bound.packing_usd for bound in bounds) >= least * (1 - 1e-9)


def test_the_proof_is_of_the_class_with_commitments(flipped):
    """4 tasks of half a m5.large each: 2 instances at 0.6 x $0.1 and their volumes are the cheapest packed plan."""
    bound = flipped.lower_bound
    assert bound["class"].startswith(
        "with 1-year no upfront Savings Plans of any size at known rates, else on demand, on Fargate"
    )
    assert bound["packing_usd"] == approx(730 * 0.12 + 60 * 0.08)
    assert bound["gap_fraction"] == approx(0, abs=1e-3)


def test_the_proof_with_commitments_counts_whole_instances():
    """3 tasks of half a m5.large each: by linear prices 1.5 instances, where 2 at 0.6 x $0.1 and their volumes are needed."""
    load = stated(web(form="tasks", demand=[3.0] * N_HOURS), zones=1)
    base = answer(load, as_catalog((LARGE,), PRICES, listed((LARGE,), fargate_saving=0.1)))
    (parts,) = [choice.parts for choice in base.found.for_cluster if choice.title == "EC2 m5.large"]
    bound = lower_bound(base.found, parts, base.search, *terms_of(ONE_YEAR))
    assert bound.packing_usd == approx(730 * 0.12 + 60 * 0.08)
    assert bound.monthly_usd == approx(730 * 0.12 + 60 * 0.08, rel=5e-3)


@pytest.mark.parametrize("seed", range(5))
def test_the_joint_search_over_linear_programs_finds_the_same(seed):
    """Three services, each alone on Fargate or on one of the types: two searches of one problem, each with a bound."""
    drawn = np.random.default_rng(seed)
    services = [web(name=name, form="tasks", demand=[*map(float, drawn.integers(1, 12, 6))] * 4) for name in "abc"]
    types = (LARGE, XLARGE, {**OTHER, "usd_per_hour": 0.09})
    base = answer(workload_of(*services, terms=ONE_YEAR), as_catalog(types, PRICES, listed(types, 0.2, 0.3, None)))
    (terms,) = terms_of(ONE_YEAR)
    apart = [each for each in base.found.for_cluster if all(len(part.services) == 1 for part in each.parts)]
    ours = best_together(replace(base.found, for_cluster=tuple(apart)), base.search, terms)
    theirs = cheapest_plan(as_joint_problem(base, terms))
    assert theirs.bound_usd <= ours.usd <= theirs.usd * (1 + 1e-9)
    assert ours.bound_usd <= theirs.usd
    assert ours.gap_fraction < 0.01


def as_joint_problem(base, terms):
    """Every way of each service alone, as usage that goes with its tasks or instances."""
    ways = [(at, choice.parts[0]) for at, of in enumerate(base.found.by_service.values()) for choice in of if choice.parts]
    meters = tuple(dict.fromkeys(meter for _, part in ways for meter in part.meters))
    counts, usage = [], []
    for _, part in ways:
        upper = replace(part, quantity_per_hour=part.quantity_per_hour * (1 + range_fractions(part)[:, np.newaxis]))
        used = plan_usage([upper], base.found.common_hours, base.search).usage
        counts.append(used.quantity_per_hour[0])
        of_each = dict(zip(used.meters, used.quantity_per_hour.sum(axis=1) / counts[-1].sum(), strict=True))
        usage.append([of_each.get(meter, 0.0) for meter in meters])
    return JointProblem(
        hours=used.hours,
        rates=commitment_rates(meters, plans_under(meters, terms), base.search.catalog, base.search.region),
        service=np.array([at for at, _ in ways]),
        counts=np.array(counts),
        usage=np.array(usage),
        tasks=np.zeros((len(ways), 1), dtype=np.int64),
        capacity=np.zeros((0, 1), dtype=np.int64),
        type_usage=np.zeros((0, len(meters))),
    )


def cheapest_of_grid(parts, base, is_compute):
    """A plan at the upper end of what it uses, with the best of some sizes of each plan."""
    upper = [
        replace(part, quantity_per_hour=part.quantity_per_hour * (1 + range_fractions(part)[:, np.newaxis])) for part in parts
    ]
    used = plan_usage(upper, base.found.common_hours, base.search)
    families = {m.id.rpartition(":")[2].split(".")[0] for m in used.usage.meters if m.id.startswith("ec2:linux:on_demand:")}
    instance = [
        Commitment(kind=CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN, family=family, usd_per_hour=1.0, **TERMS)
        for family in families
    ]
    bought = [compute_plan(1.0), *instance]
    rates = replace(
        commitment_rates(used.usage.meters, bought, base.search.catalog, base.search.region), is_unknown_left_out=True
    )
    sizes = np.array(list(product(np.linspace(0, 1.0, 9), repeat=len(bought))))
    usage = apply_commitments(rates, used.usage.quantity_per_hour, used.usage.hours, capacity=sizes)
    return float(committed_amounts(usage, charge_usd=sizes).total_usd.min())


def test_the_distance_from_the_bound_is_that_of_the_plan_itself_under_ecs_default_placement_too():
    """It keeps an instance while there are as many tasks: dearer than packed, which is what the bound is near."""
    services = [{**web(name=name, demand=[4.0, 4.0, 9.0, 4.0] * 84), "form": "tasks"} for name in ("a", "b")]
    base = answer(workload_of(*services, terms=ONE_YEAR), as_catalog((LARGE,), PRICES, listed((LARGE,), fargate_saving=0.1)))
    packed, spread = (base.found.parts_of(f"cluster:ec2_shared:x86_64:on_demand{each}") for each in ("", ":default_spread"))
    near, far = (best_together(base.found, base.search, *terms_of(ONE_YEAR), asked=parts) for parts in (packed, spread))
    assert far.bound_usd == near.bound_usd
    assert far.gap_fraction == far.plan_usd / far.bound_usd - 1 > near.gap_fraction + 0.1


def test_held_commitments_stay_sunk_and_no_bound_is_told():
    found = told(stated(web(), held=[compute_plan(0.05)]), fargate_saving=0.2)
    (choice,) = found.under_terms.choices
    assert choice.gap_fraction is None
    assert choice.chosen.with_usd <= choice.chosen.without_usd
    assert any("held and new commitments aside" in warning for warning in found.warnings)


def test_today_is_compared_with_commitments_of_its_own():
    """Today 4 tasks on Fargate: $0.192 an hour, $0.1536 with a plan, which is what the recommended plan saves against."""
    load = replace(stated(web()), running_tasks=np.full((1, N_HOURS), 4.0))
    load = replace(load, services=tuple(replace(each, present=FARGATE) for each in load.services))
    found = told(load, fargate_saving=0.2)
    assert found.present.monthly_usd.mean == approx(730 * 0.192)
    assert found.present.with_commitments_usd.mean == approx(730 * 0.1536, abs=0.02)
    saving = found.recommendation.saving_against_present
    assert saving.mean == approx(730 * (0.1536 - 0.12) - 60 * 0.08, abs=0.05)
    assert "$112 with new commitments of the same terms" in render_markdown(found).replace("\\", "")


def test_the_staircase_ends_with_commitments(flipped):
    steps = flipped.saving_steps
    assert [step.kind for step in steps.steps][-1] == "commitments"
    assert steps.end_usd == steps.steps[-1].monthly_usd == approx(flipped.recommended.monthly_usd.mean)
    assert steps.start_usd - sum(step.saves_usd for step in steps.steps) == approx(steps.end_usd)


def test_the_result_is_read_back_as_it_was(flipped):
    assert Recommendation.from_dict(json.loads(flipped.to_json())).to_dict() == flipped.to_dict()


def test_every_report_tells_that_the_winner_changes(flipped):
    words = "the winner changes from Fargate X86"
    assert words in " ".join(render_summary(flipped).split())
    assert words in render_markdown(flipped).replace("\\", "")
    assert words in " ".join(explain(flipped).sure)
    for page in (render_summary(flipped), render_markdown(flipped), render_html(flipped)):
        assert "each with the 1-year no upfront Savings Plans that are best for it" in " ".join(page.split())
    assert "new commitments" not in render_markdown(flipped).partition("In no alternative")[2]
    assert "without new commitments it would run on Fargate X86_64" in explain(flipped, "web").reasons
    assert any("told without new ones" in remark for remark in explain(flipped, "web").remarks)


def test_the_plan_with_commitments_is_what_is_emitted(flipped):
    plan = flipped.recommended.plan
    assert {kind for kind, _ in launch_choice(plan).values()} == {LaunchType.EC2}
    assert parse_ecs(render_ecs(plan)) == plan


def test_commit_sizes_what_the_recommendation_has_in_its_bill(flipped):
    catalog = as_catalog((LARGE,), PRICES, listed((LARGE,), fargate_saving=0.2))
    advice = commit(stated(web()), catalog, replay_weeks=0)
    assert advice.loads[0].title == "EC2 m5.large"
    best = advice.option(advice.headline)
    assert [(each.family, each.usd_per_hour) for each in best.purchases] == [("m5", 0.12)]
    assert {(each.term_years, each.payment.value) for each in advice.options} == {(1, "no_upfront")}
    assert advice.under_terms == flipped.under_terms
    assert advice.choices == ()


def test_terms_as_they_are_written():
    assert [str(each) for each in terms_of(["none", "3y:all_upfront", "1y:no_upfront:compute_savings_plan"])] == [
        "3y:all_upfront",
        "1y:no_upfront:compute_savings_plan",
    ]
    assert terms_of(["1y:no_upfront:compute_savings_plan", "1y:no_upfront"]) == (
        Terms(years=1, payment="no_upfront"),
    )  # both kinds, once


def test_the_command_takes_terms_and_refuses_what_is_not_sold(tmp_path):
    path = tmp_path / "workload.yaml"
    path.write_text(
        "cluster: shop\nregion: us-east-1\nservices:\n  - name: web\n    task: {cpu: 512, memory: 1024}\n    load: {tasks: 4}\n"
    )
    run = CliRunner().invoke(app, ["recommend", str(path), "--terms", "1y:no_upfront", "--format", "json", "--quiet"])
    assert json.loads(run.stdout)["under_terms"]["recommended"] == "1y:no_upfront"
    refused = CliRunner().invoke(app, ["recommend", str(path), "--terms", "2y"])
    assert refused.exit_code == 2
