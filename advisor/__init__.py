"""Whether each Amazon ECS service should run on EC2 container instances, Fargate or Managed Instances, and what it costs."""

import importlib
from typing import TYPE_CHECKING, Any

from advisor.version import __version__

if TYPE_CHECKING:
    from advisor.answer import advise as advise
    from advisor.backtesting import backtest as backtest
    from advisor.committing import commit as commit
    from advisor.ecs import LaunchType as LaunchType
    from advisor.ecs import PlacementStrategy as PlacementStrategy
    from advisor.ecs import PurchaseOption as PurchaseOption
    from advisor.emit import render_cloudformation as render_cloudformation
    from advisor.emit import render_copilot as render_copilot
    from advisor.emit import render_ecs as render_ecs
    from advisor.emit import render_ecspresso as render_ecspresso
    from advisor.emit import render_express as render_express
    from advisor.emit import render_terraform as render_terraform
    from advisor.emit import render_terraform_module as render_terraform_module
    from advisor.emit.diff import diff_plan as diff_plan
    from advisor.emit.diff_money import priced_diff as priced_diff
    from advisor.emit.merge import merge_plan as merge_plan
    from advisor.emit.migration import migration_page as migration_page
    from advisor.errors import AdvisorError as AdvisorError
    from advisor.errors import InputError as InputError
    from advisor.errors import OutputError as OutputError
    from advisor.errors import PlanError as PlanError
    from advisor.errors import PriceNotFoundError as PriceNotFoundError
    from advisor.exploring import explore as explore
    from advisor.files import write_files as write_files
    from advisor.fleet import CommitmentQuestion as CommitmentQuestion
    from advisor.fleet import Engine as Engine
    from advisor.fleet import Fleet as Fleet
    from advisor.fleet import FleetOptions as FleetOptions
    from advisor.fleet import advise_fleet as advise_fleet
    from advisor.gating import Limits as Limits
    from advisor.gating import gate as gate
    from advisor.optimize.fleet import FleetProblem as FleetProblem
    from advisor.optimize.fleet import cheapest_fleet as cheapest_fleet
    from advisor.pricing import PriceCatalog as PriceCatalog
    from advisor.pricing import rate_changes as rate_changes
    from advisor.pricing import violations as violations
    from advisor.ranking import rank_instances as rank_instances
    from advisor.recommend import Recommendation as Recommendation
    from advisor.recommend import recommendation_schema as recommendation_schema
    from advisor.recommend.hybrid import hybrid_plan as hybrid_plan
    from advisor.reconciling import reconcile as reconcile
    from advisor.report import render_markdown as render_markdown
    from advisor.report import render_summary as render_summary
    from advisor.report.charts import plot_busiest_week as plot_busiest_week
    from advisor.report.charts import plot_cheapest_map as plot_cheapest_map
    from advisor.report.charts import plot_commitment as plot_commitment
    from advisor.report.charts import plot_costs as plot_costs
    from advisor.report.charts import plot_load as plot_load
    from advisor.report.charts import plot_loads as plot_loads
    from advisor.report.charts import plot_packing as plot_packing
    from advisor.report.charts import plot_replayed_week as plot_replayed_week
    from advisor.report.charts import plot_sensitivity as plot_sensitivity
    from advisor.report.charts import plot_stairs as plot_stairs
    from advisor.report.charts import plot_sweep as plot_sweep
    from advisor.report.explain import explain_markdown as explain_markdown
    from advisor.report.explanation import explain as explain
    from advisor.report.folder import render_report as render_report
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
    from advisor.sources import workload_schema as workload_schema
    from advisor.sources.aws import collect_workload as collect_workload
    from advisor.sources.aws import iam_policy as iam_policy
    from advisor.sources.aws.live import live_documents as live_documents
    from advisor.sources.catalog_check import check_catalog as check_catalog
    from advisor.sources.prices import RefreshOptions as RefreshOptions
    from advisor.sources.prices import refresh_prices as refresh_prices
    from advisor.sources.prices.account import opened_account as opened_account
    from advisor.sweeping import AxisName as AxisName
    from advisor.sweeping import payback as payback
    from advisor.sweeping import sensitivity as sensitivity
    from advisor.sweeping import sweep as sweep
    from advisor.verify import verify_emitted as verify_emitted
    from advisor.workload import Workload as Workload

_HOMES = {
    "AdvisorError": "advisor.errors",
    "AxisName": "advisor.sweeping",
    "Engine": "advisor.fleet",
    "Fleet": "advisor.fleet",
    "CommitmentQuestion": "advisor.fleet",
    "FleetOptions": "advisor.fleet",
    "FleetProblem": "advisor.optimize.fleet",
    "InputError": "advisor.errors",
    "LaunchType": "advisor.ecs",
    "Limits": "advisor.gating",
    "LoadOptions": "advisor.sources",
    "LoadShape": "advisor.sources",
    "NewService": "advisor.sources",
    "OutputError": "advisor.errors",
    "PlacementStrategy": "advisor.ecs",
    "PlanError": "advisor.errors",
    "PriceCatalog": "advisor.pricing",
    "PriceNotFoundError": "advisor.errors",
    "PurchaseOption": "advisor.ecs",
    "Recommendation": "advisor.recommend",
    "RefreshOptions": "advisor.sources.prices",
    "Stated": "advisor.sources",
    "Workload": "advisor.workload",
    "advise": "advisor.answer",
    "advise_fleet": "advisor.fleet",
    "backtest": "advisor.backtesting",
    "cheapest_fleet": "advisor.optimize.fleet",
    "check_catalog": "advisor.sources.catalog_check",
    "collect_workload": "advisor.sources.aws",
    "commit": "advisor.committing",
    "diff_plan": "advisor.emit.diff",
    "explain": "advisor.report.explanation",
    "explain_markdown": "advisor.report.explain",
    "gate": "advisor.gating",
    "hybrid_plan": "advisor.recommend.hybrid",
    "iam_policy": "advisor.sources.aws",
    "inspect_load": "advisor.sources",
    "live_documents": "advisor.sources.aws.live",
    "merge_plan": "advisor.emit.merge",
    "migration_page": "advisor.emit.migration",
    "opened_account": "advisor.sources.prices.account",
    "payback": "advisor.sweeping",
    "plot_busiest_week": "advisor.report.charts",
    "plot_commitment": "advisor.report.charts",
    "plot_cheapest_map": "advisor.report.charts",
    "plot_costs": "advisor.report.charts",
    "plot_packing": "advisor.report.charts",
    "plot_load": "advisor.report.charts",
    "plot_loads": "advisor.report.charts",
    "plot_replayed_week": "advisor.report.charts",
    "plot_sensitivity": "advisor.report.charts",
    "plot_stairs": "advisor.report.charts",
    "plot_sweep": "advisor.report.charts",
    "priced_diff": "advisor.emit.diff_money",
    "rank_instances": "advisor.ranking",
    "rate_changes": "advisor.pricing",
    "read_bill": "advisor.sources",
    "read_catalog": "advisor.sources",
    "read_change": "advisor.sources",
    "read_recommendation": "advisor.sources",
    "read_workload": "advisor.sources",
    "recommendation_schema": "advisor.recommend",
    "reconcile": "advisor.reconciling",
    "refresh_prices": "advisor.sources.prices",
    "render_cloudformation": "advisor.emit",
    "render_copilot": "advisor.emit",
    "render_ecs": "advisor.emit",
    "render_ecspresso": "advisor.emit",
    "render_express": "advisor.emit",
    "render_markdown": "advisor.report",
    "render_new_workload": "advisor.sources",
    "render_report": "advisor.report.folder",
    "render_summary": "advisor.report",
    "render_terraform": "advisor.emit",
    "render_terraform_module": "advisor.emit",
    "explore": "advisor.exploring",
    "sensitivity": "advisor.sweeping",
    "sweep": "advisor.sweeping",
    "verify_emitted": "advisor.verify",
    "violations": "advisor.pricing",
    "workload_schema": "advisor.sources",
    "write_files": "advisor.files",
}

__all__ = [
    "AdvisorError",
    "AxisName",
    "CommitmentQuestion",
    "Engine",
    "Fleet",
    "FleetOptions",
    "FleetProblem",
    "InputError",
    "LaunchType",
    "Limits",
    "LoadOptions",
    "LoadShape",
    "NewService",
    "OutputError",
    "PlacementStrategy",
    "PlanError",
    "PriceCatalog",
    "PriceNotFoundError",
    "PurchaseOption",
    "Recommendation",
    "RefreshOptions",
    "Stated",
    "Workload",
    "__version__",
    "advise",
    "advise_fleet",
    "backtest",
    "cheapest_fleet",
    "check_catalog",
    "collect_workload",
    "commit",
    "diff_plan",
    "explain",
    "explain_markdown",
    "explore",
    "gate",
    "hybrid_plan",
    "iam_policy",
    "inspect_load",
    "live_documents",
    "merge_plan",
    "migration_page",
    "opened_account",
    "payback",
    "plot_busiest_week",
    "plot_cheapest_map",
    "plot_commitment",
    "plot_costs",
    "plot_load",
    "plot_loads",
    "plot_packing",
    "plot_replayed_week",
    "plot_sensitivity",
    "plot_stairs",
    "plot_sweep",
    "priced_diff",
    "rank_instances",
    "rate_changes",
    "read_bill",
    "read_catalog",
    "read_change",
    "read_recommendation",
    "read_workload",
    "recommendation_schema",
    "reconcile",
    "refresh_prices",
    "render_cloudformation",
    "render_copilot",
    "render_ecs",
    "render_ecspresso",
    "render_express",
    "render_markdown",
    "render_new_workload",
    "render_report",
    "render_summary",
    "render_terraform",
    "render_terraform_module",
    "sensitivity",
    "sweep",
    "verify_emitted",
    "violations",
    "workload_schema",
    "write_files",
]


def __getattr__(name: str) -> Any:
    """Public names are loaded on first use, so that ``import advisor`` stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module 'advisor' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return value
