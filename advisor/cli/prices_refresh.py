"""``advisor prices refresh``: prices fetched anew from AWS."""

import csv
import io
import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from advisor.cli.options import Format, FormatOption, QuietOption, say
from advisor.errors import AdvisorError

if TYPE_CHECKING:
    from advisor.sources.prices.refresh import Refreshed

_COLUMNS = ("region", "part", "fetched", "rows", "source", "published", "why")


def refresh_command(
    region: Annotated[
        list[str] | None,
        typer.Option(
            "--region",
            envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
            help="AWS Region, may be repeated; every Region of the catalog when left out.",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            "--only",
            help="Parts to refresh, with commas: ec2, ebs, nat, fargate, managed_instances, vpc, load_balancers, "
            "data_transfer, cloudwatch, ecr, savings_plans, instance_types, spot. All when left out.",
            show_default=False,
        ),
    ] = None,
    cache_dir: Annotated[
        Path | None,
        typer.Option(
            "--cache-dir",
            envvar="ADVISOR_CACHE_DIR",
            help="Folder of refreshed prices; the platform's cache folder when left out.",
            show_default=False,
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option("--profile", help="AWS profile, for Spot prices and instance types.", show_default=False),
    ] = None,
    spot_days: Annotated[int, typer.Option("--spot-days", min=1, max=90, help="Days of Spot prices to average.")] = 7,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            "--accept",
            help="Accept what a check finds and this pattern names, such as a price that moved a lot. May be repeated.",
            show_default=False,
        ),
    ] = None,
    write_shipped: Annotated[
        Path | None,
        typer.Option(
            "--write-shipped",
            metavar="FOLDER",
            help="For maintainers: put the refreshed prices into the pricing_data of a checkout, too.",
            show_default=False,
        ),
    ] = None,
    price_list_url: Annotated[
        str | None, typer.Option("--price-list-url", envvar="ADVISOR_PRICE_LIST_URL", hidden=True)
    ] = None,
    output: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Fetch prices anew from AWS into a cache that every command then uses.

    Example: advisor prices refresh --region eu-west-1 --only ec2,fargate

    The AWS Price List needs no account; a Region has about 600 MB, most of it EC2 and Savings Plans. Spot prices and
    instance types need one: ec2:DescribeSpotPriceHistory, DescribeInstanceTypes, DescribeInstanceTypeOfferings and
    DescribeAvailabilityZones. What cannot be fetched is listed and keeps its older rows, with their dates. The status is 1
    where nothing was fetched, or where the new prices of a Region failed a check and were refused.
    """
    from advisor.cli.results import today
    from advisor.sources.catalog import price_cache_folder, regions
    from advisor.sources.prices.account import opened_account
    from advisor.sources.prices.download import PRICE_LIST_URL
    from advisor.sources.prices.refresh import ACCOUNT_PARTS, PARTS, RefreshOptions, faults_of_new, refresh_prices

    parts = tuple(dict.fromkeys(part.strip() for part in only.split(",") if part.strip())) if only else PARTS
    wanted = region or list(regions())
    if not region:
        say(f"refreshing {len(wanted)} Regions; name some with --region to do less", is_quiet=quiet)
    done = refresh_prices(
        wanted,
        cache_dir or price_cache_folder(),
        check=partial(faults_of_new, today=today()),
        account=opened_account(profile) if set(parts) & set(ACCOUNT_PARTS) else None,
        options=RefreshOptions(
            parts=parts,
            price_list_url=price_list_url or PRICE_LIST_URL,
            spot_days=spot_days,
            accept=tuple(accept or ()),
            on_progress=lambda text: say(text, is_quiet=quiet),
        ),
    )
    for note in done.notes:
        say(f"note: {note}", is_quiet=quiet)
    if write_shipped is not None:
        _write_shipped(done, write_shipped, quiet)
    typer.echo(_rendered(done, output), nl=False)
    if not done.fetched:
        raise AdvisorError("nothing was fetched; the prices are those of before. The table says why, part by part.")
    if done.refused:
        raise AdvisorError(
            f"the new prices of {', '.join(done.refused)} were refused, and those of before stay in force. Look at what is "
            "wrong; what is right all the same is accepted with --accept PATTERN."
        )


def _write_shipped(done: "Refreshed", folder: Path, is_quiet: bool) -> None:
    from advisor.sources.prices.generation import write_shipped

    if done.generation is None:
        return
    changed = write_shipped(done.generation, folder)
    say(f"{len(changed)} files of {folder} changed: look through them with `git diff`", is_quiet=is_quiet)


def _rendered(done: "Refreshed", output: Format) -> str:
    rows: list[dict[str, Any]] = [
        {"region": f.region, "part": f.part, "fetched": True, "rows": f.n_rows, "source": f.source, "published": f.published}
        for f in done.fetched
    ]
    rows += [{"region": n.region, "part": n.part, "fetched": False, "why": n.why} for n in done.not_fetched]
    if output is Format.JSON:
        where = str(done.generation) if done.generation else None
        return json.dumps({"generation": where, "parts": rows, "notes": done.notes}, indent=1) + "\n"
    if output is Format.CSV:
        text = io.StringIO()
        writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()
    cells = [[row["region"], row["part"], str(row.get("rows", "")), _said(row)] for row in rows]
    if output is Format.MARKDOWN:
        head = "| Region | part | rows | |\n| --- | --- | ---: | --- |\n"
        return head + "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in cells)
    widths = [max((len(line[i]) for line in cells), default=0) for i in range(3)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d}" for a, b, c, d in cells]
    where = f"in {os.fspath(done.generation)}" if done.generation else "there are no refreshed prices"
    return "\n".join([*lines, f"{len(done.fetched)} parts fetched, {len(done.not_fetched)} not; {where}"]) + "\n"


def _said(row: dict[str, Any]) -> str:
    return f"published {row['published']}" if row["fetched"] else f"not fetched: {row['why']}"
