"""From the metrics of a service to the columns of its load file: what is written, and what has to be said about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from advisor.sources.aws.cloudwatch import Series, Window
from advisor.sources.aws.scaling import SetCount, counts_on_grid
from advisor.units import BoolArray, FloatArray

COLUMNS: Final = (
    "tasks", "cpu_percent_average", "cpu_percent_maximum", "memory_percent_average", "memory_percent_maximum", "cpu_units",
    "memory_mib", "requests",
)  # fmt: skip
_AGREES: Final = 0.2
"""Container Insights' CPU in use and CPUUtilization x size x tasks may differ by this fraction: both are samples."""
_ENOUGH_COUNTS: Final = 0.5
"""Share of the measured steps that must have a task count before the counts are worth more than today's desired count."""


@dataclass(slots=True)
class ServiceLoad:
    """Columns of one load file on the grid of the window."""

    columns: dict[str, FloatArray]
    notes: list[str] = field(default_factory=list)

    @property
    def names(self) -> tuple[str, ...]:
        """Columns in the order of the file."""
        return tuple(name for name in COLUMNS if name in self.columns)

    @property
    def measured(self) -> BoolArray:
        """(steps,): where at least one column has a value."""
        known = [~np.isnan(column) for column in self.columns.values()]
        return np.asarray(np.logical_or.reduce(known)) if known else np.zeros(0, dtype=bool)

    @property
    def n_measured(self) -> int:
        return int(np.count_nonzero(self.measured))

    @property
    def tells_load(self) -> bool:
        """Whether there is CPU in use, or a task count: memory or requests alone say nothing about the tasks needed."""
        return any(name in self.columns for name in ("tasks", "cpu_percent_average", "cpu_units"))

    @property
    def needs_count(self) -> bool:
        """Whether CPU in percent stands without the task count that it refers to."""
        return "cpu_percent_average" in self.columns and not {"tasks", "cpu_units"} & set(self.columns)

    @property
    def usual_tasks(self) -> tuple[float, float] | None:
        """The 5 % and 95 % quantiles of the task counts; None without any."""
        tasks = self.columns.get("tasks")
        if tasks is None or np.isnan(tasks).all():
            return None
        low, high = np.nanquantile(tasks, [0.05, 0.95])
        return float(low), float(high)

    def state_count(self, n_tasks: int) -> None:
        """Let ``n_tasks`` stand in for the task count of every measured step, where none was measured."""
        if self.needs_count:
            self.columns["tasks"] = np.where(self.measured, float(n_tasks), np.nan)
            self.notes.append("tasks: the desired count of today, stated for every step")


def service_load(
    series: Sequence[Series],
    window: Window,
    *,
    cpu_units_per_task: int | None,
    deployed_at: datetime | None = None,
    has_all_requests: bool = True,
    set_counts: Sequence[SetCount] | None = None,
) -> ServiceLoad:
    """The load of a service from all its series.

    Parameters
    ----------
    series
        One per query of the service.
    cpu_units_per_task
        What the task definition reserves; None where it reserves nothing.
    deployed_at
        Since when that size holds.
    has_all_requests
        Whether every target group that got requests of the service in the window was asked for.
    set_counts
        Counts that service auto scaling set, where there is no measured count.
    """
    raw = _by_name(series)
    notes = [
        f"CloudWatch answered {s.problem} for {s.query.metric} {s.query.statistic}: the values may be incomplete"
        for s in series
        if s.problem
    ]
    columns: dict[str, FloatArray] = {name: raw[name] for name in COLUMNS if name in raw}
    load = ServiceLoad(columns=columns, notes=notes)
    _fill_counts(load, window, set_counts)
    _add_totals(load, raw, window, cpu_units_per_task, deployed_at)
    if has_all_requests:
        _fill_requests(load)
    elif "requests" in columns:
        load.notes.append(
            "requests: steps without any are left unknown, because its deployments move requests between target groups, and "
            "ECS names only those of today"
        )
    return load


def load_csv(load: ServiceLoad, window: Window) -> bytes:
    """The load file: UTC times, an empty cell where nothing was measured.

    Every step from the first to the last measured one has a row, and there are at least two: the interval is then seen in the
    file, also of a service that runs for five minutes a day.
    """
    names = load.names
    measured = np.flatnonzero(load.measured)
    first_step = max(0, min(int(measured[0]), window.n_steps - 2))
    steps = np.arange(first_step, max(int(measured[-1]), first_step + 1) + 1)
    first = window.start.replace(tzinfo=None)
    cells = [[f"{(first + timedelta(seconds=int(s) * window.period_s)).isoformat()}Z" for s in steps]]
    cells += [["" if v != v else f"{v:.10g}" for v in load.columns[name][steps].tolist()] for name in names]  # NaN != NaN
    rows = [",".join(("time", *names)), *(",".join(row) for row in zip(*cells, strict=True))]
    return ("\n".join(rows) + "\n").encode()


def _by_name(series: Sequence[Series]) -> dict[str, FloatArray]:
    """Series with at least one value; those that share a name are added up, for as far as one of them is known."""
    found: dict[str, FloatArray] = {}
    for one in series:
        if np.isnan(one.values).all():
            continue
        other = found.get(one.query.name)
        found[one.query.name] = one.values if other is None else _sum(other, one.values)
    return found


def _sum(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.where(np.isnan(a), b, np.where(np.isnan(b), a, a + b))


def _fill_counts(load: ServiceLoad, window: Window, set_counts: Sequence[SetCount] | None) -> None:
    """Task counts: as measured, else as service auto scaling set them, else none, and today's desired count stands in."""
    measured = load.columns.get("tasks", np.full(window.n_steps, np.nan))
    rebuilt = counts_on_grid(set_counts or (), window.start, window.period_s, window.n_steps)
    counts = np.where(np.isnan(measured), rebuilt, measured)
    cpu = load.columns.get("cpu_percent_average")
    needed = ~np.isnan(cpu) if cpu is not None else ~np.isnan(counts)
    share = float(np.mean(~np.isnan(counts[needed]))) if needed.any() else 0.0
    if share == 0 or (cpu is not None and share < _ENOUGH_COUNTS):
        if load.columns.pop("tasks", None) is not None or set_counts:
            load.notes.append(
                f"a task count is known for only {share:.0%} of the measured steps and was left out: "
                "today's desired count stands in"
            )
        return
    load.columns["tasks"] = counts
    if np.count_nonzero(~np.isnan(counts)) > np.count_nonzero(~np.isnan(measured)):
        load.notes.append(
            "tasks: the desired count that service auto scaling set, from its activities of the last six weeks, where "
            "Container Insights has no RunningTaskCount; changes by hand or by a deployment are not in it"
        )
    if share < 1:
        load.notes.append(f"a task count is known for {share:.0%} of the measured steps: the load is unknown in the others")


def _add_totals(
    load: ServiceLoad,
    raw: Mapping[str, FloatArray],
    window: Window,
    cpu_units_per_task: int | None,
    deployed_at: datetime | None,
) -> None:
    """CPU units and MiB in use by all tasks, out of Container Insights.

    ``CpuUtilized`` of a service is sent once per task and minute, ``RunningTaskCount`` once per minute: the sum of the one over
    the number of reports of the other is what all tasks use together, whatever the period.
    """
    reports = raw.get("task_reports")
    if reports is None:
        return
    for name, total in (("cpu_units", raw.get("cpu_units_sum")), ("memory_mib", raw.get("memory_mib_sum"))):
        if total is None:
            continue
        column = np.full(window.n_steps, np.nan)
        np.divide(total, reports, out=column, where=reports > 0)
        column[np.nan_to_num(load.columns.get("tasks", column), nan=-1.0) == 0] = 0.0
        why_not = _why_not(column, load, window, cpu_units_per_task, deployed_at) if name == "cpu_units" else None
        if why_not is None:
            load.columns[name] = column
        else:
            load.notes.append(why_not)


def _why_not(
    cpu_units: FloatArray, load: ServiceLoad, window: Window, cpu_units_per_task: int | None, deployed_at: datetime | None
) -> str | None:
    """Why CpuUtilized is not written beside CPUUtilization; None when it may be."""
    percent, tasks = load.columns.get("cpu_percent_average"), load.columns.get("tasks")
    if percent is None or tasks is None or cpu_units_per_task is None:
        return None
    expected = percent / 100 * cpu_units_per_task * tasks
    known = ~np.isnan(expected)
    if np.count_nonzero(known & ~np.isnan(cpu_units)) < 0.99 * np.count_nonzero(known):
        return "CpuUtilized was left out: it is known for fewer steps than CPUUtilization"
    since = (deployed_at - window.start).total_seconds() if deployed_at else 0.0
    same_size = np.arange(window.n_steps) * window.period_s >= since
    compared = known & ~np.isnan(cpu_units) & (expected > 0)
    compared = compared & same_size if (compared & same_size).any() else compared
    if not compared.any():
        return None
    ratio = float(np.median(cpu_units[compared] / expected[compared]))
    if abs(ratio - 1) > _AGREES:
        return f"CpuUtilized was left out: it is {ratio:.2f} times what CPUUtilization, the task size and the task count give"
    return None


def _fill_requests(load: ServiceLoad) -> None:
    """A load balancer reports RequestCount only where it is not zero: 0 in steps in which the service was measured."""
    requests = load.columns.get("requests")
    if requests is not None:
        others = [~np.isnan(column) for name, column in load.columns.items() if name != "requests"]
        measured = np.logical_or.reduce(others) if others else np.zeros(len(requests), dtype=bool)
        load.columns["requests"] = np.where(np.isnan(requests) & measured, 0.0, requests)
