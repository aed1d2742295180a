"""Time axis, task counts, Fargate and instance money, one plain step after the other.

A series is a list with one value per substep; ``None`` is a gap, which is never zero. Sizes are CPU units and MiB, money
is USD, and ``start_s`` counts seconds since a Monday 00:00 UTC.
"""

from fractions import Fraction
from math import ceil, gcd

CPU_UNITS_PER_VCPU = 1024
MIB_PER_GIB = 1024
MONTH_HOURS = 730
WEEK_HOURS = 168
SCALE_IN_DELAY_S = 900
RELATIVE_TOLERANCE = 1e-9

# vCPU -> memory in GiB that a Fargate task of that vCPU may have
FARGATE_MEMORY_GIB = {
    0.25: [0.5, 1, 2],
    0.5: [1, 2, 3, 4],
    1: [2, 3, 4, 5, 6, 7, 8],
    2: list(range(4, 16 + 1)),
    4: list(range(8, 30 + 1)),
    8: list(range(16, 60 + 1, 4)),
    16: list(range(32, 120 + 1, 8)),
    32: [60, 120, 244],
}


# Time axis


def grid_seconds(step_s):
    """Length of a substep: it divides the step of the data and the scale-in delay.

    The delay: Amazon ECS Developer Guide, "Automatically manage Amazon ECS capacity with cluster auto scaling", scale-in after
    15 data points of one minute.
    """
    if not 20 <= step_s <= 3600 or 3600 % step_s != 0:
        raise ValueError(f"a step is 20 to 3600 s long and divides the hour, got {step_s}")
    return gcd(step_s, SCALE_IN_DELAY_S)


def substeps(values, step_s):
    """Each value of a step held over all its substeps. (This model's own rule.)"""
    series = []
    for value in values:
        for _ in range(step_s // grid_seconds(step_s)):
            series.append(value)
    return series


def trailing_maximum(series, grid_s):
    """The largest known value of the last 0.25 h and now; a gap stays a gap.

    Amazon ECS Developer Guide, "Target tracking scaling policies for Amazon ECS services" and "cluster auto scaling": the low
    alarm needs 15 minutes, so what is no longer needed is paid for 15 minutes more.
    """
    largest = []
    for now in range(len(series)):
        if series[now] is None:
            largest.append(None)
            continue
        highest = series[now]
        for earlier in range(now - SCALE_IN_DELAY_S // grid_s, now):
            if earlier >= 0 and series[earlier] is not None and series[earlier] > highest:
                highest = series[earlier]
        largest.append(highest)
    return largest


# Months and weeks


def known(series):
    """True where a series has a value. (Amazon ECS Developer Guide, "CloudWatch metrics": no running task, no data point.)"""
    return [value is not None for value in series]


def known_in_all(many_series):
    """True where every one of several series has a value: what a set of services is billed on. (This model's own rule.)"""
    together = []
    for now in range(len(many_series[0])):
        together.append(all(series[now] is not None for series in many_series))
    return together


def hour_of_week(now, start_s, grid_s):
    """0 to 167, 0 from Monday 00:00 UTC, of the moment at which a substep starts. (Calendar arithmetic.)"""
    return (start_s + now * grid_s) // 3600 % WEEK_HOURS


def hour_of_week_weights(measured, start_s, grid_s, hours):
    """How many of ``hours`` each substep stands for: every measured hour of the week weighs the same.

    All zero where nothing was measured. (This model's own rule, no AWS text.)
    """
    measured_in = {}
    for now in range(len(measured)):
        if measured[now]:
            hour = hour_of_week(now, start_s, grid_s)
            measured_in[hour] = measured_in.get(hour, 0) + 1
    weights = []
    for now in range(len(measured)):
        if measured[now]:
            weights.append(hours / len(measured_in) / measured_in[hour_of_week(now, start_s, grid_s)])
        else:
            weights.append(0.0)
    return weights


def month_weights(measured, start_s, grid_s):
    """Month-hours of each substep; they add up to 730 h, the month of AWS's own pricing examples and Pricing Calculator."""
    return hour_of_week_weights(measured, start_s, grid_s, MONTH_HOURS)


def month_total(per_hour, weights):
    """What a quantity per hour adds up to in a month, or None where nothing was measured. (Arithmetic.)"""
    if not any(weights):
        return None
    total = 0.0
    for quantity, weight in zip(per_hour, weights, strict=True):
        if weight > 0:
            if quantity is None:
                raise ValueError("a substep has a weight but no value")
            total += weight * quantity
    return total


def weekly_usd(usd_per_hour, measured, start_s, grid_s):
    """Dollars of each whole week, oldest first, counted back from the end; None for a week less than half measured.

    A week with gaps is scaled to 168 h with its own hour-of-week weights. (This model's own rule, no AWS text.)
    """
    per_week = WEEK_HOURS * 3600 // grid_s
    weeks = []
    for week in range(len(usd_per_hour) // per_week, 0, -1):
        first = len(usd_per_hour) - week * per_week
        in_week = measured[first : first + per_week]
        if 2 * sum(in_week) < per_week:
            weeks.append(None)
            continue
        weights = hour_of_week_weights(in_week, start_s + first * grid_s, grid_s, WEEK_HOURS)
        weeks.append(month_total(usd_per_hour[first : first + per_week], weights))
    return weeks


# Tasks


def round_up(value):
    """The next whole number up; a value within 1e-9 of a whole number, relatively, is that number. (Arithmetic.)"""
    nearest = round(value)
    if abs(value - nearest) <= RELATIVE_TOLERANCE * nearest:
        return nearest
    return ceil(value)


def counts_react_to_cpu(service):
    """Whether a bigger task means fewer tasks: the load is known as CPU in use, not as a count or as requests a task serves.

    Amazon ECS Developer Guide, "Target tracking scaling policies": ECSServiceAverageCPUUtilization.
    """
    if service["form"] == "utilization":
        return True
    return service["form"] == "requests" and service.get("cpu_ms_per_request") is not None


def cpu_units_from_percent(cpu_percent, tasks, task_cpu):
    """CPU units in use from what CloudWatch reports.

    Amazon ECS Developer Guide, "Amazon ECS service utilization metrics": CPUUtilization is the units in use over the units
    reserved in the task definition times the tasks.
    """
    return cpu_percent / 100 * tasks * task_cpu


def cpu_units_in_use(service, demand):
    """CPU units in use per substep, or None where only counts are known.

    Amazon ECS Developer Guide, "Task definition parameters": 1024 CPU units are one vCPU; so a vCPU busy for one second in
    each second is 1024 units.
    """
    if not counts_react_to_cpu(service):
        return None
    units = []
    for value in demand:
        if value is None:
            units.append(None)
        elif service["form"] == "utilization":
            units.append(value)
        else:
            units.append(value * service["cpu_ms_per_request"] / 1000 * CPU_UNITS_PER_VCPU)
    return units


def minimum_tasks(service, zones=2):
    """The stated minimum, else two for a load-balanced service in two zones, else one.

    Elastic Load Balancing User Guide, "Availability Zones": targets in two zones.
    """
    if service.get("min") is not None:
        return service["min"]
    return 2 if service.get("port") is not None and zones >= 2 else 1


def needed_tasks(service, demand, task_cpu, minimum):
    """Tasks needed per substep, and how many of those are above the maximum.

    Application Auto Scaling User Guide, "Target tracking scaling policies": capacity in proportion to metric over target,
    rounded up, between minimum and maximum capacity. Without a task there is no metric to scale out by, so that one is kept.
    Measured task counts are taken as they are.

    Returns
    -------
    need, unmet : two lists
    """
    if service["form"] == "tasks":
        return list(demand), [None if value is None else 0 for value in demand]
    if counts_react_to_cpu(service):
        load, load_per_task = cpu_units_in_use(service, demand), service["target"] * task_cpu
    else:
        load, load_per_task = demand, service["requests_per_task"]
    need, unmet = [], []
    for value in load:
        if value is None:
            need.append(None)
            unmet.append(None)
            continue
        wanted = round_up(value / load_per_task)
        missing = 0
        if service.get("max") is not None:
            missing = max(0, wanted - service["max"])
        wanted = max(wanted, minimum, 1)
        if service.get("max") is not None:
            wanted = min(wanted, service["max"])
        need.append(wanted)
        unmet.append(missing)
    return need, unmet


def running_tasks(service, need, grid_s):
    """Tasks running: the need and what is not yet scaled in; measured task counts as they are.

    Amazon ECS Developer Guide, "Target tracking scaling policies for Amazon ECS services": scale-in after 15 minutes.
    """
    if service["form"] == "tasks":
        return list(need)
    return trailing_maximum(need, grid_s)


# Fargate


def fargate_sizes():
    """All 77 pairs of CPU units and MiB.

    Amazon ECS Developer Guide, "Fargate task definition considerations", Task CPU and memory.
    """
    sizes = []
    for vcpu, memories in FARGATE_MEMORY_GIB.items():
        for gib in memories:
            sizes.append((int(vcpu * CPU_UNITS_PER_VCPU), int(gib * MIB_PER_GIB)))
    return sizes


def fargate_ways(cpu, memory, react_to_cpu):
    """Each way to run a task on Fargate: CPU units, MiB, and whether as many tasks run as of the declared size.

    The declared size where Fargate has it. Otherwise every size that holds the task, each task then having room to spare; and,
    where fewer tasks of more CPU can carry the load, sizes whose memory grows with their CPU, because each task takes more of
    the load. None at all where Fargate has nothing as large. Amazon ECS Developer Guide, "Fargate task definition
    considerations", Task CPU and memory; the growth is this model's own rule.
    """
    if (cpu, memory) in fargate_sizes():
        return [(cpu, memory, True)]
    ways = []
    for new_cpu, new_memory in fargate_sizes():
        if new_cpu < cpu or new_memory < memory:
            continue
        ways.append((new_cpu, new_memory, True))
        if react_to_cpu and new_memory >= memory * Fraction(new_cpu, cpu):
            ways.append((new_cpu, new_memory, False))
    return ways


def minimum_after_resize(minimum, cpu, new_cpu, load_balanced):
    """The minimum count keeps its CPU when fewer, larger tasks run, but not fewer tasks than are needed to be available.

    (This model's own rule.)
    """
    return max(ceil(Fraction(minimum * cpu, new_cpu)), min(minimum, 2 if load_balanced else 1))


def tasks_started(running):
    """Tasks that start at each substep: every increase between two known counts.

    AWS Fargate pricing, "Pricing Details": a task is billed from the start of its image download.
    """
    started = []
    for now in range(len(running)):
        if running[now] is None:
            started.append(None)
        elif now == 0 or running[now - 1] is None:
            started.append(0)
        else:
            started.append(max(0, running[now] - running[now - 1]))
    return started


def fargate_billed_tasks(running, grid_s, startup_s=60):
    """Tasks billed at each substep: those running, and those starting for the part of the substep that a start takes.

    AWS Fargate pricing, "Pricing Details": duration from image download until the task ends.
    """
    billed = []
    for count, started in zip(running, tasks_started(running), strict=True):
        billed.append(None if count is None else count + started * startup_s / grid_s)
    return billed


def fargate_short_lives(running, grid_s, startup_s, least_s):
    """Tasks, at the substep of their start, that the least bill of a task adds to those of `fargate_billed_tasks`.

    AWS Fargate pricing: five minutes on Windows. The task that came last goes first; a gap or the end of the load ends none.
    """
    added, alive = [0.0] * len(running), []
    for now, count in enumerate(running):
        if count is None:
            alive = []
            continue
        while len(alive) > count:
            start = alive.pop()
            if start is not None:
                added[start] += max(0, least_s - startup_s - (now - start) * grid_s) / grid_s
        known = now > 0 and running[now - 1] is not None
        alive += [now if known else None] * (count - len(alive))
    return added


def fargate_usd_per_task_hour(cpu, memory, rates, ephemeral_gib=20, public_ipv4=False):
    """Dollars of one task for an hour, by line item.

    AWS Fargate pricing: requested vCPU and memory, ephemeral storage above 20 GB. Amazon VPC pricing: public IPv4 addresses.
    """
    return {
        "vcpu": cpu / CPU_UNITS_PER_VCPU * rates["fargate_usd_per_vcpu_hour"],
        "memory": memory / MIB_PER_GIB * rates["fargate_usd_per_gib_hour"],
        "ephemeral": max(0, ephemeral_gib - 20) * rates["ephemeral_usd_per_gib_hour"],
        "ipv4": rates["ipv4_usd_per_hour"] if public_ipv4 else 0.0,
    }


def fargate_usd_per_hour(billed_tasks, cpu, memory, rates, ephemeral_gib=20, public_ipv4=False):
    """Dollars per hour at each substep. AWS Fargate pricing, "Pricing Details"."""
    per_task = sum(fargate_usd_per_task_hour(cpu, memory, rates, ephemeral_gib, public_ipv4).values())
    return [None if count is None else count * per_task for count in billed_tasks]


def fargate_month_usd(running, grid_s, weights, cpu, memory, rates, startup_s=60, ephemeral_gib=20, public_ipv4=False):
    """Quantities and dollars of a month on Fargate, or None where nothing was measured.

    AWS Fargate pricing, "Pricing Details": vCPU, memory and storage requested, from image download to the end of the task.
    """
    billed = fargate_billed_tasks(running, grid_s, startup_s)
    task_hours = month_total(billed, weights)
    if task_hours is None:
        return None
    usd = {}
    for item, per_task in fargate_usd_per_task_hour(cpu, memory, rates, ephemeral_gib, public_ipv4).items():
        usd[item] = task_hours * per_task
    return {
        "task_hours": task_hours,
        "startup_task_hours": task_hours - month_total(running, weights),
        "vcpu_hours": task_hours * cpu / CPU_UNITS_PER_VCPU,
        "gib_hours": task_hours * memory / MIB_PER_GIB,
        "ephemeral_gib_hours": task_hours * max(0, ephemeral_gib - 20),
        "ipv4_hours": task_hours if public_ipv4 else 0.0,
        "usd": usd,
        "total_usd": sum(usd.values()),
    }


# Instances


def credit_pass(used, running, vcpu, baseline_fraction, hours, owed):
    """One pass of an instance over the history: (what it owes at the end, vCPU-hours charged at each substep).

    ``owed`` is in vCPU-hours, negative where credits are saved. Saved is at most what 24 hours earn; owed beyond as much is
    charged, and so is what is owed when the instance ends. Amazon EC2 User Guide, "Unlimited mode for burstable performance
    instances"; 60 credits are a vCPU-hour.
    """
    most = baseline_fraction * vcpu * 24
    charged = [0.0] * len(used)
    for now in range(len(used)):
        if not running[now]:
            owed = 0.0
            continue
        if not running[now - 1]:  # the substep before the first is the last: the history goes on for ever
            owed = 0.0
        if used[now] is not None:
            owed = max(owed + (used[now] - baseline_fraction * vcpu) * hours, -most)
        charged[now] = max(owed - most, 0.0)
        owed = min(owed, most)
        if not running[(now + 1) % len(used)]:
            charged[now] += max(owed, 0.0)
    return owed, charged


def surplus_vcpu(cpu_units, instances, vcpu, baseline_fraction, hours):
    """vCPUs charged as surplus credits at each substep of so many hours, over all instances; the load is shared evenly.

    No instance uses more vCPUs than it has, whatever the load wants. The last to be launched ends first. The history goes on
    for ever: where it spends more than it earns, instances begin in debt, where it earns more, with all that they can save.
    Amazon EC2 User Guide, "Key concepts for burstable performance instances", baseline utilization.
    """
    counts, last = [], next((count for count in reversed(instances) if count is not None), 0)
    for count in instances:
        last = last if count is None else count
        counts.append(last)
    used = []
    for units, count, known in zip(cpu_units, counts, instances, strict=True):
        missing = units is None or known is None
        used.append(None if missing else min(units / CPU_UNITS_PER_VCPU / count, vcpu) if count else 0.0)
    total = [None if each is None else 0.0 for each in used]
    most = baseline_fraction * vcpu * 24
    for number in range(1, int(max(counts, default=0)) + 1):
        running = [count >= number for count in counts]
        drift = sum(
            baseline_fraction * vcpu - each for each, runs in zip(used, running, strict=True) if runs and each is not None
        )
        is_even = abs(drift) * hours <= RELATIVE_TOLERANCE * most
        begin = 0.0 if is_even else -most if drift > 0 else most
        begin, _ = credit_pass(used, running, vcpu, baseline_fraction, hours, begin)
        _, charged = credit_pass(used, running, vcpu, baseline_fraction, hours, begin)
        for now, each in enumerate(charged):
            if total[now] is not None:
                total[now] += each / hours
    return total


def instance_usd_per_hour(
    usd_per_instance_hour, gp3_usd_per_gib_month, root_gib=30, fee_usd_per_hour=0.0, ipv4_usd_per_hour=0.0
):
    """Dollars of one instance for an hour, by line item.

    Amazon EC2 On-Demand pricing, per instance-hour; Amazon EBS pricing, gp3 storage per GB-month; Amazon ECS pricing, the
    management fee of Managed Instances; Amazon VPC pricing, public IPv4 addresses in use.
    """
    return {
        "instances": usd_per_instance_hour,
        "ebs": root_gib * gp3_usd_per_gib_month / MONTH_HOURS,
        "fee": fee_usd_per_hour,
        "ipv4": ipv4_usd_per_hour,
    }


def instances_usd_per_hour(instances, per_instance_hour, surplus=None, surplus_usd_per_vcpu_hour=0.0):
    """Dollars per hour at each substep. Amazon EC2 On-Demand pricing; surplus credits as in ``surplus_vcpu``."""
    usd = []
    for now in range(len(instances)):
        if instances[now] is None:
            usd.append(None)
            continue
        amount = instances[now] * sum(per_instance_hour.values())
        if surplus is not None:
            amount += surplus[now] * surplus_usd_per_vcpu_hour
        usd.append(amount)
    return usd


def instances_month_usd(instances, weights, per_instance_hour, surplus=None, surplus_usd_per_vcpu_hour=0.0):
    """Quantities and dollars of a month on instances, or None where nothing was measured.

    ``per_instance_hour`` is what ``instance_usd_per_hour`` returns. Amazon EC2 On-Demand pricing; Amazon EBS pricing.
    """
    hours = month_total(instances, weights)
    if hours is None:
        return None
    usd = {}
    for item, per_hour in per_instance_hour.items():
        usd[item] = hours * per_hour
    surplus_hours = month_total(surplus, weights) if surplus is not None else 0.0
    usd["surplus"] = surplus_hours * surplus_usd_per_vcpu_hour
    return {"instance_hours": hours, "surplus_vcpu_hours": surplus_hours, "usd": usd, "total_usd": sum(usd.values())}


def spot_pool_members(month_usd, vcpu, size=6):
    """The names of the types of a pool, cheapest first, ties by name; None where there are too few.

    ``month_usd`` maps each type to its total, None where it cannot run the load, and ``vcpu`` to its size. All members are of
    one size, because managed scaling counts instances as if they were equal: the ``size`` cheapest of the size where these cost
    least together. Amazon EC2 User Guide, "Best practices for Amazon EC2 Spot", be flexible about instance types; Amazon ECS
    Developer Guide, "cluster auto scaling", Auto Scaling groups of like instance types.
    """
    best = None
    for one_size in sorted(set(vcpu.values())):
        possible = [name for name in month_usd if month_usd[name] is not None and vcpu[name] == one_size]
        if len(possible) < size:
            continue
        possible.sort(key=lambda name: (month_usd[name], name))
        usd = sum(month_usd[name] for name in possible[:size])
        if best is None or usd < best[0]:
            best = usd, possible[:size]
    return None if best is None else best[1]


def spot_pool_month_usd(month_usd, vcpu, size=6):
    """A Spot pool costs the mean of its members' months. Amazon EC2 User Guide, "Spot Instances", as ``spot_pool_members``."""
    members = spot_pool_members(month_usd, vcpu, size)
    if members is None:
        return None
    return sum(month_usd[name] for name in members) / size
