"""What a load file holds once it is understood: rows of a table, or metrics that stand beside each other."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from advisor.sources.load_options import LoadOptions
from advisor.sources.meanings import MEASURES, PERCENTAGES, Meaning, Reading
from advisor.sources.metric_labels import metric_of_a_task
from advisor.sources.places import Place, listed
from advisor.sources.records import Records
from advisor.sources.timestamps import Times, utc_times
from advisor.units import FloatArray, IntArray

PlaceOf = Callable[[int], Place]
_SECONDS_PER_DAY: Final = 86_400
_SAMPLE_ROWS: Final = 2_000
HIGHEST_PERCENT: Final = 100_000
"""A task without a limit may use many times what it reserves, but not a thousand times."""
HIGHEST_FRACTION: Final = 2.0
"""Shares up to here may be percent or fractions of 1: a task that has more at times uses twice what it reserves."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadTable:
    """Rows of measurements; each has a time, and belongs to a service where a column says so."""

    file: str
    times: Times
    """In the order of the file, or service by service; of one service where all have the same, as ``has_shared_times`` says."""
    values: Mapping[Meaning, FloatArray]
    origins: Mapping[Meaning, Place]
    service_names: tuple[str, ...] = ()
    """Services in alphabetical order; empty without a ``service`` column."""
    service_bounds: IntArray | None = None
    """(services + 1,): where each service's values begin, service by service."""
    has_shared_times: bool = False
    place_of: PlaceOf
    """Where a value stands in the file."""
    options: LoadOptions
    other_names: tuple[str, ...] = ()
    """Under which a meaning may be stated for it."""
    unused_names: tuple[str, ...] = ()
    """Columns of text that may tell rows of one time apart."""

    @cached_property
    def _usual_step_s(self) -> int | None:
        """The most common distance between the first rows of each service, up to a day. [s]"""
        if self.service_bounds is None:
            return None
        bounds = zip(self.service_bounds[:-1].tolist(), self.service_bounds[1:].tolist(), strict=True)
        firsts = [self._times_s(slice(first, last))[:_SAMPLE_ROWS] for first, last in bounds]
        apart = np.abs(np.concatenate([np.diff(times) for times in firsts]))
        counts = np.bincount(apart[apart <= _SECONDS_PER_DAY], minlength=1)
        counts[:1] = 0
        return int(np.argmax(counts)) or None

    def records_of(self, service: str, notes: list[str]) -> Records:
        """Rows of one service; all rows where no column says which service they belong to.

        Raises
        ------
        InputError
            When the file tells services apart and does not hold this one, or a time can be meant in two ways.
        """
        if self.service_bounds is None:
            return self._records(self.file, slice(0, len(self.times.epoch_s)), notes)
        if service not in self.service_names:
            raise unknown_service(self.origins[Meaning.SERVICE], service, self.service_names, "row")
        code = self.service_names.index(service)
        first, last = self.service_bounds[code : code + 2].tolist()
        return self._records(f"{self.file} ({service})", slice(first, last), notes)

    def _times_s(self, part: slice) -> IntArray:
        """Times of the values of one service."""
        return self.times.epoch_s if self.has_shared_times else self.times.epoch_s[part]

    def _records(self, label: str, part: slice, notes: list[str]) -> Records:
        def place_of(row: int) -> Place:
            return self.place_of(part.start + row)

        return Records(
            label=label,
            times_s=in_utc(self._times_s(part), self.times, self.options, place_of, label, notes),
            values={meaning: column[part] for meaning, column in self.values.items()},
            origins=self.origins,
            place_of=place_of,
            unused_names=self.unused_names,
            usual_step_s=self._usual_step_s,
            is_zone_assumed=self.times.is_local and zone_of(self.times, self.options) is None,
            is_stated=_is_stated(Meaning.REQUESTS, self.origins, self.options),
        )

    def first_place_of(self, service: str) -> Place:
        """The first row of a service."""
        assert self.service_bounds is not None  # noqa: S101
        place = self.place_of(int(self.service_bounds[self.service_names.index(service)]))
        return Place(self.file, place.line, self.origins[Meaning.SERVICE].column)


def _is_stated(meaning: Meaning, origins: Mapping[Meaning, Place], options: LoadOptions) -> bool:
    return options.values is not None or (meaning in origins and origins[meaning].column in options.columns)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Metric:
    """One series of values with their times."""

    file: str
    path: str
    """Where it stands in its file, such as ``MetricDataResults[0]``."""
    label: str
    query_id: str = ""
    reading: Reading | None
    """None when nothing tells what it measures."""
    service: str | None = None
    """The service that it belongs to, where the file says so."""
    times: Callable[[], Times]
    """Worked out when they are needed: metrics that are no load may have any times."""
    values: FloatArray
    place_of: PlaceOf
    other_names: tuple[str, ...] = ()
    """Under which a meaning may be stated for it."""
    unused_names: tuple[str, ...] = ()
    """Columns of text that may tell values of one time apart."""

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.label or self.query_id or self.path

    @property
    def meaning(self) -> Meaning | None:
        """What its values are, if they are a load."""
        return self.reading.meaning if self.reading and self.reading.meaning in MEASURES else None

    def records(self, options: LoadOptions, notes: list[str]) -> Records:
        """Its data points, sorted by time: the order of an answer means nothing."""
        assert self.meaning is not None  # noqa: S101
        times = self.times()
        notes.extend(f"{self.file}: {remark}." for remark in times.remarks)
        label = f"{self.file} ({self.name})"
        seconds = in_utc(times.epoch_s, times, options, self.place_of, label, notes)
        by_time = np.argsort(seconds, kind="stable")
        return Records(
            label=label,
            times_s=seconds[by_time],
            values={self.meaning: self.values[by_time]},
            origins={self.meaning: Place(self.file, column=self.name)},
            place_of=lambda row: self.place_of(int(by_time[row])),
            unused_names=self.unused_names,
            is_zone_assumed=times.is_local and zone_of(times, options) is None,
            is_stated=options.values is not None or not {self.label, self.query_id}.isdisjoint(options.columns),
        )


def one_value_per_task(place: Place) -> Exception:
    """The refusal of a metric of Container Insights that CloudWatch gets from each task; its column names the metric."""
    label = str(place.column)
    metric = metric_of_a_task(label)
    meaning = Meaning.CPU_UNITS if metric.startswith("Cpu") else Meaning.MEMORY_MIB
    return place.error(
        f"CloudWatch gets one value per task and minute of {metric}: nothing says whether these are of a task or of all "
        "together",
        fix="Query CPUUtilization and MemoryUtilization beside RunningTaskCount; if the numbers are of all tasks together, "
        f"say --column '{label}={meaning}', if not --column '{label}=ignore'.",
    )


def usual_step_s(times_s: IntArray, codes: IntArray) -> int | None:
    """The most common distance between rows of one service; None without two. [s]"""
    order = np.lexsort((times_s, codes))
    apart = np.diff(times_s[order])[np.diff(codes[order]) == 0]
    distances, counts = np.unique(apart[apart > 0], return_counts=True)
    return int(distances[np.argmax(counts)]) if distances.size else None


Content = LoadTable | Sequence[Metric]


def in_utc(seconds: IntArray, times: Times, options: LoadOptions, place_of: PlaceOf, label: str, notes: list[str]) -> IntArray:
    """Seconds of rows of one service in UTC, with what has to be said about times without a zone."""
    if not times.is_local:
        return seconds
    zone = zone_of(times, options)
    if zone is None:
        return seconds
    in_zone, remarks = utc_times(seconds, zone, options.doubled_hour, place_of)
    notes.extend(f"{label}: {remark}." for remark in remarks)
    return in_zone


def zone_of(times: Times, options: LoadOptions) -> ZoneInfo | None:
    """The zone of times without one: as stated, or as the file names it; None where neither does."""
    return options.time_zone or times.zone


def zone_remarks(times: Times, options: LoadOptions) -> tuple[str, ...]:
    """What has to be said about the zone of times, once a file."""
    if not times.is_local:
        return ()
    zone = zone_of(times, options)
    if zone is not None:
        overrule = "" if options.time_zone else ", which the header names; --time-zone overrules"
        return (f"times without a zone read as {zone.key}{overrule}",)
    return ("times without a zone read as UTC; --time-zone overrules",)


def unknown_service(place: Place, service: str, known: Sequence[str], what: str) -> Exception:
    """The refusal of a service that a file does not hold."""
    near = get_close_matches(service, known, n=1)
    meant = f"Did you mean {near[0]!r}? " if near else ""
    return place.error(f"no {what} belongs to the service {service!r}", fix=f"{meant}The file holds {listed(known)}.")


def service_names(content: Content) -> tuple[str, ...]:
    """The services that a file tells apart, in alphabetical order; empty where it does not."""
    if isinstance(content, LoadTable):
        return content.service_names
    return tuple(sorted({metric.service for metric in content if metric.service is not None and metric.meaning}))


def records_of_metrics(
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
    named = sorted({metric.service for metric in known if metric.service is not None})
    if named:
        known = [metric for metric in known if metric.service in (None, service)]
        if not known:
            raise unknown_service(place, service, named, "series")
    chosen = [metric for meaning in MEASURES for metric in _of_meaning(known, meaning, service)]
    with_data = [metric for metric in chosen if len(metric.values)]
    for metric in with_data:
        highest = float(np.nanmax(metric.values, initial=0.0))
        if metric.meaning in PERCENTAGES and highest > HIGHEST_PERCENT:
            raise Place(metric.file, column=metric.name).error(
                f"{highest:g} percent is over {HIGHEST_PERCENT / 100:g} times what a task has",
                fix=f"Check the unit, such as --column '{metric.name}=cpu_units', or leave it out with =ignore.",
            )
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
