"""How the count of a service is set, as far as a workload file can say it; what cannot be said is fixed or taken as it ran.

Nothing here lets a service scale by a rule that it does not have: two launch types are only comparable under the same count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from advisor.sources.aws.findings import FoundService
from advisor.sources.aws.session import Skipped

_CPU_COLUMNS: Final = ("cpu_units", "cpu_percent_average", "cpu_percent_maximum")
_SECONDS_PER_MINUTE: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedScaling:
    """What a workload file says of the count of a service."""

    scaling: Mapping[str, Any] = field(default_factory=dict)
    """The entry ``scaling``; empty where there is none."""
    load: Mapping[str, Any] = field(default_factory=dict)
    """What goes into the entry ``load`` beside the file."""
    remark: str | None = None
    """What is assumed, as a sentence without the name of the service."""


def stated_scaling(found: FoundService, skipped: Sequence[Skipped]) -> StatedScaling:
    """Bounds and the rule that the count follows: CPU, requests, the counts as they ran, or the count of today."""
    refused = {part.action.rpartition(":")[2] for part in skipped}
    if found.target is None:
        if found.no_data:
            return StatedScaling()  # a constant number of tasks is stated instead
        if "DescribeScalableTargets" in refused:
            return _fixed(found, "whether service auto scaling sets its count could not be read")
        return _fixed(found, "it has no service auto scaling")
    bounds = {"min": found.target.min_tasks, "max": found.target.max_tasks} if found.target.max_tasks else {}
    if found.no_data:
        return StatedScaling(scaling=bounds)
    targets = [policy.target_cpu_percent for policy in found.policies if policy.target_cpu_percent is not None]
    if targets and bounds:
        others = [policy.description for policy in found.policies if policy.target_cpu_percent is None]
        return StatedScaling(
            scaling={**bounds, "target_cpu": _plain(min(targets))},  # it scales out as soon as one policy says so
            remark=f"only its CPU policy is part of the comparison, not {'; '.join(others)}" if others else None,
        )
    if "DescribeScalingPolicies" in refused and bounds:
        return StatedScaling(
            scaling=bounds,
            remark="its scaling policies could not be read: a target of 60 % CPU is assumed. Give scaling.target_cpu, or min "
            "and max of the same number to fix the count",
        )
    return _of_another_metric(found, bounds)


def _of_another_metric(found: FoundService, bounds: Mapping[str, int]) -> StatedScaling:
    """No policy follows CPU."""
    ways = [policy.description for policy in found.policies] + [f"schedule {action}" for action in found.scheduled]
    if not ways:
        return _fixed(found, "its count has bounds, but no scaling policy sets it")
    columns = found.load.columns if found.load else ()
    rates = [policy.requests_per_minute for policy in found.policies if policy.requests_per_minute is not None]
    is_all_of_one_group = len(found.service.target_groups) == 1 and not found.service.is_traffic_moved
    if len(rates) == len(ways) == 1 and bounds and "requests" in columns and is_all_of_one_group:
        return StatedScaling(
            scaling=bounds,
            load={"requests_per_task": _plain(rates[0] / _SECONDS_PER_MINUTE)},
            remark=f"its count follows requests ({ways[0]}): requests_per_task is that target by the second",
        )
    said = "; ".join(ways)
    if "tasks" in columns:
        return StatedScaling(
            load={"columns": {name: "ignore" for name in columns if name in _CPU_COLUMNS}},
            remark=f"its count does not follow CPU ({said}), so its task counts are compared as they ran, and CPU is left out. "
            "To let it scale by CPU, remove load.columns and give scaling.target_cpu",
        )
    return _fixed(found, f"its count does not follow CPU ({said}), and no task count was measured")


def _fixed(found: FoundService, why: str) -> StatedScaling:
    n = found.n_tasks
    if not n:
        return StatedScaling(
            remark=f"{why}, and no task is wanted now: a target of 60 % CPU is assumed. Give scaling.min and max of the same "
            "number to fix the count"
        )
    seen = found.load.usual_tasks if found.load else None
    ran = (
        f". In the window {seen[0]:g} to {seen[1]:g} tasks ran, so that something else may set its count"
        if seen and (round(seen[0]), round(seen[1])) != (n, n)
        else ""
    )
    return StatedScaling(
        scaling={"min": n, "max": n},
        remark=f"{why}{ran}: `scaling: {{min: {n}, max: {n}}}` fixes the count of today, so that launch types are compared "
        f"under the same. To let it scale, give bounds and a target, as in `scaling: {{min: 1, max: {2 * n}, target_cpu: 60}}`",
    )


def _plain(number: float) -> int | float:
    return int(number) if number == int(number) else round(number, 6)
