"""``advisor sweep``: where the answer flips."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.cli.options import Format, FormatOption, QuietOption, RatesOption, RegionOption, say

if TYPE_CHECKING:
    from advisor.pricing import PriceCatalog
    from advisor.sweeping import AxisName, Payback, Sensitivity, Sweep
    from advisor.sweeping.axes import AxisValue
    from advisor.workload import Workload

_AXIS_HELP = (
    "load_factor, utilization, services, hours_per_day, spot_discount, fargate_price, ec2_price, spot_price, instance_type or "
    "commitment; with values as in load_factor=0.5,1,2."
)


def sweep_command(
    workload: Annotated[Path, typer.Argument(help="Workload file (YAML).", show_default=False)],
    x: Annotated[str, typer.Option("--x", help=f"Along which break-even is found: {_AXIS_HELP}")] = "load_factor",
    y: Annotated[str | None, typer.Option("--y", help="The other one; default utilization, else hours_per_day.")] = None,
    family: Annotated[
        list[str] | None, typer.Option("--family", help="Instance family with a line of its own; default the four cheapest.")
    ] = None,
    rank: Annotated[bool, typer.Option("--rank", help="Rank the inputs by how far they move the saving, instead.")] = False,
    spot: Annotated[
        bool, typer.Option("--spot", help="With --rank: both sides on Spot, where services may be interrupted.")
    ] = False,
    labour_usd_per_hour: Annotated[
        float | None, typer.Option("--labour-usd-per-hour", help="Also say how many hours of work the saving is worth.")
    ] = None,
    extra_hours: Annotated[
        float, typer.Option("--extra-hours", help="Work a month that the recommended plan takes more.")
    ] = 0.0,
    migration_hours: Annotated[
        float, typer.Option("--migration-hours", help="Work of the move itself, for its payback.")
    ] = 0.0,
    double_running_days: Annotated[
        float, typer.Option("--double-running-days", help="Days on which the old and the new plan both run.")
    ] = 0.0,
    region: RegionOption = None,
    rates: RatesOption = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the table, the data and the chart.")] = None,
    output: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Work out Fargate and EC2 over two circumstances, and find where the cheaper one changes.

    Example: advisor sweep examples/shop/workload.yaml --x load_factor --y ec2_price --out reports/shop
    """
    from advisor.files import check_folder
    from advisor.sources import read_catalog, read_workload

    if out is not None:
        check_folder(out)
    load = read_workload(workload, region=region)
    for note in load.notes:
        say(f"note: {note}", is_quiet=quiet)
    catalog = read_catalog(load.region, rates_file=rates or (Path(load.rates_file) if load.rates_file else None))
    worth = None
    if labour_usd_per_hour is not None:
        worth = _labour(load, catalog, labour_usd_per_hour, extra_hours, migration_hours, double_running_days)
    elif extra_hours or migration_hours or double_running_days:
        raise typer.BadParameter("hours of work need --labour-usd-per-hour", param_hint="--migration-hours")
    found = _ranked(load, catalog, spot=spot) if rank else _swept(load, catalog, x, y, family or [], is_quiet=quiet)
    if out is not None:
        _write(found, worth, out)
    typer.echo(_rendered(found, worth, output), nl=False)


def axis_of(text: str) -> "tuple[AxisName, tuple[AxisValue, ...]]":
    """``load_factor=0.5,1,2`` as an axis and its values; without values the default ones."""
    from advisor.sweeping.axes import axis_name

    name, _, values = text.partition("=")
    return axis_name(name.strip()), tuple(value.strip() for value in values.split(",") if value.strip())


def _swept(load: "Workload", catalog: "PriceCatalog", x: str, y: str | None, families: list[str], *, is_quiet: bool) -> "Sweep":
    from advisor.sweeping import sweep

    x_name, x_values = axis_of(x)
    y_name, y_values = axis_of(y) if y is not None else (None, ())
    return sweep(
        load,
        catalog,
        x=x_name,
        y=y_name,
        x_values=x_values,
        y_values=y_values,
        families=families,
        on_progress=lambda done, total: say(f"line {done} of {total}", is_quiet=is_quiet),
    )


def _ranked(load: "Workload", catalog: "PriceCatalog", *, spot: bool) -> "Sensitivity":
    from advisor.ecs import PurchaseOption
    from advisor.sweeping import sensitivity

    return sensitivity(load, catalog, purchase_option=PurchaseOption.SPOT if spot else PurchaseOption.ON_DEMAND)


def _labour(
    load: "Workload", catalog: "PriceCatalog", usd_per_hour: float, extra: float, migration: float, days: float
) -> "Payback":
    from advisor.answer import advise
    from advisor.sweeping import payback

    return payback(
        advise(load, catalog),
        labour_usd_per_hour=usd_per_hour,
        extra_hours_per_month=extra,
        migration_hours=migration,
        double_running_days=days,
    )


def _rendered(found: "Sweep | Sensitivity", worth: "Payback | None", output: Format) -> str:
    """CSV holds the grid or the ranking alone; every other form also says what the saving is worth in work."""
    from advisor.report import sweeps
    from advisor.sweeping import Sweep

    if output is Format.JSON:
        return sweeps.sweep_json(found, worth)
    if output is Format.CSV:
        return sweeps.sweep_csv(found) if isinstance(found, Sweep) else sweeps.rank_csv(found)
    if output is Format.MARKDOWN:
        text = sweeps.sweep_markdown(found) if isinstance(found, Sweep) else sweeps.rank_markdown(found)
    else:
        text = sweeps.sweep_table(found) if isinstance(found, Sweep) else sweeps.rank_table(found)
    return text if worth is None else text + "\n" + "\n".join(sweeps.payback_sentences(worth)) + "\n"


def _write(found: "Sweep | Sensitivity", worth: "Payback | None", folder: Path) -> None:
    from advisor.files import write_files
    from advisor.report.charts import chart_files
    from advisor.report.charts.style import chart_style
    from advisor.report.charts.sweep import draw_sensitivity, draw_sweep
    from advisor.sweeping import Sweep

    name = "sweep" if isinstance(found, Sweep) else "sensitivity"
    with chart_style():
        chart = draw_sweep(found) if isinstance(found, Sweep) else draw_sensitivity(found)
    forms = (("json", Format.JSON), ("csv", Format.CSV), ("md", Format.MARKDOWN))
    texts = {f"{name}.{suffix}": _rendered(found, worth, each).encode() for suffix, each in forms}
    write_files(folder, texts | chart_files(name, chart))
