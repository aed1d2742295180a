"""Ten plans with golden files, and random plans that ECS accepts."""

from dataclasses import replace
from itertools import count

from hypothesis import strategies as st

from advisor.ecs import FARGATE_SIZES, NETWORK_MODES, Architecture, LaunchType, PlacementStrategy, PurchaseOption, TaskSize
from advisor.plan import (
    AdjustmentType,
    CapacityProvider,
    Container,
    ContainerInsights,
    EfsVolume,
    HealthCheck,
    LoadBalancer,
    MountPoint,
    Plan,
    PortMapping,
    ScalingMetric,
    ScheduledAction,
    ServiceConnect,
    ServicePlan,
    Start,
    Step,
    StepPolicy,
    StrategyItem,
)

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


def service(**changes):
    facts = {
        "launch_type": LaunchType.FARGATE,
        "purchase_option": PurchaseOption.ON_DEMAND,
        "architecture": Architecture.X86_64,
        "task": TaskSize(cpu_units=512, memory_mib=1024),
        "capacity_provider": "FARGATE",
        "desired_tasks": 4,
        "min_tasks": 2,
        "max_tasks": 20,
        "scaling_metric": ScalingMetric.CPU,
        "scaling_target": 60.0,
    }
    return ServicePlan(**facts | changes)


def fargate(purchase_option=PurchaseOption.ON_DEMAND, **changes):
    name = "FARGATE" if purchase_option is PurchaseOption.ON_DEMAND else "FARGATE_SPOT"
    facts = {"name": name, "launch_type": LaunchType.FARGATE, "purchase_option": purchase_option}
    return CapacityProvider(**facts | changes)


def instances(name, *types, **changes):
    facts = {
        "name": name,
        "launch_type": LaunchType.EC2,
        "purchase_option": PurchaseOption.ON_DEMAND,
        "instance_types": types,
        "architecture": Architecture.ARM64,
        "placement": PlacementStrategy.SPREAD_THEN_BINPACK,
        "max_instances": 8,
    }
    return CapacityProvider(**facts | changes)


def plan(services, *providers, cluster="shop", region="eu-west-1", **settings):
    return Plan(
        **settings,
        cluster=cluster,
        region=region,
        services=services,
        capacity_providers={provider.name: provider for provider in providers},
    )


def small_arm64_fargate():
    worker = service(
        architecture=Architecture.ARM64,
        task=TaskSize(cpu_units=256, memory_mib=512),
        desired_tasks=1,
        min_tasks=1,
        max_tasks=3,
        image=f"{ECR}/worker:1.4",
    )
    return plan({"worker": worker}, fargate())


def fargate_with_requests():
    web = service(
        task=TaskSize(cpu_units=1024, memory_mib=3072),
        scaling_metric=ScalingMetric.REQUESTS,
        scaling_target=2400.0,
        image=f"{ECR}/web@sha256:{'0123456789abcdef' * 4}",
        port=8080,
        ephemeral_storage_gib=50,
        has_public_ip=True,
    )
    return plan({"web": web}, fargate(), region="us-east-1")


def fargate_spot():
    spot = {"purchase_option": PurchaseOption.SPOT, "capacity_provider": "FARGATE_SPOT"}
    thumbnails = service(**spot, architecture=Architecture.ARM64, port=80, image="public.ecr.aws/example/thumbnails:2")
    nightly = service(
        **spot, desired_tasks=60, min_tasks=0, max_tasks=60, scaling_metric=ScalingMetric.NONE, scaling_target=None
    )
    return plan({"nightly": nightly, "thumbnails": thumbnails}, fargate(PurchaseOption.SPOT, zones=3))


def ec2_arm64_shared():
    common = {"launch_type": LaunchType.EC2, "architecture": Architecture.ARM64, "capacity_provider": "m7g-large"}
    api = service(**common, port=8080, image=f"{ECR}/api:7")
    mailer = service(
        **common,
        task=TaskSize(cpu_units=64, memory_mib=200),
        image=f"{ECR}/mailer:7",
        ephemeral_storage_gib=40,
        has_distinct_instances=True,
    )
    return plan({"api": api, "mailer": mailer}, instances("m7g-large", "m7g.large"))


def ec2_spot_pool():
    pool = ("c7i.xlarge", "c6i.xlarge", "m6i.xlarge", "m7i.xlarge", "c6a.xlarge", "m6a.xlarge")
    spot = {"launch_type": LaunchType.EC2, "purchase_option": PurchaseOption.SPOT, "capacity_provider": "spot-x86"}
    encoder = service(**spot, task=TaskSize(cpu_units=1000, memory_mib=1900), scaling_target=75.5)
    provider = instances(
        "spot-x86",
        *pool,
        purchase_option=PurchaseOption.SPOT,
        architecture=Architecture.X86_64,
        has_trunking=False,
        root_volume_gib=60,
        max_instances=24,
        on_demand_base=2,
        target_capacity_percent=90,
    )
    return plan({"encoder": encoder}, provider)


def hybrid():
    managed = {
        "launch_type": LaunchType.MANAGED_INSTANCES,
        "architecture": Architecture.ARM64,
        "capacity_provider": "managed-arm64",
    }
    web = service(port=80, image=f"{ECR}/web:3", scaling_metric=ScalingMetric.REQUESTS, scaling_target=1800.0)
    cron = service(
        task=TaskSize(cpu_units=256, memory_mib=512), image=f"{ECR}/cron:3", desired_tasks=1, min_tasks=1, max_tasks=1
    )
    search = service(**managed, task=TaskSize(cpu_units=2048, memory_mib=14_000), image=f"{ECR}/search:9", port=9200)
    provider = instances("managed-arm64", "r7g.xlarge", "r8g.xlarge", launch_type=LaunchType.MANAGED_INSTANCES, max_instances=6)
    return plan({"cron": cron, "search": search, "web": web}, fargate(), provider)


def fargate_mix():
    """A floor of On-Demand, the rest mostly Spot; scaling in every way that there is."""
    web = service(
        strategy=(
            StrategyItem(capacity_provider="FARGATE", base=2, weight=1),
            StrategyItem(capacity_provider="FARGATE_SPOT", weight=3),
        ),
        image=f"{ECR}/web:3",
        port=8443,
        scale_out_cooldown_s=60,
        scale_in_cooldown_s=600,
        metric_resolution_s=20,
        scheduled_actions=(
            ScheduledAction(name="morning", schedule="cron(0 7 ? * MON-FRI *)", min_tasks=10, time_zone="Europe/Berlin"),
            ScheduledAction(name="night", schedule="cron(0 22 * * ? *)", min_tasks=2, max_tasks=8),
        ),
        step_policies=(
            StepPolicy(
                name="memory-out",
                metric=ScalingMetric.MEMORY,
                threshold_percent=75,
                steps=(Step(from_percent=0, change=2), Step(from_percent=15, change=6)),
                cooldown_s=120,
            ),
            StepPolicy(
                name="memory-in",
                metric=ScalingMetric.MEMORY,
                threshold_percent=30,
                steps=(Step(from_percent=0, change=-10), Step(from_percent=12.5, change=-25)),
                is_scale_in=True,
                minutes=15,
                adjustment=AdjustmentType.PERCENT_CHANGE_IN_CAPACITY,
                min_adjustment_magnitude=2,
                is_at_threshold=False,
            ),
        ),
        log_retention_days=90,
        minimum_healthy_percent=50,
        maximum_percent=150,
    )
    providers = [fargate(), fargate(PurchaseOption.SPOT)]
    return plan({"web": web}, *providers, container_insights=ContainerInsights.ENHANCED)


def windows():
    on_fargate = service(
        task=TaskSize(cpu_units=2048, memory_mib=4096),
        operating_system="WINDOWS_SERVER_2022_CORE",
        image=f"{ECR}/portal:9",
        port=80,
    )
    app = Container(name="reports", cpu_units=1024, memory_mib=2048, command=("C:\\app\\reports.exe", "--port", "5000"))
    on_ec2 = service(
        launch_type=LaunchType.EC2,
        capacity_provider="windows",
        task=TaskSize(cpu_units=1024, memory_mib=2048),
        operating_system="WINDOWS_SERVER_2022_CORE",
        containers=(app,),
    )
    provider = instances(
        "windows", "m6i.xlarge", architecture=Architecture.X86_64, root_volume_gib=80, ecs_reserved_memory_mib=512
    )
    return plan({"portal": on_fargate, "reports": on_ec2}, fargate(), provider)


def gpu_and_batch():
    model = Container(
        name="model",
        image=f"{ECR}/model:5",
        gpus=1,
        memory_reservation_mib=12_000,
        health_check=HealthCheck(command=("CMD-SHELL", "curl -f http://localhost:9000/ || exit 1"), start_period_s=120),
        ports=(PortMapping(container_port=9000),),
    )
    inference = service(
        launch_type=LaunchType.EC2,
        capacity_provider="gpu",
        task=TaskSize(cpu_units=4096, memory_mib=14_000),
        containers=(model,),
        port=9000,
        minimum_healthy_percent=0,
        maximum_percent=100,
        has_zone_rebalancing=False,
    )
    count = {"desired_tasks": 4, "min_tasks": 4, "max_tasks": 4, "scaling_metric": ScalingMetric.NONE, "scaling_target": None}
    nightly = service(
        purchase_option=PurchaseOption.SPOT,
        capacity_provider="FARGATE_SPOT",
        architecture=Architecture.ARM64,
        task=TaskSize(cpu_units=4096, memory_mib=16_384),
        ephemeral_storage_gib=100,
        schedule="cron(30 2 * * ? *)",
        schedule_time_zone="America/New_York",
        **count,
    )
    gpu = instances(
        "gpu", "g5.xlarge", "g4dn.xlarge", architecture=Architecture.X86_64, root_volume_gib=100, ecs_reserved_memory_mib=256
    )
    return plan({"inference": inference, "nightly": nightly}, gpu, fargate(PurchaseOption.SPOT), region="us-east-1")


def sidecars_and_volumes():
    """Containers of all kinds; a hybrid of Fargate and EC2 behind one target group; a Network Load Balancer."""
    reference = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/api-AbCdEf:password::"
    api = Container(
        name="app",
        image=f"{ECR}/api:7",
        memory_reservation_mib=512,
        environment={"LOG_LEVEL": "info", "GREETING": 'say "hi"; ${HOME} {{x}} %{y} # no comment'},
        secrets={"DB_PASSWORD": reference, "LICENSE": "/shop/license"},
        ports=(PortMapping(container_port=8080, name="api"),),
        health_check=HealthCheck(command=("CMD", "/app/healthy", "--quick"), interval_s=10, retries=5),
        mount_points=(MountPoint(volume="uploads", path="/data"),),
        depends_on={"init": Start.SUCCESS, "proxy": Start.HEALTHY},
    )
    init = Container(name="init", image=f"{ECR}/init:7", is_essential=False, command=("migrate", "--once"))
    proxy = Container(
        name="proxy",
        image="public.ecr.aws/envoy/envoy:v1",
        cpu_units=128,
        memory_mib=256,
        has_read_only_root=False,
        health_check=HealthCheck(command=("CMD-SHELL", "true")),
        mount_points=(MountPoint(volume="uploads", path="/data", is_read_only=True),),
    )
    files = EfsVolume(name="uploads", file_system_id="fs-0123456789abcdef0", access_point_id="fsap-0123456789abcdef0")
    common = {
        "containers": (api, init, proxy),
        "volumes": (files,),
        "port": 8080,
        "task": TaskSize(cpu_units=1024, memory_mib=2048),
        "max_tasks": 40,
    }
    connect = ServiceConnect(namespace="shop", port_name="api", dns_name="api.shop", client_port=80)
    on_fargate = service(**common, service_connect=connect)
    on_ec2 = service(
        **common,
        launch_type=LaunchType.EC2,
        capacity_provider="m6i-large",
        shares_target_group_of="api",
    )
    gateway = service(
        image=f"{ECR}/gateway:2",
        port=1883,
        load_balancer=LoadBalancer.NETWORK,
        scaling_metric=ScalingMetric.MEMORY,
        scaling_target=70.0,
        service_connect=ServiceConnect(namespace="shop"),
    )
    provider = instances("m6i-large", "m6i.large", architecture=Architecture.X86_64)
    services = {"api": on_fargate, "base-api": on_ec2, "gateway": gateway}
    return plan(services, fargate(), provider, container_insights=ContainerInsights.ENABLED)


GOLDEN_PLANS = {
    "small-arm64-fargate": small_arm64_fargate,
    "fargate-requests": fargate_with_requests,
    "fargate-spot": fargate_spot,
    "fargate-mix": fargate_mix,
    "ec2-arm64-shared": ec2_arm64_shared,
    "ec2-spot-pool": ec2_spot_pool,
    "hybrid": hybrid,
    "windows": windows,
    "gpu-and-batch": gpu_and_batch,
    "sidecars-and-volumes": sidecars_and_volumes,
}

NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,11}", fullmatch=True) | st.sampled_from(["w", "web-1", "web_1", "x" * 255])
PROVIDER_NAMES = NAMES.filter(lambda name: not name.lower().startswith(("aws", "ecs", "fargate")))
IMAGES = st.none() | st.sampled_from(
    [f"{ECR}/team/web:1.4", "nginx", "public.ecr.aws/nginx/nginx:stable", f"ghcr.io/a/b@sha256:{'0' * 64}"]
)
TYPES = {
    Architecture.X86_64: ["m6i.large", "c7i.4xlarge", "t3.medium", "r6a.xlarge", "x2idn.16xlarge"],
    Architecture.ARM64: ["m7g.large", "c8g.2xlarge", "t4g.small", "r7g.metal", "c6gn.medium"],
}


@st.composite
def fargate_providers(draw):
    """Mostly as our own plans have them; now and then with facts that mean nothing there and must survive all the same."""
    odd = {
        "has_trunking": st.booleans(),
        "root_volume_gib": st.integers(1, 500),
        "max_instances": st.none() | st.integers(0, 9),
        "target_capacity_percent": st.integers(1, 100),
        "name": PROVIDER_NAMES.map(lambda name: f"F{name}"[:255]),
    }
    changes = draw(st.fixed_dictionaries({"zones": st.integers(1, 6)}, optional=odd))
    return fargate(draw(st.sampled_from(PurchaseOption)), **changes)


@st.composite
def instance_providers(draw):
    architecture = draw(st.sampled_from(Architecture))
    types = draw(st.lists(st.sampled_from(TYPES[architecture]), min_size=1, max_size=5, unique=True))
    launch_type = draw(st.sampled_from([LaunchType.EC2, LaunchType.MANAGED_INSTANCES]))
    option = draw(st.sampled_from(PurchaseOption))
    most = draw(st.none() | st.integers(1, 500))
    has_base = launch_type is LaunchType.EC2 and option is PurchaseOption.SPOT
    placement = draw(st.sampled_from(PlacementStrategy))
    return instances(
        draw(PROVIDER_NAMES),
        *types,
        launch_type=launch_type,
        purchase_option=option,
        architecture=architecture,
        placement=placement,
        has_trunking=draw(st.booleans()),
        root_volume_gib=draw(st.integers(30, 500)),
        zones=draw(st.integers(1, 6)),
        max_instances=most,
        target_capacity_percent=100 if placement is PlacementStrategy.INSTANCE_SPREAD else draw(st.integers(1, 100)),
        ecs_reserved_memory_mib=draw(st.sampled_from([0, 256])) if launch_type is LaunchType.EC2 else 0,
        on_demand_base=draw(st.integers(0, min(9, most or 9))) if has_base else 0,
    )


PATHS = ["/tmp", "/data", "/a b"]  # noqa: S108 (in the container)
SECRETS = st.sampled_from(
    [
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a/b-AbCdEf",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-AbCdEf:key::",
        "arn:aws:ssm:eu-west-1:123456789012:parameter/a/b",
        "/a/b",
        "plain-name",
    ]
)
HOSTILE = [
    '"',
    "'",
    "${x}",
    "$${x}",
    "%{if}",
    "{{x}}",
    "{% x %}",
    "a\nb",
    "- x",
    "# x",
    ": ",
    "&a *b !c",
    "|",
    ">",
    "yes",
    "~",
    "1e3",
]
HOSTILE += [
    "0x10",
    "012",
    "null",
    "=x",
    "@x",
    "`id`",
    "$(id)",
    "\\",
    "\\n",
    " x ",
    "é",
    "日本",
    "\U0001f600",
    "",
    "x" * 255,
    "*/",
    "<<EOF",
    "\t",
]
TEXTS = st.sampled_from(HOSTILE) | st.lists(st.sampled_from(HOSTILE), max_size=3).map("".join)
VARIABLES = st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True).map(lambda name: f"V_{name}_X")
HEALTH_CHECKS = st.builds(
    HealthCheck,
    command=TEXTS.map(lambda text: ("CMD-SHELL", f"run {text}")) | st.lists(TEXTS, min_size=1).map(lambda w: ("CMD", *w)),
    interval_s=st.integers(5, 300),
    timeout_s=st.integers(2, 60),
    retries=st.integers(1, 10),
    start_period_s=st.integers(0, 300),
)


@st.composite
def container_sets(draw, size, port, *, is_windows, has_network, may_use_gpus):
    """Two or three containers that fit into a task, with volumes and everything that they say of each other."""
    names = draw(st.lists(NAMES, min_size=2, max_size=3, unique_by=str.lower))
    volumes = ()
    if not is_windows:
        ids = st.builds(
            EfsVolume,
            name=NAMES.filter(lambda name: not name.startswith("tmp")),
            file_system_id=st.just("fs-0123abcd"),
            root_directory=st.sampled_from(["/", "/a b"]),
        )
        points = st.builds(
            EfsVolume, name=st.just("point"), file_system_id=st.just("fs-0123abcd"), access_point_id=st.just("fsap-0123abcd")
        )
        volumes = tuple(draw(st.lists(ids | points, max_size=2, unique_by=lambda volume: volume.name)))
    ports = draw(st.lists(st.integers(1, 65_535), max_size=3, unique=True)) if has_network else []
    ports = [PortMapping(container_port=p, protocol=draw(st.sampled_from(["tcp", "udp"]))) for p in ports if p != port]
    if has_network and draw(st.booleans()):
        ports.append(PortMapping(container_port=port or 70, name="named"))
        ports = list({mapping.container_port: mapping for mapping in ports}.values())
    elif port is not None:
        ports.append(PortMapping(container_port=port))
    made = []
    for index, name in enumerate(names):
        is_essential = index == 0 or draw(st.booleans())
        others = {container.name: container for container in made}
        conditions = {
            other: draw(
                st.sampled_from(
                    [Start.START]
                    + ([Start.HEALTHY] if container.health_check else [])
                    + ([] if container.is_essential else [Start.COMPLETE, Start.SUCCESS])
                )
            )
            for other, container in others.items()
            if draw(st.booleans())
        }
        reservation = draw(st.none() | st.integers(6, max(6, size.memory_mib // 4)))
        hard = draw(st.none() | st.integers(6, max(6, size.memory_mib // 4)))
        if is_windows or (reservation is not None and hard is not None and hard <= reservation):
            reservation = None
        share = size.cpu_units // len(names)
        mounts = [
            MountPoint(volume=volume.name, path=draw(st.sampled_from(PATHS)), is_read_only=draw(st.booleans()))
            for volume in volumes
            if draw(st.booleans())
        ]
        made.append(
            Container(
                name=name,
                image=draw(IMAGES),
                cpu_units=share if is_windows else draw(st.none() | st.integers(1, share)),
                memory_mib=size.memory_mib // 4 if is_windows else hard,
                memory_reservation_mib=reservation,
                is_essential=is_essential,
                command=tuple(draw(st.lists(TEXTS, max_size=2))),
                environment=draw(st.dictionaries(VARIABLES, TEXTS, max_size=2)),
                secrets=draw(st.dictionaries(VARIABLES.map("S_{}".format), SECRETS, max_size=2)),
                ports=tuple(ports) if index == len(names) - 1 else (),
                health_check=draw(st.none() | HEALTH_CHECKS),
                mount_points=tuple(mounts),
                depends_on=conditions,
                gpus=draw(st.integers(0, 2)) if may_use_gpus else 0,
                has_read_only_root=True if is_windows else draw(st.booleans()),
            )
        )
    return {"containers": tuple(made), "volumes": volumes, "image": None}


SCHEDULES = st.sampled_from(["cron(0 7 ? * MON-FRI *)", "rate(5 minutes)", "rate(1 day)", "at(2027-01-02T03:04:05)"])
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"])
ACTION_NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
ACTIONS = st.builds(
    ScheduledAction,
    name=ACTION_NAMES,
    schedule=SCHEDULES,
    min_tasks=st.integers(0, 5),
    max_tasks=st.none() | st.integers(5, 900),
    time_zone=ZONES,
)
STEP_POLICIES = st.builds(
    lambda name, metric, is_in, distances, minutes, cooldown, adjustment, is_at_threshold: StepPolicy(
        name=name,
        metric=metric,
        threshold_percent=50.5,
        steps=tuple(
            Step(from_percent=d, change=-(n + 1) if is_in and adjustment is not AdjustmentType.EXACT_CAPACITY else n + 1)
            for n, d in enumerate([0, *sorted(distances)])
        ),
        is_scale_in=is_in,
        minutes=minutes,
        cooldown_s=cooldown,
        adjustment=adjustment,
        min_adjustment_magnitude=3 if adjustment is AdjustmentType.PERCENT_CHANGE_IN_CAPACITY else None,
        is_at_threshold=is_at_threshold,
    ),
    ACTION_NAMES,
    st.sampled_from([ScalingMetric.CPU, ScalingMetric.MEMORY]),
    st.booleans(),
    st.sets(st.integers(1, 40), max_size=2),
    st.integers(1, 30),
    st.integers(0, 900),
    st.sampled_from(AdjustmentType),
    st.booleans(),
)


def with_host_ports(containers, first):
    """Containers whose ports are fixed on the instance, from a port on."""
    numbers = count(first)
    return tuple(
        replace(each, ports=tuple(replace(port, host_port=next(numbers)) for port in each.ports)) for each in containers
    )


@st.composite
def services_on(draw, provider, *, operating_system="LINUX", may_use_gpus=False):
    is_fargate = provider.launch_type is LaunchType.FARGATE
    is_windows = operating_system != "LINUX"
    if is_fargate and provider.purchase_option is PurchaseOption.ON_DEMAND and draw(st.integers(0, 4)) == 0:
        operating_system, is_windows = "WINDOWS_SERVER_2019_FULL", True
    any_size = st.builds(TaskSize, cpu_units=st.integers(1, 8192), memory_mib=st.integers(60, 60_000))
    sizes = [size for size in FARGATE_SIZES if not is_windows or size.cpu_units in (1024, 2048, 4096)]
    size = draw(st.sampled_from(sizes) if is_fargate else any_size)
    if is_windows and not is_fargate:
        size = TaskSize(cpu_units=max(size.cpu_units, 128), memory_mib=size.memory_mib)
    low, desired, high = sorted(draw(st.lists(st.integers(0, 1000), min_size=3, max_size=3)))
    network_mode = "awsvpc" if is_windows else draw(st.sampled_from(NETWORK_MODES[provider.launch_type]))
    port = draw(st.none() | st.integers(1, 65_535)) if network_mode != "none" else None
    if network_mode == "host" and port in (22, 2375, 2376, 51678, 51679, 51680):
        port = 80
    balancer = draw(st.sampled_from(LoadBalancer))
    counts_requests = port is not None and balancer is LoadBalancer.APPLICATION
    metric = draw(st.sampled_from([m for m in ScalingMetric if counts_requests or m is not ScalingMetric.REQUESTS]))
    target = st.floats(0.5, 100) if metric is not ScalingMetric.REQUESTS else st.floats(1, 1e6)
    more = {}
    needs_containers = is_windows and not is_fargate
    if size.cpu_units >= 128 and (needs_containers or draw(st.booleans())):
        more = draw(
            container_sets(
                size,
                port,
                is_windows=is_windows,
                has_network=network_mode == "awsvpc",
                may_use_gpus=may_use_gpus,
            )
        )
    if network_mode == "bridge" and more.get("containers") and draw(st.booleans()):
        more["containers"] = with_host_ports(more["containers"], draw(st.integers(8000, 32_000)))
    named = [p.name for c in more.get("containers", ()) for p in c.ports if p.name]
    if network_mode == "awsvpc" and draw(st.booleans()):
        connect = {"namespace": "shop"}
        if named and draw(st.booleans()):
            connect |= {"port_name": "named"} | draw(st.sampled_from([{}, {"dns_name": "web.shop", "client_port": 80}]))
        more["service_connect"] = ServiceConnect(**connect)
    healthy = draw(st.sampled_from([(100, 200), (50, 100), (0, 100), (50, 150), (100, 300)]))
    facts = {
        "launch_type": provider.launch_type,
        "purchase_option": provider.purchase_option,
        "architecture": Architecture.X86_64 if is_windows else provider.architecture or draw(st.sampled_from(Architecture)),
        "operating_system": operating_system,
        "task": size,
        "capacity_provider": provider.name,
        "desired_tasks": desired,
        "min_tasks": low,
        "max_tasks": high,
        "scaling_metric": metric,
        "scaling_target": None if metric is ScalingMetric.NONE else draw(target),
        "image": draw(IMAGES),
        "port": port,
        "load_balancer": balancer,
        "ephemeral_storage_gib": draw(st.integers(20, 200)),
        "has_public_ip": draw(st.booleans()),
        "network_mode": network_mode,
        "log_retention_days": draw(st.sampled_from([1, 30, 3653])),
        "minimum_healthy_percent": 0 if desired == 1 else healthy[0],
        "maximum_percent": healthy[1],
        "has_circuit_breaker": draw(st.booleans()),
        "has_zone_rebalancing": draw(st.booleans()),
        "has_distinct_instances": not is_fargate and draw(st.booleans()),
        "scale_out_cooldown_s": draw(st.integers(0, 900)),
        "scale_in_cooldown_s": draw(st.sampled_from([300, 60])),
        "scheduled_actions": tuple(draw(st.lists(ACTIONS, max_size=2, unique_by=lambda action: action.name))),
        "step_policies": tuple(draw(st.lists(STEP_POLICIES, max_size=2, unique_by=lambda policy: policy.name)))
        if low < high
        else (),
    }
    if metric in (ScalingMetric.CPU, ScalingMetric.MEMORY):
        facts["metric_resolution_s"] = draw(st.sampled_from([20, 60]))
    if (
        desired
        and desired * facts["maximum_percent"] // 100 <= desired
        and -(-desired * facts["minimum_healthy_percent"] // 100) >= desired
    ):
        facts |= {"minimum_healthy_percent": 100, "maximum_percent": 200}
    return service(**facts | more)


@st.composite
def jobs_on(draw, provider):
    """A scheduled task."""
    made = draw(services_on(provider))
    count = draw(st.integers(1, 10))
    nothing = {
        "port": None,
        "has_distinct_instances": False,
        "service_connect": None,
        "scaling_metric": ScalingMetric.NONE,
        "scaling_target": None,
        "scheduled_actions": (),
        "step_policies": (),
        "metric_resolution_s": 60,
        "minimum_healthy_percent": 100,
        "maximum_percent": 200,
    }
    counts = {"desired_tasks": count, "min_tasks": count, "max_tasks": count}
    when = {"schedule": draw(SCHEDULES), "schedule_time_zone": draw(ZONES), "is_schedule_enabled": draw(st.booleans())}
    return replace(made, **nothing, **counts, **when)


def _lower(named):
    return named.name.lower()


@st.composite
def plans(draw):
    """One to three capacity providers of any kind, each with one to three services; now and then mixes, jobs and halves."""
    providers = draw(st.lists(fargate_providers() | instance_providers(), min_size=1, max_size=3, unique_by=_lower))
    kinds = {}
    for provider in providers:
        is_ec2 = provider.launch_type is LaunchType.EC2
        is_x86 = provider.architecture is Architecture.X86_64
        may_be_windows = is_ec2 and is_x86 and provider.root_volume_gib >= 50
        kinds[provider.name] = {
            "operating_system": draw(
                st.sampled_from(["LINUX", "LINUX", "WINDOWS_SERVER_2022_CORE"]) if may_be_windows else st.just("LINUX")
            ),
        }
        kinds[provider.name]["may_use_gpus"] = is_ec2 and is_x86 and kinds[provider.name]["operating_system"] == "LINUX"
    names = draw(st.lists(NAMES, min_size=len(providers), max_size=3 * len(providers), unique_by=str.lower))
    services = {}
    for index, name in enumerate(names):
        provider = providers[index % len(providers)]
        is_linux = kinds[provider.name]["operating_system"] == "LINUX"
        is_job = is_linux and draw(st.integers(0, 4)) == 0
        services[name] = draw(jobs_on(provider) if is_job else services_on(provider, **kinds[provider.name]))
    pair = _mixable(providers, kinds)
    if pair is not None:
        first, second = pair
        bases = draw(st.sampled_from([(0, 1), (2, 1), (7, 0)]))
        mix = (
            StrategyItem(capacity_provider=first.name, base=bases[0], weight=bases[1]),
            StrategyItem(capacity_provider=second.name, weight=draw(st.integers(1, 1000))),
        )
        mixed = {
            name: replace(made, strategy=mix)
            for name, made in services.items()
            if made.capacity_provider == first.name and not made.is_windows
        }
        services |= mixed
    region = draw(st.sampled_from(["eu-west-1", "us-gov-west-1", "cn-north-1", "ap-southeast-2"]))
    insights = draw(st.sampled_from(ContainerInsights))
    return plan(services, *providers, cluster=draw(NAMES), region=region, container_insights=insights)


def _mixable(providers, kinds):
    """Two providers of one kind that a strategy may mix; their services stay as they are otherwise."""
    for first in providers:
        for second in providers:
            same = (first.launch_type, first.architecture, first.zones, first.placement)
            if first is second or same != (second.launch_type, second.architecture, second.zones, second.placement):
                continue
            if kinds[first.name]["operating_system"] != kinds[second.name]["operating_system"]:
                continue
            if first.launch_type is LaunchType.FARGATE and first.purchase_option is second.purchase_option:
                continue
            return first, second
    return None
