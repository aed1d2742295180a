"""What a replay is run under: AWS's rules as named parameters, with what AWS does not publish marked so."""

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from advisor.ecs import DEFAULT_COOLDOWN_S, PlacementStrategy
from advisor.plan import AdjustmentType
from advisor.plan.placement import HostPort
from advisor.units import FloatArray, IntArray


class ScaleInStep(StrEnum):
    """How far one scale-in action of target tracking goes. AWS says "gradual" and no more."""

    FORMULA = "formula"
    """To what the formula asks for at the running count."""
    ONE = "one"
    """One task at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingRules:
    """Target tracking of a service.

    References
    ----------
    Amazon ECS Developer Guide, "Target tracking scaling policies for Amazon ECS"; Application Auto Scaling User Guide, "Target
    tracking scaling policies". Data points of the alarms as seen on generated alarms, not a contract.
    """

    out_points: int = 3
    """Minutes above the target before a scale-out."""
    in_points: int = 15
    """Minutes below the low threshold before a scale-in."""
    low_fraction: float = 0.9
    """Low threshold over target; seen for ECS services, not published."""
    out_cooldown_s: int = DEFAULT_COOLDOWN_S
    in_cooldown_s: int = DEFAULT_COOLDOWN_S
    scale_in_step: ScaleInStep = ScaleInStep.FORMULA
    is_scale_in_disabled: bool = False


HIGH_RESOLUTION_OUT_POINTS = 1
"""Minutes above the target before a scale-out on metrics of 20 s: three data points, as of those of 60 s. Not published.

AWS measured 86 s from the load to the trigger where metrics of 60 s took 363 s (Amazon ECS Developer Guide, "Faster auto
scaling with high-resolution metrics"): docs/replay.md compares.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterRules:
    """Managed scaling of a capacity provider with an Auto Scaling group, and what instances need to start.

    References
    ----------
    Amazon ECS Developer Guide, "Amazon ECS managed scaling behavior" and "Amazon ECS cluster auto scaling".
    """

    target_capacity_percent: int = 100
    out_points: int = 1
    in_points: int = 15
    wait_after_out_s: int = 900
    """Scale-in waits this long after any scale-out."""
    warm_up_s: int = 300
    """Another scale-out waits until new instances have passed this."""
    least_step: int = 1
    most_step: int = 10_000
    from_zero: int = 2
    """Instances launched when there are none and tasks wait."""
    boot_s: int = 120
    """From launch until an instance is ACTIVE in the cluster. Not published; one to four minutes are usual."""
    min_instances: int = 0
    max_instances: int | None = None
    most_provisioning: int = 500
    """Tasks of a cluster in PROVISIONING at once, a quota that cannot be raised: managed scaling does not see the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedRules:
    """A Managed Instances capacity provider: no Auto Scaling group and no alarms.

    References
    ----------
    Amazon ECS Developer Guide, "Amazon ECS Managed Instances infrastructure optimization"; AWS News Blog, 2025-09-30.
    """

    scale_in_after_s: int | None = 300
    """``scaleInAfter``: from the last start or stop of a task on an instance until it may end or lose its tasks; None: never.

    Where it is not set AWS determines "optimal timing", and does not say which: five minutes are ours.
    """
    boot_s: int = 120
    """From launch until tasks can start. Not published; as for instances of a group."""
    life_days: float = 14.0
    """From then on an instance is replaced. AWS says 14 days, and gone by day 21."""
    least_instances: int = 0
    """Kept while any task runs. Not a rule of AWS, which has none: the zones that a plan must keep to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFailures:
    """Tasks that end by themselves; the scheduler starts others in their place."""

    step: int
    n_tasks: int
    """Healthy ones of the newest revision first, on the oldest instances; no more than there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LostZone:
    """A zone whose instances are gone from a step on, with all their tasks; the group launches as many in the others."""

    step: int
    zone: int
    until: int | None = None
    """Step from which on instances may be launched there again; None for never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """AWS's notice that it takes Spot capacity back."""

    step: int
    place: int
    """Of the instances that run, oldest first; on Fargate Spot of the healthy tasks, service by service. Beyond: of none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotRules:
    """Spot capacity, without On-Demand in its place: what is interrupted waits for Spot.

    References
    ----------
    Amazon EC2 User Guide, "Spot Instance interruption notices"; Amazon ECS Developer Guide, "Container instance draining" and
    "Amazon ECS clusters for Fargate" (a warning two minutes before a task is stopped, no fallback).
    """

    interruptions: tuple[Interruption, ...] = ()
    without_capacity: tuple[tuple[int, int], ...] = ()
    """First step, and the step before which there is capacity again: meanwhile nothing is launched."""
    notice_s: int = 120
    """How long what is taken back goes on. A Fargate task that ends at SIGTERM, or after ``stopTimeout``, uses less of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchRate:
    """The bucket of tasks that Fargate launches for an account and Region.

    References
    ----------
    Amazon ECS Developer Guide, "AWS Fargate throttling quotas"; the defaults are those of the 16 large Regions, elsewhere they
    are 25 and 5 (Amazon ECS endpoints and quotas).
    """

    burst: int = 100
    """Tasks that a full bucket lets through at once."""
    sustained_per_s: float = 20
    """Tasks by which it fills up again in a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledBounds:
    """A scheduled action: other bounds from a step on.

    A desired count outside of them moves to the nearest one at once, whatever the cooldowns (Application Auto Scaling User
    Guide, "Scheduled scaling").
    """

    step: int
    min_tasks: int | None = None
    """None leaves the bound as it is."""
    max_tasks: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingDeployments:
    """Deployments that replace every task of a service, batch by batch.

    References
    ----------
    Amazon ECS API Reference, "DeploymentConfiguration": what follows stays within both percents of the desired count.
    """

    steps: tuple[int, ...]
    """At which one begins."""
    minimum_healthy_percent: int = 100
    """Of the desired count, rounded up: as many tasks stay healthy."""
    maximum_percent: int = 200
    """Of the desired count, rounded down: no more tasks run or start."""
    healthy_s: int = 40
    """From running until healthy: 40 s without load balancer and health check; with them what their checks take."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrackedMetric:
    """Another metric that target tracking follows, such as memory beside CPU."""

    load: FloatArray
    """(steps,): as :attr:`ReplayedService.load`, in targets of this metric."""
    saturates_at: float | None
    scaling: ScalingRules = field(default_factory=ScalingRules)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StepScaling:
    """A policy of step scaling: an alarm on a threshold, and a change of the count for each distance from it."""

    load: FloatArray
    """(steps,): the metric's numerator in thresholds: tasks that would run exactly at the threshold."""
    saturates_at: float | None
    """The metric over its threshold when tasks are full."""
    steps: tuple[tuple[float, int], ...]
    """Distance from the threshold, over it, from which on the count changes by so much; the first from 0, rising."""
    is_scale_in: bool = False
    """Below the threshold, and its changes negative."""
    points: int = 3
    """Minutes in a row that the alarm needs."""
    cooldown_s: int = DEFAULT_COOLDOWN_S
    adjustment: AdjustmentType = AdjustmentType.CHANGE_IN_CAPACITY
    """What the number of a step means."""
    min_adjustment_magnitude: int | None = None
    is_at_threshold: bool = False
    """Whether the alarm is on at the threshold itself."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReplayedService:
    """One service under a replay."""

    name: str
    reservation: IntArray
    """(3,): CPU units, MiB, network slots of a task."""
    start_s: int
    """From placement until the task serves: image pull and start."""
    min_tasks: int
    max_tasks: int | None
    load: FloatArray
    """(steps,): the metric's numerator in targets: tasks that would run exactly at the target. Counts, where ``is_counts``."""
    saturates_at: float | None
    """The metric over its target when tasks are full: 1 / target for CPU, None where it has no bound (requests per task)."""
    is_counts: bool = False
    """``load`` is the desired count itself: no policy runs."""
    scaling: ScalingRules = ScalingRules()
    has_tracking: bool = True
    """False: no target tracking follows ``load``; step policies alone move the count."""
    scheduled: tuple[ScheduledBounds, ...] = ()
    """In any order; those of one step in the order given. None acts on counts."""
    more_tracked: tuple[TrackedMetric, ...] = ()
    step_policies: tuple[StepScaling, ...] = ()
    stop_s: int = 0
    """From the decision to stop a task until its room is free: deregistration from a load balancer, then the task's own end."""
    deployments: RollingDeployments | None = None
    failures: tuple[TaskFailures, ...] = ()
    on_demand_base: int = 0
    """On Fargate Spot: the base of the strategy, as many tasks run on demand, which nothing interrupts."""
    rebalances_zones: bool = False
    """Availability Zone rebalancing, where tasks are spread over zones. Its tasks beside the desired count stay within the
    ``maximum_percent`` of deployments."""
    host_ports: tuple[HostPort, ...] = ()
    """Fixed ports on the instance, in network mode ``bridge`` or ``host``: one task with each on an instance."""
    has_distinct_instances: bool = False
    """The constraint ``distinctInstance``: one task of the service on an instance."""

    @property
    def loads(self) -> tuple[FloatArray, ...]:
        """Of all its policies, (steps,) each."""
        return (self.load, *(each.load for each in self.more_tracked), *(each.load for each in self.step_policies))

    def between(self, first: int, end: int) -> "ReplayedService":
        """The same service over steps ``first`` to before ``end``, with the bounds that hold at the first of them."""
        if self.deployments is not None or self.failures:
            raise ValueError(f"service {self.name!r}: its deployments and failures are of the whole replay")
        least, most = self.min_tasks, self.max_tasks
        for action in sorted((each for each in self.scheduled if each.step <= first), key=lambda each: each.step):
            least = least if action.min_tasks is None else action.min_tasks
            most = most if action.max_tasks is None else action.max_tasks
        return replace(
            self,
            min_tasks=least,
            max_tasks=most,
            scheduled=tuple(replace(each, step=each.step - first) for each in self.scheduled if first < each.step < end),
            load=self.load[first:end],
            more_tracked=tuple(replace(each, load=each.load[first:end]) for each in self.more_tracked),
            step_policies=tuple(replace(each, load=each.load[first:end]) for each in self.step_policies),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReplayedCluster:
    """Container instances of one type behind one capacity provider."""

    capacity: IntArray
    """(3,): what one instance offers, less daemons."""
    zones: int
    placement: PlacementStrategy
    rules: ClusterRules = ClusterRules()
    lost_zones: tuple[LostZone, ...] = ()
    managed: ManagedRules | None = None
    """In place of ``rules``: Managed Instances."""
    random_stops_seed: int | None = None
    """Under AZ spread then binpack: None stops those tasks of a zone whose instance has most room left, as AWS says of binpack;
    a seed draws them, as it says of spread. Of the two together it says nothing (Amazon ECS Developer Guide, "Use strategies
    to define Amazon ECS task placement")."""
    random_placement_seed: int = 0
    """Where placement is random: of the tasks that are placed, and of those that stop, which AWS does not publish."""

    def chance(self) -> np.random.Generator | None:
        """What is drawn at random in a replay; None where nothing is."""
        is_random = self.placement is PlacementStrategy.RANDOM
        seed = self.random_placement_seed if is_random else self.random_stops_seed
        return None if seed is None else np.random.default_rng(seed)


def whole_steps(seconds: float, step_s: int) -> int:
    """Steps that an event takes, rounded up: it shows at the start of a step."""
    return math.ceil(seconds / step_s - 1e-9)
