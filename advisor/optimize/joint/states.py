"""Representative states of a load: means that bound all its hours, and for each an hour that stands for it."""

from dataclasses import dataclass

import numpy as np

from advisor.billing import amounts_usd
from advisor.optimize.joint.problem import JointProblem
from advisor.units import BoolArray, FloatArray, IntArray

SETTLING = 8
"""Rounds in which hours move to the nearest mean."""
DUST = 1e-12
"""Relative: hours that differ by less are alike."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class States:
    """Groups of hours in which tasks are nearly alike.

    For ways that are chosen, what an hour costs with broken instances and commitments of any size is convex in its tasks: the
    mean of a group costs no more than its hours (Jensen), so that what is proven for the means is proven for all hours.
    """

    of_hour: IntArray
    """(hours,): the group of each."""
    example: IntArray
    """(states,): an hour of each, the nearest to its mean."""
    weight: FloatArray
    """(states,): share of all hours."""
    counts: FloatArray
    """(ways, states): tasks in the mean hour."""
    most: FloatArray
    """(ways, states): tasks at most in any hour; no instance ever holds more."""
    full: FloatArray
    """(states,): share of the hours in which tasks of every way on instances run."""

    def sample(self, problem: JointProblem) -> JointProblem:
        """The examples alone, each for the hours of its state."""
        return problem.at(self.example, np.bincount(self.of_hour, problem.hours, self.weight.size).astype(np.float64))


def states_of(problem: JointProblem, most_states: int) -> States:
    """No more states than these, and every hour of equal tasks in one of them; hours by themselves where they are so few."""
    if problem.hours.size <= most_states:
        return _states(problem, np.arange(problem.hours.size))
    _, first, index = np.unique(problem.counts, axis=1, return_index=True, return_inverse=True)
    index = index.ravel()
    if first.size <= most_states:
        return _states(problem, index)
    weight = np.bincount(index, problem.hours, first.size).astype(np.float64)
    usd = problem.counts[:, first].T * _task_usd(problem)
    return _states(problem, _nearest(usd, _centers(usd, weight, most_states))[index])


def _states(problem: JointProblem, of_hour: IntArray) -> States:
    _, of_hour = np.unique(of_hour, return_inverse=True)  # a group that lost all its hours is none
    hours, n_states = problem.hours, int(of_hour.max()) + 1
    of_state = np.bincount(of_hour, hours, n_states)
    share = np.zeros((hours.size, n_states))
    share[np.arange(hours.size), of_hour] = hours / of_state[of_hour]
    counts, most = problem.counts @ share, np.zeros((len(problem.counts), n_states))
    np.maximum.at(most.T, of_hour, problem.counts.T)
    counts = np.where(_is_constant(problem.counts, of_hour, most), most, counts)
    distance = ((problem.counts - counts[:, of_hour]) * _task_usd(problem)[:, np.newaxis]) ** 2
    order = np.lexsort((distance.sum(axis=0), of_hour))
    return States(
        of_hour=of_hour,
        example=order[np.unique(of_hour[order], return_index=True)[1]],
        weight=of_state / hours.sum(),
        counts=counts,
        most=most,
        full=(problem.counts[problem.is_on_instances] > 0).all(axis=0) @ share,
    )


def _is_constant(counts: FloatArray, of_hour: IntArray, most: FloatArray) -> BoolArray:
    """(ways, states): whether all hours have the same tasks, of which a mean is not to differ in the last digit."""
    least = np.full(most.shape, np.inf)
    np.minimum.at(least.T, of_hour, counts.T)
    return np.asarray(least == most)


def _task_usd(problem: JointProblem) -> FloatArray:
    """(ways,): of a task-hour on demand, on instances of the type that is cheapest for it alone."""
    rate = np.nan_to_num(problem.rates.on_demand_usd)
    usd, on = amounts_usd(problem.usage, rate).sum(axis=1), problem.is_on_instances
    of_type = amounts_usd(problem.type_usage, rate).sum(axis=1)
    tasks = problem.tasks[on][:, np.newaxis]
    fit = np.where(tasks > 0, problem.capacity // np.maximum(tasks, 1), np.iinfo(np.int64).max).min(axis=2)
    usd[on] = np.where(fit > 0, of_type / np.maximum(fit, 1), np.inf).min(axis=1, initial=np.inf)
    return np.asarray(usd)


def _centers(usd: FloatArray, weight: FloatArray, n: int) -> FloatArray:
    """(states, ways): means of groups that are cut in two at the mean of the way that varies most, the widest group first."""
    groups = [np.arange(len(usd))]
    spreads = [_spread(usd, weight)]
    while len(groups) < n:
        at = int(np.argmax([spread.sum() for spread in spreads]))
        if spreads[at].sum() <= DUST * (weight @ usd**2).sum():
            break
        group, way = groups.pop(at), int(spreads.pop(at).argmax())
        is_high = usd[group, way] > np.average(usd[group, way], weights=weight[group])
        for part in (group[~is_high], group[is_high]):
            groups.append(part)
            spreads.append(_spread(usd[part], weight[part]))
    centers = np.array([np.average(usd[group], axis=0, weights=weight[group]) for group in groups])
    for _ in range(SETTLING):
        nearest = _nearest(usd, centers)
        for at in np.unique(nearest).tolist():
            centers[at] = np.average(usd[nearest == at], axis=0, weights=weight[nearest == at])
    return centers


def _spread(usd: FloatArray, weight: FloatArray) -> FloatArray:
    """(ways,)"""
    return np.asarray(weight @ (usd - np.average(usd, axis=0, weights=weight)) ** 2)


def _nearest(usd: FloatArray, centers: FloatArray) -> IntArray:
    """(hours,): the first of the nearest centers."""
    return np.asarray(np.stack([((usd - center) ** 2).sum(axis=1) for center in centers]).argmin(axis=0))
