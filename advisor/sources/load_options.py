"""What the user says about load files, against what their names and cells say."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Final, Self, TypeVar
from zoneinfo import ZoneInfo

from advisor.errors import InputError
from advisor.sources.meanings import MEASURES, Meaning, Reading, stated_reading
from advisor.sources.timestamps import EPOCH_UNITS, DoubledHour, TimeOptions, zone_named
from advisor.units import SECONDS_PER_HOUR

_T = TypeVar("_T")
_DELIMITERS: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " "}
_PASSES: Final = {each.value: each for each in DoubledHour}
_SHORTEST_STEP_S: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """Statements about load files; None leaves it to the file."""

    time_zone: ZoneInfo | None = None
    """Of times that carry none."""
    columns: Mapping[str, Reading] = field(default_factory=dict)
    """Reading by name of column or metric."""
    values: Reading | None = None
    """Of columns, series and numbers whose name does not say what they measure."""
    decimal: str | None = None
    """``,`` or ``.``"""
    delimiter: str | None = None
    is_day_first: bool | None = None
    encoding: str | None = None
    epoch_unit: str | None = None
    """Of times that are numbers: s, ms, us or ns."""
    doubled_hour: DoubledHour | None = None
    interval_s: int | None = None
    """Distance between rows. [s]"""
    start: datetime | None = None
    """Time of the first row, or the zero of times that count from a start."""

    @classmethod
    def stated(
        cls,
        *,
        time_zone: str | None = None,
        columns: Mapping[str, str] | None = None,
        values: str | None = None,
        decimal: str | None = None,
        delimiter: str | None = None,
        day_first: bool | None = None,
        encoding: str | None = None,
        epoch_unit: str | None = None,
        doubled_hour: str | None = None,
        interval: int | None = None,
        start: str | None = None,
    ) -> Self:
        """Options from what a user writes.

        Raises
        ------
        InputError
            For a value that none of them has.
        """
        reading = None if values is None else stated_reading("values", values)
        if reading is not None and reading.meaning not in MEASURES:
            raise InputError(
                f"values are given the meaning {values!r}, which is no measure", fix=f"Use one of {', '.join(MEASURES)}."
            )
        zone = zone_named(time_zone)
        return cls(
            time_zone=zone,
            columns={name: stated_reading(name, meaning) for name, meaning in (columns or {}).items()},
            values=reading,
            decimal=_one_of("decimal", decimal, {"comma": ",", "point": ".", ",": ",", ".": "."}),
            delimiter=_one_of("delimiter", delimiter, _DELIMITERS | {mark: mark for mark in _DELIMITERS.values()}),
            is_day_first=day_first,
            encoding=_encoding(encoding),
            epoch_unit=_one_of("epoch unit", epoch_unit, {unit: unit for unit in EPOCH_UNITS}),
            doubled_hour=None if doubled_hour is None else _one_of("doubled hour", doubled_hour, _PASSES),
            interval_s=_interval(interval),
            start=_start(start, zone),
        )

    def over(self, other: "LoadOptions") -> "LoadOptions":
        """These options, and those of ``other`` where these say nothing."""
        said = {each.name: getattr(self, each.name) for each in fields(self) if getattr(self, each.name) is not None}
        return replace(other, **said | {"columns": {**other.columns, **self.columns}})

    @property
    def times(self) -> TimeOptions:
        """What is said about times."""
        return TimeOptions(is_day_first=self.is_day_first, epoch_unit=self.epoch_unit, start=self.start)

    def is_ignored(self, name: str) -> bool:
        """Whether the user wants a column left out."""
        return name in self.columns and self.columns[name].meaning is Meaning.IGNORE


def _one_of(what: str, value: str | None, known: Mapping[str, _T]) -> _T | None:
    if value is None:
        return None
    if value not in known:
        names = [name for name in known if name.isprintable() and name.strip()]
        raise InputError(f"the {what} is given as {value!r}", fix=f"Use one of {' '.join(names)}.")
    return known[value]


def _encoding(name: str | None) -> str | None:
    if name is None:
        return None
    import codecs

    try:
        found = codecs.lookup(name)
        "a".encode(found.name)
        codecs.getincrementaldecoder(found.name)
    except (LookupError, ValueError, TypeError, AttributeError):
        raise InputError(
            f"there is no text encoding {name!r}", fix="Use a name such as utf-8, utf-16, cp1252 or latin-1."
        ) from None
    return found.name


def _interval(seconds: int | None) -> int | None:
    if seconds is None:
        return None
    if not _SHORTEST_STEP_S <= seconds <= SECONDS_PER_HOUR or SECONDS_PER_HOUR % seconds:
        raise InputError(
            f"the interval is given as {seconds} s: need a divisor of 3600 s, from 20 s to 3600 s", fix="Give 60, 300 or 3600."
        )
    return seconds


def _start(text: str | None, zone: ZoneInfo | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"the start {text!r} is not a date and time", fix="Write it as 2024-03-01T00:00Z.") from None
    if not 1970 <= moment.year <= 2200:
        raise InputError(f"the start {text!r} lies outside 1970 to 2200", fix="Write it as 2024-03-01T00:00Z.")
    return moment if moment.tzinfo else moment.replace(tzinfo=zone or UTC)
