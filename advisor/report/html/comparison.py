"""Which alternatives were compared, why each one lost, and which service goes where."""

from typing import Any

from advisor.ecs import PurchaseOption
from advisor.recommend.reasons import rejected_why
from advisor.recommend.result import CLUSTER_SCOPE, Alternative, Recommendation, ServiceAdvice, Verdict
from advisor.recommend.unit_costs import UnitCost
from advisor.report.charts.text import rate
from advisor.report.places import argument
from advisor.report.words import (
    VERDICT_WORDS,
    chance,
    instances_range,
    interval,
    missing_sentence,
    money,
    money_range,
    more_than_best,
    packed,
    rounding_sentence,
    size_sentence,
    task_size_text,
    where,
    whole_tasks,
)


def comparison(recommendation: Recommendation) -> dict[str, Any]:
    services = recommendation.recommendation.services
    costs = {cost.service: cost for cost in recommendation.unit_costs}
    return {
        "region": recommendation.region,
        "alternatives": [_alternative(a, recommendation) for a in recommendation.of_scope(CLUSTER_SCOPE)],
        "services": [_service(service, recommendation, costs.get(service.name)) for service in services],
        "has_requests": any(cost.requests is not None for cost in costs.values()),
        "example_service": argument(services[0].name) if services else "",
    }


def _alternative(alternative: Alternative, recommendation: Recommendation) -> dict[str, Any]:
    best = recommendation.recommended
    is_best = alternative.id == best.id
    why = _best_why(recommendation) if is_best else rejected_why(alternative, best)
    return {
        "is_best": is_best,
        "title": alternative.title,
        "chips": chips(alternative.plan.services.values()) if alternative.plan else [],
        "is_priced": alternative.monthly_usd is not None,
        "money": money_range(alternative.monthly_usd),
        "interval": interval(alternative.monthly_usd),
        "chance": "-" if alternative.probability_cheapest is None else chance(alternative.probability_cheapest),
        "instances": instances_range(alternative),
        "packed": packed(alternative),
        "against": more_than_best(alternative, best),
        "why": no_price(alternative, recommendation) if alternative.monthly_usd is None else why,
        "is_comparison": alternative.is_comparison,
    }


def _best_why(recommendation: Recommendation) -> str:
    verdict = recommendation.recommendation.verdict
    return "recommended" if verdict is Verdict.RECOMMEND else VERDICT_WORDS[verdict].lower()


def no_price(alternative: Alternative, recommendation: Recommendation) -> str:
    return missing_sentence(alternative, recommendation.region) or "cannot run this workload"


def chips(services: Any) -> list[str]:
    """The colours of services or their plans: launch types as in every chart, Spot hatched."""
    kinds = ((s.launch_type.lower(), " spot" if s.purchase_option is PurchaseOption.SPOT else "") for s in services)
    return list(dict.fromkeys(launch + spot for launch, spot in kinds))


def _service(service: ServiceAdvice, recommendation: Recommendation, cost: UnitCost | None) -> dict[str, Any]:
    strategy = ", ".join(
        f"capacity provider {item.capacity_provider}, weight {item.weight}, base {item.base}"
        for item in service.capacity_provider_strategy
    )
    sentences = (
        service.why,
        size_sentence(service),
        rounding_sentence(service.name, recommendation),
    )
    return {
        "name": service.name,
        "where": where(service),
        "chips": chips([service]),
        "size": task_size_text(service.task_size, " / "),
        "cpu": service.task_size["cpu"],
        "tasks": f"{whole_tasks(service.tasks_p50):,} / {whole_tasks(service.tasks_max):,}",
        "tasks_max": f"{whole_tasks(service.tasks_max)}",
        **_unit_cost(cost),
        "strategy": strategy or f"launch type {service.launch_type}",
        "why": "; ".join(filter(None, sentences)),
    }


def _unit_cost(cost: UnitCost | None) -> dict[str, Any]:
    """Money as text and, for sorting, as a number; None where there is none."""
    usd = (None, None, None) if cost is None else (cost.monthly_usd, cost.usd_per_task_hour, cost.usd_per_million_requests)
    names = (("usd", "month"), ("task_hour_usd", "task_hour"), ("million_usd", "million"))
    shown = (*(("-" if amount is None else way(amount)) for amount, way in zip(usd, (money, rate, money), strict=True)),)
    return {
        key: value
        for (number, text), amount, words in zip(names, usd, shown, strict=True)
        for key, value in ((number, amount), (text, words))
    }
