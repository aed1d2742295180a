"""``python -m benchmarks [--quick]``: one table of ratios, all from one run. Nothing is asserted about time."""

import os
import platform
import sys

from benchmarks.draws import draw_rows
from benchmarks.measure import HEADER
from benchmarks.reading import reading_rows
from benchmarks.replay import replay_rows
from benchmarks.start_up import catalog_rows, process_rows
from benchmarks.sweep import packing_rows, sweep_rows


def main() -> None:
    """Print the table row by row."""
    if os.environ.get("OPENBLAS_CORETYPE"):
        print("OPENBLAS_CORETYPE is set: unset it, it slows numpy", file=sys.stderr)
    is_quick = "--quick" in sys.argv
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; ratio = theirs / ours")
    print(HEADER)
    for rows in (sweep_rows, packing_rows, replay_rows, draw_rows, catalog_rows, process_rows, reading_rows):
        for row in rows(is_quick):
            print(row.text(), flush=True)


if __name__ == "__main__":
    main()
