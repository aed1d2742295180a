"""A year of minutes of 20 services as CSV, against the C reader of pandas in the same run."""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.measure import ROOT, Row, python

N_SERVICES = 20
MINUTES = 525_600
_TIMED = """
import json, pathlib, re, time
{imports}
wall, cpu = time.perf_counter(), time.process_time()
{read}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
peak = re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())  # ru_maxrss counts the parent, too
print(json.dumps([wall, cpu, int(peak[1]) / 1024]))
"""
_OURS = "from advisor import read_workload\nimport advisor.sources.load_csv, advisor.sources.workload_file"


def reading_rows(is_quick: bool) -> Iterator[Row]:
    """One long table, and one file a service; imports are not counted. Each reader is timed in turns with the others.

    pandas reads once as it does by itself, which leaves times as text and takes all processors, and once with the times parsed,
    as a load needs them. With pyarrow installed, it reads text twice as fast as without.

    Ours hashes the file, checks its encoding, finds the columns, puts rows of a service together and on whole steps, too.
    Medians of 5 runs in CPU time, on two cores that many others used (a load of 8 to 16): one long table 1.67 s against 1.18 s
    (text); a file a service 1.57 s against 1.00 s; 290 MB at most against 1,131. Of the 0.5 s between them, hashing is 0.22 s.
    Blocks of 0.25 to 4 MiB, numbers in pieces that fit a cache, memory in large pages, and one or no worker made no difference
    beyond noise.
    """
    with tempfile.TemporaryDirectory() as folder:
        long, many = Path(folder) / "long.csv", Path(folder) / "many"
        n_minutes = MINUTES // 10 if is_quick else MINUTES
        _write(long, many, n_minutes)
        for name, path in (("one long table", long), ("a file a service", many)):
            files = repr([str(each) for each in (sorted(path.iterdir()) if path.is_dir() else [path])])
            ours, *theirs = _timed(
                (_OURS, f"read_workload({str(path)!r}, region='us-east-1', cpu=512, memory=1024, requests_per_task=5)"),
                ("import pandas", f"kept = [pandas.read_csv(path) for path in {files}]"),
                ("import pandas", f"kept = [pandas.read_csv(path, parse_dates=['timestamp']) for path in {files}]"),
                runs=1 if is_quick else 5,
            )
            others = (("read_csv, times left as text", "(less work)"), ("read_csv, parse_dates", ">= 1, < 1,000 MB"))
            for (other, goal), (wall_s, cpu_s, peak_mb) in zip(others, theirs, strict=True):
                yield Row(
                    name=f"read {N_SERVICES * n_minutes:,} rows, {name} ({ours[1]:.2f} s CPU, {ours[2]:,.0f} MB)",
                    ours_s=ours[0],
                    other=f"{other} ({cpu_s:.2f} s CPU, {peak_mb:,.0f} MB)",
                    other_s=wall_s,
                    goal=goal,
                )


def _timed(*readers: tuple[str, str], runs: int) -> list[list[float]]:
    """Medians of wall time, CPU time and peak memory of each. [s], [s], [MB]"""
    found: list[list[list[float]]] = [[] for _ in readers]
    for turn in range(runs + 1):
        for at, (imports, read) in enumerate(readers):
            command = python("-c", _TIMED.format(imports=imports, read=read))
            result = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
            if turn:
                found[at].append(json.loads(result.stdout))
    return [[statistics.median(each) for each in zip(*reader, strict=True)] for reader in found]


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
