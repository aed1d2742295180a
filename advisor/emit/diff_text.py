"""A diff in a terminal, for a pull request, and as rows."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict

from advisor.emit.diff import CLUSTER, MONEY_ORDER, WITH_NEXT, Diff, FieldDiff

_COLUMNS = ("service", "field", "before", "after", "has_money", "change_usd", "why_not")
_NONE = "none"


def diff_table(diff: Diff) -> str:
    """What a terminal shows."""
    if not diff.rows:
        return "\n".join([_nothing(diff), *_remarks(diff)]) + "\n"
    head = ("service", "field", "before", "after", "$ a month")
    cells = [head, *(_cells(row) for row in diff.rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(4)]
    lines = ["  ".join([*(c.ljust(w) for c, w in zip(line, widths, strict=False)), line[4]]).rstrip() for line in cells]
    return "\n".join([*lines, "", *_total(diff), *_remarks(diff)]) + "\n"


def _nothing(diff: Diff) -> str:
    if diff.is_compared:
        return "Nothing differs."
    return "Nothing was compared: nothing of what was given is of a service of the plan. Say whose it is with --service."


def diff_markdown(diff: Diff) -> str:
    """A table for a pull request."""
    lines = ["| service | field | before | after | $ a month |", "|---|---|---|---|---:|"]
    lines += ["| " + " | ".join(_escaped(cell) for cell in _cells(row)) + " |" for row in diff.rows]
    body = lines if diff.rows else [_nothing(diff)]
    return "\n".join([*body, "", *(f"{_escaped(line)}\n" for line in (*_total(diff), *_remarks(diff)))]).rstrip() + "\n"


def diff_csv(diff: Diff) -> str:
    """One row a field; an empty cell is a figure or a value that there is not."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in diff.rows:
        values = (getattr(row, name) for name in _COLUMNS)
        writer.writerow(["" if value is None else _safe(value) for value in values])
    return text.getvalue()


def diff_json(diff: Diff) -> str:
    """Plain data, with the order in which the rows are priced."""
    data = {"schema": "advisor/diff/1", "money_order": MONEY_ORDER, **asdict(diff)}
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _cells(row: FieldDiff) -> tuple[str, str, str, str, str]:
    return row.service, row.field, row.before or _NONE, row.after or _NONE, _money(row)


def _money(row: FieldDiff) -> str:
    if not row.has_money:
        return _NONE
    if row.change_usd is not None:
        return f"{row.change_usd:+,.2f}"
    return row.why_not or "not priced"


BY_PACKING = (
    "Both sides are billed by the packing model; `advisor recommend` replays the plan that it recommends and its rival, so its "
    "total may be another one."
)


def _total(diff: Diff) -> list[str]:
    priced = [row for row in diff.rows if row.has_money]
    if not priced:
        return ["No field that differs has a price."]
    if diff.total_usd is None:
        return ["No total: a change above has no price."]
    sides = ""
    if diff.before_usd is not None and diff.after_usd is not None:
        sides = f": ${diff.before_usd:,.2f} before, ${diff.after_usd:,.2f} after"
    order = ", ".join(field for field in MONEY_ORDER if any(row.field == field for row in priced))
    return [
        f"In all {diff.total_usd:+,.2f} $ a month{sides}.",
        f"Priced one on top of the other, {'the cluster, then ' if priced[0].service == CLUSTER else ''}service by service:"
        f" {order}. {'A row ' + WITH_NEXT + ' has no price of its own.' if _has_joint(priced) else ''}".rstrip(),
        BY_PACKING,
    ]


def _has_joint(rows: Sequence[FieldDiff]) -> bool:
    return any(row.why_not == WITH_NEXT for row in rows)


def _remarks(diff: Diff) -> list[str]:
    return [*(f"Not compared, because not given: {what}." for what in diff.not_compared), *diff.notes]


def _escaped(text: str) -> str:
    for sign, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("@", "&#64;"), ("\n", " ")):
        text = text.replace(sign, safe)
    for sign in "\\`*_[]|~":
        text = text.replace(sign, f"\\{sign}")
    return text


def _safe(value: object) -> object:
    """Cells never start a formula in a spreadsheet."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
