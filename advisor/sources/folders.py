"""Files below a folder, without those that an earlier run on it wrote there."""

import os
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
    files = _all_below(folder)
    results = frozenset(path.parent for path in files if path.name == RESULT and holds_answer(path.parent))
    return [
        path
        for path in sorted(files)
        if path.match(pattern)
        and not any(_is_of_answer(path.relative_to(result)) for result in results.intersection(path.parents))
    ]


def _all_below(folder: Path) -> list[Path]:
    """Files that are not hidden, and links that lead nowhere: what cannot be read has to be said.

    Links to folders are followed, as others keep parts of a fleet elsewhere, and each folder is looked at once.
    """
    found, seen = [], set()
    for inner, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(inner)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = (Path(inner, name) for name in names if not name.startswith("."))
        found += [path for path in paths if path.is_file() or not path.exists()]
    return found


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
