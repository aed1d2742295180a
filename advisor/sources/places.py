"""The places in the input that a message names, and values as a message shows them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from advisor.errors import InputError

_LONGEST_SHOWN: Final = 60
_LONGEST_FILE: Final = 300


def shown(value: object) -> str:
    """A value as a message quotes it: escaped, and cut where it is long."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 4] + "..." + text[0]


def plain(text: str) -> str:
    """A name as a message gives it: control characters escaped, and cut where it is long."""
    safe = text if text.isprintable() else repr(text)[1:-1]
    return safe if len(safe) <= _LONGEST_SHOWN else f"{safe[: _LONGEST_SHOWN - 3]}..."


def listed(names: Iterable[str]) -> str:
    """Names for a message, never more than a dozen."""
    known = [plain(name) for name in names]
    return ", ".join(known[:12]) + (f" and {len(known) - 12:,} more" if len(known) > 12 else "")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the input something stands."""

    file: str
    line: int | None = None
    column: str | int | None = None

    def error(self, problem: str, *, fix: str) -> InputError:
        file = self.file if self.file.isprintable() else repr(self.file)
        if len(file) > _LONGEST_FILE:
            file = f"{file[: _LONGEST_FILE // 2]}...{file[-_LONGEST_FILE // 2 :]}"
        column = plain(self.column) if isinstance(self.column, str) else self.column
        return InputError(problem, fix=fix, file=file, line=self.line, column=column)
