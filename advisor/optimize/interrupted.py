"""What one interruption leaves unmet, measured by interrupting a replay."""

from typing import Final

import numpy as np

from advisor.ecs import LaunchType
from advisor.optimize.parts import Part
from advisor.optimize.replayed import (
    DEFAULT_REPLAY_WEEKS,
    in_replay_order,
    last_weeks,
    replay_inputs,
    replay_step_s,
    replayed_service,
)
from advisor.optimize.search import Search
from advisor.simulate.replay import Interruption, Replay, ReplayedCluster, ReplayedService, SpotRules, replay_cluster
from advisor.units import IntArray
from advisor.workload import Workload

INTERRUPTIONS: Final = 24
"""Spread evenly over the replayed weeks and, one after the other, over the instances."""


def unmet_task_minutes(part: Part, workload: Workload, search: Search, *, weeks: int = DEFAULT_REPLAY_WEEKS) -> float | None:
    """Task-minutes that one interruption leaves unmet, in the mean of some; there is Spot capacity for the replacement.

    An instance of EC2 Spot, or a task of Fargate Spot. The part is replayed twice on the last weeks, with interruptions and
    without: the difference is what they cost in service. None where nothing ran to be interrupted.
    """
    recent, at = last_weeks(workload, search, weeks)
    services, cluster, step_s = _inputs(part, recent, at)
    quiet = replay_cluster(services, cluster, step_s=step_s)
    there = quiet.over_time(quiet.running.sum(axis=0) if cluster is None else quiet.instances)
    hits = _spread(there)
    if not hits:
        return None
    hit = replay_cluster(services, cluster, step_s=step_s, spot=SpotRules(interruptions=hits))
    return max(0, _unmet(hit) - _unmet(quiet)) * step_s / 60 / len(hits)


def _inputs(part: Part, recent: Workload, at: Search) -> tuple[list[ReplayedService], ReplayedCluster | None, int]:
    if part.provider.launch_type is not LaunchType.FARGATE:
        return replay_inputs(part, recent, at)
    step_s = replay_step_s(recent, at)
    return (
        [replayed_service(run, metric, part.provider.launch_type, recent, step_s) for run, metric in in_replay_order(part)],
        None,
        step_s,
    )


def _spread(there: IntArray) -> tuple[Interruption, ...]:
    """Interruptions at moments at which something runs, (steps,) what does."""
    steps = there.size * np.arange(1, INTERRUPTIONS + 1) // (INTERRUPTIONS + 1)
    at = [(int(step), int(there[step])) for step in steps if there[step] > 0]
    return tuple(Interruption(step=step, place=number % n) for number, (step, n) in enumerate(at))


def _unmet(replay: Replay) -> int:
    return int(replay.over_time(replay.unmet.sum(axis=0)).sum())
