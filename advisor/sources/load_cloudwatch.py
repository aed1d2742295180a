"""Load from CloudWatch: what ``aws cloudwatch get-metric-data`` and ``get-metric-statistics`` print as JSON."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

import numpy as np

from advisor.sources.input_files import Place, listed, shown
from advisor.sources.load_csv import LoadOptions
from advisor.sources.meanings import MEASURES, Meaning, metric_meaning
from advisor.sources.series import Records
from advisor.sources.timestamps import parse_times
from advisor.units import FloatArray

_STATISTICS: Final = ("Average", "Maximum", "Minimum", "Sum", "SampleCount")
_EXPORT_FIX: Final = "Save the output of `aws cloudwatch get-metric-data --output json` as it is."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Metric:
    """One metric of an answer."""

    file: str
    path: str
    """Where it stands in the JSON, such as ``MetricDataResults[0]``."""
    label: str
    query_id: str
    meaning: Meaning | None
    """None when neither label nor Id tells."""
    timestamps: Sequence[str]
    values: FloatArray

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.label or self.query_id

    def records(self, options: LoadOptions, notes: list[str]) -> Records:
        """Its data points, in whatever order CloudWatch gave them."""
        assert self.meaning is not None  # noqa: S101
        times = parse_times(self.timestamps, self._point, options.time_zone)
        notes.extend(f"{self.file}: {remark}." for remark in times.remarks)
        by_time = np.argsort(times.epoch_s, kind="stable")
        return Records(
            label=f"{self.file} ({self.name})",
            times_s=times.epoch_s[by_time],
            values={self.meaning: self.values[by_time]},
            origins={self.meaning: Place(self.file, column=self.name)},
            place_of=lambda row: self._point(int(by_time[row])),
        )

    def _point(self, row: int) -> Place:
        return Place(self.file, column=f"{self.path}, data point {row + 1}")


def parse_load_json(text: str, file: str, options: LoadOptions, notes: list[str]) -> list[Metric]:
    """Metrics of one answer, those of unknown meaning included.

    Raises
    ------
    InputError
        When the text is not such an answer, or a value is no load.
    """
    answer = _parsed(text, file)
    if "MetricDataResults" in answer:
        metrics = list(_of_metric_data(answer, file, options, notes))
    elif "Datapoints" in answer:
        metrics = list(_of_metric_statistics(answer, file, options))
    else:
        raise Place(file).error(
            f"neither MetricDataResults nor Datapoints among its keys ({listed(answer) or 'none'})", fix=_EXPORT_FIX
        )
    for metric in metrics:
        if metric.meaning in MEASURES:
            notes.append(f"{file}: metric {metric.name!r} (Id {metric.query_id!r}) read as {metric.meaning}.")
    unknown = sorted({repr(metric.name) for metric in metrics if metric.meaning not in MEASURES})
    if unknown:
        notes.append(f"{file}: not used: {listed(unknown)}.")
    if answer.get("NextToken"):
        notes.append(
            f"{file}: the answer ends with a NextToken: it is one page of several. List all pages under `files`, or export "
            "without --no-paginate."
        )
    return metrics


def records_of_service(
    metrics: Sequence[Metric], place: Place, service: str, options: LoadOptions, notes: list[str]
) -> list[Records]:
    """Records of the metrics that belong to a service: all, or those that name it where several have the same meaning.

    Parameters
    ----------
    place
        The files, for messages.

    Raises
    ------
    InputError
        When nothing is known or has data, or two metrics mean the same.
    """
    known = [metric for metric in metrics if metric.meaning in MEASURES]
    if not known:
        raise place.error(
            f"no metric of load among {listed(dict.fromkeys(repr(metric.name) for metric in metrics)) or 'none'}",
            fix="Give the queries labels such as CPUUtilization, RunningTaskCount or RequestCount, or say what one is with "
            "--column LABEL=MEANING.",
        )
    chosen = [metric for meaning in MEASURES for metric in _of_meaning(known, meaning, service)]
    with_data = [metric for metric in chosen if len(metric.values)]
    for metric in chosen:
        if not len(metric.values):
            notes.append(f"{metric.file}: metric {metric.name!r} holds no data points.")
    if not with_data:
        raise place.error(
            "no data points in it",
            fix="Check dimensions, Region, period and time range of the query: old data need a longer period.",
        )
    return [metric.records(options, notes) for metric in with_data]


def _of_meaning(metrics: Sequence[Metric], meaning: Meaning, service: str) -> list[Metric]:
    """Metrics of one meaning: pages of one query, or the query that names the service."""
    same = [metric for metric in metrics if metric.meaning is meaning]
    if len({(metric.query_id, metric.label) for metric in same}) > 1:
        of_service = re.compile(rf"(?<![\w-]){re.escape(service)}(?![\w-])")
        same = [metric for metric in same if of_service.search(metric.label)] or same
    if len({(metric.query_id, metric.label) for metric in same}) > 1:
        names = [f"{metric.label!r} (Id {metric.query_id!r})" for metric in same]
        raise Place(same[-1].file, column=same[-1].name).error(
            f"several metrics read as {meaning}: {listed(names)}",
            fix=f"Put the statistic, or the service's name ({service}), into their labels, or export one service a file.",
        )
    return same


def _parsed(text: str, file: str) -> Mapping[str, object]:
    def refused(constant: str) -> NoReturn:
        raise Place(file).error(f"{constant} is not a value that CloudWatch gives", fix=_EXPORT_FIX)

    try:
        answer = json.loads(text, parse_constant=refused)
    except json.JSONDecodeError as error:
        if not text.strip():
            raise Place(file).error("the file is empty", fix=_EXPORT_FIX) from None
        raise Place(file, error.lineno, error.colno).error(f"not valid JSON ({error.msg})", fix=_EXPORT_FIX) from None
    except (RecursionError, ValueError) as error:
        raise Place(file).error(f"not readable JSON ({type(error).__name__})", fix=_EXPORT_FIX) from None
    if not isinstance(answer, dict):
        raise Place(file).error("not a JSON object", fix=_EXPORT_FIX)
    return answer


def _of_metric_data(answer: Mapping[str, object], file: str, options: LoadOptions, notes: list[str]) -> Iterator[Metric]:
    for path, result in _objects(answer, "MetricDataResults", file):
        label, query_id = str(result.get("Label") or ""), str(result.get("Id") or "")
        timestamps, values = _list(result, "Timestamps", path, file), _list(result, "Values", path, file)
        if len(timestamps) != len(values):
            raise Place(file, column=path).error(
                f"{len(timestamps):,} Timestamps, but {len(values):,} Values", fix=f"Each value needs its time. {_EXPORT_FIX}"
            )
        status = str(result.get("StatusCode") or "Complete")
        if status != "Complete":
            notes.append(f"{file}: metric {label or query_id!r} has the status {status}: CloudWatch did not give all of it.")
        yield Metric(
            file=file,
            path=path,
            label=label,
            query_id=query_id,
            meaning=_meaning(label, query_id, options),
            timestamps=[str(stamp) for stamp in timestamps],
            values=np.array([_value(value, f"{path}.Values[{i}]", file) for i, value in enumerate(values)], dtype=np.float64),
        )


def _of_metric_statistics(answer: Mapping[str, object], file: str, options: LoadOptions) -> Iterator[Metric]:
    points = list(_objects(answer, "Datapoints", file))
    label = str(answer.get("Label") or "")
    for path, point in points:
        if "Timestamp" not in point:
            raise Place(file, column=path).error("the data point has no Timestamp", fix=_EXPORT_FIX)
    for statistic in _STATISTICS:
        having = [(path, point) for path, point in points if statistic in point]
        if having:
            name = f"{label} {statistic}"
            yield Metric(
                file=file,
                path=f"Datapoints with {statistic}",
                label=name,
                query_id=statistic,
                meaning=_meaning(name, "", options),
                timestamps=[str(point["Timestamp"]) for _, point in having],
                values=np.array(
                    [_value(point[statistic], f"{path}.{statistic}", file) for path, point in having], dtype=np.float64
                ),
            )


def _meaning(label: str, query_id: str, options: LoadOptions) -> Meaning | None:
    return options.columns.get(label) or options.columns.get(query_id) or metric_meaning(label, query_id)


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
    number = float(value) if abs(value) < 1e300 else np.inf
    if number < 0 or np.isinf(number):
        problem = "is negative" if number < 0 else "is too large"
        raise Place(file, column=path).error(f"{shown(value)} {problem}; a load cannot be", fix="Query a metric of load.")
    return number
