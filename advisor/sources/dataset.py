"""A Parquet data set in long form: many services with their times and metrics, in one file or many, partitioned or not."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from advisor.errors import InputError
from advisor.sources.load_content import in_utc
from advisor.sources.load_options import LoadOptions
from advisor.sources.meanings import MEASURES, Meaning, Reading, header_reading, time_rank
from advisor.sources.places import Place, listed, shown
from advisor.sources.records import Records
from advisor.sources.timestamps import Times
from advisor.units import FloatArray, IntArray

CLUSTER_COLUMN: Final = "cluster"
"""Of the data set, or a key of its folders: services of one cluster may share instances."""
_EXTRA_FIX: Final = "Install the extra: pip install 'ecs-launch-advisor[fleet]'."
_DAMAGED_FIX: Final = "Copy or export the file again; the other files were read."
_PER_S: Final[Mapping[str, int]] = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_MANY_RUNS: Final = 8
"""Changes of the service in a row group, per service of it, from which rows are sorted and not cut."""
_LONGEST_EXACT: Final = 32
"""Bytes of a name up to which the least and greatest of a row group are taken as whole: some writers cut longer ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetColumns:
    """What the columns of a data set mean."""

    service: str
    is_service_in_path: bool
    cluster: str | None
    is_cluster_in_path: bool
    time: str
    per_s: int
    """Units of the time column in a second."""
    is_local: bool
    """The times carry no zone."""
    measures: tuple[tuple[str, Reading], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFile:
    """One file of a data set."""

    path: Path
    """Absolute."""
    services: tuple[str, ...]
    clusters: tuple[str | None, ...]
    """Of each service; None where nothing says it."""
    n_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """The files of a data set that can be read, and those that cannot."""

    folder: Path
    columns: DatasetColumns
    files: tuple[DatasetFile, ...]
    damaged: tuple[tuple[Path, str], ...] = ()
    """Files that cannot be read, with the reason: their services are not known."""

    @property
    def cluster_of(self) -> dict[str, str | None]:
        """The cluster of each service, by name."""
        found: dict[str, str | None] = {}
        for file in self.files:
            for service, cluster in zip(file.services, file.clusters, strict=True):
                if found.setdefault(service, cluster) != cluster:
                    raise Place(str(file.path)).error(
                        f"the service {service!r} stands in the clusters {found[service]!r} and {cluster!r}",
                        fix="Give it one, or two names.",
                    )
        return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ServiceRows:
    """All rows of one service, in the order in which they stand."""

    service: str
    file: str
    times: IntArray
    """(rows,): in units of the time column since 1970."""
    values: Mapping[str, Any]
    """(rows,) of each measure: whole numbers as they are, everything else as float64 with NaN for null."""


def is_long_form(folder: Path) -> bool:
    """Whether a folder holds Parquet files with a service column, or in folders named ``service=``, and no other load."""
    first = next(iter(_parquet_files(folder)), None)
    if first is None:
        return False
    try:
        parquet = _parquet(first)
    except InputError:
        return True  # said when it is read
    try:
        names = [*parquet.read_schema(first).names, *_keys(first, folder)]
    except (OSError, ValueError):
        return True
    return any(_is_service(name) for name in names)


def open_dataset(folder: Path, options: LoadOptions) -> Dataset:
    """What a data set holds, from the ends of its files; rows are read later.

    Raises
    ------
    InputError
        It has no file that can be read, its columns are not understood or differ, or pyarrow is not installed.
    """
    paths = _parquet_files(folder)
    if not paths:
        raise InputError("the folder holds no Parquet files", fix="Name the folder of a data set.", file=str(folder))
    parquet = _parquet(paths[0])
    columns: DatasetColumns | None = None
    files, damaged = [], []
    for path in paths:
        try:
            with parquet.ParquetFile(path) as opened:
                found = _columns(opened.schema_arrow, path, folder, options)
                if columns is not None and found != columns:
                    raise Place(str(path)).error(
                        f"its columns are not those of {paths[0].name}", fix="Write all files of a data set with one schema."
                    )
                columns = found
                files.append(_file(opened, path.absolute(), folder, columns))
        except (InputError, OSError, ValueError) as error:  # what pyarrow raises is one of the last two
            damaged.append((path, str(_damage(path, error))))
    if columns is None:
        raise InputError(damaged[0][1].removesuffix(f". {_DAMAGED_FIX}"), fix="No file of the data set can be read.")
    return Dataset(folder=folder, columns=columns, files=tuple(files), damaged=tuple(damaged))


def blocks(dataset: Dataset) -> list[tuple[DatasetFile, ...]]:
    """Files that have to be read together: each alone, but for those that hold parts of the same services."""
    parent = list(range(len(dataset.files)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = at = parent[parent[at]]
        return at

    first: dict[str, int] = {}
    for at, file in enumerate(dataset.files):
        for service in file.services:
            other = first.setdefault(service, at)
            if root(other) != root(at):
                parent[max(root(other), root(at))] = min(root(other), root(at))
    together: dict[int, list[DatasetFile]] = {}
    for at, file in enumerate(dataset.files):
        together.setdefault(root(at), []).append(file)
    return [tuple(files) for files in together.values()]


def service_rows(
    files: Sequence[DatasetFile], columns: DatasetColumns, services: Collection[str] | None = None
) -> Iterator[ServiceRows]:
    """All rows of each service of some files, as soon as they are complete.

    Parameters
    ----------
    services
        Those that are wanted; all without it.

    Raises
    ------
    InputError
        A file is damaged.
    """
    waiting: dict[str, list[ServiceRows]] = {}
    for number, file in enumerate(files):
        is_last = number == len(files) - 1
        later = {service for other in files[number + 1 :] for service in other.services}
        try:
            for piece, is_complete in _pieces(file, columns, services):
                waiting.setdefault(piece.service, []).append(piece)
                if is_complete and piece.service not in later:
                    yield _whole(waiting.pop(piece.service))
        except (OSError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise _damage(file.path, error) from None
        for service in [name for name in waiting if is_last or name not in later]:
            yield _whole(waiting.pop(service))


def records_of(rows: ServiceRows, columns: DatasetColumns, options: LoadOptions, notes: list[str]) -> Records:
    """Rows as every load file gives them: seconds in UTC, numbers in the units of their meanings."""
    label = f"{rows.file} ({rows.service})"
    seconds = rows.times // columns.per_s
    place = Place(rows.file)
    times = Times(epoch_s=seconds, is_local=columns.is_local)
    utc_s = in_utc(seconds, times, options, lambda row: Place(rows.file, row + 1), label, notes)
    values: dict[Meaning, FloatArray] = {}
    for name, reading in columns.measures:
        column = np.asarray(rows.values[name], dtype=np.float64)
        if (column < 0).any() or np.isinf(column).any():
            at = int(np.flatnonzero((column < 0) | np.isinf(column))[0])
            raise Place(rows.file, at + 1, name).error(
                f"{rows.service}: {column[at]:g} is no load", fix="Correct it, or leave the cell empty."
            )
        values[reading.meaning] = column * reading.factor if reading.factor != 1 else column
    return Records(
        label=label,
        times_s=np.asarray(utc_s, dtype=np.int64),
        values=values,
        origins={reading.meaning: Place(rows.file, column=name) for name, reading in columns.measures},
        place_of=lambda row: replace(place, line=row + 1),
        is_zone_assumed=columns.is_local and options.time_zone is None,
    )


def _parquet(path: Path) -> Any:
    try:
        return import_module("pyarrow.parquet")
    except ImportError:
        raise Place(str(path)).error("reading Parquet needs pyarrow, which is not installed", fix=_EXTRA_FIX) from None


def _parquet_files(folder: Path) -> list[Path]:
    """Parquet files of a folder and those below it, hidden ones left out; none where other load files stand on top."""
    if any(path.suffix.lower() in (".csv", ".tsv", ".json", ".yaml", ".yml") for path in folder.iterdir() if path.is_file()):
        return []
    return [
        path
        for path in sorted(folder.rglob("*.parquet"))
        if path.is_file() and not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    ]


def _keys(path: Path, folder: Path) -> dict[str, str]:
    """Keys of the folders that lead to a file: ``service=web/year=2026``."""
    parts = path.absolute().relative_to(folder.absolute()).parts[:-1]
    pairs = (part.partition("=") for part in parts)
    return {unquote(name): unquote(value) for name, sign, value in pairs if sign}


def _is_service(name: str) -> bool:
    reading = header_reading(name)
    return reading is not None and reading.meaning is Meaning.SERVICE


def _columns(schema: Any, path: Path, folder: Path, options: LoadOptions) -> DatasetColumns:
    pyarrow: Any = import_module("pyarrow")
    keys = _keys(path, folder)
    readings = {name: options.columns.get(name) or header_reading(name) for name in schema.names}
    services = [name for name, reading in readings.items() if reading and reading.meaning is Meaning.SERVICE]
    in_path = [name for name in keys if _is_service(name)]
    if len(services) + len(in_path) != 1:
        raise Place(str(path)).error(
            f"{len(services) + len(in_path) or 'no'} columns name a service, among {listed(schema.names)}",
            fix="Say which with --column NAME=service.",
        )
    stated = [name for name, reading in readings.items() if reading and reading.meaning is Meaning.TIME]
    by_rank = sorted((rank, name) for name in schema.names if (rank := time_rank(name)) is not None)
    named = stated or [name for _, name in by_rank[:1]]
    if len(named) != 1:
        raise Place(str(path)).error(
            f"no column is a time, among {listed(schema.names)}", fix="Say which with --column NAME=time."
        )
    kind = schema.field(named[0]).type
    if not pyarrow.types.is_timestamp(kind):
        raise Place(str(path), column=named[0]).error(
            f"the times are of the type {kind}, not timestamps", fix="Write them as timestamps, best with the zone UTC."
        )
    measures = tuple((name, reading) for name, reading in readings.items() if reading and reading.meaning in MEASURES)
    for name, _ in measures:
        of = schema.field(name).type
        if not (pyarrow.types.is_integer(of) or pyarrow.types.is_floating(of) or pyarrow.types.is_decimal(of)):
            raise Place(str(path), column=name).error(f"the column holds {of}, not numbers", fix="Write it as numbers.")
    if not measures:
        raise Place(str(path)).error(
            f"no column is a load, among {listed(schema.names)}", fix="Name one tasks, cpu_percent or requests_per_second."
        )
    has_cluster = CLUSTER_COLUMN in schema.names or CLUSTER_COLUMN in keys
    return DatasetColumns(
        service=(services or in_path)[0],
        is_service_in_path=not services,
        cluster=CLUSTER_COLUMN if has_cluster else None,
        is_cluster_in_path=CLUSTER_COLUMN in keys,
        time=named[0],
        per_s=_PER_S[kind.unit],
        is_local=kind.tz is None,
        measures=measures,
    )


def _file(opened: Any, path: Path, folder: Path, columns: DatasetColumns) -> DatasetFile:
    """The services of a file: from what its row groups say of themselves, or from the column where they do not."""
    keys = _keys(path, folder)
    n_rows = int(opened.metadata.num_rows)
    if columns.is_service_in_path:
        services = [keys[columns.service]] if columns.service in keys else []
        if not services:
            raise Place(str(path)).error(f"its folder does not say {columns.service}=", fix="Move it, or leave it out.")
    else:
        groups = range(opened.metadata.num_row_groups)
        known = [_only_value(opened.metadata.row_group(group), columns.service) for group in groups]
        services = [name for name in known if name is not None]
        rest = [group for group, name in zip(groups, known, strict=True) if name is None]
        if rest:
            column = opened.read_row_groups(rest, columns=[columns.service]).column(0)
            found = column.unique().to_pylist()
            if None in found:
                raise Place(str(path), column=columns.service).error(
                    "rows belong to no service", fix="Name it, or leave them out."
                )
            services.extend(str(name) for name in found)
    names = sorted(set(services))
    return DatasetFile(path=path, services=tuple(names), clusters=_clusters(opened, path, names, keys, columns), n_rows=n_rows)


def _clusters(
    opened: Any, path: Path, names: Sequence[str], keys: Mapping[str, str], columns: DatasetColumns
) -> tuple[str | None, ...]:
    if columns.cluster is None or columns.is_cluster_in_path:
        return tuple(keys.get(CLUSTER_COLUMN) for _ in names)
    table = opened.read(
        columns=list(dict.fromkeys([CLUSTER_COLUMN, *([] if columns.is_service_in_path else [columns.service])]))
    )
    if columns.is_service_in_path:
        pairs = [(names[0], cluster) for cluster in table.column(CLUSTER_COLUMN).unique().to_pylist()]
    else:
        rows = table.group_by([columns.service, CLUSTER_COLUMN]).aggregate([])
        pairs = list(zip(rows.column(columns.service).to_pylist(), rows.column(CLUSTER_COLUMN).to_pylist(), strict=True))
    found = dict(pairs)
    if len(pairs) > len(found):
        raise Place(str(path), column=CLUSTER_COLUMN).error(
            "a service stands in several clusters", fix="Give it one, or two names."
        )
    return tuple(found[name] for name in names)


def _only_value(group: Any, name: str) -> str | None:
    """The value of a column in all rows of a row group; None where its statistics do not tell."""
    low, high = _extremes(group, name)
    return low if low is not None and low == high else None


def _extremes(group: Any, name: str) -> tuple[str | None, str | None]:
    for at in range(group.num_columns):
        column = group.column(at)
        if column.path_in_schema == name:
            known = column.statistics
            if known is None or not known.has_min_max or known.null_count or not isinstance(known.min, str):
                return None, None
            is_whole = max(len(known.min.encode()), len(known.max.encode())) <= _LONGEST_EXACT
            return (known.min, known.max) if is_whole else (None, None)
    return None, None


def _pieces(file: DatasetFile, columns: DatasetColumns, services: Collection[str] | None) -> Iterator[tuple[ServiceRows, bool]]:
    """Rows of a service that stand together, row group by row group, and whether they are the file's last of the service."""
    parquet = _parquet(file.path)
    names = [columns.time, *(name for name, _ in columns.measures)]
    in_path = file.services[0] if columns.is_service_in_path else None
    dictionary = [] if in_path is not None else [columns.service]
    with parquet.ParquetFile(file.path, read_dictionary=dictionary) as opened:
        groups = [opened.metadata.row_group(group) for group in range(opened.metadata.num_row_groups)]
        spans = [(in_path, in_path) if in_path is not None else _extremes(group, columns.service) for group in groups]
        for number, (low, high) in enumerate(spans):
            if services is not None and low is not None and high is not None and not any(low <= s <= high for s in services):
                continue
            only = low if low == high else None
            read = opened.read_row_group(number, columns=[*names, *([] if only is not None else [columns.service])])
            found = [each for each in _by_service(read, columns, only) if services is None or each[0] in services]
            last = {service: at for at, (service, _) in enumerate(found)}
            for at, (service, rows) in enumerate(found):
                is_last = at == last[service] and not any(
                    low is None or high is None or low <= service <= high for low, high in spans[number + 1 :]
                )
                yield ServiceRows(service=service, file=str(file.path), times=rows[0], values=rows[1]), is_last


def _by_service(read: Any, columns: DatasetColumns, only: str | None) -> Iterator[tuple[str, tuple[IntArray, dict[str, Any]]]]:
    times = _plain_times(read.column(columns.time), columns)
    values = {name: _plain_numbers(read.column(name)) for name, _ in columns.measures}
    if only is not None:
        yield only, (times, values)
        return
    column = read.column(columns.service).unify_dictionaries().combine_chunks()
    column = column.chunk(0) if hasattr(column, "chunk") else column
    codes = _as_numpy(column.indices, np.dtype(str(column.indices.type)))
    known = [str(name) for name in column.dictionary.to_pylist()]
    bounds = np.concatenate([[0], np.flatnonzero(codes[1:] != codes[:-1]) + 1, [len(codes)]])
    if len(bounds) > _MANY_RUNS * max(1, len(known)):
        order = np.argsort(codes, kind="stable")
        codes, times = codes[order], times[order]
        values = {name: column[order] for name, column in values.items()}
        bounds = np.concatenate([[0], np.flatnonzero(codes[1:] != codes[:-1]) + 1, [len(codes)]])
    for first, last in pairwise(bounds.tolist()):
        if last > first:
            yield known[int(codes[first])], (times[first:last], {name: column[first:last] for name, column in values.items()})


def _plain_times(column: Any, columns: DatasetColumns) -> IntArray:
    if column.null_count:
        raise ValueError(f"{column.null_count} rows have no time in {columns.time}")
    return _as_numpy(_joined(column), np.dtype(np.int64))  # a timestamp is eight bytes


def _plain_numbers(column: Any) -> NDArray[Any]:
    pyarrow: Any = import_module("pyarrow")
    whole = _joined(column)
    if pyarrow.types.is_integer(whole.type) and not whole.null_count:
        return _as_numpy(whole, np.dtype(str(whole.type)))
    known = whole.cast(pyarrow.float64())
    return _as_numpy(known.fill_null(float("nan")) if known.null_count else known, np.dtype(np.float64))


def _joined(column: Any) -> Any:
    """All chunks of a column as one array; the one that there is, as it is: joining copies."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _as_numpy(array: Any, kind: np.dtype[Any]) -> NDArray[Any]:
    """The values of an array without nulls, where they lie: pyarrow's own way there imports pandas."""
    if not len(array):
        return np.zeros(0, dtype=kind)
    return np.frombuffer(array.buffers()[1], dtype=kind, count=len(array), offset=array.offset * kind.itemsize)


def _whole(pieces: Sequence[ServiceRows]) -> ServiceRows:
    if len(pieces) == 1:
        return pieces[0]
    first = pieces[0]
    names = {piece.file for piece in pieces}
    return replace(
        first,
        file=first.file if len(names) == 1 else f"{first.file} and {len(names) - 1} more files",
        times=np.concatenate([piece.times for piece in pieces]),
        values={name: np.concatenate([piece.values[name] for piece in pieces]) for name in first.values},
    )


def _damage(path: Path, error: Exception) -> InputError:
    if isinstance(error, InputError):
        return error
    first = str(error).split("\n", 1)[0][:120].rstrip(". ")
    return Place(str(path)).error(f"damaged Parquet data ({shown(first)})", fix=_DAMAGED_FIX)
