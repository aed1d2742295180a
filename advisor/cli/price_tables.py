"""How ``advisor prices`` prints rates, changes and breaches."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from advisor.cli.options import Format

if TYPE_CHECKING:
    from datetime import date

    from advisor.pricing import PriceCatalog, Rate, RateChange, Violation
    from advisor.recommend import Alternative
    from advisor.recommend.rebilled import RebilledLine

COLUMNS = ("meter", "region", "usd", "unit", "source", "as_of", "age_days", "derived", "error_fraction", "note")
_Row = Mapping[str, object]


def rate_row(name: str, rate: "Rate", region: str, day: "date") -> dict[str, object]:
    from advisor.pricing.rates import first_day

    dated = first_day(rate.as_of)
    age_days = None if dated is None else (day - dated).days
    dates = rate.source_id, rate.as_of, age_days
    values = (name, region, rate.usd, rate.unit, *dates, rate.is_derived, rate.error_fraction, rate.note)
    return dict(zip(COLUMNS, values, strict=True))


def rendered_rates(rows: Sequence[_Row], output: Format, catalog: "PriceCatalog", regions: Sequence[str]) -> str:
    if output is Format.JSON:
        used = sorted({str(row["source"]) for row in rows})
        sources = {name: {"where": catalog.source(name).where, "date": catalog.source(name).date} for name in used}
        origins = {name: origin for name in regions if (origin := catalog.origin(name)) is not None}
        catalogs = {name: {"name": origin.name, "sha256": origin.sha256} for name, origin in origins.items()}
        return json.dumps({"rates": rows, "sources": sources, "catalog": catalogs}, indent=1) + "\n"
    if output is Format.CSV:
        return _csv(COLUMNS, rows)
    cells = [
        (row["meter"], row["region"], _usd(row["usd"]), row["unit"], row["as_of"], _age(row), f"{row['source']}{_derived(row)}")
        for row in rows
    ]
    text = _table(("meter", "region", "USD", "unit", "as of", "days old", "source"), cells, output, numbers=(2, 5))
    if output is Format.MARKDOWN:
        return text
    for region in regions:
        n, origin = sum(row["region"] == region for row in rows), catalog.origin(region)
        named = f"; catalog {origin.name}, {origin.sha256[:12]}" if origin else ""
        text += f"{n} rates of {region}, which holds {catalog.dates(region)}{named}\n"
    return text


def _age(row: _Row) -> str:
    return "unknown" if row["age_days"] is None else str(row["age_days"])


def _derived(row: _Row) -> str:
    if not row["derived"]:
        return ""
    error = row["error_fraction"]
    return f" (derived, within {error:.1%})" if isinstance(error, float) else " (derived)"


def rendered_violations(found: Sequence["Violation"], output: Format) -> str:
    names = ("rule", "region", "meter", "place", "problem")
    rows = [dict(zip(names, (v.rule, v.region, v.meter, v.place, v.problem), strict=True)) for v in found]
    if output is Format.JSON:
        return json.dumps({"violations": rows}, indent=1) + "\n"
    if output is Format.CSV:
        return _csv(names, rows)
    if output is Format.MARKDOWN:
        return _table(("rule", "where", "what"), [(v.rule, v.place, v.problem) for v in found], output)
    return "".join(f"{violation}\n" for violation in found)


def rendered_changes(changes: Sequence["RateChange"], output: Format) -> str:
    rows = [
        {
            "region": change.region,
            "meter": change.meter,
            "change": change.word,
            "before_usd": change.before.usd if change.before else None,
            "before_as_of": change.before.as_of if change.before else None,
            "after_usd": change.after.usd if change.after else None,
            "after_as_of": change.after.as_of if change.after else None,
            "fraction": change.fraction,
        }
        for change in changes
    ]
    if output is Format.JSON:
        return json.dumps({"changes": rows}, indent=1) + "\n"
    if output is Format.CSV:
        names = ("region", "meter", "change", "before_usd", "before_as_of", "after_usd", "after_as_of", "fraction")
        return _csv(names, rows)
    cells = [
        (row["region"], row["meter"], _usd(row["before_usd"]), _usd(row["after_usd"]), _percent(row["fraction"]), row["change"])
        for row in rows
    ]
    text = _table(("region", "meter", "before", "after", "change", ""), cells, output, numbers=(2, 3, 4)) if cells else ""
    counts = {word: sum(change.word == word for change in changes) for word in ("rose", "fell", "new", "gone")}
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "no rate differs"
    return f"{text}\n{told}\n" if output is Format.MARKDOWN and text else f"{text}{told}\n"


def rendered_bill(
    before: "Alternative", now: "Alternative", lines: Sequence["RebilledLine"], output: Format, changes: Sequence["RateChange"]
) -> str:
    """The bill of the plan that was recommended, before and now, and what is recommended now."""
    unpriced = list(dict.fromkeys(line.meter for line in lines if line.after_usd is None))
    before_usd = math.fsum(line.before_usd for line in lines)
    after_usd = None if unpriced else math.fsum(line.after_usd or 0.0 for line in lines)
    names = ("part", "meter", "quantity", "unit", "before_usd", "after_usd")
    rows = [{name: getattr(line, name) for name in names} for line in lines]
    if output is Format.CSV:
        return _csv(names, rows)
    now_usd = now.monthly_usd.mean if now.monthly_usd else None
    if output is Format.JSON:
        recommended = {"alternative": now.id, "title": now.title, "monthly_usd": now_usd}
        totals = {"before_usd": before_usd, "after_usd": after_usd, "missing": unpriced}
        data = {"alternative": before.id, "title": before.title, **totals, "line_items": rows, "now": recommended}
        return json.dumps({**data, "n_rates_that_differ": len(changes)}, indent=1) + "\n"
    cells = [
        (line.part, line.meter, _money(line.before_usd), _money(line.after_usd), _money(line.difference_usd)) for line in lines
    ]
    difference = None if after_usd is None else after_usd - before_usd
    cells.append(("in all", "", _money(before_usd), _money(after_usd), _money(difference)))
    said = [f"{before.title}, recommended at the rates before, in a month ({len(changes)} rates differ):"]
    if now.title != before.title:
        said.append(f"At the rates now, {now.title} is recommended, for {_money(now_usd)} USD.")
    if unpriced:
        said.append(f"Without a rate now: {', '.join(unpriced)}.")
    table = _table(("part", "meter", "before", "now", "difference, USD"), cells, output, numbers=(2, 3, 4))
    return "\n".join(said) + "\n\n" + table


def _table(header: Sequence[str], rows: Iterable[Sequence[object]], output: Format, numbers: Sequence[int] = ()) -> str:
    """A table for a terminal, or as Markdown."""
    cells = [tuple(map(str, row)) for row in rows]
    if output is Format.MARKDOWN:
        dashes = ["---:" if at in numbers else "---" for at in range(len(header))]
        return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in (header, dashes, *cells))
    wide = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    lines = []
    for row in (header, *cells):
        padded = [
            cell.rjust(width) if at in numbers else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, wide, strict=True))
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines) + "\n"


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _usd(value: object) -> str:
    return f"{value:.8f}".rstrip("0").rstrip(".") if isinstance(value, float) else "none"


def _percent(value: object) -> str:
    return f"{value:+.2%}" if isinstance(value, float) else ""


def _money(value: float | None) -> str:
    return "none" if value is None else f"{value:,.2f}"
