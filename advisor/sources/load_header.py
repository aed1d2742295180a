"""Which rows of a table are its header, and which columns make the time."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from advisor.sources.load_content import HIGHEST_FRACTION, HIGHEST_PERCENT
from advisor.sources.load_numbers import MISSING
from advisor.sources.load_options import LoadOptions
from advisor.sources.load_table import Row, TableText
from advisor.sources.meanings import PERCENTAGES, Meaning, Reading, header_reading, time_rank
from advisor.sources.places import Place, listed, plain
from advisor.sources.timestamps import is_number, looks_like_time
from advisor.units import FloatArray

_CLOCK_ONLY: Final = re.compile(
    r"\d{1,2}(?::\d{2}){1,2}(?:[.,]\d+)?(?:\s*[AaPp]\.?[Mm]\.?)?(?:\s*[-\u2013]\s*\d{1,2}:\d{2})?|\d{1,2}"
)
_DATE_PARTS: Final = (("year", "yr"), ("month", "mo"), ("day", "dayofmonth"), ("hour", "hr", "hourofday"), ("minute",))
_MOST_HEADER_ROWS: Final = 40
_LIKE_A_NUMBER: Final = re.compile(r"[+-]?[\d.,' \u00a0]*\d[eE\d+-]*\s*%?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The rows above the data."""

    names: tuple[str, ...]
    line: int
    n_rows: int
    """Rows of the head that are no data."""
    labels: tuple[tuple[str, ...], ...] = ()
    """Rows of labels, where several rows stand above the data."""
    time: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of text with what the user says of it, and where to say what was recognised."""

    text: TableText
    file: str
    options: LoadOptions
    notes: list[str]

    def say(self, remark: str) -> None:
        self.notes.append(f"{self.file}: {remark}.")

    def sample(self, header: Header) -> list[Row]:
        """Rows below the header, the first hundred of the head."""
        return [(line, row) for line, row in self.text.head[header.n_rows :] if len(row) >= len(header.names)][:100]

    def scaled(
        self, name: str, reading: Reading, values: FloatArray, row_of: Callable[[int], int] = lambda at: at
    ) -> FloatArray:
        """Values in the unit of their meaning. A share whose unit nothing tells is refused where it may be a fraction.

        ``row_of`` tells the row of the file in which a value stands.
        """
        if reading.meaning in PERCENTAGES and reading.factor == 1 and len(values):
            self._check_share(name, reading, values, row_of)
        return values if reading.factor == 1 else values * reading.factor

    def _check_share(self, name: str, reading: Reading, values: FloatArray, row_of: Callable[[int], int]) -> None:
        highest = float(np.nan_to_num(np.fmax.reduce(values)))
        if 0 < highest <= HIGHEST_FRACTION:
            if not reading.is_unit_said and name not in self.options.columns:
                share = str(reading.meaning).replace("percent", "fraction")
                raise Place(self.file, column=name).error(
                    f"the highest value is {highest:g}, and nothing says whether it is {highest:g} percent or a fraction of 1, "
                    f"{100 * highest:g} percent",
                    fix=f"Say --column '{plain(name)}={reading.meaning}' or --column '{plain(name)}={share}'.",
                )
            self.say(f"the highest {reading.meaning} is {highest:g}: read as percent, not as a fraction of 1")
        if highest > HIGHEST_PERCENT:
            row = min(map(row_of, np.flatnonzero(values == highest).tolist()))
            raise Place(self.file, column=name).error(
                f"{highest:g} percent (value {row + 1:,} of the column) is over {HIGHEST_PERCENT / 100:g} times what a task "
                "has",
                fix=f"Check the unit, such as --column '{plain(name)}=cpu_units', or leave the column out with "
                f"--column '{plain(name)}=ignore'.",
            )
        n_above = int(np.count_nonzero(values > 100))
        if n_above:
            self.say(f"values of {reading.meaning} above 100 percent ({n_above:,}, up to {highest:g}) were kept")


def read_header(table: Table) -> Header:
    """The header of a table with at least one row.

    Raises
    ------
    InputError
        The first row is data.
    """
    head = table.text.head
    named = _named_time_row(table)
    if named is not None:
        at, names = named
        if _are_labels(table, at):
            n_rows = next((i for i, (_, row) in enumerate(head) if i > at and begins_with_time(row)), at + 1)
            return _labelled(table, n_rows if n_rows < _MOST_HEADER_ROWS else at + 1)
        if at:
            table.say(f"{at} line{'s' if at > 1 else ''} above the header left out")
        header = Header(names=names, line=head[at][0], n_rows=at + 1)
        return replace(header, time=_time_columns(table, header))
    first = next((i for i, (_, row) in enumerate(head[:_MOST_HEADER_ROWS]) if begins_with_time(row)), None)
    if first == 0:
        names = tuple(cell.strip() for cell in head[0][1])
        raise Place(table.file, head[0][0]).error(
            f"the first line is not a header but data ({listed(names)})",
            fix="Add a header such as timestamp,requests_per_second.",
        )
    if first is not None and first > 1 and len(head[first][1]) > 1:
        return _labelled(table, first)
    names = tuple(cell.strip() for cell in head[0][1])
    header = Header(names=names, line=head[0][0], n_rows=1)
    return replace(header, time=_time_columns(table, header))


def _named_time_row(table: Table) -> tuple[int, tuple[str, ...]] | None:
    """The first row with the name of a time column, which the user states or which is known."""
    stated = {name for name, reading in table.options.columns.items() if reading.meaning is Meaning.TIME}
    for at, (_, row) in enumerate(table.text.head[:_MOST_HEADER_ROWS]):
        names = tuple(cell.strip() for cell in row)
        if begins_with_time(row):
            return None
        if stated & set(names):
            return at, names
        if not stated and (any(time_rank(name) is not None for name in names) or _date_parts(names)):
            return at, names
    return None


def _are_labels(table: Table, at: int) -> bool:
    """Whether the rows above a header tell what its columns are, and the header does not."""
    rows = [row for _, row in table.text.head[: at + 1]]
    if at == 0 or any(len(row) != len(rows[-1]) for row in rows) or len(rows[-1]) < 2:
        return False
    return not any(header_reading(cell.strip()) for cell in rows[-1][1:]) and any(cell.strip() for cell in rows[0][1:])


def _labelled(table: Table, n_rows: int) -> Header:
    rows = table.text.head[:n_rows]
    width = len(table.text.head[n_rows][1]) if n_rows < len(table.text.head) else max(len(row) for _, row in rows)
    labels = tuple(tuple(cell.strip() for cell in row) for _, row in rows if len(row) == width)
    if not labels:
        labels = (tuple([""] * width),)
    table.say(f"{n_rows} rows of labels above the data")
    return Header(names=_label_names(labels), line=rows[-1][0], n_rows=n_rows, labels=labels, time=(0,))


def _time_columns(table: Table, header: Header) -> tuple[int, ...]:
    """Columns that make the time; empty where none does."""
    names, options = header.names, table.options
    stated = [i for i, name in enumerate(names) if name in options.columns and options.columns[name].meaning is Meaning.TIME]
    if len(stated) > 1:
        return tuple(stated)
    sample = table.sample(header)
    parts = _date_parts(names)
    if parts and not stated:
        table.say(f"time built from the columns {listed(names[i] for i in parts)}")
        return parts
    ranks = {i: rank for i, name in enumerate(names) if (rank := time_rank(name)) is not None and name not in options.columns}
    ranked = stated or sorted(ranks, key=lambda i: (ranks[i], i))
    if not ranked:
        found = [i for i in range(len(names)) if names[i] not in options.columns and all_times(sample, i)]
        if len(found) == 1 and len(sample):
            table.say(f"column {names[found[0]]!r} read as time: its cells are dates")
            return (found[0],)
        return ()
    readable = [i for i in ranked if all_times(sample, i)]
    best = ranked[0]
    whole = [i for i in readable if not all(_is_date(row[i].strip()) for _, row in sample)]
    if not stated and whole and best in readable:
        best = whole[0]
    if not stated and readable and not all_times(sample, best) and any_numbers(sample, best):
        best = readable[0]
    return _joined_with_date(table, best, ranked, names, sample) if sample else (best,)


def _joined_with_date(
    table: Table, best: int, ranked: Sequence[int], names: tuple[str, ...], sample: Sequence[Row]
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
    table.say(f"time built from the columns {names[pair[0]]!r} and {names[pair[1]]!r}")
    return pair


def _label_names(labels: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """A name of each column: its labels, each once."""
    return tuple(" ".join(dict.fromkeys(filter(None, cells))) for cells in zip(*labels, strict=True))


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


def begins_with_time(row: Sequence[str]) -> bool:
    cell = row[0].strip()
    return looks_like_time(cell) or (is_number(cell) and is_plain_number(cell) and 1e8 <= float(cell) < 1e19)


def is_plain_number(cell: str) -> bool:
    return re.fullmatch(r"\s*\d+(?:[.,]\d+)?\s*", cell) is not None and cell.isascii()


def _is_date(cell: str) -> bool:
    return looks_like_time(cell) and ":" not in cell and re.search(r"\d[T ]\d", cell) is None


def all_times(sample: Sequence[Row], column: int) -> bool:
    cells = [row[column] for _, row in sample if column < len(row) and row[column].strip()]
    return bool(cells) and all(looks_like_time(cell) for cell in cells)


def any_numbers(sample: Sequence[Row], column: int) -> bool:
    return any(is_number(row[column]) for _, row in sample if column < len(row))


def all_numbers(sample: Sequence[Row], column: int) -> bool:
    """Whether the cells of a column can be numbers, and there are any."""
    can_be = _can_be_numbers(sample, column)
    return bool(can_be) and all(can_be)


def most_numbers(sample: Sequence[Row], column: int) -> bool:
    """Whether most cells of a column can be numbers: the others are said where they stand; True without any."""
    can_be = _can_be_numbers(sample, column)
    return 2 * sum(can_be) > len(can_be) or not can_be


def _can_be_numbers(sample: Sequence[Row], column: int) -> list[bool]:
    """Of each cell that is not marked as missing, whether it can be a number."""
    cells = (row[column].strip() for _, row in sample if column < len(row))
    return [_LIKE_A_NUMBER.fullmatch(cell) is not None for cell in cells if cell.lower() not in MISSING]
