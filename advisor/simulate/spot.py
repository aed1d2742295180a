r"""How many Spot instances are missing: at a moment, some time in a month, and what On-Demand base bounds it.

Every place for an instance alternates between up, for an exponential time of rate :math:`\lambda`, and down, for the time
:math:`D` that its replacement takes. Places are independent; where a whole capacity pool (a type in a zone) is taken at once,
the pool is the place. Whether there is capacity for the replacement is not modelled: nothing public says it.
"""

import math
from bisect import bisect_left
from collections.abc import Callable
from typing import Final

from advisor.units import HOURS_PER_MONTH

NOTICE_S: Final = 120
"""From AWS's notice until it takes the instance. Amazon EC2 User Guide, "Spot Instance interruption notices"."""


def interruptions_per_month(chance: float) -> float:
    """Rate of a place that is always filled again, from the chance that one instance is interrupted within a month.

    ``-ln(1 - chance)``: 0.20 gives 0.2231.
    """
    return -math.log1p(-chance)


def missing_fraction(per_month: float, replacement_h: float) -> float:
    """Share of time that a place is down: ``a / (1 + a)`` with ``a = per_month * replacement_h / 730``."""
    down = per_month * replacement_h / HOURS_PER_MONTH
    return down / (1 + down)


def chance_now(places: int, spare: int, missing: float) -> float:
    r"""Chance that more than ``spare`` of ``places`` are down at a moment.

    .. math:: P(K > m) = \sum_{k > m} \binom n k u^k (1 - u)^{n - k}

    with n places, m spare ones and u, the share of time that one is missing.
    """
    return 1.0 if spare < 0 else math.fsum(_exactly(places, k, missing) for k in range(spare + 1, places + 1))


def chance_in_month(places: int, spare: int, per_month: float, replacement_h: float) -> float:
    r"""Chance that more than ``spare`` of ``places`` are down at some time within a month of 730 h.

    .. math:: 1 - P(K \le m)\, \exp\!\left(-(n - m)\, \lambda\, \frac{P(K = m)}{P(K \le m)}\right)

    with :math:`\lambda` the interruptions of a place in a month and K as in :func:`chance_now`. The exponent is the
    stationary rate at which a place goes down while m are down already, given that no more are. Exact for m = 0; for
    m > 0 such moments come in clusters, so that it is a little high.
    """
    if spare < 0:
        return 1.0
    if spare >= places:
        return 0.0
    missing = missing_fraction(per_month, replacement_h)
    over = chance_now(places, spare, missing)
    enough = 1.0 - over
    crossings = (places - spare) * per_month * _exactly(places, spare, missing)
    return over - enough * math.expm1(-crossings / enough) if enough > 0 else 1.0


def chance_with_pools(places: int, spare: int, per_month: float, replacement_h: float, *, pools: int) -> float:
    """As :func:`chance_in_month` where all places of one capacity pool are taken at once, and pools hold equal shares.

    A pool holds at most ``ceil(places / pools)`` places, so that the loss of ``spare // that`` pools is borne.
    """
    if places == 0:
        return 0.0 if spare >= 0 else 1.0
    in_use = min(places, pools)
    return chance_in_month(in_use, spare // math.ceil(places / pools), per_month, replacement_h)


def least_on_demand(places: int, level: float, chance: Callable[[int], float]) -> int:
    """The fewest of ``places`` to take from Spot to On-Demand so that the chance is at most ``level``.

    Parameters
    ----------
    chance : callable
        Chance by the number of places left on Spot; must not fall as that rises.
    """
    return bisect_left(range(places), True, key=lambda base: chance(places - base) <= level)


def _exactly(places: int, down: int, missing: float) -> float:
    if missing in (0.0, 1.0):
        return float(down == places * missing)
    log_ways = math.lgamma(places + 1) - math.lgamma(down + 1) - math.lgamma(places - down + 1)
    return math.exp(log_ways + down * math.log(missing) + (places - down) * math.log1p(-missing))
