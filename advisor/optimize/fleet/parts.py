"""Services that share no instance type, such as those of two architectures: problems of their own."""

from dataclasses import dataclass, replace

import numpy as np

from advisor.optimize.fleet.problem import FleetProblem
from advisor.units import IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """A part of a problem. Its least number of instances is that of the whole, of all parts together."""

    problem: FleetProblem
    types: IntArray
    """Their index in the whole problem."""
    services: IntArray
    """The same."""


def whole(problem: FleetProblem) -> Part:
    """The problem as its only part."""
    return Part(problem=problem, types=np.arange(len(problem.names)), services=np.arange(len(problem.counts)))


def parts_of(problem: FleetProblem) -> list[Part]:
    """Services that share types, or types with others that do, are in one part; so are types that hold a task of it."""
    fits = problem.fits
    n_services = fits.shape[1]
    first = np.arange(n_services)
    while True:
        of_type = np.where(fits, first, n_services).min(axis=1, initial=n_services)
        lower = np.minimum(first, np.where(fits, of_type[:, np.newaxis], n_services).min(axis=0, initial=n_services))
        if np.array_equal(lower, first):
            break
        first = lower
    if not first.any():
        return [whole(problem)]
    return [_part(problem, np.flatnonzero(of_type == at), np.flatnonzero(first == at)) for at in np.unique(first).tolist()]


def _part(problem: FleetProblem, types: IntArray, services: IntArray) -> Part:
    stated = replace(
        problem,
        tasks=problem.tasks[services],
        counts=problem.counts[services],
        capacity=problem.capacity[types],
        usd_per_hour=problem.usd_per_hour[types],
        names=tuple(problem.names[at] for at in types.tolist()),
    )
    return Part(problem=stated, types=types, services=services)
