"""A plan that is already chosen, on another load: what the choice would have cost there."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from advisor.ecs import LaunchType
from advisor.optimize.parts import Part, ReplayFacts, fargate_part
from advisor.optimize.search import Search, part_on_provider
from advisor.simulate.scaling import RunningTasks, running_tasks
from advisor.units import FloatArray
from advisor.workload import Service


def on_load(parts: Sequence[Part], demand_of: Callable[[Service], FloatArray], search: Search) -> tuple[Part, ...]:
    """The same services, sizes, launch types and instance types on another load.

    Parameters
    ----------
    parts
        Of one choice.
    demand_of
        Gives the new demand of a service, (input steps,), in its own form of load.
    search
        With the time axis of the new demand.
    """
    return tuple(_on_load(part, demand_of, search) for part in parts)


def _on_load(part: Part, demand_of: Callable[[Service], FloatArray], search: Search) -> Part:
    runs = [_rerun(run, demand_of(run.service), search) for run in part.runs]
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


def _rerun(run: RunningTasks, demand: FloatArray, search: Search) -> RunningTasks:
    return running_tasks(run.service, demand, run.size, search.axis, is_count_kept=run.is_count_kept)
