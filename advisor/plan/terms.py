"""Terms under which new commitments may be bought."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from advisor.errors import PlanError
from advisor.meters import COMMITMENT_YEARS, CommitmentKind, PaymentOption

NO_TERMS: Final = "none"
"""Nothing new is bought."""
SAVINGS_PLANS: Final = (CommitmentKind.COMPUTE_SAVINGS_PLAN, CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN)
"""Reserved Instances cost what an EC2 Instance Savings Plan does and bind to more, so they are no terms of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Savings Plans of one length and one way to pay."""

    years: int
    payment: PaymentOption
    kinds: tuple[CommitmentKind, ...] = SAVINGS_PLANS

    def __str__(self) -> str:
        """``1y:no_upfront``, with the kind where only one may be bought."""
        kind = "" if self.kinds == SAVINGS_PLANS else f":{self.kinds[0]}"
        return f"{self.years}y:{self.payment}{kind}"

    @property
    def words(self) -> str:
        """``1-year no upfront``, for sentences."""
        kind = {CommitmentKind.COMPUTE_SAVINGS_PLAN: " Compute", CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN: " EC2 Instance"}
        only = "" if self.kinds == SAVINGS_PLANS else kind[self.kinds[0]]
        return f"{self.years}-year {self.payment.replace('_', ' ')}{only}"


def terms_of(stated: Iterable[str]) -> tuple[Terms, ...]:
    """Terms as a user states them: ``none``, or years with a payment option and a kind where not all are meant.

    Raises
    ------
    PlanError
        AWS sells none such.

    Examples
    --------
    >>> [str(each) for each in terms_of(["none", "1y:no_upfront"])]
    ['1y:no_upfront']
    >>> [each.words for each in terms_of(["3y:all_upfront:compute_savings_plan"])]
    ['3-year all upfront Compute']
    >>> len(terms_of(["1y"]))
    3
    """
    kinds: dict[tuple[int, PaymentOption], set[CommitmentKind]] = {}
    for text in stated:
        if text == NO_TERMS:
            continue
        years, *rest = text.split(":")
        if years not in {f"{each}y" for each in COMMITMENT_YEARS}:
            raise PlanError(f"terms are `none`, 1y or 3y, not {text[:60]!r}")
        payments = [PaymentOption(each) for each in rest if each in set(PaymentOption)]
        of_kind = [CommitmentKind(each) for each in rest if each in SAVINGS_PLANS]
        unknown = [each for each in rest if each not in {*PaymentOption, *SAVINGS_PLANS}]
        if unknown:
            known = ", ".join((*PaymentOption, *SAVINGS_PLANS))
            raise PlanError(f"{unknown[0][:60]!r} in the terms {text[:60]!r} is none of {known}")
        for payment in payments or PaymentOption:
            kinds.setdefault((int(years[0]), payment), set()).update(of_kind or SAVINGS_PLANS)
    return tuple(
        Terms(years=years, payment=payment, kinds=tuple(kind for kind in SAVINGS_PLANS if kind in found))
        for (years, payment), found in kinds.items()
    )
