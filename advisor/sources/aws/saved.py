"""Answers kept on disk while a collection runs, so that one that was interrupted goes on where it stopped."""

import contextlib
import gzip
import json
import shutil
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from advisor.errors import OutputError
from advisor.files import write_files

_FOLDER: Final = ".collect"
_RUN: Final = "run.json"
_KEPT_FOR: Final = timedelta(days=1)
"""An older start is not taken up again: the newest hours would be missing."""


@dataclass(slots=True)
class SavedAnswers:
    """Pages of CloudWatch answers by query, in a folder of their own.

    The folder lies beside the output (``shop`` keeps its answers in ``.collect/shop``), so that nothing half-done is ever in
    the output. Metric values are all that is kept: nothing of a task definition is.
    """

    folder: Path
    is_usable: bool = True
    """False once the disk refused a page: the collection goes on, and would start anew if interrupted."""

    @classmethod
    def beside(cls, output: Path) -> "SavedAnswers":
        """The place for a collection into ``output``."""
        whole = output.resolve()
        return cls(whole.parent / _FOLDER / whole.name)

    def begun(
        self, question: Mapping[str, Any], now: datetime, *, is_answered: Callable[[datetime], bool] = lambda begun: True
    ) -> datetime:
        """When the collection that asks ``question`` began: earlier if one was interrupted, else ``now``.

        ``is_answered`` says of an earlier start whether what it asked is still answered.
        """
        key = _digest(question)
        try:
            run = json.loads((self.folder / _RUN).read_text(encoding="utf-8"))
            before = datetime.fromisoformat(run["begun"])
            if run["question"] == key and timedelta(0) <= now - before < _KEPT_FOR and is_answered(before):
                return before
        except (OSError, ValueError, KeyError, TypeError):
            pass  # nothing was kept, or nothing that can be read
        self.remove()
        self._write(_RUN, json.dumps({"question": key, "begun": now.isoformat()}).encode())
        return now

    def pages(self, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Pages kept for a query, in order, up to the first that is missing or cannot be read."""
        found: list[dict[str, Any]] = []
        while True:
            try:
                page = json.loads(gzip.decompress((self.folder / _page_name(query, len(found))).read_bytes()))
            except (OSError, ValueError, EOFError, zlib.error):
                return found
            found.append(page)

    def keep(self, query: Mapping[str, Any], number: int, page: Mapping[str, Any]) -> None:
        """Keep page ``number`` of a query."""
        self._write(_page_name(query, number), gzip.compress(json.dumps(page).encode(), compresslevel=1, mtime=0))

    def remove(self) -> None:
        """Forget everything that was kept."""
        for left in (self.folder, *self.folder.parent.glob(f".{self.folder.name}.*")):  # the second: of a killed write
            shutil.rmtree(left, ignore_errors=True)
        if self.folder.parent.name == _FOLDER:
            with contextlib.suppress(OSError):
                self.folder.parent.rmdir()  # only when no other collection keeps something there

    def _write(self, name: str, content: bytes) -> None:
        if not self.is_usable:
            return
        try:
            write_files(self.folder, {name: content})
        except OutputError:
            self.is_usable = False


def _page_name(query: Mapping[str, Any], number: int) -> str:
    return f"{_digest(query)}-{number:04}.json.gz"


def _digest(value: Mapping[str, Any]) -> str:
    return sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:24]
