"""Prices of tasks that hold at every moment: what they add up to, no fleet can beat."""

from dataclasses import dataclass, replace

import numpy as np

from advisor.optimize.fleet.dominance import reduced
from advisor.optimize.fleet.generation import Generation
from advisor.optimize.fleet.patterns import all_patterns
from advisor.optimize.fleet.problem import FleetProblem
from advisor.units import FloatArray

SLACK = 1e-6
"""Relative: taken from every price, for the last digits of the linear programs."""
FULL_PATTERNS = 6_000
"""Problems with no more patterns than this are priced with all of them, which is exact."""
CLOSE = 2e-3
"""Gap of a linear program at which its prices are good enough."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TaskPrices:
    """Prices at which no set of tasks that fits on an instance is worth more than that instance: one set for each demand."""

    values: FloatArray
    """(sets, services): USD per task-hour, at most what the task costs elsewhere."""
    floor_value: FloatArray
    """(sets,): USD per hour for each of the least instances."""

    def best(self, counts: FloatArray, least: FloatArray) -> tuple[FloatArray, FloatArray]:
        """For each state the set that proves most: USD per hour of each service's tasks, and of the least instances.

        Parameters
        ----------
        counts : (states, services)
        least : (states,)
            Instances that run in any case if any do.

        Returns
        -------
        (states, services) and (states,).
        """
        worth = counts @ self.values.T + least[:, np.newaxis] * self.floor_value
        chosen = worth.argmax(axis=1)
        return counts * self.values[chosen], least * self.floor_value[chosen]


def task_prices(
    problem: FleetProblem, demands: FloatArray, elsewhere_usd_per_hour: FloatArray, *, rounds: int = 60
) -> TaskPrices:
    r"""Prices for tasks that prove as much as they can for each of some demands, and something for every other.

    Parameters
    ----------
    problem : FleetProblem
        Its counts are the most tasks of each service at any moment.
    demands : (sets, services)
        Typical numbers of tasks; means will do, whole or not.
    elsewhere_usd_per_hour : (services,)
        What a task-hour costs without an instance, such as on Fargate; infinite where it cannot go elsewhere.

    Notes
    -----
    The prices :math:`\pi` are feasible in the dual of the pattern program: :math:`\sum_s \pi_s n_s + \mu z` is at most the
    cost of any fleet for any counts :math:`n`, not only for the demand that they were found with.
    """
    is_free = elsewhere_usd_per_hour <= 0  # its tasks are worth nothing
    if (is_free | (problem.counts == 0)).all():
        least_usd = float(problem.usd_per_hour.min()) * (1 - SLACK)  # of an instance that runs for the zones alone
        return TaskPrices(values=np.zeros((len(demands), len(is_free))), floor_value=np.full(len(demands), least_usd))
    small = reduced(replace(problem, counts=np.where(is_free, 0, problem.counts)), elsewhere_usd_per_hour)
    item = small.item_of_service
    n_items = len(small.problem.counts)
    place = item >= 0
    elsewhere = np.full(n_items, np.inf)
    elsewhere[item[place]] = elsewhere_usd_per_hour[place]
    totals = np.zeros((len(demands), n_items))
    np.add.at(totals.T, item[place], demands[:, place].T)
    generation = Generation(small.problem, demand=totals[0], elsewhere_usd_per_hour=elsewhere)
    patterns = all_patterns(small.problem, FULL_PATTERNS)
    if patterns is not None:
        generation.columns.add(*patterns)
    values, floors = np.zeros((len(demands), len(item))), np.zeros(len(demands))
    for at, demand in enumerate(totals):
        generation.cover(demand)
        if patterns is None:
            generation.prove()
        else:
            generation.prove_with(*patterns)
        for _ in range(rounds):
            if generation.is_stalled or generation.gap_fraction < CLOSE:
                break
            generation.round()
        found, floor = generation.scaled_values
        values[at, place] = found[item[place]] * (1 - SLACK)
        floors[at] = floor * (1 - SLACK)
    return TaskPrices(values=values, floor_value=floors)
