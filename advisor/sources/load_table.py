"""Tables as text, read in blocks: rows of cells become columns of times, numbers and names in memory that cells do not take."""

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

import numpy as np

from advisor.errors import InputError
from advisor.sources.cell_names import KnownNames, Names
from advisor.sources.cell_numbers import plain_numbers
from advisor.sources.cell_times import plain_times
from advisor.sources.grouping import Grouping, Part, Repeated, joined
from advisor.sources.input_files import count_lines
from advisor.sources.load_cells import Block, split_block
from advisor.sources.load_numbers import NumberError, parse_number
from advisor.sources.meanings import Meaning
from advisor.sources.places import Place, shown
from advisor.sources.timestamps import TimeOptions, Times, epoch_times, is_number, mixed_zones, parse_times
from advisor.units import FloatArray, IntArray

_HEAD_ROWS: Final = 200
_AHEAD: Final = 4
"""Blocks that are decoded before they are needed."""
_WORKERS: Final = 2
_LONGEST_CELL: Final = 1 << 24
"""An open quotation mark is looked for this far. [bytes]"""
Row = tuple[int, list[str]]
"""A row, and the line on which it begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which columns of a table are read, and as what."""

    time: tuple[int, ...]
    """One column, date and time, or year, month, day, hour and minute."""
    numbers: Mapping[int, Meaning]
    names: tuple[int, ...]
    decimal: str | None
    factors: Mapping[int, float] = field(default_factory=dict)
    """What a column is multiplied by afterwards, for the unit in its header."""
    with_units: frozenset[int] = frozenset()
    """Columns of numbers whose cells alone tell their unit."""
    grouped_by: int | None = None
    """The column of ``names`` whose rows are put together."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """What was read of a table."""

    file: str
    header: tuple[str, ...]
    times: Times
    """Of each row; of the rows of one text of the grouping where ``has_shared_times`` says that the others have the same."""
    numbers: dict[int, FloatArray]
    names: Mapping[int, tuple[tuple[str, ...], Part]]
    """Texts in alphabetical order, and (rows,) the number of each row's text."""
    line_of: Callable[[int], int]
    """Line of a row of the file."""
    grouping: Grouping | None = None
    """How rows were put together, text by text of one column; None where they stand as in the file."""
    has_shared_times: bool = False

    @property
    def seconds(self) -> IntArray:
        """(rows,): seconds since 1970."""
        times_s = self.times.epoch_s
        return np.tile(times_s, len(self.grouping.bounds) - 1) if self.grouping and self.has_shared_times else times_s

    @property
    def bounds(self) -> IntArray | None:
        """(texts + 1,): where the rows of each text begin, where they were put together."""
        return None if self.grouping is None else self.grouping.bounds

    @property
    def row_of(self) -> Callable[[int], int]:
        """Row of the file of a value."""
        grouping = self.grouping
        return (lambda at: at) if grouping is None else grouping.row_of

    @property
    def line_place(self) -> Callable[[int], Place]:
        """Where a value stands, without holding on to the columns."""
        file, line_of, row_of = self.file, self.line_of, self.row_of
        return lambda at: Place(file, line_of(row_of(at)))

    def place(self, at: int, column: int | None = None) -> Place:
        """Where a value stands."""
        return Place(self.file, self.line_of(self.row_of(at)), None if column is None else self.header[column])


class TableText:
    """The text of a table: its first rows, and then all rows below a header."""

    def __init__(self, blocks: Iterable[bytes], file: str, delimiter: str | None) -> None:
        self._blocks = iter(blocks)
        self.file = file
        self._first = next(self._blocks, b"")
        self.delimiter = delimiter or _delimiter(self._first.decode("utf-8"))
        self.head: list[Row] = []
        """The first rows that are not blank."""
        self._ends: list[int] = []
        try:
            for line, end, row in _rows(self._first, self.delimiter, 1, file):
                if any(cell.strip() for cell in row) and not (not self.head and row[0].lower().startswith("sep=")):
                    self.head.append((line, row))
                    self._ends.append(end)
                if len(self.head) == _HEAD_ROWS:
                    break
        except csv.Error:  # An open quotation mark may close in the next block; if not, the columns say where it stands.
            pass

    def rows(self, first: int) -> Iterator[Row]:
        """All rows from number ``first`` of the head on, cells as text."""
        line = self._first_line(first)
        for text in self._parts(first):
            if text.lstrip(b"\n"):
                yield from ((at, row) for at, _, row in _checked_rows(text, self.delimiter, line, self.file) if any(row))
            line += count_lines(text)

    def columns(self, first: int, header: tuple[str, ...], wanted: Wanted, options: TimeOptions) -> Columns:
        """Columns of the rows from number ``first`` of the head on, of which there is at least one.

        Raises
        ------
        InputError
            Naming line and column of a cell that is not what its column holds.
        """
        builder = _Builder(self.file, header, wanted, self._first_line(first))

        def decoded(text: bytes) -> _Part | InputError:
            try:
                return _decoded(text, self, header, wanted, builder.known)
            except InputError as error:
                return error

        for one in _mapped(decoded, self._parts(first)):
            builder.add(one)
        return builder.columns(options)

    def _first_line(self, first: int) -> int:
        return self._ends[first - 1] + 1 if first else 1

    def _parts(self, first: int) -> Iterator[bytes]:
        """Blocks of whole rows from a row of the head on."""
        skipped = 0
        for _ in range(self._first_line(first) - 1):
            skipped = self._first.index(b"\n", skipped) + 1
        pending = b""
        for block in chain((self._first[skipped:],), self._blocks):
            pending = pending + block if pending else block
            if b'"' in pending and pending.count(b'"') % 2 and len(pending) < _LONGEST_CELL:
                continue
            yield pending
            pending = b""
        if pending:
            yield pending


def _mapped(function: "Callable[[bytes], _Decoded]", parts: Iterator[bytes]) -> "Iterator[_Decoded]":
    """The function of each part, in order; several at a time where there are several."""
    first = next(parts, None)
    second = next(parts, None)
    if first is not None and second is None:
        yield function(first)
    if first is None or second is None:
        return
    with ThreadPoolExecutor(_WORKERS) as pool:
        waiting: deque[Future[_Decoded]] = deque(pool.submit(function, part) for part in (first, second))
        try:
            for part in parts:
                waiting.append(pool.submit(function, part))
                if len(waiting) > _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _delimiter(text: str) -> str:
    first = (text.lstrip("\r\n ")[:100_000].splitlines() or [""])[0]
    if first.lower().startswith("sep=") and len(first) == len("sep=;"):
        return first[4]
    lines = ["".join(line.split('"')[::2]) for line in text[:100_000].splitlines()[:30] if line.strip()] or [""]
    marked = [line for line in lines if not line.startswith("#") and any(mark in line for mark in (*_DELIMITERS, "|"))]
    header = (marked or lines)[0]
    counts = {mark: header.count(mark) for mark in _DELIMITERS}
    best = max(counts, key=lambda mark: counts[mark])
    if counts[best] == 0 and "|" in header:
        return "|"
    return best


_DELIMITERS: Final = (";", ",", "\t")


def _rows(text: bytes, delimiter: str, first_line: int, file: str) -> Iterator[tuple[int, int, list[str]]]:
    """First line, last line and cells of each row."""
    lines = text.decode("utf-8").split("\n")
    reader = csv.reader((line + "\n" for line in lines[:-1]), delimiter=delimiter, skipinitialspace=True, strict=True)
    line = first_line
    for row in reader:
        yield line, first_line + reader.line_num - 1, row
        line = first_line + reader.line_num


def _checked_rows(text: bytes, delimiter: str, first_line: int, file: str) -> Iterator[tuple[int, int, list[str]]]:
    line = first_line
    try:
        for line, end, row in _rows(text, delimiter, first_line, file):
            yield line, end, row
            line = end + 1
    except csv.Error as error:
        raise Place(file, line).error(
            f"not a readable CSV row ({error})", fix="Check the quotation marks from this line on."
        ) from None


@dataclass(frozen=True, slots=True)
class _Coded:
    """Texts that occur, the row of each one's first place, and the text of each row."""

    texts: tuple[str, ...]
    first_rows: list[int]
    codes: IntArray


@dataclass(slots=True)
class _Part:
    """What was read of a block; lines count from its start."""

    n_rows: int
    n_lines: int
    lines: IntArray | None = None
    """(rows,): line of each; None where every line is a row."""
    seconds: IntArray | Repeated | None = None
    has_zone: bool = False
    epochs: FloatArray | None = None
    cells: _Coded | None = None
    numbers: dict[int, FloatArray] = field(default_factory=dict)
    names: dict[int, _Coded] = field(default_factory=dict)

    def line_of(self, row: int) -> int:
        return row if self.lines is None else int(self.lines[row])


_Decoded = _Part | InputError
"""An error waits until its block comes up, and until it is known how many lines stand before it."""


def _decoded(text: bytes, table: TableText, header: tuple[str, ...], wanted: Wanted, known: Mapping[int, KnownNames]) -> _Part:
    if not text.lstrip(b"\n"):  # Python would take a second for each million of blank lines.
        return _Part(0, count_lines(text))
    block = split_block(text, len(header), table.delimiter)
    if block is None:
        return _decoded_rows(text, table, header, wanted)
    part = _Part(len(block.line_starts), len(block.line_starts))
    _read_times(block, part, wanted)
    for column, meaning in wanted.numbers.items():
        numbers, hard = plain_numbers(block, column, wanted.decimal or ".")
        if column in wanted.with_units:
            hard |= numbers != 0
        starts, ends = block.cells(column)
        for row in np.flatnonzero(hard).tolist():
            cell = block.text(int(starts[row]), int(ends[row]))
            numbers[row] = _number(cell, meaning, wanted, column, Place(table.file, row, header[column]))
        part.numbers[column] = numbers
    for column in wanted.names:
        codes = known[column].codes(block, column) if column in known else None
        part.names[column] = _block_coded(block, column) if codes is None else _Coded((), [], codes)
    return part


def _read_times(block: Block, part: _Part, wanted: Wanted) -> None:
    if len(wanted.time) == 1:
        column = wanted.time[0]
        plain = plain_times(block, column)
        if plain is not None:
            part.seconds, part.has_zone = plain
            return
        starts, ends = block.cells(column)
        if is_number(block.text(int(starts[0]), int(ends[0]))):
            numbers, hard = plain_numbers(block, column, ".")
            if not hard.any():
                part.epochs = numbers
                return
        part.cells = _block_coded(block, column)
        return
    bounds = [block.cells(column) for column in wanted.time]
    rows = zip(*(_texts(block, starts, ends) for starts, ends in bounds), strict=True)
    part.cells = _coded(joined_time(cells) for cells in rows)


def _block_coded(block: Block, column: int) -> "_Coded":
    names = Names()
    codes = names.block_codes(block, column, 0)
    return _Coded(names.texts, names.first_rows, codes)


def _texts(block: Block, starts: IntArray, ends: IntArray) -> list[str]:
    return [block.text(start, end).strip() for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


def joined_time(cells: Sequence[str]) -> str:
    """One text of a time whose parts stand in several cells: date and time, or year, month, day, hour and minute."""
    if len(cells) == 1:
        return cells[0].strip()
    if len(cells) == 2:
        clock = cells[1].strip()
        return f"{cells[0].strip()} {f'{int(clock):02}:00' if clock.isdecimal() and len(clock) <= 2 else clock}".strip()
    parts = [cell.strip().removesuffix(".0") for cell in cells]
    if not all(part.isdecimal() for part in parts):
        return " ".join(parts)
    date = f"{parts[0]}-{int(parts[1]):02}-{int(parts[2]):02}"
    clock = f"{int(parts[3]) if len(parts) > 3 else 0:02}:{int(parts[4]) if len(parts) > 4 else 0:02}"
    return f"{date} {clock}"


def _coded(texts: Iterable[str]) -> _Coded:
    names = Names()
    codes = names.codes(list(texts), 0)
    return _Coded(names.texts, names.first_rows, codes)


def _decoded_rows(text: bytes, table: TableText, header: tuple[str, ...], wanted: Wanted) -> _Part:
    """The same through Python's reader, for quoted cells, blank lines and rows of unequal length."""
    lines: list[int] = []
    rows: list[list[str]] = []
    for at, _, row in _checked_rows(text, table.delimiter, 0, table.file):
        if any(cell.strip() for cell in row):
            lines.append(at)
            rows.append(_fitted(row, len(header), Place(table.file, at)))
    part = _Part(len(rows), count_lines(text), np.array(lines, dtype=np.int64))
    part.cells = _coded(joined_time([row[column] for column in wanted.time]) for row in rows)
    for column, meaning in wanted.numbers.items():
        part.numbers[column] = np.array(
            [
                _number(row[column], meaning, wanted, column, Place(table.file, at, header[column]))
                for at, row in zip(lines, rows, strict=True)
            ],
            dtype=np.float64,
        )
    for column in wanted.names:
        part.names[column] = _coded(row[column].strip() for row in rows)
    return part


def _number(cell: str, meaning: Meaning, wanted: Wanted, column: int, place: Place) -> float:
    try:
        needs_unit = column in wanted.with_units
        return parse_number(cell, meaning, wanted.decimal, wanted.factors.get(column, 1.0), needs_unit=needs_unit)
    except NumberError as error:
        raise place.error(str(error), fix=error.fix) from None


def _fitted(row: list[str], width: int, place: Place) -> list[str]:
    if len(row) == width:
        return row
    if len(row) > width and not any(cell.strip() for cell in row[width:]):
        return row[:width]
    hint = " A decimal comma needs quotation marks or a semicolon between columns." if len(row) > width else ""
    raise place.error(
        f"the row has {len(row)} cell{'s' if len(row) != 1 else ''}, the header has {width}",
        fix=f"Give every row one cell per column.{hint}",
    )


@dataclass(frozen=True, slots=True)
class _TimesOfParts:
    epoch_s: list[Part]
    is_local: bool
    remarks: tuple[str, ...]


class _Builder:
    """Puts the parts of a table together."""

    def __init__(self, file: str, header: tuple[str, ...], wanted: Wanted, first_line: int) -> None:
        self._file, self._header, self._wanted = file, header, wanted
        self._parts: list[_Part] = []
        self._first_rows: list[int] = []
        self._first_lines: list[int] = []
        self._n_rows = 0
        self._line = first_line
        self._names = {column: Names() for column in wanted.names}
        self._codes: dict[int, list[IntArray]] = {column: [] for column in wanted.names}
        self._cells = Names()
        self.known: dict[int, KnownNames] = {}
        """Names met so far, which workers look up; replaced whole, never changed."""

    def add(self, part: _Decoded) -> None:
        """Take the next part; its texts become numbers.

        Raises
        ------
        InputError
            What was wrong with it, with the line of the file.
        """
        if isinstance(part, InputError):
            raise Place(self._file, self._line + (part.line or 0), part.column).error(part.problem, fix=part.fix)
        first_line = self._line
        self._line += part.n_lines
        if not part.n_rows:
            return
        for column, coded in part.names.items():
            names = self._names[column]
            n_known = len(names.first_rows)
            self._codes[column].append(self._known(names, coded))
            if len(names.first_rows) > n_known:
                self.known[column] = KnownNames(names.texts)
        part.names = {}
        if part.cells is not None:
            part.cells = _Coded((), [], self._known(self._cells, part.cells))
        self._first_rows.append(self._n_rows)
        self._first_lines.append(first_line)
        self._parts.append(part)
        self._n_rows += part.n_rows

    def _known(self, names: Names, coded: _Coded) -> IntArray:
        if not coded.texts:
            return coded.codes
        known = [names.code(text, self._n_rows + row) for text, row in zip(coded.texts, coded.first_rows, strict=True)]
        numbers: IntArray = np.array(known, dtype=np.int32)
        return np.asarray(numbers[coded.codes])

    def columns(self, options: TimeOptions) -> Columns:
        """All parts as columns."""
        times = self._times(options)
        texts: dict[int, tuple[str, ...]] = {}
        codes: dict[int, list[IntArray]] = {}
        for column, known in self._names.items():
            order = sorted(range(len(known.texts)), key=known.texts.__getitem__)
            rank: IntArray = np.empty(len(order), dtype=np.int32)
            rank[order] = np.arange(len(order), dtype=np.int32)
            texts[column] = tuple(known.texts[at] for at in order)
            codes[column] = self._codes.pop(column)
            if (np.diff(rank) < 0).any():
                codes[column] = [rank[part] for part in codes[column]]
        numbers = {column: [part.numbers.pop(column) for part in self._parts] for column in self._wanted.numbers}
        by = self._wanted.grouped_by
        grouping = None if by is None else Grouping(codes.pop(by), len(texts[by]))
        shared_s = None if grouping is None else grouping.shared(times.epoch_s)
        blocks: list[list[Any]] = [*([] if shared_s is not None else [times.epoch_s]), *numbers.values(), *codes.values()]
        whole = [joined(each) for each in blocks] if grouping is None else grouping.grouped(blocks)
        seconds = whole.pop(0) if shared_s is None else shared_s
        names: dict[int, tuple[tuple[str, ...], Part]] = {
            column: (texts[column], part) for column, part in zip(codes, whole[len(numbers) :], strict=True)
        }
        if grouping is not None and by is not None:
            names[by] = texts[by], Repeated(np.arange(len(texts[by]), dtype=np.int32), np.diff(grouping.bounds))
        return Columns(
            file=self._file,
            header=self._header,
            times=Times(seconds, is_local=times.is_local, remarks=times.remarks),
            numbers=dict(zip(numbers, whole[: len(numbers)], strict=True)),
            names=names,
            line_of=self._line_of,
            grouping=grouping,
            has_shared_times=shared_s is not None,
        )

    def _line_of(self, row: int) -> int:
        at = int(np.searchsorted(self._first_rows, row, side="right")) - 1
        return self._first_lines[at] + self._parts[at].line_of(row - self._first_rows[at])

    def _place(self, row: int) -> Place:
        return Place(self._file, self._line_of(row), self._header[self._wanted.time[0]])

    def _times(self, options: TimeOptions) -> "_TimesOfParts":
        if any(part.epochs is not None for part in self._parts):
            times = self._epochs(options)
            ends = [first + part.n_rows for first, part in zip(self._first_rows, self._parts, strict=True)]
            return _TimesOfParts([*np.split(times.epoch_s, ends[:-1])], times.is_local, times.remarks)
        said: tuple[str, ...] = ()
        local = {not part.has_zone: row for row, part in self._with_rows() if part.seconds is not None}
        read: Times | None = None
        if self._cells.texts:
            firsts = self._cells.first_rows
            read = parse_times(self._cells.texts, lambda at: self._place(firsts[at]), options)
            said = read.remarks
            local.setdefault(read.is_local, firsts[0])
        if len(local) > 1:
            row = max(local.values())
            raise mixed_zones("in this row", "that", self._place(row))
        seconds: list[Part] = []
        for part in self._parts:
            if part.seconds is not None:
                seconds.append(part.seconds)
            elif part.cells is not None and read is not None:
                seconds.append(read.epoch_s[part.cells.codes])
            part.seconds = part.cells = None
        return _TimesOfParts(seconds, next(iter(local)), said)

    def _with_rows(self) -> Iterator[tuple[int, _Part]]:
        return zip(self._first_rows, self._parts, strict=True)

    def _epochs(self, options: TimeOptions) -> Times:
        texts = self._cells.texts
        known = np.array([float(text) if is_number(text) else np.nan for text in texts], dtype=np.float64)
        numbers = np.empty(self._n_rows)
        for row, part in self._with_rows():
            rows = slice(row, row + part.n_rows)
            if part.epochs is not None:
                numbers[rows], part.epochs = part.epochs, None
            elif part.cells is not None:
                numbers[rows] = known[part.cells.codes]
                bad = np.flatnonzero(np.isnan(numbers[rows]))
                if bad.size:
                    text = texts[int(part.cells.codes[bad[0]])]
                    problem = (
                        f"{shown(text)} is not a number of seconds, as the rows before it are"
                        if text
                        else "the time is missing"
                    )
                    raise self._place(row + int(bad[0])).error(
                        problem, fix="Write times as ISO 8601, such as 2024-03-01T00:00:00Z."
                    )
            else:
                raise self._place(row).error(
                    "a date and time, where the rows before it have seconds since 1970", fix="Write all times alike."
                )
        return epoch_times(numbers, lambda at: f"'{numbers[at]:.15g}'", self._place, options)
