"""Notebooks are stored without outputs and run from top to bottom, on the example and on other data."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
QUICK = {("01-ec2-or-fargate", 0), ("01-ec2-or-fargate", 1), ("05-published-claims", 1)}
"""Notebook and number of its workload; the others run on the smaller one, and on the larger one as long evidence."""
WORKLOADS = ["../examples/shop/workload.yaml", "../examples/cloudwatch/workload.yaml"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_it_is_stored_without_outputs(path):
    for cell in nbformat.read(path, as_version=4).cells:
        assert cell.cell_type == "markdown" or (cell.outputs == [] and cell.execution_count is None)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:Proactor event loop", "ignore::ResourceWarning")
@pytest.mark.parametrize(
    ("path", "workload"),
    [
        pytest.param(path, workload, marks=() if number or (path.stem, number) in QUICK else pytest.mark.prove)
        for path in NOTEBOOKS
        for number, workload in enumerate(WORKLOADS)
    ],
    ids=lambda value: value.name if isinstance(value, Path) else value.split("/")[2],
)
def test_it_runs(path, workload):
    notebook = nbformat.read(path, as_version=4)
    setup = next(cell for cell in notebook.cells if "WORKLOAD = " in cell.source)
    setup.source = setup.source.replace(WORKLOADS[0], workload)
    NotebookClient(notebook, timeout=180, resources={"metadata": {"path": str(path.parent)}}).execute()
    texts = [output.get("text", "") for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    by_hand = next(text for text in texts if "by hand" in text)
    assert by_hand.split()[0] == by_hand.split("by hand, ")[1].split()[0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:Proactor event loop", "ignore::ResourceWarning")
def test_your_own_data_takes_another_file(tmp_path):
    rows = [f"2026-09-{1 + hour // 24:02d}T{hour % 24:02d}:00:00Z,{2 + hour % 5},{40 + hour % 30}" for hour in range(21 * 24)]
    (tmp_path / "own.csv").write_text("\n".join(["timestamp,tasks,cpu_percent", *rows]), encoding="utf-8")
    (path,) = (each for each in NOTEBOOKS if each.stem.startswith("06"))
    notebook = nbformat.read(path, as_version=4)
    setup = next(cell for cell in notebook.cells if "WORKLOAD = " in cell.source)
    setup.source = setup.source.replace(WORKLOADS[0], WORKLOADS[1]).replace(
        'folder / "load.csv"', repr(str(tmp_path / "own.csv"))
    )
    setup.source = setup.source.replace('", requests_per_task: 20"', '""')
    notebook.cells = [cell for cell in notebook.cells if "to_csv(LOAD" not in cell.source]
    NotebookClient(notebook, timeout=180, resources={"metadata": {"path": str(path.parent)}}).execute()
    shown = [output["data"]["text/plain"] for cell in notebook.cells for output in cell.get("outputs", ()) if "data" in output]
    assert "own.csv" in " ".join(shown)
