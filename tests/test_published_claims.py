"""Figures that others published come out of the model within 5 %, or the page says which input is missing."""

import csv
import re
from functools import cache
from pathlib import Path

import pytest

from advisor import advise, read_catalog, read_workload
from advisor.ecs import PurchaseOption
from advisor.meters import fargate_gib_hour, fargate_vcpu_hour, instance_hour

ROOT = Path(__file__).parents[1]
CLAIMS = ROOT / "examples" / "published-claims"
ROWS = list(csv.DictReader((CLAIMS / "claims.csv").read_text().splitlines()))
PAGE = (ROOT / "docs" / "published-claims.md").read_text()


@cache
def priced(name):
    """What the articles compare: Fargate for the tasks, the instances that are named, and those that the tasks take."""
    workload = read_workload(CLAIMS / f"{name}.yaml")
    catalog = read_catalog(workload.region, rates_file=Path(workload.rates_file) if workload.rates_file else None)
    answer = advise(workload, catalog)
    of_cluster = {a.title: a for a in answer.of_scope("cluster")}
    fargate = of_cluster["Fargate X86_64"]
    rate = {item.meter.rpartition(":")[2]: item.rate_usd for item in fargate.bill.line_items}
    whole = 730 * sum(
        count * (held.vcpu * rate["vcpu_hour"] + held.memory_mib / 1024 * rate["gib_hour"])
        for held, count in ((catalog.instance_type(each), n) for each, n in workload.present.instances.items())
    )

    def instances(bill):
        return sum(item.amount_usd for item in bill.line_items if item.meter.startswith("ec2:"))

    ec2 = instances(answer.present.bill)
    packed = [instances(a.bill) for title, a in of_cluster.items() if title.startswith("EC2")]
    fargate_usd = fargate.monthly_usd.mean
    return {
        "fargate_usd": fargate_usd, "fargate_usd_per_hour": fargate_usd / 730, "ec2_usd": ec2, "ec2_usd_per_hour": ec2 / 730,
        "fargate_over_ec2": fargate_usd / ec2, "break_even": ec2 / whole, "packed_ec2_usd": packed[0] if packed else None,
    }  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['claim']} {row['quantity']}")
def test_a_figure_is_reproduced_or_its_missing_input_is_named(row):
    modelled = priced(row["workload"])[row["quantity"]] * (int(row["hours"]) / 730 if row["quantity"].endswith("_usd") else 1)
    is_reproduced = 0.95 * float(row["published_low"]) <= modelled <= 1.05 * float(row["published_high"])
    assert is_reproduced == (row["missing"] == ""), f"{modelled:.4g}"


def test_the_page_counts_what_the_claims_say():
    assert "Six sources, thirty figures; 24 of them" in PAGE
    assert len(ROWS) == 30
    assert sum(row["missing"] == "" for row in ROWS) == 24
    assert len({row["address"] for row in ROWS}) == 6
    for row in ROWS:
        assert row["address"] in PAGE


def test_the_page_has_the_figures_of_the_model():
    """Dollars of each workload as the page prints them."""
    shown = set(re.findall(r"\$([0-9.]+)", PAGE))
    names = ["c3x", "fortem-3", "fortem-8", "fortem-20", "factualminds-small", "factualminds-large"]
    assert {f"{priced(name)['fargate_usd']:.2f}" for name in names} <= shown
    assert {f"{priced(name)['ec2_usd']:.2f}" for name in names if name.startswith(("c3x", "fortem"))} <= shown
    assert f"{priced('fortem-20')['packed_ec2_usd']:.2f}" in shown
    for name, share in (("c3x", 86), ("trek10-2018-m5", 47), ("trek10-2018-r5", 41), ("trek10-2018-c5", 56)):
        assert round(100 * priced(name)["break_even"]) == share
        assert f"{share} %" in PAGE


def test_break_even_of_types_of_one_size_has_no_common_threshold():
    catalog, on_demand = read_catalog("us-east-1"), PurchaseOption.ON_DEMAND
    shares = {}
    for each in catalog.instance_types("us-east-1"):
        if (each.vcpu, each.memory_mib) == (2, 4096) and not each.has_accelerator and not each.is_bare_metal:
            key = each.architectures[0], on_demand
            instance, vcpu, gib = catalog.rates_usd(
                [instance_hour(each.name, on_demand), fargate_vcpu_hour(*key), fargate_gib_hour(*key)], "us-east-1"
            )
            shares[each.name] = instance / (2 * vcpu + 4 * gib)
    least, most = (pick(shares, key=shares.get) for pick in (min, max))
    assert (least, round(100 * shares[least])) == ("t3a.medium", 38)
    assert (most, round(100 * shares[most])) == ("c8ine.large", 172)
    assert f"of the {len(shares)} On-Demand types with 2 vCPU and 4 GiB in" in PAGE
