"""The cluster as ECS runs it: service auto scaling, placement and managed scaling, step by step."""

from advisor.simulate.replay.cluster import Replay, replay_cluster
from advisor.simulate.replay.rules import ClusterRules, ReplayedCluster, ReplayedService, ScaleInStep, ScalingRules

__all__ = ["ClusterRules", "Replay", "ReplayedCluster", "ReplayedService", "ScaleInStep", "ScalingRules", "replay_cluster"]
