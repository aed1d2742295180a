"""``report.html``: the answer as one page that needs no network and no other file."""

from advisor.report.html.drawings import inline_svg
from advisor.report.html.page import render_html
from advisor.report.places import headline

__all__ = ["headline", "inline_svg", "render_html"]
