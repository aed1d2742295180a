"""Instances of very many cells at once: Auto Scaling groups whose instances are a number, and room is a number of places."""

import math
from collections import deque

import numpy as np

from advisor.simulate.replay.counted_tasks import LONG_AGO, Lately
from advisor.simulate.replay.rules import ClusterRules, whole_steps
from advisor.units import FloatArray, IntArray


class CountedInstances:
    """The groups of all cells, (cells,) each. Tasks of one service fill instances one after the other."""

    def __init__(self, first: FloatArray, counts: FloatArray, places: FloatArray, rules: ClusterRules, step_s: int) -> None:
        """``first``: instances at the first step; ``counts``: tasks placed and waiting then, (2, cells)."""
        self.rules, self.places, self.inverse = rules, places, inverse_of(places)
        self.instances, self.active, self.capacity = first.copy(), first.copy(), first * places
        """Launched and not ended; those that take tasks; the places of these."""
        none = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=first.dtype)
        self.booting = deque([none] * (whole_steps(rules.boot_s, step_s) + 1))
        """Cells and their instances that are active from the next step on, from the one after it, and so on."""
        self.warm_up, self.wait = (whole_steps(each, step_s) for each in (rules.warm_up_s, rules.wait_after_out_s))
        self.last_launch = np.full(first.size, -LONG_AGO, dtype=np.int32)
        due = (max(1, whole_steps(60 * points, step_s)) for points in (rules.out_points, rules.in_points))
        self.alarms = [Lately(np.zeros(first.size), n_steps, np.logical_and) for n_steps in due]
        # Whole numbers, so that a target of 70 % is met exactly, and small ones.
        part = math.gcd(100, rules.target_capacity_percent)
        self.per_needed, self.per_instance = 100 // part, rules.target_capacity_percent // part
        self.offered = first * self.per_instance
        self.filled, self.needed = np.empty((2, first.size), dtype=first.dtype), np.empty_like(first)
        """Instances with a task, and those that waiting tasks would fill."""
        self.look(counts)

    def finish_boots(self) -> None:
        index, n_new = self.booting.popleft()
        self.active[index] += n_new
        np.multiply(self.active, self.places, out=self.capacity)

    def look(self, counts: FloatArray) -> None:
        """How many instances tasks fill, those placed and those that wait, (2, cells)."""
        np.ceil(np.multiply(counts, self.inverse, out=self.filled), out=self.filled)
        np.add(self.filled[0], self.filled[1], out=self.needed)
        if self.per_needed > 1:
            np.multiply(self.needed, self.per_needed, out=self.needed)

    def scale(self, t: int) -> None:
        """Read the capacity provider's metric, and launch or end instances from the next step on."""
        is_out, is_in = self.alarms[0].see(self.needed > self.offered), self.alarms[1].see(self.needed < self.offered)
        self._launch(np.flatnonzero(is_out), t)
        self._end(np.flatnonzero(is_in), t)

    def _wanted(self, index: IntArray) -> FloatArray:
        return np.asarray(np.ceil(self.needed.take(index) / self.per_instance))

    def _launch(self, index: IntArray, t: int) -> None:
        rules, index = self.rules, index[self.last_launch.take(index) <= t - self.warm_up]
        n = self.instances.take(index)
        n_new = np.minimum(np.maximum(self._wanted(index) - n, rules.least_step), rules.most_step)
        n_new = np.where(n > 0, n_new, rules.from_zero)
        if rules.max_instances is not None:
            n_new = np.minimum(n_new, rules.max_instances - n)
        acts = np.flatnonzero(n_new > 0)
        index, n_new = index.take(acts), n_new.take(acts)
        self._own(index, n.take(acts) + n_new)
        self.booting.append((index, n_new))
        self.last_launch[index] = t

    def _end(self, index: IntArray, t: int) -> None:
        """Empty active instances: fewer than half of the group, but one in any case."""
        index = index[self.last_launch.take(index) <= t - self.wait]
        n, active = self.instances.take(index), self.active.take(index)
        most = np.maximum(1, np.floor((n - 1) / 2))
        n_less = np.minimum(n - self._wanted(index), most)
        n_less = np.minimum(n_less, np.minimum(n - self.rules.min_instances, active - self.filled[0].take(index)))
        acts = np.flatnonzero(n_less > 0)
        index, n_less = index.take(acts), n_less.take(acts)
        self._own(index, n.take(acts) - n_less)
        self.active[index] -= n_less

    def _own(self, index: IntArray, instances: FloatArray) -> None:
        self.instances[index], self.offered[index] = instances, instances * self.per_instance


def inverse_of(places: FloatArray) -> FloatArray:
    """What tasks are multiplied with to give instances, which are then rounded up.

    It is smaller than one over ``places`` by more than single precision rounds, so that exact multiples are not rounded up, and
    by little enough that a task more is, up to a million tasks.
    """
    return np.asarray(((1 - 2.0**-21) / places.astype(np.float64)).astype(places.dtype))
