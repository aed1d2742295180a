"""What the columns of a table measure: each by itself, by the column beside it, or of the service that it is named after."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from advisor.sources.load_content import one_value_per_task
from advisor.sources.load_header import Header, Table, all_numbers, all_times, any_numbers, most_numbers
from advisor.sources.load_numbers import meaning_of_units
from advisor.sources.meanings import (
    CORES,
    MEASURES,
    Meaning,
    Reading,
    header_reading,
    metric_name,
    open_readings,
    split_service,
    time_rank,
)
from advisor.sources.metric_labels import is_average_of_a_task
from advisor.sources.name_words import tagged
from advisor.sources.places import Place, listed, plain
from advisor.sources.timestamps import is_number
from advisor.units import ECS_CPU_UNITS_PER_VCPU

_DURATION_NAMES: Final = frozenset({"duration", "durationms", "durations", "durationseconds"})
_METRIC_NAMES: Final = frozenset({"metric", "metricname", "series", "name", "measurement", "label", "counter", "field"})
_VALUE_NAMES: Final = frozenset({"value", "val", "values", "metricvalue", "datapoint", "measuredvalue"})
NO_SERVICES: Final = frozenset(
    {"desired", "pending", "min", "max", "target", "failed", "successful", "error", "errors", "http", "new", "peak", "limit"}
    | {
        "reserved",
        "requested",
        "requests",
        "allocated",
        "total",
        "average",
        "avg",
        "maximum",
        "minimum",
        "healthy",
        "unhealthy",
    }
    | {"node", "host", "system", "process", "p50", "p90", "p95", "p99", "cluster", "instance", "task", "container", "pod"}
    | {"ecs", "fargate", "service", "aws"}
    | {"stopped", "stopping", "provisioning", "activating", "idle", "free", "available", "unused", "swap", "throttled", "steal"}
    | {"active", "concurrent", "inflight", "queued", "rejected", "blocked", "dropped", "retried", "slow"}
    | {"2xx", "3xx", "4xx", "5xx", "all", "overall", "sum", "gesamt", "cumulative"}
)
"""Words before a measure that are no service: desired_tasks is a count of another kind."""


def services_in_labels(labels: Sequence[str], file: str) -> list[str | None]:
    """Service that each label of a metric of load names beside its measure, where they name several; else None for all.

    >>> services_in_labels(["shop web CPUUtilization", "shop api CPUUtilization"], "load.json")
    ['web', 'api']
    >>> services_in_labels(["web CPUUtilization", "app/shop/5 targetgroup/web/7 RequestCount"], "load.json")
    [None, None]

    Raises
    ------
    InputError
        When there are several services, and one label names none, or two: ``web primary`` beside ``web``.
    """
    split = [None if header_reading(label) else split_service(label) for label in labels]
    names = [[word for word in one[0].split() if word.lower() not in NO_SERVICES] if one else [] for one in split]
    found = [_service_in(words[-1]) if words else None for words in names]
    services = sorted({name for name in found if name is not None})
    if len(services) < 2:
        return [None] * len(found)
    unclear = next((at for at, words in enumerate(names) if len(words) > 1 and words[:-1] in names), None)
    if unclear is not None:
        raise Place(file, column=labels[unclear]).error(
            f"another label names {names[unclear][-2]!r}: this may be a part of it, or the service {found[unclear]!r}",
            fix="Put the service's name last into the label, or export one service a file.",
        )
    if None in found:
        raise Place(file, column=labels[found.index(None)]).error(
            f"other labels name the services {listed(services)}, and this one names none of them",
            fix="Put the service's name into the label, or export one service a file.",
        )
    return found


def _service_in(name: str) -> str | None:
    """The service in the name of a target group; None for a load balancer, which may stand before several."""
    kind, *parts = name.split("/")
    if not parts or kind not in ("targetgroup", "app", "net"):
        return name
    return parts[0] if kind == "targetgroup" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnReadings:
    """What was understood of the columns, by number."""

    measured: dict[int, Reading]
    services: int | None
    """The column that names the service of a row."""
    pivot: int | None
    """The column that names what the value of a row measures."""
    wide: dict[int, str]
    """Service that a column stands for."""


def read_columns(table: Table, header: Header) -> ColumnReadings:
    """Reading of each measured column, the column of services, and the column that names what a value measures.

    Raises
    ------
    InputError
        Nothing is measured, or two columns measure the same.
    """
    found: dict[Meaning, int] = {}
    readings: dict[int, Reading] = {}
    unread: list[int] = []
    names, stated = header.names, table.options.columns
    remarks: list[str] = []
    for column in sorted(range(len(names)), key=lambda i: names[i] not in stated):
        name = names[column]
        if column in header.time or table.options.is_ignored(name):
            continue
        if name not in stated and is_average_of_a_task(name):
            raise one_value_per_task(Place(table.file, header.line, name))
        reading = stated[name] if name in stated else header_reading(name) or _reading_of_cells(table, header, column)
        if (
            reading is None
            and metric_name(name) in _DURATION_NAMES
            and any(one in stated or header_reading(one) for one in names)
        ):
            reading = Reading(meaning=Meaning.DURATION)
        is_second = reading is not None and reading.meaning in found
        if reading is None or (is_second and names[found[reading.meaning]] in stated and name not in stated):
            unread.append(column)
        elif reading.meaning is Meaning.TIME or (is_second and reading.meaning is not Meaning.VALUE):
            first = names[found.get(reading.meaning, (header.time or (column,))[0])]
            raise Place(table.file, header.line, name).error(
                f"the columns {first!r} and {name!r} both read as {reading.meaning}",
                fix=f"Leave one out, or say --column '{plain(name)}=ignore'.",
            )
        else:
            found[reading.meaning] = column
            if reading.meaning in MEASURES or reading.meaning is Meaning.DURATION:
                readings[column] = reading
            is_plain = name.lower() in (reading.meaning, f"{reading.meaning}_average") and not reading.unit
            if not is_plain and (reading.meaning is not Meaning.DURATION or name in stated):
                remarks.append(f"column {name!r} read as {reading}")
    wide: dict[int, str] = {}
    pivot: int | None = None
    if not any(reading.meaning in MEASURES for reading in readings.values()):
        pivot = _pivot(header, unread, found, readings, remarks)
        if pivot is None:
            _read_wide(table, header, unread, readings, wide, remarks)
    for remark in remarks:
        table.say(remark)
    left = [i for i in unread if i not in readings and i != pivot and names[i]]
    if not any(reading.meaning in MEASURES for reading in readings.values()) and pivot is None:
        raise _nothing_measured(table, header, left)
    if left:
        table.say(f"not used: {listed(sorted(repr(names[i]) for i in left))}")

    def is_decisive(column: int, meanings: Sequence[str]) -> bool:
        """Whether it varies, and nothing else says what it would: a size stands still, and a second column adds nothing."""
        kind = meanings[0].partition("_")[0]
        values = {row[column] for _, row in table.sample(header)}
        return len(values) > 1 and not any(each.meaning.startswith(kind) for each in readings.values())

    for i in left:
        meanings = open_readings(names[i])
        if meanings and is_decisive(i, meanings):
            raise _unit_unknown(table, header, i, meanings)
        if meanings:
            table.say(f"column {names[i]!r} may be {', '.join(meanings[:-1])} or {meanings[-1]}: say --column '{names[i]}=...'")
    return ColumnReadings(measured=readings, services=found.get(Meaning.SERVICE), pivot=pivot, wide=wide)


def _reading_of_cells(table: Table, header: Header, column: int) -> Reading | None:
    """What a column such as ``cpu`` measures, where each cell carries a unit that tells: ``250m``, ``0.5 vCPU``, ``34%``."""
    name = header.names[column]
    open_to = open_readings(name)
    if metric_name(name) in CORES and _are_in_use(table, header, column):
        return Reading(meaning=Meaning.CPU_UNITS, factor=ECS_CPU_UNITS_PER_VCPU, unit="vCPU")
    if not open_to or metric_name(name) != "".join(re.findall("[a-z]+", name.lower())):
        return None  # of a statistic, which the unit alone does not place
    of_cpu = (Meaning.CPU_PERCENT, Meaning.CPU_UNITS)
    meanings = of_cpu if open_to[0] == Meaning.CPU_PERCENT else (Meaning.MEMORY_PERCENT, Meaning.MEMORY_MIB)
    meaning = meaning_of_units((row[column] for _, row in table.sample(header)), meanings)
    return None if meaning is None else Reading(meaning=meaning, unit="the units in its cells", is_unit_in_cells=True)


def _are_in_use(table: Table, header: Header, column: int) -> bool:
    """Whether cores are in use, and no size: their number is no whole one, and changes again and again.

    Sizes differ from service to service, and change seldom: what changes is looked for in rows that name the same in words.
    """
    last: dict[tuple[str, ...], str] = {}
    is_change = []
    for _, row in table.sample(header):
        words = tuple(cell for i, cell in enumerate(row) if i not in header.time and re.search(r"[^\W\d_]", cell))
        cell = row[column].strip()
        if words in last:
            is_change.append(cell != last[words])
        last[words] = cell
    is_split = any(re.fullmatch(r"\d*[.,]\d*[1-9]\d*", row[column].strip()) for _, row in table.sample(header))
    return is_split and 4 * sum(is_change) > len(is_change)


def _pivot(
    header: Header,
    unread: list[int],
    found: dict[Meaning, int],
    readings: dict[int, Reading],
    remarks: list[str],
) -> int | None:
    """The column that names what the value beside it measures."""
    names = header.names
    values = [i for i in unread if metric_name(names[i]) in _VALUE_NAMES]
    if Meaning.VALUE in found:
        values = [found[Meaning.VALUE]]
    metrics = [i for i in unread if metric_name(names[i]) in _METRIC_NAMES]
    if Meaning.METRIC in found:
        metrics = [found[Meaning.METRIC]]
    if len(values) != 1 or len(metrics) != 1:
        return None
    readings[values[0]] = Reading(meaning=Meaning.VALUE)
    remarks.append(f"column {names[metrics[0]]!r} tells what the column {names[values[0]]!r} measures")
    return metrics[0]


def _read_wide(
    table: Table,
    header: Header,
    unread: list[int],
    readings: dict[int, Reading],
    wide: dict[int, str],
    remarks: list[str],
) -> None:
    """Columns that stand for services."""
    names = header.names
    for column in unread:
        split = split_service(names[column])
        if split is not None and split[0].lower() not in NO_SERVICES:
            wide[column], readings[column] = split
            remarks.append(f"column {names[column]!r} read as {split[1]} of the service {split[0]!r}")
    if wide or table.options.values is None:
        return
    sample = table.sample(header)
    if not any(names[i] and all_numbers(sample, i) for i in unread):
        return
    numeric = [i for i in unread if names[i] and most_numbers(sample, i)]
    for column in numeric:
        readings[column] = table.options.values
        if len(numeric) > 1 or metric_name(names[column]) not in _VALUE_NAMES:
            wide[column] = (tagged(names[column]) or ("", names[column]))[1]
    if wide:
        remarks.append(f"{len(wide)} columns read as services, each with {table.options.values}")
    else:
        remarks.append(f"column {names[numeric[0]]!r} read as {table.options.values}, as stated")


def _nothing_measured(table: Table, header: Header, left: Sequence[int]) -> Exception:
    names = [name for i, name in enumerate(header.names) if name]
    place = Place(table.file, header.line)
    if len(names) == 1 and " " in names[0].strip():
        return place.error(
            f"there is a single column, {names[0]!r}", fix="If blanks stand between columns, say --delimiter space."
        )
    for i in left:
        meanings = open_readings(header.names[i])
        if meanings:
            return _unit_unknown(table, header, i, meanings)
    numeric = [header.names[i] for i in left if all_numbers(table.sample(header), i)]
    wide = (
        f" If the columns {listed(numeric[:4])} are services, say what they measure with --values MEANING."
        if len(numeric) > 1
        else ""
    )
    return place.error(
        f"no column with a measure of load among {listed(names)}",
        fix=f"Name it {', '.join(MEASURES)}, or say what it is with --column NAME=MEANING.{wide}",
    )


def _unit_unknown(table: Table, header: Header, column: int, meanings: Sequence[str]) -> Exception:
    name = header.names[column]
    return Place(table.file, header.line, name).error(
        f"nothing says in which unit the column {name!r} is: it can be {', '.join(meanings[:-1])} or {meanings[-1]}",
        fix=f"Say which with --column '{plain(name)}={meanings[0]}', or leave it out with =ignore.",
    )


def second_times(table: Table, header: Header, readings: dict[int, Reading]) -> list[int]:
    """Columns of seconds since 1970 beside the time that is read."""
    if len(header.time) != 1:
        return []
    sample = table.sample(header)
    return [
        i for i, name in enumerate(header.names)
        if i not in header.time and i not in readings and time_rank(name) is not None and any_numbers(sample, i)
        and all(is_number(row[i]) for _, row in sample) and name not in table.options.columns
    ]  # fmt: skip


def unused_text(table: Table, header: Header, readings: dict[int, Reading], services: int | None) -> tuple[str, ...]:
    sample = table.sample(header)
    used = {*header.time, *readings, *([] if services is None else [services])}
    return tuple(
        name for i, name in enumerate(header.names)
        if i not in used and name and sample and not all_numbers(sample, i)
        and not all_times(sample, i) and not table.options.is_ignored(name)
    )  # fmt: skip


def refuse_swapped(table: Table, header: Header, readings: dict[int, Reading]) -> None:
    sample = table.sample(header)
    column = next((i for i in readings if all_times(sample, i)), None)
    if column is not None:
        name = header.names[column]
        raise Place(table.file, sample[0][0], name).error(
            f"the column {name!r} holds times, not numbers: the names may be swapped against the data",
            fix="Put the names in the order of the columns.",
        )
