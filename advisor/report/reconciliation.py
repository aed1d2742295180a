"""Modelled against billed cost as text, CSV, Markdown and JSON."""

import csv
import io
import json

from advisor.reconciling import MeterCheck, Reconciliation, reasons

COLUMNS = (
    "meter", "unit", "modelled_quantity", "billed_quantity", "modelled_usd", "billed_usd", "difference_usd", "by_quantity_usd",
    "by_rate_usd",
)  # fmt: skip
MOST_UNMODELLED = 10


def reconciliation_json(found: Reconciliation) -> str:
    """Everything, as data."""
    return json.dumps({**found.to_dict(), "reasons": reasons(found)}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def reconciliation_csv(found: Reconciliation) -> str:
    """A row for each meter, then for each line that the model lacks; an empty cell is a figure that there is not."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(check) for check in found.meters)
    writer.writerows(
        (f"not modelled: {each.usage_type}", "", "", "", "", f"{each.billed_usd:.2f}", "", "", "") for each in found.unmodelled
    )
    return text.getvalue()


def reconciliation_table(found: Reconciliation) -> str:
    """Meters side by side, what is missing on one of them, and where the model is off."""
    lines = [_headline(found), ""]
    lines += [f"  {'meter':<46}{'modelled':>12}{'billed':>12}{'model - bill':>14}"]
    for check in found.meters:
        modelled = "no price" if check.modelled_usd is None else f"${check.modelled_usd:,.2f}"
        difference = "-" if check.difference_usd is None else f"{check.difference_usd:+,.2f}"
        lines.append(f"  {check.meter[:45]:<46}{modelled:>12}{f'${check.billed_usd:,.2f}':>12}{difference:>14}")
    total = found.modelled_usd - found.billed_usd
    lines.append(f"  {'total':<46}{f'${found.modelled_usd:,.2f}':>12}{f'${found.billed_usd:,.2f}':>12}{f'{total:+,.2f}':>14}")
    return "\n".join([*lines, "", *_sentences(found)]) + "\n"


def reconciliation_markdown(found: Reconciliation) -> str:
    """The same as a Markdown table."""
    rows = []
    for check in found.meters:
        modelled = "no price" if check.modelled_usd is None else f"${check.modelled_usd:,.2f}"
        difference = "-" if check.difference_usd is None else f"{check.difference_usd:+,.2f}"
        rows.append(f"| {check.meter} | {modelled} | ${check.billed_usd:,.2f} | {difference} |")
    head = f"**{_headline(found)}**\n\n| meter | modelled | billed | model - bill |\n| --- | ---: | ---: | ---: |"
    return "\n".join([head, *rows, "", *(f"- {sentence}" for sentence in _sentences(found))]) + "\n"


def _headline(found: Reconciliation) -> str:
    days = f"{found.start[:10]} to {found.end[:10]} ({found.hours:,.0f} calendar hours)"
    if not found.billed_usd:
        return f"{days}: nothing that the model has was billed; it says ${found.modelled_usd:,.2f}"
    error = found.modelled_usd / found.billed_usd - 1
    size = f"{abs(error):.1%}".replace("%", " %")
    word = "as much as was billed" if abs(error) < 0.0005 else f"{size} {'more' if error > 0 else 'less'} than was billed"
    return f"{days}: the model says {word}, ${found.modelled_usd:,.2f} against ${found.billed_usd:,.2f}"


def _sentences(found: Reconciliation) -> list[str]:
    sentences = [f"off: {sentence}" for sentence in reasons(found)]
    if found.unmodelled:
        shown = [f"{each.usage_type} ${each.billed_usd:,.2f}" for each in found.unmodelled[:MOST_UNMODELLED]]
        more = len(found.unmodelled) - len(shown)
        rest = f" and {more} more" if more else ""
        sentences.append(f"billed, and not modelled: {', '.join(shown)}{rest}")
    if found.apart:
        sentences.append("apart: " + ", ".join(f"{kind} ${usd:,.2f}" for kind, usd in found.apart.items()))
    return [*sentences, *(f"note: {note}" for note in found.notes)]


def _row(check: MeterCheck) -> tuple[str, ...]:
    quantities = (check.modelled_quantity, check.billed_quantity)
    money = (check.modelled_usd, check.billed_usd, check.difference_usd, check.by_quantity_usd, check.by_rate_usd)
    return (
        check.meter,
        check.unit,
        *("" if value is None else f"{value:.6g}" for value in quantities),
        *("" if value is None else f"{value:.2f}" for value in money),
    )
