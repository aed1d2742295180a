"""Plans of services: what of a service, its load and its capacity provider a plan holds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from advisor.bounds import least_scaled_tasks
from advisor.ecs import DEFAULT_COOLDOWN_S, Architecture, LaunchType, NetworkMode
from advisor.optimize.providers import DEPLOYMENT_SURGE
from advisor.plan import (
    MAX_TASKS_A_RUN,
    CapacityProvider,
    Container,
    ScalingMetric,
    ScheduledAction,
    ServicePlan,
    StepPolicy,
    StrategyItem,
)
from advisor.simulate.scaling import RunningTasks, follows_requests
from advisor.workload import LoadForm, ScheduledRun, Service


@dataclass(frozen=True, slots=True, eq=False)
class ServicePlans(Mapping[str, ServicePlan]):
    """Plans of services on one capacity provider by name: of most parts that a search looks at only the usage is asked for."""

    runs: tuple[RunningTasks, ...]
    provider: CapacityProvider
    architecture: Architecture
    work_per_vcpu: float = field(default=1.0, kw_only=True)
    on_demand_base: int = field(default=0, kw_only=True)
    _known: dict[str, ServicePlan] = field(init=False, default_factory=dict)

    def __getitem__(self, name: str) -> ServicePlan:
        if name not in self._known:
            run = next((run for run in self.runs if run.service.name == name), None)
            if run is None:
                raise KeyError(name)
            plan = service_plan(run, self.provider, self.architecture, work_per_vcpu=self.work_per_vcpu)
            self._known[name] = replace(plan, strategy=_spot_over(self.on_demand_base)) if self.on_demand_base else plan
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return any(run.service.name == name for run in self.runs)

    def __iter__(self) -> Iterator[str]:
        return (run.service.name for run in self.runs)

    def __len__(self) -> int:
        return len(self.runs)


def _spot_over(on_demand_base: int) -> tuple[StrategyItem, ...]:
    return (
        StrategyItem(capacity_provider="FARGATE_SPOT", weight=1),
        StrategyItem(capacity_provider="FARGATE", weight=0, base=on_demand_base),
    )


def service_plan(
    run: RunningTasks, provider: CapacityProvider, architecture: Architecture, *, work_per_vcpu: float = 1.0
) -> ServicePlan:
    """How a service runs on a capacity provider, with the bounds and the policy that were simulated."""
    task = run.size.on_vcpu(work_per_vcpu)
    if run.service.is_batch:
        return replace(batch_plans(run, provider, architecture)[0], task=task)
    service, known = run.service, run.tasks[~np.isnan(run.tasks)]
    median, peak = (int(np.ceil(np.median(known))), int(np.ceil(known.max()))) if known.size else (0, 0)
    metric, target = ScalingMetric.NONE, None
    least, most = (int(known.min()), peak) if known.size else (0, 0)
    actions: tuple[ScheduledAction, ...] = ()
    policies: tuple[StepPolicy, ...] = ()
    cooldowns = (DEFAULT_COOLDOWN_S, DEFAULT_COOLDOWN_S)
    if service.load_form is not LoadForm.TASKS:
        metric, target = _scaling_policy(run)
        least = least_scaled_tasks(run.min_tasks)  # what is billed: at none the policy would have nothing to follow
        actions, policies = run.scheduled_actions, step_policies_of(run)
        cooldowns = service.scaling.cooldowns_s
        # Scheduled minimums are beyond the peak where the load does not have their day.
        surge = max([least, DEPLOYMENT_SURGE * peak, *(each.min_tasks or 0 for each in actions)])
        most = surge if service.scaling.max_tasks is None else service.scaling.max_tasks
    plan = ServicePlan(
        launch_type=provider.launch_type,
        purchase_option=provider.purchase_option,
        architecture=architecture,
        operating_system=service.operating_system,
        task=task,
        capacity_provider=provider.name,
        desired_tasks=min(max(median, least), most),
        min_tasks=least,
        max_tasks=most,
        scaling_metric=metric,
        scaling_target=target,
        scale_out_cooldown_s=cooldowns[0],
        scale_in_cooldown_s=cooldowns[1],
        scheduled_actions=actions,
        step_policies=policies,
        image=service.image,
        port=service.port,
        ephemeral_storage_gib=service.ephemeral_storage_gib,
        has_public_ip=service.has_public_ip,
        has_distinct_instances=service.has_distinct_instances and provider.launch_type is not LaunchType.FARGATE,
        network_mode=service.network_mode_on(provider.launch_type),
    )
    return _with_container(_with_ports(plan, service), service.name)


def _with_ports(plan: ServicePlan, service: Service) -> ServicePlan:
    """The plan with a container that has the service's port mappings, where it states more than the load balancer's port.

    Host ports are of bridge mode alone; elsewhere what containers listen on is all that is left of a mapping.
    """
    if not service.port_mappings:
        return plan
    ports = service.ports
    if plan.network_mode != NetworkMode.BRIDGE:
        ports = tuple(dict.fromkeys(replace(each, host_port=0) for each in ports))
    return replace(
        plan, containers=(Container(name=service.name, image=service.image, ports=ports, gpus=plan.gpus),), image=None
    )


def _with_container(plan: ServicePlan, name: str) -> ServicePlan:
    """The plan with the container that is given the GPUs of its tasks, or their size where Windows takes none from the task."""
    containers = plan.containers_of(name)
    if plan.is_windows and plan.launch_type is LaunchType.EC2:
        size = plan.task
        containers = tuple(replace(each, cpu_units=size.cpu_units, memory_mib=size.memory_mib) for each in containers)
    elif not plan.gpus:
        return plan
    return replace(plan, containers=containers, image=None)


MOST_SCHEDULES = 20
"""Of one batch; one with more is left to whoever starts it now."""
STAND_IN_SCHEDULE = "rate(1 day)"
"""Of a batch that nobody stated a time for; it is disabled."""


def batch_plans(run: RunningTasks, provider: CapacityProvider, architecture: Architecture) -> tuple[ServicePlan, ...]:
    """How a batch runs on a capacity provider: a plan for each schedule that starts up to ten of its tasks together.

    A service would start its tasks again as soon as they end. Without a schedule for every run there is one plan, and its
    schedule is disabled.
    """
    stated = [
        (each, min(MAX_TASKS_A_RUN, each.tasks - first))
        for each in run.service.scheduled_runs
        for first in range(0, min(each.tasks, MAX_TASKS_A_RUN * (MOST_SCHEDULES + 1)), MAX_TASKS_A_RUN)
    ]
    is_stated = 0 < len(stated) <= MOST_SCHEDULES
    if not is_stated:
        peak = int(np.nanmax(run.tasks, initial=1.0))
        disabled = ScheduledRun(schedule=STAND_IN_SCHEDULE, time_zone="UTC", tasks=1)
        stated = [(disabled, min(MAX_TASKS_A_RUN, max(peak, 1)))]
    plans = (
        ServicePlan(
            launch_type=provider.launch_type,
            purchase_option=provider.purchase_option,
            architecture=architecture,
            operating_system=run.service.operating_system,
            task=run.size,
            capacity_provider=provider.name,
            desired_tasks=tasks,
            min_tasks=tasks,
            max_tasks=tasks,
            scaling_metric=ScalingMetric.NONE,
            image=run.service.image,
            ephemeral_storage_gib=run.service.ephemeral_storage_gib,
            has_public_ip=run.service.has_public_ip,
            network_mode=run.service.network_mode_on(provider.launch_type),
            schedule=each.schedule,
            schedule_time_zone=each.time_zone,
            is_schedule_enabled=is_stated,
        )
        for each, tasks in stated
    )
    return tuple(_with_container(plan, run.service.name) for plan in plans)


def step_policies_of(run: RunningTasks) -> tuple[StepPolicy, ...]:
    """Its step policies; of as many larger tasks, which use a smaller share of theirs, percentages shrink as a target does."""
    share, policies = run.counted_size.cpu_units / run.size.cpu_units, run.service.scaling.step_policies
    if share == 1:
        return policies
    return tuple(
        replace(
            policy,
            threshold_percent=round(policy.threshold_percent * share, 9),
            steps=tuple(replace(step, from_percent=round(step.from_percent * share, 9)) for step in policy.steps),
        )
        for policy in policies
    )


def _scaling_policy(run: RunningTasks) -> tuple[ScalingMetric, float | None]:
    service = run.service
    if not service.scaling.has_target:
        return ScalingMetric.NONE, None
    if service.requests_per_task is not None and follows_requests(service):
        return ScalingMetric.REQUESTS, service.requests_per_task * 60.0
    return ScalingMetric.CPU, round(run.target_cpu_fraction * 100.0, 9)
