"""``advisor emit --from`` and ``--diff``: a plan against what exists."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from advisor.cli.options import Format, say
from advisor.errors import InputError

if TYPE_CHECKING:
    from advisor.emit.diff import Diff
    from advisor.plan import Plan
    from advisor.recommend import Recommendation
    from advisor.workload import Workload


def plan_of(recommendation: "Recommendation") -> "Plan":
    """The recommended plan."""
    plan = recommendation.recommended.plan
    if plan is None:
        raise InputError("the recommended alternative has no plan", fix="Make the result again with `advisor recommend`.")
    return plan


def merged_files(plan: "Plan", existing: Sequence[Path], service: str | None, *, is_quiet: bool) -> dict[str, bytes]:
    """The plan's fields merged into documents that exist; what changes and what is left out goes to stderr."""
    from advisor.emit.merge import merge_plan

    files: dict[str, bytes] = {}
    for path in existing:
        for document in documents_in(path):
            for merged in merge_plan(document, plan, service):
                name = _free_name(f"deploy/merged/{merged.file}", files)
                files[name] = (json.dumps(merged.request, indent=2, ensure_ascii=False, default=str) + "\n").encode()
                say(f"{name}: {len(merged.changes)} fields changed", is_quiet=is_quiet)
                for change in merged.changes:
                    say(f"  {change.path}: {_shown(change.before)} -> {_shown(change.after)}", is_quiet=is_quiet)
                for sentence in merged.left_out:
                    say(f"  left out: {sentence}", is_quiet=is_quiet)
    return files


def print_diff(
    recommendation: "Recommendation",
    plan: "Plan",
    existing: Sequence[Path],
    workload: Path | None,
    profile: str | None,
    output: Format,
    service: str | None,
) -> None:
    """What the plan changes in what is live, or in saved answers."""
    from advisor.emit import diff_text
    from advisor.emit.diff import diff_plan

    documents = [document for path in existing for document in documents_in(path)] if existing else _live(plan, profile)
    diff = _priced(diff_plan(plan, documents, service), plan, recommendation, workload)
    render = {
        Format.TABLE: diff_text.diff_table,
        Format.JSON: diff_text.diff_json,
        Format.CSV: diff_text.diff_csv,
        Format.MARKDOWN: diff_text.diff_markdown,
    }[output]
    typer.echo(render(diff), nl=False)


def documents_in(path: Path) -> list[Mapping[str, Any]]:
    """A JSON file of one answer or request; of an emitted folder, all requests that a plan owns."""
    if path.is_dir():
        from advisor.emit.diff import emitted_documents

        folder = path / "deploy" / "ecs" if (path / "deploy" / "ecs").is_dir() else path
        files = {str(file.relative_to(folder).as_posix()): file.read_bytes() for file in folder.rglob("*.json")}
        return list(emitted_documents(files))
    from advisor.sources.input_files import InputFiles

    fix = "Save what `aws ecs describe-task-definition` or `describe-services` prints."
    try:
        document = json.loads(InputFiles().text(path))
    except json.JSONDecodeError as error:
        raise InputError(
            f"not valid JSON ({error.msg})", fix=fix, file=str(path), line=error.lineno, column=error.colno
        ) from None
    except RecursionError as error:
        raise InputError("nested too deeply to be an answer of AWS", fix=fix, file=str(path)) from error
    if not isinstance(document, dict):
        raise InputError("not a JSON object", fix=fix, file=str(path))
    wrong = _of_wrong_shape(document)
    if wrong is not None:
        raise InputError(f"{wrong}, as in no answer of AWS", fix=fix, file=str(path))
    return [document]


_OBJECTS = (
    "awsvpcConfiguration", "deploymentCircuitBreaker", "deploymentConfiguration", "ephemeralStorage", "healthCheck",
    "logConfiguration", "networkConfiguration", "runtimePlatform", "service", "TargetTrackingScalingPolicyConfiguration",
)  # fmt: skip
_LISTS_OF_OBJECTS = (
    "capacityProviderStrategy", "containerDefinitions", "deployments", "environment", "loadBalancers", "mountPoints",
    "placementConstraints", "placementStrategy", "portMappings", "ScalableTargets", "ScalingPolicies",
    "secrets", "services", "volumes",
)  # fmt: skip
OWN_RATES = "own rates: "
"""Begins the source of a rate that is the user's."""
_CONTAINER_SIZES = ("cpu", "memory", "memoryReservation")


def _of_wrong_shape(document: Mapping[str, Any]) -> str | None:
    """The first field that is read of a document and has not the type that the API gives it."""
    for key, value in document.items():
        if value is None:
            continue
        if key in _OBJECTS and not isinstance(value, dict):
            return f"`{key}` is no object"
        if key in _LISTS_OF_OBJECTS and not (isinstance(value, list) and all(isinstance(item, dict) for item in value)):
            return f"`{key}` is no list of objects"
        items = value if isinstance(value, list) else [value]
        for item in items:
            if not isinstance(item, dict):
                continue
            if key == "containerDefinitions":
                sizes = [item[name] for name in _CONTAINER_SIZES if item.get(name) is not None]
                if not all(isinstance(size, int) and not isinstance(size, bool) for size in sizes):
                    return "a container's `cpu` or `memory` is no whole number"
            wrong = _of_wrong_shape(item)
            if wrong is not None:
                return wrong
    return None


def _live(plan: "Plan", profile: str | None) -> Sequence[Mapping[str, Any]]:
    from advisor.sources.aws.live import live_documents

    return live_documents(plan.cluster, sorted(plan.services), region=plan.region, profile=profile)


def _priced(diff: "Diff", plan: "Plan", recommendation: "Recommendation", workload: Path | None) -> "Diff":
    """With money where the load is at hand: the stated workload, or the one of the result where that is unchanged."""
    from dataclasses import replace

    from advisor.emit.diff_money import priced_diff
    from advisor.sources import read_catalog

    if not any(row.has_money for row in diff.rows):
        return diff
    load = _workload_of(recommendation, workload)
    own = _own_rates_of(recommendation)
    why = ""
    if load is None:
        why = "needs the load: give --workload"
    elif own and not (set(own) & {file["path"] for file in recommendation.run.inputs if _is_unchanged(file)}):
        why = f"needs the own rates of the result: {own[0]} is not there, or has changed"
    if load is None or why:
        return replace(diff, rows=tuple(replace(row, why_not=why) if row.has_money else row for row in diff.rows))
    rates = own[0] if own else load.rates_file
    return priced_diff(diff, plan, load, read_catalog(plan.region, rates_file=Path(rates) if rates else None))


def _own_rates_of(recommendation: "Recommendation") -> Sequence[str]:
    """Files among the inputs that rates of the result are from, by what its line items say; also of ``--rates``."""
    sources = {item.source for each in recommendation.alternatives if each.bill for item in each.bill.line_items}
    names = {source.removeprefix(OWN_RATES).rpartition(", line ")[0] for source in sources if source.startswith(OWN_RATES)}
    return [file["path"] for file in recommendation.run.inputs if Path(file["path"]).name in names]


def _is_unchanged(file: Mapping[str, str]) -> bool:
    path = Path(file["path"])
    return path.is_file() and sha256(path.read_bytes()).hexdigest() == file["sha256"]


def _workload_of(recommendation: "Recommendation", stated: Path | None) -> "Workload | None":
    from advisor.sources import read_workload

    if stated is not None:
        return read_workload(stated, region=recommendation.region)
    for file in recommendation.run.inputs:
        path = Path(file["path"])
        if path.suffix.lower() in (".yaml", ".yml") and path.is_file():
            return read_workload(path, region=recommendation.region) if _is_unchanged(file) else None
    return None


def _free_name(name: str, taken: Mapping[str, bytes]) -> str:
    stem, _, suffix = name.rpartition(".")
    number, free = 2, name
    while free in taken:
        number, free = number + 1, f"{stem}-{number}.{suffix}"
    return free


def _shown(value: object) -> str:
    return "none" if value is None else json.dumps(value, ensure_ascii=False, default=str)
