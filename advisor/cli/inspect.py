"""``advisor inspect``: what was understood of a load, before any advice."""

import csv
import io
import json
import math
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from advisor.cli.options import Format, FormatOption, NoColorOption, QuietOption, has_color, say
from advisor.cli.reading import (
    ColumnOption,
    DayFirstOption,
    DecimalOption,
    DelimiterOption,
    DoubledHourOption,
    EncodingOption,
    EpochUnitOption,
    IntervalOption,
    StartOption,
    TimeZoneOption,
    ValuesOption,
    reading_of,
)

if TYPE_CHECKING:
    from advisor.sources.inspection import Inspection, MeasureFacts, ServiceFacts

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_PLAIN_BLOCKS: Final = "_.-=+*#@"
_UNKNOWN: Final = " "
_CHART_WIDTH: Final = 60
_BLUE, _RESET = "\033[34m", "\033[0m"
_MOST_SHOWN: Final = 40
"""Services that a terminal shows in full; the others stand in the other formats."""


def inspect_command(
    load: Annotated[
        Path, typer.Argument(help="CSV, JSON or Parquet of load, a folder of them, or a workload file.", show_default=False)
    ],
    time_zone: TimeZoneOption = None,
    column: ColumnOption = None,
    values: ValuesOption = None,
    decimal: DecimalOption = None,
    delimiter: DelimiterOption = None,
    day_first: DayFirstOption = None,
    encoding: EncodingOption = None,
    epoch_unit: EpochUnitOption = None,
    doubled_hour: DoubledHourOption = None,
    interval: IntervalOption = None,
    start: StartOption = None,
    output: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Show what is understood of LOAD: columns, time, gaps, percentiles, shape, and a small chart.

    Example: advisor inspect examples/shop/orders.csv
    """
    from advisor.sources import inspect_load

    reading = reading_of(
        time_zone=time_zone,
        column=column,
        values=values,
        decimal=decimal,
        delimiter=delimiter,
        day_first=day_first,
        encoding=encoding,
        epoch_unit=epoch_unit,
        doubled_hour=doubled_hour,
        interval=interval,
        start=start,
    )
    inspection = inspect_load(load, reading=reading)
    if output is Format.CSV:
        for note in inspection.notes:
            say(f"note: {note}", is_quiet=quiet)
    typer.echo(_rendered(inspection, output, no_color), nl=False)


def _rendered(inspection: "Inspection", output: Format, no_color: bool) -> str:
    if output is Format.JSON:
        return json.dumps(inspection.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if output is Format.CSV:
        return _csv(inspection)
    if output is Format.MARKDOWN:
        return _markdown(inspection)
    width = shutil.get_terminal_size((80, 24)).columns
    return "\n".join(_lines(inspection, min(max(width - 20, 20), _CHART_WIDTH), has_color(no_color))) + "\n"


def _csv(inspection: "Inspection") -> str:
    from advisor.sources.inspection import measure_rows

    rows = measure_rows(inspection)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    """A cell that starts no formula in a spreadsheet."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _markdown(inspection: "Inspection") -> str:
    lines = [f"# Load in {_inert(inspection.source)}", ""]
    lines += ["| service | measure | from | interval | span | known | p50 | p95 | max | at | shape | why |"]
    lines += ["|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for service in inspection.services:
        for each in service.measures:
            cells = (
                each.service, each.measure, each.column, _duration(service.interval_s), f"{service.start} to {service.end}",
                f"{_share(each)} %", _number(each.percentiles[50]), _number(each.percentiles[95]), _number(each.maximum),
                each.maximum_at, each.shape.word, each.shape.why,
            )  # fmt: skip
            lines.append("| " + " | ".join(_inert(str(cell)) for cell in cells) + " |")
    lines += ["", *(f"- {_inert(note)}" for note in inspection.notes)]
    return "\n".join(lines) + "\n"


def _inert(text: str) -> str:
    """Text that makes no markup and no table cell of its own."""
    shown = text if text.isprintable() else repr(text)[1:-1]
    return shown.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "'").replace("*", "\\*")


def _lines(inspection: "Inspection", width: int, color: bool) -> list[str]:
    lines: list[str] = []
    for service in inspection.services[:_MOST_SHOWN]:
        if lines:
            lines.append("")
        lines += _service_lines(service, inspection.time_zone, width, color)
    if inspection.notes:
        lines += ["", "understood, repaired or assumed:", *(f"  {_printable(note)}" for note in inspection.notes)]
    left = len(inspection.services) - _MOST_SHOWN
    if left > 0:
        lines += ["", f"and {left:,} more services: see --format csv or json"]
    return lines


def _service_lines(service: "ServiceFacts", zone: str, width: int, color: bool) -> list[str]:
    lines = [
        f"{_printable(service.service)}  {service.start} to {service.end} ({service.span_days:,.3g} d), every "
        f"{_duration(service.interval_s)}, shown in UTC{'' if zone == 'UTC' else f', times without a zone read as {zone}'}"
    ]
    for each in service.measures:
        gaps = "no gaps" if not each.n_gaps else f"{_n(each.n_gaps, 'gap')}, longest {_duration(each.longest_gap_s)}"
        gaps += f", {_n(each.n_repeated_times, 'repeated time')}" if each.n_repeated_times else ", no repeated times"
        named = "" if each.column == each.measure else f" from {_printable(each.column)!r}"
        lines += [
            f"  {each.measure}{named}: {each.n_known:,} of {each.n_steps:,} steps known ({_share(each)} %), {gaps}",
            "    "
            + "  ".join(
                f"{name} {_number(value)}"
                for name, value in (
                    ("min", each.minimum),
                    *((f"p{p}", each.percentiles[p]) for p in (5, 50, 95, 99)),
                    ("max", each.maximum),
                    ("mean", each.mean),
                )
            ),
            f"    peak at {each.maximum_at}",
            f"    shape: {each.shape.word}, {each.shape.why}",
            f"    {_chart(each.chart, width, color)}",
        ]
    return lines


def _chart(points: Sequence[float | None], width: int, color: bool) -> str:
    """A row of blocks from zero to the peak; ASCII where stdout cannot show blocks, blanks where nothing is known."""
    blocks = _BLOCKS if _can_show(_BLOCKS) else _PLAIN_BLOCKS
    width = min(width, len(points))
    parts = [points[len(points) * i // width : len(points) * (i + 1) // width] for i in range(width)]
    peaks = [max((p for p in part if p is not None), default=None) for part in parts]
    highest = max((peak for peak in peaks if peak is not None), default=0.0) or 1.0
    row = "".join(
        _UNKNOWN if peak is None else blocks[min(int(peak / highest * len(blocks)), len(blocks) - 1)] for peak in peaks
    )
    return f"|{_BLUE}{row}{_RESET}|" if color else f"|{row}|"


def _can_show(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _printable(text: str) -> str:
    shown = text if text.isprintable() else repr(text)[1:-1]
    return shown if _can_show(shown) else ascii(shown)[1:-1]


def _share(measure: "MeasureFacts") -> str:
    """Percent known, rounded down: 100 means all."""
    return f"{math.floor(10_000 * measure.coverage_fraction) / 100:g}"


def _number(value: float) -> str:
    return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def _n(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _duration(seconds: int) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length:,} {unit}"
    return f"{seconds:,} s"
