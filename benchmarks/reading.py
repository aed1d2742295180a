"""A year of minutes of 20 services as CSV, against the C reader of pandas in the same run."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.measure import ROOT, Row, processes_s, python

N_SERVICES = 20
MINUTES = 525_600
_PEAK = "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"


def reading_rows(is_quick: bool) -> Iterator[Row]:
    """Whole processes without the time that their imports take; one long table, and one file a service."""
    with tempfile.TemporaryDirectory() as folder:
        long, many = Path(folder) / "long.csv", Path(folder) / "many"
        n_minutes = MINUTES // 10 if is_quick else MINUTES
        _write(long, many, n_minutes)
        for name, path, plain in (
            ("one long table", long, f"pandas.read_csv({str(long)!r})"),
            ("a file a service", many, f"[pandas.read_csv(p) for p in pathlib.Path({str(many)!r}).iterdir()]"),
        ):
            read = f"read_workload({str(path)!r}, region='us-east-1', cpu=512, memory=1024, requests_per_task=5)"
            idle_ours, ours = processes_s(
                python("-c", "from advisor import read_workload"),
                python("-c", f"from advisor import read_workload; {read}"),
                runs=1 if is_quick else 3,
            )
            peak = subprocess.run(
                python("-c", f"import resource; from advisor import read_workload; {read}; {_PEAK}"),
                check=True,
                capture_output=True,
                text=True,
                cwd=ROOT,
            )
            memory = float(peak.stdout) / 1024
            idle_theirs, theirs = processes_s(
                python("-c", "import pandas, pathlib"),
                python("-c", f"import pandas, pathlib; {plain}"),
                runs=1 if is_quick else 3,
            )
            yield Row(
                name=f"read_workload, {name}, {N_SERVICES * n_minutes:,} rows ({memory:,.0f} MB)",
                ours_s=ours - idle_ours,
                other="pandas.read_csv, same files",
                other_s=theirs - idle_theirs,
                goal=">= 1, < 1,000 MB",
            )


def _write(long: Path, many: Path, n_minutes: int) -> None:
    """The same load in both forms."""
    times = np.datetime64("2024-01-01T00:00:00") + np.arange(n_minutes) * np.timedelta64(60, "s")
    stamps = [f"{stamp}Z" for stamp in np.datetime_as_string(times, unit="s").tolist()]
    values = np.random.default_rng(0).gamma(3, 20, (n_minutes, N_SERVICES)).round(3).tolist()
    many.mkdir()
    with long.open("w", encoding="ascii") as file:
        file.write("timestamp,service,requests_per_second\n")
        for stamp, row in zip(stamps, values, strict=True):
            file.writelines(f"{stamp},service-{i:02},{value}\n" for i, value in enumerate(row))
    for i in range(N_SERVICES):
        with (many / f"service-{i:02}.csv").open("w", encoding="ascii") as file:
            file.write("timestamp,requests_per_second\n")
            file.writelines(f"{stamp},{row[i]}\n" for stamp, row in zip(stamps, values, strict=True))


if __name__ == "__main__":
    for row in reading_rows("--quick" in sys.argv):
        print(row.text(), flush=True)
