"""What explains an answer: reasons, what lost and why, what binds, the sum by hand."""

import difflib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from advisor.billing import MonthlyUsd
from advisor.ecs import LaunchType
from advisor.errors import AdvisorError, InputError
from advisor.meters import CommitmentKind
from advisor.optimize.instance_money import InstanceMoney, Layer
from advisor.optimize.pricing import InstanceFacts
from advisor.plan import Plan
from advisor.pricing import PriceCatalog, Source
from advisor.recommend.reasons import change_needed, percent, rejected_why
from advisor.recommend.result import CLUSTER_SCOPE, Alternative, Recommendation, ServiceAdvice, ServiceView
from advisor.report.hand_sum import HandSum, sum_by_hand, sum_of, usd
from advisor.report.lost_zone import lost_zone_sentences
from advisor.report.spot import spot_sentences
from advisor.report.sure import proof_sentence, replay_sentence, sure_sentence
from advisor.report.under_terms import service_terms_sentence, terms_paragraphs
from advisor.report.words import (
    STEP_WORDS,
    VERDICT_WORDS,
    assumptions,
    chance,
    coverage_sentence,
    draws_sentence,
    interval,
    money,
    money_range,
    not_modelled,
    present_sentence,
    rounding_sentence,
    saved,
    saving_sentence,
    size_sentence,
    steps_sentence,
    targets_sentence,
    where,
)
from advisor.units import HOURS_PER_MONTH

LAYER_WORDS: Mapping[Layer, str] = {
    Layer.WORK: "work: tasks as far as the load fills them",
    Layer.TASK_MEMORY: "task size: memory that tasks reserve and were not seen to use",
    Layer.HEADROOM: "headroom: tasks kept below full use by the scaling target",
    Layer.WHOLE_TASKS: "whole tasks: the last one is not full",
    Layer.MINIMUM_TASKS: "minimum tasks: more than the load needs",
    Layer.TASK_SCALE_IN: "scale-in delay of tasks",
    Layer.PACKING: "packing: room on instances that no task fills",
    Layer.MINIMUM_INSTANCES: "zones: an instance in each",
    Layer.INSTANCE_SCALE_IN: "scale-in delay of instances",
    Layer.PLACEMENT: "placement and scaling as ECS does them, replayed",
    Layer.DEPLOYMENTS: "deployments: old and new tasks side by side",
    Layer.SURPLUS_CREDITS: "surplus credits of burstable types",
}


SUM_TITLE = "The sum by hand, for a month of 730 h; counts are means over the month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """An alternative that lost."""

    id: str
    title: str
    monthly_usd: MonthlyUsd | None
    why: str
    probability_cheapest: float | None = None
    expected_regret_usd: float | None = None
    """[USD a month]"""
    change: str = ""
    """What would have to change for it to win; empty where it has no price or is no dearer."""

    @property
    def told(self) -> str:
        """Why it lost, and what the draws say of it."""
        clauses = [self.why, *([self.change] if self.change else [])]
        if self.monthly_usd is not None and self.monthly_usd.p10 is not None:
            clauses.append(f"next month {interval(self.monthly_usd)}")
        if self.probability_cheapest is not None:
            clauses.append(f"cheapest in {chance(self.probability_cheapest)} of the draws")
        return "; ".join(clauses)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why the cluster, or one service of it, runs where it does."""

    scope: str
    subject: str
    title: str
    verdict: str
    monthly_usd: MonthlyUsd | None
    """None where services share instances: no share of them is this service's own."""
    money: str
    reasons: tuple[str, ...]
    sure: tuple[str, ...]
    """Next month's interval, the chances, what a wrong choice costs, and what the replay found."""
    binds: tuple[str, ...]
    rejected_title: str
    rejected: tuple[Rejected, ...]
    sum: HandSum | None
    sum_title: str
    remarks: tuple[str, ...]
    instance_money: tuple[InstanceMoney, ...] = ()
    is_held_left_aside: bool = False
    """Held commitments pay some of the plan, and ``instance_money`` is at on-demand rates."""
    sources: Mapping[str, Source] = field(default_factory=dict)


def explain(
    recommendation: Recommendation, service: str | None = None, *, sources: Mapping[str, Source] | None = None
) -> Explanation:
    """The explanation as data.

    Parameters
    ----------
    service
        Name of a service; the whole cluster without it.
    sources
        Where rates were read, by source id; an id without one is shown alone.

    Raises
    ------
    InputError
        There is no such service.

    Examples
    --------
    >>> import advisor
    >>> recommendation = advisor.read_recommendation("reports/shop")
    >>> round(advisor.explain(recommendation, "worker").sum.total_usd, 2)
    451.56
    """
    known = dict(sources or {})
    if service is None:
        return _of_cluster(recommendation, known)
    return _of_service(recommendation, _advice_for(recommendation, service), known)


def sources_of(recommendation: Recommendation, catalog: PriceCatalog) -> dict[str, Source]:
    """What the catalog says of the sources that a recommendation names; ids that it does not know are left out."""
    bills = [a.bill for a in recommendation.alternatives] + [recommendation.present and recommendation.present.bill]
    found = {}
    for name in dict.fromkeys(item.source for bill in bills if bill for item in bill.line_items):
        try:
            found[name] = catalog.source(name)
        except AdvisorError:
            continue
    return found


def _of_cluster(recommendation: Recommendation, sources: Mapping[str, Source]) -> Explanation:
    best, advice = recommendation.recommended, recommendation.recommendation
    reasons = (advice.why, f"it {saving_sentence(advice.saving, recommendation)}", f"today: {present_sentence(recommendation)}")
    return Explanation(
        scope=CLUSTER_SCOPE,
        subject=f"{recommendation.cluster}, {recommendation.region}",
        title=best.title,
        verdict=f"{VERDICT_WORDS[advice.verdict]}; {coverage_sentence(recommendation)}",
        monthly_usd=best.monthly_usd,
        money=f"{money_range(best.monthly_usd)} a month",
        reasons=(*reasons, *(f"doubt: {doubt}" for doubt in advice.doubts)),
        sure=(*_cluster_sure(recommendation), *spot_sentences(recommendation), *lost_zone_sentences(recommendation)),
        binds=(*_instances_bind(best.instances), *_least_counts_bind(recommendation, best.plan)),
        rejected_title="The alternatives that lost",
        rejected=_rejected(recommendation.of_scope(CLUSTER_SCOPE), best, leave_out=best),
        sum=sum_by_hand(best.bill, best.plan) if best.bill else None,
        sum_title=SUM_TITLE,
        remarks=(*_upper_end(best), *recommendation.warnings, *_assumed(recommendation)),
        instance_money=recommendation.instance_money,
        is_held_left_aside=_pays_commitments(best),
        sources=sources,
    )


def _of_service(recommendation: Recommendation, service: ServiceAdvice, sources: Mapping[str, Source]) -> Explanation:
    own = [a for a in recommendation.of_scope(service.name) if not a.is_comparison]
    chosen = _chosen_alone(recommendation, service, own)
    best = recommendation.recommended
    cheapest = next((a for a in own if a.monthly_usd), None)
    reference = chosen or cheapest
    gpus = f", {n} GPU{'s' if n > 1 else ''}" if (n := service.task_size.get("gpus")) else ""
    size = f"{service.task_size['cpu']} CPU units and {service.task_size['memory']} MiB{gpus} a task"
    shared = _sharers(best.plan, service.name)
    return Explanation(
        scope=service.name,
        subject=f"{service.name} in {recommendation.cluster}, {recommendation.region}",
        title=f"{where(service)}, {size}",
        verdict=f"{VERDICT_WORDS[recommendation.recommendation.verdict]} for the cluster: {best.title}",
        monthly_usd=chosen.monthly_usd if chosen else None,
        money=f"{money_range(chosen.monthly_usd)} a month" if chosen else f"on instances shared by {len(shared)} services",
        reasons=(
            *filter(
                None,
                (
                    service.why,
                    service_terms_sentence(recommendation, service.name),
                    size_sentence(service),
                    rounding_sentence(service.name, recommendation),
                    targets_sentence(service),
                ),
            ),
            *_stairs_reasons(_view(recommendation, service.name)),
        ),
        sure=(
            *filter(None, (draws_sentence(chosen),) if chosen else ()),
            *spot_sentences(recommendation, service.name),
        ),
        binds=(
            *_instances_bind(chosen.instances if chosen else best.instances),
            *_least_counts_bind(recommendation, best.plan, (service.name,)),
        ),
        rejected_title="The alternatives that lost" if chosen else "What it would cost alone",
        rejected=_rejected(own, reference, leave_out=chosen) if reference else (),
        sum=_service_sum(best, chosen, service.name),
        sum_title=SUM_TITLE if chosen else f"{SUM_TITLE}; together for {', '.join(shared)}",
        remarks=(*(_upper_end(chosen) if chosen else ()), *_alone(recommendation), *_assumed(recommendation)),
        instance_money=_money_of_service(recommendation, service.name),
        is_held_left_aside=_pays_commitments(best),
        sources=sources,
    )


def _cluster_sure(recommendation: Recommendation) -> Iterator[str]:
    best, saving = recommendation.recommended, recommendation.recommendation.saving
    yield sure_sentence(recommendation)
    if draws := draws_sentence(best):
        yield f"this alternative: {draws}"
    if saving is not None and saving.p10 is not None and saving.p50 is not None and saving.p90 is not None:
        title = recommendation.alternative(saving.against).title
        yield (
            f"next month it saves {money(saving.p50)} (P50) against {title}, in 8 of 10 draws between {money(saving.p10)} and "
            f"{money(saving.p90)}"
        )
    if replay := replay_sentence(recommendation):
        yield f"replay: {replay}"
    if proof := proof_sentence(recommendation):
        yield f"proof: {proof}"
    for told in terms_paragraphs(recommendation.under_terms):
        yield f"terms: {told}"
    if steps := steps_sentence(recommendation):
        yield f"steps: {steps}"
        for step in recommendation.saving_steps.steps if recommendation.saving_steps else ():
            told = f"{STEP_WORDS[step.kind]}: {saved(step.saves_usd)}" + (
                f", {step.title}" if step.saves_usd and step.title else ""
            )
            yield f"{told}. Risk: {step.risk}. Effort: {step.effort}"


def _advice_for(recommendation: Recommendation, name: str) -> ServiceAdvice:
    services = {service.name: service for service in recommendation.recommendation.services}
    if name not in services:
        near = difflib.get_close_matches(name, services, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        listed = ", ".join(list(services)[:12]) + (f" and {len(services) - 12} more" if len(services) > 12 else "")
        raise InputError(f"no service {name!r} in cluster {recommendation.cluster!r}", fix=f"{hint}There are: {listed}.")
    return services[name]


def _sharers(plan: Plan | None, name: str) -> tuple[str, ...]:
    """Services on the same instances, ``name`` among them; on Fargate a service is alone."""
    if plan is None or name not in plan.services or plan.services[name].launch_type is LaunchType.FARGATE:
        return (name,)
    provider = plan.services[name].capacity_provider
    return tuple(other for other, service in plan.services.items() if service.capacity_provider == provider)


def _chosen_alone(recommendation: Recommendation, service: ServiceAdvice, own: Sequence[Alternative]) -> Alternative | None:
    """What the recommended plan does with a service, among the alternatives for it alone; None where it shares instances."""
    plan = recommendation.recommended.plan
    if plan is None or len(_sharers(plan, service.name)) > 1:
        return None
    wanted = _placement(plan, service.name)
    return next((a for a in own if a.plan and a.monthly_usd and _placement(a.plan, service.name) == wanted), None)


def _placement(plan: Plan, name: str) -> tuple[object, ...]:
    service = plan.services[name]
    types = plan.capacity_providers[service.capacity_provider].instance_types
    return (service.launch_type, service.purchase_option, service.architecture, service.task, types)


def _service_sum(best: Alternative, chosen: Alternative | None, name: str) -> HandSum | None:
    """The sum for a service alone, else for the instances that it shares."""
    if chosen is not None and chosen.bill is not None:
        return sum_by_hand(chosen.bill, chosen.plan)
    if best.bill is None or best.plan is None:
        return None
    provider = best.plan.services[name].capacity_provider
    parts = {name, provider, provider.removesuffix(f"-{name}")}
    items = [item for item in best.bill.line_items if item.part in parts] or list(best.bill.line_items)
    return sum_of(items, best.plan, math.fsum(item.amount_usd for item in items))


def _rejected(
    alternatives: Iterable[Alternative], reference: Alternative, *, leave_out: Alternative | None
) -> tuple[Rejected, ...]:
    return tuple(
        Rejected(
            id=a.id,
            title=a.title,
            monthly_usd=a.monthly_usd,
            why="the cheapest of these" if a is reference else rejected_why(a, reference),
            change="" if a is reference or a.is_comparison else change_needed(a, reference),
            probability_cheapest=a.probability_cheapest,
            expected_regret_usd=a.expected_regret_usd,
        )
        for a in alternatives
        if a is not leave_out
    )


def _money_of_service(recommendation: Recommendation, name: str) -> tuple[InstanceMoney, ...]:
    """Of the instances that a service runs on in the recommended plan, shared or not."""
    plan = recommendation.recommended.plan
    if plan is None or name not in plan.services:
        return ()
    return tuple(each for each in recommendation.instance_money if each.part == plan.services[name].capacity_provider)


def _pays_commitments(best: Alternative) -> bool:
    kinds = {kind.value for kind in CommitmentKind}
    return best.bill is not None and any(item.meter.partition(":")[0] in kinds for item in best.bill.line_items)


def money_sentences(told: Explanation) -> Iterator[str]:
    if told.is_held_left_aside:
        yield "at on-demand rates, as if nothing were held: not the sum of the bill, which counts the held commitments"
    for each in told.instance_money:
        yield f"{each.part}, {usd(each.monthly_usd)} a month, told in {each.dimension}, of which its tasks reserve most:"
        for layer, amount in each.usd.items():
            share = amount / each.monthly_usd if each.monthly_usd else 0.0
            yield f"{usd(amount)} ({percent(share)}) {LAYER_WORDS[layer]}"
        if each.unknown_use:
            yield f"CPU in use is not known of {', '.join(each.unknown_use)}: its headroom counts as work"


def _instances_bind(facts: InstanceFacts | None) -> Iterator[str]:
    if facts is None:
        yield "Fargate bills what each task reserves, so nothing is packed and nothing idles between tasks"
        return
    counts = (
        f"{facts.p50:g} instances"
        if facts.p50 == facts.max
        else f"{facts.p50:g} instances at the median, {facts.max:g} at most"
    )
    yield f"{facts.binding} on the instances, which are {percent(facts.packed_fraction)} full: {counts}"


def _least_counts_bind(recommendation: Recommendation, plan: Plan | None, only: Sequence[str] = ()) -> Iterator[str]:
    """Services that stay at their least number of tasks for most of the month."""
    for view in recommendation.views.services:
        service = plan.services.get(view.name) if plan else None
        if service is None or (only and view.name not in only) or service.min_tasks == service.max_tasks:
            continue
        share = view.task_hours.get(str(service.min_tasks), 0.0) / HOURS_PER_MONTH
        if share > 0.5:
            yield f"the least count of {view.name}, {service.min_tasks}, for {percent(share)} of the month"


def _view(recommendation: Recommendation, name: str) -> ServiceView | None:
    return next((view for view in recommendation.views.services if view.name == name), None)


def _stairs_reasons(view: ServiceView | None) -> Iterator[str]:
    if view is None:
        return
    stairs = view.stairs
    if stairs.fargate_usd_per_task_hour is not None:
        yield f"a task on {stairs.fargate_title} costs ${stairs.fargate_usd_per_task_hour:.5f} an hour"
    if stairs.usd_per_instance_hour is not None and stairs.tasks_per_instance:
        tasks = "1 task" if stairs.tasks_per_instance == 1 else f"{stairs.tasks_per_instance} tasks"
        yield (
            f"one {stairs.instance_type} with its volume costs ${stairs.usd_per_instance_hour:.5f} an hour with one task or "
            f"full, and holds {tasks}; {stairs.zones} zones need at least {stairs.zones} of them"
        )


def _upper_end(alternative: Alternative) -> Iterator[str]:
    monthly = alternative.monthly_usd
    if monthly is not None and monthly.high > monthly.mean:
        yield f"up to {money(monthly.high)}: ECS's placement is not replayed, so instances are a range"


def _alone(recommendation: Recommendation) -> Iterator[str]:
    if recommendation.recommended.buys:
        yield "commitments are shared by all services: alternatives for one of them are told without new ones"


def _assumed(recommendation: Recommendation) -> Iterator[str]:
    yield f"assumed: {assumptions(recommendation) or 'nothing'}"
    yield f"not modelled, in no alternative: {not_modelled(recommendation)}"
