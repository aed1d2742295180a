"""``advisor recommend`` on many workloads."""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.cli.options import Format, say
from advisor.cli.progress import Progress
from advisor.cli.results import NOT_ENOUGH_DATA_STATUS, EmitFormat, deploy_files, formats_of, today
from advisor.errors import AdvisorError, InputError, OutputError

if TYPE_CHECKING:
    from advisor.fleet import CommitmentQuestion, Fleet, FleetOptions
    from advisor.sources.load_options import LoadOptions

KEPT_FOLDER = "kept"
_NOT_WRITTEN = "deploy/NOT-WRITTEN.txt"
"""Names the formats that cannot express a plan, with the reason."""


class EngineName(StrEnum):
    """The engines by name; ``advisor.fleet`` itself waits until a fleet is asked for."""

    LOCAL = "local"
    PROCESSES = "processes"
    DASK = "dask"


EngineOption = Annotated[
    EngineName | None,
    typer.Option("--engine", help="Where a fleet is worked on: this process, several, or Dask.", show_default="local"),
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=1, help="Processes of the engine.", show_default="one a processor")
]
SchedulerOption = Annotated[
    str | None,
    typer.Option("--scheduler", help="A running Dask scheduler, such as tcp://10.0.0.5:8786.", show_default=False),
]
KeepOption = Annotated[
    Path | None,
    typer.Option(
        "--keep", help="Folder for results of single workloads, from which a second run takes what is still true.",
        show_default=f"{KEPT_FOLDER} in --out",
    ),
]  # fmt: skip
ServicesOption = Annotated[
    Path | None,
    typer.Option(
        "--services", help="CSV with a row a service of a data set: its task size, cluster, scaling.", show_default=False
    ),
]
AdviseTopOption = Annotated[
    int | None,
    typer.Option(
        "--advise-top", min=0, help="Of a data set: screen all, and advise in full on that many, the costliest.",
        show_default="all",
    ),
]  # fmt: skip
FoldBelowOption = Annotated[
    float | None,
    typer.Option("--fold-below", min=0, help="Services of a fleet that cost less a month share one line.", show_default="25"),
]
ShareByOption = Annotated[
    str | None,
    typer.Option(
        "--share-by", help="tag:KEY: services of workload files with one value of this tag may share instances, whatever their "
        "clusters. cluster: those of one cluster in several files.", show_default="within a file",
    ),
]  # fmt: skip
CommitOption = Annotated[
    bool,
    typer.Option("--commit", help="Of a fleet: size Savings Plans and Reserved Instances for all workloads together, too."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRun:
    """How a fleet is worked on."""

    engine: EngineName | None
    workers: int | None
    scheduler: str | None
    keep: Path | None
    services: Path | None
    advise_top: int | None
    fold_below: float | None
    share_by: str | None
    has_commitments: bool = False
    terms: tuple[str, ...] | None = None
    """That are stated for the account; those of the workloads without any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOutput:
    """Where the answer goes."""

    out: Path | None
    emit: str | None
    format: Format
    is_quiet: bool


def is_fleet_wanted(sources: Sequence[Path], engine: EngineName | None, scheduler: str | None, keep: Path | None) -> bool:
    """Whether the arguments are a fleet, or something was given that only a fleet has."""
    if len(sources) > 1 or engine is not None or scheduler is not None or keep is not None:
        return True
    (source,) = sources
    # os.path says no where pathlib raises: a name may be too long for any file.
    if os.path.isfile(source) or not (os.path.isdir(source) or set("*?[") & set(str(source))):
        return False
    from advisor.fleet.members import is_fleet

    return is_fleet(sources)


def can_do_without(source: Path, options: Callable[[], "FleetOptions"]) -> bool:
    """Whether a folder of load files that was refused has services that can be answered without what is wrong."""
    if not os.path.isdir(source):  # not Path.is_dir, which raises for a name that no file can have
        return False
    from advisor.fleet.parts import read_load_parts

    try:
        return bool(read_load_parts(source, options()).left_out)
    except AdvisorError:
        return False


def fleet_options(
    *,
    region: str | None,
    cpu: str | None,
    memory: str | None,
    requests_per_task: float | None,
    cpu_ms_per_request: float | None,
    reading: "LoadOptions",
    rates: Path | None,
    prices: Path | None,
    replay_weeks: int,
) -> "FleetOptions":
    """What holds for every workload, with paths that hold elsewhere."""
    from advisor.fleet import FleetOptions

    return FleetOptions(
        region=region,
        cpu=cpu,
        memory=memory,
        requests_per_task=requests_per_task,
        cpu_ms_per_request=cpu_ms_per_request,
        reading=reading,
        rates=rates.absolute() if rates else None,
        prices=prices.absolute() if prices else None,
        replay_weeks=replay_weeks,
        today=today(),
    )


def recommend_fleet(sources: Sequence[Path], options: "FleetOptions", run: FleetRun, output: FleetOutput) -> None:
    """Advise on a fleet, write and print the answer, and end with its status."""
    from advisor.fleet import CommitmentQuestion
    from advisor.fleet.result import DEFAULT_FOLD_BELOW_USD

    formats = _formats(output)
    if output.out is not None:
        _refuse_to_overwrite(output.out)
    fleet = advised_fleet(sources, options, run, output, CommitmentQuestion() if run.has_commitments else None)
    fold_below_usd = DEFAULT_FOLD_BELOW_USD if run.fold_below is None else run.fold_below
    if output.out is not None:
        _write(fleet, output.out, formats, fold_below_usd)
    typer.echo(_rendered(fleet, output, fold_below_usd), nl=False)
    say_unanswered(fleet, is_quiet=output.is_quiet)


def advised_fleet(
    sources: Sequence[Path],
    options: "FleetOptions",
    run: FleetRun,
    output: FleetOutput,
    commitments: "CommitmentQuestion | None",
) -> "Fleet":
    """The answer, while stderr tells how far it is."""
    from advisor.fleet import Engine, advise_fleet

    with Progress(is_quiet=output.is_quiet) as progress:
        return advise_fleet(
            sources,
            options=options,
            services=run.services,
            advise_top=run.advise_top,
            share_by=run.share_by,
            engine=Engine(run.engine or EngineName.LOCAL),
            workers=run.workers,
            scheduler=run.scheduler,
            keep_in=run.keep or (output.out / KEPT_FOLDER if output.out else None),
            commitments=commitments,
            terms=run.terms,
            on_share=progress.share,
        )


def say_unanswered(fleet: "Fleet", *, is_quiet: bool) -> None:
    """Name what is in no total, and end with the status of a fleet without any."""
    for record in fleet.unanswered:
        say(f"in no total: {record.name}: {record.problem}", is_quiet=is_quiet)
    if not fleet.totals.n_counted:
        has_some = any(record.services for record in fleet.records)
        raise typer.Exit(NOT_ENOUGH_DATA_STATUS if has_some else 1)


def refuse_fleet_options(run: FleetRun) -> None:
    """Of a single workload.

    Raises
    ------
    InputError
        An option is given that only a fleet has.
    """
    given = [
        f"--{name.replace('_', '-')}"
        for name in ("workers", "services", "advise_top", "fold_below", "share_by")
        if getattr(run, name) is not None
    ]
    if run.has_commitments:
        raise InputError("--commit: for a fleet, and this is a single workload", fix="Run `advisor commit` for it.")
    if given:
        fix = "Leave it out, or name several workloads, a folder or pattern of them, or a Parquet data set."
        raise InputError(f"{', '.join(given)}: for a fleet, and this is a single workload", fix=fix)


def _formats(output: FleetOutput) -> tuple[EmitFormat, ...]:
    if output.emit is None:
        return (EmitFormat.ECS,)
    formats = formats_of(output.emit)
    if EmitFormat.REPORT in formats:
        raise InputError(
            "--emit report: a fleet has one page for all", fix="Leave it out; run a workload alone for its report."
        )
    return formats


def _refuse_to_overwrite(out: Path) -> None:
    """Tables that no earlier answer wrote are the user's own, and may be what is read.

    Raises
    ------
    OutputError
        There are some.
    """
    from advisor.sources.folders import RESULT, TABLES, holds_answer

    taken = [] if holds_answer(out) else [name for name in (RESULT, *TABLES) if (out / name).exists()]
    if taken:
        raise OutputError(f"{out} holds {taken[0]}, which would be written over. Name another folder with --out.")


def _write(fleet: "Fleet", out: Path, formats: Sequence[EmitFormat], fold_below_usd: float) -> None:
    from advisor.files import write_files
    from advisor.fleet.folder import fleet_files, folder_names, plan_of

    files = fleet_files(fleet, fold_below_usd=fold_below_usd)
    folders = folder_names(fleet)
    outdated: list[Path] = []
    for record in fleet.records:
        plan = plan_of(record)
        if plan is None or not record.counts:
            continue
        folder, problems = f"workloads/{folders[record.name]}", []
        for each in formats:
            try:
                deploy = deploy_files(plan, [each])
            except AdvisorError as error:  # what one format cannot express keeps no other from its files
                problems.append(f"{each}: {error}\n")
            else:
                files |= {f"{folder}/{path}": content for path, content in deploy.items()}
        if problems:
            files[f"{folder}/{_NOT_WRITTEN}"] = "".join(problems).encode()
        else:
            outdated.append(out / folder / _NOT_WRITTEN)
    write_files(out, files)
    for path in outdated:
        path.unlink(missing_ok=True)


def _rendered(fleet: "Fleet", output: FleetOutput, fold_below_usd: float) -> str:
    from advisor.fleet.tables import fleet_csv, fleet_markdown, render_fleet

    if output.format is Format.JSON:
        return fleet.to_json()
    if output.format is Format.CSV:
        return fleet_csv(fleet)
    if output.format is Format.MARKDOWN:
        return fleet_markdown(fleet, fold_below_usd=fold_below_usd)
    width = shutil.get_terminal_size((80, 24)).columns
    return render_fleet(fleet, width=width, fold_below_usd=fold_below_usd, result_path=str(output.out) if output.out else "")
