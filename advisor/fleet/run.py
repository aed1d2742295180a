"""Many workloads: find them, advise on each where the engine has room, and add up."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from advisor.committing.advice import check_stated
from advisor.errors import InputError
from advisor.fleet.account import CommitmentQuestion, account_commitments, held_again, stated_question
from advisor.fleet.advised import FleetOptions, Member, advise_member
from advisor.fleet.dataset_members import plan_dataset
from advisor.fleet.datasets import SCREENED_NOTE, screened
from advisor.fleet.engines import Engine, Lost, open_engine
from advisor.fleet.kept import Kept
from advisor.fleet.members import FileMember, file_members, is_dataset
from advisor.fleet.records import Status, WorkloadRecord
from advisor.fleet.result import Fleet, fleet_of
from advisor.fleet.sharing import shared_members
from advisor.plan import terms_of
from advisor.sources.dataset import open_dataset
from advisor.sources.dataset_services import read_dataset_services
from advisor.version import __version__

OnShare = Callable[[str, float], None]


def advise_fleet(
    sources: Sequence[str | Path],
    *,
    options: FleetOptions | None = None,
    services: Path | None = None,
    advise_top: int | None = None,
    share_by: str | None = None,
    engine: Engine = Engine.LOCAL,
    workers: int | None = None,
    scheduler: str | None = None,
    keep_in: Path | None = None,
    commitments: CommitmentQuestion | None = None,
    terms: Sequence[str] | None = None,
    on_share: OnShare = lambda what, share: None,
) -> Fleet:
    """Advice on many workloads, added up and ranked.

    Parameters
    ----------
    sources
        Workload files, folders of them, load files (with a task size in the options), patterns such as ``loads/*.csv``, or the
        folder of a Parquet data set in long form, alone.
    options
        What holds for every workload.
    services
        Of a data set: CSV with a row a service, for task sizes, clusters, figures per request, scaling.
    advise_top
        Of a data set: screen all services, and advise in full only on that many workloads, those that cost most. None advises
        on all of them and screens none.
    share_by
        Of workload files: ``tag:KEY`` lets services with one value of a tag share instances, whatever their clusters, and
        ``cluster`` those of one cluster in several files. Without it services share within their file.
    engine, workers, scheduler
        Where the work runs; the result is the same, byte by byte.
    keep_in
        Folder in which the record of each workload is kept. A second run takes from it what is still true: what was made from
        the same input, prices, options and program. A run may be stopped at any moment.
    commitments
        Size Savings Plans and Reserved Instances for the recommended plans of all workloads together.
    terms
        Size Savings Plans of these terms alone, such as ``1y:no_upfront``; nothing with ``none``. Where neither these nor
        ``commitments`` are given and all workloads state the same terms (``constraints.terms``), it is those.
    on_share
        Told how much of the work is done, from 0 to 1.

    Returns
    -------
    Fleet
        A workload that cannot be answered stops none of the others: it is in ``unanswered``, and no total holds it.

    Raises
    ------
    PlanError
        No such terms are sold.
    InputError
        A source does not exist, an option goes with other sources, or the engine cannot be started.

    Examples
    --------
    >>> import advisor
    >>> fleet = advisor.advise_fleet(["examples/cloudwatch/workload.yaml"])
    >>> fleet.totals.n_counted, len(fleet.services)
    (1, 1)
    """
    options = options or FleetOptions()
    stated = terms_of(terms or ())
    asked = replace(commitments or CommitmentQuestion(), stated=stated) if stated else commitments
    if asked is not None:
        check_stated(stated, asked.terms, asked.payments)  # before the work
    paths = [Path(source) for source in sources]
    notes: tuple[str, ...] = ()
    with ExitStack() as stack:
        mapped = _Once(stack, engine, workers=workers, scheduler=scheduler)
        if len(paths) == 1 and paths[0].is_dir() and is_dataset(paths[0]):
            if share_by is not None:
                raise InputError("--share-by goes with workload files", fix="Give --services a column `share` in its place.")
            records, notes = _of_dataset(paths[0], options, services, advise_top, mapped, keep_in, on_share)
        else:
            for name, value in (("--services", services), ("--advise-top", advise_top)):
                if value is not None:
                    raise InputError(f"{name} goes with a Parquet data set", fix="Leave it out, or name the folder of one.")
            members = file_members(paths)
            _refuse_unused(options, members)
            grouped = members if share_by is None else shared_members(members, share_by, options.region)
            records = advised(grouped, options, mapped, keep_in=keep_in, on_share=on_share)
    records = [each for record in records for each in (record, *record.alone)]
    if any(record.status is Status.SCREENED for record in records):
        notes = (SCREENED_NOTE, *notes)
    question = asked or (stated_question(records) if terms is None else None)
    account = None if question is None else account_commitments(records, options, question)
    again = held_again(records, options)
    return fleet_of(records, version=__version__, notes=notes, commitments=account, held_again=again)


def _refuse_unused(options: FleetOptions, members: Sequence[FileMember]) -> None:
    """Task sizes go with load files: a workload file states its own."""
    names = ("cpu", "memory", "requests_per_task", "cpu_ms_per_request")
    given = [f"--{name.replace('_', '-')}" for name in names if getattr(options, name) is not None]
    if given and all(member.is_workload_file for member in members):
        raise InputError(
            f"{', '.join(given)}: for load files, and all of these are workload files", fix="Write it into the workload files."
        )


def _of_dataset(
    folder: Path,
    options: FleetOptions,
    services: Path | None,
    advise_top: int | None,
    mapped: "_Once",
    keep_in: Path | None,
    on_share: OnShare,
) -> tuple[list[WorkloadRecord], tuple[str, ...]]:
    table = read_dataset_services(
        services,
        cpu=options.cpu,
        memory=options.memory,
        requests_per_task=options.requests_per_task,
        cpu_ms_per_request=options.cpu_ms_per_request,
    )
    plan = plan_dataset(open_dataset(folder, options.reading), table, options.region)
    if advise_top is None:
        return [*plan.failures, *advised(plan.members, options, mapped, keep_in=keep_in, on_share=on_share)], plan.notes
    found = screened(plan, options, mapped, on_share, keep_in)
    by_cost = sorted((record for record in found.values() if record.counts), key=lambda record: (-_usd(record), record.name))
    chosen = {record.name for record in by_cost[:advise_top]}
    members = [member for member in plan.members if member.name in chosen]
    full = advised(members, options, mapped, keep_in=keep_in, on_share=on_share)
    return [*plan.failures, *(record for name, record in found.items() if name not in chosen), *full], plan.notes


def _usd(record: WorkloadRecord) -> float:
    return record.best.mean if record.best else 0.0


def advised(
    members: Sequence[Member],
    options: FleetOptions,
    mapped: Callable[..., Iterator[tuple[int, Any]]],
    *,
    keep_in: Path | None = None,
    on_share: OnShare = lambda what, share: None,
) -> list[WorkloadRecord]:
    """The record of each member, in their order: kept from an earlier run, or made anew."""
    kept = Kept(folder=keep_in, options=options)
    records = [kept.record(member) for member in members]
    pending = [number for number, record in enumerate(records) if record is None]
    if pending:
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
    return WorkloadRecord(name=member.name, status=Status.FAILED, problem=lost.why, service_names=member.service_names)


class _Once:
    """An engine that is started when there is work for it, and used for all of it."""

    def __init__(self, stack: ExitStack, engine: Engine, *, workers: int | None, scheduler: str | None) -> None:
        self._stack, self._engine = stack, open_engine(engine, workers=workers, scheduler=scheduler)
        self._mapped: Any = None

    def __call__(self, function: Callable[[Any], Any], tasks: Sequence[Any], /) -> Iterator[tuple[int, Any]]:
        if self._mapped is None:
            self._mapped = self._stack.enter_context(self._engine)
        found: Iterator[tuple[int, Any]] = self._mapped(function, tasks)
        return found
