"""Bytes of input files: unpacked as they are read, hashed as they stand on the disk, and never more than was asked for."""

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

from advisor.sources.places import Place

_MIB: Final = 1 << 20
_BOMB_BYTES: Final = 64 * _MIB
"""Less than this is read, however well it was packed."""
_BOMB_RATIO: Final = {"gzip": 400, "xz": 5_000, "bzip2": 5_000}
"""A year of the same row packs to about a hundredth with gzip, whose limit is a thousandth; the others see longer repeats."""

_REFUSED: Final = {
    b"PK\x03\x04": ("is a zip archive or an Excel workbook", "Unpack it, or save it as CSV (UTF-8)."),
    b"\x28\xb5\x2f\xfd": ("is compressed with zstd", "Unpack it with `unzstd` and name the unpacked file."),
    b"\xd0\xcf\x11\xe0": ("is an old Excel workbook", "Save it as CSV (UTF-8)."),
    b"%PDF": ("is a PDF document", "Export the data as CSV."),
    b"SQLite format 3": ("is an SQLite database", "Export the table as CSV."),
}
_PACKED: Final = {b"\x1f\x8b": "gzip", b"\xfd7zXZ": "xz", b"BZh": "bzip2"}
_LONGEST_MAGIC: Final = 16


class ByteStream(Protocol):
    """What is read from: a file, or something that unpacks one."""

    def read(self, size: int = -1, /) -> bytes: ...


class _Hashed(io.RawIOBase):
    """A file that remembers the hash of what was read of it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self.sha256 = sha256()
        self.n_read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]  # its buffer type is collections.abc.Buffer, of Python 3.12 on
        n = self._file.readinto(buffer) or 0
        self.sha256.update(memoryview(buffer)[:n])
        self.n_read += n
        return n

    def close(self) -> None:
        self._file.close()
        super().close()


class Unpacked:
    """The content of a file, unpacked; ``packing`` says of what, ``None`` of nothing."""

    def __init__(self, path: Path, place: Place) -> None:
        self._place = place
        self._raw = _Hashed(path)
        buffered = io.BufferedReader(self._raw, _MIB)
        magic = buffered.peek(_LONGEST_MAGIC)[:_LONGEST_MAGIC]
        for start, (problem, fix) in _REFUSED.items():
            if magic.startswith(start):
                raise place.error(f"the file {problem}", fix=fix)
        self.is_parquet = magic.startswith(b"PAR1")
        self.packing = next((name for start, name in _PACKED.items() if magic.startswith(start)), None)
        self._stream: ByteStream = _unpacking(self.packing, buffered, place) if self.packing else buffered
        self._buffered = buffered
        self._n_out = 0

    def read(self, size: int) -> bytes:
        """The next bytes, ``size`` at most; empty at the end.

        Raises
        ------
        InputError
            When the file is damaged, cut short, or made to fill the memory.
        """
        try:
            data = self._stream.read(size)
        except EOFError:
            raise self._place.error(
                f"the {self.packing} data end too early: the file was cut short", fix="Copy or export it again."
            ) from None
        except (OSError, zlib.error, ValueError, _lzma_error()) as error:
            if isinstance(error, OSError) and self.packing is None:
                raise
            raise self._place.error(f"damaged {self.packing} data ({error})", fix="Copy or export the file again.") from None
        self._n_out += len(data)
        if self.packing and self._n_out > max(_BOMB_BYTES, _BOMB_RATIO[self.packing] * self._raw.n_read):
            raise self._place.error(
                f"{self._raw.n_read:,} bytes of {self.packing} unpack to more than {self._n_out:,}: no load packs so well",
                fix="Unpack it by hand, and name the unpacked file if it is what you expect.",
            )
        return data

    def rest(self, limit: int) -> bytes:
        """All that follows.

        Raises
        ------
        InputError
            When it is more than ``limit`` bytes.
        """
        parts, total = [], 0
        while data := self.read(4 * _MIB):
            parts.append(data)
            total += len(data)
            if total > limit:
                raise self._place.error(
                    f"the file holds more than {limit // _MIB:,} MiB in one piece",
                    fix="Split it into several files, or export CSV.",
                )
        return b"".join(parts)

    def finish(self) -> str:
        """SHA-256 of the file as it stands on the disk."""
        while self._buffered.read(_MIB):
            pass
        return self._raw.sha256.hexdigest()

    def close(self) -> None:
        self._buffered.close()


def _unpacking(packing: str, stream: "io.BufferedReader[_Hashed]", place: Place) -> ByteStream:
    try:
        if packing == "gzip":
            import gzip

            return gzip.GzipFile(fileobj=stream, mode="rb")
        if packing == "xz":
            import lzma

            return lzma.LZMAFile(stream)
        import bz2

        return bz2.BZ2File(stream)
    except ImportError:
        raise place.error(
            f"the file is compressed with {packing}, which this Python was built without", fix="Unpack it, and name that file."
        ) from None


def _lzma_error() -> type[Exception]:
    try:
        from lzma import LZMAError
    except ImportError:
        return zlib.error
    return LZMAError


@contextmanager
def unpacked(path: Path, named_at: Place | None) -> Iterator[Unpacked]:
    """A file, opened.

    Raises
    ------
    InputError
        When the file is missing, may not be read, or is of a kind that holds no load. ``named_at`` is where another file names
        this one.
    """
    place = named_at or Place(str(path))
    subject = f"the file {str(path)!r} it names" if named_at else "the file"
    try:
        if path.is_dir():
            raise place.error(f"{subject} is a folder", fix="Name one file in it.")
        if path.exists() and not path.is_file():
            raise place.error(f"{subject} is not a regular file", fix="Save the data in a file and name that.")
        opened = Unpacked(path, Place(str(path)))
    except (FileNotFoundError, NotADirectoryError):
        start = "Relative files are looked up in the workload file's folder" if named_at else f"Looked in {str(path.parent)!r}"
        raise place.error(f"{subject} does not exist", fix=f"{start}: check the name.") from None
    except PermissionError:
        raise place.error(f"{subject} may not be read", fix=f"Allow it: chmod u+r {path}.") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise place.error(f"{subject} cannot be read ({why})", fix="Check the name and the disk.") from error
    try:
        yield opened
    except OSError as error:
        raise place.error(f"{subject} cannot be read ({error})", fix="Check the name and the disk.") from error
    finally:
        opened.close()
