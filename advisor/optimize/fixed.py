"""A plan that is already chosen, on another load: what the choice would have cost there."""

from collections.abc import Sequence
from dataclasses import replace

from advisor.ecs import LaunchType
from advisor.optimize.parts import Part, ReplayFacts, fargate_part, times_instances
from advisor.optimize.search import Search, part_on_provider
from advisor.simulate.scaling import RunCase, RunningTasks, running_tasks_of
from advisor.workload import Workload


def on_load(
    parts: Sequence[Part], workload: Workload, search: Search, *, load_factor: float = 1.0, has_whole_counts: bool = True
) -> tuple[Part, ...]:
    """The same services, sizes, launch types and instance types on another load.

    Parameters
    ----------
    parts
        Of one choice.
    workload
        Holds the new load of every service of the parts, in the service's own form.
    search
        With the time axis of the new load.
    load_factor
        Multiplies what was measured; beside it what is stated stays as it is stated.
    has_whole_counts
        Counts of tasks that are whole stay whole, on Fargate as on instances; otherwise Fargate bills fractions of a task.
    """
    all_runs = [run for part in parts for run in part.runs]
    runs = iter(rerun(all_runs, workload, search, load_factor=load_factor, has_whole_counts=has_whole_counts))
    return tuple(with_runs(part, [next(runs) for _ in part.runs], search) for part in parts)


def with_runs(part: Part, runs: Sequence[RunningTasks], search: Search) -> Part:
    """The services of a part, in order, with other counts of tasks."""
    if part.provider.launch_type is LaunchType.FARGATE:
        ((run, plan),) = zip(runs, part.services.values(), strict=True)
        result = fargate_part(
            run,
            plan.architecture,
            plan.purchase_option,
            search.axis,
            zones=part.provider.zones,
            on_demand_base=part.on_demand_base,
        )
    else:
        result = part_on_provider(search, runs, part.provider)
    return with_replay(result, part.replay, search) if part.replay else result


def with_replay(part: Part, facts: ReplayFacts, search: Search) -> Part:
    """The part with the instances or task-hours that a replay found it to use."""
    use = part.on_instances
    return replace(
        part,
        quantity_per_hour=times_instances(part, facts.factor, search.candidates, step_hours=search.axis.step_hours),
        on_instances=None
        if use is None
        else replace(use, running=use.running * facts.factor, reserved=use.reserved * facts.task_factor),
        replay=facts,
    )


def rerun(
    runs: Sequence[RunningTasks],
    workload: Workload,
    search: Search,
    *,
    load_factor: float = 1.0,
    has_whole_counts: bool = True,
) -> list[RunningTasks]:
    """The same services in the same sizes on another load; see :func:`on_load`."""
    return running_tasks_of([_case(run, workload, load_factor, has_whole_counts) for run in runs], search.axis)


def kept_as_stated(workload: Workload) -> tuple[str, ...]:
    """Services whose load no factor multiplies: those stated beside measured ones, such as a fixed count of workers."""
    stated = tuple(service.name for service in workload.services if service.is_stated)
    return stated if len(stated) < len(workload.services) else ()


def _case(run: RunningTasks, workload: Workload, load_factor: float, has_whole_counts: bool) -> RunCase:
    row = workload.index(run.service.name)
    factor = 1.0 if run.service.name in kept_as_stated(workload) else load_factor
    has_runs = run.fargate_tasks is not None and workload.fargate_tasks is not None
    demand, billed = workload.row_times(row, factor, has_whole_counts=has_whole_counts)
    return RunCase(
        service=run.service,
        demand=demand,
        size=run.size,
        is_count_kept=run.is_count_kept,
        fargate_tasks=billed if has_runs else None,
    )
