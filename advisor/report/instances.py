"""A ranking of instance types as text, Markdown and CSV."""

import csv
import io
import textwrap
from collections.abc import Sequence

from advisor.ecs import PlacementStrategy
from advisor.optimize.levers import PLACEMENT_NAMES, Levers
from advisor.optimize.strategies import PresentStrategies
from advisor.ranking import InstanceRanking, RankedInstanceType

WIDTH = 80
HALF_A_CENT = 0.005
CSV_COLUMNS = (
    "instance_type",
    "architecture",
    "services",
    "vcpu",
    "memory_mib",
    "is_registered_memory_observed",
    "instances_p50",
    "instances_p95",
    "instances_max",
    "packed_fraction",
    "binding",
    "monthly_usd",
    "missing",
    "zone_loss_instances_per_zone",
    "zone_loss_instances_max",
    "zone_loss_monthly_usd",
    "zone_loss_extra_monthly_usd",
    "deployment_minutes",
    "deployment_instances_p95",
    "deployment_instances_max",
    "deployment_extra_usd",
    "replayed_weeks",
    "replayed_monthly_usd",
    "replayed_over_packing",
    "replayed_instances_max",
    "replayed_waiting_task_hours",
    "replayed_hours_above_target",
    "replayed_hours_above_full",
)
_BINDING = {"minimum count": "zones", "host ports": "ports", "distinctInstance": "apart"}
_HEAD = ("instance type", "p50", "p95", "max", "packed", "binds", "USD/month", "lost zone", "deploy")
_WIDTHS = (17, 5, 5, 5, 8, 8, 10, 10, 12)
_REPLAY_HEAD = ("replayed", "USD/month", "to model", "max", "waiting h", "above target", "above full")
_REPLAY_WIDTHS = (17, 10, 10, 6, 11, 14, 12)


def render_instances(ranking: InstanceRanking) -> str:
    """Tables of at most 80 columns."""
    lines = []
    for rows in _rankings(ranking):
        lines += [*_wrapped(_title(rows, ranking)), "", _line(_HEAD, _WIDTHS), *(_line(_cells(row), _WIDTHS) for row in rows)]
        replayed = [_replay_cells(row) for row in rows if row.replayed]
        if replayed:
            lines += ["", _line(_REPLAY_HEAD, _REPLAY_WIDTHS), *(_line(cells, _REPLAY_WIDTHS) for cells in replayed)]
        for row in rows:
            if row.levers is not None:
                lines += ["", *_wrapped(_base_sentence(row, row.levers))]
                lines += [line for sentence in _lever_sentences(row.levers) for line in _wrapped(f"  {sentence}", "    ")]
        lines.append("")
    if ranking.present is not None:
        lines += [*_wrapped(_present_sentence(ranking.present)), ""]
    for sentence in (*_legend(ranking), *ranking.notes):
        lines += _wrapped(sentence)
    return "\n".join(lines) + "\n"


def instances_markdown(ranking: InstanceRanking) -> str:
    """Markdown tables."""
    lines = []
    for rows in _rankings(ranking):
        lines += [f"## {_inert(_title(rows, ranking))}", "", *_table(_HEAD, [_cells(row) for row in rows]), ""]
        replayed = [_replay_cells(row) for row in rows if row.replayed]
        if replayed:
            lines += [*_table(_REPLAY_HEAD, replayed), ""]
        for row in rows:
            if row.levers is not None:
                lines += [f"{_inert(_base_sentence(row, row.levers))}", ""]
                lines += [*(f"- {_inert(sentence)}" for sentence in _lever_sentences(row.levers)), ""]
    if ranking.present is not None:
        lines += [_inert(_present_sentence(ranking.present)), ""]
    lines += [f"- {_inert(sentence)}" for sentence in (*_legend(ranking), *ranking.notes)]
    return "\n".join(lines) + "\n"


def instances_csv(ranking: InstanceRanking) -> str:
    """One row a type; an empty cell is a figure that there is not. Cells never start a formula in a spreadsheet."""
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in ranking.instances:
        writer.writerow({name: _csv_cell(row, name) for name in CSV_COLUMNS})
    return text.getvalue()


def _rankings(ranking: InstanceRanking) -> list[list[RankedInstanceType]]:
    """Rows under the same services, ranking by ranking."""
    found: dict[tuple[str, ...], list[RankedInstanceType]] = {}
    for row in ranking.instances:
        found.setdefault(row.services, []).append(row)
    return list(found.values())


def _title(rows: Sequence[RankedInstanceType], ranking: InstanceRanking) -> str:
    services = rows[0].services
    shown = ", ".join(services[:4]) + (f" and {len(services) - 4} more" if len(services) > 4 else "")
    return f"{_printable(ranking.cluster)}, {ranking.region}: On-Demand instances for {_printable(shown)}"


def _legend(ranking: InstanceRanking) -> list[str]:
    rows = ranking.instances
    sentences = [
        "instances and USD/month by the packing model: a cluster packed anew at every step, which ECS never does; "
        "--replay shows what ECS's own placement and scaling cost",
        "lost zone: USD a month more for instances that hold all tasks with a zone gone; deploy: most instances, and USD more "
        "for one deployment",
    ]
    if any(not row.is_registered_memory_observed for row in rows):
        sentences.append("~ the memory that the type registers in ECS is this project's fit, not an observation")
    if any(row.binding == "distinctInstance" for row in rows):
        sentences.append("apart: the placement constraint distinctInstance, one task of the service to an instance")
    missing = sorted({meter for row in rows for meter in row.missing})
    if missing:
        sentences.append(f"? no price for {', '.join(missing)}")
    return sentences


def _cells(row: RankedInstanceType) -> tuple[str, ...]:
    loss, surge = row.zone_loss, row.deployment
    return (
        row.instance_type + ("" if row.is_registered_memory_observed else "~"),
        _count(row.instances_p50),
        _count(row.instances_p95),
        _count(row.instances_max),
        f"{row.packed_fraction * 100:.0f} %",
        _BINDING.get(row.binding, row.binding),
        _usd(row.monthly_usd),
        "-" if loss is None else _usd(loss.extra_monthly_usd, "+"),
        f"{_count(surge.instances_max)} {_usd(surge.extra_usd, '+')}",
    )


def _replay_cells(row: RankedInstanceType) -> tuple[str, ...]:
    replayed = row.replayed
    if replayed is None:
        raise ValueError(f"{row.instance_type} was not replayed")
    return (
        row.instance_type,
        _usd(replayed.monthly_usd),
        f"{(replayed.over_packing - 1) * 100:+.1f} %",
        _count(replayed.instances_max),
        f"{replayed.waiting_task_hours:,.1f}",
        f"{replayed.hours_above_target:,.1f} h",
        f"{replayed.hours_above_full:,.1f} h",
    )


def _present_sentence(present: PresentStrategies) -> str:
    """``the present type, m5.large, ... under ECS's default placement: USD 700.80 a month; binpack saves USD 420.48``."""
    base = present.default_usd
    others = []
    for each in present.strategies:
        if each.placement is not PlacementStrategy.DEFAULT_SPREAD:
            saves = "saves" if each.monthly_usd <= base else "costs"
            others.append(f"{PLACEMENT_NAMES[each.placement]} {saves} USD {abs(base - each.monthly_usd):,.2f}")
    return (
        f"the present type, {present.instance_type}, with {', '.join(present.services)}, as many instances as managed scaling "
        f"keeps and not those of today, replayed on {present.weeks:.3g} weeks under ECS's default placement: "
        f"USD {base:,.2f} a month On-Demand; {', '.join(others)}"
    )


def _base_sentence(row: RankedInstanceType, levers: Levers) -> str:
    base = levers.base
    return (
        f"settings of scaling on {row.instance_type}, replayed on {levers.weeks:.3g} weeks: USD {_usd(base.monthly_usd)} a "
        f"month, {base.hours_above_80_percent:,.1f} service-hours above 80 %, {base.waiting_task_hours:,.1f} task-hours waiting"
    )


def _lever_sentences(levers: Levers) -> list[str]:
    """``scaling target 60 % -> 70 %: saves USD 55.10 a month; 12.3 h more above 80 %, 0.2 h less waiting``."""
    base = levers.base
    sentences = []
    for lever in levers.levers:
        after = lever.outcome
        hot = after.hours_above_80_percent - base.hours_above_80_percent
        waiting = after.waiting_task_hours - base.waiting_task_hours
        if base.monthly_usd is None or after.monthly_usd is None:
            money = "cost not known"
        else:
            saved = base.monthly_usd - after.monthly_usd
            money = f"{'saves' if saved > 0 else 'costs'} USD {abs(saved):,.2f} a month"
            if abs(saved) < HALF_A_CENT:
                money = "costs the same"
        unknown = " (AWS does not publish which: a range, not a choice)" if lever.is_assumption else ""
        sentences.append(
            f"{lever.setting} {lever.before} -> {lever.after}{unknown}: {money}; "
            f"{_more(hot)} above 80 %, {_more(waiting)} waiting"
        )
    if any(lever.setting == "minimum tasks" for lever in levers.levers):
        sentences.append("with fewer tasks than zones a service does not survive the loss of one")
    return sentences


def _more(hours: float) -> str:
    shown = f"{abs(hours):,.1f}"
    return "as long" if shown == "0.0" else f"{shown} h {'more' if hours > 0 else 'less'}"


def _csv_cell(row: RankedInstanceType, column: str) -> object:
    for prefix in ("zone_loss", "deployment", "replayed"):
        if column.startswith(f"{prefix}_"):
            inner = getattr(row, prefix)
            value = None if inner is None else getattr(inner, column.removeprefix(f"{prefix}_"))
            return "" if value is None else value
    value = getattr(row, column)
    if isinstance(value, tuple):
        value = " ".join(value)
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return "" if value is None else value


def _count(number: float) -> str:
    return f"{number:,.0f}"


def _usd(usd: float | None, sign: str = "") -> str:
    return "?" if usd is None else f"{usd:{sign},.2f}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Columns: the first to the left, the others to the right; a longer cell pushes the rest on."""
    first = cells[0].ljust(widths[0])
    return (first + "".join(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))).rstrip()


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cells) + " |"

    return [line(head), line(["---", *["---:"] * (len(head) - 1)]), *(line([_inert(cell) for cell in row]) for row in rows)]


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent)


_CHANGES: tuple[tuple[str, str], ...] = (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), ("`", "'"), ("*", "\\*"))


def _inert(text: str) -> str:
    """Text that makes no markup and no table cell of its own."""
    shown = _printable(text)
    for old, new in _CHANGES:
        shown = shown.replace(old, new)
    return shown


def _printable(text: str) -> str:
    return text if text.isprintable() else repr(text)[1:-1]
