"""Load from tables of text: which row is the header, which column the time, and what the others measure.

Long tables (a row a service and time), wide ones (a column a service), tables of metrics with several header rows as the
CloudWatch console and pandas write them, one row a function with a column a minute, and bare numbers.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from advisor.sources.grouping import AnyArray, rows_of
from advisor.sources.header_zones import zone_in_header
from advisor.sources.load_columns import (
    NO_SERVICES,
    read_columns,
    refuse_swapped,
    second_times,
    services_in_labels,
    unused_text,
)
from advisor.sources.load_content import Content, LoadTable, Metric, one_value_per_task, usual_step_s, zone_remarks
from advisor.sources.load_header import Header, Table, is_plain_number, read_header
from advisor.sources.load_insights import parse_performance_events
from advisor.sources.load_numbers import decimal_sign
from advisor.sources.load_options import LoadOptions
from advisor.sources.load_table import TableText
from advisor.sources.load_totals import without_last_totals, without_total
from advisor.sources.load_untimed import bare_numbers, minute_columns, row_per_function, without_times
from advisor.sources.meanings import MEASURES, Meaning, Reading, header_reading, metric_name, split_service, time_rank
from advisor.sources.metric_labels import metric_of_a_task, metric_reading
from advisor.sources.name_words import is_of_another_service
from advisor.sources.places import Place, listed
from advisor.sources.table_columns import Columns, Wanted
from advisor.sources.timestamps import EPOCH_UNITS
from advisor.units import FloatArray, IntArray

_SERVICE_ROWS: Final = frozenset({"service", "servicename", "microservice", "component"})
_STATISTIC_ROWS: Final = frozenset({"statistic", "stat", "statistics", "aggregation"})
_ID_ROWS: Final = frozenset({"id", "metricid"})
_SECONDS_APART: Final = 3_600
_DELIMITER_NAMES: Final = {";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}
_MAYBE_THOUSANDS: Final = re.compile(r"[1-9]\d{0,2}\.\d{3}", re.ASCII)
_WHOLE_BELOW_THOUSAND: Final = re.compile(r"\d{1,3}", re.ASCII)
_FAR_ABOVE: Final = 10
"""Loads of one service with decimals and without are of one size: 830 beside 4.525 is 830 beside 4,525."""


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

    def say(remark: str) -> None:
        notes.append(f"{file}: {remark}.")

    text = TableText(without_last_totals(blocks, say), file, options.delimiter)
    if not text.head:
        for _ in text.rows(0):
            pass
        raise Place(file).error("the file is empty", fix="Export the load again: a header, a time column, one measured column.")
    table = Table(text=text, file=file, options=options, notes=notes)
    return without_total(_TableReader(table, set() if names is None else names).content(), say)


class _TableReader:
    def __init__(self, table: Table, names: set[str]) -> None:
        self._table = table
        self._names = names
        self._unused: tuple[str, ...] = ()
        delimiter = table.text.delimiter
        if delimiter not in (",", table.options.delimiter):
            table.say(f"columns separated by {_DELIMITER_NAMES.get(delimiter, repr(delimiter))}; --delimiter overrules")

    def content(self) -> Content:
        head = self._table.text.head
        if len(head[0][1]) == 1 and all(is_plain_number(row[0]) for _, row in head):
            return bare_numbers(self._table, 0, "value")
        messages = next((i for i, cell in enumerate(head[0][1]) if cell.strip() == "@message"), None)
        if messages is not None:
            events = [
                (line, row[messages] if messages < len(row) else "") for line, row in self._table.text.rows(1) if any(row)
            ]
            if lost := [line for line, message in events if not message.strip()]:
                raise Place(self._table.file, lost[0], "@message").error("the row has no event", fix="Export the events again.")
            return parse_performance_events(events, self._table.file, self._table.options, self._table.notes)
        header = read_header(self._table)
        self._names.update(header.names)
        self._names.update(cell for row in header.labels for cell in row)
        if header.labels:
            return self._metrics_below_labels(header)
        minutes = minute_columns(header.names) if not header.time else []
        if minutes:
            return row_per_function(self._table, header, minutes)
        if not header.time:
            return without_times(self._table, header)
        return self._with_times(header)

    def _with_times(self, header: Header) -> Content:
        read = read_columns(self._table, header)
        readings, services, pivot = read.measured, read.services, read.pivot
        if len(self._table.text.head) <= header.n_rows:
            for _ in self._table.text.rows(header.n_rows):
                pass
            raise Place(self._table.file, header.line).error(
                "there is a header and no row below it", fix="Export at least two weeks of load."
            )
        refuse_swapped(self._table, header, readings)
        second = second_times(self._table, header, readings)
        numbers = {i: reading.meaning for i, reading in readings.items()} | dict.fromkeys(second, Meaning.VALUE)
        coded = tuple(i for i in (services, pivot) if i is not None)
        is_long = services is not None and pivot is None and not any(column in read.wide for column in readings)
        columns = self._columns(header, numbers, coded, readings, grouped_by=services if is_long else None)
        times = columns.times
        for remark in (*times.remarks, *zone_remarks(times, self._table.options)):
            self._table.say(remark)
        self._compare(columns, second)
        values = {
            i: self._table.scaled(header.names[i], reading, columns.numbers[i], columns.row_of)
            for i, reading in readings.items()
        }
        self._settle_durations(columns, readings, values, services)
        if pivot is not None:
            used = {**readings, pivot: Reading(meaning=Meaning.METRIC)}
            self._unused = unused_text(self._table, header, used, services)
            return list(self._pivoted(columns, values, readings, services, pivot))
        if any(column in read.wide for column in readings):
            empty = [i for i in readings if read.wide.get(i) == header.names[i] and np.isnan(values[i]).all()]
            if empty:
                self._table.say(f"not used: {listed(repr(header.names[i]) for i in empty)}, without a number")
            return [self._metric(columns, i, readings[i], values[i], read.wide.get(i)) for i in readings if i not in empty]
        origins = {reading.meaning: Place(self._table.file, header.line, header.names[i]) for i, reading in readings.items()}
        if services is not None:
            origins[Meaning.SERVICE] = Place(self._table.file, header.line, header.names[services])
        unused = unused_text(self._table, header, readings, services)
        if services is None:
            return LoadTable(
                file=self._table.file,
                times=times,
                values={reading.meaning: values[i] for i, reading in readings.items()},
                origins=origins,
                place_of=columns.line_place,
                options=self._table.options,
                unused_names=unused,
            )
        names = columns.names[services][0]
        assert columns.bounds is not None  # noqa: S101
        if "" in names:
            first = int(columns.bounds[names.index("")])
            raise columns.place(first, services).error(
                "the row does not say which service it belongs to", fix="Fill in the service's name, or leave the row out."
            )
        return LoadTable(
            file=self._table.file,
            times=times,
            values={reading.meaning: values[i] for i, reading in readings.items()},
            origins=origins,
            service_names=names,
            service_bounds=columns.bounds,
            has_shared_times=columns.has_shared_times,
            place_of=columns.line_place,
            options=self._table.options,
            unused_names=unused,
        )

    def _columns(
        self,
        header: Header,
        numbers: dict[int, Meaning],
        names: tuple[int, ...],
        readings: Mapping[int, Reading],
        grouped_by: int | None = None,
    ) -> Columns:
        decimal = self._table.options.decimal
        if decimal is None:
            cells = (row[i] for _, row in self._table.sample(header) for i in numbers if i < len(row))
            decimal = decimal_sign(cells)
            if decimal == ",":
                self._table.say("numbers read with a decimal comma; --decimal overrules")
            elif decimal is None:
                self._refuse_thousands(header, numbers)
        wanted = Wanted(
            time=header.time,
            numbers=numbers,
            names=names,
            decimal=decimal,
            is_decimal_told=self._table.options.decimal is None,
            factors={i: reading.factor for i, reading in readings.items()},
            with_units=frozenset(i for i, reading in readings.items() if reading.is_unit_in_cells),
            grouped_by=grouped_by,
        )
        columns = self._table.text.columns(header.n_rows, header.names, wanted, self._table.options.times)
        if not columns.times.is_local or self._table.options.time_zone is not None:
            return columns
        return replace(columns, times=replace(columns.times, zone=zone_in_header(self._table, header)))

    def _refuse_thousands(self, header: Header, numbers: Iterable[int]) -> None:
        """Semicolons stand between columns where commas are decimal: there 1.100 is 1100, unless another cell says no.

        With other signs between columns it may be where whole numbers below a thousand are far above those with a point.
        """
        for i in numbers:
            cells = [(line, row[i].strip()) for line, row in self._table.sample(header) if i < len(row)]
            pointed = [(line, cell) for line, cell in cells if "." in cell]
            if pointed and all(_MAYBE_THOUSANDS.fullmatch(cell) for _, cell in pointed):
                line, cell = pointed[0]
                whole = [int(cell) for _, cell in cells if _WHOLE_BELOW_THOUSAND.fullmatch(cell)]
                is_far_above = max(whole, default=0) >= _FAR_ABOVE * max(float(cell) for _, cell in pointed)
                if self._table.text.delimiter != ";" and not is_far_above:
                    continue
                raise Place(self._table.file, line, header.names[i]).error(
                    f"{cell!r} is not a number beyond doubt: it can be {cell.replace('.', '')} or {cell}",
                    fix="Say --decimal point or --decimal comma.",
                )

    def _compare(self, columns: Columns, second: Sequence[int]) -> None:
        """Say where a second column of times disagrees with the one that was read."""
        for column in second:
            numbers = columns.numbers[column]
            scale = 10.0 ** (3 * round((np.log10(np.nanmedian(np.maximum(numbers, 1.0))) - 9.2) / 3))
            apart = np.abs(numbers / scale - columns.seconds)
            n_apart = int(np.count_nonzero(apart > _SECONDS_APART))
            if n_apart and not columns.times.is_local:
                name = columns.header[column]
                read = columns.header[self._time_of(columns)]
                self._table.say(
                    f"in {n_apart:,} rows the column {name!r} is up to {np.nanmax(apart):,.0f} s away from {read!r}, "
                    "which was read"
                )

    def _time_of(self, columns: Columns) -> int:
        return next((i for i, name in enumerate(columns.header) if time_rank(name) is not None and i not in columns.numbers), 0)

    def _settle_durations(
        self, columns: Columns, readings: dict[int, Reading], values: dict[int, FloatArray], services: int | None
    ) -> None:
        """Durations in seconds, whose unit their size beside the distance of rows tells; else they are left out."""
        column = next((i for i, reading in readings.items() if reading.meaning is Meaning.DURATION), None)
        if column is None or columns.header[column] in self._table.options.columns:
            return
        codes = rows_of(columns.names[services][1]) if services is not None else np.zeros(len(columns.seconds), dtype=np.int64)
        apart = usual_step_s(columns.seconds, codes)
        typical = float(np.nanmedian(values[column])) if not np.isnan(values[column]).all() else 0.0
        unit = next((u for u, per_s in EPOCH_UNITS.items() if apart and 1 / 3 < typical / per_s / apart < 3), None)
        name = columns.header[column]
        if unit is None:
            self._table.say(f"not used: {name!r}, which does not hold the time from row to row")
            del readings[column], values[column]
            return
        self._table.say(f"column {name!r} read as the time that a row holds, in {unit}; --column {name}=ignore overrules")
        values[column] = values[column] / EPOCH_UNITS[unit]

    def _metric(self, columns: Columns, column: int, reading: Reading, values: FloatArray, service: str | None) -> Metric:
        name = columns.header[column]
        return Metric(
            file=self._table.file,
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
        labels, label_codes = columns.names[pivot][0], rows_of(columns.names[pivot][1])
        self._names.update(labels)
        names: tuple[str, ...] = ("",)
        codes: AnyArray = np.zeros(len(label_codes), dtype=np.int64)
        if services is not None:
            names, codes = columns.names[services][0], rows_of(columns.names[services][1])
        unread = []
        for label_code, label in enumerate(labels):
            reading, service = self._label_reading(label)
            if reading is None:
                unread.append(label)
                continue
            self._table.say(f"{label!r} read as {reading}{f' of the service {service!r}' if service else ''}")
            for code, name in enumerate(names):
                rows = np.flatnonzero((label_codes == label_code) & (codes == code))
                if rows.size:
                    yield self._rows_metric(columns, column, rows, values[column][rows], reading, label, name or service)
        if unread:
            self._table.say(f"not used: {listed(repr(label) for label in unread)}")
        if len(unread) == len(labels):
            raise Place(self._table.file, column=columns.header[pivot]).error(
                f"nothing says what {listed(repr(label) for label in labels)} measure",
                fix="Say what one is with --column NAME=MEANING, or what all services measure with --values MEANING.",
            )

    def _label_reading(self, label: str) -> tuple[Reading | None, str | None]:
        """What a label measures, and of which service."""
        if label in self._table.options.columns:
            return self._table.options.columns[label], None
        reading = header_reading(label)
        if reading is not None and reading.meaning in MEASURES:
            return reading, None
        split = split_service(label)
        if split is not None and split[0].lower() not in NO_SERVICES:
            return split[1], split[0]
        reading = metric_reading(label, "")
        if reading is not None:
            return reading, None
        return self._table.options.values, label

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
        times = replace(columns.times, epoch_s=columns.times.epoch_s[rows], remarks=())
        return Metric(
            file=self._table.file,
            path=label,
            label=label,
            reading=reading,
            service=service or None,
            times=lambda: times,
            values=self._table.scaled(label, reading, values),
            place_of=lambda row: columns.place(int(rows[row]), column),
            unused_names=self._unused,
        )

    def _metrics_below_labels(self, header: Header) -> Content:
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
        if not any(service for _, service, _ in columns.values()):
            named = services_in_labels([header.labels[0][i] for i in columns], self._table.file)
            columns = {
                i: (reading, service, label) for (i, (reading, _, label)), service in zip(columns.items(), named, strict=True)
            }
        if not columns:
            raise Place(self._table.file, header.line).error(
                f"no column with a measure of load below the labels {listed(unread)}",
                fix="Say what one is with --column LABEL=MEANING.",
            )
        for reading, service, label in list(columns.values())[:20]:
            self._table.say(f"column {label!r} read as {reading}{f' of the service {service!r}' if service else ''}")
        if unread:
            self._table.say(f"not used: {listed(repr(name) for name in unread)}")
        readings = {i: one[0] for i, one in columns.items()}
        read = self._columns(header, {i: reading.meaning for i, reading in readings.items()}, (), readings)
        for remark in (*read.times.remarks, *zone_remarks(read.times, self._table.options)):
            self._table.say(remark)
        return [
            self._metric(read, i, reading, self._table.scaled(label, reading, read.numbers[i]), service)
            for i, (reading, service, label) in columns.items()
        ]

    def _labelled_reading(self, cells: dict[str, str], label: str) -> tuple[Reading, str | None] | None:
        for name in (label, *cells.values()):
            stated = self._table.options.columns.get(name)
            if stated is not None:
                return None if stated.meaning is Meaning.IGNORE else (stated, _cell_of(cells, _SERVICE_ROWS))
        statistic = _cell_of(cells, _STATISTIC_ROWS) or ""
        service = _cell_of(cells, _SERVICE_ROWS)
        query_id = _cell_of(cells, _ID_ROWS) or ""
        others = [cell for name, cell in cells.items() if name not in _SERVICE_ROWS | _STATISTIC_ROWS | _ID_ROWS]
        if any(is_of_another_service(cell) for cell in others):
            return None
        if metric_of_a_task(" ".join(others)) and statistic.lower() not in ("sum", "minimum"):
            raise one_value_per_task(Place(self._table.file, column=label))
        for cell in others:
            reading = header_reading(f"{cell} {statistic}".strip()) or metric_reading(f"{cell} {statistic}".strip(), query_id)
            if reading is not None and reading.meaning in MEASURES:
                return replace(reading, is_unit_said=True), service
        split = split_service(label)
        if split is not None and split[0].lower() not in NO_SERVICES and not service:
            return split[1], split[0]
        return None


def _cell_of(cells: dict[str, str], names: frozenset[str]) -> str | None:
    return next((cell for name, cell in cells.items() if name in names), None)
