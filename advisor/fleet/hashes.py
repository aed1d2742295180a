"""SHA-256 of parts and of files."""

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final

_BLOCK_BYTES: Final = 1 << 20


def sha256_of(parts: Iterable[bytes]) -> str:
    """Of parts, told apart by their lengths."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


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
