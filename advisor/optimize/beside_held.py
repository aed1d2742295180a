"""Sizes of new commitments beside held ones that AWS applies after them: what a new one covers frees these for other usage."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import numpy as np

from advisor.meters import CommitmentKind
from advisor.optimize.commitments import commitment_curve
from advisor.optimize.committable import Committable
from advisor.plan import Commitment
from advisor.units import FloatArray

POINTS: Final = 17
"""Sizes that are tried first: with whole instances the cost is not convex."""
ROUNDS: Final = 24
"""Of a golden section around the best of these: the size is known to a millionth of the largest."""
_LEAST_GAIN: Final = 1e-6
"""Relative: for less, one of the sizes to begin with is kept, which is exact."""
_GOLDEN: Final = (np.sqrt(5) - 1) / 2
_TURN: Final = (CommitmentKind.RESERVED_INSTANCE, CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN, CommitmentKind.COMPUTE_SAVINGS_PLAN)


def always_before(plans: Sequence[Commitment], held: Sequence[Commitment]) -> tuple[Commitment, ...]:
    """Those of the held that AWS applies before any of the plans, or as one with it."""
    return tuple(each for each in held if not any(_may_precede(plan, each) for plan in plans))


def _may_precede(plan: Commitment, held: Commitment) -> bool:
    if plan.kind is not held.kind:
        return _TURN.index(plan.kind) < _TURN.index(held.kind)
    # Of one kind the higher saving comes first, and of the same terms that is the same one.
    is_reserved = plan.kind is CommitmentKind.RESERVED_INSTANCE
    return not is_reserved and (plan.term_years, plan.payment) != (held.term_years, held.payment)


def cheapest_beside_held(case: Committable, plans: Sequence[Commitment], ways: Sequence[FloatArray]) -> FloatArray:
    """The sizes that cost least with what is held, billed in AWS's order.

    A plan for instances is sized between nothing and all that it may cover, one plan after the other, and a Compute Savings
    Plan, which comes last, for what all others leave.

    Parameters
    ----------
    plans
        Each of 1: a dollar an hour, or one instance.
    ways : of (plans,)
        Sizes to begin with, of which the cheapest is taken where nothing between them is cheaper.
    """
    case = case.merged()
    rates = case.beside_held(plans)
    quantity, hours = case.futures
    compute = [k for k, plan in enumerate(plans) if plan.kind is CommitmentKind.COMPUTE_SAVINGS_PLAN]

    def completed(start: FloatArray, k: int, size: float) -> tuple[float, FloatArray]:
        sizes = start.copy()
        sizes[k], sizes[compute] = size, 0.0
        for last in compute:
            left = case.left_in_futures(rates, sizes)
            sizes[last] = commitment_curve(rates, len(case.held) + last, left, hours).best_usd_per_hour()
        return case.future_usd(rates, sizes), sizes

    best_usd, best = min((completed(sizes, 0, sizes[0]) for sizes in ways), key=lambda each: each[0])
    for k in (k for k in range(len(plans)) if k not in compute):
        with_size = partial(completed, best, k)
        ends_usd = commitment_curve(rates, len(case.held) + k, quantity, hours).ends_usd
        size = _lowest(with_size, float(ends_usd.max(initial=0.0) / rates.charge_usd[len(case.held) + k]))
        for each in (size,) if plans[k].count is None else (np.floor(size), np.ceil(size)):
            usd, sizes = with_size(each)
            if usd < best_usd * (1 - _LEAST_GAIN):
                best_usd, best = usd, sizes
    return best


def _lowest(billed: Callable[[float], tuple[float, object]], most: float) -> float:
    """Where between 0 and the most a cost, the first of what is billed, is lowest: at the best of a few sizes, or near it."""
    sizes = np.linspace(0.0, most, POINTS)
    at = int(np.argmin([billed(size)[0] for size in sizes.tolist()]))
    low, high = float(sizes[max(at - 1, 0)]), float(sizes[min(at + 1, POINTS - 1)])
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    left_usd, right_usd = billed(left)[0], billed(right)[0]
    for _ in range(ROUNDS):
        if left_usd <= right_usd:
            high, right, right_usd = right, left, left_usd
            left = high - _GOLDEN * (high - low)
            left_usd = billed(left)[0]
        else:
            low, left, left_usd = left, right, right_usd
            right = low + _GOLDEN * (high - low)
            right_usd = billed(right)[0]
    return min(float(sizes[at]), (low + high) / 2, key=lambda size: billed(size)[0])
