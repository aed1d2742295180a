"""The fleet solver, commitments, and what others would be used for them, each of those in a process of its own."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator

import numpy as np

from advisor.optimize.commitments import CommitmentCurve
from advisor.optimize.fleet import cheapest_fleet
from benchmarks.measure import ROOT, Row, Skipped, median_s, once_s, python
from benchmarks.mixed_fleet import generated_fleet, limited

SECONDS = 2.0
HOURS = 8_760
BUCKETS = 40
GRID = 400


def solver_rows(is_quick: bool) -> Iterator[Row | Skipped]:
    """50 services on 300 types, some 650 tasks: dollars, not seconds. OR-tools cannot share a process with HiGHS."""
    problem = generated_fleet(1, 10.0)
    found = cheapest_fleet(problem, limited(SECONDS))
    name = f"mixed fleet, {int(problem.counts.sum())} tasks, {SECONDS:g} s: proven within {found.gap_fraction:.1%}"
    if importlib.util.find_spec("ortools") is None:
        yield Skipped(name=name, why="OR-tools is not installed: pip install ortools, and run again")
        return
    done = subprocess.run(python("-m", "benchmarks.solvers", "cp-sat"), check=True, capture_output=True, text=True, cwd=ROOT)
    theirs = json.loads(done.stdout.splitlines()[-1])["usd"]
    yield Row(
        name=name, ours_s=found.usd_per_hour, other="CP-SAT, 10 s", other_s=theirs, goal="> 1 (dollars an hour)", unit="USD"
    )


def commitment_rows(is_quick: bool) -> Iterator[Row]:
    """One Savings Plan over a year of hours and 40 kinds of usage: exactly, against a grid, and against sorting all ends."""
    random = np.random.default_rng(7)
    spend = random.gamma(2.0, 1.0, (BUCKETS, HOURS)) * (1 + 0.5 * np.sin(np.arange(HOURS) / 24 * 2 * np.pi))
    ratio = np.sort(random.uniform(1.1, 2.0, BUCKETS))[::-1]
    curve = CommitmentCurve(ends_usd=np.cumsum(spend, axis=0), ratio=ratio, hours=np.ones(HOURS))
    ours = median_s(curve.best_usd_per_hour, runs=3)
    most = float(curve.ends_usd[-1].max())
    few = np.linspace(0, most, GRID)[:: 40 if is_quick else 10]

    def cost(level: float) -> float:
        return level * HOURS - curve.covered_on_demand_usd(level)

    best = curve.best_usd_per_hour()
    grid = once_s(lambda: [cost(level) for level in few]) * GRID / len(few)
    assert all(cost(best) <= cost(level) + 1e-6 * abs(cost(level)) for level in few)
    name = f"cheapest Savings Plan, {BUCKETS} usages x {HOURS:,} h, exact"
    yield Row(name=name, ours_s=ours, other=f"grid of {GRID} sizes, not exact", other_s=grid, goal=">= 1, <= 50 ms")
    sort = median_s(lambda: np.sort(curve.ends_usd, axis=None), runs=3)
    yield Row(name=name, ours_s=ours, other="np.sort of all ends", other_s=sort, goal="(limit of sorting)")


def _cp_sat() -> float:
    """Tasks assigned to instances of typed places, 10 seconds on two workers: the usual model, in dollars an hour."""
    from ortools.sat.python import cp_model

    problem = generated_fleet(1, 10.0)
    model = cp_model.CpModel()
    scaled = np.round(problem.usd_per_hour * 1e6).astype(int)
    order = np.argsort(scaled / problem.capacity[:, 0])[:12]
    n_places = 12
    cost = []
    assigned: dict[int, list[object]] = {service: [] for service in range(len(problem.counts))}
    for at in order.tolist():
        for place in range(n_places):
            used = model.new_bool_var(f"used {at} {place}")
            numbers = []
            for service, count in enumerate(problem.counts.tolist()):
                number = model.new_int_var(0, int(count), f"{service} {at} {place}")
                assigned[service].append(number)
                numbers.append(number)
            for dimension in range(problem.tasks.shape[1]):
                needs = problem.tasks[:, dimension].tolist()
                room = int(problem.capacity[at, dimension])
                model.add(sum(n * need for n, need in zip(numbers, needs, strict=True)) <= room * used)
            cost.append(used * int(scaled[at]))
    for service, count in enumerate(problem.counts.tolist()):
        model.add(sum(assigned[service]) == int(count))
    model.minimize(sum(cost))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = 10
    solver.parameters.num_workers = 2
    status = solver.solve(model)
    return solver.objective_value / 1e6 if status in (cp_model.OPTIMAL, cp_model.FEASIBLE) else float("nan")


if __name__ == "__main__" and sys.argv[1:] == ["cp-sat"]:
    print(json.dumps({"usd": _cp_sat()}))
