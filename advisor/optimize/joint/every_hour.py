"""Whole instances in every hour, from the fleets of the hours that stand for them."""

from dataclasses import replace

import numpy as np
from numpy.random import SFC64
from numpy.random import Generator as Random

from advisor.optimize.fleet.dominance import undominated
from advisor.optimize.fleet.improve import recreated
from advisor.optimize.fleet.pricing import Pricing
from advisor.optimize.fleet.problem import Fleet, FleetProblem, fleet_of
from advisor.optimize.fleet.rounding import downsized
from advisor.optimize.fleet.solve import QUICK, cheapest_fleet
from advisor.optimize.joint.problem import JointPlan, JointProblem
from advisor.optimize.joint.states import States
from advisor.units import FloatArray, IntArray

SEED = 8_760
HOURS = 256
"""Packed side by side."""


def fleets_of_hours(
    problem: JointProblem, plan: JointPlan, states: States, values_usd: FloatArray, usd_per_hour: FloatArray
) -> list[Fleet]:
    """A fleet for every hour: that of the hour that stands for it, as far as there are tasks for it, and the cheapest others.

    Tasks that are missing leave from the end, others fill free room; then every instance is of the cheapest type that holds
    what is left on it. Hours of equal tasks have equal fleets.

    Parameters
    ----------
    plan
        For the examples of the states.
    values_usd : (states, ways on instances)
        What a task is worth.
    usd_per_hour : (types,)
        Of an instance with the Savings Plans that are bought.
    """
    on = plan.on_instances(problem)
    distinct, index = np.unique(problem.counts[on].astype(np.int64), axis=1, return_inverse=True)
    distinct, index = distinct.T, index.ravel()
    found: dict[int, Fleet] = dict(zip(index[states.example].tolist(), plan.fleets, strict=True))
    names = tuple(f"{at:06d}" for at in range(len(usd_per_hour)))
    needed, _ = undominated(problem.tasks[on], distinct.max(axis=0, initial=0), problem.capacity, usd_per_hour, names)
    types = np.unique(np.concatenate([needed, *(fleet.types for fleet in plan.fleets)]))
    rng = Random(SFC64(SEED))
    for state, fleet in enumerate(plan.fleets):
        missing = np.unique(index[states.of_hour == state])
        missing = missing[[at not in found for at in missing.tolist()]]
        base = _Base(problem, on, types, usd_per_hour, fleet, values_usd[state], distinct[index[states.of_hour == state]])
        for first in range(0, missing.size, HOURS):
            some = missing[first : first + HOURS]
            found |= dict(zip(some.tolist(), base.packed(distinct[some], rng), strict=True))
    return [found[at] for at in index.tolist()]


class _Base:
    """The instances of one example, the best used first, on which the hours of its state are packed."""

    def __init__(
        self,
        problem: JointProblem,
        on: IntArray,
        types: IntArray,
        usd_per_hour: FloatArray,
        fleet: Fleet,
        values_usd: FloatArray,
        counts: IntArray,
    ) -> None:
        self.types, self.values = types, values_usd
        self.problem = FleetProblem(
            tasks=problem.tasks[on],
            counts=counts.max(axis=0),
            capacity=problem.capacity[types],
            usd_per_hour=usd_per_hour[types],
            least_instances=problem.least_instances,
        )
        self.pricing = Pricing(self.problem)
        self.pricing.bound(values_usd)
        kinds = np.searchsorted(types, np.repeat(fleet.types, fleet.instances))
        tasks = np.repeat(fleet.tasks, fleet.instances, axis=0)
        best = np.argsort(-(tasks @ values_usd) / self.problem.usd_per_hour[kinds], kind="stable")
        self.kinds, self.tasks = kinds[best], tasks[best]
        size = (self.problem.tasks / np.maximum(self.problem.capacity.max(axis=0), 1)).max(axis=1)
        self.order = np.argsort(-size, kind="stable")

    def packed(self, counts: IntArray, rng: Random) -> list[Fleet]:
        """Fleets of some hours, (hours, ways)."""
        tasks, left = self._filled(counts)
        more = recreated(self.pricing, self.values, left, rng)
        return [self._fleet(*each) for each in zip(counts, tasks, left, more, strict=True)]

    def _filled(self, counts: IntArray) -> tuple[IntArray, IntArray]:
        """Tasks on the instances of the base, (hours, instances, ways), and what finds no room there, (hours, ways)."""
        problem = self.problem
        before = np.cumsum(self.tasks, axis=0) - self.tasks
        tasks = np.clip(counts[:, np.newaxis] - before, 0, self.tasks)
        free, left = problem.capacity[self.kinds] - tasks @ problem.tasks, counts - tasks.sum(axis=1)
        for way in self.order[left[:, self.order].any(axis=0)].tolist():
            need = problem.tasks[way]
            room = (free[..., need > 0] // need[need > 0]).min(axis=2)
            taken = np.clip(left[:, [way]] - (np.cumsum(room, axis=1) - room), 0, room)
            tasks[..., way] += taken
            free -= taken[..., np.newaxis] * need
            left[:, way] -= taken.sum(axis=1)
        return tasks, left

    def _fleet(self, counts: IntArray, tasks: IntArray, left: IntArray, more: tuple[IntArray, IntArray] | None) -> Fleet:
        problem, is_busy = self.problem, tasks.any(axis=1)
        if more is None:  # too much is left for a few instances
            rest = cheapest_fleet(replace(problem, counts=left, least_instances=0), QUICK).fleet
            more = np.repeat(rest.types, rest.instances), np.repeat(rest.tasks, rest.instances, axis=0)
        kinds = np.concatenate([self.kinds[is_busy], more[0]])
        kinds, placed = downsized(replace(problem, counts=counts), kinds, np.concatenate([tasks[is_busy], more[1]]))
        return fleet_of(self.types[kinds], placed, counts.size)
