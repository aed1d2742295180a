"""A hybrid within one service: so many tasks always on container instances, the rest on Fargate, behind one target group."""

from collections.abc import Mapping
from dataclasses import replace

from advisor.ecs import LaunchType, PlacementStrategy, PurchaseOption, fargate_grid
from advisor.errors import PlanError
from advisor.plan import CapacityProvider, Plan, ScalingMetric, ServicePlan
from advisor.recommend.result import Recommendation

FARGATE = "FARGATE"
_SUFFIX = "-fargate"
_LONGEST_NAME = 255


def hybrid_plan(recommendation: Recommendation, base_tasks: Mapping[str, int]) -> Plan:
    """The recommended plan with services split in two: base tasks on EC2 instances, the rest on Fargate.

    One ECS service cannot span both, so each becomes two that share a target group. The one on instances keeps the name, runs
    the base and does not scale; the one on Fargate has the scaling policy and the rest of the bounds. Both have one task size,
    since the load balancer sends each task the same. It is no alternative of the result: nothing has replayed or priced it.

    Parameters
    ----------
    base_tasks
        By service: tasks on instances, from 1 to below the upper bound of its scaling. [tasks]

    Raises
    ------
    PlanError
        A service is unknown, has no load balancer to share, or nothing in the result runs it on EC2 instances.

    Examples
    --------
    >>> import advisor
    >>> recommendation = advisor.read_recommendation("reports/shop")
    >>> plan = advisor.hybrid_plan(recommendation, {"storefront": 2})
    >>> sorted(name for name in plan.services if name.startswith("storefront"))
    ['storefront', 'storefront-fargate']
    """
    plan = recommendation.recommended.plan
    if plan is None:
        raise PlanError("the recommended alternative has no plan")
    services, providers = dict(plan.services), dict(plan.capacity_providers)
    for name, base in base_tasks.items():
        if name not in plan.services:
            raise PlanError(f"hybrid: no service {name!r}; the plan has {', '.join(sorted(plan.services))}")
        found, provider = _on_instances(recommendation, plan, name)
        providers[provider.name] = _apart(provider, providers)
        on_instances, on_fargate = _halves(name, found, base)
        rest = f"{name[: _LONGEST_NAME - len(_SUFFIX)]}{_SUFFIX}"
        if rest in services:
            raise PlanError(f"hybrid: the other half of {name!r} would be called {rest!r}, which exists")
        services[name], services[rest] = on_instances, on_fargate
        providers.setdefault(
            FARGATE,
            CapacityProvider(
                name=FARGATE, launch_type=LaunchType.FARGATE, purchase_option=PurchaseOption.ON_DEMAND, zones=provider.zones
            ),
        )
    used = {item.capacity_provider for service in services.values() for item in service.strategy_items}
    return replace(plan, services=services, capacity_providers={key: each for key, each in providers.items() if key in used})


def _on_instances(recommendation: Recommendation, plan: Plan, name: str) -> tuple[ServicePlan, CapacityProvider]:
    """The service on EC2 instances: as recommended, else as the cheapest alternative that has it there On-Demand."""
    plans = [plan, *(a.plan for a in recommendation.of_scope(name) if a.plan is not None and a.feasible)]
    for each in plans:
        service = each.services[name]
        provider = each.capacity_providers[service.capacity_provider]
        is_usual = provider.purchase_option is PurchaseOption.ON_DEMAND and (
            provider.placement is PlacementStrategy.SPREAD_THEN_BINPACK
        )
        if service.launch_type is LaunchType.EC2 and (each is plan or is_usual):
            return service, provider
    raise PlanError(f"hybrid: no alternative of {name!r} runs on EC2 instances")


def _apart(provider: CapacityProvider, taken: Mapping[str, CapacityProvider]) -> CapacityProvider:
    if taken.get(provider.name, provider) != provider:
        raise PlanError(f"hybrid: the plan has another capacity provider called {provider.name!r}")
    return provider


def _halves(name: str, service: ServicePlan, base: int) -> tuple[ServicePlan, ServicePlan]:
    if service.port is None:
        raise PlanError(f"hybrid: {name!r} has no load balancer, so its halves have no target group to share the load")
    if service.image is None and not service.containers:
        raise PlanError(f"hybrid: give {name!r} its image in the workload: both halves run it")
    if service.step_policies:
        raise PlanError(f"hybrid: the steps of {name!r} count tasks of the whole service, not of its half that scales")
    if service.scaling_metric is ScalingMetric.NONE:
        raise PlanError(f"hybrid: {name!r} keeps a given number of tasks, so there is no rest that scales")
    if not 1 <= base < service.max_tasks:
        raise PlanError(
            f"hybrid: {name!r} scales up to {service.max_tasks} tasks: its base must be 1 to {service.max_tasks - 1}"
        )
    if service.network_mode != "awsvpc":
        raise PlanError(f"hybrid: {name!r} has network mode {service.network_mode}, Fargate needs awsvpc")
    sizes = [size for size in fargate_grid(service.operating_system) if service.task.fits_in(size)]
    if not sizes:
        raise PlanError(f"hybrid: Fargate has no task size for {service.task}, which {name!r} needs")
    size = min(sizes, key=lambda size: (size.cpu_units, size.memory_mib))
    on_instances = replace(
        service,
        task=size,
        desired_tasks=base,
        min_tasks=base,
        max_tasks=base,
        scaling_metric=ScalingMetric.NONE,
        scaling_target=None,
        scheduled_actions=(),
    )
    if any(action.max_tasks is not None and action.max_tasks <= base for action in service.scheduled_actions):
        raise PlanError(f"hybrid: a scheduled action lets {name!r} run no more than its base of {base} tasks")
    # None running has no metric that could start one: the other half keeps a task.
    least = max(1, service.min_tasks - base)
    most = service.max_tasks - base
    on_fargate = replace(
        service,
        task=size,
        launch_type=LaunchType.FARGATE,
        purchase_option=PurchaseOption.ON_DEMAND,
        capacity_provider=FARGATE,
        desired_tasks=min(max(service.desired_tasks - base, least), most),
        min_tasks=least,
        max_tasks=most,
        scheduled_actions=tuple(
            replace(
                action,
                min_tasks=None if action.min_tasks is None else max(1, action.min_tasks - base),
                max_tasks=None if action.max_tasks is None else action.max_tasks - base,
            )
            for action in service.scheduled_actions
        ),
        shares_target_group_of=name,
        has_distinct_instances=False,
    )
    return on_instances, on_fargate
