"""Services of several workload files that may share instances: by a tag of theirs, or by the name of their cluster."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from advisor.errors import AdvisorError, InputError
from advisor.fleet.advised import FleetOptions, ReadWorkload
from advisor.fleet.members import FileMember
from advisor.fleet.parts import read_parts

CLUSTER: Final = "cluster"
_TAG: Final = "tag:"


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedMember:
    """Services of workload files as one workload: those that share, or those that are left of a file."""

    name: str
    cluster: str
    parts: tuple[tuple[Path, tuple[str, ...]], ...]
    """Absolute paths, each with the names of its services."""

    @property
    def service_names(self) -> tuple[str, ...]:
        """In the order of its files."""
        return tuple(name for _, names in self.parts for name in names)

    def read(self, options: FleetOptions) -> ReadWorkload:
        """The workload. Raises what :func:`advisor.sources.shared_workload.read_shared_workload` raises."""
        from advisor.sources.shared_workload import read_shared_workload

        whole = partial(read_shared_workload, self.cluster, self.parts, region=options.region, reading=options.reading)
        return read_parts(whole, self.cluster, self.parts, options)


def shared_members(members: Sequence[FileMember], share_by: str, region: str | None = None) -> list[FileMember | SharedMember]:
    """The members with services of one tag, or of one cluster, and of one Region put together.

    What has no such tag stays with what is left of its file; files that cannot be read stay members, and fail by themselves.

    Parameters
    ----------
    share_by
        ``tag:KEY``, or ``cluster``.
    region
        Overrules those of the files.

    Raises
    ------
    InputError
        ``share_by`` is neither, or no service has the tag.
    """
    from advisor.sources.shared_workload import tagged_services

    key = share_by.removeprefix(_TAG)
    if share_by != CLUSTER and (key == share_by or not key):
        raise InputError(f"services share by {share_by!r}", fix=f"Write {_TAG}team, the key of a tag, or {CLUSTER}.")
    groups: dict[tuple[str, str], list[tuple[Path, tuple[str, ...]]]] = {}
    kept: list[FileMember | SharedMember] = []
    whole: dict[Path, FileMember] = {}
    for member in members:
        try:
            cluster, in_region, tags = tagged_services(member.path) if member.is_workload_file else ("", None, {})
        except AdvisorError:
            kept.append(member)  # what is wrong is said when it is read
            continue
        values = {name: cluster if share_by == CLUSTER else each.get(key) for name, each in tags.items()}
        for value in dict.fromkeys(value for value in values.values() if value is not None):
            names = tuple(name for name, each in values.items() if each == value)
            groups.setdefault((value, region or in_region or ""), []).append((member.path, names))
        rest = tuple(name for name, value in values.items() if value is None)
        if len(rest) == len(values):
            kept.append(member)
        elif rest:
            kept.append(SharedMember(name=member.name, cluster=cluster, parts=((member.path, rest),)))
        whole[member.path] = member
    if not groups:
        raise InputError(f"no service has a tag {key!r}", fix=f"Write `tags: {{{key}: shop}}` to services that may share.")
    regions = {value: [where for each, where in groups if each == value] for value, _ in groups}
    for (value, where), parts in groups.items():
        member = whole[parts[0][0]]
        if share_by == CLUSTER and len(parts) == 1:
            kept.append(member)
            continue
        name = f"{key}={value}" + (f" {where}" if len(regions[value]) > 1 else "")
        kept.append(SharedMember(name=name, cluster=value, parts=tuple(parts)))
    return kept
