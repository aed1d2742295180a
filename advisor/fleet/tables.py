"""A fleet as text and tables: terminal, Markdown, CSV, Parquet."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from advisor.committing import AccountCommitments
from advisor.ecs import LaunchType
from advisor.errors import InputError
from advisor.fleet.account import HeldAgain
from advisor.fleet.records import Range, Status
from advisor.fleet.result import DEFAULT_FOLD_BELOW_USD, Fleet, RankedService, Tail
from advisor.fleet.stairs import FleetSteps
from advisor.report.commitments import account_markdown, account_sentences
from advisor.report.markdown import escape
from advisor.report.words import STEP_WORDS, chance, money, percent, saved, wrapped
from advisor.sources.places import listed

CSV_COLUMNS = (
    "rank", "workload", "cluster", "region", "service", "status", "verdict", "launch_type", "purchase_option", "architecture",
    "cpu", "memory", "instance_types", "now_usd", "fargate_usd", "best_usd", "low_usd", "high_usd", "saving_usd",
    "saving_against", "probability", "effort", "changes", "score", "problem",
)  # fmt: skip
"""One row a service; services of workloads without an answer follow, with their problem and no figures."""
STEP_COLUMNS = ("against", "n_workloads", "step", "saves_usd", "monthly_usd", "risk", "effort")
"""Of the staircases: a row for the start of each, and one for each step."""
STARTS = {"now": "what runs today", "fargate": "all on Fargate on demand as declared"}
"""Where the staircases start, in words."""
MOST_NAMES = 3
"""Workloads without steps that a sentence names."""
MOST_ROWS = 20
LEAST_WIDTH, MOST_WIDTH = 80, 120
_HEAD = ("saving", "best", "effort", "sure")


def render_fleet(
    fleet: Fleet,
    *,
    width: int = LEAST_WIDTH,
    fold_below_usd: float = DEFAULT_FOLD_BELOW_USD,
    result_path: str = "",
) -> str:
    """The first screen: totals, what to do first, what is in no total."""
    width = min(max(width, LEAST_WIDTH), MOST_WIDTH)
    lines = [line for sentence in total_sentences(fleet) for line in wrapped(sentence, width)]
    shown, tail = fleet.folded(fold_below_usd)
    lines += ["", *_table(shown[:MOST_ROWS], width)]
    if len(shown) > MOST_ROWS:
        lines.append(f"  and {len(shown) - MOST_ROWS:,} more: see --out or --format csv")
    if tail:
        lines += wrapped(tail_sentence(tail), width, "  ", "  ")
    if fleet.steps:
        lines.append("")
    for sentence in step_sentences(fleet):
        lines += wrapped(sentence, width)
    if fleet.commitments is not None:
        lines += ["", "Commitments for all of them together:"]
        for sentence in account_sentences(fleet.commitments):
            lines += wrapped(sentence, width, "  ", "    ")
    if fleet.unanswered:
        lines += ["", f"In no total ({len(fleet.unanswered):,}):"]
        for record in fleet.unanswered[:MOST_ROWS]:
            lines += wrapped(f"{record.name}: {status_words(record.status)}: {record.problem}", width, "  ", "    ")
        if len(fleet.unanswered) > MOST_ROWS:
            lines.append(f"  and {len(fleet.unanswered) - MOST_ROWS:,} more: see --out or --format csv")
    for note in fleet.notes:
        lines += wrapped(f"note: {note}", width)
    if result_path:
        lines += ["", f"Written to {result_path}"]
    return "\n".join(lines) + "\n"


def total_sentences(fleet: Fleet) -> list[str]:
    """What the fleet costs at best, what it costs now, what is saved, and what these figures cover."""
    totals = fleet.totals
    services = f"{totals.n_services_counted:,} of {totals.n_services:,} services"
    covered = f"{totals.n_counted:,} of {totals.n_workloads:,} workloads ({services})"
    sentences = [f"{covered} in the totals; dollars are of a month."]
    if totals.best is not None:
        sentences.append(f"best: {money(totals.best.mean)}{_doubt(totals.best)}")
    if totals.now_usd is not None and totals.saving_now is not None and totals.best_of_now_usd is not None:
        sentences.append(
            f"now: {money(totals.now_usd)} for the {workloads_of_known_cost(totals.n_now)}; at best "
            f"{money(totals.best_of_now_usd)}, which saves {money(totals.saving_now.mean)}{_doubt(totals.saving_now)}"
        )
    if totals.fargate_usd is not None and totals.saving_fargate is not None and totals.best_of_fargate_usd is not None:
        sentences.append(
            f"Fargate: {money(totals.fargate_usd)} for the {workloads_of_unknown_cost(totals.n_fargate)}, as "
            f"declared on demand; at best {money(totals.best_of_fargate_usd)}, which saves "
            f"{money(totals.saving_fargate.mean)}{_doubt(totals.saving_fargate)}"
        )
    unknown = [f"{record.name} ({listed(record.now_missing)})" for record in fleet.records if record.now_missing]
    if unknown:
        more = f" and {len(unknown) - MOST_NAMES:,} more, named in fleet.json" if len(unknown) > MOST_NAMES else ""
        sentences.append(f"today is stated and what it costs is not known: {', '.join(unknown[:MOST_NAMES])}{more}")
    n_screened = sum(record.status is Status.SCREENED for record in fleet.records)
    if n_screened:
        sentences.append(
            f"{n_screened:,} {'workload is' if n_screened == 1 else 'workloads are'} only screened: each service alone, "
            "on the packing model, without replay and draws."
        )
    if fleet.held_again is not None:
        sentences.append(_held_sentence(fleet.held_again, fleet.best_usd))
    if fleet.commitments is not None:
        sentences.append(_commitment_sentence(fleet, fleet.commitments))
    n_terms = sum(bool(record.terms) and record.counts for record in fleet.records)
    if n_terms and fleet.commitments is None:
        sentences.append(
            f"new commitments are in none of these dollars: {n_terms:,} workload{' states' if n_terms == 1 else 's state'} "
            "terms of them; the account buys, under --terms, or where all state the same."
        )
    return sentences


def _held_sentence(again: HeldAgain, best_usd: float | None) -> str:
    told = f"what the account holds is stated by {again.n_workloads:,} workloads, and each of them counts it in full"
    if again.usd is None or best_usd is None:
        return f"{told}: how far that leaves these dollars off is not known ({again.why})"
    than = "more" if again.usd < 0 else "less"  # more where each could use all of it
    once = f"counted once, the cost at best is {money(best_usd)}, {money(abs(again.usd))} {than}"
    return f"{told}: {once}; the other dollars hold it each time"


def _commitment_sentence(fleet: Fleet, account: AccountCommitments) -> str:
    """What the fleet costs at best with what the account buys, how much of it that covers, and how much of it is used."""
    terms = f" under the terms {', '.join(account.terms)}" if account.terms else ""
    bought = account.purchase
    if bought is None or fleet.with_commitments_usd is None:
        return f"with new commitments{terms}: the same, none is known to save"
    covered, used = bought.coverage_fraction, bought.utilization_fraction
    shares = "" if covered is None else f"; {percent(covered)} of what can be covered is"
    shares += "" if used is None else f"; {percent(used)} of what is bought is used"
    best = "with what is held counted once" if fleet.held_again is not None and fleet.held_again.usd is not None else "at best"
    where = "" if len(bought.options) == 1 else f" in {len(bought.options)} Regions"
    return (
        f"with new commitments{terms}: {money(fleet.with_commitments_usd)}, {money(bought.saving_usd)} less than {best}, "
        f"for {bought.usd_per_hour:,.4f} USD/h{where}{shares}; the plans are those that are best without"
    )


def workloads_of_known_cost(n: int) -> str:
    """``1 workload whose cost today is known``."""
    return f"{n:,} workload{'' if n == 1 else 's'} whose cost today is known"


def workloads_of_unknown_cost(n: int) -> str:
    """``2 workloads whose cost today is not known``."""
    return f"{n:,} workload{'' if n == 1 else 's'} whose cost today is not known"


def tail_sentence(tail: Tail) -> str:
    """The services that have no line of their own."""
    known = "" if tail.n_savings == tail.n_services else f" ({tail.n_savings:,} of them; of the others no saving is known)"
    return (
        f"and {tail.n_services:,} services below {money(tail.below_usd)}: together {money(tail.best_usd)} at best, "
        f"saving {money(tail.saving_usd)}{known}"
    )


def step_sentences(fleet: Fleet) -> list[str]:
    """What each kind of change saves, in order, and which workloads of the totals are in none of these sums."""
    sentences = []
    for stairs in fleet.steps:
        n = stairs.n_workloads
        steps = ", ".join(f"{STEP_WORDS[step.kind]} {saved(step.saves_usd)}" for step in stairs.steps)
        sentences.append(
            f"steps of {n:,} workload{'' if n == 1 else 's'}, from {money(stairs.start_usd)} ({STARTS[stairs.against]}) to "
            f"{money(stairs.end_usd)}: {steps}; change nothing but the sizes: {money(stairs.steps[0].monthly_usd)}"
        )
    left = fleet.without_steps
    if left:
        named = ", ".join(f"{each.workload} ({each.why})" for each in left[:MOST_NAMES])
        more = f" and {len(left) - MOST_NAMES:,} more, named in fleet.json" if len(left) > MOST_NAMES else ""
        sentences.append(f"in the totals and in no step: {named}{more}")
    return sentences


def step_rows(stairs: FleetSteps) -> tuple[tuple[str, ...], ...]:
    """Step, what it saves, a month after it, risk, effort."""
    return tuple(
        (STEP_WORDS[step.kind], saved(step.saves_usd), money(step.monthly_usd), step.risk, step.effort) for step in stairs.steps
    )


def steps_csv(fleet: Fleet) -> str:
    """CSV of the staircases, with the columns of :data:`STEP_COLUMNS`; they are sums of the workloads in the totals."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(STEP_COLUMNS)
    for stairs in fleet.steps:
        each = (stairs.against, stairs.n_workloads)
        writer.writerow((*each, "start", "", stairs.start_usd, "", ""))
        writer.writerows(
            (*each, str(step.kind), step.saves_usd, step.monthly_usd, step.risk, step.effort) for step in stairs.steps
        )
    return text.getvalue()


def status_words(status: Status) -> str:
    """``not enough data``."""
    return str(status).replace("_", " ")


def choice_words(ranked: RankedService) -> str:
    """``EC2 c6a.2xlarge``, ``Fargate ARM64``."""
    service = ranked.service
    kind = LaunchType(service.launch_type).called
    spot = " Spot" if service.purchase_option == "spot" else ""
    types = service.instance_types
    where = service.architecture if not types else types[0] if len(types) == 1 else f"{types[0]} and {len(types) - 1} more"
    return f"{kind}{spot} {where}"


def fleet_markdown(fleet: Fleet, *, fold_below_usd: float = DEFAULT_FOLD_BELOW_USD) -> str:
    """The same for a wiki page or an issue."""
    shown, tail = fleet.folded(fold_below_usd)
    lines = ["# Fleet", "", *(f"- {escape(sentence)}" for sentence in total_sentences(fleet)), ""]
    lines += [
        "| service | workload | saving | best | effort | sure | launch choice |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for each in shown:
        cells = [each.service.name, each.workload, *_figures(each), choice_words(each)]
        lines.append(f"| {' | '.join(escape(cell) for cell in cells)} |")
    if tail:
        lines += ["", escape(tail_sentence(tail))]
    if fleet.steps or fleet.without_steps:
        lines += ["", "## What does each step save?", "", *(f"- {escape(sentence)}" for sentence in step_sentences(fleet))]
    for stairs in fleet.steps:
        lines += ["", f"From {STARTS[stairs.against]}:", ""]
        lines += ["| step | saves | then a month | risk | effort |", "| --- | ---: | ---: | --- | --- |"]
        lines += [f"| {' | '.join(escape(cell) for cell in row)} |" for row in step_rows(stairs)]
    if fleet.commitments is not None:
        lines += ["", "## What to commit to?", "", account_markdown(fleet.commitments)]
    if fleet.unanswered:
        lines += ["", "## In no total", ""]
        lines += [f"- {escape(f'{r.name}: {status_words(r.status)}: {r.problem}')}" for r in fleet.unanswered]
    return "\n".join(lines) + "\n"


def fleet_rows(fleet: Fleet) -> list[dict[str, Any]]:
    """One row a service with the columns of :data:`CSV_COLUMNS`; None where there is no figure, and no rank without a score."""
    rows = [_row(number, each) for number, each in enumerate(fleet.services, start=1)]
    for record in fleet.unanswered:
        for name in [each.name for each in record.services] or record.service_names or ("",):
            row = dict.fromkeys(CSV_COLUMNS)
            row |= {"workload": record.name, "cluster": record.cluster, "region": record.region, "service": name}
            rows.append({**row, "status": str(record.status), "verdict": record.verdict, "problem": record.problem})
    return rows


def fleet_csv(fleet: Fleet) -> str:
    """CSV of all services; an empty cell is a figure that there is not. Cells never start a formula in a spreadsheet."""
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in fleet_rows(fleet):
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return text.getvalue()


def fleet_parquet(fleet: Fleet) -> bytes:
    """The rows of the CSV with their types.

    Raises
    ------
    InputError
        pyarrow is not installed.
    """
    try:
        import pyarrow  # type: ignore[import-untyped]  # pyarrow has no types
        from pyarrow import parquet
    except ImportError:
        raise InputError(
            "writing Parquet needs pyarrow, which is not installed",
            fix="Install the extra: pip install 'ecs-launch-advisor[fleet]'.",
        ) from None
    whole = {"rank", "cpu", "memory", "effort"}
    real = {name for name in CSV_COLUMNS if name.endswith("_usd")} | {"probability", "score"}
    kinds = {
        name: pyarrow.int64() if name in whole else pyarrow.float64() if name in real else pyarrow.string()
        for name in CSV_COLUMNS
    }
    table = pyarrow.Table.from_pylist(fleet_rows(fleet), schema=pyarrow.schema(list(kinds.items())))
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(table, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _row(number: int, ranked: RankedService) -> dict[str, Any]:
    service = ranked.service
    return {
        "rank": None if ranked.score is None else number,
        "workload": ranked.workload,
        "cluster": ranked.cluster,
        "region": ranked.region,
        "service": service.name,
        "status": str(ranked.status),
        "verdict": ranked.verdict,
        "launch_type": service.launch_type,
        "purchase_option": service.purchase_option,
        "architecture": service.architecture,
        "cpu": service.cpu,
        "memory": service.memory,
        "instance_types": " ".join(service.instance_types),
        "now_usd": service.now_usd,
        "fargate_usd": service.fargate_usd,
        "best_usd": service.best_usd,
        "low_usd": service.low_usd,
        "high_usd": service.high_usd,
        "saving_usd": service.saving_usd,
        "saving_against": ranked.saving_against,
        "probability": ranked.probability,
        "effort": service.effort,
        "changes": "; ".join(service.changes),
        "score": ranked.score,
        "problem": "",
    }


def _cell(value: object) -> object:
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return "" if value is None else value


def _table(shown: Sequence[RankedService], width: int) -> list[str]:
    cells = [_figures(each) for each in shown]
    widths = [max(map(len, column)) for column in zip(_HEAD, *cells, strict=True)]
    figures = [" ".join(f"{cell:>{w}}" for cell, w in zip(row, widths, strict=True)) for row in (_HEAD, *cells)]
    names = [_name(each) for each in shown]
    choices = [choice_words(each) for each in shown]
    room = max(12, min(max(map(len, ("service", *names))), width - len(figures[0]) - 26))
    lines = [f"  {'service':<{room}} {figures[0]}  launch choice"]
    for name, figure, choice in zip(names, figures[1:], choices, strict=True):
        if len(name) > room:
            lines.append(f"  {name}")
            name = ""
        lines.append(f"  {name:<{room}} {figure}  {choice}")
    return lines


def _name(ranked: RankedService) -> str:
    return ranked.service.name if ranked.service.name == ranked.workload else f"{ranked.service.name} ({ranked.workload})"


def _figures(ranked: RankedService) -> tuple[str, str, str, str]:
    service = ranked.service
    return (
        _money(service.saving_usd),
        _money(service.best_usd),
        str(service.effort),
        "-" if ranked.probability is None else chance(ranked.probability),
    )


def _money(usd: float | None) -> str:
    return "-" if usd is None else money(usd)


def _doubt(usd: Range) -> str:
    """What next month's draws say, where there are any, else the range of the models; nothing where it is a point."""
    if usd.p10 is not None and usd.p90 is not None:
        return f" (next month {money(usd.p10)} (P10) to {money(usd.p90)} (P90), as if all loads moved together)"
    low, high = money(usd.low), money(usd.high)
    return "" if low == high else f" ({low} to {high}, the models' own range)"
