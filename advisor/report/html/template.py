"""What every page is made with: templates that escape, the one script that may run, and the policy that names it."""

import base64
import functools
import hashlib
import re
from importlib.resources import files

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from advisor.report.explain import printable

MOST_LETTERS = 600
_TICKED = re.compile(r"`([^`\n]+)`")


def policy(script: str) -> str:
    """Content security policy: nothing is fetched, and nothing runs but this script."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )


@functools.cache
def tables_script() -> Markup:
    """The script that sorts and searches tables; without it they stand as they are."""
    return Markup((files("advisor.report") / "templates" / "tables.js").read_text(encoding="utf-8"))  # noqa: S704 - our own file


@functools.cache
def templates(*packages: str) -> Environment:
    """Templates of packages, the first that has one; all text from the input is escaped.

    The filter ``told`` shows what stands in backticks as code.
    """
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in packages]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_shown,
    )
    environment.filters["told"] = _told
    return environment


def _shown(value: object) -> object:
    """What a template prints: text without control characters and not without end; a number stays with its percent sign."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    text = printable(value)
    if len(text) > MOST_LETTERS:
        text = f"{text[:MOST_LETTERS]}… ({len(text) - MOST_LETTERS:,} more letters in recommendation.json)"
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def _told(sentence: str) -> Markup:
    return Markup(_TICKED.sub(r"<code>\1</code>", str(escape(_shown(sentence)))))  # noqa: S704 - escaped before
