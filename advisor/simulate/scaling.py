"""From tasks needed to tasks running: a replay of counts, or the envelope that stands in for it where steps are long."""

from dataclasses import dataclass

import numpy as np

from advisor.ecs import TaskSize
from advisor.simulate.packing import as_counts
from advisor.simulate.replay import CountedCells, counts_over_time
from advisor.simulate.timeline import Timeline, trailing_maximum
from advisor.sizing import cpu_units_in_use, min_tasks, needed_tasks
from advisor.units import FloatArray, IntArray
from advisor.workload import LoadForm, Service


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunningTasks:
    """One service over time, with tasks of one size."""

    service: Service
    size: TaskSize
    tasks: FloatArray
    """(steps,): running, or starting where counts were replayed, on average over the step; NaN in a gap."""
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
    counts: IntArray | None = None
    """(steps x count steps,): tasks running or starting, as replayed within each step; None where an envelope stands in."""

    @property
    def count_steps(self) -> int:
        """Counts in a step."""
        return 1 if self.counts is None or not self.tasks.size else self.counts.size // self.tasks.size

    def whole_counts(self, count_steps: int) -> IntArray:
        """(steps x count_steps,): whole tasks to place, 0 in a gap."""
        if self.counts is None:
            return np.repeat(as_counts(self.tasks), count_steps)
        return np.where(np.repeat(np.isnan(self.tasks), count_steps), 0, self.counts)


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

    Loads of steps up to 5 minutes go through a replay of service auto scaling by the minute
    (:func:`~advisor.simulate.replay.counts_over_time`). In longer steps an envelope stands in: scale-out is immediate, and
    tasks no longer needed are kept for the scale-in delay, a trailing maximum of 15 minutes. Counts given as *tasks* ran so.

    Parameters
    ----------
    demand : (input steps,)
        As ``service.load_form`` says.
    is_count_kept
        As many tasks as of the declared size, whatever ``size`` is.
    fargate_tasks : (input steps,)
        Of batch runs: what Fargate bills.
    """
    declared = service.task if is_count_kept else size
    target = service.scaling.target_cpu_fraction * (service.task.cpu_units / size.cpu_units if is_count_kept else 1.0)
    needed = needed_tasks(service, demand, declared)
    tasks, counts = axis.spread(needed.tasks), None
    if service.load_form is not LoadForm.TASKS:
        if axis.counts_step_s is None:
            tasks = trailing_maximum(tasks, axis.delay_steps)
        else:
            counts = _replayed_counts(service, demand, declared, target, axis, axis.counts_step_s)
            mean = counts.reshape(tasks.size, -1).mean(axis=1)
            tasks = np.where(np.isnan(tasks), np.nan, mean)
    in_use = cpu_units_in_use(service, demand)
    return RunningTasks(
        service=service,
        size=size,
        tasks=tasks,
        unmet=axis.spread(needed.unmet),
        target_cpu_fraction=target,
        min_tasks=min_tasks(service, declared),
        cpu_units=None if in_use is None else np.asarray(axis.spread(in_use)),
        is_count_kept=is_count_kept,
        fargate_tasks=None if fargate_tasks is None else np.asarray(axis.spread(fargate_tasks)),
        counts=counts,
    )


def _replayed_counts(
    service: Service, demand: FloatArray, size: TaskSize, target_fraction: float, axis: Timeline, step_s: int
) -> IntArray:
    """(steps of ``step_s``,): tasks of ``size`` that service auto scaling runs or starts."""
    load = np.repeat(axis.spread(tasks_at_target(service, demand, size)), axis.step_s // step_s)
    most = service.scaling.max_tasks
    cells = CountedCells(
        load=load[:, np.newaxis],
        min_tasks=np.array([least_scaled_tasks(min_tasks(service, size))]),
        max_tasks=np.array([np.inf if most is None else float(most)]),
        saturates_at=np.array([saturation(service, target_fraction)]),
        start_s=round(service.startup_s),
    )
    return counts_over_time(cells, step_s=step_s)[:, 0]


def tasks_at_target(service: Service, demand: FloatArray, size: TaskSize) -> FloatArray:
    """Tasks of one size that would run exactly at the scaling target, (steps,); a fraction."""
    in_use = cpu_units_in_use(service, demand)
    if in_use is not None:
        return np.asarray(in_use / (service.scaling.target_cpu_fraction * size.cpu_units))
    if service.requests_per_task is None:
        raise ValueError(f"service {service.name!r}: the load does not say what one task serves")
    return np.asarray(demand / service.requests_per_task)


def follows_requests(service: Service) -> bool:
    """Whether the scaling policy follows requests per target, and not CPU."""
    return service.requests_per_task is not None and service.port is not None


def saturation(service: Service, target_fraction: float) -> float:
    """The policy's metric over its target when all tasks are full: CPU stops at 100 %, requests per target do not stop."""
    return np.inf if follows_requests(service) else 1 / target_fraction


def least_scaled_tasks(min_tasks: int) -> int:
    """Lower bound of a policy: without a running task there is no metric, and it would never come back from none."""
    return max(1, min_tasks)
