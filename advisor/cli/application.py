"""The application, its global behavior, and how it ends."""

import errno
import os
import sys
from contextlib import suppress
from typing import Final, TextIO

import typer

from advisor.cli.backtest import backtest_command
from advisor.cli.collect import collect_command
from advisor.cli.commit import commit_command
from advisor.cli.emit import emit_command
from advisor.cli.explain import explain_command
from advisor.cli.gate import gate_command
from advisor.cli.inspect import inspect_command
from advisor.cli.instances import instances_command
from advisor.cli.new import new_command
from advisor.cli.prices import prices_app
from advisor.cli.recommend import recommend_command
from advisor.cli.schema import schema_app
from advisor.cli.sweep import sweep_command
from advisor.errors import AdvisorError
from advisor.version import __version__

_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Why standard output cannot be written."""

app = typer.Typer(
    name="advisor",
    help="Fargate, EC2 or Managed Instances for each Amazon ECS service: what it costs on your measured load.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("recommend")(recommend_command)
app.command("explain")(explain_command)
app.command("instances")(instances_command)
app.command("emit")(emit_command)
app.command("backtest")(backtest_command)
app.command("sweep")(sweep_command)
app.command("commit")(commit_command)
app.command("gate")(gate_command)
app.command("collect")(collect_command)
app.command("new")(new_command)
app.command("inspect")(inspect_command)
app.add_typer(prices_app, name="prices")
app.add_typer(schema_app, name="schema")


def _version(value: bool) -> None:
    if value:
        typer.echo(f"advisor {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


def main() -> None:
    """Run a command. An expected error is one message on stderr and status 1; a closed pipe and Ctrl-C end quietly."""
    # A shell closes a stream with `>&-`; Python then has none, and nobody who prints expects that.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    try:
        app()
    except AdvisorError as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(1) from error
    except BrokenPipeError:
        _discard_output()  # the reader went away
        raise SystemExit(0) from None
    except OSError as error:
        if error.errno not in _NO_ROOM or error.filename is not None:
            raise
        _discard_output()
        with suppress(OSError):
            typer.echo(f"error: the output cannot be written ({error.strerror}). Make room, or send it elsewhere.", err=True)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _discard_output() -> None:
    """Let what is left in the buffer go nowhere, so that it does not raise again while Python shuts down."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            if stream is sys.stdout or not _is_writable(stream):
                os.dup2(nowhere, stream.fileno())


def _is_writable(stream: TextIO) -> bool:
    try:
        stream.flush()
    except OSError:
        return False
    return True
