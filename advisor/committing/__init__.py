"""What to commit to: Savings Plans and Reserved Instances for the load that a workload will have."""

from advisor.committing.advice import commit
from advisor.committing.result import (
    ChoiceWithCommitments,
    CommitmentAdvice,
    CommitmentOption,
    LadderStep,
    LoadToCommitFor,
    MarginalPoint,
    Purchase,
)

__all__ = [
    "ChoiceWithCommitments",
    "CommitmentAdvice",
    "CommitmentOption",
    "LadderStep",
    "LoadToCommitFor",
    "MarginalPoint",
    "Purchase",
    "commit",
]
