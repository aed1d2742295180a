"""Laws of packing against the exact answer, of sizes against all sizes, and of what may not move a verdict or a file."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import advise, read_catalog, read_workload, render_cloudformation, render_ecs, render_terraform
from advisor.ecs import FARGATE_SIZES, Architecture, PurchaseOption, TaskSize
from advisor.meters import fargate_gib_hour, fargate_vcpu_hour
from advisor.simulate.packing import first_fit_decreasing, volume_bound
from advisor.sizing import fargate_sizes
from advisor.uncertainty import CostHistory, chance_of_group, month_draws, odds
from advisor.workload import Growth, LoadForm, Scaling, Service


@pytest.fixture(scope="module")
def catalog():
    return read_catalog("us-east-1")


def fewest_bins(items, room):
    """By trying all sets: (bins, least in the last one) for each set of items."""

    @cache
    def best(placed):
        if placed == (1 << len(items)) - 1:
            return (0, 0)
        found = []
        for at, item in enumerate(items):
            if not placed >> at & 1:
                bins, last = best(placed | 1 << at)
                found.append((bins + 1, item) if bins == 0 or last + item > room else (bins, last + item))
        return min(found)

    return best(0)[0]


@settings(max_examples=40)
@given(items=st.lists(st.integers(1, 20), min_size=1, max_size=8), room=st.integers(20, 40))
def test_first_fit_decreasing_lies_between_the_fewest_instances_and_eleven_ninths_of_them(items, room):
    size = np.array([[item, 1, 1] for item in items])
    offered = np.array([room, 1_000, 1_000])
    ones = np.ones((1, len(items)), dtype=np.int64)
    packed, bound = int(first_fit_decreasing(ones, size, offered)[0]), int(volume_bound(ones, size, offered[np.newaxis])[0, 0])
    fewest = fewest_bins(tuple(items), room)
    assert bound <= fewest <= packed <= (11 * fewest + 6) // 9


@settings(max_examples=80)
@given(cpu=st.integers(1, 32_768), memory=st.integers(1, 249_856))
def test_the_cheapest_size_of_those_offered_is_the_cheapest_of_all_77_that_hold_the_task(catalog, cpu, memory):
    declared = TaskSize(cpu_units=cpu, memory_mib=memory)

    def usd(size):
        arm = Architecture.ARM64, PurchaseOption.ON_DEMAND
        vcpu, gib = (catalog.rate(meter(*arm), "us-east-1").usd for meter in (fargate_vcpu_hour, fargate_gib_hour))
        return size.vcpu * vcpu + size.memory_gib * gib

    scaling = Scaling(min_tasks=1, max_tasks=None, target_cpu_fraction=0.6)
    offered = fargate_sizes(Service(name="web", task=declared, load_form=LoadForm.TASKS, scaling=scaling))
    holding = [usd(size) for size in FARGATE_SIZES if declared.fits_in(size)]
    assert min((usd(each.size) for each in offered), default=None) == min(holding, default=None)


@settings(max_examples=8)
@given(seed=st.integers(0, 1_000), apart=st.floats(-0.2, 0.2))
def test_more_draws_move_a_chance_by_no_more_than_their_own_error(seed, apart):
    weekly = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.1, (8, 1)), axis=0)) ** np.array([[1.0, 0.5]])
    history = CostHistory(weekly_usd=weekly / weekly[-1:] * [1.0, np.exp(apart)], elasticity=np.array([1.0, 0.5]))
    few, many = (month_draws(history, growth=Growth(), n_draws=n, seed=n) for n in (2_500, 20_000))
    chances = [chance_of_group(draws, [True, False]) for draws in (few, many)]
    assert abs(chances[0] - chances[1]) <= 4 * np.sqrt(chances[1] * (1 - chances[1]) / 2_500) + 1e-3
    assert odds(many).probability_cheapest.sum() == pytest.approx(1)


def test_a_price_that_leaves_the_plan_as_it_is_leaves_every_deploy_file_as_it_is(catalog, tmp_path):
    path, own = tmp_path / "workload.yaml", tmp_path / "own.csv"
    path.write_text(
        "cluster: shop\nregion: us-east-1\nservices:\n"
        "  - {name: web, task: {cpu: 512, memory: 1024}, load: {tasks: 3}, port: 80}\n"
        "  - {name: jobs, task: {cpu: 256, memory: 512}, load: {tasks: 60}}\n"
    )
    own.write_text("meter,region,usd,unit,discount_fraction,source,as_of\nfargate:*,*,,,0.02,deal,2026-09-01\n")
    workload = read_workload(path)
    before = advise(workload, catalog, replay_weeks=0).recommended
    after = advise(workload, read_catalog("us-east-1", rates_file=own), replay_weeks=0).recommended
    assert before.monthly_usd != after.monthly_usd
    assert before.plan == after.plan
    for render in (render_ecs, render_cloudformation, render_terraform):
        assert render(before.plan) == render(after.plan)


def test_a_plan_of_other_size_is_another_file(catalog, tmp_path):
    path = tmp_path / "workload.yaml"
    path.write_text(
        "cluster: shop\nregion: us-east-1\nservices:\n  - {name: web, task: {cpu: 512, memory: 1024}, load: {tasks: 3}}\n"
    )
    plan = advise(read_workload(path), catalog, replay_weeks=0).recommended.plan
    larger = replace(plan, services={"web": replace(plan.services["web"], task=TaskSize(cpu_units=1024, memory_mib=2048))})
    assert render_ecs(plan) != render_ecs(larger)
