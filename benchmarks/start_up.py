"""Whole processes and the catalog."""

import tracemalloc
from collections.abc import Iterator

from advisor.sources import read_catalog
from benchmarks.measure import Row, median_s, peak_children_mb, processes_s, python


def process_rows(is_quick: bool) -> Iterator[Row]:
    """The commands, warm, beside imports that everybody knows."""
    runs = 3 if is_quick else 7
    recommend, imports = processes_s(
        python("-m", "advisor", "recommend", "examples/shop/workload.yaml", "--quiet"),
        python("-c", "import pandas, matplotlib"),
        runs=runs,
    )
    memory = peak_children_mb()
    yield Row(
        name=f"advisor recommend, example ({memory:.0f} MB)",
        ours_s=recommend,
        other="import pandas, matplotlib",
        other_s=imports,
        goal=">= 0.33, < 500 MB",
    )
    shown, typer = processes_s(python("-m", "advisor", "--help"), python("-c", "import typer"), runs=runs)
    yield Row(name="advisor --help", ours_s=shown, other="import typer", other_s=typer, goal=">= 0.4")


def catalog_rows(is_quick: bool) -> Iterator[Row]:
    """Reading the prices of the largest Region: what every answer needs, and everything."""
    runs = 5 if is_quick else 15
    seconds = median_s(lambda: read_catalog("us-east-1"), runs=runs)
    name = f"read_catalog, us-east-1 ({_catalog_mb():.1f} MB)"
    yield Row(name=name, ours_s=seconds, other="60 ms", other_s=0.060, goal=">= 1, < 30 MB")
    everything = median_s(lambda: len(read_catalog("us-east-1").region_prices("us-east-1").further), runs=runs)
    yield Row(name="with Windows and commitments", ours_s=everything, other="60 ms", other_s=0.060, goal=">= 1")


def _catalog_mb() -> float:
    """Most memory that reading a catalog takes, with all of its tables parsed."""
    tracemalloc.start()
    len(read_catalog("us-east-1").region_prices("us-east-1").further)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 2**20
