"""Spot capacity that AWS takes back: a notice, two minutes, and no other capacity in its place."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from advisor.simulate.replay.losses import Losses
from advisor.simulate.replay.rules import Interruption, ReplayedService, SpotRules, whole_steps
from advisor.simulate.replay.tasks import NO_EVENT, Tasks
from advisor.simulate.spot import interruptions_per_month
from advisor.units import HOURS_PER_MONTH, SECONDS_PER_HOUR, IntArray


@dataclass(slots=True, kw_only=True, eq=False)
class _Notice:
    gone_at: int
    serving: IntArray
    """(services,): tasks that still serve."""
    instance: int | None
    """Counts launches; None on Fargate."""


class Interruptions:
    """Tasks under notice, (services,): no tasks of their services any more for the scheduler, but they still serve.

    The scheduler starts others in their place at once. As these run, as many under notice stop; the rest does with the notice.
    """

    def __init__(
        self, rules: SpotRules | None, services: Sequence[ReplayedService], tasks: Tasks, losses: Losses, step_s: int
    ) -> None:
        self.bases = np.array([service.on_demand_base for service in services], dtype=np.int64)
        self.rules, self.tasks, self.losses = rules or SpotRules(), tasks, losses
        self.notice_steps = max(1, whole_steps(self.rules.notice_s, step_s))
        self.notices: list[_Notice] = []
        self.serving = np.zeros(len(tasks.sizes), dtype=np.int64)
        by_step: dict[int, list[int]] = {}
        for each in self.rules.interruptions:
            by_step.setdefault(each.step, []).append(each.place)
        self.places = by_step
        edges = [step for window in self.rules.without_capacity for step in window]
        self.steps = frozenset([*by_step, *(step + self.notice_steps for step in by_step), *edges])

    def may_start(self, waiting: IntArray, t: int) -> IntArray:
        """Of tasks that wait on Fargate, those that find capacity, (services,): without Spot those of the base."""
        return waiting if self.has_capacity(t) else np.minimum(waiting, np.maximum(self.bases - self.tasks.n_placed, 0))

    def has_capacity(self, t: int) -> bool:
        """Whether Spot capacity can be launched in step ``t``."""
        return not any(first <= t < until for first, until in self.rules.without_capacity)

    def happen(self, t: int) -> None:
        """Notices end with what is left of them, then others begin."""
        if t not in self.steps and t not in self.losses.steps:
            return
        for each in list(self.notices):
            rows = np.flatnonzero(self.tasks.number == each.instance)
            is_lost = each.instance is not None and not rows.size  # with its zone
            if is_lost or each.gone_at <= t:
                self.notices.remove(each)
                self.tasks.end(rows)
                self.losses.n_to_replace += rows.size
        for place in self.places.get(t, ()):
            serving, instance = self._hit_task(place) if self.tasks.cluster is None else self._hit_instance(place, t)
            if serving is not None:
                self.notices.append(_Notice(gone_at=t + self.notice_steps, serving=serving, instance=instance))
        self._sum()

    def _hit_instance(self, place: int, t: int) -> tuple[IntArray | None, int | None]:
        """The instance in that place among those without notice, oldest first: it takes no more tasks."""
        alive = np.flatnonzero(self.tasks.active_at != NO_EVENT)
        if place >= alive.size:
            return None, None
        row = alive[[place]]
        before = self.tasks.n_running.copy()
        self.tasks.clear(row, t)
        self.tasks.active_at[row] = NO_EVENT
        return before - self.tasks.n_running, int(self.tasks.number[row[0]])

    def _hit_task(self, place: int) -> tuple[IntArray | None, None]:
        """The task in that place among the healthy ones on Spot, service by service."""
        healthy = np.array([self.tasks.n_healthy(service) for service in range(self.serving.size)])
        healthy = np.maximum(healthy - self.bases, 0)
        service = int(np.searchsorted(np.cumsum(healthy), place, side="right"))
        if service == healthy.size:
            return None, None
        self.tasks.fail(service, 1)
        return np.eye(healthy.size, dtype=np.int64)[service], None

    def settle(self, desired: IntArray) -> None:
        """Tasks under notice stop as far as others run in their place, those whose notice ends first before the others."""
        if not self.notices:
            return
        too_many = np.maximum(self.serving - np.maximum(desired - self.tasks.n_running, 0), 0)
        for each in self.notices:
            stopped = np.minimum(each.serving, too_many)
            each.serving = each.serving - stopped
            too_many = too_many - stopped
        self._sum()

    def _sum(self) -> None:
        self.serving = sum((each.serving for each in self.notices), start=np.zeros_like(self.serving))


def draw_interruptions(
    random: np.random.Generator, chance_per_month: float, *, most_places: int, n_steps: int, step_s: int
) -> tuple[Interruption, ...]:
    """Interruptions of instances that each are interrupted within a month with a chance, whatever their number.

    Parameters
    ----------
    chance_per_month
        Of one instance, such as the upper end of its type's band in AWS's Spot Instance Advisor.
    most_places
        At least as many as ever run at once: an interruption of a place without an instance does nothing.
    """
    per_step = interruptions_per_month(chance_per_month) * step_s / SECONDS_PER_HOUR / HOURS_PER_MONTH
    hit = random.random((most_places, n_steps)) < -math.expm1(-per_step)
    return tuple(Interruption(step=int(step), place=int(place)) for step, place in zip(*np.nonzero(hit.T), strict=True))
