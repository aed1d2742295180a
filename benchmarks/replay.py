"""The placement replay against the plain-Python simulator of the tests, with equal results."""

import resource
from collections.abc import Iterator
from typing import Any

import numpy as np

from advisor.ecs import PlacementStrategy
from advisor.simulate.replay import ClusterRules, Replay, ReplayedCluster, ReplayedService, ScalingRules, replay_cluster
from benchmarks.measure import Row, once_s
from tests.oracle import ecs_cluster

STEP_S = 60
STEPS_PER_DAY = 1_440
DAYS = 30
SERVICES = 40
CAPACITY = (8192, 31_000, 60)
GOAL_S = 120.0
FINALISTS = 3
LOOP_STEPS = 360
"""Steps that the plain simulator is given: it is timed on these, and the engine on the same ones."""


def replay_rows(is_quick: bool) -> Iterator[Row]:
    """A month at one-minute steps, 40 services on shared instances: as a whole, and a part of it against plain Python."""
    days = 3 if is_quick else DAYS
    given = _services(days * STEPS_PER_DAY)
    results: list[Replay] = []
    ours = once_s(lambda: results.append(_replay(given)))
    yield Row(
        name=f"placement replay, {days} days by the minute, {SERVICES} services",
        ours_s=ours,
        other=f"goal {GOAL_S:g} s / {FINALISTS} finalists / {DAYS} days",
        other_s=GOAL_S / FINALISTS * days / DAYS,
        goal=f">= 1; {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB",
    )
    few = [each | {"load": each["load"][:LOOP_STEPS]} for each in given]
    expected: list[list[dict[str, Any]]] = []
    plain = once_s(lambda: expected.append(ecs_cluster.replay(few, _cluster(), STEP_S)))
    fast = once_s(lambda: results.append(_replay(few)))
    found = results[-1]
    for name in ("running", "placed", "waiting", "instances"):
        assert found.over_time(getattr(found, name)).T.tolist() == [step[name] for step in expected[0]], name
    yield Row(
        name=f"placement replay, {LOOP_STEPS} minutes, {SERVICES} services",
        ours_s=fast,
        other="plain Python, task by task",
        other_s=plain,
        goal=">= 20",
    )


def _services(n_steps: int) -> list[dict[str, Any]]:
    """Daily waves with noise that changes each minute, 1 to some 60 tasks a service."""
    random = np.random.default_rng(4)
    minutes = np.arange(n_steps)
    found = []
    for number in range(SERVICES):
        level, phase = random.uniform(3, 25), random.uniform(0, 2 * np.pi)
        wave = level * (1.2 + np.sin(minutes / STEPS_PER_DAY * 2 * np.pi + phase)) * random.normal(1, 0.05, n_steps)
        found.append(
            {
                "name": f"service-{number}",
                "task": (int(random.choice([256, 512, 1024])), int(random.choice([512, 1024, 2048])), 1),
                "start_s": 60,
                "min": 2,
                "max": None,
                "load": np.maximum(wave, 0.1).tolist(),
                "saturates_at": 1 / 0.6,
                "is_counts": False,
                "policy": {
                    "out_points": 3, "in_points": 15, "low_fraction": 0.9, "out_cooldown_s": 300, "in_cooldown_s": 300,
                    "scale_in_step": "formula", "is_scale_in_disabled": False,
                },
            }
        )  # fmt: skip
    return found


def _cluster() -> dict[str, Any]:
    rules = ClusterRules()
    return {
        "capacity": CAPACITY,
        "zones": 3,
        "placement": ecs_cluster.SPREAD_THEN_BINPACK,
        "group": {name: getattr(rules, name) for name in ClusterRules.__slots__},
    }


def _replay(given: list[dict[str, Any]]) -> Replay:
    services = [
        ReplayedService(
            name=each["name"],
            reservation=np.array(each["task"]),
            start_s=each["start_s"],
            min_tasks=each["min"],
            max_tasks=each["max"],
            load=np.array(each["load"]),
            saturates_at=each["saturates_at"],
            scaling=ScalingRules(),
        )
        for each in given
    ]
    cluster = ReplayedCluster(capacity=np.array(CAPACITY), zones=3, placement=PlacementStrategy.SPREAD_THEN_BINPACK)
    return replay_cluster(services, cluster, step_s=STEP_S)
