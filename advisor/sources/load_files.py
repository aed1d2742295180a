"""Load files of any kind, each opened once, however many services it holds."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from advisor.errors import InputError
from advisor.sources.demand import Load, Statement, service_load
from advisor.sources.input_files import InputFiles, Place, listed
from advisor.sources.load_content import Content, LoadTable, Metric, records_of_metrics
from advisor.sources.load_csv import parse_load_csv
from advisor.sources.load_json import parse_load_json
from advisor.sources.load_options import LoadOptions
from advisor.sources.load_totals import without_total
from advisor.sources.packed_bytes import unpacked
from advisor.sources.records import Records
from advisor.sources.series import Series, regular_series
from advisor.units import IntArray

_PACKINGS: Final = frozenset({".gz", ".xz", ".bz2"})
_JSON_SUFFIXES: Final = frozenset({".json", ".jsonl", ".ndjson"})
LOAD_SUFFIXES: Final = frozenset({".csv", ".tsv", ".txt", ".parquet", *_JSON_SUFFIXES})
"""Files of a folder that are read as load."""
_SNIFFED_BYTES: Final = 512
_JSON_START: Final = re.compile(rb"[\xef\xbb\xbf\xff\xfe\0\s]*(?:\{|\[[\0\s]*\{|\d{4}-\d\d-\d\dT\S+\s+\{)")


class LoadFiles:
    """Reads the load of services and collects what has to be said about it."""

    def __init__(self, files: InputFiles, options: LoadOptions) -> None:
        self._files = files
        self._options = options
        self._opened: dict[tuple[Path, str], Content] = {}
        self._names: set[str] = set()
        self._last_times_s: IntArray = np.zeros(0, dtype=np.int64)
        self._stated: dict[str, LoadOptions] = dict.fromkeys(options.columns, options)
        self.notes: list[str] = files.notes

    def opened(self, path: Path, named_at: Place | None = None, entry: LoadOptions | None = None) -> Content:
        """What a file holds: a table, or metrics that stand beside each other.

        Parameters
        ----------
        entry
            What a workload file states about it; the options of the command go first.

        Raises
        ------
        InputError
            When the file cannot be read or understood. ``named_at`` is where another file names this one.
        """
        options = self._options if entry is None else self._options.over(entry)
        key = path, repr(options)
        if key not in self._opened:
            self._stated |= dict.fromkeys(options.columns, options)
            self._opened[key] = self._content(path, named_at, options)
        return self._opened[key]

    def _content(self, path: Path, named_at: Place | None, options: LoadOptions) -> Content:
        with unpacked(path, named_at) as opened:
            is_parquet = opened.is_parquet
            is_json = not is_parquet and (
                _suffix(path) in _JSON_SUFFIXES or _JSON_START.match(opened.read(_SNIFFED_BYTES)) is not None
            )
            if is_parquet:
                self._files.finish(opened, path)
        if is_parquet:
            from advisor.sources.load_parquet import parquet_blocks

            return parse_load_csv(parquet_blocks(path), str(path), options, self.notes, self._names)
        if is_json:
            text = self._files.text(path, named_at, options.encoding)
            content = parse_load_json(text, str(path), options, self.notes, self._names)
            content = without_total(content, lambda remark: self.notes.append(f"{path}: {remark}."))
            if not isinstance(content, LoadTable):
                self._names.update(name for metric in content for name in (metric.label, metric.query_id, *metric.other_names))
            return content
        with unpacked(path, named_at) as opened:
            blocks = self._files.blocks(opened, path, options.encoding)
            return self._with_shared_times(parse_load_csv(blocks, str(path), options, self.notes, self._names))

    def _with_shared_times(self, content: Content) -> Content:
        """Content, with the times of the table before it where they are the same: files of one export hold them once."""
        if isinstance(content, LoadTable):
            if np.array_equal(self._last_times_s, content.times.epoch_s):
                content = replace(content, times=replace(content.times, epoch_s=self._last_times_s))
            self._last_times_s = content.times.epoch_s
        return content

    def series_of(
        self, paths: Sequence[Path], service: str, named_at: Place | None = None, entry: LoadOptions | None = None
    ) -> Series:
        """What was measured of one service, on whole steps.

        Raises
        ------
        InputError
            When the files do not hold it.
        """
        options = self._options if entry is None else self._options.over(entry)
        records: list[Records] = []
        metrics: list[Metric] = []
        for path in dict.fromkeys(paths):
            found = self.opened(path, named_at, entry)
            if isinstance(found, LoadTable):
                records.append(found.records_of(service, self.notes))
            else:
                metrics.extend(found)
        if metrics or not records:
            place = Place(str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more files")
            records.extend(records_of_metrics(metrics, place, service, options, self.notes))
        return regular_series(records, self.notes, options.interval_s)

    def load_of(
        self, paths: Sequence[Path], statement: Statement, named_at: Place | None = None, entry: LoadOptions | None = None
    ) -> Load:
        """Load of one service from its files.

        Raises
        ------
        InputError
            When the files do not hold it, or not all that its form takes.
        """
        return service_load(self.series_of(paths, statement.name, named_at, entry), statement, self.notes)

    def check_columns(self) -> None:
        """Refuse a stated column that no file has.

        Raises
        ------
        InputError
            Naming the column, and those that there are.
        """
        for name in self._stated:
            if name not in self._names:
                raise InputError(
                    f"a meaning is stated for the column {name!r}, but no load file has it",
                    fix=f"The files have {listed(sorted(self._names - {''}))}.",
                )


def files_at(path: Path, named_at: Place | None = None) -> list[Path]:
    """The file, or the load files in a folder in the order of their names.

    Raises
    ------
    InputError
        When a folder holds none.
    """
    try:
        if not path.is_dir():
            return [path]
        found = sorted(filter(is_load_file, path.iterdir()))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "no such name is possible"
        raise (named_at or Place(str(path))).error(f"it cannot be read ({why.lower()})", fix="Check the name.") from None
    if not found:
        raise (named_at or Place(str(path))).error(
            f"{str(path)!r} is a folder without load files",
            fix=f"Name a file, or a folder with {listed(sorted(LOAD_SUFFIXES))}.",
        )
    return found


def is_load_file(path: Path) -> bool:
    """Whether what stands in a folder is read as load by its name, packed or not. What is no file is refused then."""
    return _suffix(path) in LOAD_SUFFIXES


def _suffix(path: Path) -> str:
    """The suffix below that of a packing: ``.csv`` of ``load.csv.gz``."""
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    if len(suffixes) > 1 and suffixes[-1] in _PACKINGS:
        return suffixes[-2]
    return suffixes[-1] if suffixes else ""


def stem(path: Path) -> str:
    """The name of a load file without its suffixes."""
    return Path(path.stem).stem if path.suffix.lower() in _PACKINGS else path.stem
