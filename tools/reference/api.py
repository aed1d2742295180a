"""The public names, in an order; mkdocstrings fills in what the code says of them."""

import re
from collections.abc import Mapping

from tools.reference.markup import code, table

API: Mapping[str, tuple[str, ...]] = {
    "Read": ("read_workload", "read_catalog", "read_recommendation", "read_change", "read_bill", "inspect_load", "LoadOptions", "Stated"),
    "Decide": ("advise", "explore", "Recommendation", "explain", "explain_markdown", "render_summary", "render_markdown", "render_report", "write_files"),
    "Many workloads": ("advise_fleet", "FleetOptions", "Fleet", "Engine"),
    "Ask more": (
        "rank_instances", "sweep", "AxisName", "sensitivity", "payback", "gate", "Limits", "backtest", "reconcile", "commit.*", "cheapest_fleet",
        "FleetProblem",
    ),
    "Make a workload": ("render_new_workload", "NewService", "LoadShape", "collect_workload", "iam_policy"),
    "Emit": ("render_*", "hybrid_plan", "merge_plan", "diff_plan", "priced_diff", "live_documents", "migration_page", "verify_emitted"),
    "Charts": ("plot_*",),
    "Prices": ("violations", "check_catalog", "rate_changes", "refresh_prices", "RefreshOptions", "opened_account"),
    "Schemas": ("workload_schema", "recommendation_schema"),
    "Errors": ("AdvisorError", "InputError", "PlanError", "PriceNotFoundError", "OutputError"),
}  # fmt: skip
"""Headings of the API page, and the names below each; a star takes what is left."""


def api_page() -> str:
    """Every public name; mkdocstrings fills in signature and docstring from the code when the site is built."""
    import advisor

    left = [name for name in advisor.__all__ if not name.startswith("__")]
    text = [
        "# Python API\n",
        "What a command does is one call. Everything below is `advisor.NAME`; other modules may change. The package is typed",
        "(`py.typed`), and every call that can fail on its input raises an [AdvisorError](exit-statuses.md#errors-of-the-library).\n",
        table(("command", "call"), [(code(command), call) for command, call in CALLS.items()]),
    ]
    for heading, wanted in API.items():
        text.append(f"## {heading}\n")
        for pattern in wanted:
            for name in [n for n in left if re.fullmatch(pattern.replace("*", ".*"), n)]:
                left.remove(name)
                text.append(_directive(name))
    text += ["## More\n", *map(_directive, left)] if left else []
    return "\n".join(text)


def _directive(name: str) -> str:
    import advisor

    return f"::: {advisor._HOMES[name]}.{name}\n"


CALLS: Mapping[str, str] = {
    "advisor recommend": "`advise(read_workload(path), read_catalog(region))`; with what would change the answer, `explore(...)`",
    "advisor recommend FOLDER": "`advise_fleet([folder])`",
    "advisor explain": "`explain(recommendation, service)`, `explain_markdown(...)`",
    "advisor instances": "`rank_instances(workload, catalog)`",
    "advisor collect": "`collect_workload(session, cluster, now=...)`, `iam_policy(...)`",
    "advisor inspect": "`inspect_load(path)`",
    "advisor new": "`render_new_workload(NewService(...))`",
    "advisor emit": "`render_ecs(plan)`, `render_terraform(plan)` ...; `merge_plan`, `diff_plan` of `live_documents(...)`, `verify_emitted`",
    "advisor gate": "`gate(change.before, change.after, catalog)` of `read_change(...)`",
    "advisor sweep": "`sweep(workload, catalog)`, `sensitivity(...)`, `payback(...)`",
    "advisor commit": "`commit(workload, catalog)`",
    "advisor backtest": "`backtest(workload, catalog)`; `reconcile(workload, catalog, read_bill(path))`",
    "advisor prices": "`read_catalog(region)`, `check_catalog()`, `rate_changes(...)`, `refresh_prices(regions)`",
    "advisor schema": "`workload_schema()`, `recommendation_schema()`",
}
"""By command, the call that does it."""
