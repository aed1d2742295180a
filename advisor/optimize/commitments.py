"""The cheapest commitments for a usage that is known hour by hour: one plan exactly, stacks of plans with a certificate."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from advisor.billing import CommitmentRates, amounts_usd, apply_commitments, committed_amounts
from advisor.meters import CommitmentKind, sum_over_states
from advisor.units import FloatArray, IntArray

GAP_FRACTION: Final = 1e-4
MOST_ROUNDS: Final = 20
AVERAGED: Final = 2.0
"""Weight of the newest round in the mean of all, over their number: the first ones are forgotten soon."""
_DUST: Final = 1e-9
_EVERYTHING: Final = 1e12
"""Scale of a commitment that covers whatever it may."""
_HALVINGS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CommitmentCurve:
    """What one commitment does to a bill, by its size: the cost is convex and piecewise linear."""

    ends_usd: FloatArray
    """(buckets, hours): commitment at which each usage is covered, in AWS's order. [USD per hour at the plan's rates]"""
    ratio: FloatArray
    """(buckets,): on-demand rate over the plan's, falling."""
    hours: FloatArray
    """(hours,): how long each counts."""

    def best_usd_per_hour(self) -> float:
        """The cheapest commitment, exactly: a weighted quantile of what is spent; the smallest of several.

        One more dollar saves the ratio of the usage that it reaches, in the hours in which it reaches any. So the cost falls
        until the ratios of the hours add up to less than all hours.
        """
        last = np.append(self.ratio[1:], 0.0)
        weights = np.ravel((self.ratio - last)[:, np.newaxis] * self.hours)
        return _weighted_upper_quantile(np.ravel(self.ends_usd), weights, float(self.hours.sum()))

    def covered_on_demand_usd(self, usd_per_hour: float) -> float:
        """What the covered usage would have cost on demand, over all hours."""
        begins = np.vstack([np.zeros((1, self.ends_usd.shape[1])), self.ends_usd[:-1]])
        spent = np.clip(usd_per_hour - begins, 0.0, self.ends_usd - begins)
        return float(amounts_usd((spent * self.hours).sum(axis=1), self.ratio).sum())


def commitment_curve(
    rates: CommitmentRates, commitment: int, quantity_per_hour: FloatArray, hours: FloatArray
) -> CommitmentCurve:
    """Curve of one of the commitments, over usage that the others leave.

    Parameters
    ----------
    quantity_per_hour : (meters, hours)
        Without gaps: only hours that count.
    """
    order = [cover for stage in rates.stages for cover in stage if cover.commitment == commitment and not np.isnan(cover.price)]
    of_row = [cover.meter for cover in order]
    price = np.array([cover.price for cover in order])
    # Dollars at the plan's rates; of Reserved Instances, those of the units that a usage takes.
    usd_per_unit = 1.0
    if rates.commitments[commitment].kind is CommitmentKind.RESERVED_INSTANCE:
        usd_per_unit = float(rates.charge_usd[commitment] / rates.capacity[commitment])
    usd = price * usd_per_unit
    spend = amounts_usd(quantity_per_hour[of_row], usd[:, np.newaxis])
    ratio = rates.on_demand_usd[of_row] / usd
    return CommitmentCurve(ends_usd=np.cumsum(spend, axis=0), ratio=np.minimum.accumulate(ratio), hours=hours)


def _weighted_upper_quantile(values: FloatArray, weights: FloatArray, above: float) -> float:
    """The smallest of the values, or 0, above which the weights add up to no more than ``above``.

    Values are parted at one of them again and again, so that none are sorted and each is looked at a few times.
    """
    above *= 1 + _DUST
    values, weights = values[values > 0], weights[values > 0]
    found, beyond = 0.0, 0.0
    while values.size:
        middle = values[values.size // 2]
        is_above, is_below = values > middle, values < middle
        with_those = beyond + float(weights[is_above].sum())
        if with_those > above:
            values, weights = values[is_above], weights[is_above]
        else:
            found, beyond = float(middle), beyond + float(weights[~is_below].sum())
            values, weights = values[is_below], weights[is_below]
    return found if beyond > above else 0.0


def scale_for_coverage(
    rates: CommitmentRates, quantity_per_hour: FloatArray, hours: FloatArray, fraction: float, worth_usd: float
) -> float:
    """The smallest scale of all that is bought together under which this share is covered, or as much as they can.

    Parameters
    ----------
    rates
        Those before ``bought_from`` are held and keep their size.
    quantity_per_hour : (meters, hours)
        Without gaps.
    worth_usd
        At on-demand rates over all hours, what the share is of.
    """
    is_held = np.arange(len(rates.commitments)) < (rates.bought_from or 0)

    def covered(scale: float) -> float:
        usage = apply_commitments(rates, quantity_per_hour, hours, capacity=rates.capacity * np.where(is_held, 1.0, scale))
        return 1.0 - float(committed_amounts(usage).on_demand_usd.sum()) / worth_usd

    target = min(fraction, covered(_EVERYTHING)) - _DUST
    if covered(0.0) >= target:
        return 0.0
    low, high = 0.0, 1.0
    while covered(high) < target:
        high *= 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if covered(middle) >= target else (middle, high)
    return high


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stack:
    """Sizes of several commitments, and how close to the cheapest they are proven to be."""

    capacity: FloatArray
    """(commitments,): dollars an hour of Savings Plans."""
    usd: float
    """Cost over all hours, billed in AWS's order."""
    bound_usd: float
    """No sizes of these commitments cost less."""
    worth: FloatArray
    """(commitments, hours): what a dollar of each saves in each hour, a dollar or less over all: the proof of the bound."""
    rounds: int

    @property
    def gap_fraction(self) -> float:
        """How far above the cheapest the stack may be, as a share of its cost."""
        return self.gap_of(self.usd)

    def gap_of(self, usd: float) -> float:
        """The same of other sizes with this cost."""
        return max(0.0, 1.0 - self.bound_usd / usd) if usd > 0 else 0.0


def best_stack(
    rates: CommitmentRates,
    quantity_per_hour: FloatArray,
    hours: FloatArray,
    *,
    gap_fraction: float = GAP_FRACTION,
    most_rounds: int = MOST_ROUNDS,
) -> Stack:
    r"""The cheapest sizes of several Savings Plans together, with a proof of how close they are.

    Plans find their sizes in turn: what a dollar more of a plan saves in an hour is the price of the next usage that it would
    cover, which is its on-demand rate, or less where a Compute Savings Plan would cover it. These prices are also the proof:
    scaled so that a dollar of a plan saves a dollar over all hours, they give a bound that no sizes and no order of application
    can beat. Of several plans of one family, and of several Compute Savings Plans, one gets a size; the bound is for all.

    Parameters
    ----------
    rates
        Savings Plans; their sizes are what is looked for. Usage that lacks the rate of a plan is not covered by it.
    quantity_per_hour : (meters, hours)
        Without gaps.
    hours : (hours,)
    gap_fraction, most_rounds
        When to stop: the same result on every machine.

    Notes
    -----
    With usage :math:`q_{mt}` in hour :math:`t` of weight :math:`h_t`, on-demand rates :math:`p_m`, plan rates :math:`r_{km}`,
    and any :math:`\lambda_{kt} \ge 0` with :math:`\sum_t h_t \lambda_{kt} \le \sum_t h_t`, by duality of the linear program in
    which the order of application is free:

    .. math:: \text{cost} \ge \sum_t h_t \sum_m q_{mt} \min\Bigl(p_m, \min_k \lambda_{kt}\, r_{km}\Bigr)
    """
    known = replace(rates, is_unknown_left_out=True)
    by_plan = [_order(known, k) for k in range(len(known.commitments))]
    of_family = _one_of_each_family(known, quantity_per_hour, hours, by_plan)
    compute = [k for k, each in enumerate(known.commitments) if each.family is None]
    spend = amounts_usd(quantity_per_hour, known.on_demand_usd[:, np.newaxis])
    price = np.ones_like(quantity_per_hour)  # of a usage, as a share of its on-demand rate
    worth = np.zeros((len(known.commitments), hours.size))  # of a dollar of each Compute Savings Plan
    best_sizes, best_usd, bound, proof = np.zeros(len(known.commitments)), np.inf, 0.0, np.zeros_like(worth)
    best: Stack | None = None
    for done in range(most_rounds):
        sizes = np.zeros(len(known.commitments))
        for k in of_family:
            sizes[k] = _size_at_prices(known, k, by_plan[k], quantity_per_hour, hours, price)
        sizes, usd = _with_compute_plan(known, sizes, compute, quantity_per_hour, hours)
        # A mean of the worths so far is one, too, and its bound no less than the mean of theirs: it does not swing.
        worth += (_compute_worth(known, sizes, by_plan, compute, quantity_per_hour, hours) - worth) * (
            AVERAGED / (done + AVERAGED)
        )
        price, value, saves = _prices(known, sizes, by_plan, compute, worth, quantity_per_hour, spend, hours)
        if value > bound:
            bound, proof = value, saves
        if usd < best_usd:
            best_sizes, best_usd = sizes, usd
        best = Stack(capacity=best_sizes, usd=best_usd, bound_usd=bound, worth=proof, rounds=done + 1)
        if best.gap_fraction <= gap_fraction:
            break
    if best is None:
        raise ValueError("a stack takes at least one round")
    return best


def stack_usd(rates: CommitmentRates, quantity_per_hour: FloatArray, hours: FloatArray, capacity: FloatArray) -> float:
    """Cost over all hours with Savings Plans of other sizes, by the rule of AWS."""
    usage = apply_commitments(rates, quantity_per_hour, hours, capacity=capacity)
    return float(committed_amounts(usage, charge_usd=capacity).total_usd)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Order:
    """What one plan covers, in AWS's order."""

    meters: IntArray
    rate: FloatArray
    """(covered,): of the plan."""
    share: FloatArray
    """(covered,): plan's rate over the on-demand rate, rising."""


def _order(rates: CommitmentRates, plan: int) -> _Order:
    covers = [cover for stage in rates.stages for cover in stage if cover.commitment == plan]
    meters = np.array([cover.meter for cover in covers], dtype=np.int64)
    rate = np.array([cover.price for cover in covers], dtype=np.float64)
    return _Order(meters=meters, rate=rate, share=rate / rates.on_demand_usd[meters])


def _one_of_each_family(
    rates: CommitmentRates, quantity: FloatArray, hours: FloatArray, by_plan: Sequence[_Order]
) -> list[int]:
    """The EC2 Instance Savings Plan of each family whose rates are lowest for this usage."""
    totals = sum_over_states(quantity, hours)
    cheapest: dict[str, tuple[float, int]] = {}
    for k, each in enumerate(rates.commitments):
        if each.family is not None and by_plan[k].meters.size:
            # Usage that the plan has no rate for counts at its on-demand rate.
            saved = amounts_usd(totals[by_plan[k].meters], by_plan[k].rate - rates.on_demand_usd[by_plan[k].meters])
            cheapest[each.family] = min(cheapest.get(each.family, (np.inf, 0)), (float(saved.sum()), k))
    return sorted(k for _, k in cheapest.values())


def _size_at_prices(
    rates: CommitmentRates, plan: int, order: _Order, quantity: FloatArray, hours: FloatArray, price: FloatArray
) -> float:
    """The cheapest size of a plan where what it covers has these prices otherwise, as shares of on-demand rates."""
    ends = np.cumsum(amounts_usd(quantity[order.meters], order.rate[:, np.newaxis]), axis=0)
    ratio = np.minimum.accumulate(price[order.meters] / order.share[:, np.newaxis], axis=0)
    after = np.vstack([ratio[1:], np.zeros((1, hours.size))])
    weights = (ratio - after) * hours
    return _weighted_upper_quantile(np.ravel(ends), np.ravel(weights), float(hours.sum()))


def _with_compute_plan(
    rates: CommitmentRates, sizes: FloatArray, compute: Sequence[int], quantity: FloatArray, hours: FloatArray
) -> tuple[FloatArray, float]:
    """The sizes with that one Compute Savings Plan, at its exact best size, that costs least; and the cost."""
    if not compute:
        return sizes, stack_usd(rates, quantity, hours, sizes)
    left = apply_commitments(rates, quantity, hours, capacity=sizes).on_demand_per_hour
    tried = []
    for k in compute:
        with_k = sizes.copy()
        with_k[k] = commitment_curve(rates, k, left, hours).best_usd_per_hour()
        tried.append((stack_usd(rates, quantity, hours, with_k), k, with_k))
    usd, _, found = min(tried, key=lambda each: each[:2])
    return found, usd


def _compute_worth(
    rates: CommitmentRates,
    sizes: FloatArray,
    by_plan: Sequence[_Order],
    compute: Sequence[int],
    quantity: FloatArray,
    hours: FloatArray,
) -> FloatArray:
    """(commitments, hours): what a dollar of each Compute Savings Plan saves in each hour; 0 for the other plans."""
    of_family = np.where([each.family is None for each in rates.commitments], 0.0, sizes)
    after_family = apply_commitments(rates, quantity, hours, capacity=of_family).on_demand_per_hour
    after_all = apply_commitments(rates, quantity, hours, capacity=sizes).on_demand_per_hour
    worth, on_demand = np.zeros((len(rates.commitments), hours.size)), np.ones_like(quantity)
    for k in compute:
        # A plan that is not bought beside another is held against what that leaves, or against all where it leaves nothing.
        is_beside = sizes[k] == 0 and after_all[by_plan[k].meters].any()
        worth[k] = _saves(by_plan[k], after_all if is_beside else after_family, sizes[k], on_demand, hours)
    return worth


def _prices(
    rates: CommitmentRates,
    sizes: FloatArray,
    by_plan: Sequence[_Order],
    compute: Sequence[int],
    worth: FloatArray,
    quantity: FloatArray,
    spend_usd: FloatArray,
    hours: FloatArray,
) -> tuple[FloatArray, float, FloatArray]:
    """(meters, hours) what usage would cost without EC2 Instance Savings Plans, as shares of on-demand rates; and a bound.

    Last, what a dollar of each plan saves in each hour, by which the bound holds.
    """
    saves = worth.copy()
    price = np.ones_like(quantity)
    for k in compute:
        _lower(price, by_plan[k], worth[k])
    without_family = price.copy()
    for k, order in enumerate(by_plan):
        if rates.commitments[k].family is not None:
            saves[k] = _saves(order, quantity, sizes[k], without_family, hours)
            _lower(price, order, saves[k])
    return without_family, float(sum_over_states((price * spend_usd).sum(axis=0), hours)), saves


def prices_where(rates: CommitmentRates, worth: FloatArray) -> FloatArray:
    """(meters, hours): least share of its on-demand rate that usage costs where a dollar of each plan is worth so much."""
    known = replace(rates, is_unknown_left_out=True)
    price = np.ones((len(known.meters), worth.shape[1]))
    for k in range(len(known.commitments)):
        _lower(price, _order(known, k), worth[k])
    return price


def _lower(price: FloatArray, order: _Order, saves: FloatArray) -> None:
    """Usage costs no more than what it takes from a plan, at what a dollar of the plan is worth in the hour."""
    price[order.meters] = np.minimum(price[order.meters], saves * order.share[:, np.newaxis])


def _saves(order: _Order, quantity: FloatArray, size: float, price: FloatArray, hours: FloatArray) -> FloatArray:
    """(hours,): what a dollar of a plan saves in each hour, so that it saves a dollar over all.

    In hours in which the plan just covers a usage it is anything from what the next dollar would save to what the last one did:
    with whole instances there are many of these hours.
    """
    if not order.meters.size:
        return np.zeros(hours.size)
    own = quantity[order.meters]
    ends = np.cumsum(amounts_usd(own, order.rate[:, np.newaxis]), axis=0)
    worth = np.where(own > 0, price[order.meters] / order.share[:, np.newaxis], 0.0)
    next_one = np.where(ends > size * (1 + _DUST), worth, 0.0).max(axis=0)
    last_one = np.where(ends >= size * (1 - _DUST), worth, 0.0).max(axis=0)
    total, least, most = (
        float(each) for each in (hours.sum(), sum_over_states(next_one, hours), sum_over_states(last_one, hours))
    )
    if least >= total:
        return np.asarray(next_one * (total / least))
    if most <= total:
        return np.asarray(last_one * (total / most)) if most > 0 else last_one
    return np.asarray(next_one + (last_one - next_one) * ((total - least) / (most - least)))


def best_reserved_count(rates: CommitmentRates, commitment: int, quantity_per_hour: FloatArray, hours: FloatArray) -> int:
    """How many Reserved Instances of a type cost least, billed in AWS's order; the fewest of several.

    Where on-demand rates go with the size, as those of a family do within a cent, the cost is convex in the count, which then
    lies beside the best size of the curve.
    """
    curve = commitment_curve(rates, commitment, quantity_per_hour, hours)
    count = rates.commitments[commitment].reserved[1]
    each_usd = float(rates.charge_usd[commitment]) / count
    least = int(curve.best_usd_per_hour() / each_usd)
    counts = np.arange(max(least - 1, 0), least + 3, dtype=np.float64)
    capacity = np.tile(rates.capacity, (counts.size, 1))
    charge = np.tile(rates.charge_usd, (counts.size, 1))
    capacity[:, commitment] *= counts / count
    charge[:, commitment] = amounts_usd(counts, np.array(each_usd))
    usage = apply_commitments(rates, quantity_per_hour, hours, capacity=capacity)
    usd = committed_amounts(usage, charge_usd=charge).total_usd
    return int(min(zip(np.round(usd, 9).tolist(), counts.tolist(), strict=True))[1])
