"""Everything that comes in: files that are read. Names load on first use, so that a command pays only for what it reads."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from advisor.sources.bill import read_bill
    from advisor.sources.catalog import read_catalog
    from advisor.sources.changes import Change, Stated, read_change
    from advisor.sources.recommendation_file import read_recommendation
    from advisor.sources.workload_file import read_workload
    from advisor.sources.workload_models import workload_schema

__all__ = [
    "Change",
    "Stated",
    "read_bill",
    "read_catalog",
    "read_change",
    "read_recommendation",
    "read_workload",
    "workload_schema",
]

_MODULES = {
    "Change": "advisor.sources.changes",
    "Stated": "advisor.sources.changes",
    "read_change": "advisor.sources.changes",
    "read_bill": "advisor.sources.bill",
    "read_catalog": "advisor.sources.catalog",
    "read_recommendation": "advisor.sources.recommendation_file",
    "read_workload": "advisor.sources.workload_file",
    "workload_schema": "advisor.sources.workload_models",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
