"""From the series of a service to its load: which form it has, and demand in that form's unit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from advisor.ecs import TaskSize
from advisor.sources.input_files import Place
from advisor.sources.meanings import MEASURES, Meaning
from advisor.sources.series import Series, common_axis, placed
from advisor.units import SECONDS_PER_HOUR, FloatArray
from advisor.workload import LoadForm

CONSTANT_START_S = 1_704_067_200
"""Monday 2024-01-01T00:00Z, where a workload of constants begins. [s since 1970]"""
_HOURS_PER_WEEK = 168


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a service says about its load beside the file."""

    name: str
    task: TaskSize
    requests_per_task: float | None = None
    cpu_ms_per_request: float | None = None
    desired_count: int | None = None
    figure_place: Place
    """Where the figures per request or per task stand, or would stand."""
    figure_names: tuple[str, str]
    """What the user calls ``requests_per_task`` and ``cpu_ms_per_request``: keys of a file, or options."""
    count_fix: str
    """How to give the number of tasks."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Load:
    """Load of one service: a series whose columns are demand, running tasks and memory per task."""

    form: LoadForm
    series: Series
    """``values`` by meaning: the demand under REQUESTS_PER_SECOND, CPU_UNITS or TASKS."""
    is_stated: bool = False

    @property
    def demand(self) -> FloatArray:
        return self.series.values[_DEMAND[self.form]]


_DEMAND: Mapping[LoadForm, Meaning] = {
    LoadForm.REQUESTS: Meaning.REQUESTS_PER_SECOND,
    LoadForm.UTILIZATION: Meaning.CPU_UNITS,
    LoadForm.TASKS: Meaning.TASKS,
}


def service_load(series: Series, statement: Statement, notes: list[str]) -> Load:
    """Load of a service in the first form that it gives: requests with their figure, CPU in use, running tasks.

    Demand is in requests per second, CPU units in use, or tasks; memory is per task.

    Raises
    ------
    InputError
        When a form lacks its other half: CPU percent without a task count, requests without a figure or the other way round.
    """
    form, used = _form(series, statement)
    given = series.values
    values: dict[Meaning, FloatArray] = {}
    tasks = given.get(Meaning.TASKS)
    if tasks is not None:
        values[Meaning.TASKS] = tasks
    if form is LoadForm.REQUESTS:
        values[Meaning.REQUESTS_PER_SECOND] = given[Meaning.REQUESTS_PER_SECOND]
    elif form is LoadForm.UTILIZATION:
        values[Meaning.CPU_UNITS] = _cpu_units(series, statement, notes)
    memory = _memory_mib_per_task(series, statement)
    if memory is not None:
        values[Meaning.MEMORY_MIB] = memory[1]
    _say_unused(series, {*used, Meaning.TASKS, *([memory[0]] if memory else [])}, statement, notes)
    load = Load(form=form, series=replace(series, values=values))
    if np.isnan(load.demand).all():
        raise series.origins[used[0]].error(
            f"{statement.name} has no step with a known load: every cell is empty, or lacks its other half",
            fix="Export a time range in which the service ran.",
        )
    return load


def constant_load(n_tasks: int) -> Load:
    """A stated number of tasks, one week of hourly steps; ``on_one_axis`` stretches it over what the others measured."""
    series = Series(
        start_s=CONSTANT_START_S,
        step_s=SECONDS_PER_HOUR,
        values={Meaning.TASKS: np.full(_HOURS_PER_WEEK, float(n_tasks))},
        origins={},
    )
    return Load(form=LoadForm.TASKS, series=series, is_stated=True)


def on_one_axis(loads: Sequence[Load]) -> list[Load]:
    """Loads on the finest step and the union of their spans, NaN outside each; stated loads hold throughout.

    Raises
    ------
    InputError
        When the steps do not fit into each other.
    """
    measured = [load.series for load in loads if not load.is_stated]
    step_s, start_s, n_steps = common_axis(measured or [load.series for load in loads])
    aligned = []
    for load in loads:
        if load.is_stated:
            values = {Meaning.TASKS: np.full(n_steps, load.demand[0])}
        else:
            values = {m: placed(load.series, column, step_s, start_s, n_steps) for m, column in load.series.values.items()}
        aligned.append(replace(load, series=Series(start_s=start_s, step_s=step_s, values=values, origins=load.series.origins)))
    return aligned


def _form(series: Series, statement: Statement) -> tuple[LoadForm, tuple[Meaning, ...]]:
    """Form of the load, and the columns that state it."""
    given = series.values
    figures = dict(zip(statement.figure_names, (statement.requests_per_task, statement.cpu_ms_per_request), strict=True))
    named = [name for name, figure in figures.items() if figure is not None]
    if named:
        if Meaning.REQUESTS_PER_SECOND not in given:
            raise statement.figure_place.error(
                f"{named[0]} is given for {statement.name}, but {_files(series)} has no column requests_per_second or requests",
                fix=f"Leave {named[0]} out, or add the column.",
            )
        return LoadForm.REQUESTS, (Meaning.REQUESTS_PER_SECOND,)
    if Meaning.CPU_UNITS in given:
        return LoadForm.UTILIZATION, (Meaning.CPU_UNITS,)
    if Meaning.CPU_PERCENT in given:
        return LoadForm.UTILIZATION, (Meaning.CPU_PERCENT,)
    if Meaning.CPU_PERCENT_MAXIMUM in given:
        raise series.origins[Meaning.CPU_PERCENT_MAXIMUM].error(
            f"{statement.name} has the maximum of CPU utilization without its average: the maximum is that of a single task",
            fix="Add the average as cpu_percent.",
        )
    if Meaning.TASKS in given:
        return LoadForm.TASKS, (Meaning.TASKS,)
    if Meaning.REQUESTS_PER_SECOND in given:
        raise series.origins[Meaning.REQUESTS_PER_SECOND].error(
            f"{statement.name} has requests, but nothing says what one takes",
            fix=f"Give {statement.figure_names[0]} (requests per second that one task serves while at its target) or "
            f"{statement.figure_names[1]}.",
        )
    raise next(iter(series.origins.values())).error(
        f"{statement.name} has memory, but neither CPU, requests nor tasks",
        fix="Add cpu_percent with tasks, requests, or tasks.",
    )


def _cpu_units(series: Series, statement: Statement, notes: list[str]) -> FloatArray:
    """CPU units in use by all tasks; a step without tasks uses nothing, which CloudWatch gives as no data point."""
    if Meaning.CPU_UNITS in series.values:
        return series.values[Meaning.CPU_UNITS]
    percent = series.values[Meaning.CPU_PERCENT]
    tasks = _task_count(series, statement)
    if tasks is None:
        raise series.origins[Meaning.CPU_PERCENT].error(
            f"{statement.name} has CPU utilization in percent, but nothing says of how many tasks", fix=statement.count_fix
        )
    if Meaning.TASKS not in series.values:
        notes.append(
            f"{_files(series)}: CPU utilization of {statement.name} refers to its desired count of {statement.desired_count}."
        )
    return np.asarray(np.where(tasks == 0, 0.0, percent / 100 * statement.task.cpu_units * tasks))


def _task_count(series: Series, statement: Statement) -> FloatArray | None:
    if Meaning.TASKS in series.values:
        return series.values[Meaning.TASKS]
    return np.full(series.n_steps, float(statement.desired_count)) if statement.desired_count else None


def _memory_mib_per_task(series: Series, statement: Statement) -> tuple[Meaning, FloatArray] | None:
    """Highest known memory of one task, and the column that tells; the maximum goes before the average. [MiB]"""
    for meaning in (Meaning.MEMORY_PERCENT_MAXIMUM, Meaning.MEMORY_PERCENT):
        if meaning in series.values:
            return meaning, series.values[meaning] / 100 * statement.task.memory_mib
    tasks = _task_count(series, statement)
    if Meaning.MEMORY_MIB not in series.values or tasks is None:
        return None
    per_task = np.full(series.n_steps, np.nan)
    np.divide(series.values[Meaning.MEMORY_MIB], tasks, out=per_task, where=tasks > 0)
    return Meaning.MEMORY_MIB, per_task


def _say_unused(series: Series, used: set[Meaning], statement: Statement, notes: list[str]) -> None:
    unused = [meaning for meaning in MEASURES if meaning in series.values and meaning not in used]
    if unused:
        notes.append(f"{_files(series)}: measured for {statement.name}, but not used for its load: {', '.join(unused)}.")


def _files(series: Series) -> str:
    return ", ".join(dict.fromkeys(place.file for place in series.origins.values()))
