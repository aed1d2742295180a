"""What a metric of CloudWatch means, told from its label and from the Id of its query."""

import re
from collections.abc import Mapping
from typing import Final

from advisor.sources.meanings import BY_NAME, MEASURES, Meaning, Reading, header_reading, named_meaning
from advisor.sources.name_words import STATISTICS, has_other_statistic, is_of_another_service, words_of

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


def metric_of_a_task(label: str) -> str:
    """The metric of Container Insights in a label that is sent once per task, not once per service; empty for none.

    Its sum over the tasks is nothing that a label tells: a Sum adds up the minutes of a period, too.

    >>> metric_of_a_task("web CpuUtilized Average"), metric_of_a_task("CpuUtilized Sum"), metric_of_a_task("CPUUtilization")
    ('CpuUtilized', '', '')
    """
    for word in re.split(r"[^A-Za-z0-9]+", label):
        if word in ("CpuUtilized", "MemoryUtilized"):
            said = {STATISTICS[each] for each in words_of(label) if each in STATISTICS}
            return "" if said & {"sum", "minimum"} else word
    return ""


def is_average_of_a_task(header: str) -> bool:
    """Whether a column is an average of a metric that each task sends.

    >>> [is_average_of_a_task(header) for header in ("avg(CpuUtilized)", "CpuUtilized", "MemoryUtilized Sum")]
    [True, False, False]
    """
    said = {STATISTICS[word] for word in words_of(header) if word in STATISTICS}
    return said == {"average"} and metric_of_a_task(header) != ""


def metric_meaning(label: str, query_id: str) -> Meaning | None:
    """What a CloudWatch metric is: from its label, then from the Id of the query; None when neither tells.

    >>> metric_meaning("web CPUUtilization", "m1_max"), metric_meaning("Avg Total IOPS", "m3")
    (<Meaning.CPU_PERCENT_MAXIMUM: 'cpu_percent_maximum'>, None)
    """
    if has_other_statistic(f"{label} {query_id}") or is_of_another_service(label):
        return None
    id_words = words_of(query_id)
    statistic = " ".join(w for w in id_words if w in STATISTICS) if not any(w in STATISTICS for w in words_of(label)) else ""
    whole = named_meaning(f"{label} {statistic}", BY_NAME)
    if whole is not None:
        return whole
    found = {
        metric for word in re.split(r"[^A-Za-z0-9_]+", label) if (metric := "".join(words_of(word))) in _CLOUDWATCH_METRICS
    }
    if len(found) == 1:
        said = " ".join(w for w in words_of(label) if w in STATISTICS)
        return named_meaning(f"{found.pop()} {said} {statistic}", _CLOUDWATCH_METRICS)
    return named_meaning(query_id, {**BY_NAME, **_SHORT_IDS})


def metric_reading(label: str, query_id: str) -> Reading | None:
    """What a metric of a monitoring system is, whose units are its own; None when neither label nor Id tells."""
    meaning = metric_meaning(label, query_id)
    if meaning is not None:
        return Reading(meaning=meaning)
    if has_other_statistic(query_id) or is_of_another_service(label):
        return None
    of_id = {STATISTICS[word] for word in words_of(query_id) if word in STATISTICS}
    reading = header_reading(label if any(word in STATISTICS for word in words_of(label)) else " ".join((label, *of_id)))
    return reading if reading is not None and reading.meaning in MEASURES else None
