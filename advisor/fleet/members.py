"""The workloads of a fleet: files in folders, files by pattern, and services of a Parquet data set."""

import glob
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from advisor.errors import InputError
from advisor.fleet.advised import FleetOptions, ReadWorkload
from advisor.fleet.parts import read_load_parts, read_parts
from advisor.sources.folders import files_below
from advisor.sources.load_files import is_load_file

WORKLOAD_SUFFIXES: Final = frozenset({".yaml", ".yml"})
_CLUSTER_KEY: Final = re.compile(rb"^[\"']?cluster[\"']?\s*:", re.MULTILINE)
_SNIFFED_BYTES: Final = 65_536
_PATTERN_SIGNS: Final = frozenset("*?[")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMember:
    """A workload file, or a load file or folder of them whose tasks have the size that the options state."""

    name: str
    path: Path
    """Absolute."""

    @property
    def service_names(self) -> tuple[str, ...]:
        """Those that a workload file names, if it can be read; none of a load file."""
        from advisor.sources.shared_workload import service_names

        return service_names(self.path) if self.is_workload_file else ()

    def read(self, options: FleetOptions) -> ReadWorkload:
        """The workload. Raises what :func:`advisor.read_workload` raises."""
        from advisor.sources import read_workload
        from advisor.sources.shared_workload import tagged_services

        if self.is_workload_file:
            cluster, _, services = tagged_services(self.path)
            whole = partial(read_workload, self.path, region=options.region, reading=options.reading)
            return read_parts(whole, cluster, [(self.path, tuple(services))], options)
        return read_load_parts(self.path, options)

    @property
    def is_workload_file(self) -> bool:
        return self.path.suffix.lower() in WORKLOAD_SUFFIXES


def is_fleet(sources: Sequence[Path]) -> bool:
    """Whether these are several workloads: more than one path, a pattern, a folder of workload files, or a data set."""
    if len(sources) != 1:
        return True
    (source,) = sources
    if source.is_dir():
        return bool(_workload_files(source)) or is_dataset(source)
    return not source.exists() and has_pattern(source)


def has_pattern(path: Path) -> bool:
    """Whether a path holds signs of a shell pattern."""
    return not _PATTERN_SIGNS.isdisjoint(str(path))


def is_dataset(folder: Path) -> bool:
    """Whether a folder holds Parquet in long form, and no workload files that lead to it."""
    from advisor.sources.dataset import is_long_form

    return is_long_form(folder) and not _workload_files(folder)


def file_members(sources: Sequence[Path]) -> list[FileMember]:
    """The workloads that paths, patterns and folders name, each once, in the order of their paths.

    Raises
    ------
    InputError
        A source does not exist, or holds no workload.
    """
    paths: dict[Path, None] = {}
    for source in sources:
        for path in _matches(source):
            if not path.is_dir():
                paths[path.absolute()] = None
                continue
            found = _workload_files(path)
            if not found and not any(map(is_load_file, path.iterdir())):
                raise InputError(
                    "the folder holds neither workload files nor load files",
                    fix="Name the folder that `advisor collect` wrote, or one with a workload.yaml for each cluster.",
                    file=str(path),
                )
            paths |= dict.fromkeys((each.absolute() for each in found), None) if found else {path.absolute(): None}
    return _named(sorted(paths))


def _matches(source: Path) -> list[Path]:
    if source.exists():
        return [source]
    found = sorted(Path(name) for name in glob.glob(str(source), recursive=True)) if has_pattern(source) else []
    if not found:
        raise InputError("there is no such workload", fix="Check the name.", file=str(source))
    return found


def _workload_files(folder: Path) -> list[Path]:
    """Workload files in a folder and those below it, hidden ones and copies left out."""
    found = [path for path in files_below(folder, "*") if path.suffix.lower() in WORKLOAD_SUFFIXES]
    instead = [path for path in folder.rglob("workload.y*ml") if path.is_dir()]  # of a file: said when it is read
    named = [path for path in found if path.stem == "workload"] + instead
    return named or [path for path in found if _names_a_cluster(path)]


def _names_a_cluster(path: Path) -> bool:
    """Whether a YAML file begins like a workload file: other tools keep theirs in the same folders."""
    try:
        return _CLUSTER_KEY.search(path.read_bytes()[:_SNIFFED_BYTES]) is not None
    except OSError:
        return True  # said when it is read


def _named(paths: Sequence[Path]) -> list[FileMember]:
    """Names from the parts of the paths that differ: ``shop`` of ``shop/workload.yaml``, ``web`` of ``loads/web.csv``."""
    if not paths:
        return []
    parents = [path.parent.parts for path in paths]
    common = 0
    while all(len(parts) > common for parts in parents) and len({parts[common] for parts in parents}) == 1:
        common += 1
    names = [_name(path, common) for path in paths]
    count = Counter(names)
    return [
        FileMember(name=name if count[name] == 1 else "/".join((*path.parts[common:],)), path=path)
        for name, path in zip(names, paths, strict=True)
    ]


def _name(path: Path, common: int) -> str:
    inner = path.parts[common:-1]
    if path.stem == "workload":
        return "/".join(inner) or path.parent.name
    return "/".join((*inner, path.name.split(".", 1)[0]))
