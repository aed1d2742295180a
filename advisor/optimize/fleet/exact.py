"""What the cheapest fleet costs, exactly: small problems by dynamic programming over the tasks that are left."""

import numpy as np

from advisor.optimize.fleet.dominance import reduced
from advisor.optimize.fleet.patterns import all_patterns
from advisor.optimize.fleet.problem import FleetProblem
from advisor.units import FloatArray, IntArray

MOST_PATTERNS = 2_000
MOST_STEPS = 4_000_000
"""Patterns tried over all sets of tasks that may be left: some 30 ms."""


def least_usd_per_hour(problem: FleetProblem) -> float | None:
    r"""Least that any fleet for the tasks costs; None for larger problems.

    Notes
    -----
    With :math:`f(0) = 0`, patterns :math:`p` at :math:`c_p`, and the least number of instances as one more kind of task of
    which every pattern holds one,

    .. math:: f(n) = \min_p c_p + f(\max(n - p, 0))
    """
    small = reduced(problem).problem
    if not small.counts.any():
        return 0.0
    patterns = all_patterns(small, MOST_PATTERNS)
    if patterns is None:
        return None
    types, tasks = patterns
    by_count = np.argsort(-small.counts, kind="stable")
    need = np.append(small.counts[by_count], small.least)
    if np.prod(need + 1.0) * len(tasks) > MOST_STEPS:
        return None
    holds = np.column_stack([tasks[:, by_count], np.ones(len(tasks), np.int64)])
    return _least_usd(need, holds, small.usd_per_hour[types])


def _least_usd(need: IntArray, holds: IntArray, usd: FloatArray) -> float:
    """The recursion for all that may be left of all but the first kind at once, for more and more of the first."""
    shape = tuple((need[1:] + 1).tolist())
    rest = np.stack(np.unravel_index(np.arange(np.prod(shape)), shape), axis=1)
    after = np.ravel_multi_index(tuple(np.maximum(rest[:, np.newaxis] - holds[:, 1:], 0).transpose(2, 0, 1)), shape)
    least = np.full((int(need[0]) + 1, len(rest)), np.inf)
    least[0, 0] = 0.0
    stays = holds[:, 0] == 0
    for first in range(len(least)):
        here, row = stays if first else np.ones_like(stays), least[first]
        if first:
            places = np.maximum(first - holds[~stays, 0], 0) * len(rest) + after[:, ~stays]
            np.min(least.ravel()[places] + usd[~stays], axis=1, out=row)
        while here.any():
            lower = np.minimum(row, np.min(row[after[:, here]] + usd[here], axis=1))
            if np.array_equal(lower, row):
                break
            row[:] = lower
    return float(least[-1, -1])
