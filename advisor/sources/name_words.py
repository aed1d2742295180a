"""Words in the names of columns and metrics: in English, German or French, with the prefixes and tags of monitoring systems."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

STATISTICS: Final[Mapping[str, str]] = {
    "average": "average", "avg": "average", "mean": "average", "maximum": "maximum", "max": "maximum",
    "minimum": "minimum", "min": "minimum", "sum": "sum", "total": "sum",
}  # fmt: skip
SERVICE_TAGS: Final = (
    "ecs_service_name", "ecs_service", "service_name", "ServiceName", "dimension_ServiceName", "servicename", "service",
    "container_label_com_amazonaws_ecs_service_name",
    "app", "app_kubernetes_io_name", "deployment", "task_definition_family", "TaskDefinitionFamily", "ecs_task_family", "job",
)  # fmt: skip
"""Labels that tell services apart, the most telling first."""
_TRANSLATED: Final[Mapping[str, str]] = {
    "anzahl": "num", "auslastung": "utilization", "nutzung": "usage", "speicher": "memory", "arbeitsspeicher": "memory",
    "speicherauslastung": "memoryutilization", "prozessor": "cpu", "prozessorauslastung": "cpuutilization",
    "anfragen": "requests", "aufgaben": "tasks", "laufende": "running", "laufender": "running", "pro": "per",
    "sekunde": "second", "stunde": "hour", "prozent": "percent", "kerne": "cores", "durchschnitt": "average",
    "mittelwert": "average", "summe": "sum", "dienst": "service", "dienste": "services",
    "nombre": "num", "taches": "tasks", "memoire": "memory", "requetes": "requests", "par": "per", "seconde": "second",
    "heure": "hour", "moyenne": "average", "coeurs": "cores", "processeur": "cpu", "mio": "mib", "gio": "gib", "mo": "mb",
    "go": "gb", "octets": "bytes",
}  # fmt: skip
_WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|%")
_PER_MINUTE: Final = re.compile(r"(?i)(?:/|(?<![a-z])p(?:er|ro|ar))[\s_-]*min(?:utes?)?(?![a-z])")
"""Which is no minimum."""
_OF: Final = re.compile(r"(?i)^(nombre|utilisation|usage|auslastung)[\s_]+(?:d(?:e la|es|e|u)\s+|(?:de )?l'|d')?(?=\w)")
_UNIT_AFTER_IN: Final = re.compile(r"(?i)\s(?:in|en)\s+(%|[a-z]{1,9})\s*$")
_STATISTIC_OF: Final = re.compile(r"(?i)^(avg|average|mean|max|maximum|min|minimum|sum)\s*\(([^()]+)\)$")
_OF_ECS: Final = re.compile(r"(?i)^(?:(avg|max|min|sum):)?(?:aws[._])?ecs[._](?:services?[._]|containerinsights[._])*(?=\w)")
_TAGS: Final = re.compile(r"^(?P<name>[^{}]*?)\s*\{(?P<tags>[^{}]*)\}\s*$")
_TAG: Final = re.compile(r"\s*([\w.-]+)\s*[:=]\s*\"?([^\",]*)\"?\s*(?:,|$)")
_OTHER_STATISTIC: Final = re.compile(
    r"(?i)(?<![a-z0-9])(?:p(?:50|75|[89]\d(?:[._]\d+)?|100)|(?:tm|wm|tc|ts)[5-9]\d|samplecount|sample_count|stddev|stdev|iqr|median)"
    r"(?![a-z0-9])"
)
_ELSEWHERE: Final = re.compile(
    r"AWS/(?!ECS\b|ApplicationELB\b|ELB\b)\w+|(?<![\w-])(?:EC2|RDS|ElastiCache|AutoScaling|DynamoDB|Lambda)(?![\w-])"
)
_PARTS: Final = frozenset({"per", "by", "each", "of", "in"})


def words_of(text: str) -> list[str]:
    """Words in lower case and in English.

    >>> words_of("CPUUtilization Maximum"), words_of("Anzahl Tasks"), words_of("Mémoire (Mio)")
    (['cpu', 'utilization', 'maximum'], ['num', 'tasks'], ['memory', 'mib'])
    """
    bare = text if text.isascii() else "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    found = ("percent" if word == "%" else word.lower() for word in _WORD.findall(bare))
    return [_TRANSLATED.get(word, word) for word in found]


def plain_name(header: str) -> str:
    """A name without what monitoring systems put around it, and with the measure before what is said of it.

    >>> plain_name("avg(RunningTaskCount)"), plain_name("aws.ecs.service.cpuutilization"), plain_name("memory in MB")
    ('RunningTaskCount avg', 'cpuutilization', 'memory (MB)')
    """
    if wrapped := _STATISTIC_OF.match(header.strip()):
        header = f"{wrapped[2]} {wrapped[1]}"
    if (prefix := _OF_ECS.match(header)) and header not in SERVICE_TAGS:
        rest = header[prefix.end() :]
        header = "RunningTaskCount" if rest.lower() == "running" else rest
        header += f" {prefix[1]}" if prefix[1] not in (None, "avg") else ""
    if turned := _OF.match(header):
        name, bracket, unit = header[turned.end() :].partition("(")
        is_count = words_of(turned[1]) == ["num"]
        header = f"num {name}{bracket}{unit}" if is_count else f"{name.strip()} {turned[1]} {bracket}{unit}".strip()
    return _UNIT_AFTER_IN.sub(r" (\1)", _PER_MINUTE.sub("PerMinute", header))


def tagged(header: str) -> tuple[str, str] | None:
    """Name and service of a series such as ``avg:aws.ecs.cpuutilization{service:web}`` or ``{container="web"}``.

    >>> tagged('CPUUtilization {ServiceName="web"}'), tagged("cpu (m)")
    (('CPUUtilization', 'web'), None)
    """
    match = _TAGS.match(header.strip())
    if match is None:
        return None
    tags = dict(_TAG.findall(match["tags"]))
    known = [tags[key] for key in SERVICE_TAGS if key in tags] or (list(tags.values()) if len(tags) == 1 else [])
    return (match["name"], known[0]) if known and known[0] else None


def is_of_a_part(words: str) -> bool:
    """Whether words after a measure say that it is of one task or target, or its unit, and not of which service it is.

    >>> is_of_a_part("per_task"), is_of_a_part("web")
    (True, False)
    """
    first, *others = words_of(words) or [""]
    return first in _PARTS and bool(others)


def has_other_statistic(label: str) -> bool:
    """Whether a label names a percentile or another statistic that is neither average nor maximum nor sum."""
    return _OTHER_STATISTIC.search(label) is not None


def is_of_another_service(label: str) -> bool:
    """Whether a label says that a metric of CloudWatch is neither of ECS nor of a load balancer."""
    return _ELSEWHERE.search(label) is not None
