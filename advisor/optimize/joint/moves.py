"""Other ways for a plan whose fleets are whole: for a service, or for all that share one kind of instances."""

import numpy as np

from advisor.optimize.fleet.parts import parts_of
from advisor.optimize.fleet.problem import FleetProblem
from advisor.optimize.joint.problem import JointPlan, JointProblem
from advisor.units import FloatArray, IntArray


def moves(problem: JointProblem, plan: JointPlan, way_usd: FloatArray, most_usd: float) -> list[IntArray]:
    """Ways (services,) of plans that differ from this one in a move, those first that cost least in broken instances.

    Parameters
    ----------
    way_usd : (ways,)
        Least that each way costs at prices that prove a bound.
    most_usd
        What the plan is over that bound. With ways that cost as much more at these prices no plan is cheaper.
    """
    found = [_with(problem, plan.ways, np.array([way])) for way in range(len(way_usd)) if way not in plan.ways]
    found += _without_one_kind(problem, plan, way_usd)
    more_usd = np.array([way_usd[ways].sum() for ways in found]) - way_usd[plan.ways].sum()
    return [found[at] for at in np.argsort(more_usd, kind="stable").tolist() if more_usd[at] < most_usd]


def _without_one_kind(problem: JointProblem, plan: JointPlan, way_usd: FloatArray) -> list[IntArray]:
    """Plans without instances of one kind, such as of an architecture: its services each in their cheapest other way."""
    on = plan.on_instances(problem)
    if not on.size:
        return []
    counts = np.maximum(problem.counts[on].max(axis=1), 1).astype(np.int64)
    types = np.ones(len(problem.capacity))
    found = []
    for part in parts_of(FleetProblem(tasks=problem.tasks[on], counts=counts, capacity=problem.capacity, usd_per_hour=types)):
        fits = np.any(np.all(problem.tasks[:, np.newaxis] <= problem.capacity[part.types], axis=2), axis=1)
        usd = np.where(fits & problem.is_on_instances, np.inf, way_usd)
        others = []
        for service in problem.service[on[part.services]].tolist():
            own = np.flatnonzero(problem.service == service)
            others.append(int(own[usd[own].argmin()]))
        if np.isfinite(usd[others]).all():
            found.append(_with(problem, plan.ways, np.array(others)))
    return found


def _with(problem: JointProblem, ways: IntArray, others: IntArray) -> IntArray:
    after = ways.copy()
    after[problem.service[others]] = others
    return after
