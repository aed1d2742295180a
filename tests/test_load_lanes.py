"""Plain rows are read many at a time, all others one by one: both ways give the same numbers, or the same message."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from advisor import LoadOptions
from advisor.errors import InputError
from advisor.sources.input_files import InputFiles, Place, count_bytes
from advisor.sources.load_content import LoadTable
from advisor.sources.load_csv import parse_load_csv
from advisor.sources.load_files import LoadFiles
from advisor.sources.meanings import Meaning
from advisor.sources.records import Records
from advisor.sources.series import regular_series
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
    values = {str(meaning): column.tolist() for meaning, column in table.values.items()}
    lines = [table.place_of(at).line for at in range(len(next(iter(values.values()))))]
    times = [table.records_of(service, []).times_s.tolist() for service in services]
    return repr((services, table.service_bounds, times, values, lines, notes))


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


@given(
    start_s=st.integers(0, 10**6),
    step_s=st.sampled_from([20, 60, 300, 3_600]),
    values=st.lists(st.floats(0, 1e9), min_size=2, max_size=60),
    meaning=st.sampled_from([Meaning.TASKS, Meaning.REQUESTS, Meaning.CPU_PERCENT_MAXIMUM]),
    stated_step_s=st.sampled_from([None, 300, 3_600]),
)
def test_even_times_told_at_once_are_those_told_one_by_one(start_s, step_s, values, meaning, stated_step_s):
    def series(order):
        notes: list[str] = []
        records = Records(
            label="load.csv",
            times_s=(start_s + step_s * np.arange(len(values)))[order],
            values={meaning: np.array(values)[order]},
            origins={meaning: Place("load.csv", 1, "load")},
            place_of=lambda row: Place("load.csv", row + 2),
            is_stated=True,
        )
        found = regular_series([records], notes, stated_step_s)
        columns = {name: column.tolist() for name, column in found.values.items()}
        return found.start_s, found.step_s, repr(columns), [note for note in notes if "not in order" not in note]

    assert series(slice(None)) == series(slice(None, None, -1))


def test_files_of_one_export_share_their_times_and_keep_their_values(tmp_path):
    rows = {"a": ["00:00Z,1", "01:00Z,2"], "b": ["00:00Z,3", "01:00Z,4"], "c": ["00:00Z,5", "02:00Z,6"]}
    for name, lines in rows.items():
        text = "".join(f"2024-01-01T{line}\n" for line in ["timestamp,tasks", *lines]).replace("2024-01-01Ttime", "time")
        (tmp_path / f"{name}.csv").write_text(text)
    files = LoadFiles(InputFiles(), LoadOptions())
    a, b, c = (files.opened(tmp_path / f"{name}.csv") for name in rows)
    assert a.times.epoch_s is b.times.epoch_s
    assert (c.times.epoch_s - a.times.epoch_s).tolist() == [0, 3_600]
    assert [one.values[Meaning.TASKS].tolist() for one in (a, b, c)] == [[1, 2], [3, 4], [5, 6]]


@pytest.mark.parametrize("cuts", [(), (13,), (11, 20)])
def test_services_that_stand_at_each_time_share_its_stamps(cuts):
    rows = [f"2024-01-01T00:{minute:02}:00Z,{name},{n}\n" for n, (minute, name) in enumerate(product(range(9), "cab"))]

    def table(rows):
        lines = ["timestamp,service,tasks\n", *rows]
        blocks = ["".join(lines[first:last]).encode() for first, last in pairwise((0, *cuts, len(lines)))]
        return parse_load_csv(blocks, "load.csv", LoadOptions(), [])

    def services(table):
        records = {name: table.records_of(name, []) for name in "abc"}
        return {name: [*zip(one.times_s, one.values[Meaning.TASKS], strict=True)] for name, one in records.items()}

    even, late, cut = table(rows), table([*rows[:20], rows[20].replace("06:00", "06:30"), *rows[21:]]), table(rows[:-1])
    assert [one.has_shared_times for one in (even, late, cut)] == [True, False, False]
    start_s = 1_704_067_200
    assert services(even) == {
        name: [(start_s + 60 * minute, 3 * minute + at) for minute in range(9)] for at, name in enumerate("cab")
    }
    assert services(late) == services(even) | {
        "b": [(start_s + 60 * minute + 30 * (minute == 6), 3 * minute + 2) for minute in range(9)]
    }
    assert services(cut) == services(even) | {"b": services(even)["b"][:-1]}
    assert [even.records_of(name, []).place_of(1).line for name in "abc"] == [6, 7, 5]


@given(data=st.binary(max_size=40), n_times=st.sampled_from([1, 1_000, 5_000]))
def test_bytes_are_counted_as_python_counts_them(data, n_times):
    assert count_bytes(data * n_times, 10) == (data * n_times).count(b"\n")
