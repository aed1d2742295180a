"""``advisor emit``: deploy files and reports from a saved result."""

from pathlib import Path
from typing import Annotated

import typer

from advisor.cli.options import QuietOption, say
from advisor.cli.results import formats_of, read_result, result_files


def emit_command(
    result: Annotated[Path, typer.Argument(help="recommendation.json, or the folder that holds it.", show_default=False)],
    to: Annotated[str, typer.Option("--to", help="What to make, with commas: ecs, cloudformation, terraform, report.")] = "ecs",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.")] = Path("."),
    quiet: QuietOption = False,
) -> None:
    """Write the deploy files or the report of a saved result.

    Example: advisor emit reports/shop/recommendation.json --to ecs -o reports/shop
    """
    from advisor.files import write_files

    files = result_files(read_result(result), formats_of(to))
    write_files(out, files)
    say(f"{len(files)} files written to {out}", is_quiet=quiet)
