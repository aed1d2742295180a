"""A Parquet data set in long form: many services with their times and metrics, in one file or many, partitioned or not."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import numpy as np

from advisor.errors import InputError
from advisor.sources.arrow_columns import labelled
from advisor.sources.dataset_columns import CLUSTER_COLUMN, DatasetColumns, columns_of, is_service_column
from advisor.sources.folders import files_below
from advisor.sources.load_options import LoadOptions
from advisor.sources.places import Place, shown

_EXTRA_FIX: Final = "Install the extra: pip install 'ecs-launch-advisor[fleet]'."
_DAMAGED_FIX: Final = "Copy or export the file again; the other files were read."
_LONGEST_EXACT: Final = 32
"""Bytes of a name up to which the least and greatest of a row group are taken as whole: some writers cut longer ones."""


class ServiceKey(NamedTuple):
    """A service of a data set. Clusters may hold services of one name."""

    name: str
    cluster: str | None
    """None where nothing says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFile:
    """One file of a data set."""

    path: Path
    """Absolute."""
    columns: DatasetColumns
    services: tuple[ServiceKey, ...]
    n_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """The files of a data set that can be read, and what cannot."""

    folder: Path
    files: tuple[DatasetFile, ...]
    damaged: tuple[tuple[Path, str], ...] = ()
    """Files that cannot be read, or not all of them, with the reason: the services of these rows are not known."""

    @property
    def services(self) -> tuple[ServiceKey, ...]:
        """All of them, in the order of their names."""
        return _in_order({service for file in self.files for service in file.services})


def is_long_form(folder: Path) -> bool:
    """Whether a folder holds Parquet files with a service column, or in folders named ``service=``."""
    is_any_damaged = False
    for path in _parquet_files(folder):
        try:
            names = [*_parquet(path).read_schema(path).names, *_keys(path, folder)]
        except (InputError, OSError, ValueError):
            is_any_damaged = True
        else:
            if any(map(is_service_column, names)):
                return True
    return is_any_damaged  # said when they are read


def open_dataset(folder: Path, options: LoadOptions) -> Dataset:
    """What a data set holds, from the ends of its files; rows are read later.

    Raises
    ------
    InputError
        It has no file that can be read, or pyarrow is not installed.
    """
    paths = _parquet_files(folder)
    if not paths:
        raise InputError("the folder holds no Parquet files", fix="Name the folder of a data set.", file=str(folder))
    parquet = _parquet(paths[0])
    files, damaged = [], []
    for path in paths:
        try:
            with parquet.ParquetFile(path) as opened:
                keys = _keys(path, folder)
                columns = columns_of(opened.schema_arrow, path, keys, options)
                file, n_without = _file(opened, path.absolute(), keys, columns)
        except (InputError, OSError, ValueError) as error:  # what pyarrow raises is one of the last two
            damaged.append((path, str(damage(path, error))))
        else:
            files.append(file)
            if n_without:
                found = Place(str(path), column=columns.service).error(
                    f"{n_without:,} of {file.n_rows:,} rows belong to no service", fix="Name it, or leave them out."
                )
                damaged.append((path, str(found)))
    if not files:
        raise InputError(damaged[0][1].removesuffix(f". {_DAMAGED_FIX}"), fix="No file of the data set can be read.")
    return Dataset(folder=folder, files=_with_known_clusters(files), damaged=tuple(damaged))


def blocks(dataset: Dataset) -> list[tuple[DatasetFile, ...]]:
    """Files that have to be read together: each alone, but for those that hold parts of the same services."""
    parent = list(range(len(dataset.files)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = at = parent[parent[at]]
        return at

    first: dict[ServiceKey, int] = {}
    for at, file in enumerate(dataset.files):
        for service in file.services:
            other = first.setdefault(service, at)
            if root(other) != root(at):
                parent[max(root(other), root(at))] = min(root(other), root(at))
    together: dict[int, list[DatasetFile]] = {}
    for at, file in enumerate(dataset.files):
        together.setdefault(root(at), []).append(file)
    return [tuple(files) for files in together.values()]


def damage(path: Path, error: Exception) -> InputError:
    """What pyarrow says of a file, as one message."""
    if isinstance(error, InputError):
        return error
    first = str(error).split("\n", 1)[0][:120].rstrip(". ")
    return Place(str(path)).error(f"damaged Parquet data ({shown(first)})", fix=_DAMAGED_FIX)


def extremes(group: Any, name: str) -> tuple[str | None, str | None]:
    """Least and greatest text of a column in a row group; None where its statistics do not tell."""
    for at in range(group.num_columns):
        column = group.column(at)
        if column.path_in_schema == name:
            known = column.statistics
            if known is None or not known.has_min_max or known.null_count != 0 or not isinstance(known.min, str):
                return None, None
            is_whole = max(len(known.min.encode()), len(known.max.encode())) <= _LONGEST_EXACT
            return (known.min, known.max) if is_whole else (None, None)
    return None, None


def _parquet(path: Path) -> Any:
    try:
        return import_module("pyarrow.parquet")
    except ImportError:
        raise Place(str(path)).error("reading Parquet needs pyarrow, which is not installed", fix=_EXTRA_FIX) from None


def _parquet_files(folder: Path) -> list[Path]:
    """Parquet files of a folder and those below it; what begins with an underscore is of those who write data sets."""
    instead = [path for path in folder.rglob("*.parquet") if path.is_dir() and not any(path.iterdir())]  # of a file
    return [
        path
        for path in (*files_below(folder, "*.parquet"), *sorted(instead))
        if not any(part.startswith("_") for part in path.relative_to(folder).parts)
    ]


def _keys(path: Path, folder: Path) -> dict[str, str]:
    """Keys of the folders that lead to a file: ``service=web/year=2026``."""
    parts = path.absolute().relative_to(folder.absolute()).parts[:-1]
    pairs = (part.partition("=") for part in parts)
    return {unquote(name): unquote(value) for name, sign, value in pairs if sign}


def _file(opened: Any, path: Path, keys: Mapping[str, str], columns: DatasetColumns) -> tuple[DatasetFile, int]:
    """A file with its services, and how many of its rows name none."""
    of_path = {CLUSTER_COLUMN: keys.get(CLUSTER_COLUMN), columns.service: keys.get(columns.service)}
    found: set[ServiceKey] = set()
    n_without = 0
    for values, n_rows in _values(opened, columns.of_services):
        told = of_path | values
        service = told[columns.service]
        if not service:
            n_without += n_rows
        else:
            found.add(ServiceKey(service, told[CLUSTER_COLUMN] or None))
    n_rows = int(opened.metadata.num_rows)
    return DatasetFile(path=path, columns=columns, services=_in_order(found), n_rows=n_rows), n_without


def _values(opened: Any, names: Sequence[str]) -> Iterator[tuple[dict[str, str | None], int]]:
    """What stands together in some columns, with how many rows: from what row groups say of themselves, where they do."""
    rest = []
    for number in range(opened.metadata.num_row_groups):
        group = opened.metadata.row_group(number)
        spans = {name: extremes(group, name) for name in names}
        if all(low is not None and low == high for low, high in spans.values()):
            yield {name: low for name, (low, _) in spans.items()}, int(group.num_rows)
        else:
            rest.append(number)
    if rest:
        read = opened.read_row_groups(rest, columns=list(names))
        codes, labels = labelled([read.column(name) for name in names])
        counts = np.bincount(codes, minlength=len(labels))
        for code in np.flatnonzero(counts).tolist():
            yield dict(zip(names, labels[code], strict=True)), int(counts[code])


def _in_order(services: Iterable[ServiceKey]) -> tuple[ServiceKey, ...]:
    return tuple(sorted(services, key=lambda each: (each.name, each.cluster or "")))


def _with_known_clusters(files: Sequence[DatasetFile]) -> tuple[DatasetFile, ...]:
    """Rows without a cluster are of the one in which the other rows of their service stand, where that is only one."""
    clusters: dict[str, set[str]] = {}
    for service in {service for file in files for service in file.services}:
        if service.cluster is not None:
            clusters.setdefault(service.name, set()).add(service.cluster)

    def known(service: ServiceKey) -> ServiceKey:
        of_name: Collection[str] = clusters.get(service.name, ())
        return service if service.cluster is not None or len(of_name) != 1 else ServiceKey(service.name, next(iter(of_name)))

    return tuple(replace(file, services=_in_order({known(service) for service in file.services})) for file in files)
