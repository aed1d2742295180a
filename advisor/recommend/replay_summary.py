"""What the replays of an alternative found together."""

from collections.abc import Sequence

import numpy as np

from advisor.ecs import LaunchType
from advisor.optimize.parts import Part
from advisor.recommend.result import ReplaySummary


def replay_summary(parts: Sequence[Part]) -> ReplaySummary | None:
    """What the replays of an alternative's parts found together; None unless all that can be were replayed."""
    facts = [part.replay for part in parts if part.replay is not None]
    if not facts or any(part.replay is None and part.on_instances is not None for part in parts):
        return None
    uses = [(part.on_instances.running, part.replay.factor) for part in parts if part.on_instances and part.replay]
    running = [float(np.nanmean(series)) for series, _ in uses]
    packed = [mean / factor for mean, (_, factor) in zip(running, uses, strict=True)]
    fargate = [
        (float(np.nanmean(part.quantity_per_hour[0])), part.replay.factor)
        for part in parts
        if part.replay and part.provider.launch_type is LaunchType.FARGATE
    ]
    modelled_vcpu = sum(vcpu / factor for vcpu, factor in fargate if factor)
    return ReplaySummary(
        weeks=min(each.weeks for each in facts),
        instances_over_packing=sum(running) / sum(packed) if sum(packed) else None,
        fargate_tasks_over_model=sum(vcpu for vcpu, _ in fargate) / modelled_vcpu if modelled_vcpu else None,
        waiting_task_hours=sum(each.waiting_task_hours for each in facts),
        hours_above_target=sum(each.hours_above_target for each in facts),
        hours_above_full=sum(each.hours_above_full for each in facts),
        instances_max=sum(each.instances_max for each in facts),
    )
