"""Services and clusters for replays in few words, and what a replay found step by step."""

import numpy as np

from advisor.ecs import PlacementStrategy
from advisor.simulate.replay import ClusterRules, ReplayedCluster, ReplayedService, ScalingRules, replay_cluster

MINUTE = 60


def service(load, *, task=(256, 512), start_s=0, least=0, most=None, saturates_at=None, is_counts=False, rules=None, **scaling):
    return ReplayedService(
        name="s",
        reservation=np.array([*task, 1]),
        start_s=start_s,
        min_tasks=least,
        max_tasks=most,
        load=np.array(load, dtype=float),
        saturates_at=saturates_at,
        is_counts=is_counts,
        scaling=rules or ScalingRules(**scaling),
    )


def counts(load, **more):
    return service(load, is_counts=True, **more)


def cluster(offered=(2048, 7600, 8), *, zones=1, placement=PlacementStrategy.BINPACK, **rules):
    return ReplayedCluster(capacity=np.array(offered), zones=zones, placement=placement, rules=ClusterRules(**rules))


def over_time(services, on=None, step_s=MINUTE):
    """Series by step: of services (services, steps), of instances (steps,), reserved (3, steps)."""
    run = replay_cluster(services, on, step_s=step_s)
    names = ("running", "placed", "draining", "waiting", "deploying", "desired", "instances", "active", "reserved")
    return {name: run.over_time(getattr(run, name)) for name in names}
