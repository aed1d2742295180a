"""The replays against the plain-Python simulators of the tests, and that of counts against simpy too, with equal results."""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from advisor.ecs import PlacementStrategy
from advisor.simulate.replay import (
    ClusterRules,
    CountedCells,
    CountedCluster,
    Replay,
    ReplayedCluster,
    ReplayedService,
    ScalingRules,
    replay_cluster,
    replay_counts,
)
from benchmarks.measure import Row, Skipped, once_s
from tests.oracle import counts, ecs_cluster

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
        other=f"{GOAL_S:g} s / {FINALISTS} plans / {DAYS} days",
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


COUNT_STEPS = 240
REPLICAS, CANDIDATES = 128, 128
PLAIN_CELLS = 60
START_S = 60
RUNS = 10
PASSES = 23.5
"""Over all cells in a step on Fargate, in numbers of single precision: 20, and 14 of bytes, which are a quarter each."""


def counts_rows(is_quick: bool) -> Iterator[Row | Skipped]:
    """16,384 cells, 4 hours by the minute, in processor time per cell and step: others run some of the same cells.

    Each time is the best of some runs. Ours keeps the series that are named, in memory that the process has used before.
    """
    load, targets = _cells()
    some = [(at % REPLICAS, at % CANDIDATES) for at in range(PLAIN_CELLS)]
    on_instances = CountedCluster(places=np.arange(CANDIDATES) % 12 + 2, zones=2)
    for on, cluster, also in (("Fargate (placed)", None, []), ("instances (placed, instances)", on_instances, ["instances"])):
        cells = CountedCells(
            load=load, min_tasks=np.array([2]), max_tasks=np.array([np.inf]), saturates_at=5 / 3 * targets, start_s=START_S,
            **({} if cluster is None else {"cluster": cluster}),
        )  # fmt: skip
        replayed = partial(replay_counts, cells, step_s=STEP_S, also=also)
        kept: list[Any] = []
        fresh = statistics.median(_cpu_s(lambda run=replayed, to=kept: to.append(run())) for _ in range(RUNS))
        found = kept[0]
        kept.clear()
        expected = [_plain(load, targets, *at, cluster) for at in some]
        for (replica, candidate), steps in zip(some, expected, strict=True):
            assert found.placed[:, replica, candidate].tolist() == [step[0] for step in steps]
            assert not also or found.instances[:, replica, candidate].tolist() == [step[3] for step in steps]
        runs = {
            "ours": partial(_cpu_s, replayed),
            "plain": partial(_cpu_s, lambda on=cluster: [_plain(load, targets, *at, on) for at in some]),
        }
        if cluster is None:
            runs["sums"] = _sums_s
        if cluster is None and find_spec("simpy"):
            runs["simpy"] = partial(_simpy_s, load, some[0], int(found.placed[-1][some[0]]))
        best = _best_in_turns(runs)
        label, n = f"counts replay, {REPLICAS * CANDIDATES:,} cells on {on}, per cell and step", COUNT_STEPS * load[0].size
        row = partial(Row, name=label, ours_s=best["ours"] / n)
        yield row(other="plain Python, a cell at a time", other_s=best["plain"] / COUNT_STEPS / len(some), goal=">= 200")
        yield row(other="the same into fresh memory", other_s=fresh / n, goal="(paging)")
        if cluster is not None:
            continue
        yield row(other=f"{PASSES} sums of cached float32", other_s=PASSES * best["sums"], goal=">= 0.6")
        if "simpy" in best:
            yield row(other="simpy, in its own process", other_s=best["simpy"] / COUNT_STEPS, goal=">= 500")
        else:
            yield Skipped(name=label, why="simpy is not installed: pip install simpy, and run again")


def _best_in_turns(runs: Mapping[str, Callable[[], float]]) -> dict[str, float]:
    """The least seconds of each, run in turns so that a busy moment meets all of them."""
    turns = [[run() for run in runs.values()] for _ in range(RUNS)]
    return dict(zip(runs, map(min, zip(*turns, strict=True)), strict=True))


def _simpy_s(load: Any, cell: tuple[int, int], placed: int) -> float:
    """Processor time of one cell, which is the fastest: more of them take longer each."""
    given = {
        "loads": [load[:, *cell].astype(float).tolist()], "least": 2, "saturates_at": float(5 / 3 * _targets()[cell[1]]),
        "start_steps": START_S // STEP_S,
    }  # fmt: skip
    command = [sys.executable, str(Path(__file__).with_name("simpy_counts.py"))]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert answer["placed"] == [placed]
    return float(answer["seconds"])


def _targets() -> Any:
    return np.linspace(0.8, 1.2, CANDIDATES).astype(np.float32)


def _cells() -> tuple[Any, Any]:
    """Waves with noise that changes each minute, (steps, replicas, candidates), under candidates' targets."""
    random = np.random.default_rng(1)
    minutes = np.arange(COUNT_STEPS)[:, np.newaxis]
    wave = 20 * (1.2 + np.sin(minutes / 60 + random.uniform(0, 6, REPLICAS)))
    load = (wave * random.normal(1, 0.05, wave.shape)).astype(np.float32)
    return np.ascontiguousarray(load[:, :, np.newaxis] * _targets()), _targets()


def _plain(load: Any, targets: Any, replica: int, candidate: int, cluster: CountedCluster | None) -> Any:
    policy, group = ScalingRules(), ClusterRules()
    service = {
        "min": 2, "max": None, "saturates_at": float(5 / 3 * targets[candidate]), "start_s": START_S,
        "policy": {name: getattr(policy, name) for name in ScalingRules.__slots__},
    }  # fmt: skip
    places = None if cluster is None else int(cluster.places[candidate])
    rules = {name: getattr(group, name) for name in ClusterRules.__slots__}
    return counts.replay(load[:, replica, candidate].astype(float).tolist(), service, places, 2, rules, STEP_S)


def _sums_s() -> float:
    """Processor time of a sum of two numbers, of as many cells as are replayed, all in the cache."""
    cells = np.zeros(REPLICAS * CANDIDATES, dtype=np.float32)
    out, n_sums = np.empty_like(cells), 1_000
    return _cpu_s(lambda: [np.add(cells, cells, out=out) for _ in range(n_sums)]) / n_sums / cells.size


def _cpu_s(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


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
