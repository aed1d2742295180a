"""Random plans on Fargate with texts that break careless formats, and what two of the formats hold of a plan."""

from dataclasses import replace

from hypothesis import strategies as st

from advisor.ecs import FARGATE_SIZES, Architecture, LaunchType, PurchaseOption, TaskSize
from advisor.plan import (
    CapacityProvider,
    Container,
    ContainerInsights,
    EfsVolume,
    HealthCheck,
    LoadBalancer,
    MountPoint,
    PortMapping,
    ScalingMetric,
    Start,
    StrategyItem,
)
from tests.emit.plans import ECR, fargate, plan, service

HOSTILE = [
    "",
    " lead and trail ",
    'it\'s "quoted"',
    "${HOME}",
    "\\${HOME}",
    "${HOME}${X_1} $${Y} ${-}",
    "{{x}}",
    "{{{",
    "}}{{`{{`}}",
    "{{ env `HOME` `x` }}",
    "a: b",
    "- x",
    "# c",
    "? k",
    "[x, {y}]",
    "&a *b !c | > % @ `",
    "two\nlines\r\n\ttab",
    "Grüße ☃ 🚀",
    "x" * 255,
    "true",
    "NO",
    "~",
    "1e3",
    "0x1F",
    "2026-01-01",
    "<<",
    "=",
    "\\n \\\\",
    "%(x)s {0} $1",
]
CHARACTERS = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="@\ufeff\ufffe\uffff")
TEXTS = st.sampled_from(HOSTILE) | st.text(CHARACTERS, max_size=20)
NAMES = st.from_regex(r"[a-z][a-z0-9]{1,8}(-[a-z0-9]{1,4})?", fullmatch=True)
VARIABLES = st.from_regex(r"[A-Z][A-Z0-9_]{0,6}[.]?x", fullmatch=True)
IMAGES = st.none() | st.sampled_from([f"{ECR}/team/web:1.4", "nginx", f"ghcr.io/a/b@sha256:{'0' * 64}"])
SECRETS = st.sampled_from(["/prod/db", "plain", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf:user::"])
COMMANDS = st.lists(TEXTS, max_size=3).map(tuple) | st.just(("serve", "--port=80"))
CHECKS = st.builds(
    HealthCheck,
    command=st.tuples(st.just("CMD-SHELL"), TEXTS) | st.tuples(st.just("CMD"), TEXTS, TEXTS),
    interval_s=st.integers(5, 300),
    timeout_s=st.integers(2, 60),
    retries=st.integers(1, 10),
    start_period_s=st.integers(0, 300),
)
LIMITS = [(100, 200), (0, 100)]


@st.composite
def containers(draw, name, *, port=None, protocols=("tcp",), has_check=True):
    facts = {
        "name": name,
        "image": draw(IMAGES),
        "command": draw(COMMANDS),
        "environment": draw(st.dictionaries(VARIABLES, TEXTS, max_size=3)),
        "secrets": {f"S_{key}": draw(SECRETS) for key in draw(st.lists(VARIABLES, max_size=2, unique=True))},
        "ports": () if port is None else (PortMapping(container_port=port, protocol=draw(st.sampled_from(protocols))),),
        "health_check": draw(CHECKS) if has_check else None,
        "has_read_only_root": draw(st.booleans()),
    }
    return Container(**facts)


@st.composite
def tasks(draw, name, port):
    """Nothing, or a main container with up to two others beside it, which may wait for each other and share a file system."""
    if draw(st.booleans()):
        return {"image": draw(IMAGES)}
    main = draw(containers(draw(st.sampled_from([name, "Main_1"])), port=port, has_check=draw(st.booleans())))
    sidecars = [
        draw(containers(side, port=number, protocols=("tcp", "udp")))
        for side, number in draw(st.sampled_from([[], [("log-router", 24_224)], [("A_b", None), ("zz", 9901)]]))
    ]
    volumes = draw(st.sampled_from([(), (EfsVolume(name="data", file_system_id="fs-0123abcd", root_directory="/x"),)]))
    if volumes:
        main = replace(main, mount_points=(MountPoint(volume="data", path="/srv/data"),))
    if sidecars and volumes:
        sidecars[0] = replace(sidecars[0], mount_points=(MountPoint(volume="data", path="/in", is_read_only=True),))
    if sidecars:
        first = replace(sidecars[0], is_essential=draw(st.booleans()), cpu_units=draw(st.none() | st.just(32)))
        sidecars[0] = replace(
            first, memory_mib=draw(st.none() | st.just(64)), memory_reservation_mib=draw(st.none() | st.just(32))
        )
        main = replace(main, depends_on={sidecars[0].name: draw(st.sampled_from([Start.START, Start.HEALTHY]))})
    return {"containers": (main, *sidecars), "volumes": volumes}


@st.composite
def scalings(draw, port):
    metrics = [metric for metric in ScalingMetric if port is not None or metric is not ScalingMetric.REQUESTS]
    metric = draw(st.sampled_from(metrics))
    low, desired, high = sorted(draw(st.lists(st.integers(0, 500), min_size=3, max_size=3)))
    if metric is ScalingMetric.NONE:
        return {"scaling_metric": metric, "scaling_target": None, "min_tasks": low, "desired_tasks": desired, "max_tasks": high}
    target = draw(st.integers(1, 100) if metric is not ScalingMetric.REQUESTS else st.integers(1, 100_000))
    return {
        "scaling_metric": metric,
        "scaling_target": float(target),
        "min_tasks": low,
        "desired_tasks": desired,
        "max_tasks": high,
        "scale_in_cooldown_s": draw(st.sampled_from([0, 60, 300])),
        "scale_out_cooldown_s": draw(st.sampled_from([0, 90, 300])),
    }


@st.composite
def capacities(draw, *, is_fixed, at_least):
    """Only On-Demand, only Spot, or a base On-Demand and the rest on Spot."""
    on_demand = {"capacity_provider": "FARGATE"}
    spot = {"capacity_provider": "FARGATE_SPOT", "purchase_option": PurchaseOption.SPOT}
    if is_fixed or draw(st.booleans()):
        return draw(st.sampled_from([on_demand, spot]))
    base = StrategyItem(capacity_provider="FARGATE", weight=0, base=draw(st.integers(max(1, at_least - 1), 600)))
    return on_demand | {"strategy": (base, StrategyItem(capacity_provider="FARGATE_SPOT"))}


@st.composite
def services(draw, name):
    port = draw(st.none() | st.sampled_from([80, 8080]))
    scaling = draw(scalings(port))
    low, high = draw(st.sampled_from(LIMITS))
    facts = {
        "architecture": draw(st.sampled_from(Architecture)),
        "task": draw(st.sampled_from(FARGATE_SIZES)),
        "port": port,
        "ephemeral_storage_gib": draw(st.integers(20, 200)),
        "has_public_ip": draw(st.booleans()),
        "log_retention_days": draw(st.sampled_from([1, 30, 3653])),
        "minimum_healthy_percent": low,
        "maximum_percent": high,
        **scaling,
        **draw(capacities(is_fixed=scaling["scaling_target"] is None, at_least=scaling["min_tasks"])),
        **draw(tasks(name, port)),
    }
    if port is not None and scaling["scaling_metric"] is not ScalingMetric.REQUESTS:
        facts["load_balancer"] = draw(st.sampled_from(LoadBalancer))
    return service(**facts)


@st.composite
def jobs(draw, name):
    schedule = draw(st.sampled_from(["cron(0 2 * * ? *)", "rate(5 minutes)"]))
    facts = {"task": draw(st.sampled_from(FARGATE_SIZES)), "architecture": draw(st.sampled_from(Architecture))}
    once = {"desired_tasks": 1, "min_tasks": 1, "max_tasks": 1, "scaling_metric": ScalingMetric.NONE, "scaling_target": None}
    return service(**facts, **once, schedule=schedule, **draw(tasks(name, None)))


@st.composite
def windows(draw):
    size = TaskSize(cpu_units=1024, memory_mib=2048)
    return service(task=size, operating_system="WINDOWS_SERVER_2022_CORE", port=80, image=draw(IMAGES))


@st.composite
def copilot_plans(draw):
    """Plans that Copilot can express."""
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    made = {name: draw(services(name) | jobs(name) | windows()) for name in names}
    return _plan(draw, made)


@st.composite
def express_services(draw, name):
    scaling = draw(scalings(80)) | {"scale_in_cooldown_s": 300, "scale_out_cooldown_s": 300}
    container = replace(draw(containers("app", port=80, has_check=False)), has_read_only_root=True)
    facts = {"image": draw(IMAGES)} if draw(st.booleans()) else {"containers": (container,)}
    size, architecture = draw(st.sampled_from(FARGATE_SIZES)), draw(st.sampled_from(Architecture))
    return service(port=80, has_public_ip=draw(st.booleans()), architecture=architecture, task=size, **scaling, **facts)


@st.composite
def express_plans(draw):
    """Plans that Express Mode can express."""
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    return _plan(draw, {name: draw(express_services(name)) for name in names})


def _plan(draw, made):
    used = {item.capacity_provider for each in made.values() for item in each.strategy_items}
    zones = draw(st.integers(2, 6))
    options = {"FARGATE": PurchaseOption.ON_DEMAND, "FARGATE_SPOT": PurchaseOption.SPOT}
    drawn = plan(made, *(fargate(options[name], zones=zones) for name in sorted(used)), cluster=draw(NAMES))
    return replace(drawn, container_insights=draw(st.sampled_from([ContainerInsights.DISABLED, ContainerInsights.ENABLED])))


def held(made, *, keeps_starts=False):
    """The part of a plan that a format holds which names main containers and capacity providers itself.

    Without ``keeps_starts`` scaled services start with the fewest tasks, and a kept count has no bounds beside it.
    """
    zones = next(iter(made.capacity_providers.values())).zones
    aws = {
        name: "FARGATE" if each.purchase_option is PurchaseOption.ON_DEMAND else "FARGATE_SPOT"
        for name, each in made.capacity_providers.items()
    }
    found = {
        name: replace(
            _held(name, each, keeps_starts=keeps_starts),
            capacity_provider=aws[each.capacity_provider],
            strategy=tuple(replace(item, capacity_provider=aws[item.capacity_provider]) for item in each.strategy),
        )
        for name, each in made.services.items()
    }
    used = {item.capacity_provider for each in found.values() for item in each.strategy_items}
    options = {"FARGATE": PurchaseOption.ON_DEMAND, "FARGATE_SPOT": PurchaseOption.SPOT}
    providers = {
        name: CapacityProvider(name=name, launch_type=LaunchType.FARGATE, purchase_option=options[name], zones=zones)
        for name in used
    }
    return replace(made, services=found, capacity_providers=providers)


def _meaningless(each):
    """Facts that say nothing about this service, at their defaults."""
    facts = {}
    if each.scaling_target is None:
        facts |= {"scale_in_cooldown_s": 300, "scale_out_cooldown_s": 300}
    if each.port is None:
        facts["load_balancer"] = LoadBalancer.APPLICATION
    if each.schedule is not None:
        facts |= {"minimum_healthy_percent": 100, "maximum_percent": 200}
        facts |= {"has_circuit_breaker": True, "has_zone_rebalancing": True}
    if each.is_windows:
        facts["containers"] = tuple(replace(container, has_read_only_root=True) for container in each.containers)
    return facts


def _held(name, each, *, keeps_starts):
    each = replace(each, **_meaningless(each))
    if each.schedule is not None:
        each = replace(each, desired_tasks=1, min_tasks=1, max_tasks=1)
    elif not keeps_starts and each.scaling_target is None:
        each = replace(each, min_tasks=each.desired_tasks, max_tasks=each.desired_tasks)
    elif not keeps_starts:
        each = replace(each, desired_tasks=each.min_tasks)
    if not each.containers:
        return each
    called_so = [one for one in each.containers if one.name == name]
    main = [*called_so, *(one for one in each.containers if one.is_essential)][0]
    if each.port is not None:
        main = each.balanced_container(name)
    renamed = replace(main, name=name)
    sidecars = [
        replace(one, depends_on={name if other == main.name else other: start for other, start in one.depends_on.items()})
        for one in each.containers
        if one.name != main.name
    ]
    if not sidecars and renamed == Container(name=name, image=main.image, ports=main.ports if each.port is not None else ()):
        return replace(each, containers=(), image=main.image)
    return replace(each, containers=(renamed, *sorted(sidecars, key=lambda one: one.name)))


def everything():
    """One of everything in one application: a mix of capacity, other containers, a file system, hostile texts, a schedule."""
    secrets = {"DB": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf:user::", "KEY_ID": "/prod/key"}
    environment = {f"V{number}": text for number, text in enumerate(HOSTILE)}
    check = HealthCheck(command=("CMD-SHELL", 'curl -f "http://localhost/${P}" || exit 1 # {{x}}\n'), start_period_s=60)
    main = Container(
        name="app",
        command=tuple(HOSTILE),
        environment=environment,
        secrets=secrets,
        ports=(PortMapping(container_port=8080),),
        health_check=check,
        mount_points=(MountPoint(volume="data", path="/data"),),
        depends_on={"log": Start.HEALTHY},
    )
    log = Container(
        name="log",
        image="fluent:1",
        is_essential=False,
        command=tuple(HOSTILE),
        environment=environment,
        memory_mib=128,
        ports=(PortMapping(container_port=24_224, protocol="udp"),),
        health_check=check,
        mount_points=(MountPoint(volume="data", path="/in", is_read_only=True),),
    )
    mix = (StrategyItem(capacity_provider="FARGATE", weight=0, base=2), StrategyItem(capacity_provider="FARGATE_SPOT"))
    web = service(
        architecture=Architecture.ARM64,
        containers=(main, log),
        volumes=(EfsVolume(name="data", file_system_id="fs-0123abcd", access_point_id="fsap-0123abcd"),),
        port=8080,
        strategy=mix,
        scale_out_cooldown_s=60,
    )
    once = {"desired_tasks": 1, "min_tasks": 1, "max_tasks": 1, "scaling_metric": ScalingMetric.NONE, "scaling_target": None}
    night = service(schedule="cron(0 2 * * ? *)", **once)
    queue = service(task=TaskSize(cpu_units=32_768, memory_mib=249_856), has_public_ip=True)
    services = {"web": web, "night": night, "queue": queue}
    return plan(services, fargate(zones=3), fargate(PurchaseOption.SPOT, zones=3))
