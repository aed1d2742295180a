"""Whole instances for ways that are chosen: the fleets of all states."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.random import Generator as Random

from advisor.billing import amounts_usd, apply_commitments
from advisor.optimize.fleet.dominance import merged, undominated
from advisor.optimize.fleet.improve import filled, ruin_and_recreate
from advisor.optimize.fleet.parts import Part, parts_of
from advisor.optimize.fleet.pricing import Pricing
from advisor.optimize.fleet.problem import Fleet, FleetProblem, fleet_of
from advisor.optimize.fleet.rounding import downsized
from advisor.optimize.fleet.solve import QUICK, Effort, cheapest_fleet
from advisor.optimize.joint.problem import JointPlan, JointProblem, instances_of, rates_of
from advisor.units import FloatArray, IntArray

RESTS = 6
"""Rounds of ruin and recreate without a saving after which a state's fleet is left."""


def fleets_by_state(problem: JointProblem, on: IntArray, rate_usd: FloatArray, effort: Effort) -> list[Fleet]:
    """The cheapest fleet of each state by itself.

    Parameters
    ----------
    on : (ways,)
        Those on instances.
    rate_usd : (meters,)
    """
    usd = instance_usd(problem, rate_usd)
    return [cheapest_fleet(_of_state(problem, on, counts, usd), effort).fleet for counts in _counts(problem, on).T]


def fleets_on_base(
    problem: JointProblem,
    on: IntArray,
    base_rate_usd: FloatArray,
    rest_rate_usd: FloatArray,
    effort: Effort,
    *,
    rare_fraction: float,
) -> list[Fleet]:
    """Fleets that have the same instances for tasks that run nearly always, and the cheapest of each state for the rest.

    A Savings Plan of one family is worth its price where its instances run all the time: fleets that are the cheapest of their
    state each have other families.

    Parameters
    ----------
    on : (ways,)
        Those on instances.
    base_rate_usd : (meters,)
        Of instances that always run.
    rest_rate_usd : (states, meters)
    rare_fraction
        Share of the hours in which fewer tasks of a way may run than are of the base.
    """
    counts = _counts(problem, on)
    always = np.array([_reached(row, problem.hours, rare_fraction) for row in counts], dtype=np.int64)
    stated = _of_state(problem, on, always, instance_usd(problem, base_rate_usd))
    base = cheapest_fleet(stated, effort).fleet
    types, tasks = np.repeat(base.types, base.instances), np.repeat(base.tasks, base.instances, axis=0)
    return [
        _on_base(_of_state(problem, on, of_state, instance_usd(problem, rate)), types, tasks, effort)
        for of_state, rate in zip(counts.T, rest_rate_usd, strict=True)
    ]


def moved_fleets(problem: JointProblem, plan: JointPlan, ways: IntArray, rate_usd: FloatArray) -> list[Fleet]:
    """Fleets of a plan after services moved to other ways.

    What left makes instances smaller, what came fills free room first.

    Parameters
    ----------
    ways : (services,)
        Those of the plan but for a few.
    rate_usd : (states, meters)
        Of a unit, by which instances are chosen.
    """
    before, after = plan.on_instances(problem), ways[problem.is_on_instances[ways]]
    stays = np.isin(after, before)
    place = [before.tolist().index(way) for way in after[stays].tolist()]
    counts, fleets = _counts(problem, after), []
    for state, fleet in enumerate(plan.fleets):
        tasks = np.zeros((int(fleet.instances.sum()), after.size), dtype=np.int64)
        tasks[:, stays] = np.repeat(fleet.tasks, fleet.instances, axis=0)[:, place]
        stated = _of_state(problem, after, counts[:, state], instance_usd(problem, rate_usd[state]))
        on_base = _on_base(stated, np.repeat(fleet.types, fleet.instances), tasks, QUICK)
        kinds, tasks = np.repeat(on_base.types, on_base.instances), np.repeat(on_base.tasks, on_base.instances, axis=0)
        fleets.append(fleet_of(*downsized(stated, kinds, tasks), after.size))
    return fleets


def improved_fleets(
    problem: JointProblem,
    plan: JointPlan,
    values_usd: FloatArray,
    rate_usd: FloatArray,
    rng: Random,
    *,
    rounds: int,
    is_over: Callable[[], bool],
) -> list[Fleet]:
    """Fleets of a plan after rounds of ruin and recreate, by what its Savings Plans make of the bill of each state.

    Parameters
    ----------
    values_usd : (states, ways on instances)
        What a task is worth.
    rate_usd : (states, meters)
        Of a unit, to guide the trials; what they save is read off the bill.
    rounds
        Of each state, at most; fewer where several in a row save nothing.
    """
    instances = instances_of(problem, plan.fleets)
    names = tuple(f"{at:06d}" for at in range(len(instances)))
    on, alone = plan.on_instances(problem), plan.ways[~problem.is_on_instances[plan.ways]]
    counts = _counts(problem, on)
    fleets = []
    for state, fleet in enumerate(plan.fleets):
        usd = instance_usd(problem, rate_usd[state])
        needed, _ = undominated(problem.tasks[on], counts[:, state], problem.capacity, usd, names)
        types = np.union1d(needed, fleet.types)
        bill = _bill_of(problem, plan.capacity, alone, types)
        stated = replace(
            _of_state(problem, on, counts[:, state], usd), capacity=problem.capacity[types], usd_per_hour=usd[types], names=()
        )
        small = merged(stated)
        of_item = np.zeros((on.size, len(small.problem.counts)))
        runs = small.item_of_service >= 0
        of_item[runs, small.item_of_service[runs]] = 1.0
        worth = np.max(of_item * values_usd[state][:, np.newaxis], axis=0, initial=0.0)
        kinds = np.searchsorted(types, np.repeat(fleet.types, fleet.instances))
        tasks = np.repeat(fleet.tasks, fleet.instances, axis=0) @ of_item.astype(np.int64)
        for part in parts_of(small.problem):
            kinds, tasks = _improved(
                part, kinds, tasks, worth, rng, partial(bill, state), types.size, rounds=rounds, is_over=is_over
            )
        restored = small.restored(fleet_of(kinds, tasks, len(small.problem.counts)), stated)
        fleets.append(replace(restored, types=types[restored.types]))
    return fleets


def _improved(
    part: Part,
    kinds: IntArray,
    tasks: IntArray,
    worth: FloatArray,
    rng: Random,
    bill: Callable[[IntArray], FloatArray],
    n_types: int,
    *,
    rounds: int,
    is_over: Callable[[], bool],
) -> tuple[IntArray, IntArray]:
    """All instances of a state, after rounds among those of one part."""
    mine = np.isin(kinds, part.types)
    rests, others = 0, np.bincount(kinds[~mine], minlength=n_types)
    stated = replace(part.problem, least_instances=max(0, part.problem.least_instances - int((~mine).sum())))
    pricing, values = Pricing(stated), worth[part.services]
    pricing.bound(values)
    own, placed = np.searchsorted(part.types, kinds[mine]), tasks[np.ix_(mine, part.services)]

    def billing(instances: IntArray) -> FloatArray:
        numbers = np.tile(others, (len(instances), 1))
        numbers[:, part.types] += instances
        return bill(numbers)

    while rounds > 0 and rests < RESTS and not is_over():
        own, placed, is_better = ruin_and_recreate(pricing, values, own, placed, rng, billing)
        rounds, rests = rounds - 1, 0 if is_better else rests + 1
    after = np.zeros((own.size, tasks.shape[1]), dtype=np.int64)
    after[:, part.services] = placed
    return np.concatenate([kinds[~mine], part.types[own]]), np.concatenate([tasks[~mine], after])


def _bill_of(
    problem: JointProblem, capacity: FloatArray, alone: IntArray, types: IntArray
) -> Callable[[int, IntArray], FloatArray]:
    """What is on demand in an hour of a state beside Savings Plans of these sizes, for (fleets, types) instances."""
    bought = np.flatnonzero(capacity > 0)
    used = np.flatnonzero(problem.type_usage[types].any(axis=0) | problem.usage[alone].any(axis=0))
    few = rates_of(problem.rates, bought, used)
    of_type = problem.type_usage[np.ix_(types, used)]
    of_alone = problem.usage[np.ix_(alone, used)].T @ problem.counts[alone]

    def bill(state: int, instances: IntArray) -> FloatArray:
        quantity = of_alone[:, [state]] + (instances @ of_type).T
        applied = apply_commitments(few, quantity, np.ones(len(instances)), capacity=capacity[bought])
        return np.asarray(amounts_usd(applied.on_demand_per_hour, few.on_demand_usd[:, np.newaxis]).sum(axis=0))

    return bill


def _on_base(problem: FleetProblem, types: IntArray, base: IntArray, effort: Effort) -> Fleet:
    """A fleet of base instances, as far as there are tasks for them, and the cheapest others."""
    before = np.cumsum(base, axis=0) - base
    tasks = np.asarray(np.clip(problem.counts - before, 0, base), dtype=np.int64)
    free = problem.capacity[types] - tasks @ problem.tasks
    size = (problem.tasks / np.maximum(problem.capacity.max(axis=0), 1)).max(axis=1)
    order = np.argsort(-size, kind="stable").astype(np.int64)
    left, added = filled(problem, free, problem.counts - tasks.sum(axis=0), order)
    tasks = tasks + added
    busy = np.flatnonzero(tasks.any(axis=1))
    if not left.any():
        idle = np.flatnonzero(~tasks.any(axis=1))
        busy = np.append(busy, idle[: max(0, problem.least - busy.size)])
    rest = replace(problem, counts=left, least_instances=max(0, problem.least - busy.size))
    more = cheapest_fleet(rest, effort).fleet
    return fleet_of(
        np.concatenate([types[busy], np.repeat(more.types, more.instances)]),
        np.concatenate([tasks[busy], np.repeat(more.tasks, more.instances, axis=0)]),
        len(problem.counts),
    )


def _reached(counts: IntArray, hours: FloatArray, rare_fraction: float) -> int:
    """Tasks that run in all but this share of the hours."""
    order = np.argsort(counts, kind="stable")
    below = np.cumsum(hours[order]) <= rare_fraction * hours.sum()
    return int(counts[order][min(int(below.sum()), counts.size - 1)])


def _counts(problem: JointProblem, on: IntArray) -> IntArray:
    return problem.counts[on].astype(np.int64)


def _of_state(problem: JointProblem, on: IntArray, counts: IntArray, usd_per_hour: FloatArray) -> FleetProblem:
    return FleetProblem(
        tasks=problem.tasks[on],
        counts=counts,
        capacity=problem.capacity,
        usd_per_hour=usd_per_hour,
        least_instances=problem.least_instances,
    )


def instance_usd(problem: JointProblem, rate_usd: FloatArray) -> FloatArray:
    """(types,): of an instance-hour with what comes with it."""
    return np.asarray(amounts_usd(problem.type_usage, np.nan_to_num(rate_usd)).sum(axis=1))
