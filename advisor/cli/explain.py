"""``advisor explain``: why, what lost, and the sum by hand."""

import csv
import io
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.cli.options import Format, FormatOption
from advisor.cli.results import known_sources, read_result

if TYPE_CHECKING:
    from collections.abc import Mapping

CSV_COLUMNS = ("part", "calculation", "amount_usd")


def explain_command(
    result: Annotated[Path, typer.Argument(help="recommendation.json, or the folder that holds it.", show_default=False)],
    service: Annotated[
        str | None, typer.Argument(help="A service of it; the whole cluster when left out.", show_default=False)
    ] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Print the reasons, the alternatives that lost and why, and the sum by hand: price x count x hours.

    Example: advisor explain reports/demo worker
    """
    from advisor.report.explain import explain_data, explain_markdown, explain_text

    recommendation = read_result(result)
    sources = known_sources(recommendation)
    if output is Format.JSON:
        typer.echo(json.dumps(explain_data(recommendation, service, sources=sources), indent=1, ensure_ascii=False))
    elif output is Format.CSV:
        typer.echo(_csv(explain_data(recommendation, service, sources=sources)), nl=False)
    elif output is Format.MARKDOWN:
        typer.echo(explain_markdown(recommendation, service, sources=sources), nl=False)
    else:
        width = min(max(shutil.get_terminal_size((80, 24)).columns, 80), 110)
        typer.echo(explain_text(recommendation, service, sources=sources, width=width), nl=False)


def _csv(data: "Mapping[str, list[dict[str, object]]]") -> str:
    """Lines of the sum."""
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(data["sum"])
    return text.getvalue()
