"""Load from Parquet: a table whose columns carry their types, read through the same rules as a CSV; needs pyarrow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from advisor.errors import InputError
from advisor.sources.places import Place

_BATCH_ROWS: Final = 65_536
_EXTRA_FIX: Final = "Install the extra: pip install 'ecs-launch-advisor[fleet]'. Or save the table as CSV."


def parquet_blocks(path: Path) -> Iterator[bytes]:
    """The table as CSV in UTF-8, in blocks of whole lines, times in UTC as ISO 8601.

    Raises
    ------
    InputError
        Without pyarrow, or when the file is damaged.
    """
    try:
        import pyarrow  # type: ignore[import-untyped]  # pyarrow has no types
        from pyarrow import csv, parquet
    except ImportError:
        raise Place(str(path)).error("reading Parquet needs pyarrow, which is not installed", fix=_EXTRA_FIX) from None
    try:
        with parquet.ParquetFile(path) as file:
            _check_types(file.schema_arrow, path)
            has_header = True
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                sink = pyarrow.BufferOutputStream()
                table = pyarrow.Table.from_batches([_plain(batch)])
                csv.write_csv(table, sink, csv.WriteOptions(include_header=has_header, quoting_style="needed"))
                has_header = False
                yield sink.getvalue().to_pybytes()
    except InputError:
        raise
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        first = str(error).split("\n", 1)[0][:120].rstrip(". ")
        raise Place(str(path)).error(f"damaged Parquet data ({first})", fix="Copy or export the file again.") from None


def _check_types(schema: Any, path: Path) -> None:
    import pyarrow

    for field in schema:
        if pyarrow.types.is_nested(field.type):
            raise Place(str(path), column=field.name).error(
                f"the column holds {field.type} values, not plain ones", fix="Flatten it, or leave the column out."
            )


def _plain(batch: Any) -> Any:
    """A batch whose times are text in UTC and whose other columns CSV can hold."""
    import pyarrow
    from pyarrow import compute

    columns = []
    for column in batch.columns:
        kind = column.type
        if pyarrow.types.is_dictionary(kind):
            column = column.dictionary_decode()
        elif pyarrow.types.is_timestamp(kind):
            utc = column.cast(pyarrow.timestamp("ms", "UTC" if kind.tz else None), safe=False)
            column = compute.strftime(utc, format=f"%Y-%m-%dT%H:%M:%S{'Z' if kind.tz else ''}")
        elif pyarrow.types.is_decimal(kind):
            column = column.cast(pyarrow.float64())
        elif pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind):
            column = column.cast(pyarrow.string())
        columns.append(column)
    return pyarrow.RecordBatch.from_arrays(columns, names=batch.schema.names)
