"""Small problems in full: every pattern there is, and the whole program over them."""

import numpy as np

from advisor.optimize.fleet.master import quiet_solver
from advisor.optimize.fleet.problem import FleetProblem
from advisor.units import IntArray


def all_patterns(problem: FleetProblem, most: int) -> tuple[IntArray, IntArray] | None:
    """Types and tasks of every pattern to which no task can be added; None where there are more than ``most`` on the way.

    A fleet that covers all tasks with these can be cut down to one that holds exactly them, so that no other is needed.
    """
    types: list[IntArray] = []
    rows: list[IntArray] = []
    n_services = len(problem.counts)
    total = 0
    for at, capacity in enumerate(problem.capacity):
        tasks = np.zeros((1, n_services), dtype=np.int64)
        free = capacity[np.newaxis].copy()
        for service in range(n_services):
            need = problem.tasks[service]
            fit = np.minimum((free[:, need > 0] // need[need > 0]).min(axis=1), problem.counts[service])
            if total + int(fit.sum()) + len(fit) > most:
                return None
            parent = np.repeat(np.arange(len(fit)), fit + 1)
            first = np.cumsum(fit + 1) - (fit + 1)
            n = np.arange(parent.size) - np.repeat(first, fit + 1)
            tasks, free = tasks[parent], free[parent] - n[:, np.newaxis] * need
            tasks[:, service] = n
        can_add = (problem.tasks[np.newaxis] <= free[:, np.newaxis]).all(axis=2) & (tasks < problem.counts)
        tasks = tasks[~can_add.any(axis=1)]
        total += len(tasks)
        types.append(np.full(len(tasks), at, dtype=np.int64))
        rows.append(tasks)
    return np.concatenate(types), np.concatenate(rows)


def whole_program(
    problem: FleetProblem, types: IntArray, tasks: IntArray, *, gap: float, nodes: int
) -> tuple[float, IntArray, IntArray] | None:
    """The integer program over given patterns: a bound on its value, and types and tasks of the instances it buys.

    None where no solution was found within ``nodes``.
    """
    solver = quiet_solver()
    for option, value in (("mip_rel_gap", gap), ("mip_abs_gap", 0.0), ("mip_max_nodes", nodes)):
        solver.setOptionValue(option, value)
    covers = np.column_stack([tasks, np.ones(len(tasks), np.int64)])
    nonzero = covers > 0
    usd = problem.usd_per_hour[types]
    scale = float(usd.min())
    start = np.concatenate([[0], np.cumsum(nonzero.sum(axis=1))]).astype(np.int32)
    need = np.append(problem.counts.astype(np.float64), float(problem.least))
    solver.passModel(
        len(types), len(need), int(nonzero.sum()), 1, 1, 0.0,
        usd / scale, np.zeros(len(types)), np.full(len(types), float(max(problem.counts.sum(), problem.least))), need,
        np.full(len(need), np.inf), start, np.nonzero(nonzero)[1].astype(np.int32), covers[nonzero].astype(np.float64),
        np.ones(len(types), dtype=np.int32),
    )  # fmt: skip
    solver.run()
    amounts = np.round(np.array(solver.getSolution().col_value)).astype(np.int64)
    if (amounts @ covers < need).any():
        return None
    left = problem.counts.copy()
    bought_types: list[int] = []
    bought: list[IntArray] = []
    for at in np.flatnonzero(amounts).tolist():
        for _ in range(int(amounts[at])):
            row = np.minimum(tasks[at], left)
            left = left - row
            bought_types.append(int(types[at]))
            bought.append(row)
    bound = float(solver.getInfo().mip_dual_bound) * scale
    return bound, np.array(bought_types, dtype=np.int64), np.array(bought, dtype=np.int64).reshape(len(bought), -1)
