"""What would change the answer: what-ifs, the map of the cheapest launch types, and that they agree with each other."""

import math
from itertools import pairwise

import pytest

import advisor
from advisor import Recommendation, exploring
from advisor.meters import Meter
from advisor.recommend.what_ifs import WhatIf, WhatIfKind
from tests.report.results import SPOT, explored_shop

STEADY = """
cluster: steady
region: us-east-1
services:
  - {name: web, task: {cpu: 512, memory: 1024}, load: {tasks: 2}, architectures: [X86_64]}
constraints: {launch_types: [FARGATE, EC2], instance_types: ["m6i.large"]}
"""

WITHIN_THE_RANGE = """
cluster: within
region: us-east-1
services:
  - {name: web, task: {cpu: 512, memory: 1024}, load: {tasks: 10}, architectures: [X86_64]}
  - {name: batch, task: {cpu: 1024, memory: 2048}, load: {tasks: 8}, architectures: [X86_64], interruptible: true}
constraints: {launch_types: [FARGATE, EC2], instance_types: ["m6i.large"]}
"""
"""With instances a fifth cheaper, Fargate costs web less than the upper end of their range, and more than its middle."""


@pytest.fixture(scope="module")
def explored(tmp_path_factory):
    def explore(text: str) -> Recommendation:
        path = tmp_path_factory.mktemp("workload") / "workload.yaml"
        path.write_text(text, encoding="utf-8")
        workload = advisor.read_workload(path)
        return advisor.explore(workload, advisor.read_catalog(workload.region))

    return explore


@pytest.fixture(scope="module")
def steady(explored):
    return explored(STEADY)


def asked(recommendation: Recommendation, kind: WhatIfKind) -> dict[float, WhatIf]:
    return {each.value: each for each in recommendation.what_ifs if each.kind is kind}


def lines_of(recommendation: Recommendation):
    return recommendation.recommended.bill.line_items


def test_exploring_changes_nothing_of_the_answer(steady, tmp_path):
    (tmp_path / "workload.yaml").write_text(STEADY, encoding="utf-8")
    workload = advisor.read_workload(tmp_path / "workload.yaml")
    plain = advisor.advise(workload, advisor.read_catalog(workload.region)).to_dict()
    found = steady.to_dict()
    for data in (plain, found):
        for name in ("what_ifs", "cheapest_map", "sensitivity", "commitments"):
            del data[name]
        data["run"].pop("inputs")
    assert found == plain


@pytest.mark.parametrize("make", [advisor.advise, advisor.explore])
def test_progress_rises_to_one(make, tmp_path):
    (tmp_path / "workload.yaml").write_text(STEADY, encoding="utf-8")
    workload = advisor.read_workload(tmp_path / "workload.yaml")
    shares: list[float] = []
    make(workload, advisor.read_catalog(workload.region), on_progress=shares.append)
    assert len(shares) > 2
    assert shares == sorted(shares)
    assert (shares[0] > 0, shares[-1]) == (True, 1)


def test_it_reads_back_as_the_same(steady):
    assert Recommendation.from_dict(steady.to_dict()).to_json() == steady.to_json()


def test_a_constant_load_on_fargate_costs_what_it_costs_times_the_change(steady):
    assert steady.recommended.title.startswith("Fargate")
    usd = steady.recommended.monthly_usd.mean
    loads, prices = asked(steady, WhatIfKind.LOAD), asked(steady, WhatIfKind.FARGATE_PRICE)
    assert loads[0.5].kept.mean == pytest.approx(usd / 2)
    assert loads[2.0].kept.mean == pytest.approx(usd * 2)
    assert loads[1.25].kept.mean == pytest.approx(usd * 1.5)  # 2.5 tasks are 3
    assert prices[-0.2].kept.mean == pytest.approx(usd * 0.8)
    assert prices[0.2].kept.mean == pytest.approx(usd * 1.2)
    assert asked(steady, WhatIfKind.EC2_PRICE)[0.2].kept.mean == pytest.approx(usd)


def test_tasks_on_fargate_spot_cost_the_rates_of_spot(steady):
    catalog = advisor.read_catalog("us-east-1")
    spot = {Meter(id=item.meter.replace("on_demand", "spot"), unit=item.unit): item.quantity for item in lines_of(steady)}
    all_spot = math.fsum(quantity * catalog.rate(meter, "us-east-1").usd for meter, quantity in spot.items())
    found = asked(steady, WhatIfKind.SPOT)
    half = next(each for each in steady.what_ifs if each.kind is WhatIfKind.SPOT and each.value == 0.5)
    whole = next(each for each in steady.what_ifs if each.kind is WhatIfKind.SPOT and each.value == 1.0)
    assert whole.kept.mean == pytest.approx(all_spot)
    assert half.kept.mean == pytest.approx((all_spot + steady.recommended.monthly_usd.mean) / 2)
    assert found[1.0].cheapest.mean <= all_spot + 1e-9  # if everything may be interrupted


def test_packing_moves_instances_from_the_volume_bound_to_five_percent_more():
    recommendation = explored_shop()
    today = asked(recommendation, WhatIfKind.TODAY)[0.0].kept
    packing = asked(recommendation, WhatIfKind.PACKING)
    assert packing[0.0].kept.mean <= today.mean
    assert packing[0.05].kept.mean == pytest.approx(today.high)


def test_the_cheapest_is_never_dearer_than_what_is_kept():
    for each in explored_shop().what_ifs:
        if each.cheapest is not None:
            assert each.cheapest.mean + each.cheapest.high <= (each.kept.mean + each.kept.high) * (1 + 1e-9)


@pytest.mark.parametrize("found", [lambda _: explored_shop(), lambda explored: explored(WITHIN_THE_RANGE)])
def test_the_map_and_the_what_ifs_agree_where_they_ask_the_same(explored, found):
    recommendation = found(explored)
    found = recommendation.cheapest_map
    assert found.today.usd == pytest.approx(asked(recommendation, WhatIfKind.TODAY)[0.0].cheapest.mean)
    for factor in (0.5, 2.0):
        other = asked(recommendation, WhatIfKind.LOAD)[factor].cheapest.mean
        assert found.at(factor, 0.0).usd == pytest.approx(other, rel=0.01)  # what is kept may have other types
    for change in (-0.2, 0.2):
        assert found.at(1.0, change).usd == pytest.approx(
            asked(recommendation, WhatIfKind.EC2_PRICE)[change].cheapest.mean, rel=0.01
        )


def test_a_dearer_price_of_instances_sends_no_service_to_them():
    found = explored_shop().cheapest_map
    for column in range(len(found.load_factors)):
        for below, above in pairwise(found.cells):
            assert above[column].services_on_instances <= below[column].services_on_instances
            assert above[column].fargate_usd == pytest.approx(below[column].fargate_usd)
            assert above[column].instances_usd > below[column].instances_usd


def test_without_fargate_nothing_runs_on_it(explored):
    found = explored(SPOT).cheapest_map
    cells = [cell for cells in found.cells for cell in cells]
    assert {cell.services_on_instances for cell in cells} == {found.n_services}
    assert {cell.fargate_usd for cell in cells} == {None}


def test_of_very_many_services_only_what_is_kept_is_asked(explored, monkeypatch):
    monkeypatch.setattr(exploring, "MOST_SEARCHED_SERVICES", 0)
    monkeypatch.setattr(exploring, "MOST_MAPPED_SERVICES", 0)
    monkeypatch.setattr(exploring, "MOST_RANKED_SERVICES", 0)
    few = explored(STEADY)
    assert few.cheapest_map is None
    assert few.sensitivity is None
    assert few.what_ifs
    assert all(each.cheapest is None and each.kept is not None for each in few.what_ifs)
