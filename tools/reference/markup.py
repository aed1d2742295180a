"""Markdown, and the texts that stand in the code."""

import ast
import inspect
import re
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
UNDESCRIBED = "(not described)"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ").strip() for cell in row) + " |\n" for row in lines
    )


def code(text: object) -> str:
    """As code."""
    return f"`{text}`"


def first_paragraph(doc: str | None) -> str:
    """The first sentence or two of a docstring, as running text."""
    return " ".join(inspect.cleandoc(doc or "").split("\n\n")[0].split())


def markdown(doc: str) -> str:
    """A docstring's text with the double backticks of reStructuredText as those of Markdown."""
    return re.sub(r":\w+:`~?\.?([^`]+)`", r"`\1`", doc).replace("``", "`")


@cache
def tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def attribute_docs(module: ModuleType, owner: str | None = None) -> dict[str, str]:
    """The texts that stand under assignments, of a class or of a module."""
    body: Sequence[ast.stmt] = tree(module).body
    if owner is not None:
        body = next(node.body for node in body if isinstance(node, ast.ClassDef) and node.name == owner)
    docs = {}
    for before, after in pairwise(body):
        is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str)
        targets = [before.target] if isinstance(before, ast.AnnAssign) else getattr(before, "targets", [])
        if is_text and targets and isinstance(targets[0], ast.Name):
            docs[targets[0].id] = " ".join(inspect.cleandoc(after.value.value).split())
    return docs
