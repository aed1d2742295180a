"""From the series of a service to its load: which form it has, and demand in that form's unit."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from advisor.ecs import TaskSize
from advisor.sizing import SAMPLE_STEP_S
from advisor.sources.batch_runs import LONGEST_RUN_STEP_S, Runs, axis_of_runs, tasks_of_runs
from advisor.sources.input_files import Place
from advisor.sources.meanings import MEASURES, Meaning
from advisor.sources.series import Series, common_axis, placed
from advisor.units import HOURS_PER_WEEK, SECONDS_PER_HOUR, BoolArray, FloatArray
from advisor.workload import LoadForm

CONSTANT_START_S = 1_704_067_200
"""Monday 2024-01-01T00:00Z, where a workload of constants begins. [s since 1970]"""
_YEAR_S = 365.25 * 86_400
_MOST_YEARS = 20
_LEAST_COVERED = 0.99
"""Share of the steps with a load that must have a maximum, before the maximum of the rest is taken as seen."""
_MOST_SWAPPED = 0.5
"""Share of the steps in which a maximum below its average is no accident of rounding."""


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
    """Load of one service: a series whose columns are demand, running tasks, and what single tasks used."""

    form: LoadForm
    series: Series
    """``values`` by meaning: the demand under REQUESTS_PER_SECOND, CPU_UNITS or TASKS.

    Of single tasks: MEMORY_MIB, and under CPU_PERCENT_MAXIMUM the most CPU that one used, in percent of the declared size.
    """
    is_stated: bool = False
    is_memory_maximum: bool = False
    """Whether MEMORY_MIB holds maxima of single tasks, not averages over tasks or over long steps."""
    runs: Runs | None = None
    """Of batch runs; the series is made once the span of the other loads is known."""
    is_constant: bool = False
    """A stated number of tasks that holds throughout."""
    fargate_tasks: FloatArray | None = None
    """(steps,): of batch runs, the tasks that Fargate bills."""

    @property
    def demand(self) -> FloatArray:
        return self.series.values[_DEMAND[self.form]]


_DEMAND: Mapping[LoadForm, Meaning] = {
    LoadForm.REQUESTS: Meaning.REQUESTS_PER_SECOND,
    LoadForm.UTILIZATION: Meaning.CPU_UNITS,
    LoadForm.USAGE: Meaning.CPU_UNITS,
    LoadForm.TASKS: Meaning.TASKS,
}


def service_load(series: Series, statement: Statement, notes: list[str]) -> Load:
    """Load of a service in the first form that it gives: requests with their figure, CPU in use, CPU in percent, running tasks.

    Demand is in requests per second, CPU units in use, or tasks; memory is per task.

    Raises
    ------
    InputError
        When a form lacks its other half: CPU percent without a task count, requests without a figure or the other way round.
    """
    _refuse_centuries(series, statement)
    form, used = _form(series, statement)
    given = series.values
    values: dict[Meaning, FloatArray] = {}
    tasks = given.get(Meaning.TASKS)
    if tasks is not None:
        values[Meaning.TASKS] = tasks
    if form is LoadForm.REQUESTS:
        values[Meaning.REQUESTS_PER_SECOND] = given[Meaning.REQUESTS_PER_SECOND]
    elif form in (LoadForm.UTILIZATION, LoadForm.USAGE):
        values[Meaning.CPU_UNITS] = _cpu_units(series, statement, notes)
    seen = _seen_of_tasks(series, statement, notes)
    if seen.memory_mib is not None:
        values[Meaning.MEMORY_MIB] = seen.memory_mib
    if seen.cpu_percent_max is not None:
        values[Meaning.CPU_PERCENT_MAXIMUM] = seen.cpu_percent_max
    _say_unused(series, {*used, Meaning.TASKS, *seen.used}, statement, notes)
    load = Load(form=form, series=replace(series, values=values), is_memory_maximum=seen.is_memory_maximum)
    if np.isnan(load.demand).all():
        raise series.origins[used[0]].error(
            f"{statement.name} has no step with a known load: every cell is empty, or lacks its other half",
            fix="Export a time range in which the service ran.",
        )
    return load


def _refuse_centuries(series: Series, statement: Statement) -> None:
    """A time stamp gone wrong makes an axis that no machine walks through in a minute."""
    years = series.n_steps * series.step_s / _YEAR_S
    if years > _MOST_YEARS:
        first = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=series.start_s)
        raise next(iter(series.origins.values())).error(
            f"the times of {statement.name} span {years:,.0f} years, from {first:%Y-%m-%d} on", fix="Check the time stamps."
        )


def constant_load(n_tasks: int) -> Load:
    """A stated number of tasks, one week of hourly steps; ``on_one_axis`` stretches it over what the others measured."""
    series = Series(
        start_s=CONSTANT_START_S,
        step_s=SECONDS_PER_HOUR,
        values={Meaning.TASKS: np.full(HOURS_PER_WEEK, float(n_tasks))},
        origins={},
    )
    return Load(form=LoadForm.TASKS, series=series, is_stated=True, is_constant=True)


def load_of_runs(runs: Runs) -> Load:
    """Scheduled tasks and batch runs; ``on_one_axis`` works out when they run over what the others measured."""
    series = Series(start_s=CONSTANT_START_S, step_s=SECONDS_PER_HOUR, values={Meaning.TASKS: np.zeros(1)}, origins={})
    return Load(form=LoadForm.TASKS, series=series, is_stated=True, runs=runs)


def on_one_axis(loads: Sequence[Load], notes: list[str]) -> list[Load]:
    """Loads on the finest step and the union of their spans, NaN outside each; stated constants and runs hold throughout.

    Beside measured loads an assumed one is repeated by whole weeks over their time: its own date means nothing.

    Raises
    ------
    InputError
        When the steps do not fit into each other, or a batch does not run once in the span.
    """
    measured = [load.series for load in loads if not load.is_stated]
    assumed = [load.series for load in loads if load.is_stated and load.runs is None and not load.is_constant]
    fixed = [*measured, *assumed] if not measured else [*measured, *(_moved(one, measured) for one in assumed)]
    batches = [load.runs for load in loads if load.runs is not None]
    constants = [load.series for load in loads if load.is_constant]
    step_s, start_s, n_steps = common_axis(fixed) if fixed else axis_of_runs(batches) if batches else common_axis(constants)
    if fixed and batches:
        finer_s = math.gcd(step_s, LONGEST_RUN_STEP_S)
        step_s, n_steps = finer_s, n_steps * (step_s // finer_s)
    aligned = []
    for load in loads:
        billed = None
        if load.runs is not None:
            tasks, billed = tasks_of_runs(load.runs, start_s, step_s, n_steps, notes)
            values = {Meaning.TASKS: tasks}
        elif load.is_constant:
            values = {Meaning.TASKS: np.full(n_steps, load.demand[0])}
        elif load.is_stated and measured:
            values = {m: _repeated(load.series, column, step_s, start_s, n_steps) for m, column in load.series.values.items()}
        else:
            values = {m: placed(load.series, column, step_s, start_s, n_steps) for m, column in load.series.values.items()}
        series = Series(start_s=start_s, step_s=step_s, values=values, origins=load.series.origins)
        aligned.append(replace(load, series=series, fargate_tasks=billed))
    return aligned


def _moved(series: Series, measured: Sequence[Series]) -> Series:
    """A series with one step of its length at the start of the measured ones, so that only its step counts."""
    first = min(measured, key=lambda one: one.start_s)
    values = {meaning: column[:1] for meaning, column in series.values.items()}
    return replace(series, start_s=first.start_s - first.start_s % series.step_s, values=values)


def _repeated(series: Series, column: FloatArray, step_s: int, start_s: int, n_steps: int) -> FloatArray:
    """A column of whole weeks on another axis, at the same hours of the week."""
    week_s = HOURS_PER_WEEK * SECONDS_PER_HOUR
    whole_s = max(1, len(column) * series.step_s // week_s) * week_s
    at = (start_s + step_s * np.arange(n_steps, dtype=np.int64) - series.start_s) % whole_s // series.step_s
    return np.asarray(np.where(at < len(column), column[np.minimum(at, len(column) - 1)], np.nan))


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
        return LoadForm.USAGE, (Meaning.CPU_UNITS,)
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Seen:
    """What the columns tell of single tasks, (steps,) each."""

    used: tuple[Meaning, ...] = ()
    memory_mib: FloatArray | None = None
    is_memory_maximum: bool = False
    cpu_percent_max: FloatArray | None = None


def _seen_of_tasks(series: Series, statement: Statement, notes: list[str]) -> _Seen:
    """Memory and most CPU of single tasks; a maximum goes before an average, and an average is never called a maximum.

    A service that never ran more than one task is sampled task by task: its usage in steps of at most 5 minutes are samples of
    that task. An average over several tasks, or over a longer step, hides the task that used most.
    """
    tasks = _task_count(series, statement)
    has_samples = series.step_s <= SAMPLE_STEP_S and Meaning.TASKS in series.values and _is_single(series)
    used: list[Meaning] = []
    percent_max = _maximum(series, Meaning.CPU_PERCENT_MAXIMUM, Meaning.CPU_PERCENT, statement, notes)
    if percent_max is not None:
        used.append(Meaning.CPU_PERCENT_MAXIMUM)
    elif has_samples and Meaning.CPU_UNITS in series.values:
        percent_max = series.values[Meaning.CPU_UNITS] * (100 / statement.task.cpu_units)
    memory_max = _maximum(series, Meaning.MEMORY_PERCENT_MAXIMUM, Meaning.MEMORY_PERCENT, statement, notes)
    memory_mib, is_maximum = None, False
    if memory_max is not None:
        used.append(Meaning.MEMORY_PERCENT_MAXIMUM)
        memory_mib, is_maximum = memory_max * (statement.task.memory_mib / 100), True
    elif Meaning.MEMORY_MIB in series.values and tasks is not None:
        used.append(Meaning.MEMORY_MIB)
        memory_mib, is_maximum = np.full(series.n_steps, np.nan), has_samples
        np.divide(series.values[Meaning.MEMORY_MIB], tasks, out=memory_mib, where=tasks > 0)
    elif Meaning.MEMORY_PERCENT in series.values:
        used.append(Meaning.MEMORY_PERCENT)
        memory_mib = series.values[Meaning.MEMORY_PERCENT] * (statement.task.memory_mib / 100)
    return _Seen(
        used=tuple(used),
        memory_mib=_without_zeros(memory_mib, "memory", series, statement, notes),
        is_memory_maximum=is_maximum,
        cpu_percent_max=_without_zeros(percent_max, "CPU", series, statement, notes),
    )


def _without_zeros(
    column: FloatArray | None, what: str, series: Series, statement: Statement, notes: list[str]
) -> FloatArray | None:
    """A column of what single tasks used, without one that holds nothing but zeros: no task runs on nothing."""
    if column is None or bool((column > 0).any()):
        return column
    notes.append(
        f"{_files(series)}: {what} of {statement.name} is never above 0, which no running task is: taken as not measured."
    )
    return None


def _is_single(series: Series) -> bool:
    """Whether at most one task ran at any known moment, and the number is known wherever the usage is."""
    tasks, usage = series.values[Meaning.TASKS], series.values.get(Meaning.CPU_UNITS)
    known: BoolArray = ~np.isnan(tasks)
    is_counted = usage is None or bool(known[~np.isnan(usage)].all())
    return bool(known.any()) and is_counted and float(tasks[known].max()) <= 1


def _maximum(series: Series, maximum: Meaning, average: Meaning, statement: Statement, notes: list[str]) -> FloatArray | None:
    """A column of maxima that covers the load; None without one.

    Raises
    ------
    InputError
        When the maximum lies below its average: the columns are swapped.
    """
    column = series.values.get(maximum)
    if column is None:
        return None
    others = [values for meaning, values in series.values.items() if meaning is not maximum and meaning is not Meaning.TASKS]
    needed = np.any([~np.isnan(values) & (values > 0) for values in others], axis=0) if others else ~np.isnan(column)
    n_needed, n_known = int(np.count_nonzero(needed)), int(np.count_nonzero(needed & ~np.isnan(column)))
    mean = series.values.get(average)
    if mean is not None:
        n_below = int(np.count_nonzero(column < mean * (1 - 1e-6)))
        n_both = int(np.count_nonzero(~np.isnan(column) & ~np.isnan(mean)))
        if n_below > _MOST_SWAPPED * max(1, n_both):
            raise series.origins[maximum].error(
                f"{maximum} of {statement.name} is below {average} in {n_below:,} steps: the columns seem to be swapped",
                fix=f"Swap their names, or leave {maximum} out with --column NAME=ignore.",
            )
    if n_known < _LEAST_COVERED * n_needed or not n_known:
        notes.append(
            f"{_files(series)}: {maximum} of {statement.name} is known for only {n_known:,} of {n_needed:,} steps with a load: "
            "it was not used to size tasks."
        )
        return None
    return column


def _say_unused(series: Series, used: set[Meaning], statement: Statement, notes: list[str]) -> None:
    unused = [meaning for meaning in MEASURES if meaning in series.values and meaning not in used]
    if unused:
        notes.append(f"{_files(series)}: measured for {statement.name}, but not used for its load: {', '.join(unused)}.")


def _files(series: Series) -> str:
    return ", ".join(dict.fromkeys(place.file for place in series.origins.values()))
