"""Sweeps, rankings and paybacks as text, CSV and Markdown."""

import csv
import io
import json
from collections.abc import Sequence

from advisor.optimize.parts import PACKING_RANGE
from advisor.report.words import money, percent
from advisor.sweeping import AxisName, Crossing, Flip, Line, Payback, Sensitivity, Sweep
from advisor.sweeping.axes import AxisValue

SWEEP_COLUMNS = (
    "line",
    "x_axis",
    "x",
    "y_axis",
    "y",
    "fargate_usd",
    "ec2_usd",
    "cheaper",
    "instance_types",
    "unmet_task_hours",
)
RANK_COLUMNS = ("input", "low", "saving_low_usd", "high", "saving_high_usd", "moves_usd", "flips")

AXIS_ENDS = {
    AxisName.LOAD_FACTOR: "times today's load",
    AxisName.UTILIZATION: "target utilization",
    AxisName.SERVICES: "services",
    AxisName.HOURS_PER_DAY: "hours a day",
    AxisName.SPOT_DISCOUNT: "Spot discount",
    AxisName.FARGATE_PRICE: "on Fargate's price",
    AxisName.EC2_PRICE: "on EC2's price",
    AxisName.SPOT_PRICE: "on the Spot price",
    AxisName.INSTANCE_TYPE: "",
    AxisName.COMMITMENT: "",
}
"""After a value, in a sentence."""


def sweep_sources(result: Sweep | Sensitivity) -> str:
    """Where the numbers come from, for the foot of a chart."""
    return f"Source: prices of {result.prices} in {result.region}; load of the last four weeks; cluster {result.cluster}"


def sweep_json(result: Sweep | Sensitivity, worth: Payback | None = None) -> str:
    """Everything that was worked out; ``payback`` only where an hour of work has a rate."""
    more = {} if worth is None else {"payback": worth.to_dict()}
    return json.dumps(result.to_dict() | more, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def sweep_csv(sweep: Sweep) -> str:
    """A row for each line and point of the grid; an empty cell is a figure that there is not."""
    return _csv([SWEEP_COLUMNS, *_grid_rows(sweep)])


def rank_csv(ranked: Sensitivity) -> str:
    """A row for each input."""
    rows = [
        (m.input, m.low, _cell(m.saving_low), m.high, _cell(m.saving_high), _cell(m.moves_usd), "yes" if m.flips else "no")
        for m in ranked.inputs
    ]
    return _csv([RANK_COLUMNS, *rows])


def sweep_table(sweep: Sweep) -> str:
    """Flips of each line for each value of y, as lines of text."""
    lines = [flip_headline(sweep), ""]
    lines += [f"  {'line':<36}{_heading(sweep):<22}break-even along {sweep.x.name}"]
    for line in sweep.lines:
        for number, flip in enumerate(sweep.flips_of(line.id)):
            name = line.title if not number else ""
            mark = "*" if flip.y == sweep.y.now else " "
            lines.append(f"  {name[:35]:<36}{mark} {sweep.y.shown(flip.y)[:18]:<20}{flip_words(sweep, flip)}")
    lines += ["", *(f"note: {note}" for note in _notes(sweep))]
    return "\n".join(lines) + "\n"


def sweep_markdown(sweep: Sweep) -> str:
    """The same as a Markdown table."""
    rows = [
        f"| {line.title} | {sweep.y.shown(flip.y)} | {flip_words(sweep, flip)} |"
        for line in sweep.lines
        for flip in sweep.flips_of(line.id)
    ]
    head = f"**{flip_headline(sweep)}**\n\n| line | {sweep.y.name} | break-even along {sweep.x.name} |\n| --- | --- | --- |"
    return "\n".join([head, *rows, "", *(f"- {note}" for note in _notes(sweep))]) + "\n"


def rank_table(ranked: Sensitivity) -> str:
    """Inputs by how far they move the saving, as lines of text."""
    lines = [rank_headline(ranked), ""]
    lines += [f"  {'input':<26}{'EC2 saves, lower':>26}{'EC2 saves, higher':>28}{'moves it by':>13}"]
    for each in ranked.inputs:
        low, high = (
            f"{words}: {_money(saving)}" for words, saving in ((each.low, each.saving_low), (each.high, each.saving_high))
        )
        lines.append(f"  {each.input:<26}{low:>26}{high:>28}{money(each.moves_usd):>13}{'  flips' if each.flips else ''}")
    lines += ["", *(f"note: {note}" for note in ranked.not_known)]
    return "\n".join(lines).rstrip() + "\n"


def rank_markdown(ranked: Sensitivity) -> str:
    """The same as a Markdown table."""
    rows = [
        f"| {m.input} | {m.low}: {_money(m.saving_low)} | {m.high}: {_money(m.saving_high)} | {money(m.moves_usd)} "
        f"| {'yes' if m.flips else 'no'} |"
        for m in ranked.inputs
    ]
    head = f"**{rank_headline(ranked)}**\n\n| input | EC2 saves, lower | EC2 saves, higher | moves it by | flips |"
    notes = [f"- {note}" for note in ranked.not_known]
    return "\n".join([head, "| --- | --- | --- | ---: | --- |", *rows, "", *notes]).rstrip() + "\n"


def flip_words(sweep: Sweep, flip: Flip) -> str:
    """``Fargate below 0.65, EC2 above``; several crossings as a range."""
    if flip.cheaper_at_least_x is None:
        return "no price, or no type serves the load"
    low, high = sweep.x.shown(sweep.x.values[0]), sweep.x.shown(sweep.x.values[-1])
    if not flip.crossings or flip.span is None:
        return f"{flip.cheaper_at_least_x} from {low} to {high}"
    first, last = flip.crossings[0], flip.crossings[-1]
    above = "Fargate" if last.cheaper_below == "EC2" else "EC2"
    if len(flip.crossings) == 1:
        return f"{first.cheaper_below} below {_crossing_words(sweep, first)}, {above} above"
    ends = sweep.x.shown(flip.span[0]), sweep.x.shown(flip.span[1])
    return f"{first.cheaper_below} below {ends[0]}, {above} above {ends[1]}, {len(flip.crossings)} crossings between"


def _crossing_words(sweep: Sweep, crossing: Crossing) -> str:
    if sweep.x.kind.is_whole:
        return f"{sweep.x.shown(crossing.high)}"
    return f"{sweep.x.shown(crossing.at)}{' (a jump)' if crossing.is_jump else ''}"


def flip_headline(sweep: Sweep) -> str:
    """Who is cheaper today, and where that ends, for the first line."""
    headline = _headline(sweep)
    return f"Without the held commitments, which `recommend` counts: {headline}" if sweep.is_held_left_aside else headline


def _headline(sweep: Sweep) -> str:
    line, today = sweep.lines[0], sweep.today
    if today.fargate_usd is None or today.ec2_usd is None:
        missing = "Fargate" if today.fargate_usd is None else "EC2"
        return f"{missing} has no price or no type for this load: there is nothing to flip"
    if sweep.y.is_categorical:
        return _headline_of_names(sweep, line)
    winner, other = ("EC2", "Fargate") if today.ec2_usd < today.fargate_usd else ("Fargate", "EC2")
    usd, more_usd = sorted((today.ec2_usd, today.fargate_usd))
    saves = f"{winner} is cheaper today by {percent(1 - usd / more_usd)} ({money(usd)} against {money(more_usd)})"
    row = _row_of_today(sweep, line)
    if row is None or sweep.x.now is None:
        return saves
    now = sweep.x.now
    below = [c for c in row.crossings if isinstance(now, float) and c.high <= now]
    above = [c for c in row.crossings if isinstance(now, float) and c.low >= now]
    if not below and not above:
        low, high = sweep.x.shown(sweep.x.values[0]), sweep.x.shown(sweep.x.values[-1])
        return f"{saves}; no flip from {low} to {high} {AXIS_ENDS[sweep.x.name]}"
    where = [f"below {sweep.x.shown(below[-1].at)}"] if below else []
    where += [f"above {sweep.x.shown(above[0].at)}"] if above else []
    return f"{saves}; {other} {' and '.join(where)} {AXIS_ENDS[sweep.x.name]}"


def _headline_of_names(sweep: Sweep, line: Line) -> str:
    """Who is cheaper today for each name on the axis."""
    if sweep.x.now is None:
        return f"Who is cheaper by {sweep.y.words}, and where along {sweep.x.words}"
    column = sweep.x.values.index(sweep.x.now)
    names: dict[str, list[str]] = {"EC2": [], "Fargate": []}
    for value, cells in zip(sweep.y.values, sweep.cells[line.id], strict=True):
        saves = cells[column].ec2_saves
        if saves is not None:
            names["EC2" if saves > 0 else "Fargate"].append(terms_words(value))
    if sweep.y.name is AxisName.COMMITMENT:
        sides = "; ".join(f"{side} with {' and '.join(found)}" for side, found in names.items() if found)
        return f"Cheaper today with Savings Plans on both sides: {sides}"
    n_ec2, n = len(names["EC2"]), len(names["EC2"]) + len(names["Fargate"])
    return (
        f"Of {n} instance type{'s' if n > 1 else ''}, {n_ec2 or 'none'} cost{'' if n_ec2 > 1 else 's'} less than Fargate today"
    )


def terms_words(value: AxisValue) -> str:
    """``1 year no upfront`` of ``1y:no_upfront``.

    >>> terms_words("3y:partial_upfront")
    '3 years partial upfront'
    """
    years, _, payment = str(value).partition("y:")
    return f"{years} year{'' if years == '1' else 's'} {payment.replace('_', ' ')}" if payment else str(value)


def rank_headline(ranked: Sensitivity) -> str:
    """Which input decides."""
    first = ranked.inputs[0].input
    winner, other = ("EC2", "Fargate") if ranked.saving_usd > 0 else ("Fargate", "EC2")
    flips = [f"the {each.input}" for each in ranked.inputs if each.flips]
    end = f"; {' and '.join(flips)} can turn it" if flips else "; none of the inputs turns it"
    saves = f"All on {winner} saves {money(abs(ranked.saving_usd))} a month today against all on {other}"
    return f"{saves}; what moves that most: {first}{end}"


def payback_sentences(found: Payback) -> list[str]:
    """What the saving is worth in work."""
    rate = f"{money(found.labour_usd_per_hour)} an hour"
    if found.break_even_hours_per_month is None:
        return [f"Against {found.against_title} nothing is saved: no work pays for itself."]
    low = found.break_even_hours_low
    worst = f" ({low:.1f} h at the low end)" if low is not None else " (at the low end it saves nothing)"
    hours = f"{found.break_even_hours_per_month:.1f} hours a month at {rate}"
    sentences = [f"Against {found.against_title}: the move pays unless it takes more than {hours}{worst}."]
    if found.one_off_usd:
        if found.payback_months is None:
            sentences.append(f"The migration costs {money(found.one_off_usd)} once and never pays: the work takes the saving.")
        else:
            late = found.payback_months_late
            end = f"{late:.1f} at the low end of the saving" if late is not None else "at its low end it never does"
            paid = f"has paid after {found.payback_months:.1f} months, {end}"
            sentences.append(f"The migration costs {money(found.one_off_usd)} once and {paid}.")
    return sentences


def _row_of_today(sweep: Sweep, line: Line) -> Flip | None:
    return next((flip for flip in sweep.flips_of(line.id) if flip.y == sweep.y.now), None)


def _heading(sweep: Sweep) -> str:
    return f"{sweep.y.name} (* today)" if sweep.y.now is not None else str(sweep.y.name)


def _notes(sweep: Sweep) -> list[str]:
    cloud = sweep.cloud
    load = (
        [f"next month's load is {cloud.p10:.2f} to {cloud.p90:.2f} times that of the last four weeks in 8 of 10 draws"]
        if cloud is not None
        else []
    )
    fixed = [
        "costs are those of the packing model on the last four weeks, instance types chosen anew at each point; ECS's own "
        f"placement may make EC2 up to {PACKING_RANGE * 100:g} % dearer"
    ]
    return [*load, *fixed, *sweep.notes]


def _grid_rows(sweep: Sweep) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for line in sweep.lines:
        for y, cells in zip(sweep.y.values, sweep.cells[line.id], strict=True):
            for x, cell in zip(sweep.x.values, cells, strict=True):
                saves = cell.ec2_saves
                cheaper = "" if saves is None else ("EC2" if saves > 0 else "Fargate")
                rows.append(
                    (
                        line.id,
                        str(sweep.x.name),
                        x,
                        str(sweep.y.name),
                        y,
                        _cell(cell.fargate_usd),
                        _cell(cell.ec2_usd),
                        cheaper,
                        " ".join(cell.instance_types),
                        f"{cell.unmet_task_hours:.2f}",
                    )
                )
    return rows


def _money(usd: float | None) -> str:
    return "-" if usd is None else money(usd)


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
