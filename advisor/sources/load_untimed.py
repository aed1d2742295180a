"""Tables without a time column: rows at a stated interval, bare numbers, and one row a service with a column a step."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC
from pathlib import PurePath
from typing import Final

import numpy as np

from advisor.sources.load_columns import read_columns
from advisor.sources.load_content import HIGHEST_FRACTION, Content, LoadTable, Metric
from advisor.sources.load_header import Header, Table
from advisor.sources.load_numbers import NumberError, decimal_sign, parse_number
from advisor.sources.load_table import Row
from advisor.sources.meanings import PERCENTAGES, Meaning, Reading, header_reading
from advisor.sources.places import Place, listed
from advisor.sources.timestamps import Times, is_number
from advisor.units import FloatArray

_FEWEST_MINUTES: Final = 24
_MINUTES_OF_A_DAY: Final = 1_440


def without_times(table: Table, header: Header) -> Content:
    """A header and rows at a stated interval from a stated start."""
    if table.options.start is None or table.options.interval_s is None:
        raise _no_time_column(table, header)
    columns = read_columns(table, header)
    readings, services, pivot = columns.measured, columns.services, columns.pivot
    if services is not None or pivot is not None:
        raise _no_time_column(table, header)
    rows = list(table.text.rows(header.n_rows))
    times = _counted_times(table, len(rows))
    values = {i: table.scaled(header.names[i], r, _column(table, rows, i, r, header)) for i, r in readings.items()}

    def place_of(row: int) -> Place:
        return Place(table.file, rows[row][0])

    if columns.wide:
        return [
            Metric(
                file=table.file, path=header.names[i], label=header.names[i], reading=reading, service=columns.wide.get(i),
                times=lambda: times, values=values[i], place_of=place_of,
            )
            for i, reading in readings.items()
        ]  # fmt: skip
    return LoadTable(
        file=table.file,
        times=times,
        values={reading.meaning: values[i] for i, reading in readings.items()},
        origins={r.meaning: Place(table.file, header.line, header.names[i]) for i, r in readings.items()},
        place_of=place_of,
        options=table.options,
    )


def _no_time_column(table: Table, header: Header) -> Exception:
    names, head = header.names, table.text.head
    if any(is_number(name) for name in names):
        return Place(table.file, header.line).error(
            f"the first line is not a header but data ({listed(names)})",
            fix="Add a header such as timestamp,requests_per_second.",
        )
    hint = "" if len(head) < 3 else " Without times, give --start 2024-03-01T00:00Z and --interval 300."
    return Place(table.file, header.line).error(
        f"no time column among {listed(names)}",
        fix=f"Call it timestamp, or say which it is with --column NAME=time.{hint}",
    )


def _counted_times(table: Table, n_rows: int) -> Times:
    assert table.options.start is not None and table.options.interval_s is not None  # noqa: S101, PT018
    start, step = table.options.start, table.options.interval_s
    table.say(f"{n_rows:,} rows every {step} s from {start.astimezone(UTC).isoformat()}, as stated")
    return Times(int(start.timestamp()) + step * np.arange(n_rows, dtype=np.int64))


def _column(table: Table, rows: Sequence[Row], column: int, reading: Reading, header: Header) -> FloatArray:
    decimal = table.options.decimal or decimal_sign(row[column] for _, row in rows[:200] if column < len(row))
    values = np.empty(len(rows))
    for at, (line, row) in enumerate(rows):
        place = Place(table.file, line, header.names[column])
        if len(row) <= column:
            raise place.error(f"the row has {len(row)} cells, the header has {len(header.names)}", fix="Fill the row up.")
        try:
            needs_unit = reading.is_unit_in_cells
            values[at] = parse_number(row[column], reading.meaning, decimal, reading.factor, needs_unit=needs_unit)
        except NumberError as error:
            raise place.error(str(error), fix=error.fix) from None
    return values


def bare_numbers(table: Table, first: int, name: str) -> Content:
    """One number a line, without header and times."""
    options = table.options
    if options.values is None or options.start is None or options.interval_s is None:
        raise Place(table.file, table.text.head[0][0]).error(
            "one number a line, without header and times: nothing says what they measure, when and how often",
            fix="Give --values cpu_percent (or another meaning), --start 2024-03-01T00:00Z and --interval 300.",
        )
    header = Header(names=(name,), line=table.text.head[0][0], n_rows=first)
    rows = list(table.text.rows(first))
    values = table.scaled(name, options.values, _column(table, rows, 0, options.values, header))
    return LoadTable(
        file=table.file,
        times=_counted_times(table, len(rows)),
        values={options.values.meaning: values},
        origins={options.values.meaning: Place(table.file, header.line)},
        place_of=lambda row: Place(table.file, rows[row][0]),
        options=options,
    )


def minute_columns(names: tuple[str, ...]) -> list[int]:
    """Columns named 1, 2, 3 ...: one a step, where every row is a service."""
    numbered = [i for i, name in enumerate(names) if name.isdigit() and name.isascii() and len(name) <= 5]
    values = [int(names[i]) for i in numbered]
    first = values[0] if values else 0
    is_counted = values == list(range(first, first + len(values))) and first in (0, 1)
    return numbered if is_counted and len(values) >= _FEWEST_MINUTES else []


def row_per_function(table: Table, header: Header, minutes: list[int]) -> Content:
    options = table.options
    step = options.interval_s or (60 if len(minutes) == _MINUTES_OF_A_DAY else None)
    reading = options.values or header_reading(_last_word(PurePath(table.file).stem))
    missing = {"--start 2024-03-01T00:00Z": options.start, "--interval 60": step, "--values requests": reading}
    if any(value is None for value in missing.values()) or options.start is None or step is None or reading is None:
        needed = [flag for flag, value in missing.items() if value is None]
        raise Place(table.file, header.line).error(
            f"{len(minutes):,} columns are numbered, one a step, and nothing says when they begin or what they count",
            fix=f"Give {' and '.join(needed)}.",
        )
    rows = list(table.text.rows(header.n_rows))
    entity = _entity_column(table, header, minutes, rows)
    table.say(f"one row a service, named by {header.names[entity]!r}; {len(minutes):,} steps of {step} s, read as {reading}")
    times = Times(int(options.start.timestamp()) + step * np.arange(len(minutes), dtype=np.int64))
    values = _scaled_rows(table, header, minutes, rows, reading)
    return [
        Metric(
            file=table.file, path=f"line {line}", label=row[entity].strip(), reading=reading, service=row[entity].strip(),
            times=lambda: times, values=of_row, place_of=_constant_place(table, line),
        )
        for (line, row), of_row in zip(rows, values, strict=True)
    ]  # fmt: skip


def _scaled_rows(table: Table, header: Header, minutes: Sequence[int], rows: Sequence[Row], reading: Reading) -> FloatArray:
    """(rows, steps): in the unit of the meaning. A share is told from a fraction by all rows: one may be of an idle service."""
    values = np.empty((len(rows), len(minutes)))
    for number, (line, row) in enumerate(rows):
        if len(row) < len(header.names):
            raise Place(table.file, line).error(
                f"the row has {len(row)} cells, the header has {len(header.names)}",
                fix="Give every row one cell per column.",
            )
        for at, column in enumerate(minutes):
            try:
                values[number, at] = parse_number(row[column], reading.meaning, table.options.decimal, reading.factor)
            except NumberError as error:
                raise Place(table.file, line, header.names[column]).error(str(error), fix=error.fix) from None
    highest = float(np.nan_to_num(np.fmax.reduce(values, axis=None, initial=0.0)))
    is_stated = table.options.values is not None or reading.is_unit_said or reading.factor != 1
    if reading.meaning in PERCENTAGES and 0 < highest <= HIGHEST_FRACTION and not is_stated:
        share = str(reading.meaning).replace("percent", "fraction")
        raise Place(table.file, header.line).error(
            f"the highest value is {highest:g}, and nothing says whether it is {highest:g} percent or a fraction of 1, "
            f"{100 * highest:g} percent",
            fix=f"Say --values {reading.meaning} or --values {share}.",
        )
    return table.scaled(PurePath(table.file).name, reading, values.ravel()).reshape(values.shape)


def _constant_place(table: Table, line: int) -> Callable[[int], Place]:
    return lambda _: Place(table.file, line)


def _entity_column(table: Table, header: Header, minutes: Sequence[int], rows: Sequence[Row]) -> int:
    """The column that names the service of each row: as stated, or the last that differs in every row."""
    others = [i for i in range(len(header.names)) if i not in minutes]
    for i in others:
        reading = table.options.columns.get(header.names[i]) or header_reading(header.names[i])
        if reading is not None and reading.meaning is Meaning.SERVICE:
            return i
    telling = [i for i in others if len({row[i] for _, row in rows if i < len(row)}) == len(rows)]
    if not telling:
        raise Place(table.file, header.line).error(
            "no column tells the rows apart", fix="Say which holds the service's name with --column NAME=service."
        )
    return telling[-1]


def _last_word(stem: str) -> str:
    words = re.findall(r"[A-Za-z]+", stem)
    return words[-1] if words else ""
