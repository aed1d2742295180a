"""Sizes of new commitments found by bills: beside held ones that AWS may apply after them, for what new ones leave to these."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import numpy as np

from advisor.meters import CommitmentKind
from advisor.optimize.commitments import CommitmentCurve, commitment_curve
from advisor.optimize.committable import Committable
from advisor.plan import Commitment
from advisor.units import FloatArray

POINTS: Final = 17
"""Sizes that are tried first: with whole instances the cost is not convex."""
ROUNDS: Final = 24
"""Of a golden section around the best of these: the size is known to a millionth of the largest."""
MOST_DESCENTS: Final = 4
"""Times that all plans are sized again after one another, from each of the ways to begin with."""
MOST_HOURS: Final = 150
"""Of a future: with more, sizes are looked for on so many of them, and once more on all from what is found."""
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
    # Of one kind the higher saving comes first, and of the same terms that is the same one. Plans of two families never meet.
    is_reserved = plan.kind is CommitmentKind.RESERVED_INSTANCE
    is_other = (plan.term_years, plan.payment) != (held.term_years, held.payment)
    return not is_reserved and is_other and plan.family == held.family


def cheapest_beside_held(case: Committable, plans: Sequence[Commitment], ways: Sequence[FloatArray]) -> FloatArray:
    """The sizes that cost least with what is held, billed in AWS's order.

    Each plan is sized between nothing and all that it may cover, one after the other and again, while that costs less; a
    Compute Savings Plan that comes last is sized exactly for what all others leave.

    Parameters
    ----------
    plans
        Each of 1: a dollar an hour, or one instance.
    ways : of (plans,)
        Sizes to begin with, beside none of any plan.
    """
    case = case.merged()
    few = case.thinned(MOST_HOURS)
    found = _from_all_sides(_Sizing(few, plans), ways)
    if few is case:
        return found
    whole = _Sizing(case, plans)
    start = min((whole.billed(sizes) for sizes in (*ways, found)), key=lambda each: each[0])
    return whole.descended(*start, most=1)[1]


def _from_all_sides(sizing: "_Sizing", ways: Sequence[FloatArray]) -> FloatArray:
    found = (sizing.completed(sizes.copy()) for sizes in (*ways, np.zeros(len(sizing.plans))))
    starts = [sizing.billed(sizes) for sizes in {tuple(sizes.tolist()): sizes for sizes in found}.values()]
    if len(sizing.sized) == 1:  # it is searched over its whole range, from whichever start
        starts = [min(starts, key=lambda each: each[0])]
    return min((sizing.descended(*start) for start in starts), key=lambda each: each[0])[1]


class _Sizing:
    """Sizes of some plans beside what is held, and what a month then costs."""

    def __init__(self, case: Committable, plans: Sequence[Commitment]) -> None:
        self.case, self.plans, self.rates = case, plans, case.beside_held(plans)
        self.compute = [k for k, plan in enumerate(plans) if plan.kind is CommitmentKind.COMPUTE_SAVINGS_PLAN]
        # One of other terms than a held one may come before it, which then covers something else.
        is_last = len(always_before([plans[k] for k in self.compute], case.held)) == len(case.held)
        self.sized = [k for k in range(len(plans)) if k not in self.compute or not is_last]
        ends_usd = [float(self._curve(k).ends_usd.max(initial=0.0)) for k in self.sized]
        self.largest = [usd / float(self.rates.charge_usd[self._at(k)]) for k, usd in zip(self.sized, ends_usd, strict=True)]

    def _at(self, k: int) -> int:
        return len(self.case.held) + k

    def _curve(self, k: int, sizes: FloatArray | None = None) -> CommitmentCurve:
        """Of one plan: over all usage, or over what some sizes leave."""
        quantity, hours = self.case.futures
        left = quantity if sizes is None else self.case.left_in_futures(self.rates, sizes)
        return commitment_curve(self.rates, self._at(k), left, hours)

    def billed(self, sizes: FloatArray) -> tuple[float, FloatArray]:
        return self.case.future_usd(self.rates, sizes), sizes

    def completed(self, sizes: FloatArray) -> FloatArray:
        """With the Compute Savings Plan that is best for what the others leave."""
        sizes[self.compute] = 0.0
        for k in self.compute:
            sizes[k] = self._curve(k, sizes).best_usd_per_hour()
        return sizes

    def with_size(self, start: FloatArray, k: int, size: float) -> tuple[float, FloatArray]:
        sizes = start.copy()
        sizes[k] = size
        return self.billed(sizes if k in self.compute else self.completed(sizes))

    def descended(self, usd: float, sizes: FloatArray, most: int = MOST_DESCENTS) -> tuple[float, FloatArray]:
        """The least that is reached from some sizes by changing one at a time, so many times at most."""
        for _ in range(most):
            before = usd
            for k, largest in zip(self.sized, self.largest, strict=True):
                with_size = partial(self.with_size, sizes, k)
                size = _lowest(with_size, largest)
                for each in (size,) if self.plans[k].count is None else (np.floor(size), np.ceil(size)):
                    other_usd, other = with_size(each)
                    if other_usd < usd * (1 - _LEAST_GAIN):
                        usd, sizes = other_usd, other
            if usd == before or len(self.sized) == 1:
                break
        return usd, sizes


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
