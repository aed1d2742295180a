"""Plain rows are read many at a time, all others one by one: both ways give the same numbers, or the same message."""

from itertools import pairwise

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from advisor import LoadOptions
from advisor.errors import InputError
from advisor.sources.load_content import LoadTable
from advisor.sources.load_csv import parse_load_csv
from advisor.sources.timestamps import is_number

TIDY_NUMBERS = st.decimals(min_value=0, max_value=10**7, places=3, allow_nan=False).map(str) | st.integers(0, 10**9).map(str)
UNTIDY_NUMBERS = st.sampled_from(
    [
        "1e3",
        "1E-2",
        "1e400",
        "-1",
        "+5",
        ".5",
        "5.",
        ".",
        "-",
        "NaN",
        "nan",
        "inf",
        "-0",
        "0x10",
        "1_000",
        "1,5",
        "12%",
        "512m",
        "1Gi",
        "1.2.3",
        "½",
        "٣",
        "00012",
        "9007199254740993",
        "123456789012345678901234",
        "0.1234567890123456789",
        "99999999.99999999",
    ]
) | st.sampled_from(["", " 7", "7 ", "1 000", "=1+1", "'4"])
NAMES = st.sampled_from(["web", "api", "checkout", "a" * 70, "web ", "caf\u00e9", "x;y"])
STAMPS = st.sampled_from(["{}Z", "{}", "{}+00:00", "{}.000Z", "{}.5Z", "{}+02:00"])


@st.composite
def tables(draw):
    """A header and rows, nearly all of them plain, and where the text is cut into blocks."""
    is_tidy = draw(st.booleans())
    has_names, n_values = draw(st.booleans()), draw(st.integers(1, 3))
    stamp, separator = draw(STAMPS), draw(st.sampled_from([",", ",", ";", "\t"]))
    names = draw(st.lists(NAMES if not is_tidy else st.sampled_from(["web", "api", "service-1"]), min_size=1, max_size=3))
    n_rows = draw(st.integers(2, 12))
    rows = []
    for at in range(n_rows):
        time = stamp.format(str(np.datetime64("2024-02-28T23:00:00") + np.timedelta64(60 * (at // len(names)), "s")))
        name = [names[at % len(names)]] if has_names else []
        numbers = draw(st.lists(TIDY_NUMBERS, min_size=n_values, max_size=n_values))
        rows.append([time, *name, *numbers])
    if not is_tidy:
        for _ in range(draw(st.integers(1, 3))):
            row = draw(st.sampled_from(rows))
            at = draw(st.integers(0, len(row) - 1))
            row[at] = draw(
                UNTIDY_NUMBERS | st.sampled_from(["2024-02-30T00:00:00Z", "2024-02-28T24:00:00Z", "1709161200", "a"])
            )
            if draw(st.integers(0, 5)) == 0:
                row.append(draw(UNTIDY_NUMBERS))
    header = ["timestamp", *(["service"] if has_names else []), "tasks", "memory_mib", "cpu_units"][: 1 + has_names + n_values]
    lines = [separator.join(cells) for cells in (header, *rows)]
    return lines, draw(st.sets(st.integers(2, n_rows), max_size=3))


def _read(blocks):
    notes: list[str] = []
    try:
        table = parse_load_csv(iter(blocks), "load.csv", LoadOptions(), notes)
    except InputError as error:
        return str(error)
    assert isinstance(table, LoadTable)
    services = table.service_names or ("all",)
    lines = [table.place_of(at).line for at in range(len(table.times.epoch_s))]
    values = {str(meaning): column.tolist() for meaning, column in table.values.items()}
    return repr((services, table.service_bounds, table.times.epoch_s.tolist(), values, lines, notes))


@given(table=tables())
@example(table=(["timestamp,tasks", "2024-01-01T00:00:00Z,1", "2024-01-01T00:01:00Z,1e400"], {2}))
@example(table=(["timestamp,service,tasks", "2024-01-01T00:00:00Z,web,1", "2024-01-01T00:00:00Z,a,b,1"], set()))
@example(table=(["timestamp,service,tasks", "2024-01-01T00:00:00Z,web,1", "2024-01-01T00:00:00Zxweb,1,1"], set()))
def test_plain_rows_read_together_are_those_read_one_by_one(table):
    lines, cuts = table
    separator = next(sign for sign in ",;\t" if sign in lines[0])
    width = lines[0].count(separator)
    together, one_by_one = [], []
    for first, last in pairwise((0, *sorted(cut for cut in cuts if cut < len(lines)), len(lines))):
        rows = lines[first:last]
        together.append("".join(f"{row}\n" for row in rows).encode())
        plain = next((at for at, row in enumerate(rows) if row.count(separator) == width and first + at > 0), None)
        if plain is not None:
            rows[plain] += separator  # An empty cell too many is allowed, and takes the way of single rows.
        one_by_one.append("".join(f"{row}\n" for row in rows).encode())
    fast, careful = _read(together), _read(one_by_one)
    if any(is_number(row.split(separator)[0]) for row in lines[1:]):  # of dates and numbers together, either may be named
        assert fast.startswith("load.csv, line") == careful.startswith("load.csv, line")
    else:
        assert fast == careful
