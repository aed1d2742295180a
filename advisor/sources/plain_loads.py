"""Workloads from load files that no workload file describes: every service has the task that the caller states."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from advisor.ecs import TaskSize
from advisor.errors import InputError
from advisor.sources.demand import Statement
from advisor.sources.ecs_names import ecs_name_problem, name_from_stem, region_problem
from advisor.sources.input_files import InputFiles, Place, shown
from advisor.sources.load_content import LoadTable, service_names
from advisor.sources.load_files import LoadFiles, files_at, stem
from advisor.sources.load_options import LoadOptions
from advisor.sources.put_together import finished, workload_of
from advisor.sources.service_entries import defaults_used
from advisor.sources.task_size import parse_cpu_units, parse_memory_mib
from advisor.workload import Scaling, Service, Workload

REGION_FIX: Final = "Give --region, such as --region eu-west-1"
_SIZE_FIX: Final = "Give --cpu 512 --memory 1024, the size of every service in the file, or write a workload file."


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainTasks:
    """What is stated of all services of load files, as of :func:`advisor.read_workload`."""

    region: str | None = None
    cpu: int | str | None = None
    memory: int | str | None = None
    requests_per_task: float | None = None
    cpu_ms_per_request: float | None = None

    def check_figures(self, path: Path) -> None:
        """Refuse figures that are not above zero, and both at once."""
        given = {"--requests-per-task": self.requests_per_task, "--cpu-ms-per-request": self.cpu_ms_per_request}
        for name, figure in given.items():
            if figure is not None and not (figure > 0 and math.isfinite(figure)):
                raise InputError(f"{name} {figure} is not above zero", fix="Give a positive number.", file=str(path))
        if None not in given.values():
            raise InputError(f"{' and '.join(given)} are both given", fix="Keep one of them.", file=str(path))

    def size(self, path: Path) -> TaskSize:
        """Of every task. Raises :class:`InputError` where it is not stated or none."""
        if self.cpu is None or self.memory is None:
            raise InputError("a single load file does not say how large its tasks are", fix=_SIZE_FIX, file=str(path))
        try:
            return TaskSize(cpu_units=parse_cpu_units(self.cpu), memory_mib=parse_memory_mib(self.memory))
        except ValueError as error:
            problem, _, fix = str(error).rpartition(". Write ")
            raise InputError(f"--cpu {self.cpu} --memory {self.memory}: {problem}", fix=f"Write {fix}") from None


def region_of(path: Path, region: str | None) -> str:
    """The Region that is stated. Raises :class:`InputError` where none is, or no such."""
    if region is None:
        raise InputError("the AWS Region is not given", fix=f"{REGION_FIX}.", file=str(path))
    problem = region_problem(region)
    if problem:
        raise InputError(f"--region: {problem[0]}", fix=problem[1])
    return region


def read_load_files(
    path: Path,
    tasks: PlainTasks,
    reading: LoadOptions,
    *,
    only: Sequence[Path] | None = None,
    without: Collection[str] = (),
) -> Workload:
    """The services of a load file, or of the load files in a folder.

    Parameters
    ----------
    only
        Files of the folder; all of them without it.
    without
        Names of services that are left out.

    Raises
    ------
    InputError
        What :func:`advisor.read_workload` raises.
    """
    files = InputFiles()
    load_files = LoadFiles(files, reading)
    workload = _workload(path, files_at(path) if only is None else only, tasks, load_files, without)
    return finished(workload, files, load_files, path)


def services_in(file: Path, tasks: PlainTasks, reading: LoadOptions) -> tuple[str, ...]:
    """Names of the services that one load file holds.

    Raises
    ------
    InputError
        Their load cannot be read.
    """
    return tuple(each.name for each in _workload(file, [file], tasks, LoadFiles(InputFiles(), reading), ()).services)


def _workload(
    path: Path, paths: Sequence[Path], tasks: PlainTasks, load_files: LoadFiles, without: Collection[str]
) -> Workload:
    for each in paths:
        load_files.opened(each)
    tasks.check_figures(path)
    region, size = region_of(path, tasks.region), tasks.size(path)
    named = _named_services(path, paths, load_files, without)
    loads = []
    for name, file in named:
        statement = Statement(
            name=name,
            task=size,
            requests_per_task=tasks.requests_per_task,
            cpu_ms_per_request=tasks.cpu_ms_per_request,
            figure_place=Place(str(path)),
            figure_names=("--requests-per-task", "--cpu-ms-per-request"),
            count_fix="Add a column `tasks`, or write a workload file with `present: {launch_type: EC2, desired_count: 6}`.",
        )
        loads.append(load_files.load_of([file], statement))
    services = [
        Service(
            name=name,
            task=size,
            load_form=load.form,
            scaling=Scaling(min_tasks=1, is_min_stated=False),
            requests_per_task=tasks.requests_per_task,
            cpu_ms_per_request=tasks.cpu_ms_per_request,
        )
        for (name, _), load in zip(named, loads, strict=True)
    ]
    workload = workload_of(name_from_stem(stem(path)), region, services, loads, load_files.notes)
    return replace(workload, defaults_used=defaults_used([(each, ()) for each in services], workload.constraints, ()))


def _named_services(
    path: Path, paths: Sequence[Path], load_files: LoadFiles, without: Collection[str]
) -> list[tuple[str, Path]]:
    """Each service and the file that holds it: those that a file tells apart, else one named after its file."""
    named: dict[str, Path] = {}
    for file in paths:
        found = load_files.opened(file)
        for name in service_names(found) or (name_from_stem(stem(file)),):
            problem = ecs_name_problem(name)
            if problem and not isinstance(found, LoadTable):
                load_files.notes.append(f"{file}: left out: {shown(name)}, which is no name of an ECS service.")
                continue
            place = found.first_place_of(name) if problem and isinstance(found, LoadTable) else Place(str(file))
            if problem:
                raise place.error(problem[0], fix=problem[1])
            if name in without:
                continue
            if name in named:
                raise Place(str(file)).error(
                    f"the service {name!r} stands in {str(named[name])!r}, too",
                    fix="Rename one, or list both under `files` in a workload file.",
                )
            named[name] = file
    if not named:
        raise Place(str(path)).error("no series belongs to a name that ECS accepts", fix="Rename the columns or labels.")
    return list(named.items())
