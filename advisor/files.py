"""The only code that writes: a set of files, whole or not at all."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from advisor.errors import OutputError

SYNCED_AT_ONCE = 16
"""Files that the disk is asked for at a time."""


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write ``files`` (relative path to content) below ``folder``; other files there are left alone.

    Everything is first written to a hidden folder beside ``folder`` and only then moved into place, file by file, so that a
    full disk or a kill while writing leaves what was there before. Each single file appears whole.

    Raises
    ------
    OutputError
        The folder cannot be written, or a path leads out of it. Nothing was changed.

    Examples
    --------
    >>> import advisor, pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     out = pathlib.Path(folder) / "out"
    ...     advisor.write_files(out, {"a/b.txt": b"text"})
    ...     (out / "a" / "b.txt").read_text()
    'text'
    """
    for path in files:
        _check_relative(path)
    staging: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists() and not folder.is_dir():
            raise OutputError(f"{folder} is a file. Name a folder to write to.")
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        for path, content in files.items():
            _write(staging / path, content)
        _sync([staging / path for path in files])
        for path in files:
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(staging / path, target)
    except OSError as error:
        raise OutputError(
            f"cannot write to {folder}: {error.strerror or error}. Name a folder that can be written to."
        ) from error
    finally:
        if staging is not None:
            with contextlib.suppress(OSError):
                shutil.rmtree(staging)


def check_folder(folder: Path) -> None:
    """Find out that files cannot be written below ``folder`` before they are worked out.

    Raises
    ------
    OutputError
        As :func:`write_files`.
    """
    write_files(folder, {})


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _sync(paths: Sequence[Path]) -> None:
    """Wait until every file is on the disk: several at a time, which a file system commits together."""
    if len(paths) < 2:
        for path in paths:
            _sync_one(path)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(SYNCED_AT_ONCE, len(paths))) as pool:
        for _ in pool.map(_sync_one, paths):
            pass


def _sync_one(path: Path) -> None:
    file = os.open(path, os.O_RDWR)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _check_relative(path: str) -> None:
    parts = PurePosixPath(path).parts
    if not parts or PurePosixPath(path).is_absolute() or ".." in parts or "\\" in path or "\0" in path:
        raise OutputError(f"refusing to write to {path!r}: it leads out of the output folder. Rename what it is made from.")
