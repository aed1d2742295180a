"""How numbers and verdicts read, the same in every report."""

import math
import textwrap
from collections.abc import Mapping, Sequence

from advisor.billing import MonthlyUsd
from advisor.ecs import Architecture, LaunchType, PurchaseOption
from advisor.optimize.targets import TargetOutcome, TargetProposal
from advisor.plan import Plan
from advisor.recommend.reasons import folded
from advisor.recommend.reasons import percent as percent
from advisor.recommend.result import Alternative, Recommendation, Run, Saving, ServiceAdvice, Verdict
from advisor.recommend.steps import StepKind

VERDICT_WORDS = {
    Verdict.RECOMMEND: "Recommendation",
    Verdict.BEST_OF_PRICED: "Best of what is priced",
    Verdict.TOO_CLOSE_TO_CALL: "Too close to call; first of the ranking",
    Verdict.NOT_ENOUGH_DATA: "Not enough data to recommend; cheapest so far",
}
LEAST_ROUNDING_FRACTION = 0.005
"""Less than this is no waste worth a sentence."""
SMALL_FRACTION = 0.02
"""Below this a share is shown with a decimal."""


def task_size_text(size: Mapping[str, int], between: str = "/") -> str:
    """``512/1024``, with GPUs where there are any."""
    gpus = size.get("gpus", 0)
    return between.join([f"{size['cpu']}", f"{size['memory']}", *([f"{gpus} GPU{'s' if gpus > 1 else ''}"] if gpus else [])])


def money(usd: float) -> str:
    """``$412``; cents under $10."""
    sign, size = ("-" if usd < 0 and round(usd, 2) else ""), abs(usd)
    return f"{sign}${size:,.2f}" if size < 9.995 else f"{sign}${size:,.0f}"


def money_range(monthly: MonthlyUsd | None) -> str:
    """``$496-508``, or one figure where there is no range."""
    if monthly is None:
        return "no price"
    low, high = money(monthly.low), money(monthly.high)
    return low if low == high else f"{low}-{high.removeprefix('$')}"


def more_than_best(alternative: Alternative, best: Alternative) -> str:
    """``+23 %`` against the recommended alternative, by what is ranked: the mean of the draws, or else the upper end."""
    if alternative.monthly_usd is None or best.monthly_usd is None:
        return ""
    ours, theirs = best.expected_usd, alternative.expected_usd
    if ours is None or theirs is None:
        ours, theirs = best.monthly_usd.high, alternative.monthly_usd.high
    if not ours:
        return ""
    return "-" if alternative.id == best.id else f"{theirs / ours - 1:+.0%}".replace("%", " %")


def interval(monthly: MonthlyUsd | None) -> str:
    """``$645-692``: next month's cost in 8 of 10 draws; ``-`` without draws."""
    if monthly is None or monthly.p10 is None or monthly.p90 is None:
        return "-"
    low, high = money(monthly.p10), money(monthly.p90)
    return low if low == high else f"{low}-{high.removeprefix('$')}"


def chance(fraction: float) -> str:
    """``97 %``; never a certainty that draws cannot give."""
    if fraction > 0.995:
        return "over 99 %"
    return "under 1 %" if fraction < 0.005 else percent(fraction)


def small_percent(fraction: float) -> str:
    """``19 %``, and ``0.4 %`` where a whole percent would hide that there is a difference."""
    return f"{100 * fraction:.1f} %" if 0 < fraction < SMALL_FRACTION else percent(fraction)


def fraction_below(fraction: float) -> str:
    """As :func:`small_percent`, rounded down: of what must stay below it."""
    if fraction >= SMALL_FRACTION:
        return percent(math.floor(round(100 * fraction, 6)) / 100)
    digits = 1 if fraction >= 0.001 else 2
    return f"{math.floor(round(100 * fraction * 10**digits, 6)) / 10**digits:.{digits}f} %"


STEP_WORDS: Mapping[StepKind, str] = {
    StepKind.SIZES: "sizes and counts",
    StepKind.ARCHITECTURE: "instance types and architecture",
    StepKind.LAUNCH_TYPE: "launch type",
    StepKind.SPOT: "Spot",
    StepKind.COMMITMENTS: "commitments",
}


def saved(usd: float) -> str:
    """``$54``; ``nothing``; ``costs $3 more``."""
    amount = money(abs(usd))
    if amount == money(0.0):
        return "nothing"
    return f"costs {amount} more" if usd < 0 else amount


def step_rows(recommendation: Recommendation) -> tuple[tuple[str, ...], ...]:
    """Step, what it saves, a month after it, the plan, risk, effort."""
    stairs = recommendation.saving_steps
    return tuple(
        (
            STEP_WORDS[step.kind],
            saved(step.saves_usd),
            money(step.monthly_usd),
            step.title or "",
            step.risk,
            step.effort,
        )
        for step in (stairs.steps if stairs else ())
    )


def steps_sentence(recommendation: Recommendation) -> str:
    """What each kind of change saves, in order, and the line of those who change nothing but the sizes; empty without one."""
    stairs = recommendation.saving_steps
    if stairs is None:
        return ""
    steps = ", ".join(f"{STEP_WORDS[step.kind]} {saved(step.saves_usd)}" for step in stairs.steps)
    return (
        f"from {money(stairs.start_usd)} ({stairs.start}) a month to {money(stairs.end_usd)}: {steps}; "
        f"change nothing but the sizes: {money(stairs.sizes_alone_usd)}"
    )


def next_month_sentence(monthly: MonthlyUsd | None) -> str:
    """``next month $638 (P10), $655 (P50), $672 (P90)``; empty without draws."""
    if monthly is None or monthly.p10 is None or monthly.p50 is None or monthly.p90 is None:
        return ""
    quantiles = ((monthly.p10, 10), (monthly.p50, 50), (monthly.p90, 90))
    return "next month " + ", ".join(f"{money(usd)} (P{n})" for usd, n in quantiles)


def draws_sentence(alternative: Alternative) -> str:
    """What the draws say of an alternative: quantiles, how often it is the cheapest, its regret; empty without draws."""
    clauses = [next_month_sentence(alternative.monthly_usd)]
    if alternative.probability_cheapest is not None:
        clauses.append(f"cheapest in {chance(alternative.probability_cheapest)} of the draws")
    if alternative.expected_regret_usd is not None:
        clauses.append(f"{money(alternative.expected_regret_usd)} a month dearer than the cheapest on average")
    return "; ".join(clause for clause in clauses if clause)


def wrapped(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """Lines that break neither names at their hyphens nor ``43 %``."""
    kept = text.replace(" %", "\u00a0%")
    lines = textwrap.wrap(kept, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
    return [line.replace("\u00a0%", " %") for line in lines]


def instances_range(alternative: Alternative) -> str:
    """``2-5``: median and most instances."""
    facts = alternative.instances
    if facts is None or alternative.plan is None:
        return "-"
    low, high = round(facts.p50), round(facts.max)
    return f"{low}" if low == high else f"{low}-{high}"


def packed(alternative: Alternative) -> str:
    """Share of the binding dimension that is reserved."""
    return "-" if alternative.instances is None else percent(alternative.instances.packed_fraction)


def missing_sentence(alternative: Alternative, region: str) -> str:
    """What an alternative lacks."""
    if alternative.missing:
        return f"no price in {region} for {folded(alternative.missing)}: give it with --rates FILE"
    return "; ".join(alternative.reasons)


def saving_sentence(saving: Saving | None, recommendation: Recommendation) -> str:
    """``saves $96 (19 %) a month against EC2 m7g.large, cheaper in 49 of 52 weeks``."""
    if saving is None:
        return "nothing to compare with: no other launch type or purchase option is allowed, holds the tasks and has a price"
    title = recommendation.alternative(saving.against).title
    verb, than = ("saves", "against") if saving.mean >= 0 else ("costs", "more than")
    sentence = f"{verb} {money(abs(saving.mean))} ({small_percent(abs(saving.fraction))}) a month {than} {title}"
    if saving.weeks and not recommendation.run.is_stated:
        sentence += f", {weeks_words(saving, recommendation)}"
    return sentence


def weeks_words(saving: Saving, recommendation: Recommendation) -> str:
    """``cheaper in 49 of 52 weeks``; where instances are a range, that the weeks are counted at its upper end."""
    costs = (recommendation.recommended.monthly_usd, recommendation.alternative(saving.against).monthly_usd)
    is_range = any(cost is not None and cost.high > cost.mean for cost in costs)
    counted = f"cheaper in {saving.weeks_cheaper} of {saving.weeks} weeks"
    return f"{counted} with every range of instances at its upper end" if is_range else counted


def present_sentence(recommendation: Recommendation) -> str:
    """What today costs and what the recommendation saves against it."""
    present, saving = recommendation.present, recommendation.recommendation.saving_against_present
    if present is None:
        return "not given"
    if present.monthly_usd is None:
        return f"cost not known: {', '.join(present.missing)} missing"
    today = f"{money(present.monthly_usd.mean)} a month"
    if saving is None:
        return f"{today} without new commitments; with some not known: {folded(present.missing)} missing"
    if present.with_commitments_usd is not None:
        today += f", {money(present.with_commitments_usd.mean)} with new commitments of the same terms, which count here"
    difference = f"{money(abs(saving.mean))} ({small_percent(abs(saving.fraction))})"
    change = f"saves {difference}" if saving.mean >= 0 else f"costs {difference} more"
    return f"{today}; the recommendation {change}"


def whole_tasks(tasks: float) -> int:
    """Tasks at one moment: means of what runs within a step are fractions."""
    return math.ceil(round(tasks, 6))


def size_sentence(advice: ServiceAdvice) -> str:
    """Why another task size, and how safe it was on the history."""
    size = advice.size
    if size is None:
        return ""
    now, before = map(task_size_text, (advice.task_size, size.declared))
    headroom = size.memory_headroom_fraction
    memory = (
        "memory not measured and so not lowered"
        if headroom is None
        else f"{percent(headroom)} of memory left at the worst moment"
    )
    return (
        f"size: {now} instead of {before}: "
        f"on this history {memory}, CPU above target for "
        f"{size.hours_above_target:,.0f} h (today {size.hours_above_target_today:,.0f} h), above full for "
        f"{size.hours_above_full:,.0f} h"
    )


def targets_sentence(advice: ServiceAdvice) -> str:
    """What scaling targets would have cost and how safe they were; empty where the count follows no CPU target of its own."""
    if not advice.targets:
        return ""
    said = f"CPU targets on this history, by the month: {'; '.join(map(_target, advice.targets))}"
    if any(each.hours_above_target is None for each in advice.targets):
        said += " (?: steps of more than five minutes hide it)"
    return f"{said}. {proposal_sentence(advice.proposed_target)}" if advice.proposed_target else said


def proposal_sentence(proposal: TargetProposal) -> str:
    """A target that would have been safe and cheaper, or safe where the own one was not."""
    money_moves = "saves" if proposal.saving_usd > 0 else "costs"
    return (
        f"Proposed and not applied: scaling.target_cpu {proposal.target_cpu_percent:.3g} instead of "
        f"{proposal.own_target_cpu_percent:.3g} {money_moves} {money(abs(proposal.saving_usd))} and would have been safe"
    )


def hours_or_not_known(hours: float | None) -> str:
    """``1.5``, or ``?`` where the steps of the load are too long to tell."""
    return "?" if hours is None else f"{hours:,.1f}"


def _target(outcome: TargetOutcome) -> str:
    headroom = outcome.memory_headroom_fraction
    memory = "memory not measured" if headroom is None else f"{percent(headroom)} of memory left"
    cost = "no price" if outcome.monthly_usd is None else money(outcome.monthly_usd)
    return (
        f"{outcome.target_cpu_percent:.3g} % costs {cost}, {hours_or_not_known(outcome.hours_above_target)} h above it, "
        f"{hours_or_not_known(outcome.hours_above_full)} h above full, {memory}"
    )


def rounding_sentence(name: str, recommendation: Recommendation) -> str:
    """What rounding the declared size up to Fargate's grid wastes; empty where it wastes nothing."""
    view = next((view for view in recommendation.views.services if view.name == name), None)
    if view is None or not view.fargate_rounding_fraction or view.fargate_rounding_fraction < LEAST_ROUNDING_FRACTION:
        return ""
    return (
        f"Fargate's grid: rounding the declared size up wastes {percent(view.fargate_rounding_fraction)} of what a task costs"
    )


def where(advice: ServiceAdvice) -> str:
    """``Fargate ARM64`` or ``EC2 m7g.large``."""
    return _where(advice.launch_type, advice.purchase_option, advice.instance_types, advice.architecture)


def where_in(plan: Plan, name: str) -> str:
    """The same of a service in a plan."""
    service = plan.services[name]
    types = plan.capacity_providers[service.capacity_provider].instance_types
    return _where(service.launch_type, service.purchase_option, types, service.architecture)


def _where(launch_type: LaunchType, option: PurchaseOption, instance_types: Sequence[str], architecture: Architecture) -> str:
    launch = launch_type.called + (" Spot" if option is PurchaseOption.SPOT else "")
    if not instance_types:
        return f"{launch} {architecture}"
    more = f" and {len(instance_types) - 1} more" if len(instance_types) > 1 else ""
    return f"{launch} {instance_types[0]}{more}"


def assumptions(recommendation: Recommendation) -> str:
    """Defaults that stand in for what the input does not say."""
    return ", ".join(f"{name} {value}" for name, value in recommendation.run.defaults.items())


def coverage_sentence(recommendation: Recommendation) -> str:
    """``4 services, 2023-01-01 to 2023-12-31 (hourly, 98.4 % covered)``."""
    run, n = recommendation.run, len(recommendation.recommendation.services)
    steps = {3600: "hourly", 60: "every minute"}.get(
        run.step_s, f"every {run.step_s / 60:g} minutes" if run.step_s >= 60 else f"every {run.step_s} s"
    )
    services = "1 service" if n == 1 else f"{n} services"
    if run.is_stated:
        return f"{services}, {period(run)} ({steps})"
    covered = "100" if run.coverage_fraction == 1 else f"{min(run.coverage_fraction * 100, 99.9):.1f}"
    return f"{services}, {period(run)} ({steps}, {covered} % covered)"


def period(run: Run) -> str:
    """When the load was, or that nobody measured it: an example has dates that mean nothing."""
    return "stated load, not measured" if run.is_stated else f"{run.start[:10]} to {run.end[:10]}"


_DATA_TRANSFER = (
    "data_transfer:inter_az:", "data_transfer:internet_out", "data_transfer:other_regions:", "vpc:nat_gateway:gib",
    "vpc:interface_endpoint:gib",
)  # fmt: skip
_LOAD_BALANCERS = ("elb:",)
_LOGS = ("cloudwatch:logs_ingested:",)


def not_modelled(recommendation: Recommendation) -> str:
    """What is in no alternative and beside none: side costs that the workload does not state, labour, new commitments."""
    side = recommendation.side_costs
    stated = () if side is None else (*(item.meter for item in side.bill.line_items), *side.missing)

    def n_stated(meters: tuple[str, ...]) -> int:
        return sum(any(meter.startswith(each) for meter in stated) for each in meters)

    n_transfers = n_stated(_DATA_TRANSFER)
    left = [
        "" if n_transfers == len(_DATA_TRANSFER) else "other data transfer" if n_transfers else "data transfer",
        "" if n_stated(_LOAD_BALANCERS) else "load balancers",
        "" if n_stated(_LOGS) else "logs",
        "labour",
        "" if recommendation.recommended.buys else "new commitments",
    ]
    return ", ".join(filter(None, left))
