"""Services of workload files, without those that would leave the others without an answer."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from advisor.errors import AdvisorError
from advisor.fleet.advised import FleetOptions, ReadWorkload, short_services, too_short
from advisor.fleet.records import LeftOut, Status
from advisor.sources.places import listed
from advisor.workload import Workload

if TYPE_CHECKING:
    from advisor.sources.plain_loads import PlainTasks

Parts = Sequence[tuple[Path, Collection[str]]]
"""Workload files, each with names of its services."""


def read_parts(whole: Callable[[], Workload], cluster: str, parts: Parts, options: FleetOptions) -> ReadWorkload:
    """A workload; where it cannot be read, or holds services with too little load, that of the services that are left.

    Parameters
    ----------
    whole
        Reads all services.

    Raises
    ------
    AdvisorError
        That of ``whole``, where no service or each can be read alone.
    """
    try:
        workload = whole()
    except AdvisorError:
        left_out, good = _apart(parts, options)
        if not good or not left_out:
            raise
        return ReadWorkload(workload=_read(cluster, good, options), left_out=left_out)
    if not short_services(workload):
        return ReadWorkload(workload=workload)
    left_out, good = _apart(parts, options)
    # What was read of those that are left out decides, too, whether an answer is still true.
    return ReadWorkload(workload=replace(_read(cluster, good, options), inputs=workload.inputs), left_out=left_out)


def _read(cluster: str, parts: Parts, options: FleetOptions) -> Workload:
    from advisor.sources.shared_workload import read_shared_workload

    return read_shared_workload(cluster, parts, region=options.region, reading=options.reading)


def _apart(parts: Parts, options: FleetOptions) -> tuple[tuple[LeftOut, ...], list[tuple[Path, tuple[str, ...]]]]:
    """Services that are left out, each by what reading it alone says, and the rest."""
    left_out, good = [], []
    for path, names in parts:
        kept = []
        for name in names:
            found = _problem(path, name, options)
            if found is None:
                kept.append(name)
            else:
                left_out.append(found)
        if kept:
            good.append((path, tuple(kept)))
    return tuple(left_out), good


def _problem(path: Path, name: str, options: FleetOptions) -> LeftOut | None:
    from advisor.sources.shared_workload import read_service

    try:
        alone = read_service(path, name, region=options.region, reading=options.reading)
    except AdvisorError as error:
        return LeftOut(service=name, status=Status.FAILED, problem=str(error))
    is_stated = alone.services[0].is_stated
    problem = "" if is_stated else too_short(float(alone.measured.sum()) * alone.step_hours)
    return LeftOut(service=name, status=Status.NOT_ENOUGH_DATA, problem=problem) if problem else None


def read_load_parts(path: Path, options: FleetOptions) -> ReadWorkload:
    """The services of a load file or of a folder of them, without those that cannot be read or have too little load.

    Raises
    ------
    AdvisorError
        What is wrong with all of them, or with the file where it is one.
    """
    from advisor.sources.load_files import files_at
    from advisor.sources.plain_loads import PlainTasks, read_load_files

    tasks = PlainTasks(
        region=options.region,
        cpu=options.cpu,
        memory=options.memory,
        requests_per_task=options.requests_per_task,
        cpu_ms_per_request=options.cpu_ms_per_request,
    )
    files = files_at(path)
    left_out: tuple[LeftOut, ...] = ()
    again: set[str] = set()
    try:
        workload = read_load_files(path, tasks, options.reading, only=files)
    except AdvisorError:
        good, left_out, again = _files_apart(files, tasks, options)
        if not good or not left_out:
            raise
        files = good
        workload = read_load_files(path, tasks, options.reading, only=files, without=again)
    short = short_services(workload)
    if not short:
        return ReadWorkload(workload=workload, left_out=left_out)
    left_out += tuple(LeftOut(service=name, status=Status.NOT_ENOUGH_DATA, problem=why) for name, why in short.items())
    rest = read_load_files(path, tasks, options.reading, only=files, without=again | short.keys())
    return ReadWorkload(workload=replace(rest, inputs=workload.inputs), left_out=left_out)


def _files_apart(
    files: Sequence[Path], tasks: "PlainTasks", options: FleetOptions
) -> tuple[list[Path], tuple[LeftOut, ...], set[str]]:
    """Load files that can be read, what is left out of a folder, and the services that stand in several of its files."""
    from advisor.sources.ecs_names import name_from_stem
    from advisor.sources.load_files import stem
    from advisor.sources.plain_loads import services_in

    held: dict[Path, tuple[str, ...]] = {}
    problems: dict[Path, str] = {}
    for file in files:
        try:
            held[file] = services_in(file, tasks, options.reading)
        except AdvisorError as error:
            problems[file] = str(error)
    count = Counter(name for names in held.values() for name in names)
    called = Counter([*count, *(name_from_stem(stem(file)) for file in problems)])
    failed = {(name if called[name := name_from_stem(stem(file))] == 1 else file.name): why for file, why in problems.items()}
    for name in (each for each, n in count.items() if n > 1):
        where = [file.name for file, names in held.items() if name in names]
        failed[name] = f"it stands in {listed(where)}, which may be one service or several. Rename one, or keep one."
    again = {name for name, n in count.items() if n > 1}
    left_out = tuple(LeftOut(service=name, status=Status.FAILED, problem=why) for name, why in failed.items())
    return [file for file, names in held.items() if not again.issuperset(names)], left_out, again
