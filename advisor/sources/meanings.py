"""What a column or a metric means, told from its name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from advisor.errors import InputError
from advisor.sources.name_words import (
    STATISTICS,
    has_other_statistic,
    is_of_a_part,
    plain_name,
    tagged,
    words_of,
)


class Meaning(StrEnum):
    """What the numbers of a column say. The values are the names that a load file should use."""

    TIME = "time"
    SERVICE = "service"
    TASKS = "tasks"
    CPU_PERCENT = "cpu_percent"
    """Average over the tasks and the step, of the CPU in the task definition."""
    CPU_PERCENT_MAXIMUM = "cpu_percent_maximum"
    MEMORY_PERCENT = "memory_percent"
    MEMORY_PERCENT_MAXIMUM = "memory_percent_maximum"
    CPU_UNITS = "cpu_units"
    """In use by all tasks of the service together."""
    MEMORY_MIB = "memory_mib"
    """In use by all tasks of the service together."""
    REQUESTS_PER_SECOND = "requests_per_second"
    REQUESTS = "requests"
    """Counted per step: no row means that there was nothing to count."""
    DURATION = "duration"
    """How long a row holds, in seconds."""
    METRIC = "metric"
    """Name of what the value in the row measures."""
    VALUE = "value"
    """A number whose meaning another column, or the user, tells."""
    IGNORE = "ignore"


_NO_MEASURES: Final = (Meaning.TIME, Meaning.SERVICE, Meaning.DURATION, Meaning.METRIC, Meaning.VALUE, Meaning.IGNORE)
MEASURES: Final = tuple(m for m in Meaning if m not in _NO_MEASURES)
"""The meanings that hold numbers of a load."""
PERCENTAGES: Final = frozenset(
    {Meaning.CPU_PERCENT, Meaning.CPU_PERCENT_MAXIMUM, Meaning.MEMORY_PERCENT, Meaning.MEMORY_PERCENT_MAXIMUM}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A meaning, and the factor that turns what a file writes into the unit of that meaning."""

    meaning: Meaning
    factor: float = 1.0
    unit: str = ""
    """As a remark names it; empty where the file already has the unit of the meaning."""
    is_unit_said: bool = True
    """False where nothing says whether a share is in percent or a fraction."""
    is_unit_in_cells: bool = False
    """True where only the cells say their unit."""

    def __str__(self) -> str:
        return f"{self.meaning} (from {self.unit})" if self.unit else str(self.meaning)


_TIME: Final = (
    "timestamp", "timestamps", "timestamputc", "datetime", "dateandtime", "time", "timeutc", "utctime", "date", "ts",
    "datumzeit", "zeitstempel", "zeitpunkt", "unixtimestamp", "unixtime", "epoch", "epochseconds", "epochms",
    "starttime", "periodstart", "datumvon", "start", "eventtime", "hour", "datum", "zeit", "fecha", "horodatage",
    "timegenerated", "timestampms", "period", "begintime", "begintimeseconds", "uhrzeit", "heure", "bin",
)  # fmt: skip
"""Names of a time column, the most telling first."""

_NAMES: Final[Mapping[Meaning, frozenset[str]]] = {
    Meaning.SERVICE: frozenset({"service", "servicename", "ecsservice", "ecsservicename"}),
    Meaning.TASKS: frozenset(
        {"tasks", "taskcount", "runningtasks", "runningtaskcount", "runningcount", "ntasks", "numtasks", "numrunningtasks"}
    ),
    Meaning.CPU_PERCENT: frozenset(
        {"cpupercent", "cpupercentage", "cpuutilization", "cpuutilisation", "cpuutilizationpercent", "cpupct", "cpuutil"}
    ),
    Meaning.MEMORY_PERCENT: frozenset(
        {"memorypercent", "memorypercentage", "memoryutilization", "memoryutilisation", "memoryutilizationpercent"}
        | {"memorypct", "mempercent", "mempct", "memutilization", "memutil"}
    ),
    Meaning.CPU_UNITS: frozenset({"cpuunits", "cpuunitsused"}),
    Meaning.MEMORY_MIB: frozenset({"memorymib", "memmib", "memoryusedmib"}),
    Meaning.REQUESTS_PER_SECOND: frozenset(
        {"requestspersecond", "requestspersec", "reqpersecond", "reqpersec", "requestss", "requestrate", "rps", "qps"}
    ),
    Meaning.REQUESTS: frozenset({"requests", "requestcount", "requestscount", "numrequests"}),
}
BY_NAME: Final = {name: meaning for meaning, names in _NAMES.items() for name in names}

_MIB: Final = 1_048_576
_CPU: Final = frozenset(
    {
        "cpu",
        "cpuusage",
        "cpuused",
        "cpuutilized",
        "cpuinuse",
        "cpuload",
        "containercpuusage",
        "podcpuusage",
        "taskcpu",
        "cpuavg",
    }
)
_MEMORY: Final = frozenset(
    {"memory", "mem", "memoryusage", "memusage", "memoryused", "memused", "memoryutilized", "memoryinuse", "memoryworkingset"}
    | {"workingset", "containermemoryworkingset", "containermemoryusage", "podmemoryusage", "rss", "memoryrss"}
    | {"containermemoryrss"}
)
_SHARES: Final[Mapping[str, Meaning]] = {
    **dict.fromkeys((*_CPU, "cpuutilization", "cpuutilisation", "cpuutil", "cpuusagerate"), Meaning.CPU_PERCENT),
    **dict.fromkeys((*_MEMORY, "memoryutilization", "memoryutilisation", "memutil", "memutilization"), Meaning.MEMORY_PERCENT),
    "memoryusagerate": Meaning.MEMORY_PERCENT,
}
_RATES: Final = frozenset(
    {
        "requests",
        "request",
        "req",
        "reqs",
        "requestrate",
        "requestcount",
        "invocations",
        "hits",
        "calls",
        "operations",
        "workload",
    }
    | {"podworkload", "traffic", "throughput", "httprequests", "queries"}
)
_COUNTS: Final = frozenset({"invocations", "hits", "requesttotal", "totalrequests", "nrequests", "httprequests", "requestsum"})
_CPU_FACTORS: Final[Mapping[str, float]] = {
    **dict.fromkeys(("m", "millicores", "millicore", "mcores", "millicpu", "mcpu"), 1.024),
    **dict.fromkeys(("nanocores", "nanocpu"), 1.024e-6),
    **dict.fromkeys(("cores", "core", "vcpu", "vcpus", "cpus"), 1024.0),
    **dict.fromkeys(("units", "cpuunits"), 1.0),
}
"""CPU units for one of a unit."""
_MEMORY_FACTORS: Final[Mapping[str, float]] = {
    **dict.fromkeys(("b", "bytes", "byte"), 1 / _MIB),
    **dict.fromkeys(("kb", "kilobytes"), 1e3 / _MIB),
    **dict.fromkeys(("kib", "ki"), 1 / 1024),
    **dict.fromkeys(("mb", "megabytes"), 1e6 / _MIB),
    **dict.fromkeys(("mib", "mi", "mebibytes"), 1.0),
    **dict.fromkeys(("gb", "gigabytes"), 1e9 / _MIB),
    **dict.fromkeys(("gib", "gi", "gibibytes"), 1024.0),
}
"""MiB for one of a unit: K, M and G are powers of 1,000, those with an i of 1,024."""
_RATE_FACTORS: Final[Mapping[str, float]] = {
    **dict.fromkeys(("persecond", "persec", "pers", "ps", "s", "ops", "opss", "reqs", "rps", "requestss"), 1.0),
    **dict.fromkeys(
        (
            "perminute",
            "permin",
            "min",
            "minute",
            "rpm",
            "countminute",
            "requestsperminute",
            "countperminute",
            "reqperminute",
            "reqsperminute",
        ),
        1 / 60,
    ),
    **dict.fromkeys(("perhour", "perh", "h", "hour"), 1 / 3600),
}
_SHARE_FACTORS: Final[Mapping[str, float]] = {
    **dict.fromkeys(("percent", "pct", "percentage"), 1.0),
    **dict.fromkeys(("fraction", "ratio", "share"), 100.0),
}
_FAMILIES: Final = (
    (_CPU, _CPU_FACTORS, Meaning.CPU_UNITS),
    (_MEMORY, _MEMORY_FACTORS, Meaning.MEMORY_MIB),
    (_RATES, _RATE_FACTORS, Meaning.REQUESTS_PER_SECOND),
)
CORES: Final = ("cpucores", "cpucore", "cpuvcpu", "cpuvcpus")
"""Names that a size may have, too."""
_OPEN: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        (*(_CPU - {"cpuutilized"}), *CORES),
        ("cpu_percent", "cpu_fraction", "cpu_units", "cpu_millicores", "cpu_vcpu"),
    ),
    **dict.fromkeys(
        _MEMORY - {"memoryutilized"}, ("memory_percent", "memory_fraction", "memory_mib", "memory_mb", "memory_bytes")
    ),
}
"""Names that tell what is measured but not in which unit, and the readings they may have."""
_BARE_UNITS: Final[Mapping[str, Meaning]] = {
    **dict.fromkeys(("cpuutilized", "cpuutilised"), Meaning.CPU_UNITS),
    **dict.fromkeys(("memoryutilized", "memoryutilised"), Meaning.MEMORY_MIB),
}
"""Names of Container Insights, which gives CPU units and MiB (labelled Megabytes)."""

_WITH_STATISTIC: Final[Mapping[tuple[Meaning, str], Meaning]] = {
    (Meaning.CPU_PERCENT, "average"): Meaning.CPU_PERCENT,
    (Meaning.CPU_PERCENT, "maximum"): Meaning.CPU_PERCENT_MAXIMUM,
    (Meaning.MEMORY_PERCENT, "average"): Meaning.MEMORY_PERCENT,
    (Meaning.MEMORY_PERCENT, "maximum"): Meaning.MEMORY_PERCENT_MAXIMUM,
    (Meaning.TASKS, "average"): Meaning.TASKS,
    (Meaning.CPU_UNITS, "average"): Meaning.CPU_UNITS,
    (Meaning.MEMORY_MIB, "average"): Meaning.MEMORY_MIB,
    (Meaning.REQUESTS, "sum"): Meaning.REQUESTS,
    (Meaning.REQUESTS_PER_SECOND, "average"): Meaning.REQUESTS_PER_SECOND,
}
"""What a statistic makes of a measure; a pair that is not here (the average of a count) answers nothing."""

_UNITS: Final[Mapping[Meaning, frozenset[str]]] = {
    Meaning.CPU_PERCENT: frozenset({"percent"}),
    Meaning.MEMORY_PERCENT: frozenset({"percent"}),
    Meaning.TASKS: frozenset({"count", "tasks"}),
    Meaning.MEMORY_MIB: frozenset({"mib"}),
    Meaning.REQUESTS: frozenset({"count", "requests"}),
    Meaning.REQUESTS_PER_SECOND: frozenset({"persecond", "requestss", "reqs", "rps"}),
    Meaning.CPU_UNITS: frozenset({"units"}),
}
"""Units in brackets that agree with the meaning; any other unit makes the column unknown."""

_BIN: Final = re.compile(r"(?i)bin\(\w+\)$")
"""What CloudWatch Logs Insights calls the start of a step."""
_UNIT: Final = re.compile(r"^(?P<name>.*?)\s*[\[(](?P<unit>[^\])]*)[\])]\s*$")


def time_rank(header: str) -> int | None:
    """How well a header names a time column, 0 best; None when it does not."""
    unit = None if _BIN.match(header) else _UNIT.match(header)
    name = "bin" if _BIN.match(header) else "".join(words_of(unit["name"] if unit else header))
    return _TIME.index(name) if name in _TIME else None


def header_meaning(header: str) -> Meaning | None:
    """What a column is, told from its header; None when the name says nothing known. The time column is found apart.

    >>> header_meaning("CPUUtilization Maximum"), header_meaning("Requests (Count)"), header_meaning("memory [GB]")
    (<Meaning.CPU_PERCENT_MAXIMUM: 'cpu_percent_maximum'>, <Meaning.REQUESTS: 'requests'>, None)
    """
    with_unit = _UNIT.match(header)
    if with_unit is None:
        return named_meaning(header, BY_NAME)
    unit = "".join(words_of(with_unit["unit"]))
    if unit in STATISTICS:
        return named_meaning(f"{with_unit['name']} {unit}", BY_NAME)
    meaning = named_meaning(with_unit["name"], BY_NAME)
    base = {Meaning.CPU_PERCENT_MAXIMUM: Meaning.CPU_PERCENT, Meaning.MEMORY_PERCENT_MAXIMUM: Meaning.MEMORY_PERCENT}
    return meaning if meaning and unit in _UNITS.get(base.get(meaning, meaning), ()) else None


def header_reading(header: str) -> Reading | None:
    """What a column is and in which unit; None when its name says nothing known, or not the unit.

    >>> str(header_reading("CpuUsage(m)")), str(header_reading("memory_bytes")), header_reading("cpu")
    ('cpu_units (from millicores)', 'memory_mib (from bytes)', None)
    """
    header = plain_name(header)
    meaning = header_meaning(header)
    if meaning is not None:
        return Reading(meaning=meaning, is_unit_said=meaning not in PERCENTAGES or _says_percent(header))
    if has_other_statistic(header):
        return None
    with_unit = _UNIT.match(header)
    words = words_of(with_unit["name"] if with_unit else header)
    statistics = {STATISTICS[word] for word in words if word in STATISTICS}
    name = "".join(word for word in words if word not in STATISTICS)
    unit = "".join(words_of(with_unit["unit"])) if with_unit else ""
    if unit in STATISTICS:
        statistics, unit = statistics | {STATISTICS[unit]}, ""
    found = None if not unit and name in _OPEN else _with_unit(name, unit)
    if found is None or len(statistics) > 1:
        return None
    if statistics:
        meaning = _WITH_STATISTIC.get((found.meaning, next(iter(statistics))))
        return Reading(meaning=meaning, factor=found.factor, unit=found.unit) if meaning else None
    return found


def open_readings(header: str) -> tuple[str, ...]:
    """Meanings that a header may have whose unit nothing tells; empty for all others.

    >>> open_readings("mem")[:2]
    ('memory_percent', 'memory_fraction')
    """
    with_unit = _UNIT.match(header)
    if with_unit and with_unit["unit"].strip():
        return ()
    return _OPEN.get("".join(word for word in words_of(header) if word not in STATISTICS), ())


def metric_name(words: str) -> str:
    """A label without the words of a statistic, in lower case and without separators."""
    return "".join(word for word in words_of(words) if word not in STATISTICS)


def split_service(header: str) -> tuple[str, Reading] | None:
    """Service and reading of a column that names both, such as ``web_tasks`` or ``orders CPUUtilization Average``.

    >>> [(name, str(reading)) for name, reading in [split_service("web_tasks"), split_service("tasks - api")]]
    [('web', 'tasks'), ('api', 'tasks')]
    """
    if (with_tags := tagged(header)) is not None:
        reading = header_reading(with_tags[0])
        return (with_tags[1], reading) if reading is not None and reading.meaning in MEASURES else None
    if has_other_statistic(header):
        return None
    cuts = [match.span() for match in re.finditer(r"\s+-\s+|[\s_.:/|-]+", header)]
    for before, after in cuts:
        head, tail = header[:before], header[after:]
        reading = header_reading(tail)
        if head and reading is not None and reading.meaning in MEASURES:
            return head, reading
    for before, after in reversed(cuts):
        head, tail = header[:before], header[after:]
        reading = header_reading(head)
        if tail and reading is not None and reading.meaning in MEASURES and metric_name(tail):
            return None if is_of_a_part(tail) else (tail, reading)
    return None


def _says_percent(header: str) -> bool:
    return bool({"percent", "pct", "percentage"} & set(words_of(header)))


def _with_unit(name: str, unit: str) -> Reading | None:
    """Reading of a name whose unit stands beside it, or at its end."""
    if not unit and name in _BARE_UNITS:
        return Reading(meaning=_BARE_UNITS[name])
    if not unit and name in ("rpm", "qpm"):
        return Reading(meaning=Meaning.REQUESTS_PER_SECOND, factor=1 / 60, unit="requests per minute")
    if not unit and name in _COUNTS:
        return Reading(meaning=Meaning.REQUESTS)
    for bases, factors, meaning in _FAMILIES:
        for word, factor in factors.items():
            is_named = (unit == word and name in bases) or (
                not unit and name.removesuffix(word) in bases and name.endswith(word)
            )
            if is_named:
                return Reading(meaning=meaning, factor=factor, unit="" if factor == 1 else _UNIT_NAMES.get(word, word))
    for word, factor in _SHARE_FACTORS.items():
        base = name if unit == word else name.removesuffix(word) if not unit and name.endswith(word) else ""
        if base in _SHARES:
            return Reading(meaning=_SHARES[base], factor=factor, unit="" if factor == 1 else "fractions of 1")
    if unit == "count" and name in _RATES:
        return Reading(meaning=Meaning.REQUESTS)
    return None


_UNIT_NAMES: Final = {
    "m": "millicores", "b": "bytes", "mb": "MB of 1,000,000 bytes", "gb": "GB of 1,000,000,000 bytes",
    "kb": "KB of 1,000 bytes",
    "kib": "KiB", "ki": "KiB", "gib": "GiB", "gi": "GiB", "megabytes": "MB of 1,000,000 bytes", "vcpu": "vCPU", "vcpus": "vCPU",
    "permin": "requests per minute", "perminute": "requests per minute", "perhour": "requests per hour",
}  # fmt: skip


def stated_reading(name: str, meaning: str) -> Reading:
    """The reading that the user states for a column: a meaning, a name with a unit, and a factor if need be.

    >>> str(stated_reading("mem", "memory_bytes")), stated_reading("cpu_usage", "cpu_units*0.4").factor
    ('memory_mib (from bytes)', 0.4)

    Raises
    ------
    InputError
        When there is no such meaning.
    """
    text, star, factor = meaning.partition("*")
    try:
        times = float(factor) if star else 1.0
    except ValueError:
        times = 0.0
    if not 0 < times < 1e300:
        raise InputError(
            f"column {name!r} is given the factor {factor!r}, which is no number above zero", fix="Write it as cpu_units*0.4."
        )
    key = "".join(words_of(text))
    for known in Meaning:
        if key == "".join(words_of(known)):
            return Reading(meaning=known, factor=times, unit=f"times {times:g}" if star else "")
    recognised = Reading(meaning=Meaning.TIME) if key in _TIME else header_reading(text) or _with_unit(key, "")
    if recognised is None:
        units = "cpu_millicores, cpu_vcpu, cpu_fraction, memory_mb, memory_gib, memory_bytes, requests_per_minute"
        raise InputError(
            f"column {name!r} is given the meaning {meaning!r}, which is none",
            fix=f"Use one of {', '.join(Meaning)}; with another unit {units}.",
        )
    return Reading(meaning=recognised.meaning, factor=recognised.factor * times, unit=recognised.unit)


def named_meaning(name: str, by_name: Mapping[str, Meaning]) -> Meaning | None:
    """Meaning in ``by_name`` of a name that may hold the word of a statistic."""
    words = words_of(name)
    statistics = {STATISTICS[word] for word in words if word in STATISTICS}
    meaning = by_name.get("".join(word for word in words if word not in STATISTICS))
    if meaning is None or not statistics:
        return meaning
    return _WITH_STATISTIC.get((meaning, statistics.pop())) if len(statistics) == 1 else None
