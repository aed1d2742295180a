"""Refreshed prices on disk: whole generations of them, of which one is in force at any moment.

The folder holds ``generations/NAME/`` with the layout of ``pricing_data/`` (only what was fetched), and a file ``current`` with
the name of the one in force. A new generation is written beside the others, and comes into force when ``current`` is replaced:
a reader sees one or the other, whenever the writer is killed. The one before is kept for readers that have it open.
"""

import contextlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from advisor.errors import OutputError

_CURRENT: Final = "current"
_GENERATIONS: Final = "generations"
_LOCK: Final = "lock"
_WORK: Final = ".work-"
_STAGING: Final = ".staging"
_POINTER: Final = ".current"
MANIFEST: Final = "refresh.json"
FORMAT: Final = 1
_LOCK_PAUSE_S: Final = 0.2
LOCK_WAIT_S: Final = 120.0
"""Another refresh holds the lock only while it writes, which takes seconds."""


def generation_in_force(folder: Path) -> Path | None:
    """The refreshed prices in a cache folder; None where there are none that this version can read.

    A folder without ``current`` that has the layout of ``pricing_data/`` is taken as it is.
    """
    try:
        if not (folder / _CURRENT).exists():
            return folder if (folder / "sources.csv").is_file() else None
        name = (folder / _CURRENT).read_text(encoding="utf-8").strip()
        found = folder / _GENERATIONS / name
        manifest = json.loads((found / MANIFEST).read_text(encoding="utf-8"))
        return found if name and Path(name).name == name and manifest["format"] == FORMAT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def manifest_of(generation: Path) -> Mapping[str, Any]:
    """What a generation says of itself: when it was made, and what could not be fetched."""
    found: dict[str, Any] = json.loads((generation / MANIFEST).read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceCache:
    """A folder of refreshed prices, to write to."""

    folder: Path
    sleep: Callable[[float], None] = time.sleep

    @contextlib.contextmanager
    def work_folder(self) -> Iterator[Path]:
        """A folder of this refresh's own, gone at its end; those of refreshes that were killed are removed first."""
        with self._locked(), _writing(self.folder):
            self._remove_dead_work()
            work = Path(tempfile.mkdtemp(prefix=_WORK, dir=self.folder))
            lock = _Lock(work / _LOCK)
            lock.take()
        try:
            yield work
        finally:
            lock.release()
            shutil.rmtree(work, ignore_errors=True)

    def publish(self, make: Callable[[Path | None, Path], None]) -> Path:
        """Put a new generation in force.

        Parameters
        ----------
        make : callable
            Takes the generation in force, which another refresh may have made a moment ago, and an empty folder. It writes the
            new generation there, checks it, and raises where it must not come into force.

        Raises
        ------
        OutputError
            The folder cannot be written, or another refresh holds it for longer than two minutes. What was in force still is.
        """
        staging, generations = self.folder / _STAGING, self.folder / _GENERATIONS
        with self._locked():
            try:
                with _writing(self.folder):
                    shutil.rmtree(staging, ignore_errors=True)  # of a refresh that was killed: the lock is ours
                    staging.mkdir()
                    generations.mkdir(exist_ok=True)
                    before = generation_in_force(self.folder)
                    make(before, staging)
                    _to_disk(staging)
                    made = generations / _next_name(generations)
                    os.rename(staging, made)
                    _to_disk(generations, deep=False)
                    self._point_to(made.name)
                    self._remove_older(made, before)
                return made
            finally:
                shutil.rmtree(staging, ignore_errors=True)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """While this lasts, no other refresh changes the folder."""
        lock = _Lock(self.folder / _LOCK)
        waited_s = 0.0
        with _writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            while not lock.take():
                if waited_s >= LOCK_WAIT_S:
                    raise OutputError(
                        f"another refresh has been writing to {self.folder} for two minutes. Wait for it, or end it; then run "
                        "the command again."
                    )
                self.sleep(_LOCK_PAUSE_S)
                waited_s += _LOCK_PAUSE_S
        try:
            yield
        finally:
            lock.release()

    def _point_to(self, name: str) -> None:
        temporary = self.folder / _POINTER
        with temporary.open("w", encoding="utf-8") as file:
            file.write(name + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self.folder / _CURRENT)
        _to_disk(self.folder, deep=False)

    def _remove_older(self, made: Path, before: Path | None) -> None:
        for other in made.parent.iterdir():
            if other not in (made, before):
                shutil.rmtree(other, ignore_errors=True)

    def _remove_dead_work(self) -> None:
        """Whoever works in a folder holds its lock, which the system frees when a process ends, however it ends."""
        for path in self.folder.glob(f"{_WORK}*"):
            lock = _Lock(path / _LOCK)
            if lock.take():
                lock.release()
                shutil.rmtree(path, ignore_errors=True)


class _Lock:
    """A file that one process at a time holds; the system lets go of it when the process ends, however that is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self) -> bool:
        """Whether it is ours now."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock_file(handle)
        except OSError:
            os.close(handle)
            return False
        self._handle = handle
        return True

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


if sys.platform == "win32":  # pragma: no cover

    def _lock_file(handle: int) -> None:
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:

    def _lock_file(handle: int) -> None:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"cannot keep prices in {folder}: {error.strerror or error}. Name a folder that can be written to with --cache-dir."
        ) from error


def _next_name(generations: Path) -> str:
    """Names count up, so that the newest is told from its name, too."""
    taken = [int(path.name) for path in generations.iterdir() if path.name.isdecimal()]
    return f"{max(taken, default=0) + 1:06}"


def _to_disk(folder: Path, *, deep: bool = True) -> None:
    """Until this returns, a loss of power may take what was written."""
    if deep:
        for path in folder.rglob("*"):
            if path.is_file():
                if path.stat().st_nlink > 1:
                    continue  # of the generation before, and on the disk since then
                with path.open("rb") as file:
                    os.fsync(file.fileno())
            elif os.name == "posix":
                _to_disk(path, deep=False)
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
