"""What ``--verify`` prints of emitted files."""

from collections.abc import Mapping
from typing import Final

import typer

from advisor.errors import AdvisorError

_DEPLOY: Final = "deploy/"


def verify_and_print(files: Mapping[str, bytes]) -> None:
    """Print each check of each deploy format among ``files``.

    Raises
    ------
    AdvisorError
        A check failed.
    """
    from advisor.sources.validators import Outcome
    from advisor.verify import verify_emitted

    failed = total = 0
    for name, folder in _by_format(files).items():
        for check in verify_emitted(name, folder):
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
