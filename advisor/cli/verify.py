"""What ``--verify`` does: judges emitted files by all that is installed here, and says what could not be checked."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import typer

from advisor.errors import AdvisorError

if TYPE_CHECKING:
    from advisor.sources.validators import Check

_DEPLOY: Final = "deploy/"


def verify_and_print(files: Mapping[str, bytes]) -> None:
    """Print each check of each deploy format among ``files``.

    Raises
    ------
    AdvisorError
        A check failed.
    """
    from advisor.sources.validators import Outcome, verify_files

    failed = total = 0
    for name, folder in _by_format(files).items():
        for check in (*verify_files(folder), _parses_back(name, folder)):
            typer.echo(f"{name}: {check}")
            failed += check.outcome is Outcome.FAILED
            total += 1
    if not total:
        typer.echo("not checked: there are no deploy files")
    if failed:
        raise AdvisorError(f"{failed} of {total} checks failed. Do not deploy these files: what is wrong is listed above.")


def _by_format(files: Mapping[str, bytes]) -> dict[str, dict[str, bytes]]:
    found: dict[str, dict[str, bytes]] = {}
    for path, content in files.items():
        if path.startswith(_DEPLOY):
            name, _, rest = path.removeprefix(_DEPLOY).partition("/")
            found.setdefault(name, {})[rest] = content
    return found


def _parses_back(name: str, files: Mapping[str, bytes]) -> "Check":
    """Whether the files are a plan that ECS accepts, and that plan these files; the README may say more than the plan."""
    from advisor import emit
    from advisor.sources.validators import Check, Outcome

    title = "parsed back to a plan and emitted again"
    parse, render = getattr(emit, f"parse_{name}", None), getattr(emit, f"render_{name}", None)
    if parse is None or render is None:
        return Check(name=title, outcome=Outcome.NOT_CHECKED, details=(f"nothing here reads {name}",))
    try:
        again = render(parse(files))
    except AdvisorError as error:
        return Check(name=title, outcome=Outcome.FAILED, details=(str(error),))
    differing = tuple(
        f"{path} comes out differently"
        for path in sorted({*files, *again} - {"README.md"})
        if files.get(path) != again.get(path)
    )
    return Check(
        name=title, outcome=Outcome.FAILED if differing else Outcome.PASSED, details=differing or (f"{len(files)} files",)
    )
