"""Ruin and recreate: a few instances are taken out and their tasks placed anew, for less where there is a way."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator as Random

from advisor.optimize.fleet.pricing import Pricing
from advisor.optimize.fleet.problem import FleetProblem
from advisor.units import FloatArray, IntArray

TRIALS = 24
"""Sets of instances that are ruined side by side."""
FEWEST_RUINED, MOST_RUINED = 2, 7
MOST_OPENED = 12
"""Instances that a trial opens before it is given up."""
RECREATE_SPREADS = (0.0, 0.05, 0.1, 0.2)
NO_LESS = 1e-9


Billing = Callable[[IntArray], FloatArray]
"""What (fleets, types) instances cost an hour: (fleets,)."""


def ruin_and_recreate(
    pricing: Pricing, values: FloatArray, types: IntArray, tasks: IntArray, rng: Random, billing: Billing | None = None
) -> tuple[IntArray, IntArray, bool]:
    """One round of trials, and the disjoint ones that save put into effect.

    Parameters
    ----------
    values : (services,)
        What a task of each service is worth, from the linear program.
    types : (instances,)
    tasks : (instances, services)
    billing
        What is to be saved, where an instance costs more or less by how many there are; prices of types only guide the trials.

    Returns
    -------
    The instances after it, and whether they cost less.
    """
    problem = pricing.problem
    n_instances = len(types)
    if n_instances < 2:
        return types, tasks, False
    ruined = _ruined(problem, values, types, tasks, rng)
    rest = [tasks[ruin].sum(axis=0) for ruin in ruined]
    inserted = [_inserted(problem, types, tasks, ruin, left, rng) for ruin, left in zip(ruined, rest, strict=True)]
    opened = recreated(pricing, values, np.array([left for left, _ in inserted]), rng)
    change = np.zeros((len(ruined), len(problem.usd_per_hour)), dtype=np.int64)
    for trial, new in enumerate(opened):
        if new is not None:
            np.add.at(change[trial], new[0], 1)
            np.add.at(change[trial], types[ruined[trial]], -1)
    now = np.bincount(types, minlength=change.shape[1]).astype(np.int64)
    saved = _saved(problem, now, change, billing)
    touched = np.zeros(n_instances, dtype=np.bool_)
    gone = np.zeros(n_instances, dtype=np.bool_)
    more_types: list[IntArray] = []
    more_tasks: list[IntArray] = []
    tasks = tasks.copy()
    is_better = False
    for trial in np.argsort(-saved, kind="stable").tolist():
        changed = np.flatnonzero(inserted[trial][1].any(axis=1))
        new = opened[trial]
        if saved[trial] < -NO_LESS or new is None or touched[ruined[trial]].any() or touched[changed].any():
            continue
        saving = float(_saved(problem, now, change[[trial]], billing)[0])
        if saving < -NO_LESS:  # it is worth less after those before it
            continue
        n_after = n_instances - int(gone.sum()) - len(ruined[trial]) + sum(map(len, more_types)) + len(new[0])
        if n_after < problem.least:
            continue
        touched[ruined[trial]] = touched[changed] = True
        now = now + change[trial]
        gone[ruined[trial]] = True
        tasks += inserted[trial][1]
        more_types.append(new[0])
        more_tasks.append(new[1])
        is_better |= saving > NO_LESS
    types = np.concatenate([types[~gone], *more_types])
    tasks = np.concatenate([tasks[~gone], *more_tasks])
    return types, tasks, is_better


def _saved(problem: FleetProblem, now: IntArray, change: IntArray, billing: Billing | None) -> FloatArray:
    """(changes,): dollars an hour less after each."""
    if billing is None:
        return np.asarray(-(change @ problem.usd_per_hour))
    usd = billing(np.concatenate([now[np.newaxis], now + change]))
    return np.asarray(usd[0] - usd[1:])


def _ruined(problem: FleetProblem, values: FloatArray, types: IntArray, tasks: IntArray, rng: Random) -> list[IntArray]:
    """Instances of each trial: those that cost more than their tasks are worth are chosen more often."""
    cost = problem.usd_per_hour[types]
    waste = np.maximum(cost - tasks @ values, 0.0) / cost
    weight = waste + 0.1 * float(waste.mean()) + 1e-3
    keys = np.log(weight) + rng.gumbel(size=(TRIALS, len(types)))  # the largest of these are a draw without replacement
    order = np.argsort(-keys, axis=1, kind="stable")
    sizes = rng.integers(FEWEST_RUINED, MOST_RUINED + 1, TRIALS)
    return [order[trial, : min(int(sizes[trial]), len(types))] for trial in range(TRIALS)]


def _inserted(
    problem: FleetProblem, types: IntArray, tasks: IntArray, ruin: IntArray, left: IntArray, rng: Random
) -> tuple[IntArray, IntArray]:
    """What is left to place after the free room of the other instances is used, and what went there (instances, services)."""
    free = problem.capacity[types] - tasks @ problem.tasks
    free[ruin] = 0
    services = np.flatnonzero(left)
    size = (problem.tasks[services] / np.maximum(problem.capacity.max(axis=0), 1)).max(axis=1)
    order = services[np.argsort(-size * np.exp(0.2 * rng.standard_normal(services.size)), kind="stable")]
    return filled(problem, free, left, order)


def filled(problem: FleetProblem, free: IntArray, left: IntArray, order: IntArray) -> tuple[IntArray, IntArray]:
    """Tasks placed service by service in the free room of instances, where there is least room first.

    Parameters
    ----------
    free : (instances, dimensions)
        It is used up.
    left : (services,)
        Tasks to place.
    order
        Services in which there are tasks to place, the first one first.

    Returns
    -------
    What is left to place after it, and what went there (instances, services).
    """
    left, added = left.copy(), np.zeros((len(free), len(left)), dtype=np.int64)
    for service in order.tolist():
        need = problem.tasks[service]
        room = (free // np.maximum(need, 1))[:, need > 0].min(axis=1)
        hosts = np.flatnonzero(room > 0)
        for host in hosts[np.argsort(room[hosts], kind="stable")].tolist():
            taken = min(int(room[host]), int(left[service]))
            added[host, service] += taken
            free[host] -= taken * need
            left[service] -= taken
            if not left[service]:
                break
    return left, added


def recreated(pricing: Pricing, values: FloatArray, left: IntArray, rng: Random) -> list[tuple[IntArray, IntArray] | None]:
    """Instances for what each trial has left, (trials, services): the pattern worth most for its price, again and again.

    A trial ends with one instance for all that is left, as soon as there is one that is no dearer by its tasks' worth.
    """
    problem = pricing.problem
    usd = problem.usd_per_hour
    left = left.copy()
    n_trials, n_types = len(left), len(usd)
    trials: list[list[tuple[int, IntArray]]] = [[] for _ in range(n_trials)]
    spreads = np.array(RECREATE_SPREADS)[rng.integers(0, len(RECREATE_SPREADS), n_trials)]
    for _ in range(MOST_OPENED):
        active = np.flatnonzero(left.any(axis=1))
        if not active.size:
            break
        fills = tuple((0.0, float(spread)) for spread in spreads[active])
        kinds, patterns = pricing.greedy(values, left[active], fills=fills)
        worth = (patterns @ values / usd[kinds]).reshape(active.size, n_types)
        used = left[active] @ problem.tasks
        holds = np.asarray((used[:, np.newaxis] <= problem.capacity[np.newaxis]).all(axis=2))
        last = np.where(holds, usd, np.inf).argmin(axis=1)
        patterns = patterns.reshape(active.size, n_types, -1)
        for row, trial in enumerate(active.tolist()):
            best = int(worth[row].argmax())
            is_worth_it = usd[last[row]] * worth[row, best] <= float(left[trial] @ values)
            if holds[row, last[row]] and (is_worth_it or (left[trial] == patterns[row, best]).all()):
                best, pattern = (int(last[row]), left[trial].copy())
            else:
                pattern = patterns[row, best]
            if not pattern.any():
                break
            trials[trial].append((best, pattern))
            left[trial] -= pattern
    result: list[tuple[IntArray, IntArray] | None] = []
    for trial, found in enumerate(trials):
        if left[trial].any():
            result.append(None)
            continue
        types = np.array([kind for kind, _ in found], dtype=np.int64)
        tasks = np.array([pattern for _, pattern in found], dtype=np.int64).reshape(len(found), left.shape[1])
        result.append(_cheapest_types(problem, types, tasks))
    return result


def _cheapest_types(problem: FleetProblem, types: IntArray, tasks: IntArray) -> tuple[IntArray, IntArray]:
    used = tasks @ problem.tasks
    holds = (used[:, np.newaxis] <= problem.capacity[np.newaxis]).all(axis=2)
    return np.where(holds, problem.usd_per_hour, np.inf).argmin(axis=1).astype(np.int64), tasks
