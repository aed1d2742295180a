"""What advice on commitments holds."""

from dataclasses import asdict, dataclass, field
from typing import Any, Final

from advisor.meters import PaymentOption
from advisor.plan import OPTIONAL
from advisor.recommend.under_terms import UnderTerms

UNCOVERED: Final = "°"
"""Marks options that leave some usage on demand for lack of a rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """One commitment to buy."""

    kind: str
    usd_per_hour: float
    """Due every hour of the term, with what is paid upfront spread over it."""
    family: str | None = None
    instance_type: str | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderStep:
    """A part of the purchase: buy the first step first, and the next ones as the load proves itself."""

    usd_per_hour: float
    """Of this step and those before it."""
    monthly_saving_usd: float
    """Of this step and those before it, on average over the futures."""
    last_dollar_usd: float
    """On-demand dollars that a dollar of this step saves, on average over the futures."""
    utilization_p10: float
    """At least this share of this step and those before it is used in 9 of 10 futures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginalPoint:
    """What the last dollar of a commitment is worth."""

    usd_per_hour: float
    last_dollar_usd: float
    """On-demand dollars that it saves: over 1 it pays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentOption:
    """One way to commit, at its best size or the size that was asked for. Money is of a month of 730 h."""

    id: str
    load: str
    """``recommended``, ``runner_up`` (the first alternative of another launch choice) or ``present``."""
    kind: str
    """``compute_savings_plan``, ``ec2_instance_savings_plan``, ``both_savings_plans`` or ``reserved_instance``."""
    term_years: int
    payment: PaymentOption
    missing: tuple[str, ...] = ()
    """Meters without a rate, where none has one: nothing else is known, and the option is compared with nothing."""
    uncovered: tuple[str, ...] = ()
    """Meters without a rate beside others that have one: what needs them is counted on demand."""
    purchases: tuple[Purchase, ...] = ()
    usd_per_hour: float | None = None
    upfront_usd: float | None = None
    """Due when it is bought."""
    monthly_usd: float | None = None
    """What can be covered, on the measured history, with what is bought and what is held."""
    saving_usd: float | None = None
    """On the measured history, against what is held alone."""
    coverage_fraction: float | None = None
    """Share of the on-demand worth of what can be covered that is covered, by what is held, too."""
    utilization_fraction: float | None = None
    effective_savings_rate: float | None = None
    """Saving over the on-demand worth of what can be covered."""
    saving_mean_usd: float | None = None
    """Over the futures."""
    saving_p10_usd: float | None = None
    saving_p50_usd: float | None = None
    saving_p90_usd: float | None = None
    monthly_p10_usd: float | None = None
    """Cost of what can be covered, with what is bought and held."""
    monthly_p50_usd: float | None = None
    monthly_p90_usd: float | None = None
    utilization_p10: float | None = None
    """At least this share is used in 9 of 10 futures."""
    coverage_p10: float | None = None
    chance_of_loss: float | None = None
    """Share of the futures in which nothing bought would cost less."""
    worst_loss_usd: float | None = None
    """Loss of a month in the worst of a hundred futures; 0 where even that saves."""
    at_risk_usd: float | None = None
    """Due over the whole term, if nothing runs."""
    gap_fraction: float | None = None
    """No sizes of these plans cost less than this share below it, on average over the futures; None for sizes asked for,
    for Reserved Instances, and beside held commitments that AWS may apply after these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadToCommitFor:
    """What runs, as far as commitments may cover it."""

    load: str
    title: str
    on_demand_usd: float
    """What can be covered, at on-demand rates in a month of 730 h."""
    held_usd: float
    """The same with the commitments that are held."""
    load_factor_p10: float | None
    """Next month's load over that of the measured history; None without draws."""
    load_factor_p50: float | None
    load_factor_p90: float | None
    best: dict[str, str]
    """By term such as ``1y``: id of the option that saves most on average over the futures; absent where none saves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceWithCommitments:
    """The recommended plan against the runner-up, each with the commitments that are cheapest for it."""

    term_years: int
    payment: PaymentOption
    missing: tuple[str, ...] = ()
    """Meters of either side that no kind of commitment has a rate for: where there are any, the sides are not compared."""
    recommended_usd: float | None = None
    """Next month's mean, with commitments; without draws the upper end of what the plan may cost. [USD a month of 730 h]"""
    runner_up_usd: float | None = None
    is_reversed: bool | None = None
    """The runner-up is cheaper once both sides commit."""
    recommended_known_usd: float | None = None
    """With the cheapest commitment whose rates are known; with none where none has a rate."""
    runner_up_known_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentAdvice:
    """Ways to commit for the load after the recommended plan, and for today's."""

    cluster: str
    region: str
    prices: str
    loads: tuple[LoadToCommitFor, ...]
    options: tuple[CommitmentOption, ...]
    headline: str | None
    """Id of the option that is recommended: the best of the shortest term for the recommended plan; None where none saves."""
    ladder: tuple[LadderStep, ...]
    """Of the headline."""
    marginal: tuple[MarginalPoint, ...]
    """Of the headline, from nothing to half more than its size."""
    choices: tuple[ChoiceWithCommitments, ...]
    """Whether the launch choice stays with commitments; empty where there is no other one, or where a size was asked for."""
    notes: tuple[str, ...]
    under_terms: UnderTerms | None = field(default=None, metadata=OPTIONAL)
    """What commitments make of the choice of the plan; left out where the workload states no terms, and beside a
    recommendation, which has it."""

    def option(self, option_id: str) -> CommitmentOption:
        return next(each for each in self.options if each.id == option_id)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as ``advisor commit --format json`` prints."""
        told = asdict(self)
        if self.under_terms is None:
            del told["under_terms"]
        return {"schema": "advisor/commitments/1", **told}
