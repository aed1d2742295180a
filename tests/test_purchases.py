"""What is best bought under stated terms, by hand: m5.large at $0.1 an hour, a vCPU of Fargate at $0.04."""

from dataclasses import replace

import numpy as np
import pytest

from advisor.answer import answer
from advisor.meters import CommitmentKind, PaymentOption
from advisor.optimize.held import price_plan
from advisor.optimize.pricing import PricedParts
from advisor.optimize.purchases import (
    Purchase,
    as_unrated,
    best_purchase,
    is_covered,
    plans_under,
    price_with_purchase,
    unrated,
)
from advisor.plan import Terms, terms_of
from tests.as_advisor import REGION, as_catalog
from tests.test_beside_held import LARGE_HOUR, VCPU_HOUR, case_of
from tests.test_held_commitments import compute_plan, listed
from tests.test_present import LARGE, PRICES, web
from tests.test_under_terms import stated

approx = pytest.approx
(TERMS,) = terms_of(["1y:no_upfront"])
COMPUTE, OF_FAMILY = CommitmentKind.COMPUTE_SAVINGS_PLAN, CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN
RATE_OF = "1y:no_upfront:ec2:linux:on_demand:m5.large"


def with_savings(case, *savings):
    """Shares of the on-demand rates; without a rate where they are None."""
    return replace(case, catalogs={REGION: as_catalog((LARGE,), PRICES, listed((LARGE,), *savings))})


def kinds(plans):
    return {plan.kind for plan in plans}


def test_plans_are_those_that_may_cover_some_of_the_usage():
    assert kinds(plans_under([LARGE_HOUR, VCPU_HOUR], TERMS)) == {COMPUTE, OF_FAMILY}
    assert kinds(plans_under([VCPU_HOUR], TERMS)) == {COMPUTE}
    assert is_covered(VCPU_HOUR, TERMS)
    assert not is_covered(VCPU_HOUR, Terms(years=1, payment=PaymentOption.NO_UPFRONT, kinds=(OF_FAMILY,)))


@pytest.mark.parametrize(
    ("savings", "missing"),
    [
        ((0.25, 0.4, 0.3), ()),
        ((0.25, None, 0.3), ()),  # one plan is enough
        ((0.25, None, None), (f"ec2_instance_savings_plan:{RATE_OF}",)),
        ((None, 0.4, None), ("compute_savings_plan:1y:no_upfront:fargate:linux:x86_64:on_demand:vcpu_hour",)),
    ],
)
def test_what_no_plan_has_a_rate_for_is_named(savings, missing):
    case = with_savings(case_of([2], [10]), *savings)
    assert unrated(case.rates(plans_under(case.meters, TERMS))) == missing


def test_what_lacks_a_rate_stays_on_demand_and_the_rest_has_its_plan():
    """10 vCPU at $0.03 in place of $0.04; two instances that no plan has a rate for."""
    found = best_purchase(with_savings(case_of([2], [10]), 0.25, None, None), TERMS)
    ((kind, usd_per_hour),) = [(plan.kind, plan.usd_per_hour) for plan in found.commitments]
    assert (kind, usd_per_hour) == (COMPUTE, approx(0.3, abs=2e-5))
    assert found.saving_usd == approx(73, abs=0.02)
    assert found.uncovered == (f"ec2_instance_savings_plan:{RATE_OF}",)


@pytest.mark.parametrize(
    "case",
    [
        with_savings(case_of([2], [10]), None, None, None),
        with_savings(case_of([2], [10]), 0.0, 0.0, 0.0),
        case_of([2], [10], compute_plan(1.0)),  # what is held covers all of it
        replace(case_of([2], [10]), quantity=np.zeros((2, 0)), hours=np.zeros(0)),
    ],
)
def test_nothing_is_bought_where_nothing_has_a_rate_or_saves(case):
    found = best_purchase(case, TERMS)
    assert (found.commitments, found.saving_usd) == ((), 0.0)


def plan():
    """4 tasks of 1 vCPU and 2 GiB, two to an m5.large."""
    load = stated(web())
    base = answer(load, as_catalog((LARGE,), PRICES, listed((LARGE,), None, 0.4, None)))
    (parts,) = [choice.parts for choice in base.found.for_cluster if choice.title == "EC2 m5.large"]
    return parts, base.found.common_hours, load, base.search


@pytest.mark.parametrize(("terms", "usd_per_hour"), [(None, 0.2), (TERMS, 0.12)])
def test_a_plan_is_billed_with_its_purchase_where_terms_are_given(terms, usd_per_hour):
    priced = price_with_purchase(*plan(), terms)
    assert priced.monthly_usd.mean == approx(730 * usd_per_hour + 60 * 0.08, abs=0.02)


def test_the_least_of_a_plan_that_lacks_a_rate_is_what_no_plan_covers():
    """60 GiB of volumes: what its instances take is not known."""
    parts, hours, _, search = plan()
    lacking = Purchase(terms=TERMS, uncovered=("some rate",))
    found = as_unrated(price_plan(parts, hours, search), lacking)
    assert (found.monthly_usd, found.bill, found.missing) == (None, None, ("some rate",))
    assert found.priced_usd == approx(60 * 0.08)
    unpriced = PricedParts(bill=None, monthly_usd=None, usage={}, missing=("another",), priced_usd=3.0)
    assert as_unrated(unpriced, lacking) is unpriced
