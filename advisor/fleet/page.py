"""The fleet as one HTML page: nothing is fetched, and the only script sorts and searches its tables."""

from typing import Any

from advisor.fleet.records import Range
from advisor.fleet.result import DEFAULT_FOLD_BELOW_USD, Fleet
from advisor.fleet.tables import (
    STARTS,
    choice_words,
    status_words,
    step_rows,
    step_sentences,
    tail_sentence,
    total_sentences,
    workloads_of_known_cost,
    workloads_of_unknown_cost,
)
from advisor.report.commitments import HEAD, LEGEND, account_sentences, option_row, options_to_buy
from advisor.report.html.template import policy, tables_script, templates
from advisor.report.words import chance, money
from advisor.sources.places import listed


def render_page(fleet: Fleet, *, fold_below_usd: float = DEFAULT_FOLD_BELOW_USD) -> str:
    """Totals first, then all services in the order of what to do, then what is in no total."""
    shown, tail = fleet.folded(fold_below_usd)
    n_shown = len(shown)
    in_sight = {(each.workload, each.service.name) for each in shown}
    lines = [*shown, *(each for each in fleet.services if (each.workload, each.service.name) not in in_sight)]
    script = tables_script()
    return (
        templates("advisor.fleet", "advisor.report")
        .get_template("fleet.html.j2")
        .render(
            policy=policy(script),
            script=script,
            sentences=total_sentences(fleet),
            figures=_figures(fleet),
            rows=[
                {
                    "service": each.service.name,
                    "workload": each.workload,
                    "region": each.region,
                    "choice": choice_words(each),
                    "size": f"{each.service.cpu}/{each.service.memory}",
                    "before": _money(each.service.before_usd),
                    "best": _money(each.service.best_usd),
                    "saving": _money(each.service.saving_usd),
                    "against": each.saving_against,
                    "before_usd": each.service.before_usd,
                    "best_usd": each.service.best_usd,
                    "saving_usd": each.service.saving_usd,
                    "probability": each.probability,
                    "sure": "-" if each.probability is None else chance(each.probability),
                    "effort": str(each.service.effort),
                    "changes": "; ".join(each.service.changes) or "stays",
                    "verdict": status_words(each.status) if not each.verdict else each.verdict.replace("_", " "),
                    "is_folded": at >= n_shown,
                }
                for at, each in enumerate(lines)
            ],
            step_sentences=step_sentences(fleet),
            stairs=[{"start": STARTS[each.against], "rows": step_rows(each)} for each in fleet.steps],
            commitments=_commitments(fleet),
            tail=tail_sentence(tail) if tail else "",
            unanswered=[
                {"name": r.name, "status": status_words(r.status), "problem": r.problem, "services": ", ".join(r.service_names)}
                for r in fleet.unanswered
            ],
            remarks=_remarks(fleet),
            notes=fleet.notes,
            version=fleet.version,
        )
    )


def _commitments(fleet: Fleet) -> dict[str, Any] | None:
    """Sentences, a table for each Region in which something can be bought, and notes, each once with its Regions."""
    if fleet.commitments is None:
        return None
    tables: dict[str, list[tuple[str, ...]]] = {}
    regions: dict[str, list[str]] = {}
    for advice in fleet.commitments.advices:
        rows = [option_row(each, load) for load in advice.loads for each in options_to_buy(advice, load.load)]
        if rows:
            tables[advice.region] = rows
        for note in advice.notes:
            regions.setdefault(note, []).append(advice.region)
    return {
        "sentences": account_sentences(fleet.commitments),
        "head": HEAD,
        "tables": tables,
        "legend": LEGEND.removeprefix("* ").replace("\n", " "),
        "notes": [f"{', '.join(each)}: {note}" for note, each in regions.items()],
    }


def _remarks(fleet: Fleet) -> list[tuple[str, str]]:
    """Workloads and what is said of them, warnings first; what is said of many stands once."""
    names: dict[str, list[str]] = {}
    for texts in ("warnings", "notes"):
        for record in fleet.records:
            for text in getattr(record, texts):
                names.setdefault(text, []).append(record.name)
    return [(listed(each), text) for text, each in names.items()]


def _figures(fleet: Fleet) -> list[tuple[str, str, str]]:
    """Name, value and words of the figures on top: the measured load in a month, and what next month's draws say."""
    totals = fleet.totals
    figures = [("at best", _mean(totals.best), _words(totals.best, f"{totals.n_counted:,} workloads"))]
    if fleet.held_again is not None and fleet.held_again.usd is not None:
        figures.append(("what is held counted once", _money(fleet.best_usd), "at best"))
    if fleet.commitments is not None and fleet.commitments.purchase is not None:
        bought = f"{fleet.commitments.purchase.usd_per_hour:,.4f} USD/h for the account"
        figures.append(("with new commitments", _money(fleet.with_commitments_usd), bought))
    if totals.now_usd is not None:
        of_now = workloads_of_known_cost(totals.n_now)
        figures += [
            ("now", money(totals.now_usd), of_now),
            ("the same at best", _money(totals.best_of_now_usd), of_now),
            ("saving against now", _mean(totals.saving_now), _words(totals.saving_now)),
        ]
    if totals.fargate_usd is not None:
        of_fargate = workloads_of_unknown_cost(totals.n_fargate)
        figures += [
            ("all on Fargate", money(totals.fargate_usd), of_fargate),
            ("the same at best", _money(totals.best_of_fargate_usd), of_fargate),
            ("saving against Fargate", _mean(totals.saving_fargate), _words(totals.saving_fargate)),
        ]
    return figures


def _mean(usd: Range | None) -> str:
    return "not known" if usd is None else money(usd.mean)


def _words(usd: Range | None, *more: str) -> str:
    """``next month $640 (P10) to $670 (P90)``: of draws where there are any, which need not hold the measured month."""
    if usd is None:
        return "; ".join(more)
    is_drawn = usd.p10 is not None and usd.p90 is not None
    drawn = f"next month {_money(usd.p10)} (P10) to {_money(usd.p90)} (P90)"
    return "; ".join((*more, drawn if is_drawn else f"{money(usd.low)} to {money(usd.high)}"))


def _money(usd: float | None) -> str:
    return "-" if usd is None else money(usd)
