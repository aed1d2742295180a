"""Deploy files for plain Amazon ECS: each JSON file is the request of one API call, beside policies, scripts and a README."""

from collections.abc import Mapping

from advisor.emit.ecs.alarms import dashboard_calls
from advisor.emit.ecs.calls import Call, call_files, parse_calls
from advisor.emit.ecs.capacity import cluster_calls, provider_calls
from advisor.emit.ecs.checks import check_plan
from advisor.emit.ecs.network import security_group_calls
from advisor.emit.ecs.parse import parse_ecs
from advisor.emit.ecs.placeholders import PLACEHOLDER_SCRIPT, find_placeholders, placeholder_script
from advisor.emit.ecs.readme import readme
from advisor.emit.ecs.registry import repository_calls
from advisor.emit.ecs.roles import role_calls
from advisor.emit.ecs.scripts import scripts
from advisor.emit.ecs.service import service_calls, services_in_order
from advisor.plan import Plan

__all__ = ["calls_of", "parse_calls", "parse_ecs", "render_ecs"]


def render_ecs(plan: Plan) -> dict[str, bytes]:
    """Everything that puts ``plan`` into effect: relative path and content of each file, the same for the same plan.

    Raises
    ------
    PlanError
        If AWS would refuse a part of the plan, or a name cannot safely become a path.

    Examples
    --------
    >>> import advisor
    >>> plan = advisor.read_recommendation("reports/shop").recommended.plan
    >>> sorted(advisor.render_ecs(plan))[:2]
    ['01-create-cluster.json', '02-put-account-setting-default.json']
    """
    calls = calls_of(plan)
    files = call_files(plan.region, calls)
    placeholders = find_placeholders(files)
    files[PLACEHOLDER_SCRIPT] = placeholder_script(placeholders).encode()
    files |= {path: text.encode() for path, text in scripts(plan, calls).items()}
    files["README.md"] = readme(plan, placeholders).encode()
    return _sorted(files)


def calls_of(plan: Plan) -> list[Call]:
    """Every API call that puts ``plan`` into effect, in order: what all formats are made from."""
    check_plan(plan)
    calls = [*cluster_calls(plan), *repository_calls(plan), *security_group_calls(plan), *role_calls(plan)]
    calls += provider_calls(plan)
    for name in services_in_order(plan):
        calls += service_calls(plan, name)
    return [*calls, *dashboard_calls(plan)]


def _sorted(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {path: files[path] for path in sorted(files)}
