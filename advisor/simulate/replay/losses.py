"""What is lost in a replay: tasks that fail, and zones with all their instances."""

from collections.abc import Sequence

import numpy as np

from advisor.simulate.replay.rules import ReplayedCluster, ReplayedService
from advisor.simulate.replay.tasks import Tasks
from advisor.units import IntArray


class Losses:
    """What happens at which step, and what an Auto Scaling group has to replace."""

    def __init__(self, services: Sequence[ReplayedService], cluster: ReplayedCluster | None, tasks: Tasks) -> None:
        self.tasks = tasks
        self.failures = [(each.step, row, each.n_tasks) for row, service in enumerate(services) for each in service.failures]
        self.zones = cluster.lost_zones if cluster else ()
        self.n_zones = cluster.zones if cluster else 0
        self.n_to_replace = 0
        until = [each.until for each in self.zones if each.until is not None]
        self.steps = frozenset([*(step for step, _, _ in self.failures), *(each.step for each in self.zones), *until])

    def happen(self, t: int) -> None:
        """Zones first, then tasks, service by service."""
        if t not in self.steps:
            return
        for zone in [each.zone for each in self.zones if each.step == t]:
            rows = np.flatnonzero(self.tasks.zone == zone)
            self.tasks.lose(rows, t)
            self.n_to_replace += rows.size
        for row, n_tasks in [(row, n_tasks) for step, row, n_tasks in self.failures if step == t]:
            self.tasks.fail(row, n_tasks)

    def zones_left(self, t: int) -> IntArray:
        """Zones in which instances may be launched at the end of step ``t``."""
        lost = [each.zone for each in self.zones if each.step <= t and (each.until is None or t < each.until)]
        return np.setdiff1d(np.arange(self.n_zones), lost)
