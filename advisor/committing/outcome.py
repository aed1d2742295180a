"""What commitments do to a bill: at the measured load, in the futures, step by step and dollar by dollar."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from advisor.billing import apply_commitments, committed_amounts
from advisor.meters import PaymentOption
from advisor.optimize.committable import Committable
from advisor.plan import Commitment
from advisor.recommend.commitments import CommitmentOption, LadderStep, MarginalPoint, Purchase
from advisor.uncertainty import nine_digits
from advisor.units import HOURS_PER_MONTH, HOURS_PER_YEAR, FloatArray

LADDER: Final = (0.25, 0.5, 0.75, 1.0)
GRID_POINTS: Final = 17
MARGINAL_POINTS: Final = 31
WORST: Final = 0.01
_CENT: Final = 0.01
_UPFRONT: Final = {PaymentOption.ALL_UPFRONT: 1.0, PaymentOption.PARTIAL_UPFRONT: 0.5, PaymentOption.NO_UPFRONT: 0.0}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Billed:
    """What commitments do at one load."""

    usd: float
    saving_usd: float
    utilization: float
    coverage: float


def _billed(case: Committable, bought: Sequence[Commitment], factor: float) -> _Billed:
    """At the load of the history times a factor, with what is held."""
    amounts = committed_amounts(apply_commitments(case.beside_held(bought), case.at_load(factor), case.hours))
    new = slice(len(case.held), None)
    due = float((amounts.used_usd + amounts.lost_usd)[new].sum())
    usd = float(amounts.total_usd)
    worth = case.on_demand_usd(factor)
    return _Billed(
        usd=usd,
        saving_usd=case.held_usd(factor) - usd,
        utilization=float(amounts.used_usd[new].sum()) / due if due else 0.0,
        coverage=1.0 - float(amounts.on_demand_usd.sum()) / worth if worth else 0.0,
    )


def with_outcome(option: CommitmentOption, case: Committable, bought: Sequence[Commitment]) -> CommitmentOption:
    """The option with its purchases and what they do to the bill, at the measured load and in the futures."""
    now = _billed(case, bought, 1.0)
    charges = case.rates(bought).charge_usd.tolist()
    due = float(sum(charges))
    purchases = tuple(
        Purchase(
            kind=plan.kind.value,
            usd_per_hour=nine(charge),
            family=plan.family,
            instance_type=plan.instance_type,
            count=plan.count,
        )
        for plan, charge in zip(bought, charges, strict=True)
    )
    known = replace(
        option,
        purchases=purchases,
        usd_per_hour=nine(due),
        upfront_usd=nine(due * HOURS_PER_YEAR * option.term_years * _UPFRONT[option.payment]),
        monthly_usd=nine(now.usd),
        saving_usd=nine(now.saving_usd),
        coverage_fraction=nine(now.coverage),
        utilization_fraction=nine(now.utilization) if bought else None,
        effective_savings_rate=nine(now.saving_usd / case.on_demand_usd()),
        at_risk_usd=nine(due * HOURS_PER_YEAR * option.term_years),
    )
    return known if case.load_factors is None else _in_futures(known, case, bought, case.load_factors)


def _in_futures(
    option: CommitmentOption, case: Committable, bought: Sequence[Commitment], load_factors: FloatArray
) -> CommitmentOption:
    """Quantiles over the draws. A few loads are billed, and what lies between them is interpolated."""
    factors = np.unique(np.quantile(load_factors, np.linspace(0, 1, GRID_POINTS)))
    billed = [_billed(case, bought, float(factor)) for factor in factors]

    def drawn(values: Sequence[float]) -> FloatArray:
        return np.asarray(np.interp(load_factors, factors, np.array(values)))

    usd, saving = drawn([each.usd for each in billed]), drawn([each.saving_usd for each in billed])
    usd_p10, usd_p50, usd_p90 = (nine(each) for each in np.quantile(usd, [0.1, 0.5, 0.9]).tolist())
    p10, p50, p90 = (nine(each) for each in np.quantile(saving, [0.1, 0.5, 0.9]).tolist())
    used = float(np.quantile(drawn([each.utilization for each in billed]), 0.1))
    return replace(
        option,
        saving_mean_usd=nine(float(saving.mean())),
        saving_p10_usd=p10,
        saving_p50_usd=p50,
        saving_p90_usd=p90,
        monthly_p10_usd=usd_p10,
        monthly_p50_usd=usd_p50,
        monthly_p90_usd=usd_p90,
        utilization_p10=nine(used) if bought else None,
        coverage_p10=nine(float(np.quantile(drawn([each.coverage for each in billed]), 0.1))),
        chance_of_loss=nine(float((saving < -_CENT).mean())),
        worst_loss_usd=nine(max(0.0, -float(np.quantile(saving, WORST)))),
    )


def nine(value: float) -> float:
    """Nine significant digits: the last ones of a float are no information."""
    return float(nine_digits(np.array(value)))


def _future_usd(case: Committable, bought: Sequence[Commitment], scale: float) -> float:
    """Mean monthly cost over the equally likely futures, with the purchases times a scale."""
    return case.future_usd(case.beside_held(bought), np.full(len(bought), scale))


def ladder(case: Committable, bought: Sequence[Commitment]) -> tuple[LadderStep, ...]:
    due = float(case.rates(bought).charge_usd.sum())
    costs = [_future_usd(case, bought, scale) for scale in (0.0, *LADDER)]
    steps = []
    for number, scale in enumerate(LADDER, 1):
        part = (scale - (0.0, *LADDER)[number - 1]) * due * HOURS_PER_MONTH
        steps.append(
            LadderStep(
                usd_per_hour=nine(scale * due),
                monthly_saving_usd=nine(costs[0] - costs[number]),
                last_dollar_usd=nine(1.0 + (costs[number - 1] - costs[number]) / part),
                utilization_p10=nine(_utilization_p10(case, bought, scale)),
            )
        )
    return tuple(steps)


def _utilization_p10(case: Committable, bought: Sequence[Commitment], scale: float) -> float:
    """Use of a part of the purchases in the future that is worse than nine of ten; of the history without futures."""
    factor = 1.0 if case.load_factors is None else float(np.quantile(case.load_factors, 0.1))
    rates = case.beside_held(bought)
    times = np.concatenate([np.ones(len(case.held)), np.full(len(bought), scale)])
    usage = apply_commitments(rates, case.at_load(factor), case.hours, capacity=rates.capacity * times)
    amounts = committed_amounts(usage, charge_usd=rates.charge_usd * times)
    used, lost = (float(each[len(case.held) :].sum()) for each in (amounts.used_usd, amounts.lost_usd))
    return used / (used + lost)


def marginal(case: Committable, bought: Sequence[Commitment]) -> tuple[MarginalPoint, ...]:
    due = float(case.rates(bought).charge_usd.sum())
    scales = np.linspace(0.0, 1.5, MARGINAL_POINTS)
    costs = [_future_usd(case, bought, float(scale)) for scale in scales]
    points = []
    for number in range(1, scales.size):
        dollars = (scales[number] - scales[number - 1]) * due * HOURS_PER_MONTH
        worth = 1.0 + (costs[number - 1] - costs[number]) / dollars
        points.append(MarginalPoint(usd_per_hour=nine(float(scales[number]) * due), last_dollar_usd=nine(float(worth))))
    return tuple(points)
