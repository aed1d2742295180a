"""The rows of a Parquet data set, service by service."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import pairwise
from typing import Any, Final

import numpy as np

from advisor.errors import InputError
from advisor.sources.arrow_columns import NO_TIME, labelled, numbers_of, times_of
from advisor.sources.dataset import DatasetFile, ServiceKey, damage, extremes
from advisor.sources.dataset_columns import CLUSTER_COLUMN, DatasetColumns
from advisor.sources.load_content import in_utc
from advisor.sources.load_options import LoadOptions
from advisor.sources.meanings import Meaning
from advisor.sources.places import Place
from advisor.sources.records import Records
from advisor.sources.timestamps import Times
from advisor.units import FloatArray, IntArray

_MANY_RUNS: Final = 8
"""Changes of the service in a row group, per service of it, from which rows are sorted and not cut."""
_Span = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ServiceRows:
    """All rows of one service, in the order in which they stand."""

    service: ServiceKey
    file: str
    columns: DatasetColumns
    times: IntArray
    """(rows,): in units of the time column since 1970."""
    values: Mapping[str, Any]
    """(rows,) of each measure: whole numbers as they are, everything else as float64 with NaN for null."""
    problem: InputError | None = None
    """Why they cannot be used."""


def service_rows(files: Sequence[DatasetFile], services: Collection[ServiceKey]) -> Iterator[ServiceRows]:
    """All rows of each of some services in some files, as soon as they are complete.

    Raises
    ------
    InputError
        A file is damaged.
    """
    last_file = {service: number for number, file in enumerate(files) for service in file.services}
    waiting: dict[ServiceKey, list[ServiceRows]] = {}
    for number, file in enumerate(files):
        wanted = [service for service in file.services if service in services]
        try:
            for piece, is_complete in _pieces(file, wanted):
                waiting.setdefault(piece.service, []).append(piece)
                if is_complete and last_file[piece.service] == number:
                    yield _whole(waiting.pop(piece.service))
        except (OSError, ValueError) as error:
            raise damage(file.path, error) from None
        for service in [each for each in waiting if last_file[each] == number]:
            yield _whole(waiting.pop(service))


def records_of(rows: ServiceRows, options: LoadOptions, notes: list[str]) -> Records:
    """Rows as every load file gives them: seconds in UTC, numbers in the units of their meanings.

    Raises
    ------
    InputError
        Rows have no time, a number is negative or infinite, or files of the service are not alike.
    """
    if rows.problem is not None:
        raise rows.problem
    name, columns = rows.service.name, rows.columns
    place = Place(rows.file)
    n_without = int((rows.times == NO_TIME).sum())
    if n_without:
        raise replace(place, column=columns.time).error(
            f"{name}: {n_without:,} rows have no time", fix="Give it, or leave the rows out."
        )
    label = f"{rows.file} ({name})"
    seconds = rows.times // columns.per_s
    times = Times(epoch_s=seconds, is_local=columns.is_local)
    utc_s = in_utc(seconds, times, options, lambda row: Place(rows.file, row + 1), label, notes)
    values: dict[Meaning, FloatArray] = {}
    for measure, reading in columns.measures:
        column = np.asarray(rows.values[measure], dtype=np.float64)
        if (column < 0).any() or np.isinf(column).any():
            at = int(np.flatnonzero((column < 0) | np.isinf(column))[0])
            raise Place(rows.file, at + 1, measure).error(
                f"{name}: {column[at]:g} is no load", fix="Correct it, or leave the cell empty."
            )
        values[reading.meaning] = column * reading.factor if reading.factor != 1 else column
    return Records(
        label=label,
        times_s=np.asarray(utc_s, dtype=np.int64),
        values=values,
        origins={reading.meaning: Place(rows.file, column=measure) for measure, reading in columns.measures},
        place_of=lambda row: replace(place, line=row + 1),
        is_zone_assumed=columns.is_local and options.time_zone is None,
    )


def _pieces(file: DatasetFile, services: Sequence[ServiceKey]) -> Iterator[tuple[ServiceRows, bool]]:
    """Rows of a service that stand together, row group by row group, and whether they are the file's last of the service."""
    parquet: Any = import_module("pyarrow.parquet")
    columns = file.columns
    names = sorted({service.name for service in services})
    keys = _keys_by_name(file, services)
    of_services = _needed(file, columns)
    measures = [name for name, _ in columns.measures]
    with parquet.ParquetFile(file.path, read_dictionary=of_services) as opened:
        groups = [opened.metadata.row_group(group) for group in range(opened.metadata.num_row_groups)]
        only_name = file.services[0].name if columns.is_service_in_path else None
        spans = [(only_name, only_name) if only_name is not None else extremes(group, columns.service) for group in groups]
        last_group, comes_again = _later_groups(spans)
        for number, (low, high) in enumerate(spans):
            if low is not None and high is not None and not any(low <= name <= high for name in names):
                continue
            only = low if low == high else None
            told = [name for name in of_services if name != columns.service or only is None]
            read = opened.read_row_group(number, columns=[columns.time, *measures, *told])
            found = [
                (key, rows) for name, cluster, rows in _by_service(read, columns, only, told) if (key := keys(name, cluster))
            ]
            last = {key: at for at, (key, _) in enumerate(found)}
            for at, (key, (times, values)) in enumerate(found):
                is_last = at == last[key] and last_group.get(key.name, -1) <= number and not comes_again(key.name, number)
                rows = ServiceRows(service=key, file=str(file.path), columns=columns, times=times, values=values)
                yield rows, is_last


def _needed(file: DatasetFile, columns: DatasetColumns) -> list[str]:
    """Columns that tell whose a row is: clusters only where two of them have services of one name."""
    is_split = len({service.name for service in file.services}) < len(file.services)
    return [name for name in columns.of_services if is_split or name != CLUSTER_COLUMN]


def _keys_by_name(file: DatasetFile, services: Iterable[ServiceKey]) -> Callable[[str, str | None], ServiceKey | None]:
    """Which of some services the rows of a name and a cluster are of; None for those of others."""
    by_name: dict[str, list[ServiceKey]] = {}
    for service in file.services:
        by_name.setdefault(service.name, []).append(service)
    wanted = frozenset(services)

    def key(name: str, cluster: str | None) -> ServiceKey | None:
        of_name = by_name.get(name, ())
        found = of_name[0] if len(of_name) == 1 else ServiceKey(name, cluster or None)
        return found if found in wanted else None

    return key


def _later_groups(spans: Sequence[_Span]) -> tuple[dict[str, int], Callable[[str, int], bool]]:
    """The last row group of each name that fills one alone, and whether a name may stand in one of several after some group."""
    last = {low: number for number, (low, high) in enumerate(spans) if low is not None and low == high}
    vague = [number for number, (low, high) in enumerate(spans) if low is None or low != high]

    def comes_again(name: str, after: int) -> bool:
        for number in reversed(vague):
            if number <= after:
                return False
            low, high = spans[number]
            if low is None or high is None or low <= name <= high:
                return True
        return False

    return last, comes_again


def _by_service(
    read: Any, columns: DatasetColumns, only: str | None, told: Sequence[str]
) -> Iterator[tuple[str, str | None, tuple[IntArray, dict[str, Any]]]]:
    """Name, cluster where it was read, and rows; those that name no service are left out."""
    times = times_of(read.column(columns.time))
    values = {name: numbers_of(read.column(name)) for name, _ in columns.measures}
    if only is not None and not told:
        yield only, None, (times, values)
        return
    codes, labels = labelled([read.column(name) for name in told])
    bounds = _bounds(codes)
    if len(bounds) > _MANY_RUNS * max(1, len(labels)):
        order = np.argsort(codes, kind="stable")
        codes, times = codes[order], times[order]
        values = {name: column[order] for name, column in values.items()}
        bounds = _bounds(codes)
    for first, last in pairwise(bounds):
        if last > first:
            label = dict(zip(told, labels[int(codes[first])], strict=True))
            name = label.get(columns.service, only)
            if name is not None:
                rows = times[first:last], {each: column[first:last] for each, column in values.items()}
                yield name, label.get(CLUSTER_COLUMN), rows


def _bounds(codes: IntArray) -> list[int]:
    """Where each run of equal numbers begins, and the end."""
    return [0, *(np.flatnonzero(codes[1:] != codes[:-1]) + 1).tolist(), len(codes)]


def _whole(pieces: Sequence[ServiceRows]) -> ServiceRows:
    """The pieces behind each other, in the finest unit of their times."""
    first = pieces[0]
    finest = max((piece.columns for piece in pieces), key=lambda each: each.per_s)
    times = [_in_units(piece, finest.per_s) for piece in pieces]
    n_files = len({piece.file for piece in pieces})
    columns = replace(first.columns, per_s=finest.per_s)
    whole = replace(
        first,
        file=first.file if n_files == 1 else f"{first.file} and {n_files - 1} more files",
        columns=columns,
        times=times[0] if len(pieces) == 1 else np.concatenate(times),
        problem=_problem(pieces),
    )
    if len(pieces) == 1 or whole.problem is not None:
        return whole
    return replace(whole, values={name: np.concatenate([piece.values[name] for piece in pieces]) for name in first.values})


def _in_units(piece: ServiceRows, per_s: int) -> IntArray:
    factor = per_s // piece.columns.per_s
    return piece.times if factor == 1 else np.where(piece.times == NO_TIME, NO_TIME, piece.times * factor)


def _problem(pieces: Sequence[ServiceRows]) -> InputError | None:
    first = pieces[0]
    for piece in pieces:
        if piece.columns.measures != first.columns.measures or piece.columns.is_local is not first.columns.is_local:
            return Place(piece.file).error(
                f"its columns are not those of {first.file}, which holds {piece.service.name}, too",
                fix="Write all files of a service with the same columns.",
            )
    return None
