"""From tasks needed to tasks running: the envelope that stands in for service auto scaling."""

from dataclasses import dataclass

import numpy as np

from advisor.ecs import TaskSize
from advisor.simulate.timeline import Timeline, trailing_maximum
from advisor.sizing import cpu_units_in_use, min_tasks, needed_tasks
from advisor.units import FloatArray
from advisor.workload import LoadForm, Service


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunningTasks:
    """One service over time, with tasks of one size."""

    service: Service
    size: TaskSize
    tasks: FloatArray
    """(steps,): running; NaN in a gap."""
    unmet: FloatArray
    """(steps,): needed beyond the upper bound of service auto scaling."""
    target_cpu_fraction: float
    """That gives these counts: lower than declared where larger tasks are run in the same number."""
    min_tasks: int
    cpu_units: FloatArray | None
    """(steps,): CPU units in use; None where the load does not tell."""
    is_count_kept: bool = False
    """As many tasks as of the declared size, whatever ``size`` is."""
    fargate_tasks: FloatArray | None = None
    """(steps,): of batch runs, the tasks that Fargate bills: their seconds are known, where counts tell only the step."""


def running_tasks(
    service: Service,
    demand: FloatArray,
    size: TaskSize,
    axis: Timeline,
    *,
    is_count_kept: bool = False,
    fargate_tasks: FloatArray | None = None,
) -> RunningTasks:
    """Tasks that run for a load, (steps of ``axis``,).

    Tasks no longer needed are kept for the scale-in delay: the trailing maximum of 15 minutes. Counts given as *tasks* already
    hold that. Scale-out is immediate here; what that hides is part of EC2's range and of Fargate's alike.

    Parameters
    ----------
    demand : (input steps,)
        As ``service.load_form`` says.
    is_count_kept
        As many tasks as of the declared size, whatever ``size`` is.
    fargate_tasks : (input steps,)
        Of batch runs: what Fargate bills.
    """
    needed = needed_tasks(service, demand, service.task if is_count_kept else size)
    tasks = axis.spread(needed.tasks)
    if service.load_form is not LoadForm.TASKS:
        tasks = trailing_maximum(tasks, axis.delay_steps)
    in_use = cpu_units_in_use(service, demand)
    return RunningTasks(
        service=service,
        size=size,
        tasks=tasks,
        unmet=axis.spread(needed.unmet),
        target_cpu_fraction=service.scaling.target_cpu_fraction
        * (service.task.cpu_units / size.cpu_units if is_count_kept else 1.0),
        min_tasks=min_tasks(service, service.task if is_count_kept else size),
        cpu_units=None if in_use is None else np.asarray(axis.spread(in_use)),
        is_count_kept=is_count_kept,
        fargate_tasks=None if fargate_tasks is None else np.asarray(axis.spread(fargate_tasks)),
    )
