"""Commitments: one plan exactly against a grid, stacks against a linear program on load states, the rule against a loop."""

from collections.abc import Iterator

import numpy as np

from advisor.billing import CommitmentRates, apply_commitments
from advisor.ecs import PurchaseOption
from advisor.meters import CommitmentKind, Meter, PaymentOption, instance_hour
from advisor.optimize.commitments import best_stack, commitment_curve, stack_usd
from advisor.plan import Commitment
from advisor.units import FloatArray, IntArray
from benchmarks.measure import Row, median_s, once_s

SIZES = ("large", "xlarge", "2xlarge", "4xlarge")
GRID = 400
STATES = 96


def stack_rows(is_quick: bool) -> Iterator[Row]:
    """A year of hours: 40 usages under one plan; 2 Compute and 30 EC2 Instance Savings Plans on as many families."""
    n_hours = 2_016 if is_quick else 8_760
    rates, quantity, hours = stacked_plans(n_usages=40, n_hours=n_hours, n_families=30)
    best = commitment_curve(rates, 0, quantity, hours).best_usd_per_hour()
    sizes = np.linspace(0, 2 * best, GRID)
    found: list[float] = []
    ours = median_s(lambda: commitment_curve(rates, 0, quantity, hours).best_usd_per_hour())
    grid = once_s(lambda: found.extend(_usd_of_one(rates, quantity, hours, size) for size in sizes))
    assert _usd_of_one(rates, quantity, hours, best) <= min(found) * (1 + 1e-6)
    name = f"one plan exactly, 40 usages x {n_hours:,} h"
    yield Row(name=name, ours_s=ours, other=f"grid of {GRID} sizes", other_s=grid, goal=">= 100; exact to 1e-6, <= 50 ms")

    stack = best_stack(rates, quantity, hours, gap_fraction=1e-3)
    ours = median_s(lambda: best_stack(rates, quantity, hours, gap_fraction=1e-3), runs=3)
    solved: list[tuple[FloatArray, float]] = []
    program = once_s(lambda: solved.append(on_load_states(rates, quantity, hours, STATES)))
    sizes_of_program, bound = solved[0]
    usd = stack_usd(rates, quantity, hours, sizes_of_program)
    name = f"{len(rates.commitments)} plans proven within {stack.gap_fraction:.2%}, {n_hours:,} h"
    other = f"{STATES} states, HiGHS: {1 - bound / usd:.2%}"
    yield Row(name=name, ours_s=ours, other=other, other_s=program, goal=">= 1; within 0.1 %, < 1 s")

    few = 50
    ours = median_s(lambda: apply_commitments(rates, quantity, hours))
    loop = once_s(lambda: [_loop(rates, quantity[:, hour]) for hour in range(few)]) * n_hours / few
    yield Row(name="AWS's order on all hours", ours_s=ours, other="loop over hours and pairs", other_s=loop, goal=">= 10")


def stacked_plans(
    n_usages: int = 40, n_hours: int = 8_760, n_families: int = 30, n_compute: int = 2, seed: int = 7
) -> tuple[CommitmentRates, FloatArray, FloatArray]:
    """Waves of day and week with noise on instances of many families, and plans for all of them: rates, usage, hours."""
    rng = np.random.default_rng(seed)
    names = [f"m{family}x.{size}" for size in SIZES for family in range(n_families)][:n_usages]
    meters = tuple(instance_hour(name, PurchaseOption.ON_DEMAND) for name in names)
    hour, n = np.arange(n_hours), len(meters)
    wave = 1 + rng.uniform(0, 0.5, (n, 1)) * np.sin(2 * np.pi * (hour + rng.integers(0, 24, (n, 1))) / 24)
    week = 1 - rng.uniform(0, 0.4, (n, 1)) * (hour // 24 % 7 >= 5)
    quantity = rng.uniform(2, 40, (n, 1)) * wave * week * rng.uniform(0.8, 1.2, (n, n_hours))
    on_demand = rng.uniform(0.05, 1.0, n)
    saving = rng.uniform(0.18, 0.30, n)
    families = sorted({name.partition(".")[0] for name in names})
    plans = [
        Commitment(kind=CommitmentKind.COMPUTE_SAVINGS_PLAN, usd_per_hour=1.0, term_years=1, payment=payment)
        for payment in list(PaymentOption)[:n_compute]
    ]
    terms = {"term_years": 1, "payment": PaymentOption.NO_UPFRONT}
    kind = CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN
    plans += [Commitment(kind=kind, family=family, usd_per_hour=1.0, **terms) for family in families]
    rates = np.array(
        [[_rate(plan, k, meter, *of) for meter, *of in _each(meters, on_demand, saving)] for k, plan in enumerate(plans)]
    )
    return (
        CommitmentRates(
            meters=meters,
            commitments=tuple(plans),
            on_demand_usd=on_demand,
            committed_usd=rates,
            charge_usd=np.ones(len(plans)),
        ),
        quantity,
        np.ones(n_hours),
    )


def _each(meters: tuple[Meter, ...], on_demand: FloatArray, saving: FloatArray) -> list[tuple[Meter, float, float]]:
    return list(zip(meters, on_demand.tolist(), saving.tolist(), strict=True))


def _rate(plan: Commitment, number: int, meter: Meter, on_demand: float, saving: float) -> float:
    if plan.family is None:
        return on_demand * (1 - saving - 0.01 * number)
    is_own = meter.id.rpartition(":")[2].startswith(f"{plan.family}.")
    return on_demand * (1 - saving - 0.08) if is_own else np.nan


def _usd_of_one(rates: CommitmentRates, quantity: FloatArray, hours: FloatArray, size: float) -> float:
    capacity = np.zeros(len(rates.commitments))
    capacity[0] = size
    return stack_usd(rates, quantity, hours, capacity)


def _loop(rates: CommitmentRates, quantity: FloatArray) -> float:
    """One hour in plain Python."""
    left, budget = quantity.tolist(), rates.capacity.tolist()
    for stage in rates.stages:
        for c, m, price in stage:
            used = min(left[m] * price, budget[c])
            left[m] -= used / price
            budget[c] -= used
    return float(np.dot(left, rates.on_demand_usd))


def on_load_states(rates: CommitmentRates, quantity: FloatArray, hours: FloatArray, n_states: int) -> tuple[FloatArray, float]:
    """Sizes and bound of the linear program over means of like hours: what one would build first."""
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    of_hour = _like_hours(quantity * rates.on_demand_usd[:, np.newaxis], n_states)
    weights = np.bincount(of_hour, hours)
    mean = np.stack([np.bincount(of_hour, row * hours) for row in quantity]) / weights
    n_plans, n_meters = rates.committed_usd.shape
    plan, meter = np.nonzero(~np.isnan(rates.committed_usd))
    pair, state = (each.ravel() for each in np.meshgrid(np.arange(plan.size), np.arange(weights.size), indexing="ij"))
    column = n_plans + np.arange(pair.size)
    row_of_meter, row_of_plan = meter[pair] * weights.size + state, (n_meters + plan[pair]) * weights.size + state
    size_rows = n_meters * weights.size + np.arange(n_plans * weights.size)
    rows = np.concatenate([row_of_meter, row_of_plan, size_rows])
    columns = np.concatenate([column, column, np.repeat(np.arange(n_plans), weights.size)])
    price = rates.committed_usd[plan[pair], meter[pair]]
    values = np.concatenate([np.ones(pair.size), price, -np.ones(size_rows.size)])
    shape = ((n_meters + n_plans) * weights.size, n_plans + pair.size)
    cost = np.concatenate([np.full(n_plans, hours.sum()), -weights[state] * rates.on_demand_usd[meter[pair]]])
    right = np.concatenate([mean.ravel(), np.zeros(n_plans * weights.size)])
    found = linprog(cost, A_ub=coo_array((values, (rows, columns)), shape=shape).tocsr(), b_ub=right, method="highs")
    on_demand = float(((rates.on_demand_usd @ mean) * weights).sum())
    return np.maximum(found.x[:n_plans], 0.0), float(found.fun) + on_demand


def _like_hours(spend: FloatArray, n_groups: int) -> IntArray:
    """Hours grouped by k-means of what is spent in them."""
    from scipy.cluster.vq import kmeans2

    _, labels = kmeans2(spend.T, n_groups, minit="++", seed=1)
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)
