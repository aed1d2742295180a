"""From demand to task size and the number of tasks that it takes."""

import math
from dataclasses import dataclass

import numpy as np

from advisor.ecs import FARGATE_SIZES, TaskSize
from advisor.units import ECS_CPU_UNITS_PER_VCPU, FloatArray, ceil_whole
from advisor.workload import LoadForm, Service

MS_PER_S = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NeededTasks:
    """Tasks that a load takes, step by step."""

    tasks: FloatArray
    """(steps,): within the bounds of service auto scaling; NaN in a gap. [tasks]"""
    unmet: FloatArray
    """(steps,): tasks missing because of the upper bound. [tasks]"""


def cpu_units_in_use(service: Service, demand: FloatArray) -> FloatArray | None:
    """CPU units that the load keeps busy, (steps,); None where the form of the load does not tell."""
    if service.load_form is LoadForm.UTILIZATION:
        return demand
    if service.load_form is LoadForm.REQUESTS and service.cpu_ms_per_request is not None:
        return demand * (service.cpu_ms_per_request / MS_PER_S * ECS_CPU_UNITS_PER_VCPU)
    return None


def needed_tasks(service: Service, demand: FloatArray, size: TaskSize) -> NeededTasks:
    r"""Tasks of one size that serve a load.

    Parameters
    ----------
    service : Service
        Form of the load, scaling bounds and target.
    demand : (steps,)
        As ``service.load_form`` says: tasks, CPU units in use, or requests per second.
    size : TaskSize
        May differ from ``service.task``; the lower bound then counts CPU, not tasks.

    Returns
    -------
    NeededTasks
        Counts given as *tasks* are returned as they are: they already ran under the user's own bounds.

    Notes
    -----
    .. math:: n_t = \mathrm{clip}\left(\left\lceil \frac{d_t}{u\,c} \right\rceil, n_\min, n_\max\right)

    with CPU units in use :math:`d`, target :math:`u` and CPU units per task :math:`c`; with ``requests_per_task`` :math:`r`,
    the requests per second that a task serves while at the target, :math:`d_t / r`.
    """
    if service.load_form is LoadForm.TASKS:
        return NeededTasks(tasks=demand, unmet=np.where(np.isnan(demand), np.nan, 0.0))
    in_use = cpu_units_in_use(service, demand)
    if in_use is not None:
        quotient = in_use / (service.scaling.target_cpu_fraction * size.cpu_units)
    elif service.requests_per_task is not None:
        quotient = demand / service.requests_per_task
    else:
        raise ValueError(f"service {service.name!r}: the load does not say what one task serves")
    wanted = ceil_whole(quotient)
    tasks = np.maximum(wanted, min_tasks(service, size))
    if service.scaling.max_tasks is None:
        return NeededTasks(tasks=tasks, unmet=np.zeros_like(tasks))
    bounded = np.minimum(tasks, service.scaling.max_tasks)
    return NeededTasks(tasks=bounded, unmet=tasks - bounded)


def min_tasks(service: Service, size: TaskSize) -> int:
    """The lower bound for tasks of ``size``: as much CPU as the declared bound of declared tasks.

    A load-balanced service keeps two tasks where it has two, so that a plan with larger tasks is as available as one with
    small ones.
    """
    declared = service.scaling.min_tasks
    if not service.is_cpu_known or size.cpu_units == service.task.cpu_units:
        return declared
    same_cpu = math.ceil(declared * service.task.cpu_units / size.cpu_units)
    return max(same_cpu, min(declared, 2 if service.port is not None else 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class FargateSize:
    """A size of Fargate's grid that can stand in for the declared one."""

    size: TaskSize
    is_count_kept: bool
    """True: as many tasks as of the declared size, each with room to spare. False: the count follows the larger CPU."""


def fargate_sizes(service: Service) -> tuple[FargateSize, ...]:
    """Sizes of Fargate's grid that can stand in for the declared size, smallest first; empty when none can.

    The declared size itself where it is on the grid. Otherwise every size with at least its CPU and memory, with the count of
    the declared size. Where the count follows CPU, fewer but larger tasks are a second way: each is then sent more load, so its
    memory has to grow with its CPU.
    """
    declared = service.task
    if declared in FARGATE_SIZES:
        return (FargateSize(size=declared, is_count_kept=False),)
    larger = [size for size in FARGATE_SIZES if declared.fits_in(size)]
    kept = [FargateSize(size=size, is_count_kept=True) for size in larger]
    if not service.is_cpu_known:
        return tuple(kept)
    following = [
        FargateSize(size=s, is_count_kept=False)
        for s in larger
        if s.memory_mib * declared.cpu_units >= declared.memory_mib * s.cpu_units
    ]
    return tuple(kept + following)
