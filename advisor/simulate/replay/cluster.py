"""A cluster replayed as ECS runs it: every task on an instance, step by step, steps in which nothing changes skipped.

The order within a step is part of the model, so that another simulator can be held against it step by step:

1. Instances whose boot has ended are active; tasks whose start has ended run; room of stopped tasks that are gone is free.
2. Tasks above the desired count stop, and old ones in a deployment; waiting tasks are placed, service by service in the
   order given.
3. What runs is recorded: this is the usage of the step.
4. The services' metrics are read; policies set the desired count of the next step.
5. The capacity provider's metric is read; instances are launched or ended from the next step on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from advisor.simulate.packing import first_fit_decreasing
from advisor.simulate.replay.deployments import Deployments
from advisor.simulate.replay.interruptions import Interruptions
from advisor.simulate.replay.launches import Bucket
from advisor.simulate.replay.losses import Losses
from advisor.simulate.replay.managed import ManagedFleet
from advisor.simulate.replay.rebalancing import Rebalancing
from advisor.simulate.replay.rules import (
    ClusterRules,
    LaunchRate,
    ReplayedCluster,
    ReplayedService,
    SpotRules,
    whole_steps,
)
from advisor.simulate.replay.scaling import Scalers
from advisor.simulate.replay.tasks import Tasks
from advisor.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replay:
    """What ran, in segments of steps that are all the same."""

    n_steps: IntArray
    """(segments,): steps that each segment lasts."""
    running: IntArray
    """(services, segments): tasks that serve."""
    placed: IntArray
    """(services, segments): tasks running or starting."""
    draining: IntArray
    """(services, segments): stopped tasks that still hold room."""
    waiting: IntArray
    """(services, segments): tasks that the scheduler would place and that have no instance, in PROVISIONING."""
    deploying: BoolArray
    """(services, segments): whether a deployment is on."""
    desired: IntArray
    """(services, segments)"""
    instances: IntArray
    """(segments,): launched and not ended: what EC2 bills."""
    active: IntArray
    """(segments,): instances that take tasks."""
    reserved: IntArray
    """(3, segments): CPU units, MiB and network slots that tasks hold, draining ones included."""

    @property
    def holding(self) -> IntArray:
        """(services, segments): tasks that hold room: what Fargate bills."""
        return self.placed + self.draining

    @property
    def unmet(self) -> IntArray:
        """(services, segments): desired tasks that do not serve: waiting for room, or still starting."""
        return np.asarray(np.maximum(self.desired - self.running, 0))

    def over_time(self, values: IntArray) -> IntArray:
        """Values per segment (..., segments) as values per step (..., steps)."""
        return np.repeat(values, self.n_steps, axis=-1)


def replay_cluster(
    services: Sequence[ReplayedService],
    cluster: ReplayedCluster | None,
    *,
    step_s: int,
    launches: LaunchRate | None = None,
    spot: SpotRules | None = None,
) -> Replay:
    """Replay services on one capacity provider.

    Parameters
    ----------
    services
        Their loads have the same number of steps; a gap (NaN) is no data: nothing scales.
    cluster
        None for Fargate: every task has its place at once.
    step_s
        20 or 60 s.
    launches
        What Fargate launches for all services together; None for any number of tasks.
    spot
        What AWS takes back of the instances, or of the tasks on Fargate; not of Managed Instances.

    Raises
    ------
    ValueError
        A task fits on no instance, or loads differ in length; interruptions of Managed Instances.
    """
    n_steps = services[0].load.size
    if any(service.load.size != n_steps for service in services):
        raise ValueError("services differ in the number of steps")
    if spot is not None and cluster is not None and cluster.managed is not None:
        raise ValueError("interruptions of Managed Instances are not modelled")
    run = _Run(services, cluster, launches, spot, n_steps, step_s)
    with np.errstate(divide="ignore", invalid="ignore"):
        return run.replay()


class _Run:
    """The state of one replay."""

    def __init__(
        self,
        services: Sequence[ReplayedService],
        cluster: ReplayedCluster | None,
        launches: LaunchRate | None,
        spot: SpotRules | None,
        n_steps: int,
        step_s: int,
    ) -> None:
        self.services, self.cluster, self.step_s, self.n_steps = services, cluster, step_s, n_steps
        self.tasks = Tasks(services, cluster, step_s)
        self.bucket = Bucket(launches, step_s) if launches else None
        self.rules = cluster.rules if cluster else ClusterRules()
        self.desired = np.zeros(len(services), dtype=np.int64)
        self.deployments = Deployments(services, self.tasks)
        self.rebalancing = Rebalancing(services, cluster, self.tasks, self.deployments)
        self.scalers = Scalers(services, step_s)
        self.high_steps, self.low_steps, self.last_out = 0, 0, -(10**9)
        self.losses = Losses(services, cluster, self.tasks)
        self.spot = Interruptions(spot, services, self.tasks, self.losses, step_s)
        self.managed = ManagedFleet(self.tasks, cluster.managed, step_s) if cluster and cluster.managed else None
        loads_change = _change_points(np.stack([load for service in services for load in service.loads])).tolist()
        changes = {*loads_change, *self.deployments.steps, *self.losses.steps, *self.spot.steps}
        self.changes_at = np.array(sorted(step for step in changes if step < n_steps), dtype=np.int64)

    def replay(self) -> Replay:
        loads = np.stack([service.load for service in self.services], axis=1)
        self.desired = self.scalers.first_counts(loads[0])
        self._open_first()
        segments: list[Segment] = []
        t = 0
        while t < self.n_steps:
            tasks = self.tasks
            tasks.finish(t)
            self.losses.happen(t)
            self.spot.happen(t)
            waiting = self._follow_desired(t)
            self.rebalancing.start(self.desired, t)
            self.spot.settle(self.desired)
            under_notice = self.spot.serving
            running, placed, draining = tasks.n_running + under_notice, tasks.n_placed.copy(), tasks.n_draining + under_notice
            is_deploying = self.deployments.is_on.copy()
            active = int(np.count_nonzero(tasks.active_at <= t)) if self.cluster else 0
            n_instances = tasks.zone.size if self.cluster else 0
            desired = self.desired
            self.desired = self.scalers.step(loads[t], running, desired, t, is_deploying)
            scaled = self._scale_instances(t, waiting, desired)
            is_limited = self.bucket is not None and bool(waiting.any())
            has_acted = scaled or is_limited or self.deployments.has_acted or self.rebalancing.has_acted
            is_quiet = not has_acted and not (self.desired != desired).any()
            skip = self._quiet_steps(t) if is_quiet else 0
            if skip:
                self.scalers.skip(skip)
                self.high_steps += skip if self.high_steps else 0
                self.low_steps += skip if self.low_steps else 0
            segments.append((1 + skip, running, placed, draining, waiting, is_deploying, desired, n_instances, active))
            t += 1 + skip
        return _replay(segments, self.tasks.sizes[:, :3])

    def _open_first(self) -> None:
        """The first step starts with the instances and tasks that its desired counts need, all of them in place."""
        if self.cluster is None:
            self.tasks.begin(self.desired)
            return
        packed = int(first_fit_decreasing(self.desired[np.newaxis], self.tasks.sizes, self.tasks.capacity)[0])
        least = min(int(self.desired.sum()), self.cluster.zones)
        floor = self.managed.rules.least_instances if self.managed and least else self.rules.min_instances
        n_instances = max(packed, least, floor)
        if self.rules.max_instances is not None:
            n_instances = min(n_instances, self.rules.max_instances)
        self.tasks.launch(n_instances, np.arange(self.cluster.zones), at=-(10**6))
        self.tasks.begin(self.desired)
        if self.managed is not None:
            self.managed.begin()

    def _follow_desired(self, t: int) -> IntArray:
        """Stop and start tasks; (services,) those that found no room."""
        tasks, deployments = self.tasks, self.deployments
        deployments.begin(t)
        self.rebalancing.settle()
        missing = self.desired - tasks.n_placed
        if not (deployments.are_on or missing.any()):
            return missing
        excess = -missing - self.rebalancing.extra
        for service in ((excess > 0) | deployments.is_on).nonzero()[0].tolist():
            if deployments.is_on[service]:
                deployments.stop(service, int(self.desired[service]), t)
            else:
                tasks.stop(service, int(excess[service]), t)
        if deployments.are_on:
            missing = np.where(deployments.is_on, deployments.wanted(self.desired), missing)
        waiting: IntArray = np.maximum(missing, 0)
        to_start = waiting if self.bucket is None else _first(self.bucket.open(t), waiting)
        if self.cluster is None:
            to_start = self.spot.may_start(to_start, t)
        started = [(service, tasks.start(service, int(to_start[service]), t)) for service in to_start.nonzero()[0].tolist()]
        for service, n_tasks in started:
            waiting[service] -= n_tasks
        if self.bucket is not None:
            self.bucket.take(sum(n_tasks for _, n_tasks in started))
        if deployments.are_on:
            deployments.end(started, self.desired)
        return waiting

    def _scale_instances(self, t: int, waiting: IntArray, desired: IntArray) -> bool:
        if self.managed is not None:
            return self.managed.act(t, waiting, desired, self.losses.zones_left(t))
        return self._managed_scaling(t, waiting) if self.cluster else False

    def _managed_scaling(self, t: int, waiting: IntArray) -> bool:
        """Launch or end instances from the next step on; True where something was done."""
        has_replaced = self._replace_lost(t)
        rules, n = self.rules, self.tasks.zone.size
        is_busy = self.tasks.is_busy()
        needed = int(np.count_nonzero(is_busy)) + self._estimate(waiting)
        wanted = -(-needed * 100 // rules.target_capacity_percent)
        self.high_steps = self.high_steps + 1 if needed * 100 > rules.target_capacity_percent * n else 0
        self.low_steps = self.low_steps + 1 if needed * 100 < rules.target_capacity_percent * n else 0
        if self.high_steps and self.high_steps >= whole_steps(rules.out_points * 60, self.step_s):
            return self._scale_out(t, wanted) or has_replaced
        if self.low_steps and self.low_steps >= whole_steps(rules.in_points * 60, self.step_s):
            waited = t - self.last_out >= whole_steps(rules.wait_after_out_s, self.step_s)
            return (waited and self._scale_in(t, ~is_busy, n - wanted)) or has_replaced
        return has_replaced

    def _replace_lost(self, t: int) -> bool:
        """The group keeps its number: what it lost is launched again, and no scale-out by that."""
        n_lost = self.losses.n_to_replace
        zones = self._zones(t) if n_lost else None
        if zones is None or not zones.size:
            return False
        self.losses.n_to_replace = 0
        return self._launch(n_lost, zones, t)

    def _zones(self, t: int) -> IntArray:
        """In which instances may be launched at the end of a step."""
        zones = self.losses.zones_left(t)
        return zones if self.spot.has_capacity(t) else zones[:0]

    def _launch(self, n_new: int, zones: IntArray, t: int) -> bool:
        if self.rules.max_instances is not None:
            n_new = min(n_new, self.rules.max_instances - self.tasks.zone.size)
        if n_new <= 0 or not zones.size:
            return False
        self.tasks.launch(n_new, zones, at=t + 1 + whole_steps(self.rules.boot_s, self.step_s))
        return True

    def _estimate(self, waiting: IntArray) -> int:
        """New instances that the waiting tasks need, packed first-fit decreasing: ECS's binpack estimate."""
        if not waiting.any():
            return 0
        waiting = _first(self.rules.most_provisioning, waiting)
        of = np.flatnonzero(waiting)
        return int(first_fit_decreasing(waiting[np.newaxis, of], self.tasks.sizes[of], self.tasks.capacity)[0])

    def _scale_out(self, t: int, wanted: int) -> bool:
        rules, n = self.rules, self.tasks.zone.size
        if t - self.last_out < whole_steps(rules.warm_up_s, self.step_s):
            return False
        n_new = min(max(wanted - n, rules.least_step), rules.most_step) if n else rules.from_zero
        if not self._launch(n_new, self._zones(t), t):
            return False
        self.last_out = t
        return True

    def _scale_in(self, t: int, is_empty: BoolArray, n_excess: int) -> bool:
        """End empty active instances, fewer than half of the group: from the fullest zone, oldest first."""
        assert self.cluster is not None  # noqa: S101
        n = self.tasks.zone.size
        n_ending = min(n_excess, max(1, (n - 1) // 2), n - self.rules.min_instances)
        can_end = is_empty & (self.tasks.active_at <= t)
        per_zone = np.bincount(self.tasks.zone, minlength=self.cluster.zones)
        ending: list[int] = []
        for _ in range(n_ending):
            empty = np.flatnonzero(can_end)
            if not empty.size:
                break
            chosen = int(empty[np.lexsort((empty, self.tasks.zone[empty], -per_zone[self.tasks.zone[empty]]))[0]])
            can_end[chosen] = False
            per_zone[self.tasks.zone[chosen]] -= 1
            ending.append(chosen)
        if not ending:
            return False
        self.tasks.end(ending)
        return True

    def _quiet_steps(self, t: int) -> int:
        """Steps after this one in which nothing can change."""
        at = int(np.searchsorted(self.changes_at, t, side="right"))
        until = self.changes_at[at] if at < self.changes_at.size else self.n_steps
        quiet = int(until) - t - 1
        if quiet <= 0:
            return 0
        quiet = min(quiet, self.tasks.quiet_steps(t))
        if self.managed is not None:
            quiet = min(quiet, self.managed.quiet_steps(t))
        elif self.cluster is not None:
            quiet = min(quiet, self._quiet_of_scaling(t))
        return max(0, min(quiet, self.scalers.quiet_steps(t)))

    def _quiet_of_scaling(self, t: int) -> int:
        """Steps until the group may act again, by its own counters."""
        rules = self.rules
        quiet = 10**9
        since_out = t - self.last_out
        for wait in (rules.warm_up_s, rules.wait_after_out_s):
            left = whole_steps(wait, self.step_s) - since_out
            if left > 0:
                quiet = min(quiet, left - 1)
        for count, points in ((self.high_steps, rules.out_points), (self.low_steps, rules.in_points)):
            due = whole_steps(points * 60, self.step_s) - count
            if count and due > 0:
                quiet = min(quiet, due - 1)
        return quiet


def _first(n_tasks: int, of: IntArray) -> IntArray:
    """(services,): the first ``n_tasks`` tasks, service by service."""
    if n_tasks >= int(of.sum()):
        return of
    return np.asarray(np.clip(n_tasks - (np.cumsum(of) - of), 0, of))


def _change_points(loads: FloatArray) -> IntArray:
    """Steps at which some load differs from the step before."""
    same = (loads[:, 1:] == loads[:, :-1]) | (np.isnan(loads[:, 1:]) & np.isnan(loads[:, :-1]))
    return np.asarray(np.flatnonzero(~same.all(axis=0)) + 1, dtype=np.int64)


Segment: TypeAlias = tuple[int, IntArray, IntArray, IntArray, IntArray, BoolArray, IntArray, int, int]


def _replay(segments: Sequence[Segment], sizes: IntArray) -> Replay:
    steps, running, placed, draining, waiting, deploying, desired, instances, active = zip(*segments, strict=True)

    def over(values: Sequence[IntArray] | Sequence[BoolArray]) -> Any:
        """(services, segments)"""
        return np.ascontiguousarray(np.array(values).T)

    n_placed, n_draining = over(placed), over(draining)
    return Replay(
        n_steps=np.array(steps, dtype=np.int64),
        running=over(running),
        placed=n_placed,
        draining=n_draining,
        deploying=over(deploying),
        waiting=over(waiting),
        desired=over(desired),
        instances=np.array(instances, dtype=np.int64),
        active=np.array(active, dtype=np.int64),
        reserved=sizes.T @ (n_placed + n_draining),
    )
