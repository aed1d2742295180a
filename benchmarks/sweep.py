"""The dedicated sweep and packing, against plain loops with equal results."""

from collections.abc import Iterator

import numpy as np

from advisor.ecs import LaunchType
from advisor.optimize.candidates import candidates
from advisor.simulate.instances import dedicated_instance_hours
from advisor.simulate.packing import first_fit_decreasing, volume_bound
from advisor.sources import read_catalog
from advisor.workload import Constraints
from benchmarks.measure import Row, median_s, once_s

ZONES = 2


def sweep_rows(is_quick: bool) -> Iterator[Row]:
    """One service alone, every instance type of us-east-1 at once."""
    types = candidates(read_catalog("us-east-1"), "us-east-1", Constraints())
    per_instance = np.maximum((types.capacity[LaunchType.EC2] // np.array([512, 1024, 1])).min(axis=1), 1)
    for n_steps, name in ((8_760, "a year by the hour"), (525_600, "a year by the minute")):
        tasks = _load(n_steps)
        hours = np.full(n_steps, 730 / n_steps)
        ours = median_s(lambda tasks=tasks, hours=hours: dedicated_instance_hours(tasks, hours, per_instance, ZONES))
        sample = 1 if n_steps == 8_760 else (60 if is_quick else 20)
        loop = (
            once_s(lambda tasks=tasks, hours=hours, sample=sample: _loop(tasks[::sample], hours[::sample], per_instance))
            * sample
        )
        if sample == 1:
            expected = np.array(_loop(tasks, hours, per_instance))
            np.testing.assert_allclose(dedicated_instance_hours(tasks, hours, per_instance, ZONES), expected, rtol=1e-9)
        cells = f"{n_steps:,} x {per_instance.size}"
        yield Row(
            name=f"dedicated sweep, {name}, {cells}", ours_s=ours, other="plain Python loop", other_s=loop, goal=">= 1,000"
        )
        counts = tasks.astype(np.int64)
        limit = median_s(lambda counts=counts: np.bincount(counts))
        yield Row(
            name=f"dedicated sweep, {name}", ours_s=ours, other="np.bincount of the series", other_s=limit, goal="1 / 1.5"
        )


def packing_rows(is_quick: bool) -> Iterator[Row]:
    """Several services on one cluster."""
    random = np.random.default_rng(1)
    capacity = np.array([8192, 31_000, 60], dtype=np.int64)
    for n_services in (5, 20) if is_quick else (5, 20, 50):
        sizes = np.stack([random.choice([256, 512, 1024], n_services), random.choice([512, 1024, 2048, 4096], n_services)])
        tasks = np.vstack([sizes, np.ones(n_services, dtype=np.int64)]).T.astype(np.int64)
        counts = random.integers(0, 12, (4096, n_services))
        ours = median_s(lambda c=counts, t=tasks: first_fit_decreasing(c, t, capacity), runs=3)
        few = counts[:: 64 if n_services < 50 else 256]
        plain = once_s(lambda f=few, t=tasks: [_first_fit(row, t, capacity) for row in f]) * len(counts) / len(few)
        assert [_first_fit(row, tasks, capacity) for row in few] == first_fit_decreasing(few, tasks, capacity).tolist()
        yield Row(
            name=f"first-fit decreasing, {n_services} services, 4,096 states",
            ours_s=ours,
            other="task by task in Python",
            other_s=plain,
            goal=">= 15",
        )
    types = candidates(read_catalog("us-east-1"), "us-east-1", Constraints())
    distinct = np.unique(types.capacity[LaunchType.EC2], axis=0)
    wide = random.integers(0, 12, (8_760, n_services))
    ours = median_s(lambda: volume_bound(wide, tasks, distinct), runs=3)
    whole = median_s(lambda: -(-(wide @ tasks)[np.newaxis] // distinct[:, np.newaxis]).max(axis=-1), runs=3)
    yield Row(
        name=f"volume bound, 8,760 states x {len(distinct)} shapes",
        ours_s=ours,
        other="int64 product and division",
        other_s=whole,
        goal=">= 4",
    )


def _load(n_steps: int) -> np.ndarray:
    """Daily and weekly waves with noise, 2 to some 400 tasks."""
    hours = np.arange(n_steps) * 8_760 / n_steps
    random = np.random.default_rng(0)
    wave = 180 + 140 * np.sin(hours / 24 * 2 * np.pi) + 40 * np.sin(hours / 168 * 2 * np.pi) + random.normal(0, 10, n_steps)
    return np.maximum(np.round(wave), 2.0)


def _loop(tasks: np.ndarray, hours: np.ndarray, per_instance: np.ndarray) -> list[float]:
    counts, weights = [int(n) for n in tasks], hours.tolist()
    totals = []
    for fit in per_instance.tolist():
        total = 0.0
        for n, weight in zip(counts, weights, strict=True):
            total += weight * (max(-(-n // fit), ZONES) if n else 0)
        totals.append(total)
    return totals


def _first_fit(counts: np.ndarray, tasks: np.ndarray, capacity: np.ndarray) -> int:
    room: list[list[int]] = []
    order = sorted(range(len(tasks)), key=lambda s: (-max(tasks[s] / capacity), -tasks[s][0], -tasks[s][1]))
    for service in order:
        size = tasks[service].tolist()
        for _ in range(int(counts[service])):
            for free in room:
                if all(f >= s for f, s in zip(free, size, strict=True)):
                    break
            else:
                free = capacity.tolist()
                room.append(free)
            for dimension in range(3):
                free[dimension] -= size[dimension]
    return len(room)
