"""``advisor prices``: what the catalog holds and how old it is, and whether it can be trusted."""

import fnmatch
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.cli.options import CatalogOption, Format, FormatOption, QuietOption, RatesOption, say
from advisor.cli.price_tables import rate_row, rendered_bill, rendered_changes, rendered_rates, rendered_violations
from advisor.cli.prices_refresh import refresh_command
from advisor.cli.results import today
from advisor.errors import InputError

if TYPE_CHECKING:
    from advisor.pricing import RateChange

prices_app = typer.Typer(
    help="The price catalog: what it holds, how old it is, and whether it can be trusted.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
RegionsOption = Annotated[
    list[str] | None,
    typer.Option("--region", envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], help="AWS Region; give it again for more."),
]
CacheOption = Annotated[
    Path | None, typer.Option("--cache-dir", help="Folder of refreshed prices. Default: ADVISOR_CACHE_DIR, or the platform's.")
]


prices_app.command("refresh")(refresh_command)


@prices_app.callback()
def _prices() -> None:
    pass


@prices_app.command("show")
def show_command(
    meter: Annotated[str, typer.Argument(help="Pattern of meters, such as 'fargate:*' or '*:m7g.*'.")] = "*",
    region: RegionsOption = None,
    instance_type: Annotated[
        str | None, typer.Option("--type", help="Pattern of instance types or families, such as 'm7g.*'.")
    ] = None,
    option: Annotated[
        str | None,
        typer.Option(help="How it is paid for: on_demand, spot, spot_pool, fee, reserved_instance, compute_savings_plan, ..."),
    ] = None,
    rates: RatesOption = None,
    prices: CatalogOption = None,
    cache: CacheOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Rates of one or several Regions with their source, date and age in days.

    Example: advisor prices show 'fargate:linux:*' --region eu-west-1

    Example: advisor prices show --type 'm7g.*' --option reserved_instance --region us-east-1 --region us-gov-west-1
    """
    from advisor.sources import read_catalog

    if not region:
        raise InputError("no Region given", fix="Add --region, such as --region us-east-1.")
    catalog = read_catalog(*region, folder=prices, cache=cache, rates_file=rates)
    for note in catalog.notes:
        say(f"note: {note}", is_quiet=False)
    chosen, day = list(dict.fromkeys(region)), today()
    rows = [
        rate_row(name, rate, each, day)
        for each in chosen
        for name, rate in sorted(catalog.rates(each, lambda name: _is_asked(name, meter, instance_type, option)).items())
    ]
    if not rows:
        asked = " and ".join(filter(None, (repr(meter), instance_type and f"type {instance_type!r}", option)))
        raise InputError(
            f"no meter in {', '.join(region)} matches {asked}", fix="Try a wider pattern, such as 'fargate:*' or 'ec2:*m7g*'."
        )
    typer.echo(rendered_rates(rows, output, catalog, chosen), nl=False)


@prices_app.command("check")
def check_command(
    prices: CatalogOption = None,
    cache: CacheOption = None,
    against: Annotated[
        str | None, typer.Option(help="Another catalog, the one before: a folder, or 'shipped'. Says what rose and fell.")
    ] = None,
    region: RegionsOption = None,
    workload: Annotated[
        Path | None, typer.Option(help="With --against: what the change does to the bill of this workload.")
    ] = None,
    accept: Annotated[
        list[str] | None, typer.Option(help="Pattern of meters that may have moved by more than a factor of three.")
    ] = None,
    output: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Whether every rule that makes a price catalog trustworthy holds: the shipped and refreshed prices, or another folder.

    Prices of --catalog are held against --against, or the shipped ones: none may have moved by more than a factor of three.

    Example: advisor prices check

    Example: advisor prices check --against shipped --region eu-west-1 --workload examples/shop/workload.yaml

    Exit status 1: a rule is broken; every breach is printed.
    """
    from advisor.pricing import rate_changes
    from advisor.sources import read_catalog
    from advisor.sources.catalog import catalog_regions, pricing_data_folder
    from advisor.sources.catalog_check import check_catalog

    if workload is not None and against is None:
        raise InputError("--workload needs another catalog", fix="Add --against, such as --against shipped.")
    other = None if against is None else pricing_data_folder() if against == "shipped" else Path(against)
    names = catalog_regions(prices, cache)
    if other is not None and not catalog_regions(other):
        raise InputError(
            f"--against: no prices in {str(other)!r}",
            fix="Name a folder with one for each Region, such as us-east-1, or 'shipped'.",
        )
    previous = None if other is None else read_catalog(*catalog_regions(other), folder=other)
    if previous is not None:
        for name in region or ():
            previous.region_prices(name)  # says so where the other catalog lacks it
    before = previous
    if before is None and prices is not None:  # a meter that one Region alone has can be held against nothing else
        shipped = pricing_data_folder()
        known = sorted({*names} & {*catalog_regions(shipped)})
        before = read_catalog(*known, folder=shipped) if known else None
    found = check_catalog(prices, cache=cache, previous=before, today=today(), accepted=accept or ())
    if previous is None or found:
        typer.echo(rendered_violations(found, output), nl=False)
    if found:
        broken = f"{len(found)} breach{'es' if len(found) > 1 else ''} of what must be true of prices"
        raise InputError(broken, fix="Restore these prices or refresh them; --accept names moves that are right.")
    say(f"{len(names)} Regions: every rule holds", is_quiet=quiet)
    if previous is None:
        return
    if region is None:
        region = [name for name in names if name in previous.regions]
    after = read_catalog(*region, folder=prices, cache=cache)
    changes = [change for name in dict.fromkeys(region) for change in rate_changes(previous, after, name)]
    if workload is None:
        typer.echo(rendered_changes(changes, output), nl=False)
    else:
        typer.echo(_bill(workload, other, prices, cache, changes, output), nl=False)


def _bill(
    workload: Path, other: Path | None, prices: Path | None, cache: Path | None, changes: Sequence["RateChange"], output: Format
) -> str:
    """What the bill of a workload is at the rates of two catalogs, with its own rates over both."""
    from advisor.answer import advise
    from advisor.recommend.rebilled import rebilled
    from advisor.sources import read_catalog, read_workload

    load = read_workload(workload)
    rates_file = Path(load.rates_file) if load.rates_file else None
    after = read_catalog(load.region, folder=prices, cache=cache, rates_file=rates_file)
    then = advise(load, read_catalog(load.region, folder=other, rates_file=rates_file)).recommended
    lines = rebilled(then.bill.line_items if then.bill else (), after, load.region)
    return rendered_bill(then, advise(load, after).recommended, lines, output, changes)


def _is_asked(name: str, meter: str, instance_type: str | None, option: str | None) -> bool:
    parts = name.split(":")
    if not fnmatch.fnmatchcase(name, meter):
        return False
    if instance_type is not None and not fnmatch.fnmatchcase(parts[-1], instance_type):
        return False
    # a commitment is asked for by its own name: on_demand in its meter says what it covers
    is_commitment = parts[0].endswith(("_instance", "_plan"))
    return option is None or option == parts[0] or (option in parts[1:] and (not is_commitment or option != "on_demand"))
