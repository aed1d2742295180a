"""SHA-256 of parts, of files, and of the program."""

import hashlib
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

Stamp = tuple[str, int, int]
"""Path, size and time of change of a file."""
_BLOCK_BYTES: Final = 1 << 20


def sha256_of(parts: Iterable[bytes]) -> str:
    """Of parts, told apart by their lengths."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def stamps(path: Path) -> tuple[Stamp, ...]:
    """Of a file, or of the files right in a folder; none where there is none."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return tuple(
        (str(file), status.st_size, status.st_mtime_ns) for file in files if file.is_file() and (status := file.stat())
    )


def file_sha256(path: Path) -> str:
    """Of the content of a file; worked out once while its size and time of change stay."""
    status = path.stat()
    return _of_content(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4096)
def _of_content(path: Path, size: int, changed_ns: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


@cache
def program_sha256() -> str:
    """Of the advisor's own code: a version that is worked on has the same number all the time."""
    root = Path(__file__).parents[1]
    return sha256_of(path.read_bytes() for path in sorted(root.rglob("*.py")))
