"""What new commitments make of the launch choice, as a result holds it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanUnderTerms:
    """One plan without new commitments, and with those that are best for it."""

    alternative: str
    """Its id."""
    title: str
    without_usd: float
    """The upper end of its bill without new commitments, as of an alternative. [USD a month of 730 h]"""
    with_usd: float
    """The same with what ``buys`` names; what has no rate of new commitments is on demand, so that it may cost less."""
    buys: tuple[str, ...] = ()
    """In words; nothing where no size saves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceUnderTerms:
    """The launch choice under one length and way to pay."""

    terms: str
    """``1y:no_upfront``."""
    words: str
    """``1-year no upfront``."""
    missing: tuple[str, ...] = ()
    """Meters without a rate: of a side of the choice where there are no plans, for nothing is compared; else of ``kept``."""
    kept: PlanUnderTerms | None = None
    """The plan that is cheapest without new commitments."""
    chosen: PlanUnderTerms | None = None
    """The plan that is cheapest with them; the same where the choice stays."""
    bound_usd: float | None = None
    """On the measured load, at the upper end of what plans may use: no way of each service that was found, alone or on
    instances shared as in one of the alternatives, costs less with Savings Plans of any size at known rates, else on demand.
    [USD a month of 730 h]"""
    gap_fraction: float | None = None
    """How far above the bound the chosen plan is there with the best sizes for that load; None where nothing is proven."""

    @property
    def is_changed(self) -> bool:
        """Whether another plan is the cheapest with commitments than without."""
        return self.kept is not None and self.chosen is not None and self.kept.alternative != self.chosen.alternative


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderTerms:
    """The launch choice and new commitments together, under each of the terms that the workload states."""

    choices: tuple[ChoiceUnderTerms, ...]
    recommended: str | None
    """Terms of the recommended plan, those of the least cost; None where none could be compared."""

    @property
    def of_recommended(self) -> ChoiceUnderTerms | None:
        """The choice under the terms of the recommended plan."""
        return next((each for each in self.choices if each.terms == self.recommended), None)
