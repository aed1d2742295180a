"""Spot capacity that is taken back, in plain objects: the cluster of ``ecs_cluster`` with notices.

Written from docs/replay.md; Amazon EC2 User Guide, "Spot Instance interruption notices"; Amazon ECS Developer Guide, "Container
instance draining" and "Amazon ECS clusters for Fargate". ``spot`` is ``{"interruptions": [(step, place)], "without_capacity":
[(first step, step with capacity again)], "notice_s"}``.
"""

from dataclasses import dataclass, field

from tests.oracle.ecs_cluster import Cluster, Service, steps_of


@dataclass(eq=False)
class SpotService(Service):
    """``under_notice``: tasks that serve until others run in their place, and no longer than their notice."""

    under_notice: list = field(default_factory=list)

    def running(self, now):
        return [*super().running(now), *self.under_notice]


class SpotCluster(Cluster):
    def __init__(self, services, given, step_s, spot):
        super().__init__(services, given, step_s)
        self.services = [SpotService(each) for each in services]
        self.spot = spot
        self.closed = []

    def has_capacity(self, now):
        return not any(first <= now < until for first, until in self.spot["without_capacity"])

    def zones_that_are_there(self, now):
        return super().zones_that_are_there(now) if self.has_capacity(now) else []

    def place_waiting(self, service, now, runs_from):
        if self.group is not None or runs_from is None or self.has_capacity(now):
            super().place_waiting(service, now, runs_from)
            return
        while service.waiting() > 0 and len(service.tasks) < service.given.get("on_demand_base", 0):
            self.put(service, None, now, runs_from)

    def lose(self, now):
        super().lose(now)
        for service in self.services:
            for task in list(service.under_notice):
                was_lost = task.instance is not None and task.instance not in self.group.instances
                if was_lost or task.ends_from <= now:
                    service.under_notice.remove(task)
        for instance in list(self.closed):
            if instance not in self.group.instances:
                self.closed.remove(instance)
            elif instance.ends_from <= now:
                self.closed.remove(instance)
                self.group.instances.remove(instance)
                self.group.n_to_replace += 1
        for place in [place for step, place in self.spot["interruptions"] if step == now]:
            ends_from = now + steps_of(self.spot["notice_s"], self.step_s)
            if self.group is None:
                self.warn_task(place, now, ends_from)
            else:
                self.warn_instance(place, now, ends_from)

    def warn_task(self, place, now, ends_from):
        healthy = [task for service in self.services for task in service.healthy(now)[service.given.get("on_demand_base", 0) :]]
        if place < len(healthy):
            service = healthy[place].service
            task = min(service.healthy(now), key=lambda each: each.is_old)
            service.tasks.remove(task)
            self.serve_on(task, ends_from)

    def warn_instance(self, place, now, ends_from):
        alive = [each for each in self.group.instances if each not in self.closed]
        if place >= len(alive):
            return
        instance = alive[place]
        for task in list(instance.tasks):
            task.service.tasks.remove(task)
            if task.runs_from <= now:
                self.serve_on(task, ends_from)
        for task in instance.leaving:
            task.service.leaving.remove(task)
        instance.tasks, instance.leaving = [], []
        instance.active_from, instance.ends_from = float("inf"), ends_from
        self.closed.append(instance)

    def serve_on(self, task, ends_from):
        task.ends_from = ends_from
        task.service.under_notice.append(task)

    def usage(self, now):
        for service in self.services:
            own = sum(task.runs_from <= now for task in service.tasks)
            spare = max(0, service.desired - own)
            service.under_notice = service.under_notice[max(0, len(service.under_notice) - spare) :]
        found = super().usage(now)
        found["draining"] = [len(service.leaving) + len(service.under_notice) for service in self.services]
        sizes = [task.size for service in self.services for task in service.under_notice]
        found["reserved"] = [n + sum(size[d] for size in sizes) for d, n in enumerate(found["reserved"])]
        return found


def replay(services, cluster, step_s, spot):
    """One replay; see the module for what is given."""
    return SpotCluster(services, cluster, step_s, spot).replay()
