"""From tasks needed to tasks running: a replay of counts, or the envelope that stands in for it where steps are long."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from advisor.bounds import min_tasks, scheduled_actions, task_bounds
from advisor.ecs import TaskSize
from advisor.plan import ScheduledAction
from advisor.simulate.packing import as_counts
from advisor.simulate.replay import CountArray, CountedCells, ScalingRules, counts_over_time
from advisor.simulate.stepping import stepped_counts, tracking_rules
from advisor.simulate.timeline import COUNTS_STEP_S, Timeline, trailing_maximum
from advisor.sizing import cpu_units_in_use, tasks_at_target
from advisor.units import BoolArray, FloatArray, IntArray, ceil_whole
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
    counts: CountArray | None = None
    """(steps x count steps,): tasks running or starting, as replayed within each step; None where an envelope stands in."""

    @property
    def counted_size(self) -> TaskSize:
        """The size that the number of tasks is worked out for."""
        return self.service.task if self.is_count_kept else self.size

    @property
    def scheduled_actions(self) -> tuple[ScheduledAction, ...]:
        """Of service auto scaling, for tasks of this size."""
        return scheduled_actions(self.service, self.counted_size)

    @property
    def count_steps(self) -> int:
        """Counts in a step."""
        return 1 if self.counts is None or not self.tasks.size else self.counts.size // self.tasks.size

    def while_on(self, is_on: BoolArray) -> "RunningTasks":
        """The same service with no task in steps in which ``is_on``, (steps,), is False."""
        on = is_on.astype(np.float64)
        return replace(
            self,
            tasks=self.tasks * on,
            unmet=self.unmet * on,
            cpu_units=None if self.cpu_units is None else self.cpu_units * on,
            fargate_tasks=None if self.fargate_tasks is None else self.fargate_tasks * on,
            counts=None if self.counts is None else self.counts * np.repeat(is_on, self.count_steps),
        )

    def whole_counts(self, count_steps: int) -> IntArray:
        """(steps x count_steps,): whole tasks to place, 0 in a gap."""
        if self.counts is None:
            return np.repeat(as_counts(self.tasks), count_steps)
        return np.where(np.repeat(np.isnan(self.tasks), count_steps), 0, self.counts).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunCase:
    """A service with its load and the size that its tasks have."""

    service: Service
    demand: FloatArray
    """(input steps,): as ``service.load_form`` says."""
    size: TaskSize
    is_count_kept: bool = False
    """As many tasks as of the declared size, whatever ``size`` is."""
    fargate_tasks: FloatArray | None = None
    """(input steps,): of batch runs, what Fargate bills."""

    @property
    def counted_size(self) -> TaskSize:
        """The size that the number of tasks is worked out for."""
        return self.service.task if self.is_count_kept else self.size

    @property
    def target_fraction(self) -> float:
        """CPU in use over CPU reserved at which the policy aims, in tasks of ``size``."""
        target = self.service.scaling.target_cpu_fraction
        return target * self.service.task.cpu_units / self.size.cpu_units if self.is_count_kept else target


def running_tasks(
    service: Service,
    demand: FloatArray,
    size: TaskSize,
    axis: Timeline,
    *,
    is_count_kept: bool = False,
    fargate_tasks: FloatArray | None = None,
) -> RunningTasks:
    """Tasks that run for a load: :func:`running_tasks_of` for a single case."""
    case = RunCase(service=service, demand=demand, size=size, is_count_kept=is_count_kept, fargate_tasks=fargate_tasks)
    return running_tasks_of([case], axis)[0]


def running_tasks_of(cases: Sequence[RunCase], axis: Timeline) -> list[RunningTasks]:
    """Tasks that run in each case, (steps of ``axis``,).

    Loads of steps up to 5 minutes go through a replay of service auto scaling by the minute, all cases at once
    (:func:`~advisor.simulate.replay.counts_over_time`). In longer steps an envelope stands in: scale-out is immediate, and
    tasks no longer needed are kept for the scale-in delay, a trailing maximum of 15 minutes. No envelope knows step policies:
    services with them are replayed whatever the steps, the load held over each. Counts given as *tasks* ran so.
    """
    followed = [at for at, case in enumerate(cases) if case.service.load_form is not LoadForm.TASKS]
    counts = {at: _stepped(cases[at], axis) for at in followed if cases[at].service.scaling.step_policies}
    if axis.counts_step_s is not None:
        scaled = [at for at in followed if at not in counts]
        for kind in {_kind(cases[at]) for at in scaled}:
            alike = [at for at in scaled if _kind(cases[at]) == kind]
            columns = _replayed_counts([cases[at] for at in alike], axis, axis.counts_step_s, kind[0])
            counts |= {at: np.ascontiguousarray(columns[:, column]) for column, at in enumerate(alike)}
    return [_running(case, axis, counts.get(at)) for at, case in enumerate(cases)]


def _kind(case: RunCase) -> tuple[int, bool, ScalingRules]:
    """What cases have in common that are replayed together: seconds until a task is ready, whether bounds move, and rules."""
    return round(case.service.startup_s), bool(case.service.scaling.scheduled_actions), tracking_rules(case.service)


def _running(case: RunCase, axis: Timeline, counts: CountArray | None) -> RunningTasks:
    service = case.service
    if service.load_form is LoadForm.TASKS:
        tasks = axis.spread(case.demand)
        unmet = np.where(np.isnan(tasks), np.nan, 0.0)
    else:
        wanted = axis.spread(ceil_whole(tasks_at_target(service, case.demand, case.counted_size)))
        bounds = task_bounds(service, case.counted_size, axis.steps_of(axis.step_s))
        unmet = bounds.missing(wanted)
        if counts is not None:
            tasks = np.where(np.isnan(wanted), np.nan, counts.reshape(wanted.size, -1).mean(axis=1))
        else:
            tasks = bounds.mean(trailing_maximum(wanted, axis.delay_steps))
    in_use = cpu_units_in_use(service, case.demand)
    return RunningTasks(
        service=service,
        size=case.size,
        tasks=tasks,
        unmet=unmet,
        target_cpu_fraction=case.target_fraction,
        min_tasks=min_tasks(service, case.counted_size),
        cpu_units=None if in_use is None else np.asarray(axis.spread(in_use)),
        is_count_kept=case.is_count_kept,
        fargate_tasks=None if case.fargate_tasks is None else np.asarray(axis.spread(case.fargate_tasks)),
        counts=counts,
    )


def _stepped(case: RunCase, axis: Timeline) -> CountArray:
    """(steps of the counts,): tasks that step policies, with or without a target, run or start."""
    steps = axis.steps_of(math.gcd(COUNTS_STEP_S, axis.step_s))
    demand = np.repeat(axis.spread(case.demand), axis.step_s // steps.step_s)
    return stepped_counts(
        case.service,
        tasks_at_target(case.service, demand, case.counted_size),
        demand,
        case.counted_size,
        saturation(case.service, case.target_fraction),
        case.counted_size.cpu_units / case.size.cpu_units,
        steps,
    )


def _replayed_counts(cases: Sequence[RunCase], axis: Timeline, step_s: int, start_s: int) -> CountArray:
    """(steps of ``step_s``, cases): tasks that service auto scaling runs or starts."""
    loads = [np.asarray(axis.spread(tasks_at_target(case.service, case.demand, case.counted_size))) for case in cases]
    steps = axis.steps_of(step_s)
    bounds = [task_bounds(case.service, case.counted_size, steps) for case in cases]
    least, most = (
        np.stack([np.broadcast_to(each, (steps.n_steps, 1))[:, 0] for each in of], axis=1)
        for of in ([each.least for each in bounds], [each.most for each in bounds])
    )
    cells = CountedCells(
        load=np.repeat(np.stack(loads, axis=1), axis.step_s // step_s, axis=0),
        min_tasks=least[0].astype(np.int64),
        max_tasks=most[0],
        moving_bounds=(least, most) if cases[0].service.scaling.scheduled_actions else None,
        saturates_at=np.array([saturation(case.service, case.target_fraction) for case in cases]),
        start_s=start_s,
        scaling=tracking_rules(cases[0].service),
    )
    return counts_over_time(cells, step_s=step_s)


def follows_requests(service: Service) -> bool:
    """Whether the scaling policy follows requests per target, and not CPU."""
    return service.requests_per_task is not None and service.port is not None


def saturation(service: Service, target_fraction: float) -> float:
    """The policy's metric over its target when all tasks are full: CPU stops at 100 %, requests per target do not stop."""
    return np.inf if follows_requests(service) else 1 / target_fraction
