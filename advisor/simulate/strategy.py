"""How ECS shares tasks out over the capacity providers of a strategy."""

from collections.abc import Sequence

import numpy as np

from advisor.units import FloatArray


def allocated(tasks: FloatArray, *, bases: Sequence[int], weights: Sequence[int]) -> FloatArray:
    r"""Tasks on each capacity provider, (providers, ...): the base first, the rest by weight; NaN where not known.

    Shares of the rest are not rounded to whole tasks: AWS does not publish how a part of a ratio is rounded, which moves less
    than one task.

    Parameters
    ----------
    tasks : (...)
        Of a service.
    bases, weights : (providers,)
        As in the strategy: one base at most, and a weight above 0.

    Raises
    ------
    ValueError
        ECS would refuse the strategy.

    Notes
    -----
    .. math:: n_p = \min(n, b_p) + \frac{w_p}{\sum_q w_q} \left(n - \min(n, \textstyle\sum_q b_q)\right)

    References
    ----------
    Amazon ECS API Reference, "CapacityProviderStrategyItem".
    """
    if sum(base > 0 for base in bases) > 1 or not sum(weights) > 0:
        raise ValueError(f"a strategy has at most one base and some weight, got {bases} and {weights}")
    on_base = np.minimum(tasks, np.reshape(np.asarray(bases, dtype=np.float64), (-1, *[1] * tasks.ndim)))
    share = np.asarray(weights, dtype=np.float64) / sum(weights)
    return np.asarray(on_base + np.multiply.outer(share, tasks - on_base.sum(axis=0)))
