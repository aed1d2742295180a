"""Series by the hour for tables and charts."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from advisor.optimize.loads import ServiceLoad
from advisor.recommend.result import InstancesView, ServiceView, Stairs
from advisor.simulate.timeline import Timeline
from advisor.units import SECONDS_PER_HOUR, BoolArray, FloatArray
from advisor.workload import LoadForm

UNITS = {
    LoadForm.TASKS: "tasks",
    LoadForm.UTILIZATION: "CPU units in use",
    LoadForm.USAGE: "CPU units in use",
    LoadForm.REQUESTS: "requests/s",
}


def first_hour(start: datetime) -> datetime:
    """The clock hour in which a load starts."""
    return start - timedelta(seconds=start.timestamp() % SECONDS_PER_HOUR)


def hourly(values: FloatArray, axis: Timeline, start: datetime, *, is_maximum: bool) -> tuple[float | None, ...]:
    """Mean or maximum of each clock hour of a series (steps,); None where the whole hour is a gap."""
    per_hour = SECONDS_PER_HOUR // axis.step_s
    before = int(start.timestamp() % SECONDS_PER_HOUR) // axis.step_s
    after = -(before + values.size) % per_hour
    padded = np.concatenate([np.full(before, np.nan), values, np.full(after, np.nan)]).reshape(-1, per_hour)
    known = ~np.isnan(padded)
    count = known.sum(axis=1)
    if is_maximum:
        result = np.where(known, padded, -np.inf).max(axis=1)
    else:
        result = np.where(known, padded, 0.0).sum(axis=1) / np.maximum(count, 1)
    return tuple(float(f"{value:.5g}") if n else None for value, n in zip(result.tolist(), count.tolist(), strict=True))


def service_view(load: ServiceLoad, axis: Timeline, start: datetime, within: BoolArray, stairs: Stairs) -> ServiceView:
    """One service over time."""
    tasks = load.run.tasks
    rounded = np.ceil(tasks[load.measured])
    numbers, index = np.unique(rounded, return_inverse=True)
    lasting = np.bincount(index, weights=load.hours[load.measured], minlength=numbers.size)
    return ServiceView(
        name=load.service.name,
        load_form=load.service.load_form.value,
        load_unit=UNITS[load.service.load_form],
        coverage_fraction=float(load.measured.sum() / max(1, within.sum())),
        hourly_load=hourly(axis.spread(load.demand), axis, start, is_maximum=False),
        hourly_tasks=hourly(tasks, axis, start, is_maximum=True),
        task_hours={f"{number:.0f}": float(hours) for number, hours in zip(numbers.tolist(), lasting.tolist(), strict=True)},
        stairs=stairs,
    )


def instances_view(
    alternative: str, title: str, series: Sequence[FloatArray], axis: Timeline, start: datetime
) -> InstancesView:
    """Instances, volume bound and tasks of one alternative over time; ``series`` in that order, (steps,) each."""
    instances, bound, tasks = (hourly(values, axis, start, is_maximum=True) for values in series)
    return InstancesView(
        alternative=alternative, title=title, hourly_instances=instances, hourly_bound=bound, hourly_tasks=tasks
    )
