"""Makes docs/reference/ from the code."""

from tools.reference.api import api_page
from tools.reference.commands import commands_page, statuses_page
from tools.reference.inputs import load_files_page, workload_page
from tools.reference.markup import ROOT, UNDESCRIBED
from tools.reference.money import catalog_page, meters_page
from tools.reference.outputs import csv_page, result_page
from tools.reference.policies import iam_page

__all__ = ["FOLDER", "UNDESCRIBED", "pages", "write_pages"]

FOLDER = ROOT / "docs" / "reference"
MADE = "<!-- Made by `make reference` from the code: do not edit. -->\n\n"


def pages() -> dict[str, str]:
    """Name and text of every page that is made."""
    made = {
        "commands.md": commands_page(),
        "workload-file.md": workload_page(),
        "load-files.md": load_files_page(),
        "result.md": result_page(),
        "csv-output.md": csv_page(),
        "meters.md": meters_page(),
        "price-catalog.md": catalog_page(),
        "exit-statuses.md": statuses_page(),
        "iam-policies.md": iam_page(),
        "api.md": api_page(),
    }
    return {name: MADE + text.rstrip() + "\n" for name, text in made.items()}


def write_pages() -> None:
    """Write the pages that differ."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        path = FOLDER / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
            print(f"wrote {path.relative_to(ROOT)}")
