"""Availability Zone rebalancing: tasks start in zones that have few, and as many stop where there are most."""

from collections.abc import Sequence

import numpy as np

from advisor.ecs import ZONES_FIRST
from advisor.simulate.replay.deployments import Deployments
from advisor.simulate.replay.rules import ReplayedCluster, ReplayedService
from advisor.simulate.replay.tasks import Tasks
from advisor.units import IntArray


class Rebalancing:
    """Tasks beside the desired counts, (services,), in whose place others stop once all tasks of the service are healthy."""

    def __init__(
        self, services: Sequence[ReplayedService], cluster: ReplayedCluster | None, tasks: Tasks, deployments: Deployments
    ) -> None:
        is_spread = cluster is not None and cluster.placement in ZONES_FIRST
        self.rows = [row for row, service in enumerate(services) if is_spread and service.rebalances_zones]
        self.tasks, self.deployments = tasks, deployments
        self.extra = np.zeros(len(services), dtype=np.int64)
        self.has_acted = False
        """Whether tasks were started in this step: others may stop in the next."""

    def settle(self) -> None:
        """Where all tasks are healthy, or a deployment is on, none is kept beside the desired count."""
        for row in self.rows:
            if self.extra[row] and (self.deployments.is_on[row] or not self.tasks.settling[:, :, row].any()):
                self.extra[row] = 0

    def start(self, desired: IntArray, t: int) -> None:
        """Start tasks in short zones, of services with their desired count healthy. Launches no instance for them."""
        self.has_acted = False
        if not self.rows:
            return
        zones = np.unique(self.tasks.zone[self.tasks.active_at <= t])
        for row in self.rows if zones.size > 1 else ():
            if not self.deployments.is_on[row] and self.tasks.n_placed[row] == desired[row]:
                self._balance(row, int(desired[row]), zones, t)

    def _balance(self, row: int, desired: int, zones: IntArray, t: int) -> None:
        tasks = self.tasks
        per_zone = np.bincount(tasks.zone, weights=tasks.held[:, row], minlength=int(zones.max()) + 1)[zones]
        is_short = per_zone < per_zone.max() - 1
        if not is_short.any() or tasks.settling[:, :, row].any():
            return
        few, many = desired // zones.size, -(-desired // zones.size)
        n_moves = int(max(np.maximum(few - per_zone, 0).sum(), np.maximum(per_zone - many, 0).sum()))
        room = desired * int(self.deployments.most_percent[row]) // 100 - desired
        self.extra[row] = tasks.start(row, min(n_moves, room), t, zones=zones[is_short])
        self.has_acted |= bool(self.extra[row])
