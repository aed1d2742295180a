"""The staircase of a fleet: what right sizes, architecture, launch type and Spot save over all workloads together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from advisor.fleet.records import Status, WorkloadRecord
from advisor.recommend.saving_steps import EFFORTS, RISKS
from advisor.recommend.steps import StepKind

KINDS = tuple(kind for kind in StepKind if kind is not StepKind.COMMITMENTS)
"""New commitments of a fleet are sized for the account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetStep:
    """One step over the workloads of a staircase. Dollars are of a month."""

    kind: StepKind
    saves_usd: float
    """Against the step before; negative where it costs more."""
    monthly_usd: float
    """After the step."""
    risk: str
    effort: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSteps:
    """The steps of workloads that start alike, added up. Dollars are of a month."""

    against: str
    """``now``: what runs today; ``fargate``: all on Fargate on demand as declared."""
    n_workloads: int
    start_usd: float
    steps: tuple[FleetStep, ...]
    """In order; they add up from the start to the end."""
    end_usd: float
    """Of the recommended plans."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WithoutSteps:
    """A workload of the totals that is in no staircase."""

    workload: str
    why: str


def fleet_steps(records: Sequence[WorkloadRecord]) -> tuple[FleetSteps, ...]:
    """The staircases of the workloads in the totals: from now and from Fargate, which are never added up."""
    found = []
    for against in ("now", "fargate"):
        members = [each for each in records if each.counts and each.steps is not None and each.saving_against == against]
        stairs = [each.steps for each in members if each.steps is not None]
        if not stairs:
            continue
        start_usd = math.fsum(each.start_usd for each in stairs)
        saves_usd = [math.fsum(each.saves_usd[kind] for each in stairs) for kind in KINDS]
        steps = tuple(
            FleetStep(
                kind=kind,
                saves_usd=usd,
                monthly_usd=math.fsum([start_usd, *(-before for before in saves_usd[: at + 1])]),
                risk=RISKS[kind],
                effort=EFFORTS[kind],
            )
            for at, (kind, usd) in enumerate(zip(KINDS, saves_usd, strict=True))
        )
        end_usd = math.fsum(each.end_usd for each in stairs)
        found.append(FleetSteps(against=against, n_workloads=len(stairs), start_usd=start_usd, steps=steps, end_usd=end_usd))
    return tuple(found)


def without_steps(records: Sequence[WorkloadRecord]) -> tuple[WithoutSteps, ...]:
    """Workloads that are in the totals and in no staircase, with the reason."""
    return tuple(
        WithoutSteps(workload=record.name, why="only screened" if record.status is Status.SCREENED else record.steps_missing)
        for record in records
        if record.counts and record.steps is None
    )
