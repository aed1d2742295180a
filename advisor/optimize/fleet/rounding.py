"""From broken instances to whole ones: diving through the linear program."""

import numpy as np

from advisor.optimize.fleet.generation import Generation
from advisor.optimize.fleet.pricing import fills
from advisor.optimize.fleet.problem import FleetProblem
from advisor.units import IntArray

WHOLE = 1e-6
NEARLY_WHOLE = 0.8
"""Broken instances from this share on are bought together, or else the largest one alone."""
DIVE_FILLS = 6


def dive(generation: Generation) -> tuple[IntArray, IntArray]:
    """Whole instances that hold all tasks: types (instances,) and tasks (instances, services).

    Whole parts of the solution are bought, then the largest broken one; after each purchase the program is solved for what is
    left, with patterns made for it.
    """
    problem, columns, master = generation.problem, generation.columns, generation.master
    left, least = problem.counts.copy(), problem.least
    types: list[int] = []
    rows: list[IntArray] = []
    relaxed = generation.solution
    while left.any() or least > len(types):
        solution = generation.solution
        whole = np.floor(solution.instances + WHOLE)
        if not whole.any():
            broken = solution.instances
            whole = (broken >= min(NEARLY_WHOLE, float(broken.max()))).astype(np.float64)
        n_before = len(types)
        for at in np.flatnonzero(whole).tolist():
            kind, pattern = int(columns.types[at]), columns.tasks[at]
            for _ in range(int(whole[at])):
                row = np.minimum(pattern, left)
                if not row.any() and len(types) >= least:
                    break
                types.append(kind)
                rows.append(row)
                left = left - row
        if len(types) == n_before:
            raise AssertionError("a solution of the linear program that buys nothing")
        if not left.any():
            continue
        master.require(left, max(0, least - len(types)))
        generation.solution = master.solve()
        values = generation.solution.values
        generation.pricing.bound(values)
        generation.add_priced(*generation.pricing.greedy(values, left, fills=fills(DIVE_FILLS)))
        generation.solution = master.solve()
    master.require(problem.counts, problem.least)
    generation.solution = master.solve() if len(columns) > relaxed.instances.size else relaxed
    return downsized(problem, np.array(types, dtype=np.int64), np.array(rows, dtype=np.int64).reshape(len(types), -1))


def downsized(problem: FleetProblem, types: IntArray, tasks: IntArray) -> tuple[IntArray, IntArray]:
    """The same tasks, each instance of the cheapest type that holds them; instances without tasks that nothing asks for end."""
    used = tasks @ problem.tasks
    holds = (used[:, np.newaxis] <= problem.capacity[np.newaxis]).all(axis=2)
    cheapest = np.where(holds, problem.usd_per_hour, np.inf).argmin(axis=1)
    busy = tasks.any(axis=1)
    order = np.argsort(~busy, kind="stable")[: max(int(busy.sum()), min(problem.least, len(types)))]
    types, tasks = cheapest[order].astype(np.int64), tasks[order]
    missing = problem.least - len(types)
    if missing > 0:
        cheap = np.full(missing, int(problem.usd_per_hour.argmin()), dtype=np.int64)
        types, tasks = np.concatenate([types, cheap]), np.concatenate([tasks, np.zeros((missing, tasks.shape[1]), np.int64)])
    return types, tasks
