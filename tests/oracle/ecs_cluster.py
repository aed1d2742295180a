"""An ECS cluster step by step: every task and every instance an object, placed, stopped, launched and ended one at a time.

Written from the page on the replay (docs/replay.md) and from AWS's documentation, not from ``advisor``. Sources of the rules
are the Amazon ECS Developer Guide ("How Amazon ECS places tasks on container instances", "Amazon ECS services", "Amazon ECS
managed scaling behavior", "Target tracking scaling policies") and the Application Auto Scaling User Guide.

A service is given as ``{"name", "task": (CPU units, MiB, slots), "start_s", "min", "max" (or None), "load": a value a step,
None for a gap, "saturates_at" (or None), "is_counts", "policy"}``, its policy as ``{"out_points", "in_points",
"low_fraction", "out_cooldown_s", "in_cooldown_s", "scale_in_step": "formula" or "one", "is_scale_in_disabled"}``, scheduled
actions as ``"bounds"``: (step, minimum or None, maximum or None) each, other policies as ``"more_policies"``: ``{"load",
"saturates_at", "policy"}`` each (then "policy" may be None), one of step scaling being ``{"steps": [(distance from the
threshold over it, change)], "is_scale_in", "points", "cooldown_s", "adjustment", "min_adjustment_magnitude" (or None),
"is_at_threshold"}`` with its load in thresholds; ``"stop_s"`` is how long a stopped task still holds its
room, ``"rebalances"`` is Availability Zone rebalancing, ``"failures"`` are (step, tasks) each, ``"host_ports"`` are fixed
ports on the instance, ``"is_distinct"`` is the constraint ``distinctInstance``, ``"deployments"`` are ``{"steps",
"minimum_healthy_percent", "maximum_percent", "healthy_s"}``; a cluster as ``{"capacity", "zones", "placement", "group":
{"target_capacity_percent", "out_points", "in_points", "wait_after_out_s", "warm_up_s", "least_step", "most_step",
"from_zero", "boot_s", "min_instances", "max_instances" (or None), "most_provisioning"}, "lost_zones": (step, zone, step from
which on it is there again or None) each}``; Fargate as None, or with a bucket of launches: ``{"burst", "sustained_per_s"}``.
"""

from dataclasses import dataclass, field

from tests.oracle.model import RELATIVE_TOLERANCE, round_up
from tests.oracle.packing import first_fit_instances, fits

BINPACK = "binpack"
INSTANCE_SPREAD = "instance_spread"
DEFAULT_SPREAD = "default_az_spread"
SPREAD_THEN_BINPACK = "az_spread_then_binpack"


@dataclass(eq=False)
class Instance:
    """A container instance. ``number`` counts launches: the lowest is the oldest."""

    number: int
    zone: int
    active_from: int
    capacity: tuple
    tasks: list = field(default_factory=list)
    leaving: list = field(default_factory=list)
    """Stopped tasks that still hold their room."""

    def free(self):
        """What is left in each dimension."""
        here = [*self.tasks, *self.leaving]
        return tuple(offered - sum(task.size[d] for task in here) for d, offered in enumerate(self.capacity))

    def takes(self, service):
        """Amazon ECS API Reference, PlacementConstraint and PortMapping: one task of a service with ``distinctInstance`` on an
        instance, and one with the same host port."""
        here = [each.service for each in [*self.tasks, *self.leaving]]
        if service.given.get("is_distinct") and service in here:
            return False
        return not any(set(service.given.get("host_ports", ())) & set(each.given.get("host_ports", ())) for each in here)

    def is_empty(self):
        return not self.tasks and not self.leaving

    def memory_left(self):
        return self.free()[1]

    def tasks_of(self, service):
        return sum(task.service is service for task in self.tasks)


@dataclass(eq=False)
class Task:
    """A task that holds room. ``instance`` is None on Fargate."""

    service: "Service"
    size: tuple
    runs_from: int
    healthy_from: int
    instance: Instance | None = None
    is_old: bool = False
    """Of a revision before the newest."""
    gone_from: int | None = None


@dataclass(eq=False)
class Policy:
    """A scaling policy with its alarms."""

    given: dict
    load: list
    saturates_at: float | None
    steps_above: int = 0
    steps_below: int = 0
    metric: float | None = None
    last_out: int | None = None
    last_in: int | None = None
    base: int = 0

    @property
    def is_tracking(self):
        return "steps" not in self.given

    def look(self, now, running, step_s):
        load = self.load[now]
        self.metric = None
        if load is not None and running:
            self.metric = load / running if self.saturates_at is None else min(load / running, self.saturates_at)
        low = self.given["low_fraction"] if self.is_tracking else 1
        is_above = self.metric is not None and self.metric > 1 + RELATIVE_TOLERANCE
        is_below = self.metric is not None and self.metric < low * (1 - RELATIVE_TOLERANCE)
        if self.given.get("is_at_threshold") and self.metric is not None and abs(self.metric - 1) < RELATIVE_TOLERANCE:
            is_above = is_below = True
        self.steps_above = self.steps_above + 1 if is_above else 0
        self.steps_below = self.steps_below + 1 if is_below else 0

    def base_now(self, now, running, step_s):
        """Within the cooldown of a scale-out, what it added counts as part of the next one."""
        cooldown = self.given["out_cooldown_s"] if self.is_tracking else self.given["cooldown_s"]
        return running if is_over(self.last_out, cooldown, now, step_s) else self.base

    def by_steps(self, tasks):
        """What a policy of step scaling makes of so many tasks.

        Application Auto Scaling User Guide, "Step scaling policies": of percent 12.7 are 12, 0.7 are 1, -0.7 are -1, -6.7
        are -6.
        """
        distance = abs(self.metric - 1)
        change = [change for begins, change in self.given["steps"] if distance >= begins - RELATIVE_TOLERANCE][-1]
        kind = self.given.get("adjustment", "ChangeInCapacity")
        if kind == "ExactCapacity":
            return change
        if kind == "PercentChangeInCapacity" and change:
            hundredths = tasks * change
            more = int(hundredths / 100)  # towards none
            more = more or (1 if change > 0 else -1)
            least = self.given.get("min_adjustment_magnitude") or 0
            return tasks + (max(more, least) if change > 0 else min(more, -least))
        return tasks + change

    def is_stepping(self, step_s):
        seen = self.steps_below if self.given["is_scale_in"] else self.steps_above
        return seen >= steps_of(60 * self.given["points"], step_s)

    def more(self, now, running, step_s):
        """The count that it asks for, or None."""
        if self.metric is None:
            return None
        base = self.base_now(now, running, step_s)
        if self.is_tracking:
            is_due = self.steps_above >= steps_of(60 * self.given["out_points"], step_s)
            return round_up(base * self.metric) if is_due else None
        may_add = not self.given["is_scale_in"] or self.given.get("adjustment") == "ExactCapacity"
        return self.by_steps(base) if may_add and self.is_stepping(step_s) else None

    def fewer(self, now, running, desired, step_s):
        if self.metric is None:
            return None
        if not self.is_tracking:
            may_remove = self.given["is_scale_in"] or self.given.get("adjustment") == "ExactCapacity"
            is_due = self.is_stepping(step_s) and is_over(self.last_in, self.given["cooldown_s"], now, step_s)
            return self.by_steps(running) if may_remove and is_due else None
        is_due = self.steps_below >= steps_of(60 * self.given["in_points"], step_s)
        if (
            not is_due
            or self.given["is_scale_in_disabled"]
            or not is_over(self.last_in, self.given["in_cooldown_s"], now, step_s)
        ):
            return None
        wanted = round_up(running * self.metric)
        return max(wanted, desired - 1) if self.given["scale_in_step"] == "one" else wanted


@dataclass(eq=False)
class Service:
    """What is asked for, what there is of it, and the memory of its policy."""

    given: dict
    desired: int = 0
    least: int = 0
    most: int | None = None
    tasks: list = field(default_factory=list)
    leaving: list = field(default_factory=list)
    policies: list = field(default_factory=list)
    is_deploying: bool = False
    n_extra: int = 0
    """Tasks beside the desired count, in whose place others stop once all are healthy."""

    def running(self, now):
        return [task for task in self.tasks if task.runs_from <= now]

    def healthy(self, now):
        return [task for task in self.tasks if task.healthy_from <= now]

    def old(self):
        return [task for task in self.tasks if task.is_old]

    def new(self):
        return [task for task in self.tasks if not task.is_old]

    def waiting(self):
        """Tasks that the scheduler would place now.

        Amazon ECS API Reference, DeploymentConfiguration: during a deployment no more tasks run or start than maximumPercent
        of the desired count, rounded down.
        """
        if not self.is_deploying:
            return max(0, self.desired - len(self.tasks))
        most = self.desired * self.given["deployments"]["maximum_percent"] // 100
        return max(0, min(self.desired - len(self.new()), most - len(self.tasks)))

    def may_lose(self, now):
        """Old tasks that may be stopped: minimumHealthyPercent of the desired count, rounded up, stay healthy."""
        least = -(-self.desired * self.given["deployments"]["minimum_healthy_percent"] // 100)
        return min(len(self.old()), max(0, len(self.healthy(now)) - least))

    def __post_init__(self):
        self.least, self.most = self.given["min"], self.given["max"]
        own = [Policy(self.given["policy"], self.given["load"], self.given["saturates_at"])] if self.given["policy"] else []
        more = [Policy(each["policy"], each["load"], each["saturates_at"]) for each in self.given.get("more_policies", ())]
        self.policies = [*own, *more]

    def bounded(self, tasks):
        return max(self.least, tasks if self.most is None else min(tasks, self.most))

    def on_schedule(self, now):
        """The desired count once the scheduled actions of this step have run, whatever the cooldowns.

        Application Auto Scaling User Guide, "Scheduled scaling": below the new minimum it goes up to it, above the new maximum
        down to it; what an action leaves out stays.
        """
        due = [(least, most) for step, least, most in self.given.get("bounds", ()) if step == now]
        for least, most in due:
            self.least = self.least if least is None else least
            self.most = self.most if most is None else most
        return self.bounded(self.desired) if due else self.desired


@dataclass(eq=False)
class Group:
    """The Auto Scaling group behind the capacity provider."""

    given: dict
    instances: list = field(default_factory=list)
    n_launched: int = 0
    steps_above: int = 0
    steps_below: int = 0
    last_launch: int | None = None
    n_to_replace: int = 0
    """Instances that were lost: the group keeps its number."""

    def in_zone(self, zone):
        return [instance for instance in self.instances if instance.zone == zone]

    def launch(self, zones, active_from, capacity):
        """One more instance, of the zones in that with fewest."""
        zone = min(zones, key=lambda each: (len(self.in_zone(each)), each))
        self.instances.append(Instance(self.n_launched, zone, active_from, capacity))
        self.n_launched += 1


def steps_of(seconds, step_s):
    """Durations take whole steps, rounded up."""
    return -(-seconds // step_s)


def is_over(last, duration_s, now, step_s):
    """Whether a time that began at step ``last`` (None: never) has passed."""
    return last is None or now - last >= steps_of(duration_s, step_s)


class Cluster:
    """Services on one capacity provider, or on Fargate where ``given`` has no group."""

    def __init__(self, services, given, step_s):
        self.step_s = step_s
        self.given = given or {}
        self.services = [Service(each) for each in services]
        self.group = Group(given["group"]) if "group" in self.given else None
        self.launches = self.given.get("burst", 0)
        """Left of the bucket: Amazon ECS Developer Guide, "AWS Fargate throttling quotas"."""

    def replay(self):
        """What each step uses, as dicts: ``running``, ``placed``, ``waiting``, ``desired`` are lists over services."""
        self.begin()
        steps = []
        for now in range(len(self.services[0].given["load"])):
            self.follow_counts(now)
            steps.append(self.usage(now))
            following = [self.scaled(service, now) for service in self.services]
            if self.group is not None:
                self.scale_group(now)
            for service, desired in zip(self.services, following, strict=True):
                service.desired = desired
        return steps

    # The first step

    def begin(self):
        for service in self.services:
            load = service.given["load"][0]
            needed = 0 if load is None else round_up(load)
            service.desired = needed if service.given["is_counts"] else service.bounded(needed)
        if self.group is not None:
            rules = self.group.given
            n_instances, n_tasks = self.instances_for_waiting()
            n_instances = max(n_instances, min(self.given["zones"], n_tasks), rules["min_instances"])
            if rules["max_instances"] is not None:
                n_instances = min(n_instances, rules["max_instances"])
            for _ in range(n_instances):
                self.group.launch(range(self.given["zones"]), 0, self.given["capacity"])
        for service in self.services:
            self.place_waiting(service, now=0, runs_from=None)

    def instances_for_waiting(self, most=None):
        """The estimate by binpack: of a port, and of a place for a distinct task, an instance has one.

        Amazon ECS endpoints and quotas: at most so many tasks of a cluster are in PROVISIONING, and the others in no estimate.
        """
        ports = sorted({port for service in self.services for port in service.given.get("host_ports", ())})
        distinct = [service for service in self.services if service.given.get("is_distinct")]

        def wanted(service):
            own = [int(service is each) for each in distinct]
            return (*service.given["task"], *own, *(int(port in service.given.get("host_ports", ())) for port in ports))

        waiting = [wanted(service) for service in self.services for _ in range(service.waiting())]
        waiting = waiting[:most]
        offered = (*self.given["capacity"], *[1] * (len(distinct) + len(ports)))
        return first_fit_instances(waiting, offered), len(waiting)

    # Tasks

    def follow_counts(self, now):
        for service in self.services:
            for task in [each for each in service.leaving if each.gone_from <= now]:
                service.leaving.remove(task)
                if task.instance is not None:
                    task.instance.leaving.remove(task)
        self.lose(now)
        for service in self.services:
            if now in service.given.get("deployments", {}).get("steps", ()):
                self.begin_deployment(service, now)
        for service in self.services:
            if service.is_deploying or all(task.healthy_from <= now for task in service.tasks):
                service.n_extra = 0
            while len(service.new()) > service.desired + service.n_extra:
                self.stop_one(service, service.new(), now)
            if service.is_deploying:
                for _ in range(service.may_lose(now)):
                    self.stop_one(service, service.old(), now)
        self.launches += self.given.get("sustained_per_s", 0) * self.step_s
        for service in self.services:
            self.place_waiting(service, now, now + steps_of(service.given["start_s"], self.step_s))
        self.launches = min(self.launches, self.given.get("burst", 0))
        for service in self.services:
            healthy = [task for task in service.new() if task.healthy_from <= now]
            if not service.old() and len(healthy) == service.desired:
                service.is_deploying = False
        for service in self.services:
            if service.given.get("rebalances") and not service.is_deploying and self.group is not None:
                self.rebalance(service, now)

    def lose(self, now):
        """Zones with all that is in them, then tasks that fail: they are gone at once."""
        for step, zone, _ in self.given.get("lost_zones", ()):
            for instance in self.group.in_zone(zone) if step == now else ():
                for task in instance.tasks:
                    task.service.tasks.remove(task)
                for task in instance.leaving:
                    task.service.leaving.remove(task)
                self.group.instances.remove(instance)
                self.group.n_to_replace += 1
        for service in self.services:
            for _ in range(sum(number for step, number in service.given.get("failures", ()) if step == now)):
                healthy = service.healthy(now)
                if not healthy:
                    continue
                task = min(healthy, key=lambda each: (each.is_old, each.instance.number if each.instance else 0))
                service.tasks.remove(task)
                if task.instance is not None:
                    task.instance.tasks.remove(task)

    def rebalance(self, service, now):
        """Amazon ECS Developer Guide, "Balancing an Amazon ECS service across Availability Zones".

        For services spread over zones: where these differ by more than a task, tasks start in those with few, and as many stop
        when they are healthy. No instance is launched for them.
        """
        is_steady = len(service.tasks) == service.desired and all(task.healthy_from <= now for task in service.tasks)
        zones = sorted({each.zone for each in self.group.instances if each.active_from <= now})
        if self.given["placement"] in (BINPACK, INSTANCE_SPREAD) or not is_steady or not zones:
            return
        tasks = {zone: self.tasks_in_zone(service, zone) for zone in zones}
        few, many = service.desired // len(zones), -(-service.desired // len(zones))
        n_short, n_over = sum(max(0, few - n) for n in tasks.values()), sum(max(0, n - many) for n in tasks.values())
        most = service.desired * service.given.get("deployments", {}).get("maximum_percent", 200) // 100
        short = [zone for zone in zones if tasks[zone] < max(tasks.values()) - 1]
        for _ in range(min(max(n_short, n_over), most - service.desired) if short else 0):
            instance = self.instance_to_fill(service, now, short)
            if instance is not None:
                self.put(service, instance, now, now + steps_of(service.given["start_s"], self.step_s))
                service.n_extra += 1

    def zones_that_are_there(self, now):
        lost = [zone for step, zone, back in self.given.get("lost_zones", ()) if step <= now and (back is None or now < back)]
        return [zone for zone in range(self.given["zones"]) if zone not in lost]

    def begin_deployment(self, service, now):
        """What is healthy stays for now; what is not has nothing to keep it."""
        for task in list(service.tasks):
            if task.healthy_from > now:
                self.remove(task, now)
            task.is_old = True
        service.is_deploying = True

    def stop_one(self, service, among, now):
        """Healthy tasks first, of the others the one that would be healthy last."""
        latest = max(max(task.healthy_from, now) for task in among)
        if any(task.healthy_from <= now for task in among):
            latest = now
        may_stop = [task for task in among if max(task.healthy_from, now) == latest]
        task = may_stop[0]
        if self.group is not None:
            instance = self.instance_to_relieve(service, [each.instance for each in may_stop])
            task = next(each for each in may_stop if each.instance is instance)
        self.remove(task, now)

    def remove(self, task, now):
        """A stopped task is no task of the service any more, but holds its room until it is gone."""
        lasts = steps_of(task.service.given.get("stop_s", 0), self.step_s)
        task.gone_from = now + lasts
        task.service.tasks.remove(task)
        if task.instance is not None:
            task.instance.tasks.remove(task)
        if lasts:
            task.service.leaving.append(task)
            if task.instance is not None:
                task.instance.leaving.append(task)

    def instance_to_relieve(self, service, holding):
        """The termination rule among the instances that hold such a task."""
        placement = self.given["placement"]
        if placement == BINPACK:
            return min(holding, key=lambda each: (-each.memory_left(), each.number))
        if placement == INSTANCE_SPREAD:
            return min(holding, key=lambda each: (-each.tasks_of(service), each.number))
        zone = min((each.zone for each in holding), key=lambda zone: (-self.tasks_in_zone(service, zone), zone))
        holding = [each for each in holding if each.zone == zone]
        if placement == DEFAULT_SPREAD:
            return min(holding, key=lambda each: (-each.tasks_of(service), each.number))
        return min(holding, key=lambda each: (-each.memory_left(), each.number))

    def tasks_in_zone(self, service, zone):
        return sum(instance.tasks_of(service) for instance in self.group.in_zone(zone))

    def place_waiting(self, service, now, runs_from):
        """``runs_from`` None: at once, and healthy."""
        while service.waiting() > 0:
            instance = None
            if "burst" in self.given and runs_from is not None:
                if self.launches == 0:
                    return
                self.launches -= 1
            if self.group is not None:
                instance = self.instance_to_fill(service, now)
                if instance is None:
                    return
            self.put(service, instance, now, runs_from)

    def put(self, service, instance, now, runs_from):
        healthy_s = service.given.get("deployments", {}).get("healthy_s", 0)
        healthy_from = runs_from + steps_of(healthy_s, self.step_s) if runs_from is not None else now
        task = Task(service, service.given["task"], now if runs_from is None else runs_from, healthy_from, instance)
        service.tasks.append(task)
        if instance is not None:
            instance.tasks.append(task)

    def instance_to_fill(self, service, now, zones=None):
        """The placement rule, in some zones or in any: None where no active instance has room."""
        placement = self.given["placement"]
        has_room = [
            each
            for each in self.group.instances
            if each.active_from <= now and fits(service.given["task"], each.free()) and each.takes(service)
            if zones is None or each.zone in zones
        ]
        if not has_room:
            return None
        if placement == BINPACK:
            return min(has_room, key=lambda each: (each.memory_left(), each.number))
        if placement == INSTANCE_SPREAD:
            return min(has_room, key=lambda each: (each.tasks_of(service), each.number))
        zone = min((each.zone for each in has_room), key=lambda zone: (self.tasks_in_zone(service, zone), zone))
        has_room = [each for each in has_room if each.zone == zone]
        if placement == DEFAULT_SPREAD:
            return min(has_room, key=lambda each: (each.tasks_of(service), each.number))
        return min(has_room, key=lambda each: (each.memory_left(), each.number))

    def usage(self, now):
        instances = [] if self.group is None else self.group.instances
        sizes = [task.size for service in self.services for task in [*service.tasks, *service.leaving]]
        return {
            "running": [len(service.running(now)) for service in self.services],
            "placed": [len(service.tasks) for service in self.services],
            "waiting": [service.waiting() for service in self.services],
            "draining": [len(service.leaving) for service in self.services],
            "deploying": [service.is_deploying for service in self.services],
            "desired": [service.desired for service in self.services],
            "instances": len(instances),
            "active": sum(each.active_from <= now for each in instances),
            "reserved": [sum(size[dimension] for size in sizes) for dimension in range(3)],
        }

    # Service auto scaling

    def scaled(self, service, now):
        """The desired count of the next step.

        Application Auto Scaling User Guide, "Multiple target tracking scaling policies": out where any policy says so, in only
        where all that may scale in are ready; of several counts the largest.
        """
        if service.given["is_counts"]:
            load = service.given["load"][now]
            return service.desired if load is None else round_up(load)
        desired = service.on_schedule(now)
        running = len(service.running(now))
        for policy in service.policies:
            policy.look(now, running, self.step_s)

        outs = {policy: policy.more(now, running, self.step_s) for policy in service.policies}
        outs = {policy: service.bounded(count) for policy, count in outs.items() if count is not None}
        outs = {policy: count for policy, count in outs.items() if count > desired}
        if outs:
            for policy in outs:
                policy.base = policy.base_now(now, running, self.step_s)
                policy.last_out = now
            for policy in service.policies:
                policy.last_in = None
            return max(outs.values())

        if service.is_deploying:  # Amazon ECS Developer Guide, "Service auto scaling": scale-in is off, scale-out is not
            return desired
        fewer = {policy: policy.fewer(now, running, desired, self.step_s) for policy in service.policies}
        fewer = {policy: service.bounded(count) for policy, count in fewer.items() if count is not None}
        fewer = {policy: count for policy, count in fewer.items() if count < desired}
        together = [policy for policy in service.policies if policy.is_tracking and not policy.given["is_scale_in_disabled"]]
        if any(policy not in fewer for policy in together):
            fewer = {policy: count for policy, count in fewer.items() if not policy.is_tracking}
        for policy in fewer:
            policy.last_in = now
        return max(fewer.values(), default=desired)

    # Managed scaling

    def scale_group(self, now):
        group, rules = self.group, self.group.given
        target = rules["target_capacity_percent"]
        if group.n_to_replace and self.zones_that_are_there(now):
            last_launch, n_lost = group.last_launch, group.n_to_replace
            self.launch(n_lost, now)
            group.last_launch, group.n_to_replace = last_launch, 0  # no scale-out
        n_busy = sum(not each.is_empty() for each in group.instances)
        needed = n_busy + self.instances_for_waiting(rules.get("most_provisioning", 500))[0]
        running = len(group.instances)
        wanted = -(-needed * 100 // target)
        is_above = needed * 100 > target * running
        is_below = needed * 100 < target * running
        group.steps_above = group.steps_above + 1 if is_above else 0
        group.steps_below = group.steps_below + 1 if is_below else 0

        may_launch = is_over(group.last_launch, rules["warm_up_s"], now, self.step_s)
        if is_above and may_launch and group.steps_above >= steps_of(60 * rules["out_points"], self.step_s):
            n_more = max(rules["least_step"], min(wanted - running, rules["most_step"]))
            self.launch(rules["from_zero"] if running == 0 else n_more, now)
        may_end = is_over(group.last_launch, rules["wait_after_out_s"], now, self.step_s)
        if is_below and may_end and group.steps_below >= steps_of(60 * rules["in_points"], self.step_s):
            self.end(running - max(wanted, rules["min_instances"]), now)

    def launch(self, n_more, now):
        rules = self.group.given
        if rules["max_instances"] is not None:
            n_more = min(n_more, rules["max_instances"] - len(self.group.instances))
        zones = self.zones_that_are_there(now)
        for _ in range(n_more if zones else 0):
            active_from = now + 1 + steps_of(rules["boot_s"], self.step_s)
            self.group.launch(zones, active_from, self.given["capacity"])
            self.group.last_launch = now

    def end(self, n_less, now):
        group = self.group
        under_half = (len(group.instances) - 1) // 2
        for _ in range(min(n_less, max(1, under_half))):
            empty = [each for each in group.instances if each.active_from <= now and each.is_empty()]
            if not empty:
                return
            group.instances.remove(min(empty, key=lambda each: (-len(group.in_zone(each.zone)), each.zone, each.number)))


def replay(services, cluster, step_s):
    """One replay; see the module for what is given."""
    return Cluster(services, cluster, step_s).replay()
