"""Options that several commands share."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.errors import AdvisorError

if TYPE_CHECKING:
    from advisor.workload import Workload


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
TermsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--terms",
        help="Terms of Savings Plans that may be bought with the plan, such as 1y:no_upfront, 3y or none; may be repeated. "
        "Launch types are then compared with what is best bought for each. Default: the workload's constraints.terms, or none.",
        show_default=False,
    ),
]
CatalogOption = Annotated[
    Path | None, typer.Option("--catalog", help="Folder with the prices to use, in place of those shipped and refreshed.")
]


def say(message: str, *, is_quiet: bool) -> None:
    """A remark on stderr."""
    if not is_quiet:
        typer.echo(message, err=True)


def with_terms(workload: "Workload", terms: Sequence[str] | None) -> "Workload":
    """The workload under other terms of new commitments, where some are given."""
    stated = checked_terms(terms)
    return replace(workload, constraints=replace(workload.constraints, terms=stated)) if stated else workload


def checked_terms(terms: Sequence[str] | None) -> tuple[str, ...] | None:
    """Terms as they were given; a usage error where AWS sells none such."""
    if not terms:
        return None
    from advisor.plan import terms_of

    try:
        terms_of(terms)
    except AdvisorError as error:
        raise typer.BadParameter(str(error), param_hint="--terms") from None
    return tuple(terms)


def say_terms_left_aside(workload: "Workload", *, is_quiet: bool) -> None:
    """Where a command has no use for the terms of new commitments that a workload states."""
    from advisor.plan import terms_of

    if terms_of(workload.constraints.terms):
        say("note: new commitments are left aside here, whatever terms are stated", is_quiet=is_quiet)


def has_color(is_off: bool) -> bool:
    """Whether stdout is a terminal that takes colour."""
    return not is_off and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def takes_blocks() -> bool:
    """Whether stdout can print block characters."""
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
