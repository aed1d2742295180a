"""Steps of the staircase as a result holds them."""

from dataclasses import dataclass
from enum import StrEnum


class StepKind(StrEnum):
    """What one step of the staircase is free to change, on top of the steps before it."""

    SIZES = "sizes"
    ARCHITECTURE = "architecture"
    """With it, on instances, their type."""
    LAUNCH_TYPE = "launch_type"
    SPOT = "spot"
    COMMITMENTS = "commitments"
    """Only where the workload states terms of new ones. Else they are no part of this answer, and ``advisor commit`` sizes them
    on the load after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingStep:
    """One step of the staircase."""

    kind: StepKind
    """What it is free to change on top of the steps before it."""
    title: str | None
    """Of the plan after it; None where none of its kind was found, has a price and is not dearer, so that it saves nothing."""
    monthly_usd: float
    """After the step."""
    saves_usd: float
    """Against the step before; negative where it costs more."""
    risk: str
    effort: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingSteps:
    """What each kind of change saves, in the order in which they are easily made; they add up from the start to the end."""

    start: str
    """In words."""
    is_present: bool
    """Whether it is what runs today."""
    start_usd: float
    """A month of it."""
    steps: tuple[SavingStep, ...]
    """In order."""
    end_usd: float
    """Mean of the recommended plan."""

    @property
    def sizes_alone_usd(self) -> float:
        """A month where nothing is changed but the sizes."""
        return self.steps[0].monthly_usd
