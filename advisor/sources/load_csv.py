"""Load from tables of text: which row is the header, which column the time, and what the others measure.

Long tables (a row a service and time), wide ones (a column a service), tables of metrics with several header rows as the
CloudWatch console and pandas write them, one row a function with a column a minute, and bare numbers.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import PurePath
from typing import Final

import numpy as np

from advisor.sources.load_content import Content, Grouping, LoadTable, Metric, usual_step_s, zone_remarks
from advisor.sources.load_numbers import MISSING, NumberError, decimal_sign, parse_number
from advisor.sources.load_options import LoadOptions
from advisor.sources.load_table import Columns, Row, TableText, Wanted
from advisor.sources.meanings import (
    MEASURES,
    PERCENTAGES,
    Meaning,
    Reading,
    header_reading,
    metric_name,
    metric_reading,
    open_readings,
    split_service,
    time_rank,
)
from advisor.sources.places import Place, listed, plain
from advisor.sources.timestamps import EPOCH_UNITS, Times, is_number, looks_like_time
from advisor.units import FloatArray, IntArray

_DURATION_NAMES: Final = frozenset({"duration", "durationms", "durations", "durationseconds"})
_METRIC_NAMES: Final = frozenset({"metric", "metricname", "series", "name", "measurement", "label", "counter", "field"})
_VALUE_NAMES: Final = frozenset({"value", "val", "values", "metricvalue", "datapoint", "measuredvalue"})
_SERVICE_ROWS: Final = frozenset({"service", "servicename", "microservice", "component"})
_STATISTIC_ROWS: Final = frozenset({"statistic", "stat", "statistics", "aggregation"})
_ID_ROWS: Final = frozenset({"id", "metricid"})
_NO_SERVICES: Final = frozenset(
    {"desired", "pending", "min", "max", "target", "failed", "successful", "error", "errors", "http", "new", "peak", "limit"}
    | {
        "reserved",
        "requested",
        "requests",
        "allocated",
        "total",
        "average",
        "avg",
        "maximum",
        "minimum",
        "healthy",
        "unhealthy",
    }
    | {"node", "host", "system", "process", "p50", "p90", "p95", "p99"}
)
"""Words before a measure that are no service: desired_tasks is a count of another kind."""
_CLOCK_ONLY: Final = re.compile(
    r"\d{1,2}(?::\d{2}){1,2}(?:[.,]\d+)?(?:\s*[AaPp]\.?[Mm]\.?)?(?:\s*[-\u2013]\s*\d{1,2}:\d{2})?|\d{1,2}"
)
_DATE_PARTS: Final = (("year", "yr"), ("month", "mo"), ("day", "dayofmonth"), ("hour", "hr", "hourofday"), ("minute",))
_MOST_HEADER_ROWS: Final = 40
_FEWEST_MINUTES: Final = 24
_MINUTES_OF_A_DAY: Final = 1_440
_HIGHEST_PERCENT: Final = 100_000
"""A task without a limit may use many times what it reserves, but not a thousand times."""
_SECONDS_APART: Final = 3_600


def parse_load_csv(
    blocks: Iterable[bytes], file: str, options: LoadOptions, notes: list[str], names: set[str] | None = None
) -> Content:
    """Load from the text of a table.

    Parameters
    ----------
    blocks
        The text as UTF-8, in blocks of whole lines.
    notes
        Receives what was recognised or assumed: sentences that name the file.
    names
        Receives the names of the columns.

    Raises
    ------
    InputError
        Naming line, column and fix, when there is no time column or nothing measured, or a cell is not what its column says.
    """
    text = TableText(blocks, file, options.delimiter)
    if not text.head:
        for _ in text.rows(0):
            pass
        raise Place(file).error("the file is empty", fix="Export the load again: a header, a time column, one measured column.")
    return _TableReader(text, file, options, notes, set() if names is None else names).content()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """The rows above the data."""

    names: tuple[str, ...]
    line: int
    n_rows: int
    """Rows of the head that are no data."""
    labels: tuple[tuple[str, ...], ...] = ()
    """Rows of labels, where several rows stand above the data."""
    time: tuple[int, ...] = ()


class _TableReader:
    def __init__(self, text: TableText, file: str, options: LoadOptions, notes: list[str], names: set[str]) -> None:
        self._text, self._file, self._options, self._notes = text, file, options, notes
        self._names = names
        self._unused: tuple[str, ...] = ()
        if text.delimiter not in (",", options.delimiter):
            self._say(
                f"columns separated by {_DELIMITER_NAMES.get(text.delimiter, repr(text.delimiter))}; --delimiter overrules"
            )

    def content(self) -> Content:
        head = self._text.head
        if len(head[0][1]) == 1 and all(_is_plain_number(row[0]) for _, row in head):
            return self._bare_numbers(0, "value")
        header = self._header()
        self._names.update(header.names)
        self._names.update(cell for row in header.labels for cell in row)
        if header.labels:
            return self._metrics_below_labels(header)
        minutes = self._minute_columns(header.names) if not header.time else []
        if minutes:
            return self._row_per_function(header, minutes)
        if not header.time:
            return self._without_times(header)
        return self._with_times(header)

    def _say(self, remark: str) -> None:
        self._notes.append(f"{self._file}: {remark}.")

    # The header

    def _header(self) -> _Header:
        head = self._text.head
        named = self._named_time_row()
        if named is not None:
            at, names = named
            if self._are_labels(at):
                return self._labelled(at + 1)
            if at:
                self._say(f"{at} line{'s' if at > 1 else ''} above the header left out")
            header = _Header(names=names, line=head[at][0], n_rows=at + 1)
            return replace(header, time=self._time_columns(header))
        first = next((i for i, (_, row) in enumerate(head[:_MOST_HEADER_ROWS]) if _begins_with_time(row)), None)
        if first == 0:
            names = tuple(cell.strip() for cell in head[0][1])
            raise Place(self._file, head[0][0]).error(
                f"the first line is not a header but data ({listed(names)})",
                fix="Add a header such as timestamp,requests_per_second.",
            )
        if first is not None and first > 1 and len(head[first][1]) > 1:
            return self._labelled(first)
        names = tuple(cell.strip() for cell in head[0][1])
        header = _Header(names=names, line=head[0][0], n_rows=1)
        return replace(header, time=self._time_columns(header))

    def _named_time_row(self) -> tuple[int, tuple[str, ...]] | None:
        """The first row with the name of a time column, which the user states or which is known."""
        stated = {name for name, reading in self._options.columns.items() if reading.meaning is Meaning.TIME}
        for at, (_, row) in enumerate(self._text.head[:_MOST_HEADER_ROWS]):
            names = tuple(cell.strip() for cell in row)
            if _begins_with_time(row):
                return None
            if stated & set(names):
                return at, names
            if not stated and (any(time_rank(name) is not None for name in names) or _date_parts(names)):
                return at, names
        return None

    def _are_labels(self, at: int) -> bool:
        """Whether the rows above a header tell what its columns are, and the header does not."""
        rows = [row for _, row in self._text.head[: at + 1]]
        if at == 0 or any(len(row) != len(rows[-1]) for row in rows) or len(rows[-1]) < 2:
            return False
        return not any(header_reading(cell.strip()) for cell in rows[-1][1:]) and any(cell.strip() for cell in rows[0][1:])

    def _labelled(self, n_rows: int) -> _Header:
        rows = self._text.head[:n_rows]
        width = len(self._text.head[n_rows][1]) if n_rows < len(self._text.head) else max(len(row) for _, row in rows)
        labels = tuple(tuple(cell.strip() for cell in row) for _, row in rows if len(row) == width)
        if not labels:
            labels = (tuple([""] * width),)
        self._say(f"{n_rows} rows of labels above the data")
        return _Header(names=_label_names(labels), line=rows[-1][0], n_rows=n_rows, labels=labels, time=(0,))

    def _time_columns(self, header: _Header) -> tuple[int, ...]:
        """Columns that make the time; empty where none does."""
        names, options = header.names, self._options
        stated = [
            i for i, name in enumerate(names) if name in options.columns and options.columns[name].meaning is Meaning.TIME
        ]
        if len(stated) > 1:
            return tuple(stated)
        sample = self._sample(header)
        parts = _date_parts(names)
        if parts and not stated:
            self._say(f"time built from the columns {listed(names[i] for i in parts)}")
            return parts
        ranks = {
            i: rank for i, name in enumerate(names) if (rank := time_rank(name)) is not None and name not in options.columns
        }
        ranked = stated or sorted(ranks, key=lambda i: (ranks[i], i))
        if not ranked:
            found = [i for i in range(len(names)) if names[i] not in options.columns and _all_times(sample, i)]
            if len(found) == 1 and len(sample):
                self._say(f"column {names[found[0]]!r} read as time: its cells are dates")
                return (found[0],)
            return ()
        readable = [i for i in ranked if _all_times(sample, i)]
        best = ranked[0]
        whole = [i for i in readable if not all(_is_date(row[i].strip()) for _, row in sample)]
        if not stated and whole and best in readable:
            best = whole[0]
        if not stated and readable and not _all_times(sample, best) and _any_numbers(sample, best):
            best = readable[0]
        return self._joined_with_date(best, ranked, names, sample) if sample else (best,)

    def _joined_with_date(
        self, best: int, ranked: Sequence[int], names: tuple[str, ...], sample: Sequence[Row]
    ) -> tuple[int, ...]:
        """Date and time of day, where they stand in two columns."""
        is_clock = {i: all(_CLOCK_ONLY.fullmatch(row[i].strip()) for _, row in sample if i < len(row)) for i in ranked}
        is_date = {i: all(_is_date(row[i].strip()) for _, row in sample if i < len(row)) for i in ranked}
        if is_clock[best]:
            date = next((i for i in ranked if is_date[i]), None)
            pair = None if date is None else (date, best)
        elif is_date[best]:
            clock = next((i for i in ranked if is_clock[i]), None)
            pair = None if clock is None else (best, clock)
        else:
            return (best,)
        if pair is None:
            return (best,)
        self._say(f"time built from the columns {names[pair[0]]!r} and {names[pair[1]]!r}")
        return pair

    def _sample(self, header: _Header) -> list[Row]:
        return [(line, row) for line, row in self._text.head[header.n_rows :] if len(row) >= len(header.names)][:100]

    # Tables with a time column

    def _with_times(self, header: _Header) -> Content:
        readings, services, pivot = self._readings(header)
        if len(self._text.head) <= header.n_rows:
            for _ in self._text.rows(header.n_rows):
                pass
            raise Place(self._file, header.line).error(
                "there is a header and no row below it", fix="Export at least two weeks of load."
            )
        self._refuse_swapped(header, readings)
        second = self._second_times(header, readings)
        numbers = {i: reading.meaning for i, reading in readings.items()} | dict.fromkeys(second, Meaning.VALUE)
        coded = tuple(i for i in (services, pivot) if i is not None)
        columns = self._columns(header, numbers, coded)
        times = columns.times
        for remark in (*times.remarks, *zone_remarks(times, self._options)):
            self._say(remark)
        self._compare(columns, second)
        values = {i: self._scaled(header.names[i], reading, columns.numbers[i]) for i, reading in readings.items()}
        self._settle_durations(columns, readings, values, services)
        if pivot is not None:
            used = {**readings, pivot: Reading(meaning=Meaning.METRIC)}
            self._unused = self._unused_text(header, used, services)
            return list(self._pivoted(columns, values, readings, services, pivot))
        if any(column in self._wide for column in readings):
            return [self._metric(columns, i, readings[i], values[i], self._wide.get(i)) for i in readings]
        origins = {reading.meaning: Place(self._file, header.line, header.names[i]) for i, reading in readings.items()}
        if services is not None:
            origins[Meaning.SERVICE] = Place(self._file, header.line, header.names[services])
        unused = self._unused_text(header, readings, services)
        if services is None:
            return LoadTable(
                file=self._file,
                times=times,
                values={reading.meaning: values[i] for i, reading in readings.items()},
                origins=origins,
                place_of=columns.place,
                options=self._options,
                unused_names=unused,
            )
        names, codes = columns.names[services]
        if "" in names:
            row = int(np.argmax(codes == names.index("")))
            raise columns.place(row, services).error(
                "the row does not say which service it belongs to", fix="Fill in the service's name, or leave the row out."
            )
        grouping = Grouping(codes, len(names))
        ordered: dict[Meaning, FloatArray] = {}
        for i, reading in readings.items():
            columns.numbers.pop(i, None)
            ordered[reading.meaning] = grouping.grouped(values.pop(i))
        return LoadTable(
            file=self._file,
            times=replace(times, epoch_s=grouping.grouped(times.epoch_s)),
            values=ordered,
            origins=origins,
            service_names=names,
            service_bounds=grouping.bounds,
            rows=grouping.rows(),
            place_of=columns.line_place,
            options=self._options,
            unused_names=unused,
        )

    def _refuse_swapped(self, header: _Header, readings: dict[int, Reading]) -> None:
        sample = self._sample(header)
        column = next((i for i in readings if _all_times(sample, i)), None)
        if column is not None:
            name = header.names[column]
            raise Place(self._file, sample[0][0], name).error(
                f"the column {name!r} holds times, not numbers: the names may be swapped against the data",
                fix="Put the names in the order of the columns.",
            )

    def _columns(self, header: _Header, numbers: dict[int, Meaning], names: tuple[int, ...]) -> Columns:
        decimal = self._options.decimal
        if decimal is None:
            cells = (row[i] for _, row in self._sample(header) for i in numbers if i < len(row))
            decimal = decimal_sign(cells)
            if decimal == ",":
                self._say("numbers read with a decimal comma; --decimal overrules")
        wanted = Wanted(time=header.time, numbers=numbers, names=names, decimal=decimal)
        return self._text.columns(header.n_rows, header.names, wanted, self._options.times)

    def _readings(self, header: _Header) -> tuple[dict[int, Reading], int | None, int | None]:
        """Reading of each measured column, the column of services, and the column that names what a value measures."""
        found: dict[Meaning, int] = {}
        readings: dict[int, Reading] = {}
        unread: list[int] = []
        names, stated = header.names, self._options.columns
        remarks: list[str] = []
        for column in sorted(range(len(names)), key=lambda i: names[i] not in stated):
            name = names[column]
            if column in header.time or self._options.is_ignored(name):
                continue
            reading = stated[name] if name in stated else header_reading(name)
            if (
                reading is None
                and metric_name(name) in _DURATION_NAMES
                and any(one in stated or header_reading(one) for one in names)
            ):
                reading = Reading(meaning=Meaning.DURATION)
            is_second = reading is not None and reading.meaning in found
            if reading is None or (is_second and names[found[reading.meaning]] in stated and name not in stated):
                unread.append(column)
            elif reading.meaning is Meaning.TIME or (is_second and reading.meaning is not Meaning.VALUE):
                first = names[found.get(reading.meaning, (header.time or (column,))[0])]
                raise Place(self._file, header.line, name).error(
                    f"the columns {first!r} and {name!r} both read as {reading.meaning}",
                    fix=f"Leave one out, or say --column '{plain(name)}=ignore'.",
                )
            else:
                found[reading.meaning] = column
                if reading.meaning in MEASURES or reading.meaning is Meaning.DURATION:
                    readings[column] = reading
                is_plain = name.lower() in (reading.meaning, f"{reading.meaning}_average") and not reading.unit
                if not is_plain and (reading.meaning is not Meaning.DURATION or name in stated):
                    remarks.append(f"column {name!r} read as {reading}")
        self._wide: dict[int, str] = {}
        pivot: int | None = None
        if not any(reading.meaning in MEASURES for reading in readings.values()):
            pivot = self._pivot(header, unread, found, readings, remarks)
            if pivot is None:
                self._read_wide(header, unread, readings, remarks)
        for remark in remarks:
            self._say(remark)
        left = [i for i in unread if i not in readings and i != pivot and names[i]]
        if not any(reading.meaning in MEASURES for reading in readings.values()) and pivot is None:
            raise self._nothing_measured(header, left)
        if left:
            self._say(f"not used: {listed(sorted(repr(names[i]) for i in left))}")
        for i in left:
            meanings = open_readings(names[i])
            if meanings:
                self._say(
                    f"column {names[i]!r} may be {', '.join(meanings[:-1])} or {meanings[-1]}: say --column '{names[i]}=...'"
                )
        return readings, found.get(Meaning.SERVICE), pivot

    def _pivot(
        self,
        header: _Header,
        unread: list[int],
        found: dict[Meaning, int],
        readings: dict[int, Reading],
        remarks: list[str],
    ) -> int | None:
        """The column that names what the value beside it measures."""
        names = header.names
        values = [i for i in unread if metric_name(names[i]) in _VALUE_NAMES]
        if Meaning.VALUE in found:
            values = [found[Meaning.VALUE]]
        metrics = [i for i in unread if metric_name(names[i]) in _METRIC_NAMES]
        if Meaning.METRIC in found:
            metrics = [found[Meaning.METRIC]]
        if len(values) != 1 or len(metrics) != 1:
            return None
        readings[values[0]] = Reading(meaning=Meaning.VALUE)
        remarks.append(f"column {names[metrics[0]]!r} tells what the column {names[values[0]]!r} measures")
        return metrics[0]

    def _read_wide(self, header: _Header, unread: list[int], readings: dict[int, Reading], remarks: list[str]) -> None:
        """Columns that stand for services."""
        names = header.names
        for column in unread:
            split = split_service(names[column])
            if split is not None and split[0].lower() not in _NO_SERVICES:
                self._wide[column], readings[column] = split
                remarks.append(f"column {names[column]!r} read as {split[1]} of the service {split[0]!r}")
        if self._wide or self._options.values is None:
            return
        sample = self._sample(header)
        numeric = [i for i in unread if names[i] and _all_numbers(sample, i)]
        for column in numeric:
            readings[column] = self._options.values
            if len(numeric) > 1 or metric_name(names[column]) not in _VALUE_NAMES:
                self._wide[column] = names[column]
        if self._wide:
            remarks.append(f"{len(self._wide)} columns read as services, each with {self._options.values}")
        elif numeric:
            remarks.append(f"column {names[numeric[0]]!r} read as {self._options.values}, as stated")

    def _nothing_measured(self, header: _Header, left: Sequence[int]) -> Exception:
        names = [name for i, name in enumerate(header.names) if name]
        place = Place(self._file, header.line)
        for i in left:
            meanings = open_readings(header.names[i])
            if meanings:
                return Place(self._file, header.line, header.names[i]).error(
                    f"nothing says in which unit the column {header.names[i]!r} is: "
                    f"it can be {', '.join(meanings[:-1])} or {meanings[-1]}",
                    fix=f"Say which with --column '{plain(header.names[i])}={meanings[0]}'.",
                )
        numeric = [header.names[i] for i in left if _all_numbers(self._sample(header), i)]
        wide = (
            f" If the columns {listed(numeric[:4])} are services, say what they measure with --values MEANING."
            if len(numeric) > 1
            else ""
        )
        return place.error(
            f"no column with a measure of load among {listed(names)}",
            fix=f"Name it {', '.join(MEASURES)}, or say what it is with --column NAME=MEANING.{wide}",
        )

    def _second_times(self, header: _Header, readings: dict[int, Reading]) -> list[int]:
        """Columns of seconds since 1970 beside the time that is read."""
        if len(header.time) != 1:
            return []
        sample = self._sample(header)
        return [
            i for i, name in enumerate(header.names)
            if i not in header.time and i not in readings and time_rank(name) is not None and _any_numbers(sample, i)
            and all(is_number(row[i]) for _, row in sample) and name not in self._options.columns
        ]  # fmt: skip

    def _compare(self, columns: Columns, second: Sequence[int]) -> None:
        """Say where a second column of times disagrees with the one that was read."""
        for column in second:
            numbers = columns.numbers[column]
            scale = 10.0 ** (3 * round((np.log10(np.nanmedian(np.maximum(numbers, 1.0))) - 9.2) / 3))
            apart = np.abs(numbers / scale - columns.times.epoch_s)
            n_apart = int(np.count_nonzero(apart > _SECONDS_APART))
            if n_apart and not columns.times.is_local:
                name = columns.header[column]
                read = columns.header[self._time_of(columns)]
                self._say(
                    f"in {n_apart:,} rows the column {name!r} is up to {np.nanmax(apart):,.0f} s away from {read!r}, "
                    "which was read"
                )

    def _time_of(self, columns: Columns) -> int:
        return next((i for i, name in enumerate(columns.header) if time_rank(name) is not None and i not in columns.numbers), 0)

    def _unused_text(self, header: _Header, readings: dict[int, Reading], services: int | None) -> tuple[str, ...]:
        sample = self._sample(header)
        used = {*header.time, *readings, *([] if services is None else [services])}
        return tuple(
            name for i, name in enumerate(header.names)
            if i not in used and name and sample and not _all_numbers(sample, i)
            and not _all_times(sample, i)
        )  # fmt: skip

    def _scaled(self, name: str, reading: Reading, values: FloatArray) -> FloatArray:
        """Values in the unit of their meaning. A share whose unit nothing tells is refused where it may be a fraction."""
        known = values[~np.isnan(values)]
        highest = float(known.max()) if known.size else 0.0
        if reading.meaning in PERCENTAGES and reading.factor == 1:
            self._check_share(name, reading, values, highest)
        return values if reading.factor == 1 else values * reading.factor

    def _check_share(self, name: str, reading: Reading, values: FloatArray, highest: float) -> None:
        if 0 < highest <= 1:
            if not reading.is_unit_said and name not in self._options.columns:
                share = str(reading.meaning).replace("percent", "fraction")
                raise Place(self._file, column=name).error(
                    f"the highest value is {highest:g}, and nothing says whether it is {highest:g} percent or a fraction of 1, "
                    f"{100 * highest:g} percent",
                    fix=f"Say --column '{plain(name)}={reading.meaning}' or --column '{plain(name)}={share}'.",
                )
            self._say(f"the highest {reading.meaning} is {highest:g}: read as percent, not as a fraction of 1")
        if highest > _HIGHEST_PERCENT:
            row = int(np.nanargmax(values))
            raise Place(self._file, column=name).error(
                f"{highest:g} percent (value {row + 1:,} of the column) is over {_HIGHEST_PERCENT / 100:g} times what a task "
                "has",
                fix=f"Check the unit, such as --column '{plain(name)}=cpu_units', or leave the column out with "
                f"--column '{plain(name)}=ignore'.",
            )
        n_above = int(np.count_nonzero(values > 100))
        if n_above:
            self._say(f"values of {reading.meaning} above 100 percent ({n_above:,}, up to {highest:g}) were kept")

    def _settle_durations(
        self, columns: Columns, readings: dict[int, Reading], values: dict[int, FloatArray], services: int | None
    ) -> None:
        """Durations in seconds, whose unit their size beside the distance of rows tells; else they are left out."""
        column = next((i for i, reading in readings.items() if reading.meaning is Meaning.DURATION), None)
        if column is None or columns.header[column] in self._options.columns:
            return
        codes = columns.names[services][1] if services is not None else np.zeros(len(columns.times.epoch_s), dtype=np.int64)
        apart = usual_step_s(columns.times.epoch_s, codes)
        typical = float(np.nanmedian(values[column])) if not np.isnan(values[column]).all() else 0.0
        unit = next((u for u, per_s in EPOCH_UNITS.items() if apart and 1 / 3 < typical / per_s / apart < 3), None)
        name = columns.header[column]
        if unit is None:
            self._say(f"not used: {name!r}, which does not hold the time from row to row")
            del readings[column], values[column]
            return
        self._say(f"column {name!r} read as the time that a row holds, in {unit}; --column {name}=ignore overrules")
        values[column] = values[column] / EPOCH_UNITS[unit]

    # Metrics in columns and in rows

    def _metric(self, columns: Columns, column: int, reading: Reading, values: FloatArray, service: str | None) -> Metric:
        name = columns.header[column]
        return Metric(
            file=self._file,
            path=name,
            label=name,
            reading=reading,
            service=service,
            times=lambda: replace(columns.times, remarks=()),
            values=values,
            place_of=lambda row: columns.place(row, column),
        )

    def _pivoted(
        self,
        columns: Columns,
        values: dict[int, FloatArray],
        readings: dict[int, Reading],
        services: int | None,
        pivot: int,
    ) -> Iterator[Metric]:
        """A metric of each name in the column of metrics, and of each service where a column tells them apart."""
        column = next(i for i, reading in readings.items() if reading.meaning is Meaning.VALUE)
        labels, label_codes = columns.names[pivot]
        names, codes = columns.names[services] if services is not None else (("",), np.zeros(len(label_codes), dtype=np.int64))
        unread = []
        for label_code, label in enumerate(labels):
            reading, service = self._label_reading(label)
            if reading is None:
                unread.append(label)
                continue
            self._say(f"{label!r} read as {reading}{f' of the service {service!r}' if service else ''}")
            for code, name in enumerate(names):
                rows = np.flatnonzero((label_codes == label_code) & (codes == code))
                if rows.size:
                    yield self._rows_metric(columns, column, rows, values[column][rows], reading, label, name or service)
        if unread:
            self._say(f"not used: {listed(repr(label) for label in unread)}")
        if len(unread) == len(labels):
            raise Place(self._file, column=columns.header[pivot]).error(
                f"nothing says what {listed(repr(label) for label in labels)} measure",
                fix="Say what one is with --column NAME=MEANING, or what all services measure with --values MEANING.",
            )

    def _label_reading(self, label: str) -> tuple[Reading | None, str | None]:
        """What a label measures, and of which service."""
        if label in self._options.columns:
            return self._options.columns[label], None
        reading = header_reading(label)
        if reading is not None and reading.meaning in MEASURES:
            return reading, None
        split = split_service(label)
        if split is not None and split[0].lower() not in _NO_SERVICES:
            return split[1], split[0]
        reading = metric_reading(label, "")
        if reading is not None:
            return reading, None
        return self._options.values, label

    def _rows_metric(
        self,
        columns: Columns,
        column: int,
        rows: IntArray,
        values: FloatArray,
        reading: Reading,
        label: str,
        service: str | None,
    ) -> Metric:
        times = Times(columns.times.epoch_s[rows], is_local=columns.times.is_local)
        return Metric(
            file=self._file,
            path=label,
            label=label,
            reading=reading,
            service=service or None,
            times=lambda: times,
            values=self._scaled(label, reading, values),
            place_of=lambda row: columns.place(int(rows[row]), column),
            unused_names=self._unused,
        )

    def _metrics_below_labels(self, header: _Header) -> Content:
        """Metrics of a table with several rows of labels: what pandas writes of such columns, and the CloudWatch console."""
        row_names = [metric_name(row[0]) for row in header.labels]
        columns: dict[int, tuple[Reading, str | None, str]] = {}
        unread: list[str] = []
        for column in range(1, len(header.names)):
            cells = {name: row[column] for name, row in zip(row_names, header.labels, strict=True) if row[column]}
            found = self._labelled_reading(cells, header.names[column])
            if found is None:
                unread.append(header.names[column])
            else:
                columns[column] = (*found, header.names[column])
        if not columns:
            raise Place(self._file, header.line).error(
                f"no column with a measure of load below the labels {listed(unread)}",
                fix="Say what one is with --column LABEL=MEANING.",
            )
        for reading, service, label in list(columns.values())[:20]:
            self._say(f"column {label!r} read as {reading}{f' of the service {service!r}' if service else ''}")
        if unread:
            self._say(f"not used: {listed(repr(name) for name in unread)}")
        read = self._columns(header, {i: one[0].meaning for i, one in columns.items()}, ())
        for remark in (*read.times.remarks, *zone_remarks(read.times, self._options)):
            self._say(remark)
        return [
            self._metric(read, i, reading, self._scaled(label, reading, read.numbers[i]), service)
            for i, (reading, service, label) in columns.items()
        ]

    def _labelled_reading(self, cells: dict[str, str], label: str) -> tuple[Reading, str | None] | None:
        for name in (label, *cells.values()):
            stated = self._options.columns.get(name)
            if stated is not None:
                return None if stated.meaning is Meaning.IGNORE else (stated, _cell_of(cells, _SERVICE_ROWS))
        statistic = _cell_of(cells, _STATISTIC_ROWS) or ""
        service = _cell_of(cells, _SERVICE_ROWS)
        query_id = _cell_of(cells, _ID_ROWS) or ""
        others = [cell for name, cell in cells.items() if name not in _SERVICE_ROWS | _STATISTIC_ROWS | _ID_ROWS]
        for cell in others:
            reading = header_reading(f"{cell} {statistic}".strip()) or metric_reading(f"{cell} {statistic}".strip(), query_id)
            if reading is not None and reading.meaning in MEASURES:
                return replace(reading, is_unit_said=True), service
        split = split_service(label)
        if split is not None and split[0].lower() not in _NO_SERVICES and not service:
            return split[1], split[0]
        return None

    # Tables without a time column

    def _without_times(self, header: _Header) -> Content:
        """A header and rows at a stated interval from a stated start."""
        if self._options.start is None or self._options.interval_s is None:
            raise self._no_time_column(header)
        readings, services, pivot = self._readings(header)
        if services is not None or pivot is not None:
            raise self._no_time_column(header)
        rows = list(self._text.rows(header.n_rows))
        times = self._counted_times(len(rows))
        values = {i: self._scaled(header.names[i], r, self._column(rows, i, r.meaning, header)) for i, r in readings.items()}

        def place_of(row: int) -> Place:
            return Place(self._file, rows[row][0])

        if self._wide:
            return [
                Metric(
                    file=self._file, path=header.names[i], label=header.names[i], reading=reading, service=self._wide.get(i),
                    times=lambda: times, values=values[i], place_of=place_of,
                )
                for i, reading in readings.items()
            ]  # fmt: skip
        return LoadTable(
            file=self._file,
            times=times,
            values={reading.meaning: values[i] for i, reading in readings.items()},
            origins={r.meaning: Place(self._file, header.line, header.names[i]) for i, r in readings.items()},
            place_of=place_of,
            options=self._options,
        )

    def _no_time_column(self, header: _Header) -> Exception:
        names, head = header.names, self._text.head
        if any(is_number(name) for name in names):
            return Place(self._file, header.line).error(
                f"the first line is not a header but data ({listed(names)})",
                fix="Add a header such as timestamp,requests_per_second.",
            )
        hint = "" if len(head) < 3 else " Without times, give --start 2024-03-01T00:00Z and --interval 300."
        return Place(self._file, header.line).error(
            f"no time column among {listed(names)}",
            fix=f"Call it timestamp, or say which it is with --column NAME=time.{hint}",
        )

    def _counted_times(self, n_rows: int) -> Times:
        assert self._options.start is not None and self._options.interval_s is not None  # noqa: S101, PT018
        start, step = self._options.start, self._options.interval_s
        self._say(f"{n_rows:,} rows every {step} s from {start.astimezone(UTC).isoformat()}, as stated")
        return Times(int(start.timestamp()) + step * np.arange(n_rows, dtype=np.int64))

    def _column(self, rows: Sequence[Row], column: int, meaning: Meaning, header: _Header) -> FloatArray:
        decimal = self._options.decimal or decimal_sign(row[column] for _, row in rows[:200] if column < len(row))
        values = np.empty(len(rows))
        for at, (line, row) in enumerate(rows):
            place = Place(self._file, line, header.names[column])
            if len(row) <= column:
                raise place.error(f"the row has {len(row)} cells, the header has {len(header.names)}", fix="Fill the row up.")
            try:
                values[at] = parse_number(row[column], meaning, decimal)
            except NumberError as error:
                raise place.error(str(error), fix=error.fix) from None
        return values

    def _bare_numbers(self, first: int, name: str) -> Content:
        """One number a line, without header and times."""
        options = self._options
        if options.values is None or options.start is None or options.interval_s is None:
            raise Place(self._file, self._text.head[0][0]).error(
                "one number a line, without header and times: nothing says what they measure, when and how often",
                fix="Give --values cpu_percent (or another meaning), --start 2024-03-01T00:00Z and --interval 300.",
            )
        header = _Header(names=(name,), line=self._text.head[0][0], n_rows=first)
        rows = list(self._text.rows(first))
        values = self._scaled(name, options.values, self._column(rows, 0, options.values.meaning, header))
        return LoadTable(
            file=self._file,
            times=self._counted_times(len(rows)),
            values={options.values.meaning: values},
            origins={options.values.meaning: Place(self._file, header.line)},
            place_of=lambda row: Place(self._file, rows[row][0]),
            options=options,
        )

    def _minute_columns(self, names: tuple[str, ...]) -> list[int]:
        """Columns named 1, 2, 3 ...: one a step, where every row is a service."""
        numbered = [i for i, name in enumerate(names) if name.isdigit() and name.isascii() and len(name) <= 5]
        values = [int(names[i]) for i in numbered]
        first = values[0] if values else 0
        is_counted = values == list(range(first, first + len(values))) and first in (0, 1)
        return numbered if is_counted and len(values) >= _FEWEST_MINUTES else []

    def _row_per_function(self, header: _Header, minutes: list[int]) -> Content:
        options = self._options
        step = options.interval_s or (60 if len(minutes) == _MINUTES_OF_A_DAY else None)
        reading = options.values or header_reading(_last_word(PurePath(self._file).stem))
        missing = {"--start 2024-03-01T00:00Z": options.start, "--interval 60": step, "--values requests": reading}
        if any(value is None for value in missing.values()) or options.start is None or step is None or reading is None:
            needed = [flag for flag, value in missing.items() if value is None]
            raise Place(self._file, header.line).error(
                f"{len(minutes):,} columns are numbered, one a step, and nothing says when they begin or what they count",
                fix=f"Give {' and '.join(needed)}.",
            )
        rows = list(self._text.rows(header.n_rows))
        entity = self._entity_column(header, minutes, rows)
        self._say(
            f"one row a service, named by {header.names[entity]!r}; {len(minutes):,} steps of {step} s, read as {reading}"
        )
        times = Times(int(options.start.timestamp()) + step * np.arange(len(minutes), dtype=np.int64))
        metrics = []
        for line, row in rows:
            if len(row) < len(header.names):
                raise Place(self._file, line).error(
                    f"the row has {len(row)} cells, the header has {len(header.names)}",
                    fix="Give every row one cell per column.",
                )
            values = np.empty(len(minutes))
            for at, column in enumerate(minutes):
                try:
                    values[at] = parse_number(row[column], reading.meaning, options.decimal)
                except NumberError as error:
                    raise Place(self._file, line, header.names[column]).error(str(error), fix=error.fix) from None
            name = row[entity].strip()
            metrics.append(
                Metric(
                    file=self._file, path=f"line {line}", label=name, reading=reading, service=name,
                    times=lambda: times, values=values * reading.factor, place_of=self._constant_place(line),
                )
            )  # fmt: skip
        return metrics

    def _constant_place(self, line: int) -> Callable[[int], Place]:
        return lambda _: Place(self._file, line)

    def _entity_column(self, header: _Header, minutes: Sequence[int], rows: Sequence[Row]) -> int:
        """The column that names the service of each row: as stated, or the last that differs in every row."""
        others = [i for i in range(len(header.names)) if i not in minutes]
        for i in others:
            reading = self._options.columns.get(header.names[i]) or header_reading(header.names[i])
            if reading is not None and reading.meaning is Meaning.SERVICE:
                return i
        telling = [i for i in others if len({row[i] for _, row in rows if i < len(row)}) == len(rows)]
        if not telling:
            raise Place(self._file, header.line).error(
                "no column tells the rows apart", fix="Say which holds the service's name with --column NAME=service."
            )
        return telling[-1]


_DELIMITER_NAMES: Final = {";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}


def _label_names(labels: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """A name of each column: its labels, each once."""
    return tuple(" ".join(dict.fromkeys(filter(None, cells))) for cells in zip(*labels, strict=True))


def _cell_of(cells: dict[str, str], names: frozenset[str]) -> str | None:
    return next((cell for name, cell in cells.items() if name in names), None)


def _date_parts(names: Sequence[str]) -> tuple[int, ...]:
    """Columns of year, month, day and, where there are any, hour and minute."""
    lower = [name.lower().replace("_", "") for name in names]
    found = []
    for known in _DATE_PARTS:
        at = next((lower.index(name) for name in known if name in lower), None)
        if at is None:
            break
        found.append(at)
    return tuple(found) if len(found) >= 4 else ()


def _begins_with_time(row: Sequence[str]) -> bool:
    cell = row[0].strip()
    return looks_like_time(cell) or (is_number(cell) and _is_plain_number(cell) and 1e8 <= float(cell) < 1e19)


def _is_plain_number(cell: str) -> bool:
    return re.fullmatch(r"\s*\d+(?:[.,]\d+)?\s*", cell) is not None and cell.isascii()


def _is_date(cell: str) -> bool:
    return looks_like_time(cell) and ":" not in cell and re.search(r"\d[T ]\d", cell) is None


def _all_times(sample: Sequence[Row], column: int) -> bool:
    cells = [row[column] for _, row in sample if column < len(row) and row[column].strip()]
    return bool(cells) and all(looks_like_time(cell) for cell in cells)


def _any_numbers(sample: Sequence[Row], column: int) -> bool:
    return any(is_number(row[column]) for _, row in sample if column < len(row))


def _all_numbers(sample: Sequence[Row], column: int) -> bool:
    """Whether the cells of a column can be numbers; True without rows."""
    for _, row in sample:
        cell = row[column].strip() if column < len(row) else ""
        if cell.lower() not in MISSING and not re.fullmatch(r"[+-]?[\d.,' \u00a0]*\d[eE\d+-]*\s*%?", cell):
            return False
    return any(row[column].strip().lower() not in MISSING for _, row in sample if column < len(row))


def _last_word(stem: str) -> str:
    words = re.findall(r"[A-Za-z]+", stem)
    return words[-1] if words else ""
