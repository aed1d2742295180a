"""A user's own rates: ``--rates FILE`` and ``rates:`` in a workload file."""

import csv
import difflib
import io
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from advisor.pricing import OwnRate
from advisor.pricing.rates import first_day
from advisor.sources.input_files import InputFiles, Place, listed
from advisor.workload import InputFile

OWN_RATES_COLUMNS: Final = ("meter", "region", "usd", "unit", "discount_fraction", "source", "as_of")


def read_own_rates(path: Path, known: Collection[str]) -> tuple[tuple[OwnRate, ...], tuple[InputFile, ...]]:
    """Rows of a rates file, and the file; docs/rates-file.md describes it.

    Parameters
    ----------
    path : Path
        Columns may come in any order, and those that are not needed may be left out.
    known : Collection[str]
        Regions that have prices.

    Raises
    ------
    InputError
        Naming file, line and fix.
    """
    files = InputFiles()
    reader = csv.reader(io.StringIO(files.text(path), newline=""), strict=True)
    known_regions = {"*", *known}
    rows: list[OwnRate] = []
    try:
        columns = [name.strip() for name in next(reader, ())]
        _check_columns(columns, path)
        for cells in reader:
            if any(cells):
                rows.append(_own_rate(cells, columns, Place(str(path), reader.line_num), known_regions))
    except csv.Error as error:
        raise Place(str(path), reader.line_num).error(f"this is not CSV ({error})", fix="Check the quotes.") from None
    return tuple(rows), files.inputs


def _check_columns(columns: Sequence[str], path: Path) -> None:
    place = Place(str(path), 1)
    for name in columns:
        if name not in OWN_RATES_COLUMNS or columns.count(name) > 1:
            near = difflib.get_close_matches(name, OWN_RATES_COLUMNS, n=1)
            fix = f"Did you mean {near[0]}?" if near and near[0] != name else f"Columns are {', '.join(OWN_RATES_COLUMNS)}."
            raise place.error(f"the column {name!r} is unknown or there twice", fix=fix)
    for name in ("meter", "region"):
        if name not in columns:
            raise place.error(f"the column {name!r} is missing", fix=f"Columns are {', '.join(OWN_RATES_COLUMNS)}.")


def _own_rate(cells: Sequence[str], columns: Sequence[str], place: Place, known_regions: Collection[str]) -> OwnRate:
    if len(cells) != len(columns):
        raise place.error(f"the row has {len(cells)} cells, the header {len(columns)}", fix="Give every column one cell.")
    cell = dict.fromkeys(OWN_RATES_COLUMNS, "") | {name: text.strip() for name, text in zip(columns, cells, strict=True)}
    if not cell["meter"]:
        raise place.error("the meter is empty", fix="Name a meter, or a pattern such as ec2:linux:on_demand:*.")
    if cell["region"] not in known_regions:
        if cell["region"].startswith("cn-"):
            raise place.error(
                f"{cell['region']} is priced in CNY, and rates are in USD", fix="China Regions are not supported: drop the row."
            )
        near = difflib.get_close_matches(cell["region"], known_regions, n=3)
        fix = f"Closest: {listed(near)}." if near else "Name a Region, or *."
        raise place.error(f"no prices for a Region {cell['region']!r}", fix=fix)
    if cell["as_of"]:
        try:
            first_day(cell["as_of"])
        except ValueError:
            fix = "Write it as 2026-11-23, or leave it empty."
            raise place.error(f"as_of {cell['as_of']!r} is not a date", fix=fix) from None
    try:
        return OwnRate(
            meter=cell["meter"],
            region=cell["region"],
            usd=_number(cell["usd"], "usd"),
            unit=cell["unit"] or None,
            discount_fraction=_fraction(cell["discount_fraction"]),
            source=cell["source"],
            as_of=cell["as_of"],
            file=Path(place.file).name,
            line=place.line or 0,
        )
    except ValueError as error:
        fix = "Give usd with its unit, or a discount_fraction such as 0.18 for 18 %."
        raise place.error(str(error), fix=fix) from None


def _fraction(text: str) -> float | None:
    """0.18, or 18 % with its sign; a bare 18 is left for the check to refuse, as it may mean either."""
    if not text.endswith("%"):
        return _number(text, "discount_fraction")
    percent = _number(text.removesuffix("%").strip() or "%", "discount_fraction")
    return None if percent is None else percent / 100


def _number(text: str, column: str) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{column} is a number, not {text!r}") from None
