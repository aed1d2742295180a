"""Six plans with golden files, and random plans that ECS accepts."""

from hypothesis import strategies as st

from advisor.ecs import FARGATE_SIZES, Architecture, LaunchType, PlacementStrategy, PurchaseOption, TaskSize
from advisor.plan import CapacityProvider, Plan, ScalingMetric, ServicePlan

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


def plan(services, *providers, cluster="shop", region="eu-west-1"):
    return Plan(
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
    mailer = service(**common, task=TaskSize(cpu_units=64, memory_mib=200), image=f"{ECR}/mailer:7", ephemeral_storage_gib=40)
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


GOLDEN_PLANS = {
    "small-arm64-fargate": small_arm64_fargate,
    "fargate-requests": fargate_with_requests,
    "fargate-spot": fargate_spot,
    "ec2-arm64-shared": ec2_arm64_shared,
    "ec2-spot-pool": ec2_spot_pool,
    "hybrid": hybrid,
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
    return instances(
        draw(PROVIDER_NAMES),
        *types,
        launch_type=draw(st.sampled_from([LaunchType.EC2, LaunchType.MANAGED_INSTANCES])),
        purchase_option=draw(st.sampled_from(PurchaseOption)),
        architecture=architecture,
        placement=draw(st.sampled_from(PlacementStrategy)),
        has_trunking=draw(st.booleans()),
        root_volume_gib=draw(st.integers(30, 500)),
        zones=draw(st.integers(1, 6)),
        max_instances=draw(st.none() | st.integers(1, 500)),
        target_capacity_percent=draw(st.integers(1, 100)),
    )


@st.composite
def services_on(draw, provider):
    is_fargate, is_ec2 = provider.launch_type is LaunchType.FARGATE, provider.launch_type is LaunchType.EC2
    any_size = st.builds(TaskSize, cpu_units=st.integers(1, 8192), memory_mib=st.integers(6, 60_000))
    low, desired, high = sorted(draw(st.lists(st.integers(0, 5000), min_size=3, max_size=3)))
    network_mode = draw(st.sampled_from(["awsvpc", "bridge", "host", "none"])) if is_ec2 else "awsvpc"
    port = draw(st.none() | st.integers(1, 65_535)) if network_mode != "none" else None
    metric = draw(st.sampled_from([m for m in ScalingMetric if port is not None or m is not ScalingMetric.REQUESTS]))
    target = st.floats(0.5, 100) if metric is not ScalingMetric.REQUESTS else st.floats(1, 1e6)
    return service(
        launch_type=provider.launch_type,
        purchase_option=provider.purchase_option,
        architecture=provider.architecture or draw(st.sampled_from(Architecture)),
        task=draw(st.sampled_from(FARGATE_SIZES) if is_fargate else any_size),
        capacity_provider=provider.name,
        desired_tasks=desired,
        min_tasks=low,
        max_tasks=high,
        scaling_metric=metric,
        scaling_target=None if metric is ScalingMetric.NONE else draw(target),
        image=draw(IMAGES),
        port=port,
        ephemeral_storage_gib=draw(st.integers(20, 200)),
        has_public_ip=draw(st.booleans()),
        network_mode=network_mode,
    )


def _lower(named):
    return named.name.lower()


@st.composite
def plans(draw):
    """One to three capacity providers of any kind, each with one to three services."""
    providers = draw(st.lists(fargate_providers() | instance_providers(), min_size=1, max_size=3, unique_by=_lower))
    names = draw(st.lists(NAMES, min_size=len(providers), max_size=3 * len(providers), unique_by=str.lower))
    services = {name: draw(services_on(providers[index % len(providers)])) for index, name in enumerate(names)}
    region = draw(st.sampled_from(["eu-west-1", "us-gov-west-1", "cn-north-1", "ap-southeast-2"]))
    return plan(services, *providers, cluster=draw(NAMES), region=region)
