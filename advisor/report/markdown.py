"""``report.md``: the answer for a pull request or a wiki page."""

import re

from advisor.recommend.reasons import rejected_why
from advisor.recommend.result import CLUSTER_SCOPE, Alternative, Recommendation
from advisor.recommend.steps import SavingSteps
from advisor.report.lost_zone import lost_zone_sentences
from advisor.report.spot import spot_sentences
from advisor.report.sure import proof_sentence, replay_sentence, sure_sentence
from advisor.report.under_terms import bought_for_each, terms_paragraphs
from advisor.report.words import (
    VERDICT_WORDS,
    assumptions,
    chance,
    coverage_sentence,
    instances_range,
    interval,
    money,
    money_range,
    more_than_best,
    not_modelled,
    packed,
    present_sentence,
    rounding_sentence,
    saving_sentence,
    size_sentence,
    step_rows,
    steps_sentence,
    targets_sentence,
    task_size_text,
    where,
    whole_tasks,
)


def render_markdown(recommendation: Recommendation, *, charts: tuple[tuple[str, str], ...] = ()) -> str:
    """Verdict first, then alternatives, services, line items, assumptions.

    Parameters
    ----------
    charts
        Title and relative path of pictures to show, in order.

    Examples
    --------
    >>> import advisor
    >>> recommendation = advisor.read_recommendation("reports/shop")
    >>> advisor.render_markdown(recommendation).splitlines()[0]
    '# shop: recommendation: Fargate ARM64 + EC2 c6a.2xlarge (worker)'
    """
    best, advice = recommendation.recommended, recommendation.recommendation
    lines = [
        f"# {escape(recommendation.cluster)}: {VERDICT_WORDS[advice.verdict].lower()}: {escape(best.title)}",
        "",
        f"**{escape(money_range(best.monthly_usd))} a month** in {recommendation.region}. "
        f"It {escape(saving_sentence(advice.saving, recommendation))}.",
        "",
        f"- How sure: {escape(sure_sentence(recommendation))}",
        f"- Why: {escape(advice.why)}",
        *([f"- Proof: {escape(proof_sentence(recommendation))}"] if recommendation.lower_bound else []),
        *(f"- Terms: {escape(told)}" for told in terms_paragraphs(recommendation.under_terms)),
        *([f"- Replay: {escape(replay_sentence(recommendation))}"] if best.replay else []),
        *([f"- Steps: {escape(steps_sentence(recommendation))}"] if recommendation.saving_steps else []),
        *(f"- Spot: {escape(sentence)}" for sentence in spot_sentences(recommendation)),
        *(f"- Lost zone: {escape(sentence)}" for sentence in lost_zone_sentences(recommendation)),
        f"- Today: {escape(present_sentence(recommendation))}",
        *(f"- Doubt: {escape(doubt)}" for doubt in advice.doubts),
        *(f"- Note: {escape(warning)}" for warning in recommendation.warnings),
        "",
        f"{escape(coverage_sentence(recommendation))}. Prices of {recommendation.run.catalog.get('newest', '')}.",
        "",
    ]
    for title, path in charts:
        lines += [f"![{escape(title)}]({path})", ""]
    lines += ["## Which alternatives were compared?", "", *_alternatives(recommendation), ""]
    if recommendation.saving_steps is not None:
        lines += ["## What does each step save?", "", *_steps(recommendation, recommendation.saving_steps), ""]
    lines += ["## Which service goes where?", "", *_services(recommendation), ""]
    lines += ["## What is this number made of?", "", *_line_items(best), ""]
    lines += ["## What was assumed?", "", *_assumptions(recommendation), ""]
    return "\n".join(lines)


def escape(text: str) -> str:
    """Text that Markdown shows as it is, in one line."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$])", r"\\\1", " ".join(text.split()))


def _steps(recommendation: Recommendation, stairs: SavingSteps) -> list[str]:
    lines = [
        f"From {escape(money(stairs.start_usd))} a month, {escape(stairs.start)}. Each step is free in one thing more, "
        "and billed like any alternative; only the last of these plans is replayed.",
        "",
        "| step | saves | then a month | with | risk | effort |",
        "| --- | ---: | ---: | --- | --- | --- |",
    ]
    return [*lines, *(f"| {' | '.join(escape(cell) for cell in row)} |" for row in step_rows(recommendation))]


def _alternatives(recommendation: Recommendation) -> list[str]:
    best, bought = recommendation.recommended, bought_for_each(recommendation)
    lines = [f"Alternatives, {bought}.", ""] if bought else []
    lines += [
        "| alternative | a month | P10-P90 | cheapest | instances | packed | against best | why not |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for alternative in recommendation.of_scope(CLUSTER_SCOPE):
        is_best = alternative.id == best.id
        title = f"**{escape(alternative.title)}**" if is_best else escape(alternative.title)
        why = "recommended" if is_best else escape(rejected_why(alternative, best))
        cells = [
            title,
            escape(money_range(alternative.monthly_usd)),
            escape(interval(alternative.monthly_usd)),
            "-" if alternative.probability_cheapest is None else chance(alternative.probability_cheapest),
            instances_range(alternative),
            packed(alternative),
            more_than_best(alternative, best),
            why,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _services(recommendation: Recommendation) -> list[str]:
    lines = ["| service | launch type | task (CPU/MiB) | tasks p50/max | why |", "| --- | --- | ---: | ---: | --- |"]
    for service in recommendation.recommendation.services:
        size = task_size_text(service.task_size)
        count = f"{whole_tasks(service.tasks_p50)}/{whole_tasks(service.tasks_max)}"
        sentences = (
            service.why,
            size_sentence(service),
            rounding_sentence(service.name, recommendation),
            targets_sentence(service),
        )
        why = "; ".join(sentence for sentence in sentences if sentence)
        lines.append(f"| {escape(service.name)} | {escape(where(service))} | {size} | {count} | {escape(why)} |")
    return lines


def _line_items(alternative: Alternative) -> list[str]:
    if alternative.bill is None or alternative.monthly_usd is None:
        return ["No price."]
    lines = [
        "| part | meter | quantity | unit | rate | amount | source | as of |",
        "| --- | --- | ---: | --- | ---: | ---: | --- | --- |",
    ]
    for item in alternative.bill.line_items:
        rate = f"\\${item.rate_usd:.8f}".rstrip("0") + (" (derived)" if item.is_derived else "")
        cells = [
            escape(item.part),
            f"`{item.meter}`",
            f"{item.quantity:,.2f}",
            item.unit,
            rate,
            f"\\${item.amount_usd:,.2f}",
            escape(item.source),
            item.as_of,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines.append(f"| **total** | | | | | **\\${alternative.monthly_usd.mean:,.2f}** | | |")
    if alternative.monthly_usd.high > alternative.monthly_usd.mean:
        lines += [
            "",
            f"Up to {escape(money(alternative.monthly_usd.high))}: ECS's placement is not replayed, so EC2 is a range.",
        ]
    return lines


def _assumptions(recommendation: Recommendation) -> list[str]:
    lines = [
        f"- Defaults used: {escape(assumptions(recommendation)) or 'none'}",
        f"- In no alternative: {not_modelled(recommendation)}",
    ]
    lines += [f"- {escape(note)}" for note in recommendation.run.notes]
    files = ", ".join(f"`{escape(file['path'])}` ({file['sha256'][:12]})" for file in recommendation.run.inputs)
    return [*lines, f"- Input: {files or 'none'}; advisor {recommendation.run.version}"]
