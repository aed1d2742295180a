"""What tasks consume on Fargate."""

import numpy as np

from advisor.ecs import FARGATE_INCLUDED_STORAGE_GIB, Architecture, PurchaseOption, TaskSize
from advisor.meters import FARGATE_EPHEMERAL_GIB_HOUR, PUBLIC_IPV4_HOUR, Meter, fargate_gib_hour, fargate_vcpu_hour
from advisor.simulate.scaling import RunningTasks
from advisor.units import FloatArray


def fargate_meters(
    architecture: Architecture, purchase_option: PurchaseOption, *, ephemeral_storage_gib: int, has_public_ip: bool
) -> tuple[Meter, ...]:
    """Meters that one task runs up, in the order of :func:`fargate_quantities`."""
    meters = [fargate_vcpu_hour(architecture, purchase_option), fargate_gib_hour(architecture, purchase_option)]
    if ephemeral_storage_gib > FARGATE_INCLUDED_STORAGE_GIB:
        meters.append(FARGATE_EPHEMERAL_GIB_HOUR)
    if has_public_ip:
        meters.append(PUBLIC_IPV4_HOUR)
    return tuple(meters)


def fargate_quantities(
    billed_tasks: FloatArray, size: TaskSize, *, ephemeral_storage_gib: int, has_public_ip: bool
) -> FloatArray:
    r"""What tasks of one size consume per hour on Fargate: (meters, steps).

    Fargate bills what a task requests, not what it uses [1]_.

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
    per_task = [size.vcpu, size.memory_gib]
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
    return billed_fargate_tasks(run.tasks, startup_s=run.service.startup_s, step_s=step_s)


def billed_fargate_tasks(running: FloatArray, *, startup_s: float, step_s: int) -> FloatArray:
    """Running tasks plus those that pull their image and boot, (steps,).

    Billing starts with the image pull, so each task that is started adds ``startup_s`` to the step in which it starts. A start
    is an increase from one known step to the next; tasks replaced at an equal count are not seen. The minimum of 60 s a task is
    met by start-up and one step of 20 s or more, as long as start-up takes 40 s; otherwise it is up to 60 s short a start.
    """
    starts = np.zeros_like(running)
    starts[1:] = np.maximum(np.nan_to_num(np.diff(running), nan=0.0), 0.0)
    return np.asarray(running + starts * (startup_s / step_s))
