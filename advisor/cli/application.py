"""The application, its global behavior, and how it ends."""

import os
import sys

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
    try:
        app()
    except AdvisorError as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(1) from error
    except BrokenPipeError:
        # The reader went away; what is left in the buffer must not raise again while Python shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
