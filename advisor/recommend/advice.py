"""Advice for one service of a recommended plan, and the sentence on why."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from advisor.ecs import LaunchType, PurchaseOption, TaskSize
from advisor.optimize.alternatives import Alternatives
from advisor.optimize.loads import ServiceLoad
from advisor.optimize.parts import Part
from advisor.optimize.pricing import instance_facts, price_parts, weighted_quantile
from advisor.optimize.search import Search
from advisor.optimize.targets import proposed_target, target_outcomes
from advisor.plan import StrategyItem
from advisor.recommend.reasons import idle_fraction, service_why
from advisor.recommend.result import Alternative, ServiceAdvice, SizeAdvice
from advisor.recommend.verdict import Ranked
from advisor.simulate.scaling import RunningTasks
from advisor.units import FloatArray


def size_of(task: TaskSize) -> dict[str, int]:
    """A task size as results hold it."""
    return {"cpu": task.cpu_units, "memory": task.memory_mib, **({"gpus": task.gpus} if task.gpus else {})}


def service_advice(
    load: ServiceLoad, parts: Sequence[Part], by_service: Mapping[str, Sequence[Ranked]], found: Alternatives, search: Search
) -> ServiceAdvice:
    name = load.service.name
    part = next(part for part in parts if name in part.services)
    plan = part.services[name]
    is_plain = plan.launch_type is LaunchType.FARGATE and plan.purchase_option is PurchaseOption.ON_DEMAND
    strategy = () if is_plain else (StrategyItem(capacity_provider=plan.capacity_provider),)
    known = load.hours > 0
    row = list(part.services).index(name)
    alone = replace(part, tasks=part.tasks[row : row + 1], services={name: plan})
    targets = target_outcomes(load, part, search)
    return ServiceAdvice(
        name=name,
        launch_type=plan.launch_type,
        purchase_option=plan.purchase_option,
        capacity_provider_strategy=strategy,
        task_size=size_of(plan.task),
        architecture=plan.architecture,
        instance_types=part.provider.instance_types,
        tasks_p50=weighted_quantile(part.tasks[row][known], load.hours[known], 0.5),
        tasks_max=float(part.tasks[row][known].max(initial=0.0)),
        why=service_why(alone, load.hours, _idle(part, by_service, found.common_hours)),
        size=_size_advice(load, part.runs[row], found),
        targets=targets,
        proposed_target=proposed_target(targets, load, part, search),
    )


def why(parts: Sequence[Part], by_service: Mapping[str, Sequence[Ranked]], hours: FloatArray, search: Search) -> str:
    """A sentence about the costliest part of each launch type."""
    sentences: dict[LaunchType, str] = {}
    for part in sorted(parts, key=lambda part: -price_parts([part], hours, search.catalog, search.region).priced_usd):
        sentences.setdefault(
            part.provider.launch_type, f"{_subject(part)} {service_why(part, hours, _idle(part, by_service, hours))}"
        )
    return "; ".join(sentences.values())


def _idle(part: Part, by_service: Mapping[str, Sequence[Ranked]], hours: FloatArray) -> float | None:
    """How much of its instances a part leaves idle; on Fargate, of the instances that it would have alone."""
    facts = instance_facts([part], hours)
    if facts is not None:
        return 1 - facts.packed_fraction
    return idle_fraction(first_on_instances(by_service[next(iter(part.services))]))


def _size_advice(load: ServiceLoad, run: RunningTasks, found: Alternatives) -> SizeAdvice | None:
    right = found.right_sized.get(load.service.name)
    if right is None or right.right_size is None or right.run.size != run.size:
        return None
    return SizeAdvice(
        declared=size_of(load.service.task),
        hours_above_target_today=right.right_size.hours_above_target_today,
        hours_above_target=right.right_size.hours_above_target,
        hours_above_full=right.right_size.hours_above_full,
        memory_headroom_fraction=right.right_size.memory_headroom_fraction,
    )


def _subject(part: Part) -> str:
    names = list(part.services)
    return f"{names[0]} runs" if len(names) == 1 else f"{len(names)} services together run"


def first_on_instances(ranked: Sequence[Ranked]) -> Alternative | None:
    """The first that has a price and instances, and can be recommended."""
    for item in ranked:
        if item.alternative.instances is not None and item.alternative.monthly_usd and not item.alternative.is_comparison:
            return item.alternative
    return None
