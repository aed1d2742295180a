"""How a service runs today: its launch type behind launchType, a capacity provider strategy, or neither."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from advisor.sources.aws.ecs_facts import Cluster, EcsService, Provider, ProviderKind, RunningTask, StrategyItem
from advisor.sources.aws.instances import Group

_LAUNCH_TYPES: Final = frozenset(kind.value for kind in ProviderKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """Launch type and purchase option of a service, as it runs."""

    launch_type: str | None
    """None where it cannot be told, or is EXTERNAL."""
    is_spot: bool
    """All of it."""
    how: str
    """What it was told from."""
    is_partly_spot: bool = False
    is_mixed: bool = False
    """On several launch types; ``launch_type`` is that of most tasks."""

    @property
    def untold(self) -> str | None:
        """Why a workload file cannot state it; None when it can. Half a present would be a wrong sum of money."""
        if self.launch_type is None:
            return "its launch type is not known"
        if self.is_mixed:
            return "it runs on several launch types"
        # of EC2, the instances say which are Spot
        return "it runs on Spot in part" if self.is_partly_spot and self.launch_type == "FARGATE" else None


def present_of(
    service: EcsService,
    cluster: Cluster,
    providers: Mapping[str, Provider],
    groups: Sequence[Group],
    tasks: Sequence[RunningTask],
) -> Present:
    """How a service runs: launchType and strategy exclude each other, and a strategy says it by the kind of its providers."""
    if service.strategy:
        return _of_strategy(service.strategy, "capacity provider strategy", providers, groups, tasks)
    if service.launch_type in _LAUNCH_TYPES:
        return Present(launch_type=service.launch_type, is_spot=_is_spot_now(tasks), how=f"launch type {service.launch_type}")
    if service.launch_type:
        return Present(
            launch_type=None, is_spot=False, how=f"launch type {service.launch_type}, which is none that is compared"
        )
    if cluster.default_strategy:
        return _of_strategy(cluster.default_strategy, "the cluster's default strategy", providers, groups, tasks)
    return _of_tasks(tasks, "neither launch type nor strategy")


def provider_names(cluster: Cluster, services: Sequence[EcsService]) -> list[str]:
    """Every capacity provider that the cluster or one of its services names."""
    used = [item.provider for s in services for item in s.strategy] + [item.provider for item in cluster.default_strategy]
    return list(dict.fromkeys([*cluster.providers, *used]))


def startup_s(tasks: Sequence[RunningTask]) -> tuple[float, int] | None:
    """Median seconds from the start of the image pull until the task was started, and the number of tasks measured."""
    measured = [task.startup_s for task in tasks if task.startup_s is not None]
    return (median(measured), len(measured)) if measured else None


def _of_strategy(
    strategy: Sequence[StrategyItem],
    called: str,
    providers: Mapping[str, Provider],
    groups: Sequence[Group],
    tasks: Sequence[RunningTask],
) -> Present:
    used = [item for item in strategy if item.base or item.weight] or list(strategy)  # a weight of 0 is never used
    how = f"{called} {', '.join(str(item) for item in strategy)}"
    kinds = {providers[item.provider].kind for item in used if item.provider in providers}
    if len(kinds) != 1 or any(item.provider not in providers for item in used):
        return _of_tasks(tasks, how)
    spot = {group.name for group in groups if group.on_demand_percent == 0 and group.on_demand_base == 0}
    known = [providers[item.provider] for item in used if item.provider in providers]
    on_spot = [p.is_spot or p.group in spot for p in known]
    return Present(
        launch_type=kinds.pop().value, is_spot=all(on_spot), how=how, is_partly_spot=any(on_spot) and not all(on_spot)
    )


def _of_tasks(tasks: Sequence[RunningTask], how: str) -> Present:
    """What most running tasks say; AWS writes the launch type of a task that a strategy placed, too."""
    seen = Counter(task.launch_type for task in tasks if task.launch_type in _LAUNCH_TYPES)
    if not seen:
        return Present(launch_type=None, is_spot=False, how=f"{how}; not resolved")
    counts = ", ".join(f"{n} {kind}" for kind, n in seen.most_common())
    n_spot = sum(task.provider == "FARGATE_SPOT" for task in tasks)
    return Present(
        launch_type=seen.most_common(1)[0][0],
        is_spot=_is_spot_now(tasks),
        how=f"{how}; told from its running tasks: {counts}",
        is_partly_spot=0 < n_spot < len(tasks),
        is_mixed=len(seen) > 1,
    )


def _is_spot_now(tasks: Sequence[RunningTask]) -> bool:
    return bool(tasks) and all(task.provider == "FARGATE_SPOT" for task in tasks)
