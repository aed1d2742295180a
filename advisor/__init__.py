"""Whether each Amazon ECS service should run on EC2 container instances, Fargate or Managed Instances, and what it costs."""

import importlib
from typing import TYPE_CHECKING, Any

from advisor.version import __version__

if TYPE_CHECKING:
    from advisor.answer import advise as advise
    from advisor.backtesting import backtest as backtest
    from advisor.committing import commit as commit
    from advisor.emit import render_cloudformation as render_cloudformation
    from advisor.emit import render_copilot as render_copilot
    from advisor.emit import render_ecs as render_ecs
    from advisor.emit import render_ecspresso as render_ecspresso
    from advisor.emit import render_express as render_express
    from advisor.emit import render_terraform as render_terraform
    from advisor.emit import render_terraform_module as render_terraform_module
    from advisor.emit.diff import diff_plan as diff_plan
    from advisor.emit.diff import priced_diff as priced_diff
    from advisor.emit.merge import merge_plan as merge_plan
    from advisor.emit.migration import migration_page as migration_page
    from advisor.gating import Limits as Limits
    from advisor.gating import gate as gate
    from advisor.optimize.fleet import FleetProblem as FleetProblem
    from advisor.optimize.fleet import cheapest_fleet as cheapest_fleet
    from advisor.ranking import rank_instances as rank_instances
    from advisor.recommend import Recommendation as Recommendation
    from advisor.reconciling import reconcile as reconcile
    from advisor.report.charts import plot_busiest_week as plot_busiest_week
    from advisor.report.charts import plot_commitment as plot_commitment
    from advisor.report.charts import plot_costs as plot_costs
    from advisor.report.charts import plot_load as plot_load
    from advisor.report.charts import plot_loads as plot_loads
    from advisor.report.charts import plot_replayed_week as plot_replayed_week
    from advisor.report.charts import plot_sensitivity as plot_sensitivity
    from advisor.report.charts import plot_stairs as plot_stairs
    from advisor.report.charts import plot_sweep as plot_sweep
    from advisor.sources import LoadOptions as LoadOptions
    from advisor.sources import LoadShape as LoadShape
    from advisor.sources import NewService as NewService
    from advisor.sources import Stated as Stated
    from advisor.sources import inspect_load as inspect_load
    from advisor.sources import read_bill as read_bill
    from advisor.sources import read_catalog as read_catalog
    from advisor.sources import read_change as read_change
    from advisor.sources import read_recommendation as read_recommendation
    from advisor.sources import read_workload as read_workload
    from advisor.sources import render_new_workload as render_new_workload
    from advisor.sources.prices import refresh_prices as refresh_prices
    from advisor.sweeping import payback as payback
    from advisor.sweeping import sensitivity as sensitivity
    from advisor.sweeping import sweep as sweep
    from advisor.verify import verify_emitted as verify_emitted

_HOMES = {
    "LoadShape": "advisor.sources",
    "NewService": "advisor.sources",
    "render_new_workload": "advisor.sources",
    "advise": "advisor.answer",
    "backtest": "advisor.backtesting",
    "commit": "advisor.committing",
    "render_ecs": "advisor.emit",
    "Limits": "advisor.gating",
    "Stated": "advisor.sources",
    "diff_plan": "advisor.emit.diff",
    "merge_plan": "advisor.emit.merge",
    "migration_page": "advisor.emit.migration",
    "priced_diff": "advisor.emit.diff",
    "gate": "advisor.gating",
    "render_copilot": "advisor.emit",
    "render_ecspresso": "advisor.emit",
    "render_express": "advisor.emit",
    "LoadOptions": "advisor.sources",
    "render_cloudformation": "advisor.emit",
    "render_terraform": "advisor.emit",
    "render_terraform_module": "advisor.emit",
    "Recommendation": "advisor.recommend",
    "hybrid_plan": "advisor.recommend.hybrid",
    "inspect_load": "advisor.sources",
    "reconcile": "advisor.reconciling",
    "FleetProblem": "advisor.optimize.fleet",
    "cheapest_fleet": "advisor.optimize.fleet",
    "rank_instances": "advisor.ranking",
    "plot_busiest_week": "advisor.report.charts",
    "plot_commitment": "advisor.report.charts",
    "plot_costs": "advisor.report.charts",
    "plot_load": "advisor.report.charts",
    "plot_loads": "advisor.report.charts",
    "plot_sensitivity": "advisor.report.charts",
    "plot_replayed_week": "advisor.report.charts",
    "plot_stairs": "advisor.report.charts",
    "plot_sweep": "advisor.report.charts",
    "read_bill": "advisor.sources",
    "read_catalog": "advisor.sources",
    "read_change": "advisor.sources",
    "read_recommendation": "advisor.sources",
    "read_workload": "advisor.sources",
    "verify_emitted": "advisor.verify",
    "refresh_prices": "advisor.sources.prices",
    "payback": "advisor.sweeping",
    "sensitivity": "advisor.sweeping",
    "sweep": "advisor.sweeping",
}

__all__ = [
    "FleetProblem",
    "Limits",
    "LoadOptions",
    "LoadShape",
    "NewService",
    "Recommendation",
    "Stated",
    "__version__",
    "advise",
    "backtest",
    "cheapest_fleet",
    "commit",
    "diff_plan",
    "gate",
    "hybrid_plan",
    "inspect_load",
    "merge_plan",
    "migration_page",
    "payback",
    "plot_busiest_week",
    "plot_commitment",
    "plot_costs",
    "plot_load",
    "plot_loads",
    "plot_replayed_week",
    "plot_sensitivity",
    "plot_stairs",
    "plot_sweep",
    "priced_diff",
    "rank_instances",
    "read_bill",
    "read_catalog",
    "read_change",
    "read_recommendation",
    "read_workload",
    "reconcile",
    "refresh_prices",
    "render_cloudformation",
    "render_copilot",
    "render_ecs",
    "render_ecspresso",
    "render_express",
    "render_new_workload",
    "render_terraform",
    "render_terraform_module",
    "sensitivity",
    "sweep",
    "verify_emitted",
]


def __getattr__(name: str) -> Any:
    """Public names are loaded on first use, so that ``import advisor`` stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module 'advisor' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return value
