"""The classic packings into instances of one type: first and best fit decreasing, and filling one instance after the other."""

from collections.abc import Iterator
from enum import Enum

import numpy as np

from advisor.optimize.fleet.problem import FleetProblem
from advisor.units import FloatArray, IntArray


class Measure(Enum):
    """How several dimensions of a task become one number, all as shares of an instance."""

    LARGEST = "largest"
    SUM = "sum"
    SCARCITY = "scarcity"
    """The sum, each dimension weighted by how much of it all tasks need."""
    LENGTH = "length"


def classic_packings(problem: FleetProblem, at: int) -> Iterator[tuple[str, IntArray]]:
    """Names and results, (instances, services), of every classic heuristic on one type that holds every task."""
    for measure in Measure:
        yield f"first fit decreasing, {measure.value}", by_item(problem, at, measure, is_best_fit=False)
        yield f"best fit decreasing, {measure.value}", by_item(problem, at, measure, is_best_fit=True)
    for name, is_dot in (("dot product", True), ("L2", False)):
        for is_weighted in (False, True):
            yield (
                f"{name}{', weighted' if is_weighted else ''}",
                by_instance(problem, at, is_dot=is_dot, is_weighted=is_weighted),
            )


def by_item(problem: FleetProblem, at: int, measure: Measure, *, is_best_fit: bool) -> IntArray:
    """Tasks largest first, each on the first instance with room, or on the one that it leaves least room on.

    All tasks of a service go together: the instance that takes one takes the next as well until it is full.
    """
    share, capacity = _shares(problem, at), problem.capacity[at]
    weight = _demand(problem, share)
    sizes = {
        Measure.LARGEST: share.max(axis=1),
        Measure.SUM: share.sum(axis=1),
        Measure.SCARCITY: share @ weight,
        Measure.LENGTH: (share**2).sum(axis=1),
    }[measure]
    order = np.lexsort((*problem.tasks.T[::-1], sizes))[::-1]
    free = np.zeros((0, len(capacity)), dtype=np.int64)
    placed = np.zeros((0, len(problem.counts)), dtype=np.int64)
    for service in order.tolist():
        left, need = int(problem.counts[service]), problem.tasks[service]
        if not left:
            continue
        fit = _fit(free, need)
        rows = np.flatnonzero(fit)
        if is_best_fit and rows.size:
            slack = (free[rows] / np.maximum(capacity, 1)) @ weight
            rows = rows[np.argsort(slack, kind="stable")]
        before = np.cumsum(fit[rows]) - fit[rows]
        taken = np.clip(left - before, 0, fit[rows])
        placed[rows, service] += taken
        free[rows] -= taken[:, np.newaxis] * need
        left -= int(taken.sum())
        per_new = int(_fit(capacity[np.newaxis], need)[0])
        n_new = -(-left // per_new)
        opened = np.full(n_new, per_new, dtype=np.int64)
        if n_new:
            opened[-1] = left - per_new * (n_new - 1)
        more = np.zeros((n_new, len(problem.counts)), dtype=np.int64)
        more[:, service] = opened
        placed = np.concatenate([placed, more])
        free = np.concatenate([free, capacity - opened[:, np.newaxis] * need])
    return placed


def by_instance(problem: FleetProblem, at: int, *, is_dot: bool, is_weighted: bool) -> IntArray:
    """One instance after the other: the task whose shape is nearest to the room that is left, until none fits."""
    share, capacity = _shares(problem, at), problem.capacity[at]
    weight = _demand(problem, share) if is_weighted else np.ones(len(capacity))
    left = problem.counts.copy()
    rows: list[IntArray] = []
    while left.any():
        pattern = np.zeros_like(left)
        free, room = capacity.copy(), np.ones(len(capacity))
        while True:
            fits = (left > pattern) & (problem.tasks <= free).all(axis=1)
            if not fits.any():
                break
            score = share @ (weight * room) if is_dot else -((room - share) ** 2) @ weight
            service = int(np.where(fits, score, -np.inf).argmax())
            pattern[service] += 1
            free = free - problem.tasks[service]
            room = room - share[service]
        used = pattern > 0
        times = int((left[used] // pattern[used]).min())
        rows.extend([pattern] * times)
        left = left - times * pattern
    return np.array(rows, dtype=np.int64).reshape(len(rows), len(left))


def cheapest_single_type(problem: FleetProblem) -> tuple[int, IntArray]:
    """What one would do by hand: the type that is cheapest when first-fit decreasing packs everything on it.

    Raises
    ------
    ValueError
        No type holds a task of every service.
    """
    best: tuple[float, int, IntArray] | None = None
    running = problem.counts > 0
    for at in np.flatnonzero(problem.fits[:, running].all(axis=1)).tolist():
        placed = by_item(problem, at, Measure.LARGEST, is_best_fit=False)
        usd = max(len(placed), problem.least) * float(problem.usd_per_hour[at])
        if best is None or usd < best[0]:
            best = usd, at, placed
    if best is None:
        raise ValueError("no type holds a task of every service")
    return best[1], best[2]


def _shares(problem: FleetProblem, at: int) -> FloatArray:
    return np.asarray(problem.tasks / np.maximum(problem.capacity[at], 1))


def _demand(problem: FleetProblem, share: FloatArray) -> FloatArray:
    total = problem.counts @ share
    return np.asarray(total / max(float(total.sum()), 1e-12))


def _fit(free: IntArray, need: IntArray) -> IntArray:
    return np.asarray((free[:, need > 0] // need[need > 0]).min(axis=1, initial=2**40))
