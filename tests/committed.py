"""Usage and commitments in the form that the oracle takes, and the same for the kernel."""

from itertools import product

import numpy as np
from hypothesis import strategies as st

from advisor.billing import CommitmentRates, apply_commitments, committed_amounts
from advisor.ecs import Architecture, PurchaseOption
from advisor.meters import (
    GP3_GIB_MONTH,
    CommitmentKind,
    PaymentOption,
    fargate_gib_hour,
    fargate_vcpu_hour,
    instance_hour,
    managed_instances_fee_hour,
    windows_instance_hour,
)
from advisor.plan import Commitment
from tests.oracle import commitments as oracle

TERMS = list(product((1, 3), ("all_upfront", "partial_upfront", "no_upfront")))
KINDS = ["reserved_instance", "ec2_instance_savings_plan", "compute_savings_plan"]
TYPES = ["m7g.medium", "m7g.large", "m7g.2xlarge", "c7i.large", "c7i.xlarge", "g5.xlarge", "g5.2xlarge"]
ON_DEMAND_PER_UNIT = {"m7g": 0.0102, "c7i": 0.0223, "g5": 0.1258}
ZONES = ["us-east-1a", "us-east-1b", None]
PLAIN = {"type": None, "os": "linux", "zone": None}


def meter_of(usage):
    if usage["kind"] == "instance":
        make = instance_hour if usage["os"] == "linux" else windows_instance_hour
        return make(usage["type"], PurchaseOption.ON_DEMAND)
    return usage["meter"]


def commitment_of(held):
    fields = {**held, "kind": CommitmentKind(held["kind"]), "payment": PaymentOption(held["payment"])}
    usd = fields.get("usd_per_hour")
    return Commitment(**{**fields, "usd_per_hour": None if usd is None else float(usd)})


def rates_of(usages, commitments):
    """What the kernel takes, from the oracle's form."""
    rates = np.array([[oracle.plan_rate(u, held) or np.nan for u in usages] for held in commitments], dtype=np.float64)
    rates = rates.reshape(len(commitments), len(usages))
    for row, held in enumerate(commitments):
        if held["kind"] == "reserved_instance":
            rates[row] = np.nan
    return CommitmentRates(
        meters=tuple(map(meter_of, usages)),
        commitments=tuple(map(commitment_of, commitments)),
        on_demand_usd=np.array([float(usage["on_demand"]) for usage in usages]),
        committed_usd=rates,
        charge_usd=np.array([float(oracle.charge_usd(held)) for held in commitments]),
        zones=tuple(usage["zone"] for usage in usages),
    )


def applied(usages, commitments, quantity, hours=None):
    """Usage and amounts of (meters, hours) quantities."""
    quantity = np.asarray(quantity, dtype=np.float64).reshape(len(usages), -1)
    hours = np.ones(quantity.shape[1]) if hours is None else hours
    usage = apply_commitments(rates_of(usages, commitments), quantity, hours)
    return usage, committed_amounts(usage)


def rates_by_terms(on_demand, draw, least, most):
    return {terms: on_demand * draw(st.integers(least, most)) / 100 for terms in TERMS}


@st.composite
def some_rates(draw, usage):
    if usage["kind"] == "instance":
        on_demand = ON_DEMAND_PER_UNIT[oracle.family(usage["type"])] * float(oracle.units(usage["type"]))
        on_demand *= 1.5 if usage["os"] == "windows" else 1
        plan = rates_by_terms(on_demand, draw, 30, 80)
    else:
        on_demand, plan = (draw(st.sampled_from([0.04, 0.004])) if usage["kind"] == "fargate" else 0.03), None
    return {"on_demand": on_demand, "compute": rates_by_terms(on_demand, draw, 45, 95), "instance_plan": plan}


@st.composite
def some_usages(draw, kinds=("instance", "windows", "fargate", "other")):
    """Up to seven usages; on-demand rates of a family go with the size, as AWS's do, and a meter has its own in any zone."""
    found, rates = [], {}
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=7)):
        if kind in ("instance", "windows"):
            name = draw(st.sampled_from(TYPES))
            usage = {"kind": "instance", "type": name, "os": "linux", "zone": draw(st.sampled_from(ZONES))}
            if kind == "windows":
                usage = {**usage, "os": "windows"}
        elif kind == "fargate":
            meter = draw(st.sampled_from([fargate_vcpu_hour, fargate_gib_hour]))
            architecture = draw(st.sampled_from(list(Architecture)))
            usage = {**PLAIN, "kind": "fargate", "meter": meter(architecture, PurchaseOption.ON_DEMAND)}
        else:
            uncovered = [
                GP3_GIB_MONTH,
                instance_hour("m7g.large", PurchaseOption.SPOT),
                fargate_vcpu_hour(Architecture.ARM64, PurchaseOption.SPOT),
                managed_instances_fee_hour("m7g.large"),
            ]
            usage = {**PLAIN, "kind": "other", "meter": draw(st.sampled_from(uncovered))}
        if meter_of(usage) not in rates:
            rates[meter_of(usage)] = draw(some_rates(usage))
        found.append({**usage, **rates[meter_of(usage)], "quantity": 0})
    return found


@st.composite
def some_commitments(draw, kinds=KINDS, most=5):
    found = []
    for kind in draw(st.lists(st.sampled_from(kinds), max_size=most)):
        years, payment = draw(st.sampled_from(TERMS))
        held = {"kind": kind, "term_years": years, "payment": payment}
        usd = draw(st.integers(0, 200)) / 100
        if kind == "reserved_instance":
            scope = draw(st.sampled_from(["region", "region", "us-east-1a", "us-east-1b"]))
            name = draw(st.sampled_from(TYPES))
            held |= {"instance_type": name, "count": draw(st.integers(0, 4)), "scope": scope, "usd_per_hour": usd}
        elif kind == "ec2_instance_savings_plan":
            held |= {"family": draw(st.sampled_from(sorted(ON_DEMAND_PER_UNIT))), "usd_per_hour": usd}
        else:
            held |= {"usd_per_hour": usd}
        found.append(held)
    return found


def quantities(n_usages, n_hours=3, most=40):
    """(usages, hours): whole, half and no units, so that commitments are met exactly now and then."""
    one = st.integers(0, most).map(lambda n: n / 8)
    return st.lists(st.lists(one, min_size=n_hours, max_size=n_hours), min_size=n_usages, max_size=n_usages)
