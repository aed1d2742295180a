"""``advisor backtest``: was the advice right."""

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.cli.options import Format, FormatOption, QuietOption, RatesOption, RegionOption, say, say_terms_left_aside

if TYPE_CHECKING:
    from advisor.backtesting import Backtest
    from advisor.pricing import PriceCatalog
    from advisor.workload import Workload

_COLUMNS = ("origin", "verdict", "chance", "chosen", "chosen_usd", "cheapest", "cheapest_usd", "was_right")


def backtest_command(
    workload: Annotated[Path, typer.Argument(help="Workload file (YAML).", show_default=False)],
    history_weeks: Annotated[
        int, typer.Option("--history-weeks", min=2, max=520, help="Weeks of load that each advice is made from.")
    ] = 8,
    bill: Annotated[
        Path | None,
        typer.Option("--bill", help="Compare with a bill instead: Cost and Usage Report, FOCUS or Cost Explorer, CSV or JSON."),
    ] = None,
    bill_where: Annotated[
        list[str] | None, typer.Option("--bill-where", help="COLUMN=VALUE that lines of the bill have to have.")
    ] = None,
    region: RegionOption = None,
    rates: RatesOption = None,
    output: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Advise on the past of WORKLOAD, bill every plan on the four weeks that followed, and go four weeks on.

    Example: advisor backtest examples/shop/workload.yaml --history-weeks 8

    With --bill, hold what runs today (`present` of the workload) against what was billed, meter by meter.
    """
    from advisor.backtesting import backtest
    from advisor.sources import read_catalog, read_workload

    load = read_workload(workload, region=region)
    for note in load.notes:
        say(f"note: {note}", is_quiet=quiet)
    say_terms_left_aside(load, is_quiet=quiet)
    catalog = read_catalog(load.region, rates_file=rates or (Path(load.rates_file) if load.rates_file else None))
    for note in catalog.notes:
        say(f"note: {note}", is_quiet=quiet)
    if bill is not None:
        typer.echo(_reconciled(load, catalog, bill, bill_where or [], output), nl=False)
        return
    found = backtest(
        load,
        catalog,
        history_weeks=history_weeks,
        on_progress=lambda done, total: say(f"fold {done} of {total}", is_quiet=quiet),
    )
    typer.echo(_rendered(found, output), nl=False)


def _reconciled(load: "Workload", catalog: "PriceCatalog", bill: Path, where: list[str], output: Format) -> str:
    from advisor.reconciling import reconcile
    from advisor.report import reconciliation
    from advisor.sources.bill import read_bill

    pairs = {}
    for pair in where:
        name, separator, value = pair.partition("=")
        if not separator:
            raise typer.BadParameter(f"{pair!r} is not COLUMN=VALUE", param_hint="--bill-where")
        pairs[name] = value
    found = reconcile(load, catalog, read_bill(bill, where=pairs))
    render = {
        Format.JSON: reconciliation.reconciliation_json,
        Format.CSV: reconciliation.reconciliation_csv,
        Format.MARKDOWN: reconciliation.reconciliation_markdown,
        Format.TABLE: reconciliation.reconciliation_table,
    }[output]
    return render(found)


def _rendered(found: "Backtest", output: Format) -> str:
    if output is Format.JSON:
        return json.dumps(found.to_dict(), indent=1, ensure_ascii=False) + "\n"
    rows = [
        (
            fold.origin[:10],
            fold.verdict.value,
            f"{fold.probability:.2f}",
            fold.chosen,
            f"{fold.chosen_usd:.2f}",
            fold.cheapest,
            f"{fold.cheapest_usd:.2f}",
            "yes" if fold.was_right else "no",
        )
        for fold in found.folds
    ]
    if output is Format.CSV:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([_COLUMNS, *rows])
        return text.getvalue()
    if output is Format.MARKDOWN:
        lines = [_COLUMNS, ("---",) * len(_COLUMNS), *rows]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n" + "\n\n".join(summary_lines(found)) + "\n"
    table = [f"  {'advised':<12}{'verdict':<18}{'chance':>7} {'a month':>9} {'cheapest':>9}  right"]
    table += [f"  {row[0]:<12}{row[1]:<18}{row[2]:>7} {row[4]:>9} {row[6]:>9}  {row[7]}" for row in rows]
    return "\n".join([*table, "", *summary_lines(found)]) + "\n"


def summary_lines(found: "Backtest") -> list[str]:
    """What the folds add up to, in sentences."""
    n = len(found.folds)
    interval = found.coverage_interval
    exact = f" (exact 95 % interval {interval[0]:.2f} to {interval[1]:.2f})" if interval else " (too few folds for an interval)"
    score = "" if found.score_over_normal is None else f"; interval score {found.score_over_normal:.2f} of a normal interval's"
    wrong = found.wrong_of_recommended_fraction
    return [
        f"{n} folds, worth {found.effective_folds:.0f} independent ones.",
        f"The 80 % intervals held {found.coverage_80:.0%} of what came{exact}{score}.",
        f"Advised with a chance of 0.9 or more in {found.recommended_fraction:.0%} of the folds"
        + (f", wrong in {wrong:.0%} of these." if wrong is not None else "."),
        f"Brier score of that chance {found.brier:.3f}; the choices cost {found.mean_regret_fraction:.2%} more than the "
        "cheapest would have.",
        "Costs are those of the packing model on both sides, without the replay that `advisor recommend` adds: the forecast is "
        "tested, not the model.",
    ]
