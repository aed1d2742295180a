"""What the replays of an alternative found together."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from advisor.ecs import LaunchType
from advisor.optimize.parts import Part, times_instances
from advisor.optimize.pricing import price_parts
from advisor.optimize.search import Search
from advisor.recommend.result import ReplaySummary
from advisor.units import FloatArray


def replay_summary(parts: Sequence[Part], hours: FloatArray, search: Search) -> ReplaySummary | None:
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
    summary = ReplaySummary(
        weeks=min(each.weeks for each in facts),
        instances_over_packing=sum(running) / sum(packed) if sum(packed) else None,
        fargate_tasks_over_model=sum(vcpu for vcpu, _ in fargate) / modelled_vcpu if modelled_vcpu else None,
        waiting_task_hours=sum(each.waiting_task_hours for each in facts),
        hours_above_target=sum(each.hours_above_target for each in facts),
        hours_above_full=sum(each.hours_above_full for each in facts),
        instances_max=sum(each.instances_max for each in facts),
    )
    return _with_deployments(summary, parts, hours, search)


def _with_deployments(summary: ReplaySummary, parts: Sequence[Part], hours: FloatArray, search: Search) -> ReplaySummary:
    rolled = [(part, part.replay.deployments) for part in parts if part.replay and part.replay.deployments]
    if not rolled:
        return summary
    more_usd = [_usd(part, 1.0, hours, search) - _usd(part, 1 / facts.factor, hours, search) for part, facts in rolled]
    more = [facts.instances_max - facts.instances_max_without for part, facts in rolled if part.on_instances]
    return replace(
        summary,
        deployments_per_month=sum(facts.per_month for _, facts in rolled),
        deployments_monthly_usd=None if np.isnan(more_usd).any() else sum(more_usd),
        deployments_instances_max=sum(more) if more else None,
    )


def _usd(part: Part, factor: float, hours: FloatArray, search: Search) -> float:
    """A month of a part with ``factor`` times its hours; NaN without a price."""
    quantities = times_instances(part, factor, search.candidates, step_hours=search.axis.step_hours)
    monthly = price_parts([replace(part, quantity_per_hour=quantities)], hours, search.catalog, search.region).monthly_usd
    return float("nan") if monthly is None else monthly.mean
