"""The replay of a cluster against a second simulator in plain loops: the same counts at every step."""

from random import Random

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from advisor.ecs import PlacementStrategy
from advisor.plan import AdjustmentType
from advisor.plan.placement import HostPort
from advisor.simulate.replay import (
    ClusterRules,
    Interruption,
    LaunchRate,
    LostZone,
    ManagedRules,
    ReplayedCluster,
    ReplayedService,
    RollingDeployments,
    ScaleInStep,
    ScalingRules,
    ScheduledBounds,
    SpotRules,
    StepScaling,
    TaskFailures,
    TrackedMetric,
    counts_by_policies,
    replay_cluster,
)
from tests import strategies
from tests.oracle import ecs_cluster, managed_fleet, spot_cluster

KNOWN_PLACEMENTS = [each.value for each in PlacementStrategy if each is not PlacementStrategy.RANDOM]
"""Where tasks go is no matter of chance."""

MEASURES = ("running", "placed", "draining", "waiting", "deploying", "desired", "instances", "active", "reserved")
MOST_STEPS = 90
a_few = settings(max_examples=settings().max_examples // 2)


def known(load):
    return np.array([np.nan if value is None else value for value in load], dtype=float)


def rules_of(policy):
    return ScalingRules(**policy | {"scale_in_step": ScaleInStep(policy["scale_in_step"])})


def as_replayed(service):
    """A service as the oracle takes it, as the engine takes it."""
    return ReplayedService(
        name=service["name"],
        reservation=np.array(service["task"]),
        start_s=service["start_s"],
        min_tasks=service["min"],
        max_tasks=service["max"],
        load=known(service["load"]),
        saturates_at=service["saturates_at"],
        is_counts=service["is_counts"],
        scaling=rules_of(service["policy"]) if service["policy"] else ScalingRules(),
        has_tracking=service["policy"] is not None,
        more_tracked=tuple(
            TrackedMetric(load=known(each["load"]), saturates_at=each["saturates_at"], scaling=rules_of(each["policy"]))
            for each in service.get("more_policies", ())
            if "steps" not in each["policy"]
        ),
        step_policies=tuple(
            StepScaling(
                load=known(each["load"]),
                saturates_at=each["saturates_at"],
                **each["policy"] | {"adjustment": AdjustmentType(each["policy"]["adjustment"])},
            )
            for each in service.get("more_policies", ())
            if "steps" in each["policy"]
        ),
        scheduled=tuple(
            ScheduledBounds(step=step, min_tasks=low, max_tasks=high) for step, low, high in service.get("bounds", ())
        ),
        stop_s=service.get("stop_s", 0),
        rebalances_zones=service.get("rebalances", False),
        failures=tuple(TaskFailures(step=step, n_tasks=n) for step, n in service.get("failures", ())),
        host_ports=tuple(map(HostPort, service.get("host_ports", ()))),
        on_demand_base=service.get("on_demand_base", 0),
        has_distinct_instances=service.get("is_distinct", False),
        deployments=RollingDeployments(**service["deployments"]) if "deployments" in service else None,
    )


def as_cluster(cluster):
    if cluster is None or "burst" in cluster:
        return None
    return ReplayedCluster(
        capacity=np.array(cluster["capacity"]),
        zones=cluster["zones"],
        placement=PlacementStrategy(cluster["placement"]),
        rules=ClusterRules(**cluster.get("group", {})),
        managed=ManagedRules(**cluster["managed"]) if "managed" in cluster else None,
        lost_zones=tuple(LostZone(step=step, zone=zone, until=until) for step, zone, until in cluster.get("lost_zones", ())),
    )


def as_spot(spot):
    if spot is None:
        return None
    interruptions = tuple(Interruption(step=step, place=place) for step, place in spot["interruptions"])
    return SpotRules(**spot | {"interruptions": interruptions, "without_capacity": tuple(spot["without_capacity"])})


def steps_of(replay):
    """The engine's answer as the oracle gives it."""
    series = {name: replay.over_time(getattr(replay, name)).T.tolist() for name in MEASURES}
    return [{name: values[step] for name, values in series.items()} for step in range(int(replay.n_steps.sum()))]


def assert_same(services, cluster, step_s, spot=None):
    oracle = managed_fleet if cluster and "managed" in cluster else ecs_cluster
    expected = spot_cluster.replay(services, cluster, step_s, spot) if spot else oracle.replay(services, cluster, step_s)
    launches = LaunchRate(**cluster) if cluster and "burst" in cluster else None
    replayed = [as_replayed(each) for each in services]
    found = steps_of(replay_cluster(replayed, as_cluster(cluster), step_s=step_s, launches=launches, spot=as_spot(spot)))
    assert len(found) == len(expected)
    for step, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        if ours != theirs:
            differing = {name: (ours[name], theirs[name]) for name in MEASURES if ours[name] != theirs[name]}
            before = expected[step - 1] if step else None
            given_case = f"{services}\n{cluster}\nstep_s={step_s}, spot={spot}"
            pytest.fail(f"step {step}, (engine, oracle): {differing}\nbefore: {before}\n{given_case}")


# What is drawn. Sizes are few and small, so that ties, full instances and instances just emptied are frequent.

seconds = st.sampled_from([0, 20, 45, 60, 100, 180, 300, 600])


@st.composite
def policies(draw):
    return {
        "out_points": draw(st.sampled_from([3, 3, 1, 2, 0])),
        "in_points": draw(st.sampled_from([15, 5, 3, 1, 0])),
        "low_fraction": draw(st.sampled_from([0.9, 0.9, 0.7])),
        "out_cooldown_s": draw(seconds),
        "in_cooldown_s": draw(seconds),
        "scale_in_step": draw(st.sampled_from(["formula", "one"])),
        "is_scale_in_disabled": draw(st.integers(0, 5)) == 0,
    }


@st.composite
def loads(draw, n_steps, most):
    """Plateaus with jumps, noise, gaps and zeros, in tasks at the target."""
    values = []
    while len(values) < n_steps:
        level = draw(st.one_of(strategies.task_multiples(most), st.none()))
        length = draw(st.sampled_from([1, 2, 3, 5, 8, 15, 20, 40]))
        swing = draw(st.sampled_from([0.0, 0.0, 0.0, 0.3, 2.0]))
        values.extend(level if level is None or step % 2 else level + swing for step in range(length))
    return values[:n_steps]


@st.composite
def bounds(draw, n_steps):
    """Scheduled actions, often none: both bounds, or the lower one alone where no upper one can be below it."""
    found = []
    for _ in range(draw(st.sampled_from([0, 0, 1, 2, 3]))):
        least = draw(st.integers(0, 6))
        most = draw(st.one_of(st.integers(max(least, 1), 12), st.just(100)))
        found.append((draw(st.integers(0, n_steps - 1)), *draw(st.sampled_from([(least, most), (least, most), (0, None)]))))
    return found


@st.composite
def deployments(draw, n_steps):
    """Often none; with any limits that ECS takes, those that block one included."""
    steps = draw(st.sampled_from([0, 0, 1, 2, 3]))
    if not steps:
        return {}
    found = {
        "steps": [draw(st.integers(0, n_steps - 1)) for _ in range(steps)],
        "minimum_healthy_percent": draw(st.sampled_from([100, 100, 0, 50, 75])),
        "maximum_percent": draw(st.sampled_from([200, 200, 100, 125, 150])),
        "healthy_s": draw(st.sampled_from([40, 0, 120])),
    }
    return {"deployments": found}


@st.composite
def services(draw, number, n_steps):
    least = draw(st.sampled_from([0, 1, 1, 2, 3]))
    return draw(deployments(n_steps)) | {
        "name": f"service-{number}",
        "task": draw(
            st.sampled_from(
                [(256, 512, 1), (512, 1024, 0), (1024, 1900, 1), (256, 3800, 1), (128, 100, 0), (700, 2600, 1), (2048, 7600, 1)]
            )
        ),
        "start_s": draw(st.sampled_from([0, 20, 45, 60, 120, 180])),
        "min": least,
        "max": draw(st.one_of(st.none(), st.integers(max(least, 1), 12))),
        "load": draw(loads(n_steps, 12)),
        "saturates_at": draw(st.sampled_from([None, None, 1 / 0.5, 1 / 0.6, 1 / 0.75, 1.0])),
        "is_counts": draw(st.integers(0, 3)) == 0,
        "policy": draw(policies()),
        "bounds": draw(bounds(n_steps)),
        "stop_s": draw(st.sampled_from([0, 0, 20, 60, 150])),
        "rebalances": draw(st.booleans()),
        "failures": draw(st.lists(st.tuples(st.integers(0, n_steps - 1), st.integers(1, 5)), max_size=2)),
        "host_ports": draw(st.sampled_from([[], [], [], [80], [80, 443], [443], [8080, 80]])),
        "is_distinct": draw(st.sampled_from([False, False, False, True])),
    }


@st.composite
def groups(draw):
    least = draw(st.sampled_from([0, 0, 0, 1, 3]))
    return {
        "target_capacity_percent": draw(st.one_of(st.just(100), st.integers(50, 100))),
        "out_points": draw(st.sampled_from([1, 1, 2, 0])),
        "in_points": draw(st.sampled_from([15, 5, 1, 0])),
        "wait_after_out_s": draw(st.sampled_from([900, 300, 0])),
        "warm_up_s": draw(seconds),
        "least_step": draw(st.sampled_from([1, 1, 2])),
        "most_step": draw(st.sampled_from([10_000, 2, 3])),
        "from_zero": draw(st.sampled_from([2, 1, 3])),
        "boot_s": draw(st.sampled_from([0, 30, 60, 120, 300])),
        "min_instances": least,
        "max_instances": draw(st.one_of(st.none(), st.integers(max(least, 1), 10))),
        "most_provisioning": draw(st.sampled_from([500, 500, 1, 4])),
    }


@st.composite
def lost_zones(draw, zones):
    """Often none; some for ever, some that come back, one in one that is lost."""
    if draw(st.booleans()):
        return []
    steps = st.one_of(st.none(), st.integers(0, MOST_STEPS))
    return draw(st.lists(st.tuples(st.integers(0, MOST_STEPS), st.integers(0, zones - 1), steps), min_size=1, max_size=3))


@st.composite
def clusters(draw):
    zones = draw(st.integers(1, 3))
    return {
        "lost_zones": draw(lost_zones(zones)),
        "capacity": draw(st.sampled_from([(2048, 7600, 8), (8192, 7600, 8), (2048, 31_000, 8), (8192, 31_000, 3)])),
        "zones": zones,
        "placement": draw(st.sampled_from(KNOWN_PLACEMENTS)),
        "group": draw(groups()),
    }


@st.composite
def cases(draw, cluster):
    n_steps = draw(st.integers(1, MOST_STEPS))
    n_services = draw(st.integers(1, 4))
    return (
        [draw(services(number, n_steps)) for number in range(n_services)],
        draw(cluster),
        draw(st.sampled_from([60, 60, 20])),
    )


@a_few
@given(case=cases(clusters()))
def test_on_instances_every_step_is_the_oracles(case):
    assert_same(*case)


def rules_of_scheduler(random):
    """Deployments, ends of tasks, ports and places."""
    if random.random() < 0.3:
        return {}
    failures = [(random.randrange(250), random.choice([1, 2, 9])) for _ in range(random.choice([0, 0, 1, 4]))]
    ports = {
        "failures": failures,
        "rebalances": random.random() < 0.5,
        "host_ports": random.choice([[], [], [80], [443], [80, 443]]),
        "is_distinct": random.random() < 0.2,
    }
    if random.random() < 0.3:
        return ports | {"stop_s": random.choice([0, 0, 90])}
    found = {
        "steps": [random.randrange(250) for _ in range(random.choice([1, 3, 6]))],
        "minimum_healthy_percent": random.choice([100, 100, 50, 75]),
        "maximum_percent": random.choice([200, 200, 100, 125]),
        "healthy_s": random.choice([0, 40, 90]),
    }
    return ports | {"stop_s": random.choice([0, 60, 300]), "deployments": found}


def busy_case(seed):
    """A long replay with many events: hypothesis would spend its time on drawing it."""
    random = Random(seed)

    def load(n_steps):
        values = []
        while len(values) < n_steps:
            level = random.choice([None, 0.0, *range(1, 10), random.uniform(0, 12)])
            noise = random.choice([0.0, 0.0, 0.2])
            for _ in range(random.choice([2, 4, 6, 12, 25])):
                values.append(None if level is None else float(level * random.uniform(1 - noise, 1 + noise)))
        return values[:n_steps]

    def policy():
        return {
            "out_points": random.choice([1, 2, 3]),
            "in_points": random.choice([1, 3, 5, 15]),
            "low_fraction": 0.9,
            "out_cooldown_s": random.choice([0, 60, 180, 300, 600]),
            "in_cooldown_s": random.choice([0, 60, 180, 300, 600]),
            "scale_in_step": random.choice(["formula", "formula", "one"]),
            "is_scale_in_disabled": False,
        }

    tasks = [(256, 512, 1), (1024, 1900, 1), (256, 3800, 1), (700, 2600, 1), (2048, 7600, 1), (1500, 7000, 1)]

    def more_policies():
        found = []
        for _ in range(random.choice([0, 0, 1, 2])):
            if random.random() < 0.5:
                found.append({"load": load(250), "saturates_at": random.choice([None, 1.5]), "policy": policy()})
                continue
            sign = random.choice([1, -1])
            kind, size = random.choice(list({"ChangeInCapacity": 1, "PercentChangeInCapacity": 30, "ExactCapacity": 2}.items()))
            unit = size if kind == "ExactCapacity" else sign * size
            steps = [(0, unit)] if random.random() < 0.4 else [(0, unit), (0.25, 2 * unit), (0.5, 4 * unit)]
            given_policy = {
                "steps": steps,
                "is_scale_in": sign < 0,
                "points": random.choice([1, 3, 5]),
                "cooldown_s": random.choice([0, 60, 300]),
                "adjustment": kind,
                "min_adjustment_magnitude": random.choice([None, 2]) if kind == "PercentChangeInCapacity" else None,
                "is_at_threshold": random.choice([True, False]),
            }
            found.append({"load": load(250), "saturates_at": random.choice([None, 1.5]), "policy": given_policy})
        return found

    def scaled_by():
        more = more_policies()
        is_stepped = any("steps" in each["policy"] for each in more)
        return {"policy": None if is_stepped and random.random() < 0.4 else policy(), "more_policies": more}

    busy = [
        {
            "name": f"service-{number}",
            "task": random.choice(tasks),
            "start_s": random.choice([0, 60, 120, 300]),
            "min": random.choice([0, 1, 1]),
            "max": random.choice([None, 8, 12]),
            "load": load(250),
            "saturates_at": random.choice([None, 1.5, 2.0]),
            "is_counts": random.random() < 0.4,
            **scaled_by(),
            "bounds": [
                (random.randrange(250), *random.choice([(0, 12), (3, 100), (2, 3), (6, 6)]))
                for _ in range(random.choice([0, 0, 2, 4]))
            ],
        }
        | rules_of_scheduler(random)
        for number in range(random.choice([2, 3, 4]))
    ]
    group = {
        "target_capacity_percent": random.choice([100, 100, 90, 70, 50]),
        "out_points": 1,
        "in_points": random.choice([1, 3, 15]),
        "wait_after_out_s": random.choice([0, 120, 300, 900]),
        "warm_up_s": random.choice([0, 120, 300]),
        "least_step": 1,
        "most_step": random.choice([10_000, 2]),
        "from_zero": 2,
        "boot_s": random.choice([0, 60, 120, 180]),
        "min_instances": random.choice([0, 0, 2]),
        "max_instances": random.choice([None, None, 9]),
        "most_provisioning": random.choice([500, 2]),
    }
    placement = random.choice(KNOWN_PLACEMENTS)
    zones = random.choice([1, 2, 3])
    cluster = {"capacity": (2048, 7600, 8), "zones": zones, "placement": placement, "group": group}
    if random.random() < 0.4:
        at = random.randrange(200)
        cluster["lost_zones"] = [(at, random.randrange(zones), random.choice([None, at + random.randrange(60)]))]
    return busy, cluster, 60


@pytest.mark.prove
@settings(max_examples=settings().max_examples // 3, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(seed=st.integers(0, 2**32))
def test_over_long_and_busy_replays_every_step_is_the_oracles(seed):
    assert_same(*busy_case(seed))


@settings(max_examples=settings().max_examples // 3, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(seed=st.integers(0, 2**32))
def test_counts_of_services_with_several_policies_are_the_oracles(seed):
    """On Fargate, where they do not touch each other; without what only a whole replay knows."""
    services, _, step_s = busy_case(seed)
    kept = ("name", "task", "start_s", "min", "max", "load", "saturates_at", "policy", "more_policies", "bounds")
    several = [{name: each[name] for name in kept} | {"is_counts": False} for each in services if each["more_policies"]]
    for service in several:
        expected = [step["placed"][0] for step in ecs_cluster.replay([service], None, step_s)]
        assert counts_by_policies(as_replayed(service), step_s=step_s).tolist() == expected


@st.composite
def managed_clusters(draw):
    given = draw(clusters())
    del given["group"]
    rules = {
        "scale_in_after_s": draw(st.sampled_from([None, 0, 60, 300, 300])),
        "boot_s": draw(st.sampled_from([0, 30, 60, 120, 300])),
        "life_days": draw(st.sampled_from([14.0, 14.0, 1 / 48, 1 / 24])),  # lives that end within the replay
        "least_instances": draw(st.sampled_from([0, 0, 1, 2])),
    }
    return given | {"managed": rules}


@a_few
@given(case=cases(managed_clusters()))
def test_on_managed_instances_every_step_is_the_oracles(case):
    assert_same(*case)


def busy_managed_case(seed):
    busy, cluster, step_s = busy_case(seed)
    random = Random(seed)
    del cluster["group"]
    cluster["managed"] = {
        "scale_in_after_s": random.choice([0, 120, 300, 600]),
        "boot_s": random.choice([0, 60, 120, 180]),
        "life_days": random.choice([14.0, 1 / 12, 1 / 24]),
        "least_instances": random.choice([0, 0, 2]),
    }
    return busy, cluster, step_s


@settings(max_examples=settings().max_examples // 3, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(seed=st.integers(0, 2**32))
@pytest.mark.prove
def test_over_long_and_busy_replays_managed_instances_are_the_oracles(seed):
    assert_same(*busy_managed_case(seed))


@settings(max_examples=settings().max_examples // 3, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(seed=st.integers(0, 2**32), is_fargate=st.booleans())
def test_with_interruptions_every_step_is_the_oracles(seed, is_fargate):
    services, cluster, step_s = busy_case(seed)
    random = Random(seed)
    if is_fargate:  # on instances a base is on another capacity provider
        services = [each | {"on_demand_base": random.choice([0, 0, 1, 3])} for each in services]
    gaps = [random.randrange(250) for _ in range(random.choice([0, 1, 2]))]
    spot = {
        "interruptions": [(random.randrange(250), random.randrange(8)) for _ in range(random.choice([1, 4, 12]))],
        "without_capacity": [(first, first + random.randrange(1, 40)) for first in gaps],
        "notice_s": random.choice([0, 120, 120, 300]),
    }
    assert_same(services, None if is_fargate else cluster, step_s, spot)


@a_few
@given(case=cases(st.sampled_from([None, {"burst": 3, "sustained_per_s": 0.05}, {"burst": 9, "sustained_per_s": 0.1}])))
def test_on_fargate_every_step_is_the_oracles(case):
    assert_same(*case)
