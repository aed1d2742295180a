"""``advisor instances``: instance types ranked for a cluster."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.cli.options import CatalogOption, Format, FormatOption, QuietOption, RatesOption, RegionOption, say
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

if TYPE_CHECKING:
    from advisor.ranking import InstanceRanking


def instances_command(
    workload: Annotated[
        Path, typer.Argument(help="Workload file (YAML), or a CSV or CloudWatch JSON of one load.", show_default=False)
    ],
    top: Annotated[int, typer.Option("--top", min=0, max=10_000, help="Types to show in each ranking; 0 for all.")] = 20,
    replay: Annotated[
        bool, typer.Option("--replay", help="Replay the first types as ECS runs them: cost, waiting, hours above target.")
    ] = False,
    replay_top: Annotated[int, typer.Option("--replay-top", min=1, max=10_000, help="How many, with --replay.")] = 5,
    replay_weeks: Annotated[
        int, typer.Option("--replay-weeks", min=1, max=520, help="Last weeks that they are replayed on.")
    ] = 2,
    step: Annotated[
        int, typer.Option("--step", help="Seconds of a step of the replay: 60, or 20 to see what happens within a minute.")
    ] = 60,
    deployment_minutes: Annotated[
        float,
        typer.Option("--deployment-minutes", min=0, max=10_080, help="How long a deployment keeps the tasks doubled."),
    ] = 10,
    levers: Annotated[
        bool, typer.Option("--levers", help="Price settings of scaling on the first type, each on a replay of its own.")
    ] = False,
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
    rates: RatesOption = None,
    prices: CatalogOption = None,
    output: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Rank instance types for all services of WORKLOAD together: instances, packed share, what binds, cost, a lost zone.

    Example: advisor instances examples/shop/workload.yaml --replay
    """
    from advisor.ranking import REPLAY_STEPS_S, rank_instances
    from advisor.sources import read_catalog, read_workload

    if step not in REPLAY_STEPS_S:
        raise typer.BadParameter(f"{step} is not one of {', '.join(map(str, REPLAY_STEPS_S))}", param_hint="--step")
    load = read_workload(
        workload,
        region=region,
        cpu=cpu,
        memory=memory,
        requests_per_task=requests_per_task,
        cpu_ms_per_request=cpu_ms_per_request,
        reading=reading_of(
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
        ),
    )
    for note in load.notes:
        say(f"note: {note}", is_quiet=quiet)
    own_rates = rates or (Path(load.rates_file) if load.rates_file else None)
    ranking = rank_instances(
        load,
        read_catalog(load.region, folder=prices, rates_file=own_rates),
        most=top or None,
        replays=replay_top if replay else 0,
        replay_weeks=replay_weeks,
        replay_step_s=step,
        deployment_minutes=deployment_minutes,
        has_levers=levers,
    )
    if output is Format.CSV:
        for note in ranking.notes:
            say(f"note: {note}", is_quiet=quiet)
    typer.echo(_rendered(ranking, output), nl=False)


def _rendered(ranking: "InstanceRanking", output: Format) -> str:
    from advisor.report.instances import instances_csv, instances_markdown, render_instances

    if output is Format.JSON:
        return json.dumps(ranking.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    if output is Format.CSV:
        return instances_csv(ranking)
    return instances_markdown(ranking) if output is Format.MARKDOWN else render_instances(ranking)
