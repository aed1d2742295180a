"""Load files of any kind, each opened once, however many services it holds."""

from collections.abc import Sequence
from pathlib import Path

from advisor.errors import InputError
from advisor.sources.demand import Load, Statement, service_load
from advisor.sources.input_files import InputFiles, Place, listed
from advisor.sources.load_cloudwatch import Metric, parse_load_json, records_of_service
from advisor.sources.load_csv import LoadCsv, LoadOptions, parse_load_csv
from advisor.sources.series import Records, regular_series


class LoadFiles:
    """Reads the load of services and collects what has to be said about it."""

    def __init__(self, files: InputFiles, options: LoadOptions) -> None:
        self._files = files
        self._options = options
        self._opened: dict[Path, LoadCsv | list[Metric]] = {}
        self._names: set[str] = set()
        self.notes: list[str] = []

    def opened(self, path: Path, named_at: Place | None = None) -> LoadCsv | list[Metric]:
        """What a file holds: a table, or metrics of CloudWatch.

        Raises
        ------
        InputError
            When the file cannot be read or understood. ``named_at`` is where another file names this one.
        """
        if path not in self._opened:
            text = self._files.text(path, named_at)
            if path.suffix.lower() == ".json" or text.lstrip()[:1] == "{":
                metrics = parse_load_json(text, str(path), self._options, self.notes)
                self._names.update(name for metric in metrics for name in (metric.label, metric.query_id))
                self._opened[path] = metrics
            else:
                table = parse_load_csv(text, str(path), self._options)
                self._names.update(table.header)
                self.notes.extend(table.remarks)
                self._opened[path] = table
        return self._opened[path]

    def load_of(self, paths: Sequence[Path], statement: Statement, named_at: Place | None = None) -> Load:
        """Load of one service from its files.

        Raises
        ------
        InputError
            When the files do not hold it, or not all that its form takes.
        """
        records: list[Records] = []
        metrics: list[Metric] = []
        for path in dict.fromkeys(paths):
            found = self.opened(path, named_at)
            if isinstance(found, LoadCsv):
                records.append(found.records_of(statement.name))
            else:
                metrics.extend(found)
        if metrics or not records:
            place = Place(str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more files")
            records.extend(records_of_service(metrics, place, statement.name, self._options, self.notes))
        return service_load(regular_series(records, self.notes), statement, self.notes)

    def check_columns(self) -> None:
        """Refuse a stated column that no file has.

        Raises
        ------
        InputError
            Naming the column, and those that there are.
        """
        for name in self._options.columns:
            if name not in self._names:
                raise InputError(
                    f"a meaning is stated for the column {name!r}, but no load file has it",
                    fix=f"The files have {listed(sorted(self._names - {''}))}.",
                )
