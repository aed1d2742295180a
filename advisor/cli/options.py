"""Options that several commands share."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


FormatOption = Annotated[Format, typer.Option("--format", help="How to print the result.")]
RegionOption = Annotated[
    str | None, typer.Option("--region", envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], help="AWS Region, such as eu-west-1.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing on stderr but errors.")]
NoColorOption = Annotated[bool, typer.Option("--no-color", envvar="NO_COLOR", help="No colour, also with NO_COLOR set.")]
RatesOption = Annotated[Path | None, typer.Option("--rates", help="CSV of your own rates, over the catalog's.")]
CatalogOption = Annotated[
    Path | None, typer.Option("--catalog", help="Folder with the prices to use, in place of those shipped and refreshed.")
]


def say(message: str, *, is_quiet: bool) -> None:
    """A remark on stderr."""
    if not is_quiet:
        typer.echo(message, err=True)


def has_color(is_off: bool) -> bool:
    """Whether stdout is a terminal that takes colour."""
    return not is_off and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def takes_blocks() -> bool:
    """Whether stdout can print block characters."""
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
