"""Load from CloudWatch: what ``aws cloudwatch get-metric-data`` and ``get-metric-statistics`` print as JSON, or a recording."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from advisor.sources.load_columns import services_in_labels
from advisor.sources.load_content import Metric, one_value_per_task
from advisor.sources.load_numbers import HIGHEST_NUMBER
from advisor.sources.load_options import LoadOptions
from advisor.sources.meanings import MEASURES, Meaning, Reading
from advisor.sources.metric_labels import metric_of_a_task, metric_reading
from advisor.sources.places import Place, listed, shown
from advisor.sources.timestamps import Times, parse_times
from advisor.units import FloatArray

_STATISTICS: Final = ("Average", "Maximum", "Minimum", "Sum", "SampleCount")
_EXPORT_FIX: Final = "Save the output of `aws cloudwatch get-metric-data --output json` as it is."
_CLOCK: Final = ("year", "month", "day", "hour", "minute", "second")


def parse_metric_data(answer: Mapping[str, object], file: str, options: LoadOptions, notes: list[str]) -> list[Metric]:
    """Metrics of ``get-metric-data``.

    Raises
    ------
    InputError
        When the answer is not such, or a value is no load.
    """
    found = list(_of_metric_data(answer, file, options, notes))
    measured = [metric for metric in found if metric.meaning in MEASURES]
    services = dict(zip(map(id, measured), services_in_labels([metric.label for metric in measured], file), strict=True))
    metrics = [replace(metric, service=services.get(id(metric))) for metric in found]
    _say(metrics, answer, file, notes)
    return metrics


def parse_metric_statistics(answer: Mapping[str, object], file: str, options: LoadOptions, notes: list[str]) -> list[Metric]:
    """Metrics of ``get-metric-statistics``: one a statistic.

    Raises
    ------
    InputError
        When the answer is not such, or a value is no load.
    """
    metrics = list(_of_metric_statistics(answer, file, options))
    _say(metrics, answer, file, notes)
    return metrics


def _say(metrics: Sequence[Metric], answer: Mapping[str, object], file: str, notes: list[str]) -> None:
    for metric in metrics:
        if metric.meaning in MEASURES:
            of = f" of the service {metric.service!r}" if metric.service else ""
            notes.append(f"{file}: metric {metric.name!r} (Id {metric.query_id!r}) read as {metric.reading}{of}.")
    unknown = sorted({repr(metric.name) for metric in metrics if metric.meaning not in MEASURES})
    if unknown:
        notes.append(f"{file}: not used: {listed(unknown)}.")
    if answer.get("NextToken"):
        notes.append(
            f"{file}: the answer ends with a NextToken: it is one page of several. List all pages under `files`, or export "
            "without --no-paginate."
        )


def _of_metric_data(answer: Mapping[str, object], file: str, options: LoadOptions, notes: list[str]) -> Iterator[Metric]:
    for path, result in _objects(answer, "MetricDataResults", file):
        label, query_id = str(result.get("Label") or ""), str(result.get("Id") or "")
        stamps, values = _list(result, "Timestamps", path, file), _list(result, "Values", path, file)
        if len(stamps) != len(values):
            raise Place(file, column=path).error(
                f"{len(stamps):,} Timestamps, but {len(values):,} Values", fix=f"Each value needs its time. {_EXPORT_FIX}"
            )
        status = str(result.get("StatusCode") or "Complete")
        if status != "Complete":
            notes.append(f"{file}: metric {label or query_id!r} has the status {status}: CloudWatch did not give all of it.")
        numbers = np.array([_value(value, f"{path}.Values[{i}]", file) for i, value in enumerate(values)], dtype=np.float64)
        yield _metric(file, path, label, query_id, stamps, numbers, options)


def _of_metric_statistics(answer: Mapping[str, object], file: str, options: LoadOptions) -> Iterator[Metric]:
    points = list(_objects(answer, "Datapoints", file))
    label = str(answer.get("Label") or "")
    for path, point in points:
        if "Timestamp" not in point:
            raise Place(file, column=path).error("the data point has no Timestamp", fix=_EXPORT_FIX)
    for statistic in _STATISTICS:
        having = [(path, point) for path, point in points if statistic in point]
        if having:
            numbers = np.array(
                [_value(point[statistic], f"{path}.{statistic}", file) for path, point in having], dtype=np.float64
            )
            stamps = [point["Timestamp"] for _, point in having]
            name = f"{label} {statistic}"
            yield _metric(file, f"Datapoints with {statistic}", name, statistic, stamps, numbers, options)


def _metric(
    file: str,
    path: str,
    label: str,
    query_id: str,
    stamps: Sequence[object],
    values: FloatArray,
    options: LoadOptions,
) -> Metric:
    def place_of(row: int) -> Place:
        return Place(file, column=f"{path}, data point {row + 1}")

    def times() -> Times:
        cells = [_time_text(stamp) for stamp in stamps]
        return parse_times(cells, place_of, options.times)

    reading = _reading(label, query_id, file, options)
    return Metric(
        file=file,
        path=path,
        label=label,
        query_id=query_id,
        reading=reading,
        times=times,
        values=values if reading is None or reading.factor == 1 else values * reading.factor,
        place_of=place_of,
    )


def _reading(label: str, query_id: str, file: str, options: LoadOptions) -> Reading | None:
    stated = options.columns.get(label) or options.columns.get(query_id)
    if stated is not None:
        return None if stated.meaning is Meaning.IGNORE else stated
    if metric_of_a_task(label):
        raise one_value_per_task(Place(file, column=label))
    return metric_reading(label, query_id) or options.values


def _time_text(stamp: object) -> str:
    """A time as text, also one that botocore's recorder wrote as an object; recordings are in UTC."""
    if isinstance(stamp, Mapping) and all(isinstance(stamp.get(key), int) for key in _CLOCK[:3]):
        year, month, day, hour, minute, second = (int(stamp.get(key) or 0) for key in _CLOCK)
        return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}+00:00"
    return str(stamp)


def _objects(answer: Mapping[str, object], key: str, file: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    for number, item in enumerate(_list(answer, key, "", file)):
        path = f"{key}[{number}]"
        if not isinstance(item, dict):
            raise Place(file, column=path).error(f"expected an object, got {shown(item)}", fix=_EXPORT_FIX)
        yield path, item


def _list(holder: Mapping[str, object], key: str, path: str, file: str) -> list[object]:
    found = holder.get(key)
    if not isinstance(found, list):
        raise Place(file, column=".".join(filter(None, (path, key)))).error(
            f"expected a list, got {shown(found)}", fix=_EXPORT_FIX
        )
    return found


def _value(value: object, path: str, file: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Place(file, column=path).error(f"{shown(value)} is not a number", fix=_EXPORT_FIX)
    if value < 0 or value > HIGHEST_NUMBER:
        problem = "is negative" if value < 0 else "is too large"
        raise Place(file, column=path).error(f"{shown(value)} {problem}; a load cannot be", fix="Query a metric of load.")
    return float(value)
