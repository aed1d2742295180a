"""What an account buys altogether, of the ways to commit that each Region has."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from advisor.recommend.commitments import CommitmentAdvice, CommitmentOption

ALL_REGIONS = "all Regions"
"""In the place of a Region: Compute Savings Plans cover usage in any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPurchase:
    """The recommended options of all Regions, or the one over all of them where that saves more. Dollars are of 730 h."""

    options: dict[str, str]
    """Id of the option by Region."""
    saving_usd: float
    """On the measured history, against what is held alone."""
    saving_mean_usd: float | None
    """Over the futures; None where one of the options has none."""
    usd_per_hour: float
    upfront_usd: float
    coverage_fraction: float | None
    """Of the on-demand worth of what can be covered in all Regions, also of workloads for which nothing is sized; None where
    what is held covers an unknown share of it."""
    utilization_fraction: float | None
    """Share of what is bought that is used."""


class Unsized(NamedTuple):
    """What a workload uses that could be covered, and that no size of a Region counts."""

    region: str
    on_demand_usd: float
    """A month."""
    coverage_fraction: float | None
    """By what is held; None where that is not known."""


def account_purchase(advices: Sequence[CommitmentAdvice], unsized: Sequence[Unsized] = ()) -> AccountPurchase | None:
    """What saves most; None where nothing saves."""
    found = [
        _of(
            [each for each in advices if (each.region == ALL_REGIONS) is over_all],
            [each for each in unsized if (each.region == ALL_REGIONS) is over_all],
        )
        for over_all in (False, True)
    ]
    return max((each for each in found if each is not None), key=_merit, default=None)


def _of(advices: Sequence[CommitmentAdvice], unsized: Sequence[Unsized]) -> AccountPurchase | None:
    chosen = {each.region: each.option(each.headline) for each in advices if each.headline is not None}
    if not chosen:
        return None
    options = list(chosen.values())
    means = [each.saving_mean_usd for each in options]
    usd_per_hour = math.fsum(each.usd_per_hour or 0.0 for each in options)
    return AccountPurchase(
        options={region: each.id for region, each in chosen.items()},
        saving_usd=math.fsum(each.saving_usd or 0.0 for each in options),
        saving_mean_usd=None if None in means else math.fsum(each or 0.0 for each in means),
        usd_per_hour=usd_per_hour,
        upfront_usd=math.fsum(each.upfront_usd or 0.0 for each in options),
        coverage_fraction=_coverage(advices, unsized, chosen),
        utilization_fraction=_weighted([(each.utilization_fraction, each.usd_per_hour or 0.0) for each in options]),
    )


def _coverage(
    advices: Sequence[CommitmentAdvice], unsized: Sequence[Unsized], chosen: dict[str, CommitmentOption]
) -> float | None:
    shares = [(each.coverage_fraction, each.on_demand_usd) for each in unsized]
    for advice in advices:
        for load in advice.loads:
            option = chosen.get(advice.region)
            covered = None if load.held_usd != load.on_demand_usd else 0.0
            shares.append((covered if option is None else option.coverage_fraction, load.on_demand_usd))
    return _weighted(shares)


def _weighted(shares: Sequence[tuple[float | None, float]]) -> float | None:
    total = math.fsum(weight for _, weight in shares)
    known = [share * weight for share, weight in shares if share is not None]
    return math.fsum(known) / total if total and len(known) == len(shares) else None


def _merit(purchase: AccountPurchase) -> float:
    return purchase.saving_usd if purchase.saving_mean_usd is None else purchase.saving_mean_usd
