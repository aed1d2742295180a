"""Options that say how load files are read, where the files do not say it themselves."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from advisor.sources.load_options import LoadOptions

TimeZoneOption = Annotated[
    str | None, typer.Option(help="Zone of time stamps without one, such as Europe/Berlin.", show_default=False)
]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        help="name=meaning of a column or metric, such as cpu=cpu_percent, cpu=cpu_millicores, mem=memory_bytes, "
        "mhz=cpu_units*0.4, pod=service or note=ignore. May stand several times.",
        show_default=False,
    ),
]
ValuesOption = Annotated[
    str | None,
    typer.Option(help="Meaning of columns, series or numbers whose name does not tell it, such as tasks.", show_default=False),
]
DecimalOption = Annotated[str | None, typer.Option(help="Decimal sign: comma or point.", show_default=False)]
DelimiterOption = Annotated[
    str | None, typer.Option(help="Between columns: comma, semicolon, tab, pipe or space.", show_default=False)
]
DayFirstOption = Annotated[
    bool | None, typer.Option("--day-first/--month-first", help="How to read 3/4/2024.", show_default=False)
]
EncodingOption = Annotated[str | None, typer.Option(help="Of text files, such as utf-16 or cp1252.", show_default=False)]
EpochUnitOption = Annotated[str | None, typer.Option(help="Of times that are numbers: s, ms, us or ns.", show_default=False)]
DoubledHourOption = Annotated[
    str | None,
    typer.Option(help="Which pass is meant when clocks go back and the hour stands once: first or second.", show_default=False),
]
IntervalOption = Annotated[int | None, typer.Option(help="Seconds between rows.", show_default=False)]
StartOption = Annotated[
    str | None,
    typer.Option(help="Time of the first row, or the zero of relative times: 2024-03-01T00:00Z.", show_default=False),
]


def reading_of(
    *,
    time_zone: str | None,
    column: list[str] | None,
    values: str | None,
    decimal: str | None,
    delimiter: str | None,
    day_first: bool | None,
    encoding: str | None,
    epoch_unit: str | None,
    doubled_hour: str | None,
    interval: int | None,
    start: str | None,
) -> "LoadOptions":
    """What a command states about its load files."""
    from advisor.sources.load_options import LoadOptions

    return LoadOptions.stated(
        time_zone=time_zone,
        columns=_columns(column or []),
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


def _columns(pairs: list[str]) -> dict[str, str]:
    columns = {}
    for pair in pairs:
        name, separator, meaning = pair.rpartition("=")
        if not separator:
            raise typer.BadParameter(f"{pair!r} is not name=meaning", param_hint="--column")
        columns[name] = meaning
    return columns
