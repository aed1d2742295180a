"""What to commit to: Savings Plans and Reserved Instances for the load that a workload will have."""

from advisor.committing.account import AccountCommitments
from advisor.committing.advice import commit, commit_after
from advisor.recommend.commitments import (
    ChoiceWithCommitments,
    CommitmentAdvice,
    CommitmentOption,
    LadderStep,
    LoadToCommitFor,
    MarginalPoint,
    Purchase,
)

__all__ = [
    "AccountCommitments",
    "ChoiceWithCommitments",
    "CommitmentAdvice",
    "CommitmentOption",
    "LadderStep",
    "LoadToCommitFor",
    "MarginalPoint",
    "Purchase",
    "commit",
    "commit_after",
]
