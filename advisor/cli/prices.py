"""``advisor prices``: what the catalog holds and how old it is."""

import csv
import fnmatch
import io
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.cli.options import Format, FormatOption, RatesOption, RegionOption
from advisor.cli.prices_refresh import refresh_command
from advisor.errors import InputError

if TYPE_CHECKING:
    from advisor.pricing import PriceCatalog, Rate

COLUMNS = ("meter", "region", "usd", "unit", "source", "as_of", "derived", "note")

prices_app = typer.Typer(
    help="The price catalog: what it holds and how old it is.", no_args_is_help=True, rich_markup_mode=None
)


prices_app.command("refresh")(refresh_command)


@prices_app.callback()
def _prices() -> None:
    pass


@prices_app.command("show")
def show_command(
    meter: Annotated[str, typer.Argument(help="Pattern of meters, such as 'fargate:*' or '*:m7g.*'.")] = "*",
    region: RegionOption = None,
    rates: RatesOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Rates of one Region with their source and date.

    Example: advisor prices show 'fargate:linux:*' --region eu-west-1
    """
    from advisor.sources import read_catalog

    if region is None:
        raise InputError("no Region given", fix="Add --region, such as --region us-east-1.")
    catalog = read_catalog(region, rates_file=rates)
    held = catalog.rates(region)
    chosen = [name for name in sorted(held) if fnmatch.fnmatchcase(name, meter)]
    if not chosen:
        raise InputError(
            f"no meter in {region} matches {meter!r}", fix="Try a wider pattern, such as 'fargate:*' or 'ec2:*m7g*'."
        )
    rows = [_row(name, held[name], region) for name in chosen]
    typer.echo(_rendered(rows, output, catalog, region), nl=False)


def _row(name: str, rate: "Rate", region: str) -> dict[str, object]:
    values = (name, region, rate.usd, rate.unit, rate.source_id, rate.as_of, rate.is_derived, rate.note)
    return dict(zip(COLUMNS, values, strict=True))


def _rendered(rows: Sequence[Mapping[str, object]], output: Format, catalog: "PriceCatalog", region: str) -> str:
    if output is Format.JSON:
        used = sorted({str(row["source"]) for row in rows})
        sources = {name: {"where": catalog.source(name).where, "date": catalog.source(name).date} for name in used}
        return json.dumps({"rates": rows, "sources": sources}, indent=1) + "\n"
    if output is Format.CSV:
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()
    if output is Format.MARKDOWN:
        head = ["| meter | USD | unit | source | as of |", "| --- | ---: | --- | --- | --- |"]
        body = [f"| `{r['meter']}` | {_usd(r)} | {r['unit']} | {r['source']} | {r['as_of']} |" for r in rows]
        return "\n".join([*head, *body]) + "\n"
    wide = max(len(str(row["meter"])) for row in rows)
    lines = [f"{'meter':<{wide}}  {'USD':>12}  {'unit':<13}  {'as of':<10}  source"]
    for row in rows:
        derived = " (derived)" if row["derived"] else ""
        lines.append(
            f"{row['meter']:<{wide}}  {_usd(row):>12}  {row['unit']:<13}  {row['as_of']:<10}  {row['source']}{derived}"
        )
    dates = catalog.dates(region)
    lines.append(f"{len(rows)} rates of {region}, dated {dates.oldest} to {dates.newest}")
    return "\n".join(lines) + "\n"


def _usd(row: Mapping[str, object]) -> str:
    return f"{row['usd']:.8f}".rstrip("0").rstrip(".")
