"""``python -m benchmarks.mixed_fleet [--quick]``: how far above a proven bound fleets are, beside what one would do instead.

Generated instances of 50 services and 300 types, and vector packing into equal instances in the classes of Panigrahy et al.
Seconds are CPU seconds of one core, so that a busy machine does not change the table. The bound of a row is the best one that
any run of that instance proved; "own" is what the run itself could prove.
"""

import importlib.util
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np

from advisor.optimize.fleet import Effort, FleetProblem, SolvedFleet, cheapest_fleet
from advisor.optimize.fleet.heuristics import cheapest_single_type, classic_packings

CLOCK: Callable[[], float] = time.process_time
ENDLESS = 10**6
DEMANDS = (2.0, 10.0, 45.0)
"""Mean tasks of a service: some 130, 650 and 2,900 tasks in all."""
ITEMS = (20, 60, 120, 250)
CLASSES = range(1, 10)


def limited(seconds: float) -> Effort:
    """As good as can be had in this many seconds."""
    return Effort(gap_fraction=1e-4, rounds=ENDLESS, improvements=ENDLESS, dives=ENDLESS, seconds=seconds, clock=CLOCK)


def generated_fleet(seed: int, tasks_a_service: float, n_services: int = 50, n_types: int = 300) -> FleetProblem:
    """Services of many shapes, and families of types in many sizes whose prices are near proportional to what they offer."""
    rng = np.random.default_rng(seed)
    cpu = rng.choice([128, 256, 512, 1024, 2048, 4096], n_services, p=[0.1, 0.25, 0.3, 0.2, 0.1, 0.05])
    gib_a_vcpu = rng.choice([1, 2, 4, 8], n_services, p=[0.2, 0.4, 0.3, 0.1])
    memory = np.round(cpu * gib_a_vcpu * rng.uniform(0.7, 1.2, n_services)).astype(np.int64)
    counts = np.maximum(1, np.round(rng.lognormal(0, 0.8, n_services) * tasks_a_service)).astype(np.int64)
    capacity: list[list[int]] = []
    usd: list[float] = []
    while len(usd) < n_types:
        ratio, level = int(rng.choice([2, 4, 8], p=[0.35, 0.4, 0.25])), float(np.exp(rng.normal(0, 0.12)))
        for vcpu in (2, 4, 8, 16, 32, 48, 64, 96)[: n_types - len(usd)]:
            slots = int(rng.choice([10, 20, 60, 120] if vcpu <= 4 else [20, 60, 120]))
            capacity.append([vcpu * 1024, int(vcpu * ratio * 1024 * 0.95 - 150), slots])
            usd.append(level * (vcpu * 0.034 + vcpu * ratio * 0.0042) * float(np.exp(rng.normal(0, 0.01))))
    return FleetProblem(
        tasks=np.column_stack([cpu, memory, np.ones(n_services, dtype=np.int64)]),
        counts=counts,
        capacity=np.array(capacity),
        usd_per_hour=np.array(usd),
        least_instances=2,
    )


def generated_packing(kind: int, n_items: int, dimensions: int, seed: int) -> FleetProblem:
    """Items of one class: 1 to 6 independent and uniform, 7 and 8 correlated and anti-correlated, 9 of any size."""
    rng = np.random.default_rng([kind, n_items, dimensions, seed])
    uniform = {1: (100, 400, 1000), 2: (1, 1000, 1000), 3: (200, 800, 1000), 4: (50, 200, 1000), 5: (25, 100, 1000)}
    uniform |= {6: (20, 100, 150), 9: (1, 500, 1000)}
    if kind in uniform:
        low, high, size = uniform[kind]
        tasks = rng.integers(low, high + 1, (n_items, dimensions))
    else:
        size = 150
        tasks = np.zeros((n_items, dimensions), dtype=np.int64)
        tasks[:, 0] = rng.integers(20, 101, n_items)
        for at in range(1, dimensions):
            near = tasks[:, at - 1] if kind == 7 else 120 - tasks[:, at - 1]
            tasks[:, at] = np.clip(rng.integers(near - 10, near + 11), 1, size)
    return FleetProblem(
        tasks=tasks, counts=np.ones(n_items, dtype=np.int64), capacity=np.full((1, dimensions), size), usd_per_hour=np.ones(1)
    )


def fleet_rows(is_quick: bool) -> Iterator[str]:
    """Gaps of the solver in 1 s and 10 s and of the baselines, by demand."""
    limits = (1.0,) if is_quick else (1.0, 10.0)
    seeds = range(2 if is_quick else 8)
    all_gaps: dict[float, list[float]] = {limit: [] for limit in limits}
    for demand in DEMANDS:
        table: list[list[float]] = []
        for seed in seeds:
            problem = generated_fleet(seed, demand)
            solved = [checked(problem, limited(limit)) for limit in limits]
            bound = max(each.lower_bound_usd_per_hour for each in solved)
            at, placed = cheapest_single_type(problem)
            single_usd = max(len(placed), problem.least) * float(problem.usd_per_hour[at])
            row = [float(problem.counts.sum()), single_usd / bound - 1, alone_usd(problem) / bound - 1]
            for limit, each in zip(limits, solved, strict=True):
                row += [each.usd_per_hour / bound - 1, each.gap_fraction]
                all_gaps[limit].append(each.gap_fraction)
            table.append(row)
        values = np.array(table)
        n_tasks, single, alone = values[:, :3].mean(axis=0)
        text = f"{n_tasks:>6,.0f} tasks: one type {single:+.1%}, a cluster each {alone:+.1%}"
        for at, limit in enumerate(limits):
            over, own = values[:, 3 + 2 * at], values[:, 4 + 2 * at]
            text += f"; {limit:g} s {over.mean():+.2%} (worst {over.max():+.2%}), own {own.mean():.2%} (worst {own.max():.2%})"
        yield text
    for limit, gaps in all_gaps.items():
        goal = "mean 2 %, worst 3.5 %" if limit == 1.0 else "mean 1.5 %"
        yield f"   all: {limit:g} s own gap mean {np.mean(gaps):.2%}, worst {max(gaps):.2%} (limits: {goal})"


def packing_rows(is_quick: bool) -> Iterator[str]:
    """Mean instances over the bound, by number of items: the best classic heuristic and the solver, over all classes."""
    for dimensions in (3,) if is_quick else (3, 5):
        for n_items in ITEMS[:2] if is_quick else ITEMS:
            rows = []
            for kind in CLASSES:
                for seed in range(1 if is_quick else 2):
                    problem = generated_packing(kind, n_items, dimensions, seed)
                    classic = min(len(placed) for _, placed in classic_packings(problem, 0))
                    solved = checked(problem, limited(2.0))
                    rows.append([classic, solved.usd_per_hour, solved.lower_bound_usd_per_hour])
            classic, ours, bound = np.array(rows, dtype=np.float64).T
            proven = float(np.mean(ours <= bound + 1e-9))
            yield (
                f"{dimensions} dimensions, {n_items:>3} items: best classic {np.mean(classic / bound - 1):+.2%}, "
                f"ours in 2 s {np.mean(ours / bound - 1):+.2%}, proven optimal {proven:.0%}, "
                f"fewer in {int((ours < classic).sum())} of {len(rows)}, more in {int((ours > classic).sum())}"
            )


def checked(problem: FleetProblem, effort: Effort) -> SolvedFleet:
    """A solved fleet that holds the tasks."""
    solved = cheapest_fleet(problem, effort)
    assert solved.fleet.faults(problem) == ()
    return solved


def alone_usd(problem: FleetProblem) -> float:
    """Every service on the type that is cheapest for it alone."""
    per = np.where(problem.fits[..., np.newaxis], problem.capacity[:, np.newaxis] // np.maximum(problem.tasks, 1), 0).min(
        axis=2
    )
    needed = np.where(per > 0, -(-problem.counts // np.maximum(per, 1)), np.inf)
    usd = np.maximum(needed, problem.least) * problem.usd_per_hour[:, np.newaxis]
    return float(usd.min(axis=0).sum())


def main() -> None:
    """Print both tables."""
    is_quick = "--quick" in sys.argv
    print("Cheapest mixed fleet, 50 services x 300 types; cost over the best proven bound; CPU seconds")
    for row in fleet_rows(is_quick):
        print(row, flush=True)
    print("Vector packing into equal instances, Panigrahy's classes")
    for row in packing_rows(is_quick):
        print(row, flush=True)
    if importlib.util.find_spec("ortools") is None:
        print("CP-SAT: skipped, ortools is not installed (and never shares a process with HiGHS)")


if __name__ == "__main__":
    main()
