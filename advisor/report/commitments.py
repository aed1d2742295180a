"""Advice on commitments as text, CSV, JSON and Markdown."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import fields, replace

from advisor.committing import AccountCommitments, CommitmentAdvice, CommitmentOption, LoadToCommitFor, Purchase
from advisor.recommend.commitments import UNCOVERED
from advisor.recommend.reasons import folded
from advisor.report.markdown import escape
from advisor.report.under_terms import terms_paragraphs
from advisor.report.words import money, percent

_KINDS = {
    "compute_savings_plan": "Compute Savings Plan",
    "ec2_instance_savings_plan": "EC2 Instance Savings Plan",
    "both_savings_plans": "both Savings Plans",
    "reserved_instance": "Reserved Instances",
}
CSV_COLUMNS = (
    *(field.name for field in fields(CommitmentOption) if field.name not in ("purchases", "missing", "uncovered")),
    "purchases",
    "missing",
    "uncovered",
)
HEAD = ("option", "USD/h", "upfront", "due", "saves a month", "P10-P90", "rate", "covers", "used", "loses in", "worst")


def commitments_json(advice: CommitmentAdvice) -> str:
    """Everything that was worked out."""
    return json.dumps(advice.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def commitments_csv(advice: CommitmentAdvice) -> str:
    """A row for each option; an empty cell is a figure that there is not."""
    return _csv([CSV_COLUMNS, *map(_cells, advice.options)])


def account_csv(account: AccountCommitments) -> str:
    """The same for each Region of an account, and for all Regions together."""
    rows = [(advice.region, *_cells(option)) for advice in account.advices for option in advice.options]
    return _csv([("region", *CSV_COLUMNS), *rows])


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _cells(option: CommitmentOption) -> tuple[object, ...]:
    values = ["" if getattr(option, name) is None else getattr(option, name) for name in CSV_COLUMNS[:-3]]
    bought = "; ".join(map(purchase_words, option.purchases))
    return (*values, bought, " ".join(option.missing), " ".join(option.uncovered))


def account_json(account: AccountCommitments) -> str:
    """Everything that was worked out for an account."""
    told = {"schema": "advisor/account-commitments/1", **account.to_dict()}
    return json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def account_table(account: AccountCommitments) -> str:
    """The advice of each Region, and what is in none, as lines of text."""
    notes = "".join(f"note: {note}\n" for note in account.notes)
    return "\n".join([*map(commitments_table, account.advices), *([notes] if notes else [])])


def account_markdown(account: AccountCommitments) -> str:
    """The same as Markdown."""
    advices = [replace(advice, notes=tuple(map(escape, advice.notes))) for advice in account.advices]  # they name workloads
    parts = [f"### {advice.region}\n\n{commitments_markdown(advice)}" for advice in advices]
    notes = "".join(f"- {escape(note)}\n" for note in account.notes)
    return "\n".join([*parts, *([notes] if notes else [])])


def account_sentences(account: AccountCommitments) -> list[str]:
    """What to buy, a sentence for each Region, what lacks a rate for that, and what is in none."""
    found = [
        f"{advice.region}: {commitment_headline(advice)}; {load_words(load)}"
        for advice in account.advices
        for load in advice.loads
    ]
    lacking = [
        f"{advice.region}: no rate for {folded(best.uncovered)}: what needs it is counted on demand, and may save more"
        for advice in account.advices
        if advice.headline is not None and (best := advice.option(advice.headline)).uncovered
    ]
    return [*found, *lacking, *account.notes]


def commitments_table(advice: CommitmentAdvice) -> str:
    """The recommendation, the options of each load and the ladder, as lines of text."""
    lines = [f"{advice.cluster}  {advice.region}  prices {advice.prices}", "", commitment_headline(advice)]
    for load in advice.loads:
        lines += ["", load_words(load), ""]
        rows = [HEAD, *(option_row(each, load) for each in options_to_buy(advice, load.load))]
        lines += _columns(rows) if len(rows) > 1 else ["  nothing that can be bought at a known rate"]
    if advice.ladder:
        lines += ["", "Buy in steps, the surest first:", ""]
        lines += _columns([("USD/h", "saves a month", "last dollar saves", "used"), *ladder_rows(advice)])
    told = [*choice_sentences(advice), *terms_paragraphs(advice.under_terms)]
    lines += ["", *told] if told else []
    lines += ["", LEGEND, "", *(f"note: {note}" for note in advice.notes)]
    return "\n".join(lines) + "\n"


LEGEND = (
    "* the best of its term. due: over the whole term, whatever runs. saves: mean and P10-P90 of next month, over what is\n"
    "held alone; rate: of the on-demand worth of what can be covered; covers, used: at least, in 9 of 10 futures; loses in:\n"
    "share of the futures in which buying nothing is cheaper; worst: loss of a month in the worst of a hundred."
)


def commitments_markdown(advice: CommitmentAdvice) -> str:
    """The same as Markdown tables."""
    lines = [f"**{commitment_headline(advice)}**"]
    for load in advice.loads:
        lines += [
            "",
            load_words(load),
            "",
            f"| {' | '.join(HEAD)} |",
            "| --- |" + " ---: |" * (len(HEAD) - 1),
        ]
        lines += [f"| {' | '.join(option_row(each, load))} |" for each in options_to_buy(advice, load.load)]
    if advice.ladder:
        lines += ["", "| USD/h | saves a month | last dollar saves | used |", "| ---: | ---: | ---: | ---: |"]
        lines += [f"| {' | '.join(row)} |" for row in ladder_rows(advice)]
    told = [*choice_sentences(advice), *terms_paragraphs(advice.under_terms)]
    lines += ["", *(f"- {sentence}" for sentence in told)] if told else []
    lines += ["", LEGEND.replace("* the", "\\* the"), "", *(f"- {note}" for note in advice.notes)]
    return "\n".join(lines) + "\n"


def choice_sentences(advice: CommitmentAdvice) -> list[str]:
    """Whether the launch choice stays the same once both sides commit, and where that cannot be said."""
    titles = {load.load: load.title for load in advice.loads}
    sentences, unknown = [], []
    for choice in advice.choices:
        terms = f"{choice.term_years}-year {choice.payment.replace('_', ' ')}"
        if choice.recommended_usd is None or choice.runner_up_usd is None:
            unknown.append(terms)
            continue
        verdict = "the runner-up is cheaper, so choose and commit together" if choice.is_reversed else "the choice stays"
        sentences.append(
            f"With {terms} commitments on both sides: {titles['recommended']} {money(choice.recommended_usd)} a month,"
            f" {titles['runner_up']} {money(choice.runner_up_usd)}: {verdict}"
        )
    if unknown:
        sentences.append(
            f"Not compared with commitments, for lack of rates on one side or both: {titles['recommended']} and"
            f" {titles['runner_up']}, {', '.join(unknown)}"
        )
    return sentences


def commitment_headline(advice: CommitmentAdvice) -> str:
    """What to buy and what it saves, in a line; and where another launch choice with a commitment is cheaper."""
    return "; ".join([_purchase_of_recommended(advice), *_cheaper_elsewhere(advice)])


def _cheaper_elsewhere(advice: CommitmentAdvice) -> list[str]:
    """The runner-up with what can be bought for it at known rates, of the shortest term in which it undercuts the plan."""
    cheaper = [
        (choice.term_years, theirs, at)
        for at, choice in enumerate(advice.choices)
        if (theirs := choice.runner_up_known_usd) is not None
        and (ours := choice.recommended_known_usd) is not None
        and theirs < ours
    ]
    if not cheaper:
        return []
    choice = advice.choices[min(cheaper)[2]]
    titles = {load.load: load.title for load in advice.loads}
    terms = choice.term_years, choice.payment
    options = options_to_buy(advice, "runner_up")
    bought = next((each for each in options if (each.term_years, each.payment) == terms), None)
    what = f" with {', '.join(map(purchase_words, bought.purchases))}" if bought else ""
    known = ", as far as rates are known: give the others with --rates FILE," if choice.missing else ":"
    return [
        f"but {titles['runner_up']}{what}, {choice.term_years}-year {choice.payment.replace('_', ' ')}, costs"
        f" {money(choice.runner_up_known_usd or 0.0)} a month against {money(choice.recommended_known_usd or 0.0)} for"
        f" {titles['recommended']} with its own{known} choose and commit together"
    ]


def _purchase_of_recommended(advice: CommitmentAdvice) -> str:
    if advice.headline is None:
        lacking = [each for each in advice.options if each.missing]
        if lacking and len(lacking) == len(advice.options):
            return f"No commitment is sized: every option lacks a rate, such as {lacking[0].missing[0]}"
        more = (
            f"; {len(lacking)} of {len(advice.options)} options lack a rate, such as {lacking[0].missing[0]}" if lacking else ""
        )
        return f"Commit to nothing: no option with known rates saves money in the mean of the futures{more}"
    best = advice.option(advice.headline)
    usd = best.saving_mean_usd if best.saving_mean_usd is not None else best.saving_usd
    bought = ", ".join(map(purchase_words, best.purchases))
    terms = f"{best.term_years} year{'s' if best.term_years > 1 else ''}, {best.payment.replace('_', ' ')}"
    return f"Commit to {bought} for {terms}: saves {money(usd or 0.0)} a month"


def purchase_words(purchase: Purchase) -> str:
    """``EC2 Instance Savings Plan m7g of 0.4418 USD/h``."""
    if purchase.count is not None:
        return f"{purchase.count} x {purchase.instance_type} Reserved Instance"
    name = _KINDS[purchase.kind] + (f" {purchase.family}" if purchase.family else "")
    return f"{name} of {purchase.usd_per_hour:g} USD/h"


def load_name(load: LoadToCommitFor) -> str:
    """Which of the loads, for a heading."""
    return {"recommended": "After the recommendation", "runner_up": "The runner-up", "present": "Today"}[load.load]


def load_words(load: LoadToCommitFor) -> str:
    """What runs, what of it may be covered, and next month's load."""
    return f"{load_name(load)} ({load.title}): {load_facts(load)}"


def load_facts(load: LoadToCommitFor) -> str:
    """What of a load may be covered, and next month's load."""
    held = "" if abs(load.held_usd - load.on_demand_usd) < 0.005 else f", {money(load.held_usd)} with what is held"
    load_factor = "no futures: too little load"
    if load.load_factor_p10 == load.load_factor_p90 == 1.0:
        load_factor = "the same next month: the load is stated"
    elif load.load_factor_p10 is not None and load.load_factor_p90 is not None:
        load_factor = f"next month {load.load_factor_p10:.2f} to {load.load_factor_p90:.2f} times that in 8 of 10 futures"
    return f"{money(load.on_demand_usd)} a month can be covered{held}; {load_factor}"


def ladder_rows(advice: CommitmentAdvice) -> list[tuple[str, ...]]:
    """Steps of the purchase, each with those before it."""
    return [
        (
            f"{step.usd_per_hour:.4f}",
            money(step.monthly_saving_usd),
            f"${step.last_dollar_usd:.2f}",
            percent(step.utilization_p10),
        )
        for step in advice.ladder
    ]


def options_to_buy(advice: CommitmentAdvice, load: str) -> list[CommitmentOption]:
    """Options with something to buy, by term, what saves most first."""
    priced = [each for each in advice.options if each.load == load and each.purchases]
    return sorted(priced, key=lambda each: (each.term_years, -(each.saving_mean_usd or each.saving_usd or 0.0), each.id))


def option_row(option: CommitmentOption, load: LoadToCommitFor) -> tuple[str, ...]:
    """Cells under ``HEAD``; the best option of a term has a star."""
    mark = "* " if option.id in load.best.values() else ""
    name = f"{mark}{option.term_years}y {option.payment.replace('_', ' ')}, {', '.join(map(_short, option.purchases))}"
    name += f" {UNCOVERED}" if option.uncovered else ""
    mean = option.saving_mean_usd if option.saving_mean_usd is not None else option.saving_usd
    spread = "-"
    if option.saving_p10_usd is not None and option.saving_p90_usd is not None:
        spread = f"{money(option.saving_p10_usd)} to {money(option.saving_p90_usd)}"
    covers = option.coverage_p10 if option.coverage_p10 is not None else option.coverage_fraction
    used = option.utilization_p10 if option.utilization_p10 is not None else option.utilization_fraction
    return (
        name,
        f"{option.usd_per_hour or 0.0:.4f}",
        money(option.upfront_usd or 0.0),
        money(option.at_risk_usd or 0.0),
        money(mean or 0.0),
        spread,
        _share(option.effective_savings_rate),
        _share(covers),
        _share(used),
        _share(option.chance_of_loss),
        "-" if option.worst_loss_usd is None else money(option.worst_loss_usd),
    )


def _short(purchase: Purchase) -> str:
    if purchase.count is not None:
        return f"{purchase.count} RI {purchase.instance_type}"
    return f"EC2 SP {purchase.family}" if purchase.family else "Compute SP"


def _share(value: float | None) -> str:
    return "-" if value is None else percent(value)


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Names left, figures right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  " + "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
