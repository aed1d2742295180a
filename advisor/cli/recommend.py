"""``advisor recommend``: the main job."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.cli.options import (
    CatalogOption,
    Format,
    FormatOption,
    NoColorOption,
    QuietOption,
    RatesOption,
    RegionOption,
    has_color,
    say,
)
from advisor.cli.results import formats_of, today, write_results

if TYPE_CHECKING:
    from advisor.recommend import Recommendation

NOT_ENOUGH_DATA_STATUS = 4


def recommend_command(
    workload: Annotated[
        Path, typer.Argument(help="Workload file (YAML), or a CSV or CloudWatch JSON of one load.", show_default=False)
    ],
    region: RegionOption = None,
    cpu: Annotated[int | None, typer.Option(help="CPU units of a task, for a single CSV.")] = None,
    memory: Annotated[int | None, typer.Option(help="MiB of a task, for a single CSV.")] = None,
    requests_per_task: Annotated[
        float | None, typer.Option(help="Requests per second that one task serves at the scaling target, for a single CSV.")
    ] = None,
    cpu_ms_per_request: Annotated[float | None, typer.Option(help="CPU milliseconds of one request, for a single CSV.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="Zone of time stamps without one, such as Europe/Berlin.")] = None,
    column: Annotated[list[str] | None, typer.Option(help="name=meaning of a CSV column, such as cpu=cpu_percent.")] = None,
    rates: RatesOption = None,
    prices: CatalogOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the result, its report, charts and deploy files.")
    ] = None,
    emit: Annotated[str, typer.Option("--emit", help="What to write into --out beside the result.")] = "report,ecs",
    output: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Compare Fargate, EC2 and Managed Instances for the services in WORKLOAD, and recommend.

    Example: advisor recommend examples/shop/workload.yaml --out reports/shop

    Exit status 4: there is not enough data to recommend; the result is still printed and written.
    """
    from advisor.answer import advise
    from advisor.recommend import Verdict
    from advisor.sources import read_catalog, read_workload

    load = read_workload(
        workload,
        region=region,
        cpu=cpu,
        memory=memory,
        time_zone=time_zone,
        columns=_columns(column or []),
        requests_per_task=requests_per_task,
        cpu_ms_per_request=cpu_ms_per_request,
    )
    for note in load.notes:
        say(f"note: {note}", is_quiet=quiet)
    own_rates = rates or (Path(load.rates_file) if load.rates_file else None)
    catalog = read_catalog(load.region, folder=prices, rates_file=own_rates)
    recommendation = advise(load, catalog, today=today())
    if out is not None:
        write_results(recommendation, out, formats_of(emit))
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
    return render_summary(recommendation, width=width, has_color=has_color(no_color), result_path=str(out) if out else "")


def _columns(pairs: list[str]) -> dict[str, str]:
    columns = {}
    for pair in pairs:
        name, separator, meaning = pair.rpartition("=")
        if not separator:
            raise typer.BadParameter(f"{pair!r} is not name=meaning", param_hint="--column")
        columns[name] = meaning
    return columns
