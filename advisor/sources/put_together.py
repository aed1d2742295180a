"""Services and their loads put together into a workload on one time axis."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from advisor.errors import InputError
from advisor.sources.demand import Load, on_one_axis
from advisor.sources.input_files import InputFiles
from advisor.sources.load_files import LoadFiles
from advisor.sources.meanings import Meaning
from advisor.units import FloatArray
from advisor.workload import LoadForm, Service, Workload

MOST_NAMED: Final = 5
"""Services with a whole load that are named one by one."""


def workload_of(cluster: str, region: str, services: Sequence[Service], loads: Sequence[Load], notes: list[str]) -> Workload:
    """Services and their loads on one time axis."""
    aligned = on_one_axis(loads, notes)
    series = aligned[0].series
    return Workload(
        cluster=cluster,
        region=region,
        services=tuple(services),
        start=datetime.fromtimestamp(series.start_s, UTC),
        step_s=series.step_s,
        demand=_together([load.demand for load in aligned]),
        running_tasks=_stacked(aligned, Meaning.TASKS),
        memory_mib=_stacked(aligned, Meaning.MEMORY_MIB),
        is_memory_maximum=np.array([load.is_memory_maximum for load in aligned]),
        cpu_units_per_task_max=_most_cpu_units(aligned, services),
        fargate_tasks=_fargate_tasks(aligned),
    )


def _most_cpu_units(loads: Sequence[Load], services: Sequence[Service]) -> FloatArray | None:
    """(services, steps): most CPU units that one task used; None where no service tells."""
    percent = _stacked(loads, Meaning.CPU_PERCENT_MAXIMUM)
    if percent is None:
        return None
    return percent * (np.array([[service.task.cpu_units] for service in services]) / 100)


def _fargate_tasks(loads: Sequence[Load]) -> FloatArray | None:
    """(services, steps): tasks of batch runs that Fargate bills, NaN for services; None without batch runs."""
    if all(load.fargate_tasks is None for load in loads):
        return None
    unknown = np.full(loads[0].series.n_steps, np.nan)
    return np.stack([unknown if load.fargate_tasks is None else load.fargate_tasks for load in loads])


def _stacked(loads: Sequence[Load], meaning: Meaning) -> FloatArray | None:
    """(services, steps): NaN for services that do not tell; None where none does."""
    if not any(meaning in load.series.values for load in loads):
        return None
    unknown = np.full(loads[0].series.n_steps, np.nan)
    return _together([load.series.values.get(meaning, unknown) for load in loads])


def _together(rows: Sequence[FloatArray]) -> FloatArray:
    """Arrays as the rows of one. Those of a long table mostly stand there behind each other already, and are not copied."""
    whole = rows[0].base
    if isinstance(whole, np.ndarray) and whole.size == len(rows) * rows[0].size and all(row.base is whole for row in rows):
        lines = whole.reshape(len(rows), -1)
        if all(row.shape == line.shape and row.ctypes.data == line.ctypes.data for row, line in zip(rows, lines, strict=True)):
            return lines
    return np.stack(rows)


def coverage_sentences(workload: Workload) -> list[str]:
    """How much of the time axis is known, service by service; one sentence where several know all of it."""
    whole, sentences = [], []
    for service, known in zip(workload.services, workload.measured.sum(axis=1).tolist(), strict=True):
        if service.is_stated:
            continue
        percent = math.floor(10_000 * known / workload.n_steps) / 100
        sentence = f"load known for {known:,} of {workload.n_steps:,} steps ({percent:g} %)."
        if known == workload.n_steps:
            whole.append((service.name, sentence))
        else:
            sentences.append(f"{service.name}: {sentence}")
    if len(whole) > MOST_NAMED:
        names, sentence = f"{len(whole)} services", whole[0][1]
        return [f"{names}: {sentence}", *sentences]
    return [*(f"{name}: {sentence}" for name, sentence in whole), *sentences]


def finished(workload: Workload, files: InputFiles, load_files: LoadFiles, path: Path) -> Workload:
    """The workload with the files that it was read from and all notes, once nothing is left to refuse."""
    load_files.check_columns()
    if all(service.load_form is LoadForm.TASKS for service in workload.services) and not np.nansum(workload.demand):
        raise InputError(
            "no task ever ran: every known count is 0", fix="Export a time range in which the service ran.", file=str(path)
        )
    return replace(
        workload,
        inputs=files.inputs,
        notes=tuple(dict.fromkeys((*files.notes, *load_files.notes, *coverage_sentences(workload)))),
    )
