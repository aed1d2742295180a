"""Whether each Amazon ECS service should run on EC2 container instances, Fargate or Managed Instances, and what it costs."""

import importlib
from typing import TYPE_CHECKING, Any

from advisor.version import __version__

if TYPE_CHECKING:
    from advisor.answer import advise as advise
    from advisor.emit import render_cloudformation as render_cloudformation
    from advisor.emit import render_ecs as render_ecs
    from advisor.emit import render_terraform as render_terraform
    from advisor.recommend import Recommendation as Recommendation
    from advisor.report.charts import plot_busiest_week as plot_busiest_week
    from advisor.report.charts import plot_costs as plot_costs
    from advisor.report.charts import plot_load as plot_load
    from advisor.report.charts import plot_loads as plot_loads
    from advisor.report.charts import plot_stairs as plot_stairs
    from advisor.sources import read_catalog as read_catalog
    from advisor.sources import read_recommendation as read_recommendation
    from advisor.sources import read_workload as read_workload

_HOMES = {
    "advise": "advisor.answer",
    "render_cloudformation": "advisor.emit",
    "render_ecs": "advisor.emit",
    "render_terraform": "advisor.emit",
    "Recommendation": "advisor.recommend",
    "plot_busiest_week": "advisor.report.charts",
    "plot_costs": "advisor.report.charts",
    "plot_load": "advisor.report.charts",
    "plot_loads": "advisor.report.charts",
    "plot_stairs": "advisor.report.charts",
    "read_catalog": "advisor.sources",
    "read_recommendation": "advisor.sources",
    "read_workload": "advisor.sources",
}

__all__ = [
    "Recommendation",
    "__version__",
    "advise",
    "plot_busiest_week",
    "plot_costs",
    "plot_load",
    "plot_loads",
    "plot_stairs",
    "read_catalog",
    "read_recommendation",
    "read_workload",
    "render_cloudformation",
    "render_ecs",
    "render_terraform",
]


def __getattr__(name: str) -> Any:
    """Public names are loaded on first use, so that ``import advisor`` stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module 'advisor' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return value
