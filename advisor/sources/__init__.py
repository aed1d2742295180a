"""Everything that comes in: files that are read. Names load on first use, so that a command pays only for what it reads."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from advisor.sources.bill import read_bill
    from advisor.sources.catalog import read_catalog
    from advisor.sources.catalog_check import check_catalog
    from advisor.sources.changes import Change, Stated, read_change
    from advisor.sources.inspection import inspect_load
    from advisor.sources.load_options import LoadOptions
    from advisor.sources.new_workload import LoadShape, NewService, render_new_workload
    from advisor.sources.recommendation_file import read_recommendation
    from advisor.sources.validators import Check, verify_files
    from advisor.sources.workload_file import read_workload
    from advisor.sources.workload_models import workload_schema

__all__ = [
    "Change",
    "Check",
    "LoadOptions",
    "LoadShape",
    "NewService",
    "Stated",
    "check_catalog",
    "inspect_load",
    "read_bill",
    "read_catalog",
    "read_change",
    "read_recommendation",
    "read_workload",
    "render_new_workload",
    "verify_files",
    "workload_schema",
]

_MODULES = {
    "LoadOptions": "advisor.sources.load_options",
    "inspect_load": "advisor.sources.inspection",
    "Change": "advisor.sources.changes",
    "Check": "advisor.sources.validators",
    "LoadShape": "advisor.sources.new_workload",
    "NewService": "advisor.sources.new_workload",
    "Stated": "advisor.sources.changes",
    "check_catalog": "advisor.sources.catalog_check",
    "read_change": "advisor.sources.changes",
    "render_new_workload": "advisor.sources.new_workload",
    "read_bill": "advisor.sources.bill",
    "read_catalog": "advisor.sources.catalog",
    "read_recommendation": "advisor.sources.recommendation_file",
    "read_workload": "advisor.sources.workload_file",
    "verify_files": "advisor.sources.validators",
    "workload_schema": "advisor.sources.workload_models",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
