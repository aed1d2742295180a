"""What a fleet writes: its result, tables and page, and deploy files for every workload."""

import importlib.util
import re
from collections.abc import Mapping

from pydantic import TypeAdapter

from advisor.committing import AccountCommitments
from advisor.fleet.page import render_page
from advisor.fleet.records import WorkloadRecord
from advisor.fleet.result import DEFAULT_FOLD_BELOW_USD, Fleet
from advisor.fleet.tables import fleet_csv, fleet_markdown, fleet_parquet, steps_csv
from advisor.plan import Plan
from advisor.report.commitments import account_csv, account_json, account_markdown

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


def fleet_files(fleet: Fleet, *, fold_below_usd: float = DEFAULT_FOLD_BELOW_USD) -> dict[str, bytes]:
    """Relative path and content of ``fleet.json``, the tables and the page; Parquet where pyarrow is installed."""
    files = {
        "fleet.json": fleet.to_json().encode(),
        "services.csv": fleet_csv(fleet).encode(),
        "saving_steps.csv": steps_csv(fleet).encode(),
        "fleet.html": render_page(fleet, fold_below_usd=fold_below_usd).encode(),
        "fleet.md": fleet_markdown(fleet, fold_below_usd=fold_below_usd).encode(),
    }
    if fleet.commitments is not None:
        files |= account_files(fleet.commitments)
    if importlib.util.find_spec("pyarrow") is not None:
        files["services.parquet"] = fleet_parquet(fleet)
    return files


def account_files(account: AccountCommitments) -> dict[str, bytes]:
    """What to commit to in every form."""
    forms = {"json": account_json, "csv": account_csv, "md": account_markdown}
    return {f"commitments.{suffix}": render(account).encode() for suffix, render in forms.items()}


def plan_of(record: WorkloadRecord) -> Plan | None:
    """The recommended plan of a workload, checked again; None where there is none."""
    if record.plan is None:
        return None
    services = {
        name: {**{key: value for key, value in each.items() if key not in ("cpu", "memory")},
               "task": {"cpu_units": each["cpu"], "memory_mib": each["memory"]}}
        for name, each in record.plan["services"].items()
    }  # fmt: skip
    plan: Plan = TypeAdapter(Plan).validate_python({**record.plan, "services": services})
    return plan


def folder_names(fleet: Fleet) -> Mapping[str, str]:
    """A folder for each workload: its name in letters that every file system takes, numbered where two would be the same."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for record in fleet.records:
        plain = _NOT_IN_NAMES.sub("-", record.name).strip("-.")[:100] or "workload"
        name, number = plain, 2
        while name.lower() in taken:
            name, number = f"{plain}-{number}", number + 1
        taken.add(name.lower())
        names[record.name] = name
    return names
