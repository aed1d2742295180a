"""Load from Prometheus: the answer of a range query (``/api/v1/query_range``) as JSON."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from advisor.sources.load_content import HIGHEST_FRACTION, Metric
from advisor.sources.load_numbers import HIGHEST_NUMBER
from advisor.sources.load_options import LoadOptions
from advisor.sources.meanings import PERCENTAGES, Meaning, Reading, header_reading, metric_name
from advisor.sources.name_words import SERVICE_TAGS
from advisor.sources.places import Place, listed, shown
from advisor.sources.timestamps import Times, epoch_times
from advisor.units import FloatArray

_NUMBER: Final = re.compile(r"[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?)|nan", re.ASCII | re.IGNORECASE)
_QUERY_FIX: Final = "Save the answer of /api/v1/query_range as it is."
_COUNTERS: Final = ("_total", "_count", "_sum", "_bucket")
"""Ends of the names of counters, which only grow."""
_ADDED: Final = frozenset({Meaning.CPU_UNITS, Meaning.MEMORY_MIB, Meaning.REQUESTS, Meaning.REQUESTS_PER_SECOND, Meaning.TASKS})
"""What all instances of a service have together is the sum of what each has."""


def parse_range_query(answer: Mapping[str, Any], file: str, options: LoadOptions, notes: list[str]) -> list[Metric]:
    """Series of a range query, one of each service and measure; those of single instances added up.

    Raises
    ------
    InputError
        When the query failed or is no range query, a value is no load, or nothing says what a series measures.
    """
    if answer.get("status") == "error":
        raise Place(file).error(
            f"the query failed: {answer.get('errorType')}: {shown(answer.get('error'))}",
            fix="Mend the query and save it again.",
        )
    data = answer["data"]
    if data.get("resultType") != "matrix":
        raise Place(file, column="data.resultType").error(
            f"the result is a {shown(data.get('resultType'))}, not a matrix over time", fix=_QUERY_FIX
        )
    results = data.get("result")
    if not isinstance(results, list):
        raise Place(file, column="data.result").error(f"expected a list, got {shown(results)}", fix=_QUERY_FIX)
    series = [_series(result, f"data.result[{i}]", file, options) for i, result in enumerate(results)]
    label = _service_label([each.labels for each in series])
    groups: dict[tuple[str | None, str, Meaning | None], list[_Series]] = {}
    for each in series:
        service = each.labels.get(label) if label else None
        groups.setdefault((service, each.metric, each.reading.meaning if each.reading else None), []).append(each)
    if label and series:
        notes.append(f"{file}: services told apart by the label {label!r}.")
    metrics = [_metric(service, group, file, options, notes) for (service, _, _), group in groups.items()]
    for name, reading in dict.fromkeys((each.name, each.reading) for each in series):
        said = f"read as {reading}" if reading else "not used"
        notes.append(f"{file}: series {name!r} {said}.")
    return metrics


class _Series:
    def __init__(self, path: str, labels: Mapping[str, str], metric: str, reading: Reading | None, points: FloatArray) -> None:
        self.path, self.labels, self.metric, self.reading, self.points = path, labels, metric, reading, points

    @property
    def name(self) -> str:
        """What messages call it: the name of the metric, or all labels where a query took the name away."""
        return self.metric or _shown_labels(self.labels)


def _series(result: object, path: str, file: str, options: LoadOptions) -> _Series:
    if not isinstance(result, dict) or not isinstance(result.get("metric"), dict) or not isinstance(result.get("values"), list):
        raise Place(file, column=path).error("expected an object with metric and values", fix=_QUERY_FIX)
    labels = {str(key): str(value) for key, value in result["metric"].items()}
    name = labels.pop("__name__", "")
    if name.endswith(_COUNTERS) and name not in options.columns:
        raise Place(file, column=path).error(
            f"{name!r} is named as a counter that only grows",
            fix=f"Query rate({name}[5m]) and say what it is with --values. If it falls, too, say --column {name}=MEANING.",
        )
    reading = options.columns.get(name) or (header_reading(name) if name else None) or options.values
    if options.is_ignored(name):
        reading = None
    if reading is None and not name:
        raise Place(file, column=path).error(
            f"the series {_shown_labels(labels)} has no name, as a rate or a sum has none: nothing says what it measures",
            fix="Say it with --values MEANING, such as --values cpu_vcpu or --values requests_per_second.",
        )
    points = np.array(
        [_point(point, f"{path}.values[{i}]", file) for i, point in enumerate(result["values"])], dtype=np.float64
    ).reshape(-1, 2)
    return _Series(path, labels, name, reading, points)


def _shown_labels(labels: Mapping[str, str]) -> str:
    return "{" + listed(f"{key}={value}" for key, value in labels.items()) + "}"


def _point(point: object, path: str, file: str) -> tuple[float, float]:
    place = Place(file, column=path)
    if not isinstance(point, list) or len(point) != 2 or isinstance(point[0], bool) or not isinstance(point[0], (int, float)):
        raise place.error(f"expected a time and a value, got {shown(point)}", fix=_QUERY_FIX)
    text = str(point[1]).strip()
    if isinstance(point[1], bool) or not isinstance(point[1], (int, float, str)) or _NUMBER.fullmatch(text) is None:
        raise place.error(f"{shown(point[1])} is not a number", fix=_QUERY_FIX)
    value, seconds = float(text), float(point[0]) if abs(point[0]) <= HIGHEST_NUMBER else np.nan
    if value < 0 or value > HIGHEST_NUMBER or np.isnan(seconds):
        problem = "is negative" if value < 0 else "is not finite" if np.isinf(value) else "is too large"
        raise place.error(f"{shown(point[1])} {problem}; a load cannot be", fix="Query a metric of load.")
    return seconds, value


def _service_label(labels: Sequence[Mapping[str, str]]) -> str | None:
    """The label that tells services apart: one that all series carry."""
    return next((name for name in SERVICE_TAGS if labels and all(name in each for each in labels)), None)


def _metric(service: str | None, group: Sequence[_Series], file: str, options: LoadOptions, notes: list[str]) -> Metric:
    first = group[0]
    stamps, values = first.points[:, 0], first.points[:, 1]
    if len(group) > 1:
        if first.reading is not None and first.reading.meaning not in _ADDED:
            raise Place(file, column=group[1].path).error(
                f"{len(group)} series of {first.name!r} belong to one service, and percentages cannot be added up: "
                f"{listed(_shown_labels(each.labels) for each in group[:3])}",
                fix="Query their average by service, such as avg by (service) (...), beside the number of tasks.",
            )
        stamps, values = _added(group)
        notes.append(f"{file}: {len(group)} series of {first.name!r} of {service or 'the service'} were added up.")

    _check_share(first, values, file)

    def place_of(row: int) -> Place:
        return Place(file, column=f"{first.path}.values[{row}]")

    def times() -> Times:
        read = epoch_times(stamps, lambda row: f"{stamps[row]:.15g}", place_of, options.times)
        return Times(read.epoch_s)

    factor = first.reading.factor if first.reading else 1.0
    return Metric(
        file=file,
        path=first.path,
        label=metric_label(first.name, service),
        other_names=(first.metric,) if first.metric else (),
        reading=first.reading,
        service=service,
        times=times,
        values=values * factor,
        place_of=place_of,
    )


def metric_label(name: str, service: str | None) -> str:
    """What messages call a series."""
    return f"{service} {name}" if service and metric_name(service) not in metric_name(name) else name


def _check_share(series: _Series, values: FloatArray, file: str) -> None:
    """Exporters give fractions as often as percentages; a name such as ``cpu_utilization`` does not tell them apart."""
    reading = series.reading
    if reading is None or reading.is_unit_said or reading.meaning not in PERCENTAGES:
        return
    highest = float(np.nanmax(values, initial=0.0))
    if 0 < highest <= HIGHEST_FRACTION:
        raise Place(file, column=series.path).error(
            f"the highest value of {series.name!r} is {highest:g}, and nothing says whether it is {highest:g} percent or a "
            f"fraction of 1, {100 * highest:g} percent",
            fix=f"Say --column '{series.name}={reading.meaning}' or --column "
            f"'{series.name}={str(reading.meaning).replace('percent', 'fraction')}'.",
        )


def _added(group: Sequence[_Series]) -> tuple[FloatArray, FloatArray]:
    """Sum of several series at each time: an instance that has ended adds nothing, one that is NaN leaves the sum unknown."""
    stamps, where = np.unique(np.concatenate([each.points[:, 0] for each in group]), return_inverse=True)
    values = np.concatenate([each.points[:, 1] for each in group])
    return stamps, np.bincount(where, weights=values, minlength=len(stamps)).astype(np.float64)
