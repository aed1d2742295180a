"""What a column or a metric means, told from its name."""

import re
from collections.abc import Mapping
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
    IGNORE = "ignore"


MEASURES: Final = tuple(m for m in Meaning if m not in (Meaning.TIME, Meaning.SERVICE, Meaning.IGNORE))
"""The meanings that hold numbers."""
PERCENTAGES: Final = frozenset(
    {Meaning.CPU_PERCENT, Meaning.CPU_PERCENT_MAXIMUM, Meaning.MEMORY_PERCENT, Meaning.MEMORY_PERCENT_MAXIMUM}
)

_TIME: Final = (
    "timestamp", "timestamps", "timestamputc", "datetime", "dateandtime", "time", "timeutc", "utctime", "date", "ts",
    "starttime", "periodstart", "start", "period", "eventtime", "hour",
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


def stated_meaning(name: str, meaning: str) -> Meaning:
    """The meaning that the user states for a column.

    Raises
    ------
    InputError
        When there is no such meaning.
    """
    key = "".join(_words(meaning))
    for known in Meaning:
        if key == "".join(_words(known)):
            return known
    recognised = Meaning.TIME if key in _TIME else _meaning(meaning, _BY_NAME)
    if recognised is None:
        raise InputError(
            f"column {name!r} is given the meaning {meaning!r}, which is none", fix=f"Use one of {', '.join(Meaning)}."
        )
    return recognised


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
