"""Rolling deployments: old tasks make room for new ones within the two percents of the desired count."""

from collections.abc import Sequence

import numpy as np

from advisor.simulate.replay.rules import ReplayedService
from advisor.simulate.replay.tasks import Tasks
from advisor.units import BoolArray, IntArray


class Deployments:
    """Which services deploy, and what their schedulers may stop and start.

    Notes
    -----
    As many old tasks stop as leave ``minimumHealthyPercent`` of the desired count healthy, and as many new ones start as
    ``maximumPercent`` of it allows: as fast as both limits let it. A deployment ends when no old task is left and the desired
    count is healthy.
    """

    def __init__(self, services: Sequence[ReplayedService], tasks: Tasks) -> None:
        self.tasks = tasks
        rules = [service.deployments for service in services]
        self.least_percent = np.array([each.minimum_healthy_percent if each else 100 for each in rules], dtype=np.int64)
        self.most_percent = np.array([each.maximum_percent if each else 200 for each in rules], dtype=np.int64)
        self.due = sorted({(step, row) for row, each in enumerate(rules) if each for step in each.steps})
        self.steps = frozenset(step for step, _ in self.due)
        self.is_on: BoolArray = np.zeros(len(services), dtype=np.bool_)
        self.are_on = False
        """Whether any is."""
        self.has_acted = False
        """Whether some task was stopped or started in this step: another may follow in the next."""

    def begin(self, t: int) -> None:
        """Make the tasks of services whose deployment begins at step ``t`` old ones."""
        self.has_acted = False
        if t in self.steps:
            for row in [row for step, row in self.due if step == t]:
                self.tasks.retire(row, t)
                self.is_on[row] = True
                self.are_on = True

    def stop(self, row: int, desired: int, t: int) -> None:
        """Stop new tasks above the desired count, then old ones above what must stay healthy."""
        tasks = self.tasks
        excess = int(tasks.n_placed[row] - tasks.n_old[row]) - desired
        if excess > 0:
            tasks.stop(row, excess, t)
            self.has_acted = True
        least = -(-desired * int(self.least_percent[row]) // 100)
        n_old = min(int(tasks.n_old[row]), tasks.n_healthy(row) - least)
        if n_old > 0:
            tasks.stop_old(row, n_old, t)
            self.has_acted = True

    def wanted(self, desired: IntArray) -> IntArray:
        """(services,): new tasks to start now where a deployment is on, 0 elsewhere."""
        n_new = self.tasks.n_placed - self.tasks.n_old
        room = desired * self.most_percent // 100 - self.tasks.n_placed
        return np.where(self.is_on, np.maximum(np.minimum(desired - n_new, room), 0), 0)

    def end(self, started: Sequence[tuple[int, int]], desired: IntArray) -> None:
        """Of the services that deploy, those are done that have their desired count healthy and no old task."""
        self.has_acted |= any(n_tasks for row, n_tasks in started if self.is_on[row])
        for row in np.flatnonzero(self.is_on & (self.tasks.n_old == 0)).tolist():
            self.is_on[row] = self.tasks.n_healthy(row) != desired[row]
        self.are_on = bool(self.is_on.any())
