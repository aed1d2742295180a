"""Services with their load on the time axis of a search, as declared and right-sized."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from advisor.bounds import min_tasks, scheduled_actions
from advisor.ecs import Architecture, PurchaseOption
from advisor.optimize.parts import Part, fargate_part
from advisor.optimize.pricing import high_usd
from advisor.optimize.search import Search
from advisor.simulate.scaling import RunCase, RunningTasks, running_tasks, running_tasks_of
from advisor.simulate.timeline import Timeline
from advisor.sizing import (
    FargateSize,
    ObservedTask,
    RightSize,
    fargate_sizes,
    least_tasks_for_memory,
    memory_with_tasks_mib,
    needed_tasks,
    right_sizes,
    with_memory_kept,
)
from advisor.units import BoolArray, FloatArray
from advisor.workload import LoadForm, Service, Workload

SIZES_AT_ONCE = 16
"""Task sizes whose counts are held together."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ServiceLoad:
    """One service with its load on the search's time axis."""

    service: Service
    """As stated, but for a scaling target and a lower bound that keep enough tasks for their memory."""
    demand: FloatArray
    run: RunningTasks
    """With the declared task size."""
    measured: BoolArray
    """(steps,)"""
    hours: FloatArray
    """(steps,): hours of the month that each step stands for, by this service's own gaps."""
    peak_memory_mib: float = 0.0
    """Most memory that a single task was seen to use; 0 where it was not measured, or the size was chosen by it."""
    right_size: RightSize | None = None
    """How safe the size is, where it is not the declared one."""
    observed: ObservedTask | None = None
    """What was seen of tasks of the declared size; None where the load is a count of tasks."""
    is_on: BoolArray | None = None
    """(steps,): when tasks run at all; None is always."""

    def while_on(self, is_on: BoolArray) -> "ServiceLoad":
        """The same load with no task in the other steps."""
        return replace(self, is_on=is_on, run=self.run.while_on(is_on))

    def memory_mib(self, tasks: FloatArray, axis: Timeline) -> FloatArray | None:
        """(steps,): what each of so many tasks, (steps,), would have needed; None where memory is not known. [MiB]"""
        seen = self.observed_on(axis)
        return None if seen is None else memory_with_tasks_mib(axis.spread(self.demand), tasks, seen)

    def observed_on(self, axis: Timeline) -> ObservedTask | None:
        """``observed`` on the steps of the axis; None where it does not tell memory."""
        seen = self.observed
        if seen is None or not seen.tells_memory:
            return None
        return replace(seen, running_tasks=axis.spread(seen.running_tasks), memory_mib=axis.spread(seen.memory_mib))


def by_host(loads: Sequence[ServiceLoad]) -> list[list[ServiceLoad]]:
    """Services that may share instances, Linux first."""
    groups: dict[tuple[str, bool], list[ServiceLoad]] = {}
    for load in loads:
        groups.setdefault(load.service.host, []).append(load)
    return [groups[host] for host in sorted(groups)]


def service_loads(workload: Workload, axis: Timeline) -> tuple[ServiceLoad, ...]:
    """Tasks running for each service, with the declared task size, under rules that keep enough of them for their memory.

    The one way from a workload to counts of tasks: whatever bills a service begins here.
    """
    return tuple(_declared_load(workload, row, axis) for row in range(len(workload.services)))


def _declared_load(workload: Workload, row: int, axis: Timeline) -> ServiceLoad:
    service, demand = workload.services[row], workload.demand[row]
    observed = _observed(workload, row)
    if observed is not None:
        service = with_memory_kept(service, demand, observed, axis.input_steps)
    run = running_tasks(service, demand, service.task, axis, fargate_tasks=_fargate_tasks(workload, row))
    load = _with_run(service, demand, run, axis)
    return replace(load, peak_memory_mib=_peak_memory_mib(workload, row), observed=observed)


def _peak_memory_mib(workload: Workload, row: int) -> float:
    if workload.memory_mib is None or np.isnan(workload.memory_mib[row]).all():
        return 0.0
    return float(np.nanmax(workload.memory_mib[row]))


def right_sized_load(workload: Workload, declared: ServiceLoad, search: Search) -> ServiceLoad | None:
    """The service in the size that costs least on Fargate; None where that is no cheaper or single tasks were not seen.

    None also with step policies: a step of two tasks is another step once tasks are smaller, and none would be as safe.
    """
    observed = declared.observed
    if observed is None or declared.service.scaling.step_policies:
        return None
    service = workload.services[workload.index(declared.service.name)]  # each size has its own memory to keep to
    sizes = right_sizes(service, declared.demand, observed, workload.step_hours, search.axis.input_steps)
    resized = [_resized(service, at) for at in sizes]
    runs = running_tasks_of([RunCase(service=each, demand=declared.demand, size=each.task) for each in resized], search.axis)
    loads = [
        replace(_with_run(each, declared.demand, run, search.axis), right_size=at, observed=observed, hours=declared.hours)
        for each, run, at in zip(resized, runs, sizes, strict=True)
    ]
    best = min(loads, key=lambda load: (_fargate_usd(load, search), load.run.size), default=None)
    if best is None or _fargate_usd(best, search) >= _fargate_usd(declared, search):
        return None
    return best


def _fargate_tasks(workload: Workload, row: int) -> FloatArray | None:
    """What Fargate bills for batch runs, (input steps,); None for services."""
    if workload.fargate_tasks is None or not workload.services[row].is_batch:
        return None
    return np.asarray(workload.fargate_tasks[row])


def _with_run(service: Service, demand: FloatArray, run: RunningTasks, axis: Timeline) -> ServiceLoad:
    measured = np.asarray(~np.isnan(run.tasks))
    return ServiceLoad(service=service, demand=demand, run=run, measured=measured, hours=axis.month_hours(measured))


def _resized(service: Service, right: RightSize) -> Service:
    scaling = replace(
        service.scaling,
        min_tasks=min_tasks(service, right.size),
        scheduled_actions=scheduled_actions(service, right.size),
    )
    return replace(service, task=right.size, scaling=scaling)


def _observed(workload: Workload, row: int) -> ObservedTask | None:
    service = workload.services[row]
    if service.load_form is LoadForm.TASKS:
        return None
    unknown = np.full(workload.n_steps, np.nan)
    memory_mib, cpu_units = (
        unknown if series is None else series[row] for series in (workload.memory_mib, workload.cpu_units_per_task_max)
    )
    ran = workload.ran(row)  # a desired count stands in, as the demand was worked out from it
    is_maximum = workload.is_memory_maximum is not None and bool(workload.is_memory_maximum[row])
    slope = service.memory_mib_per_demand
    stated = {} if service.memory_use is None or slope is None else {"base_mib": service.memory_use.base_mib}
    return ObservedTask(
        running_tasks=unknown if ran is None or not ran.any() else ran,
        memory_mib=memory_mib,
        is_memory_maximum=is_maximum,
        cpu_units_max=cpu_units,
        mib_per_demand=slope or 0.0,
        **stated,
    )


def cheapest_fargate_part(
    load: ServiceLoad, architectures: Sequence[Architecture], option: PurchaseOption, search: Search
) -> Part | None:
    """The service on Fargate, in the size, number and architecture that cost least; None where no size holds its task."""
    sizes = [at for at in fargate_sizes(load.service, load.peak_memory_mib) if _keeps_memory(load, at, search.axis)]
    best, best_usd = None, float("inf")
    for first in range(0, len(sizes), SIZES_AT_ONCE):
        for run in _runs_in(sizes[first : first + SIZES_AT_ONCE], load, search):
            for architecture in architectures:
                part = fargate_part(run, architecture, option, search.axis, zones=search.constraints.zones)
                usd = cost_usd(search, [part], load.hours)
                if best is None or usd < best_usd:
                    best, best_usd = part, usd
    return best


def _runs_in(sizes: Sequence[FargateSize], load: ServiceLoad, search: Search) -> Iterator[RunningTasks]:
    """The service in each size, in order."""
    others = [at for at in sizes if at.size != load.service.task]
    cases = [RunCase(service=load.service, demand=load.demand, size=at.size, is_count_kept=at.is_count_kept) for at in others]
    resized = iter(running_tasks_of(cases, search.axis))
    for at in sizes:
        if at.size == load.service.task:
            yield load.run
        else:
            run = replace(next(resized), fargate_tasks=load.run.fargate_tasks)
            yield run if load.is_on is None else run.while_on(load.is_on)


def _keeps_memory(load: ServiceLoad, at: FargateSize, axis: Timeline) -> bool:
    """Whether larger tasks, of which the load takes fewer, have the memory that each then needs."""
    if at.is_count_kept or at.size == load.service.task or load.observed is None or not load.observed.tells_memory:
        return True
    least = least_tasks_for_memory(load.demand, load.observed, at.size.memory_mib)
    return not np.any(needed_tasks(load.service, load.demand, at.size, axis.input_steps).tasks < least)


def cost_usd(search: Search, parts: Sequence[Part], hours: FloatArray) -> float:
    """Upper end of a month's cost; infinite where something has no price, so that what is priced goes first."""
    usd = high_usd(parts, hours, search.catalog, search.region)
    return float("inf") if usd is None else usd


def _fargate_usd(load: ServiceLoad, search: Search) -> float:
    """What a size costs on Fargate on demand: the measure by which sizes are compared."""
    part = cheapest_fargate_part(load, load.service.architectures, PurchaseOption.ON_DEMAND, search)
    return float("inf") if part is None else cost_usd(search, [part], load.hours)
