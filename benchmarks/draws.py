"""Draws of all plans as one matrix product, against drawing each plan by itself with equal results."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from advisor.uncertainty import CostHistory, month_draws
from advisor.workload import Growth
from benchmarks.measure import Row, median_s, once_s

N_DRAWS = 10_000
N_WEEKS = 52


def draw_rows(is_quick: bool) -> Iterator[Row]:
    """A year of weeks; 900 plans whose costs follow the load in different measure."""
    n_plans = 300 if is_quick else 900
    history = _history(n_plans)
    ours = median_s(lambda: month_draws(history, growth=Growth(), n_draws=N_DRAWS), runs=3)
    sample = range(0, n_plans, 30 if is_quick else 10)
    apart = once_s(lambda: [_alone(history, plan) for plan in sample]) * n_plans / len(sample)
    loop = once_s(lambda: _draw_by_draw(history, 0)) * n_plans
    together = month_draws(history, growth=Growth(), n_draws=N_DRAWS)
    for plan in sample:
        np.testing.assert_allclose(together[:, plan], _alone(history, plan), rtol=1e-9)
    np.testing.assert_allclose(together[:, 0], _draw_by_draw(history, 0), rtol=1e-9)
    name = f"{N_DRAWS:,} draws x {n_plans} plans, {N_WEEKS} weeks"
    yield Row(name=name, ours_s=ours, other="month_draws plan by plan", other_s=apart, goal="(same kernel)")
    yield Row(name=name, ours_s=ours, other="each plan by itself, a loop", other_s=loop, goal=">= 50")


def _history(n_plans: int) -> CostHistory:
    random = np.random.default_rng(2)
    load = np.exp(np.cumsum(random.normal(0, 0.05, N_WEEKS)))
    elastic = random.uniform(0.3, 1.0, n_plans)
    weekly = random.uniform(50, 500, n_plans) * load[:, np.newaxis] ** elastic
    return CostHistory(weekly_usd=weekly, elasticity=elastic)


def _alone(history: CostHistory, plan: int) -> np.ndarray:
    """The same draws for one plan."""
    one = replace(history, weekly_usd=history.weekly_usd[:, [plan]], elasticity=history.elasticity[[plan]])
    return month_draws(one, growth=Growth(), n_draws=N_DRAWS)[:, 0]


def _draw_by_draw(history: CostHistory, plan: int) -> np.ndarray:
    """One plan in plain Python: level, errors and shocks as the docstring of ``month_draws`` has them."""
    import math

    from numpy.random import SFC64, Generator

    from advisor.uncertainty import HORIZON_WEEKS, KAPPA, MOST_MOVE, PRIOR_MOVE, SEED, T_QUANTILE_90, TAIL_DEGREES

    y = [math.log(value) for value in history.weekly_usd[:, plan].tolist()]
    n = len(y)

    def level(weeks: list[float]) -> float:
        weights = [0.5 ** (len(weeks) - 1 - at) for at in range(len(weeks))]
        return sum(w * value for w, value in zip(weights, weeks, strict=True)) / sum(weights)

    errors = []
    for week in range(1, n):
        following = y[week : week + HORIZON_WEEKS]
        errors.append(sum(following) / len(following) - level(y[:week]))
    rows = [*errors, math.sqrt(2) * PRIOR_MOVE * float(history.elasticity[plan])]
    rows = [row / math.sqrt(n + 1) for row in rows]
    rng = Generator(SFC64(SEED))
    normal = rng.standard_normal((N_DRAWS, len(rows))).tolist()
    tails = rng.chisquare(TAIL_DEGREES, N_DRAWS).tolist()
    start = level(y)
    draws = []
    for shocks, tail in zip(normal, tails, strict=True):
        move = KAPPA / T_QUANTILE_90 * math.sqrt(TAIL_DEGREES / tail) * sum(s * r for s, r in zip(shocks, rows, strict=True))
        draws.append(730 / 168 * math.exp(start + min(max(move, -MOST_MOVE), MOST_MOVE)))
    return np.array(draws)
