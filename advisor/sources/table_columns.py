"""Columns of a table, put together from the parts that its blocks of text were decoded to."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from advisor.errors import InputError
from advisor.sources.cell_names import KnownNames, Names
from advisor.sources.grouping import Grouping, Part, Repeated, joined
from advisor.sources.meanings import Meaning
from advisor.sources.places import Place, shown
from advisor.sources.timestamps import TimeOptions, Times, epoch_times, is_number, mixed_zones, parse_times
from advisor.units import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which columns of a table are read, and as what."""

    time: tuple[int, ...]
    """One column, date and time, or year, month, day, hour and minute."""
    numbers: Mapping[int, Meaning]
    names: tuple[int, ...]
    decimal: str | None
    is_decimal_told: bool = False
    """Whether the decimal sign is told by some cells, and not stated."""
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


@dataclass(frozen=True, slots=True)
class CodedTexts:
    """Texts that occur, the row of each one's first place, and the text of each row."""

    texts: tuple[str, ...]
    first_rows: list[int]
    codes: IntArray


@dataclass(slots=True)
class TablePart:
    """What was read of a block; lines count from its start."""

    n_rows: int
    n_lines: int
    lines: IntArray | None = None
    """(rows,): line of each; None where every line is a row."""
    seconds: IntArray | Repeated | None = None
    has_zone: bool = False
    epochs: FloatArray | None = None
    cells: CodedTexts | None = None
    numbers: dict[int, FloatArray] = field(default_factory=dict)
    names: dict[int, CodedTexts] = field(default_factory=dict)

    def line_of(self, row: int) -> int:
        return row if self.lines is None else int(self.lines[row])


DecodedPart = TablePart | InputError
"""An error waits until its block comes up, and until it is known how many lines stand before it."""


@dataclass(frozen=True, slots=True)
class _TimesOfParts:
    epoch_s: list[Part]
    is_local: bool
    remarks: tuple[str, ...]


class ColumnsBuilder:
    """Puts the parts of a table together."""

    def __init__(self, file: str, header: tuple[str, ...], wanted: Wanted, first_line: int) -> None:
        self._file, self._header, self._wanted = file, header, wanted
        self._parts: list[TablePart] = []
        self._first_rows: list[int] = []
        self._first_lines: list[int] = []
        self._n_rows = 0
        self._line = first_line
        self._names = {column: Names() for column in wanted.names}
        self._codes: dict[int, list[IntArray]] = {column: [] for column in wanted.names}
        self._cells = Names()
        self.known: dict[int, KnownNames] = {}
        """Names met so far, which workers look up; replaced whole, never changed."""

    def add(self, part: DecodedPart) -> None:
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
            part.cells = CodedTexts((), [], self._known(self._cells, part.cells))
        self._first_rows.append(self._n_rows)
        self._first_lines.append(first_line)
        self._parts.append(part)
        self._n_rows += part.n_rows

    def _known(self, names: Names, coded: CodedTexts) -> IntArray:
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

    def _with_rows(self) -> Iterator[tuple[int, TablePart]]:
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
