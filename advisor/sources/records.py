"""Rows with times, as files give them, and files of the same columns put together."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from advisor.sources.input_files import Place
from advisor.sources.meanings import Meaning
from advisor.units import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Records:
    """Rows with a time, as one file gives them for one service. The order of rows means nothing."""

    label: str
    """What notes call them: the file, and the service or metric where the file holds several."""
    times_s: IntArray
    """(rows,): seconds since 1970."""
    values: Mapping[Meaning, FloatArray]
    """(rows,) each: NaN where the cell was empty."""
    origins: Mapping[Meaning, Place]
    """Where each column begins."""
    place_of: Callable[[int], Place]
    """Where a row stands."""
    unused_names: tuple[str, ...] = ()
    """Columns of text that were not read, and may tell rows of one time apart."""
    usual_step_s: int | None = None
    """The most common distance between rows of all services of the file, where there are several. [s]"""
    is_zone_assumed: bool = False
    """True where times carry no zone and nobody said which."""
    is_stated: bool = False
    """True where the user said what the columns mean."""


def without_second_requests(records: Sequence[Records], notes: list[str]) -> Sequence[Records]:
    """Records in which requests stand once: a rate goes before a count of the same."""
    has_rate = any(Meaning.REQUESTS_PER_SECOND in one.values for one in records)
    if not has_rate or not any(Meaning.REQUESTS in one.values for one in records):
        return records
    notes.append(f"{records[0].label}: requests are given as a rate and as counts; the rate was used.")
    kept = []
    for one in records:
        values: dict[Meaning, FloatArray] = {m: column for m, column in one.values.items() if m is not Meaning.REQUESTS}
        if values:
            kept.append(replace(one, values=values, origins={meaning: one.origins[meaning] for meaning in values}))
    return kept


def tables_of(records: Iterable[Records]) -> list[Records]:
    """Records with the same columns put together; columns that several tables share are taken out of them first."""
    by_columns: dict[frozenset[Meaning], list[Records]] = {}
    for one in records:
        by_columns.setdefault(frozenset(one.values), []).append(one)
    n_columns = sum(len(columns) for columns in by_columns)
    if n_columns > len(frozenset().union(*by_columns)):
        return tables_of(_single_columns(one for group in by_columns.values() for one in group))
    return [_concatenated(group) for group in by_columns.values()]


def _single_columns(records: Iterable[Records]) -> Iterable[Records]:
    for one in records:
        for meaning, column in one.values.items():
            yield replace(one, values={meaning: column}, origins={meaning: one.origins[meaning]})


def _concatenated(group: Sequence[Records]) -> Records:
    if len(group) == 1:
        return group[0]
    first_rows = np.cumsum([0, *(len(one.times_s) for one in group)])

    def place_of(row: int) -> Place:
        part = int(np.searchsorted(first_rows, row, side="right")) - 1
        return group[part].place_of(row - int(first_rows[part]))

    return Records(
        label=", ".join(dict.fromkeys(one.label for one in group)),
        times_s=np.concatenate([one.times_s for one in group]),
        values={meaning: np.concatenate([one.values[meaning] for one in group]) for meaning in group[0].values},
        origins=group[0].origins,
        place_of=place_of,
    )
