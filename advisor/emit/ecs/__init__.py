"""Deploy files for plain Amazon ECS: each JSON file is the request of one API call, beside roles, placeholders and a README."""

from collections.abc import Mapping

from advisor.emit.ecs.calls import Call, call_files, json_bytes, parse_calls
from advisor.emit.ecs.capacity import cluster_calls, provider_calls
from advisor.emit.ecs.checks import check_plan
from advisor.emit.ecs.parse import parse_ecs
from advisor.emit.ecs.placeholders import PLACEHOLDER_SCRIPT, find_placeholders, placeholder_script
from advisor.emit.ecs.readme import readme
from advisor.emit.ecs.roles import policy_documents
from advisor.emit.ecs.service import service_calls
from advisor.plan import Plan

__all__ = ["parse_calls", "parse_ecs", "render_ecs"]


def render_ecs(plan: Plan) -> dict[str, bytes]:
    """Everything that puts ``plan`` into effect: relative path and content of each file, the same for the same plan.

    Raises
    ------
    PlanError
        If AWS would refuse a part of the plan, or a name cannot safely become a path.
    """
    check_plan(plan)
    calls = _calls(plan)
    files = call_files(plan.region, calls)
    files |= {path: json_bytes(document) for path, document in policy_documents(plan).items()}
    placeholders = find_placeholders(files)
    files[PLACEHOLDER_SCRIPT] = placeholder_script(placeholders).encode()
    files["README.md"] = readme(plan, calls, placeholders).encode()
    return _sorted(files)


def _calls(plan: Plan) -> list[Call]:
    calls = [*cluster_calls(plan), *provider_calls(plan)]
    for name in sorted(plan.services):
        calls += service_calls(plan, name)
    return calls


def _sorted(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {path: files[path] for path in sorted(files)}
