"""The report of a collection: what was read, what had no data and why, what could not be read."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

from advisor.sources.aws.findings import Findings, FoundService
from advisor.sources.aws.session import ACCESS_DENIED
from advisor.sources.aws.stated_scaling import stated_scaling
from advisor.sources.aws.workload_yaml import daemon_remarks, scheduled_remark, why_no_instances

_SHORT_OF: Final = timedelta(days=1)
"""A load that begins later than this after the window did is told."""
_WHY_PERIOD: Final[Mapping[int, str]] = {
    60: "the finest that CloudWatch keeps",
    300: "CloudWatch keeps steps of 60 s for 15 days only, and answers a longer question in them with nothing",
    3600: "CloudWatch keeps steps of 300 s for 63 days only, and answers a longer question in them with nothing",
}


def collect_report(found: Findings) -> bytes:
    """The report as Markdown."""
    parts = [
        *_overview(found),
        *_services(found),
        *_without_data(found),
        *_skipped(found),
        *_notes(found),
        *_scaling(found),
        *_capacity(found),
        *_environment(found),
    ]
    return ("\n".join(parts).rstrip() + "\n").encode()


def _overview(found: Findings) -> Iterator[str]:
    window = found.window
    taken, daemons = found.taken, [s for s in found.daemons if s.left_out is None]
    yield f"# Collected: cluster {_code(found.cluster.name)} in {found.region}"
    yield ""
    yield f"- Read at {found.collected_at:%Y-%m-%d %H:%M} UTC, nothing was changed."
    beside = f", {len(daemons)} of them as daemons" if daemons else ""
    yield f"- {len(taken) + len(daemons)} of {len(found.services)} services are in `workload.yaml`{beside}."
    yield (
        f"- Load of {window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC ({found.days:g} days) in steps of "
        f"{window.period_s} s: {_WHY_PERIOD[window.period_s]}. The whole window has one step."
    )
    yield f"- Container Insights: {found.cluster.insights or 'not told'}."
    yield ""


def _services(found: Findings) -> Iterator[str]:
    yield "## Services"
    yield ""
    rows = [
        [
            _code(s.name),
            (s.present.launch_type or "not told") + (" Spot" if s.present.is_spot else "") if s.present else "",
            f"{s.definition.cpu_units or '-'} / {s.definition.memory_mib or '-'}" if s.definition else "",
            str(s.service.desired_count),
            f"{s.load.n_measured:,} ({s.load.n_measured / found.window.n_steps:.0%})" if s.load else "0",
            ", ".join(s.load.columns) if s.load else "",
        ]
        for s in found.services
    ]
    yield from _table(["service", "runs on", "CPU units / MiB", "desired", "steps measured", "columns"], rows)


def _without_data(found: Findings) -> Iterator[str]:
    lost = [(s, s.left_out or s.no_data) for s in found.services if s.left_out or s.no_data]
    yield "## No data, or left out"
    yield ""
    if not lost:
        yield "Every service has measured load."
    for service, why in lost:
        held = (
            f" Its {service.n_tasks} tasks of today are in `workload.yaml` as a constant load." if not service.left_out else ""
        )
        yield f"- {_code(service.name)}: {_text(why or '')}.{held}"
    yield ""


def _skipped(found: Findings) -> Iterator[str]:
    yield "## Not read"
    yield ""
    if not found.skipped:
        yield "Everything that was asked for could be read."
    for part in found.skipped:
        yield f"- {part.purpose}: {part.why} for {_code(part.action)}."
    if any(part.why == ACCESS_DENIED for part in found.skipped):
        yield ""
        yield "`advisor collect --print-iam-policy` prints the policy that allows all of it."
    yield ""


def _notes(found: Findings) -> Iterator[str]:
    notes = [f"- {_code(s.name)}: {_text(note)}." for s in found.services for note in _service_notes(s, found)]
    notes += [f"- CloudWatch: {_text(message)}" for message in found.messages]
    notes += [
        f"- {n} running tasks of {_code(group)} belong to no service and are not in the workload."
        for group, n in found.other_tasks.items()
    ]
    notes += [f"- {_code(task.name)}: {_text(scheduled_remark(task))}." for task in found.scheduled_tasks]
    if notes:
        yield from ("## To know", "", *notes, "")


def _service_notes(found: FoundService, findings: Findings) -> Iterator[str]:
    if found.load:
        yield from found.load.notes
        if found.load.first - findings.window.start > _SHORT_OF:
            created = found.service.created_at
            why = (
                f" (the service was created at {created:%Y-%m-%d %H:%M} UTC)"
                if created and created > findings.window.start
                else ""
            )
            yield f"nothing was measured before {found.load.first:%Y-%m-%d %H:%M} UTC{why}: the load file begins there"
        if found.load.lacks_count and not found.no_data:
            yield (
                f"no task count was measured, so the desired count of today ({found.service.desired_count}) stands in for "
                "every step; Container Insights would measure it (RunningTaskCount)"
            )
    if found.is_taken and found.present and found.present.untold:
        yield f"its present is not stated: {found.present.untold}, which a workload file cannot hold ({found.present.how})"
    if found.service.rollout:
        yield found.service.rollout
    if found.service.unkept_tags:
        yield f"its tags {_names(found.service.unkept_tags)} look like secrets: their values were not kept"
    for launch_type, refused in found.definition.refused.items() if found.is_taken and found.definition else ():
        if refused:
            yield f"it uses what {launch_type.called} does not take: {', '.join(each.what for each in refused)}"
    deployed = found.service.deployed_at
    if deployed and deployed > findings.window.start and found.load:
        yield (
            f"the running revision was deployed at {deployed:%Y-%m-%d %H:%M} UTC, within the window: percentages before refer "
            "to the revision of their time, whose size may have been another"
        )
    if found.definition and found.definition.is_sized_by_containers:
        yield "the task definition has no size of the task as a whole: the sizes of its containers were added up"
    if found.target and found.target.is_suspended:
        yield "its scaling is suspended in part"
    remark = stated_scaling(found, findings.skipped).remark if found.is_taken else None
    if remark:
        yield remark
    if found.service.is_daemon and found.left_out is None:
        yield from daemon_remarks(found, findings)


def _scaling(found: Findings) -> Iterator[str]:
    scaled = [(s, s.target) for s in found.services if s.target]
    if not scaled:
        return
    yield "## Service auto scaling"
    yield ""
    for s, target in scaled:
        yield f"- {_code(s.name)}: {target.min_tasks} to {target.max_tasks} tasks"
        yield from (f"  - {_text(policy.description)} ({_code(policy.name)})" for policy in s.policies)
        yield from (f"  - scheduled: {_text(action.description)}" for action in s.scheduled)
    yield ""


def _capacity(found: Findings) -> Iterator[str]:
    kinds = {
        "On-Demand": found.instances.on_demand,
        "Spot": found.instances.spot,
        "ECS Managed Instances": found.instances.managed,
    }
    lines = [f"- {kind}: {', '.join(f'{n} x {t}' for t, n in sorted(types.items()))}" for kind, types in kinds.items() if types]
    if found.instances.by_type:
        lines += [f"- not part of `present`: {_text(reason)}" for reason in why_no_instances(found)]
    lines += [
        f"- capacity provider {_code(p.name)}: {p.kind.value}{' Spot' if p.is_spot else ''}"
        + (f", managed scaling {p.managed_scaling} at {p.target_capacity} %" if p.managed_scaling else "")
        for p in found.providers.values()
    ]
    for g in found.groups:
        bought = (
            ""
            if g.on_demand_percent is None
            else f", On-Demand base {g.on_demand_base}, then {g.on_demand_percent} % On-Demand"
        )
        types = f", types {', '.join(g.types)}" if g.types else ""
        running = f", runs {', '.join(f'{n} x {t}' for t, n in sorted(g.running.items()))}" if g.running else ""
        lines.append(
            f"- Auto Scaling group {_code(g.name)}: {g.min_size} to {g.max_size}, desired {g.desired}{types}{bought}{running}"
        )
    if lines:
        yield from ("## Capacity", "", *lines, "")


def _environment(found: Findings) -> Iterator[str]:
    """Names only: values are dropped on reading."""
    rows = [
        [_code(s.name), _code(c.name), _names(c.environment_names), _names(c.secret_names)]
        for s in found.services
        if s.definition
        for c in s.definition.containers
    ]
    if rows:
        yield "## Containers"
        yield ""
        yield "Names of environment variables and secrets; their values were not kept."
        yield ""
        yield from _table(["service", "container", "environment", "secrets"], rows)


def _names(names: Sequence[str]) -> str:
    return ", ".join(_code(name) for name in names)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{' --- |' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _code(name: str) -> str:
    return f"`{_text(name).replace('`', '')}`"


def _text(text: str) -> str:
    """Text of an account inside Markdown: one line, no HTML, no table cell that ends early."""
    line = re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", text).strip().rstrip(".")
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("|", "\\|")
