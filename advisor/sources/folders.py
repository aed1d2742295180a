"""Files below a folder, without those that an earlier run on it wrote there."""

from pathlib import Path
from typing import Final

RESULT: Final = "fleet.json"
"""A folder with this file holds the answer of a fleet."""
TABLES: Final = ("saving_steps.csv", "services.csv", "services.parquet")
"""What stands beside it."""
_OF_ANSWER: Final = frozenset({RESULT, *TABLES, "commitments.csv", "commitments.json"})
_MARK: Final = b'"schema": "advisor/fleet/'
"""Stands in the first line of data of a result; a user's own file may have its name."""
_MARKED_BYTES: Final = 200


def files_below(folder: Path, pattern: str) -> list[Path]:
    """Files of a name, in order: none that is hidden, or in a hidden folder, or of an answer."""
    results = frozenset(path.parent for path in folder.rglob(RESULT) if holds_answer(path.parent))
    return [
        path
        for path in sorted(folder.rglob(pattern))
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not any(_is_of_answer(path.relative_to(result)) for result in results.intersection(path.parents))
    ]


def holds_answer(folder: Path) -> bool:
    """Whether the answer of a fleet was written into a folder."""
    try:
        with (folder / RESULT).open("rb") as file:
            return _MARK in file.read(_MARKED_BYTES)
    except OSError:
        return False


def _is_of_answer(path: Path) -> bool:
    """Whether a path in the folder of an answer is of that: a user's own files may stand there, too."""
    return str(path) in _OF_ANSWER or (path.parts[0] == "workloads" and path.parts[2:3] == ("deploy",))
