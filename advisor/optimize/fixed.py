"""A plan that is already chosen, on another load: what the choice would have cost there."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from advisor.ecs import LaunchType
from advisor.optimize.parts import Part, ReplayFacts, fargate_part
from advisor.optimize.search import Search, part_on_provider
from advisor.simulate.scaling import RunningTasks, running_tasks
from advisor.units import FloatArray
from advisor.workload import Workload


def on_load(parts: Sequence[Part], workload: Workload, search: Search, *, load_factor: float = 1.0) -> tuple[Part, ...]:
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
        Multiplies what was measured; what is stated stays as it is stated.
    """
    return tuple(_on_load(part, workload, search, load_factor) for part in parts)


def _on_load(part: Part, workload: Workload, search: Search, load_factor: float) -> Part:
    runs = [_rerun(run, workload, search, load_factor) for run in part.runs]
    if part.provider.launch_type is LaunchType.FARGATE:
        ((run, plan),) = zip(runs, part.services.values(), strict=True)
        result = fargate_part(run, plan.architecture, plan.purchase_option, search.axis, zones=part.provider.zones)
    else:
        result = part_on_provider(search, runs, part.provider)
    return with_replay(result, part.replay) if part.replay else result


def with_replay(part: Part, facts: ReplayFacts) -> Part:
    """The part with the instances or task-hours that a replay found it to use."""
    use = part.on_instances
    return replace(
        part,
        quantity_per_hour=part.quantity_per_hour * facts.factor,
        on_instances=None if use is None else replace(use, running=use.running * facts.factor),
        replay=facts,
    )


def _rerun(run: RunningTasks, workload: Workload, search: Search, load_factor: float) -> RunningTasks:
    row = workload.index(run.service.name)
    factor = 1.0 if run.service.is_stated else load_factor

    def times(series: FloatArray) -> FloatArray:
        return np.asarray(series[row] * factor)

    has_runs = run.fargate_tasks is not None and workload.fargate_tasks is not None
    return running_tasks(
        run.service,
        times(workload.demand),
        run.size,
        search.axis,
        is_count_kept=run.is_count_kept,
        fargate_tasks=times(workload.fargate_tasks) if has_runs and workload.fargate_tasks is not None else None,
    )
