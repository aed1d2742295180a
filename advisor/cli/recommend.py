"""``advisor recommend``: the main job."""

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.cli.fleet import (
    AdviseTopOption,
    CommitOption,
    EngineOption,
    FleetOutput,
    FleetRun,
    FoldBelowOption,
    KeepOption,
    SchedulerOption,
    ServicesOption,
    ShareByOption,
    WorkersOption,
    can_do_without,
    fleet_options,
    is_fleet_wanted,
    recommend_fleet,
    refuse_fleet_options,
)
from advisor.cli.options import (
    CatalogOption,
    Format,
    FormatOption,
    NoColorOption,
    QuietOption,
    RatesOption,
    RegionOption,
    TermsOption,
    checked_terms,
    has_color,
    say,
    takes_blocks,
    with_terms,
)
from advisor.cli.progress import Progress
from advisor.cli.reading import (
    ColumnOption,
    DayFirstOption,
    DecimalOption,
    DelimiterOption,
    DoubledHourOption,
    EncodingOption,
    EpochUnitOption,
    IntervalOption,
    StartOption,
    TimeZoneOption,
    ValuesOption,
    reading_of,
)
from advisor.cli.results import NOT_ENOUGH_DATA_STATUS, EmitFormat, formats_of, today, write_results
from advisor.errors import InputError

if TYPE_CHECKING:
    from advisor.recommend import Recommendation


def recommend_command(
    workload: Annotated[
        list[Path],
        typer.Argument(
            help="Workload file (YAML), or a CSV or CloudWatch JSON of one load; several, a folder of them, a pattern such as "
            "'loads/*.csv' or a Parquet data set is a fleet.",
            show_default=False,
        ),
    ],
    region: RegionOption = None,
    cpu: Annotated[str | None, typer.Option(help="CPU units of a task, or '0.5 vCPU', for a single CSV.")] = None,
    memory: Annotated[str | None, typer.Option(help="MiB of a task, or '1 GB', for a single CSV.")] = None,
    requests_per_task: Annotated[
        float | None, typer.Option(help="Requests per second that one task serves at the scaling target, for a single CSV.")
    ] = None,
    cpu_ms_per_request: Annotated[float | None, typer.Option(help="CPU milliseconds of one request, for a single CSV.")] = None,
    time_zone: TimeZoneOption = None,
    column: ColumnOption = None,
    values: ValuesOption = None,
    decimal: DecimalOption = None,
    delimiter: DelimiterOption = None,
    day_first: DayFirstOption = None,
    encoding: EncodingOption = None,
    epoch_unit: EpochUnitOption = None,
    doubled_hour: DoubledHourOption = None,
    interval: IntervalOption = None,
    start: StartOption = None,
    terms: TermsOption = None,
    replay_weeks: Annotated[
        int,
        typer.Option(
            "--replay-weeks",
            min=0,
            max=520,
            help="Last weeks on which the first plan and its rival are replayed minute by minute; 0 leaves EC2 a range.",
        ),
    ] = 2,
    rates: RatesOption = None,
    prices: CatalogOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the result, its report, charts and deploy files.")
    ] = None,
    emit: Annotated[
        str | None,
        typer.Option(
            "--emit",
            help="What to write into --out beside the result: without it report,ecs, and ecs of a fleet.",
            show_default=False,
        ),
    ] = None,
    engine: EngineOption = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    keep: KeepOption = None,
    services: ServicesOption = None,
    advise_top: AdviseTopOption = None,
    fold_below: FoldBelowOption = None,
    share_by: ShareByOption = None,
    has_commitments: CommitOption = False,
    output: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Compare Fargate, EC2 and Managed Instances for the services in WORKLOAD, and recommend.

    Example: advisor recommend examples/shop/workload.yaml --out reports/shop

    A fleet: advisor recommend clusters/ --engine processes --out reports/fleet

    Exit status 4: there is not enough data to recommend; the result is still printed and written. A fleet ends with it when no
    workload has enough, and with 1 when none could be answered; otherwise what could not be answered is named, and left out of
    the totals.
    """
    from advisor.answer import advise
    from advisor.exploring import explore
    from advisor.files import check_folder
    from advisor.recommend import Verdict
    from advisor.sources import read_catalog, read_workload

    reading = reading_of(
        time_zone=time_zone,
        column=column,
        values=values,
        decimal=decimal,
        delimiter=delimiter,
        day_first=day_first,
        encoding=encoding,
        epoch_unit=epoch_unit,
        doubled_hour=doubled_hour,
        interval=interval,
        start=start,
    )
    if emit is not None and out is None:
        raise InputError("--emit says what to write, and no folder is given", fix="Give --out DIR.")
    if out is not None:
        check_folder(out)
    fleet_run = FleetRun(
        engine=engine,
        workers=workers,
        scheduler=scheduler,
        keep=keep,
        services=services,
        advise_top=advise_top,
        fold_below=fold_below,
        share_by=share_by,
        has_commitments=has_commitments,
        terms=checked_terms(terms),
    )
    of_fleet = partial(  # called where it is one: a single workload does without these imports
        fleet_options,
        region=region,
        cpu=cpu,
        memory=memory,
        requests_per_task=requests_per_task,
        cpu_ms_per_request=cpu_ms_per_request,
        reading=reading,
        rates=rates,
        prices=prices,
        replay_weeks=replay_weeks,
    )
    fleet_output = FleetOutput(out=out, emit=emit, format=output, is_quiet=quiet)
    if is_fleet_wanted(workload, engine, scheduler, keep):
        recommend_fleet(workload, of_fleet(), fleet_run, fleet_output)
        return
    refuse_fleet_options(fleet_run)
    try:
        load = read_workload(
            workload[0],
            region=region,
            cpu=cpu,
            memory=memory,
            requests_per_task=requests_per_task,
            cpu_ms_per_request=cpu_ms_per_request,
            reading=reading,
        )
    except InputError as error:
        if not can_do_without(workload[0], of_fleet):
            raise
        say(f"note: {error} The other services are answered as a fleet, which names what is left out.", is_quiet=quiet)
        recommend_fleet(workload, of_fleet(), fleet_run, fleet_output)
        return
    load = with_terms(load, terms)
    for note in load.notes:
        say(f"note: {note}", is_quiet=quiet)
    own_rates = rates or (Path(load.rates_file) if load.rates_file else None)
    catalog = read_catalog(load.region, folder=prices, rates_file=own_rates)
    for note in catalog.notes:
        say(f"note: {note}", is_quiet=quiet)
    formats = formats_of(emit or "report,ecs") if out is not None else ()
    with Progress(is_quiet=quiet) as progress:

        def answered(share: float) -> None:
            progress.share("working out the answer", share)

        answered(0.0)
        if EmitFormat.REPORT in formats:
            recommendation = explore(
                load,
                catalog,
                today=today(),
                replay_weeks=replay_weeks,
                on_progress=answered,
            )
        else:
            recommendation = advise(load, catalog, today=today(), replay_weeks=replay_weeks, on_progress=answered)
        if out is not None:
            write_results(recommendation, out, formats, on_chart=lambda share: progress.share("drawing charts", share))
    typer.echo(_rendered(recommendation, output, no_color, out), nl=False)
    if recommendation.recommendation.verdict is Verdict.NOT_ENOUGH_DATA:
        raise typer.Exit(NOT_ENOUGH_DATA_STATUS)


def _rendered(recommendation: "Recommendation", output: Format, no_color: bool, out: Path | None) -> str:
    from advisor.report import alternatives_csv, render_markdown, render_summary

    if output is Format.JSON:
        return recommendation.to_json()
    if output is Format.CSV:
        return alternatives_csv(recommendation)
    if output is Format.MARKDOWN:
        return render_markdown(recommendation)
    width = shutil.get_terminal_size((80, 24)).columns
    return render_summary(
        recommendation,
        width=width,
        has_color=has_color(no_color),
        has_blocks=has_color(no_color) and takes_blocks(),
        result_path=str(out) if out else "",
    )
