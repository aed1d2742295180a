"""A recommendation as text, tables, figures and pages. Everything here is pure: data in, text or bytes out."""

from advisor.report.markdown import render_markdown
from advisor.report.tables import alternatives_csv, alternatives_rows
from advisor.report.terminal import render_summary

__all__ = ["alternatives_csv", "alternatives_rows", "render_markdown", "render_summary"]
