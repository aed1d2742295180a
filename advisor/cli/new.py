"""``advisor new``: a workload without metrics."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.cli.options import QuietOption, RegionOption, say
from advisor.errors import InputError

if TYPE_CHECKING:
    from advisor.sources.new_workload import LoadShape

_PATTERNS = "steady, office_hours, daily_wave, spiky, batch, weekly"
_PERCENT = 100.0


def new_command(
    pattern: Annotated[str, typer.Option(help=f"How the load goes up and down: {_PATTERNS}.")],
    peak: Annotated[float, typer.Option(help="Requests per second at the peak of a usual week, today.")],
    cpu_ms_per_request: Annotated[float, typer.Option(help="CPU milliseconds of one request.")],
    memory: Annotated[str, typer.Option(help="Memory of a task, in MiB or as '1 GB'.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the workload and its load; must hold none yet.")],
    region: RegionOption = None,
    service: Annotated[str, typer.Option(help="Name of the service.")] = "web",
    cluster: Annotated[str, typer.Option(help="Name of the cluster.")] = "new",
    cpu: Annotated[
        str | None, typer.Option(help="CPU units of a task. Default: the least on Fargate's grid with the memory.")
    ] = None,
    min_tasks: Annotated[
        int | None, typer.Option(help="Least tasks. Default: that of every workload file, 0 for a batch.")
    ] = None,
    growth: Annotated[float, typer.Option(help="Growth in a year, in percent.")] = 0.0,
    weeks: Annotated[int, typer.Option(help="Weeks of load to make.")] = 4,
    time_zone: Annotated[str, typer.Option(help="Whose clock the pattern follows, such as Europe/Berlin.")] = "UTC",
    port: Annotated[int | None, typer.Option(help="Load balanced if set.")] = None,
    seed: Annotated[int, typer.Option(help="Of what is left to chance: the same seed gives the same files.")] = 0,
    quiet: QuietOption = False,
) -> None:
    """Make a workload for a service without metrics, from a pattern and a few numbers.

    Its assumptions stand in the file and in every report that is made from it.

    Example: advisor new --pattern office_hours --peak 120 --cpu-ms-per-request 25 --memory 1024 --region eu-west-1 -o new/
    """
    from advisor.files import write_files
    from advisor.sources.new_workload import NewService, render_new_workload

    if region is None:
        raise InputError("the AWS Region is not given", fix="Give --region, such as --region eu-west-1.")
    new = NewService(
        name=service,
        shape=_shape(pattern),
        peak_requests_per_second=peak,
        cpu_ms_per_request=cpu_ms_per_request,
        memory_mib=_size("--memory", memory),
        cpu_units=None if cpu is None else _size("--cpu", cpu),
        min_tasks=min_tasks,
        growth_fraction=growth / _PERCENT,
        weeks=weeks,
        time_zone=time_zone,
        port=port,
        cluster=cluster,
        region=region,
        seed=seed,
    )
    files = render_new_workload(new)
    for path in files:
        if (out / path).exists():
            raise InputError(f"{out / path} exists already", fix="Name another folder with --out, or remove it first.")
    write_files(out, files)
    for sentence in new.assumptions:
        say(f"assumed: {sentence}", is_quiet=quiet)
    typer.echo(str(out / "workload.yaml"))


def _shape(name: str) -> "LoadShape":
    from advisor.sources.new_workload import LoadShape

    try:
        return LoadShape(name.replace("-", "_").lower())
    except ValueError:
        raise InputError(f"no pattern {name[:60]!r}", fix=f"Choose from {_PATTERNS}.") from None


def _size(option: str, text: str) -> int:
    from advisor.sources.task_size import parse_cpu_units, parse_memory_mib

    try:
        return parse_cpu_units(text) if option == "--cpu" else parse_memory_mib(text)
    except ValueError as error:
        problem, _, fix = str(error).rpartition(". Write ")
        raise InputError(f"{option}: {problem}", fix=f"Write {fix}") from None
