"""Input files: read once, hashed, decoded; and the places in them that a message names."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from advisor.errors import InputError
from advisor.workload import InputFile

_LONGEST_SHOWN: Final = 60

_PACKED: Final = {
    b"\x1f\x8b": ("is compressed with gzip", "Unpack it with `gunzip` and name the unpacked file."),
    b"PK\x03\x04": ("is a zip archive or an Excel workbook", "Unpack it, or save it as CSV (UTF-8)."),
    b"\xfd7zXZ": ("is compressed with xz", "Unpack it with `unxz` and name the unpacked file."),
    b"PAR1": ("is a Parquet file, which this version does not read", "Save it as CSV (UTF-8)."),
}
_BYTE_ORDER_MARKS: Final = {
    b"\xff\xfe\x00\x00": "UTF-32LE",
    b"\x00\x00\xfe\xff": "UTF-32BE",
    b"\xff\xfe": "UTF-16LE",
    b"\xfe\xff": "UTF-16BE",
}


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
        column = plain(self.column) if isinstance(self.column, str) else self.column
        return InputError(problem, fix=fix, file=file, line=self.line, column=column)


class InputFiles:
    """Reads input files and remembers the hash of each."""

    def __init__(self) -> None:
        self._sha256: dict[str, str] = {}

    @property
    def inputs(self) -> tuple[InputFile, ...]:
        """The files read so far, in the order of reading."""
        return tuple(InputFile(path=path, sha256=digest) for path, digest in self._sha256.items())

    def text(self, path: Path, named_at: Place | None = None) -> str:
        """Text of a UTF-8 file, without its byte order mark.

        Raises
        ------
        InputError
            When the file is missing, unreadable, packed, or not UTF-8. ``named_at`` is where another file names this one.
        """
        data = _read(path, named_at)
        self._sha256[str(path)] = sha256(data).hexdigest()
        return _decoded(data, str(path))


def _read(path: Path, named_at: Place | None) -> bytes:
    place = named_at or Place(str(path))
    subject = f"the file {str(path)!r} it names" if named_at else "the file"
    try:
        if path.is_dir():
            raise place.error(f"{subject} is a folder", fix="Name one file in it.")
        if path.exists() and not path.is_file():
            raise place.error(f"{subject} is not a regular file", fix="Save the data in a file and name that.")
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        start = "Relative files are looked up in the workload file's folder" if named_at else f"Looked in {str(path.parent)!r}"
        raise place.error(f"{subject} does not exist", fix=f"{start}: check the name.") from None
    except PermissionError:
        raise place.error(f"{subject} may not be read", fix=f"Allow it: chmod u+r {path}.") from None
    except (OSError, ValueError) as error:
        raise place.error(f"{subject} cannot be read ({error})", fix="Check the name and the disk.") from error


def _decoded(data: bytes, file: str) -> str:
    for magic, (problem, fix) in _PACKED.items():
        if data.startswith(magic):
            raise Place(file).error(f"the file {problem}", fix=fix)
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            raise Place(file, line=1).error(f"the text is encoded in {encoding}, not UTF-8", fix=_convert(encoding, file))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise Place(file, line, column).error(
            f"byte 0x{data[error.start]:02X} is not UTF-8; the file may be in Windows-1252 (Latin-1)",
            fix=_convert("WINDOWS-1252", file),
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise Place(file, line).error("the file holds NUL bytes: it is binary or UTF-16", fix=_convert("UTF-16", file))
    return text


def _convert(encoding: str, file: str) -> str:
    return f"Save it as UTF-8, for example: iconv -f {encoding} -t UTF-8 {Path(file).name!r} > utf8{Path(file).suffix}."
