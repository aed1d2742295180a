"""``advisor commit``: what Savings Plans and Reserved Instances to buy."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.cli.options import Format, FormatOption, QuietOption, RatesOption, RegionOption, say

if TYPE_CHECKING:
    from advisor.committing import CommitmentAdvice


def commit_command(
    workload: Annotated[Path, typer.Argument(help="Workload file (YAML).", show_default=False)],
    term: Annotated[list[int] | None, typer.Option("--term", help="Years: 1 or 3; may be repeated. Default both.")] = None,
    payment: Annotated[
        list[str] | None,
        typer.Option("--payment", help="all_upfront, partial_upfront or no_upfront; may be repeated. Default all."),
    ] = None,
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
    output: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Size Savings Plans and Reserved Instances for the load after the recommended plan, and for today's.

    Example: advisor commit examples/shop/workload.yaml --term 1 --out reports/shop
    """
    from advisor.committing import commit
    from advisor.meters import COMMITMENT_YEARS, PaymentOption
    from advisor.sources import read_catalog, read_workload

    unknown = sorted(set(payment or ()) - set(PaymentOption))
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(PaymentOption)}", param_hint="--payment")
    load = read_workload(workload, region=region)
    for note in load.notes:
        say(f"note: {note}", is_quiet=quiet)
    advice = commit(
        load,
        read_catalog(load.region, rates_file=rates or (Path(load.rates_file) if load.rates_file else None)),
        terms=tuple(dict.fromkeys(term or COMMITMENT_YEARS)),
        payments=tuple(PaymentOption(each) for each in dict.fromkeys(payment or PaymentOption)),
        coverage=coverage,
        usd_per_hour=usd_per_hour,
        replay_weeks=replay_weeks,
        on_progress=lambda message: say(message, is_quiet=quiet),
    )
    if out is not None:
        _write(advice, out)
    typer.echo(_rendered(advice, output), nl=False)


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
