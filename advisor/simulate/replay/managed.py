"""Amazon ECS Managed Instances: ECS launches and ends instances itself, no Auto Scaling group and no alarm in between.

References
----------
Amazon ECS Developer Guide, "Amazon ECS Managed Instances infrastructure optimization" (idle and underutilized instances,
``scaleInAfter``, start before stop) and "Amazon ECS Managed Instances auto scaling and task placement" (zones go before
packing); AWS News Blog of 2025-09-30 (instances are replaced from day 14 on).
"""

import numpy as np

from advisor.ecs import PlacementStrategy
from advisor.simulate.packing import first_fit_decreasing
from advisor.simulate.replay.placement import MEMORY, place
from advisor.simulate.replay.rules import ManagedRules, whole_steps
from advisor.simulate.replay.tasks import NO_EVENT, Tasks
from advisor.units import SECONDS_PER_DAY, BoolArray, IntArray


class ManagedFleet:
    """Instances of a Managed Instances capacity provider; arrays are (instances,), in the order of :class:`Tasks`.

    An instance that is *closed* takes no more tasks: it expired, or its tasks run elsewhere and it is about to end.
    """

    def __init__(self, tasks: Tasks, rules: ManagedRules, step_s: int) -> None:
        self.tasks, self.rules = tasks, rules
        self.boot_steps = whole_steps(rules.boot_s, step_s)
        self.wait_steps = NO_EVENT if rules.scale_in_after_s is None else whole_steps(rules.scale_in_after_s, step_s)
        self.life_steps = whole_steps(rules.life_days * SECONDS_PER_DAY, step_s)
        none = np.zeros(0, dtype=np.int64)
        self.zones, self.number = none, none
        self.launched_at, self.last_change, self.last_busy, self.gone_at = none, none, none, none
        self.is_closed, self.was_busy = np.zeros(0, dtype=np.bool_), np.zeros(0, dtype=np.bool_)
        self.seen = np.zeros((0, len(tasks.sizes)), dtype=np.int64)

    def begin(self) -> None:
        """The instances of the first step are of all ages: as many are replaced every day as on any other."""
        n = self.tasks.zone.size
        ages = self.life_steps - self.life_steps * np.arange(1, n + 1) // max(n, 1)
        self._append(n, active_at=0)
        self.launched_at = -ages
        self.last_change[:] = 0
        self.seen, self.was_busy = self.tasks.held.copy(), self.tasks.is_busy()

    def act(self, t: int, waiting: IntArray, desired: IntArray, zones: IntArray) -> bool:
        """What changes from the next step on; True where something does. Instances are launched in ``zones``."""
        self.zones = zones
        self._forget(np.flatnonzero(~np.isin(self.number, self.tasks.number)))
        busy = self.tasks.is_busy()
        self.last_busy[self.was_busy] = t - 1  # through steps that were skipped
        self.last_busy[busy] = t
        self.was_busy = busy
        self.last_change[(self.tasks.held != self.seen).any(axis=1)] = t
        floor = self.rules.least_instances if desired.any() else 0
        acted = self._replace_expired(t, floor)
        acted |= self._drop_idle(t, ~busy, floor)
        acted |= self._consolidate(t, busy, floor)
        acted |= self._launch_for(t, waiting, floor)
        acted |= self._remove_gone(t)
        self.seen = self.tasks.held.copy()
        return acted

    def quiet_steps(self, t: int) -> int:
        """Steps after ``t`` in which no time runs out."""
        is_idle = ~self.tasks.is_busy()
        waits = np.where(is_idle, self.last_busy, self.last_change) + self.wait_steps
        due = np.concatenate([waits[~self.is_closed], (self.launched_at + self.life_steps - 1)[~self.is_closed], self.gone_at])
        later = due[due > t]
        return int(later.min()) - t - 1 if later.size else NO_EVENT

    def _is_open(self, t: int) -> BoolArray:
        return np.asarray(self.tasks.active_at <= t)

    def _is_booting(self, t: int) -> BoolArray:
        return np.asarray((self.tasks.active_at > t) & ~self.is_closed)

    def _replace_expired(self, t: int, floor: int) -> bool:
        """Instances of full age hand their tasks to others of their zone, where need be to a new one."""
        expired = self._is_open(t) & (t + 1 - self.launched_at >= self.life_steps)
        self._close(expired)
        acted = bool(expired.any())
        for row in np.flatnonzero(self.is_closed & (self.gone_at == NO_EVENT)).tolist():
            in_zone = self.tasks.zone == self.tasks.zone[row]
            if self._drain(row, t, self._is_open(t) & in_zone, floor):
                acted = True
            elif not (self._is_booting(t) & in_zone).any():
                self._launch(1, t, self.tasks.zone[[row]])
                acted = True
        return acted

    def _drop_idle(self, t: int, is_idle: BoolArray, floor: int) -> bool:
        """Open instances without tasks end, the oldest first."""
        acted = False
        due = np.zeros_like(self.is_closed)
        due[: is_idle.size] = is_idle & (t - self.last_busy[: is_idle.size] >= self.wait_steps)
        for row in np.flatnonzero(due & self._is_open(t) & ~self.tasks.held.any(axis=1)).tolist():
            acted |= self._drain(row, t, np.zeros_like(self.is_closed), floor)
        return acted

    def _consolidate(self, t: int, busy: BoolArray, floor: int) -> bool:
        """Instances whose tasks fit on others of their zone that have some: the emptiest first."""
        acted = False
        due = np.flatnonzero(self._is_open(t) & (t - self.last_change >= self.wait_steps))
        due = due[due < busy.size]
        for row in due[np.argsort(-self.tasks.free[due, MEMORY], kind="stable")].tolist():
            has_tasks = np.asarray(self.tasks.held.any(axis=1))
            if has_tasks[row] and t - self.last_change[row] >= self.wait_steps:
                others = self._is_open(t) & has_tasks & (self.tasks.zone == self.tasks.zone[row])
                acted |= self._drain(row, t, others, floor)
        return acted

    def _launch_for(self, t: int, waiting: IntArray, floor: int) -> bool:
        """As many as the waiting tasks fill, less those that boot; at least the floor."""
        of = np.flatnonzero(waiting)
        filled = 0
        if of.size:
            filled = int(first_fit_decreasing(waiting[np.newaxis, of], self.tasks.sizes[of], self.tasks.capacity)[0])
        n_open, n_booting = int(self._is_open(t).sum()), int(self._is_booting(t).sum())
        n_new = max(filled, floor - n_open) - n_booting
        if n_new <= 0 or not self.zones.size:
            return False
        self._launch(n_new, t, self.zones)
        return True

    def _drain(self, row: int, t: int, others: BoolArray, floor: int) -> bool:
        """Tasks of an instance start on others first; it ends when they run there. False where that cannot be."""
        tasks = self.tasks
        is_settled = (tasks.held[row] == tasks.fresh[row]).all() and not tasks.leaving[:, row].any()
        others = others.copy()
        others[row] = False
        is_other_open = self._is_open(t)
        is_other_open[row] = False
        if not is_settled or is_other_open.sum() < floor:
            return False
        moved = np.zeros_like(tasks.held)
        free = tasks.free.copy()
        for service in np.flatnonzero(tasks.fresh[row]).tolist():
            n, size, needed = int(tasks.fresh[row, service]), tasks.sizes[service], tasks.needed[service]
            room = size[needed], free[:, needed]
            got = place(n, *room, tasks.zone, tasks.held[:, service], others, PlacementStrategy.BINPACK)
            if got.sum() < n:
                return False
            moved[:, service] = got
            free -= got[:, np.newaxis] * size
        lasts = [tasks.start_steps[s] + tasks.stop_steps[s] for s in np.flatnonzero(moved.any(axis=0)).tolist()]
        tasks.move(row, moved)
        self.last_change[moved.any(axis=1)] = t
        self._close(np.arange(self.is_closed.size) == row)
        self.gone_at[row] = t + max(lasts, default=0)
        return True

    def _close(self, rows: BoolArray) -> None:
        self.is_closed[rows] = True
        self.tasks.active_at[rows] = NO_EVENT

    def _launch(self, n_new: int, t: int, zones: IntArray) -> None:
        at = t + 1 + self.boot_steps
        self.tasks.launch(n_new, zones, at=at)
        self._append(n_new, active_at=at)
        self.launched_at[-n_new:] = t + 1

    def _append(self, n_new: int, *, active_at: int) -> None:
        before = np.full(n_new, active_at - 1, dtype=np.int64)
        self.number = self.tasks.number.copy()
        self.launched_at = np.concatenate([self.launched_at, before])
        self.last_change = np.concatenate([self.last_change, before])
        self.last_busy = np.concatenate([self.last_busy, before])
        self.gone_at = np.concatenate([self.gone_at, np.full(n_new, NO_EVENT, dtype=np.int64)])
        none = np.zeros(n_new, dtype=np.bool_)
        self.is_closed, self.was_busy = np.concatenate([self.is_closed, none]), np.concatenate([self.was_busy, none])
        self.seen = np.concatenate([self.seen, np.zeros((n_new, self.seen.shape[1]), dtype=np.int64)])

    def _remove_gone(self, t: int) -> bool:
        gone = np.flatnonzero(self.gone_at <= t)
        if not gone.size:
            return False
        self.tasks.end(gone)
        self._forget(gone)
        return True

    def _forget(self, rows: IntArray) -> None:
        """Instances that are no more."""
        if not rows.size:
            return
        self.number, self.launched_at = np.delete(self.number, rows), np.delete(self.launched_at, rows)
        self.last_change, self.last_busy = np.delete(self.last_change, rows), np.delete(self.last_busy, rows)
        self.gone_at, self.is_closed = np.delete(self.gone_at, rows), np.delete(self.is_closed, rows)
        self.was_busy, self.seen = np.delete(self.was_busy, rows), np.delete(self.seen, rows, axis=0)
