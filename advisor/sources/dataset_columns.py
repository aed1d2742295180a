"""What the columns of a Parquet file in long form mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from advisor.sources.load_options import LoadOptions
from advisor.sources.meanings import MEASURES, Meaning, Reading, header_reading, time_rank
from advisor.sources.places import Place, listed

CLUSTER_COLUMN: Final = "cluster"
"""Of the data set, or a key of its folders: services of one cluster may share instances."""
_PER_S: Final[Mapping[str, int]] = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetColumns:
    """What the columns of a file mean; those of other files of the data set may be written otherwise."""

    service: str
    is_service_in_path: bool
    is_cluster_in_file: bool
    time: str
    per_s: int
    """Units of the time column in a second."""
    is_local: bool
    """The times carry no zone."""
    measures: tuple[tuple[str, Reading], ...]

    @property
    def of_services(self) -> tuple[str, ...]:
        """Columns of the file that say whose a row is."""
        return (*(() if self.is_service_in_path else (self.service,)), *((CLUSTER_COLUMN,) if self.is_cluster_in_file else ()))


def is_service_column(name: str) -> bool:
    """Whether a column, or a key of a folder, names services."""
    reading = header_reading(name)
    return reading is not None and reading.meaning is Meaning.SERVICE


def columns_of(schema: Any, path: Path, keys: Mapping[str, str], options: LoadOptions) -> DatasetColumns:
    """From the schema of a file and the keys of its folders.

    Raises
    ------
    InputError
        No column, or more than one, is the service or the time; none is a load; one is of another type.
    """
    pyarrow: Any = import_module("pyarrow")
    readings = {name: options.columns.get(name) or header_reading(name) for name in schema.names}
    services = [name for name, reading in readings.items() if reading and reading.meaning is Meaning.SERVICE]
    in_path = [name for name in keys if is_service_column(name)]
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
    return DatasetColumns(
        service=(services or in_path)[0],
        is_service_in_path=not services,
        is_cluster_in_file=CLUSTER_COLUMN in schema.names and CLUSTER_COLUMN not in keys,
        time=named[0],
        per_s=_PER_S[kind.unit],
        is_local=kind.tz is None,
        measures=measures,
    )
