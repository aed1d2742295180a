"""The bound under terms, against every launch choice with every mix of instances in every hour and every size of a grid."""

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.answer import answer
from advisor.optimize.certificate import lower_bound
from advisor.plan import terms_of
from advisor.recommend.choices_under_terms import with_choices_under_terms
from tests.as_advisor import as_catalog
from tests.test_held_commitments import XLARGE, listed, workload_of
from tests.test_present import LARGE, PRICES, web

(TERMS,) = terms_of(["1y:no_upfront"])
VOLUME_USD = 30 * 0.08 / 730
TASKS = {"a": (1024, 2048), "b": (2048, 4096)}
SIZES = np.arange(0, 0.61, 0.03)


def told(loads, on_fargate, on_instances, compute, zones):
    """The bound that is told of each plan for the cluster; none of one that no Savings Plan makes cheaper."""
    services = [
        web(name=name, form="tasks", demand=[float(n) for n in load] * 4, cpu=TASKS[name][0], memory=TASKS[name][1])
        for name, load in zip("ab", loads, strict=True)
    ]
    types = (LARGE, XLARGE)
    catalog = as_catalog(types, PRICES, listed(types, on_fargate, on_instances, compute))
    base = answer(workload_of(*services, terms=[str(TERMS)], zones=zones), catalog)
    found = with_choices_under_terms(base.workload, base.search, base.found, TERMS)
    plans = [choice.parts for choice in found.for_cluster if choice.parts and not choice.is_comparison]
    return [bound for parts in plans if (bound := lower_bound(found, parts, base.search, TERMS))]


def least_usd(loads, *savings_and_zones):
    """Both sizes of plan, who runs on instances, and how many of which in each hour: a month of the cheapest of all."""
    *savings, zones = savings_and_zones
    instance_plan, compute_plan = (each.ravel() for each in np.meshgrid(SIZES, SIZES))
    least = np.inf
    for on in product([False, True], repeat=2):
        total = np.zeros(instance_plan.size)
        for counts in zip(*loads, strict=True):
            vcpu = sum(n * size for n, size, there in zip(counts, (1, 2), on, strict=True) if there)
            fargate_usd = 0.048 * sum(n * size for n, size, there in zip(counts, (1, 2), on, strict=True) if not there)
            fleets = [
                (large, xlarge)
                for large, xlarge in product(range(7), range(5))
                if 2 * large + 4 * xlarge >= vcpu and large + xlarge >= (zones if vcpu else 0)
            ]
            usd = [
                hour_usd(0.1 * large + 0.2 * xlarge, fargate_usd, instance_plan, compute_plan, savings)
                + VOLUME_USD * (large + xlarge)
                for large, xlarge in fleets
            ]
            total += np.min(usd, axis=0)
        least = min(least, float(total.min()) * 730 / len(loads[0]))
    return least


def hour_usd(instances_usd, fargate_usd, instance_plan, compute_plan, savings):
    """AWS's order: the plan for instances, then the Compute Savings Plan where it saves most; what is not used is lost."""
    on_fargate, on_instances, compute = savings
    left = {"ec2": np.maximum(instances_usd - instance_plan / (1 - on_instances), 0.0), "fargate": fargate_usd}
    commitment = compute_plan
    for saving, what in sorted([(on_fargate, "fargate"), (compute, "ec2")], reverse=True):
        used = np.minimum(left[what] * (1 - saving), commitment)
        left[what], commitment = left[what] - used / (1 - saving), commitment - used
    return instance_plan + compute_plan + left["ec2"] + left["fargate"]


def test_the_oracle_bills_an_hour_as_aws_does():
    """$0.12 buys $0.2 on instances at 40 % off; $0.1 then $0.144 of $0.192 on Fargate at 25 %: 0.1 / 0.75 = $0.1333 of it."""
    usd = hour_usd(0.2, 0.192, np.array([0.12]), np.array([0.1]), (0.25, 0.4, 0.3))
    assert np.allclose(usd, 0.12 + 0.1 + 0.192 - 0.1 / 0.75)


def counts():
    return st.lists(st.integers(0, 4), min_size=6, max_size=6).filter(any)


@given(
    counts(),
    counts(),
    st.sampled_from([0.1, 0.35]),
    st.sampled_from([0.25, 0.45]),
    st.sampled_from([0.15, 0.22]),
    st.sampled_from([1, 2]),
)
@settings(max_examples=5, deadline=None)
def test_no_mix_of_instances_in_any_hour_with_any_commitments_costs_less_than_the_bound(
    one, two, on_fargate, on_instances, compute, zones
):
    case = (one, two), on_fargate, on_instances, compute, zones
    bounds, least = told(*case), least_usd(*case)
    assert all(bound.monthly_usd <= least * (1 + 1e-6) for bound in bounds)
