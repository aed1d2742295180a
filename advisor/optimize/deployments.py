"""Deployments as the workload states them: what they take of the instances or task-hours of a part."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from advisor.optimize.parts import DeploymentFacts
from advisor.plan import ServicePlan
from advisor.simulate.replay import Replay, ReplayedCluster, ReplayedService, RollingDeployments, replay_cluster
from advisor.units import HOURS_PER_DAY, HOURS_PER_MONTH, HOURS_PER_WEEK, SECONDS_PER_HOUR, BoolArray
from advisor.workload import Service

HEALTHY_S = 40
"""From running until healthy without a load balancer (Amazon ECS API Reference, "DeploymentConfiguration")."""
TARGET_HEALTHY_S = 30
"""With one: two checks, 15 s apart, as our deploy files set them."""


def deployment_facts(
    services: Sequence[ReplayedService],
    stated: Sequence[tuple[Service, ServicePlan]],
    cluster: ReplayedCluster | None,
    *,
    start: datetime,
    step_s: int,
) -> DeploymentFacts | None:
    """Replay a part with the stated deployments and without them; None where none are stated.

    Parameters
    ----------
    services, stated
        Of the part, in the order in which the replay places them.

    Notes
    -----
    Both replays hold the room of stopped tasks for as long as is stated, so that they differ by nothing else. Deployments are
    spread evenly over the time that is replayed, those of one service between those of another. Where the time holds another
    number than the rate asks for (at least one is replayed), the difference is scaled.
    """
    draining, deploying, n_replayed, per_week = [], [], 0, 0.0
    n_steps = services[0].load.size
    for number, (replayed, (service, plan)) in enumerate(zip(services, stated, strict=True)):
        said = service.deployments
        if said is None:
            draining.append(replayed)
            deploying.append(replayed)
            continue
        steps = deployment_steps(said.per_week, said.hour, start, n_steps, step_s, stagger=(number + 0.5) / len(services))
        n_replayed, per_week = n_replayed + len(steps), per_week + said.per_week
        rules = RollingDeployments(
            steps=steps,
            minimum_healthy_percent=plan.minimum_healthy_percent,
            maximum_percent=plan.maximum_percent,
            healthy_s=HEALTHY_S if service.port is None else TARGET_HEALTHY_S,
        )
        draining.append(replace(replayed, stop_s=round(said.drain_s)))
        deploying.append(replace(draining[-1], deployments=rules))
    if not n_replayed:
        return None
    without, rolled = (replay_cluster(each, cluster, step_s=step_s) for each in (draining, deploying))
    known = np.all([~np.isnan(service.load) for service in services], axis=0)
    expected = per_week * n_steps * step_s / SECONDS_PER_HOUR / HOURS_PER_WEEK

    def ratio(before: float, after: float) -> float:
        return 1 + (after / before - 1) * expected / n_replayed if before else 1.0

    cpu = np.array([service.reservation[0] for service in services])
    reserved = [float((cpu @ each.over_time(each.holding))[known].sum()) for each in (without, rolled)]
    billed = [_billed(each, known) for each in (without, rolled)]
    return DeploymentFacts(
        per_month=per_week * HOURS_PER_MONTH / HOURS_PER_WEEK,
        factor=ratio(*billed),
        task_factor=ratio(*reserved),
        instances_max=int(rolled.instances.max(initial=0)),
        instances_max_without=int(without.instances.max(initial=0)),
    )


def _billed(replay: Replay, known: BoolArray) -> float:
    """Instance-steps, or on Fargate task-steps, where every load is known."""
    hours = replay.instances if replay.instances.any() else replay.holding.sum(axis=0)
    return float(replay.over_time(hours)[known].sum())


def deployment_steps(
    per_week: float, hour: int | None, start: datetime, n_steps: int, step_s: int, *, stagger: float
) -> tuple[int, ...]:
    """Steps at which deployments begin: evenly over all hours, or over the hour of each day in which they happen.

    Parameters
    ----------
    hour
        UTC; None for all hours.
    stagger
        Where between two of them the first stands, from 0 to 1.
    """
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    day_s = HOURS_PER_DAY * SECONDS_PER_HOUR
    days = n_steps * step_s / day_s
    number = max(1, round(days / 7 * per_week))
    found = set()
    for k in range(number):
        at = (k + stagger) / number * days
        moment = start + timedelta(days=at)
        if hour is not None:
            day = midnight + timedelta(days=int(at))
            moment = day + timedelta(hours=hour + at % 1)
        step = int((moment - start).total_seconds() // step_s)
        found.add(step if step >= 0 else step + day_s // step_s)
    return tuple(sorted(step for step in found if step < n_steps))
