"""Services of workload files, without those that would leave the others without an answer."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from advisor.errors import AdvisorError
from advisor.fleet.advised import FleetOptions, ReadWorkload, short_services, too_short
from advisor.fleet.records import LeftOut, Status
from advisor.workload import Workload

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
        left_out, good = _apart(cluster, parts, options)
        if not good or not left_out:
            raise
        return ReadWorkload(workload=_read(cluster, good, options), left_out=left_out)
    if not short_services(workload):
        return ReadWorkload(workload=workload)
    left_out, good = _apart(cluster, parts, options)
    # What was read of those that are left out decides, too, whether an answer is still true.
    return ReadWorkload(workload=replace(_read(cluster, good, options), inputs=workload.inputs), left_out=left_out)


def _read(cluster: str, parts: Parts, options: FleetOptions) -> Workload:
    from advisor.sources.shared_workload import read_shared_workload

    return read_shared_workload(cluster, parts, region=options.region, reading=options.reading)


def _apart(cluster: str, parts: Parts, options: FleetOptions) -> tuple[tuple[LeftOut, ...], list[tuple[Path, tuple[str, ...]]]]:
    """Services that are left out, each by what reading it alone says, and the rest."""
    left_out, good = [], []
    for path, names in parts:
        kept = []
        for name in names:
            found = _problem(cluster, path, name, options)
            if found is None:
                kept.append(name)
            else:
                left_out.append(found)
        if kept:
            good.append((path, tuple(kept)))
    return tuple(left_out), good


def _problem(cluster: str, path: Path, name: str, options: FleetOptions) -> LeftOut | None:
    try:
        alone = _read(cluster, [(path, (name,))], options)
    except AdvisorError as error:
        return LeftOut(service=name, status=Status.FAILED, problem=str(error))
    is_stated = alone.services[0].is_stated
    problem = "" if is_stated else too_short(float(alone.measured.sum()) * alone.step_hours)
    return LeftOut(service=name, status=Status.NOT_ENOUGH_DATA, problem=problem) if problem else None
