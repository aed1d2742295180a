"""``python -m benchmarks.joint_plan [--quick]``: launch choice, sizes, fleets and Savings Plans in one search, over its bound.

Generated instances of 50 services and 300 types over 12 states of load; a Compute Savings Plan, and in the second row of each
demand an EC2 Instance Savings Plan for each of some 38 families beside it. Seconds are CPU seconds of one core. The baselines
of the same run: every service on Fargate where that is cheapest, on demand or under plans sized afterwards.
"""

import sys
import time
from collections.abc import Iterator
from itertools import chain

import numpy as np

from advisor.billing import CommitmentRates
from advisor.ecs import Architecture, PurchaseOption
from advisor.meters import (
    GP3_GIB_MONTH,
    CommitmentKind,
    Meter,
    PaymentOption,
    fargate_gib_hour,
    fargate_vcpu_hour,
    instance_hour,
)
from advisor.optimize.commitments import best_stack, stack_usd
from advisor.optimize.fleet import Effort
from advisor.optimize.joint import JointEffort, JointProblem, cheapest_plan
from advisor.plan import Commitment
from advisor.units import FloatArray

DEMANDS = (2.0, 10.0, 45.0)
ON_DEMAND, SPOT = PurchaseOption.ON_DEMAND, PurchaseOption.SPOT
SIZES = (2, 4, 8, 16, 32, 48, 64, 96)
PLENTY = 10**6
FARGATE_USD = {Architecture.X86_64: (0.04048, 0.004445), Architecture.ARM64: (0.03238, 0.00356)}
TERMS = {"term_years": 1, "payment": PaymentOption.NO_UPFRONT}


def limited(seconds: float) -> JointEffort:
    """As good as can be had in this many seconds, spread over prices and fleets."""
    if seconds <= 10:
        return JointEffort(gap_fraction=0.002, rounds=30, improvements=9, seconds=seconds, clock=time.process_time)
    fleet = Effort(rounds=120, improvements=60, dives=2, counts=0, gap_fraction=1e-3)
    return JointEffort(
        gap_fraction=1e-3,
        mean_rounds=40,
        rounds=60,
        fleets=4,
        improvements=9,
        fleet=fleet,
        seconds=seconds,
        clock=time.process_time,
    )


def generated_joint(
    seed: int, tasks_a_service: float, n_services: int = 50, n_types: int = 300, n_states: int = 12, *, has_family_plans: bool
) -> JointProblem:
    """Services with one or two sizes and architectures, on Fargate, on Spot where they may, or on shared instances."""
    rng = np.random.default_rng(seed)
    capacity, families, usd = _types(rng, n_types)
    meters, on_demand, committed, plans = _rates(rng, families, usd, has_family_plans=has_family_plans)
    place = {meter.id: at for at, meter in enumerate(meters)}
    hours = rng.dirichlet(np.full(n_states, 8.0)) * 730
    service: list[int] = []
    counts: list[FloatArray] = []
    usage: list[FloatArray] = []
    tasks: list[list[int]] = []
    for at in range(n_services):
        cpu = int(rng.choice([256, 512, 1024, 2048, 4096], p=[0.3, 0.3, 0.25, 0.1, 0.05]))
        gib_a_vcpu = int(rng.choice([2, 4, 8], p=[0.5, 0.35, 0.15]))
        wave = 1 + rng.uniform(0, 0.6) * np.sin(2 * np.pi * (np.arange(n_states) / n_states + 0.15 * rng.uniform()))
        load = float(rng.lognormal(0, 0.8)) * tasks_a_service * wave * rng.uniform(0.95, 1.05, n_states)
        architectures = [Architecture.X86_64, *([Architecture.ARM64] if rng.random() < 0.5 else [])]
        options = [ON_DEMAND, *([SPOT] if rng.random() < 0.2 else [])]
        sizes = [(cpu, 1.0), *([(cpu // 2, 1.9)] if rng.random() < 0.5 and cpu > 256 else [])]
        for cpu_units, factor in sizes:
            running = np.maximum(1.0, np.ceil(load * factor))
            memory = cpu_units * gib_a_vcpu
            for architecture in architectures:
                for option in options:
                    row = np.zeros(len(meters))
                    row[place[fargate_vcpu_hour(architecture, option).id]] = cpu_units / 1024
                    row[place[fargate_gib_hour(architecture, option).id]] = memory / 1024
                    usage.append(row)
                    tasks.append([0] * 5)
                usage.append(np.zeros(len(meters)))
                is_arm = architecture is Architecture.ARM64
                tasks.append([cpu_units, memory, 1, int(not is_arm), int(is_arm)])
                service += [at] * (len(options) + 1)
                counts += [running] * (len(options) + 1)
    type_usage = np.zeros((n_types, len(meters)))
    type_usage[np.arange(n_types), np.arange(n_types)] = 1.0
    type_usage[:, place[GP3_GIB_MONTH.id]] = 30 / 730
    return JointProblem(
        hours=hours,
        rates=CommitmentRates(
            meters=meters,
            commitments=plans,
            on_demand_usd=on_demand,
            committed_usd=committed,
            charge_usd=np.ones(len(plans)),
        ),
        service=np.array(service),
        counts=np.array(counts),
        usage=np.array(usage),
        tasks=np.array(tasks),
        capacity=np.array(capacity),
        type_usage=type_usage,
        least_instances=2,
    )


def _types(rng: np.random.Generator, n_types: int) -> tuple[list[list[int]], list[str], FloatArray]:
    """Capacity, name and price: families in eight sizes, whose prices are near proportional to what they offer."""
    capacity: list[list[int]] = []
    names: list[str] = []
    usd: list[float] = []
    while len(usd) < n_types:
        ratio, level = int(rng.choice([2, 4, 8], p=[0.35, 0.4, 0.25])), float(np.exp(rng.normal(0, 0.12)))
        is_arm = bool(rng.random() < 0.4)
        family = f"m{len(usd) // len(SIZES)}x"
        for vcpu in SIZES[: n_types - len(usd)]:
            slots = int(rng.choice([10, 20, 60, 120] if vcpu <= 4 else [20, 60, 120]))
            memory = int(vcpu * ratio * 1024 * 0.95 - 150)
            capacity.append([vcpu * 1024, memory, slots, 0 if is_arm else PLENTY, PLENTY if is_arm else 0])
            price = level * (0.82 if is_arm else 1.0) * (vcpu * 0.034 + vcpu * ratio * 0.0042)
            usd.append(price * float(np.exp(rng.normal(0, 0.01))))
            names.append(f"{family}.{vcpu}")
    return capacity, names, np.array(usd)


def _rates(
    rng: np.random.Generator, names: list[str], usd: FloatArray, *, has_family_plans: bool
) -> tuple[tuple[Meter, ...], FloatArray, FloatArray, tuple[Commitment, ...]]:
    """Meters, on-demand rates, and rates of plans: 18 to 30 % off instances, 20 % off Fargate, 8 % more for a family."""
    kinds = [(a, option, at) for a in Architecture for option in PurchaseOption for at in range(2)]
    fargate = [(fargate_vcpu_hour, fargate_gib_hour)[at](a, option) for a, option, at in kinds]
    fargate_usd = np.array([FARGATE_USD[a][at] * (0.32 if option is SPOT else 1.0) for a, option, at in kinds])
    meters = (*(instance_hour(name, ON_DEMAND) for name in names), *fargate, GP3_GIB_MONTH)
    families = list(dict.fromkeys(name.partition(".")[0] for name in names)) if has_family_plans else []
    plans = [Commitment(kind=CommitmentKind.COMPUTE_SAVINGS_PLAN, usd_per_hour=1.0, **TERMS)]
    kind = CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN
    plans += [Commitment(kind=kind, family=family, usd_per_hour=1.0, **TERMS) for family in families]
    committed = np.full((len(plans), len(meters)), np.nan)
    committed[0, : usd.size] = usd * (1 - rng.uniform(0.18, 0.30, usd.size))
    is_on_demand = np.array([option is ON_DEMAND for _, option, _ in kinds])
    committed[0, usd.size : -1] = np.where(is_on_demand, 0.8 * fargate_usd, np.nan)
    for at, name in enumerate(names) if families else ():
        committed[1 + families.index(name.partition(".")[0]), at] = committed[0, at] - 0.08 * usd[at]
    return meters, np.concatenate([usd, fargate_usd, [0.08]]), committed, tuple(plans)


def linear_joint(seed: int, n_services: int = 50, n_families: int = 10, n_states: int = 96) -> JointProblem:
    """The same question where a task has one price on each family: Fargate, Spot, and families on demand, 15 ways a service."""
    rng = np.random.default_rng(seed)
    names = [f"m{at}x.4" for at in range(n_families)]
    meters, on_demand, committed, plans = _rates(rng, names, rng.uniform(0.03, 0.05, n_families), has_family_plans=True)
    place = {meter.id: at for at, meter in enumerate(meters)}
    hours = rng.dirichlet(np.full(n_states, 8.0)) * 8_760
    service, counts, usage = [], [], []
    for at in range(n_services):
        vcpu, gib = float(rng.choice([0.25, 0.5, 1, 2])), float(rng.choice([2, 4, 8]))
        wave = 1 + rng.uniform(0, 0.6) * np.sin(2 * np.pi * (np.arange(n_states) / n_states + rng.uniform()))
        load = np.ceil(float(rng.lognormal(0, 0.8)) * 20 * wave)
        for name in names:
            row = np.zeros(len(meters))
            row[place[instance_hour(name, ON_DEMAND).id]] = vcpu * float(rng.uniform(0.7, 1.6)) * (1 + gib / 8)
            usage.append(row)
        options = [ON_DEMAND, *([SPOT] if rng.random() < 0.2 else [])]
        for architecture in Architecture:
            for option in options:
                row = np.zeros(len(meters))
                row[place[fargate_vcpu_hour(architecture, option).id]] = vcpu
                row[place[fargate_gib_hour(architecture, option).id]] = vcpu * gib
                usage.append(row)
        n_ways = len(usage) - len(service)
        service += [at] * n_ways
        counts += [load] * n_ways
    return JointProblem(
        hours=hours,
        rates=CommitmentRates(
            meters=meters, commitments=plans, on_demand_usd=on_demand, committed_usd=committed, charge_usd=np.ones(len(plans))
        ),
        service=np.array(service),
        counts=np.array(counts),
        usage=np.array(usage),
        tasks=np.zeros((len(service), 1), dtype=np.int64),
        capacity=np.zeros((0, 1), dtype=np.int64),
        type_usage=np.zeros((0, len(meters))),
    )


def all_on_fargate(problem: JointProblem) -> tuple[float, float]:
    """Every service by itself where that is cheapest on demand: on demand, and with plans sized afterwards."""
    usd = (problem.usage @ np.nan_to_num(problem.rates.on_demand_usd)) * (problem.counts @ problem.hours)
    usd[problem.is_on_instances] = np.inf
    ways = np.array([min(np.flatnonzero(problem.service == at), key=lambda way: usd[way]) for at in range(problem.n_services)])
    quantity = problem.quantity(ways, np.zeros((len(problem.capacity), problem.hours.size)))
    none = np.zeros(len(problem.rates.commitments))
    after = best_stack(problem.rates, quantity, problem.hours).usd
    return stack_usd(problem.rates, quantity, problem.hours, none), after


def joint_rows(is_quick: bool) -> Iterator[str]:
    """Gaps by demand and kinds of plans."""
    for limit in (10.0,) if is_quick else (10.0, 60.0):
        for demand in DEMANDS[1:2] if is_quick else DEMANDS:
            for has_family_plans in (False, True):
                problem = generated_joint(1, demand, has_family_plans=has_family_plans)
                start = time.process_time()
                plan = cheapest_plan(problem, limited(limit))
                seconds = time.process_time() - start
                assert not plan.faults(problem)
                assert abs(plan.billed_usd(problem) - plan.usd) < 1e-6 * plan.usd
                before, after = all_on_fargate(problem)
                on = plan.on_instances(problem)
                yield (
                    f"{problem.counts[on].sum(axis=0).mean():>6,.0f} tasks of {on.size} services on instances, "
                    f"{int((plan.capacity > 0).sum())} of {plan.capacity.size} plans bought: gap {plan.gap_fraction:.2%} in "
                    f"{seconds:.1f} s (limit {3 if limit <= 10 else 2} % in {limit:g} s); "
                    f"all on Fargate {before / plan.usd - 1:+.0%}, with plans afterwards {after / plan.usd - 1:+.0%}"
                )


def linear_rows(is_quick: bool) -> Iterator[str]:
    """Gaps with linear prices."""
    for seed in range(1 if is_quick else 4):
        problem = linear_joint(seed)
        start = time.process_time()
        plan = cheapest_plan(problem)
        yield f"linear prices, 96 states: gap {plan.gap_fraction:.3%} in {time.process_time() - start:.2f} s (limit 0.1 %)"


def main() -> None:
    """Print both tables."""
    is_quick = "--quick" in sys.argv
    print("Joint plan, 50 services x 300 types x 12 states; over its own bound; CPU seconds")
    for row in chain(linear_rows(is_quick), joint_rows(is_quick)):
        print(row, flush=True)


if __name__ == "__main__":
    main()
