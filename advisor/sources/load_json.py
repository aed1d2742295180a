"""Load from JSON: what a file holds is told by its keys, and handed to the reader of that form."""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NoReturn

from advisor.sources.load_cloudwatch import parse_metric_data, parse_metric_statistics
from advisor.sources.load_content import Content, Metric
from advisor.sources.load_csv import parse_load_csv
from advisor.sources.load_insights import event_texts, parse_performance_events
from advisor.sources.load_options import LoadOptions
from advisor.sources.load_prometheus import parse_range_query
from advisor.sources.places import Place, listed

_NOT_BLANK: Final = re.compile(r"\S")
_MESSAGE: Final = "@message"
"""The field of CloudWatch Logs Insights that holds an event."""
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
        if '"Type"' not in text[:65_536] or f'"{_MESSAGE}"' in text[:65_536]:
            lines = [one for line in text.split("\n") if line.strip() for one in _documents(line, file)]
            if all(isinstance(line, dict) and _is_answer(line) for line in lines):
                return _of_pages(lines, file, options, notes)
            if all(isinstance(line, dict) and _MESSAGE in line for line in lines):
                messages = [(at, line[_MESSAGE]) for at, line in enumerate(lines, 1) if isinstance(line, dict)]
                return parse_performance_events(messages, file, options, notes)
            if _are_rows(lines):
                return _table(lines, file, options, notes, names)
        return parse_performance_events(list(enumerate(text.split("\n"), 1)), file, options, notes)
    documents = _documents(text, file)
    answer = documents[0] if len(documents) == 1 else documents
    if isinstance(answer, list) and answer and all(isinstance(item, dict) and _MESSAGE in item for item in answer):
        return parse_performance_events([(line, item[_MESSAGE]) for line, item in enumerate(answer, 1)], file, options, notes)
    if isinstance(answer, list) and len(answer) > 1 and all(isinstance(item, dict) and _is_answer(item) for item in answer):
        return _of_pages(answer, file, options, notes)
    if isinstance(answer, list) and answer and all(isinstance(item, dict) and "Type" in item for item in answer):
        return parse_performance_events(list(enumerate(answer, 1)), file, options, notes)
    if isinstance(answer, list) and _are_rows(answer):
        return _table(answer, file, options, notes, names)
    if not isinstance(answer, dict):
        raise Place(file).error("not a JSON object", fix=_EXPORT_FIX)
    answer = _unwrapped(answer)
    if _is_answer(answer):
        return _of_answer(answer, file, options, notes)
    events = event_texts(answer)
    if events is not None:
        return parse_performance_events(list(enumerate(events, 1)), file, options, notes)
    raise Place(file).error(
        f"neither MetricDataResults nor Datapoints among its keys ({listed(answer) or 'none'})",
        fix=f"{_EXPORT_FIX} Known are {_KINDS}.",
    )


def _is_answer(answer: Mapping[str, Any]) -> bool:
    """Whether JSON is an answer with metrics."""
    is_query = (isinstance(answer.get("data"), dict) and "resultType" in answer["data"]) or answer.get("status") == "error"
    return "MetricDataResults" in answer or "Datapoints" in answer or is_query


def _of_answer(answer: Mapping[str, Any], file: str, options: LoadOptions, notes: list[str]) -> list[Metric]:
    if "MetricDataResults" in answer:
        return parse_metric_data(answer, file, options, notes)
    if "Datapoints" in answer:
        return parse_metric_statistics(answer, file, options, notes)
    return parse_range_query(answer, file, options, notes)


def _of_pages(answers: Sequence[Any], file: str, options: LoadOptions, notes: list[str]) -> list[Metric]:
    """Metrics of several answers in one file. Pages of one query share no time: those that do may be of two services.

    Raises
    ------
    InputError
        When two metrics of one label have a time in common.
    """
    metrics: list[Metric] = []
    for at, answer in enumerate(answers):
        is_last = at + 1 == len(answers)
        page = answer if is_last else {key: value for key, value in answer.items() if key != "NextToken"}
        metrics += _of_answer(page, file, options, notes)
    seen: dict[tuple[str | None, str, str], set[int]] = {}
    for metric in metrics:
        if metric.meaning is None or not len(metric.values):
            continue
        times_s = set(metric.times().epoch_s.tolist())
        before = seen.setdefault((metric.service, metric.query_id, metric.label), set())
        if before & times_s:
            raise Place(file, column=metric.name).error(
                f"{metric.name!r} stands in several answers of the file, for {len(before & times_s):,} times twice: these may "
                "be two services, or one saved twice",
                fix="Save each service in a file of its own, or each answer once.",
            )
        before |= times_s
    notes.append(f"{file}: {len(answers):,} answers in one file, put together.")
    return metrics


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


def _documents(text: str, file: str) -> list[object]:
    """JSON values that stand one after the other, as when answers are appended to a file."""

    def refused(constant: str) -> NoReturn:
        raise Place(file).error(f"{constant} is not a value that CloudWatch gives", fix=_EXPORT_FIX)

    decoder = json.JSONDecoder(parse_constant=refused)
    found: list[object] = []
    at = len(text) - len(text.lstrip())
    try:
        while at < len(text):
            value, end = decoder.raw_decode(text, at)
            found.append(value)
            following = _NOT_BLANK.search(text, end)
            at = following.start() if following else len(text)
            if following and not isinstance(value, dict):
                raise json.JSONDecodeError("Extra data", text, at)
    except json.JSONDecodeError as error:
        raise Place(file, error.lineno, error.colno).error(f"not valid JSON ({error.msg})", fix=_EXPORT_FIX) from None
    except (RecursionError, ValueError) as error:
        raise Place(file).error(f"not readable JSON ({type(error).__name__})", fix=_EXPORT_FIX) from None
    return found
