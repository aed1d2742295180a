"""Every task on an instance: where tasks start, run and stop, by instance and service."""

from collections.abc import Sequence

import numpy as np

from advisor.ecs import PlacementStrategy
from advisor.simulate.replay.placement import place, take
from advisor.simulate.replay.rules import ReplayedCluster, ReplayedService, whole_steps
from advisor.units import IntArray

NO_EVENT = 10**9
"""Steps."""


class Tasks:
    """Tasks by instance and service, (instances, services). Instances are rows in the order of launch; ended ones are gone.

    Fargate is one instance with room for everything.
    """

    def __init__(self, services: Sequence[ReplayedService], cluster: ReplayedCluster | None, step_s: int) -> None:
        n, rows = len(services), 0 if cluster else 1
        self.cluster = cluster
        self.sizes = np.stack([service.reservation for service in services]).astype(np.int64)
        if cluster is not None and not (self.sizes <= cluster.capacity).all():
            raise ValueError("a task fits on no instance")
        self.start_steps = [whole_steps(service.start_s, step_s) for service in services]
        self.ring = max(self.start_steps) + 1
        self.zone = np.zeros(rows, dtype=np.int64)
        self.active_at = np.zeros(rows, dtype=np.int64)
        self.free = np.zeros((rows, 3), dtype=np.int64)
        self.run = np.zeros((rows, n), dtype=np.int64)
        self.starting = np.zeros((self.ring, rows, n), dtype=np.int64)
        self.held = np.zeros((rows, n), dtype=np.int64)  # run + starting, kept beside them: most of what a step asks for
        self.n_starting = np.zeros(self.ring, dtype=np.int64)
        self.n_running, self.n_placed = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)

    def launch(self, n_new: int, *, at: int) -> None:
        """Instances that take tasks from step ``at`` on; each goes to the zone that has fewest."""
        assert self.cluster is not None  # noqa: S101 - Fargate has none
        per_zone = np.bincount(self.zone, minlength=self.cluster.zones)
        zones = []
        for _ in range(n_new):
            zones.append(int(per_zone.argmin()))
            per_zone[zones[-1]] += 1
        n_services = len(self.sizes)
        self.zone = np.concatenate([self.zone, np.array(zones, dtype=np.int64)])
        self.active_at = np.concatenate([self.active_at, np.full(n_new, at, dtype=np.int64)])
        self.run = np.concatenate([self.run, np.zeros((n_new, n_services), dtype=np.int64)])
        self.held = np.concatenate([self.held, np.zeros((n_new, n_services), dtype=np.int64)])
        self.starting = np.concatenate([self.starting, np.zeros((self.ring, n_new, n_services), dtype=np.int64)], axis=1)
        self.free = np.concatenate([self.free, np.tile(self.cluster.capacity, (n_new, 1))])

    def end(self, rows: Sequence[int]) -> None:
        """Instances without tasks are gone."""
        self.zone, self.active_at = np.delete(self.zone, rows), np.delete(self.active_at, rows)
        self.run, self.held = np.delete(self.run, rows, axis=0), np.delete(self.held, rows, axis=0)
        self.free = np.delete(self.free, rows, axis=0)
        self.starting = np.delete(self.starting, rows, axis=1)

    def begin(self, desired: IntArray) -> None:
        """Tasks that run from the first step on, (services,), service by service; on instances as far as there is room."""
        for service in range(len(self.sizes)):
            placed = self._place(service, int(desired[service]), 0)
            self.run[:, service] = placed
            self._hold(service, placed)
            self.n_running[service] += placed.sum()

    def finish_starts(self, t: int) -> None:
        """Tasks whose start has ended run."""
        slot = t % self.ring
        if self.n_starting[slot]:
            self.run += self.starting[slot]
            self.n_running += self.starting[slot].sum(axis=0)
            self.starting[slot] = 0
            self.n_starting[slot] = 0

    def start(self, service: int, n_tasks: int, t: int) -> None:
        """Place as many as fit."""
        started = self._place(service, n_tasks, t)
        n_started = int(started.sum())
        if not n_started:
            return
        self._hold(service, started)
        steps = self.start_steps[service]
        if steps:
            slot = (t + steps) % self.ring
            self.starting[slot, :, service] += started
            self.n_starting[slot] += n_started
        else:
            self.run[:, service] += started
            self.n_running[service] += n_started

    def _hold(self, service: int, more: IntArray) -> None:
        """Take room for ``more`` tasks (instances,), or give it back where they are negative."""
        self.held[:, service] += more
        self.n_placed[service] += more.sum()
        if self.cluster is not None:
            self.free -= more[:, np.newaxis] * self.sizes[service]

    def _place(self, service: int, n_tasks: int, t: int) -> IntArray:
        if self.cluster is None:
            return np.array([n_tasks], dtype=np.int64)
        is_open = self.active_at <= t
        return place(n_tasks, self.sizes[service], self.free, self.zone, self.held[:, service], is_open, self.cluster.placement)

    def stop(self, service: int, n_tasks: int, t: int) -> None:
        """Running tasks first, then those that still start, latest first."""
        strategy = self.cluster.placement if self.cluster else PlacementStrategy.BINPACK
        lost = take(n_tasks, self.run[:, service], self.held[:, service], self.free, self.zone, strategy)
        self.run[:, service] -= lost
        self.n_running[service] -= lost.sum()
        self._hold(service, -lost)
        for ahead in range(self.ring - 1, 0, -1):
            n_tasks -= int(lost.sum())
            if n_tasks <= 0:
                return
            slot = (t + ahead) % self.ring
            lost = take(n_tasks, self.starting[slot, :, service], self.held[:, service], self.free, self.zone, strategy)
            self.starting[slot, :, service] -= lost
            self.n_starting[slot] -= lost.sum()
            self._hold(service, -lost)

    def quiet_steps(self, t: int) -> int:
        """Steps after ``t`` in which no start ends and no instance becomes active."""
        quiet = NO_EVENT
        if self.n_starting.any():
            quiet = next(ahead for ahead in range(1, self.ring) if self.n_starting[(t + ahead) % self.ring]) - 1
        later = self.active_at[self.active_at > t]
        return min(quiet, int(later.min()) - t - 1) if later.size else quiet
