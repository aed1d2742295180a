"""From demand to task size and the number of tasks that it takes."""

import math
from dataclasses import dataclass, replace

import numpy as np

from advisor.bounds import Steps, task_bounds, why_bounds_clash
from advisor.ecs import LaunchType, TaskSize, fargate_grid
from advisor.errors import InputError
from advisor.plan import ScheduledAction
from advisor.units import CEIL_TOLERANCE, ECS_CPU_UNITS_PER_VCPU, MS_PER_S, BoolArray, FloatArray, ceil_whole
from advisor.workload import LoadForm, Scaling, Service


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NeededTasks:
    """Tasks that a load takes, step by step."""

    tasks: FloatArray
    """(steps,): within the bounds of service auto scaling; NaN in a gap. [tasks]"""
    unmet: FloatArray
    """(steps,): tasks missing because of the upper bound. [tasks]"""


def cpu_units_in_use(service: Service, demand: FloatArray) -> FloatArray | None:
    """CPU units that the load keeps busy, (steps,); None where the form of the load does not tell."""
    if service.load_form in (LoadForm.UTILIZATION, LoadForm.USAGE):
        return demand
    if service.load_form is LoadForm.REQUESTS and service.cpu_ms_per_request is not None:
        return demand * (service.cpu_ms_per_request / MS_PER_S * ECS_CPU_UNITS_PER_VCPU)
    return None


def needed_tasks(service: Service, demand: FloatArray, size: TaskSize, steps: Steps | None = None) -> NeededTasks:
    r"""Tasks of one size that serve a load.

    Parameters
    ----------
    service : Service
        Form of the load, scaling bounds and target.
    demand : (steps,)
        As ``service.load_form`` says: tasks, CPU units in use, or requests per second.
    size : TaskSize
        May differ from ``service.task``; the lower bound then counts CPU, not tasks.
    steps : Steps, optional
        Of the load; needed where scheduled actions move the bounds. The fewest tasks of a step count.

    Returns
    -------
    NeededTasks
        Counts given as *tasks* are returned as they are: they already ran under the user's own bounds.

    Notes
    -----
    .. math:: n_t = \mathrm{clip}\left(\left\lceil \frac{d_t}{u\,c} \right\rceil, \max(1, n_\min), n_\max\right)

    with CPU units in use :math:`d`, target :math:`u` and CPU units per task :math:`c`; with ``requests_per_task`` :math:`r`,
    the requests per second that a task serves while at the target, :math:`d_t / r`.
    """
    if service.load_form is LoadForm.TASKS:
        return NeededTasks(tasks=demand, unmet=np.where(np.isnan(demand), np.nan, 0.0))
    wanted, bounds = ceil_whole(tasks_at_target(service, demand, size)), task_bounds(service, size, steps)
    return NeededTasks(tasks=bounds.fewest(wanted), unmet=bounds.missing(wanted))


def tasks_at_target(service: Service, demand: FloatArray, size: TaskSize) -> FloatArray:
    """Tasks of one size that would run exactly at the scaling target, (steps,); a fraction."""
    in_use = cpu_units_in_use(service, demand)
    if in_use is not None:
        return np.asarray(in_use / (service.scaling.target_cpu_fraction * size.cpu_units))
    if service.requests_per_task is None:
        raise ValueError(f"service {service.name!r}: the load does not say what one task serves")
    return np.asarray(demand / service.requests_per_task)


@dataclass(frozen=True, slots=True, kw_only=True)
class FargateSize:
    """A size of Fargate's grid that can stand in for the declared one."""

    size: TaskSize
    is_count_kept: bool
    """True: as many tasks as of the declared size, each with room to spare. False: the count follows the larger CPU."""


def fargate_sizes(service: Service, least_memory_mib: float = 0.0) -> tuple[FargateSize, ...]:
    """Sizes of Fargate's grid that can stand in for the declared size, smallest first; empty when none can, or none may.

    The declared size itself where it is on the grid. Otherwise every size with at least its CPU and memory, with the count of
    the declared size. Where the count follows CPU, fewer but larger tasks are a second way: each is then sent more load, so its
    memory has to grow with its CPU.

    Parameters
    ----------
    least_memory_mib
        Most that a single task was seen to use: on instances a task may use more than it reserves, on Fargate it is stopped.
    """
    declared = service.task
    if service.why_off(LaunchType.FARGATE) is not None:
        return ()
    grid = fargate_grid(service.operating_system)
    if declared in grid and declared.memory_mib >= least_memory_mib:
        return (FargateSize(size=declared, is_count_kept=False),)
    larger = [size for size in grid if declared.fits_in(size) and size.memory_mib >= least_memory_mib]
    kept = [FargateSize(size=size, is_count_kept=True) for size in larger]
    if not service.is_cpu_known or service.scaling.step_policies:  # whose steps are counts of declared tasks
        return tuple(kept)
    following = [
        FargateSize(size=s, is_count_kept=False)
        for s in larger
        if s.memory_mib * declared.cpu_units >= max(declared.memory_mib, least_memory_mib) * s.cpu_units
    ]
    return tuple(kept + following)


MEMORY_MARGIN_FRACTION = 0.15
SAMPLE_STEP_S = 300
"""Samples of a single task at most this far apart stand for its maximum when it is sized."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ObservedTask:
    """What was seen of single tasks of the declared size, (steps,) each; NaN where not measured."""

    running_tasks: FloatArray
    memory_mib: FloatArray
    """Most memory in use per task; all NaN where memory was not measured at all."""
    is_memory_maximum: bool
    cpu_units_max: FloatArray
    """Most CPU units that one task used."""
    base_mib: float | None = None
    """Memory of a task without load, where the user states base and slope; it then stands in for what was measured."""
    mib_per_demand: float = 0.0
    """Memory of a task for each unit of its demand, as the user states it."""

    @property
    def tells_memory(self) -> bool:
        """Whether memory was measured or is stated."""
        return self.base_mib is not None or not np.isnan(self.memory_mib).all()

    @property
    def tells_memory_peak(self) -> bool:
        """Whether the most memory of a task was measured or is stated, and not an average that hides it."""
        return self.base_mib is not None or (self.is_memory_maximum and self.tells_memory)


@dataclass(frozen=True, slots=True, kw_only=True)
class RightSize:
    """A smaller or larger task that serves the same load, and how safe it would have been."""

    size: TaskSize
    hours_above_target: float
    """Hours of the history in which CPU in use was above the scaling target."""
    hours_above_full: float
    """Hours in which CPU in use was above what the tasks have."""
    hours_above_target_today: float
    """The same as ``hours_above_target``, with the tasks that ran."""
    memory_headroom_fraction: float | None
    """Memory left at the worst moment, as a share of the size; 0.13 or more with the margin of 15 %. None: not measured."""


def right_sizes(
    service: Service, demand: FloatArray, observed: ObservedTask, step_hours: float, steps: Steps | None = None
) -> tuple[RightSize, ...]:
    r"""Sizes of Fargate's grid that would have served a load safely, smallest first.

    CPU is lowered only where the most that a single task used is known, memory only where its maximum is: averages hide peaks.
    Fewer tasks are each sent more load, so what one task used grows in proportion. Where the number of tasks is not known, the
    largest growth of the other steps stands in. A size that leaves more need unmet than the declared one is none.

    Parameters
    ----------
    demand : (steps,)
        CPU units or requests per second, as ``service.load_form`` says.
    observed : ObservedTask
        Of tasks of the declared size.
    step_hours : float
        Length of a step. [h]
    steps : Steps, optional
        As in :func:`needed_tasks`.

    Returns
    -------
    tuple of RightSize
        Empty where the load does not tell how much CPU single tasks use, or how many ran.

    Notes
    -----
    .. math:: m \ge (1 + 0.15)\, \max_t \left( \hat m_t \max(1, n^\mathrm{old}_t / n^\mathrm{new}_t) \right)

    With averages alone, and without any memory measured, also
    :math:`m \ge m^\mathrm{declared} \max(1, c^\mathrm{new} / c^\mathrm{declared}, \max_t n^\mathrm{old}_t / n^\mathrm{new}_t)`.
    """
    in_use = cpu_units_in_use(service, demand)
    if service.task.gpus:  # what of them a task uses is not measured
        return ()
    if in_use is None or np.isnan(observed.cpu_units_max).all() or np.isnan(observed.running_tasks).all():
        return ()
    target = service.scaling.target_cpu_fraction * (1 + CEIL_TOLERANCE)
    busy_today = in_use / np.maximum(observed.running_tasks * service.task.cpu_units, 1.0)
    unmet_today = float(np.nansum(needed_tasks(service, demand, service.task, steps).unmet))
    found = []
    for size in fargate_grid(service.operating_system):
        needed = needed_tasks(service, demand, size, steps)
        more_load = _load_per_task(observed.running_tasks, needed.tasks)
        least_mib, memory_mib = _least_memory_mib(service, size, observed, more_load)
        if observed.base_mib is not None:
            memory_mib = float(np.nanmax(_stated_mib(demand, needed.tasks, observed)))
            least_mib = memory_mib * (1 + MEMORY_MARGIN_FRACTION)
        if size.memory_mib < least_mib or size.cpu_units < float(np.nanmax(observed.cpu_units_max * more_load)):
            continue
        if float(np.nansum(needed.unmet)) > unmet_today:
            continue
        busy = in_use / np.maximum(needed.tasks * size.cpu_units, 1.0)
        found.append(
            RightSize(
                size=size,
                hours_above_target=float(np.sum(busy > target)) * step_hours,
                hours_above_full=float(np.sum(busy > 1 + CEIL_TOLERANCE)) * step_hours,
                hours_above_target_today=float(np.sum(busy_today > target)) * step_hours,
                memory_headroom_fraction=None if memory_mib is None else 1 - memory_mib / size.memory_mib,
            )
        )
    return tuple(found)


def _load_per_task(tasks_before: FloatArray, tasks_after: FloatArray) -> FloatArray:
    """How much more load each task is sent, (steps,), at least 1; the largest known where a count is not known."""
    more = tasks_before / np.maximum(tasks_after, 1.0)
    most = float(np.nanmax(np.append(more, 1.0)))
    return np.fmax(np.where(np.isnan(more), most, more), 1.0)


def _least_memory_mib(
    service: Service, size: TaskSize, observed: ObservedTask, more_load: FloatArray
) -> tuple[float, float | None]:
    """Least memory of a task, and the most that it would have used; None where that was not measured. [MiB]"""
    declared = service.task
    unreduced_mib = declared.memory_mib * max(1.0, size.cpu_units / declared.cpu_units, float(more_load.max(initial=1.0)))
    if np.isnan(observed.memory_mib).all():
        return unreduced_mib, None
    memory_mib = float(np.nanmax(observed.memory_mib * more_load))
    least_mib = memory_mib * (1 + MEMORY_MARGIN_FRACTION)
    return (least_mib if observed.is_memory_maximum else max(least_mib, unreduced_mib)), memory_mib


def _stated_mib(demand: FloatArray, tasks: FloatArray, observed: ObservedTask) -> FloatArray:
    """Memory of each of so many tasks by the stated base and slope, (steps,). [MiB]"""
    assert observed.base_mib is not None  # noqa: S101
    return observed.base_mib + observed.mib_per_demand * demand / np.maximum(tasks, 1.0)


TARGET_SHARES = tuple(1.0 - step / 20 for step in range(20))
"""Of the stated scaling target: those that are tried where memory needs more tasks than CPU."""
USUAL_LOAD_QUANTILE = 0.99
"""The load per task that was reached often enough to see what memory it needs; a spike of minutes may not have filled it."""


def memory_with_tasks_mib(demand: FloatArray, tasks: FloatArray, observed: ObservedTask) -> FloatArray:
    r"""Memory that a task would have needed, had other numbers of tasks run than did, (steps,). [MiB]

    The lower of two upper bounds, where memory grows with the load of a task and at most in proportion to it: what the tasks
    of that step used, times the growth of their load; and the most that any task used, times the growth over the load that
    tasks were often seen to bear. The second keeps a deployment, which doubles the tasks of one load, from looking like a need.

    Parameters
    ----------
    demand, tasks : (steps,)
        Demand as in :func:`needed_tasks`, and the number of tasks that would have run.

    Notes
    -----
    .. math:: \min\left(\hat m_t \max(1, n^\mathrm{old}_t / n_t),\; \max_s \hat m_s \max(1, d_t / (n_t\,\ell))\right)

    with :math:`\ell` the 0.99 quantile of :math:`d_t / n^\mathrm{old}_t`. Where the user states base :math:`b` and slope
    :math:`a`, it is :math:`b + a\,d_t / n_t` instead.
    """
    if observed.base_mib is not None:
        return _stated_mib(demand, tasks, observed)
    per_task = np.maximum(tasks, 1.0)
    peak_mib, usual = _peak_and_usual_load(demand, observed)
    own_mib = observed.memory_mib * np.fmax(observed.running_tasks / per_task, 1.0)
    return np.fmin(
        np.where(np.isnan(observed.running_tasks), np.nan, own_mib), peak_mib * np.fmax(demand / per_task / usual, 1.0)
    )


def least_tasks_for_memory(demand: FloatArray, observed: ObservedTask, memory_mib: float) -> FloatArray:
    """Fewest tasks of ``memory_mib`` whose memory keeps its margin, (steps,), never more than ran; NaN where not known.

    As many tasks as ran, and tasks with no more load than tasks were often seen to bear, are enough whatever they use: they did
    run. Memory is reckoned as in :func:`memory_with_tasks_mib`.
    """
    if observed.base_mib is not None:
        room_mib = memory_mib / (1 + MEMORY_MARGIN_FRACTION) - observed.base_mib
        if room_mib <= 0:
            return observed.running_tasks
        return np.fmin(ceil_whole(demand * (observed.mib_per_demand / room_mib)), observed.running_tasks)
    peak_mib, usual = _peak_and_usual_load(demand, observed)
    by_usual = demand / usual
    ran = np.where(np.isnan(observed.running_tasks), by_usual, observed.running_tasks)
    share = (1 + MEMORY_MARGIN_FRACTION) / memory_mib
    of_step = ran * np.where(np.isnan(observed.memory_mib), peak_mib, observed.memory_mib) * share
    return ceil_whole(np.minimum(ran, np.fmin(of_step, by_usual * min(1.0, peak_mib * share))))


def is_new_load(demand: FloatArray, tasks: FloatArray, observed: ObservedTask) -> BoolArray:
    """Where each task would be sent more load than in that step, and more than tasks were often seen to bear, (steps,)."""
    _, usual = _peak_and_usual_load(demand, observed)
    is_more = demand / np.maximum(tasks, 1.0) > usual * (1 + CEIL_TOLERANCE)
    return np.asarray(is_more & ~(tasks >= observed.running_tasks))


def with_memory_kept(service: Service, demand: FloatArray, observed: ObservedTask, steps: Steps | None = None) -> Service:
    """The service with the scaling target and the lower bound that keep enough tasks for their memory.

    Tasks that are fewer than ran are each sent more load, and may need more memory than they have. Of the lower targets, each
    with the lower bound that it still takes, the pair with the fewest task-hours is taken, and of equal ones that with the
    lowest bound: a target also holds for a load that grows. The upper bound is the user's and stays.

    Returns
    -------
    Service
        Unchanged where CPU takes as many tasks as memory, or memory, or the number of tasks that ran, was not measured; and
        where step policies move the count, which a lower target would not.

    Raises
    ------
    InputError
        The lower bound may be above what a scheduled action left as the upper one, which AWS would refuse.
    """
    if not observed.tells_memory or service.load_form is LoadForm.TASKS or service.scaling.step_policies:
        return service
    least = least_tasks_for_memory(demand, observed, service.task.memory_mib)
    least = np.minimum(least, task_bounds(service, service.task, steps).fewest(np.full(demand.shape, np.inf)))
    if not np.any(needed_tasks(service, demand, service.task, steps).tasks < least):
        return service
    ways = [_with_target(service, share, demand, least, steps) for share in TARGET_SHARES]
    kept = min(ways, key=lambda way: (way[0], way[1].scaling.min_tasks, -way[1].scaling.target_cpu_fraction))[1]
    clash = why_bounds_clash(kept.scaling)
    if clash is not None:
        raise InputError(
            f"service {service.name}: its memory takes {kept.scaling.min_tasks} tasks at least, but then {clash}",
            fix="Give each of its scheduled actions both bounds.",
        )
    return kept


def _with_target(
    service: Service, share: float, demand: FloatArray, least: FloatArray, steps: Steps | None
) -> tuple[float, Service]:
    """Task-steps at a share of the scaling target, with the lower bound that keeps ``least``, and the service with both."""
    scaling = service.scaling
    target = round(scaling.target_cpu_fraction * share, 4)
    served = None if service.requests_per_task is None else service.requests_per_task * share
    lower = replace(service, requests_per_task=served, scaling=replace(scaling, target_cpu_fraction=target))
    tasks = needed_tasks(lower, demand, service.task, steps).tasks
    short = least[tasks < least]
    if short.size:
        lower = replace(lower, scaling=_with_least(lower.scaling, int(short.max())))
        tasks = needed_tasks(lower, demand, service.task, steps).tasks
    return float(np.nansum(tasks)), lower


def _with_least(scaling: Scaling, least: int) -> Scaling:
    """A higher lower bound, at all times, but never above the upper one."""
    most, actions = scaling.max_tasks, scaling.scheduled_actions
    # Where an action sets an upper bound below it and no lower one, each that leaves the lower one as it was has to state it.
    is_stated = any(each.min_tasks is None and each.max_tasks is not None and each.max_tasks < least for each in actions)

    def raised(action: ScheduledAction) -> ScheduledAction:
        if action.min_tasks is None and not is_stated:
            return action
        highest = action.max_tasks if action.max_tasks is not None else most
        return replace(action, min_tasks=max(action.min_tasks or 0, least if highest is None else min(least, highest)))

    lower = least if most is None else min(least, most)
    return replace(scaling, min_tasks=lower, is_min_stated=True, scheduled_actions=tuple(raised(each) for each in actions))


def _peak_and_usual_load(demand: FloatArray, observed: ObservedTask) -> tuple[float, float]:
    """Most memory that a task used [MiB], and the load that a task was often seen to bear [as ``demand``]."""
    ran = np.where(observed.running_tasks > 0, observed.running_tasks, np.nan)
    per_task = demand / ran
    known = per_task[~np.isnan(per_task)]
    usual = float(np.quantile(known, USUAL_LOAD_QUANTILE, method="lower")) if known.size else math.nan
    peak_mib = math.nan if np.isnan(observed.memory_mib).all() else float(np.nanmax(observed.memory_mib))
    return peak_mib, usual if usual > 0 else math.nan
