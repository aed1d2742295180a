"""Tables of the catalog as text: rows that were fetched put over rows that were there."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from advisor.pricing.rates import UNDATED, RateStatus
from advisor.sources.prices.found import FoundRate, Key, shortest

RATE_COLUMNS: Final = ("usd", "unit", "source_id", "as_of", "status")
SOURCE_COLUMNS: Final = ("source_id", "where", "date", "note", "licence")
ZONE_COLUMNS: Final = ("instance_type", "az_ids", "source_id")
SPOT_HISTORY_COLUMNS: Final = (
    "instance_type", "os", "az_id", "mean_usd", "p50_usd", "p90_usd", "spread_ratio", "hours", "source_id", "as_of",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Cells of a file of the catalog."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @classmethod
    def read(cls, text: str) -> "Table":
        """A table from CSV. The catalog's own reader has checked, or will check, what the cells say."""
        reader = csv.reader(io.StringIO(text, newline=""))
        return cls(columns=tuple(next(reader, ())), rows=tuple(map(tuple, reader)))

    @property
    def is_of_rates(self) -> bool:
        return self.columns[-len(RATE_COLUMNS) :] == RATE_COLUMNS

    def key(self, row: Sequence[str]) -> Key:
        """What says in a row what is priced; the first cell in a table without rates."""
        return tuple(row[: -len(RATE_COLUMNS)]) if self.is_of_rates else (row[0],)

    def text(self) -> str:
        return csv_text(self.columns, self.rows)


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """CSV as the catalog has it: LF, no spare quotes."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue()


def fetched_table(
    key_columns: Key,
    fetched: Mapping[Key, FoundRate],
    *,
    source_id: str,
    as_of: str,
    before: Table | None,
) -> Table:
    """A file of a Region with fetched rates in it.

    Parameters
    ----------
    key_columns : tuple of str
        The columns before the rate.
    fetched : Mapping[Key, FoundRate]
        What a source said on ``as_of``.
    before : Table, optional
        The file as an earlier refresh left it: rows that this one did not fetch stay, with their dates.
    """
    columns = (*key_columns, *RATE_COLUMNS)
    kept = {} if before is None or before.columns != columns else {before.key(row): row for row in before.rows}
    for key, rate in fetched.items():
        kept[key] = (*key, shortest(rate.usd), rate.unit, source_id, as_of, RateStatus.CURRENT)
    return Table(columns=columns, rows=tuple(sorted(kept.values())))


def put_over(older: Table, newer: Table) -> Table:
    """Rows of two catalogs in one file: for each key the newer current row, and all that are not current.

    A key whose newest row is superseded prices nothing any more.
    """
    if older.columns != newer.columns:
        return newer
    if not older.is_of_rates:
        rows = {older.key(row): row for row in older.rows} | {newer.key(row): row for row in newer.rows}
        return Table(columns=older.columns, rows=tuple(sorted(rows.values())))
    rows_by_key: dict[Key, list[tuple[str, ...]]] = {}
    for table in (older, newer):
        for row in table.rows:
            rows_by_key.setdefault(table.key(row), []).append(row)
    return Table(columns=older.columns, rows=tuple(sorted(each for rows in rows_by_key.values() for each in _in_force(rows))))


def _in_force(rows: Sequence[tuple[str, ...]]) -> Iterable[tuple[str, ...]]:
    """Rows of one key, those of the newer catalog last: at most one of them stays current."""
    newest = max(range(len(rows)), key=lambda i: (_day(rows[i]), i))
    others = {row for i, row in enumerate(rows) if i != newest and row[:-1] != rows[newest][:-1]}
    yield rows[newest]
    for row in others:
        yield (*row[:-1], RateStatus.SUPERSEDED) if row[-1] == RateStatus.CURRENT else row


def _day(row: Sequence[str]) -> str:
    as_of = row[-2]
    return "" if as_of == UNDATED else as_of
