"""Services with several ways to run, over representative states of their load, and a plan for them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from advisor.billing import CommitmentRates, apply_commitments, committed_amounts
from advisor.meters import CommitmentKind
from advisor.optimize.fleet import Fleet, FleetProblem
from advisor.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JointProblem:
    """What each service may run as, what it needs in each state of the load, and what that is billed by.

    A *way* is one launch choice of one service in one task size: by itself, such as on Fargate, or on instances that all
    services share. A property that types and tasks must have in common, such as the architecture, is one more dimension: a task
    takes 1 of it, and types offer it in plenty or not at all.

    Raises
    ------
    ValueError
        Shapes differ, a rate that is needed is not known, a service has no way, a commitment is no Savings Plan, a type is
        billed by more than one meter that plans cover, or none holds a task that is to run on instances.
    """

    hours: FloatArray
    """(states,): how long each lasts."""
    rates: CommitmentRates
    """Meters with their rates, and Savings Plans that may be bought; their sizes are what is looked for."""
    service: IntArray
    """(ways,): whose way it is, from 0 on."""
    counts: FloatArray
    """(ways, states): tasks that run; whole ones on instances."""
    usage: FloatArray
    """(ways, meters): quantity of a task-hour; nothing for ways on instances."""
    tasks: IntArray
    """(ways, dimensions): what a task takes of an instance; nothing for ways that need none."""
    capacity: IntArray
    """(types, dimensions): what an instance offers to tasks."""
    type_usage: FloatArray
    """(types, meters): quantity of an instance-hour, with what comes with it."""
    least_instances: int = 0
    """Instances in every state in which any runs: one in each zone."""

    def __post_init__(self) -> None:
        n_ways, n_meters = len(self.service), len(self.rates.meters)
        shapes = {
            "counts": (self.counts.shape, (n_ways, self.hours.size)),
            "usage": (self.usage.shape, (n_ways, n_meters)),
            "tasks": (self.tasks.shape, (n_ways, self.capacity.shape[1])),
            "type_usage": (self.type_usage.shape, (len(self.capacity), n_meters)),
        }
        for name, (found, wanted) in shapes.items():
            if found != wanted:
                raise ValueError(f"{name} has the shape {found}, not {wanted}")
        if not (self.hours > 0).all():
            raise ValueError("every state lasts some time")
        if not np.array_equal(np.unique(self.service), np.arange(self.n_services)):
            raise ValueError("every service needs a way to run")
        if any(each.kind is CommitmentKind.RESERVED_INSTANCE for each in self.rates.commitments):
            raise ValueError("Reserved Instances are bought in whole ones: only Savings Plans are sized here")
        used = self.usage.any(axis=0) | self.type_usage.any(axis=0)
        if not np.isfinite(self.rates.on_demand_usd[used]).all():
            missing = self.rates.meters[int(np.flatnonzero(used & ~np.isfinite(self.rates.on_demand_usd))[0])]
            raise ValueError(f"no rate of {missing.id}")
        if (self.counts[self.is_on_instances] % 1).any():
            raise ValueError("tasks on instances are whole ones")
        homeless = self.is_on_instances & ~np.any(np.all(self.tasks[:, np.newaxis] <= self.capacity, axis=2), axis=1)
        if homeless.any():
            way = int(np.flatnonzero(homeless)[0])
            raise ValueError(f"no type holds a task of way {way}: {self.tasks[way].tolist()}: leave the way out")
        if (np.count_nonzero(self.type_usage[:, self.is_covered], axis=1) > 1).any():
            raise ValueError("an instance is billed by one meter that plans cover, and by others that they do not")

    @property
    def n_services(self) -> int:
        return int(self.service.max(initial=-1)) + 1

    @property
    def is_on_instances(self) -> BoolArray:
        """(ways,)"""
        return np.asarray(self.tasks.any(axis=1))

    @property
    def is_covered(self) -> BoolArray:
        """(meters,): whether some plan has a rate for it."""
        return np.asarray(np.isfinite(self.rates.committed_usd).any(axis=0))

    def quantity(self, ways: IntArray, instances: FloatArray) -> FloatArray:
        """(meters, states): usage of an hour of some ways, and of (types, states) instances for those that need them."""
        return np.asarray(self.usage[ways].T @ self.counts[ways] + self.type_usage.T @ instances)

    def at(self, states: IntArray, hours: FloatArray) -> "JointProblem":
        """Some states alone, for other hours."""
        return replace(self, hours=hours, counts=self.counts[:, states])

    def fleet_problem(self, ways: IntArray, state: int, types: IntArray, usd_per_hour: FloatArray) -> FleetProblem:
        """The tasks of some ways in one state, on types at given prices."""
        return FleetProblem(
            tasks=self.tasks[ways],
            counts=self.counts[ways, state].astype(np.int64),
            capacity=self.capacity[types],
            usd_per_hour=usd_per_hour,
            least_instances=self.least_instances,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JointPlan:
    """The cheapest plan that was found, billed in AWS's order, and what no plan can beat."""

    ways: IntArray
    """(services,): which way each service runs."""
    fleets: Sequence[Fleet]
    """One for each state: types of the problem, and tasks in the order of ``ways`` that are on instances."""
    capacity: FloatArray
    """(commitments,): dollars an hour of each Savings Plan."""
    usd: float
    """Over all hours."""
    bound_usd: float
    """Proven: no ways, fleets and sizes of plans cost less."""
    rounds: int

    @property
    def gap_fraction(self) -> float:
        """How far above the cheapest the plan may be."""
        return max(0.0, self.usd / self.bound_usd - 1.0) if self.bound_usd > 0 else (np.inf if self.usd > 0 else 0.0)

    def on_instances(self, problem: JointProblem) -> IntArray:
        """Ways that are on instances, in the order of the services."""
        return np.asarray(self.ways[problem.is_on_instances[self.ways]])

    def quantity(self, problem: JointProblem) -> FloatArray:
        """(meters, states): usage of each hour."""
        return problem.quantity(self.ways, instances_of(problem, self.fleets))

    def billed_usd(self, problem: JointProblem) -> float:
        """The plan's bill over all hours, by the rule of AWS."""
        applied = apply_commitments(problem.rates, self.quantity(problem), problem.hours, capacity=self.capacity)
        return float(committed_amounts(applied, charge_usd=self.capacity).total_usd)

    def faults(self, problem: JointProblem) -> tuple[str, ...]:
        """Why it is no plan for the problem, in sentences."""
        found = [] if np.array_equal(problem.service[self.ways], np.arange(problem.n_services)) else ["a service has no way"]
        ways, types = self.on_instances(problem), np.arange(len(problem.capacity))
        for state, fleet in enumerate(self.fleets):
            stated = problem.fleet_problem(ways, state, types, np.ones(types.size))
            found += [f"state {state}: {fault}" for fault in fleet.faults(stated)]
        return tuple(found)


def instances_of(problem: JointProblem, fleets: Sequence[Fleet]) -> FloatArray:
    """(types, states): of the fleets of all states."""
    n_types = len(problem.capacity)
    return np.stack([np.bincount(fleet.types, fleet.instances, n_types) for fleet in fleets], axis=1).astype(np.float64)


def rates_of(rates: CommitmentRates, plans: IntArray, meters: IntArray) -> CommitmentRates:
    """Those of some plans and meters alone."""
    return replace(
        rates,
        meters=tuple(rates.meters[at] for at in meters.tolist()),
        commitments=tuple(rates.commitments[at] for at in plans.tolist()),
        on_demand_usd=rates.on_demand_usd[meters],
        committed_usd=rates.committed_usd[np.ix_(plans, meters)],
        charge_usd=rates.charge_usd[plans],
        zones=None if rates.zones is None else tuple(rates.zones[at] for at in meters.tolist()),
    )
