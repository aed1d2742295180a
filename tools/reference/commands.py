"""Commands, their options, and what their exit status says."""

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import typer
from typer.models import ArgumentInfo

from tools.reference.markup import UNDESCRIBED, code, first_paragraph, markdown, table


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command as the application has registered it."""

    path: str
    function: Callable[..., None]

    @property
    def paragraphs(self) -> list[str]:
        """Of the help text."""
        return inspect.cleandoc(self.function.__doc__ or "").split("\n\n")


def commands(application: typer.Typer, path: str = "advisor") -> Iterable[Command]:
    """All commands of the application, those of groups after their own name."""
    for each in application.registered_commands:
        yield Command(path=f"{path} {each.name}", function=each.callback)
    for group in application.registered_groups:
        yield from commands(group.typer_instance, f"{path} {group.name}")


def commands_page() -> str:
    """Every command and option with its help, as `--help` has it."""
    from advisor.cli.application import app

    text = [
        "# Commands\n",
        f"{app.info.help}\n",
        "Data goes to stdout, everything else to stderr. `--format` chooses table, json, csv or markdown. What an exit status",
        "means: [exit statuses](exit-statuses.md). `advisor --install-completion` makes your shell complete commands and options.\n",
    ]
    for command in commands(app):
        text += [f"## {command.path}\n", _command(command)]
    return "\n".join(text)


def _command(command: Command) -> str:
    example = next((p.removeprefix("Example:") for p in command.paragraphs if p.startswith("Example:")), "")
    said = "\n\n".join(p for p in command.paragraphs if not p.startswith("Example:"))
    hints = get_type_hints(command.function, include_extras=True)
    parameters = {
        name: (hints[name], parameter.default) for name, parameter in inspect.signature(command.function).parameters.items()
    }
    arguments = [
        f"[{name.upper()}]" if default is None else name.upper()
        for name, (hint, default) in parameters.items()
        if isinstance(hint.__metadata__[0], ArgumentInfo)
    ]
    text = f"{said}\n\n```text\n{' '.join([command.path, '[OPTIONS]', *arguments])}\n```\n"
    if example:
        text += f"\nExample:\n\n```text\n{' '.join(example.split())}\n```\n"
    shown = {name: each for name, each in parameters.items() if not each[0].__metadata__[0].hidden}
    rows = [_parameter(name, hint, default) for name, (hint, default) in shown.items()]
    return text + ("\n" + table(("argument or option", "value", "default", "what it does"), rows) if rows else "")


def _parameter(name: str, hint: Any, default: Any) -> tuple[str, str, str, str]:
    (kind, *_), said = get_args(hint), hint.__metadata__[0]
    is_argument = isinstance(said, ArgumentInfo)
    stated = [word for word in (said.default, *(said.param_decls or ())) if isinstance(word, str)]
    names = [name.upper()] if is_argument else stated or [f"--{name.replace('_', '-')}"]
    names = [part for each in names for part in each.split("/")]
    help_ = said.help or UNDESCRIBED
    if said.envvar:
        variables = [said.envvar] if isinstance(said.envvar, str) else said.envvar
        help_ += f" Also from {', '.join(map(code, variables))}."
    return "<br>".join(map(code, names)), _value(kind, said), _default(default, is_argument=is_argument), help_


def _value(kind: Any, said: Any) -> str:
    inner = [each for each in get_args(kind) if each is not NoneType]
    if get_origin(kind) is list:
        return f"{_value(inner[0], said)}, may be repeated"
    if get_origin(kind) in (Union, UnionType):
        return _value(inner[0], said)
    if issubclass(kind, Enum):
        return ", ".join(code(each.value) for each in kind)
    word = {str: "text", Path: "path", int: "whole number", float: "number", bool: ""}[kind]
    if said.min is not None and said.max is not None:
        return f"{word}, {said.min:,g} to {said.max:,g}"
    return word if said.min is None else f"{word}, at least {said.min:,g}"


def _default(default: Any, *, is_argument: bool) -> str:
    if default is inspect.Parameter.empty:
        return "required"
    if default is None or default is False or is_argument:
        return ""
    return code(getattr(default, "value", default))


def statuses_page() -> str:
    """What a command's exit status says, and the errors of the library."""
    from advisor import errors
    from advisor.cli.application import app
    from advisor.cli.gate import GATE_FAILED_STATUS
    from advisor.cli.recommend import NOT_ENOUGH_DATA_STATUS
    from advisor.sources.aws import errors as aws_errors
    from advisor.sources.prices.download import PriceListError

    said = []
    for command in commands(app):
        text = " ".join(" ".join(command.paragraphs).split())
        said += [
            (code(command.path), markdown(found)) for found in re.findall(r"((?:Exit status|The status is) \d[^.]*\.)", text)
        ]
    rows = [
        ("0", "Done."),
        (
            "1",
            "An expected error: bad input, a missing price, AWS refused. One message on stderr says what, where (file, line, column) and what to do; never a traceback. Nothing was written, or all of it.",
        ),
        ("2", "The command line is wrong: an unknown option, a value out of range."),
        (str(GATE_FAILED_STATUS), "`advisor gate`: the change goes over a limit, or has no price to hold against one."),
        (
            str(NOT_ENOUGH_DATA_STATUS),
            "`advisor recommend`: not enough data to recommend. The result is printed and written all the same, with that verdict.",
        ),
        ("130", "Stopped with Ctrl-C."),
    ]
    found = [
        kind for module in (errors, aws_errors) for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, errors.AdvisorError) and kind.__module__ == module.__name__
    ] + [PriceListError]  # fmt: skip
    kinds = [(code(kind.__name__), code(kind.__module__), markdown(first_paragraph(kind.__doc__))) for kind in found]
    return "\n".join(
        [
            "# Exit statuses and errors\n",
            table(("status", "meaning"), rows),
            "What commands say of theirs:\n",
            table(("command", "exit status"), dict.fromkeys(said)),
            "## Errors of the library\n",
            "Everything that the library raises on purpose is an `AdvisorError`; the commands turn it into status 1.\n",
            table(("error", "module", "raised when"), kinds),
        ]
    )
