"""Instances of very many cells at once: Auto Scaling groups whose instances are a number, and room is a number of places."""

import math

import numpy as np

from advisor.simulate.replay.counted_tasks import LONG_AGO, Alarms, CountedTasks
from advisor.simulate.replay.rules import ClusterRules, whole_steps
from advisor.units import FloatArray, IntArray


class CountedInstances:
    """The groups of all cells, (cells,) each. Tasks of one service fill instances one after the other."""

    def __init__(self, first: FloatArray, places: FloatArray, rules: ClusterRules, step_s: int) -> None:
        self.rules, self.places, self.inverse = rules, places, inverse_of(places)
        self.instances, self.active = first.copy(), first.copy()
        self.boot_steps = whole_steps(rules.boot_s, step_s) + 1
        self.booting = np.zeros((self.boot_steps + 1, first.size), dtype=first.dtype)
        self.has_booting = [False] * (self.boot_steps + 1)
        self.at = 0
        """Row of ``booting`` that is over now."""
        self.waits = np.array([[whole_steps(each, step_s)] for each in (rules.warm_up_s, rules.wait_after_out_s)], first.dtype)
        self.has_waited = np.empty((2, first.size), dtype=np.bool_)
        self.last_launch = np.full_like(first, -LONG_AGO)
        due = [max(1, whole_steps(60 * points, step_s)) for points in (rules.out_points, rules.in_points)]
        self.alarms = Alarms(np.zeros((2, first.size)), (due[0], due[1]))
        # Whole numbers, so that a target of 70 % is met exactly, and small ones.
        part = math.gcd(100, rules.target_capacity_percent)
        self.per_needed, self.per_instance = 100 // part, rules.target_capacity_percent // part
        self.offered = first * self.per_instance
        self.filled, self.needed = np.empty((2, first.size), dtype=first.dtype), np.empty_like(first)
        self.room = np.empty_like(first)
        self.is_first = True

    def finish_boots(self) -> None:
        self.at = (self.at + 1) % (self.boot_steps + 1)
        if self.has_booting[self.at]:
            np.add(self.active, self.booting[self.at], out=self.active)
            self.booting[self.at].fill(0)
            self.has_booting[self.at] = False

    def room_beside(self, placed: FloatArray) -> FloatArray:
        """Places left on active instances; below zero where more tasks run than there are places."""
        np.multiply(self.places, self.active, out=self.room)
        return np.subtract(self.room, placed, out=self.room)

    def look(self, tasks: CountedTasks, *, has_changed: bool) -> None:
        """Read the capacity provider's metric."""
        if has_changed or self.is_first:
            full_instances(tasks.counts, self.inverse, out=self.filled)
            np.add(self.filled[0], self.filled[1], out=self.needed)
            if self.per_needed > 1:
                np.multiply(self.needed, self.per_needed, out=self.needed)
            self.is_first = False
        np.greater(self.needed, self.offered, out=self.alarms.holds[0])
        np.less(self.needed, self.offered, out=self.alarms.holds[1])

    def scale(self, t: int) -> None:
        """Launch or end instances from the next step on."""
        self.alarms.see()
        is_due = self.alarms.is_on
        if not is_due.any():
            return
        np.logical_and(is_due, np.less_equal(self.last_launch, t - self.waits, out=self.has_waited), out=is_due)
        for due, act in zip(is_due, (self._launch, self._end), strict=True):
            index = np.flatnonzero(due)
            if index.size:
                act(index, t)
                self.offered[index] = self.instances.take(index) * self.per_instance

    def _wanted(self, index: IntArray) -> FloatArray:
        return np.asarray(np.ceil(self.needed.take(index) / self.per_instance))

    def _launch(self, index: IntArray, t: int) -> None:
        rules, n = self.rules, self.instances.take(index)
        n_new = np.minimum(np.maximum(self._wanted(index) - n, rules.least_step), rules.most_step)
        n_new = np.where(n > 0, n_new, rules.from_zero)
        if rules.max_instances is not None:
            n_new = np.minimum(n_new, rules.max_instances - n)
        index, n_new = index[n_new > 0], n_new[n_new > 0]
        slot = (self.at + self.boot_steps) % (self.boot_steps + 1)
        self.instances[index] += n_new
        self.booting[slot][index] += n_new
        self.has_booting[slot] = True
        self.last_launch[index] = t

    def _end(self, index: IntArray, t: int) -> None:
        """Empty active instances: fewer than half of the group, but one in any case."""
        n, active = self.instances.take(index), self.active.take(index)
        most = np.maximum(1, np.floor((n - 1) / 2))
        n_less = np.minimum(n - self._wanted(index), most)
        n_less = np.minimum(n_less, np.minimum(n - self.rules.min_instances, active - self.filled[0].take(index)))
        n_less = np.maximum(n_less, 0)
        self.instances[index] -= n_less
        self.active[index] -= n_less


def inverse_of(places: FloatArray) -> FloatArray:
    return np.asarray((1.0 / places.astype(np.float64)).astype(places.dtype))


def full_instances(tasks: FloatArray, inverse: FloatArray, *, out: FloatArray | None = None) -> FloatArray:
    """Instances that tasks fill, rounded up.

    ``ceil(n * (1 / k))`` is wrong for exact multiples in single precision; half a task less and then one instance more is
    exact for up to two million tasks.
    """
    half, one = tasks.dtype.type(0.5), tasks.dtype.type(1)
    filled = np.subtract(tasks, half, out=out)
    np.multiply(filled, inverse, out=filled)
    np.floor(filled, out=filled)
    return np.add(filled, one, out=filled)
