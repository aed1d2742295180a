"""What was understood of load files, before any advice: columns, time, gaps, sizes, and the shape of each measure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from advisor.errors import InputError
from advisor.sources.ecs_names import name_from_stem
from advisor.sources.input_files import InputFiles, Place
from advisor.sources.load_content import service_names
from advisor.sources.load_files import LoadFiles, files_at, stem
from advisor.sources.load_options import LoadOptions
from advisor.sources.series import Series
from advisor.sources.shapes import Shape, shape_of
from advisor.units import FloatArray

if TYPE_CHECKING:
    import pandas

_YAML_SUFFIXES: Final = frozenset({".yaml", ".yml"})
_PERCENTILES: Final = (5, 25, 50, 75, 90, 95, 99)
_CHART_POINTS: Final = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureFacts:
    """One measure of one service."""

    service: str
    measure: str
    """Meaning, which ends in its unit; counts are given per second."""
    column: str
    """Column or metric that it was read from."""
    n_steps: int
    n_known: int
    n_gaps: int
    longest_gap_s: int
    n_repeated_times: int
    """Rows whose time stood in another row already: merged where they agreed, averaged where they did not."""
    minimum: float
    mean: float
    percentiles: Mapping[int, float]
    maximum: float
    maximum_at: str
    shape: Shape
    chart: tuple[float | None, ...]
    """Highest value of each of up to 240 parts of the span; None where nothing is known."""

    @property
    def coverage_fraction(self) -> float:
        """Share of the steps that is known."""
        return self.n_known / self.n_steps


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFacts:
    """Time axis of one service."""

    service: str
    files: tuple[str, ...]
    start: str
    end: str
    interval_s: int
    span_days: float
    measures: tuple[MeasureFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What was understood of a load."""

    source: str
    services: tuple[ServiceFacts, ...]
    time_zone: str
    notes: tuple[str, ...]
    """What was recognised, repaired or assumed: columns and their meaning, zone, duplicates, gaps."""
    inputs: tuple[Mapping[str, str], ...]

    @property
    def measures(self) -> tuple[MeasureFacts, ...]:
        """All measures of all services."""
        return tuple(measure for service in self.services for measure in service.measures)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``advisor inspect --format json`` prints them."""
        data = asdict(self)
        for service, facts in zip(data["services"], self.services, strict=True):
            for measure, one in zip(service["measures"], facts.measures, strict=True):
                measure["percentiles"] = {f"p{name}": value for name, value in measure["percentiles"].items()}
                measure["coverage_fraction"] = one.coverage_fraction
        return data

    def frame(self) -> "pandas.DataFrame":
        """One row a measure, without the chart."""
        import pandas

        return pandas.DataFrame(measure_rows(self))


def measure_rows(inspection: Inspection) -> list[dict[str, object]]:
    """One flat row a measure: what CSV prints."""
    rows = []
    for service in inspection.services:
        for each in service.measures:
            rows.append(
                {
                    "service": each.service,
                    "measure": each.measure,
                    "column": each.column,
                    "start": service.start,
                    "end": service.end,
                    "interval_s": service.interval_s,
                    "steps": each.n_steps,
                    "known": each.n_known,
                    "coverage_fraction": round(each.coverage_fraction, 6),
                    "gaps": each.n_gaps,
                    "longest_gap_s": each.longest_gap_s,
                    "repeated_times": each.n_repeated_times,
                    "min": each.minimum,
                    "mean": each.mean,
                    **{f"p{name}": value for name, value in each.percentiles.items()},
                    "max": each.maximum,
                    "max_at": each.maximum_at,
                    "shape": each.shape.word,
                    "shape_why": each.shape.why,
                }
            )
    return rows


def inspect_load(source: str | Path, *, reading: LoadOptions | None = None) -> Inspection:
    """What is understood of a load file, a folder of them, or the load files of a workload file.

    Parameters
    ----------
    source
        CSV, JSON or Parquet of load, a folder with such files, or a workload file (YAML).
    reading
        Statements about the files, such as ``LoadOptions.stated(decimal=",")``.

    Raises
    ------
    InputError
        Naming file, line, column and fix, as ``read_workload`` does.

    Examples
    --------
    >>> import advisor
    >>> measure = advisor.inspect_load("examples/shop/orders.csv").services[0].measures[0]
    >>> measure.measure, measure.n_known, measure.n_gaps
    ('requests_per_second', 8757, 2)
    """
    path = Path(source)
    files = InputFiles()
    load_files = LoadFiles(files, reading or LoadOptions())
    found = (
        _of_workload_file(path, files, load_files)
        if path.suffix.lower() in _YAML_SUFFIXES
        else _of_load_files(path, load_files)
    )
    load_files.check_columns()
    services = tuple(_service_facts(name, paths, series) for name, paths, series in found)
    zone = (reading or LoadOptions()).time_zone
    return Inspection(
        source=str(path),
        services=services,
        time_zone=zone.key if zone else "UTC",
        notes=tuple(dict.fromkeys(load_files.notes)),
        inputs=tuple({"path": file.path, "sha256": file.sha256} for file in files.inputs),
    )


_Found = tuple[str, tuple[str, ...], Series]


def _of_load_files(path: Path, load_files: LoadFiles) -> list[_Found]:
    found: list[_Found] = []
    for file in files_at(path):
        content = load_files.opened(file)
        for name in service_names(content) or (name_from_stem(stem(file)),):
            found.append((name, (str(file),), load_files.series_of([file], name)))
    return found


def _of_workload_file(path: Path, files: InputFiles, load_files: LoadFiles) -> list[_Found]:
    from advisor.sources.workload_checks import checked
    from advisor.sources.workload_file import load_paths, stated_reading
    from advisor.sources.yaml_document import parse_yaml

    document = parse_yaml(files.text(path), str(path))
    entry = checked(document)
    found = []
    for number, service in enumerate(entry.services):
        paths, named_at = load_paths(path, service, document, number)
        if paths:
            options = stated_reading(service, document, number)
            series = load_files.series_of(paths, service.name, named_at, options)
            found.append((service.name, tuple(map(str, paths)), series))
    if not found:
        raise InputError("no service of the workload file has a load file", fix="Name one under `load`.", file=str(path))
    return found


def _service_facts(name: str, paths: Sequence[str], series: Series) -> ServiceFacts:
    measures = tuple(
        _measure_facts(name, str(meaning), series.origins.get(meaning), series, column)
        for meaning, column in series.values.items()
        if not np.isnan(column).all()
    )
    if not measures:
        raise next(iter(series.origins.values())).error(
            f"{name} has no step with a known load", fix="Export a time range in which the service ran."
        )
    return ServiceFacts(
        service=name,
        files=tuple(paths),
        start=_iso(series.start_s),
        end=_iso(series.end_s),
        interval_s=series.step_s,
        span_days=(series.end_s - series.start_s) / 86_400,
        measures=measures,
    )


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%MZ")


def _measure_facts(name: str, measure: str, origin: Place | None, series: Series, column: FloatArray) -> MeasureFacts:
    is_known = ~np.isnan(column)
    known = column[is_known]
    quantiles = np.percentile(known, _PERCENTILES).tolist()
    edges = np.flatnonzero(np.diff(np.concatenate([[True], is_known, [True]]).astype(np.int8)))
    lengths = edges[1::2] - edges[::2]
    highest = int(np.nanargmax(column))
    return MeasureFacts(
        service=name,
        measure=measure,
        column=str(origin.column) if origin and origin.column is not None else measure,
        n_steps=len(column),
        n_known=int(is_known.sum()),
        n_gaps=len(lengths),
        longest_gap_s=int(lengths.max(initial=0)) * series.step_s,
        n_repeated_times=series.n_repeated,
        minimum=float(known.min()),
        mean=float(known.mean()),
        percentiles=dict(zip(_PERCENTILES, quantiles, strict=True)),
        maximum=float(known.max()),
        maximum_at=_iso(series.start_s + highest * series.step_s),
        shape=shape_of(column, series.start_s, series.step_s),
        chart=chart_points(column),
    )


def chart_points(column: FloatArray, n_points: int = _CHART_POINTS) -> tuple[float | None, ...]:
    """Highest value of each part of a series, so that a chart keeps its peaks; None where nothing is known.

    >>> chart_points(np.array([1.0, 5.0, np.nan, np.nan]), 2)
    (5.0, None)
    """
    bounds = np.linspace(0, len(column), min(n_points, len(column)) + 1).astype(np.int64)
    peaks = np.fmax.reduceat(column, bounds[:-1])
    return tuple(None if np.isnan(peak) else float(peak) for peak in peaks)
