"""Load from JSON: what a file holds is told by its keys, and handed to the reader of that form."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NoReturn

from advisor.sources.load_cloudwatch import parse_metric_data, parse_metric_statistics
from advisor.sources.load_content import Content
from advisor.sources.load_csv import parse_load_csv
from advisor.sources.load_insights import event_texts, parse_performance_events
from advisor.sources.load_options import LoadOptions
from advisor.sources.load_prometheus import parse_range_query
from advisor.sources.places import Place, listed

_EXPORT_FIX: Final = "Save the output of `aws cloudwatch get-metric-data --output json` as it is."
_KINDS: Final = "CloudWatch get-metric-data or get-metric-statistics, a Prometheus range query, or performance events a line"


def parse_load_json(text: str, file: str, options: LoadOptions, notes: list[str], names: set[str] | None = None) -> Content:
    """Load from JSON of CloudWatch, Prometheus or Container Insights, metrics of unknown meaning included; or a table of rows.

    Raises
    ------
    InputError
        When the text is no such answer, or a value is no load.
    """
    if not text.strip():
        raise Place(file).error("the file is empty", fix=_EXPORT_FIX)
    if is_lines(text):
        if '"MetricDataResults"' in text[:65_536]:
            pages = [_parsed(line, file) for line in text.split("\n") if line.strip()]
            return [
                metric for page in pages if isinstance(page, dict) for metric in parse_metric_data(page, file, options, notes)
            ]
        if '"Type"' not in text[:65_536]:
            lines = [_parsed(line, file) for line in text.split("\n") if line.strip()]
            if _are_rows(lines):
                return _table(lines, file, options, notes, names)
        return parse_performance_events(list(enumerate(text.split("\n"), 1)), file, options, notes)
    answer = _parsed(text, file)
    if isinstance(answer, list) and answer and all(isinstance(item, dict) and "Type" in item for item in answer):
        return parse_performance_events(list(enumerate(answer, 1)), file, options, notes)
    if isinstance(answer, list) and _are_rows(answer):
        return _table(answer, file, options, notes, names)
    if not isinstance(answer, dict):
        raise Place(file).error("not a JSON object", fix=_EXPORT_FIX)
    answer = _unwrapped(answer)
    if "MetricDataResults" in answer:
        return parse_metric_data(answer, file, options, notes)
    if "Datapoints" in answer:
        return parse_metric_statistics(answer, file, options, notes)
    if (isinstance(answer.get("data"), dict) and "resultType" in answer["data"]) or answer.get("status") == "error":
        return parse_range_query(answer, file, options, notes)
    events = event_texts(answer)
    if events is not None:
        return parse_performance_events(list(enumerate(events, 1)), file, options, notes)
    raise Place(file).error(
        f"neither MetricDataResults nor Datapoints among its keys ({listed(answer) or 'none'})",
        fix=f"{_EXPORT_FIX} Known are {_KINDS}.",
    )


def _are_rows(items: Sequence[object]) -> bool:
    """Whether JSON is a table: a list of objects that hold plain values."""
    return bool(items) and all(
        isinstance(item, dict) and item and not any(isinstance(value, (dict, list)) for value in item.values())
        for item in items
    )


def _table(rows: Sequence[Any], file: str, options: LoadOptions, notes: list[str], names: set[str] | None) -> Content:
    """Rows as the table that they are; a line in a message is the number of the row and one for the header."""
    header = list(dict.fromkeys(str(key) for row in rows for key in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(row.get(key)) for key in header] for row in rows)
    notes.append(f"{file}: a JSON table of {len(rows):,} rows; lines in messages count the rows, after one for the header.")
    return parse_load_csv([text.getvalue().encode("utf-8", "replace")], file, replace(options, delimiter=","), notes, names)


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def is_lines(text: str) -> bool:
    """Whether a text holds several JSON objects, one a line, which may begin with a time as CloudWatch Logs writes it."""
    lines = [line.strip() for line in text[:65_536].split("\n", 3)[:3] if line.strip()]
    first = lines[0] if lines else ""
    brace = first.find("{")
    if brace < 0 or brace > 40 or not first.endswith("}"):
        return False
    return (brace > 0 and first[:4].isdigit()) or (len(lines) > 1 and lines[1].lstrip()[:1] == "{") or '"Type"' in first


def _unwrapped(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """An answer without the wrapper of a recording: ``{"status_code": 200, "data": {...}}``."""
    inner = answer.get("data")
    return inner if "status_code" in answer and isinstance(inner, dict) else answer


def _parsed(text: str, file: str) -> object:
    def refused(constant: str) -> NoReturn:
        raise Place(file).error(f"{constant} is not a value that CloudWatch gives", fix=_EXPORT_FIX)

    try:
        return json.loads(text, parse_constant=refused)
    except json.JSONDecodeError as error:
        raise Place(file, error.lineno, error.colno).error(f"not valid JSON ({error.msg})", fix=_EXPORT_FIX) from None
    except (RecursionError, ValueError) as error:
        raise Place(file).error(f"not readable JSON ({type(error).__name__})", fix=_EXPORT_FIX) from None
