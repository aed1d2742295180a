"""Time zones that the header of a table names: ``Time (UTC+1)``, ``timestamp (Europe/Berlin)``, or a column ``timezone``."""

import re
from typing import Final
from zoneinfo import ZoneInfo

from advisor.errors import InputError
from advisor.sources.load_header import Header, Table
from advisor.sources.places import Place
from advisor.sources.timestamps import zone_named

_PLACE: Final = re.compile(
    r"(?<![A-Za-z])(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Brazil|Canada|Chile|Etc|Europe|Indian|Mexico|"
    r"Pacific|US)/[A-Z][\w+-]*(?:/[A-Z][\w-]*)?"
)
_OFFSET: Final = re.compile(r"(?:UTC|GMT)\s*(?P<sign>[+-])\s*(?P<hours>\d{1,2})(?::?(?P<minutes>\d\d))?(?!\d)", re.IGNORECASE)
_UNCLEAR: Final = frozenset(
    {"local", "localtime", "lokal", "ortszeit", "locale", "cet", "cest", "mez", "mesz", "wet", "west", "eet", "eest", "bst"}
    | {"est", "edt", "cst", "cdt", "mst", "mdt", "pst", "pdt", "ist", "jst", "kst", "sgt", "hkt", "aest", "aedt", "msk"}
)
"""Words that name a zone, but neither its rules nor always one offset."""
_UTC: Final = frozenset({"utc", "gmt", "z"})
_ZONE_NAMES: Final = frozenset({"timezone", "tz", "zone", "zeitzone", "time_zone"})
"""Of columns; a zone alone may be one of other things, too."""


def zone_in_header(table: Table, header: Header) -> ZoneInfo | None:
    """The zone of times without one, where the name of their column or a column beside it tells; else None.

    Raises
    ------
    InputError
        A zone is named whose rules nothing tells.
    """
    for column in header.time:
        name = header.names[column]
        zone = _zone(name, Place(table.file, header.line, name))
        if zone is not None:
            return zone
    beside = next((i for i, name in enumerate(header.names) if name.lower() in _ZONE_NAMES and i not in header.time), None)
    if beside is None or table.options.is_ignored(header.names[beside]):
        return None
    cells = {cell for _, row in table.sample(header) if _is_zone(cell := row[beside].strip(), header.names[beside])}
    place = Place(table.file, header.line, header.names[beside])
    if len(cells) > 1:
        raise place.error(f"times of several zones: {', '.join(sorted(cells)[:3])}", fix="Write the times with their offset.")
    return _zone(cells.pop(), place) if cells else None


def _is_zone(cell: str, column: str) -> bool:
    """Whether a cell names a time zone, and none of a network or of a cloud: ``eu-west-1a``, ``west``."""
    is_word = cell.lower() in _UNCLEAR | _UTC and (cell.isupper() or column.lower() != "zone")
    return is_word or _PLACE.fullmatch(cell) is not None or _OFFSET.fullmatch(cell) is not None


def _zone(text: str, place: Place) -> ZoneInfo | None:
    if found := _PLACE.search(text):
        return zone_named(found[0])
    if offset := _OFFSET.search(text):
        hours = int(offset["hours"]) * (-1 if offset["sign"] == "+" else 1)
        if int(offset["minutes"] or 0) == 0 and -14 <= hours <= 12:
            return zone_named(f"Etc/GMT{hours:+}" if hours else "UTC")
        raise _unclear(offset[0], place)
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", text)
    unclear = next((word for word in words if word.lower() in _UNCLEAR), None)
    if unclear is not None:
        raise _unclear(unclear, place)
    return None


def _unclear(word: str, place: Place) -> InputError:
    return place.error(
        f"the times carry no offset, and {word!r} does not tell when clocks change",
        fix="Say --time-zone with the name of the place, such as --time-zone Europe/Berlin.",
    )
