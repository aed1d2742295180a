"""``advisor commit``: what Savings Plans and Reserved Instances to buy."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.cli.fleet import (
    EngineOption,
    FleetOutput,
    FleetRun,
    KeepOption,
    SchedulerOption,
    ShareByOption,
    WorkersOption,
    advised_fleet,
    fleet_options,
    is_fleet_wanted,
    refuse_fleet_options,
    say_unanswered,
)
from advisor.cli.options import (
    Format,
    FormatOption,
    QuietOption,
    RatesOption,
    RegionOption,
    TermsOption,
    checked_terms,
    say,
    with_terms,
)
from advisor.errors import InputError

if TYPE_CHECKING:
    from advisor.committing import CommitmentAdvice
    from advisor.fleet import CommitmentQuestion, FleetOptions


def commit_command(
    workload: Annotated[
        list[Path],
        typer.Argument(
            help="Workload file (YAML); several, a folder of them or a pattern are sized together, as one account.",
            show_default=False,
        ),
    ],
    term: Annotated[list[int] | None, typer.Option("--term", help="Years: 1 or 3; may be repeated. Default both.")] = None,
    payment: Annotated[
        list[str] | None,
        typer.Option("--payment", help="all_upfront, partial_upfront or no_upfront; may be repeated. Default all."),
    ] = None,
    stated_terms: TermsOption = None,
    coverage: Annotated[
        float | None, typer.Option("--coverage", help="Cover this share, such as 0.8, in place of the cheapest size.")
    ] = None,
    usd_per_hour: Annotated[
        float | None, typer.Option("--usd-per-hour", help="Commit to this amount in place of the cheapest.")
    ] = None,
    replay_weeks: Annotated[
        int, typer.Option("--replay-weeks", min=0, max=8, help="Weeks on which the recommended plan is replayed; 0 for none.")
    ] = 2,
    region: RegionOption = None,
    rates: RatesOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the advice in every form and the chart of the last dollar.")
    ] = None,
    engine: EngineOption = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    keep: KeepOption = None,
    share_by: ShareByOption = None,
    output: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Size Savings Plans and Reserved Instances for the load after the recommended plan, and for today's.

    Example: advisor commit examples/shop/workload.yaml --term 1 --out reports/shop

    A whole account, Region by Region and over all Regions: advisor commit clusters/ --out reports/account
    """
    from advisor.committing import commit
    from advisor.files import check_folder
    from advisor.meters import COMMITMENT_YEARS, PaymentOption
    from advisor.optimize.commitment_sizes import AskedSize
    from advisor.sources import read_catalog, read_workload
    from advisor.sources.load_options import LoadOptions

    unknown = sorted(set(payment or ()) - set(PaymentOption))
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(PaymentOption)}", param_hint="--payment")
    terms = tuple(dict.fromkeys(term or COMMITMENT_YEARS))
    payments = tuple(PaymentOption(each) for each in dict.fromkeys(payment or PaymentOption))
    if out is not None:
        check_folder(out)
    fleet_run = FleetRun(
        engine=engine,
        workers=workers,
        scheduler=scheduler,
        keep=keep,
        services=None,
        advise_top=None,
        fold_below=None,
        share_by=share_by,
        terms=checked_terms(stated_terms),
    )
    if is_fleet_wanted(workload, engine, scheduler, keep):
        options = fleet_options(
            region=region,
            cpu=None,
            memory=None,
            requests_per_task=None,
            cpu_ms_per_request=None,
            reading=LoadOptions(),
            rates=rates,
            prices=None,
            replay_weeks=replay_weeks,
        )
        from advisor.fleet import CommitmentQuestion

        asked = AskedSize(coverage=coverage, usd_per_hour=usd_per_hour)
        question = CommitmentQuestion(terms=terms, payments=payments, asked=asked)
        _commit_account(workload, options, fleet_run, question, FleetOutput(out=out, emit=None, format=output, is_quiet=quiet))
        return
    refuse_fleet_options(fleet_run)
    load = with_terms(read_workload(workload[0], region=region), stated_terms)
    for note in load.notes:
        say(f"note: {note}", is_quiet=quiet)
    advice = commit(
        load,
        read_catalog(load.region, rates_file=rates or (Path(load.rates_file) if load.rates_file else None)),
        terms=terms,
        payments=payments,
        coverage=coverage,
        usd_per_hour=usd_per_hour,
        replay_weeks=replay_weeks,
        on_progress=lambda message: say(message, is_quiet=quiet),
    )
    if out is not None:
        _write(advice, out)
    typer.echo(_rendered(advice, output), nl=False)


def _commit_account(
    sources: Sequence[Path], options: "FleetOptions", run: FleetRun, question: "CommitmentQuestion", output: FleetOutput
) -> None:
    from advisor.files import write_files
    from advisor.fleet.folder import account_files
    from advisor.fleet.members import is_dataset
    from advisor.report.commitments import account_csv, account_json, account_markdown, account_table

    if len(sources) == 1 and sources[0].is_dir() and is_dataset(sources[0]):
        raise InputError("this is a data set", fix="Run `advisor recommend` for it, with --commit.", file=str(sources[0]))
    fleet = advised_fleet(sources, options, run, output, question)
    if fleet.commitments is None:
        raise ValueError("a fleet that is asked for commitments has some")
    if output.out is not None:
        write_files(output.out, account_files(fleet.commitments))
    render = {
        Format.JSON: account_json,
        Format.CSV: account_csv,
        Format.MARKDOWN: account_markdown,
        Format.TABLE: account_table,
    }
    typer.echo(render[output.format](fleet.commitments), nl=False)
    say_unanswered(fleet, is_quiet=output.is_quiet)


def _rendered(advice: "CommitmentAdvice", output: Format) -> str:
    from advisor.report import commitments

    if output is Format.JSON:
        return commitments.commitments_json(advice)
    if output is Format.CSV:
        return commitments.commitments_csv(advice)
    return commitments.commitments_markdown(advice) if output is Format.MARKDOWN else commitments.commitments_table(advice)


def _write(advice: "CommitmentAdvice", folder: Path) -> None:
    from advisor.files import write_files
    from advisor.report.charts import chart_files
    from advisor.report.charts.commitment import draw_commitment
    from advisor.report.charts.style import chart_style

    forms = (("json", Format.JSON), ("csv", Format.CSV), ("md", Format.MARKDOWN))
    texts = {f"commitments.{suffix}": _rendered(advice, each).encode() for suffix, each in forms}
    charts = {}
    if advice.marginal:
        with chart_style():
            chart = draw_commitment(advice)
        charts = chart_files("commitment", chart)
    write_files(folder, texts | charts)
