"""One cell of the counts replay in a plain loop: how many tasks and instances, with no task and no instance as an object.

Written from docs/replay.md, not from ``advisor``. Instances hold ``places`` tasks each, filled one after the other; ``places``
None is Fargate. Policy and group are given as :mod:`tests.oracle.ecs_cluster` takes them.
"""

import math

NEVER = -(10**9)


def replay(load, service, places, zones, group, step_s):
    """(placed, running, waiting, instances) of each step; a service has ``min, max, saturates_at, start_s, policy``."""
    policy = service["policy"]
    out_due, in_due = (-(-60 * policy[name] // step_s) for name in ("out_points", "in_points"))
    out_cooldown, in_cooldown = (-(-policy[name] // step_s) for name in ("out_cooldown_s", "in_cooldown_s"))
    start, most = -(-service["start_s"] // step_s), math.inf if service["max"] is None else service["max"]
    cap = math.inf if service["saturates_at"] is None else service["saturates_at"]
    low, is_one = policy["low_fraction"] * (1 - 1e-9), policy["scale_in_step"] == "one"
    first = load[0]
    desired = max(0 if first != first else math.ceil(first * (1 - 1e-9)), service["min"])
    desired = min(desired, most)
    instances = active = 0
    if places is not None:
        instances = max(-(-desired // places), min(desired, zones), group["min_instances"])
        if group["max_instances"] is not None:
            instances = min(instances, group["max_instances"])
        active = instances
        warm_up, wait, boot = (-(-group[name] // step_s) for name in ("warm_up_s", "wait_after_out_s", "boot_s"))
        group_out, group_in = (max(1, -(-60 * group[name] // step_s)) for name in ("out_points", "in_points"))
        percent = group["target_capacity_percent"]
    placed = running = desired if places is None else min(desired, instances * places)
    starting, booting = {}, {}
    above = below = high = low_steps = base = 0
    last_out = last_in = last_launch = NEVER
    steps = []
    for now, value in enumerate(load):
        running += starting.pop(now, 0)
        active += booting.pop(now, 0)
        if desired < placed:
            left = placed - desired
            stopped = min(left, running)
            running -= stopped
            left -= stopped
            for when in sorted(starting, reverse=True) if left else ():
                stopped = min(left, starting[when])
                starting[when] -= stopped
                left -= stopped
            placed = desired
        elif desired > placed:
            more = desired - placed
            if places is not None:
                more = min(more, max(active * places - placed, 0))
            if start:
                starting[now + start] = starting.get(now + start, 0) + more
            else:
                running += more
            placed += more
        waiting = desired - placed
        steps.append((placed, running, waiting, instances))
        if running and value == value:
            metric = min(value / running, cap)
            above = above + 1 if metric > 1 + 1e-9 else 0
            below = below + 1 if metric < low else 0
            wanted = desired
            if above >= out_due:
                first_count = running if now - last_out >= out_cooldown else base
                wanted = min(math.ceil(first_count * metric * (1 - 1e-9)), most)
                if wanted > desired:
                    last_out, base, last_in = now, first_count, NEVER
            if wanted <= desired:
                wanted = desired
                if below >= in_due and not policy["is_scale_in_disabled"] and now - last_in >= in_cooldown:
                    fewer = math.ceil(running * metric * (1 - 1e-9))
                    fewer = max(fewer, desired - 1 if is_one else 0, service["min"])
                    if fewer < desired:
                        wanted, last_in = fewer, now
            desired = wanted
        else:
            above = below = 0
        if places is None:
            continue
        busy = -(-placed // places)
        needed = busy - (-waiting // places)
        target = -(-needed * 100 // percent)
        high = high + 1 if needed * 100 > percent * instances else 0
        low_steps = low_steps + 1 if needed * 100 < percent * instances else 0
        if high >= group_out and now - last_launch >= warm_up:
            n_new = min(max(target - instances, group["least_step"]), group["most_step"]) if instances else group["from_zero"]
            if group["max_instances"] is not None:
                n_new = min(n_new, group["max_instances"] - instances)
            if n_new > 0:
                instances += n_new
                booting[now + 1 + boot] = booting.get(now + 1 + boot, 0) + n_new
                last_launch = now
        if low_steps >= group_in and now - last_launch >= wait:
            n_less = min(instances - target, max(1, (instances - 1) // 2), instances - group["min_instances"], active - busy)
            if n_less > 0:
                instances -= n_less
                active -= n_less
    return steps
