"""What mkdocs does not do by itself: equations without scripts, and pages that stand beside docs/.

mkdocs calls the functions by their names (``hooks`` in mkdocs.yml).
"""

import html
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
BESIDE = {"changelog.md": "CHANGELOG.md", "contributing.md": "CONTRIBUTING.md", "security.md": "SECURITY.md"}
"""Pages of the site, and the files at the top of the repository that they are."""

_EQUATION = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)
_OUTSIDE = re.compile(
    r"\[(?P<text>[^\]]+)\]\((?P<path>(?:\.\./)+(?:examples|notebooks|reports|tools|pricing_data|tests)[^)\s]*)\)"
)
_INTO_DOCS = re.compile(r"\]\(docs/")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Take in the pages that GitHub wants at the top of the repository."""
    for page, source in BESIDE.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=_INTO_DOCS.sub("](", text)))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """A link to a file of the repository that is no page becomes its path; the decisions are listed."""
    if page.file.src_uri == "decisions/index.md":
        markdown += decisions()
    return _OUTSIDE.sub(lambda link: f"{link['text']} (`{link['path'].replace('../', '')}`)", markdown)


def decisions() -> str:
    """A list of the pages in docs/decisions/, by their titles."""
    pages = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    titles = (path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ") for path in pages)
    return "\n" + "".join(
        f"- [{title.replace('. ', ': ', 1)}]({path.name})\n" for path, title in zip(pages, titles, strict=True)
    )


def on_page_content(content: str, **_: Any) -> str:
    """Equations as MathML, which browsers draw themselves: no script, no font, no request."""
    return _EQUATION.sub(_mathml, content)


def on_post_page(output: str, **_: Any) -> str:
    """The search is a dialog, which needs a name."""
    return output.replace(
        'data-md-component="search" role="dialog"', 'data-md-component="search" role="dialog" aria-label="Search"'
    )


def _mathml(equation: re.Match[str]) -> str:
    is_block = equation[2] == "["
    drawn = convert(html.unescape(equation[3]).strip(), display="block" if is_block else "inline")
    # A wide one scrolls in its own box, which the keyboard has to reach.
    return f'<div class="equation" role="region" aria-label="equation" tabindex="0">{drawn}</div>' if is_block else drawn
