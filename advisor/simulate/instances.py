"""What container instances offer, and how many of them a load keeps running."""

from collections.abc import Sequence

import numpy as np

from advisor.ecs import FARGATE_INCLUDED_STORAGE_GIB, InstanceType, LaunchType, NetworkMode, TaskSize
from advisor.meters import sum_over_states
from advisor.simulate.packing import as_counts, tasks_per_instance
from advisor.simulate.timeline import trailing_maximum
from advisor.units import CEIL_TOLERANCE, HOURS_PER_MONTH, FloatArray, IntArray
from advisor.workload import Daemon, Service

ROOT_VOLUME_GIB = 30
"""Of every container instance: for the system, its images and what tasks write that state no ephemeral storage."""
WINDOWS_ROOT_VOLUME_GIB = 50
"""The same with Windows, whose ECS-optimized image asks for as much."""
MAX_VOLUME_GIB = 16_384
"""Of a volume that an instance starts from."""
_WEIGHTS = np.array([(a, b, 8 - a - b) for a in range(9) for b in range(9 - a)]) / 8.0
"""Of CPU, memory and network slots against each other."""
UNKNOWN_ENIS = 2
"""Interfaces assumed where the number is not known: the least that any current type has, so one awsvpc task."""


def capacity(
    instance_type: InstanceType,
    *,
    has_trunking: bool,
    daemons: Sequence[Daemon] = (),
    least_gpus: int = 0,
    have_interfaces: bool = True,
    reserved_memory_mib: int = 0,
) -> IntArray:
    """What one container instance offers to tasks: CPU units, registered memory in MiB, network slots (3,).

    All CPU units are registered; memory is less than nominal. A daemon task takes its share of every instance. Each awsvpc
    task needs an interface: all but the primary one, or the branch interfaces where the type allows trunking [1]_.

    Parameters
    ----------
    least_gpus
        On types with GPUs only tasks run that ask for some, each for this many or more: a slot is a GPU.
    have_interfaces
        Whether such tasks are in network mode awsvpc, some of them at least: then there are no more GPUs than as many tasks can
        use as there are network slots.
    reserved_memory_mib
        ``ECS_RESERVED_MEMORY``: so much less is registered.

    References
    ----------
    .. [1] Amazon ECS Developer Guide, "Increasing Amazon ECS Linux container instance network interfaces".
    """
    slots = (instance_type.max_enis or UNKNOWN_ENIS) - 1
    if has_trunking and instance_type.trunked_tasks is not None:
        slots = instance_type.trunked_tasks
    registered_mib = instance_type.registered_memory_mib - reserved_memory_mib
    offered = np.array([instance_type.cpu_units, registered_mib, slots], dtype=np.int64)
    for daemon in daemons:
        offered -= np.array([daemon.task.cpu_units, daemon.task.memory_mib, int(daemon.has_network_interface)], dtype=np.int64)
    if instance_type.gpus is not None and least_gpus:
        offered[2] = min(instance_type.gpus, offered[2] * least_gpus) if have_interfaces else instance_type.gpus
    return np.maximum(offered, 0)


def reservation(service: Service, size: TaskSize, launch_type: LaunchType) -> IntArray:
    """What one task of a service takes from an instance: CPU units, MiB, network slots, or with GPUs as many as these (3,).

    A slot in network mode awsvpc, and none in the others, whose tasks have no interface of their own.
    """
    slots = int(service.network_mode_on(launch_type) is NetworkMode.AWSVPC)
    return np.array([size.cpu_units, size.memory_mib, size.gpus or slots], dtype=np.int64)


def most_tasks(service: Service, size: TaskSize, launch_type: LaunchType, capacity: IntArray) -> IntArray:
    """Tasks of a service that one instance holds, alone: ``capacity`` (..., 3) -> (...)."""
    room = tasks_per_instance(reservation(service, size, launch_type), capacity)
    is_sole = service.has_distinct_instances or service.host_ports_on(launch_type)
    return np.minimum(room, 1) if is_sole else room


def with_zone_floor(instances: IntArray, n_tasks: IntArray, zones: int) -> IntArray:
    """At least one instance in each zone while any task runs, none when none runs."""
    return np.where(n_tasks > 0, np.maximum(instances, zones), 0)


def held(instances: FloatArray, delay_steps: int) -> FloatArray:
    """Instances running when scale-in waits for the delay, under binpack and under AZ spread then binpack."""
    return trailing_maximum(instances, delay_steps)


def held_under_default_spread(instances: FloatArray, n_tasks: FloatArray, delay_steps: int) -> FloatArray:
    r"""Instances running under ECS's default placement, which spreads tasks over zones and then over instances.

    Such a cluster releases no instance while there are at least as many tasks as instances: each holds one.

    Notes
    -----
    .. math:: I_t = \max\left(P^{15}_t, \min(I_{t-1}, n^{15}_t)\right)

    with the packed instances :math:`P` and tasks :math:`n`, both as trailing maxima of 15 minutes. An upper figure when several
    services share the cluster. A gap keeps the last known value.
    """
    packed, tasks = trailing_maximum(instances, delay_steps), trailing_maximum(n_tasks, delay_steps)
    result, last = np.empty_like(packed), 0.0
    for step, (least, most) in enumerate(zip(packed.tolist(), tasks.tolist(), strict=True)):
        if least == least:  # not NaN
            last = max(least, min(last, most))
            result[step] = last
        else:
            result[step] = np.nan
    return result


def held_in_zones(packed: FloatArray, n_tasks: IntArray, per_instance: int, zones: int, delay_steps: int) -> FloatArray:
    r"""Instances running under AZ spread, then binpack, for one service alone, (steps,).

    Tasks are shared evenly over the zones and stay where they are: as many instances are kept as the zones' shares fill one by
    one, where the tasks of all zones together would fill fewer.

    Notes
    -----
    .. math:: I_t = \max\left(P^{15}_t, \min(I_{t-1}, Z^{15}_t)\right), \qquad
        Z = \sum_z \left\lceil n_z / k \right\rceil

    with the packed instances :math:`P`, and with :math:`n_z` of the :math:`n` tasks in each zone. To bound by both sides is a
    function that can be composed before it is applied, so that no loop over steps is needed.
    """
    least = trailing_maximum(packed, delay_steps)
    share, more = n_tasks // zones, n_tasks % zones
    filled = (zones - more) * -(-share // per_instance) + more * -(-(share + 1) // per_instance)
    most = np.fmax(trailing_maximum(np.where(np.isnan(packed), np.nan, filled), delay_steps), least)
    is_gap = np.isnan(least)
    low, high = np.where(is_gap, 0.0, least), np.where(is_gap, np.inf, most)  # a gap changes nothing
    high[:1] = low[:1]
    reach = 1
    while reach < low.size and not np.array_equal(low, high):
        low[reach:], high[reach:] = (np.clip(earlier[:-reach], low[reach:], high[reach:]) for earlier in (low, high))
        reach *= 2
    return np.where(is_gap, np.nan, low)


def held_under_default_spread_of_one(packed: FloatArray, n_tasks: IntArray, zones: int, delay_steps: int) -> FloatArray:
    r"""Instances running under ECS's default placement for one service alone, (steps,): zone by zone.

    As :func:`held_under_default_spread`, in each zone with its own share of the tasks: an instance more than a zone has tasks
    is let go there, though another zone has tasks enough. Of a share that does not divide, zones that were filled first get
    more on the way up, and keep less on the way down. New instances come where fewest are.

    Notes
    -----
    .. math:: I_{z,t} = \min(I_{z,t-1}, n^{15}_{z,t}), \qquad \text{then one more where there are fewest, until}
        \sum_z I_{z,t} \ge P^{15}_t
    """
    least = trailing_maximum(packed, delay_steps)
    most = trailing_maximum(_zone_tasks(n_tasks, zones).astype(np.float64), delay_steps)
    is_new = np.ones(least.size, dtype=np.bool_)
    is_new[1:] = (least[1:] != least[:-1]) | (most[:, 1:] != most[:, :-1]).any(axis=0)
    at = np.flatnonzero(is_new & ~np.isnan(least))
    result = np.zeros(least.size)
    now = [0.0] * zones
    for step, low, high in zip(at.tolist(), least[at].tolist(), most[:, at].T.tolist(), strict=True):
        now = [min(pair) for pair in zip(now, high, strict=True)]
        while sum(now) < low:
            now[now.index(min(now))] += 1
        result[step] = sum(now)
    known = np.zeros(least.size, dtype=np.int64)
    known[at] = at
    return np.where(np.isnan(least), np.nan, result[np.maximum.accumulate(known)])


def _zone_tasks(n_tasks: IntArray, zones: int) -> IntArray:
    """(zones, steps): tasks of one service in each zone; they come to the emptiest and go from the fullest, lowest first."""
    is_new = np.ones(n_tasks.size, dtype=np.bool_)
    is_new[1:] = n_tasks[1:] != n_tasks[:-1]
    at = np.flatnonzero(is_new)
    shares, now, before = [], [0] * zones, 0
    for n in n_tasks[at].tolist():
        band, rest = divmod(n, zones)
        if n // zones != before // zones and n > before:  # through an even share on the way
            now = [band + (zone < rest) for zone in range(zones)]
        elif n < before and -(-n // zones) != -(-before // zones):
            now = [band + (zone >= zones - rest) for zone in range(zones)]
        else:
            now = list(now)
            while sum(now) < n:
                now[now.index(min(now))] += 1
            while sum(now) > n:
                now[now.index(max(now))] -= 1
        before = n
        shares.append(now)
    return np.repeat(np.array(shares, dtype=np.int64).reshape(-1, zones).T, np.diff(np.append(at, n_tasks.size)), axis=1)


def dedicated_instance_hours(running: FloatArray, hours: FloatArray, per_instance: IntArray, zones: int) -> FloatArray:
    r"""Instance-hours of a month for one service alone on its own instances, for every candidate at once.

    Three facts remove nearly all of the work, all exact: purchase options do not change the count; many instance types hold the
    same number of tasks; and task counts are small whole numbers, so that a histogram replaces the time axis.

    Parameters
    ----------
    running : (steps,)
        Tasks running, held for the scale-in delay of the instances; NaN in a gap. [tasks]
    hours : (steps,)
        Hours of the month that each step stands for; 0 in a gap. [h]
    per_instance : (candidates,)
        Tasks that one instance holds, at least 1.
    zones : int
        Least instances while any task runs.

    Returns
    -------
    FloatArray
        (candidates,) instance-hours.

    Notes
    -----
    .. math:: H_k = \sum_u h_u \max\left(\lceil u / k \rceil, z\,[u > 0]\right)
    """
    histogram: FloatArray = np.bincount(as_counts(running), weights=hours).astype(np.float64, copy=False)
    tasks = np.flatnonzero(histogram).astype(np.int64, copy=False)
    distinct, index = np.unique(per_instance, return_inverse=True)
    instances = with_zone_floor(-(-tasks[np.newaxis] // distinct[:, np.newaxis]), tasks, zones)
    return sum_over_states(instances, histogram[tasks])[index]


def root_volume_gib(tasks: Sequence[tuple[Service, TaskSize]], launch_type: LaunchType, capacity: IntArray) -> IntArray:
    """Size of the root volume of an instance that runs tasks of some services, for each capacity (..., 3): (...). [GiB]

    An instance has no disk for a task but its own: it holds :data:`ROOT_VOLUME_GIB` (with Windows
    :data:`WINDOWS_ROOT_VOLUME_GIB`), and what tasks that state more ephemeral storage than the default ask for, as much as
    those that it has room for may ask for together.

    Parameters
    ----------
    tasks : (services,)
        Each service with the size of its tasks.
    """
    asking = [(each, size) for each, size in tasks if each.ephemeral_storage_gib > FARGATE_INCLUDED_STORAGE_GIB]
    image_gib = WINDOWS_ROOT_VOLUME_GIB if any(each.is_windows for each, _ in tasks) else ROOT_VOLUME_GIB
    if not asking:
        return np.full(capacity.shape[:-1], image_gib, dtype=np.int64)
    storage_gib = [each.ephemeral_storage_gib for each, _ in asking]
    of_each = np.sum(
        [most_tasks(*each, launch_type, capacity) * gib for each, gib in zip(asking, storage_gib, strict=True)], axis=0
    )
    # No mix asks for more than if all went to the tasks that ask most for what they take, however the dimensions are weighed.
    taken = [(reservation(*each, launch_type) / np.maximum(capacity, 1)) @ _WEIGHTS.T for each in asking]
    of_mixes = np.max([gib / each for each, gib in zip(taken, storage_gib, strict=True)], axis=0).min(axis=-1)
    return np.asarray(image_gib + np.minimum(of_each, np.floor(of_mixes + CEIL_TOLERANCE)), dtype=np.int64)


def root_volume_gib_months(instances: FloatArray, root_volume_gib: int | IntArray) -> FloatArray:
    """GiB-months per hour of the root volumes of running instances."""
    return np.asarray(instances * (root_volume_gib / HOURS_PER_MONTH))
