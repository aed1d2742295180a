"""Input files: read once, hashed, unpacked, and turned into UTF-8 whatever they were written in."""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from advisor.sources.packed_bytes import Unpacked, unpacked
from advisor.sources.places import Place, listed, plain, shown
from advisor.workload import InputFile

__all__ = ["InputFiles", "Place", "listed", "plain", "shown"]

_MIB: Final = 1 << 20
_BLOCK_BYTES: Final = 2 * _MIB
_KEPT_BYTES: Final = 8 * _MIB
"""As much as a block and all that is worked out from it."""
_COUNTED_BYTES: Final = _MIB // 8
"""Bytes are counted in pieces that stay in the cache of a processor."""
_LONGEST_LINE: Final = 16 * _MIB
_LONGEST_TEXT: Final = 512 * _MIB
_SNIFFED_BYTES: Final = 4_096

_BYTE_ORDER_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "utf-32-le", 4),
    (b"\x00\x00\xfe\xff", "utf-32-be", 4),
    (codecs.BOM_UTF8, "utf-8", 3),
    (b"\xff\xfe", "utf-16-le", 2),
    (b"\xfe\xff", "utf-16-be", 2),
)


class InputFiles:
    """Reads input files and remembers the hash of each."""

    def __init__(self) -> None:
        self._sha256: dict[str, str] = {}
        self.notes: list[str] = []
        """Which encoding was recognised, where it is not UTF-8."""

    @property
    def inputs(self) -> tuple[InputFile, ...]:
        """The files read so far, in the order of reading."""
        return tuple(InputFile(path=path, sha256=digest) for path, digest in self._sha256.items())

    def text(self, path: Path, named_at: Place | None = None, encoding: str | None = None) -> str:
        """Text of a file that is read in one piece, without its byte order mark.

        Raises
        ------
        InputError
            When the file is missing, unreadable, too large or no text. ``named_at`` is where another file names this one.
        """
        with unpacked(path, named_at) as opened:
            if opened.is_parquet:
                raise Place(str(path)).error("the file is a Parquet table, not text", fix="Name it as a load file.")
            data = opened.rest(_LONGEST_TEXT)
            self._sha256[str(path)] = opened.finish()
        utf8 = b"".join(self._utf8([data] if data else [], str(path), encoding))
        return utf8.decode("utf-8")

    def blocks(self, opened: Unpacked, path: Path, encoding: str | None = None) -> Iterator[bytes]:
        """Text of a file as UTF-8, in blocks of whole lines that end with a line feed, of about 2 MiB each.

        Raises
        ------
        InputError
            When the file is no text, or a line has no end.
        """
        _keep_freed_memory()
        parts: list[bytes] = []
        pending = 0
        is_cr_only: bool | None = None
        for data in self._utf8(iter(lambda: opened.read(_BLOCK_BYTES), b""), str(path), encoding):
            if is_cr_only is None and len(data) > 1:
                is_cr_only = b"\r" in data[:-1] and b"\n" not in data
            block = data.replace(b"\r", b"\n") if is_cr_only else data
            end = block.rfind(b"\n") + 1
            if end:
                yield b"".join((*parts, memoryview(block)[:end]))
                parts, pending = [], 0
            parts.append(block[end:])
            pending += len(block) - end
            if pending > _LONGEST_LINE:
                raise Place(str(path)).error(
                    f"a line is longer than {_LONGEST_LINE // _MIB} MiB", fix="Check that it is a table with one row a line."
                )
        if any(parts):
            yield b"".join((*parts, b"\n"))
        self.finish(opened, path)

    def finish(self, opened: Unpacked, path: Path) -> None:
        """Remember the hash of a file that was read to its end."""
        self._sha256[str(path)] = opened.finish()

    def _utf8(self, chunks: Iterator[bytes] | list[bytes], file: str, encoding: str | None) -> Iterator[bytes]:
        """Chunks of text as UTF-8, each holding whole characters."""
        decoder: _Decoder | None = None
        for chunk in chunks:
            if decoder is None:
                decoder = self._decoder(chunk, file, encoding)
                chunk = chunk[decoder.skip :]
            yield decoder.utf8(chunk)
        if decoder is not None:
            rest = decoder.utf8(b"", final=True)
            if rest:
                yield rest

    def _decoder(self, first: bytes, file: str, stated: str | None) -> "_Decoder":
        if stated is not None:
            is_marked = stated == "utf-8" and first.startswith(codecs.BOM_UTF8)
            return _Decoder(stated, 3 if is_marked else 0, file, self.notes, is_stated=True)
        for mark, encoding, skip in _BYTE_ORDER_MARKS:
            if first.startswith(mark):
                if encoding != "utf-8":
                    self.notes.append(f"{file}: encoded in {encoding.upper()}, as its byte order mark says.")
                return _Decoder(encoding, skip, file, self.notes)
        start = first[:_SNIFFED_BYTES]
        for encoding, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
            if len(start) > 3 and zeros.count(0) > 0.9 * len(zeros) and start.count(0) <= 1.1 * zeros.count(0):
                self.notes.append(
                    f"{file}: read as {encoding.upper()} because every second byte is zero; --encoding overrules."
                )
                return _Decoder(encoding, 0, file, self.notes)
        return _Decoder("utf-8", 0, file, self.notes)


def _keep_freed_memory() -> None:
    """Have the C library keep what each block frees for the next: fresh pages would be cleared for it block by block.

    The allocator of glibc returns freed memory to the kernel until it has seen a large piece freed, of which no page has to be
    touched (mallopt(3), M_MMAP_THRESHOLD: the thresholds are dynamic). Others take no notice.
    """
    np.empty(_KEPT_BYTES, dtype=np.uint8)


def count_bytes(data: bytes, byte: int) -> int:
    """How often a byte occurs; where it does every few bytes, many times faster than ``bytes.count``."""
    text = np.frombuffer(data, dtype=np.uint8)
    is_found = np.empty(min(len(text), _COUNTED_BYTES), dtype=np.bool_)
    pieces = (text[first : first + _COUNTED_BYTES] for first in range(0, len(text), _COUNTED_BYTES))
    return sum(int(np.count_nonzero(np.equal(piece, byte, out=is_found[: len(piece)]))) for piece in pieces)


def count_lines(data: bytes) -> int:
    """Line feeds in bytes."""
    return count_bytes(data, ord("\n"))


class _Decoder:
    """Turns chunks of one file into UTF-8; what is not UTF-8, and was ASCII so far, is read as Windows-1252."""

    def __init__(self, encoding: str, skip: int, file: str, notes: list[str], *, is_stated: bool = False) -> None:
        self.skip = skip
        self._file, self._notes, self._is_stated = file, notes, is_stated
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._is_ascii = True
        self._n_lines = 0

    def utf8(self, chunk: bytes, *, final: bool = False) -> bytes:
        """The chunk in UTF-8.

        Raises
        ------
        InputError
            Naming the line of the first byte that is no text.
        """
        is_plain = chunk.isascii() and self._encoding in ("utf-8", "cp1252")
        data = chunk if is_plain and not self._decoder.getstate()[0] else self._decoded(chunk, final).encode("utf-8")
        if b"\0" in data:
            line = self._n_lines + data.count(b"\n", 0, data.index(b"\0")) + 1
            raise Place(self._file, line).error(
                "the file holds NUL bytes: it is binary, or cut in the middle of a UTF-16 character",
                fix="Export it as CSV in UTF-8.",
            )
        self._n_lines += count_lines(data)
        return data

    def _decoded(self, chunk: bytes, final: bool) -> str:
        try:
            text = self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            return self._otherwise(chunk, error)
        self._is_ascii = self._is_ascii and text.isascii()
        return text

    def _otherwise(self, chunk: bytes, error: UnicodeDecodeError) -> str:
        data = error.object
        line = self._n_lines + data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        place = Place(self._file, line, column)
        byte = f"byte 0x{data[error.start]:02X}"
        if self._encoding != "utf-8" or self._is_stated or not (self._is_ascii and data[: error.start].isascii()):
            raise place.error(
                f"{byte} is not {self._encoding.upper()}", fix="Say the encoding with --encoding, or save the file as UTF-8."
            )
        self._encoding = "cp1252"
        self._decoder = codecs.getincrementaldecoder("cp1252")("strict")
        try:
            text = self._decoder.decode(data, False)
        except UnicodeDecodeError as second:
            place = Place(self._file, self._n_lines + data.count(b"\n", 0, second.start) + 1)
            raise place.error(
                f"byte 0x{data[second.start]:02X} is neither UTF-8 nor Windows-1252",
                fix="Say the encoding with --encoding, or save the file as UTF-8.",
            ) from None
        self._notes.append(f"{self._file}: not UTF-8 ({byte} in line {line}): read as Windows-1252; --encoding overrules.")
        self._is_ascii = False
        return text
