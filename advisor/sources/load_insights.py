"""Load from Container Insights: performance log events of ECS, one JSON object a line or in an export of CloudWatch Logs.

Task events give CPU units and MiB in use, which are added up over the tasks of a service minute by minute; Service events give
the number of running tasks. Times are epoch milliseconds, the memory that AWS labels Megabytes is MiB [1]_.

.. [1] AWS, "Container Insights performance log events for Amazon ECS", CloudWatch User Guide.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np

from advisor.sources.load_content import Metric
from advisor.sources.load_numbers import HIGHEST_NUMBER
from advisor.sources.load_options import LoadOptions
from advisor.sources.meanings import Meaning, Reading
from advisor.sources.places import Place, listed, shown
from advisor.sources.timestamps import Times

_MINUTE_S: Final = 60
_EVENT_FIX: Final = "Save the events of /aws/ecs/containerinsights/CLUSTER/performance as they are, one a line."
_USAGE: Final = (("CpuUtilized", Meaning.CPU_UNITS), ("MemoryUtilized", Meaning.MEMORY_MIB))
_EPOCH_MS: Final = (1e11, 7.2e12)
_MOST_ROWS: Final = (1_000, 10_000)
"""Rows that a query of Logs Insights gives, by default and at most."""
_MOST_LOST: Final = 0.1
_MOSTLY: Final = 0.5


def event_texts(answer: Mapping[str, Any]) -> list[str] | None:
    """Messages of ``filter-log-events`` or of a Logs Insights query; None where the answer is neither."""
    events = answer.get("events")
    if isinstance(events, list) and events and all(isinstance(event, dict) and "message" in event for event in events):
        return [str(event["message"]) for event in events]
    results = answer.get("results")
    if isinstance(results, list) and results and all(isinstance(row, list) for row in results):
        found = [
            str(cell.get("value"))
            for row in results
            for cell in row
            if isinstance(cell, dict) and cell.get("field") == "@message"
        ]
        return found or None
    return None


def parse_performance_events(
    lines: Sequence[tuple[int, object]], file: str, options: LoadOptions, notes: list[str]
) -> list[Metric]:
    """Usage and running tasks of each service from performance events.

    Parameters
    ----------
    lines
        Line and text, or object, of each event.

    Raises
    ------
    InputError
        When a line is no such event, or a value is no load.
    """
    events = [(line, event) for line, text in lines if (event := _event(text, line, file)) is not None]
    kinds: dict[str, int] = {}
    for _, event in events:
        kind = str(event.get("Type"))
        kinds[kind] = kinds.get(kind, 0) + 1
    if not kinds.keys() & {"Task", "Service", "Container"}:
        raise Place(file).error(
            f"no performance event of a task or service among {listed(kinds) or 'nothing'}",
            fix=f"{_EVENT_FIX} Types that count are Task and Service.",
        )
    used = "Task" if "Task" in kinds else "Container"
    usage = _usage([(line, event) for line, event in events if event.get("Type") == used], file)
    counts = _running([(line, event) for line, event in events if event.get("Type") == "Service"], file)
    left = sorted(kind for kind in kinds if kind not in (used, "Service"))
    notes.append(
        f"{file}: performance events of Container Insights: {', '.join(f'{n:,} {kind}' for kind, n in sorted(kinds.items()))}; "
        f"CPU in CPU units, memory in MiB, added up over the {used.lower()}s of a service, times read as epoch ms, UTC."
    )
    if len(lines) in _MOST_ROWS:
        notes.append(
            f"{file}: {len(lines):,} events are as many as one query of Logs Insights gives: others may be missing. "
            "Query shorter spans, and list all files under `files`."
        )
    if left:
        notes.append(f"{file}: not used: events of the type {listed(left)}.")
    metrics = list(counts)
    services_counted = {metric.service for metric in counts}
    counted = [
        (_service(event, line, file), _minute(event, line, file)) for line, event in events if event.get("Type") == "Service"
    ]
    n_reporting = Counter(minute for _, minute in {*counted, *((name, minute) for name in usage for minute in usage[name])})
    for service, per_minute in sorted(usage.items()):
        is_counted = service in services_counted or used != "Task"
        silent = set() if is_counted else _silent_minutes(per_minute.keys(), n_reporting)
        minutes = np.array(sorted(per_minute.keys() | silent), dtype=np.int64)
        for at, (name, meaning) in enumerate(_USAGE):
            values = np.array([sum(task[at] for task in per_minute.get(minute, {}).values()) for minute in minutes.tolist()])
            if not np.isnan(values).all() and not (silent and meaning is Meaning.CPU_UNITS):
                metrics.append(_metric(file, service, name, meaning, minutes * _MINUTE_S, values))
        if not is_counted:
            values = np.array([float(len(per_minute.get(minute, {}))) for minute in minutes.tolist()])
            metrics.append(_metric(file, service, "tasks that reported", Meaning.TASKS, minutes * _MINUTE_S, values))
            ended = f": none in {len(silent):,} minutes. They start and end, and are taken as they ran, whatever CPU they used"
            notes.append(
                f"{file}: tasks of {service!r} counted from the tasks that reported in a minute{ended if silent else ''}."
            )
    return metrics


def _silent_minutes(reported: Collection[int], n_reporting: Mapping[int, int]) -> set[int]:
    """Minutes in which no task of a batch ran; none where its tasks run all the time, and some of their reports are lost.

    Reports of others show when there were any to be had. Without others it is a batch if it is silent most of the time.
    """
    others = {minute for minute, n in n_reporting.items() if n > (minute in reported)}
    logged = others or set(range(min(reported), max(reported) + 1))
    silent = logged.difference(reported)
    return silent if len(silent) > (_MOST_LOST if others else _MOSTLY) * len(logged) else set()


def _metric(file: str, service: str, name: str, meaning: Meaning, seconds: Any, values: Any) -> Metric:
    times = Times(np.asarray(seconds, dtype=np.int64))
    label = f"{service} {name}"
    return Metric(
        file=file,
        path=label,
        label=label,
        reading=Reading(meaning=meaning),
        service=service,
        times=lambda: times,
        values=np.asarray(values, dtype=np.float64),
        place_of=lambda _: Place(file, column=label),
    )


def _event(text: object, line: int, file: str) -> Mapping[str, Any] | None:
    """The event of a line; None for a blank one. CloudWatch Logs may write a time before it."""
    if isinstance(text, dict):
        return text
    body = str(text).strip()
    if not body:
        return None
    brace = max(body.find("{"), 0)
    try:
        event = json.loads(body[brace:])
    except (ValueError, RecursionError) as error:
        problem = (
            f"not a JSON object ({error.msg})" if isinstance(error, json.JSONDecodeError) else "not a readable JSON object"
        )
        raise Place(file, line).error(problem, fix=_EVENT_FIX) from None
    if not isinstance(event, dict):
        raise Place(file, line).error(f"expected an object, got {shown(event)}", fix=_EVENT_FIX)
    return event


def _minute(event: Mapping[str, Any], line: int, file: str) -> int:
    stamp = event.get("Timestamp")
    if isinstance(stamp, str) and stamp.isdecimal() and len(stamp) < 16:
        stamp = int(stamp)
    if isinstance(stamp, bool) or not isinstance(stamp, (int, float)) or not _EPOCH_MS[0] <= stamp < _EPOCH_MS[1]:
        raise Place(file, line, "Timestamp").error(f"{shown(stamp)} is no time in epoch milliseconds", fix=_EVENT_FIX)
    return int(stamp // (1000 * _MINUTE_S))


def _number(event: Mapping[str, Any], name: str, line: int, file: str) -> float:
    value = event.get(name)
    if value is None:
        return np.nan
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= HIGHEST_NUMBER:
        raise Place(file, line, name).error(f"{shown(value)} is no number of a load", fix=_EVENT_FIX)
    return float(value)


def _service(event: Mapping[str, Any], line: int, file: str) -> str:
    name = event.get("ServiceName") or event.get("TaskDefinitionFamily")
    if not isinstance(name, str):
        raise Place(file, line).error("neither ServiceName nor TaskDefinitionFamily says whose event it is", fix=_EVENT_FIX)
    return name


def _usage(events: Sequence[tuple[int, Mapping[str, Any]]], file: str) -> dict[str, dict[int, dict[str, tuple[float, float]]]]:
    """CPU and memory by service, minute and task; of two events of a task in a minute the later one counts."""
    found: dict[str, dict[int, dict[str, tuple[float, float]]]] = {}
    for line, event in events:
        service, minute = _service(event, line, file), _minute(event, line, file)
        cpu, memory = (_number(event, name, line, file) for name, _ in _USAGE)
        if not event.get("TaskId"):
            raise Place(file, line, "TaskId").error(
                "no TaskId tells the tasks of a minute apart, whose sum is the load of the service", fix=_EVENT_FIX
            )
        task = f"{event['TaskId']}/{event.get('ContainerName') or ''}"
        found.setdefault(service, {}).setdefault(minute, {})[task] = (cpu, memory)
    return found


def _running(events: Sequence[tuple[int, Mapping[str, Any]]], file: str) -> list[Metric]:
    found: dict[str, dict[int, float]] = {}
    for line, event in events:
        found.setdefault(_service(event, line, file), {})[_minute(event, line, file)] = _number(
            event, "RunningTaskCount", line, file
        )
    return [
        _metric(
            file,
            service,
            "RunningTaskCount",
            Meaning.TASKS,
            [m * _MINUTE_S for m in sorted(counts)],
            [counts[m] for m in sorted(counts)],
        )
        for service, counts in sorted(found.items())
    ]
