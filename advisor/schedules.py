"""When schedules start something: rates and cron expressions, as EventBridge and Application Auto Scaling write them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

import numpy as np

from advisor.units import SECONDS_PER_HOUR, IntArray

_DAY_S: Final = 86_400
_WEEK_S: Final = 7 * _DAY_S
_LOOK_BACK_DAYS: Final = (8, 40, 400)
RATE_OR: Final = "rate(15 minutes), or "
"""How a mend begins; to be left out where no rate is taken."""
_CRON: Final = re.compile(r"cron\((?P<fields>[^()]*)\)$")
_RATE: Final = re.compile(r"rate\(\s*(?P<number>\d{1,6})\s+(?P<unit>minute|hour|day)s?\s*\)$")
_UNIT_S: Final = {"minute": 60, "hour": SECONDS_PER_HOUR, "day": _DAY_S}
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS: Final = (
    ("minutes", 0, 59, ()),
    ("hours", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 1, 7, _DAYS),
    ("year", 1970, 2199, ()),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When something starts: at a rate, or by the fields of a cron expression in a time zone.

    What falls into the hour that a clock change skips does not start that day, and what falls into one that comes twice starts
    once (EventBridge Scheduler User Guide, "Daylight savings time"). Application Auto Scaling does not say what it does then.
    """

    text: str
    every_s: int | None = None
    fields: tuple[frozenset[int] | None, ...] = ()
    """Minutes, hours, days of month, months, days of week (1 is Sunday), years; None is any."""
    zone: tzinfo = UTC

    @property
    def follows_calendar(self) -> bool:
        """Whether some weeks differ from others."""
        if self.every_s is not None:
            return self.every_s >= SECONDS_PER_HOUR and _WEEK_S % self.every_s != 0
        return any(self.fields[at] is not None for at in (2, 3, 5))

    def starts_s(self, start_s: int, end_s: int) -> IntArray:
        """Starts from ``start_s`` until before ``end_s``. [s since 1970]"""
        if self.every_s is not None:
            first = -(-start_s // self.every_s) * self.every_s
            return np.arange(first, end_s, self.every_s, dtype=np.int64)
        starts = np.array(sorted(self._cron_starts_s(start_s, end_s)), dtype=np.int64)
        return starts[(starts >= start_s) & (starts < end_s)]

    def _cron_starts_s(self, start_s: int, end_s: int) -> Iterator[int]:
        minutes, hours, days, months, weekdays, years = self.fields
        times = [(h, m) for h in hours or range(24) for m in minutes or range(60)]
        first = datetime.fromtimestamp(start_s, self.zone).date()
        for number in range((end_s - start_s) // _DAY_S + 2):
            day = first + timedelta(days=number)
            if (years and day.year not in years) or (months and day.month not in months) or (days and day.day not in days):
                continue
            if weekdays is None or day.isoweekday() % 7 + 1 in weekdays:
                yield from self._moments_s(day, times)

    def _moments_s(self, day: date, times: Sequence[tuple[int, int]]) -> Iterator[int]:
        """The first of an hour that comes twice; none in the hour that a clock change skips."""
        for hour, minute in times:
            local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone)
            moment_s = int(local.timestamp())
            if datetime.fromtimestamp(moment_s, self.zone).replace(tzinfo=None) == local.replace(tzinfo=None):
                yield moment_s

    def last_before_s(self, moment_s: int) -> int | None:
        """The last start before ``moment_s``, of a year and a month at most; None without one. [s since 1970]"""
        for days in _LOOK_BACK_DAYS:
            starts = self.starts_s(moment_s - days * _DAY_S, moment_s)
            if starts.size:
                return int(starts[-1])
        return None

    @property
    def for_aws(self) -> str | None:
        """As EventBridge Scheduler and Application Auto Scaling take it; None where both days of a cron expression are given.

        Cron expressions have single spaces and a ``?`` for one of the two days [1]_; a rate of one is ``1 hour``, not
        ``1 hours``.

        References
        ----------
        .. [1] AWS, "Schedule types in EventBridge Scheduler",
           https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html.
        """
        rate = _RATE.match(self.text.strip())
        if rate is None:
            return _cron_with_one_day(self.text)
        number = int(rate["number"])
        return f"rate({number} {rate['unit']}{'' if number == 1 else 's'})"


def parse_schedule(text: str, zone: tzinfo = UTC) -> Schedule:
    """A schedule in the words of EventBridge: ``rate(15 minutes)`` or ``cron(0 2 * * ? *)``.

    >>> parse_schedule("rate(15 minutes)").every_s
    900

    Raises
    ------
    ValueError
        With a message that says what is wrong and how to mend it.
    """
    rate = _RATE.match(text.strip())
    if rate is not None:
        every_s = int(rate["number"]) * _UNIT_S[rate["unit"]]
        if not every_s:
            raise ValueError(f"{text[:60]!r} never ends. Write a rate of at least 1 minute")
        return Schedule(text=text, every_s=every_s)
    cron = _CRON.match(text.strip())
    fields = cron["fields"].split() if cron else []
    if len(fields) != len(_FIELDS):
        raise ValueError(
            f"{text[:60]!r} is not a schedule. Write {RATE_OR}cron(minutes hours day-of-month month day-of-week year) such as "
            "cron(0 2 * * ? *)"
        )
    return Schedule(
        text=text,
        fields=tuple(_field(part, *which) for part, which in zip(fields, _FIELDS, strict=True)),
        zone=zone,
    )


def _field(text: str, name: str, low: int, high: int, names: Sequence[str]) -> frozenset[int] | None:
    if text in ("*", "?"):
        return None
    values: set[int] = set()
    for item in text.split(","):
        span, _, step = item.partition("/")
        first, _, last = span.partition("-")
        start = low if first == "*" else _number(first, low, names)
        end = (high if step or first == "*" else start) if not last else _number(last, low, names)
        every = int(step) if step.isdecimal() else 0 if step else 1
        if start is None or end is None or not every or not low <= start <= end <= high:
            raise ValueError(
                f"{text[:60]!r} is not a {name} of a cron expression. Write numbers from {low} to {high}, with , - and /; "
                "L, W and # are not supported"
            )
        values.update(range(start, end + 1, every))
    return frozenset(values)


def _number(text: str, low: int, names: Sequence[str]) -> int | None:
    if text.upper() in names:
        return names.index(text.upper()) + low
    return int(text) if text.isdecimal() and len(text) <= 4 else None


def _cron_with_one_day(text: str) -> str | None:
    """The expression with single spaces and a ``?`` where both days are any; None where both are given."""
    cron = _CRON.match(text.strip())
    fields = cron["fields"].split() if cron else []
    if "?" not in (fields[2], fields[4]):
        free = next((at for at in (4, 2) if fields[at] == "*"), None)
        if free is None:
            return None
        fields[free] = "?"
    elif (fields[2], fields[4]) == ("?", "?"):
        fields[2] = "*"
    return f"cron({' '.join(fields)})"
