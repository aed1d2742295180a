"""Load from CSV: a header, one time column, and columns told by their names; one service, or a ``service`` column."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from advisor.sources.input_files import Place, listed, shown
from advisor.sources.meanings import MEASURES, PERCENTAGES, Meaning, header_meaning, time_rank
from advisor.sources.series import Records
from advisor.sources.timestamps import parse_times
from advisor.units import FloatArray, IntArray

_DELIMITERS: Final = (";", ",", "\t")
_MISSING: Final = frozenset({"", "na", "n/a", "#n/a", "none", "null", "-", "nan"})
_NUMBER_FIX: Final = "Write a plain number such as 12.5, or leave the cell empty where nothing was measured."


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """What the user says about load files, against what their names and cells say."""

    time_zone: ZoneInfo | None = None
    """Of times that carry none."""
    columns: Mapping[str, Meaning] = field(default_factory=dict)
    """Meaning by name of column or metric."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadCsv:
    """A CSV file of load, as it was understood."""

    file: str
    times_s: IntArray
    values: Mapping[Meaning, FloatArray]
    origins: Mapping[Meaning, Place]
    header: tuple[str, ...]
    service_names: tuple[str, ...]
    """Services in alphabetical order; empty without a ``service`` column."""
    service_codes: IntArray
    """(rows,): number of each row's service; empty without a ``service`` column."""
    remarks: tuple[str, ...]
    """What was recognised or assumed: sentences that name the file."""
    table: "_Table"

    def records_of(self, service: str) -> Records:
        """Rows of one service; all rows where no column says which service they belong to.

        Raises
        ------
        InputError
            When the file tells services apart and does not hold this one.
        """
        if not self.service_names:
            return Records(
                label=self.file, times_s=self.times_s, values=self.values, origins=self.origins, place_of=self.table.row_place
            )
        if service not in self.service_names:
            near = get_close_matches(service, self.service_names, n=1)
            meant = f"Did you mean {near[0]!r}? " if near else ""
            raise self.origins[Meaning.SERVICE].error(
                f"no row belongs to the service {service!r}", fix=f"{meant}The file holds {listed(self.service_names)}."
            )
        rows = np.flatnonzero(self.service_codes == self.service_names.index(service))
        return Records(
            label=f"{self.file} ({service})",
            times_s=self.times_s[rows],
            values={meaning: column[rows] for meaning, column in self.values.items()},
            origins=self.origins,
            place_of=lambda row: self.table.row_place(int(rows[row])),
        )

    def first_place_of(self, service: str) -> Place:
        """The first row of a service."""
        row = int(np.argmax(self.service_codes == self.service_names.index(service)))
        return self.table.place(row, self.origins[Meaning.SERVICE].column)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Table:
    file: str
    text: str
    delimiter: str
    header: tuple[str, ...]
    header_line: int
    columns: Sequence[tuple[str, ...]]

    def row_place(self, row: int) -> Place:
        return self.place(row, None)

    def place(self, row: int, column: str | int | None) -> Place:
        """Where a row stands. Counts lines again, which only a message asks for."""
        for number, (line, _) in enumerate(_numbered_rows(self.text, self.delimiter)):
            if number == row + 1:
                return Place(self.file, line, column)
        return Place(self.file, None, column)


def parse_load_csv(text: str, file: str, options: LoadOptions) -> LoadCsv:
    """Load from the text of a CSV file.

    Raises
    ------
    InputError
        Naming line, column and fix, when there is no time column or nothing measured, or a cell is not what its column says.
    """
    table = _table(text, file)
    time_column = _time_column(table, options)
    meanings, remarks = _meanings(table, time_column, options)
    if table.columns == []:
        raise Place(file, table.header_line).error(
            "there is a header and no row below it", fix="Export at least two weeks of load."
        )
    times = parse_times(table.columns[time_column], lambda row: table.place(row, table.header[time_column]), options.time_zone)
    names, codes = (
        _service_codes(table, meanings[Meaning.SERVICE]) if Meaning.SERVICE in meanings else ((), np.array([], dtype=np.int64))
    )
    values: dict[Meaning, FloatArray] = {}
    for meaning, column in meanings.items():
        if meaning in MEASURES:
            values[meaning] = _numbers(table, column)
            remarks.extend(_percent_remarks(file, meaning, values[meaning]))
    return LoadCsv(
        file=file,
        times_s=times.epoch_s,
        values=values,
        origins={meaning: Place(file, table.header_line, table.header[column]) for meaning, column in meanings.items()},
        header=table.header,
        service_names=names,
        service_codes=codes,
        remarks=(*(f"{file}: {remark}." for remark in times.remarks), *remarks),
        table=table,
    )


def _table(text: str, file: str) -> _Table:
    delimiter = _delimiter(text)
    rows: list[list[str]] = []
    header_line = 0
    for line, row in _numbered_rows(text, delimiter, file):
        header_line = header_line or line
        rows.append(row)
    if not rows:
        raise Place(file).error("the file is empty", fix="Export the load again: a header, a time column, one measured column.")
    header = tuple(name.strip() for name in rows[0])
    table = _Table(file=file, text=text, delimiter=delimiter, header=header, header_line=header_line, columns=[])
    width = len(header)
    if set(map(len, rows)) != {width}:
        rows = [_fitted(row, width, number, table) for number, row in enumerate(rows)]
    columns = list(zip(*rows[1:], strict=True))
    return _Table(file=file, text=text, delimiter=delimiter, header=header, header_line=header_line, columns=columns)


def _delimiter(text: str) -> str:
    first = (text.lstrip("\r\n ")[:100_000].splitlines() or [""])[0]
    if first.lower().startswith("sep=") and len(first) == len("sep=;"):
        return first[4]
    unquoted = "".join(first.split('"')[::2])
    return max(_DELIMITERS, key=unquoted.count)


def _numbered_rows(text: str, delimiter: str, file: str = "") -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, each with the line it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    line = 1
    try:
        for row in reader:
            if any(row) and not (line == 1 and row[0].lower().startswith("sep=")):
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise Place(file, line).error(
            f"not a readable CSV row ({error})", fix="Check the quotation marks from this line on."
        ) from None


def _fitted(row: list[str], width: int, number: int, table: _Table) -> list[str]:
    if len(row) == width:
        return row
    if len(row) > width and not any(cell.strip() for cell in row[width:]):
        return row[:width]
    hint = " A decimal comma needs quotation marks or a semicolon between columns." if len(row) > width else ""
    raise table.place(number - 1, None).error(
        f"the row has {len(row)} cell{'s' if len(row) != 1 else ''}, the header has {width}",
        fix=f"Give every row one cell per column.{hint}",
    )


def _time_column(table: _Table, options: LoadOptions) -> int:
    stated = [i for i, name in enumerate(table.header) if options.columns.get(name) is Meaning.TIME]
    ranked = sorted(
        (rank, i)
        for i, name in enumerate(table.header)
        if (rank := time_rank(name)) is not None and name not in options.columns
    )
    if stated or ranked:
        return stated[0] if stated else ranked[0][1]
    if any(name.replace(".", "").isdigit() for name in table.header):
        problem = f"the first line is not a header but data ({listed(table.header)})"
        raise Place(table.file, table.header_line).error(problem, fix="Add a header such as timestamp,requests_per_second.")
    raise Place(table.file, table.header_line).error(
        f"no time column among {listed(table.header)}",
        fix="Call it timestamp, or say which it is with --column NAME=time.",
    )


def _meanings(table: _Table, time_column: int, options: LoadOptions) -> tuple[dict[Meaning, int], list[str]]:
    """Column of each meaning, and what has to be said about it."""
    found: dict[Meaning, int] = {}
    remarks: list[str] = []
    ignored: list[str] = []
    is_stated = [name in options.columns for name in table.header]
    for column in sorted(range(len(table.header)), key=lambda i: not is_stated[i]):
        name = table.header[column]
        meaning = options.columns[name] if is_stated[column] else header_meaning(name)
        if column == time_column:
            continue
        if (
            meaning is None
            or meaning is Meaning.IGNORE
            or (meaning in found and is_stated[found[meaning]] and not is_stated[column])
        ):
            ignored.append(name)
        elif meaning in found or meaning is Meaning.TIME:
            first = table.header[found.get(meaning, time_column)]
            raise Place(table.file, table.header_line, name).error(
                f"the columns {first!r} and {name!r} both read as {meaning}",
                fix=f"Leave one out, or say --column '{name}=ignore'.",
            )
        else:
            found[meaning] = column
            if name.lower() not in (meaning, f"{meaning}_average"):
                remarks.append(f"{table.file}: column {name!r} read as {meaning}.")
    if ignored:
        remarks.append(f"{table.file}: not used: {listed(sorted(repr(name) for name in ignored))}.")
    if not any(meaning in MEASURES for meaning in found):
        raise Place(table.file, table.header_line).error(
            f"no column with a measure of load among {listed(table.header)}",
            fix=f"Name it {', '.join(MEASURES)}, or say what it is with --column NAME=MEANING.",
        )
    return found, remarks


def _service_codes(table: _Table, column: int) -> tuple[tuple[str, ...], IntArray]:
    """Services in alphabetical order, and the number of each row's service."""
    cells = [cell.strip() for cell in table.columns[column]]
    names = sorted(set(cells))
    if "" in names:
        raise table.place(cells.index(""), table.header[column]).error(
            "the row does not say which service it belongs to", fix="Fill in the service's name, or leave the row out."
        )
    code_of = {name: code for code, name in enumerate(names)}
    return tuple(names), np.array([code_of[cell] for cell in cells])


def _numbers(table: _Table, column: int) -> FloatArray:
    """Numbers of a column that cannot be negative; NaN where a cell is empty or marked as missing."""
    cells = table.columns[column]
    numbers = _floats(cells)
    if numbers is None:
        numbers = _floats(["nan" if cell.strip().lower() in _MISSING else cell for cell in cells])
    if numbers is None:
        row = next(i for i, cell in enumerate(cells) if cell.strip().lower() not in _MISSING and _floats([cell]) is None)
        raise table.place(row, table.header[column]).error(f"{shown(cells[row])} is not a number", fix=_NUMBER_FIX)
    bad = np.flatnonzero((numbers < 0) | np.isinf(numbers))
    if bad.size:
        row = int(bad[0])
        problem = "is negative" if np.isfinite(numbers[row]) else "is not finite"
        raise table.place(row, table.header[column]).error(f"{shown(cells[row])} {problem}; a load cannot be", fix=_NUMBER_FIX)
    return numbers


def _floats(cells: Sequence[str]) -> FloatArray | None:
    """The numbers in cells; None when one is none. Python reads 1_000 as a number, a load file does not."""
    if "_" in "".join(cells):
        return None
    try:
        return np.array([float(cell) for cell in cells])
    except ValueError:
        return None


def _percent_remarks(file: str, meaning: Meaning, values: FloatArray) -> Iterator[str]:
    """Percentages that may be meant otherwise are said, not changed."""
    if meaning not in PERCENTAGES or np.isnan(values).all():
        return
    highest = float(np.nanmax(values))
    if 0 < highest <= 1:
        yield f"{file}: the highest {meaning} is {highest:g}: read as percent, not as a fraction of 1."
    n_above = int(np.count_nonzero(values > 100))
    if n_above:
        yield f"{file}: values of {meaning} above 100 percent ({n_above:,}, up to {highest:g}) were kept."
