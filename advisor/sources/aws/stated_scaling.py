"""How the count of a service is set, as far as a workload file can say it; what cannot be said is fixed or taken as it ran.

Nothing here lets a service scale by a rule that it does not have: two launch types are only comparable under the same count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from advisor.bounds import why_bounds_clash
from advisor.sources.aws.findings import FoundService
from advisor.sources.aws.session import Skipped
from advisor.workload import Scaling

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
    schedule = _schedule(found)
    bounds_over_time = {**bounds, **schedule.entry}
    targets = [(policy.target_cpu_percent, policy) for policy in found.policies if policy.target_cpu_percent is not None]
    steps = _steps(found, schedule, has_target=bool(targets))
    if targets and bounds_over_time:
        # It scales out as soon as one policy says so.
        target, tracked = min(targets, key=lambda each: each[0])
        stated = [policy for policy in found.policies if policy.target_cpu_percent is not None or (steps and policy.step_entry)]
        others = [policy.description for policy in found.policies if policy not in stated]
        others += schedule.untold
        only = "its CPU policy and what else is stated here are" if schedule.entry or steps else "its CPU policy is"
        return StatedScaling(
            scaling={**bounds, "target_cpu": _plain(target), **tracked.cooldowns, **steps, **schedule.entry},
            remark=f"only {only} part of the comparison, not {'; '.join(others)}" if others else None,
        )
    if "DescribeScalingPolicies" in refused and bounds:
        return StatedScaling(
            scaling=bounds,
            remark="its scaling policies could not be read: a target of 60 % CPU is assumed. Give scaling.target_cpu, or min "
            "and max of the same number to fix the count",
        )
    is_all = all(policy.step_entry is not None for policy in found.policies)
    has_cpu = found.load is not None and any(name in found.load.columns for name in _CPU_COLUMNS)
    if steps and is_all and has_cpu and not schedule.untold:
        return StatedScaling(scaling={**bounds, **steps, **schedule.entry})
    return _of_another_metric(found, bounds, schedule)


def _steps(found: FoundService, schedule: "_Schedule", *, has_target: bool) -> Mapping[str, Any]:
    """Step policies that a workload file can state, as an entry of ``scaling``; empty where it takes none of them."""
    from pydantic import ValidationError

    from advisor.sources.scaling_models import ScalingEntry

    entries = [dict(policy.step_entry) for policy in found.policies if policy.step_entry is not None]
    is_moved = found.target is not None and (found.target.min_tasks < found.target.max_tasks or schedule.entry)
    if not entries or not is_moved:
        return {}
    entry = {"step_scaling": entries}
    try:
        ScalingEntry.model_validate({**entry, **({"target_cpu": 60.0} if has_target else {})})
    except ValidationError:  # policies that only remove tasks, or a number beyond what a file takes
        return {}
    return entry


@dataclass(frozen=True, slots=True, kw_only=True)
class _Schedule:
    """Scheduled actions of a service, as far as a workload file can say them: all or none, as each moves what others left."""

    entry: Mapping[str, Any] = field(default_factory=dict)
    untold: Sequence[str] = ()
    """Each that is left out, with the reason."""
    is_all: bool = False
    """The actions alone set the count: each to one number."""


def _schedule(found: FoundService) -> _Schedule:
    from pydantic import ValidationError

    from advisor.sources.scaling_models import ScalingEntry

    if not found.scheduled or found.target is None:
        return _Schedule()
    why = "scheduled scaling is suspended" if found.target.is_schedule_suspended else None
    if any(action.has_span for action in found.scheduled):
        why = why or "one begins or ends on a date"
    entries = [dict(action.entry) for action in found.scheduled]
    try:
        actions = ScalingEntry.model_validate({"scheduled_actions": entries}).actions()
    except ValidationError as error:
        actions, why = (), why or error.errors()[0]["msg"]
    bounds = Scaling(min_tasks=found.target.min_tasks, max_tasks=found.target.max_tasks, scheduled_actions=actions)
    why = why or why_bounds_clash(bounds)
    if why is not None:
        return _Schedule(untold=[f"schedule {action.description} ({why})" for action in found.scheduled])
    return _Schedule(
        entry={"scheduled_actions": entries},
        is_all=not found.policies and all(each.min_tasks == each.max_tasks for each in actions),
    )


def _of_another_metric(found: FoundService, bounds: Mapping[str, int], schedule: _Schedule) -> StatedScaling:
    """No policy follows CPU."""
    if schedule.is_all:
        return StatedScaling(
            scaling={**bounds, **schedule.entry}, remark="only scheduled actions set its count, each to one number"
        )
    ways = [policy.description for policy in found.policies]
    ways += schedule.untold or [f"schedule {action.description}" for action in found.scheduled]
    if not ways:
        return _fixed(found, "its count has bounds, but no scaling policy sets it")
    columns = found.load.columns if found.load else ()
    rates = [policy.requests_per_minute for policy in found.policies if policy.requests_per_minute is not None]
    is_all_of_one_group = len(found.service.target_groups) == 1 and not found.service.is_traffic_moved
    is_one = len(rates) == len(found.policies) == 1 and not schedule.untold
    if is_one and (bounds or schedule.entry) and "requests" in columns and is_all_of_one_group:
        return StatedScaling(
            scaling={**bounds, **found.policies[0].cooldowns, **schedule.entry},
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
