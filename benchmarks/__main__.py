"""``python -m benchmarks [--quick] [--services N] [--write]``: one table of ratios, all from one run."""

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.commitments import stack_rows
from benchmarks.draws import draw_rows
from benchmarks.fleet import cluster_rows, fleet_rows, growth, one_service_rows
from benchmarks.measure import HEADER, Row, Skipped, machine
from benchmarks.page import write_page
from benchmarks.reading import reading_rows
from benchmarks.replay import counts_rows, replay_rows
from benchmarks.report import report_rows, simpy_rows
from benchmarks.solvers import commitment_rows, solver_rows
from benchmarks.start_up import catalog_rows, process_rows
from benchmarks.sweep import packing_rows, sweep_rows

ALL: tuple[Callable[[bool], Iterator[Row | Skipped]], ...] = (
    sweep_rows,
    packing_rows,
    counts_rows,
    replay_rows,
    simpy_rows,
    solver_rows,
    commitment_rows,
    stack_rows,
    draw_rows,
    report_rows,
    catalog_rows,
    process_rows,
    reading_rows,
    one_service_rows,
    cluster_rows,
)


def main() -> None:
    """Print the table row by row; with ``--write`` also into docs/benchmarks.md, with how time and memory grow."""
    if os.environ.get("OPENBLAS_CORETYPE"):
        print("OPENBLAS_CORETYPE is set: unset it, it slows numpy", file=sys.stderr)
    # pip compiles what it installs; where this is set, ours alone would be compiled anew in every process.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    is_quick = "--quick" in sys.argv
    print(f"{machine()}; ratio = theirs / ours")
    print(HEADER)
    found: list[Row | Skipped] = []
    n_services = int(sys.argv[sys.argv.index("--services") + 1]) if "--services" in sys.argv else None
    for rows in (*ALL, partial(fleet_rows, n_services=n_services)):
        for row in rows(is_quick):
            print(row.text(), flush=True)
            found.append(row)
    if "--write" in sys.argv:
        write_page(found, growth(is_quick and n_services is None), is_quick=is_quick)


if __name__ == "__main__":
    main()
