"""Every task on an instance: where tasks start, run and stop, by instance and service."""

from collections.abc import Sequence

import numpy as np

from advisor.ecs import PlacementStrategy
from advisor.simulate.packing import sole_places
from advisor.simulate.replay.placement import place, take
from advisor.simulate.replay.rules import ReplayedCluster, ReplayedService, whole_steps
from advisor.units import BoolArray, IntArray

NO_EVENT = 10**9
"""Steps."""


class Tasks:
    """Tasks by instance and service, (instances, services). Instances are rows in the order of launch; ended ones are gone.

    Fargate is one instance with room for everything. A task is *settling* until it is healthy: it starts, then it runs.
    """

    held: IntArray
    """All but those that were stopped: what a spread counts."""
    fresh: IntArray
    """Healthy, of the newest revision."""
    old: IntArray
    """Healthy, of a revision before."""
    settling: IntArray
    """(ring, instances, services), of the newest revision: those of row ``t % ring`` are healthy from step ``t`` on."""
    leaving: IntArray
    """(ring, instances, services): stopped, but they hold their room until step ``t``, for row ``t % ring``."""

    def __init__(self, services: Sequence[ReplayedService], cluster: ReplayedCluster | None, step_s: int) -> None:
        n, rows = len(services), 0 if cluster else 1
        self.cluster = cluster
        self.chance = cluster.chance() if cluster else None
        self.sizes = np.stack([service.reservation for service in services]).astype(np.int64)
        self.capacity = np.zeros(3, dtype=np.int64)
        if cluster is not None:
            sole = sole_places([each.has_distinct_instances for each in services], [each.host_ports for each in services])
            self.sizes = np.concatenate([self.sizes, sole], axis=1)
            self.capacity = np.concatenate([cluster.capacity, np.ones(sole.shape[1], dtype=np.int64)])
            if not (self.sizes <= self.capacity).all():
                raise ValueError("a task fits on no instance")
        self.needed = [np.flatnonzero(size) for size in self.sizes]
        self.start_steps = [whole_steps(service.start_s, step_s) for service in services]
        self.check_steps = [whole_steps(each.deployments.healthy_s, step_s) if each.deployments else 0 for each in services]
        self.is_unchecked = np.array([check == 0 for check in self.check_steps])
        self.checked = [row for row, steps in enumerate(self.check_steps) if steps and self.start_steps[row]]
        """Services whose tasks run for a while before they are healthy."""
        self.stop_steps = [whole_steps(service.stop_s, step_s) for service in services]
        self.ring = max(start + check for start, check in zip(self.start_steps, self.check_steps, strict=True)) + 1
        self.stop_ring = max(self.stop_steps) + 1
        self.n_launched = 0
        self.number = np.zeros(rows, dtype=np.int64)
        """(instances,): counts launches, so that an instance is known again when others have ended."""
        self.zone = np.zeros(rows, dtype=np.int64)
        self.active_at = np.zeros(rows, dtype=np.int64)
        self.free = np.zeros((rows, self.capacity.size), dtype=np.int64)
        self.n_settling, self.n_leaving = np.zeros(self.ring, dtype=np.int64), np.zeros(self.stop_ring, dtype=np.int64)
        self.n_running, self.n_placed = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        self.n_old, self.n_draining = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        self._bind(np.zeros((3 + self.ring + self.stop_ring, rows, n), dtype=np.int64))

    def _bind(self, counts: IntArray) -> None:
        """Name the parts of the array that holds all counts by instance: instances come and go in all of them at once."""
        self._counts = counts
        self.held, self.fresh, self.old = counts[:3]
        self.settling, self.leaving = counts[3 : 3 + self.ring], counts[3 + self.ring :]

    def launch(self, n_new: int, among: IntArray, *, at: int) -> None:
        """Instances that take tasks from step ``at`` on; each goes to the zone that has fewest, of those in ``among``."""
        per_zone = np.bincount(self.zone, minlength=int(among.max()) + 1)
        zones = []
        for _ in range(n_new):
            zones.append(int(among[per_zone[among].argmin()]))
            per_zone[zones[-1]] += 1
        self.number = np.concatenate([self.number, self.n_launched + np.arange(n_new)])
        self.n_launched += n_new
        self.zone = np.concatenate([self.zone, np.array(zones, dtype=np.int64)])
        self.active_at = np.concatenate([self.active_at, np.full(n_new, at, dtype=np.int64)])
        self.free = np.concatenate([self.free, np.tile(self.capacity, (n_new, 1))])
        n_kinds, _, n_services = self._counts.shape
        self._bind(np.concatenate([self._counts, np.zeros((n_kinds, n_new, n_services), dtype=np.int64)], axis=1))

    def end(self, rows: Sequence[int] | IntArray) -> None:
        """Instances without tasks are gone."""
        if not len(rows):
            return
        self.number = np.delete(self.number, rows)
        self.zone, self.active_at = np.delete(self.zone, rows), np.delete(self.active_at, rows)
        self.free = np.delete(self.free, rows, axis=0)
        self._bind(np.delete(self._counts, rows, axis=1))

    def lose(self, rows: IntArray, t: int) -> None:
        """Instances are gone with all that is on them."""
        self.clear(rows, t)
        self.end(rows)

    def clear(self, rows: IntArray, t: int) -> None:
        """All that is on some instances is gone; they hold no tasks, but their room is not given back."""
        lost = self._counts[:, rows].sum(axis=1)
        settling, leaving = lost[3 : 3 + self.ring], lost[3 + self.ring :]
        run_in = (np.arange(self.ring) - t) % self.ring
        is_running = run_in[:, np.newaxis] <= np.array(self.check_steps)
        self.n_running -= lost[1] + lost[2] + np.where(is_running, settling, 0).sum(axis=0)
        self.n_placed -= lost[0]
        self.n_old -= lost[2]
        self.n_draining -= leaving.sum(axis=0)
        self.n_settling -= settling.sum(axis=1)
        self.n_leaving -= leaving.sum(axis=1)
        self._counts[:, rows] = 0

    def fail(self, service: int, n_tasks: int) -> None:
        """Healthy tasks end at once: of the newest revision first, on the oldest instances."""
        for counts, n_kind in ((self.fresh, None), (self.old, self.n_old)):
            of = counts[:, service]
            lost = np.clip(n_tasks - (np.cumsum(of) - of), 0, of)
            counts[:, service] -= lost
            n_lost = int(lost.sum())
            n_tasks -= n_lost
            if n_kind is not None:
                n_kind[service] -= n_lost
            self.n_running[service] -= n_lost
            self._hold(service, -lost, -n_lost)

    def move(self, row: int, to: IntArray) -> None:
        """All healthy tasks of an instance run on others instead, (instances, services)."""
        for counts in (self.held, self.fresh):
            counts += to
            counts[row] -= to.sum(axis=0)
        self.free -= to @ self.sizes
        self.free[row] += to.sum(axis=0) @ self.sizes

    def begin(self, desired: IntArray) -> None:
        """Tasks that run from the first step on, (services,), service by service; on instances as far as there is room."""
        for service in range(len(self.sizes)):
            placed = self._place(service, int(desired[service]), 0)
            n_placed = int(placed.sum())
            self.fresh[:, service] = placed
            self._hold(service, placed, n_placed)
            self.n_running[service] += n_placed

    def finish(self, t: int) -> None:
        """What begins with step ``t``: starts and health checks have ended, and stopped tasks are gone."""
        slot = t % self.stop_ring
        if self.n_leaving[slot]:
            if self.cluster is not None:
                self.free += self.leaving[slot] @ self.sizes
            self.n_draining -= self.leaving[slot].sum(axis=0)
            self.leaving[slot] = 0
            self.n_leaving[slot] = 0
        for service in self.checked:
            self.n_running[service] += self.settling[(t + self.check_steps[service]) % self.ring, :, service].sum()
        slot = t % self.ring
        if self.n_settling[slot]:
            self.fresh += self.settling[slot]
            self.n_running += self.settling[slot].sum(axis=0) * self.is_unchecked
            self.settling[slot] = 0
            self.n_settling[slot] = 0

    def start(self, service: int, n_tasks: int, t: int, *, zones: IntArray | None = None) -> int:
        """Place as many as fit, in some zones or in any; how many."""
        started = self._place(service, n_tasks, t, zones)
        n_started = int(started.sum())
        if not n_started:
            return 0
        self._hold(service, started, n_started)
        steps = self.start_steps[service] + self.check_steps[service]
        if steps:
            slot = (t + steps) % self.ring
            self.settling[slot, :, service] += started
            self.n_settling[slot] += n_started
        else:
            self.fresh[:, service] += started
        if not self.start_steps[service]:
            self.n_running[service] += n_started
        return n_started

    def _hold(self, service: int, more: IntArray, n_more: int) -> None:
        """Take room for ``more`` tasks, (instances,), together ``n_more``; or give it back."""
        self.held[:, service] += more
        self.n_placed[service] += n_more
        if self.cluster is not None:
            self.free -= more[:, np.newaxis] * self.sizes[service]

    def _leave(self, service: int, lost: IntArray, n_lost: int, t: int) -> None:
        """Tasks that are stopped, (instances,), together ``n_lost``, give their room back, at once or when they are gone."""
        self.held[:, service] -= lost
        self.n_placed[service] -= n_lost
        if self.stop_steps[service]:
            slot = (t + self.stop_steps[service]) % self.stop_ring
            self.leaving[slot, :, service] += lost
            self.n_leaving[slot] += n_lost
            self.n_draining[service] += n_lost
        elif self.cluster is not None:
            self.free += lost[:, np.newaxis] * self.sizes[service]

    def _place(self, service: int, n_tasks: int, t: int, zones: IntArray | None = None) -> IntArray:
        if self.cluster is None:
            return np.array([n_tasks], dtype=np.int64)
        size, free, needed = self.sizes[service], self.free, self.needed[service]
        if needed.size < size.size:
            size, free = size[needed], free[:, needed]
        is_open = self.active_at <= t
        if zones is not None:
            is_open &= np.isin(self.zone, zones)
        return place(n_tasks, size, free, self.zone, self.held[:, service], is_open, self.cluster.placement, self.chance)

    def stop(self, service: int, n_tasks: int, t: int) -> None:
        """Stop tasks of the newest revision: healthy ones first, then those that settle, latest first."""
        lost = self._taken(service, n_tasks, self.fresh)
        n_lost = int(lost.sum())
        self.fresh[:, service] -= lost
        self.n_running[service] -= n_lost
        self._leave(service, lost, n_lost, t)
        for ahead in range(self.ring - 1, 0, -1):
            n_tasks -= n_lost
            if n_tasks <= 0:
                return
            lost = self._taken(service, n_tasks, self.settling[(t + ahead) % self.ring])
            n_lost = self._settle_no_more(service, lost, ahead, t)

    def stop_old(self, service: int, n_tasks: int, t: int) -> None:
        """Stop tasks of earlier revisions."""
        lost = self._taken(service, n_tasks, self.old)
        n_lost = int(lost.sum())
        self.old[:, service] -= lost
        self.n_old[service] -= n_lost
        self.n_running[service] -= n_lost
        self._leave(service, lost, n_lost, t)

    def retire(self, service: int, t: int) -> None:
        """Another revision is the newest: healthy tasks are old ones from now on, those that settle are stopped."""
        for ahead in range(1, self.ring):
            self._settle_no_more(service, self.settling[(t + ahead) % self.ring, :, service].copy(), ahead, t)
        self.n_old[service] += self.fresh[:, service].sum()
        self.old[:, service] += self.fresh[:, service]
        self.fresh[:, service] = 0

    def _taken(self, service: int, n_tasks: int, among: IntArray) -> IntArray:
        strategy = self.cluster.placement if self.cluster else PlacementStrategy.BINPACK
        return take(n_tasks, among[:, service], self.held[:, service], self.free, self.zone, strategy, self.chance)

    def _settle_no_more(self, service: int, lost: IntArray, ahead: int, t: int) -> int:
        """Stop tasks that would be healthy in ``ahead`` steps, (instances,); how many."""
        slot, n_lost = (t + ahead) % self.ring, int(lost.sum())
        if not n_lost:
            return 0
        self.settling[slot, :, service] -= lost
        self.n_settling[slot] -= n_lost
        if ahead <= self.check_steps[service]:
            self.n_running[service] -= n_lost
        self._leave(service, lost, n_lost, t)
        return n_lost

    def n_healthy(self, service: int) -> int:
        """Tasks that have settled, old ones too."""
        return int(self.fresh[:, service].sum() + self.old[:, service].sum())

    def is_busy(self) -> BoolArray:
        """(instances,): whether tasks are there, stopped ones that are not gone included."""
        busy: BoolArray = np.asarray(self.held.any(axis=1))
        return np.asarray(busy | self.leaving.any(axis=(0, 2))) if self.stop_ring > 1 and self.n_leaving.any() else busy

    def quiet_steps(self, t: int) -> int:
        """Steps after ``t`` in which no task begins to run, is healthy or gone, and no instance becomes active."""
        quiet = NO_EVENT
        if self.n_settling.any():
            healthy_in = [ahead for ahead in range(1, self.ring) if self.n_settling[(t + ahead) % self.ring]]
            run_in = [ahead - check for ahead in healthy_in for check in set(self.check_steps) if ahead > check]
            quiet = min([*healthy_in, *run_in]) - 1
        if self.n_leaving.any():
            quiet = min(quiet, next(a for a in range(1, self.stop_ring) if self.n_leaving[(t + a) % self.stop_ring]) - 1)
        later = self.active_at[self.active_at > t]
        return min(quiet, int(later.min()) - t - 1) if later.size else quiet
