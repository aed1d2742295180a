"""``advisor explain``: the reasons of a saved result, and its sum by hand."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.cli.options import Format, FormatOption
from advisor.cli.results import known_sources, read_result

if TYPE_CHECKING:
    from advisor.recommend import Recommendation

WIDEST = 110


def explain_command(
    result: Annotated[Path, typer.Argument(help="recommendation.json, or the folder that holds it.", show_default=False)],
    service: Annotated[
        str | None, typer.Argument(help="A service; the whole cluster when left out.", show_default=False)
    ] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Say why: the reasons, the alternatives that lost, what binds, and the cost as a sum that you can follow by hand.

    Example: advisor explain reports/shop/recommendation.json storefront
    """
    typer.echo(_rendered(read_result(result), service, output), nl=False)


def _rendered(recommendation: "Recommendation", service: str | None, output: Format) -> str:
    from advisor.report.explain import explain_csv, explain_data, explain_markdown, explain_text

    sources = known_sources(recommendation)
    if output is Format.JSON:
        return json.dumps(explain_data(recommendation, service, sources=sources), indent=1) + "\n"
    if output is Format.CSV:
        return explain_csv(recommendation, service)
    if output is Format.MARKDOWN:
        return explain_markdown(recommendation, service, sources=sources)
    width = min(max(shutil.get_terminal_size((80, 24)).columns, 80), WIDEST)
    return explain_text(recommendation, service, sources=sources, width=width)
