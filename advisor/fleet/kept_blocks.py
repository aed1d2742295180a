"""What a screening read of a data set, kept from one run to the next. It holds no money: other prices read nothing again."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from advisor.files import write_files
from advisor.fleet.advised import FleetOptions
from advisor.fleet.dataset_members import DatasetEntry
from advisor.fleet.hashes import Stamp, file_sha256, program_sha256, sha256_of, stamps
from advisor.fleet.held import HeldTasks
from advisor.sources.dataset import DatasetFile, ServiceKey
from advisor.version import __version__
from advisor.workload import LoadForm

_HEADER: Final = "advisor/screened/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Files that are read together, and what is known of their services."""

    files: tuple[DatasetFile, ...]
    entries: tuple[DatasetEntry, ...]


class KeptBlock(NamedTuple):
    """A block, and what an earlier run read of it."""

    block: Block
    stamps: tuple[Stamp, ...]
    """Of its files, before they are read."""
    held: dict[ServiceKey, HeldTasks] | None
    """None where nothing is kept that is still true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBlocks:
    """A folder with a small file for each block of a data set in which every service could be read."""

    folder: Path | None
    """None keeps nothing."""
    region: str
    options: FleetOptions

    def look_up(self, block: Block) -> KeptBlock:
        """What an earlier run read of these files, if they and all that tells how to read them are as they were."""
        if self.folder is None:
            return KeptBlock(block, (), None)
        before = _stamps(block)
        try:
            header, kept, body = (self.folder / _name(block)).read_bytes().split(b"\n", 2)
            is_true = header.decode() == _header(kept, body) and kept.decode() == self._fingerprint(block)
        except (OSError, ValueError):  # gone or damaged: the files are read again
            is_true = False
        return KeptBlock(block, before, _unpacked(body, block) if is_true else None)

    def keep(self, found: KeptBlock, held: Mapping[ServiceKey, HeldTasks | str]) -> None:
        """Remember what was read, whole or not at all; a failure never, and nothing of files that changed meanwhile.

        Raises
        ------
        OutputError
            The folder cannot be written.
        """
        known = [each for each in held.values() if isinstance(each, HeldTasks)]
        if self.folder is None or len(known) < len(held):
            return
        try:
            fingerprint = self._fingerprint(found.block)
        except OSError:
            return
        if _stamps(found.block) == found.stamps:
            body = _packed(known)
            header = _header(fingerprint.encode(), body)
            write_files(self.folder, {_name(found.block): b"\n".join((header.encode(), fingerprint.encode(), body))})

    def _fingerprint(self, block: Block) -> str:
        """Of the program, how files are read, and their content; worked out once while they stay."""
        parts = [__version__, program_sha256(), self.region, repr(self.options.reading), repr(block)]
        return sha256_of(part.encode() for part in (*parts, *(file_sha256(file.path) for file in block.files)))


def _stamps(block: Block) -> tuple[Stamp, ...]:
    return tuple(stamp for file in block.files for stamp in stamps(file.path))


def _name(block: Block) -> str:
    return f"{sha256_of(str(file.path).encode() for file in block.files)[:24]}.screened"


def _header(fingerprint: bytes, body: bytes) -> str:
    return f"{_HEADER} {sha256_of([fingerprint, body])}"


def _packed(held: list[HeldTasks]) -> bytes:
    told = [
        (each.service, each.form, each.billed_task_hours, each.measured_hours, each.weeks, each.notes, each.held_hours.size)
        for each in held
    ]
    packed = io.BytesIO()
    np.savez_compressed(packed, told=np.array(json.dumps(told)), hours=np.concatenate([each.held_hours for each in held]))
    return packed.getvalue()


def _unpacked(body: bytes, block: Block) -> dict[ServiceKey, HeldTasks]:
    with np.load(io.BytesIO(body), allow_pickle=False) as file:
        told, hours = json.loads(str(file["told"])), file["hours"]
    found: dict[ServiceKey, HeldTasks] = {}
    end = 0
    for of, (service, form, billed, measured, weeks, notes, size) in zip(block.entries, told, strict=True):
        begin, end = end, end + size
        found[of.key] = HeldTasks(
            service=service,
            form=LoadForm(form),
            held_hours=hours[begin:end],
            billed_task_hours=billed,
            measured_hours=measured,
            weeks=weeks,
            notes=tuple(notes),
        )
    return found
