"""Offer files of the AWS Price List as CSV: some lines about the file, a header, and a row per price; read row by row."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import IO, Final

from advisor.sources.prices.download import BrokenFileError, PriceListError

_LINES_ABOUT_THE_FILE: Final = 20
"""The header is line 6 today; files of other times had a line more."""
_LONGEST_LINE: Final = 1 << 20
_DATE: Final = re.compile(r"(20\d\d-\d\d-\d\d)(T.*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferFile:
    """What an offer file says of itself."""

    offer: str
    """Such as ``AmazonEC2``."""
    version: str
    published: str
    """Date, as 2026-11-23."""


class OfferReader:
    """An offer file, opened; iterating gives the cells of the wanted columns of each row, and the line number.

    Parameters
    ----------
    file : binary file
        Unpacked CSV. Only a row at a time is in memory.
    columns : sequence of str
        Columns that must be there, by the names of the price list. Case, blanks and signs do not matter: AWS writes
        ``usageType`` in one file and ``UsageType`` in the next.
    optional : sequence of str
        Columns that may be missing; their cells are then empty.

    Raises
    ------
    PriceListError
        It is another kind of file, or lacks a column: without it, prices of other things would pass for the wanted ones.
    BrokenFileError
        It ends before its header, or within a row.
    """

    def __init__(self, file: IO[bytes], columns: Sequence[str], optional: Sequence[str] = ()) -> None:
        lines = _Lines(file)
        self._reader = csv.reader(lines, strict=True)
        about: dict[str, str] = {}
        header = self._header(about)
        if not header or not lines.is_ended:
            raise BrokenFileError("the file ends before the end of its header")
        published = _DATE.fullmatch(about.get("Publication Date", ""))
        if about.get("FormatVersion") != "v1.0" or published is None:
            raise PriceListError(
                f"this is no offer file of format v1.0 with a publication date, but {about.get('FormatVersion')!r} of "
                f"{about.get('Publication Date')!r}."
            )
        self.about = OfferFile(offer=about.get("OfferCode", ""), version=about.get("Version", ""), published=published[1])
        self._n_columns = len(header)
        self._pick = _picker(header, columns, optional)

    def _header(self, about: dict[str, str]) -> list[str]:
        """The header; what stands before it goes into ``about``. Empty where the file ends before it."""
        try:
            for cells in self._reader:
                if cells and cells[0].strip().lower() == "sku":
                    return cells
                if len(cells) > 1:
                    about[cells[0].strip()] = cells[1].strip()
                if self._reader.line_num >= _LINES_ABOUT_THE_FILE:
                    raise PriceListError("this is no offer file: there is no header that starts with SKU.")
        except csv.Error as error:
            raise BrokenFileError(f"line {self._reader.line_num} is not CSV ({error})") from None
        return []

    def __iter__(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        reader, pick, n_columns = self._reader, self._pick, self._n_columns
        try:
            for cells in reader:
                if len(cells) != n_columns:
                    # AWS leaves out empty cells at the end of a row in no file; a short row is where a download was cut
                    raise BrokenFileError(f"line {reader.line_num} has {len(cells)} cells, the header {n_columns}")
                yield reader.line_num, pick((*cells, ""))
        except csv.Error as error:
            raise BrokenFileError(f"line {reader.line_num} is not CSV ({error})") from None


def date_of(effective: str) -> str | None:
    """Date of a cell of the price list, ``2026-11-01`` or ``2026-11-01T00:00:00Z``; None where it is neither."""
    found = _DATE.fullmatch(effective)
    return found[1] if found else None


class _Lines:
    """Lines as text. A line that no offer file has, of a megabyte, is refused before it fills the memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.is_ended = True
        """Whether the last line has its end; one without is cut, or is the last of the file."""

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(_LONGEST_LINE):
            if len(line) == _LONGEST_LINE:
                raise PriceListError("this is no offer file: a line has more than a megabyte.")
            self.is_ended = line.endswith(b"\n")
            try:
                yield line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise BrokenFileError(f"it is not UTF-8 ({error})") from None


def _picker(
    header: Sequence[str], columns: Sequence[str], optional: Sequence[str]
) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """Picks cells from a row that has an empty one appended, which stands for the columns that are missing."""
    names = [_plain(name) for name in header]
    missing = [name for name in columns if _plain(name) not in names]
    if missing:
        raise PriceListError(
            f"the offer file has no column {', '.join(missing)}: without it, other prices pass for the wanted ones."
        )
    twice = [name for name in (*columns, *optional) if names.count(_plain(name)) > 1]
    if twice:
        raise PriceListError(f"the offer file has the column {', '.join(twice)} twice.")
    places = [names.index(_plain(name)) if _plain(name) in names else len(header) for name in (*columns, *optional)]
    first, second, *others = places
    return itemgetter(first, second, *others)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
