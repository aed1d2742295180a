"""Tables as text, read in blocks of rows, whose cells are decoded to parts of columns."""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from typing import Final

import numpy as np

from advisor.errors import InputError
from advisor.sources.cell_names import KnownNames, Names
from advisor.sources.cell_numbers import plain_numbers
from advisor.sources.cell_times import plain_times
from advisor.sources.input_files import count_lines
from advisor.sources.load_cells import Block, split_block
from advisor.sources.load_numbers import NumberError, parse_number
from advisor.sources.meanings import Meaning
from advisor.sources.places import Place
from advisor.sources.table_columns import CodedTexts, Columns, ColumnsBuilder, DecodedPart, TablePart, Wanted
from advisor.sources.timestamps import TimeOptions, is_number
from advisor.units import IntArray

_HEAD_ROWS: Final = 200
_AHEAD: Final = 4
"""Blocks that are decoded before they are needed."""
_WORKERS: Final = 2
_MAYBE_THOUSANDS: Final = re.compile(r"[1-9]\d{0,2}\.\d{3}", re.ASCII)
_LONGEST_CELL: Final = 1 << 24
"""An open quotation mark is looked for this far. [bytes]"""
Row = tuple[int, list[str]]
"""A row, and the line on which it begins."""


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
        builder = ColumnsBuilder(self.file, header, wanted, self._first_line(first))

        def decoded(text: bytes) -> TablePart | InputError:
            try:
                return _decoded(text, self, header, wanted, builder.known)
            except InputError as error:
                return error

        for one in _mapped(decoded, self._parts(first)):
            builder.add(one)
        return builder.columns(options)

    def _first_line(self, first: int) -> int:
        if 0 < first < len(self.head):
            return self.head[first][0]
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


def _mapped(function: "Callable[[bytes], DecodedPart]", parts: Iterator[bytes]) -> "Iterator[DecodedPart]":
    """The function of each part, in order; several at a time where there are several."""
    first = next(parts, None)
    second = next(parts, None)
    if first is not None and second is None:
        yield function(first)
    if first is None or second is None:
        return
    with ThreadPoolExecutor(_WORKERS) as pool:
        waiting: deque[Future[DecodedPart]] = deque(pool.submit(function, part) for part in (first, second))
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


def _decoded(
    text: bytes, table: TableText, header: tuple[str, ...], wanted: Wanted, known: Mapping[int, KnownNames]
) -> TablePart:
    if not text.lstrip(b"\n"):  # Python would take a second for each million of blank lines.
        return TablePart(0, count_lines(text))
    block = split_block(text, len(header), table.delimiter)
    if block is None:
        return _decoded_rows(text, table, header, wanted)
    part = TablePart(len(block.line_starts), len(block.line_starts))
    _read_times(block, part, wanted)
    for column, meaning in wanted.numbers.items():
        numbers, hard = plain_numbers(block, column, wanted.decimal or ".")
        if column in wanted.with_units:
            hard |= numbers != 0
        starts, ends = block.cells(column)
        has_decimals = wanted.is_decimal_told and wanted.decimal == "," and bool((numbers[~hard] % 1 != 0).any())
        for row in np.flatnonzero(hard).tolist():
            cell = block.text(int(starts[row]), int(ends[row]))
            if has_decimals and _MAYBE_THOUSANDS.fullmatch(cell.strip()):
                raise Place(table.file, row, header[column]).error(
                    f"{cell!r} stands among numbers with a decimal comma: it can be {cell.replace('.', '')} or {cell}",
                    fix="Say --decimal comma if a point stands between thousands, or write all numbers alike.",
                )
            numbers[row] = _number(cell, meaning, wanted, column, Place(table.file, row, header[column]))
        part.numbers[column] = numbers
    for column in wanted.names:
        codes = known[column].codes(block, column) if column in known else None
        part.names[column] = _block_coded(block, column) if codes is None else CodedTexts((), [], codes)
    return part


def _read_times(block: Block, part: TablePart, wanted: Wanted) -> None:
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


def _block_coded(block: Block, column: int) -> "CodedTexts":
    names = Names()
    codes = names.block_codes(block, column, 0)
    return CodedTexts(names.texts, names.first_rows, codes)


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


def _coded(texts: Iterable[str]) -> CodedTexts:
    names = Names()
    codes = names.codes(list(texts), 0)
    return CodedTexts(names.texts, names.first_rows, codes)


def _decoded_rows(text: bytes, table: TableText, header: tuple[str, ...], wanted: Wanted) -> TablePart:
    """The same through Python's reader, for quoted cells, blank lines and rows of unequal length."""
    lines: list[int] = []
    rows: list[list[str]] = []
    for at, _, row in _checked_rows(text, table.delimiter, 0, table.file):
        if any(cell.strip() for cell in row):
            lines.append(at)
            rows.append(_fitted(row, len(header), Place(table.file, at)))
    part = TablePart(len(rows), count_lines(text), np.array(lines, dtype=np.int64))
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
