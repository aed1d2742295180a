"""One side of the choice with the commitments that are cheapest for it, of one term and payment."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from advisor.billing import commitment_meter, commitment_rates, covers
from advisor.ecs import PurchaseOption
from advisor.meters import COMMITMENT_YEARS, CommitmentKind, Meter, PaymentOption, instance_hour, windows_instance_hour
from advisor.optimize.commitments import best_stack
from advisor.optimize.held import plan_usage
from advisor.optimize.parts import Part
from advisor.optimize.search import Search
from advisor.plan import Commitment
from advisor.units import FloatArray

NO_COMMITMENT: Final = "none"
COMMITMENT_TERMS: Final = (
    NO_COMMITMENT,
    *(f"{years}y:{payment}" for years in COMMITMENT_YEARS for payment in reversed(PaymentOption)),
)
"""What the axis knows: nothing committed, or years and payment of the plans that either side buys."""
_INSTANCE: Final = tuple(meter("", PurchaseOption.ON_DEMAND).id for meter in (instance_hour, windows_instance_hour))


def committed_usd(parts: Sequence[Part], hours: FloatArray, search: Search, terms: str) -> tuple[float | None, tuple[str, ...]]:
    """Cost of a month with the plans of these terms that are cheapest for it, and the meters whose rate is missing.

    EC2 gets an EC2 Instance Savings Plan for each family that it uses, Fargate a Compute Savings Plan, each of the size that
    makes this very load cheapest; nothing is committed where that would not save, and what no plan covers stays as it is.

    Parameters
    ----------
    hours : (steps,)
        How long each step counts in a month of 730 h; 0 where not measured.
    terms
        One of ``COMMITMENT_TERMS`` but ``none``.
    """
    used = plan_usage(parts, hours, search)
    meters = used.usage.meters
    plans = _plans(meters, terms)
    rates = commitment_rates(meters, plans, search.catalog, search.region)
    missing = [
        commitment_meter(plan, meter).id
        for c, plan in enumerate(plans)
        for m, meter in enumerate(meters)
        if covers(plan, meter) and np.isnan(rates.committed_usd[c, m])
    ]
    counts = used.usage.hours > 0
    quantity, lasting = used.usage.quantity_per_hour[:, counts], used.usage.hours[counts]
    if missing or np.isnan(quantity).any() or np.isnan(rates.on_demand_usd).any():
        return None, tuple(dict.fromkeys(missing))
    return best_stack(rates, quantity, lasting).usd, ()


def _plans(meters: Sequence[Meter], terms: str) -> tuple[Commitment, ...]:
    """A plan for each family of instances, and one for Fargate where there are none: of any size, which is looked for."""
    years, _, payment = terms.partition("y:")
    types = [meter.id.rpartition(":")[2] for meter in meters if meter.id.startswith(_INSTANCE)]
    families = tuple(dict.fromkeys(name.partition(".")[0] for name in types))
    kind = CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN if families else CommitmentKind.COMPUTE_SAVINGS_PLAN
    return tuple(
        Commitment(kind=kind, family=family, usd_per_hour=1.0, term_years=int(years), payment=PaymentOption(payment))
        for family in families or (None,)
    )
