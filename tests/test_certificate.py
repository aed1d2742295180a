"""The bound under plans: no plan of the class is below it, and the recommended one says how near it is."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import advisor
from advisor.answer import answer
from advisor.ecs import PurchaseOption
from advisor.optimize.certificate import packing_usd
from advisor.optimize.few_services import NEAR, PricedChoices, least_of_choices_usd
from advisor.optimize.fleet import FleetProblem, task_prices
from advisor.optimize.linear_prices import FleetOfKind, demands
from tests.test_mixed_fleet import exhaustive_usd, generated

SHOP = Path(__file__).parents[1] / "examples" / "shop" / "workload.yaml"


@st.composite
def histories(draw):
    """Up to three services over a few moments, a few types, and what each service costs an hour and task elsewhere."""
    n_services, n_types = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    tasks = np.array([[draw(st.integers(1, 6)), draw(st.integers(1, 6))] for _ in range(n_services)])
    capacity = tasks.max(axis=0) + np.array([[draw(st.integers(0, 9)), draw(st.integers(0, 9))] for _ in range(n_types)])
    usd = np.array([draw(st.integers(1, 32)) / 8 for _ in range(n_types)])
    counts = np.array([[draw(st.integers(0, 2)) for _ in range(n_services)] for _ in range(draw(st.integers(1, 4)))])
    hours = np.array([float(draw(st.integers(1, 5))) for _ in counts])
    elsewhere = np.array([draw(st.sampled_from([0.25, 0.5, 1.0, 2.0, np.inf])) for _ in range(n_services)])
    return tasks, capacity, usd, counts, hours, elsewhere, draw(st.integers(0, 2))


@settings(max_examples=40, deadline=None)
@given(histories())
def test_no_split_between_instances_and_elsewhere_costs_less_than_the_prices_add_up_to(history):
    tasks, capacity, usd, counts, hours, elsewhere, zones = history
    if not (counts > 0).any():
        return
    problem = FleetProblem(
        tasks=tasks, counts=np.maximum(counts.max(axis=0), 1), capacity=capacity, usd_per_hour=usd, least_instances=zones
    )
    prices = task_prices(problem, demands(counts.astype(float), hours), elsewhere)
    always = (counts > 0).all(axis=1)
    by_service, floor = prices.best(counts.astype(float), np.where(always, float(zones), 0.0))
    on_instances, least = hours @ by_service, float(hours @ floor)
    task_hours = hours @ counts
    alone = np.where(task_hours > 0, np.where(np.isfinite(elsewhere), elsewhere, 0.0) * task_hours, 0.0)
    for on in product([False, True], repeat=len(tasks)):
        placed = counts * np.array(on)
        if any(not there and not np.isfinite(usd_) for there, usd_ in zip(on, elsewhere, strict=True)):
            continue
        cost = sum(
            hour
            * exhaustive_usd(FleetProblem(tasks=tasks, counts=row, capacity=capacity, usd_per_hour=usd, least_instances=zones))
            for row, hour in zip(placed, hours, strict=True)
        )
        cost += sum(usd_ for there, usd_ in zip(on, alone, strict=True) if not there)
        cheapest = np.where(np.isfinite(elsewhere), np.minimum(on_instances, alone), on_instances)
        assert cheapest.sum() + (least if any(on) else 0.0) <= cost * (1 + 1e-9) + 1e-9


@settings(max_examples=40, deadline=None)
@given(histories(), st.sampled_from([0.5, 1.0, 2.0]))
def test_the_bound_for_few_services_is_the_cost_of_the_cheapest_choice(history, dearer):
    """Where types cost other than at first from the third moment on, too."""
    tasks, capacity, usd, counts, hours, elsewhere, zones = history
    services = np.flatnonzero(counts.any(axis=0))
    if not services.size:
        return
    problem = FleetProblem(
        tasks=tasks[services],
        counts=counts.max(axis=0)[services],
        capacity=capacity,
        usd_per_hour=usd,
        least_instances=zones,
    )
    problems = [problem, replace(problem, usd_per_hour=usd * dearer)]
    is_late = np.arange(len(hours)) >= 2
    levels = [(each, here) for each, here in zip(problems, (~is_late, is_late), strict=True) if here.any()]
    task_hours = hours @ counts
    alone = np.array([rate * n if n else 0.0 for rate, n in zip(elsewhere, task_hours, strict=True)])
    cheapest = np.inf
    for choice in product([False, True], repeat=len(tasks)):
        on = np.array(choice)
        fleet_usd = [
            exhaustive_usd(replace(problems[late], counts=row[services]))
            for row, late in zip(counts * on, is_late.tolist(), strict=True)
        ]
        cheapest = min(cheapest, float(alone[~on].sum() + hours @ fleet_usd))
    priced = PricedChoices(
        elsewhere_usd=alone,
        owner=np.arange(len(tasks)),
        counts=counts,
        fleets=tuple(
            (FleetOfKind(items=services, problem=each, storage_usd_per_hour=np.zeros(services.size)),) for each, _ in levels
        ),
        state_hours=tuple(np.where(here, hours, 0.0) for _, here in levels),
    )
    bound = least_of_choices_usd([priced, replace(priced, elsewhere_usd=alone * 0.5)], cheapest)
    assert cheapest * (1 - NEAR) - 1e-9 <= bound <= cheapest * (1 + 1e-9) + 1e-9


def test_prices_of_tasks_are_at_most_what_a_task_costs_elsewhere_and_no_pattern_outweighs_its_instance():
    p = generated(3)
    elsewhere = np.full(len(p.counts), 0.03)
    prices = task_prices(p, np.stack([p.counts * 0.4, p.counts * 1.0]), elsewhere)
    assert (prices.values <= 0.03 * (1 + 1e-9)).all()
    rng = np.random.default_rng(1)
    for at, (room, usd) in enumerate(zip(p.capacity, p.usd_per_hour, strict=True)):
        for _ in range(20):  # random full instances
            free, worth = room.copy(), prices.floor_value.copy()
            counts = p.counts.copy()
            while len(fits := np.flatnonzero((p.tasks <= free).all(axis=1) & (counts > 0))):
                service = rng.choice(fits)
                free, worth = free - p.tasks[service], worth + prices.values[:, service]
                counts[service] -= 1
            assert (worth <= usd * (1 + 1e-9)).all(), at


def test_a_task_that_costs_nothing_elsewhere_is_worth_nothing():
    p = generated(3)
    elsewhere = np.where(np.arange(len(p.counts)) == 0, 0.0, 0.03)
    prices = task_prices(p, p.counts[np.newaxis] * 1.0, elsewhere)
    assert prices.values[0, 0] == 0.0
    assert (prices.values[0, 1:] > 0.0).any()
    none = task_prices(p, p.counts[np.newaxis] * 1.0, np.zeros(len(p.counts)))
    assert not none.values.any()
    assert none.floor_value == pytest.approx(p.usd_per_hour.min())  # an instance in each zone is paid for all the same


def test_bands_of_the_load_are_means_of_as_many_hours_each():
    counts = np.array([[1.0], [3.0], [2.0], [10.0]])
    bands = demands(counts, np.array([1.0, 1.0, 1.0, 0.0]))
    assert bands.ravel().tolist() == [1.0, 2.0, 3.0]  # the fourth state never lasts


@pytest.fixture(scope="module")
def shop():
    workload = advisor.read_workload(SHOP)
    return answer(workload, advisor.read_catalog(workload.region))


def test_no_on_demand_plan_of_the_sample_is_below_its_bound(shop):
    bound = float(shop.recommendation().lower_bound["monthly_usd"])
    burstable = {t.name for t in shop.search.candidates.types if t.baseline_fraction is not None}
    plans = [
        choice.parts
        for choice in shop.found.for_cluster
        if choice.parts
        and all(part.provider.purchase_option is PurchaseOption.ON_DEMAND for part in choice.parts)
        and not burstable & {name for part in choice.parts for name in part.provider.instance_types}
    ]
    assert len(plans) > 8
    for parts in plans:
        assert packing_usd(parts, shop.found.common_hours, shop.search) >= bound


def test_the_bound_of_the_sample_is_near_its_plan_and_says_of_which_class_it_is(shop):
    result = shop.recommendation()
    bound, best = result.lower_bound, result.recommended
    assert bound["gap_fraction"] == pytest.approx(bound["packing_usd"] / bound["monthly_usd"] - 1)
    assert 0 <= bound["gap_fraction"] < 0.03
    assert best.monthly_usd.mean == pytest.approx(bound["packing_usd"] * (1 + bound["price_of_ecs_fraction"]))
    assert "on demand" in bound["class"]
    assert advisor.Recommendation.from_dict(result.to_dict()).lower_bound == bound


SMALL = """
cluster: small
region: REGION
services: [{name: web, task: {cpu: 256, memory: 512}, load: {tasks: 1}, architectures: [X86_64, ARM64]}]
"""


def lower_bound(folder, region, constraints=""):
    (folder / "workload.yaml").write_text(SMALL.replace("REGION", region) + constraints)
    return advisor.advise(advisor.read_workload(folder / "workload.yaml"), advisor.read_catalog(region)).lower_bound


def test_a_bound_under_plans_without_a_price_says_that_it_is_of_what_has_one(tmp_path):
    assert "of what has a price" not in lower_bound(tmp_path, "us-east-1")["class"]
    # No price of ARM on Fargate in the bundled catalog.
    assert lower_bound(tmp_path, "us-west-2")["class"].endswith(", of what has a price")


@pytest.mark.parametrize(
    ("constraints", "hosts"),
    [
        ("{}", "on Fargate or any mix of instance types that are not burstable,"),
        ("{launch_types: [FARGATE]}", "on Fargate, in the sizes compared"),
        (
            "{launch_types: [EC2], instance_types: [m7*]}",
            "on any mix of instance types that are not burstable and that constraints.instance_types names,",
        ),
    ],
)
def test_the_class_of_a_bound_names_no_host_that_the_constraints_leave_out(tmp_path, constraints, hosts):
    assert f"on demand, {hosts}" in lower_bound(tmp_path, "us-east-1", f"constraints: {constraints}")["class"]


def test_tasks_that_cost_nothing_on_one_architecture_leave_a_bound_on_the_other(tmp_path):
    """The prices of ARM prove all that a task costs on Fargate, so that nothing is left for those of x86 to prove."""
    bound = lower_bound(tmp_path, "us-east-1")
    assert bound["gap_fraction"] == pytest.approx(0, abs=1e-9)
