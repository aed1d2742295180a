r"""How far the cost of a month can be trusted: draws of next month's cost, the same shocks for every plan.

The cost of a plan by the week has a recent level; that level missed the weeks that followed by so much, at every week of the
history. Draws take those errors, which plans share, so that what two plans have in common cancels when they are compared; a row
of prior knowledge stands in for what a short history did not show. What else moves a bill multiplies the draws: growth that the
user expects, the Spot price and interruptions, the age of a rate, and the part of instance costs that only a replay of ECS's
placement could tell.

``docs/calibration.md`` has what the intervals hold on real loads, how the constants were found, and what simpler methods reach.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import SFC64, Generator

from advisor.units import HOURS_PER_MONTH, HOURS_PER_WEEK, FloatArray
from advisor.workload import Growth

N_DRAWS: Final = 10_000
SEED: Final = 20_260_101
"""Of every answer, so that the same input gives the same bytes."""
LEAST_WEEKS: Final = 2
"""Weeks of history from which an interval can be given."""

KAPPA: Final = 1.15
"""Width of the errors. 0.98 to 1.05 fits 80 % on the loads it was measured on; the rest is margin for loads unlike these."""
PRIOR_MOVE: Final = 0.10
"""Log move in a week of a load that nothing is known of; worth two weeks of history."""
TAIL_DEGREES: Final = 4
"""Degrees of freedom of the t that the moves follow: a load sometimes moves as it never did before."""
T_QUANTILE_90: Final = 1.533
"""0.9 quantile of t with 4 degrees of freedom, so that the interval of one plan is ``KAPPA`` times 1.28 of its moves' norm."""
MOST_MOVE: Final = 1.5
"""Log move of a month beyond which a draw only says "far off": without a bound the mean of the draws would not exist."""
ELASTIC_STEP: Final = 1.1
"""Load factor up and down by which the elasticity of a plan's cost is found."""
LEAST_ELASTICITY: Final = 0.05
WEEKS_OF_A_YEAR: Final = 52
SEASON_WEEKS: Final = 60
"""Weeks of history from which half of last year's move of the same month is added to the level."""
HORIZON_WEEKS: Final = 4

SPOT_SIGMA: Final = 0.25
"""Log spread of an EC2 Spot level between two readings: 0.73 to 1.84 over 47 Region and type pairs, read months apart."""
FARGATE_SPOT_SIGMA: Final = 0.15
"""Log spread of a Fargate Spot rate; no history of it is public, a judgement between On-Demand and EC2 Spot."""
INTERRUPTIONS_PER_MONTH: Final = 0.20
"""Of a Spot instance: the upper edge of AWS's highest but one band."""
INTERRUPTION_HOURS: Final = 0.1
"""Instance-hours that an interruption costs twice: notice, boot, image pull."""
LIST_PRICE_SIGMA_PER_YEAR: Final = 0.012
"""Log move of a list rate in a year: 12 of 7,521 EC2 rates moved between 2025-10-28 and 2026-07-05, those by 30 % or so."""


LOST_INSIDE_STEP: Final = ((300, 0.0), (900, 0.13), (3600, 0.20))
"""Longest step in seconds, and the fraction that :func:`lost_inside_step` gives."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CostHistory:
    """What each plan would have cost, week by week, and what else moves its bill; one column a plan everywhere."""

    weekly_usd: FloatArray
    """(weeks, plans): oldest first; a week that was hardly measured is left out. [USD a week]"""
    elasticity: FloatArray
    """(plans,): relative change of cost over a relative change of the load, around today's load."""
    coverage_fraction: float = 1.0
    """Share of the history that was measured: gaps widen the interval as fewer weeks would."""
    is_stated: bool = False
    """The load is a statement and not a measurement: it has no moves."""
    range_fraction: FloatArray | None = None
    """(plans,): how much dearer than modelled a plan may be, one-sided; None is nothing."""
    spot_fraction: FloatArray | None = None
    """(2, plans): share of the cost at EC2 Spot and at Fargate Spot rates; None is nothing."""
    price_age_years: FloatArray | None = None
    """(sources, plans): share of the cost at rates of each source, times the root of their age in years; None is nothing."""
    growth_load: FloatArray | None = None
    """(points,): load factors, rising, at which ``growth_usd`` was worked out; None without growth."""
    growth_usd: FloatArray | None = None
    """(points, plans): cost at these load factors."""

    @property
    def has_draws(self) -> bool:
        return self.is_stated or len(self.weekly_usd) >= LEAST_WEEKS


def elasticity(up_usd: FloatArray, down_usd: FloatArray, step: float = ELASTIC_STEP) -> FloatArray:
    """(plans,): log change of cost over log change of load, from costs at the load times and over ``step``."""
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (np.log(up_usd) - np.log(down_usd)) / (2 * np.log(step))
    return np.maximum(LEAST_ELASTICITY, np.where(np.isfinite(slope), slope, LEAST_ELASTICITY))


def month_draws(history: CostHistory, *, growth: Growth, n_draws: int = N_DRAWS, seed: int = SEED) -> FloatArray:
    r"""Next month's cost of every plan, (draws, plans), in a month of 730 h. [USD]

    Every plan sees the same draws: of load, growth, Spot price, list prices and packing.

    Notes
    -----
    With :math:`y_{wp}` the log cost of plan :math:`p` in week :math:`w` of :math:`H`, :math:`e_p` its elasticity and
    :math:`\kappa = 1.15`:

    .. math::
        l_{wp} &= \sum_{v \le w} 2^{-(w-v)} y_{vp} \Big/ \sum_{v \le w} 2^{-(w-v)}, \qquad l_p = l_{Hp} \\
        r_{wp} &= \operatorname{mean}(y_{w+1,p}, \dots, y_{\min(w+4, H), p}) - l_{wp} \\
        B &= [r_{1p}; \dots; r_{H-1,p}; \sqrt 2 \cdot 0.10\, e_p] / \sqrt{H + 1} \\
        z_{rp} &= \tfrac{\kappa}{1.533} \sqrt{4/g_r}\; (\xi_r B)_p, \quad \xi_r \sim N(0, 1),\; g_r \sim \chi^2_4 \\
        M_{rp} &= \tfrac{730}{168} \exp(l_p + z_{rp})

    Half of last year's move of the same month is added to :math:`l_p` where there are 60 weeks or more. A stated load has
    :math:`z = 0`; no :math:`|z|` is taken above 1.5. The draws are one matrix product for all plans.
    """
    rng = Generator(SFC64(seed))
    y = _log_cost(history.weekly_usd)
    usd = np.exp(_level(y))[np.newaxis, :] * (HOURS_PER_MONTH / HOURS_PER_WEEK)
    shocks = _moves(y, history) if not history.is_stated else np.zeros((1, y.shape[1]))
    normal = rng.standard_normal((n_draws, shocks.shape[0]))
    tail = np.sqrt(TAIL_DEGREES / rng.chisquare(TAIL_DEGREES, n_draws))
    moves = KAPPA / T_QUANTILE_90 * tail[:, np.newaxis] * (normal @ shocks)
    usd = usd * np.exp(np.clip(moves, -MOST_MOVE, MOST_MOVE))
    usd *= _growth(history, growth, rng.standard_normal(n_draws))
    usd *= _prices(history, rng, n_draws)
    if history.range_fraction is not None:
        usd *= 1 + rng.random(n_draws)[:, np.newaxis] * history.range_fraction
    return np.asarray(usd)


def lost_inside_step(input_step_s: int) -> float:
    """How much dearer than a load in steps of this length says the load itself may be, one-sided, as a fraction.

    From nine real loads of 1 and 5 minutes, each also taken by the quarter of an hour and by the hour (docs/envelope.md): eight
    came out cheaper, by 6 and 10 % in the mean and at most by 14 and 19 %, on Fargate and on instances alike. The range reaches
    to the largest; its middle is the mean.
    """
    return next(fraction for step_s, fraction in LOST_INSIDE_STEP if input_step_s <= step_s)


def _log_cost(weekly_usd: FloatArray) -> FloatArray:
    """A week that costs nothing is floored at a thousandth of the plan's mean, so that it has a logarithm."""
    floor = np.maximum(weekly_usd.mean(axis=0) * 1e-3, 1e-12)
    return np.asarray(np.log(np.maximum(weekly_usd, floor)))


def _recency(n_weeks: int) -> FloatArray:
    weight = 0.5 ** np.arange(n_weeks - 1, -1, -1, dtype=np.float64)
    return np.asarray(weight / weight.sum())


def _level(y: FloatArray) -> FloatArray:
    """(plans,): log cost of a week of next month: the recent level, and half of last year's move where it is known."""
    n_weeks = len(y)
    level = _recency(n_weeks) @ y
    if n_weeks < SEASON_WEEKS:
        return np.asarray(level)
    at = n_weeks - WEEKS_OF_A_YEAR
    then = _recency(at) @ y[:at]
    return np.asarray(level + 0.5 * (y[at : at + HORIZON_WEEKS].mean(axis=0) - then))


def _moves(y: FloatArray, history: CostHistory) -> FloatArray:
    """(weeks, plans): the matrix B of :func:`month_draws`.

    What the level of each past week would have missed of the four weeks after it: of a load that only jitters around its level
    this is half of a move from week to week, of one that wanders it is twice a move.
    """
    n_weeks = len(y)
    errors = [y[w : w + HORIZON_WEEKS].mean(axis=0) - _recency(w) @ y[:w] for w in range(1, n_weeks)]
    prior = np.sqrt(2.0) * PRIOR_MOVE * history.elasticity
    rows = np.stack([*errors, prior])
    return np.asarray(rows / np.sqrt((len(y) + 1) * max(history.coverage_fraction, 1e-3)))


def _growth(history: CostHistory, growth: Growth, normal: FloatArray) -> FloatArray:
    """(draws, plans) or (1, 1): cost at the load that the user expects over cost at today's."""
    if growth.is_none:
        return np.ones((1, 1))
    if history.growth_load is None or history.growth_usd is None:
        raise ValueError("growth needs the cost of each plan at other loads")
    load = (1 + growth.fraction) * np.exp(growth.spread_fraction * normal)
    at = np.log(np.clip(load, history.growth_load[0], history.growth_load[-1]))
    beyond = np.log(load) - at
    log_load, log_usd = np.log(history.growth_load), _log_cost(history.growth_usd)
    now = np.array([np.interp(0.0, log_load, column) for column in log_usd.T])
    then = np.stack([np.interp(at, log_load, column) for column in log_usd.T], axis=1)
    # Past the outermost points cost goes on as between the last two: around today, a plan of few instances hardly moves.
    below, above = ((log_usd[end[1]] - log_usd[end[0]]) / (log_load[end[1]] - log_load[end[0]]) for end in ((0, 1), (-2, -1)))
    slope = np.where(beyond[:, np.newaxis] > 0, above, below)
    return np.asarray(np.exp(then + beyond[:, np.newaxis] * slope - now))


def _prices(history: CostHistory, rng: Generator, n_draws: int) -> FloatArray:
    """(draws, plans) or (1, 1): Spot prices, interruptions and old list rates."""
    spot = rng.standard_normal((n_draws, 2)) * (SPOT_SIGMA, FARGATE_SPOT_SIGMA)
    interruptions = rng.poisson(INTERRUPTIONS_PER_MONTH, n_draws)
    factor = np.ones((1, 1))
    if history.spot_fraction is not None and history.spot_fraction.any():
        # The mean of a factor is 1: the rate of the catalog is a mean, too.
        level = np.exp(spot - np.array([SPOT_SIGMA, FARGATE_SPOT_SIGMA]) ** 2 / 2)
        level[:, 0] *= 1 + interruptions * (INTERRUPTION_HOURS / HOURS_PER_MONTH)
        factor = factor + (level - 1) @ history.spot_fraction
    if history.price_age_years is not None and history.price_age_years.any():
        moves = rng.standard_normal((n_draws, len(history.price_age_years))) * LIST_PRICE_SIGMA_PER_YEAR
        factor = factor * np.exp(moves @ history.price_age_years)
    return np.asarray(factor)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Odds:
    """What draws say about plans."""

    p10: FloatArray
    """(plans,) [USD a month]"""
    p50: FloatArray
    p90: FloatArray
    mean: FloatArray
    probability_cheapest: FloatArray
    """(plans,): adds up to 1; plans of equal cost share."""
    regret_usd: FloatArray
    """(plans,): mean of what a plan costs more than the cheapest of the same draw. [USD a month]"""


def odds(draws_usd: FloatArray) -> Odds:
    """Quantiles, chances and regret of plans from ``draws_usd`` (draws, plans).

    Rounded to nine digits: the draws' own error is far larger, and the last digits of a matrix product hang on the machine.
    """
    least = draws_usd.min(axis=1, keepdims=True)
    is_least = draws_usd <= least * (1 + 1e-12)
    share = is_least / is_least.sum(axis=1, keepdims=True)
    p10, p50, p90 = np.quantile(draws_usd, [0.1, 0.5, 0.9], axis=0)
    return Odds(
        p10=nine_digits(p10),
        p50=nine_digits(p50),
        p90=nine_digits(p90),
        mean=nine_digits(draws_usd.mean(axis=0)),
        probability_cheapest=nine_digits(share.mean(axis=0)),
        regret_usd=nine_digits((draws_usd - least).mean(axis=0)),
    )


def nine_digits(values: FloatArray) -> FloatArray:
    """Values with nine significant digits."""
    return np.array([float(f"{value:.9g}") for value in np.ravel(values)]).reshape(np.shape(values))


def quantile_error_fraction(draws_usd: FloatArray, fraction: float = 0.5) -> FloatArray:
    """(plans,): standard error of a quantile by the number of draws alone, as a share of it (batch means, 20 batches)."""
    batches = np.stack([np.quantile(batch, fraction, axis=0) for batch in np.array_split(draws_usd, 20)])
    return np.asarray(batches.std(axis=0, ddof=1) / np.sqrt(len(batches)) / np.quantile(draws_usd, fraction, axis=0))


def chance_of_group(draws_usd: FloatArray, is_in_group: Sequence[bool]) -> float:
    """Probability that the cheapest plan is one of a group; ties count for the group by its share."""
    least = draws_usd.min(axis=1, keepdims=True)
    is_least = draws_usd <= least * (1 + 1e-12)
    share = is_least[:, np.asarray(is_in_group, dtype=np.bool_)].sum(axis=1) / is_least.sum(axis=1)
    return float(f"{share.mean():.9g}")
