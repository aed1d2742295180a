"""What surrounds the tasks: lines of its own, the same for every alternative, with what is missing said."""

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import advisor
from advisor.errors import InputError
from advisor.optimize.side_costs import price_side_costs
from advisor.recommend import Recommendation
from advisor.report import render_markdown
from advisor.report.words import not_modelled
from advisor.sources.side_costs_models import SideCostsEntry
from advisor.workload import SideCosts

WORKLOAD = """\
cluster: shop
region: us-east-1
services:
  - name: web
    task: {cpu: 512, memory: 1024}
    load: {tasks: 4}
"""


@pytest.fixture(scope="module")
def virginia():
    return advisor.read_catalog("us-east-1")


def test_a_month_of_what_surrounds_a_cluster_by_hand(virginia):
    side = SideCosts(
        load_balancers=1, load_balancer_lcus=2, nat_gateways=2, nat_gib_per_month=100, inter_az_gib_per_month=300,
        logs_gib_per_month=40, logs_stored_gib=10, container_insights_metrics=50, ecr_gib=12,
    )  # fmt: skip
    priced = price_side_costs(side, virginia, "us-east-1")
    amounts = {item.meter: item.amount_usd for item in priced.bill.line_items}
    assert amounts == pytest.approx(
        {
            "elb:application:hour": 730 * 0.0225,
            "elb:application:lcu_hour": 2 * 730 * 0.008,
            "vpc:nat_gateway:hour": 2 * 730 * 0.045,
            "vpc:nat_gateway:gib": 100 * 0.045,
            "data_transfer:inter_az:gib": 2 * 300 * 0.01,  # billed in both directions
            "cloudwatch:logs_ingested:gib": 40 * 0.5,
            "cloudwatch:logs_stored:gib_month": 10 * 0.03,
            "cloudwatch:container_insights_enhanced:metric_month": 50 * 0.07,
            "ecr:storage:gib_month": 12 * 0.1,
        }
    )
    assert priced.monthly_usd == pytest.approx(129.305)  # 16.425 + 11.68 + 65.7 + 4.5 + 6 + 20 + 0.3 + 3.5 + 1.2, by hand
    assert (priced.missing, priced.unstated) == ((), ())
    assert {(item.source, item.as_of) for item in priced.bill.line_items} >= {("finops_mcp", "2026-10-13")}


def test_what_has_no_price_is_missing_and_makes_no_total():
    priced = price_side_costs(
        SideCosts(nat_gateways=1, inter_az_gib_per_month=5), advisor.read_catalog("eu-west-1"), "eu-west-1"
    )
    assert (priced.monthly_usd, priced.missing) == (None, ("vpc:nat_gateway:hour",))
    assert [item.meter for item in priced.bill.line_items] == ["data_transfer:inter_az:gib"]


def test_what_goes_with_something_and_is_not_stated_is_said(virginia):
    priced = price_side_costs(SideCosts(load_balancers=1, nat_gateways=1), virginia, "us-east-1")
    assert priced.unstated == ("the capacity units of the load balancers", "the data through the NAT gateways")


@given(k=st.integers(1, 50), n=st.floats(0.01, 1e6))
def test_k_times_the_quantity_costs_k_times_as_much(virginia, k, n):
    one, many = (price_side_costs(SideCosts(logs_gib_per_month=x), virginia, "us-east-1").monthly_usd for x in (n, k * n))
    assert many == pytest.approx(k * one)


def test_every_key_of_the_workload_file_has_a_meter(virginia):
    assert set(SideCostsEntry.model_fields) == {each.name for each in fields(SideCosts)}
    for each in fields(SideCosts):
        assert len(price_side_costs(SideCosts(**{each.name: 1.0}), virginia, "us-east-1").bill.line_items) == 1


def workload(tmp_path, text):
    path = tmp_path / "workload.yaml"
    path.write_text(WORKLOAD + text)
    return advisor.read_workload(path)


def test_side_costs_change_no_alternative_and_are_on_lines_of_their_own(tmp_path, virginia):
    load = workload(tmp_path, "side_costs: {load_balancers: 1, nat_gateways: 2, nat_gib_per_month: 100}\n")
    with_side, without = advisor.advise(load, virginia), advisor.advise(replace(load, side_costs=None), virginia)
    assert with_side.alternatives == without.alternatives
    assert without.side_costs is None
    assert with_side.side_costs.monthly_usd == pytest.approx(16.425 + 65.7 + 4.5)
    said = [warning for warning in with_side.warnings if "side costs" in warning]
    assert said == [
        "beside every total, side costs of 86.62 USD a month, the same for each alternative: vpc:nat_gateway:hour 65.70,"
        " elb:application:hour 16.43, vpc:nat_gateway:gib 4.50",
        "side costs that are not stated, in no total: the capacity units of the load balancers",
    ]
    data = json.loads(with_side.to_json())
    assert Recommendation.from_dict(data).side_costs == with_side.side_costs


def test_a_missing_side_price_spoils_no_answer(tmp_path):
    text = "side_costs: {nat_gateways: 1, nat_gib_per_month: 9}\n"
    load = replace(workload(tmp_path, text), region="eu-west-1")
    answer = advisor.advise(load, advisor.read_catalog("eu-west-1"))
    assert answer.recommended.monthly_usd is not None
    assert answer.side_costs.monthly_usd is None
    assert (
        "side costs without a price, in no total: vpc:nat_gateway:hour, vpc:nat_gateway:gib; give it with --rates FILE"
        in answer.warnings
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("side_costs: {nat_gib_per_month: 9}\n", "nat_gib_per_month is given without nat_gateways"),
        ("side_costs: {load_balancer: 1}\n", "load_balancer.*load_balancers"),
        ("side_costs: {ecr_gib: 0}\n", "ecr_gib"),
        ("side_costs: {ecr_gib: -3}\n", "ecr_gib"),
        ("side_costs: {internet_out_gib_per_month: 20000}\n", "internet_out_gib_per_month"),
    ],
)
def test_a_faulty_key_is_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        workload(tmp_path, text)


@pytest.mark.parametrize(
    ("stated", "left"),
    [
        ("", "data transfer, load balancers, logs, labour, new commitments"),
        ("side_costs: {load_balancers: 1}\n", "data transfer, logs, labour, new commitments"),
        ("side_costs: {inter_az_gib_per_month: 9}\n", "other data transfer, load balancers, logs, labour, new commitments"),
        ("side_costs: {logs_gib_per_month: 9}\n", "data transfer, load balancers, labour, new commitments"),
        (
            "side_costs: {inter_az_gib_per_month: 9, internet_out_gib_per_month: 9, other_regions_gib_per_month: 9, "
            "nat_gateways: 1, nat_gib_per_month: 9, interface_endpoints: 1, interface_endpoint_gib_per_month: 9}\n",
            "load balancers, logs, labour, new commitments",
        ),
    ],
)
def test_what_is_stated_is_not_listed_as_left_out(tmp_path, virginia, stated, left):
    answer = advisor.advise(workload(tmp_path, stated), virginia)
    assert not_modelled(answer) == left
    assert f"In no alternative: {left}" in render_markdown(answer)
