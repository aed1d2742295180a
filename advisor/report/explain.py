"""``advisor explain``: the reasons, the alternatives that lost, and the sum that a reader can follow with a calculator."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from advisor.billing import LineItem, MonthlyUsd
from advisor.pricing import Source
from advisor.recommend.result import Recommendation
from advisor.report.explanation import explain, money_sentences
from advisor.report.hand_sum import HandSum, SumLine, source_key, usd
from advisor.report.markdown import escape
from advisor.report.words import (
    money_range,
    wrapped,
)

WIDTH = 80
CSV_COLUMNS = ("part", "meter", "quantity", "unit", "rate_usd", "amount_usd", "source", "as_of", "is_derived", "note")
MONEY_TITLE = "Where the money for instances goes"


def explain_text(
    recommendation: Recommendation,
    service: str | None = None,
    *,
    sources: Mapping[str, Source] | None = None,
    width: int = WIDTH,
) -> str:
    """The explanation for a terminal: reasons, what binds, what lost, and the sum by hand."""
    told = explain(recommendation, service, sources=sources)
    lines = wrapped(f"{told.subject}: {told.title}  {told.money}", width)
    lines += [*wrapped(told.verdict, width), *_block("Why", told.reasons, width)]
    lines += [*_block("How sure", told.sure, width), *_block("What binds", told.binds, width)]
    lines += _block(MONEY_TITLE, money_sentences(told), width) if told.instance_money else []
    lines += ["", told.rejected_title]
    for rejected in told.rejected:
        lines += wrapped(f"{rejected.title}  {money_range(rejected.monthly_usd)}", width, "  ", "    ")
        lines += wrapped(rejected.told, width, "    ", "    ")
    if told.sum is not None:
        lines += ["", *wrapped(told.sum_title, width), *_sum_lines(told.sum, width)]
        lines += ["", "Sources of the rates", *_source_lines(told.sum, told.sources, width)]
    lines += _block("Remarks", told.remarks, width)
    return "\n".join(map(printable, lines)) + "\n"


def explain_markdown(
    recommendation: Recommendation, service: str | None = None, *, sources: Mapping[str, Source] | None = None
) -> str:
    """The explanation for a pull request or a wiki page.

    Examples
    --------
    >>> import advisor
    >>> recommendation = advisor.read_recommendation("reports/shop")
    >>> advisor.explain_markdown(recommendation, "worker").splitlines()[0]
    '# worker in shop, us-east-1: EC2 c6a.2xlarge, 256 CPU units and 512 MiB a task'
    """
    told = explain(recommendation, service, sources=sources)
    lines = [f"# {escape(told.subject)}: {escape(told.title)}", "", f"**{escape(told.money)}**. {escape(told.verdict)}", ""]
    for title, sentences in (("Why", told.reasons), ("How sure", told.sure), ("What binds", told.binds)):
        if sentences:
            lines += [f"## {title}", "", *(f"- {escape(sentence)}" for sentence in sentences), ""]
    if told.instance_money:
        lines += [f"## {MONEY_TITLE}", "", *(f"- {escape(sentence)}" for sentence in money_sentences(told)), ""]
    lines += [f"## {escape(told.rejected_title)}", "", "| alternative | a month | why not |", "| --- | ---: | --- |"]
    for each in told.rejected:
        lines.append(f"| {escape(each.title)} | {escape(money_range(each.monthly_usd))} | {escape(each.told)} |")
    if told.sum is not None:
        lines += ["", f"## {escape(told.sum_title)}", "", "| part | sum | amount | source |", "| --- | --- | ---: | --- |"]
        for line in told.sum.lines:
            source = ", ".join(dict.fromkeys(f"{item.source}, {item.as_of}" for item in line.items))
            cells = (escape(line.part), escape(line.calculation), escape(usd(line.amount_usd)), escape(source))
            lines.append(f"| {' | '.join(cells)} |")
        if told.sum.rounding_usd:
            lines.append(f"| rounding | | {escape(usd(told.sum.rounding_usd))} | |")
        lines.append(f"| **total** | | **{escape(usd(told.sum.total_usd))}** | |")
    lines += ["", "## Remarks", "", *(f"- {escape(remark)}" for remark in told.remarks)]
    return "\n".join(map(printable, lines)) + "\n"


def explain_data(
    recommendation: Recommendation, service: str | None = None, *, sources: Mapping[str, Source] | None = None
) -> dict[str, Any]:
    """The explanation as plain data, for JSON."""
    told = explain(recommendation, service, sources=sources)
    lines = told.sum.lines if told.sum else ()
    return {
        "scope": told.scope,
        "title": told.title,
        "verdict": recommendation.recommendation.verdict.value,
        "monthly_usd": _monthly(told.monthly_usd),
        "reasons": list(told.reasons),
        "sure": list(told.sure),
        "binds": list(told.binds),
        "instance_money": [
            {"part": m.part, "dimension": m.dimension, "monthly_usd": m.monthly_usd, "usd": dict(m.usd)}
            for m in told.instance_money
        ],
        "rejected": [
            {
                "id": r.id,
                "title": r.title,
                "monthly_usd": _monthly(r.monthly_usd),
                "probability_cheapest": r.probability_cheapest,
                "expected_regret_usd": r.expected_regret_usd,
                "why": r.why,
            }
            for r in told.rejected
        ],
        "sum": [_line_data(line) for line in lines],
        "rounding_usd": float(told.sum.rounding_usd) if told.sum else None,
        "total_usd": told.sum.total_usd if told.sum else None,
        "sources": {name: {"where": s.where, "date": s.date} for name, s in told.sources.items()},
        "remarks": list(told.remarks),
    }


def explain_csv(recommendation: Recommendation, service: str | None = None) -> str:
    """CSV of the line items in the sum. Cells never start a formula in a spreadsheet."""
    told = explain(recommendation, service)
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for line in told.sum.lines if told.sum else ():
        for item in line.items:
            row = {"part": line.part, **_item_data(item)}
            writer.writerow({name: _cell(value) if isinstance(value, str) else value for name, value in row.items()})
    return text.getvalue()


def printable(text: str) -> str:
    """Text of an input without what steers a terminal or hides letters: every such character becomes U+FFFD."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


# The cluster and one service


# What binds


# Text and data


def _block(title: str, sentences: Iterable[str], width: int) -> list[str]:
    lines = [line for sentence in sentences for line in wrapped(sentence, width, "  ", "    ")]
    return ["", title, *lines] if lines else []


def _sum_lines(hand_sum: HandSum, width: int) -> Iterator[str]:
    """Calculations by part, amounts on the right, then the total."""
    marks = {key: f"[{n}]" for n, key in enumerate(hand_sum.sources, 1)}
    part = None
    for line in hand_sum.lines:
        if line.part != part:
            part = line.part
            yield from wrapped(part, width, "  ", "    ")
        mark = "".join(dict.fromkeys(marks[source_key(item)] for item in line.items))
        yield from _with_amount(f"    {line.calculation} =", usd(line.amount_usd), mark, width)
    if hand_sum.rounding_usd:
        yield from _with_amount("  rounding of the lines to cents", usd(hand_sum.rounding_usd), "", width)
    yield from _with_amount("  total", usd(hand_sum.total_usd), "", width)


def _with_amount(text: str, amount: str, mark: str, width: int) -> Iterator[str]:
    end = f"{amount} {mark:<4}"
    if len(text) + 1 + len(end.rstrip()) > width:
        yield text
        text = ""
    yield f"{text}{end:>{width - len(text)}}".rstrip()


def _source_lines(hand_sum: HandSum, sources: Mapping[str, Source], width: int) -> Iterator[str]:
    for number, (name, as_of, note) in enumerate(hand_sum.sources, 1):
        told = f"[{number}] {name}, {as_of}"
        if name in sources:
            told += f": {sources[name].where}"
        yield from wrapped(f"{told}; {note}" if note else told, width, "  ", "      ")


def _line_data(line: SumLine) -> dict[str, Any]:
    items = [_item_data(item) for item in line.items]
    return {"part": line.part, "calculation": line.calculation, "amount_usd": line.amount_usd, "items": items}


def _item_data(item: LineItem) -> dict[str, Any]:
    return {
        "meter": item.meter,
        "quantity": item.quantity,
        "unit": item.unit,
        "rate_usd": item.rate_usd,
        "amount_usd": item.amount_usd,
        "source": item.source,
        "as_of": item.as_of,
        "is_derived": item.is_derived,
        "note": item.note,
    }


def _cell(text: str) -> str:
    shown = printable(text)
    return f"'{shown}" if shown[:1] in ("=", "+", "-", "@") else shown


def _monthly(monthly: MonthlyUsd | None) -> dict[str, float | None] | None:
    if monthly is None:
        return None
    return {name: getattr(monthly, name) for name in ("mean", "low", "high", "p10", "p50", "p90")}
