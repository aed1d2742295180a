"""Tasks on container instances, one task and one instance at a time."""

from fractions import Fraction
from math import floor

from tests.oracle.model import CPU_UNITS_PER_VCPU, round_up, trailing_maximum


def network_slots(max_enis, tasks_with_trunking=None):
    """Tasks in awsvpc mode that one instance can hold.

    Amazon ECS Developer Guide, "Increasing Amazon ECS Linux container instance network interfaces": the primary interface
    is taken; with trunking the figure of the type's table.
    """
    return max_enis - 1 if tasks_with_trunking is None else tasks_with_trunking


def capacity(instance_type):
    """CPU units, registered MiB and network slots of one instance.

    Amazon ECS Developer Guide, "Task definition parameters", cpu: instance units are vCPUs times 1024, and "Reserving Amazon
    ECS Linux container instance memory": registered memory is what the system reports, less than installed.
    """
    return instance_type["vcpu"] * CPU_UNITS_PER_VCPU, instance_type["memory_mib"], instance_type["slots"]


def tasks_per_instance(cpu, memory, instance_type):
    """How many equal tasks one instance holds, 0 where not even one fits.

    Amazon ECS Developer Guide, "How Amazon ECS places tasks on container instances": CPU, memory and ports must be there.
    """
    units, mib, slots = capacity(instance_type)
    return min(units // cpu, mib // memory, slots)


def root_volume_gib(services, instance_type):
    """30 GiB, or those of its image, and for tasks over 20 GiB each what no mix of them exceeds. (This model's own rule.)

    Amazon ECS Developer Guide, "Fargate task ephemeral storage": tasks on instances have no disk but that of their instance.
    """
    image_gib = instance_type.get("image_gib", 30)
    asking = [service for service in services if service.get("ephemeral_gib", 20) > 20]
    offered = capacity(instance_type)
    if not asking or 0 in offered:
        return image_gib
    most = sum(tasks_per_instance(each["cpu"], each["memory"], instance_type) * each["ephemeral_gib"] for each in asking)
    for cpu, memory in ((a, b) for a in range(9) for b in range(9 - a)):
        weights = Fraction(cpu, 8), Fraction(memory, 8), Fraction(8 - cpu - memory, 8)
        of_weights = 0
        for each in asking:
            takes = each["cpu"], each["memory"], 1
            share = sum(w * Fraction(take, offer) for w, take, offer in zip(weights, takes, offered, strict=True))
            of_weights = max(of_weights, each["ephemeral_gib"] / share)
        most = min(most, floor(of_weights))
    return image_gib + most


def with_zones(instances, tasks, zones):
    """At least one instance in each zone while any task runs, none where none runs. (This model's own rule.)"""
    return max(instances, zones) if tasks > 0 else 0


def dedicated_instances(running, per_instance, grid_s, zones=2):
    """Instances of one service alone on its own Auto Scaling group; None where a task does not fit.

    Amazon ECS Developer Guide, "Automatically manage Amazon ECS capacity with cluster auto scaling": only an empty instance
    ends, after 15 minutes.
    """
    if per_instance == 0:
        return None
    instances = []
    for count in running:
        if count is None:
            instances.append(None)
            continue
        tasks = round_up(count)
        full, rest = divmod(tasks, per_instance)
        instances.append(with_zones(full + (1 if rest > 0 else 0), count, zones))
    return trailing_maximum(instances, grid_s)


def largest_share(task, instance):
    """The part of an instance that a task takes in the dimension where it takes most, exactly. (Arithmetic.)"""
    return max(Fraction(wanted) / Fraction(offered) for wanted, offered in zip(task, instance, strict=True))


def fits(task, free):
    """Whether a task fits in what is free, in every dimension. Amazon ECS Developer Guide, "How Amazon ECS places tasks"."""
    return all(wanted <= left for wanted, left in zip(task, free, strict=True))


def first_fit_decreasing(tasks, instance):
    """Bins of task numbers: the largest task first, each into the oldest bin that has room, else into a new one.

    ``tasks`` are tuples of what each takes in every dimension, ``instance`` what one bin offers. Of equally large tasks the one
    with more of the first dimension (CPU) comes first, then of the second (memory). (A known heuristic, not a placement
    strategy of ECS: a cluster repacked at each step.)
    """
    for task in tasks:
        if not fits(task, instance):
            raise ValueError(f"{task} does not fit into an empty instance {instance}")
    largest_first = sorted(set(tasks), key=lambda task: (largest_share(task, instance), task), reverse=True)
    ranks = {task: rank for rank, task in enumerate(largest_first)}
    order = sorted(range(len(tasks)), key=lambda number: ranks[tasks[number]])
    bins, free = [], []
    for number in order:
        for bin_number in range(len(bins)):
            if fits(tasks[number], free[bin_number]):
                break
        else:
            bin_number = len(bins)
            bins.append([])
            free.append(list(instance))
        bins[bin_number].append(number)
        for dimension, wanted in enumerate(tasks[number]):
            free[bin_number][dimension] -= wanted
    return bins


def first_fit_instances(tasks, instance):
    """How many bins first-fit decreasing opens."""
    return len(first_fit_decreasing(tasks, instance))


def volume_bound_instances(tasks, instance):
    """No packing needs fewer: in each dimension, all tasks together over one instance, rounded up. (Arithmetic.)"""
    most = 0
    for dimension, offered in enumerate(instance):
        total = sum(task[dimension] for task in tasks)
        if total > 0:
            full, rest = divmod(total, offered)
            most = max(most, full + (1 if rest > 0 else 0))
    return most


def tasks_of_services(counts, sizes):
    """All tasks of one moment, service after service, each with one network slot."""
    tasks = []
    for count, (cpu, memory) in zip(counts, sizes, strict=True):
        tasks.extend([(cpu, memory, 1)] * round_up(count))
    return tasks


def shared_instances(running, sizes, instance_type, grid_s, zones=2, count_instances=first_fit_instances):
    """Instances of one type that several services share; None where a task of any of them does not fit.

    Amazon ECS Developer Guide, "How Amazon ECS places tasks on container instances" and "cluster auto scaling". The packing is
    ``count_instances``: first-fit decreasing or the volume bound.

    Returns
    -------
    dict of series: ``tasks`` (all services), ``packed`` (instances at that moment, zones included), ``instances`` (their
    trailing maximum), ``tasks_trailing``. A gap in any service is a gap in all.
    """
    for cpu, memory in sizes:
        if tasks_per_instance(cpu, memory, instance_type) == 0:
            return None
    tasks, packed, seen = [], [], {}
    for now in range(len(running[0])):
        counts = tuple(series[now] for series in running)
        if None in counts:
            tasks.append(None)
            packed.append(None)
            continue
        if counts not in seen:
            everything = tasks_of_services(counts, sizes)
            needed = count_instances(everything, capacity(instance_type))
            seen[counts] = len(everything), with_zones(needed, len(everything), zones)
        tasks.append(seen[counts][0])
        packed.append(seen[counts][1])
    return {
        "tasks": tasks,
        "packed": packed,
        "instances": trailing_maximum(packed, grid_s),
        "tasks_trailing": trailing_maximum(tasks, grid_s),
    }


def default_spread_instances(instances, tasks_trailing):
    """Instances under the default placement, an upper figure: none ends while there are as many tasks as instances.

    Amazon ECS Developer Guide, "Amazon ECS services", default placement: spread over Availability Zones, then the instance
    with fewest tasks of the service; running tasks are not moved. After a gap the last known figure counts.
    """
    spread, last = [], 0
    for packed, tasks in zip(instances, tasks_trailing, strict=True):
        if packed is None:
            spread.append(None)
            continue
        last = max(packed, min(last, tasks))
        spread.append(last)
    return spread
