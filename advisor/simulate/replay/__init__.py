"""The cluster as ECS runs it: service auto scaling, placement and managed scaling, step by step."""

from advisor.simulate.replay.cluster import Replay, replay_cluster
from advisor.simulate.replay.counted_policies import counts_by_policies
from advisor.simulate.replay.counts import (
    CountArray,
    CountedCells,
    CountedCluster,
    CountedReplay,
    counts_over_time,
    replay_counts,
)
from advisor.simulate.replay.interruptions import draw_interruptions
from advisor.simulate.replay.rules import (
    HIGH_RESOLUTION_OUT_POINTS,
    ClusterRules,
    Interruption,
    LaunchRate,
    LostZone,
    ManagedRules,
    ReplayedCluster,
    ReplayedService,
    RollingDeployments,
    ScaleInStep,
    ScalingRules,
    ScheduledBounds,
    SpotRules,
    StepScaling,
    TaskFailures,
    TrackedMetric,
    whole_steps,
)

__all__ = [
    "HIGH_RESOLUTION_OUT_POINTS",
    "ClusterRules",
    "CountArray",
    "CountedCells",
    "CountedCluster",
    "CountedReplay",
    "Interruption",
    "LaunchRate",
    "LostZone",
    "ManagedRules",
    "Replay",
    "ReplayedCluster",
    "ReplayedService",
    "RollingDeployments",
    "ScaleInStep",
    "ScalingRules",
    "ScheduledBounds",
    "SpotRules",
    "StepScaling",
    "TaskFailures",
    "TrackedMetric",
    "counts_by_policies",
    "counts_over_time",
    "draw_interruptions",
    "replay_cluster",
    "replay_counts",
    "whole_steps",
]
