"""What commands read and write: results, reports and deploy files."""

import os
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from advisor.errors import AdvisorError, InputError

if TYPE_CHECKING:
    from advisor.plan import Plan
    from advisor.pricing import Source
    from advisor.recommend import Recommendation


NOT_ENOUGH_DATA_STATUS = 4


class EmitFormat(StrEnum):
    """What a result can be turned into."""

    CLOUDFORMATION = "cloudformation"
    ECS = "ecs"
    COPILOT = "copilot"
    ECSPRESSO = "ecspresso"
    EXPRESS = "express"
    REPORT = "report"
    TERRAFORM = "terraform"
    TERRAFORM_MODULE = "terraform-module"


def read_result(path: Path) -> "Recommendation":
    """A saved result: ``recommendation.json`` or the folder that holds it."""
    from advisor.sources import read_recommendation

    return read_recommendation(path)


def known_sources(recommendation: "Recommendation") -> "dict[str, Source]":
    """What the catalog of today says of the sources that a result names; empty where it does not hold the Region."""
    from advisor.report.explanation import sources_of
    from advisor.sources import read_catalog

    try:
        return sources_of(recommendation, read_catalog(recommendation.region))
    except AdvisorError:
        return {}


def formats_of(text: str) -> tuple[EmitFormat, ...]:
    """Formats from a list with commas, such as ``ecs,report``.

    Raises
    ------
    InputError
        A name is none of them, or there is none.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    known = [each.value for each in EmitFormat]
    for name in names:
        if name not in known:
            raise InputError(f"no format {name!r}", fix=f"Choose from {', '.join(known)}.")
    if not names:
        raise InputError("no format is given", fix=f"Choose from {', '.join(known)}.")
    return tuple(EmitFormat(name) for name in dict.fromkeys(names))


def result_files(
    recommendation: "Recommendation",
    formats: Collection[EmitFormat],
    on_chart: Callable[[float], None] = lambda _share: None,
) -> Mapping[str, bytes]:
    """Relative path and content of every file of the formats; deploy files go into a folder of their own."""
    files: dict[str, bytes] = {}
    if EmitFormat.REPORT in formats:
        from advisor.report.folder import render_report

        files |= render_report(recommendation, sources=known_sources(recommendation), on_chart=on_chart)
    plan = recommendation.recommended.plan
    if plan is not None:
        files |= deploy_files(plan, formats)
    if formats:
        from advisor.emit.migration import migration_files

        files |= migration_files(recommendation)
    return files


def deploy_files(plan: "Plan", formats: Collection[EmitFormat]) -> dict[str, bytes]:
    """Relative path and content of the files that put a plan into effect, a folder for each format."""
    deploy = [each for each in formats if each is not EmitFormat.REPORT]
    return {f"deploy/{each}/{path}": content for each in deploy for path, content in _render(each, plan).items()}


def plan_of_alternative(recommendation: "Recommendation", alternative: str) -> "Plan":
    """The plan of an alternative by its id.

    Raises
    ------
    InputError
        The result has none of that id, or it has no plan.
    """
    plans = {each.id: each.plan for each in recommendation.alternatives if each.plan is not None}
    plan = plans.get(alternative)
    if plan is None:
        known = ", ".join(sorted(plans))
        raise InputError(f"the result has no plan of an alternative {alternative[:300]!r}", fix=f"Choose from {known}.")
    return plan


def base_tasks_of(texts: Collection[str]) -> dict[str, int]:
    """Tasks by service, from texts such as ``web=4``.

    Raises
    ------
    InputError
        A text is none, or a service comes twice.
    """
    found: dict[str, int] = {}
    for text in texts:
        service, _, base = text.rpartition("=")
        if not service or service in found or not (base.isascii() and base.isdigit() and len(base) < 6):
            raise InputError(f"--hybrid {text[:300]!r} is not SERVICE=BASE, or its service is given twice", fix="Write web=4.")
        found[service] = int(base)
    return found


def _render(what: EmitFormat, plan: "Plan") -> Mapping[str, bytes]:
    from advisor import emit

    files: Mapping[str, bytes] = getattr(emit, f"render_{what.replace('-', '_')}")(plan)
    return files


def write_results(
    recommendation: "Recommendation",
    folder: Path,
    formats: Collection[EmitFormat],
    on_chart: Callable[[float], None] = lambda _share: None,
) -> None:
    """Write the result with its report and deploy files into ``folder``, whole or not at all."""
    from advisor.files import write_files

    result = recommendation.to_json(generated_at=generated_at()).encode()
    write_files(folder, {"recommendation.json": result, **result_files(recommendation, formats, on_chart)})


def generated_at() -> str:
    """Now in UTC, or the time that ``SOURCE_DATE_EPOCH`` says."""
    return _now().replace(microsecond=0).isoformat()


def today() -> date:
    """The day in UTC, or that of ``SOURCE_DATE_EPOCH``."""
    return _now().date()


def _now() -> datetime:
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not epoch:
        return datetime.now(UTC)
    try:
        return datetime.fromtimestamp(int(epoch), UTC)
    except (ValueError, OverflowError, OSError):
        raise InputError("SOURCE_DATE_EPOCH is no time in seconds since 1970", fix="Unset it, or give whole seconds.") from None
