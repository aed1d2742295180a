"""Series by the hour for tables and charts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from advisor.optimize.alternatives import Alternatives
from advisor.optimize.loads import ServiceLoad
from advisor.optimize.packed import packed_load
from advisor.optimize.parts import Part, whole_instances
from advisor.optimize.replayed_week import together
from advisor.optimize.search import Search
from advisor.recommend.result import Alternative, InstancesView, ServiceView, Stairs, Views
from advisor.recommend.stairs import rounding_fraction, stairs_of
from advisor.simulate.timeline import Timeline
from advisor.units import SECONDS_PER_HOUR, BoolArray, FloatArray
from advisor.workload import LoadForm, Workload

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


def views_of(
    workload: Workload, found: Alternatives, search: Search, best: Sequence[Part], on_instances: Alternative | None
) -> Views:
    """By the hour: load and tasks of each service, instances of ``on_instances``, a replayed week of the parts ``best``."""
    start, axis = workload.start, search.axis
    everything = np.ones(axis.n_steps, dtype=np.bool_)
    services = tuple(
        replace(
            service_view(load, axis, start, everything, stairs_of(load, found, search)),
            fargate_rounding_fraction=rounding_fraction(load, found, search),
        )
        for load in found.loads
    )
    weeks = [part.replay.week for part in best if part.replay and part.replay.week]
    return Views(
        start=first_hour(start).isoformat(),
        services=services,
        instances=None if on_instances is None else _instances_of(on_instances, workload, found, search),
        replayed_week=together(weeks),
    )


def _instances_of(alternative: Alternative, workload: Workload, found: Alternatives, search: Search) -> InstancesView:
    parts = [part for part in found.parts_of(alternative.id) if part.on_instances is not None]
    bounds = []
    for part in parts:
        load = packed_load(part.runs).on(part.provider.launch_type)
        bounds.append(
            np.mean(
                [load.bound(each) for each in search.candidates.capacity_of(part.provider, is_windows=part.is_windows)], axis=0
            )
        )
    series = (
        np.sum([whole_instances(part) for part in parts], axis=0),
        np.sum(bounds, axis=0),
        np.sum([part.tasks.sum(axis=0) for part in parts], axis=0),
    )
    return instances_view(alternative.id, alternative.title, series, search.axis, workload.start)
