"""Records kept from one run to the next, so that a second run does only what changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from advisor.errors import AdvisorError
from advisor.files import write_files
from advisor.fleet.advised import FleetOptions, Member, catalog_of
from advisor.fleet.hashes import file_sha256, program_sha256, sha256_of
from advisor.fleet.members import FileMember
from advisor.fleet.records import Status, WorkloadRecord
from advisor.fleet.sharing import SharedMember
from advisor.recommend.price_age import is_old
from advisor.sources.load_files import is_load_file
from advisor.version import __version__

_HEADER: Final = "advisor/kept/4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A folder with small files for each workload that was answered: its record, and its packed usage.

    A failure is never kept: the next run tries again.
    """

    folder: Path | None
    """None keeps nothing."""
    options: FleetOptions

    def record(self, member: Member) -> WorkloadRecord | None:
        """What an earlier run found, if nothing that it was made from has changed since; a damaged file is as none."""
        if self.folder is None:
            return None
        try:
            text = (self.folder / self._file(member)).read_text(encoding="utf-8")
            header, fingerprint, body = text.split("\n", 2)
            usage = self.folder / self._file(member, "npz")
            record = replace(WorkloadRecord.from_json(body), usage=usage.read_bytes() if usage.exists() else None)
            if header != _header(body, record.usage) or record.name != member.name:
                return None
            now = [file_sha256(Path(each["path"])) for each in record.inputs]
            origin = catalog_of(record.region, self.options.prices, None).origin(record.region)
            return record if fingerprint == self._fingerprint(member, record, now, origin.sha256 if origin else "") else None
        except (OSError, ValueError, KeyError, TypeError, AdvisorError):
            return None

    def keep(self, member: Member, record: WorkloadRecord) -> None:
        """Remember a record, whole or not at all.

        Raises
        ------
        OutputError
            The folder cannot be written.
        """
        if self.folder is None or Status.FAILED in (record.status, *(each.status for each in record.left_out)):
            return
        body = record.to_json()
        # As they were read where the work was done, not as they are here by now.
        as_read = self._fingerprint(
            member, record, [each["sha256"] for each in record.inputs], record.catalog.get("sha256", "")
        )
        files = {self._file(member): f"{_header(body, record.usage)}\n{as_read}\n{body}".encode()}
        if record.usage is not None:
            files[self._file(member, "npz")] = record.usage
        write_files(self.folder, files)

    def _file(self, member: Member, suffix: str = "json") -> str:
        return f"{sha256_of([member.name.encode()])[:24]}.{suffix}"

    def _fingerprint(self, member: Member, record: WorkloadRecord, digests: Sequence[str], prices: str) -> str:
        """Of the program, the options, the prices, and everything that was read: by content, not by date.

        Parameters
        ----------
        digests
            SHA-256 of each of the record's inputs, among which is a file of own rates.
        prices
            SHA-256 of the catalog.
        """
        today = self.options.today
        parts = [
            __version__,
            program_sha256(),
            repr(replace(self.options, prices=None, today=None)),
            repr(member),
            prices,
            *(f"{date} is old" for date in record.rate_dates if today and is_old(date, today)),
            *(f"{each['path']} {digest}" for each, digest in zip(record.inputs, digests, strict=True)),
            *_beside(member, record.inputs),
        ]
        return sha256_of(part.encode() for part in parts)


def _header(body: str, usage: bytes | None) -> str:
    return f"{_HEADER} {sha256_of([body.encode(), usage or b''])}"


def _beside(member: Member, inputs: Iterable[Mapping[str, str]]) -> list[str]:
    """Names of the load files next to those that a workload file led to: it may name a folder, and that a new one."""
    is_folder = isinstance(member, FileMember) and (member.is_workload_file or member.path.is_dir())
    if not (is_folder or isinstance(member, SharedMember)):
        return []
    folders = sorted({Path(each["path"]).parent for each in inputs})
    return sorted(str(path) for folder in folders for path in filter(is_load_file, folder.iterdir()))
