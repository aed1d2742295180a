"""What a column or a metric means, told from its name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from advisor.errors import InputError


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
    "timegenerated", "timestampms", "period", "begintime", "begintimeseconds",
)  # fmt: skip
"""Names of a time column, the most telling first."""

_NAMES: Final[Mapping[Meaning, frozenset[str]]] = {
    Meaning.SERVICE: frozenset({"service", "servicename", "ecsservice", "ecsservicename"}),
    Meaning.TASKS: frozenset({"tasks", "taskcount", "runningtasks", "runningtaskcount", "runningcount", "ntasks", "numtasks"}),
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
_BY_NAME: Final = {name: meaning for meaning, names in _NAMES.items() for name in names}

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
_OPEN: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        (*(_CPU - {"cpuutilized"}), "cpucores", "cpucore", "cpuvcpu", "cpuvcpus"),
        ("cpu_percent", "cpu_fraction", "cpu_units", "cpu_millicores", "cpu_vcpu"),
    ),
    **dict.fromkeys(
        _MEMORY - {"memoryutilized"}, ("memory_percent", "memory_fraction", "memory_mib", "memory_mb", "memory_bytes")
    ),
}
"""Names that tell what is measured but not in which unit, and the readings they may have. CPU cores may be a size, too."""
_BARE_UNITS: Final[Mapping[str, Meaning]] = {
    **dict.fromkeys(("cpuutilized", "cpuutilised"), Meaning.CPU_UNITS),
    **dict.fromkeys(("memoryutilized", "memoryutilised"), Meaning.MEMORY_MIB),
}
"""Names of Container Insights, which gives CPU units and MiB (labelled Megabytes)."""

_CLOUDWATCH_METRICS: Final[Mapping[str, Meaning]] = {
    "cpuutilization": Meaning.CPU_PERCENT,
    "memoryutilization": Meaning.MEMORY_PERCENT,
    "runningtaskcount": Meaning.TASKS,
    "requestcount": Meaning.REQUESTS,
}
"""Metrics whose name may stand among other words of a label."""
_SHORT_IDS: Final[Mapping[str, Meaning]] = {
    "cpu": Meaning.CPU_PERCENT,
    "mem": Meaning.MEMORY_PERCENT,
    "memory": Meaning.MEMORY_PERCENT,
    "running": Meaning.TASKS,
    "reqs": Meaning.REQUESTS,
}
"""What people call queries of ``get-metric-data``, where an Id must start in lower case."""

_STATISTICS: Final[Mapping[str, str]] = {
    "average": "average", "avg": "average", "mean": "average", "maximum": "maximum", "max": "maximum",
    "minimum": "minimum", "min": "minimum", "sum": "sum", "total": "sum",
}  # fmt: skip
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

_WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|%")
_PER_MINUTE: Final = re.compile(r"(?i)(?:/|(?<![a-z])per)[\s_-]*min(?![a-z])")
"""Which is no minimum."""
_UNIT: Final = re.compile(r"^(?P<name>.*?)\s*[\[(](?P<unit>[^\])]*)[\])]\s*$")


def time_rank(header: str) -> int | None:
    """How well a header names a time column, 0 best; None when it does not."""
    unit = _UNIT.match(header)
    name = "".join(_words(unit["name"] if unit else header))
    return _TIME.index(name) if name in _TIME else None


def header_meaning(header: str) -> Meaning | None:
    """What a column is, told from its header; None when the name says nothing known. The time column is found apart.

    >>> header_meaning("CPUUtilization Maximum"), header_meaning("Requests (Count)"), header_meaning("memory [GB]")
    (<Meaning.CPU_PERCENT_MAXIMUM: 'cpu_percent_maximum'>, <Meaning.REQUESTS: 'requests'>, None)
    """
    with_unit = _UNIT.match(header)
    if with_unit is None:
        return _meaning(header, _BY_NAME)
    unit = "".join(_words(with_unit["unit"]))
    if unit in _STATISTICS:
        return _meaning(f"{with_unit['name']} {unit}", _BY_NAME)
    meaning = _meaning(with_unit["name"], _BY_NAME)
    base = {Meaning.CPU_PERCENT_MAXIMUM: Meaning.CPU_PERCENT, Meaning.MEMORY_PERCENT_MAXIMUM: Meaning.MEMORY_PERCENT}
    return meaning if meaning and unit in _UNITS.get(base.get(meaning, meaning), ()) else None


def header_reading(header: str) -> Reading | None:
    """What a column is and in which unit; None when its name says nothing known, or not the unit.

    >>> str(header_reading("CpuUsage(m)")), str(header_reading("memory_bytes")), header_reading("cpu")
    ('cpu_units (from millicores)', 'memory_mib (from bytes)', None)
    """
    header = _PER_MINUTE.sub("PerMinute", header)
    meaning = header_meaning(header)
    if meaning is not None:
        return Reading(meaning=meaning, is_unit_said=meaning not in PERCENTAGES or _says_percent(header))
    with_unit = _UNIT.match(header)
    words = _words(with_unit["name"] if with_unit else header)
    statistics = {_STATISTICS[word] for word in words if word in _STATISTICS}
    name = "".join(word for word in words if word not in _STATISTICS)
    unit = "".join(_words(with_unit["unit"])) if with_unit else ""
    if unit in _STATISTICS:
        statistics, unit = statistics | {_STATISTICS[unit]}, ""
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
    return _OPEN.get("".join(word for word in _words(header) if word not in _STATISTICS), ())


def metric_name(words: str) -> str:
    """A label without the words of a statistic, in lower case and without separators."""
    return "".join(word for word in _words(words) if word not in _STATISTICS)


def split_service(header: str) -> tuple[str, Reading] | None:
    """Service and reading of a column that names both, such as ``web_tasks`` or ``orders CPUUtilization Average``.

    >>> [(name, str(reading)) for name, reading in [split_service("web_tasks"), split_service("tasks - api")]]
    [('web', 'tasks'), ('api', 'tasks')]
    """
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
            return tail, reading
    return None


def _says_percent(header: str) -> bool:
    return bool({"percent", "pct", "percentage"} & set(_words(header)))


def _with_unit(name: str, unit: str) -> Reading | None:
    """Reading of a name whose unit stands beside it, or at its end."""
    if not unit and name in _BARE_UNITS:
        return Reading(meaning=_BARE_UNITS[name])
    if not unit and name == "rpm":
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


def metric_of_a_task(label: str) -> str:
    """The metric of Container Insights in a label that is sent once per task, not once per service; empty for none.

    Its sum over the tasks is nothing that a label tells: a Sum adds up the minutes of a period, too.

    >>> metric_of_a_task("web CpuUtilized Average"), metric_of_a_task("CpuUtilized Sum"), metric_of_a_task("CPUUtilization")
    ('CpuUtilized', '', '')
    """
    for word in re.split(r"[^A-Za-z0-9]+", label):
        if word in ("CpuUtilized", "MemoryUtilized"):
            said = {_STATISTICS[each] for each in _words(label) if each in _STATISTICS}
            return "" if said & {"sum", "minimum"} else word
    return ""


def metric_meaning(label: str, query_id: str) -> Meaning | None:
    """What a CloudWatch metric is: from its label, then from the Id of the query; None when neither tells.

    >>> metric_meaning("web CPUUtilization", "m1_max"), metric_meaning("Avg Total IOPS", "m3")
    (<Meaning.CPU_PERCENT_MAXIMUM: 'cpu_percent_maximum'>, None)
    """
    id_words = _words(query_id)
    statistic = " ".join(w for w in id_words if w in _STATISTICS) if not any(w in _STATISTICS for w in _words(label)) else ""
    whole = _meaning(f"{label} {statistic}", _BY_NAME)
    if whole is not None:
        return whole
    found = {metric for word in re.split(r"[^A-Za-z0-9_]+", label) if (metric := "".join(_words(word))) in _CLOUDWATCH_METRICS}
    if len(found) == 1:
        said = " ".join(w for w in _words(label) if w in _STATISTICS)
        return _meaning(f"{found.pop()} {said} {statistic}", _CLOUDWATCH_METRICS)
    return _meaning(query_id, {**_BY_NAME, **_SHORT_IDS})


def metric_reading(label: str, query_id: str) -> Reading | None:
    """What a metric of a monitoring system is, whose units are its own; None when neither label nor Id tells."""
    meaning = metric_meaning(label, query_id)
    if meaning is not None:
        return Reading(meaning=meaning)
    reading = header_reading(label)
    return reading if reading is not None and reading.meaning in MEASURES else None


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
    key = "".join(_words(text))
    for known in Meaning:
        if key == "".join(_words(known)):
            return Reading(meaning=known, factor=times, unit=f"times {times:g}" if star else "")
    recognised = Reading(meaning=Meaning.TIME) if key in _TIME else header_reading(text) or _with_unit(key, "")
    if recognised is None:
        units = "cpu_millicores, cpu_vcpu, cpu_fraction, memory_mb, memory_gib, memory_bytes, requests_per_minute"
        raise InputError(
            f"column {name!r} is given the meaning {meaning!r}, which is none",
            fix=f"Use one of {', '.join(Meaning)}; with another unit {units}.",
        )
    return Reading(meaning=recognised.meaning, factor=recognised.factor * times, unit=recognised.unit)


def _words(text: str) -> list[str]:
    return ["percent" if word == "%" else word.lower() for word in _WORD.findall(text)]


def _meaning(name: str, by_name: Mapping[str, Meaning]) -> Meaning | None:
    """Meaning of a name that may hold the word of a statistic."""
    words = _words(name)
    statistics = {_STATISTICS[word] for word in words if word in _STATISTICS}
    meaning = by_name.get("".join(word for word in words if word not in _STATISTICS))
    if meaning is None or not statistics:
        return meaning
    return _WITH_STATISTIC.get((meaning, statistics.pop())) if len(statistics) == 1 else None
