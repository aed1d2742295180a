"""Whether each Amazon ECS service should run on EC2 container instances, Fargate or Managed Instances, and what it costs."""

import importlib
from typing import TYPE_CHECKING, Any

from advisor.version import __version__

if TYPE_CHECKING:
    from advisor.answer import advise as advise
    from advisor.recommend import Recommendation as Recommendation
    from advisor.sources import read_catalog as read_catalog
    from advisor.sources import read_workload as read_workload

_HOMES = {
    "advise": "advisor.answer",
    "Recommendation": "advisor.recommend",
    "read_catalog": "advisor.sources",
    "read_workload": "advisor.sources",
}

__all__ = ["Recommendation", "__version__", "advise", "read_catalog", "read_workload"]


def __getattr__(name: str) -> Any:
    """Public names are loaded on first use, so that ``import advisor`` stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module 'advisor' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return value
