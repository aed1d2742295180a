"""The command line: parse, call, render. Data goes to stdout, everything else to stderr."""

from advisor.cli.main import app, main

__all__ = ["app", "main"]
