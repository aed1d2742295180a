"""Commitments: what an account pays by the hour whatever it uses, in return for lower rates."""

import math
import re
from dataclasses import dataclass
from typing import Final

from advisor.errors import PlanError
from advisor.meters import COMMITMENT_YEARS, CommitmentKind, PaymentOption

REGION_SCOPE: Final = "region"
"""Scope of a Reserved Instance that covers usage in any zone of the Region."""
_FAMILY: Final = re.compile(r"[a-z][a-z0-9-]*")
_TYPE: Final = re.compile(r"[a-z][a-z0-9-]*\.[a-z0-9-]+")
_ZONE: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d[a-z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """A Savings Plan, or Reserved Instances of one type: held or to be bought.

    Reserved Instances are for Linux with shared tenancy; standard or convertible makes no difference to what they cover.
    """

    kind: CommitmentKind
    term_years: int
    payment: PaymentOption
    usd_per_hour: float | None = None
    """Of a Savings Plan: the commitment, in dollars at the plan's rates. Of Reserved Instances: what an hour of one of them
    costs, with what is paid upfront spread over the term, where it is another rate than the catalog's."""
    family: str | None = None
    """Of an EC2 Instance Savings Plan, such as ``m7g``."""
    instance_type: str | None = None
    """Of Reserved Instances."""
    count: int | None = None
    """Of Reserved Instances."""
    scope: str = REGION_SCOPE
    """Of Reserved Instances: ``region``, or the name of the zone that they reserve capacity in."""

    def __post_init__(self) -> None:
        if self.term_years not in COMMITMENT_YEARS:
            raise PlanError(f"a commitment runs for 1 or 3 years, not {self.term_years}")
        usd = self.usd_per_hour
        if usd is not None and not 0 <= usd < math.inf:
            raise PlanError(f"usd_per_hour is a number of dollars, not {usd}")
        if self.kind is CommitmentKind.RESERVED_INSTANCE:
            self._check_reserved()
        else:
            self._check_plan()

    def _check_reserved(self) -> None:
        if self.instance_type is None or not _TYPE.fullmatch(self.instance_type):
            raise PlanError(f"Reserved Instances have an instance_type, such as m7g.large, not {self.instance_type}")
        if self.count is None or self.count < 0:
            raise PlanError(f"Reserved Instances of {self.instance_type} have a count")
        if self.family is not None:
            raise PlanError(f"Reserved Instances have an instance_type and no family ({self.family})")
        if self.scope != REGION_SCOPE and not _ZONE.fullmatch(self.scope):
            raise PlanError(f"the scope of Reserved Instances is `region` or a zone such as us-east-1a, not {self.scope}")

    def _check_plan(self) -> None:
        if self.usd_per_hour is None:
            raise PlanError(f"{self.kind} has usd_per_hour: what it commits to, in dollars an hour")
        if self.instance_type is not None or self.count is not None or self.scope != REGION_SCOPE:
            raise PlanError(f"{self.kind} has no instance_type, count or scope: these belong to Reserved Instances")
        is_for_family = self.kind is CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN
        if is_for_family != (self.family is not None) or (self.family is not None and not _FAMILY.fullmatch(self.family)):
            raise PlanError(f"an EC2 Instance Savings Plan has a family, such as m7g, and no other kind has: {self.family}")

    @property
    def reserved(self) -> tuple[str, int]:
        """Type and count of Reserved Instances."""
        if self.instance_type is None or self.count is None:
            raise ValueError(f"{self} reserves no instances")
        return self.instance_type, self.count

    @property
    def plan_usd_per_hour(self) -> float:
        """What a Savings Plan commits to."""
        if self.instance_type is not None or self.usd_per_hour is None:
            raise ValueError(f"{self} is no Savings Plan")
        return self.usd_per_hour

    @property
    def zone(self) -> str | None:
        """Zone of zonal Reserved Instances; None for everything else."""
        return None if self.scope == REGION_SCOPE else self.scope

    @property
    def terms(self) -> str:
        """Years and payment as meters write them: ``1y:no_upfront``."""
        return f"{self.term_years}y:{self.payment}"

    def __str__(self) -> str:
        """In AWS's words, for line items and messages."""
        terms = f"{self.term_years}-year {self.payment.replace('_', ' ')}"
        if self.kind is CommitmentKind.RESERVED_INSTANCE:
            where = f" in {self.zone}" if self.zone else ""
            return f"{self.count} x {self.instance_type} Reserved Instance{where}, {terms}"
        what = "Compute Savings Plan" if self.family is None else f"EC2 Instance Savings Plan {self.family}"
        return f"{what} of {self.usd_per_hour:g} USD/h, {terms}"
