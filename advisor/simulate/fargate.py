"""What tasks consume on Fargate."""

import numpy as np

from advisor.ecs import (
    FARGATE_INCLUDED_STORAGE_GIB,
    LINUX,
    Architecture,
    PurchaseOption,
    TaskSize,
    fargate_least_bill_s,
    is_windows,
)
from advisor.meters import (
    FARGATE_EPHEMERAL_GIB_HOUR,
    FARGATE_WINDOWS_GIB_HOUR,
    FARGATE_WINDOWS_LICENSE_VCPU_HOUR,
    FARGATE_WINDOWS_VCPU_HOUR,
    PUBLIC_IPV4_HOUR,
    Meter,
    fargate_gib_hour,
    fargate_vcpu_hour,
)
from advisor.simulate.scaling import RunningTasks
from advisor.units import FloatArray


def fargate_meters(
    architecture: Architecture,
    purchase_option: PurchaseOption,
    *,
    ephemeral_storage_gib: int,
    has_public_ip: bool,
    operating_system: str = LINUX,
) -> tuple[Meter, ...]:
    """Meters that one task runs up, in the order of :func:`fargate_quantities`. Windows has X86_64 on demand alone."""
    meters = [fargate_vcpu_hour(architecture, purchase_option), fargate_gib_hour(architecture, purchase_option)]
    if is_windows(operating_system):
        meters = [FARGATE_WINDOWS_VCPU_HOUR, FARGATE_WINDOWS_GIB_HOUR, FARGATE_WINDOWS_LICENSE_VCPU_HOUR]
    if ephemeral_storage_gib > FARGATE_INCLUDED_STORAGE_GIB:
        meters.append(FARGATE_EPHEMERAL_GIB_HOUR)
    if has_public_ip:
        meters.append(PUBLIC_IPV4_HOUR)
    return tuple(meters)


def fargate_quantities(
    billed_tasks: FloatArray,
    size: TaskSize,
    *,
    ephemeral_storage_gib: int,
    has_public_ip: bool,
    operating_system: str = LINUX,
) -> FloatArray:
    r"""What tasks of one size consume per hour on Fargate: (meters, steps).

    Fargate bills what a task requests, not what it uses [1]_; on Windows its vCPU twice, as such and for the licence.

    Parameters
    ----------
    billed_tasks : (steps,)
        Tasks billed in each step, from :func:`billed_fargate_tasks`. [tasks]
    size : TaskSize
        What each task requests.

    Notes
    -----
    .. math:: q_{\mathrm{vCPU}} = n\,v, \qquad q_{\mathrm{GiB}} = n\,m, \qquad q_{\mathrm{storage}} = n\,(s - 20)

    References
    ----------
    .. [1] AWS, "AWS Fargate pricing", https://aws.amazon.com/fargate/pricing/, copied after 2026-06-05.
    """
    per_task = [size.vcpu, size.memory_gib, *([size.vcpu] if is_windows(operating_system) else [])]
    if ephemeral_storage_gib > FARGATE_INCLUDED_STORAGE_GIB:
        per_task.append(ephemeral_storage_gib - FARGATE_INCLUDED_STORAGE_GIB)
    if has_public_ip:
        per_task.append(1.0)
    return np.asarray(np.array(per_task)[:, np.newaxis] * billed_tasks)


def billed_tasks(run: RunningTasks, step_s: int) -> FloatArray:
    """Tasks that Fargate bills in each step, (steps,): those of batch runs by their seconds, replayed counts as they are."""
    if run.fargate_tasks is not None:
        return run.fargate_tasks
    if run.counts is not None:
        return run.tasks  # those that start are among them
    return billed_fargate_tasks(
        run.tasks,
        startup_s=run.service.startup_s,
        step_s=step_s,
        least_s=fargate_least_bill_s(run.service.operating_system) if run.service.is_windows else 0.0,
    )


def billed_fargate_tasks(running: FloatArray, *, startup_s: float, step_s: int, least_s: float = 0.0) -> FloatArray:
    r"""Running tasks plus those that pull their image and boot, (steps,).

    Billing starts with the image pull, so each task that is started adds ``startup_s`` to the step in which it starts. A start
    is an increase from one known step to the next; tasks replaced at an equal count are not seen. The minimum of 60 s a task is
    met by start-up and one step of 20 s or more, as long as start-up takes 40 s; otherwise it is up to 60 s short a start. The
    300 s of Windows are asked for by ``least_s``.

    Notes
    -----
    Of tasks that run on the one that came last is taken to go first, so that as many as can be live shorter than ``least_s``:
    of those that start in step :math:`t`, :math:`\max(0, \min_{i<j} n_{t+i} - n_{t-1})` live for :math:`j` steps or more. A
    gap or the end of the load ends no task.
    """
    starts = np.zeros_like(running)
    starts[1:] = np.maximum(np.nan_to_num(np.diff(running), nan=0.0), 0.0)
    extra = starts * startup_s
    if startup_s + step_s >= least_s:
        return np.asarray(running + extra / step_s)
    is_known = ~np.isnan(running)
    before = np.roll(np.nan_to_num(running), 1)
    living, lowest, is_followed, steps = starts, running.copy(), is_known.copy(), 1
    while startup_s + steps * step_s < least_s and steps < running.size:
        is_followed[:-steps] &= is_known[steps:]
        np.minimum(lowest[:-steps], running[steps:], out=lowest[:-steps], where=is_followed[:-steps])
        longer = np.minimum(living, np.nan_to_num(np.maximum(lowest - before, 0.0)))
        extra += (living - longer) * (least_s - startup_s - steps * step_s)
        living, steps = longer, steps + 1
    return np.asarray(running + extra / step_s)
