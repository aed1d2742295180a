"""Many workloads: find them, advise on each where the engine has room, and add up."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from advisor.errors import InputError
from advisor.fleet.advised import FleetOptions, Member, advise_member
from advisor.fleet.engines import Engine, Lost, open_engine
from advisor.fleet.kept import Kept
from advisor.fleet.members import file_members
from advisor.fleet.records import Status, WorkloadRecord
from advisor.fleet.result import Fleet, fleet_of
from advisor.version import __version__

OnShare = Callable[[str, float], None]


def advise_fleet(
    sources: Sequence[str | Path],
    *,
    options: FleetOptions | None = None,
    engine: Engine = Engine.LOCAL,
    workers: int | None = None,
    scheduler: str | None = None,
    keep_in: Path | None = None,
    on_share: OnShare = lambda what, share: None,
) -> Fleet:
    """Advice on many workloads, added up and ranked.

    Parameters
    ----------
    sources
        Workload files, folders of them, load files (with a task size in the options), or patterns such as ``loads/*.csv``.
    options
        What holds for every workload.
    engine, workers, scheduler
        Where the work runs; the result is the same, byte by byte.
    keep_in
        Folder in which the record of each workload is kept. A second run takes from it what is still true: what was made from
        the same input, prices, options and program. It may be used while a run is stopped at any moment.
    on_share
        Told how much of the work is done, from 0 to 1.

    Returns
    -------
    Fleet
        A workload that cannot be answered stops none of the others: it is in ``unanswered``, and no total holds it.

    Raises
    ------
    InputError
        A source does not exist, or the engine cannot be started.
    """
    options = options or FleetOptions()
    members = file_members([Path(source) for source in sources])
    if not members:
        raise InputError("there is no workload to advise on", fix="Name a folder, a file or a pattern.")
    return fleet_of(
        advised(members, options, engine=engine, workers=workers, scheduler=scheduler, keep_in=keep_in, on_share=on_share),
        version=__version__,
    )


def advised(
    members: Sequence[Member],
    options: FleetOptions,
    *,
    engine: Engine = Engine.LOCAL,
    workers: int | None = None,
    scheduler: str | None = None,
    keep_in: Path | None = None,
    on_share: OnShare = lambda what, share: None,
) -> list[WorkloadRecord]:
    """The record of each member, in their order: kept from an earlier run, or made anew."""
    kept = Kept(folder=keep_in, options=options)
    records = [kept.record(member) for member in members]
    pending = [number for number, record in enumerate(records) if record is None]
    if pending:
        with open_engine(engine, workers=workers, scheduler=scheduler) as mapped:
            on_share("advice", 1 - len(pending) / len(members))
            done = mapped(partial(advise_member, options=options), [members[number] for number in pending])
            for n_done, (at, found) in enumerate(done, start=1):
                member = members[pending[at]]
                record = _lost(member, found) if isinstance(found, Lost) else found
                kept.keep(member, record)
                records[pending[at]] = record
                on_share("advice", 1 - (len(pending) - n_done) / len(members))
    return [record for record in records if record is not None]


def _lost(member: Member, lost: Lost) -> WorkloadRecord:
    return WorkloadRecord(name=member.name, status=Status.FAILED, problem=lost.why)
