"""How long scheduled tasks work: no API keeps it, but Container Insights counts the tasks of a family by the minute."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import numpy as np

from advisor.errors import InputError
from advisor.schedules import Schedule, parse_schedule
from advisor.sources.aws.cloudwatch import MetricQuery, Series, Window
from advisor.sources.aws.scheduled_tasks import ScheduledTask
from advisor.sources.timestamps import zone_named
from advisor.units import FloatArray, IntArray

DAYS: Final = 14
"""As long as CloudWatch keeps minutes."""
_MINUTE_S: Final = 60
_LONGEST_MONTH_S: Final = 31 * 86_400
_LONGEST_START_S: Final = 600
"""A task that is first seen later than this after its start was not seen from the beginning."""
_SHARE_BEFORE_SEEN: Final = 0.25
"""A rate counts from a moment that nothing tells: this share of it before its first task is seen, or ten minutes."""
_MOST_SILENT: Final = 0.1
"""Share of the starts of which nothing was seen, from which the schedule and the minutes tell different stories."""


def family_queries(cluster: str, tasks: Sequence[ScheduledTask]) -> list[MetricQuery]:
    """One query a family: each of its tasks reports its memory once a minute, so that reports count tasks."""
    return [
        MetricQuery(
            service=family,
            name="task_reports",
            namespace="ECS/ContainerInsights",
            metric="MemoryUtilized",
            statistic="SampleCount",
            dimensions=(("ClusterName", cluster), ("TaskDefinitionFamily", family)),
        )
        for family in dict.fromkeys(task.family for task in tasks if task.is_enabled and task.has_schedule)
    ]


def with_durations(
    tasks: Sequence[ScheduledTask], series: Sequence[Series], window: Window, service_families: Collection[str]
) -> list[ScheduledTask]:
    """Scheduled tasks with the mean minutes that each of their runs worked, or with the reason why nothing tells it.

    Parameters
    ----------
    series
        Answers to ``family_queries``, in steps of a minute.
    service_families
        Families of services: their tasks report under the same name.
    """
    by_family = {one.query.service: one for one in series}
    n_schedules = Counter(task.family for task in tasks)
    found = []
    for task in tasks:
        if not (task.is_enabled and task.has_schedule):
            found.append(task)
        elif task.runs_on == "EXTERNAL":
            found.append(replace(task, untold="it runs on external instances, which are no alternative"))
        elif task.family in service_families:
            found.append(replace(task, untold=f"a service runs tasks of the family {task.family}, too"))
        elif n_schedules[task.family] > 1:
            found.append(replace(task, untold=f"{n_schedules[task.family]} schedules start tasks of the family {task.family}"))
        else:
            found.append(_measured(task, by_family, window))
    return found


def _measured(task: ScheduledTask, by_family: Mapping[str, Series], window: Window) -> ScheduledTask:
    try:
        schedule = parse_schedule(task.schedule or "", zone_named(task.zone) or UTC)
    except (ValueError, InputError):
        return replace(task, untold="a workload file cannot state its schedule")
    one = by_family.get(task.family)
    if one is not None and one.problem:
        return replace(task, untold=f"CloudWatch answered {one.problem} for its minutes")
    days = window.n_steps * window.period_s / 86_400
    if one is None or np.isnan(one.values).all():
        return replace(task, untold=f"Container Insights saw none of its tasks in {days:g} days")
    starts_s, minutes = _runs(schedule, np.nan_to_num(one.values), window)
    n_seen = int(np.count_nonzero(minutes))
    if not n_seen:
        return replace(task, untold=f"Container Insights saw no whole run of it in {days:g} days")
    if minutes.size - n_seen > _MOST_SILENT * minutes.size:
        return replace(task, untold=f"Container Insights saw a task after only {n_seen} of {minutes.size} starts")
    each = minutes / task.count
    return replace(
        task,
        duration_minutes=round(float(each.mean()), 2),
        measured=f"{minutes.size} runs of {each.min():g} to {each.max():g} in {days:g} days",
        last_start=datetime.fromtimestamp(int(starts_s[-1]), UTC),
    )


def _runs(schedule: Schedule, counts: FloatArray, window: Window) -> tuple[IntArray, FloatArray]:
    """(runs,) each: start of each whole run [s since 1970], and minutes that its tasks worked together."""
    begin_s, end_s = int(window.start.timestamp()), int(window.end.timestamp())
    seen = np.flatnonzero(counts)
    first_s, last_s = begin_s + _MINUTE_S * int(seen[0]), begin_s + _MINUTE_S * int(seen[-1])
    starts = _starts_s(schedule, first_s, end_s - _LONGEST_START_S)
    if starts.size and first_s - starts[0] > _LONGEST_START_S:
        starts = starts[1:]
    if first_s == begin_s:
        starts = starts[starts >= begin_s]
    edges = np.append(starts, end_s)
    if last_s >= end_s - _LONGEST_START_S:
        edges = edges[:-1]  # the last run may not be over
    at = np.clip(-(-(edges - begin_s) // _MINUTE_S), 0, counts.size)
    return edges[:-1], np.diff(np.concatenate([[0.0], np.cumsum(counts)])[at])


def _starts_s(schedule: Schedule, first_s: int, end_s: int) -> IntArray:
    """Starts from that of the task that was seen first on. [s since 1970]"""
    if schedule.every_s is not None:
        before_s = min(_LONGEST_START_S, int(_SHARE_BEFORE_SEEN * schedule.every_s))
        return np.arange(first_s - before_s, end_s, schedule.every_s, dtype=np.int64)
    starts = schedule.starts_s(first_s - _LONGEST_MONTH_S, end_s)
    n_before = int(np.count_nonzero(starts <= first_s))
    return starts[max(n_before - 1, 0) :]
