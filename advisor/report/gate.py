"""What a gate found, in a terminal, for a pull request, and as rows."""

import csv
import io
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from advisor.gating import Gate, Safety, ServiceChange, Side

CSV_COLUMNS = (
    "service",
    "changed",
    "launch_type_before",
    "launch_type_after",
    "architecture_before",
    "architecture_after",
    "cpu_before",
    "cpu_after",
    "memory_before",
    "memory_after",
    "tasks_p50_before",
    "tasks_p50_after",
    "tasks_max_before",
    "tasks_max_after",
    "monthly_usd_before",
    "monthly_usd_after",
    "change_usd",
    "hours_above_target_as_ran",
    "hours_above_target_before",
    "hours_above_target_after",
    "hours_above_full_before",
    "hours_above_full_after",
    "unmet_task_hours_before",
    "unmet_task_hours_after",
    "memory_headroom_fraction_before",
    "memory_headroom_fraction_after",
    "busiest_task_fraction_before",
    "busiest_task_fraction_after",
    "safety",
    "missing",
)
_NAMES: Mapping[str, str] = {
    "launch_type": "launch type",
    "purchase_option": "purchase option",
    "cpu": "CPU units",
    "memory": "memory MiB",
    "min_tasks": "min tasks",
    "max_tasks": "max tasks",
    "scheduled_actions": "scheduled actions",
    "step_policies": "step policies",
    "target_cpu_percent": "target CPU %",
    "scale_out_cooldown_s": "scale-out cooldown s",
    "scale_in_cooldown_s": "scale-in cooldown s",
    "requests_per_task": "requests/s per task",
    "ephemeral_storage_gib": "ephemeral GiB",
    "has_public_ip": "public IP",
    "network_mode": "network mode",
    "host_ports": "host ports",
    "has_distinct_instances": "distinct instances",
}
_RULES = ("scheduled_actions", "step_policies")
_MEASURES = (
    ("tasks, median", "tasks_p50"),
    ("tasks, most", "tasks_max"),
    ("hours above CPU target", "hours_above_target"),
    ("hours above 100 % CPU", "hours_above_full"),
    ("unmet task-hours a month", "unmet_task_hours"),
    ("memory headroom", "memory_headroom_fraction"),
    ("busiest task, CPU", "busiest_task_fraction"),
)
_UNKNOWN = "not known"
WIDTH = 100
Row = tuple[str, str, str, str]


def render_gate(gate: Gate) -> str:
    """What a terminal shows: the verdict, the money, each service, what is not known."""
    lines = [f"{verdict(gate)}", f"  {money(gate)}", *_wrapped("  ", _basis(gate))]
    for sentence in gate.failures:
        lines += _wrapped("  fails: ", sentence)
    for sentence in gate.missing:
        lines += _wrapped("  no price without ", sentence)
    for change in gate.services:
        lines += ["", f"{change.service}: {_safety(change)}"]
        lines += [line for words, old, new in _rules(change) for line in _wrapped(f"  {words}: ", f"{old} -> {new}")]
        lines += _aligned(list(_rows(change)))
    if gate.instances_before is not None or gate.instances_after is not None:
        lines += ["", "container instances of the cluster", *_aligned(list(_instance_rows(gate)))]
    if gate.notes:
        lines += ["", *(line for note in gate.notes for line in _wrapped("note: ", note))]
    return "\n".join(lines) + "\n"


def _wrapped(start: str, text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=start, subsequent_indent="    ", break_on_hyphens=False)


def gate_markdown(gate: Gate) -> str:
    """A comment for a pull request."""
    lines = [f"### {_escaped(verdict(gate))}", "", _escaped(money(gate)), ""]
    lines += [f"- **Fails:** {_escaped(sentence)}" for sentence in gate.failures]
    lines += [f"- **No price without** {_escaped(sentence)}" for sentence in gate.missing]
    lines += [""] if gate.failures or gate.missing else []
    for change in gate.services:
        lines += [f"**{_escaped(change.service)}**: {_escaped(_safety(change))}", ""]
        rules = [f"- {words}: {_escaped(old)} → {_escaped(new)}" for words, old, new in _rules(change)]
        lines += [*rules, *[""] * bool(rules), *_table(_rows(change)), ""]
    if gate.instances_before is not None or gate.instances_after is not None:
        lines += ["**Container instances of the cluster**", "", *_table(_instance_rows(gate)), ""]
    lines += [f"- {_escaped(note)}" for note in gate.notes]
    lines += ["", f"<sub>{_escaped(_basis(gate))}</sub>"]
    return "\n".join(lines) + "\n"


def gate_csv(gate: Gate) -> str:
    """One row a service, then one for the instances and one for all; an empty cell is a figure that there is not."""
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\n", restval="")
    writer.writeheader()
    for change in gate.services:
        writer.writerow({name: "" if value is None else value for name, value in _csv_row(change).items()})
    total = {"monthly_usd_before": gate.before_usd, "monthly_usd_after": gate.after_usd, "change_usd": gate.change_usd}
    if gate.instances_before is not None and gate.instances_after is not None:
        old, new = gate.instances_before.monthly_usd, gate.instances_after.monthly_usd
        instances = {"monthly_usd_before": old, "monthly_usd_after": new, "change_usd": _difference(old, new)}
        writer.writerow({"service": "(instances)"} | {name: "" if usd is None else usd for name, usd in instances.items()})
    missing = "; ".join(gate.missing)
    writer.writerow(
        {"service": "(all)", "missing": missing} | {name: "" if usd is None else usd for name, usd in total.items()}
    )
    return text.getvalue()


def verdict(gate: Gate) -> str:
    """One line: whether the gate passes, and what is safe."""
    word = "Gate passes" if gate.passed else "Gate fails"
    changed = [change for change in gate.services if change.safety is not Safety.UNCHANGED]
    if not changed and not gate.missing:
        return f"{word}: nothing changes"
    kinds = [kind for kind in (Safety.UNSAFE, Safety.UNKNOWN, Safety.SAFE) if any(c.safety is kind for c in changed)]
    said = [f"{kind}: {', '.join(c.service for c in changed if c.safety is kind)}" for kind in kinds]
    change = "the change has no price" if gate.change_usd is None else f"{_signed(gate.change_usd)} a month"
    return f"{word}: {change}; on the history {'; '.join(said) or 'nothing changes'}"


def money(gate: Gate) -> str:
    """The cost before and after, and the difference."""
    if gate.before_usd is None or gate.after_usd is None:
        return "There is no total."
    share = "" if not gate.change_fraction else f" ({100 * gate.change_fraction:+.1f} %)"
    return f"${gate.before_usd:,.2f} a month before, ${gate.after_usd:,.2f} after: {_signed(gate.change_usd)}{share}"


def _basis(gate: Gate) -> str:
    n = len(gate.services)
    return (
        f"{gate.cluster} in {gate.region}, {n} service{'' if n == 1 else 's'}, billed on {gate.history_hours:,.0f} measured "
        f"hours in steps of {_step(gate.step_s)}, a month of 730 h, by the packing model on both sides, "
        f"which `advisor recommend` replaces by a replay; prices of {gate.catalog['newest']}"
    )


def _step(step_s: int) -> str:
    return f"{step_s // 60} min" if step_s % 60 == 0 else f"{step_s} s"


def _safety(change: ServiceChange) -> str:
    words = {
        Safety.UNCHANGED: "unchanged",
        Safety.SAFE: "safe on the history",
        Safety.UNSAFE: "NOT safe on the history",
        Safety.UNKNOWN: "not known to be safe",
    }[change.safety]
    return f"{words} ({'; '.join(change.reasons)})" if change.reasons else words


def _rules(change: ServiceChange) -> Iterator[tuple[str, str, str]]:
    """Sentences that differ, before and after: too long for a table."""
    for name in _RULES:
        if name in change.changed:
            old, new = getattr(change.before.setup, name), getattr(change.after.setup, name)
            yield _NAMES[name], _value(_without(old, new)), _value(_without(new, old))


def _without(sentences: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(each for each in sentences if each not in others)


def _rows(change: ServiceChange) -> Iterator[Row]:
    """What differs, the money, and how each side would have done."""
    before, after = change.before, change.after
    setups = before.setup, after.setup
    is_fixed = all(setup.min_tasks == setup.max_tasks and not setup.scheduled_actions for setup in setups)
    if is_fixed and "min_tasks" in change.changed:
        yield "tasks, fixed", str(setups[0].min_tasks), str(setups[1].min_tasks), ""
    for name in change.changed:
        if name in _RULES or (is_fixed and name in ("min_tasks", "max_tasks")):
            continue
        old, new = getattr(before.setup, name), getattr(after.setup, name)
        yield _NAMES.get(name, name), _value(old), _value(new), ""
    yield "$ a month" + ("" if _is_on_fargate(change) else ", on Fargate"), *_usd(before, after, change.change_usd)
    for words, name in _MEASURES:
        old, new = getattr(before.history, name), getattr(after.history, name)
        if old is new is None and name == "busiest_task_fraction":
            continue
        is_share = name.endswith("fraction")
        if change.before.setup.target_cpu_percent is change.after.setup.target_cpu_percent is None:
            words = words.replace("target", "threshold of steps")
        yield words, _figure(old, is_share), _figure(new, is_share), _moved(old, new, is_share)
    if change.hours_above_target_as_ran is not None:
        yield "hours above CPU target, as it ran", _figure(change.hours_above_target_as_ran, False), "", ""


def _is_on_fargate(change: ServiceChange) -> bool:
    return change.change_usd is not None


def _usd(before: Side, after: Side, change_usd: float | None) -> tuple[str, str, str]:
    texts = []
    for side in (before, after):
        if side.monthly_usd is not None:
            texts.append(f"{side.monthly_usd:,.2f}")
        else:
            texts.append("no price" if side.setup.launch_type == "FARGATE" else "with the instances")
    return texts[0], texts[1], "" if change_usd is None else _signed(change_usd)


def _instance_rows(gate: Gate) -> Iterator[Row]:
    old, new = gate.instances_before, gate.instances_after
    if old is None or new is None:
        return
    yield "instance type", ", ".join(old.instance_types) or "none", ", ".join(new.instance_types) or "none", ""
    yield "services", ", ".join(old.services) or "none", ", ".join(new.services) or "none", ""
    difference = _difference(old.monthly_usd, new.monthly_usd)
    texts = ["no price" if side.monthly_usd is None else f"{side.monthly_usd:,.2f}" for side in (old, new)]
    yield "$ a month", texts[0], texts[1], "" if difference is None else _signed(difference)
    yield "instances, median", f"{old.instances_p50:g}", f"{new.instances_p50:g}", ""
    yield "instances, most", f"{old.instances_max:g}", f"{new.instances_max:g}", ""


def _difference(old: float | None, new: float | None) -> float | None:
    return None if old is None or new is None else new - old


def _value(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return "; ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _figure(value: float | None, is_share: bool) -> str:
    if value is None:
        return _UNKNOWN
    return f"{100 * value:.0f} %" if is_share else f"{value:,.10g}" if value == int(value) else f"{value:,.2f}"


def _moved(old: float | None, new: float | None, is_share: bool) -> str:
    if old is None or new is None or old == new:
        return ""
    return f"{100 * (new - old):+.0f} points" if is_share else f"{new - old:+,.2f}".removesuffix(".00")


def _signed(usd: float | None) -> str:
    """``+$12.00``; what rounds to nothing has no sign, and what is unknown says so."""
    if usd is None:
        return "no price"
    if abs(usd) < 0.005:
        return "$0.00" if usd == 0 else f"{'+' if usd > 0 else '-'}under $0.01"
    return f"{'+' if usd > 0 else '-'}${abs(usd):,.2f}"


def _aligned(rows: Sequence[Row]) -> list[str]:
    table = [("", "before", "after", "change"), *rows]
    widths = [max(len(row[i]) for row in table) for i in range(4)]
    name, *rest = widths
    cells = ([row[0].ljust(name), *(cell.rjust(width) for cell, width in zip(row[1:], rest, strict=True))] for row in table)
    return ["  " + "  ".join(row).rstrip() for row in cells]


def _table(rows: Iterator[Row]) -> list[str]:
    head = ["| | before | after | change |", "|---|---:|---:|---:|"]
    return head + [f"| {' | '.join(_escaped(cell) for cell in row)} |" for row in rows]


def _escaped(text: str) -> str:
    """Names are the user's: none may end a table cell, open a tag or a link, or mention a person."""
    for sign, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("@", "&#64;"), ("\n", " ")):
        text = text.replace(sign, safe)
    for sign in "\\`*_[]|~":
        text = text.replace(sign, f"\\{sign}")
    return text


def _csv_row(change: ServiceChange) -> dict[str, object]:
    row: dict[str, object] = {
        "service": change.service,
        "changed": " ".join(change.changed),
        "change_usd": change.change_usd,
        "hours_above_target_as_ran": change.hours_above_target_as_ran,
        "safety": str(change.safety),
    }
    for name, side in (("before", change.before), ("after", change.after)):
        setup, history = side.setup, side.history
        for field in ("launch_type", "architecture", "cpu", "memory"):
            row[f"{field}_{name}"] = getattr(setup, field)
        for _, field in _MEASURES:
            row[f"{field}_{name}"] = getattr(history, field)
        row[f"monthly_usd_{name}"] = side.monthly_usd
    return row
