"""Managed Instances step by step, in plain objects: the cluster of ``ecs_cluster`` without an Auto Scaling group.

Written from docs/replay.md and from the Amazon ECS Developer Guide, "Amazon ECS Managed Instances infrastructure optimization".
A cluster is given as there, with ``"managed": {"scale_in_after_s" (or None), "boot_s", "life_days", "least_instances"}`` in
place of ``"group"``.
"""

from dataclasses import dataclass, field

from tests.oracle.ecs_cluster import Cluster, Group, Instance, steps_of
from tests.oracle.model import round_up
from tests.oracle.packing import fits

NO_GROUP = {"min_instances": 0, "max_instances": None}
DAY_S = 86_400


@dataclass(eq=False)
class Managed(Instance):
    """``last_change``: step of the last start or stop of a task; ``last_busy``: last step with any."""

    launched_at: int = 0
    last_change: int = 0
    last_busy: int = 0
    seen: dict = field(default_factory=dict)
    is_expired: bool = False
    ends_after: int | None = None
    """The step with which it ends, once its tasks run elsewhere."""

    def counts(self):
        return {service: self.tasks_of(service) for service in {task.service for task in self.tasks}}


class Fleet(Group):
    def launch(self, zones, active_from, capacity, launched_at=0):
        zone = min(zones, key=lambda each: (len(self.in_zone(each)), each))
        new = Managed(self.n_launched, zone, active_from, capacity, launched_at=launched_at)
        new.last_change = new.last_busy = active_from - 1
        self.instances.append(new)
        self.n_launched += 1


class ManagedCluster(Cluster):
    def __init__(self, services, given, step_s):
        rules = given["managed"]
        super().__init__(services, given | {"group": NO_GROUP}, step_s)
        self.rules = rules
        self.group = Fleet(NO_GROUP)
        self.life = steps_of(int(rules["life_days"] * DAY_S), step_s)
        self.wait = None if rules["scale_in_after_s"] is None else steps_of(rules["scale_in_after_s"], step_s)

    def begin(self):
        needed = [round_up(each.given["load"][0] or 0) for each in self.services]
        wanted = [n if each.given["is_counts"] else each.bounded(n) for n, each in zip(needed, self.services, strict=True)]
        self.group.given = NO_GROUP | {"min_instances": self.rules["least_instances"] if any(wanted) else 0}
        super().begin()
        n = len(self.group.instances)
        for number, each in enumerate(self.group.instances):
            each.launched_at = self.life * (number + 1) // n - self.life
            each.last_change = 0
            each.seen = each.counts()

    def open(self, now):
        """Instances that take tasks. A closed one never will again: its ``active_from`` is infinite."""
        return [each for each in self.group.instances if each.active_from <= now]

    def booting(self, now):
        return [each for each in self.group.instances if now < each.active_from < float("inf")]

    def scale_group(self, now):
        for each in self.group.instances:
            if each.counts() != each.seen:
                each.last_change = now
            if not each.is_empty():
                each.last_busy = now
        idle = [each for each in self.open(now) if each.is_empty() and self.waited(each.last_busy, now)]
        known = list(self.group.instances)
        floor = self.rules["least_instances"] if any(service.desired for service in self.services) else 0

        for each in self.open(now):
            if now + 1 - each.launched_at >= self.life:
                each.is_expired, each.active_from = True, float("inf")
        for each in [each for each in self.group.instances if each.is_expired and each.ends_after is None]:
            others = [other for other in self.open(now) if other.zone == each.zone]
            if not self.hand_on(each, others, now, floor) and not any(o.zone == each.zone for o in self.booting(now)):
                self.one_more(now, [each.zone])
        for each in idle:
            if each.active_from <= now and not each.tasks:
                self.hand_on(each, [], now, floor)
        may = [each for each in self.open(now) if each in known and self.waited(each.last_change, now)]
        for each in sorted(may, key=lambda each: (-each.memory_left(), each.number)):
            if each.tasks and self.waited(each.last_change, now):
                others = [o for o in self.open(now) if o is not each and o.tasks and o.zone == each.zone]
                self.hand_on(each, others, now, floor)
        filled = self.instances_for_waiting()[0]
        for _ in range(max(filled, floor - len(self.open(now))) - len(self.booting(now))):
            self.one_more(now, self.zones_that_are_there(now))
        self.group.instances = [each for each in self.group.instances if each.ends_after is None or each.ends_after > now]
        for each in self.group.instances:
            each.seen = each.counts()

    def waited(self, since, now):
        return self.wait is not None and now - since >= self.wait

    def one_more(self, now, zones):
        if zones:
            active_from = now + 1 + steps_of(self.rules["boot_s"], self.step_s)
            self.group.launch(zones, active_from, self.given["capacity"], launched_at=now + 1)

    def hand_on(self, instance, others, now, floor):
        """Move all tasks to others and let the instance end once they run there; False, and nothing is done, where it can't."""
        if instance.leaving or any(task.is_old or task.healthy_from > now for task in instance.tasks):
            return False
        if sum(each is not instance for each in self.open(now)) < floor:
            return False
        moved = []
        for service in self.services:
            # The fullest that has room, looked at once for each service: tasks of one service fill one after the other.
            order = sorted((o for o in others if o is not instance), key=lambda each: (each.memory_left(), each.number))
            for task in [each for each in instance.tasks if each.service is service]:
                target = next((o for o in order if fits(task.size, o.free()) and o.takes(service)), None)
                if target is None:
                    for done, where in moved:
                        where.tasks.remove(done)
                    return False
                target.tasks.append(task)
                moved.append((task, target))
        lasts = 0
        for task, target in moved:
            given = task.service.given
            lasts = max(lasts, steps_of(given["start_s"], self.step_s) + steps_of(given.get("stop_s", 0), self.step_s))
            instance.tasks.remove(task)
            task.instance = target
            target.last_change = now
        instance.active_from = float("inf")
        instance.ends_after = now + lasts
        return True


def replay(services, cluster, step_s):
    """One replay; see the module for what is given."""
    return ManagedCluster(services, cluster, step_s).replay()
